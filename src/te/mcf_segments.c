#include "te/mcf_segments.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pair (from, to) is at to x n + from. */
struct mcf_ecmp {
    const struct mcf_graph *g;
    uint32_t n;
    uint32_t *first; /* n x n + 1 places in arcs and shares */
    uint32_t *arcs;
    double *shares;
    uint32_t n_arcs, capacity;
    double *delay;
    bool *reaches, *labelled;
};

/* Work space for one destination. */
struct toward {
    struct mcf_ecmp *e;
    uint32_t to;
    uint32_t *first_in, *in; /* arcs by the node they enter */
    uint64_t *distance;
    uint32_t *order, n_order; /* nodes that reach it, nearest first */
    uint32_t *place;          /* by node, in order */
    double *flow;             /* by node */
    bool *settled;
};

static void
find_entering(struct toward *t)
{
    const struct mcf_graph *g = t->e->g;
    t->first_in = xcalloc(g->n_nodes + 2, sizeof *t->first_in);
    t->in = xcalloc(g->n_arcs + 1, sizeof *t->in);
    for (uint32_t a = 0; a < g->n_arcs; a++)
        t->first_in[g->to[a] + 1]++;
    for (uint32_t v = 0; v < g->n_nodes; v++)
        t->first_in[v + 1] += t->first_in[v];
    uint32_t *next = xmemdup(t->first_in, (g->n_nodes + 1) * sizeof *next);
    for (uint32_t a = 0; a < g->n_arcs; a++)
        t->in[next[g->to[a]]++] = a;
    free(next);
}

/* The nearest node that is not settled: a scan, as this is done once for each destination. */
static uint32_t
nearest(const struct toward *t)
{
    uint32_t best = TE_NONE;
    for (uint32_t v = 0; v < t->e->n; v++) {
        if (!t->settled[v] && t->distance[v] != UINT64_MAX &&
            (best == TE_NONE || t->distance[v] < t->distance[best]))
            best = v;
    }
    return best;
}

static void
find_distances(struct toward *t, uint32_t to)
{
    const struct mcf_graph *g = t->e->g;
    uint32_t v;
    t->to = to;
    t->n_order = 0;
    memset(t->distance, 0xff, g->n_nodes * sizeof *t->distance);
    memset(t->settled, 0, g->n_nodes * sizeof *t->settled);
    t->distance[to] = 0;
    while ((v = nearest(t)) != TE_NONE) {
        t->settled[v] = true;
        t->place[v] = t->n_order;
        t->order[t->n_order++] = v;
        if (v != to && !g->passable[v])
            continue;
        for (uint32_t i = t->first_in[v]; i < t->first_in[v + 1]; i++) {
            uint32_t a = t->in[i], u = g->from[a];
            if (g->up[a] && !t->settled[u])
                t->distance[u] = MIN(t->distance[u], t->distance[v] + g->metric[a]);
        }
    }
}

static bool
is_next_hop(const struct toward *t, uint32_t a)
{
    const struct mcf_graph *g = t->e->g;
    uint32_t u = g->to[a];
    return g->up[a] && t->distance[u] != UINT64_MAX && (u == t->to || g->passable[u]) &&
           t->distance[u] + g->metric[a] == t->distance[g->from[a]];
}

static void
put(struct mcf_ecmp *e, uint32_t arc, double share)
{
    if (e->n_arcs == e->capacity) {
        e->capacity = 2 * e->capacity + 64;
        e->arcs = xrealloc(e->arcs, e->capacity, sizeof *e->arcs);
        e->shares = xrealloc(e->shares, e->capacity, sizeof *e->shares);
    }
    e->arcs[e->n_arcs] = arc;
    e->shares[e->n_arcs++] = share;
}

/* Insertion sort by arc: lists are short. */
static void
sort_arcs(uint32_t *arcs, double *shares, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t a = arcs[i], j = i;
        double s = shares[i];
        for (; j > 0 && arcs[j - 1] > a; j--) {
            arcs[j] = arcs[j - 1];
            shares[j] = shares[j - 1];
        }
        arcs[j] = a;
        shares[j] = s;
    }
}

