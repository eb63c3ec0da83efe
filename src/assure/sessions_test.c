/* Test sessions against the rules that engineer/ makes: their packets are followed through the
 * plan of the whole lab, with groups at their first bucket. */
#include "assure/sessions.h"

#include "assure/testing.h"
#include "engineer/plan.h"

static struct network *net;

static int
open_lab(void **state UNUSED)
{
    net = test_lab();
    return 0;
}

static int
close_lab(void **state UNUSED)
{
    network_free(net);
    return 0;
}

/* ---- Following a packet ---- */

struct flight {
    const struct plan *plan;
    uint32_t number;     /* of the circuit */
    uint32_t meter;      /* that it met; 0: none */
    struct buf landings; /* "a2 b2 ": the nodes to whose LOCAL port it came */
    struct buf links;    /* names of those it passed */
    unsigned n_steps;
};

static void fly(struct flight *, const char *node, uint32_t in_port, struct flow_key);

static const struct group *
group_at(const struct flight *f, const char *node, uint32_t group_id)
{
    const struct group like = {.group_id = group_id};
    const struct rule wanted = rule_of_group(&like);
    const struct rule_item *item = ruleset_find(plan_ruleset(f->plan, node), &wanted);
    assert_non_null(item);
    return item->rule.group;
}

static void
run_output(struct flight *f, const char *node, uint32_t in_port, struct flow_key key, uint32_t port)
{
    uint32_t out = port == PORT_IN_PORT ? in_port : port;
    if (out == PORT_LOCAL) {
        buf_printf(&f->landings, "%s ", node);
        return;
    }
    const struct link *link = network_link_at(net, node, out);
    assert_non_null(link); /* A test packet never leaves by a host's port. */
    buf_printf(&f->links, "%s ", link->name);
    const struct link_end *far = link_far_end(link, node);
    fly(f, far->node, far->port, key);
}

static void
run_actions(struct flight *f, const char *node, uint32_t in_port, struct flow_key key,
            const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        if (a->type == ACTION_OUTPUT) {
            run_output(f, node, in_port, key, a->id);
        } else if (a->type == ACTION_GROUP) {
            const struct group *g = group_at(f, node, a->id);
            uint32_t n = g->type == GROUP_TYPE_ALL ? g->n_buckets : 1;
            for (uint32_t b = 0; b < n; b++)
                run_actions(f, node, in_port, key, &g->buckets[b].actions);
        } else if (a->type == ACTION_SET_FIELD) {
            memcpy(flow_key_field(&key, a->field), a->value, field_table[a->field].size);
        } else if (a->type == ACTION_PUSH_VLAN) {
            key.vlan_vid = to_be16(VLAN_PRESENT);
        } else if (a->type == ACTION_POP_VLAN) {
            key.vlan_vid = 0;
        } else {
            assert_int_equal(a->type, ACTION_SET_QUEUE);
        }
    }
}

/* The rule at this node that takes it: the first in the canonical order, by falling priority. */
static void
fly(struct flight *f, const char *node, uint32_t in_port, struct flow_key key)
{
    struct rule_list rules;
    const struct flow *found = NULL;
    assert_true(f->n_steps++ < 100);
    key.in_port = to_be32(in_port);
    plan_rules(f->plan, node, &rules);
    for (uint32_t i = 0; i < rules.n && !found; i++) {
        if (rules.list[i].kind == RULE_FLOW && match_covers_key(&rules.list[i].flow->match, &key))
            found = rules.list[i].flow;
    }
    free(rules.list);
    assert_non_null(found);
    assert_true(found->cookie == rule_cookie(f->number, ROLE_TEST));
    if (found->meter_id)
        f->meter = found->meter_id;
    run_actions(f, node, in_port, key, &found->apply);
}

