/* vpn_read.c - what is on the routers of a VPN, against what should be, and the watch over it. */
#include "base/alloc.h"
#include "io/jsontext.h"
#include "wan/lines_client.h"
#include "wan/vpn_lines.h"
#include "wan/vpns.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define TOLD_MAX 100       /* differences of a router */
#define EVIDENCE_SIZE 4000 /* octets of an exception's text about a router */

/* ---- Reading ---- */

struct vpn_reading {
    struct vpns *vpns; /* NULL: nobody wants to know any more */
    struct vpn_plan *plan;
    json_t *routers;
    unsigned n_pending;
    bool checks, ok, reached, works;
    struct task *turn;
    vpn_read_fn *done;
    void *arg;
    struct vpn_reading *prev, *next;
};

/* One router's answer on its way. */
struct question {
    struct vpn_reading *reading;
    struct lines_client *lines; /* NULL: NETCONF */
    json_t *router;             /* borrowed: in the list */
};

static void
reading_free(struct vpn_reading *r)
{
    if (r->vpns)
        DL_DELETE(r->vpns->readings, r);
    task_free(r->turn);
    vpn_plan_free(r->plan);
    json_decref(r->routers);
    free(r);
}

static void
ended(struct vpn_reading *r)
{
    if (r->n_pending)
        return;
    if (r->vpns)
        task_schedule(r->turn);
    else
        reading_free(r);
}

static void
on_turn(void *arg)
{
    struct vpn_reading *r = arg;
    vpn_read_fn *done = r->done;
    void *its = r->arg;
    json_t *answer = json_pack("{sb sb sb sO}", "ok", r->ok && r->reached, "reached", r->reached,
                               "works", r->works, "routers", r->routers);
    reading_free(r);
    done(its, answer);
}

static void
question_answered(struct question *q)
{
    struct vpn_reading *r = q->reading;
    free(q);
    r->n_pending--;
    ended(r);
}

static json_t *
difference_text(const struct vpn_difference *d)
{
    char *text = d->kind == VPN_DIFFERENT
                     ? xasprintf("different %s: has \"%s\", not \"%s\"", d->path, d->have, d->want)
                 : *d->have ? xasprintf("%s %s: \"%s\"", vpn_drift_name(d->kind), d->path, d->have)
                            : xasprintf("%s %s", vpn_drift_name(d->kind), d->path);
    json_t *json = jsontext_string(text);
    free(text);
    return json;
}

static void
on_drift(void *arg, enum err err, const char *text, const struct vpn_differences *found)
{
    struct question *q = arg;
    struct vpn_reading *r = q->reading;
    json_t *list = json_array();
    for (uint32_t i = 0; i < found->n && i < TOLD_MAX; i++)
        json_array_append_new(list, difference_text(&found->list[i]));
    if (err) {
        r->reached = false;
        json_object_set_new(q->router, "reason", jsontext_string(text));
    } else {
        r->ok &= !found->n;
        json_object_set_new(q->router, "ok", json_boolean(!found->n));
    }
    json_object_set_new(q->router, "differences", list);
    question_answered(q);
}

/* Differences of lines are for people as they are. */
static json_t *
lines_told(const char *text)
{
    json_t *list = json_array();
    while (*text && json_array_size(list) < TOLD_MAX) {
        size_t length = strcspn(text, "\n");
        char *line = xstrndup(text, length);
        json_array_append_new(list, jsontext_string(line));
        free(line);
        text += length + (text[length] == '\n');
    }
    return list;
}

static void
on_checked(void *arg, const json_t *faults)
{
    struct question *q = arg;
    q->reading->works &= !json_array_size(faults);
    json_object_set(q->router, "faults", (json_t *)(uintptr_t)faults);
    question_answered(q);
}

static void
on_lines(void *arg, enum err err, const char *text, const json_t *result)
{
    struct question *q = arg;
    struct vpn_reading *r = q->reading;
    const char *name = json_string_value(json_object_get(q->router, "router")),
               *have = json_string_value(json_object_get(result, "lines"));
    const struct vpn_device_plan *d = vpn_plan_device(r->plan, name);
    struct buf differs = BUF_INIT;
    if (err || !have) {
        r->reached = false;
        json_object_set_new(q->router, "reason", jsontext_string(err ? text : "no lines"));
    } else {
        vpn_lines_compare(d->lines, have, &differs);
        r->ok &= !differs.size;
        json_object_set_new(q->router, "ok", json_boolean(!differs.size));
    }
    json_object_set_new(q->router, "differences", lines_told(buf_cstr(&differs)));
    buf_fini(&differs);
    if (!err && r->vpns && r->checks && d->n_checks)
        vpn_checks_run(q->lines, d, on_checked, q);
    else
        question_answered(q);
}

