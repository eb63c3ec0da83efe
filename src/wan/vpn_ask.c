/* vpn_ask.c - what people ask of VPNs: how their routers differ from what was built, and that they
 * do so no more. */
#include "base/alloc.h"
#include "wan/vpns.h"

#include <stdlib.h>
#include <string.h>

struct question {
    struct wan_service *s;
    char *vpn, *reply_to, *actor;
    json_t *answer;
};

static void
question_free(struct question *q)
{
    json_decref(q->answer);
    free(q->vpn);
    free(q->reply_to);
    free(q->actor);
    free(q);
}

/* The VPN of the request, and what is on its routers as it should be. NULL: it was answered. */
static struct question *
question_new(struct wan_service *s, struct bus *bus, const struct bus_message *m,
             struct vpn_plan **plan)
{
    const char *vpn = json_string_value(json_object_get(m->payload, "vpn")),
               *actor = json_string_value(json_object_get(m->payload, "actor"));
    const struct vpn_version *applied =
        vpn ? vpn_status_applied(vpning_find(&s->config.state->vpning, vpn)) : NULL;
    struct diag why = {""};
    enum err err = ERR_OK;
    if (!vpn || !network_vpn(s->config.state->network, vpn))
        err = diag_set(&why, ERR_NOT_FOUND, "there is no VPN %.64s", vpn ? vpn : "?");
    else if (!applied)
        err = diag_set(&why, ERR_CONFLICT, "vpn %s is on no router", vpn);
    else
        err = vpns_plan(s->vpns, vpn, applied->service, plan, &why);
    if (err) {
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
        return NULL;
    }
    struct question *q = xcalloc(1, sizeof *q);
    *q = (struct question){.s = s,
                           .vpn = xstrdup(vpn),
                           .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                           .actor = xstrdup(actor ? actor : ACTOR)};
    return q;
}

/* ---- Drift ---- */

static void
on_read(void *arg, json_t *answer)
{
    struct question *q = arg;
    vpn_judge(q->s->vpns, q->vpn, answer);
    json_object_set_new(answer, "vpn", json_string(q->vpn));
    bus_reply(q->s->config.bus, q->reply_to, answer);
    question_free(q);
}

/* {vpn} -> {vpn, ok, reached, works, routers: [{router, ok?, reason?, differences, faults?}]} */
void
vpn_serve_drift(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    struct vpn_plan *plan;
    struct question *q = question_new(s, bus, m, &plan);
    if (q)
        vpn_read_routers(s->vpns, plan, true, on_read, q);
}

/* ---- Restoring ---- */

static void
on_reread(void *arg, json_t *answer)
{
    struct question *q = arg;
    vpn_judge(q->s->vpns, q->vpn, answer);
    json_decref(answer);
    bus_reply(q->s->config.bus, q->reply_to, json_incref(q->answer));
    question_free(q);
}

static void
on_restored(void *arg, struct vpn_change *c, enum err err, const char *text, const json_t *routers)
{
    struct question *q = arg;
    if (err) {
        bus_reply_error(q->s->config.bus, q->reply_to, err, "%s", text);
        question_free(q);
        return;
    }
    char *object = xasprintf("vpn/%s", q->vpn);
    q->answer = json_pack("{ss sO}", "vpn", q->vpn, "routers", (json_t *)(uintptr_t)routers);
    wan_append(q->s, "vpn.restored", object, q->actor, json_copy(q->answer), NULL, NULL);
    free(object);
    vpn_read_routers(c->vpns, vpn_plan_ref(c->now), false, on_reread, q);
}

/* {actor, vpn} -> {vpn, routers: [{router, outcome}]}: all that is ours is as it was built again */
void
vpn_serve_restore(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    struct vpn_plan *plan;
    struct question *q = question_new(s, bus, m, &plan);
    const struct vpn_status *status = q ? vpning_find(&s->config.state->vpning, q->vpn) : NULL;
    if (!q)
        return;
    if (vpn_change_find(s->vpns, q->vpn) ||
        (status->phase != PHASE_BUILT && status->phase != PHASE_ACTIVE)) {
        bus_reply_error(bus, m->reply_to, ERR_BUSY, "vpn %s: its routers are being changed",
                        q->vpn);
        vpn_plan_free(plan);
        question_free(q);
        return;
    }
    vpn_change_add(s->vpns, VPN_RESTORE, q->vpn, 0, vpn_plan_ref(plan), plan, on_restored, q);
}
