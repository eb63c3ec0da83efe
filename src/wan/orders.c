/* orders.c - what work orders ask: paths are computed (design.c), reserved, brought into the
 * routers, tested, taken out, and given back. Each request looks at the state first and does what
 * is left, so it may come again at any time. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is asked ---- */

struct job {
    struct wan_service *s;
    struct bus *bus;
    const struct bus_message *m;
    uint32_t order;
    const json_t *names;
};

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* False: it was answered. */
static bool
begin(struct job *j, struct wan_service *s, struct bus *bus, const struct bus_message *m)
{
    *j = (struct job){s, bus, m, 0, json_object_get(m->payload, "tunnels")};
    j->order = (uint32_t)json_integer_value(json_object_get(m->payload, "order"));
    for (size_t i = 0; i < json_array_size(j->names); i++) {
        const char *name = json_string_value(json_array_get(j->names, i));
        if (name && network_tunnel(s->config.state->network, name))
            continue;
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "there is no tunnel %s",
                        name ? name : "?");
        return false;
    }
    if (json_array_size(j->names))
        return true;
    bus_reply_error(bus, m->reply_to, ERR_INVALID, "tunnels: a list of names is expected");
    return false;
}

static const struct tunnel *
tunnel_at(const struct job *j, size_t i)
{
    return network_tunnel(j->s->config.state->network,
                          json_string_value(json_array_get(j->names, i)));
}

static const struct tunnel_status *
status_of(const struct job *j, const struct tunnel *t)
{
    return tunneling_find(&j->s->config.state->tunneling, t->name);
}

static enum circuit_phase
phase_of(const struct job *j, const struct tunnel *t)
{
    const struct tunnel_status *status = status_of(j, t);
    return status ? status->phase : PHASE_PROPOSED;
}

/* ---- Waiting for the journal ---- */

/* What is answered when it is durable. */
struct promise {
    struct bus *bus;
    char *reply_to;
    json_t *answer;
};

static void
on_durable(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct promise *p = arg;
    if (err)
        bus_reply_error(p->bus, p->reply_to, err, "%s", why);
    else
        bus_reply(p->bus, p->reply_to, json_incref(p->answer));
    json_decref(p->answer);
    free(p->reply_to);
    free(p);
}

static void
append_and_answer(const struct job *j, const char *type, json_t *body, json_t *answer)
{
    char *object = xasprintf("work/%u", j->order);
    struct promise *p = xcalloc(1, sizeof *p);
    *p = (struct promise){j->bus, j->m->reply_to ? xstrdup(j->m->reply_to) : NULL, answer};
    wan_append(j->s, type, object, ACTOR, body, on_durable, p);
    free(object);
}

/* ---- Design ---- */

/* {tunnels} -> {plan: {placements}, plan_hash, summary} */
void
wan_serve_design(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    if (!begin(&j, arg, bus, m))
        return;
    for (size_t i = 0; i < json_array_size(j.names); i++) {
        enum circuit_phase phase = phase_of(&j, tunnel_at(&j, i));
        if (phase == PHASE_PROPOSED)
            continue;
        bus_reply_error(bus, m->reply_to, ERR_EXISTS, "tunnel %s is %s already",
                        tunnel_at(&j, i)->name, circuit_phase_word(phase));
        return;
    }
    think_and_answer(j.s->thinker, bus, m, wan_design, m->payload);
}

/* ---- Reserving ---- */

static const json_t *
placement_of(const json_t *plan, const char *tunnel)
{
    size_t i;
    const json_t *p;
    json_array_foreach(json_object_get(plan, "placements"), i, p)
    {
        const char *its = text_of(p, "tunnel");
        if (its && !strcmp(its, tunnel))
            return p;
    }
    return NULL;
}

static void
release_all(const struct job *j, const struct tunnel *const *tunnels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        planner_release(j->s->planner, tunnels[i]->name);
}

static enum err
reserve_one(const struct job *j, const struct tunnel *t, const json_t *placement, uint32_t number,
            struct diag *why)
{
    const json_t *paths[TUNNEL_PATHS] = {json_object_get(placement, "primary"),
                                         json_object_get(placement, "standby")};
    if (!paths[TUNNEL_PRIMARY])
        return diag_set(why, ERR_INVALID, "the plan says nothing of tunnel %s", t->name);
    if (!number)
        return diag_set(why, ERR_LIMIT, "all %u numbers of tunnels are taken", TUNNEL_NUMBER_MAX);
    enum err err = planner_fits(j->s->planner, t, paths, why);
    if (!err)
        planner_hold(j->s->planner, t, number, false, paths);
    return err;
}

