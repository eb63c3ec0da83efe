/* Parameters of edge.trace as a client could send them, on a node whose tables change headers,
 * meter and use groups: each trace that is accepted ends in a verdict, and counts nothing. */
#include "fuzz.h"

#include "edge/trace.h"

#include "io/jsontext.h"

#include <string.h>

static void
add(struct datapath *dp, uint8_t table, uint16_t priority, const char *match,
    void (*fill)(struct flow *))
{
    struct flow flow = {.table_id = table, .priority = priority, .has_apply = true};
    struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    check(!match_parse(match, &flow.match, NULL));
    fill(&flow);
    check(!dp_failed(datapath_flow_mod(dp, &request, 0)));
    flow_fini(&flow);
}

static void
tag(struct flow *f)
{
    actions_add(&f->apply, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_set_field(&f->apply, FIELD_VLAN_VID, 0x100a);
    f->meter_id = 1;
    f->has_goto = true;
    f->goto_table = 1;
}

static void
rewrite(struct flow *f)
{
    actions_set_field(&f->apply, FIELD_IPV4_DST, 0x0a020304);
    actions_add(&f->apply, ACTION_DEC_NW_TTL);
    actions_group(&f->apply, 1);
    actions_controller(&f->apply, 64);
}

static void
pop(struct flow *f)
{
    actions_add(&f->apply, ACTION_POP_MPLS)->eth_type = ETH_TYPE_IPV4;
    f->has_goto = true;
    f->goto_table = 1;
}

static void
give_up(struct flow *f)
{
    actions_output(&f->apply, 9);
}

static struct datapath *
make_node(void)
{
    struct limits limits = {100, 10, 10, 4};
    struct datapath *dp = datapath_new(&limits);
    struct band band = {BAND_DROP, 0, 10, 1};
    struct meter meter = {1, METER_KBPS | METER_BURST, 1, &band};
    struct bucket buckets[2] = {{.watch_port = PORT_ANY, .watch_group = GROUP_ANY},
                                {.watch_port = PORT_ANY, .watch_group = GROUP_ANY}};
    struct group group = {1, GROUP_TYPE_ALL, 2, buckets};
    for (uint32_t i = 1; i <= 3; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        struct edge_port *port = datapath_add_port(dp, i, "p", &mac, 0);
        port->up = port->live = i < 3;
    }
    for (uint32_t i = 0; i < 2; i++) {
        actions_add(&buckets[i].actions, ACTION_POP_VLAN);
        actions_output(&buckets[i].actions, 2 + i);
    }
    check(!dp_failed(datapath_meter_mod(dp, METER_ADD, &meter, 0)));
    check(!dp_failed(datapath_group_mod(dp, GROUP_ADD, &group, 0)));
    add(dp, 0, 5, "in_port=1", tag);
    add(dp, 0, 9, "eth_type=0x8847", pop);
    add(dp, 0, 1, "any", give_up);
    add(dp, 1, 5, "eth_type=0x0800", rewrite);
    add(dp, 1, 1, "any", give_up);
    actions_free(&buckets[0].actions);
    actions_free(&buckets[1].actions);
    return dp;
}

static void
check_trace(struct datapath *dp, const struct trace_packet *packet)
{
    check(packet->size <= TRACE_FRAME_MAX);
    json_t *answer = trace_json(dp, packet);
    const char *text = json_string_value(json_object_get(answer, "text"));
    check(text && strstr(text, "\nresult: "));
    json_decref(answer);
    for (unsigned i = 0; i < DROP_MAX; i++)
        check(counter_get(&dp->drops[i]) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct datapath *dp;
    static struct trace_packet packet;
    json_t *params;
    struct diag diag = {.text = ""};
    if (!dp)
        dp = make_node();
    if (jsontext_parse((const char *)data, size, &params, NULL))
        return 0;
    if (!trace_packet_parse(params, &packet, &diag))
        check_trace(dp, &packet);
    else
        check(diag.text[0]);
    json_decref(params);
    return 0;
}
