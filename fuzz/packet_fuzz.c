/* packet_fuzz.c - any frame, parsed and then changed by any sequence of header edits.
 *
 * Input: a count, that many edits of 20 octets, and the frame. Checked besides memory safety: after
 * each edit that says it is done, parsing anew finds the same layout. */
#include "packet/edit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct action
action_from(const uint8_t *in)
{
    static const uint8_t types[] = {
        ACTION_SET_FIELD,    ACTION_SET_FIELD,    ACTION_SET_FIELD,   ACTION_PUSH_VLAN,
        ACTION_POP_VLAN,     ACTION_PUSH_MPLS,    ACTION_POP_MPLS,    ACTION_PUSH_PBB,
        ACTION_POP_PBB,      ACTION_SET_NW_TTL,   ACTION_DEC_NW_TTL,  ACTION_SET_MPLS_TTL,
        ACTION_DEC_MPLS_TTL, ACTION_COPY_TTL_OUT, ACTION_COPY_TTL_IN,
    };
    struct action a = {.type = types[in[0] % sizeof types], .ttl = in[2]};
    a.eth_type = get_be16(in + 2);
    if (a.type == ACTION_PUSH_VLAN) /* codecs let only these through */
        a.eth_type = in[2] & 1 ? ETH_TYPE_VLAN : ETH_TYPE_SVLAN;
    if (a.type == ACTION_PUSH_MPLS)
        a.eth_type = in[2] & 1 ? ETH_TYPE_MPLS : ETH_TYPE_MPLS_MULTICAST;
    if (a.type == ACTION_PUSH_PBB)
        a.eth_type = ETH_TYPE_PBB;
    if (a.type == ACTION_SET_FIELD) {
        a.field = in[1] % FIELD_MAX;
        if (!field_table[a.field].name || !field_table[a.field].settable)
            a.field = FIELD_ETH_DST;
        const struct field_info *info = &field_table[a.field];
        memcpy(a.value, in + 4, info->size);
        if (info->bits % 8) /* no bits beyond the field's width */
            a.value[0] &= (uint8_t)((1 << (info->bits % 8)) - 1);
        if (info->bits < 8 * info->size - 8)
            memset(a.value, 0, (size_t)(info->size - (info->bits + 7) / 8));
    }
    return a;
}

static void
check_layout(const struct packet *p, const struct flow_key *key)
{
    struct flow_key fresh = *key;
    struct packet_layout layout;
    flow_key_parse(&fresh, p->data, p->size, &layout);
    if (layout.l2_5 != p->layout.l2_5 || layout.l3 != p->layout.l3 || layout.l4 != p->layout.l4)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n_edits = size ? data[0] % 16 : 0;
    if (size < 1 + n_edits * 20 || size - 1 - n_edits * 20 > PACKET_ROOM)
        return 0;
    const uint8_t *edits = data + 1, *frame = edits + n_edits * 20;
    struct packet_pool *pool = packet_pool_new(2, 0);
    struct packet *p = packet_new(pool, 0);
    struct flow_key key;
    p->size = (uint32_t)(data + size - frame);
    memcpy(p->data, frame, p->size);
    packet_parse(p, &key);
    for (size_t i = 0; i < n_edits && p->layout.flaw != FLAW_RUNT; i++) {
        struct action a = action_from(edits + i * 20);
        enum edit_result result = packet_edit(p, &key, &a);
        if (result == EDIT_REPARSE)
            packet_parse(p, &key);
        else if (result == EDIT_DONE)
            check_layout(p, &key);
    }
    packet_unref(p);
    packet_pool_free(pool);
    return 0;
}
