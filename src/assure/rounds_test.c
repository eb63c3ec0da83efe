#include "assure/rounds.h"

#include "base/testing.h"

static const struct rounds_config config = {10 * NSEC_PER_SEC, 5, 500};

static void
turns_are_spread_evenly_over_the_interval(void **state UNUSED)
{
    struct rounds *r = rounds_new(&config);
    const char *names[] = {"a", "b", "c", "d"};
    struct rounds_turn *turns[4];
    nsec_t now = 7 * NSEC_PER_SEC;
    assert_int_equal(rounds_due(r), NSEC_NEVER);
    for (int i = 0; i < 4; i++)
        turns[i] = rounds_add(r, (void *)(uintptr_t)names[i], now);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(rounds_due(r), 7 * NSEC_PER_SEC + (i + 1) * 2500 * NSEC_PER_MSEC);
        assert_null(rounds_take(r, rounds_due(r) - 1));
        assert_string_equal(rounds_take(r, rounds_due(r)), names[i % 4]);
    }
    assert_int_equal(rounds_interval(r), 10 * NSEC_PER_SEC);
    for (int i = 0; i < 4; i++)
        rounds_remove(r, turns[i]);
    assert_int_equal(rounds_due(r), NSEC_NEVER);
    rounds_free(r);
}

static void
many_circuits_stretch_the_interval_instead_of_flooding_the_network(void **state UNUSED)
{
    struct rounds *r = rounds_new(&config);
    struct rounds_turn *turns[3000];
    for (int i = 0; i < 3000; i++)
        turns[i] = rounds_add(r, r, 0);
    assert_int_equal(rounds_due(r), 10 * NSEC_PER_MSEC); /* 5 packets at 500 per second */
    assert_int_equal(rounds_interval(r), 30 * NSEC_PER_SEC);
    for (int i = 0; i < 3000; i++)
        rounds_remove(r, turns[i]);
    rounds_free(r);
}

static void
lateness_is_neither_added_up_nor_made_up_for(void **state UNUSED)
{
    struct rounds *r = rounds_new(&config);
    struct rounds_turn *a = rounds_add(r, (void *)(uintptr_t) "a", 0);
    struct rounds_turn *b = rounds_add(r, (void *)(uintptr_t) "b", 0);
    assert_string_equal(rounds_take(r, 5001 * NSEC_PER_MSEC), "a");
    assert_int_equal(rounds_due(r), 10 * NSEC_PER_SEC);
    assert_string_equal(rounds_take(r, 60 * NSEC_PER_SEC), "b");
    assert_int_equal(rounds_due(r), 65 * NSEC_PER_SEC);
    rounds_remove(r, a);
    rounds_remove(r, b);
    rounds_free(r);
}

/* A timer of one millisecond makes ten turns of 100 us. */
static void
turns_that_are_closer_than_a_timer_can_tell_come_together(void **state UNUSED)
{
    static const struct rounds_config close = {NSEC_PER_SEC / 1000, 1, 1000000};
    struct rounds *r = rounds_new(&close);
    struct rounds_turn *turns[10];
    int n = 0;
    for (int i = 0; i < 10; i++)
        turns[i] = rounds_add(r, r, 0);
    while (rounds_take(r, NSEC_PER_MSEC))
        n++;
    assert_int_equal(n, 10);
    assert_int_equal(rounds_due(r), NSEC_PER_MSEC + NSEC_PER_SEC / 10000);
    for (int i = 0; i < 10; i++)
        rounds_remove(r, turns[i]);
    rounds_free(r);
}

static void
who_goes_is_passed_over_and_who_comes_is_last(void **state UNUSED)
{
    struct rounds *r = rounds_new(&config);
    struct rounds_turn *a = rounds_add(r, (void *)(uintptr_t) "a", 0);
    struct rounds_turn *b = rounds_add(r, (void *)(uintptr_t) "b", 0);
    struct rounds_turn *c = rounds_add(r, (void *)(uintptr_t) "c", 0);
    assert_string_equal(rounds_take(r, rounds_due(r)), "a");
    rounds_remove(r, b);
    struct rounds_turn *d = rounds_add(r, (void *)(uintptr_t) "d", 0);
    assert_int_equal(rounds_count(r), 3);
    assert_string_equal(rounds_take(r, rounds_due(r)), "c");
    assert_string_equal(rounds_take(r, rounds_due(r)), "a");
    assert_string_equal(rounds_take(r, rounds_due(r)), "d");
    rounds_remove(r, a);
    rounds_remove(r, c);
    rounds_remove(r, d);
    rounds_free(r);
}

TEST_MAIN(cmocka_unit_test(turns_are_spread_evenly_over_the_interval),
          cmocka_unit_test(many_circuits_stretch_the_interval_instead_of_flooding_the_network),
          cmocka_unit_test(lateness_is_neither_added_up_nor_made_up_for),
          cmocka_unit_test(turns_that_are_closer_than_a_timer_can_tell_come_together),
          cmocka_unit_test(who_goes_is_passed_over_and_who_comes_is_last))