/* Numbers that neither the state nor this request has given. */
static uint32_t
next_number(const struct job *j, uint32_t after)
{
    uint32_t number = after + 1;
    for (const struct tunnel_status *t = j->s->config.state->tunneling.tunnels; t;) {
        bool taken = t->number == number && number;
        number += taken;
        t = taken ? j->s->config.state->tunneling.tunnels : t->hh.next;
    }
    return number <= TUNNEL_NUMBER_MAX ? number : 0;
}

static void
on_reserved(void *arg, enum err err, uint64_t seq, const char *why)
{
    on_durable(arg, err, seq, why);
}

/* {tunnels, plan, order, for-circuits?} */
void
wan_serve_reserve(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    if (!begin(&j, arg, bus, m))
        return;
    const json_t *plan = json_object_get(m->payload, "plan");
    json_t *placements = json_array();
    size_t n = json_array_size(j.names), done = 0;
    const struct tunnel **held = xcalloc(n, sizeof *held);
    enum err err = ERR_OK;
    uint32_t number = 0;
    for (size_t i = 0; i < n && !err; i++) {
        const struct tunnel *t = tunnel_at(&j, i);
        const struct tunnel_status *status = status_of(&j, t);
        if (status && status->phase != PHASE_PROPOSED && status->order == j.order)
            continue; /* it is done */
        if (status && status->phase != PHASE_PROPOSED) {
            err = diag_set(&why, ERR_CONFLICT, "tunnel %s is %s already, by work order %u", t->name,
                           circuit_phase_word(status->phase), status->order);
            continue;
        }
        const json_t *placement = placement_of(plan, t->name);
        number = next_number(&j, number);
        err = reserve_one(&j, t, placement, number, &why);
        if (err)
            continue;
        held[done++] = t;
        json_t *one = json_copy((json_t *)(uintptr_t)placement);
        json_object_set_new(one, "number", json_integer(number));
        json_array_append_new(placements, one);
    }
    if (err) {
        release_all(&j, held, done);
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
    } else if (!done) {
        bus_reply(bus, m->reply_to, json_object());
    } else {
        json_t *body = json_pack("{sI sO}", "order", (json_int_t)j.order, "placements", placements);
        if (json_is_true(json_object_get(m->payload, "for-circuits")))
            json_object_set_new(body, "for-circuits", json_true());
        append_and_answer(&j, "tunnel.reserved", body, json_object());
    }
    json_decref(placements);
    free(held);
}

/* {tunnels, order} */
void
wan_serve_release(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    if (!begin(&j, arg, bus, m))
        return;
    json_t *names = json_array();
    for (size_t i = 0; i < json_array_size(j.names); i++) {
        const struct tunnel *t = tunnel_at(&j, i);
        if (phase_of(&j, t) == PHASE_RESERVED) {
            json_array_append_new(names, json_string(t->name));
        } else if (phase_of(&j, t) != PHASE_PROPOSED) {
            bus_reply_error(bus, m->reply_to, ERR_CONFLICT,
                            "tunnel %s is not taken out of the routers yet", t->name);
            json_decref(names);
            return;
        }
    }
    if (json_array_size(names))
        append_and_answer(&j, "tunnel.released",
                          json_pack("{sI sO}", "order", (json_int_t)j.order, "tunnels", names),
                          json_object());
    else
        bus_reply(bus, m->reply_to, json_object());
    json_decref(names);
}

/* ---- Into the routers, and out of them ---- */

static void
append_one(const struct job *j, const char *type, const struct tunnel *t)
{
    char *object = xasprintf("tunnel/%s", t->name);
    wan_append(j->s, type, object, ACTOR,
               json_pack("{sI s[s]}", "order", (json_int_t)j->order, "tunnels", t->name), NULL,
               NULL);
    free(object);
}

/* Of requests that take one tunnel at a time. NULL: it was answered. */
static const struct tunnel *
only_tunnel(struct job *j, struct wan_service *s, struct bus *bus, const struct bus_message *m)
{
    if (!begin(j, s, bus, m))
        return NULL;
    if (!wan_pce(s)) {
        bus_reply_error(bus, m->reply_to, ERR_CLOSED,
                        "no router can connect: pcep is not configured");
        return NULL;
    }
    if (json_array_size(j->names) == 1)
        return tunnel_at(j, 0);
    bus_reply_error(bus, m->reply_to, ERR_INVALID, "tunnels: one at a time");
    return NULL;
}

