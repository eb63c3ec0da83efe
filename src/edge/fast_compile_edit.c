/* What a change does is decided by the key as it is at that step, as in packet/edit.c: a field that
 * the packet does not have is not set. */
#include "edge/fast_compile_private.h"

void
shape_init(struct shape *shape, const struct flow_key *key)
{
    *shape = (struct shape){.key = *key};
    if (!(from_be16(key->vlan_vid) & VLAN_PRESENT))
        return;
    shape->tags[0].vid = key->vlan_vid;
    shape->tags[0].pcp = key->vlan_pcp;
    shape->n_tags = 1;
}

/* The outermost tag is the key's. */
static void
show_tag(struct shape *shape)
{
    unsigned n = shape->n_tags;
    shape->key.vlan_vid = n ? shape->tags[n - 1].vid : 0;
    shape->key.vlan_pcp = n ? shape->tags[n - 1].pcp : 0;
}

static bool
push_vlan(struct compiler *c, uint16_t type)
{
    struct shape *shape = &c->shape;
    if (shape->n_tags == SHAPE_TAGS)
        return false;
    shape->tags[shape->n_tags].vid = shape->key.vlan_vid | to_be16(VLAN_PRESENT);
    shape->tags[shape->n_tags].pcp = shape->key.vlan_pcp;
    shape->n_tags++;
    show_tag(shape);
    return emit(c, (struct fast_op){FAST_PUSH_VLAN, 0, type, 0});
}

static bool
pop_vlan(struct compiler *c)
{
    if (!c->shape.n_tags)
        return true;
    c->shape.n_tags--;
    show_tag(&c->shape);
    return emit(c, (struct fast_op){FAST_POP_VLAN, 0, 0, 0});
}

static bool
set_tag(struct compiler *c, struct fast_op op)
{
    struct shape *shape = &c->shape;
    if (!shape->n_tags)
        return true;
    if (op.type == FAST_SET_VID)
        shape->tags[shape->n_tags - 1].vid = to_be16(op.b | VLAN_PRESENT);
    else
        shape->tags[shape->n_tags - 1].pcp = op.a;
    show_tag(shape);
    return emit(c, op);
}

/* Where the IP header begins: the outermost tag is not among the frame's octets there. */
static uint16_t
ip_offset(const struct shape *shape)
{
    return (uint16_t)(14 + 4 * (shape->n_tags > 1 ? shape->n_tags - 1 : 0));
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
emit_address(struct compiler *c, uint8_t offset, const uint8_t *address, size_t size)
{
    for (size_t i = 0; i < size; i += 4) {
        struct fast_op op = {FAST_SET_ADDRESS, (uint8_t)(offset + i), ip_offset(&c->shape), 0};
        memcpy(&op.c, address + i, 4);
        if (!emit(c, op))
            return false;
    }
    return true;
}

static bool
emit_port(struct compiler *c, uint8_t offset, const uint8_t *port)
{
    struct fast_op op = {FAST_SET_PORT, offset, ip_offset(&c->shape), 0};
    memcpy(&op.c, port, 2);
    return emit(c, op);
}

static bool
set_field(struct compiler *c, const struct action *a)
{
    const enum field field = a->field;
    const uint16_t ip = ip_offset(&c->shape);
    switch (field) {
    case FIELD_METADATA:
    case FIELD_TUNNEL_ID: /* of the key only */
        return true;
    case FIELD_ETH_DST:
        return emit_mac(c, FAST_SET_DST, a->value);
    case FIELD_ETH_SRC:
        return emit_mac(c, FAST_SET_SRC, a->value);
    case FIELD_IP_DSCP:
        return emit(c, (struct fast_op){FAST_SET_CLASS, 3, ip, (uint32_t)a->value[0] << 2});
    case FIELD_IP_ECN:
        return emit(c, (struct fast_op){FAST_SET_CLASS, 0xfc, ip, a->value[0]});
    case FIELD_IPV4_SRC:
        return emit_address(c, 12, a->value, 4);
    case FIELD_IPV4_DST:
        return emit_address(c, 16, a->value, 4);
    case FIELD_IPV6_SRC:
        return emit_address(c, 8, a->value, 16);
    case FIELD_IPV6_DST:
        return emit_address(c, 24, a->value, 16);
    case FIELD_TCP_SRC:
    case FIELD_UDP_SRC:
        return emit_port(c, 0, a->value);
    case FIELD_TCP_DST:
    case FIELD_UDP_DST:
        return emit_port(c, 2, a->value);
    default:
        return false;
    }
}

static bool
compile_set_field(struct compiler *c, const struct action *a)
{
    struct flow_key *key = &c->shape.key;
    const enum field field = a->field;
    if (field == FIELD_VLAN_VID)
        return set_tag(
            c, (struct fast_op){FAST_SET_VID, 0, get_be16(a->value) & (VLAN_PRESENT - 1), 0});
    if (field == FIELD_VLAN_PCP)
        return set_tag(c, (struct fast_op){FAST_SET_PCP, a->value[0] & 7, 0, 0});
    if (field != FIELD_METADATA && field != FIELD_TUNNEL_ID && !flow_key_has_field(key, field))
        return true;
    if (!set_field(c, a))
        return false;
    memcpy(flow_key_field(key, field), a->value, field_table[field].size);
    return true;
}

static bool
is_ip(const struct flow_key *key)
{
    return flow_key_has_field(key, FIELD_IP_DSCP);
}

static bool
set_ttl(struct compiler *c, uint8_t ttl)
{
    if (!is_ip(&c->shape.key))
        return true;
    c->shape.knows_ttl = true;
    c->shape.ttl = ttl;
    return emit(c, (struct fast_op){FAST_SET_TTL, ttl, ip_offset(&c->shape), 0});
}

/* Packets whose TTL is not above what is taken from it, whichever way they go, are the packet
 * thread's. */
static bool
dec_ttl(struct compiler *c)
{
    struct shape *shape = &c->shape;
    if (!is_ip(&shape->key))
        return true;
    if (shape->knows_ttl)
        return shape->ttl > 1 && set_ttl(c, (uint8_t)(shape->ttl - 1));
    shape->n_ttl++;
    c->to->n_ttl = MAX(c->to->n_ttl, shape->n_ttl);
    return emit(c, (struct fast_op){FAST_DEC_TTL, 0, ip_offset(shape), 0});
}

bool
compile_edit(struct compiler *c, const struct action *a)
{
    c->edited = true;
    switch ((enum action_type)a->type) {
    case ACTION_PUSH_VLAN:
        return push_vlan(c, a->eth_type);
    case ACTION_POP_VLAN:
        return pop_vlan(c);
    case ACTION_SET_FIELD:
        return compile_set_field(c, a);
    case ACTION_SET_NW_TTL:
        return set_ttl(c, a->ttl);
    case ACTION_DEC_NW_TTL:
        return dec_ttl(c);
    default:
        return false;
    }
}
