/* The service with a journal in a file, a bus, the state that follows it, and a sensor that says
 * what the test wants over a Unix socket. */
#include "sensors/service.h"

#include "bus/local.h"
#include "engineer/design.h"
#include "engineer/testing.h"
#include "io/clock.h"
#include "io/rpc.h"
#include "journal/testing.h"
#include "model/testing.h"

#define ALERT                                                                                      \
    "{'id':'s1/%u','rule':'%s','title':'A write','severity':'high','techniques':['T0855'],"        \
    "'source':{'address':'10.1.0.7','mac':'02:00:00:01:00:07'},"                                   \
    "'target':{'address':'10.2.0.9','port':502},'protocol':'modbus','circuit':null,"               \
    "'explanation':'It has never been seen.','playbook':['Look.'],'evidence':{'message':{}},"      \
    "'first':'%s','last':'2026-11-30T10:00:05Z','count':%u,'state':'open'}"
#define FIRST "2026-11-30T10:00:00Z"

struct place {
    struct scene *scene;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *events;
    struct bus_subscription *subscriptions[2];
    struct sensors_service *service;
    struct sensors_options options;
    char address[128];
    json_t *raised, *closed;
    unsigned n_refused; /* of the first exceptions that are told */
    /* The sensor. */
    struct rpc *rpc;
    bool is_open, is_closed;
    json_t *pieces; /* of the circuits */
};

struct answer {
    unsigned n;
    enum err err;
    json_t *value;
};

/* ---- The service's neighbours ---- */

static void
on_event(void *arg, const struct journal_event *e)
{
    struct place *p = arg;
    struct diag diag = {""};
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    const struct state_event event = {e->seq, e->time, e->type, e->object, e->actor, body, 0};
    if (state_apply(p->state, &event, &diag))
        fail_msg("%s", diag.text);
    if (p->service)
        sensors_service_event(p->service, &event);
    json_decref(body);
}

static void
on_exception(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct place *p = arg;
    if (p->n_refused) {
        p->n_refused--;
        bus_reply_error(bus, m->reply_to, ERR_BUSY, "not now");
        return;
    }
    json_array_append(!strcmp(m->subject, "exception.raise") ? p->raised : p->closed, m->payload);
    bus_reply(bus, m->reply_to, json_pack("{si}", "id", 1));
}

static void
start(struct place *p)
{
    struct diag diag = {""};
    const struct sensors_service_config config = {.loop = p->scene->loop,
                                                  .bus = p->bus,
                                                  .journal = p->scene->journal,
                                                  .state = p->state,
                                                  .site = "cc",
                                                  .address = p->address,
                                                  .options = p->options};
    if (sensors_service_new(&config, &p->service, &diag))
        fail_msg("%s", diag.text);
}

static void
stop(struct place *p)
{
    sensors_service_free(p->service);
    p->service = NULL;
}

static int
set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);
    struct diag diag;
    void *scene;
    scene_set_up(&scene);
    p->scene = scene;
    scene_open(p->scene);
    snprintf(p->address, sizeof p->address, "unix:%s/sensors", p->scene->dir.path);
    p->bus = bus_local_new(p->scene->loop, 0, 0);
    p->state = state_new();
    network_free(p->state->network);
    p->state->network = network_new();
    test_link(p->state->network, "a1", "a2", 10, 1000000);
    test_host(p->state->network, "fep", "a1", 1, 7);
    test_host(p->state->network, "rtu", "a2", 2, 9);
    p->raised = json_array();
    p->closed = json_array();
    p->pieces = json_array();
    assert_ok(journal_subscribe(p->scene->journal, 1, on_event, p, &p->events, &diag));
    assert_ok(bus_subscribe(p->bus, "exception.raise", on_exception, p, &p->subscriptions[0]));
    assert_ok(bus_subscribe(p->bus, "exception.close", on_exception, p, &p->subscriptions[1]));
    start(p);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    void *scene = p->scene;
    rpc_free(p->rpc);
    stop(p);
    bus_free(p->bus);
    journal_unsubscribe(p->events);
    scene_tear_down(&scene);
    state_free(p->state);
    json_decref(p->raised);
    json_decref(p->closed);
    json_decref(p->pieces);
    free(p);
    return 0;
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- The sensor ---- */

