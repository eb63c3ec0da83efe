#include "assure/admission.h"

#include "base/testing.h"

#define RATE 1000

static struct admission *
admission_of(uint32_t tests, uint32_t tests_per_node)
{
    return admission_new(&(struct admission_limits){tests, tests_per_node, RATE});
}

static struct admission_ticket *
wait_at(struct admission *a, const char *who, uint32_t rate, const char *x, const char *y)
{
    const char *nodes[] = {x, y};
    return admission_wait(a, (void *)(uintptr_t)who, rate, y ? 2 : 1, nodes);
}

static struct admission_ticket *
wait_for(struct admission *a, const char *who, const char *x, const char *y)
{
    return wait_at(a, who, 1, x, y);
}

static void
no_more_than_the_limits_are_admitted(void **state UNUSED)
{
    struct admission *a = admission_of(3, 2);
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
    assert_true(admission_has_begun(t[2]));
    assert_int_equal(admission_begun(a), 3);
    admission_leave(a, t[0]);
    admission_leave(a, t[2]);
    admission_leave(a, t[4]);
    assert_int_equal(admission_begun(a), 0);
    assert_null(admission_next(a));
    admission_free(a);
}

static void
who_leaves_the_line_is_not_admitted(void **state UNUSED)
{
    struct admission *a = admission_of(1, 1);
    struct admission_ticket *first = wait_for(a, "1", "x", NULL);
    struct admission_ticket *second = wait_for(a, "2", "x", NULL);
    assert_false(admission_has_begun(first));
    admission_leave(a, first);
    assert_string_equal(admission_next(a), "2");
    admission_leave(a, second);
    admission_free(a);
}

static void
the_first_in_line_is_not_overtaken_for_ever(void **state UNUSED)
{
    struct admission *a = admission_of(8, 1);
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
    struct admission *a = admission_of(1, 1);
    struct admission_ticket *first = admission_wait(a, a, 1, 0, NULL);
    struct admission_ticket *second = admission_wait(a, a, 1, 0, NULL);
    assert_ptr_equal(admission_next(a), a);
    assert_null(admission_next(a));
    admission_leave(a, first);
    admission_leave(a, second);
    admission_free(a);
}

static void
loads_at_a_node_share_its_budget(void **state UNUSED)
{
    struct admission *a = admission_of(48, 32);
    struct admission_ticket *t[4];
    t[0] = wait_at(a, "1", 600, "x", "y");
    t[1] = wait_at(a, "2", 401, "y", NULL); /* more than is left at y */
    t[2] = wait_at(a, "3", 400, "z", "y");
    t[3] = wait_at(a, "4", 1, "y", NULL);
    assert_string_equal(admission_next(a), "1");
    assert_string_equal(admission_next(a), "3");
    assert_null(admission_next(a));
    admission_leave(a, t[2]);
    assert_string_equal(admission_next(a), "4");
    admission_leave(a, t[0]);
    assert_string_equal(admission_next(a), "2");
    admission_leave(a, t[1]);
    admission_leave(a, t[3]);
    admission_free(a);
}

/* A hundred circuits of 64 kbit/s between the same nodes, whose heaviest load is 188 packets. */
static void
many_that_send_little_go_on_together(void **state UNUSED)
{
    struct admission *a = admission_new(&(struct admission_limits){48, 32, 5000});
    struct admission_ticket *t[100];
    uint32_t n = 0;
    for (int i = 0; i < 100; i++)
        t[i] = wait_at(a, "t", 188, "x", "y");
    while (admission_next(a))
        n++;
    assert_int_equal(n, 26);
    for (int i = 0; i < 100; i++)
        admission_leave(a, t[i]);
    for (int i = 0; i < 100; i++)
        t[i] = wait_at(a, "t", 31, "x", "y");
    for (n = 0; admission_next(a); n++)
        ;
    assert_int_equal(n, 32);
    for (int i = 0; i < 100; i++)
        admission_leave(a, t[i]);
    admission_free(a);
}

static void
a_load_above_the_budget_goes_on_alone(void **state UNUSED)
{
    struct admission *a = admission_of(48, 32);
    struct admission_ticket *small = wait_at(a, "small", 1, "x", NULL);
    assert_string_equal(admission_next(a), "small");
    struct admission_ticket *heavy = wait_at(a, "heavy", UINT32_MAX, "x", NULL);
    assert_null(admission_next(a));
    admission_leave(a, small);
    assert_string_equal(admission_next(a), "heavy");
    small = wait_at(a, "small", 1, "x", NULL);
    struct admission_ticket *elsewhere = wait_at(a, "elsewhere", 1, "y", NULL);
    assert_string_equal(admission_next(a), "elsewhere");
    assert_null(admission_next(a));
    admission_leave(a, heavy);
    assert_string_equal(admission_next(a), "small");
    admission_leave(a, small);
    admission_leave(a, elsewhere);
    admission_free(a);
}

