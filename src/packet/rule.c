#include "packet/rule.h"

#include "base/alloc.h"
#include "packet/redundancy.h"

#include <stdlib.h>

struct action *
actions_add(struct actions *actions, enum action_type type)
{
    actions->list = xrealloc(actions->list, actions->n + 1, sizeof *actions->list);
    struct action *a = &actions->list[actions->n++];
    *a = (struct action){.type = (uint8_t)type};
    return a;
}

void
actions_output(struct actions *actions, uint32_t port)
{
    actions_add(actions, ACTION_OUTPUT)->id = port;
}

void
actions_controller(struct actions *actions, uint16_t max_len)
{
    struct action *a = actions_add(actions, ACTION_OUTPUT);
    a->id = PORT_CONTROLLER;
    a->max_len = max_len;
}

void
actions_group(struct actions *actions, uint32_t group_id)
{
    actions_add(actions, ACTION_GROUP)->id = group_id;
}

void
actions_set_queue(struct actions *actions, uint32_t queue)
{
    actions_add(actions, ACTION_SET_QUEUE)->id = queue;
}

void
actions_set_field(struct actions *actions, enum field field, uint64_t value)
{
    struct action *a = actions_add(actions, ACTION_SET_FIELD);
    a->field = (uint8_t)field;
    for (int i = field_table[field].size; i-- > 0; value >>= 8)
        a->value[i] = (uint8_t)value;
}

void
actions_set_mac(struct actions *actions, enum field field, const struct mac *mac)
{
    struct action *a = actions_add(actions, ACTION_SET_FIELD);
    a->field = (uint8_t)field;
    memcpy(a->value, mac->octets, sizeof mac->octets);
}

void
actions_free(struct actions *actions)
{
    free(actions->list);
    *actions = (struct actions){0};
}

bool
actions_equal(const struct actions *a, const struct actions *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->list, b->list, a->n * sizeof *a->list));
}

void
actions_copy(struct actions *to, const struct actions *from)
{
    to->n = from->n;
    to->list = from->n ? xmemdup(from->list, from->n * sizeof *from->list) : NULL;
}

void
flow_copy(struct flow *to, const struct flow *from)
{
    *to = *from;
    actions_copy(&to->apply, &from->apply);
    actions_copy(&to->write, &from->write);
}

void
group_copy(struct group *to, const struct group *from)
{
    *to = *from;
    to->buckets = xcalloc(from->n_buckets, sizeof *to->buckets);
    for (uint32_t i = 0; i < from->n_buckets; i++) {
        to->buckets[i] = from->buckets[i];
        actions_copy(&to->buckets[i].actions, &from->buckets[i].actions);
    }
}

void
meter_copy(struct meter *to, const struct meter *from)
{
    *to = *from;
    to->bands = xmemdup(from->bands, from->n_bands * sizeof *from->bands);
}

void
flow_fini(struct flow *flow)
{
    actions_free(&flow->apply);
    actions_free(&flow->write);
}

void
group_fini(struct group *group)
{
    for (uint32_t i = 0; i < group->n_buckets; i++)
        actions_free(&group->buckets[i].actions);
    free(group->buckets);
    group->buckets = NULL;
    group->n_buckets = 0;
}

void
meter_fini(struct meter *meter)
{
    free(meter->bands);
    meter->bands = NULL;
    meter->n_bands = 0;
}

bool
flow_same(const struct flow *a, const struct flow *b)
{
    return a->table_id == b->table_id && a->priority == b->priority &&
           match_equal(&a->match, &b->match);
}

bool
flow_equal(const struct flow *a, const struct flow *b)
{
    return flow_same(a, b) && a->idle_timeout == b->idle_timeout &&
           a->hard_timeout == b->hard_timeout && a->meter_id == b->meter_id &&
           a->clear == b->clear && a->has_goto == b->has_goto &&
           (!a->has_goto || a->goto_table == b->goto_table) &&
           a->metadata_mask == b->metadata_mask && a->metadata == b->metadata &&
           /* Without actions, an instruction does what no instruction does. */
           actions_equal(&a->apply, &b->apply) && actions_equal(&a->write, &b->write);
}

