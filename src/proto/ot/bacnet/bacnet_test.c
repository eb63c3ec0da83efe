/* APDUs as ASHRAE 135 gives them in its examples (annex F), behind a virtual link and a network
 * layer. */
#include "dissect/testing.h"
#include "proto/ot/bacnet/bacnet_private.h"

/* A unicast NPDU with the APDU in it. */
static size_t
datagram(uint8_t *to, const char *apdu)
{
    size_t n = 6 + octets_of(apdu, to + 6, 1000);
    const uint8_t head[] = {0x81, 10, (uint8_t)(n >> 8), (uint8_t)n, 1, 4};
    memcpy(to, head, sizeof head);
    return n;
}

static void
assert_apdu(struct reading *r, enum side side, const char *apdu, const char *expected)
{
    uint8_t octets[1024];
    reading_octets(r, side, octets, datagram(octets, apdu));
    assert_ok(r->err);
    assert_string_equal(buf_cstr(&r->text), expected);
}

static void
properties_are_read_and_written(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_CLIENT, "00 00 01 0c 0c 00000005 19 55",
                "request read-property read bvlc=10 apdu=0 invoke=1 service=12; object-type=0 "
                "instance=5 property=85\n");
    assert_apdu(&r, SIDE_SERVER, "30 01 0c 0c 00000005 19 55 3e 44 4290999a 3f",
                "response read-property read bvlc=10 apdu=3 invoke=1 service=12; object-type=0 "
                "instance=5 property=85 real=72.3\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 f1 0e 0c 00000010 1e 09 55 09 67 1f",
                "request read-property-multiple read bvlc=10 apdu=0 invoke=241 service=14; "
                "object-type=0 instance=16 property=85; object-type=0 instance=16 "
                "property=103\n");
    assert_apdu(&r, SIDE_SERVER,
                "30 f1 0e 0c 00000010 1e 29 55 4e 44 4290999a 4f 29 67 4e 91 00 4f 29 1c 5e 91 02 "
                "91 20 5f 1f",
                "response read-property-multiple read bvlc=10 apdu=3 invoke=241 service=14; "
                "object-type=0 instance=16 property=85 real=72.3; object-type=0 instance=16 "
                "property=103 enumerated=0; object-type=0 instance=16 property=28 "
                "property-error-class=2 property-error=32\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 59 0f 0c 00800001 19 55 3e 44 43340000 3f",
                "request write-property write bvlc=10 apdu=0 invoke=89 service=15; object-type=2 "
                "instance=1 property=85 real=180\n");
    assert_apdu(&r, SIDE_SERVER, "20 59 0f",
                "response write-property write bvlc=10 apdu=2 invoke=89 service=15\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 5a 0f 0c 01000002 19 55 3e 91 01 3f 49 08",
                "request write-property operate bvlc=10 apdu=0 invoke=90 service=15; "
                "object-type=4 instance=2 property=85 enumerated=1 priority=8\n");
    reading_end(&r);
}

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_CLIENT, "10 08 09 03 19 03",
                "request who-is identify bvlc=10 apdu=1 service=8 low=3 high=3\n");
    assert_apdu(&r, SIDE_SERVER, "10 00 c4 02000001 22 01e0 91 01 21 63",
                "report i-am identify bvlc=10 apdu=1 service=0; object-type=8 instance=1 "
                "max-apdu=480 segmentation=1 vendor=99\n");
    assert_apdu(&r, SIDE_CLIENT, "10 07 3d 07 00 4f4154454d50",
                "request who-has browse bvlc=10 apdu=1 service=7 name='OATEMP'\n");
    assert_apdu(&r, SIDE_SERVER, "10 01 c4 02000008 c4 00000003 75 07 00 4f4154454d50",
                "report i-have browse bvlc=10 apdu=1 service=1; object-type=8 instance=8; "
                "object-type=0 instance=3 name='OATEMP'\n");
    assert_apdu(&r, SIDE_SERVER, "30 02 0c 0c 02000001 19 79 3e 75 04 00 414243 3f",
                "response read-property identify bvlc=10 apdu=3 invoke=2 service=12; "
                "object-type=8 instance=1 property=121 text='ABC'\n");
    assert_apdu(&r, SIDE_SERVER, "30 02 0c 0c 02000001 19 78 3e 22 0104 3f",
                "response read-property identify bvlc=10 apdu=3 invoke=2 service=12; "
                "object-type=8 instance=1 property=120 vendor=260\n");
    assert_apdu(&r, SIDE_SERVER, "30 02 0c 0c 02000001 1a 0174 3e 75 05 04 00410042 3f",
                "response read-property identify bvlc=10 apdu=3 invoke=2 service=12; "
                "object-type=8 instance=1 property=372 text='AB'\n");
    reading_end(&r);
}

