#include "gateway/denials.h"

#include "base/testing.h"

#include <stdio.h>

static void
so_many_at_once_then_one_in_a_while(void **state UNUSED)
{
    struct denials *d = denials_new();
    uint64_t left_out;
    nsec_t now = 1000;
    for (int i = 0; i < DENIALS_AT_ONCE; i++) {
        assert_true(denials_note(d, "a", now, &left_out));
        assert_int_equal(left_out, 0);
    }
    assert_false(denials_note(d, "a", now, &left_out));
    assert_false(denials_note(d, "a", now + DENIALS_INTERVAL - 1, &left_out));
    assert_true(denials_note(d, "b", now, &left_out));
    assert_true(denials_note(d, "a", now + DENIALS_INTERVAL, &left_out));
    assert_int_equal(left_out, 2);
    assert_false(denials_note(d, "a", now + DENIALS_INTERVAL, &left_out));
    denials_free(d);
}

static void
who_was_quiet_has_all_of_it_again(void **state UNUSED)
{
    struct denials *d = denials_new();
    uint64_t left_out;
    for (int round = 0; round < 2; round++) {
        nsec_t now = 1 + round * (DENIALS_AT_ONCE + 1) * DENIALS_INTERVAL;
        for (int i = 0; i < DENIALS_AT_ONCE; i++)
            assert_true(denials_note(d, "a", now, &left_out));
        assert_false(denials_note(d, "a", now, &left_out));
    }
    denials_free(d);
}

static void
too_many_people_share_one_count(void **state UNUSED)
{
    struct denials *d = denials_new();
    uint64_t left_out;
    unsigned n = 0;
    for (int i = 0; i < 10 * DENIALS_COUNTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        n += denials_note(d, name, 1, &left_out);
    }
    assert_int_equal(n, DENIALS_COUNTS + DENIALS_AT_ONCE);
    /* Later the first are forgotten, and there is room. */
    nsec_t later = 1 + 10 * DENIALS_INTERVAL;
    for (int i = 0; i < DENIALS_AT_ONCE; i++)
        assert_true(denials_note(d, "new", later, &left_out));
    assert_false(denials_note(d, "new", later, &left_out));
    denials_free(d);
}

static void
who_was_left_out_and_comes_no_more_makes_room(void **state UNUSED)
{
    struct denials *d = denials_new();
    uint64_t left_out;
    for (int i = 0; i < DENIALS_COUNTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        for (int n = 0; n < DENIALS_AT_ONCE + 2; n++)
            assert_int_equal(denials_note(d, name, 1, &left_out), n < DENIALS_AT_ONCE);
    }
    nsec_t later = 1 + 10 * DENIALS_INTERVAL;
    unsigned n = 0;
    for (int i = 0; i < 2 * DENIALS_AT_ONCE; i++) {
        n += denials_note(d, "new", later, &left_out);
        n += denials_note(d, "other", later, &left_out);
    }
    assert_int_equal(n, 2 * DENIALS_AT_ONCE); /* each has a count */
    /* How many they were, is told with the first who has none. */
    for (int i = 2; i < DENIALS_COUNTS - 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "q%d", i);
        assert_true(denials_note(d, name, later, &left_out));
        assert_int_equal(left_out, 0);
    }
    assert_true(denials_note(d, "one too many", later, &left_out));
    assert_int_equal(left_out, 2 * DENIALS_COUNTS);
    denials_free(d);
}

TEST_MAIN(cmocka_unit_test(so_many_at_once_then_one_in_a_while),
          cmocka_unit_test(who_was_quiet_has_all_of_it_again),
          cmocka_unit_test(too_many_people_share_one_count),
          cmocka_unit_test(who_was_left_out_and_comes_no_more_makes_room))
