/* vpn_orders.c - what work orders ask of VPNs: their native configuration, that it is kept for the
 * order, brought to the routers, read back, taken away, or put back to what was there before. Each
 * request looks at the state first and does what is left, so it may come again at any time. */
#include "base/alloc.h"
#include "io/clock.h"
#include "model/vpn.h"
#include "wan/vpns.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define WORKS_WITHIN (30 * NSEC_PER_SEC) /* if the settings do not say */
#define TEST_PAUSE NSEC_PER_SEC
#define LOOKERS_MAX 32 /* changes in the line, from which on nobody only has a look */

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

static const char *
name_at(const struct job *j, size_t i)
{
    return json_string_value(json_array_get(j->names, i));
}

static const struct vpn_status *
status_of(const struct wan_service *s, const char *vpn)
{
    return vpning_find(&s->config.state->vpning, vpn);
}

static bool
refuse(const struct job *j, enum err err, const char *why)
{
    bus_reply_error(j->bus, j->m->reply_to, err, "%s", why);
    return false;
}

/* False: it was answered. */
static bool
begin(struct job *j, struct wan_service *s, struct bus *bus, const struct bus_message *m)
{
    struct diag why = {""};
    *j = (struct job){s, bus, m, 0, json_object_get(m->payload, "vpns")};
    j->order = (uint32_t)json_integer_value(json_object_get(m->payload, "order"));
    for (size_t i = 0; i < json_array_size(j->names); i++) {
        const char *name = name_at(j, i);
        if (name && network_vpn(s->config.state->network, name))
            continue;
        diag_set(&why, ERR_NOT_FOUND, "there is no VPN %.64s", name ? name : "?");
        return refuse(j, ERR_NOT_FOUND, why.text);
    }
    return json_array_size(j->names) || refuse(j, ERR_INVALID, "vpns: a list of names is expected");
}

/* Of requests that take one VPN at a time. NULL: it was answered. */
static const char *
only_one(struct job *j, struct wan_service *s, struct bus *bus, const struct bus_message *m)
{
    if (!begin(j, s, bus, m))
        return NULL;
    if (json_array_size(j->names) == 1)
        return name_at(j, 0);
    refuse(j, ERR_INVALID, "vpns: one at a time");
    return NULL;
}

/* ---- Events, and answers when they are durable ---- */

/* Somebody who waits. */
struct asker {
    struct wan_service *s;
    char *vpn, *reply_to;
    uint32_t order;
    json_t *answer; /* when the event is durable */
    enum err err;   /* or this */
    char *text;
    struct vpn_plan *later;    /* of a removal in two steps: what is taken away behind the first */
    nsec_t patience;           /* of a test: monotonic, until when it may fail to work */
    struct timer *again;       /* of a test: until it is tried again; NULL: never was */
    struct asker *prev, *next; /* of vpns.testers, while `again` runs */
};

static struct asker *
asker_new(const struct job *j, const char *vpn)
{
    struct asker *a = xcalloc(1, sizeof *a);
    *a = (struct asker){.s = j->s,
                        .vpn = xstrdup(vpn),
                        .reply_to = j->m->reply_to ? xstrdup(j->m->reply_to) : NULL,
                        .order = j->order};
    return a;
}

static void
asker_free(struct asker *a)
{
    json_decref(a->answer);
    vpn_plan_free(a->later);
    timer_free(a->again);
    free(a->vpn);
    free(a->reply_to);
    free(a->text);
    free(a);
}

static void
answer(struct asker *a, enum err err, const char *why)
{
    struct bus *bus = a->s->config.bus;
    if (err)
        bus_reply_error(bus, a->reply_to, err, "%s", why);
    else
        bus_reply(bus, a->reply_to, a->answer ? json_incref(a->answer) : json_object());
    asker_free(a);
}

static void
on_durable(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct asker *a = arg;
    answer(a, err ? err : a->err, err ? why : a->text);
}

