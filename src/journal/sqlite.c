/* sqlite.c - the journal in one SQLite file: WAL, synchronous=FULL.
 *
 * A commit writes the changed pages to the end of PATH-wal and syncs it; that sync is what an
 * append waits for. From time to time the pages move from the log into the file (a checkpoint),
 * which costs two more syncs: store_sqlite.tidy does it after the append has been answered.
 *
 * Rejected: an index on `object`. With 16 events per commit, each of another object, it doubles the
 * pages a commit writes and halves the rate; a scan reads a million events a second. */
#include "journal/sqlite_file.h"
#include "journal/store.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_PAGES 1000 /* of the log: 4 MB */

struct store {
    struct sqlite_file file;
    sqlite3_stmt *insert, *move_head, *begin, *commit, *rollback; /* NULL in a reader */
    sqlite3_stmt *read_head, *read_events;
    int log_pages; /* after the last commit */
};

enum { SEQ, EPOCH, TIME, TYPE, OBJECT, ACTOR, PREV_HASH, HASH, BODY };

/* Fields in the order of the columns; the short ones first, so that a filter skips long bodies. */
#define READ_EVENTS                                                                                \
    "SELECT seq, epoch, time, type, object, actor, prev_hash, hash, body FROM event "              \
    "WHERE seq >= ?1 AND seq <= ?6 AND (?2 IS NULL OR object = ?2) "                               \
    "AND (?7 IS NULL OR actor = ?7) "                                                              \
    "AND (?3 IS NULL OR (type >= ?3 AND type < ?4)) ORDER BY seq LIMIT ?5"
#define INSERT_EVENT                                                                               \
    "INSERT INTO event(seq, epoch, time, type, object, actor, prev_hash, hash, body) "             \
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define MOVE_HEAD "UPDATE head SET seq = ?1, hash = ?2 WHERE seq = ?3 AND hash = ?4"

static int
count_log_pages(void *store, sqlite3 *db UNUSED, const char *name UNUSED, int n_pages)
{
    ((struct store *)store)->log_pages = n_pages;
    return SQLITE_OK;
}

static void
close_store(struct store *store)
{
    if (!store)
        return;
    sqlite3_stmt *statements[] = {store->insert,     store->move_head, store->begin,
                                  store->commit,     store->rollback,  store->read_head,
                                  store->read_events};
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
        sqlite3_finalize(statements[i]);
    sqlite_file_close(&store->file);
    free(store);
}

static enum err
prepare_reading(struct store *store, struct diag *diag)
{
    enum err err = sqlite_file_prepare(&store->file, READ_EVENTS, &store->read_events, diag);
    if (!err)
        err = sqlite_file_prepare(&store->file, "SELECT seq, hash FROM head", &store->read_head,
                                  diag);
    return err;
}

static enum err
prepare_writing(struct store *store, struct diag *diag)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } all[] = {
        {INSERT_EVENT, &store->insert},     {MOVE_HEAD, &store->move_head},
        {"BEGIN IMMEDIATE", &store->begin}, {"COMMIT", &store->commit},
        {"ROLLBACK", &store->rollback},
    };
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < ARRAY_SIZE(all); i++)
        err = sqlite_file_prepare(&store->file, all[i].sql, all[i].statement, diag);
    sqlite3_wal_hook(store->file.db, count_log_pages, store);
    return err;
}

static enum err
open_store(const char *path, const struct journal_identity *create,
           const struct store_options *options UNUSED, struct store **opened, struct diag *diag)
{
    struct store *store = xcalloc(1, sizeof *store);
    enum err err = sqlite_file_open(&store->file, path, create, diag);
    if (!err)
        err = prepare_reading(store, diag);
    if (!err)
        err = prepare_writing(store, diag);
    if (err) {
        close_store(store);
        return err;
    }
    *opened = store;
    return ERR_OK;
}

