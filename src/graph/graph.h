/* graph.h - paths in an undirected multigraph with positive costs. Pure; every answer is the same
 * for the same input, edge by edge.
 *
 * Of several shortest paths the one is taken that, seen backwards from its end, comes at each node
 * from the neighbour that is nearest to the source; of those, from the one with the lowest number;
 * and by the edge with the lowest number. So a search may visit nodes in any order, and a path
 * stays the answer when edges that it does not use go away. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_COST_MAX (INT64_C(1) << 40) /* of one edge; sums of 2^20 of them fit */

struct graph_scratch; /* what a search writes on, kept for the next one */

struct graph {
    uint32_t n_nodes, n_edges;
    struct graph_edge {
        uint32_t a, b;
        int64_t cost;
    } * edges;
    uint32_t capacity;
    /* Adjacency, made when first asked for: for node v, arcs first[v] to first[v + 1] - 1. */
    uint32_t *first;
    struct graph_arc {
        uint32_t to, edge;
    } * arcs;
    struct graph_scratch *scratch;
};

void graph_init(struct graph *, uint32_t n_nodes);
void graph_fini(struct graph *);
/* Returns the edge's number: 0, 1, 2 ... a and b must be below n_nodes and differ, the cost must be
 * from 1 to GRAPH_COST_MAX. */
uint32_t graph_add(struct graph *, uint32_t a, uint32_t b, int64_t cost);
/* Makes the adjacency, for those who read it. */
void graph_prepare(struct graph *);
static inline uint32_t
graph_other_end(const struct graph *g, uint32_t edge, uint32_t node)
{
    return g->edges[edge].a == node ? g->edges[edge].b : g->edges[edge].a;
}

/* What to avoid. Each member may be NULL. */
struct graph_filter {
    const bool *edge_banned;       /* by edge */
    const bool *node_banned;       /* by node; the ends are never banned */
    const int64_t *edge_surcharge; /* added to the cost; not negative */
    const int64_t *node_surcharge; /* for passing through it; not negative */
};

/* Edges in order from the source. */
struct path {
    uint32_t n;
    uint32_t *edges;
    int64_t cost; /* sum of the edges' own costs, without surcharges */
    bool tied;    /* graph_shortest(): another path costs as much, surcharges included */
};
void path_fini(struct path *);

/* Dijkstra's algorithm. ERR_NOT_FOUND: there is none. A path from a node to itself has no edges. */
MUST_CHECK enum err graph_shortest(struct graph *, uint32_t from, uint32_t to,
                                   const struct graph_filter *, struct path *);

/* Shortest paths from one node to all: parent_edge[v] is the edge by which v is reached, UINT32_MAX
 * at `from` and where v cannot be reached. Both arrays have n_nodes elements; distance may be NULL.
 */
void graph_tree(struct graph *, uint32_t from, const struct graph_filter *, uint32_t *parent_edge,
                int64_t *distance);

/* The `k` shortest simple paths by rising cost (J. Y. Yen, 1971). Returns how many there are. */
uint32_t graph_k_shortest(struct graph *, uint32_t from, uint32_t to, const struct graph_filter *,
                          uint32_t k, struct path *paths);

/* The same one by one. The graph and the filter's arrays must not change meanwhile. */
struct graph_ranking;
struct graph_ranking *graph_ranking_new(struct graph *, uint32_t from, uint32_t to,
                                        const struct graph_filter *);
void graph_ranking_free(struct graph_ranking *); /* NULL is fine */
/* The next path, which stays the ranking's; `full_cost` becomes its cost with surcharges. NULL:
 * there are no more. */
const struct path *graph_ranking_next(struct graph_ranking *, int64_t *full_cost);

/* Two paths that have as few edges, then as few inner nodes in common as possible, and of those the
 * pair with the least total cost (J. W. Suurballe, 1974, as a minimum-cost flow of two units, with
 * a price for what is used twice). paths[0] is the cheaper one. ERR_NOT_FOUND: not even one path.
 */
MUST_CHECK enum err graph_disjoint_pair(struct graph *, uint32_t from, uint32_t to,
                                        const struct graph_filter *, struct path paths[2]);

#endif
