/* postgres.c - the journal in a PostgreSQL database, for several instances of which one writes.
 *
 * An append is one statement: it moves the head and, if that worked, stores the events. The server
 * carries it out by itself once it has all of it, so a writer that is stopped, or is cut off, in
 * the middle holds no lock that others wait for. What the events are comes as one array per column,
 * in binary: the server's work per row is that of COPY, and there is one round trip.
 *
 * Where the connection breaks before the answer, the group may be stored, or be stored in a moment.
 * The writer takes its lease anew, which moves the fence: now the old session can do nothing more,
 * and the head says whether it did. If there is no taking it anew before the lease ends, another
 * instance may lead by then: the writer says that it does not know, and writes no more.
 *
 * Rejected: BEGIN, COPY, COMMIT. A client that stops after the head is locked keeps the next leader
 * waiting for as long as its connection lives. Rejected: an index on `object`, as in sqlite.c. */
#include "journal/postgres_conn.h"
#include "journal/postgres_lease.h"
#include "journal/postgres_schema.h"
#include "journal/store.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "io/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE                                                                                   \
    (60 * NSEC_PER_SEC) /* for a row of a long search, when there is no lease to lose */
#define PATIENCE_OPENING (5 * NSEC_PER_SEC)
#define RETRY_US 50000 /* between attempts to connect */
#define DRAIN 1000     /* rows taken and dropped before the server is told to stop */

struct store {
    char *location;
    PGconn *conn; /* NULL: lost, and not yet back */
    bool in_read; /* between begin_read and end_read */

    /* A writer's. */
    struct pg_lease *lease;
    int64_t fence;
    struct journal_head head; /* when the lease was last taken, or moved by us since */
    struct buf arrays[9];     /* one per column of the statement's rows */
};

enum { SEQ, EPOCH, TIME, TYPE, OBJECT, ACTOR, PREV_HASH, HASH, BODY };

#define READ_EVENTS                                                                                \
    "SELECT seq, epoch, time, type, object, actor, prev_hash, hash, body FROM tieline.event "      \
    "WHERE seq >= $1 AND seq <= $6 AND ($2 IS NULL OR object = $2) "                               \
    "AND ($7 IS NULL OR actor = $7) "                                                              \
    "AND ($3 IS NULL OR (type >= $3 AND type < $4)) ORDER BY seq LIMIT $5"
#define APPEND                                                                                     \
    "WITH moved AS (UPDATE tieline.head SET seq = $10, hash = $11 "                                \
    "WHERE seq = $12 AND hash = $13 AND fence = $14 RETURNING seq) "                               \
    "INSERT INTO tieline.event(seq, epoch, time, type, object, actor, prev_hash, hash, body) "     \
    "SELECT e.* FROM moved, unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], "         \
    "$5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::text[]) AS e"

static nsec_t
patience(void)
{
    return clock_monotonic() + PATIENCE;
}

static nsec_t
opening_patience(void)
{
    return clock_monotonic() + PATIENCE_OPENING;
}

/* ---- opening */

static void
close_store(struct store *store)
{
    if (!store)
        return;
    pg_lease_free(store->lease, store->conn);
    PQfinish(store->conn);
    for (size_t i = 0; i < ARRAY_SIZE(store->arrays); i++)
        buf_fini(&store->arrays[i]);
    free(store->location);
    free(store);
}

/* What fails while a journal is opened has not lost anything. */
static enum err
not_closed(enum err err)
{
    return err == ERR_CLOSED ? ERR_IO : err;
}

#define SETTINGS                                                                                   \
    "SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit')"

/* Would what it confirms survive a loss of power, and may it be written at all? */
static enum err
check_durable(struct store *store, nsec_t deadline, struct diag *diag)
{
    PGresult *result;
    enum err err = pg_run(store->conn, store->location, SETTINGS, NULL, deadline, &result, diag);
    if (err)
        return err;
    if (!strcmp(PQgetvalue(result, 0, 0), "t"))
        err = diag_set(diag, ERR_DENIED, "%s: a replica, which may not be written",
                       store->location);
    else if (strcmp(PQgetvalue(result, 0, 1), "on"))
        err = diag_set(diag, ERR_UNSUPPORTED,
                       "%s: fsync is off: what this server confirms, a loss of power takes away",
                       store->location);
    else if (!strcmp(PQgetvalue(result, 0, 2), "off"))
        err = diag_set(diag, ERR_UNSUPPORTED, "%s: synchronous_commit is off and stays off",
                       store->location);
    PQclear(result);
    return err;
}

