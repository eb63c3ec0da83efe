#include "edge/fast_compile_private.h"

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
    c->sends = true;
    return sends_at_once(port) &&
           emit(c, (struct fast_op){FAST_OUTPUT, back, 0, slots_index(c->dp->shared.ports, port)});
}

bool
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

static bool
compile_meter(struct compiler *c, const struct meter_entry *meter)
{
    if (meter->home && c->to->n_meters < ARRAY_SIZE(c->to->meters))
        c->to->meters[c->to->n_meters] = slots_index(meter->home, meter);
    c->to->n_meters++;
    if (!meter->home || meter->n_bands > 1 ||
        (meter->n_bands && meter->bands[0].type != BAND_DROP) ||
        !emit(c, (struct fast_op){FAST_METER, 0, 0, slots_index(meter->home, meter)}))
        return false;
    c->drops |= meter->n_bands != 0;
    return true;
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

/* The rest, from step `n` on, the kernel cannot do. But what a meter ahead of it does not let pass
 * never comes to it, and is dropped there: a flood that is to be sampled does not come up. */
static bool
leave_rest(struct compiler *c, uint32_t n, uint32_t n_meters)
{
    if (!c->drops || n_meters > ARRAY_SIZE(c->to->meters))
        return false;
    memset(&c->to->ops[n], 0, (FAST_OPS - n) * sizeof c->to->ops[0]);
    c->to->n_meters = n_meters;
    c->to->polices = true;
    return true;
}

bool
fast_compile(const struct datapath *dp, const struct program *from, struct fast_program *to)
{
    struct compiler c = {.dp = dp, .from = from, .to = to};
    memset(to, 0, sizeof *to);
    to->key = from->key;
    shape_init(&c.shape, &from->key);
    if (is_timed(&from->key))
        return false;
    for (unsigned i = 0; i < from->n_ops; i++) {
        uint32_t n = c.n, n_meters = to->n_meters;
        if (!compile_op(&c, &from->ops[i], i + 1 == from->n_ops))
            return leave_rest(&c, n, n_meters);
    }
    to->denies = !c.sends;
    return true;
}
