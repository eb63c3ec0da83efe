/* flow.c - flow_mod, flow_removed, packet_in, packet_out (OpenFlow 1.3.5 sections 7.3.4.1, 7.4.1 to
 * 7.4.3, 7.3.7). */
#include "proto/openflow/wire.h"

static const struct wire_name flow_commands[] = {
    {OFPFC_ADD, "add"},
    {OFPFC_MODIFY, "modify"},
    {OFPFC_MODIFY_STRICT, "modify_strict"},
    {OFPFC_DELETE, "delete"},
    {OFPFC_DELETE_STRICT, "delete_strict"},
    {0, NULL},
};

static const struct wire_field flow_mod_fields[] = {
    WIRE(struct openflow_flow_mod, flow.cookie, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_mod, cookie_mask, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_mod, flow.table_id, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_mod, command, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_mod, flow.idle_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_mod, flow.hard_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_mod, flow.priority, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_mod, buffer_id, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_mod, out_port, NULL, WIRE_PORT),
    WIRE(struct openflow_flow_mod, out_group, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_mod, flow.flags, NULL, WIRE_HEX),
    WIRE_SKIP(2),
};

#define FLOW_FLAGS                                                                                 \
    (FLOW_SEND_FLOW_REM | FLOW_CHECK_OVERLAP | FLOW_RESET_COUNTS | FLOW_NO_PKT_COUNTS |            \
     FLOW_NO_BYT_COUNTS)

static bool
is_delete(unsigned command)
{
    return command == OFPFC_DELETE || command == OFPFC_DELETE_STRICT;
}

/* What the fixed part alone tells; -1: nothing wrong. */
static int
flow_mod_flaw(const struct openflow_flow_mod *fm)
{
    if (fm->command > OFPFC_DELETE_STRICT)
        return OFPFMFC_BAD_COMMAND;
    if (fm->flow.flags & ~FLOW_FLAGS)
        return OFPFMFC_BAD_FLAGS;
    if (fm->flow.table_id == TABLE_ALL && !is_delete(fm->command))
        return OFPFMFC_BAD_TABLE_ID; /* section 7.3.4.1: only to delete */
    return -1;
}

/* Section 7.3.4.1: a delete ignores them. */
static void
forget_instructions(struct flow *flow)
{
    flow->has_apply = flow->has_write = flow->has_goto = flow->clear = false;
    flow->apply = flow->write = (struct actions){0};
    flow->meter_id = flow->goto_table = 0;
    flow->metadata = flow->metadata_mask = 0;
}

static void
decode_flow_mod(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_flow_mod *fm = object;
    size_t offset = cursor_offset(c);
    int code = flow_mod_flaw(fm);
    if (code >= 0)
        decode_fail(d, c, layout_offset(&flow_mod_layout, c), ERR_INVALID, OFPET_FLOW_MOD_FAILED,
                    (uint16_t)code, "fixed part");
    decode_rule(d, c, &fm->flow, &fm->foreign);
    if (is_delete(fm->command))
        forget_instructions(&fm->flow);
    else
        check_flow(d, c, offset, &fm->flow);
}

static void
encode_flow_mod(struct encoder *e, const void *object)
{
    const struct openflow_flow_mod *fm = object;
    encode_rule(e, &fm->flow, &fm->foreign, !is_delete(fm->command));
}

static void
print_flow_mod(const void *object, struct buf *out)
{
    const struct openflow_flow_mod *fm = object;
    buf_str(out, " ");
    print_named(fm->command, flow_commands, false, out);
    buf_str(out, " ");
    print_rule(&fm->flow, &fm->foreign, out);
    if (fm->cookie_mask)
        buf_printf(out, " cookie_mask=0x%llx", (unsigned long long)fm->cookie_mask);
    if (fm->buffer_id != NO_BUFFER)
        buf_printf(out, " buffer_id=%u", fm->buffer_id);
    if (is_delete(fm->command) && fm->out_port != PORT_ANY) {
        buf_str(out, " out_port=");
        port_format(fm->out_port, out);
    }
    if (is_delete(fm->command) && fm->out_group != GROUP_ANY)
        buf_printf(out, " out_group=0x%x", fm->out_group);
}

