/* buf.h - a growing octet buffer to build messages and text in.
 *
 * Its error is sticky like the cursor's: once the limit is hit, everything more is dropped and
 * buf_err() says ERR_LIMIT. Offsets, not pointers, survive growth: reserve, remember buf->size,
 * patch later with buf_patch_be16(). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t size, capacity; /* octets used and allocated */
    size_t limit;          /* most octets it may hold; 0 means none */
    bool overflow;
};

#define BUF_INIT ((struct buf){0})

static inline struct buf
buf_limited(size_t limit)
{
    return (struct buf){.limit = limit};
}

void buf_fini(struct buf *); /* Frees the data; the struct is BUF_INIT again, limit kept. */
static inline void
buf_clear(struct buf *b)
{
    b->size = 0;
    b->overflow = false;
}

static inline enum err
buf_err(const struct buf *b)
{
    return b->overflow ? ERR_LIMIT : ERR_OK;
}

/* `size` octets at the end, zeroed; valid until the next call. NULL: the limit. */
uint8_t *buf_reserve(struct buf *, size_t size);
void buf_put(struct buf *, const void *, size_t size);
void buf_zero(struct buf *, size_t size);
void buf_u8(struct buf *, uint8_t);
void buf_be16(struct buf *, uint16_t);
void buf_be24(struct buf *, uint32_t);
void buf_be32(struct buf *, uint32_t);
void buf_be64(struct buf *, uint64_t);
/* Zeroes up to the next multiple of `align`, counted from offset `start`. */
void buf_pad(struct buf *, size_t start, size_t align);

/* Overwrites at `offset`; ignored where nothing was written (the buffer overflowed). */
void buf_patch_be16(struct buf *, size_t offset, uint16_t);
void buf_patch_be32(struct buf *, size_t offset, uint32_t);

/* Text. buf_cstr() puts a NUL behind it that is not counted, and returns it; never NULL. */
void buf_str(struct buf *, const char *);
void buf_printf(struct buf *, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *, const char *format, va_list) PRINTF_LIKE(2, 0);
const char *buf_cstr(struct buf *);
/* Hands over the text, NUL-terminated, to free(); the buffer is empty again. Never NULL. */
char *buf_steal_cstr(struct buf *);
/* Drops the first `size` octets. */
void buf_consume(struct buf *, size_t size);

#endif
