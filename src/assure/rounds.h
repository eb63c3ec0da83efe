/* rounds.h - whose turn it is in surveillance, and when: circuits in a ring. Pure.
 *
 * Each circuit comes round once per interval, evenly spread, so that there are never bursts. When
 * there are so many that their packets would exceed `packets_per_second` in the whole network, the
 * turns come at that pace and the interval gets longer. Turns that come late by more than 50 ms
 * are not made up for. */
#ifndef ASSURE_ROUNDS_H
#define ASSURE_ROUNDS_H

#include "base/time.h"

#include <stdint.h>

struct rounds_config {
    nsec_t interval;             /* of each circuit */
    uint32_t packets;            /* of a turn */
    uint32_t packets_per_second; /* of all turns */
};

struct rounds;      /* Opaque. */
struct rounds_turn; /* Opaque: one circuit's place. */

struct rounds *rounds_new(const struct rounds_config *); /* Never NULL. */
void rounds_free(struct rounds *); /* All turns must have gone. NULL is fine. */

/* Behind all others. Never NULL. */
struct rounds_turn *rounds_add(struct rounds *, void *who, nsec_t now);
void rounds_remove(struct rounds *, struct rounds_turn *);

/* When the next turn is due; NSEC_NEVER: nobody is there. */
nsec_t rounds_due(const struct rounds *);
/* Whose turn it is; NULL: nobody's yet. */
void *rounds_take(struct rounds *, nsec_t now);

/* The time from one turn of a circuit to its next. */
nsec_t rounds_interval(const struct rounds *);
uint32_t rounds_count(const struct rounds *);

#endif
