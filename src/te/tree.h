/* tree.h - point-to-multipoint (RFC 4875): a tree from a root to leaves, each leaf's path within
 * the constraints, at a low total cost of its links.
 *
 * The best tree is a Steiner tree, which is NP-hard to find. This one grows by the leaf that is
 * nearest to it, again and again (H. Takahashi and A. Matsuyama, 1980: at most twice the best cost
 * where links cost the same both ways and nothing is bounded), and then takes each leaf off and
 * puts it back where it is cheapest, as long as that gains. Where a leaf does not keep a bound that
 * way, the tree of least delays is taken instead. */
#ifndef TE_TREE_H
#define TE_TREE_H

#include "te/disjoint.h"

struct te_tree_request {
    uint32_t root;
    const uint32_t *leaves; /* none twice, not the root */
    uint32_t n_leaves;      /* from 1 */
    enum te_metric optimise;
    struct te_constraints constraints; /* bounds hold for each leaf's path; no asymmetry */
};

struct te_tree {
    uint32_t n;
    uint32_t *links;       /* each after the one that it hangs on */
    uint64_t cost;         /* of all links once */
    uint64_t max_delay_us; /* of the leaf that is farthest */
};
void te_tree_fini(struct te_tree *);

/* The links from the root to a node, in order; returns how many. 0: it is not in the tree. `links`
 * has room for tree->n. */
uint32_t te_tree_path(const struct te_router *, const struct te_tree *, uint32_t to,
                      uint32_t *links);

/* ERR_NOT_FOUND: some leaf cannot be reached, which `diag` (may be NULL) names; or, with several
 * bounds, not all leaves at once in one tree that this way finds. ERR_INVALID as of te_route(). */
MUST_CHECK enum err te_tree_find(struct te_router *, const struct te_tree_request *,
                                 struct te_tree *, struct diag *);

struct te_tree_pair {
    struct te_tree trees[2];
    uint32_t shared_links, shared_nodes, shared_srlgs; /* 0 unless `best_effort` */
};
void te_tree_pair_fini(struct te_tree_pair *);

/* Two trees of the same root and leaves that share no links, and no inner nodes other than leaves
 * or no risk groups if `disjoint` (disjoint.h) says so. Not exact: the first tree gives way up to
 * sixteen times where it bars the second. `best_effort`: then the second may share what it must, or
 * ERR_NOT_FOUND. */
MUST_CHECK enum err te_tree_find_pair(struct te_router *, const struct te_tree_request *,
                                      unsigned disjoint, bool best_effort, struct te_tree_pair *,
                                      struct diag *);

#endif
