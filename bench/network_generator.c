#include "bench/network_generator.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATION_SIZE 6
#define HOSTS_PER_STATION 18
#define CENTRE_HOSTS 20
#define WAN_MIN 9 /* nodes in the WAN ring, at least */

struct generator {
    struct network *net;
    uint32_t n_wan, n_stations;
};

static uint32_t
new_port(struct network *net, const char *name)
{
    struct node *node = network_node(net, name);
    node->ports = xrealloc(node->ports, node->n_ports + 1, sizeof *node->ports);
    node->ports[node->n_ports] = (struct port){.number = node->n_ports + 1,
                                               .name = xasprintf("p%u", node->n_ports + 1)};
    return ++node->n_ports;
}

static void
add_node(struct network *net, const char *site, const char *name)
{
    struct node *node = xcalloc(1, sizeof *node);
    node->name = xstrdup(name);
    node->site = xstrdup(site);
    node->datapath_id = HASH_COUNT(net->nodes) + 1;
    node->management_address = 0x0aff0000 + (uint32_t)node->datapath_id;
    network_put_node(net, node);
}

static void
add_link(struct network *net, const char *a, const char *b, uint32_t delay_us, uint32_t kbps)
{
    struct link *link = xcalloc(1, sizeof *link);
    link->name = xasprintf("%s-%s", a, b);
    link->a = (struct link_end){xstrdup(a), new_port(net, a)};
    link->b = (struct link_end){xstrdup(b), new_port(net, b)};
    link->delay_us = delay_us;
    link->capacity_kbps = kbps;
    network_put_link(net, link);
}

static void
add_site(struct network *net, const char *name, enum site_kind kind)
{
    struct site *site = xcalloc(1, sizeof *site);
    site->name = xstrdup(name);
    site->kind = kind;
    network_put_site(net, site);
}

static void
add_host(struct network *net, const char *name, const char *node, uint32_t subnet, uint32_t number)
{
    struct host *host = xcalloc(1, sizeof *host);
    host->name = xstrdup(name);
    host->mac = (struct mac){{2, 0, (uint8_t)(subnet >> 8), (uint8_t)subnet, 0, (uint8_t)number}};
    host->ipv4 = 0x0a000000 | subnet << 8 | number;
    host->prefix_length = 24;
    host->gateway = 0x0a000001 | subnet << 8;
    host->node = xstrdup(node);
    host->port = new_port(net, node);
    network_put_host(net, host);
}

static void
name_node(char *text, const char *kind, uint32_t station, uint32_t i)
{
    snprintf(text, 24, "%s%u-%u", kind, station, i);
}

static void
add_station(struct generator *g, uint32_t s)
{
    char site[24], a[24], b[24];
    snprintf(site, sizeof site, "station%u", s);
    add_site(g->net, site, SITE_SUBSTATION);
    for (uint32_t i = 0; i < STATION_SIZE; i++) {
        name_node(a, "s", s, i);
        add_node(g->net, site, a);
    }
    for (uint32_t i = 0; i < STATION_SIZE; i++) {
        name_node(a, "s", s, i);
        name_node(b, "s", s, (i + 1) % STATION_SIZE);
        add_link(g->net, a, b, 5, 1000000);
    }
    for (uint32_t i = 0; i < 2; i++) {
        name_node(a, "s", s, i * STATION_SIZE / 2);
        name_node(b, "wan", 0, (s + i) % g->n_wan);
        add_link(g->net, a, b, 500, 1000000);
    }
    for (uint32_t i = 0; i < HOSTS_PER_STATION; i++) {
        char host[24];
        name_node(host, "h", s, i);
        name_node(a, "s", s, i % STATION_SIZE);
        add_host(g->net, host, a, 256 + s, 10 + i);
    }
}

