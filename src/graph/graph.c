#include "graph/graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

void
graph_init(struct graph *g, uint32_t n_nodes)
{
    *g = (struct graph){.n_nodes = n_nodes};
}

void
graph_fini(struct graph *g)
{
    free(g->edges);
    free(g->first);
    free(g->arcs);
    *g = (struct graph){0};
}

uint32_t
graph_add(struct graph *g, uint32_t a, uint32_t b, int64_t cost)
{
    GROW(g->edges, g->n_edges, g->capacity);
    g->edges[g->n_edges] = (struct graph_edge){a, b, cost};
    free(g->first);
    free(g->arcs);
    g->first = NULL;
    g->arcs = NULL;
    return g->n_edges++;
}

static void
make_adjacency(struct graph *g)
{
    if (g->first)
        return;
    g->first = xcalloc(g->n_nodes + 2, sizeof *g->first);
    g->arcs = xcalloc(g->n_edges, 2 * sizeof *g->arcs);
    for (uint32_t e = 0; e < g->n_edges; e++) {
        g->first[g->edges[e].a + 2]++;
        g->first[g->edges[e].b + 2]++;
    }
    for (uint32_t v = 0; v < g->n_nodes; v++)
        g->first[v + 2] += g->first[v + 1];
    for (uint32_t e = 0; e < g->n_edges; e++) { /* first[v + 1] is where v's next arc goes */
        g->arcs[g->first[g->edges[e].a + 1]++] = (struct graph_arc){g->edges[e].b, e};
        g->arcs[g->first[g->edges[e].b + 1]++] = (struct graph_arc){g->edges[e].a, e};
    }
}

void
path_fini(struct path *path)
{
    free(path->edges);
    *path = (struct path){0};
}

/* ---- A binary heap of nodes by distance, then by number ---- */

struct heap {
    uint32_t n;
    uint32_t *nodes;
    uint32_t *place; /* of a node in `nodes`; NOWHERE: not in it */
    const int64_t *key;
};

static bool
before(const struct heap *h, uint32_t a, uint32_t b)
{
    return h->key[a] < h->key[b] || (h->key[a] == h->key[b] && a < b);
}

static void
put_at(struct heap *h, uint32_t place, uint32_t node)
{
    h->nodes[place] = node;
    h->place[node] = place;
}

static void
sift_up(struct heap *h, uint32_t at)
{
    uint32_t node = h->nodes[at];
    for (; at > 0 && before(h, node, h->nodes[(at - 1) / 2]); at = (at - 1) / 2)
        put_at(h, at, h->nodes[(at - 1) / 2]);
    put_at(h, at, node);
}

static void
sift_down(struct heap *h, uint32_t at)
{
    uint32_t node = h->nodes[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && before(h, h->nodes[child + 1], h->nodes[child]))
            child++;
        if (!before(h, h->nodes[child], node))
            break;
        put_at(h, at, h->nodes[child]);
        at = child;
    }
    put_at(h, at, node);
}

static void
heap_update(struct heap *h, uint32_t node)
{
    if (h->place[node] == NOWHERE)
        put_at(h, h->n++, node);
    sift_up(h, h->place[node]);
}

static uint32_t
heap_pop(struct heap *h)
{
    uint32_t node = h->nodes[0];
    h->place[node] = NOWHERE;
    if (--h->n) {
        put_at(h, 0, h->nodes[h->n]);
        sift_down(h, 0);
    }
    return node;
}

/* ---- Shortest paths ---- */

static int64_t
arc_cost(const struct graph *g, const struct graph_filter *f, uint32_t edge)
{
    return g->edges[edge].cost + (f && f->edge_surcharge ? f->edge_surcharge[edge] : 0);
}

/* Stops at `to`, unless that is NOWHERE. */
static void
dijkstra(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
         uint32_t *parent_edge, int64_t *distance)
{
    make_adjacency(g);
    struct heap h = {.nodes = xcalloc(g->n_nodes, sizeof *h.nodes),
                     .place = xcalloc(g->n_nodes, sizeof *h.place),
                     .key = distance};
    memset(h.place, 0xff, g->n_nodes * sizeof *h.place);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        distance[v] = INT64_MAX;
        parent_edge[v] = NOWHERE;
    }
    distance[from] = 0;
    heap_update(&h, from);
    while (h.n) {
        uint32_t v = heap_pop(&h);
        if (v == to)
            break;
        int64_t through = f && f->node_surcharge && v != from ? f->node_surcharge[v] : 0;
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            if ((f && f->edge_banned && f->edge_banned[arc.edge]) ||
                (f && f->node_banned && f->node_banned[arc.to] && arc.to != to))
                continue;
            int64_t d = distance[v] + through + arc_cost(g, f, arc.edge);
            if (d < distance[arc.to]) {
                distance[arc.to] = d;
                parent_edge[arc.to] = arc.edge;
                heap_update(&h, arc.to);
            }
        }
    }
    free(h.nodes);
    free(h.place);
}

void
graph_tree(struct graph *g, uint32_t from, const struct graph_filter *f, uint32_t *parent_edge,
           int64_t *distance)
{
    int64_t *own = distance ? NULL : xcalloc(g->n_nodes, sizeof *own);
    dijkstra(g, from, NOWHERE, f, parent_edge, distance ? distance : own);
    free(own);
}

