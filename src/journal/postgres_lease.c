#include "journal/postgres_lease.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "journal/postgres_conn.h"

#include <openssl/rand.h>
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_SIZE 16

struct pg_lease {
    char *location, *holder;
    uint8_t token[TOKEN_SIZE]; /* which process of that name */
    nsec_t duration;

    uv_thread_t thread;
    bool started;
    uv_mutex_t lock; /* guards the following; `wake` says that one of them changed */
    uv_cond_t wake;
    bool stopping, lost;
    struct diag why;    /* it is lost, or the last renewal failed */
    nsec_t valid_until; /* on clock_awake() */
    void (*watcher)(void *arg);
    void *watcher_arg;

    PGconn *conn; /* the thread's */
};

/* Like clock_monotonic(), but it goes on while the machine is suspended. */
static nsec_t
clock_awake(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

struct pg_lease *
pg_lease_new(const char *location, const struct store_options *options)
{
    struct pg_lease *lease = xcalloc(1, sizeof *lease);
    lease->location = xstrdup(location);
    lease->holder = xstrdup(options->instance);
    lease->duration = options->lease;
    if (RAND_bytes(lease->token, TOKEN_SIZE) != 1)
        abort(); /* as where there is no SHA-256 */
    uv_mutex_init(&lease->lock);
    uv_cond_init(&lease->wake);
    return lease;
}

/* ---- the row */

#define TAKE                                                                                       \
    "WITH taken AS ("                                                                              \
    "UPDATE tieline.lease SET holder = $1, token = $2, fence = fence + 1,"                         \
    " since = CASE WHEN token = $2 THEN since ELSE clock_timestamp() END,"                         \
    " expires = clock_timestamp() + $3 * interval '1 microsecond'"                                 \
    " WHERE token = $2 OR expires <= clock_timestamp() RETURNING fence) "                          \
    "UPDATE tieline.head SET fence = taken.fence FROM taken "                                      \
    "RETURNING head.fence, head.seq, head.hash"
#define RENEW                                                                                      \
    "UPDATE tieline.lease SET expires = clock_timestamp() + $2 * interval '1 microsecond' "        \
    "WHERE token = $1 RETURNING fence"
#define GIVE_BACK                                                                                  \
    "UPDATE tieline.lease SET token = ''::bytea, expires = clock_timestamp() WHERE token = $1"
#define READ                                                                                       \
    "SELECT holder, (extract(epoch FROM since) * 1000000)::bigint,"                                \
    " (extract(epoch FROM expires - clock_timestamp()) * 1000000)::bigint FROM tieline.lease "     \
    "WHERE $1 = 0"

static void
note_valid(struct pg_lease *lease, nsec_t asked)
{
    uv_mutex_lock(&lease->lock);
    lease->valid_until = MAX(lease->valid_until, asked + lease->duration);
    lease->why.text[0] = '\0';
    uv_mutex_unlock(&lease->lock);
}

enum err
pg_lease_read(PGconn *conn, const char *location, nsec_t deadline, struct store_lease *lease,
              struct diag *diag)
{
    struct pg_params params = {0};
    PGresult *result;
    int64_t since, left;
    pg_add_int(&params, 0); /* a parameter makes the result binary */
    enum err err = pg_run(conn, location, READ, &params, deadline, &result, diag);
    if (err)
        return err;
    if (PQntuples(result) != 1 || !pg_get_int(result, 0, 1, &since) ||
        !pg_get_int(result, 0, 2, &left)) {
        err = diag_set(diag, ERR_CORRUPT, "%s: the record of who leads is damaged", location);
    } else {
        *lease = (struct store_lease){.since = since * NSEC_PER_USEC,
                                      .left = MAX(left, 0) * NSEC_PER_USEC};
        snprintf(lease->holder, sizeof lease->holder, "%s", PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return err;
}

enum err
pg_lease_refuse(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    struct store_lease lease;
    char since[TIME_TEXT_SIZE];
    enum err err = pg_lease_read(conn, location, deadline, &lease, diag);
    if (err || !lease.left)
        return err;
    return diag_set(diag, ERR_BUSY,
                    "%s: in use by another writer: another instance leads: %s since %s", location,
                    lease.holder, time_format(MAX(lease.since, 0), since));
}

enum err
pg_lease_take(struct pg_lease *lease, PGconn *conn, nsec_t deadline, struct pg_taken *taken,
              struct diag *diag)
{
    struct pg_params params = {0};
    PGresult *result;
    nsec_t asked = clock_awake();
    pg_add_text(&params, lease->holder);
    pg_add_bytes(&params, PG_BYTEA, lease->token, TOKEN_SIZE);
    pg_add_int(&params, lease->duration / NSEC_PER_USEC);
    enum err err = pg_run(conn, lease->location, TAKE, &params, deadline, &result, diag);
    if (err)
        return err;
    int64_t seq = -1;
    if (PQntuples(result) == 0) {
        err = pg_lease_refuse(conn, lease->location, deadline, diag);
        if (!err) /* it has just ended */
            err = diag_set(diag, ERR_BUSY, "%s: in use by another writer", lease->location);
    } else if (PQntuples(result) != 1 || !pg_get_int(result, 0, 0, &taken->fence) ||
               !pg_get_int(result, 0, 1, &seq) || seq < 0 ||
               PQgetlength(result, 0, 2) != JOURNAL_HASH_SIZE) {
        err = diag_set(diag, ERR_CORRUPT, "%s: the record of the last event is damaged",
                       lease->location);
    } else {
        taken->head = (struct journal_head){.seq = (uint64_t)seq};
        memcpy(taken->head.hash, PQgetvalue(result, 0, 2), JOURNAL_HASH_SIZE);
        note_valid(lease, asked);
    }
    PQclear(result);
    return err;
}

static void
give_back(struct pg_lease *lease, PGconn *conn)
{
    struct pg_params params = {0};
    struct diag diag;
    pg_add_bytes(&params, PG_BYTEA, lease->token, TOKEN_SIZE);
    /* If it does not work, it runs out by itself. */
    (void)!pg_run(conn, lease->location, GIVE_BACK, &params, clock_monotonic() + NSEC_PER_SEC, NULL,
                  &diag);
}

/* ---- losing it */

static void
lose(struct pg_lease *lease, const struct diag *why)
{
    if (lease->lost)
        return;
    lease->lost = true;
    lease->why = *why;
    uv_cond_signal(&lease->wake);
}

void
pg_lease_lose(struct pg_lease *lease, const struct diag *why)
{
    uv_mutex_lock(&lease->lock);
    lose(lease, why);
    uv_mutex_unlock(&lease->lock);
}

/* The lock is held. */
static void
check_time(struct pg_lease *lease)
{
    struct diag why;
    if (lease->lost || clock_awake() < lease->valid_until)
        return;
    diag_set(&why, ERR_BUSY, "%s: the lease ended: it was not renewed in time%s%s", lease->location,
             lease->why.text[0] ? ": " : "", lease->why.text);
    lose(lease, &why);
}

enum err
pg_lease_holds(struct pg_lease *lease, struct diag *diag)
{
    enum err err = ERR_OK;
    uv_mutex_lock(&lease->lock);
    check_time(lease);
    if (lease->lost)
        err = diag_set(diag, ERR_BUSY, "%s", lease->why.text);
    uv_mutex_unlock(&lease->lock);
    return err;
}

nsec_t
pg_lease_deadline(struct pg_lease *lease)
{
    uv_mutex_lock(&lease->lock);
    nsec_t left = lease->valid_until - clock_awake();
    uv_mutex_unlock(&lease->lock);
    return clock_monotonic() + MAX(left, 0);
}

void
pg_lease_watch(struct pg_lease *lease, void (*fn)(void *arg), void *arg)
{
    uv_mutex_lock(&lease->lock);
    lease->watcher = fn;
    lease->watcher_arg = arg;
    uv_cond_signal(&lease->wake);
    uv_mutex_unlock(&lease->lock);
}

/* ---- the thread */

static enum err
renew(struct pg_lease *lease, struct diag *diag)
{
    nsec_t deadline = pg_lease_deadline(lease), asked = clock_awake();
    struct pg_params params = {0};
    PGresult *result = NULL;
    enum err err = ERR_OK;
    if (!lease->conn)
        err = pg_connect(lease->location, deadline, &lease->conn, diag);
    if (err)
        return err;
    pg_add_bytes(&params, PG_BYTEA, lease->token, TOKEN_SIZE);
    pg_add_int(&params, lease->duration / NSEC_PER_USEC);
    err = pg_run(lease->conn, lease->location, RENEW, &params, deadline, &result, diag);
    if (err) {
        PQfinish(lease->conn);
        lease->conn = NULL;
        return err;
    }
    bool ours = PQntuples(result) == 1;
    PQclear(result);
    if (ours) {
        note_valid(lease, asked);
        return ERR_OK;
    }
    err = pg_lease_refuse(lease->conn, lease->location, deadline, diag);
    if (!err)
        (void)!diag_set(diag, ERR_BUSY, "%s: another instance has led since", lease->location);
    return ERR_CONFLICT; /* whatever the details: it is not ours */
}

/* Renews once, without the lock. Returns how long to wait until the next time. */
static nsec_t
renew_once(struct pg_lease *lease)
{
    struct diag why = {""};
    uv_mutex_unlock(&lease->lock);
    enum err err = renew(lease, &why);
    uv_mutex_lock(&lease->lock);
    if (err == ERR_CONFLICT)
        lose(lease, &why);
    else if (err)
        lease->why = why;
    return lease->duration / (err ? 20 : 3);
}

/* Ends when told to, or when the watcher has been told that the lease is lost. */
static void
run_lease(void *arg)
{
    struct pg_lease *lease = arg;
    nsec_t pause = lease->duration / 3;
    bool told = false;
    uv_mutex_lock(&lease->lock);
    while (!lease->stopping) {
        check_time(lease);
        if (lease->lost && lease->watcher && !told) {
            told = true;
            lease->watcher(lease->watcher_arg);
        }
        if (lease->lost) {
            uv_cond_wait(&lease->wake, &lease->lock);
            continue;
        }
        nsec_t left = lease->valid_until - clock_awake();
        if (uv_cond_timedwait(&lease->wake, &lease->lock, (uint64_t)MAX(MIN(pause, left), 1)) &&
            !lease->stopping && !lease->lost)
            pause = renew_once(lease);
    }
    uv_mutex_unlock(&lease->lock);
}

enum err
pg_lease_start(struct pg_lease *lease, struct diag *diag)
{
    int code = uv_thread_create(&lease->thread, run_lease, lease);
    if (code)
        return diag_set(diag, ERR_IO, "journal: no thread: %s", uv_strerror(code));
    lease->started = true;
    return ERR_OK;
}

void
pg_lease_free(struct pg_lease *lease, PGconn *conn)
{
    if (!lease)
        return;
    uv_mutex_lock(&lease->lock);
    lease->stopping = true;
    uv_cond_signal(&lease->wake);
    uv_mutex_unlock(&lease->lock);
    if (lease->started)
        uv_thread_join(&lease->thread);
    if (conn && !lease->lost)
        give_back(lease, conn);
    PQfinish(lease->conn);
    uv_cond_destroy(&lease->wake);
    uv_mutex_destroy(&lease->lock);
    free(lease->location);
    free(lease->holder);
    free(lease);
}
