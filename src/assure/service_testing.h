/* service_testing.h - a service among its neighbours, for its tests: a journal in a file, a bus,
 * the lab's network as state, nodes that answer tests as they are told to, and who keeps
 * exceptions. Static functions only. */
#ifndef ASSURE_SERVICE_TESTING_H
#define ASSURE_SERVICE_TESTING_H

#include "assure/service.h"
#include "assure/testing.h"
#include "bus/local.h"
#include "io/clock.h"
#include "journal/testing.h"

/* How the nodes behave. */
struct nodes {
    struct weather weather[TEST_PATH_MAX];
    const char *absent; /* the node that is not connected */
    enum err err;       /* every call fails */
    bool silent;        /* no call is answered */
    bool nonsense;      /* ... or with something else */
    unsigned n_started, n_stopped;
    unsigned n_started_on[TEST_PATH_MAX];
    char last_id[64], stopped_id[64];
};

/* What an answer was. */
struct reply {
    unsigned n;
    enum err err;
    char text[320];
    json_t *value;
};

struct neighbours {
    struct scene *scene;
    struct bus *bus;
    struct bus_subscription *subscriptions[3];
    struct state *state;
    uint64_t seq; /* of the last event told */
    struct assure_service *service;
    struct assure_options options;
    struct nodes nodes;
    json_t *raised, *closed; /* payloads of exception.raise and exception.close */
    enum err exception_err;  /* how these are answered */
};

/* ---- The neighbours ---- */

static inline UNUSED void
play_node(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct nodes *nodes = &((struct neighbours *)arg)->nodes;
    const char *node = json_string_value(json_object_get(m->payload, "node"));
    const char *method = json_string_value(json_object_get(m->payload, "method"));
    const json_t *params = json_object_get(m->payload, "params");
    const char *id = json_string_value(json_object_get(params, "id"));
    if (!strcmp(method, "test.stop")) {
        nodes->n_stopped++;
        snprintf(nodes->stopped_id, sizeof nodes->stopped_id, "%s", id);
        return;
    }
    assert_string_equal(method, "test.start");
    json_t *port = json_object_get(json_object_get(params, "template"), "udp-src");
    enum test_path path = json_integer_value(port) % 2 ? PATH_FAILOVER : PATH_PRIMARY;
    nodes->n_started++;
    nodes->n_started_on[path]++;
    snprintf(nodes->last_id, sizeof nodes->last_id, "%s", id);
    if (nodes->silent)
        return;
    if (nodes->nonsense)
        bus_reply(bus, m->reply_to, json_object());
    else if (nodes->err)
        bus_reply_error(bus, m->reply_to, nodes->err, "told to fail");
    else if (nodes->absent && !strcmp(nodes->absent, node))
        bus_reply_error(bus, m->reply_to, ERR_CLOSED, "the agent of %s is not connected", node);
    else
        bus_reply(bus, m->reply_to, answer_in(&nodes->weather[path], params));
}

static inline UNUSED void
keep_exception(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct neighbours *n = arg;
    json_array_append(!strcmp(m->subject, "exception.raise") ? n->raised : n->closed, m->payload);
    if (n->exception_err)
        bus_reply_error(bus, m->reply_to, n->exception_err, "told to fail");
    else
        bus_reply(bus, m->reply_to, json_pack("{si}", "id", 1));
}

/* Applies an event to the state and tells the service, as the program does. Takes the body. */
static inline UNUSED void
tell_json(struct neighbours *n, const char *type, json_t *body)
{
    struct diag diag = {""};
    struct state_event event = {.seq = ++n->seq,
                                .time = clock_wall(),
                                .type = type,
                                .object = "",
                                .actor = "system/test",
                                .body = body};
    if (state_apply(n->state, &event, &diag))
        fail_msg("%s", diag.text);
    if (n->service)
        assure_service_event(n->service, &event);
    json_decref(body);
}

static inline UNUSED void
tell(struct neighbours *n, const char *type, const char *body)
{
    tell_json(n, type, json_quoted(body));
}

/* ---- Set-up ---- */

