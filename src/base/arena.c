#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)4096)

struct block {
    struct block *next;
    size_t size, used; /* of `data`, in octets */
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct block *blocks; /* the newest first; only that one is allocated from */
    size_t budget, used;
};

struct arena *
arena_new(size_t budget)
{
    struct arena *arena = xcalloc(1, sizeof *arena);
    arena->budget = budget;
    return arena;
}

static void
free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void
arena_free(struct arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->blocks);
    free(arena);
}

void
arena_reset(struct arena *arena)
{
    arena->used = 0;
    if (!arena->blocks)
        return;
    free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
    memset(arena->blocks->data, 0, arena->blocks->used);
    arena->blocks->used = 0;
}

size_t
arena_used(const struct arena *arena)
{
    return arena->used;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > arena->budget)
        return NULL;
    size = (MAX(size, 1) + align - 1) / align * align;
    if (size > arena->budget - arena->used)
        return NULL;
    struct block *block = arena->blocks;
    if (!block || size > block->size - block->used) {
        size_t room = MAX(size, BLOCK_SIZE);
        if (block)
            room = MAX(size, MIN(block->size * 2, (size_t)1 << 20));
        block = xcalloc(1, sizeof *block + room);
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *result = block->data + block->used;
    block->used += size;
    arena->used += size;
    return result;
}

void *
arena_calloc(struct arena *arena, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

void *
arena_memdup(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (copy && size)
        memcpy(copy, data, size);
    return copy;
}

char *
arena_strndup(struct arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}