const struct openflow_layout flow_mod_layout = {
    LAYOUT_FIELDS(flow_mod_fields),
    .decode = decode_flow_mod,
    .encode = encode_flow_mod,
    .print = print_flow_mod,
};

static const struct wire_name removed_reasons[] = {
    {OFPRR_IDLE_TIMEOUT, "IDLE_TIMEOUT"},
    {OFPRR_HARD_TIMEOUT, "HARD_TIMEOUT"},
    {OFPRR_DELETE, "DELETE"},
    {OFPRR_GROUP_DELETE, "GROUP_DELETE"},
    {0, NULL},
};

static const struct wire_field flow_removed_fields[] = {
    WIRE(struct openflow_flow_removed, flow.cookie, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_removed, flow.priority, NULL, WIRE_DEC),
    WIRE_NAMED(struct openflow_flow_removed, reason, "reason", WIRE_DEC, removed_reasons),
    WIRE(struct openflow_flow_removed, flow.table_id, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_removed, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_removed, duration_ns, "duration", WIRE_DURATION),
    WIRE(struct openflow_flow_removed, flow.idle_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_removed, flow.hard_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_removed, packets, "packets", WIRE_COUNT),
    WIRE(struct openflow_flow_removed, octets, "octets", WIRE_COUNT),
};

/* A match that stands alone: only its own unknowns are foreign. */
static void
decode_lone_match(struct decoder *d, struct cursor *c, struct match *match,
                  struct openflow_foreign *foreign)
{
    struct openflow_data raw = {0};
    decode_match(d, c, match, &raw);
    if (c->err || !(foreign->what = decode_take_foreign(d)))
        return;
    foreign->match = decode_copy(d, c, raw.octets, raw.size);
}

static void
encode_lone_match(struct encoder *e, const struct match *match,
                  const struct openflow_foreign *foreign)
{
    if (foreign->what)
        encode_data(e, &foreign->match);
    else
        encode_match(e, match);
}

static void
decode_flow_removed(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_flow_removed *fr = object;
    decode_lone_match(d, c, &fr->flow.match, &fr->foreign);
}

static void
encode_flow_removed(struct encoder *e, const void *object)
{
    const struct openflow_flow_removed *fr = object;
    encode_lone_match(e, &fr->flow.match, &fr->foreign);
}

static void
print_flow_removed(const void *object, struct buf *out)
{
    const struct openflow_flow_removed *fr = object;
    buf_printf(out, " table=%u,priority=%u,cookie=0x%llx ", fr->flow.table_id, fr->flow.priority,
               (unsigned long long)fr->flow.cookie);
    match_format(&fr->flow.match, out);
    if (fr->flow.idle_timeout)
        buf_printf(out, " idle_timeout=%u", fr->flow.idle_timeout);
    if (fr->flow.hard_timeout)
        buf_printf(out, " hard_timeout=%u", fr->flow.hard_timeout);
    fields_print(flow_removed_fields, ARRAY_SIZE(flow_removed_fields), fr, out);
    print_foreign(&fr->foreign, out);
}

const struct openflow_layout flow_removed_layout = {
    LAYOUT_FIELDS(flow_removed_fields),
    .decode = decode_flow_removed,
    .encode = encode_flow_removed,
    .print = print_flow_removed,
};

static const struct wire_name packet_in_reasons[] = {
    {OFPR_NO_MATCH, "NO_MATCH"},
    {OFPR_ACTION, "ACTION"},
    {OFPR_INVALID_TTL, "INVALID_TTL"},
    {0, NULL},
};

