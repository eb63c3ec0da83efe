#include "wan/service.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "model/json.h"
#include "wan/feeds.h"
#include "wan/report.h"
#include "wan/vpns.h"
#include "wan/wan_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Seconds. FRR sends keepalives as often as its PCE does, whatever dead timer it has told. */
#define KEEPALIVE 5
#define FIRST_SIGHT (10 * NSEC_PER_SEC) /* that all sources are waited for */
#define AGAIN NSEC_PER_SEC              /* after an event that could not be written */
#define GATHER (50 * NSEC_PER_MSEC)     /* changes that come together */
#define HOLD_OFF (2 * NSEC_PER_SEC)     /* before tunnels leave a link at risk */
#define WAIT_TO_RESTORE (300 * NSEC_PER_SEC)

/* ---- Journal and exceptions ---- */

/* What was decided and is not in the journal did not happen: it is looked at again. */
static void
on_appended(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct wan_service *s = wan_handle_take(arg);
    if (!err)
        return;
    log_warn("wan: %s", why);
    if (s && !timer_is_armed(s->again))
        timer_start(s->again, AGAIN);
}

static void
on_again(void *arg)
{
    struct wan_service *s = arg;
    const struct tunnel_status *t = s->config.state->tunneling.tunnels;
    for (; t; t = t->hh.next)
        wan_hold(s, t->tunnel);
    wan_reroute(s);
}

void
wan_append(struct wan_service *s, const char *type, const char *object, const char *actor,
           json_t *body, journal_done_fn *done, void *arg)
{
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    enum err err = jsontext_put(&text, body);
    if (!done) {
        done = on_appended;
        arg = wan_handle_give(s);
    }
    const struct journal_entry entry = {type, object, actor, buf_cstr(&text), 0};
    if (err)
        diag_set(&diag, err, "%s cannot be written", type);
    else
        err = journal_append(s->config.journal, &entry, 1, done, arg, &diag);
    if (err)
        done(arg, err, 0, diag.text);
    json_decref(body);
    buf_fini(&text);
}

#define NAMES_MAX 50 /* of one text of the evidence */

/* Evidence is texts, anything else is refused: a list of names becomes one, an empty list none. */
static json_t *
only_texts(json_t *evidence)
{
    const char *key;
    json_t *value;
    void *next;
    if (!evidence)
        return json_object();
    json_object_foreach_safe(evidence, next, key, value)
    {
        if (!json_is_array(value))
            continue;
        char *text = names_text(value, NAMES_MAX);
        if (json_array_size(value))
            json_object_set_new(evidence, key, json_string(text));
        else
            json_object_del(evidence, key);
        free(text);
    }
    return evidence;
}

void
wan_raise(struct wan_service *s, const char *kind, const char *severity, const char *object,
          json_t *evidence, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    (void)bus_publish(s->config.bus, "exception.raise",
                      json_pack("{ss ss ss ss so so}", "actor", ACTOR, "kind", kind, "severity",
                                severity, "object", object, "text", jsontext_string(text),
                                "evidence", only_texts(evidence)));
    free(text);
}

void
wan_close(struct wan_service *s, const char *kind, const char *object, const char *reason)
{
    (void)bus_publish(s->config.bus, "exception.close",
                      json_pack("{ss ss ss ss}", "actor", ACTOR, "kind", kind, "object", object,
                                "reason", reason));
}

/* ---- Whether it is there ---- */

struct wan_handle {
    struct wan_service *service; /* NULL: it has ended */
    unsigned n;                  /* that were given, and the service's own */
};

static void
handle_drop(struct wan_handle *h)
{
    if (!--h->n)
        free(h);
}

struct wan_handle *
wan_handle_give(struct wan_service *s)
{
    s->handle->n++;
    return s->handle;
}

struct wan_service *
wan_handle_take(struct wan_handle *h)
{
    struct wan_service *s = h->service;
    handle_drop(h);
    return s;
}

struct pce *
wan_pce(struct wan_service *s)
{
    return s->server ? pce_server_pce(s->server) : NULL;
}

