/* action_push.c - rules into the nodes, and out of them.
 *
 * First the journal says what is wanted, then the service lan is asked to see to it, then the
 * journal says that it is so. Whatever is cut off in between is done again: lan compares what is
 * wanted with what the nodes hold. */
#include "orchestrate/actions.h"

#include "model/json.h"

#include "base/alloc.h"

#include <stdlib.h>

/* Rules of so many circuits are made at once; those of more, beside the loop. */
#define AT_ONCE 16

/* ---- Is it what was approved? ------------------------------------------------------------------
 */

static void want(struct effect *);

static bool
is_verified(const struct effect *effect)
{
    const struct work *work = effect->work;
    return work->verified && work->verified_version == effect->service->state->network_version;
}

static void
verified(struct effect *effect, uint64_t version, enum err err, const struct diag *why)
{
    if (err) {
        effect_fail(effect, false, "nothing is built that was not approved: %s", why->text);
        return;
    }
    effect->work->verified = true;
    effect->work->verified_version = version;
    want(effect);
}

/* Belongs to the job. */
struct verification {
    struct effect *effect;
    json_t *draft;
    uint64_t version;
    enum err err;
    struct diag why;
};

static void
verification_free(void *arg)
{
    struct verification *verification = arg;
    json_decref(verification->draft);
    free(verification);
}

/* Sixteen pushes of one order ask for it at once; the first one's answer is good for all. */
static struct network *
prepare_verification(void *arg)
{
    struct verification *verification = arg;
    const struct state *state = verification->effect->service->state;
    verification->version = state->network_version;
    return is_verified(verification->effect) ? NULL : network_copy(state->network);
}

static void
compute_verification(void *arg, struct network *net)
{
    struct verification *verification = arg;
    if (net)
        verification->err = draft_check(net, verification->draft, &verification->why);
}

static void
verification_made(void *arg)
{
    struct verification *verification = arg;
    verification->effect->job = NULL;
    verified(verification->effect, verification->version, verification->err, &verification->why);
}

static const struct job_class verification_job = {prepare_verification, compute_verification,
                                                  verification_made, verification_free};

static void
verify(struct effect *effect, json_t *draft)
{
    const struct state *state = effect->service->state;
    if (is_verified(effect)) {
        want(effect);
    } else if (draft_size(draft) <= AT_ONCE) {
        struct diag why = {""};
        enum err err = draft_check(state->network, draft, &why);
        verified(effect, state->network_version, err, &why);
    } else {
        struct verification *verification = xcalloc(1, sizeof *verification);
        verification->effect = effect;
        verification->draft = json_incref(draft);
        effect->job = jobs_add(effect->service->jobs, &verification_job, verification);
    }
}

/* ---- Building ----------------------------------------------------------------------------------
 */

static enum circuit_phase
phase_of(const struct effect *effect, const char *circuit)
{
    return state_circuit(effect->service->state, circuit)->phase;
}

/* Only what this order has reserved is its to build. */
static bool
is_not_ours(const struct effect *effect, const char *circuit)
{
    const struct circuit_status *status = state_circuit(effect->service->state, circuit);
    return status->order != effect->work->id || status->phase == PHASE_PROPOSED ||
           status->phase == PHASE_REMOVING;
}

static bool
is_to_be_wanted(const struct effect *effect, const char *circuit)
{
    return phase_of(effect, circuit) == PHASE_RESERVED;
}

static bool
is_building(const struct effect *effect, const char *circuit)
{
    return phase_of(effect, circuit) == PHASE_BUILDING;
}

static void
finish_push(struct effect *effect)
{
    effect_done(effect, json_incref(effect->gathered));
}

/* Appends one event per circuit, with what lan said beside it. */
static void
append_each(struct effect *effect, const char *type, json_t *circuits, effect_next_fn *next)
{
    size_t n = json_array_size(circuits);
    struct new_event *events = xcalloc(n, sizeof *events);
    char(*objects)[ACTION_OBJECT_SIZE] = xcalloc(n, sizeof *objects);
    for (size_t i = 0; i < n; i++) {
        json_t *name = json_array_get(circuits, i), *one = json_pack("[O]", name);
        json_t *body = json_pack("{s:I, s:O}", "order", (json_int_t)effect->work->id, "circuit",
                                 name);
        json_object_update_missing(body, effect->gathered);
        events[i] = (struct new_event){type, action_object(one, objects[i]), ORCHESTRATE_ACTOR,
                                       body};
        json_decref(one);
    }
    effect_append(effect, events, n, next);
    free(events);
    free(objects);
}

