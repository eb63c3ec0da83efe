/* journal.h - the truth of a site: an append-only, hash-chained log of events.
 *
 * Every command, approval, device change, measurement of record and alert is appended here, and
 * acted on only after its `done` has said that it is durable: synced to the disk. State is a fold
 * over the events: a program follows them from the first (journal_subscribe()) and is then where it
 * was before it ended. An event is known everywhere by (site, epoch, seq).
 *
 * One program writes a journal, on one loop; a thread of the journal's own does the writing, and
 * what is appended while it waits for the disk shares the next sync (writer.h). Everything here is
 * called on the loop's thread, and calls back there. Reading beside it: reader.h. Proving that
 * nobody changed it: verify.h. What an event is and how it is hashed: event.h. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "journal/event.h"

#include <stdbool.h>
#include <uv.h>

struct journal;

struct journal_config {
    const char *site;      /* whose journal; NULL: whichever is there, and none is created */
    uint64_t epoch;        /* the first one of a journal that is created; 0: 1 */
    size_t queue_events;   /* most events not yet durable; 0: 65536 */
    size_t queue_octets;   /* most memory for them; 0: 64 MiB */
    nsec_t (*clock)(void); /* wall; NULL: clock_wall() */

    /* Where several programs may want to write (a database). Each is an instance with a name; the
     * one that leads has a lease, and another takes over when that has not been renewed. A file is
     * its writer's until that ends. */
    const char *instance; /* NULL: the host's name and the process's number */
    nsec_t lease;         /* 100 ms to 1 h; renewed three times as often; 0: 3 s */
    /* Once, on the loop, when this program does not lead any more; `why` says who does, as far as
     * is known. Nothing more is stored (ERR_BUSY), and nothing may be done that counts on being the
     * only one: close the journal. It may be closed here. NULL is fine. */
    void (*lost)(void *arg, const char *why);
    void *lost_arg;
};

/* Opens the journal at `path`, or creates it: in that file, or, if it begins with "postgresql:" or
 * "postgres:", in the database with that address (doc/journal-postgresql.md). `loop` NULL: for a
 * program without one, which uses journal_append_sync() and never waits for anything else; then
 * there is no thread. The recorded end and the last 256 events are checked; all the others are
 * journal_verify()'s job. ERR_BUSY: another program writes it, `diag` says which. ERR_CONFLICT: it
 * is another site's. ERR_NOT_FOUND: none there and no site to create it for. ERR_MALFORMED: the
 * file is something else (and is left as it was). ERR_UNSUPPORTED: a journal of another version.
 * ERR_CORRUPT: damaged. ERR_DENIED: may not be written. ERR_IO: the operating system says no. On
 * success the caller owns the journal. */
MUST_CHECK enum err journal_open(uv_loop_t *loop, const char *path, const struct journal_config *,
                                 struct journal **, struct diag *);

/* Takes nothing more (ERR_CLOSED). What was appended is still written and its `done` called, then
 * `closed` (NULL is fine) on the loop, and the journal is gone. Without a loop it is gone, and
 * `closed` has been called, when this returns, or, inside a callback, when the call that called
 * back does. libuv wants another turn before the loop can be closed. NULL is fine. */
void journal_close(struct journal *, void (*closed)(void *arg), void *arg);

/* Who this journal is; and the last event that is durable and known to the loop. Keep the head's
 * seq and hash somewhere else, and journal_verify() can tell if the journal was rewritten. */
const struct journal_identity *journal_identity(const struct journal *);
const struct journal_head *journal_head(const struct journal *);

/* ERR_OK: all events of the batch are durable, from `first_seq` on, one after the other. Otherwise
 * nothing of it is stored, and `why` says in words what went wrong: ERR_IO (no room, or the disk
 * failed), ERR_BUSY (another program holds the file), ERR_CORRUPT (another program wrote to it). It
 * may be appended again. (Where syncing fails for good, "nothing is stored" holds only while the
 * program lives: a batch may have reached the disk after all, and is found there when the journal
 * is opened next. So may one whose database could not be reached again before the lease ended:
 * `why` says then that it is not known, and the journal is lost.) */