/* ---- The clock of the database ---- */

static const char *
router_name(const struct wan_service *s, const struct te_node *node)
{
    uint32_t id = wan_address_ipv4(&node->router_id);
    const struct router *r = id ? network_router_by_id(s->config.state->network, id) : NULL;
    return r ? r->name : node->name;
}

char *
wan_link_name(struct wan_service *s, const char *key)
{
    const struct ted_view *view = ted_view(s->ted);
    const struct te_network *net = ted_view_network(view);
    uint32_t i = ted_view_find_link(view, key);
    const struct te_link *l = i == TE_NONE ? NULL : &net->links[i];
    char *name = NULL, local[WAN_ADDRESS_TEXT];
    if (l && (l->reverse == TE_NONE || i < l->reverse))
        name = xasprintf("%s-%s/%s", router_name(s, &net->nodes[l->from]),
                         router_name(s, &net->nodes[l->to]), wan_address_text(&l->local, local));
    ted_view_release(view);
    return name;
}

static void
tell_delta(struct wan_service *s, const struct ted_delta *d)
{
    struct ted_link_info link;
    wan_note_change(s, d);
    if (d->kind != TED_LINK_CHANGED || !(d->attributes & TED_BIT(TED_STATE)))
        return;
    if (ted_link_info(s->ted, d->key, &link) && link.link->up != d->up)
        return; /* it has changed again: that comes, too */
    char *name = wan_link_name(s, d->key);
    if (!name)
        return;
    char *object = xasprintf("wan-link/%s", name);
    wan_append(s, "wan.link", object, ACTOR, json_pack("{ss sb}", "link", d->key, "up", d->up),
               NULL, NULL);
    if (!d->up)
        wan_raise(s, "wan-link-down", "major", object, json_pack("{ss}", "link", d->key),
                  "Link %s of the WAN is down.", name);
    else
        wan_close(s, "wan-link-down", object, "it is up again");
    free(object);
    free(name);
}

/* Is what the database has the network as it is? Not while sources that hear routers still tell
 * what they know for the first time, and not when none of them is heard any more: tunnels stay
 * where they are then. */
static bool
can_see(struct wan_service *s, nsec_t now)
{
    struct ted_source_info source;
    unsigned n = 0, up = 0;
    for (uint32_t i = 0; i < ted_n_sources(s->ted); i++) {
        if (!ted_source_info(s->ted, i, &source) ||
            (source.kind != TED_KIND_OSPF && source.kind != TED_KIND_ISIS &&
             source.kind != TED_KIND_BGP_LS))
            continue;
        n++;
        up += source.state == TED_UP;
    }
    bool first = s->version == 0 && now - s->begun < FIRST_SIGHT;
    return first ? up == n && n : up > 0;
}

static void
tell_sight(struct wan_service *s, bool sees)
{
    if (sees == !s->blind)
        return;
    s->blind = !sees;
    if (sees)
        wan_close(s, "wan-not-heard", "program/tielined", "a source is heard again");
    else
        wan_raise(s, "wan-not-heard", "critical", "program/tielined", NULL,
                  "No source tells how the WAN is: tunnels stay where they are.");
}

/* Whether what an exception of ours says is so now. It may be over before the exception is in the
 * journal, and cannot be closed until then; or before this program began. */
static bool
is_over(struct wan_service *s, const struct exception *e)
{
    const char *key = json_string_value(json_object_get(e->evidence, "link")),
               *name = strchr(e->object, '/');
    const struct wan_tunnel *t = name ? wan_tunnel(s, name + 1) : NULL;
    struct ted_link_info link;
    if (!strcmp(e->kind, "wan-not-heard"))
        return !s->blind;
    if (!strcmp(e->kind, "wan-not-listening"))
        return s->server != NULL;
    if (!strcmp(e->kind, "wan-link-down"))
        return key && ted_link_info(s->ted, key, &link) && link.link->up;
    if (!strcmp(e->kind, "tunnel-without-path"))
        return t && !t->without;
    if (!strcmp(e->kind, "tunnel-not-installed"))
        return t && !t->failed;
    if (!strcmp(e->kind, "lsp-without-path"))
        return !wan_delegated_is_without(s, e->object);
    return !strcmp(e->kind, "router-session-lost") && wan_has_session(s, e->object) &&
           !wan_session_is_withheld(s, e->object);
}

