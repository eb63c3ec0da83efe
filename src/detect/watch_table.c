#include "detect/watch_table.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "base/hash.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct watch_table *
watch_table_new(uint32_t capacity, size_t size, size_t key_size)
{
    struct watch_table *t = xcalloc(1, sizeof *t);
    t->capacity = capacity;
    t->lag = capacity / 8;
    t->size = (size + 7) / 8 * 8; /* each as aligned as the first */
    t->key_size = key_size;
    t->newest = t->oldest = NONE;
    t->seed = hash_secret();
    for (t->n_buckets = 1; t->n_buckets < capacity;)
        t->n_buckets *= 2;
    t->buckets = xcalloc(t->n_buckets, sizeof *t->buckets);
    for (uint32_t i = 0; i < t->n_buckets; i++)
        t->buckets[i] = NONE;
    t->links = xcalloc(capacity, sizeof *t->links);
    t->entries = xcalloc(capacity, t->size);
    return t;
}

void
watch_table_free(struct watch_table *t)
{
    if (!t)
        return;
    free(t->buckets);
    free(t->links);
    free(t->entries);
    free(t);
}

static uint8_t *
entry(const struct watch_table *t, uint32_t i)
{
    return t->entries + i * t->size;
}

static uint32_t
hash_of(const struct watch_table *t, const void *key)
{
    return (uint32_t)hash_bytes(key, t->key_size, t->seed);
}

static uint32_t *
bucket(struct watch_table *t, uint32_t hash)
{
    return &t->buckets[hash & (t->n_buckets - 1)];
}

static void
unlink_age(struct watch_table *t, uint32_t i)
{
    struct watch_link *l = &t->links[i];
    *(l->newer == NONE ? &t->newest : &t->links[l->newer].older) = l->older;
    *(l->older == NONE ? &t->oldest : &t->links[l->older].newer) = l->newer;
}

static void
link_newest(struct watch_table *t, uint32_t i)
{
    t->links[i].linked = ++t->n_linked;
    t->links[i].newer = NONE;
    t->links[i].older = t->newest;
    *(t->newest == NONE ? &t->oldest : &t->links[t->newest].newer) = i;
    t->newest = i;
}

void
watch_table_refresh(struct watch_table *t, uint32_t i)
{
    if (i == t->newest)
        return;
    unlink_age(t, i);
    link_newest(t, i);
}

static void
make_newest(struct watch_table *t, uint32_t i)
{
    if (t->n_linked - t->links[i].linked >= t->lag) /* many are newer */
        watch_table_refresh(t, i);
}

static void *
find_hashed(struct watch_table *t, uint32_t hash, const void *key)
{
    for (uint32_t i = *bucket(t, hash); i != NONE; i = t->links[i].chain) {
        if (t->links[i].hash != hash || memcmp(entry(t, i), key, t->key_size))
            continue;
        make_newest(t, i);
        return entry(t, i);
    }
    return NULL;
}

void *
watch_table_find(struct watch_table *t, const void *key)
{
    return find_hashed(t, hash_of(t, key), key);
}

/* The place of the longest silent. */
static uint32_t
make_room(struct watch_table *t)
{
    uint32_t i = t->oldest;
    uint32_t *at = bucket(t, t->links[i].hash);
    while (*at != i)
        at = &t->links[*at].chain;
    *at = t->links[i].chain;
    unlink_age(t, i);
    return i;
}

void *
watch_table_get(struct watch_table *t, const void *key, bool *is_new)
{
    uint32_t hash = hash_of(t, key), *head = bucket(t, hash);
    void *found = find_hashed(t, hash, key);
    *is_new = !found;
    if (found)
        return found;
    uint32_t i = t->n < t->capacity ? t->n++ : make_room(t);
    memset(entry(t, i), 0, t->size);
    memcpy(entry(t, i), key, t->key_size);
    t->links[i].generation = MAX(t->links[i].generation + 1, 1u);
    t->links[i].hash = hash;
    t->links[i].chain = *head;
    *head = i;
    link_newest(t, i);
    return entry(t, i);
}

void *
watch_table_at(const struct watch_table *t, uint32_t at)
{
    return entry(t, at);
}

static uint32_t
number_of(const struct watch_table *t, const void *at)
{
    return (uint32_t)((size_t)((const uint8_t *)at - t->entries) / t->size);
}

struct watch_place
watch_table_place(const struct watch_table *t, const void *at)
{
    uint32_t i = number_of(t, at);
    return (struct watch_place){.at = i, .generation = t->links[i].generation};
}

void *
watch_table_next(const struct watch_table *t, const void *at)
{
    uint32_t i = t->oldest;
    if (at)
        i = t->links[number_of(t, at)].newer;
    return i == NONE ? NULL : entry(t, i);
}

uint32_t
watch_table_number(const struct watch_table *t)
{
    return t->n;
}

size_t
watch_table_octets(const struct watch_table *t)
{
    return sizeof *t + t->n_buckets * sizeof *t->buckets +
           t->capacity * (t->size + sizeof *t->links);
}