static void
do_circuits(void *arg, struct rpc_request *request, json_t *params)
{
    struct place *p = arg;
    json_array_append(p->pieces, params);
    rpc_reply(request, NULL);
}

static const struct rpc_method methods[] = {{"sensor.circuits", "", "", do_circuits}};

static void
on_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason UNUSED)
{
    struct place *p = arg;
    p->is_closed = true;
    if (p->rpc == rpc)
        p->rpc = NULL;
    rpc_free(rpc);
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct place *p = arg;
    const struct rpc_config config = {
        .methods = methods, .n_methods = 1, .closed = on_closed, .arg = p};
    p->rpc = rpc_new(p->scene->loop, stream, &config);
    p->is_open = true;
}

static void
on_stream_closed(void *arg UNUSED, struct stream *stream UNUSED, enum err err UNUSED,
                 const char *reason)
{
    fail_msg("%s", reason);
}

static void
open_sensor(struct place *p)
{
    static const struct stream_handler handler = {.opened = on_opened, .closed = on_stream_closed};
    const struct stream_config config = {.address = p->address};
    struct stream *stream;
    struct diag diag;
    p->is_open = p->is_closed = false;
    assert_ok(stream_connect(p->scene->loop, &config, &handler, p, &stream, &diag));
    RUN_UNTIL(p->scene->loop, p->is_open);
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct answer *a = arg;
    a->n++;
    a->err = result->err;
    json_decref(a->value);
    a->value = json_incref(result->value);
}

static void
call(struct place *p, const char *method, json_t *params, struct answer *a)
{
    assert_ok(rpc_call(p->rpc, method, params, 60 * NSEC_PER_SEC, on_answer, a, NULL));
}

/* The answer's error. */
static enum err
say(struct place *p, const char *method, json_t *params)
{
    struct answer a = {0};
    call(p, method, params, &a);
    RUN_UNTIL(p->scene->loop, a.n);
    json_decref(a.value);
    return a.err;
}

static json_t *
hello_json(const char *name)
{
    return json_pack("{ss ss}", "name", name, "version", "0.1.0");
}

static void
connect_sensor(struct place *p)
{
    open_sensor(p);
    assert_ok(say(p, "sensor.hello", hello_json("s1")));
}

static json_t *
alert_json(unsigned number, const char *rule, const char *first, unsigned count)
{
    char *text = xasprintf(ALERT, number, rule, first, count);
    json_t *alert = json_quoted(text);
    free(text);
    return json_pack("{so}", "alert", alert);
}

static enum err
say_alert(struct place *p, unsigned number, const char *rule, unsigned count)
{
    return say(p, "sensor.alert", alert_json(number, rule, FIRST, count));
}

/* ---- The journal ---- */

struct counted {
    const char *type;
    unsigned n;
};

static bool
count_type(void *arg, const struct journal_event *e)
{
    struct counted *c = arg;
    c->n += !strcmp(e->type, c->type);
    return true;
}

static unsigned
events(struct place *p, const char *type)
{
    struct counted c = {type, 0};
    /* Of what the state has: a little more than that may be durable. */
    const struct journal_query query = {.type_prefix = type, .to = p->state->seq};
    struct diag diag;
    if (!p->state->seq)
        return 0;
    assert_ok(journal_read(p->scene->journal, &query, count_type, &c, &diag));
    return c.n;
}

/* ---- Hello ---- */

