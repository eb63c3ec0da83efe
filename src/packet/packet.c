#include "packet/packet.h"

#include "base/alloc.h"

#include <stdlib.h>

struct buffers {
    struct packet *packets; /* all of them */
    uint8_t *memory;
    struct packet *free; /* linked by `next` */
    uint32_t n, n_free, room;
};

struct packet_pool {
    struct buffers ordinary, jumbo;
};

static void
buffers_init(struct buffers *b, uint32_t n, uint32_t room, struct packet_pool *pool)
{
    uint32_t capacity = PACKET_HEADROOM + room;
    *b = (struct buffers){.n = n, .n_free = n, .room = room};
    b->packets = xcalloc(n, sizeof *b->packets);
    b->memory = xmalloc((size_t)n * capacity);
    for (uint32_t i = 0; i < n; i++) {
        struct packet *p = &b->packets[i];
        p->buffer = b->memory + (size_t)i * capacity;
        p->capacity = capacity;
        p->pool = pool;
        p->next = b->free;
        b->free = p;
    }
}

struct packet_pool *
packet_pool_new(uint32_t n, uint32_t n_jumbo)
{
    struct packet_pool *pool = xcalloc(1, sizeof *pool);
    buffers_init(&pool->ordinary, n, PACKET_ROOM, pool);
    buffers_init(&pool->jumbo, n_jumbo, PACKET_MAX, pool);
    return pool;
}

void
packet_pool_free(struct packet_pool *pool)
{
    if (!pool)
        return;
    free(pool->ordinary.packets);
    free(pool->ordinary.memory);
    free(pool->jumbo.packets);
    free(pool->jumbo.memory);
    free(pool);
}

uint32_t
packet_pool_available(const struct packet_pool *pool)
{
    return pool->ordinary.n_free;
}

static struct packet *
take(struct buffers *b)
{
    struct packet *p = b->free;
    if (!p)
        return NULL;
    b->free = p->next;
    b->n_free--;
    struct packet clean = {.data = p->buffer + PACKET_HEADROOM,
                           .n_refs = 1,
                           .buffer = p->buffer,
                           .capacity = p->capacity,
                           .pool = p->pool};
    *p = clean;
    return p;
}

struct packet *
packet_new(struct packet_pool *pool, uint32_t size)
{
    if (size <= PACKET_ROOM)
        return take(&pool->ordinary);
    return size <= PACKET_MAX ? take(&pool->jumbo) : NULL;
}

void
packet_release(struct packet *p)
{
    struct packet_pool *pool = p->pool;
    struct buffers *b = p->capacity == PACKET_HEADROOM + PACKET_ROOM ? &pool->ordinary
                                                                     : &pool->jumbo;
    p->next = b->free;
    b->free = p;
    b->n_free++;
}

struct packet *
packet_copy(const struct packet *p)
{
    return packet_copy_into(p->pool, p);
}

struct packet *
packet_copy_into(struct packet_pool *pool, const struct packet *p)
{
    struct packet *copy = packet_new(pool, p->size);
    if (!copy)
        return NULL;
    struct packet mine = *copy;
    *copy = *p;
    copy->data = mine.data;
    copy->buffer = mine.buffer;
    copy->capacity = mine.capacity;
    copy->pool = pool;
    copy->n_refs = 1;
    copy->next = NULL;
    memcpy(copy->data, p->data, p->size);
    return copy;
}

struct packet *
packet_writable(struct packet *p)
{
    if (p->n_refs == 1)
        return p;
    struct packet *copy = packet_copy(p);
    packet_unref(p);
    return copy;
}
