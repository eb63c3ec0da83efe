#include "edge/program_cache.h"

#include "base/attr.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

struct long_ops {
    struct program *owner; /* NULL: nobody's */
    struct op ops[MAX_OPS];
};

/* Zeroed memory; the kernel finds the pages when they are first written. */
static void *
map_zeroed(size_t n, size_t size)
{
    size_t octets = n * size;
    void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    if (octets >= HUGE_PAGE) /* refused: small pages do as well, and slower */
        (void)madvise(memory, octets, MADV_HUGEPAGE);
    return memory;
}

void
program_cache_init(struct program_cache *c, uint32_t n)
{
    *c = (struct program_cache){.n = n};
    if (!n)
        return;
    c->n_sets = 1;
    while (c->n_sets < (n + 3) / 4 + n / 8) /* a third full, or less, when all are out */
        c->n_sets *= 2;
    c->n_long = MAX(n / 16, 1);
    c->sets = map_zeroed(c->n_sets, sizeof *c->sets);
    c->programs = map_zeroed(n, sizeof *c->programs);
    c->longs = map_zeroed(c->n_long, sizeof *c->longs);
}

void
program_cache_fini(struct program_cache *c)
{
    if (!c->n)
        return;
    munmap(c->sets, c->n_sets * sizeof *c->sets);
    munmap(c->programs, c->n * sizeof *c->programs);
    munmap(c->longs, c->n_long * sizeof *c->longs);
}

struct program *
program_cache_find(const struct program_cache *c, const struct flow_key *key, uint64_t generation,
                   uint64_t hash)
{
    if (!c->n_sets)
        return NULL;
    const struct index_set *set = program_cache_set(c, hash);
    for (unsigned places = index_matches(set, program_tag(hash)); places; places &= places - 1) {
        uint32_t number = set->numbers[__builtin_ctz(places)];
        if (number && program_is_for(&c->programs[number - 1], key, generation))
            return &c->programs[number - 1];
    }
    return NULL;
}

/* The place in a set for a new reference: one with this very tag, an empty one, one whose program
 * is stale or has become another's; else any. */
static unsigned
place_in(const struct program_cache *c, const struct index_set *set, uint32_t tag,
         uint64_t generation)
{
    unsigned same = index_matches(set, tag);
    if (same)
        return (unsigned)__builtin_ctz(same);
    for (unsigned i = 0; i < INDEX_WAYS; i++) {
        if (!set->numbers[i])
            return i;
        const struct program *p = &c->programs[set->numbers[i] - 1];
        if (p->generation != generation || p->tag != set->tags[i])
            return i;
    }
    return tag % INDEX_WAYS;
}

/* Room for the steps of a program that has many; whoever had it loses his program. */
static struct op *
claim_long(struct program_cache *c, struct program *owner)
{
    struct long_ops *l = &c->longs[c->next_long++ % c->n_long];
    if (l->owner && l->owner->ops == l->ops)
        l->owner->generation = 0;
    l->owner = owner;
    return l->ops;
}

struct program *
program_cache_put(struct program_cache *c, const struct program *recorded, uint64_t hash)
{
    if (recorded->generation != c->generation) { /* all there is, is stale: begin anew */
        c->generation = recorded->generation;
        c->next = 0;
    }
    struct index_set *set = program_cache_set(c, hash);
    struct program *p = &c->programs[c->next];
    unsigned place = place_in(c, set, program_tag(hash), recorded->generation);
    p->generation = 0; /* so that it does not lose itself in claim_long() */
    struct op *ops = recorded->n_ops > SHORT_OPS ? claim_long(c, p) : p->own;
    for (unsigned i = 0; i < recorded->n_ops; i++)
        ops[i] = recorded->ops[i];
    p->key = recorded->key;
    p->ops = ops;
    p->tag = program_tag(hash);
    p->metered = recorded->metered;
    p->plain = recorded->plain;
    p->n_ops = recorded->n_ops;
    p->generation = recorded->generation;
    set->tags[place] = p->tag;
    set->numbers[place] = c->next + 1;
    c->next = (c->next + 1) % c->n;
    c->n_kept++;
    return p;
}
