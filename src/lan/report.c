#include "lan/lan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>

static json_t *
port_json(const struct lan_service *s, const struct lan_node *n, const struct openflow_port *p)
{
    const struct network *net = s->config.state->network;
    const struct link *link = network_link_at(net, n->name, p->port_no);
    const struct host *host = network_host_at(net, n->name, p->port_no);
    json_t *row = json_pack("{sI ss sb sb sI}", "number", (json_int_t)p->port_no, "name", p->name,
                            "up", !(p->state & OFPPS_LINK_DOWN), "live",
                            (p->state & OFPPS_LIVE) != 0, "speed-kbps", (json_int_t)p->curr_speed);
    const struct lan_said *said = lan_said(n, p->port_no);
    if (said)
        json_object_set_new(row, "said",
                            json_pack("{sb sb ss}", "up", said->up, "live", said->live, "reason",
                                      lan_reason_word(said->reason)));
    if (link)
        json_object_set_new(row, "link", json_string(link->name));
    if (host)
        json_object_set_new(row, "host", json_string(host->name));
    return row;
}

static json_t *
node_json(const struct lan_service *s, const struct lan_node *n)
{
    char since[TIME_TEXT_SIZE];
    bool ready = lan_node_is_ready(n);
    json_t *ports = json_array();
    json_t *row = json_pack("{ss ss ss sb}", "name", n->name, "state",
                            ready           ? "adopted"
                            : n->refused[0] ? "refused"
                                            : "absent",
                            "since", time_format(n->since, since), "agent", n->agent != NULL);
    const char *reason = n->refused[0] ? n->refused : n->why;
    if (*reason && !ready)
        json_object_set_new(row, "reason", json_string(reason));
    if (ready) {
        const struct ruleset *held = lan_switch_held(n->sw);
        for (uint32_t i = 0; i < lan_switch_n_ports(n->sw); i++)
            json_array_append_new(ports, port_json(s, n, &lan_switch_ports(n->sw)[i]));
        json_object_set_new(row, "address", json_string(lan_switch_address(n->sw)));
        json_object_set_new(row, "software", json_string(lan_switch_software(n->sw)));
        json_object_set_new(row, "rules",
                            json_pack("{si si si}", "flows", (int)held->counts[RULE_FLOW], "groups",
                                      (int)held->counts[RULE_GROUP], "meters",
                                      (int)held->counts[RULE_METER]));
        json_object_set_new(row, "monitor", json_boolean(lan_switch_has_monitor(n->sw)));
        json_object_set_new(row, "in-sync",
                            json_boolean(!lan_node_has_work(n) && !n->busy && !n->retry &&
                                         !n->drift.added && !n->drift.removed));
        json_object_set_new(row, "latency-us",
                            json_integer(lan_switch_latency(n->sw) / NSEC_PER_USEC));
    }
    json_object_set_new(row, "ports", ports);
    return row;
}

char *
lan_subject(const char *prefix, const char *name)
{
    char *subject = xasprintf("%s%s", prefix, name);
    for (char *p = subject + strlen(prefix); *p; p++) /* a dot would be another token */
        *p = *p == '.' ? '_' : *p;
    return subject;
}

void
lan_publish_node(struct lan_service *s, const struct lan_node *n)
{
    char *subject = lan_subject("lan.node.", n->name);
    (void)bus_publish(s->config.bus, subject, node_json(s, n));
    free(subject);
}

void
lan_serve_nodes(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    json_t *nodes = json_array();
    for (const struct node *node = s->config.state->network->nodes; node; node = node->hh.next) {
        if (lan_is_ours(s, node))
            json_array_append_new(nodes, node_json(s, lan_node_need(s, node->name)));
    }
    bus_reply(bus, m->reply_to, json_pack("{so}", "nodes", nodes));
}

/* ---- Rules ---- */

static void
add_rule(json_t *lists, const struct rule *rule, struct lan_switch *sw, const char *difference)
{
    static const char *const names[] = {"meters", "groups", "flows"};
    struct buf text = BUF_INIT;
    uint64_t packets, octets;
    rule_format(rule, &text);
    json_t *row = json_pack("{ss}", "text", buf_cstr(&text));
    if (difference)
        json_object_set_new(row, "difference", json_string(difference));
    if (sw && rule->kind == RULE_FLOW &&
        lan_switch_flow_counters(sw, rule->flow, &packets, &octets)) {
        json_object_set_new(row, "packets", json_integer((json_int_t)packets));
        json_object_set_new(row, "octets", json_integer((json_int_t)octets));
    }
    json_array_append_new(json_object_get(lists, names[rule->kind]), row);
    buf_fini(&text);
}

static void
add_all(json_t *lists, const struct ruleset *set, struct lan_switch *sw)
{
    struct rule_list rules;
    ruleset_list(set, &rules);
    for (uint32_t i = 0; i < rules.n; i++)
        add_rule(lists, &rules.list[i], sw, NULL);
    free(rules.list);
}

struct difference_report {
    json_t *lists;
    struct lan_switch *sw;
};

