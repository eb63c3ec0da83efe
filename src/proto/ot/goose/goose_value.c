#include "proto/ot/goose/goose_value.h"

#include <string.h>

/* FloatingPoint begins with the width of the exponent: IEEE 754 single or double. */
#define SINGLE_EXPONENT 8
#define DOUBLE_EXPONENT 11

static void decode_list(struct cursor *value, struct arena *, unsigned depth, struct goose_value *,
                        const char *what);

static void
decode_boolean(struct cursor *value, struct goose_value *v, const char *what)
{
    v->boolean = cursor_u8(value, what);
}

static void
decode_integer(struct cursor *value, struct goose_value *v, const char *what)
{
    v->integer = ber_int(value, what);
}

static void
decode_unsigned(struct cursor *value, struct goose_value *v, const char *what)
{
    v->natural = ber_uint(value, what);
}

static void
decode_floating_point(struct cursor *value, struct goose_value *v, const char *what)
{
    struct cursor start = *value;
    v->number.is_double = cursor_left(value) == 9;
    uint8_t exponent = cursor_u8(value, what);
    if (v->number.is_double && exponent == DOUBLE_EXPONENT) {
        uint64_t bits = cursor_be64(value, what);
        memcpy(&v->number.value, &bits, sizeof bits);
    } else if (cursor_left(value) == 4 && exponent == SINGLE_EXPONENT) {
        uint32_t bits = cursor_be32(value, what);
        float single;
        memcpy(&single, &bits, sizeof bits);
        v->number.value = (double)single;
    } else if (!value->err) {
        cursor_fail(&start, ERR_MALFORMED, what);
        *value = start;
    }
}

static void
decode_octets(struct cursor *value, struct goose_value *v, const char *what)
{
    v->octets.size = cursor_left(value);
    v->octets.data = cursor_bytes(value, v->octets.size, what);
}

/* X.690 clause 8.6: the first octet says how many bits of the last one are not used. */
static void
decode_bits(struct cursor *value, struct goose_value *v, const char *what)
{
    struct cursor start = *value;
    uint8_t n_unused = cursor_u8(value, what);
    if (n_unused > 7 || (n_unused > 0 && cursor_left(value) == 0)) {
        cursor_fail(&start, ERR_MALFORMED, what);
        *value = start;
    }
    decode_octets(value, v, what);
    v->octets.n_unused_bits = n_unused;
}

static void
decode_utc_time(struct cursor *value, struct goose_value *v, const char *what)
{
    v->time = iec61850_time_decode(value, what);
}

static const struct type_desc {
    const char *name;
    size_t min_size, max_size;
    void (*decode)(struct cursor *value, struct goose_value *, const char *what); /* NULL: a list */
} types[GOOSE_TYPE_MAX] = {
    [GOOSE_ARRAY] = {"array", 0, SIZE_MAX, NULL},
    [GOOSE_STRUCTURE] = {"structure", 0, SIZE_MAX, NULL},
    [GOOSE_BOOLEAN] = {"boolean", 1, 1, decode_boolean},
    [GOOSE_BIT_STRING] = {"bit-string", 1, SIZE_MAX, decode_bits},
    [GOOSE_INTEGER] = {"integer", 1, SIZE_MAX, decode_integer},
    [GOOSE_UNSIGNED] = {"unsigned", 1, SIZE_MAX, decode_unsigned},
    [GOOSE_FLOATING_POINT] = {"floating-point", 5, 9, decode_floating_point},
    [GOOSE_REAL] = {"real", 0, SIZE_MAX, decode_octets},
    [GOOSE_OCTET_STRING] = {"octet-string", 0, SIZE_MAX, decode_octets},
    [GOOSE_VISIBLE_STRING] = {"visible-string", 0, SIZE_MAX, decode_octets},
    [GOOSE_GENERALIZED_TIME] = {"generalized-time", 0, SIZE_MAX, decode_octets},
    [GOOSE_BINARY_TIME] = {"binary-time", 4, 6, decode_octets},
    [GOOSE_BCD] = {"bcd", 1, SIZE_MAX, decode_integer},
    [GOOSE_BOOLEAN_ARRAY] = {"booleanArray", 1, SIZE_MAX, decode_bits},
    [GOOSE_OBJECT_ID] = {"objId", 1, SIZE_MAX, decode_octets},
    [GOOSE_MMS_STRING] = {"mMSString", 0, SIZE_MAX, decode_octets},
    [GOOSE_UTC_TIME] = {"utc-time", IEC61850_TIME_SIZE, IEC61850_TIME_SIZE, decode_utc_time},
};