static void
close_if_over(struct wan_service *s, const struct exception *e)
{
    if (e && e->state != EXCEPTION_CLOSED && is_over(s, e))
        wan_close(s, e->kind, e->object, "it is over");
}

/* What was told before this program began. */
static void
close_old(struct wan_service *s)
{
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next)
        close_if_over(s, e);
}

/* Settings that have lost their part for routers, while there are tunnels. */
static void
tell_deaf(struct wan_service *s)
{
    unsigned n = 0;
    for (const struct tunnel_status *t = s->config.state->tunneling.tunnels; t; t = t->hh.next)
        n += phase_is_wanted(t->phase) || t->phase == PHASE_REMOVING;
    if (n && !s->server)
        wan_raise(s, "wan-not-listening", "critical", "program/tielined", NULL,
                  "No router can be told anything: the settings of the WAN have no part pcep, and "
                  "%u tunnels are in routers.",
                  n);
}

/* ---- Links at risk ---- */

struct risk_list {
    struct planner_risk *risks;
    size_t n, capacity;
};

static void
add_risk(void *arg, const struct at_risk_link *link)
{
    struct risk_list *list = arg;
    GROW(list->risks, list->n, list->capacity);
    list->risks[list->n++] = (struct planner_risk){link->key, link->why, link->leave};
}

static void
see_risks(struct wan_service *s, nsec_t now)
{
    struct risk_list list = {0};
    at_risk_see(s->at_risk, s->ted, now);
    at_risk_each(s->at_risk, now, add_risk, &list);
    planner_set_risks(s->planner, list.risks, list.n);
    free(list.risks);
    nsec_t next = at_risk_next(s->at_risk, now);
    if (next != NSEC_NEVER)
        timer_start(s->risk, MAX(next - now, NSEC_PER_MSEC));
}

static void
on_risk(void *arg)
{
    struct wan_service *s = arg;
    see_risks(s, clock_monotonic());
    if (!s->version || s->blind)
        return;
    wan_reroute(s);
    wan_reconcile_all(s, PCE_CHANGE);
}

static void
take_version(struct wan_service *s, uint64_t version, nsec_t now)
{
    struct ted_delta delta;
    bool sees = can_see(s, now);
    wan_look_at_findings(s);
    if (s->version)
        tell_sight(s, sees);
    if (version != s->version && sees) {
        const struct ted_view *view = ted_view(s->ted);
        if (!s->version) {
            close_old(s);
            tell_deaf(s);
        }
        s->version = version;
        s->changed = now;
        if (now >= s->settled)
            s->settled = now + s->settings.settle;
        planner_set_view(s->planner, view);
        ted_view_release(view);
        see_risks(s, now);
        wan_reroute(s);
        wan_reconcile_all(s, PCE_CHANGE);
        wan_look_at_fates(s);
        wan_look_at_congestion(s);
        wan_look_at_delegated(s);
    }
    while ((sees || !s->version) &&
           ted_next_delta(s->ted, &delta)) /* those of a blind time come later */
        tell_delta(s, &delta);
}

void
wan_commit(struct wan_service *s)
{
    nsec_t now = clock_monotonic();
    take_version(s, ted_commit(s->ted, now), now);
    nsec_t wake = MIN(ted_wake(s->ted), s->version ? NSEC_NEVER : now + GATHER);
    if (wake != NSEC_NEVER)
        timer_start(s->commit, MAX(wake - now, NSEC_PER_MSEC));
}

static void
on_commit(void *arg)
{
    wan_commit(arg);
}

