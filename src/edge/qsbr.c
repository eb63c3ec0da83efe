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
    atomic_init(&q->stopped, false);
    q->others.wait = NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->go_on, NULL);
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
    pthread_cond_destroy(&q->go_on);
    pthread_mutex_destroy(&q->lock);
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

static void
wait_for_others(struct qsbr *q)
{
    if (q->others.wait)
        q->others.wait(q->others.arg);
}

void
qsbr_reclaim(struct qsbr *q)
{
    uint64_t safe = oldest(q);
    if (q->first && q->first->epoch <= safe)
        wait_for_others(q);
    while (q->first && q->first->epoch <= safe)
        release_first(q);
}

void
qsbr_synchronize(struct qsbr *q)
{
    uint64_t target = atomic_fetch_add_explicit(&q->epoch, 1, memory_order_seq_cst) + 1;
    while (oldest(q) < target)
        sched_yield();
    wait_for_others(q);
    qsbr_reclaim(q);
}

void
qsbr_wait(struct qsbr *q, unsigned worker)
{
    do {
        qsbr_offline(q, worker);
        pthread_mutex_lock(&q->lock);
        while (atomic_load_explicit(&q->stopped, memory_order_relaxed))
            pthread_cond_wait(&q->go_on, &q->lock);
        pthread_mutex_unlock(&q->lock);
        qsbr_announce(q, worker);
    } while (atomic_load_explicit(&q->stopped, memory_order_relaxed));
}

void
qsbr_stop(struct qsbr *q)
{
    atomic_store_explicit(&q->stopped, true, memory_order_seq_cst);
    if (q->others.wait)
        q->others.stop(q->others.arg, true);
    while (oldest(q) != UINT64_MAX)
        sched_yield();
    wait_for_others(q);
}

void
qsbr_resume(struct qsbr *q)
{
    if (q->others.wait)
        q->others.stop(q->others.arg, false);
    pthread_mutex_lock(&q->lock);
    atomic_store_explicit(&q->stopped, false, memory_order_relaxed);
    pthread_cond_broadcast(&q->go_on);
    pthread_mutex_unlock(&q->lock);
}
