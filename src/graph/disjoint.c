/* The disjoint pair as a flow of two units at minimum cost.
 *
 * Every node is split into an entry and an exit. Passing through a node, and using an edge in one
 * direction, each exist twice: once for nothing extra, once at a price so high that it is paid only
 * if there is no way round it. Edges cost more to share than nodes. Units that use an edge in
 * opposite directions cancel. The first unit goes along a shortest path, the second along a
 * shortest path in the residual network (Bellman-Ford with a queue: residual costs may be
 * negative). */
#include "graph/graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX
#define SHARE_NODE (INT64_C(1) << 41)
#define SHARE_EDGE (INT64_C(1) << 51)

struct flow_arc {
    uint32_t to;
    uint32_t edge; /* of the graph; NOWHERE: through a node */
    int64_t cost;
    int capacity;
};

/* Arcs come in pairs: i and i ^ 1 are each other's residual. */
struct flow_network {
    uint32_t n_nodes, n_arcs;
    struct flow_arc *arcs;
    uint32_t *next; /* arc after this one at the same node */
    uint32_t *head; /* first arc of a node */
};

static void
add_arc(struct flow_network *net, uint32_t from, uint32_t to, uint32_t edge, int64_t cost)
{
    const struct flow_arc pair[2] = {{to, edge, cost, 1}, {from, edge, -cost, 0}};
    const uint32_t at[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        net->arcs[net->n_arcs] = pair[i];
        net->next[net->n_arcs] = net->head[at[i]];
        net->head[at[i]] = net->n_arcs++;
    }
}

static uint32_t
entry(uint32_t node)
{
    return 2 * node;
}

static uint32_t
leave(uint32_t node)
{
    return 2 * node + 1;
}

static void
build(struct flow_network *net, const struct graph *g, const struct graph_filter *f, uint32_t from,
      uint32_t to)
{
    uint32_t n_arcs = 2 * (2 * g->n_nodes + 4 * g->n_edges);
    *net = (struct flow_network){.n_nodes = 2 * g->n_nodes};
    net->arcs = xcalloc(n_arcs, sizeof *net->arcs);
    net->next = xcalloc(n_arcs, sizeof *net->next);
    net->head = xmalloc(net->n_nodes * sizeof *net->head);
    memset(net->head, 0xff, net->n_nodes * sizeof *net->head);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        bool end = v == from || v == to;
        int64_t extra = !end && f && f->node_surcharge ? f->node_surcharge[v] : 0;
        if (!end && f && f->node_banned && f->node_banned[v])
            continue;
        add_arc(net, entry(v), leave(v), NOWHERE, extra);
        add_arc(net, entry(v), leave(v), NOWHERE, extra + (end ? 0 : SHARE_NODE));
    }
    for (uint32_t e = g->n_edges; e-- > 0;) { /* backwards, so that lists run forwards */
        uint32_t a = g->edges[e].a, b = g->edges[e].b;
        int64_t cost = g->edges[e].cost + (f && f->edge_surcharge ? f->edge_surcharge[e] : 0);
        if (f && f->edge_banned && f->edge_banned[e])
            continue;
        for (int copy = 1; copy >= 0; copy--) {
            add_arc(net, leave(a), entry(b), e, cost + copy * SHARE_EDGE);
            add_arc(net, leave(b), entry(a), e, cost + copy * SHARE_EDGE);
        }
    }
}

/* Sends one unit along a cheapest residual path. False: there is none. */
static bool
augment(struct flow_network *net, uint32_t from, uint32_t to)
{
    int64_t *distance = xcalloc(net->n_nodes, sizeof *distance);
    uint32_t *by = xcalloc(net->n_nodes, sizeof *by);
    bool *queued = xcalloc(net->n_nodes, sizeof *queued);
    uint32_t *queue = xcalloc(net->n_nodes + 1, sizeof *queue), head = 0, tail = 0;
    for (uint32_t v = 0; v < net->n_nodes; v++)
        distance[v] = INT64_MAX;
    distance[from] = 0;
    queue[tail++] = from;
    while (head != tail) {
        uint32_t v = queue[head];
        head = (head + 1) % (net->n_nodes + 1);
        queued[v] = false;
        for (uint32_t i = net->head[v]; i != NOWHERE; i = net->next[i]) {
            const struct flow_arc *a = &net->arcs[i];
            if (!a->capacity || distance[v] + a->cost >= distance[a->to])
                continue;
            distance[a->to] = distance[v] + a->cost;
            by[a->to] = i;
            if (!queued[a->to]) {
                queued[a->to] = true;
                queue[tail] = a->to;
                tail = (tail + 1) % (net->n_nodes + 1);
            }
        }
    }
    bool found = distance[to] != INT64_MAX;
    for (uint32_t v = to; found && v != from; v = net->arcs[by[v] ^ 1].to) {
        net->arcs[by[v]].capacity--;
        net->arcs[by[v] ^ 1].capacity++;
    }
    free(distance);
    free(by);
    free(queued);
    free(queue);
    return found;
}

