#include "model/check.h"

#include "base/alloc.h"
#include "model/object.h"
#include "model/testing.h"

#include <stdio.h>

/* The findings as "severity code kind object field", one per line. */
static char *
summary(const struct findings *findings)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        buf_printf(&out, "%s %s %s %s %s\n", severity_word(f->severity), f->code, f->kind,
                   f->object, f->field ? f->field : "-");
    }
    return buf_steal_cstr(&out);
}

static void
assert_findings(const struct network *network, const char *expected)
{
    struct findings findings = {0};
    network_check(network, &findings);
    char *found = summary(&findings);
    assert_string_equal(found, expected);
    free(found);
    findings_fini(&findings);
}

/* Puts objects of one list over those of the small network. */
static struct network *
small_network_with(const char *list, const char *objects)
{
    struct network *network = network_quoted("{" SMALL_INVENTORY "}");
    char *text;
    bool circuits = !strcmp(list, "circuit") || !strcmp(list, "design");
    if (asprintf(&text, "{'%s': {'%s': [%s]}}", circuits ? CIRCUITS_MODULE : INVENTORY_MODULE, list,
                 objects) < 0)
        abort();
    struct network *more = network_quoted(text);
    for (struct node *o = more->nodes; o; o = o->hh.next)
        network_put_node(network, node_copy(o));
    for (struct link *o = more->links; o; o = o->hh.next)
        network_put_link(network, link_copy(o));
    for (struct host *o = more->hosts; o; o = o->hh.next)
        network_put_host(network, host_copy(o));
    for (struct circuit *o = more->circuits; o; o = o->hh.next)
        network_put_circuit(network, circuit_copy(o));
    for (struct design *o = more->designs; o; o = o->hh.next)
        network_put_design(network, design_copy(o));
    network_free(more);
    free(text);
    return network;
}

static void
a_sound_network_has_no_findings(void **state UNUSED)
{
    struct network *network = small_network_with("circuit", MODBUS_CIRCUIT "," GOOSE_CIRCUIT);
    assert_findings(network, "");
    network_free(network);
    network = network_new();
    assert_findings(network, "");
    network_free(network);
}

/* ---- Routers and tunnels ---- */

#define ROUTER(name, id)                                                                           \
    "{'name': '" name "', 'site': 'south', 'platform': 'frr', 'router-id': '" id "'}"
#define ROUTERS ROUTER("pe1", "10.0.0.1") "," ROUTER("pe2", "10.0.0.2") "," ROUTER("p1", "10.0.0.3")
#define TUNNEL(name, tail, rest)                                                                   \
    "{'name': '" name "', 'head': 'pe1', 'tail': '" tail "', 'rate-kbps': 1" rest "}"

static void
what_is_wrong_with_the_wan_is_found(void **state UNUSED)
{
    const struct {
        const char *routers, *tunnels, *expected;
    } cases[] = {
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['p1']"), ""},
        {"{'name': 'r', 'site': 'east', 'platform': 'frr', 'router-id': '10.0.0.1'}", "",
         "error site-unknown router r site\n"},
        {ROUTERS "," ROUTER("pe3", "10.0.0.2"), "",
         "error address-duplicate router pe3 router-id\n"},
        {ROUTERS, TUNNEL("t", "pe9", ""), "error router-unknown tunnel t tail\n"},
        {ROUTERS, TUNNEL("t", "pe1", ""), "error same-router tunnel t tail\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['p9']"), "error router-unknown tunnel t via\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['pe2']"), "error router-twice tunnel t via\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['p1'], 'avoid': ['p1']"),
         "error router-twice tunnel t via\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'avoid': ['pe1']"), "error router-twice tunnel t avoid\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['192.0.2.1'], 'avoid': ['192.0.2.5', 'srlg-7']"),
         ""},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['p1'], 'strict': true"), ""},
        {ROUTERS, TUNNEL("t", "pe2", ", 'via': ['srlg-7']"), "error no-way-point tunnel t via\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'avoid': ['srlg-4294967296']"),
         "error router-unknown tunnel t avoid\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'avoid': ['192.0.2.256']"),
         "error router-unknown tunnel t avoid\n"},
        {ROUTERS "," ROUTER("srlg-7", "10.0.0.4"), TUNNEL("t", "pe2", ", 'via': ['srlg-7']"), ""},
        {ROUTERS, TUNNEL("t", "pe2", ", 'include-all': 6, 'exclude-any': 2"),
         "error groups-contradict tunnel t include-all\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'diverse-from': 't'"),
         "error same-tunnel tunnel t diverse-from\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'diverse-from': 'u'"),
         "error tunnel-unknown tunnel t diverse-from\n"},
        {ROUTERS, TUNNEL("t", "pe2", ", 'diverse-from': 'u'") "," TUNNEL("u", "pe2", ""), ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text;
        if (asprintf(&text,
                     "{'" INVENTORY_MODULE "': {'site': [{'name': 'south', 'kind': 'wan'}]},"
                     " '" WAN_MODULE "': {'router': [%s], 'tunnel': [%s]}}",
                     cases[i].routers, cases[i].tunnels) < 0)
            abort();
        struct network *network = network_quoted(text);
        assert_findings(network, cases[i].expected);
        network_free(network);
        free(text);
    }
}

