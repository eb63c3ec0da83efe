/* datapath_test.c - transactions: all of it or nothing, and nothing means nothing at all. */
#include "edge/datapath_internal.h"

#include "base/testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { N_PORTS = 4 };

struct bench {
    struct datapath *dp;
    struct buf told;
    uint64_t random;
    nsec_t now;
};

static void
on_flow(void *arg, const struct flow_notice *n)
{
    static const char *const events[] = {"added", "modified", "removed"};
    struct bench *b = arg;
    buf_printf(&b->told, "%s ", events[n->event]);
    flow_format(n->flow, &b->told);
    buf_printf(&b->told, " packets=%llu\n", (unsigned long long)n->packets);
}

static void
on_port(void *arg, struct edge_port *port)
{
    struct bench *b = arg;
    buf_printf(&b->told, "port %u config=%u\n", port->number, port->config);
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {60, 12, 6, 8};
    b->dp = datapath_new(&limits);
    b->dp->hooks = (struct datapath_hooks){on_flow, on_port, b};
    b->now = NSEC_PER_SEC;
    b->random = 1;
    for (uint32_t i = 1; i <= N_PORTS; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        struct edge_port *port = datapath_add_port(b->dp, i, "p", &mac, 0);
        port->up = port->live = true;
    }
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    datapath_free(b->dp);
    buf_fini(&b->told);
    free(b);
    return 0;
}

static uint32_t
pick(struct bench *b, uint32_t n)
{
    b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(b->random >> 33) % n;
}

/* ---- Everything there is, as text ---- */

struct lines {
    char *line[256];
    unsigned n;
};

static void
describe_entry(void *arg, struct entry *e)
{
    struct lines *lines = arg;
    struct buf text = BUF_INIT;
    struct flow flow;
    entry_flow(e, &flow);
    flow_format(&flow, &text);
    buf_printf(&text, " flags=%u idle=%u hard=%u created=%lld counted=%llu/%llu added=%llu/%llu",
               flow.flags, flow.idle_timeout, flow.hard_timeout, (long long)e->created,
               (unsigned long long)counters_get(&e->counters).packets,
               (unsigned long long)counters_get(&e->counters).octets, (unsigned long long)e->added,
               (unsigned long long)e->changed);
    lines->line[lines->n++] = buf_steal_cstr(&text);
}

static void
describe_group(void *arg, void *object)
{
    struct group_entry *g = object;
    struct group group;
    group_entry_describe(g, &group);
    group_format(&group, arg);
    buf_printf(arg, " flows=%u groups=%u counted=%llu\n", g->n_flows, g->n_groups,
               (unsigned long long)counters_get(&g->counters).packets);
    group_fini(&group);
}

static void
describe_meter(void *arg, void *object)
{
    struct meter_entry *m = object;
    struct meter meter;
    meter_entry_describe(m, &meter);
    meter_format(&meter, arg);
    buf_printf(arg, " flows=%u counted=%llu\n", m->n_flows, (unsigned long long)m->packets);
    meter_fini(&meter);
}

