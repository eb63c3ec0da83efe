#include "journal/writer.h"

#include "base/alloc.h"
#include "journal/store.h"

#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One transaction: bounds the log and how long the first batch waits for the last. One batch may
 * be larger; then it is alone. */
#define GROUP_EVENTS 4096
#define GROUP_OCTETS ((size_t)16 << 20)

struct writer {
    const struct store_driver *driver;
    struct store *store;
    void (*notify)(void *arg);
    void *arg;

    uv_thread_t thread;
    uv_mutex_t lock; /* guards the next four; `wake` says that two of them changed */
    uv_cond_t wake;
    struct batch_queue waiting, done;
    bool stopping;
    struct writer_state published;

    /* The thread's own. */
    struct writer_state state;
    struct journal_hasher hasher;
    struct journal_event **events; /* of the group being written */
    size_t n_events, capacity;
};

void
batch_queue_move(struct batch_queue *to, struct batch_queue *from)
{
    if (!from->first)
        return;
    if (to->first)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct batch_queue){0};
}

void
batch_queue_add(struct batch_queue *queue, struct batch *batch)
{
    batch->next = NULL;
    batch_queue_move(queue, &(struct batch_queue){batch, batch});
}

struct batch *
batch_queue_take(struct batch_queue *queue)
{
    struct batch *batch = queue->first;
    if (batch) {
        queue->first = batch->next;
        batch->next = NULL;
    }
    return batch;
}

/* Which epoch the batch's events are in. ERR_CONFLICT: it wants to begin one that is past. */
static enum err
choose_epoch(struct batch *batch, const struct journal_head *head, uint64_t *epoch)
{
    *epoch = batch->epoch == BATCH_NEXT_EPOCH ? head->epoch + 1 : batch->epoch;
    if (!batch->epoch)
        *epoch = head->epoch;
    else if (*epoch > INT64_MAX)
        return diag_set(&batch->why, ERR_CONFLICT, "there is no epoch after the last");
    else if (*epoch <= head->epoch)
        return diag_set(&batch->why, ERR_CONFLICT, "epoch %llu is not after epoch %llu",
                        (unsigned long long)*epoch, (unsigned long long)head->epoch);
    return ERR_OK;
}

/* Puts the event behind `head`, which moves on. */
static void
chain_event(struct writer *writer, struct batch_event *asked, uint64_t epoch,
            struct journal_head *head)
{
    struct journal_event *event = &asked->event;
    event->seq = head->seq + 1;
    event->time = epoch == head->epoch ? MAX(asked->time, head->time) : asked->time;
    event->epoch = epoch;
    memcpy(event->prev_hash, head->hash, JOURNAL_HASH_SIZE);
    journal_event_hash(&writer->hasher, event, event->hash);
    *head = (struct journal_head){event->seq, event->epoch, event->time, {0}};
    memcpy(head->hash, event->hash, JOURNAL_HASH_SIZE);
}

/* Adds the batch's events to the transaction; on error nothing changes but the batch. */
static void
chain_batch(struct writer *writer, struct batch *batch, struct journal_head *head)
{
    uint64_t epoch;
    batch->err = choose_epoch(batch, head, &epoch);
    if (batch->err)
        return;
    for (size_t i = 0; i < batch->n_events; i++) {
        chain_event(writer, &batch->events[i], epoch, head);
        GROW(writer->events, writer->n_events, writer->capacity);
        writer->events[writer->n_events++] = &batch->events[i].event;
    }
}

/* One transaction for the batches from `first` to before `end`. If it fails, so have all of them
 * that had not failed before. */
static enum err
store_batches(struct writer *writer, struct batch *first, const struct batch *end)
{
    struct journal_head head = writer->state.head;
    struct diag why = {""};
    enum err err = ERR_OK;
    writer->n_events = 0;
    for (struct batch *batch = first; batch != end; batch = batch->next)
        chain_batch(writer, batch, &head);
    if (writer->n_events)
        err = writer->driver->append(writer->store, writer->events, writer->n_events, &why);
    if (!err) {
        writer->state.head = head;
        return ERR_OK;
    }
    for (struct batch *batch = first; batch != end; batch = batch->next) {
        if (!batch->err) {
            batch->err = err;
            batch->why = why;
        }
    }
    return err;
}

