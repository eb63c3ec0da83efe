/* ovs_controller - a controller for a test with Open vSwitch: installs flows, groups and meters of
 * every kind, reads them back and compares; and uses everything else that OpenFlow 1.3 and the
 * extensions we speak have. Output is TAP. ovs.sh prepares the bridge: ports 1 to 3, and two flows
 * that hold what only Open vSwitch knows.
 *
 * usage: ovs_controller UNIX-SOCKET [NUMBER-OF-FLOWS] */
#include "ovs_flows.h"
#include "peer.h"

#include "proto/openflow/openflow_canonical.h"

#include <stdio.h>
#include <stdlib.h>

#define A_MOMENT (5 * NSEC_PER_SEC)

static struct peer a, b; /* two controllers of the same switch */
static const char *path;

static struct openflow_message
request(uint32_t type)
{
    return (struct openflow_message){.type = type};
}

static struct answer
ask(uint32_t type)
{
    struct openflow_message m = request(type);
    return peer_ask(&a, &m);
}

static struct answer
ask_multipart(uint32_t type, uint32_t n, void *body)
{
    struct openflow_message m = request(OFPT_MULTIPART_REQUEST);
    m.multipart = (struct openflow_multipart){.type = type, .n = n, .items = body};
    return peer_ask(&a, &m);
}

static struct answer
ask_flows(void)
{
    static struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    return ask_multipart(OFPMP_FLOW, 1, &all);
}

static struct openflow_message
flow_mod(enum openflow_flow_command command, const struct flow *flow)
{
    struct openflow_message m = request(OFPT_FLOW_MOD);
    m.flow_mod = (struct openflow_flow_mod){.command = (uint8_t)command,
                                            .flow = *flow,
                                            .buffer_id = NO_BUFFER,
                                            .out_port = PORT_ANY,
                                            .out_group = GROUP_ANY};
    return m;
}

static struct flow
simple_flow(uint16_t priority, const char *match, struct action *to)
{
    struct flow flow = {.priority = priority, .has_apply = true, .apply = {to, 1}};
    struct diag diag;
    if (match_parse(match, &flow.match, &diag))
        abort();
    return flow;
}

static void
delete_all(void)
{
    struct flow every = {.table_id = TABLE_ALL};
    struct openflow_message m = flow_mod(OFPFC_DELETE, &every);
    peer_command(&a, &m);
    m = request(OFPT_GROUP_MOD);
    m.group_mod = (struct openflow_group_mod){OFPGC_DELETE, {.group_id = GROUP_ALL}};
    peer_command(&a, &m);
    m = request(OFPT_METER_MOD);
    m.meter_mod = (struct openflow_meter_mod){OFPGC_DELETE, {.meter_id = METER_ALL}};
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "everything deleted");
}

/* The two flows of ovs.sh are seen, shown, and deleted by what they came as. */
static void
check_foreign(void)
{
    struct answer answer = ask_flows();
    unsigned n = 0;
    for (uint32_t i = 0; !answer.err && i < answer.message.multipart.n; i++) {
        const struct openflow_flow_stats *stats = &answer.message.multipart.flows[i];
        if (!stats->foreign.what)
            continue;
        n++;
        struct openflow_message m = flow_mod(OFPFC_DELETE_STRICT, &stats->flow);
        m.flow_mod.foreign = stats->foreign;
        printf("# foreign: priority %u, %s\n", stats->flow.priority, stats->foreign.what);
        peer_command(&a, &m);
    }
    answer_fini(&answer);
    ok(n == 2, "flows with what only Open vSwitch knows are read: %u", n);
    ok(peer_barrier(&a) == 0, "and deleted by their own match");
    answer = ask_flows();
    ok(!answer.err && answer.message.multipart.n == 0, "and gone");
    answer_fini(&answer);
}

