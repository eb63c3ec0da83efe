/* check_wan.c - routers, tunnels between them, and VPNs on them. */
#include "model/check_private.h"
#include "model/vpn.h"
#include "model/way.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define ERROR(findings, ...) findings_add(findings, SEVERITY_ERROR, __VA_ARGS__)

static void
check_router(const struct network *network, const struct router *router, struct claim **ids,
             struct claim **managements, struct findings *findings)
{
    const struct router *other;
    if (!network_site(network, router->site))
        ERROR(findings, "site-unknown", "router", router->name, "site", "there is no site %s",
              router->site);
    other = claim_key(ids, &router->router_id, sizeof router->router_id, router);
    if (other)
        ERROR(findings, "address-duplicate", "router", router->name, "router-id",
              "router %s has the same router id", other->name);
    if (!router->management_address)
        return;
    other = claim_key(managements, &router->management_address, sizeof router->management_address,
                      router);
    if (other)
        ERROR(findings, "address-duplicate", "router", router->name, "management-address",
              "router %s has the same management address", other->name);
}

/* `risks`: it may be a shared risk. */
static void
check_way_point(const struct network *network, const struct tunnel *t, const char *field,
                const char *text, bool risks, struct findings *findings)
{
    enum way_kind kind = way_read(network, text).kind;
    if (kind == WAY_SRLG && !risks)
        ERROR(findings, "no-way-point", "tunnel", t->name, field,
              "%s is a shared risk: a path passes routers, and links by an address of theirs",
              text);
    if (kind == WAY_ROUTER && !network_router(network, text))
        ERROR(findings, "router-unknown", "tunnel", t->name, field,
              "there is no router %s, nor is it the IPv4 address of a link%s", text,
              risks ? ", nor a shared risk (srlg-N)" : "");
}

static void
check_known(const struct network *network, const struct tunnel *tunnel, const char *field,
            const char *router, struct findings *findings)
{
    if (!network_router(network, router))
        ERROR(findings, "router-unknown", "tunnel", tunnel->name, field, "there is no router %s",
              router);
}

static bool
is_among(const char *name, char *const *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

/* What it goes through, and what it does not. */
static void
check_routers(const struct network *network, const struct tunnel *t, struct findings *findings)
{
    for (uint32_t i = 0; i < t->n_via; i++) {
        check_way_point(network, t, "via", t->via[i], false, findings);
        if (!strcmp(t->via[i], t->head) || !strcmp(t->via[i], t->tail))
            ERROR(findings, "router-twice", "tunnel", t->name, "via", "%s is an end of it",
                  t->via[i]);
        if (is_among(t->via[i], t->avoid, t->n_avoid))
            ERROR(findings, "router-twice", "tunnel", t->name, "via", "%s is to be avoided, too",
                  t->via[i]);
    }
    for (uint32_t i = 0; i < t->n_avoid; i++) {
        check_way_point(network, t, "avoid", t->avoid[i], true, findings);
        if (!strcmp(t->avoid[i], t->head) || !strcmp(t->avoid[i], t->tail))
            ERROR(findings, "router-twice", "tunnel", t->name, "avoid", "%s is an end of it",
                  t->avoid[i]);
    }
}

static void
check_tunnel(const struct network *network, const struct tunnel *t, struct findings *findings)
{
    check_known(network, t, "head", t->head, findings);
    check_known(network, t, "tail", t->tail, findings);
    if (!strcmp(t->head, t->tail))
        ERROR(findings, "same-router", "tunnel", t->name, "tail", "both ends are at router %s",
              t->tail);
    check_routers(network, t, findings);
    if (t->include_all & t->exclude_any)
        ERROR(findings, "groups-contradict", "tunnel", t->name, "include-all",
              "no link both has and does not have groups 0x%x", t->include_all & t->exclude_any);
    if (!t->diverse_from)
        return;
    if (!strcmp(t->diverse_from, t->name))
        ERROR(findings, "same-tunnel", "tunnel", t->name, "diverse-from", "it is itself");
    else if (!network_tunnel(network, t->diverse_from))
        ERROR(findings, "tunnel-unknown", "tunnel", t->name, "diverse-from",
              "there is no tunnel %s", t->diverse_from);
}

/* ---- Links that tunnels carry ---- */

/* What all links of a tunnel need together. */
struct carried {
    const char *tunnel; /* key */
    const struct link *first;
    uint64_t kbps;
    UT_hash_handle hh;
};

static struct carried *
add_carried(struct carried **all, const struct link *link)
{
    struct carried *c;
    HASH_FIND_STR(*all, link->tunnel, c);
    if (!c) {
        c = xcalloc(1, sizeof *c);
        c->tunnel = link->tunnel;
        c->first = link;
        HASH_ADD_KEYPTR(hh, *all, c->tunnel, strlen(c->tunnel), c);
    }
    c->kbps += link->capacity_kbps;
    return c;
}

static bool
share_risk(const struct link *a, const struct link *b)
{
    for (uint32_t i = 0; i < a->n_shared_risks; i++) {
        if (is_among(a->shared_risks[i], b->shared_risks, b->n_shared_risks))
            return true;
    }
    return false;
}

/* What is proved of circuits counts on the link's delay and capacity: the tunnel must keep them. */
static void
check_carrier(const struct network *network, const struct link *link, struct carried **all,
              struct findings *findings)
{
    const struct tunnel *t = network_tunnel(network, link->tunnel);
    if (!t) {
        ERROR(findings, "tunnel-unknown", "link", link->name, "tunnel", "there is no tunnel %s",
              link->tunnel);
        return;
    }
    struct carried *c = add_carried(all, link);
    uint64_t kbps = c->kbps;
    if (c->first != link && !share_risk(c->first, link))
        ERROR(findings, "tunnel-risk", "link", link->name, "tunnel",
              "link %s is carried by tunnel %s, too: they fail together, so state a shared risk "
              "that both have",
              c->first->name, t->name);
    if (kbps > t->rate_kbps)
        ERROR(findings, "tunnel-narrow", "link", link->name, "tunnel",
              "tunnel %s has %u kbit/s, and its links need %llu", t->name, t->rate_kbps,
              (unsigned long long)kbps);
    if (!t->max_latency_us)
        ERROR(findings, "tunnel-slow", "link", link->name, "tunnel",
              "tunnel %s has no max-latency-us, and the link promises %u us", t->name,
              link->delay_us);
    else if (t->max_latency_us > link->delay_us)
        ERROR(findings, "tunnel-slow", "link", link->name, "tunnel",
              "tunnel %s may take %u us, and the link promises %u", t->name, t->max_latency_us,
              link->delay_us);
    if (t->window.end)
        ERROR(findings, "tunnel-window", "link", link->name, "tunnel",
              "tunnel %s is there for a set time only, and the link always", t->name);
}

static bool
has_node_at(const struct vpn_service *service, const char *router)
{
    for (uint32_t i = 0; i < service->n_nodes; i++) {
        if (!strcmp(service->nodes[i].ne_id, router))
            return true;
    }
    return false;
}

/* Does the VPN make this link: on layer 2, in the link's tunnel, from one end of it to the other?
 */
static void
check_maker(const struct network *network, const struct link *link, const struct vpn *vpn,
            struct findings *findings)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct tunnel *t = link->tunnel ? network_tunnel(network, link->tunnel) : NULL;
    const struct vpn_service *service;
    if (vpn_read(vpn, arena, &service, NULL)) {
        arena_free(arena); /* told of the VPN already */
        return;
    }
    if (service->kind != VPN_L2)
        ERROR(findings, "vpn-layer", "link", link->name, "vpn", "VPN %s is none of layer 2",
              vpn->name);
    if (!t || !service->lsp || strcmp(service->lsp, t->name) != 0)
        ERROR(findings, "vpn-tunnel", "link", link->name, "vpn",
              "VPN %s goes by tunnel %s, and the link by %s", vpn->name,
              service->lsp ? service->lsp : "none", t ? t->name : "none");
    else if (!has_node_at(service, t->head) || !has_node_at(service, t->tail))
        ERROR(findings, "vpn-ends", "link", link->name, "vpn",
              "VPN %s is not at both ends of tunnel %s", vpn->name, t->name);
    arena_free(arena);
}

