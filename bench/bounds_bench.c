/* bounds_bench.c - how long the worst cases of a utility's network take to compute.
 *
 *     bounds_bench [STATIONS [ROUNDS]]        default 68 and 9
 *
 * The network is generated: 16 WAN nodes in a ring with chords, stations of six switches in a ring,
 * each attached to two WAN nodes, and a control centre; 1 Gbit/s everywhere. With 68 stations that
 * is 425 switches, and 20,000 circuits: 10,000 GOOSE (300 octets, one in 2 ms at most), 2,000 SV
 * (140 octets, 4,000 a second), 8,000 IP (1 Mbit/s, bursts of three full frames). */
#include "bench/bench.h"
#include "engineer/bounds.h"
#include "engineer/design.h"

#include "base/alloc.h"

#include <string.h>

#define N_WAN 16
#define STATION_SIZE 6
#define HOSTS_PER_STATION 18
#define N_CENTRE_HOSTS 20
#define KBPS 1000000
#define ROUNDS_MAX 64

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
add_node(struct network *net, const char *site, enum site_kind kind, const char *name)
{
    struct node *node = xcalloc(1, sizeof *node);
    if (!network_site(net, site)) {
        struct site *s = xcalloc(1, sizeof *s);
        s->name = xstrdup(site);
        s->kind = kind;
        network_put_site(net, s);
    }
    node->name = xstrdup(name);
    node->site = xstrdup(site);
    node->datapath_id = HASH_COUNT(net->nodes) + 1;
    network_put_node(net, node);
}

static void
add_link(struct network *net, const char *a, const char *b, uint32_t delay_us)
{
    struct link *link = xcalloc(1, sizeof *link);
    link->name = xasprintf("%s-%s", a, b);
    link->a = (struct link_end){xstrdup(a), new_port(net, a)};
    link->b = (struct link_end){xstrdup(b), new_port(net, b)};
    link->delay_us = delay_us;
    link->capacity_kbps = KBPS;
    network_put_link(net, link);
}

