#include "dissect/layout.h"

static uint64_t
number(struct cursor *c, const struct layout_part *part)
{
    const uint8_t *p = cursor_bytes(c, part->size, part->name);
    uint64_t value = 0;
    for (unsigned i = 0; p && i < part->size; i++)
        value = value << 8 | p[part->kind == LAYOUT_LE ? part->size - 1u - i : i];
    return value;
}

static void
put_part(struct dissection *d, struct cursor *c, const struct layout_part *part, uint16_t object)
{
    union {
        uint32_t bits;
        float value;
    } real;
    size_t left = cursor_left(c);
    uint64_t n;
    switch (part->kind) {
    case LAYOUT_BE:
    case LAYOUT_LE:
        n = number(c, part);
        if (!c->err)
            pdu_uint(d, part->field, object, n);
        break;
    case LAYOUT_REAL:
        real.bits = cursor_be32(c, part->name);
        if (!c->err)
            pdu_real(d, part->field, object, (double)real.value);
        break;
    case LAYOUT_TEXT:
    case LAYOUT_OCTETS:
        pdu_octets(d, part->field, object, cursor_bytes(c, part->size, part->name), part->size);
        break;
    case LAYOUT_REST:
        if (left)
            pdu_octets(d, part->field, object, cursor_bytes(c, left, part->name), left);
        break;
    case LAYOUT_SKIP:
        cursor_skip(c, part->size, part->name);
        break;
    case LAYOUT_SKIP_REST:
        cursor_skip(c, left, part->name);
        break;
    case LAYOUT_MAYBE:
    case LAYOUT_END:
        break;
    }
}

void
layout_put(struct dissection *d, struct cursor *c, const struct layout_part *part, uint16_t object)
{
    for (; part->kind != LAYOUT_END && !c->err; part++) {
        if (part->kind == LAYOUT_MAYBE && !cursor_left(c))
            return;
        put_part(d, c, part, object);
    }
}
