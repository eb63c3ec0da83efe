/* te-optimise_bench.c - how near to the bound global optimisation comes, and how long it takes, on
 * all SNDlib instances with demands and on Gabriel graphs of 100 nodes.
 *
 *     te-optimise_bench [FILE ...]     these files instead
 *
 * For each: the gap of single paths to the lower bound in % (goal 1), with segment lists of at most
 * 4 labels (goal 3), CPU seconds of it all (goal 1, up to 100 nodes); where demands had to be split
 * over several LSPs, also what is reached without. The bound is the one that
 * link prices prove: never above the linear program's optimum. Peers: what the IGP's shortest paths
 * need; CLP with the whole linear program at once, where that is done in sensible time. */
#include "bench/bench.h"
#include "bench/te_instance.h"
#include "te/optimise.h"
#include "te/optimise_drain.h"
#include "te/whatif.h"

#include "base/alloc.h"

#include <unistd.h>

#define WHOLE_MAX 200 /* nodes: larger ones take CLP long */
#define GAP_PATHS 1.0
#define GAP_LISTS 3.0
#define SECONDS 1.0
#define ROUNDS 3

static double
cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct subject {
    struct te_instance in;
    struct te_router *router;
    struct te_lsp *lsps;
    double whole_seconds, whole_optimum; /* NAN: not done */
};

static void
open_subject(struct subject *s, const char *path)
{
    te_instance_load(&s->in, path);
    s->router = te_router_new(s->in.net);
    s->lsps = xcalloc(s->in.n_demands + 1, sizeof *s->lsps);
    for (uint32_t i = 0; i < s->in.n_demands; i++)
        s->lsps[i] = te_lsp_plain(s->in.demands[i].from, s->in.demands[i].to, s->in.demands[i].bps);
    s->whole_seconds = s->whole_optimum = (double)NAN;
}

static void
close_subject(struct subject *s)
{
    free(s->lsps);
    te_router_free(s->router);
    te_instance_free(&s->in);
}

/* The peer: all of it as one linear program. */
static void
solve_whole(struct subject *s)
{
    struct mcf_graph g;
    struct mcf_whole whole;
    if (s->in.net->n_nodes > WHOLE_MAX)
        return;
    mcf_graph_init(&g, s->in.net, false);
    struct mcf_demand *demands = xcalloc(s->in.n_demands + 1, sizeof *demands);
    for (uint32_t i = 0; i < s->in.n_demands; i++)
        demands[i] = (struct mcf_demand){s->in.demands[i].from,
                                         s->in.demands[i].to,
                                         (double)s->in.demands[i].bps,
                                         (double)INFINITY,
                                         NULL,
                                         0,
                                         false};
    struct mcf_problem p = {&g, s->in.n_demands, demands, NULL};
    double start = cpu_seconds();
    if (mcf_solve_whole(&p, &whole) == ERR_OK) {
        s->whole_seconds = cpu_seconds() - start;
        s->whole_optimum = whole.utilisation;
        mcf_whole_fini(&whole);
    }
    free(demands);
    mcf_graph_fini(&g);
}

/* The worst of a few rounds of the optimiser; the result of the last. `lsps` 0: the default. */
static double
optimise(const struct subject *s, uint32_t labels, uint32_t lsps, struct te_optimum *out)
{
    struct te_optimise_options o = te_optimise_defaults();
    double seconds = 0;
    o.labels = labels;
    o.max_lsps = lsps ? lsps : o.max_lsps;
    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_seconds();
        if (te_optimise(s->router, s->lsps, s->in.n_demands, &o, out)) {
            fprintf(stderr, "te-optimise_bench: %s: no result\n", s->in.name);
            exit(1);
        }
        seconds = fmax(seconds, cpu_seconds() - start);
        if (i + 1 < ROUNDS)
            te_optimum_fini(out);
    }
    return seconds;
}

