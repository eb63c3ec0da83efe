/* optimise.c - other ways for many tunnels at once: computed on a thread, approved as a work order,
 * and made one by one: the next move is asked for when both ends report the last one up. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_PRIORITY 1               /* protection stays where it is */
#define PLAN_REST (60 * NSEC_PER_SEC) /* from each step to the next, at most */
#define PERCENT_MAX 1000              /* of what may be reserved, for thresholds */

/* ---- Computing ---- */

enum err
wan_optimise(struct planner *p, const struct network *model, const json_t *ask, json_t **answer,
             struct diag *diag)
{
    const json_t *keep = json_object_get(ask, "keep-priority");
    const struct planner_aim aim = {
        .threshold = json_number_value(json_object_get(ask, "threshold")) / 100,
        .keep_priority = keep ? (uint8_t)json_integer_value(keep) : KEEP_PRIORITY};
    json_t *found = NULL;
    enum err err = planner_optimise(p, model, &aim, &found, diag);
    if (err)
        return err;
    *answer = wan_hashed(json_incref(json_object_get(found, "plan")));
    json_object_update_missing(*answer, found);
    json_decref(found);
    return ERR_OK;
}

static bool
is_within(const json_t *value, double least, double most)
{
    double number = json_number_value(value);
    return !value || json_is_null(value) ||
           (json_is_number(value) && number >= least && number <= most);
}

static void
serve(struct wan_service *s, struct bus *bus, const struct bus_message *m, bool relief)
{
    const json_t *threshold = json_object_get(m->payload, "threshold"),
                 *keep = json_object_get(m->payload, "keep-priority");
    if (!is_within(threshold, 1, PERCENT_MAX)) {
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "threshold: 1 to %d percent is expected",
                        PERCENT_MAX);
        return;
    }
    if (!is_within(keep, 0, TE_PRIORITIES) || json_is_real(keep)) {
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "keep-priority: 0 to %d is expected",
                        TE_PRIORITIES);
        return;
    }
    json_t *ask = json_object();
    if (json_is_integer(keep))
        json_object_set(ask, "keep-priority", (json_t *)(uintptr_t)keep);
    if (relief)
        json_object_set_new(
            ask, "threshold",
            json_real(json_is_number(threshold) ? json_number_value(threshold) : 100));
    think_and_answer(s->thinker, bus, m, wan_optimise, ask);
    json_decref(ask);
}

/* {keep-priority?}: how low the highest utilisation can be, and what has to be moved for it. */
void
wan_serve_optimise(void *arg, struct bus *bus, const struct bus_message *m)
{
    serve(arg, bus, m, false);
}

/* {threshold?: percent, keep-priority?}: the fewest moves so that no link is above it. */
void
wan_serve_relieve(void *arg, struct bus *bus, const struct bus_message *m)
{
    serve(arg, bus, m, true);
}

/* ---- One move ---- */

struct move {
    struct wan_service *s;
    const json_t *step;
    uint32_t order;
    const struct tunnel *tunnel;
    const struct tunnel_status *status;
    const json_t *paths[TUNNEL_PATHS]; /* when it is made */
    bool made, planned; /* it is as it would be after it; it is as it was when this was planned */
};

static const json_t *
links_of(const json_t *path)
{
    return json_object_get(path, "links");
}

static enum err
read_move(struct move *v, const json_t *payload, struct diag *diag)
{
    const struct state *state = v->s->config.state;
    v->step = json_object_get(payload, "step");
    v->order = (uint32_t)json_integer_value(json_object_get(payload, "order"));
    const char *name = json_string_value(json_object_get(v->step, "tunnel"));
    const json_t *to = json_object_get(v->step, "paths"), *was = json_object_get(v->step, "was");
    if (!name || !json_object_size(to))
        return diag_set(diag, ERR_INVALID, "step: a tunnel and its paths are expected");
    v->tunnel = network_tunnel(state->network, name);
    v->status = tunneling_find(&state->tunneling, name);
    if (!v->tunnel || !v->status || !phase_is_wanted(v->status->phase))
        return diag_set(diag, ERR_CONFLICT, "tunnel %s is not in the routers any more", name);
    v->made = v->planned = true;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        const json_t *path = json_object_get(to, tunnel_path_words[i]);
        v->paths[i] = path ? path : v->status->paths[i];
        if (!path)
            continue;
        v->made = v->made && planner_holds(v->s->planner, name, i, links_of(path));
        v->planned = v->planned && planner_holds(v->s->planner, name, i,
                                                 json_object_get(was, tunnel_path_words[i]));
    }
    return ERR_OK;
}

static enum err
may_move(const struct move *v, struct diag *diag)
{
    if (v->made)
        return ERR_OK;
    if (!v->planned)
        return diag_set(diag, ERR_CONFLICT, "tunnel %s has gone another way since this was planned",
                        v->tunnel->name);
    for (unsigned end = 0; end < WAN_ENDS; end++) {
        if (!wan_is_ready(v->s, v->tunnel, end))
            return diag_set(diag, ERR_CLOSED, "router %s has no session",
                            end == WAN_HEAD ? v->tunnel->head : v->tunnel->tail);
    }
    return planner_may_move(v->s->planner, v->s->config.state->network, v->tunnel,
                            json_object_get(v->step, "overlap") != NULL, v->paths, diag);
}

struct moving {
    struct wan_service *s;
    char *tunnel;
};

static void
on_moved(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct moving *m = arg;
    if (err) {
        wan_hold(m->s, m->tunnel); /* it stays where it is */
        wan_answer_waiters(m->s, m->tunnel, false, err, why);
    }
    free(m->tunnel);
    free(m);
}

static void
make_move(const struct move *v)
{
    char *object = xasprintf("tunnel/%s", v->tunnel->name);
    json_t *body = json_pack("{sI ss so sb}", "order", (json_int_t)v->order, "tunnel",
                             v->tunnel->name, "reason",
                             json_sprintf("work order %u moves it", v->order), "gave-way", false);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (v->paths[i])
            json_object_set(body, tunnel_path_words[i], (json_t *)(uintptr_t)v->paths[i]);
    }
    planner_hold(v->s->planner, v->tunnel, v->status->number, true, v->paths);
    v->s->n_moves++;
    struct moving *m = xcalloc(1, sizeof *m);
    *m = (struct moving){v->s, xstrdup(v->tunnel->name)};
    wan_append(v->s, "tunnel.moved", object, ACTOR, body, on_moved, m);
    free(object);
}

/* Nothing of the plan goes back to an old way by itself while the plan is carried out. */
static void
note_plan(struct wan_service *s, const json_t *tunnels)
{
    size_t i;
    const json_t *name;
    json_array_foreach(tunnels, i, name)
    {
        struct wan_tunnel *t = json_string_value(name) ? wan_tunnel(s, json_string_value(name))
                                                       : NULL;
        if (t)
            t->planned = clock_monotonic() + PLAN_REST;
    }
}

/* {step, tunnels?: those of the whole plan, order} -> {duration-ns} when both ends report it where
 * it goes */
void
wan_serve_move(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct move v = {.s = arg};
    struct diag why = {""};
    enum err err = read_move(&v, m->payload, &why);
    if (!err)
        err = may_move(&v, &why);
    if (err) {
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
        return;
    }
    note_plan(v.s, json_object_get(m->payload, "tunnels"));
    wan_wait(v.s, m, v.tunnel->name, WAN_WAIT_UP, json_object_get(v.step, "paths"), v.order);
    if (v.made)
        wan_reconcile(v.s, v.tunnel->name, PCE_CHANGE);
    else
        make_move(&v);
}
