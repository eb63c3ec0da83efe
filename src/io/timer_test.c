#include "io/timer.h"

#include "io/clock.h"
#include "io/testing.h"

struct fixture {
    uv_loop_t *loop;
    struct timer *timer;
    struct task *task;
    int n, limit;
    nsec_t at;
    bool turned;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    timer_free(f->timer);
    task_free(f->task);
    test_loop_free(f->loop);
    free(f);
    return 0;
}

static void
note(void *arg)
{
    struct fixture *f = arg;
    f->n++;
    f->at = clock_monotonic();
}

static void
start_again(void *arg)
{
    struct fixture *f = arg;
    if (++f->n < f->limit)
        timer_start(f->timer, 0);
}

static void
free_timer(void *arg)
{
    struct fixture *f = arg;
    f->n++;
    timer_free(f->timer);
    f->timer = NULL;
}

static void
schedule_again(void *arg)
{
    struct fixture *f = arg;
    if (++f->n < f->limit)
        task_schedule(f->task);
}

static void
free_task(void *arg)
{
    struct fixture *f = arg;
    f->n++;
    task_free(f->task);
    f->task = NULL;
}

static void
a_timer_never_fires_early(void **state)
{
    struct fixture *f = *state;
    f->timer = timer_new(f->loop, note, f);
    for (int i = 1; i <= 5; i++) {
        nsec_t delay = i * NSEC_PER_MSEC + NSEC_PER_MSEC / 2, start = clock_monotonic();
        timer_start(f->timer, delay);
        assert_true(timer_is_armed(f->timer));
        RUN_UNTIL(f->loop, f->n == i);
        assert_true(f->at - start >= delay);
        assert_false(timer_is_armed(f->timer));
    }
}

static void
a_stopped_timer_does_not_fire(void **state)
{
    struct fixture *f = *state;
    f->timer = timer_new(f->loop, note, f);
    timer_start(f->timer, NSEC_PER_MSEC);
    timer_stop(f->timer);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 0);
}

static void
a_timer_may_restart_itself_with_no_delay(void **state)
{
    struct fixture *f = *state;
    f->limit = 3;
    f->timer = timer_new(f->loop, start_again, f);
    timer_start(f->timer, 0);
    assert_int_equal(f->n, 0);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 3);
}

static void
a_timer_may_free_itself(void **state)
{
    struct fixture *f = *state;
    f->timer = timer_new(f->loop, free_timer, f);
    timer_start(f->timer, -5);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 1);
}

static void
a_task_runs_once_however_often_it_was_scheduled(void **state)
{
    struct fixture *f = *state;
    f->task = task_new(f->loop, note, f);
    task_schedule(f->task);
    task_schedule(f->task);
    assert_int_equal(f->n, 0);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 1);
}

static void
a_task_that_schedules_itself_runs_once_per_turn(void **state)
{
    struct fixture *f = *state;
    f->limit = 3;
    f->task = task_new(f->loop, schedule_again, f);
    task_schedule(f->task);
    for (int i = 1; i <= 3; i++) {
        uv_run(f->loop, UV_RUN_NOWAIT);
        assert_int_equal(f->n, i);
    }
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 3);
}

static void
a_cancelled_task_does_not_run(void **state)
{
    struct fixture *f = *state;
    f->task = task_new(f->loop, note, f);
    task_schedule(f->task);
    task_cancel(f->task);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 0);
}

static void
a_task_may_free_itself(void **state)
{
    struct fixture *f = *state;
    f->task = task_new(f->loop, free_task, f);
    task_schedule(f->task);
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_timer_never_fires_early), TEST(a_stopped_timer_does_not_fire),
          TEST(a_timer_may_restart_itself_with_no_delay), TEST(a_timer_may_free_itself),
          TEST(a_task_runs_once_however_often_it_was_scheduled),
          TEST(a_task_that_schedules_itself_runs_once_per_turn),
          TEST(a_cancelled_task_does_not_run), TEST(a_task_may_free_itself))
