/* What a packet costs in the node's pipeline alone: 64-octet packets (60 without FCS) from memory,
 * out to nowhere. The conversations come in random order, so the caches of the processor get what
 * they would get from a network, and no more; only the pipeline is timed, in vectors, and what
 * writes the next vector is not.
 *
 * `hit`: by the program kept for the packet's key; `miss`: through the tables, where five masks
 * do not match and the sixth does. Instructions are counted by callgrind where it is installed:
 * they do not depend on the neighbours, and so tell of a regression before the clock does. */
#include "bench.h"

#include "edge/pipeline.h"

#include <time.h>
#include <unistd.h>

#define ROUNDS 31
#define FRAME_SIZE 60

struct node {
    struct datapath *dp;
    struct pipeline *pl;
    struct packet_pool *pool;
    uint32_t n_flows;
    uint64_t random, sent, packets;
};

static void
on_send(void *arg, struct edge_port *port UNUSED, struct packet *p UNUSED)
{
    struct node *node = arg;
    node->sent++;
}

static void
on_punt(void *arg UNUSED, const struct punt *p UNUSED)
{
    abort();
}

static void
on_local(void *arg UNUSED, struct packet *p UNUSED)
{
    abort();
}

static uint32_t
source_of(uint32_t i)
{
    return 0x0a000000 + i;
}

static uint32_t
destination_of(uint32_t i)
{
    return 0x0b000000 + i * 7;
}

static uint16_t
port_of(uint32_t i)
{
    return (uint16_t)(1024 + i % 50000);
}

static void
put_flow(struct node *node, struct flow *flow)
{
    struct flow_request request = {FLOW_ADD, flow, 0, PORT_ANY, GROUP_ANY};
    flow->has_apply = true;
    if (dp_failed(datapath_flow_mod(node->dp, &request, 1)))
        abort();
    flow_fini(flow);
}

/* A circuit between two hosts: IPv4, UDP, one port. */
static void
put_circuit(struct node *node, uint32_t i, uint32_t group)
{
    struct flow flow = {.priority = 100, .cookie = i};
    match_set(&flow.match, FIELD_IN_PORT, 1);
    match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&flow.match, FIELD_IP_PROTO, IP_PROTO_UDP);
    match_set(&flow.match, FIELD_IPV4_SRC, source_of(i));
    match_set(&flow.match, FIELD_IPV4_DST, destination_of(i));
    match_set(&flow.match, FIELD_UDP_DST, port_of(i));
    if (group)
        actions_group(&flow.apply, group);
    else
        actions_output(&flow.apply, 2);
    put_flow(node, &flow);
}

/* Five masks of an OT table that are looked at before the circuits' and do not match, although a
 * packet has the bits of their entries. */
static void
put_others(struct node *node)
{
    for (uint32_t i = 0; i < 64; i++) {
        struct flow flows[5] = {0};
        for (unsigned k = 0; k < ARRAY_SIZE(flows); k++)
            flows[k].priority = (uint16_t)(1000 + k);
        match_set(&flows[0].match, FIELD_IN_PORT, 1 + i);
        match_set(&flows[0].match, FIELD_ETH_TYPE, i & 1 ? ETH_TYPE_IPV4 : ETH_TYPE_GOOSE);
        match_set(&flows[0].match, FIELD_ETH_DST, 0x010ccd010000 ^ (i * 0x1111));
        match_set(&flows[1].match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flows[1].match, FIELD_IPV4_DST, 0x0bffff00 ^ i);
        match_set(&flows[1].match, FIELD_IP_PROTO, i & 1 ? IP_PROTO_TCP : IP_PROTO_UDP);
        match_set(&flows[2].match, FIELD_ETH_SRC, 0x020000000000 + i);
        match_set(&flows[2].match, FIELD_IN_PORT, 1 + i % 4);
        match_set(&flows[3].match, FIELD_IN_PORT, 1 + i % 4);
        match_set(&flows[3].match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flows[3].match, FIELD_IP_PROTO, i & 1 ? IP_PROTO_TCP : IP_PROTO_UDP);
        match_set(&flows[3].match, FIELD_IPV4_SRC, 0x0affff00 + i);
        match_set(&flows[4].match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flows[4].match, FIELD_IP_PROTO, IP_PROTO_UDP);
        match_set(&flows[4].match, FIELD_UDP_DST, 0xffff ^ i);
        for (unsigned k = 0; k < ARRAY_SIZE(flows); k++)
            put_flow(node, &flows[k]);
    }
}

