/* postgres_schema.h - the tables of a journal in PostgreSQL: the schema `tieline`, one to a
 * database.
 *
 *     journal   what the journal is: version of this schema, identity
 *     event     the events
 *     head      which is the last event, and the fence of whoever may write (postgres_lease.h)
 *     lease     who that is, and until when */
#ifndef JOURNAL_POSTGRES_SCHEMA_H
#define JOURNAL_POSTGRES_SCHEMA_H

#include "journal/event.h"

#include <libpq-fe.h>

/* ERR_NOT_FOUND: there is none, or it is empty. ERR_MALFORMED: it is something else's.
 * ERR_UNSUPPORTED: another version. ERR_CORRUPT: not ours to the letter. ERR_CLOSED and the others
 * of pg_run(). */
MUST_CHECK enum err pg_schema_check(PGconn *, const char *location, nsec_t deadline, struct diag *);

/* Makes it and its identity, in one transaction, if nobody else has in the meantime. */
MUST_CHECK enum err pg_schema_create(PGconn *, const char *location,
                                     const struct journal_identity *, nsec_t deadline,
                                     struct diag *);

#endif
