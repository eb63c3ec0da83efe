/* monitor.c - flow monitors for OpenFlow 1.3: ONF extension EXT-187, as Open vSwitch 3.1 speaks it.
 *
 * The extension's text has match_len and OXM fields; Open vSwitch puts a whole ofp_match there, and
 * counts its header in match_len. That is what is written here. When reading, both are understood:
 * no OXM field can look like an ofp_match header whose length is match_len. */
#include "proto/openflow/wire.h"

#define OFPMT_OXM 1

/* A match where it stands in the message. */
struct raw_match {
    const uint8_t *octets;
    size_t size;
    bool bare; /* OXM fields, without ofp_match around them */
};

static struct raw_match
decode_monitor_match(struct decoder *d, struct cursor *c, size_t size, struct match *match)
{
    if (size >= 4 && size <= cursor_left(c) && get_be16(c->pos) == OFPMT_OXM &&
        get_be16(c->pos + 2) == size) {
        struct openflow_data whole = {0};
        decode_match(d, c, match, &whole);
        return (struct raw_match){whole.octets, whole.size, false};
    }
    struct cursor fields = cursor_split(c, size, "match");
    cursor_skip(c, MIN((8 - size % 8) % 8, cursor_left(c)), "padding");
    decode_blame(d, c, OFPET_BAD_MATCH, OFPBMC_BAD_LEN);
    decode_oxms(d, &fields, match);
    decode_end(d, c, &fields, OFPET_BAD_MATCH, OFPBMC_BAD_LEN);
    return (struct raw_match){fields.start, size, true};
}

/* As an ofp_match in the arena. */
static struct openflow_data
copy_match(struct decoder *d, struct cursor *c, const struct raw_match *raw)
{
    if (!raw->bare)
        return decode_copy(d, c, raw->octets, raw->size);
    size_t size = raw->size + 4, padded = (size + 7) / 8 * 8;
    uint8_t *octets = decode_alloc(d, c, padded, 1);
    if (!octets)
        return (struct openflow_data){0};
    put_be16(octets, OFPMT_OXM);
    put_be16(octets + 2, (uint16_t)size);
    if (raw->size)
        memcpy(octets + 4, raw->octets, raw->size);
    return (struct openflow_data){octets, padded};
}

/* Returns match_len. */
static size_t
encode_monitor_match(struct encoder *e, const struct match *match)
{
    size_t start = e->out->size;
    encode_match(e, match);
    return start + 4 <= e->out->size ? get_be16(e->out->data + start + 2) : 0;
}

static const struct wire_name monitor_flags[] = {
    {ONFFMF_INITIAL, "INITIAL"},
    {ONFFMF_ADD, "ADD"},
    {ONFFMF_DELETE, "DELETE"},
    {ONFFMF_MODIFY, "MODIFY"},
    {ONFFMF_ACTIONS, "ACTIONS"},
    {ONFFMF_OWN, "OWN"},
    {0, NULL},
};

#define MONITOR_FLAGS                                                                              \
    (ONFFMF_INITIAL | ONFFMF_ADD | ONFFMF_DELETE | ONFFMF_MODIFY | ONFFMF_ACTIONS | ONFFMF_OWN)

/* match_len stands at 6; the tail finds it 10 octets before the match. */
static const struct wire_field request_fields[] = {
    WIRE(struct openflow_monitor_request, id, "id", WIRE_DEC),
    WIRE_NAMED(struct openflow_monitor_request, flags, "flags", WIRE_BITS, monitor_flags),
    WIRE_LENGTH_FIELD,
    WIRE(struct openflow_monitor_request, out_port, "out_port", WIRE_PORT),
    WIRE_NAMED(struct openflow_monitor_request, table_id, "table_id", WIRE_DEC, wire_table_names),
    WIRE_SKIP(3),
};

static void
decode_request(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_monitor_request *request = object;
    if (request->flags & ~MONITOR_FLAGS ||
        !(request->flags & (ONFFMF_ADD | ONFFMF_DELETE | ONFFMF_MODIFY))) {
        decode_fail(d, c, layout_offset(&monitor_request_layout, c) + 4, ERR_INVALID,
                    OFPET_EXPERIMENTER, NXBRC_FM_BAD_FLAGS, "flags");
        d->error.experimenter = NX_EXPERIMENTER_ID;
        return;
    }
    (void)decode_monitor_match(d, c, get_be16(c->pos - 10), &request->match);
}

static void
encode_request(struct encoder *e, const void *object)
{
    const struct openflow_monitor_request *request = object;
    if (buf_err(e->out)) /* the fixed part may not be there */
        return;
    size_t at = e->out->size - 10;
    buf_patch_be16(e->out, at, (uint16_t)encode_monitor_match(e, &request->match));
}

static void
print_request(const void *object, struct buf *out)
{
    const struct openflow_monitor_request *request = object;
    fields_print(request_fields, ARRAY_SIZE(request_fields), request, out);
    buf_str(out, " ");
    match_format(&request->match, out);
}

