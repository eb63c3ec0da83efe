/* service_testing.h - the service with all that is around it, for tests: a journal in a temporary
 * file, the state over it, the local bus, and in place of the services lan and assure a world of
 * nodes that is a set of circuits. The world outlives a crash, the rest is made anew from the
 * journal. The clock stands still but for what a test adds. */
#ifndef ORCHESTRATE_SERVICE_TESTING_H
#define ORCHESTRATE_SERVICE_TESTING_H

#include "base/alloc.h"
#include "bus/local.h"
#include "io/testing.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "model/json.h"
#include "model/testing.h"
#include "orchestrate/service.h"

#define T0 (INT64_C(1800000000) * NSEC_PER_SEC)

static nsec_t bench_now;

static inline UNUSED nsec_t
bench_clock(void)
{
    return bench_now;
}

struct bench {
    struct test_dir dir;
    char path[TEST_PATH_SIZE];
    uv_loop_t *loop;
    struct journal *journal;
    struct journal_subscription *folding, *watching;
    struct state *state;
    struct bus *bus;
    struct orchestrate_service *service;
    const char *workflows; /* directory */
    /* Of a site that has a centre: its number, what it knows of the centre (told again to each new
     * state), whether it is cut off. */
    uint32_t number;
    void (*tell_state)(struct bench *);
    bool (*cut_off)(void *bench);

    /* The world. */
    json_t *nodes;      /* {circuit: true} of those whose rules are in the nodes */
    json_t *pushes;     /* {circuit: how often it was pushed} */
    json_t *asked;      /* [[subject, payload], ...] of all that was asked of lan and assure */
    json_t *failing;    /* {subject or "subject circuit": error name}; until it is taken out */
    json_t *difference; /* what the next read-backs find: text; NULL: nothing */
    bool mute;          /* lan and assure do not answer */
    unsigned n_live;    /* events since the service was started */
};

/* ---- The services beside it -------------------------------------------------------------------
 */

static inline UNUSED enum err
bench_err(const char *name)
{
    for (enum err err = ERR_OK; err < ERR_MAX; err++) {
        if (!strcmp(err_name(err), name))
            return err;
    }
    fail_msg("no such error: %s", name);
    return ERR_MAX;
}

/* Does the request fail as the test wants it? Then it is answered. */
static inline UNUSED bool
bench_fails(struct bench *b, const struct bus_message *m, const char *circuit)
{
    char key[128];
    snprintf(key, sizeof key, "%s %s", m->subject, circuit ? circuit : "");
    const char *name = json_string_value(json_object_get(b->failing, key));
    if (!name)
        name = json_string_value(json_object_get(b->failing, m->subject));
    if (name)
        bus_reply_error(b->bus, m->reply_to, bench_err(name), "%s does not work", m->subject);
    return name;
}

static inline UNUSED bool
bench_mishap(struct bench *b, const struct bus_message *m)
{
    size_t i;
    json_t *name, *circuits = json_object_get(m->payload, "circuits");
    const char *one = json_string_value(json_object_get(m->payload, "circuit"));
    json_array_append_new(b->asked, json_pack("[s, O]", m->subject, m->payload));
    if (b->mute || bench_fails(b, m, one))
        return true;
    json_array_foreach(circuits, i, name)
    {
        if (bench_fails(b, m, json_string_value(name)))
            return true;
    }
    return false;
}

static inline UNUSED void
bench_push(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct bench *b = arg;
    size_t i;
    json_t *name;
    if (bench_mishap(b, m))
        return;
    json_array_foreach(json_object_get(m->payload, "circuits"), i, name)
    {
        const char *circuit = json_string_value(name);
        const struct circuit_status *status = state_circuit(b->state, circuit);
        if (!status || !phase_is_wanted(status->phase)) {
            bus_reply_error(b->bus, m->reply_to, ERR_NOT_FOUND, "%s is not wanted", circuit);
            return;
        }
        json_int_t n = json_integer_value(json_object_get(b->pushes, circuit));
        json_object_set_new(b->pushes, circuit, json_integer(n + 1));
        json_object_set_new(b->nodes, circuit, json_true());
    }
    bus_reply(
        b->bus, m->reply_to,
        json_pack("{s:[s,s], s:i, s:i}", "nodes", "x", "y", "rules", 10, "duration-ns", 5000000));
}

static inline UNUSED void
bench_remove(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct bench *b = arg;
    size_t i;
    json_t *name;
    if (bench_mishap(b, m))
        return;
    json_array_foreach(json_object_get(m->payload, "circuits"), i, name)
    {
        const struct circuit_status *status = state_circuit(b->state, json_string_value(name));
        if (status && phase_is_wanted(status->phase)) {
            bus_reply_error(b->bus, m->reply_to, ERR_CONFLICT, "it is wanted");
            return;
        }
        json_object_del(b->nodes, json_string_value(name));
    }
    bus_reply(b->bus, m->reply_to,
              json_pack("{s:[s], s:i, s:i}", "nodes", "x", "rules", 10, "duration-ns", 4000000));
}

