/* optimise_order.h - in which order LSPs go from old paths to new ones, make before break, so that
 * no link is ever above its capacity. Pure.
 *
 * While an LSP moves, its old and its new path are both there; a link that is in both counts once
 * (RFC 3209 section 2.5: shared explicit). Whether a set of moves can come next hangs only on which
 * ones are done, so the search remembers sets, not orders. A move is safe if its new links have
 * room even if all others arrived there and none left: it is made at once, and nothing branches. If
 * there is no order, first an interim path is tried for one that is in the way; then as few as
 * possible are broken before they are made anew.
 *
 * A link that is above its capacity before the first move may stay as high as it was. */
#ifndef TE_OPTIMISE_ORDER_H
#define TE_OPTIMISE_ORDER_H

#include "te/moves.h"

enum te_step_kind {
    TE_STEP_MOVE,    /* make before break, to its new path */
    TE_STEP_INTERIM, /* make before break, to a path that it will leave again */
    TE_STEP_DOWN,    /* taken down: it carries nothing until TE_STEP_UP */
    TE_STEP_UP,
};
const char *te_step_name(enum te_step_kind);

struct te_step {
    uint32_t batch; /* 0, 1, 2 ...: those of one batch may run at the same time */
    enum te_step_kind kind;
    uint32_t lsp;
    uint32_t *links; /* where it goes; none for TE_STEP_DOWN */
    uint32_t n_links;
};

struct te_order_options {
    double share;      /* of the capacity that may be used while moving */
    bool reservable;   /* capacity is te_link.reservable_bps */
    bool interim;      /* interim paths are allowed */
    bool keep_end;     /* a link that is above its capacity when all is done may be so at once; else
                          that is ERR_CONFLICT */
    uint32_t parallel; /* moves in one batch at most; 0: any number */
    uint64_t budget;   /* sets looked at */
};
struct te_order_options te_order_defaults(void); /* 1.0, interim paths, any number, 20,000 */

struct te_order {
    uint32_t n_steps, n_batches;
    struct te_step *steps;
    uint32_t n_interim, n_broken;
    bool proved;   /* that without interim paths fewer cannot be broken */
    uint64_t sets; /* work done */
};

/* `moves`: new paths, each LSP at most once. ERR_INVALID: a path is none, or an LSP occurs twice.
 * ERR_CONFLICT: when all is done, a link is above its capacity that was not, or more so (unless
 * keep_end).
 * te_order_fini() frees. */
MUST_CHECK enum err te_order_moves(struct te_router *, const struct te_lsp *, uint32_t n,
                                   const struct te_move *, uint32_t n_moves,
                                   const struct te_order_options *, struct te_order *);
void te_order_fini(struct te_order *);

#endif
