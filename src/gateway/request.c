#include "gateway/request.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/restconf.h"
#include "gateway/service_private.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "model/text.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMON_FIELDS "Cache-Control: no-store\r\n"

struct api_pending {
    struct api_request *request; /* NULL: it has ended */
};

static void
wipe(const json_t *secret)
{
    char *text = (char *)(uintptr_t)json_string_value(secret);
    if (text)
        OPENSSL_cleanse(text, json_string_length(secret));
}

void
api_keep(struct api_request *r, json_t *kept)
{
    wipe(json_object_get(r->kept, "token"));
    wipe(json_object_get(r->kept, "code"));
    json_decref(r->kept);
    r->kept = kept;
}

/* The exchange is answered already. */
static void
request_free(struct api_request *r)
{
    struct gateway_service *s = r->service;
    if (r->prev)
        r->prev->next = r->next;
    else
        s->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    s->n_requests--;
    if (s->code_request == r)
        s->code_request = NULL;
    if (r->pending)
        r->pending->request = NULL;
    http_target_fini(&r->target);
    json_decref(r->query);
    json_decref(r->body);
    api_keep(r, NULL);
    free(r);
}

static void
reply(struct api_request *r, int status, const char *type, const char *fields,
      const struct buf *body)
{
    char *all = xasprintf(COMMON_FIELDS "%s", fields ? fields : "");
    http_reply(r->exchange, &(struct http_reply){status, type, all, body->data, body->size});
    free(all);
    request_free(r);
}

static const char *
type_of(const struct api_request *r)
{
    return r->route->type ? r->route->type : "application/json";
}

void
api_answer_text(struct api_request *r, const struct buf *text)
{
    reply(r, route_status(r->route), type_of(r), NULL, text);
}

void
api_answer_with(struct api_request *r, int status, const char *fields, json_t *answer)
{
    struct buf text = BUF_INIT;
    if (jsontext_put(&text, answer))
        api_fail(r, ERR_LIMIT, "the answer cannot be written");
    else
        reply(r, status, type_of(r), fields, &text);
    buf_fini(&text);
    json_decref(answer);
}

void
api_answer(struct api_request *r, json_t *answer)
{
    api_answer_with(r, route_status(r->route), NULL, answer);
}

struct http_stream *
api_stream(struct api_request *r, const char *type, const struct http_stream_handler *handler,
           void *arg)
{
    struct http_exchange *x = r->exchange;
    request_free(r);
    return http_reply_stream(x, type, COMMON_FIELDS, handler, arg);
}

/* ---- problems */

/* The path asked for, without the query. */
static char *
path_of(const struct http_exchange *x)
{
    const char *target = http_exchange_head(x)->target;
    size_t length = strcspn(target, "?");
    return length ? xstrndup(target, MIN(length, 200)) : xstrdup("/");
}

void
exchange_problem(struct http_exchange *x, const struct problem *problem, const char *fields)
{
    struct buf text = BUF_INIT;
    struct problem full = *problem;
    char *path = path_of(x);
    char *all = xasprintf(COMMON_FIELDS "%s%s", fields ? fields : "",
                          problem->status == 503 ? "Retry-After: 5\r\n" : "");
    full.instance = text_make_printable(path);
    problem_put(&text, &full);
    http_reply(x, &(struct http_reply){full.status, PROBLEM_TYPE, all, text.data, text.size});
    buf_fini(&text);
    free(all);
    free(path);
}

/* The same where RESTCONF was asked. */
static void
exchange_errors(struct http_exchange *x, const struct problem *problem)
{
    struct buf text = BUF_INIT;
    restconf_put_errors(&text, problem);
    http_reply(x, &(struct http_reply){restconf_status(problem), RESTCONF_TYPE, COMMON_FIELDS,
                                       text.data, text.size});
    buf_fini(&text);
}

char *
public_text(const struct gateway_service *s, const char *text)
{
    const char *path = journal_path(s->config.journal), *at;
    struct buf out = BUF_INIT;
    while (*path && (at = strstr(text, path))) {
        buf_put(&out, text, (size_t)(at - text));
        buf_str(&out, "the journal");
        text = at + strlen(path);
    }
    buf_str(&out, text);
    return buf_steal_cstr(&out);
}

