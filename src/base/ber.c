#include "base/ber.h"

#include <string.h>

#define HIGH_TAG 0x1fu /* clause 8.1.2.4: these five bits announce more identifier octets */

/* Clause 8.1.2. Zero after an error; no valid tag is zero here, because [UNIVERSAL 0] is only the
 * end of an indefinite length, which is not supported. */
static uint32_t
read_tag(struct cursor *c, const char *what)
{
    uint8_t identifier = cursor_u8(c, what);
    if ((identifier & HIGH_TAG) != HIGH_TAG)
        return identifier;
    uint32_t number = 0;
    for (;;) {
        uint8_t octet = cursor_u8(c, what);
        if (c->err)
            return 0;
        if (number > 0xffffffu >> 7) {
            cursor_fail(c, ERR_UNSUPPORTED, what);
            return 0;
        }
        number = number << 7 | (octet & 0x7f);
        if (!(octet & 0x80))
            return BER_HIGH_TAG(identifier, number);
    }
}

/* Clause 8.1.3. */
static size_t
read_length(struct cursor *c, const char *what)
{
    uint8_t first = cursor_u8(c, what);
    if (first < 0x80)
        return first;
    if (first == 0x80 || first == 0xff) { /* indefinite; reserved */
        cursor_fail(c, first == 0x80 ? ERR_UNSUPPORTED : ERR_MALFORMED, what);
        return 0;
    }
    size_t length = 0;
    for (unsigned n = first & 0x7f; n > 0; n--) {
        if (length > SIZE_MAX >> 8) {
            cursor_fail(c, ERR_TRUNCATED, what); /* nothing here is that long */
            return 0;
        }
        length = length << 8 | cursor_u8(c, what);
    }
    return length;
}

uint32_t
ber_peek(const struct cursor *c)
{
    if (cursor_left(c) == 0)
        return BER_NONE;
    if ((*c->pos & HIGH_TAG) != HIGH_TAG)
        return *c->pos;
    struct cursor copy = *c;
    uint32_t tag = read_tag(&copy, "tag");
    return copy.err ? BER_NONE : tag;
}

struct cursor
ber_read(struct cursor *c, uint32_t *tag, const char *what)
{
    uint32_t found;
    size_t length;
    if (cursor_left(c) >= 2 && (c->pos[0] & HIGH_TAG) != HIGH_TAG && c->pos[1] < 0x80) {
        found = c->pos[0]; /* as nearly all are */
        length = c->pos[1];
        c->pos += 2;
    } else {
        found = read_tag(c, what);
        length = read_length(c, what);
    }
    if (tag)
        *tag = c->err ? BER_NONE : found;
    return cursor_split(c, length, what);
}

struct cursor
ber_expect(struct cursor *c, uint32_t tag, const char *what)
{
    if (cursor_left(c) == 0)
        cursor_fail(c, ERR_TRUNCATED, what);
    else if (ber_peek(c) != tag)
        cursor_fail(c, ERR_MALFORMED, what);
    return ber_read(c, NULL, what);
}

/* Takes all that is left of `value`, sign-extended to 64 bits; fails, with nothing read, when more
 * than 64 bits are significant. `*negative` is the sign on the wire. */
static uint64_t
peek_integer(struct cursor *value, bool *negative, const char *what)
{
    size_t size = cursor_left(value);
    *negative = false;
    if (size == 0) {
        cursor_fail(value, ERR_MALFORMED, what);
        return 0;
    }
    const uint8_t *octets = value->pos;
    *negative = octets[0] & 0x80;
    uint8_t sign = *negative ? 0xff : 0;
    uint64_t bits = *negative ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        if (size - i > 8 && octets[i] != sign)
            cursor_fail(value, ERR_INVALID, what);
        bits = bits << 8 | octets[i];
    }
    return bits;
}

static uint64_t
read_unsigned(struct cursor *value, uint64_t max, const char *what)
{
    bool negative;
    uint64_t bits = peek_integer(value, &negative, what);
    if (negative || bits > max)
        cursor_fail(value, ERR_INVALID, what);
    return cursor_bytes(value, cursor_left(value), what) ? bits : 0;
}