static void
acts_are_those_of_what_is_asked(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_CLIENT, "00 04 05 11 09 05 19 01 2d 08 00 23656762646621",
                "request device-communication-control silence bvlc=10 apdu=0 invoke=5 service=17 "
                "duration=5 communication=1 password='#egbdf!'\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 02 14 09 01 1d 09 00 4162436445664768",
                "request reinitialize-device restart bvlc=10 apdu=0 invoke=2 service=20 "
                "reinitialize=1 password='AbCdEfGh'\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 02 14 09 04",
                "request reinitialize-device download bvlc=10 apdu=0 invoke=2 service=20 "
                "reinitialize=4\n");
    assert_apdu(&r, SIDE_CLIENT, "10 06 a4 5c 0b 11 02 b4 16 2d 1e 46",
                "request time-synchronization clock bvlc=10 apdu=1 service=6 "
                "time=722040330700000000\n");
    reading_end(&r);
}

static void
files_and_changes_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_CLIENT, "00 02 00 06 c4 02800001 0e 31 00 21 1b 0f",
                "request atomic-read-file upload bvlc=10 apdu=0 invoke=0 service=6; "
                "object-type=10 instance=1 start=0 count=27\n");
    assert_apdu(&r, SIDE_SERVER, "30 00 06 10 0e 31 00 63 414243 0f",
                "response atomic-read-file upload bvlc=10 apdu=3 invoke=0 service=6 "
                "end-of-file=0 start=0 octets=414243\n");
    assert_apdu(&r, SIDE_CLIENT, "00 02 01 07 c4 02800001 0e 31 ff 63 414243 0f", /* at its end */
                "request atomic-write-file download bvlc=10 apdu=0 invoke=1 service=7; "
                "object-type=10 instance=1 start=-1 octets=414243\n");
    assert_apdu(&r, SIDE_SERVER,
                "00 02 0f 01 09 12 1c 02000004 2c 0000000a 39 00 4e 09 55 2e 44 42820000 2f 09 6f "
                "2e 82 04 00 2f 4f",
                "request confirmed-cov-notification report bvlc=10 apdu=0 invoke=15 service=1 "
                "process=18; object-type=8 instance=4; object-type=0 instance=10 lifetime=0 "
                "property=85 real=65; object-type=0 instance=10 property=111 bit-string=00\n");
    reading_end(&r);
}

static void
values_of_all_kinds_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_SERVER,
                "30 01 0c 0c 00000005 19 55 3e 00 11 25 08 0102030405060708 32 fffe 55 08 "
                "3ff8000000000000 62 aabb 82 04 80 91 07 a4 5c 0b 11 02 b4 16 2d 1e 46 c4 "
                "02000001 0e 21 05 0f 2a 1234 3f",
                "response read-property read bvlc=10 apdu=3 invoke=1 service=12; object-type=0 "
                "instance=5 property=85 null=1 boolean=1 unsigned=72623859790382856 signed=-2 "
                "real=1.5 octets=aabb bit-string=80 enumerated=7 date=5c0b1102 day-time=162d1e46 "
                "value-type=8 value-instance=1 unsigned=5 data=1234\n");
    reading_end(&r);
}

static void
refusals_say_why_and_of_what(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_SERVER, "50 07 0c 91 01 91 1f",
                "refusal read-property read error=31 bvlc=10 apdu=5 invoke=7 service=12 "
                "error-class=1\n");
    assert_apdu(&r, SIDE_CLIENT, "00 04 08 0c 0c 00000005 19 55",
                "request read-property read bvlc=10 apdu=0 invoke=8 service=12; object-type=0 "
                "instance=5 property=85\n");
    assert_apdu(&r, SIDE_SERVER, "60 08 04",
                "refusal read-property read error=65540 bvlc=10 apdu=6 invoke=8\n");
    assert_apdu(&r, SIDE_SERVER, "71 08 04",
                "refusal abort link error=131076 bvlc=10 apdu=7 invoke=8\n");
    assert_string_equal(protocol_error(&bacnet, BACNET_REJECT | 4), "invalid-tag");
    reading_end(&r);
}

static void
segments_make_a_message(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_apdu(&r, SIDE_SERVER, "3c 01 00 10 0c 0c 00000005 19",
                "response read-property read bvlc=10 apdu=3 invoke=1 segment=0 more-segments=1 "
                "service=12 data=0c0000000519\n");
    assert_apdu(&r, SIDE_CLIENT, "40 01 00 10",
                "link segment-ack link bvlc=10 apdu=4 invoke=1 "
                "segment=0\n");
    assert_apdu(&r, SIDE_SERVER, "38 01 01 10 0c 55 3e 44 4290999a 3f",
                "response read-property read bvlc=10 apdu=3 invoke=1 segment=1 more-segments=0 "
                "service=12; object-type=0 instance=5 property=85 real=72.3\n");
    assert_apdu(&r, SIDE_SERVER, "38 01 02 10 0c 55", /* of nothing that was begun */
                "response read-property read bvlc=10 apdu=3 invoke=1 segment=2 more-segments=0 "
                "service=12 data=55\n");
    assert_apdu(&r, SIDE_SERVER, "3c 02 00 10 0c 0c 00000005 19",
                "response read-property read bvlc=10 apdu=3 invoke=2 segment=0 more-segments=1 "
                "service=12 data=0c0000000519\n");
    assert_apdu(&r, SIDE_SERVER, "38 02 02 10 0c 55", /* one is missing */
                "response read-property read bvlc=10 apdu=3 invoke=2 segment=2 more-segments=0 "
                "service=12 data=55\n");
    assert_apdu(&r, SIDE_SERVER, "3c 03 00 10 0c 0c 00000005 19",
                "response read-property read bvlc=10 apdu=3 invoke=3 segment=0 more-segments=1 "
                "service=12 data=0c0000000519\n");
    assert_apdu(&r, SIDE_CLIENT, "38 03 01 10 0c 55", /* from the other side */
                "response read-property read bvlc=10 apdu=3 invoke=3 segment=1 more-segments=0 "
                "service=12 data=55\n");
    reading_end(&r);
}

