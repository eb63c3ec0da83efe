/* The centre that asks, the site that takes its orders, and in between somebody who hears all of it
 * and sends it again. */
#include "tielined/orders.h"

#include "base/alloc.h"
#include "bus/local.h"
#include "io/testing.h"
#include "tielined/asker.h"
#include "tielined/once.h"

#include <string.h>

#define CENTRE "control-centre"
#define SITE "substation-a"

struct held {
    char *subject;
    json_t *payload;
};

struct both {
    uv_loop_t *loop;
    struct bus *to_site, *near, *bus; /* the centre's way out, the site's way in, within the site */
    struct asker *asker;
    struct orders *orders;
    struct bus_subscription *relay, *served;
    /* What went by. */
    struct held held[64];
    size_t n_held;
    bool keep_back, lose_answers;
    /* What happened. */
    unsigned n_served, n_refused, n_answers, n_replays_answered;
    char refused[200], text[320];
    enum err err;
    json_t *payload, *answer;
    uint64_t known;
};

static const char *const subjects[] = {"lan.release-port", "lan.push"};

/* ---- The way between them ---- */

struct relayed {
    struct both *b;
    char *reply_to;
};

static void
relay_answer(void *arg, const struct call_result *result)
{
    struct relayed *r = arg;
    struct bus *to = r->b->to_site;
    if (result->err)
        bus_reply_error(to, r->reply_to, result->err, "%s", result->text);
    else
        bus_reply(to, r->reply_to, json_deep_copy(result->value));
    free(r->reply_to);
    free(r);
}

static void
relay_request(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct both *b = arg;
    char *subject = xasprintf("from." CENTRE ".%s", m->subject);
    assert_true(b->n_held < ARRAY_SIZE(b->held));
    b->held[b->n_held++] = (struct held){xstrdup(subject), json_deep_copy(m->payload)};
    if (!b->keep_back) {
        struct relayed *r = xcalloc(1, sizeof *r);
        *r = (struct relayed){b, xstrdup(m->reply_to)};
        assert_ok(bus_request(b->near, subject, json_deep_copy(m->payload), 60 * NSEC_PER_SEC,
                              relay_answer, r, NULL));
    }
    free(subject);
}

static void
on_replay_answered(void *arg, const struct call_result *result)
{
    struct both *b = arg;
    b->n_replays_answered++;
    b->err = result->err;
    json_decref(b->answer);
    b->answer = json_incref(result->value);
}

/* What went by as number i, once more. */
static void
replay(struct both *b, size_t i)
{
    assert_ok(bus_request(b->near, b->held[i].subject, json_deep_copy(b->held[i].payload),
                          60 * NSEC_PER_SEC, on_replay_answered, b, NULL));
}

/* ---- Both ends ---- */

static void
serve(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct both *b = arg;
    b->n_served++;
    json_decref(b->payload);
    b->payload = json_deep_copy(m->payload);
    if (b->lose_answers)
        return;
    if (json_object_get(m->payload, "fail"))
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "as it was asked for");
    else
        bus_reply(bus, m->reply_to, json_pack("{ss}", "session", "a service may say so"));
}

static void
on_refused(void *arg, const char *subject, const char *why)
{
    struct both *b = arg;
    b->n_refused++;
    snprintf(b->refused, sizeof b->refused, "%s: %s", subject, why);
}

static uint64_t
known(void *arg)
{
    return ((struct both *)arg)->known;
}

static void
start_site(struct both *b)
{
    struct diag diag;
    const struct orders_config config = {
        b->near, b->bus, SITE, CENTRE, subjects, ARRAY_SIZE(subjects), known, on_refused, b};
    assert_ok(orders_new(&config, &b->orders, &diag));
}

static void
start_centre(struct both *b)
{
    struct diag diag;
    assert_ok(asker_new(b->to_site, &b->asker, &diag));
}

static int
set_up(void **state)
{
    struct both *b = xcalloc(1, sizeof *b);
    b->loop = test_loop_new();
    b->to_site = bus_local_new(b->loop, 0, 0);
    b->near = bus_local_new(b->loop, 0, 0);
    b->bus = bus_local_new(b->loop, 0, 0);
    assert_ok(bus_subscribe(b->to_site, "lan.*", relay_request, b, &b->relay));
    assert_ok(bus_subscribe(b->bus, "lan.*", serve, b, &b->served));
    start_site(b);
    start_centre(b);
    *state = b;
    return 0;
}