#define EDGE(name, id)                                                                             \
    "{'name': '" name "', 'kind': 'tieline-edge', 'site': 'south',"                                \
    " 'datapath-id': '000000000000000" id "', 'management-address': '10.255.0." id "',"            \
    " 'port': [{'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'}]}"
#define CARRIER(rate, rest)                                                                        \
    "{'name': 't', 'head': 'pe1', 'tail': 'pe2', 'rate-kbps': " rate rest "}"
#define CARRIED_AT(name, port, tunnel, risk)                                                       \
    "{'name': '" name "', 'a': {'node': 'x', 'port': " port "}, 'b': {'node': 'y', 'port': " port  \
    "}, 'delay-us': 500, 'capacity-kbps': 4000, 'shared-risks': ['" risk "'],"                     \
    " 'tunnel': '" tunnel "'}"
#define CARRIED(name, port, tunnel) CARRIED_AT(name, port, tunnel, "wan")

static void
a_tunnel_keeps_what_its_links_promise(void **state UNUSED)
{
    const struct {
        const char *links, *tunnel, *expected;
    } cases[] = {
        {CARRIED("l", "1", "t"), CARRIER("4000", ", 'max-latency-us': 500"), ""},
        {CARRIED("l", "1", "u"), CARRIER("4000", ", 'max-latency-us': 500"),
         "error tunnel-unknown link l tunnel\n"},
        {CARRIED("l", "1", "t"), CARRIER("3999", ", 'max-latency-us': 500"),
         "error tunnel-narrow link l tunnel\n"},
        {CARRIED("l", "1", "t") "," CARRIED("m", "2", "t"),
         CARRIER("7999", ", 'max-latency-us': 500"), "error tunnel-narrow link m tunnel\n"},
        {CARRIED("l", "1", "t") "," CARRIED("m", "2", "t"),
         CARRIER("8000", ", 'max-latency-us': 500"), ""},
        {CARRIED("l", "1", "t") "," CARRIED_AT("m", "2", "t", "other"),
         CARRIER("8000", ", 'max-latency-us': 500"), "error tunnel-risk link m tunnel\n"},
        {CARRIED("l", "1", "t"), CARRIER("4000", ""), "error tunnel-slow link l tunnel\n"},
        {CARRIED("l", "1", "t"), CARRIER("4000", ", 'max-latency-us': 501"),
         "error tunnel-slow link l tunnel\n"},
        {CARRIED("l", "1", "t"),
         CARRIER("4000", ", 'max-latency-us': 500, 'window': {'start': '2026-01-01T00:00:00Z',"
                         " 'end': '2026-01-02T00:00:00Z'}"),
         "error tunnel-window link l tunnel\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text;
        if (asprintf(&text,
                     "{'" INVENTORY_MODULE "': {'site': [{'name': 'south', 'kind': 'wan'}],"
                     "  'node': [" EDGE("x", "1") "," EDGE(
                         "y", "2") "], 'link': [%s]},"
                                   " '" WAN_MODULE "': {'router': [" ROUTERS "], 'tunnel': [%s]}}",
                     cases[i].links, cases[i].tunnel) < 0)
            abort();
        struct network *network = network_quoted(text);
        assert_findings(network, cases[i].expected);
        network_free(network);
        free(text);
    }
}

/* A pseudowire between two routers. */
static void
put_vpn(struct network *net, const char *vpn, const char *tunnel, const char *far)
{
    struct vpn *v = object_new(OBJECT_VPN);
    v->name = xstrdup(vpn);
    v->service = xasprintf(
        "{\"ietf-l2vpn-ntw:l2vpn-ntw\":{\"vpn-services\":{\"vpn-service\":[{\"vpn-id\":\"%s\","
        "\"vpn-type\":\"ietf-vpn-common:vpws\",\"underlay-transport\":{\"transport-instance-id\":"
        "\"%s\"},\"vpn-nodes\":{\"vpn-node\":[{\"vpn-node-id\":\"a\",\"ne-id\":\"pe1\","
        "\"signaling-option\":{\"ac-pw-list\":[{\"peer-addr\":\"10.0.0.2\",\"vc-id\":7}]},"
        "\"vpn-network-accesses\":{\"vpn-network-access\":[{\"id\":\"l\",\"interface-id\":\"ac1\"}]"
        "}},"
        "{\"vpn-node-id\":\"b\",\"ne-id\":\"%s\","
        "\"signaling-option\":{\"ac-pw-list\":[{\"peer-addr\":\"10.0.0.1\",\"vc-id\":7}]},"
        "\"vpn-network-accesses\":{\"vpn-network-access\":[{\"id\":\"l\",\"interface-id\":\"ac1\"}]"
        "}}"
        "]}}]}}}",
        vpn, tunnel, far);
    network_put_vpn(net, v);
}

static void
a_vpn_makes_the_link_that_its_tunnel_carries(void **state UNUSED)
{
    const struct {
        const char *vpn, *tunnel, *far, *other, *expected;
    } cases[] = {
        {"v", "t", "pe2", "", ""},
        {"w", "t", "pe2", "", "error vpn-unknown link l vpn\n"},
        {"v", "u", "pe2", "", "error vpn-tunnel link l vpn\n"},
        {"v", "t", "p1", "", "error vpn-ends link l vpn\n"},
        {"v", "t", "pe2", ", 'vpn': 'v'", "error vpn-twice link m vpn\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf(
            "{'" INVENTORY_MODULE "': {'site': [{'name': 'south', 'kind': 'wan'}],"
            "  'node': [" EDGE("x", "1") "," EDGE("y", "2") "], 'link': [" CARRIED(
                "l", "1",
                "t', 'vpn': 'v") "," CARRIED("m", "2",
                                             "t%s") "]},"
                                                    " '" WAN_MODULE "': {'router': [" ROUTERS
                                                    "], 'tunnel': [" CARRIER(
                                                        "9000",
                                                        ", 'max-latency-us': "
                                                        "500") "," TUNNEL("u", "pe2", "") "]"
                                                                                          "}"
                                                                                          "}",
            *cases[i].other ? "', 'vpn': 'v" : "");
        struct network *network = network_quoted(text);
        put_vpn(network, cases[i].vpn, cases[i].tunnel, cases[i].far);
        assert_findings(network, cases[i].expected);
        network_free(network);
        free(text);
    }
}

#define NODE(name, rest) "{'name': '" name "', 'kind': 'openflow', " rest "}"
#define HOST(name, rest) "{'name': '" name "', " rest "}"
#define LINK(name, rest) "{'name': '" name "', 'delay-us': 1, 'capacity-kbps': 1, " rest "}"
#define END(node, port) "{'node': '" node "', 'port': " port "}"
#define X3 "'node': 'x', 'port': 3"
#define MAC3 "'mac': '02:00:00:00:00:03'"

static void
what_is_wrong_with_the_inventory_is_found(void **state UNUSED)
{
    const struct {
        const char *list, *objects, *expected;
    } cases[] = {
        {"node", NODE("z", "'site': 'east', 'datapath-id': '0000000000000003'"),
         "error site-unknown node z site\nwarning island node z -\n"},
        {"node", NODE("z", "'site': 'south', 'datapath-id': '0000000000000002'"),
         "error datapath-id-duplicate node z datapath-id\nwarning island node z -\n"},
        {"node",
         NODE("y", "'site': 'south', 'datapath-id': '0000000000000002', 'management-address':"
                   " '10.255.0.1', 'port': [{'number': 1, 'name': 'a'}, {'number': 2, 'name':"
                   " 'b'}, {'number': 3, 'name': 'c'}]"),
         "error address-duplicate node y management-address\n"},
        {"link", LINK("l", "'a': " END("x", "3") ", 'b': " END("z", "1")),
         "error node-unknown link l b/node\n"},
        {"link", LINK("l", "'a': " END("x", "9") ", 'b': " END("y", "4")),
         "error port-unknown link l a/port\n"},
        {"link", LINK("l", "'a': " END("x", "1") ", 'b': " END("y", "3")),
         "error port-occupied link l a/port\nerror port-occupied host relay port\n"},
        {"link", LINK("l", "'a': " END("x", "3") ", 'b': " END("x", "4")),
         "error link-loop link l b/node\n"},
        {"host", HOST("h", MAC3 ", 'node': 'z', 'port': 1"), "error node-unknown host h node\n"},
        {"host", HOST("h", MAC3 ", 'node': 'x', 'port': 7"), "error port-unknown host h port\n"},
        {"host", HOST("h", MAC3 ", 'node': 'x', 'port': 2"), "error port-occupied host h port\n"},
        {"host", HOST("h", "'mac': '02:00:00:20:00:21', " X3), "error mac-duplicate host h mac\n"},
        {"host", HOST("h", "'mac': '01:0c:cd:01:00:01', " X3),
         "error mac-not-unicast host h mac\n"},
        {"host", HOST("h", MAC3 ", 'ied': 'relay', " X3), "error ied-duplicate host h ied\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.20.0.11/24', " X3),
         "error address-duplicate host h ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.30.0.0/24', " X3),
         "error address-unusable host h ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.30.0.255/24', " X3),
         "error address-unusable host h ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.30.0.0/31', " X3), ""},
        {"host", HOST("h", MAC3 ", 'ipv4': '127.0.0.1/8', " X3),
         "error address-unusable host h ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '224.0.0.5/24', " X3),
         "error address-unusable host h ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.30.0.5/24', 'gateway': '10.31.0.1', " X3),
         "error gateway-outside host h gateway\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.30.0.5/24', 'gateway': '10.30.0.5', " X3),
         "error gateway-outside host h gateway\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.20.0.99/16', " X3),
         "warning subnet-overlap host rtu ipv4\n"},
        {"host", HOST("h", MAC3 ", 'ipv4': '10.20.0.99/25', " X3),
         "warning subnet-overlap host h ipv4\n"},
        {"design",
         "{'circuit': 'c', 'number': 1, 'disjoint': 'none', 'primary': {'links':"
         " ['x-y', 'gone']}}",
         "warning circuit-unknown design c circuit\nwarning link-unknown design c primary/links\n"},
        {"design",
         "{'circuit': 'c', 'number': 1, 'disjoint': 'none'}, {'circuit': 'd', 'number':"
         " 1, 'disjoint': 'none'}",
         "warning circuit-unknown design c circuit\nwarning circuit-unknown design d circuit\n"
         "error number-duplicate design d number\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = small_network_with(cases[i].list, cases[i].objects);
        assert_findings(network, cases[i].expected);
        network_free(network);
    }
}