static struct flow_key
key_of(const struct test_frame *frame)
{
    struct flow_key key = {0};
    memcpy(key.eth_src, frame->source.octets, 6);
    memcpy(key.eth_dst, frame->destination.octets, 6);
    key.eth_type = to_be16(ETH_TYPE_IPV4);
    if (frame->vlan_id != VLAN_UNTAGGED)
        key.vlan_vid = to_be16((uint16_t)(VLAN_PRESENT | frame->vlan_id));
    key.vlan_pcp = frame->vlan_priority;
    key.ip_proto = IP_PROTO_UDP;
    put_be32(key.ip_src, frame->ipv4_source);
    put_be32(key.ip_dst, frame->ipv4_destination);
    key.tp_src = to_be16(frame->udp_source);
    key.tp_dst = to_be16(frame->udp_destination);
    return key;
}

/* Sends the session's packet; it must land at its receivers' nodes and come by the circuit's meter.
 * Returns the links it passed, to be freed. */
static char *
assert_flies(const struct circuit *circuit, const struct test_session *s)
{
    const struct design *design = network_design(net, circuit->name);
    struct plan *plan;
    assert_ok(plan_network(net, &plan, NULL));
    struct flight f = {.plan = plan, .number = design->number};
    fly(&f, s->node, PORT_LOCAL, key_of(&s->frame));
    struct buf expected = BUF_INIT;
    for (uint32_t i = 0; i < s->n_receivers; i++) {
        buf_printf(&expected, "%s ", s->receivers[i].node);
        assert_non_null(strstr(buf_cstr(&f.landings), s->receivers[i].node));
    }
    assert_int_equal(expected.size, f.landings.size);
    assert_int_equal(f.meter, 2 * design->number);
    buf_fini(&expected);
    buf_fini(&f.landings);
    plan_free(plan);
    return buf_steal_cstr(&f.links);
}

static struct test_sessions
make(const struct circuit *c, unsigned paths, struct findings *findings)
{
    struct test_sessions sessions = {0};
    struct diag diag = {""};
    if (test_sessions_make(net, c, network_design(net, c->name), paths, &sessions, findings, &diag))
        fail_msg("%s", diag.text);
    return sessions;
}

/* ---- The tests ---- */

static void
packets_of_an_ip_circuit_take_its_rules_on_both_paths(void **state UNUSED)
{
    struct circuit *c = lab_scada(net);
    const struct design *d = network_design(net, c->name);
    struct test_sessions sessions = make(c, TEST_BOTH_PATHS, NULL);
    assert_int_equal(sessions.n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct route *route = i ? &d->failover : &d->primary;
        char *links = assert_flies(c, &sessions.list[i]);
        for (uint32_t l = 0; l < route->n_links; l++)
            assert_non_null(strstr(links, route->links[l]));
        free(links);
        assert_true(sessions.list[i].in_band);
        assert_string_equal(sessions.list[i].node, "cc1");
        assert_string_equal(sessions.list[i].host, "fep");
        assert_string_equal(sessions.list[i].receivers[0].node, "a2");
        assert_string_equal(sessions.list[i].receivers[0].hosts[0], "rtu-a");
        assert_int_equal(sessions.list[i].receivers[0].address, 0x0a200011);
    }
    test_sessions_fini(&sessions);
}

static void
answers_of_an_ip_circuit_come_back_to_the_sender(void **state UNUSED)
{
    struct circuit *c = lab_scada(net);
    struct test_sessions sessions = make(c, TEST_BOTH_PATHS, NULL);
    struct plan *plan;
    assert_ok(plan_network(net, &plan, NULL));
    for (uint32_t i = 0; i < 2; i++) {
        /* As the reflector turns it round: the way it arrived, addresses and ports swapped. */
        struct test_frame f = sessions.list[i].frame, back = f;
        const struct host *server = network_host(net, "rtu-a");
        back.source = server->mac;
        gateway_mac(network_host(net, "rtu-a")->gateway, &back.destination);
        back.ipv4_source = f.ipv4_destination;
        back.ipv4_destination = f.ipv4_source;
        back.udp_source = f.udp_destination;
        back.udp_destination = f.udp_source;
        struct flight flight = {.plan = plan, .number = network_design(net, c->name)->number};
        fly(&flight, "a2", PORT_LOCAL, key_of(&back));
        assert_string_equal(buf_cstr(&flight.landings), "cc1 ");
        assert_int_equal(flight.meter, 2 * flight.number + 1);
        buf_fini(&flight.landings);
        buf_fini(&flight.links);
    }
    plan_free(plan);
    test_sessions_fini(&sessions);
}

