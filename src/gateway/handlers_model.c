/* handlers_model.c - the objects of the model: all kinds are handled alike. What is stated is read
 * from the state and changed by the service that keeps the model; how it is now says the service
 * that looks after the nodes. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "gateway/http_fields.h"
#include "gateway/reports.h"
#include "gateway/service_private.h"
#include "gateway/yang_reason.h"
#include "io/jsontext.h"
#include "model/carried.h"
#include "model/json.h"
#include "model/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *plural, *word;
    enum object_kind kind;
    const char *path;    /* of the list in the YANG modules */
    const char *subject; /* who knows how they are now; NULL: there is nothing to know */
} kinds[] = {
    {"sites", "site", OBJECT_SITE, "/tieline-inventory:inventory/site", NULL},
    {"nodes", "node", OBJECT_NODE, "/tieline-inventory:inventory/node", "lan.nodes"},
    {"links", "link", OBJECT_LINK, "/tieline-inventory:inventory/link", "lan.links"},
    {"hosts", "host", OBJECT_HOST, "/tieline-inventory:inventory/host", NULL},
    {"routers", "router", OBJECT_ROUTER, "/tieline-wan:wan/router", NULL},
    {"tunnels", "tunnel", OBJECT_TUNNEL, "/tieline-wan:wan/tunnel", NULL},
    {"vpns", "vpn", OBJECT_VPN, "/tieline-wan:wan/vpn", NULL},
    {"circuits", "circuit", OBJECT_CIRCUIT, "/tieline-circuit:circuits/circuit", NULL},
};

static const struct kind *
kind_of(const struct api_request *r)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds) - 1; i++) {
        if (!strcmp(r->target.segments[2], kinds[i].plural))
            return &kinds[i];
    }
    return &kinds[ARRAY_SIZE(kinds) - 1];
}

static const struct state *
state_of(const struct api_request *r)
{
    return r->service->config.state;
}

/* ---- one object */

/* The tunnels through the WAN that its paths go by; nothing if there are none. */
static void
set_carriers(json_t *status, const struct state *state, const char *circuit)
{
    json_t *circuits = json_pack("[s]", circuit), *list = json_array();
    json_t *tunnels = carried_tunnels(state->network, circuits);
    size_t i;
    const json_t *name;
    json_array_foreach(tunnels, i, name)
    {
        const char *tunnel = json_string_value(name);
        json_t *carrier = tunnel_status_json(tunneling_find(&state->tunneling, tunnel));
        json_object_set_new(carrier, "tunnel", json_string(tunnel));
        json_array_append_new(list, carrier);
    }
    if (json_array_size(list))
        json_object_set(status, "carriers", list);
    json_decref(circuits);
    json_decref(tunnels);
    json_decref(list);
}

static json_t *
tunnel_status_of(const struct state *state, const char *tunnel)
{
    json_t *status = tunnel_status_json(tunneling_find(&state->tunneling, tunnel));
    json_t *circuits = carried_circuits(state->network, tunnel, NULL);
    if (json_array_size(circuits))
        json_object_set(status, "circuits", circuits);
    json_decref(circuits);
    return status;
}

static json_t *
status_of(const struct state *state, const char *circuit)
{
    char since[TIME_TEXT_SIZE];
    const struct circuit_status *status = state_circuit(state, circuit);
    const struct design *design = network_design(state->network, circuit);
    if (!status)
        return NULL;
    json_t *json = json_pack("{ss ss}", "phase", circuit_phase_word(status->phase), "since",
                             time_format(status->since, since));
    if (status->order)
        json_object_set_new(json, "order", json_integer(status->order));
    if (status->build_time)
        json_object_set_new(json, "build-time-ns", json_integer(status->build_time));
    if (design)
        json_object_set_new(json, "design", design_to_json(design));
    set_carriers(json, state, circuit);
    return json;
}

