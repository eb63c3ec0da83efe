/* action_carrier.c - tunnels and VPNs that circuits need: named for the order that builds the first
 * of these circuits, and taken down when the last one has gone. */
#include "orchestrate/actions.h"

#include "base/alloc.h"
#include "model/carried.h"

#include <stdlib.h>
#include <string.h>

/* What the circuits of a link stand on. VPNs come first: they stand on tunnels. */
enum carrier { CARRIER_VPN, CARRIER_TUNNEL, CARRIERS };

static const struct {
    const char *word, *list; /* for people; in parameters */
    const char *remove, *release;
} carriers[CARRIERS] = {
    [CARRIER_VPN] = {"VPN", "vpns", "vpn.remove", "vpn.release"},
    [CARRIER_TUNNEL] = {"tunnel", "tunnels", "wan.remove", "wan.release"},
};

/* How far one is, and whose it is. */
struct standing_of {
    enum circuit_phase phase;
    uint32_t order;
    bool for_circuits;
};

static struct standing_of
look(const struct state *state, enum carrier kind, const char *name)
{
    const struct tunnel_status *t = kind == CARRIER_TUNNEL ? tunneling_find(&state->tunneling, name)
                                                           : NULL;
    const struct vpn_status *v = kind == CARRIER_VPN ? vpning_find(&state->vpning, name) : NULL;
    if (t)
        return (struct standing_of){t->phase, t->order, t->for_circuits};
    if (v)
        return (struct standing_of){v->phase, v->order, v->for_circuits};
    return (struct standing_of){PHASE_PROPOSED, 0, false};
}

/* ---- What nobody needs any more ---- */

static void drop_next(struct effect *);

/* The first of what is left, as [kind, name]; false: nothing is. */
static bool
first_of(const struct effect *effect, enum carrier *kind, const char **name)
{
    const json_t *first = json_array_get(effect->gathered, 0);
    if (!first)
        return false;
    *kind = (enum carrier)json_integer_value(json_array_get(first, 0));
    *name = json_string_value(json_array_get(first, 1));
    return true;
}

/* Circuits of other orders may need it by now, or people have built it for themselves, or something
 * else on it. */
static bool
is_idle(const struct effect *effect, enum carrier kind, const char *name)
{
    const struct state *state = effect->service->state;
    struct standing_of s = look(state, kind, name);
    if (!s.for_circuits || s.phase == PHASE_PROPOSED)
        return false;
    if (kind == CARRIER_TUNNEL && vpning_stands_on(&state->vpning, name))
        return false;
    json_t *circuits = kind == CARRIER_VPN
                           ? carried_vpn_circuits(state->network, name, effect->circuits)
                           : carried_circuits(state->network, name, effect->circuits);
    bool idle = !json_array_size(circuits);
    json_decref(circuits);
    return idle;
}

