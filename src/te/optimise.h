/* optimise.h - global optimisation: where all LSPs should go so that the highest utilisation of any
 * link is as low as it can be, and how far that is from what is possible at all. Pure, and the same
 * for the same input; budgets are work, not time.
 *
 * How it works: descent on a potential (mcf_descend), linear program by columns (mcf_solve_columns,
 * by CLP), back to single routes (mcf_round). The bound is proved by prices of the links and does
 * not depend on the heuristic. doc/optimise.md says how near it comes, and what it leaves out.
 *
 * What is moved: affinities, exclusions and delay bounds are kept; symmetric LSPs stay symmetric.
 * LSPs with other bounds (hops, metrics, asymmetry), pinned ones, those that must be diverse from
 * another, and for segment lists symmetric ones stay where they are; what they have is no longer
 * there for the others. */
#ifndef TE_OPTIMISE_H
#define TE_OPTIMISE_H

#include "te/mcf.h"
#include "te/moves.h"

struct te_optimise_options {
    uint32_t labels;   /* 0: explicit paths. Else segment lists of at most that many labels, and no
                          more than the head-end can push (te_node.max_sid_depth) */
    uint32_t max_lsps; /* that may share a demand; 1: none is split */
    double tolerance;  /* how near to the bound is good enough */
    bool reservable;   /* capacity is te_link.reservable_bps, not capacity_bps */
    bool move_pinned;
    uint32_t sweeps, rounds; /* budgets: of the descent, of the linear program */
    uint64_t searches;       /* budget of the rounding */
};
/* Paths, 16 LSPs, 0.01, budgets as in doc/optimise.md. */
struct te_optimise_options te_optimise_defaults(void);

/* One of the LSPs that carry a demand. */
struct te_carrier {
    uint32_t lsp; /* the demand's place */
    uint64_t bps; /* those of one demand add up to it */
    const uint32_t *links;
    const double *shares; /* of bps, by link; NULL: all of it on each, links in order */
    uint32_t n_links;
    const struct mcf_segment *segments; /* ids of nodes and links */
    uint32_t n_segments;
};

struct te_optimum {
    double bound; /* of the highest utilisation: no routing by paths, however split, has less */
    double list_bound;  /* the same for segment lists of that many labels; else as bound */
    double utilisation; /* what these carriers, and those that stay, have */
    /* The same without links that those who stay alone make as full as the bound, or fuller: nobody
     * else is sent there, and the others are optimised for themselves. No such link: as above. */
    double rest_utilisation, rest_bound;
    uint32_t n_carriers; /* sorted by demand; also of those that would stay, but are nowhere */
    uint32_t n_moved;    /* demands that they carry; the others stay */
    uint32_t n_split;    /* demands with several */
    const struct te_carrier *carriers;
    uint32_t n_unroutable;      /* for whom there is no route at all; they stay where they are */
    const uint32_t *unroutable; /* their places, rising */
    double *prices;             /* by link, 1 / (bit/s): where capacity is worth having */
    double *loads;              /* by link, bit/s */
    uint64_t searches, iterations, moves; /* work done */
    void *memory;
};

/* What has to be moved to get there, for te_order_moves(): demands that one carrier with a path
 * carries, elsewhere than now. Their links stay the result's; free() the list. Returns how many. */
uint32_t te_optimum_moves(const struct te_optimum *, const struct te_lsp *, uint32_t n_lsps,
                          struct te_move **moves);

/* The label stack of a carrier, top first: `labels` has room for n_segments. ERR_NOT_FOUND: the
 * node that reads a label has no block of labels for it (not with carriers of te_optimise()).
 * ERR_INVALID: it has no segments. */
MUST_CHECK enum err te_carrier_labels(const struct te_network *, const struct te_carrier *,
                                      uint32_t from, uint32_t *labels);

/* ERR_INVALID: a path is none. ERR_LIMIT: CLP gave up. te_optimum_fini() frees. */
MUST_CHECK enum err te_optimise(struct te_router *, const struct te_lsp *, uint32_t n_lsps,
                                const struct te_optimise_options *, struct te_optimum *);
void te_optimum_fini(struct te_optimum *);

#endif
