#include "lan/service.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "lan/lan_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TOLD_LIFE (60 * NSEC_PER_SEC) /* an exception is in the journal long before */

/* ---- Journal and exceptions ---- */

void
lan_record(struct lan_service *s, const char *type, const char *object, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct journal_entry entry = {
        .type = type, .object = object, .actor = "system/lan", .body = text ? text : "{}"};
    struct diag diag;
    if (journal_append(s->config.journal, &entry, 1, NULL, NULL, &diag))
        log_warn("%s %s could not be recorded: %s", type, object, diag.text);
    free(text);
    json_decref(body);
}

static void
told_free(struct lan_told *c)
{
    free(c->kind);
    free(c->object);
    free(c->reason);
    free(c);
}

static struct lan_told *
find_told(const struct lan_service *s, const char *kind, const char *object)
{
    struct lan_told *c = s->told;
    while (c && (strcmp(c->kind, kind) || strcmp(c->object, object)))
        c = c->next;
    return c;
}

static struct lan_told *
need_told(struct lan_service *s, const char *kind, const char *object)
{
    struct lan_told *c = find_told(s, kind, object);
    if (!c) {
        c = xcalloc(1, sizeof *c);
        *c = (struct lan_told){.kind = xstrdup(kind), .object = xstrdup(object), .next = s->told};
        s->told = c;
    }
    c->since = clock_monotonic();
    free(c->reason);
    c->reason = NULL;
    return c;
}

static void
publish_close(struct lan_service *s, const struct lan_told *c)
{
    (void)bus_publish(s->config.bus, "exception.close",
                      json_pack("{ss ss ss ss}", "actor", "system/lan", "kind", c->kind, "object",
                                c->object, "reason", c->reason));
}

void
lan_raise(struct lan_service *s, const char *kind, const char *severity, const char *object,
          json_t *evidence, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    need_told(s, kind, object);
    (void)bus_publish(s->config.bus, "exception.raise",
                      json_pack("{ss ss ss ss ss so}", "actor", "system/lan", "kind", kind,
                                "severity", severity, "object", object, "text", text, "evidence",
                                evidence ? evidence : json_object()));
    free(text);
}

void
lan_clear(struct lan_service *s, const char *kind, const char *object, const char *reason)
{
    bool open = state_open_exception(s->config.state, kind, object);
    if (!open && !find_told(s, kind, object))
        return;
    struct lan_told *c = need_told(s, kind, object);
    c->reason = xstrdup(reason);
    if (open)
        publish_close(s, c);
}

/* What repairs itself within a millisecond is over before its exception is in the journal. */
static void
close_what_is_open(struct lan_service *s)
{
    for (const struct lan_told *c = s->told; c; c = c->next) {
        if (c->reason && state_open_exception(s->config.state, c->kind, c->object))
            publish_close(s, c);
    }
}

static void
expire_told(struct lan_service *s, nsec_t age)
{
    for (struct lan_told **at = &s->told; *at;) {
        struct lan_told *c = *at;
        if (clock_monotonic() - c->since < age) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        told_free(c);
    }
}

const char **
lan_names(const json_t *payload, const char *member, size_t *n)
{
    const json_t *array = json_object_get(payload, member);
    *n = json_array_size(array);
    if (!json_is_array(array))
        return NULL;
    const char **names = xcalloc(*n, sizeof *names);
    for (size_t i = 0; i < *n; i++) {
        names[i] = json_string_value(json_array_get(array, i));
        names[i] = names[i] ? names[i] : "";
    }
    return names;
}

/* ---- The plan ---- */

/* Takes a step of the plan over into what nodes are wanted to hold. */
static void
take_changes(struct lan_service *s, struct plan_changes *changes)
{
    for (uint32_t i = 0; i < changes->n; i++) {
        const struct plan_change *c = &changes->list[i];
        struct lan_node *n = lan_node_need(s, c->node);
        struct rule_item *there = ruleset_find(&n->wanted, &c->rule);
        ruleset_put(&n->touched, &c->rule);
        if (c->add) {
            lan_want(s, n, &c->rule);
        } else if (there) {
            ruleset_put(&n->retired, &c->rule);
            lan_unwant(n, there);
        }
    }
    plan_changes_free(changes);
    lan_schedule(s);
}

