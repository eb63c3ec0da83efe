#include "orchestrate/exceptions.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/timer.h"
#include "orchestrate/service_private.h"
#include "orchestrate/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY NSEC_PER_SEC
#define KIND_MAX 63
#define OBJECT_MAX 255
#define TEXT_MAX 4096

/* An exception that is not closed. */
struct note {
    struct exceptions *exceptions;
    char *key;    /* "kind object" */
    json_t *last; /* the latest occurrence, as it was raised; NULL: from before this process */
    uint32_t id, count, written; /* `written`: the count that is in the journal, or on its way */
    nsec_t written_at;
    bool stored;              /* its exception.raised is durable */
    bool ending;              /* its exception.closed is on its way */
    struct request **waiting; /* for `stored`, or for `ending` to end */
    size_t n_waiting, capacity;
    json_t *order; /* body of the run.created beside it; NULL: none */
    UT_hash_handle hh, by_id;
};

struct exceptions {
    struct orchestrate_service *service;
    struct note *notes; /* by key */
    struct note *ids;   /* the same by id */
    struct timer *timer;
    uint32_t last_id;
};

/* ---- Notes -------------------------------------------------------------------------------------
 */

static struct note *
find_note(const struct exceptions *ex, const char *kind, const char *object)
{
    struct note *note;
    char *key = xasprintf("%s %s", kind, object);
    HASH_FIND_STR(ex->notes, key, note);
    free(key);
    return note;
}

static struct note *
find_id(const struct exceptions *ex, uint32_t id)
{
    struct note *note;
    HASH_FIND(by_id, ex->ids, &id, sizeof id, note);
    return note;
}

static struct note *
note_new(struct exceptions *ex, const char *kind, const char *object, uint32_t id, uint32_t count)
{
    struct note *note = xcalloc(1, sizeof *note);
    *note = (struct note){.exceptions = ex, .id = id, .count = count, .written = count};
    note->key = xasprintf("%s %s", kind, object);
    note->written_at = ex->service->clock();
    HASH_ADD_KEYPTR(hh, ex->notes, note->key, strlen(note->key), note);
    HASH_ADD(by_id, ex->ids, id, sizeof note->id, note);
    return note;
}

static void
note_free(struct note *note)
{
    struct exceptions *ex = note->exceptions;
    HASH_DELETE(hh, ex->notes, note);
    HASH_DELETE(by_id, ex->ids, note);
    json_decref(note->last);
    json_decref(note->order);
    free(note->waiting);
    free(note->key);
    free(note);
}

static void
keep_waiting(struct note *note, struct request *request)
{
    GROW(note->waiting, note->n_waiting, note->capacity);
    note->waiting[note->n_waiting++] = request;
}

static void
answer_waiting(struct note *note, enum err err, const char *why)
{
    for (size_t i = 0; i < note->n_waiting; i++) {
        if (err)
            request_refuse(note->waiting[i], err, "%s", why);
        else
            request_answer(note->waiting[i], json_pack("{s:I}", "id", (json_int_t)note->id));
    }
    note->n_waiting = 0;
}

/* ---- Counting ----------------------------------------------------------------------------------
 */

static void
count_stored(void *arg UNUSED, enum err err, uint64_t seq UNUSED, const char *why)
{
    if (err)
        log_error("orchestrate: exception.repeated: %s", why);
}

static void
write_count(struct note *note)
{
    struct orchestrate_service *s = note->exceptions->service;
    char object[32];
    if (note->written == note->count || !note->stored || note->ending)
        return;
    json_t *evidence = json_object_get(note->last, "evidence");
    json_t *body = json_pack("{s:I, s:I}", "id", (json_int_t)note->id, "count",
                             (json_int_t)note->count);
    if (evidence)
        json_object_set(body, "evidence", evidence);
    snprintf(object, sizeof object, "exception/%u", note->id);
    struct new_event event = {"exception.repeated", object, ORCHESTRATE_ACTOR, body};
    note->written = note->count;
    note->written_at = s->clock();
    append_start(s->appends, &event, 1, true, count_stored, NULL);
}

/* Now, if it was not lately. */
static void
write_if_due(struct note *note)
{
    struct exceptions *ex = note->exceptions;
    if (note->written == note->count)
        return;
    if (ex->service->clock() - note->written_at >= EXCEPTION_WRITE_EVERY)
        write_count(note);
    else if (!timer_is_armed(ex->timer))
        timer_start(ex->timer, LOOK_EVERY);
}

