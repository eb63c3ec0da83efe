/* optimise_order_work.h - what the parts of optimise_order.h share. Of this directory alone. */
#ifndef TE_OPTIMISE_ORDER_WORK_H
#define TE_OPTIMISE_ORDER_WORK_H

#include "te/optimise_order.h"

/* Sets of moves that lead nowhere, as hashes of 64 bits: a collision would at worst hide an order.
 */
struct sets {
    uint64_t *slots;
    uint32_t n, size;
};

struct ordering {
    struct te_state s;
    const struct te_lsp *lsps; /* as they were */
    const struct te_move *moves;
    uint32_t n;
    const struct te_order_options *o;
    uint64_t budget, reserve; /* of the part that runs; of those after it */
    uint64_t *arriving; /* by link: bit/s of moves that are not done, over links new to them */
    bool *done, *broken;
    uint64_t *key; /* by move: its part of the hash of a set */
    uint64_t hash;
    struct sets dead;
    bool exhaustive;
    uint32_t *sequence, n_sequence; /* moves in order */
    uint32_t *deepest, n_deepest;   /* the longest that was reached */
    struct te_order *out;
};

struct place {
    uint32_t n, *links;
};

/* Links of a path that the LSP does not load yet, in both directions if it is symmetric: `result`
 * has room for 2 n. Returns how many. */
uint32_t order_new_links(const struct ordering *r, uint32_t lsp, const uint32_t *links, uint32_t n,
                         uint32_t *result);
/* Whether there is room for the LSP on these links beside all that is there; `for_all`: also if all
 * others arrived that will, and none left. */
bool order_has_room(const struct ordering *r, uint32_t lsp, const uint32_t *links, uint32_t n,
                    bool for_all);
/* Counts a move, which is not done, among those that will arrive; or no longer. */
void order_count_arrival(struct ordering *r, uint32_t m, bool add);
/* Makes it, as the next of the sequence. */
void order_do_move(struct ordering *r, uint32_t m);
/* Where its LSP is; links to be freed. */
struct place order_place_of(const struct ordering *r, uint32_t m);
/* The next one to be moved that is not broken, of `n` round from `from`; `safe`: that does not
 * stand in anybody's way. TE_NONE. */
uint32_t order_next_move(const struct ordering *r, uint32_t from, uint32_t n, bool safe);
/* Whether there is an order for all that are not done and not broken. If so it is made, and is the
 * sequence; if not, all is as it was, and `deepest` how far it came. */
bool order_search(struct ordering *r);
/* The same with at most `cap` sets of the budget. */
bool order_search_within(struct ordering *r, uint64_t cap);
/* The next part of the work may use so much of what is left. */
void order_open_part(struct ordering *r, uint64_t part);
/* Takes it down, or puts it back. */
void order_break(struct ordering *r, uint32_t m, bool broken);

#endif
