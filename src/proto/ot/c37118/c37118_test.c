/* Frames as IEEE C37.118.2-2011 lays them out (clause 6, tables 2 to 15). */
#include "dissect/testing.h"
#include "proto/ot/c37118/c37118.h"

/* The checksum bit by bit, as annex B has it. */
static uint16_t
crc(const uint8_t *octets, size_t n)
{
    uint16_t c = 0xffff;
    for (size_t i = 0; i < n; i++) {
        c = (uint16_t)(c ^ octets[i] << 8);
        for (unsigned bit = 0; bit < 8; bit++)
            c = (uint16_t)(c & 0x8000 ? c << 1 ^ 0x1021 : c << 1);
    }
    return c;
}

/* A frame of stream 7, at a time of 1000 s and so many parts, around the rest. */
static size_t
frame(uint8_t *to, uint8_t type, uint32_t fraction, const char *rest)
{
    size_t n = 14 + octets_of(rest, to + 14, 1500);
    const uint8_t head[] = {0xaa,
                            (uint8_t)(type << 4 | 1),
                            (uint8_t)((n + 2) >> 8),
                            (uint8_t)(n + 2),
                            0,
                            7,
                            0,
                            0,
                            0x03,
                            0xe8,
                            (uint8_t)(fraction >> 24),
                            (uint8_t)(fraction >> 16),
                            (uint8_t)(fraction >> 8),
                            (uint8_t)fraction};
    memcpy(to, head, sizeof head);
    uint16_t check = crc(to, n);
    to[n] = (uint8_t)(check >> 8);
    to[n + 1] = (uint8_t)check;
    return n + 2;
}

static void
assert_frame(struct reading *r, uint8_t type, uint32_t fraction, const char *rest,
             const char *expected)
{
    uint8_t octets[1600];
    reading_octets(r, SIDE_UNKNOWN, octets, frame(octets, type, fraction, rest));
    assert_ok(r->err);
    assert_string_equal(buf_cstr(&r->text), expected);
}

#define NAME(a) a "20202020202020202020202020" /* and 13 blanks */
#define VA NAME("564120")
#define I1 NAME("493120")
#define LABEL NAME("423020")
#define LABELS4 LABEL LABEL LABEL LABEL
#define LABELS16 LABELS4 LABELS4 LABELS4 LABELS4
/* Parts of a microsecond; a station of two phasors, an analog and a digital word, 50 Hz. */
#define CONFIG(format)                                                                             \
    "000f4240 0001" NAME("535431") "1e36" format "0002 0001 0001" VA I1 NAME("414e31") LABELS16    \
        "000df847 010042b2 00000001 0000ffff 0001 0016 0032"
#define SAID(format)                                                                               \
    "; station='ST1' pmu=7734 format=" format " phasors=2 analogs=1 digitals=1 channel='VA' "      \
    "channel='I1' channel='AN1'" LABELS_SAID " phasor-unit=915527 phasor-unit=16794290 "           \
    "analog-unit=1 nominal-frequency=50 changes=22\n"
#define LABELS_SAID4 " label='B0' label='B0' label='B0' label='B0'"
#define LABELS_SAID LABELS_SAID4 LABELS_SAID4 LABELS_SAID4 LABELS_SAID4

static void
commands_say_what_is_asked(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c37118);
    assert_reads(&r, SIDE_CLIENT, "aa41 0012 00f1 00000000 00000000 0005 d7d0",
                 "request send-configuration-2 identify id=241 version=1 time=0 fraction=0 "
                 "time-quality=0 command=5\n");
    assert_reads(&r, SIDE_CLIENT, "aa41 0012 00f1 00000000 00000000 0002 a737",
                 "request data-on read id=241 version=1 time=0 fraction=0 time-quality=0 "
                 "command=2\n");
    assert_reads(&r, SIDE_CLIENT, "aa41 0012 00f1 00000000 00000000 0001 9755",
                 "request data-off silence id=241 version=1 time=0 fraction=0 time-quality=0 "
                 "bad-crc=1 command=1\n");
    assert_frame(&r, 4, 0x5f000001, "0008 aabb",
                 "request extended-frame other id=7 version=1 time=1000000000000 fraction=1 "
                 "time-quality=15 leap=5 command=8 data=aabb\n");
    reading_end(&r);
}

static void
a_header_is_text(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c37118);
    assert_frame(&r, 1, 0, "53454c2d343231",
                 "response header identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 header='SEL-421'\n");
    reading_end(&r);
}

