#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

static struct action every_action[] = {
    {.type = ACTION_PUSH_VLAN, .eth_type = ETH_TYPE_VLAN},
    {.type = ACTION_SET_FIELD, .field = FIELD_VLAN_VID, .value = {0x10, 0x64}},
    {.type = ACTION_SET_FIELD, .field = FIELD_VLAN_PCP, .value = {4}},
    {.type = ACTION_SET_FIELD, .field = FIELD_ETH_DST, .value = {1, 0x0c, 0xcd, 1, 0, 1}},
    {.type = ACTION_POP_VLAN},
    {.type = ACTION_SET_NW_TTL, .ttl = 64},
    {.type = ACTION_DEC_NW_TTL},
    {.type = ACTION_SET_FIELD, .field = FIELD_IPV4_DST, .value = {10, 0, 0, 9}},
    {.type = ACTION_PUSH_MPLS, .eth_type = ETH_TYPE_MPLS},
    {.type = ACTION_SET_FIELD, .field = FIELD_MPLS_LABEL, .value = {0, 0x0a, 0xbc, 0xde}},
    {.type = ACTION_COPY_TTL_OUT},
    {.type = ACTION_SET_MPLS_TTL, .ttl = 63},
    {.type = ACTION_DEC_MPLS_TTL},
    {.type = ACTION_COPY_TTL_IN},
    {.type = ACTION_POP_MPLS, .eth_type = ETH_TYPE_IPV4},
    {.type = ACTION_PUSH_PBB, .eth_type = ETH_TYPE_PBB},
    {.type = ACTION_POP_PBB},
    {.type = ACTION_SET_QUEUE, .id = 3},
    {.type = ACTION_GROUP, .id = 4},
    {.type = ACTION_OUTPUT, .id = 2},
    {.type = ACTION_OUTPUT, .id = PORT_CONTROLLER, .max_len = 128},
};

static struct action to_port[4] = {
    {.type = ACTION_OUTPUT, .id = 1},
    {.type = ACTION_OUTPUT, .id = 2},
    {.type = ACTION_OUTPUT, .id = 3},
    {.type = ACTION_OUTPUT, .id = PORT_LOCAL},
};

#define TO_PORT(n)                                                                                 \
    {                                                                                              \
        &to_port[(n)-1], 1                                                                         \
    }

/* Matches that between them use every field. */
static const char *const matches[] = {
    "in_port=1,in_phy_port=2",
    "in_port=1,metadata=0x1100/0xff00,eth_dst=01:0c:cd:01:00:00/ff:ff:ff:ff:00:00,"
    "eth_src=02:00:00:00:00:01,eth_type=0x88b8,vlan_vid=0x1064,vlan_pcp=4,tunnel_id=0x99",
    "eth_type=0x0800,ip_dscp=46,ip_ecn=1,ip_proto=6,ipv4_src=10.0.0.0/24,ipv4_dst=10.0.0.9,"
    "tcp_src=20000,tcp_dst=502",
    "eth_type=0x0800,ip_proto=17,udp_src=862,udp_dst=863",
    "eth_type=0x0800,ip_proto=132,sctp_src=1,sctp_dst=2",
    "eth_type=0x0800,ip_proto=1,icmpv4_type=8,icmpv4_code=0",
    "eth_type=0x0806,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=02:00:00:00:00:01,"
    "arp_tha=02:00:00:00:00:02",
    "eth_type=0x86dd,ipv6_src=2001:db8::/32,ipv6_dst=fe80::1,ipv6_flabel=0x12345,ip_proto=58,"
    "icmpv6_type=135,icmpv6_code=0,ipv6_nd_target=fe80::2,ipv6_nd_sll=02:00:00:00:00:03",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=136,ipv6_nd_tll=02:00:00:00:00:04,ipv6_exthdr=0x10/"
    "0x11",
    "eth_type=0x8847,mpls_label=703710,mpls_tc=5,mpls_bos=1",
    "eth_type=0x88e7,pbb_isid=0x123456",
    "any",
};

static struct openflow_flow_stats flows[ARRAY_SIZE(matches)];
static struct openflow_monitor_update updates[4];

