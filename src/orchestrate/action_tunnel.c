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
ask(struct effect *effect, const char *subject)
{
    if (!has_tunnels(effect))
        return;
    json_t *payload = json_copy(effect->params);
    json_object_set_new(payload, "order", json_integer(effect->work->id));
    effect_ask(effect, subject, payload, answered);
}

void
action_tunnel_design(struct effect *effect)
{
    ask(effect, "wan.design");
}

void
action_tunnel_reserve(struct effect *effect)
{
    ask(effect, "wan.reserve");
}

void
action_tunnel_release(struct effect *effect)
{
    ask(effect, "wan.release");
}

void
action_tunnel_push(struct effect *effect)
{
    ask(effect, "wan.push");
}

void
action_tunnel_remove(struct effect *effect)
{
    ask(effect, "wan.remove");
}

void
action_tunnel_test(struct effect *effect)
{
    ask(effect, "wan.test");
}