static void
data_is_read_by_its_configuration(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c37118);
    assert_frame(&r, 0, 0, "0000 39e3 0000 e36a ce7c 09c4 0000 0064 3c12",
                 "report data report id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 data=000039e30000e36ace7c09c4000000643c12\n");
    assert_frame(&r, 3, 0, CONFIG("0000"),
                 "response configuration-2 identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 time-base=1000000 pmus=1 data-rate=50" SAID("0"));
    assert_frame(&r, 0, 500000, "0800 39e3 0000 e36a ce7c 09c4 ff9c fffe 3c12",
                 "report data report id=7 version=1 time=1000500000000 fraction=500000 "
                 "time-quality=0; pmu=7734 status=2048 phasor-real=135672 phasor-imaginary=0 "
                 "phasor-real=-1249.48 phasor-imaginary=-2164.3 frequency=52.5 deviation=2500 "
                 "frequency-change=-1 analog=-2 digital=15378\n");
    assert_frame(&r, 3, 0, CONFIG("000f"),
                 "response configuration-2 identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 time-base=1000000 pmus=1 data-rate=50" SAID("15"));
    assert_frame(&r, 0, 0,
                 "0000 42c80000 3f800000 40a00000 bf800000 42480000 3dcccccd 3fc00000 0001",
                 "report data report id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0; pmu=7734 status=0 phasor-magnitude=100 phasor-angle=1 "
                 "phasor-magnitude=5 phasor-angle=-1 frequency=50 frequency-change=0.1 "
                 "analog=1.5 digital=1\n");
    assert_frame(&r, 2, 0, CONFIG("0000"), /* only what it could send */
                 "response configuration-1 identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 time-base=1000000 pmus=1 data-rate=50" SAID("0"));
    assert_frame(&r, 0, 0,
                 "0000 42c80000 3f800000 40a00000 bf800000 42480000 3dcccccd 3fc00000 0001",
                 "report data report id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0; pmu=7734 status=0 phasor-magnitude=100 phasor-angle=1 "
                 "phasor-magnitude=5 phasor-angle=-1 frequency=50 frequency-change=0.1 "
                 "analog=1.5 digital=1\n");
    reading_end(&r);
}

/* Lengths before names, a global id, and where the PMU stands. */
static void
the_third_configuration_tells_more(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &c37118);
    assert_frame(&r, 5, 0,
                 "0000 000f4240 0001 03 535431 0008 000102030405060708090a0b0c0d0e0f 0002 0001 "
                 "0000 0000 02 5641 00000000 40000000 00000000 42280000 c1200000 43960000 4d "
                 "00004e20 00000064 0000 0003 001e",
                 "response configuration-3 identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 time-base=1000000 pmus=1 data-rate=30; station='ST1' pmu=8 "
                 "global-id=000102030405060708090a0b0c0d0e0f format=2 phasors=1 analogs=0 "
                 "digitals=0 channel='VA' latitude=42 longitude=-10 elevation=300 "
                 "service-class='M' window=20000 group-delay=100 nominal-frequency=60 "
                 "changes=3\n");
    assert_frame(&r, 0, 0, "0000 3f800000 3f000000 0000 0000",
                 "report data report id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0; pmu=8 status=0 phasor-real=1 phasor-imaginary=0.5 frequency=60 "
                 "deviation=0 frequency-change=0\n");
    assert_frame(&r, 5, 0, "ffff 0102",
                 "response configuration-3 identify id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 continuation=65535 data=0102\n");
    reading_end(&r);
}

/* Who changes a configuration on its way must not change how data is read. */
static void
a_configuration_with_a_wrong_checksum_is_not_kept(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[1600];
    reading_begin(&r, &c37118);
    size_t n = frame(octets, 3, 0, CONFIG("0000"));
    octets[n - 1] ^= 1;
    reading_octets(&r, SIDE_UNKNOWN, octets, n);
    assert_ok(r.err);
    assert_non_null(strstr(buf_cstr(&r.text), " bad-crc=1 "));
    assert_frame(&r, 0, 0, "0000 39e3",
                 "report data report id=7 version=1 time=1000000000000 fraction=0 "
                 "time-quality=0 data=000039e3\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[1600];
    reading_begin(&r, &c37118);
    reading_octets(&r, SIDE_UNKNOWN, octets, frame(octets, 3, 0, "000f4240 ffff 0000"));
    assert_err(r.err, ERR_TRUNCATED);
    reading_octets(&r, SIDE_UNKNOWN, octets, frame(octets, 3, 0, CONFIG("0000")));
    assert_ok(r.err);
    reading_octets(&r, SIDE_UNKNOWN, octets, frame(octets, 0, 0, "0000 39e3 0000 e36a"));
    assert_err(r.err, ERR_TRUNCATED); /* less than the configuration promises */
    reading_octets(&r, SIDE_UNKNOWN, octets, frame(octets, 6, 0, ""));
    assert_err(r.err, ERR_MALFORMED);
    reading_octets(&r, SIDE_UNKNOWN, octets, frame(octets, 4, 0, ""));
    assert_err(r.err, ERR_TRUNCATED);
    reading_end(&r);
    assert_survives_truncation(&c37118, SIDE_CLIENT, "aa41 0012 00f1 00000000 00000000 0005 d7d0");
}

static void
messages_are_cut_from_a_stream(void **state UNUSED)
{
    uint8_t octets[64];
    size_t message,
        n = octets_of("aa41 0012 00f1 00000000 00000000 0005 d7d0 aa", octets, sizeof octets);
    assert_int_equal(c37118.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, 18);
    assert_int_equal(c37118.looks(octets, 18), LOOKS_SURE);
    for (size_t size = 0; size < 18; size++)
        assert_int_equal(c37118.frame(octets, size, &message), FRAME_MORE);
    octets[17]++;
    assert_int_equal(c37118.looks(octets, 18), LOOKS_FAINT);
    octets[3] = 15;
    assert_int_equal(c37118.frame(octets, n, &message), FRAME_NOT);
    octets[3] = 18;
    octets[1] = 0x61;
    assert_int_equal(c37118.frame(octets, n, &message), FRAME_NOT);
}

TEST_MAIN(cmocka_unit_test(commands_say_what_is_asked), cmocka_unit_test(a_header_is_text),
          cmocka_unit_test(data_is_read_by_its_configuration),
          cmocka_unit_test(the_third_configuration_tells_more),
          cmocka_unit_test(a_configuration_with_a_wrong_checksum_is_not_kept),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(messages_are_cut_from_a_stream))