static enum err
take_lease(struct store *store, nsec_t deadline, struct diag *diag)
{
    struct pg_taken taken;
    enum err err = pg_lease_take(store->lease, store->conn, deadline, &taken, diag);
    if (err)
        return err;
    store->fence = taken.fence;
    store->head = taken.head;
    return pg_prepare(store->conn, store->location, "append", APPEND, deadline, diag);
}

static enum err
open_for_writing(struct store *store, const struct journal_identity *create, struct diag *diag)
{
    nsec_t deadline = opening_patience();
    enum err err = pg_connect(store->location, deadline, &store->conn, diag);
    if (!err)
        err = check_durable(store, deadline, diag);
    if (!err)
        err = pg_schema_check(store->conn, store->location, deadline, diag);
    if (err == ERR_NOT_FOUND && create)
        err = pg_schema_create(store->conn, store->location, create, deadline, diag);
    if (!err)
        err = take_lease(store, deadline, diag);
    if (!err)
        err = pg_lease_start(store->lease, diag);
    return not_closed(err);
}

static enum err
open_store(const char *location, const struct journal_identity *create,
           const struct store_options *options, struct store **opened, struct diag *diag)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->location = xstrdup(location);
    store->lease = pg_lease_new(location, options);
    enum err err = open_for_writing(store, create, diag);
    if (err) {
        close_store(store);
        return err;
    }
    *opened = store;
    return ERR_OK;
}

static enum err
connect_reader(struct store *store, struct diag *diag)
{
    nsec_t deadline = opening_patience();
    enum err err = pg_connect(store->location, deadline, &store->conn, diag);
    if (!err)
        err = pg_schema_check(store->conn, store->location, deadline, diag);
    return not_closed(err);
}

static enum err
open_reading_store(const char *location, struct store **opened, struct diag *diag)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->location = xstrdup(location);
    enum err err = connect_reader(store, diag);
    if (err) {
        close_store(store);
        return err;
    }
    *opened = store;
    return ERR_OK;
}

/* ---- reading: whoever finds the connection broken, makes another one and asks again */

static void
drop_connection(struct store *store)
{
    PQfinish(store->conn);
    store->conn = NULL;
}

static enum err
ensure_connection(struct store *store, struct diag *diag)
{
    if (store->conn && PQstatus(store->conn) == CONNECTION_OK)
        return ERR_OK;
    if (store->in_read || store->lease) /* another connection would show another state */
        return diag_set(diag, ERR_IO, "%s: the connection was lost", store->location);
    drop_connection(store);
    return connect_reader(store, diag);
}

static enum err
run_reading(struct store *store, const char *sql, const struct pg_params *params, PGresult **result,
            struct diag *diag)
{
    enum err err = ERR_CLOSED;
    for (int i = 0; i < 2 && err == ERR_CLOSED; i++) {
        err = ensure_connection(store, diag);
        if (!err)
            err = pg_run(store->conn, store->location, sql, params, patience(), result, diag);
        if (err == ERR_CLOSED)
            drop_connection(store);
    }
    return not_closed(err);
}

/* The column's octets if it is not null and has that size, otherwise NULL. */
static const void *
column_exact(const PGresult *row, int column, size_t size)
{
    bool there = !PQgetisnull(row, 0, column) && (size_t)PQgetlength(row, 0, column) == size;
    return there ? PQgetvalue(row, 0, column) : NULL;
}

/* A text, at most `most` octets; otherwise NULL. PostgreSQL's texts have no NUL inside. */
static const char *
column_text(const PGresult *row, int column, size_t most)
{
    bool there = !PQgetisnull(row, 0, column) && (size_t)PQgetlength(row, 0, column) <= most;
    return there ? PQgetvalue(row, 0, column) : NULL;
}

static enum err
read_identity(struct store *store, struct journal_identity *identity, struct diag *diag)
{
    static const char sql[] = "SELECT epoch, created, site, id FROM tieline.journal WHERE $1 = 0";
    struct pg_params params = {0};
    PGresult *row;
    int64_t epoch, created;
    pg_add_int(&params, 0); /* a parameter makes the result binary */
    enum err err = run_reading(store, sql, &params, &row, diag);
    if (err)
        return err;
    bool one = PQntuples(row) == 1;
    const char *site = one ? column_text(row, 2, JOURNAL_SITE_MAX) : NULL;
    const void *id = one ? column_exact(row, 3, JOURNAL_ID_SIZE) : NULL;
    if (!site || !id || !pg_get_int(row, 0, 0, &epoch) || !pg_get_int(row, 0, 1, &created) ||
        epoch < 0 || created < 0) {
        err = diag_set(diag, ERR_CORRUPT, "%s: the journal's identity is damaged", store->location);
    } else {
        *identity = (struct journal_identity){.epoch = (uint64_t)epoch, .created = created};
        snprintf(identity->site, sizeof identity->site, "%s", site);
        memcpy(identity->id, id, JOURNAL_ID_SIZE);
    }
    PQclear(row);
    return err;
}

