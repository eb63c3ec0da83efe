#include "edge/fast_compile.h"

/* A program being made. */
struct compiler {
    const struct datapath *dp;
    const struct program *from;
    struct fast_program *to;
    uint32_t n;
    bool edited; /* the packet, or its queue, is no longer as it came to the group */
};

static bool
emit(struct compiler *c, struct fast_op op)
{
    if (c->n == FAST_OPS - 1) /* the last one ends it */
        return false;
    c->to->ops[c->n++] = op;
    return true;
}

static bool
emit_counter(struct compiler *c, uint8_t type, uint8_t table, const struct counters *counters)
{
    const struct shared_lane *shared = atomic_load_explicit(&counters->shared,
                                                            memory_order_acquire);
    return shared &&
           emit(c, (struct fast_op){type, table, 0, slots_index(c->dp->shared.counters, shared)});
}

static bool
emit_mac(struct compiler *c, uint8_t type, const uint8_t *mac)
{
    struct fast_op op = {.type = type};
    memcpy(&op.b, mac, 2);
    memcpy(&op.c, mac + 2, 4);
    return emit(c, op);
}

static bool
compile_edit(struct compiler *c, const struct action *a)
{
    c->edited = true;
    if (a->type == ACTION_PUSH_VLAN)
        return emit(c, (struct fast_op){FAST_PUSH_VLAN, 0, a->eth_type, 0});
    if (a->type == ACTION_POP_VLAN)
        return emit(c, (struct fast_op){FAST_POP_VLAN, 0, 0, 0});
    if (a->type != ACTION_SET_FIELD)
        return false;
    switch ((enum field)a->field) {
    case FIELD_VLAN_VID:
        return emit(c, (struct fast_op){FAST_SET_VID, 0, get_be16(a->value) & 0xfff, 0});
    case FIELD_VLAN_PCP:
        return emit(c, (struct fast_op){FAST_SET_PCP, a->value[0] & 7, 0, 0});
    case FIELD_ETH_DST:
        return emit_mac(c, FAST_SET_DST, a->value);
    case FIELD_ETH_SRC:
        return emit_mac(c, FAST_SET_SRC, a->value);
    default:
        return false;
    }
}

/* The kernel sends at once: a port with rates or weights is the packet thread's. */
static bool
sends_at_once(const struct edge_port *port)
{
    const struct scheduler_config *c = atomic_load_explicit(&port->scheduling,
                                                            memory_order_acquire);
    return port->ifindex && (!c || scheduler_config_is_plain(c));
}

/* A port that is not there is a reason to drop. */
static bool
compile_output(struct compiler *c, uint32_t number)
{
    bool back = number == PORT_IN_PORT;
    const struct edge_port *port;
    if (!back && !port_is_real(number))
        return false;
    port = datapath_port(c->dp, back ? from_be32(c->from->key.in_port) : number);
    if (!port)
        return emit(c, (struct fast_op){FAST_DROP, DROP_NO_SUCH_PORT, 0, 0});
    return sends_at_once(port) &&
           emit(c, (struct fast_op){FAST_OUTPUT, back, 0, slots_index(c->dp->shared.ports, port)});
}

static bool compile_group(struct compiler *, const struct group_entry *, int depth);

static bool
compile_action(struct compiler *c, const struct action *a, int depth)
{
    struct group_entry *group;
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        return compile_output(c, a->id);
    case ACTION_GROUP:
        group = idmap_get(&c->dp->groups, a->id);
        return !group || compile_group(c, group, depth + 1);
    case ACTION_SET_QUEUE:
        c->edited = true;
        return emit(c, (struct fast_op){FAST_QUEUE, (uint8_t)a->id, 0, 0});
    default:
        return compile_edit(c, a);
    }
}

/* What a bucket does to the packet nobody after it may see, and the kernel makes no copies: such a
 * bucket has to be the last thing that happens. */
static bool
compile_bucket(struct compiler *c, const struct bucket_entry *b, int depth)
{
    bool sends = false;
    if (!emit_counter(c, FAST_COUNT_BUCKET, 0, &b->counters))
        return false;
    for (uint32_t i = 0; i < b->set.n; i++) {
        sends |= b->set.list[i].type == ACTION_OUTPUT || b->set.list[i].type == ACTION_GROUP;
        if (!compile_action(c, &b->set.list[i], depth))
            return false;
    }
    return sends || emit(c, (struct fast_op){FAST_DROP, DROP_NO_OUTPUT, 0, 0});
}

