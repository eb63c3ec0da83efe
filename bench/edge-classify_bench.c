/* Packet filters with many masks in one table of the datapath: ClassBench rule sets, lookups a
 * second on one core with packets drawn from the rules, each answer checked against a search of the
 * list. Port ranges become prefixes of one priority; OpenFlow 1.3 matches no TCP flags. */
#include "bench.h"
#include "bench/classbench.h"

#include "edge/flow_table.h"

#include <string.h>

#define ROUNDS 9
#define N_KEYS 32768u
#define N_CHECKED 4000u

static struct classbench set;
static struct flow_key keys[N_KEYS];
static struct classbench_packet packets[N_KEYS];

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
put_part(struct flow_table *table, const struct classbench_rule *r, uint32_t sport, uint16_t smask,
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
put_rule(struct flow_table *table, const struct classbench_rule *r)
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

static void
make_key(const struct classbench_packet *p, struct flow_key *key)
{
    *key = (struct flow_key){0};
    flow_key_set(key, FIELD_IN_PORT, 1);
    flow_key_set(key, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    flow_key_set(key, FIELD_ETH_SRC, 0x020000000001);
    flow_key_set(key, FIELD_ETH_DST, 0x020000000002);
    flow_key_set(key, FIELD_IPV4_SRC, p->src);
    flow_key_set(key, FIELD_IPV4_DST, p->dst);
    key->ip_proto = p->proto;
    key->tp_src = to_be16(p->sport);
    key->tp_dst = to_be16(p->dport);
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
        struct classbench_packet packet = packets[i];
        struct flow_key key;
        if (i % 4 == 3) /* perhaps of no rule */
            packet.dst = classbench_pick(UINT32_MAX);
        make_key(&packet, &key);
        if (priority_by_table(table, &key) != classbench_search(&set, &packet))
            return false;
    }
    return true;
}

static double
round_of(const struct flow_table *table)
{
    uint64_t sum = 0;
    double start = classbench_seconds();
    for (uint32_t i = 0; i < N_KEYS; i++)
        sum += (uint64_t)priority_by_table(table, &keys[i]);
    double took = classbench_seconds() - start;
    if (!sum)
        abort();
    return N_KEYS / took / 1e6;
}

static bool
measure(const char *name, double goal)
{
    char note[128];
    struct qsbr qsbr;
    struct flow_table table;
    double samples[ROUNDS];
    if (!classbench_read(&set, "edge-classify", name))
        return true;
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    double start = classbench_seconds();
    for (uint32_t i = 0; i < set.n; i++)
        put_rule(&table, &set.rules[i]);
    double took = classbench_seconds() - start;
    for (uint32_t i = 0; i < N_KEYS; i++) {
        classbench_draw(&set, &packets[i]);
        make_key(&packets[i], &keys[i]);
    }
    bool correct = check(&table);
    for (unsigned i = 0; i < ROUNDS; i++)
        samples[i] = round_of(&table);
    snprintf(note, sizeof note, "%u rules, %u entries, %s, best %.2f, %.2f us to add one", set.n,
             table.n_entries, correct ? "all as by the list" : "WRONG ANSWERS",
             bench_percentile(samples, ROUNDS, 100), took / table.n_entries * 1e6);
    (void)bench_print(&(struct bench_figure){.bench = "edge-classify",
                                             .what = name,
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
    bool correct = true;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (argc < 2 || !strcmp(argv[1], sets[i].name))
            correct &= measure(sets[i].name, sets[i].goal);
    }
    return !correct;
}
