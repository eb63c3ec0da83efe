#include "te/mcf_router.h"
#include "te/mcf_search.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

struct paths {
    const struct mcf_problem *p;
    struct mcf_search search;
    const double *prices;
    /* For demands in both directions. */
    bool both_hold;
    double *both_prices;
    uint32_t *both_delay_us; /* the longer one */
    /* What the search's tree is of: all demands from one node over the same arcs share it. */
    bool tree_holds, tree_both;
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
    r->tree_holds = r->both_hold = false;
}

static const double *
prices_for(struct paths *r, const struct mcf_demand *d)
{
    if (!d->both)
        return r->prices;
    if (!r->both_hold)
        mcf_prices_of_both(r->p->graph, r->prices, r->both_prices);
    r->both_hold = true;
    return r->both_prices;
}

/* The way back, behind the way there; what both cost. */
static double
complete(const struct paths *r, const struct mcf_demand *d, struct mcf_route *out)
{
    double cost = 0;
    for (uint32_t i = 0, n = out->n; i < n && d->both; i++)
        r->arcs[out->n++] = r->p->graph->reverse[r->arcs[i]];
    for (uint32_t i = 0; i < out->n; i++)
        cost += r->prices[r->arcs[i]];
    return out->n ? cost : (double)INFINITY;
}

static void
grow_tree(struct paths *r, const struct mcf_demand *d)
{
    if (r->tree_holds && r->root == d->from && r->allowed == d->allowed && r->tree_both == d->both)
        return;
    mcf_search_tree(&r->search, d->from, TE_NONE, prices_for(r, d), d->allowed);
    r->tree_holds = true;
    r->tree_both = d->both;
    r->root = d->from;
    r->allowed = d->allowed;
}

static double
paths_cheapest(void *arg, uint32_t demand, struct mcf_route *out, double *least)
{
    struct paths *r = arg;
    const struct mcf_demand *d = &r->p->demands[demand];
    *out = (struct mcf_route){.demand = demand, .arcs = r->arcs, .shares = r->shares};
    if (isfinite(d->max_delay_us) && !d->both) {
        r->tree_holds = false;
        out->n = mcf_search_within(&r->search, d->from, d->to, r->prices, d->allowed,
                                   r->p->graph->delay_us, d->max_delay_us, r->arcs, least);
        return complete(r, d, out);
    }
    grow_tree(r, d);
    if (least)
        *least = r->search.distance[d->to];
    if (!isfinite(r->search.distance[d->to]))
        return (double)INFINITY;
    if (isfinite(d->max_delay_us)) {
        /* Of each link the longer direction counts, which may be more than either way takes: so the
         * bound is that without the delay. */
        r->tree_holds = false;
        out->n = mcf_search_within(&r->search, d->from, d->to, prices_for(r, d), d->allowed,
                                   r->both_delay_us, d->max_delay_us, r->arcs, NULL);
        return complete(r, d, out);
    }
    out->n = mcf_search_trace(&r->search, d->to, r->arcs);
    return complete(r, d, out);
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
    free(r->both_prices);
    free(r->both_delay_us);
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
    const struct mcf_graph *g = p->graph;
    r->both_prices = xcalloc(g->n_arcs + 1, sizeof *r->both_prices);
    r->both_delay_us = xcalloc(g->n_arcs + 1, sizeof *r->both_delay_us);
    r->arcs = xcalloc(2 * (size_t)g->n_nodes + 1, sizeof *r->arcs);
    r->shares = xcalloc(2 * (size_t)g->n_nodes + 1, sizeof *r->shares);
    for (uint32_t i = 0; i < 2 * g->n_nodes; i++)
        r->shares[i] = 1;
    for (uint32_t a = 0; a < g->n_arcs; a++)
        r->both_delay_us[a] = g->reverse[a] == TE_NONE
                                  ? g->delay_us[a]
                                  : MAX(g->delay_us[a], g->delay_us[g->reverse[a]]);
    return (struct mcf_router){.arg = r,
                               .set_prices = paths_set_prices,
                               .quick = paths_quick,
                               .cheapest = paths_cheapest,
                               .searches = paths_searches,
                               .free = paths_free};
}
