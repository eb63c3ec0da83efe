#include "edge/pipeline_private.h"

#include "base/testing.h"

#include <stdio.h>

/* A node with ports 1 to 4, and a log of what left it. */
struct bench {
    struct datapath *dp;
    struct pipeline *pl;
    struct packet_pool *pool;
    struct buf log;    /* "2:60 CONTROLLER LOCAL drop:meter " */
    uint8_t last[256]; /* the last frame sent, its start */
    unsigned notices;
    uint64_t removed_packets;
    nsec_t now;
};

static void
on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct bench *b = arg;
    buf_printf(&b->log, "%u:%u", port->number, p->size);
    if (p->queue)
        buf_printf(&b->log, "/q%u", p->queue);
    buf_str(&b->log, " ");
    memcpy(b->last, p->data, MIN(p->size, sizeof b->last));
}

static void
on_punt(void *arg, const struct punt *p)
{
    struct bench *b = arg;
    buf_printf(&b->log, "CONTROLLER:%u:%u ", p->reason, p->max_len);
}

static void
on_local(void *arg, struct packet *p UNUSED)
{
    struct bench *b = arg;
    buf_str(&b->log, "LOCAL ");
}

static void
on_dropped(void *arg, const struct packet *p UNUSED, enum drop_reason reason)
{
    struct bench *b = arg;
    buf_printf(&b->log, "drop:%s ", drop_table[reason].name);
}

static void
on_flow(void *arg, const struct flow_notice *n)
{
    struct bench *b = arg;
    if (n->event == FLOW_REMOVED) {
        b->notices++;
        b->removed_packets += n->packets;
    }
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {1000, 100, 100, 32};
    b->dp = datapath_new(&limits);
    b->dp->hooks = (struct datapath_hooks){.flow = on_flow, .arg = b};
    for (uint32_t i = 1; i <= 4; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        char name[8];
        snprintf(name, sizeof name, "p%u", i);
        struct edge_port *port = datapath_add_port(b->dp, i, name, &mac, 0);
        port->up = port->live = true;
    }
    struct pipeline_sink sink = {on_send, on_punt, on_local, on_dropped, b, NULL};
    b->pl = pipeline_new(b->dp, &sink, 64);
    b->pool = packet_pool_new(64, 0);
    b->now = NSEC_PER_SEC;
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    pipeline_free(b->pl);
    datapath_free(b->dp);
    assert_int_equal(packet_pool_available(b->pool), 64); /* no reference is lost */
    packet_pool_free(b->pool);
    buf_fini(&b->log);
    free(b);
    return 0;
}

#define UDP                                                                                        \
    "020000000002 020000000001 0800"                                                               \
    "4500 001e 0001 0000 40 11 66cc 0a000001 0a000002"                                             \
    "1000 2000 000a a9a3 1234"

/* Sends a frame in at a port; returns what came of it. */
static const char *
through(struct bench *b, uint32_t in_port, const char *hex)
{
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    struct packet *p = packet_new(b->pool, (uint32_t)size);
    memcpy(p->data, frame, size);
    p->size = (uint32_t)size;
    p->in_port = in_port;
    free(frame);
    buf_clear(&b->log);
    pipeline_receive(b->pl, &p, 1, b->now);
    return buf_cstr(&b->log);
}

/* Every way through the node is taken twice: by the tables, and by the cached program. */
#define assert_through(b, in_port, hex, expected)                                                  \
    do {                                                                                           \
        assert_string_equal(through(b, in_port, hex), expected);                                   \
        assert_string_equal(through(b, in_port, hex), expected);                                   \
    } while (0)

static struct flow
flow_of(uint8_t table, uint16_t priority, const char *match)
{
    struct flow flow = {.table_id = table, .priority = priority};
    struct diag diag;
    if (match_parse(match, &flow.match, &diag))
        fail_msg("%s", diag.text);
    return flow;
}

static struct dp_error
flow_mod(struct bench *b, enum flow_command command, struct flow *flow)
{
    flow->has_apply = flow->apply.n > 0;
    flow->has_write = flow->write.n > 0;
    struct flow_request r = {command, flow, 0, PORT_ANY, GROUP_ANY};
    struct dp_error e = datapath_flow_mod(b->dp, &r, b->now);
    flow_fini(flow);
    datapath_barrier(b->dp);
    return e;
}

static void
add(struct bench *b, struct flow flow)
{
    assert_false(dp_failed(flow_mod(b, FLOW_ADD, &flow)));
}

#define assert_refused(e, error_type, error_code)                                                  \
    do {                                                                                           \
        struct dp_error refused_ = (e);                                                            \
        assert_int_equal(refused_.type, error_type);                                               \
        assert_int_equal(refused_.code, error_code);                                               \
    } while (0)

static void
an_empty_table_drops_everything(void **state)
{
    struct bench *b = *state;
    assert_through(b, 1, UDP, "drop:no_match ");
    assert_through(b, 1, "020000", "drop:runt ");
    assert_int_equal(b->dp->drops[DROP_NO_MATCH], 2);
    assert_int_equal(b->dp->drops[DROP_RUNT], 2);
}