static void
a_sensor_is_known_by_its_hello(void **state)
{
    struct place *p = *state;
    struct answer a = {0};
    open_sensor(p);
    assert_err(say(p, "sensor.alert", alert_json(1, "modbus-write", FIRST, 1)), ERR_DENIED);
    assert_err(say(p, "sensor.hello", hello_json("no name")), ERR_INVALID);
    call(p, "sensor.hello", hello_json("s1"), &a);
    RUN_UNTIL(p->scene->loop, a.n);
    assert_ok(a.err);
    assert_int_equal(json_integer_value(json_object_get(a.value, "last-alert")), 0);
    json_decref(a.value);
    RUN_UNTIL(p->scene->loop, events(p, "sensor.back"));
    assert_non_null(sensing_sensor(&p->state->sensing, 0, "s1"));
}

static void
a_sensor_is_told_where_its_numbers_end(void **state)
{
    struct place *p = *state;
    struct answer a = {0};
    connect_sensor(p);
    assert_ok(say_alert(p, 41, "modbus-write", 1));
    call(p, "sensor.hello", hello_json("s1"), &a);
    RUN_UNTIL(p->scene->loop, a.n);
    assert_int_equal(json_integer_value(json_object_get(a.value, "last-alert")), 41);
    json_decref(a.value);
}

/* ---- Alerts ---- */

static void
an_alert_is_in_the_journal_when_it_is_acknowledged(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    assert_int_equal(events(p, "sensor.alert"), 1);
    const struct sensing_alert *a = sensing_alert(&p->state->sensing, 0, "s1/1");
    assert_non_null(a);
    assert_int_equal(a->severity, ALERT_HIGH);
    assert_false(a->closed);
}

static void
what_is_told_again_is_there_once(void **state)
{
    struct place *p = *state;
    struct answer a[3] = {{0}};
    connect_sensor(p);
    for (unsigned i = 0; i < 3; i++) /* not waiting for the disk */
        call(p, "sensor.alert", alert_json(1, "modbus-write", FIRST, 1), &a[i]);
    RUN_UNTIL(p->scene->loop, a[0].n && a[1].n && a[2].n);
    assert_ok(a[0].err);
    assert_err(a[1].err, ERR_BUSY); /* on its way: it cannot be said yet */
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    assert_int_equal(events(p, "sensor.alert"), 1);
    assert_int_equal(events(p, "sensor.alert.again"), 0);
    for (unsigned i = 0; i < 3; i++)
        json_decref(a[i].value);
}

static void
what_another_run_of_the_program_recorded_is_not_recorded_again(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    stop(p);
    RUN_UNTIL(p->scene->loop, p->is_closed);
    start(p);
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    assert_int_equal(events(p, "sensor.alert"), 1);
}

static void
a_sensor_that_counts_anew_loses_none(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    assert_ok(say(p, "sensor.alert", alert_json(1, "port-scan", "2026-11-30T11:00:00Z", 1)));
    assert_ok(say(p, "sensor.alert", alert_json(1, "port-scan", "2026-11-30T11:00:00Z", 1)));
    assert_int_equal(events(p, "sensor.alert"), 2);
    assert_non_null(sensing_alert(&p->state->sensing, 0, "s1/1000000000001"));
}

static void
a_count_is_written_when_it_has_doubled_and_not_before(void **state)
{
    struct place *p = *state;
    p->options.again = 1;
    stop(p);
    start(p);
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 10));
    assert_ok(say_alert(p, 1, "modbus-write", 19));
    assert_int_equal(events(p, "sensor.alert.again"), 0);
    assert_ok(say_alert(p, 1, "modbus-write", 20));
    RUN_UNTIL(p->scene->loop, events(p, "sensor.alert.again") == 1);
    assert_int_equal(sensing_alert(&p->state->sensing, 0, "s1/1")->count, 20);
    assert_ok(say_alert(p, 1, "modbus-write", 21));
    stop(p); /* what is not written by then is, at the end */
    RUN_UNTIL(p->scene->loop, events(p, "sensor.alert.again") == 2);
    assert_int_equal(sensing_alert(&p->state->sensing, 0, "s1/1")->count, 21);
}

