/* handlers_session.c - logging in: a token of the identity provider, or a code of its authorization
 * endpoint, for a session; which sessions there are, and ending one. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/duties.h"
#include "gateway/service_private.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static const char *
given(const struct api_request *r, const char *name)
{
    return json_string_value(json_object_get(r->body, name));
}

/* ---- opening one */

void
api_answer_session(struct api_request *r, const struct session *s)
{
    char until[TIME_TEXT_SIZE];
    attempts_succeeded(r->service->attempts, http_exchange_peer_address(r->exchange));
    api_answer(r, json_pack("{sO ss ss sO ss sI}", "token", json_object_get(r->kept, "token"), "id",
                            s->id, "person", s->person, "roles", s->roles, "until",
                            time_format(s->until, until), "idle-s",
                            (json_int_t)(s->idle / NSEC_PER_SEC)));
}

static void
on_opened(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct api_request *r = api_resume(arg);
    if (!r)
        return;
    const char *id = json_string_value(json_object_get(r->kept, "id"));
    const struct session *s = access_session(&r->service->config.state->access, id);
    if (err || !s) {
        api_fail(r, err ? err : ERR_CORRUPT, "the session cannot be recorded: %s", why);
        return;
    }
    api_answer_session(r, s);
}

/* What is recorded of it: everything but the token. */
static json_t *
opened_body(const struct api_request *r, const struct session_ticket *ticket,
            const struct person *person, json_t *groups, const json_t *claims)
{
    const struct oidc_settings *o = &r->service->oidc;
    char until[TIME_TEXT_SIZE];
    const json_t *subject = json_object_get(claims, "sub");
    json_t *json = json_pack("{ss ss ss ss so ss sO* sO ss ss sI}", "id", ticket->id, "person",
                             person->name, "right", "session", "token-hash", ticket->token_hash,
                             "roles", roles_to_json(person->roles), "issuer", o->issuer, "subject",
                             json_is_string(subject) ? subject : NULL, "groups", groups, "address",
                             http_exchange_peer_address(r->exchange), "until",
                             time_format(clock_wall() + o->session_max, until), "idle-s",
                             (json_int_t)(o->session_idle / NSEC_PER_SEC));
    return json;
}

static void
open_session(struct api_request *r, const struct person *person, json_t *groups,
             const json_t *claims)
{
    struct session_ticket ticket;
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    enum err err = sessions_ticket(r->service->sessions, person->name, &ticket, &diag);
    if (err) {
        api_problem(r, &(struct problem){.status = err == ERR_LIMIT ? 429 : problem_status(err),
                                         .err = err,
                                         .detail = diag.text});
        return;
    }
    json_t *json = opened_body(r, &ticket, person, groups, claims);
    char *object = xasprintf("session/%s", ticket.id);
    api_keep(r, json_pack("{ss ss}", "id", ticket.id, "token", ticket.token));
    struct api_pending *pending = api_pend(r);
    err = jsontext_put(&body, json);
    if (!err)
        err = journal_append(r->service->config.journal,
                             &(struct journal_entry){.type = "session.opened",
                                                     .object = object,
                                                     .actor = person->name,
                                                     .body = buf_cstr(&body)},
                             1, on_opened, pending, &diag);
    if (err)
        on_opened(pending, err, 0, diag.text);
    OPENSSL_cleanse(&ticket, sizeof ticket);
    json_decref(json);
    buf_fini(&body);
    free(object);
}

/* One person, whether by certificate or by session: what both give together must go together. */
static enum err
check_duties(const struct api_request *r, const struct person *person, struct diag *diag)
{
    struct person known;
    if (identity_resolve(r->service->identity, person->name, &known, NULL))
        return ERR_OK;
    enum err err = duties_check_roles(person->roles | known.roles, diag);
    if (err)
        diag_prefix(diag, "with what the users' file gives %s", person->name);
    return err;
}

/* ---- a token */

static void check_token(struct api_request *);

static void
on_looked(void *arg, enum err err)
{
    struct api_request *r = api_resume(arg);
    if (r && err)
        api_fail(r, err, "the service ends");
    else if (r)
        check_token(r);
}

