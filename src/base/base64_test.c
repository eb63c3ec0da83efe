#include "base/base64.h"

#include "base/testing.h"

/* RFC 4648 section 10. */
static const struct {
    const char *octets, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void
writes_and_reads_the_vectors_of_the_standard(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf text = BUF_INIT, octets = BUF_INIT;
        base64_put(&text, vectors[i].octets, strlen(vectors[i].octets));
        assert_string_equal(buf_cstr(&text), vectors[i].text);
        assert_ok(base64_parse(vectors[i].text, strlen(vectors[i].text), &octets));
        assert_string_equal(buf_cstr(&octets), vectors[i].octets);
        buf_fini(&text);
        buf_fini(&octets);
    }
}

static void
refuses_what_is_no_base64(void **state UNUSED)
{
    static const char *const wrong[] = {
        "Z",    "Zg=",   "Zg",       "=g==", "Z===",  "====", "Zh==",
        "Zm9=", "Zm9v=", "Zg==Zg==", "Zm 9", "Zm\n9", "Zm8-"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct buf octets = BUF_INIT;
        buf_str(&octets, "x");
        assert_err(base64_parse(wrong[i], strlen(wrong[i]), &octets), ERR_MALFORMED);
        assert_int_equal(octets.size, 1);
        buf_fini(&octets);
    }
}

static void
writes_and_reads_it_as_urls_have_it(void **state UNUSED)
{
    static const uint8_t octets[] = {0xfb, 0xff, 0xbf, 0xf0};
    static const char *const wrong[] = {"-_-_8A==", "+/+/8A", "-_-_8B", "-_-_8", "-_-_8 A"};
    struct buf text = BUF_INIT, back = BUF_INIT;
    base64url_put(&text, octets, sizeof octets);
    assert_string_equal(buf_cstr(&text), "-_-_8A");
    assert_ok(base64url_parse("-_-_8A", 6, &back));
    assert_int_equal(back.size, sizeof octets);
    assert_memory_equal(back.data, octets, sizeof octets);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(base64url_parse(wrong[i], strlen(wrong[i]), &back), ERR_MALFORMED);
    assert_int_equal(back.size, sizeof octets);
    buf_fini(&text);
    buf_fini(&back);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_the_vectors_of_the_standard),
        cmocka_unit_test(refuses_what_is_no_base64),
        cmocka_unit_test(writes_and_reads_it_as_urls_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
