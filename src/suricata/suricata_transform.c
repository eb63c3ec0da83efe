/* Transformations of a buffer (docs.suricata.io/en/suricata-7.0.10/rules/transforms.html). */
#include "base/attr.h"
#include "base/hex.h"
#include "suricata/suricata_private.h"

static bool
is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t
without_spaces(uint8_t *octets, size_t n, bool keeps_one)
{
    size_t to = 0;
    bool was_space = false;
    for (size_t i = 0; i < n; i++) {
        bool space = is_space(octets[i]);
        if (!space || (keeps_one && !was_space))
            octets[to++] = octets[i];
        was_space = space;
    }
    return to;
}

/* As forms are encoded: '+' is a space. */
static size_t
url_decode(uint8_t *octets, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = octets[i] == '+' ? ' ' : octets[i];
        if (c == '%' && i + 2 < n) {
            int high = hex_digit((char)octets[i + 1]), low = hex_digit((char)octets[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (uint8_t)(high << 4 | low);
                i += 2;
            }
        }
        octets[to++] = c;
    }
    return to;
}

static void
change_case(uint8_t *octets, size_t n, char first, char last)
{
    for (size_t i = 0; i < n; i++)
        octets[i] ^= octets[i] >= first && octets[i] <= last ? 0x20 : 0;
}

struct span
transform(const enum transform *how, struct span in, uint8_t *room, size_t size)
{
    size_t n = MIN(in.n, size - RULE_TRANSFORMS);
    if (n)
        memcpy(room, in.at, n);
    for (unsigned i = 0; i < RULE_TRANSFORMS && how[i]; i++) {
        switch (how[i]) {
        case TRANSFORM_DOTPREFIX:
            memmove(room + 1, room, n++);
            room[0] = '.';
            break;
        case TRANSFORM_LOWER:
            change_case(room, n, 'A', 'Z');
            break;
        case TRANSFORM_UPPER:
            change_case(room, n, 'a', 'z');
            break;
        case TRANSFORM_COMPRESS:
        case TRANSFORM_STRIP:
            n = without_spaces(room, n, how[i] == TRANSFORM_COMPRESS);
            break;
        case TRANSFORM_URL_DECODE:
            n = url_decode(room, n);
            break;
        case TRANSFORM_NONE:
            break;
        }
    }
    return (struct span){room, n};
}