static void
nonsense_is_refused_by_name(void **state)
{
    static const char *const wrong[] = {
        "'id':'s2/1'",         "'id':'s1/0'",          "'id':7",
        "'rule':'no rule'",    "'severity':'grim'",    "'count':0",
        "'first':'yesterday'", "'source':{'port':-1}", "'playbook':['a',7]",
        "'incident':'s1/3'",   "'state':'closed'",     "'techniques':'T0855'",
    };
    struct place *p = *state;
    connect_sensor(p);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        char *text = xasprintf("{%s}", wrong[i]);
        json_t *params = alert_json(1, "modbus-write", FIRST, 1), *more = json_quoted(text);
        json_object_update(json_object_get(params, "alert"), more);
        assert_err(say(p, "sensor.alert", params), ERR_INVALID);
        json_decref(more);
        free(text);
    }
    assert_int_equal(events(p, "sensor.alert"), 0);
}

static void
who_tells_more_than_it_may_waits(void **state)
{
    struct place *p = *state;
    enum { N = 60 };
    struct answer a[N] = {{0}};
    p->options.rate = 100;
    p->options.burst = 10;
    stop(p);
    start(p);
    connect_sensor(p);
    nsec_t begun = clock_monotonic();
    for (unsigned i = 0; i < N; i++)
        call(p, "sensor.status", json_object(), &a[i]);
    RUN_UNTIL(p->scene->loop, a[N - 1].n);
    /* They all came in one piece; what comes behind it waits for what they cost. */
    assert_ok(say(p, "sensor.status", json_object()));
    assert_true(clock_monotonic() - begun >= (N - 10) * 10 * NSEC_PER_MSEC);
    for (unsigned i = 0; i < N; i++)
        json_decref(a[i].value);
}

static void
what_a_sensor_dropped_is_recorded(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say(p, "sensor.status", json_pack("{s{sisi}}", "dropped", "low", 3, "high", 1)));
    RUN_UNTIL(p->scene->loop, events(p, "sensor.dropped") == 1);
    assert_int_equal(sensing_sensor(&p->state->sensing, 0, "s1")->dropped, 4);
}

/* ---- Exceptions ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static void
traffic_without_circuit_is_an_exception(void **state)
{
    struct place *p = *state;
    p->n_refused = 1; /* told again */
    connect_sensor(p);
    assert_ok(say_alert(p, 1, "modbus-write", 1));
    assert_ok(say_alert(p, 2, "no-circuit", 1));
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    const json_t *e = json_array_get(p->raised, 0), *evidence = json_object_get(e, "evidence");
    assert_int_equal(json_array_size(p->raised), 1);
    assert_string_equal(text_of(e, "kind"), "traffic-without-circuit");
    assert_string_equal(text_of(e, "object"), "host/fep");
    assert_string_equal(text_of(e, "severity"), "major");
    assert_string_equal(text_of(evidence, "to"), "rtu (10.2.0.9 port 502)");
    assert_non_null(strstr(text_of(evidence, "proposal"),
                           "circuit create --from fep --to rtu --protocol tcp --port 502"));
}

static void
an_exception_that_a_crash_swallowed_is_raised_at_the_start(void **state)
{
    struct place *p = *state;
    p->n_refused = 1000000;
    connect_sensor(p);
    assert_ok(say_alert(p, 2, "no-circuit", 1));
    stop(p);
    RUN_UNTIL(p->scene->loop, p->is_closed);
    p->n_refused = 0;
    start(p);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised) == 1);
    /* One that was raised is not raised again, whatever became of it. */
    static const struct journal_entry raised = {
        "exception.raised", "exception/1", "system/test",
        "{\"id\":1,\"kind\":\"traffic-without-circuit\",\"severity\":\"major\",\"object\":"
        "\"host/fep\",\"text\":\"t\",\"evidence\":{}}",
        0};
    assert_ok(append_and_wait(p->scene, &raised, 1).err);
    stop(p);
    start(p);
    connect_sensor(p);
    assert_ok(say_alert(p, 3, "modbus-write", 1));
    assert_int_equal(json_array_size(p->raised), 1);
}

