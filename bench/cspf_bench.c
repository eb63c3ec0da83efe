/* cspf_bench.c - how long paths take: trees, single paths, disjoint pairs, and all LSPs that a
 * failure touches; beside igraph and NetworkX.
 *
 * The large network is random: a ring of 10,000 nodes with chords, 64,000 arcs, metrics 1 to 1000.
 * That is harder than a real one: neighbours are nowhere near each other in memory. For risk groups
 * and LSPs there is one of 1,000 nodes on a grid with chords. NetworkX's pair is any disjoint pair
 * (a maximum flow), not the cheapest; igraph has none. */
#include "bench/bench.h"
#include "te/bulk.h"
#include "te/disjoint.h"
#include "te/network_build.h"
#include "te/segments.h"

#include "base/alloc.h"

#ifdef HAVE_IGRAPH
#include <igraph/igraph.h>
#endif

#include <string.h>
#include <unistd.h>

#define NODES 10000
#define LINKS 32000 /* of both directions */
#define ROUNDS 41
#define LSPS 10000

static uint64_t seed = 7;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static void
must(enum err err)
{
    if (err) {
        fprintf(stderr, "cspf_bench: %s\n", err_name(err));
        exit(1);
    }
}

static void
add_nodes(struct te_builder *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "n%u", i);
        struct te_node node = te_node_plain(key);
        node.sid_index = i;
        node.srgb_base = 16000;
        node.srgb_size = n;
        must(te_builder_add_node(b, &node, NULL));
    }
}

static void
add_link(struct te_builder *b, uint32_t from, uint32_t to, uint32_t n_groups, uint64_t capacity)
{
    const uint32_t groups[2] = {draw(MAX(n_groups, 1)), draw(MAX(n_groups, 1))};
    struct te_link link = te_link_plain(from, to, 1 + draw(1000), 10 + draw(2000), capacity);
    uint32_t ids[2];
    link.adjacency_label = 100000 + draw(900000);
    link.affinity.words[0] = UINT64_C(1) << draw(8);
    must(te_builder_add_both(b, &link, groups, n_groups ? 2 : 0, &ids[0], &ids[1]));
}

static const struct te_network *
make_random(void)
{
    struct te_builder *b = te_builder_new(SIZE_MAX);
    add_nodes(b, NODES);
    for (uint32_t i = 0; i < LINKS; i++) {
        uint32_t from = i < NODES ? i : draw(NODES);
        uint32_t to = i < NODES ? (i + 1) % NODES : (from + 1 + draw(NODES - 1)) % NODES;
        add_link(b, from, to, 5000, UINT64_C(10000000000));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

/* Of the small network: so little that one LSP in three has to go round. */
#define CAPACITY 25000000

/* 40 by 25, and a chord for every fourth node. */
static const struct te_network *
make_grid(void)
{
    struct te_builder *b = te_builder_new(SIZE_MAX);
    add_nodes(b, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        if (i % 40 < 39)
            add_link(b, i, i + 1, 800, CAPACITY);
        if (i + 40 < 1000)
            add_link(b, i, i + 40, 800, CAPACITY);
        if (i % 4 == 0)
            add_link(b, i, (i + 1 + draw(998)) % 1000, 800, CAPACITY);
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

/* ---- What is compared in the large one ---- */

struct subject {
    const struct te_network *net;
    struct te_router *router;
    uint64_t *cost;
    uint32_t from[ROUNDS], to[ROUNDS];
    uint32_t turn[9]; /* by contestant: the next pair */
#ifdef HAVE_IGRAPH
    igraph_t graph;
    igraph_vector_t weights;
#endif
};

static uint32_t
next(struct subject *s, int contestant)
{
    return s->turn[contestant]++ % ROUNDS;
}

/* Time of this thread on its core: all here is computation, by one thread. */
static double
cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define MS(start) ((cpu_seconds() - (start)) * 1e3)

static double
our_tree(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 0);
    const struct digraph_costs costs = {s->cost, NULL};
    double start = cpu_seconds();
    digraph_tree(&s->router->graph, &s->router->scratch, s->from[i], &costs);
    return MS(start);
}

static double
our_path(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 1);
    const struct digraph_costs costs = {s->cost, NULL};
    double start = cpu_seconds();
    if (!digraph_shortest(&s->router->graph, &s->router->scratch, s->from[i], s->to[i], &costs))
        exit(1);
    return MS(start);
}

static double
our_route(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 2);
    const struct te_request ask = {
        .from = s->from[i],
        .to = s->to[i],
        .constraints = {.bandwidth_bps = 1000000, .exclude_any.words[0] = 1, .symmetric = true}};
    struct te_path path;
    double start = cpu_seconds();
    must(te_route(s->router, &ask, &path, NULL));
    double ms = MS(start);
    te_path_fini(&path);
    return ms;
}

/* A bound halfway between the least delay and that of the cheapest path. */
static double
our_bounded_route(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 3);
    struct te_request ask = {.from = s->from[i], .to = s->to[i]};
    struct te_path cheap, fast, path;
    must(te_route(s->router, &ask, &cheap, NULL));
    ask.optimise = TE_METRIC_DELAY;
    must(te_route(s->router, &ask, &fast, NULL));
    ask.optimise = TE_METRIC_IGP;
    ask.constraints.max_delay_us = (uint32_t)((cheap.delay_us + fast.delay_us) / 2);
    double start = cpu_seconds();
    must(te_route(s->router, &ask, &path, NULL));
    double ms = MS(start);
    te_path_fini(&path);
    te_path_fini(&cheap);
    te_path_fini(&fast);
    return ms;
}

