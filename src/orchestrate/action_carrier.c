/* action_carrier.c - tunnels that circuits need: named for the order that builds the first of them,
 * and taken down when the last one has gone. */
#include "orchestrate/actions.h"

#include "base/alloc.h"
#include "model/carried.h"

#include <stdlib.h>
#include <string.h>

/* ---- What nobody needs any more ---- */

static void drop_next(struct effect *);

/* Circuits of other orders may need it by now, or people have built it for themselves. */
static bool
is_idle(const struct effect *effect, const struct tunnel_status *t)
{
    const struct network *net = effect->service->state->network;
    if (!t || !t->for_circuits || t->phase == PHASE_PROPOSED)
        return false;
    json_t *circuits = carried_circuits(net, t->tunnel, effect->circuits);
    bool idle = !json_array_size(circuits);
    json_decref(circuits);
    return idle;
}

static const char *
first_of(const struct effect *effect)
{
    return json_string_value(json_array_get(effect->gathered, 0));
}

static void
ask_about_first(struct effect *effect, const char *subject, effect_answer_fn *answered)
{
    effect_ask(
        effect, subject,
        json_pack("{s[s] sI}", "tunnels", first_of(effect), "order", (json_int_t)effect->work->id),
        answered);
}

static void
released(struct effect *effect, const struct call_result *result)
{
    if (result->err) {
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
        return;
    }
    json_array_remove(effect->gathered, 0);
    drop_next(effect);
}

static void
removed(struct effect *effect, const struct call_result *result)
{
    if (result->err)
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
    else
        ask_about_first(effect, "wan.release", released);
}

static void
drop_next(struct effect *effect)
{
    const struct tunneling *all = &effect->service->state->tunneling;
    while (first_of(effect) && !is_idle(effect, tunneling_find(all, first_of(effect))))
        json_array_remove(effect->gathered, 0);
    if (first_of(effect))
        ask_about_first(effect, "wan.remove", removed);
    else
        effect_done(effect, NULL);
}

/* Is this effect about to take it down? What it has asked for may not show in the state yet. */
static bool
is_dropping(const struct effect *effect, const void *tunnel)
{
    return (effect->answered == removed || effect->answered == released) && first_of(effect) &&
           !strcmp(first_of(effect), tunnel);
}

/* {circuits}: as if these were not there any more. */
void
action_drop_carriers(struct effect *effect)
{
    const struct tunneling *all = &effect->service->state->tunneling;
    if (!json_is_array(effect->circuits)) {
        effect_fail(effect, false, "its circuits are not named");
        return;
    }
    json_decref(effect->gathered);
    effect->gathered = json_array();
    for (const struct tunnel_status *t = all->tunnels; t; t = t->hh.next) {
        if (is_idle(effect, t))
            json_array_append_new(effect->gathered, json_string(t->tunnel));
    }
    drop_next(effect);
}

/* ---- What an order needs ---- */

/* False: the effect has failed, and may try again. */
static bool
must_build(struct effect *effect, const char *tunnel, bool *build)
{
    const struct state *state = effect->service->state;
    const struct tunnel_status *t = tunneling_find(&state->tunneling, tunnel);
    enum circuit_phase phase = t ? t->phase : PHASE_PROPOSED;
    *build = phase == PHASE_PROPOSED || (t->order == effect->work->id && phase != PHASE_REMOVING);
    bool goes = effects_any(effect->service->effects, is_dropping, tunnel);
    if (!goes && (*build || phase == PHASE_BUILT || phase == PHASE_ACTIVE))
        return true;
    effect_fail(effect, true, "the circuits need tunnel %s, which is %s by work order %u", tunnel,
                goes ? "being taken down" : circuit_phase_word(phase), t ? t->order : 0);
    return false;
}

/* {circuits} -> {tunnels: those that are not built yet, carriers: [{tunnel, links, circuits}]}. The
 * circuits are reserved: from then on nobody takes down what they need. */
void
action_carriers(struct effect *effect)
{
    const struct network *net = effect->service->state->network;
    size_t i;
    const json_t *name;
    if (!action_has_circuits(effect))
        return;
    json_t *all = carried_tunnels(net, effect->circuits);
    json_t *tunnels = json_array(), *carriers = json_array();
    bool go_on = true;
    json_array_foreach(all, i, name)
    {
        const char *tunnel = json_string_value(name);
        bool build = false;
        go_on = go_on && must_build(effect, tunnel, &build);
        if (go_on && build)
            json_array_append(tunnels, (json_t *)(uintptr_t)name);
        json_array_append_new(carriers, json_pack("{ss so sb}", "tunnel", tunnel, "links",
                                                  carried_links(net, tunnel), "build", build));
    }
    if (go_on)
        effect_done(effect, json_pack("{sO sO}", "tunnels", tunnels, "carriers", carriers));
    json_decref(all);
    json_decref(tunnels);
    json_decref(carriers);
}