static void
two_ports_of_one_name_are_found(void **state UNUSED)
{
    struct network *network = network_quoted("{" SMALL_INVENTORY "}");
    struct node *x = network_node(network, "x");
    strcpy(x->ports[3].name, "p1"); /* no document can say this, but two edits could */
    assert_findings(network, "error name-duplicate port x/4 name\n");
    network_free(network);
}

/* ---- Circuits ----------------------------------------------------------------------------------
 */

#define REST "'service-class': 'scada', 'rate-kbps': 100"
#define IP(name, ip, rest) "{'name': '" name "', 'ip': {" ip "}, " REST rest "}"
#define MULTICAST(name, m, rest)                                                                   \
    "{'name': '" name "', 'multicast': {" m ", 'subscribers': ['rtu']}, " REST rest "}"
#define TCP "'protocol': 'tcp', 'client': 'fep', 'server': 'rtu', 'server-ports': "
#define UDP "'protocol': 'udp', 'client': 'fep', 'server': 'rtu', 'server-ports': "
#define RELAY "'application': 'goose', 'publisher': 'relay', "
#define GOOSE(from, mac, vlan, appid)                                                              \
    "'application': 'goose', 'publisher': '" from "', 'mac': '01:0c:cd:01:00:" mac                 \
    "', 'vlan-id': " vlan ", 'appid': '" appid "'"
