#include "edge/counters.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct counter_more {
    struct traffic zero; /* and the time of the last packet that another process has seen */
    unsigned n;          /* lanes behind the first */
    struct {
        _Alignas(64) struct counter_lane lane;
    } lanes[];
};

static struct counter_more *
more_new(unsigned n)
{
    struct counter_more *more = NULL;
    size_t size = sizeof *more + n * sizeof more->lanes[0];
    if (posix_memalign((void **)&more, 64, size))
        abort();
    memset(more, 0, size);
    more->n = n;
    return more;
}

void
counters_init(struct counters *c, unsigned n_lanes)
{
    atomic_init(&c->first.packets, 0);
    atomic_init(&c->first.octets, 0);
    atomic_init(&c->first.used, 0);
    c->more = n_lanes > 1 ? more_new(n_lanes - 1) : NULL;
    atomic_init(&c->shared, NULL);
}

void
counters_share(struct counters *c, struct slots *home)
{
    struct shared_lane *lane = slots_take(home);
    if (lane)
        lane->home = home;
    atomic_store_explicit(&c->shared, lane, memory_order_release);
}

void
counters_fini(struct counters *c)
{
    struct shared_lane *lane = atomic_load_explicit(&c->shared, memory_order_relaxed);
    if (lane)
        slots_give(lane->home, lane);
    atomic_store_explicit(&c->shared, NULL, memory_order_relaxed);
    free(c->more);
    c->more = NULL;
}

struct counter_lane *
counters_other_lane(struct counters *c, unsigned lane)
{
    return &c->more->lanes[lane - 1].lane;
}

static void
add_lane(struct traffic *sum, const struct counter_lane *lane)
{
    nsec_t used = atomic_load_explicit(&lane->used, memory_order_relaxed);
    sum->packets += counter_get(&lane->packets);
    sum->octets += counter_get(&lane->octets);
    sum->used = MAX(sum->used, used);
}

struct traffic
counters_get(const struct counters *c)
{
    struct traffic sum = {0};
    const struct shared_lane *shared = atomic_load_explicit(&c->shared, memory_order_relaxed);
    add_lane(&sum, &c->first);
    if (shared)
        add_lane(&sum, &shared->lane);
    for (unsigned i = 0; c->more && i < c->more->n; i++)
        add_lane(&sum, &c->more->lanes[i].lane);
    if (c->more) {
        sum.packets -= c->more->zero.packets;
        sum.octets -= c->more->zero.octets;
        sum.used = MAX(sum.used, c->more->zero.used);
    }
    return sum;
}

struct traffic
counters_reset(struct counters *c)
{
    struct traffic now = counters_get(c);
    /* With one worker nobody else looks at `more`; with several it has been there all along. */
    if (!c->more)
        c->more = more_new(0);
    struct traffic before = c->more->zero;
    c->more->zero.packets += now.packets;
    c->more->zero.octets += now.octets;
    return before;
}

void
counters_undo_reset(struct counters *c, const struct traffic *zero)
{
    c->more->zero = *zero;
}

void
counters_preset(struct counters *c, const struct traffic *traffic)
{
    atomic_store_explicit(&c->first.packets, traffic->packets, memory_order_relaxed);
    atomic_store_explicit(&c->first.octets, traffic->octets, memory_order_relaxed);
    atomic_store_explicit(&c->first.used, traffic->used, memory_order_relaxed);
}

void
counters_inherit(struct counters *c, const struct traffic *more)
{
    if (!c->more)
        c->more = more_new(0);
    c->more->zero.packets -= more->packets; /* modulo 2^64 */
    c->more->zero.octets -= more->octets;
    c->more->zero.used = MAX(c->more->zero.used, more->used);
}
