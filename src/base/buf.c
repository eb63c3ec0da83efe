#include "base/buf.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.limit = b->limit};
}

/* Room for `size` more octets, and one for a NUL. */
static bool
make_room(struct buf *b, size_t size)
{
    size_t need;
    if (b->overflow || __builtin_add_overflow(b->size, size, &need) ||
        (b->limit && need > b->limit)) {
        b->overflow = true;
        return false;
    }
    if (need + 1 > b->capacity) {
        size_t capacity = MAX(b->capacity * 2, 64);
        b->capacity = MAX(capacity, need + 1);
        b->data = xrealloc(b->data, b->capacity, 1);
    }
    return true;
}

uint8_t *
buf_reserve(struct buf *b, size_t size)
{
    if (!make_room(b, size))
        return NULL;
    uint8_t *p = b->data + b->size;
    memset(p, 0, size);
    b->size += size;
    return p;
}

void
buf_put(struct buf *b, const void *data, size_t size)
{
    if (!make_room(b, size))
        return;
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

void
buf_zero(struct buf *b, size_t size)
{
    (void)buf_reserve(b, size);
}

void
buf_u8(struct buf *b, uint8_t v)
{
    buf_put(b, &v, 1);
}

void
buf_be16(struct buf *b, uint16_t v)
{
    uint8_t p[2];
    put_be16(p, v);
    buf_put(b, p, sizeof p);
}

void
buf_be24(struct buf *b, uint32_t v)
{
    uint8_t p[3];
    put_be24(p, v);
    buf_put(b, p, sizeof p);
}

void
buf_be32(struct buf *b, uint32_t v)
{
    uint8_t p[4];
    put_be32(p, v);
    buf_put(b, p, sizeof p);
}

void
buf_be64(struct buf *b, uint64_t v)
{
    uint8_t p[8];
    put_be64(p, v);
    buf_put(b, p, sizeof p);
}

void
buf_pad(struct buf *b, size_t start, size_t align)
{
    size_t rest = (b->size - start) % align;
    if (rest)
        buf_zero(b, align - rest);
}

void
buf_patch_be16(struct buf *b, size_t offset, uint16_t v)
{
    if (offset + 2 <= b->size)
        put_be16(b->data + offset, v);
}

void
buf_patch_be32(struct buf *b, size_t offset, uint32_t v)
{
    if (offset + 4 <= b->size)
        put_be32(b->data + offset, v);
}

void
buf_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void
buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    size_t room = b->capacity - b->size;
    va_copy(again, args);
    int n = vsnprintf(room ? (char *)b->data + b->size : NULL, room, format, again);
    va_end(again);
    if (n < 0 || !make_room(b, (size_t)n))
        return;
    if ((size_t)n >= room) /* it had no place */
        vsnprintf((char *)b->data + b->size, (size_t)n + 1, format, args);
    b->size += (size_t)n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

const char *
buf_cstr(struct buf *b)
{
    if (!b->data)
        (void)make_room(b, 0);
    if (!b->data)
        return "";
    b->data[b->size] = '\0';
    return (const char *)b->data;
}

char *
buf_steal_cstr(struct buf *b)
{
    (void)buf_cstr(b);
    char *text = b->data ? (char *)b->data : xstrdup("");
    *b = (struct buf){.limit = b->limit};
    return text;
}

void
buf_consume(struct buf *b, size_t size)
{
    if (size >= b->size) {
        b->size = 0;
        return;
    }
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
}