#define WINDOW(from, to)                                                                           \
    ", 'window': {'start': '2026-03-01T0" from ":00:00Z', 'end': '2026-03-01T0" to ":00:00Z'}"

static const struct {
    const char *circuits, *expected;
} circuit_cases[] = {
    {IP("c", "'protocol': 'icmp', 'client': 'fep', 'server': 'rtu'", ""), ""},
    {IP("c", "'protocol': 'icmp', 'client': 'fap', 'server': 'rtu'", ""),
     "error host-unknown circuit c ip/client\n"},
    {IP("c", "'protocol': 'icmp', 'client': 'fep', 'server': 'fep'", ""),
     "error same-host circuit c ip/server\n"},
    {IP("c", "'protocol': 'icmp', 'client': 'fep', 'server': 'relay'", ""),
     "error address-missing circuit c ip/server\n"},
    {IP("c", UDP "[862]", ""), "error port-reserved circuit c ip/server-ports\n"},
    {IP("c", TCP "[862]", ""), ""},
    {IP("c", UDP "[123], 'client-port': 862", ""),
     "error port-reserved circuit c ip/client-port\n"},
    {IP("c", TCP "[1]", ", 'burst-octets': 1517"), "warning burst-small circuit c burst-octets\n"},
    {MULTICAST("c", GOOSE("gone", "01", "1", "0001"), ""),
     "error host-unknown circuit c multicast/publisher\n"},
    {MULTICAST("c", GOOSE("rtu", "01", "1", "0001"), ""),
     "error same-host circuit c multicast/subscribers\n"},
    {MULTICAST("c", RELAY "'mac': '02:0c:cd:01:00:01', 'appid': '0001'", ""),
     "error mac-not-group circuit c multicast/mac\n"},
    {MULTICAST("c", RELAY "'mac': '01:0c:cd:04:00:01', 'appid': '4001'", ""),
     "info mac-unusual circuit c multicast/mac\ninfo appid-unusual circuit c multicast/appid\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "8001"), ""), ""}, /* type 1A, a trip */

    /* Two that let the same packets pass. */
    {IP("c", TCP "[1, 5, 7]", "") "," IP("d", TCP "[2, 5, 7]", ""),
     "error conversation-duplicate circuit d ip/server-ports\n"},
    {IP("c", TCP "[1, 5, 7]", "") "," IP("d", TCP "[2, 6]", ""), ""},
    {IP("c", TCP "[5]", "") "," IP("d", UDP "[5]", ""), ""},
    {IP("c", TCP "[5], 'client-port': 1", "") "," IP("d", TCP "[5], 'client-port': 2", ""), ""},
    {IP("c", TCP "[5], 'client-port': 1", "") "," IP("d", TCP "[5]", ""),
     "error conversation-duplicate circuit d ip/server-ports\n"},
    {IP("c", TCP "[5]", WINDOW("1", "3")) "," IP("d", TCP "[5]", WINDOW("3", "4")), ""},
    {IP("c", TCP "[5]", WINDOW("1", "3")) "," IP("d", TCP "[5]", WINDOW("2", "4")),
     "error conversation-duplicate circuit d ip/server-ports\n"},
    {IP("c", TCP "[5]", WINDOW("1", "3")) "," IP("d", TCP "[5]", ""),
     "error conversation-duplicate circuit d ip/server-ports\n"},
    {IP("c", "'protocol': 'icmp', 'client': 'fep', 'server': 'rtu'",
        "") "," IP("d", "'protocol': 'icmp', 'client': 'fep', 'server': 'rtu'", ""),
     "error conversation-duplicate circuit d ip/protocol\n"},
    {IP("c", "'protocol': 'icmp', 'client': 'fep', 'server': 'rtu'",
        "") "," IP("d", "'protocol': 'icmp', 'client': 'rtu', 'server': 'fep'", ""),
     ""},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"),
               "") "," MULTICAST("d", GOOSE("fep", "01", "1", "0001"), ""),
     "error multicast-duplicate circuit d multicast/mac\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"),
               "") "," MULTICAST("d", GOOSE("relay", "01", "1", "0002"), ""),
     "error multicast-duplicate circuit d multicast/mac\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"),
               "") "," MULTICAST("d", GOOSE("fep", "01", "1", "0002"), ""),
     "warning multicast-shared circuit d multicast/mac\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"),
               "") "," MULTICAST("d", GOOSE("fep", "02", "1", "0001"), ""),
     "warning appid-duplicate circuit d multicast/appid\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"),
               "") "," MULTICAST("d", GOOSE("fep", "01", "2", "0001"), ""),
     "warning appid-duplicate circuit d multicast/appid\n"},
    {MULTICAST("c", GOOSE("relay", "01", "1", "0001"), WINDOW("1", "2")) "," MULTICAST(
         "d", GOOSE("fep", "01", "1", "0001"), WINDOW("2", "3")),
     ""},
};

