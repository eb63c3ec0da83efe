/* Packet filters with many masks in one table of the datapath: ClassBench rule sets (D. Taylor, J.
 * Turner, "ClassBench: A Packet Classification Benchmark", INFOCOM 2005), lookups a second on one
 * core with packets drawn from the rules, each answer checked against a search of the list.
 *
 * Port ranges become prefixes of one priority. TCP flags, which OpenFlow 1.3 does not match, are
 * left out, and with them rules that say nothing new.
 *
 * The sets are in $CLASSBENCH, or shared/data/classbench beside the worktree. */
#include "bench.h"

#include "edge/flow_table.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define N_KEYS 32768u
#define N_CHECKED 4000u
#define MAX_RULES 20000u

struct rule {
    uint32_t src, src_mask, dst, dst_mask;
    uint16_t sport[2], dport[2];
    uint8_t proto, proto_mask;
    uint16_t priority;
};

static struct rule rules[MAX_RULES];
static uint32_t n_rules;
static struct flow_key keys[N_KEYS];
static uint64_t random_state = 88172645463325252;

static uint32_t
pick(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static double
seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint32_t
prefix_mask(unsigned length)
{
    return length ? UINT32_MAX << (32 - length) : 0;
}

static bool
same_rule(const struct rule *a, const struct rule *b)
{
    return a->src == b->src && a->src_mask == b->src_mask && a->dst == b->dst &&
           a->dst_mask == b->dst_mask && !memcmp(a->sport, b->sport, sizeof a->sport) &&
           !memcmp(a->dport, b->dport, sizeof a->dport) && a->proto == b->proto &&
           a->proto_mask == b->proto_mask;
}

static bool
is_new(const struct rule *rule)
{
    for (uint32_t i = 0; i < n_rules; i++) {
        if (same_rule(&rules[i], rule))
            return false;
    }
    return true;
}

/* "@1.2.3.4/32 5.6.7.8/24 0 : 65535 80 : 80 0x06/0xFF 0x0000/0x0200" */
static bool
read_rules(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    n_rules = 0;
    while (file && n_rules < MAX_RULES && fgets(line, sizeof line, file)) {
        unsigned s[5], d[5], p[4], proto, mask;
        if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &s[0], &s[1],
                   &s[2], &s[3], &s[4], &d[0], &d[1], &d[2], &d[3], &d[4], &p[0], &p[1], &p[2],
                   &p[3], &proto, &mask) != 16)
            continue;
        struct rule r = {
            .src_mask = prefix_mask(s[4]),
            .dst_mask = prefix_mask(d[4]),
            .sport = {(uint16_t)p[0], (uint16_t)p[1]},
            .dport = {(uint16_t)p[2], (uint16_t)p[3]},
            .proto = (uint8_t)(proto & mask),
            .proto_mask = (uint8_t)mask,
            .priority = (uint16_t)(UINT16_MAX - n_rules),
        };
        r.src = (s[0] << 24 | s[1] << 16 | s[2] << 8 | s[3]) & r.src_mask;
        r.dst = (d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3]) & r.dst_mask;
        if (is_new(&r))
            rules[n_rules++] = r;
    }
    if (file)
        fclose(file);
    return n_rules > 0;
}

/* The largest prefix that begins at `from` and does not go beyond `to`. */
static uint16_t
port_mask(uint32_t from, uint32_t to)
{
    uint32_t size = 1;
    while (!(from & size) && size < 65536 && from + 2 * size - 1 <= to)
        size *= 2;
    return (uint16_t) ~(size - 1);
}

static void
put_part(struct flow_table *table, const struct rule *r, uint32_t sport, uint16_t smask,
         uint32_t dport, uint16_t dmask)
{
    struct flow flow = {.priority = r->priority};
    struct flow_key *value = &flow.match.value, *mask = &flow.match.mask;
    uint32_t words[4] = {to_be32(r->src), to_be32(r->src_mask), to_be32(r->dst),
                         to_be32(r->dst_mask)};
    match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    memcpy(value->ip_src, &words[0], 4);
    memcpy(mask->ip_src, &words[1], 4);
    memcpy(value->ip_dst, &words[2], 4);
    memcpy(mask->ip_dst, &words[3], 4);
    value->ip_proto = r->proto;
    mask->ip_proto = r->proto_mask;
    value->tp_src = to_be16((uint16_t)sport);
    mask->tp_src = to_be16(smask);
    value->tp_dst = to_be16((uint16_t)dport);
    mask->tp_dst = to_be16(dmask);
    flow_table_insert(table, &flow, 0);
}

static void
put_rule(struct flow_table *table, const struct rule *r)
{
    for (uint32_t s = r->sport[0]; s <= r->sport[1];) {
        uint16_t smask = port_mask(s, r->sport[1]);
        for (uint32_t d = r->dport[0]; d <= r->dport[1];) {
            uint16_t dmask = port_mask(d, r->dport[1]);
            put_part(table, r, s, smask, d, dmask);
            d += (uint16_t)~dmask + 1u;
        }
        s += (uint16_t)~smask + 1u;
    }
}

