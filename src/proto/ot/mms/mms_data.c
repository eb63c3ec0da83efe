/* Values (ISO 9506-2 clause 14.4.2, IEC 61850-8-1 clause 8.1). */
#include "proto/ot/mms/mms_private.h"

#define DAYS_TO_1984 5113

/* UtcTime: seconds, a fraction of 24 bits, quality. */
static void
put_utc_time(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint32_t seconds = cursor_be32(c, "UTC time");
    uint64_t fraction = cursor_be24(c, "UTC time");
    uint8_t quality = cursor_u8(c, "UTC time");
    if (c->err)
        return;
    pdu_int(d, MMS_TIME, object,
            seconds * NSEC_PER_SEC + (int64_t)(fraction * (uint64_t)NSEC_PER_SEC >> 24));
    pdu_uint(d, MMS_TIME_QUALITY, object, quality);
}

/* TimeOfDay with the days since 1984; without them it tells no time. */
static void
put_binary_time(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint32_t ms = cursor_be32(c, "binary time");
    if (c->err || cursor_left(c) != 2)
        return;
    int64_t days = cursor_be16(c, "binary time");
    pdu_int(d, MMS_TIME, object,
            (days + DAYS_TO_1984) * 86400 * NSEC_PER_SEC + (int64_t)ms * NSEC_PER_MSEC);
}

static void
put_real(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint8_t exponent = cursor_u8(c, "floating point");
    if (exponent == 8 && cursor_left(c) == 4) {
        union {
            uint32_t bits;
            float value;
        } u = {.bits = cursor_be32(c, "floating point")};
        pdu_real(d, MMS_REAL, object, (double)u.value);
    } else if (exponent == 11 && cursor_left(c) == 8) {
        union {
            uint64_t bits;
            double value;
        } u = {.bits = cursor_be64(c, "floating point")};
        pdu_real(d, MMS_REAL, object, u.value);
    } else {
        cursor_fail(c, ERR_UNSUPPORTED, "floating point");
    }
}

/* Some leave out the zero that keeps the first bit from being a sign. */
static void
put_unsigned(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint64_t value = 0;
    size_t n = cursor_left(c);
    if (!n || n > 9 || (n == 9 && *c->pos))
        cursor_fail(c, ERR_INVALID, "unsigned");
    while (cursor_left(c))
        value = value << 8 | cursor_u8(c, "unsigned");
    if (!c->err)
        pdu_uint(d, MMS_UNSIGNED, object, value);
}

static void
put_octets(struct dissection *d, uint16_t id, uint16_t object, struct cursor *c)
{
    size_t size = cursor_left(c);
    pdu_octets(d, id, object, cursor_bytes(c, size, "value"), size);
}

static void
put_value(struct dissection *d, uint16_t object, uint32_t tag, struct cursor *c)
{
    switch (tag) {
    case BER_CONTEXT(3): {
        uint8_t value = cursor_u8(c, "boolean");
        if (!c->err)
            pdu_uint(d, MMS_BOOLEAN, object, value != 0);
        break;
    }
    case BER_CONTEXT(4):
        cursor_skip(c, 1, "bit string"); /* how many bits of the last octet are none */
        put_octets(d, MMS_BIT_STRING, object, c);
        break;
    case BER_CONTEXT(5): {
        int64_t value = ber_int(c, "integer");
        if (!c->err)
            pdu_int(d, MMS_INTEGER, object, value);
        break;
    }
    case BER_CONTEXT(6):
        put_unsigned(d, object, c);
        break;
    case BER_CONTEXT(7):
        put_real(d, object, c);
        break;
    case BER_CONTEXT(9):
        put_octets(d, MMS_OCTET_STRING, object, c);
        break;
    case BER_CONTEXT(10):
    case BER_CONTEXT(16):
        put_octets(d, MMS_VISIBLE_STRING, object, c);
        break;
    case BER_CONTEXT(12):
        put_binary_time(d, object, c);
        break;
    case BER_CONTEXT(17):
        put_utc_time(d, object, c);
        break;
    default:
        put_octets(d, MMS_VALUE, object, c);
    }
}

void
mms_data(struct dissection *d, uint16_t object, struct cursor *c)
{
    struct cursor stack[MMS_DEPTH];
    unsigned depth = 0;
    uint32_t tag;
    struct cursor value = ber_read(c, &tag, "value");
    if (tag != BER_CONSTRUCTED(1) && tag != BER_CONSTRUCTED(2)) {
        if (!value.err)
            put_value(d, object, tag, &value);
        mms_up(c, &value);
        return;
    }
    for (stack[0] = value;;) { /* arrays and structures */
        struct cursor *at = &stack[depth];
        if (!cursor_left(at)) {
            mms_up(c, at);
            if (c->err || !depth--)
                return;
            continue;
        }
        struct cursor part = ber_read(at, &tag, "value");
        if (part.err)
            continue; /* and so has what it is in */
        if (tag != BER_CONSTRUCTED(1) && tag != BER_CONSTRUCTED(2)) {
            put_value(d, object, tag, &part);
            mms_up(at, &part);
        } else if (depth + 1 == MMS_DEPTH) {
            cursor_fail(at, ERR_LIMIT, "values within values");
        } else {
            stack[++depth] = part;
        }
    }
}
