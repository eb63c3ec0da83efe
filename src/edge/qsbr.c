#include "edge/qsbr.h"

#include "base/alloc.h"

#include <sched.h>
#include <stdlib.h>

void
qsbr_init(struct qsbr *q)
{
    atomic_init(&q->epoch, 1);
    for (unsigned i = 0; i < QSBR_WORKERS; i++)
        atomic_init(&q->workers[i].seen, 0);
    q->first = NULL;
    q->last = &q->first;
}

static void
release_first(struct qsbr *q)
{
    struct qsbr_waiting *w = q->first;
    q->first = w->next;
    if (!q->first)
        q->last = &q->first;
    w->release(w->object);
    free(w);
}

void
qsbr_fini(struct qsbr *q)
{
    while (q->first)
        release_first(q);
}

void
qsbr_defer(struct qsbr *q, void (*release)(void *), void *object)
{
    struct qsbr_waiting *w = xmalloc(sizeof *w);
    /* A worker that shows this epoch has begun after the object was unpublished. */
    uint64_t epoch = atomic_fetch_add_explicit(&q->epoch, 1, memory_order_seq_cst) + 1;
    *w = (struct qsbr_waiting){NULL, epoch, release, object};
    *q->last = w;
    q->last = &w->next;
}

/* The oldest epoch any worker may still be in. */
static uint64_t
oldest(struct qsbr *q)
{
    uint64_t result = UINT64_MAX;
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < QSBR_WORKERS; i++) {
        uint64_t seen = atomic_load_explicit(&q->workers[i].seen, memory_order_acquire);
        if (seen && seen < result)
            result = seen;
    }
    return result;
}

void
qsbr_reclaim(struct qsbr *q)
{
    uint64_t safe = oldest(q);
    while (q->first && q->first->epoch <= safe)
        release_first(q);
}

void
qsbr_synchronize(struct qsbr *q)
{
    uint64_t target = atomic_fetch_add_explicit(&q->epoch, 1, memory_order_seq_cst) + 1;
    while (oldest(q) < target)
        sched_yield();
    qsbr_reclaim(q);
}
