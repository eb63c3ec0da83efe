/* centre.h - a control centre with a LAN controller, for tests: a real service on a real loop with
 * a local bus, a journal in a temporary directory, and certificates made for the occasion. The test
 * stands in for tielined (events become state, and the service is told) and for orchestrate
 * (exceptions become events). Static functions only. */
#ifndef TEST_LAN_CENTRE_H
#define TEST_LAN_CENTRE_H

#include "base/alloc.h"
#include "base/log.h"
#include "bus/local.h"
#include "engineer/compile.h"
#include "engineer/design.h"
#include "engineer/testing.h"
#include "io/clock.h"
#include "io/stream.h"
#include "io/testing.h"
#include "io/timer.h"
#include "journal/journal.h"
#include "lan/service.h"
#include "model/json.h"

/* An event of the journal. */
struct note {
    char *type, *object;
    json_t *body;
    nsec_t time; /* monotonic, when it was durable */
};

struct centre {
    struct test_dir dir;
    struct test_ca ca;
    uv_loop_t *loop;
    struct bus *bus;
    struct bus_subscription *raised, *closed;
    struct journal *journal;
    struct journal_subscription *events;
    struct state *state;
    struct tls *tls;
    struct lan_service *lan;
    struct designer *designer;
    struct note *notes;
    uint32_t n_notes, notes_capacity;
    uint32_t n_exceptions;
    uint32_t closing;                  /* its close is not in the state yet */
    char address[64], rpc_address[64]; /* the controller's */
    const char *const *domain;         /* as in lan_config */
    nsec_t now;                        /* what windows are judged by; 0: the clock */
};

/* Of the site whose local.* events these are. */
#define CENTRE_SITE 1u

static inline void
centre_append(struct centre *s, const char *type, const char *object, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    struct journal_entry entry = {
        .type = type, .object = object, .actor = "system/test", .body = text};
    struct diag diag = {""};
    if (journal_append(s->journal, &entry, 1, NULL, NULL, &diag))
        fail_msg("%s: %s", type, diag.text);
    free(text);
    json_decref(body);
}

static inline void
centre_on_event(void *arg, const struct journal_event *e)
{
    struct centre *s = arg;
    struct diag diag = {""};
    json_t *body = json_loads(e->body, 0, NULL);
    struct state_event event = {.seq = e->seq,
                                .time = e->time,
                                .type = e->type,
                                .object = e->object,
                                .actor = e->actor,
                                .body = body,
                                .site = strncmp(e->type, "local.", 6) ? 0 : CENTRE_SITE};
    if (state_apply(s->state, &event, &diag))
        fail_msg("%s: %s", e->type, diag.text);
    GROW(s->notes, s->n_notes, s->notes_capacity);
    s->notes[s->n_notes++] = (struct note){xstrdup(e->type), xstrdup(e->object), body,
                                           clock_monotonic()};
    if (s->lan)
        lan_service_event(s->lan, &event);
}

/* As orchestrate does: only what is not open yet is raised, or is just being closed; only what is
 * open is closed. */
static inline void
centre_on_raise(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct centre *s = arg;
    const char *kind = json_string_value(json_object_get(m->payload, "kind"));
    const char *object = json_string_value(json_object_get(m->payload, "object"));
    char id[32];
    assert_non_null(kind);
    assert_non_null(object);
    const struct exception *e = state_open_exception(s->state, kind, object);
    if (e && e->id != s->closing)
        return;
    json_t *body = json_deep_copy(m->payload);
    json_object_del(body, "actor");
    json_object_set_new(body, "id", json_integer(++s->n_exceptions));
    snprintf(id, sizeof id, "exception/%u", s->n_exceptions);
    centre_append(s, "exception.raised", id, body);
}

static inline void
centre_on_close(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct centre *s = arg;
    const char *kind = json_string_value(json_object_get(m->payload, "kind"));
    const char *object = json_string_value(json_object_get(m->payload, "object"));
    const struct exception *e = state_open_exception(s->state, kind, object);
    char id[32];
    if (!e)
        return;
    s->closing = e->id;
    snprintf(id, sizeof id, "exception/%u", e->id);
    centre_append(
        s, "exception.closed", id,
        json_pack("{si sO}", "id", (int)e->id, "reason", json_object_get(m->payload, "reason")));
}

static inline nsec_t
centre_now(void *arg)
{
    const struct centre *s = arg;
    return s->now ? s->now : clock_wall();
}

