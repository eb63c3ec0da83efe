#include "io/calls.h"

#include "io/testing.h"

struct fixture {
    uv_loop_t *loop;
    struct calls *calls;
    enum err err[8];
    int n;
    uint64_t to_cancel;
    bool free_calls, add_more;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    f->calls = calls_new(f->loop, 3);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    calls_free(f->calls);
    test_loop_free(f->loop);
    free(f);
    return 0;
}

static void
note(void *arg, const struct call_result *result)
{
    struct fixture *f = arg;
    f->err[f->n++] = result->err;
    if (f->to_cancel)
        calls_cancel(f->calls, f->to_cancel);
    if (f->add_more) {
        uint64_t id;
        f->add_more = false;
        assert_ok(calls_add(f->calls, NSEC_PER_SEC, note, f, &id));
    }
    if (f->free_calls) {
        calls_free(f->calls);
        f->calls = NULL;
    }
}

static uint64_t
add(struct fixture *f, nsec_t timeout)
{
    uint64_t id;
    assert_ok(calls_add(f->calls, timeout, note, f, &id));
    return id;
}

static const struct call_result closed = {ERR_CLOSED, "gone", NULL};

static void
a_call_ends_once(void **state)
{
    struct fixture *f = *state;
    uint64_t id = add(f, NSEC_PER_SEC);
    assert_int_equal(calls_waiting(f->calls), 1);
    assert_true(calls_finish(f->calls, id, &(struct call_result){ERR_OK, "", NULL}));
    assert_false(calls_finish(f->calls, id, &closed));
    assert_int_equal(f->n, 1);
    assert_ok(f->err[0]);
    assert_int_equal(calls_waiting(f->calls), 0);
}

static void
a_call_that_is_not_answered_times_out(void **state)
{
    struct fixture *f = *state;
    add(f, NSEC_PER_MSEC);
    RUN_UNTIL(f->loop, f->n == 1);
    assert_err(f->err[0], ERR_TIMEOUT);
    assert_int_equal(calls_waiting(f->calls), 0);
}

static void
a_cancelled_call_is_never_heard_of(void **state)
{
    struct fixture *f = *state;
    uint64_t id = add(f, NSEC_PER_MSEC);
    assert_true(calls_cancel(f->calls, id));
    assert_false(calls_cancel(f->calls, id));
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n, 0);
}

static void
only_so_many_may_wait(void **state)
{
    struct fixture *f = *state;
    uint64_t id = 0;
    for (int i = 0; i < 3; i++)
        id = add(f, NSEC_PER_SEC);
    uint64_t last = calls_last_id(f->calls);
    assert_int_equal(last, id);
    assert_err(calls_add(f->calls, NSEC_PER_SEC, note, f, &id), ERR_LIMIT);
    assert_int_equal(calls_last_id(f->calls), last);
    calls_cancel(f->calls, last);
    assert_int_not_equal(add(f, NSEC_PER_SEC), last);
}

static void
finishing_all_includes_what_is_added_and_spares_what_is_cancelled(void **state)
{
    struct fixture *f = *state;
    add(f, NSEC_PER_SEC);
    f->to_cancel = add(f, NSEC_PER_SEC);
    f->add_more = true;
    calls_finish_all(f->calls, &closed);
    assert_int_equal(f->n, 2);
    assert_err(f->err[1], ERR_CLOSED);
    assert_int_equal(calls_waiting(f->calls), 0);
}

static void
a_timeout_may_free_the_table(void **state)
{
    struct fixture *f = *state;
    f->free_calls = true;
    add(f, NSEC_PER_MSEC);
    add(f, 100 * NSEC_PER_SEC);
    RUN_UNTIL(f->loop, f->n == 1);
    assert_null(f->calls);
}

static void
many_ids_are_found_again(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[500];
    calls_free(f->calls);
    f->calls = calls_new(f->loop, ARRAY_SIZE(ids));
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        ids[i] = add(f, 100 * NSEC_PER_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i += 3)
        assert_true(calls_cancel(f->calls, ids[i]));
    for (size_t i = ARRAY_SIZE(ids); i-- > 0;)
        assert_int_equal(calls_cancel(f->calls, ids[i]), i % 3 != 0);
    assert_int_equal(calls_waiting(f->calls), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_call_ends_once), TEST(a_call_that_is_not_answered_times_out),
          TEST(a_cancelled_call_is_never_heard_of), TEST(only_so_many_may_wait),
          TEST(finishing_all_includes_what_is_added_and_spares_what_is_cancelled),
          TEST(a_timeout_may_free_the_table), TEST(many_ids_are_found_again))