static void
forwards_by_the_highest_priority(void **state)
{
    struct bench *b = *state;
    struct flow wide = flow_of(0, 1, "in_port=1"),
                narrow = flow_of(0, 9, "in_port=1,eth_type=0x0800");
    actions_output(&wide.apply, 2);
    actions_output(&narrow.apply, 3);
    add(b, wide);
    assert_through(b, 1, UDP, "2:44 ");
    add(b, narrow); /* the cached program is stale at once */
    assert_through(b, 1, UDP, "3:44 ");
    assert_through(b, 2, UDP, "drop:no_match ");
    struct flow gone = flow_of(0, 9, "in_port=1,eth_type=0x0800");
    flow_mod(b, FLOW_DELETE_STRICT, &gone);
    assert_through(b, 1, UDP, "2:44 ");
    assert_int_equal(b->notices, 1);
    assert_int_equal(b->removed_packets, 2);
}

static void
counts_what_the_cache_forwards(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "in_port=1");
    actions_output(&flow.apply, 2);
    add(b, flow);
    for (int i = 0; i < 10; i++)
        through(b, 1, UDP);
    struct match m;
    assert_ok(match_parse("in_port=1", &m, NULL));
    struct entry *entry = flow_table_find(&b->dp->tables[0], 1, &m);
    assert_int_equal(counters_get(&entry->counters).packets, 10);
    assert_int_equal(counters_get(&entry->counters).octets, 440);
    struct pipeline_stats stats;
    pipeline_get_stats(b->pl, &stats);
    assert_int_equal(stats.hits, 9);
    assert_int_equal(datapath_table_counts(b->dp, 0).lookups, 10);
}

static void
apply_actions_act_in_order_on_the_packet_as_it_is(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "in_port=1,eth_type=0x0800");
    actions_output(&flow.apply, 2);
    actions_add(&flow.apply, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_set_field(&flow.apply, FIELD_VLAN_VID, VLAN_PRESENT | 10);
    actions_set_queue(&flow.apply, 3);
    actions_output(&flow.apply, 3);
    actions_output(&flow.apply, 1);
    actions_output(&flow.apply, 9);
    add(b, flow);
    assert_through(b, 1, UDP, "2:44 3:48/q3 drop:same_port drop:no_such_port ");
    assert_memory_equal(b->last + 12, "\x81\x00\x00\x0a", 4);
}

static void
the_action_set_runs_at_the_end_in_its_own_order(void **state)
{
    struct bench *b = *state;
    struct flow first = flow_of(0, 1, "in_port=1,eth_type=0x0800"),
                second = flow_of(3, 1, "metadata=5/7");
    actions_output(&first.write, 2);
    actions_set_field(&first.write, FIELD_IPV4_DST, 0x0a000009);
    first.metadata = 0xd;
    first.metadata_mask = 0xf;
    first.has_goto = true;
    first.goto_table = 3;
    actions_output(&second.write, 4); /* replaces output:2 */
    actions_add(&second.write, ACTION_DEC_NW_TTL);
    add(b, first);
    add(b, second);
    assert_through(b, 1, UDP, "4:44 ");
    assert_memory_equal(b->last + 30, "\x0a\x00\x00\x09", 4);
    assert_int_equal(b->last[22], 0x3f);
}

static void
a_table_miss_entry_sends_to_the_controller(void **state)
{
    struct bench *b = *state;
    struct flow miss = flow_of(0, 0, "any"), trap = flow_of(0, 5, "in_port=2");
    actions_controller(&miss.apply, 128);
    actions_controller(&trap.apply, WHOLE_PACKET);
    actions_output(&trap.apply, PORT_LOCAL);
    add(b, miss);
    add(b, trap);
    assert_through(b, 1, UDP, "CONTROLLER:0:128 ");
    assert_through(b, 2, UDP, "CONTROLLER:1:65535 LOCAL ");
}

static void
a_port_can_be_kept_from_troubling_the_controller(void **state)
{
    struct bench *b = *state;
    struct flow miss = flow_of(0, 0, "any"), trap = flow_of(0, 5, "eth_type=0x0800,ip_proto=6");
    actions_controller(&miss.apply, 128);
    actions_controller(&trap.apply, WHOLE_PACKET);
    add(b, miss);
    add(b, trap);
    datapath_port(b->dp, 1)->config = PORT_CONFIG_NO_PACKET_IN;
    assert_through(b, 1, UDP, "drop:port_config "); /* table misses only: */
    assert_through(b, 1,
                   "020000000002 020000000001 0800 4500 0028 0001 0000 40 06 66b9 0a000001 0a000002"
                   "1000 2000 00000000 00000000 5000 0000 0000 0000",
                   "CONTROLLER:1:65535 ");
    assert_through(b, 2, UDP, "CONTROLLER:0:128 ");
}

static void
an_expired_ttl_is_told_if_somebody_asked_for_it(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "eth_type=0x0800");
    actions_add(&flow.apply, ACTION_SET_NW_TTL)->ttl = 1;
    actions_add(&flow.apply, ACTION_DEC_NW_TTL);
    actions_output(&flow.apply, 2);
    add(b, flow);
    assert_through(b, 1, UDP, "drop:ttl_expired ");
    b->dp->punt_expired = true;
    b->dp->punt_expired_octets = 64;
    assert_through(b, 1, UDP, "drop:ttl_expired CONTROLLER:2:64 ");
}

static struct group
group_of(uint32_t id, enum group_type type, unsigned n, const uint32_t *ports)
{
    struct group g = {id, (uint8_t)type, n, calloc(n, sizeof(struct bucket))};
    for (unsigned i = 0; i < n; i++) {
        g.buckets[i].watch_port = type == GROUP_TYPE_FF ? ports[i] : PORT_ANY;
        g.buckets[i].watch_group = GROUP_ANY;
        g.buckets[i].weight = type == GROUP_TYPE_SELECT;
        actions_output(&g.buckets[i].actions, ports[i]);
    }
    return g;
}

