#include "base/utf8.h"

#include "base/testing.h"

#include <string.h>

static void
utf8_is_read_as_rfc_3629_says(void **state UNUSED)
{
    const struct {
        const char *octets;
        uint32_t code;
    } cases[] = {
        {"A", 'A'},
        {"\xc3\xa9", 0xe9},
        {"\xe2\x82\xac", 0x20ac},
        {"\xf0\x9f\x98\x80", 0x1f600},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
        {"\xc0\x80", UINT32_MAX},         /* overlong NUL */
        {"\xe0\x80\xaf", UINT32_MAX},     /* overlong slash */
        {"\xed\xa0\x80", UINT32_MAX},     /* a surrogate */
        {"\xf4\x90\x80\x80", UINT32_MAX}, /* beyond Unicode */
        {"\xe2\x82", UINT32_MAX},         /* cut short */
        {"\x80", UINT32_MAX},             /* no lead octet */
        {"\xff", UINT32_MAX},
        {"", UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const uint8_t *start = (const uint8_t *)cases[i].octets, *at = start;
        size_t size = strlen(cases[i].octets);
        assert_int_equal(utf8_next(&at, start + size), cases[i].code);
        assert_int_equal(at - start, cases[i].code == UINT32_MAX ? 0 : (int)size);
    }
}

TEST_MAIN(cmocka_unit_test(utf8_is_read_as_rfc_3629_says))
