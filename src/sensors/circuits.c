#include "sensors/circuits.h"

#include "base/attr.h"
#include "engineer/compile.h"
#include "packet/redundancy.h"

#include <string.h>

static void
set_text(json_t *json, const char *name, const char *text)
{
    json_object_set_new(json, name, json_string(text));
}

static void
set_number(json_t *json, const char *name, json_int_t number)
{
    json_object_set_new(json, name, json_integer(number));
}

static void
set_mac(json_t *json, const char *name, const struct mac *mac)
{
    char text[MAC_TEXT_SIZE];
    set_text(json, name, mac_format(mac, text));
}

static void
set_ipv4(json_t *json, const char *name, uint32_t ipv4)
{
    char text[IPV4_TEXT_SIZE];
    if (ipv4)
        set_text(json, name, ipv4_format(ipv4, text));
}

/* ---- Ends ---- */

json_t *
sensors_host_json(const struct network *net, const struct host *h)
{
    const struct node *node = network_node(net, h->node);
    json_t *json = json_pack("{ss}", "host", h->name);
    if (node) {
        set_text(json, "site", node->site);
        set_text(json, "node", h->node);
        json_object_set_new(json, "port", json_integer(h->port));
    }
    set_mac(json, "mac", &h->mac);
    set_ipv4(json, "ip", h->ipv4);
    return json;
}

/* A host that is gone has its name only. */
static json_t *
end_json(const struct network *net, const char *name, const char *role)
{
    const struct host *h = network_host(net, name);
    json_t *json = h ? sensors_host_json(net, h) : json_pack("{ss}", "host", name);
    set_text(json, "role", role);
    return json;
}

static bool
is_routed(const struct host *a, const struct host *b)
{
    uint32_t mask = ipv4_mask(a->prefix_length);
    return (a->ipv4 & mask) != (b->ipv4 & mask);
}

/* To whom it sends what is for the peer, where that is in another subnet; and that address's is the
 * source of what reaches it. */
static void
set_gateway(json_t *end, const struct host *h, const struct host *peer)
{
    struct mac mac;
    if (!is_routed(h, peer))
        return;
    gateway_mac(h->gateway, &mac);
    set_ipv4(end, "gateway", h->gateway);
    set_mac(end, "gateway-mac", &mac);
}

/* ---- Tests ---- */

static void
set_tests(json_t *json, const struct design *d)
{
    json_t *ports = json_array();
    json_array_append_new(ports, json_integer(test_port(d->number, false)));
    if (d->has_failover)
        json_array_append_new(ports, json_integer(test_port(d->number, true)));
    json_object_set_new(json, "test-ports", ports);
    set_number(json, "test-server-port", TEST_UDP_PORT);
}

static bool
can_test(const struct network *net, const struct host *a, const struct host *b)
{
    const struct node *x = network_node(net, a->node), *y = network_node(net, b->node);
    return x && y && x != y && node_can_test(x) && node_can_test(y);
}

/* ---- Circuits ---- */

static const char *
protocol_word(uint8_t protocol)
{
    return protocol == IP_PROTO_TCP ? "tcp" : protocol == IP_PROTO_UDP ? "udp" : "icmp";
}

static void
add_ip(json_t *json, const struct network *net, const struct circuit *c, const struct design *d)
{
    const struct ip_service *ip = &c->ip;
    const struct host *client = network_host(net, ip->client),
                      *server = network_host(net, ip->server);
    json_t *ends[2] = {end_json(net, ip->client, "client"), end_json(net, ip->server, "server")};
    json_t *ports = json_array();
    for (uint32_t i = 0; i < ip->n_server_ports; i++)
        json_array_append_new(ports, json_integer(ip->server_ports[i]));
    set_text(json, "protocol", protocol_word(ip->protocol));
    set_number(json, "eth_type", ETH_TYPE_IPV4);
    set_number(json, "ip_proto", ip->protocol);
    if (client && server) {
        set_gateway(ends[0], client, server);
        set_gateway(ends[1], server, client);
        if (d && can_test(net, client, server))
            set_tests(json, d);
    }
    json_object_set_new(json, "ends", json_pack("[oo]", ends[0], ends[1]));
    json_object_set_new(json, "ports", ports);
    if (ip->client_port)
        set_number(json, "client-port", ip->client_port);
}

/* Those of a multicast come from the node of the publisher. */
static void
add_multicast_tests(json_t *json, const struct network *net, const struct host *publisher,
                    const struct design *d)
{
    const struct node *root = network_node(net, publisher->node);
    if (!root || !node_can_test(root))
        return;
    set_tests(json, d);
    set_ipv4(json, "test-from", root->management_address);
    set_ipv4(json, "test-to", test_group(d->number));
}

