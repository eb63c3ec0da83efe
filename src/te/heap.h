/* heap.h - a heap of four children to a node, of keys and what they are keys of; the least first,
 * of equal keys the lowest item. For searches whose items are made as they go; digraph.c, whose
 * items are known beforehand, has one in which they move. */
#ifndef TE_HEAP_H
#define TE_HEAP_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

struct te_heap {
    struct te_heap_entry {
        uint64_t key, item;
    } * entries;
    uint32_t n, capacity;
};

static inline bool
te_heap_less(const struct te_heap_entry *a, const struct te_heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->item < b->item);
}

static inline UNUSED void
te_heap_push(struct te_heap *h, uint64_t key, uint64_t item)
{
    const struct te_heap_entry e = {key, item};
    GROW(h->entries, h->n, h->capacity);
    uint32_t at = h->n++;
    for (; at > 0 && te_heap_less(&e, &h->entries[(at - 1) / 4]); at = (at - 1) / 4)
        h->entries[at] = h->entries[(at - 1) / 4];
    h->entries[at] = e;
}

/* There must be one. */
static inline UNUSED struct te_heap_entry
te_heap_pop(struct te_heap *h)
{
    struct te_heap_entry top = h->entries[0], last = h->entries[--h->n];
    uint32_t at = 0;
    for (;;) {
        uint32_t first = 4 * at + 1, least = first, end = MIN(first + 4, h->n);
        if (first >= h->n)
            break;
        for (uint32_t child = first + 1; child < end; child++)
            least = te_heap_less(&h->entries[child], &h->entries[least]) ? child : least;
        if (!te_heap_less(&h->entries[least], &last))
            break;
        h->entries[at] = h->entries[least];
        at = least;
    }
    h->entries[at] = last;
    return top;
}

#endif