static void
add_circuit(struct lan_service *s, const char *name, struct plan_changes *changes)
{
    const struct circuit *c = network_circuit(s->config.state->network, name);
    const struct design *d = network_design(s->config.state->network, name);
    struct diag diag;
    if (!c || !d || network_design(s->planned, name) || !lan_may_add(s, name, NULL))
        return;
    if (plan_add_circuit(s->plan, s->config.state->network, c, d, changes, &diag)) {
        log_error("circuit %s cannot be planned: %s", name, diag.text);
        return;
    }
    network_put_circuit(s->planned, circuit_copy(c));
    network_put_design(s->planned, design_copy(d));
    lan_proof_allow(s, name);
}

/* With the circuit and the design as they were when it went in. */
static void
remove_circuit(struct lan_service *s, const char *name, struct plan_changes *changes)
{
    const struct circuit *c = network_circuit(s->planned, name);
    const struct design *d = network_design(s->planned, name);
    if (!c || !d)
        return;
    plan_remove_circuit(s->plan, s->planned, c, d, changes);
    lan_proof_forbid(s, name);
    (void)network_remove_design(s->planned, name);
    (void)network_remove_circuit(s->planned, name);
}

void
lan_put_in(struct lan_service *s, const char *circuit)
{
    struct plan_changes changes = {0};
    add_circuit(s, circuit, &changes);
    take_changes(s, &changes);
}

void
lan_take_out(struct lan_service *s, const char *circuit)
{
    struct plan_changes changes = {0};
    remove_circuit(s, circuit, &changes);
    take_changes(s, &changes);
}

/* Takes a new plan of one node over. What stays the same stays confirmed. */
static void
take_plan(struct lan_service *s, struct lan_node *n, const struct ruleset *now)
{
    struct rule_item *item, *next;
    HASH_ITER (hh, n->wanted.items, item, next) {
        struct rule_item *stays = now ? ruleset_find(now, &item->rule) : NULL;
        if (!stays)
            ruleset_put(&n->retired, &item->rule);
        if (stays && rule_equal(&stays->rule, &item->rule))
            lan_mark(s, n, item, item->users & MARK_CONFIRMED);
        else
            lan_unwant(n, item);
    }
    for (item = now ? now->items : NULL; item; item = item->hh.next) {
        if (!ruleset_find(&n->wanted, &item->rule))
            lan_want(s, n, &item->rule);
    }
    if (!network_node(s->config.state->network, n->name))
        ruleset_fini(&n->retired); /* it is nobody's business any more */
    n->dirty = true;
}

/* Everything anew: the inventory has changed. */
static void
replan(struct lan_service *s)
{
    const struct state *state = s->config.state;
    struct plan *plan = plan_new();
    struct diag diag;
    lan_proof_free(s);
    network_free(s->planned);
    s->planned = network_copy(state->network);
    while (s->planned->designs)
        (void)network_remove_design(s->planned, s->planned->designs->circuit);
    lan_proof_renew(s);
    for (const struct node *node = state->network->nodes; node; node = node->hh.next) {
        if (plan_add_node(plan, node, NULL, &diag))
            log_error("node %s cannot be planned: %s", node->name, diag.text);
        lan_node_need(s, node->name);
    }
    plan_free(s->plan);
    s->plan = plan;
    for (const struct circuit_status *c = state->circuits; c; c = c->hh.next)
        add_circuit(s, c->circuit, NULL);
    lan_find_foreign(s);
    for (struct lan_node *n = s->nodes; n; n = n->hh.next)
        take_plan(s, n, plan_ruleset(plan, n->name));
    lan_recheck_nodes(s);
    lan_links_changed(s);
    lan_schedule(s);
}