static enum err
close_alert(struct place *p, const char *id)
{
    struct answer a = {0};
    assert_ok(bus_request(p->bus, "sensor.close",
                          json_pack("{ss ss ss si}", "actor", "alice", "id", id, "reason",
                                    "planned", "site-number", 0),
                          60 * NSEC_PER_SEC, on_answer, &a, NULL));
    RUN_UNTIL(p->scene->loop, a.n);
    json_decref(a.value);
    return a.err;
}

static void
a_closed_alert_closes_its_exception_and_opens_when_it_is_seen_again(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say_alert(p, 2, "no-circuit", 1));
    assert_err(close_alert(p, "s1/9"), ERR_NOT_FOUND);
    assert_ok(close_alert(p, "s1/2"));
    const struct sensing_alert *a = sensing_alert(&p->state->sensing, 0, "s1/2");
    assert_true(a->closed);
    assert_string_equal(a->closed_by, "alice");
    RUN_UNTIL(p->scene->loop, json_array_size(p->closed) == 1);
    assert_err(close_alert(p, "s1/2"), ERR_CONFLICT);
    assert_ok(say_alert(p, 2, "no-circuit", 2));
    RUN_UNTIL(p->scene->loop, !a->closed);
}

static void
a_silent_sensor_is_lost_and_comes_back(void **state)
{
    struct place *p = *state;
    p->options.silence = 1;
    stop(p);
    start(p);
    connect_sensor(p);
    RUN_UNTIL(p->scene->loop, events(p, "sensor.lost") == 1 && p->is_closed);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised) == 1);
    assert_string_equal(text_of(json_array_get(p->raised, 0), "object"), "sensor/s1");
    assert_non_null(sensing_sensor(&p->state->sensing, 0, "s1")->reason);
    stop(p);
    static const struct journal_entry raised = {
        "exception.raised", "exception/1", "system/test",
        "{\"id\":1,\"kind\":\"sensor-lost\",\"severity\":\"major\",\"object\":\"sensor/s1\","
        "\"text\":\"t\",\"evidence\":{}}",
        0};
    assert_ok(append_and_wait(p->scene, &raised, 1).err);
    p->options.silence = 0;
    start(p);
    connect_sensor(p);
    RUN_UNTIL(p->scene->loop, json_array_size(p->closed) == 1);
    assert_string_equal(text_of(json_array_get(p->closed, 0), "kind"), "sensor-lost");
    RUN_UNTIL(p->scene->loop, !sensing_sensor(&p->state->sensing, 0, "s1")->reason);
    assert_int_equal(events(p, "sensor.back"), 2);
}

/* ---- Devices ---- */

static json_t *
asset_json(const char *last, const char *vendor)
{
    return json_pack("{s{ss ss ss s[s] s{s[s]} s{ss ss si}}}", "asset", "address", "10.2.0.9",
                     "first", FIRST, "last", last, "roles", "server", "protocols", "modbus",
                     "server", "vendor", "value", vendor, "from", "oui", "confidence", 20);
}

static void
a_device_is_recorded_when_it_is_new_or_has_changed(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say(p, "sensor.asset", asset_json(FIRST, "ABB")));
    assert_int_equal(events(p, "sensor.asset"), 1);
    assert_ok(say(p, "sensor.asset", asset_json("2026-11-30T12:00:00Z", "ABB")));
    assert_ok(say(p, "sensor.asset", asset_json("2026-11-30T12:00:00Z", "SEL")));
    RUN_UNTIL(p->scene->loop, events(p, "sensor.asset") == 2);
    const struct sensing_asset *a = sensing_asset(&p->state->sensing, 0, "s1", "10.2.0.9", 0);
    assert_string_equal(text_of(json_object_get(a->asset, "vendor"), "value"), "SEL");
    assert_ok(say(p, "sensor.asset", asset_json(FIRST, "GE"))); /* too soon */
    assert_int_equal(events(p, "sensor.asset"), 2);
    stop(p);
    RUN_UNTIL(p->scene->loop, events(p, "sensor.asset") == 3);
}