static void
describe_port(void *arg, void *object)
{
    struct edge_port *port = object;
    buf_printf(arg, "port %u config=%u live=%d\n", port->number, port->config, port->live);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
describe(struct datapath *dp)
{
    struct buf text = BUF_INIT;
    struct lines lines = {.n = 0};
    struct datapath_cursor at = {0};
    while (datapath_scan(dp, &at, N_TABLES, 1, describe_entry, &lines)) {
    }
    qsort(lines.line, lines.n, sizeof lines.line[0], by_text);
    for (unsigned i = 0; i < lines.n; i++) {
        buf_printf(&text, "%s\n", lines.line[i]);
        free(lines.line[i]);
    }
    buf_printf(&text, "%u flows, %u expire\n", dp->n_flows, dp->expiring.n);
    idmap_each(&dp->groups, describe_group, &text);
    idmap_each(&dp->meters, describe_meter, &text);
    idmap_each(&dp->ports, describe_port, &text);
    for (const struct entry *e = dp->oldest; e; e = e->newer) {
        assert_true(e->newer ? e->newer->older == e && e->newer->changed > e->changed
                             : dp->newest == e);
        buf_printf(&text, "%llu ", (unsigned long long)e->changed);
    }
    return buf_steal_cstr(&text);
}

/* ---- Changes at random, of all kinds, many of them refused ---- */

static struct dp_error
random_flow_mod(struct bench *b)
{
    static const char *const matches[] = {"any",
                                          "in_port=1",
                                          "in_port=2",
                                          "in_port=3",
                                          "eth_type=0x0800,ipv4_dst=10.0.0.0/8",
                                          "eth_type=0x0800,ipv4_dst=10.1.0.0/16",
                                          "vlan_vid=0x1001"};
    struct flow flow = {.table_id = (uint8_t)pick(b, 3), .priority = (uint16_t)pick(b, 3)};
    assert_ok(match_parse(matches[pick(b, ARRAY_SIZE(matches))], &flow.match, NULL));
    flow.cookie = pick(b, 4);
    flow.flags = (uint16_t)(pick(b, 4) == 0 ? FLOW_RESET_COUNTS : pick(b, 8) == 0 ? 2 : 0);
    flow.hard_timeout = pick(b, 3) == 0 ? 10 : 0;
    flow.meter_id = pick(b, 3) == 0 ? 1 + pick(b, 4) : 0;
    flow.has_apply = true;
    if (pick(b, 2))
        actions_group(&flow.apply, 1 + pick(b, 5));
    else
        actions_output(&flow.apply, 1 + pick(b, 4));
    struct flow_request r = {pick(b, 2) ? FLOW_ADD : pick(b, FLOW_DELETE_STRICT + 1), &flow,
                             pick(b, 4) == 0 ? UINT64_MAX : 0, PORT_ANY, GROUP_ANY};
    if (r.command == FLOW_DELETE && pick(b, 3) == 0)
        flow.table_id = TABLE_ALL;
    struct dp_error e = datapath_flow_mod(b->dp, &r, b->now);
    flow_fini(&flow);
    return e;
}

static struct dp_error
random_group_mod(struct bench *b)
{
    struct bucket buckets[3] = {0};
    struct group group = {1 + pick(b, 5), (uint8_t)pick(b, 4), pick(b, 4), buckets};
    enum group_command command = pick(b, 3);
    for (unsigned i = 0; i < 3; i++) {
        buckets[i].watch_port = group.type == GROUP_TYPE_FF ? 1 + pick(b, 4) : PORT_ANY;
        buckets[i].watch_group = pick(b, 5) == 0 ? 1 + pick(b, 5) : GROUP_ANY;
        buckets[i].weight = group.type == GROUP_TYPE_SELECT;
        if (pick(b, 4) == 0)
            actions_group(&buckets[i].actions, 1 + pick(b, 5));
        else
            actions_output(&buckets[i].actions, 1 + pick(b, 4));
    }
    if (command == GROUP_DELETE && pick(b, 4) == 0)
        group.group_id = GROUP_ALL;
    struct dp_error e = datapath_group_mod(b->dp, command, &group, b->now);
    for (unsigned i = 0; i < 3; i++)
        actions_free(&buckets[i].actions);
    return e;
}

static struct dp_error
random_meter_mod(struct bench *b)
{
    struct band band = {BAND_DROP, 0, 1 + pick(b, 9), 5};
    struct meter meter = {1 + pick(b, 4), METER_KBPS | METER_BURST, 1, &band};
    enum meter_command command = pick(b, 3);
    if (command == METER_DELETE && pick(b, 4) == 0)
        meter.meter_id = METER_ALL;
    return datapath_meter_mod(b->dp, command, &meter, b->now);
}

static struct dp_error
random_change(struct bench *b)
{
    switch (pick(b, 8)) {
    case 0:
    case 1:
        return random_group_mod(b);
    case 2:
        return random_meter_mod(b);
    case 3:
        datapath_configure_port(b->dp, datapath_port(b->dp, 1 + pick(b, N_PORTS)), pick(b, 2),
                                PORT_CONFIG_DOWN);
        return DP_OK;
    default:
        return random_flow_mod(b);
    }
}

static void
count_entry(void *arg, struct entry *e)
{
    struct bench *b = arg;
    counters_count(&e->counters, 0, (uint32_t)pick(b, 5), 1);
}

/* Packets pass. */
static void
count_something(struct bench *b)
{
    struct datapath_cursor at = {0};
    while (datapath_scan(b->dp, &at, N_TABLES, 100, count_entry, b)) {
    }
}

static void
a_rollback_brings_back_exactly_what_was_there(void **state)
{
    struct bench *b = *state;
    for (unsigned round = 0; round < 1500; round++) {
        for (unsigned i = pick(b, 4); i > 0; i--)
            random_change(b);
        count_something(b);
        char *before = describe(b->dp);
        buf_clear(&b->told);
        b->now += NSEC_PER_SEC;
        datapath_begin(b->dp, false);
        for (unsigned i = pick(b, 25); i > 0; i--)
            random_change(b);
        datapath_rollback(b->dp);
        char *after = describe(b->dp);
        assert_string_equal(after, before);
        assert_int_equal(b->told.size, 0); /* nobody was told of anything */
        free(before);
        free(after);
    }
}

static void
a_transaction_does_what_its_changes_do_one_by_one(void **state)
{
    struct bench *b = *state;
    void *other_state;
    setup(&other_state);
    struct bench *other = other_state;
    for (unsigned round = 0; round < 500; round++) {
        unsigned n = pick(b, 25);
        other->random = b->random;
        other->now = b->now += NSEC_PER_SEC;
        datapath_begin(b->dp, false);
        for (unsigned i = 0; i < n; i++) {
            struct dp_error one = random_change(b), two = random_change(other);
            assert_int_equal(one.type, two.type);
            assert_int_equal(one.code, two.code);
        }
        datapath_commit(b->dp, b->now);
        char *together = describe(b->dp), *single = describe(other->dp);
        assert_string_equal(together, single);
        free(together);
        free(single);
    }
    teardown(&other_state);
}

static struct flow
flow_to(uint32_t in_port, uint32_t out_port)
{
    struct flow flow = {.priority = 5, .has_apply = true};
    match_set(&flow.match, FIELD_IN_PORT, in_port);
    actions_output(&flow.apply, out_port);
    return flow;
}

static void
change_flow(struct bench *b, enum flow_command command, uint32_t in_port, uint32_t out_port)
{
    struct flow flow = flow_to(in_port, out_port);
    struct flow_request r = {command, &flow, 0, PORT_ANY, GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(b->dp, &r, b->now)));
    flow_fini(&flow);
}

