#include "base/hex.h"

#include "base/testing.h"

#include <ctype.h>

/* RFC 4648 section 10, in lower case, and the ends of what an octet can be. */
static const struct {
    const char *octets, *text;
    size_t size;
} vectors[] = {
    {"", "", 0},
    {"f", "66", 1},
    {"foobar", "666f6f626172", 6},
    {"\x00\x09\x0a\x10\x7f\x80\x9a\xff", "00090a107f809aff", 8},
};

static void
writes_two_digits_for_an_octet(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        char text[32];
        struct buf out = BUF_INIT;
        memset(text, 'x', sizeof text);
        assert_ptr_equal(hex_format(vectors[i].octets, vectors[i].size, text), text);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(text[2 * vectors[i].size + 1], 'x'); /* and nothing behind */
        buf_str(&out, ":");
        hex_put(&out, vectors[i].octets, vectors[i].size);
        assert_string_equal(buf_cstr(&out) + 1, vectors[i].text);
        buf_fini(&out);
    }
}

static void
a_full_buffer_says_so(void **state UNUSED)
{
    struct buf out = buf_limited(4);
    hex_put(&out, "abc", 3);
    assert_err(buf_err(&out), ERR_LIMIT);
    buf_fini(&out);
}

static void
a_digit_is_one_of_either_case(void **state UNUSED)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    for (int i = 0; i < 16; i++) {
        assert_int_equal(hex_digit(lower[i]), i);
        assert_int_equal(hex_digit(upper[i]), i);
    }
    for (int c = 0; c < 256; c++)
        assert_int_equal(hex_digit((char)c) >= 0, isxdigit(c) != 0);
}

TEST_MAIN(cmocka_unit_test(writes_two_digits_for_an_octet), cmocka_unit_test(a_full_buffer_says_so),
          cmocka_unit_test(a_digit_is_one_of_either_case))
