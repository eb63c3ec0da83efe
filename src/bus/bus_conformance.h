/* bus_conformance.h - what every driver of the bus must do, as tests against bus.h alone.
 *
 * A driver's test includes this, sets `under_test`, and adds BUS_CONFORMANCE_TESTS to its list:
 *
 *     static const struct bus_under_test this_driver = {open, close, settle};
 *     int main(void) { under_test = &this_driver; ... BUS_CONFORMANCE_TESTS ... } */
#ifndef BUS_BUS_CONFORMANCE_H
#define BUS_BUS_CONFORMANCE_H

#include "bus/bus.h"
#include "io/testing.h"
#include "io/timer.h"

/* Two ends of one bus, which hear each other. Within a program both may be the same. */
struct bus_ends {
    uv_loop_t *loop;
    struct bus *a, *b;
};

struct bus_under_test {
    void (*open)(struct bus_ends *);   /* `loop` is there; sets a and b */
    void (*close)(struct bus_ends *);  /* frees a and b unless NULL; they may be equal */
    void (*settle)(struct bus_ends *); /* returns when subscriptions made so far count */
};

static const struct bus_under_test *under_test;

#define PATIENCE (20 * NSEC_PER_SEC) /* of requests that are answered */

/* One subscriber, or one who asks, and all it was told. */
struct listener {
    struct conformance *c;
    struct bus_subscription *subscription;
    const char *pattern;
    int n;
    json_t *heard;  /* array of [subject, payload] */
    char *reply_to; /* of the last request */
    enum err err;   /* of the last answer ... */
    char text[200]; /* ... and its words */
    json_t *value;  /* ... and its value */
    struct listener *to_unsubscribe, *to_subscribe;
    bool free_bus;
};

struct conformance {
    struct bus_ends ends;
    struct listener l[4];
};

static void
conformance_free_bus(struct conformance *c)
{
    under_test->close(&c->ends);
    c->ends.a = c->ends.b = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(c->l); i++)
        c->l[i].subscription = NULL;
}

static int
conformance_set_up(void **state)
{
    struct conformance *c = calloc(1, sizeof *c);
    c->ends.loop = test_loop_new();
    under_test->open(&c->ends);
    for (size_t i = 0; i < ARRAY_SIZE(c->l); i++) {
        c->l[i].c = c;
        c->l[i].heard = json_array();
    }
    *state = c;
    return 0;
}

static int
conformance_tear_down(void **state)
{
    struct conformance *c = *state;
    conformance_free_bus(c);
    test_loop_free(c->ends.loop);
    for (size_t i = 0; i < ARRAY_SIZE(c->l); i++) {
        json_decref(c->l[i].heard);
        json_decref(c->l[i].value);
        free(c->l[i].reply_to);
    }
    free(c);
    return 0;
}

static void conformance_on_message(void *, struct bus *, const struct bus_message *);

static void
listen_to(struct listener *l, struct bus *bus, const char *pattern)
{
    l->pattern = pattern;
    assert_ok(bus_subscribe(bus, pattern, conformance_on_message, l, &l->subscription));
}

static void
stop(struct listener *l)
{
    bus_unsubscribe(l->subscription);
    l->subscription = NULL;
}

static void
conformance_act(struct listener *l, struct bus *bus)
{
    if (l->to_unsubscribe)
        stop(l->to_unsubscribe);
    l->to_unsubscribe = NULL;
    if (l->to_subscribe)
        listen_to(l->to_subscribe, bus, "a.*");
    l->to_subscribe = NULL;
    if (l->free_bus)
        conformance_free_bus(l->c);
}

static void
conformance_on_message(void *arg, struct bus *bus, const struct bus_message *message)
{
    struct listener *l = arg;
    assert_non_null(l->subscription); /* else it was told after it had left */
    l->n++;
    json_array_append_new(l->heard, json_pack("[s, O]", message->subject, message->payload));
    free(l->reply_to);
    l->reply_to = message->reply_to ? strdup(message->reply_to) : NULL;
    conformance_act(l, bus);
}

static void
conformance_on_answer(void *arg, const struct call_result *result)
{
    struct listener *l = arg;
    l->n++;
    l->err = result->err;
    snprintf(l->text, sizeof l->text, "%s", result->text);
    json_decref(l->value);
    l->value = json_incref(result->value);
    if (l->free_bus)
        conformance_free_bus(l->c);
}