/* Once for a request: perhaps the provider has new keys. False: it was done already. */
static bool
look_again(struct api_request *r)
{
    if (json_object_get(r->kept, "looked"))
        return false;
    json_object_set_new(r->kept, "looked", json_true());
    provider_look(r->service->provider, on_looked, api_pend(r));
    return true;
}

static void
take_claims(struct api_request *r, const json_t *claims)
{
    struct gateway_service *s = r->service;
    struct person person;
    struct diag diag = {""};
    json_t *groups = NULL;
    enum err err = oidc_settings_judge(&s->oidc, s->config.site, claims, &person, &groups, &diag);
    if (!err)
        err = check_duties(r, &person, &diag);
    if (err)
        api_refuse_login(r, diag.text);
    else
        open_session(r, &person, groups, claims);
    json_decref(groups);
}

static enum err
token_claims(const struct api_request *r, const char *token, const struct token_keys *keys,
             json_t **claims, struct diag *diag)
{
    const struct oidc_settings *o = &r->service->oidc;
    const struct token_wanted wanted = {.issuer = o->issuer,
                                        .client = o->client_id,
                                        .api = o->audience,
                                        .nonce = given(r, "nonce"),
                                        .now = clock_wall(),
                                        .leeway = o->leeway ? o->leeway : TOKEN_LEEWAY};
    return token_check(token, strlen(token), keys, &wanted, claims, diag);
}

static void
check_token(struct api_request *r)
{
    const char *token = json_string_value(json_object_get(r->kept, "token"));
    struct diag diag = {""};
    json_t *claims = NULL;
    const struct token_keys *keys = provider_keys(r->service->provider, &diag);
    if (!keys) {
        if (!look_again(r))
            api_fail(r, ERR_BUSY, "nobody can log in now: %s", diag.text);
        return;
    }
    enum err err = token_claims(r, token, keys, &claims, &diag);
    if (err == ERR_NOT_FOUND && look_again(r))
        return;
    if (err)
        api_refuse_login(r, diag.text);
    else
        take_claims(r, claims);
    json_decref(claims);
}

/* ---- a code (OpenID Connect Core section 3.1.3) */

static void
on_exchanged(void *arg, const struct fetch_result *result)
{
    struct api_request *r = api_resume(arg);
    char text[200];
    if (!r)
        return;
    const char *error = json_string_value(json_object_get(result->document, "error"));
    json_t *token = json_object_get(result->document, "id_token");
    if (result->err) {
        api_fail(r, ERR_BUSY, "the provider cannot be asked: %s", result->text);
    } else if (result->status != 200 || !json_is_string(token)) {
        snprintf(text, sizeof text, "the provider does not take the code: status %d %.100s",
                 result->status, error ? error : "");
        api_refuse_login(r, text);
    } else {
        json_object_set(r->kept, "token", token);
        check_token(r);
    }
}

static void
exchange_code(struct api_request *r)
{
    const struct oidc_settings *o = &r->service->oidc;
    const char *endpoint = provider_text(r->service->provider, "token_endpoint");
    struct buf form = BUF_INIT;
    if (!endpoint || strncmp(endpoint, "https://", 8) != 0) {
        api_fail(r, ERR_BUSY, "the provider's token endpoint is not known now");
        return;
    }
    fetch_form_put(&form, "grant_type", "authorization_code");
    fetch_form_put(&form, "code", given(r, "code"));
    fetch_form_put(&form, "redirect_uri", given(r, "redirect-uri"));
    fetch_form_put(&form, "code_verifier", given(r, "code-verifier"));
    if (!o->secret)
        fetch_form_put(&form, "client_id", o->client_id);
    fetch_start(r->service->config.loop,
                &(struct fetch_request){.url = endpoint,
                                        .ca = o->ca,
                                        .form = buf_cstr(&form),
                                        .user = o->secret ? o->client_id : NULL,
                                        .password = o->secret},
                on_exchanged, api_pend(r));
    OPENSSL_cleanse(form.data, form.size);
    buf_fini(&form);
}

void
api_post_session(struct api_request *r)
{
    struct gateway_service *s = r->service;
    nsec_t wait = attempts_wait(s->attempts, http_exchange_peer_address(r->exchange),
                                clock_monotonic());
    if (!s->provider) {
        api_fail(r, ERR_NOT_FOUND, "no identity provider is trusted here");
    } else if (wait) {
        api_slow_down(r, wait);
    } else if (given(r, "token")) {
        api_keep(r, json_pack("{sO}", "token", json_object_get(r->body, "token")));
        check_token(r);
    } else {
        api_keep(r, json_object());
        exchange_code(r);
    }
}

