#include "proto/ot/goose/goose_protocol.h"

#include "base/ber.h"
#include "dissect/testing.h"
#include "proto/ot/goose/goose_value.h"

/* A message with every field, by hand after IEC 61850-8-1 annex A: the APDU, and what is around it
 * on Ethernet and over UDP. */
#define HEAD                                                                                       \
    "800E 4C442F4C4C4E3024474F24676331" /* LD/LLN0$GO$gc1 */                                       \
    "8102 07D0"                         /* 2000 ms */                                              \
    "8209 4C442F4C4C4E30247A"           /* LD/LLN0$z */                                            \
    "8302 6731"                         /* g1 */                                                   \
    "8408 48888F31 240000 0A"           /* t */                                                    \
    "8501 05"                           /* stNum */                                                \
    "8602 0081"                         /* sqNum 129 */                                            \
    "8701 01"                           /* simulation */                                           \
    "8801 03"                           /* confRev */                                              \
    "8901 01"                           /* ndsCom */
#define APDU "6152" HEAD "8A01 02 AB10 8301 01 A20B 8403 03 1000 8504 FFFFFF85"

#define SAID                                                                                       \
    "gocb-ref='LD/LLN0$GO$gc1' time-allowed-to-live=2000 dat-set='LD/LLN0$z' go-id='g1' "          \
    "t=1216909105140625000 t-quality=10 st-num=5 sq-num=129 simulation=1 conf-rev=3 nds-com=1 "    \
    "entries=2; type=3 boolean=1; type=2 bits=512 bit-count=13 integer=-123\n"

/* IEC TR 61850-90-5: unit data, SPDU, length, common header with number 7 and key 1. */
#define SESSION "0140 A117 8015 00000080 00000007 0001 48888F31 0010 00000001 00"
#define SESSION_90_5 "0140 A118 8016 00000080 00000007 0001 48888F31 0010 0001 00000001"

static void
a_publication_is_read_to_the_last_value(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &goose_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "3001 005C 8000 0000" APDU,
                 "report publish report appid=12289 length=92 simulated=1 " SAID);
    /* what fills the frame up to 60 octets is not of it */
    assert_reads(&r, SIDE_UNKNOWN, "3001 005C 0003 1234" APDU "00000000",
                 "report publish report appid=12289 length=92 simulated=0 reserved-1=3 "
                 "reserved-2=4660 " SAID);
    reading_end(&r);
    assert_survives_truncation(&goose_protocol, SIDE_UNKNOWN, "3001 005C 8000 0000" APDU);
}

static void
it_is_the_same_over_udp(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &goose_protocol);
    assert_reads(&r, SIDE_UNKNOWN, SESSION "0000005A 81 01 3001 0054" APDU,
                 "report publish report appid=12289 length=84 simulated=1 spdu-number=7 "
                 "session-version=1 key-id=1 signed=0 " SAID);
    assert_reads(&r, SIDE_UNKNOWN,
                 SESSION_90_5 "0000005A 81 00 3001 0054" APDU "AF02 0000 8504 01020304",
                 "report publish report appid=12289 length=84 simulated=0 spdu-number=7 "
                 "session-version=1 key-id=1 signed=1 " SAID);
    reading_end(&r);
    assert_survives_truncation(&goose_protocol, SIDE_UNKNOWN,
                               SESSION "0000005A 81 01 3001 0054" APDU);
}

static void
only_its_own_payloads_are_of_a_datagram(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &goose_protocol);
    assert_reads(&r, SIDE_UNKNOWN, SESSION "0000000A 82 00 4001 0004 6002 8000", "");
    reading_end(&r);
}

static void
every_type_of_value_has_its_field(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &goose_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 "0001 0091 0000 0000 618186" HEAD "8A01 0B AB44"
                 "8601 2A"                  /* unsigned */
                 "8705 08 3FC00000"         /* 1.5 */
                 "8709 0B C004000000000000" /* -2.5 */
                 "8902 BEEF"                /* octets */
                 "8A02 4142"                /* text */
                 "8C04 00000001"            /* binary time */
                 "8D01 12"                  /* BCD */
                 "8E02 04A0"                /* booleans */
                 "9002 4344"                /* text */
                 "9108 48888F31 800000 0A"
                 "840A 00 FFFFFFFFFFFFFFFFFF",
                 "report publish report appid=1 length=145 simulated=0 "
                 "gocb-ref='LD/LLN0$GO$gc1' time-allowed-to-live=2000 dat-set='LD/LLN0$z' "
                 "go-id='g1' t=1216909105140625000 t-quality=10 st-num=5 sq-num=129 simulation=1 "
                 "conf-rev=3 nds-com=1 entries=11; type=6 unsigned=42; type=7 real=1.5; type=7 "
                 "real=-2.5; type=9 octets=beef; type=10 text='AB'; type=12 octets=00000001; "
                 "type=13 integer=18; type=14 bits=10 bit-count=4; type=16 text='CD'; type=17 "
                 "time=1216909105500000000 time-quality=10; type=4 octets=ffffffffffffffffff\n");
    reading_end(&r);
}