static struct openflow_desc desc = {"Tieline", "sample", "0.1", "4711", "a switch made of samples"};
static struct openflow_aggregate aggregate = {1000, 64000, 11};
static struct openflow_table_stats tables[] = {{0, 10, 1000, 900}, {1, 1, 50, 40}};
static struct openflow_port ports[] = {
    {.port_no = 1,
     .hw_addr = {{2, 0, 0, 0, 0, 1}},
     .name = "p1",
     .state = OFPPS_LIVE,
     .curr = OFPPF_1GB_FD | OFPPF_FIBER,
     .advertised = OFPPF_1GB_FD,
     .supported = OFPPF_1GB_FD | OFPPF_100MB_FD,
     .peer = OFPPF_1GB_FD,
     .curr_speed = 1000000,
     .max_speed = 1000000},
    {.port_no = 2,
     .hw_addr = {{2, 0, 0, 0, 0, 2}},
     .name = "a-15-char-name2",
     .config = OFPPC_PORT_DOWN,
     .state = OFPPS_LINK_DOWN},
    {.port_no = PORT_LOCAL, .hw_addr = {{2, 0, 0, 0, 0, 3}}, .name = "local"},
};
static struct openflow_port_stats port_stats[] = {
    {1, 10, 20, 640, 1280, 1, 2, 3, 4, 5, 6, 7, UINT64_MAX, 100, 5},
    {.port_no = PORT_LOCAL},
};
static struct openflow_queue_stats queue_stats[] = {{1, 1, 640, 10, 0, 100, 7}};
static struct openflow_queue_property queue_properties[] = {
    {.type = OFPQT_MIN_RATE, .rate = 100},
    {.type = OFPQT_MAX_RATE, .rate = 1000},
};
static struct openflow_queue queues[] = {{1, 1, 2, queue_properties}, {2, 1, 1, queue_properties}};

static struct bucket two_buckets[] = {
    {.watch_port = PORT_ANY, .watch_group = GROUP_ANY, .actions = TO_PORT(1)},
    {.watch_port = PORT_ANY, .watch_group = GROUP_ANY, .actions = TO_PORT(2)},
};
static struct bucket weighted_buckets[] = {
    {10, PORT_ANY, GROUP_ANY, TO_PORT(1)},
    {20, PORT_ANY, GROUP_ANY, TO_PORT(2)},
};
static struct bucket watched_buckets[] = {
    {0, 1, GROUP_ANY, TO_PORT(1)},
    {0, 2, GROUP_ANY, TO_PORT(2)},
};
static struct openflow_group_desc groups[] = {
    {.group = {1, GROUP_TYPE_ALL, 2, two_buckets}},
    {.group = {2, GROUP_TYPE_SELECT, 2, weighted_buckets}},
    {.group = {3, GROUP_TYPE_INDIRECT, 1, two_buckets}},
    {.group = {4, GROUP_TYPE_FF, 2, watched_buckets}},
};
static struct openflow_counter counters[] = {{10, 640}, {20, 1280}};
static struct openflow_group_stats group_stats[] = {{1, 2, 30, 1920, 100, 9, 2, counters}};
static struct openflow_group_features group_features = {
    .types = 15,
    .capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_CHAINING,
    .max_groups = {100, 200, 300, 400},
    .actions = {0xfff9801, 0xfff9801, 0xfff9801, 0xfff9801},
};
static struct band bands[] = {{BAND_DROP, 0, 1000, 100}, {BAND_DSCP_REMARK, 1, 500, 50}};
static struct openflow_meter_config meters[] = {
    {.meter = {7, METER_KBPS | METER_BURST | METER_STATS, 2, bands}},
    {.meter = {8, METER_PKTPS, 1, bands}},
};
static struct openflow_meter_stats meter_stats[] = {{7, 3, 30, 1920, 100, 11, 2, counters}};
static struct openflow_meter_features meter_features = {100, 6, 15, 2, 0};

