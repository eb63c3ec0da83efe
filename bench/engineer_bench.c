/* engineer_bench.c - how long the engineer service needs for a network of a utility's size.
 *
 *     engineer_bench [SWITCHES [CIRCUITS]]        default 100 and 1000, and then 425 and 10000
 *
 * Every circuit of the generated network (network_generator.h) is designed, compiled and proved,
 * the latter with every single failure that it could meet. Without arguments, a larger network
 * follows, which is designed and compiled: all circuits at once; one more, and one less, among ten
 * thousand; and the question which of 5,000 circuits fit. */
#include "bench/bench.h"
#include "bench/network_generator.h"
#include "engineer/design.h"
#include "engineer/fit.h"
#include "engineer/prove.h"
#include "engineer/scenario.h"
#include "engineer/standing.h"
#include "io/clock.h"

#include "base/alloc.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ROUNDS 3
#define LARGE_SWITCHES 425
#define LARGE_CIRCUITS 10000
#define MORE_CIRCUITS 100
#define BULK_CIRCUITS 5000

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

static double
seconds_since(nsec_t start)
{
    return (double)(clock_monotonic() - start) / 1e9;
}

/* Of this process: what a busy machine does not add to. */
static double
cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static double
heap_mb(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd) / 1e6;
}

static struct designer *
design_all(struct network *net)
{
    struct diag diag = {""};
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        check(designer_add(designer, c, &design, &diag), &diag);
        network_put_design(net, design);
    }
    return designer;
}

/* ---- Plan and proof ---- */

static void
measure_proof(uint32_t n_switches, uint32_t n_circuits)
{
    struct network *net = generate_network(n_switches);
    struct diag diag = {""};
    struct plan *plan;
    struct proof proof;
    struct plan_size size;
    char note[160];
    generate_circuits(net, 0, n_circuits);

    nsec_t start = clock_monotonic();
    struct designer *designer = design_all(net);
    nsec_t designed = clock_monotonic();
    check(plan_network(net, &plan, &diag), &diag);
    nsec_t planned = clock_monotonic();
    check(prove_plan(net, plan, &proof, &diag), &diag);
    nsec_t proved = clock_monotonic();
    if (proof.n) {
        struct buf text = BUF_INIT;
        proof_format(&proof, &text);
        fprintf(stderr, "%s", buf_cstr(&text));
        exit(1);
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
    print("memory", peak_mb(), "MB", is_goal ? 500 : NAN, "peak RSS");
    proof_fini(&proof);
    designer_free(designer);
    plan_free(plan);
    network_free(net);
}

/* ---- Ten thousand circuits, one more, one less ---- */

static void
add_one(struct network *net, struct designer *designer, struct plan *plan, const struct circuit *c)
{
    struct diag diag = {""};
    struct design *design;
    struct plan_changes changes = {0};
    check(designer_add(designer, c, &design, &diag), &diag);
    check(plan_add_circuit(plan, net, c, design, &changes, &diag), &diag);
    network_put_design(net, design);
    plan_changes_free(&changes);
}

static void
remove_one(struct network *net, struct designer *designer, struct plan *plan,
           const struct circuit *c)
{
    struct design *design = network_design(net, c->name);
    struct plan_changes changes = {0};
    plan_remove_circuit(plan, net, c, design, &changes);
    designer_remove(designer, c, design);
    check(network_remove_design(net, c->name), &(struct diag){"a design that was just made"});
    plan_changes_free(&changes);
}

/* What each of a hundred steps took. */
struct samples {
    double wall[MORE_CIRCUITS], cpu[MORE_CIRCUITS];
};

static void
print_samples(const char *median, const char *worst, struct samples *s)
{
    char note[160];
    double cpu_median = bench_median(s->cpu, MORE_CIRCUITS);
    snprintf(note, sizeof note,
             "of 100, among 10,000; design, rules, changes; processor time %.3f, worst %.3f ms",
             cpu_median * 1e3, s->cpu[MORE_CIRCUITS - 1] * 1e3);
    print(median, bench_median(s->wall, MORE_CIRCUITS) * 1e3, "ms", 1, note);
    print(worst, s->wall[MORE_CIRCUITS - 1] * 1e3, "ms", 1, note);
}

static void
measure_one_more(struct network *net, struct designer *designer, struct plan *plan)
{
    const struct circuit *circuits[MORE_CIRCUITS];
    struct samples samples;
    generate_circuits(net, LARGE_CIRCUITS, MORE_CIRCUITS);
    for (uint32_t i = 0; i < MORE_CIRCUITS; i++) {
        char name[24];
        snprintf(name, sizeof name, "circuit-%05u", LARGE_CIRCUITS + i);
        circuits[i] = network_circuit(net, name);
    }
    for (uint32_t i = 0; i < MORE_CIRCUITS; i++) {
        nsec_t start = clock_monotonic();
        double cpu = cpu_seconds();
        add_one(net, designer, plan, circuits[i]);
        samples.cpu[i] = cpu_seconds() - cpu;
        samples.wall[i] = seconds_since(start);
    }
    print_samples("one more circuit, median", "one more circuit, worst", &samples);
    for (uint32_t i = 0; i < MORE_CIRCUITS; i++) {
        nsec_t start = clock_monotonic();
        double cpu = cpu_seconds();
        remove_one(net, designer, plan, circuits[i]);
        samples.cpu[i] = cpu_seconds() - cpu;
        samples.wall[i] = seconds_since(start);
    }
    print_samples("one circuit out, median", "one circuit out, worst", &samples);
}

/* ---- An order, and a question, among ten thousand circuits ---- */

/* Designs what has no design yet. */
static void
design_rest(struct network *net)
{
    struct designer *designer = designer_new(net);
    struct diag diag = {""};
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        if (network_design(net, c->name))
            continue;
        check(designer_add(designer, c, &design, &diag), &diag);
        network_put_design(net, design);
    }
    designer_free(designer);
}

