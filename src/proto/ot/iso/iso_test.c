/* TPKTs after RFC 1006 section 6, TPDUs after X.224 clause 13. */
#include "dissect/testing.h"
#include "proto/ot/iso/iso.h"

static enum frame_found
frame_of(const char *hex, size_t *message)
{
    uint8_t octets[64];
    size_t n = octets_of(hex, octets, sizeof octets);
    return iso_frame(octets, n, message);
}

static void
a_tpkt_says_how_long_it_is(void **state UNUSED)
{
    size_t message;
    assert_int_equal(frame_of("0300 0007 02f080", &message), FRAME_WHOLE);
    assert_int_equal(message, 7);
    assert_int_equal(frame_of("0300 0009 02f080", &message), FRAME_MORE);
    assert_int_equal(message, 9);
    assert_int_equal(frame_of("0300 00", &message), FRAME_MORE);
    assert_int_equal(message, 7);
    assert_int_equal(frame_of("0200 0007 02f080", &message), FRAME_NOT);
    assert_int_equal(frame_of("0301 0007 02f080", &message), FRAME_NOT);
    assert_int_equal(frame_of("0300 0006 01f0", &message), FRAME_NOT);
}

static enum err
read_tpdu(const char *hex, struct iso_tpdu *t, size_t *offset)
{
    static uint8_t octets[64];
    struct cursor c = cursor_over(octets, octets_of(hex, octets, sizeof octets));
    iso_read(&c, t);
    *offset = c.offset;
    return c.err;
}

static void
a_connection_names_what_it_connects(void **state UNUSED)
{
    struct iso_tpdu t;
    size_t offset;
    assert_ok(
        read_tpdu("0300 0019 14 e0 0000 0102 00 c0010d c204 41424344 c103 000102 ", &t, &offset));
    assert_int_equal(t.code, 0xe0);
    assert_int_equal(t.source, 0x0102);
    assert_int_equal(t.tpdu_size, 8192);
    assert_int_equal(t.tsap_size[0], 3);
    assert_int_equal(t.tsap_size[1], 4);
    assert_memory_equal(t.tsap[1], "ABCD", 4);
    assert_int_equal(iso_looks(&t), LOOKS_SHARED);
    assert_ok(read_tpdu("0300 000b 06 e0 0000 0102 00", &t, &offset));
    assert_int_equal(iso_looks(&t), LOOKS_NOT);
}

static void
data_ends_or_goes_on(void **state UNUSED)
{
    struct iso_tpdu t;
    size_t offset;
    assert_ok(read_tpdu("0300 0009 02 f0 80 abcd", &t, &offset));
    assert_true(t.ends);
    assert_int_equal(t.size, 2);
    assert_ok(read_tpdu("0300 0009 02 f0 00 abcd", &t, &offset));
    assert_false(t.ends);
    assert_ok(read_tpdu("0300 000b 04 f0 0001 81 abcd", &t, &offset)); /* of class 2 */
    assert_true(t.ends);
    assert_int_equal(t.destination, 1);
    assert_int_equal(t.size, 2);
}

static void
what_cannot_be_is_refused_where_it_is(void **state UNUSED)
{
    struct iso_tpdu t;
    size_t offset;
    assert_err(read_tpdu("0300 0009 06 f0 80 abcd", &t, &offset), ERR_TRUNCATED);
    assert_int_equal(offset, 5); /* its header is longer than it is */
    assert_err(read_tpdu("0300 0007 02 10 00", &t, &offset), ERR_UNSUPPORTED);
    assert_int_equal(offset, 6);
    assert_err(read_tpdu("0300 0008 03 f0 80 00", &t, &offset), ERR_MALFORMED);
    assert_int_equal(offset, 7); /* a header of no class */
    assert_err(read_tpdu("0300 000e 09 e0 0000 0102 00 c005 0a", &t, &offset), ERR_TRUNCATED);
    assert_int_equal(offset, 13); /* a parameter that is longer than the header */
    assert_err(read_tpdu("0300 0007 00 f0 80", &t, &offset), ERR_TRUNCATED);
    assert_int_equal(offset, 5);
}

TEST_MAIN(cmocka_unit_test(a_tpkt_says_how_long_it_is),
          cmocka_unit_test(a_connection_names_what_it_connects),
          cmocka_unit_test(data_ends_or_goes_on),
          cmocka_unit_test(what_cannot_be_is_refused_where_it_is))
