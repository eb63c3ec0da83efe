#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define REFUSAL_INTERVAL (600 * NSEC_PER_SEC)
#define REASON_INTERVAL (30 * NSEC_PER_SEC) /* of a reason that another one has replaced */
#define REFUSALS_MAX 200

/* A switch that has connected and has not said who it is yet. */
struct connecting {
    struct lan_service *service;
    struct lan_switch *sw;
    struct connecting *next;
};

struct lan_node *
lan_node_find(const struct lan_service *s, const char *name)
{
    struct lan_node *n;
    HASH_FIND_STR(s->nodes, name, n);
    return n;
}

struct lan_node *
lan_node_need(struct lan_service *s, const char *name)
{
    struct lan_node *n = lan_node_find(s, name);
    if (!n) {
        n = xcalloc(1, sizeof *n);
        n->name = xstrdup(name);
        n->since = clock_wall();
        HASH_ADD_KEYPTR(hh, s->nodes, n->name, strlen(n->name), n);
    }
    return n;
}

/* Ends a switch's connection from our side. */
static void
drop_switch(struct lan_service *s, struct lan_switch *sw)
{
    for (struct connecting **at = &s->connecting; sw && *at; at = &(*at)->next) {
        struct connecting *c = *at;
        if (c->sw != sw)
            continue;
        *at = c->next;
        free(c);
        break;
    }
    lan_switch_free(sw);
}

void
lan_node_free(struct lan_service *s, struct lan_node *n)
{
    HASH_DEL(s->nodes, n);
    drop_switch(s, n->sw);
    lan_agent_drop(n);
    ruleset_fini(&n->wanted);
    ruleset_fini(&n->retired);
    ruleset_fini(&n->touched);
    free(n->name);
    free(n);
}

struct lan_node *
lan_node_of_switch(const struct lan_service *s, const struct lan_switch *sw)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (n->sw == sw)
            return n;
    }
    return NULL;
}

/* ---- Refusing ---- */

static void
refusal_free(struct lan_service *s, struct lan_refusal *r)
{
    HASH_DEL(s->refusals, r);
    free(r->key);
    free(r);
}

void
lan_refusals_free(struct lan_service *s)
{
    struct lan_refusal *r, *next;
    HASH_ITER (hh, s->refusals, r, next)
        refusal_free(s, r);
}

static bool
is_about(const struct lan_refusal *r, const char *object)
{
    size_t length = strlen(object);
    return !strncmp(r->key, object, length) && r->key[length] == ' ';
}

/* What was last told of this object; NULL: nothing. */
static struct lan_refusal *
last_refusal(const struct lan_service *s, const char *object)
{
    struct lan_refusal *last = NULL;
    for (struct lan_refusal *r = s->refusals; r; r = r->hh.next) {
        if (is_about(r, object) && (!last || r->told > last->told))
            last = r;
    }
    return last;
}

enum news { NEWS_NONE, NEWS_AGAIN, NEWS_FIRST, NEWS_OTHER };

/* Should this one be told? A box that keeps trying is told of now and then; one that is refused for
 * another reason than before (NEWS_OTHER) at once, and when it goes to and fro, twice a minute. */
static enum news
is_news(struct lan_service *s, const char *object, const char *reason)
{
    char *key = xasprintf("%s %s", object, reason);
    nsec_t now = clock_monotonic();
    struct lan_refusal *r, *last = last_refusal(s, object);
    HASH_FIND_STR(s->refusals, key, r);
    enum news news = !last ? NEWS_FIRST : r == last ? NEWS_AGAIN : NEWS_OTHER;
    if (r && now - r->told < (r == last ? REFUSAL_INTERVAL : REASON_INTERVAL)) {
        r->n++;
        free(key);
        return NEWS_NONE;
    }
    if (r) {
        free(key);
    } else {
        if (HASH_COUNT(s->refusals) >= REFUSALS_MAX)
            refusal_free(s, s->refusals); /* the oldest */
        r = xcalloc(1, sizeof *r);
        r->key = key;
        HASH_ADD_KEYPTR(hh, s->refusals, r->key, strlen(r->key), r);
    }
    r->told = now;
    r->n = 0;
    return news;
}