static struct dp_error
group_mod(struct bench *b, enum group_command command, struct group g)
{
    struct dp_error e = datapath_group_mod(b->dp, command, &g, b->now);
    group_fini(&g);
    datapath_barrier(b->dp);
    return e;
}

static void
to_group(struct bench *b, uint32_t in_port, uint32_t group)
{
    struct flow flow = flow_of(0, 1, "any");
    match_set(&flow.match, FIELD_IN_PORT, in_port);
    actions_group(&flow.apply, group);
    add(b, flow);
}

static void
fast_failover_takes_the_first_live_bucket(void **state)
{
    struct bench *b = *state;
    group_mod(b, GROUP_ADD, group_of(7, GROUP_TYPE_FF, 2, (uint32_t[]){2, 3}));
    to_group(b, 1, 7);
    uint64_t generation = b->dp->generation;
    assert_through(b, 1, UDP, "2:44 ");
    datapath_port(b->dp, 2)->live = false;
    assert_through(b, 1, UDP, "3:44 ");
    datapath_port(b->dp, 3)->live = false;
    assert_through(b, 1, UDP, "drop:no_live_bucket ");
    datapath_port(b->dp, 2)->live = true;
    assert_through(b, 1, UDP, "2:44 ");
    /* The switch-over was data, not a change of tables: the program was never stale. */
    assert_int_equal(b->dp->generation, generation);
}

static void
a_bucket_can_send_back_where_it_came_from(void **state)
{
    struct bench *b = *state;
    struct group g = group_of(7, GROUP_TYPE_FF, 2, (uint32_t[]){2, 1});
    g.buckets[1].actions.list[0].id = PORT_IN_PORT;
    group_mod(b, GROUP_ADD, g);
    to_group(b, 1, 7);
    datapath_port(b->dp, 2)->live = false;
    assert_through(b, 1, UDP, "1:44 ");
}

static void
an_all_group_gives_each_bucket_its_own_copy(void **state)
{
    struct bench *b = *state;
    struct group g = group_of(7, GROUP_TYPE_ALL, 3, (uint32_t[]){2, 3, 4});
    actions_add(&g.buckets[1].actions, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    group_mod(b, GROUP_ADD, g);
    to_group(b, 1, 7);
    assert_through(b, 1, UDP, "2:44 3:48 4:44 ");
    assert_memory_equal(b->last + 12, "\x08\x00", 2);
    group_mod(b, GROUP_MODIFY, group_of(7, GROUP_TYPE_INDIRECT, 1, (uint32_t[]){4}));
    assert_through(b, 1, UDP, "4:44 ");
    group_mod(b, GROUP_MODIFY, group_of(7, GROUP_TYPE_ALL, 0, NULL));
    assert_through(b, 1, UDP, "drop:no_output ");
}

static void
a_select_group_keeps_a_conversation_together(void **state)
{
    struct bench *b = *state;
    char frame[256], first[32];
    unsigned used[5] = {0};
    group_mod(b, GROUP_ADD, group_of(7, GROUP_TYPE_SELECT, 2, (uint32_t[]){2, 3}));
    to_group(b, 1, 7);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(frame, sizeof frame,
                 "020000000002 020000000001 0800 4500 001e 0001 0000 40 11 0000 0a000001 0a000002"
                 "%04x 2000 000a 0000 1234",
                 i);
        snprintf(first, sizeof first, "%s", through(b, 1, frame));
        assert_string_equal(through(b, 1, frame), first);
        used[first[0] - '0']++;
    }
    assert_true(used[2] > 60 && used[3] > 60);
    datapath_port(b->dp, 2)->live = false; /* no watch port: its carrier does not matter here */
    assert_string_equal(through(b, 1, frame), first);
}

static void
groups_nest_but_not_in_circles(void **state)
{
    struct bench *b = *state;
    group_mod(b, GROUP_ADD, group_of(1, GROUP_TYPE_FF, 2, (uint32_t[]){2, 3}));
    struct group outer = group_of(2, GROUP_TYPE_ALL, 1, (uint32_t[]){4});
    actions_free(&outer.buckets[0].actions);
    actions_group(&outer.buckets[0].actions, 1);
    assert_false(dp_failed(group_mod(b, GROUP_ADD, outer)));
    to_group(b, 1, 2);
    assert_through(b, 1, UDP, "2:44 ");

    struct group circle = group_of(1, GROUP_TYPE_FF, 1, (uint32_t[]){2});
    actions_free(&circle.buckets[0].actions);
    actions_group(&circle.buckets[0].actions, 2);
    assert_refused(group_mod(b, GROUP_MODIFY, circle), 6, 7); /* LOOP */
    circle = group_of(3, GROUP_TYPE_ALL, 1, (uint32_t[]){2});
    actions_free(&circle.buckets[0].actions);
    actions_group(&circle.buckets[0].actions, 3);
    assert_refused(group_mod(b, GROUP_ADD, circle), 6, 7);
    assert_refused(group_mod(b, GROUP_DELETE, group_of(1, GROUP_TYPE_ALL, 0, NULL)), 6, 9);
    assert_through(b, 1, UDP, "2:44 ");
}

