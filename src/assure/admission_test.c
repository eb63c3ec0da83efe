#include "assure/admission.h"

#include "base/testing.h"

static struct admission_ticket *
wait_for(struct admission *a, const char *who, const char *x, const char *y)
{
    const char *nodes[] = {x, y};
    return admission_wait(a, (void *)(uintptr_t)who, y ? 2 : 1, nodes);
}

static void
no_more_than_the_limits_are_admitted(void **state UNUSED)
{
    struct admission *a = admission_new(3, 2);
    struct admission_ticket *t[5];
    t[0] = wait_for(a, "1", "x", "y");
    t[1] = wait_for(a, "2", "y", NULL);
    t[2] = wait_for(a, "3", "x", "y"); /* y is full */
    t[3] = wait_for(a, "4", "x", NULL);
    t[4] = wait_for(a, "5", "z", NULL);
    assert_string_equal(admission_next(a), "1");
    assert_string_equal(admission_next(a), "2");
    assert_string_equal(admission_next(a), "4"); /* overtakes 3 */
    assert_null(admission_next(a));              /* three are at work */
    assert_int_equal(admission_waiting(a), 2);
    admission_leave(a, t[3]);
    assert_string_equal(admission_next(a), "5");
    admission_leave(a, t[1]);
    assert_string_equal(admission_next(a), "3");
    assert_true(admission_is_admitted(t[2]));
    assert_int_equal(admission_admitted(a), 3);
    admission_leave(a, t[0]);
    admission_leave(a, t[2]);
    admission_leave(a, t[4]);
    assert_int_equal(admission_admitted(a), 0);
    assert_null(admission_next(a));
    admission_free(a);
}

static void
who_leaves_the_line_is_not_admitted(void **state UNUSED)
{
    struct admission *a = admission_new(1, 1);
    struct admission_ticket *first = wait_for(a, "1", "x", NULL);
    struct admission_ticket *second = wait_for(a, "2", "x", NULL);
    assert_false(admission_is_admitted(first));
    admission_leave(a, first);
    assert_string_equal(admission_next(a), "2");
    admission_leave(a, second);
    admission_free(a);
}

static void
the_first_in_line_is_not_overtaken_for_ever(void **state UNUSED)
{
    struct admission *a = admission_new(8, 1);
    struct admission_ticket *at_x = wait_for(a, "x", "x", NULL);
    assert_string_equal(admission_next(a), "x");
    struct admission_ticket *wide = wait_for(a, "wide", "x", "y"), *last = NULL;
    for (int i = 0; i < ADMISSION_PATIENCE; i++) {
        struct admission_ticket *small = wait_for(a, "small", "y", NULL);
        assert_string_equal(admission_next(a), "small");
        admission_leave(a, small);
    }
    last = wait_for(a, "last", "y", NULL);
    assert_null(admission_next(a));
    admission_leave(a, at_x);
    assert_string_equal(admission_next(a), "wide");
    assert_null(admission_next(a));
    admission_leave(a, wide);
    assert_string_equal(admission_next(a), "last");
    admission_leave(a, last);
    admission_free(a);
}

static void
a_test_of_no_node_counts_only_overall(void **state UNUSED)
{
    struct admission *a = admission_new(1, 1);
    struct admission_ticket *first = admission_wait(a, a, 0, NULL);
    struct admission_ticket *second = admission_wait(a, a, 0, NULL);
    assert_ptr_equal(admission_next(a), a);
    assert_null(admission_next(a));
    admission_leave(a, first);
    admission_leave(a, second);
    admission_free(a);
}

TEST_MAIN(cmocka_unit_test(no_more_than_the_limits_are_admitted),
          cmocka_unit_test(who_leaves_the_line_is_not_admitted),
          cmocka_unit_test(the_first_in_line_is_not_overtaken_for_ever),
          cmocka_unit_test(a_test_of_no_node_counts_only_overall))