static void
put_group(struct node *node, uint32_t group_id)
{
    struct bucket buckets[2] = {
        {.watch_port = 2, .watch_group = GROUP_ANY},
        {.watch_port = 3, .watch_group = GROUP_ANY},
    };
    struct group group = {group_id, GROUP_TYPE_FF, 2, buckets};
    for (unsigned i = 0; i < 2; i++)
        actions_output(&buckets[i].actions, 2 + i);
    if (dp_failed(datapath_group_mod(node->dp, GROUP_ADD, &group, 1)))
        abort();
    for (unsigned i = 0; i < 2; i++)
        actions_free(&buckets[i].actions);
}

static void
node_init(struct node *node, uint32_t n_flows, uint32_t cache, uint32_t group)
{
    struct limits limits = {.flows = n_flows + 1000, .groups = 100, .meters = 100, .buckets = 32};
    struct pipeline_sink sink = {on_send, on_punt, on_local, NULL, node, NULL};
    *node = (struct node){.n_flows = n_flows, .random = 88172645463325252};
    node->dp = datapath_new(&limits);
    for (uint32_t i = 1; i <= 3; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        struct edge_port *port = datapath_add_port(node->dp, i, "p", &mac, 1);
        atomic_store(&port->up, true);
        atomic_store(&port->live, true);
    }
    if (group)
        put_group(node, group);
    if (!cache)
        put_others(node);
    for (uint32_t i = 0; i < n_flows; i++)
        put_circuit(node, i, group);
    node->pl = pipeline_new(node->dp, &sink, cache);
    node->pool = packet_pool_new(256, 0);
}

static void
node_fini(struct node *node)
{
    struct pipeline_stats stats;
    pipeline_get_stats(node->pl, &stats);
    if (node->sent != stats.packets || node->packets != stats.packets)
        abort(); /* not what was to be measured */
    pipeline_free(node->pl);
    datapath_free(node->dp);
    packet_pool_free(node->pool);
}

static struct packet *
make_packet(struct node *node, uint32_t i)
{
    static const uint8_t frame[FRAME_SIZE] = {
        2,    0, 0, 0,  0, 2, 2,    0, 0,  0,  0, 1, 8, 0, /* Ethernet */
        0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 17,             /* IPv4, 46 octets, UDP */
    };
    struct packet *p = packet_new(node->pool, FRAME_SIZE);
    memcpy(p->data, frame, FRAME_SIZE);
    p->size = FRAME_SIZE;
    p->in_port = 1;
    put_be32(p->data + 26, source_of(i));
    put_be32(p->data + 30, destination_of(i));
    put_be16(p->data + 34, 0x3000);
    put_be16(p->data + 36, port_of(i));
    put_be16(p->data + 38, 26);
    return p;
}

static uint32_t
random_flow(struct node *node)
{
    uint64_t x = node->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    node->random = x;
    return (uint32_t)((x >> 32) * node->n_flows >> 32);
}

/* Every conversation once, so that each has its program. */
static void
warm_up(struct node *node)
{
    for (uint32_t i = 0; i < node->n_flows; i++) {
        struct packet *p = make_packet(node, i);
        pipeline_receive(node->pl, &p, 1, 1);
        node->packets++;
    }
}

/* Seconds the pipeline took for `n` packets. */
static double
pass(struct node *node, uint32_t n)
{
    double took = 0;
    for (uint32_t i = 0; i < n; i += VECTOR_SIZE) {
        struct packet *vector[VECTOR_SIZE];
        for (unsigned k = 0; k < VECTOR_SIZE; k++)
            vector[k] = make_packet(node, random_flow(node));
        double start = bench_seconds();
        pipeline_receive(node->pl, vector, VECTOR_SIZE, (nsec_t)i);
        took += bench_seconds() - start;
    }
    node->packets += n;
    return took;
}