/* ---- what a client has to know to log in */

static void
answer_login(struct api_request *r)
{
    static const struct {
        const char *name, *member;
    } endpoints[] = {{"authorization-endpoint", "authorization_endpoint"},
                     {"device-authorization-endpoint", "device_authorization_endpoint"},
                     {"token-endpoint", "token_endpoint"}};
    const struct gateway_service *s = r->service;
    json_t *json = json_pack("{ss sb}", "site", s->config.site, "provider", s->provider != NULL);
    if (s->provider) {
        json_object_set_new(json, "issuer", json_string(s->oidc.issuer));
        json_object_set_new(json, "client-id", json_string(s->oidc.client_id));
        json_object_set_new(json, "scope", json_string(s->oidc.scope));
        json_object_set_new(json, "public-client", json_boolean(!s->oidc.secret));
    }
    for (size_t i = 0; s->provider && i < ARRAY_SIZE(endpoints); i++) {
        const char *url = provider_text(s->provider, endpoints[i].member);
        if (url)
            json_object_set_new(json, endpoints[i].name, jsontext_string(url));
    }
    api_answer(r, json);
}

static void
on_looked_for_login(void *arg, enum err err)
{
    struct api_request *r = api_resume(arg);
    if (r && err)
        api_fail(r, err, "the service ends");
    else if (r)
        answer_login(r);
}

/* Who comes just after the start waits for what the provider says of itself. */
void
api_get_login(struct api_request *r)
{
    struct provider *provider = r->service->provider;
    if (provider && !provider_text(provider, "authorization_endpoint"))
        provider_look(provider, on_looked_for_login, api_pend(r));
    else
        answer_login(r);
}

/* ---- those there are */

static bool
may_see(const struct api_request *r, const struct session *s)
{
    return r->person.roles & (ROLE(SECADM) | ROLE(SECAUD)) || !strcmp(r->person.name, s->person);
}

static json_t *
describe(const struct api_request *r, const struct session *s)
{
    static const char *const members[] = {"right", "issuer", "subject", "groups", "address"};
    char opened[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], used[TIME_TEXT_SIZE];
    nsec_t last = sessions_last_used(r->service->sessions, s);
    json_t *row = json_pack(
        "{ss ss sO ss ss ss sI}", "id", s->id, "person", s->person, "roles", s->roles, "opened",
        time_format(s->opened, opened), "until", time_format(s->until, until), "last-used",
        time_format(MAX(last, s->opened), used), "idle-s", (json_int_t)(s->idle / NSEC_PER_SEC));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(s->body, members[i]);
        if (value)
            json_object_set(row, members[i], value);
    }
    return row;
}

void
api_list_sessions(struct api_request *r)
{
    json_t *list = json_array();
    const struct session *s, *next;
    HASH_ITER (hh, r->service->config.state->access.by_token, s, next) {
        if (may_see(r, s) && sessions_is_live(r->service->sessions, s->id))
            json_array_append_new(list, describe(r, s));
    }
    api_answer(r, json_pack("{so}", "sessions", list));
}

static void
on_closed(void *arg, enum err err, const char *why)
{
    struct api_request *r = api_resume(arg);
    if (r && err)
        api_fail(r, err, "it holds no more, but that cannot be recorded: %s", why);
    else if (r)
        api_answer(r, json_object());
}

void
api_delete_session(struct api_request *r)
{
    const struct session *s = access_session(&r->service->config.state->access, r->value);
    if (!s || !may_see(r, s)) {
        api_fail(r, ERR_NOT_FOUND, "there is no session %.40s", r->value);
        return;
    }
    bool own = !strcmp(s->person, r->person.name);
    if (!own && !(r->person.roles & ROLE(SECADM)))
        api_deny(r, ROLE(SECADM), "the session is somebody else's");
    else
        sessions_close(r->service->sessions, r->value, r->person.name,
                       own ? "logged out" : "revoked", on_closed, api_pend(r));
}
