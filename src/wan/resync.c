/* resync.c - a router is asked to report all its paths again (RFC 8232 section 6). Who asked is an
 * event first; the router is asked when that is durable. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

struct resync {
    struct wan_handle *handle;
    struct bus *bus;
    char *reply_to, *address;
    uint32_t lsps; /* that were known of it */
};

static void
resync_free(struct resync *q)
{
    free(q->reply_to);
    free(q->address);
    free(q);
}

static void
on_durable(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct resync *q = arg;
    struct wan_service *s = wan_handle_take(q->handle);
    struct pce *pce = s ? wan_pce(s) : NULL;
    if (!err && !pce)
        why = err_text(err = ERR_CLOSED);
    if (!err) {
        err = pce_resync(pce, pce_find_pcc(pce, q->address), LSP_NONE, clock_monotonic());
        why = err ? "its session has ended meanwhile" : "";
    }
    if (err)
        bus_reply_error(q->bus, q->reply_to, err, "%s: %s", q->address, why);
    else
        bus_reply(q->bus, q->reply_to,
                  json_pack("{ss sI}", "address", q->address, "lsps", (json_int_t)q->lsps));
    resync_free(q);
}

/* By its name in the inventory, or the address that it comes from. */
static enum err
find(struct wan_service *s, const char *router, struct pce_pcc_info *info, struct diag *diag)
{
    const struct router *r = network_router(s->config.state->network, router);
    uint32_t pcc = r ? wan_pcc_of(s, r) : pce_find_pcc(wan_pce(s), router);
    bool known = pce_pcc_info(wan_pce(s), pcc, info);
    if (!r && !known)
        return diag_set(diag, ERR_NOT_FOUND, "there is no router %.100s", router);
    if (!known || info->state == PCE_PCC_DOWN)
        return diag_set(diag, ERR_CLOSED, "router %.100s has no session", router);
    if (info->state != PCE_PCC_READY)
        return diag_set(diag, ERR_BUSY, "router %.100s is reporting its paths now", router);
    if (!(info->capabilities.stateful_flags & PCEP_TRIGGERED_RESYNC))
        return diag_set(diag, ERR_UNSUPPORTED,
                        "router %.100s does not offer to report again (RFC 8232, flag T)", router);
    return ERR_OK;
}

/* {actor, router} -> {address, lsps}: so many were known when it was asked. */
void
wan_serve_resync(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    const char *actor = json_string_value(json_object_get(m->payload, "actor")),
               *router = json_string_value(json_object_get(m->payload, "router"));
    struct pce_pcc_info info;
    struct diag why = {""};
    enum err err = !actor || !router ? diag_set(&why, ERR_INVALID, "router is expected")
                   : !wan_pce(s)     ? diag_set(&why, ERR_CLOSED, "pcep is not configured")
                                     : find(s, router, &info, &why);
    if (err) {
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
        return;
    }
    struct resync *q = xcalloc(1, sizeof *q);
    const char *name = wan_router_name(s, info.address);
    char *object = xasprintf("%s/%s", name ? "router" : "address", name ? name : info.address);
    *q = (struct resync){.handle = wan_handle_give(s),
                         .bus = bus,
                         .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                         .address = xstrdup(info.address),
                         .lsps = info.lsps};
    wan_append(s, "router.resync", object, actor,
               json_pack("{ss sI}", "address", q->address, "lsps", (json_int_t)q->lsps), on_durable,
               q);
    free(object);
}
