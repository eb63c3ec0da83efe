/* writer.h - the thread that writes: group commit and the hash chain.
 *
 * Batches wait in a queue. The thread takes all that wait (up to a bound), gives their events seq,
 * epoch, time and hashes, and stores them in one transaction, so that the disk is synced once for
 * all of them; meanwhile the next ones gather. If a group fails, its batches are tried again one by
 * one: one that is too large for what is left of the disk does not take its neighbours with it.
 *
 * The queue is the only thing two threads touch. A batch belongs to whoever holds it: the loop
 * until writer_submit(), the thread until writer_collect() gives it back. */
#ifndef JOURNAL_WRITER_H
#define JOURNAL_WRITER_H

#include "journal/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_driver;

struct batch_event {
    nsec_t time;                /* as asked for; the event's own may have to be later */
    struct journal_event event; /* the writer sets seq, epoch, time and hashes */
};

/* Events that are stored together or not at all. One allocation, texts and all: free() it. */
struct batch {
    struct batch *next;
    size_t size;    /* octets of the allocation */
    uint64_t epoch; /* the epoch it begins; 0: none; UINT64_MAX: the one after the current */
    journal_done_fn *done;
    void *arg;
    enum err err; /* how it went */
    struct diag why;
    size_t n_events;
    struct batch_event events[];
};

#define BATCH_NEXT_EPOCH UINT64_MAX

/* First in, first out. `last` is valid only if there is a `first`. */
struct batch_queue {
    struct batch *first, *last;
};

/* Puts all of `from` behind `to`; `from` is empty then. */
void batch_queue_move(struct batch_queue *to, struct batch_queue *from);
void batch_queue_add(struct batch_queue *, struct batch *);
struct batch *batch_queue_take(struct batch_queue *); /* NULL: empty */

/* What came of the work so far; the thread's own account of how the disk is. */
struct writer_state {
    struct journal_head head; /* of the last event stored */
    enum err tidy_err;        /* of the last tidying up */
    struct diag tidy_why;
    bool stopped; /* the thread will do nothing more */
};

struct writer;

/* Writes behind `head`. The store belongs to the writer from here on. `notify` is called on the
 * writer's thread whenever there is something to collect; NULL: there is no thread, only
 * writer_commit() writes. ERR_IO: no thread could be made; the store is still the caller's. */
MUST_CHECK enum err writer_new(const struct store_driver *, struct store *,
                               const struct journal_head *, void (*notify)(void *arg), void *arg,
                               struct writer **, struct diag *);
/* Waits for the thread, which writer_stop() has told to end, and closes the store. NULL is fine. */
void writer_free(struct writer *);

/* Hands over batches, in this order; the queue is empty then. */
void writer_submit(struct writer *, struct batch_queue *);
/* Takes back those that are done, in the order they were handed over. */
void writer_collect(struct writer *, struct batch_queue *done, struct writer_state *);
/* No more batches will come: the thread finishes what waits, notifies once more and ends. */
void writer_stop(struct writer *);

/* Without a thread: stores one batch, whose `err` and `why` say how it went. */
void writer_commit(struct writer *, struct batch *, struct writer_state *);

#endif
