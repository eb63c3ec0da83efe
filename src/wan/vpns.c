#include "wan/vpns.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/log.h"
#include "io/clock.h"
#include "model/object.h"
#include "model/vpn.h"
#include "packet/addr.h"
#include "wan/lines_client.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define TEMPLATES "/usr/share/tieline/vpn"
#define WATCH (60 * NSEC_PER_SEC)
#define SSH_PORT 830
#define TLS_PORT 6513
#define AGENT_PORT 22

/* ---- Plans ---- */

static const char *const platforms[] = {
    [ROUTER_FRR] = "frr", [ROUTER_JUNOS] = "junos", [ROUTER_IETF] = "ietf"};

static struct vpn_device *
list_devices(const struct network *net, size_t *n)
{
    struct vpn_device *devices = xcalloc(network_count(net, OBJECT_ROUTER) + 1, sizeof *devices);
    *n = 0;
    for (const struct router *r = net->routers; r; r = r->hh.next)
        devices[(*n)++] = (struct vpn_device){r->name, platforms[r->platform]};
    return devices;
}

enum err
vpns_plan(struct vpns *v, const char *vpn, const json_t *service, struct vpn_plan **plan,
          struct diag *diag)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *its;
    size_t n;
    struct vpn_device *devices = list_devices(v->wan->config.state->network, &n);
    enum err err = v->wan->settings.netconf.wanted
                       ? vpn_read_document(vpn, service, arena, &its, diag)
                       : diag_set(diag, ERR_UNSUPPORTED,
                                  "the controller's settings have no part netconf");
    if (!err)
        err = vpn_plan_make(v->catalog, its, devices, n, plan, diag);
    if (err)
        diag_prefix(diag, "vpn %s", vpn);
    free(devices);
    arena_free(arena);
    return err;
}

