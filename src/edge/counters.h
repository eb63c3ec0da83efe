/* counters.h - counts that several packet workers write and one control thread reads.
 *
 * A lock-prefixed addition costs more than a table lookup, so nobody shares what he writes: every
 * worker has a lane of its own, lanes are numbered as the workers are (0 to COUNTER_LANES - 1), and
 * a lane's only writer adds with a plain load and store. The reader sums the lanes. What has passed
 * a worker is in its lane for good: a lane only ever rises, and starting over (OFPFF_RESET_COUNTS)
 * moves the reader's zero instead, so that no packet is lost or counted twice by it.
 *
 * The kernel's fast path (fast_path.h) has a lane too, in memory that it shares; there all CPUs add
 * to the same, with locked additions.
 *
 * The first lane is part of the object that is counted, next to what else its packets touch;
 * further ones exist, each on cache lines of its own, where there are several workers. */
#ifndef EDGE_COUNTERS_H
#define EDGE_COUNTERS_H

#include "base/time.h"
#include "edge/qsbr.h"
#include "edge/slots.h"

#define COUNTER_LANES QSBR_WORKERS /* at most */

/* Adds to a count that several threads write. */
static inline void
counter_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t
counter_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Adds to a count that only this thread writes. */
static inline void
counter_add_mine(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, counter_get(counter) + n, memory_order_relaxed);
}

/* Traffic as one worker has seen it. */
struct counter_lane {
    _Atomic uint64_t packets, octets;
    _Atomic nsec_t used; /* monotonic time of the last packet; 0: never */
};

struct counter_more; /* the other lanes, and the reader's zero */

struct shared_lane {
    struct counter_lane lane;
    struct slots *home; /* it was taken from there */
};

struct counters {
    struct counter_lane first;
    struct counter_more *more;          /* NULL: one lane, counted from 0 */
    struct shared_lane *_Atomic shared; /* the kernel's; NULL: it cannot count this */
};

/* What the control thread sees. */
struct traffic {
    uint64_t packets, octets;
    nsec_t used;
};

/* All lanes are 0. */
void counters_init(struct counters *, unsigned n_lanes);
/* Gives the kernel a lane from `home`, if one is left; `home` may be NULL. Control thread. */
void counters_share(struct counters *, struct slots *home);
/* No worker may still count. */
void counters_fini(struct counters *);
/* The sum of the lanes since the reader's zero. Control thread. */
struct traffic counters_get(const struct counters *);
/* Moves the reader's zero to what has been counted so far; returns what it was. Control thread. */
struct traffic counters_reset(struct counters *);
/* Moves it back. */
void counters_undo_reset(struct counters *, const struct traffic *zero);

/* What another process has counted before this one: the lanes, which nobody writes yet, begin with
 * it. Control thread. */
void counters_preset(struct counters *, const struct traffic *);
/* What another process has counted meanwhile is added. Control thread. */
void counters_inherit(struct counters *, const struct traffic *more);

struct counter_lane *counters_other_lane(struct counters *, unsigned lane);

static inline struct counter_lane *
counters_lane(struct counters *c, unsigned lane)
{
    return lane ? counters_other_lane(c, lane) : &c->first;
}

/* Counts a packet in the caller's lane. */
static inline void
counters_count(struct counters *c, unsigned lane, uint32_t octets, nsec_t now)
{
    struct counter_lane *mine = counters_lane(c, lane);
    counter_add_mine(&mine->packets, 1);
    counter_add_mine(&mine->octets, octets);
    atomic_store_explicit(&mine->used, now, memory_order_relaxed);
}

#endif
