/* reroute.c - another way for tunnels whose path does not hold any more, or passes a link at risk,
 * better ones where a failure had left less than was asked, and the way back for who gave way to
 * somebody who is gone.
 *
 * A path that is broken is laid another way at once, beside the other one of the tunnel if that is
 * sound; routers do not wait for the event of it to be durable. What cannot be helped is an
 * exception, and is tried again with every change of the network. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "model/carried.h"

#include <stdlib.h>
#include <string.h>

/* So long who pushes others aside waits until routers have taken them out of the way. */
#define YIELD_MAX (2 * NSEC_PER_SEC)

static bool
is_same_way(const json_t *a, const json_t *b)
{
    return (!a && !b) ||
           (a && b && json_equal(json_object_get(a, "links"), json_object_get(b, "links")));
}

static void
tell_without(struct wan_service *s, struct wan_tunnel *t, const struct planner_trouble *trouble,
             const char *why)
{
    char *object = xasprintf("tunnel/%s", t->name);
    if (!t->without)
        wan_raise(s, "tunnel-without-path",
                  trouble->broken & 1u << TUNNEL_PRIMARY ? "critical" : "major", object,
                  json_pack("{ss ss so}", "element", trouble->element, "reason", why, "circuits",
                            carried_circuits(s->config.state->network, t->name, NULL)),
                  "Tunnel %s: %s, and there is no other way: %s.", t->name, trouble->text, why);
    t->without = true;
    free(object);
}

static void
tell_with(struct wan_service *s, const char *tunnel)
{
    struct wan_tunnel *t = wan_tunnel(s, tunnel);
    if (!t || !t->without)
        return;
    char *object = xasprintf("tunnel/%s", tunnel);
    t->without = false;
    wan_close(s, "tunnel-without-path", object, "there is a way again");
    free(object);
}

/* Whom it concerns; left out if nobody. */
static void
name_circuits(struct wan_service *s, const char *tunnel, json_t *body)
{
    json_t *circuits = carried_circuits(s->config.state->network, tunnel, NULL);
    if (json_array_size(circuits))
        json_object_set(body, "circuits", circuits);
    json_decref(circuits);
}

/* The planner holds the new way already; the event tells everybody else. `home`: it was not broken,
 * but whom it gave way to is gone. */
static void
tell_move(struct wan_service *s, const struct tunnel_status *status,
          const struct planner_trouble *trouble, bool home, json_t *const paths[TUNNEL_PATHS])
{
    char *object = xasprintf("tunnel/%s", status->tunnel);
    json_t *body = json_pack("{ss sO so}", "tunnel", status->tunnel, "primary",
                             paths[TUNNEL_PRIMARY], "reason", jsontext_string(trouble->text));
    if (paths[TUNNEL_STANDBY])
        json_object_set(body, "standby", paths[TUNNEL_STANDBY]);
    if (*trouble->element)
        json_object_set_new(body, "element", json_string(trouble->element));
    name_circuits(s, status->tunnel, body);
    if (trouble->pushed || home)
        json_object_set_new(body, "gave-way", json_boolean(trouble->pushed));
    struct wan_tunnel *its = wan_tunnel_need(s, status->tunnel);
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        if (!is_same_way(paths[i / WAN_ENDS], status->paths[i / WAN_ENDS]))
            its->lsps[i / WAN_ENDS][i % WAN_ENDS].moved = true;
    }
    if (trouble->pushed) {
        its->yields = clock_monotonic() + YIELD_MAX;
        s->yields = MAX(s->yields, its->yields);
    }
    s->n_moves++;
    wan_append(s, "tunnel.moved", object, ACTOR, body, NULL, NULL);
    free(object);
}

static void
take(void *arg, const struct planner_mended *m)
{
    struct wan_service *s = arg;
    const struct planner_trouble *trouble = m->trouble;
    const struct tunnel_status *status = tunneling_find(&s->config.state->tunneling,
                                                        trouble->tunnel);
    struct wan_tunnel *its = wan_tunnel_need(s, trouble->tunnel);
    its->troubled = s->n_looks;
    if (trouble->broken && m->err)
        its->broken = s->n_looks;
    if (!status)
        return;
    if (m->err && trouble->broken)
        tell_without(s, its, trouble, m->why);
    if (m->moved)
        tell_move(s, status, trouble, false, m->paths);
    if (!m->err)
        tell_with(s, trouble->tunnel);
}

/* Where an order at work decides where it goes that is not disturbed: what it has carries. */
static bool
may_improve(void *arg, const char *tunnel)
{
    const struct wan_tunnel *its = wan_tunnel(arg, tunnel);
    return !its || its->planned <= clock_monotonic();
}

static bool
may_leave(void *arg, const char *tunnel)
{
    const struct wan_service *s = arg;
    const struct tunnel_status *status = tunneling_find(&s->config.state->tunneling, tunnel);
    return status && phase_is_wanted(status->phase) && may_improve(arg, tunnel);
}

static void
take_leave(void *arg, const struct planner_mended *m)
{
    struct wan_service *s = arg;
    const struct tunnel_status *status = tunneling_find(&s->config.state->tunneling,
                                                        m->trouble->tunnel);
    if (m->moved)
        tell_move(s, status, m->trouble, false, m->paths);
}

/* Back to a way that is really better, if there is room for it and nobody has to go for that. */
static void
go_home(struct wan_service *s, const struct tunnel_status *status)
{
    static const struct planner_trouble none = {.text = "what it gave way to is gone"};
    const struct state *state = s->config.state;
    const struct tunnel *tunnel = network_tunnel(state->network, status->tunnel);
    json_t *paths[TUNNEL_PATHS] = {NULL}, *victims = NULL;
    if (!tunnel ||
        planner_place(s->planner, state->network, tunnel, 0, false, paths, &victims, NULL))
        return;
    bool risky = planner_is_risky(s->planner, paths[TUNNEL_PRIMARY]) ||
                 planner_is_risky(s->planner, paths[TUNNEL_STANDBY]);
    if (!json_array_size(victims) && !risky &&
        planner_is_better(s->planner, state->network, tunnel, (const json_t *const *)paths)) {
        planner_hold(s->planner, tunnel, status->number, status->phase != PHASE_RESERVED,
                     (const json_t *const *)paths);
        tell_move(s, status, &none, true, paths);
    }
    json_decref(victims);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
}

/* The most important ones first. */
static void
bring_home(struct wan_service *s)
{
    const struct state *state = s->config.state;
    for (unsigned priority = 0; priority < TE_PRIORITIES; priority++) {
        for (const struct tunnel_status *t = state->tunneling.tunnels; t; t = t->hh.next) {
            const struct tunnel *tunnel = network_tunnel(state->network, t->tunnel);
            const struct wan_tunnel *its = wan_tunnel(s, t->tunnel);
            bool planned = its && its->planned > clock_monotonic();
            bool troubled = its && its->troubled == s->n_looks;
            if (t->gave_way && phase_is_wanted(t->phase) && tunnel && !planned &&
                tunnel->hold_priority == priority && !troubled)
                go_home(s, t);
        }
    }
}

void
wan_reroute(struct wan_service *s)
{
    s->n_looks++;
    planner_mend(s->planner, s->config.state->network, may_improve, take, s);
    planner_leave_risks(s->planner, s->config.state->network, may_leave, take_leave, s);
    bring_home(s);
    for (struct wan_tunnel *t = s->tunnels; t; t = t->hh.next) {
        if (t->without && t->broken != s->n_looks)
            tell_with(s, t->name);
    }
}