static double
pair_of(struct subject *s, uint32_t i, bool nodes)
{
    const struct digraph_costs costs = {s->cost, NULL};
    const struct digraph_disjoint ask = {
        .from = s->from[i], .to = s->to[i], .n_paths = 2, .nodes = nodes};
    struct digraph_paths paths;
    double start = cpu_seconds();
    must(digraph_disjoint(&s->router->graph, &s->router->scratch, &ask, &costs, &paths));
    double ms = MS(start);
    digraph_paths_fini(&paths);
    return ms;
}

static double
our_link_pair(void *arg)
{
    return pair_of(arg, next(arg, 4), false);
}

static double
our_node_pair(void *arg)
{
    return pair_of(arg, next(arg, 5), true);
}

/* All that a controller does for it: constraints, both paths alone, the flow, the proof. */
static double
our_pair_request(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 6);
    const struct te_request asks[2] = {{.from = s->from[i], .to = s->to[i]},
                                       {.from = s->from[i], .to = s->to[i]}};
    const struct te_disjoint_request ask = {.n = 2, .paths = asks, .disjoint = TE_DISJOINT_NODE};
    struct te_disjoint_set set;
    double start = cpu_seconds();
    must(te_disjoint(s->router, &ask, &set, NULL));
    double ms = MS(start);
    if (!set.optimal)
        exit(1);
    te_disjoint_fini(&set);
    return ms;
}

/* ---- igraph ---- */

#ifdef HAVE_IGRAPH
static void
open_igraph(struct subject *s)
{
    igraph_vector_int_t edges;
    igraph_vector_int_init(&edges, 2 * s->net->n_links);
    igraph_vector_init(&s->weights, s->net->n_links);
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        VECTOR(edges)[2 * l] = s->net->links[l].from;
        VECTOR(edges)[2 * l + 1] = s->net->links[l].to;
        VECTOR(s->weights)[l] = s->net->links[l].igp_metric;
    }
    igraph_create(&s->graph, &edges, s->net->n_nodes, IGRAPH_DIRECTED);
    igraph_vector_int_destroy(&edges);
}

