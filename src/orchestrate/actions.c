#include "orchestrate/actions.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    action_fn *begin;
} table[] = {
    {"circuit.design", action_design},
    {"circuit.prove", action_prove},
    {"circuit.reserve", action_reserve},
    {"circuit.release", action_release},
    {"circuit.push", action_push},
    {"circuit.remove", action_remove},
    {"circuit.readback", action_readback},
    {"circuit.repair", action_repair},
    {"circuit.test", action_test},
    {"circuit.fingerprint", action_fingerprint},
    {"circuit.carriers", action_carriers},
    {"circuit.drop-carriers", action_drop_carriers},
    {"tunnel.design", action_tunnel_design},
    {"tunnel.reserve", action_tunnel_reserve},
    {"tunnel.release", action_tunnel_release},
    {"tunnel.push", action_tunnel_push},
    {"tunnel.remove", action_tunnel_remove},
    {"tunnel.test", action_tunnel_test},
    {"vpn.design", action_vpn_design},
    {"vpn.reserve", action_vpn_reserve},
    {"vpn.release", action_vpn_release},
    {"vpn.push", action_vpn_push},
    {"vpn.remove", action_vpn_remove},
    {"vpn.revert", action_vpn_revert},
    {"vpn.test", action_vpn_test},
    {"tunnel.optimise", action_tunnel_optimise},
    {"tunnel.relieve", action_tunnel_relieve},
    {"tunnel.move", action_tunnel_move},
    {"wan.plan-drain", action_wan_plan_drain},
    {"wan.drain", action_wan_drain},
    {"exception.close", action_close_exception},
};

action_fn *
action_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].name, name))
            return table[i].begin;
    }
    return NULL;
}

bool
action_has_circuits(struct effect *effect)
{
    size_t i;
    json_t *name;
    if (!json_is_array(effect->circuits)) {
        effect_fail(effect, false, "its circuits are not named");
        return false;
    }
    json_array_foreach(effect->circuits, i, name)
    {
        const char *circuit = json_string_value(name);
        if (circuit && network_circuit(effect->service->state->network, circuit))
            continue;
        effect_fail(effect, false, "there is no circuit %s", circuit ? circuit : "of no name");
        return false;
    }
    return true;
}

bool
action_has_plan(struct effect *effect, json_t **draft)
{
    *draft = json_object_get(effect->params, "plan");
    if (draft_hash(*draft) && draft_size(*draft) > 0)
        return true;
    effect_fail(effect, false, "it is given no plan");
    return false;
}

json_t *
action_circuits(const struct effect *effect,
                bool (*chosen)(const struct effect *, const char *circuit))
{
    size_t i;
    json_t *name, *list = json_array();
    json_array_foreach(effect->circuits, i, name)
    {
        if (chosen(effect, json_string_value(name)))
            json_array_append(list, name);
    }
    return list;
}

bool
action_may_touch(const struct effect *effect, const char *circuit)
{
    const struct orchestrate_service *s = effect->service;
    const struct circuit_status *status = state_circuit(s->state, circuit);
    return status && (status->order == effect->work->id || !works_is_open(s->works, status->order));
}

json_t *
action_event_body(const struct effect *effect, json_t *circuits)
{
    return json_pack("{s:I, s:o}", "order", (json_int_t)effect->work->id, "circuits", circuits);
}

const char *
action_object(const json_t *circuits, char *object)
{
    snprintf(object, ACTION_OBJECT_SIZE, "circuit/%s",
             json_string_value(json_array_get(circuits, 0)));
    return object;
}
