/* slab.h - many objects of a few sizes, close together.
 *
 * A table of a million entries is read at random by packets: what decides is how many of its pages
 * the processor's address cache covers. So objects come from chunks in huge pages, where the kernel
 * has them, without an allocator's words in between, and aligned so that the first 32 octets share
 * a cache line. Chunks are small at first and large when there are many objects; they are kept for
 * new objects, and given back when no object of their size is left.
 *
 * One thread only. Under AddressSanitizer every object is an allocation of its own, so that it sees
 * what is used after it was freed. */
#ifndef EDGE_SLAB_H
#define EDGE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_SIZE_MAX 512u /* octets of the largest object */
#define SLAB_ALIGN 32u

struct slab_chunk;

struct slab {
    struct slab_class {
        void *free;                /* linked through their first word */
        struct slab_chunk *chunks; /* all of them */
        uint32_t n_used;
        uint32_t n_fresh; /* left in the first chunk, never handed out */
    } classes[SLAB_SIZE_MAX / SLAB_ALIGN + 1];
};

void slab_init(struct slab *);
void slab_fini(struct slab *); /* The objects go with it. */

/* Zeroed. Never NULL; `size` at most SLAB_SIZE_MAX. */
void *slab_new(struct slab *, size_t size);
void slab_free(struct slab *, void *object, size_t size); /* the size it was asked for with */

#endif
