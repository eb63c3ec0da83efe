/* handlers_break_glass.c - a way in for when the identity provider is away: a code, sealed by a
 * security administrator, that opens one session. It cannot be used quietly: first a critical
 * exception is durable, then the use and the session are, in one, and then the session works. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/code.h"
#include "gateway/service_private.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_SECONDS 3600
#define NAME "main" /* if no other is said */

static const char *
given(const struct api_request *r, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(r->body, name));
    return text ? text : fallback;
}

static const char *
kept(const struct api_request *r, const char *name)
{
    return json_string_value(json_object_get(r->kept, name));
}

/* ---- sealing */

static void
on_sealed(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct api_request *r = api_resume(arg);
    if (r && err)
        api_fail(r, err, "the seal cannot be recorded: %s", why);
    else if (r)
        api_answer(r, json_pack("{ss ss sO}", "name", kept(r, "name"), "code", kept(r, "code"),
                                "roles", json_object_get(r->body, "roles")));
}

static void
on_code_hashed(void *arg, const char *hash)
{
    struct api_request *r = api_resume(arg);
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    if (!r)
        return;
    if (!hash) {
        api_fail(r, ERR_IO, "the code's hash cannot be computed");
        return;
    }
    const json_t *seconds = json_object_get(r->body, "session-s");
    json_t *json = json_pack("{ss sO sI ss ss ss}", "name", kept(r, "name"), "roles",
                             json_object_get(r->body, "roles"), "session-s",
                             seconds ? json_integer_value(seconds) : SESSION_SECONDS, "kdf",
                             "scrypt", "salt", kept(r, "salt"), "hash", hash);
    char *object = xasprintf("break-glass/%s", kept(r, "name"));
    struct api_pending *pending = api_pend(r);
    enum err err = jsontext_put(&body, json);
    if (!err)
        err = journal_append(r->service->config.journal,
                             &(struct journal_entry){.type = "break-glass.sealed",
                                                     .object = object,
                                                     .actor = r->person.name,
                                                     .body = buf_cstr(&body)},
                             1, on_sealed, pending, &diag);
    if (err)
        on_sealed(pending, err, 0, diag.text);
    json_decref(json);
    buf_fini(&body);
    free(object);
}

void
api_post_break_glass(struct api_request *r)
{
    char code[CODE_SIZE], salt[CODE_SALT_SIZE];
    struct diag diag = {""};
    role_set roles = 0;
    enum err err = roles_from_json(json_object_get(r->body, "roles"), &roles, &diag);
    if (!err && !roles)
        err = diag_set(&diag, ERR_INVALID, "a code without a role opens nothing");
    if (!err && roles & (ROLE(SECADM) | ROLE(RBACMNT)))
        err = diag_set(&diag, ERR_DENIED, "rule seal: no code gives SECADM or RBACMNT");
    if (!err)
        err = code_make(code, salt, &diag);
    if (err == ERR_DENIED) {
        api_deny(r, 0, diag.text);
    } else if (err) {
        api_fail(r, err, "%s", diag.text);
    } else {
        api_keep(
            r, json_pack("{ss ss ss}", "name", given(r, "name", NAME), "code", code, "salt", salt));
        code_hash(r->service->config.loop, code, salt, on_code_hashed, api_pend(r));
        OPENSSL_cleanse(code, sizeof code);
    }
}

void
api_list_break_glass(struct api_request *r)
{
    json_t *list = json_array();
    const struct seal *s, *next;
    HASH_ITER (hh, r->service->config.state->access.seals, s, next) {
        char at[TIME_TEXT_SIZE], used[TIME_TEXT_SIZE];
        json_t *row = json_pack("{ss sO* sO* ss ss sb}", "name", s->name, "roles",
                                json_object_get(s->body, "roles"), "session-s",
                                json_object_get(s->body, "session-s"), "sealed-by", s->by, "sealed",
                                time_format(s->at, at), "usable", !s->used_by);
        if (s->used_by) {
            json_object_set_new(row, "used", json_string(time_format(s->used, used)));
            json_object_set_new(row, "session", json_string(s->used_by));
        }
        json_array_append_new(list, row);
    }
    api_answer(r, json_pack("{so}", "codes", list));
}

/* ---- using it */

static void
on_opened(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct api_request *r = api_resume(arg);
    if (!r)
        return;
    const struct session *s = access_session(&r->service->config.state->access, kept(r, "id"));
    if (err || !s) {
        api_fail(r, err ? err : ERR_CORRUPT, "it cannot be recorded, so it is not done: %s", why);
        return;
    }
    log_warn("the break-glass code %s is used from %s", given(r, "name", NAME),
             http_exchange_peer_address(r->exchange));
    api_answer_session(r, s);
}

/* The seal that the code is for; NULL: there is none, or it is broken, and `diag` says so. */
static const struct seal *
find_seal(const struct api_request *r, struct diag *diag)
{
    const char *name = given(r, "name", NAME);
    const struct seal *s = access_seal(&r->service->config.state->access, name);
    if (!s)
        diag_set(diag, ERR_DENIED, "no break-glass code is sealed as %.63s", name);
    else if (s->used_by)
        diag_set(diag, ERR_DENIED, "the break-glass code %.63s was used already", name);
    return s && !s->used_by ? s : NULL;
}

