/* The classifier of the proof (src/engineer/classifier.h) with packet filters of others: ClassBench
 * rule sets, lookups a second on one core with packets drawn from the rules, each answer checked
 * against a search of the list. How much the same filters are in the datapath's table is
 * edge-classify's to say. */
#include "bench.h"
#include "bench/classbench.h"

#include "engineer/acl.h"
#include "engineer/classifier.h"

#include <string.h>

#define ROUNDS 9
#define N_PACKETS 32768u
#define N_CHECKED 4000u

static struct classbench set;
static struct packet5 packets[N_PACKETS];

static struct cube
cube_of(const struct classbench_rule *r)
{
    return (struct cube){.src = r->src,
                         .src_mask = r->src_mask,
                         .dst = r->dst,
                         .dst_mask = r->dst_mask,
                         .sport = {r->sport[0], r->sport[1]},
                         .dport = {r->dport[0], r->dport[1]},
                         .proto = {r->proto, (uint8_t)(r->proto | ~r->proto_mask)}};
}

static struct packet5
packet_of(const struct classbench_packet *p)
{
    return (struct packet5){p->src, p->dst, p->sport, p->dport, p->proto};
}

static bool
check(const struct classifier *c)
{
    for (uint32_t i = 0; i < N_CHECKED; i++) {
        struct classbench_packet drawn;
        classbench_draw(&set, &drawn);
        if (i % 4 == 3) /* perhaps of no rule */
            drawn.dst = classbench_pick(UINT32_MAX);
        struct packet5 p = packet_of(&drawn);
        if (classifier_lookup(c, &p) != classbench_search(&set, &drawn))
            return false;
    }
    return true;
}

static double
round_of(const struct classifier *c)
{
    int64_t sum = 0;
    double start = classbench_seconds();
    for (uint32_t i = 0; i < N_PACKETS; i++)
        sum += classifier_lookup(c, &packets[i]);
    double took = classbench_seconds() - start;
    if (sum <= 0)
        abort();
    return N_PACKETS / took / 1e6;
}

/* How long it takes to find all rules that do nothing. The sets have no actions: every third rule
 * denies. */
static void
measure_flaws(const char *name)
{
    static const char *const kinds[] = {"shadowed", "redundant", "unjudged"};
    struct acl *acl = acl_new(ACL_BUDGET);
    struct acl_flaw *flaws;
    uint32_t n, counts[ARRAY_SIZE(kinds)] = {0};
    char what[64], note[160];
    for (uint32_t i = 0; i < set.n; i++) {
        struct acl_rule rule = {cube_of(&set.rules[i]), set.rules[i].priority, i % 3 != 0};
        if (acl_add(acl, &rule, NULL))
            abort();
    }
    double start = classbench_seconds();
    acl_flaws(acl, ACL_STEPS, &flaws, &n);
    double took = classbench_seconds() - start;
    for (uint32_t i = 0; i < n; i++)
        counts[flaws[i].kind]++;
    snprintf(what, sizeof what, "%s rules that do nothing", name);
    snprintf(note, sizeof note, "%u rules, every third denies: %u %s, %u %s, %u %s", set.n,
             counts[0], kinds[0], counts[1], kinds[1], counts[2], kinds[2]);
    (void)bench_print(&(struct bench_figure){
        .bench = "classify", .what = what, .value = took, .unit = "s", .goal = NAN, .note = note});
    free(flaws);
    acl_free(acl);
}

static bool
measure(const char *name, double goal)
{
    char note[160];
    double samples[ROUNDS];
    struct classifier_size size;
    if (!classbench_read(&set, "classify", name))
        return true;
    struct classifier *c = classifier_new(ACL_BUDGET);
    double start = classbench_seconds();
    for (uint32_t i = 0; i < set.n; i++) {
        struct cube cube = cube_of(&set.rules[i]);
        if (classifier_add(c, &cube, set.rules[i].priority))
            abort(); /* 64 MiB hold some millions */
    }
    double took = classbench_seconds() - start;
    for (uint32_t i = 0; i < N_PACKETS; i++) {
        struct classbench_packet drawn;
        classbench_draw(&set, &drawn);
        packets[i] = packet_of(&drawn);
    }
    bool correct = check(c);
    for (unsigned i = 0; i < ROUNDS; i++)
        samples[i] = round_of(c);
    classifier_get_size(c, &size);
    snprintf(note, sizeof note,
             "%u rules, %u tables, longest bucket %u, %zu KiB, %s, best %.2f, %.2f us to add one",
             size.rules, size.tables, size.longest, size.memory / 1024,
             correct ? "all as by the list" : "WRONG ANSWERS",
             bench_percentile(samples, ROUNDS, 100), took / set.n * 1e6);
    (void)bench_print(&(struct bench_figure){.bench = "classify",
                                             .what = name,
                                             .value = bench_median(samples, ROUNDS),
                                             .unit = "Mpps",
                                             .goal = goal,
                                             .note = note});
    classifier_free(c);
    if (!isnan(goal))
        measure_flaws(name);
    return correct;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double goal;
    } sets[] = {
        {"acl1_10k", 1.5}, {"fw1_10k", 1.2}, {"ipc1_10k", 0.6}, {"acl2_10k", NAN},
        {"acl3_10k", NAN}, {"fw2_10k", NAN}, {"fw4_10k", NAN},  {"ipc2_10k", NAN},
    };
    bool correct = true;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (argc < 2 || !strcmp(argv[1], sets[i].name))
            correct &= measure(sets[i].name, sets[i].goal);
    }
    return !correct;
}