static void
add_host(struct network *net, const char *name, const char *node)
{
    struct host *host = xcalloc(1, sizeof *host);
    uint32_t number = HASH_COUNT(net->hosts) + 2;
    host->name = xstrdup(name);
    host->mac = (struct mac){{2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
    host->ipv4 = 0x0a000000 + number;
    host->prefix_length = 8;
    host->node = xstrdup(node);
    host->port = new_port(net, node);
    network_put_host(net, host);
}

/* "KINDa-b"; good until four more were made. */
static const char *
name_of(const char *kind, uint32_t a, uint32_t b)
{
    static char names[4][24];
    static uint32_t next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "%s%u-%u", kind, a, b);
    return name;
}

static void
add_station(struct network *net, uint32_t s)
{
    for (uint32_t i = 0; i < STATION_SIZE; i++)
        add_node(net, name_of("station", s, 0), SITE_SUBSTATION, name_of("s", s, i));
    for (uint32_t i = 0; i < STATION_SIZE; i++)
        add_link(net, name_of("s", s, i), name_of("s", s, (i + 1) % STATION_SIZE), 5);
    for (uint32_t i = 0; i < 2; i++)
        add_link(net, name_of("s", s, i * STATION_SIZE / 2), name_of("wan", 0, (s + i) % N_WAN),
                 500);
    for (uint32_t i = 0; i < HOSTS_PER_STATION; i++)
        add_host(net, name_of("h", s, i), name_of("s", s, i % STATION_SIZE));
}

static struct network *
generate(uint32_t n_stations)
{
    struct network *net = network_new();
    for (uint32_t i = 0; i < N_WAN; i++)
        add_node(net, "wan", SITE_WAN, name_of("wan", 0, i));
    for (uint32_t i = 0; i < N_WAN; i++) {
        add_link(net, name_of("wan", 0, i), name_of("wan", 0, (i + 1) % N_WAN), 1000);
        if (i % 2 == 0)
            add_link(net, name_of("wan", 0, i), name_of("wan", 0, (i + 5) % N_WAN), 2000);
    }
    add_node(net, "centre", SITE_CONTROL_CENTRE, "centre0-0");
    for (uint32_t i = 0; i < 4; i++)
        add_link(net, "centre0-0", name_of("wan", 0, 4 * i), 100);
    for (uint32_t i = 0; i < N_CENTRE_HOSTS; i++)
        add_host(net, name_of("fep", 0, i), "centre0-0");
    for (uint32_t s = 0; s < n_stations; s++)
        add_station(net, s);
    return net;
}

enum kind { KIND_GOOSE, KIND_SV, KIND_IP, KIND_MAX };

static enum kind
kind_of(const struct circuit *c)
{
    return c->kind == CIRCUIT_IP                      ? KIND_IP
           : c->multicast.application == MULTICAST_SV ? KIND_SV
                                                      : KIND_GOOSE;
}

static struct circuit *
new_circuit(uint32_t number, enum circuit_kind kind, uint32_t rate_kbps, uint32_t burst_octets)
{
    struct circuit *c = xcalloc(1, sizeof *c);
    c->name = xasprintf("circuit-%05u", number);
    c->kind = kind;
    c->service_class = CLASS_PROTECTION;
    c->rate_kbps = rate_kbps;
    c->burst_octets = burst_octets;
    c->protection = DISJOINT_MAXIMAL;
    return c;
}

/* To two hosts of the station, one in sixteen also to one of the next station. */
static struct circuit *
new_multicast(uint32_t i, uint32_t n_stations, enum multicast_application application)
{
    bool sv = application == MULTICAST_SV;
    struct circuit *c = new_circuit(i, CIRCUIT_MULTICAST, sv ? 4480 : 1200, sv ? 140 : 300);
    struct multicast_service *m = &c->multicast;
    uint32_t s = i % n_stations, k = i / n_stations, h = k % HOSTS_PER_STATION;
    uint32_t n = k % 16 || sv ? 2 : 3;
    m->application = application;
    m->publisher = xstrdup(name_of("h", s, h));
    m->subscribers = xcalloc(n, sizeof *m->subscribers);
    for (uint32_t j = 0; j < n; j++)
        m->subscribers[m->n_subscribers++] = xstrdup(
            name_of("h", j < 2 ? s : (s + 1) % n_stations, (h + 1 + 5 * j) % HOSTS_PER_STATION));
    m->vlan_id = 1 + (int)(i % 4000);
    return c;
}

/* One in 32 with the centre, one in eight with the next station, others within their own. */
static struct circuit *
new_ip(uint32_t i, uint32_t n_stations)
{
    struct circuit *c = new_circuit(i, CIRCUIT_IP, 1000, 3 * 1518);
    uint32_t s = i % n_stations, k = i / n_stations, h = k % HOSTS_PER_STATION;
    uint16_t port = (uint16_t)(1000 + i);
    c->service_class = (enum service_class)(k % CLASS_PROTECTION);
    c->ip.client = xstrdup(k % 32 == 0  ? name_of("fep", 0, i % N_CENTRE_HOSTS)
                           : k % 8 == 1 ? name_of("h", (s + 1) % n_stations, h)
                                        : name_of("h", s, (h + 4) % HOSTS_PER_STATION));
    c->ip.server = xstrdup(name_of("h", s, h));
    c->ip.protocol = 6;
    c->ip.n_server_ports = 1;
    c->ip.server_ports = xmemdup(&port, sizeof port);
    return c;
}

static void
add_circuits(struct network *net, uint32_t n_stations)
{
    const uint32_t n[KIND_MAX] = {10000 * n_stations / 68, 2000 * n_stations / 68,
                                  8000 * n_stations / 68};
    uint32_t number = 0;
    for (uint32_t i = 0; i < n[KIND_GOOSE]; i++)
        network_put_circuit(net, new_multicast(number++, n_stations, MULTICAST_GOOSE));
    for (uint32_t i = 0; i < n[KIND_SV]; i++)
        network_put_circuit(net, new_multicast(number++, n_stations, MULTICAST_SV));
    for (uint32_t i = 0; i < n[KIND_IP]; i++)
        network_put_circuit(net, new_ip(number++, n_stations));
}

/* Processor time in ns: what is asked is the work, on machines that do other things too. */
static nsec_t
work_done(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void
check(enum err err, const struct diag *diag)
{
    if (err) {
        fprintf(stderr, "bounds_bench: %s: %s\n", err_name(err), diag->text);
        exit(1);
    }
}

static void
print(const char *what, double value, const char *unit, double goal, const char *note)
{
    struct bench_figure f = {.bench = "bounds",
                             .what = what,
                             .value = value,
                             .unit = unit,
                             .goal = goal,
                             .smaller_is_better = true,
                             .note = note};
    bench_print(&f);
}

static void
print_worst(const struct bounds *b, enum bounds_state state)
{
    static const char *const kinds[] = {"GOOSE", "SV", "IP"};
    struct bounds_size size;
    bounds_get_size(b, state, &size);
    struct bounds_figures *all = bounds_all(b, state);
    double *samples = xcalloc(size.circuits, sizeof *samples);
    for (enum kind kind = 0; kind < KIND_MAX; kind++) {
        uint32_t n = 0, unbound = 0;
        char what[64], note[128];
        for (uint32_t i = 0; i < size.circuits; i++) {
            if (kind_of(all[i].circuit) != kind)
                continue;
            if (all[i].worst == NSEC_NEVER)
                unbound++;
            else
                samples[n++] = (double)all[i].worst / 1e3;
        }
        if (!n)
            continue;
        snprintf(what, sizeof what, "worst %s, %s", kinds[kind],
                 state == BOUNDS_NORMAL ? "normal" : "any one failure");
        double median = bench_median(samples, n);
        snprintf(note, sizeof note, "median %.0f us; %u without a bound", median, unbound);
        print(what, bench_percentile(samples, n, 100), "us", NAN, note);
    }
    free(samples);
    free(all);
}

int
main(int argc, char **argv)
{
    uint32_t n_stations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 68;
    uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 9;
    double layout[ROUNDS_MAX], solve[2][ROUNDS_MAX], both[ROUNDS_MAX], judge[ROUNDS_MAX];
    double figures[ROUNDS_MAX];
    struct bounds_parameters parameters = bounds_defaults;
    struct network *net = generate(n_stations = MAX(n_stations, 2));
    struct diag diag = {""};
    struct bounds *b = NULL;
    char note[200];
    rounds = MAX(1, MIN(rounds, ROUNDS_MAX));
    parameters.access_kbps = KBPS;
    add_circuits(net, n_stations);
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        check(designer_add(designer, c, &design, &diag), &diag);
        network_put_design(net, design);
    }
    struct circuit *candidate = new_ip(HASH_COUNT(net->circuits) + 16, n_stations);
    struct design *design;
    check(designer_add(designer, candidate, &design, &diag), &diag);
    candidate->max_latency_us = 1000000;

    for (uint32_t i = 0; i < rounds; i++) {
        bounds_free(b);
        nsec_t start = work_done();
        check(bounds_lay_out(net, &parameters, &b, &diag), &diag);
        nsec_t laid = work_done();
        bounds_solve(b, BOUNDS_NORMAL);
        nsec_t normal = work_done();
        bounds_solve(b, BOUNDS_FAILURE);
        nsec_t failure = work_done();
        free(bounds_all(b, BOUNDS_NORMAL));
        free(bounds_all(b, BOUNDS_FAILURE));
        nsec_t told = work_done();
        struct bounds_verdict verdict;
        check(bounds_judge(b, candidate, design, NULL, &verdict, &diag), &diag);
        nsec_t judged = work_done();
        bounds_verdict_fini(&verdict);
        layout[i] = (double)(laid - start) / 1e6;
        solve[0][i] = (double)(normal - laid) / 1e6;
        solve[1][i] = (double)(failure - normal) / 1e6;
        both[i] = (double)(failure - laid) / 1e6;
        figures[i] = (double)(told - failure) / 1e6;
        judge[i] = (double)(judged - told) / 1e6;
    }
    struct bounds_size size[2];
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        bounds_get_size(b, s, &size[s]);
    bool is_goal = n_stations == 68;
    snprintf(note, sizeof note, "%u switches, %u circuits to %u receivers, %u hosts",
             HASH_COUNT(net->nodes), size[0].circuits, size[0].ways, HASH_COUNT(net->hosts));
    print("layout", bench_median(layout, rounds), "ms", NAN, note);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        snprintf(note, sizeof note,
                 "%u hops in %u steps, %u queues, %u turns, fullest link %.0f %% (small frames)",
                 size[s].hops, size[s].steps, size[s].queues, size[s].turns,
                 100 * size[s].utilisation);
        print(s == BOUNDS_NORMAL ? "fixpoint, normal" : "fixpoint, any one failure",
              bench_median(solve[s], rounds), "ms", NAN, note);
    }
    print("fixpoint, both", bench_median(both, rounds), "ms", is_goal ? 25 : NAN,
          "total flow analysis with line shaping; processor time, one thread");
    print("figures, both", bench_median(figures, rounds), "ms", NAN,
          "worst, best and asymmetry of each circuit");
    print("one more circuit", bench_median(judge, rounds), "ms", NAN,
          "its bounds, and whose budget it breaks");
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        print_worst(b, s);
    bounds_free(b);
    circuit_free(candidate);
    design_free(design);
    designer_free(designer);
    network_free(net);
    return 0;
}
