/* Messages written after what public analyses of TRITON say of TriStation, with the checksum that
 * captures have. */
#include "dissect/testing.h"
#include "proto/ot/tristation/tristation.h"

/* clang-format off */
#define CONNECT \
    "0100000001fc"

#define CONNECTED \
    "0200000001b8"

#define DENIED \
    "0a00000003d8"

#define ASK_STATUS \
    "05000a0000001301000000000a004a64"

#define STATUS \
    "05006b0001016c01000000006b0000000000000000000000000000000000000000000000000000000000" \
    "00000000000000000000000000000000000000000000000000000000000001000200fa75ab5a53485554" \
    "444f574e000502000000000000000000000000000000000000000035f7"

#define ALLOCATE \
    "050014000000370200000000140002000300000000000000b54b"

#define ALLOCATED \
    "05000a0001019902000000000a00ad2e"

#define HALT \
    "05000a0000001503000000000a00e98e"

#define HALTED \
    "05000a0001016e03000000000a00f34c"

#define RUN \
    "05000a0000001404000000000a005e82"

#define KEY \
    "05000c0001016404000000000c00d4001a9b"

#define CHANGE \
    "05001d0000000105000000001d0053485554444f574e000502000000000000000092b2"

#define UPLOAD \
    "05001200000042060000000012000000000000000000b882"

#define WRONG \
    "05000a000101c806000000000a002c1e"

#define UPLOADED \
    "050016000101a307000000001600383838383838383838383838e347"
/* clang-format on */

static void
connections_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tristation);
    assert_reads(&r, SIDE_CLIENT, CONNECT, "link connection-request link\n");
    assert_reads(&r, SIDE_SERVER, CONNECTED, "link connection-response link\n");
    assert_reads(&r, SIDE_SERVER, DENIED, "refusal access-denied link\n");
    reading_end(&r);
}

static void
a_status_says_which_project_there_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tristation);
    assert_reads(&r, SIDE_CLIENT, ASK_STATUS, "request get-cp-status read source=0 counter=1\n");
    assert_reads(&r, SIDE_SERVER, STATUS,
                 "response get-cp-status read source=257 counter=1 answer=108 size=97 "
                 "project-version=2 project-minor=1 project-time=1521186298000000000 "
                 "project='SHUTDOWN'\n");
    reading_end(&r);
}

static void
answers_belong_to_their_commands(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tristation);
    assert_reads(&r, SIDE_CLIENT, ALLOCATE,
                 "request allocate-program download source=0 counter=2 size=10\n");
    assert_reads(&r, SIDE_SERVER, ALLOCATED,
                 "response allocate-program download source=257 counter=2 answer=153\n");
    assert_reads(&r, SIDE_CLIENT, CHANGE,
                 "request start-download-change download source=0 counter=5 size=19 "
                 "project='SHUTDOWN'\n");
    assert_reads(&r, SIDE_CLIENT, UPLOAD,
                 "request upload-function upload source=0 counter=6 size=8\n");
    assert_reads(&r, SIDE_SERVER, UPLOADED,
                 "response upload-function upload source=257 counter=7 answer=163 "
                 "size=12\n");
    reading_end(&r);
}

static void
programs_are_halted_and_run(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tristation);
    assert_reads(&r, SIDE_CLIENT, HALT, "request halt-program stop source=0 counter=3\n");
    assert_reads(&r, SIDE_SERVER, HALTED,
                 "response halt-program stop source=257 counter=3 answer=110\n");
    assert_reads(&r, SIDE_CLIENT, RUN, "request run-program start source=0 counter=4\n");
    assert_reads(&r, SIDE_SERVER, KEY,
                 "refusal run-program start error=212 source=257 counter=4 answer=100 "
                 "size=2\n");
    reading_end(&r);
}

static void
without_the_command_the_answer_s_code_tells(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tristation);
    assert_reads(&r, SIDE_SERVER, STATUS,
                 "response get-cp-status read source=257 counter=1 answer=108 size=97 "
                 "project-version=2 project-minor=1 project-time=1521186298000000000 "
                 "project='SHUTDOWN'\n");
    assert_reads(&r, SIDE_SERVER, HALTED,
                 "response halt-program stop source=257 counter=3 answer=110\n");
    assert_reads(&r, SIDE_SERVER, KEY,
                 "refusal ? other error=212 source=257 counter=4 answer=100 size=2\n");
    assert_reads(&r, SIDE_SERVER, WRONG,
                 "refusal ? other error=200 source=257 counter=6 answer=200\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    uint8_t octets[256];
    size_t n = octets_of(HALT, octets, sizeof octets);
    assert_int_equal(tristation.looks(octets, n), LOOKS_SURE);
    assert_int_equal(tristation.looks(octets, n - 1), LOOKS_NOT);
    octets[n - 1] ^= 1;
    assert_int_equal(tristation.looks(octets, n), LOOKS_FAINT);
    struct reading r;
    reading_begin(&r, &tristation);
    reading_octets(&r, SIDE_CLIENT, octets, n); /* a wrong checksum */
    assert_int_not_equal(r.err, ERR_OK);
    n = octets_of("0c00 0000 0000", octets, sizeof octets); /* no such message */
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_int_not_equal(r.err, ERR_OK);
    reading_end(&r);
    assert_survives_truncation(&tristation, SIDE_SERVER, STATUS);
    assert_survives_truncation(&tristation, SIDE_CLIENT, CHANGE);
}

TEST_MAIN(cmocka_unit_test(connections_are_told),
          cmocka_unit_test(a_status_says_which_project_there_is),
          cmocka_unit_test(answers_belong_to_their_commands),
          cmocka_unit_test(programs_are_halted_and_run),
          cmocka_unit_test(without_the_command_the_answer_s_code_tells),
          cmocka_unit_test(what_cannot_be_is_an_error))
