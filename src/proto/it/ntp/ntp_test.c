/* Messages by RFC 5905 and RFC 9327. */
#include "proto/it/ntp/ntp.h"

#include "dissect/testing.h"

#define TIMES                                                                                      \
    "e8fa1c00 80000000 0000000000000000 e8fa1c01 00000000 00000001 00000000" /* the last: 2036 */

static void
time_is_asked_for_and_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ntp_protocol);
    assert_reads(&r, SIDE_CLIENT, "23 00 06 ec 00010000 00008000 00000000" TIMES,
                 "request client link version=4 leap=0 stratum=0 poll=6 precision=-20 "
                 "root-delay=1 root-dispersion=0.5 reference-time=1699716480500000000 "
                 "receive-time=1699716481000000000 transmit-time=2085978497000000000\n");
    assert_reads(&r, SIDE_SERVER, "24 01 06 ec 00000000 00000000 47505300" TIMES "00000007",
                 "response server report version=4 leap=0 stratum=1 poll=6 precision=-20 "
                 "root-delay=0 root-dispersion=0 reference='GPS' "
                 "reference-time=1699716480500000000 receive-time=1699716481000000000 "
                 "transmit-time=2085978497000000000 key=7\n");
    assert_reads(&r, SIDE_SERVER,
                 "24 02 06 ec 00000000 00000000 0a000001" TIMES
                 "0104 001c 00000000 0000000000000000 0000000000000000 00000000",
                 "response server report version=4 leap=0 stratum=2 poll=6 precision=-20 "
                 "root-delay=0 root-dispersion=0 reference-ip=167772161 "
                 "reference-time=1699716480500000000 receive-time=1699716481000000000 "
                 "transmit-time=2085978497000000000 extension=260\n");
    assert_reads(&r, SIDE_SERVER, "e4 00 06 ec 00000000 00000000 52415445" TIMES,
                 "refusal server report version=4 leap=3 stratum=0 poll=6 precision=-20 "
                 "root-delay=0 root-dispersion=0 reference='RATE' "
                 "reference-time=1699716480500000000 receive-time=1699716481000000000 "
                 "transmit-time=2085978497000000000\n");
    reading_end(&r);
}

static void
control_messages_say_what_a_server_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ntp_protocol);
    assert_reads(&r, SIDE_CLIENT, "16 02 0001 0000 0000 0000 0000",
                 "request read-variables identify version=2 sequence=1 association=0 offset=0\n");
    assert_reads(&r, SIDE_SERVER,
                 "16 82 0001 0618 0000 0000 001e "
                 "76657273696f6e3d226e74706422 2c2073797374656d3d22422f3122 0d0a",
                 "response read-variables identify version=2 sequence=1 status=1560 "
                 "association=0 offset=0 text='version=\"ntpd\", system=\"B/1\"\r\n' system='B/1' "
                 "software='ntpd'\n");
    assert_reads(&r, SIDE_SERVER, "16 c8 0001 0700 0000 0000 0000",
                 "refusal configure configure error=7 version=2 sequence=1 status=1792 "
                 "association=0 offset=0\n");
    assert_reads(&r, SIDE_CLIENT, "17 00 03 2a 0000 0000",
                 "request monitor-list-1 browse version=2 sequence=0 implementation=3 items=0 "
                 "item-size=0\n");
    assert_reads(&r, SIDE_SERVER, "97 00 03 2a 0001 0004 00000001",
                 "response monitor-list-1 browse version=2 sequence=0 implementation=3 items=1 "
                 "item-size=4\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "24 01 06 ec 00000000 00000000 47505300" TIMES "000000070000", /* half a digest */
        "16 82 0001 0618 0000 0000 000c 7665",                         /* more data than there is */
        "97 00 03 2a 0002 0004 00000001",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[128];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &ntp_protocol);
        reading_octets(&r, SIDE_SERVER, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&ntp_protocol, SIDE_SERVER,
                               "24 01 06 ec 00000000 00000000 47505300" TIMES);
    assert_survives_truncation(&ntp_protocol, SIDE_SERVER, "97 00 03 2a 0001 0004 00000001");
}

static void
only_a_server_s_answer_tells_without_the_port(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = octets_of("24 01 06 ec 00000000 00000000 47505300 e8fa1c00 80000000 "
                         "0000000000000000 e8fa1c01 00000000 e8fa1c01 00000000",
                         octets, sizeof octets);
    assert_int_equal(ntp_protocol.looks(octets, n), LOOKS_LIKE);
    octets[0] = 0x23;
    assert_int_equal(ntp_protocol.looks(octets, n), LOOKS_FAINT);
    octets[1] = 17;
    assert_int_equal(ntp_protocol.looks(octets, n), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(time_is_asked_for_and_told),
          cmocka_unit_test(control_messages_say_what_a_server_is),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(only_a_server_s_answer_tells_without_the_port))
