/* Whatever a circuit's rules let in at a port follows from what a sensor is told of it. */
#include "sensors/circuits.h"

#include "engineer/design.h"
#include "engineer/plan.h"
#include "engineer/testing.h"

/* A packet, as a rule at an edge port wants it; what it does not want is 0. */
struct wanted {
    char src[MAC_TEXT_SIZE], dst[MAC_TEXT_SIZE];
    uint64_t eth_type, vlan, proto, tp_src, tp_dst, arp_op;
    char ip_src[IPV4_TEXT_SIZE], ip_dst[IPV4_TEXT_SIZE], tpa[IPV4_TEXT_SIZE];
};

static uint64_t
field_of(const struct match *m, enum field field)
{
    return match_has(m, field) ? flow_key_get(&m->value, field) : 0;
}

static void
mac_of(const struct match *m, enum field field, char *text)
{
    struct mac mac;
    *text = '\0';
    if (!match_has(m, field))
        return;
    memcpy(mac.octets, flow_key_field_const(&m->value, field), 6);
    mac_format(&mac, text);
}

static void
ipv4_of(const struct match *m, enum field field, char *text)
{
    *text = '\0';
    if (match_has(m, field))
        ipv4_format((uint32_t)field_of(m, field), text);
}

static struct wanted
wanted_by(const struct match *m)
{
    bool tcp = field_of(m, FIELD_IP_PROTO) == IP_PROTO_TCP;
    struct wanted w = {.eth_type = field_of(m, FIELD_ETH_TYPE),
                       .vlan = field_of(m, FIELD_VLAN_VID),
                       .proto = field_of(m, FIELD_IP_PROTO),
                       .tp_src = field_of(m, tcp ? FIELD_TCP_SRC : FIELD_UDP_SRC),
                       .tp_dst = field_of(m, tcp ? FIELD_TCP_DST : FIELD_UDP_DST),
                       .arp_op = field_of(m, FIELD_ARP_OP)};
    mac_of(m, FIELD_ETH_SRC, w.src);
    mac_of(m, FIELD_ETH_DST, w.dst);
    ipv4_of(m, w.arp_op ? FIELD_ARP_SPA : FIELD_IPV4_SRC, w.ip_src);
    ipv4_of(m, FIELD_IPV4_DST, w.ip_dst);
    ipv4_of(m, FIELD_ARP_TPA, w.tpa);
    return w;
}

/* ---- What a sensor makes of it (doc/sensor.md) ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static uint64_t
number_of(const json_t *json, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(json, name));
}

static bool
has_number(const json_t *list, uint64_t number)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if ((uint64_t)json_integer_value(json_array_get(list, i)) == number)
            return true;
    }
    return false;
}

/* To the peer, or to the gateway that stands for it; from oneself, or from the far gateway. */
static bool
are_macs(const struct wanted *w, const json_t *from, const json_t *to)
{
    const char *near = text_of(from, "gateway-mac"), *far = text_of(to, "gateway-mac");
    bool enters = !strcmp(w->src, text_of(from, "mac")) &&
                  !strcmp(w->dst, *near ? near : text_of(to, "mac"));
    bool arrives = !strcmp(w->src, *far ? far : text_of(from, "mac")) &&
                   !strcmp(w->dst, text_of(to, "mac"));
    return enters || arrives;
}

static bool
is_ip_between(const struct wanted *w, const json_t *from, const json_t *to)
{
    return w->eth_type == ETH_TYPE_IPV4 && w->vlan == 0 && are_macs(w, from, to) &&
           !strcmp(w->ip_src, text_of(from, "ip")) && !strcmp(w->ip_dst, text_of(to, "ip"));
}

static bool
is_arp_for(const struct wanted *w, const json_t *from, const json_t *to)
{
    const char *gateway = text_of(from, "gateway");
    return w->eth_type == ETH_TYPE_ARP && w->arp_op == 1 && !strcmp(w->src, text_of(from, "mac")) &&
           !strcmp(w->ip_src, text_of(from, "ip")) &&
           !strcmp(w->tpa, *gateway ? gateway : text_of(to, "ip"));
}

