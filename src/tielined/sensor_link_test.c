/* Both real ends of the link between a sensor and tielined, over a Unix socket: one of
 * them ends at any moment, and every alert is in the journal once. (TLS: test/netns/sensor.sh.) */
#include "bus/local.h"
#include "engineer/testing.h"
#include "io/rpc.h"
#include "journal/testing.h"
#include "model/testing.h"
#include "sensor/sensor_link.h"
#include "sensors/service.h"

#define ALERTS 200u

struct both {
    struct scene *scene;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *events;
    struct sensors_service *service;
    struct sensor_link *link, *other;
    char address[128];
    unsigned n_circuits; /* of the last time that they were told */
    unsigned n_told;
    uint64_t known;
    nsec_t patience;
    unsigned n_events[ALERTS + 1]; /* sensor.alert, by its number */
    unsigned n_ordered, n_failed;  /* sensor.habit */
    char actor[32];                /* ... of the last */
    json_t *order;                 /* that the sensor got; NULL: none */
    enum err refusal;              /* of the sensor */
    const char *page;              /* what it answers, whatever is asked; NULL: as below */
};

static void
on_event(void *arg, const struct journal_event *e)
{
    struct both *b = arg;
    struct diag diag = {""};
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    const struct state_event event = {e->seq, e->time, e->type, e->object, e->actor, body, 0};
    if (state_apply(b->state, &event, &diag))
        fail_msg("%s", diag.text);
    if (!strcmp(e->type, "sensor.alert")) {
        const char *id = json_string_value(json_object_get(json_object_get(body, "alert"), "id"));
        b->n_events[alert_id_number(id, "s1", 0)]++;
    }
    b->n_ordered += !strcmp(e->type, "sensor.habit");
    b->n_failed += !strcmp(e->type, "sensor.habit.failed");
    if (!strcmp(e->type, "sensor.habit"))
        snprintf(b->actor, sizeof b->actor, "%s", e->actor);
    if (b->service)
        sensors_service_event(b->service, &event);
    json_decref(body);
}

static void
start_service(struct both *b)
{
    struct diag diag = {""};
    const struct sensors_service_config config = {.loop = b->scene->loop,
                                                  .bus = b->bus,
                                                  .journal = b->scene->journal,
                                                  .state = b->state,
                                                  .site = "cc",
                                                  .address = b->address,
                                                  .options.rate = 100000};
    if (sensors_service_new(&config, &b->service, &diag))
        fail_msg("%s", diag.text);
}

static void
on_circuits(void *arg, const json_t *all)
{
    struct both *b = arg;
    b->n_told++;
    b->n_circuits = (unsigned)json_array_size(json_object_get(all, "circuits"));
}

static void
on_known(void *arg, uint64_t alert, uint64_t incident UNUSED)
{
    ((struct both *)arg)->known = alert;
}

/* A sensor with five pairs. */
static enum err
on_asked(void *arg, const char *method, const json_t *params, json_t **answer, struct diag *diag)
{
    struct both *b = arg;
    json_int_t after = json_integer_value(json_object_get(params, "after")),
               limit = json_integer_value(json_object_get(params, "limit"));
    if (!strcmp(method, "sensor.habit")) {
        assert_int_equal(b->n_ordered, 1); /* it is in the journal by now */
        json_decref(b->order);
        b->order = json_deep_copy(params);
        *answer = json_pack("{sb}", "kept", true);
        return b->refusal ? diag_set(diag, b->refusal, "not this one") : ERR_OK;
    }
    if (b->page) {
        *answer = json_quoted(b->page);
        return ERR_OK;
    }
    *answer = json_pack("{s[]}", "habits");
    for (json_int_t i = after + 1; i <= 5 && i <= after + (limit ? limit : 200); i++)
        json_array_append_new(json_object_get(*answer, "habits"), json_pack("{sI}", "n", i));
    if (limit && after + limit < 5)
        json_object_set_new(*answer, "next", json_integer(after + limit));
    return ERR_OK;
}

static struct sensor_link *
new_link(struct both *b, const char *name)
{
    struct sensor_link *link;
    struct diag diag = {""};
    const struct sensor_link_config config = {.loop = b->scene->loop,
                                              .address = b->address,
                                              .name = name,
                                              .version = "0.1.0",
                                              .rate = 100000,
                                              .patience = b->patience,
                                              .arg = b,
                                              .circuits = on_circuits,
                                              .known = on_known,
                                              .asked = on_asked};
    if (sensor_link_new(&config, &link, &diag))
        fail_msg("%s", diag.text);
    return link;
}

