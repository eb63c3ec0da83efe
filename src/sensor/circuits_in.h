/* circuits_in.h - what a sensor is told of the circuits it may see: in pieces, because a line has
 * an end. Pure; bounded.
 *
 * A piece is {"generation", "part", "parts", "circuits": [...], "hosts"?: [...], "own"?: [...]}:
 * part 1 to `parts`, in order. One of another generation begins anew. doc/sensor.md says what is in
 * the lists. */
#ifndef SENSOR_CIRCUITS_IN_H
#define SENSOR_CIRCUITS_IN_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

#define CIRCUITS_IN_PARTS 4096
#define CIRCUITS_IN_MOST 65536 /* of each list */

/* Zeroed at first. */
struct circuits_in {
    uint64_t generation;
    uint32_t part, parts; /* that were taken, and that there are; 0: none has begun */
    json_t *all;
};

/* Takes a piece. When it was the last, *whole is {"circuits", "hosts", "own"}, the caller's; else
 * it is NULL. ERR_MALFORMED: it is no piece; ERR_CONFLICT: not the one that comes next; ERR_LIMIT.
 * After an error what was there of the generation is forgotten. */
MUST_CHECK enum err circuits_in_take(struct circuits_in *, const json_t *piece, json_t **whole,
                                     struct diag *);
void circuits_in_forget(struct circuits_in *);

#endif
