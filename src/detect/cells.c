#include "detect/cells.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define FIRST_SETS 16

/* The keys of a set are a line of memory. */
struct set {
    uint64_t keys[WAYS]; /* 0: a free place */
    nsec_t used[WAYS];
};

struct cells {
    struct set *table;
    uint8_t *bodies;
    size_t size;
    uint32_t sets, most_sets, n;
    uint64_t n_forgotten;
};

static void
allocate(struct cells *t, uint32_t sets)
{
    t->sets = sets;
    t->table = xcalloc(sets, sizeof *t->table);
    t->bodies = xcalloc((size_t)sets * WAYS, t->size);
}

struct cells *
cells_new(uint32_t most, size_t size)
{
    struct cells *t = xcalloc(1, sizeof *t);
    t->size = (size + 7) & ~(size_t)7;
    t->most_sets = 1;
    while (t->most_sets * WAYS < most)
        t->most_sets *= 2;
    allocate(t, t->most_sets < FIRST_SETS ? t->most_sets : FIRST_SETS);
    return t;
}

void
cells_free(struct cells *t)
{
    if (!t)
        return;
    free(t->table);
    free(t->bodies);
    free(t);
}

static uint64_t
key_of(uint64_t key)
{
    return key ? key : 1;
}

static uint32_t
set_of(const struct cells *t, uint64_t key)
{
    return (uint32_t)(key & (t->sets - 1));
}

static void *
body(const struct cells *t, uint32_t set, unsigned way)
{
    return t->bodies + ((size_t)set * WAYS + way) * t->size;
}

/* The place that has the key, in its set; WAYS: none has. */
static unsigned
way_of(const struct set *s, uint64_t key)
{
    unsigned i = 0;
    while (i < WAYS && s->keys[i] != key)
        i++;
    return i;
}

static void *
find(struct cells *t, uint64_t key, nsec_t now)
{
    uint32_t set = set_of(t, key);
    struct set *s = &t->table[set];
    unsigned way = way_of(s, key);
    if (way == WAYS)
        return NULL;
    s->used[way] = now;
    return body(t, set, way);
}

void *
cells_find(struct cells *t, uint64_t key, nsec_t now)
{
    return find(t, key_of(key), now);
}

static void
grow(struct cells *t)
{
    struct cells old = *t;
    allocate(t, 2 * old.sets);
    for (uint32_t set = 0; set < old.sets; set++) {
        const struct set *from = &old.table[set];
        for (unsigned i = 0; i < WAYS; i++) {
            if (!from->keys[i])
                continue;
            uint32_t to = set_of(t, from->keys[i]);
            unsigned way = way_of(&t->table[to], 0); /* a set becomes two: there is one */
            t->table[to].keys[way] = from->keys[i];
            t->table[to].used[way] = from->used[i];
            memcpy(body(t, to, way), body(&old, set, i), t->size);
        }
    }
    free(old.table);
    free(old.bodies);
}

static unsigned
oldest_way(const struct set *s)
{
    unsigned oldest = 0;
    for (unsigned i = 1; i < WAYS; i++) {
        if (s->used[i] < s->used[oldest])
            oldest = i;
    }
    return oldest;
}

void *
cells_make(struct cells *t, uint64_t its, nsec_t now, bool *is_new)
{
    uint64_t key = key_of(its);
    void *there = find(t, key, now);
    *is_new = !there;
    if (there)
        return there;
    while (way_of(&t->table[set_of(t, key)], 0) == WAYS && t->sets < t->most_sets)
        grow(t);
    uint32_t set = set_of(t, key);
    struct set *s = &t->table[set];
    unsigned way = way_of(s, 0);
    if (way == WAYS) {
        way = oldest_way(s);
        t->n_forgotten++;
        t->n--;
    }
    s->keys[way] = key;
    s->used[way] = now;
    t->n++;
    return memset(body(t, set, way), 0, t->size);
}

uint32_t
cells_number(const struct cells *t)
{
    return t->n;
}

uint64_t
cells_forgotten(const struct cells *t)
{
    return t->n_forgotten;
}

void
cells_each(struct cells *t, void (*each)(void *arg, uint64_t key, void *cell), void *arg)
{
    for (uint32_t set = 0; set < t->sets; set++) {
        for (unsigned i = 0; i < WAYS; i++) {
            if (t->table[set].keys[i])
                each(arg, t->table[set].keys[i], body(t, set, i));
        }
    }
}