/* Does this arc carry flow that its opposite twin (the same edge the other way) does not cancel? */
static void
cancel_opposites(struct flow_network *net, const struct graph *g)
{
    /* forward[e] counts units a to b, less units b to a. */
    int *balance = xcalloc(g->n_edges, sizeof *balance);
    for (uint32_t i = 0; i < net->n_arcs; i += 2) {
        struct flow_arc *a = &net->arcs[i];
        if (a->edge == NOWHERE || a->capacity)
            continue;
        balance[a->edge] += a->to == entry(g->edges[a->edge].b) ? 1 : -1;
    }
    for (uint32_t i = 0; i < net->n_arcs; i += 2) { /* rewrite as the balance says */
        struct flow_arc *a = &net->arcs[i];
        if (a->edge == NOWHERE)
            continue;
        int sign = a->to == entry(g->edges[a->edge].b) ? 1 : -1;
        bool used = balance[a->edge] * sign > 0;
        a->capacity = !used;
        if (used)
            balance[a->edge] -= sign;
    }
    free(balance);
}

/* Follows one unit from `from` to `to`, and takes it off the network. */
static void
follow(struct flow_network *net, const struct graph *g, uint32_t from, uint32_t to,
       struct path *path)
{
    *path = (struct path){.edges = xcalloc(g->n_edges, sizeof *path->edges)};
    for (uint32_t v = from; v != to;) {
        uint32_t i = net->head[leave(v)];
        while (i & 1 || net->arcs[i].capacity || net->arcs[i].edge == NOWHERE)
            i = net->next[i];
        net->arcs[i].capacity = 1;
        path->edges[path->n++] = net->arcs[i].edge;
        path->cost += g->edges[net->arcs[i].edge].cost;
        v = net->arcs[i].to / 2;
    }
}

/* Cuts out any part of the path that comes back to a node it has been to. */
static void
make_simple(const struct graph *g, uint32_t from, struct path *path)
{
    uint32_t *seen_at = xmalloc(g->n_nodes * sizeof *seen_at), v = from, n = 0;
    memset(seen_at, 0xff, g->n_nodes * sizeof *seen_at);
    seen_at[from] = 0;
    for (uint32_t i = 0; i < path->n; i++) {
        uint32_t edge = path->edges[i];
        v = graph_other_end(g, edge, v);
        path->edges[n++] = edge;
        if (seen_at[v] != UINT32_MAX) {
            while (n > seen_at[v]) { /* forget the nodes on the loop, but for v itself */
                uint32_t last = path->edges[--n];
                for (int side = 0; side < 2; side++) {
                    uint32_t end = side ? g->edges[last].a : g->edges[last].b;
                    if (seen_at[end] != UINT32_MAX && seen_at[end] > seen_at[v])
                        seen_at[end] = UINT32_MAX;
                }
                path->cost -= g->edges[last].cost;
            }
        } else {
            seen_at[v] = n;
        }
    }
    path->n = n;
    free(seen_at);
}

enum err
graph_disjoint_pair(struct graph *g, uint32_t from, uint32_t to, const struct graph_filter *f,
                    struct path paths[2])
{
    struct flow_network net;
    if (from == to) {
        paths[0] = paths[1] = (struct path){0};
        return ERR_OK;
    }
    build(&net, g, f, from, to);
    bool found = augment(&net, leave(from), entry(to)) && augment(&net, leave(from), entry(to));
    if (found) {
        cancel_opposites(&net, g);
        for (int i = 0; i < 2; i++) {
            follow(&net, g, from, to, &paths[i]);
            make_simple(g, from, &paths[i]);
        }
        if (paths[1].cost < paths[0].cost) {
            struct path swap = paths[0];
            paths[0] = paths[1];
            paths[1] = swap;
        }
    }
    free(net.arcs);
    free(net.next);
    free(net.head);
    return found ? ERR_OK : ERR_NOT_FOUND;
}
