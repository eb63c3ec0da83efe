/* plan.h - a request (route.h) worked into what a search needs: which links are left, what they
 * cost, what is bounded. Of this directory alone. Searches that ban more and more (ranking, pairs)
 * do so on an open plan. */
#ifndef TE_PLAN_H
#define TE_PLAN_H

#include "te/heap.h"
#include "te/route.h"

enum te_sum { TE_SUM_DELAY, TE_SUM_REVERSE_DELAY, TE_SUM_HOPS, TE_SUM_IGP, TE_SUM_TE, TE_SUMS };

/* A way to a node. */
struct te_label {
    uint64_t cost, sum[TE_SUMS]; /* sums in the order of the plan's bounds */
    uint64_t passed;             /* of the nodes behind it, a bit for every 64th */
    uint32_t node, link, parent; /* labels; TE_NONE */
    uint32_t next;               /* at the same node and stage */
    uint16_t stage;
    bool dropped;
};

struct te_plan {
    struct te_plan *next; /* spare ones */
    struct te_router *router;
    const struct te_request *ask;
    const uint64_t *free_bps;
    bool delay_matters, symmetric, all_in_service;
    uint8_t *srlg_excluded; /* by group */
    uint64_t *base, *cost; /* by link, folded: without and with bans; DIGRAPH_FAR: not to be used */
    uint16_t *bans;        /* by link */
    uint8_t *closed;       /* by node: how many say that it may not be passed */
    uint32_t n_bounds;
    struct te_plan_bound {
        enum te_sum what;
        uint64_t limit;
        uint64_t *ahead; /* by node: the least from there to the end */
    } bounds[TE_SUMS];
    uint64_t *cost_ahead;
    bool knows_ahead;
    uint32_t effort;       /* labels that are left */
    uint32_t rankings;     /* searches that are left for ranking */
    uint64_t min_delay_us; /* of the path, when ranking */
    bool met_loops;        /* a way was refused because it passed a node twice */
    bool simple;           /* searched so that this hides nothing */
    /* Of the search with labels. */
    struct te_label *labels;
    uint32_t n_labels, labels_capacity, *first_label, n_first_label;
    struct te_heap heap;
};

/* The network as it would be if nothing were out of service; for reasons. */
#define TE_PLAN_ALL_IN_SERVICE 1
#define TE_PLAN_KNOWN_DELAYS 2 /* unknown delays count for nothing */

/* The request must outlive the plan and be valid. */
struct te_plan *te_plan_open(struct te_router *, const struct te_request *, unsigned flags);
void te_plan_close(struct te_plan *);
void te_plan_destroy(struct te_plan *);

/* Bans count: what is banned twice must be allowed twice. A link includes its reverse. */
void te_plan_ban_link(struct te_plan *, uint32_t link, bool ban);
void te_plan_ban_node(struct te_plan *, uint32_t node, bool ban);
void te_plan_ban_srlg(struct te_plan *, uint32_t group, bool ban);

/* The best path that begins with these links. ERR_NOT_FOUND, ERR_LIMIT as of te_route(); does not
 * look at the asymmetry. */
MUST_CHECK enum err te_plan_solve(struct te_plan *, const uint32_t *prefix, uint32_t n_prefix,
                                  struct te_path *);
/* The same where labels are needed. */
MUST_CHECK enum err te_plan_solve_labels(struct te_plan *, const uint32_t *prefix,
                                         uint32_t n_prefix, struct te_path *);
/* With the asymmetry, the least delay and `accept`: paths by rising cost until one meets all. */
MUST_CHECK enum err te_plan_rank(struct te_plan *, struct te_path *);

/* ERR_INVALID as of te_route(). */
MUST_CHECK enum err te_request_check(const struct te_router *, const struct te_request *);

/* Searches again without each constraint. */
void te_refusal_explain(struct te_router *, const struct te_request *, struct te_refusal *);

uint64_t te_plan_sum(const struct te_plan *, enum te_sum, uint32_t link);
bool te_plan_within_bounds(const struct te_plan *, const struct te_path *);
bool te_asymmetry_fits(const struct te_constraints *, const struct te_path *);
/* The same, and whoever asks takes it. */
bool te_path_fits(const struct te_request *, const struct te_path *);
/* Is there anything that only a whole path says? */
bool te_must_rank(const struct te_request *);

/* Finds the way through explicit hops: after which hop one is at `to` by `link`. False: that link
 * does not follow. `stage` counts the hops that are behind. */
bool te_plan_advance(const struct te_plan *, uint32_t link, uint32_t to, uint16_t *stage);
uint16_t te_plan_first_stage(const struct te_plan *);

#endif
