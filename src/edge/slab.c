#include "edge/slab.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SMALL_CHUNK ((size_t)16 << 10)
#define LARGE_CHUNK ((size_t)2 << 20) /* one huge page */
#define MANY 2048u                    /* objects of a size that make its chunks large */

#if defined(__SANITIZE_ADDRESS__)
#define ONE_BY_ONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_BY_ONE 1
#endif
#endif

struct slab_chunk {
    struct slab_chunk *next;
    size_t size;
    _Alignas(SLAB_ALIGN) uint8_t objects[];
};

static size_t
class_of(size_t size)
{
    return (size + SLAB_ALIGN - 1) / SLAB_ALIGN;
}

void
slab_init(struct slab *slab)
{
    memset(slab, 0, sizeof *slab);
}

static void
free_chunks(struct slab_class *class)
{
    while (class->chunks) {
        struct slab_chunk *chunk = class->chunks;
        class->chunks = chunk->next;
        free(chunk);
    }
    *class = (struct slab_class){0};
}

void
slab_fini(struct slab *slab)
{
    for (size_t i = 0; i < ARRAY_SIZE(slab->classes); i++)
        free_chunks(&slab->classes[i]);
}

#ifdef ONE_BY_ONE

void *
slab_new(struct slab *slab, size_t size)
{
    slab->classes[class_of(size)].n_used++;
    return xcalloc(1, size);
}

void
slab_free(struct slab *slab, void *object, size_t size)
{
    slab->classes[class_of(size)].n_used--;
    free(object);
}

#else

static void
add_chunk(struct slab_class *class, size_t object_size)
{
    struct slab_chunk *chunk = NULL;
    size_t size = class->n_used < MANY ? SMALL_CHUNK : LARGE_CHUNK;
    if (posix_memalign((void **)&chunk, size == LARGE_CHUNK ? LARGE_CHUNK : 64, size))
        abort();
    if (size == LARGE_CHUNK) /* refused: small pages do as well, and slower */
        (void)madvise(chunk, size, MADV_HUGEPAGE);
    chunk->next = class->chunks;
    chunk->size = size;
    class->chunks = chunk;
    class->n_fresh = (uint32_t)((size - sizeof *chunk) / object_size);
}

void *
slab_new(struct slab *slab, size_t size)
{
    struct slab_class *class = &slab->classes[class_of(size)];
    size_t object_size = class_of(size) * SLAB_ALIGN;
    void *object = class->free;
    if (object) {
        class->free = *(void **)object;
    } else {
        if (!class->n_fresh)
            add_chunk(class, object_size);
        object = class->chunks->objects + --class->n_fresh * object_size;
    }
    class->n_used++;
    return memset(object, 0, size);
}

void
slab_free(struct slab *slab, void *object, size_t size)
{
    struct slab_class *class = &slab->classes[class_of(size)];
    *(void **)object = class->free;
    class->free = object;
    if (!--class->n_used)
        free_chunks(class);
}

#endif