static const struct test {
    const char *name;
    uint32_t n_flows, cache, group, n_packets;
    double goal, instructions; /* ns; the regression figure */
} tests[] = {
    {"hit-1k", 1000, 65536, 0, 1 << 17, 30, 440},
    {"hit-1k-failover", 1000, 65536, 7, 1 << 17, NAN, 680},
    {"hit-100k", 100000, 131072, 0, 1 << 18, 80, NAN},
    {"hit-1M", 1000000, 1048576, 0, 1 << 19, 150, NAN},
    {"miss-6-masks", 1000, 0, 0, 1 << 17, 300, 1300},
};

static bool
measure(const struct test *test)
{
    static double samples[ROUNDS];
    struct node node;
    struct pipeline_stats stats;
    char note[128];
    node_init(&node, test->n_flows, test->cache, test->group);
    warm_up(&node);
    for (unsigned i = 0; i < ROUNDS; i++)
        samples[i] = pass(&node, test->n_packets) / test->n_packets * 1e9;
    pipeline_get_stats(node.pl, &stats);
    double hit_rate = (double)stats.hits / (double)(stats.packets - test->n_flows);
    snprintf(note, sizeof note, "%u flows, %u programs, %.1f %% hits, best %.1f", test->n_flows,
             test->cache, 100 * hit_rate, bench_percentile(samples, ROUNDS, 1));
    node_fini(&node);
    return bench_print(&(struct bench_figure){.bench = "edge-memory",
                                              .what = test->name,
                                              .value = bench_median(samples, ROUNDS),
                                              .unit = "ns/packet",
                                              .goal = test->goal,
                                              .smaller_is_better = true,
                                              .note = note});
}

/* ---- Instructions ---- */

#define SHORT_RUN (1u << 14)
#define LONG_RUN (1u << 16)

/* What runs under callgrind. */
static int
run_counted(const char *name, uint32_t n_packets)
{
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        struct node node;
        if (strcmp(tests[i].name, name))
            continue;
        node_init(&node, 1000, tests[i].cache, tests[i].group);
        warm_up(&node);
        (void)pass(&node, n_packets);
        node_fini(&node);
        return 0;
    }
    return 1;
}

/* Instructions within pipeline_receive() as callgrind sums them up; 0: it cannot say. */
static double
count_instructions(const char *self, const char *name, uint32_t n_packets)
{
    char command[512], line[256];
    double collected = 0;
    snprintf(command, sizeof command,
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null "
             "--toggle-collect=pipeline_receive '%s' counted %s %u 2>&1",
             self, name, n_packets);
    FILE *output = popen(command, "r");
    if (!output)
        return 0;
    while (fgets(line, sizeof line, output)) {
        const char *at = strstr(line, "Collected :");
        if (at)
            collected = strtod(at + strlen("Collected :"), NULL);
    }
    return pclose(output) ? 0 : collected;
}

static bool
measure_instructions(const char *self, const struct test *test)
{
    char what[64];
    double less = count_instructions(self, test->name, SHORT_RUN);
    double more = count_instructions(self, test->name, LONG_RUN);
    if (less <= 0 || more <= less)
        return true;
    snprintf(what, sizeof what, "%s-instructions", test->name);
    return bench_print(&(struct bench_figure){.bench = "edge-memory",
                                              .what = what,
                                              .value = (more - less) / (LONG_RUN - SHORT_RUN),
                                              .unit = "instructions/packet",
                                              .goal = test->instructions,
                                              .smaller_is_better = true,
                                              .note = "callgrind, 1000 flows"});
}

int
main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "counted"))
        return run_counted(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        if (argc < 2 || !strcmp(argv[1], tests[i].name))
            (void)measure(&tests[i]);
    }
    bool counted = argc < 2 && !system("command -v valgrind > /dev/null");
    for (size_t i = 0; counted && i < ARRAY_SIZE(tests); i++) {
        if (strcmp(tests[i].name, "hit-100k") && strcmp(tests[i].name, "hit-1M"))
            (void)measure_instructions(argv[0], &tests[i]);
    }
    return 0;
}