static void
deleting_a_group_takes_its_flows_along(void **state)
{
    struct bench *b = *state;
    group_mod(b, GROUP_ADD, group_of(7, GROUP_TYPE_FF, 1, (uint32_t[]){2}));
    to_group(b, 1, 7);
    assert_through(b, 1, UDP, "2:44 ");
    group_mod(b, GROUP_DELETE, group_of(7, GROUP_TYPE_ALL, 0, NULL));
    assert_through(b, 1, UDP, "drop:no_match ");
    assert_int_equal(b->notices, 1);
    assert_int_equal(b->dp->n_flows, 0);
}

static void
a_metered_flow_keeps_its_rate(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 10, 2};
    struct meter meter = {5, METER_PKTPS | METER_BURST, 1, &band};
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &meter, 0)));
    struct flow flow = flow_of(0, 1, "in_port=1");
    flow.meter_id = 5;
    actions_output(&flow.apply, 2);
    add(b, flow);
    assert_string_equal(through(b, 1, UDP), "2:44 ");
    assert_string_equal(through(b, 1, UDP), "2:44 ");
    assert_string_equal(through(b, 1, UDP), "drop:meter ");
    b->now += NSEC_PER_SEC / 10;
    assert_string_equal(through(b, 1, UDP), "2:44 ");
    assert_string_equal(through(b, 1, UDP), "drop:meter ");
    /* A meter that is replaced keeps its flows; one that is deleted takes them along. */
    band.burst = 100;
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_MODIFY, &meter, 0)));
    assert_string_equal(through(b, 1, UDP), "2:44 ");
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_DELETE, &meter, 0)));
    assert_string_equal(through(b, 1, UDP), "drop:no_match ");
}

static nsec_t
a_second_later(void *arg)
{
    const struct bench *b = arg;
    return b->now + NSEC_PER_SEC;
}

static void
a_meter_that_others_use_too_is_judged_as_of_now(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 10, 2};
    struct meter meter = {5, METER_PKTPS | METER_BURST, 1, &band};
    uint8_t level;
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &meter, 0)));
    struct flow flow = flow_of(0, 1, "in_port=1");
    flow.meter_id = 5;
    actions_output(&flow.apply, 2);
    add(b, flow);
    /* Another thread's packets, since this one's vector came. */
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(meter_pass(idmap_get(&b->dp->meters, 5), 44,
                                    b->now + NSEC_PER_SEC - NSEC_PER_SEC / 10, &level),
                         METER_PASS);
    assert_string_equal(through(b, 1, UDP), "drop:meter ");
    b->pl->sink.clock = a_second_later;
    assert_string_equal(through(b, 1, UDP), "2:44 ");
    assert_string_equal(through(b, 1, UDP), "drop:meter ");
}

static void
what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    struct bench *b = *state;
    struct flow f = flow_of(0, 1, "in_port=1");
    f.has_goto = true;
    assert_refused(flow_mod(b, FLOW_ADD, &f), 3, 2); /* goto table 0 from table 0 */
    f = flow_of(254, 1, "in_port=1");
    assert_refused(flow_mod(b, FLOW_ADD, &f), 5, 2);
    f = flow_of(0, 1, "in_port=1");
    actions_output(&f.apply, 0);
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 4);
    f = flow_of(0, 1, "in_port=1");
    actions_output(&f.apply, PORT_NORMAL); /* this node does not learn and flood */
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 4);
    f = flow_of(0, 1, "in_port=1");
    actions_group(&f.apply, 1);
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 9);
    f = flow_of(0, 1, "in_port=1");
    actions_set_queue(&f.apply, N_QUEUES);
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 8);
    f = flow_of(0, 1, "in_port=1");
    actions_set_field(&f.apply, FIELD_TCP_DST, 1);
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 10);
    f = flow_of(0, 1, "in_port=1");
    actions_set_field(&f.apply, FIELD_IN_PORT, 1);
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 13);
    f = flow_of(0, 1, "in_port=1");
    actions_add(&f.apply, ACTION_PUSH_VLAN)->eth_type = 0x9100;
    assert_refused(flow_mod(b, FLOW_ADD, &f), 2, 5);
    f = flow_of(0, 1, "in_port=1");
    f.meter_id = 77;
    assert_refused(flow_mod(b, FLOW_ADD, &f), 12, 3);
    f = flow_of(0, 1, "in_port=1");
    add(b, f);
    f = flow_of(0, 1, "eth_type=0x0800");
    f.flags = FLOW_CHECK_OVERLAP;
    assert_refused(flow_mod(b, FLOW_ADD, &f), 5, 3);
    assert_refused(group_mod(b, GROUP_ADD, group_of(GROUP_ALL, GROUP_TYPE_ALL, 0, NULL)), 6, 1);
    assert_refused(group_mod(b, GROUP_MODIFY, group_of(1, GROUP_TYPE_ALL, 0, NULL)), 6, 8);
    struct group unwatched = group_of(1, GROUP_TYPE_FF, 1, (uint32_t[]){1});
    unwatched.buckets[0].watch_port = PORT_ANY;
    assert_refused(group_mod(b, GROUP_ADD, unwatched), 6, 13);
    struct band band = {BAND_DROP, 0, 0, 0};
    struct meter meter = {5, METER_KBPS, 1, &band};
    assert_refused(datapath_meter_mod(b->dp, METER_ADD, &meter, 0), 12, 6);
    meter.meter_id = 0;
    assert_refused(datapath_meter_mod(b->dp, METER_ADD, &meter, 0), 12, 2);
    assert_int_equal(b->dp->n_flows, 1);
    assert_int_equal(b->dp->groups.n, 0);
    assert_int_equal(b->dp->meters.n, 0);
}