static uint16_t
pick_port(const uint16_t range[2])
{
    return (uint16_t)(range[0] + pick(range[1] - range[0] + 1u));
}

/* A packet that a rule covers. */
static void
make_key(struct flow_key *key)
{
    static const uint8_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, 47};
    const struct rule *r = &rules[pick(n_rules)];
    *key = (struct flow_key){0};
    flow_key_set(key, FIELD_IN_PORT, 1);
    flow_key_set(key, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    flow_key_set(key, FIELD_ETH_SRC, 0x020000000001);
    flow_key_set(key, FIELD_ETH_DST, 0x020000000002);
    flow_key_set(key, FIELD_IPV4_SRC, r->src | (pick(UINT32_MAX) & ~r->src_mask));
    flow_key_set(key, FIELD_IPV4_DST, r->dst | (pick(UINT32_MAX) & ~r->dst_mask));
    key->ip_proto = r->proto_mask ? r->proto : protos[pick(4)];
    key->tp_src = to_be16(pick_port(r->sport));
    key->tp_dst = to_be16(pick_port(r->dport));
}

static bool
covers(const struct rule *r, const struct flow_key *key)
{
    uint32_t src = (uint32_t)flow_key_get(key, FIELD_IPV4_SRC);
    uint32_t dst = (uint32_t)flow_key_get(key, FIELD_IPV4_DST);
    uint16_t sport = from_be16(key->tp_src), dport = from_be16(key->tp_dst);
    return !((src ^ r->src) & r->src_mask) && !((dst ^ r->dst) & r->dst_mask) &&
           !((key->ip_proto ^ r->proto) & r->proto_mask) && sport >= r->sport[0] &&
           sport <= r->sport[1] && dport >= r->dport[0] && dport <= r->dport[1];
}

/* The rules are by falling priority. */
static int
priority_by_list(const struct flow_key *key)
{
    for (uint32_t i = 0; i < n_rules; i++) {
        if (covers(&rules[i], key))
            return rules[i].priority;
    }
    return -1;
}

static int
priority_by_table(const struct flow_table *table, const struct flow_key *key)
{
    const struct entry *entry = flow_table_lookup(table, key);
    return entry ? entry->priority : -1;
}

static bool
check(const struct flow_table *table)
{
    for (uint32_t i = 0; i < N_CHECKED; i++) {
        struct flow_key key = keys[i];
        if (i % 4 == 3) /* perhaps of no rule */
            flow_key_set(&key, FIELD_IPV4_DST, pick(UINT32_MAX));
        if (priority_by_table(table, &key) != priority_by_list(&key))
            return false;
    }
    return true;
}

static double
round_of(const struct flow_table *table)
{
    uint64_t sum = 0;
    double start = seconds();
    for (uint32_t i = 0; i < N_KEYS; i++)
        sum += (uint64_t)priority_by_table(table, &keys[i]);
    double took = seconds() - start;
    if (!sum)
        abort();
    return N_KEYS / took / 1e6;
}

static bool
measure(const char *directory, const char *set, double goal)
{
    char path[512], note[128];
    struct qsbr qsbr;
    struct flow_table table;
    double samples[ROUNDS];
    snprintf(path, sizeof path, "%s/%s", directory, set);
    if (!read_rules(path)) {
        fprintf(stderr, "edge-classify: skipped: there is no %s\n", path);
        return true;
    }
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    double start = seconds();
    for (uint32_t i = 0; i < n_rules; i++)
        put_rule(&table, &rules[i]);
    double took = seconds() - start;
    for (uint32_t i = 0; i < N_KEYS; i++)
        make_key(&keys[i]);
    bool correct = check(&table);
    for (unsigned i = 0; i < ROUNDS; i++)
        samples[i] = round_of(&table);
    snprintf(note, sizeof note, "%u rules, %u entries, %s, best %.2f, %.2f us to add one", n_rules,
             table.n_entries, correct ? "all as by the list" : "WRONG ANSWERS",
             bench_percentile(samples, ROUNDS, 100), took / table.n_entries * 1e6);
    (void)bench_print(&(struct bench_figure){.bench = "edge-classify",
                                             .what = set,
                                             .value = bench_median(samples, ROUNDS),
                                             .unit = "Mpps",
                                             .goal = goal,
                                             .note = note});
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
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
    const char *directory = getenv("CLASSBENCH");
    bool correct = true;
    if (!directory)
        directory = !access("../shared/data/classbench", R_OK) ? "../shared/data/classbench"
                                                               : "../../shared/data/classbench";
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (argc < 2 || !strcmp(argv[1], sets[i].name))
            correct &= measure(directory, sets[i].name, sets[i].goal);
    }
    return !correct;
}
