/* fast_compile_test.c - what the kernel is given to carry out, and what it is not. */
#include "edge/fast_compile.h"

#include "base/testing.h"
#include "edge/kernel/fast_choose.h"

#include <stdlib.h>

#define COUNTERS 64

struct bench {
    struct datapath *dp;
    struct slots ports, meters, counters;
    struct program from;
    struct op ops[MAX_OPS]; /* its */
    struct fast_program to;
    struct action actions[4]; /* of the program's edits */
};

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    const struct limits limits = {1000, 100, 100, 32};
    slots_init(&b->ports, calloc(8, sizeof(struct edge_port)), sizeof(struct edge_port), 8);
    slots_init(&b->meters, calloc(4, sizeof(struct meter_entry)), sizeof(struct meter_entry), 4);
    slots_init(&b->counters, calloc(COUNTERS, sizeof(struct shared_lane)),
               sizeof(struct shared_lane), COUNTERS);
    b->dp = datapath_new(&limits);
    const struct datapath_shared shared = {
        .ports = &b->ports, .meters = &b->meters, .counters = &b->counters};
    datapath_share(b->dp, &shared);
    for (uint32_t i = 1; i <= 4; i++) {
        const struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        struct edge_port *port = datapath_add_port(b->dp, i, "p", &mac, 0);
        port->up = port->live = true;
        port->ifindex = i == 4 ? 0 : 100 + i; /* port 4 is not the kernel's */
    }
    b->from.key.in_port = to_be32(1);
    b->from.ops = b->ops;
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    void *memory[] = {b->ports.base, b->meters.base, b->counters.base};
    datapath_free(b->dp);
    assert_int_equal(b->ports.n_free, b->ports.n); /* all places came back */
    assert_int_equal(b->meters.n_free, b->meters.n);
    assert_int_equal(b->counters.n_free, b->counters.n);
    slots_fini(&b->ports);
    slots_fini(&b->meters);
    slots_fini(&b->counters);
    for (size_t i = 0; i < ARRAY_SIZE(memory); i++)
        free(memory[i]);
    free(b);
    return 0;
}

static void
add_op(struct bench *b, uint8_t type, uint32_t id, void *target)
{
    b->ops[b->from.n_ops++] = (struct op){.type = type, .id = id, .target = target};
}

static bool
compile(struct bench *b)
{
    return fast_compile(b->dp, &b->from, &b->to);
}

static struct group_entry *
add_group(struct bench *b, struct group *group)
{
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_ADD, group, 0)));
    return idmap_get(&b->dp->groups, group->group_id);
}

static uint32_t
place_of(const struct bench *b, uint32_t port)
{
    return slots_index(&b->ports, datapath_port(b->dp, port));
}

static void
a_flow_is_counted_metered_and_sent(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 1000, 100};
    const struct meter meter = {7, METER_KBPS | METER_BURST, 1, &band};
    struct flow flow = {.priority = 5, .has_apply = true};
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &meter, 0)));
    actions_output(&flow.apply, 2);
    const struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(b->dp, &request, 0)));
    actions_free(&flow.apply);
    struct entry *entry = flow_table_lookup(&b->dp->tables[0], &b->from.key);
    add_op(b, OP_COUNT, 0, entry);
    add_op(b, OP_METER, 0, idmap_get(&b->dp->meters, 7));
    add_op(b, OP_QUEUE, 3, NULL);
    add_op(b, OP_OUTPUT, 2, entry);
    assert_true(compile(b));
    assert_int_equal(b->to.n_meters, 1);
    assert_int_equal(b->to.ops[0].type, FAST_COUNT);
    assert_int_equal(b->to.ops[0].c, slots_index(&b->counters, entry->counters.shared));
    assert_int_equal(b->to.ops[1].type, FAST_METER);
    assert_int_equal(b->to.ops[2].a, 3);
    assert_int_equal(b->to.ops[3].type, FAST_OUTPUT);
    assert_int_equal(b->to.ops[3].c, place_of(b, 2));
    assert_int_equal(b->to.ops[4].type, FAST_END);

    counters_count(&entry->counters, 0, 60, 1); /* counted here, and there */
    entry->counters.shared->lane.packets = 4;
    assert_int_equal(counters_get(&entry->counters).packets, 5);
    (void)counters_reset(&entry->counters);
    entry->counters.shared->lane.packets = 6;
    assert_int_equal(counters_get(&entry->counters).packets, 2);
}