static double
their_tree(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 7);
    igraph_matrix_t distances;
    igraph_matrix_init(&distances, 1, s->net->n_nodes);
    double start = cpu_seconds();
    igraph_distances_dijkstra(&s->graph, &distances, igraph_vss_1(s->from[i]), igraph_vss_all(),
                              &s->weights, IGRAPH_OUT);
    double ms = MS(start);
    const struct digraph_costs costs = {s->cost, NULL};
    digraph_tree(&s->router->graph, &s->router->scratch, s->from[i], &costs);
    for (uint32_t v = 0; v < s->net->n_nodes; v++) {
        uint64_t theirs = (uint64_t)MATRIX(distances, 0, v);
        if (theirs != s->router->scratch.labels[v].distance >> 16) {
            fprintf(stderr, "cspf_bench: igraph finds another distance\n");
            exit(1);
        }
    }
    igraph_matrix_destroy(&distances);
    return ms;
}

static double
their_path(void *arg)
{
    struct subject *s = arg;
    uint32_t i = next(s, 8);
    igraph_vector_int_t nodes;
    igraph_vector_int_init(&nodes, 0);
    double start = cpu_seconds();
    igraph_get_shortest_path_dijkstra(&s->graph, &nodes, NULL, s->from[i], s->to[i], &s->weights,
                                      IGRAPH_OUT);
    double ms = MS(start);
    igraph_vector_int_destroy(&nodes);
    return ms;
}
#endif

/* ---- NetworkX ---- */

/* NULL: it is not there. */
static json_t *
ask_networkx(const struct subject *s)
{
    char name[] = "/tmp/tieline-cspf-XXXXXX", command[400];
    int fd = mkstemp(name);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return NULL;
    fprintf(file, "%u\n", s->net->n_nodes);
    for (uint32_t l = 0; l < s->net->n_links; l++)
        fprintf(file, "%u %u %u\n", s->net->links[l].from, s->net->links[l].to,
                s->net->links[l].igp_metric);
    fclose(file);
    int n = snprintf(command, sizeof command,
                     "python3 '" TIELINE_SOURCE_DIR "/bench/cspf_networkx.py' %s", name);
    for (uint32_t i = 0; i < 7; i++)
        n += snprintf(command + n, sizeof command - (size_t)n, " %u-%u", s->from[i], s->to[i]);
    FILE *answer = popen(command, "r");
    json_t *figures = answer ? json_loadf(answer, 0, NULL) : NULL;
    if (answer)
        pclose(answer);
    unlink(name);
    return figures;
}

/* ---- Figures ---- */

static void
print(const char *what, double ms, double goal, json_t *peers, const char *note)
{
    const struct bench_figure f = {.bench = "cspf",
                                   .what = what,
                                   .value = ms,
                                   .unit = "ms",
                                   .goal = goal,
                                   .smaller_is_better = true,
                                   .peers = peers,
                                   .note = note};
    bench_print(&f);
}

static json_t *
peers_of(const json_t *networkx, const char *what, double igraph)
{
    json_t *peers = json_object(), *theirs = networkx ? json_object_get(networkx, what) : NULL;
    if (theirs)
        json_object_set(peers, "networkx", theirs);
    if (igraph > 0)
        json_object_set_new(peers, "igraph", json_real(igraph));
    return peers;
}

/* ---- Risk groups ---- */

static void
measure_groups(struct te_router *r, const char *what)
{
    uint32_t n_nodes = r->net->n_nodes;
    double ms[101];
    uint32_t n_optimal = 0, n_found = 0, n = ARRAY_SIZE(ms);
    char note[160];
    for (uint32_t i = 0; i < n; i++) {
        struct te_request asks[2] = {{.from = draw(n_nodes)}, {0}};
        asks[0].to = (asks[0].from + 1 + draw(n_nodes - 1)) % n_nodes;
        asks[1] = asks[0];
        const struct te_disjoint_request ask = {
            .n = 2, .paths = asks, .disjoint = TE_DISJOINT_NODE | TE_DISJOINT_SRLG};
        struct te_disjoint_set set;
        double start = cpu_seconds();
        enum err err = te_disjoint(r, &ask, &set, NULL);
        ms[i] = MS(start);
        if (!err) {
            n_found++;
            n_optimal += set.optimal;
            te_disjoint_fini(&set);
        }
    }
    snprintf(note, sizeof note,
             "%u nodes, %u links, %u groups, each link in two; %u of %u found, %u proven best; "
             "p95 %.1f ms",
             n_nodes, r->net->n_links, r->net->n_srlgs, n_found, n, n_optimal,
             bench_percentile(ms, n, 95));
    print(what, bench_percentile(ms, n, 50), NAN, NULL, note);
}