/* From the routes alone: nothing that the optimiser says about itself. */
static double
recompute(const struct subject *s, const struct te_optimum *o)
{
    double *load = xcalloc(s->in.net->n_links + 1, sizeof *load), highest = 0;
    for (uint32_t i = 0; i < o->n_carriers; i++) {
        const struct te_carrier *c = &o->carriers[i];
        for (uint32_t j = 0; j < c->n_links; j++)
            load[c->links[j]] += (double)c->bps * (c->shares ? c->shares[j] : 1);
    }
    for (uint32_t l = 0; l < s->in.net->n_links; l++)
        highest = fmax(highest, load[l] / (double)s->in.net->links[l].capacity_bps);
    free(load);
    return highest;
}

/* True: what is returned says whether it ran, not whether a goal was reached. */
static bool
print(const struct subject *s, const char *what, double value, const char *unit, double goal,
      json_t *peers, const char *note)
{
    char text[128];
    snprintf(text, sizeof text, "%s, %s", s->in.name, what);
    struct bench_figure f = {.bench = "te-optimise",
                             .what = text,
                             .value = value,
                             .unit = unit,
                             .goal = goal,
                             .smaller_is_better = true,
                             .peers = peers,
                             .note = note};
    bench_print(&f);
    return true;
}

static bool
report_gap(const struct subject *s, const char *what, const struct te_optimum *o, double goal)
{
    char note[256];
    double reached = recompute(s, o);
    snprintf(note, sizeof note,
             "highest utilisation %.4f, bound %.4f (lists %.4f), whole program %.4f; %u LSPs for "
             "%u demands, %u split; %llu searches, %llu pivots",
             reached, o->bound, o->list_bound, s->whole_optimum, o->n_carriers, s->in.n_demands,
             o->n_split, (unsigned long long)o->searches, (unsigned long long)o->iterations);
    return print(s, what, (reached / o->bound - 1) * 100, "%", goal,
                 json_pack("{sf}", "igp", (1 / o->bound - 1) * 100), note);
}

/* Without splitting nothing is below what the largest demand needs by itself. */
static void
report_single(const struct subject *s)
{
    struct te_optimum o;
    char note[160];
    uint64_t largest = 0;
    optimise(s, 0, 1, &o);
    for (uint32_t i = 0; i < s->in.n_demands; i++)
        largest = MAX(largest, s->in.demands[i].bps);
    double reached = recompute(s, &o),
           alone = (double)largest / (double)s->in.net->links[0].capacity_bps;
    snprintf(note, sizeof note,
             "highest utilisation %.4f, bound with splitting %.4f; the largest demand alone needs "
             "%.4f, which is %.2f %% below",
             reached, o.bound, alone, (1 - fmax(alone, o.bound) / reached) * 100);
    print(s, "paths, no demand split: above the bound", (reached / o.bound - 1) * 100, "%",
          (double)NAN, NULL, note);
    te_optimum_fini(&o);
}

static bool
measure(const char *path)
{
    struct subject s;
    struct te_optimum paths, lists;
    open_subject(&s, path);
    bool small = s.in.net->n_nodes <= 100;
    solve_whole(&s);
    double paths_s = optimise(&s, 0, 0, &paths), lists_s = optimise(&s, 4, 0, &lists);
    json_t *peers = isnan(s.whole_seconds) ? NULL : json_pack("{sf}", "clp-whole", s.whole_seconds);
    bool ran = report_gap(&s, "paths: above the bound", &paths, GAP_PATHS);
    ran &= report_gap(&s, "4 labels: above the bound", &lists, GAP_LISTS);
    ran &= print(&s, "paths: CPU", paths_s, "s", small ? SECONDS : (double)NAN, peers, "");
    ran &= print(&s, "4 labels: CPU", lists_s, "s", small ? SECONDS : (double)NAN, NULL,
                 "with the bound for paths");
    if (paths.n_split)
        report_single(&s);
    te_optimum_fini(&paths);
    te_optimum_fini(&lists);
    close_subject(&s);
    return ran;
}

/* ---- What is done with LSPs that are there ---- */

#define OPERATED 2000 /* LSPs */