static void
start_link(struct both *b)
{
    b->link = new_link(b, "s1");
}

static int
set_up(void **state)
{
    struct both *b = xcalloc(1, sizeof *b);
    struct diag diag;
    void *scene;
    scene_set_up(&scene);
    b->scene = scene;
    scene_open(b->scene);
    snprintf(b->address, sizeof b->address, "unix:%s/sensors", b->scene->dir.path);
    b->bus = bus_local_new(b->scene->loop, 0, 0);
    b->state = state_new();
    network_free(b->state->network);
    b->state->network = test_lab();
    assert_ok(journal_subscribe(b->scene->journal, 1, on_event, b, &b->events, &diag));
    *state = b;
    return 0;
}

static int
tear_down(void **state)
{
    struct both *b = *state;
    void *scene = b->scene;
    sensor_link_free(b->link);
    sensor_link_free(b->other);
    json_decref(b->order);
    sensors_service_free(b->service);
    bus_free(b->bus);
    journal_unsubscribe(b->events);
    scene_tear_down(&scene);
    state_free(b->state);
    free(b);
    return 0;
}

#define WITH_BOTH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void
put_alert(struct both *b, unsigned number, unsigned count)
{
    struct diag diag;
    char *text = xasprintf("{\"id\":\"s1/%u\",\"rule\":\"r\",\"title\":\"t\",\"severity\":\"low\","
                           "\"first\":\"2026-11-30T10:00:00Z\",\"last\":\"2026-11-30T10:00:00Z\","
                           "\"count\":%u}",
                           number, count);
    assert_ok(sensor_link_put_alert(b->link, text, strlen(text), &diag));
    free(text);
}

static bool
is_told(const struct both *b)
{
    return sensor_link_is_done(b->link);
}

static void
what_is_put_before_there_is_a_tielined_arrives(void **state)
{
    struct both *b = *state;
    start_link(b);
    put_alert(b, 1, 1);
    start_service(b);
    RUN_UNTIL(b->scene->loop, is_told(b));
    assert_int_equal(b->n_events[1], 1);
}

static void
every_alert_is_in_the_journal_once_whoever_ends_when(void **state)
{
    struct both *b = *state;
    start_service(b);
    start_link(b);
    for (unsigned i = 1; i <= ALERTS; i++) {
        put_alert(b, i, 1);
        if (i % 40 == 0) { /* some are on their way, in all states of it */
            for (unsigned turns = 0; turns < i / 20; turns++)
                uv_run(b->scene->loop, UV_RUN_NOWAIT);
            sensors_service_free(b->service);
            b->service = NULL;
            start_service(b);
        }
    }
    RUN_UNTIL(b->scene->loop, is_told(b));
    for (unsigned i = 1; i <= ALERTS; i++) {
        if (b->n_events[i] != 1)
            fail_msg("alert %u is there %u times", i, b->n_events[i]);
    }
}

static void
a_sensor_that_begins_anew_tells_again_what_is_known(void **state)
{
    struct both *b = *state;
    start_service(b);
    start_link(b);
    put_alert(b, 5, 1);
    RUN_UNTIL(b->scene->loop, is_told(b));
    sensor_link_free(b->link);
    start_link(b);
    put_alert(b, 5, 1);
    RUN_UNTIL(b->scene->loop, is_told(b));
    assert_int_equal(b->n_events[5], 1);
    assert_int_equal(b->known, 5);
}

static void
circuits_come_in_pieces_and_are_the_whole(void **state)
{
    struct both *b = *state;
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%u", i);
        test_tcp(b->state->network, name, "fep", "rtu-a", (uint16_t)(1000 + i));
    }
    start_service(b);
    start_link(b);
    RUN_UNTIL(b->scene->loop, b->n_told);
    assert_int_equal(b->n_circuits, 1000);
}

static void
what_is_no_alert_is_not_taken(void **state)
{
    struct both *b = *state;
    struct diag diag;
    char *text = xmalloc(SENSOR_LINK_TEXT + 1);
    memset(text, ' ', SENSOR_LINK_TEXT + 1);
    start_link(b);
    assert_err(sensor_link_put_alert(b->link, "{", 1, &diag), ERR_MALFORMED);
    assert_err(sensor_link_put_alert(b->link, "[]", 2, &diag), ERR_MALFORMED);
    assert_err(sensor_link_put_alert(b->link, "{}", 2, &diag), ERR_MALFORMED);
    assert_err(sensor_link_put_asset(b->link, "{}", 2, &diag), ERR_MALFORMED);
    assert_err(sensor_link_put_alert(b->link, text, SENSOR_LINK_TEXT + 1, &diag), ERR_LIMIT);
    free(text);
}