const struct openflow_layout monitor_request_layout = {
    LAYOUT_FIELDS(request_fields),
    .length_end = 8,
    .length_base = 16,
    .size = sizeof(struct openflow_monitor_request),
    .decode = decode_request,
    .encode = encode_request,
    .print = print_request,
};

static const struct wire_name monitor_events[] = {
    {ONFFME_ADDED, "ADDED"},
    {ONFFME_DELETED, "DELETED"},
    {ONFFME_MODIFIED, "MODIFIED"},
    {ONFFME_ABBREV, "ABBREV"},
    {0, NULL},
};

static const struct wire_field update_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE_NAMED(struct openflow_monitor_update, event, "event", WIRE_DEC, monitor_events),
};

static const struct wire_field full_fields[] = {
    WIRE(struct openflow_monitor_update, reason, "reason", WIRE_DEC),
    WIRE(struct openflow_monitor_update, flow.priority, NULL, WIRE_DEC),
    WIRE(struct openflow_monitor_update, flow.idle_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_monitor_update, flow.hard_timeout, NULL, WIRE_DEC),
    WIRE_LENGTH_FIELD, /* match_len */
    WIRE(struct openflow_monitor_update, flow.table_id, NULL, WIRE_DEC),
    WIRE_SKIP(1),
    WIRE(struct openflow_monitor_update, flow.cookie, NULL, WIRE_HEX),
};

static const struct openflow_layout full_layout = {LAYOUT_FIELDS(full_fields)};

#define MATCH_LEN_BACK 12 /* from the match to match_len */

static void
decode_full(struct decoder *d, struct cursor *c, struct openflow_monitor_update *update)
{
    layout_decode(&full_layout, d, c, update);
    if (c->err)
        return;
    size_t match_len = get_be16(c->pos - MATCH_LEN_BACK);
    struct raw_match match = decode_monitor_match(d, c, match_len, &update->flow.match);
    const uint8_t *start = c->pos;
    struct cursor effect = cursor_split(c, cursor_left(c), "instructions");
    decode_instructions(d, &effect, &update->flow);
    decode_end(d, c, &effect, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN);
    if (c->err || !(update->foreign.what = decode_take_foreign(d)))
        return;
    update->foreign.match = copy_match(d, c, &match);
    update->foreign.effect = decode_copy(d, c, start, (size_t)(effect.end - start));
}

static void
decode_update(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_monitor_update *update = object;
    if (update->event == ONFFME_ABBREV)
        update->xid = cursor_be32(c, "xid");
    else if (update->event < ONFFME_ABBREV)
        decode_full(d, c, update);
    else
        decode_fail(d, c, layout_offset(&monitor_update_layout, c) + 2, ERR_UNSUPPORTED,
                    OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE, "event");
}

static void
encode_full(struct encoder *e, const struct openflow_monitor_update *update)
{
    layout_encode(&full_layout, e, update);
    if (buf_err(e->out))
        return;
    size_t at = e->out->size - MATCH_LEN_BACK;
    if (!update->foreign.what) {
        buf_patch_be16(e->out, at, (uint16_t)encode_monitor_match(e, &update->flow.match));
        encode_instructions(e, &update->flow);
        return;
    }
    const struct openflow_data *match = &update->foreign.match;
    if (match->size >= 4)
        buf_patch_be16(e->out, at, get_be16(match->octets + 2));
    encode_data(e, match);
    encode_data(e, &update->foreign.effect);
}

static void
encode_update(struct encoder *e, const void *object)
{
    const struct openflow_monitor_update *update = object;
    if (update->event == ONFFME_ABBREV)
        buf_be32(e->out, update->xid);
    else if (update->event < ONFFME_ABBREV)
        encode_full(e, update);
    else
        encode_fail(e);
}

static void
print_update(const void *object, struct buf *out)
{
    const struct openflow_monitor_update *update = object;
    fields_print(update_fields, ARRAY_SIZE(update_fields), update, out);
    if (update->event == ONFFME_ABBREV) {
        buf_printf(out, " xid=0x%x", update->xid);
        return;
    }
    if (update->event == ONFFME_DELETED)
        buf_printf(out, " reason=%u", update->reason);
    buf_str(out, " ");
    print_rule(&update->flow, &update->foreign, out);
}

const struct openflow_layout monitor_update_layout = {
    LAYOUT_FIELDS(update_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_monitor_update),
    .decode = decode_update,
    .encode = encode_update,
    .print = print_update,
};

static const struct wire_field cancel_fields[] = {
    {"id", offsetof(struct openflow_message, monitor_id) - offsetof(struct openflow_message, hello),
     sizeof(uint32_t), WIRE_DEC, NULL},
};

const struct openflow_layout monitor_cancel_layout = {LAYOUT_FIELDS(cancel_fields)};
