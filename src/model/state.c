#include "model/state.h"

#include "base/alloc.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const phases[] = {"proposed", "reserved", "building",
                                     "built",    "active",   "removing"};
static const char *const severities[] = {"warning", "minor", "major", "critical"};
static const char *const exception_states[] = {"open", "acknowledged", "closed"};

const char *
circuit_phase_word(enum circuit_phase phase)
{
    return phase < PHASE_MAX ? phases[phase] : "?";
}

const char *
exception_severity_word(enum exception_severity severity)
{
    return severity < EXCEPTION_SEVERITY_MAX ? severities[severity] : "?";
}

enum exception_severity
exception_severity_from_word(const char *word)
{
    for (unsigned i = 0; i < EXCEPTION_SEVERITY_MAX; i++) {
        if (word && !strcmp(severities[i], word))
            return i;
    }
    return EXCEPTION_SEVERITY_MAX;
}

struct state *
state_new(void)
{
    struct state *s = xcalloc(1, sizeof *s);
    s->network = network_new();
    return s;
}

static void
status_free(struct state *s, struct circuit_status *status)
{
    HASH_DEL(s->circuits, status);
    free(status->circuit);
    free(status);
}

static void
exception_free(struct exception *e)
{
    free(e->kind);
    free(e->object);
    free(e->text);
    free(e->acknowledged_by);
    free(e->closed_by);
    free(e->closed_reason);
    free(e->comment);
    json_decref(e->evidence);
    free(e);
}

static void
fingerprint_free(struct state *s, struct fingerprint *f)
{
    HASH_DEL(s->fingerprints, f);
    free(f->circuit);
    json_decref(f->entries);
    free(f);
}

static void
order_free(struct order *o)
{
    free(o->workflow);
    free(o->requester);
    free(o->outcome);
    free(o->comment);
    free(o);
}

void
state_free(struct state *s)
{
    struct circuit_status *status, *next_status;
    struct exception *e, *next_e;
    struct fingerprint *f, *next_f;
    struct order *o, *next_o;
    if (!s)
        return;
    HASH_ITER (hh, s->circuits, status, next_status)
        status_free(s, status);
    HASH_ITER (hh, s->exceptions, e, next_e) {
        HASH_DEL(s->exceptions, e);
        exception_free(e);
    }
    HASH_ITER (hh, s->fingerprints, f, next_f)
        fingerprint_free(s, f);
    HASH_ITER (hh, s->orders, o, next_o) {
        HASH_DEL(s->orders, o);
        order_free(o);
    }
    access_fini(&s->access);
    local_fini(&s->local);
    sensing_fini(&s->sensing);
    tunneling_fini(&s->tunneling);
    vpning_fini(&s->vpning);
    network_free(s->network);
    free(s);
}

void
state_forget_site(struct state *s, uint32_t site)
{
    struct exception *e, *next;
    local_forget(&s->local, site);
    sensing_forget(&s->sensing, site);
    HASH_ITER (hh, s->exceptions, e, next) {
        if (exception_site(e->id) != site)
            continue;
        HASH_DEL(s->exceptions, e);
        exception_free(e);
    }
}

const struct circuit_status *
state_circuit(const struct state *s, const char *circuit)
{
    struct circuit_status *status;
    HASH_FIND_STR(s->circuits, circuit, status);
    return status;
}

const struct exception *
state_exception(const struct state *s, uint32_t id)
{
    struct exception *e;
    HASH_FIND(hh, s->exceptions, &id, sizeof id, e);
    return e;
}

const struct exception *
state_open_exception(const struct state *s, const char *kind, const char *object)
{
    for (struct exception *e = s->exceptions; e; e = e->hh.next) {
        if (e->state != EXCEPTION_CLOSED && !strcmp(e->kind, kind) && !strcmp(e->object, object))
            return e;
    }
    return NULL;
}

const struct fingerprint *
state_fingerprint(const struct state *s, const char *circuit)
{
    struct fingerprint *f;
    HASH_FIND_STR(s->fingerprints, circuit, f);
    return f;
}

const struct order *
state_order(const struct state *s, uint32_t id)
{
    struct order *o;
    HASH_FIND(hh, s->orders, &id, sizeof id, o);
    return o;
}

/* ---- Reading bodies ---- */

enum err
state_event_malformed(const struct state_event *e, const char *member, struct diag *diag)
{
    return diag_set(diag, ERR_MALFORMED, "event %llu, %s: \"%s\" is missing or wrong",
                    (unsigned long long)e->seq, e->type, member);
}

/* The event being applied; what is missing or wrong in its body is said once. */
struct application {
    struct state *state;
    const struct state_event *event;
    struct diag *diag;
    enum err err;
};

