/* service.c - who asks for what, and may they: what comes before a handler is called. Everything is
 * looked at twice, when the head of a request has come and when all of it is there: so a body that
 * would be refused is not sent first, and nothing has to be kept in between. */
#include "gateway/service.h"

#include "base/alloc.h"
#include "gateway/accounting.h"
#include "gateway/components.h"
#include "gateway/event_streams.h"
#include "gateway/http_fields.h"
#include "gateway/openapi.h"
#include "gateway/service_private.h"
#include "gateway/shape.h"
#include "io/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 1024 /* being answered */
#define REQUESTS_PER_PERSON_MAX 64

/* ---- refusing before a handler is called */

static bool
refuse(struct http_exchange *x, int status, enum err err, const char *field, const char *detail)
{
    exchange_problem(
        x, &(struct problem){.status = status, .err = err, .field = field, .detail = detail}, NULL);
    return false;
}

static bool
refuse_path(struct http_exchange *x, const struct route_match *match)
{
    if (!match->path_known)
        return refuse(x, 404, ERR_NOT_FOUND, NULL, "there is nothing at this path");
    char *fields = xasprintf("Allow: %s\r\n", match->allow);
    char *detail = xasprintf("%.20s is not among the methods of this path: %s",
                             http_exchange_head(x)->method_text, match->allow);
    exchange_problem(x, &(struct problem){.status = 405, .err = ERR_UNSUPPORTED, .detail = detail},
                     fields);
    free(detail);
    free(fields);
    return false;
}

static bool
refuse_roles(struct gateway_service *s, struct http_exchange *x, const struct person *person,
             const struct right *right, role_set needed)
{
    struct buf reason = BUF_INIT;
    if (needed == ROLES_ALL) {
        buf_str(&reason, "the person holds no role at this site");
    } else {
        buf_str(&reason, "the person holds none of the roles that may do this: ");
        for (enum role i = 0, n = 0; i < ROLE_MAX; i++) {
            if (needed & 1u << i)
                buf_printf(&reason, "%s%s", n++ ? ", " : "", role_word(i));
        }
    }
    exchange_deny(s, x, person->name, right, needed, buf_cstr(&reason));
    buf_fini(&reason);
    return false;
}

/* ---- what the head says */

static bool
is_changing(const struct api_route *route)
{
    return route->method != HTTP_GET;
}

/* A page of another origin can make a browser send requests with the person's certificate. It says
 * so then (RFC 6454 section 7.3). */
static bool
origin_is_ours(const struct http_head *head)
{
    const char *origin = http_head_field(head, "origin"), *host = http_head_field(head, "host");
    return !origin || (host && !strncmp(origin, "https://", 8) && !strcasecmp(origin + 8, host));
}

static bool
check_accept(struct http_exchange *x, const struct api_route *route)
{
    bool stream = route->answer && !strcmp(route->answer, "Events");
    const char *type = stream        ? "text/event-stream"
                       : route->type ? route->type
                                     : "application/json";
    const struct http_head *head = http_exchange_head(x);
    if (http_accepts(head, type) || (route->type && http_accepts(head, "application/json")))
        return true;
    char *detail = xasprintf("the answer is %s", type);
    refuse(x, 406, ERR_UNSUPPORTED, NULL, detail);
    free(detail);
    return false;
}

/* Browsers send application/json to another origin only after having asked, which is refused. */
static bool
check_body_head(struct http_exchange *x, const struct api_route *route)
{
    const struct http_head *head = http_exchange_head(x);
    const char *type = http_head_field(head, "content-type");
    bool has_body = head->chunked || head->content_length > 0;
    if (!has_body)
        return true;
    if (!route->body && !route->takes_body)
        return refuse(x, 400, ERR_INVALID, NULL, "this request takes no body");
    if (!type || (!http_media_type_is(type, "application/json") &&
                  !(route->type && http_media_type_is(type, route->type))))
        return refuse(x, 415, ERR_UNSUPPORTED, NULL, "a body of application/json is expected");
    return true;
}

/* What is known of a request before its body has come. */
struct admission {
    struct http_target target;
    struct route_match match;
    struct person person;
    struct right right;
    json_t *query;
};

static void
admission_fini(struct admission *a)
{
    http_target_fini(&a->target);
    json_decref(a->query);
}

/* Is it something for who has shown nothing yet? */
static bool
is_open(const struct http_exchange *x)
{
    const struct http_head *head = http_exchange_head(x);
    struct http_target target;
    struct route_match match;
    if (http_target_parse(head->target, &target, NULL))
        return false;
    route_find(head->method, &target, &match);
    http_target_fini(&target);
    return match.route && match.route->open;
}