/* The row of the live states about this object; NULL: none. */
static json_t *
find_live(const json_t *rows, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        const char *its = json_string_value(json_object_get(row, "name"));
        if (its && !strcmp(its, name))
            return row;
    }
    return NULL;
}

static void
set_live(json_t *object, const char *name, const json_t *rows)
{
    json_t *row = find_live(rows, name);
    json_t *live = row ? json_copy(row) : NULL;
    if (!live)
        return;
    json_object_del(live, "name");
    json_object_set_new(object, "live", live);
}

static json_t *
describe(const struct state *state, const struct kind *kind, const void *object, const json_t *rows)
{
    const char *name = object_name(kind->kind, object);
    json_t *json = object_to_json(kind->kind, object);
    json_t *status = kind->kind == OBJECT_CIRCUIT  ? status_of(state, name)
                     : kind->kind == OBJECT_TUNNEL ? tunnel_status_of(state, name)
                     : kind->kind == OBJECT_VPN ? vpn_status_json(vpning_find(&state->vpning, name))
                                                : NULL;
    if (status)
        json_object_set_new(json, "status", status);
    set_live(json, name, rows);
    return json;
}

/* ---- reading */

/* Whether live states are known, where there are some. */
static void
set_live_known(json_t *answer, const struct kind *kind, const struct call_result *result)
{
    if (!kind->subject)
        return;
    json_t *live = json_pack("{sb}", "ok", result->err == ERR_OK);
    if (result->err)
        json_object_set_new(live, "why", jsontext_string(result->text));
    json_object_set_new(answer, "live", live);
}

static void
answer_list(struct api_request *r, const struct call_result *result)
{
    const struct kind *kind = kind_of(r);
    const struct state *state = state_of(r);
    const json_t *rows = json_object_get(result->value, kind->plural);
    json_t *unexpected = json_object_get(result->value, "unexpected");
    json_t *list = json_array(), *answer = json_pack("{so}", kind->plural, list);
    for (void *object = network_first(state->network, kind->kind); object;
         object = object_next(kind->kind, object))
        json_array_append_new(list, describe(state, kind, object, rows));
    set_live_known(answer, kind, result);
    if (unexpected)
        json_object_set(answer, "unexpected", unexpected);
    api_answer(r, answer);
}

static const struct call_result nothing_asked = {.err = ERR_OK, .text = ""};

void
api_list_objects(struct api_request *r)
{
    const struct kind *kind = kind_of(r);
    if (kind->subject)
        api_ask(r, kind->subject, json_object(), answer_list);
    else
        answer_list(r, &nothing_asked);
}

/* The object of the path; NULL: it was answered that there is none. */
static void *
find_object(struct api_request *r, const struct kind *kind)
{
    void *object = network_find(state_of(r)->network, kind->kind, r->value);
    if (!object)
        api_fail(r, ERR_NOT_FOUND, "there is no %s %s", kind->word, r->value);
    return object;
}

#define ETAG_SIZE 24

/* The version of what is stated; of how it is now it says nothing. `tag` holds ETAG_SIZE octets. */
static char *
etag_of(const struct kind *kind, const void *object, char *tag)
{
    struct buf text = BUF_INIT;
    json_t *json = object_to_json(kind->kind, object);
    if (jsontext_put(&text, json))
        buf_clear(&text);
    snprintf(tag, ETAG_SIZE, "\"%016" PRIx64 "\"", hash_bytes(text.data, text.size, 0));
    json_decref(json);
    buf_fini(&text);
    return tag;
}

static void
answer_object(struct api_request *r, const struct call_result *result)
{
    char tag[ETAG_SIZE];
    const struct kind *kind = kind_of(r);
    const void *object = find_object(r, kind);
    if (!object)
        return;
    char *fields = xasprintf("ETag: %s\r\n", etag_of(kind, object, tag));
    json_t *rows = json_object_get(result->value, kind->plural);
    api_answer_with(r, 200, fields, describe(state_of(r), kind, object, rows));
    free(fields);
}