static void
what_happened_is_told_in_order_at_the_commit(void **state)
{
    struct bench *b = *state;
    datapath_begin(b->dp, false);
    change_flow(b, FLOW_ADD, 1, 2);
    change_flow(b, FLOW_ADD, 2, 3);
    change_flow(b, FLOW_MODIFY_STRICT, 1, 4);
    change_flow(b, FLOW_DELETE_STRICT, 2, 3);
    datapath_configure_port(b->dp, datapath_port(b->dp, 3), PORT_CONFIG_NO_FWD, PORT_CONFIG_NO_FWD);
    assert_int_equal(b->told.size, 0);
    datapath_commit(b->dp, b->now);
    assert_string_equal(buf_cstr(&b->told),
                        "added table=0,priority=5,cookie=0x0 in_port=1 -> output:4 packets=0\n"
                        "added table=0,priority=5,cookie=0x0 in_port=2 -> output:3 packets=0\n"
                        "modified table=0,priority=5,cookie=0x0 in_port=1 -> output:4 packets=0\n"
                        "removed table=0,priority=5,cookie=0x0 in_port=2 -> output:3 packets=0\n"
                        "port 3 config=32\n");
}

static void
a_port_that_is_configured_down_is_not_live(void **state)
{
    struct bench *b = *state;
    struct edge_port *port = datapath_port(b->dp, 1);
    datapath_configure_port(b->dp, port, PORT_CONFIG_DOWN, PORT_CONFIG_DOWN);
    assert_false(port->live);
    datapath_configure_port(b->dp, port, 0, PORT_CONFIG_DOWN);
    assert_true(port->live);
    port->up = port->live = false;
    datapath_configure_port(b->dp, port, PORT_CONFIG_DOWN, PORT_CONFIG_DOWN);
    datapath_configure_port(b->dp, port, 0, PORT_CONFIG_DOWN);
    assert_false(port->live);
}

static void
a_port_that_waits_to_be_restored_goes_on_waiting(void **state)
{
    struct bench *b = *state;
    struct edge_port *port = datapath_port(b->dp, 1);
    port->live = false;
    datapath_configure_port(b->dp, port, PORT_CONFIG_NO_FWD, PORT_CONFIG_NO_FWD);
    assert_false(port->live);
    datapath_begin(b->dp, false);
    datapath_configure_port(b->dp, port, PORT_CONFIG_DOWN, PORT_CONFIG_DOWN);
    datapath_rollback(b->dp);
    assert_false(port->live);
}

/* ---- Walks in pieces ---- */

struct seen {
    uint8_t times[4096];
    unsigned n;
};

static void
see(void *arg, struct entry *e)
{
    struct seen *seen = arg;
    struct flow flow;
    entry_flow(e, &flow);
    seen->times[flow.cookie]++;
    seen->n++;
}