static void
check_description(void)
{
    struct answer answer = ask(OFPT_FEATURES_REQUEST);
    ok(!answer.err && answer.message.features.datapath_id == 1 &&
           answer.message.features.n_tables == 254,
       "features");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_DESC, 0, NULL);
    ok(!answer.err && !strcmp(answer.message.multipart.desc->hardware, "Open vSwitch"), "desc: %s",
       answer.err ? answer.diag.text : answer.message.multipart.desc->software);
    answer_fini(&answer);

    struct openflow_message m = request(OFPT_SET_CONFIG);
    m.config = (struct openflow_config){OFPC_FRAG_NORMAL, 128};
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "set_config");
    answer = ask(OFPT_GET_CONFIG_REQUEST);
    ok(!answer.err && answer.message.config.miss_send_len == 128, "get_config");
    answer_fini(&answer);
    m = request(OFPT_ECHO_REQUEST);
    m.echo = (struct openflow_data){(const uint8_t *)"tieline", 7};
    answer = peer_ask(&a, &m);
    ok(!answer.err && answer.message.echo.size == 7 &&
           !memcmp(answer.message.echo.octets, "tieline", 7),
       "echo");
    answer_fini(&answer);
    m = request(OFPT_QUEUE_GET_CONFIG_REQUEST);
    m.queue_config.port = PORT_ANY;
    answer = peer_ask(&a, &m);
    ok(!answer.err, "queue_get_config: %u queues", answer.message.queue_config.n_queues);
    answer_fini(&answer);
}

static void
check_meters(void)
{
    struct band drop = {BAND_DROP, 0, 1000, 100}, more[] = {{BAND_DROP, 0, 50, 0}};
    struct meter meters[] = {
        {1, METER_KBPS | METER_BURST, 1, &drop},
        {2, METER_PKTPS | METER_STATS, 1, more},
        {METER_MAX / 100000, METER_KBPS, 1, more},
    };
    for (size_t i = 0; i < ARRAY_SIZE(meters); i++) {
        struct openflow_message m = request(OFPT_METER_MOD);
        m.meter_mod = (struct openflow_meter_mod){OFPGC_ADD, meters[i]};
        peer_command(&a, &m);
    }
    ok(peer_barrier(&a) == 0, "meters installed");
    uint32_t all = METER_ALL;
    struct answer answer = ask_multipart(OFPMP_METER_CONFIG, 1, &all);
    unsigned same = 0;
    for (uint32_t i = 0; !answer.err && i < answer.message.multipart.n; i++) {
        struct meter *got = &answer.message.multipart.meters[i].meter;
        openflow_canonical_meter(got);
        for (size_t k = 0; k < ARRAY_SIZE(meters); k++) {
            openflow_canonical_meter(&meters[k]);
            same += meter_equal(got, &meters[k]);
        }
    }
    ok(same == ARRAY_SIZE(meters), "meters read back equal: %u", same);
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_METER, 1, &all);
    ok(!answer.err && answer.message.multipart.n == 3 &&
           answer.message.multipart.meter_stats[0].n_bands == 1,
       "meter statistics");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_METER_FEATURES, 0, NULL);
    ok(!answer.err && (answer.message.multipart.meter_features->band_types & 1 << BAND_DROP),
       "meter features");
    answer_fini(&answer);
}

static void
check_groups(void)
{
    struct group_list list;
    group_list_init(&list);
    for (uint32_t i = 0; i < list.n; i++) {
        struct openflow_message m = request(OFPT_GROUP_MOD);
        m.group_mod = (struct openflow_group_mod){OFPGC_ADD, list.groups[i]};
        peer_command(&a, &m);
    }
    ok(peer_barrier(&a) == 0, "%u groups of all types installed", list.n);
    struct answer answer = ask_multipart(OFPMP_GROUP_DESC, 0, NULL);
    unsigned same = 0;
    for (uint32_t i = 0; !answer.err && i < answer.message.multipart.n; i++) {
        struct group *got = &answer.message.multipart.groups[i].group;
        struct group *sent = &list.groups[got->group_id - 1];
        openflow_canonical_group(got);
        openflow_canonical_group(sent);
        if (group_equal(got, sent) && !answer.message.multipart.groups[i].foreign.what)
            same++;
    }
    ok(same == list.n, "groups read back equal: %u", same);
    answer_fini(&answer);
    uint32_t all = GROUP_ALL;
    answer = ask_multipart(OFPMP_GROUP, 1, &all);
    ok(!answer.err && answer.message.multipart.n == list.n, "group statistics");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_GROUP_FEATURES, 0, NULL);
    ok(!answer.err && answer.message.multipart.group_features->types == 15, "group features");
    answer_fini(&answer);
    group_list_fini(&list);
}

static bool
is_among(const struct flow *sent, const struct openflow_multipart *multipart)
{
    for (uint32_t i = 0; i < multipart->n; i++) {
        const struct openflow_flow_stats *got = &multipart->flows[i];
        if (!got->foreign.what && flow_equal(sent, &got->flow))
            return got->flow.cookie == sent->cookie && got->flow.flags == sent->flags;
    }
    return false;
}