static inline UNUSED void
bench_readback(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct bench *b = arg;
    size_t i;
    json_t *name, *differences = json_array();
    bool removed = json_is_true(json_object_get(m->payload, "removed"));
    if (bench_mishap(b, m)) {
        json_decref(differences);
        return;
    }
    json_array_foreach(json_object_get(m->payload, "circuits"), i, name)
    {
        if (!json_object_get(b->nodes, json_string_value(name)) != removed)
            json_array_append(differences, name);
    }
    if (b->difference)
        json_array_append(differences, b->difference);
    bus_reply(b->bus, m->reply_to,
              json_pack("{s:b, s:O}", "ok", json_array_size(differences) == 0, "differences",
                        differences));
    json_decref(differences);
}

static inline UNUSED void
bench_repair(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct bench *b = arg;
    if (!bench_mishap(b, m))
        bus_reply(b->bus, m->reply_to,
                  json_pack("{s:i, s:i, s:i, s:i}", "added", 1, "removed", 0, "changed", 0,
                            "duration-ns", 1000000));
}

static inline UNUSED void
bench_test(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct bench *b = arg;
    json_t *name = json_object_get(m->payload, "circuit");
    if (!bench_mishap(b, m))
        bus_reply(b->bus, m->reply_to,
                  json_pack("{s:b, s:[{s:O, s:s, s:i, s:i}], s:[]}", "ok", 1, "entries", "circuit",
                            name, "path", "primary", "sent", 100, "lost", 0, "findings"));
}

static const struct {
    const char *subject;
    bus_message_fn *serve;
} bench_services[] = {
    {"lan.push", bench_push},     {"lan.remove", bench_remove}, {"lan.readback", bench_readback},
    {"lan.repair", bench_repair}, {"assure.test", bench_test},
};

/* ---- The bench --------------------------------------------------------------------------------
 */

static inline UNUSED void
bench_fold(void *arg, const struct journal_event *e)
{
    struct bench *b = arg;
    struct diag why = {""};
    json_t *body = json_loads(e->body, 0, NULL);
    struct state_event event = {e->seq, e->time, e->type, e->object, e->actor, body, b->number};
    if (state_apply(b->state, &event, &why))
        fail_msg("%s", why.text);
    json_decref(body);
}

static inline UNUSED void
bench_count(void *arg, const struct journal_event *e UNUSED)
{
    ((struct bench *)arg)->n_live++;
}

static inline UNUSED void
bench_start(struct bench *b)
{
    const struct journal_config config = {.site = "lab", .clock = bench_clock};
    struct diag why = {""};
    struct bus_subscription *subscription;
    if (journal_open(b->loop, b->path, &config, &b->journal, &why))
        fail_msg("%s", why.text);
    b->state = state_new();
    if (b->tell_state)
        b->tell_state(b);
    assert_ok(journal_subscribe(b->journal, 1, bench_fold, b, &b->folding, &why));
    b->bus = bus_local_new(b->loop, 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bench_services); i++)
        assert_ok(bus_subscribe(b->bus, bench_services[i].subject, bench_services[i].serve, b,
                                &subscription));
    const struct orchestrate_service_config service = {.loop = b->loop,
                                                       .journal = b->journal,
                                                       .bus = b->bus,
                                                       .state = b->state,
                                                       .site = "lab",
                                                       .workflows_dir = b->workflows,
                                                       .exceptions_only = b->number,
                                                       .number = b->number,
                                                       .cut_off = b->cut_off,
                                                       .arg = b,
                                                       .clock = bench_clock};
    if (orchestrate_service_new(&service, &b->service, &why))
        fail_msg("%s", why.text);
    b->n_live = 0;
    assert_ok(journal_subscribe(b->journal, 0, bench_count, b, &b->watching, &why));
}

static inline UNUSED void
bench_closed(void *arg)
{
    *(bool *)arg = true;
}

/* Everything ends but the world and the disk. */
static inline UNUSED void
bench_stop(struct bench *b)
{
    bool closed = false;
    orchestrate_service_free(b->service);
    bus_free(b->bus);
    journal_close(b->journal, bench_closed, &closed);
    RUN_UNTIL(b->loop, closed);
    state_free(b->state);
    b->service = NULL;
    b->bus = NULL;
    b->journal = NULL;
    b->state = NULL;
}

