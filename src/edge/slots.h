/* slots.h - fixed-size places in memory that somebody else provides: here, what the kernel's fast
 * path shares with the tables. Control thread only. */
#ifndef EDGE_SLOTS_H
#define EDGE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct slots {
    uint8_t *base;
    uint32_t stride, n;
    uint32_t *free; /* indices of the free ones */
    uint32_t n_free;
};

/* `base` stays the caller's. */
void slots_init(struct slots *, void *base, uint32_t stride, uint32_t n);
void slots_fini(struct slots *);

/* A zeroed place; NULL: none is left, or there are no slots (`NULL`). */
void *slots_take(struct slots *);
/* Gives it back. */
void slots_give(struct slots *, void *place);
/* Is it one of these places? Any thread. */
bool slots_has(const struct slots *, const void *place);
/* Its number; it must be one of them. Any thread. */
uint32_t slots_index(const struct slots *, const void *place);

#endif
