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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_the_vectors_of_the_standard),
        cmocka_unit_test(refuses_what_is_no_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