static inline UNUSED void
bench_restart(struct bench *b)
{
    bench_stop(b);
    bench_start(b);
}

static inline UNUSED struct bench *
bench_new(void)
{
    struct bench *b = xcalloc(1, sizeof *b);
    b->dir = test_dir_make();
    test_path(&b->dir, "journal.db", b->path);
    b->loop = test_loop_new();
    b->workflows = TIELINE_SOURCE_DIR "/etc/workflows";
    b->nodes = json_object();
    b->pushes = json_object();
    b->asked = json_array();
    b->failing = json_object();
    bench_now = T0;
    bench_start(b);
    return b;
}

static inline UNUSED void
bench_free(struct bench *b)
{
    bench_stop(b);
    test_loop_free(b->loop);
    test_dir_remove(&b->dir);
    json_decref(b->nodes);
    json_decref(b->pushes);
    json_decref(b->asked);
    json_decref(b->failing);
    json_decref(b->difference);
    free(b);
}

static inline UNUSED int
bench_set_up(void **state)
{
    *state = bench_new();
    return 0;
}

static inline UNUSED int
bench_tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

#define TEST_ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)

/* ---- Asking -----------------------------------------------------------------------------------
 */

struct reply {
    bool done;
    enum err err;
    char text[512];
    json_t *value;
};

static inline UNUSED void
bench_replied(void *arg, const struct call_result *result)
{
    struct reply *reply = arg;
    reply->done = true;
    reply->err = result->err;
    snprintf(reply->text, sizeof reply->text, "%s", result->text);
    reply->value = json_incref(result->value);
}

/* Without waiting for the answer. */
static inline UNUSED void
bench_send(struct bench *b, const char *subject, json_t *payload, struct reply *reply)
{
    *reply = (struct reply){.done = false};
    assert_ok(
        bus_request(b->bus, subject, payload, 3600 * NSEC_PER_SEC, bench_replied, reply, NULL));
}

/* The answer; the caller owns it. */
static inline UNUSED json_t *
bench_ask(struct bench *b, const char *subject, json_t *payload)
{
    struct reply reply;
    bench_send(b, subject, payload, &reply);
    RUN_UNTIL(b->loop, reply.done);
    if (reply.err)
        fail_msg("%s: %s: %s", subject, err_name(reply.err), reply.text);
    return reply.value;
}

static inline UNUSED void
bench_do(struct bench *b, const char *subject, json_t *payload)
{
    json_decref(bench_ask(b, subject, payload));
}

/* It is refused, and the text says this. */
static inline UNUSED void
bench_refused(struct bench *b, const char *subject, json_t *payload, enum err err, const char *says)
{
    struct reply reply;
    bench_send(b, subject, payload, &reply);
    RUN_UNTIL(b->loop, reply.done);
    json_decref(reply.value);
    assert_err(reply.err, err);
    if (!strstr(reply.text, says))
        fail_msg("'%s' does not say '%s'", reply.text, says);
}

/* A document in JSON with single quotes. */
static inline UNUSED void
bench_put(struct bench *b, const char *document)
{
    json_t *report = bench_ask(
        b, "model.put",
        json_pack("{s:s, s:o}", "actor", "emma", "document", json_quoted(document)));
    if (!json_is_true(json_object_get(report, "applied")))
        fail_msg("%s", json_dumps(report, 0));
    json_decref(report);
}

/* Two nodes, a link, three hosts; a TCP circuit from fep to rtu and a GOOSE circuit from relay. */
#define BENCH_MODEL                                                                                \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT               \
    ", {'name': 'goose-trip', 'multicast': {'application': 'goose', 'publisher': 'relay',"         \
    " 'subscribers': ['rtu', 'fep'], 'mac': '01-0c-cd-01-00-01', 'vlan-id': 10,"                   \
    " 'appid': '0001'}, 'service-class': 'protection', 'rate-kbps': 600,"                          \
    " 'burst-octets': 1200, 'protection': 'none'}]}}"

/* Submits; `input` in JSON with single quotes. The order's number. */
static inline UNUSED uint32_t
bench_submit(struct bench *b, const char *workflow, const char *input)
{
    json_t *answer = bench_ask(b, "work.submit",
                               json_pack("{s:s, s:s, s:o, s:s}", "actor", "rita", "workflow",
                                         workflow, "input", json_quoted(input), "comment",
                                         "because"));
    uint32_t id = (uint32_t)json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    return id;
}

static inline UNUSED json_t *
bench_order(struct bench *b, uint32_t id)
{
    return bench_ask(b, "work.get", json_pack("{s:I}", "order", (json_int_t)id));
}

