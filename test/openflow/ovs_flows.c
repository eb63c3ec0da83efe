/* Flows, groups and meters for Open vSwitch, with every field and action that it supports. */
#include "ovs_flows.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const matches[] = {
    "any",
    "in_port=1",
    "metadata=0x1122334455667788",
    "metadata=0x1100/0xff00",
    "eth_dst=01:0c:cd:01:00:01",
    "eth_dst=01:0c:cd:00:00:00/ff:ff:ff:00:00:00",
    "eth_src=02:00:00:00:00:01",
    "eth_src=02:00:00:00:00:00/fe:00:00:00:00:00",
    "eth_type=0x88b8",
    "eth_type=0x05ff",
    "vlan_vid=0x0000",
    "vlan_vid=0x1000/0x1000",
    "vlan_vid=0x1064",
    "vlan_vid=0x1004/0x1f0c",
    "vlan_vid=0x1064,vlan_pcp=4",
    "eth_type=0x0800,ip_dscp=46",
    "eth_type=0x86dd,ip_dscp=12",
    "eth_type=0x0800,ip_ecn=3",
    "eth_type=0x0800,ip_proto=89",
    "eth_type=0x0800,ip_proto=0",
    "eth_type=0x86dd,ip_proto=89",
    "eth_type=0x0800,ipv4_src=10.0.0.1",
    "eth_type=0x0800,ipv4_src=10.0.0.0/8",
    "eth_type=0x0800,ipv4_src=10.0.0.1/255.0.0.255",
    "eth_type=0x0800,ipv4_dst=10.0.0.2",
    "eth_type=0x0800,ipv4_dst=10.1.0.0/16",
    "eth_type=0x0800,ip_proto=6,tcp_src=20000",
    "eth_type=0x0800,ip_proto=6,tcp_dst=502",
    "eth_type=0x86dd,ip_proto=6,tcp_dst=2404",
    "eth_type=0x0800,ip_proto=17,udp_src=862",
    "eth_type=0x86dd,ip_proto=17,udp_dst=319",
    "eth_type=0x0800,ip_proto=132,sctp_src=7",
    "eth_type=0x0800,ip_proto=132,sctp_dst=8",
    "eth_type=0x0800,ip_proto=1,icmpv4_type=8",
    "eth_type=0x0800,ip_proto=1,icmpv4_type=3,icmpv4_code=1",
    "eth_type=0x0806,arp_op=1",
    "eth_type=0x0806,arp_spa=10.0.0.1",
    "eth_type=0x0806,arp_spa=10.0.0.0/24",
    "eth_type=0x0806,arp_tpa=10.0.0.2",
    "eth_type=0x0806,arp_tpa=10.2.0.0/16",
    "eth_type=0x0806,arp_sha=02:00:00:00:00:01",
    "eth_type=0x0806,arp_sha=02:00:00:00:00:00/ff:ff:00:00:00:00",
    "eth_type=0x0806,arp_tha=02:00:00:00:00:02",
    "eth_type=0x86dd,ipv6_src=2001:db8::1",
    "eth_type=0x86dd,ipv6_src=2001:db8::/32",
    "eth_type=0x86dd,ipv6_dst=fe80::1",
    "eth_type=0x86dd,ipv6_dst=::1/::ff",
    "eth_type=0x86dd,ipv6_flabel=0x54321",
    "eth_type=0x86dd,ipv6_flabel=0x54300/0xfff00",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=128",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=1,icmpv6_code=4",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=135,ipv6_nd_target=fe80::2",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=135,ipv6_nd_sll=02:00:00:00:00:03",
    "eth_type=0x86dd,ip_proto=58,icmpv6_type=136,ipv6_nd_tll=02:00:00:00:00:04",
    "eth_type=0x8847,mpls_label=703710",
    "eth_type=0x8848,mpls_tc=5",
    "eth_type=0x8847,mpls_bos=1",
    "tunnel_id=0x99",
    "tunnel_id=0x9900/0xff00",
    "in_port=2,eth_dst=02:00:00:00:00:09,eth_src=02:00:00:00:00:01,eth_type=0x0800,vlan_vid=0x1005,"
    "vlan_pcp=1,ip_dscp=8,ip_ecn=1,ip_proto=6,ipv4_src=10.0.0.1,ipv4_dst=10.0.0.2,tcp_src=1,tcp_"
    "dst=2",
};