static void
check_flows(void)
{
    static struct flow_list list;
    flow_list_init(&list);
    for (uint32_t i = 0; i < list.n; i++) {
        struct openflow_message m = flow_mod(OFPFC_ADD, &list.flows[i]);
        ok(peer_command(&a, &m), "flow %u encoded", i);
    }
    ok(peer_barrier(&a) == 0, "%u flows installed", list.n);
    struct answer answer = ask_flows();
    struct openflow_multipart *multipart = &answer.message.multipart;
    ok(!answer.err && multipart->n == list.n, "as many read back: %u", multipart->n);
    for (uint32_t i = 0; i < multipart->n; i++)
        openflow_canonical_flow(&multipart->flows[i].flow);
    for (uint32_t i = 0; i < list.n; i++) {
        struct buf text = BUF_INIT;
        openflow_canonical_flow(&list.flows[i]);
        flow_format(&list.flows[i], &text);
        ok(is_among(&list.flows[i], multipart), "equal: %s", buf_cstr(&text));
        buf_fini(&text);
    }
    answer_fini(&answer);
    flow_list_fini(&list);
}

static void
check_statistics(void)
{
    static struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    struct openflow_queue_request queues = {PORT_ANY, QUEUE_ALL};
    uint32_t any = PORT_ANY;
    struct answer answer = ask_multipart(OFPMP_AGGREGATE, 1, &all);
    ok(!answer.err && answer.message.multipart.aggregate->flows > 100, "aggregate");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_TABLE, 0, NULL);
    ok(!answer.err && answer.message.multipart.n == 254 &&
           answer.message.multipart.tables[0].active > 100,
       "table statistics");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_PORT_STATS, 1, &any);
    ok(!answer.err && answer.message.multipart.n == 4, "port statistics");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_QUEUE, 1, &queues);
    ok(!answer.err, "queue statistics");
    answer_fini(&answer);
    answer = ask_multipart(OFPMP_TABLE_FEATURES, 0, NULL);
    bool whole = !answer.err && answer.message.multipart.n == 254;
    for (uint32_t i = 0; whole && i < 254; i++)
        whole = answer.message.multipart.table_features[i].table_id == i &&
                answer.message.multipart.table_features[i].n_properties >= 10;
    ok(whole, "table features of 254 tables, joined");
    answer_fini(&answer);
    answer = ask_multipart(0x1234, 0, NULL);
    ok(answer.err == ERR_INVALID, "a multipart type that is none is not sent");
    struct openflow_experimenter unknown = {0x1234, 1, {0}};
    answer = ask_multipart(OFPMP_EXPERIMENTER, 1, &unknown);
    ok(answer.err == ERR_DENIED &&
           openflow_error_is(&answer.error, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER),
       "an unknown experimenter is refused");
    answer_fini(&answer);
}

static uint64_t
count_flows(uint64_t cookie)
{
    struct openflow_flow_request some = {.table_id = TABLE_ALL,
                                         .out_port = PORT_ANY,
                                         .out_group = GROUP_ANY,
                                         .cookie = cookie,
                                         .cookie_mask = UINT64_MAX};
    struct answer answer = ask_multipart(OFPMP_AGGREGATE, 1, &some);
    uint64_t n = answer.err ? UINT64_MAX : answer.message.multipart.aggregate->flows;
    answer_fini(&answer);
    return n;
}

static struct answer
bundle(uint32_t id, enum openflow_bundle_type type)
{
    struct openflow_message m = request(ONFT_BUNDLE_CONTROL);
    m.bundle_control = (struct openflow_bundle_control){
        id, (uint16_t)type, ONF_BF_ATOMIC | ONF_BF_ORDERED, {0}};
    return peer_ask(&a, &m);
}

static void
bundle_flows(uint32_t id, uint64_t cookie, uint32_t group)
{
    struct action out = {.type = ACTION_OUTPUT, .id = 1},
                  to_group = {.type = ACTION_GROUP, .id = group};
    for (uint16_t i = 0; i < 3; i++) {
        struct flow flow = simple_flow((uint16_t)(5000 + i), "in_port=1",
                                       i == 2 ? &to_group : &out);
        flow.cookie = cookie;
        struct openflow_message inner = flow_mod(OFPFC_ADD, &flow);
        struct openflow_message m = request(ONFT_BUNDLE_ADD_MESSAGE);
        m.bundle_add = (struct openflow_bundle_add){
            id, ONF_BF_ATOMIC | ONF_BF_ORDERED, &inner, {0}};
        peer_command(&a, &m);
    }
}

