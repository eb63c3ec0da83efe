/* Messages written after ANSI C12.22; its own example and whole conversations are compared with
 * what tshark makes of them (test/sensor/oracles/c1222.py). */
#include "dissect/testing.h"
#include "proto/ot/c1222/c1222.h"

/* clang-format off */
#define ASK_IDENTITY \
    "6023a20d060b2b060104018285638e7f0ba60480027b04a803020101be0728058103800120"

#define IDENTITY \
    "602ca20480027b04a403020101a60d060b2b060104018285638e7f0ba803020109be0b28098107800500" \
    "03010000"

#define SESSION \
    "604da20d060b2b060104018285638e7f0ba60480027b04a803020102be31282f812d800f5000024f5045" \
    "5241544f522020000017515345435245542020202020202020202020202020000203300001"

#define DONE \
    "6033a20480027b04a403020102a60d060b2b060104018285638e7f0ba803020109be122810810e800300" \
    "003c010006000002abcd88"

#define READ \
    "6034a20d060b2b060104018285638e7f0ba60480027b04a803020103be182816811480083f0017000010" \
    "000409320017000100020003"

#define REFUSED \
    "602aa20480027b04a403020103a60d060b2b060104018285638e7f0ba803020109be0928078105800103" \
    "0107"

#define WRITE \
    "602da20d060b2b060104018285638e7f0ba60480027b04a803020104be11280f810d800b4f000c000001" \
    "00020102fd"

#define COLD_START \
    "602ba20d060b2b060104018285638e7f0ba60480027b04a803020105be0f280d810b8009400007000300" \
    "0001ff"

#define DISCONNECT \
    "602ca20d060b2b060104018285638e7f0ba60480027b04a803020106be10280e810c800a400007000415" \
    "000201e8"

#define OWN_PROCEDURE \
    "602ba20d060b2b060104018285638e7f0ba60480027b04a803020107be0f280d810b8009400007000305" \
    "0803f0"

#define REGISTER \
    "603ba20d060b2b060104018285638e7f0ba60480027b04a803020108be1f281d811b8019270102000000" \
    "01060b2b060104018285638e7f0b0461626364"

#define AUTHENTICATED \
    "603ca20d060b2b060104018285638e7f0ba60480027b04a80302010aac0fa20da00ba109800102810448" \
    "f3d061be0f280d810b94474520200120aabbccdd"

#define ENCRYPTED \
    "6046a20d060b2b060104018285638e7f0ba60480027b04a80302010bac0fa20da00ba109800102810448" \
    "f3d061be1928178115895555555555555555555555555555555555555555"

#define EMPTY \
    "6021a20d060b2b060104018285638e7f0ba60480027b04a80302010cbe052803810180"

#define LONG \
    "6081bca20d060b2b060104018285638e7f0ba60480027b04a80302010dbe819f28819c81819980819640" \
    "004000900101010101010101010101010101010101010101010101010101010101010101010101010101" \
    "010101010101010101010101010101010101010101010101010101010101010101010101010101010101" \
    "010101010101010101010101010101010101010101010101010101010101010101010101010101010101" \
    "0101010101010101010101010101010101010101010100"
/* clang-format on */

static void
a_meter_says_which_standard_it_keeps_to(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c1222);
    assert_reads(&r, SIDE_CLIENT, ASK_IDENTITY,
                 "request identification identify "
                 "called-title='1.3.6.1.4.1.33507.1919.11' calling-title='.123.4' "
                 "calling-invocation=1 security=0 response-control=0\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY,
                 "response identification identify called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=1 "
                 "calling-invocation=9 security=0 response-control=0 code=0 standard=3 "
                 "version=1 revision=0 size=1\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY,
                 "response response other called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=1 "
                 "calling-invocation=9 security=0 response-control=0 code=0 size=4\n");
    reading_end(&r);
}

/* Neither the password nor what is in the table is told. */
static void
services_of_a_message_are_told_each(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c1222);
    assert_reads(&r, SIDE_CLIENT, SESSION,
                 "request logon access called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=2 security=0 "
                 "response-control=0 user-id=2 user='OPERATOR  ' size=2\n"
                 "request security access called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=2 security=0 "
                 "response-control=0 user-id=2\n"
                 "request full-read read called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=2 security=0 "
                 "response-control=0 table=1\n");
    assert_reads(&r, SIDE_SERVER, DONE,
                 "response logon access called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=2 "
                 "calling-invocation=9 security=0 response-control=0 code=0 size=2\n"
                 "response security access called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=2 "
                 "calling-invocation=9 security=0 response-control=0 code=0\n"
                 "response full-read read called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=2 "
                 "calling-invocation=9 security=0 response-control=0 code=0 count=2 "
                 "size=3\n");
    reading_end(&r);
}

static void
tables_are_read_by_index_and_offset(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c1222);
    assert_reads(&r, SIDE_CLIENT, READ,
                 "request offset-read read called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=3 security=0 "
                 "response-control=0 table=23 offset=16 count=4\n"
                 "request partial-read-2 read called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=3 security=0 "
                 "response-control=0 table=23 index=1 index=2 count=3\n");
    assert_reads(&r, SIDE_SERVER, REFUSED,
                 "refusal offset-read read error=3 called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=3 "
                 "calling-invocation=9 security=0 response-control=0 code=3\n"
                 "refusal partial-read-2 read error=7 called-title='.123.4' "
                 "calling-title='1.3.6.1.4.1.33507.1919.11' called-invocation=3 "
                 "calling-invocation=9 security=0 response-control=0 code=7\n");
    reading_end(&r);
}

