/* What is asked for becomes a frame, and what happens to it becomes text, octet for octet. */
#include "edge/trace.h"

#include "base/testing.h"

#include <stdio.h>

struct bench {
    struct datapath *dp;
    struct trace_packet packet;
    struct buf text;
};

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {1000, 100, 100, 16};
    b->dp = datapath_new(&limits);
    for (uint32_t i = 1; i <= 4; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        char name[8];
        snprintf(name, sizeof name, "p%u", i);
        struct edge_port *port = datapath_add_port(b->dp, i, name, &mac, 0);
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
    buf_fini(&b->text);
    free(b);
    return 0;
}

static void
add(struct bench *b, struct flow flow)
{
    struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(b->dp, &request, 0)));
    flow_fini(&flow);
}

static struct flow
flow_of(uint8_t table, uint16_t priority, const char *match)
{
    struct flow flow = {.table_id = table, .priority = priority, .has_apply = true};
    assert_ok(match_parse(match, &flow.match, NULL));
    return flow;
}

static void
add_ff_group(struct bench *b, uint32_t id, uint32_t first, uint32_t second)
{
    struct bucket buckets[2] = {{.watch_port = first, .watch_group = GROUP_ANY},
                                {.watch_port = second, .watch_group = GROUP_ANY}};
    struct group group = {id, GROUP_TYPE_FF, 2, buckets};
    actions_output(&buckets[0].actions, first);
    actions_output(&buckets[1].actions, second);
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_ADD, &group, 0)));
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

static enum err
parse(struct bench *b, const char *json, struct diag *diag)
{
    json_t *params = json_loads(json, 0, NULL);
    assert_non_null(params);
    enum err err = trace_packet_parse(params, &b->packet, diag);
    json_decref(params);
    return err;
}

static const char *
trace(struct bench *b, const char *json)
{
    struct diag diag;
    buf_clear(&b->text);
    if (parse(b, json, &diag))
        fail_msg("%s", diag.text);
    trace_text(b->dp, &b->packet, &b->text);
    return buf_cstr(&b->text);
}

static void
assert_wrong(struct bench *b, const char *json, enum err err, const char *text)
{
    struct diag diag;
    assert_err(parse(b, json, &diag), err);
    assert_string_equal(diag.text, text);
}

static void
assert_frame(struct bench *b, const char *json, const char *hex)
{
    struct diag diag;
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    if (parse(b, json, &diag))
        fail_msg("%s", diag.text);
    assert_true(b->packet.size >= size);
    assert_memory_equal(b->packet.frame, frame, size);
    for (size_t i = size; i < b->packet.size; i++)
        assert_int_equal(b->packet.frame[i], 0);
    free(frame);
}

/* ---- Texts ---- */

static void
an_empty_node_drops(void **state)
{
    assert_string_equal(
        trace(*state, "{\"in-port\": 4, \"eth-src\": \"02:00:00:00:00:01\", \"ipv4-dst\": "
                      "\"10.1.0.5\", \"tcp-dst\": 502}"),
        "packet: in_port=4,eth_dst=00:00:00:00:00:00,eth_src=02:00:00:00:00:01,eth_type=0x0800,"
        "vlan_vid=0x0000,ip_dscp=0,ip_ecn=0,ip_proto=6,ipv4_src=0.0.0.0,ipv4_dst=10.1.0.5,"
        "tcp_src=0,tcp_dst=502\n"
        "table: 0, 0 entries\n"
        "drop: no_match: no flow entry covers the packet\n"
        "result: dropped\n");
}

