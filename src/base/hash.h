/* hash.h - fast non-cryptographic hashing of short keys, after MurmurHash3's 64-bit finaliser
 * (Austin Appleby, public domain). Where a peer chooses the keys, seed it with hash_secret(). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
hash_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    h ^= h >> 33;
    return h;
}

/* Adds a word to a running hash: one multiplication, order matters. Finish with hash_mix(). */
static inline uint64_t
hash_add(uint64_t h, uint64_t word)
{
    h ^= word;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 32);
}

static inline uint64_t
hash_bytes(const void *data, size_t size, uint64_t seed)
{
    const uint8_t *p = data;
    uint64_t h = seed ^ size;
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = hash_add(h, word);
    }
    uint64_t word = 0;
    if (size)
        memcpy(&word, p, size);
    return hash_mix(hash_add(h, word));
}

/* The same random number for the life of the process. */
uint64_t hash_secret(void);

#endif