static void
measure_large(void)
{
    static struct subject s;
    s.net = make_random();
    s.router = te_router_new(s.net);
    s.cost = xcalloc(s.net->n_links, sizeof *s.cost);
    for (uint32_t l = 0; l < s.net->n_links; l++)
        s.cost[l] = te_folded(s.net->links[l].igp_metric);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        s.from[i] = draw(NODES);
        s.to[i] = (s.from[i] + 1 + draw(NODES - 1)) % NODES;
    }
    struct bench_contestant c[] = {
        {.name = "tree", .round = our_tree},
        {.name = "path", .round = our_path},
        {.name = "route", .round = our_route},
        {.name = "bounded", .round = our_bounded_route},
        {.name = "links", .round = our_link_pair},
        {.name = "nodes", .round = our_node_pair},
        {.name = "request", .round = our_pair_request},
#ifdef HAVE_IGRAPH
        {.name = "igraph", .round = their_tree},
        {.name = "igraph path", .round = their_path},
#endif
    };
    double igraph[2] = {0, 0};
#ifdef HAVE_IGRAPH
    open_igraph(&s);
#endif
    for (size_t i = 0; i < ARRAY_SIZE(c); i++)
        c[i].arg = &s;
    bench_interleave(c, ARRAY_SIZE(c), ROUNDS);
#ifdef HAVE_IGRAPH
    igraph[0] = c[7].median;
    igraph[1] = c[8].median;
    igraph_destroy(&s.graph);
    igraph_vector_destroy(&s.weights);
#endif
    json_t *nx = ask_networkx(&s);
    print("tree of shortest paths", c[0].median, 2, peers_of(nx, "tree", igraph[0]),
          "10,000 nodes, 64,000 arcs; median of 41, CPU time; igraph's distances compared, all "
          "equal");
    print("one path", c[1].median, NAN, peers_of(nx, "path", igraph[1]),
          "searched from both ends, yet the way that the tree has");
    print("one path within constraints", c[2].median, NAN, NULL,
          "bandwidth, affinity, symmetric: 64,000 links judged, then searched");
    print("one path within a bound on delay", c[3].median, NAN, NULL,
          "the bound halfway between the fastest and the cheapest path; exact");
    print("link-disjoint pair", c[4].median, 5, peers_of(nx, "pair", 0),
          "least total cost; NetworkX: any pair");
    print("node-disjoint pair", c[5].median, 5, NULL, "least total cost");
    print("node-disjoint pair, as the controller asks", c[6].median, 5, NULL,
          "with constraints, each path alone, and proof that it is the best");
    measure_groups(s.router, "node- and SRLG-disjoint pair, large");
    json_decref(nx);
    free(s.cost);
    te_router_free(s.router);
    te_network_free(s.net);
}

/* ---- After a failure ---- */

static void
draw_lsps(struct te_bulk_lsp *lsps)
{
    memset(lsps, 0, LSPS * sizeof *lsps);
    for (uint32_t i = 0; i < LSPS; i++) {
        struct te_request *ask = &lsps[i].ask;
        ask->from = 5 * draw(200);
        ask->to = (ask->from + 1 + draw(999)) % 1000;
        ask->constraints.bandwidth_bps = 1000 * (1 + draw(1000));
        ask->constraints.priority = (uint8_t)(2 + draw(3));
        ask->constraints.symmetric = draw(2);
        lsps[i].lsp = i + 1;
        lsps[i].hold_priority = ask->constraints.priority;
    }
}