static int
tear_down(void **state)
{
    struct both *b = *state;
    asker_free(b->asker);
    orders_free(b->orders);
    bus_free(b->near); /* who waits there answers to the next */
    bus_free(b->to_site);
    bus_free(b->bus);
    test_loop_free(b->loop);
    for (size_t i = 0; i < b->n_held; i++) {
        free(b->held[i].subject);
        json_decref(b->held[i].payload);
    }
    json_decref(b->payload);
    json_decref(b->answer);
    free(b);
    return 0;
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct both *b = arg;
    b->n_answers++;
    b->err = result->err;
    snprintf(b->text, sizeof b->text, "%s", result->text);
    json_decref(b->answer);
    b->answer = json_incref(result->value);
}

static uint64_t
ask(struct both *b, json_t *payload)
{
    uint64_t id;
    assert_ok(
        asker_ask(b->asker, "lan.release-port", payload, 60 * NSEC_PER_SEC, on_answer, b, &id));
    return id;
}

static void
ask_and_wait(struct both *b, json_t *payload)
{
    unsigned n = b->n_answers;
    (void)ask(b, payload);
    RUN_UNTIL(b->loop, b->n_answers > n);
}

/* ---- Tests ---- */

static void
a_request_is_served_and_answered_as_it_was_asked(void **state)
{
    struct both *b = *state;
    ask_and_wait(b, json_pack("{ss}", "node", "a1"));
    assert_ok(b->err);
    assert_string_equal(json_string_value(json_object_get(b->answer, "session")),
                        "a service may say so");
    assert_int_equal(b->n_served, 1);
    assert_int_equal(json_object_size(b->payload), 1); /* nothing that the service does not know */
    assert_int_equal(b->n_held, 2);                    /* the first had no session */
    ask_and_wait(b, json_pack("{ss}", "node", "a1"));
    assert_int_equal(b->n_held, 3);
    ask_and_wait(b, json_pack("{sb}", "fail", 1));
    assert_err(b->err, ERR_CONFLICT);
    assert_string_equal(b->text, "as it was asked for");
    assert_int_equal(b->n_served, 3);
}

static void
what_is_sent_again_is_neither_served_nor_answered_but_told(void **state)
{
    struct both *b = *state;
    ask_and_wait(b, json_object());
    ask_and_wait(b, json_object());
    for (unsigned i = 1; i < 3; i++) {
        replay(b, i);
        RUN_UNTIL(b->loop, b->n_refused == i);
    }
    assert_string_equal(b->refused,
                        "lan.release-port: this request was taken before: somebody sends it again");
    ask_and_wait(b, json_object()); /* whoever else waits is not disturbed */
    assert_int_equal(b->n_served, 3);
    assert_int_equal(b->n_replays_answered, 0);
}

static void
while_the_first_is_under_way_too(void **state)
{
    struct both *b = *state;
    b->lose_answers = true;
    (void)ask(b, json_object());
    RUN_UNTIL(b->loop, b->n_served == 1);
    replay(b, 1);
    RUN_UNTIL(b->loop, b->n_refused == 1);
    assert_int_equal(b->n_served, 1);
    assert_int_equal(b->n_answers, 0);
}

static void
a_site_that_began_anew_takes_nothing_of_before(void **state)
{
    struct both *b = *state;
    ask_and_wait(b, json_object());
    orders_free(b->orders);
    start_site(b);
    for (unsigned i = 0; i < 2; i++) {
        replay(b, i);
        RUN_UNTIL(b->loop, b->n_replays_answered == i + 1);
        assert_ok(b->err);
        assert_int_equal(json_object_size(b->answer), 1);
        assert_int_equal(json_string_length(json_object_get(b->answer, "session")),
                         ONCE_NAME_LENGTH);
    }
    assert_int_equal(b->n_served, 1);
    ask_and_wait(b, json_object()); /* the centre notices, and asks once more */
    assert_int_equal(b->n_served, 2);
}

static void
a_centre_that_began_anew_is_served(void **state)
{
    struct both *b = *state;
    ask_and_wait(b, json_object());
    asker_free(b->asker);
    start_centre(b);
    ask_and_wait(b, json_object());
    assert_ok(b->err);
    replay(b, 1);
    RUN_UNTIL(b->loop, b->n_refused == 1);
    assert_int_equal(b->n_served, 2);
}

