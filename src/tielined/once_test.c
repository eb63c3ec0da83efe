#include "tielined/once.h"

#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

static char name[ONCE_NAME_LENGTH + 1]; /* of the session that would be opened */

static const char *
fresh(unsigned n)
{
    snprintf(name, sizeof name, "%032x", n);
    return name;
}

/* The session of a run that nobody knows yet. */
static char *
open_run(struct once *once, const char *run, unsigned n, nsec_t now)
{
    const char *session;
    assert_int_equal(once_judge(once, run, NULL, 1, fresh(n), now, &session), ONCE_NO_SESSION);
    assert_string_equal(session, fresh(n));
    return strdup(session);
}

static enum once_verdict
judge(struct once *once, const char *session, int64_t number, nsec_t now)
{
    const char *current;
    return once_judge(once, RUN, session, number, fresh(4711), now, &current);
}

static void
each_number_of_a_session_is_taken_once(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    assert_int_equal(judge(&once, session, 1, 1), ONCE_FIRST);
    assert_int_equal(judge(&once, session, 1, 1), ONCE_SEEN);
    assert_int_equal(judge(&once, session, 2, 1), ONCE_FIRST);
    assert_int_equal(judge(&once, session, 1, 1), ONCE_SEEN);
    assert_int_equal(judge(&once, session, 2, 1), ONCE_SEEN);
    free(session);
}

static void
numbers_may_overtake_each_other_within_the_window(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    assert_int_equal(judge(&once, session, 100, 1), ONCE_FIRST);
    for (int64_t n = 99; n > 100 - ONCE_WINDOW; n--) {
        assert_int_equal(judge(&once, session, n, 1), ONCE_FIRST);
        assert_int_equal(judge(&once, session, n, 1), ONCE_SEEN);
    }
    assert_int_equal(judge(&once, session, 100 - ONCE_WINDOW, 1), ONCE_SEEN);
    assert_int_equal(judge(&once, session, 163, 1), ONCE_FIRST); /* 100 is at the window's end */
    assert_int_equal(judge(&once, session, 100, 1), ONCE_SEEN);
    assert_int_equal(judge(&once, session, 101, 1), ONCE_FIRST);
    assert_int_equal(judge(&once, session, INT64_MAX, 1), ONCE_FIRST);
    assert_int_equal(judge(&once, session, 162, 1), ONCE_SEEN);
    assert_int_equal(judge(&once, session, INT64_MAX, 1), ONCE_SEEN);
    free(session);
}

static void
what_was_heard_is_worth_nothing_to_who_serves_anew(void **state UNUSED)
{
    struct once before = {0}, after = {0};
    char *session = open_run(&before, RUN, 1, 0);
    assert_int_equal(judge(&before, session, 1, 1), ONCE_FIRST);
    for (int64_t n = 1; n < 10; n++)
        assert_int_equal(judge(&after, session, n, 1), ONCE_NO_SESSION);
    free(session);
}

static void
what_a_run_before_has_said_is_of_no_session(void **state UNUSED)
{
    struct once once = {0};
    char *before = open_run(&once, OTHER, 1, 0), *session = open_run(&once, RUN, 2, 0);
    const char *current;
    assert_int_equal(judge(&once, before, 1, 1), ONCE_NO_SESSION);
    assert_int_equal(once_judge(&once, OTHER, session, 1, fresh(3), 1, &current), ONCE_NO_SESSION);
    assert_string_equal(current, before);
    assert_int_equal(judge(&once, session, 1, 1), ONCE_FIRST);
    free(before);
    free(session);
}

static void
a_session_ends_after_its_time(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    const char *current;
    assert_int_equal(judge(&once, session, 1, ONCE_LASTS - 1), ONCE_FIRST);
    assert_int_equal(once_judge(&once, RUN, session, 2, fresh(2), ONCE_LASTS, &current),
                     ONCE_NO_SESSION);
    assert_string_equal(current, fresh(2));
    free(session);
    session = strdup(current);
    assert_int_equal(judge(&once, session, 2, ONCE_LASTS), ONCE_FIRST);
    free(session);
}

/* Its answer may still be waited for: another word would make who asked ask again. */
static void
what_was_taken_just_before_the_session_ended_is_known_still(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    assert_int_equal(judge(&once, session, 1, ONCE_LASTS - 1), ONCE_FIRST);
    assert_int_equal(judge(&once, session, 1, ONCE_LASTS), ONCE_SEEN);
    assert_int_equal(judge(&once, session, 2, ONCE_LASTS), ONCE_NO_SESSION);
    free(session);
}

static void
runs_that_are_made_up_push_out_the_one_that_is_served_least(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    for (unsigned i = 0; i < 3 * ONCE_RUNS; i++) {
        char run[ONCE_NAME_LENGTH + 1];
        snprintf(run, sizeof run, "%032x", 1000 + i);
        free(open_run(&once, run, 2000 + i, i + 1));
        assert_int_equal(judge(&once, session, i + 1, i + 1), ONCE_FIRST); /* it is in use */
    }
    for (unsigned i = 0; i < ONCE_RUNS; i++) {
        char run[ONCE_NAME_LENGTH + 1];
        snprintf(run, sizeof run, "%032x", 3000 + i);
        free(open_run(&once, run, 4000 + i, 100 + i));
    }
    assert_int_equal(judge(&once, session, 1, 200), ONCE_NO_SESSION); /* not taken a second time */
    free(session);
}

static void
what_is_no_name_or_number_is_nonsense(void **state UNUSED)
{
    struct once once = {0};
    char *session = open_run(&once, RUN, 1, 0);
    const char *current;
    assert_int_equal(judge(&once, session, 0, 1), ONCE_NONSENSE);
    assert_int_equal(judge(&once, session, -1, 1), ONCE_NONSENSE);
    assert_int_equal(judge(&once, "", 1, 1), ONCE_NONSENSE);
    static const char *const runs[] = {NULL, "", RUN "0", "0123456789ABCDEF0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
        assert_int_equal(once_judge(&once, runs[i], session, 1, fresh(2), 1, &current),
                         ONCE_NONSENSE);
    free(session);
}

static void
names_are_random(void **state UNUSED)
{
    char a[ONCE_NAME_LENGTH + 1], b[ONCE_NAME_LENGTH + 1];
    assert_true(once_name(a) && once_name(b));
    assert_int_equal(strlen(a), ONCE_NAME_LENGTH);
    assert_string_not_equal(a, b);
}

TEST_MAIN(cmocka_unit_test(each_number_of_a_session_is_taken_once),
          cmocka_unit_test(numbers_may_overtake_each_other_within_the_window),
          cmocka_unit_test(what_was_heard_is_worth_nothing_to_who_serves_anew),
          cmocka_unit_test(what_a_run_before_has_said_is_of_no_session),
          cmocka_unit_test(a_session_ends_after_its_time),
          cmocka_unit_test(what_was_taken_just_before_the_session_ended_is_known_still),
          cmocka_unit_test(runs_that_are_made_up_push_out_the_one_that_is_served_least),
          cmocka_unit_test(what_is_no_name_or_number_is_nonsense),
          cmocka_unit_test(names_are_random))