static void
check_made(const struct network *network, const struct link *link, struct claim **makers,
           struct findings *findings)
{
    const struct vpn *vpn = network_vpn(network, link->vpn);
    if (!vpn) {
        ERROR(findings, "vpn-unknown", "link", link->name, "vpn", "there is no VPN %s", link->vpn);
        return;
    }
    const struct link *other = claim_text(makers, link->vpn, link);
    if (other)
        ERROR(findings, "vpn-twice", "link", link->name, "vpn", "VPN %s makes link %s already",
              link->vpn, other->name);
    check_maker(network, link, vpn, findings);
}

static void
check_carriers(const struct network *network, struct findings *findings)
{
    struct carried *all = NULL, *c, *next;
    struct claim *makers = NULL;
    for (const struct link *l = network->links; l; l = l->hh.next) {
        if (l->tunnel)
            check_carrier(network, l, &all, findings);
        if (l->vpn)
            check_made(network, l, &makers, findings);
    }
    claims_free(&makers);
    HASH_ITER (hh, all, c, next) {
        HASH_DEL(all, c);
        free(c);
    }
}

static void
check_vpn(const struct network *network, const struct vpn *vpn, struct findings *findings)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *service;
    struct diag why = {""};
    enum err err = vpn_read(vpn, arena, &service, &why);
    if (err)
        ERROR(findings, "service-invalid", "vpn", vpn->name, "service", "%s", why.text);
    for (uint32_t i = 0; !err && i < service->n_nodes; i++) {
        if (!network_router(network, service->nodes[i].ne_id))
            ERROR(findings, "router-unknown", "vpn", vpn->name, "service",
                  "vpn-node %s: there is no router %s", service->nodes[i].id,
                  service->nodes[i].ne_id);
    }
    if (!err && service->lsp && !network_tunnel(network, service->lsp))
        ERROR(findings, "tunnel-unknown", "vpn", vpn->name, "service", "there is no tunnel %s",
              service->lsp);
    arena_free(arena);
}

void
check_wan(const struct network *network, struct findings *findings)
{
    struct claim *ids = NULL, *managements = NULL;
    for (const struct router *r = network->routers; r; r = r->hh.next)
        check_router(network, r, &ids, &managements, findings);
    for (const struct tunnel *t = network->tunnels; t; t = t->hh.next)
        check_tunnel(network, t, findings);
    check_carriers(network, findings);
    for (const struct vpn *v = network->vpns; v; v = v->hh.next)
        check_vpn(network, v, findings);
    claims_free(&ids);
    claims_free(&managements);
}
