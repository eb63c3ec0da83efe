#include "edge/ring.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Each record: its size, whether it is only filling up to the ring's end, then the octets. */
struct header {
    uint32_t size;
    uint32_t filler;
};

static uint32_t
space_for(uint32_t size)
{
    return (uint32_t)sizeof(struct header) + (size + 7) / 8 * 8;
}

void
ring_init(struct ring *ring, uint32_t size)
{
    uint32_t rounded = 4096;
    while (rounded < size)
        rounded *= 2;
    ring->data = xmalloc(rounded);
    ring->size = rounded;
    ring->reserved = 0;
    atomic_init(&ring->produced, 0);
    atomic_init(&ring->consumed, 0);
}

void
ring_fini(struct ring *ring)
{
    free(ring->data);
    ring->data = NULL;
}

static struct header *
header_at(struct ring *ring, uint32_t position)
{
    return (struct header *)(void *)(ring->data + (position & (ring->size - 1)));
}

void *
ring_reserve(struct ring *ring, uint32_t size)
{
    uint32_t produced = atomic_load_explicit(&ring->produced, memory_order_relaxed);
    uint32_t consumed = atomic_load_explicit(&ring->consumed, memory_order_acquire);
    uint32_t need = space_for(size), to_end = ring->size - (produced & (ring->size - 1));
    if (size > ring->size / 2)
        return NULL;
    uint32_t filler = need > to_end ? to_end : 0; /* a record does not wrap round */
    if (need + filler > ring->size - (produced - consumed))
        return NULL;
    if (filler) {
        *header_at(ring, produced) = (struct header){filler - (uint32_t)sizeof(struct header), 1};
        produced += filler;
    }
    *header_at(ring, produced) = (struct header){size, 0};
    ring->reserved = produced;
    return header_at(ring, produced) + 1;
}

void
ring_commit(struct ring *ring)
{
    uint32_t end = ring->reserved + space_for(header_at(ring, ring->reserved)->size);
    atomic_store_explicit(&ring->produced, end, memory_order_release);
}

bool
ring_is_empty(struct ring *ring)
{
    return atomic_load_explicit(&ring->consumed, memory_order_acquire) ==
           atomic_load_explicit(&ring->produced, memory_order_acquire);
}

uint32_t
ring_used(struct ring *ring)
{
    return atomic_load_explicit(&ring->produced, memory_order_relaxed) -
           atomic_load_explicit(&ring->consumed, memory_order_acquire);
}

uint32_t
ring_position(struct ring *ring)
{
    return atomic_load_explicit(&ring->produced, memory_order_acquire);
}

bool
ring_is_past(struct ring *ring, uint32_t position)
{
    uint32_t consumed = atomic_load_explicit(&ring->consumed, memory_order_acquire);
    return (int32_t)(consumed - position) >= 0;
}

void *
ring_peek(struct ring *ring, uint32_t *size)
{
    uint32_t consumed = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    uint32_t produced = atomic_load_explicit(&ring->produced, memory_order_acquire);
    if (consumed == produced)
        return NULL;
    struct header *h = header_at(ring, consumed);
    if (h->filler) { /* a record always follows a filler */
        consumed += space_for(h->size);
        atomic_store_explicit(&ring->consumed, consumed, memory_order_release);
        h = header_at(ring, consumed);
    }
    *size = h->size;
    return h + 1;
}

void
ring_release(struct ring *ring)
{
    uint32_t consumed = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    consumed += space_for(header_at(ring, consumed)->size);
    atomic_store_explicit(&ring->consumed, consumed, memory_order_release);
}