static void
failover_is_decided_when_the_packet_passes(void **state)
{
    struct bench *b = *state;
    struct bucket buckets[2] = {{0, 2, GROUP_ANY, {0}}, {0, 3, GROUP_ANY, {0}}};
    struct group group = {1, GROUP_TYPE_FF, 2, buckets};
    actions_output(&buckets[0].actions, 2);
    actions_output(&buckets[1].actions, 3);
    add_op(b, OP_GROUP, 0, add_group(b, &group));
    assert_true(compile(b));
    const uint8_t types[] = {FAST_COUNT_BUCKET, FAST_IF_DEAD, FAST_COUNT_BUCKET, FAST_OUTPUT,
                             FAST_JUMP,         FAST_IF_DEAD, FAST_COUNT_BUCKET, FAST_OUTPUT,
                             FAST_JUMP,         FAST_DROP,    FAST_END};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        assert_int_equal(b->to.ops[i].type, types[i]);
    assert_int_equal(b->to.ops[1].c, place_of(b, 2));
    assert_int_equal(b->to.ops[1].a, 5); /* to the next bucket */
    assert_int_equal(b->to.ops[5].a, 9); /* to the drop */
    assert_int_equal(b->to.ops[4].a, 10);
    assert_int_equal(b->to.ops[8].a, 10);
    assert_int_equal(b->to.ops[9].a, DROP_NO_LIVE_BUCKET);
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

static void
only_the_last_bucket_may_change_the_packet(void **state)
{
    struct bench *b = *state;
    struct bucket buckets[2] = {{0, PORT_ANY, GROUP_ANY, {0}}, {0, PORT_ANY, GROUP_ANY, {0}}};
    struct group group = {1, GROUP_TYPE_ALL, 2, buckets};
    actions_output(&buckets[0].actions, 2);
    actions_add(&buckets[1].actions, ACTION_POP_VLAN);
    actions_output(&buckets[1].actions, 3);
    struct group_entry *entry = add_group(b, &group);
    add_op(b, OP_GROUP, 0, entry);
    assert_true(compile(b));
    add_op(b, OP_OUTPUT, 2, NULL); /* it would see the packet without its tag */
    assert_false(compile(b));
    b->from.n_ops = 0;
    group = (struct group){2, GROUP_TYPE_ALL, 2, (struct bucket[]){buckets[1], buckets[0]}};
    add_op(b, OP_GROUP, 0, add_group(b, &group));
    assert_false(compile(b));
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

static void
what_the_kernel_cannot_do_is_left_to_the_packet_thread(void **state)
{
    struct bench *b = *state;
    const struct op none[] = {
        {OP_OUTPUT, 0, 0, PORT_CONTROLLER, NULL}, {OP_OUTPUT, 0, 0, PORT_LOCAL, NULL},
        {OP_OUTPUT, 0, 0, PORT_FLOOD, NULL},      {OP_OUTPUT, 0, 0, 4, NULL},
        {OP_EDIT, 0, 0, 0, &b->actions[0]},       {OP_EDIT, 0, 0, 0, &b->actions[1]},
    };
    b->actions[0] = (struct action){.type = ACTION_PUSH_MPLS, .eth_type = ETH_TYPE_MPLS};
    b->actions[1] = (struct action){.type = ACTION_SET_FIELD, .field = FIELD_ETH_TYPE};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        b->ops[0] = none[i];
        b->from.n_ops = 1;
        assert_false(compile(b));
    }
    b->from.n_ops = 0;
    for (unsigned i = 0; i < MAX_OPS; i++)
        add_op(b, OP_OUTPUT, 2, NULL);
    assert_true(compile(b));
    b->from.key.eth_type = to_be16(ETH_TYPE_PTP);
    assert_false(compile(b));
}

static void
assert_types(const struct bench *b, const uint8_t *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(b->to.ops[i].type, types[i]);
}

#define ASSERT_TYPES(b, ...)                                                                       \
    assert_types((b), (const uint8_t[]){__VA_ARGS__}, sizeof(uint8_t[]){__VA_ARGS__})

/* A bucket that watches a group is live if any of that one's buckets is. */
static void
a_watched_group_is_as_live_as_its_ports(void **state)
{
    struct bench *b = *state;
    struct bucket buckets[2] = {{0, 2, GROUP_ANY, {0}}, {0, 3, GROUP_ANY, {0}}};
    struct group watched = {1, GROUP_TYPE_FF, 2, buckets};
    actions_output(&buckets[0].actions, 2);
    actions_output(&buckets[1].actions, 3);
    add_group(b, &watched);
    struct bucket watching = {0, PORT_ANY, 1, buckets[0].actions};
    struct group group = {2, GROUP_TYPE_FF, 1, &watching};
    add_op(b, OP_GROUP, 0, add_group(b, &group));
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_COUNT_BUCKET, FAST_IF_LIVE, FAST_IF_DEAD, FAST_COUNT_BUCKET, FAST_OUTPUT,
                 FAST_JUMP, FAST_DROP, FAST_END);
    assert_int_equal(b->to.ops[1].a, 3); /* to the bucket */
    assert_int_equal(b->to.ops[2].a, 6); /* to the drop */
    assert_int_equal(b->to.ops[2].c, place_of(b, 3));
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

/* ---- Select groups ---- */

#define BUCKETS 4

struct choice {
    struct bucket buckets[BUCKETS];
    struct group_entry *entry;
};

/* The first by port 1, the second by port 2 ...; the last one watches nothing. */
static struct choice
add_select(struct bench *b)
{
    static const uint16_t weights[BUCKETS] = {1, 5, 2, 3};
    struct choice choice;
    struct group group = {7, GROUP_TYPE_SELECT, BUCKETS, choice.buckets};
    for (uint32_t i = 0; i < BUCKETS; i++) {
        choice.buckets[i] = (struct bucket){
            weights[i], i + 1 < BUCKETS ? i + 1 : PORT_ANY, GROUP_ANY, {0}};
        actions_output(&choice.buckets[i].actions, 1 + i % 3);
    }
    choice.entry = add_group(b, &group);
    return choice;
}

static void
free_choice(struct choice *choice)
{
    for (uint32_t i = 0; i < BUCKETS; i++)
        actions_free(&choice->buckets[i].actions);
}

/* Carries out the steps as the kernel does; the counter of the bucket that was taken, or the reason
 * to drop. */
static uint32_t
taken(const struct bench *b, uint32_t live)
{
    struct fast_packet p = {.at = 1}; /* behind the group's counter */
    for (;;) {
        const struct fast_op *op = &b->to.ops[p.at++];
        bool is_live = op->c == FAST_ALWAYS || live >> op->c & 1;
        switch (op->type) {
        case FAST_WEIGH:
            fast_weigh(&p, op, is_live);
            break;
        case FAST_CHOOSE:
            fast_choose(&p, op, b->to.hash);
            break;
        case FAST_IF_OTHER:
            fast_if_other(&p, op, is_live);
            break;
        case FAST_COUNT_BUCKET:
            return op->c;
        default:
            assert_int_equal(op->type, FAST_DROP);
            return op->a;
        }
    }
}

static void
a_bucket_is_chosen_among_those_that_are_live(void **state)
{
    struct bench *b = *state;
    struct choice choice = add_select(b);
    const struct group_body *body = choice.entry->body;
    add_op(b, OP_GROUP, 0, choice.entry);
    for (uint32_t n = 0; n < 800; n++) {
        const uint32_t live = n % 8; /* of ports 1 to 3 */
        uint32_t places = 0, total = 3;
        b->from.key.tp_src = to_be16((uint16_t)(n / 8));
        assert_true(compile(b));
        for (uint32_t i = 0; i < 3; i++) {
            places |= (live >> i & 1) << place_of(b, i + 1);
            total += live >> i & 1 ? choice.buckets[i].weight : 0;
        }
        uint64_t point = select_hash(&b->from.key) % total;
        uint32_t i = 0;
        for (; i + 1 < BUCKETS; i++) {
            if (!(live >> i & 1))
                continue;
            if (point < choice.buckets[i].weight)
                break;
            point -= choice.buckets[i].weight;
        }
        assert_int_equal(taken(b, places),
                         slots_index(&b->counters, body->buckets[i].counters.shared));
    }
    free_choice(&choice);
}

static void
no_live_bucket_of_a_choice_is_a_reason_to_drop(void **state)
{
    struct bench *b = *state;
    struct choice choice = add_select(b);
    struct group group = {7, GROUP_TYPE_SELECT, BUCKETS - 1, choice.buckets};
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_MODIFY, &group, 0)));
    add_op(b, OP_GROUP, 0, choice.entry);
    assert_true(compile(b));
    assert_int_equal(taken(b, 0), DROP_NO_LIVE_BUCKET);
    assert_false(b->to.denies);
    /* Nothing to watch: the choice is made here. */
    for (uint32_t i = 0; i < BUCKETS; i++)
        choice.buckets[i].watch_port = PORT_ANY;
    group.n_buckets = BUCKETS;
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_MODIFY, &group, 0)));
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_COUNT_BUCKET, FAST_COUNT_BUCKET, FAST_OUTPUT, FAST_END);
    free_choice(&choice);
}

