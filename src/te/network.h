/* network.h - the network as traffic engineering sees it: who is next to whom, with what capacity,
 * delay, colours and shared risks. A snapshot: made by the traffic-engineering database (ted.h), by
 * a test or an import, and never changed after that; whoever computes works on one snapshot from
 * beginning to end.
 *
 * All is in flat arrays, and things are called by their place in them, so that a search touches
 * little memory and needs no hash. Links are of one direction and sorted by the node they leave,
 * and so are a compressed adjacency as they stand.
 *
 * Units: bit/s, microseconds. Names follow RFC 3630, 7471, 8570 (link attributes), 7308 (extended
 * administrative groups), 8402 and 8665 to 8667 (segment routing). */
#ifndef TE_NETWORK_H
#define TE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#define TE_NONE UINT32_MAX       /* no node, link, group */
#define TE_NO_LABEL UINT32_MAX   /* no label, no index of a segment */
#define TE_UNKNOWN_US UINT32_MAX /* a delay that nobody told */
#define TE_PRIORITIES 8          /* 0 is the best (RFC 3209 section 4.7.1) */
#define TE_AFFINITY_WORDS 4      /* 256 administrative groups; group 0 is bit 0 of word 0 */

struct te_address {
    uint8_t family; /* 0: none, 4 or 6 */
    uint8_t octets[16];
};

struct te_affinity {
    uint64_t words[TE_AFFINITY_WORDS];
};

struct te_node {
    const char *key;  /* what the database calls it; no two have the same */
    const char *name; /* for people; the key if nobody told one */
    struct te_address
        router_id;      /* a stable address of it (RFC 3630 section 2.4.1): end point of LSPs */
    uint32_t sid_index; /* of its node segment; TE_NO_LABEL: none */
    uint32_t srgb_base,
        srgb_size;         /* labels that it understands as indices; size 0: no segment routing */
    uint8_t max_sid_depth; /* labels that it can put on a packet (RFC 8491); 0: not told */
    bool passable; /* false: nothing may pass through it (overload, maintenance); it may begin and
                      end there */
    bool drained;  /* ... by operators alone: the IGP does not know, and routes through it */
};

struct te_link {
    uint32_t from, to;
    uint32_t reverse; /* the other direction of it; TE_NONE: there is none, and nothing is routed
                         over it */
    uint32_t igp_metric, te_metric;
    uint32_t delay_us;                      /* unidirectional; TE_UNKNOWN_US */
    uint32_t jitter_us;                     /* delay variation; 0 if not told */
    uint64_t capacity_bps;                  /* of the wire */
    uint64_t reservable_bps;                /* may be above or below it */
    uint64_t unreserved_bps[TE_PRIORITIES]; /* as the routers tell */
    struct te_affinity affinity;
    uint32_t first_srlg, n_srlgs;    /* in te_network.link_srlgs */
    uint32_t adjacency_label;        /* of its unprotected adjacency segment; TE_NO_LABEL */
    struct te_address local, remote; /* of its ends */
    uint32_t local_id, remote_id;    /* of unnumbered links; 0 */
    bool up;      /* false: known, but out of service, or in maintenance: nothing may pass */
    bool drained; /* ... by operators alone: the IGP does not know, and routes over it */
};

struct te_network {
    uint64_t version; /* rises with every change of the database; 0: of no database */
    uint32_t n_nodes, n_links;
    const struct te_node *nodes;
    const struct te_link *links; /* sorted by `from` */
    const uint32_t *first_out;   /* n_nodes + 1 places: links that leave node n are first_out[n] to
                                    first_out[n + 1] - 1 */
    uint32_t n_srlgs;            /* shared risk link groups: 0, 1, 2 ... */
    const uint32_t *srlg_ids;    /* by group: its number in the network (RFC 4202) */
    const uint32_t *link_srlgs;  /* groups, link by link; of one link rising, none twice */
    /* What the functions below search in: nodes by key and by router id, links by local address;
     * NULL: not indexed. */
    const uint32_t *by_key, *by_router_id, *by_local;
};

/* TE_NONE: there is none. Of several with the same address: the first. Logarithmic where indexed
 * (network_build.h does that), else linear. No address (family 0) is found never. */
uint32_t te_network_node(const struct te_network *, const char *key);
uint32_t te_network_node_at(const struct te_network *, const struct te_address *router_id);
uint32_t te_network_link_at(const struct te_network *, const struct te_address *local);
/* Order of addresses: family, then octets. */
int te_address_compare(const struct te_address *, const struct te_address *);
/* IPv4 from its four octets as a number. */
struct te_address te_address_ip4(uint32_t);

#endif