/* {tunnels: [one], order} -> {duration-ns} when both ends report all of its paths up */
void
wan_serve_push(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    const struct tunnel *t = only_tunnel(&j, arg, bus, m);
    enum circuit_phase phase = t ? phase_of(&j, t) : PHASE_MAX;
    if (!t)
        return;
    if (phase == PHASE_BUILT || phase == PHASE_ACTIVE) {
        bus_reply(bus, m->reply_to,
                  json_pack("{sI}", "duration-ns", (json_int_t)status_of(&j, t)->build_time));
    } else if (phase == PHASE_PROPOSED || phase == PHASE_REMOVING ||
               status_of(&j, t)->order != j.order) {
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "tunnel %s is not reserved by this order",
                        t->name);
    } else {
        wan_wait(j.s, m, t->name, WAN_WAIT_BUILT, NULL, j.order);
        if (phase == PHASE_RESERVED)
            append_one(&j, "tunnel.wanted", t);
        else
            wan_reconcile(j.s, t->name, PCE_CHANGE);
    }
}

/* {tunnels: [one], order} */
void
wan_serve_remove(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    const struct tunnel *t = only_tunnel(&j, arg, bus, m);
    enum circuit_phase phase = t ? phase_of(&j, t) : PHASE_MAX;
    if (!t)
        return;
    if (phase == PHASE_RESERVED || phase == PHASE_PROPOSED) {
        bus_reply(bus, m->reply_to, json_object());
        return;
    }
    wan_wait(j.s, m, t->name, WAN_WAIT_REMOVED, NULL, j.order);
    if (phase != PHASE_REMOVING)
        append_one(&j, "tunnel.unwanted", t);
    else
        wan_reconcile(j.s, t->name, PCE_CHANGE);
}

/* ---- Testing ---- */

/* One path of one end, as it is reported, against what it should be. */
static json_t *
test_lsp(const struct job *j, const struct tunnel *t, enum tunnel_path path, enum wan_end end,
         const char **wrong)
{
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    size_t n = 0;
    struct diag why = {""};
    const struct lsp *lsp = wan_find_lsp(j->s, t, path, end);
    json_t *labels = json_array();
    bool known = !planner_segments(j->s->planner, t->name, path, end == WAN_TAIL, segments, &n,
                                   &why);
    for (size_t i = 0; known && i < n; i++)
        json_array_append_new(labels, json_integer(segments[i].label));
    const char *verdict = !known                          ? "the network does not have it"
                          : !lsp                          ? "not there"
                          : lsp->stale                    ? "its session is lost"
                          : !wan_lsp_is(lsp, segments, n) ? "another path"
                          : lsp->operational == LSP_UP || lsp->operational == LSP_ACTIVE
                              ? "good"
                              : lsp_operational_name(lsp->operational);
    if (strcmp(verdict, "good") != 0)
        *wrong = verdict;
    const struct router *r = wan_router_at(j->s, t, end);
    return json_pack("{ss ss ss so}", "path", tunnel_path_words[path], "router", r ? r->name : "",
                     "verdict", verdict, "labels", labels);
}

/* {tunnels: [one], order} -> {ok, tests} */
void
wan_serve_test(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    const struct tunnel *t = only_tunnel(&j, arg, bus, m);
    const struct tunnel_status *status = t ? status_of(&j, t) : NULL;
    const char *wrong = NULL;
    if (!t)
        return;
    if (!status || !phase_is_wanted(status->phase)) {
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "tunnel %s is not built", t->name);
        return;
    }
    json_t *tests = json_array();
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        if (status->paths[i / WAN_ENDS])
            json_array_append_new(tests, test_lsp(&j, t, i / WAN_ENDS, i % WAN_ENDS, &wrong));
    }
    if (wrong) {
        bus_reply_error(bus, m->reply_to, ERR_BUSY, "tunnel %s: a path of it is: %s", t->name,
                        wrong);
    } else if (status->phase == PHASE_BUILT) {
        char *object = xasprintf("tunnel/%s", t->name);
        struct promise *p = xcalloc(1, sizeof *p);
        *p = (struct promise){bus, m->reply_to ? xstrdup(m->reply_to) : NULL,
                              json_pack("{sb sO}", "ok", true, "tests", tests)};
        wan_append(j.s, "tunnel.tested", object, ACTOR,
                   json_pack("{sI ss sO}", "order", (json_int_t)j.order, "tunnel", t->name, "tests",
                             tests),
                   on_reserved, p);
        free(object);
    } else {
        bus_reply(bus, m->reply_to, json_pack("{sb sO}", "ok", true, "tests", tests));
    }
    json_decref(tests);
}