/* `more` is consumed, and may be NULL. */
static void
append(struct wan_service *s, const char *type, const char *vpn, uint32_t order, json_t *more,
       journal_done_fn *done, void *arg)
{
    char *object = xasprintf("vpn/%s", vpn);
    json_t *body = json_pack("{sI ss}", "order", (json_int_t)order, "vpn", vpn);
    json_object_update(body, more);
    json_decref(more);
    wan_append(s, type, object, ACTOR, body, done, arg);
    free(object);
}

/* ---- Design ---- */

/* The router did not say no: it was not reached, or somebody else has it in hand. */
static bool
may_pass(enum err err)
{
    return err == ERR_TIMEOUT || err == ERR_CLOSED || err == ERR_BUSY || err == ERR_IO;
}

/* What the request wants of a VPN: what is stated, or the version that it names. NULL: `why`. */
static json_t *
wanted_service(const struct wan_service *s, const char *vpn, json_int_t number, struct diag *why)
{
    const struct vpn_version *version = vpn_status_version(
        status_of(s, vpn), number > 0 && number <= UINT32_MAX ? (uint32_t)number : 0);
    if (number && !version) {
        diag_set(why, ERR_NOT_FOUND, "vpn %s: version %lld is not known", vpn, (long long)number);
        return NULL;
    }
    if (version)
        return json_incref(version->service);
    return json_loads(network_vpn(s->config.state->network, vpn)->service, 0, NULL);
}

/* A design on its way: one VPN after the other is tried on its routers. */
struct vpn_design {
    struct asker *asker;
    json_t *names, *plan, *summary; /* lists */
    json_int_t version;
    bool change;
    size_t at;
};

static void design_next(struct vpn_design *);

static void
design_end(struct vpn_design *d, enum err err, const char *why)
{
    char hash[WAN_HASH_SIZE];
    if (!err) {
        json_t *plan = json_pack("{sO}", "vpns", d->plan);
        d->asker->answer = json_pack("{sO ss s{sI sO}}", "plan", plan, "plan_hash",
                                     wan_hash(plan, hash), "summary", "n",
                                     (json_int_t)json_array_size(d->plan), "vpns", d->summary);
        json_decref(plan);
    }
    answer(d->asker, err, why);
    json_decref(d->names);
    json_decref(d->plan);
    json_decref(d->summary);
    free(d);
}

static json_t *
router_json(const struct vpn_device_plan *d)
{
    json_t *gaps = json_array();
    for (uint32_t i = 0; i < d->n_gaps; i++)
        json_array_append_new(gaps, json_string(d->gaps[i]));
    return json_pack("{ss ss ss so}", "router", d->ne_id, "platform", d->platform, "config",
                     d->text, "gaps", gaps);
}

/* What the dry run found goes to the router that it is about; routers that lose all of it are in
 * no plan. */
static void
join_reports(json_t *list, const json_t *reports)
{
    const json_t *report;
    size_t i, k;
    json_array_foreach(reports, i, report)
    {
        const char *name = text_of(report, "router");
        json_t *router = NULL, *one;
        json_array_foreach(list, k, one)
        {
            if (!strcmp(text_of(one, "router"), name))
                router = one;
        }
        if (!router) {
            router = json_pack("{ss ss}", "router", name, "config", "");
            json_array_append_new(list, router);
        }
        json_object_set(router, "dry-run", json_object_get(report, "outcome"));
        json_object_update_missing(router, (json_t *)(uintptr_t)report);
        json_object_del(router, "outcome");
    }
}

static void
on_tried(void *arg, struct vpn_change *c, enum err err, const char *text, const json_t *reports)
{
    struct vpn_design *d = arg;
    const struct vpn_status *status = status_of(d->asker->s, c->vpn);
    const struct vpn_version *applied = vpn_status_applied(status);
    json_t *routers = json_array();
    char hash[WAN_HASH_SIZE];
    if (err && !may_pass(err)) { /* a router says no */
        json_decref(routers);
        design_end(d, err, text);
        return;
    }
    for (uint32_t i = 0; i < c->now->n; i++)
        json_array_append_new(routers, router_json(&c->now->devices[i]));
    join_reports(routers, reports);
    json_t *one = json_pack("{ss so}", "vpn", c->vpn, "routers", routers);
    if (err)
        json_object_set_new(one, "not-tried", json_string(text));
    if (applied)
        json_object_set_new(one, "from-version", json_integer(applied->number));
    if (d->version)
        json_object_set_new(one, "to-version", json_integer(d->version));
    json_array_append_new(d->summary, one);
    json_object_set_new(json_array_get(d->plan, json_array_size(d->plan) - 1), "hash",
                        json_string(vpns_hash(c->now, hash)));
    design_next(d);
}

