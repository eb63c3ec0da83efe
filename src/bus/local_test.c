#include "bus/local.h"

#include "bus/bus_conformance.h"

static void
open_local(struct bus_ends *ends)
{
    ends->a = ends->b = bus_local_new(ends->loop, 0, 0);
}

static void
close_local(struct bus_ends *ends)
{
    bus_free(ends->a);
}

static void
settle_local(struct bus_ends *ends UNUSED)
{
}

static const struct bus_under_test local = {open_local, close_local, settle_local};

/* ---- what only this driver promises */

static void
open_small(struct bus_ends *ends)
{
    ends->a = ends->b = bus_local_new(ends->loop, 3, 2);
}

static int
set_up_small(void **state)
{
    static const struct bus_under_test small = {open_small, close_local, settle_local};
    under_test = &small;
    int result = bus_scene_set_up(state);
    under_test = &local;
    return result;
}

static void
a_full_queue_drops_and_counts(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.a, "a");
    for (int i = 0; i < 3; i++)
        publish(scene->ends.a, "a", i);
    assert_err(bus_publish(scene->ends.a, "a", json_integer(3)), ERR_BUSY);
    assert_err(bus_request(scene->ends.a, "a", json_null(), PATIENCE, listener_on_answer,
                           &scene->l[1], NULL),
               ERR_BUSY);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 3);
    publish(scene->ends.a, "a", 4);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 4);
    assert_heard(&scene->l[0], "[[\"a\",0],[\"a\",1],[\"a\",2],[\"a\",4]]");
    assert_int_equal(bus_counter(scene->ends.a, BUS_DROPPED_QUEUE_FULL), 2);
    assert_int_equal(bus_counter(scene->ends.a, BUS_PUBLISHED), 4);
    assert_int_equal(bus_counter(scene->ends.a, BUS_DELIVERED), 4);
    assert_int_equal(bus_counter(scene->ends.a, BUS_REQUESTED), 0);
    assert_int_equal(scene->l[1].n, 0);
}

static void
too_many_waiting_requests_are_refused(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.a, "a");
    ask(&scene->l[1], scene->ends.a, "a", PATIENCE);
    ask(&scene->l[1], scene->ends.a, "a", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 2);
    assert_err(bus_request(scene->ends.a, "a", json_null(), PATIENCE, listener_on_answer,
                           &scene->l[1], NULL),
               ERR_LIMIT);
}

static void
publish_again(void *arg UNUSED, struct bus *bus, const struct bus_message *message)
{
    publish(bus, message->subject, 0);
}

static void
note(void *arg)
{
    *(bool *)arg = true;
}

static void
subscribers_that_never_stop_leave_time_for_others(void **state)
{
    struct bus_scene *scene = *state;
    struct bus_subscription *s;
    bool fired = false;
    struct timer *timer = timer_new(scene->ends.loop, note, &fired);
    assert_ok(bus_subscribe(scene->ends.a, "a", publish_again, NULL, &s));
    publish(scene->ends.a, "a", 0);
    timer_start(timer, NSEC_PER_MSEC);
    RUN_UNTIL(scene->ends.loop, fired);
    bus_unsubscribe(s);
    timer_free(timer);
}

static void
counters_have_names(void **state UNUSED)
{
    for (enum bus_counter i = 0; i < BUS_N_COUNTERS; i++)
        assert_non_null(bus_counter_name(i));
    assert_string_equal(bus_counter_name(BUS_DROPPED_QUEUE_FULL), "dropped_queue_full");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_CONFORMANCE_TESTS,
        cmocka_unit_test_setup_teardown(a_full_queue_drops_and_counts, set_up_small,
                                        bus_scene_tear_down),
        cmocka_unit_test_setup_teardown(too_many_waiting_requests_are_refused, set_up_small,
                                        bus_scene_tear_down),
        BUS_SCENE_TEST(subscribers_that_never_stop_leave_time_for_others),
        cmocka_unit_test(counters_have_names),
    };
    under_test = &local;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
