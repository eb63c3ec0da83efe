/* program_cache.h - programs by the key of the packets they are for: exact match, bounded memory.
 *
 * Two arrays. The index says where a program may be: sets of 8 places of one cache line, each with
 * a tag (32 bits of the key's hash) and a number; one line decides, and a wrong tag costs nothing
 * more. The programs themselves are handed out in order, round and round, so that a node with a
 * thousand conversations touches the first thousand, whatever the cache could hold; the oldest
 * makes room. A program's key is compared in full, and so is its generation, before it is used: the
 * index may lie, a program may not.
 *
 * In a vector the three steps (index, program, what it points to) are taken for all packets one
 * step at a time, each fetching for the next, so that a million conversations wait for memory
 * together and not one after the other.
 *
 * Belongs to one thread. Allocated once, and lives in huge pages where the kernel has them. */
#ifndef EDGE_PROGRAM_CACHE_H
#define EDGE_PROGRAM_CACHE_H

#include "packet/flow_key.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_OPS 20   /* of a program */
#define SHORT_OPS 6  /* that a program has room for by itself */
#define INDEX_WAYS 8 /* places in a set */

enum op_type { OP_COUNT, OP_METER, OP_EDIT, OP_REDUNDANCY, OP_QUEUE, OP_OUTPUT, OP_GROUP, OP_MISS };

/* One step of a program. What `target` points to outlives the program: whatever unpublishes it
 * raises the generation first, and qsbr keeps it until no vector in flight can use it. */
struct op {
    uint8_t type;
    uint8_t table_id;
    uint16_t max_len;
    uint32_t id;
    void *target; /* entry, meter, action, group, or the entry an output belongs to */
};

struct program { /* four cache lines */
    struct flow_key key;
    uint64_t generation;  /* of the tables it was recorded from; 0: empty */
    const struct op *ops; /* its own, or a long program's */
    uint32_t tag;
    bool metered; /* takes packets one by one: they are counted, or numbered */
    bool plain;   /* entries are counted, then it goes out by a port: nothing else */
    uint8_t n_ops;
    bool declined; /* by the kernel's fast path */
    struct op own[SHORT_OPS];
    uint64_t reserved; /* fills the line */
};

_Static_assert(sizeof(struct program) == 256, "a program is four cache lines");

struct index_set {
    uint32_t tags[INDEX_WAYS];
    uint32_t numbers[INDEX_WAYS]; /* of a program, plus 1; 0: none */
};

struct long_ops; /* of programs that need more than SHORT_OPS */

struct program_cache {
    struct index_set *sets;
    struct program *programs;
    struct long_ops *longs;
    uint32_t n_sets; /* a power of two; 0: no cache */
    uint32_t n, n_long;
    uint32_t next, next_long; /* to be handed out */
    uint64_t generation;      /* of the programs handed out since `next` was 0 */
    uint64_t n_kept;          /* programs so far */
};

/* Room for `n` programs; 0: none is ever found or kept. */
void program_cache_init(struct program_cache *, uint32_t n);
void program_cache_fini(struct program_cache *);

/* Keeps a copy of a program under its key and generation; `hash` is the key's. What was kept
 * before may be gone. */
struct program *program_cache_put(struct program_cache *, const struct program *, uint64_t hash);

static inline struct index_set *
program_cache_set(const struct program_cache *c, uint64_t hash)
{
    return &c->sets[hash & (c->n_sets - 1)];
}

static inline uint32_t
program_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* The places of a set that have this tag, one bit each. */
static inline unsigned
index_matches(const struct index_set *set, uint32_t tag)
{
#ifdef __SSE2__
    const __m128i *tags = (const __m128i *)(const void *)set->tags;
    __m128i all = _mm_set1_epi32((int)tag);
    __m128i words = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(tags), all),
                                    _mm_cmpeq_epi32(_mm_load_si128(tags + 1), all));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(words, _mm_setzero_si128()));
#else
    unsigned places = 0;
    for (unsigned i = 0; i < INDEX_WAYS; i++)
        places |= (unsigned)(set->tags[i] == tag) << i;
    return places;
#endif
}

static inline bool
flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));
    const pair *x = (const pair *)a->words, *y = (const pair *)b->words;
    pair difference = x[0] ^ y[0];
#pragma GCC unroll 8
    for (unsigned i = 1; i < FLOW_KEY_WORDS / 2; i++)
        difference |= x[i] ^ y[i];
    return (difference[0] | difference[1]) == 0;
}

static inline bool
program_is_for(const struct program *p, const struct flow_key *key, uint64_t generation)
{
    return p->generation == generation && flow_key_equal(&p->key, key);
}

/* Where the key's program is, if there is one: its contents have to be looked at still. NULL: there
 * is none. */
static inline struct program *
program_cache_guess(const struct program_cache *c, uint64_t hash)
{
    const struct index_set *set = program_cache_set(c, hash);
    unsigned places = index_matches(set, program_tag(hash));
    uint32_t number = places ? set->numbers[__builtin_ctz(places)] : 0;
    return number ? &c->programs[number - 1] : NULL;
}

/* The key's program; NULL: there is none. */
struct program *program_cache_find(const struct program_cache *, const struct flow_key *,
                                   uint64_t generation, uint64_t hash);

#endif
