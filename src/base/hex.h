/* hex.h - octets as hexadecimal digits, two each, written in lower case (RFC 4648 section 8 has
 * upper case). */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"

/* The value of a digit, of either case; -1: it is none. */
static inline int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* `text` holds 2 * `size` + 1 octets, one for the NUL. Returns `text`. */
char *hex_format(const void *octets, size_t size, char *text);
/* Appends the digits. */
void hex_put(struct buf *, const void *octets, size_t size);

#endif
