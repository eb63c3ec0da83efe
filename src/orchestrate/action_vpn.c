/* action_vpn.c - VPNs on routers of the WAN: the service wan does it all, and says in the journal
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
has_vpns(struct effect *effect)
{
    size_t i;
    const json_t *names = json_object_get(effect->params, "vpns"), *name;
    const struct network *net = effect->service->state->network;
    if (!json_is_array(names)) {
        effect_fail(effect, false, "its VPNs are not named");
        return false;
    }
    json_array_foreach(names, i, name)
    {
        const char *vpn = json_string_value(name);
        if (vpn && network_vpn(net, vpn))
            continue;
        effect_fail(effect, false, "there is no VPN %s", vpn ? vpn : "of no name");
        return false;
    }
    return true;
}

static void
ask(struct effect *effect, const char *subject)
{
    if (!has_vpns(effect))
        return;
    json_t *payload = json_copy(effect->params);
    json_object_set_new(payload, "order", json_integer(effect->work->id));
    effect_ask(effect, subject, payload, answered);
}

void
action_vpn_design(struct effect *effect)
{
    ask(effect, "vpn.design");
}

void
action_vpn_reserve(struct effect *effect)
{
    ask(effect, "vpn.reserve");
}

void
action_vpn_release(struct effect *effect)
{
    ask(effect, "vpn.release");
}

void
action_vpn_push(struct effect *effect)
{
    ask(effect, "vpn.push");
}

void
action_vpn_remove(struct effect *effect)
{
    ask(effect, "vpn.remove");
}

void
action_vpn_revert(struct effect *effect)
{
    ask(effect, "vpn.revert");
}

void
action_vpn_test(struct effect *effect)
{
    ask(effect, "vpn.test");
}
