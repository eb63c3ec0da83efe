#include "proto/ot/sv/sv_protocol.h"

#include "dissect/testing.h"

/* By hand after IEC 61850-9-2 clause 8.5.2: one ASDU with every optional field, whose sample is not
 * pairs, and one with a value and its quality. */
#define APDU                                                                                       \
    "6059 8001 02 A254"                                                                            \
    "3035 8002 6D31 8101 64 8202 0118 8304 00000007 8408 48888F31 240000 0A"                       \
    "8501 02 8602 0FA0 8703 AABBCC 8802 0001 8908 0011223344556677"                                \
    "301B 8002 6D32 8202 0119 8304 00000007 8501 00 8708 FFFFFFFE 00002000"
#define SAID                                                                                       \
    "asdus=2; sv-id='m1' dat-set='d' smp-cnt=280 conf-rev=7 refr-tm=1216909105140625000 "          \
    "refr-tm-quality=10 smp-synch=2 smp-rate=4000 sample=aabbcc smp-mod=1 "                        \
    "gm-identity=0011223344556677; sv-id='m2' smp-cnt=281 conf-rev=7 smp-synch=0 value=-2 "        \
    "quality=8192\n"
#define SESSION "0140 A217 8015 00000080 00000007 0001 48888F31 0010 00000001 00"

static void
each_asdu_is_an_object(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sv_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "4001 0063 0000 0000" APDU,
                 "report publish report appid=16385 length=99 simulated=0 " SAID);
    assert_reads(&r, SIDE_UNKNOWN, "4001 0063 8000 0000" APDU "0000",
                 "report publish report appid=16385 length=99 simulated=1 " SAID);
    reading_end(&r);
    assert_survives_truncation(&sv_protocol, SIDE_UNKNOWN, "4001 0063 0000 0000" APDU);
}

static void
it_is_the_same_over_udp(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sv_protocol);
    assert_reads(&r, SIDE_UNKNOWN, SESSION "00000061 82 00 4001 005B" APDU "8504 01020304",
                 "report publish report appid=16385 length=91 simulated=0 spdu-number=7 "
                 "session-version=1 key-id=1 signed=1 " SAID);
    reading_end(&r);
    assert_survives_truncation(&sv_protocol, SIDE_UNKNOWN, SESSION "00000061 82 00 4001 005B" APDU);
}

static void
what_a_broken_one_has_is_told(void **state UNUSED)
{
    static const struct {
        const char *hex, *said;
        enum err err;
    } broken[] = {
        /* an ASDU without its counter */
        {"4001 0015 0000 0000 600B 8001 01 A206 3004 8002 6D31",
         "report publish report appid=16385 length=21 simulated=0 asdus=1; sv-id='m1'\n",
         ERR_MALFORMED},
        /* a counter of one octet */
        {"4001 0014 0000 0000 600A 8001 01 A205 3003 8201 01",
         "report publish report appid=16385 length=20 simulated=0 asdus=1\n", ERR_MALFORMED},
        /* fewer than it says */
        {"4001 000F 0000 0000 6005 8001 02 A200",
         "report publish report appid=16385 length=15 simulated=0 asdus=2\n", ERR_INVALID},
        {"4001 000F 0000 0000 6105 8001 02 A200", "", ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(broken[i].hex, octets, sizeof octets);
        reading_begin(&r, &sv_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_string_equal(buf_cstr(&r.text), broken[i].said);
        assert_err(r.err, broken[i].err);
        reading_end(&r);
    }
}

static void
a_session_says_what_it_carries(void **state UNUSED)
{
    assert_int_equal(sv_protocol.looks((const uint8_t *)"\1\x40\xa2\x17", 4), LOOKS_SURE);
    assert_int_equal(sv_protocol.looks((const uint8_t *)"\1\x40\xa1\x17", 4), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(each_asdu_is_an_object), cmocka_unit_test(it_is_the_same_over_udp),
          cmocka_unit_test(what_a_broken_one_has_is_told),
          cmocka_unit_test(a_session_says_what_it_carries))
