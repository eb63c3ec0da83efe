/* ring.h - records of any size from one thread to one other, without locks.
 *
 * A byte ring: the producer reserves, fills and commits; the consumer peeks and releases. A record
 * that does not fit is refused, and the producer counts it. */
#ifndef EDGE_RING_H
#define EDGE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *data;
    uint32_t size;                          /* a power of two */
    _Alignas(64) _Atomic uint32_t produced; /* octets, modulo 2^32 */
    _Alignas(64) _Atomic uint32_t consumed;
    uint32_t reserved; /* producer's: where the reserved record starts */
};

void ring_init(struct ring *, uint32_t size); /* rounded up to a power of two, at least 4096 */
void ring_fini(struct ring *);

/* Room for a record of `size` octets, aligned to 8; NULL if the ring has none. */
void *ring_reserve(struct ring *, uint32_t size);
/* Publishes the record last reserved. */
void ring_commit(struct ring *);
/* Either thread: everything committed so far has been released. */
bool ring_is_empty(struct ring *);

/* Producer: octets that are not released yet; of ring->size. */
uint32_t ring_used(struct ring *);
/* Any thread: how far it has been filled; and has all up to there been released? */
uint32_t ring_position(struct ring *);
bool ring_is_past(struct ring *, uint32_t position);

/* The oldest record, and its size; NULL if there is none. It stays until ring_release(). */
void *ring_peek(struct ring *, uint32_t *size);
void ring_release(struct ring *);

#endif
