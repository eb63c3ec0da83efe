#include "base/cursor.h"

#include "base/testing.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void
reads_network_order(void **state UNUSED)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    assert_int_equal(cursor_be16(&c, "a"), 0x0102);
    assert_int_equal(cursor_be24(&c, "b"), 0x030405);
    assert_int_equal(cursor_be32(&c, "c"), 0x06070809);
    assert_int_equal(cursor_left(&c), 0);
    assert_ok(c.err);
}

static void
reads_the_other_order_too(void **state UNUSED)
{
    static const uint8_t more[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
    struct cursor c = cursor_over(more, sizeof more);
    assert_int_equal(cursor_le16(&c, "a"), 0x0201);
    assert_int_equal(cursor_le24(&c, "b"), 0x050403);
    assert_int_equal(cursor_le32(&c, "c"), 0x09080706);
    assert_true(cursor_le64(&c, "d") == 0x11100f0e0d0c0b0au);
    assert_int_equal(cursor_left(&c), 0);
    assert_ok(c.err);
    assert_int_equal(cursor_le16(&c, "too far"), 0);
    assert_err(c.err, ERR_TRUNCATED);
    assert_string_equal(c.field, "too far");
}

static void
keeps_the_first_error(void **state UNUSED)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    cursor_skip(&c, 6, "a");
    assert_int_equal(cursor_be32(&c, "too far"), 0);
    assert_int_equal(cursor_u8(&c, "there, but too late"), 0);
    struct diag diag;
    assert_err(cursor_explain(&c, &diag), ERR_TRUNCATED);
    assert_string_equal(diag.text, "too far at offset 6: truncated input");
}

static void
a_part_cannot_leave_its_bounds(void **state UNUSED)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    cursor_skip(&c, 1, "a");
    struct cursor part = cursor_split(&c, 3, "part");
    assert_int_equal(cursor_be32(&part, "inner"), 0);
    assert_int_equal(cursor_u8(&c, "after the part"), 5);
    cursor_join(&c, &part);
    assert_err(c.err, ERR_TRUNCATED);
    assert_string_equal(c.field, "inner");
    assert_int_equal(c.offset, 1);
}

static void
unread_octets_of_a_part_are_an_error(void **state UNUSED)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    struct cursor part = cursor_split(&c, 3, "part");
    cursor_u8(&part, "one");
    cursor_join(&c, &part);
    assert_err(c.err, ERR_MALFORMED);
    assert_int_equal(c.offset, 1);
}

static void
a_part_that_is_not_there_fails_both(void **state UNUSED)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    struct cursor part = cursor_split(&c, 10, "part");
    assert_err(part.err, ERR_TRUNCATED);
    assert_err(c.err, ERR_TRUNCATED);
    assert_int_equal(cursor_left(&part), 0);
}

static void
nothing_is_a_message_too(void **state UNUSED)
{
    struct cursor c = cursor_over(NULL, 0);
    assert_int_equal(cursor_left(&c), 0);
    assert_non_null(&c);
    cursor_skip(&c, 0, "nothing");
    assert_ok(c.err);
    assert_int_equal(cursor_u8(&c, "x"), 0);
    assert_err(c.err, ERR_TRUNCATED);
}

TEST_MAIN(cmocka_unit_test(reads_network_order), cmocka_unit_test(reads_the_other_order_too),
          cmocka_unit_test(keeps_the_first_error), cmocka_unit_test(a_part_cannot_leave_its_bounds),
          cmocka_unit_test(unread_octets_of_a_part_are_an_error),
          cmocka_unit_test(a_part_that_is_not_there_fails_both),
          cmocka_unit_test(nothing_is_a_message_too))
