/* vpn_change.c - one change of the routers of a VPN, as provision_run.h does it. What is not
 * confirmed is looked at for a while (`soak`): a configuration that cuts off a router is taken back
 * by the router itself. */
#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "wan/vpns.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NAME_SIZE 80
#define CONFIRM (120 * NSEC_PER_SEC)

/* ---- Looking at it, unconfirmed ---- */

static void finish(struct vpn_change *, enum err, const char *why);

/* NETCONF's routers confirm, or all go back. */
static void
verified(struct vpn_change *c, enum err err, const char *why)
{
    if (c->run)
        provision_run_verified(c->run, err, why);
    else
        finish(c, err, why);
}

static void
on_looked(void *arg, json_t *answer)
{
    struct vpn_change *c = arg;
    const json_t *router;
    size_t i;
    struct buf text = BUF_INIT;
    c->reading = NULL;
    timer_stop(c->soak);
    json_array_foreach(json_object_get(answer, "routers"), i, router)
    {
        const char *reason = json_string_value(json_object_get(router, "reason")),
                   *first = json_string_value(
                       json_array_get(json_object_get(router, "differences"), 0));
        if (!text.size && (reason || first))
            buf_printf(&text, "%s, unconfirmed: %s",
                       json_string_value(json_object_get(router, "router")),
                       reason ? reason : first);
    }
    verified(c, text.size ? ERR_CONFLICT : ERR_OK, buf_cstr(&text));
    buf_fini(&text);
    json_decref(answer);
}

nsec_t
vpn_change_confirm(const struct vpn_change *c)
{
    nsec_t confirm = c->vpns->wan->settings.netconf.confirm;
    return confirm ? confirm : CONFIRM;
}

static void
fall_silent(struct vpn_change *c)
{
    char *text = xasprintf("%s, unconfirmed: it does not answer any more",
                           vpn_read_silent(c->reading));
    vpn_read_cancel(c->reading);
    c->reading = NULL;
    verified(c, ERR_CLOSED, text);
    free(text);
}

/* The machine has read it back just now. Half of the time until routers go back by themselves is
 * for this: a third at most is waited, then they have an eighth to answer. */
static void
on_soaked(void *arg)
{
    struct vpn_change *c = arg;
    if (c->reading) {
        fall_silent(c);
    } else if ((c->vpns->wan->settings.netconf.soak || c->n_agents) && c->now) {
        timer_start(c->soak, vpn_change_confirm(c) / 8);
        c->reading = vpn_read_routers(c->vpns, vpn_plan_ref(c->now), false, on_looked, c);
    } else {
        verified(c, ERR_OK, "");
    }
}

static void
on_applied(struct vpn_change *c, enum err err, const char *why)
{
    if (err)
        verified(c, err, why);
    else
        timer_start(c->soak, c->vpns->wan->settings.netconf.soak);
}

/* All others have it, and can still go back. */
static void
apply_lines(struct vpn_change *c)
{
    vpn_agents_ask(c, "frr.apply", "applied", "refused", on_applied);
}

static void
on_verify(void *arg, struct provision_run *run UNUSED)
{
    apply_lines(arg);
}

/* ---- The end ---- */

static json_t *
reports_json(const struct vpn_change *c)
{
    json_t *list = json_copy(c->left_out);
    for (size_t i = 0; c->run && i < c->n_routers; i++) {
        struct provision_report r;
        provision_report(provision_run_machine(c->run), i, &r);
        json_t *one = json_pack("{ss ss}", "router", r.name, "outcome",
                                provision_outcome_name(r.outcome));
        if (*r.text)
            json_object_set_new(one, "text", json_string(r.text));
        if (*r.edit)
            json_object_set_new(one, "edit", json_string(r.edit));
        json_array_append_new(list, one);
    }
    vpn_agents_report(c, list);
    return list;
}

static void
on_settled(struct vpn_change *c, enum err err, const char *why)
{
    json_t *routers = reports_json(c);
    char *words = xasprintf("vpn %s: %s", c->vpn, c->err ? c->why.text : why);
    enum err all = c->err ? c->err : err;
    if (all)
        log_info("wan: %s", words);
    vpn_change_end(c, all, all ? words : "", routers);
    free(words);
    json_decref(routers);
}

/* NETCONF's routers have ended; the lines hold if they have confirmed. */
static void
finish(struct vpn_change *c, enum err err, const char *why)
{
    c->err = err;
    snprintf(c->why.text, sizeof c->why.text, "%s", why);
    if (c->kind == VPN_DRY_RUN)
        on_settled(c, ERR_OK, "");
    else if (err)
        vpn_agents_ask(c, "frr.cancel", "rolled back", "will roll back by itself", on_settled);
    else
        vpn_agents_ask(c, "frr.confirm", "changed", "unknown", on_settled);
}

static void
on_done(void *arg, struct provision_run *run UNUSED, enum err err, const char *text)
{
    finish(arg, err, text);
}

/* ---- The beginning ---- */

