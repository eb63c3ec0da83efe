/* postgres_conn.h - a connection to PostgreSQL that never waits for ever.
 *
 * libpq's own calls wait for as long as the network makes them. Here everything has a deadline on
 * clock_monotonic(): a server that hangs is as good as one that is gone. When that happens in the
 * middle of a statement, nobody knows yet whether it was carried out: ERR_CLOSED says so, and the
 * connection is not used again. */
#ifndef JOURNAL_POSTGRES_CONN_H
#define JOURNAL_POSTGRES_CONN_H

#include "base/err.h"
#include "base/time.h"

#include <libpq-fe.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it the address of a database, "postgresql:..." or "postgres:..."? */
bool pg_is_location(const char *location);

/* Opens a connection whose session is set up as the journal needs it: no time limits but ours,
 * names looked up in pg_catalog only, commits that wait for the disk. ERR_INVALID: the address is
 * none, or holds a password (which every user of the machine could see; libpq's passfile or service
 * file is the place). ERR_DENIED: the server does not let us in. ERR_UNSUPPORTED: a server older
 * than 14, or a database that is not in UTF-8. ERR_IO: there is no answer. PQfinish() the result.
 */
MUST_CHECK enum err pg_connect(const char *location, nsec_t deadline, PGconn **, struct diag *);

/* The values of $1, $2, ... in binary. Texts and octets are borrowed until the statement has run.
 */
#define PG_PARAMS_MAX 16
struct pg_params {
    int n;
    Oid types[PG_PARAMS_MAX];
    const char *values[PG_PARAMS_MAX];
    int sizes[PG_PARAMS_MAX];
    uint8_t integers[PG_PARAMS_MAX][8]; /* in network order: what `values` points to */
};

#define PG_INT8 20
#define PG_TEXT 25
#define PG_BYTEA 17
#define PG_INT8_ARRAY 1016
#define PG_TEXT_ARRAY 1009
#define PG_BYTEA_ARRAY 1001

void pg_add_int(struct pg_params *, int64_t);
void pg_add_text(struct pg_params *, const char *); /* NULL: null */
void pg_add_bytes(struct pg_params *, Oid type, const void *, size_t size);

/* One statement; `params` NULL: several, without parameters, whose last result counts. Results are
 * in binary if there are parameters. `result` may be NULL; otherwise PQclear() it, on success only.
 * ERR_CLOSED: the connection broke, or the deadline has passed; it is unknown what was done. Other
 * errors are the server's, and nothing was done: ERR_DENIED, ERR_CORRUPT (what should be in the
 * database is not there as it should be), ERR_BUSY, ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err pg_run(PGconn *, const char *location, const char *sql,
                           const struct pg_params *params, nsec_t deadline, PGresult **result,
                           struct diag *);

/* The same in two: the server keeps the statement as `name`, and runs it when asked to. */
MUST_CHECK enum err pg_prepare(PGconn *, const char *location, const char *name, const char *sql,
                               nsec_t deadline, struct diag *);
/* Only sends it; pg_wait() and pg_collect() follow. */
MUST_CHECK enum err pg_send_prepared(PGconn *, const char *location, const char *name,
                                     const struct pg_params *, struct diag *);
/* Waits for the server's answer. ERR_TIMEOUT: not yet; it may be waited for again. */
MUST_CHECK enum err pg_wait(PGconn *, const char *location, nsec_t deadline, struct diag *);
/* Takes the answer, as pg_run() does. */
MUST_CHECK enum err pg_collect(PGconn *, const char *location, nsec_t deadline, PGresult **result,
                               struct diag *);

/* The next row of a statement that was sent in single-row mode, as PQgetResult(), but not later
 * than the deadline: then ERR_CLOSED. NULL: there is no more. */
MUST_CHECK enum err pg_next_result(PGconn *, const char *location, nsec_t deadline, PGresult **,
                                   struct diag *);

/* What a result says went wrong, as pg_run() does. */
enum err pg_explain(PGconn *, const char *location, const PGresult *, struct diag *);

/* A column that must be a bigint and not null; otherwise false. */
bool pg_get_int(const PGresult *, int row, int column, int64_t *);

#endif
