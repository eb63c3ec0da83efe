#include "proto/openflow/wire.h"

#include <stdio.h>

void
decode_fail(struct decoder *d, struct cursor *c, size_t offset, enum err err, uint16_t type,
            uint16_t code, const char *what)
{
    if (c->err)
        return;
    cursor_fail(c, err, what);
    c->offset = offset;
    d->error = (struct openflow_error){type, code, 0};
    d->blamed = true;
}

void
decode_blame(struct decoder *d, const struct cursor *c, uint16_t type, uint16_t code)
{
    if (!c->err || d->blamed)
        return;
    d->error = (struct openflow_error){type, code, 0};
    d->blamed = true;
}

static void
note_foreign(struct decoder *d, struct cursor *c, const struct cursor *part)
{
    if (!d->foreign) {
        char text[160];
        const char *name = openflow_error_name(&d->error);
        snprintf(text, sizeof text, "%s at offset %zu: %s", part->field, part->offset,
                 name ? name : err_text(part->err));
        d->foreign = arena_strdup(d->arena, text);
        if (!d->foreign)
            cursor_fail(c, ERR_LIMIT, "memory");
    }
    d->blamed = false;
}

void
decode_end(struct decoder *d, struct cursor *c, struct cursor *part, uint16_t type,
           uint16_t length_code)
{
    if (!part->err && part->pos != part->end)
        decode_fail(d, part, cursor_offset(part), ERR_MALFORMED, type, length_code,
                    "trailing octets");
    decode_blame(d, part, type, length_code);
    if (part->err && !d->strict && part->err != ERR_LIMIT && !c->err)
        note_foreign(d, c, part);
    else
        cursor_join(c, part);
}

void *
decode_alloc(struct decoder *d, struct cursor *c, size_t n, size_t size)
{
    if (c->err)
        return NULL;
    void *p = arena_calloc(d->arena, n, size);
    if (!p)
        cursor_fail(c, ERR_LIMIT, "memory");
    return p;
}

struct openflow_data
decode_copy(struct decoder *d, struct cursor *c, const uint8_t *from, size_t size)
{
    struct openflow_data data = {0};
    if (!size || c->err)
        return data;
    data.octets = arena_memdup(d->arena, from, size);
    if (data.octets)
        data.size = size;
    else
        cursor_fail(c, ERR_LIMIT, "memory");
    return data;
}

struct openflow_data
decode_rest(struct decoder *d, struct cursor *c)
{
    size_t size = cursor_left(c);
    return decode_copy(d, c, cursor_bytes(c, size, "data"), size);
}

const char *
decode_take_foreign(struct decoder *d)
{
    const char *foreign = d->foreign;
    d->foreign = NULL;
    return foreign;
}

void
encode_fail(struct encoder *e)
{
    if (!e->err)
        e->err = ERR_INVALID;
}

void
encode_data(struct encoder *e, const struct openflow_data *data)
{
    buf_put(e->out, data->octets, data->size);
}

void
encode_length(struct encoder *e, size_t start, size_t at)
{
    size_t size = e->out->size - start;
    if (size > UINT16_MAX) {
        if (!e->err)
            e->err = ERR_LIMIT;
        return;
    }
    buf_patch_be16(e->out, at, (uint16_t)size);
}

size_t
layout_wire_size(const struct openflow_layout *layout)
{
    size_t size = 0;
    for (unsigned i = 0; i < layout->n_fields; i++) {
        const struct wire_field *f = &layout->fields[i];
        size += f->form == WIRE_TEXT ? f->size - 1U : f->size;
    }
    return size;
}

size_t
layout_offset(const struct openflow_layout *layout, const struct cursor *c)
{
    size_t size = layout_wire_size(layout), offset = cursor_offset(c);
    return offset > size ? offset - size : 0;
}

/* An integer member of any width, as the compiler keeps it. */
static uint64_t
load(const void *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, at, size); /* bytes.h asserts little endian */
    return value;
}

static void
decode_field(const struct wire_field *f, struct cursor *c, uint8_t *object)
{
    const char *what = f->name ? f->name : "fixed part";
    if (f->form == WIRE_PAD || f->form == WIRE_LENGTH) {
        cursor_skip(c, f->size, what);
        return;
    }
    uint8_t *to = object + f->offset;
    if (f->form == WIRE_TEXT) { /* The structure is zeroed: the last octet stays NUL. */
        cursor_copy(c, to, f->size - 1U, what);
        return;
    }
    cursor_copy(c, to, f->size, what);
    if (f->form == WIRE_MAC)
        return;
    for (size_t i = 0; i < f->size / 2U; i++) {
        uint8_t swap = to[i];
        to[i] = to[f->size - 1U - i];
        to[f->size - 1U - i] = swap;
    }
}

void
layout_decode(const struct openflow_layout *layout, struct decoder *d, struct cursor *c,
              void *object)
{
    for (unsigned i = 0; i < layout->n_fields; i++)
        decode_field(&layout->fields[i], c, object);
    if (layout->decode && !c->err)
        layout->decode(d, c, object);
}