static void
what_a_broken_one_has_is_told(void **state UNUSED)
{
    static const struct {
        const char *hex, *said;
        enum err err;
        size_t offset;
    } broken[] = {
        /* neither gocbRef nor the rest */
        {"0001 000D 0000 0000 6103 8501 05",
         "report publish report appid=1 length=13 simulated=0 st-num=5\n", ERR_MALFORMED, 13},
        /* a value longer than the message */
        {"0001 000D 0000 0000 6103 8509 05",
         "report publish report appid=1 length=13 simulated=0\n", ERR_TRUNCATED, 12},
        /* the header says more than there is */
        {"0001 0020 0000 0000 6116 8501 05",
         "report publish report appid=1 length=32 simulated=0 st-num=5\n", ERR_TRUNCATED, 10},
        {"0001 0007 0000 0000 6103 8501 05", "", ERR_MALFORMED, 8},
        {"0001 000D 0000 0000 6203 8501 05", "", ERR_MALFORMED, 8},
    };
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(broken[i].hex, octets, sizeof octets);
        reading_begin(&r, &goose_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_string_equal(buf_cstr(&r.text), broken[i].said);
        assert_err(r.err, broken[i].err);
        assert_int_equal(r.offset, broken[i].offset);
        reading_end(&r);
    }
}

static void
structures_cannot_go_deeper_than_the_limit(void **state UNUSED)
{
    for (unsigned depth = GOOSE_MAX_DEPTH - 1; depth <= GOOSE_MAX_DEPTH; depth++) {
        struct buf b = BUF_INIT;
        size_t at[2 + GOOSE_MAX_DEPTH];
        struct reading r;
        buf_put(&b, "\0\1\0\0\0\0\0", 8);
        at[0] = ber_begin(&b, 0x61);
        at[1] = ber_begin(&b, 0xab);
        for (unsigned i = 0; i < depth; i++)
            at[2 + i] = ber_begin(&b, 0xa2);
        ber_put_bool(&b, 0x83, true);
        for (unsigned i = depth + 2; i > 0; i--)
            ber_end(&b, at[i - 1]);
        b.data[3] = (uint8_t)b.size;
        reading_begin(&r, &goose_protocol);
        reading_octets(&r, SIDE_UNKNOWN, b.data, b.size);
        /* without a limit broken it lacks its header fields only */
        assert_err(r.err, depth < GOOSE_MAX_DEPTH ? ERR_MALFORMED : ERR_LIMIT);
        reading_end(&r);
        buf_fini(&b);
    }
}

static void
management_is_told_apart(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &goose_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "0001 000D 0000 0000 6003 800105",
                 "request gse-management browse appid=1 length=13 simulated=0 data=800105\n");
    reading_end(&r);
}

static int
looks_of(const char *hex)
{
    uint8_t octets[64];
    size_t n = octets_of(hex, octets, sizeof octets);
    return goose_protocol.looks(octets, n);
}

static void
a_session_says_what_it_carries(void **state UNUSED)
{
    assert_int_equal(looks_of("0140 A117 8015"), LOOKS_SURE);
    assert_int_equal(looks_of("0140 A217 8015"), LOOKS_NOT);
    assert_int_equal(looks_of("0350C101 A117 8015"), LOOKS_NOT);
    assert_int_equal(looks_of("034000C1 A117 8015"), LOOKS_SURE);
    assert_int_equal(looks_of("0001 000D 0000 0000 6103 850105"), LOOKS_LIKE);
    assert_int_equal(looks_of("0001 000E 0000 0000 6103 850105"), LOOKS_NOT);
    assert_int_equal(looks_of("0140"), LOOKS_NOT);
    assert_int_equal(looks_of(""), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(a_publication_is_read_to_the_last_value),
          cmocka_unit_test(it_is_the_same_over_udp),
          cmocka_unit_test(only_its_own_payloads_are_of_a_datagram),
          cmocka_unit_test(every_type_of_value_has_its_field),
          cmocka_unit_test(what_a_broken_one_has_is_told),
          cmocka_unit_test(structures_cannot_go_deeper_than_the_limit),
          cmocka_unit_test(management_is_told_apart),
          cmocka_unit_test(a_session_says_what_it_carries))
