/* mcf_search.h - cheapest paths over an mcf_graph with prices in floating point: the innermost loop
 * of the optimiser. Pure; ties are broken by the lower number of hops, then of the arc. */
#ifndef TE_MCF_SEARCH_H
#define TE_MCF_SEARCH_H

#include "te/mcf.h"

struct mcf_search {
    const struct mcf_graph *graph;
    double *distance; /* by node, INFINITY: not reached */
    uint32_t *parent; /* by node: the arc by which it is reached, TE_NONE */
    /* Work space. */
    uint32_t *hops;
    struct mcf_heap_entry {
        double key;
        uint32_t hops, node;
    } * heap;
    uint32_t heap_n, heap_capacity;
    bool *done;
    double *mixed;
    uint64_t n_searches; /* how much has been done */
};

void mcf_search_init(struct mcf_search *, const struct mcf_graph *);
void mcf_search_fini(struct mcf_search *);

/* Cheapest paths from a node to `to`, or to all if that is TE_NONE. Arcs without capacity, not
 * allowed (NULL: all are) or with a price of INFINITY are not there. */
void mcf_search_tree(struct mcf_search *, uint32_t from, uint32_t to, const double *prices,
                     const bool *allowed);
/* Arcs of the path that the last tree found, from its root; returns how many. `arcs` has room for
 * n_nodes. The node must have been reached. */
uint32_t mcf_search_trace(const struct mcf_search *, uint32_t to, uint32_t *arcs);
/* What it costs to have an arc and its reverse; INFINITY where there is none to be had. */
void mcf_prices_of_both(const struct mcf_graph *, const double *prices, double *both);
/* A cheap path within a delay bound (Lagrangian relaxation: A. Juttner et al., 2001): not always
 * the cheapest. `least`, which may be NULL, becomes a proved lower bound of what such a path costs.
 * Returns its length, 0 if there is none within the bound. */
uint32_t mcf_search_within(struct mcf_search *, uint32_t from, uint32_t to, const double *prices,
                           const bool *allowed, const uint32_t *delay_us, double max_delay_us,
                           uint32_t *arcs, double *least);

#endif
