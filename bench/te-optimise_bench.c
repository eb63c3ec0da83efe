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

#include "base/alloc.h"

#include <string.h>
#include <unistd.h>

#define WHOLE_MAX 70 /* nodes: larger ones take CLP minutes */
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
        demands[i] = (struct mcf_demand){s->in.demands[i].from, s->in.demands[i].to,
                                         (double)s->in.demands[i].bps, (double)INFINITY, NULL};
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
        if (te_optimise(s->router, s->lsps, s->in.n_demands, &o, out, NULL)) {
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
    return bench_print(&f);
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
    bool met = report_gap(&s, "paths: above the bound", &paths, GAP_PATHS);
    met &= report_gap(&s, "4 labels: above the bound", &lists, GAP_LISTS);
    met &= print(&s, "paths: CPU", paths_s, "s", small ? SECONDS : (double)NAN, peers, "");
    met &= print(&s, "4 labels: CPU", lists_s, "s", small ? SECONDS : (double)NAN, NULL,
                 "with the bound for paths");
    if (paths.n_split)
        report_single(&s);
    te_optimum_fini(&paths);
    te_optimum_fini(&lists);
    close_subject(&s);
    return met;
}

static bool
measure_all(const char *directory)
{
    char **files;
    uint32_t n = te_instance_list(directory, &files);
    bool met = true;
    for (uint32_t i = 0; i < n; i++) {
        met &= measure(files[i]);
        free(files[i]);
    }
    if (!n)
        fprintf(stderr, "te-optimise_bench: nothing in %s\n", directory);
    free(files);
    return met;
}

int
main(int argc, char **argv)
{
    bool met = true;
    for (int i = 1; i < argc; i++)
        met &= measure(argv[i]);
    if (argc > 1)
        return !met;
    if (access("../shared/data/topologies", R_OK))
        met &= measure_all("../../shared/data/topologies/data/sndlib") &&
               measure_all("../../shared/data/topologies/data/gabriel/100");
    else
        met &= measure_all("../shared/data/topologies/data/sndlib") &&
               measure_all("../shared/data/topologies/data/gabriel/100");
    return !met;
}
