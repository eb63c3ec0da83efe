/* check.c - what is wrong with a flow as a whole, and needs no switch to see.
 *
 * Section 7.2.5 of OpenFlow 1.3.5: the fields that set-field needs must be in the match or come
 * about by earlier actions; an action that can never apply to what is matched is refused too. What
 * is merely not known (pop_vlan where the match does not speak of VLANs) is allowed: the packet
 * decides. So the actions are followed over the match as far as it is known. */
#include "packet/redundancy.h"
#include "proto/openflow/openflow_canonical.h"
#include "proto/openflow/wire.h"

static bool
is_known_not(const struct match *m, uint16_t type, uint16_t other)
{
    uint16_t known = from_be16(m->value.eth_type);
    return m->mask.eth_type && known != type && known != other;
}

static void
set_type(struct match *m, uint16_t type)
{
    m->value.eth_type = to_be16(type);
    m->mask.eth_type = type ? UINT16_MAX : 0;
    m->value.ip_proto = m->mask.ip_proto = 0;
}

static bool
follow_set_field(struct match *m, const struct action *a)
{
    if (!match_allows(m, a->field))
        return false;
    size_t size = field_table[a->field].size;
    memcpy(flow_key_field(&m->value, a->field), a->value, size);
    field_full_mask(a->field, flow_key_field(&m->mask, a->field));
    return true;
}

static bool
follow_pop_vlan(struct match *m)
{
    bool untagged = (m->mask.vlan_vid & to_be16(VLAN_PRESENT)) &&
                    !(m->value.vlan_vid & to_be16(VLAN_PRESENT));
    m->value.vlan_vid = m->mask.vlan_vid = 0; /* there may be a second tag */
    return !untagged;
}

/* Changes the match as the action changes the packet. False: it cannot apply. */
static bool
follow(struct match *m, const struct action *a)
{
    bool possible = true;
    switch (a->type) {
    case ACTION_PUSH_VLAN:
        m->value.vlan_vid |= to_be16(VLAN_PRESENT);
        m->mask.vlan_vid |= to_be16(VLAN_PRESENT);
        break;
    case ACTION_POP_VLAN:
        possible = follow_pop_vlan(m);
        break;
    case ACTION_PUSH_MPLS:
    case ACTION_PUSH_PBB:
        set_type(m, a->eth_type);
        break;
    case ACTION_POP_MPLS:
        possible = !is_known_not(m, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MULTICAST);
        set_type(m, a->eth_type);
        break;
    case ACTION_POP_PBB:
        possible = !is_known_not(m, ETH_TYPE_PBB, ETH_TYPE_PBB);
        set_type(m, 0);
        break;
    case ACTION_PUSH_REDUNDANCY:
        if (a->eth_type == ETH_TYPE_HSR)
            set_type(m, ETH_TYPE_HSR);
        break;
    case ACTION_DISCARD: /* what is behind an HSR tag is not known */
        if (a->eth_type == ETH_TYPE_HSR)
            set_type(m, 0);
        break;
    case ACTION_SET_MPLS_TTL:
    case ACTION_DEC_MPLS_TTL:
        possible = !is_known_not(m, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MULTICAST);
        break;
    case ACTION_SET_NW_TTL:
    case ACTION_DEC_NW_TTL:
        possible = !is_known_not(m, ETH_TYPE_IPV4, ETH_TYPE_IPV6);
        break;
    case ACTION_SET_FIELD:
        possible = follow_set_field(m, a);
        break;
    }
    return possible;
}

static void
follow_all(struct decoder *d, struct cursor *c, size_t offset, struct match *m,
           const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        if (!follow(m, a)) {
            decode_fail(d, c, offset, ERR_CONFLICT, OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT,
                        a->type == ACTION_SET_FIELD ? field_table[a->field].name : "actions");
            return;
        }
    }
}

void
check_actions(struct decoder *d, struct cursor *c, size_t offset, const struct actions *actions,
              bool packet_out)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        if (a->type == ACTION_OUTPUT && a->id == PORT_TABLE && !packet_out) {
            decode_fail(d, c, offset, ERR_INVALID, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT,
                        "output:TABLE"); /* section 4.5: only in packet-out */
            return;
        }
    }
}

void
check_flow(struct decoder *d, struct cursor *c, size_t offset, const struct flow *flow)
{
    if (c->err)
        return;
    if (flow->has_goto && (flow->goto_table > TABLE_MAX ||
                           (flow->table_id != TABLE_ALL && flow->goto_table <= flow->table_id)))
        decode_fail(d, c, offset, ERR_INVALID, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID,
                    "goto_table");
    check_actions(d, c, offset, &flow->apply, false);
    check_actions(d, c, offset, &flow->write, false);
    struct match match = flow->match;
    follow_all(d, c, offset, &match, &flow->apply);

    struct actions set = {.n = flow->write.n};
    if (!set.n || c->err)
        return;
    set.list = arena_memdup(d->arena, flow->write.list, set.n * sizeof *set.list);
    if (!set.list) {
        cursor_fail(c, ERR_LIMIT, "memory");
        return;
    }
    openflow_canonical_action_set(&set);
    follow_all(d, c, offset, &match, &set);
}
