/* bus_conformance.h - what every driver of the bus must do, as tests against bus.h alone.
 *
 * A driver's test includes this, sets `under_test`, and adds BUS_CONFORMANCE_TESTS to its list:
 *
 *     static const struct bus_under_test this_driver = {open, close, settle};
 *     int main(void) { under_test = &this_driver; ... BUS_CONFORMANCE_TESTS ... } */
#ifndef BUS_BUS_CONFORMANCE_H
#define BUS_BUS_CONFORMANCE_H

#include "bus/bus_scene.h"

/* ---- publish and subscribe */

static void
a_message_reaches_its_subscriber_as_it_was(void **state)
{
    struct bus_scene *scene = *state;
    const char *text =
        "{\"z\":[1,-2.5,1e300,9007199254740993,null,true],\"a\":{\"\":\"\\u00e9 \\n\"}}";
    json_t *payload = json_loads(text, 0, NULL), *copy = json_deep_copy(payload);
    listen_to(&scene->l[0], scene->ends.b, "a.b");
    settle(scene);
    assert_ok(bus_publish(scene->ends.a, "a.b", payload));
    assert_int_equal(scene->l[0].n, 0); /* not from inside the call */
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    json_t *heard = json_array_get(scene->l[0].heard, 0);
    assert_string_equal(json_string_value(json_array_get(heard, 0)), "a.b");
    assert_true(json_equal(json_array_get(heard, 1), copy));
    assert_null(scene->l[0].reply_to);
    json_decref(copy);
}

static void
any_json_value_is_a_payload(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "a");
    settle(scene);
    assert_ok(bus_publish(scene->ends.a, "a", json_null()));
    assert_ok(bus_publish(scene->ends.a, "a", json_string("x")));
    assert_ok(bus_publish(scene->ends.a, "a", json_array()));
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 3);
    assert_heard(&scene->l[0], "[[\"a\",null],[\"a\",\"x\"],[\"a\",[]]]");
}

static void
each_subscriber_is_told_once(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.a, "a.b");
    listen_to(&scene->l[1], scene->ends.b, "a.*");
    listen_to(&scene->l[2], scene->ends.b, ">");
    settle(scene);
    publish(scene->ends.a, "a.b", 7);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n && scene->l[1].n && scene->l[2].n);
    flush(scene, scene->ends.a);
    assert_heard(&scene->l[0], "[[\"a.b\",7]]");
    assert_heard(&scene->l[1], "[[\"a.b\",7]]");
}

static void
only_what_matches_is_told(void **state)
{
    struct bus_scene *scene = *state;
    static const char *const subjects[] = {"a", "a.b", "a.b.c", "a.b.c.d", "b.b", "A.b"};
    listen_to(&scene->l[0], scene->ends.b, "a.*");
    listen_to(&scene->l[1], scene->ends.b, "a.>");
    listen_to(&scene->l[2], scene->ends.b, "*.b.*");
    settle(scene);
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        publish(scene->ends.a, subjects[i], (int)i);
    flush(scene, scene->ends.a);
    assert_heard(&scene->l[0], "[[\"a.b\",1]]");
    assert_heard(&scene->l[1], "[[\"a.b\",1],[\"a.b.c\",2],[\"a.b.c.d\",3]]");
    assert_heard(&scene->l[2], "[[\"a.b.c\",2]]");
}

static void
what_one_publishes_arrives_in_order(void **state)
{
    struct bus_scene *scene = *state;
    enum { N = 3000 };
    listen_to(&scene->l[0], scene->ends.b, "n.>");
    settle(scene);
    for (int i = 0; i < N; i++)
        publish(scene->ends.a, i % 3 ? "n.x" : "n.y.z", i);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == N);
    for (size_t i = 0; i < N; i++) {
        const json_t *heard = json_array_get(scene->l[0].heard, i);
        assert_int_equal(json_integer_value(json_array_get(heard, 1)), i);
    }
}

static void
nobody_needs_to_listen(void **state)
{
    struct bus_scene *scene = *state;
    publish(scene->ends.a, "nobody.hears.this", 1);
    flush(scene, scene->ends.a);
}

static void
a_message_from_before_the_subscription_is_not_told(void **state)
{
    struct bus_scene *scene = *state;
    publish(scene->ends.b, "a.b", 1);
    listen_to(&scene->l[0], scene->ends.b, "a.b");
    publish(scene->ends.b, "a.b", 2);
    flush(scene, scene->ends.b);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n);
    assert_heard(&scene->l[0], "[[\"a.b\",2]]");
}

static void
who_has_unsubscribed_is_told_nothing(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "a.b");
    listen_to(&scene->l[1], scene->ends.b, "a.b");
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    stop(&scene->l[0]);
    flush(scene, scene->ends.a);
    assert_int_equal(scene->l[0].n, 0);
    assert_int_equal(scene->l[1].n, 1);
}

