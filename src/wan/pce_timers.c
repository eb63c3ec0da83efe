#include "wan/pce_timers.h"

#include "base/alloc.h"

#include <stdlib.h>

void
pce_timers_fini(struct pce_timers *t)
{
    free(t->heap);
    *t = (struct pce_timers){0};
}

static void
place(struct pce_timers *t, struct pce_timer *timer, uint32_t at)
{
    t->heap[at] = timer;
    timer->at = at + 1;
}

static void
sift_up(struct pce_timers *t, struct pce_timer *timer, uint32_t at)
{
    while (at && t->heap[(at - 1) / 2]->due > timer->due) {
        place(t, t->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(t, timer, at);
}

static void
sift_down(struct pce_timers *t, struct pce_timer *timer, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= t->n)
            break;
        if (child + 1 < t->n && t->heap[child + 1]->due < t->heap[child]->due)
            child++;
        if (t->heap[child]->due >= timer->due)
            break;
        place(t, t->heap[child], at);
        at = child;
    }
    place(t, timer, at);
}

void
pce_timer_stop(struct pce_timers *t, struct pce_timer *timer)
{
    if (!timer->at)
        return;
    uint32_t at = timer->at - 1;
    struct pce_timer *last = t->heap[--t->n];
    timer->at = 0;
    if (last == timer)
        return;
    if (at && t->heap[(at - 1) / 2]->due > last->due)
        sift_up(t, last, at);
    else
        sift_down(t, last, at);
}

void
pce_timer_set(struct pce_timers *t, struct pce_timer *timer, nsec_t due)
{
    if (timer->at && timer->due == due)
        return;
    pce_timer_stop(t, timer);
    timer->due = due;
    if (due == NSEC_NEVER)
        return;
    GROW(t->heap, t->n, t->capacity);
    t->n++;
    sift_up(t, timer, t->n - 1);
}

nsec_t
pce_timers_next(const struct pce_timers *t)
{
    return t->n ? t->heap[0]->due : NSEC_NEVER;
}

struct pce_timer *
pce_timers_pop(struct pce_timers *t, nsec_t now)
{
    if (!t->n || t->heap[0]->due > now)
        return NULL;
    struct pce_timer *timer = t->heap[0];
    pce_timer_stop(t, timer);
    return timer;
}
