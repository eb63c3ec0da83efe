#include "io/wakeup.h"

#include "io/clock.h"
#include "io/testing.h"

struct fixture {
    uv_loop_t *loop;
    struct wakeup *wakeup;
    int n;
    nsec_t at, called; /* the last time: when it should have been, and was */
    int n_again;       /* how often it sets itself anew */
    bool close;
};

static void
on_time(void *arg)
{
    struct fixture *f = arg;
    f->n++;
    f->called = clock_monotonic();
    if (f->n_again && f->n_again--) {
        f->at += NSEC_PER_MSEC / 10;
        wakeup_set(f->wakeup, f->at);
    }
    if (f->close) {
        wakeup_close(f->wakeup);
        f->wakeup = NULL;
    }
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    assert_ok(wakeup_open(f->loop, on_time, f, &f->wakeup, NULL));
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    wakeup_close(f->wakeup);
    test_loop_free(f->loop);
    free(f);
    return 0;
}

static void
set(struct fixture *f, nsec_t delay)
{
    f->at = clock_monotonic() + delay;
    wakeup_set(f->wakeup, f->at);
}

static void
calls_once_and_never_early(void **state)
{
    struct fixture *f = *state;
    set(f, 3 * NSEC_PER_MSEC);
    RUN_UNTIL(f->loop, f->n);
    assert_true(f->called >= f->at);
    run_turns(f->loop, 5);
    assert_int_equal(f->n, 1);
}

static void
a_time_that_has_passed_is_soon(void **state)
{
    struct fixture *f = *state;
    wakeup_set(f->wakeup, -5);
    assert_int_equal(f->n, 0);
    RUN_UNTIL(f->loop, f->n == 1);
}

static void
may_set_itself_anew(void **state)
{
    struct fixture *f = *state;
    f->n_again = 20;
    set(f, NSEC_PER_MSEC);
    RUN_UNTIL(f->loop, f->n == 21);
    assert_true(f->called >= f->at);
}

static void
the_last_time_set_counts(void **state)
{
    struct fixture *f = *state;
    set(f, 3600 * NSEC_PER_SEC);
    set(f, NSEC_PER_MSEC);
    RUN_UNTIL(f->loop, f->n == 1);
    set(f, 0);
    wakeup_set(f->wakeup, NSEC_NEVER);
    run_turns(f->loop, 5);
    assert_int_equal(f->n, 1);
}

static void
may_be_closed_from_inside(void **state)
{
    struct fixture *f = *state;
    f->close = true;
    set(f, 0);
    RUN_UNTIL(f->loop, f->n == 1);
    assert_null(f->wakeup);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(T(calls_once_and_never_early), T(a_time_that_has_passed_is_soon), T(may_set_itself_anew),
          T(the_last_time_set_counts), T(may_be_closed_from_inside))
