#include "journal/postgres_conn.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "io/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_SERVER 140000

/* The journal's own deadlines end what takes too long. If a client has gone, its session must not
 * stay behind holding locks: that is what the check interval is for. A setting of "off" would
 * confirm what a loss of power takes away; stronger ones than "on" are the administrator's. */
#define SET_UP                                                                                     \
    "SET search_path = pg_catalog; SET statement_timeout = 0; SET lock_timeout = 0;"               \
    "SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0;"                   \
    "SET default_transaction_isolation = 'read committed';"                                        \
    "SET default_transaction_read_only = off; SET client_min_messages = warning;"                  \
    "SET client_connection_check_interval = '500ms';"                                              \
    "SELECT set_config('synchronous_commit', 'on', false)"                                         \
    " WHERE current_setting('synchronous_commit') = 'off'"

bool
pg_is_location(const char *location)
{
    return !strncmp(location, "postgresql:", 11) || !strncmp(location, "postgres:", 9);
}

/* libpq's texts end in a line break, and may have several lines. */
static void
put_message(struct diag *text, const char *message)
{
    size_t n = 0;
    for (; *message && n < sizeof text->text - 1; message++) {
        if (*message != '\n')
            text->text[n++] = *message;
        else if (message[1])
            text->text[n++] = ' ';
    }
    text->text[n] = '\0';
}

static enum err
closed(PGconn *conn, const char *location, const char *why, struct diag *diag)
{
    struct diag text;
    put_message(&text, why ? why : PQerrorMessage(conn));
    return diag_set(diag, ERR_CLOSED, "%s: %.240s", location, text.text);
}

/* An error by its code, https://www.postgresql.org/docs/15/errcodes-appendix.html. */
static const struct {
    const char *prefix;
    enum err err;
} codes[] =
    {
        {"08", ERR_CLOSED},     {"57P01", ERR_CLOSED},  {"57P02", ERR_CLOSED},
        {"57P03", ERR_CLOSED},  {"57P05", ERR_CLOSED},  {"25P03", ERR_CLOSED},
        {"28", ERR_DENIED},     {"42501", ERR_DENIED},  {"25006", ERR_DENIED},
        {"3D000", ERR_IO},      {"23", ERR_CORRUPT}, /* a record where none should be */
        {"42", ERR_CORRUPT}, /* our statements are right, so the schema under them is not */
        {"3F000", ERR_CORRUPT}, {"XX001", ERR_CORRUPT}, {"XX002", ERR_CORRUPT},
        {"40", ERR_BUSY},       {"55P03", ERR_BUSY},    {"55006", ERR_BUSY},
        {"54", ERR_LIMIT},
};

enum err
pg_explain(PGconn *conn, const char *location, const PGresult *result, struct diag *diag)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct diag text;
    enum err err = ERR_IO;
    if (PQstatus(conn) == CONNECTION_BAD || !code)
        return closed(conn, location, PQresultErrorMessage(result), diag);
    for (size_t i = 0; i < ARRAY_SIZE(codes) && err == ERR_IO; i++) {
        if (!strncmp(code, codes[i].prefix, strlen(codes[i].prefix)))
            err = codes[i].err;
    }
    put_message(&text, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    return diag_set(diag, err, "%s: %.200s (%s)", location, text.text, code);
}

/* False: the deadline has passed. */
static bool
wait_for(PGconn *conn, short events, nsec_t deadline)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = events};
    for (;;) {
        nsec_t left = clock_left(deadline);
        int ms = (int)MIN((left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 60000);
        int n = poll(&fd, 1, ms);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
        if (!left)
            return false;
    }
}

/* The server may say something (and we must take it) while it does not take more from us. */
enum err
pg_wait(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    int unsent;
    while ((unsent = PQflush(conn)) > 0 || (!unsent && PQisBusy(conn))) {
        if (!wait_for(conn, unsent ? POLLIN | POLLOUT : POLLIN, deadline))
            return diag_set(diag, ERR_TIMEOUT, "%s: the database does not answer in time",
                            location);
        if (!PQconsumeInput(conn))
            return closed(conn, location, NULL, diag);
    }
    return unsent ? closed(conn, location, NULL, diag) : ERR_OK;
}

enum err
pg_next_result(PGconn *conn, const char *location, nsec_t deadline, PGresult **result,
               struct diag *diag)
{
    enum err err = pg_wait(conn, location, deadline, diag);
    if (err)
        return ERR_CLOSED; /* whatever it still says, nobody waits for it */
    *result = PQgetResult(conn);
    return ERR_OK;
}

static bool
is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* The last result, or the first that is an error. */
enum err
pg_collect(PGconn *conn, const char *location, nsec_t deadline, PGresult **result,
           struct diag *diag)
{
    PGresult *next, *last = NULL;
    enum err err = ERR_OK;
    while (!err && !(err = pg_next_result(conn, location, deadline, &next, diag)) && next) {
        if (last && !is_good(last)) {
            PQclear(next);
        } else {
            PQclear(last);
            last = next;
        }
    }
    if (!err && (!last || !is_good(last)))
        err = pg_explain(conn, location, last, diag);
    if (!err && result) {
        *result = last;
        return ERR_OK;
    }
    PQclear(last);
    return err;
}