static struct action
set_field(enum field field, const char *octets)
{
    struct action a = {.type = ACTION_SET_FIELD, .field = (uint8_t)field};
    memcpy(a.value, octets, field_table[field].size);
    return a;
}

static void
a_choice_is_by_the_packet_as_it_is_then(void **state)
{
    struct bench *b = *state;
    struct choice choice = add_select(b);
    struct flow_key key = b->from.key;
    b->from.key.eth_type = key.eth_type = to_be16(ETH_TYPE_IPV4);
    b->from.key.vlan_vid = to_be16(VLAN_PRESENT | 5);
    b->from.key.vlan_pcp = 3;
    b->actions[0] = set_field(FIELD_IPV4_DST, "\x0a\x01\x02\x03");
    b->actions[1] = (struct action){.type = ACTION_POP_VLAN};
    b->actions[2] = set_field(FIELD_TCP_DST, "\x01\xf6"); /* it has none */
    memcpy(key.ip_dst, b->actions[0].value, 4);
    for (unsigned i = 0; i < 3; i++)
        add_op(b, OP_EDIT, 0, &b->actions[i]);
    add_op(b, OP_GROUP, 0, choice.entry);
    assert_true(compile(b));
    assert_true(b->to.hash == select_hash(&key));
    assert_true(b->to.hash != select_hash(&b->from.key));
    free_choice(&choice);
}