static enum err
check_phase(const struct vpn_design *d, const char *vpn, struct diag *why)
{
    const struct vpn_status *status = status_of(d->asker->s, vpn);
    enum circuit_phase phase = status ? status->phase : PHASE_PROPOSED;
    if (!d->asker->order)
        return ERR_OK; /* somebody only wants to see it */
    if (!d->change && phase != PHASE_PROPOSED)
        return diag_set(why, ERR_EXISTS, "vpn %s is %s already", vpn, circuit_phase_word(phase));
    if (d->change && (!vpn_status_applied(status) ||
                      (phase != PHASE_BUILT && phase != PHASE_ACTIVE) || status->next))
        return diag_set(why, ERR_CONFLICT, "vpn %s cannot be changed: it is %s%s", vpn,
                        circuit_phase_word(phase),
                        status && status->next ? ", and another order changes it" : "");
    return ERR_OK;
}

/* The tunnel that is to carry it is there, or will be by the same order. */
static enum err
check_carrier(const struct wan_service *s, const char *vpn, const json_t *service, uint32_t order,
              bool active, struct diag *why)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *its;
    enum err err = vpn_read_document(vpn, service, arena, &its, why);
    const struct tunnel_status *tunnel =
        err || !its->lsp ? NULL : tunneling_find(&s->config.state->tunneling, its->lsp);
    enum circuit_phase phase = tunnel ? tunnel->phase : PHASE_PROPOSED;
    bool comes = phase == PHASE_RESERVED && tunnel->order == order;
    if (!err && its->lsp && (active ? phase != PHASE_ACTIVE : !phase_is_wanted(phase) && !comes))
        err = diag_set(why, ERR_CONFLICT, "vpn %s: tunnel %s, which is to carry it, is %s", vpn,
                       its->lsp, circuit_phase_word(phase));
    arena_free(arena);
    return err;
}

static enum err
design_one(struct vpn_design *d, const char *vpn, struct diag *why)
{
    struct wan_service *s = d->asker->s;
    const struct vpn_version *applied = vpn_status_applied(status_of(s, vpn));
    struct vpn_plan *now = NULL, *before = NULL;
    enum err err = check_phase(d, vpn, why);
    json_t *service = err ? NULL : wanted_service(s, vpn, d->version, why);
    if (!err && !service)
        err = ERR_NOT_FOUND;
    if (!err && d->asker->order)
        err = check_carrier(s, vpn, service, d->asker->order, false, why);
    if (!err)
        err = vpns_plan(s->vpns, vpn, service, &now, why);
    if (!err && applied)
        err = vpns_plan(s->vpns, vpn, applied->service, &before, why);
    if (err) {
        vpn_plan_free(now);
        json_decref(service);
        return err;
    }
    json_array_append_new(d->plan, json_pack("{ss so}", "vpn", vpn, "service", service));
    vpn_change_add(s->vpns, VPN_DRY_RUN, vpn, d->asker->order, before, now, on_tried, d);
    return ERR_OK;
}

static void
design_next(struct vpn_design *d)
{
    struct diag why = {""};
    enum err err = ERR_OK;
    if (d->at < json_array_size(d->names))
        err = design_one(d, json_string_value(json_array_get(d->names, d->at++)), &why);
    else
        design_end(d, ERR_OK, "");
    if (err)
        design_end(d, err, why.text);
}

/* {vpns, order?, change?, version?} -> {plan: {vpns: [{vpn, service, hash}]}, plan_hash, summary}
 */
