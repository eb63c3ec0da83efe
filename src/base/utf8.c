#include "base/utf8.h"

#include "base/attr.h"

#include <stddef.h>

/* Octets of the character that starts with `lead`, the bits of it that count, and the smallest code
 * that may be written so long; 0 octets: it cannot start a character. */
static int
utf8_length(uint8_t lead, uint32_t *code, uint32_t *smallest)
{
    static const struct {
        uint8_t mask, pattern;
        int length;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if ((lead & forms[i].mask) == forms[i].pattern) {
            *code = lead & (uint8_t)~forms[i].mask;
            *smallest = forms[i].smallest;
            return forms[i].length;
        }
    }
    return 0;
}

uint32_t
utf8_next(const uint8_t **at, const uint8_t *end)
{
    uint32_t code, smallest;
    int length = *at < end ? utf8_length(**at, &code, &smallest) : 0;
    if (length == 0 || length > end - *at)
        return UINT32_MAX;
    for (int i = 1; i < length; i++) {
        if (((*at)[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        code = code << 6 | ((*at)[i] & 0x3f);
    }
    if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return UINT32_MAX;
    *at += length;
    return code;
}
