/* testing.h - networks for the tests of engineer/, built in a few lines. */
#ifndef ENGINEER_TESTING_H
#define ENGINEER_TESTING_H

#include "base/alloc.h"
#include "base/testing.h"
#include "model/model.h"
#include "packet/rule.h"

#include <stdio.h>

static inline UNUSED struct node *
test_node(struct network *net, const char *name)
{
    struct node *node = xcalloc(1, sizeof *node);
    node->name = xstrdup(name);
    node->site = xstrndup(name, strcspn(name, "0123456789")); /* "wan3" is at "wan" */
    node->datapath_id = HASH_COUNT(net->nodes) + 1;
    node->management_address = 0x0aff0000 + (uint32_t)node->datapath_id;
    network_put_node(net, node);
    return node;
}

/* The node's next free port. */
static inline UNUSED uint32_t
test_port_of(struct network *net, const char *name)
{
    struct node *node = network_node(net, name);
    if (!node)
        node = test_node(net, name);
    node->ports = xrealloc(node->ports, node->n_ports + 1, sizeof *node->ports);
    struct port *port = &node->ports[node->n_ports++];
    *port = (struct port){.number = node->n_ports, .name = xasprintf("p%u", node->n_ports)};
    return port->number;
}

/* A link named "a-b". */
static inline UNUSED struct link *
test_link(struct network *net, const char *a, const char *b, uint32_t delay_us,
          uint32_t capacity_kbps)
{
    struct link *link = xcalloc(1, sizeof *link);
    link->name = xasprintf("%s-%s", a, b);
    link->a = (struct link_end){xstrdup(a), test_port_of(net, a)};
    link->b = (struct link_end){xstrdup(b), test_port_of(net, b)};
    link->delay_us = delay_us;
    link->capacity_kbps = capacity_kbps;
    network_put_link(net, link);
    return link;
}

/* 10.S.0.H/24, gateway 10.S.0.1, MAC 02:00:00:S:00:H. */
static inline UNUSED struct host *
test_host(struct network *net, const char *name, const char *node, uint8_t subnet, uint8_t number)
{
    struct host *host = xcalloc(1, sizeof *host);
    host->name = xstrdup(name);
    host->mac = (struct mac){{2, 0, 0, subnet, 0, number}};
    host->ipv4 = 0x0a000000 | (uint32_t)subnet << 16 | number;
    host->prefix_length = 24;
    host->gateway = 0x0a000001 | (uint32_t)subnet << 16;
    host->node = xstrdup(node);
    host->port = test_port_of(net, node);
    network_put_host(net, host);
    return host;
}

static inline UNUSED struct circuit *
test_tcp(struct network *net, const char *name, const char *client, const char *server,
         uint16_t port)
{
    struct circuit *c = xcalloc(1, sizeof *c);
    c->name = xstrdup(name);
    c->kind = CIRCUIT_IP;
    c->ip.client = xstrdup(client);
    c->ip.server = xstrdup(server);
    c->ip.protocol = IP_PROTO_TCP;
    c->ip.n_server_ports = 1;
    c->ip.server_ports = xmemdup(&port, sizeof port);
    c->service_class = CLASS_SCADA;
    c->rate_kbps = 1000;
    c->burst_octets = 15000;
    c->protection = DISJOINT_MAXIMAL;
    network_put_circuit(net, c);
    return c;
}

/* Subscribers in one string, separated by spaces, sorted. */
static inline UNUSED struct circuit *
test_goose(struct network *net, const char *name, const char *publisher, const char *subscribers)
{
    struct circuit *c = xcalloc(1, sizeof *c);
    char *copy = xstrdup(subscribers), *save = NULL;
    c->name = xstrdup(name);
    c->kind = CIRCUIT_MULTICAST;
    c->multicast.publisher = xstrdup(publisher);
    for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
        struct multicast_service *m = &c->multicast;
        m->subscribers = xrealloc(m->subscribers, m->n_subscribers + 1, sizeof(char *));
        m->subscribers[m->n_subscribers++] = xstrdup(s);
    }
    free(copy);
    c->multicast.mac = (struct mac){{0x01, 0x0c, 0xcd, 0x01, 0x00, 0x01}};
    c->multicast.vlan_id = 10;
    c->multicast.vlan_priority = 4;
    c->multicast.appid = 1;
    c->service_class = CLASS_PROTECTION;
    c->rate_kbps = 1000;
    c->burst_octets = 3000;
    c->protection = DISJOINT_MAXIMAL;
    network_put_circuit(net, c);
    return c;
}

static inline UNUSED void
test_site(struct network *net, const char *name, enum site_kind kind)
{
    struct site *site = xcalloc(1, sizeof *site);
    site->name = xstrdup(name);
    site->kind = kind;
    network_put_site(net, site);
}

/* The lab: a control centre, four WAN nodes in a ring with a chord, a ring of three switches in
 * substation A, two switches in substation B. */
static inline UNUSED struct network *
test_lab(void)
{
    struct network *net = network_new();
    static const struct {
        const char *a, *b;
        uint32_t delay_us, capacity_kbps;
    } links[] = {
        {"cc1", "wan1", 500, 100000},   {"cc1", "wan2", 500, 100000},
        {"wan1", "wan2", 2000, 100000}, {"wan2", "wan3", 2000, 100000},
        {"wan3", "wan4", 2000, 100000}, {"wan4", "wan1", 2000, 100000},
        {"wan1", "wan3", 3000, 100000}, {"a1", "wan4", 500, 100000},
        {"a3", "wan3", 500, 100000},    {"b1", "wan2", 500, 100000},
        {"b2", "wan3", 500, 100000},    {"a1", "a2", 5, 1000000},
        {"a2", "a3", 5, 1000000},       {"a3", "a1", 5, 1000000},
        {"b1", "b2", 5, 1000000},
    };
    static const struct {
        const char *name, *node;
        uint8_t subnet, number;
    } hosts[] = {
        {"fep", "cc1", 16, 17},     {"hist", "cc1", 16, 18},    {"rtu-a", "a2", 32, 17},
        {"relay-a1", "a1", 32, 33}, {"relay-a2", "a3", 32, 34}, {"eng-a", "a2", 32, 49},
        {"rtu-b", "b1", 48, 17},    {"relay-b1", "b2", 48, 33},
    };
    test_site(net, "cc", SITE_CONTROL_CENTRE);
    test_site(net, "wan", SITE_WAN);
    test_site(net, "a", SITE_SUBSTATION);
    test_site(net, "b", SITE_SUBSTATION);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        test_link(net, links[i].a, links[i].b, links[i].delay_us, links[i].capacity_kbps);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        test_host(net, hosts[i].name, hosts[i].node, hosts[i].subnet, hosts[i].number);
    network_node(net, "b2")->kind = NODE_OPENVSWITCH;
    network_node(net, "b2")->probe = true;
    return net;
}

#endif