void
vpn_serve_design(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    if (!begin(&j, arg, bus, m))
        return;
    if (!j.order && vpn_changes_waiting(j.s->vpns) >= LOOKERS_MAX) {
        refuse(&j, ERR_BUSY, "the routers are being asked much already: try again later");
        return;
    }
    struct vpn_design *d = xcalloc(1, sizeof *d);
    *d = (struct vpn_design){.asker = asker_new(&j, name_at(&j, 0)),
                             .names = json_copy((json_t *)(uintptr_t)j.names),
                             .plan = json_array(),
                             .summary = json_array(),
                             .version = json_integer_value(json_object_get(m->payload, "version")),
                             .change = json_is_true(json_object_get(m->payload, "change"))};
    design_next(d);
}

/* ---- Reserving ---- */

static const json_t *
planned(const json_t *plan, const char *vpn)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(plan, "vpns"), i, one)
    {
        const char *its = text_of(one, "vpn");
        if (its && !strcmp(its, vpn) && text_of(one, "hash") &&
            json_is_object(json_object_get(one, "service")))
            return one;
    }
    return NULL;
}

/* *one: what is to be reserved, borrowed; NULL: it is done. */
static enum err
reserve_one(const struct job *j, const char *vpn, const json_t **one, struct diag *why)
{
    const struct vpn_status *status = status_of(j->s, vpn);
    bool taken = status && (status->next || status->phase == PHASE_BUILDING ||
                            status->phase == PHASE_REMOVING);
    *one = planned(json_object_get(j->m->payload, "plan"), vpn);
    if (!*one)
        return diag_set(why, ERR_INVALID, "the plan says nothing of vpn %s", vpn);
    if (taken && status->order != j->order)
        return diag_set(why, ERR_CONFLICT, "vpn %s: work order %u has it in hand", vpn,
                        status->order);
    if (taken)
        *one = NULL;
    return ERR_OK;
}

/* {vpns, plan, order, for-circuits?} */
void
vpn_serve_reserve(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    enum err err = ERR_OK;
    if (!begin(&j, arg, bus, m))
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(j.names) && !err; i++) {
        const json_t *one;
        err = reserve_one(&j, name_at(&j, i), &one, &why);
        if (!err && one)
            json_array_append(list, (json_t *)(uintptr_t)one);
    }
    if (err) {
        refuse(&j, err, why.text);
    } else if (!json_array_size(list)) {
        bus_reply(bus, m->reply_to, json_object());
    } else {
        char *object = xasprintf("work/%u", j.order);
        json_t *body = json_pack("{sI sO}", "order", (json_int_t)j.order, "vpns", list);
        if (json_is_true(json_object_get(m->payload, "for-circuits")))
            json_object_set_new(body, "for-circuits", json_true());
        wan_append(j.s, "vpn.reserved", object, ACTOR, body, on_durable,
                   asker_new(&j, name_at(&j, 0)));
        free(object);
    }
    json_decref(list);
}

/* {vpns, order} */
void
vpn_serve_release(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    const char *last = NULL;
    if (!begin(&j, arg, bus, m))
        return;
    for (size_t i = 0; i < json_array_size(j.names); i++) {
        const struct vpn_status *status = status_of(j.s, name_at(&j, i));
        bool ours = status && status->order == j.order;
        if (ours && (status->phase == PHASE_BUILDING || status->phase == PHASE_REMOVING)) {
            refuse(&j, ERR_CONFLICT, "its routers are being changed yet");
            return;
        }
        if (!ours || !status->next)
            continue;
        if (last)
            append(j.s, "vpn.released", last, j.order, NULL, NULL, NULL);
        last = name_at(&j, i);
    }
    if (last)
        append(j.s, "vpn.released", last, j.order, NULL, on_durable, asker_new(&j, last));
    else
        bus_reply(bus, m->reply_to, json_object());
}

/* ---- To the routers ---- */

static json_t *
outcomes_of(const json_t *routers)
{
    json_t *list = json_deep_copy(routers), *one;
    size_t i;
    json_array_foreach(list, i, one) json_object_del(one, "edit");
    return list;
}

static void
on_built(void *arg, struct vpn_change *c, enum err err, const char *text, const json_t *routers)
{
    struct asker *a = arg;
    json_int_t duration = clock_monotonic() - c->asked;
    json_t *more = json_pack("{so}", "routers", outcomes_of(routers));
    if (err) {
        a->err = err;
        a->text = xstrdup(text);
        json_object_set_new(more, "text", json_string(text));
    } else {
        json_object_set_new(more, "duration-ns", json_integer(duration));
        a->answer = json_pack("{sI sO}", "duration-ns", duration, "routers",
                              json_object_get(more, "routers"));
    }
    append(a->s, err ? "vpn.failed" : "vpn.built", a->vpn, a->order, more, on_durable, a);
}