static void
two_tables_a_meter_and_a_group_are_explained(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 2000, 100};
    struct meter meter = {5, METER_KBPS | METER_BURST, 1, &band};
    datapath_meter_mod(b->dp, METER_ADD, &meter, 0);
    add_ff_group(b, 0x21, 2, 3);
    datapath_port(b->dp, 2)->live = false;
    struct flow first = flow_of(0, 100, "in_port=1,eth_type=0x88b8");
    first.cookie = 0x12;
    first.meter_id = 5;
    actions_add(&first.apply, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_set_field(&first.apply, FIELD_VLAN_VID, 0x100a);
    first.has_goto = true;
    first.goto_table = 1;
    struct flow second = flow_of(1, 7, "vlan_vid=0x100a");
    actions_set_queue(&second.apply, 6);
    actions_group(&second.apply, 0x21);
    add(b, first);
    add(b, flow_of(0, 1, "any"));
    add(b, second);
    assert_string_equal(
        trace(b, "{\"in-port\": 1, \"eth-dst\": \"01:0c:cd:01:00:01\", \"eth-type\": \"0x88b8\"}"),
        "packet: in_port=1,eth_dst=01:0c:cd:01:00:01,eth_src=00:00:00:00:00:00,eth_type=0x88b8,"
        "vlan_vid=0x0000\n"
        "table: 0, 2 entries\n"
        "tuple: by {in_port,eth_type}, priority up to 100: matches\n"
        "tuple: by {}, priority up to 1: not needed\n"
        "entry: table=0,priority=100,cookie=0x12 in_port=1,eth_type=0x88b8 -> meter:5 "
        "push_vlan:0x8100,set_field:vlan_vid=0x100a goto_table:1\n"
        "entry: would count: 0 packets so far, 0 octets\n"
        "meter: meter=5 drop(rate=2000 kbit/s,burst=100 kbit): would have to pass\n"
        "action: push_vlan:0x8100\n"
        "action: set_field:vlan_vid=0x100a\n"
        "table: 1, 1 entries\n"
        "tuple: by {vlan_vid}, priority up to 7: matches\n"
        "entry: table=1,priority=7,cookie=0x0 vlan_vid=0x100a -> set_queue:6,group:0x21\n"
        "entry: would count: 0 packets so far, 0 octets\n"
        "action: set_queue:6\n"
        "action: group:0x21\n"
        "group: 0x21, fast failover, 2 buckets\n"
        "bucket: 0: down, not taken: output:2\n"
        "bucket: 1: live, taken: output:3\n"
        "  output: port 3 (p3), queue 6, 64 octets, with vlan_vid=0x100a,vlan_pcp=0\n"
        "result: forwarded\n");
}

static void
what_is_rewritten_is_shown_as_it_leaves(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "eth_type=0x0800,vlan_vid=0x1005");
    actions_add(&flow.apply, ACTION_POP_VLAN);
    actions_set_field(&flow.apply, FIELD_IPV4_DST, 0x0a020304);
    actions_output(&flow.apply, 2);
    add(b, flow);
    const char *text = trace(b, "{\"in-port\": 1, \"vlan-id\": 5, \"vlan-priority\": 4, "
                                "\"ipv4-dst\": \"10.0.0.1\", \"udp-dst\": 862}");
    assert_non_null(strstr(text, "output: port 2 (p2), queue 0, 60 octets, with vlan_vid=0x0000,"
                                 "ipv4_dst=10.2.3.4\n"));
}

static void
every_way_not_to_get_out_is_named(void **state)
{
    struct bench *b = *state;
    add_ff_group(b, 1, 2, 3);
    datapath_port(b->dp, 2)->live = datapath_port(b->dp, 3)->live = false;
    struct flow flow = flow_of(0, 1, "in_port=1");
    actions_group(&flow.apply, 1);
    add(b, flow);
    assert_non_null(strstr(trace(b, "{\"in-port\": 1}"),
                           "drop: no_live_bucket: every path of its group is down\n"
                           "result: dropped\n"));
    flow = flow_of(0, 1, "in_port=2");
    actions_output(&flow.apply, 2);
    add(b, flow);
    assert_non_null(strstr(trace(b, "{\"in-port\": 2}"), "drop: same_port: "));
    add(b, flow_of(0, 1, "in_port=3"));
    assert_non_null(strstr(trace(b, "{\"in-port\": 3}"), "drop: no_output: "));
    assert_non_null(strstr(trace(b, "{\"in-port\": 4, \"frame\": \"0200\"}"), "drop: runt: "));
    datapath_configure_port(b->dp, datapath_port(b->dp, 4), PORT_CONFIG_NO_RECV,
                            PORT_CONFIG_NO_RECV);
    assert_non_null(strstr(trace(b, "{\"in-port\": 4}"), "drop: port_config: "));
}

