/* The NATS driver over real brokers: the conformance suite; brokers that come and go; sites. */
#include "bus/bus_conformance.h"
#include "bus/nats_scene.h"
#include "bus/subject.h"

/* ---- a broker of the test's own, which comes and goes */

static void
open_own(struct bus_ends *ends)
{
    assert_true(nats_server_open(&broker, dir.path, "max_payload: 1000"));
    ends->a = connect_as(ends->loop, &broker, "north");
    ends->b = connect_as(ends->loop, &broker, "north");
    RUN_UNTIL(ends->loop, is_connected(ends->a) && is_connected(ends->b));
}

static void
close_own(struct bus_ends *ends)
{
    close_nats(ends);
    nats_server_kill(&broker);
}

static int
set_up_own(void **state)
{
    static const struct bus_under_test own = {open_own, close_own, settle_nats};
    under_test = &own;
    return bus_scene_set_up(state);
}

static int
tear_down_own(void **state)
{
    int result = bus_scene_tear_down(state);
    under_test = &nats;
    return result;
}

#define OWN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_own, tear_down_own)

static void
come_back(struct bus_scene *scene)
{
    assert_true(nats_server_start(&broker));
    RUN_UNTIL(scene->ends.loop, is_connected(scene->ends.a) && is_connected(scene->ends.b));
    settle_nats(&scene->ends);
}

static void
subscriptions_live_again_when_the_broker_is_back(void **state)
{
    struct bus_scene *scene = *state;
    struct bus_nats_status status;
    listen_to(&scene->l[0], scene->ends.b, "a.*");
    settle(scene);
    publish(scene->ends.a, "a.b", 1);
    flush(scene, scene->ends.a);
    nats_server_kill(&broker);
    RUN_UNTIL(scene->ends.loop, !is_connected(scene->ends.a) && !is_connected(scene->ends.b));
    listen_to(&scene->l[1], scene->ends.b, "b"); /* without a broker */
    assert_err(bus_publish(scene->ends.a, "a.b", json_null()), ERR_CLOSED);
    assert_err(bus_request(scene->ends.a, "a.b", json_null(), PATIENCE, listener_on_answer,
                           &scene->l[2], NULL),
               ERR_CLOSED);
    bus_nats_status(scene->ends.a, &status);
    assert_string_not_equal(status.last_error, "");
    assert_int_equal(status.reconnects, 0);
    come_back(scene);
    publish(scene->ends.a, "a.c", 2);
    publish(scene->ends.a, "b", 3);
    flush(scene, scene->ends.a);
    assert_heard(&scene->l[0], "[[\"a.b\",1],[\"a.c\",2]]");
    assert_heard(&scene->l[1], "[[\"b\",3]]");
    bus_nats_status(scene->ends.a, &status);
    assert_int_equal(status.reconnects, 1);
}

static void
requests_end_when_the_broker_dies(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", 1000 * PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    nats_server_kill(&broker);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1);
    assert_err(scene->l[1].err, ERR_CLOSED);
    assert_non_null(strstr(scene->l[1].text, "the connection to the broker was lost"));
    come_back(scene);
    assert_ok(bus_reply(scene->ends.b, scene->l[0].reply_to, json_null()));
    RUN_UNTIL(scene->ends.loop, bus_counter(scene->ends.a, BUS_DROPPED_LATE_REPLY) == 1);
    assert_int_equal(scene->l[1].n, 1);
}

static void
who_hears_that_the_broker_died_may_free_the_bus(void **state)
{
    struct bus_scene *scene = *state;
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", 1000 * PATIENCE);
    ask(&scene->l[2], scene->ends.a, "plan.make", 1000 * PATIENCE);
    scene->l[1].free_bus = true;
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 2);
    nats_server_kill(&broker);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1 && scene->l[2].n == 1);
    assert_null(scene->ends.a);
}

