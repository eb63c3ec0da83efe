/* prove_bench.c - how long the proof needs for a change of one rule, and for everything.
 *
 *     prove_bench              replacing one rule, and everything anew: 425 switches
 *     prove_bench failures [CIRCUITS]      every single failure of 425 switches (10,000 circuits)
 *
 * Two plans of the same generated network. The plain one has no failover paths and no test
 * conversations: rules along one path. The full one has both, as a network in production does; what
 * can fail is judged in every figure of it. */
#include "bench/bench.h"
#include "bench/network_generator.h"
#include "engineer/certificate.h"
#include "engineer/design.h"
#include "engineer/prove.h"
#include "io/clock.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SWITCHES 425
#define CHANGES 20000
#define ROUNDS 5

static void
check(enum err err, const struct diag *diag)
{
    if (err) {
        fprintf(stderr, "prove_bench: %s: %s\n", err_name(err), diag->text);
        exit(1);
    }
}

/* A flow of a plan, to be replaced by its copy and back. */
struct place {
    const char *node;
    const struct flow *flow;
    struct flow copy;
};

struct subject {
    struct network *net;
    struct plan *plan;
    struct prover *prover;
    struct plan_size size;
    uint32_t n_circuits;
    const char *name;
};

static void
open_subject(struct subject *s, uint32_t n_circuits, bool full)
{
    struct diag diag = {""};
    s->net = generate_network(SWITCHES);
    generate_circuits(s->net, 0, n_circuits);
    s->n_circuits = n_circuits;
    for (struct node *node = s->net->nodes; node && !full; node = node->hh.next)
        node->kind = NODE_OPENFLOW; /* tests nothing */
    for (struct circuit *c = s->net->circuits; c && !full; c = c->hh.next)
        c->protection = DISJOINT_NONE;
    for (struct link *l = s->net->links; l;
         l = l->hh.next) /* the proof is about rules, not rates */
        l->capacity_kbps = UINT32_C(1000) * 1000 * 1000;
    struct designer *designer = designer_new(s->net);
    for (struct circuit *c = s->net->circuits; c; c = c->hh.next) {
        struct design *design;
        check(designer_add(designer, c, &design, &diag), &diag);
        network_put_design(s->net, design);
    }
    designer_free(designer);
    check(plan_network(s->net, &s->plan, &diag), &diag);
    plan_get_size(s->plan, &s->size);
    s->prover = prover_new(s->net);
    check(prover_put_plan(s->prover, s->plan), &diag);
    check(prover_allow_all(s->prover, &diag), &diag);
}

static void
close_subject(struct subject *s)
{
    prover_free(s->prover);
    plan_free(s->plan);
    network_free(s->net);
}

static void
must_hold(struct subject *s)
{
    struct proof proof;
    if (!prover_judge(s->prover))
        return;
    struct buf text = BUF_INIT;
    prover_report(s->prover, 5, &proof);
    proof_format(&proof, &text);
    fprintf(stderr, "prove_bench: %s\n", buf_cstr(&text));
    exit(1);
}

static void
print(const struct subject *s, const char *bench, const char *what, double value, const char *unit,
      double goal, const char *note)
{
    char text[160];
    snprintf(text, sizeof text, "%s, %s", s->name, what);
    struct bench_figure f = {.bench = bench,
                             .what = text,
                             .value = value,
                             .unit = unit,
                             .goal = goal,
                             .smaller_is_better = true,
                             .note = note};
    bench_print(&f);
}

/* Conversations' flows, all over the network. */
static struct place *
draw_places(const struct subject *s, uint32_t n)
{
    struct place *places = xcalloc(n, sizeof *places);
    const char **names;
    uint32_t n_nodes = plan_nodes(s->plan, &names), seen = 0;
    srand48(1);
    for (uint32_t i = 0; i < n_nodes; i++) {
        struct rule_list rules;
        plan_rules(s->plan, names[i], &rules);
        for (uint32_t k = 0; k < rules.n; k++) {
            if (rules.list[k].kind != RULE_FLOW ||
                rules.list[k].flow->priority != PRIORITY_CONVERSATION)
                continue;
            uint32_t at = seen < n ? seen : (uint32_t)(drand48() * seen);
            if (at < n)
                places[at] = (struct place){
                    network_node(s->net, names[i])->name, rules.list[k].flow, {0}};
            seen++;
        }
        free(rules.list);
    }
    free(names);
    for (uint32_t i = 0; i < n; i++)
        flow_copy(&places[i].copy, places[i].flow);
    return places;
}

/* In microseconds each. */
static void
change_rules(struct subject *s, struct place *places, double *replaced, double *taken,
             uint32_t *missed)
{
    for (uint32_t i = 0; i < CHANGES; i++) {
        struct rule new = rule_of_flow(&places[i].copy), old = rule_of_flow(places[i].flow);
        nsec_t start = clock_monotonic();
        enum err err = prover_put(s->prover, places[i].node, &new);
        uint64_t n = prover_judge(s->prover);
        nsec_t end = clock_monotonic();
        replaced[i] = (double)(end - start) / 1e3;
        if (err || n || prover_put(s->prover, places[i].node, &old))
            must_hold(s);
        prover_judge(s->prover);

        start = clock_monotonic();
        err = prover_remove(s->prover, places[i].node, &old);
        n = prover_judge(s->prover);
        if (err || prover_put(s->prover, places[i].node, &old) || prover_judge(s->prover))
            must_hold(s);
        end = clock_monotonic();
        taken[i] = (double)(end - start) / 1e3;
        *missed += n > 0;
    }
}