static const struct wire_field packet_in_fields[] = {
    WIRE_NAMED(struct openflow_packet_in, buffer_id, "buffer_id", WIRE_DEC, wire_buffer_names),
    WIRE(struct openflow_packet_in, total_len, "total_len", WIRE_DEC),
    WIRE_NAMED(struct openflow_packet_in, reason, "reason", WIRE_DEC, packet_in_reasons),
    WIRE(struct openflow_packet_in, table_id, "table_id", WIRE_DEC),
    WIRE(struct openflow_packet_in, cookie, "cookie", WIRE_HEX),
};

static void
decode_packet_in(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_packet_in *pi = object;
    decode_lone_match(d, c, &pi->match, &pi->foreign);
    cursor_skip(c, 2, "padding"); /* so that the IP header is aligned to 4 */
    pi->packet = decode_rest(d, c);
}

static void
encode_packet_in(struct encoder *e, const void *object)
{
    const struct openflow_packet_in *pi = object;
    encode_lone_match(e, &pi->match, &pi->foreign);
    buf_zero(e->out, 2);
    encode_data(e, &pi->packet);
}

static void
print_packet_in(const void *object, struct buf *out)
{
    const struct openflow_packet_in *pi = object;
    fields_print(packet_in_fields, ARRAY_SIZE(packet_in_fields), pi, out);
    buf_str(out, " ");
    match_format(&pi->match, out);
    print_foreign(&pi->foreign, out);
    buf_str(out, " packet=");
    print_data(&pi->packet, out);
}

const struct openflow_layout packet_in_layout = {
    LAYOUT_FIELDS(packet_in_fields),
    .decode = decode_packet_in,
    .encode = encode_packet_in,
    .print = print_packet_in,
};

static const struct wire_field packet_out_fields[] = {
    WIRE_NAMED(struct openflow_packet_out, buffer_id, "buffer_id", WIRE_DEC, wire_buffer_names),
    WIRE(struct openflow_packet_out, in_port, "in_port", WIRE_PORT),
};

static bool
is_bad_source(uint32_t port)
{
    return !port_is_real(port) && port != PORT_CONTROLLER && port != PORT_LOCAL && port != PORT_ANY;
}

static void
decode_packet_out(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_packet_out *po = object;
    size_t start = layout_offset(&packet_out_layout, c);
    uint16_t size = cursor_be16(c, "actions_len");
    cursor_skip(c, 6, "padding");
    size_t offset = cursor_offset(c);
    struct cursor actions = cursor_split(c, size, "actions");
    decode_blame(d, c, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
    if (is_bad_source(po->in_port))
        decode_fail(d, c, start + 4, ERR_INVALID, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "in_port");
    decode_actions(d, &actions, &po->actions);
    decode_end(d, c, &actions, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
    check_actions(d, c, offset, &po->actions, true);
    po->packet = decode_rest(d, c);
    if (po->buffer_id == NO_BUFFER && po->packet.size < 14) /* no Ethernet header */
        decode_fail(d, c, cursor_offset(c), ERR_TRUNCATED, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET,
                    "packet");
}

static void
encode_packet_out(struct encoder *e, const void *object)
{
    const struct openflow_packet_out *po = object;
    size_t at = e->out->size;
    buf_zero(e->out, 8);
    encode_actions(e, &po->actions);
    encode_length(e, at + 8, at);
    encode_data(e, &po->packet);
}

static void
print_packet_out(const void *object, struct buf *out)
{
    const struct openflow_packet_out *po = object;
    fields_print(packet_out_fields, ARRAY_SIZE(packet_out_fields), po, out);
    buf_str(out, " actions=");
    actions_format(&po->actions, out);
    if (po->packet.size) {
        buf_str(out, " packet=");
        print_data(&po->packet, out);
    }
}

const struct openflow_layout packet_out_layout = {
    LAYOUT_FIELDS(packet_out_fields),
    .decode = decode_packet_out,
    .encode = encode_packet_out,
    .print = print_packet_out,
};
