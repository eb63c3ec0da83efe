/* The cheapest segment list by dynamic programming: of what can be reached with one label (a node
 * along the IGP's paths, or over an adjacency) the price is a table between all pairs; with k
 * labels it is the (min, +) product of that table with the one for k - 1. */
#include "te/mcf_segments.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLEARLY (1 - 1e-12) /* a longer list must be cheaper by more than rounding */
#define FAR ((double)INFINITY)

struct lists {
    const struct mcf_problem *p;
    const struct mcf_ecmp *ecmp;
    uint32_t labels, n;
    const double *prices;
    uint64_t n_asked;
    /* From the source of the last demand to all. */
    bool row_holds;
    uint32_t source;
    const bool *allowed;
    double *from_source, *to_end;
    double *ends; /* to x n + from, for those that may pass all arcs */
    bool *end_holds;
    /* Between all pairs: one label (from x n + to), and by number of labels. */
    bool tables_hold;
    double *one;
    uint32_t *adjacency;                /* the arc that `one` means; TE_NONE: a node segment */
    double *best[MCF_SEGMENTS_MAX + 1]; /* best[1] is `one` */
    /* The route that is being made. */
    double *share_of;
    uint32_t *arcs;
    double *shares;
};

static double
arc_cost(const struct lists *r, uint32_t a, const bool *allowed)
{
    return !(r->p->graph->capacity[a] > 0) || (allowed && !allowed[a]) ? FAR : r->prices[a];
}

static double
pair_cost(const struct lists *r, uint32_t from, uint32_t to, const bool *allowed)
{
    const uint32_t *arcs;
    const double *shares;
    double sum = 0;
    if (from == to)
        return 0;
    if (!mcf_ecmp_labelled(r->ecmp, from, to))
        return FAR;
    uint32_t n = mcf_ecmp_pair(r->ecmp, from, to, &arcs, &shares);
    for (uint32_t i = 0; i < n; i++)
        sum += arc_cost(r, arcs[i], allowed) * shares[i];
    return n ? sum : FAR;
}

static uint32_t
labels_of(const struct lists *r, const struct mcf_demand *d)
{
    return d->max_labels ? MIN(d->max_labels, r->labels) : r->labels;
}

static void
lists_set_prices(void *arg, const double *prices)
{
    struct lists *r = arg;
    r->prices = prices;
    r->row_holds = r->tables_hold = false;
    memset(r->end_holds, 0, r->n * sizeof *r->end_holds);
}

static void
fill_from_source(struct lists *r, const struct mcf_demand *d)
{
    if (r->row_holds && r->source == d->from && r->allowed == d->allowed)
        return;
    for (uint32_t v = 0; v < r->n; v++)
        r->from_source[v] = pair_cost(r, d->from, v, d->allowed);
    r->row_holds = true;
    r->source = d->from;
    r->allowed = d->allowed;
}

/* From all nodes to the demand's end: kept for those who may pass all arcs. */
static const double *
costs_to_end(struct lists *r, const struct mcf_demand *d)
{
    double *row = d->allowed ? r->to_end : r->ends + (size_t)d->to * r->n;
    if (!d->allowed && r->end_holds[d->to])
        return row;
    for (uint32_t v = 0; v < r->n; v++)
        row[v] = pair_cost(r, v, d->to, d->allowed);
    r->end_holds[d->to] |= !d->allowed;
    return row;
}

static void
append_node(struct mcf_route *out, uint32_t v)
{
    out->segments[out->n_segments++] = (struct mcf_segment){false, v};
}

static void
append_adjacency(struct mcf_route *out, uint32_t a)
{
    out->segments[out->n_segments++] = (struct mcf_segment){true, a};
}

static void
add_share(struct lists *r, struct mcf_route *out, uint32_t arc, double share)
{
    if (r->share_of[arc] == 0)
        r->arcs[out->n++] = arc;
    r->share_of[arc] += share;
}

