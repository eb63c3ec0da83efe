/* outbox.h - what is to be told and was not acknowledged yet: texts, each with a key and a weight,
 * in the order in which they came. Pure; bounded in number and octets.
 *
 * What comes again under a key takes the place of what waits under it: only the newest counts.
 * Where there is no room, the oldest of the lowest weight is dropped, and counted; never one that
 * is under way, of which it is not known whether it has arrived. */
#ifndef SENSOR_OUTBOX_H
#define SENSOR_OUTBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_WEIGHTS 4
#define OUTBOX_OVERHEAD 128 /* octets that are counted for each, besides its texts */

struct outbox; /* Opaque. */

struct outbox_counters {
    uint64_t put, replaced, done, refused;
    uint64_t dropped[OUTBOX_WEIGHTS]; /* by weight */
};

/* At most so many, and so many octets. Never NULL. */
struct outbox *outbox_new(uint32_t most, size_t octets);
void outbox_free(struct outbox *); /* NULL is fine */

/* Copies both. `weight` is below OUTBOX_WEIGHTS. False: it was dropped itself. */
bool outbox_put(struct outbox *, const char *key, unsigned weight, const char *text, size_t size);

/* The oldest that is not under way, and is from now on; NULL: none. `*text` is valid until
 * something else is called; the number names it. */
const char *outbox_next(struct outbox *, size_t *size, uint64_t *number);
/* It has arrived, or is never to be told; what came under its key meanwhile waits. */
void outbox_done(struct outbox *, uint64_t number);
void outbox_refuse(struct outbox *, uint64_t number); /* the same, and counted */
/* It is to be told again. */
void outbox_retry(struct outbox *, uint64_t number);
void outbox_retry_all(struct outbox *); /* all that are under way */

uint32_t outbox_number(const struct outbox *); /* that wait or are under way */
const struct outbox_counters *outbox_counters(const struct outbox *);

#endif
