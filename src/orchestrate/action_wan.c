/* action_wan.c - tunnels through the WAN, and VPNs on its routers: the service wan does it all, and
 * says in the journal what it did. Each request may come again: it looks at the state first, and
 * does what is left. */
#include "model/object.h"
#include "orchestrate/actions.h"

#include <string.h>

/* Two kinds of things, asked for alike. */
struct wan_kind {
    const char *list, *word; /* in parameters; for people */
    enum object_kind kind;
};
static const struct wan_kind tunnels = {"tunnels", "tunnel", OBJECT_TUNNEL};
static const struct wan_kind vpns = {"vpns", "VPN", OBJECT_VPN};

static const json_t *
names_in(const struct effect *effect, const struct wan_kind *kind)
{
    return json_object_get(effect->params, kind->list);
}

/* Are they named, and there? If not, the effect has failed. */
static bool
has_all(struct effect *effect, const struct wan_kind *kind)
{
    size_t i;
    const json_t *names = names_in(effect, kind), *name;
    const struct network *net = effect->service->state->network;
    if (!json_is_array(names)) {
        effect_fail(effect, false, "its %ss are not named", kind->word);
        return false;
    }
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        if (text && network_find(net, kind->kind, text))
            continue;
        effect_fail(effect, false, "there is no %s %s", kind->word, text ? text : "of no name");
        return false;
    }
    return true;
}

static void
answered(struct effect *effect, const struct call_result *result)
{
    if (result->err)
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
    else
        effect_done(effect, json_incref(result->value));
}

static void
ask_as_it_is(struct effect *effect, const char *subject, effect_answer_fn *then)
{
    json_t *payload = json_copy(effect->params);
    json_object_set_new(payload, "order", json_integer(effect->work->id));
    effect_ask(effect, subject, payload, then);
}

static void
ask(struct effect *effect, const struct wan_kind *kind, const char *subject, effect_answer_fn *then)
{
    if (has_all(effect, kind))
        ask_as_it_is(effect, subject, then);
}

/* ---- Design: what circuits bring with them is approved with them ---- */

static bool
needs_none(const struct effect *effect, const struct wan_kind *kind)
{
    const json_t *names = names_in(effect, kind);
    return json_is_array(names) && !json_array_size(names);
}

/* What is approved: this plan, and the one beside it. */
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

static void
design(struct effect *effect, const struct wan_kind *kind, const char *subject)
{
    const char *beside = json_string_value(json_object_get(effect->params, "beside"));
    if (needs_none(effect, kind))
        effect_done(effect, json_pack("{s{} ss s{si s[]}}", "plan", "plan_hash",
                                      beside ? beside : "", "summary", "n", 0, kind->list));
    else
        ask(effect, kind, subject, designed);
}

static void
reserve(struct effect *effect, const struct wan_kind *kind, const char *subject)
{
    if (needs_none(effect, kind))
        effect_done(effect, NULL);
    else
        ask(effect, kind, subject, answered);
}

void
action_tunnel_design(struct effect *effect)
{
    design(effect, &tunnels, "wan.design");
}

void
action_tunnel_reserve(struct effect *effect)
{
    reserve(effect, &tunnels, "wan.reserve");
}

void
action_vpn_design(struct effect *effect)
{
    design(effect, &vpns, "vpn.design");
}

void
action_vpn_reserve(struct effect *effect)
{
    reserve(effect, &vpns, "vpn.reserve");
}

/* ---- The rest is asked for and answered ---- */

#define DEFINE_ACTION(name, kind, subject)                                                         \
    void name(struct effect *effect)                                                               \
    {                                                                                              \
        ask(effect, kind, subject, answered);                                                      \
    }

DEFINE_ACTION(action_tunnel_release, &tunnels, "wan.release")
DEFINE_ACTION(action_tunnel_push, &tunnels, "wan.push")
DEFINE_ACTION(action_tunnel_remove, &tunnels, "wan.remove")
DEFINE_ACTION(action_tunnel_test, &tunnels, "wan.test")
DEFINE_ACTION(action_vpn_release, &vpns, "vpn.release")
DEFINE_ACTION(action_vpn_push, &vpns, "vpn.push")
DEFINE_ACTION(action_vpn_remove, &vpns, "vpn.remove")
DEFINE_ACTION(action_vpn_revert, &vpns, "vpn.revert")
DEFINE_ACTION(action_vpn_test, &vpns, "vpn.test")

/* These say themselves which tunnels they are about. */
#define DEFINE_PLAIN_ACTION(name, subject)                                                         \
    void name(struct effect *effect)                                                               \
    {                                                                                              \
        ask_as_it_is(effect, subject, answered);                                                   \
    }

DEFINE_PLAIN_ACTION(action_tunnel_optimise, "wan.optimise")
DEFINE_PLAIN_ACTION(action_tunnel_relieve, "wan.relieve")
DEFINE_PLAIN_ACTION(action_tunnel_move, "wan.move")
DEFINE_PLAIN_ACTION(action_wan_plan_drain, "wan.plan-drain")

/* Whoever asked for the order takes it out of service. */
void
action_wan_drain(struct effect *effect)
{
    json_t *payload = json_copy(effect->params);
    json_object_set_new(payload, "actor", json_string(workflow_run_requester(effect->work->run)));
    effect_ask(effect, "wan.drain", payload, answered);
}
