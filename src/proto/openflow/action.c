/* action.c - actions (OpenFlow 1.3.5 section 7.2.5), by one row per type. */
#include "packet/redundancy.h"
#include "proto/openflow/wire.h"

#define ACTION_EXPERIMENTER 0xffff

enum action_form {
    FORM_ABSENT, /* no such type */
    FORM_NONE,   /* four octets of padding */
    FORM_OUTPUT,
    FORM_ID,   /* a queue or a group */
    FORM_TTL,  /* one octet */
    FORM_TYPE, /* an EtherType */
    FORM_SET_FIELD,
    FORM_REDUNDANCY, /* our own */
};

static const struct action_row {
    const char *name;
    uint8_t form; /* enum action_form */
} action_table[] = {
    [ACTION_OUTPUT] = {"output", FORM_OUTPUT},
    [ACTION_COPY_TTL_OUT] = {"copy_ttl_out", FORM_NONE},
    [ACTION_COPY_TTL_IN] = {"copy_ttl_in", FORM_NONE},
    [ACTION_SET_MPLS_TTL] = {"set_mpls_ttl", FORM_TTL},
    [ACTION_DEC_MPLS_TTL] = {"dec_mpls_ttl", FORM_NONE},
    [ACTION_PUSH_VLAN] = {"push_vlan", FORM_TYPE},
    [ACTION_POP_VLAN] = {"pop_vlan", FORM_NONE},
    [ACTION_PUSH_MPLS] = {"push_mpls", FORM_TYPE},
    [ACTION_POP_MPLS] = {"pop_mpls", FORM_TYPE},
    [ACTION_SET_QUEUE] = {"set_queue", FORM_ID},
    [ACTION_GROUP] = {"group", FORM_ID},
    [ACTION_SET_NW_TTL] = {"set_nw_ttl", FORM_TTL},
    [ACTION_DEC_NW_TTL] = {"dec_nw_ttl", FORM_NONE},
    [ACTION_SET_FIELD] = {"set_field", FORM_SET_FIELD},
    [ACTION_PUSH_PBB] = {"push_pbb", FORM_TYPE},
    [ACTION_POP_PBB] = {"pop_pbb", FORM_NONE},
    [ACTION_SEQUENCE] = {"sequence", FORM_REDUNDANCY},
    [ACTION_PUSH_REDUNDANCY] = {"push_redundancy", FORM_REDUNDANCY},
    [ACTION_DISCARD] = {"discard", FORM_REDUNDANCY},
};

static const struct action_row *
find_action(unsigned type)
{
    if (type >= ARRAY_SIZE(action_table) || !action_table[type].name)
        return NULL;
    return &action_table[type];
}

static bool
is_bad_port(uint32_t port)
{
    return !port_is_real(port) && (port < PORT_IN_PORT || port == PORT_ANY);
}

/* The tags that a push may add (section 5.9). A pop names what is behind, which may be anything. */
static bool
is_bad_tag(const struct action *a)
{
    switch (a->type) {
    case ACTION_PUSH_VLAN:
        return a->eth_type != ETH_TYPE_VLAN && a->eth_type != ETH_TYPE_SVLAN;
    case ACTION_PUSH_MPLS:
        return a->eth_type != ETH_TYPE_MPLS && a->eth_type != ETH_TYPE_MPLS_MULTICAST;
    case ACTION_PUSH_PBB:
        return a->eth_type != ETH_TYPE_PBB;
    }
    return false;
}

/* Members that the action does not use are 0. */
static bool
is_bad_redundancy(const struct action *a)
{
    bool prp = a->eth_type == ETH_TYPE_PRP, hsr = a->eth_type == ETH_TYPE_HSR;
    bool lan = a->lan == PRP_LAN_A || a->lan == PRP_LAN_B;
    switch (a->type) {
    case ACTION_SEQUENCE:
        return a->eth_type || a->lan;
    case ACTION_PUSH_REDUNDANCY:
        return a->id || !((prp && lan) || (hsr && a->lan <= 15));
    case ACTION_DISCARD:
        return (!prp && !hsr) || (a->lan && !lan);
    }
    return false;
}

/* What is wrong with the action's values, as a code of OFPET_BAD_ACTION; -1: nothing. */
static int
action_flaw(const struct action *a)
{
    if (a->type == ACTION_OUTPUT && is_bad_port(a->id))
        return OFPBAC_BAD_OUT_PORT;
    if (a->type == ACTION_GROUP && a->id > GROUP_MAX)
        return OFPBAC_BAD_OUT_GROUP;
    if (a->type == ACTION_SET_QUEUE && a->id == QUEUE_ALL)
        return OFPBAC_BAD_QUEUE;
    if (is_bad_tag(a) || is_bad_redundancy(a))
        return OFPBAC_BAD_ARGUMENT;
    return -1;
}