/* What the sensor lets through and tielined does not want is not told for ever. */
static void
what_tielined_refuses_is_given_up(void **state)
{
    struct both *b = *state;
    static const char text[] = "{\"id\":\"other/1\",\"severity\":\"low\"}";
    struct sensor_link_counters c;
    struct diag diag;
    start_service(b);
    start_link(b);
    assert_ok(sensor_link_put_alert(b->link, text, strlen(text), &diag));
    put_alert(b, 1, 1);
    RUN_UNTIL(b->scene->loop, is_told(b));
    sensor_link_count(b->link, &c);
    assert_int_equal(c.refused, 1);
    assert_int_equal(c.acknowledged, 1);
}

/* ---- What a sensor is asked ---- */

struct answer {
    unsigned n;
    enum err err;
    json_t *value;
};

static void
on_answer(void *arg, const struct call_result *result)
{
    struct answer *a = arg;
    a->n++;
    a->err = result->err;
    json_decref(a->value);
    a->value = json_deep_copy(result->value);
}

static void
ask(struct both *b, const char *subject, const char *payload, struct answer *a)
{
    assert_ok(
        bus_request(b->bus, subject, json_quoted(payload), 60 * NSEC_PER_SEC, on_answer, a, NULL));
}

static struct answer
asked(struct both *b, const char *subject, const char *payload)
{
    struct answer a = {0};
    ask(b, subject, payload, &a);
    RUN_UNTIL(b->scene->loop, a.n);
    return a;
}

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* s1 is connected, then s2 beside it. */
static void
connect_two(struct both *b)
{
    start_service(b);
    start_link(b);
    b->other = new_link(b, "s2");
    RUN_UNTIL(b->scene->loop, sensor_link_is_up(b->link) && sensor_link_is_up(b->other) &&
                                  sensing_sensor(&b->state->sensing, 0, "s1") &&
                                  sensing_sensor(&b->state->sensing, 0, "s2"));
}

static void
pages_go_from_sensor_to_sensor(void **state)
{
    struct both *b = *state;
    struct buf seen = BUF_INIT;
    char next[64] = "";
    connect_two(b);
    do {
        char *payload = xasprintf(*next ? "{'limit': 2, 'after': '%s'}" : "{'limit': 2}", next);
        struct answer a = asked(b, "sensor.habits", payload);
        size_t i;
        json_t *row;
        assert_ok(a.err);
        json_array_foreach(json_object_get(a.value, "habits"), i, row)
        {
            buf_printf(&seen, "%s/%d ", text_of(row, "sensor"),
                       (int)json_integer_value(json_object_get(row, "n")));
        }
        assert_int_equal(json_array_size(json_object_get(a.value, "missing")), 0);
        snprintf(next, sizeof next, "%s", text_of(a.value, "next"));
        json_decref(a.value);
        free(payload);
    } while (*next);
    assert_string_equal(buf_cstr(&seen), "s1/1 s1/2 s1/3 s1/4 s1/5 s2/1 s2/2 s2/3 s2/4 s2/5 ");
    buf_fini(&seen);
    struct answer a = asked(b, "sensor.habits", "{'sensor': 's2'}");
    assert_int_equal(json_array_size(json_object_get(a.value, "habits")), 5);
    assert_string_equal(text_of(a.value, "next"), "");
    json_decref(a.value);
    a = asked(b, "sensor.habits", "{'after': 'nonsense'}");
    assert_err(a.err, ERR_INVALID);
}

static void
a_page_that_leads_nowhere_is_the_last(void **state)
{
    struct both *b = *state;
    static const char *const pages[] = {"{'habits': [], 'next': 8}",
                                        "{'next': 8}",
                                        "{'habits': 'many', 'next': 8}",
                                        "{'habits': {'next': 8}}",
                                        "{'habits': [{}], 'next': 7}",
                                        "{'habits': [7], 'next': -1}",
                                        "[8]"};
    connect_two(b);
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        b->page = pages[i];
        struct answer a = asked(b, "sensor.habits", "{'sensor': 's1', 'after': 's1/7'}");
        assert_ok(a.err);
        assert_true(json_is_array(json_object_get(a.value, "habits")));
        assert_string_equal(text_of(a.value, "next"), "");
        json_decref(a.value);
    }
}