void
api_get_object(struct api_request *r)
{
    const struct kind *kind = kind_of(r);
    if (kind->subject && network_find(state_of(r)->network, kind->kind, r->value))
        api_ask(r, kind->subject, json_object(), answer_object);
    else
        answer_object(r, &nothing_asked);
}

/* ---- changing */

/* False: it was answered. */
static bool
check_version(struct api_request *r, const struct kind *kind)
{
    char tag[ETAG_SIZE];
    const struct http_head *head = http_exchange_head(r->exchange);
    const void *object = network_find(state_of(r)->network, kind->kind, r->value);
    const char *etag = object ? etag_of(kind, object, tag) : NULL;
    bool differs = http_etag_match(head, "if-match", etag) == HTTP_MATCH_NO;
    bool is_there = http_etag_match(head, "if-none-match", etag) == HTTP_MATCH_YES;
    if (!differs && !is_there)
        return true;
    api_problem(r, &(struct problem){.status = 412,
                                     .err = is_there ? ERR_EXISTS : ERR_CONFLICT,
                                     .detail = is_there ? "it is there already"
                                                        : "it has been changed since it was read"});
    return false;
}

/* Checks the body against the YANG modules. False: it was answered. */
static bool
check_object(struct api_request *r, const struct kind *kind)
{
    struct diag diag = {""};
    struct buf text = BUF_INIT, pointer = BUF_INIT;
    json_t *parsed = NULL;
    enum err err = jsontext_put(&text, r->body);
    if (!err)
        err = schema_validate_json(r->service->schema, buf_cstr(&text), text.size, kind->path,
                                   &parsed, &diag);
    const char *reason = err ? yang_reason(diag.text, kind->path, r->body, &pointer) : NULL;
    json_decref(parsed);
    buf_fini(&text);
    if (err)
        api_fail_field(r, err, pointer.size ? buf_cstr(&pointer) : NULL, "%s%s%s",
                       buf_cstr(&pointer), pointer.size ? ": " : "", reason);
    buf_fini(&pointer);
    return !err;
}

/* {"tieline-inventory:inventory": {"site": [the body]}} */
static json_t *
document_of(const struct api_request *r, const struct kind *kind)
{
    const char *module = object_module(kind->kind);
    return json_pack("{s{s[O]}}", module, kind->word, r->body);
}

/* Importing can be tried. */
static json_t *
import_of(const struct api_request *r, const struct kind *kind)
{
    struct buf text = BUF_INIT;
    json_t *document = document_of(r, kind);
    if (jsontext_put(&text, document))
        buf_clear(&text);
    json_t *payload = json_pack("{ss sb ss s[{ss ss}]}", "actor", r->person.name, "dry-run", true,
                                "format", "json", "files", "name", "body", "text", buf_cstr(&text));
    json_decref(document);
    buf_fini(&text);
    return payload;
}

void
api_put_object(struct api_request *r)
{
    const struct kind *kind = kind_of(r);
    const char *name = json_string_value(json_object_get(r->body, "name"));
    if (!name || strcmp(name, r->value) != 0)
        api_fail_field(r, ERR_INVALID, "/name", "/name: the path says %s", r->value);
    else if (!check_version(r, kind) || !check_object(r, kind))
        return; /* it was answered */
    else if (api_flag(r, "dry-run"))
        api_ask(r, "model.import", import_of(r, kind), api_answer_report);
    else
        api_ask(r, NULL,
                json_pack("{ss so}", "actor", r->person.name, "document", document_of(r, kind)),
                api_answer_report);
}

void
api_delete_object(struct api_request *r)
{
    const struct kind *kind = kind_of(r);
    if (find_object(r, kind) && check_version(r, kind))
        api_ask(
            r, NULL,
            json_pack("{ss ss ss}", "actor", r->person.name, "kind", kind->word, "name", r->value),
            NULL);
}