/* Set-field of each field that Open vSwitch can set, behind what it needs. */
static const struct {
    const char *match;
    enum field field;
    const char *value;
} sets[] = {
    {"any", FIELD_ETH_DST, "02:00:00:00:00:11"},
    {"any", FIELD_ETH_SRC, "02:00:00:00:00:12"},
    {"vlan_vid=0x1005", FIELD_VLAN_VID, "0x1064"},
    {"vlan_vid=0x1005", FIELD_VLAN_PCP, "6"},
    {"eth_type=0x0800", FIELD_IP_DSCP, "46"},
    {"eth_type=0x86dd", FIELD_IP_ECN, "2"},
    {"eth_type=0x0800", FIELD_IPV4_SRC, "10.9.9.1"},
    {"eth_type=0x0800", FIELD_IPV4_DST, "10.9.9.2"},
    {"eth_type=0x0800,ip_proto=6", FIELD_TCP_SRC, "1000"},
    {"eth_type=0x0800,ip_proto=6", FIELD_TCP_DST, "1001"},
    {"eth_type=0x0800,ip_proto=17", FIELD_UDP_SRC, "1002"},
    {"eth_type=0x0800,ip_proto=17", FIELD_UDP_DST, "1003"},
    {"eth_type=0x0800,ip_proto=132", FIELD_SCTP_SRC, "1004"},
    {"eth_type=0x0800,ip_proto=132", FIELD_SCTP_DST, "1005"},
    {"eth_type=0x0800,ip_proto=1", FIELD_ICMPV4_TYPE, "0"},
    {"eth_type=0x0800,ip_proto=1", FIELD_ICMPV4_CODE, "1"},
    {"eth_type=0x0806", FIELD_ARP_OP, "2"},
    {"eth_type=0x0806", FIELD_ARP_SPA, "10.9.9.3"},
    {"eth_type=0x0806", FIELD_ARP_TPA, "10.9.9.4"},
    {"eth_type=0x0806", FIELD_ARP_SHA, "02:00:00:00:00:13"},
    {"eth_type=0x0806", FIELD_ARP_THA, "02:00:00:00:00:14"},
    {"eth_type=0x86dd", FIELD_IPV6_SRC, "2001:db8::11"},
    {"eth_type=0x86dd", FIELD_IPV6_DST, "2001:db8::12"},
    {"eth_type=0x86dd", FIELD_IPV6_FLABEL, "0x12345"},
    {"eth_type=0x86dd,ip_proto=58,icmpv6_type=135", FIELD_IPV6_ND_TARGET, "fe80::9"},
    {"eth_type=0x86dd,ip_proto=58,icmpv6_type=135", FIELD_IPV6_ND_SLL, "02:00:00:00:00:15"},
    {"eth_type=0x86dd,ip_proto=58,icmpv6_type=136", FIELD_IPV6_ND_TLL, "02:00:00:00:00:16"},
    {"eth_type=0x8847", FIELD_MPLS_LABEL, "16"},
    {"eth_type=0x8847", FIELD_MPLS_TC, "3"},
    {"any", FIELD_TUNNEL_ID, "0x77"},
};

/* Single actions. */
static const struct {
    const char *match;
    struct action action;
} single[] = {
    {"any", {.type = ACTION_OUTPUT, .id = 3}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_IN_PORT}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_NORMAL}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_FLOOD}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_ALL}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_LOCAL}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_CONTROLLER, .max_len = 128}},
    {"any", {.type = ACTION_OUTPUT, .id = PORT_CONTROLLER, .max_len = WHOLE_PACKET}},
    {"eth_type=0x8847", {.type = ACTION_SET_MPLS_TTL, .ttl = 64}},
    {"eth_type=0x8847", {.type = ACTION_DEC_MPLS_TTL}},
    {"eth_type=0x0800", {.type = ACTION_PUSH_VLAN, .eth_type = ETH_TYPE_VLAN}},
    {"eth_type=0x0800", {.type = ACTION_PUSH_VLAN, .eth_type = ETH_TYPE_SVLAN}},
    {"vlan_vid=0x1005", {.type = ACTION_POP_VLAN}},
    {"eth_type=0x0800", {.type = ACTION_PUSH_MPLS, .eth_type = ETH_TYPE_MPLS}},
    {"eth_type=0x8847", {.type = ACTION_POP_MPLS, .eth_type = ETH_TYPE_IPV4}},
    {"any", {.type = ACTION_SET_QUEUE, .id = 2}},
    {"any", {.type = ACTION_GROUP, .id = 1}},
    {"eth_type=0x0800", {.type = ACTION_SET_NW_TTL, .ttl = 9}},
    {"eth_type=0x86dd", {.type = ACTION_DEC_NW_TTL}},
};

static struct flow *
add_flow(struct flow_list *list, const char *match)
{
    struct flow *flow = &list->flows[list->n];
    struct diag diag;
    if (list->n == N_FLOWS || match_parse(match, &flow->match, &diag)) {
        fprintf(stderr, "%s: %s\n", match, diag.text);
        abort();
    }
    flow->priority = (uint16_t)(1000 + list->n);
    flow->cookie = 0xc0de0000 + list->n++;
    flow->has_apply = true;
    return flow;
}

