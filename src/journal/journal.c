/* journal.c - the loop's side of the journal.
 *
 * What is appended gathers until the loop is about to wait, and goes to the writer's thread in one
 * piece: the callbacks of one turn share a transaction. If each append woke the thread, the first
 * of sixteen writers would have a sync of its own and the others would wait for it. */
#include "journal/journal.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/timer.h"
#include "io/uverr.h"
#include "journal/reader.h"
#include "journal/store.h"
#include "journal/verify.h"
#include "journal/writer.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_EVENTS ((size_t)65536)
#define QUEUE_OCTETS ((size_t)64 << 20)
#define TAIL 256 /* events checked when a journal is opened */
#define OWN_TYPES "journal."
#define LEASE (3 * NSEC_PER_SEC)
#define LEASE_MIN (100 * NSEC_PER_MSEC)
#define LEASE_MAX (3600 * NSEC_PER_SEC)

struct journal_subscription {
    struct journal *journal;
    journal_listener_fn *fn; /* NULL: it has ended, and is freed when nobody is calling it */
    void *arg;
    uint64_t next; /* seq */
};

/* Something that fails, for as long as it does. */
struct fault {
    enum err err;
    nsec_t since;
    struct diag why;
};

struct journal {
    struct journal_config config;
    char *path, *instance;
    const struct store_driver *driver;
    struct store *store; /* the writer's; here only to ask whether it leads */
    bool lost;
    struct journal_identity identity;
    struct journal_head head; /* of the last event listeners were told of */
    struct journal_reader *reader;
    struct writer *writer;
    struct batch_queue gathered; /* not yet with the writer */
    size_t n_queued, queued_size;

    struct journal_subscription **subscriptions;
    size_t n_subscriptions, subscriptions_capacity;
    unsigned calling; /* depth of calls into listeners */
    unsigned inside;  /* depth of calls that call back at once; without a loop, closing waits */

    struct fault append_fault, tidy_fault;
    uint64_t n_failed;

