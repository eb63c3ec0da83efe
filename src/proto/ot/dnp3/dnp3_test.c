#include "dissect/testing.h"
#include "proto/ot/dnp3/dnp3.h"

#include <stdio.h>

/* The checksum bit by bit, as IEEE 1815-2012 annex E has it. */
static uint16_t
crc(const uint8_t *octets, size_t n)
{
    uint16_t c = 0;
    for (size_t i = 0; i < n; i++) {
        c ^= octets[i];
        for (unsigned bit = 0; bit < 8; bit++)
            c = (uint16_t)(c & 1 ? c >> 1 ^ 0xa6bc : c >> 1);
    }
    return (uint16_t)~c;
}

static size_t
put_block(uint8_t *to, const uint8_t *octets, size_t n)
{
    memcpy(to, octets, n);
    to[n] = (uint8_t)crc(octets, n);
    to[n + 1] = (uint8_t)(crc(octets, n) >> 8);
    return n + 2;
}

/* A link frame around user data. */
static size_t
frame(uint8_t *to, uint8_t control, uint16_t destination, uint16_t source, const char *user)
{
    uint8_t data[250];
    size_t n = octets_of(user, data, sizeof data);
    const uint8_t header[] = {0x05,
                              0x64,
                              (uint8_t)(n + 5),
                              control,
                              (uint8_t)destination,
                              (uint8_t)(destination >> 8),
                              (uint8_t)source,
                              (uint8_t)(source >> 8)};
    size_t size = put_block(to, header, sizeof header);
    for (size_t at = 0; at < n; at += 16)
        size += put_block(to + size, data + at, MIN(n - at, 16));
    return size;
}

static void
assert_frame(struct reading *r, bool from_master, const char *user, const char *expected)
{
    uint8_t octets[300];
    size_t n = frame(octets, from_master ? 0xc4 : 0x44, from_master ? 4 : 3, from_master ? 3 : 4,
                     user);
    reading_octets(r, from_master ? SIDE_CLIENT : SIDE_SERVER, octets, n);
    const char *text = buf_cstr(&r->text), *said = strstr(text, " application-sequence=");
    char found[4096];
    assert_ok(r->err);
    assert_non_null(said);
    /* The kind, and what the application says. */
    snprintf(found, sizeof found, "%.*s%s", (int)(strstr(text, " source=") - text), text, said);
    assert_string_equal(found, expected);
}

static void
a_link_frame_alone_is_a_message(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dnp3);
    assert_reads(&r, SIDE_CLIENT, "05 64 05 c0 01 00 0a 00 e0 8c",
                 "link reset-link link source=10 destination=1 from-master=1 primary=1 "
                 "link-function=0 length=5\n");
    assert_reads(&r, SIDE_CLIENT, "05 64 05 c0 01 00 0a 00 e0 8d",
                 "link reset-link link source=10 destination=1 from-master=1 primary=1 "
                 "link-function=0 length=5 bad-crcs=1\n");
    reading_end(&r);
}

static void
requests_name_what_they_are_about(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dnp3);
    assert_frame(&r, true, "c0 c1 01 3c0206 3c0106",
                 "request read read application-sequence=1 confirm=0 unsolicited=0; group=60 "
                 "variation=2 prefix=0 range=6; group=60 variation=1 prefix=0 range=6\n");
    assert_frame(&r, true, "c0 c1 01 1e0100 0205",
                 "request read read application-sequence=1 confirm=0 unsolicited=0; group=30 "
                 "variation=1 prefix=0 range=0 start=2 stop=5\n");
    assert_frame(&r, true, "c0 c2 0d",
                 "request cold-restart restart application-sequence=2 confirm=0 unsolicited=0\n");
    assert_frame(&r, true, "c0 c2 15 3c0206",
                 "request disable-unsolicited silence application-sequence=2 confirm=0 "
                 "unsolicited=0; group=60 variation=2 prefix=0 range=6\n");
    assert_frame(&r, true, "c0 c3 02 320107 01 e8030000 0000",
                 "request write clock application-sequence=3 confirm=0 unsolicited=0; group=50 "
                 "variation=1 prefix=0 range=7 count=1; point-group=50 index=0 "
                 "time=1000000000\n");
    reading_end(&r);
}

static void
a_relay_is_selected_and_operated(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dnp3);
    assert_frame(&r, true, "c0 c4 03 0c0117 01 07 81 01 f4010000 00000000 00",
                 "request select select application-sequence=4 confirm=0 unsolicited=0; group=12 "
                 "variation=1 prefix=1 range=7 count=1; point-group=12 index=7 control=129 "
                 "repeat=1 on-time=500 off-time=0 status=0\n");
    assert_frame(&r, true, "c0 c4 05 290117 01 02 ffffffff 00",
                 "request direct-operate write application-sequence=4 confirm=0 unsolicited=0; "
                 "group=41 variation=1 prefix=1 range=7 count=1; point-group=41 index=2 value=-1 "
                 "status=0\n");
    assert_frame(&r, false, "c0 c4 81 0004 ",
                 "refusal response report error=4 application-sequence=4 confirm=0 unsolicited=0 "
                 "indications=4\n");
    reading_end(&r);
}