static struct openflow_capability instructions[] = {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}};
static struct openflow_capability next_tables[] = {{1, 0}, {2, 0}, {3, 0}};
static struct openflow_capability actions[] = {{0, 0}, {17, 0}, {18, 0}, {22, 0}, {25, 0}};
static struct openflow_capability fields[3], unmasked[3];
static struct openflow_table_property properties[] = {
    {.type = OFPTFPT_INSTRUCTIONS, .n = 6, .list = instructions},
    {.type = OFPTFPT_INSTRUCTIONS_MISS, .n = 6, .list = instructions},
    {.type = OFPTFPT_NEXT_TABLES, .n = 3, .list = next_tables},
    {.type = OFPTFPT_WRITE_ACTIONS, .n = 5, .list = actions},
    {.type = OFPTFPT_APPLY_ACTIONS, .n = 5, .list = actions},
    {.type = OFPTFPT_MATCH, .n = 3, .list = fields},
    {.type = OFPTFPT_WILDCARDS, .n = 3, .list = unmasked},
    {.type = OFPTFPT_WRITE_SETFIELD, .n = 1, .list = unmasked + 1},
    {.type = OFPTFPT_APPLY_SETFIELD, .n = 1, .list = unmasked + 1},
};
static struct openflow_table_features table_features[] = {
    {0, "first", UINT64_MAX, UINT64_MAX, 0, 1000, ARRAY_SIZE(properties), properties},
    {1, "second", 0xff, 0xf0, 3, 500, ARRAY_SIZE(properties), properties},
};

static struct openflow_flow_request flow_request = {
    .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
static uint32_t any_port = PORT_ANY, all_groups = GROUP_ALL, all_meters = METER_ALL;
static struct openflow_queue_request queue_request = {PORT_ANY, QUEUE_ALL};
static struct openflow_monitor_request monitors[] = {
    {.id = 1, .flags = 0x3f, .out_port = PORT_ANY, .table_id = TABLE_ALL},
    {.id = 2, .flags = ONFFMF_ADD, .out_port = 3, .table_id = 1},
};
static struct openflow_experimenter experimenter = {0x1234, 5, {(const uint8_t *)"12345678", 8}};

/* An untagged ARP request, padded to 60 octets. */
static const uint8_t frame[60] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
    1,    2,    0,    0,    0,    0,    1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
};
#define FRAME                                                                                      \
    {                                                                                              \
        frame, sizeof frame                                                                        \
    }

static const uint8_t refused[8] = {4, 20, 0, 8, 0, 0, 0, 2}; /* a BARRIER_REQUEST */

static struct openflow_message bundled = {
    .type = OFPT_FLOW_MOD,
    .flow_mod = {.buffer_id = NO_BUFFER, .out_port = PORT_ANY, .out_group = GROUP_ANY},
};

#define PLAIN(t)                                                                                   \
    {                                                                                              \
#t,                                                                                        \
        {                                                                                          \
            .type = (t)                                                                            \
        }                                                                                          \
    }
#define REQUEST(t, count, body)                                                                    \
    {                                                                                              \
        "request " #t,                                                                             \
        {                                                                                          \
            .type = OFPT_MULTIPART_REQUEST, .multipart = {                                         \
                .type = (t),                                                                       \
                .n = (count),                                                                      \
                .items = (body)                                                                    \
            }                                                                                      \
        }                                                                                          \
    }
#define REPLY(t, count, body)                                                                      \
    {                                                                                              \
        "reply " #t,                                                                               \
        {                                                                                          \
            .type = OFPT_MULTIPART_REPLY, .multipart = {                                           \
                .type = (t),                                                                       \
                .n = (count),                                                                      \
                .items = (body)                                                                    \
            }                                                                                      \
        }                                                                                          \
    }
#define LIST(array) ARRAY_SIZE(array), (array)