enum err
pg_run(PGconn *conn, const char *location, const char *sql, const struct pg_params *params,
       nsec_t deadline, PGresult **result, struct diag *diag)
{
    static const int binary[PG_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    int sent = params ? PQsendQueryParams(conn, sql, params->n, params->types, params->values,
                                          params->sizes, binary, 1)
                      : PQsendQuery(conn, sql);
    if (!sent)
        return closed(conn, location, NULL, diag);
    return pg_collect(conn, location, deadline, result, diag);
}

enum err
pg_prepare(PGconn *conn, const char *location, const char *name, const char *sql, nsec_t deadline,
           struct diag *diag)
{
    if (!PQsendPrepare(conn, name, sql, 0, NULL))
        return closed(conn, location, NULL, diag);
    return pg_collect(conn, location, deadline, NULL, diag);
}

enum err
pg_send_prepared(PGconn *conn, const char *location, const char *name,
                 const struct pg_params *params, struct diag *diag)
{
    static const int binary[PG_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    if (!PQsendQueryPrepared(conn, name, params->n, params->values, params->sizes, binary, 1))
        return closed(conn, location, NULL, diag);
    return ERR_OK;
}

/* ---- parameters and columns */

void
pg_add_bytes(struct pg_params *params, Oid type, const void *data, size_t size)
{
    params->types[params->n] = type;
    params->values[params->n] = data;
    params->sizes[params->n] = (int)size;
    params->n++;
}

void
pg_add_int(struct pg_params *params, int64_t value)
{
    uint8_t *room = params->integers[params->n];
    put_be64(room, (uint64_t)value);
    pg_add_bytes(params, PG_INT8, room, 8);
}

void
pg_add_text(struct pg_params *params, const char *text)
{
    pg_add_bytes(params, PG_TEXT, text, text ? strlen(text) : 0);
}

bool
pg_get_int(const PGresult *result, int row, int column, int64_t *value)
{
    if (PQgetisnull(result, row, column) || PQgetlength(result, row, column) != 8)
        return false;
    *value = (int64_t)get_be64((const uint8_t *)PQgetvalue(result, row, column));
    return true;
}

/* ---- connecting */

static enum err
check_location(const char *location, struct diag *diag)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(location, &why);
    enum err err = ERR_OK;
    if (!options) {
        struct diag text;
        put_message(&text, why ? why : "out of memory");
        err = diag_set(diag, ERR_INVALID, "the journal's address: %.240s", text.text);
    }
    for (PQconninfoOption *o = options; o && o->keyword; o++) {
        if (o->val && (!strcmp(o->keyword, "password") || !strcmp(o->keyword, "sslpassword")))
            err = diag_set(diag, ERR_INVALID,
                           "the journal's address must not hold a password: use passfile= or "
                           "service=");
    }
    PQfreemem(why);
    PQconninfoFree(options);
    return err;
}

static enum err
connect_failed(PGconn *conn, const char *location, struct diag *diag)
{
    struct diag text;
    enum err err = PQconnectionNeedsPassword(conn) || PQconnectionUsedPassword(conn) ? ERR_DENIED
                                                                                     : ERR_IO;
    put_message(&text, PQerrorMessage(conn));
    return diag_set(diag, err, "%s: %.240s", location, text.text);
}

static enum err
poll_connection(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status == PGRES_POLLING_WRITING || status == PGRES_POLLING_READING) {
        if (!wait_for(conn, status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, deadline))
            return diag_set(diag, ERR_IO, "%s: the database does not answer in time", location);
        status = PQconnectPoll(conn);
    }
    return status == PGRES_POLLING_OK ? ERR_OK : connect_failed(conn, location, diag);
}

static void
drop_notice(void *arg UNUSED, const char *message UNUSED)
{
}

static enum err
check_server(PGconn *conn, const char *location, struct diag *diag)
{
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    int version = PQserverVersion(conn);
    if (version < OLDEST_SERVER)
        return diag_set(diag, ERR_UNSUPPORTED, "%s: PostgreSQL %d; 14 is the oldest that will do",
                        location, version / 10000);
    if (!encoding || strcmp(encoding, "UTF8"))
        return diag_set(diag, ERR_UNSUPPORTED, "%s: the database is in %s, not in UTF8", location,
                        encoding ? encoding : "an unknown encoding");
    return ERR_OK;
}

/* What stands before `dbname` can be overridden by the address, what stands behind it cannot. */
static PGconn *
start_connection(const char *location)
{
    static const char *const keywords[] = {
        "keepalives_idle", "keepalives_interval", "keepalives_count",          "tcp_user_timeout",
        "dbname",          "client_encoding",     "fallback_application_name", NULL};
    const char *const values[] = {"2", "1", "3", "5000", location, "UTF8", "tieline", NULL};
    return PQconnectStartParams(keywords, values, 1);
}

enum err
pg_connect(const char *location, nsec_t deadline, PGconn **made, struct diag *diag)
{
    enum err err = check_location(location, diag);
    if (err)
        return err;
    PGconn *conn = start_connection(location);
    if (!conn)
        return diag_set(diag, ERR_IO, "%s: out of memory", location);
    PQsetNoticeProcessor(conn, drop_notice, NULL);
    if (PQstatus(conn) == CONNECTION_BAD)
        err = connect_failed(conn, location, diag);
    if (!err)
        err = poll_connection(conn, location, deadline, diag);
    if (!err && PQsetnonblocking(conn, 1))
        err = connect_failed(conn, location, diag);
    if (!err)
        err = check_server(conn, location, diag);
    if (!err)
        err = pg_run(conn, location, SET_UP, NULL, deadline, NULL, diag);
    if (err) {
        PQfinish(conn);
        return err == ERR_CLOSED ? ERR_IO : err;
    }
    *made = conn;
    return ERR_OK;
}