static bool
allows_way(const json_t *c, const struct wanted *w, const json_t *from, const json_t *to, bool back)
{
    uint64_t server = back ? w->tp_src : w->tp_dst, client = back ? w->tp_dst : w->tp_src;
    const json_t *tests = json_object_get(c, "test-ports");
    if (is_arp_for(w, from, to))
        return true;
    if (!is_ip_between(w, from, to))
        return false;
    if (w->proto == IP_PROTO_UDP && server == number_of(c, "test-server-port") &&
        has_number(tests, client))
        return true;
    if (w->proto != number_of(c, "ip_proto"))
        return false;
    if (w->proto == IP_PROTO_ICMP)
        return true;
    return has_number(json_object_get(c, "ports"), server) && client == number_of(c, "client-port");
}

static bool
allows_multicast(const json_t *c, const struct wanted *w)
{
    const json_t *publisher = json_array_get(json_object_get(c, "ends"), 0),
                 *vlan = json_object_get(c, "vlan");
    uint64_t own = vlan ? 0x1000 | (uint64_t)json_integer_value(vlan) : 0;
    bool frame = !strcmp(w->src, text_of(publisher, "mac")) && !strcmp(w->dst, text_of(c, "mac"));
    bool marked = has_number(json_object_get(c, "marks"), w->vlan & 0xfff);
    if (!frame || (w->vlan != own && !marked))
        return false;
    if (w->eth_type == number_of(c, "eth_type"))
        return true;
    return w->eth_type == ETH_TYPE_IPV4 && w->proto == IP_PROTO_UDP &&
           w->tp_dst == number_of(c, "test-server-port") &&
           has_number(json_object_get(c, "test-ports"), w->tp_src) &&
           !strcmp(w->ip_src, text_of(c, "test-from")) && !strcmp(w->ip_dst, text_of(c, "test-to"));
}

static bool
allows(const json_t *c, const struct wanted *w)
{
    const json_t *ends = json_object_get(c, "ends"), *a = json_array_get(ends, 0),
                 *b = json_array_get(ends, 1);
    if (!strcmp(text_of(c, "kind"), "multicast"))
        return allows_multicast(c, w);
    return allows_way(c, w, a, b, false) || allows_way(c, w, b, a, true);
}

/* ---- Networks ---- */

static void
design(struct network *net, const struct circuit *c)
{
    struct designer *designer = designer_new(net);
    struct design *d;
    struct diag diag = {""};
    if (designer_add(designer, c, &d, &diag))
        fail_msg("%s", diag.text);
    designer_free(designer);
    network_put_design(net, d);
}

/* Every flow of a conversation on every node: those of ports of hosts, and those between. */
static unsigned
compare(const struct network *net)
{
    struct plan *plan;
    struct diag diag = {""};
    const char **nodes;
    unsigned n_compared = 0;
    json_t *told = json_array();
    for (const struct circuit *c = net->circuits; c; c = c->hh.next)
        json_array_append_new(told,
                              sensors_circuit_json(net, c, network_design(net, c->name), true));
    assert_ok(plan_network(net, &plan, &diag));
    uint32_t n = plan_nodes(plan, &nodes);
    for (uint32_t i = 0; i < n; i++) {
        struct rule_list rules;
        plan_rules(plan, nodes[i], &rules);
        for (uint32_t k = 0; k < rules.n; k++) {
            const struct flow *f = rules.list[k].kind == RULE_FLOW ? rules.list[k].flow : NULL;
            if (!f || f->priority != PRIORITY_CONVERSATION)
                continue;
            struct wanted w = wanted_by(&f->match);
            size_t at = 0;
            while (at < json_array_size(told) && !allows(json_array_get(told, at), &w))
                at++;
            if (at == json_array_size(told)) {
                struct buf text = BUF_INIT;
                match_format(&f->match, &text);
                fail_msg("%s: no circuit is told that lets in %s", nodes[i], buf_cstr(&text));
            }
            n_compared++;
        }
        free(rules.list);
    }
    free(nodes);
    plan_free(plan);
    json_decref(told);
    return n_compared;
}

