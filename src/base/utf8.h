/* utf8.h - characters of UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

/* One UTF-8 character at `*at`, which moves behind it (RFC 3629: no overlong forms, no surrogates).
 * UINT32_MAX: what is there is not UTF-8, or nothing is left; then nothing moves. */
uint32_t utf8_next(const uint8_t **at, const uint8_t *end);

#endif
