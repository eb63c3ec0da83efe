/* watch_table.h - what a machine remembers of each of many: a hash table of a fixed number of
 * entries of a fixed size. Where it is full the longest silent makes room: one of the last eighth,
 * as those that were heard lately keep their places in the order of age until others have passed
 * them. Pure. */
#ifndef DETECT_WATCH_TABLE_H
#define DETECT_WATCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of watch_table.c alone, but for what is inline below. */
struct watch_link {
    uint32_t hash, chain, newer, older;
    uint32_t linked;     /* the table's count when it came to its place in the order of age */
    uint32_t generation; /* of the entry: another for each that has had this place; 0: none yet */
};
struct watch_table {
    uint32_t capacity, n, n_buckets, newest, oldest;
    uint32_t n_linked; /* how often one became the newest */
    uint32_t lag;      /* how many may be newer than one that was heard just now */
    size_t size, key_size;
    uint64_t seed;
    uint32_t *buckets;
    struct watch_link *links;
    uint8_t *entries;
};
void watch_table_refresh(struct watch_table *, uint32_t at);

/* Where an entry is: to come back to it without its key. {0, 0}: nowhere. */
struct watch_place {
    uint32_t at, generation;
};

/* Never NULL. `capacity` entries, of `size` octets each, of which the first `key_size` are the key:
 * compared as octets, so without padding. */
struct watch_table *watch_table_new(uint32_t capacity, size_t size, size_t key_size);
void watch_table_free(struct watch_table *); /* NULL is fine */

/* The entry with this key; it is one of the newest then. NULL: there is none. */
void *watch_table_find(struct watch_table *, const void *key);
/* ... made, zeroed behind its key, if there is none: `*is_new`. Another may have gone for it. */
void *watch_table_get(struct watch_table *, const void *key, bool *is_new);
/* The entry that is there, if it still is the same one; it is one of the newest then. NULL: it is
 * not. */
static inline void *
watch_table_again(struct watch_table *t, struct watch_place place)
{
    const struct watch_link *l = &t->links[place.at];
    if (!place.generation || l->generation != place.generation)
        return NULL;
    if (t->n_linked - l->linked >= t->lag)
        watch_table_refresh(t, place.at);
    return t->entries + place.at * t->size;
}
struct watch_place watch_table_place(const struct watch_table *, const void *entry);
void *watch_table_at(const struct watch_table *, uint32_t at); /* below watch_table_number() */
/* From the longest silent to the newest; the first of NULL. NULL: no more. */
void *watch_table_next(const struct watch_table *, const void *entry);
uint32_t watch_table_number(const struct watch_table *);
size_t watch_table_octets(const struct watch_table *); /* of memory, whatever is in it */

#endif