static void
report_missing(void *arg, struct rule_item *wanted)
{
    struct difference_report *d = arg;
    add_rule(d->lists, &wanted->rule, d->sw, "missing");
}

static void
report_changed(void *arg, struct rule_item *wanted, struct rule_item *held)
{
    struct difference_report *d = arg;
    add_rule(d->lists, &wanted->rule, d->sw, "wanted");
    add_rule(d->lists, &held->rule, d->sw, "instead");
}

static void
report_foreign(void *arg, struct rule_item *held)
{
    struct difference_report *d = arg;
    add_rule(d->lists, &held->rule, d->sw, "foreign");
}

void
lan_serve_rules(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const char *name = json_string_value(json_object_get(m->payload, "node"));
    const char *what = json_string_value(json_object_get(m->payload, "what"));
    struct lan_node *n = name ? lan_node_find(s, name) : NULL;
    if (!n || !network_node(s->config.state->network, name)) {
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "there is no node \"%s\"",
                        name ? name : "");
        return;
    }
    bool planned = !what || !strcmp(what, "planned");
    if (!planned && !lan_node_is_ready(n)) {
        bus_reply_error(bus, m->reply_to, ERR_CLOSED, "node %s is not connected", name);
        return;
    }
    json_t *lists = json_pack("{s[] s[] s[]}", "flows", "groups", "meters");
    if (planned) {
        add_all(lists, &n->wanted, n->sw);
    } else if (!strcmp(what, "observed")) {
        add_all(lists, lan_switch_held(n->sw), n->sw);
    } else {
        struct difference_report d = {lists, n->sw};
        const struct ruleset_difference difference = {report_missing, report_changed,
                                                      report_foreign, NULL, &d};
        ruleset_compare(&n->wanted, lan_switch_held(n->sw), &difference);
    }
    for (uint32_t i = 0; !planned && i < lan_switch_n_aliens(n->sw); i++)
        json_array_append_new(json_object_get(lists, "flows"),
                              json_pack("{ss ss}", "text", lan_switch_alien(n->sw, i)->text,
                                        "difference", "foreign"));
    bus_reply(bus, m->reply_to, lists);
}

/* ---- Links ---- */

void
lan_serve_links(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    json_t *links = json_array();
    for (const struct link *link = s->config.state->network->links; link; link = link->hh.next) {
        if (lan_link_is_ours(s, link))
            json_array_append_new(links, lan_link_json(s, link));
    }
    bus_reply(bus, m->reply_to,
              json_pack("{so so}", "links", links, "unexpected", lan_misfits_json(s)));
}

/* ---- Agents ---- */

struct forwarded {
    struct bus *bus;
    char *reply_to;
};

static void
on_answer(void *arg, const struct call_result *result)
{
    struct forwarded *f = arg;
    if (result->err)
        bus_reply_error(f->bus, f->reply_to, result->err, "%s", result->text);
    else
        bus_reply(f->bus, f->reply_to, json_incref(result->value));
    free(f->reply_to);
    free(f);
}

void
lan_serve_rpc(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const char *name = json_string_value(json_object_get(m->payload, "node"));
    const char *method = json_string_value(json_object_get(m->payload, "method"));
    json_t *params = json_object_get(m->payload, "params");
    json_int_t timeout_ms = json_integer_value(json_object_get(m->payload, "timeout-ms"));
    struct lan_node *n = name ? lan_node_find(s, name) : NULL;
    if (!method || !n || !n->agent) {
        bus_reply_error(bus, m->reply_to,
                        !method ? ERR_INVALID
                        : n     ? ERR_CLOSED
                                : ERR_NOT_FOUND,
                        !method ? "no method"
                        : n     ? "the agent of %s is not connected"
                                : "there is no node \"%s\"",
                        name ? name : "");
        return;
    }
    if (!strcmp(method, "edge.release-port")) {
        json_t *port = json_object_get(params, "port");
        lan_hold_release(s, n, port ? (uint32_t)json_integer_value(port) : PORT_ANY);
    }
    struct forwarded *f = xcalloc(1, sizeof *f);
    *f = (struct forwarded){bus, m->reply_to ? xstrdup(m->reply_to) : NULL};
    enum err err = lan_call_agent(s, n, method, params ? json_incref(params) : NULL,
                                  timeout_ms > 0 ? timeout_ms * NSEC_PER_MSEC : 10 * NSEC_PER_SEC,
                                  on_answer, f);
    if (err) {
        bus_reply_error(bus, f->reply_to, err, "node %s: %s", name, err_text(err));
        free(f->reply_to);
        free(f);
    }
}

/* Lets a port that is back be used again at once, where the policy leaves that to people. */
void
lan_serve_release(void *arg, struct bus *bus, const struct bus_message *m)
{
    json_t *payload = json_pack("{sO? ss so}", "node", json_object_get(m->payload, "node"),
                                "method", "edge.release-port", "params",
                                json_pack("{sO?}", "port", json_object_get(m->payload, "port")));
    struct bus_message forwarded = {m->subject, payload, m->reply_to};
    lan_serve_rpc(arg, bus, &forwarded);
    json_decref(payload);
}