static void
a_sensor_that_is_away_is_missing(void **state)
{
    struct both *b = *state;
    connect_two(b);
    sensor_link_free(b->link);
    b->link = NULL;
    struct answer a = {.n = 0};
    do { /* until its end is noticed */
        json_decref(a.value);
        a = asked(b, "sensor.habits", "{}");
        assert_ok(a.err);
    } while (strcmp(text_of(a.value, "sensor"), "s2") != 0);
    const json_t *missing = json_array_get(json_object_get(a.value, "missing"), 0);
    assert_string_equal(text_of(missing, "sensor"), "s1");
    json_decref(a.value);
    a = asked(b, "sensor.habits", "{'sensor': 's1'}");
    assert_err(a.err, ERR_NOT_FOUND);
}

#define ORDER(more)                                                                                \
    "{'actor': 'olga', 'order': 'approve', 'client': '10.0.0.1', 'server': '10.0.0.2',"            \
    " 'reason': 'It is planned.'" more "}"

static void
an_order_is_in_the_journal_and_then_with_the_sensor(void **state)
{
    struct both *b = *state;
    connect_two(b);
    struct answer a = asked(b, "sensor.habit", ORDER(""));
    assert_err(a.err, ERR_CONFLICT); /* which of the two? */
    a = asked(b, "sensor.habit", ORDER(", 'sensor': 's2', 'protocol': 'modbus', 'function': 3"));
    assert_ok(a.err);
    assert_true(json_is_true(json_object_get(a.value, "kept")));
    assert_string_equal(text_of(a.value, "sensor"), "s2");
    assert_string_equal(b->actor, "olga");
    assert_string_equal(text_of(b->order, "by"), "olga");
    assert_string_equal(text_of(b->order, "why"), "It is planned.");
    assert_string_equal(text_of(b->order, "protocol"), "modbus");
    assert_int_equal(json_integer_value(json_object_get(b->order, "function")), 3);
    assert_int_equal(b->n_failed, 0);
    json_decref(a.value);
}

static void
an_order_that_the_sensor_refuses_is_told_and_recorded(void **state)
{
    struct both *b = *state;
    connect_two(b);
    b->refusal = ERR_INVALID;
    struct answer a = asked(b, "sensor.habit", ORDER(", 'sensor': 's1'"));
    assert_err(a.err, ERR_INVALID);
    RUN_UNTIL(b->scene->loop, b->n_failed == 1);
    static const char *const wrong[] = {
        "{}",
        "{'actor': 'o', 'order': 'x', 'client': '10.0.0.1', 'server': '10.0.0.2', 'reason': 'r'}",
        "{'actor': 'o', 'order': 'forget', 'client': 'c', 'server': '10.0.0.2', 'reason': 'r'}",
        "{'actor': 'o', 'order': 'forget', 'client': '10.0.0.1', 'server': '10.0.0.2'}",
        ORDER(", 'function': 3"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        a = asked(b, "sensor.habit", wrong[i]);
        assert_err(a.err, ERR_INVALID);
    }
    assert_int_equal(b->n_ordered, 1);
}

/* What comes faster than it may be answered waits; what is too much is refused. */
static void
questions_without_end_are_refused(void **state)
{
    struct both *b = *state;
    struct answer answers[80] = {{0}};
    unsigned n = 0, n_busy = 0, n_ok = 0;
    connect_two(b);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        ask(b, "sensor.habits", "{'sensor': 's1'}", &answers[i]);
    while (n < ARRAY_SIZE(answers)) {
        uv_run(b->scene->loop, UV_RUN_ONCE);
        n = 0;
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
            n += answers[i].n;
    }
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        n_busy += answers[i].err == ERR_BUSY;
        n_ok += !answers[i].err;
        json_decref(answers[i].value);
    }
    assert_int_equal(n_ok + n_busy, ARRAY_SIZE(answers));
    assert_true(n_ok >= 30);
    assert_true(n_busy >= 20);
}

