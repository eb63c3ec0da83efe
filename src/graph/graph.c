#include "graph/graph.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

void
graph_init(struct graph *g, uint32_t n_nodes)
{
    *g = (struct graph){.n_nodes = n_nodes};
}

/* What was found out about a node counts only in the search with that number, so that no search has
 * to wipe what the one before has left. */
struct label {
    int64_t distance;
    uint32_t parent; /* edge */
    uint32_t seen, settled;
};

/* A node with its key above its number: as one integer they compare at once. */
typedef unsigned __int128 entry_t;

static inline entry_t
entry_of(int64_t key, uint32_t node)
{
    return (entry_t)(uint64_t)key << 64 | node;
}

static inline int64_t
entry_key(entry_t entry)
{
    return (int64_t)(uint64_t)(entry >> 64);
}

static inline uint32_t
entry_node(entry_t entry)
{
    return (uint32_t)entry;
}

struct graph_scratch {
    uint32_t search, n;
    struct label *labels; /* by node */
    entry_t *heap;
};

static void
drop_adjacency(struct graph *g)
{
    free(g->first);
    free(g->arcs);
    if (g->scratch) {
        free(g->scratch->labels);
        free(g->scratch->heap);
        free(g->scratch);
    }
    g->first = NULL;
    g->arcs = NULL;
    g->scratch = NULL;
}

void
graph_fini(struct graph *g)
{
    drop_adjacency(g);
    free(g->edges);
    *g = (struct graph){0};
}

uint32_t
graph_add(struct graph *g, uint32_t a, uint32_t b, int64_t cost)
{
    assert(cost > 0 && cost <= GRAPH_COST_MAX);
    GROW(g->edges, g->n_edges, g->capacity);
    g->edges[g->n_edges] = (struct graph_edge){a, b, cost};
    drop_adjacency(g);
    return g->n_edges++;
}

void
graph_prepare(struct graph *g)
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
    g->scratch = xcalloc(1, sizeof *g->scratch);
    g->scratch->labels = xcalloc(g->n_nodes, sizeof *g->scratch->labels);
    g->scratch->heap = xcalloc(2 * (size_t)g->n_edges + 1, sizeof *g->scratch->heap);
}

void
path_fini(struct path *path)
{
    free(path->edges);
    *path = (struct path){0};
}

/* ---- A heap of nodes by distance, then by number ---- */

/* A node may be in the heap several times; only its first time out counts. */
static void
heap_push(struct graph_scratch *s, int64_t key, uint32_t node)
{
    const entry_t entry = entry_of(key, node);
    uint32_t at = s->n++;
    for (; at > 0 && entry < s->heap[(at - 1) / 4]; at = (at - 1) / 4)
        s->heap[at] = s->heap[(at - 1) / 4];
    s->heap[at] = entry;
}

static entry_t
heap_pop(struct graph_scratch *s)
{
    entry_t top = s->heap[0], last = s->heap[--s->n];
    uint32_t at = 0;
    for (;;) {
        uint32_t first = 4 * at + 1, least = first, end = MIN(first + 4, s->n);
        if (first >= s->n)
            break;
        entry_t key = s->heap[first];
        for (uint32_t child = first + 1; child < end; child++) {
            bool less = s->heap[child] < key;
            least = less ? child : least;
            key = less ? s->heap[child] : key;
        }
        if (key >= last)
            break;
        s->heap[at] = key;
        at = least;
    }
    s->heap[at] = last;
    return top;
}

/* ---- Shortest paths ---- */

static int64_t
arc_cost(const struct graph *g, const struct graph_filter *f, uint32_t edge)
{
    return g->edges[edge].cost + (f && f->edge_surcharge ? f->edge_surcharge[edge] : 0);
}

static int64_t
node_cost(const struct graph_filter *f, uint32_t node)
{
    return f && f->node_surcharge ? f->node_surcharge[node] : 0;
}

static bool
is_banned(const struct graph_filter *f, struct graph_arc arc, uint32_t to)
{
    return f && ((f->edge_banned && f->edge_banned[arc.edge]) ||
                 (f->node_banned && f->node_banned[arc.to] && arc.to != to));
}

static struct graph_scratch *
begin_search(struct graph *g, uint32_t from)
{
    graph_prepare(g);
    struct graph_scratch *s = g->scratch;
    if (!++s->search) {
        memset(s->labels, 0, g->n_nodes * sizeof *s->labels);
        s->search = 1;
    }
    s->n = 0;
    s->labels[from] = (struct label){0, NOWHERE, s->search, 0};
    return s;
}