static void
nothing_is_counted(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "any");
    actions_output(&flow.apply, 2);
    actions_output(&flow.apply, 9);
    add(b, flow);
    trace(b, "{\"in-port\": 1}");
    for (unsigned i = 0; i < DROP_MAX; i++)
        assert_int_equal(b->dp->drops[i], 0);
    assert_int_equal(datapath_table_counts(b->dp, 0).lookups, 0);
    struct entry *entry = flow_table_find(&b->dp->tables[0], 1, &MATCH_ANY);
    assert_non_null(entry);
    assert_int_equal(counters_get(&entry->counters).packets, 0);
    assert_int_equal(datapath_port(b->dp, 2)->tx.packets, 0);
}

static void
a_sample_for_the_controller_is_not_forwarding(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "any");
    actions_controller(&flow.apply, 128);
    add(b, flow);
    assert_non_null(strstr(trace(b, "{\"in-port\": 1}"), "output: CONTROLLER, at most 128 octets\n"
                                                         "result: to the controller only\n"));
    json_t *answer = trace_json(b->dp, &b->packet);
    assert_string_equal(json_string_value(json_object_get(answer, "verdict")), "controller");
    json_decref(answer);
}

static void
programs_get_an_object(void **state)
{
    struct bench *b = *state;
    struct flow flow = flow_of(0, 1, "any");
    actions_output(&flow.apply, 2);
    actions_output(&flow.apply, 9);
    add(b, flow);
    trace(b, "{\"in-port\": 1}");
    json_t *answer = trace_json(b->dp, &b->packet);
    json_t *outputs = json_object_get(answer, "outputs"), *drops = json_object_get(answer, "drops");
    assert_string_equal(json_string_value(json_object_get(answer, "verdict")), "forwarded");
    const char *text = json_string_value(json_object_get(answer, "text"));
    const json_t *counters = json_object_get(answer, "counters");
    assert_memory_equal(text, buf_cstr(&b->text), b->text.size);
    assert_string_equal(text + b->text.size, "counter: port_received_packets{port=1}\n"
                                             "counter: table_lookups{table=0}\n"
                                             "counter: table_matches{table=0}\n"
                                             "counter: flow_packets{cookie=0x0}\n"
                                             "counter: port_sent_packets{port=2}\n"
                                             "counter: queue_sent_packets{port=2,queue=0}\n"
                                             "counter: dropped_packets{reason=no_such_port}\n");
    assert_int_equal(json_array_size(counters), 7);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(counters, 5), "port")), 2);
    assert_int_equal(json_array_size(outputs), 1);
    assert_string_equal(json_string_value(json_array_get(outputs, 0)),
                        "port 2 (p2), queue 0, 60 octets");
    assert_int_equal(json_array_size(drops), 1);
    assert_string_equal(json_string_value(json_array_get(drops, 0)), "no_such_port");
    json_decref(answer);
}

