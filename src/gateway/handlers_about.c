/* handlers_about.c - about the person, the site and the API itself. */
#include "gateway/handlers.h"
#include "gateway/service_private.h"
#include "io/jsontext.h"

#include <stdlib.h>
#include <string.h>

static json_t *
describe_right(const struct api_request *r)
{
    char until[TIME_TEXT_SIZE];
    const struct session *s = r->right.kind == RIGHT_CERTIFICATE
                                  ? NULL
                                  : access_session(&r->service->config.state->access, r->right.id);
    json_t *json = json_pack("{ss ss}", "kind", right_word(r->right.kind), "id", r->right.id);
    json_t *issuer = s ? json_object_get(s->body, "issuer") : NULL;
    if (s)
        json_object_set_new(json, "until", json_string(time_format(s->until, until)));
    if (issuer)
        json_object_set(json, "issuer", issuer);
    return json;
}

void
api_get_whoami(struct api_request *r)
{
    const struct gateway_config *config = &r->service->config;
    api_answer(r, json_pack("{ss so so ss ss}", "name", r->person.name, "roles",
                            roles_to_json(r->person.roles), "right", describe_right(r), "site",
                            config->site, "version", config->version));
}

void
api_get_openapi(struct api_request *r)
{
    api_answer_text(r, &r->service->openapi);
}

/* ---- health */

static json_t *
journal_state(const struct gateway_service *s)
{
    struct journal_health health = journal_health(s->config.journal);
    json_t *json = json_pack("{sb sI}", "ok", health.err == ERR_OK, "seq",
                             (json_int_t)journal_head(s->config.journal)->seq);
    if (health.err) {
        char *why = public_text(s, health.why);
        json_object_set_new(json, "why", jsontext_string(why));
        free(why);
    }
    return json;
}

static json_t *
users_state(const struct gateway_service *s)
{
    const char *problem = identity_problem(s->identity);
    json_t *json = json_pack("{sb}", "ok", problem == NULL);
    if (problem)
        json_object_set_new(json, "why", jsontext_string(problem));
    return json;
}

static json_t *
nodes_state(const struct gateway_service *s, const struct call_result *result)
{
    json_int_t adopted = 0;
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(result->value, "nodes"), i, node)
    {
        const char *state = json_string_value(json_object_get(node, "state"));
        adopted += state && !strcmp(state, "adopted");
    }
    json_t *json = json_pack("{sI sI}", "adopted", adopted, "known",
                             (json_int_t)HASH_COUNT(s->config.state->network->nodes));
    if (result->err)
        json_object_set_new(json, "why", jsontext_string(result->text));
    return json;
}

static json_int_t
count_open_orders(const struct state *state)
{
    json_int_t n = 0;
    for (const struct order *order = state->orders; order; order = order->hh.next)
        n += !order->outcome;
    return n;
}

static json_int_t
count_open_exceptions(const struct state *state)
{
    json_int_t n = 0;
    for (const struct exception *e = state->exceptions; e; e = e->hh.next)
        n += e->state != EXCEPTION_CLOSED;
    return n;
}

static bool
is_ok(const json_t *part)
{
    return json_is_true(json_object_get(part, "ok"));
}

static void
answer_health(struct api_request *r, const struct call_result *result)
{
    const struct gateway_service *s = r->service;
    json_t *journal = journal_state(s), *users = users_state(s), *nodes = nodes_state(s, result);
    bool ok = is_ok(journal) && is_ok(users) && !result->err &&
              json_equal(json_object_get(nodes, "adopted"), json_object_get(nodes, "known"));
    api_answer(r, json_pack("{sb so so so sI sI}", "ok", ok, "journal", journal, "nodes", nodes,
                            "users", users, "orders-open", count_open_orders(s->config.state),
                            "exceptions-open", count_open_exceptions(s->config.state)));
}

void
api_get_health(struct api_request *r)
{
    api_ask(r, "lan.nodes", json_object(), answer_health);
}