/* ---- Tests ---- */

static void
rules_follow_from_what_is_told(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *ping = test_tcp(net, "ping", "fep", "rtu-b", 1), *fixed, *near, *untagged;
    ping->ip.protocol = IP_PROTO_ICMP;
    ping->ip.n_server_ports = 0;
    design(net, ping);
    design(net, test_tcp(net, "scada", "fep", "rtu-a", 502));
    fixed = test_tcp(net, "fixed", "hist", "rtu-b", 123);
    fixed->ip.protocol = IP_PROTO_UDP;
    fixed->ip.client_port = 123;
    design(net, fixed);
    near = test_tcp(net, "near", "eng-a", "relay-a1", 102); /* of one subnet */
    design(net, near);
    design(net, test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1"));
    untagged = test_goose(net, "values", "relay-b1", "fep rtu-b");
    untagged->multicast.application = MULTICAST_SV;
    untagged->multicast.vlan_id = VLAN_UNTAGGED;
    untagged->multicast.mac.octets[5] = 2;
    design(net, untagged);
    assert_true(compare(net) > 60);
    network_free(net);
}

static void
what_a_circuit_is_told_as(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "scada", "fep", "rtu-a", 502);
    design(net, c);
    json_t *told = sensors_circuit_json(net, c, network_design(net, c->name), true);
    char *text = json_dumps(told, JSON_COMPACT);
    assert_string_equal(
        text, "{\"name\":\"scada\",\"kind\":\"ip\",\"active\":true,\"protocol\":\"tcp\",\"eth_"
              "type\":2048,"
              "\"ip_proto\":6,\"test-ports\":[49154,49155],\"test-server-port\":862,\"ends\":["
              "{\"host\":\"fep\",\"site\":\"cc\",\"node\":\"cc1\",\"port\":3,\"mac\":\"02:00:00:10:"
              "00:11\",\"ip\":\"10.16.0."
              "17\",\"role\":\"client\","
              "\"gateway\":\"10.16.0.1\",\"gateway-mac\":\"02:54:0a:10:00:01\"},"
              "{\"host\":\"rtu-a\",\"site\":\"a\",\"node\":\"a2\",\"port\":3,\"mac\":\"02:00:00:20:"
              "00:11\",\"ip\":\"10.32.0."
              "17\",\"role\":\"server\","
              "\"gateway\":\"10.32.0.1\",\"gateway-mac\":\"02:54:0a:20:00:01\"}],\"ports\":[502]}");
    free(text);
    json_decref(told);
    told = sensors_circuit_json(net, c, NULL, true); /* nothing lets it pass */
    assert_true(json_is_false(json_object_get(told, "active")));
    json_decref(told);
    network_free(net);
}

static void
a_site_is_told_of_what_ends_or_passes_there(void **state UNUSED)
{
    static const char *const a[] = {"a", NULL}, *const b[] = {"b", NULL},
                             *const wan[] = {"wan", NULL};
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "scada", "fep", "rtu-a", 502);
    design(net, c);
    const struct design *d = network_design(net, "scada");
    assert_true(sensors_circuit_is_at(net, c, d, NULL));
    assert_true(sensors_circuit_is_at(net, c, NULL, a));
    assert_false(sensors_circuit_is_at(net, c, NULL, b));
    assert_false(sensors_circuit_is_at(net, c, NULL, wan));
    assert_true(sensors_circuit_is_at(net, c, d, wan));
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(rules_follow_from_what_is_told),
          cmocka_unit_test(what_a_circuit_is_told_as),
          cmocka_unit_test(a_site_is_told_of_what_ends_or_passes_there))
