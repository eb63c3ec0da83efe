/* prove_testing.h - what the tests of the proof share: networks with circuits, and tables that can
 * be spoilt. */
#ifndef ENGINEER_PROVE_TESTING_H
#define ENGINEER_PROVE_TESTING_H

#include "engineer/prove.h"
#include "engineer/testing_plan.h"
#include "engineer/testing_random.h"

#include <string.h>

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

/* A random network with 4 to 12 circuits, of those that can be designed. */
static UNUSED struct network *
random_designed_network(void)
{
    for (;;) {
        struct network *net = random_network();
        struct designer *designer = designer_new(net);
        for (uint32_t i = 0; i < 12; i++) {
            struct circuit *c = random_circuit(net, i);
            struct design *design;
            if (designer_add(designer, c, &design, NULL))
                (void)network_remove_circuit(net, c->name);
            else
                network_put_design(net, design);
        }
        designer_free(designer);
        if (HASH_COUNT(net->designs) >= 4)
            return net;
        network_free(net);
    }
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

/* Judges, and tells all there is to tell. The caller frees it. */
static inline UNUSED char *
report_of(struct prover *p)
{
    struct buf text = BUF_INIT;
    struct proof proof;
    prover_judge(p);
    prover_report(p, 0, &proof);
    proof_format(&proof, &text);
    buf_printf(&text, "idle %llu\n", (unsigned long long)proof.idle);
    proof_fini(&proof);
    return buf_steal_cstr(&text);
}

#endif
