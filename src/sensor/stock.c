#include "sensor/stock.h"

#include "base/alloc.h"

#include <stdlib.h>

void
stock_fini(struct stock *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free(s->blocks[i].octets);
    free(s->blocks);
    *s = (struct stock){0};
}

void
stock_reset(struct stock *s)
{
    while (s->n > STOCK_KEPT)
        free(s->blocks[--s->n].octets);
    for (uint32_t i = 0; i < s->n; i++)
        s->blocks[i].used = 0;
    s->at = 0;
}

size_t
stock_octets(const struct stock *s)
{
    size_t octets = 0;
    for (uint32_t i = 0; i < s->n; i++)
        octets += s->blocks[i].used;
    return octets;
}

void *
stock_take_new(struct stock *s, size_t size)
{
    if (s->n)
        s->at++;
    if (s->at == s->n) {
        GROW(s->blocks, s->n, s->capacity);
        s->blocks[s->n++] = (struct stock_block){.octets = NULL};
    }
    struct stock_block *b = &s->blocks[s->at];
    if (b->size < size) {
        free(b->octets);
        b->size = size > STOCK_BLOCK ? size : STOCK_BLOCK;
        b->octets = xmalloc(b->size);
    }
    b->used = size;
    return b->octets;
}