static int
compare_arcs(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The route's load out of its segments. */
static void
expand(struct lists *r, const struct mcf_demand *d, struct mcf_route *out)
{
    uint32_t at = d->from;
    out->arcs = r->arcs;
    out->shares = r->shares;
    for (uint32_t i = 0; i < out->n_segments; i++) {
        const struct mcf_segment *s = &out->segments[i];
        const uint32_t *arcs;
        const double *shares;
        if (s->adjacency) {
            add_share(r, out, s->id, 1);
            at = r->p->graph->to[s->id];
            continue;
        }
        uint32_t n = mcf_ecmp_pair(r->ecmp, at, s->id, &arcs, &shares);
        for (uint32_t j = 0; j < n; j++)
            add_share(r, out, arcs[j], shares[j]);
        at = s->id;
    }
    qsort(r->arcs, out->n, sizeof *r->arcs, compare_arcs);
    for (uint32_t i = 0; i < out->n; i++) {
        r->shares[i] = r->share_of[r->arcs[i]];
        r->share_of[r->arcs[i]] = 0;
    }
}

static bool
in_time(const struct lists *r, const struct mcf_demand *d, uint32_t via)
{
    return !isfinite(d->max_delay_us) ||
           mcf_ecmp_delay(r->ecmp, d->from, via) + mcf_ecmp_delay(r->ecmp, via, d->to) <=
               d->max_delay_us;
}

static bool
in_time_over(const struct lists *r, const struct mcf_demand *d, uint32_t a)
{
    const struct mcf_graph *g = r->p->graph;
    return !isfinite(d->max_delay_us) || mcf_ecmp_delay(r->ecmp, d->from, g->from[a]) +
                                                 g->delay_us[a] +
                                                 mcf_ecmp_delay(r->ecmp, g->to[a], d->to) <=
                                             d->max_delay_us;
}

/* The best link to be named; `cost` is what must be beaten. */
static uint32_t
best_adjacency(const struct lists *r, const struct mcf_demand *d, const double *to_end,
               double *cost)
{
    const struct mcf_graph *g = r->p->graph;
    uint32_t best = TE_NONE, labels = labels_of(r, d);
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        uint32_t u = g->from[a], v = g->to[a];
        double c = r->from_source[u] + r->prices[a] + to_end[v];
        if (!(c < *cost * CLEARLY) || !g->adjacency_segment[a] || !g->up[a] ||
            1u + (u != d->from) + (v != d->to) > labels || (u != d->from && !g->passable[u]) ||
            (v != d->to && !g->passable[v]) || u == d->to || v == d->from ||
            !isfinite(arc_cost(r, a, d->allowed)) || !in_time_over(r, d, a))
            continue;
        *cost = c;
        best = a;
    }
    return best;
}

static double
lists_quick(void *arg, uint32_t demand, struct mcf_route *out)
{
    struct lists *r = arg;
    const struct mcf_demand *d = &r->p->demands[demand];
    uint32_t via = TE_NONE;
    *out = (struct mcf_route){.demand = demand};
    r->n_asked++;
    fill_from_source(r, d);
    const double *to_end = costs_to_end(r, d);
    double cost = in_time(r, d, d->to) ? to_end[d->from] : FAR;
    for (uint32_t v = 0; v < r->n && labels_of(r, d) >= 2; v++) {
        if (r->from_source[v] + to_end[v] < cost * CLEARLY && v != d->from && v != d->to &&
            r->p->graph->passable[v] && in_time(r, d, v)) {
            cost = r->from_source[v] + to_end[v];
            via = v;
        }
    }
    uint32_t over = best_adjacency(r, d, to_end, &cost);
    if (!isfinite(cost))
        return FAR;
    if (over != TE_NONE) {
        if (r->p->graph->from[over] != d->from)
            append_node(out, r->p->graph->from[over]);
        append_adjacency(out, over);
        if (r->p->graph->to[over] != d->to)
            append_node(out, d->to);
    } else {
        if (via != TE_NONE)
            append_node(out, via);
        append_node(out, d->to);
    }
    expand(r, d, out);
    return cost;
}

static void
fill_one(struct lists *r)
{
    const struct mcf_graph *g = r->p->graph;
    for (uint32_t u = 0; u < r->n; u++) {
        for (uint32_t v = 0; v < r->n; v++) {
            r->one[u * r->n + v] = pair_cost(r, u, v, NULL);
            r->adjacency[u * r->n + v] = TE_NONE;
        }
        for (uint32_t a = g->first_out[u]; a < g->first_out[u + 1]; a++) {
            size_t i = (size_t)u * r->n + g->to[a];
            if (g->adjacency_segment[a] && g->up[a] && arc_cost(r, a, NULL) < r->one[i] * CLEARLY) {
                r->one[i] = r->prices[a];
                r->adjacency[i] = a;
            }
        }
    }
}