static void
values_are_read_to_the_last_bit(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dnp3);
    assert_frame(&r, false, "c0 e5 81 8000 010100 0009 ff02 1e0200 0001 01 fdff 81 0700",
                 "response response report application-sequence=5 confirm=1 unsolicited=0 "
                 "indications=32768; group=1 variation=1 prefix=0 range=0 start=0 stop=9 "
                 "bits=1111111101; group=30 variation=2 prefix=0 range=0 start=0 stop=1; "
                 "point-group=30 index=0 flags=1 value=-3; point-group=30 index=1 flags=129 "
                 "value=7\n");
    assert_frame(&r, false, "c0 f6 82 0000 020217 01 03 81 c09a0c000000 200517 01 04 01 0000f642",
                 "report unsolicited-response report application-sequence=6 confirm=1 "
                 "unsolicited=1 indications=0; group=2 variation=2 prefix=1 range=7 count=1; "
                 "point-group=2 index=3 flags=129 time=826048000000; group=32 variation=5 "
                 "prefix=1 range=7 count=1; point-group=32 index=4 flags=1 real=123\n");
    reading_end(&r);
}

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dnp3);
    assert_frame(&r, true, "c0 c7 01 00fe00 0000",
                 "request read identify application-sequence=7 confirm=0 unsolicited=0; group=0 "
                 "variation=254 prefix=0 range=0 start=0 stop=0\n");
    assert_frame(&r, false, "c0 c7 81 0000 00fc00 0000 01 03 41 42 42",
                 "response response report application-sequence=7 confirm=0 unsolicited=0 "
                 "indications=0; group=0 variation=252 prefix=0 range=0 start=0 stop=0; "
                 "point-group=0 index=0 attribute=252 text='ABB'\n");
    reading_end(&r);
}

static void
segments_make_a_fragment(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[300];
    reading_begin(&r, &dnp3);
    reading_octets(&r, SIDE_SERVER, octets, frame(octets, 0x44, 3, 4, "7f c8 81 0000 1e02"));
    assert_non_null(strstr(buf_cstr(&r.text), "link segment link"));
    assert_frame(&r, false, "80 00 0505 01 0700", /* 63 and 0 follow each other */
                 "response response report application-sequence=8 confirm=0 unsolicited=0 "
                 "indications=0; group=30 variation=2 prefix=0 range=0 start=5 stop=5; "
                 "point-group=30 index=5 flags=1 value=7\n");
    /* Out of order, and without a beginning: nothing is made of it. */
    reading_octets(&r, SIDE_SERVER, octets, frame(octets, 0x44, 3, 4, "41 c8 81 0000 1e02"));
    reading_octets(&r, SIDE_SERVER, octets, frame(octets, 0x44, 3, 4, "83 00 0505 01 0700"));
    assert_non_null(strstr(buf_cstr(&r.text), "link segment link"));
    reading_end(&r);
}

/* Octet strings of variation 0, 65536 of them and one point behind them. */
static void
not_all_objects_of_no_octets_are_told(void **state UNUSED)
{
    static const char head[] =
        "response response report application-sequence=1 confirm=0 unsolicited=0 indications=0; "
        "group=110 variation=0 prefix=0 range=1 start=0 stop=65535";
    static const char last[] = "; group=30 variation=2 prefix=0 range=0 start=5 stop=5; "
                               "point-group=30 index=5 flags=1 value=7\n";
    struct buf expected = BUF_INIT;
    struct reading r;
    buf_str(&expected, head);
    for (unsigned i = 0; i < 16; i++)
        buf_printf(&expected, "; point-group=110 index=%u data=", i);
    buf_str(&expected, last);
    reading_begin(&r, &dnp3);
    assert_frame(&r, false, "c0 c1 81 0000 6e0001 0000 ffff 1e0200 0505 01 0700",
                 buf_cstr(&expected));
    reading_end(&r);
    buf_fini(&expected);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "c0 c1 81 0000 1e0100 0500",              /* it stops before it starts */
        "c0 c1 81 0000 1e0100 0005 01 00",        /* fewer points than it says */
        "c0 c1 81 0000 1e010f",                   /* no such range */
        "c0 c1 81 0000 010102 00000000 ffffff7f", /* more bits than any fragment has */
        "c0 c1 81 00",
        "c0 c1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[300];
        reading_begin(&r, &dnp3);
        reading_octets(&r, SIDE_SERVER, octets, frame(octets, 0x44, 3, 4, bad[i]));
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&dnp3, SIDE_CLIENT, "05 64 05 c0 01 00 0a 00 e0 8c");
}

TEST_MAIN(cmocka_unit_test(a_link_frame_alone_is_a_message),
          cmocka_unit_test(requests_name_what_they_are_about),
          cmocka_unit_test(a_relay_is_selected_and_operated),
          cmocka_unit_test(values_are_read_to_the_last_bit),
          cmocka_unit_test(a_device_says_who_it_is), cmocka_unit_test(segments_make_a_fragment),
          cmocka_unit_test(not_all_objects_of_no_octets_are_told),
          cmocka_unit_test(what_cannot_be_is_an_error))