static void
settle(struct conformance *c)
{
    under_test->settle(&c->ends);
}

static void
publish(struct bus *bus, const char *subject, int number)
{
    assert_ok(bus_publish(bus, subject, json_integer(number)));
}

static void
ask(struct listener *l, struct bus *bus, const char *subject, nsec_t timeout)
{
    assert_ok(bus_request(bus, subject, json_integer(1), timeout, conformance_on_answer, l, NULL));
}

/* Everything published so far has arrived, for what is published now arrives behind it. */
static void
flush(struct conformance *c, struct bus *from)
{
    struct listener *last = &c->l[ARRAY_SIZE(c->l) - 1];
    struct bus *to = from == c->ends.a ? c->ends.b : c->ends.a;
    int before = last->n;
    if (!last->subscription) {
        listen_to(last, to, "flush");
        settle(c);
    }
    publish(from, "flush", 0);
    RUN_UNTIL(c->ends.loop, last->n > before);
}

static void
assert_heard(const struct listener *l, const char *expected)
{
    char *heard = json_dumps(l->heard, JSON_COMPACT);
    assert_string_equal(heard, expected);
    free(heard);
}

/* ---- publish and subscribe */

static void
a_message_reaches_its_subscriber_as_it_was(void **state)
{
    struct conformance *c = *state;
    const char *text =
        "{\"z\":[1,-2.5,1e300,9007199254740993,null,true],\"a\":{\"\":\"\\u00e9 \\n\"}}";
    json_t *payload = json_loads(text, 0, NULL), *copy = json_deep_copy(payload);
    listen_to(&c->l[0], c->ends.b, "a.b");
    settle(c);
    assert_ok(bus_publish(c->ends.a, "a.b", payload));
    assert_int_equal(c->l[0].n, 0); /* not from inside the call */
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    json_t *heard = json_array_get(c->l[0].heard, 0);
    assert_string_equal(json_string_value(json_array_get(heard, 0)), "a.b");
    assert_true(json_equal(json_array_get(heard, 1), copy));
    assert_null(c->l[0].reply_to);
    json_decref(copy);
}

static void
any_json_value_is_a_payload(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "a");
    settle(c);
    assert_ok(bus_publish(c->ends.a, "a", json_null()));
    assert_ok(bus_publish(c->ends.a, "a", json_string("x")));
    assert_ok(bus_publish(c->ends.a, "a", json_array()));
    RUN_UNTIL(c->ends.loop, c->l[0].n == 3);
    assert_heard(&c->l[0], "[[\"a\",null],[\"a\",\"x\"],[\"a\",[]]]");
}

static void
each_subscriber_is_told_once(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.a, "a.b");
    listen_to(&c->l[1], c->ends.b, "a.*");
    listen_to(&c->l[2], c->ends.b, ">");
    settle(c);
    publish(c->ends.a, "a.b", 7);
    RUN_UNTIL(c->ends.loop, c->l[0].n && c->l[1].n && c->l[2].n);
    flush(c, c->ends.a);
    assert_heard(&c->l[0], "[[\"a.b\",7]]");
    assert_heard(&c->l[1], "[[\"a.b\",7]]");
}

static void
only_what_matches_is_told(void **state)
{
    struct conformance *c = *state;
    static const char *const subjects[] = {"a", "a.b", "a.b.c", "a.b.c.d", "b.b", "A.b"};
    listen_to(&c->l[0], c->ends.b, "a.*");
    listen_to(&c->l[1], c->ends.b, "a.>");
    listen_to(&c->l[2], c->ends.b, "*.b.*");
    settle(c);
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        publish(c->ends.a, subjects[i], (int)i);
    flush(c, c->ends.a);
    assert_heard(&c->l[0], "[[\"a.b\",1]]");
    assert_heard(&c->l[1], "[[\"a.b\",1],[\"a.b.c\",2],[\"a.b.c.d\",3]]");
    assert_heard(&c->l[2], "[[\"a.b.c\",2]]");
}

