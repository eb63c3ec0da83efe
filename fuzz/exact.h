/* exact.h - copies of messages in which a sanitizer sees one octet too far, in either direction.
 *
 * A block of the heap does that too, but a fuzz target spends most of its time on blocks then. So a
 * copy lies in a ring that is poisoned but for the copy in use: behind its last octet and before
 * its first stands what must not be touched, and where copies were before is not touched either,
 * for as long as the ring has not come round. What is large for the ring is a block of the heap. */
#ifndef FUZZ_EXACT_H
#define FUZZ_EXACT_H

#include "fuzz.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#define EXACT_RING 65536
#define EXACT_GAP 64 /* octets between two copies, at least */

static _Alignas(16) uint8_t exact_ring[EXACT_RING];

/* One at a time; for exact_free(). Never NULL. */
static inline uint8_t *
exact_copy(const uint8_t *octets, size_t size)
{
    static size_t at;
    uint8_t *copy;
    if (size > EXACT_RING / 4) {
        copy = malloc(size);
    } else {
        if (!at)
            ASAN_POISON_MEMORY_REGION(exact_ring, sizeof exact_ring);
        if (!at || at + size + EXACT_GAP > sizeof exact_ring)
            at = EXACT_GAP;
        copy = exact_ring + at;
        at += (size + EXACT_GAP + 15) & ~(size_t)15;
        ASAN_UNPOISON_MEMORY_REGION(copy, size);
    }
    if (size)
        memcpy(copy, octets, size);
    return copy;
}

static inline void
exact_free(uint8_t *copy, size_t size)
{
    if (size > EXACT_RING / 4)
        free(copy);
    else
        ASAN_POISON_MEMORY_REGION(copy, (size + 15) & ~(size_t)15);
}

#endif