    uv_loop_t *loop;   /* NULL: none, and none of the following */
    uv_async_t *async; /* the writer has something; referenced while it is awaited */
    struct task *hand_over;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* ---- opening */

static enum err
make_identity(const struct journal_config *config, struct journal_identity *identity,
              struct diag *diag)
{
    *identity = (struct journal_identity){
        .epoch = config->epoch ? config->epoch : 1,
        .created = config->clock(),
    };
    snprintf(identity->site, sizeof identity->site, "%s", config->site);
    if (identity->epoch > INT64_MAX)
        return diag_set(diag, ERR_LIMIT, "epoch is larger than %lld", (long long)INT64_MAX);
    int code = uv_random(NULL, NULL, identity->id, sizeof identity->id, 0, NULL);
    return code ? uverr_explain(diag, code, "random numbers") : ERR_OK;
}

static enum err
open_store(const char *path, const struct journal_config *config, struct store **store,
           struct diag *diag)
{
    const struct store_driver *driver = store_driver_for(path);
    const struct store_options options = {config->instance, config->lease};
    struct journal_identity create;
    enum err err;
    if (!config->site)
        return driver->open(path, NULL, &options, store, diag);
    err = journal_site_check(config->site, diag);
    if (!err)
        err = make_identity(config, &create, diag);
    return err ? err : driver->open(path, &create, &options, store, diag);
}

static enum err
check_store(struct journal *journal, struct store *store, const char *path, struct diag *diag)
{
    const char *site = journal->config.site;
    enum err err = journal->driver->identity(store, &journal->identity, diag);
    if (err)
        return err;
    if (site && strcmp(site, journal->identity.site))
        return diag_set(diag, ERR_CONFLICT, "%s: the journal of site %s, not of %s", path,
                        journal->identity.site, site);
    err = journal_check_tail(journal->driver, store, TAIL, &journal->head, diag);
    if (err)
        diag_prefix(diag, "%s", path);
    return err;
}

/* On the writer's thread, or the lease's. */
static void
notify(void *arg)
{
    struct journal *journal = arg;
    uv_async_send(journal->async);
}

static void collect(uv_async_t *);
static void hand_over(void *);

static enum err
attach_loop(struct journal *journal, struct diag *diag)
{
    uv_async_t *async = xcalloc(1, sizeof *async);
    int code = uv_async_init(journal->loop, async, collect);
    if (code) {
        free(async);
        return uverr_explain(diag, code, "journal");
    }
    async->data = journal;
    uv_unref((uv_handle_t *)async);
    journal->async = async;
    journal->hand_over = task_new(journal->loop, hand_over, journal);
    return ERR_OK;
}

static void
free_async(uv_handle_t *async)
{
    free(async);
}

/* The writer's connection goes last: it moves the log into the file, which a reader's could not. */
static void
free_journal(struct journal *journal)
{
    journal_reader_close(journal->reader);
    writer_free(journal->writer);
    for (size_t i = 0; i < journal->n_subscriptions; i++)
        free(journal->subscriptions[i]);
    free(journal->subscriptions);
    task_free(journal->hand_over);
    if (journal->async)
        uv_close((uv_handle_t *)journal->async, free_async);
    free(journal->path);
    free(journal->instance);
    free(journal);
}

static enum err
start(struct journal *journal, const char *path, struct store *store, struct diag *diag)
{
    enum err err = check_store(journal, store, path, diag);
    if (!err)
        err = journal_reader_open(path, &journal->reader, diag);
    if (!err && journal->loop)
        err = attach_loop(journal, diag);
    if (!err)
        err = writer_new(journal->driver, store, &journal->head, journal->loop ? notify : NULL,
                         journal, &journal->writer, diag);
    return err;
}

/* "HOST/PID": what others are told who leads. */
static char *
own_name(void)
{
    char host[STORE_HOLDER_MAX - 16] = "";
    if (gethostname(host, sizeof host - 1) || !host[0])
        strcpy(host, "localhost");
    return xasprintf("%s/%d", host, (int)getpid());
}

static enum err
check_lease(const struct journal_config *config, struct diag *diag)
{
    size_t length = strlen(config->instance);
    if (length < 1 || length > STORE_HOLDER_MAX)
        return diag_set(diag, ERR_INVALID, "the instance's name has %zu octets, not 1 to %d",
                        length, STORE_HOLDER_MAX);
    if (config->lease < LEASE_MIN || config->lease > LEASE_MAX)
        return diag_set(diag, ERR_INVALID, "a lease is 100 ms to 1 h");
    return ERR_OK;
}

enum err
journal_open(uv_loop_t *loop, const char *path, const struct journal_config *config,
             struct journal **opened, struct diag *diag)
{
    struct journal *journal = xcalloc(1, sizeof *journal);
    struct store *store;
    journal->loop = loop;
    journal->path = xstrdup(path);
    journal->config = *config;
    journal->config.clock = config->clock ? config->clock : clock_wall;
    journal->config.queue_events = config->queue_events ? config->queue_events : QUEUE_EVENTS;
    journal->config.queue_octets = config->queue_octets ? config->queue_octets : QUEUE_OCTETS;
    journal->driver = store_driver_for(path);
    journal->instance = config->instance ? xstrdup(config->instance) : own_name();
    journal->config.instance = journal->instance;
    journal->config.lease = config->lease ? config->lease : LEASE;
    enum err err = check_lease(&journal->config, diag);
    if (!err)
        err = open_store(path, &journal->config, &store, diag);
    if (err) {
        free_journal(journal);
        return err;
    }
    err = start(journal, path, store, diag);
    if (err) {
        journal->driver->close(store);
        free_journal(journal);
        return err;
    }
    journal->config.site = journal->identity.site;
    journal->store = store;
    if (loop && journal->driver->watch)
        journal->driver->watch(store, notify, journal);
    *opened = journal;
    return ERR_OK;
}

const struct journal_identity *
journal_identity(const struct journal *journal)
{
    return &journal->identity;
}

const char *
journal_path(const struct journal *journal)
{
    return journal->path;
}

const struct journal_head *
journal_head(const struct journal *journal)
{
    return &journal->head;
}

/* ---- appending */

static enum err
check_entries(const struct journal_entry *entries, size_t n, struct diag *diag)
{
    for (size_t i = 0; i < n; i++) {
        enum err err = journal_entry_check(&entries[i], diag);
        if (!err && !strncmp(entries[i].type, OWN_TYPES, strlen(OWN_TYPES)))
            err = diag_set(diag, ERR_INVALID, "type %s is the journal's own", entries[i].type);
        if (err) {
            if (n > 1)
                diag_prefix(diag, "event %zu of %zu", i + 1, n);
            return err;
        }
    }
    return ERR_OK;
}

/* Copies `text`, of `size` octets with its NUL, to where `room` is, and moves that on. */
static const char *
put_text(char **room, const char *text, size_t size)
{
    char *copy = memcpy(*room, text, size);
    *room += size;
    return copy;
}

static size_t
texts_size(const struct journal_entry *entry)
{
    return strlen(entry->type) + strlen(entry->object) + strlen(entry->actor) +
           strlen(entry->body) + 4;
}

static void
copy_entry(struct batch_event *event, const struct journal_entry *entry, const char *site,
           nsec_t now, char **room)
{
    event->time = entry->time ? entry->time : now;
    event->event.site = site;
    event->event.type = put_text(room, entry->type, strlen(entry->type) + 1);
    event->event.object = put_text(room, entry->object, strlen(entry->object) + 1);
    event->event.actor = put_text(room, entry->actor, strlen(entry->actor) + 1);
    event->event.body_size = strlen(entry->body);
    event->event.body = put_text(room, entry->body, event->event.body_size + 1);
}

/* The entries are sound. ERR_BUSY: no room for them in the queue. */
static enum err
make_batch(struct journal *journal, const struct journal_entry *entries, size_t n,
           struct batch **made, struct diag *diag)
{
    const struct journal_config *config = &journal->config;
    size_t size = sizeof(struct batch) + n * sizeof(struct batch_event);
    for (size_t i = 0; i < n; i++)
        size += texts_size(&entries[i]);
    if (n > config->queue_events || size > config->queue_octets)
        return diag_set(diag, ERR_LIMIT, "journal: %zu events, %zu octets: more than the queue", n,
                        size);
    if (n > config->queue_events - journal->n_queued ||
        size > config->queue_octets - journal->queued_size)
        return diag_set(diag, ERR_BUSY, "journal: %zu events wait for the disk", journal->n_queued);
    struct batch *batch = xcalloc(1, size);
    char *room = (char *)&batch->events[n];
    nsec_t now = config->clock();
    batch->size = size;
    batch->n_events = n;
    for (size_t i = 0; i < n; i++)
        copy_entry(&batch->events[i], &entries[i], config->site, now, &room);
    *made = batch;
    return ERR_OK;
}

/* Without a loop an event is told to everyone before the next one is written. */
static enum err
check_open(const struct journal *journal, struct diag *diag)
{
    if (journal->closing)
        return diag_set(diag, ERR_CLOSED, "journal: closed");
    if (journal->lost)
        return diag_set(diag, ERR_BUSY, "%s", journal->append_fault.why.text);
    if (!journal->loop && journal->inside)
        return diag_set(diag, ERR_BUSY, "journal: append from inside a callback");
    return ERR_OK;
}

static enum err
prepare_batch(struct journal *journal, const struct journal_entry *entries, size_t n,
              struct batch **made, struct diag *diag)
{
    enum err err = check_open(journal, diag);
    if (err)
        return err;
    if (n == 0)
        return diag_set(diag, ERR_INVALID, "journal: no events");
    err = check_entries(entries, n, diag);
    return err ? err : make_batch(journal, entries, n, made, diag);
}

static void
queue_batch(struct journal *journal, struct batch *batch)
{
    journal->n_queued += batch->n_events;
    journal->queued_size += batch->size;
    batch_queue_add(&journal->gathered, batch);
    task_schedule(journal->hand_over);
    uv_ref((uv_handle_t *)journal->async);
}

static void
hand_over(void *arg)
{
    struct journal *journal = arg;
    task_cancel(journal->hand_over);
    if (journal->gathered.first)
        writer_submit(journal->writer, &journal->gathered);
}

/* ---- what has become of it */

static void
drop_ended(struct journal *journal)
{
    size_t kept = 0;
    for (size_t i = 0; i < journal->n_subscriptions; i++) {
        struct journal_subscription *subscription = journal->subscriptions[i];
        if (subscription->fn)
            journal->subscriptions[kept++] = subscription;
        else
            free(subscription);
    }
    journal->n_subscriptions = kept;
}

static void
tell_listeners(struct journal *journal, const struct journal_event *event)
{
    journal->calling++;
    for (size_t i = 0; i < journal->n_subscriptions; i++) { /* a listener may add one */
        struct journal_subscription *subscription = journal->subscriptions[i];
        if (subscription->fn && event->seq >= subscription->next) {
            subscription->next = event->seq + 1;
            subscription->fn(subscription->arg, event);
        }
    }
    if (--journal->calling == 0)
        drop_ended(journal);
}

static void
note_fault(struct journal *journal, struct fault *fault, enum err err, const struct diag *why)
{
    if (err && !fault->err)
        fault->since = journal->config.clock();
    fault->err = err;
    fault->why = err ? *why : (struct diag){""};
}

static void
note_result(struct journal *journal, const struct batch *batch)
{
    journal->n_queued -= batch->n_events;
    journal->queued_size -= batch->size;
    if (batch->err)
        journal->n_failed++;
    /* A conflict is the caller's mistake, not the disk's. What was written before the lease was
     * lost does not bring it back. */
    if (batch->err != ERR_CONFLICT && !journal->lost)
        note_fault(journal, &journal->append_fault, batch->err, &batch->why);
}

/* Listeners first, so that whoever waits for `done` finds every state folded. */
static void
finish_batch(struct journal *journal, struct batch *batch)
{
    note_result(journal, batch);
    for (size_t i = 0; !batch->err && i < batch->n_events; i++) {
        const struct journal_event *event = &batch->events[i].event;
        journal->head = (struct journal_head){event->seq, event->epoch, event->time, {0}};
        memcpy(journal->head.hash, event->hash, JOURNAL_HASH_SIZE);
        tell_listeners(journal, event);
    }
    if (batch->done)
        batch->done(batch->arg, batch->err, batch->err ? 0 : batch->events[0].event.seq,
                    batch->err ? batch->why.text : "");
    free(batch);
}

static void
finish_closing(struct journal *journal)
{
    void (*closed)(void *arg) = journal->closed;
    void *arg = journal->closed_arg;
    free_journal(journal);
    if (closed)
        closed(arg);
}

/* Before anybody is told of anything: who has lost the lease (the process may have stood still for
 * an hour) must not act on it. */
static void
check_leading(struct journal *journal)
{
    struct diag why;
    if (journal->lost || !journal->driver->leads || !journal->driver->leads(journal->store, &why))
        return;
    journal->lost = true;
    note_fault(journal, &journal->append_fault, ERR_BUSY, &why);
    if (journal->config.lost)
        journal->config.lost(journal->config.lost_arg, why.text);
}

static void
collect(uv_async_t *async)
{
    struct journal *journal = async->data;
    struct batch_queue done = {0};
    struct writer_state state;
    struct batch *batch;
    check_leading(journal);
    writer_collect(journal->writer, &done, &state);
    note_fault(journal, &journal->tidy_fault, state.tidy_err, &state.tidy_why);
    while ((batch = batch_queue_take(&done)))
        finish_batch(journal, batch);
    hand_over(journal); /* what the callbacks appended, in one piece */
    if (state.stopped)
        finish_closing(journal);
    else if (!journal->n_queued && !journal->closing)
        uv_unref((uv_handle_t *)async);
}

enum err
journal_append(struct journal *journal, const struct journal_entry *entries, size_t n,
               journal_done_fn *done, void *arg, struct diag *diag)
{
    struct batch *batch;
    if (!journal->loop)
        return diag_set(diag, ERR_INVALID, "journal: opened without a loop");
    enum err err = prepare_batch(journal, entries, n, &batch, diag);
    if (err)
        return err;
    batch->done = done;
    batch->arg = arg;
    queue_batch(journal, batch);
    return ERR_OK;
}

static void
enter(struct journal *journal)
{
    journal->inside++;
}

/* The journal may be gone when this returns. */
static void
leave(struct journal *journal)
{
    if (--journal->inside == 0 && journal->closing && !journal->loop)
        finish_closing(journal);
}

/* Without a loop: writes the batch, and is done with it. The journal may be gone afterwards. */
static void
write_batch(struct journal *journal, struct batch *batch)
{
    struct writer_state state;
    enter(journal);
    journal->n_queued += batch->n_events;
    journal->queued_size += batch->size;
    writer_commit(journal->writer, batch, &state);
    check_leading(journal);
    note_fault(journal, &journal->tidy_fault, state.tidy_err, &state.tidy_why);
    finish_batch(journal, batch);
    leave(journal);
}

struct sync_result {
    enum err err;
    uint64_t first_seq;
    struct diag *diag;
};

static void
keep_result(void *arg, enum err err, uint64_t first_seq, const char *why)
{
    struct sync_result *result = arg;
    result->err = err ? diag_set(result->diag, err, "%s", why) : ERR_OK;
    result->first_seq = first_seq;
}

enum err
journal_append_sync(struct journal *journal, const struct journal_entry *entries, size_t n,
                    uint64_t *first_seq, struct diag *diag)
{
    struct sync_result result = {.diag = diag};
    struct batch *batch;
    if (journal->loop)
        return diag_set(diag, ERR_INVALID, "journal: opened with a loop");
    enum err err = prepare_batch(journal, entries, n, &batch, diag);
    if (err)
        return err;
    batch->done = keep_result;
    batch->arg = &result;
    write_batch(journal, batch);
    if (!result.err && first_seq)
        *first_seq = result.first_seq;
    return result.err;
}

static enum err
make_epoch_batch(struct journal *journal, const char *actor, const char *reason,
                 struct batch **batch, struct diag *diag)
{
    json_t *body = json_pack("{ss}", "reason", reason);
    if (!body)
        return diag_set(diag, ERR_INVALID, "reason is not UTF-8");
    char *text = json_dumps(body, JSON_COMPACT);
    struct journal_entry entry = {OWN_TYPES "epoch", "journal", actor, text, 0};
    enum err err = journal_entry_check(&entry, diag);
    if (!err)
        err = make_batch(journal, &entry, 1, batch, diag);
    free(text);
    json_decref(body);
    return err;
}

enum err
journal_begin_epoch(struct journal *journal, uint64_t epoch, const char *actor, const char *reason,
                    journal_done_fn *done, void *arg, struct diag *diag)
{
    struct batch *batch;
    enum err err = check_open(journal, diag);
    if (!err && epoch > INT64_MAX)
        err = diag_set(diag, ERR_LIMIT, "epoch is larger than %lld", (long long)INT64_MAX);
    if (!err)
        err = make_epoch_batch(journal, actor, reason, &batch, diag);
    if (err)
        return err;
    batch->epoch = epoch ? epoch : BATCH_NEXT_EPOCH;
    batch->done = done;
    batch->arg = arg;
    if (journal->loop)
        queue_batch(journal, batch);
    else
        write_batch(journal, batch);
    return ERR_OK;
}

void
journal_close(struct journal *journal, void (*closed)(void *arg), void *arg)
{
    if (!journal || journal->closing)
        return;
    journal->closing = true;
    journal->closed = closed;
    journal->closed_arg = arg;
    if (!journal->loop) {
        enter(journal);
        leave(journal);
        return;
    }
    uv_ref((uv_handle_t *)journal->async);
    hand_over(journal);
    writer_stop(journal->writer);
}

/* ---- following, reading, asking */

static bool
replay(void *arg, const struct journal_event *event)
{
    struct journal_subscription *subscription = arg;
    subscription->next = event->seq + 1;
    subscription->fn(subscription->arg, event);
    return true;
}

enum err
journal_subscribe(struct journal *journal, uint64_t from, journal_listener_fn *fn, void *arg,
                  struct journal_subscription **made, struct diag *diag)
{
    struct journal_subscription *subscription = xcalloc(1, sizeof *subscription);
    *subscription = (struct journal_subscription){journal, fn, arg, from};
    enum err err = ERR_OK;
    enter(journal);
    if (from == 0)
        subscription->next = journal->head.seq + 1;
    else
        err = journal_read(journal, &(struct journal_query){.from = from}, replay, subscription,
                           diag);
    if (err) {
        free(subscription);
    } else {
        GROW(journal->subscriptions, journal->n_subscriptions, journal->subscriptions_capacity);
        journal->subscriptions[journal->n_subscriptions++] = subscription;
        *made = subscription;
    }
    leave(journal);
    return err;
}

void
journal_unsubscribe(struct journal_subscription *subscription)
{
    if (!subscription)
        return;
    struct journal *journal = subscription->journal;
    subscription->fn = NULL;
    if (!journal->calling)
        drop_ended(journal);
}

enum err
journal_read(struct journal *journal, const struct journal_query *query, journal_event_fn *fn,
             void *arg, struct diag *diag)
{
    enter(journal);
    enum err err = journal_reader_read(journal->reader, query, fn, arg, diag);
    leave(journal);
    return err;
}

struct journal_health
journal_health(const struct journal *journal)
{
    const struct fault *fault = journal->append_fault.err ? &journal->append_fault
                                                          : &journal->tidy_fault;
    return (struct journal_health){
        .err = fault->err,
        .since = fault->since,
        .n_failed = journal->n_failed,
        .n_queued = journal->n_queued,
        .why = fault->why.text,
    };
}

bool
journal_leads(struct journal *journal)
{
    if (journal->lost || !journal->driver->leads)
        return !journal->lost;
    if (!journal->driver->leads(journal->store, NULL))
        return true;
    if (journal->loop) /* whoever asks is in the middle of something: `lost` comes from the loop */
        uv_async_send(journal->async);
    return false;
}

const char *
journal_instance(const struct journal *journal)
{
    return journal->instance;
}

bool
journal_is_shared(const char *path)
{
    return store_driver_for(path)->lease;
}