static void
a_subscriber_may_leave_while_it_is_told(void **state)
{
    struct bus_scene *scene = *state;
    for (int i = 0; i < 3; i++)
        listen_to(&scene->l[i], scene->ends.b, "a.b");
    scene->l[1].to_unsubscribe = &scene->l[1];
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    publish(scene->ends.a, "a.b", 2);
    flush(scene, scene->ends.a);
    assert_int_equal(scene->l[0].n, 2);
    assert_int_equal(scene->l[1].n, 1);
    assert_int_equal(scene->l[2].n, 2);
}

static void
a_subscriber_may_make_others_leave(void **state)
{
    struct bus_scene *scene = *state;
    for (int i = 0; i < 3; i++)
        listen_to(&scene->l[i], scene->ends.b, "a.b");
    scene->l[0].to_unsubscribe = &scene->l[2];
    scene->l[2].to_unsubscribe = &scene->l[0]; /* whichever is told first */
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    flush(scene, scene->ends.a);
    assert_int_equal(scene->l[0].n + scene->l[2].n, 1);
    assert_int_equal(scene->l[1].n, 1);
}

static void
a_subscriber_may_subscribe_while_it_is_told(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "a.b");
    scene->l[0].to_subscribe = &scene->l[1];
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    settle(scene);
    publish(scene->ends.a, "a.c", 2);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n);
    assert_heard(&scene->l[1], "[[\"a.c\",2]]");
}

static void
the_bus_may_be_freed_while_it_tells(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "a.b");
    listen_to(&scene->l[1], scene->ends.b, "a.b");
    scene->l[0].free_bus = scene->l[1].free_bus = true;
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    publish(scene->ends.a, "a.b", 2);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n + scene->l[1].n);
    uv_run(scene->ends.loop, UV_RUN_DEFAULT);
    assert_int_equal(scene->l[0].n + scene->l[1].n, 1);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    struct bus_scene *scene = *state;
    static const char *const bad[] = {"", "a..b", "a b", "a.*", ">", "_INBOX.x.1", "$SYS.x"};
    struct bus_subscription *s;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_err(bus_publish(scene->ends.a, bad[i], json_object()), ERR_INVALID);
        assert_err(bus_request(scene->ends.a, bad[i], json_object(), PATIENCE, listener_on_answer,
                               &scene->l[0], NULL),
                   ERR_INVALID);
    }
    assert_err(bus_publish(scene->ends.a, "a", NULL), ERR_INVALID);
    assert_err(bus_subscribe(scene->ends.a, "a.>.b", listener_on_message, NULL, &s), ERR_INVALID);
    assert_err(bus_subscribe(scene->ends.a, "_INBOX.>", listener_on_message, NULL, &s),
               ERR_INVALID);
    assert_err(bus_reply(scene->ends.a, "a.b", json_object()), ERR_INVALID);
    assert_err(bus_reply(scene->ends.a, "_INBOX.*", json_object()), ERR_INVALID);
}

/* ---- request and reply */

static void
a_request_is_answered_later(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_non_null(scene->l[0].reply_to);
    assert_int_equal(scene->l[1].n, 0);
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_string("made")));
    assert_int_equal(scene->l[1].n, 0); /* not from inside the call */
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1);
    assert_ok(scene->l[1].err);
    assert_string_equal(scene->l[1].text, "");
    assert_string_equal(json_string_value(scene->l[1].value), "made");
}

static void
an_error_is_an_answer(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_ok(
        bus_reply_error(scene->ends.b, scene->l[0].reply_to, ERR_CONFLICT, "circuit %d: \"x\"", 7));
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1);
    assert_err(scene->l[1].err, ERR_CONFLICT);
    assert_string_equal(scene->l[1].text, "circuit 7: \"x\"");
    assert_null(scene->l[1].value);
}

static void
a_request_nobody_serves_ends_at_once(void **state)
{
    struct bus_scene *scene = *state;
    ask(&scene->l[0], scene->ends.a, "plan.make", 1000 * PATIENCE);
    assert_int_equal(scene->l[0].n, 0);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_err(scene->l[0].err, ERR_CLOSED);
    assert_string_equal(scene->l[0].text, "nobody serves \"plan.make\"");
    assert_int_equal(bus_counter(scene->ends.a, BUS_NO_RESPONDERS), 1);
}

