/* handlers_node.c - what is asked of single nodes. */
#include "gateway/handlers.h"

#include "gateway/service_private.h"

#include <string.h>

/* False: it was answered that there is none. */
static bool
node_is_known(struct api_request *r)
{
    bool known = network_node(r->service->config.state->network, r->value);
    if (!known)
        api_fail(r, ERR_NOT_FOUND, "there is no node %s", r->value);
    return known;
}

void
api_get_rules(struct api_request *r)
{
    const char *what = api_text(r, "what");
    if (node_is_known(r))
        api_ask(r, NULL, json_pack("{ss ss}", "node", r->value, "what", what ? what : "observed"),
                NULL);
}

void
api_post_repair(struct api_request *r)
{
    if (node_is_known(r))
        api_ask(r, NULL, json_pack("{ss s[s]}", "actor", r->person.name, "nodes", r->value), NULL);
}

/* The agent of a switch that is not ours knows none of these methods. */
static void
answer_rpc(struct api_request *r, const struct call_result *result)
{
    const char *method = json_string_value(json_object_get(r->body, "method"));
    if (result->err == ERR_UNSUPPORTED && !strncmp(result->text, "no method", 9))
        api_fail(r, ERR_UNSUPPORTED, "node %s is not a tieline-edge: it has no %s", r->value,
                 method + strlen("edge."));
    else if (result->err)
        api_fail_call(r, result);
    else
        api_answer(r, json_incref(result->value));
}

static void
call_node(struct api_request *r, const char *method, json_t *params, api_next_fn *next)
{
    json_t *payload = json_pack("{ss ss ss so}", "actor", r->person.name, "node", r->value,
                                "method", method, "params", params);
    api_ask(r, NULL, payload, next);
}

void
api_post_release_port(struct api_request *r)
{
    if (node_is_known(r))
        call_node(r, "edge.release-port", json_incref(r->body), NULL);
}

void
api_post_rpc(struct api_request *r)
{
    json_t *params = json_object_get(r->body, "params");
    const char *method = json_string_value(json_object_get(r->body, "method"));
    if (node_is_known(r))
        call_node(r, method, params ? json_incref(params) : json_object(), answer_rpc);
}

void
api_get_proof(struct api_request *r)
{
    const char *of = api_text(r, "of");
    api_ask(r, NULL, json_pack("{ss}", "of", of ? of : "observed"), NULL);
}

/* The question is the last part of the path. */
void
api_get_ask(struct api_request *r)
{
    static const char *const parameters[] = {"from", "to", "protocol", "host", "element"};
    json_t *payload = json_pack("{ss}", "what", strrchr(r->route->path, '/') + 1);
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        if (api_text(r, parameters[i]))
            json_object_set_new(payload, parameters[i], json_string(api_text(r, parameters[i])));
    }
    api_ask(r, NULL, payload, NULL);
}