static enum err
read_head(struct store *store, struct journal_head *head, struct diag *diag)
{
    static const char sql[] = "SELECT seq, hash FROM tieline.head WHERE $1 = 0";
    struct pg_params params = {0};
    PGresult *row;
    int64_t seq;
    pg_add_int(&params, 0);
    enum err err = run_reading(store, sql, &params, &row, diag);
    if (err)
        return err;
    const void *hash = PQntuples(row) == 1 ? column_exact(row, 1, JOURNAL_HASH_SIZE) : NULL;
    if (hash && pg_get_int(row, 0, 0, &seq) && seq >= 0) {
        head->seq = (uint64_t)seq;
        memcpy(head->hash, hash, JOURNAL_HASH_SIZE);
    } else {
        err = diag_set(diag, ERR_CORRUPT, "%s: the record of the last event is damaged",
                       store->location);
    }
    PQclear(row);
    return err;
}

static enum err
read_lease(struct store *store, struct store_lease *lease, struct diag *diag)
{
    enum err err = ERR_CLOSED;
    for (int i = 0; i < 2 && err == ERR_CLOSED; i++) {
        err = ensure_connection(store, diag);
        if (!err)
            err = pg_lease_read(store->conn, store->location, patience(), lease, diag);
        if (err == ERR_CLOSED)
            drop_connection(store);
    }
    return not_closed(err);
}

static enum err
begin_read(struct store *store, struct diag *diag)
{
    enum err err = run_reading(store, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, NULL,
                               diag);
    store->in_read = !err;
    return err;
}

static void
end_read(struct store *store)
{
    struct diag diag;
    store->in_read = false;
    /* Nothing was changed: at worst the next read finds that the connection has gone. */
    if (store->conn &&
        pg_run(store->conn, store->location, "ROLLBACK", NULL, patience(), NULL, &diag))
        drop_connection(store);
}

/* False: it is not an event, whatever its hash may say. The site is not in the row. */
static bool
load_event(const PGresult *row, struct journal_event *event)
{
    const void *prev_hash = column_exact(row, PREV_HASH, JOURNAL_HASH_SIZE);
    const void *hash = column_exact(row, HASH, JOURNAL_HASH_SIZE);
    int64_t numbers[3];
    for (int i = 0; i < 3; i++) {
        if (!pg_get_int(row, 0, i, &numbers[i]) || numbers[i] < 0)
            return false;
    }
    *event = (struct journal_event){
        .seq = (uint64_t)numbers[SEQ],
        .epoch = (uint64_t)numbers[EPOCH],
        .time = numbers[TIME],
        .type = column_text(row, TYPE, JOURNAL_TYPE_MAX),
        .object = column_text(row, OBJECT, JOURNAL_OBJECT_MAX),
        .actor = column_text(row, ACTOR, JOURNAL_ACTOR_MAX),
        .body = column_text(row, BODY, JOURNAL_BODY_MAX),
    };
    event->body_size = (size_t)PQgetlength(row, 0, BODY);
    if (!event->type || !event->object || !event->actor || !event->body || !prev_hash || !hash)
        return false;
    memcpy(event->prev_hash, prev_hash, JOURNAL_HASH_SIZE);
    memcpy(event->hash, hash, JOURNAL_HASH_SIZE);
    return true;
}

/* A damaged index can show a row twice or out of order: they must ascend. */
static enum err
deliver_row(struct store *store, const PGresult *row, int64_t *last, bool *more,
            journal_event_fn *fn, void *arg, struct diag *diag)
{
    struct journal_event event;
    int64_t seq;
    if (!pg_get_int(row, 0, SEQ, &seq))
        return diag_set(diag, ERR_CORRUPT, "%s: an event without a number", store->location);
    if (*last != INT64_MIN && seq <= *last)
        return diag_set(diag, ERR_CORRUPT, "%s: event %lld is stored after event %lld",
                        store->location, (long long)seq, (long long)*last);
    if (!load_event(row, &event))
        return diag_set(diag, ERR_CORRUPT, "%s: event %lld: a field is not what it must be",
                        store->location, (long long)seq);
    *last = seq;
    *more = fn(arg, &event);
    return ERR_OK;
}

