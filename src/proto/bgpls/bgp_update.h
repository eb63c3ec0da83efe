/* bgp_update.h - UPDATE: its parts, found and judged by RFC 7606, and written. Pure.
 *
 * What is wrong with an UPDATE has one of three ends, the strongest of all its faults
 * (RFC 7606 section 3 h): an attribute is left out, the whole is taken as a withdrawal, or the
 * session ends. Each check names its clause, and what was found is told in `faults`.
 *
 * Only link state is taken out (RFC 9552). Reachability of another family, which was not agreed on,
 * is checked for its form and ignored. */
#ifndef PROTO_BGPLS_BGP_UPDATE_H
#define PROTO_BGPLS_BGP_UPDATE_H

#include "proto/bgpls/bgp.h"

enum bgp_attribute {
    BGP_ORIGIN = 1,
    BGP_AS_PATH = 2,
    BGP_NEXT_HOP = 3,
    BGP_MULTI_EXIT_DISC = 4,
    BGP_LOCAL_PREF = 5,
    BGP_ATOMIC_AGGREGATE = 6,
    BGP_AGGREGATOR = 7,
    BGP_COMMUNITY = 8,
    BGP_ORIGINATOR_ID = 9,
    BGP_CLUSTER_LIST = 10,
    BGP_MP_REACH = 14,
    BGP_MP_UNREACH = 15,
    BGP_EXTENDED_COMMUNITIES = 16,
    BGP_AS4_PATH = 17,
    BGP_AS4_AGGREGATOR = 18,
    BGP_LINK_STATE = 29,
    BGP_LARGE_COMMUNITY = 32,
};

/* In the order of their strength. */
enum bgp_verdict {
    BGP_ACCEPT,
    BGP_DISCARD_ATTRIBUTE, /* "attribute discard": as if it were not there */
    BGP_TREAT_AS_WITHDRAW, /* what it announces is withdrawn */
    BGP_RESET,             /* "session reset": `error` is to be sent */
};

struct bgp_fault {
    uint8_t attribute; /* 0: of the message */
    uint8_t verdict;
    const char *what, *ref; /* static */
};

struct bgp_span {
    const uint8_t *data;
    size_t size;
};

#define BGP_FAULTS_MAX 8 /* kept; more only count */

/* Points into the message it was read from. */
struct bgp_update {
    enum bgp_verdict verdict;
    bool end_of_rib; /* RFC 4724 section 2: of link state */
    bool has_reach, has_unreach, has_link_state;
    struct bgp_span reach, unreach; /* NLRI */
    struct bgp_span next_hop;
    struct bgp_span link_state; /* the BGP-LS attribute; not if it was discarded */
    uint8_t origin;
    bool has_local_pref;
    uint32_t local_pref;
    bool has_originator;
    uint32_t originator;                   /* RFC 4456 section 8 */
    struct bgp_span as_path, cluster_list; /* well-formed */
    unsigned n_other_family;               /* attributes of a family that was not agreed on */
    unsigned n_faults;
    struct bgp_fault faults[BGP_FAULTS_MAX];
    struct bgp_error error; /* if the verdict is BGP_RESET */
};

/* What a message has to be read with. */
struct bgp_update_context {
    bool external;      /* the peer has another AS than we */
    bool four_octet_as; /* agreed on */
};

/* `body` is what follows the header. */
void bgp_update_decode(const uint8_t *body, size_t size, const struct bgp_update_context *,
                       struct bgp_update *);

/* "treat as withdraw"; static. */
const char *bgp_verdict_name(enum bgp_verdict);
const char *bgp_attribute_name(uint8_t type); /* "AS_PATH", or "?"; static */
/* Says which attribute, what, by which clause, and what comes of it. */
void bgp_fault_print(const struct bgp_fault *, struct buf *);

/* True if the AS stands in the path: a loop (RFC 4271 section 9.1.2). */
bool bgp_as_path_has(const struct bgp_span *as_path, bool four_octet_as, uint32_t as);
bool bgp_cluster_list_has(const struct bgp_span *, uint32_t cluster_id);

/* What is announced with. */
struct bgp_announcement {
    struct bgp_span nlri;       /* one or more */
    struct bgp_span link_state; /* size 0: without the attribute */
    uint8_t next_hop[16];
    uint8_t next_hop_size; /* 4 or 16 */
    uint32_t local_as;     /* in the path if `external` */
    bool external, four_octet_as;
};

/* Writes one message, attributes in rising order with MP_REACH_NLRI at the front (RFC 7606 section
 * 5.1). ERR_LIMIT: longer than `limit`, and nothing was written. */
MUST_CHECK enum err bgp_announce_encode(const struct bgp_announcement *, size_t limit,
                                        struct buf *);
/* Of nothing: End-of-RIB. The same error. */
MUST_CHECK enum err bgp_withdraw_encode(const struct bgp_span *nlri, size_t limit, struct buf *);

#endif