static void
write_all_due(void *arg)
{
    struct exceptions *ex = arg;
    for (struct note *note = ex->notes; note; note = note->hh.next)
        write_if_due(note);
}

static void
count_once_more(struct note *note, json_t *occurrence)
{
    json_incref(occurrence);
    json_decref(note->last);
    note->last = occurrence;
    note->count += note->count < UINT32_MAX;
    write_if_due(note);
}

/* ---- Raising -----------------------------------------------------------------------------------
 */

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Where the settings leave it to people what to do about a rule. */
static bool
is_left_to_people(const struct orchestrate_service *s, const char *kind)
{
    const struct settings *settings = &s->state->network->settings;
    return (!strcmp(kind, "rule-missing") && settings->missing_rule == DRIFT_REPORT) ||
           (!strcmp(kind, "rule-foreign") && settings->foreign_rule == DRIFT_REPORT);
}

/* What the repairing workflow is told, as far as it asks for it. */
static json_t *
repair_input(const struct definition *definition, const struct note *note)
{
    char id[16];
    const char *name, *object = text_of(note->last, "object");
    json_t *value, *input = json_object(), *nodes = json_array();
    const json_t *asked = json_object_get(workflow_json(definition->workflow), "input");
    json_t *evidence = json_object_get(note->last, "evidence");
    snprintf(id, sizeof id, "%u", note->id);
    if (!strncmp(object, "node/", 5))
        json_array_append_new(nodes, json_string(object + 5));
    json_t *known = json_pack("{s:s, s:o, s:o, s:b}", "exception", id, "nodes", nodes, "evidence",
                              evidence ? json_incref(evidence) : json_object(), "approval", true);
    json_object_foreach(known, name, value)
    {
        if (json_object_get(asked, name))
            json_object_set(input, name, value);
    }
    json_decref(known);
    return input;
}

/* Begins an order beside the exception: two more events. Their number. */
static size_t
add_order(struct note *note, const char *exception, struct new_work *made,
          struct new_event events[2])
{
    struct orchestrate_service *s = note->exceptions->service;
    const struct definition *definition = service_repairing_definition(s);
    struct diag why = {""};
    if (!definition || !is_left_to_people(s, text_of(note->last, "kind")))
        return 0;
    json_t *input = repair_input(definition, note);
    enum err err = works_prepare(s->works, definition, ORCHESTRATE_ACTOR,
                                 text_of(note->last, "text"), input, made, &why);
    json_decref(input);
    if (err) {
        log_warn("orchestrate: exception %u: no order to repair it: %s", note->id, why.text);
        return 0;
    }
    note->order = made->body;
    events[0] = (struct new_event){"run.created", made->object, ORCHESTRATE_ACTOR,
                                   json_incref(made->body)};
    events[1] = (struct new_event){
        "exception.order", exception, ORCHESTRATE_ACTOR,
        json_pack("{s:I, s:I}", "id", (json_int_t)note->id, "order", (json_int_t)made->id)};
    return 2;
}

static void
raise_stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct note *note = arg;
    if (err) {
        if (note->order)
            works_drop(note->exceptions->service->works, note->order);
        log_error("orchestrate: exception %s: %s", note->key, why);
        answer_waiting(note, err, why);
        note_free(note);
        return;
    }
    json_decref(note->order);
    note->order = NULL;
    note->stored = true;
    answer_waiting(note, ERR_OK, "");
    write_if_due(note);
}

static json_t *
raised_body(const struct note *note)
{
    static const char *const members[] = {"kind", "severity", "object", "text", "evidence"};
    json_t *body = json_pack("{s:I}", "id", (json_int_t)note->id);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(note->last, members[i]);
        if (value)
            json_object_set(body, members[i], value);
    }
    return body;
}

static bool
is_ours(const struct orchestrate_service *s, uint32_t id)
{
    return exception_site(id) == s->config.number;
}