static void
encode_field(const struct wire_field *f, struct encoder *e, const uint8_t *object)
{
    const uint8_t *from = object + f->offset;
    switch ((enum wire_form)f->form) {
    case WIRE_PAD:
    case WIRE_LENGTH:
        buf_zero(e->out, f->size);
        break;
    case WIRE_MAC:
        buf_put(e->out, from, f->size);
        break;
    case WIRE_TEXT:
        if (from[f->size - 1U])
            encode_fail(e);
        buf_put(e->out, from, f->size - 1U);
        break;
    default:
        for (size_t i = f->size; i-- > 0;)
            buf_u8(e->out, from[i]);
    }
}

void
layout_encode(const struct openflow_layout *layout, struct encoder *e, const void *object)
{
    size_t start = e->out->size;
    for (unsigned i = 0; i < layout->n_fields; i++)
        encode_field(&layout->fields[i], e, object);
    if (layout->encode)
        layout->encode(e, object);
    if (layout->length_end && !layout->length_base)
        encode_length(e, start, start + layout->length_end - 2);
}

static void
print_field(const struct wire_field *f, const uint8_t *object, struct buf *out)
{
    const uint8_t *from = object + f->offset;
    char mac[MAC_TEXT_SIZE];
    uint64_t value = f->size <= 8 ? load(from, f->size) : 0;
    if (f->names && f->form != WIRE_BITS) {
        print_named((uint32_t)value, f->names, f->form == WIRE_HEX, out);
        return;
    }
    switch ((enum wire_form)f->form) {
    case WIRE_HEX:
        buf_printf(out, "0x%llx", (unsigned long long)value);
        break;
    case WIRE_PORT:
        port_format((uint32_t)value, out);
        break;
    case WIRE_MAC:
        buf_str(out, mac_format((const struct mac *)from, mac));
        break;
    case WIRE_TEXT:
        print_text((const char *)from, out);
        break;
    case WIRE_BITS:
        print_bits((uint32_t)value, f->names, out);
        break;
    case WIRE_DURATION:
        buf_printf(out, "%u.%09us", (unsigned)load(from - 4, 4), (unsigned)value);
        break;
    case WIRE_COUNT:
        if (value == (f->size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * f->size) - 1)) {
            buf_str(out, "n/a");
            break;
        }
        buf_printf(out, "%llu", (unsigned long long)value);
        break;
    default:
        buf_printf(out, "%llu", (unsigned long long)value);
    }
}

void
fields_print(const struct wire_field *fields, size_t n, const void *object, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].name)
            continue;
        buf_printf(out, " %s=", fields[i].name);
        print_field(&fields[i], object, out);
    }
}

void
layout_print(const struct openflow_layout *layout, const void *object, struct buf *out)
{
    if (layout->print)
        layout->print(object, out);
    else
        fields_print(layout->fields, layout->n_fields, object, out);
}

/* Octets of the item at the cursor; 0 if its length cannot be read or be right. */
static size_t
item_size(const struct openflow_layout *layout, const struct cursor *c, size_t fixed)
{
    size_t left = cursor_left(c);
    if (!layout->length_end)
        return fixed <= left ? fixed : 0;
    if (layout->length_end > left)
        return 0;
    size_t size = get_be16(c->pos + layout->length_end - 2);
    if (layout->length_base)
        size = (layout->length_base + size + 7) / 8 * 8;
    return size < fixed || size > left ? 0 : size;
}

enum err
layout_count(const struct openflow_layout *layout, const struct cursor *c, uint32_t *n,
             size_t *offset)
{
    struct cursor ahead = *c;
    size_t fixed = layout_wire_size(layout);
    for (*n = 0; cursor_left(&ahead); ++*n) {
        size_t size = item_size(layout, &ahead, fixed);
        *offset = cursor_offset(&ahead);
        if (!size)
            return ERR_TRUNCATED;
        cursor_skip(&ahead, size, "item");
    }
    return ahead.err;
}

void *
layout_decode_list(const struct openflow_layout *layout, struct decoder *d, struct cursor *c,
                   uint32_t *n, uint16_t type, uint16_t code)
{
    size_t fixed = layout_wire_size(layout), offset = cursor_offset(c);
    uint32_t count;
    if (layout_count(layout, c, &count, &offset))
        decode_fail(d, c, offset, ERR_TRUNCATED, type, code, "length");
    uint8_t *items = decode_alloc(d, c, count, layout->size);
    for (uint32_t i = 0; i < count && items && !c->err; i++) {
        struct cursor part = cursor_split(c, item_size(layout, c, fixed), "item");
        layout_decode(layout, d, &part, items + (size_t)i * layout->size);
        if (!part.err && part.pos != part.end)
            decode_fail(d, &part, cursor_offset(&part), ERR_MALFORMED, type, code,
                        "trailing octets");
        decode_blame(d, &part, type, code);
        cursor_join(c, &part);
    }
    *n = c->err ? 0 : count;
    return items;
}
