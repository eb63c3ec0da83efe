/* action_reserve.c - capacity and numbers, taken and given back. */
#include "orchestrate/actions.h"

#include "model/json.h"

#include <stdlib.h>

/* ---- Reserving ---------------------------------------------------------------------------------
 */

static void
finish(struct effect *effect)
{
    effect_done(effect, NULL);
}

/* Is the draft's design in the network already, for this order? */
static bool
is_reserved(const struct effect *effect, const json_t *draft, size_t index)
{
    const struct state *state = effect->service->state;
    const char *circuit = draft_circuit(draft, index);
    const struct design *design = circuit ? network_design(state->network, circuit) : NULL;
    if (!design || state_circuit(state, circuit)->order != effect->work->id)
        return false;
    json_t *there = design_to_json(design);
    bool same = json_equal(there, json_array_get(json_object_get(draft, "designs"), index));
    json_decref(there);
    return same;
}

/* Either all of them are reserved for this order, or none for anybody. */
static bool
is_free(struct effect *effect, const json_t *draft)
{
    const struct state *state = effect->service->state;
    for (size_t i = 0; i < draft_size(draft); i++) {
        const char *circuit = draft_circuit(draft, i);
        const struct circuit_status *status = circuit ? state_circuit(state, circuit) : NULL;
        if (status && status->phase == PHASE_PROPOSED)
            continue;
        if (status)
            effect_fail(effect, false, "circuit %s is %s already, by work order %u", circuit,
                        circuit_phase_word(status->phase), status->order);
        else
            effect_fail(effect, false, "circuit %s is not there any more", circuit ? circuit : "?");
        return false;
    }
    return true;
}

static void
append_reservation(struct effect *effect)
{
    const json_t *draft = json_object_get(effect->params, "plan");
    json_t *body = json_pack("{s:I, s:O}", "order", (json_int_t)effect->work->id, "designs",
                             json_object_get(draft, "designs"));
    struct new_event event = {"circuit.reserved", effect->work->object, ORCHESTRATE_ACTOR, body};
    effect_append(effect, &event, 1, finish);
}

/* What was proved is proved again if the network is another one by now: other orders may have
 * reserved, or somebody changed the inventory. Nobody can until this has been decided. */
static void
reserve_in_turn(struct effect *effect)
{
    json_t *draft = json_object_get(effect->params, "plan");
    const struct work *work = effect->work;
    size_t n = 0;
    while (n < draft_size(draft) && is_reserved(effect, draft, n))
        n++;
    if (n == draft_size(draft))
        effect_done(effect, NULL);
    else if (!is_free(effect, draft))
        return;
    else if (work->proved && work->proved_version == effect->service->state->network_version)
        append_reservation(effect);
    else
        action_prove_then(effect, draft, append_reservation);
}

void
action_reserve(struct effect *effect)
{
    json_t *draft;
    if (action_has_plan(effect, &draft))
        effect_take_turn(effect, reserve_in_turn);
}

/* ---- Giving back -------------------------------------------------------------------------------
 */

static bool
can_be_released(const struct effect *effect, const char *circuit)
{
    const struct state *state = effect->service->state;
    return network_design(state->network, circuit) && action_may_touch(effect, circuit);
}

/* Its rules may be in the nodes: what they stand on cannot be given away. */
static bool
is_in_the_way(const struct effect *effect, const char *circuit)
{
    return can_be_released(effect, circuit) &&
           state_circuit(effect->service->state, circuit)->phase != PHASE_RESERVED;
}

void
action_release(struct effect *effect)
{
    if (!action_has_circuits(effect))
        return;
    json_t *built = action_circuits(effect, is_in_the_way);
    json_t *reserved = action_circuits(effect, can_be_released);
    if (json_array_size(built)) {
        char *names = names_text(built, NAMES_SHOWN);
        effect_fail(effect, false, "not removed from the nodes yet: %s", names);
        free(names);
    } else if (json_array_size(reserved)) {
        struct new_event event = {"circuit.released", effect->work->object, ORCHESTRATE_ACTOR,
                                  action_event_body(effect, json_incref(reserved))};
        effect_append(effect, &event, 1, finish);
    } else {
        effect_done(effect, NULL);
    }
    json_decref(built);
    json_decref(reserved);
}