static bool
is_listed(const struct vpn_change *c, const struct provision_run_device *list, size_t n,
          const char *name)
{
    size_t i;
    const json_t *left_out;
    json_array_foreach(c->left_out, i, left_out)
    {
        if (!strcmp(json_string_value(json_object_get(left_out, "router")), name))
            return true;
    }
    if (vpn_agents_has(c, name))
        return true;
    for (i = 0; i < n; i++) {
        if (!strcmp(list[i].device.name, name))
            return true;
    }
    return false;
}

/* A router of either plan. Dry runs go without those that are not reached. */
static enum err
add_device(struct vpn_change *c, const char *name, struct provision_run_device *list, size_t *n,
           struct diag *why)
{
    const struct vpn_device_plan *before = vpn_plan_device(c->before, name),
                                 *now = vpn_plan_device(c->now, name);
    if (is_listed(c, list, *n, name))
        return ERR_OK;
    struct vpn_router *r = NULL;
    enum err err = vpns_router(c->vpns, name, &r, why);
    if (err && c->kind != VPN_DRY_RUN) {
        diag_prefix(why, "vpn %s: %s", c->vpn, name);
        return err;
    }
    if (err) {
        json_array_append_new(c->left_out, json_pack("{ss ss ss}", "router", name, "outcome",
                                                     "not asked", "text", why->text));
        return ERR_OK;
    }
    if (r->lines) {
        vpn_agents_add(c, r, before, now);
        return ERR_OK;
    }
    c->routers[*n] = r;
    list[(*n)++] = (struct provision_run_device){
        {name, before ? before->config : NULL, now ? now->config : NULL}, r->client};
    return ERR_OK;
}

static enum err
list_routers(struct vpn_change *c, struct provision_run_device *list, struct diag *why)
{
    const struct vpn_plan *const plans[] = {c->now, c->before};
    size_t n = 0;
    enum err err = ERR_OK;
    for (size_t k = 0; k < ARRAY_SIZE(plans); k++) {
        for (uint32_t i = 0; plans[k] && i < plans[k]->n && !err; i++)
            err = add_device(c, plans[k]->devices[i].ne_id, list, &n, why);
    }
    c->n_routers = n;
    return err;
}

static void
run(struct vpn_change *c)
{
    static const struct provision_run_handler handler = {on_verify, on_done};
    const struct vpn_plan *any = c->now ? c->now : c->before;
    char persist[NAME_SIZE];
    snprintf(persist, sizeof persist, "tieline-%u-%llx", c->order,
             (unsigned long long)clock_wall());
    const struct provision_config config = {
        .marker = any->marker,
        .name = any->name,
        .persist = persist,
        .dry_run = c->kind == VPN_DRY_RUN,
        .restore = c->kind == VPN_RESTORE,
        .confirm_timeout_s = (uint32_t)(vpn_change_confirm(c) / NSEC_PER_SEC)};
    c->run = provision_run_new(c->vpns->wan->config.loop, &config, c->devices, c->n_routers,
                               &handler, c);
}

/* The agents would take their lines, or nothing begins. */
static void
on_checked(struct vpn_change *c, enum err err, const char *why)
{
    if (err || (!c->n_routers && c->kind == VPN_DRY_RUN)) {
        c->err = err;
        snprintf(c->why.text, sizeof c->why.text, "%s", why);
        on_settled(c, err, why);
    } else if (c->n_routers) {
        run(c);
    } else {
        apply_lines(c);
    }
}

static void
on_read(struct vpn_change *c, enum err err, const char *why)
{
    if (err)
        on_checked(c, err, why);
    else
        vpn_agents_ask(c, "frr.check", "accepted", "refused", on_checked);
}

void
vpn_change_start(struct vpn_change *c)
{
    uint32_t most = (c->now ? c->now->n : 0) + (c->before ? c->before->n : 0);
    struct diag why = {""};
    c->started = true;
    c->devices = xcalloc(most + 1, sizeof *c->devices);
    c->routers = xcalloc(most + 1, sizeof *c->routers);
    c->left_out = json_array();
    c->soak = timer_new(c->vpns->wan->config.loop, on_soaked, c);
    c->vpns->n_changes++;
    enum err err = list_routers(c, c->devices, &why);
    if (err)
        vpn_change_end(c, err, why.text, c->left_out);
    else if (c->kind == VPN_RESTORE)
        vpn_agents_ask(c, "frr.read", "unchanged", "not read", on_read);
    else
        on_read(c, ERR_OK, "");
}

void
vpn_change_free(struct vpn_change *c)
{
    DL_DELETE(c->vpns->changes, c);
    vpn_read_cancel(c->reading);
    provision_run_free(c->run);
    vpn_agents_free(c);
    free(c->devices);
    timer_free(c->soak);
    vpn_plan_free(c->before);
    vpn_plan_free(c->now);
    json_decref(c->left_out);
    free(c->routers);
    free(c->vpn);
    free(c);
}