static void
forget_refusals(struct lan_service *s, const char *object)
{
    struct lan_refusal *r, *next;
    HASH_ITER (hh, s->refusals, r, next) {
        if (is_about(r, object))
            refusal_free(s, r);
    }
}

/* A certificate may name anything. */
static const char *
text_or(const char *text, const char *otherwise)
{
    json_t *json = json_string(text);
    bool good = json;
    json_decref(json);
    return good ? text : otherwise;
}

/* The port is another one with every try. */
static int
host_length(const char *address)
{
    const char *port = strrchr(address, ':');
    return MIN(port ? (int)(port - address) : (int)strlen(address), 100);
}

void
lan_refuse(struct lan_service *s, const char *name, const char *address, const char *reason)
{
    char object[128];
    name = text_or(name, "(not text)");
    reason = text_or(reason, "(not text)");
    struct lan_node *n = lan_node_find(s, name);
    if (*name)
        snprintf(object, sizeof object, "node/%.100s", name);
    else
        snprintf(object, sizeof object, "address/%.*s", host_length(address), address);
    log_warn("refused %s at %s: %s", *name ? name : "somebody", address, reason);
    if (n && !n->sw)
        snprintf(n->refused, sizeof n->refused, "%s", reason);
    enum news news = is_news(s, object, reason);
    if (news == NEWS_NONE)
        return;
    lan_record(s, "node.refused", object,
               json_pack("{ss ss ss}", "name", name, "address", address, "reason", reason));
    if (news == NEWS_OTHER)
        lan_clear(s, "node-refused", object, "it is refused for another reason now");
    json_t *evidence = json_pack("{ss ss}", "address", address, "reason", reason);
    if (*name)
        lan_raise(s, "node-refused", "major", object, evidence,
                  "A node that calls itself \"%s\" was refused: %s.", name, reason);
    else
        lan_raise(s, "node-refused", "major", object, evidence, "Somebody at %.*s was refused: %s.",
                  host_length(address), address, reason);
}

/* ---- Switches ---- */

static const struct openflow_port *
find_port(const struct lan_switch *sw, uint32_t number)
{
    for (uint32_t i = 0; i < lan_switch_n_ports(sw); i++) {
        if (lan_switch_ports(sw)[i].port_no == number)
            return &lan_switch_ports(sw)[i];
    }
    return NULL;
}

/* The ports that the inventory knows must be there under the same names, and no others: a switch
 * that lies about them, or is not the one that was meant, is ours by its certificate: it is
 * adopted, and the difference is an exception. */
static void
check_ports(struct lan_service *s, const struct node *node, const struct lan_switch *sw)
{
    struct buf wrong = BUF_INIT;
    char object[128];
    for (uint32_t i = 0; i < node->n_ports; i++) {
        const struct port *port = &node->ports[i];
        const struct openflow_port *there = find_port(sw, port->number);
        const char *separator = wrong.size ? "; " : "";
        if (!there)
            buf_printf(&wrong, "%sport %u (%s) is missing", separator, port->number, port->name);
        else if (strcmp(there->name, port->name))
            buf_printf(&wrong, "%sport %u is \"%s\", not \"%s\"", separator, port->number,
                       there->name, port->name);
    }
    for (uint32_t i = 0; i < lan_switch_n_ports(sw); i++) {
        const struct openflow_port *port = &lan_switch_ports(sw)[i];
        if (port_is_real(port->port_no) && !node_port(node, port->port_no))
            buf_printf(&wrong, "%sport %u (%s) is not in the inventory", wrong.size ? "; " : "",
                       port->port_no, port->name);
    }
    snprintf(object, sizeof object, "node/%.100s", node->name);
    if (wrong.size)
        lan_raise(s, "node-ports-differ", "major", object,
                  json_pack("{ss}", "difference", buf_cstr(&wrong)),
                  "Node %s does not have the ports of the inventory.", node->name);
    else
        lan_clear(s, "node-ports-differ", object, "the ports are as in the inventory");
    buf_fini(&wrong);
}