static void
what_is_wrong_with_circuits_is_found(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(circuit_cases); i++) {
        struct network *network = small_network_with("circuit", circuit_cases[i].circuits);
        assert_findings(network, circuit_cases[i].expected);
        network_free(network);
    }
}

/* Checked alone, before it is put, the last circuit has the findings it has among the others. */
static void
one_circuit_alone_is_checked_alike(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(circuit_cases); i++) {
        struct network *network = small_network_with("circuit", circuit_cases[i].circuits);
        struct findings findings = {0};
        const struct circuit *last = network->circuits;
        while (last->hh.next)
            last = last->hh.next;
        struct circuit *alone = circuit_copy(last);
        assert_ok(network_remove_circuit(network, alone->name));
        network_check_circuit(network, alone, &findings);
        char *found = summary(&findings);
        assert_string_equal(found, circuit_cases[i].expected);
        free(found);
        findings_fini(&findings);
        circuit_free(alone);
        network_free(network);
    }
}

static void
a_circuit_is_not_compared_with_itself(void **state UNUSED)
{
    struct network *network = small_network_with("circuit", MODBUS_CIRCUIT);
    struct findings findings = {0};
    network_check_circuit(network, network_circuit(network, "scada-rtu"), &findings);
    assert_int_equal(findings.n, 0);
    network_free(network);
}