/* What is new waits for more of it; a link that has gone does not wait for that. */
static void
take_links(struct wan_service *s)
{
    nsec_t now = clock_monotonic();
    take_version(s, ted_commit_links(s->ted, now), now);
    timer_start(s->commit, GATHER);
}

void
wan_stir(struct wan_service *s)
{
    enum ted_pending pending = ted_pending(s->ted);
    if (pending == TED_PATCH)
        timer_start(s->commit, 0);
    else if (pending == TED_STRUCTURE)
        take_links(s);
    else
        wan_commit(s); /* time alone may have changed something */
}

static void
on_fed(void *arg)
{
    wan_stir(arg);
}

static void
on_retry(void *arg)
{
    wan_retry(arg);
}

/* What is free now may be what somebody waits for. */
static void
on_look(void *arg)
{
    struct wan_service *s = arg;
    if (!s->version || s->blind)
        return;
    wan_reroute(s);
    wan_look_at_congestion(s);
    wan_look_at_delegated(s);
}

/* What is wanted now pushes aside whom it has to; these are told first. */
static void
on_push(void *arg)
{
    wan_reroute(arg);
    wan_reconcile_all(arg, PCE_CHANGE);
}

/* ---- Events ---- */

void
wan_hold(struct wan_service *s, const char *name)
{
    const struct state *state = s->config.state;
    const struct tunnel *tunnel = network_tunnel(state->network, name);
    const struct tunnel_status *status = tunneling_find(&state->tunneling, name);
    if (tunnel && status && status->number)
        planner_hold(s->planner, tunnel, status->number, status->phase != PHASE_RESERVED,
                     (const json_t *const *)status->paths);
    else
        planner_release(s->planner, name);
}

static void
take_event(struct wan_service *s, const struct state_event *e, const char *tunnel)
{
    const char *type = e->type;
    struct wan_tunnel *t = wan_tunnel_need(s, tunnel);
    bool moved = !strcmp(type, "tunnel.moved"), asked = json_object_get(e->body, "order") != NULL;
    if (strcmp(type, "tunnel.built") && strcmp(type, "tunnel.tested"))
        wan_hold(s, tunnel);
    if (!strcmp(type, "tunnel.wanted"))
        t->wanted = clock_monotonic();
    t->built_told = false;
    wan_reconcile(s, tunnel, moved && !asked ? PCE_RESTORATION : PCE_CHANGE);
    wan_answer_waiters(s, tunnel, false, ERR_OK, NULL);
}

typedef void event_fn(struct wan_service *, const struct state_event *, const char *tunnel);

/* All tunnels that an event is about. */
static void
each_tunnel(struct wan_service *s, const struct state_event *e, event_fn *fn)
{
    const char *one = json_string_value(json_object_get(e->body, "tunnel"));
    const json_t *names = json_object_get(e->body, "tunnels"), *name;
    size_t i;
    if (!names)
        names = json_object_get(e->body, "placements");
    if (one)
        fn(s, e, one);
    json_array_foreach(names, i, name)
    {
        const char *its = json_is_object(name) ? json_string_value(json_object_get(name, "tunnel"))
                                               : json_string_value(name);
        if (its)
            fn(s, e, its);
    }
}

static void
hold_one(struct wan_service *s, const struct state_event *e UNUSED, const char *tunnel)
{
    wan_hold(s, tunnel);
}

void
wan_service_event(struct wan_service *s, const struct state_event *e)
{
    static const char *const giving[] = {"tunnel.moved", "tunnel.removed", "tunnel.released",
                                         "tunnel.wanted"};
    if (!strncmp(e->type, "tunnel.", 7) || !strncmp(e->type, "circuit.re", 10))
        wan_look_at_fates(s);
    if (!strncmp(e->type, "model.", 6))
        vpns_model_changed(s->vpns);
    if (!strcmp(e->type, "exception.raised"))
        close_if_over(s, state_exception(s->config.state, (uint32_t)json_integer_value(
                                                              json_object_get(e->body, "id"))));
    if (!strcmp(e->type, "wan.drained") || !strcmp(e->type, "wan.restored"))
        wan_maintenance_event(s, e);
    if (!strcmp(e->type, "wan.told"))
        wan_told_event(s, e);
    if (strncmp(e->type, "tunnel.", 7) != 0)
        return;
    if (!strcmp(e->type, "tunnel.wanted")) {
        each_tunnel(s, e, hold_one);
        if (!timer_is_armed(s->push)) /* of an order of thousands each comes by itself */
            timer_start(s->push, GATHER);
    }
    each_tunnel(s, e, take_event);
    for (size_t i = 0; i < ARRAY_SIZE(giving); i++) {
        if (!strcmp(e->type, giving[i]) && !timer_is_armed(s->look))
            timer_start(s->look, GATHER);
    }
}