static void
check_bundles(void)
{
    struct answer answer = bundle(1, ONF_BCT_OPEN_REQUEST);
    ok(!answer.err && answer.message.bundle_control.type == ONF_BCT_OPEN_REPLY, "bundle opened");
    answer_fini(&answer);
    bundle_flows(1, 0xb0, 1);
    ok(peer_barrier(&a) == 0, "flows added to it");
    ok(count_flows(0xb0) == 0, "and not yet in force");
    answer = bundle(1, ONF_BCT_COMMIT_REQUEST);
    ok(!answer.err && answer.message.bundle_control.type == ONF_BCT_COMMIT_REPLY, "committed");
    answer_fini(&answer);
    ok(count_flows(0xb0) == 3, "all three in force");

    answer = bundle(2, ONF_BCT_OPEN_REQUEST);
    answer_fini(&answer);
    bundle_flows(2, 0xb1, 99); /* a group that does not exist */
    (void)peer_barrier(&a);
    answer = bundle(2, ONF_BCT_COMMIT_REQUEST);
    ok(answer.err == ERR_DENIED, "a bundle with a flow to an unknown group fails: %s",
       answer.diag.text);
    answer_fini(&answer);
    ok(count_flows(0xb1) == 0, "and nothing of it is in force");
    answer = bundle(77, ONF_BCT_COMMIT_REQUEST);
    ok(answer.err == ERR_DENIED && answer.error.experimenter == ONF_EXPERIMENTER_ID &&
           answer.error.code == ONFERR_ET_BAD_ID,
       "an unknown bundle is refused");
    answer_fini(&answer);
}

/* The next flow update that is this event. */
static bool
expect_update(enum openflow_monitor_event event, uint64_t cookie)
{
    struct note note;
    bool found = false;
    while (!found && peer_note(&a, OFPT_MULTIPART_REPLY, A_MOMENT, &note)) {
        const struct openflow_multipart *m = &note.message.multipart;
        for (uint32_t i = 0; m->type == ONFMP_FLOW_MONITOR && i < m->n; i++)
            found |= m->updates[i].event == event && m->updates[i].flow.cookie == cookie;
        note_fini(&note);
    }
    return found;
}

static void
check_monitor(void)
{
    struct openflow_monitor_request monitor = {
        .id = 1, .flags = 0x1f, .out_port = PORT_ANY, .table_id = TABLE_ALL};
    struct answer answer = ask_multipart(ONFMP_FLOW_MONITOR, 1, &monitor);
    ok(!answer.err && answer.message.multipart.n > 100 &&
           answer.message.multipart.updates[0].event == ONFFME_ADDED,
       "flow monitor tells of %u flows that are there", answer.message.multipart.n);
    answer_fini(&answer);

    struct action out[] = {{.type = ACTION_OUTPUT, .id = 1}, {.type = ACTION_OUTPUT, .id = 2}};
    struct flow flow = simple_flow(6000, "eth_type=0x88ba", &out[0]);
    flow.cookie = 0xf0;
    struct openflow_message m = flow_mod(OFPFC_ADD, &flow);
    peer_command(&b, &m);
    ok(peer_barrier(&b) == 0 && expect_update(ONFFME_ADDED, 0xf0), "and of one that another adds");
    flow.apply.list = &out[1];
    m = flow_mod(OFPFC_MODIFY_STRICT, &flow);
    peer_command(&b, &m);
    ok(peer_barrier(&b) == 0 && expect_update(ONFFME_MODIFIED, 0xf0), "modifies");
    m = flow_mod(OFPFC_DELETE_STRICT, &flow);
    peer_command(&b, &m);
    ok(peer_barrier(&b) == 0 && expect_update(ONFFME_DELETED, 0xf0), "and deletes");
    m = flow_mod(OFPFC_ADD, &flow);
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0 && expect_update(ONFFME_ABBREV, 0), "our own change is abbreviated");

    m = request(ONFT_FLOW_MONITOR_CANCEL);
    m.monitor_id = 1;
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "flow monitor cancelled");
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 1, "and not there any more");
}