/* Flow from one node, spread from the farthest node on. */
static void
spread(struct toward *t, uint32_t from)
{
    const struct mcf_graph *g = t->e->g;
    uint32_t first = t->e->n_arcs;
    t->flow[from] = 1;
    for (uint32_t i = t->place[from]; i > 0; i--) {
        uint32_t v = t->order[i], n = 0;
        double flow = t->flow[v];
        if (flow == 0)
            continue;
        for (uint32_t a = g->first_out[v]; a < g->first_out[v + 1]; a++)
            n += is_next_hop(t, a);
        for (uint32_t a = g->first_out[v]; a < g->first_out[v + 1]; a++) {
            if (is_next_hop(t, a)) {
                put(t->e, a, flow / n);
                t->flow[g->to[a]] += flow / n;
            }
        }
        t->flow[v] = 0;
    }
    t->flow[t->to] = 0;
    sort_arcs(t->e->arcs + first, t->e->shares + first, t->e->n_arcs - first);
}

static void
fill_destination(struct toward *t, uint32_t to)
{
    struct mcf_ecmp *e = t->e;
    const struct mcf_graph *g = e->g;
    double *delay = e->delay + (size_t)to * e->n;
    bool *reaches = e->reaches + (size_t)to * e->n;
    bool *labelled = e->labelled + (size_t)to * e->n;
    find_distances(t, to);
    for (uint32_t i = 0; i < t->n_order; i++) {
        uint32_t v = t->order[i];
        reaches[v] = true;
        labelled[v] = v == to || g->sid_index[to] < g->srgb_size[v];
        for (uint32_t a = g->first_out[v]; v != to && a < g->first_out[v + 1]; a++) {
            if (!is_next_hop(t, a))
                continue;
            delay[v] = MAX(delay[v], g->delay_us[a] + delay[g->to[a]]);
            labelled[v] = labelled[v] && labelled[g->to[a]];
        }
    }
    for (uint32_t v = 0; v < e->n; v++) {
        e->first[(size_t)to * e->n + v] = e->n_arcs;
        if (reaches[v] && v != to)
            spread(t, v);
    }
}

struct mcf_ecmp *
mcf_ecmp_new(const struct mcf_graph *g)
{
    struct mcf_ecmp *e = xcalloc(1, sizeof *e);
    struct toward t = {.e = e};
    uint32_t n = g->n_nodes;
    *e = (struct mcf_ecmp){.g = g, .n = n};
    e->first = xcalloc((size_t)n * n + 1, sizeof *e->first);
    e->delay = xcalloc((size_t)n * n + 1, sizeof *e->delay);
    e->reaches = xcalloc((size_t)n * n + 1, sizeof *e->reaches);
    e->labelled = xcalloc((size_t)n * n + 1, sizeof *e->labelled);
    find_entering(&t);
    t.distance = xcalloc(n + 1, sizeof *t.distance);
    t.order = xcalloc(n + 1, sizeof *t.order);
    t.place = xcalloc(n + 1, sizeof *t.place);
    t.flow = xcalloc(n + 1, sizeof *t.flow);
    t.settled = xcalloc(n + 1, sizeof *t.settled);
    for (uint32_t to = 0; to < n; to++)
        fill_destination(&t, to);
    e->first[(size_t)n * n] = e->n_arcs;
    free(t.first_in);
    free(t.in);
    free(t.distance);
    free(t.order);
    free(t.place);
    free(t.flow);
    free(t.settled);
    return e;
}

void
mcf_ecmp_free(struct mcf_ecmp *e)
{
    if (!e)
        return;
    free(e->first);
    free(e->arcs);
    free(e->shares);
    free(e->delay);
    free(e->reaches);
    free(e->labelled);
    free(e);
}

uint32_t
mcf_ecmp_pair(const struct mcf_ecmp *e, uint32_t from, uint32_t to, const uint32_t **arcs,
              const double **shares)
{
    size_t i = (size_t)to * e->n + from;
    *arcs = e->arcs + e->first[i];
    *shares = e->shares + e->first[i];
    return e->first[i + 1] - e->first[i];
}

bool
mcf_ecmp_reaches(const struct mcf_ecmp *e, uint32_t from, uint32_t to)
{
    return e->reaches[(size_t)to * e->n + from];
}

bool
mcf_ecmp_labelled(const struct mcf_ecmp *e, uint32_t from, uint32_t to)
{
    return e->labelled[(size_t)to * e->n + from];
}

double
mcf_ecmp_delay(const struct mcf_ecmp *e, uint32_t from, uint32_t to)
{
    return e->delay[(size_t)to * e->n + from];
}

void
mcf_ecmp_load(const struct mcf_ecmp *e, uint32_t from, uint32_t to, double bps, double *loads)
{
    const uint32_t *arcs;
    const double *shares;
    uint32_t n = mcf_ecmp_pair(e, from, to, &arcs, &shares);
    for (uint32_t i = 0; i < n; i++)
        loads[arcs[i]] += bps * shares[i];
}
