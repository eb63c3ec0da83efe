#include "io/address.h"

#include "base/testing.h"

static void
what_is_parsed_is_formatted_the_same(void **state UNUSED)
{
    static const char *const same[] = {
        "10.1.0.5:6653", "0.0.0.0:0",  "255.255.255.255:65535", "[2001:db8::5]:6653",
        "[::]:0",        "[::1]:6653", "unix:/run/x.sock",
    };
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        union address address;
        char text[ADDRESS_TEXT_SIZE];
        assert_ok(address_parse(same[i], &address, NULL));
        assert_string_equal(address_format(&address, text), same[i]);
    }
}

static void
a_zone_is_an_interface_that_exists(void **state UNUSED)
{
    union address address;
    char text[ADDRESS_TEXT_SIZE];
    assert_ok(address_parse("[fe80::1%lo]:80", &address, NULL));
    assert_string_equal(address_format(&address, text), "[fe80::1%lo]:80");
    assert_err(address_parse("[fe80::1%no-such-if]:80", &address, NULL), ERR_INVALID);
}

static void
a_mapped_address_is_written_as_ipv4(void **state UNUSED)
{
    union address address;
    char text[ADDRESS_TEXT_SIZE];
    assert_ok(address_parse("[::ffff:10.1.0.5]:6653", &address, NULL));
    assert_string_equal(address_format(&address, text), "10.1.0.5:6653");
}

static void
refuses_what_is_no_address(void **state UNUSED)
{
    static const char *const wrong[] = {
        "",
        "10.1.0.5",
        "10.1.0.5:",
        "10.1.0.5:65536",
        "10.1.0.5:+80",
        "10.1.0.5:80 ",
        "10.1.0:80",
        "10.1.0.05x:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[]:80",
        "[10.1.0.5]:80",
        ":80",
        "localhost:80",
        "unix:",
        "unix:relative",
        "[0000000000000000000000000000000000000000000000000000000000000000::1]:1",
    };
    struct diag diag;
    union address address;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(address_parse(wrong[i], &address, &diag), ERR_INVALID);
    assert_err(address_parse("localhost:80", &address, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "\"localhost:80\": neither 192.0.2.1:PORT nor "
                                   "[2001:db8::1]:PORT nor unix:/PATH");
}

static void
a_unix_path_may_fill_the_socket_address_but_for_its_end(void **state UNUSED)
{
    char text[128] = "unix:/", again[ADDRESS_TEXT_SIZE];
    union address address;
    memset(text + 6, 'x', 106);
    assert_ok(address_parse(text, &address, NULL));
    assert_string_equal(address_format(&address, again), text);
    text[112] = 'x';
    assert_err(address_parse(text, &address, NULL), ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(what_is_parsed_is_formatted_the_same),
          cmocka_unit_test(a_zone_is_an_interface_that_exists),
          cmocka_unit_test(a_mapped_address_is_written_as_ipv4),
          cmocka_unit_test(refuses_what_is_no_address),
          cmocka_unit_test(a_unix_path_may_fill_the_socket_address_but_for_its_end))
