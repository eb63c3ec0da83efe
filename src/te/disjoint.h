/* disjoint.h - paths that do not fail together: pairs and larger sets that share no link, no node,
 * no risk group, each within its own constraints, at least total cost.
 *
 * How it is searched. Where only links and nodes count and nothing is bounded, the paths are a flow
 * of minimum cost (graph/digraph.h), which is exact and fast. With risk groups, bounds or different
 * ends the problem is NP-complete (J.-Q. Hu, 2003); then it is branched: each path is sought alone;
 * what two of them share is forbidden to the one, or to the other, and what costs least goes first;
 * where delays differ too much, the one has to be faster, or the other slower.
 * The first set that comes out without anything shared is the best. The flow is a bound below; sets
 * that are made on the way (one path after the other, each without what those before have) are
 * bounds above. All that ends when `effort` is used up; then the best of these sets is the answer,
 * and it says that it may not be the best, and what no set can be cheaper than.
 *
 * Sharing risk groups means: any link of the one, in either direction, and any link of the other
 * are in a common group. Links and their reverses are one. A common end of both is not shared. */
#ifndef TE_DISJOINT_H
#define TE_DISJOINT_H

#include "te/route.h"

#define TE_DISJOINT_LINK 1U /* always */
#define TE_DISJOINT_NODE 2U
#define TE_DISJOINT_SRLG 4U
#define TE_DISJOINT_PATHS_MAX 8
#define TE_DISJOINT_EFFORT 4000

struct te_disjoint_request {
    uint32_t n;                     /* 2 to TE_DISJOINT_PATHS_MAX */
    const struct te_request *paths; /* each its own; ends may differ. To be disjoint from a path
                                       that exists: one whose hops are that path */
    unsigned disjoint;              /* TE_DISJOINT_... */
    /* Where it is impossible: share what cannot be avoided, as little as possible: least sum of
     * these weights for each link, node and group and each two paths that share it; then least
     * cost. A link that two share has room for both. Zeros: 1, 64 and 4096. For more than two paths
     * that is never said to be optimal. */
    bool best_effort;
    uint32_t link_weight, node_weight, srlg_weight;
    bool bound_difference;
    uint32_t max_difference_us; /* between the delays of any two */
    uint32_t effort; /* searches for one path; 0: TE_DISJOINT_EFFORT, less where one takes longer:
                        so many that about 40 million links are looked at, but 200 at least */
};

struct te_disjoint_set {
    uint32_t n;
    struct te_path paths[TE_DISJOINT_PATHS_MAX]; /* as in the request */
    uint32_t shared_links, shared_nodes, shared_srlgs;
    uint64_t cost, least_cost; /* sum; what it cannot be below, if the same is shared */
    bool optimal;
};
void te_disjoint_fini(struct te_disjoint_set *);

/* ERR_NOT_FOUND: there is no such set; `diag` (may be NULL) says why. ERR_LIMIT: none was found
 * with that effort. ERR_INVALID: a request makes no sense (te_route()). */
MUST_CHECK enum err te_disjoint(struct te_router *, const struct te_disjoint_request *,
                                struct te_disjoint_set *, struct diag *);

/* What two paths have in common, counted as in struct te_disjoint_set. */
void te_disjoint_count(const struct te_router *, const struct te_path *, const struct te_path *,
                       struct te_disjoint_set *);

#endif