/* ---- Life ---- */

static const struct {
    const char *subject;
    bus_message_fn *serve;
} requests[] = {
    {"wan.design", wan_serve_design},     {"wan.reserve", wan_serve_reserve},
    {"wan.release", wan_serve_release},   {"wan.push", wan_serve_push},
    {"wan.remove", wan_serve_remove},     {"wan.test", wan_serve_test},
    {"wan.nodes", wan_serve_nodes},       {"wan.links", wan_serve_links},
    {"wan.sources", wan_serve_sources},   {"wan.findings", wan_serve_findings},
    {"wan.routers", wan_serve_routers},   {"wan.lsps", wan_serve_lsps},
    {"wan.state", wan_serve_state},       {"wan.path", wan_serve_path},
    {"wan.topology", wan_serve_topology}, {"wan.optical", wan_serve_optical},
    {"wan.what-if", wan_serve_what_if},   {"wan.drain", wan_serve_drain},
    {"wan.restore", wan_serve_restore},   {"vpn.design", vpn_serve_design},
    {"vpn.reserve", vpn_serve_reserve},   {"vpn.release", vpn_serve_release},
    {"vpn.push", vpn_serve_push},         {"vpn.remove", vpn_serve_remove},
    {"vpn.revert", vpn_serve_revert},     {"vpn.test", vpn_serve_test},
    {"vpn.drift", vpn_serve_drift},       {"vpn.restore", vpn_serve_restore},
    {"wan.optimise", wan_serve_optimise}, {"wan.relieve", wan_serve_relieve},
    {"wan.move", wan_serve_move},         {"wan.tree", wan_serve_tree},
    {"wan.resync", wan_serve_resync},     {"wan.plan", wan_serve_plan},
    {"wan.delays", wan_serve_delays},     {"wan.plan-drain", wan_serve_plan_drain},
};

static enum err
subscribe_all(struct wan_service *s, struct diag *diag)
{
    _Static_assert(ARRAY_SIZE(requests) <= ARRAY_SIZE(s->subscriptions), "a place for each");
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        enum err err = bus_subscribe(s->config.bus, requests[i].subject, requests[i].serve, s,
                                     &s->subscriptions[s->n_subscriptions]);
        if (err)
            return diag_set(diag, err, "bus: %s: %s", requests[i].subject, err_text(err));
        s->n_subscriptions++;
    }
    return ERR_OK;
}

/* Octets; 0: as the PCE has it. */
static size_t
memory(const struct wan_service *s)
{
    return (size_t)s->settings.pcep_memory_mib << 20;
}

static enum err
listen_for_routers(struct wan_service *s, struct diag *diag)
{
    static const enum pcep_tls modes[] = {PCEP_TLS_NONE, PCEP_TLS_OFFERED, PCEP_TLS_REQUIRED};
    const struct pce_server_config config = {.address = s->settings.pcep_listen,
                                             .tls = s->config.tls,
                                             .pce = {.tls = modes[s->settings.pcep_tls],
                                                     .keepalive = KEEPALIVE,
                                                     .deadtimer = 4 * KEEPALIVE,
                                                     .limits.total = memory(s),
                                                     .admits = wan_admits,
                                                     .owns = wan_owns,
                                                     .arg = s}};
    if (!s->settings.pcep_listen)
        return ERR_OK;
    return pce_server_new(s->config.loop, &config, wan_pce_event, s, &s->server, diag);
}

