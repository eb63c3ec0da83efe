/* action_tunnel.c - tunnels through the WAN: the service wan does it all, and says in the journal
 * what it did. Each request may come again: it looks at the state first, and does what is left. */
#include "orchestrate/actions.h"

#include <string.h>

static void
answered(struct effect *effect, const struct call_result *result)
{
    if (result->err)
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
    else
        effect_done(effect, json_incref(result->value));
}

static bool
has_tunnels(struct effect *effect)
{
    size_t i;
    const json_t *names = json_object_get(effect->params, "tunnels"), *name;
    const struct network *net = effect->service->state->network;
    if (!json_is_array(names)) {
        effect_fail(effect, false, "its tunnels are not named");
        return false;
    }
    json_array_foreach(names, i, name)
    {
        const char *tunnel = json_string_value(name);
        if (tunnel && network_tunnel(net, tunnel))
            continue;
        effect_fail(effect, false, "there is no tunnel %s", tunnel ? tunnel : "of no name");
        return false;
    }
    return true;
}

static void
ask(struct effect *effect, const char *subject, effect_answer_fn *then)
{
    if (!has_tunnels(effect))
        return;
    json_t *payload = json_copy(effect->params);
    json_object_set_new(payload, "order", json_integer(effect->work->id));
    effect_ask(effect, subject, payload, then);
}

/* What is approved: the paths, and what is planned beside them. */
static void
designed(struct effect *effect, const struct call_result *result)
{
    json_t *beside = json_object_get(effect->params, "beside");
    if (result->err || !json_is_string(beside)) {
        answered(effect, result);
        return;
    }
    char hash[WORKFLOW_HASH_SIZE];
    json_t *value = json_copy(result->value);
    json_t *both = json_pack("[OO]", beside, json_object_get(value, "plan_hash"));
    workflow_hash_json(both, hash);
    json_object_set_new(value, "plan_hash", json_string(hash));
    json_decref(both);
    effect_done(effect, value);
}

static bool
needs_none(const struct effect *effect)
{
    const json_t *tunnels = json_object_get(effect->params, "tunnels");
    return json_is_array(tunnels) && !json_array_size(tunnels);
}

void
action_tunnel_design(struct effect *effect)
{
    const char *beside = json_string_value(json_object_get(effect->params, "beside"));
    if (needs_none(effect))
        effect_done(effect, json_pack("{s{} ss s{si s[]}}", "plan", "plan_hash",
                                      beside ? beside : "", "summary", "n", 0, "tunnels"));
    else
        ask(effect, "wan.design", designed);
}

void
action_tunnel_reserve(struct effect *effect)
{
    if (needs_none(effect))
        effect_done(effect, NULL);
    else
        ask(effect, "wan.reserve", answered);
}

void
action_tunnel_release(struct effect *effect)
{
    ask(effect, "wan.release", answered);
}

void
action_tunnel_push(struct effect *effect)
{
    ask(effect, "wan.push", answered);
}

void
action_tunnel_remove(struct effect *effect)
{
    ask(effect, "wan.remove", answered);
}

void
action_tunnel_test(struct effect *effect)
{
    ask(effect, "wan.test", answered);
}
