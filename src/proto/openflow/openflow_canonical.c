#include "proto/openflow/openflow_canonical.h"

void
openflow_canonical_actions(struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        struct action *a = &actions->list[i];
        if (a->type == ACTION_OUTPUT && a->id != PORT_CONTROLLER)
            a->max_len = 0;
    }
}

/* Section 5.10, in this order; of all set-field actions there is one per field. */
static const uint8_t set_order[] = {
    ACTION_DISCARD,      ACTION_COPY_TTL_IN,  ACTION_POP_VLAN,   ACTION_POP_MPLS,
    ACTION_POP_PBB,      ACTION_PUSH_MPLS,    ACTION_PUSH_PBB,   ACTION_PUSH_VLAN,
    ACTION_COPY_TTL_OUT, ACTION_DEC_MPLS_TTL, ACTION_DEC_NW_TTL, ACTION_SET_FIELD,
    ACTION_SET_MPLS_TTL, ACTION_SET_NW_TTL,   ACTION_SEQUENCE,   ACTION_PUSH_REDUNDANCY,
    ACTION_SET_QUEUE,    ACTION_GROUP,        ACTION_OUTPUT,
};

#define N_KINDS (ACTION_LAST + 1 + FIELD_MAX)

/* Which actions replace each other. */
static unsigned
kind_of(const struct action *a)
{
    if (a->type == ACTION_SET_FIELD)
        return ACTION_LAST + 1 + a->field % FIELD_MAX;
    return a->type % (ACTION_LAST + 1);
}

static void
append(struct action *to, uint32_t *n, const struct action *a)
{
    if (a)
        to[(*n)++] = *a;
}

void
openflow_canonical_action_set(struct actions *actions)
{
    const struct action *last[N_KINDS] = {0};
    struct action sorted[N_KINDS];
    uint32_t n = 0;
    openflow_canonical_actions(actions);
    for (uint32_t i = 0; i < actions->n; i++)
        last[kind_of(&actions->list[i])] = &actions->list[i];
    if (last[ACTION_GROUP])
        last[ACTION_OUTPUT] = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(set_order); i++) {
        if (set_order[i] != ACTION_SET_FIELD) {
            append(sorted, &n, last[set_order[i]]);
            continue;
        }
        for (unsigned field = 0; field < FIELD_MAX; field++)
            append(sorted, &n, last[ACTION_LAST + 1 + field]);
    }
    if (n)
        memcpy(actions->list, sorted, n * sizeof *sorted);
    actions->n = n;
}

void
openflow_canonical_flow(struct flow *flow)
{
    openflow_canonical_actions(&flow->apply);
    openflow_canonical_action_set(&flow->write);
    flow->has_apply = flow->apply.n > 0;
    flow->has_write = flow->write.n > 0;
    if (!flow->has_goto)
        flow->goto_table = 0;
    flow->metadata &= flow->metadata_mask;
    flow->flags &= FLOW_SEND_FLOW_REM | FLOW_NO_PKT_COUNTS | FLOW_NO_BYT_COUNTS;
}

void
openflow_canonical_group(struct group *group)
{
    bool liveness = group->type == GROUP_TYPE_FF || group->type == GROUP_TYPE_SELECT;
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        struct bucket *b = &group->buckets[i];
        if (group->type != GROUP_TYPE_SELECT)
            b->weight = 0;
        if (!liveness) {
            b->watch_port = PORT_ANY;
            b->watch_group = GROUP_ANY;
        }
        openflow_canonical_action_set(&b->actions);
    }
}

void
openflow_canonical_meter(struct meter *meter)
{
    if (!(meter->flags & (METER_KBPS | METER_PKTPS)))
        meter->flags |= METER_KBPS;
    meter->flags &= METER_KBPS | METER_PKTPS | METER_BURST;
    for (uint32_t i = 0; i < meter->n_bands; i++) {
        struct band *b = &meter->bands[i];
        if (!(meter->flags & METER_BURST))
            b->burst = 0;
        if (b->type != BAND_DSCP_REMARK)
            b->prec_level = 0;
    }
}
