#include "packet/erspan.h"

#include "base/testing.h"

#include <string.h>

/* As the draft has them: section 4.2 (type II) and 4.3 (type III with a platform subheader). */
static const uint8_t type_2[] = {0x10, 0x00, 0x88, 0xbe,
                                 0x00, 0x00, 0x00, 0x2a, /* GRE, number 42 */
                                 0x10, 0x64, 0x5c, 0x07, /* VLAN 100, COS 2, EN 3, T, session 7 */
                                 0x00, 0x08, 0x00, 0x03, /* index 0x80003 */
                                 0xaa, 0xbb};
static const uint8_t type_3[] = {0x10, 0x00, 0x22, 0xeb, 0x00, 0x00, 0x00, 0x01, /* GRE */
                                 0x20, 0x00, 0x00, 0x09, 0x01, 0x02, 0x03, 0x04, /* session 9 */
                                 0x00, 0x00, 0x00, 0x01, 0x14, 0x00, 0x00, 0x00, /* O, subheader */
                                 0x00, 0x00, 0x00, 0x00, 0xcc};

static void
what_others_send_is_read(void **state UNUSED)
{
    struct erspan e;
    const uint8_t *frame;
    size_t size;
    assert_ok(erspan_parse(type_2, sizeof type_2, &e, &frame, &size));
    assert_int_equal(e.type, 2);
    assert_true(e.has_sequence);
    assert_true(e.is_truncated);
    assert_int_equal(e.sequence, 42);
    assert_int_equal(e.session, 7);
    assert_int_equal(e.index, ERSPAN_OUT | 3);
    assert_int_equal(size, 2);
    assert_int_equal(frame[0], 0xaa);
    assert_ok(erspan_parse(type_3, sizeof type_3, &e, &frame, &size));
    assert_int_equal(e.type, 3);
    assert_int_equal(e.session, 9);
    assert_int_equal(size, 1);
    assert_int_equal(frame[0], 0xcc);
}

static void
what_is_written_is_read(void **state UNUSED)
{
    const struct erspan e = {.sequence = 0xfffffffe, .session = 1023, .index = ERSPAN_PORT_MAX};
    struct erspan read;
    uint8_t octets[ERSPAN_HEADER_SIZE];
    const uint8_t *frame;
    size_t size;
    erspan_put(&e, octets);
    assert_ok(erspan_parse(octets, sizeof octets, &read, &frame, &size));
    assert_int_equal(read.sequence, 0xfffffffe);
    assert_int_equal(read.session, 1023);
    assert_int_equal(read.index, ERSPAN_PORT_MAX);
    assert_false(read.is_truncated);
    assert_int_equal(size, 0);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    struct erspan e;
    const uint8_t *frame;
    size_t size;
    for (size_t n = 0; n < 28; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, type_3, n);
        assert_err(erspan_parse(copy, n, &e, &frame, &size), ERR_TRUNCATED);
        free(copy);
    }
}

static void
other_tunnels_are_not_taken_for_it(void **state UNUSED)
{
    uint8_t octets[sizeof type_2];
    struct erspan e;
    const uint8_t *frame;
    size_t size;
    memcpy(octets, type_2, sizeof octets);
    octets[3] = 0x00;
    assert_err(erspan_parse(octets, sizeof octets, &e, &frame, &size), ERR_UNSUPPORTED);
    octets[3] = 0xbe;
    octets[1] = 0x01; /* PPTP */
    assert_err(erspan_parse(octets, sizeof octets, &e, &frame, &size), ERR_UNSUPPORTED);
    octets[1] = 0x00;
    octets[8] = 0x30;
    assert_err(erspan_parse(octets, sizeof octets, &e, &frame, &size), ERR_MALFORMED);
}

static void
a_mirrored_frame_is_known_as_one(void **state UNUSED)
{
    uint8_t frame[14 + 4 + 20 + 4] = {[12] = 0x81, [16] = 0x08, [18] = 0x45, [27] = 47};
    frame[40] = 0x88;
    frame[41] = 0xbe;
    assert_true(erspan_is_within(frame, sizeof frame));
    assert_false(erspan_is_within(frame, sizeof frame - 1));
    assert_true(erspan_is_within(frame + 4, sizeof frame - 4)); /* without the tag */
    frame[27] = 17;
    assert_false(erspan_is_within(frame, sizeof frame));
    assert_false(erspan_is_within(frame, 0));
}

/* Copies are larger than what they are of, and may have to go in pieces. */
static void
a_later_piece_of_a_mirrored_frame_is_known(void **state UNUSED)
{
    uint8_t frame[14 + 20 + 8] = {[12] = 0x08, [14] = 0x45, [20] = 0x00, [21] = 185, [23] = 47};
    assert_true(erspan_is_within(frame, sizeof frame));
    frame[23] = 17;
    assert_false(erspan_is_within(frame, sizeof frame));
}

TEST_MAIN(cmocka_unit_test(what_others_send_is_read), cmocka_unit_test(what_is_written_is_read),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(other_tunnels_are_not_taken_for_it),
          cmocka_unit_test(a_mirrored_frame_is_known_as_one),
          cmocka_unit_test(a_later_piece_of_a_mirrored_frame_is_known))
