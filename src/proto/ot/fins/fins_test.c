/* Messages written after the examples and the tables of OMRON W342 (section 5) and W421 (section
 * 7). */
#include "dissect/testing.h"
#include "proto/ot/fins/fins.h"

#define COMMAND "80 00 02 00 0a 00 00 14 00 07 "
#define RESPONSE "c0 00 02 00 14 00 00 0a 00 07 "
#define COMMAND_HEAD                                                                               \
    "destination-network=0 destination-node=10 destination-unit=0 source-network=0 "               \
    "source-node=20 source-unit=0 service-id=7"
#define RESPONSE_HEAD                                                                              \
    "destination-network=0 destination-node=20 destination-unit=0 source-network=0 "               \
    "source-node=10 source-unit=0 service-id=7"

static void
a_response_has_the_address_that_was_asked(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &fins);
    assert_reads(&r, SIDE_CLIENT, COMMAND "0101 82 0064 00 0002",
                 "request memory-area-read read " COMMAND_HEAD
                 " area=130 address=100 bit=0 count=2\n");
    assert_reads(&r, SIDE_SERVER, RESPONSE "0101 0000 1234 5678",
                 "response memory-area-read read " RESPONSE_HEAD
                 " area=130 address=100 data=12345678\n");
    assert_reads(&r, SIDE_SERVER, RESPONSE "0101 0000 1234 5678",
                 "response memory-area-read read " RESPONSE_HEAD " data=12345678\n");
    reading_end(&r);
}

static void
a_controller_says_its_model_and_version(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &fins);
    assert_reads(&r, SIDE_CLIENT, COMMAND "0501 00",
                 "request controller-data-read identify " COMMAND_HEAD " parameter=0\n");
    assert_reads(&r, SIDE_SERVER,
                 RESPONSE
                 "0501 0000 434a324d2d435055333120202020202020202020 "
                 "30322e30312020202020202020202020202020 20"
                 "0000000000000000000000000000000000000000000000000000000000000000000000000000 0000"
                 "00 0a 17 8000 08 01 0000 00 0000",
                 "response controller-data-read identify " RESPONSE_HEAD
                 " model='CJ2M-CPU31          ' version='02.01               ' "
                 "data=000a178000080100000000"
                 "00\n");
    assert_reads(&r, SIDE_SERVER,
                 RESPONSE "0502 0000 01 10 434a31572d455443202020202020202020202020",
                 "response connection-data-read identify " RESPONSE_HEAD
                 " count=1; unit=16 unit-model='CJ1W-ETC            '\n");
    reading_end(&r);
}

static void
acts_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &fins);
    assert_reads(&r, SIDE_CLIENT, COMMAND "0401 ffff 04",
                 "request run start " COMMAND_HEAD " program=65535 mode=4\n");
    assert_reads(&r, SIDE_CLIENT, COMMAND "0402", "request stop stop " COMMAND_HEAD "\n");
    assert_reads(&r, SIDE_CLIENT, COMMAND "0307 ffff 00000000 8002 abcd",
                 "request program-area-write download " COMMAND_HEAD
                 " program=65535 first-word=0 count=32770 data=abcd\n");
    assert_reads(&r, SIDE_CLIENT, COMMAND "2301 0002 0001 30 0001 05 0000 30 0002 00",
                 "request forced-set-reset operate " COMMAND_HEAD
                 " count=2; specification=1 area=48 address=1 bit=5; specification=0 area=48 "
                 "address=2 bit=0\n");
    assert_reads(&r, SIDE_CLIENT, COMMAND "0305 ffff 00 00000000 ffffffff 31323334",
                 "request program-area-protect-clear access " COMMAND_HEAD
                 " program=65535 parameter=0 first-word=0 last-word=4294967295\n");
    reading_end(&r);
}

static void
a_refusal_says_why(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &fins);
    assert_reads(&r, SIDE_SERVER, RESPONSE "0102 2101",
                 "refusal memory-area-write write error=8449 " RESPONSE_HEAD "\n");
    assert_string_equal(protocol_error(&fins, 0x2101), "read-only");
    /* That the CPU has an error, too, refuses nothing. */
    assert_reads(&r, SIDE_SERVER, RESPONSE "0102 0040",
                 "response memory-area-write write " RESPONSE_HEAD "\n");
    reading_end(&r);
}

static void
tcp_carries_it(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[64];
    size_t message, n;
    reading_begin(&r, &fins);
    assert_reads(&r, SIDE_CLIENT, "46494e53 0000000c 00000000 00000000 00000000",
                 "link node-address-request link tcp-error=0 client-node=0\n");
    assert_reads(&r, SIDE_SERVER, "46494e53 00000010 00000001 00000000 00000014 0000000a",
                 "link node-address-answer link tcp-error=0 client-node=20 server-node=10\n");
    assert_reads(&r, SIDE_CLIENT, "46494e53 00000014 00000002 00000000 " COMMAND "0402",
                 "request stop stop " COMMAND_HEAD "\n");
    n = octets_of("46494e53 00000014 00000002 00000000 " COMMAND "0402 ff", octets, sizeof octets);
    for (size_t size = 0; size < n - 1; size++)
        assert_int_equal(fins.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(fins.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 1);
    octets[5] = 1; /* longer than any */
    assert_int_equal(fins.frame(octets, n, &message), FRAME_NOT);
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "84 00 02 00 0a 00 00 14 00 07 0402", /* a reserved bit */
        COMMAND "0101 82 0064 00 00",         /* half a count */
        RESPONSE "0502 0000 01 10 434a",      /* half a model */
        "46494e53 00000014 00000002 00000000 " COMMAND "04",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &fins);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&fins, SIDE_CLIENT, COMMAND "0101 82 0064 00 0002");
}

static void
others_do_not_look_like_it(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = octets_of(COMMAND "0402", octets, sizeof octets);
    assert_int_equal(fins.looks(octets, n), LOOKS_LIKE);
    octets[11] = 0x22; /* no such command */
    assert_int_equal(fins.looks(octets, n), LOOKS_NOT);
    n = octets_of(RESPONSE "0402 7777", octets, sizeof octets);
    assert_int_equal(fins.looks(octets, n), LOOKS_FAINT);
}

TEST_MAIN(cmocka_unit_test(a_response_has_the_address_that_was_asked),
          cmocka_unit_test(a_controller_says_its_model_and_version),
          cmocka_unit_test(acts_are_told), cmocka_unit_test(a_refusal_says_why),
          cmocka_unit_test(tcp_carries_it), cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(others_do_not_look_like_it))
