/* route.h - a path through the network that meets constraints, at least cost.
 *
 * How it is searched. Constraints that a link meets or not (bandwidth, affinity, exclusions, both
 * directions) take links away; then a plain shortest path is sought, and is the answer if it keeps
 * the bounds (delay, hops, metrics). If not, labels with a cost and all bounded sums are set in
 * order of cost plus what is still ahead at least; those that exceed a bound, or that another one
 * at the same node is no worse than in anything, are dropped. That is exact. It is exponential in
 * the worst case, hence `effort`; beyond that the bounds' prices are searched for (A. Juttner et
 * al., "LARAC", 2001), and the path says that it may not be the best. Explicit routes and nodes to
 * pass are stages of the same search. Paths never pass a node twice; where that kept the search
 * from a way by given nodes, it is done again with a memory of all nodes passed, as long as effort
 * is left. */
#ifndef TE_ROUTE_H
#define TE_ROUTE_H

#include "base/err.h"
#include "te/router.h"

/* Zeros mean no constraint. */
struct te_constraints {
    uint64_t bandwidth_bps;
    uint8_t priority;         /* setup priority: what is free at it counts */
    const uint64_t *free_bps; /* by link, e.g. of te_bookings_free(); NULL: as the routers tell */
    /* Of RFC 3209 section 4.7.4, with as many groups as RFC 7308 allows. */
    struct te_affinity include_any, include_all, exclude_any;
    uint32_t max_hops;
    uint32_t max_delay_us; /* in each direction, if `symmetric` */
    uint64_t max_igp, max_te;
    const uint32_t *exclude_nodes, *exclude_links; /* links with their reverse */
    const uint32_t *exclude_srlgs;                 /* groups as in te_network */
    uint32_t n_exclude_nodes, n_exclude_links, n_exclude_srlgs;
    bool symmetric; /* the way back runs over the reverse links, which meet all of this, too */
    bool bound_asymmetry;      /* implies `symmetric` */
    uint32_t max_asymmetry_us; /* between the delays of the two directions */
    /* What an unknown delay counts for where delays matter (optimised or bounded). 0: such a link
     * is not used then. */
    uint32_t assume_delay_us;
};

/* Of an explicit route (RFC 3209 section 4.3): a link, or a node if `link` is TE_NONE. */
struct te_hop {
    uint32_t node, link;
    bool loose; /* others may come between this and the one before */
};

struct te_path;
typedef bool te_accept_fn(void *arg, const struct te_path *);

struct te_request {
    uint32_t from, to;
    enum te_metric optimise;
    struct te_constraints constraints;
    const struct te_hop *hops; /* in order; the last need not be `to`: from there on it is loose */
    uint32_t n_hops;           /* at most TE_HOPS_MAX */
    uint32_t effort;           /* labels; 0: TE_EFFORT */
    /* What no sum and no link says, e.g. whether a router can put the path on a packet: paths by
     * rising cost until it takes one, at most `rankings` searches (0: TE_RANKINGS, and fewer in
     * large networks). NULL: all are taken. Reasons (struct te_refusal) do not know of it. */
    te_accept_fn *accept;
    void *accept_arg;
    uint32_t rankings;
};
#define TE_RANKINGS 4000
#define TE_HOPS_MAX 255
#define TE_EFFORT 200000

struct te_path {
    uint32_t n;
    uint32_t *links; /* in order */
    uint64_t igp, te;
    uint64_t delay_us, reverse_delay_us; /* with assumed ones in place of unknown ones */
    uint32_t n_unknown_delays;           /* links whose delay nobody told, both directions */
    uint64_t cost;                       /* in the metric that was optimised */
    bool optimal;                        /* nothing meets the constraints at less */
};
void te_path_fini(struct te_path *);
void te_path_copy(struct te_path *out, const struct te_path *);

enum te_constraint {
    TE_BANDWIDTH,
    TE_AFFINITY,
    TE_MAX_HOPS,
    TE_MAX_DELAY,
    TE_MAX_IGP,
    TE_MAX_TE,
    TE_EXCLUDED,  /* nodes, links, groups */
    TE_SYMMETRY,  /* the reverse links meet the constraints, too */
    TE_ASYMMETRY, /* the budget */
    TE_EXPLICIT,  /* the route as given */
    TE_UNKNOWN_DELAYS,
    TE_OUT_OF_SERVICE, /* links that are down, nodes that may not be passed */
    TE_CONSTRAINTS
};
const char *te_constraint_name(enum te_constraint);

/* Why there is no path: each constraint that is alone in the way. */
struct te_refusal {
    uint32_t n;
    struct te_relaxed {
        enum te_constraint without;
        uint64_t cost, delay_us; /* of the best path without it */
        uint32_t hops;
    } relaxed[TE_CONSTRAINTS];
    uint64_t most_bps; /* that a path could have, if only the bandwidth is in the way; 0: not so */
    struct diag diag;  /* the same for people */
};

/* `why` may be NULL (to find out takes as many searches as there are constraints). ERR_NOT_FOUND:
 * there is none. ERR_LIMIT: none was found with that effort. ERR_INVALID: ends, hops or priority
 * make no sense. From a node to itself: a path of no links. */
MUST_CHECK enum err te_route(struct te_router *, const struct te_request *, struct te_path *,
                             struct te_refusal *why);

/* Fills in all sums of a path whose links are given. */
void te_path_measure(const struct te_router *, const struct te_request *, struct te_path *);

/* 1 by link where the request lets a path go, as far as one link alone can say; else 0. */
void te_good_links(struct te_router *, const struct te_request *, uint8_t *good);

/* Does the path, whoever made it, meet everything that is asked? If not, `diag` (may be NULL) says
 * what. ERR_INVALID: it is no path from there to there. ERR_CONFLICT: a constraint. */
MUST_CHECK enum err te_path_check(struct te_router *, const struct te_request *,
                                  const struct te_path *, struct diag *);

#endif