static double
route_all(struct te_router *r, struct te_bulk_lsp *lsps, struct te_bulk_counts *counts,
          uint64_t *n_labels)
{
    struct te_bookings *b = te_bookings_new(r->net);
    struct te_igp *igp = te_igp_new(r, NULL);
    double start = cpu_seconds();
    te_bulk_route(r, b, lsps, LSPS, counts);
    for (uint32_t i = 0; i < LSPS && n_labels; i++) {
        const struct te_segments_request ask = {.links = lsps[i].path.links,
                                                .n_links = lsps[i].path.n};
        struct te_segments list;
        if (lsps[i].err || te_segments_find(igp, &ask, &list, NULL, NULL))
            continue;
        *n_labels += list.n;
        te_segments_fini(&list);
    }
    double ms = MS(start);
    for (uint32_t i = 0; i < LSPS; i++)
        te_path_fini(&lsps[i].path);
    te_igp_free(igp);
    te_bookings_free(b);
    return ms;
}

static void
measure_reroute(struct te_router *r)
{
    static struct te_bulk_lsp lsps[LSPS];
    double plain[5], lists[5];
    uint64_t n_labels = 0;
    char note[160];
    struct te_bulk_counts counts;
    draw_lsps(lsps);
    for (int i = 0; i < 5; i++) {
        n_labels = 0;
        plain[i] = route_all(r, lsps, &counts, NULL);
        lists[i] = route_all(r, lsps, &counts, &n_labels);
    }
    snprintf(note, sizeof note,
             "1,000 nodes, %u links; %u found, %u from %u trees, %u searched alone; all booked",
             r->net->n_links, counts.found, counts.from_trees, counts.trees, counts.searches);
    print("10,000 LSPs recomputed", bench_median(plain, 5), 1000, NULL, note);
    snprintf(note, sizeof note, "and their segment lists: %.1f labels on the mean",
             (double)n_labels / MAX(counts.found, 1));
    print("10,000 LSPs recomputed, with labels", bench_median(lists, 5), 1000, NULL, note);
}

/* ---- The account ---- */

#define HOUR (INT64_C(3600) * NSEC_PER_SEC)

/* Every night for a month for half of them, always for the others. */
static void
measure_account(struct te_router *r)
{
    static struct te_bulk_lsp lsps[LSPS];
    static struct te_window nights[31], month = {0, 31 * 24 * HOUR};
    struct te_bookings *b = te_bookings_new(r->net);
    uint64_t *free_bps = xcalloc(r->net->n_links, sizeof *free_bps);
    uint32_t n = 0;
    draw_lsps(lsps);
    te_bulk_route(r, NULL, lsps, LSPS, NULL);
    for (int i = 0; i < 31; i++)
        nights[i] = (struct te_window){(24 * i + 22) * HOUR, (24 * i + 28) * HOUR};
    double start = cpu_seconds();
    for (uint32_t i = 0; i < LSPS; i++) {
        const struct te_booking booking = {.lsp = i + 1,
                                           .setup_priority = lsps[i].ask.constraints.priority,
                                           .hold_priority = lsps[i].hold_priority,
                                           .bandwidth_bps = lsps[i].ask.constraints.bandwidth_bps,
                                           .links = lsps[i].path.links,
                                           .n_links = lsps[i].path.n,
                                           .windows = i % 2 ? nights : NULL,
                                           .n_windows = i % 2 ? 1 + draw(31) : 0};
        n += !te_bookings_put(b, &booking, NULL);
    }
    double booked = MS(start);
    start = cpu_seconds();
    te_bookings_all_free(b, 3, &month, 1, 0, free_bps);
    double asked = MS(start);
    char note[120];
    snprintf(note, sizeof note, "%u fit; half of them every night for up to a month", n);
    print("10,000 LSPs booked", booked, NAN, NULL, note);
    print("what is free on all links in that month", asked, NAN, NULL, "");
    for (uint32_t i = 0; i < LSPS; i++)
        te_path_fini(&lsps[i].path);
    free(free_bps);
    te_bookings_free(b);
}

int
main(void)
{
    measure_large();
    const struct te_network *net = make_grid();
    struct te_router *r = te_router_new(net);
    measure_groups(r, "node- and SRLG-disjoint pair");
    measure_reroute(r);
    measure_account(r);
    te_router_free(r);
    te_network_free(net);
    return 0;
}