/* Every fifth demand or so as an LSP on the IGP's path; every third with a standby path. */
static uint32_t
route_some(struct subject *s, struct te_path *paths, struct te_path *standby)
{
    uint32_t n = 0, step = MAX(s->in.n_demands / OPERATED, 1);
    for (uint32_t k = 0; k < s->in.n_demands && n < OPERATED; k += step) {
        struct te_lsp *p = &s->lsps[n];
        *p = te_lsp_plain(s->in.demands[k].from, s->in.demands[k].to, s->in.demands[k].bps);
        struct te_request ask = {.from = p->from, .to = p->to, .optimise = TE_METRIC_IGP};
        if (te_route(s->router, &ask, &paths[n], NULL))
            continue;
        ask.constraints.exclude_links = paths[n].links;
        ask.constraints.n_exclude_links = paths[n].n;
        p->constraints.priority = p->hold_priority = (uint8_t)(n % 8);
        p->links = paths[n].links;
        p->n_links = paths[n].n;
        if (n % 3 == 0 && te_route(s->router, &ask, &standby[n], NULL) == ERR_OK) {
            p->standby = standby[n].links;
            p->n_standby = standby[n].n;
        }
        n++;
    }
    return n;
}

static double
highest_of(const struct subject *s, uint32_t n)
{
    struct te_state state;
    double highest = 0;
    if (te_state_init(&state, s->router, s->lsps, n, 1, false) == ERR_OK) {
        highest = te_state_highest(&state, NULL);
        te_state_fini(&state);
    }
    return highest;
}

static bool
measure_whatif(const struct subject *s, uint32_t n, double share)
{
    struct te_whatif_options o = te_whatif_defaults();
    struct te_whatif w;
    char note[200];
    o.share = share;
    double start = cpu_seconds();
    if (te_whatif(s->router, s->lsps, n, &o, &w))
        return false;
    double seconds = cpu_seconds() - start;
    uint32_t hit = 0, kinds[TE_FATES] = {0};
    for (uint32_t i = 0; i < w.n; i++) {
        hit += w.impacts[i].n_hit;
        for (int k = 0; k < TE_FATES; k++)
            kinds[k] += w.impacts[i].n[k];
    }
    snprintf(note, sizeof note,
             "%u LSPs, %u failures (links, nodes): %u hit; standby %u, rerouted %u, no path %u, no "
             "room %u, ends there %u",
             n, w.n, hit, kinds[0], kinds[1], kinds[2], kinds[3], kinds[4]);
    te_whatif_fini(&w);
    return print(s, "what-if of every link and node: CPU", seconds, "s", 3, NULL, note);
}

static bool
measure_relief(const struct subject *s, uint32_t n, double highest)
{
    struct te_relief_options o = te_relief_defaults();
    struct te_relief relief;
    struct te_order order;
    struct te_order_options how = te_order_defaults();
    char note[200];
    o.threshold = 0.8 * highest;
    double start = cpu_seconds();
    if (te_relieve(s->router, s->lsps, n, &o, &relief))
        return false;
    double relieved = cpu_seconds();
    snprintf(note, sizeof note,
             "%u LSPs; %u links above before, %u after; %u moves, at least %u needed, %s", n,
             relief.over_before, relief.over_after, relief.n_moves, relief.at_least,
             relief.proved ? "proved the fewest" : "not proved the fewest");
    bool ran = print(s, "congestion above 80 % of the hottest removed: CPU", relieved - start, "s",
                     3, NULL, note);
    how.share = highest;
    start = cpu_seconds();
    if (te_order_moves(s->router, s->lsps, n, relief.moves, relief.n_moves, &how, &order) ==
        ERR_OK) {
        snprintf(note, sizeof note, "%u moves in %u batches; %u interim, %u broken", relief.n_moves,
                 order.n_batches, order.n_interim, order.n_broken);
        ran &= print(s, "order of these moves: CPU", cpu_seconds() - start, "s", 1, NULL, note);
        te_order_fini(&order);
    }
    te_relief_fini(&relief);
    return ran;
}