static void
what_was_held_back_is_served_once_when_it_comes(void **state)
{
    struct both *b = *state;
    ask_and_wait(b, json_object());
    b->keep_back = true;
    uint64_t id = ask(b, json_pack("{ss}", "node", "late"));
    RUN_UNTIL(b->loop, b->n_held == 3);
    asker_cancel(b->asker, id);
    replay(b, 2);
    RUN_UNTIL(b->loop, b->n_replays_answered == 1);
    assert_int_equal(b->n_served, 2);
    replay(b, 2);
    RUN_UNTIL(b->loop, b->n_refused == 1);
    assert_int_equal(b->n_served, 2);
    assert_int_equal(b->n_answers, 1); /* it was cancelled */
}

static void
who_does_not_say_which_request_it_is_is_refused(void **state)
{
    struct both *b = *state;
    static const char *const payloads[] = {
        "{}",
        "[]",
        "7",
        "{\"once\":7}",
        "{\"once\":{\"run\":\"x\",\"number\":1}}",
        "{\"once\":{\"run\":\"00000000000000000000000000000000\",\"number\":0}}",
        "{\"once\":{\"run\":\"00000000000000000000000000000000\",\"number\":\"1\"}}"};
    for (unsigned i = 0; i < ARRAY_SIZE(payloads); i++) {
        json_t *payload = json_loads(payloads[i], JSON_DECODE_ANY, NULL);
        assert_ok(bus_request(b->near, "from." CENTRE ".lan.push", payload, 60 * NSEC_PER_SEC,
                              on_replay_answered, b, NULL));
        RUN_UNTIL(b->loop, b->n_replays_answered == i + 1);
        assert_err(b->err, ERR_INVALID);
        assert_int_equal(b->n_refused, i + 1);
    }
    assert_int_equal(b->n_served, 0);
}

static void
what_is_about_events_to_come_waits_for_them(void **state)
{
    struct both *b = *state;
    b->known = 6;
    ask_and_wait(b, json_pack("{si}", "after-seq", 6));
    (void)ask(b, json_pack("{si}", "after-seq", 7));
    RUN_UNTIL(b->loop, b->n_held == 3);
    for (unsigned i = 0; i < 20; i++)
        uv_run(b->loop, UV_RUN_NOWAIT);
    orders_run(b->orders);
    assert_int_equal(b->n_served, 1);
    b->known = 7;
    orders_run(b->orders);
    RUN_UNTIL(b->loop, b->n_answers == 2);
    assert_int_equal(b->n_served, 2);
}

static void
what_ends_with_requests_under_way_ends_quietly(void **state)
{
    struct both *b = *state;
    b->lose_answers = true;
    (void)ask(b, json_object());
    (void)ask(b, json_pack("{si}", "after-seq", 7));
    RUN_UNTIL(b->loop, b->n_served == 1 && b->n_held == 4);
}

static void
who_does_not_take_orders_any_more_says_so(void **state)
{
    struct both *b = *state;
    b->lose_answers = true;
    (void)ask(b, json_object());
    (void)ask(b, json_pack("{si}", "after-seq", 7));
    RUN_UNTIL(b->loop, b->n_served == 1 && b->n_held == 4);
    run_turns(b->loop, 20);
    orders_close(b->orders, "it begins anew");
    RUN_UNTIL(b->loop, b->n_answers == 2);
    assert_err(b->err, ERR_CLOSED);
    b->known = 7;
    orders_run(b->orders);
    (void)ask(b, json_object());
    RUN_UNTIL(b->loop, b->n_answers == 3);
    assert_err(b->err, ERR_CLOSED);
    assert_string_equal(b->text, "it begins anew");
    assert_int_equal(b->n_served, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

TEST_MAIN(TEST(a_request_is_served_and_answered_as_it_was_asked),
          TEST(what_is_sent_again_is_neither_served_nor_answered_but_told),
          TEST(while_the_first_is_under_way_too),
          TEST(a_site_that_began_anew_takes_nothing_of_before),
          TEST(a_centre_that_began_anew_is_served),
          TEST(what_was_held_back_is_served_once_when_it_comes),
          TEST(who_does_not_say_which_request_it_is_is_refused),
          TEST(what_is_about_events_to_come_waits_for_them),
          TEST(what_ends_with_requests_under_way_ends_quietly),
          TEST(who_does_not_take_orders_any_more_says_so))