static void
hosts_of_one_subnet_address_each_other(void **state UNUSED)
{
    struct circuit *c = test_tcp(net, "local", "relay-a1", "rtu-a", 102);
    lab_design(net, c);
    struct test_sessions sessions = make(c, TEST_PRIMARY, NULL);
    free(assert_flies(c, &sessions.list[0]));
    assert_true(mac_equal(&sessions.list[0].frame.destination, &network_host(net, "rtu-a")->mac));
    test_sessions_fini(&sessions);
}

static void
packets_of_a_multicast_reach_all_its_subscribers_on_both_paths(void **state UNUSED)
{
    static const int vlans[] = {10, 0, VLAN_UNTAGGED};
    struct circuit *c = lab_goose(net);
    for (size_t v = 0; v < ARRAY_SIZE(vlans); v++) {
        c->multicast.vlan_id = vlans[v];
        struct test_sessions sessions = make(c, TEST_BOTH_PATHS, NULL);
        assert_int_equal(sessions.n, 2);
        for (uint32_t i = 0; i < 2; i++) {
            const struct test_session *s = &sessions.list[i];
            free(assert_flies(c, s));
            assert_false(s->in_band);
            assert_string_equal(s->node, "a1");
            assert_int_equal(s->n_receivers, 2);
            assert_int_equal(s->receivers[1].address,
                             network_node(net, s->receivers[1].node)->management_address);
        }
        test_sessions_fini(&sessions);
    }
}

static void
subscribers_at_one_node_share_its_reflector(void **state UNUSED)
{
    test_host(net, "relay-a3", "a3", 32, 35);
    struct circuit *c = test_goose(net, "trip", "relay-a1", "relay-a2 relay-a3");
    lab_design(net, c);
    struct test_sessions sessions = make(c, TEST_PRIMARY, NULL);
    assert_int_equal(sessions.n, 1);
    assert_int_equal(sessions.list[0].n_receivers, 1);
    assert_int_equal(sessions.list[0].receivers[0].n_hosts, 2);
    assert_string_equal(sessions.list[0].receivers[0].hosts[1], "relay-a3");
    test_sessions_fini(&sessions);
}

static void
more_receivers_than_a_sender_knows_make_more_sessions(void **state UNUSED)
{
    struct buf names = BUF_INIT;
    for (unsigned i = 0; i < SESSION_RECEIVERS + 1; i++) {
        char node[16], host[16];
        snprintf(node, sizeof node, "c%u", i);
        snprintf(host, sizeof host, "ied-%02u", i);
        test_link(net, "a1", node, 5, 1000000);
        test_host(net, host, node, 64, (uint8_t)(i + 2));
        buf_printf(&names, "%s ", host);
    }
    struct circuit *c = test_goose(net, "wide", "relay-a1", buf_cstr(&names));
    lab_design(net, c);
    struct test_sessions sessions = make(c, TEST_PRIMARY, NULL);
    assert_int_equal(sessions.n, 2);
    assert_int_equal(sessions.list[0].n_receivers, SESSION_RECEIVERS);
    assert_int_equal(sessions.list[1].n_receivers, 1);
    test_sessions_fini(&sessions);
    buf_fini(&names);
}

static void
assert_not_tested(const struct circuit *c, unsigned paths, uint32_t n_sessions, const char *why)
{
    struct findings findings = {0};
    struct test_sessions sessions = make(c, paths, &findings);
    assert_int_equal(sessions.n, n_sessions);
    assert_finding(&findings, "not-tested", SEVERITY_WARNING, why);
    findings_fini(&findings);
    test_sessions_fini(&sessions);
}