static void
programs_see_which_bucket_and_meter_would_count(void **state)
{
    struct bench *b = *state;
    struct band band = {BAND_DROP, 0, 1000, 100};
    struct meter meter = {7, METER_KBPS | METER_BURST, 1, &band};
    struct bucket buckets[2] = {{.watch_port = 9, .watch_group = GROUP_ANY},
                                {.watch_port = 2, .watch_group = GROUP_ANY}};
    struct group group = {33, GROUP_TYPE_FF, 2, buckets};
    struct flow flow = flow_of(0, 1, "any");
    actions_output(&buckets[0].actions, 3);
    actions_output(&buckets[1].actions, 2);
    assert_false(dp_failed(datapath_meter_mod(b->dp, METER_ADD, &meter, 0)));
    assert_false(dp_failed(datapath_group_mod(b->dp, GROUP_ADD, &group, 0)));
    flow.meter_id = 7;
    actions_group(&flow.apply, 33);
    add(b, flow);
    trace(b, "{\"in-port\": 1}");
    json_t *answer = trace_json(b->dp, &b->packet);
    const char *text = json_string_value(json_object_get(answer, "text"));
    assert_non_null(strstr(text, "counter: meter_packets{meter=7}\n"
                                 "counter: group_packets{group=33}\n"
                                 "counter: group_bucket_packets{group=33,bucket=1}\n"
                                 "counter: port_sent_packets{port=2}\n"));
    json_decref(answer);
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
}

/* ---- Frames ---- */

static void
fields_become_the_frame_they_describe(void **state)
{
    struct bench *b = *state;
    assert_frame(b, "{\"in-port\": 1}", "000000000000 000000000000 0000");
    assert_frame(b,
                 "{\"in-port\": 1, \"eth-dst\": \"01:0c:cd:01:00:01\", \"vlan-id\": 10, "
                 "\"vlan-priority\": 4, \"eth-type\": \"0x88b8\"}",
                 "010ccd010001 000000000000 8100 800a 88b8");
    assert_frame(b,
                 "{\"in-port\": 1, \"ipv4-src\": \"10.0.0.1\", \"ipv4-dst\": \"10.0.0.2\", "
                 "\"udp-src\": 4096, \"udp-dst\": 8192, \"ip-dscp\": 46}",
                 "000000000000 000000000000 0800 45b8 001c 0000 0000 4011 6617 0a000001 0a000002 "
                 "1000 2000 0008 0000");
    assert_frame(b, "{\"in-port\": 1, \"tcp-dst\": 502}",
                 "000000000000 000000000000 0800 4500 0028 0000 0000 4006 7ad1 00000000 00000000 "
                 "0000 01f6 00000000 00000000 5000");
    assert_frame(b, "{\"in-port\": 1, \"icmpv4-type\": 8}",
                 "000000000000 000000000000 0800 4500 001c 0000 0000 4001 7ae2 00000000 00000000 "
                 "0800");
    assert_frame(b, "{\"in-port\": 1, \"arp-op\": 1, \"arp-tpa\": \"10.0.0.9\"}",
                 "000000000000 000000000000 0806 0001 0800 0604 0001 000000000000 00000000 "
                 "000000000000 0a000009");
    assert_frame(b, "{\"in-port\": 1, \"ipv6-dst\": \"2001:db8::1\", \"ip-proto\": 17}",
                 "000000000000 000000000000 86dd 60000000 0008 11 40 "
                 "00000000000000000000000000000000 20010db8000000000000000000000001 "
                 "0000 0000 0008");
}

static void
a_frame_in_hexadecimal_is_taken_as_it_is(void **state)
{
    struct bench *b = *state;
    struct diag diag;
    assert_ok(parse(b, "{\"in-port\": 4294967294, \"frame\": \"02:00 00 000001\"}", &diag));
    assert_int_equal(b->packet.in_port, PORT_LOCAL);
    assert_int_equal(b->packet.size, 6);
    assert_memory_equal(b->packet.frame, "\2\0\0\0\0\1", 6);
}

