#include "dissect/testing.h"
#include "proto/ot/iec104/iec104.h"

#define HEAD(tx, rx, cause, station, n)                                                            \
    " tx=" tx " rx=" rx " cause=" cause " test=0 negative=0 originator=0 common-address=" station  \
    " sequence=0 objects=" n

static void
reads_all_three_formats(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &iec104);
    assert_reads(&r, SIDE_CLIENT, "68 04 07 00 00 00", "link STARTDT-act link\n");
    assert_reads(&r, SIDE_CLIENT, "68 04 01 00 0a 00", "link S link rx=5\n");
    assert_reads(
        &r, SIDE_CLIENT, "68 0e 02 00 04 00 64 01 06 00 01 00 00 00 00 14",
        "request C_IC_NA_1 read" HEAD("1", "2", "6", "1", "1") "; address=0 qualifier=20\n");
    assert_reads(&r, SIDE_CLIENT, "68 0d 04 00 04 00 66 01 05 00 01 00 0a 00 00",
                 "request C_RD_NA_1 read" HEAD("2", "2", "5", "1", "1") "; address=10\n");
    reading_end(&r);
}

static void
reads_values_quality_and_time(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &iec104);
    assert_reads(&r, SIDE_SERVER, "68 0e 00 00 00 00 01 01 03 00 0a 00 0b 00 00 81",
                 "report M_SP_NA_1 report" HEAD("0", "0", "3", "10",
                                                "1") "; address=11 value=1 quality=128\n");
    assert_reads(&r, SIDE_SERVER, "68 12 00 00 00 00 0d 01 03 00 0a 00 0c 00 00 00 00 f6 42 10",
                 "report M_ME_NC_1 report" HEAD("0", "0", "3", "10",
                                                "1") "; address=12 real=123 quality=16\n");
    assert_reads(&r, SIDE_SERVER, "68 10 00 00 00 00 09 01 01 00 0a 00 0d 00 00 00 c0 00",
                 "report M_ME_NA_1 report" HEAD("0", "0", "1", "10",
                                                "1") "; address=13 normalised=-0.5 quality=0\n");
    /* 2013-07-04 06:23:17.053 */
    assert_reads(
        &r, SIDE_SERVER, "68 15 00 00 00 00 1e 01 03 00 0a 00 0b 00 00 01 9d 42 17 06 84 07 0d",
        "report M_SP_TB_1 report" HEAD(
            "0", "0", "3", "10", "1") "; address=11 value=1 quality=0 time=1372918997053000000\n");
    reading_end(&r);
}

static void
addresses_of_a_sequence_follow_each_other(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &iec104);
    assert_reads(&r, SIDE_SERVER, "68 10 00 00 00 00 01 83 14 00 0a 00 64 00 00 01 00 01",
                 "response M_SP_NA_1 report tx=0 rx=0 cause=20 test=0 negative=0 originator=0 "
                 "common-address=10 sequence=1 objects=3; address=100 value=1 quality=0; "
                 "address=101 value=0 quality=0; address=102 value=1 quality=0\n");
    reading_end(&r);
}

static void
a_command_is_selected_then_executed(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &iec104);
    assert_reads(&r, SIDE_CLIENT, "68 0e 00 00 00 00 2e 01 06 00 0a 00 e9 03 00 82",
                 "request C_DC_NA_1 select" HEAD(
                     "0", "0", "6", "10", "1") "; address=1001 value=2 qualifier=0 select=1\n");
    assert_reads(&r, SIDE_CLIENT, "68 0e 00 00 00 00 2d 01 06 00 0a 00 e9 03 00 05",
                 "request C_SC_NA_1 operate" HEAD(
                     "0", "0", "6", "10", "1") "; address=1001 value=1 qualifier=1 select=0\n");
    assert_reads(&r, SIDE_SERVER, "68 0e 00 00 00 00 2d 01 47 00 0a 00 e9 03 00 05",
                 "refusal C_SC_NA_1 operate error=7 tx=0 rx=0 cause=7 test=0 negative=1 "
                 "originator=0 common-address=10 sequence=0 objects=1; address=1001 value=1 "
                 "qualifier=1 select=0\n");
    reading_end(&r);
}

static void
cut_off_anywhere_it_is_an_error(void **state UNUSED)
{
    assert_survives_truncation(&iec104, SIDE_SERVER,
                               "68 15 00 00 00 00 1e 01 03 00 0a 00 0b 00 00 01 9d 42 17 06 84 07 "
                               "0d");
    struct reading r;
    uint8_t octets[64]; /* three objects are said, and one is there */
    size_t n = octets_of("68 0e 00 00 00 00 01 03 03 00 0a 00 0b 00 00 81", octets, sizeof octets);
    reading_begin(&r, &iec104);
    reading_octets(&r, SIDE_SERVER, octets, n);
    assert_int_equal(r.err, ERR_TRUNCATED);
    assert_int_equal(r.offset, 16);
    assert_non_null(strstr(buf_cstr(&r.text), "address=11 value=1"));
    reading_end(&r);
}

static void
looks_like_one_or_not(void **state UNUSED)
{
    static const struct {
        const char *hex;
        int looks;
    } cases[] = {{"68 04 43 00 00 00", LOOKS_SURE},
                 {"68 04 43 00 01 00", LOOKS_NOT},
                 {"68 04 01 00 0a 00", LOOKS_LIKE},
                 {"68 04 03 00 00 00", LOOKS_NOT},
                 {"69 04 43 00 00 00", LOOKS_NOT},
                 {"68 0e 00 00 00 00 64 01 06 00 01 00 00 00 00 14", LOOKS_LIKE},
                 {"68 04 43", LOOKS_NOT}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t octets[64];
        size_t n = octets_of(cases[i].hex, octets, sizeof octets);
        assert_int_equal(iec104.looks(octets, n), cases[i].looks);
    }
}

TEST_MAIN(cmocka_unit_test(reads_all_three_formats),
          cmocka_unit_test(reads_values_quality_and_time),
          cmocka_unit_test(addresses_of_a_sequence_follow_each_other),
          cmocka_unit_test(a_command_is_selected_then_executed),
          cmocka_unit_test(cut_off_anywhere_it_is_an_error),
          cmocka_unit_test(looks_like_one_or_not))