/* All instructions in one flow, with what a canonical form must see through. */
static void
add_instructions(struct flow_list *list)
{
    struct flow *flow = add_flow(list, "in_port=3,eth_type=0x0800");
    flow->meter_id = 1;
    actions_add(&flow->apply, ACTION_DEC_NW_TTL);
    flow->clear = flow->has_write = flow->has_goto = true;
    actions_output(&flow->write, 2);
    actions_set_field(&flow->write, FIELD_IPV4_DST, 0x0a000009);
    actions_add(&flow->write, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    flow->metadata = 0x10;
    flow->metadata_mask = 0xf0;
    flow->goto_table = 7;
    flow->idle_timeout = 600;
    flow->hard_timeout = 3600;
    flow->flags = FLOW_SEND_FLOW_REM;

    flow = add_flow(list, "in_port=4"); /* apply-actions without actions: drop */
    flow = add_flow(list, "in_port=5");
    flow->has_apply = false;            /* no instructions: drop */
    flow = add_flow(list, "in_port=6"); /* output and group in a set, the same action twice */
    flow->has_apply = false;
    flow->has_write = true;
    actions_output(&flow->write, 1);
    actions_group(&flow->write, 1);
    actions_set_field(&flow->write, FIELD_ETH_DST, 1);
    actions_set_field(&flow->write, FIELD_ETH_DST, 2);
    flow = add_flow(list, "in_port=7");
    flow->table_id = 253;
    flow->priority = 0;
    actions_output(&flow->apply, 1);
    flow = add_flow(list, "eth_type=0x0800,ip_proto=6");
    flow->priority = UINT16_MAX;
    actions_add(&flow->apply, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_set_field(&flow->apply, FIELD_VLAN_VID, 0x1064);
    actions_set_field(&flow->apply, FIELD_TCP_DST, 502);
    actions_output(&flow->apply, 1);
    actions_set_field(&flow->apply, FIELD_TCP_DST, 503);
    actions_output(&flow->apply, 2);
}

void
flow_list_init(struct flow_list *list)
{
    *list = (struct flow_list){0};
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++)
        actions_output(&add_flow(list, matches[i])->apply, 1);
    for (size_t i = 0; i < ARRAY_SIZE(single); i++)
        *actions_add(&add_flow(list, single[i].match)->apply, ACTION_OUTPUT) = single[i].action;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        struct flow *flow = add_flow(list, sets[i].match);
        struct action *a = actions_add(&flow->apply, ACTION_SET_FIELD);
        uint8_t mask[16];
        a->field = (uint8_t)sets[i].field;
        if (field_parse(sets[i].field, sets[i].value, a->value, mask))
            abort();
        actions_output(&flow->apply, 1);
    }
    add_instructions(list);
}

void
flow_list_fini(struct flow_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        flow_fini(&list->flows[i]);
}

static struct bucket *
add_bucket(struct group *group, uint32_t port)
{
    struct bucket *bucket = &group->buckets[group->n_buckets++];
    *bucket = (struct bucket){.watch_port = PORT_ANY, .watch_group = GROUP_ANY};
    actions_output(&bucket->actions, port);
    return bucket;
}

static struct group *
add_group(struct group_list *list, enum group_type type)
{
    struct group *group = &list->groups[list->n++];
    *group = (struct group){list->n, (uint8_t)type, 0, calloc(4, sizeof(struct bucket))};
    if (!group->buckets)
        abort();
    return group;
}

void
group_list_init(struct group_list *list)
{
    *list = (struct group_list){0};
    struct group *group = add_group(list, GROUP_TYPE_ALL);
    add_bucket(group, 1);
    actions_set_field(&add_bucket(group, 2)->actions, FIELD_ETH_DST, 0x020000000011);
    group = add_group(list, GROUP_TYPE_SELECT);
    add_bucket(group, 1)->weight = 10;
    add_bucket(group, 2)->weight = 90;
    add_bucket(add_group(list, GROUP_TYPE_INDIRECT), 3);
    group = add_group(list, GROUP_TYPE_FF);
    add_bucket(group, 1)->watch_port = 1;
    add_bucket(group, 2)->watch_port = 2;
    struct bucket *last = add_bucket(group, 3);
    last->watch_group = 1;
    actions_set_field(&last->actions, FIELD_ETH_SRC, 0x020000000012);
    (void)add_group(list, GROUP_TYPE_ALL); /* without buckets: drop */
    group = add_group(list, GROUP_TYPE_ALL);
    actions_group(&add_bucket(group, 1)->actions, 1); /* the group counts, not the output */
}

void
group_list_fini(struct group_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        group_fini(&list->groups[i]);
}
