/* mcf.h - multicommodity flow: how to spread demands over a network so that the highest utilisation
 * of any link is as low as it can be. Pure; the same answer for the same input.
 *
 * The linear program behind it: every demand is split over routes (shares that add up to 1), no
 * link carries more than U times its capacity, and U is least. Two ways to solve it:
 *
 *  - whole (mcf_solve_whole): flows of all demands to one destination are one commodity, so there
 *    are destinations x links variables. One call of CLP. Exact, and slow from 50 nodes on.
 *  - by columns (mcf_solve_columns, mcf_columns.h): only routes that somebody needs are variables.
 *
 * What is proved does not hang on either solver: for any prices w >= 0 of the links,
 *
 *     sum over demands (bit/s x cost of the cheapest route) / sum over links (capacity x w)
 *
 * is a lower bound of U (weak duality), which mcf_bound() computes from the prices alone. What
 * already lies on a link and stays (`base`) adds itself x w above.
 *
 * Units: bit/s, microseconds; utilisation 1.0 is a full link. */
#ifndef TE_MCF_H
#define TE_MCF_H

#include "base/attr.h"
#include "base/err.h"
#include "te/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A network stripped to what a search touches. Arc i is link i of the network. */
struct mcf_graph {
    uint32_t n_nodes, n_arcs;
    uint32_t *first_out;           /* n_nodes + 1 places; arcs are sorted by the node they leave */
    uint32_t *from, *to, *reverse; /* TE_NONE: there is no other direction */
    double *capacity;              /* 0: nothing may be routed over it */
    uint32_t *delay_us, *metric;
    bool *up;                        /* by arc: the IGP counts on it */
    bool *passable;                  /* by node: others only begin and end there */
    bool *adjacency_segment;         /* by arc: there is a label for it */
    uint32_t *sid_index, *srgb_size; /* by node: its segment; the block of labels that it knows */
};

/* Copies what it needs. Links that are down, or whose other direction is down or
 * not there, get no capacity;
 * `reservable`: capacity is what may be reserved, not what the wire carries. */
void mcf_graph_init(struct mcf_graph *, const struct te_network *, bool reservable);
void mcf_graph_fini(struct mcf_graph *);

struct mcf_demand {
    uint32_t from, to;   /* differ */
    double bps;          /* > 0 */
    double max_delay_us; /* of a route; INFINITY */
    const bool *allowed; /* by arc; NULL: all. Demands that share the array share searches */
    uint32_t max_labels; /* that its head-end can push; 0: as the router says */
    bool both;           /* the same back over the reverse arcs; paths only */
};

#define MCF_SEGMENTS_MAX 10

/* A label: of a node (id), or of an adjacency (id of the arc). */
struct mcf_segment {
    bool adjacency;
    uint32_t id;
};

/* A way to carry a demand: what share of it passes each arc. A path has 1.0 everywhere, in order,
 * and behind it, if the demand is for both directions, the reverse arcs in the same order; a
 * segment list splits where shortest paths are equal, and its arcs are sorted. */
struct mcf_route {
    uint32_t demand;
    uint32_t n;
    uint32_t *arcs;
    double *shares;
    uint32_t n_segments;
    struct mcf_segment segments[MCF_SEGMENTS_MAX];
};

struct mcf_problem {
    const struct mcf_graph *graph;
    uint32_t n_demands;
    const struct mcf_demand *demands;
    const double *base; /* bit/s by arc that is there and stays; NULL: nothing */
};

struct mcf_whole {
    double utilisation; /* of the linear program */
    double bound;       /* proved by `prices`, within rounding of it */
    double *prices;     /* by arc: 1 / (bit/s) */
    double *flow;       /* commodities x arcs, bit/s: destinations rising, then by `allowed` */
    uint32_t n_commodities, n_columns, n_rows;
};

/* The linear program in one piece; delay bounds are not in it, so that it is a lower bound where
 * there are some. ERR_NOT_FOUND: some demand has no route at all. ERR_LIMIT: CLP gave up.
 * ERR_UNSUPPORTED: a demand is for both directions. */
MUST_CHECK enum err mcf_solve_whole(const struct mcf_problem *, struct mcf_whole *);
void mcf_whole_fini(struct mcf_whole *);

/* The lower bound that these prices prove; 0 if they are all 0. Delay bounds are left out. */
double mcf_bound(const struct mcf_problem *, const double *prices);

/* The highest utilisation of these loads (bit/s by arc); INFINITY where there is load and no
 * capacity. */
double mcf_highest(const struct mcf_graph *, const double *loads);

#endif
