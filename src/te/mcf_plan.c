#include "te/mcf_plan.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING 1e-9 /* shares below are none */

/* Demands by source, by the order given: counting sort. */
static void
sort_demands(struct mcf_plan *plan)
{
    uint32_t n_nodes = plan->p->graph->n_nodes, n = plan->p->n_demands;
    uint32_t *place = xcalloc(n_nodes + 2, sizeof *place);
    for (uint32_t k = 0; k < n; k++)
        place[plan->p->demands[k].from + 1]++;
    for (uint32_t v = 0; v < n_nodes; v++)
        place[v + 1] += place[v];
    for (uint32_t k = 0; k < n; k++)
        plan->order[place[plan->p->demands[k].from]++] = k;
    free(place);
}

void
mcf_plan_init(struct mcf_plan *plan, const struct mcf_problem *p, struct mcf_router router)
{
    *plan = (struct mcf_plan){.p = p, .router = router};
    plan->head = xmalloc((p->n_demands + 1) * sizeof *plan->head);
    plan->single = xmalloc((p->n_demands + 1) * sizeof *plan->single);
    plan->order = xcalloc(p->n_demands + 1, sizeof *plan->order);
    memset(plan->head, 0xff, (p->n_demands + 1) * sizeof *plan->head);
    memset(plan->single, 0xff, (p->n_demands + 1) * sizeof *plan->single);
    plan->loads = xcalloc(p->graph->n_arcs + 1, sizeof *plan->loads);
    plan->prices = xcalloc(p->graph->n_arcs + 1, sizeof *plan->prices);
    if (p->base)
        memcpy(plan->loads, p->base, p->graph->n_arcs * sizeof *plan->loads);
    sort_demands(plan);
}

void
mcf_plan_fini(struct mcf_plan *plan)
{
    plan->router.free(plan->router.arg);
    free(plan->columns);
    free(plan->arcs);
    free(plan->shares);
    free(plan->segments);
    free(plan->head);
    free(plan->single);
    free(plan->order);
    free(plan->loads);
    free(plan->prices);
    *plan = (struct mcf_plan){0};
}

/* The same load on the same arcs; of two lists that do the same the first one stays. */
static bool
same_load(const struct mcf_plan *plan, const struct mcf_column *c, const struct mcf_route *r)
{
    return c->n == r->n && !memcmp(plan->arcs + c->first, r->arcs, r->n * sizeof *r->arcs) &&
           !memcmp(plan->shares + c->first, r->shares, r->n * sizeof *r->shares);
}

uint32_t
mcf_plan_add(struct mcf_plan *plan, const struct mcf_route *r)
{
    for (uint32_t i = plan->head[r->demand]; i != TE_NONE; i = plan->columns[i].next) {
        if (same_load(plan, &plan->columns[i], r))
            return i;
    }
    GROW(plan->columns, plan->n_columns, plan->columns_capacity);
    if (plan->n_arcs + r->n > plan->arcs_capacity) {
        plan->arcs_capacity = 2 * plan->arcs_capacity + r->n + 64;
        plan->arcs = xrealloc(plan->arcs, plan->arcs_capacity, sizeof *plan->arcs);
        plan->shares = xrealloc(plan->shares, plan->arcs_capacity, sizeof *plan->shares);
    }
    if (plan->n_segments + r->n_segments > plan->segments_capacity) {
        plan->segments_capacity = 2 * plan->segments_capacity + r->n_segments + 64;
        plan->segments = xrealloc(plan->segments, plan->segments_capacity, sizeof *plan->segments);
    }
    memcpy(plan->arcs + plan->n_arcs, r->arcs, r->n * sizeof *r->arcs);
    memcpy(plan->shares + plan->n_arcs, r->shares, r->n * sizeof *r->shares);
    if (r->n_segments)
        memcpy(plan->segments + plan->n_segments, r->segments, r->n_segments * sizeof *r->segments);
    uint32_t i = plan->n_columns++;
    plan->columns[i] = (struct mcf_column){.demand = r->demand,
                                           .next = plan->head[r->demand],
                                           .first = plan->n_arcs,
                                           .n = r->n,
                                           .first_segment = plan->n_segments,
                                           .n_segments = r->n_segments};
    plan->head[r->demand] = i;
    plan->n_arcs += r->n;
    plan->n_segments += r->n_segments;
    return i;
}

void
mcf_plan_shift(struct mcf_plan *plan, uint32_t column, double by)
{
    struct mcf_column *c = &plan->columns[column];
    double bps = plan->p->demands[c->demand].bps * by;
    c->share += by;
    for (uint32_t i = c->first; i < c->first + c->n; i++)
        plan->loads[plan->arcs[i]] += bps * plan->shares[i];
}

void
mcf_plan_clear(struct mcf_plan *plan, uint32_t demand)
{
    for (uint32_t i = plan->head[demand]; i != TE_NONE; i = plan->columns[i].next) {
        if (plan->columns[i].share > 0)
            mcf_plan_shift(plan, i, -plan->columns[i].share);
        plan->columns[i].share = 0;
    }
    plan->single[demand] = TE_NONE;
}

void
mcf_plan_set_single(struct mcf_plan *plan, uint32_t demand, uint32_t column)
{
    mcf_plan_clear(plan, demand);
    mcf_plan_shift(plan, column, 1);
    plan->columns[column].share = 1;
    plan->single[demand] = column;
}

void
mcf_plan_recount(struct mcf_plan *plan)
{
    for (uint32_t a = 0; a < plan->p->graph->n_arcs; a++)
        plan->loads[a] = plan->p->base ? plan->p->base[a] : 0;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        double share = plan->columns[i].share;
        if (share > 0) {
            plan->columns[i].share = 0;
            mcf_plan_shift(plan, i, share);
        }
    }
}

double
mcf_plan_utilisation(const struct mcf_plan *plan)
{
    return mcf_highest(plan->p->graph, plan->loads);
}

uint32_t
mcf_plan_parts(const struct mcf_plan *plan, uint32_t demand)
{
    uint32_t n = 0;
    for (uint32_t i = plan->head[demand]; i != TE_NONE; i = plan->columns[i].next)
        n += plan->columns[i].share > NOTHING;
    return n;
}

void
mcf_plan_prove(struct mcf_plan *plan, const double *prices)
{
    const struct mcf_graph *g = plan->p->graph;
    double above = 0, below = 0, least;
    struct mcf_route route;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        below += g->capacity[a] > 0 ? g->capacity[a] * prices[a] : 0;
        above += plan->p->base ? plan->p->base[a] * prices[a] : 0;
    }
    plan->router.set_prices(plan->router.arg, prices);
    for (uint32_t i = 0; i < plan->p->n_demands; i++) {
        uint32_t k = plan->order[i];
        plan->router.cheapest(plan->router.arg, k, &route, &least);
        above += plan->p->demands[k].bps * least;
    }
    if (below > 0 && above / below > plan->bound) {
        plan->bound = above / below;
        memcpy(plan->prices, prices, g->n_arcs * sizeof *prices);
    }
}
