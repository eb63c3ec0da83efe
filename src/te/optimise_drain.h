/* optimise_drain.h - maintenance mode: nodes, links or risk groups are to be emptied. Which LSPs go
 * where, in which order, what cannot be moved; and the way back. Pure.
 *
 * LSPs that pass there are routed anew one by one, the best setup priority first, then the largest;
 * where there is no room, others of no better hold priority than its setup priority may be moved
 * aside. Who cannot be moved stays, and is listed: its traffic is lost when the work begins. */
#ifndef TE_OPTIMISE_DRAIN_H
#define TE_OPTIMISE_DRAIN_H

#include "te/optimise_order.h"

enum te_stuck_reason {
    TE_STUCK_END,     /* it begins or ends there */
    TE_STUCK_PINNED,  /* the caller does not allow it */
    TE_STUCK_NO_PATH, /* its constraints leave no other path */
    TE_STUCK_NO_ROOM, /* other paths are full */
};
const char *te_stuck_name(enum te_stuck_reason);

struct te_drain_options {
    bool move_pinned;
    bool make_room;                /* LSPs that do not pass there may be moved, too */
    struct te_order_options order; /* its share and kind of capacity hold for all of it */
    uint64_t budget;               /* routes looked for to make room */
};
struct te_drain_options te_drain_defaults(void); /* with making room */

struct te_drain {
    uint32_t n_moves, n_aside; /* of them moved to make room for others */
    struct te_move *moves;     /* by LSP */
    uint32_t n_stuck;
    struct te_stuck {
        uint32_t lsp;
        enum te_stuck_reason why;
    } * stuck;                  /* by LSP */
    struct te_order away, back; /* the moves in order; and to where all are now, when it is over */
    bool is_empty;              /* after `away` nothing passes there */
};

/* ERR_INVALID: a path of an LSP is none. te_drain_fini() frees. */
MUST_CHECK enum err te_drain(struct te_router *, const struct te_lsp *, uint32_t n,
                             const struct te_outage *, const struct te_drain_options *,
                             struct te_drain *);
void te_drain_fini(struct te_drain *);

#endif