const char *
vpns_hash(const struct vpn_plan *plan, char hash[WAN_HASH_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct buf all = BUF_INIT;
    _Static_assert(WAN_HASH_SIZE == 2 * sizeof digest + 1, "all digits");
    for (uint32_t i = 0; i < plan->n; i++) {
        const struct vpn_device_plan *d = &plan->devices[i];
        buf_printf(&all, "%s %s %zu\n", d->ne_id, d->platform, strlen(d->text));
        buf_str(&all, d->text);
    }
    SHA256(all.data, all.size, digest);
    buf_fini(&all);
    return hex_format(digest, sizeof digest, hash);
}

/* ---- Connections ---- */

static void
on_up(void *arg, struct netconf_client *client UNUSED, const struct netconf_hello *hello UNUSED)
{
    struct vpn_router *r = arg;
    log_info("wan: %s: NETCONF is up", r->name);
    r->reason[0] = '\0';
}

static void
on_down(void *arg, struct netconf_client *client UNUSED, enum err err UNUSED, const char *reason)
{
    struct vpn_router *r = arg;
    if (strcmp(r->reason, reason) != 0)
        log_warn("wan: %s: NETCONF is down: %s", r->name, reason);
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static const struct netconf_client_handler handler = {.up = on_up, .down = on_down};

static bool
is_managed(const struct router *r)
{
    return r->management_address != 0;
}

static bool
has_agent(const struct router *r)
{
    return r->platform == ROUTER_FRR;
}

static uint32_t
port_of(const struct router *r)
{
    bool tls = r->netconf_transport == NETCONF_TLS;
    return r->netconf_port ? r->netconf_port
           : has_agent(r)  ? AGENT_PORT
           : tls           ? TLS_PORT
                           : SSH_PORT;
}

static char *
access_of(const struct vpns *v, const struct router *r)
{
    char address[IPV4_TEXT_SIZE];
    bool tls = r->netconf_transport == NETCONF_TLS;
    const char *user = r->netconf_user ? r->netconf_user : v->wan->settings.netconf.user;
    ipv4_format(r->management_address, address);
    return xasprintf("%s %s %s:%u %s", has_agent(r) ? "agent" : "netconf", tls ? "tls" : "ssh",
                     address, port_of(r), !tls && user ? user : "");
}

static enum err
open_client(struct vpns *v, const struct router *stated, struct vpn_router *r, struct diag *diag)
{
    const struct wan_netconf_settings *s = &v->wan->settings.netconf;
    uv_loop_t *loop = v->wan->config.loop;
    bool tls = stated->netconf_transport == NETCONF_TLS;
    char address[IPV4_TEXT_SIZE], at[IPV4_TEXT_SIZE + 8];
    ipv4_format(stated->management_address, address);
    snprintf(at, sizeof at, "%s:%u", address, port_of(stated));
    const struct netconf_ssh_config ssh = {.host = address,
                                           .port = (uint16_t)port_of(stated),
                                           .user = stated->netconf_user ? stated->netconf_user
                                                                        : s->user,
                                           .key_file = s->key,
                                           .known_hosts_file = s->known_hosts};
    struct netconf_client_config config = {.name = r->name};
    if (tls && has_agent(stated))
        return diag_set(diag, ERR_INVALID, "its agent is reached over ssh alone");
    if (tls && !v->wan->config.tls)
        return diag_set(diag, ERR_INVALID, "tielined has no certificate");
    if (has_agent(stated))
        return lines_client_new(loop, r->name, &ssh, &r->lines, diag);
    if (!tls)
        config.ssh = ssh;
    else
        config = (struct netconf_client_config){
            .name = r->name, .address = at, .tls = v->wan->config.tls, .peer_name = r->name};
    return netconf_client_new(loop, &config, &handler, r, &r->client, diag);
}

static void
vpn_router_free(struct vpns *v, struct vpn_router *r)
{
    HASH_DEL(v->routers, r);
    netconf_client_free(r->client);
    lines_client_free(r->lines);
    free(r->name);
    free(r->access);
    free(r);
}

static void
connect_router(struct vpns *v, const struct router *stated)
{
    struct vpn_router *r;
    struct diag why = {""};
    char *access = access_of(v, stated);
    HASH_FIND_STR(v->routers, stated->name, r);
    if (r && !strcmp(r->access, access)) {
        free(access);
        return;
    }
    if (r)
        vpn_router_free(v, r);
    r = xcalloc(1, sizeof *r);
    r->name = xstrdup(stated->name);
    r->access = access;
    HASH_ADD_KEYPTR(hh, v->routers, r->name, strlen(r->name), r);
    if (open_client(v, stated, r, &why)) {
        snprintf(r->reason, sizeof r->reason, "%s", why.text);
        log_warn("wan: %s: NETCONF: %s", r->name, why.text);
    }
}

/* Not while a change runs: it has the clients in hand. */
static void
on_sync(void *arg)
{
    struct vpns *v = arg;
    const struct network *net = v->wan->config.state->network;
    struct vpn_router *r, *next;
    if (v->changes && v->changes->started)
        return; /* it begins again at its end */
    HASH_ITER (hh, v->routers, r, next) {
        const struct router *stated = network_router(net, r->name);
        if (!stated || !is_managed(stated))
            vpn_router_free(v, r);
    }
    for (const struct router *stated = net->routers; stated; stated = stated->hh.next) {
        if (is_managed(stated))
            connect_router(v, stated);
    }
}

void
vpns_model_changed(struct vpns *v)
{
    if (v->wan->settings.netconf.wanted)
        timer_start(v->sync, 0);
}

enum err
vpns_router(struct vpns *v, const char *name, struct vpn_router **router, struct diag *why)
{
    struct vpn_router *r;
    const struct router *stated = network_router(v->wan->config.state->network, name);
    HASH_FIND_STR(v->routers, name, r);
    bool up = r && ((r->client && netconf_client_hello(r->client)) ||
                    (r->lines && lines_client_is_up(r->lines)));
    const char *reason = !r ? "" : r->lines ? lines_client_reason(r->lines) : r->reason;
    if (up) {
        *router = r;
        return ERR_OK;
    }
    if (stated && !stated->management_address)
        return diag_set(why, ERR_CLOSED, "its management address is not stated");
    return diag_set(why, ERR_CLOSED, "%s%s%s",
                    stated && has_agent(stated) ? "its agent is not reached"
                                                : "NETCONF does not reach it",
                    *reason ? ": " : "", reason);
}

/* ---- The line of changes ---- */

static void
on_turn(void *arg)
{
    struct vpns *v = arg;
    if (v->changes && !v->changes->started)
        vpn_change_start(v->changes);
}

struct vpn_change *
vpn_change_add(struct vpns *v, enum vpn_change_kind kind, const char *vpn, uint32_t order,
               struct vpn_plan *before, struct vpn_plan *now, vpn_changed_fn *done, void *arg)
{
    struct vpn_change *c = xcalloc(1, sizeof *c);
    *c = (struct vpn_change){.vpns = v,
                             .kind = kind,
                             .vpn = xstrdup(vpn),
                             .order = order,
                             .before = before,
                             .now = now,
                             .done = done,
                             .arg = arg,
                             .asked = clock_monotonic()};
    DL_APPEND(v->changes, c);
    timer_start(v->turn, 0);
    return c;
}

struct vpn_change *
vpn_change_find(struct vpns *v, const char *vpn)
{
    struct vpn_change *c;
    DL_FOREACH(v->changes, c)
    {
        if (c->kind != VPN_DRY_RUN && !strcmp(c->vpn, vpn))
            return c;
    }
    return NULL;
}

unsigned
vpn_changes_waiting(const struct vpns *v)
{
    const struct vpn_change *c;
    unsigned n = 0;
    DL_COUNT(v->changes, c, n);
    return n;
}

void
vpn_change_end(struct vpn_change *c, enum err err, const char *text, const json_t *routers)
{
    struct vpns *v = c->vpns;
    c->done(c->arg, c, err, text, routers);
    vpn_change_free(c);
    timer_start(v->turn, 0);
    vpns_model_changed(v);
}

/* ---- Life ---- */

static void
on_watch(void *arg)
{
    struct vpns *v = arg;
    nsec_t period = v->wan->settings.netconf.drift;
    vpn_watch_all(v);
    timer_start(v->watch, period ? period : WATCH);
}

enum err
vpns_new(struct wan_service *wan, struct vpns **result, struct diag *diag)
{
    struct vpns *v = xcalloc(1, sizeof *v);
    const struct wan_netconf_settings *s = &wan->settings.netconf;
    v->wan = wan;
    v->catalog = vpn_catalog_new();
    v->drifts = json_object();
    v->faults = json_object();
    v->sync = timer_new(wan->config.loop, on_sync, v);
    v->turn = timer_new(wan->config.loop, on_turn, v);
    v->watch = timer_new(wan->config.loop, on_watch, v);
    enum err err = s->wanted
                       ? vpn_catalog_load(v->catalog, s->templates ? s->templates : TEMPLATES, diag)
                       : ERR_OK;
    if (err) {
        vpns_free(v);
        return err;
    }
    if (s->wanted) {
        timer_start(v->sync, 0);
        timer_start(v->watch, s->drift ? s->drift : WATCH);
    }
    *result = v;
    return ERR_OK;
}

void
vpns_free(struct vpns *v)
{
    struct vpn_router *r, *next;
    if (!v)
        return;
    while (v->changes)
        vpn_change_free(v->changes);
    vpn_tests_end(v);
    vpn_read_end_all(v);
    HASH_ITER (hh, v->routers, r, next)
        vpn_router_free(v, r);
    timer_free(v->sync);
    timer_free(v->turn);
    timer_free(v->watch);
    vpn_catalog_free(v->catalog);
    json_decref(v->drifts);
    json_decref(v->faults);
    free(v);
}
