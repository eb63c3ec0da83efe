/* engineer_bench.c - how long the engineer service needs for a network of a utility's size.
 *
 *     engineer_bench [SWITCHES [CIRCUITS]]        default 100 and 1000
 *
 * Every circuit of the generated network (network_generator.h) is designed, compiled and proved,
 * the latter with every single failure that it could meet. */
#include "bench/bench.h"
#include "bench/network_generator.h"
#include "engineer/design.h"
#include "engineer/prove.h"
#include "io/clock.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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
    struct network *net = generate_network(n_switches);
    struct diag diag = {""};
    struct plan *plan;
    struct proof proof;
    struct plan_size size;
    char note[160];
    generate_circuits(net, 0, n_circuits);

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