static void
what_one_publishes_arrives_in_order(void **state)
{
    struct conformance *c = *state;
    enum { N = 3000 };
    listen_to(&c->l[0], c->ends.b, "n.>");
    settle(c);
    for (int i = 0; i < N; i++)
        publish(c->ends.a, i % 3 ? "n.x" : "n.y.z", i);
    RUN_UNTIL(c->ends.loop, c->l[0].n == N);
    for (size_t i = 0; i < N; i++) {
        const json_t *heard = json_array_get(c->l[0].heard, i);
        assert_int_equal(json_integer_value(json_array_get(heard, 1)), i);
    }
}

static void
nobody_needs_to_listen(void **state)
{
    struct conformance *c = *state;
    publish(c->ends.a, "nobody.hears.this", 1);
    flush(c, c->ends.a);
}

static void
a_message_from_before_the_subscription_is_not_told(void **state)
{
    struct conformance *c = *state;
    publish(c->ends.b, "a.b", 1);
    listen_to(&c->l[0], c->ends.b, "a.b");
    publish(c->ends.b, "a.b", 2);
    flush(c, c->ends.b);
    RUN_UNTIL(c->ends.loop, c->l[0].n);
    assert_heard(&c->l[0], "[[\"a.b\",2]]");
}

static void
who_has_unsubscribed_is_told_nothing(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "a.b");
    listen_to(&c->l[1], c->ends.b, "a.b");
    settle(c);
    publish(c->ends.a, "a.b", 1);
    stop(&c->l[0]);
    flush(c, c->ends.a);
    assert_int_equal(c->l[0].n, 0);
    assert_int_equal(c->l[1].n, 1);
}

static void
a_subscriber_may_leave_while_it_is_told(void **state)
{
    struct conformance *c = *state;
    for (int i = 0; i < 3; i++)
        listen_to(&c->l[i], c->ends.b, "a.b");
    c->l[1].to_unsubscribe = &c->l[1];
    settle(c);
    publish(c->ends.a, "a.b", 1);
    publish(c->ends.a, "a.b", 2);
    flush(c, c->ends.a);
    assert_int_equal(c->l[0].n, 2);
    assert_int_equal(c->l[1].n, 1);
    assert_int_equal(c->l[2].n, 2);
}

static void
a_subscriber_may_make_others_leave(void **state)
{
    struct conformance *c = *state;
    for (int i = 0; i < 3; i++)
        listen_to(&c->l[i], c->ends.b, "a.b");
    c->l[0].to_unsubscribe = &c->l[2];
    c->l[2].to_unsubscribe = &c->l[0]; /* whichever is told first */
    settle(c);
    publish(c->ends.a, "a.b", 1);
    flush(c, c->ends.a);
    assert_int_equal(c->l[0].n + c->l[2].n, 1);
    assert_int_equal(c->l[1].n, 1);
}

static void
a_subscriber_may_subscribe_while_it_is_told(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "a.b");
    c->l[0].to_subscribe = &c->l[1];
    settle(c);
    publish(c->ends.a, "a.b", 1);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    settle(c);
    publish(c->ends.a, "a.c", 2);
    RUN_UNTIL(c->ends.loop, c->l[1].n);
    assert_heard(&c->l[1], "[[\"a.c\",2]]");
}

static void
the_bus_may_be_freed_while_it_tells(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "a.b");
    listen_to(&c->l[1], c->ends.b, "a.b");
    c->l[0].free_bus = c->l[1].free_bus = true;
    settle(c);
    publish(c->ends.a, "a.b", 1);
    publish(c->ends.a, "a.b", 2);
    RUN_UNTIL(c->ends.loop, c->l[0].n + c->l[1].n);
    uv_run(c->ends.loop, UV_RUN_DEFAULT);
    assert_int_equal(c->l[0].n + c->l[1].n, 1);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    struct conformance *c = *state;
    static const char *const bad[] = {"", "a..b", "a b", "a.*", ">", "_INBOX.x.1", "$SYS.x"};
    struct bus_subscription *s;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_err(bus_publish(c->ends.a, bad[i], json_object()), ERR_INVALID);
        assert_err(bus_request(c->ends.a, bad[i], json_object(), PATIENCE, conformance_on_answer,
                               &c->l[0], NULL),
                   ERR_INVALID);
    }
    assert_err(bus_publish(c->ends.a, "a", NULL), ERR_INVALID);
    assert_err(bus_subscribe(c->ends.a, "a.>.b", conformance_on_message, NULL, &s), ERR_INVALID);
    assert_err(bus_subscribe(c->ends.a, "_INBOX.>", conformance_on_message, NULL, &s), ERR_INVALID);
    assert_err(bus_reply(c->ends.a, "a.b", json_object()), ERR_INVALID);
    assert_err(bus_reply(c->ends.a, "_INBOX.*", json_object()), ERR_INVALID);
}

