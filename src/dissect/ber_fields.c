#include "dissect/ber_fields.h"

#include "base/iec61850.h"

static void
put_fixed(struct dissection *d, struct cursor *value, const struct ber_field *row, uint16_t object)
{
    uint64_t number = 0;
    if (cursor_left(value) != row->size)
        cursor_fail(value, ERR_MALFORMED, row->name);
    while (cursor_left(value))
        number = number << 8 | cursor_u8(value, row->name);
    if (!value->err)
        pdu_uint(d, row->field, object, number);
}

static void
put_time(struct dissection *d, struct cursor *value, const struct ber_field *row, uint16_t object)
{
    struct iec61850_time t = iec61850_time_decode(value, row->name);
    if (cursor_left(value))
        cursor_fail(value, ERR_MALFORMED, row->name);
    if (value->err)
        return;
    pdu_int(d, row->field, object, iec61850_time_wall(t));
    pdu_uint(d, row->field + 1, object, t.quality);
}

static void
put_value(struct dissection *d, struct cursor *value, const struct ber_field *row, uint16_t object)
{
    size_t n = cursor_left(value);
    uint64_t number;
    switch (row->kind) {
    case BER_KIND_TEXT:
    case BER_KIND_OCTETS:
        pdu_octets(d, row->field, object, cursor_bytes(value, n, row->name), n);
        break;
    case BER_KIND_BOOL:
        if (n != 1)
            cursor_fail(value, ERR_MALFORMED, row->name);
        number = cursor_u8(value, row->name);
        if (!value->err)
            pdu_uint(d, row->field, object, number != 0);
        break;
    case BER_KIND_UINT:
        number = ber_uint(value, row->name);
        if (!value->err)
            pdu_uint(d, row->field, object, number);
        break;
    case BER_KIND_FIXED:
        put_fixed(d, value, row, object);
        break;
    case BER_KIND_UTC_TIME:
        put_time(d, value, row, object);
        break;
    }
}

struct cursor
ber_open(struct cursor *c, const char *what)
{
    struct cursor value = ber_read(c, NULL, what);
    if (c->err == ERR_TRUNCATED) { /* it stands behind the length */
        value = cursor_over(c->pos, (size_t)(c->end - c->pos));
        value.base = cursor_offset(c);
    }
    return value;
}

bool
ber_field_put(struct dissection *d, struct cursor *c, const struct ber_field *rows, size_t n,
              uint16_t object, uint32_t *seen)
{
    uint32_t tag = ber_peek(c);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].tag != tag)
            continue;
        struct cursor value = ber_read(c, NULL, rows[i].name);
        put_value(d, &value, &rows[i], object);
        cursor_join(c, &value);
        *seen |= 1u << i;
        return true;
    }
    return false;
}

void
ber_fields_missing(struct cursor *c, const struct ber_field *rows, size_t n, uint32_t seen)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].needed && !(seen >> i & 1))
            cursor_fail(c, ERR_MALFORMED, rows[i].name);
    }
}