/* ---- Changes of IP packets ---- */

static void
headers_are_where_the_tags_leave_them(void **state)
{
    struct bench *b = *state;
    b->from.key.eth_type = to_be16(ETH_TYPE_IPV4);
    b->from.key.ip_proto = IP_PROTO_UDP;
    b->actions[0] = (struct action){.type = ACTION_PUSH_VLAN, .eth_type = ETH_TYPE_VLAN};
    b->actions[1] = set_field(FIELD_IPV4_SRC, "\x0a\x01\x02\x03");
    b->actions[2] = set_field(FIELD_UDP_DST, "\x01\xf6");
    b->actions[3] = set_field(FIELD_TCP_DST, "\x01\xf6"); /* it has none */
    add_op(b, OP_EDIT, 0, &b->actions[0]);
    add_op(b, OP_EDIT, 0, &b->actions[1]);
    add_op(b, OP_EDIT, 0, &b->actions[0]);
    add_op(b, OP_EDIT, 0, &b->actions[2]);
    add_op(b, OP_EDIT, 0, &b->actions[3]);
    add_op(b, OP_OUTPUT, 2, NULL);
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_PUSH_VLAN, FAST_SET_ADDRESS, FAST_PUSH_VLAN, FAST_SET_PORT, FAST_OUTPUT,
                 FAST_END);
    assert_int_equal(b->to.ops[1].a, 12);
    assert_int_equal(b->to.ops[1].b, 14); /* the only tag is not among the octets */
    assert_int_equal(b->to.ops[3].a, 2);
    assert_int_equal(b->to.ops[3].b, 18);
    b->from.key.eth_type = to_be16(ETH_TYPE_IPV6);
    b->actions[1] = set_field(FIELD_IPV6_DST, "0123456789abcdef");
    assert_true(compile(b));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(b->to.ops[1 + i].a, 24 + 4 * i);
        assert_memory_equal(&b->to.ops[1 + i].c, &"0123456789abcdef"[4 * i], 4);
    }
}

