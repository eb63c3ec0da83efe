#include "edge/slots.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void
slots_init(struct slots *s, void *base, uint32_t stride, uint32_t n)
{
    *s = (struct slots){.base = base, .stride = stride, .n = n, .n_free = n};
    s->free = xcalloc(n, sizeof *s->free);
    for (uint32_t i = 0; i < n; i++)
        s->free[i] = n - 1 - i;
}

void
slots_fini(struct slots *s)
{
    free(s->free);
    *s = (struct slots){.base = NULL};
}

void *
slots_take(struct slots *s)
{
    if (!s || !s->n_free)
        return NULL;
    void *place = s->base + (size_t)s->free[--s->n_free] * s->stride;
    memset(place, 0, s->stride);
    return place;
}

void
slots_give(struct slots *s, void *place)
{
    s->free[s->n_free++] = slots_index(s, place);
}

bool
slots_has(const struct slots *s, const void *place)
{
    const uint8_t *p = place;
    return s && p >= s->base && p < s->base + (size_t)s->n * s->stride;
}

uint32_t
slots_index(const struct slots *s, const void *place)
{
    return (uint32_t)((size_t)((const uint8_t *)place - s->base) / s->stride);
}
