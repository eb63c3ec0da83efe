/* cells.h - what is remembered by a key of 64 bits: cells of one size, a bounded number of them.
 * Eight to a set, so keys that fall together may make it grow, or forget, long before it is full.
 * Where a set is full and the table may not grow, the cell that was asked for longest ago makes
 * room, and is counted. Pure. */
#ifndef DETECT_CELLS_H
#define DETECT_CELLS_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cells; /* Opaque. */

/* `most` cells at most, of `size` octets each; it begins small. Never NULL. */
struct cells *cells_new(uint32_t most, size_t size);
void cells_free(struct cells *); /* NULL is fine */

/* The key's cell, for which this is a use; NULL: there is none. Valid until cells_make(). */
void *cells_find(struct cells *, uint64_t key, nsec_t now);
/* ... made and zeroed if there is none; `*is_new` says so. Never NULL. */
void *cells_make(struct cells *, uint64_t key, nsec_t now, bool *is_new);

uint32_t cells_number(const struct cells *);
uint64_t cells_forgotten(const struct cells *); /* that made room */
/* All of them, in no order. */
void cells_each(struct cells *, void (*)(void *arg, uint64_t key, void *cell), void *arg);

#endif