/* Who waits for an answer gets one when either end goes. */
static void
who_asks_is_answered_whoever_ends(void **state)
{
    struct both *b = *state;
    struct answer answers[8] = {{0}};
    connect_two(b);
    for (size_t i = 0; i < 4; i++)
        ask(b, "sensor.habits", "{'sensor': 's1'}", &answers[i]);
    RUN_UNTIL(b->scene->loop, answers[0].n);
    sensor_link_free(b->link);
    b->link = NULL;
    RUN_UNTIL(b->scene->loop, answers[3].n);
    for (size_t i = 4; i < 8; i++)
        ask(b, "sensor.habits", "{'sensor': 's2'}", &answers[i]);
    RUN_UNTIL(b->scene->loop, answers[4].n);
    sensors_service_free(b->service);
    b->service = NULL;
    RUN_UNTIL(b->scene->loop, answers[7].n);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        json_decref(answers[i].value);
    assert_int_not_equal(answers[3].err, ERR_OK);
    assert_int_not_equal(answers[7].err, ERR_OK);
}

/* ---- A tielined that does not answer ---- */

struct mute {
    struct both *both;
    struct stream_listener *listener;
    struct rpc *rpcs[8];
    struct rpc_request *kept[8];
    unsigned n_rpcs, n_alerts;
};

static void
do_hello(void *arg UNUSED, struct rpc_request *request, json_t *params UNUSED)
{
    rpc_reply(request, NULL);
}

static void
do_nothing(void *arg, struct rpc_request *request, json_t *params)
{
    struct mute *m = arg;
    assert_true(m->n_alerts < ARRAY_SIZE(m->kept));
    assert_non_null(json_object_get(params, "alert"));
    m->kept[m->n_alerts++] = request;
}

static const struct rpc_method mute_methods[] = {{"sensor.hello", "", "", do_hello},
                                                 {"sensor.status", "", "", do_hello},
                                                 {"sensor.alert", "", "", do_nothing}};

static void
on_mute_closed(void *arg UNUSED, struct rpc *rpc UNUSED, enum err err UNUSED,
               const char *reason UNUSED)
{
}

static void
on_mute_accepted(void *arg, struct stream *stream)
{
    struct mute *m = arg;
    const struct rpc_config config = {.methods = mute_methods,
                                      .n_methods = ARRAY_SIZE(mute_methods),
                                      .closed = on_mute_closed,
                                      .arg = m};
    assert_true(m->n_rpcs < ARRAY_SIZE(m->rpcs));
    m->rpcs[m->n_rpcs++] = rpc_new(m->both->scene->loop, stream, &config);
}

static void
what_is_never_answered_is_told_again_by_another_connection(void **state)
{
    static const struct stream_listener_handler handler = {on_mute_accepted, NULL};
    struct both *b = *state;
    struct mute m = {.both = b};
    struct diag diag;
    const struct stream_config config = {.address = b->address};
    assert_ok(stream_listen(b->scene->loop, &config, &handler, &m, &m.listener, &diag));
    b->patience = 50 * NSEC_PER_MSEC;
    start_link(b);
    put_alert(b, 1, 1);
    put_alert(b, 2, 1); /* under way as well when the first has waited long enough */
    RUN_UNTIL(b->scene->loop, m.n_alerts == 4);
    assert_int_equal(m.n_rpcs, 2);
    sensor_link_free(b->link);
    b->link = NULL;
    for (unsigned i = 0; i < m.n_alerts; i++)
        rpc_reply(m.kept[i], NULL);
    for (unsigned i = 0; i < m.n_rpcs; i++)
        rpc_free(m.rpcs[i]);
    stream_listener_free(m.listener);
}

TEST_MAIN(WITH_BOTH(what_is_put_before_there_is_a_tielined_arrives),
          WITH_BOTH(every_alert_is_in_the_journal_once_whoever_ends_when),
          WITH_BOTH(a_sensor_that_begins_anew_tells_again_what_is_known),
          WITH_BOTH(circuits_come_in_pieces_and_are_the_whole),
          WITH_BOTH(what_is_no_alert_is_not_taken), WITH_BOTH(what_tielined_refuses_is_given_up),
          WITH_BOTH(pages_go_from_sensor_to_sensor),
          WITH_BOTH(a_page_that_leads_nowhere_is_the_last),
          WITH_BOTH(a_sensor_that_is_away_is_missing),
          WITH_BOTH(an_order_is_in_the_journal_and_then_with_the_sensor),
          WITH_BOTH(an_order_that_the_sensor_refuses_is_told_and_recorded),
          WITH_BOTH(questions_without_end_are_refused),
          WITH_BOTH(who_asks_is_answered_whoever_ends),
          WITH_BOTH(what_is_never_answered_is_told_again_by_another_connection))
