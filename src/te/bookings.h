/* bookings.h - who has bandwidth on which link, at what priority and when, as the controller itself
 * keeps account of it: no link carries more than its capacity at any time.
 *
 * Priorities are those of RFC 3209 section 4.7.1: 0 is the best. What is free at a priority is what
 * those do not hold who hold it at that or a better one; so a booking may push others out, which
 * te_bookings_victims() names. Times are [from, until) on the caller's clock; who repeats (every
 * night) gives each of its windows.
 *
 * An LSP may have several paths at once, an old and a new one while it moves: on a link that both
 * use, at a time when both have it, the larger bandwidth and the better hold priority count, once
 * (shared-explicit, RFC 3209 section 2.4.1).
 *
 * Each link has a time line of what is used at each priority, cut where a window begins or ends. So
 * a question costs as many steps as windows begin or end in the time asked about; where all is
 * booked for ever that is one.
 *
 * Links are places in a snapshot. When a new one comes, te_network_match() says where they went and
 * te_bookings_move() moves the account there. */
#ifndef TE_BOOKINGS_H
#define TE_BOOKINGS_H

#include "base/time.h"
#include "te/network.h"

#define TE_EVER INT64_MIN     /* a beginning that was always */
#define TE_FOREVER NSEC_NEVER /* an end that never is */

struct te_window {
    nsec_t from, until;
};

struct te_booking {
    uint64_t lsp;                          /* whose; any number but 0 */
    uint32_t path;                         /* which of its paths: the caller's number */
    uint8_t setup_priority, hold_priority; /* hold is not worse than setup */
    uint64_t bandwidth_bps;
    const uint32_t *links;
    uint32_t n_links;
    const struct te_window *windows; /* rising, none overlaps; NULL: always */
    uint32_t n_windows;
};

struct te_bookings; /* opaque; not thread-safe */

/* Capacities are those of the snapshot: the reservable bandwidth of links. */
struct te_bookings *te_bookings_new(const struct te_network *);
void te_bookings_free(struct te_bookings *); /* NULL is fine. */

/* Other than what the snapshot says, e.g. for overbooking. What is booked stays. */
void te_bookings_set_capacity(struct te_bookings *, uint32_t link, uint64_t bps);
uint64_t te_bookings_capacity(const struct te_bookings *, uint32_t link);

/* All links or none. ERR_CONFLICT: `*full` (may be NULL) has not enough free at the setup priority.
 * ERR_EXISTS: that path is booked. ERR_INVALID: priorities, windows, links (one twice, too) or the
 * LSP make no sense. */
MUST_CHECK enum err te_bookings_put(struct te_bookings *, const struct te_booking *,
                                    uint32_t *full);
/* The same without asking whether it fits: for what exists already in the network. */
MUST_CHECK enum err te_bookings_force(struct te_bookings *, const struct te_booking *);
/* ERR_NOT_FOUND: there is no such path. */
MUST_CHECK enum err te_bookings_remove(struct te_bookings *, uint64_t lsp, uint32_t path);
void te_bookings_remove_lsp(struct te_bookings *, uint64_t lsp);

/* The least that is free on a link at that priority at any time in the window; for the LSP `lsp`
 * (0: nobody) what it has itself is free. */
uint64_t te_bookings_link_free(const struct te_bookings *, uint32_t link, unsigned priority,
                               struct te_window, uint64_t lsp);
/* The most that is booked on a link at any time in the window; more than its capacity where that
 * was forced, or fell. */
uint64_t te_bookings_link_load(const struct te_bookings *, uint32_t link, struct te_window);
/* The same as te_bookings_link_free() of all links, over several windows (NULL: always): what
 * te_constraints.free_bps wants.
 */
void te_bookings_all_free(const struct te_bookings *, unsigned priority,
                          const struct te_window *windows, uint32_t n_windows, uint64_t lsp,
                          uint64_t *free_bps);

/* Which LSPs have to go so that all fits when this is booked: all with a hold priority that is
 * worse than its setup priority. The fewest; of those, the ones with the worst priorities; of
 * those, the least bandwidth. Exact for up to three as long as that takes no more than a million
 * steps, else by taking again and again the one that helps most. `*lsps` is malloc()ed; NULL and 0:
 * nobody has to. ERR_CONFLICT: all of them would not do. */
MUST_CHECK enum err te_bookings_victims(const struct te_bookings *, const struct te_booking *,
                                        uint64_t **lsps, uint32_t *n);

/* The account for another snapshot: new_place[l] is where link l went, TE_NONE: it is gone, and
 * with it what paths have there. Capacities are the new snapshot's. */
void te_bookings_move(struct te_bookings *, const struct te_network *, const uint32_t *new_place);
/* Which link of `next` is which of `old`: same nodes (by key) and same ends; where several have the
 * same ends, by their order. `new_place` has a place for each link of `old`. */
void te_network_match(const struct te_network *old, const struct te_network *next,
                      uint32_t *new_place);

#endif