/* Numbers are published without a pause while the broker dies and comes back, again and again. */
static void
nothing_is_delivered_twice(void **state)
{
    struct bus_scene *scene = *state;
    int n_sent = 0;
    listen_to(&scene->l[0], scene->ends.b, "n");
    settle(scene);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++)
            n_sent += bus_publish(scene->ends.a, "n", json_integer(n_sent)) == ERR_OK;
        RUN_UNTIL(scene->ends.loop, scene->l[0].n > 0);
        nats_server_kill(&broker);
        RUN_UNTIL(scene->ends.loop, !is_connected(scene->ends.a) && !is_connected(scene->ends.b));
        come_back(scene);
    }
    publish(scene->ends.a, "n", n_sent);
    flush(scene, scene->ends.a);
    json_int_t last = -1;
    for (size_t i = 0; i < json_array_size(scene->l[0].heard); i++) {
        json_int_t number = json_integer_value(
            json_array_get(json_array_get(scene->l[0].heard, i), 1));
        assert_true(number > last); /* in order, none twice */
        last = number;
    }
    assert_int_equal(last, n_sent);
}

static void
a_broker_may_come_later(void **state)
{
    struct bus_scene *scene = *state;
    nats_server_kill(&broker);
    struct bus *bus = connect_as(scene->ends.loop, &broker, "north");
    struct bus_nats_status status = {0};
    listen_to(&scene->l[0], bus, "a");
    while (!status.last_error[0]) {
        uv_run(scene->ends.loop, UV_RUN_ONCE);
        bus_nats_status(bus, &status);
    }
    assert_false(status.connected);
    assert_true(nats_server_start(&broker));
    RUN_UNTIL(scene->ends.loop, is_connected(bus));
    settle_one(scene->ends.loop, bus);
    publish(bus, "a", 1);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    stop(&scene->l[0]);
    bus_free(bus);
}

static void
what_the_broker_would_not_take_is_refused(void **state)
{
    struct bus_scene *scene = *state;
    char text[1200];
    memset(text, 'x', sizeof text);
    listen_to(&scene->l[0], scene->ends.b, "a");
    settle(scene);
    assert_err(bus_publish(scene->ends.a, "a", json_stringn(text, 999)), ERR_LIMIT);
    assert_ok(bus_publish(scene->ends.a, "a", json_stringn(text, 998))); /* and two quotes */
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_true(is_connected(scene->ends.a));
}

static void
changed(void *arg, const struct bus_nats_status *status)
{
    char *log = arg;
    strcat(log, status->connected ? "+" : "-");
}

static struct bus *
connect_watched(struct bus_scene *scene, char *log)
{
    char url[64];
    struct bus *bus;
    struct bus_nats_config config = {.url = url_of(&broker, url),
                                     .site = "north",
                                     .send_limit = 100000,
                                     .alive_interval = 100 * NSEC_PER_MSEC,
                                     .connect_timeout = 500 * NSEC_PER_MSEC,
                                     .reconnect_min = 10 * NSEC_PER_MSEC,
                                     .reconnect_max = 10 * NSEC_PER_MSEC,
                                     .changed = changed,
                                     .arg = log};
    assert_ok(bus_nats_new(scene->ends.loop, &config, &bus, NULL));
    RUN_UNTIL(scene->ends.loop, is_connected(bus));
    return bus;
}

static void
a_broker_that_stands_still_is_left_and_found_again(void **state)
{
    struct bus_scene *scene = *state;
    struct bus_nats_status status;
    char log[100] = "";
    struct bus *bus = connect_watched(scene, log);
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], bus, "plan.make", 1000 * PATIENCE);
    kill(broker.pid, SIGSTOP);
    RUN_UNTIL(scene->ends.loop, !is_connected(bus));
    assert_int_equal(scene->l[1].n, 1);
    assert_err(scene->l[1].err, ERR_CLOSED);
    bus_nats_status(bus, &status);
    assert_string_equal(status.last_error, "the broker is silent");
    kill(broker.pid, SIGCONT);
    RUN_UNTIL(scene->ends.loop, is_connected(bus));
    assert_string_equal(log, "+-+");
    bus_free(bus);
}