/* The 4 octets behind the header, and more for output and set-field. */
static void
decode_form(struct decoder *d, struct cursor *c, uint8_t form, struct action *a)
{
    switch ((enum action_form)form) {
    case FORM_OUTPUT:
        a->id = cursor_be32(c, "port");
        a->max_len = cursor_be16(c, "max_len");
        cursor_skip(c, 6, "padding");
        break;
    case FORM_ID:
        a->id = cursor_be32(c, "id");
        break;
    case FORM_TTL:
        a->ttl = cursor_u8(c, "ttl");
        cursor_skip(c, 3, "padding");
        break;
    case FORM_TYPE:
        a->eth_type = cursor_be16(c, "ethertype");
        cursor_skip(c, 2, "padding");
        break;
    case FORM_SET_FIELD:
        decode_set_field(d, c, a);
        break;
    case FORM_REDUNDANCY:
        a->eth_type = cursor_be16(c, "ethertype");
        a->id = cursor_be32(c, "stream");
        a->lan = cursor_u8(c, "lan");
        cursor_skip(c, 7, "padding");
        break;
    default:
        cursor_skip(c, 4, "padding");
    }
}

/* The type as we number it: our own are behind their experimenter's number. */
static unsigned
read_type(struct cursor *c)
{
    unsigned type = cursor_be16(c, "action type");
    cursor_skip(c, 2, "action length");
    if (type != ACTION_EXPERIMENTER)
        return type < ACTION_SEQUENCE ? type : UINT16_MAX - 1;
    uint32_t experimenter = cursor_be32(c, "experimenter");
    unsigned subtype = experimenter == TIELINE_EXPERIMENTER_ID ? cursor_be16(c, "subtype") : 0;
    return subtype >= 1 && subtype <= ACTION_LAST - ACTION_SEQUENCE + 1u
               ? ACTION_SEQUENCE - 1u + subtype
               : ACTION_EXPERIMENTER;
}

static void
decode_action(struct decoder *d, struct cursor *c, struct action *a)
{
    size_t offset = cursor_offset(c);
    unsigned type = read_type(c);
    const struct action_row *row = find_action(type);
    if (!row) {
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_BAD_ACTION,
                    type == ACTION_EXPERIMENTER ? OFPBAC_BAD_EXPERIMENTER : OFPBAC_BAD_TYPE,
                    "action");
        return;
    }
    a->type = (uint8_t)type;
    decode_form(d, c, row->form, a);
    int code = c->err ? -1 : action_flaw(a);
    if (code >= 0)
        decode_fail(d, c, offset, ERR_INVALID, OFPET_BAD_ACTION, (uint16_t)code, row->name);
}

/* Octets of the action at the cursor; 0 if they are not all there or not a multiple of 8. */
static size_t
action_size(const struct cursor *c)
{
    size_t left = cursor_left(c);
    size_t size = left >= 8 ? get_be16(c->pos + 2) : 0;
    return size < 8 || size % 8 || size > left ? 0 : size;
}

static uint32_t
count_actions(const struct cursor *c)
{
    struct cursor ahead = *c;
    uint32_t n = 0;
    for (size_t size; (size = action_size(&ahead)); n++)
        cursor_skip(&ahead, size, "action");
    return n;
}

void
decode_actions(struct decoder *d, struct cursor *c, struct actions *actions)
{
    uint32_t n = count_actions(c);
    *actions = (struct actions){0};
    if (n && !(actions->list = decode_alloc(d, c, n, sizeof *actions->list))) {
        decode_blame(d, c, OFPET_BAD_ACTION, OFPBAC_TOO_MANY);
        return;
    }
    while (cursor_left(c)) {
        size_t size = action_size(c);
        if (!size) {
            decode_fail(d, c, cursor_offset(c), ERR_MALFORMED, OFPET_BAD_ACTION, OFPBAC_BAD_LEN,
                        "action length");
            return;
        }
        struct action action = {0};
        struct cursor part = cursor_split(c, size, "action");
        decode_action(d, &part, &action);
        if (!part.err && part.pos == part.end)
            actions->list[actions->n++] = action;
        decode_end(d, c, &part, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
    }
}

static void
encode_form(struct encoder *e, uint8_t form, const struct action *a)
{
    switch ((enum action_form)form) {
    case FORM_OUTPUT:
        buf_be32(e->out, a->id);
        buf_be16(e->out, a->max_len);
        buf_zero(e->out, 6);
        break;
    case FORM_ID:
        buf_be32(e->out, a->id);
        break;
    case FORM_TTL:
        buf_u8(e->out, a->ttl);
        buf_zero(e->out, 3);
        break;
    case FORM_TYPE:
        buf_be16(e->out, a->eth_type);
        buf_zero(e->out, 2);
        break;
    case FORM_SET_FIELD:
        encode_set_field(e, a);
        break;
    case FORM_REDUNDANCY:
        buf_be32(e->out, TIELINE_EXPERIMENTER_ID);
        buf_be16(e->out, (uint16_t)(a->type - ACTION_SEQUENCE + 1));
        buf_be16(e->out, a->eth_type);
        buf_be32(e->out, a->id);
        buf_u8(e->out, a->lan);
        buf_zero(e->out, 7);
        break;
    default:
        buf_zero(e->out, 4);
    }
}

void
encode_actions(struct encoder *e, const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        const struct action_row *row = find_action(a->type);
        if (!row) {
            encode_fail(e);
            return;
        }
        size_t start = e->out->size;
        buf_be16(e->out, row->form == FORM_REDUNDANCY ? ACTION_EXPERIMENTER : a->type);
        buf_be16(e->out, 0);
        encode_form(e, row->form, a);
        buf_pad(e->out, start, 8);
        encode_length(e, start, start + 2);
    }
}