/* Takes what is still to come of a statement; of a long one the server is told to stop. */
static void
drain(struct store *store)
{
    struct diag diag;
    PGresult *rest = NULL;
    for (unsigned n = 1; !pg_next_result(store->conn, store->location, patience(), &rest, &diag);
         n++) {
        if (!rest)
            return;
        PQclear(rest);
        PGcancel *cancel = n == DRAIN ? PQgetCancel(store->conn) : NULL;
        char why[256];
        if (cancel)
            (void)!PQcancel(cancel, why, sizeof why);
        PQfreeCancel(cancel);
    }
    drop_connection(store);
}

static enum err
read_rows(struct store *store, journal_event_fn *fn, void *arg, int64_t *last, struct diag *diag)
{
    PGresult *row;
    bool more = true;
    enum err err = ERR_OK;
    while (!err && more) {
        err = pg_next_result(store->conn, store->location, patience(), &row, diag);
        if (err || !row)
            break;
        if (PQresultStatus(row) == PGRES_SINGLE_TUPLE)
            err = deliver_row(store, row, last, &more, fn, arg, diag);
        else if (PQresultStatus(row) != PGRES_TUPLES_OK)
            err = pg_explain(store->conn, store->location, row, diag);
        PQclear(row);
    }
    if (err == ERR_CLOSED)
        drop_connection(store);
    else if (err || !more)
        drain(store);
    return err;
}

static enum err
send_query(struct store *store, const struct pg_params *params, struct diag *diag)
{
    static const int binary[PG_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1};
    enum err err = ensure_connection(store, diag);
    if (err)
        return err;
    if (!PQsendQueryParams(store->conn, READ_EVENTS, params->n, params->types, params->values,
                           params->sizes, binary, 1) ||
        !PQsetSingleRowMode(store->conn) || PQflush(store->conn) < 0) {
        err = diag_set(diag, ERR_CLOSED, "%s: %.200s", store->location,
                       PQerrorMessage(store->conn));
        drop_connection(store);
    }
    return err;
}

static enum err
read_events(struct store *store, const struct journal_query *query, journal_event_fn *fn, void *arg,
            struct diag *diag)
{
    struct pg_params params = {0};
    char *end = query->type_prefix ? xasprintf("%s\x7f", query->type_prefix) : NULL;
    int64_t from = (int64_t)MIN(query->from, (uint64_t)INT64_MAX);
    int64_t to = (int64_t)MIN(query->to, (uint64_t)INT64_MAX);
    int64_t limit = (int64_t)MIN(query->limit, (uint64_t)INT64_MAX);
    int64_t last = INT64_MIN;
    enum err err = ERR_CLOSED;
    pg_add_int(&params, from ? from : INT64_MIN); /* all, even what cannot be */
    pg_add_text(&params, query->object);
    pg_add_text(&params, query->type_prefix);
    pg_add_text(&params, end);
    pg_add_int(&params, limit ? limit : INT64_MAX);
    pg_add_int(&params, to ? to : INT64_MAX);
    pg_add_text(&params, query->actor);
    for (int i = 0; i < 2 && err == ERR_CLOSED && last == INT64_MIN; i++) {
        err = send_query(store, &params, diag);
        if (!err)
            err = read_rows(store, fn, arg, &last, diag);
    }
    free(end);
    return not_closed(err);
}

/* ---- appending */

/* The start of a one-dimensional array, as array_recv() of the server takes it. */
static void
begin_array(struct buf *array, Oid type, size_t n)
{
    buf_clear(array);
    buf_be32(array, 1);
    buf_be32(array, 0); /* no nulls */
    buf_be32(array, type);
    buf_be32(array, (uint32_t)n);
    buf_be32(array, 1); /* the index of the first */
}

static void
put_int(struct buf *array, uint64_t value)
{
    buf_be32(array, 8);
    buf_be64(array, value);
}

static void
put_octets(struct buf *array, const void *data, size_t size)
{
    buf_be32(array, (uint32_t)size);
    buf_put(array, data, size);
}