static void
store_group(struct writer *writer, const struct batch_queue *group)
{
    enum err err = store_batches(writer, group->first, NULL);
    bool alone = !group->first->next;
    /* A batch smaller than the group may fit where the group did not. With somebody else's lock or
     * hand on the database, it is no use. */
    if (!err || alone || err == ERR_BUSY || err == ERR_CORRUPT)
        return;
    for (struct batch *batch = group->first; batch; batch = batch->next)
        (void)store_batches(writer, batch, batch->next); /* the batch knows */
}

static void
tidy(struct writer *writer)
{
    struct diag why = {""};
    writer->state.tidy_err = writer->driver->tidy(writer->store, &why);
    writer->state.tidy_why = why;
}

/* Moves what makes one transaction from the waiting batches to `group`; the lock is held. */
static void
take_group(struct writer *writer, struct batch_queue *group)
{
    size_t n_events = 0, size = 0;
    const struct batch *next;
    while ((next = writer->waiting.first) &&
           (!group->first ||
            (n_events + next->n_events <= GROUP_EVENTS && size + next->size <= GROUP_OCTETS))) {
        n_events += next->n_events;
        size += next->size;
        batch_queue_add(group, batch_queue_take(&writer->waiting));
    }
}

static void
publish(struct writer *writer, struct batch_queue *done)
{
    uv_mutex_lock(&writer->lock);
    batch_queue_move(&writer->done, done);
    writer->published = writer->state;
    uv_mutex_unlock(&writer->lock);
}

/* False: nothing waits and nothing will come. */
static bool
wait_for_group(struct writer *writer, struct batch_queue *group)
{
    uv_mutex_lock(&writer->lock);
    while (!writer->waiting.first && !writer->stopping)
        uv_cond_wait(&writer->wake, &writer->lock);
    take_group(writer, group);
    uv_mutex_unlock(&writer->lock);
    return group->first;
}

static void
run_writer(void *arg)
{
    struct writer *writer = arg;
    struct batch_queue group = {0};
    while (wait_for_group(writer, &group)) {
        store_group(writer, &group);
        publish(writer, &group);
        writer->notify(writer->arg);
        tidy(writer); /* nobody waits for it but the next group */
        publish(writer, &group);
        if (writer->state.tidy_err)
            writer->notify(writer->arg);
    }
    writer->state.stopped = true;
    publish(writer, &group);
    writer->notify(writer->arg);
}

static enum err
start_thread(struct writer *writer, struct diag *diag)
{
    uv_mutex_init(&writer->lock);
    uv_cond_init(&writer->wake);
    int code = uv_thread_create(&writer->thread, run_writer, writer);
    if (!code)
        return ERR_OK;
    uv_cond_destroy(&writer->wake);
    uv_mutex_destroy(&writer->lock);
    return diag_set(diag, ERR_IO, "journal: no thread: %s", uv_strerror(code));
}

enum err
writer_new(const struct store_driver *driver, struct store *store, const struct journal_head *head,
           void (*notify)(void *arg), void *arg, struct writer **made, struct diag *diag)
{
    struct writer *writer = xcalloc(1, sizeof *writer);
    writer->driver = driver;
    writer->store = store;
    writer->notify = notify;
    writer->arg = arg;
    writer->state.head = *head;
    writer->published = writer->state;
    journal_hasher_init(&writer->hasher);
    enum err err = notify ? start_thread(writer, diag) : ERR_OK;
    if (err) {
        journal_hasher_fini(&writer->hasher);
        free(writer);
        return err;
    }
    *made = writer;
    return ERR_OK;
}

void
writer_free(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->notify) {
        uv_thread_join(&writer->thread);
        uv_cond_destroy(&writer->wake);
        uv_mutex_destroy(&writer->lock);
    }
    writer->driver->close(writer->store);
    journal_hasher_fini(&writer->hasher);
    free(writer->events);
    free(writer);
}

void
writer_submit(struct writer *writer, struct batch_queue *batches)
{
    uv_mutex_lock(&writer->lock);
    batch_queue_move(&writer->waiting, batches);
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->lock);
}

void
writer_collect(struct writer *writer, struct batch_queue *done, struct writer_state *state)
{
    uv_mutex_lock(&writer->lock);
    batch_queue_move(done, &writer->done);
    *state = writer->published;
    uv_mutex_unlock(&writer->lock);
}

void
writer_stop(struct writer *writer)
{
    uv_mutex_lock(&writer->lock);
    writer->stopping = true;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->lock);
}

void
writer_commit(struct writer *writer, struct batch *batch, struct writer_state *state)
{
    (void)store_batches(writer, batch, NULL); /* the batch knows */
    tidy(writer);
    *state = writer->state;
}