/* An order asks again about what is in the line already: its old question is not answered. */
static bool
join_change(const struct job *j, const char *vpn)
{
    struct vpn_change *c = vpn_change_find(j->s->vpns, vpn);
    struct diag why = {""};
    if (!c)
        return false;
    if (c->order != j->order) {
        diag_set(&why, ERR_BUSY, "vpn %s: its routers are being changed already", vpn);
        refuse(j, ERR_BUSY, why.text);
        return true;
    }
    struct asker *a = c->arg;
    free(a->reply_to);
    a->reply_to = j->m->reply_to ? xstrdup(j->m->reply_to) : NULL;
    return true;
}

/* What is reserved goes to the routers; or the reason why not. */
static enum err
push(const struct job *j, const char *vpn, const json_t *service, const char *hash,
     struct diag *why)
{
    const struct vpn_status *status = status_of(j->s, vpn);
    const struct vpn_version *applied = vpn_status_applied(status);
    struct vpn_plan *now = NULL, *before = NULL;
    char its[WAN_HASH_SIZE];
    enum err err = vpns_plan(j->s->vpns, vpn, service, &now, why);
    if (!err && strcmp(vpns_hash(now, its), hash) != 0)
        err = diag_set(why, ERR_CONFLICT,
                       "vpn %s: its native configuration is another one than was approved", vpn);
    if (!err && applied)
        err = vpns_plan(j->s->vpns, vpn, applied->service, &before, why);
    if (err) {
        vpn_plan_free(now);
        return err;
    }
    if (!status || status->phase != PHASE_BUILDING)
        append(j->s, "vpn.wanted", vpn, j->order, NULL, NULL, NULL);
    vpn_change_add(j->s->vpns, VPN_BUILD, vpn, j->order, before, now, on_built, asker_new(j, vpn));
    return ERR_OK;
}

/* {vpns: [one], order} -> {duration-ns, routers} when all routers have confirmed it */
void
vpn_serve_push(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    const char *vpn = only_one(&j, arg, bus, m);
    const struct vpn_status *status = vpn ? status_of(j.s, vpn) : NULL;
    if (!vpn || join_change(&j, vpn))
        return;
    if (status && status->order == j.order && !status->next && status->applied) {
        bus_reply(bus, m->reply_to,
                  json_pack("{sI}", "duration-ns", (json_int_t)status->build_time));
        return;
    }
    enum err err = status && status->next && status->order == j.order
                       ? push(&j, vpn, status->next, status->next_hash, &why)
                       : diag_set(&why, ERR_CONFLICT, "vpn %s is not reserved by this order", vpn);
    if (err)
        refuse(&j, err, why.text);
}

/* ---- Away from them ---- */

static void
on_removed(void *arg, struct vpn_change *c, enum err err, const char *text, const json_t *routers)
{
    struct asker *a = arg;
    if (err) {
        answer(a, err, text);
        return;
    }
    if (a->later) { /* what was half built is gone; now what was there before */
        struct vpn_plan *later = a->later;
        a->later = NULL;
        vpn_change_add(c->vpns, VPN_REMOVE, a->vpn, a->order, later, NULL, on_removed, a);
        return;
    }
    append(a->s, "vpn.removed", a->vpn, a->order,
           json_pack("{so}", "routers", outcomes_of(routers)), on_durable, a);
}