static void
put_event(struct buf *arrays, const struct journal_event *event)
{
    put_int(&arrays[SEQ], event->seq);
    put_int(&arrays[EPOCH], event->epoch);
    put_int(&arrays[TIME], (uint64_t)event->time);
    put_octets(&arrays[TYPE], event->type, strlen(event->type));
    put_octets(&arrays[OBJECT], event->object, strlen(event->object));
    put_octets(&arrays[ACTOR], event->actor, strlen(event->actor));
    put_octets(&arrays[PREV_HASH], event->prev_hash, JOURNAL_HASH_SIZE);
    put_octets(&arrays[HASH], event->hash, JOURNAL_HASH_SIZE);
    put_octets(&arrays[BODY], event->body, event->body_size);
}

static void
put_events(struct store *store, struct journal_event *const *events, size_t n)
{
    static const Oid types[] = {PG_INT8, PG_INT8,  PG_INT8,  PG_TEXT, PG_TEXT,
                                PG_TEXT, PG_BYTEA, PG_BYTEA, PG_TEXT};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        begin_array(&store->arrays[i], types[i], n);
    for (size_t i = 0; i < n; i++)
        put_event(store->arrays, events[i]);
}

/* A burst's memory is not kept for ever. */
static void
shrink_arrays(struct store *store)
{
    for (size_t i = 0; i < ARRAY_SIZE(store->arrays); i++) {
        if (store->arrays[i].capacity > (size_t)4 << 20)
            buf_fini(&store->arrays[i]);
    }
}

/* Another instance has the fence: this one is past. */
static enum err
lose_lease(struct store *store, nsec_t deadline, struct diag *diag)
{
    struct diag why;
    if (!pg_lease_refuse(store->conn, store->location, deadline, &why))
        (void)!diag_set(&why, ERR_BUSY, "%s: another instance has led since", store->location);
    pg_lease_lose(store->lease, &why);
    return diag_set(diag, ERR_BUSY, "%s", why.text);
}

/* The statement was carried out, but the head was not where we left it. */
static enum err
explain_head(struct store *store, nsec_t deadline, struct diag *diag)
{
    struct pg_params params = {0};
    PGresult *result;
    int64_t fence;
    pg_add_int(&params, 0);
    enum err err = pg_run(store->conn, store->location,
                          "SELECT fence FROM tieline.head WHERE $1 = 0", &params, deadline, &result,
                          diag);
    if (err)
        return not_closed(err); /* nothing of the group is stored, whatever the reason is */
    bool ours = PQntuples(result) != 1 || !pg_get_int(result, 0, 0, &fence) ||
                fence == store->fence;
    PQclear(result);
    if (!ours)
        return lose_lease(store, deadline, diag);
    return diag_set(diag, ERR_CORRUPT, "%s: someone else has written to the journal",
                    store->location);
}

/* For as long as the lease is renewed: what is large takes its time. */
static enum err
await_answer(struct store *store, struct diag *diag)
{
    enum err err;
    do {
        err = pg_wait(store->conn, store->location, pg_lease_deadline(store->lease), diag);
    } while (err == ERR_TIMEOUT && !pg_lease_holds(store->lease, NULL));
    return err == ERR_TIMEOUT ? ERR_CLOSED : err;
}

static enum err
send_events(struct store *store, const struct journal_event *first,
            const struct journal_event *last, size_t n, nsec_t deadline, struct diag *diag)
{
    static const Oid types[] = {PG_INT8_ARRAY,  PG_INT8_ARRAY,  PG_INT8_ARRAY,
                                PG_TEXT_ARRAY,  PG_TEXT_ARRAY,  PG_TEXT_ARRAY,
                                PG_BYTEA_ARRAY, PG_BYTEA_ARRAY, PG_TEXT_ARRAY};
    struct pg_params params = {0};
    PGresult *result;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        pg_add_bytes(&params, types[i], store->arrays[i].data, store->arrays[i].size);
    pg_add_int(&params, (int64_t)last->seq);
    pg_add_bytes(&params, PG_BYTEA, last->hash, JOURNAL_HASH_SIZE);
    pg_add_int(&params, (int64_t)first->seq - 1);
    pg_add_bytes(&params, PG_BYTEA, first->prev_hash, JOURNAL_HASH_SIZE);
    pg_add_int(&params, store->fence);
    enum err err = pg_send_prepared(store->conn, store->location, "append", &params, diag);
    if (!err)
        err = await_answer(store, diag);
    if (!err)
        err = pg_collect(store->conn, store->location, opening_patience(), &result, diag);
    if (err)
        return err;
    if (strtoull(PQcmdTuples(result), NULL, 10) != n)
        err = explain_head(store, deadline, diag);
    PQclear(result);
    return err;
}