static double
move_on(struct standing *standing, const struct network *net)
{
    struct diag diag = {""};
    struct proof proof;
    nsec_t start = clock_monotonic();
    check(standing_move(standing, net, 1, &proof, NULL, &diag), &diag);
    double seconds = seconds_since(start);
    if (proof.n) {
        fprintf(stderr, "engineer_bench: %s\n", proof.violations[0].text);
        exit(1);
    }
    proof_fini(&proof);
    return seconds;
}

/* Orders of one circuit and of a hundred come and go; each is planned and proved on its way. */
static void
measure_orders(struct network *net)
{
    static const uint32_t sizes[] = {1, 100};
    struct standing *standing = standing_new();
    struct network *more = network_copy(net);
    double anew = move_on(standing, net);
    print("425 switches, 10k circuits: planned and proved anew, as for a first order", anew, "s",
          NAN, "one thread");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        double in[ROUNDS], out[ROUNDS];
        char what[96], note[160];
        generate_circuits(more, LARGE_CIRCUITS, sizes[i]);
        design_rest(more);
        for (int k = 0; k < ROUNDS; k++) {
            in[k] = move_on(standing, more);
            out[k] = move_on(standing, net);
        }
        snprintf(what, sizeof what, "425 switches, 10k circuits: an order of %u more proved",
                 sizes[i]);
        snprintf(note, sizeof note,
                 "plan, proof, and proof of the way there; taken back %.1f ms; median of %d",
                 bench_median(out, ROUNDS) * 1e3, ROUNDS);
        print(what, bench_median(in, ROUNDS) * 1e3, "ms", NAN, note);
    }
    standing_release(standing);
    network_free(more);
}

/* A WAN link is to go. */
static void
measure_scenario(const struct network *net)
{
    struct scenario *s = scenario_new(net);
    const struct scenario_options options = {0};
    struct diag diag = {""};
    json_t *answer;
    char note[160];
    const struct link *link = net->links;
    nsec_t start = clock_monotonic();
    check(scenario_remove(s, OBJECT_LINK, link->name, &diag), &diag);
    check(scenario_run(s, &options, &answer, &diag), &diag);
    double seconds = seconds_since(start);
    json_t *designed = json_object_get(answer, "circuits");
    snprintf(note, sizeof note,
             "link %s gone; %lld circuits designed anew, %lld fit; plan, proof, bounds, difference",
             link->name, (long long)json_integer_value(json_object_get(designed, "n")),
             (long long)json_integer_value(json_object_get(designed, "n-fit")));
    print("425 switches, 10k circuits: what if a link were gone", seconds, "s", NAN, note);
    json_decref(answer);
    scenario_free(s);
}

/* ---- All that is measured on the large network ---- */

static void
measure_large(void)
{
    double design[ROUNDS], both[ROUNDS], cpu[ROUNDS], plan_heap = 0;
    struct plan_size size = {0};
    char note[160];
    for (int i = 0; i < ROUNDS; i++) {
        struct network *net = generate_network(LARGE_SWITCHES);
        struct diag diag = {""};
        struct plan *plan;
        generate_circuits(net, 0, LARGE_CIRCUITS);
        cpu[i] = cpu_seconds();
        nsec_t start = clock_monotonic();
        struct designer *designer = design_all(net);
        design[i] = seconds_since(start);
        double heap = heap_mb();
        check(plan_network(net, &plan, &diag), &diag);
        both[i] = seconds_since(start);
        cpu[i] = cpu_seconds() - cpu[i];
        plan_heap = heap_mb() - heap;
        plan_get_size(plan, &size);
        if (i + 1 == ROUNDS)
            measure_one_more(net, designer, plan);
        designer_free(designer);
        plan_free(plan);
        if (i + 1 == ROUNDS) {
            measure_orders(net);
            measure_scenario(net);
        }
        network_free(net);
    }
    snprintf(note, sizeof note, "%u flows, %u groups; median of %d; processor time of both %.3f s",
             size.flows, size.groups, ROUNDS, bench_median(cpu, ROUNDS));
    print("425 switches, 10k circuits: design", bench_median(design, ROUNDS), "s", NAN, note);
    print("425 switches, 10k circuits: design and compile", bench_median(both, ROUNDS), "s", 1,
          note);
    print("425 switches, 10k circuits: plan in memory", plan_heap, "MB", NAN, note);
    print("425 switches, 10k circuits: memory", peak_mb(), "MB", NAN, "peak RSS");
}

