/* pce_timers.h - many deadlines, of which the next one is asked for: a binary heap.
 *
 * A timer is a member of what it belongs to; it must be stopped before that goes. */
#ifndef WAN_PCE_TIMERS_H
#define WAN_PCE_TIMERS_H

#include "base/attr.h"
#include "base/time.h"

struct pce_timer {
    nsec_t due;
    uint32_t at;  /* place in the heap + 1; 0: not set */
    uint8_t kind; /* the owner's */
};

struct pce_timers {
    struct pce_timer **heap;
    uint32_t n, capacity;
};

void pce_timers_fini(struct pce_timers *);
/* Sets it, or sets it anew; NSEC_NEVER: stops it. */
void pce_timer_set(struct pce_timers *, struct pce_timer *, nsec_t due);
void pce_timer_stop(struct pce_timers *, struct pce_timer *);
nsec_t pce_timers_next(const struct pce_timers *); /* NSEC_NEVER: none */
/* One that is due, stopped. NULL: none is. */
struct pce_timer *pce_timers_pop(struct pce_timers *, nsec_t now);

#endif
