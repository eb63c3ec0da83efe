/* reader.h - reads a journal, beside its writer or without one: for the command line, for worker
 * threads, for whoever audits.
 *
 * A reader sees what is durable, at once; it needs no lock and disturbs nobody. For one thread at a
 * time. Beside a writer, or after a crash, it has to be allowed to write PATH-shm; a journal that
 * was closed can be read from a read-only medium. */
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include "journal/event.h"

struct journal_reader;

/* ERR_NOT_FOUND: there is no journal; ERR_MALFORMED: it is something else; ERR_UNSUPPORTED: of
 * another version; ERR_CORRUPT: damaged; ERR_IO: the operating system says no. On success the
 * caller owns the reader. */
MUST_CHECK enum err journal_reader_open(const char *path, struct journal_reader **, struct diag *);
void journal_reader_close(struct journal_reader *); /* NULL is fine. */

const struct journal_identity *journal_reader_identity(const struct journal_reader *);

/* Calls `fn` for each event asked for, in the order of seq, until it returns false. The log cannot
 * shrink meanwhile, so `fn` should not take its time. Each event's own hash is checked:
 * ERR_CORRUPT names the first that is not what was stored, after those before it were delivered.
 * (That none is missing or replaced is what journal_verify() is for.) ERR_BUSY: called by an `fn`.
 */
MUST_CHECK enum err journal_reader_read(struct journal_reader *, const struct journal_query *,
                                        journal_event_fn *fn, void *arg, struct diag *);

/* Who writes a journal that several programs take turns to write. */
struct journal_leader {
    char name[129];
    nsec_t since; /* wall clock, the database's */
    nsec_t left;  /* until its lease ends, if it does not renew it; 0: nobody leads */
};

/* ERR_UNSUPPORTED: a journal in a file, whose writer is known only by its lock. */
MUST_CHECK enum err journal_reader_leader(struct journal_reader *, struct journal_leader *,
                                          struct diag *);

#endif