/* ---- A circuit that is the first of its kind ---- */

/* All links that touch the WAN in one shared-risk group: no two paths can avoid it, and the
 * designer tries all it can. */
static void
lay_all_in_one_duct(struct network *net)
{
    for (struct link *link = net->links; link; link = link->hh.next) {
        if (strncmp(link->a.node, "wan", 3) && strncmp(link->b.node, "wan", 3))
            continue;
        link->shared_risks = xcalloc(1, sizeof *link->shared_risks);
        link->shared_risks[link->n_shared_risks++] = xstrdup("duct");
    }
}

/* Every circuit has a designer of its own, which has found out nothing yet. */
static void
measure_first(bool in_one_duct, const char *what)
{
    struct network *net = generate_network(LARGE_SWITCHES);
    struct samples samples;
    uint32_t n = 0;
    char note[160];
    if (in_one_duct)
        lay_all_in_one_duct(net);
    generate_circuits(net, 0, MORE_CIRCUITS);
    for (const struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct designer *designer = designer_new(net);
        struct design *design;
        struct diag diag = {""};
        nsec_t start = clock_monotonic();
        double cpu = cpu_seconds();
        check(designer_add(designer, c, &design, &diag), &diag);
        samples.cpu[n] = cpu_seconds() - cpu;
        samples.wall[n++] = seconds_since(start);
        design_free(design);
        designer_free(designer);
    }
    double median = bench_median(samples.wall, MORE_CIRCUITS);
    double cpu_median = bench_median(samples.cpu, MORE_CIRCUITS);
    snprintf(note, sizeof note,
             "worst of 100, design alone; median %.3f ms; processor time %.3f, worst %.3f ms",
             median * 1e3, cpu_median * 1e3, samples.cpu[MORE_CIRCUITS - 1] * 1e3);
    print(what, samples.wall[MORE_CIRCUITS - 1] * 1e3, "ms", 1, note);
    network_free(net);
}

/* ---- Which of these fit? ---- */

static void
measure_fit(void)
{
    double samples[ROUNDS], with_orders[ROUNDS];
    struct network *net = generate_network(LARGE_SWITCHES);
    const struct circuit **circuits = xcalloc(BULK_CIRCUITS, sizeof *circuits);
    struct diag diag = {""};
    struct fit fit;
    uint32_t n = 0;
    char note[160];
    generate_circuits(net, 0, BULK_CIRCUITS);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        c->rate_kbps = 500 + n * 7919 % 97 * 100; /* twice what the WAN can carry */
        circuits[n++] = c;
    }
    for (int i = 0; i < 2 * ROUNDS; i++) {
        nsec_t start = clock_monotonic();
        check(fit_circuits(net, circuits, n, i & 1, &fit, &diag), &diag);
        *(i & 1 ? &with_orders[i / 2] : &samples[i / 2]) = seconds_since(start);
        if (!(i & 1))
            snprintf(note, sizeof note, "%u fit; fullest link %s; median of %d",
                     fit.counts[FIT_AS_GIVEN].n_fit, fit.links[0].link, ROUNDS);
        if (i + 1 < 2 * ROUNDS)
            fit_fini(&fit);
    }
    print("425 switches: which of 5,000 circuits fit", bench_median(samples, ROUNDS), "s", 1, note);
    snprintf(note, sizeof note,
             "fit: %u; by rising rate %u, by falling rate %u, constrained first %u",
             fit.counts[FIT_AS_GIVEN].n_fit, fit.counts[FIT_SMALL_FIRST].n_fit,
             fit.counts[FIT_LARGE_FIRST].n_fit, fit.counts[FIT_CONSTRAINED_FIRST].n_fit);
    print("425 switches: the same, in three other orders too", bench_median(with_orders, ROUNDS),
          "s", NAN, note);
    fit_fini(&fit);
    free(circuits);
    network_free(net);
}

int
main(int argc, char **argv)
{
    uint32_t n_switches = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100;
    uint32_t n_circuits = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
    measure_proof(n_switches, n_circuits);
    if (argc > 1)
        return 0;
    measure_large();
    measure_first(false, "425 switches: a first circuit");
    measure_first(true, "425 switches: a first circuit, all WAN links in one duct");
    measure_fit();
    return 0;
}