static void
certify_rules(const struct subject *s, const struct place *places)
{
    struct certifier *c = certifier_new(s->net);
    struct diag diag = {""};
    double *us = xcalloc(CHANGES, sizeof *us);
    for (const struct design *d = s->net->designs; d; d = d->hh.next)
        check(certifier_allow(c, network_circuit(s->net, d->circuit), d, &diag), &diag);
    for (uint32_t i = 0; i < CHANGES; i++) {
        struct certificate result;
        const struct rule_lookup lookup = rule_lookup_in(plan_ruleset(s->plan, places[i].node));
        nsec_t start = clock_monotonic();
        check(certify(c, places[i].node, places[i].flow, &lookup, &result), &diag);
        us[i] = (double)(clock_monotonic() - start) / 1e3;
        if (result.kind != CERTIFIED) {
            struct buf text = BUF_INIT;
            flow_format(places[i].flow, &text);
            fprintf(stderr, "prove_bench: %s: %s: %s\n", places[i].node, buf_cstr(&text),
                    result.text);
            exit(1);
        }
    }
    print(s, "prove", "certificate of one rule, p50", bench_percentile(us, CHANGES, 50), "us", NAN,
          "the rule and the circuits alone");
    print(s, "prove", "certificate of one rule, p99", bench_percentile(us, CHANGES, 99), "us", NAN,
          "");
    free(us);
    certifier_free(c);
}

/* Everything judged anew, in a prover that has been told all. */
static double
judge_all(struct subject *s, double *load)
{
    struct diag diag = {""};
    nsec_t start = clock_monotonic();
    struct prover *p = prover_new(s->net);
    check(prover_put_plan(p, s->plan), &diag);
    check(prover_allow_all(p, &diag), &diag);
    nsec_t loaded = clock_monotonic();
    struct prover *kept = s->prover;
    s->prover = p;
    must_hold(s);
    nsec_t judged = clock_monotonic();
    s->prover = kept;
    prover_free(p);
    *load = (double)(loaded - start) / 1e9;
    return (double)(judged - loaded) / 1e9;
}

static double
everything_anew(struct subject *s, double *load)
{
    double seconds[ROUNDS], loads[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        seconds[i] = judge_all(s, &loads[i]);
    *load = bench_median(loads, ROUNDS);
    return bench_median(seconds, ROUNDS);
}

static void
measure(struct subject *s, double p50, double p99, double anew)
{
    char note[200];
    double *replaced = xcalloc(CHANGES, sizeof *replaced), *taken = xcalloc(CHANGES, sizeof *taken);
    double load, all = everything_anew(s, &load);
    uint32_t missed = 0;
    struct proof proof;
    struct rusage usage;
    must_hold(s);
    prover_report(s->prover, 0, &proof);
    snprintf(note, sizeof note,
             "%u circuits, %u flows, %u groups; %llu conversations, %llu failures met, %llu steps",
             s->n_circuits, s->size.flows, s->size.groups, (unsigned long long)proof.walks,
             (unsigned long long)proof.failures, (unsigned long long)proof.steps);
    proof_fini(&proof);
    struct place *places = draw_places(s, CHANGES);
    change_rules(s, places, replaced, taken, &missed);
    print(s, "prove", "one rule replaced and judged, p50", bench_percentile(replaced, CHANGES, 50),
          "us", p50, note);
    print(s, "prove", "one rule replaced and judged, p99", bench_percentile(replaced, CHANGES, 99),
          "us", p99, note);
    snprintf(note, sizeof note,
             "%u of %u rules are missed at once, the others only after a failure that a "
             "design excuses or after several",
             missed, CHANGES);
    print(s, "prove", "one rule taken out, judged, put back, judged, p50",
          bench_percentile(taken, CHANGES, 50), "us", NAN, note);
    print(s, "prove", "everything anew", all, "s", anew,
          "median of 5; what is told is there already");
    print(s, "prove", "telling the prover everything", load, "s", NAN, "tables and circuits");
    certify_rules(s, places);
    getrusage(RUSAGE_SELF, &usage);
    print(s, "prove", "memory", (double)usage.ru_maxrss / 1024, "MB", NAN,
          "peak RSS, plan and network included");
    for (uint32_t i = 0; i < CHANGES; i++)
        flow_fini(&places[i].copy);
    free(places);
    free(replaced);
    free(taken);
}

static void
failures(uint32_t n_circuits)
{
    struct subject s = {.name = "full"};
    char note[200];
    double load;
    struct proof proof;
    open_subject(&s, n_circuits, true);
    double seconds = everything_anew(&s, &load);
    must_hold(&s);
    prover_report(s.prover, 0, &proof);
    snprintf(note, sizeof note,
             "%u nodes, %u links; %u circuits, %u flows; %llu times a conversation met a failure",
             HASH_COUNT(s.net->nodes), HASH_COUNT(s.net->links), s.n_circuits, s.size.flows,
             (unsigned long long)proof.failures);
    print(&s, "prove-failures", "every link, node and shared risk alone", seconds, "s", 10, note);
    proof_fini(&proof);
    close_subject(&s);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "failures")) {
        failures(argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000);
        return 0;
    }
    struct subject plain = {.name = "plain"};
    open_subject(&plain, 20000, false);
    measure(&plain, 2, 10, 0.25);
    close_subject(&plain);
    struct subject full = {.name = "full"};
    open_subject(&full, 10000, true);
    measure(&full, 3, 10, 1);
    close_subject(&full);
    return 0;
}