static void
multiply(const struct lists *r, const double *rest, double *out)
{
    uint32_t n = r->n;
    memcpy(out, rest, (size_t)n * n * sizeof *out);
    for (uint32_t u = 0; u < n; u++) {
        double *row = out + (size_t)u * n;
        for (uint32_t v = 0; v < n; v++) {
            double first = r->one[(size_t)u * n + v];
            const double *second = rest + (size_t)v * n;
            if (u == v || !r->p->graph->passable[v] || !isfinite(first))
                continue;
            for (uint32_t t = 0; t < n; t++)
                row[t] = MIN(row[t], first + second[t]);
        }
    }
}

static void
fill_tables(struct lists *r)
{
    size_t size = (size_t)r->n * r->n;
    if (r->tables_hold)
        return;
    for (uint32_t k = 1; k <= r->labels; k++) {
        if (!r->best[k])
            r->best[k] = xcalloc(size + 1, sizeof **r->best);
    }
    r->one = r->best[1];
    fill_one(r);
    for (uint32_t k = 2; k <= r->labels; k++)
        multiply(r, r->best[k - 1], r->best[k]);
    r->tables_hold = true;
}

/* The list behind best[k][from, to]. */
static void
trace(struct lists *r, uint32_t from, uint32_t to, uint32_t k, struct mcf_route *out)
{
    for (uint32_t u = from; u != to; k--) {
        while (k > 1 && r->best[k - 1][u * r->n + to] * CLEARLY <= r->best[k][u * r->n + to])
            k--;
        uint32_t next = to;
        double cost = r->one[u * r->n + to];
        for (uint32_t v = 0; v < r->n && k > 1; v++) {
            double c = r->one[u * r->n + v] + r->best[k - 1][v * r->n + to];
            if (v != u && v != to && r->p->graph->passable[v] && c < cost) {
                cost = c;
                next = v;
            }
        }
        uint32_t a = r->adjacency[u * r->n + next];
        if (a == TE_NONE)
            append_node(out, next);
        else
            append_adjacency(out, a);
        u = next;
    }
}

static double
lists_cheapest(void *arg, uint32_t demand, struct mcf_route *out, double *least)
{
    struct lists *r = arg;
    const struct mcf_demand *d = &r->p->demands[demand];
    fill_tables(r);
    uint32_t labels = labels_of(r, d);
    double cost = r->best[labels][d->from * r->n + d->to];
    if (least)
        *least = cost;
    if (d->allowed || isfinite(d->max_delay_us))
        return lists_quick(arg, demand, out);
    *out = (struct mcf_route){.demand = demand};
    r->n_asked++;
    if (!isfinite(cost))
        return cost;
    trace(r, d->from, d->to, labels, out);
    expand(r, d, out);
    return cost;
}

static uint64_t
lists_searches(const void *arg)
{
    return ((const struct lists *)arg)->n_asked;
}

static void
lists_free(void *arg)
{
    struct lists *r = arg;
    free(r->from_source);
    free(r->to_end);
    free(r->ends);
    free(r->end_holds);
    free(r->adjacency);
    for (uint32_t k = 1; k <= MCF_SEGMENTS_MAX; k++)
        free(r->best[k]);
    free(r->share_of);
    free(r->arcs);
    free(r->shares);
    free(r);
}

struct mcf_router
mcf_segment_router(const struct mcf_problem *p, const struct mcf_ecmp *ecmp, uint32_t labels)
{
    struct lists *r = xcalloc(1, sizeof *r);
    uint32_t n = p->graph->n_nodes, n_arcs = p->graph->n_arcs;
    *r = (struct lists){.p = p, .ecmp = ecmp, .labels = MIN(labels, MCF_SEGMENTS_MAX), .n = n};
    r->from_source = xcalloc(n + 1, sizeof *r->from_source);
    r->to_end = xcalloc(n + 1, sizeof *r->to_end);
    r->ends = xcalloc((size_t)n * n + 1, sizeof *r->ends);
    r->end_holds = xcalloc(n + 1, sizeof *r->end_holds);
    r->adjacency = xcalloc((size_t)n * n + 1, sizeof *r->adjacency);
    r->share_of = xcalloc(n_arcs + 1, sizeof *r->share_of);
    r->arcs = xcalloc(n_arcs + 1, sizeof *r->arcs);
    r->shares = xcalloc(n_arcs + 1, sizeof *r->shares);
    return (struct mcf_router){.arg = r,
                               .keeps = true,
                               .set_prices = lists_set_prices,
                               .quick = lists_quick,
                               .cheapest = lists_cheapest,
                               .searches = lists_searches,
                               .free = lists_free};
}
