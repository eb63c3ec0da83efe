/* moves.h - congestion taken away with the fewest moves: which LSPs have to go elsewhere so that no
 * link is above a threshold any more, all constraints kept. Pure.
 *
 * How: first greedily, those that relieve most. Then the fewest LSPs that must leave the links
 * above the threshold, wherever they go, by an integer program (optimise_cover.h): a proved bound;
 * if those find other paths, they are the answer, and it is exact. If neither clears all links, all
 * LSPs that may be moved are optimised at once (optimise.h), and as many as fit go back. Last a
 * search with rising numbers of moves, which branches over all who are on the worst link and all
 * ways around: exhaustive as long as the budget lasts and all simple paths have been listed. */
#ifndef TE_MOVES_H
#define TE_MOVES_H

#include "te/optimise_lsp.h"

struct te_move {
    uint32_t lsp;
    uint32_t *links; /* its new path */
    uint32_t n_links;
};

struct te_relief_options {
    double threshold;      /* of the capacity: 1.0 is a full link */
    bool reservable;       /* capacity is te_link.reservable_bps */
    bool move_pinned;      /* else they stay */
    uint8_t keep_priority; /* LSPs with a hold priority below (better than) this stay; 0: none */
    uint64_t budget;       /* steps of the search */
    uint32_t programs;     /* linear programs for the fewest that must leave, at each attempt */
};
struct te_relief_options te_relief_defaults(void); /* 0.8, budgets 20,000 and 500 */

struct te_relief {
    uint32_t n_moves;
    struct te_move *moves; /* by LSP; in no order to be carried out: see optimise_order.h */
    bool proved;           /* that fewer moves do not do, with what may be moved */
    uint32_t at_least;     /* so many are needed, proved; UINT32_MAX: none suffice */
    bool impossible; /* proved that nothing takes it away, also if all moved and could be split */
    uint32_t over_before, over_after; /* links above the threshold. After: not 0 if it cannot be */
    double before, after;             /* highest load / (threshold x capacity) */
    uint64_t steps;                   /* work done */
};

/* ERR_INVALID: a path of an LSP is none. te_relief_fini() frees. */
MUST_CHECK enum err te_relieve(struct te_router *, const struct te_lsp *, uint32_t n,
                               const struct te_relief_options *, struct te_relief *);
void te_relief_fini(struct te_relief *);

/* One step of it for others: moves LSPs that `may_move` says until no link is above its limit.
 * Returns whether that worked; if not, the state is as it was. Adds the moved to `moved` (by LSP).
 */
bool te_make_room(struct te_state *, const bool *may_move, const struct te_outage *, bool *moved,
                  uint64_t *budget);

#endif