static enum err
open_reading_store(const char *path, struct store **opened, struct diag *diag)
{
    struct store *store = xcalloc(1, sizeof *store);
    enum err err = sqlite_file_open_reader(&store->file, path, diag);
    if (!err)
        err = prepare_reading(store, diag);
    if (err) {
        close_store(store);
        return err;
    }
    *opened = store;
    return ERR_OK;
}

/* The column's octets if it has that type and size, otherwise NULL. */
static const void *
column_exact(sqlite3_stmt *row, int column, int type, size_t size)
{
    if (sqlite3_column_type(row, column) != type)
        return NULL;
    const void *data = sqlite3_column_blob(row, column);
    return (size_t)sqlite3_column_bytes(row, column) == size ? data : NULL;
}

/* A text without a NUL inside, at most `most` octets; otherwise NULL. */
static const char *
column_text(sqlite3_stmt *row, int column, size_t most)
{
    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(row, column);
    size_t size = (size_t)sqlite3_column_bytes(row, column);
    return text && size <= most && strlen(text) == size ? text : NULL;
}

static bool
columns_are_natural(sqlite3_stmt *row, int first, int last)
{
    for (int i = first; i <= last; i++) {
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER || sqlite3_column_int64(row, i) < 0)
            return false;
    }
    return true;
}

/* False: it is not an event, whatever its hash may say. The site is not in the row. */
static bool
load_event(sqlite3_stmt *row, struct journal_event *event)
{
    const void *prev_hash = column_exact(row, PREV_HASH, SQLITE_BLOB, JOURNAL_HASH_SIZE);
    const void *hash = column_exact(row, HASH, SQLITE_BLOB, JOURNAL_HASH_SIZE);
    *event = (struct journal_event){
        .seq = (uint64_t)sqlite3_column_int64(row, SEQ),
        .epoch = (uint64_t)sqlite3_column_int64(row, EPOCH),
        .time = sqlite3_column_int64(row, TIME),
        .type = column_text(row, TYPE, JOURNAL_TYPE_MAX),
        .object = column_text(row, OBJECT, JOURNAL_OBJECT_MAX),
        .actor = column_text(row, ACTOR, JOURNAL_ACTOR_MAX),
        .body = column_text(row, BODY, JOURNAL_BODY_MAX),
    };
    event->body_size = (size_t)sqlite3_column_bytes(row, BODY);
    if (!columns_are_natural(row, SEQ, TIME) || !event->type || !event->object || !event->actor ||
        !event->body || !prev_hash || !hash)
        return false;
    memcpy(event->prev_hash, prev_hash, JOURNAL_HASH_SIZE);
    memcpy(event->hash, hash, JOURNAL_HASH_SIZE);
    return true;
}

static enum err
read_identity(struct store *store, struct journal_identity *identity, struct diag *diag)
{
    sqlite3_stmt *row;
    enum err err = sqlite_file_prepare(&store->file, "SELECT epoch, created, site, id FROM journal",
                                       &row, diag);
    if (err)
        return err;
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        const char *site = column_text(row, 2, JOURNAL_SITE_MAX);
        const void *id = column_exact(row, 3, SQLITE_BLOB, JOURNAL_ID_SIZE);
        *identity = (struct journal_identity){
            .epoch = (uint64_t)sqlite3_column_int64(row, 0),
            .created = sqlite3_column_int64(row, 1),
        };
        if (site)
            snprintf(identity->site, sizeof identity->site, "%s", site);
        if (id)
            memcpy(identity->id, id, JOURNAL_ID_SIZE);
        if (!site || !id || !columns_are_natural(row, 0, 1) || sqlite3_step(row) != SQLITE_DONE)
            code = SQLITE_DONE;
    }
    if (code == SQLITE_DONE)
        err = diag_set(diag, ERR_CORRUPT, "%s: the journal's identity is damaged",
                       store->file.path);
    else if (code != SQLITE_ROW)
        err = sqlite_file_fail(&store->file, "read the identity", diag);
    sqlite3_finalize(row);
    return err;
}

