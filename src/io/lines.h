/* lines.h - cuts a byte stream into lines. Pure. */
#ifndef IO_LINES_H
#define IO_LINES_H

#include "base/buf.h"

#include <stdbool.h>

struct lines {
    struct buf buf;
    size_t at;      /* where the next line starts */
    size_t scanned; /* no line feed from there to here */
    size_t limit;   /* octets in a line, its line feed not counted */
    bool too_long;
};

static inline struct lines
lines_limited(size_t limit)
{
    return (struct lines){.limit = limit};
}

void lines_fini(struct lines *);

/* Adds what arrived. Then take all lines out with lines_next() before adding more. */
void lines_put(struct lines *, const void *data, size_t size);

/* The next complete line, without its line feed (and without a carriage return before that), valid
 * until the next lines_put(); NULL when none is complete. A line above the limit never is: too_long
 * tells, nothing comes any more, and the owner should give up on the sender. */
const char *lines_next(struct lines *, size_t *size);

#endif
