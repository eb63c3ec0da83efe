#include "packet/addr.h"

#include "base/testing.h"

static void
reads_and_writes_mac_addresses(void **state UNUSED)
{
    struct mac mac;
    char text[MAC_TEXT_SIZE];
    assert_ok(mac_parse("01-0C-CD-01-00-1f", &mac));
    assert_string_equal(mac_format(&mac, text), "01:0c:cd:01:00:1f");
    assert_true(mac_is_group(&mac));
    assert_false(mac_is_zero(&mac));
}

static void
refuses_what_is_no_mac_address(void **state UNUSED)
{
    static const char *const wrong[] = {
        "",
        "0",
        "01",
        "01:",
        "01:0c:cd:01:00",
        "01:0c:cd:01:00:",
        "01:0c:cd:01:00:1",
        "01:0c:cd:01:00:1f:",
        "01:0c:cd:01:00:1f0",
        "01:0c-cd:01:00:1f",
        "010ccd01001f",
        "0g:0c:cd:01:00:1f",
    };
    struct mac mac = {{9}};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(mac_parse(wrong[i], &mac), ERR_MALFORMED);
    assert_int_equal(mac.octets[0], 9);
}

static void
reads_and_writes_ipv4(void **state UNUSED)
{
    uint32_t address;
    int length;
    char text[IPV4_TEXT_SIZE];
    assert_ok(ipv4_parse("10.1.0.255", &address));
    assert_int_equal(address, 0x0a0100ff);
    assert_string_equal(ipv4_format(address, text), "10.1.0.255");
    assert_ok(ipv4_parse_prefix("10.2.0.5/24", &address, &length));
    assert_int_equal(length, 24);
    assert_int_equal(address & ipv4_mask(length), 0x0a020000);
    assert_int_equal(ipv4_mask(0), 0);
    assert_int_equal(ipv4_mask(32), UINT32_MAX);
    assert_err(ipv4_parse("10.1.0", &address), ERR_MALFORMED);
    assert_err(ipv4_parse("10.1.0.256", &address), ERR_MALFORMED);
    assert_err(ipv4_parse_prefix("10.1.0.1", &address, &length), ERR_MALFORMED);
    assert_err(ipv4_parse_prefix("10.1.0.1/", &address, &length), ERR_MALFORMED);
    assert_err(ipv4_parse_prefix("10.1.0.1/033", &address, &length), ERR_MALFORMED);
    assert_err(ipv4_parse_prefix("10.1.0.1/33", &address, &length), ERR_INVALID);
    assert_err(ipv4_parse_prefix("1000.1000.1000.1000.1/8", &address, &length), ERR_MALFORMED);
}

static void
reads_and_writes_ipv6(void **state UNUSED)
{
    uint8_t address[16];
    char text[IPV6_TEXT_SIZE];
    assert_ok(ipv6_parse("2001:DB8:0:0:8:800:200C:417A", address)); /* RFC 4291 section 2.2 */
    assert_string_equal(ipv6_format(address, text), "2001:db8::8:800:200c:417a");
    assert_err(ipv6_parse("2001::db8::1", address), ERR_MALFORMED);
}

TEST_MAIN(cmocka_unit_test(reads_and_writes_mac_addresses),
          cmocka_unit_test(refuses_what_is_no_mac_address), cmocka_unit_test(reads_and_writes_ipv4),
          cmocka_unit_test(reads_and_writes_ipv6))
