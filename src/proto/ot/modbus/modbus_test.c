/* Messages as the Modbus Application Protocol V1.1b3 gives them in its examples (section 6), behind
 * an MBAP header. */
#include "dissect/testing.h"
#include "proto/ot/modbus/modbus.h"

static void
reads_the_standard_s_examples(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &modbus);
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0006 11 01 0013 0013",
                 "request read-coils read transaction=1 unit=17 address=19 quantity=19\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 0006 11 01 03 cd 6b 05",
                 "response read-coils read transaction=1 unit=17 address=19 "
                 "bits=1011001111010110101\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0006 11 03 006b 0003",
                 "request read-holding-registers read transaction=1 unit=17 address=107 "
                 "quantity=3\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 0009 11 03 06 022b 0000 0064",
                 "response read-holding-registers read transaction=1 unit=17 address=107 "
                 "words=555,0,100\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0006 11 05 00ac ff00",
                 "request write-single-coil operate transaction=1 unit=17 address=172 "
                 "value=65280\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0009 11 0f 0013 000a 02 cd 01",
                 "request write-multiple-coils operate transaction=1 unit=17 address=19 "
                 "quantity=10 bits=1011001110\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 000b 11 10 0001 0002 04 000a 0102",
                 "request write-multiple-registers write transaction=1 unit=17 address=1 "
                 "quantity=2 words=10,258\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 0006 11 10 0001 0002",
                 "response write-multiple-registers write transaction=1 unit=17 address=1 "
                 "quantity=2\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0011 11 14 0e 06 0004 0001 0002 06 0003 0009 0002",
                 "request read-file-record upload transaction=1 unit=17; file=4 record=1 "
                 "record-words=2; file=3 record=9 record-words=2\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0008 11 16 0004 00f2 0025",
                 "request mask-write-register write transaction=1 unit=17 address=4 "
                 "and-mask=242 or-mask=37\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 000a 11 18 0006 0002 01b8 1284",
                 "response read-fifo-queue read transaction=1 unit=17 words=440,4740\n");
    reading_end(&r);
}

static void
acts_are_those_of_sub_functions(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &modbus);
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0006 11 08 0001 0000",
                 "request diagnostics restart transaction=1 unit=17 sub-function=1 data=0000\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0006 11 08 0004 0000",
                 "request diagnostics silence transaction=1 unit=17 sub-function=4 data=0000\n");
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0005 11 5a 00 41 ff",
                 "request umas stop transaction=1 unit=17 umas-session=0 umas-function=65 "
                 "data=ff\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 0004 11 5a 00 fe",
                 "response umas stop transaction=1 unit=17 umas-session=0 umas-function=254\n");
    reading_end(&r);
}

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &modbus);
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0005 11 2b 0e 01 00",
                 "request encapsulated-interface identify transaction=1 unit=17 mei=14 "
                 "identity-code=1 identity-object=0\n");
    assert_reads(&r, SIDE_SERVER,
                 "0001 0000 0013 11 2b 0e 01 01 00 00 02 00 03 41 42 42 01 04 52 54 55 35",
                 "response encapsulated-interface identify transaction=1 unit=17 mei=14 "
                 "identity-code=1 conformity=1 more-follows=0 next-object=0; identity-object=0 "
                 "identity-text='ABB'; identity-object=1 identity-text='RTU5'\n");
    assert_reads(&r, SIDE_SERVER, "0001 0000 0007 11 11 04 4d ff 31 32",
                 "response report-server-id identify transaction=1 unit=17 server-id=4dff3132 "
                 "runs=255\n");
    reading_end(&r);
}

static void
a_refusal_says_why_and_of_what(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &modbus);
    assert_reads(&r, SIDE_CLIENT, "0007 0000 0006 11 03 ffff 0001",
                 "request read-holding-registers read transaction=7 unit=17 address=65535 "
                 "quantity=1\n");
    assert_reads(&r, SIDE_SERVER, "0007 0000 0003 11 83 02",
                 "refusal read-holding-registers read error=2 transaction=7 unit=17 "
                 "address=65535\n");
    assert_reads(&r, SIDE_SERVER, "0007 0000 0003 11 83 02",
                 "refusal read-holding-registers read error=2 transaction=7 unit=17\n");
    assert_string_equal(protocol_error(&modbus, 2), "illegal-data-address");
    reading_end(&r);
}

/* Nobody knows whose side the sender is on: what was asked tells, or the size. */
static void
sides_are_found_by_what_is_said(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &modbus);
    assert_reads(&r, SIDE_UNKNOWN, "0001 0000 0006 11 03 006b 0001",
                 "request read-holding-registers read transaction=1 unit=17 address=107 "
                 "quantity=1\n");
    assert_reads(&r, SIDE_UNKNOWN, "0009 0000 0005 11 03 02 022b",
                 "response read-holding-registers read transaction=9 unit=17 words=555\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "0001 0000 0008 11 03 05 022b 0000 00",         /* an odd number of octets */
        "0001 0000 000a 11 14 08 07 0004 0001 0002 00", /* a reference of another type */
        "0001 0000 000a 11 18 0006 0003 01b8 1284",     /* more registers than octets */
        "0001 0001 0006 11 03 006b 0003",               /* another protocol */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &modbus);
        reading_octets(&r, i == 1 ? SIDE_CLIENT : SIDE_SERVER, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&modbus, SIDE_SERVER,
                               "0001 0000 0013 11 2b 0e 01 01 00 00 02 00 03 41 42 42 01 04 52 54 "
                               "55 35");
    assert_survives_truncation(&modbus, SIDE_CLIENT,
                               "0001 0000 0011 11 14 0e 06 0004 0001 0002 06 0003 0009 0002");
}

static void
messages_are_cut_from_a_stream(void **state UNUSED)
{
    uint8_t octets[64];
    size_t message, n = octets_of("0001 0000 0006 11 03 006b 0003 00", octets, sizeof octets);
    assert_int_equal(modbus.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, 12);
    for (size_t size = 0; size < 12; size++)
        assert_int_equal(modbus.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(message, 12);
    octets[3] = 1;
    assert_int_equal(modbus.frame(octets, n, &message), FRAME_NOT);
    octets[3] = 0;
    octets[4] = 0xff;
    assert_int_equal(modbus.frame(octets, n, &message), FRAME_NOT);
}

TEST_MAIN(cmocka_unit_test(reads_the_standard_s_examples),
          cmocka_unit_test(acts_are_those_of_sub_functions),
          cmocka_unit_test(a_device_says_who_it_is),
          cmocka_unit_test(a_refusal_says_why_and_of_what),
          cmocka_unit_test(sides_are_found_by_what_is_said),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(messages_are_cut_from_a_stream))