bool
group_equal(const struct group *a, const struct group *b)
{
    if (a->group_id != b->group_id || a->type != b->type || a->n_buckets != b->n_buckets)
        return false;
    for (uint32_t i = 0; i < a->n_buckets; i++) {
        const struct bucket *x = &a->buckets[i], *y = &b->buckets[i];
        if ((a->type == GROUP_TYPE_SELECT && x->weight != y->weight) ||
            (a->type == GROUP_TYPE_FF &&
             (x->watch_port != y->watch_port || x->watch_group != y->watch_group)) ||
            !actions_equal(&x->actions, &y->actions))
            return false;
    }
    return true;
}

bool
meter_equal(const struct meter *a, const struct meter *b)
{
    const uint16_t unit = METER_KBPS | METER_PKTPS | METER_BURST;
    if (a->meter_id != b->meter_id || (a->flags & unit) != (b->flags & unit) ||
        a->n_bands != b->n_bands)
        return false;
    for (uint32_t i = 0; i < a->n_bands; i++) {
        const struct band *x = &a->bands[i], *y = &b->bands[i];
        if (x->type != y->type || x->rate != y->rate ||
            ((a->flags & METER_BURST) && x->burst != y->burst) ||
            (x->type == BAND_DSCP_REMARK && x->prec_level != y->prec_level))
            return false;
    }
    return true;
}

bool
port_is_real(uint32_t port)
{
    return port >= 1 && port <= PORT_MAX;
}

void
port_format(uint32_t port, struct buf *out)
{
    static const struct {
        uint32_t port;
        const char *name;
    } names[] = {
        {PORT_IN_PORT, "IN_PORT"}, {PORT_TABLE, "TABLE"}, {PORT_NORMAL, "NORMAL"},
        {PORT_FLOOD, "FLOOD"},     {PORT_ALL, "ALL"},     {PORT_CONTROLLER, "CONTROLLER"},
        {PORT_LOCAL, "LOCAL"},     {PORT_ANY, "ANY"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].port == port) {
            buf_str(out, names[i].name);
            return;
        }
    }
    buf_printf(out, "%u", port);
}

static void
redundancy_format(const struct action *a, struct buf *out)
{
    const char *form = a->eth_type == ETH_TYPE_HSR ? "hsr" : "prp";
    if (a->type == ACTION_SEQUENCE)
        buf_printf(out, "sequence:%u", a->id);
    else if (a->type == ACTION_PUSH_REDUNDANCY)
        buf_printf(out, "push_%s:%x", form, a->lan);
    else if (a->lan)
        buf_printf(out, "discard:%u(%s,lan=%x)", a->id, form, a->lan);
    else
        buf_printf(out, "discard:%u(%s)", a->id, form);
}

void
action_format(const struct action *a, struct buf *out)
{
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        buf_str(out, "output:");
        port_format(a->id, out);
        if (a->id == PORT_CONTROLLER && a->max_len != WHOLE_PACKET)
            buf_printf(out, "(%u)", a->max_len);
        return;
    case ACTION_COPY_TTL_OUT:
        buf_str(out, "copy_ttl_out");
        return;
    case ACTION_COPY_TTL_IN:
        buf_str(out, "copy_ttl_in");
        return;
    case ACTION_SET_MPLS_TTL:
        buf_printf(out, "set_mpls_ttl:%u", a->ttl);
        return;
    case ACTION_DEC_MPLS_TTL:
        buf_str(out, "dec_mpls_ttl");
        return;
    case ACTION_PUSH_VLAN:
        buf_printf(out, "push_vlan:0x%04x", a->eth_type);
        return;
    case ACTION_POP_VLAN:
        buf_str(out, "pop_vlan");
        return;
    case ACTION_PUSH_MPLS:
        buf_printf(out, "push_mpls:0x%04x", a->eth_type);
        return;
    case ACTION_POP_MPLS:
        buf_printf(out, "pop_mpls:0x%04x", a->eth_type);
        return;
    case ACTION_SET_QUEUE:
        buf_printf(out, "set_queue:%u", a->id);
        return;
    case ACTION_GROUP:
        buf_printf(out, "group:0x%x", a->id);
        return;
    case ACTION_SET_NW_TTL:
        buf_printf(out, "set_nw_ttl:%u", a->ttl);
        return;
    case ACTION_DEC_NW_TTL:
        buf_str(out, "dec_nw_ttl");
        return;
    case ACTION_SET_FIELD:
        buf_printf(out, "set_field:%s=", field_table[a->field].name);
        field_format(a->field, a->value, NULL, out);
        return;
    case ACTION_PUSH_PBB:
        buf_printf(out, "push_pbb:0x%04x", a->eth_type);
        return;
    case ACTION_POP_PBB:
        buf_str(out, "pop_pbb");
        return;
    case ACTION_SEQUENCE:
    case ACTION_PUSH_REDUNDANCY:
    case ACTION_DISCARD:
        redundancy_format(a, out);
        return;
    }
    buf_printf(out, "action_%u", a->type);
}