static void
collect_path(const struct graph *g, uint32_t from, uint32_t to, const uint32_t *parent_edge,
             struct path *path)
{
    uint32_t n = 0;
    for (uint32_t v = to; v != from; v = graph_other_end(g, parent_edge[v], v))
        n++;
    *path = (struct path){.n = n, .edges = xcalloc(n, sizeof *path->edges)};
    for (uint32_t v = to; v != from; v = graph_other_end(g, parent_edge[v], v)) {
        path->edges[--n] = parent_edge[v];
        path->cost += g->edges[parent_edge[v]].cost;
    }
}

enum err
graph_shortest(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
               struct path *path)
{
    uint32_t *parent_edge = xcalloc(g->n_nodes, sizeof *parent_edge);
    int64_t *distance = xcalloc(g->n_nodes, sizeof *distance);
    dijkstra(g, from, to, f, parent_edge, distance);
    enum err err = distance[to] == INT64_MAX ? ERR_NOT_FOUND : ERR_OK;
    if (!err)
        collect_path(g, from, to, parent_edge, path);
    free(parent_edge);
    free(distance);
    return err;
}

/* ---- Yen's k shortest paths ---- */

static int64_t
full_cost(const struct graph *g, const struct graph_filter *f, uint32_t from,
          const struct path *path)
{
    int64_t sum = 0;
    uint32_t v = from;
    for (uint32_t i = 0; i < path->n; i++) {
        if (i && f && f->node_surcharge)
            sum += f->node_surcharge[v];
        sum += arc_cost(g, f, path->edges[i]);
        v = graph_other_end(g, path->edges[i], v);
    }
    return sum;
}

static bool
same_path(const struct path *a, const struct path *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->edges, b->edges, a->n * sizeof *a->edges));
}

struct candidates {
    struct path *paths;
    int64_t *costs;
    uint32_t n, capacity, costs_capacity;
};

static void
add_candidate(struct candidates *c, struct path path, int64_t cost)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (same_path(&c->paths[i], &path)) {
            path_fini(&path);
            return;
        }
    }
    GROW(c->costs, c->n, c->costs_capacity);
    GROW(c->paths, c->n, c->capacity);
    c->costs[c->n] = cost;
    c->paths[c->n++] = path;
}

static struct path
take_cheapest(struct candidates *c)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < c->n; i++) {
        if (c->costs[i] < c->costs[best])
            best = i;
    }
    struct path path = c->paths[best];
    c->n--;
    memmove(&c->paths[best], &c->paths[best + 1], (c->n - best) * sizeof *c->paths);
    memmove(&c->costs[best], &c->costs[best + 1], (c->n - best) * sizeof *c->costs);
    return path;
}

/* All deviations from the last path found: at each of its nodes, leave by another edge than any
 * path found so far with the same beginning, and do not come back to that beginning. */
static void
add_deviations(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
               const struct path *paths, uint32_t n_paths, struct candidates *c)
{
    const struct path *last = &paths[n_paths - 1];
    bool *edge_banned = xcalloc(g->n_edges, sizeof *edge_banned);
    bool *node_banned = xcalloc(g->n_nodes, sizeof *node_banned);
    struct graph_filter filter = f ? *f : (struct graph_filter){0};
    filter.edge_banned = edge_banned;
    filter.node_banned = node_banned;
    if (f && f->node_banned)
        memcpy(node_banned, f->node_banned, g->n_nodes * sizeof *node_banned);
    uint32_t spur = from;
    for (uint32_t i = 0; i < last->n; i++) {
        if (f && f->edge_banned)
            memcpy(edge_banned, f->edge_banned, g->n_edges * sizeof *edge_banned);
        else
            memset(edge_banned, 0, g->n_edges * sizeof *edge_banned);
        for (uint32_t k = 0; k < n_paths; k++) {
            if (paths[k].n > i && !memcmp(paths[k].edges, last->edges, i * sizeof *last->edges))
                edge_banned[paths[k].edges[i]] = true;
        }
        struct path rest, whole;
        if (!graph_shortest(g, spur, to, &filter, &rest)) {
            whole.n = i + rest.n;
            whole.edges = xcalloc(whole.n, sizeof *whole.edges);
            memcpy(whole.edges, last->edges, i * sizeof *whole.edges);
            memcpy(whole.edges + i, rest.edges, rest.n * sizeof *whole.edges);
            whole.cost = rest.cost;
            for (uint32_t k = 0; k < i; k++)
                whole.cost += g->edges[last->edges[k]].cost;
            path_fini(&rest);
            add_candidate(c, whole, full_cost(g, f, from, &whole));
        }
        node_banned[spur] = true;
        spur = graph_other_end(g, last->edges[i], spur);
    }
    free(edge_banned);
    free(node_banned);
}

uint32_t
graph_k_shortest(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
                 uint32_t k, struct path *paths)
{
    struct candidates c = {0};
    uint32_t n = 0;
    if (k && !graph_shortest(g, from, to, f, &paths[0]))
        n = 1;
    while (n && n < k) {
        add_deviations(g, from, to, f, paths, n, &c);
        if (!c.n)
            break;
        paths[n++] = take_cheapest(&c);
    }
    for (uint32_t i = 0; i < c.n; i++)
        path_fini(&c.paths[i]);
    free(c.paths);
    free(c.costs);
    return n;
}
