/* feed_frr_ted.h - reads the traffic-engineering database that FRR's daemons print:
 *
 *     show ip ospf mpls-te database json        show isis mpls-te database json
 *
 * Vertices become nodes, edges links, subnets prefixes with their segments. What FRR 8.4 leaves
 * open stays open: an edge to a broadcast network has no far vertex (OSPF), or a wrong one (IS-IS),
 * and is counted, not read; the OSPF API (feed_ospf_api.h) and BGP-LS have these. json-c prints NaN
 * and Infinity, which JSON has not: they are read as -1, which the database names as senseless.
 * Any other value that cannot be read is as if it had not been told; a vertex, edge or subnet whose
 * ends cannot be read is left out; all of it is counted, and the first one named.
 * Pure. */
#ifndef WAN_FEED_FRR_TED_H
#define WAN_FEED_FRR_TED_H

#include "base/arena.h"
#include "te/ted.h"

#define FRR_TED_TEXT_MAX ((size_t)32 << 20)
#define FRR_TED_BUDGET ((size_t)256 << 20) /* of the arena */

struct frr_ted {
    struct arena *arena;
    struct ted_node_record *nodes;
    struct ted_link_record *links;
    struct ted_prefix_record *prefixes;
    uint32_t n_nodes, n_links, n_prefixes;
    uint32_t n_open;    /* edges without a far vertex, or with one that has not that address */
    uint32_t n_ignored; /* objects that FRR is about to delete, or that no router told */
    uint32_t n_unreadable;
    char unreadable[160]; /* where the first one is: "ted.edges[3].metric: a number from 0 to
                             4294967295 is expected" */
};

/* ERR_MALFORMED, ERR_INVALID: not JSON, or not such a database; the text says where: "ted.edges: a
 * list is expected". ERR_LIMIT: too large. */
MUST_CHECK enum err frr_ted_read(const char *text, size_t size, struct frr_ted *, struct diag *);
void frr_ted_fini(struct frr_ted *);

#endif
