/* Agents: the other connection of a node, by which it is told what OpenFlow has no words for, and
 * by which it says how its ports are. What it said is asked for when it connects, told by it from
 * then on, and forgotten when the connection ends. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engineer/bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct agent_link {
    struct lan_service *service;
    char name[TLS_NAME_SIZE];
};

void
lan_agent_drop(struct lan_node *n)
{
    rpc_free(n->agent);
    free(n->agent_link);
    free(n->said);
    json_decref(n->told_scheduling);
    n->told_scheduling = NULL;
    n->agent = NULL;
    n->agent_link = NULL;
    n->said = NULL;
    n->n_said = n->said_capacity = 0;
}

static void
on_agent_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason)
{
    struct agent_link *link = arg;
    struct lan_service *s = link->service;
    struct lan_node *n = lan_node_find(s, link->name);
    log_info("agent of %s has gone: %s", link->name, reason);
    if (n && n->agent == rpc) {
        lan_agent_drop(n);
        lan_publish_node(s, n);
        lan_links_update(s);
    }
}

/* ---- What it says of its ports ---- */

/* The reasons that a node may give, as doc/edge.md, "Failover", has them. */
static const struct {
    const char *word;
    const char *text;   /* of people, behind "a1 port 2" */
    const char *behind; /* where the text names the other end */
    bool fault;         /* the link does not carry, says the heartbeat */
} reasons[] = {
    [PORT_IS_USED] = {"", NULL, NULL, false},
    [PORT_IS_DOWN] = {"down", " is down", NULL, false},
    [PORT_IS_SILENT] = {"silent", " hears nothing from ", " (heartbeat)", true},
    [PORT_IS_NOT_HEARD] = {"not-heard", " is not heard by ", " (heartbeat)", true},
    [PORT_PEER_ENDED] = {"peer-ended", " was told by ", " that it ends (heartbeat)", true},
    [PORT_PEER_RESTARTED] = {"peer-restarted", " was told by ",
                             " that it was started anew (heartbeat)", true},
    [PORT_IS_HELD] = {"held", " is held", NULL, false},
    [PORT_WAITS] = {"waits", " waits to be used again", NULL, false},
};

bool
lan_reason_is_fault(enum port_reason reason)
{
    return reasons[reason].fault;
}

const char *
lan_reason_word(enum port_reason reason)
{
    return reasons[reason].word;
}

void
lan_describe_port(struct buf *out, const struct link_end *at, const struct link_end *far,
                  enum port_reason reason)
{
    if (!reasons[reason].text)
        return;
    buf_printf(out, "%s%s port %u%s", out->size ? "; " : "", at->node, at->port,
               reasons[reason].text);
    if (reasons[reason].behind)
        buf_printf(out, "%s%s", far->node, reasons[reason].behind);
}

const struct lan_said *
lan_said(const struct lan_node *n, uint32_t port)
{
    for (uint32_t i = 0; n && i < n->n_said; i++) {
        if (n->said[i].port == port)
            return &n->said[i];
    }
    return NULL;
}

/* Reads {port, up, live, reason}; other members do not matter. `number`: what the first is called.
 */
static enum err
read_said(const json_t *json, const char *number, struct lan_said *said, struct diag *diag)
{
    const json_t *port = json_object_get(json, number), *up = json_object_get(json, "up"),
                 *live = json_object_get(json, "live");
    const char *word = json_string_value(json_object_get(json, "reason"));
    if (!json_is_integer(port) || !json_is_boolean(up) || !json_is_boolean(live) || !word)
        return diag_set(diag, ERR_INVALID,
                        "{%s: number, up: true|false, live: true|false, reason: text} is needed",
                        number);
    json_int_t value = json_integer_value(port);
    if (value < 1 || value > UINT32_MAX)
        return diag_set(diag, ERR_INVALID, "%" JSON_INTEGER_FORMAT " is no port's number", value);
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        if (strcmp(word, reasons[i].word) != 0)
            continue;
        *said = (struct lan_said){(uint32_t)value, json_is_true(up), json_is_true(live),
                                  (enum port_reason)i};
        return ERR_OK;
    }
    return diag_set(diag, ERR_INVALID, "port %u: no node has the reason \"%s\"", (unsigned)value,
                    strlen(word) <= 32 ? word : "...");
}