/* ---- request and reply */

static void
a_request_is_answered_later(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    ask(&c->l[1], c->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_non_null(c->l[0].reply_to);
    assert_int_equal(c->l[1].n, 0);
    assert_ok(bus_reply(c->ends.b, c->l[0].reply_to, json_string("made")));
    assert_int_equal(c->l[1].n, 0); /* not from inside the call */
    RUN_UNTIL(c->ends.loop, c->l[1].n == 1);
    assert_ok(c->l[1].err);
    assert_string_equal(c->l[1].text, "");
    assert_string_equal(json_string_value(c->l[1].value), "made");
}

static void
an_error_is_an_answer(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    ask(&c->l[1], c->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_ok(bus_reply_error(c->ends.b, c->l[0].reply_to, ERR_CONFLICT, "circuit %d: \"x\"", 7));
    RUN_UNTIL(c->ends.loop, c->l[1].n == 1);
    assert_err(c->l[1].err, ERR_CONFLICT);
    assert_string_equal(c->l[1].text, "circuit 7: \"x\"");
    assert_null(c->l[1].value);
}

static void
a_request_nobody_serves_ends_at_once(void **state)
{
    struct conformance *c = *state;
    ask(&c->l[0], c->ends.a, "plan.make", 1000 * PATIENCE);
    assert_int_equal(c->l[0].n, 0);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_err(c->l[0].err, ERR_CLOSED);
    assert_string_equal(c->l[0].text, "nobody serves \"plan.make\"");
    assert_int_equal(bus_counter(c->ends.a, BUS_NO_RESPONDERS), 1);
}

static void
a_request_nobody_answers_times_out(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    ask(&c->l[1], c->ends.a, "plan.make", 20 * NSEC_PER_MSEC);
    RUN_UNTIL(c->ends.loop, c->l[1].n == 1);
    assert_err(c->l[1].err, ERR_TIMEOUT);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_ok(bus_reply(c->ends.b, c->l[0].reply_to, json_string("too late")));
    RUN_UNTIL(c->ends.loop, bus_counter(c->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(c->l[1].n, 1);
}

static void
the_first_of_two_answers_counts(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    listen_to(&c->l[1], c->ends.b, "plan.*");
    settle(c);
    ask(&c->l[2], c->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(c->ends.loop, c->l[0].n && c->l[1].n);
    assert_ok(bus_reply(c->ends.b, c->l[1].reply_to, json_integer(1)));
    assert_ok(bus_reply(c->ends.b, c->l[0].reply_to, json_integer(2)));
    RUN_UNTIL(c->ends.loop, bus_counter(c->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(c->l[2].n, 1);
    assert_int_equal(json_integer_value(c->l[2].value), 1);
}

static void
a_cancelled_request_is_not_heard_of(void **state)
{
    struct conformance *c = *state;
    uint64_t id;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    assert_ok(bus_request(c->ends.a, "plan.make", json_null(), PATIENCE, conformance_on_answer,
                          &c->l[1], &id));
    bus_cancel(c->ends.a, id);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_ok(bus_reply(c->ends.b, c->l[0].reply_to, json_null()));
    RUN_UNTIL(c->ends.loop, bus_counter(c->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(c->l[1].n, 0);
}

static void
many_requests_are_not_mixed_up(void **state)
{
    struct conformance *c = *state;
    struct listener asking[50] = {0};
    char *reply_to[50];
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    for (int i = 0; i < 50; i++) {
        ask(&asking[i], c->ends.a, "plan.make", PATIENCE);
        RUN_UNTIL(c->ends.loop, c->l[0].n == i + 1);
        reply_to[i] = strdup(c->l[0].reply_to);
    }
    for (int i = 49; i >= 0; i--) {
        assert_ok(bus_reply(c->ends.b, reply_to[i], json_integer(i)));
        free(reply_to[i]);
    }
    for (int i = 0; i < 50; i++) {
        RUN_UNTIL(c->ends.loop, asking[i].n == 1);
        assert_int_equal(json_integer_value(asking[i].value), i);
        json_decref(asking[i].value);
    }
}

static void
only_who_asked_hears_the_answer(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    listen_to(&c->l[1], c->ends.b, ">");
    settle(c);
    ask(&c->l[2], c->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_ok(bus_reply(c->ends.b, c->l[0].reply_to, json_string("made")));
    RUN_UNTIL(c->ends.loop, c->l[2].n == 1);
    stop(&c->l[0]);
    flush(c, c->ends.b);
    RUN_UNTIL(c->ends.loop, c->l[1].n == 2); /* the request and the flush */
    assert_heard(&c->l[1], "[[\"plan.make\",1],[\"flush\",0]]");
}

static void
an_answer_to_nobody_is_no_error(void **state)
{
    struct conformance *c = *state;
    assert_ok(bus_reply(c->ends.a, NULL, json_object()));
    assert_ok(bus_reply_error(c->ends.a, NULL, ERR_IO, "x"));
}

static void
requests_end_with_the_bus(void **state)
{
    struct conformance *c = *state;
    listen_to(&c->l[0], c->ends.b, "plan.make");
    settle(c);
    ask(&c->l[1], c->ends.a, "plan.make", PATIENCE);
    conformance_free_bus(c);
    assert_int_equal(c->l[1].n, 1);
    assert_err(c->l[1].err, ERR_CLOSED);
}

static void
the_bus_may_be_freed_by_who_is_answered(void **state)
{
    struct conformance *c = *state;
    c->l[0].free_bus = true;
    ask(&c->l[0], c->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(c->ends.loop, c->l[0].n == 1);
    assert_null(c->ends.a);
}

#define BUS_CONFORMANCE_TEST(name)                                                                 \
    cmocka_unit_test_setup_teardown(name, conformance_set_up, conformance_tear_down)

/* clang-format off */
#define BUS_CONFORMANCE_TESTS                                                                      \
    BUS_CONFORMANCE_TEST(a_message_reaches_its_subscriber_as_it_was),                              \
    BUS_CONFORMANCE_TEST(any_json_value_is_a_payload),                                             \
    BUS_CONFORMANCE_TEST(each_subscriber_is_told_once),                                            \
    BUS_CONFORMANCE_TEST(only_what_matches_is_told),                                               \
    BUS_CONFORMANCE_TEST(what_one_publishes_arrives_in_order),                                     \
    BUS_CONFORMANCE_TEST(nobody_needs_to_listen),                                                  \
    BUS_CONFORMANCE_TEST(a_message_from_before_the_subscription_is_not_told),                      \
    BUS_CONFORMANCE_TEST(who_has_unsubscribed_is_told_nothing),                                    \
    BUS_CONFORMANCE_TEST(a_subscriber_may_leave_while_it_is_told),                                 \
    BUS_CONFORMANCE_TEST(a_subscriber_may_make_others_leave),                                      \
    BUS_CONFORMANCE_TEST(a_subscriber_may_subscribe_while_it_is_told),                             \
    BUS_CONFORMANCE_TEST(the_bus_may_be_freed_while_it_tells),                                     \
    BUS_CONFORMANCE_TEST(what_makes_no_sense_is_refused),                                          \
    BUS_CONFORMANCE_TEST(a_request_is_answered_later),                                             \
    BUS_CONFORMANCE_TEST(an_error_is_an_answer),                                                   \
    BUS_CONFORMANCE_TEST(a_request_nobody_serves_ends_at_once),                                    \
    BUS_CONFORMANCE_TEST(a_request_nobody_answers_times_out),                                      \
    BUS_CONFORMANCE_TEST(the_first_of_two_answers_counts),                                         \
    BUS_CONFORMANCE_TEST(a_cancelled_request_is_not_heard_of),                                     \
    BUS_CONFORMANCE_TEST(many_requests_are_not_mixed_up),                                          \
    BUS_CONFORMANCE_TEST(only_who_asked_hears_the_answer),                                         \
    BUS_CONFORMANCE_TEST(an_answer_to_nobody_is_no_error),                                         \
    BUS_CONFORMANCE_TEST(requests_end_with_the_bus),                                               \
    BUS_CONFORMANCE_TEST(the_bus_may_be_freed_by_who_is_answered)
/* clang-format on */

#endif
