#include "edge/flow_table.h"

#include "base/testing.h"

static struct qsbr qsbr;
static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* A match out of a small space, so that entries overlap, shadow and collide. */
static struct match
draw_match(void)
{
    struct match m = MATCH_ANY;
    if (draw(4))
        match_set(&m, FIELD_IN_PORT, draw(4) + 1);
    if (draw(2)) {
        match_set(&m, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        uint32_t mask = (uint32_t[]){0, 0xff000000, 0xffffff00, UINT32_MAX}[draw(4)];
        if (mask)
            match_set_masked(&m, FIELD_IPV4_DST, 0x0a000000 | draw(8) << 8 | draw(4), mask);
        if (draw(2))
            match_set(&m, FIELD_IP_PROTO, draw(2) ? IP_PROTO_TCP : IP_PROTO_UDP);
    }
    return m;
}

static struct flow_key
draw_key(void)
{
    struct flow_key key = {.in_port = to_be32(draw(5) + 1), .eth_type = to_be16(ETH_TYPE_IPV4)};
    flow_key_set(&key, FIELD_IPV4_DST, 0x0a000000 | draw(8) << 8 | draw(4));
    key.ip_proto = draw(2) ? IP_PROTO_TCP : IP_PROTO_UDP;
    if (!draw(8))
        key.eth_type = to_be16(ETH_TYPE_ARP);
    return key;
}

/* The table's answer has the highest priority of all entries that cover the key, found one by one.
 */
static void
check_key(const struct flow_table *table, struct entry **entries, unsigned n,
          const struct flow_key *key)
{
    struct entry *found = flow_table_lookup(table, key);
    int best = -1;
    bool is_one = false;
    for (unsigned i = 0; i < n; i++) {
        struct match m;
        entry_match(entries[i], &m);
        if (match_covers_key(&m, key))
            best = MAX(best, entries[i]->priority);
    }
    for (unsigned i = 0; i < n; i++)
        is_one |= entries[i] == found;
    assert_int_equal(found ? found->priority : -1, best);
    assert_true(!found || is_one);
}

static void
check_lookup(const struct flow_table *table, struct entry **entries, unsigned n)
{
    struct flow_key key = draw_key();
    check_key(table, entries, n, &key);
}

static void
finds_what_a_linear_search_finds(void **state UNUSED)
{
    struct flow_table table;
    struct entry *entries[3000];
    unsigned n = 0;
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    for (int step = 0; step < 20000; step++) {
        struct flow flow = {.priority = (uint16_t)draw(6), .match = draw_match()};
        if (n < ARRAY_SIZE(entries) && draw(3)) {
            if (!flow_table_find(&table, flow.priority, &flow.match))
                entries[n++] = flow_table_insert(&table, &flow, 0);
        } else if (n && draw(n) % 2) {
            unsigned i = draw(n);
            flow_table_remove(&table, entries[i]);
            flow_table_release(&table, entries[i]);
            entries[i] = entries[--n];
        }
        check_lookup(&table, entries, n);
        assert_int_equal(table.n_entries, n);
        if (step % 100 == 0)
            qsbr_reclaim(&qsbr);
    }
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

/* As in an imported packet filter: hundreds of masks, much overlap. */
static struct match
draw_filter(void)
{
    struct match m = MATCH_ANY;
    uint32_t src = UINT32_MAX << draw(25), dst = draw(3) ? UINT32_MAX << draw(25) : 0;
    match_set(&m, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    if (draw(4))
        match_set_masked(&m, FIELD_IPV4_SRC, 0x0a000000 | draw(4) << 8 | draw(4), src);
    if (dst)
        match_set_masked(&m, FIELD_IPV4_DST, 0x0a000000 | draw(8) << 8 | draw(4), dst);
    if (draw(2))
        match_set(&m, FIELD_IP_PROTO, draw(2) ? IP_PROTO_TCP : IP_PROTO_UDP);
    uint16_t ports = (uint16_t)((uint32_t)UINT16_MAX << draw(17));
    m.mask.tp_dst = to_be16(ports);
    m.value.tp_dst = to_be16((uint16_t)(1000 + draw(8)) & ports);
    return m;
}

static void
merges_masks_and_finds_the_same(void **state UNUSED)
{
    struct flow_table table;
    static struct entry *entries[2000];
    unsigned n = 0, most = 0, merged = 0;
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    for (int step = 0; step < 12000; step++) {
        struct flow flow = {.priority = (uint16_t)draw(2000), .match = draw_filter()};
        bool growing = step < 3000 || (step > 6000 && step < 8000);
        if (growing ? draw(8) : !draw(8)) {
            if (n < ARRAY_SIZE(entries) && !flow_table_find(&table, flow.priority, &flow.match))
                entries[n++] = flow_table_insert(&table, &flow, 0);
        } else if (n) {
            unsigned i = draw(n);
            flow_table_remove(&table, entries[i]);
            if (draw(4)) {
                flow_table_release(&table, entries[i]);
                entries[i] = entries[--n];
            } else { /* as a rollback does */
                qsbr_synchronize(&qsbr);
                flow_table_restore(&table, entries[i]);
            }
        }
        most = MAX(most, n);
        merged += table.merged != NULL;
        struct flow_key key = draw_key();
        flow_key_set(&key, FIELD_IPV4_SRC, 0x0a000000 | draw(4) << 8 | draw(4));
        key.tp_dst = to_be16((uint16_t)(1000 + draw(9)));
        check_key(&table, entries, n, &key);
        if (step % 100 == 0)
            qsbr_reclaim(&qsbr);
    }
    assert_true(most > 1000 && merged > 5000);
    while (n) {
        flow_table_remove(&table, entries[--n]);
        flow_table_release(&table, entries[n]);
        qsbr_reclaim(&qsbr);
    }
    assert_null(table.merged); /* few masks: as before */
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

static void
finds_an_entry_by_its_identity(void **state UNUSED)
{
    struct flow_table table;
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    struct flow flow = {.priority = 7, .match = draw_match()};
    struct entry *entry = flow_table_insert(&table, &flow, 0);
    assert_ptr_equal(flow_table_find(&table, 7, &flow.match), entry);
    assert_null(flow_table_find(&table, 8, &flow.match));
    struct match other = flow.match;
    other.mask.words[15] = other.value.words[15] = 1;
    assert_null(flow_table_find(&table, 7, &other));
    assert_ptr_equal(flow_table_overlapping(&table, 7, &MATCH_ANY), entry);
    assert_null(flow_table_overlapping(&table, 6, &MATCH_ANY));
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

static bool
count_and_remove(void *arg, struct entry *entry)
{
    struct flow_table *table = arg;
    flow_table_remove(table, entry);
    flow_table_release(table, entry);
    return true;
}

static void
everything_can_be_removed_while_visiting(void **state UNUSED)
{
    struct flow_table table;
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    for (uint32_t i = 0; i < 5000; i++) {
        struct flow flow = {.priority = (uint16_t)(i % 3), .match = MATCH_ANY};
        match_set(&flow.match, i % 2 ? FIELD_IN_PORT : FIELD_METADATA, i);
        flow_table_insert(&table, &flow, 0);
    }
    flow_table_each(&table, count_and_remove, &table);
    assert_int_equal(table.n_entries, 0);
    struct flow_key key = draw_key();
    assert_null(flow_table_lookup(&table, &key));
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

static void
an_entry_keeps_the_whole_flow(void **state UNUSED)
{
    struct flow_table table;
    struct flow flow = {.table_id = 5,
                        .priority = 9,
                        .cookie = 42,
                        .meter_id = 3,
                        .has_apply = true,
                        .has_write = true,
                        .has_goto = true,
                        .goto_table = 6,
                        .metadata = 1,
                        .metadata_mask = 3,
                        .match = draw_match()};
    actions_output(&flow.apply, 2);
    actions_group(&flow.write, 4);
    qsbr_init(&qsbr);
    flow_table_init(&table, 5, &qsbr);
    struct entry *entry = flow_table_insert(&table, &flow, 0);
    struct flow back;
    entry_flow(entry, &back);
    assert_true(flow_equal(&flow, &back));
    assert_int_equal(back.cookie, 42);
    flow_fini(&flow);
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

TEST_MAIN(cmocka_unit_test(finds_what_a_linear_search_finds),
          cmocka_unit_test(merges_masks_and_finds_the_same),
          cmocka_unit_test(finds_an_entry_by_its_identity),
          cmocka_unit_test(everything_can_be_removed_while_visiting),
          cmocka_unit_test(an_entry_keeps_the_whole_flow))
