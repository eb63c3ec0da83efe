/* reroute.c - another way for tunnels whose path does not hold any more, better ones where a
 * failure had left less than was asked, and the way back for who gave way to somebody who is gone.
 *
 * A path that is broken is laid another way at once, beside the other one of the tunnel if that is
 * sound; routers do not wait for the event of it to be durable. What cannot be helped is an
 * exception, and is tried again with every change of the network. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "model/carried.h"

#include <stdlib.h>
#include <string.h>

/* So long who pushes others aside waits until routers have taken them out of the way. */
#define YIELD_MAX (2 * NSEC_PER_SEC)

struct trouble {
    char *tunnel;
    unsigned broken; /* a bit per path */
    bool pushed;     /* broken only because more important tunnels came */
    bool home;       /* not broken: whom it gave way to is gone */
    bool near;       /* it is not apart from another tunnel */
    char element[128], text[256];
};

struct survey {
    struct trouble *list;
    size_t n, capacity;
};

/* What concerns one tunnel comes in a row. */
static void
note(void *arg, const struct planner_finding *f)
{
    struct survey *v = arg;
    struct trouble *last = v->n ? &v->list[v->n - 1] : NULL;
    if (!last || strcmp(last->tunnel, f->tunnel) != 0) {
        GROW(v->list, v->n, v->capacity);
        last = &v->list[v->n++];
        *last = (struct trouble){.tunnel = xstrdup(f->tunnel)};
        memcpy(last->element, f->element, sizeof last->element);
        memcpy(last->text, f->text, sizeof last->text);
    }
    bool pushed = f->fault == PLANNER_PUSHED;
    if (f->fault == PLANNER_LINK_DOWN || f->fault == PLANNER_BROKEN || pushed) {
        last->pushed = pushed && (last->pushed || !last->broken);
        last->broken |= 1u << f->path;
    }
    last->near |= f->fault == PLANNER_NEAR;
}

static bool
is_same_way(const json_t *a, const json_t *b)
{
    return (!a && !b) ||
           (a && b && json_equal(json_object_get(a, "links"), json_object_get(b, "links")));
}

static void
tell_without(struct wan_service *s, struct wan_tunnel *t, const struct trouble *trouble,
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

/* The new way counts at once, so that others are laid beside it; the event tells everybody else. */
static void
move(struct wan_service *s, const struct tunnel *tunnel, const struct tunnel_status *status,
     const struct trouble *trouble, json_t *const paths[TUNNEL_PATHS])
{
    char *object = xasprintf("tunnel/%s", tunnel->name);
    json_t *body = json_pack("{ss sO ss}", "tunnel", tunnel->name, "primary", paths[TUNNEL_PRIMARY],
                             "reason", trouble->text);
    if (paths[TUNNEL_STANDBY])
        json_object_set(body, "standby", paths[TUNNEL_STANDBY]);
    if (*trouble->element)
        json_object_set_new(body, "element", json_string(trouble->element));
    name_circuits(s, tunnel->name, body);
    if (trouble->pushed || trouble->home)
        json_object_set_new(body, "gave-way", json_boolean(trouble->pushed));
    struct wan_tunnel *its = wan_tunnel_need(s, tunnel->name);
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        if (!is_same_way(paths[i / WAN_ENDS], status->paths[i / WAN_ENDS]))
            its->lsps[i / WAN_ENDS][i % WAN_ENDS].moved = true;
    }
    if (trouble->pushed)
        its->yields = clock_monotonic() + YIELD_MAX;
    planner_hold(s->planner, tunnel, status->number, status->phase != PHASE_RESERVED,
                 (const json_t *const *)paths);
    s->n_moves++;
    wan_append(s, "tunnel.moved", object, ACTOR, body, NULL, NULL);
    free(object);
}

