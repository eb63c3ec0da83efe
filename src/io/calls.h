/* calls.h - calls that wait for their answer: who is to be told, and until when.
 *
 * What asking has in common over a connection (rpc.h) and over the bus (bus/bus.h). Each call ends
 * exactly once: with an answer, an error, its timeout, or without a word if it was cancelled. */
#ifndef IO_CALLS_H
#define IO_CALLS_H

#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct call_result {
    enum err err;     /* ERR_OK: answered */
    const char *text; /* in words, when err is not ERR_OK; "" otherwise */
    json_t *value;    /* the answer, borrowed: json_incref() to keep it; NULL on error */
};

typedef void call_done_fn(void *arg, const struct call_result *);

struct calls; /* Opaque. */

/* At most `limit` calls wait at the same time. */
struct calls *calls_new(uv_loop_t *, size_t limit);
/* What still waits ends without a word: see calls_finish_all(). NULL is fine. */
void calls_free(struct calls *);

/* ERR_LIMIT: too many wait already. *id is never 0 and never used again. When `timeout` is over,
 * `done` is called with ERR_TIMEOUT; it must be positive. */
MUST_CHECK enum err calls_add(struct calls *, nsec_t timeout, call_done_fn *done, void *arg,
                              uint64_t *id);
/* Ends one. False if it does not wait (any more): nothing happened. `done` may do anything. */
bool calls_finish(struct calls *, uint64_t id, const struct call_result *);
/* Ends all, the oldest first; also those that are added meanwhile. `done` may do anything but
 * calls_free(). */
void calls_finish_all(struct calls *, const struct call_result *);
/* Forgets one without telling. False if it does not wait. */
bool calls_cancel(struct calls *, uint64_t id);

size_t calls_waiting(const struct calls *);
/* The last id given out; 0 before the first. */
uint64_t calls_last_id(const struct calls *);

#endif