static void
what_cannot_be_a_packet_is_refused(void **state)
{
    struct bench *b = *state;
    assert_wrong(b, "{}", ERR_INVALID, "in-port is missing, or not the number of a port");
    assert_wrong(b, "{\"in-port\": 0}", ERR_INVALID,
                 "in-port is missing, or not the number of a port");
    assert_wrong(b, "[1]", ERR_INVALID, "in-port is missing, or not the number of a port");
    assert_wrong(b, "{\"in-port\": 1, \"frame\": \"020\"}", ERR_MALFORMED,
                 "frame: not hexadecimal at octet 1");
    assert_wrong(b, "{\"in-port\": 1, \"frame\": 5}", ERR_INVALID,
                 "frame is text, and alone with in-port");
    assert_wrong(b, "{\"in-port\": 1, \"frame\": \"\", \"tcp-dst\": 5}", ERR_INVALID,
                 "frame is text, and alone with in-port");
    assert_wrong(b, "{\"in-port\": 1, \"tcp-port\": 5}", ERR_INVALID,
                 "there is no field \"tcp-port\"");
    assert_wrong(b, "{\"in-port\": 1, \"tcp-dst\": 65536}", ERR_INVALID,
                 "tcp-dst: not a value of this field");
    assert_wrong(b, "{\"in-port\": 1, \"tcp-dst\": true}", ERR_INVALID,
                 "tcp-dst: not a value of this field");
    assert_wrong(b, "{\"in-port\": 1, \"ipv4-dst\": \"10.0.0.0/8\"}", ERR_INVALID,
                 "ipv4-dst: a packet has one value, without a mask");
    assert_wrong(b, "{\"in-port\": 1, \"vlan-id\": 4096}", ERR_INVALID,
                 "vlan-id: not a value of this field");
    assert_wrong(b, "{\"in-port\": 1, \"ip-dscp\": 64}", ERR_INVALID,
                 "no simple packet has this ip_dscp with the other fields; give its frame");
    assert_wrong(b, "{\"in-port\": 1, \"tcp-dst\": 5, \"udp-dst\": 5}", ERR_INVALID,
                 "no simple packet has this udp_dst with the other fields; give its frame");
    assert_wrong(b, "{\"in-port\": 1, \"arp-op\": 1, \"ipv4-dst\": \"10.0.0.1\"}", ERR_INVALID,
                 "no simple packet has this ipv4_dst with the other fields; give its frame");
    assert_wrong(b, "{\"in-port\": 1, \"metadata\": 5}", ERR_INVALID,
                 "no simple packet has this metadata with the other fields; give its frame");
}

static void
a_frame_may_be_as_long_as_a_buffer(void **state)
{
    struct bench *b = *state;
    struct diag diag;
    static char json[2 * TRACE_FRAME_MAX + 100];
    int head = sprintf(json, "{\"in-port\": 1, \"frame\": \"");
    memset(json + head, '0', 2 * TRACE_FRAME_MAX);
    strcpy(json + head + 2 * TRACE_FRAME_MAX, "\"}");
    assert_ok(parse(b, json, &diag));
    assert_int_equal(b->packet.size, TRACE_FRAME_MAX);
    strcpy(json + head + 2 * TRACE_FRAME_MAX, "00\"}");
    assert_err(parse(b, json, &diag), ERR_INVALID);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(an_empty_node_drops), WITH_BENCH(two_tables_a_meter_and_a_group_are_explained),
          WITH_BENCH(what_is_rewritten_is_shown_as_it_leaves),
          WITH_BENCH(every_way_not_to_get_out_is_named), WITH_BENCH(nothing_is_counted),
          WITH_BENCH(a_sample_for_the_controller_is_not_forwarding),
          WITH_BENCH(fields_become_the_frame_they_describe), WITH_BENCH(programs_get_an_object),
          WITH_BENCH(programs_see_which_bucket_and_meter_would_count),
          WITH_BENCH(fields_become_the_frame_they_describe),
          WITH_BENCH(a_frame_in_hexadecimal_is_taken_as_it_is),
          WITH_BENCH(what_cannot_be_a_packet_is_refused),
          WITH_BENCH(a_frame_may_be_as_long_as_a_buffer))