static void
help(struct wan_service *s, const struct trouble *trouble)
{
    const struct state *state = s->config.state;
    const struct tunnel *tunnel = network_tunnel(state->network, trouble->tunnel);
    const struct tunnel_status *status = tunneling_find(&state->tunneling, trouble->tunnel);
    unsigned sound = ~trouble->broken & ((1u << TUNNEL_PATHS) - 1);
    json_t *paths[TUNNEL_PATHS] = {NULL};
    struct diag why = {""};
    if (!tunnel || !status || !status->number)
        return;
    if (trouble->pushed && !planner_is_pushed(s->planner, tunnel->name))
        return;           /* others have gone out of the way meanwhile */
    if (!trouble->broken) /* only the standby path is looked for anew, unless the tunnel is near */
        sound = trouble->near ? 0 : 1u << TUNNEL_PRIMARY;
    enum err err = planner_place(s->planner, state->network, tunnel, sound, trouble->broken != 0,
                                 paths, NULL, &why);
    if (err && trouble->broken) {
        tell_without(s, wan_tunnel_need(s, tunnel->name), trouble, why.text);
    } else if (!err) {
        bool same = true;
        for (unsigned i = 0; i < TUNNEL_PATHS; i++)
            same = same && is_same_way(paths[i], status->paths[i]);
        if (!same && (trouble->broken || trouble->near || paths[TUNNEL_STANDBY]))
            move(s, tunnel, status, trouble, paths);
        tell_with(s, tunnel->name);
    }
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
}

static bool
is_troubled(const struct survey *v, const char *tunnel)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!strcmp(v->list[i].tunnel, tunnel))
            return true;
    }
    return false;
}

/* Back to a way that is really better, if there is room for it and nobody has to go for that. */
static void
go_home(struct wan_service *s, const struct tunnel_status *status)
{
    static const struct trouble none = {.home = true, .text = "what it gave way to is gone"};
    const struct state *state = s->config.state;
    const struct tunnel *tunnel = network_tunnel(state->network, status->tunnel);
    json_t *paths[TUNNEL_PATHS] = {NULL}, *victims = NULL;
    if (!tunnel ||
        planner_place(s->planner, state->network, tunnel, 0, false, paths, &victims, NULL))
        return;
    if (!json_array_size(victims) &&
        planner_is_better(s->planner, state->network, tunnel, (const json_t *const *)paths))
        move(s, tunnel, status, &none, paths);
    json_decref(victims);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
}

/* The most important ones first. */
static void
bring_home(struct wan_service *s, const struct survey *v)
{
    const struct state *state = s->config.state;
    for (unsigned priority = 0; priority < TE_PRIORITIES; priority++) {
        for (const struct tunnel_status *t = state->tunneling.tunnels; t; t = t->hh.next) {
            const struct tunnel *tunnel = network_tunnel(state->network, t->tunnel);
            const struct wan_tunnel *its = wan_tunnel(s, t->tunnel);
            bool planned = its && its->planned > clock_monotonic();
            if (t->gave_way && phase_is_wanted(t->phase) && tunnel && !planned &&
                tunnel->hold_priority == priority && !is_troubled(v, t->tunnel))
                go_home(s, t);
        }
    }
}

static bool
is_broken(const struct survey *v, const char *tunnel)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->list[i].broken && !strcmp(v->list[i].tunnel, tunnel))
            return true;
    }
    return false;
}

void
wan_reroute(struct wan_service *s)
{
    struct survey v = {0};
    planner_look(s->planner, s->config.state->network, note, &v);
    for (size_t i = 0; i < v.n; i++) {
        if (v.list[i].broken)
            help(s, &v.list[i]);
    }
    for (size_t i = 0; i < v.n; i++) { /* what only could be better waits for that */
        if (!v.list[i].broken)
            help(s, &v.list[i]);
    }
    bring_home(s, &v);
    for (struct wan_tunnel *t = s->tunnels; t; t = t->hh.next) {
        if (t->without && !is_broken(&v, t->name))
            tell_with(s, t->name);
    }
    for (size_t i = 0; i < v.n; i++)
        free(v.list[i].tunnel);
    free(v.list);
}