static void
add_numbered(struct bench *b, uint32_t i)
{
    struct flow flow = flow_to(i, 2);
    struct flow_request r = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    flow.cookie = i;
    if (i % 3 == 0)
        match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_GOOSE);
    flow.table_id = (uint8_t)(i % 5 == 0 ? 7 : 0);
    assert_false(dp_failed(datapath_flow_mod(b->dp, &r, b->now)));
    flow_fini(&flow);
}

/* The table grows eightfold, and a tuple goes, while somebody walks over it. */
static void
a_walk_in_pieces_sees_what_stays_exactly_once(void **state)
{
    struct bench *b = *state;
    struct seen seen = {.n = 0};
    struct datapath_cursor at = {0};
    b->dp->limits.flows = 4096;
    for (uint32_t i = 1; i < 300; i++)
        add_numbered(b, i);
    uint32_t next = 300;
    while (datapath_scan(b->dp, &at, N_TABLES, 3, see, &seen)) {
        for (unsigned i = 0; i < 17 && next < 4000; i++)
            add_numbered(b, next++);
        change_flow(b, FLOW_DELETE_STRICT, 200 + pick(b, 100), 2);
    }
    for (uint32_t i = 1; i < 200; i++)
        assert_int_equal(seen.times[i], 1);
    for (uint32_t i = 200; i < 4000; i++)
        assert_true(seen.times[i] <= 1);
    assert_true(next > 1000);
}

static void
a_walk_stays_within_its_tables(void **state)
{
    struct bench *b = *state;
    struct seen seen = {.n = 0};
    for (uint32_t i = 1; i < 60; i++)
        add_numbered(b, i);
    struct datapath_cursor at = {.table = 7};
    while (datapath_scan(b->dp, &at, 7, 1, see, &seen)) {
    }
    assert_int_equal(seen.n, 11);
}

/* ---- Packets that wait ---- */

struct passer {
    struct bench *bench;
    _Atomic bool stop, begun;
    uint64_t passed, torn;
};

/* Two entries are always changed together: a packet that looks at both must not see one only. */
static void *
pass_packets(void *arg)
{
    struct passer *p = arg;
    struct datapath *dp = p->bench->dp;
    qsbr_online(&dp->qsbr, 0);
    while (!atomic_load(&p->stop)) {
        uint32_t out[2];
        for (uint32_t i = 0; i < 2; i++) {
            struct flow_key key = {.in_port = to_be32(i + 1)};
            struct entry *e = flow_table_lookup(&dp->tables[0], &key);
            out[i] = atomic_load(&e->instructions)->actions[0].id;
        }
        p->passed++;
        p->torn += out[0] != out[1];
        atomic_store_explicit(&p->begun, true, memory_order_relaxed);
        if (p->passed % 4096 == 0) {
            qsbr_offline(&dp->qsbr, 0);
            sched_yield();
            qsbr_online(&dp->qsbr, 0);
        }
        qsbr_quiescent(&dp->qsbr, 0);
    }
    qsbr_offline(&dp->qsbr, 0);
    return NULL;
}

static void
while_packets_wait_they_see_all_or_nothing(void **state)
{
    struct bench *b = *state;
    struct passer p = {.bench = b};
    pthread_t thread;
    change_flow(b, FLOW_ADD, 1, 1);
    change_flow(b, FLOW_ADD, 2, 1);
    pthread_create(&thread, NULL, pass_packets, &p);
    while (
        !atomic_load_explicit(&p.begun, memory_order_relaxed)) /* on a busy machine it comes late */
        sched_yield();
    for (uint32_t i = 0; i < 3000; i++) {
        datapath_begin(b->dp, true);
        change_flow(b, FLOW_ADD, 1, 2 + i % 7);
        change_flow(b, FLOW_MODIFY, 2, 2 + i % 7);
        if (i % 3)
            datapath_commit(b->dp, b->now);
        else
            datapath_rollback(b->dp);
        if (i % 64 == 0)
            sched_yield();
    }
    atomic_store(&p.stop, true);
    pthread_join(thread, NULL);
    assert_true(p.passed > 0);
    assert_int_equal(p.torn, 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(a_rollback_brings_back_exactly_what_was_there),
          WITH_BENCH(a_transaction_does_what_its_changes_do_one_by_one),
          WITH_BENCH(what_happened_is_told_in_order_at_the_commit),
          WITH_BENCH(a_port_that_is_configured_down_is_not_live),
          WITH_BENCH(a_port_that_waits_to_be_restored_goes_on_waiting),
          WITH_BENCH(a_walk_in_pieces_sees_what_stays_exactly_once),
          WITH_BENCH(a_walk_stays_within_its_tables),
          WITH_BENCH(while_packets_wait_they_see_all_or_nothing))