static bool
admit_session(struct gateway_service *s, struct http_exchange *x, const char *authorization,
              struct admission *a)
{
    const char *name = http_exchange_peer_name(x);
    struct diag diag = {""};
    if (sessions_resolve(s->sessions, authorization, &a->person, &a->right, &diag)) {
        exchange_unknown(s, x, diag.text);
        return false;
    }
    if (*name && a->right.kind == RIGHT_SESSION && strcmp(name, a->person.name) != 0) {
        exchange_deny(s, x, a->person.name, &a->right, 0,
                      "the certificate is somebody else's than the session");
        return false;
    }
    return true;
}

static bool
admit_person(struct gateway_service *s, struct http_exchange *x, struct admission *a)
{
    const char *name = http_exchange_peer_name(x);
    const char *authorization = http_head_field(http_exchange_head(x), "authorization");
    struct diag diag = {""};
    if (authorization)
        return admit_session(s, x, authorization, a);
    if (*name && !identity_resolve(s->identity, name, &a->person, &diag)) {
        a->right.kind = RIGHT_CERTIFICATE;
        snprintf(a->right.id, sizeof a->right.id, "%s", http_exchange_peer_serial(x));
        return true;
    }
    if (is_open(x))
        return true;
    if (*name)
        exchange_deny(s, x, "system/gateway", NULL, 0, diag.text);
    else
        exchange_unknown(s, x, "neither a certificate nor a session was shown");
    return false;
}

static bool
admit_target(struct http_exchange *x, struct admission *a)
{
    const struct http_head *head = http_exchange_head(x);
    struct diag diag = {""};
    const char *name = NULL;
    enum err err = http_target_parse(head->target, &a->target, &diag);
    if (err) {
        a->target = (struct http_target){0};
        return refuse(x, 400, err, NULL, diag.text);
    }
    route_find(head->method, &a->target, &a->match);
    if (!a->match.route)
        return refuse_path(x, &a->match);
    if (route_query(a->match.route, &a->target, &a->query, &name, &diag)) {
        diag_prefix(&diag, "parameter %.60s", name);
        return refuse(x, 400, ERR_INVALID, name, diag.text);
    }
    return true;
}

/* False: it was answered. */
static bool
admit(struct gateway_service *s, struct http_exchange *x, struct admission *a)
{
    if (!admit_person(s, x, a) || !admit_target(x, a))
        return false;
    role_set needed = route_roles(a->match.route, a->query);
    if (!(a->person.roles & needed) && !a->match.route->open)
        return refuse_roles(s, x, &a->person, &a->right, needed);
    if (is_changing(a->match.route) && !origin_is_ours(http_exchange_head(x))) {
        exchange_deny(s, x, *a->person.name ? a->person.name : "system/gateway", &a->right, 0,
                      "the request comes from a page of another origin");
        return false;
    }
    return check_accept(x, a->match.route) && check_body_head(x, a->match.route);
}

static bool
on_head(void *arg, struct http_exchange *x, size_t *body_limit)
{
    struct gateway_service *s = arg;
    struct admission a = {0};
    if (s->ending)
        return refuse(x, 503, ERR_CLOSED, NULL, "the service ends");
    bool admitted = admit(s, x, &a);
    if (admitted)
        *body_limit = a.match.route->body_size ? a.match.route->body_size : ROUTE_BODY_SIZE;
    admission_fini(&a);
    return admitted;
}

/* ---- all of it is there */

static struct api_request *
request_new(struct gateway_service *s, struct http_exchange *x, struct admission *a)
{
    struct api_request *r = xcalloc(1, sizeof *r);
    *r = (struct api_request){.service = s,
                              .exchange = x,
                              .route = a->match.route,
                              .target = a->target,
                              .value = a->match.value,
                              .person = a->person,
                              .right = a->right,
                              .query = a->query,
                              .next = s->requests};
    if (r->next)
        r->next->prev = r;
    s->requests = r;
    s->n_requests++;
    return r;
}

static unsigned
count_requests(const struct gateway_service *s, const char *person)
{
    unsigned n = 0;
    for (const struct api_request *r = s->requests; r; r = r->next)
        n += !strcmp(r->person.name, person);
    return n;
}

static bool
has_room(struct gateway_service *s, struct http_exchange *x, const struct person *person)
{
    if (s->n_requests >= REQUESTS_MAX)
        return refuse(x, 503, ERR_BUSY, NULL, "too many requests are being answered");
    if (s->n_requests >= REQUESTS_PER_PERSON_MAX &&
        count_requests(s, person->name) >= REQUESTS_PER_PERSON_MAX)
        return refuse(x, 429, ERR_BUSY, NULL, "too many requests of this person wait for answers");
    return true;
}

/* What is only read may be sent back as it was got; it says nothing. */
static void
drop_read_only(const json_t *schema, json_t *body)
{
    const char *key;
    json_t *property;
    json_object_foreach(json_object_get(schema, "properties"), key, property)
    {
        if (json_is_true(json_object_get(property, "readOnly")))
            json_object_del(body, key);
    }
}