struct sample samples[] = {
    {"HELLO", {.type = OFPT_HELLO, .hello = {4, true, 0x12}}},
    {"ERROR",
     {.type = OFPT_ERROR, .error = {{OFPET_BAD_MATCH, OFPBMC_BAD_PREREQ, 0}, {refused, 8}}}},
    {"ERROR of the ONF",
     {.type = OFPT_ERROR,
      .error = {{OFPET_EXPERIMENTER, ONFERR_ET_BAD_ID, ONF_EXPERIMENTER_ID}, {refused, 8}}}},
    {"ECHO_REQUEST", {.type = OFPT_ECHO_REQUEST, .echo = {(const uint8_t *)"ping", 4}}},
    {"ECHO_REPLY", {.type = OFPT_ECHO_REPLY, .echo = {(const uint8_t *)"ping", 4}}},
    {"EXPERIMENTER",
     {.type = OFPT_EXPERIMENTER, .experimenter = {0x1234, 5, {(const uint8_t *)"1234", 4}}}},
    PLAIN(OFPT_FEATURES_REQUEST),
    {"FEATURES_REPLY",
     {.type = OFPT_FEATURES_REPLY, .features = {0x1122334455667788, 256, 2, 0, 0x4f, 0}}},
    PLAIN(OFPT_GET_CONFIG_REQUEST),
    {"GET_CONFIG_REPLY", {.type = OFPT_GET_CONFIG_REPLY, .config = {0, 128}}},
    {"SET_CONFIG", {.type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_DROP, WHOLE_PACKET}}},
    {"PACKET_IN",
     {.type = OFPT_PACKET_IN,
      .packet_in = {NO_BUFFER, 60, OFPR_ACTION, 1, 0x55, MATCH_ANY, {0}, FRAME}}},
    {"FLOW_REMOVED",
     {.type = OFPT_FLOW_REMOVED,
      .flow_removed = {.reason = OFPRR_IDLE_TIMEOUT,
                       .duration_s = 10,
                       .duration_ns = 5,
                       .packets = 3,
                       .octets = 180}}},
    {"PORT_STATUS", {.type = OFPT_PORT_STATUS, .port_status = {.reason = OFPPR_MODIFY}}},
    {"PACKET_OUT",
     {.type = OFPT_PACKET_OUT, .packet_out = {NO_BUFFER, PORT_CONTROLLER, TO_PORT(2), FRAME}}},
    {"FLOW_MOD", {.type = OFPT_FLOW_MOD}},
    {"FLOW_MOD delete",
     {.type = OFPT_FLOW_MOD,
      .flow_mod = {.command = OFPFC_DELETE,
                   .flow = {.table_id = TABLE_ALL},
                   .cookie_mask = 0xff,
                   .buffer_id = NO_BUFFER,
                   .out_port = 1,
                   .out_group = GROUP_ANY}}},
    {"GROUP_MOD",
     {.type = OFPT_GROUP_MOD, .group_mod = {OFPGC_ADD, {4, GROUP_TYPE_FF, 2, watched_buckets}}}},
    {"PORT_MOD",
     {.type = OFPT_PORT_MOD,
      .port_mod = {1, {{2, 0, 0, 0, 0, 1}}, OFPPC_NO_FWD, OFPPC_NO_FWD, OFPPF_1GB_FD}}},
    {"TABLE_MOD", {.type = OFPT_TABLE_MOD, .table_mod = {TABLE_ALL, 0}}},
    {"METER_MOD",
     {.type = OFPT_METER_MOD, .meter_mod = {OFPGC_ADD, {7, METER_KBPS | METER_BURST, 2, bands}}}},
    PLAIN(OFPT_BARRIER_REQUEST),
    PLAIN(OFPT_BARRIER_REPLY),
    {"QUEUE_GET_CONFIG_REQUEST",
     {.type = OFPT_QUEUE_GET_CONFIG_REQUEST, .queue_config = {.port = 1}}},
    {"QUEUE_GET_CONFIG_REPLY",
     {.type = OFPT_QUEUE_GET_CONFIG_REPLY, .queue_config = {1, LIST(queues)}}},
    {"ROLE_REQUEST", {.type = OFPT_ROLE_REQUEST, .role = {OFPCR_ROLE_MASTER, 7}}},
    {"ROLE_REPLY", {.type = OFPT_ROLE_REPLY, .role = {OFPCR_ROLE_MASTER, 7}}},
    PLAIN(OFPT_GET_ASYNC_REQUEST),
    {"GET_ASYNC_REPLY", {.type = OFPT_GET_ASYNC_REPLY, .async = {{3, 0}, {7, 7}, {15, 0}}}},
    {"SET_ASYNC", {.type = OFPT_SET_ASYNC, .async = {{3, 0}, {7, 7}, {15, 0}}}},
    {"BUNDLE_CONTROL",
     {.type = ONFT_BUNDLE_CONTROL, .bundle_control = {9, ONF_BCT_OPEN_REPLY, 3, {0}}}},
    {"BUNDLE_ADD_MESSAGE", {.type = ONFT_BUNDLE_ADD_MESSAGE, .bundle_add = {9, 3, &bundled, {0}}}},
    {"FLOW_MONITOR_CANCEL", {.type = ONFT_FLOW_MONITOR_CANCEL, .monitor_id = 1}},
    PLAIN(ONFT_FLOW_MONITOR_PAUSED),
    PLAIN(ONFT_FLOW_MONITOR_RESUMED),
    REQUEST(OFPMP_DESC, 0, NULL),
    REPLY(OFPMP_DESC, 1, &desc),
    REQUEST(OFPMP_FLOW, 1, &flow_request),
    REPLY(OFPMP_FLOW, ARRAY_SIZE(flows), flows),
    REQUEST(OFPMP_AGGREGATE, 1, &flow_request),
    REPLY(OFPMP_AGGREGATE, 1, &aggregate),
    REQUEST(OFPMP_TABLE, 0, NULL),
    REPLY(OFPMP_TABLE, ARRAY_SIZE(tables), tables),
    REQUEST(OFPMP_PORT_STATS, 1, &any_port),
    REPLY(OFPMP_PORT_STATS, ARRAY_SIZE(port_stats), port_stats),
    REQUEST(OFPMP_QUEUE, 1, &queue_request),
    REPLY(OFPMP_QUEUE, ARRAY_SIZE(queue_stats), queue_stats),
    REQUEST(OFPMP_GROUP, 1, &all_groups),
    REPLY(OFPMP_GROUP, ARRAY_SIZE(group_stats), group_stats),
    REQUEST(OFPMP_GROUP_DESC, 0, NULL),
    REPLY(OFPMP_GROUP_DESC, ARRAY_SIZE(groups), groups),
    REQUEST(OFPMP_GROUP_FEATURES, 0, NULL),
    REPLY(OFPMP_GROUP_FEATURES, 1, &group_features),
    REQUEST(OFPMP_METER, 1, &all_meters),
    REPLY(OFPMP_METER, ARRAY_SIZE(meter_stats), meter_stats),
    REQUEST(OFPMP_METER_CONFIG, 1, &all_meters),
    REPLY(OFPMP_METER_CONFIG, ARRAY_SIZE(meters), meters),
    REQUEST(OFPMP_METER_FEATURES, 0, NULL),
    REPLY(OFPMP_METER_FEATURES, 1, &meter_features),
    REQUEST(OFPMP_TABLE_FEATURES, 0, NULL),
    REPLY(OFPMP_TABLE_FEATURES, ARRAY_SIZE(table_features), table_features),
    REQUEST(OFPMP_PORT_DESC, 0, NULL),
    REPLY(OFPMP_PORT_DESC, ARRAY_SIZE(ports), ports),
    REQUEST(ONFMP_FLOW_MONITOR, ARRAY_SIZE(monitors), monitors),
    REPLY(ONFMP_FLOW_MONITOR, ARRAY_SIZE(updates), updates),
    REQUEST(OFPMP_EXPERIMENTER, 1, &experimenter),
    REPLY(OFPMP_EXPERIMENTER, 1, &experimenter),
};