static void
retire(struct lan_service *s, const struct node *node, const struct rule *rule)
{
    struct lan_node *n = lan_node_need(s, node->name);
    if (!ruleset_find(&n->wanted, rule))
        ruleset_put(&n->retired, rule);
}

static enum err
retire_flow(void *arg, const struct node *node, const struct flow *flow, struct diag *diag UNUSED)
{
    struct rule rule = rule_of_flow(flow);
    retire(arg, node, &rule);
    return ERR_OK;
}

static enum err
retire_group(void *arg, const struct node *node, const struct group *group,
             struct diag *diag UNUSED)
{
    struct rule rule = rule_of_group(group);
    retire(arg, node, &rule);
    return ERR_OK;
}

static enum err
retire_meter(void *arg, const struct node *node, const struct meter *meter,
             struct diag *diag UNUSED)
{
    struct rule rule = rule_of_meter(meter);
    retire(arg, node, &rule);
    return ERR_OK;
}

/* After a restart of ours, rules of circuits that were being removed may still be in nodes: they
 * are ours, and the first job takes them away. */
static void
retire_leftovers(struct lan_service *s)
{
    const struct state *state = s->config.state;
    const struct rule_sink sink = {retire_flow, retire_group, retire_meter, s};
    for (const struct circuit_status *status = state->circuits; status; status = status->hh.next) {
        const struct circuit *c = network_circuit(state->network, status->circuit);
        const struct design *d = network_design(state->network, status->circuit);
        struct diag diag;
        if (!c || !d || network_design(s->planned, status->circuit))
            continue;
        if (compile_circuit(state->network, c, d, &sink, &diag))
            log_warn("circuit %s: %s", status->circuit, diag.text);
    }
}

/* Does this change of the model concern the plan? A circuit that is only stated does not. */
static bool
concerns_plan(const struct lan_service *s, const struct state_event *e)
{
    const json_t *circuits, *circuit;
    size_t i;
    if (!strcmp(e->type, "model.remove")) {
        const char *kind = json_string_value(json_object_get(e->body, "kind"));
        return !kind || strcmp(kind, "circuit");
    }
    if (json_object_get(e->body, "tieline-inventory:inventory"))
        return true;
    circuits = json_object_get(json_object_get(e->body, "tieline-circuit:circuits"), "circuit");
    json_array_foreach((json_t *)circuits, i, circuit)
    {
        const char *name = json_string_value(json_object_get(circuit, "name"));
        if (!name || network_design(s->planned, name))
            return true;
    }
    return false;
}

/* One by one: what a step of the plan costs grows with all it has changed. */
static void
each_name(struct lan_service *s, const json_t *body,
          void (*act)(struct lan_service *, const char *, struct plan_changes *))
{
    size_t n;
    const char **names = lan_names(body, "circuits", &n);
    for (size_t i = 0; names && i < n; i++) {
        struct plan_changes changes = {0};
        act(s, names[i], &changes);
        take_changes(s, &changes);
    }
    free(names);
}

void
lan_service_event(struct lan_service *s, const struct state_event *e)
{
    if (!strcmp(e->type, "circuit.wanted")) {
        each_name(s, e->body, add_circuit);
    } else if (!strcmp(e->type, "circuit.unwanted")) {
        each_name(s, e->body, remove_circuit);
    } else if (!strncmp(e->type, "exception.", strlen("exception."))) {
        close_what_is_open(s);
    } else if (!strcmp(e->type, "model.put") || !strcmp(e->type, "model.remove")) {
        if (!concerns_plan(s, e))
            return;
        replan(s);
        for (struct lan_node *n = s->nodes; n; n = n->hh.next)
            lan_configure_agent(s, n);
    }
    if (!strncmp(e->type, "local.", strlen("local.")) || !strncmp(e->type, "circuit.", 8))
        lan_review_intent(s);
}