static bool
is_in_inventory(const struct lan_service *s, const struct lan_node *n, uint32_t port)
{
    const struct node *node = network_node(s->config.state->network, n->name);
    return node && node_port(node, port);
}

/* The port is one of the inventory's: so there are not many. True: this is new. */
static bool
keep_said(struct lan_node *n, const struct lan_said *said)
{
    struct lan_said *old = (struct lan_said *)(uintptr_t)lan_said(n, said->port);
    if (old && old->up == said->up && old->live == said->live && old->reason == said->reason)
        return false;
    if (!old) {
        GROW(n->said, n->n_said, n->said_capacity);
        old = &n->said[n->n_said++];
    }
    *old = *said;
    return true;
}

static enum err
take_said(struct lan_service *s, struct lan_node *n, const json_t *params, struct diag *diag)
{
    struct lan_said said;
    enum err err = read_said(params, "port", &said, diag);
    if (err)
        return err;
    if (!n || !is_in_inventory(s, n, said.port))
        return diag_set(diag, ERR_NOT_FOUND, "the inventory has no port %u of this node",
                        said.port);
    if (keep_said(n, &said))
        lan_port_changed(s, n, said.port);
    return ERR_OK;
}

static void
on_port(void *arg, struct rpc_request *request, json_t *params)
{
    struct agent_link *link = arg;
    struct diag diag;
    enum err err = take_said(link->service, lan_node_find(link->service, link->name), params,
                             &diag);
    if (!err) {
        rpc_reply(request, NULL);
        return;
    }
    log_warn("the agent of %s says what is not believed: edge.port: %s", link->name, diag.text);
    rpc_fail(request, err, "%s", diag.text);
}

/* A question that waits for its answer. */
struct asked {
    struct lan_service *service;
    char *node;
};

/* Of ports that the inventory does not have it may speak; they are "node-ports-differ". */
static void
on_ports(void *arg, const struct call_result *result)
{
    struct asked *asked = arg;
    struct lan_service *s = asked->service;
    struct lan_node *n = result->err ? NULL : lan_node_find(s, asked->node);
    struct lan_said said;
    struct diag diag;
    bool news = false;
    size_t i;
    json_t *row;
    if (result->err && result->err != ERR_CLOSED)
        log_warn("the agent of %s does not say how its ports are: %s", asked->node, result->text);
    json_array_foreach(n ? json_object_get(result->value, "ports") : NULL, i, row)
    {
        if (read_said(row, "number", &said, &diag))
            log_warn("the agent of %s says what is not believed: edge.ports: %s", n->name,
                     diag.text);
        else if (is_in_inventory(s, n, said.port))
            news |= keep_said(n, &said);
    }
    if (news) {
        lan_links_update(s);
        lan_publish_node(s, n);
    }
    free(asked->node);
    free(asked);
}

enum err
lan_call_agent(struct lan_service *s, struct lan_node *n, const char *method, json_t *params,
               nsec_t timeout, call_done_fn *done, void *arg)
{
    if (journal_leads(s->config.journal))
        return rpc_call(n->agent, method, params, timeout, done, arg, NULL);
    json_decref(params);
    return ERR_BUSY;
}

/* It tells what changes. What was before it connected, and of ports that were not in the inventory
 * then, it is asked for. */
static void
ask_ports(struct lan_service *s, struct lan_node *n)
{
    struct asked *asked = xcalloc(1, sizeof *asked);
    *asked = (struct asked){s, xstrdup(n->name)};
    enum err err = rpc_call(n->agent, "edge.ports", NULL, OP_TIMEOUT, on_ports, asked, NULL);
    if (err)
        on_ports(asked, &(struct call_result){.err = err, .text = err_text(err)});
}

/* ---- Its connection ---- */

/* A sample of what the node itself has dropped. */
static void
on_dropped(void *arg, struct rpc_request *request, json_t *params)
{
    struct agent_link *link = arg;
    json_t *sample = params ? json_copy(params) : json_object();
    json_object_set_new(sample, "node", json_string(link->name));
    (void)bus_publish(link->service->config.bus, "lan.drop", sample);
    rpc_reply(request, NULL);
}

static const struct rpc_method agent_methods[] = {
    {"edge.dropped", "{reason, in-port, frame}", "A sample of a dropped packet.", on_dropped},
    {"edge.port", "{port, up, live, reason}", "A port has changed.", on_port},
};

static void
on_configured(void *arg UNUSED, const struct call_result *result)
{
    if (result->err)
        log_warn("an agent did not take its configuration: %s", result->text);
}