/* The first bucket that is live, when the packet passes. */
static bool
compile_failover(struct compiler *c, const struct group_body *body, int depth)
{
    uint32_t jumps[FAST_OPS], n_jumps = 0;
    bool always = false;
    for (uint32_t i = 0; i < body->n_buckets && !always; i++) {
        const struct bucket_entry *b = &body->buckets[i];
        uint32_t skip = c->n;
        if (b->watch_group)
            return false;
        if (b->watches && !b->watch_port)
            continue;
        always = !b->watches;
        if (!always &&
            (!b->watch_port->ifindex ||
             !emit(c, (struct fast_op){FAST_IF_DEAD, 0, 0,
                                       slots_index(c->dp->shared.ports, b->watch_port)})))
            return false;
        if (!compile_bucket(c, b, depth))
            return false;
        jumps[n_jumps++] = c->n;
        if (!emit(c, (struct fast_op){.type = FAST_JUMP}))
            return false;
        if (!always)
            c->to->ops[skip].b = (uint16_t)c->n;
    }
    uint8_t reason = body->n_buckets ? DROP_NO_LIVE_BUCKET : DROP_NO_OUTPUT;
    if (!always && !emit(c, (struct fast_op){FAST_DROP, reason, 0, 0}))
        return false;
    for (uint32_t i = 0; i < n_jumps; i++)
        c->to->ops[jumps[i]].b = (uint16_t)c->n;
    return true;
}

static bool
compile_group(struct compiler *c, const struct group_entry *group, int depth)
{
    const struct group_body *body = atomic_load_explicit(&group->body, memory_order_acquire);
    if (depth > MAX_DEPTH / 2 || body->type == GROUP_TYPE_SELECT ||
        !emit_counter(c, FAST_COUNT_BUCKET, 0, &group->counters))
        return false;
    if (body->type == GROUP_TYPE_FF)
        return compile_failover(c, body, depth);
    if (!body->n_buckets)
        return emit(c, (struct fast_op){FAST_DROP, DROP_NO_OUTPUT, 0, 0});
    bool before = c->edited;
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        c->edited = false;
        if (!compile_bucket(c, &body->buckets[i], depth) || (c->edited && i + 1 < body->n_buckets))
            return false;
    }
    c->edited |= before;
    return true;
}

static bool
compile_meter(struct compiler *c, const struct meter_entry *meter)
{
    if (meter->home && c->to->n_meters < ARRAY_SIZE(c->to->meters))
        c->to->meters[c->to->n_meters] = slots_index(meter->home, meter);
    c->to->n_meters++;
    return meter->home && meter->n_bands <= 1 &&
           (!meter->n_bands || meter->bands[0].type == BAND_DROP) &&
           emit(c, (struct fast_op){FAST_METER, 0, 0, slots_index(meter->home, meter)});
}

static bool
compile_op(struct compiler *c, const struct op *op, bool last)
{
    const struct entry *entry = op->target;
    switch ((enum op_type)op->type) {
    case OP_COUNT:
        return emit_counter(c, FAST_COUNT, op->table_id, &entry->counters);
    case OP_METER:
        return compile_meter(c, op->target);
    case OP_EDIT:
        return compile_edit(c, op->target);
    case OP_REDUNDANCY: /* numbers, and what has come of them, are kept here */
        return false;
    case OP_QUEUE:
        return emit(c, (struct fast_op){FAST_QUEUE, (uint8_t)op->id, 0, 0});
    case OP_OUTPUT:
        return compile_output(c, op->id);
    case OP_GROUP:
        c->edited = false;
        return compile_group(c, op->target, 1) && (last || !c->edited);
    case OP_MISS:
        return emit(c, (struct fast_op){FAST_MISS, op->table_id, 0, 0}) &&
               emit(c, (struct fast_op){FAST_DROP, DROP_NO_MATCH, 0, 0});
    }
    return false;
}

/* The transparent clock and tests need the packet thread's time stamps. */
static bool
is_timed(const struct flow_key *key)
{
    uint16_t port = from_be16(key->tp_dst);
    return from_be16(key->eth_type) == ETH_TYPE_PTP ||
           (key->ip_proto == IP_PROTO_UDP && (port == 319 || port == 320));
}

bool
fast_compile(const struct datapath *dp, const struct program *from, struct fast_program *to)
{
    struct compiler c = {.dp = dp, .from = from, .to = to};
    memset(to, 0, sizeof *to);
    to->key = from->key;
    if (is_timed(&from->key))
        return false;
    for (unsigned i = 0; i < from->n_ops; i++) {
        if (!compile_op(&c, &from->ops[i], i + 1 == from->n_ops))
            return false;
    }
    return true;
}