static struct answer
ask_role(struct peer *peer, enum openflow_role role, uint64_t generation_id)
{
    struct openflow_message m = request(OFPT_ROLE_REQUEST);
    m.role = (struct openflow_role_msg){role, generation_id};
    return peer_ask(peer, &m);
}

static void
check_roles(void)
{
    struct answer answer = ask_role(&a, OFPCR_ROLE_MASTER, 5);
    ok(!answer.err && answer.message.role.role == OFPCR_ROLE_MASTER, "master");
    answer_fini(&answer);
    answer = ask_role(&b, OFPCR_ROLE_SLAVE, 5);
    ok(!answer.err && answer.message.role.role == OFPCR_ROLE_SLAVE, "slave");
    answer_fini(&answer);
    struct action out = {.type = ACTION_OUTPUT, .id = 1};
    struct flow flow = simple_flow(1, "in_port=1", &out);
    struct openflow_message m = flow_mod(OFPFC_ADD, &flow);
    peer_command(&b, &m);
    ok(peer_barrier(&b) == 1, "a slave may not add flows");
    answer = ask_role(&b, OFPCR_ROLE_MASTER, 4);
    ok(answer.err == ERR_DENIED &&
           openflow_error_is(&answer.error, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE),
       "an old generation id is stale");
    answer_fini(&answer);
    answer = ask_role(&b, OFPCR_ROLE_EQUAL, 0);
    ok(!answer.err && answer.message.role.role == OFPCR_ROLE_EQUAL, "equal again");
    answer_fini(&answer);

    m = request(OFPT_SET_ASYNC);
    m.async = (struct openflow_async){{7, 0}, {7, 7}, {15, 0}};
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "set_async");
    answer = ask(OFPT_GET_ASYNC_REQUEST);
    ok(!answer.err && !memcmp(&answer.message.async, &m.async, sizeof m.async), "get_async equal");
    answer_fini(&answer);
}

static void
check_packets(void)
{
    uint8_t packet[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0,
                          0,    0,    9,    0x88, 0xb8, 1,    2, 3};
    struct action out = {.type = ACTION_OUTPUT, .id = PORT_CONTROLLER, .max_len = WHOLE_PACKET};
    struct openflow_message m = request(OFPT_PACKET_OUT);
    m.packet_out = (struct openflow_packet_out){NO_BUFFER, 2, {&out, 1}, {packet, sizeof packet}};
    peer_command(&a, &m);
    struct note note;
    bool got = peer_note(&a, OFPT_PACKET_IN, A_MOMENT, &note);
    const struct openflow_packet_in *in = &note.message.packet_in;
    ok(got && in->packet.size == sizeof packet &&
           !memcmp(in->packet.octets, packet, sizeof packet) && in->reason == OFPR_ACTION &&
           flow_key_get(&in->match.value, FIELD_IN_PORT) == 2,
       "a packet sent out to the controller comes in");
    if (got)
        note_fini(&note);

    struct action port = {.type = ACTION_OUTPUT, .id = 1};
    struct flow flow = simple_flow(7000, "eth_type=0x88b9", &port);
    flow.cookie = 0xdead;
    flow.flags = FLOW_SEND_FLOW_REM;
    m = flow_mod(OFPFC_ADD, &flow);
    peer_command(&a, &m);
    m = flow_mod(OFPFC_DELETE_STRICT, &flow);
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "a flow added and deleted");
    got = peer_note(&a, OFPT_FLOW_REMOVED, A_MOMENT, &note);
    ok(got && note.message.flow_removed.flow.cookie == 0xdead &&
           note.message.flow_removed.reason == OFPRR_DELETE &&
           flow_same(&note.message.flow_removed.flow, &flow),
       "is told as removed");
    if (got)
        note_fini(&note);
}