static void
what_no_document_can_say_is_found_too(void **state UNUSED)
{
    struct network *network = small_network_with("circuit", MODBUS_CIRCUIT "," GOOSE_CIRCUIT);
    struct circuit *modbus = network_circuit(network, "scada-rtu");
    modbus->ip.protocol = 132;
    modbus->ip.n_server_ports = 0;
    modbus->rate_kbps = 0;
    struct circuit *goose = network_circuit(network, "goose-trip");
    goose->window.end = goose->window.start;
    uint32_t n = goose->multicast.n_subscribers;
    goose->multicast.n_subscribers = 0;
    assert_findings(network, "error protocol-unsupported circuit scada-rtu ip/protocol\n"
                             "error server-port-missing circuit scada-rtu ip/server-ports\n"
                             "error rate-missing circuit scada-rtu rate-kbps\n"
                             "error subscriber-missing circuit goose-trip multicast/subscribers\n"
                             "error window-invalid circuit goose-trip window/end\n");
    goose->multicast.n_subscribers = n;
    modbus->ip.n_server_ports = 1;
    network_free(network);
}

static void
a_host_without_gateway_stays_in_its_subnet(void **state UNUSED)
{
    struct network *network = small_network_with(
        "host", HOST("near", MAC3 ", 'ipv4': '10.10.0.12/24', " X3));
    json_t *json = json_quoted(
        IP("c", "'protocol': 'icmp', 'client': 'near', 'server': 'rtu'", ""));
    struct circuit *circuit;
    assert_ok(circuit_from_json(json, &circuit, NULL));
    network_put_circuit(network, circuit);
    assert_findings(network, "error gateway-missing circuit c ip/client\n");
    free(circuit->ip.server);
    circuit->ip.server = strdup("fep");
    assert_findings(network, "");
    json_decref(json);
    network_free(network);
}

