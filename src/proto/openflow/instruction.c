/* instruction.c - instructions (OpenFlow 1.3.5 section 7.2.4). */
#include "proto/openflow/wire.h"

static bool
is_bad_meter(uint32_t meter_id)
{
    return meter_id == 0 || meter_id > METER_MAX;
}

static void
decode_write_metadata(struct cursor *c, struct flow *flow)
{
    cursor_skip(c, 4, "padding");
    uint64_t value = cursor_be64(c, "metadata");
    uint64_t mask = cursor_be64(c, "metadata mask");
    if (c->err)
        return;
    flow->metadata = value & mask; /* bits outside the mask have no effect */
    flow->metadata_mask = mask;
}

/* What is behind type and length. Writes nothing to the flow unless all of it is good. */
static void
decode_body(struct decoder *d, struct cursor *c, unsigned type, size_t offset, struct flow *flow)
{
    struct actions actions = {0};
    uint32_t meter_id;
    switch (type) {
    case OFPIT_GOTO_TABLE:
        flow->goto_table = cursor_u8(c, "table_id");
        cursor_skip(c, 3, "padding");
        flow->has_goto = !c->err;
        return;
    case OFPIT_WRITE_METADATA:
        decode_write_metadata(c, flow);
        return;
    case OFPIT_WRITE_ACTIONS:
    case OFPIT_APPLY_ACTIONS:
        cursor_skip(c, 4, "padding");
        decode_actions(d, c, &actions);
        if (type == OFPIT_APPLY_ACTIONS) {
            flow->has_apply = true;
            flow->apply = actions;
        } else {
            flow->has_write = true;
            flow->write = actions;
        }
        return;
    case OFPIT_CLEAR_ACTIONS:
        cursor_skip(c, 4, "padding");
        flow->clear = !c->err;
        return;
    case OFPIT_METER:
        meter_id = cursor_be32(c, "meter_id");
        if (!c->err && is_bad_meter(meter_id))
            decode_fail(d, c, offset, ERR_INVALID, OFPET_METER_MOD_FAILED, OFPMMFC_INVALID_METER,
                        "meter_id");
        else
            flow->meter_id = meter_id;
        return;
    default:
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_BAD_INSTRUCTION,
                    type == OFPIT_EXPERIMENTER ? OFPBIC_BAD_EXPERIMENTER : OFPBIC_UNKNOWN_INST,
                    "instruction");
    }
}

static void
decode_instruction(struct decoder *d, struct cursor *c, struct flow *flow, uint32_t *seen)
{
    size_t offset = cursor_offset(c);
    unsigned type = cursor_be16(c, "instruction type");
    cursor_skip(c, 2, "instruction length");
    if (type <= OFPIT_METER) {
        if (*seen >> type & 1) { /* EXT-260: 1.3 itself has no code for it */
            decode_fail(d, c, offset, ERR_EXISTS, OFPET_EXPERIMENTER, ONFERR_DUP_INSTRUCTION,
                        "instruction");
            d->error.experimenter = ONF_EXPERIMENTER_ID;
            return;
        }
        *seen |= UINT32_C(1) << type;
    }
    decode_body(d, c, type, offset, flow);
}

void
decode_instructions(struct decoder *d, struct cursor *c, struct flow *flow)
{
    uint32_t seen = 0;
    while (cursor_left(c)) {
        size_t left = cursor_left(c);
        size_t size = left >= 8 ? get_be16(c->pos + 2) : 0;
        if (size < 8 || size % 8 || size > left) {
            decode_fail(d, c, cursor_offset(c), ERR_MALFORMED, OFPET_BAD_INSTRUCTION,
                        OFPBIC_BAD_LEN, "instruction length");
            return;
        }
        struct cursor part = cursor_split(c, size, "instruction");
        decode_instruction(d, &part, flow, &seen);
        decode_end(d, c, &part, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN);
    }
}

static size_t
begin(struct encoder *e, uint16_t type)
{
    size_t start = e->out->size;
    buf_be16(e->out, type);
    buf_be16(e->out, 0);
    return start;
}

static void
encode_action_instruction(struct encoder *e, uint16_t type, const struct actions *actions)
{
    size_t start = begin(e, type);
    buf_zero(e->out, 4);
    encode_actions(e, actions);
    encode_length(e, start, start + 2);
}

/* In the order of execution (section 5.9). */
void
encode_instructions(struct encoder *e, const struct flow *flow)
{
    static const struct actions none;
    size_t start;
    if (flow->meter_id) {
        start = begin(e, OFPIT_METER);
        buf_be32(e->out, flow->meter_id);
        encode_length(e, start, start + 2);
    }
    if (flow->has_apply)
        encode_action_instruction(e, OFPIT_APPLY_ACTIONS, &flow->apply);
    if (flow->clear)
        encode_action_instruction(e, OFPIT_CLEAR_ACTIONS, &none);
    if (flow->has_write)
        encode_action_instruction(e, OFPIT_WRITE_ACTIONS, &flow->write);
    if (flow->metadata_mask) {
        start = begin(e, OFPIT_WRITE_METADATA);
        buf_zero(e->out, 4);
        buf_be64(e->out, flow->metadata);
        buf_be64(e->out, flow->metadata_mask);
        encode_length(e, start, start + 2);
    }
    if (flow->has_goto) {
        start = begin(e, OFPIT_GOTO_TABLE);
        buf_u8(e->out, flow->goto_table);
        buf_zero(e->out, 3);
        encode_length(e, start, start + 2);
    }
}

void
decode_rule(struct decoder *d, struct cursor *c, struct flow *flow,
            struct openflow_foreign *foreign)
{
    struct openflow_data match = {0};
    decode_match(d, c, &flow->match, &match);
    struct cursor effect = cursor_split(c, cursor_left(c), "instructions");
    const uint8_t *start = effect.pos;
    decode_instructions(d, &effect, flow);
    decode_end(d, c, &effect, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN);
    if (c->err || !(foreign->what = decode_take_foreign(d)))
        return;
    foreign->match = decode_copy(d, c, match.octets, match.size);
    foreign->effect = decode_copy(d, c, start, (size_t)(effect.end - start));
}

void
encode_rule(struct encoder *e, const struct flow *flow, const struct openflow_foreign *foreign,
            bool effect)
{
    if (foreign->what) {
        encode_data(e, &foreign->match);
        if (effect)
            encode_data(e, &foreign->effect);
        return;
    }
    encode_match(e, &flow->match);
    if (effect)
        encode_instructions(e, flow);
}

void
print_rule(const struct flow *flow, const struct openflow_foreign *foreign, struct buf *out)
{
    flow_format(flow, out);
    if (flow->idle_timeout)
        buf_printf(out, " idle_timeout=%u", flow->idle_timeout);
    if (flow->hard_timeout)
        buf_printf(out, " hard_timeout=%u", flow->hard_timeout);
    if (flow->flags) {
        buf_str(out, " flags=");
        print_bits(flow->flags, wire_flow_flags, out);
    }
    print_foreign(foreign, out);
}