/* ---- Links' rates ---- */

/* A port that is told how to share itself, until the node has answered. */
struct telling {
    struct lan_service *service;
    char *node, *text;
    char port[12];
};

static void
telling_free(struct telling *t)
{
    free(t->node);
    free(t->text);
    free(t);
}

/* What it did not take it is told again when it is configured the next time. */
static void
on_scheduled(void *arg, const struct call_result *result)
{
    struct telling *t = arg;
    struct lan_node *n = lan_node_find(t->service, t->node);
    if (result->err && result->err != ERR_CLOSED) { /* else all is forgotten with the connection */
        log_warn("the agent of %s does not shape port %s: %s", t->node, t->port, result->text);
        const char *told = n ? json_string_value(json_object_get(n->told_scheduling, t->port))
                             : NULL;
        if (told && !strcmp(told, t->text))
            json_object_del(n->told_scheduling, t->port);
    }
    telling_free(t);
}

static void
tell_scheduling(struct lan_service *s, struct lan_node *n, uint32_t port, const char *text)
{
    char key[12];
    snprintf(key, sizeof key, "%u", port);
    const char *told = json_string_value(json_object_get(n->told_scheduling, key));
    if (told && !strcmp(told, text))
        return;
    struct telling *t = xcalloc(1, sizeof *t);
    *t = (struct telling){.service = s, .node = xstrdup(n->name), .text = xstrdup(text)};
    memcpy(t->port, key, sizeof key);
    if (lan_call_agent(s, n, "edge.config",
                       json_pack("{sI ss}", "port", (json_int_t)port, "scheduling", text),
                       OP_TIMEOUT, on_scheduled, t)) {
        telling_free(t);
        return;
    }
    if (!n->told_scheduling)
        n->told_scheduling = json_object();
    json_object_set_new(n->told_scheduling, key, json_string(text));
}

/* Ports of links are told to send no faster than their link carries: each thing once, for to be
 * told again means to begin again with what waits there. */
static void
shape_links(struct lan_service *s, struct lan_node *n)
{
    const struct network *net = s->config.state->network;
    for (const struct link *link = net->links; link; link = link->hh.next) {
        const struct link_end *end = link_end_at(link, n->name);
        char text[64];
        snprintf(text, sizeof text, "rate=%uk,burst=%u", link->capacity_kbps,
                 bounds_defaults.port_burst_octets);
        if (end && link->capacity_kbps)
            tell_scheduling(s, n, end->port, text);
    }
}

void
lan_configure_agent(struct lan_service *s, struct lan_node *n)
{
    const struct settings *settings = &s->config.state->network->settings;
    const struct node *node = network_node(s->config.state->network, n->name);
    if (!n->agent || !node || node->kind != NODE_TIELINE_EDGE)
        return;
    json_t *params = settings->revertive ? json_pack("{si}", "wait-to-restore-ms",
                                                     (int)settings->wait_to_restore_ms)
                                         : json_pack("{ss}", "wait-to-restore-ms", "manual");
    (void)!lan_call_agent(s, n, "edge.config", params, OP_TIMEOUT, on_configured, NULL);
    if (settings->shape_links)
        shape_links(s, n);
    ask_ports(s, n);
}

void
lan_accept_agent(struct lan_service *s, struct stream *stream)
{
    const char *name = stream_peer_name(stream);
    const struct node *node = network_node(s->config.state->network, name);
    if (!node || !lan_is_ours(s, node)) {
        lan_refuse(s, name, stream_peer_address(stream),
                   node ? "its site has another controller" : "the inventory has no such node");
        stream_free(stream);
        return;
    }
    struct agent_link *link = xcalloc(1, sizeof *link);
    link->service = s;
    snprintf(link->name, sizeof link->name, "%s", name);
    struct rpc_config config = {.methods = agent_methods,
                                .n_methods = ARRAY_SIZE(agent_methods),
                                .closed = on_agent_closed,
                                .arg = link};
    struct lan_node *n = lan_node_need(s, link->name);
    lan_agent_drop(n);
    n->agent_link = link;
    n->agent = rpc_new(s->config.loop, stream, &config);
    log_info("agent of %s connected from %s", n->name, rpc_peer_address(n->agent));
    lan_configure_agent(s, n);
    lan_hold_tell_node(s, n);
    lan_publish_node(s, n);
}