static void
what_a_broker_does_not_take_is_bounded(void **state)
{
    struct bus_scene *scene = *state;
    char log[100] = "", text[900];
    struct bus *bus = connect_watched(scene, log);
    memset(text, 'x', sizeof text);
    kill(broker.pid, SIGSTOP);
    enum err err;
    uint64_t n = 0;
    while ((err = bus_publish(bus, "a", json_stringn(text, sizeof text))) == ERR_OK) {
        assert_true(++n < 100000);
        uv_run(scene->ends.loop, UV_RUN_NOWAIT);
    }
    assert_true(err == ERR_BUSY || err == ERR_CLOSED);
    if (err == ERR_BUSY)
        assert_int_equal(bus_counter(bus, BUS_DROPPED_QUEUE_FULL), 1);
    kill(broker.pid, SIGCONT);
    bus_free(bus);
}

/* ---- sites */

static void
sites_do_not_hear_each_other(void **state)
{
    struct bus_scene *scene = *state;
    struct bus *south = connect_as(scene->ends.loop, &server, "south");
    RUN_UNTIL(scene->ends.loop, is_connected(south));
    listen_to(&scene->l[0], scene->ends.a, ">");
    listen_to(&scene->l[1], south, ">");
    settle(scene);
    settle_one(scene->ends.loop, south);
    publish(south, "a", 1);
    publish(scene->ends.b, "a", 2);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n && scene->l[1].n);
    flush(scene, scene->ends.b);
    assert_heard(&scene->l[0], "[[\"a\",2],[\"flush\",0]]");
    assert_heard(&scene->l[1], "[[\"a\",1]]");
    stop(&scene->l[1]);
    bus_free(south);
}

static void
a_site_asks_another_and_says_who_it_is(void **state)
{
    struct bus_scene *scene = *state;
    struct bus_subscription *s;
    struct bus *to_north, *south = connect_as(scene->ends.loop, &server, "south");
    RUN_UNTIL(scene->ends.loop, is_connected(south));
    assert_ok(bus_nats_at(south, "north", &to_north));
    assert_ok(bus_subscribe(scene->ends.a, "from.*.who.am-i", answer_with_subject, NULL, &s));
    listen_to(&scene->l[1], scene->ends.b, "from.*.told");
    settle(scene);
    ask(&scene->l[0], to_north, "who.am-i", PATIENCE);
    publish(to_north, "told", 7);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1 && scene->l[1].n == 1);
    assert_ok(scene->l[0].err);
    assert_string_equal(json_string_value(scene->l[0].value), "from.south.who.am-i");
    assert_heard(&scene->l[1], "[[\"from.south.told\",7]]");
    bus_free(south); /* the other goes on without it */
    ask(&scene->l[0], to_north, "who.am-i", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 2);
    assert_ok(scene->l[0].err);
    ask(&scene->l[0], to_north, "who.cares", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 3);
    assert_string_equal(scene->l[0].text, "nobody serves \"who.cares\"");
    bus_free(to_north);
}

static void
another_site_is_listened_to(void **state)
{
    struct bus_scene *scene = *state;
    struct bus *at_north, *centre = connect_as(scene->ends.loop, &server, "centre");
    RUN_UNTIL(scene->ends.loop, is_connected(centre));
    assert_ok(bus_nats_at(centre, "north", &at_north));
    listen_to(&scene->l[0], at_north, "event.*");
    settle_one(scene->ends.loop, centre);
    publish(scene->ends.a, "event.x", 1);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_heard(&scene->l[0], "[[\"event.x\",1]]");
    stop(&scene->l[0]);
    bus_free(at_north);
    bus_free(centre);
}

