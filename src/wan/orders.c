/* orders.c - what work orders ask: paths are computed, reserved, brought into the routers, tested,
 * taken out, and given back. Each request looks at the state first and does what is left, so it may
 * come again at any time. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "io/clock.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

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

/* Those that may push others aside, and that nobody may, go first. */
static int
compare_tunnels(const void *a, const void *b)
{
    const struct tunnel *x = *(const struct tunnel *const *)a,
                        *y = *(const struct tunnel *const *)b;
    int order = (int)x->setup_priority - (int)y->setup_priority;
    if (!order)
        order = (int)x->hold_priority - (int)y->hold_priority;
    if (!order && x->rate_kbps != y->rate_kbps)
        order = x->rate_kbps > y->rate_kbps ? -1 : 1;
    return order ? order : strcmp(x->name, y->name);
}

static json_t *
placement_json(const struct tunnel *t, json_t *const paths[TUNNEL_PATHS])
{
    json_t *json = json_pack("{ss}", "tunnel", t->name);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (paths[i])
            json_object_set(json, tunnel_path_words[i], paths[i]);
    }
    return json;
}

static json_t *
summary_json(const struct tunnel *t, json_t *const paths[TUNNEL_PATHS], const json_t *victims)
{
    json_t *json = json_pack("{ss ss ss sI}", "tunnel", t->name, "head", t->head, "tail", t->tail,
                             "rate-kbps", (json_int_t)t->rate_kbps);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        json_t *short_form = paths[i] ? json_copy(paths[i]) : NULL;
        json_object_del(short_form, "links");
        if (short_form)
            json_object_set_new(json, tunnel_path_words[i], short_form);
    }
    if (json_array_size(victims))
        json_object_set(json, "pushes-aside", (json_t *)(uintptr_t)victims);
    return json;
}

char *
wan_hash(const json_t *plan, char hash[WAN_HASH_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    _Static_assert(WAN_HASH_SIZE == 2 * sizeof digest + 1, "all digits");
    char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
    SHA256((const uint8_t *)text, strlen(text), digest);
    hex_format(digest, sizeof digest, hash);
    free(text);
    return hash;
}

struct draft {
    json_t *placements, *summary;
};

/* Held for as long as the others of the order are placed, so that they see it. */
static enum err
design_one(const struct job *j, const struct tunnel *t, uint32_t number, struct draft *d,
           struct diag *why)
{
    json_t *paths[TUNNEL_PATHS] = {NULL}, *victims = NULL;
    if (phase_of(j, t) != PHASE_PROPOSED)
        return diag_set(why, ERR_EXISTS, "tunnel %s is %s already", t->name,
                        circuit_phase_word(phase_of(j, t)));
    enum err err = planner_place(j->s->planner, j->s->config.state->network, t, 0, false, paths,
                                 &victims, why);
    if (err) {
        diag_prefix(why, "tunnel %s", t->name);
        return err;
    }
    planner_hold(j->s->planner, t, number, false, (const json_t *const *)paths);
    json_array_append_new(d->placements, placement_json(t, paths));
    json_array_append_new(d->summary, summary_json(t, paths, victims));
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
    json_decref(victims);
    return ERR_OK;
}

static void
release_all(const struct job *j, const struct tunnel *const *tunnels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        planner_release(j->s->planner, tunnels[i]->name);
}

/* {tunnels} -> {plan: {placements}, plan_hash, summary} */
void
wan_serve_design(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    char hash[WAN_HASH_SIZE];
    if (!begin(&j, arg, bus, m))
        return;
    size_t n = json_array_size(j.names), done = 0;
    const struct tunnel **tunnels = xcalloc(n, sizeof *tunnels);
    for (size_t i = 0; i < n; i++)
        tunnels[i] = tunnel_at(&j, i);
    qsort(tunnels, n, sizeof *tunnels, compare_tunnels);
    struct draft d = {json_array(), json_array()};
    enum err err = ERR_OK;
    for (; done < n && !err; done += !err) /* numbers that nobody has, for as long as this takes */
        err = design_one(&j, tunnels[done], TUNNEL_NUMBER_MAX + 1 + (uint32_t)done, &d, &why);
    release_all(&j, tunnels, done);
    json_t *plan = json_pack("{sO}", "placements", d.placements);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
    else
        bus_reply(bus, m->reply_to,
                  json_pack("{sO ss s{sI sO}}", "plan", plan, "plan_hash", wan_hash(plan, hash),
                            "summary", "n", (json_int_t)n, "tunnels", d.summary));
    json_decref(plan);
    json_decref(d.placements);
    json_decref(d.summary);
    free(tunnels);
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

/* ---- Waiting ---- */

static void
waiter_free(struct wan_waiter *w)
{
    DL_DELETE(w->service->waiters, w);
    free(w->tunnel);
    free(w->reply_to);
    free(w);
}

void
wan_waiters_free(struct wan_service *s)
{
    while (s->waiters)
        waiter_free(s->waiters);
}

static void
wait_for(const struct job *j, const struct tunnel *t, bool removal)
{
    struct wan_waiter *w, *next;
    DL_FOREACH_SAFE(j->s->waiters, w, next)
    {
        if (!strcmp(w->tunnel, t->name) && w->order == j->order)
            waiter_free(w); /* the same asks again, after it gave up waiting */
    }
    w = xcalloc(1, sizeof *w);
    *w = (struct wan_waiter){.service = j->s,
                             .tunnel = xstrdup(t->name),
                             .reply_to = j->m->reply_to ? xstrdup(j->m->reply_to) : NULL,
                             .removal = removal,
                             .order = j->order};
    DL_APPEND(j->s->waiters, w);
}

void
wan_answer_waiters(struct wan_service *s, const char *tunnel, enum err err, const char *why)
{
    const struct tunnel_status *t = tunneling_find(&s->config.state->tunneling, tunnel);
    struct wan_waiter *w, *next;
    DL_FOREACH_SAFE(s->waiters, w, next)
    {
        bool built = t && (t->phase == PHASE_BUILT || t->phase == PHASE_ACTIVE),
             gone = !t || t->phase == PHASE_RESERVED || t->phase == PHASE_PROPOSED;
        if (strcmp(w->tunnel, tunnel) || (!err && !(w->removal ? gone : built)))
            continue;
        if (err)
            bus_reply_error(s->config.bus, w->reply_to, err, "%s", why);
        else
            bus_reply(s->config.bus, w->reply_to,
                      json_pack("{sI}", "duration-ns", (json_int_t)(t ? t->build_time : 0)));
        waiter_free(w);
    }
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
        wait_for(&j, t, false);
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
    wait_for(&j, t, true);
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
