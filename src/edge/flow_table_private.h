/* flow_table_private.h - what flow_table.c and merged.c share: the entries of one mask. */
#ifndef EDGE_FLOW_TABLE_PRIVATE_H
#define EDGE_FLOW_TABLE_PRIVATE_H

#include "edge/flow_table.h"

struct buckets;
struct slab;

struct tuple {
    struct buckets *_Atomic buckets;
    struct slab *slab; /* its table's */
    uint64_t seed;
    uint64_t number;    /* among all tuples this table has had */
    uint32_t n_entries; /* published */
    uint32_t n_alive;   /* published, or removed and not released yet */
    uint8_t n_words;
    uint8_t words[FLOW_KEY_WORDS];        /* which words of the key the mask touches, ascending */
    uint64_t mask[FLOW_KEY_WORDS];        /* of those words */
    _Atomic uint64_t any[FLOW_KEY_WORDS]; /* OR of the entries' values */
    _Atomic uint64_t all[FLOW_KEY_WORDS]; /* AND of them */
    struct {
        uint16_t priority;
        uint32_t n;
    } * priorities; /* falling; how many entries have each */
    uint32_t n_priorities, priorities_capacity;
};

static inline bool
entry_covers(const struct tuple *tuple, const struct entry *entry, const struct flow_key *key)
{
    uint64_t difference = 0;
    for (unsigned i = 0; i < tuple->n_words; i++)
        difference |= (key->words[tuple->words[i]] & tuple->mask[i]) ^ entry->values[i];
    return difference == 0;
}

#endif