/* {vpns: [one], order} */
void
vpn_serve_remove(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    const char *vpn = only_one(&j, arg, bus, m);
    const struct vpn_status *status = vpn ? status_of(j.s, vpn) : NULL;
    const struct vpn_version *applied = vpn_status_applied(status);
    struct vpn_plan *there = NULL, *half = NULL;
    if (!vpn || join_change(&j, vpn))
        return;
    bool half_built = status && status->next &&
                      (status->phase == PHASE_BUILDING || status->phase == PHASE_REMOVING);
    if (!applied && !half_built) {
        bus_reply(bus, m->reply_to, json_object());
        return;
    }
    enum err err = applied ? vpns_plan(j.s->vpns, vpn, applied->service, &there, &why) : ERR_OK;
    if (!err && half_built)
        err = vpns_plan(j.s->vpns, vpn, status->next, &half, &why);
    if (err) {
        vpn_plan_free(there);
        refuse(&j, err, why.text);
        return;
    }
    struct asker *a = asker_new(&j, vpn);
    a->later = half ? there : NULL;
    if (status->phase != PHASE_REMOVING)
        append(j.s, "vpn.unwanted", vpn, j.order, NULL, NULL, NULL);
    vpn_change_add(j.s->vpns, VPN_REMOVE, vpn, j.order, half ? half : there, NULL, on_removed, a);
}

/* ---- Back to what was there before the order ---- */

static void
on_reverted(void *arg, struct vpn_change *c UNUSED, enum err err, const char *text,
            const json_t *routers)
{
    struct asker *a = arg;
    if (err)
        answer(a, err, text);
    else
        append(a->s, "vpn.failed", a->vpn, a->order,
               json_pack("{ss so}", "text", "it was taken back", "routers", outcomes_of(routers)),
               on_durable, a);
}

static enum err
take_back(const struct job *j, const struct vpn_status *status, struct diag *why)
{
    struct vpn_plan *half = NULL, *there = NULL;
    const struct vpn_version *applied = vpn_status_applied(status);
    enum err err = vpns_plan(j->s->vpns, status->vpn, status->next, &half, why);
    if (!err && applied)
        err = vpns_plan(j->s->vpns, status->vpn, applied->service, &there, why);
    if (err)
        vpn_plan_free(half);
    else
        vpn_change_add(j->s->vpns, applied ? VPN_BUILD : VPN_REMOVE, status->vpn, j->order, half,
                       there, on_reverted, asker_new(j, status->vpn));
    return err;
}

static const struct vpn_version *
version_before(const struct vpn_status *status, uint32_t order)
{
    for (uint32_t i = status->n_versions; i-- > 0;) {
        if (status->versions[i].order != order)
            return &status->versions[i];
    }
    return NULL;
}

/* The version before becomes the next one. */
static enum err
go_back(const struct job *j, const struct vpn_status *status, const struct vpn_version *before,
        struct diag *why)
{
    struct vpn_plan *plan = NULL;
    char hash[WAN_HASH_SIZE];
    enum err err = vpns_plan(j->s->vpns, status->vpn, before->service, &plan, why);
    if (err)
        return err;
    vpns_hash(plan, hash);
    vpn_plan_free(plan);
    char *object = xasprintf("vpn/%s", status->vpn);
    wan_append(j->s, "vpn.reserved", object, ACTOR,
               json_pack("{sI s[{ss sO ss}]}", "order", (json_int_t)j->order, "vpns", "vpn",
                         status->vpn, "service", before->service, "hash", hash),
               NULL, NULL);
    free(object);
    return push(j, status->vpn, before->service, hash, why);
}

/* {vpns: [one], order} */
void
vpn_serve_revert(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    struct diag why = {""};
    const char *vpn = only_one(&j, arg, bus, m);
    const struct vpn_status *status = vpn ? status_of(j.s, vpn) : NULL;
    const struct vpn_version *applied = vpn_status_applied(status), *before;
    enum err err = ERR_OK;
    if (!vpn || join_change(&j, vpn))
        return;
    before = status ? version_before(status, j.order) : NULL;
    bool ours = status && status->order == j.order,
         same = applied && before && json_equal(applied->service, before->service);
    if (ours && status->phase == PHASE_BUILDING && status->next)
        err = take_back(&j, status, &why);
    else if (ours && applied && applied->order == j.order && !before)
        err = diag_set(&why, ERR_CONFLICT, "vpn %s: what was there before is not known", vpn);
    else if (ours && applied && applied->order == j.order && !same)
        err = go_back(&j, status, before, &why);
    else
        bus_reply(bus, m->reply_to, json_object());
    if (err)
        refuse(&j, err, why.text);
}

