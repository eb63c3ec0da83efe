#include "base/iec61850.h"

#include "base/testing.h"

static void
reads_the_header_and_keeps_to_its_length(void **state UNUSED)
{
    static const uint8_t frame[] = {0x40, 0x01, 0, 10, 0x80, 0, 0, 7, 0x60, 0, 0xee, 0xee};
    struct cursor c = cursor_over(frame, sizeof frame);
    struct iec61850_header header;
    struct cursor apdu = iec61850_header_decode(&c, &header);
    assert_ok(c.err);
    assert_int_equal(header.appid, 0x4001);
    assert_int_equal(header.reserved1, IEC61850_SIMULATED);
    assert_int_equal(header.reserved2, 7);
    assert_int_equal(cursor_left(&apdu), 2);
    assert_int_equal(cursor_left(&c), 2); /* padding */
}

static void
refuses_lengths_that_contradict_the_frame(void **state UNUSED)
{
    static const uint8_t below[] = {0, 1, 0, 7, 0, 0, 0, 0, 0};
    static const uint8_t above[] = {0, 1, 0, 10, 0, 0, 0, 0, 0x61};
    struct iec61850_header header;
    struct diag diag;
    struct cursor c = cursor_over(below, sizeof below);
    iec61850_header_decode(&c, &header);
    assert_err(cursor_explain(&c, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "Length at offset 2: malformed input");
    c = cursor_over(above, sizeof above);
    iec61850_header_decode(&c, &header);
    assert_err(cursor_explain(&c, &diag), ERR_TRUNCATED);
    assert_string_equal(diag.text, "APDU at offset 8: truncated input");
    c = cursor_over(above, 5);
    iec61850_header_decode(&c, &header);
    assert_err(c.err, ERR_TRUNCATED);
}

static void
writes_the_length_last(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    buf_u8(&b, 0xaa); /* the header need not be first */
    struct iec61850_header header = {.appid = 0x3001, .reserved1 = IEC61850_SIMULATED};
    size_t begin = iec61850_header_begin(&b, &header);
    buf_zero(&b, 3);
    iec61850_header_end(&b, begin);
    assert_memory_equal(b.data, "\xaa\x30\x01\x00\x0b\x80\x00\x00\x00\x00\x00\x00", b.size);
    buf_zero(&b, 65536);
    iec61850_header_end(&b, begin);
    assert_err(buf_err(&b), ERR_LIMIT);
    buf_fini(&b);
}

static void
reads_the_times_a_protocol_analyser_reads(void **state UNUSED)
{
    /* From a relay's GOOSE: Jul 24, 2008 14:25:05.140625 UTC. */
    static const uint8_t octets[] = {0x48, 0x88, 0x90, 0xc1, 0x24, 0x00, 0x00, 0x27};
    struct cursor c = cursor_over(octets, sizeof octets);
    struct iec61850_time t = iec61850_time_decode(&c, "t");
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_format(iec61850_time_wall(t), text), "2008-07-24T14:25:05.140625000Z");
    assert_int_equal(t.quality, IEC61850_TIME_NOT_SYNCHRONIZED | 7);
}

static void
times_round_to_the_nearest_unit(void **state UNUSED)
{
    nsec_t wall = INT64_C(1216909505) * NSEC_PER_SEC + 140625007;
    struct iec61850_time t = iec61850_time_at(wall, IEC61850_TIME_ACCURACY_US);
    nsec_t back = iec61850_time_wall(t);
    assert_true(back - wall <= 30 && wall - back <= 30); /* 2^-25 s */
    struct iec61850_time again = iec61850_time_at(back, t.quality);
    assert_memory_equal(&again.fraction, &t.fraction, sizeof t.fraction);

    t = iec61850_time_at(999999999, 0); /* carries into the second */
    assert_int_equal(t.seconds, 1);
    assert_int_equal(t.fraction, 0);

    struct buf b = BUF_INIT;
    iec61850_time_encode(&b, (struct iec61850_time){0x01020304, 0x050607, 0x88});
    assert_int_equal(b.size, IEC61850_TIME_SIZE);
    assert_memory_equal(b.data, "\x01\x02\x03\x04\x05\x06\x07\x88", b.size);
    buf_fini(&b);
}

TEST_MAIN(cmocka_unit_test(reads_the_header_and_keeps_to_its_length),
          cmocka_unit_test(refuses_lengths_that_contradict_the_frame),
          cmocka_unit_test(writes_the_length_last),
          cmocka_unit_test(reads_the_times_a_protocol_analyser_reads),
          cmocka_unit_test(times_round_to_the_nearest_unit))
