/* testing.h - what every unit test includes: cmocka, and assertions in the product's terms. */
#ifndef BASE_TESTING_H
#define BASE_TESTING_H

/* cmocka wants these four before it, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/hex.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define assert_err(call, expected) assert_string_equal(err_name(call), err_name(expected))
#define assert_ok(call) assert_err(call, ERR_OK)

/* Hex digits, white space ignored, into a malloc()ed block of exactly that size (so that
 * AddressSanitizer sees one octet too far). */
static inline UNUSED uint8_t *
hex_bytes(const char *hex, size_t *size)
{
    uint8_t *out = malloc(strlen(hex) / 2 + 1);
    unsigned n = 0, value = 0;
    for (; *hex; hex++) {
        int digit = hex_digit(*hex);
        if (digit < 0)
            continue;
        value = value << 4 | (unsigned)digit;
        if (n++ % 2)
            out[n / 2 - 1] = (uint8_t)value;
    }
    *size = n / 2;
    uint8_t *exact = malloc(*size ? *size : 1);
    memcpy(exact, out, *size);
    free(out);
    return exact;
}

#define TEST_MAIN(...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