static void
flows_expire(void **state)
{
    struct bench *b = *state;
    struct flow idle = flow_of(0, 1, "in_port=1"), hard = flow_of(0, 1, "in_port=2");
    idle.idle_timeout = 2;
    hard.hard_timeout = 3;
    actions_output(&idle.apply, 2);
    actions_output(&hard.apply, 3);
    add(b, idle);
    add(b, hard);
    for (int i = 0; i < 3; i++) { /* used every second, the first one stays */
        b->now += NSEC_PER_SEC;
        through(b, 1, UDP);
        datapath_tick(b->dp, b->now);
    }
    assert_int_equal(b->dp->n_flows, 1);
    assert_through(b, 2, UDP, "drop:no_match ");
    b->now += 2 * NSEC_PER_SEC;
    datapath_tick(b->dp, b->now);
    assert_int_equal(b->dp->n_flows, 0);
    assert_int_equal(b->notices, 2);
}

static void
modify_keeps_what_it_does_not_change(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "in_port=1,eth_type=0x0800");
    flow.cookie = 9;
    actions_output(&flow.apply, 2);
    add(b, flow);
    through(b, 1, UDP);
    struct flow change = flow_of(0, 0, "in_port=1"); /* loose: all entries inside */
    actions_output(&change.apply, 3);
    flow_mod(b, FLOW_MODIFY, &change);
    assert_through(b, 1, UDP, "3:44 ");
    struct match m;
    assert_ok(match_parse("in_port=1,eth_type=0x0800", &m, NULL));
    struct entry *entry = flow_table_find(&b->dp->tables[0], 1, &m);
    assert_int_equal(entry->cookie, 9);
    assert_int_equal(counters_get(&entry->counters).packets, 3);
    struct flow reset = flow_of(0, 1, "in_port=1,eth_type=0x0800");
    reset.flags = FLOW_RESET_COUNTS;
    actions_output(&reset.apply, 4);
    flow_mod(b, FLOW_MODIFY_STRICT, &reset);
    assert_int_equal(counters_get(&entry->counters).packets, 0);
}

static void
delete_obeys_its_filters(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 1; i <= 4; i++) {
        struct flow flow = flow_of(0, 1, "any");
        match_set(&flow.match, FIELD_IN_PORT, i);
        flow.cookie = i;
        actions_output(&flow.apply, i % 2 ? 4 : 3);
        add(b, flow);
    }
    struct flow any = {.table_id = TABLE_ALL, .cookie = 1};
    struct flow_request r = {FLOW_DELETE, &any, UINT64_MAX, PORT_ANY, GROUP_ANY};
    datapath_flow_mod(b->dp, &r, 0);
    assert_int_equal(b->dp->n_flows, 3);
    r.cookie_mask = 0;
    r.out_port = 3;
    datapath_flow_mod(b->dp, &r, 0);
    assert_int_equal(b->dp->n_flows, 1);
    assert_through(b, 3, UDP, "4:44 ");
}

static void
ports_that_are_down_or_closed_say_so(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "in_port=1");
    actions_output(&flow.apply, 2);
    add(b, flow);
    datapath_port(b->dp, 2)->up = false;
    assert_through(b, 1, UDP, "drop:port_down ");
    datapath_port(b->dp, 2)->up = true;
    datapath_port(b->dp, 2)->mtu = 40;
    assert_through(b, 1, UDP, "drop:too_large ");
    datapath_port(b->dp, 2)->mtu = 47; /* four octets of it are for a tag */
    assert_through(b, 1, UDP, "drop:too_large ");
    datapath_port(b->dp, 2)->mtu = 48;
    assert_through(b, 1, UDP, "2:44 ");
    datapath_port(b->dp, 2)->config = PORT_CONFIG_NO_FWD;
    assert_through(b, 1, UDP, "drop:port_config ");
    datapath_port(b->dp, 1)->config = PORT_CONFIG_NO_RECV;
    assert_through(b, 1, UDP, "drop:port_config ");
}

static void
packet_out_may_go_through_the_tables(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "in_port=4294967294"); /* LOCAL */
    struct actions actions = {0};
    actions_output(&flow.apply, 2);
    add(b, flow);
    struct packet *p = packet_new(b->pool, 60);
    p->size = 60;
    memset(p->data, 0, 60);
    p->in_port = PORT_LOCAL;
    actions_output(&actions, 3);
    actions_output(&actions, PORT_TABLE);
    buf_clear(&b->log);
    pipeline_inject(b->pl, p, &actions, b->now);
    assert_string_equal(buf_cstr(&b->log), "3:60 2:60 ");
    actions_free(&actions);
}

static void
inject(struct bench *b, uint32_t size, uint32_t in_port, struct actions actions)
{
    struct packet *p = packet_new(b->pool, size);
    p->size = size;
    memset(p->data, 0, size);
    p->in_port = in_port;
    buf_clear(&b->log);
    pipeline_inject(b->pl, p, &actions, b->now);
    actions_free(&actions);
}

/* The controller has found that nothing arrives at its other end. Frames still pass it: those of
 * link discovery must, or nobody would see when it is well again. */