static void
who_pauses_makes_room_for_loads_but_not_for_tests(void **state UNUSED)
{
    struct admission *a = admission_of(48, 2);
    struct admission_ticket *t[4];
    t[0] = wait_at(a, "1", 1000, "x", NULL);
    t[1] = wait_at(a, "2", 1000, "x", NULL);
    t[2] = wait_at(a, "3", 1, "x", NULL);
    t[3] = wait_at(a, "4", 1, "y", NULL);
    assert_string_equal(admission_next(a), "1");
    assert_string_equal(admission_next(a), "4");
    assert_null(admission_next(a));
    admission_pause(a, t[0]);
    assert_true(admission_has_begun(t[0]));
    assert_string_equal(admission_next(a), "2");
    assert_null(admission_next(a)); /* two have begun */
    admission_resume(a, t[0], 500);
    assert_null(admission_next(a)); /* 2 sends all that may be sent */
    admission_pause(a, t[1]);
    admission_resume(a, t[1], 500);
    assert_string_equal(admission_next(a), "1");
    assert_string_equal(admission_next(a), "2");
    assert_null(admission_next(a));
    assert_int_equal(admission_begun(a), 3);
    assert_int_equal(admission_waiting(a), 1);
    admission_pause(a, t[0]);
    admission_leave(a, t[0]);
    admission_pause(a, t[1]);
    admission_resume(a, t[1], 1);
    admission_leave(a, t[1]); /* out of the line */
    assert_string_equal(admission_next(a), "3");
    assert_int_equal(admission_begun(a), 2);
    admission_leave(a, t[2]);
    admission_leave(a, t[3]);
    admission_free(a);
}

/* Tests that have begun go on before others begin, and a heavy load among them gets its turn. */
static void
a_test_that_has_begun_is_not_overtaken_for_ever(void **state UNUSED)
{
    struct admission *a = admission_of(48, 48);
    struct admission_ticket *first = wait_at(a, "first", 1, "x", NULL);
    struct admission_ticket *long_one = wait_at(a, "long", 10, "x", NULL);
    assert_string_equal(admission_next(a), "first");
    assert_string_equal(admission_next(a), "long");
    admission_pause(a, first);
    admission_resume(a, first, 1000);
    for (int i = 0; i < ADMISSION_PATIENCE; i++) {
        struct admission_ticket *small = wait_at(a, "small", 1, "x", NULL);
        assert_string_equal(admission_next(a), "small");
        admission_leave(a, small);
    }
    struct admission_ticket *late = wait_at(a, "late", 1, "x", NULL);
    assert_null(admission_next(a));
    admission_pause(a, long_one);
    admission_resume(a, long_one, 1);
    assert_string_equal(admission_next(a), "first");
    assert_null(admission_next(a));
    admission_leave(a, first);
    assert_string_equal(admission_next(a), "long");
    assert_string_equal(admission_next(a), "late");
    admission_leave(a, long_one);
    admission_leave(a, late);
    admission_free(a);
}

/* Tests of many loads of all weights at three nodes: all of them end, and no node bears more than
 * its budget meanwhile, but for one load alone. */
static void
all_tests_end(void **state UNUSED)
{
    enum { N = 200, LOADS = 5 };
    static const char *const names[] = {"x", "y", "z"};
    struct {
        struct admission_ticket *ticket;
        uint32_t rate, left;
        unsigned from, to;
    } tests[N], *test, *going[N];
    struct admission *a = admission_of(12, 8);
    uint32_t seed = 1, n_going = 0, n_ended = 0;
    for (unsigned i = 0; i < N; i++) {
        tests[i].rate = 1 + i * 7919 % 1300;
        tests[i].left = LOADS;
        tests[i].from = i % 3;
        tests[i].to = (i + 1) % 3;
        const char *nodes[] = {names[tests[i].from], names[tests[i].to]};
        tests[i].ticket = admission_wait(a, &tests[i], tests[i].rate, 2, nodes);
    }
    while (n_ended < N) {
        uint32_t rates[3] = {0}, loads[3] = {0};
        while ((test = admission_next(a)))
            going[n_going++] = test;
        assert_true(n_going > 0);
        for (uint32_t i = 0; i < n_going; i++) {
            rates[going[i]->from] += going[i]->rate;
            rates[going[i]->to] += going[i]->rate;
            loads[going[i]->from]++;
            loads[going[i]->to]++;
        }
        for (unsigned i = 0; i < 3; i++)
            assert_true(rates[i] <= RATE || loads[i] == 1);
        seed = seed * 1664525 + 1013904223;
        uint32_t i = (seed >> 16) % n_going;
        test = going[i];
        going[i] = going[--n_going];
        if (--test->left) {
            test->rate = 1 + (seed >> 8) % 1300;
            admission_pause(a, test->ticket);
            admission_resume(a, test->ticket, test->rate);
        } else {
            admission_leave(a, test->ticket);
            n_ended++;
        }
    }
    assert_int_equal(admission_begun(a), 0);
    assert_int_equal(admission_waiting(a), 0);
    admission_free(a);
}

TEST_MAIN(cmocka_unit_test(no_more_than_the_limits_are_admitted),
          cmocka_unit_test(who_leaves_the_line_is_not_admitted),
          cmocka_unit_test(the_first_in_line_is_not_overtaken_for_ever),
          cmocka_unit_test(a_test_of_no_node_counts_only_overall),
          cmocka_unit_test(loads_at_a_node_share_its_budget),
          cmocka_unit_test(many_that_send_little_go_on_together),
          cmocka_unit_test(a_load_above_the_budget_goes_on_alone),
          cmocka_unit_test(who_pauses_makes_room_for_loads_but_not_for_tests),
          cmocka_unit_test(a_test_that_has_begun_is_not_overtaken_for_ever),
          cmocka_unit_test(all_tests_end))
