/* ted_bench.c - the traffic-engineering database with 10,000 nodes and 64,000 links (both
 * directions): how soon a link that goes down is in a new snapshot, and what a change of structure
 * costs.
 *
 * All of it is told by two sources, as by OSPF and by a BGP-LS peer. */
#include "bench/bench.h"
#include "te/ted.h"

#include <string.h>

#define NODES 10000
#define PAIRS 32000
#define ROUNDS 501

static void
must(enum err err)
{
    if (err) {
        fprintf(stderr, "ted_bench: %s\n", err_name(err));
        exit(1);
    }
}

static uint32_t
any(uint32_t below)
{
    static uint64_t x = 88172645463325252;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 33) % below;
}

static struct ted_node_id
node(uint32_t n)
{
    struct ted_node_id id = {.protocol = TED_OSPFV2, .size = 4, .router_id = {10, 0}};
    id.router_id[2] = (uint8_t)(n >> 8);
    id.router_id[3] = (uint8_t)n;
    return id;
}

/* One direction of pair `n`. */
static struct ted_link_record
link_of(uint32_t n, bool back)
{
    static uint32_t ends[PAIRS][2];
    if (!ends[n][0] && !ends[n][1]) {
        ends[n][0] = n < NODES ? n : any(NODES); /* a ring, and chords */
        ends[n][1] = n < NODES ? (n + 1) % NODES : (ends[n][0] + 1 + any(NODES - 1)) % NODES;
    }
    struct ted_link_record r = {
        .id = {.local = node(ends[n][back]), .remote = node(ends[n][!back])},
        .told = TED_BIT(TED_IGP_METRIC) | TED_BIT(TED_CAPACITY) | TED_BIT(TED_DELAY),
        .igp_metric = 10,
        .capacity_bps = 10000000000,
        .delay_us = 100 + n % 1000};
    r.id.local_address = (struct te_address){
        4, {11, (uint8_t)(n >> 15), (uint8_t)(n >> 7), (uint8_t)(n << 1 | back)}};
    r.id.remote_address = r.id.local_address;
    r.id.remote_address.octets[3] ^= 1;
    return r;
}

static void
tell_all(struct ted *ted, uint32_t source)
{
    ted_source_up(ted, source, 0);
    for (uint32_t i = 0; i < NODES; i++) {
        struct ted_node_record r = {.id = node(i)};
        r.router_id = (struct te_address){4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        must(ted_put_node(ted, source, &r, 0));
    }
    for (uint32_t i = 0; i < 2 * PAIRS; i++) {
        struct ted_link_record r = link_of(i / 2, i % 2);
        must(ted_put_link(ted, source, &r, 0));
    }
    ted_source_synced(ted, source, 0);
}

/* Of this process: what takes long is measured by it, for other things run on the machine. */
static double
cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static int
compare(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* Down and up again, a random link each time; somebody works on the snapshot before, as one who
 * computes paths does, and every hundredth is kept for longer, so that a copy is needed. */
static void
flap(struct ted *ted, uint32_t source, double *times)
{
    const struct ted_view *kept = NULL, *used = NULL;
    struct ted_delta d;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct ted_link_record r = link_of(any(PAIRS), any(2));
        double start = bench_seconds();
        ted_withdraw_link(ted, source, &r.id, 1);
        ted_commit(ted, 1);
        const struct ted_view *view = ted_view(ted);
        times[i] = bench_seconds() - start;
        ted_view_release(used);
        used = view;
        if (i % 100 == 0) {
            ted_view_release(kept);
            kept = ted_view_keep(view);
        }
        must(ted_put_link(ted, source, &r, 1));
        ted_commit(ted, 1);
        while (ted_next_delta(ted, &d))
            continue;
    }
    ted_view_release(kept);
    ted_view_release(used);
    qsort(times, ROUNDS, sizeof *times, compare);
}

int
main(void)
{
    static double times[ROUNDS];
    struct ted *ted = ted_new(NULL);
    uint32_t ospf, peer;
    must(ted_source_add(ted, TED_KIND_OSPF, "ospf", "", &ospf));
    must(ted_source_add(ted, TED_KIND_BGP_LS, "peer", "", &peer));
    double start = cpu_seconds();
    tell_all(ted, ospf);
    tell_all(ted, peer);
    double told = cpu_seconds();
    ted_commit(ted, 0);
    double built = cpu_seconds();
    bool ok = bench_print(
        &(struct bench_figure){.bench = "ted",
                               .what = "ingest",
                               .value = (2 * (NODES + 2 * PAIRS)) / (told - start),
                               .unit = "records/s",
                               .goal = NAN,
                               .note = "CPU time; two sources, 10,000 nodes, 64,000 links"});
    ok &= bench_print(&(struct bench_figure){.bench = "ted",
                                             .what = "structure",
                                             .value = (built - told) * 1e3,
                                             .unit = "ms",
                                             .goal = NAN,
                                             .smaller_is_better = true,
                                             .note = "CPU time; all anew, with deltas"});
    flap(ted, ospf, times);
    ok &= bench_print(&(struct bench_figure){.bench = "ted",
                                             .what = "link-down",
                                             .value = times[ROUNDS / 2] * 1e3,
                                             .unit = "ms",
                                             .goal = 5,
                                             .smaller_is_better = true,
                                             .note = "withdrawal to new snapshot, median"});
    ok &= bench_print(&(struct bench_figure){.bench = "ted",
                                             .what = "link-down-worst",
                                             .value = times[ROUNDS - 1] * 1e3,
                                             .unit = "ms",
                                             .goal = NAN,
                                             .smaller_is_better = true,
                                             .note = "of 501; with a copy of all links"});
    struct ted_override o = {.id = "x",
                             .target = TED_TARGET_NODE,
                             .key = "10.0.0.7",
                             .set = TED_BIT(TED_STATE),
                             .who = "bench",
                             .why = "bench",
                             .until = NSEC_NEVER};
    start = cpu_seconds();
    must(ted_override_put(ted, &o, 2));
    ted_commit(ted, 2);
    ok &= bench_print(&(struct bench_figure){.bench = "ted",
                                             .what = "node-maintenance",
                                             .value = (cpu_seconds() - start) * 1e3,
                                             .unit = "ms",
                                             .goal = NAN,
                                             .smaller_is_better = true,
                                             .note = "CPU time; arrays anew"});
    struct ted_link_record there = link_of(0, false), back = link_of(0, true);
    there.id.local_address.octets[0] = there.id.remote_address.octets[0] = 12;
    back.id.local_address.octets[0] = back.id.remote_address.octets[0] = 12;
    start = cpu_seconds();
    must(ted_put_link(ted, ospf, &there, 3));
    must(ted_put_link(ted, ospf, &back, 3));
    ted_commit(ted, 3);
    ok &= bench_print(&(struct bench_figure){.bench = "ted",
                                             .what = "new-link",
                                             .value = (cpu_seconds() - start) * 1e3,
                                             .unit = "ms",
                                             .goal = NAN,
                                             .smaller_is_better = true,
                                             .note = "CPU time; structure anew"});
    ted_free(ted);
    return ok ? 0 : 1;
}