/* All that the optimiser would move, in order. */
static bool
measure_order(const struct subject *s, uint32_t n, double share)
{
    struct te_optimise_options o = te_optimise_defaults();
    struct te_optimum out;
    struct te_order order;
    struct te_order_options how = te_order_defaults();
    char note[200];
    o.max_lsps = 1;
    if (te_optimise(s->router, s->lsps, n, &o, &out))
        return false;
    struct te_move *moves;
    uint32_t n_moves = te_optimum_moves(&out, s->lsps, n, &moves);
    how.share = fmin(share, out.utilisation * 1.02); /* hardly any room beside the optimum */
    double start = cpu_seconds();
    bool ran = te_order_moves(s->router, s->lsps, n, moves, n_moves, &how, &order) == ERR_OK;
    if (ran) {
        snprintf(note, sizeof note, "%u moves of %u LSPs in %u batches; %u interim, %u broken",
                 n_moves, n, order.n_batches, order.n_interim, order.n_broken);
        ran = print(s, "order of all moves to the optimum: CPU", cpu_seconds() - start, "s", 3,
                    NULL, note);
        te_order_fini(&order);
    }
    free(moves);
    te_optimum_fini(&out);
    return ran;
}

static bool
measure_drain(const struct subject *s, uint32_t n, double share)
{
    struct te_drain_options o = te_drain_defaults();
    double worst = 0;
    uint32_t moved = 0, aside = 0, stuck = 0, broken = 0;
    char note[200];
    o.order.share = share;
    for (uint32_t v = 0; v < s->in.net->n_nodes; v += 10) {
        struct te_outage outage = {.nodes = &v, .n_nodes = 1};
        struct te_drain drain;
        double start = cpu_seconds();
        if (te_drain(s->router, s->lsps, n, &outage, &o, &drain))
            return false;
        worst = fmax(worst, cpu_seconds() - start);
        moved += drain.n_moves;
        aside += drain.n_aside;
        broken += drain.away.n_broken;
        for (uint32_t i = 0; i < drain.n_stuck; i++)
            stuck += drain.stuck[i].why != TE_STUCK_END;
        te_drain_fini(&drain);
    }
    snprintf(note, sizeof note,
             "the slowest of every tenth node; together %u moved, %u of them aside, %u could not, "
             "%u broken",
             moved, aside, stuck, broken);
    return print(s, "drain of a node, order there and back: CPU", worst, "s", 3, NULL, note);
}

static bool
measure_operations(const char *path)
{
    struct subject s;
    open_subject(&s, path);
    struct te_path *paths = xcalloc(OPERATED, sizeof *paths),
                   *standby = xcalloc(OPERATED, sizeof *standby);
    uint32_t n = route_some(&s, paths, standby);
    double highest = highest_of(&s, n);
    bool ran = measure_whatif(&s, n, highest);
    ran &= measure_relief(&s, n, highest);
    ran &= measure_order(&s, n, highest);
    ran &= measure_drain(&s, n, highest);
    for (uint32_t i = 0; i < n; i++) {
        te_path_fini(&paths[i]);
        te_path_fini(&standby[i]);
    }
    free(paths);
    free(standby);
    close_subject(&s);
    return ran;
}

static bool
measure_all(const char *directory)
{
    char **files;
    uint32_t n = te_instance_list(directory, &files);
    bool ran = n > 0;
    for (uint32_t i = 0; i < n; i++) {
        ran &= measure(files[i]);
        free(files[i]);
    }
    if (!n)
        fprintf(stderr, "te-optimise_bench: nothing in %s\n", directory);
    free(files);
    return ran;
}

int
main(int argc, char **argv)
{
    bool ran = true;
    for (int i = 1; i < argc; i++)
        ran &= measure(argv[i]);
    if (argc > 1)
        return !ran;
    const char *data = access("../shared/data/topologies", R_OK) ? "../../shared/data/topologies"
                                                                 : "../shared/data/topologies";
    char name[128];
    snprintf(name, sizeof name, "%s/data/sndlib", data);
    ran &= measure_all(name);
    snprintf(name, sizeof name, "%s/data/gabriel/100", data);
    ran &= measure_all(name);
    snprintf(name, sizeof name, "%s/data/gabriel/100/0.json", data);
    ran &= !access(name, R_OK) && measure_operations(name);
    return !ran;
}
