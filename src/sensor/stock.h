/* stock.h - memory that is handed out piece by piece, read again in that order, and then used from
 * its beginning again: nothing is zeroed, and nothing moves. It has as many blocks as were needed
 * at once, of which STOCK_KEPT stay. One thread at a time. */
#ifndef SENSOR_STOCK_H
#define SENSOR_STOCK_H

#include <stddef.h>
#include <stdint.h>

#define STOCK_BLOCK ((size_t)128 << 10) /* octets; a larger piece has a block of its own */
#define STOCK_KEPT 16                   /* blocks, when it is empty */

struct stock_block {
    uint8_t *octets;
    size_t size, used;
};

/* All zero: empty. */
struct stock {
    struct stock_block *blocks;
    uint32_t n, capacity; /* blocks there are, and room for */
    uint32_t at;          /* block that is handed out of */
};

void stock_fini(struct stock *);
/* Empty again. */
void stock_reset(struct stock *);
size_t stock_octets(const struct stock *); /* that were handed out */

void *stock_take_new(struct stock *, size_t size); /* of the next block */

/* Of whole words, aligned for them. Never NULL. */
static inline void *
stock_take(struct stock *s, size_t size)
{
    struct stock_block *b = s->blocks ? &s->blocks[s->at] : NULL;
    size = (size + 7) & ~(size_t)7;
    if (!b || b->size - b->used < size)
        return stock_take_new(s, size);
    uint8_t *piece = b->octets + b->used;
    b->used += size;
    return piece;
}

/* A place in it: the next piece that is read. All zero: the first. */
struct stock_place {
    uint32_t block;
    size_t offset;
};

/* The piece at the place, of which the reader says how large it is once it has seen it. NULL: there
 * are no more. */
static inline const void *
stock_see(const struct stock *s, struct stock_place *at)
{
    if (at->block >= s->n)
        return NULL;
    while (at->offset == s->blocks[at->block].used) {
        if (at->block >= s->at)
            return NULL;
        *at = (struct stock_place){.block = at->block + 1};
    }
    return s->blocks[at->block].octets + at->offset;
}

static inline void
stock_pass(struct stock_place *at, size_t size)
{
    at->offset += (size + 7) & ~(size_t)7;
}

#endif
