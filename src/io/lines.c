#include "io/lines.h"

#include <string.h>

/* Octets of an empty buffer that are kept; what one huge line needed is given back. */
#define KEEP ((size_t)65536)

void
lines_fini(struct lines *lines)
{
    buf_fini(&lines->buf);
    *lines = lines_limited(lines->limit);
}

void
lines_put(struct lines *lines, const void *data, size_t size)
{
    if (lines->at) {
        buf_consume(&lines->buf, lines->at);
        lines->scanned -= lines->at;
        lines->at = 0;
    }
    if (lines->buf.size == 0 && lines->buf.capacity > KEEP)
        buf_fini(&lines->buf);
    buf_put(&lines->buf, data, size);
}

const char *
lines_next(struct lines *lines, size_t *size)
{
    const struct buf *b = &lines->buf;
    if (lines->too_long || lines->scanned >= b->size)
        return NULL;
    const char *line = (const char *)b->data + lines->at;
    const char *from = (const char *)b->data + lines->scanned;
    const char *end = memchr(from, '\n', b->size - lines->scanned);
    size_t length = end ? (size_t)(end - line) : b->size - lines->at;
    lines->too_long = length > lines->limit;
    if (!end)
        lines->scanned = b->size;
    if (!end || lines->too_long)
        return NULL;
    lines->at += length + 1;
    lines->scanned = lines->at;
    *size = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
    return line;
}