static inline UNUSED void
start_service(struct neighbours *n)
{
    struct assure_service_config config = {.loop = n->scene->loop,
                                           .bus = n->bus,
                                           .journal = n->scene->journal,
                                           .state = n->state,
                                           .site = "cc",
                                           .options = n->options};
    struct diag diag = {""};
    if (assure_service_new(&config, &n->service, &diag))
        fail_msg("%s", diag.text);
}

static inline UNUSED void
stop_service(struct neighbours *n)
{
    assure_service_free(n->service);
    n->service = NULL;
}

static inline UNUSED int
set_up(void **state)
{
    static const struct weather fine = {.forward_us = 3000, .backward_us = 3000, .spread_us = 40};
    struct neighbours *n = xcalloc(1, sizeof *n);
    void *scene;
    static const char *const subjects[] = {"lan.rpc", "exception.raise", "exception.close"};
    scene_set_up(&scene);
    n->scene = scene;
    scene_open(n->scene);
    n->bus = bus_local_new(n->scene->loop, 0, 0);
    n->state = state_new();
    network_free(n->state->network);
    n->state->network = test_lab();
    n->raised = json_array();
    n->closed = json_array();
    n->nodes.weather[PATH_PRIMARY] = n->nodes.weather[PATH_FAILOVER] = fine;
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        assert_ok(bus_subscribe(n->bus, subjects[i], i ? keep_exception : play_node, n,
                                &n->subscriptions[i]));
    *state = n;
    return 0;
}

static inline UNUSED int
tear_down(void **state)
{
    struct neighbours *n = *state;
    void *scene = n->scene;
    stop_service(n);
    bus_free(n->bus);
    scene_tear_down(&scene);
    state_free(n->state);
    json_decref(n->raised);
    json_decref(n->closed);
    free(n);
    return 0;
}

#define AMONG_NEIGHBOURS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The circuit `scada` (test_run's own lab_scada()), built but not active. */
static inline UNUSED void
build_scada(struct neighbours *n)
{
    lab_scada(n->state->network);
    tell(n, "circuit.wanted", "{'order': 1, 'circuits': ['scada']}");
    tell(n, "circuit.built", "{'order': 1, 'circuit': 'scada', 'duration-ns': 1}");
}

/* ---- Asking ---- */

static inline UNUSED void
keep_reply(void *arg, const struct call_result *result)
{
    struct reply *r = arg;
    r->n++;
    r->err = result->err;
    snprintf(r->text, sizeof r->text, "%s", result->text);
    json_decref(r->value);
    r->value = json_incref(result->value);
}

static inline UNUSED void
ask(struct neighbours *n, const char *subject, const char *payload, struct reply *reply)
{
    assert_ok(bus_request(n->bus, subject, json_quoted(payload), 60 * NSEC_PER_SEC, keep_reply,
                          reply, NULL));
}

/* The answer. The caller owns it. */
static inline UNUSED json_t *
ask_and_wait(struct neighbours *n, const char *subject, const char *payload)
{
    struct reply reply = {0};
    ask(n, subject, payload, &reply);
    RUN_UNTIL(n->scene->loop, reply.n);
    if (reply.err)
        fail_msg("%s: %s: %s", subject, err_name(reply.err), reply.text);
    return reply.value;
}

/* ---- Looking at the journal ---- */

static inline UNUSED bool
keep_body(void *arg, const struct journal_event *event)
{
    json_array_append_new(arg, json_loads(event->body, 0, NULL));
    return true;
}

/* The bodies of all durable `test.result`. The caller owns the array. */
static inline UNUSED json_t *
results(struct neighbours *n)
{
    json_t *bodies = json_array();
    struct journal_query query = {.type_prefix = "test.result"};
    struct diag diag = {""};
    if (journal_read(n->scene->journal, &query, keep_body, bodies, &diag))
        fail_msg("%s", diag.text);
    return bodies;
}

static inline UNUSED const char *
text_of(const json_t *json, const char *member)
{
    const char *text = json_string_value(json_object_get(json, member));
    return text ? text : "(none)";
}

static inline UNUSED bool
says(const json_t *findings, const char *text)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (strstr(json_string_value(json_array_get(findings, i)), text))
            return true;
    }
    return false;
}

#endif
