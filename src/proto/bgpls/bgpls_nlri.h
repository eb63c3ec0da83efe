/* bgpls_nlri.h - the NLRI of link state: nodes, links and prefixes, as BGP-LS names them
 * (RFC 9552 section 5.2). Pure.
 *
 * The octets of an NLRI are its name: TLVs stand in one order only (section 5.1), so two that mean
 * the same are the same octet for octet, also with TLVs that we do not know. `octets` are the key
 * for a table; the members are what we understand of it.
 *
 * What is wrong with an NLRI costs that NLRI ("NLRI discard"), or the session where it cannot be
 * told where the next one begins (section 8.2.2). */
#ifndef PROTO_BGPLS_BGPLS_NLRI_H
#define PROTO_BGPLS_BGPLS_NLRI_H

#include "base/buf.h"

enum bgpls_type { /* section 5.2, table 1; RFC 9514 section 6 */
                  BGPLS_NODE = 1,
                  BGPLS_LINK = 2,
                  BGPLS_PREFIX4 = 3,
                  BGPLS_PREFIX6 = 4,
                  BGPLS_SRV6_SID = 6,
};

enum bgpls_protocol { /* table 2 */
                      BGPLS_ISIS_L1 = 1,
                      BGPLS_ISIS_L2 = 2,
                      BGPLS_OSPFV2 = 3,
                      BGPLS_DIRECT = 4,
                      BGPLS_STATIC = 5,
                      BGPLS_OSPFV3 = 6,
                      BGPLS_BGP = 7, /* RFC 9086 */
};

/* IGP Router-ID (section 5.2.1.4): the protocol and its size say what it is. */
enum bgpls_router_form {
    BGPLS_ROUTER_NONE,
    BGPLS_ROUTER_OSPF,            /* 4 octets: its Router ID */
    BGPLS_ROUTER_OSPF_PSEUDONODE, /* 8: that of the designated router, and its interface */
    BGPLS_ROUTER_ISIS,            /* 6: its system ID */
    BGPLS_ROUTER_ISIS_PSEUDONODE, /* 7: that of the designated one, and a number that is not 0 */
    BGPLS_ROUTER_OTHER,           /* 4 or 16: an address (direct, static); any other size */
};

#define BGPLS_ROUTER_ID_MAX 16

struct bgpls_node {
    bool has_as, has_bgpls_id, has_area, has_bgp_router_id, has_member_as;
    uint32_t as;
    uint32_t bgpls_id;      /* deprecated, but part of the name */
    uint32_t area;          /* OSPF */
    uint32_t bgp_router_id; /* RFC 9086 section 4.1 */
    uint32_t member_as;
    uint8_t router_id_size; /* 0: none */
    uint8_t router_id[BGPLS_ROUTER_ID_MAX];
};

/* A TLV that we do not know, or one too many of those that we do. */
struct bgpls_extra {
    uint16_t parent; /* 256, 257: in these descriptors; 0: outside of them */
    uint16_t type, size;
    const uint8_t *value;
};

#define BGPLS_EXTRA_MAX 8

struct bgpls_nlri {
    uint16_t type; /* enum bgpls_type; with any other only `octets` are set */
    uint8_t protocol;
    uint64_t instance;               /* Identifier: of the IGP's instance */
    struct bgpls_node local, remote; /* the remote one of links only */

    bool has_link_ids, has_mt_id, has_route_type;
    uint32_t local_link_id, remote_link_id;
    uint16_t mt_id; /* with its four reserved bits; BGPLS_MT_ID() */
    bool has_local4, has_remote4, has_local6, has_remote6;
    uint8_t local4[4], remote4[4], local6[16], remote6[16]; /* interface and neighbour address */

    uint8_t route_type;    /* OSPF: 1 intra area ... 6 (section 5.2.3.1) */
    uint8_t prefix_length; /* bits */
    uint8_t prefix[16];

    unsigned n_extra; /* there may be more than are kept */
    struct bgpls_extra extra[BGPLS_EXTRA_MAX];

    const uint8_t *octets; /* all of it, its type and length included */
    size_t size;
};

#define BGPLS_MT_ID(mt_id) ((uint16_t)((mt_id)&0xfff))

/* Finds the next NLRI in `*size` octets at `*data`, and moves behind it. ERR_NOT_FOUND: there is no
 * more. ERR_TRUNCATED: its length leaves the octets: nothing that follows can be read.
 * ERR_MALFORMED: this one is to be discarded; `*what` says why, and `*next` has its type and
 * octets. */
MUST_CHECK enum err bgpls_nlri_next(const uint8_t **data, size_t *size, struct bgpls_nlri *next,
                                    const char **what);

/* Writes it anew from its members, in the one order, or `octets` if the type is not known.
 * ERR_LIMIT: it had more TLVs that are not known than are kept, or the buffer's limit;
 * ERR_INVALID: a prefix or identifier that is too long. On failure nothing is written. */
MUST_CHECK enum err bgpls_nlri_encode(const struct bgpls_nlri *, struct buf *);

/* One line: "link OSPFv2 0 [as 65000 area 0.0.0.0 10.0.0.1] [...] 10.1.0.1 > 10.1.0.2". */
void bgpls_nlri_print(const struct bgpls_nlri *, struct buf *);

enum bgpls_router_form bgpls_router_form(uint8_t protocol, const struct bgpls_node *);
/* "10.0.0.1", "10.0.0.1:10.1.0.1", "1720.1600.0001", "1720.1600.0001.02". */
void bgpls_router_id_print(uint8_t protocol, const struct bgpls_node *, struct buf *);
const char *bgpls_protocol_name(uint8_t); /* "IS-IS L2", or "?"; static */
const char *bgpls_type_name(uint16_t);    /* "link", or "?"; static */

#endif
