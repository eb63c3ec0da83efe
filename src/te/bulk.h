/* bulk.h - many LSPs at once: which ones a failure touches, and new paths for all of them.
 *
 * LSPs from one node that are asked the same but for bandwidth and end share one tree of shortest
 * paths, made for the least bandwidth among them: a path in it that has room and keeps its bounds
 * is the best for its LSP, and only the others are searched for one by one. Who goes first: better
 * setup priority; of one tree, more bandwidth, then the order given. */
#ifndef TE_BULK_H
#define TE_BULK_H

#include "te/bookings.h"
#include "te/route.h"

/* ---- Which LSPs are on a link ---- */

struct te_lsp_index; /* opaque; LSPs are called by numbers that the caller keeps small: 0, 1, 2 ...
                      */

struct te_lsp_index *te_lsp_index_new(uint32_t n_links);
void te_lsp_index_free(struct te_lsp_index *); /* NULL is fine. */
/* In place of what was known of that LSP; n 0: forgets it. */
void te_lsp_index_put(struct te_lsp_index *, uint32_t lsp, const uint32_t *links, uint32_t n);
/* Until the next call: rising, each once. Returns how many. */
uint32_t te_lsp_index_find(struct te_lsp_index *, const uint32_t *links, uint32_t n,
                           const uint32_t **lsps);

/* ---- New paths ---- */

struct te_bulk_lsp {
    struct te_request ask;
    uint64_t lsp; /* for the account: te_booking */
    uint32_t path_number;
    uint8_t hold_priority;
    enum err err;        /* written: as of te_route() */
    struct te_path path; /* written if ERR_OK: the caller's */
};

struct te_bulk_counts {
    uint32_t found, trees, from_trees, searches;
};

/* With an account, what is free in it at any time counts instead of constraints.free_bps, and each
 * path is booked at once, for ever, its way back, too, if it is symmetric; the caller has removed
 * before what is not to count any more. */
void te_bulk_route(struct te_router *, struct te_bookings *, struct te_bulk_lsp *lsps, uint32_t n,
                   struct te_bulk_counts *);

#endif