static bool
is_settled(const struct graph_scratch *s, uint32_t node)
{
    return s->labels[node].settled == s->search;
}

/* A shorter way to a node than is known so far? Then it is the one. */
static bool
shorten(struct graph_scratch *s, struct graph_arc arc, int64_t distance)
{
    struct label *l = &s->labels[arc.to];
    if (l->settled == s->search || (l->seen == s->search && distance >= l->distance))
        return false;
    l->distance = distance;
    l->parent = arc.edge;
    l->seen = s->search;
    return true;
}

/* Dijkstra's algorithm. Stops at `to`, unless that is NOWHERE. Nodes leave the heap by distance,
 * then by number, and an equal way never replaces the one before: that is the order of ties in
 * graph.h. */
static void
dijkstra(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f)
{
    struct graph_scratch *s = begin_search(g, from);
    heap_push(s, 0, from);
    while (s->n) {
        uint32_t v = entry_node(heap_pop(s));
        if (is_settled(s, v))
            continue;
        s->labels[v].settled = s->search;
        if (v == to)
            break;
        int64_t base = s->labels[v].distance + (v == from ? 0 : node_cost(f, v));
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            int64_t distance = base + arc_cost(g, f, arc.edge);
            if (!is_banned(f, arc, to) && shorten(s, arc, distance))
                heap_push(s, distance, arc.to);
        }
    }
}

void
graph_tree(struct graph *g, uint32_t from, const struct graph_filter *f, uint32_t *parent_edge,
           int64_t *distance)
{
    dijkstra(g, from, NOWHERE, f);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        bool reached = is_settled(g->scratch, v);
        parent_edge[v] = reached ? g->scratch->labels[v].parent : NOWHERE;
        if (distance)
            distance[v] = reached ? g->scratch->labels[v].distance : INT64_MAX;
    }
}

static void
collect_path(const struct graph *g, uint32_t from, uint32_t to, struct path *path)
{
    const struct label *labels = g->scratch->labels;
    uint32_t n = 0;
    for (uint32_t v = to; v != from; v = graph_other_end(g, labels[v].parent, v))
        n++;
    *path = (struct path){.n = n, .edges = xcalloc(n, sizeof *path->edges)};
    for (uint32_t v = to; v != from; v = graph_other_end(g, labels[v].parent, v)) {
        path->edges[--n] = labels[v].parent;
        path->cost += g->edges[labels[v].parent].cost;
    }
}

/* Does this arc of v, backwards, lead to a node from which v is reached at its distance? */
static bool
is_tight(const struct graph *g, const struct graph_filter *f, uint32_t from, uint32_t to,
         uint32_t v, struct graph_arc back)
{
    const struct graph_scratch *s = g->scratch;
    if (back.to == to || !is_settled(s, back.to) ||
        (f && f->edge_banned && f->edge_banned[back.edge]))
        return false;
    int64_t through = back.to == from ? 0 : node_cost(f, back.to);
    return s->labels[back.to].distance + through + arc_cost(g, f, back.edge) ==
           s->labels[v].distance;
}

static bool
is_tied(const struct graph *g, const struct graph_filter *f, uint32_t from, uint32_t to)
{
    for (uint32_t v = to; v != from; v = graph_other_end(g, g->scratch->labels[v].parent, v)) {
        uint32_t n = 0;
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++)
            n += is_tight(g, f, from, to, v, g->arcs[i]);
        if (n > 1)
            return true;
    }
    return false;
}

enum err
graph_shortest(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
               struct path *path)
{
    dijkstra(g, from, to, f);
    if (!is_settled(g->scratch, to))
        return ERR_NOT_FOUND;
    collect_path(g, from, to, path);
    path->tied = is_tied(g, f, from, to);
    return ERR_OK;
}

/* ---- The k shortest paths: Yen's algorithm, as E. L. Lawler (1972) shortened it ---- */

struct candidate {
    struct path path;
    int64_t cost;       /* with surcharges */
    uint32_t deviation; /* the edge by which it leaves the path that it was made from */
};