const size_t n_samples = ARRAY_SIZE(samples);

static void
set_match(struct match *match, const char *text)
{
    struct diag diag;
    if (match_parse(text, match, &diag)) {
        fprintf(stderr, "samples: %s\n", diag.text);
        abort();
    }
}

static void
init_flows(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(flows); i++) {
        struct flow *flow = &flows[i].flow;
        *flow = (struct flow){.priority = (uint16_t)(100 + i),
                              .cookie = i,
                              .idle_timeout = 60,
                              .hard_timeout = 3600,
                              .flags = FLOW_SEND_FLOW_REM,
                              .has_apply = true,
                              .apply = TO_PORT(1)};
        set_match(&flow->match, matches[i]);
        flows[i].duration_s = 100 + i;
        flows[i].duration_ns = 500000000;
        flows[i].packets = i * 10;
        flows[i].octets = i * 640;
    }
    struct flow *every = &flows[2].flow;
    every->apply = (struct actions){every_action, ARRAY_SIZE(every_action)};
    every->meter_id = 7;
    every->clear = every->has_write = every->has_goto = true;
    every->write = (struct actions)TO_PORT(3);
    every->metadata = 0x10;
    every->metadata_mask = 0xf0;
    every->goto_table = 1;
}

static struct openflow_message *
find(const char *name)
{
    for (size_t i = 0; i < n_samples; i++) {
        if (!strcmp(samples[i].name, name))
            return &samples[i].message;
    }
    abort();
}