static bool
on_identified(void *arg, struct lan_switch *sw, struct diag *diag)
{
    struct connecting *c = arg;
    const char *name = lan_switch_peer(sw);
    const struct node *node = network_node(c->service->config.state->network, name);
    const struct lan_node *n = lan_node_find(c->service, name);
    if (!node) {
        diag_set(diag, ERR_DENIED, "the inventory has no node \"%s\"", name);
    } else if (!lan_is_ours(c->service, node)) {
        diag_set(diag, ERR_DENIED, "node %s is of site %s, which has another controller", name,
                 node->site);
    } else if (node->datapath_id != lan_switch_datapath_id(sw)) {
        diag_set(diag, ERR_DENIED, "its datapath id is %016llx, that of the inventory %016llx",
                 (unsigned long long)lan_switch_datapath_id(sw),
                 (unsigned long long)node->datapath_id);
    } else if (n && n->sw) { /* dead perhaps: then it will be gone when this one tries again */
        lan_switch_prod(n->sw);
        diag_set(diag, ERR_EXISTS, "node %s is connected already, from %s", name,
                 lan_switch_address(n->sw));
    } else {
        check_ports(c->service, node, sw);
        return true;
    }
    lan_refuse(c->service, name, lan_switch_address(sw), diag->text);
    return false;
}

/* The node has no switch any more. */
static void
tell_lost(struct lan_service *s, struct lan_node *n, const char *reason)
{
    char object[128];
    snprintf(object, sizeof object, "node/%.100s", n->name);
    n->since = clock_wall();
    n->err = ERR_CLOSED;
    n->refused[0] = '\0';
    snprintf(n->why, sizeof n->why, "%s", reason);
    log_warn("node %s: %s", n->name, reason);
    lan_record(s, "node.lost", object, json_pack("{ss ss}", "node", n->name, "reason", reason));
    if (network_node(s->config.state->network, n->name))
        lan_raise(
            s, "node-lost", "major", object, json_pack("{ss}", "reason", reason),
            "The connection to node %s is lost; if it runs, it goes on forwarding by its tables.",
            n->name);
    lan_publish_node(s, n);
    lan_links_update(s);
    lan_check_waiters(s);
}

/* A node with a good certificate that connects and then says nothing: it hangs. Nobody has refused
 * it. */
static void
note_silent(struct lan_service *s, const struct node *node, const char *reason)
{
    struct lan_node *n = lan_node_need(s, node->name);
    char object[128];
    snprintf(object, sizeof object, "node/%.100s", n->name);
    log_warn("node %s connects and is silent: %s", n->name, reason);
    if (n->sw)
        return; /* another connection of its is there */
    n->refused[0] = '\0';
    n->err = ERR_TIMEOUT;
    snprintf(n->why, sizeof n->why, "%s", reason);
    if (is_news(s, object, reason) == NEWS_NONE)
        return;
    lan_record(s, "node.lost", object, json_pack("{ss ss}", "node", n->name, "reason", reason));
    lan_raise(s, "node-lost", "major", object, json_pack("{ss}", "reason", reason),
              "Node %s connects and is silent; if it runs, it goes on forwarding by its tables.",
              n->name);
    lan_publish_node(s, n);
}

void
lan_recheck_nodes(struct lan_service *s)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        const struct node *node = network_node(s->config.state->network, n->name);
        struct lan_switch *sw = n->sw;
        bool moved = node && sw && !lan_is_ours(s, node);
        if (node && !moved && (!sw || node->datapath_id == lan_switch_datapath_id(sw))) {
            if (sw)
                check_ports(s, node, sw);
            continue;
        }
        if (!node)
            lan_agent_drop(n);
        if (!sw)
            continue;
        n->sw = NULL;
        lan_job_forget(s, n);
        drop_switch(s, sw);
        tell_lost(s, n,
                  moved  ? "its site has another controller now"
                  : node ? "its datapath id is another one in the inventory now"
                         : "it is no longer in the inventory");
    }
}