struct graph_ranking {
    struct graph *g;
    uint32_t from, to;
    struct graph_filter base, filter; /* as given; and with what the search at hand bans besides */
    bool *edge_banned, *node_banned;
    int64_t *remaining; /* by node: the least cost from there to `to`; INT64_MAX: no way */
    struct candidate *found, *candidates;
    uint32_t n_found, found_capacity, n_candidates, candidates_capacity;
};

/* The least that a path over this node costs, as far as is known. */
static int64_t
expected(const struct graph_ranking *r, uint32_t from, uint32_t node, int64_t distance)
{
    int64_t through = node == from || node == r->to ? 0 : node_cost(&r->filter, node);
    return distance + through + r->remaining[node];
}

/* Of the ways back from `to`, the one that graph.h describes. */
static void
choose_parents(const struct graph_ranking *r, uint32_t from)
{
    const struct graph *g = r->g;
    struct label *labels = g->scratch->labels;
    for (uint32_t v = r->to; v != from; v = graph_other_end(g, labels[v].parent, v)) {
        entry_t best = ~(entry_t)0;
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            entry_t here = entry_of(labels[arc.to].distance, arc.to);
            if (here < best && is_tight(g, &r->filter, from, r->to, v, arc)) {
                best = here;
                labels[v].parent = arc.edge;
            }
        }
    }
}

/* graph_shortest() for those who know how far it still is from each node without the bans (A*): it
 * visits little but the path itself. Every node of every shortest path is settled before it ends,
 * so that the choice among them is free. */
static bool
shortest_guided(struct graph_ranking *r, uint32_t from, struct path *path)
{
    struct graph *g = r->g;
    struct graph_scratch *s = begin_search(g, from);
    int64_t best = INT64_MAX;
    if (r->remaining[from] == INT64_MAX)
        return false;
    heap_push(s, r->remaining[from], from);
    while (s->n) {
        entry_t e = heap_pop(s);
        uint32_t v = entry_node(e);
        if (entry_key(e) > best)
            break;
        if (is_settled(s, v))
            continue;
        s->labels[v].settled = s->search;
        if (v == r->to) {
            best = entry_key(e);
            continue;
        }
        int64_t base = s->labels[v].distance + (v == from ? 0 : node_cost(&r->filter, v));
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            int64_t distance = base + arc_cost(g, &r->filter, arc.edge);
            if (r->remaining[arc.to] != INT64_MAX && !is_banned(&r->filter, arc, r->to) &&
                shorten(s, arc, distance))
                heap_push(s, expected(r, from, arc.to, distance), arc.to);
        }
    }
    if (best == INT64_MAX)
        return false;
    choose_parents(r, from);
    collect_path(g, from, r->to, path);
    return true;
}

struct graph_ranking *
graph_ranking_new(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f)
{
    struct graph_ranking *r = xcalloc(1, sizeof *r);
    r->g = g;
    r->from = from;
    r->to = to;
    r->base = f ? *f : (struct graph_filter){0};
    r->filter = r->base;
    r->filter.edge_banned = r->edge_banned = xcalloc(g->n_edges, sizeof *r->edge_banned);
    r->filter.node_banned = r->node_banned = xcalloc(g->n_nodes, sizeof *r->node_banned);
    if (r->base.edge_banned)
        memcpy(r->edge_banned, r->base.edge_banned, g->n_edges * sizeof *r->edge_banned);
    if (r->base.node_banned)
        memcpy(r->node_banned, r->base.node_banned, g->n_nodes * sizeof *r->node_banned);
    r->remaining = xcalloc(g->n_nodes, sizeof *r->remaining);
    dijkstra(g, to, NOWHERE, &r->base);
    for (uint32_t v = 0; v < g->n_nodes; v++)
        r->remaining[v] = is_settled(g->scratch, v) ? g->scratch->labels[v].distance : INT64_MAX;
    if (r->node_banned[from]) /* ends are never banned, and other nodes do not ask */
        r->remaining[from] = 0;
    return r;
}

void
graph_ranking_free(struct graph_ranking *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n_found; i++)
        path_fini(&r->found[i].path);
    for (uint32_t i = 0; i < r->n_candidates; i++)
        path_fini(&r->candidates[i].path);
    free(r->found);
    free(r->candidates);
    free(r->edge_banned);
    free(r->node_banned);
    free(r->remaining);
    free(r);
}