const char *
goose_type_name(enum goose_type type)
{
    return type < GOOSE_TYPE_MAX && types[type].name ? types[type].name : "?";
}

static bool
is_list(enum goose_type type)
{
    return type == GOOSE_ARRAY || type == GOOSE_STRUCTURE;
}

static uint32_t
type_tag(enum goose_type type)
{
    return is_list(type) ? BER_CONSTRUCTED(type) : BER_CONTEXT(type);
}

void
goose_value_read(struct cursor *c, struct goose_value *v, struct cursor *members)
{
    uint32_t tag = ber_peek(c);
    enum goose_type type = tag & 0x1f;
    *members = cursor_over(NULL, 0);
    if (tag == BER_NONE || type >= GOOSE_TYPE_MAX || !types[type].name || tag != type_tag(type)) {
        cursor_fail(c, tag == BER_NONE ? ERR_TRUNCATED : ERR_UNSUPPORTED, "Data");
        return;
    }
    const struct type_desc *desc = &types[type];
    struct cursor value = ber_read(c, NULL, desc->name);
    size_t size = cursor_left(&value);
    if (size < desc->min_size || size > desc->max_size)
        cursor_fail(&value, ERR_MALFORMED, desc->name);
    v->type = type;
    if (desc->decode) {
        desc->decode(&value, v, desc->name);
        cursor_join(c, &value);
    } else {
        *members = value;
    }
}

static void
decode_value(struct cursor *c, struct arena *arena, unsigned depth, struct goose_value *v)
{
    struct cursor members;
    goose_value_read(c, v, &members);
    if (!c->err && is_list(v->type)) {
        decode_list(&members, arena, depth + 1, v, types[v->type].name);
        cursor_join(c, &members);
    }
}

static size_t
count_values(struct cursor c)
{
    size_t n = 0;
    while (cursor_left(&c)) {
        ber_read(&c, NULL, "Data");
        n++;
    }
    return n;
}

static void
decode_list(struct cursor *value, struct arena *arena, unsigned depth, struct goose_value *v,
            const char *what)
{
    if (depth > GOOSE_MAX_DEPTH) {
        cursor_fail(value, ERR_LIMIT, what);
        return;
    }
    v->list.n = count_values(*value);
    v->list.values = arena_calloc(arena, v->list.n, sizeof *v);
    if (!v->list.values) {
        cursor_fail(value, ERR_LIMIT, what);
        return;
    }
    for (size_t i = 0; cursor_left(value); i++)
        decode_value(value, arena, depth, &v->list.values[i]);
}

enum err
goose_values_decode(struct cursor *c, struct arena *arena, struct goose_value **values, size_t *n)
{
    struct goose_value all = {0};
    decode_list(c, arena, 1, &all, "allData");
    if (c->err)
        return c->err;
    *values = all.list.values;
    *n = all.list.n;
    return ERR_OK;
}

static void
encode_number(struct buf *b, const struct goose_value *v)
{
    if (v->number.is_double) {
        uint64_t bits;
        memcpy(&bits, &v->number.value, sizeof bits);
        buf_u8(b, DOUBLE_EXPONENT);
        buf_be64(b, bits);
    } else {
        float single = (float)v->number.value;
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        buf_u8(b, SINGLE_EXPONENT);
        buf_be32(b, bits);
    }
}

static void
encode_contents(struct buf *b, const struct goose_value *v)
{
    switch (v->type) {
    case GOOSE_ARRAY:
    case GOOSE_STRUCTURE:
        goose_values_encode(b, v->list.values, v->list.n);
        break;
    case GOOSE_BOOLEAN:
        buf_u8(b, v->boolean);
        break;
    case GOOSE_FLOATING_POINT:
        encode_number(b, v);
        break;
    case GOOSE_UTC_TIME:
        iec61850_time_encode(b, v->time);
        break;
    case GOOSE_BIT_STRING:
    case GOOSE_BOOLEAN_ARRAY:
        buf_u8(b, v->octets.n_unused_bits);
        buf_put(b, v->octets.data, v->octets.size);
        break;
    default:
        buf_put(b, v->octets.data, v->octets.size);
    }
}

void
goose_values_encode(struct buf *b, const struct goose_value *values, size_t n)
{
    for (const struct goose_value *v = values; v < values + n; v++) {
        uint32_t tag = type_tag(v->type);
        if (v->type == GOOSE_INTEGER || v->type == GOOSE_BCD) {
            ber_put_int(b, tag, v->integer);
        } else if (v->type == GOOSE_UNSIGNED) {
            ber_put_uint(b, tag, v->natural);
        } else {
            size_t begin = ber_begin(b, tag);
            encode_contents(b, v);
            ber_end(b, begin);
        }
    }
}