/* What is kept of lan's answer. */
static json_t *
figures_of(const json_t *answer)
{
    static const char *const keys[] = {"nodes", "rules", "duration-ns"};
    json_t *figures = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        json_t *value = json_object_get(answer, keys[i]);
        if (json_is_array(value) || (json_is_integer(value) && json_integer_value(value) >= 0))
            json_object_set(figures, keys[i], value);
    }
    return figures;
}

static void
pushed(struct effect *effect, const struct call_result *result)
{
    if (result->err) {
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
        return;
    }
    effect->gathered = figures_of(result->value);
    json_t *circuits = action_circuits(effect, is_building);
    if (json_array_size(circuits))
        append_each(effect, "circuit.built", circuits, finish_push);
    else
        finish_push(effect);
    json_decref(circuits);
}

static void
ask_for_push(struct effect *effect)
{
    json_t *circuits = action_circuits(effect, is_building);
    effect_ask(effect, "lan.push", json_pack("{s:o}", "circuits", circuits), pushed);
}

static void
want(struct effect *effect)
{
    char object[ACTION_OBJECT_SIZE];
    json_t *foreign = action_circuits(effect, is_not_ours);
    json_t *reserved = action_circuits(effect, is_to_be_wanted);
    json_t *building = action_circuits(effect, is_building);
    if (json_array_size(foreign)) {
        char *names = names_text(foreign, NAMES_SHOWN);
        effect_fail(effect, false, "not reserved by this order: %s", names);
        free(names);
    } else if (json_array_size(reserved)) {
        struct new_event event = {"circuit.wanted", action_object(reserved, object),
                                  ORCHESTRATE_ACTOR,
                                  action_event_body(effect, json_incref(reserved))};
        effect_append(effect, &event, 1, ask_for_push);
    } else if (json_array_size(building)) {
        ask_for_push(effect);
    } else {
        effect_done(effect, NULL);
    }
    json_decref(foreign);
    json_decref(reserved);
    json_decref(building);
}

void
action_push(struct effect *effect)
{
    json_t *draft;
    if (action_has_circuits(effect) && action_has_plan(effect, &draft))
        verify(effect, draft);
}

/* ---- Removing ----------------------------------------------------------------------------------
 */

static bool
is_wanted(const struct effect *effect, const char *circuit)
{
    return phase_is_wanted(phase_of(effect, circuit)) && action_may_touch(effect, circuit);
}

static bool
is_removing(const struct effect *effect, const char *circuit)
{
    return phase_of(effect, circuit) == PHASE_REMOVING && action_may_touch(effect, circuit);
}

static void
removed(struct effect *effect, const struct call_result *result)
{
    if (result->err) {
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
        return;
    }
    effect->gathered = figures_of(result->value);
    json_t *circuits = action_circuits(effect, is_removing);
    if (json_array_size(circuits))
        append_each(effect, "circuit.removed", circuits, finish_push);
    else
        finish_push(effect);
    json_decref(circuits);
}

static void
ask_for_removal(struct effect *effect)
{
    json_t *circuits = action_circuits(effect, is_removing);
    effect_ask(effect, "lan.remove", json_pack("{s:o}", "circuits", circuits), removed);
}

void
action_remove(struct effect *effect)
{
    char object[ACTION_OBJECT_SIZE];
    if (!action_has_circuits(effect))
        return;
    json_t *wanted = action_circuits(effect, is_wanted);
    json_t *removing = action_circuits(effect, is_removing);
    if (json_array_size(wanted)) {
        struct new_event event = {"circuit.unwanted", action_object(wanted, object),
                                  ORCHESTRATE_ACTOR,
                                  action_event_body(effect, json_incref(wanted))};
        effect_append(effect, &event, 1, ask_for_removal);
    } else if (json_array_size(removing)) {
        ask_for_removal(effect);
    } else {
        effect_done(effect, NULL);
    }
    json_decref(wanted);
    json_decref(removing);
}