static void
a_held_port_is_up_but_not_for_groups(void **state)
{
    struct bench *b = *state;
    struct group g = group_of(7, GROUP_TYPE_FF, 2, (uint32_t[]){2, 3});
    struct edge_port *port = datapath_port(b->dp, 2);
    struct actions out = {0};
    group_mod(b, GROUP_ADD, g);
    to_group(b, 1, 7);
    struct flow from = flow_of(0, 1, "in_port=2");
    actions_output(&from.apply, 4);
    add(b, from);
    assert_through(b, 1, UDP, "2:44 ");
    port->held = true;
    assert_false(port_is_live(port));
    assert_through(b, 1, UDP, "3:44 ");
    assert_through(b, 2, UDP, "4:44 ");
    actions_output(&out, 2);
    inject(b, 60, PORT_CONTROLLER, out);
    assert_string_equal(buf_cstr(&b->log), "2:60 ");
    /* Its carrier goes and comes: it is held all the same. */
    port->up = port->live = false;
    port->up = port->live = true;
    assert_through(b, 1, UDP, "3:44 ");
    port->held = false;
    assert_through(b, 1, UDP, "2:44 ");
}

static void
what_the_node_sends_itself_comes_back_only_if_asked(void **state)
{
    struct bench *b = *state;
    struct actions local = {0}, back = {0}, tag = {0};
    actions_output(&local, PORT_LOCAL);
    inject(b, 60, PORT_LOCAL, local);
    assert_string_equal(buf_cstr(&b->log), "drop:same_port ");
    actions_output(&back, PORT_IN_PORT);
    inject(b, 60, PORT_LOCAL, back);
    assert_string_equal(buf_cstr(&b->log), "LOCAL ");
    actions_add(&tag, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_output(&tag, 2);
    inject(b, 13, PORT_CONTROLLER, tag);
    assert_string_equal(buf_cstr(&b->log), "drop:runt ");
}

static void
a_popped_label_is_looked_up_each_time(void **state)
{
    struct bench *b = *state;
    struct flow pop = flow_of(0, 1, "eth_type=0x8847,mpls_label=16");
    actions_add(&pop.apply, ACTION_POP_MPLS)->eth_type = ETH_TYPE_IPV4;
    pop.has_goto = true;
    pop.goto_table = 1;
    add(b, pop);
    for (uint32_t i = 2; i <= 3; i++) {
        struct flow flow = flow_of(1, 1, "eth_type=0x0800");
        match_set(&flow.match, FIELD_IPV4_DST, 0x0a000000 | i);
        actions_output(&flow.apply, i);
        add(b, flow);
    }
#define LABELLED(last)                                                                             \
    "020000000002 020000000001 8847 0001013f"                                                      \
    "4500 0014 0001 0000 40 fd 0000 0a000001 0a0000" last
    assert_through(b, 1, LABELLED("02"), "2:34 ");
    assert_through(b, 1, LABELLED("03"), "3:34 "); /* same labels and MACs, other packet inside */
    assert_through(b, 1, LABELLED("04"), "drop:no_match ");
}

static void
on_step(void *arg, const struct trace_step *step)
{
    struct buf *out = arg;
    buf_printf(out, "%*s%s: %s\n", 2 * step->depth, "", step->kind, step->text);
}

static void
trace_explains_and_changes_nothing(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 2000, 100};
    struct meter meter = {5, METER_KBPS | METER_BURST, 1, &band};
    datapath_meter_mod(b->dp, METER_ADD, &meter, 0);
    group_mod(b, GROUP_ADD, group_of(0x21, GROUP_TYPE_FF, 2, (uint32_t[]){2, 3}));
    struct flow flow = flow_of(0, 100, "in_port=1,eth_type=0x0800,ip_proto=17,udp_dst=8192");
    flow.cookie = 0x12;
    flow.meter_id = 5;
    actions_set_queue(&flow.apply, 3);
    actions_group(&flow.apply, 0x21);
    add(b, flow);
    datapath_port(b->dp, 2)->live = false;

    size_t size;
    uint8_t *frame = hex_bytes(UDP, &size);
    struct buf out = BUF_INIT;
    pipeline_trace(b->dp, frame, (uint32_t)size, 1, on_step, &out);
    assert_string_equal(
        buf_cstr(&out),
        "packet: in_port=1,eth_dst=02:00:00:00:00:02,eth_src=02:00:00:00:00:01,eth_type=0x0800,"
        "vlan_vid=0x0000,ip_dscp=0,ip_ecn=0,ip_proto=17,ipv4_src=10.0.0.1,ipv4_dst=10.0.0.2,"
        "udp_src=4096,udp_dst=8192\n"
        "table: 0, 1 entries\n"
        "tuple: by {in_port,eth_type,ip_proto,l4_dst}, priority up to 100: matches\n"
        "entry: table=0,priority=100,cookie=0x12 in_port=1,eth_type=0x0800,ip_proto=17,udp_dst=8192"
        " -> meter:5 set_queue:3,group:0x21\n"
        "entry: would count: 0 packets so far, 0 octets\n"
        "meter: meter=5 drop(rate=2000 kbit/s,burst=100 kbit): would have to pass\n"
        "action: set_queue:3\n"
        "action: group:0x21\n"
        "group: 0x21, fast failover, 2 buckets\n"
        "bucket: 0: down, not taken: output:2\n"
        "bucket: 1: live, taken: output:3\n"
        "  output: port 3 (p3), queue 3, 44 octets\n"
        "result: forwarded\n");
    buf_clear(&out);
    pipeline_trace(b->dp, frame, (uint32_t)size, 2, on_step, &out);
    assert_non_null(strstr(buf_cstr(&out), "drop: no_match: no flow entry covers the packet\n"
                                           "result: dropped\n"));
    free(frame);
    buf_fini(&out);
    for (unsigned i = 0; i < DROP_MAX; i++)
        assert_int_equal(b->dp->drops[i], 0);
}