/* It has not heard again yet who the device says it is. */
static void
what_is_known_of_a_device_is_kept_when_its_sensor_begins_anew(void **state)
{
    static const char anew[] =
        "{'asset':{'address':'10.2.0.9','mac':'%s','first':'2026-11-30T12:00:00Z',"
        "'last':'2026-11-30T12:00:00Z','roles':['commander'],'protocols':{'iec104':['client']}}}";
    struct place *p = *state;
    connect_sensor(p);
    assert_ok(say(p, "sensor.asset", asset_json(FIRST, "ABB")));
    char *text = xasprintf(anew, "02:00:00:02:00:09");
    assert_ok(say(p, "sensor.asset", json_quoted(text)));
    free(text);
    RUN_UNTIL(p->scene->loop, events(p, "sensor.asset") == 2);
    const struct sensing_asset *a = sensing_asset(&p->state->sensing, 0, "s1", "10.2.0.9", 0);
    assert_string_equal(text_of(json_object_get(a->asset, "vendor"), "value"), "ABB");
    assert_string_equal(text_of(a->asset, "first"), FIRST);
    assert_int_equal(json_array_size(json_object_get(a->asset, "roles")), 2);
    assert_int_equal(json_object_size(json_object_get(a->asset, "protocols")), 2);
    text = xasprintf(anew, "02:00:00:02:00:0a"); /* that is another device */
    assert_ok(say(p, "sensor.asset", json_quoted(text)));
    free(text);
    stop(p); /* changes that wait are written */
    RUN_UNTIL(p->scene->loop, events(p, "sensor.asset") == 3);
    a = sensing_asset(&p->state->sensing, 0, "s1", "10.2.0.9", 0);
    assert_null(json_object_get(a->asset, "vendor"));
}

/* A sensor that says other things of a device each time does not make it grow without end. */
static void
what_is_kept_of_a_device_has_an_end(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    for (unsigned i = 0; i < 2; i++) {
        json_t *all = asset_json(FIRST, "ABB"), *asset = json_object_get(all, "asset"),
               *roles = json_array(), *protocols = json_object();
        for (unsigned k = 0; k < 3000; k++) {
            char text[16];
            snprintf(text, sizeof text, "%u-%u", i, k);
            json_array_append_new(roles, json_string(text));
        }
        json_object_set_new(protocols, "modbus", roles);
        json_object_set_new(asset, "protocols", protocols);
        assert_ok(say(p, "sensor.asset", all));
        RUN_UNTIL(p->scene->loop, events(p, "sensor.asset") > i);
        const struct sensing_asset *a = sensing_asset(&p->state->sensing, 0, "s1", "10.2.0.9", 0);
        assert_int_equal(
            json_array_size(json_object_get(json_object_get(a->asset, "protocols"), "modbus")),
            3000);
    }
}

/* ---- Circuits ---- */

static const json_t *
find_circuit(const struct place *p, const char *name)
{
    for (size_t i = 0; i < json_array_size(p->pieces); i++) {
        const json_t *list = json_object_get(json_array_get(p->pieces, i), "circuits");
        for (size_t k = 0; k < json_array_size(list); k++) {
            if (!strcmp(text_of(json_array_get(list, k), "name"), name))
                return json_array_get(list, k);
        }
    }
    return NULL;
}

static void
circuits_are_told_at_hello_and_after_each_change(void **state)
{
    struct place *p = *state;
    connect_sensor(p);
    RUN_UNTIL(p->scene->loop, json_array_size(p->pieces));
    assert_null(find_circuit(p, "scada"));
    json_array_clear(p->pieces);
    test_tcp(p->state->network, "scada", "fep", "rtu", 502);
    p->state->network_version++;
    const struct state_event event = {.type = "model.put", .object = "inventory"};
    sensors_service_event(p->service, &event);
    RUN_UNTIL(p->scene->loop, find_circuit(p, "scada"));
    assert_true(json_is_false(json_object_get(find_circuit(p, "scada"), "active")));
}