/* What one bucket has done, another one does not find. */
static void
each_bucket_begins_with_the_packet_as_it_came(void **state)
{
    struct bench *b = *state;
    struct bucket buckets[2] = {{0, 2, GROUP_ANY, {0}}, {0, 3, GROUP_ANY, {0}}};
    struct group group = {1, GROUP_TYPE_FF, 2, buckets};
    actions_add(&buckets[0].actions, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_add(&buckets[0].actions, ACTION_DEC_NW_TTL);
    actions_output(&buckets[0].actions, 2);
    actions_add(&buckets[1].actions, ACTION_DEC_NW_TTL);
    actions_output(&buckets[1].actions, 3);
    b->from.key.eth_type = to_be16(ETH_TYPE_IPV4);
    b->from.key.vlan_vid = to_be16(VLAN_PRESENT | 5);
    add_op(b, OP_GROUP, 0, add_group(b, &group));
    assert_true(compile(b));
    for (unsigned i = 0, n = 0; n < 2 && i < FAST_OPS; i++) {
        if (b->to.ops[i].type == FAST_DEC_TTL)
            assert_int_equal(b->to.ops[i].b, n++ ? 14 : 18);
    }
    assert_int_equal(b->to.n_ttl, 1);
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

static void
a_packet_whose_ttl_may_end_is_the_packet_threads(void **state)
{
    struct bench *b = *state;
    b->actions[0] = (struct action){.type = ACTION_DEC_NW_TTL};
    b->actions[1] = (struct action){.type = ACTION_SET_NW_TTL, .ttl = 2};
    add_op(b, OP_EDIT, 0, &b->actions[0]);
    add_op(b, OP_EDIT, 0, &b->actions[0]);
    assert_true(compile(b)); /* not of IP: no TTL */
    assert_int_equal(b->to.ops[0].type, FAST_END);
    assert_int_equal(b->to.n_ttl, 0);
    b->from.key.eth_type = to_be16(ETH_TYPE_IPV6);
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_DEC_TTL, FAST_DEC_TTL, FAST_END);
    assert_int_equal(b->to.n_ttl, 2);
    b->ops[0].target = &b->actions[1]; /* it is known now */
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_SET_TTL, FAST_SET_TTL, FAST_END);
    assert_int_equal(b->to.ops[1].a, 1);
    assert_int_equal(b->to.n_ttl, 0);
    add_op(b, OP_EDIT, 0, &b->actions[0]);
    assert_false(compile(b));
}

static void
what_is_denied_is_known_to_be(void **state)
{
    struct bench *b = *state;
    add_op(b, OP_MISS, 0, NULL);
    assert_true(compile(b));
    assert_true(b->to.denies);
    b->from.n_ops = 0;
    add_op(b, OP_OUTPUT, 2, NULL);
    assert_true(compile(b));
    assert_false(b->to.denies);
}