/* ---- Two paths at once ---- */

static void
push_tag(struct bucket *bucket, uint16_t eth_type, uint8_t lan, uint32_t port)
{
    struct action *a = actions_add(&bucket->actions, ACTION_PUSH_REDUNDANCY);
    a->eth_type = eth_type;
    a->lan = lan;
    actions_output(&bucket->actions, port);
}

/* From port 1 by ports 2 and 3. */
static void
add_duplicate(struct bench *b, uint16_t eth_type)
{
    struct bucket buckets[2] = {{.watch_port = PORT_ANY, .watch_group = GROUP_ANY},
                                {.watch_port = PORT_ANY, .watch_group = GROUP_ANY}};
    struct group group = {9, GROUP_TYPE_ALL, 2, buckets};
    struct flow flow = flow_of(0, 1, "in_port=1");
    bool hsr = eth_type == ETH_TYPE_HSR;
    push_tag(&buckets[0], eth_type, hsr ? 0 : PRP_LAN_A, 2);
    push_tag(&buckets[1], eth_type, hsr ? 1 : PRP_LAN_B, 3);
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_ADD, &group, b->now)));
    for (unsigned i = 0; i < 2; i++)
        actions_free(&buckets[i].actions);
    actions_add(&flow.apply, ACTION_SEQUENCE)->id = 5;
    actions_group(&flow.apply, 9);
    add(b, flow);
}

static void
discard_by(struct flow *flow, uint16_t eth_type, uint8_t lan)
{
    struct action *a = actions_add(&flow->apply, ACTION_DISCARD);
    a->id = 5;
    a->eth_type = eth_type;
    a->lan = lan;
}

static void
add_discard(struct bench *b, const char *match, uint16_t eth_type, uint8_t lan)
{
    struct flow flow = flow_of(0, 1, match);
    discard_by(&flow, eth_type, lan);
    actions_output(&flow.apply, 4);
    add(b, flow);
}

#define GOOSE_HEADER "010ccd010001 020000000001 88b8"
#define HSR_HEADER "010ccd010001 020000000001 892f 0034 NNNN 88b8"
#define ZEROS_46                                                                                   \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

static const char *
through_numbered(struct bench *b, uint32_t in_port, const char *hex, unsigned sequence)
{
    char numbered[256], *at;
    snprintf(numbered, sizeof numbered, "%s", hex);
    at = strchr(numbered, 'N'); /* NNNN stands for it */
    assert_non_null(at);
    for (int i = 0; i < 4; i++)
        at[i] = "0123456789abcdef"[sequence >> (12 - 4 * i) & 15];
    return through(b, in_port, numbered);
}

static void
both_copies_have_the_same_number(void **state)
{
    struct bench *b = *state;
    static const uint8_t rct[] = {0, 1, 0xb0, 52, 0x88, 0xfb};
    struct pipeline_stats stats;
    add_duplicate(b, ETH_TYPE_PRP);
    assert_through(b, 1, GOOSE_HEADER "11223344", "2:66 3:66 ");
    assert_memory_equal(b->last + 60, rct, 6); /* the second packet, by LAN B */
    assert_int_equal(redundancy_stream(b->dp->redundancy, 5)->sequenced, 2);
    pipeline_get_stats(b->pl, &stats);
    assert_int_equal(stats.hits, 1); /* by the program, too */
}

static void
hsr_copies_are_tagged_by_path(void **state)
{
    struct bench *b = *state;
    static const uint8_t tag[] = {0x89, 0x2f, 0x10, 52, 0, 1, 0x88, 0xb8, 0x11};
    add_duplicate(b, ETH_TYPE_HSR);
    assert_through(b, 1, GOOSE_HEADER "11223344", "2:66 3:66 ");
    assert_memory_equal(b->last + 12, tag, sizeof tag);
}

static void
only_the_first_copy_goes_on(void **state)
{
    struct bench *b = *state;
    const char *by_a = GOOSE_HEADER ZEROS_46 "NNNN a034 88fb",
               *by_b = GOOSE_HEADER ZEROS_46 "NNNN b034 88fb";
    struct pipeline_stats stats;
    add_discard(b, "in_port=2", ETH_TYPE_PRP, PRP_LAN_A);
    add_discard(b, "in_port=3", ETH_TYPE_PRP, PRP_LAN_B);
    struct redundancy_window *w = redundancy_stream(b->dp->redundancy, 5)->window;
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(through_numbered(b, 2, by_a, i), "4:60 ");
        assert_string_equal(through_numbered(b, 3, by_b, i), "drop:duplicate ");
        assert_string_equal(through_numbered(b, 2, by_a, i), "drop:duplicate ");
    }
    assert_int_equal(w->discarded, 6);
    assert_int_equal(w->paths[1].received, 3);
    pipeline_get_stats(b->pl, &stats);
    assert_int_equal(stats.misses, 2); /* one of each path: a copy's way is known, too */
    assert_int_equal(stats.hits, 7);
    assert_string_equal(through_numbered(b, 3, by_b, 3), "4:60 ");
    assert_int_equal(w->paths[1].wrong_lan, 0);
    assert_string_equal(through_numbered(b, 3, by_a, 4), "4:60 ");
    assert_int_equal(w->paths[1].wrong_lan, 1);
    /* What is sent once has no trailer, and is no copy. */
    assert_through(b, 2, GOOSE_HEADER ZEROS_46, "4:60 ");
    assert_int_equal(w->untagged, 2);
}

