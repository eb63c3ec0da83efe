/* What a durable event costs: the journal beside the database itself, SQLite and PostgreSQL, with
 * the same settings and rows of the same size, in turns on the same disk.
 *
 *     journal_bench [DIRECTORY]
 *
 * DIRECTORY (default: the current one) says which disk; the files are removed again. A tmpfs has no
 * disk to wait for, so figures from one mean nothing. PostgreSQL's files are in /tmp. */
#include "bench.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "journal/journal.h"
#include "journal/postgres_testing.h"
#include "journal/reader.h"
#include "journal/verify.h"

#include <sqlite3.h>

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 61
#define ROUND_TIME (60 * NSEC_PER_MSEC)
#define BODY_SIZE 512
/* The body, two hashes, epoch and time, the other texts: what an event's row holds. */
#define ROW_SIZE (BODY_SIZE + 64 + 16 + 43)
#define NOTE "512-octet bodies, each acknowledged after its sync"

static char directory[4096];

static void
die(const char *what)
{
    fprintf(stderr, "journal_bench: %s\n", what);
    exit(1);
}

static char *
path_of(const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

/* ---- the journal: writers that each wait for their `done` before the next event */

struct latencies {
    double *us;
    size_t n, capacity;
};

struct writers {
    uv_loop_t loop;
    struct journal *journal;
    unsigned n_writers;
    nsec_t deadline;
    uint64_t n_done;
    struct latencies latencies;
};

struct writer {
    struct writers *all;
    char object[32];
    nsec_t started;
};

static void append_one(struct writer *);

static void
note_done(void *arg, enum err err, uint64_t first_seq UNUSED, const char *why)
{
    struct writer *writer = arg;
    struct writers *all = writer->all;
    nsec_t now = clock_monotonic();
    if (err)
        die(why);
    all->n_done++;
    GROW(all->latencies.us, all->latencies.n, all->latencies.capacity);
    all->latencies.us[all->latencies.n++] = (double)(now - writer->started) / 1000;
    if (now < all->deadline)
        append_one(writer);
}

static struct journal_entry
bench_entry(const char *object)
{
    static char body[BODY_SIZE + 1];
    if (!body[0]) {
        memset(body, 'x', BODY_SIZE);
        memcpy(body, "{\"result\":\"", 11);
        memcpy(body + BODY_SIZE - 2, "\"}", 2);
    }
    return (struct journal_entry){"circuit.tested", object, "system/assure", body, 0};
}

static void
append_one(struct writer *writer)
{
    struct journal_entry entry = bench_entry(writer->object);
    struct diag diag;
    writer->started = clock_monotonic();
    if (journal_append(writer->all->journal, &entry, 1, note_done, writer, &diag))
        die(diag.text);
}

static void
open_writers(struct writers *all, const char *path, unsigned n_writers)
{
    struct diag diag;
    *all = (struct writers){.n_writers = n_writers};
    uv_loop_init(&all->loop);
    if (journal_open(&all->loop, path, &(struct journal_config){.site = "bench"}, &all->journal,
                     &diag))
        die(diag.text);
}

static void
open_writers_in_file(struct writers *all, const char *name, unsigned n_writers)
{
    char *path = path_of(name);
    open_writers(all, path, n_writers);
    free(path);
}

static void
close_writers(struct writers *all)
{
    journal_close(all->journal, NULL, NULL);
    uv_run(&all->loop, UV_RUN_DEFAULT);
    uv_loop_close(&all->loop);
}

/* Events per second. */
static double
round_of_writers(void *arg)
{
    struct writers *all = arg;
    struct writer writers[16];
    nsec_t start = clock_monotonic();
    all->deadline = start + ROUND_TIME;
    all->n_done = 0;
    for (unsigned i = 0; i < all->n_writers; i++) {
        writers[i].all = all;
        snprintf(writers[i].object, sizeof writers[i].object, "circuit/scada-%u", i);
        append_one(&writers[i]);
    }
    uv_run(&all->loop, UV_RUN_DEFAULT);
    return (double)all->n_done * 1e9 / (double)(clock_monotonic() - start);
}

/* ---- the peer */

struct raw {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
    int rows_per_commit;
};

static void
open_raw(struct raw *raw, const char *name, int rows_per_commit)
{
    char *path = path_of(name);
    raw->rows_per_commit = rows_per_commit;
    if (sqlite3_open(path, &raw->db) ||
        sqlite3_exec(raw->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE row(seq INTEGER PRIMARY KEY, data BLOB)",
                     NULL, NULL, NULL) ||
        sqlite3_prepare_v2(raw->db, "BEGIN IMMEDIATE", -1, &raw->begin, NULL) ||
        sqlite3_prepare_v2(raw->db, "INSERT INTO row(data) VALUES(?)", -1, &raw->insert, NULL) ||
        sqlite3_prepare_v2(raw->db, "COMMIT", -1, &raw->commit, NULL))
        die(sqlite3_errmsg(raw->db));
    free(path);
}

static void
close_raw(struct raw *raw)
{
    sqlite3_finalize(raw->begin);
    sqlite3_finalize(raw->insert);
    sqlite3_finalize(raw->commit);
    sqlite3_close(raw->db);
}

static void
run_raw(struct raw *raw, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        die(sqlite3_errmsg(raw->db));
    sqlite3_reset(statement);
}

static void
commit_rows(struct raw *raw, int n)
{
    static const char row[ROW_SIZE];
    run_raw(raw, raw->begin);
    for (int i = 0; i < n; i++) {
        sqlite3_bind_blob(raw->insert, 1, row, sizeof row, SQLITE_STATIC);
        run_raw(raw, raw->insert);
    }
    run_raw(raw, raw->commit);
}

/* Rows per second. */
static double
round_of_raw(void *arg)
{
    struct raw *raw = arg;
    uint64_t n = 0;
    nsec_t start = clock_monotonic();
    while (clock_monotonic() - start < ROUND_TIME) {
        commit_rows(raw, raw->rows_per_commit);
        n += (uint64_t)raw->rows_per_commit;
    }
    return (double)n * 1e9 / (double)(clock_monotonic() - start);
}

/* ---- the other peer: one statement of so many rows, prepared, which is its own transaction */

#define RAW_ROWS_MAX 16

struct raw_postgres {
    PGconn *conn;
    int rows_per_commit;
};

static void
run_raw_postgres(struct raw_postgres *raw, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die(PQerrorMessage(raw->conn));
    PQclear(result);
}

static void
open_raw_postgres(struct raw_postgres *raw, const char *address, int rows_per_commit)
{
    char *sql = xasprintf("INSERT INTO row(data) VALUES ($1::bytea)");
    raw->rows_per_commit = rows_per_commit;
    raw->conn = PQconnectdb(address);
    for (int i = 2; i <= rows_per_commit; i++) {
        char *longer = xasprintf("%s, ($%d::bytea)", sql, i);
        free(sql);
        sql = longer;
    }
    run_raw_postgres(raw, PQexec(raw->conn, "CREATE TABLE row(seq bigserial PRIMARY KEY, "
                                            "data bytea)"));
    run_raw_postgres(raw, PQprepare(raw->conn, "insert", sql, 0, NULL));
    free(sql);
}

/* Rows per second. */
static double
round_of_raw_postgres(void *arg)
{
    static const char row[ROW_SIZE];
    struct raw_postgres *raw = arg;
    const char *values[RAW_ROWS_MAX];
    int sizes[RAW_ROWS_MAX], formats[RAW_ROWS_MAX];
    uint64_t n = 0;
    for (int i = 0; i < RAW_ROWS_MAX; i++) {
        values[i] = row;
        sizes[i] = sizeof row;
        formats[i] = 1;
    }
    nsec_t start = clock_monotonic();
    while (clock_monotonic() - start < ROUND_TIME) {
        run_raw_postgres(raw, PQexecPrepared(raw->conn, "insert", raw->rows_per_commit, values,
                                             sizes, formats, 1));
        n += (uint64_t)raw->rows_per_commit;
    }
    return (double)n * 1e9 / (double)(clock_monotonic() - start);
}

/* ---- warming up
 *
 * A log that grows costs the file system more than one that is written again from its start, and
 * grows only until its first checkpoint. Everyone gets beyond that before anything is measured. */

#define WARM_UP_EVENTS 12000
#define WARM_UP_BATCH 1000

static void
warm_up_writers(struct writers *all)
{
    static struct journal_entry entries[WARM_UP_BATCH];
    struct diag diag;
    for (size_t i = 0; i < WARM_UP_BATCH; i++)
        entries[i] = bench_entry("circuit/warm-up");
    for (size_t i = 0; i < WARM_UP_EVENTS / WARM_UP_BATCH; i++) {
        if (journal_append(all->journal, entries, WARM_UP_BATCH, NULL, NULL, &diag))
            die(diag.text);
        uv_run(&all->loop, UV_RUN_DEFAULT);
    }
}

static void
warm_up_raw(struct raw *raw)
{
    for (int i = 0; i < WARM_UP_EVENTS / WARM_UP_BATCH; i++)
        commit_rows(raw, WARM_UP_BATCH);
}

/* ---- reading */

static bool
count_event(void *arg, const struct journal_event *event UNUSED)
{
    ++*(uint64_t *)arg;
    return true;
}

/* Events per second. */
static double
round_of_replay(void *arg)
{
    struct journal_reader *reader;
    struct diag diag;
    uint64_t n = 0;
    nsec_t start = clock_monotonic();
    if (journal_reader_open(arg, &reader, &diag) ||
        journal_reader_read(reader, &(struct journal_query){0}, count_event, &n, &diag))
        die(diag.text);
    journal_reader_close(reader);
    return (double)n * 1e9 / (double)(clock_monotonic() - start);
}

static double
round_of_search(void *arg)
{
    struct journal_reader *reader;
    struct diag diag;
    uint64_t n = 0;
    struct journal_query query = {.object = "circuit/nobody"};
    nsec_t start = clock_monotonic();
    if (journal_reader_open(arg, &reader, &diag) ||
        journal_reader_read(reader, &query, count_event, &n, &diag))
        die(diag.text);
    nsec_t end = clock_monotonic();
    query = (struct journal_query){0};
    if (journal_reader_read(reader, &query, count_event, &n, &diag))
        die(diag.text);
    journal_reader_close(reader);
    return (double)n * 1e9 / (double)(end - start);
}

static double
round_of_verifying(void *arg)
{
    static struct journal_report report;
    struct diag diag;
    nsec_t start = clock_monotonic();
    if (journal_verify(arg, NULL, &report, &diag))
        die(diag.text);
    return (double)report.n_events * 1e9 / (double)(clock_monotonic() - start);
}

/* ---- what is printed */

enum { ALONE, SIXTEEN, RAW_1, RAW_16, RAW_64, N_CONTESTANTS };

static void
print_rate(const char *what, double value, double goal, const char *note,
           const struct bench_contestant *contestants)
{
    json_t *peers = json_object();
    for (size_t i = RAW_1; contestants && i < N_CONTESTANTS; i++)
        json_object_set_new(peers, contestants[i].name, json_real(contestants[i].median));
    bench_print(&(struct bench_figure){.bench = "journal",
                                       .what = what,
                                       .value = value,
                                       .unit = "events/s",
                                       .goal = goal,
                                       .peers = peers,
                                       .note = note});
}

static void
print_latency(const char *what, struct latencies *latencies, double percent)
{
    bench_print(
        &(struct bench_figure){.bench = "journal",
                               .what = what,
                               .value = bench_percentile(latencies->us, latencies->n, percent),
                               .unit = "us",
                               .goal = NAN,
                               .note = "append to acknowledgement"});
}

static void
bench_writing(void)
{
    static struct writers alone, sixteen;
    static struct raw raw[3];
    static struct bench_contestant contestants[N_CONTESTANTS] = {
        [ALONE] = {.name = "alone", .round = round_of_writers, .arg = &alone},
        [SIXTEEN] = {.name = "16-writers", .round = round_of_writers, .arg = &sixteen},
        [RAW_1] = {.name = "sqlite-1-row-per-commit", .round = round_of_raw, .arg = &raw[0]},
        [RAW_16] = {.name = "sqlite-16-rows-per-commit", .round = round_of_raw, .arg = &raw[1]},
        [RAW_64] = {.name = "sqlite-64-rows-per-commit", .round = round_of_raw, .arg = &raw[2]},
    };
    open_writers_in_file(&alone, "alone.db", 1);
    open_writers_in_file(&sixteen, "sixteen.db", 16);
    open_raw(&raw[0], "raw1.db", 1);
    open_raw(&raw[1], "raw16.db", 16);
    open_raw(&raw[2], "raw64.db", 64);
    warm_up_writers(&alone);
    warm_up_writers(&sixteen);
    for (size_t i = 0; i < ARRAY_SIZE(raw); i++)
        warm_up_raw(&raw[i]);
    bench_interleave(contestants, N_CONTESTANTS, ROUNDS);
    print_rate("alone", contestants[ALONE].median, contestants[RAW_1].median / 2, NOTE,
               contestants);
    print_latency("alone-p50", &alone.latencies, 50);
    print_latency("alone-p99", &alone.latencies, 99);
    print_rate("16-writers", contestants[SIXTEEN].median, contestants[RAW_16].median / 2, NOTE,
               contestants);
    print_latency("16-writers-p50", &sixteen.latencies, 50);
    print_latency("16-writers-p99", &sixteen.latencies, 99);
    close_writers(&alone);
    close_writers(&sixteen);
    for (size_t i = 0; i < ARRAY_SIZE(raw); i++)
        close_raw(&raw[i]);
    free(alone.latencies.us);
    free(sixteen.latencies.us);
}

enum { PG_ALONE, PG_SIXTEEN, PG_RAW_1, PG_RAW_16, N_PG_CONTESTANTS };

static void
print_postgres(const char *what, const struct bench_contestant *contestant,
               const struct bench_contestant *peer, const char *note)
{
    json_t *peers = json_pack("{sf}", peer->name, peer->median);
    bench_print(&(struct bench_figure){.bench = "journal",
                                       .what = what,
                                       .value = contestant->median,
                                       .unit = "events/s",
                                       .goal = peer->median / 2,
                                       .peers = peers,
                                       .note = note});
}

static void
bench_writing_postgres(struct postgres_server *server)
{
    static struct writers alone, sixteen;
    static struct raw_postgres raw[2];
    static struct bench_contestant contestants[N_PG_CONTESTANTS] = {
        [PG_ALONE] = {.name = "alone", .round = round_of_writers, .arg = &alone},
        [PG_SIXTEEN] = {.name = "16-writers", .round = round_of_writers, .arg = &sixteen},
        [PG_RAW_1] = {.name = "postgresql-1-row-per-commit",
                      .round = round_of_raw_postgres,
                      .arg = &raw[0]},
        [PG_RAW_16] = {.name = "postgresql-16-rows-per-commit",
                       .round = round_of_raw_postgres,
                       .arg = &raw[1]},
    };
    char addresses[N_PG_CONTESTANTS][128];
    for (size_t i = 0; i < N_PG_CONTESTANTS; i++) {
        if (!postgres_create_database(server, addresses[i], sizeof addresses[i]))
            die("no database");
    }
    open_writers(&alone, addresses[PG_ALONE], 1);
    open_writers(&sixteen, addresses[PG_SIXTEEN], 16);
    open_raw_postgres(&raw[0], addresses[PG_RAW_1], 1);
    open_raw_postgres(&raw[1], addresses[PG_RAW_16], 16);
    warm_up_writers(&alone);
    warm_up_writers(&sixteen);
    bench_interleave(contestants, N_PG_CONTESTANTS, ROUNDS);
    print_postgres("postgresql-alone", &contestants[PG_ALONE], &contestants[PG_RAW_1], NOTE);
    print_latency("postgresql-alone-p50", &alone.latencies, 50);
    print_latency("postgresql-alone-p99", &alone.latencies, 99);
    print_postgres("postgresql-16-writers", &contestants[PG_SIXTEEN], &contestants[PG_RAW_16],
                   NOTE);
    print_latency("postgresql-16-writers-p50", &sixteen.latencies, 50);
    print_latency("postgresql-16-writers-p99", &sixteen.latencies, 99);
    close_writers(&alone);
    close_writers(&sixteen);
    for (size_t i = 0; i < ARRAY_SIZE(raw); i++)
        PQfinish(raw[i].conn);
    free(alone.latencies.us);
    free(sixteen.latencies.us);
    struct bench_contestant replay = {
        .name = "replay", .round = round_of_replay, .arg = addresses[PG_SIXTEEN]};
    bench_interleave(&replay, 1, 5);
    print_rate("postgresql-replay", replay.median, NAN, "read in order, hashes checked", NULL);
}

static void
bench_reading(void)
{
    char *path = path_of("sixteen.db");
    struct bench_contestant contestants[] = {
        {.name = "replay", .round = round_of_replay, .arg = path},
        {.name = "search", .round = round_of_search, .arg = path},
        {.name = "verify", .round = round_of_verifying, .arg = path},
    };
    bench_interleave(contestants, ARRAY_SIZE(contestants), 5);
    print_rate("replay", contestants[0].median, 100000, "read in order, hashes checked", NULL);
    print_rate("search", contestants[1].median, NAN, "passed over, looking for one object", NULL);
    print_rate("verify", contestants[2].median, NAN, "the whole chain", NULL);
    free(path);
}

static struct postgres_server server;

static void
remove_directory(void)
{
    if (server.dir[0])
        postgres_end(&server);
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char *path = path_of(entry->d_name);
        unlink(path);
        free(path);
    }
    if (entries)
        closedir(entries);
    rmdir(directory);
}

int
main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: journal_bench [DIRECTORY]\n");
        return 2;
    }
    snprintf(directory, sizeof directory, "%s/journal-bench-XXXXXX", argc == 2 ? argv[1] : ".");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    atexit(remove_directory);
    bench_writing();
    bench_reading();
    if (postgres_start(&server))
        bench_writing_postgres(&server);
    return 0;
}