static enum err
read_head(struct store *store, struct journal_head *head, struct diag *diag)
{
    sqlite3_stmt *row = store->read_head;
    enum err err = ERR_OK;
    int code = sqlite3_step(row);
    const void *hash = code == SQLITE_ROW ? column_exact(row, 1, SQLITE_BLOB, JOURNAL_HASH_SIZE)
                                          : NULL;
    if (hash && columns_are_natural(row, 0, 0)) {
        head->seq = (uint64_t)sqlite3_column_int64(row, 0);
        memcpy(head->hash, hash, JOURNAL_HASH_SIZE);
    } else if (code == SQLITE_ROW || code == SQLITE_DONE) {
        err = diag_set(diag, ERR_CORRUPT, "%s: the record of the last event is damaged",
                       store->file.path);
    } else {
        err = sqlite_file_fail(&store->file, "read the head", diag);
    }
    sqlite3_reset(row);
    return err;
}

static enum err
begin_read(struct store *store, struct diag *diag)
{
    return sqlite_file_run(&store->file, "BEGIN", diag);
}

static void
end_read(struct store *store)
{
    /* Nothing was changed: neither of the two can fail in a way that matters. */
    sqlite3_exec(store->file.db, "ROLLBACK", NULL, NULL, NULL);
}

/* Types are ASCII, so whatever begins with the prefix sorts below the prefix and DEL. Both bounds
 * are NULL for any type; the caller frees `end`. */
static void
bind_query(sqlite3_stmt *statement, const struct journal_query *query, char **end)
{
    *end = query->type_prefix ? xasprintf("%s\x7f", query->type_prefix) : NULL;
    int64_t from = (int64_t)MIN(query->from, (uint64_t)INT64_MAX);
    sqlite3_bind_int64(statement, 1, from ? from : INT64_MIN); /* all, even what cannot be */
    sqlite3_bind_text(statement, 2, query->object, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, query->type_prefix, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, *end, -1, SQLITE_STATIC);
    int64_t limit = (int64_t)MIN(query->limit, (uint64_t)INT64_MAX);
    sqlite3_bind_int64(statement, 5, limit ? limit : -1);
    int64_t to = (int64_t)MIN(query->to, (uint64_t)INT64_MAX);
    sqlite3_bind_int64(statement, 6, to ? to : INT64_MAX);
    sqlite3_bind_text(statement, 7, query->actor, -1, SQLITE_STATIC);
}

/* A damaged file can hold a row twice or out of order, and so many rows that nobody would live to
 * see the end: they must ascend. */
static enum err
read_rows(struct store *store, journal_event_fn *fn, void *arg, struct diag *diag)
{
    sqlite3_stmt *row = store->read_events;
    int64_t last = INT64_MIN;
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        struct journal_event event;
        int64_t seq = sqlite3_column_int64(row, SEQ);
        if (last != INT64_MIN && seq <= last)
            return diag_set(diag, ERR_CORRUPT, "%s: event %lld is stored after event %lld",
                            store->file.path, (long long)seq, (long long)last);
        if (!load_event(row, &event))
            return diag_set(diag, ERR_CORRUPT, "%s: event %lld: a field is not what it must be",
                            store->file.path, (long long)seq);
        if (!fn(arg, &event))
            return ERR_OK;
        last = seq;
    }
    return code == SQLITE_DONE ? ERR_OK : sqlite_file_fail(&store->file, "read", diag);
}

static enum err
read_events(struct store *store, const struct journal_query *query, journal_event_fn *fn, void *arg,
            struct diag *diag)
{
    char *end;
    bind_query(store->read_events, query, &end);
    enum err err = read_rows(store, fn, arg, diag);
    sqlite3_reset(store->read_events);
    sqlite3_clear_bindings(store->read_events);
    free(end);
    return err;
}

/* Runs a statement that returns no row; what was bound must stay until then. */
static enum err
run_statement(struct store *store, sqlite3_stmt *statement, const char *what, struct diag *diag)
{
    enum err err = ERR_OK;
    if (sqlite3_step(statement) != SQLITE_DONE)
        err = sqlite_file_fail(&store->file, what, diag);
    sqlite3_reset(statement);
    return err;
}