static void
fail(struct application *a, const char *field)
{
    if (!a->err)
        a->err = state_event_malformed(a->event, field, a->diag);
}

static const char *
text(struct application *a, const char *field)
{
    const char *value = json_string_value(json_object_get(a->event->body, field));
    if (!value)
        fail(a, field);
    return value ? value : "";
}

static const char *
optional_text(struct application *a, const char *field)
{
    return json_string_value(json_object_get(a->event->body, field));
}

static uint64_t
number(struct application *a, const char *field)
{
    const json_t *value = json_object_get(a->event->body, field);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        fail(a, field);
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

/* 0 if it is not there. */
static uint64_t
optional_number(struct application *a, const char *field)
{
    return json_object_get(a->event->body, field) ? number(a, field) : 0;
}

static const json_t *
array(struct application *a, const char *field)
{
    const json_t *value = json_object_get(a->event->body, field);
    if (!json_is_array(value))
        fail(a, field);
    return value;
}

/* ---- The model ---- */

static struct circuit_status *
need_status(struct state *s, const char *circuit)
{
    struct circuit_status *status;
    HASH_FIND_STR(s->circuits, circuit, status);
    if (!status) {
        status = xcalloc(1, sizeof *status);
        status->circuit = xstrdup(circuit);
        HASH_ADD_KEYPTR(hh, s->circuits, status->circuit, strlen(status->circuit), status);
    }
    return status;
}

static void
set_phase(struct application *a, const char *circuit, enum circuit_phase phase)
{
    struct circuit_status *status = need_status(a->state, circuit);
    uint32_t order = (uint32_t)optional_number(a, "order");
    if (order)
        status->order = order;
    if (status->phase != phase || !status->since)
        status->since = a->event->time;
    status->phase = phase;
}

static void
apply_model_put(struct application *a)
{
    struct report report = {0};
    enum err err = inventory_apply_json(a->state->network, a->event->body, false, &report, a->diag);
    /* An error of a row says more than how many there are. */
    for (size_t i = 0; err && i < report.n; i++) {
        if (report.rows[i].action == REPORT_ERROR)
            diag_set(a->diag, err, "event %llu, model.put: %s \"%s\": %s",
                     (unsigned long long)a->event->seq, report.rows[i].kind, report.rows[i].name,
                     report.rows[i].text);
    }
    report_fini(&report);
    if (err) {
        a->err = err;
        return;
    }
    for (struct circuit *c = a->state->network->circuits; c; c = c->hh.next) {
        if (!state_circuit(a->state, c->name))
            need_status(a->state, c->name)->since = a->event->time;
    }
    a->state->network_version++;
}

static void
apply_model_remove(struct application *a)
{
    const char *word = text(a, "kind"), *name = text(a, "name");
    enum object_kind kind = OBJECT_SITE;
    while (kind <= OBJECT_CIRCUIT && strcmp(object_class(kind)->word, word) != 0)
        kind++;
    if (a->err || kind > OBJECT_CIRCUIT)
        return;
    enum err gone = network_remove(a->state->network, kind, name);
    (void)gone; /* whether it was there or not */
    struct circuit_status *status;
    HASH_FIND_STR(a->state->circuits, name, status);
    if (status && kind == OBJECT_CIRCUIT)
        status_free(a->state, status);
    if (kind == OBJECT_TUNNEL)
        tunneling_forget(&a->state->tunneling, name);
    if (kind == OBJECT_VPN)
        vpning_forget(&a->state->vpning, name);
    a->state->network_version++;
}

/* ---- Circuits ---- */

static void
apply_reserved(struct application *a)
{
    const json_t *designs = array(a, "designs"), *item;
    size_t i, n = json_array_size(designs);
    struct design **list = xcalloc(n, sizeof(struct design *));
    for (i = 0; i < n && !a->err; i++) {
        struct diag why = {""};
        item = json_array_get(designs, i);
        if (design_from_json(item, &list[i], &why))
            fail(a, "designs");
    }
    for (i = 0; i < n; i++) {
        if (a->err) {
            design_free(list[i]);
            continue;
        }
        set_phase(a, list[i]->circuit, PHASE_RESERVED);
        network_put_design(a->state->network, list[i]);
    }
    free(list);
    a->state->network_version++;
}

static void
each_circuit(struct application *a, void (*apply)(struct application *, const char *circuit))
{
    const json_t *names = array(a, "circuits");
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (!json_is_string(json_array_get(names, i)))
            fail(a, "circuits");
    }
    for (size_t i = 0; !a->err && i < json_array_size(names); i++)
        apply(a, json_string_value(json_array_get(names, i)));
}