/* What the meter drops the kernel can drop, whatever is to be done with the others. */
static void
a_meter_ahead_of_what_the_kernel_cannot_do_is_its_own(void **state)
{
    struct bench *b = *state;
    struct band bands[2] = {{BAND_DROP, 0, 1000, 100}, {BAND_DROP, 0, 2000, 100}};
    const struct meter meter = {7, METER_PKTPS | METER_BURST, 1, bands},
                       none = {8, METER_PKTPS | METER_BURST, 0, NULL},
                       two = {9, METER_PKTPS | METER_BURST, 2, bands};
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &meter, 0)));
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &none, 0)));
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &two, 0)));
    add_op(b, OP_METER, 0, idmap_get(&b->dp->meters, 7));
    add_op(b, OP_OUTPUT, PORT_CONTROLLER, NULL);
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_METER, FAST_END);
    assert_true(b->to.polices);
    assert_false(b->to.denies);
    b->ops[0].target = idmap_get(&b->dp->meters, 8); /* drops nothing */
    assert_false(compile(b));
    b->ops[0].target = idmap_get(&b->dp->meters, 9);
    assert_false(compile(b));
    b->ops[0].target = idmap_get(&b->dp->meters, 7);
    b->ops[1] = (struct op){.type = OP_METER, .target = idmap_get(&b->dp->meters, 9)};
    assert_true(compile(b));
    assert_true(b->to.polices);
    assert_int_equal(b->to.n_meters, 1); /* the other one is judged by the packet thread alone */
    struct bucket bucket = {0, PORT_ANY, GROUP_ANY, {0}};
    struct group group = {1, GROUP_TYPE_ALL, 1, &bucket};
    actions_output(&bucket.actions, PORT_CONTROLLER);
    b->ops[1] = (struct op){.type = OP_GROUP, .target = add_group(b, &group)};
    assert_true(compile(b));
    ASSERT_TYPES(b, FAST_METER, FAST_END); /* nothing of the group, not even its counter */
    b->ops[1] = (struct op){.type = OP_OUTPUT, .id = 2};
    assert_true(compile(b));
    assert_false(b->to.polices);
    actions_free(&bucket.actions);
}

static void
entries_beyond_the_shared_places_are_not_offered(void **state)
{
    struct bench *b = *state;
    struct entry *entry = NULL;
    for (uint32_t i = 0; i <= COUNTERS; i++) {
        struct flow flow = {.priority = 1};
        const struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
        match_set(&flow.match, FIELD_IN_PORT, 1 + i);
        assert_false(dp_failed(datapath_flow_mod(b->dp, &request, 0)));
        const struct flow_key key = {.in_port = to_be32(1 + i)};
        entry = flow_table_lookup(&b->dp->tables[0], &key);
    }
    assert_null(entry->counters.shared);
    add_op(b, OP_COUNT, 0, entry);
    assert_false(compile(b));
}

/* The kernel has no queues. */
static void
a_port_with_rates_is_the_packet_threads(void **state)
{
    struct bench *b = *state;
    struct edge_port *port = datapath_port(b->dp, 2);
    static const struct {
        const char *text;
        bool kernel;
    } cases[] = {{"", true},
                 {"limit=5ms", true},
                 {"rate=10M", false},
                 {"q0=weight:1", false},
                 {"q3=strict+max:1M", false},
                 {"", true}};
    add_op(b, OP_OUTPUT, 2, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scheduler_config config;
        uint64_t before = b->dp->generation;
        assert_ok(scheduler_config_parse(cases[i].text, &config, NULL));
        datapath_schedule_port(b->dp, port, &config);
        assert_true(b->dp->generation > before); /* what was compiled before is stale */
        assert_int_equal(compile(b), cases[i].kernel);
    }
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_flow_is_counted_metered_and_sent),
        TEST(failover_is_decided_when_the_packet_passes),
        TEST(only_the_last_bucket_may_change_the_packet),
        TEST(what_the_kernel_cannot_do_is_left_to_the_packet_thread),
        TEST(a_watched_group_is_as_live_as_its_ports),
        TEST(a_bucket_is_chosen_among_those_that_are_live),
        TEST(no_live_bucket_of_a_choice_is_a_reason_to_drop),
        TEST(a_choice_is_by_the_packet_as_it_is_then),
        TEST(headers_are_where_the_tags_leave_them),
        TEST(each_bucket_begins_with_the_packet_as_it_came),
        TEST(a_packet_whose_ttl_may_end_is_the_packet_threads),
        TEST(what_is_denied_is_known_to_be),
        TEST(a_meter_ahead_of_what_the_kernel_cannot_do_is_its_own),
        TEST(entries_beyond_the_shared_places_are_not_offered),
        TEST(a_port_with_rates_is_the_packet_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