struct network *
generate_network(uint32_t n_switches)
{
    struct generator g = {.net = network_new()};
    char a[24], b[24];
    n_switches = MAX(n_switches, GENERATOR_MIN_SWITCHES);
    g.n_stations = (n_switches - 1 - WAN_MIN) / STATION_SIZE;
    g.n_wan = n_switches - 1 - g.n_stations * STATION_SIZE; /* what is left over is WAN */
    add_site(g.net, "wan", SITE_WAN);
    add_site(g.net, "centre", SITE_CONTROL_CENTRE);
    for (uint32_t i = 0; i < g.n_wan; i++) {
        name_node(a, "wan", 0, i);
        add_node(g.net, "wan", a);
    }
    for (uint32_t i = 0; i < g.n_wan; i++) {
        name_node(a, "wan", 0, i);
        name_node(b, "wan", 0, (i + 1) % g.n_wan);
        add_link(g.net, a, b, 2000, 10000000);
        if (i % 3 == 0) {
            name_node(b, "wan", 0, (i + g.n_wan / 2) % g.n_wan);
            add_link(g.net, a, b, 3000, 10000000);
        }
    }
    add_node(g.net, "centre", "centre0");
    add_link(g.net, "centre0", "wan0-0", 100, 10000000);
    add_link(g.net, "centre0", "wan0-4", 100, 10000000);
    for (uint32_t i = 0; i < CENTRE_HOSTS; i++) {
        snprintf(a, sizeof a, "fep%u", i);
        add_host(g.net, a, "centre0", 255, 10 + i);
    }
    for (uint32_t s = 0; s < g.n_stations; s++)
        add_station(&g, s);
    return g.net;
}

static struct circuit *
new_circuit(uint32_t number, enum circuit_kind kind)
{
    struct circuit *c = xcalloc(1, sizeof *c);
    c->name = xasprintf("circuit-%05u", number);
    c->kind = kind;
    c->service_class = kind == CIRCUIT_IP ? CLASS_SCADA : CLASS_PROTECTION;
    c->rate_kbps = 500;
    c->burst_octets = 6000;
    c->protection = DISJOINT_MAXIMAL;
    return c;
}

void
generate_circuits(struct network *net, uint32_t first, uint32_t n)
{
    uint32_t n_stations = (HASH_COUNT(net->hosts) - CENTRE_HOSTS) / HOSTS_PER_STATION;
    for (uint32_t i = first; i < first + n; i++) {
        uint32_t s = i % n_stations, h = i / n_stations % HOSTS_PER_STATION;
        char name[24];
        if (i % 4) {
            struct circuit *c = new_circuit(i, CIRCUIT_IP);
            uint16_t port = (uint16_t)(1000 + i);
            snprintf(name, sizeof name, "fep%u", i % CENTRE_HOSTS);
            c->ip.client = xstrdup(name);
            name_node(name, "h", s, h);
            c->ip.server = xstrdup(name);
            c->ip.protocol = 6;
            c->ip.n_server_ports = 1;
            c->ip.server_ports = xmemdup(&port, sizeof port);
            network_put_circuit(net, c);
            continue;
        }
        struct circuit *c = new_circuit(i, CIRCUIT_MULTICAST);
        struct multicast_service *m = &c->multicast;
        uint32_t n_subscribers = i % 8 ? 2 : 3;
        name_node(name, "h", s, h);
        m->publisher = xstrdup(name);
        m->subscribers = xcalloc(n_subscribers, sizeof *m->subscribers);
        for (uint32_t k = 0; k < n_subscribers; k++) {
            name_node(name, "h", k < 2 ? s : (s + 1) % n_stations,
                      (h + 1 + 5 * k) % HOSTS_PER_STATION);
            m->subscribers[m->n_subscribers++] = xstrdup(name);
        }
        m->mac = (struct mac){{1, 0x0c, 0xcd, 1, (uint8_t)(i >> 8), (uint8_t)i}};
        m->vlan_id = (int)(1 + i % 4000);
        m->appid = (uint16_t)i;
        network_put_circuit(net, c);
    }
}