static void
ask_about_first(struct effect *effect, bool release, effect_answer_fn *answered)
{
    enum carrier kind = CARRIER_TUNNEL;
    const char *name = NULL;
    (void)first_of(effect, &kind, &name);
    effect_ask(
        effect, release ? carriers[kind].release : carriers[kind].remove,
        json_pack("{s[s] sI}", carriers[kind].list, name, "order", (json_int_t)effect->work->id),
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
        ask_about_first(effect, true, released);
}

static void
drop_next(struct effect *effect)
{
    enum carrier kind;
    const char *name;
    bool any;
    while ((any = first_of(effect, &kind, &name)) && !is_idle(effect, kind, name))
        json_array_remove(effect->gathered, 0);
    if (any)
        ask_about_first(effect, false, removed);
    else
        effect_done(effect, NULL);
}

static void
gather(struct effect *effect, enum carrier kind, const char *name)
{
    json_array_append_new(effect->gathered, json_pack("[is]", (int)kind, name));
}

/* {circuits}: as if these were not there any more. */
void
action_drop_carriers(struct effect *effect)
{
    const struct state *state = effect->service->state;
    if (!json_is_array(effect->circuits)) {
        effect_fail(effect, false, "its circuits are not named");
        return;
    }
    json_decref(effect->gathered);
    effect->gathered = json_array();
    for (const struct vpn_status *v = state->vpning.vpns; v; v = v->hh.next) {
        if (v->for_circuits)
            gather(effect, CARRIER_VPN, v->vpn);
    }
    for (const struct tunnel_status *t = state->tunneling.tunnels; t; t = t->hh.next) {
        if (t->for_circuits)
            gather(effect, CARRIER_TUNNEL, t->tunnel);
    }
    drop_next(effect);
}

/* ---- What an order needs ---- */

struct thing {
    enum carrier kind;
    const char *name;
};

/* Is this effect about to take it down? What it has asked for may not show in the state yet. */
static bool
is_dropping(const struct effect *effect, const void *arg)
{
    const struct thing *thing = arg;
    enum carrier kind;
    const char *name;
    return (effect->answered == removed || effect->answered == released) &&
           first_of(effect, &kind, &name) && kind == thing->kind && !strcmp(name, thing->name);
}

/* False: the effect has failed, and may try again. */
static bool
must_build(struct effect *effect, const struct thing *thing, bool *build)
{
    struct standing_of s = look(effect->service->state, thing->kind, thing->name);
    bool goes = effects_any(effect->service->effects, is_dropping, thing);
    *build = s.phase == PHASE_PROPOSED ||
             (s.order == effect->work->id && s.phase != PHASE_REMOVING);
    if (!goes && (*build || s.phase == PHASE_BUILT || s.phase == PHASE_ACTIVE))
        return true;
    effect_fail(effect, true, "the circuits need %s %s, which is %s by work order %u",
                carriers[thing->kind].word, thing->name,
                goes ? "being taken down" : circuit_phase_word(s.phase), s.order);
    return false;
}

/* Those of one kind that are to be built; all of them go into `shown`. NULL: the effect has failed.
 */
static json_t *
choose(struct effect *effect, enum carrier kind, const json_t *names, json_t *shown)
{
    const struct network *net = effect->service->state->network;
    json_t *chosen = json_array();
    size_t i;
    const json_t *name;
    json_array_foreach(names, i, name)
    {
        const struct thing thing = {kind, json_string_value(name)};
        bool build;
        if (!must_build(effect, &thing, &build)) {
            json_decref(chosen);
            return NULL;
        }
        if (build)
            json_array_append_new(chosen, json_string(thing.name));
        json_array_append_new(shown,
                              json_pack("{ss ss so sb}", "kind", carriers[kind].word, "name",
                                        thing.name, "links",
                                        kind == CARRIER_VPN ? carried_vpn_links(net, thing.name)
                                                            : carried_links(net, thing.name),
                                        "build", build));
    }
    return chosen;
}

/* {circuits} -> {tunnels, vpns: those that are not built yet, carriers: [{kind, name, links,
 * build}]}. The circuits are reserved: from then on nobody takes down what they need. */
void
action_carriers(struct effect *effect)
{
    const struct network *net = effect->service->state->network;
    if (!action_has_circuits(effect))
        return;
    json_t *need_tunnels = carried_tunnels(net, effect->circuits);
    json_t *need_vpns = carried_vpns(net, effect->circuits), *shown = json_array();
    json_t *tunnels = choose(effect, CARRIER_TUNNEL, need_tunnels, shown);
    json_t *vpns = tunnels ? choose(effect, CARRIER_VPN, need_vpns, shown) : NULL;
    if (vpns)
        effect_done(effect,
                    json_pack("{sO sO sO}", "tunnels", tunnels, "vpns", vpns, "carriers", shown));
    json_decref(need_tunnels);
    json_decref(need_vpns);
    json_decref(shown);
    json_decref(tunnels);
    json_decref(vpns);
}
