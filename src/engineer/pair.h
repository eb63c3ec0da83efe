/* pair.h - two paths between two nodes, as far apart as the network allows. Pure.
 *
 * A pair is better than another if, in this order: no link is used in opposite directions by the
 * two; they share fewer links, fewer pairs of links with a common shared-risk group, fewer nodes;
 * they pass through fewer foreign nodes; the primary path has less delay; the failover path has.
 * Of equal ones the first stays in this order of trial: the shortest path and the best beside it;
 * the primary path of the pair that shares least by flow, and the best beside that; then the next
 * shortest paths by rising cost, each with the best beside it, CANDIDATES in all. Equal paths are
 * told apart as in graph.h, where nodes and links are numbered in the order of their names: so
 * names decide, and never the order in which things were stated. */
#ifndef ENGINEER_PAIR_H
#define ENGINEER_PAIR_H

#include "engineer/topology.h"

#define PAIR_CANDIDATES 6 /* primary paths to try when the obvious pair shares something */

struct pair {
    struct path paths[2]; /* primary and failover */
    bool has_second;
    uint32_t shared_links, shared_risks, shared_nodes, foreign_nodes;
    bool opposed; /* both use a link, in opposite directions: cannot be told apart by input port */
};

void pair_fini(struct pair *);
/* DISJOINT_NONE: there is no second path. */
enum disjointness pair_reached(const struct pair *);

/* Finds pairs in one topology; what it writes on is kept from one search to the next. */
struct pair_finder {
    struct topology *topology;
    bool *full;       /* by link: not to be used; the owner's to set */
    int64_t *foreign; /* by node: what passing through costs; pair_finder_set_foreign() */
    /* What pair_shared() found. */
    uint32_t *shared_links, *shared_nodes;
    uint32_t n_shared_links, n_shared_nodes;
    struct pair_scratch *scratch;
};

/* The topology must outlive it. No link is full, no node foreign. */
void pair_finder_init(struct pair_finder *, struct topology *);
void pair_finder_fini(struct pair_finder *);
/* Should paths rather not pass through this node? */
void pair_finder_set_foreign(struct pair_finder *, uint32_t node, bool foreign);
/* What a shortest path has to do with. */
struct graph_filter pair_finder_filter(const struct pair_finder *);

/* The best pair; or with `protect` false, the shortest path alone. ERR_NOT_FOUND: no path at all.
 * pair_fini() the result. */
MUST_CHECK enum err pair_find(struct pair_finder *, uint32_t from, uint32_t to, bool protect,
                              struct pair *);
/* Fills in the best second path beside the first one, and how they compare. */
void pair_find_second(struct pair_finder *, uint32_t from, uint32_t to, struct pair *);
/* Lists what both paths use, in the order of the primary one: links, and nodes but for the ends.
 * Without a second path that is everything. */
void pair_shared(struct pair_finder *, uint32_t from, const struct pair *);
/* Can `to` only be reached over this link or node? NO_INDEX for either: none. */
bool pair_is_unavoidable(struct pair_finder *, uint32_t from, uint32_t to, uint32_t link,
                         uint32_t node);

#endif