/* ---- Timers ---- */

static void
on_schedule(void *arg)
{
    struct lan_service *s = arg;
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (n->look && !n->busy && lan_node_is_ready(n))
            lan_judge(s, n, false);
    }
    lan_job_try(s);
}

/* Whose flows are read this time: in turn, so that large tables do not keep the loop all at once.
 */
static void
read_in_turn(struct lan_service *s)
{
    uint32_t n_nodes = HASH_COUNT(s->nodes), i = 0, n_flows = 0, last = s->turn;
    for (unsigned pass = 0; pass < 2 && n_flows < READ_FLOWS; pass++) {
        i = 0;
        for (struct lan_node *n = s->nodes; n && n_flows < READ_FLOWS; n = n->hh.next, i++) {
            if ((pass == 0) != (i >= s->turn) || !lan_node_is_ready(n) || n->busy)
                continue;
            n_flows += 1 + lan_switch_held(n->sw)->counts[RULE_FLOW];
            lan_switch_poll(n->sw, true);
            last = i + 1;
        }
    }
    s->turn = last < n_nodes ? last : 0;
}

static void
on_read_timer(void *arg)
{
    struct lan_service *s = arg;
    read_in_turn(s);
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (!lan_node_is_ready(n) || n->busy)
            continue;
        lan_switch_poll(n->sw, false); /* unless it is being read */
        n->dirty |= n->retry;
        n->retry = false;
    }
    expire_told(s, TOLD_LIFE);
    lan_review_intent(s);
    lan_tell_progress(s, true);
    lan_check_waiters(s);
    lan_schedule(s);
    timer_start(s->read_timer, READ_INTERVAL);
}

static void
on_discovery_timer(void *arg)
{
    struct lan_service *s = arg;
    lan_discover(s);
    timer_start(s->discovery_timer, DISCOVERY_INTERVAL);
}

static void
on_denied_timer(void *arg)
{
    lan_tell_denied(arg);
}

/* ---- Listening ---- */

static void
on_switch_accepted(void *arg, struct stream *stream)
{
    lan_accept_switch(arg, stream);
}

static void
on_agent_accepted(void *arg, struct stream *stream)
{
    lan_accept_agent(arg, stream);
}

static void
on_refused(void *arg, const char *address, enum err err UNUSED, const char *reason)
{
    lan_refuse(arg, "", address, reason);
}

static const struct stream_listener_handler switch_listener = {on_switch_accepted, on_refused};
static const struct stream_listener_handler agent_listener = {on_agent_accepted, on_refused};

static enum err
listen_on(struct lan_service *s, const char *address, const struct stream_listener_handler *handler,
          struct stream_listener **listener, struct diag *diag)
{
    const struct stream_config config = {.address = address, .tls = s->config.tls};
    return stream_listen(s->config.loop, &config, handler, s, listener, diag);
}

const char *const lan_request_names[LAN_N_REQUESTS] = {
    [LAN_NODES] = "nodes",           [LAN_RULES] = "rules",
    [LAN_LINKS] = "links",           [LAN_PUSH] = "push",
    [LAN_REMOVE] = "remove",         [LAN_READBACK] = "readback",
    [LAN_REPAIR] = "repair",         [LAN_RPC] = "rpc",
    [LAN_DENIED] = "denied",         [LAN_RELEASE_PORT] = "release-port",
    [LAN_PROVE] = "prove",           [LAN_ASK] = "ask",
    [LAN_CONDITIONS] = "conditions",
};

static bus_message_fn *const servers[LAN_N_REQUESTS] = {
    [LAN_NODES] = lan_serve_nodes,           [LAN_RULES] = lan_serve_rules,
    [LAN_LINKS] = lan_serve_links,           [LAN_PUSH] = lan_serve_push,
    [LAN_REMOVE] = lan_serve_remove,         [LAN_READBACK] = lan_serve_readback,
    [LAN_REPAIR] = lan_serve_repair,         [LAN_RPC] = lan_serve_rpc,
    [LAN_DENIED] = lan_serve_denied,         [LAN_RELEASE_PORT] = lan_serve_release,
    [LAN_PROVE] = lan_serve_prove,           [LAN_ASK] = lan_serve_ask,
    [LAN_CONDITIONS] = lan_serve_conditions,
};

