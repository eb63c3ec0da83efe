#include "te/mcf_search.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAGRANGE_STEPS 24

void
mcf_search_init(struct mcf_search *s, const struct mcf_graph *graph)
{
    *s = (struct mcf_search){.graph = graph};
    s->distance = xcalloc(graph->n_nodes + 1, sizeof *s->distance);
    s->parent = xcalloc(graph->n_nodes + 1, sizeof *s->parent);
    s->hops = xcalloc(graph->n_nodes + 1, sizeof *s->hops);
    s->done = xcalloc(graph->n_nodes + 1, sizeof *s->done);
    s->mixed = xcalloc(graph->n_arcs + 1, sizeof *s->mixed);
}

void
mcf_search_fini(struct mcf_search *s)
{
    free(s->distance);
    free(s->parent);
    free(s->hops);
    free(s->done);
    free(s->mixed);
    free(s->heap);
    *s = (struct mcf_search){0};
}

static inline bool
before(const struct mcf_heap_entry *a, const struct mcf_heap_entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->hops != b->hops ? a->hops < b->hops : a->node < b->node;
}

static void
push(struct mcf_search *s, struct mcf_heap_entry e)
{
    GROW(s->heap, s->heap_n, s->heap_capacity);
    uint32_t i = s->heap_n++;
    for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = e;
}

static struct mcf_heap_entry
pop(struct mcf_search *s)
{
    struct mcf_heap_entry top = s->heap[0], last = s->heap[--s->heap_n];
    uint32_t i = 0, child;
    while ((child = 2 * i + 1) < s->heap_n) {
        if (child + 1 < s->heap_n && before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* Relaxes the arcs that leave a node. */
static void
leave(struct mcf_search *s, uint32_t v, const double *prices, const bool *allowed)
{
    const struct mcf_graph *g = s->graph;
    for (uint32_t a = g->first_out[v]; a < g->first_out[v + 1]; a++) {
        uint32_t to = g->to[a];
        double d = s->distance[v] + prices[a];
        if (s->done[to] || !(g->capacity[a] > 0) || (allowed && !allowed[a]))
            continue;
        if (d < s->distance[to] ||
            (d == s->distance[to] && d < (double)INFINITY && s->hops[v] + 1 < s->hops[to])) {
            s->distance[to] = d;
            s->hops[to] = s->hops[v] + 1;
            s->parent[to] = a;
            push(s, (struct mcf_heap_entry){d, s->hops[to], to});
        }
    }
}

void
mcf_search_tree(struct mcf_search *s, uint32_t from, uint32_t to, const double *prices,
                const bool *allowed)
{
    const struct mcf_graph *g = s->graph;
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        s->distance[v] = (double)INFINITY;
        s->parent[v] = TE_NONE;
        s->done[v] = false;
    }
    s->n_searches++;
    s->distance[from] = 0;
    s->hops[from] = 0;
    s->heap_n = 0;
    push(s, (struct mcf_heap_entry){0, 0, from});
    while (s->heap_n) {
        uint32_t v = pop(s).node;
        if (s->done[v])
            continue;
        s->done[v] = true;
        if (v == to)
            return;
        if (g->passable[v] || v == from)
            leave(s, v, prices, allowed);
    }
}

uint32_t
mcf_search_trace(const struct mcf_search *s, uint32_t to, uint32_t *arcs)
{
    uint32_t n = s->hops[to], i = n;
    for (uint32_t v = to; s->parent[v] != TE_NONE && i > 0; v = s->graph->from[s->parent[v]])
        arcs[--i] = s->parent[v];
    return n;
}

void
mcf_prices_of_both(const struct mcf_graph *g, const double *prices, double *both)
{
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        uint32_t back = g->reverse[a];
        both[a] = back != TE_NONE && g->capacity[back] > 0 ? prices[a] + prices[back]
                                                           : (double)INFINITY;
    }
}

static double
path_sum(const uint32_t *arcs, uint32_t n, const double *prices, const uint32_t *delay_us,
         double *delay)
{
    double cost = 0;
    *delay = 0;
    for (uint32_t i = 0; i < n; i++) {
        cost += prices[arcs[i]];
        *delay += delay_us[arcs[i]];
    }
    return cost;
}

/* One search with prices + lambda x delay (prices of INFINITY stay); the path and its two sums. */
static uint32_t
search_mixed(struct mcf_search *s, uint32_t from, uint32_t to, const double *prices,
             const bool *allowed, const uint32_t *delay_us, double price_factor, double lambda,
             uint32_t *arcs, double *cost, double *delay)
{
    const struct mcf_graph *g = s->graph;
    for (uint32_t a = 0; a < g->n_arcs; a++)
        s->mixed[a] = isfinite(prices[a]) ? price_factor * prices[a] + lambda * delay_us[a]
                                          : (double)INFINITY;
    mcf_search_tree(s, from, to, s->mixed, allowed);
    if (!isfinite(s->distance[to]))
        return 0;
    uint32_t n = mcf_search_trace(s, to, arcs);
    *cost = path_sum(arcs, n, prices, delay_us, delay);
    return n;
}

uint32_t
mcf_search_within(struct mcf_search *s, uint32_t from, uint32_t to, const double *prices,
                  const bool *allowed, const uint32_t *delay_us, double max_delay_us,
                  uint32_t *arcs, double *least)
{
    double c_over, d_over, c_in, d_in, c, d, dummy;
    uint32_t n = search_mixed(s, from, to, prices, allowed, delay_us, 1, 0, arcs, &c_over, &d_over);
    if (!least)
        least = &dummy;
    *least = n ? c_over : (double)INFINITY;
    if (n == 0 || d_over <= max_delay_us)
        return n;
    uint32_t *best = xcalloc(s->graph->n_nodes + 1, sizeof *best);
    uint32_t n_best = search_mixed(s, from, to, prices, allowed, delay_us, 0, 1, best, &c_in,
                                   &d_in);
    if (n_best == 0 || d_in > max_delay_us) {
        free(best);
        *least = (double)INFINITY;
        return 0;
    }
    for (int step = 0; step < LAGRANGE_STEPS && d_over > d_in; step++) {
        double lambda = (c_in - c_over) / (d_over - d_in);
        n = search_mixed(s, from, to, prices, allowed, delay_us, 1, lambda, arcs, &c, &d);
        *least = MAX(*least, c + lambda * (d - max_delay_us));
        if (c + lambda * d >= (c_over + lambda * d_over) * (1 - 1e-12))
            break;
        if (d <= max_delay_us) {
            memcpy(best, arcs, n * sizeof *best);
            n_best = n;
            c_in = c;
            d_in = d;
        } else {
            c_over = c;
            d_over = d;
        }
    }
    memcpy(arcs, best, n_best * sizeof *arcs);
    free(best);
    return n_best;
}