enum err
wan_service_new(const struct wan_config *config, struct wan_service **result, struct diag *diag)
{
    struct wan_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->handle = xcalloc(1, sizeof *s->handle);
    *s->handle = (struct wan_handle){s, 1};
    s->ted = ted_new(&(struct ted_config){.at_risk_group = AT_RISK_GROUP});
    s->begun = clock_monotonic();
    s->planner = planner_new();
    s->thinker = thinker_new(config->loop, s->planner, config->state->network);
    wan_delegations_new(s);
    s->alarm = NSEC_NEVER;
    s->commit = timer_new(config->loop, on_commit, s);
    s->retry = timer_new(config->loop, on_retry, s);
    s->fate = timer_new(config->loop, wan_find_fates, s);
    s->repeat = timer_new(config->loop, wan_on_repeat, s);
    s->look = timer_new(config->loop, on_look, s);
    s->push = timer_new(config->loop, on_push, s);
    s->again = timer_new(config->loop, on_again, s);
    s->risk = timer_new(config->loop, on_risk, s);
    s->measured = timer_new(config->loop, wan_on_measured, s);
    enum err err = config->settings ? wan_settings_load(config->settings, &s->settings, diag)
                                    : ERR_OK;
    s->at_risk = at_risk_new(s->settings.hold_off ? s->settings.hold_off : HOLD_OFF,
                             s->settings.wait_to_restore ? s->settings.wait_to_restore
                                                         : WAIT_TO_RESTORE);
    for (const struct tunnel_status *t = config->state->tunneling.tunnels; t && !err;
         t = t->hh.next)
        wan_hold(s, t->tunnel);
    wan_changes_begin(s);
    wan_maintenance_begin(s);
    wan_troubles_begin(s);
    if (!err)
        err = vpns_new(s, &s->vpns, diag);
    if (!err)
        err = subscribe_all(s, diag);
    if (!err)
        err = listen_for_routers(s, diag);
    if (!err)
        err = feeds_new(config->loop, s->ted, &s->settings, on_fed, s, &s->feeds, diag);
    if (!err)
        wan_told_begin(s);
    if (err) {
        wan_service_free(s);
        return err;
    }
    *result = s;
    return ERR_OK;
}

static void
free_tables(struct wan_service *s)
{
    struct wan_tunnel *t, *next_t;
    struct wan_order *o, *next_o;
    struct wan_litter *l, *next_l;
    HASH_ITER (hh, s->tunnels, t, next_t)
        wan_tunnel_free(s, t);
    HASH_ITER (hh, s->orders, o, next_o) {
        HASH_DEL(s->orders, o);
        free(o->tunnel);
        free(o);
    }
    HASH_ITER (hh, s->litter, l, next_l) {
        HASH_DEL(s->litter, l);
        free(l);
    }
}

void
wan_service_free(struct wan_service *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_subscriptions; i++)
        bus_unsubscribe(s->subscriptions[i]);
    vpns_free(s->vpns);
    feeds_free(s->feeds);
    pce_server_free(s->server);
    timer_free(s->commit);
    timer_free(s->retry);
    timer_free(s->push);
    timer_free(s->again);
    wan_troubles_free(s);
    wan_findings_free(s);
    timer_free(s->risk);
    timer_free(s->measured);
    wan_delays_free(s);
    at_risk_free(s->at_risk);
    wan_fates_free(s);
    wan_changes_free(s);
    timer_free(s->look);
    timer_free(s->repeat);
    wan_waiters_free(s);
    free_tables(s);
    wan_delegations_free(s);
    thinker_free(s->thinker);
    wan_congestions_free(s);
    planner_free(s->planner);
    ted_free(s->ted);
    wan_settings_fini(&s->settings);
    s->handle->service = NULL;
    handle_drop(s->handle);
    free(s);
}

const char *
wan_service_pcep_address(const struct wan_service *s)
{
    return s->server ? pce_server_address(s->server) : NULL;
}
