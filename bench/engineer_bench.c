/* engineer_bench.c - how long the engineer service needs for a network of a utility's size.
 *
 *     engineer_bench [SWITCHES [CIRCUITS]]        default 100 and 1000
 *
 * The network is generated: a WAN ring with chords, and stations of six switches in a ring, each
 * attached to two WAN nodes. The circuits are SCADA and engineering conversations from the control
 * centre, and GOOSE within and between stations. Every circuit is designed, compiled and proved,
 * the latter with every single failure that it could meet. */
#include "bench/bench.h"
#include "engineer/design.h"
#include "engineer/prove.h"
#include "io/clock.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define STATION_SIZE 6
#define HOSTS_PER_STATION 18

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

static struct network *
generate(uint32_t n_switches)
{
    struct generator g = {.net = network_new(), .n_wan = 9};
    char a[24], b[24];
    g.n_stations = (n_switches - 1 - g.n_wan) / STATION_SIZE;
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
    for (uint32_t i = 0; i < 20; i++) {
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

/* Three in four are conversations of the control centre; one in four is GOOSE, every other of those
 * to the next station too. */
static void
add_circuits(struct network *net, uint32_t n)
{
    uint32_t n_stations = (HASH_COUNT(net->hosts) - 20) / HOSTS_PER_STATION;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t s = i % n_stations, h = i / n_stations % HOSTS_PER_STATION;
        char name[24];
        if (i % 4) {
            struct circuit *c = new_circuit(i, CIRCUIT_IP);
            uint16_t port = (uint16_t)(1000 + i);
            snprintf(name, sizeof name, "fep%u", i % 20);
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

static void
check(enum err err, const struct diag *diag)
{
    if (err) {
        fprintf(stderr, "engineer_bench: %s: %s\n", err_name(err), diag->text);
        exit(1);
    }
}

static void
print(const char *what, double value, const char *unit, double goal, const char *note)
{
    struct bench_figure f = {.bench = "engineer",
                             .what = what,
                             .value = value,
                             .unit = unit,
                             .goal = goal,
                             .smaller_is_better = true,
                             .note = note};
    bench_print(&f);
}

int
main(int argc, char **argv)
{
    uint32_t n_switches = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100;
    uint32_t n_circuits = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
    struct network *net = generate(MAX(n_switches, 30));
    struct diag diag = {""};
    struct plan *plan;
    struct proof proof;
    struct plan_size size;
    char note[160];
    add_circuits(net, n_circuits);

    nsec_t start = clock_monotonic();
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        check(designer_add(designer, c, &design, &diag), &diag);
        network_put_design(net, design);
    }
    nsec_t designed = clock_monotonic();
    check(plan_network(net, &plan, &diag), &diag);
    nsec_t planned = clock_monotonic();
    check(prove_plan(net, plan, &proof, &diag), &diag);
    nsec_t proved = clock_monotonic();
    if (proof.n) {
        struct buf text = BUF_INIT;
        proof_format(&proof, &text);
        fprintf(stderr, "%s", buf_cstr(&text));
        return 1;
    }
    plan_get_size(plan, &size);
    snprintf(note, sizeof note, "%u switches, %llu circuits, %u flows, %u groups",
             HASH_COUNT(net->nodes), (unsigned long long)proof.circuits, size.flows, size.groups);
    bool is_goal = n_switches == 100 && n_circuits == 1000;
    print("design", (double)(designed - start) / 1e9, "s", NAN, note);
    print("compile", (double)(planned - designed) / 1e9, "s", NAN, note);
    snprintf(note, sizeof note, "%llu classes, %llu failures, %llu steps",
             (unsigned long long)proof.classes, (unsigned long long)proof.failures,
             (unsigned long long)proof.steps);
    print("prove", (double)(proved - planned) / 1e9, "s", NAN, note);
    print("plan and proof", (double)(proved - start) / 1e9, "s", is_goal ? 2 : NAN,
          "design, compile and prove; one thread");
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print("memory", (double)usage.ru_maxrss / 1024, "MB", is_goal ? 500 : NAN, "peak RSS");
    proof_fini(&proof);
    designer_free(designer);
    plan_free(plan);
    network_free(net);
    return 0;
}
