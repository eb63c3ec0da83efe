#include "sensor/stream.h"

#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static struct stream stream;
static struct stream_budget budget;
static char got[4096]; /* delivered; "[5]" where 5 octets are missing */
static uint32_t last_frame;

static int
begin(void **state UNUSED)
{
    budget = (struct stream_budget){.limit = 1 << 20};
    got[0] = '\0';
    return 0;
}

static int
end(void **state UNUSED)
{
    stream_reset(&stream, &budget);
    assert_int_equal(budget.used, 0);
    return 0;
}

static void
take(void *arg UNUSED, const struct stream_origin *origin, const uint8_t *data, uint32_t size,
     uint32_t lost)
{
    size_t n = strlen(got);
    if (lost)
        n += (size_t)snprintf(got + n, sizeof got - n, "[%u]", lost);
    snprintf(got + n, sizeof got - n, "%.*s", (int)size, (const char *)data);
    last_frame = origin->frame;
}

static uint32_t frame;

static unsigned
segment(uint32_t seq, const char *text)
{
    frame++;
    const struct stream_segment g = {.origin = {(nsec_t)frame, frame},
                                     .seq = seq,
                                     .size = (uint32_t)strlen(text),
                                     .data = (const uint8_t *)text};
    return stream_input(&stream, &budget, &g, take, NULL);
}

static void
syn(uint32_t seq)
{
    const struct stream_segment g = {.seq = seq, .syn = true};
    assert_int_equal(stream_input(&stream, &budget, &g, take, NULL), 0);
}

static void
octets_come_in_order(void **state UNUSED)
{
    syn(UINT32_MAX - 2);
    segment(UINT32_MAX - 1, "abc"); /* over the end of the numbers */
    segment(5, "hi");
    segment(1, "defg");
    assert_string_equal(got, "abcdefghi");
}

static void
what_waited_is_of_the_frame_it_came_in(void **state UNUSED)
{
    segment(10, "ab");
    segment(14, "ef");
    uint32_t late = frame;
    segment(12, "cd");
    assert_string_equal(got, "abcdef");
    assert_int_equal(last_frame, late);
}

static void
a_capture_may_begin_in_the_middle(void **state UNUSED)
{
    segment(1000, "cd");
    assert_int_equal(segment(998, "ab"), STREAM_AGAIN);
    segment(1002, "ef");
    assert_string_equal(got, "cdef");
}

static void
what_comes_again_is_not_told_again(void **state UNUSED)
{
    segment(10, "abcdef");
    assert_int_equal(segment(10, "abcdef"), STREAM_AGAIN);
    assert_int_equal(segment(14, "efgh"), STREAM_AGAIN);
    assert_int_equal(segment(12, "cd"), STREAM_AGAIN);
    assert_string_equal(got, "abcdefgh");
}

static void
somebody_who_writes_other_octets_is_found_out(void **state UNUSED)
{
    segment(10, "abcdef");
    assert_int_equal(segment(12, "cX"), STREAM_AGAIN | STREAM_DIFFERS);
    assert_int_equal(segment(14, "eYgh"), STREAM_AGAIN | STREAM_DIFFERS);
    assert_string_equal(got, "abcdefgh");
    assert_int_equal(segment(17, "Z"), STREAM_AGAIN); /* a keep-alive's octet is anything */
}

static void
a_hole_ends_when_the_receiver_has_it(void **state UNUSED)
{
    segment(10, "ab");
    segment(20, "cd");
    assert_int_equal(stream_acknowledged(&stream, &budget, 12, take, NULL), 0);
    assert_string_equal(got, "ab");
    assert_int_equal(stream_acknowledged(&stream, &budget, 22, take, NULL), STREAM_HOLE);
    assert_string_equal(got, "ab[8]cd");
}

static void
a_hole_ends_when_much_has_come_behind_it(void **state UNUSED)
{
    segment(10, "ab");
    for (uint32_t i = 0; i <= STREAM_AHEAD; i++)
        segment(20 + 2 * i, "xy");
    assert_memory_equal(got, "ab[8]xyxy", 9);
    assert_int_equal(strlen(got), 2 + 3 + 2 * (STREAM_AHEAD + 1));
}

static void
a_hole_ends_when_it_was_waited_long_enough(void **state UNUSED)
{
    segment(10, "ab");
    segment(20, "cd");
    nsec_t first = (nsec_t)frame;
    segment(30, "ef");
    assert_int_equal(stream_flush(&stream, &budget, first, take, NULL), 0);
    assert_int_equal(stream_flush(&stream, &budget, first + 1, take, NULL), STREAM_HOLE);
    assert_string_equal(got, "ab[8]cd");
    assert_int_equal(stream_flush(&stream, &budget, NSEC_NEVER, take, NULL), STREAM_HOLE);
    assert_string_equal(got, "ab[8]cd[8]ef");
}

static void
pieces_that_wait_may_overlap(void **state UNUSED)
{
    segment(10, "ab");
    segment(14, "efgh");
    segment(16, "ghij");
    assert_int_equal(segment(12, "cdeX"), STREAM_AGAIN | STREAM_DIFFERS);
    assert_memory_equal(got, "abcdeX", 6); /* the first that could be delivered counts */
    assert_string_equal(got, "abcdeXghij");
}

static void
memory_is_bounded(void **state UNUSED)
{
    budget.limit = 400;
    segment(10, "ab");
    for (uint32_t i = 0; i < 10; i++)
        segment(20 + 20 * i, "0123456789abcdefghij");
    assert_true(budget.used <= budget.limit);
    assert_true(budget.n_refused > 0);
    assert_int_equal(stream_flush(&stream, &budget, NSEC_NEVER, take, NULL) & STREAM_FOREIGN, 0);
    assert_int_equal(strlen(got), 2 + 3 + 200); /* nothing was lost for that */
}

static void
numbers_from_far_away_are_another_connection_s(void **state UNUSED)
{
    segment(10, "ab");
    assert_int_equal(segment(0x80000000, "zz"), STREAM_FOREIGN);
    segment(12, "cd");
    assert_string_equal(got, "abcd");
    syn(0x80000000);
    segment(0x80000001, "new");
    assert_string_equal(got, "abcdnew");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(TEST(octets_come_in_order), TEST(what_waited_is_of_the_frame_it_came_in),
          TEST(a_capture_may_begin_in_the_middle), TEST(what_comes_again_is_not_told_again),
          TEST(somebody_who_writes_other_octets_is_found_out),
          TEST(a_hole_ends_when_the_receiver_has_it),
          TEST(a_hole_ends_when_much_has_come_behind_it),
          TEST(a_hole_ends_when_it_was_waited_long_enough), TEST(pieces_that_wait_may_overlap),
          TEST(memory_is_bounded), TEST(numbers_from_far_away_are_another_connection_s))
