#include "edge/idmap.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

struct idmap_slots {
    uint32_t n; /* a power of two, more than twice the number of objects */
    void *_Atomic slots[];
};

static uint32_t removed; /* its address marks a slot whose object has gone */

static uint32_t
id_of(const void *object)
{
    return *(const uint32_t *)object;
}

static struct idmap_slots *
slots_new(uint32_t n)
{
    struct idmap_slots *s = xcalloc(1, sizeof *s + n * sizeof s->slots[0]);
    s->n = n;
    return s;
}

void
idmap_init(struct idmap *map, struct qsbr *qsbr)
{
    *map = (struct idmap){.qsbr = qsbr};
    atomic_init(&map->slots, slots_new(16));
}

void
idmap_fini(struct idmap *map)
{
    free(atomic_load_explicit(&map->slots, memory_order_relaxed));
}

/* The slot where `id` is, or the empty one at which the search for it ends. */
static void *_Atomic *
find_slot(struct idmap_slots *s, uint32_t id)
{
    for (uint32_t at = (uint32_t)hash_mix(id);; at++) {
        void *_Atomic *slot = &s->slots[at & (s->n - 1)];
        void *object = atomic_load_explicit(slot, memory_order_acquire);
        if (!object || (object != &removed && id_of(object) == id))
            return slot;
    }
}

void *
idmap_get(const struct idmap *map, uint32_t id)
{
    struct idmap_slots *s = atomic_load_explicit(&map->slots, memory_order_acquire);
    return atomic_load_explicit(find_slot(s, id), memory_order_acquire);
}

static void
rebuild(struct idmap *map)
{
    struct idmap_slots *old = atomic_load_explicit(&map->slots, memory_order_relaxed);
    uint32_t n = 16;
    while (n < (map->n + 1) * 4)
        n *= 2;
    struct idmap_slots *new = slots_new(n);
    for (uint32_t i = 0; i < old->n; i++) {
        void *object = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (object && object != &removed)
            atomic_store_explicit(find_slot(new, id_of(object)), object, memory_order_relaxed);
    }
    map->used = map->n;
    atomic_store_explicit(&map->slots, new, memory_order_release);
    qsbr_defer(map->qsbr, free, old);
}

void
idmap_put(struct idmap *map, void *object)
{
    struct idmap_slots *s = atomic_load_explicit(&map->slots, memory_order_relaxed);
    if ((map->used + 1) * 2 > s->n) {
        rebuild(map);
        s = atomic_load_explicit(&map->slots, memory_order_relaxed);
    }
    atomic_store_explicit(find_slot(s, id_of(object)), object, memory_order_release);
    map->n++;
    map->used++;
}

void
idmap_replace(struct idmap *map, void *object)
{
    struct idmap_slots *s = atomic_load_explicit(&map->slots, memory_order_relaxed);
    atomic_store_explicit(find_slot(s, id_of(object)), object, memory_order_release);
}

void
idmap_remove(struct idmap *map, uint32_t id)
{
    struct idmap_slots *s = atomic_load_explicit(&map->slots, memory_order_relaxed);
    void *_Atomic *slot = find_slot(s, id);
    if (!atomic_load_explicit(slot, memory_order_relaxed))
        return;
    atomic_store_explicit(slot, &removed, memory_order_release);
    map->n--;
}

static int
by_id(const void *a, const void *b)
{
    uint32_t x = id_of(*(void *const *)a), y = id_of(*(void *const *)b);
    return x < y ? -1 : x > y;
}

void
idmap_each(const struct idmap *map, void (*visit)(void *arg, void *object), void *arg)
{
    struct idmap_slots *s = atomic_load_explicit(&map->slots, memory_order_relaxed);
    void **objects = xcalloc(map->n, sizeof *objects);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        void *object = atomic_load_explicit(&s->slots[i], memory_order_relaxed);
        if (object && object != &removed)
            objects[n++] = object;
    }
    qsort(objects, n, sizeof *objects, by_id);
    for (uint32_t i = 0; i < n; i++)
        visit(arg, objects[i]);
    free(objects);
}