/* ---- Traffic ---- */

static void
say_traffic(struct place *p, const char *last, unsigned octets)
{
    json_t *row = json_pack("{ss ss si ss ss si si ss ss}", "from", "10.1.0.7", "to", "10.2.0.9",
                            "port", 502, "transport", "tcp", "protocol", "modbus", "packets", 2,
                            "octets", (int)octets, "first", "2026-11-30T09:00:00Z", "last", last);
    assert_ok(say(p, "sensor.traffic", json_pack("{s[o]}", "conversations", row)));
}

static json_t *
ask_traffic(struct place *p, const char *quoted)
{
    struct answer a = {0};
    assert_ok(bus_request(p->bus, "sensor.traffic", json_quoted(quoted), 60 * NSEC_PER_SEC,
                          on_answer, &a, NULL));
    RUN_UNTIL(p->scene->loop, a.n);
    assert_ok(a.err);
    return a.value;
}

static void
traffic_is_counted_in_slots_of_ten_minutes(void **state)
{
    static const struct {
        const char *asked;
        json_int_t octets, slots;
    } cases[] = {
        {"{}", 1 + 10 + 100 + 1000 + 500, 3},
        {"{'from': '2026-11-30T10:10:00Z'}", 10 + 100 + 1000 + 500, 2},
        {"{'from': '2026-11-30T10:15:00Z'}", 10 + 100 + 1000 + 500, 2}, /* the whole slot */
        {"{'from': '2026-11-30T10:00:00Z', 'to': '2026-11-30T10:10:00Z'}", 1, 1},
        {"{'from': '2026-11-30T10:00:00Z', 'to': '2026-11-30T10:10:01Z'}", 1 + 10 + 100, 2},
        {"{'to': '2026-11-30T10:00:00Z'}", 0, 0},
    };
    struct place *p = *state;
    connect_sensor(p);
    say_traffic(p, "2026-11-30T10:00:00Z", 1);
    say_traffic(p, "2026-11-30T10:30:00Z", 1000);
    say_traffic(p, "2026-11-30T10:10:00Z", 10); /* a clock that went back */
    say_traffic(p, "2026-11-30T10:19:59Z", 100);
    say_traffic(p, "2026-11-30T10:31:00Z", 500);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *told = ask_traffic(p, cases[i].asked);
        const json_t *row = json_array_get(json_object_get(told, "conversations"), 0);
        if (json_integer_value(json_object_get(row, "octets")) != cases[i].octets)
            fail_msg("%s: %d", cases[i].asked,
                     (int)json_integer_value(json_object_get(row, "octets")));
        assert_int_equal(json_array_size(json_object_get(told, "series")), cases[i].slots);
        if (i == 0) /* of the busiest: 12000 bits in 600 s */
            assert_int_equal(json_integer_value(json_object_get(row, "peak-bps")), 20);
        json_decref(told);
    }
    struct answer a = {0};
    assert_ok(bus_request(p->bus, "sensor.traffic", json_quoted("{'from': 'yesterday'}"),
                          60 * NSEC_PER_SEC, on_answer, &a, NULL));
    RUN_UNTIL(p->scene->loop, a.n);
    assert_err(a.err, ERR_INVALID);
}

static void
say_slots(struct place *p, unsigned n_rows, nsec_t begin, nsec_t step)
{
    json_t *rows = json_array();
    for (unsigned n = 0; n < n_rows; n++) {
        char time[TIME_TEXT_SIZE];
        time_format((begin + n * step) * NSEC_PER_SEC, time);
        json_array_append_new(rows,
                              json_pack("{ss ss si ss si si ss ss}", "from", "a", "to", "b", "port",
                                        step ? 1 : (int)n, "transport", "t", "packets", 1, "octets",
                                        1, "first", "1970-01-01T00:00:00Z", "last", time));
    }
    assert_ok(say(p, "sensor.traffic", json_pack("{so}", "conversations", rows)));
}