static void
check_ports(void)
{
    struct answer answer = ask_multipart(OFPMP_PORT_DESC, 0, NULL);
    const struct openflow_port *port = NULL;
    for (uint32_t i = 0; !answer.err && i < answer.message.multipart.n; i++) {
        if (answer.message.multipart.ports[i].port_no == 2)
            port = &answer.message.multipart.ports[i];
    }
    if (!ok(port && !strcmp(port->name, "p2"), "port 2 is described"))
        return;
    struct openflow_message m = request(OFPT_PORT_MOD); /* up: interfaces start down */
    m.port_mod = (struct openflow_port_mod){2, port->hw_addr, 0, OFPPC_PORT_DOWN, 0};
    peer_command(&a, &m);
    struct note note;
    bool got = peer_barrier(&a) == 0 && peer_note(&a, OFPT_PORT_STATUS, A_MOMENT, &note);
    const struct openflow_port_status *status = &note.message.port_status;
    ok(got && status->reason == OFPPR_MODIFY && status->port.port_no == 2 &&
           (port->config & OFPPC_PORT_DOWN) && !(status->port.config & OFPPC_PORT_DOWN),
       "port_mod, and the switch tells of it");
    if (got)
        note_fini(&note);
    answer_fini(&answer);
}

/* What Open vSwitch does not support is refused with the same code as we would refuse it. */
static void
check_refusals(void)
{
    static const struct {
        const char *match;
        uint16_t code;
    } rows[] = {
        {"eth_type=0x88e7,pbb_isid=0x123456", OFPBMC_BAD_FIELD},
        {"eth_type=0x86dd,ipv6_exthdr=0x10", OFPBMC_BAD_FIELD},
        {"eth_type=0x88e7,pbb_uca=1", OFPBMC_BAD_FIELD},
    };
    struct action out = {.type = ACTION_OUTPUT, .id = 1};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct flow flow = simple_flow(1, rows[i].match, &out);
        struct openflow_message m = flow_mod(OFPFC_ADD, &flow);
        struct answer answer = peer_ask(&a, &m);
        ok(answer.err == ERR_DENIED &&
               openflow_error_is(&answer.error, OFPET_BAD_MATCH, rows[i].code),
           "refused: %s", rows[i].match);
        answer_fini(&answer);
    }
    struct openflow_message m = request(OFPT_TABLE_MOD);
    m.table_mod = (struct openflow_table_mod){0, 0};
    peer_command(&a, &m);
    ok(peer_barrier(&a) == 0, "table_mod");
}

static void
check_many(uint32_t n)
{
    struct action out = {.type = ACTION_OUTPUT, .id = 1};
    nsec_t start = now_monotonic();
    delete_all();
    for (uint32_t i = 0; i < n; i++) {
        struct flow flow = {.priority = 10, .cookie = i, .has_apply = true, .apply = {&out, 1}};
        match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flow.match, FIELD_IPV4_DST, 0x0a000000 + i);
        struct openflow_message m = flow_mod(OFPFC_ADD, &flow);
        if (!peer_command(&a, &m))
            break;
        if (i % 10000 == 9999)
            (void)peer_barrier(&a);
    }
    ok(peer_barrier(&a) == 0, "%u flows installed", n);
    nsec_t installed = now_monotonic();
    struct answer answer = ask_flows();
    nsec_t read = now_monotonic();
    uint8_t *seen = calloc(n + 1, 1);
    uint32_t distinct = 0;
    for (uint32_t i = 0; seen && !answer.err && i < answer.message.multipart.n; i++) {
        uint64_t cookie = answer.message.multipart.flows[i].flow.cookie;
        if (cookie < n && !seen[cookie])
            distinct += seen[cookie] = 1;
    }
    free(seen);
    ok(distinct == n && answer.message.multipart.n == n, "%u flows read back, each once", distinct);
    answer_fini(&answer);
    printf("# %u flows: installed in %lld ms, read back in %lld ms\n", n,
           (long long)((installed - start) / NSEC_PER_MSEC),
           (long long)((read - installed) / NSEC_PER_MSEC));
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ovs_controller UNIX-SOCKET [NUMBER-OF-FLOWS]\n");
        return 2;
    }
    path = argv[1];
    if (!ok(peer_connect(&a, path) && peer_connect(&b, path), "two controllers are connected"))
        return tap_end();
    check_foreign();
    delete_all();
    check_description();
    check_meters();
    check_groups();
    check_flows();
    check_statistics();
    check_bundles();
    check_monitor();
    check_roles();
    check_packets();
    check_ports();
    check_refusals();
    check_many(argc > 2 ? (uint32_t)atoi(argv[2]) : 5000);
    ok(openflow_session_is_up(a.session) && openflow_session_stats(a.session)->refused == 0,
       "nothing that Open vSwitch said was refused");
    peer_fini(&a);
    peer_fini(&b);
    return tap_end();
}
