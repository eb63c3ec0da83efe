#include "te/mcf_router.h"
#include "te/mcf_search.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

struct paths {
    const struct mcf_problem *p;
    struct mcf_search search;
    const double *prices;
    /* What the search's tree is of: all demands from one node over the same arcs share it. */
    bool tree_holds;
    uint32_t root;
    const bool *allowed;
    uint32_t *arcs;
    double *shares;
};

static void
paths_set_prices(void *arg, const double *prices)
{
    struct paths *r = arg;
    r->prices = prices;
    r->tree_holds = false;
}

static double
path_cost(const struct paths *r, uint32_t n)
{
    double cost = 0;
    for (uint32_t i = 0; i < n; i++)
        cost += r->prices[r->arcs[i]];
    return cost;
}

static double
paths_cheapest(void *arg, uint32_t demand, struct mcf_route *out, double *least)
{
    struct paths *r = arg;
    const struct mcf_demand *d = &r->p->demands[demand];
    *out = (struct mcf_route){.demand = demand, .arcs = r->arcs, .shares = r->shares};
    if (isfinite(d->max_delay_us)) {
        r->tree_holds = false;
        out->n = mcf_search_within(&r->search, d->from, d->to, r->prices, d->allowed,
                                   d->max_delay_us, r->arcs, least);
        return out->n ? path_cost(r, out->n) : (double)INFINITY;
    }
    if (!r->tree_holds || r->root != d->from || r->allowed != d->allowed) {
        mcf_search_tree(&r->search, d->from, TE_NONE, r->prices, d->allowed);
        r->tree_holds = true;
        r->root = d->from;
        r->allowed = d->allowed;
    }
    double cost = r->search.distance[d->to];
    if (least)
        *least = cost;
    if (isfinite(cost))
        out->n = mcf_search_trace(&r->search, d->to, r->arcs);
    return cost;
}

static double
paths_quick(void *arg, uint32_t demand, struct mcf_route *out)
{
    return paths_cheapest(arg, demand, out, NULL);
}

static uint64_t
paths_searches(const void *arg)
{
    return ((const struct paths *)arg)->search.n_searches;
}

static void
paths_free(void *arg)
{
    struct paths *r = arg;
    mcf_search_fini(&r->search);
    free(r->arcs);
    free(r->shares);
    free(r);
}

struct mcf_router
mcf_path_router(const struct mcf_problem *p)
{
    struct paths *r = xcalloc(1, sizeof *r);
    r->p = p;
    mcf_search_init(&r->search, p->graph);
    r->arcs = xcalloc(p->graph->n_nodes + 1, sizeof *r->arcs);
    r->shares = xcalloc(p->graph->n_nodes + 1, sizeof *r->shares);
    for (uint32_t i = 0; i < p->graph->n_nodes; i++)
        r->shares[i] = 1;
    return (struct mcf_router){
        r, paths_set_prices, paths_quick, paths_cheapest, paths_searches, paths_free};
}
