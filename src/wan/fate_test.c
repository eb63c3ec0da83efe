/* Circuits whose two paths meet in the WAN. */
#include "wan/service_testing.h"

#define NODE(name, id)                                                                             \
    "{'name': '" name "', 'site': 's', 'kind': 'openflow', 'datapath-id': '000000000000000" id     \
    "', 'port': [{'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'},"                        \
    " {'number': 3, 'name': 'p3'}]}"
#define HOST(name, node, n)                                                                        \
    "{'name': '" name "', 'mac': '02:00:00:00:00:0" n "', 'ipv4': '10.1.0." n "/24',"              \
    " 'node': '" node "', 'port': 3}"
#define LINK(name, port, tunnel)                                                                   \
    "{'name': '" name "', 'a': {'node': 'x', 'port': " port "}, 'b': {'node': 'y', 'port': " port  \
    "}, 'delay-us': 5000, 'capacity-kbps': 1000, 'tunnel': '" tunnel "'}"
#define TUNNEL(name, avoid)                                                                        \
    "{'name': '" name "', 'head': 'r1', 'tail': 'r3', 'rate-kbps': 1000, 'protection': 'none',"    \
    " 'max-latency-us': 5000, 'avoid': [" avoid "]}"
/* Tunnel t2 may go either way round the square. */
#define NODES NODE("x", "1") ", " NODE("y", "2")
#define HOSTS HOST("a", "x", "1") ", " HOST("b", "y", "2")
#define LINKS LINK("l1", "1", "t1") ", " LINK("l2", "2", "t2")
#define TUNNELS TUNNEL("t1", "'r4'") ", " TUNNEL("t2", "") ", " TUNNEL("other", "'r2'")
#define WORLD                                                                                      \
    "{'tieline-inventory:inventory': {'node': [" NODES "], 'host': [" HOSTS "],"                   \
    " 'link': [" LINKS "]}, 'tieline-wan:wan': {'tunnel': [" TUNNELS "]}}"
#define RESERVED(failover)                                                                         \
    "{'order': 9, 'designs': [{'circuit': 'c', 'number': 1, 'primary': {'links': ['l1']},"         \
    " 'failover': {'links': ['" failover "']}, 'disjoint': 'link'}]}"

static const char *
text_at(const json_t *list, const char *name)
{
    return json_string_value(json_object_get(json_array_get(list, 0), name));
}

/* Tunnel t2 goes the way of another one. */
static void
go_with(struct place *p, const char *other)
{
    const struct tunnel_status *its = tunneling_find(&p->state->tunneling, other);
    json_t *body = json_pack("{ss ss sO}", "tunnel", "t2", "reason", "a test", "primary",
                             its->paths[TUNNEL_PRIMARY]);
    char *text = json_dumps(body, JSON_COMPACT);
    tell(p, "tunnel.moved", text);
    free(text);
    json_decref(body);
}

static void
make_world(struct place *p)
{
    tell(p, "model.put", WORLD);
    tell(p, "model.put",
         "{'tieline-circuit:circuits': {'circuit': [{'name': 'c', 'service-class': 'scada',"
         " 'rate-kbps': 100, 'ip': {'client': 'a', 'server': 'b', 'protocol': 'icmp'}}]}}");
    reserve_tunnel(p, "t1", 1);
    reserve_tunnel(p, "t2", 2);
    reserve_tunnel(p, "other", 3);
    go_with(p, "t1");
}

static void
what_carries_both_paths_is_told_while_it_shares_a_link(void **state)
{
    struct place *p = *state;
    make_world(p);
    tell(p, "circuit.reserved", RESERVED("l2"));
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    assert_string_equal(text_at(p->raised, "kind"), "carriers-share-fate");
    assert_string_equal(text_at(p->raised, "object"), "tunnel/t1");
    const json_t *evidence = json_object_get(json_array_get(p->raised, 0), "evidence");
    assert_string_equal(json_string_value(json_object_get(evidence, "other")), "t2");
    assert_string_equal(json_string_value(json_object_get(evidence, "circuits")), "c");
    assert_non_null(strstr(json_string_value(json_object_get(evidence, "shared")), "link "));

    tell(p, "exception.raised",
         "{'id': 1, 'kind': 'carriers-share-fate', 'severity': 'minor', 'object': 'tunnel/t1',"
         " 'text': 'They share a link.', 'evidence': {}}");
    go_with(p, "other");
    RUN_UNTIL(p->scene->loop, json_array_size(p->closed));
    assert_string_equal(text_at(p->closed, "object"), "tunnel/t1");
    assert_int_equal(json_array_size(p->raised), 1);
}

static void
one_tunnel_for_both_is_told_too(void **state)
{
    struct place *p = *state;
    make_world(p);
    tell(p, "circuit.reserved", RESERVED("l1"));
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    const json_t *evidence = json_object_get(json_array_get(p->raised, 0), "evidence");
    assert_string_equal(json_string_value(json_object_get(evidence, "shared")),
                        "all of it: both are one tunnel");
    assert_string_equal(json_string_value(json_object_get(evidence, "circuits")), "c");
}

static void
tunnels_that_are_apart_are_nobody_s_fate(void **state)
{
    struct place *p = *state;
    make_world(p);
    go_with(p, "other");
    tell(p, "circuit.reserved", RESERVED("l2"));
    wan_find_fates(p->service);
    assert_int_equal(json_array_size(p->raised), 0);
    assert_non_null(p->service->fates); /* it was looked at */
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(T(what_carries_both_paths_is_told_while_it_shares_a_link),
          T(one_tunnel_for_both_is_told_too), T(tunnels_that_are_apart_are_nobody_s_fate))