static enum err
subscribe(struct lan_service *s, const char *prefix, const char *what, bus_message_fn *serve,
          struct diag *diag)
{
    char *subject = xasprintf("%s%s", prefix, what);
    enum err err = bus_subscribe(s->config.bus, subject, serve, s,
                                 &s->subscriptions[s->n_subscriptions]);
    if (err)
        diag_set(diag, err, "bus: %s: %s", subject, err_text(err));
    else
        s->n_subscriptions++;
    free(subject);
    return err;
}

static enum err
subscribe_all(struct lan_service *s, struct diag *diag)
{
    const char *prefix = s->config.prefix ? s->config.prefix : "lan.";
    enum err err = ERR_OK;
    for (enum lan_request i = 0; i < LAN_N_REQUESTS && !err; i++)
        err = subscribe(s, prefix, lan_request_names[i], servers[i], diag);
    if (!err && s->config.domain)
        err = subscribe(s, "lan.", "peer-progress", lan_take_progress, diag);
    return err;
}

enum err
lan_service_new(const struct lan_config *config, struct lan_service **result, struct diag *diag)
{
    struct lan_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->plan = plan_new();
    s->planned = network_new();
    s->schedule = task_new(config->loop, on_schedule, s);
    s->read_timer = timer_new(config->loop, on_read_timer, s);
    s->discovery_timer = timer_new(config->loop, on_discovery_timer, s);
    s->denied_timer = timer_new(config->loop, on_denied_timer, s);
    enum err err = ERR_OK;
    if (getrandom(s->secret, sizeof s->secret, 0) != sizeof s->secret)
        err = diag_set(diag, ERR_IO, "no random numbers");
    if (!err)
        err = listen_on(s, config->openflow_address, &switch_listener, &s->openflow, diag);
    if (!err)
        err = listen_on(s, config->rpc_address, &agent_listener, &s->rpc, diag);
    if (!err)
        err = subscribe_all(s, diag);
    if (err) {
        lan_service_free(s);
        return err;
    }
    replan(s);
    retire_leftovers(s);
    timer_start(s->read_timer, READ_INTERVAL);
    timer_start(s->discovery_timer, DISCOVERY_INTERVAL / 4);
    *result = s;
    return ERR_OK;
}

void
lan_service_free(struct lan_service *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_subscriptions; i++)
        bus_unsubscribe(s->subscriptions[i]);
    stream_listener_free(s->openflow);
    stream_listener_free(s->rpc);
    lan_job_free(s);
    lan_waiters_free(s);
    lan_surveys_free(s);
    lan_proof_abandon(s);
    while (s->nodes)
        lan_node_free(s, s->nodes);
    lan_connecting_free(s);
    lan_links_free(s);
    lan_denied_free(s);
    lan_refusals_free(s);
    lan_expired_free(s);
    expire_told(s, 0);
    lan_proof_free(s);
    plan_free(s->plan);
    network_free(s->planned);
    task_free(s->schedule);
    timer_free(s->read_timer);
    timer_free(s->discovery_timer);
    timer_free(s->denied_timer);
    json_decref(s->told_progress);
    free(s);
}

void
lan_service_set_secret(struct lan_service *s, const uint8_t secret[LAN_SECRET_SIZE])
{
    memcpy(s->secret, secret, sizeof s->secret);
}

const char *
lan_service_openflow_address(const struct lan_service *s)
{
    return stream_listener_address(s->openflow);
}

const char *
lan_service_rpc_address(const struct lan_service *s)
{
    return stream_listener_address(s->rpc);
}
