#include "detect/feed.h"

#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static struct feed *
feed_of(const char *text)
{
    struct feed *f = feed_new();
    struct diag diag = {""};
    if (feed_add(f, text, strlen(text), "feed", &diag))
        fail_msg("%s", diag.text);
    return f;
}

static void
addresses_and_networks(void **state UNUSED)
{
    struct feed *f = feed_of(
        "# bad\n203.0.113.7\n 198.51.100.0/22 # a network\r\n\n2001:db8::/33\n");
    assert_int_equal(feed_number(f), 3);
    assert_true(feed_has_address(f, (uint8_t[16]){203, 0, 113, 7}, 4));
    assert_false(feed_has_address(f, (uint8_t[16]){203, 0, 113, 8}, 4));
    assert_true(feed_has_address(f, (uint8_t[16]){198, 51, 103, 255}, 4));
    assert_false(feed_has_address(f, (uint8_t[16]){198, 51, 104, 0}, 4));
    assert_true(feed_has_address(f, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0x7f}, 6));
    assert_false(feed_has_address(f, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0x80}, 6));
    assert_false(feed_has_address(f, (uint8_t[16]){203, 0, 113, 7}, 6));
    feed_free(f);
}

static void
everything_is_a_network_too(void **state UNUSED)
{
    struct feed *f = feed_of("0.0.0.0/0\n");
    assert_true(feed_has_address(f, (uint8_t[16]){10, 0, 0, 1}, 4));
    assert_false(feed_has_address(f, (uint8_t[16]){10, 0, 0, 1}, 6));
    feed_free(f);
}

static void
names_and_what_is_below(void **state UNUSED)
{
    struct feed *f = feed_of("Evil.example\nevil.example.\nbad-host_1.test");
    assert_int_equal(feed_number(f), 2);
    assert_true(feed_has_name(f, "evil.EXAMPLE", 12));
    assert_true(feed_has_name(f, "a.b.evil.example.", 17));
    assert_false(feed_has_name(f, "devil.example", 13));
    assert_false(feed_has_name(f, "example", 7));
    assert_true(feed_has_name(f, "bad-host_1.test", 15));
    assert_false(feed_has_name(f, "", 0));
    assert_false(feed_has_name(f, ".", 1));
    feed_free(f);
}

static void
files_by_their_hashes(void **state UNUSED)
{
    struct feed *f = feed_of("d41d8cd98f00b204e9800998ecf8427e\n"
                             "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\n"
                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
    static const uint8_t sha256[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                       0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                       0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                       0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    static const uint8_t sha1[20] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                     0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09};
    assert_int_equal(feed_number(f), 3);
    assert_int_equal(feed_hashes(f), 7);
    assert_true(feed_has_hash(f, FEED_SHA256, sha256));
    assert_true(feed_has_hash(f, FEED_SHA1, sha1));
    assert_false(feed_has_hash(f, FEED_SHA1, sha256));
    assert_false(feed_has_hash(f, FEED_MD5, sha1));
    feed_free(f);
}

static void
what_is_none_of_them_is_told_with_its_line(void **state UNUSED)
{
    static const char *const mistakes[] = {"10.0.0.0/33", "10.0.0.0/x",    "10.0.0.0/",
                                           "a b",         "http://a.test", "a..b",
                                           ".a",          "2001:db8::/129"};
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct feed *f = feed_of("");
        struct diag diag = {""};
        char text[64];
        snprintf(text, sizeof text, "ok.test\n%s\n", mistakes[i]);
        assert_err(feed_add(f, text, strlen(text), "feed", &diag), ERR_MALFORMED);
        assert_non_null(strstr(diag.text, "feed:2: "));
        assert_int_equal(feed_number(f), 1);
        feed_free(f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_networks),
        cmocka_unit_test(everything_is_a_network_too),
        cmocka_unit_test(names_and_what_is_below),
        cmocka_unit_test(files_by_their_hashes),
        cmocka_unit_test(what_is_none_of_them_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
