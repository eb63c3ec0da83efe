#include "edge/datapath_internal.h"
#include "packet/redundancy.h"

static bool
output_is_valid(uint32_t port)
{
    return port_is_real(port) || port == PORT_IN_PORT || port == PORT_TABLE || port == PORT_FLOOD ||
           port == PORT_ALL || port == PORT_CONTROLLER || port == PORT_LOCAL;
}

/* What is known of a packet's headers after some actions, for the prerequisites of the next. */
struct headers {
    struct match match;
    bool unknown; /* a popped header uncovered what nobody can know beforehand */
};

static void
forget(struct headers *h, uint16_t eth_type)
{
    struct match fresh = MATCH_ANY;
    h->match = fresh;
    if (eth_type)
        match_set(&h->match, FIELD_ETH_TYPE, eth_type);
}

static void
follow_action(struct headers *h, const struct action *a)
{
    uint64_t *vlan_value = &h->match.value.words[3], *vlan_mask = &h->match.mask.words[3];
    struct flow_key tci = {.vlan_vid = 0xffff};
    switch (a->type) {
    case ACTION_PUSH_VLAN:
        *vlan_value &= ~tci.words[3];
        *vlan_mask &= ~tci.words[3];
        match_set_masked(&h->match, FIELD_VLAN_VID, VLAN_PRESENT, VLAN_PRESENT);
        break;
    case ACTION_POP_VLAN: /* another may be below: unknown, not absent */
        *vlan_value &= ~tci.words[3];
        *vlan_mask &= ~tci.words[3];
        break;
    case ACTION_PUSH_MPLS:
    case ACTION_PUSH_PBB:
    case ACTION_POP_MPLS:
        forget(h, a->eth_type);
        h->unknown |= a->type == ACTION_POP_MPLS;
        break;
    case ACTION_POP_PBB:
        forget(h, 0);
        h->unknown = true;
        break;
    case ACTION_PUSH_REDUNDANCY:
        if (a->eth_type == ETH_TYPE_HSR)
            forget(h, ETH_TYPE_HSR);
        break;
    case ACTION_DISCARD:
        if (a->eth_type == ETH_TYPE_HSR) {
            forget(h, 0);
            h->unknown = true;
        }
        break;
    case ACTION_SET_FIELD:
        if (a->field == FIELD_ETH_TYPE)
            forget(h, get_be16(a->value));
        if (a->field == FIELD_IP_PROTO)
            h->unknown = true;
        break;
    default:
        break;
    }
}

static struct dp_error
check_set_field(const struct action *a, const struct headers *h)
{
    const struct field_info *info = field_info(a->field);
    if (!info || !info->settable)
        return failed(BAD_ACTION, BAC_BAD_SET_TYPE);
    if (h && !h->unknown && !match_allows(&h->match, a->field))
        return failed(BAD_ACTION, BAC_MATCH_INCONSISTENT);
    return DP_OK;
}

static struct dp_error
check_tag(const struct action *a)
{
    bool ok = a->type == ACTION_PUSH_VLAN
                  ? a->eth_type == ETH_TYPE_VLAN || a->eth_type == ETH_TYPE_SVLAN
              : a->type == ACTION_PUSH_MPLS
                  ? a->eth_type == ETH_TYPE_MPLS || a->eth_type == ETH_TYPE_MPLS_MULTICAST
                  : a->eth_type == ETH_TYPE_PBB;
    return ok ? DP_OK : failed(BAD_ACTION, BAC_BAD_ARGUMENT);
}

static struct dp_error
check_action(const struct datapath *dp, const struct action *a, const struct headers *h)
{
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        return output_is_valid(a->id) ? DP_OK : failed(BAD_ACTION, BAC_BAD_OUT_PORT);
    case ACTION_GROUP:
        return idmap_get(&dp->groups, a->id) ? DP_OK : failed(BAD_ACTION, BAC_BAD_OUT_GROUP);
    case ACTION_SET_QUEUE:
        return a->id < N_QUEUES ? DP_OK : failed(BAD_ACTION, BAC_BAD_QUEUE);
    case ACTION_SET_FIELD:
        return check_set_field(a, h);
    case ACTION_PUSH_VLAN:
    case ACTION_PUSH_MPLS:
    case ACTION_PUSH_PBB:
        return check_tag(a);
    case ACTION_SEQUENCE:
    case ACTION_DISCARD:
        return redundancy_prepare(dp->redundancy, a) ? DP_OK : failed(BAD_ACTION, BAC_TOO_MANY);
    default:
        return DP_OK;
    }
}

struct dp_error
datapath_check_actions(const struct datapath *dp, const struct actions *actions,
                       const struct match *match)
{
    struct headers h = {.unknown = !match};
    if (match)
        h.match = *match;
    for (uint32_t i = 0; i < actions->n; i++) {
        struct dp_error e = check_action(dp, &actions->list[i], &h);
        if (dp_failed(e))
            return e;
        follow_action(&h, &actions->list[i]);
    }
    return DP_OK;
}

/* Section 5.10: the order of an action set. */
static int
set_rank(const struct action *a)
{
    static const uint8_t order[] = {
        ACTION_DISCARD,      ACTION_COPY_TTL_IN,  ACTION_POP_VLAN,   ACTION_POP_MPLS,
        ACTION_POP_PBB,      ACTION_PUSH_MPLS,    ACTION_PUSH_PBB,   ACTION_PUSH_VLAN,
        ACTION_COPY_TTL_OUT, ACTION_DEC_MPLS_TTL, ACTION_DEC_NW_TTL, ACTION_SET_MPLS_TTL,
        ACTION_SET_NW_TTL,
    };
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if (order[i] == a->type)
            return (int)i;
    }
    switch (a->type) {
    case ACTION_SET_FIELD:
        return 100 + a->field;
    case ACTION_SEQUENCE: /* the tags stand around what the others made of the packet */
        return 200;
    case ACTION_PUSH_REDUNDANCY:
        return 201;
    case ACTION_SET_QUEUE:
        return 202;
    case ACTION_GROUP:
        return 203;
    default:
        return 204; /* output */
    }
}

void
action_set_order(const struct actions *written, struct actions *ordered)
{
    *ordered = (struct actions){0};
    for (uint32_t i = 0; i < written->n; i++) {
        const struct action *a = &written->list[i];
        uint32_t at = 0;
        while (at < ordered->n && set_rank(&ordered->list[at]) < set_rank(a))
            at++;
        if (at == ordered->n || set_rank(&ordered->list[at]) != set_rank(a)) {
            actions_add(ordered, a->type);
            memmove(&ordered->list[at + 1], &ordered->list[at],
                    (ordered->n - 1 - at) * sizeof *ordered->list);
        }
        ordered->list[at] = *a;
    }
    /* "If both an output action and a group action are specified, the output action is ignored." */
    if (ordered->n >= 2 && ordered->list[ordered->n - 1].type == ACTION_OUTPUT &&
        ordered->list[ordered->n - 2].type == ACTION_GROUP)
        ordered->n--;
}