static void
names_may_be_as_long_as_they_may(void **state)
{
    struct bus_scene *scene = *state;
    char site[66], subject[SUBJECT_MAX + 1];
    struct bus *to_long, *longest;
    struct bus_subscription *s;
    memset(site, 's', 64);
    site[64] = '\0';
    memset(subject, 'x', SUBJECT_MAX);
    subject[SUBJECT_MAX] = '\0';
    longest = connect_as(scene->ends.loop, &server, site);
    RUN_UNTIL(scene->ends.loop, is_connected(longest));
    assert_ok(bus_nats_at(longest, site, &to_long));
    assert_ok(bus_subscribe(longest, subject, answer_with_subject, NULL, &s));
    settle_one(scene->ends.loop, longest);
    ask(&scene->l[0], longest, subject, PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_ok(scene->l[0].err);
    ask(&scene->l[0], to_long, subject, PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 2);
    assert_err(scene->l[0].err, ERR_CLOSED);
    bus_free(longest);
    bus_free(to_long);
    site[64] = 's';
    site[65] = '\0';
    assert_err(bus_nats_at(scene->ends.a, site, &to_long), ERR_INVALID);
}

#define URL_FORM "a broker's URL is nats://HOST[:PORT] or tls://HOST[:PORT]"

static void
a_wrong_configuration_is_refused(void **state UNUSED)
{
    static const struct {
        struct bus_nats_config config;
        enum err err;
        const char *text;
    } rows[] = {
        {{.url = "nats://a:1"}, ERR_INVALID, "\"(none)\" is no site"},
        {{.url = "nats://a:1", .site = "a.b"}, ERR_INVALID, "\"a.b\" is no site"},
        {{.url = "nats://a:1", .site = ">"}, ERR_INVALID, "\">\" is no site"},
        {{.url = "nats://a:1", .site = "_INBOX"}, ERR_INVALID, "\"_INBOX\" is no site"},
        {{.site = "a"}, ERR_INVALID, "a broker's URL is missing"},
        {{.url = "a:1", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://:1", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://1.2.3.4:", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://1.2.3.4:123456", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://1.2.3.4/x", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "nats://me@1.2.3.4", .site = "a"}, ERR_INVALID, URL_FORM},
        {{.url = "tls://1.2.3.4:1", .site = "a", .cert_file = "/x"},
         ERR_INVALID,
         "tls:// needs a CA, a certificate and its key"},
        {{.url = "tls://1.2.3.4:1",
          .site = "a",
          .ca_file = "/nowhere/ca.crt",
          .cert_file = "/x",
          .key_file = "/x"},
         ERR_NOT_FOUND,
         NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag;
        struct bus *bus = NULL;
        assert_err(bus_nats_new(NULL, &rows[i].config, &bus, &diag), rows[i].err);
        if (rows[i].text)
            assert_string_equal(diag.text, rows[i].text);
        assert_null(bus);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_CONFORMANCE_TESTS,
        OWN_TEST(subscriptions_live_again_when_the_broker_is_back),
        OWN_TEST(requests_end_when_the_broker_dies),
        OWN_TEST(who_hears_that_the_broker_died_may_free_the_bus),
        OWN_TEST(nothing_is_delivered_twice),
        OWN_TEST(a_broker_may_come_later),
        OWN_TEST(what_the_broker_would_not_take_is_refused),
        OWN_TEST(a_broker_that_stands_still_is_left_and_found_again),
        OWN_TEST(what_a_broker_does_not_take_is_bounded),
        BUS_SCENE_TEST(sites_do_not_hear_each_other),
        BUS_SCENE_TEST(a_site_asks_another_and_says_who_it_is),
        BUS_SCENE_TEST(another_site_is_listened_to),
        BUS_SCENE_TEST(names_may_be_as_long_as_they_may),
        cmocka_unit_test(a_wrong_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, nats_scene_start, nats_scene_end);
}