static void
on_ready(void *arg, struct lan_switch *sw)
{
    struct connecting *c = arg;
    struct lan_service *s = c->service;
    struct lan_node *n = lan_node_need(s, lan_switch_peer(sw));
    const struct node *node = network_node(s->config.state->network, n->name);
    char object[128], datapath_id[17];
    snprintf(object, sizeof object, "node/%.100s", n->name);
    if (n->sw || !node) { /* two came at once, or it has left the inventory meanwhile */
        lan_refuse(s, n->name, lan_switch_address(sw),
                   node ? "it is connected already" : "the inventory has no such node");
        lan_switch_close(sw, ERR_DENIED, "refused");
        return;
    }
    n->sw = sw;
    n->connection = ++s->n_connections;
    n->since = clock_wall();
    n->refused[0] = n->why[0] = '\0';
    n->err = ERR_OK;
    log_info("node %s adopted from %s: %s", n->name, lan_switch_address(sw),
             lan_switch_software(sw));
    snprintf(datapath_id, sizeof datapath_id, "%016llx",
             (unsigned long long)lan_switch_datapath_id(sw));
    lan_record(s, "node.adopted", object,
               json_pack("{ss ss ss ss si}", "node", n->name, "datapath-id", datapath_id, "address",
                         lan_switch_address(sw), "software", lan_switch_software(sw), "ports",
                         (int)lan_switch_n_ports(sw)));
    lan_clear(s, "node-lost", object, "it is connected again");
    lan_clear(s, "node-refused", object, "it was adopted");
    forget_refusals(s, object);
    lan_judge(s, n, true);
    n->dirty = true;
    for (struct lan_node *other = s->nodes; other; other = other->hh.next)
        other->dirty |= other->retry; /* what they had to hold back */
    lan_publish_node(s, n);
    lan_links_update(s);
    lan_schedule(s);
}

static void
on_tables_changed(void *arg, struct lan_switch *sw, bool monitored UNUSED)
{
    struct connecting *c = arg;
    struct lan_node *n = lan_node_of_switch(c->service, sw);
    if (!n)
        return;
    n->look = true; /* once for all that has come by then */
    lan_schedule(c->service);
}

static void
on_packet_in(void *arg, struct lan_switch *sw, const struct openflow_packet_in *p)
{
    struct connecting *c = arg;
    struct lan_node *n = lan_node_of_switch(c->service, sw);
    if (!n)
        return;
    uint32_t role = (uint32_t)p->cookie;
    if (role == ROLE_DISCOVERY)
        lan_take_lldp(c->service, n, (uint32_t)flow_key_get(&p->match.value, FIELD_IN_PORT),
                      p->packet.octets, p->packet.size);
    else if (role == ROLE_DENY)
        lan_take_denied(c->service, n, p);
}

static void
on_port_changed(void *arg, struct lan_switch *sw, const struct openflow_port *port)
{
    struct connecting *c = arg;
    struct lan_node *n = lan_node_of_switch(c->service, sw);
    if (!n)
        return;
    const struct node *node = network_node(c->service->config.state->network, n->name);
    if (node)
        check_ports(c->service, node, sw);
    lan_port_changed(c->service, n, port->port_no);
}

static void
on_closed(void *arg, struct lan_switch *sw, enum err err, const char *reason)
{
    struct connecting *c = arg;
    struct lan_service *s = c->service;
    struct lan_node *n = lan_node_of_switch(s, sw);
    const struct node *node = network_node(s->config.state->network, lan_switch_peer(sw));
    if (n) {
        n->sw = NULL;
        lan_job_forget(s, n);
        tell_lost(s, n, reason);
    } else if (err == ERR_TIMEOUT && node) {
        note_silent(s, node, reason);
    } else if (err == ERR_CLOSED || err == ERR_DENIED) { /* by itself, or it was told already */
        log_info("a switch from %s has gone before it was adopted: %s", lan_switch_address(sw),
                 reason);
    } else {
        lan_refuse(s, lan_switch_peer(sw), lan_switch_address(sw), reason);
    }
    drop_switch(s, sw);
}

static bool
may_send(void *arg)
{
    const struct connecting *c = arg;
    return journal_leads(c->service->config.journal);
}

static const struct lan_switch_handler switch_handler = {
    on_identified, on_ready, on_tables_changed, on_packet_in, on_port_changed, may_send, on_closed,
};

void
lan_accept_switch(struct lan_service *s, struct stream *stream)
{
    struct connecting *c = xcalloc(1, sizeof *c);
    *c = (struct connecting){s, NULL, s->connecting};
    s->connecting = c;
    c->sw = lan_switch_new(s->config.loop, stream, &switch_handler, c);
}

void
lan_connecting_free(struct lan_service *s)
{
    while (s->connecting)
        drop_switch(s, s->connecting->sw);
}
