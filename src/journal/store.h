/* store.h - what the journal asks of a database: a driver is a table of these functions.
 *
 * A store holds an identity, events and the head (which event is the last), and knows nothing of
 * hashes, epochs or queues; journal.c and verify.c do all that once for every driver. A store is
 * used by one thread at a time; a writing store and any number of reading ones may be open on the
 * same journal. The drivers are sqlite.c, whose one writer is the one that holds a lock on a file,
 * and postgres.c, whose one writer is the one that holds a lease. */
#ifndef JOURNAL_STORE_H
#define JOURNAL_STORE_H

#include "journal/event.h"

#include <stddef.h>

struct store; /* each driver defines its own */

#define STORE_HOLDER_MAX 128

/* Who asks for the one place there is. Borrowed; every member is set. */
struct store_options {
    const char *instance; /* what the others call it; at most STORE_HOLDER_MAX octets */
    nsec_t lease;         /* how long it leads after it was last heard of */
};

/* Who leads. `left` 0: nobody does, any more. */
struct store_lease {
    char holder[STORE_HOLDER_MAX + 1];
    nsec_t since; /* wall clock, the database's */
    nsec_t left;  /* if it is not renewed */
};

struct store_driver {
    /* For writing. Where there is no journal, one with the identity `create` is made, unless that
     * is NULL (ERR_NOT_FOUND). ERR_BUSY: another writer has it. ERR_MALFORMED: something else is at
     * `location`; it is left as it was. ERR_UNSUPPORTED: a journal of another version. ERR_CORRUPT:
     * it is damaged. ERR_IO: the operating system says no. */
    enum err (*open)(const char *location, const struct journal_identity *create,
                     const struct store_options *, struct store **, struct diag *);
    /* For reading, also beside a writer and of a file nobody vouches for. Changes nothing. */
    enum err (*open_reader)(const char *location, struct store **, struct diag *);
    void (*close)(struct store *); /* NULL is fine. */

    enum err (*identity)(struct store *, struct journal_identity *, struct diag *);
    /* The last event's seq and hash as recorded beside the events; sets only these two. */
    enum err (*head)(struct store *, struct journal_head *, struct diag *);
    /* What is read between them is one state of the journal, whatever a writer does meanwhile. */
    enum err (*begin_read)(struct store *, struct diag *);
    void (*end_read)(struct store *);
    /* Delivers events as they are stored: without a site, their hashes checked by nobody yet.
     * ERR_CORRUPT: a row is not an event, or they do not come in order of seq; those before it have
     * been delivered. */
    enum err (*read)(struct store *, const struct journal_query *, journal_event_fn *, void *arg,
                     struct diag *);

    /* Stores all of them, and the head after them, or nothing; when it returns ERR_OK they survive
     * a loss of power. They follow each other; what the first one follows (seq - 1, prev_hash) must
     * be the head, otherwise ERR_CORRUPT: someone else has written. ERR_IO: no room, or the disk
     * failed; ERR_BUSY: someone else holds the database, or leads. */
    enum err (*append)(struct store *, struct journal_event *const *events, size_t n,
                       struct diag *);
    /* Work that can be left until after an append has been acknowledged; called after each. */
    enum err (*tidy)(struct store *, struct diag *);

    /* All of it is in the one file, which nobody else has open: it may be closed and renamed. Of a
     * file that is in use the log's name would be taken for that of what comes after. ERR_BUSY:
     * somebody reads it; nothing has changed. NULL: there is no file. */
    enum err (*settle)(struct store *, struct diag *);

    /* The rest is NULL where who has opened a journal for writing cannot lose it. */

    /* Who leads; of a reading store. */
    enum err (*lease)(struct store *, struct store_lease *, struct diag *);
    /* ERR_OK: this writer still does. ERR_BUSY: never again, `diag` says why. On any thread. */
    enum err (*leads)(struct store *, struct diag *);
    /* Calls `lost` once, on a thread of the store's, when it does not lead any more. */
    void (*watch)(struct store *, void (*lost)(void *arg), void *arg);
};

extern const struct store_driver store_sqlite;   /* location: a file's path */
extern const struct store_driver store_postgres; /* location: what libpq takes for an address */

/* The driver for a location: "postgresql:..." and "postgres:..." are a database's address, anything
 * else is a file's path. */
const struct store_driver *store_driver_for(const char *location);

#endif