static void
release(struct application *a, const char *circuit)
{
    struct fingerprint *f;
    (void)network_remove_design(a->state->network, circuit);
    HASH_FIND_STR(a->state->fingerprints, circuit, f);
    if (f)
        fingerprint_free(a->state, f);
    set_phase(a, circuit, PHASE_PROPOSED);
}

static void
want(struct application *a, const char *circuit)
{
    set_phase(a, circuit, PHASE_BUILDING);
}

static void
unwant(struct application *a, const char *circuit)
{
    set_phase(a, circuit, PHASE_REMOVING);
}

static void
apply_released(struct application *a)
{
    each_circuit(a, release);
    a->state->network_version++;
}

static void
apply_wanted(struct application *a)
{
    each_circuit(a, want);
}

static void
apply_unwanted(struct application *a)
{
    each_circuit(a, unwant);
}

static void
apply_built(struct application *a)
{
    const char *circuit = text(a, "circuit");
    nsec_t duration = (nsec_t)optional_number(a, "duration-ns");
    if (a->err)
        return;
    set_phase(a, circuit, PHASE_BUILT);
    need_status(a->state, circuit)->build_time = duration;
}

/* Its design is still reserved; circuit.released gives it back. */
static void
apply_removed(struct application *a)
{
    const char *circuit = text(a, "circuit");
    if (!a->err)
        set_phase(a, circuit, PHASE_RESERVED);
}

static void
apply_fingerprint(struct application *a)
{
    const char *circuit = text(a, "circuit");
    const json_t *entries = array(a, "entries");
    struct fingerprint *f;
    if (a->err)
        return;
    HASH_FIND_STR(a->state->fingerprints, circuit, f);
    if (!f) {
        f = xcalloc(1, sizeof *f);
        f->circuit = xstrdup(circuit);
        HASH_ADD_KEYPTR(hh, a->state->fingerprints, f->circuit, strlen(f->circuit), f);
    }
    json_decref(f->entries);
    f->entries = json_incref((json_t *)entries);
    f->time = a->event->time;
    f->seq = a->event->seq;
    set_phase(a, circuit, PHASE_ACTIVE);
}

/* ---- Exceptions ---- */

static void
replace_text(char **field, const char *value)
{
    free(*field);
    *field = value ? xstrdup(value) : NULL;
}

static void
set_evidence(struct application *a, struct exception *e)
{
    json_t *evidence = json_object_get(a->event->body, "evidence");
    if (!json_is_object(evidence))
        return;
    json_decref(e->evidence);
    e->evidence = json_incref(evidence);
}

static void
apply_raised(struct application *a)
{
    uint32_t id = (uint32_t)number(a, "id");
    const char *kind = text(a, "kind"), *object = text(a, "object"), *what = text(a, "text");
    enum exception_severity severity = exception_severity_from_word(text(a, "severity"));
    if (severity == EXCEPTION_SEVERITY_MAX)
        fail(a, "severity");
    if (!id || state_exception(a->state, id))
        fail(a, "id");
    if (a->err)
        return;
    struct exception *e = xcalloc(1, sizeof *e);
    *e = (struct exception){.id = id,
                            .kind = xstrdup(kind),
                            .object = xstrdup(object),
                            .text = xstrdup(what),
                            .severity = severity,
                            .first = a->event->time,
                            .last = a->event->time,
                            .count = 1};
    set_evidence(a, e);
    HASH_ADD(hh, a->state->exceptions, id, sizeof e->id, e);
    a->state->last_exception = MAX(a->state->last_exception, id);
}

static struct exception *
named_exception(struct application *a)
{
    struct exception *e = (struct exception *)state_exception(a->state, (uint32_t)number(a, "id"));
    if (!e)
        fail(a, "id");
    return e;
}

static void
apply_repeated(struct application *a)
{
    struct exception *e = named_exception(a);
    uint64_t count = number(a, "count");
    if (a->err)
        return;
    e->count = (uint32_t)MIN(count, UINT32_MAX);
    e->last = a->event->time;
    set_evidence(a, e);
}

static void
apply_acknowledged(struct application *a)
{
    struct exception *e = named_exception(a);
    if (a->err || e->state == EXCEPTION_CLOSED)
        return;
    e->state = EXCEPTION_ACKNOWLEDGED;
    replace_text(&e->acknowledged_by, a->event->actor);
    replace_text(&e->comment, optional_text(a, "comment"));
}

static void
apply_closed(struct application *a)
{
    struct exception *e = named_exception(a);
    if (a->err)
        return;
    e->state = EXCEPTION_CLOSED;
    e->last = a->event->time;
    e->closed = a->event->time;
    replace_text(&e->closed_by, a->event->actor);
    replace_text(&e->closed_reason, optional_text(a, "reason"));
}

