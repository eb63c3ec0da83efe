#include "detect/cells.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define FIRST_SETS 16

struct head {
    uint64_t key;
    nsec_t used;
    bool is_there;
};

struct cells {
    struct head *heads;
    uint8_t *bodies;
    size_t size;
    uint32_t sets, most_sets, n;
    uint64_t n_forgotten;
};

static void
allocate(struct cells *t, uint32_t sets)
{
    t->sets = sets;
    t->heads = xcalloc((size_t)sets * WAYS, sizeof *t->heads);
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
    free(t->heads);
    free(t->bodies);
    free(t);
}

static size_t
first_of(const struct cells *t, uint64_t key)
{
    return (size_t)(key & (t->sets - 1)) * WAYS;
}

void *
cells_find(struct cells *t, uint64_t key, nsec_t now)
{
    size_t first = first_of(t, key);
    for (size_t i = first; i < first + WAYS; i++) {
        if (t->heads[i].is_there && t->heads[i].key == key) {
            t->heads[i].used = now;
            return t->bodies + i * t->size;
        }
    }
    return NULL;
}

/* A free place of the key's set; -1: there is none. */
static ptrdiff_t
free_place(const struct cells *t, uint64_t key)
{
    size_t first = first_of(t, key);
    for (size_t i = first; i < first + WAYS; i++) {
        if (!t->heads[i].is_there)
            return (ptrdiff_t)i;
    }
    return -1;
}

static void
grow(struct cells *t)
{
    struct cells old = *t;
    allocate(t, 2 * old.sets);
    for (size_t i = 0; i < (size_t)old.sets * WAYS; i++) {
        if (!old.heads[i].is_there)
            continue;
        ptrdiff_t at = free_place(t, old.heads[i].key); /* a set becomes two: there is one */
        t->heads[at] = old.heads[i];
        memcpy(t->bodies + (size_t)at * t->size, old.bodies + i * t->size, t->size);
    }
    free(old.heads);
    free(old.bodies);
}

static size_t
oldest_place(const struct cells *t, uint64_t key)
{
    size_t first = first_of(t, key), oldest = first;
    for (size_t i = first + 1; i < first + WAYS; i++) {
        if (t->heads[i].used < t->heads[oldest].used)
            oldest = i;
    }
    return oldest;
}

void *
cells_make(struct cells *t, uint64_t key, nsec_t now, bool *is_new)
{
    void *there = cells_find(t, key, now);
    *is_new = !there;
    if (there)
        return there;
    ptrdiff_t at = free_place(t, key);
    while (at < 0 && t->sets < t->most_sets) {
        grow(t);
        at = free_place(t, key);
    }
    if (at < 0) {
        at = (ptrdiff_t)oldest_place(t, key);
        t->n_forgotten++;
        t->n--;
    }
    t->heads[at] = (struct head){.key = key, .used = now, .is_there = true};
    t->n++;
    return memset(t->bodies + (size_t)at * t->size, 0, t->size);
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
    for (size_t i = 0; i < (size_t)t->sets * WAYS; i++) {
        if (t->heads[i].is_there)
            each(arg, t->heads[i].key, t->bodies + i * t->size);
    }
}
