/* check_wan.c - routers, and tunnels between them. */
#include "model/check_private.h"

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

/* Those it goes through, and those it does not. */
static void
check_routers(const struct network *network, const struct tunnel *t, struct findings *findings)
{
    for (uint32_t i = 0; i < t->n_via; i++) {
        check_known(network, t, "via", t->via[i], findings);
        if (!strcmp(t->via[i], t->head) || !strcmp(t->via[i], t->tail))
            ERROR(findings, "router-twice", "tunnel", t->name, "via", "%s is an end of it",
                  t->via[i]);
        if (is_among(t->via[i], t->avoid, t->n_avoid))
            ERROR(findings, "router-twice", "tunnel", t->name, "via", "%s is to be avoided, too",
                  t->via[i]);
    }
    for (uint32_t i = 0; i < t->n_avoid; i++) {
        check_known(network, t, "avoid", t->avoid[i], findings);
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

void
check_wan(const struct network *network, struct findings *findings)
{
    struct claim *ids = NULL, *managements = NULL;
    for (const struct router *r = network->routers; r; r = r->hh.next)
        check_router(network, r, &ids, &managements, findings);
    for (const struct tunnel *t = network->tunnels; t; t = t->hh.next)
        check_tunnel(network, t, findings);
    claims_free(&ids);
    claims_free(&managements);
}