static void
apply_exception_order(struct application *a)
{
    struct exception *e = named_exception(a);
    uint32_t order = (uint32_t)number(a, "order");
    if (!a->err)
        e->order = order;
}

/* ---- Orders ---- */

static void
apply_run_created(struct application *a)
{
    uint32_t id = (uint32_t)strtoul(text(a, "run"), NULL, 10);
    const char *workflow = text(a, "workflow"), *requester = text(a, "requester");
    if (!id || state_order(a->state, id))
        fail(a, "run");
    if (a->err)
        return;
    struct order *o = xcalloc(1, sizeof *o);
    o->id = id;
    o->workflow = xstrdup(workflow);
    o->requester = xstrdup(requester);
    o->created = a->event->time;
    replace_text(&o->comment, optional_text(a, "comment"));
    HASH_ADD(hh, a->state->orders, id, sizeof o->id, o);
    a->state->last_order = MAX(a->state->last_order, id);
}

static void
apply_run_closed(struct application *a)
{
    struct order *o = (struct order *)state_order(a->state,
                                                  (uint32_t)strtoul(text(a, "run"), NULL, 10));
    const char *outcome = text(a, "outcome");
    if (!o)
        fail(a, "run");
    if (a->err || o->outcome)
        return;
    o->outcome = xstrdup(outcome);
    o->closed = a->event->time;
}

static const struct {
    const char *type;
    void (*apply)(struct application *);
} table[] = {
    {"model.put", apply_model_put},
    {"model.remove", apply_model_remove},
    {"circuit.reserved", apply_reserved},
    {"circuit.released", apply_released},
    {"circuit.wanted", apply_wanted},
    {"circuit.unwanted", apply_unwanted},
    {"circuit.built", apply_built},
    {"circuit.removed", apply_removed},
    {"circuit.fingerprint", apply_fingerprint},
    {"exception.raised", apply_raised},
    {"exception.repeated", apply_repeated},
    {"exception.acknowledged", apply_acknowledged},
    {"exception.closed", apply_closed},
    {"exception.order", apply_exception_order},
    {"run.created", apply_run_created},
    {"run.closed", apply_run_closed},
};

enum err
state_apply(struct state *s, const struct state_event *event, struct diag *diag)
{
    struct application a = {s, event, diag, ERR_OK};
    s->seq = event->seq;
    bool centres = !event->site; /* a site says of its own circuits that they have expired */
    if (centres && (!strncmp(event->type, "circuit.", 8) || !strncmp(event->type, "model.", 6)))
        s->plan_seq = event->seq;
    if (access_knows(event->type))
        return access_apply(&s->access, event, diag);
    if (sensing_knows(event->type))
        return sensing_apply(&s->sensing, event, diag);
    if (tunneling_knows(event->type))
        return tunneling_apply(&s->tunneling, event, diag);
    if (vpning_knows(event->type))
        return vpning_apply(&s->vpning, event, diag);
    a.err = local_apply(&s->local, event, diag);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].type, event->type))
            continue;
        if (!json_is_object(event->body))
            fail(&a, "body");
        else
            table[i].apply(&a);
    }
    return a.err;
}

static void
add_closing(const struct exception *e, json_t *out)
{
    char closed[TIME_TEXT_SIZE];
    if (e->state != EXCEPTION_CLOSED)
        return;
    json_object_set_new(out, "closed", json_string(time_format(e->closed, closed)));
    json_object_set_new(out, "closed-by", json_string(e->closed_by));
    if (e->closed_reason)
        json_object_set_new(out, "closed-reason", json_string(e->closed_reason));
}

json_t *
exception_to_json(const struct exception *e)
{
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    json_t *evidence = json_array(), *value;
    const char *name;
    json_object_foreach(e->evidence, name, value)
    {
        json_array_append_new(evidence, json_pack("{ss sO}", "name", name, "value", value));
    }
    json_t *out = json_pack("{si ss ss ss ss so ss ss si ss}", "id", (int)e->id, "kind", e->kind,
                            "severity", exception_severity_word(e->severity), "object", e->object,
                            "text", e->text, "evidence", evidence, "first",
                            time_format(e->first, first), "last", time_format(e->last, last),
                            "count", (int)e->count, "state", exception_states[e->state]);
    if (e->acknowledged_by)
        json_object_set_new(out, "acknowledged-by", json_string(e->acknowledged_by));
    if (e->comment)
        json_object_set_new(out, "comment", json_string(e->comment));
    if (e->order)
        json_object_set_new(out, "order", json_integer(e->order));
    add_closing(e, out);
    return out;
}
