/* pages.h - zeroed memory in whole pages, of one region of fixed size: for what is remembered of
 * conversations, which is large, and mostly not touched. Of the region only what was written is
 * resident. Bounded; one thread. */
#ifndef SENSOR_PAGES_H
#define SENSOR_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define PAGES_SIZE 4096u

struct pages; /* Opaque. */

/* Of at least so many octets. Never NULL: what the system does not give is not there to be taken.
 */
struct pages *pages_new(size_t size);
void pages_free(struct pages *); /* NULL is fine; what was taken is gone */
/* NULL: so much is not free in one piece, or was not found soon. */
void *pages_take(struct pages *, size_t size);
/* False: it is not of this region. `size` as it was taken. */
bool pages_give_back(struct pages *, void *, size_t size);

#endif
