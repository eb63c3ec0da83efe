/* Messages as linuxptp 3.1.1 sent them on a wire; management by hand after IEEE 1588 clause 15. */
#include "proto/ptp/ptp_protocol.h"

#include "dissect/testing.h"

#define MASTER "664d7bfffe9ae356 0001"
#define SLAVE "6e559ffffe53708e 0001"
#define HEAD(type, size, flags) type "02" size "0000" flags "0000000000000000 00000000"
#define ANNOUNCE                                                                                   \
    HEAD("0b", "0056", "0000")                                                                     \
    MASTER "0003 05ff 00000000000000000000 0025 00 0a f8feffff 80 664d7bfffe9ae356 0000 a0"        \
           "0003 0012 1c129d 000002 00fe 00000000 000000c8 0000"

static void
a_clock_says_whom_it_follows(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ptp_protocol);
    assert_reads(&r, SIDE_UNKNOWN, ANNOUNCE,
                 "report announce identify domain=0 sdo=0 minor-version=0 flags=0 correction=0 "
                 "clock=664d7bfffe9ae356 port=1 sequence=3 interval=-1 timestamp=0 utc-offset=37 "
                 "priority-1=10 clock-class=248 accuracy=254 variance=65535 priority-2=128 "
                 "grandmaster=664d7bfffe9ae356 steps-removed=0 time-source=160 "
                 "power-profile=2017 grandmaster-id=254 inaccuracy=200\n");
    reading_end(&r);
    assert_survives_truncation(&ptp_protocol, SIDE_UNKNOWN, ANNOUNCE);
}

static void
every_message_names_its_clock(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ptp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 "1012 002c 1800 0200 0000000000018000 00000000" MASTER
                 "0003 00fd 00000000000000000000 0000",
                 "report sync report domain=24 sdo=1 minor-version=1 flags=512 correction=1 "
                 "clock=664d7bfffe9ae356 port=1 sequence=3 interval=-3 timestamp=0\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("09", "0036", "0000") MASTER "0003 03fd 00006b0b759b32cbd684" SLAVE,
                 "response delay-resp link domain=0 sdo=0 minor-version=0 flags=0 correction=0 "
                 "clock=664d7bfffe9ae356 port=1 sequence=3 interval=-3 "
                 "timestamp=1795913115852219524 requesting-clock=6e559ffffe53708e "
                 "requesting-port=1\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("02", "0036", "0000") MASTER
                 "0001 057f 00000000000000000000 00000000000000000000",
                 "request pdelay-req link domain=0 sdo=0 minor-version=0 flags=0 correction=0 "
                 "clock=664d7bfffe9ae356 port=1 sequence=1 interval=127 timestamp=0\n");
    reading_end(&r);
}

static void
management_says_what_it_does(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ptp_protocol);
    /* SET of PRIORITY1, and the response to it */
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("0d", "0038", "0000") MASTER "0007 047f ffffffffffffffffffff 01 01 01 00"
                                                   "0001 0004 2005 0100",
                 "request management configure domain=0 sdo=0 minor-version=0 flags=0 "
                 "correction=0 clock=664d7bfffe9ae356 port=1 sequence=7 interval=127 action=1 "
                 "management-id=8197\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("0d", "0030", "0000") MASTER "0007 047f ffffffffffffffffffff 01 01 02 00",
                 "response management read domain=0 sdo=0 minor-version=0 flags=0 "
                 "correction=0 clock=664d7bfffe9ae356 port=1 sequence=7 interval=127 action=2\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const struct {
        const char *hex;
        enum err err;
        size_t offset;
    } bad[] = {
        {"0001 002c", ERR_UNSUPPORTED, 2},
        {HEAD("04", "002c", "0000") MASTER "0003 00fd 00000000000000000000", ERR_MALFORMED, 2},
        {HEAD("00", "002d", "0000") MASTER "0003 00fd 00000000000000000000", ERR_TRUNCATED, 2},
        {HEAD("00", "002b", "0000") MASTER "0003 00fd 00000000000000000000", ERR_MALFORMED, 2},
        {HEAD("00", "002c", "0000") MASTER "0003 00fd 0000000000003b9aca00", ERR_MALFORMED, 44},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i].hex, octets, sizeof octets);
        reading_begin(&r, &ptp_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_string_equal(buf_cstr(&r.text), "");
        assert_err(r.err, bad[i].err);
        assert_int_equal(r.offset, bad[i].offset);
        assert_int_equal(ptp_protocol.looks(octets, n), LOOKS_NOT);
        reading_end(&r);
    }
}

static void
it_is_known_at_its_ports_only(void **state UNUSED)
{
    uint8_t octets[128];
    size_t n = octets_of(ANNOUNCE, octets, sizeof octets);
    assert_int_equal(ptp_protocol.looks(octets, n), LOOKS_FAINT);
}

TEST_MAIN(cmocka_unit_test(a_clock_says_whom_it_follows),
          cmocka_unit_test(every_message_names_its_clock),
          cmocka_unit_test(management_says_what_it_does),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(it_is_known_at_its_ports_only))