void
actions_format(const struct actions *actions, struct buf *out)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        if (i)
            buf_str(out, ",");
        action_format(&actions->list[i], out);
    }
    if (!actions->n)
        buf_str(out, "drop");
}

static void
part(struct buf *out, size_t start)
{
    if (out->size > start)
        buf_str(out, " ");
}

void
flow_format_instructions(const struct flow *flow, struct buf *out)
{
    size_t start = out->size;
    if (flow->meter_id)
        buf_printf(out, "meter:%u", flow->meter_id);
    if (flow->apply.n) {
        part(out, start);
        actions_format(&flow->apply, out);
    }
    if (flow->clear) {
        part(out, start);
        buf_str(out, "clear_actions");
    }
    if (flow->write.n) {
        part(out, start);
        buf_str(out, "write_actions(");
        actions_format(&flow->write, out);
        buf_str(out, ")");
    }
    if (flow->metadata_mask) {
        part(out, start);
        buf_printf(out, "write_metadata:0x%llx/0x%llx", (unsigned long long)flow->metadata,
                   (unsigned long long)flow->metadata_mask);
    }
    if (flow->has_goto) {
        part(out, start);
        buf_printf(out, "goto_table:%u", flow->goto_table);
    }
    if (out->size == start)
        buf_str(out, "drop");
}

void
flow_format(const struct flow *flow, struct buf *out)
{
    buf_printf(out, "table=%u,priority=%u,cookie=0x%llx ", flow->table_id, flow->priority,
               (unsigned long long)flow->cookie);
    match_format(&flow->match, out);
    buf_str(out, " -> ");
    flow_format_instructions(flow, out);
}

void
group_format(const struct group *group, struct buf *out)
{
    static const char *const types[] = {"all", "select", "indirect", "fast_failover"};
    buf_printf(out, "group=0x%x,type=%s", group->group_id,
               group->type < ARRAY_SIZE(types) ? types[group->type] : "?");
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        const struct bucket *b = &group->buckets[i];
        buf_str(out, " bucket(");
        if (group->type == GROUP_TYPE_SELECT)
            buf_printf(out, "weight=%u,", b->weight);
        if (b->watch_port != PORT_ANY) {
            buf_str(out, "watch_port=");
            port_format(b->watch_port, out);
            buf_str(out, ",");
        }
        if (b->watch_group != GROUP_ANY)
            buf_printf(out, "watch_group=0x%x,", b->watch_group);
        actions_format(&b->actions, out);
        buf_str(out, ")");
    }
}

void
meter_format(const struct meter *meter, struct buf *out)
{
    const char *unit = meter->flags & METER_PKTPS ? "packets" : "kbit";
    buf_printf(out, "meter=%u", meter->meter_id);
    for (uint32_t i = 0; i < meter->n_bands; i++) {
        const struct band *b = &meter->bands[i];
        buf_printf(out, " %s(rate=%u %s/s", b->type == BAND_DROP ? "drop" : "dscp_remark", b->rate,
                   unit);
        if (meter->flags & METER_BURST)
            buf_printf(out, ",burst=%u %s", b->burst, unit);
        if (b->type == BAND_DSCP_REMARK)
            buf_printf(out, ",prec_level=%u", b->prec_level);
        buf_str(out, ")");
    }
}