/* `request` NULL: it was answered before. */
static void
raise_new(struct exceptions *ex, json_t *occurrence, struct request *request)
{
    struct orchestrate_service *s = ex->service;
    char object[32];
    struct new_work made;
    struct new_event events[3];
    /* The next site's numbers are not ours: then the last one is used again, and not taken. */
    uint32_t id = ex->last_id + (is_ours(s, ex->last_id + 1) ? 1 : 0);
    struct note *note = note_new(ex, text_of(occurrence, "kind"), text_of(occurrence, "object"), id,
                                 1);
    ex->last_id = id;
    note->last = json_incref(occurrence);
    if (request)
        keep_waiting(note, request);
    snprintf(object, sizeof object, "exception/%u", id);
    events[0] = (struct new_event){"exception.raised", object, text_of(occurrence, "actor"),
                                   raised_body(note)};
    size_t n = 1 + add_order(note, object, &made, &events[1]);
    append_start(s->appends, events, n, true, raise_stored, note);
}

static const char *
find_fault(const struct request *request)
{
    const char *name, *text = request_text(request, "text"), *kind = request_text(request, "kind"),
                      *object = request_text(request, "object"),
                      *severity = request_text(request, "severity");
    json_t *value, *evidence = json_object_get(request->payload, "evidence");
    if (!kind || !*kind || strlen(kind) > KIND_MAX || strchr(kind, ' '))
        return "kind: one word is expected";
    if (!object || !*object || strlen(object) > OBJECT_MAX)
        return "object: kind/name is expected";
    if (!text || !*text || strlen(text) > TEXT_MAX)
        return "text: a sentence is expected";
    if (exception_severity_from_word(severity) == EXCEPTION_SEVERITY_MAX)
        return "severity: warning, minor, major or critical is expected";
    if (evidence && !json_is_object(evidence))
        return "evidence: an object is expected";
    json_object_foreach(evidence, name, value)
    {
        if (!json_is_string(value))
            return "evidence: its values must be texts";
    }
    return NULL;
}

void
exception_raise(struct request *request)
{
    struct exceptions *ex = request->service->exceptions;
    const char *fault = find_fault(request);
    if (fault) {
        request_refuse(request, ERR_INVALID, "%s", fault);
        return;
    }
    struct note *note = find_note(ex, request_text(request, "kind"),
                                  request_text(request, "object"));
    if (!note) {
        raise_new(ex, request->payload, request);
        return;
    }
    count_once_more(note, request->payload);
    keep_waiting(note, request);
    if (note->stored && !note->ending)
        answer_waiting(note, ERR_OK, "");
}

/* ---- Acknowledging and closing -----------------------------------------------------------------
 */

/* True: another site is to answer. */
static bool
pass_on(struct request *request, const char *subject)
{
    const struct orchestrate_service *s = request->service;
    uint32_t id = request_number(request, "id");
    if (!id || is_ours(s, id))
        return false;
    if (!s->config.elsewhere) {
        request_refuse(request, ERR_NOT_FOUND, "exception %u is not of this site", id);
        return true;
    }
    s->config.elsewhere(s->config.elsewhere_arg, exception_site(id), subject, request->payload,
                        request->reply_to);
    request_end(request);
    return true;
}

/* The exception a request names by its number, or by kind and object; NULL: the request has been
 * refused. */
static const struct exception *
named_exception(struct request *request)
{
    struct orchestrate_service *s = request->service;
    uint32_t id = request_number(request, "id");
    const char *kind = request_text(request, "kind"), *object = request_text(request, "object");
    const struct note *note = id || !kind || !object ? NULL
                                                     : find_note(s->exceptions, kind, object);
    const struct exception *exception = state_exception(s->state, note ? note->id : id);
    if (note && !note->stored)
        request_refuse(request, ERR_BUSY, "exception %u is not in the journal yet", note->id);
    else if (!exception && id)
        request_refuse(request, ERR_NOT_FOUND, "there is no exception %u", id);
    else if (!exception)
        request_refuse(request, ERR_NOT_FOUND, "there is no open exception %s about %s",
                       kind ? kind : "", object ? object : "");
    else if (exception->state == EXCEPTION_CLOSED)
        request_refuse(request, ERR_CONFLICT, "exception %u is closed", exception->id);
    else
        return exception;
    return NULL;
}

static void
answered_when_stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct request *request = arg;
    if (err)
        request_refuse(request, err, "%s", why);
    else
        request_answer(request, json_object());
}

