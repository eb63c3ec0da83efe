#include "sensor/outbox.h"

#include "base/testing.h"

#include <stdio.h>

static void
put(struct outbox *o, const char *key, unsigned weight, const char *text)
{
    (void)outbox_put(o, key, weight, text, strlen(text));
}

/* The text of the next, and its number. */
static const char *
next(struct outbox *o, uint64_t *number)
{
    static char text[64];
    size_t size;
    const char *data = outbox_next(o, &size, number);
    if (!data)
        return NULL;
    snprintf(text, sizeof text, "%.*s", (int)size, data);
    return text;
}

static void
the_oldest_goes_first_whatever_it_weighs(void **state UNUSED)
{
    struct outbox *o = outbox_new(10, 10000);
    uint64_t a, b;
    put(o, "a", 0, "one");
    put(o, "b", 3, "two");
    assert_string_equal(next(o, &a), "one");
    assert_string_equal(next(o, &b), "two");
    assert_null(next(o, &b));
    outbox_done(o, a);
    assert_int_equal(outbox_number(o), 1);
    outbox_free(o);
}

static void
what_was_not_acknowledged_is_told_again_in_its_place(void **state UNUSED)
{
    struct outbox *o = outbox_new(10, 10000);
    uint64_t n;
    put(o, "a", 1, "one");
    put(o, "b", 1, "two");
    put(o, "c", 1, "three");
    (void)next(o, &n);
    (void)next(o, &n);
    outbox_done(o, n); /* of the two under way, the second arrived */
    outbox_retry_all(o);
    assert_string_equal(next(o, &n), "one");
    assert_string_equal(next(o, &n), "three");
    assert_null(next(o, &n));
    outbox_free(o);
}

static void
only_the_newest_of_a_key_counts(void **state UNUSED)
{
    struct outbox *o = outbox_new(10, 10000);
    uint64_t n;
    put(o, "a", 1, "count 1");
    put(o, "a", 1, "count 2");
    assert_int_equal(outbox_number(o), 1);
    assert_string_equal(next(o, &n), "count 2");
    put(o, "a", 1, "count 3");
    put(o, "a", 1, "count 4");
    assert_null(next(o, &(uint64_t){0})); /* the first is under way */
    outbox_done(o, n);
    assert_string_equal(next(o, &n), "count 4");
    outbox_done(o, n);
    assert_int_equal(outbox_number(o), 0);
    outbox_free(o);
}

static void
what_came_under_way_goes_when_the_first_is_told_again(void **state UNUSED)
{
    struct outbox *o = outbox_new(10, 10000);
    uint64_t n;
    put(o, "a", 1, "count 1");
    (void)next(o, &n);
    put(o, "a", 2, "count 2");
    outbox_retry(o, n);
    assert_string_equal(next(o, &n), "count 2");
    outbox_refuse(o, n);
    assert_int_equal(outbox_number(o), 0);
    assert_int_equal(outbox_counters(o)->refused, 1);
    assert_int_equal(outbox_counters(o)->done, 0);
    outbox_free(o);
}

static void
where_there_is_no_room_the_oldest_of_the_lowest_weight_goes(void **state UNUSED)
{
    struct outbox *o = outbox_new(3, 10000);
    uint64_t n;
    put(o, "a", 2, "high");
    put(o, "b", 0, "low 1");
    put(o, "c", 0, "low 2");
    put(o, "d", 3, "critical"); /* low 1 goes */
    put(o, "e", 1, "medium");   /* low 2 goes */
    assert_false(outbox_put(o, "f", 0, "low 3", 5));
    assert_int_equal(outbox_counters(o)->dropped[0], 3);
    assert_string_equal(next(o, &n), "high");
    assert_string_equal(next(o, &n), "critical");
    assert_string_equal(next(o, &n), "medium");
    assert_null(next(o, &n));
    outbox_free(o);
}

static void
what_is_under_way_is_never_dropped(void **state UNUSED)
{
    struct outbox *o = outbox_new(1, 10000);
    uint64_t n, m;
    put(o, "a", 0, "low");
    assert_string_equal(next(o, &n), "low");
    assert_false(outbox_put(o, "b", 3, "critical", 8));
    assert_int_equal(outbox_counters(o)->dropped[3], 1);
    outbox_retry(o, n);
    assert_string_equal(next(o, &m), "low");
    outbox_free(o);
}

static void
octets_are_bounded(void **state UNUSED)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    struct outbox *o = outbox_new(1000, 5 * (sizeof text + OUTBOX_OVERHEAD + 2));
    for (unsigned i = 0; i < 9; i++) {
        char key[8];
        snprintf(key, sizeof key, "%u", i);
        assert_true(outbox_put(o, key, 1, text, sizeof text));
    }
    assert_int_equal(outbox_number(o), 5);
    assert_int_equal(outbox_counters(o)->dropped[1], 4);
    outbox_free(o);
}

TEST_MAIN(cmocka_unit_test(the_oldest_goes_first_whatever_it_weighs),
          cmocka_unit_test(what_was_not_acknowledged_is_told_again_in_its_place),
          cmocka_unit_test(only_the_newest_of_a_key_counts),
          cmocka_unit_test(what_came_under_way_goes_when_the_first_is_told_again),
          cmocka_unit_test(where_there_is_no_room_the_oldest_of_the_lowest_weight_goes),
          cmocka_unit_test(what_is_under_way_is_never_dropped),
          cmocka_unit_test(octets_are_bounded))
