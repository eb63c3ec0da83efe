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

static void
a_machine_has_all_of_its_network(void **state UNUSED)
{
    static const struct {
        const char *text, *machine;
    } cases[] = {
        {"10.1.0.5:6653", "10.1.0.5"},
        {"10.1.0.5:1", "10.1.0.5"},
        {"[2001:db8:1:2::1]:80", "2001:db8:1:2::"},
        {"[2001:db8:1:2:ffff:ffff:ffff:ffff]:65535", "2001:db8:1:2::"},
        {"[2001:db8:1:3::1]:80", "2001:db8:1:3::"},
        {"[fe80::1%eth0]:80", "fe80::%eth0"},
        {"[fe80::7:8%eth0]:80", "fe80::%eth0"},
        {"[fe80::1%eth1]:80", "fe80::%eth1"},
        {"[::1]:80", "::"},
        {"unix:pid=1,uid=0", "unix"},
        {"unknown", "unknown"},
        {"[x]:1", "x"},
        {"", ""},
        {":", ""},
        {"[]:1", "[]"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char machine[ADDRESS_MACHINE_SIZE];
        assert_string_equal(address_machine(cases[i].text, machine), cases[i].machine);
    }
}

static void
a_machine_is_a_text_of_a_fixed_size(void **state UNUSED)
{
    char text[4 * ADDRESS_MACHINE_SIZE], machine[ADDRESS_MACHINE_SIZE];
    memset(text, 'x', sizeof text);
    text[0] = '[';
    strcpy(text + sizeof text - 4, "]:1");
    assert_int_equal(strlen(address_machine(text, machine)), ADDRESS_MACHINE_SIZE - 1);
    memcpy(text, "[fe80::1%", 9);
    assert_true(strlen(address_machine(text, machine)) < ADDRESS_MACHINE_SIZE);
}

TEST_MAIN(cmocka_unit_test(what_is_parsed_is_formatted_the_same),
          cmocka_unit_test(a_zone_is_an_interface_that_exists),
          cmocka_unit_test(a_mapped_address_is_written_as_ipv4),
          cmocka_unit_test(refuses_what_is_no_address),
          cmocka_unit_test(a_unix_path_may_fill_the_socket_address_but_for_its_end),
          cmocka_unit_test(a_machine_has_all_of_its_network),
          cmocka_unit_test(a_machine_is_a_text_of_a_fixed_size))