static void
what_cannot_be_tested_by_design_is_said(void **state UNUSED)
{
    struct circuit *c = lab_scada(net);
    network_node(net, "a2")->kind = NODE_OPENFLOW;
    assert_not_tested(c, TEST_BOTH_PATHS, 0, "node a2 has nothing that sends and reflects tests");
    c = test_tcp(net, "here", "fep", "hist", 80);
    lab_design(net, c);
    assert_not_tested(c, TEST_PRIMARY, 0, "both ends are at node cc1: there is no path to test");
    c = lab_goose(net);
    network_node(net, "b2")->probe = false;
    assert_not_tested(c, TEST_BOTH_PATHS, 2,
                      "subscriber relay-b1 is at a node that has nothing that reflects tests (b2)");
    network_node(net, "b2")->probe = true;
    network_node(net, "b2")->management_address = 0;
    assert_not_tested(c, TEST_FAILOVER, 1,
                      "subscriber relay-b1 is at a node whose management address is not known, by "
                      "which it would answer (b2)");
    network_node(net, "a1")->management_address = 0;
    assert_not_tested(
        c, TEST_PRIMARY, 0,
        "the management address of node a1 is not known, to which tests are answered");
    network_node(net, "a1")->kind = NODE_OPENFLOW;
    assert_not_tested(c, TEST_PRIMARY, 0, "the publisher's node a1 has nothing that sends tests");
}

static void
a_failover_path_that_is_not_there_is_not_tested(void **state UNUSED)
{
    struct circuit *c = test_tcp(net, "thin", "fep", "rtu-a", 502);
    c->protection = DISJOINT_NONE;
    lab_design(net, c);
    assert_not_tested(c, TEST_FAILOVER, 0, "there is no failover path");
    struct findings findings = {0};
    struct test_sessions sessions = make(c, TEST_BOTH_PATHS, &findings);
    assert_int_equal(sessions.n, 1);
    assert_int_equal(findings.n, 0);
    test_sessions_fini(&sessions);
}

static void
a_design_of_another_network_is_an_error_and_adds_nothing(void **state UNUSED)
{
    struct circuit *c = lab_goose(net);
    struct test_sessions sessions = {0};
    struct diag diag = {""};
    assert_ok(network_remove_link(net, network_design(net, c->name)->primary.links[0]));
    assert_err(test_sessions_make(net, c, network_design(net, c->name), TEST_BOTH_PATHS, &sessions,
                                  NULL, &diag),
               ERR_NOT_FOUND);
    assert_int_equal(sessions.n, 0);
    c = lab_scada(net);
    assert_ok(network_remove_host(net, "rtu-a"));
    assert_err(test_sessions_make(net, c, network_design(net, c->name), TEST_BOTH_PATHS, &sessions,
                                  NULL, &diag),
               ERR_NOT_FOUND);
    assert_string_equal(diag.text, "circuit \"scada\": server \"rtu-a\" or its node is not there");
    assert_int_equal(sessions.n, 0);
}

#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, open_lab, close_lab)

TEST_MAIN(IN_LAB(packets_of_an_ip_circuit_take_its_rules_on_both_paths),
          IN_LAB(answers_of_an_ip_circuit_come_back_to_the_sender),
          IN_LAB(hosts_of_one_subnet_address_each_other),
          IN_LAB(packets_of_a_multicast_reach_all_its_subscribers_on_both_paths),
          IN_LAB(subscribers_at_one_node_share_its_reflector),
          IN_LAB(more_receivers_than_a_sender_knows_make_more_sessions),
          IN_LAB(what_cannot_be_tested_by_design_is_said),
          IN_LAB(a_failover_path_that_is_not_there_is_not_tested),
          IN_LAB(a_design_of_another_network_is_an_error_and_adds_nothing))