/* Nobody that waits hears of a failure: then it must not fail. */
static void
append_for(struct request *request, const char *type, uint32_t id, const char *member,
           append_done_fn *done)
{
    struct orchestrate_service *s = request->service;
    const char *text = request_text(request, member);
    char object[32];
    snprintf(object, sizeof object, "exception/%u", id);
    struct new_event event = {
        type, object, request->actor,
        json_pack("{s:I, s:s}", "id", (json_int_t)id, member, text ? text : "")};
    append_start(s->appends, &event, 1, !request->reply_to, done, request);
}

void
exception_acknowledge(struct request *request)
{
    if (pass_on(request, "exception.acknowledge"))
        return;
    const struct exception *exception = named_exception(request);
    if (!exception)
        return;
    struct note *note = find_id(request->service->exceptions, exception->id);
    if (note)
        write_count(note);
    append_for(request, "exception.acknowledged", exception->id, "comment", answered_when_stored);
}

void
exceptions_end(struct exceptions *ex, uint32_t id)
{
    struct note *note = find_id(ex, id);
    if (!note)
        return;
    write_count(note);
    note->ending = true;
}

/* If it could not be stored, the exception goes on. */
static void
closing_stored(void *arg, enum err err, uint64_t seq, const char *why)
{
    struct request *request = arg;
    if (err) {
        uint32_t id = (uint32_t)json_integer_value(request->kept);
        struct note *note = find_id(request->service->exceptions, id);
        if (note) {
            note->ending = false;
            answer_waiting(note, ERR_OK, "");
            write_if_due(note);
        }
    }
    answered_when_stored(arg, err, seq, why);
}

void
exception_close(struct request *request)
{
    struct exceptions *ex = request->service->exceptions;
    if (pass_on(request, "exception.close"))
        return;
    const struct exception *exception = named_exception(request);
    if (!exception)
        return;
    const struct note *note = find_id(ex, exception->id);
    if (note && note->ending) {
        request_refuse(request, ERR_CONFLICT, "exception %u is being closed", exception->id);
        return;
    }
    exceptions_end(ex, exception->id);
    request->kept = json_integer(exception->id);
    append_for(request, "exception.closed", exception->id, "reason", closing_stored);
}

/* It is closed. What has happened since that was decided is another one. */
static void
end_note(struct note *note)
{
    struct exceptions *ex = note->exceptions;
    if (note->count == note->written) {
        note_free(note);
        return;
    }
    json_t *occurrence = json_incref(note->last);
    struct request **waiting = note->waiting;
    size_t n = note->n_waiting;
    note->waiting = NULL;
    note_free(note);
    raise_new(ex, occurrence, NULL);
    note = find_note(ex, text_of(occurrence, "kind"), text_of(occurrence, "object"));
    for (size_t i = 0; i < n; i++)
        keep_waiting(note, waiting[i]);
    free(waiting);
    json_decref(occurrence);
}

void
exceptions_event(struct exceptions *ex, const struct journal_event *event)
{
    if (strcmp(event->type, "exception.closed") || strncmp(event->object, "exception/", 10))
        return;
    struct note *note = find_id(ex, (uint32_t)strtoul(event->object + 10, NULL, 10));
    if (note)
        end_note(note);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

struct exceptions *
exceptions_new(struct orchestrate_service *s)
{
    struct exceptions *ex = xcalloc(1, sizeof *ex);
    ex->service = s;
    ex->last_id = s->config.number * EXCEPTION_IDS;
    ex->timer = timer_new(s->loop, write_all_due, ex);
    return ex;
}

void
exceptions_begin(struct exceptions *ex)
{
    for (const struct exception *e = ex->service->state->exceptions; e; e = e->hh.next) {
        if (!is_ours(ex->service, e->id))
            continue;
        ex->last_id = MAX(ex->last_id, e->id);
        if (e->state == EXCEPTION_CLOSED || find_note(ex, e->kind, e->object))
            continue;
        struct note *note = note_new(ex, e->kind, e->object, e->id, e->count);
        note->stored = true;
        note->written_at = e->last;
    }
}

void
exceptions_free(struct exceptions *ex)
{
    if (!ex)
        return;
    while (ex->notes) {
        write_count(ex->notes);
        note_free(ex->notes);
    }
    timer_free(ex->timer);
    free(ex);
}
