/* postgres_lease.h - who may write: one row that says who leads, until when, and the fence.
 *
 * A leader renews its lease from a thread with a connection of its own, so that neither a busy loop
 * nor a long transaction loses it. Time is the database's; the leader itself counts from before it
 * asked, on a clock that goes on while the machine sleeps, and so never believes longer than the
 * database does that it leads.
 *
 * The lease is for liveness. What keeps a writer that has lost it from writing is the fence: a
 * number in the head's row that grows with every taking; an append moves the head only where the
 * fence is its own. The two are in one database, so there is no moment in between. A writer takes
 * its lease anew after its connection broke: whatever the old session still had to do is void. */
#ifndef JOURNAL_POSTGRES_LEASE_H
#define JOURNAL_POSTGRES_LEASE_H

#include "journal/store.h"

#include <libpq-fe.h>

struct pg_lease; /* used by the writer's thread, its own, and whoever asks pg_lease_holds() */

/* Nothing is taken yet. Never NULL; ended by pg_lease_free(). */
struct pg_lease *pg_lease_new(const char *location, const struct store_options *);
/* Ends the thread, gives the lease back over `conn` (NULL: it runs out) if it is still ours, and
 * frees. NULL is fine. */
void pg_lease_free(struct pg_lease *, PGconn *conn);

/* What the head was when the lease was taken: nothing changes it any more but we. */
struct pg_taken {
    int64_t fence;
    struct journal_head head; /* seq and hash */
};

/* Takes the lease, or takes it anew. ERR_BUSY: another instance leads, `diag` says which. */
MUST_CHECK enum err pg_lease_take(struct pg_lease *, PGconn *conn, nsec_t deadline,
                                  struct pg_taken *, struct diag *);

/* Begins to renew it. ERR_IO: no thread could be made. */
MUST_CHECK enum err pg_lease_start(struct pg_lease *, struct diag *);

/* ERR_OK: still ours, as far as can be known. ERR_BUSY: lost, for good. On any thread. */
MUST_CHECK enum err pg_lease_holds(struct pg_lease *, struct diag *);

/* Until when it is ours if nothing more is heard, on clock_monotonic(). */
nsec_t pg_lease_deadline(struct pg_lease *);

/* Gives up: `why` is what pg_lease_holds() says from now on, if it was not lost already. */
void pg_lease_lose(struct pg_lease *, const struct diag *why);

/* Calls `fn` once, on the lease's thread, when it is lost, or was. */
void pg_lease_watch(struct pg_lease *, void (*fn)(void *arg), void *arg);

/* The row as it is, also for who does not want it. */
MUST_CHECK enum err pg_lease_read(PGconn *, const char *location, nsec_t deadline,
                                  struct store_lease *, struct diag *);

/* "another instance leads: NAME since TIME", ERR_BUSY; or ERR_OK: nobody does. */
MUST_CHECK enum err pg_lease_refuse(PGconn *, const char *location, nsec_t deadline, struct diag *);

#endif