static json_int_t
octets_since(struct place *p, const char *who, const char *time)
{
    char asked[80];
    json_int_t octets = 0;
    size_t i;
    snprintf(asked, sizeof asked, "{'from': '%s'}", time);
    json_t *told = ask_traffic(p, asked), *row;
    json_array_foreach(json_object_get(told, "conversations"), i, row)
    {
        if (!strcmp(text_of(row, "from"), who))
            octets += json_integer_value(json_object_get(row, "octets"));
    }
    json_decref(told);
    return octets;
}

static void
start_anew_without_waiting(struct place *p)
{
    p->options.rate = 100000000;
    p->options.burst = 100000000;
    stop(p);
    start(p);
    connect_sensor(p);
}

/* One sensor fills all the room there is. */
static void
reports_of_times_to_come_take_no_room_from_those_of_now(void **state)
{
    enum { REPORTS = 3400, ROWS = 300 }; /* more than a million slots */
    struct place *p = *state;
    char now[TIME_TEXT_SIZE];
    time_format(clock_wall(), now);
    start_anew_without_waiting(p);
    say_traffic(p, now, 1000);
    for (unsigned i = 0; i < REPORTS; i++)
        say_slots(p, ROWS, INT64_C(4102444800) + 600 * (nsec_t)i, 0); /* of 2100 */
    say_traffic(p, now, 1000);
    assert_int_equal(octets_since(p, "10.1.0.7", now), 2000);
}

/* Of one conversation the newest are kept, whatever the order in which they are told. */
static void
slots_of_a_conversation_have_an_end(void **state)
{
    enum { REPORTS = 30, SLOTS = 300, KEPT = 8064 };
    struct place *p = *state;
    start_anew_without_waiting(p);
    for (unsigned i = 0; i < REPORTS; i++)
        say_slots(p, SLOTS, 600 * (nsec_t)SLOTS * (REPORTS - i), -600);
    assert_int_equal(octets_since(p, "a", "1970-01-01T00:00:00Z"), KEPT);
    for (unsigned i = 0; i < REPORTS; i++)
        say_slots(p, SLOTS, 600 * (nsec_t)SLOTS * (REPORTS + i), 600);
    assert_int_equal(octets_since(p, "a", "1970-01-01T00:00:00Z"), KEPT);
}

TEST_MAIN(IN_PLACE(traffic_is_counted_in_slots_of_ten_minutes),
          IN_PLACE(reports_of_times_to_come_take_no_room_from_those_of_now),
          IN_PLACE(slots_of_a_conversation_have_an_end), IN_PLACE(a_sensor_is_known_by_its_hello),
          IN_PLACE(a_sensor_is_told_where_its_numbers_end),
          IN_PLACE(an_alert_is_in_the_journal_when_it_is_acknowledged),
          IN_PLACE(what_is_told_again_is_there_once),
          IN_PLACE(what_another_run_of_the_program_recorded_is_not_recorded_again),
          IN_PLACE(a_sensor_that_counts_anew_loses_none),
          IN_PLACE(a_count_is_written_when_it_has_doubled_and_not_before),
          IN_PLACE(nonsense_is_refused_by_name), IN_PLACE(who_tells_more_than_it_may_waits),
          IN_PLACE(what_a_sensor_dropped_is_recorded),
          IN_PLACE(traffic_without_circuit_is_an_exception),
          IN_PLACE(an_exception_that_a_crash_swallowed_is_raised_at_the_start),
          IN_PLACE(a_closed_alert_closes_its_exception_and_opens_when_it_is_seen_again),
          IN_PLACE(a_silent_sensor_is_lost_and_comes_back),
          IN_PLACE(a_device_is_recorded_when_it_is_new_or_has_changed),
          IN_PLACE(what_is_known_of_a_device_is_kept_when_its_sensor_begins_anew),
          IN_PLACE(what_is_kept_of_a_device_has_an_end),
          IN_PLACE(circuits_are_told_at_hello_and_after_each_change))