static enum err
parse_body(struct api_request *r, struct diag *diag)
{
    size_t size;
    const char *text = http_exchange_body(r->exchange, &size);
    if (size > 0)
        return jsontext_parse(text, size, &r->body, diag);
    r->body = json_object();
    return ERR_OK;
}

/* False: it was answered. */
static bool
read_body(struct api_request *r)
{
    const json_t *components = r->service->components;
    struct diag diag = {""};
    struct buf pointer = BUF_INIT;
    if (!r->route->body && !r->route->takes_body)
        return true;
    const json_t *schema = r->route->body ? json_object_get(components, r->route->body) : NULL;
    enum err err = parse_body(r, &diag);
    if (!err && schema) {
        drop_read_only(schema, r->body);
        err = shape_check(components, schema, r->body, &pointer, &diag);
    }
    if (err && pointer.size)
        api_fail_field(r, err, buf_cstr(&pointer), "%s: %s", buf_cstr(&pointer), diag.text);
    else if (err)
        api_fail(r, err, "the body: %s", diag.text);
    buf_fini(&pointer);
    return !err;
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct gateway_service *s = arg;
    struct admission a = {0};
    if (!admit(s, x, &a) || !has_room(s, x, &a.person)) {
        admission_fini(&a);
        return;
    }
    struct api_request *r = request_new(s, x, &a);
    if (read_body(r))
        account_and_handle(r);
}

static const struct http_handler handler = {on_head, on_request};

/* Who shows no acceptable certificate is nobody, and gets no answer. */
static void
on_refused(void *arg, const char *address, enum err err, const char *reason)
{
    if (err == ERR_DENIED)
        record_stranger(arg, address, reason);
}

/* ---- the service */

static enum err
open_parts(struct gateway_service *s, struct diag *diag)
{
    const struct gateway_config *config = &s->config;
    enum err err = identity_open(config->users_file, config->site, &s->identity, diag);
    if (!err && config->oidc_file)
        err = oidc_settings_read(config->oidc_file, &s->oidc, diag);
    if (!err)
        err = schema_open(config->schema_directory, &s->schema, diag);
    if (!err)
        err = components_build(s->schema, &s->components, diag);
    if (!err) {
        json_t *document = openapi_build(s->components, config->version);
        err = jsontext_put(&s->openapi, document);
        json_decref(document);
    }
    if (!err)
        err = event_streams_new(s, &s->events, diag);
    return err;
}

enum err
gateway_service_new(const struct gateway_config *config, struct gateway_service **result,
                    struct diag *diag)
{
    struct gateway_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->denials = denials_new();
    s->strangers = denials_new();
    s->attempts = attempts_new();
    s->sessions = sessions_new(s);
    enum err err = open_parts(s, diag);
    if (!err)
        err = http_server_new(config->loop,
                              &(struct http_server_config){.address = config->address,
                                                           .tls = config->tls,
                                                           .anonymous = s->oidc.issuer,
                                                           .handler = &handler,
                                                           .refused = on_refused,
                                                           .arg = s},
                              &s->server, diag);
    if (err) {
        gateway_service_free(s);
        return err;
    }
    if (s->oidc.issuer)
        s->provider = provider_new(config->loop,
                                   &(struct provider_config){.issuer = s->oidc.issuer,
                                                             .ca = s->oidc.ca,
                                                             .cache = s->oidc.cache,
                                                             .keys_hold = s->oidc.keys_hold,
                                                             .refresh = s->oidc.refresh});
    *result = s;
    return ERR_OK;
}

void
gateway_service_free(struct gateway_service *s)
{
    if (!s)
        return;
    s->ending = true;
    if (s->user_change) {
        user_change_orphan(s->user_change);
        s->identity = NULL;
    }
    provider_free(s->provider);
    api_end_all(s);
    event_streams_free(s->events);
    http_server_free(s->server);
    identity_close(s->identity);
    schema_close(s->schema);
    json_decref(s->components);
    buf_fini(&s->openapi);
    denials_free(s->denials);
    denials_free(s->strangers);
    attempts_free(s->attempts);
    sessions_free(s->sessions);
    oidc_settings_fini(&s->oidc);
    free(s);
}

const char *
gateway_service_address(const struct gateway_service *s)
{
    return http_server_address(s->server);
}

enum err
gateway_service_reload(struct gateway_service *s, struct diag *diag)
{
    enum err err = tls_reload(s->config.tls, diag);
    json_decref(identity_list(s->identity)); /* has it look at its file */
    if (!err && identity_problem(s->identity))
        err = diag_set(diag, ERR_INVALID, "%s", identity_problem(s->identity));
    return err;
}

struct gateway_statistics
gateway_service_statistics(const struct gateway_service *s)
{
    struct gateway_statistics statistics = s->statistics;
    statistics.http = http_server_statistics(s->server);
    statistics.open_requests = s->n_requests;
    statistics.streams = event_streams_count(s->events);
    return statistics;
}
