/* mcf_plan.h - who is routed how, while it is being worked out: all routes that were ever found
 * (columns), the share of its demand that each carries, and what load that puts on the links.
 *
 * The steps that work on it, in order: mcf_descend() (single routes, moved one by one downhill),
 * mcf_solve_columns() (linear program: shares), mcf_round() (shares back to single routes). */
#ifndef TE_MCF_PLAN_H
#define TE_MCF_PLAN_H

#include "te/mcf_router.h"

struct mcf_column {
    uint32_t demand;
    uint32_t next;     /* of the same demand; TE_NONE */
    uint32_t first, n; /* in arcs and shares */
    uint32_t first_segment, n_segments;
    double share; /* of the demand that takes it, 0 to 1 */
};

struct mcf_plan {
    const struct mcf_problem *p;
    struct mcf_router router;
    struct mcf_column *columns;
    uint32_t n_columns, columns_capacity;
    uint32_t *arcs;
    double *shares;
    uint32_t n_arcs, arcs_capacity;
    struct mcf_segment *segments;
    uint32_t n_segments, segments_capacity;
    uint32_t *head;   /* by demand: its first column, TE_NONE */
    uint32_t *single; /* by demand: the column that carries all of it, TE_NONE if several do */
    uint32_t *order;  /* demands in the order of their source */
    double *loads;    /* bit/s by arc */
    double bound;     /* the best that was proved for what the router can do */
    double *prices;   /* that prove it */
    uint64_t lp_iterations, lp_rounds, moves; /* work */
};

/* The router becomes the plan's. */
void mcf_plan_init(struct mcf_plan *, const struct mcf_problem *, struct mcf_router);
void mcf_plan_fini(struct mcf_plan *);

/* The route's column, a new one if the demand has none like it. */
uint32_t mcf_plan_add(struct mcf_plan *, const struct mcf_route *);
/* Changes a column's share by `by`, and the loads; `single` is the caller's to mind. */
void mcf_plan_shift(struct mcf_plan *, uint32_t column, double by);
/* Takes the demand off the network, and puts all of it on one column. */
void mcf_plan_clear(struct mcf_plan *, uint32_t demand);
void mcf_plan_set_single(struct mcf_plan *, uint32_t demand, uint32_t column);
/* Loads anew from shares: sums of differences drift. */
void mcf_plan_recount(struct mcf_plan *);
double mcf_plan_utilisation(const struct mcf_plan *);
/* How many columns carry some of it. */
uint32_t mcf_plan_parts(const struct mcf_plan *, uint32_t demand);
/* Asks the router for all demands at these prices; raises plan->bound if they prove more. */
void mcf_plan_prove(struct mcf_plan *, const double *prices);

/* Single routes. First cheapest ones on an empty network; then demands move one by one to where
 * exp(sharpness x utilisation), summed over the links, is less; sharper and sharper. Where all have
 * single routes already, these are what it begins with, and it is sharp from the start. Stops when
 * within `tolerance` of the bound that it proves on the way, or after `sweeps` sweeps.
 * ERR_NOT_FOUND: a demand has no route; `which`, if not NULL, becomes the first such. */
MUST_CHECK enum err mcf_descend(struct mcf_plan *, double tolerance, uint32_t sweeps,
                                uint32_t *which);

/* The linear program over all routes, by columns found as needed: shares. Begins with single
 * routes. Ends when within `tolerance` of the bound, or after `rounds` rounds (then what there is
 * holds, only not so tight). ERR_LIMIT: CLP gave up; shares are as before. */
MUST_CHECK enum err mcf_solve_columns(struct mcf_plan *, double tolerance, uint32_t rounds);

/* Back to single routes where that keeps every link at most at `target`; others keep several, at
 * most `max_parts` (0: any number). `budget`: searches. With max_parts 1 the target gives way,
 * step by step. */
void mcf_round(struct mcf_plan *, double target, uint32_t max_parts, uint64_t budget);

#endif