static void
read_router(struct vpn_reading *r, const struct vpn_device_plan *d)
{
    struct diag why = {""};
    struct vpn_router *router;
    enum err err = vpns_router(r->vpns, d->ne_id, &router, &why);
    json_t *one = json_pack("{ss}", "router", d->ne_id);
    json_array_append_new(r->routers, one);
    if (err) {
        r->reached = false;
        json_object_set_new(one, "reason", jsontext_string(why.text));
        json_object_set_new(one, "differences", json_array());
        return;
    }
    struct question *q = xmalloc(sizeof *q);
    *q = (struct question){r, router->lines, one};
    r->n_pending++;
    if (router->lines)
        lines_client_ask(router->lines, "frr.read", json_object(), on_lines, q);
    else
        drift_check(router->client, d->config, on_drift, q);
}

struct vpn_reading *
vpn_read_routers(struct vpns *v, struct vpn_plan *plan, bool checks, vpn_read_fn *done, void *arg)
{
    struct vpn_reading *r = xcalloc(1, sizeof *r);
    *r = (struct vpn_reading){.vpns = v,
                              .plan = plan,
                              .routers = json_array(),
                              .n_pending = 1,
                              .checks = checks,
                              .ok = true,
                              .reached = true,
                              .works = true,
                              .done = done,
                              .arg = arg};
    r->turn = task_new(v->wan->config.loop, on_turn, r);
    DL_APPEND(v->readings, r);
    for (uint32_t i = 0; i < plan->n; i++)
        read_router(r, &plan->devices[i]);
    r->n_pending--;
    ended(r);
    return r;
}

const char *
vpn_read_silent(const struct vpn_reading *r)
{
    const json_t *router;
    size_t i;
    json_array_foreach(r->routers, i, router)
    {
        if (!json_object_get(router, "differences"))
            return json_string_value(json_object_get(router, "router"));
    }
    return NULL;
}

void
vpn_read_cancel(struct vpn_reading *r)
{
    if (!r)
        return;
    DL_DELETE(r->vpns->readings, r);
    r->vpns = NULL;
    task_cancel(r->turn);
    ended(r);
}

void
vpn_read_end_all(struct vpns *v)
{
    while (v->readings) {
        struct vpn_reading *r = v->readings;
        r->done(r->arg, json_pack("{sb sb sb s[]}", "ok", false, "reached", false, "works", true,
                                  "routers"));
        vpn_read_cancel(r);
    }
}

/* ---- Judging ---- */

static bool
is_open(const struct vpns *v, const char *kind, const char *object)
{
    const struct state *state = v->wan->config.state;
    for (const struct exception *e = state->exceptions; e; e = e->hh.next) {
        if (e->state != EXCEPTION_CLOSED && !strcmp(e->kind, kind) && !strcmp(e->object, object))
            return true;
    }
    return false;
}

/* All of them as one text, of bounded size. */
static json_t *
join(const json_t *differences)
{
    struct buf text = BUF_INIT;
    const json_t *one;
    size_t i;
    json_array_foreach(differences, i, one)
    {
        if (text.size > EVIDENCE_SIZE) {
            buf_printf(&text, "; ... %zu in all", json_array_size(differences));
            break;
        }
        buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(one));
    }
    json_t *json = jsontext_string(buf_cstr(&text));
    buf_fini(&text);
    return json;
}

/* Of the routers that have some (`member`: "differences", "faults"): {router: text}. */
static json_t *
all_of(const json_t *answer, const char *member)
{
    json_t *all = json_object();
    const json_t *router;
    size_t i;
    json_array_foreach(json_object_get(answer, "routers"), i, router)
    {
        json_t *list = json_object_get(router, member);
        if (json_array_size(list))
            json_object_set_new(all, json_string_value(json_object_get(router, "router")),
                                join(list));
    }
    return all;
}

static const char *
first_of(const json_t *all, const char **text)
{
    const char *router = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)all));
    *text = json_string_value(json_object_get(all, router));
    return router;
}

static void
tell_drift(struct vpns *v, const char *vpn, const char *object, const json_t *drift)
{
    const char *first, *router = first_of(drift, &first);
    if (json_equal(json_object_get(v->drifts, vpn), drift))
        return;
    json_object_set_new(v->drifts, vpn, json_deep_copy(drift));
    wan_raise(v->wan, "vpn-drift", "major", object, json_deep_copy(drift),
              "VPN %s is not as it was built on %zu of its routers: %s: %.200s", vpn,
              json_object_size(drift), router, first);
}

/* Told when it is seen for the second time, protocols need a moment, and of what worked once: an
 * order that tests it says by itself what does not. */
