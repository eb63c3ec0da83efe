/* account.h - what bookings.h hides. Of bookings.c and victims.c alone. */
#ifndef TE_ACCOUNT_H
#define TE_ACCOUNT_H

#include "base/hash_table.h"
#include "te/bookings.h"

/* From `start` to the start of the next one. */
struct te_piece {
    nsec_t start;
    uint32_t cuts;                /* windows that begin or end at its start */
    uint64_t used[TE_PRIORITIES]; /* by those who hold at that or a better priority */
};

struct te_account {
    uint64_t capacity;
    struct te_piece *pieces; /* the first starts at TE_EVER */
    uint32_t n_pieces, pieces_capacity;
    struct te_holder { /* one for each path of an LSP */
        struct te_booked *lsp;
        uint32_t path, place; /* by its number; where the link is in it */
    } * holders;
    uint32_t n_holders, holders_capacity;
};

struct te_booked {
    UT_hash_handle hh;
    uint64_t id;
    uint64_t suspected;       /* in the search for victims with that number */
    struct te_booking *paths; /* with links and windows of their own; behind the links, for each
                                 its place among the link's holders */
    uint32_t n_paths, capacity;
};

struct te_bookings {
    uint32_t n_links;
    struct te_account *accounts;
    struct te_booked *lsps;
    uint64_t *left;     /* by priority, then link: the least that is free at any time */
    uint64_t *searches; /* for victims, so far; apart, for a search changes nothing else */
};

extern const struct te_window te_always;

struct te_booked *te_account_find(const struct te_bookings *,
                                  uint64_t id); /* NULL: nothing is booked */
/* What an LSP has on a link at a time, and with what hold priority. 0: nothing. */
uint64_t te_account_held(const struct te_booked *, uint32_t link, nsec_t at, unsigned *hold);
/* The piece that this time is in. */
uint32_t te_account_piece(const struct te_account *, nsec_t at);
/* Does it make sense, and is it new? As of te_bookings_put(). */
enum err te_account_check(const struct te_bookings *, const struct te_booking *);

#endif
