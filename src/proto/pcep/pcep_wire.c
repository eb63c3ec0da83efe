#include "proto/pcep/pcep_wire.h"

#include <arpa/inet.h>

/* ---- Reading -------------------------------------------------------------------------------- */

void
pcep_fail(struct pcep_decoder *d, struct cursor *c, size_t offset, enum err err,
          struct pcep_error error, const char *what)
{
    if (c->err)
        return;
    cursor_fail(c, err, what);
    c->offset = offset;
    d->error = error;
}

void *
pcep_alloc(struct pcep_decoder *d, struct cursor *c, size_t n, size_t size)
{
    void *p = c->err ? NULL : arena_calloc(d->arena, MAX(n, 1), size);
    if (!p)
        pcep_fail(d, c, cursor_offset(c), ERR_LIMIT, PCEP_ERROR_STATE_LIMIT, "size of the message");
    return p;
}

struct pcep_octets
pcep_rest(struct pcep_decoder *d, struct cursor *c)
{
    struct pcep_octets octets = {0};
    size_t size = cursor_left(c);
    uint8_t *copy = pcep_alloc(d, c, size, 1);
    cursor_copy(c, copy, copy ? size : 0, "octets");
    if (copy)
        octets = (struct pcep_octets){copy, (uint32_t)size};
    return octets;
}

void *
pcep_grow(struct pcep_decoder *d, struct cursor *c, const void *array, uint32_t n, size_t size)
{
    if (n & (n - 1)) /* 0, 1, 2, 4, 8 ... are full */
        return (void *)array;
    char *more = pcep_alloc(d, c, n ? (size_t)n * 2 : 1, size);
    if (more && n)
        memcpy(more, array, n * size);
    return more;
}

struct pcep_address
pcep_address_read(struct cursor *c, unsigned family, const char *what)
{
    struct pcep_address address = {(uint8_t)family, {0}};
    cursor_copy(c, address.octets, family == 6 ? 16 : 4, what);
    return address;
}

float
pcep_float_read(struct cursor *c, const char *what)
{
    uint32_t bits = cursor_be32(c, what);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Writing -------------------------------------------------------------------------------- */

void
pcep_encode_fail(struct pcep_encoder *e)
{
    if (!e->err)
        e->err = ERR_INVALID;
}

void
pcep_octets_write(struct pcep_encoder *e, const struct pcep_octets *octets)
{
    buf_put(e->out, octets->data, octets->size);
}

void
pcep_address_write(struct pcep_encoder *e, const struct pcep_address *address, unsigned family)
{
    if (address->family != family)
        pcep_encode_fail(e);
    buf_put(e->out, address->octets, family == 6 ? 16 : 4);
}

void
pcep_float_write(struct pcep_encoder *e, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_be32(e->out, bits);
}

/* ---- Printing ------------------------------------------------------------------------------- */

void
pcep_flags_print(const char *name, uint32_t bits, const struct pcep_flag *flags, struct buf *out)
{
    const char *separator = "=";
    if (!bits)
        return;
    buf_printf(out, " %s", name);
    for (; flags->bit; flags++) {
        if (!(bits & flags->bit))
            continue;
        buf_printf(out, "%s%s", separator, flags->name);
        separator = ",";
        bits &= ~flags->bit;
    }
    if (bits)
        buf_printf(out, "%s0x%x", separator, bits);
}

void
pcep_octets_print(const struct pcep_octets *octets, struct buf *out)
{
    enum { SHOWN = 64 };
    for (uint32_t i = 0; i < octets->size && i < SHOWN; i++)
        buf_printf(out, "%02x", octets->data[i]);
    if (octets->size > SHOWN)
        buf_printf(out, "...(%u more)", octets->size - SHOWN);
}

void
pcep_text_print(const struct pcep_octets *text, struct buf *out)
{
    buf_str(out, "\"");
    for (uint32_t i = 0; i < text->size; i++) {
        uint8_t c = text->data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            buf_u8(out, c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    buf_str(out, "\"");
}

void
pcep_address_print(const struct pcep_address *address, struct buf *out)
{
    char text[INET6_ADDRSTRLEN] = "none";
    if (address->family)
        inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->octets, text, sizeof text);
    buf_str(out, text);
}
