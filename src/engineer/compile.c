#include "engineer/compile_private.h"

#include "base/alloc.h"

#include <stdlib.h>

uint16_t
test_port(uint32_t number, bool failover)
{
    return (uint16_t)(TEST_PORT_FIRST + number % TEST_PORT_PAIRS * 2 + failover);
}

void
gateway_mac(uint32_t gateway, struct mac *mac)
{
    mac->octets[0] = 0x02; /* locally administered, individual */
    mac->octets[1] = 0x54;
    put_be32(mac->octets + 2, gateway);
}

uint32_t
test_group(uint32_t number)
{
    return 0xefff0000 | (number & 0xffff);
}

struct action *
flow_add(struct compilation *c, struct flow *flow, enum action_type type)
{
    GROW(c->actions, flow->apply.n, c->actions_capacity);
    flow->apply.list = c->actions;
    struct action *action = &c->actions[flow->apply.n++];
    *action = (struct action){.type = (uint8_t)type};
    return action;
}

void
flow_add_output(struct compilation *c, struct flow *flow, uint32_t port)
{
    flow_add(c, flow, ACTION_OUTPUT)->id = port;
}

static uint8_t *
add_set_field(struct compilation *c, struct flow *flow, enum field field)
{
    struct action *action = flow_add(c, flow, ACTION_SET_FIELD);
    action->field = (uint8_t)field;
    return action->value;
}

void
flow_add_set(struct compilation *c, struct flow *flow, enum field field, uint64_t value)
{
    uint8_t *octets = add_set_field(c, flow, field);
    for (int i = field_table[field].size; i-- > 0; value >>= 8)
        octets[i] = (uint8_t)value;
}

void
flow_add_set_mac(struct compilation *c, struct flow *flow, enum field field, const struct mac *mac)
{
    memcpy(add_set_field(c, flow, field), mac->octets, sizeof mac->octets);
}

void
emit_flow(struct compilation *c, const struct node *node, struct flow *flow)
{
    flow->has_apply = flow->apply.n > 0;
    if (!c->err)
        c->err = c->sink->flow(c->sink->arg, node, flow, c->diag);
}

void
emit_group(struct compilation *c, const struct node *node, const struct group *group)
{
    if (!c->err)
        c->err = c->sink->group(c->sink->arg, node, group, c->diag);
}

/* The circuit's committed rate and burst, in the meter's units: rounded up, so that what was
 * committed passes. */
void
emit_meter(struct compilation *c, const struct node *node, uint32_t meter_id)
{
    struct band band = {.type = BAND_DROP,
                        .rate = c->circuit->rate_kbps,
                        .burst = (c->circuit->burst_octets * 8 + 999) / 1000};
    struct meter meter = {meter_id, METER_KBPS | METER_BURST | METER_STATS, 1, &band};
    if (!c->err)
        c->err = c->sink->meter(c->sink->arg, node, &meter, c->diag);
}

enum err
compile_circuit(const struct network *net, const struct circuit *circuit,
                const struct design *design, const struct rule_sink *sink, struct diag *diag)
{
    struct compilation c = {
        .network = net, .circuit = circuit, .design = design, .sink = sink, .diag = diag};
    if (circuit->kind == CIRCUIT_IP)
        compile_ip(&c);
    else
        compile_multicast(&c);
    free(c.actions);
    return c.err;
}

static void
emit_node_meters(struct compilation *c, const struct node *node)
{
    static const struct {
        uint32_t meter_id, rate, burst;
    } meters[] = {{METER_ARP, 50, 50}, {METER_DENY, 100, 100}, {METER_DISCOVERY, 50, 50}};
    for (size_t i = 0; i < ARRAY_SIZE(meters) && !c->err; i++) {
        struct band band = {BAND_DROP, 0, meters[i].rate, meters[i].burst};
        struct meter meter = {meters[i].meter_id, METER_PKTPS | METER_BURST | METER_STATS, 1,
                              &band};
        c->err = c->sink->meter(c->sink->arg, node, &meter, c->diag);
    }
}

static void
add_controller(struct compilation *c, struct flow *flow, uint16_t max_len)
{
    struct action *action = flow_add(c, flow, ACTION_OUTPUT);
    action->id = PORT_CONTROLLER;
    action->max_len = max_len;
}

static void
emit_deny(struct compilation *c, const struct node *node, uint32_t port)
{
    struct flow flow = {
        .priority = PRIORITY_DENY, .cookie = rule_cookie(0, ROLE_DENY), .meter_id = METER_DENY};
    match_set(&flow.match, FIELD_IN_PORT, port);
    add_controller(c, &flow, 128);
    emit_flow(c, node, &flow);
}

enum err
compile_node(const struct node *node, const struct rule_sink *sink, struct diag *diag)
{
    /* IEEE 802.1AB clause 7.1: the nearest bridge group address. */
    static const struct mac lldp_mac = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};
    struct compilation c = {.sink = sink, .diag = diag};
    struct flow discovery = {.priority = PRIORITY_DISCOVERY,
                             .cookie = rule_cookie(0, ROLE_DISCOVERY),
                             .meter_id = METER_DISCOVERY};
    struct flow miss = {.priority = PRIORITY_MISS, .cookie = rule_cookie(0, ROLE_MISS)};
    match_set_mac(&discovery.match, FIELD_ETH_DST, &lldp_mac);
    match_set(&discovery.match, FIELD_ETH_TYPE, ETH_TYPE_LLDP);
    add_controller(&c, &discovery, WHOLE_PACKET);
    emit_node_meters(&c, node);
    emit_flow(&c, node, &discovery);
    emit_flow(&c, node, &miss);
    for (uint32_t i = 0; i < node->n_ports; i++)
        emit_deny(&c, node, node->ports[i].number);
    emit_deny(&c, node, PORT_LOCAL);
    free(c.actions);
    return c.err;
}