static void
what_is_written_and_done(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c1222);
    assert_reads(&r, SIDE_CLIENT, WRITE,
                 "request offset-write write called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=4 security=0 "
                 "response-control=0 table=12 offset=1 count=2 size=3\n");
    assert_reads(&r, SIDE_CLIENT, COLD_START,
                 "request full-write restart called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=5 security=0 "
                 "response-control=0 table=7 count=3 procedure=0 manufacturer-procedure=0 "
                 "sequence=1 size=1\n");
    assert_reads(&r, SIDE_CLIENT, DISCONNECT,
                 "request full-write operate called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=6 security=0 "
                 "response-control=0 table=7 count=4 procedure=21 "
                 "manufacturer-procedure=0 sequence=2 size=2\n");
    assert_reads(&r, SIDE_CLIENT, OWN_PROCEDURE,
                 "request full-write operate called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=7 security=0 "
                 "response-control=0 table=7 count=3 procedure=5 manufacturer-procedure=1 "
                 "sequence=3 size=1\n");
    assert_reads(&r, SIDE_CLIENT, REGISTER,
                 "request register configure called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=8 security=0 "
                 "response-control=0 node-type=1 connection-type=2 "
                 "title='1.3.6.1.4.1.33507.1919.11' size=5\n");
    assert_reads(&r, SIDE_CLIENT, LONG,
                 "request full-write write called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=13 security=0 "
                 "response-control=0 table=64 count=144 size=145\n");
    reading_end(&r);
}

static void
what_is_authenticated_is_read_and_what_is_encrypted_is_not(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c1222);
    assert_reads(&r, SIDE_CLIENT, AUTHENTICATED,
                 "request identification identify "
                 "called-title='1.3.6.1.4.1.33507.1919.11' calling-title='.123.4' "
                 "calling-invocation=10 key=2 initialisation=48f3d061 security=1 "
                 "response-control=0 device-class=47452020\n");
    assert_reads(&r, SIDE_CLIENT, ENCRYPTED,
                 "request secured-message other called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=11 key=2 "
                 "initialisation=48f3d061 security=2 response-control=1 size=20\n");
    assert_reads(&r, SIDE_CLIENT, EMPTY,
                 "link empty-message link called-title='1.3.6.1.4.1.33507.1919.11' "
                 "calling-title='.123.4' calling-invocation=12\n");
    reading_end(&r);
}

static void
messages_are_cut_from_a_stream_and_known(void **state UNUSED)
{
    uint8_t octets[512];
    size_t message, n = octets_of(LONG "00", octets, sizeof octets);
    for (size_t size = 0; size < n - 1; size++)
        assert_int_equal(c1222.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(c1222.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 1);
    assert_int_equal(c1222.looks(octets, message), LOOKS_SURE);
    n = octets_of("6083 010000 00", octets, sizeof octets); /* longer than any */
    assert_int_equal(c1222.frame(octets, n, &message), FRAME_NOT);
    n = octets_of("6084 00000001 00", octets, sizeof octets); /* or longer than that can be */
    assert_int_equal(c1222.frame(octets, n, &message), FRAME_NOT);
    n = octets_of("6000", octets, sizeof octets);
    assert_int_equal(c1222.frame(octets, n, &message), FRAME_NOT);
    n = octets_of(ASK_IDENTITY, octets, sizeof octets);
    octets[2] = 0x06; /* a token of GSS-API */
    assert_int_equal(c1222.looks(octets, n), LOOKS_NOT);
    n = octets_of("6006 a804 0202 0001", octets, sizeof octets); /* no user information */
    assert_int_equal(c1222.looks(octets, n), LOOKS_NOT);
}

static void
what_is_cut_off_is_an_error(void **state UNUSED)
{
    assert_survives_truncation(&c1222, SIDE_CLIENT, SESSION);
    assert_survives_truncation(&c1222, SIDE_CLIENT, AUTHENTICATED);
    assert_survives_truncation(&c1222, SIDE_SERVER, IDENTITY);
    struct reading r;
    uint8_t octets[64];
    size_t n = octets_of("600b be09 2807 8105 80 0330 0001", octets, sizeof octets);
    reading_begin(&r, &c1222);
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_ok(r.err);
    octets[9] = 0x05; /* a service that is longer than what is there */
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_int_not_equal(r.err, ERR_OK);
    reading_end(&r);
}

TEST_MAIN(cmocka_unit_test(a_meter_says_which_standard_it_keeps_to),
          cmocka_unit_test(services_of_a_message_are_told_each),
          cmocka_unit_test(tables_are_read_by_index_and_offset),
          cmocka_unit_test(what_is_written_and_done),
          cmocka_unit_test(what_is_authenticated_is_read_and_what_is_encrypted_is_not),
          cmocka_unit_test(messages_are_cut_from_a_stream_and_known),
          cmocka_unit_test(what_is_cut_off_is_an_error))
