/* alloc.h - small allocations, which abort when the machine is out of memory. Anything whose size a
 * peer chooses comes from an arena with a budget instead (arena.h). */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "base/attr.h"

#include <stdarg.h>
#include <stddef.h>

/* Never NULL. xcalloc() zeroes; the product is checked for overflow. free() releases. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *, size_t length) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *, size_t size) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));
char *xvasprintf(const char *format, va_list) PRINTF_LIKE(1, 0) __attribute__((returns_nonnull));

/* Makes room for one more element in `array`, doubling `capacity` when `n` has reached it. */
#define GROW(array, n, capacity)                                                                   \
    do {                                                                                           \
        if ((n) == (capacity)) {                                                                   \
            (capacity) = (capacity) ? (capacity)*2 : 8;                                            \
            (array) = xrealloc((array), (capacity), sizeof *(array));                              \
        }                                                                                          \
    } while (0)

#endif
