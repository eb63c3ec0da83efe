/* prove_testing.h - what the tests of the proof share: networks with circuits, and tables that can
 * be spoilt. */
#ifndef ENGINEER_PROVE_TESTING_H
#define ENGINEER_PROVE_TESTING_H

#include "engineer/design.h"
#include "engineer/prove.h"
#include "engineer/testing.h"

#include <string.h>

static uint64_t seed = 7;

static UNUSED uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* The lab with circuits of every kind, all designed. */
static UNUSED struct network *
lab_with_circuits(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada-a", "fep", "rtu-a", 502);
    test_tcp(net, "scada-b", "fep", "rtu-b", 502);
    struct circuit *both = test_tcp(net, "files", "hist", "relay-b1", 102);
    both->ip.client_port = 5000;
    struct circuit *ping = test_tcp(net, "ping", "eng-a", "relay-b1", 0);
    ping->ip.protocol = IP_PROTO_ICMP;
    ping->ip.n_server_ports = 0;
    struct circuit *near = test_tcp(net, "near", "eng-a", "rtu-a", 22);
    near->protection = DISJOINT_NODE;
    test_tcp(net, "ring", "relay-a1", "relay-a2", 102);
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    struct circuit *sv = test_goose(net, "sv", "relay-a2", "relay-a1 rtu-a rtu-b");
    sv->multicast.application = MULTICAST_SV;
    sv->multicast.vlan_id = VLAN_UNTAGGED;
    struct circuit *bare = test_goose(net, "bare", "relay-b1", "rtu-b relay-a1");
    bare->protection = DISJOINT_NONE;
    bare->multicast.mac.octets[5] = 9;
    return net;
}

static UNUSED void
design_all(struct network *net)
{
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        struct diag diag;
        if (designer_add(designer, c, &design, &diag))
            fail_msg("%s", diag.text);
        network_put_design(net, design);
    }
    designer_free(designer);
}

static UNUSED struct plan *
plan_of(struct network *net)
{
    struct plan *plan;
    struct diag diag;
    if (plan_network(net, &plan, &diag))
        fail_msg("%s", diag.text);
    return plan;
}

/* A network of 4 to 9 nodes, connected, with 5 to 8 hosts and 8 circuits of both kinds, all
 * designed. */
static UNUSED struct network *
random_network(void)
{
    struct network *net = network_new();
    char a[16], b[16];
    uint32_t n = 4 + draw(6), n_hosts = 5 + draw(4);
    for (uint32_t i = 1; i < n; i++) { /* connected; then some more links */
        snprintf(a, sizeof a, "n%02u", i);
        snprintf(b, sizeof b, "n%02u", draw(i));
        test_link(net, a, b, 5 + draw(2000), 1000000);
    }
    for (uint32_t i = 0; i < 2 + draw(8); i++) {
        uint32_t x = draw(n), y = (x + 1 + draw(n - 1)) % n;
        snprintf(a, sizeof a, "n%02u", x);
        snprintf(b, sizeof b, "n%02u", y);
        char name[40];
        snprintf(name, sizeof name, "%s-%s", a, b);
        if (!network_link(net, name))
            test_link(net, a, b, 5 + draw(2000), 1000000);
    }
    for (uint32_t i = 0; i < n_hosts; i++) {
        snprintf(a, sizeof a, "h%u", i);
        snprintf(b, sizeof b, "n%02u", draw(n));
        test_host(net, a, b, (uint8_t)(1 + i / 3), (uint8_t)(10 + i));
    }
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t x = draw(n_hosts), y = (x + 1 + draw(n_hosts - 1)) % n_hosts;
        char name[16], from[16], to[64];
        snprintf(name, sizeof name, "c%u", i);
        snprintf(from, sizeof from, "h%u", x);
        snprintf(to, sizeof to, "h%u", y);
        if (i % 2) {
            test_tcp(net, name, from, to, (uint16_t)(500 + i));
            continue;
        }
        for (uint32_t k = 0; k < n_hosts; k++) {
            size_t used = strlen(to);
            if (k != x && k != y && draw(2))
                snprintf(to + used, sizeof to - used, " h%u", k);
        }
        struct circuit *c = test_goose(net, name, from, to);
        c->multicast.mac.octets[5] = (uint8_t)i;
        c->multicast.vlan_id = draw(3) ? (int)(10 + i) : VLAN_UNTAGGED;
    }
    design_all(net);
    return net;
}

/* ---- Faults: a copy of all rules, in which one is spoilt ---- */

struct tables {
    struct network *net;
    struct plan *plan;
    uint32_t n;
    struct {
        const char *node;
        enum rule_kind kind;
        struct flow flow;
        struct group group;
        struct meter meter;
        bool removed;
    } * rules;
};

static UNUSED struct tables
copy_tables(struct network *net)
{
    struct tables t = {.net = net, .plan = plan_of(net)};
    const char **names;
    uint32_t n = plan_nodes(t.plan, &names);
    for (uint32_t i = 0; i < n; i++) {
        struct rule_list rules;
        plan_rules(t.plan, names[i], &rules);
        t.rules = xrealloc(t.rules, t.n + rules.n, sizeof *t.rules);
        for (uint32_t k = 0; k < rules.n; k++) {
            memset(&t.rules[t.n], 0, sizeof *t.rules);
            t.rules[t.n].node = network_node(net, names[i])->name;
            t.rules[t.n].kind = rules.list[k].kind;
            if (rules.list[k].kind == RULE_FLOW)
                flow_copy(&t.rules[t.n].flow, rules.list[k].flow);
            else if (rules.list[k].kind == RULE_GROUP)
                group_copy(&t.rules[t.n].group, rules.list[k].group);
            else
                meter_copy(&t.rules[t.n].meter, rules.list[k].meter);
            t.n++;
        }
        free(rules.list);
    }
    free(names);
    return t;
}

static UNUSED void
free_tables(struct tables *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        flow_fini(&t->rules[i].flow);
        group_fini(&t->rules[i].group);
        meter_fini(&t->rules[i].meter);
    }
    free(t->rules);
    plan_free(t->plan);
}

/* The i-th rule, as it is now. */
static UNUSED struct rule
table_rule(const struct tables *t, uint32_t i)
{
    if (t->rules[i].kind == RULE_FLOW)
        return rule_of_flow(&t->rules[i].flow);
    if (t->rules[i].kind == RULE_GROUP)
        return rule_of_group(&t->rules[i].group);
    return rule_of_meter(&t->rules[i].meter);
}

#endif