int64_t
ber_int(struct cursor *value, const char *what)
{
    bool negative;
    int64_t bits = (int64_t)peek_integer(value, &negative, what);
    if (negative != (bits < 0))
        cursor_fail(value, ERR_INVALID, what);
    return cursor_bytes(value, cursor_left(value), what) ? bits : 0;
}

uint64_t
ber_uint(struct cursor *value, const char *what)
{
    return read_unsigned(value, UINT64_MAX, what);
}

bool
ber_get_bool(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    if (!value.err && cursor_left(&value) != 1)
        cursor_fail(&value, ERR_MALFORMED, what);
    bool result = cursor_u8(&value, what);
    cursor_join(c, &value);
    return result;
}

int64_t
ber_get_int(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    int64_t result = ber_int(&value, what);
    cursor_join(c, &value);
    return result;
}

uint64_t
ber_get_uint(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    uint64_t result = ber_uint(&value, what);
    cursor_join(c, &value);
    return result;
}

uint32_t
ber_get_uint32(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    uint64_t result = read_unsigned(&value, UINT32_MAX, what);
    cursor_join(c, &value);
    return (uint32_t)result;
}

struct ber_text
ber_get_text(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    size_t size = cursor_left(&value);
    return (struct ber_text){.data = (const char *)cursor_bytes(&value, size, what), .size = size};
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void
write_tag(struct buf *b, uint32_t tag)
{
    if (tag <= 0xff) {
        buf_u8(b, (uint8_t)tag);
        return;
    }
    uint32_t number = tag & 0xffffff;
    buf_u8(b, (uint8_t)(tag >> 24));
    int shift = 0;
    while (number >> shift >> 7)
        shift += 7;
    for (; shift >= 0; shift -= 7)
        buf_u8(b, (uint8_t)((number >> shift & 0x7f) | (shift ? 0x80 : 0)));
}

size_t
ber_begin(struct buf *b, uint32_t tag)
{
    write_tag(b, tag);
    buf_u8(b, 0); /* the length, when it is short */
    return b->size;
}

void
ber_end(struct buf *b, size_t begin)
{
    if (b->overflow)
        return;
    size_t length = b->size - begin;
    if (length < 0x80) {
        b->data[begin - 1] = (uint8_t)length;
        return;
    }
    unsigned n = 0; /* octets the length needs */
    for (size_t rest = length; rest; rest >>= 8)
        n++;
    if (!buf_reserve(b, n))
        return;
    memmove(b->data + begin + n, b->data + begin, length);
    b->data[begin - 1] = (uint8_t)(0x80 | n);
    for (unsigned i = 0; i < n; i++)
        b->data[begin + i] = (uint8_t)(length >> 8 * (n - 1 - i));
}

void
ber_put(struct buf *b, uint32_t tag, const void *value, size_t size)
{
    size_t begin = ber_begin(b, tag);
    buf_put(b, value, size);
    ber_end(b, begin);
}

void
ber_put_bool(struct buf *b, uint32_t tag, bool value)
{
    uint8_t octet = value;
    ber_put(b, tag, &octet, 1);
}

/* The nine octets hold any int64_t and any uint64_t; the first ones go while they only repeat the
 * sign. */
static void
put_integer(struct buf *b, uint32_t tag, uint8_t sign, uint64_t bits)
{
    uint8_t octets[9] = {sign};
    put_be64(octets + 1, bits);
    size_t skip = 0;
    while (skip < 8 && octets[skip] == sign && (octets[skip + 1] & 0x80) == (sign & 0x80))
        skip++;
    ber_put(b, tag, octets + skip, sizeof octets - skip);
}

void
ber_put_int(struct buf *b, uint32_t tag, int64_t value)
{
    put_integer(b, tag, value < 0 ? 0xff : 0, (uint64_t)value);
}

void
ber_put_uint(struct buf *b, uint32_t tag, uint64_t value)
{
    put_integer(b, tag, 0, value);
}
