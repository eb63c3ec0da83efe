/* router.h - a snapshot made ready for searching: the graph of its links, their metrics next to
 * each other, links by shared risk, and what searches write on. Whoever asks much (thousands of
 * LSPs) makes one and asks it everything; route.h, pair.h, tree.h and segments.h say what.
 *
 * A link can be used if it and its reverse are up: a router that hears nothing from the other side
 * does not use a link, either (RFC 2328 section 16.1 (2b)). */
#ifndef TE_ROUTER_H
#define TE_ROUTER_H

#include "graph/digraph.h"
#include "te/network.h"

enum te_metric { TE_METRIC_IGP, TE_METRIC_TE, TE_METRIC_DELAY, TE_METRIC_HOPS, TE_METRICS };
const char *te_metric_name(enum te_metric);

/* In searches a metric above this counts as this, so that sums fit; sums that are told are true. */
#define TE_METRIC_MAX ((UINT32_C(1) << 30) - 1)

struct te_plan;

/* Not thread-safe: one for each thread. The network must outlive it. */
struct te_router {
    const struct te_network *net;
    struct digraph graph; /* its arcs are the links */
    struct digraph_scratch scratch;
    const uint32_t *metric[TE_METRICS];  /* by link; the delay may be TE_UNKNOWN_US */
    uint32_t *igp, *te, *delay, *one;    /* these */
    uint32_t *reverse;                   /* by link */
    uint8_t *usable, *impassable;        /* by link; by node */
    uint64_t *unreserved[TE_PRIORITIES]; /* by link; made when first asked for */
    struct te_affinity *affinity;        /* the same */
    uint32_t *first_of_srlg, *of_srlg;   /* links by group, compressed */
    struct te_plan *spare;               /* plans to be used again */
};

struct te_router *te_router_new(const struct te_network *); /* never NULL */
void te_router_free(struct te_router *);                    /* NULL is fine. */

/* What the routers tell is free at that priority, by link. */
const uint64_t *te_router_unreserved(struct te_router *, unsigned priority);
/* By link; closer together than in the snapshot. */
const struct te_affinity *te_router_affinity(struct te_router *);

/* The cost of a link for the searches in digraph.h: the metric first, then hops. */
static inline uint64_t
te_folded(uint32_t metric)
{
    return (uint64_t)(metric < TE_METRIC_MAX ? metric : TE_METRIC_MAX) << 16 | 1;
}

#endif