static void
add_multicast(json_t *json, const struct network *net, const struct circuit *c,
              const struct design *d)
{
    const struct multicast_service *m = &c->multicast;
    const struct host *publisher = network_host(net, m->publisher);
    bool goose = m->application == MULTICAST_GOOSE;
    json_t *ends = json_array();
    json_array_append_new(ends, end_json(net, m->publisher, "publisher"));
    for (uint32_t i = 0; i < m->n_subscribers; i++)
        json_array_append_new(ends, end_json(net, m->subscribers[i], "subscriber"));
    set_text(json, "protocol", goose ? "goose" : "sv");
    set_number(json, "eth_type", goose ? ETH_TYPE_GOOSE : ETH_TYPE_SV);
    set_mac(json, "mac", &m->mac);
    if (m->vlan_id != VLAN_UNTAGGED) {
        set_number(json, "vlan", m->vlan_id);
        set_number(json, "vlan-priority", m->vlan_priority);
    }
    set_number(json, "appid", m->appid);
    json_object_set_new(json, "ends", ends);
    if (publisher && d)
        add_multicast_tests(json, net, publisher, d);
    if (d && d->has_failover)
        json_object_set_new(json, "marks", json_pack("[ii]", VLAN_RETURN, VLAN_FAILOVER));
}

json_t *
sensors_circuit_json(const struct network *net, const struct circuit *c, const struct design *d,
                     bool active)
{
    json_t *json = json_pack("{ss ss sb}", "name", c->name, "kind",
                             c->kind == CIRCUIT_IP ? "ip" : "multicast", "active", active && d);
    if (c->kind == CIRCUIT_IP)
        add_ip(json, net, c, d);
    else
        add_multicast(json, net, c, d);
    return json;
}

/* ---- What Tieline sends ---- */

/* Numbers fixed by doc/edge.md: nothing of the packet nodes is included here. */
static const struct {
    const char *what, *destination, *text;
    json_int_t eth_type;
} own[] = {
    {"discovery", "01:80:c2:00:00:0e", "LLDP by which controllers find links", ETH_TYPE_LLDP},
    {"heartbeat", "01:80:c2:00:00:0e", "from packet node to packet node", 0x88b5},
    {"supervision", "01:15:4e:00:01:00", "PRP and HSR of packet nodes", ETH_TYPE_PRP},
    {"time", "01:80:c2:00:00:0e", "PTP between packet nodes", 0x88f7},
    {"time", "01:1b:19:00:00:00", "PTP of packet nodes", 0x88f7},
};

json_t *
sensors_own_json(const struct network *net)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        json_array_append_new(list, json_pack("{ss ss sI ss}", "what", own[i].what, "mac",
                                              own[i].destination, "eth_type", own[i].eth_type,
                                              "text", own[i].text));
    for (const struct node *n = net->nodes; n; n = n->hh.next) {
        json_t *row = json_pack("{ss ss ss}", "what", "node", "node", n->name, "site", n->site);
        set_ipv4(row, "ip", n->management_address);
        json_array_append_new(list, row);
    }
    return list;
}

/* ---- Where ---- */

static bool
is_among(const char *site, const char *const *sites)
{
    while (*sites && strcmp(*sites, site) != 0)
        sites++;
    return *sites;
}

static bool
node_is_at(const struct network *net, const char *name, const char *const *sites)
{
    const struct node *node = name ? network_node(net, name) : NULL;
    return node && is_among(node->site, sites);
}

static bool
host_is_at(const struct network *net, const char *name, const char *const *sites)
{
    const struct host *h = network_host(net, name);
    return h && node_is_at(net, h->node, sites);
}

static bool
route_is_at(const struct network *net, const struct route *r, const char *const *sites)
{
    for (uint32_t i = 0; i < r->n_links; i++) {
        const struct link *l = network_link(net, r->links[i]);
        if (l && (node_is_at(net, l->a.node, sites) || node_is_at(net, l->b.node, sites)))
            return true;
    }
    return false;
}

bool
sensors_circuit_is_at(const struct network *net, const struct circuit *c, const struct design *d,
                      const char *const *sites)
{
    if (!sites)
        return true;
    if (d && (route_is_at(net, &d->primary, sites) || route_is_at(net, &d->failover, sites)))
        return true;
    if (c->kind == CIRCUIT_IP)
        return host_is_at(net, c->ip.client, sites) || host_is_at(net, c->ip.server, sites);
    for (uint32_t i = 0; i < c->multicast.n_subscribers; i++) {
        if (host_is_at(net, c->multicast.subscribers[i], sites))
            return true;
    }
    return host_is_at(net, c->multicast.publisher, sites);
}
