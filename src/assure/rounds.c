#include "assure/rounds.h"

#include "base/alloc.h"

#include <stdlib.h>

#include <utlist.h>

#define LATENESS (50 * NSEC_PER_MSEC) /* made up for: of timers, and of a busy loop */

struct rounds_turn {
    void *who;
    struct rounds_turn *prev, *next;
};

struct rounds {
    struct rounds_config config;
    struct rounds_turn *ring; /* the first is next */
    uint32_t n;
    nsec_t last; /* when the last turn was due, or a ring of nobody got its first */
};

struct rounds *
rounds_new(const struct rounds_config *config)
{
    struct rounds *r = xcalloc(1, sizeof *r);
    r->config = *config;
    return r;
}

void
rounds_free(struct rounds *r)
{
    free(r);
}

struct rounds_turn *
rounds_add(struct rounds *r, void *who, nsec_t now)
{
    struct rounds_turn *t = xcalloc(1, sizeof *t);
    t->who = who;
    DL_APPEND(r->ring, t);
    if (!r->n++)
        r->last = now;
    return t;
}

void
rounds_remove(struct rounds *r, struct rounds_turn *t)
{
    DL_DELETE(r->ring, t);
    r->n--;
    free(t);
}

/* From one turn to the next. */
static nsec_t
gap(const struct rounds *r)
{
    nsec_t pace = (nsec_t)r->config.packets * NSEC_PER_SEC / r->config.packets_per_second;
    return MAX(r->config.interval / r->n, pace);
}

nsec_t
rounds_due(const struct rounds *r)
{
    return r->n ? r->last + gap(r) : NSEC_NEVER;
}

void *
rounds_take(struct rounds *r, nsec_t now)
{
    nsec_t due = rounds_due(r);
    if (now < due)
        return NULL;
    /* A little lateness does not add up; a long one is not made up for. */
    r->last = now - due < MAX(gap(r), LATENESS) ? due : now;
    struct rounds_turn *t = r->ring;
    DL_DELETE(r->ring, t);
    DL_APPEND(r->ring, t);
    return t->who;
}

nsec_t
rounds_interval(const struct rounds *r)
{
    return r->n ? r->n * gap(r) : r->config.interval;
}

uint32_t
rounds_count(const struct rounds *r)
{
    return r->n;
}
