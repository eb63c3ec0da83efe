/* arena.h - memory that is allocated piece by piece and freed at once, within a budget.
 *
 * What lives together is allocated together: one decoded message, one generation of a policy. The
 * budget bounds what a peer can make us allocate; when it is used up, arena_alloc() returns NULL
 * and the caller fails with ERR_LIMIT. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/attr.h"

#include <stddef.h>

struct arena;

/* Never NULL. `budget` bounds the sum of what is allocated, in octets, rounding included. */
struct arena *arena_new(size_t budget);
void arena_free(struct arena *); /* NULL is fine. */
/* Frees everything in it, keeps the arena and one block for reuse. */
void arena_reset(struct arena *);
/* Octets handed out since the start or the last reset. */
size_t arena_used(const struct arena *);

/* Zeroed, aligned for any type. NULL: the budget does not allow it. */
MUST_CHECK void *arena_alloc(struct arena *, size_t size);
MUST_CHECK void *arena_calloc(struct arena *, size_t n, size_t size);
MUST_CHECK void *arena_memdup(struct arena *, const void *, size_t size);
/* Copies `length` characters and adds a NUL. */
MUST_CHECK char *arena_strndup(struct arena *, const char *, size_t length);
MUST_CHECK char *arena_strdup(struct arena *, const char *);

#endif