static inline void
centre_start_controller(struct centre *s)
{
    struct lan_config config = {.loop = s->loop,
                                .bus = s->bus,
                                .journal = s->journal,
                                .state = s->state,
                                .tls = s->tls,
                                .openflow_address = s->address,
                                .rpc_address = s->rpc_address,
                                .domain = s->domain,
                                .now = centre_now,
                                .now_arg = s};
    struct diag diag = {""};
    if (lan_service_new(&config, &s->lan, &diag))
        fail_msg("%s", diag.text);
    snprintf(s->address, sizeof s->address, "%s", lan_service_openflow_address(s->lan));
    snprintf(s->rpc_address, sizeof s->rpc_address, "%s", lan_service_rpc_address(s->lan));
}

static inline void
centre_stop_controller(struct centre *s)
{
    lan_service_free(s->lan);
    s->lan = NULL;
}

static inline struct tls *
centre_identity(struct centre *s, const char *stem)
{
    char ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE], name[64];
    struct tls_config config = {.ca_file = test_path(&s->dir, "ca.crt", ca)};
    struct tls *tls;
    struct diag diag = {""};
    snprintf(name, sizeof name, "%s.crt", stem);
    config.cert_file = test_path(&s->dir, name, cert);
    snprintf(name, sizeof name, "%s.key", stem);
    config.key_file = test_path(&s->dir, name, key);
    if (tls_new(&config, &tls, &diag))
        fail_msg("%s", diag.text);
    return tls;
}

/* Takes the network over; the controller is not started. */
static inline struct centre *
centre_new(struct network *network)
{
    struct centre *s = xcalloc(1, sizeof *s);
    const struct journal_config journal = {.site = "test"};
    struct diag diag = {""};
    char path[TEST_PATH_SIZE];
    s->dir = test_dir_make();
    s->loop = test_loop_new();
    s->ca = test_ca_make("Utility CA");
    test_pem_write(&s->dir, "ca.crt", s->ca.cert, NULL);
    test_cert_issue(&s->dir, "controller", &s->ca, &(struct test_cert){.name = "controller"});
    s->tls = centre_identity(s, "controller");
    s->bus = bus_local_new(s->loop, 0, 0);
    s->state = state_new();
    network_free(s->state->network);
    s->state->network = network;
    s->designer = designer_new(network);
    if (journal_open(s->loop, test_path(&s->dir, "journal.db", path), &journal, &s->journal, &diag))
        fail_msg("%s", diag.text);
    assert_ok(journal_subscribe(s->journal, 1, centre_on_event, s, &s->events, &diag));
    assert_ok(bus_subscribe(s->bus, "exception.raise", centre_on_raise, s, &s->raised));
    assert_ok(bus_subscribe(s->bus, "exception.close", centre_on_close, s, &s->closed));
    snprintf(s->address, sizeof s->address, "127.0.0.1:0");
    snprintf(s->rpc_address, sizeof s->rpc_address, "127.0.0.1:0");
    return s;
}

static inline void
centre_note_closed(void *arg)
{
    *(bool *)arg = true;
}

static inline void
centre_free(struct centre *s)
{
    bool closed = false;
    centre_stop_controller(s);
    bus_free(s->bus);
    journal_close(s->journal, centre_note_closed, &closed);
    RUN_UNTIL(s->loop, closed);
    test_loop_free(s->loop);
    for (uint32_t i = 0; i < s->n_notes; i++) {
        free(s->notes[i].type);
        free(s->notes[i].object);
        json_decref(s->notes[i].body);
    }
    free(s->notes);
    designer_free(s->designer);
    state_free(s->state);
    tls_free(s->tls);
    test_ca_free(&s->ca);
    test_dir_remove(&s->dir);
    free(s);
}

/* ---- Events */

/* The newest event of this type about this object that is not among the first `from`; NULL. */
static inline UNUSED const struct note *
centre_event_since(const struct centre *s, uint32_t from, const char *type, const char *object)
{
    for (uint32_t i = s->n_notes; i > from; i--) {
        const struct note *n = &s->notes[i - 1];
        if (!strcmp(n->type, type) && (!object || !strcmp(n->object, object)))
            return n;
    }
    return NULL;
}

static inline UNUSED const struct note *
centre_event(const struct centre *s, const char *type, const char *object)
{
    return centre_event_since(s, 0, type, object);
}

static inline UNUSED unsigned
centre_count_events(const struct centre *s, const char *type, const char *object)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < s->n_notes; i++)
        n += !strcmp(s->notes[i].type, type) && (!object || !strcmp(s->notes[i].object, object));
    return n;
}

