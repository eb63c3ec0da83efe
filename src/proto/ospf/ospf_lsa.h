/* ospf_lsa.h - link state advertisements of OSPF version 2, as far as traffic engineering needs
 * them.
 *
 *   router LSA, network LSA                 RFC 2328 appendix A.4
 *   opaque LSAs                             RFC 5250
 *     1  traffic engineering                RFC 3630, 4203 (numbers, groups), 7308, 7471 (delays)
 *     4  router information                 RFC 7770, 5642 (name), 8476 (MSD), 8665 (labels)
 *     7  extended prefix                    RFC 7684, 8665
 *     8  extended link                      RFC 7684, 8665
 *
 * TLVs that are not known are passed over, as RFC 3630 section 2.3.2 and 7770 section 2.3 say.
 * Pure.
 */
#ifndef PROTO_OSPF_OSPF_LSA_H
#define PROTO_OSPF_OSPF_LSA_H

#include "base/arena.h"
#include "base/cursor.h"

#define OSPF_LSA_HEADER_SIZE 20
#define OSPF_MAX_AGE 3600 /* such an LSA is being withdrawn */
#define OSPF_NO_SID UINT32_MAX

enum ospf_lsa_type {
    OSPF_ROUTER_LSA = 1,
    OSPF_NETWORK_LSA = 2,
    OSPF_OPAQUE_LINK = 9,
    OSPF_OPAQUE_AREA = 10,
    OSPF_OPAQUE_AS = 11,
};

enum ospf_link_type { OSPF_POINT_TO_POINT = 1, OSPF_TRANSIT = 2, OSPF_STUB = 3, OSPF_VIRTUAL = 4 };

/* Addresses and router ids are numbers: 10.0.0.1 is 0x0a000001. */
struct ospf_router_link {
    uint32_t id, data; /* by its type: RFC 2328 table 18 */
    uint8_t type;
    uint16_t metric;
};

enum ospf_te_attribute { /* which of ospf_te_link was told */
                         OSPF_TE_METRIC = 1 << 0,
                         OSPF_TE_MAX_BANDWIDTH = 1 << 1,
                         OSPF_TE_MAX_RESERVABLE = 1 << 2,
                         OSPF_TE_UNRESERVED = 1 << 3,
                         OSPF_TE_GROUPS = 1 << 4,
                         OSPF_TE_EXTENDED_GROUPS = 1 << 5,
                         OSPF_TE_SRLG = 1 << 6,
                         OSPF_TE_DELAY = 1 << 7,
                         OSPF_TE_MIN_MAX_DELAY = 1 << 8,
                         OSPF_TE_DELAY_VARIATION = 1 << 9,
                         OSPF_TE_LOSS = 1 << 10,
};

#define OSPF_EXTENDED_GROUP_WORDS 8 /* of 32 groups; more are dropped */

struct ospf_te_link {
    uint32_t told;
    uint8_t type; /* OSPF_POINT_TO_POINT, OSPF_TRANSIT (multi-access) */
    uint32_t id;  /* router id of the neighbour, or address of the designated router */
    uint32_t local_address, remote_address; /* the first of each; 0: none */
    uint32_t local_number, remote_number;   /* RFC 4203 section 1.1; 0: none */
    uint32_t metric;
    float max_bandwidth, max_reservable, unreserved[8]; /* octets/s, as they came: any float */
    uint32_t groups, extended_groups[OSPF_EXTENDED_GROUP_WORDS];
    uint32_t *srlgs, n_srlgs;
    uint32_t delay_us, min_delay_us, max_delay_us, delay_variation_us;
    uint32_t loss; /* in units of 0.000003 % */
};

struct ospf_lsa {
    uint16_t age;
    uint8_t options, type;
    uint32_t id, router; /* link state id, advertising router */
    uint32_t sequence;
    uint16_t checksum, length;
    enum ospf_body {
        OSPF_OTHER, /* well-formed header, nothing that we read */
        OSPF_ROUTER,
        OSPF_NETWORK,
        OSPF_TE,
        OSPF_ROUTER_INFORMATION,
        OSPF_EXTENDED_PREFIX,
        OSPF_EXTENDED_LINK,
    } body;
    union {
        struct {
            uint32_t n_links;
            struct ospf_router_link *links;
        } router_links;
        struct {
            uint32_t mask, n_routers, *routers;
        } network;
        /* One of both, says RFC 3630 section 2.4; FRR sends both in one. */
        struct {
            uint32_t router; /* its address (section 2.4.1); 0: none */
            bool has_link;
            struct ospf_te_link link;
        } te;
        struct {
            const char *name;                                    /* RFC 5642; NULL: none */
            uint32_t srgb_base, srgb_size, srlb_base, srlb_size; /* the first range */
            uint8_t max_sid_depth;                               /* 0: not told */
        } information;
        struct {
            uint32_t n;
            struct ospf_prefix {
                uint32_t prefix;
                uint8_t length, flags; /* flags: N 0x40 (RFC 7684 section 2.1) */
                uint32_t sid;          /* index; OSPF_NO_SID: none of algorithm 0 */
            } * prefixes;
        } prefixes;
        struct {
            uint8_t type;
            uint32_t id, data;
            uint32_t label; /* of an unprotected adjacency segment, else a protected one;
                               OSPF_NO_SID: none */
        } link;
    };
};

#define OSPF_PREFIX_NODE 0x40

/* Reads one LSA, its header first, from `in`, which holds exactly it. What does not fit into
 * `arena` fails as ERR_LIMIT. On error `in` says which field at which offset. */
MUST_CHECK enum err ospf_lsa_decode(struct cursor *in, struct arena *, struct ospf_lsa *);

#endif