void
api_problem(struct api_request *r, const struct problem *problem)
{
    struct problem shown = *problem;
    char *detail = problem->detail ? public_text(r->service, problem->detail) : NULL;
    if (detail && strcmp(detail, problem->detail) != 0)
        log_warn("%s is answered with %d: %s", r->person.name, problem->status, problem->detail);
    shown.detail = detail;
    if (r->route->type)
        exchange_errors(r->exchange, &shown);
    else
        exchange_problem(r->exchange, &shown, NULL);
    free(detail);
    request_free(r);
}

static void fail(struct api_request *, enum err, const char *field, const char *format, va_list)
    PRINTF_LIKE(4, 0);

static void
fail(struct api_request *r, enum err err, const char *field, const char *format, va_list args)
{
    char *detail = xvasprintf(format, args);
    api_problem(r,
                &(struct problem){
                    .status = problem_status(err), .err = err, .detail = detail, .field = field});
    free(detail);
}

void
api_fail(struct api_request *r, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(r, err, NULL, format, args);
    va_end(args);
}

void
api_fail_field(struct api_request *r, enum err err, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(r, err, field, format, args);
    va_end(args);
}

/* ---- refusals */

/* Who was refused what. */
struct denial {
    const char *person, *address; /* "": nobody is known by a certificate or session */
    const struct right *right;    /* NULL: none was good */
    const char *method;           /* NULL: nothing was asked for yet */
    const char *object, *actor;
    const char *reason;
    uint64_t left_out; /* of this person, since the last that was recorded */
};

/* {"person", "address", "right"?, "right-id"?, "method"?, "reason", "left-out"?}. */
static void
record_denial(struct gateway_service *s, const struct denial *denial)
{
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    json_t *json = json_object();
    json_object_set_new(json, "person", jsontext_string(denial->person));
    json_object_set_new(json, "address", jsontext_string(denial->address));
    if (denial->right && denial->right->kind) {
        json_object_set_new(json, "right", json_string(right_word(denial->right->kind)));
        json_object_set_new(json, "right-id", json_string(denial->right->id));
    }
    if (denial->method)
        json_object_set_new(json, "method", jsontext_string(denial->method));
    json_object_set_new(json, "reason", jsontext_string(denial->reason));
    if (denial->left_out)
        json_object_set_new(json, "left-out", json_integer((json_int_t)denial->left_out));
    enum err err = jsontext_put(&body, json);
    if (!err)
        err = journal_append(s->config.journal,
                             &(struct journal_entry){.type = "access.denied",
                                                     .object = denial->object,
                                                     .actor = denial->actor,
                                                     .body = buf_cstr(&body)},
                             1, NULL, NULL, &diag);
    if (err)
        log_warn("a refusal cannot be recorded: %s", diag.text);
    json_decref(json);
    buf_fini(&body);
}

/* Counts it, and records it if it is one of those that are. Who is not known is counted by the
 * machine, and apart, so that no stranger hides another, or a person. */
static void
note_denial(struct gateway_service *s, struct denial *denial)
{
    char machine[ADDRESS_MACHINE_SIZE];
    bool known = *denial->person;
    struct denials *counts = known ? s->denials : s->strangers;
    const char *who = known ? denial->person : address_machine(denial->address, machine);
    s->statistics.denied++;
    if (!denials_note(counts, who, clock_monotonic(), &denial->left_out)) {
        s->statistics.denied_left_out++;
        return;
    }
    log_warn("%s at %s may not: %s", known ? denial->person : "somebody", denial->address,
             denial->reason);
    record_denial(s, denial);
}

void
record_stranger(struct gateway_service *s, const char *address, const char *reason)
{
    note_denial(s, &(struct denial){.person = "",
                                    .address = address,
                                    .object = "/",
                                    .actor = "system/gateway",
                                    .reason = reason});
}

static void
note_exchange(struct gateway_service *s, struct http_exchange *x, const char *actor,
              const struct right *right, const char *reason)
{
    char *path = text_make_printable(path_of(x));
    bool named = strcmp(actor, "system/gateway") != 0;
    note_denial(s, &(struct denial){.person = named ? actor : http_exchange_peer_name(x),
                                    .address = http_exchange_peer_address(x),
                                    .right = right,
                                    .method = http_exchange_head(x)->method_text,
                                    .object = path,
                                    .actor = actor,
                                    .reason = reason});
    free(path);
}