void
samples_init(void)
{
    init_flows();
    for (uint32_t i = 0; i < ARRAY_SIZE(updates); i++) {
        updates[i].event = (uint16_t)i;
        updates[i].flow = flows[i].flow;
        updates[i].flow.flags = 0;
    }
    updates[3].xid = 0x99;
    fields[0] = openflow_field_capability(FIELD_IN_PORT, false);
    fields[1] = openflow_field_capability(FIELD_ETH_DST, true);
    fields[2] = openflow_field_capability(FIELD_ETH_TYPE, false);
    unmasked[0] = fields[0];
    unmasked[1] = openflow_field_capability(FIELD_ETH_DST, false);
    unmasked[2] = fields[2];
    set_match(&find("PACKET_IN")->packet_in.match, "in_port=1,metadata=0x5,tunnel_id=0x9");
    find("FLOW_REMOVED")->flow_removed.flow = flows[2].flow;
    find("PORT_STATUS")->port_status.port = ports[0];
    find("FLOW_MOD")->flow_mod = (struct openflow_flow_mod){.flow = flows[2].flow,
                                                            .buffer_id = NO_BUFFER,
                                                            .out_port = PORT_ANY,
                                                            .out_group = GROUP_ANY};
    bundled.flow_mod.flow = flows[1].flow;
    for (size_t i = 0; i < n_samples; i++)
        samples[i].message.xid = (uint32_t)i + 1;
}

/* In_phy_port, PBB, extension headers, TTL copies. */
static bool
is_beyond_ovs(const struct openflow_flow_stats *stats)
{
    const struct match *m = &stats->flow.match;
    return match_has(m, FIELD_IN_PHY_PORT) || match_has(m, FIELD_PBB_ISID) ||
           match_has(m, FIELD_IPV6_EXTHDR);
}

void
samples_for_ovs(void)
{
    struct openflow_multipart *m = &find("reply OFPMP_FLOW")->multipart;
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        if (!is_beyond_ovs(&flows[i]))
            flows[n++] = flows[i];
    }
    m->n = n;
    n = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(every_action); i++) {
        uint8_t type = every_action[i].type;
        if (type != ACTION_COPY_TTL_OUT && type != ACTION_COPY_TTL_IN && type != ACTION_PUSH_PBB &&
            type != ACTION_POP_PBB)
            every_action[n++] = every_action[i];
    }
    for (uint32_t i = 0; i < m->n; i++) {
        if (flows[i].flow.apply.list == every_action)
            flows[i].flow.apply.n = n;
    }
}

struct openflow_message *
sample_reply(const struct openflow_message *request)
{
    static const uint32_t pairs[][2] = {
        {OFPT_FEATURES_REQUEST, OFPT_FEATURES_REPLY},
        {OFPT_GET_CONFIG_REQUEST, OFPT_GET_CONFIG_REPLY},
        {OFPT_BARRIER_REQUEST, OFPT_BARRIER_REPLY},
        {OFPT_QUEUE_GET_CONFIG_REQUEST, OFPT_QUEUE_GET_CONFIG_REPLY},
        {OFPT_ROLE_REQUEST, OFPT_ROLE_REPLY},
        {OFPT_GET_ASYNC_REQUEST, OFPT_GET_ASYNC_REPLY},
        {OFPT_MULTIPART_REQUEST, OFPT_MULTIPART_REPLY},
        {ONFT_BUNDLE_CONTROL, ONFT_BUNDLE_CONTROL},
    };
    uint32_t wanted = UINT32_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i][0] == request->type)
            wanted = pairs[i][1];
    }
    for (size_t i = 0; i < n_samples; i++) {
        struct openflow_message *m = &samples[i].message;
        if (m->type == wanted &&
            (wanted != OFPT_MULTIPART_REPLY || m->multipart.type == request->multipart.type)) {
            m->xid = request->xid;
            return m;
        }
    }
    return NULL;
}