/* ---- Testing ---- */

static void on_tested(void *arg, json_t *answered);

static void
test(struct asker *a)
{
    const struct vpn_version *applied = vpn_status_applied(status_of(a->s, a->vpn));
    struct vpn_plan *plan;
    struct diag why = {""};
    enum err err = applied ? vpns_plan(a->s->vpns, a->vpn, applied->service, &plan, &why)
                           : diag_set(&why, ERR_CONFLICT, "vpn %s is not built", a->vpn);
    if (err)
        answer(a, err, why.text);
    else
        vpn_read_routers(a->s->vpns, plan, true, on_tested, a);
}

static void
on_again(void *arg)
{
    struct asker *a = arg;
    DL_DELETE(a->s->vpns->testers, a);
    test(a);
}

void
vpn_tests_end(struct vpns *v)
{
    while (v->testers) {
        struct asker *a = v->testers;
        DL_DELETE(v->testers, a);
        answer(a, ERR_CLOSED, "the controller ends");
    }
}

/* Protocols need a moment: a label, a route. */
static void
test_again(struct asker *a)
{
    if (!a->again)
        a->again = timer_new(a->s->config.loop, on_again, a);
    DL_APPEND(a->s->vpns->testers, a);
    timer_start(a->again, TEST_PAUSE);
}

static const char *
first_fault(const json_t *answered, const char **router)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(answered, "routers"), i, one)
    {
        const json_t *faults = json_object_get(one, "faults");
        *router = json_string_value(json_object_get(one, "router"));
        if (json_array_size(faults))
            return json_string_value(json_array_get(faults, 0));
    }
    return "";
}

static enum err
judge_test(const struct asker *a, const struct vpn_version *applied, const json_t *answered,
           struct diag *why)
{
    bool reached = json_is_true(json_object_get(answered, "reached")),
         ok = json_is_true(json_object_get(answered, "ok")),
         works = json_is_true(json_object_get(answered, "works"));
    const char *router = "", *fault = first_fault(answered, &router);
    enum err err = applied ? check_carrier(a->s, a->vpn, applied->service, a->order, true, why)
                           : diag_set(why, ERR_CONFLICT, "vpn %s is not built", a->vpn);
    if (!err && !reached)
        err = diag_set(why, ERR_CLOSED, "vpn %s: not all of its routers can be read", a->vpn);
    else if (!err && !ok)
        err = diag_set(why, ERR_CONFLICT, "vpn %s: its routers do not have what was built", a->vpn);
    else if (!err && !works)
        err = diag_set(why, ERR_CONFLICT, "vpn %s does not work: router %s: %s", a->vpn, router,
                       fault);
    return err;
}

static void
on_tested(void *arg, json_t *answered)
{
    struct asker *a = arg;
    const struct vpn_status *status = status_of(a->s, a->vpn);
    const struct vpn_version *applied = vpn_status_applied(status);
    struct diag why = {""};
    enum err err = judge_test(a, applied, answered, &why);
    bool only_faults = json_is_true(json_object_get(answered, "ok")) &&
                       !json_is_true(json_object_get(answered, "works"));
    if (err && only_faults && clock_monotonic() < a->patience) {
        test_again(a);
        json_decref(answered);
        return;
    }
    if (applied)
        vpn_judge(a->s->vpns, a->vpn, answered);
    a->answer = json_pack("{sb sO}", "ok", true, "tests", json_object_get(answered, "routers"));
    if (err || status->phase == PHASE_ACTIVE)
        answer(a, err, why.text);
    else
        append(a->s, "vpn.tested", a->vpn, a->order,
               json_pack("{sO}", "tests", json_object_get(answered, "routers")), on_durable, a);
    json_decref(answered);
}

/* {vpns: [one], order} -> {ok, tests} */
void
vpn_serve_test(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct job j;
    const char *vpn = only_one(&j, arg, bus, m);
    if (!vpn)
        return;
    struct asker *a = asker_new(&j, vpn);
    nsec_t within = a->s->settings.netconf.works_within;
    a->patience = clock_monotonic() + (within ? within : WORKS_WITHIN);
    test(a);
}