static inline UNUSED const char *
note_text(const struct note *n, const char *member)
{
    const char *text = n ? json_string_value(json_object_get(n->body, member)) : NULL;
    return text ? text : "";
}

/* The exception of this kind about this object, open or not; the newest. */
static inline UNUSED const struct exception *
centre_exception(const struct centre *s, const char *kind, const char *object)
{
    const struct exception *found = NULL;
    for (struct exception *e = s->state->exceptions; e; e = e->hh.next) {
        if (!strcmp(e->kind, kind) && !strcmp(e->object, object))
            found = e;
    }
    return found;
}

static inline UNUSED bool
centre_is_open(const struct centre *s, const char *kind, const char *object)
{
    return state_open_exception(s->state, kind, object) != NULL;
}

/* ---- Requests */

struct answer {
    bool done;
    enum err err;
    char text[400];
    json_t *value;
};

static inline void
centre_on_answer(void *arg, const struct call_result *result)
{
    struct answer *a = arg;
    a->done = true;
    a->err = result->err;
    snprintf(a->text, sizeof a->text, "%s", result->text);
    a->value = result->value ? json_incref(result->value) : NULL;
}

static inline void
answer_fini(struct answer *a)
{
    json_decref(a->value);
    *a = (struct answer){0};
}

/* Asks and does not wait. */
static inline void
centre_request(struct centre *s, const char *subject, json_t *payload, struct answer *a)
{
    *a = (struct answer){0};
    assert_ok(bus_request(s->bus, subject, payload, 60 * NSEC_PER_SEC, centre_on_answer, a, NULL));
}

static inline UNUSED struct answer
centre_ask(struct centre *s, const char *subject, json_t *payload)
{
    struct answer a;
    centre_request(s, subject, payload, &a);
    RUN_UNTIL(s->loop, a.done);
    return a;
}

/* ---- Circuits. Names in one string, separated by spaces. */

static inline json_t *
names_json(const char *names)
{
    json_t *array = json_array();
    char *copy = xstrdup(names), *save = NULL;
    for (char *at = strtok_r(copy, " ", &save); at; at = strtok_r(NULL, " ", &save))
        json_array_append_new(array, json_string(at));
    free(copy);
    return array;
}

/* The circuit is in the network, and gets its design: an event. */
static inline UNUSED void
centre_reserve(struct centre *s, const char *name)
{
    struct diag diag = {""};
    struct design *d;
    if (designer_add(s->designer, network_circuit(s->state->network, name), &d, &diag))
        fail_msg("%s: %s", name, diag.text);
    centre_append(s, "circuit.reserved", "work/1",
                  json_pack("{si s[o]}", "order", 1, "designs", design_to_json(d)));
    design_free(d);
    RUN_UNTIL(s->loop, network_design(s->state->network, name));
}

static inline UNUSED void
centre_tell_wanted(struct centre *s, const char *type, const char *names)
{
    json_t *array = names_json(names);
    char object[128];
    snprintf(object, sizeof object, "circuit/%s", json_string_value(json_array_get(array, 0)));
    centre_append(s, type, object, json_pack("{si so}", "order", 1, "circuits", array));
    uint32_t before = s->n_notes;
    RUN_UNTIL(s->loop, centre_event_since(s, before, type, object));
}

static inline UNUSED void
centre_tell_done(struct centre *s, const char *type, const char *name)
{
    char object[128];
    snprintf(object, sizeof object, "circuit/%s", name);
    centre_append(s, type, object,
                  json_pack("{si ss si si si}", "order", 1, "circuit", name, "nodes", 1, "rules", 1,
                            "duration-ns", 1));
    RUN_UNTIL(s->loop, centre_event(s, type, object));
}

/* Brings circuits into the network: wanted, pushed, built. */
static inline UNUSED void
centre_build(struct centre *s, const char *names)
{
    json_t *array = names_json(names);
    for (size_t i = 0; i < json_array_size(array); i++)
        centre_reserve(s, json_string_value(json_array_get(array, i)));
    centre_tell_wanted(s, "circuit.wanted", names);
    struct answer a = centre_ask(s, "lan.push", json_pack("{sO}", "circuits", array));
    if (a.err)
        fail_msg("%s", a.text);
    answer_fini(&a);
    for (size_t i = 0; i < json_array_size(array); i++)
        centre_tell_done(s, "circuit.built", json_string_value(json_array_get(array, i)));
    json_decref(array);
}

#endif
