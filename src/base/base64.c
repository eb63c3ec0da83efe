#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_put(struct buf *out, const void *data, size_t size)
{
    const uint8_t *in = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);
        uint8_t *to = buf_reserve(out, 4);
        if (!to)
            return;
        to[0] = (uint8_t)alphabet[group >> 18];
        to[1] = (uint8_t)alphabet[group >> 12 & 63];
        to[2] = left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=';
        to[3] = left > 2 ? (uint8_t)alphabet[group & 63] : '=';
    }
}

static int
value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* The octets of four characters, of which the last may be padding; 0: they are no group. */
static unsigned
read_group(const char *text, bool last, uint8_t octets[3])
{
    unsigned n_padding = !last ? 0 : text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - n_padding ? value_of(text[i]) : 0;
        if (value < 0)
            return 0;
        group = group << 6 | (uint32_t)value;
    }
    if (n_padding && group & (n_padding == 1 ? 0xffu : 0xffffu))
        return 0;
    octets[0] = (uint8_t)(group >> 16);
    octets[1] = (uint8_t)(group >> 8);
    octets[2] = (uint8_t)group;
    return 3 - n_padding;
}

enum err
base64_parse(const char *text, size_t length, struct buf *out)
{
    size_t start = out->size;
    if (length % 4)
        return ERR_MALFORMED;
    for (size_t i = 0; i < length; i += 4) {
        uint8_t octets[3];
        unsigned n = read_group(text + i, i + 4 == length, octets);
        if (!n) {
            out->size = start;
            return ERR_MALFORMED;
        }
        buf_put(out, octets, n);
    }
    return ERR_OK;
}

void
base64url_put(struct buf *out, const void *data, size_t size)
{
    size_t start = out->size;
    base64_put(out, data, size);
    for (size_t i = start; i < out->size; i++) {
        uint8_t *c = &out->data[i];
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    while (out->size > start && out->data[out->size - 1] == '=')
        out->size--;
}

enum err
base64url_parse(const char *text, size_t length, struct buf *out)
{
    struct buf plain = BUF_INIT;
    enum err err = ERR_OK;
    for (size_t i = 0; i < length && !err; i++) {
        char c = text[i];
        if (c == '+' || c == '/' || c == '=')
            err = ERR_MALFORMED;
        buf_u8(&plain, (uint8_t)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    while (plain.size % 4)
        buf_u8(&plain, '=');
    if (!err)
        err = base64_parse((const char *)plain.data, plain.size, out);
    buf_fini(&plain);
    return err;
}