static void
hsr_tags_come_off_and_are_asked_for(void **state)
{
    struct bench *b = *state;
    add_discard(b, "in_port=2,eth_type=0x892f", ETH_TYPE_HSR, PRP_LAN_A);
    add_discard(b, "in_port=3", ETH_TYPE_HSR, PRP_LAN_B);
    assert_string_equal(through_numbered(b, 3, HSR_HEADER ZEROS_46, 7), "4:60 ");
    assert_int_equal(get_be16(b->last + 12), ETH_TYPE_GOOSE);
    assert_string_equal(through_numbered(b, 2, HSR_HEADER ZEROS_46, 7), "drop:duplicate ");
    assert_through(b, 3, GOOSE_HEADER ZEROS_46, "drop:no_sequence ");
}

/* A second table judges what is behind the tag: never by a copy's program. */
static void
a_copy_does_not_teach_a_wrong_way(void **state)
{
    struct bench *b = *state;
    for (uint32_t port = 2; port <= 3; port++) {
        struct flow first = flow_of(0, 1, port == 2 ? "in_port=2" : "in_port=3");
        discard_by(&first, ETH_TYPE_HSR, 0);
        first.has_goto = true;
        first.goto_table = 1;
        add(b, first);
    }
    struct flow second = flow_of(1, 1, "eth_type=0x88b8");
    actions_output(&second.apply, 4);
    add(b, second);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(through_numbered(b, 2 + i % 2, HSR_HEADER ZEROS_46, i), "4:60 ");
        assert_string_equal(through_numbered(b, 3 - i % 2, HSR_HEADER ZEROS_46, i),
                            "drop:duplicate ");
    }
}

static void
numbers_are_given_once_and_not_in_buckets(void **state)
{
    struct bench *b = *state;
    struct bucket bucket = {.watch_port = PORT_ANY, .watch_group = GROUP_ANY};
    struct group group = {9, GROUP_TYPE_ALL, 1, &bucket};
    actions_add(&bucket.actions, ACTION_SEQUENCE)->id = 5;
    assert_refused(datapath_group_mod(b->dp, GROUP_ADD, &group, b->now), 2, 0);
    actions_free(&bucket.actions);
    /* A tag without a number: nothing leaves. */
    push_tag(&bucket, ETH_TYPE_PRP, PRP_LAN_A, 2);
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_ADD, &group, b->now)));
    actions_free(&bucket.actions);
    struct flow flow = flow_of(0, 1, "in_port=1");
    actions_group(&flow.apply, 9);
    add(b, flow);
    assert_through(b, 1, UDP, "drop:no_sequence ");
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(an_empty_table_drops_everything), WITH_BENCH(forwards_by_the_highest_priority),
          WITH_BENCH(counts_what_the_cache_forwards),
          WITH_BENCH(apply_actions_act_in_order_on_the_packet_as_it_is),
          WITH_BENCH(the_action_set_runs_at_the_end_in_its_own_order),
          WITH_BENCH(a_table_miss_entry_sends_to_the_controller),
          WITH_BENCH(a_port_can_be_kept_from_troubling_the_controller),
          WITH_BENCH(an_expired_ttl_is_told_if_somebody_asked_for_it),
          WITH_BENCH(fast_failover_takes_the_first_live_bucket),
          WITH_BENCH(a_held_port_is_up_but_not_for_groups),
          WITH_BENCH(a_bucket_can_send_back_where_it_came_from),
          WITH_BENCH(an_all_group_gives_each_bucket_its_own_copy),
          WITH_BENCH(a_select_group_keeps_a_conversation_together),
          WITH_BENCH(groups_nest_but_not_in_circles),
          WITH_BENCH(deleting_a_group_takes_its_flows_along),
          WITH_BENCH(a_metered_flow_keeps_its_rate),
          WITH_BENCH(a_meter_that_others_use_too_is_judged_as_of_now),
          WITH_BENCH(what_makes_no_sense_is_refused_and_changes_nothing), WITH_BENCH(flows_expire),
          WITH_BENCH(modify_keeps_what_it_does_not_change), WITH_BENCH(delete_obeys_its_filters),
          WITH_BENCH(ports_that_are_down_or_closed_say_so),
          WITH_BENCH(packet_out_may_go_through_the_tables),
          WITH_BENCH(what_the_node_sends_itself_comes_back_only_if_asked),
          WITH_BENCH(a_popped_label_is_looked_up_each_time),
          WITH_BENCH(both_copies_have_the_same_number), WITH_BENCH(hsr_copies_are_tagged_by_path),
          WITH_BENCH(only_the_first_copy_goes_on), WITH_BENCH(hsr_tags_come_off_and_are_asked_for),
          WITH_BENCH(a_copy_does_not_teach_a_wrong_way),
          WITH_BENCH(numbers_are_given_once_and_not_in_buckets),
          WITH_BENCH(trace_explains_and_changes_nothing))
