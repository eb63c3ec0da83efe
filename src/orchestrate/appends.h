/* appends.h - events on their way into the journal: bodies are JSON values, whoever waits may go
 * away, and what must not get lost outlasts a full disk. */
#ifndef ORCHESTRATE_APPENDS_H
#define ORCHESTRATE_APPENDS_H

#include "journal/journal.h"

#include <jansson.h>
#include <stdbool.h>

/* One event; the body is consumed. */
struct new_event {
    const char *type, *object, *actor;
    json_t *body;
};

struct appends; /* Opaque: all appends of one service. */
struct append;  /* Opaque: a batch of events, stored together or not at all. */

/* `err` and `why` as journal_done_fn says; `seq` is the first event's. The append is gone. */
typedef void append_done_fn(void *arg, enum err err, uint64_t seq, const char *why);

/* `tried` is called on the loop when the journal may work again: twice a second while it fails, and
 * once it does. Never NULL. */
struct appends *appends_new(uv_loop_t *, struct journal *, void (*tried)(void *arg), void *arg);
/* Nobody is told any more. What the journal has is stored all the same. NULL is fine. */
void appends_free(struct appends *);

/* The last append that ended did so for want of a disk (ERR_IO, ERR_BUSY, ERR_CORRUPT). */
bool appends_failing(const struct appends *);

/* Appends 1 to APPEND_EVENTS_MAX events. `done` comes later, never from inside this call. A
 * `patient` append is tried again for as long as the journal fails; it ends only with success, or
 * with an error that time does not heal. The result is valid until `done`. */
#define APPEND_EVENTS_MAX 65536
struct append *append_start(struct appends *, const struct new_event *, size_t n, bool patient,
                            append_done_fn *done, void *arg);

/* Takes it back, if the journal does not have it: true, then nothing is stored, `done` is not
 * called and the append is gone. */
bool append_withdraw(struct append *);
/* `done` will not be called; what becomes of the events is open. NULL is fine. */
void append_forget(struct append *);

#endif