static void
a_request_nobody_answers_times_out(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", 20 * NSEC_PER_MSEC);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1);
    assert_err(scene->l[1].err, ERR_TIMEOUT);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_string("too late")));
    RUN_UNTIL(scene->ends.loop, bus_counter(scene->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(scene->l[1].n, 1);
}

static void
the_first_of_two_answers_counts(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    listen_to(&scene->l[1], scene->ends.b, "plan.*");
    settle(scene);
    ask(&scene->l[2], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n && scene->l[1].n);
    assert_ok(bus_reply(scene->ends.b, scene->l[1].reply_to, json_integer(1)));
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_integer(2)));
    RUN_UNTIL(scene->ends.loop, bus_counter(scene->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(scene->l[2].n, 1);
    assert_int_equal(json_integer_value(scene->l[2].value), 1);
}

static void
a_cancelled_request_is_not_heard_of(void **state)
{
    struct bus_scene *scene = *state;
    uint64_t id;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    assert_ok(bus_request(scene->ends.a, "plan.make", json_null(), PATIENCE, listener_on_answer,
                          &scene->l[1], &id));
    bus_cancel(scene->ends.a, id);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_null()));
    RUN_UNTIL(scene->ends.loop, bus_counter(scene->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(scene->l[1].n, 0);
}

static void
many_requests_are_not_mixed_up(void **state)
{
    struct bus_scene *scene = *state;
    struct listener asking[50] = {0};
    char *reply_to[50];
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    for (int i = 0; i < 50; i++) {
        ask(&asking[i], scene->ends.a, "plan.make", PATIENCE);
        RUN_UNTIL(scene->ends.loop, scene->l[0].n == i + 1);
        reply_to[i] = strdup(scene->l[0].reply_to);
    }
    for (int i = 49; i >= 0; i--) {
        assert_ok(bus_reply(scene->ends.b, reply_to[i], json_integer(i)));
        free(reply_to[i]);
    }
    for (int i = 0; i < 50; i++) {
        RUN_UNTIL(scene->ends.loop, asking[i].n == 1);
        assert_int_equal(json_integer_value(asking[i].value), i);
        json_decref(asking[i].value);
    }
}

static void
only_who_asked_hears_the_answer(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    listen_to(&scene->l[1], scene->ends.b, ">");
    settle(scene);
    ask(&scene->l[2], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_string("made")));
    RUN_UNTIL(scene->ends.loop, scene->l[2].n == 1);
    stop(&scene->l[0]);
    flush(scene, scene->ends.b);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 2); /* the request and the flush */
    assert_heard(&scene->l[1], "[[\"plan.make\",1],[\"flush\",0]]");
}

static void
an_answer_to_nobody_is_no_error(void **state)
{
    struct bus_scene *scene = *state;
    assert_ok(bus_reply(scene->ends.a, NULL, json_object()));
    assert_ok(bus_reply_error(scene->ends.a, NULL, ERR_IO, "x"));
}

static void
requests_end_with_the_bus(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", PATIENCE);
    bus_scene_free_bus(scene);
    assert_int_equal(scene->l[1].n, 1);
    assert_err(scene->l[1].err, ERR_CLOSED);
}

static void
the_bus_may_be_freed_by_who_is_answered(void **state)
{
    struct bus_scene *scene = *state;
    scene->l[0].free_bus = true;
    ask(&scene->l[0], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_null(scene->ends.a);
}

/* clang-format off */
#define BUS_CONFORMANCE_TESTS                                                                      \
    BUS_SCENE_TEST(a_message_reaches_its_subscriber_as_it_was),                              \
    BUS_SCENE_TEST(any_json_value_is_a_payload),                                             \
    BUS_SCENE_TEST(each_subscriber_is_told_once),                                            \
    BUS_SCENE_TEST(only_what_matches_is_told),                                               \
    BUS_SCENE_TEST(what_one_publishes_arrives_in_order),                                     \
    BUS_SCENE_TEST(nobody_needs_to_listen),                                                  \
    BUS_SCENE_TEST(a_message_from_before_the_subscription_is_not_told),                      \
    BUS_SCENE_TEST(who_has_unsubscribed_is_told_nothing),                                    \
    BUS_SCENE_TEST(a_subscriber_may_leave_while_it_is_told),                                 \
    BUS_SCENE_TEST(a_subscriber_may_make_others_leave),                                      \
    BUS_SCENE_TEST(a_subscriber_may_subscribe_while_it_is_told),                             \
    BUS_SCENE_TEST(the_bus_may_be_freed_while_it_tells),                                     \
    BUS_SCENE_TEST(what_makes_no_sense_is_refused),                                          \
    BUS_SCENE_TEST(a_request_is_answered_later),                                             \
    BUS_SCENE_TEST(an_error_is_an_answer),                                                   \
    BUS_SCENE_TEST(a_request_nobody_serves_ends_at_once),                                    \
    BUS_SCENE_TEST(a_request_nobody_answers_times_out),                                      \
    BUS_SCENE_TEST(the_first_of_two_answers_counts),                                         \
    BUS_SCENE_TEST(a_cancelled_request_is_not_heard_of),                                     \
    BUS_SCENE_TEST(many_requests_are_not_mixed_up),                                          \
    BUS_SCENE_TEST(only_who_asked_hears_the_answer),                                         \
    BUS_SCENE_TEST(an_answer_to_nobody_is_no_error),                                         \
    BUS_SCENE_TEST(requests_end_with_the_bus),                                               \
    BUS_SCENE_TEST(the_bus_may_be_freed_by_who_is_answered)
/* clang-format on */

#endif
