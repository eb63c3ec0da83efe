/* Both real ends of the link between a sensor and tielined, over a Unix socket: one of
 * them ends at any moment, and every alert is in the journal once. (TLS: test/netns/sensor.sh.) */
#include "bus/local.h"
#include "engineer/testing.h"
#include "io/rpc.h"
#include "journal/testing.h"
#include "sensor/sensor_link.h"
#include "sensors/service.h"

#define ALERTS 200u

struct both {
    struct scene *scene;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *events;
    struct sensors_service *service;
    struct sensor_link *link;
    char address[128];
    unsigned n_circuits; /* of the last time that they were told */
    unsigned n_told;
    uint64_t known;
    nsec_t patience;
    unsigned n_events[ALERTS + 1]; /* sensor.alert, by its number */
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

static void
start_link(struct both *b)
{
    struct diag diag = {""};
    const struct sensor_link_config config = {.loop = b->scene->loop,
                                              .address = b->address,
                                              .name = "s1",
                                              .version = "0.1.0",
                                              .rate = 100000,
                                              .patience = b->patience,
                                              .arg = b,
                                              .circuits = on_circuits,
                                              .known = on_known};
    if (sensor_link_new(&config, &b->link, &diag))
        fail_msg("%s", diag.text);
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
          WITH_BOTH(what_is_never_answered_is_told_again_by_another_connection))