static json_t *
session_body(const struct api_request *r, const struct seal *seal, const char *person)
{
    char until[TIME_TEXT_SIZE];
    json_int_t seconds = json_integer_value(json_object_get(seal->body, "session-s"));
    nsec_t end = clock_wall() + (nsec_t)seconds * NSEC_PER_SEC;
    return json_pack("{ss ss ss ss sO ss ss sI ss*}", "id", kept(r, "id"), "person", person,
                     "right", "break-glass", "token-hash", kept(r, "token-hash"), "roles",
                     json_object_get(seal->body, "roles"), "address",
                     http_exchange_peer_address(r->exchange), "until", time_format(end, until),
                     "idle-s", seconds, "reason", given(r, "reason", NULL));
}

static enum err
append_both(struct api_request *r, const char *person, json_t *used, json_t *opened,
            struct api_pending *pending, struct diag *diag)
{
    struct buf texts[2] = {BUF_INIT, BUF_INIT};
    char *objects[2] = {xstrdup(person), xasprintf("session/%s", kept(r, "id"))};
    enum err err = jsontext_put(&texts[0], used);
    if (!err)
        err = jsontext_put(&texts[1], opened);
    if (!err) {
        struct journal_entry entries[] = {
            {"break-glass.used", objects[0], person, buf_cstr(&texts[0]), 0},
            {"session.opened", objects[1], person, buf_cstr(&texts[1]), 0}};
        err = journal_append(r->service->config.journal, entries, ARRAY_SIZE(entries), on_opened,
                             pending, diag);
    }
    for (size_t i = 0; i < 2; i++) {
        buf_fini(&texts[i]);
        free(objects[i]);
    }
    return err;
}

/* The exception is durable. */
static void
on_raised(struct api_request *r, const struct call_result *result)
{
    struct diag diag = {""};
    const struct seal *seal = find_seal(r, &diag);
    if (result->err) {
        api_fail(r, ERR_BUSY, "it cannot be told, so it is not done: %s", result->text);
        return;
    }
    if (!seal) {
        api_refuse_login(r, diag.text);
        return;
    }
    char *person = xasprintf("break-glass/%s", seal->name);
    json_t *opened = session_body(r, seal, person);
    json_t *used = json_pack("{ss ss ss sO ss*}", "name", seal->name, "session", kept(r, "id"),
                             "address", http_exchange_peer_address(r->exchange), "roles",
                             json_object_get(seal->body, "roles"), "reason",
                             given(r, "reason", NULL));
    struct api_pending *pending = api_pend(r);
    enum err err = append_both(r, person, used, opened, pending, &diag);
    if (err)
        on_opened(pending, err, 0, diag.text);
    json_decref(used);
    json_decref(opened);
    free(person);
}

static void
raise_exception(struct api_request *r, const struct seal *seal)
{
    struct session_ticket ticket;
    struct diag diag = {""};
    char *person = xasprintf("break-glass/%s", seal->name);
    enum err err = sessions_ticket(r->service->sessions, person, &ticket, &diag);
    if (err) {
        api_fail(r, err, "%s", diag.text);
        free(person);
        return;
    }
    api_keep(r, json_pack("{ss ss ss}", "id", ticket.id, "token", ticket.token, "token-hash",
                          ticket.token_hash));
    OPENSSL_cleanse(&ticket, sizeof ticket);
    char *text = xasprintf("the break-glass code %s is used from %s", seal->name,
                           http_exchange_peer_address(r->exchange));
    char *object = xasprintf("session/%s", kept(r, "id"));
    json_t *evidence = json_pack("{ss ss ss ss}", "code", seal->name, "sealed by", seal->by,
                                 "address", http_exchange_peer_address(r->exchange), "reason",
                                 given(r, "reason", "none given"));
    api_ask(r, "exception.raise",
            json_pack("{ss ss ss ss ss so}", "actor", person, "kind", "break-glass-used",
                      "severity", "critical", "object", object, "text", text, "evidence", evidence),
            on_raised);
    free(object);
    free(text);
    free(person);
}

static void
on_code_checked(void *arg, const char *hash)
{
    struct api_request *r = api_resume(arg);
    struct diag diag = {""};
    if (!r)
        return;
    const struct seal *seal = find_seal(r, &diag);
    const char *right = seal ? json_string_value(json_object_get(seal->body, "hash")) : NULL;
    if (!hash)
        api_fail(r, ERR_IO, "the code's hash cannot be computed");
    else if (!seal)
        api_refuse_login(r, diag.text);
    else if (!right || !code_hash_equals(hash, right))
        api_refuse_login(r, "break-glass: this is not the code");
    else
        raise_exception(r, seal);
}

void
api_post_break_glass_session(struct api_request *r)
{
    struct gateway_service *s = r->service;
    struct diag diag = {""};
    nsec_t wait = attempts_wait(s->attempts, http_exchange_peer_address(r->exchange),
                                clock_monotonic());
    const struct seal *seal = find_seal(r, &diag);
    if (wait) {
        api_slow_down(r, wait);
    } else if (s->code_request) { /* so that a code cannot be used twice at the same time */
        api_fail(r, ERR_BUSY, "another break-glass code is being looked at");
    } else if (!seal) {
        api_refuse_login(r, diag.text);
    } else {
        s->code_request = r;
        code_hash(s->config.loop, given(r, "code", ""),
                  json_string_value(json_object_get(seal->body, "salt")), on_code_checked,
                  api_pend(r));
    }
}