static void
judge_faults(struct vpns *v, const char *vpn, const char *object, const json_t *answer)
{
    json_t *faults = all_of(answer, "faults");
    const char *first, *router = first_of(faults, &first);
    const struct vpn_status *status = vpning_find(&v->wan->config.state->vpning, vpn);
    bool active = status && status->phase == PHASE_ACTIVE, before = json_object_get(v->faults, vpn),
         open = is_open(v, "vpn-not-working", object);
    if (router) {
        if (active && before && !open)
            wan_raise(v->wan, "vpn-not-working", "critical", object, json_deep_copy(faults),
                      "VPN %s does not work on %zu of its routers: %s: %.200s", vpn,
                      json_object_size(faults), router, first);
        json_object_set(v->faults, vpn, faults);
    } else if (json_is_true(json_object_get(answer, "reached"))) {
        json_object_del(v->faults, vpn);
        if (open)
            wan_close(v->wan, "vpn-not-working", object, "no router finds a fault in it");
    }
    json_decref(faults);
}

static void
tell_missed(struct vpns *v, const json_t *router)
{
    const char *name = json_string_value(json_object_get(router, "router")),
               *reason = json_string_value(json_object_get(router, "reason"));
    struct vpn_router *r;
    char *object = xasprintf("router/%s", name);
    HASH_FIND_STR(v->routers, name, r);
    if (reason && r && !r->missed)
        wan_raise(v->wan, "router-not-managed", "major", object, NULL,
                  "What router %s has of VPNs is not known: %s", name, reason);
    else if (!reason && is_open(v, "router-not-managed", object))
        wan_close(v->wan, "router-not-managed", object, "NETCONF reaches it");
    if (r)
        r->missed = reason != NULL;
    free(object);
}

void
vpn_judge(struct vpns *v, const char *vpn, const json_t *answer)
{
    json_t *drift = all_of(answer, "differences");
    const json_t *router;
    char *object = xasprintf("vpn/%s", vpn);
    size_t i;
    if (json_object_size(drift)) {
        tell_drift(v, vpn, object, drift);
    } else if (json_is_true(json_object_get(answer, "reached"))) {
        json_object_del(v->drifts, vpn);
        if (is_open(v, "vpn-drift", object))
            wan_close(v->wan, "vpn-drift", object, "its routers have what was built");
    }
    json_array_foreach(json_object_get(answer, "routers"), i, router) tell_missed(v, router);
    judge_faults(v, vpn, object, answer);
    free(object);
    json_decref(drift);
}

/* ---- Watching ---- */

struct look {
    struct vpns *vpns;
    char *vpn;
    uint64_t n_changes; /* when it began */
};

static void
on_looked(void *arg, json_t *answer)
{
    struct look *look = arg;
    struct vpns *v = look->vpns;
    const struct vpn_status *status = vpning_find(&v->wan->config.state->vpning, look->vpn);
    v->n_reading--;
    if (look->n_changes == v->n_changes && vpn_status_applied(status)) /* else it is old */
        vpn_judge(v, look->vpn, answer);
    json_decref(answer);
    free(look->vpn);
    free(look);
}

static void
close_gone(struct vpns *v)
{
    const struct state *state = v->wan->config.state;
    for (const struct exception *e = state->exceptions; e; e = e->hh.next) {
        bool ours = e->state != EXCEPTION_CLOSED && !strncmp(e->object, "vpn/", 4) &&
                    (!strcmp(e->kind, "vpn-drift") || !strcmp(e->kind, "vpn-not-working"));
        if (!ours || vpn_status_applied(vpning_find(&state->vpning, e->object + 4)))
            continue;
        json_object_del(v->drifts, e->object + 4);
        json_object_del(v->faults, e->object + 4);
        wan_close(v->wan, e->kind, e->object, "it is on no router any more");
    }
}

static void
watch_one(struct vpns *v, const struct vpn_status *status)
{
    const struct vpn_version *applied = vpn_status_applied(status);
    struct vpn_plan *plan;
    struct diag why = {""};
    bool at_rest = status->phase == PHASE_BUILT || status->phase == PHASE_ACTIVE;
    if (!applied || !at_rest || vpn_change_find(v, status->vpn) ||
        vpns_plan(v, status->vpn, applied->service, &plan, &why))
        return;
    struct look *look = xcalloc(1, sizeof *look);
    *look = (struct look){v, xstrdup(status->vpn), v->n_changes};
    v->n_reading++;
    vpn_read_routers(v, plan, true, on_looked, look);
}

void
vpn_watch_all(struct vpns *v)
{
    close_gone(v);
    if (v->n_reading)
        return; /* it takes longer than the pause between */
    for (const struct vpn_status *s = v->wan->config.state->vpning.vpns; s; s = s->hh.next)
        watch_one(v, s);
}
