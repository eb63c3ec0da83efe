/* router_events.c - what routers say: paths that they report, how orders ended. Of sessions and of
 * what routers do that they should not, troubles.c tells. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "wan/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tunnels that begin at a router. */
static void
reconcile_at(struct wan_service *s, uint32_t pcc)
{
    const struct tunnel_status *status = s->config.state->tunneling.tunnels;
    for (; status; status = status->hh.next) {
        const struct tunnel *t = network_tunnel(s->config.state->network, status->tunnel);
        if (t && (wan_pcc_at(s, t, WAN_HEAD) == pcc || wan_pcc_at(s, t, WAN_TAIL) == pcc))
            wan_reconcile(s, status->tunnel, PCE_CHANGE);
    }
}

/* ---- What the routers say ---- */

static void
on_result(struct wan_service *s, const struct pce_result *r)
{
    struct wan_order *o;
    wan_litter_result(s, r);
    wan_delegated_result(s, r);
    HASH_FIND(hh, s->orders, &r->id, sizeof r->id, o);
    if (!o)
        return;
    struct wan_tunnel *t = wan_tunnel(s, o->tunnel);
    struct wan_lsp *its = t ? &t->lsps[o->path][o->end] : NULL;
    if (its && its->order == r->id) {
        its->order = 0;
        if (r->outcome != PCE_DONE) {
            char why[200];
            snprintf(why, sizeof why, "%s: %s%s%.150s", pce_order_kind_name(r->kind),
                     pce_outcome_name(r->outcome), *r->text ? ": " : "", r->text);
            if (!its->tries) /* one line of each; it is an exception if it goes on */
                log_warn("wan: tunnel %s, %s path: %s", o->tunnel, tunnel_path_words[o->path], why);
            wan_put_off(s, its, why);
        } else if (r->kind == PCE_TAKE_OVER) {
            its->taken = clock_monotonic();
        } else if (r->kind != PCE_REMOVE) {
            its->done = clock_monotonic();
        }
        wan_reconcile(s, o->tunnel, PCE_CHANGE);
    }
    HASH_DEL(s->orders, o);
    free(o->tunnel);
    free(o);
}

/* Of the inventory; NULL: none is there. */
static const struct router *
router_at(const struct wan_service *s, const struct te_address *address)
{
    uint32_t a = wan_address_ipv4(address);
    for (const struct router *r = s->config.state->network->routers; a && r; r = r->hh.next) {
        if (r->router_id == a || r->management_address == a)
            return r;
    }
    return NULL;
}

const char *
wan_router_name(const struct wan_service *s, const char *address)
{
    struct te_address a;
    const struct router *r = wan_address_parse(address, &a) ? NULL : router_at(s, &a);
    return r ? r->name : NULL;
}

/* Whether a router that is known reports a tunnel that begins at others. */
static bool
is_elsewhere(struct wan_service *s, const struct tunnel *t, const struct lsp *lsp)
{
    struct pce_pcc_info info;
    const char *name = pce_pcc_info(wan_pce(s), lsp->pcc, &info) ? wan_router_name(s, info.address)
                                                                 : NULL;
    return name && strcmp(name, t->head) != 0 && strcmp(name, t->tail) != 0;
}

/* One of ours that nobody wants is removed; of a tunnel that is there its own comparison sees to
 * that. */
static void
on_lsp(struct wan_service *s, const struct lsp *lsp, bool gone)
{
    char name[64];
    enum tunnel_path path;
    if (!wan_read_lsp_name(lsp_name(lsp), name, &path))
        return;
    const struct tunnel *t = network_tunnel(s->config.state->network, name);
    const struct tunnel_status *status = tunneling_find(&s->config.state->tunneling, name);
    bool is_ours = t && status &&
                   (phase_is_wanted(status->phase) || status->phase == PHASE_REMOVING);
    if (gone)
        wan_litter_gone(s, lsp->id);
    if (t && status)
        wan_reconcile(s, name, PCE_CHANGE);
    if (!gone && (!is_ours || is_elsewhere(s, t, lsp)))
        wan_litter_remove(s, lsp);
}

/* What a router still has of tunnels that went while it had no session. */
static void
sweep(struct wan_service *s, uint32_t pcc)
{
    const struct lsp_db *db = pce_lsps(wan_pce(s));
    const struct lsp *next;
    for (const struct lsp *lsp = lsp_db_first(db, pcc); lsp; lsp = next) {
        next = lsp_db_next(db, lsp);
        on_lsp(s, lsp, false);
    }
}

bool
wan_admits(void *arg, const char *address, const char *name, struct diag *diag)
{
    const struct wan_service *s = arg;
    const char *router = wan_router_name(s, address);
    if (!router && s->settings.pcep_admit == WAN_ADMIT_INVENTORY) {
        diag_set(diag, ERR_DENIED, "%s is the address of no router of the inventory", address);
        return false;
    }
    if (!name || !*name)
        return true;
    if (!router)
        diag_set(diag, ERR_DENIED, "%s has the certificate of %s, and no router is known there",
                 address, name);
    else if (strcmp(router, name) != 0)
        diag_set(diag, ERR_DENIED, "%s has the certificate of %s, and is router %s", address, name,
                 router);
    return router && !strcmp(router, name);
}

/* The router id of who has an address; family 0: nobody knows. */
static struct te_address
owner_of(const struct wan_service *s, const struct te_network *net,
         const struct te_address *address)
{
    const struct router *r = router_at(s, address);
    uint32_t node = te_network_node_at(net, address), link = te_network_link_at(net, address);
    if (r && r->router_id)
        return wan_address_of(r->router_id);
    if (node != TE_NONE)
        return net->nodes[node].router_id;
    return link != TE_NONE ? net->nodes[net->links[link].from].router_id : (struct te_address){0};
}

bool
wan_owns(void *arg, const char *address, const struct te_address *source)
{
    struct wan_service *s = arg;
    const struct ted_view *view = ted_view(s->ted);
    const struct te_network *net = ted_view_network(view);
    struct te_address from = {0}, owner = owner_of(s, net, source), router = {0};
    if (owner.family && !wan_address_parse(address, &from))
        router = owner_of(s, net, &from);
    ted_view_release(view);
    return !owner.family || wan_address_equal(&owner, &router);
}

void
wan_pce_event(void *arg, const struct pce_event *e)
{
    struct wan_service *s = arg;
    switch (e->kind) {
    case PCE_SYNCED:
        wan_tell_session(s, e, true);
        reconcile_at(s, e->pcc);
        sweep(s, e->pcc);
        wan_look_at_delegated(s);
        break;
    case PCE_DOWN:
        wan_tell_session(s, e, false);
        break;
    case PCE_LSP_CHANGED:
    case PCE_LSP_GONE:
        if (e->kind == PCE_LSP_GONE)
            wan_delegated_gone(s, e->lsp->id);
        else
            wan_delegated_changed(s, e->lsp, e->changed);
        on_lsp(s, e->lsp, e->kind == PCE_LSP_GONE);
        break;
    case PCE_RESULT:
        on_result(s, e->result);
        break;
    case PCE_REQUEST:
        wan_answer_request(s, e->request);
        break;
    case PCE_MISBEHAVES:
        wan_tell_misbehaviour(s, e);
        break;
    default:
        break;
    }
}
