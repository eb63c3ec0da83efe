/* handlers_wan.c - the WAN: what its controller knows is asked of it. */
#include "gateway/handlers.h"

#include "gateway/service_private.h"

void
api_list_lsps(struct api_request *r)
{
    const char *router = api_text(r, "router");
    json_t *payload = json_pack("{sI sI}", "after", (json_int_t)api_number(r, "after", 0), "limit",
                                (json_int_t)api_number(r, "limit", 1000));
    if (router)
        json_object_set_new(payload, "router", json_string(router));
    api_ask(r, NULL, payload, NULL);
}

/* What the body says, and who says it. */
void
api_post_on(struct api_request *r)
{
    api_ask(r, NULL, api_payload(r), NULL);
}

/* The body is the document as it comes from the layer's own controller. */
void
api_put_optical(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{ss sO}", "actor", r->person.name, "document", r->body), NULL);
}

void
api_put_wan_plan(struct api_request *r)
{
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "plan", json_string(r->value));
    api_ask(r, NULL, payload, NULL);
}

void
api_get_wan_what_if(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{sI}", "limit", (json_int_t)api_number(r, "limit", 1000)), NULL);
}

/* ---- VPNs ---- */

static bool
vpn_is_known(struct api_request *r)
{
    if (network_vpn(r->service->config.state->network, r->value))
        return true;
    api_fail(r, ERR_NOT_FOUND, "there is no vpn %s", r->value);
    return false;
}

static void
answer_dry_run(struct api_request *r, const struct call_result *result)
{
    json_t *summary = json_object_get(result->value, "summary");
    if (result->err) {
        api_fail_call(r, result);
        return;
    }
    json_t *vpn = json_copy(json_array_get(json_object_get(summary, "vpns"), 0));
    json_object_set(vpn, "hash", json_object_get(result->value, "plan_hash"));
    api_answer(r, vpn);
}

void
api_post_vpn_dry_run(struct api_request *r)
{
    json_int_t version = json_integer_value(json_object_get(r->body, "version"));
    if (vpn_is_known(r))
        api_ask(r, NULL, json_pack("{s[s] sI}", "vpns", r->value, "version", version),
                answer_dry_run);
}

void
api_get_vpn_drift(struct api_request *r)
{
    if (vpn_is_known(r))
        api_ask(r, NULL, json_pack("{ss}", "vpn", r->value), NULL);
}

void
api_post_vpn_restore(struct api_request *r)
{
    if (vpn_is_known(r))
        api_ask(r, NULL, json_pack("{ss ss}", "actor", r->person.name, "vpn", r->value), NULL);
}