typedef void journal_done_fn(void *arg, enum err err, uint64_t first_seq, const char *why);

/* Appends `n` events, all or none, in the order of the calls. The entries are copied. `done` (NULL
 * is fine) is called once, later, on the loop, which stays alive until then.
 * An event's time is never before that of the event before: an earlier one is raised to it. When
 * something was observed belongs in the body; the time here says when it was recorded.
 * Refused at once, without `done`: ERR_INVALID, ERR_MALFORMED, ERR_LIMIT (an entry is not what
 * journal_entry_check() wants; `diag` says which; or its type begins with "journal.", which is the
 * journal's own), ERR_BUSY (the queue is full), ERR_CLOSED. */
MUST_CHECK enum err journal_append(struct journal *, const struct journal_entry *, size_t n,
                                   journal_done_fn *done, void *arg, struct diag *);

/* The same, at once, for a journal opened without a loop. Also ERR_IO and the others of
 * journal_done_fn. ERR_BUSY: inside a callback. `first_seq` may be NULL. */
MUST_CHECK enum err journal_append_sync(struct journal *, const struct journal_entry *, size_t n,
                                        uint64_t *first_seq, struct diag *);

/* Begins epoch `epoch`, 0 for the next one, with an event "journal.epoch" about "journal" by
 * `actor`, {"reason":REASON}: after a disk was replaced or rolled back, so that nobody takes what
 * follows for what was lost; and the only way to get the journal's time back from a clock that was
 * ahead. `done` gets ERR_CONFLICT if the epoch is not after the current one. Like journal_append()
 * otherwise; without a loop `done` is called before it returns. */
MUST_CHECK enum err journal_begin_epoch(struct journal *, uint64_t epoch, const char *actor,
                                        const char *reason, journal_done_fn *done, void *arg,
                                        struct diag *);

struct journal_subscription;

/* Calls `fn` for each event from seq `from` on, once, in the order of seq: those that are there
 * before it returns, the others as they become durable, each before its `done`. `from` 0: only what
 * the loop does not know yet. Never NULL on success, and ends with the journal if not before; it
 * cannot be ended while it is being made. ERR_CORRUPT, ERR_IO: as journal_reader_read(). */
typedef void journal_listener_fn(void *arg, const struct journal_event *);
MUST_CHECK enum err journal_subscribe(struct journal *, uint64_t from, journal_listener_fn *fn,
                                      void *arg, struct journal_subscription **, struct diag *);
/* No more calls; also inside one of its own. NULL is fine. */
void journal_unsubscribe(struct journal_subscription *);

/* Its file or address, as it was opened: what texts of errors begin with. */
const char *journal_path(const struct journal *);

/* As journal_reader_read(), of what is durable; that can be a little more than journal_head(). */
MUST_CHECK enum err journal_read(struct journal *, const struct journal_query *,
                                 journal_event_fn *fn, void *arg, struct diag *);

struct journal_health {
    enum err err;      /* of what fails now; ERR_OK: nothing does */
    nsec_t since;      /* wall clock: since when */
    uint64_t n_failed; /* appends that failed since the journal was opened */
    size_t n_queued;   /* events not yet durable */
    const char *why;   /* "" if nothing fails; valid until the next callback */
};

/* Whether this program may still act as the one that writes. Asks the clock, so that it is true
 * also in the first moment after the process, or its machine, has stood still. Never calls `lost`.
 */
bool journal_leads(struct journal *);

/* This program's name as the others are told. */
const char *journal_instance(const struct journal *);

/* Whether a journal there would be one that several programs take turns to write. */
bool journal_is_shared(const char *path);

/* Appends fail (the disk is full), or the log cannot be tidied up and grows. It heals by itself:
 * every append tries again. A lease that is lost (ERR_BUSY) does not. */
struct journal_health journal_health(const struct journal *);

#endif
