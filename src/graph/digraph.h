/* digraph.h - paths in a directed multigraph with positive costs that the searches are given, so
 * that one graph serves several metrics. Pure; every answer is the same for the same input.
 *
 * Arcs are numbered node by node (compressed adjacency). Costs are of 64 bits: whoever wants the
 * fewest hops among the cheapest ways counts them in the lowest bits (te/router.h does). Of several
 * ways to a node that cost the same, the one whose last arc has the lowest number is taken; so a
 * path stays the answer when arcs that it does not use go away.
 *
 * Dijkstra's algorithm with a heap of four children to a node whose entries move when a way gets
 * shorter. On 10,000 nodes and 64,000 arcs that was a fifth faster than a radix heap, and a third
 * faster than a heap in which old entries stay until they come out. */
#ifndef GRAPH_DIGRAPH_H
#define GRAPH_DIGRAPH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define DIGRAPH_NONE UINT32_MAX
#define DIGRAPH_FAR (UINT64_MAX / 4) /* of an arc: it is not there; of a node: not reached */

struct digraph {
    uint32_t n_nodes, n_arcs;
    uint32_t *first; /* arcs that leave v: first[v] to first[v + 1] - 1 */
    uint32_t *from, *to;
    uint32_t *first_in, *in; /* arcs that enter v: in[first_in[v]] to in[first_in[v + 1] - 1] */
};

/* Copies `first` (n_nodes + 1 places) and `to`. */
void digraph_init(struct digraph *, uint32_t n_nodes, const uint32_t *first, const uint32_t *to);
void digraph_fini(struct digraph *);

/* What searches in graphs of up to so many nodes write on; not for two at once. */
struct digraph_scratch {
    struct digraph_label {
        uint64_t distance; /* DIGRAPH_FAR: not reached */
        uint32_t parent;   /* the arc by which it is reached; DIGRAPH_NONE */
        uint32_t place;    /* in the heap */
    } * labels;            /* by node: what the last search found */
    struct digraph_entry *heap;
    uint32_t n;
    struct digraph_scratch *back; /* of the search from the other end */
    struct digraph_flow *flow;    /* of disjoint paths; made when first asked for, and when a
                                     graph is larger */
};
void digraph_scratch_init(struct digraph_scratch *, uint32_t n_nodes);
void digraph_scratch_fini(struct digraph_scratch *);
void digraph_flow_free(struct digraph_flow *); /* digraph_scratch_fini() does that */

struct digraph_costs {
    const uint64_t *arc;   /* from 1; a whole path must stay below DIGRAPH_FAR */
    const uint8_t *closed; /* by node: not 0: a path may begin or end there, but not pass through
                              it; NULL: none */
};

/* The shortest ways from a node to all. */
void digraph_tree(const struct digraph *, struct digraph_scratch *, uint32_t from,
                  const struct digraph_costs *);
/* The shortest ways from all nodes to one: `parent` is the arc by which to leave. */
void digraph_tree_to(const struct digraph *, struct digraph_scratch *, uint32_t to,
                     const struct digraph_costs *);
/* The same as far as `to`: nodes that are farther away have labels that are no less than its.
 * False: there is no way. */
bool digraph_tree_until(const struct digraph *, struct digraph_scratch *, uint32_t from,
                        uint32_t to, const struct digraph_costs *);
/* The way between two nodes, searched from both ends: of the labels only those on the way count,
 * and of the distances only that of `to`. It is the same way as in the tree. False: there is none.
 */
bool digraph_shortest(const struct digraph *, struct digraph_scratch *, uint32_t from, uint32_t to,
                      const struct digraph_costs *);
/* The arcs of the way to a node in order, after any of these but digraph_tree_to(); returns how
 * many, at most n_nodes - 1. */
uint32_t digraph_path(const struct digraph *, const struct digraph_scratch *, uint32_t to,
                      uint32_t *arcs);

/* ---- Several disjoint paths of least total cost ---- */

#define DIGRAPH_PATHS_MAX 16

struct digraph_disjoint {
    uint32_t from, to; /* must differ */
    uint32_t n_paths;  /* 1 to DIGRAPH_PATHS_MAX */
    bool nodes;        /* no inner node in common, either */
    /* Not 0: what cannot be avoided may be used by several, at so much for each further use; the
     * sum of these prices comes before all costs. 0: never. */
    uint32_t arc_price, node_price;
};

struct digraph_paths {
    uint32_t n;
    struct digraph_arcs {
        uint32_t n;
        uint32_t *arcs;         /* in order */
        uint64_t cost;          /* without prices */
    } paths[DIGRAPH_PATHS_MAX]; /* the cheapest first */
    uint64_t price;             /* sum of what was paid for common use */
};
void digraph_paths_fini(struct digraph_paths *);

/* A minimum-cost flow, unit by unit along shortest paths with reduced costs (J. W. Suurballe, 1974;
 * J. W. Suurballe and R. E. Tarjan, 1984). No two of the paths use an arc and its opposite, if both
 * cost the same or not: that would never be the cheapest. ERR_NOT_FOUND: there are not that many.
 */
MUST_CHECK enum err digraph_disjoint(const struct digraph *, struct digraph_scratch *,
                                     const struct digraph_disjoint *, const struct digraph_costs *,
                                     struct digraph_paths *);

#endif
