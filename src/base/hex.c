#include "base/hex.h"

static void
put_octet(uint8_t octet, char text[2])
{
    static const char digits[] = "0123456789abcdef";
    text[0] = digits[octet >> 4];
    text[1] = digits[octet & 15];
}

char *
hex_format(const void *octets, size_t size, char *text)
{
    const uint8_t *data = octets;
    for (size_t i = 0; i < size; i++)
        put_octet(data[i], text + 2 * i);
    text[2 * size] = '\0';
    return text;
}

void
hex_put(struct buf *out, const void *octets, size_t size)
{
    const uint8_t *data = octets;
    for (size_t i = 0; i < size; i++) {
        char text[2];
        put_octet(data[i], text);
        buf_put(out, text, sizeof text);
    }
}
