/* qsbr.h - when may memory that packet workers could still be reading be freed?
 *
 * Quiescent-state-based reclamation: one control thread changes tables by publishing new pointers;
 * workers read without locks. Between two vectors of packets a worker holds no pointer into a table
 * and says so (qsbr_quiescent), which costs one store. Memory that was unpublished is freed once
 * every worker has said so since. A worker that is about to sleep goes offline, so that it need not
 * be waited for.
 *
 * The same places are where workers can be made to wait while several tables are changed at once
 * (qsbr_stop), so that no packet sees some of the changes without the others. */
#ifndef EDGE_QSBR_H
#define EDGE_QSBR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QSBR_WORKERS 16

struct qsbr_waiting {
    struct qsbr_waiting *next;
    uint64_t epoch;
    void (*release)(void *);
    void *object;
};

struct qsbr {
    _Alignas(64) _Atomic uint64_t epoch; /* written by the control thread */
    struct {
        _Alignas(64) _Atomic uint64_t seen; /* last epoch seen quiescent; 0: offline */
    } workers[QSBR_WORKERS];
    struct qsbr_waiting *first, **last;
    _Atomic bool stopped;
    /* Readers of another kind; NULL: none. `wait` returns when all that were reading have ended;
     * `stop` keeps new ones from beginning. Control thread. */
    struct {
        void (*wait)(void *arg);
        void (*stop)(void *arg, bool stopped);
        void *arg;
    } others;
    pthread_mutex_t lock; /* for workers that wait until they may go on */
    pthread_cond_t go_on;
};

void qsbr_init(struct qsbr *);
/* Frees what waits; no worker may be running. */
void qsbr_fini(struct qsbr *);

/* Goes offline until qsbr_resume(). */
void qsbr_wait(struct qsbr *, unsigned worker);

/* Worker side. `worker` is its index, 0 to QSBR_WORKERS - 1. */
static inline void
qsbr_quiescent(struct qsbr *q, unsigned worker)
{
    uint64_t epoch = atomic_load_explicit(&q->epoch, memory_order_acquire);
    atomic_store_explicit(&q->workers[worker].seen, epoch, memory_order_release);
    if (atomic_load_explicit(&q->stopped, memory_order_relaxed))
        qsbr_wait(q, worker);
}

static inline void
qsbr_offline(struct qsbr *q, unsigned worker)
{
    atomic_store_explicit(&q->workers[worker].seen, 0, memory_order_release);
}

/* For qsbr_online() and qsbr_wait(). */
static inline void
qsbr_announce(struct qsbr *q, unsigned worker)
{
    uint64_t epoch = atomic_load_explicit(&q->epoch, memory_order_acquire);
    atomic_store_explicit(&q->workers[worker].seen, epoch, memory_order_release);
    /* Reads of tables must not move above the announcement, nor must the look at `stopped`. */
    atomic_thread_fence(memory_order_seq_cst);
}

static inline void
qsbr_online(struct qsbr *q, unsigned worker)
{
    qsbr_announce(q, worker);
    if (atomic_load_explicit(&q->stopped, memory_order_relaxed))
        qsbr_wait(q, worker);
}

/* Control side. Calls release(object) some time after all workers have passed a quiescent state. */
void qsbr_defer(struct qsbr *, void (*release)(void *), void *object);
/* Runs what may run by now; call it now and then. */
void qsbr_reclaim(struct qsbr *);
/* Returns when every worker has passed a quiescent state since the call (microseconds: a vector of
 * packets), and has so seen all that was published before. What waited is released too. */
void qsbr_synchronize(struct qsbr *);
/* Returns when every worker waits, offline, for qsbr_resume(). Keep it short: packets wait too. */
void qsbr_stop(struct qsbr *);
void qsbr_resume(struct qsbr *);

#endif