static enum err
insert_event(struct store *store, const struct journal_event *event, struct diag *diag)
{
    sqlite3_stmt *insert = store->insert;
    sqlite3_bind_int64(insert, 1 + SEQ, (int64_t)event->seq);
    sqlite3_bind_int64(insert, 1 + EPOCH, (int64_t)event->epoch);
    sqlite3_bind_int64(insert, 1 + TIME, event->time);
    sqlite3_bind_text(insert, 1 + TYPE, event->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 1 + OBJECT, event->object, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 1 + ACTOR, event->actor, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 1 + PREV_HASH, event->prev_hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 1 + HASH, event->hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(insert, 1 + BODY, event->body, (int)event->body_size, SQLITE_STATIC);
    return run_statement(store, insert, "append", diag);
}

/* Only a head that is still where this writer left it moves on. */
static enum err
move_head(struct store *store, const struct journal_event *first, const struct journal_event *last,
          struct diag *diag)
{
    sqlite3_stmt *move = store->move_head;
    sqlite3_bind_int64(move, 1, (int64_t)last->seq);
    sqlite3_bind_blob(move, 2, last->hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(move, 3, (int64_t)first->seq - 1);
    sqlite3_bind_blob(move, 4, first->prev_hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    enum err err = run_statement(store, move, "append", diag);
    if (!err && sqlite3_changes(store->file.db) != 1)
        err = diag_set(diag, ERR_CORRUPT, "%s: someone else has written to the journal",
                       store->file.path);
    return err;
}

/* A commit that failed in its sync has left whole frames in the log; they are void for us, but a
 * recovery after a crash would take them for committed. Emptying the log removes them. */
static void
undo_append(struct store *store, int code)
{
    if (!sqlite3_get_autocommit(store->file.db)) {
        sqlite3_step(store->rollback);
        sqlite3_reset(store->rollback);
    }
    if (code == SQLITE_IOERR_FSYNC)
        sqlite3_wal_checkpoint_v2(store->file.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static enum err
append_events(struct store *store, struct journal_event *const *events, size_t n, struct diag *diag)
{
    enum err err = run_statement(store, store->begin, "append", diag);
    if (err)
        return err;
    for (size_t i = 0; !err && i < n; i++)
        err = insert_event(store, events[i], diag);
    if (!err)
        err = move_head(store, events[0], events[n - 1], diag);
    if (!err)
        err = run_statement(store, store->commit, "append", diag);
    if (err)
        undo_append(store, sqlite3_extended_errcode(store->file.db));
    return err;
}

static enum err
tidy(struct store *store, struct diag *diag)
{
    if (store->log_pages < CHECKPOINT_PAGES)
        return ERR_OK;
    int code = sqlite3_wal_checkpoint_v2(store->file.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                         NULL);
    if (code && code != SQLITE_BUSY) /* a reader still needs the log: next time */
        return sqlite_file_fail(&store->file, "checkpoint", diag);
    return ERR_OK;
}

/* Only who is alone can leave the write-ahead log, and that removes it. */
static enum err
settle(struct store *store, struct diag *diag)
{
    sqlite3_stmt *statement;
    enum err err = sqlite_file_prepare(&store->file, "PRAGMA journal_mode=DELETE", &statement,
                                       diag);
    if (err)
        return err;
    sqlite3_busy_timeout(store->file.db, 0);
    int code = sqlite3_step(statement);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (mode && strcmp(mode, "delete") != 0)
        err = diag_set(diag, ERR_BUSY, "%s: somebody reads it", store->file.path);
    else if (!mode)
        err = sqlite_file_fail(&store->file, "leave the write-ahead log", diag);
    sqlite3_finalize(statement);
    sqlite3_busy_timeout(store->file.db, SQLITE_FILE_PATIENCE);
    return err;
}

const struct store_driver store_sqlite = {
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
    .settle = settle,
};
