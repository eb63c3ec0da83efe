/* bounds_ways.h - from the ways of one circuit to steps: bounds_ways.c; and the lists and tables
 * that it and bounds_layout.c keep things in. */
#ifndef ENGINEER_BOUNDS_WAYS_H
#define ENGINEER_BOUNDS_WAYS_H

#include "engineer/bounds_private.h"

/* Room for so many, in an empty table. */
void index_table_reserve(struct index_table *, uint32_t n);
void index_table_add(struct index_table *, uint32_t hash, uint32_t index);

/* The next index with this hash, from `*at` onwards, which begins as the hash. */
static inline bool
index_table_next(const struct index_table *t, uint32_t hash, uint32_t *at, uint32_t *index)
{
    for (; t->slots; ++*at) {
        uint64_t slot = t->slots[*at & t->mask];
        if (!slot)
            return false;
        if (slot >> 32 == hash) {
            *index = (uint32_t)slot - 1;
            ++*at;
            return true;
        }
    }
    return false;
}

void words_push(struct words *, uint32_t word);

/* Servers in order; the nodes they lead from, and the last one's other end. */
struct way {
    uint32_t n;
    uint32_t *servers;
};

/* What is being laid out. */
struct making {
    struct bounds *b;
    const struct circuit *circuit;
    const struct design *design;
    uint32_t source, n_receivers;
    const uint32_t *receivers;      /* nodes */
    struct way *primary, *failover; /* by receiver; one each for IP */
    struct words steps[BOUNDS_STATE_MAX], tests;
    struct words *ends[BOUNDS_STATE_MAX]; /* by receiver: parents */
    struct diag *diag;
};

/* The step at this queue behind these parents; a new one, unless it is there. */
uint32_t step_at(struct plane *, uint32_t parent, uint32_t queue);
/* Fill in the steps, tests and ends. ERR_INVALID, ERR_CONFLICT, ERR_LIMIT: as bounds_new(). */
MUST_CHECK enum err make_ip(struct making *);
MUST_CHECK enum err make_multicast(struct making *);

#endif