/* Whether the event is there, whoever leads now. */
static bool
is_stored(struct store *store, const struct journal_event *event, nsec_t deadline)
{
    struct pg_params params = {0};
    struct diag diag;
    PGresult *result;
    pg_add_int(&params, (int64_t)event->seq);
    pg_add_bytes(&params, PG_BYTEA, event->hash, JOURNAL_HASH_SIZE);
    if (pg_run(store->conn, store->location,
               "SELECT seq FROM tieline.event WHERE seq = $1 AND hash = $2", &params, deadline,
               &result, &diag))
        return false;
    bool stored = PQntuples(result) == 1;
    PQclear(result);
    return stored;
}

static bool
is_head(const struct journal_head *head, const struct journal_event *event)
{
    return head->seq == event->seq && !memcmp(head->hash, event->hash, JOURNAL_HASH_SIZE);
}

/* A new connection, whose lease and fence leave the old one nothing to do. */
static enum err
reconnect(struct store *store, nsec_t deadline, struct diag *diag)
{
    enum err err = pg_connect(store->location, deadline, &store->conn, diag);
    if (!err)
        err = check_durable(store, deadline, diag);
    if (!err)
        err = take_lease(store, deadline, diag);
    return not_closed(err);
}

/* What an append whose connection broke still has to find out. */
struct doubt {
    bool open; /* events were sent, and there was no answer */
    const struct journal_event *last;
    size_t n;
};

static enum err
end_of_lease(const struct doubt *doubt, enum err err, struct diag *diag)
{
    if (doubt->open && diag) {
        struct diag why = *diag;
        return diag_set(diag, err, "%.240s; whether %zu events are stored is not known", why.text,
                        doubt->n);
    }
    return err;
}

/* ERR_CLOSED: not yet. ERR_OK with `stored`: what was in doubt is there. */
static enum err
come_back(struct store *store, const struct doubt *doubt, nsec_t deadline, bool *stored,
          struct diag *diag)
{
    enum err err = reconnect(store, deadline, diag);
    if (err == ERR_BUSY) {
        *stored = doubt->open && is_stored(store, doubt->last, deadline);
        pg_lease_lose(store->lease, diag);
        return *stored ? ERR_OK : ERR_BUSY;
    }
    if (err) {
        drop_connection(store);
        usleep(RETRY_US);
        return ERR_CLOSED;
    }
    *stored = doubt->open && is_head(&store->head, doubt->last);
    return ERR_OK;
}

/* Until there is an answer, or the lease has ended. */
static enum err
append_until_known(struct store *store, struct journal_event *const *events, size_t n,
                   struct diag *diag)
{
    const struct journal_event *last = events[n - 1];
    struct doubt doubt = {.last = last, .n = n};
    for (;;) {
        bool stored = false;
        enum err err = pg_lease_holds(store->lease, diag);
        if (err)
            return end_of_lease(&doubt, err, diag);
        nsec_t deadline = pg_lease_deadline(store->lease);
        if (!store->conn)
            err = come_back(store, &doubt, deadline, &stored, diag);
        if (!err && !stored)
            err = send_events(store, events[0], last, n, deadline, diag);
        if (err != ERR_CLOSED)
            return err;
        if (store->conn) {
            drop_connection(store);
            doubt.open = true;
        }
    }
}

static enum err
append_events(struct store *store, struct journal_event *const *events, size_t n, struct diag *diag)
{
    struct diag why;
    put_events(store, events, n);
    enum err err = append_until_known(store, events, n, &why);
    shrink_arrays(store);
    return err ? diag_set(diag, err, "%s", why.text) : ERR_OK;
}

/* The server's autovacuum does it. */
static enum err
tidy(struct store *store UNUSED, struct diag *diag UNUSED)
{
    return ERR_OK;
}

static enum err
leads(struct store *store, struct diag *diag)
{
    return pg_lease_holds(store->lease, diag);
}

static void
watch(struct store *store, void (*lost)(void *arg), void *arg)
{
    pg_lease_watch(store->lease, lost, arg);
}

const struct store_driver store_postgres = {
    .open = open_store,
    .open_reader = open_reading_store,
    .close = close_store,
    .identity = read_identity,
    .head = read_head,
    .begin_read = begin_read,
    .end_read = end_read,
    .read = read_events,
    .append = append_events,
    .tidy = tidy,
    .lease = read_lease,
    .leads = leads,
    .watch = watch,
};