static void
islands_are_found_and_circuits_across_them(void **state UNUSED)
{
    struct network *network = small_network_with("circuit", MODBUS_CIRCUIT "," GOOSE_CIRCUIT);
    assert_ok(network_remove_link(network, "x-y"));
    assert_findings(network, "warning island node y -\nerror no-path circuit scada-rtu -\n"
                             "error no-path circuit goose-trip -\n");
    network_free(network);
}

/* ---- Findings ----------------------------------------------------------------------------------
 */

static void
findings_are_written_as_text_and_json(void **state UNUSED)
{
    struct findings findings = {0};
    struct finding *f = findings_add(&findings, SEVERITY_ERROR, "port-occupied", "host", "h",
                                     "port", "host %s is there", "i");
    f->file = strdup("hosts.csv");
    f->line = 7;
    f->column = 12;
    findings_add(&findings, SEVERITY_INFO, "odd", "file", "", NULL, "looks odd");
    struct buf out = BUF_INIT;
    findings_to_text(&findings, &out);
    assert_string_equal(buf_cstr(&out),
                        "hosts.csv:7:12: error: host h: port: host i is there [port-occupied]\n"
                        "info: file: looks odd [odd]\n");
    json_t *json = findings_to_json(&findings);
    json_t *expected = json_quoted(
        "[{'severity': 'error', 'code': 'port-occupied', 'kind': 'host', 'object': 'h', 'field':"
        " 'port', 'file': 'hosts.csv', 'line': 7, 'column': 12, 'text': 'host i is there'},"
        " {'severity': 'info', 'code': 'odd', 'kind': 'file', 'text': 'looks odd'}]");
    assert_true(json_equal(json, expected));
    json_decref(json);
    json_decref(expected);
    buf_fini(&out);
    findings_fini(&findings);
}

static void
too_many_findings_are_counted(void **state UNUSED)
{
    struct findings findings = {0};
    for (int i = 0; i < FINDINGS_MAX + 5; i++)
        findings_add(&findings, SEVERITY_WARNING, "odd", "thing", "x", NULL, "%d", i);
    assert_int_equal(findings.n, FINDINGS_MAX);
    assert_int_equal(findings.counts[SEVERITY_WARNING], FINDINGS_MAX + 5);
    struct buf out = BUF_INIT;
    findings_to_text(&findings, &out);
    assert_non_null(strstr(buf_cstr(&out), "\nand 5 more\n"));
    buf_fini(&out);
    findings_fini(&findings);
}

TEST_MAIN(cmocka_unit_test(a_sound_network_has_no_findings),
          cmocka_unit_test(what_is_wrong_with_the_wan_is_found),
          cmocka_unit_test(a_tunnel_keeps_what_its_links_promise),
          cmocka_unit_test(a_vpn_makes_the_link_that_its_tunnel_carries),
          cmocka_unit_test(what_is_wrong_with_the_inventory_is_found),
          cmocka_unit_test(two_ports_of_one_name_are_found),
          cmocka_unit_test(what_is_wrong_with_circuits_is_found),
          cmocka_unit_test(one_circuit_alone_is_checked_alike),
          cmocka_unit_test(a_circuit_is_not_compared_with_itself),
          cmocka_unit_test(what_no_document_can_say_is_found_too),
          cmocka_unit_test(a_host_without_gateway_stays_in_its_subnet),
          cmocka_unit_test(islands_are_found_and_circuits_across_them),
          cmocka_unit_test(findings_are_written_as_text_and_json),
          cmocka_unit_test(too_many_findings_are_counted))