static void
links_and_networks_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &bacnet);
    assert_reads(&r, SIDE_CLIENT, "81 05 0006 003c",
                 "request register-foreign-device link bvlc=5 time-to-live=60\n");
    assert_reads(&r, SIDE_SERVER, "81 00 0006 0030",
                 "refusal result link error=196656 bvlc=0 result=48\n");
    assert_reads(&r, SIDE_SERVER, "81 04 0016 c0a80102 bac0 01 20 ffff 00 ff 10 08 09 03 19 03",
                 "request who-is identify bvlc=4 forwarded-from=3232235778 forwarded-port=47808 "
                 "destination-network=65535 apdu=1 service=8 low=3 high=3\n");
    assert_reads(&r, SIDE_SERVER, "81 0b 000b 01 80 01 0002 0003",
                 "report i-am-router-to-network browse bvlc=11 network=2 network=3\n");
    assert_reads(&r, SIDE_SERVER, "81 0a 000c 01 08 0003 01 6c 10 08",
                 "request who-is identify bvlc=10 source-network=3 source-address=6c apdu=1 "
                 "service=8\n");
    reading_end(&r);
}

/* What it says is heard, and that its length is wrong. */
static void
a_wrong_length_is_told(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[64];
    size_t n = datagram(octets, "10 08");
    reading_begin(&r, &bacnet);
    octets[3]++;
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_err(r.err, ERR_TRUNCATED);
    assert_string_equal(buf_cstr(&r.text),
                        "request who-is identify bvlc=10 length=9 apdu=1 service=8\n");
    octets[3] -= 2;
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_err(r.err, ERR_MALFORMED);
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "00 04 01 0c 0c 00000005 19",          /* a tag without its value */
        "00 04 01 0f 0c 00000005 19 55 3e 00", /* nothing closes */
        "00 04 01 0f 0c 00000005 19 55 3f",    /* nor opens */
        "30 01 0e 1e 2e 1e1e1e1e1e1e1e1e1e1e1e1e 1f1f1f1f1f1f1f1f1f1f1f1f 2f 1f", /* too deep */
        "30 01 0c 0c 00000005 1d 09 000000000000000001", /* not an integer */
        "50 07 0c 21 01 91 1f",
        "80 01",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[300];
        reading_begin(&r, &bacnet);
        reading_octets(&r, SIDE_CLIENT, octets, datagram(octets, bad[i]));
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&bacnet, SIDE_SERVER,
                               "81 0a 0017 01 04 30 01 0c 0c 00000005 19 55 3e 44 4290999a 3f");
}

static void
it_is_known_by_its_link(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = datagram(octets, "10 08");
    assert_int_equal(bacnet.looks(octets, n), LOOKS_LIKE);
    octets[3]++; /* a wrong length */
    assert_int_equal(bacnet.looks(octets, n), LOOKS_FAINT);
    octets[4] = 2; /* another version */
    assert_int_equal(bacnet.looks(octets, n), LOOKS_NOT);
    octets[0] = 0x82;
    assert_int_equal(bacnet.looks(octets, n), LOOKS_NOT);
}

static void
rows_stand_by_rising_function(void **state UNUSED)
{
    for (size_t i = 1; i < bacnet_n_rows; i++)
        assert_true(bacnet_rows[i - 1].function <= bacnet_rows[i].function);
}

TEST_MAIN(cmocka_unit_test(rows_stand_by_rising_function),
          cmocka_unit_test(properties_are_read_and_written),
          cmocka_unit_test(a_device_says_who_it_is),
          cmocka_unit_test(acts_are_those_of_what_is_asked),
          cmocka_unit_test(files_and_changes_are_read),
          cmocka_unit_test(values_of_all_kinds_are_read),
          cmocka_unit_test(refusals_say_why_and_of_what), cmocka_unit_test(segments_make_a_message),
          cmocka_unit_test(links_and_networks_are_read), cmocka_unit_test(a_wrong_length_is_told),
          cmocka_unit_test(what_cannot_be_is_an_error), cmocka_unit_test(it_is_known_by_its_link))