/* The value of a text member of the order; valid until the next call. */
static inline UNUSED const char *
bench_member(struct bench *b, uint32_t id, const char *key)
{
    static char text[512];
    json_t *order = bench_order(b, id);
    const char *value = json_string_value(json_object_get(order, key));
    snprintf(text, sizeof text, "%s", value ? value : "");
    json_decref(order);
    return text;
}

/* An approval of the order, of its open list: the hash that is asked for. */
static inline UNUSED bool
bench_asks(struct bench *b, uint32_t id, char hash[128])
{
    size_t i;
    json_t *approval, *order = bench_order(b, id);
    bool asks = false;
    json_array_foreach(json_object_get(order, "approval"), i, approval)
    {
        if (strcmp(json_string_value(json_object_get(approval, "state")), "asked") != 0)
            continue;
        asks = true;
        snprintf(hash, 128, "%s", json_string_value(json_object_get(approval, "hash")));
    }
    json_decref(order);
    return asks;
}

/* The payload of a decision; roles separated by a space. */
static inline UNUSED json_t *
bench_decision(uint32_t id, const char *who, const char *roles, const char *role, const char *hash)
{
    json_t *list = json_array();
    char *copy = xstrdup(roles), *save = NULL;
    for (char *at = strtok_r(copy, " ", &save); at; at = strtok_r(NULL, " ", &save))
        json_array_append_new(list, json_string(at));
    free(copy);
    json_t *payload = json_pack("{s:s, s:o, s:I, s:s, s:s}", "actor", who, "roles", list, "order",
                                (json_int_t)id, "decision", "approve", "hash", hash);
    if (role)
        json_object_set_new(payload, "role", json_string(role));
    return payload;
}

static inline UNUSED void
bench_run_until_asked(struct bench *b, uint32_t id)
{
    char hash[128];
    uv_timer_t *watchdog = watchdog_new(b->loop, "an approval to be asked for");
    while (!bench_asks(b, id, hash)) {
        const struct order *order = state_order(b->state, id);
        if (order && order->outcome)
            fail_msg("order %u is %s: %s", id, order->outcome, bench_member(b, id, "error"));
        uv_run(b->loop, UV_RUN_ONCE);
    }
    watchdog_free(watchdog);
}

/* The operator and the security administrator of a turn-up. */
static inline UNUSED void
bench_approve(struct bench *b, uint32_t id)
{
    char hash[128];
    bench_run_until_asked(b, id);
    assert_true(bench_asks(b, id, hash));
    bench_do(b, "work.decide", bench_decision(id, "olga", "OPERATOR", "OPERATOR", hash));
    bench_do(b, "work.decide", bench_decision(id, "sam", "SECADM", "SECADM", hash));
}

static inline UNUSED const char *
bench_outcome(struct bench *b, uint32_t id)
{
    const struct order *order = state_order(b->state, id);
    return order ? order->outcome : NULL;
}

static inline UNUSED void
bench_run_to_end(struct bench *b, uint32_t id, const char *outcome)
{
    RUN_UNTIL(b->loop, bench_outcome(b, id));
    if (strcmp(bench_outcome(b, id), outcome) != 0)
        fail_msg("order %u is %s, not %s: %s", id, bench_outcome(b, id), outcome,
                 bench_member(b, id, "error"));
}

static inline UNUSED void
assert_phase(const struct bench *b, const char *circuit, enum circuit_phase phase)
{
    assert_string_equal(circuit_phase_word(state_circuit(b->state, circuit)->phase),
                        circuit_phase_word(phase));
}

/* ---- The journal ------------------------------------------------------------------------------
 */

static inline UNUSED bool
bench_take_event(void *arg, const struct journal_event *e)
{
    json_t *body = json_loads(e->body, 0, NULL);
    json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:o}", "type", e->type, "object",
                                         e->object, "actor", e->actor, "body", body));
    return true;
}

/* The events whose type begins so: [{type, object, actor, body}]; the caller owns them. */
static inline UNUSED json_t *
bench_events(struct bench *b, const char *prefix)
{
    const struct journal_query query = {.type_prefix = prefix};
    json_t *events = json_array();
    assert_ok(journal_read(b->journal, &query, bench_take_event, events, NULL));
    return events;
}

static inline UNUSED size_t
bench_n_events(struct bench *b, const char *prefix)
{
    json_t *events = bench_events(b, prefix);
    size_t n = json_array_size(events);
    json_decref(events);
    return n;
}

/* How often lan or assure was asked this. */
static inline UNUSED size_t
bench_n_asked(const struct bench *b, const char *subject)
{
    size_t i, n = 0;
    json_t *one;
    json_array_foreach(b->asked, i, one)
    {
        n += !strcmp(json_string_value(json_array_get(one, 0)), subject);
    }
    return n;
}

#endif