static int64_t
full_cost(const struct graph_ranking *r, const struct path *path)
{
    int64_t sum = 0;
    uint32_t v = r->from;
    for (uint32_t i = 0; i < path->n; i++) {
        sum += (i ? node_cost(&r->base, v) : 0) + arc_cost(r->g, &r->base, path->edges[i]);
        v = graph_other_end(r->g, path->edges[i], v);
    }
    return sum;
}

static bool
same_path(const struct path *a, const struct path *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->edges, b->edges, a->n * sizeof *a->edges));
}

static void
add_candidate(struct graph_ranking *r, struct path path, uint32_t deviation)
{
    for (uint32_t i = 0; i < r->n_candidates; i++) {
        if (same_path(&r->candidates[i].path, &path)) {
            path_fini(&path);
            return;
        }
    }
    GROW(r->candidates, r->n_candidates, r->candidates_capacity);
    r->candidates[r->n_candidates++] = (struct candidate){path, full_cost(r, &path), deviation};
}

/* The path's first `n` edges, and the rest from there. */
static struct path
join_paths(const struct graph *g, const struct path *first, uint32_t n, const struct path *rest)
{
    struct path whole = {.n = n + rest->n, .edges = xcalloc(n + rest->n, sizeof *whole.edges)};
    for (uint32_t i = 0; i < whole.n; i++) {
        whole.edges[i] = i < n ? first->edges[i] : rest->edges[i - n];
        whole.cost += g->edges[whole.edges[i]].cost;
    }
    return whole;
}

static void
set_bans(struct graph_ranking *r, uint32_t at, bool banned)
{
    const struct path *last = &r->found[r->n_found - 1].path;
    for (uint32_t k = 0; k < r->n_found; k++) {
        const struct path *path = &r->found[k].path;
        if (path->n > at && !memcmp(path->edges, last->edges, at * sizeof *last->edges))
            r->edge_banned[path->edges[at]] = banned;
    }
}

/* Deviations from the last path found: at each of its nodes, leave by another edge than any path
 * found so far with the same beginning, and do not come back to that beginning. Nodes before its
 * own deviation have been tried with the path that it was made from. */
static void
add_deviations(struct graph_ranking *r)
{
    const struct candidate *last = &r->found[r->n_found - 1];
    uint32_t spur = r->from;
    for (uint32_t i = 0; i < last->path.n; i++) {
        struct path rest;
        if (i >= last->deviation) {
            set_bans(r, i, true);
            if (shortest_guided(r, spur, &rest)) {
                add_candidate(r, join_paths(r->g, &last->path, i, &rest), i);
                path_fini(&rest);
            }
            set_bans(r, i, false);
        }
        r->node_banned[spur] = true;
        spur = graph_other_end(r->g, last->path.edges[i], spur);
    }
    spur = r->from;
    for (uint32_t i = 0; i < last->path.n; i++) {
        r->node_banned[spur] = r->base.node_banned && r->base.node_banned[spur];
        spur = graph_other_end(r->g, last->path.edges[i], spur);
    }
}

/* Of equal ones, the one found first. */
static struct candidate
take_cheapest(struct graph_ranking *r)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < r->n_candidates; i++) {
        if (r->candidates[i].cost < r->candidates[best].cost)
            best = i;
    }
    struct candidate taken = r->candidates[best];
    r->n_candidates--;
    memmove(&r->candidates[best], &r->candidates[best + 1],
            (r->n_candidates - best) * sizeof *r->candidates);
    return taken;
}

const struct path *
graph_ranking_next(struct graph_ranking *r, int64_t *cost)
{
    struct candidate next;
    if (!r->n_found) {
        if (!shortest_guided(r, r->from, &next.path))
            return NULL;
        next.cost = full_cost(r, &next.path);
        next.deviation = 0;
    } else {
        add_deviations(r);
        if (!r->n_candidates)
            return NULL;
        next = take_cheapest(r);
    }
    GROW(r->found, r->n_found, r->found_capacity);
    r->found[r->n_found++] = next;
    *cost = next.cost;
    return &r->found[r->n_found - 1].path;
}

uint32_t
graph_k_shortest(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
                 uint32_t k, struct path *paths)
{
    struct graph_ranking *r = graph_ranking_new(g, from, to, f);
    const struct path *path;
    uint32_t n = 0;
    int64_t cost;
    while (n < k && (path = graph_ranking_next(r, &cost))) {
        paths[n] = *path;
        paths[n++].edges = xmemdup(path->edges, path->n * sizeof *path->edges);
    }
    graph_ranking_free(r);
    return n;
}