void
exchange_unknown(struct gateway_service *s, struct http_exchange *x, const char *reason)
{
    nsec_t now = clock_monotonic();
    const char *address = http_exchange_peer_address(x);
    nsec_t wait = attempts_wait(s->attempts, address, now);
    s->statistics.failed_logins++;
    if (wait) {
        exchange_slow_down(s, x, wait);
        return;
    }
    attempts_failed(s->attempts, address, now);
    note_exchange(s, x, "system/gateway", NULL, reason);
    exchange_problem(x, &(struct problem){.status = 401, .err = ERR_DENIED, .detail = reason},
                     "WWW-Authenticate: Bearer realm=\"tieline\"\r\n");
}

void
exchange_slow_down(struct gateway_service *s, struct http_exchange *x, nsec_t wait)
{
    char *fields = xasprintf("Retry-After: %lld\r\n",
                             (long long)((wait + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
    s->statistics.slowed_logins++;
    exchange_problem(x,
                     &(struct problem){.status = 429,
                                       .err = ERR_BUSY,
                                       .detail = "too many log-ins from this address have failed"},
                     fields);
    free(fields);
}

void
exchange_deny(struct gateway_service *s, struct http_exchange *x, const char *actor,
              const struct right *right, role_set needed, const char *reason)
{
    note_exchange(s, x, actor, right, reason);
    json_t *more = json_object();
    if (needed)
        json_object_set_new(more, "needed", roles_to_json(needed));
    exchange_problem(
        x, &(struct problem){.status = 403, .err = ERR_DENIED, .detail = reason, .more = more},
        NULL);
    json_decref(more);
}

void
api_deny(struct api_request *r, role_set needed, const char *reason)
{
    exchange_deny(r->service, r->exchange, r->person.name, &r->right, needed, reason);
    request_free(r);
}

void
api_refuse_login(struct api_request *r, const char *reason)
{
    exchange_unknown(r->service, r->exchange, reason);
    request_free(r);
}

void
api_slow_down(struct api_request *r, nsec_t wait)
{
    exchange_slow_down(r->service, r->exchange, wait);
    request_free(r);
}

struct api_pending *
api_pend(struct api_request *r)
{
    r->pending = xcalloc(1, sizeof *r->pending);
    r->pending->request = r;
    return r->pending;
}

struct api_request *
api_resume(struct api_pending *pending)
{
    struct api_request *r = pending->request;
    if (r)
        r->pending = NULL;
    free(pending);
    return r;
}

/* ---- asking */

void
api_fail_call(struct api_request *r, const struct call_result *result)
{
    if (result->err == ERR_DENIED)
        api_deny(r, 0, result->text); /* a rule that only the other service knows */
    else
        api_fail(r, result->err, "%s", result->text);
}

static void
on_done(void *arg, const struct call_result *result)
{
    struct api_request *r = arg;
    api_next_fn *next = r->next_step;
    r->call = 0;
    if (next)
        next(r, result);
    else if (result->err)
        api_fail_call(r, result);
    else
        api_answer(r, json_incref(result->value));
}

void
api_ask(struct api_request *r, const char *subject, json_t *payload, api_next_fn *next)
{
    const char *to = subject ? subject : r->route->subject;
    nsec_t timeout = r->route->timeout ? r->route->timeout : ROUTE_TIMEOUT;
    r->next_step = next;
    enum err err = bus_request(r->service->config.bus, to, payload, timeout, on_done, r, &r->call);
    if (!err)
        return;
    char *text = xasprintf("%s cannot be asked: %s", to, err_text(err));
    struct call_result result = {.err = err == ERR_LIMIT ? ERR_BUSY : err, .text = text};
    on_done(r, &result);
    free(text);
}

void
api_end_all(struct gateway_service *s)
{
    while (s->requests) {
        struct api_request *r = s->requests;
        if (r->call)
            bus_cancel(s->config.bus, r->call);
        api_fail(r, ERR_CLOSED, "the service ends");
    }
}

/* ---- what it says */

json_t *
api_payload(const struct api_request *r)
{
    json_t *payload = r->body ? json_copy(r->body) : json_object();
    json_object_set_new(payload, "actor", json_string(r->person.name));
    return payload;
}

const char *
api_text(const struct api_request *r, const char *parameter)
{
    return json_string_value(json_object_get(r->query, parameter));
}

bool
api_flag(const struct api_request *r, const char *parameter)
{
    return json_is_true(json_object_get(r->query, parameter));
}

uint64_t
api_number(const struct api_request *r, const char *parameter, uint64_t fallback)
{
    const json_t *value = json_object_get(r->query, parameter);
    return value ? (uint64_t)json_integer_value(value) : fallback;
}

uint32_t
api_id(const struct api_request *r)
{
    return (uint32_t)strtoul(r->value, NULL, 10);
}
