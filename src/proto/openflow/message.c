/* message.c - the message types: one row each, and what they have in common. */
#include "proto/openflow/wire.h"

static const struct openflow_layout empty_layout;

static const struct row {
    uint32_t type; /* enum openflow_type */
    const char *name;
    uint8_t direction; /* enum openflow_direction */
    bool bundled;
    const struct openflow_layout *layout;
} table[] = {
    {OFPT_HELLO, "HELLO", OPENFLOW_BOTH_WAYS, false, &hello_layout},
    {OFPT_ERROR, "ERROR", OPENFLOW_BOTH_WAYS, false, &error_layout},
    {OFPT_ECHO_REQUEST, "ECHO_REQUEST", OPENFLOW_BOTH_WAYS, false, &echo_layout},
    {OFPT_ECHO_REPLY, "ECHO_REPLY", OPENFLOW_BOTH_WAYS, false, &echo_layout},
    {OFPT_EXPERIMENTER, "EXPERIMENTER", OPENFLOW_BOTH_WAYS, false, &experimenter_layout},
    {OFPT_FEATURES_REQUEST, "FEATURES_REQUEST", OPENFLOW_TO_SWITCH, false, &empty_layout},
    {OFPT_FEATURES_REPLY, "FEATURES_REPLY", OPENFLOW_TO_CONTROLLER, false, &features_layout},
    {OFPT_GET_CONFIG_REQUEST, "GET_CONFIG_REQUEST", OPENFLOW_TO_SWITCH, false, &empty_layout},
    {OFPT_GET_CONFIG_REPLY, "GET_CONFIG_REPLY", OPENFLOW_TO_CONTROLLER, false, &config_layout},
    {OFPT_SET_CONFIG, "SET_CONFIG", OPENFLOW_TO_SWITCH, true, &set_config_layout},
    {OFPT_PACKET_IN, "PACKET_IN", OPENFLOW_TO_CONTROLLER, false, &packet_in_layout},
    {OFPT_FLOW_REMOVED, "FLOW_REMOVED", OPENFLOW_TO_CONTROLLER, false, &flow_removed_layout},
    {OFPT_PORT_STATUS, "PORT_STATUS", OPENFLOW_TO_CONTROLLER, false, &port_status_layout},
    {OFPT_PACKET_OUT, "PACKET_OUT", OPENFLOW_TO_SWITCH, true, &packet_out_layout},
    {OFPT_FLOW_MOD, "FLOW_MOD", OPENFLOW_TO_SWITCH, true, &flow_mod_layout},
    {OFPT_GROUP_MOD, "GROUP_MOD", OPENFLOW_TO_SWITCH, true, &group_mod_layout},
    {OFPT_PORT_MOD, "PORT_MOD", OPENFLOW_TO_SWITCH, true, &port_mod_layout},
    {OFPT_TABLE_MOD, "TABLE_MOD", OPENFLOW_TO_SWITCH, true, &table_mod_layout},
    {OFPT_MULTIPART_REQUEST, "MULTIPART_REQUEST", OPENFLOW_TO_SWITCH, false,
     &multipart_request_layout},
    {OFPT_MULTIPART_REPLY, "MULTIPART_REPLY", OPENFLOW_TO_CONTROLLER, false,
     &multipart_reply_layout},
    {OFPT_BARRIER_REQUEST, "BARRIER_REQUEST", OPENFLOW_TO_SWITCH, false, &empty_layout},
    {OFPT_BARRIER_REPLY, "BARRIER_REPLY", OPENFLOW_TO_CONTROLLER, false, &empty_layout},
    {OFPT_QUEUE_GET_CONFIG_REQUEST, "QUEUE_GET_CONFIG_REQUEST", OPENFLOW_TO_SWITCH, false,
     &queue_config_request_layout},
    {OFPT_QUEUE_GET_CONFIG_REPLY, "QUEUE_GET_CONFIG_REPLY", OPENFLOW_TO_CONTROLLER, false,
     &queue_config_layout},
    {OFPT_ROLE_REQUEST, "ROLE_REQUEST", OPENFLOW_TO_SWITCH, false, &role_request_layout},
    {OFPT_ROLE_REPLY, "ROLE_REPLY", OPENFLOW_TO_CONTROLLER, false, &role_layout},
    {OFPT_GET_ASYNC_REQUEST, "GET_ASYNC_REQUEST", OPENFLOW_TO_SWITCH, false, &empty_layout},
    {OFPT_GET_ASYNC_REPLY, "GET_ASYNC_REPLY", OPENFLOW_TO_CONTROLLER, false, &async_layout},
    {OFPT_SET_ASYNC, "SET_ASYNC", OPENFLOW_TO_SWITCH, true, &async_layout},
    {OFPT_METER_MOD, "METER_MOD", OPENFLOW_TO_SWITCH, true, &meter_mod_layout},
    {ONFT_FLOW_MONITOR_CANCEL, "FLOW_MONITOR_CANCEL", OPENFLOW_TO_SWITCH, false,
     &monitor_cancel_layout},
    {ONFT_FLOW_MONITOR_PAUSED, "FLOW_MONITOR_PAUSED", OPENFLOW_TO_CONTROLLER, false, &empty_layout},
    {ONFT_FLOW_MONITOR_RESUMED, "FLOW_MONITOR_RESUMED", OPENFLOW_TO_CONTROLLER, false,
     &empty_layout},
    {ONFT_BUNDLE_CONTROL, "BUNDLE_CONTROL", OPENFLOW_BOTH_WAYS, false, &bundle_control_layout},
    {ONFT_BUNDLE_ADD_MESSAGE, "BUNDLE_ADD_MESSAGE", OPENFLOW_TO_SWITCH, false, &bundle_add_layout},
};

#define N_STANDARD (OFPT_METER_MOD + 1) /* rows found by their number */
#define EXPERIMENTER_HEADER_SIZE 8
#define ERROR_DATA_MAX 64

static const struct row *
find_row(uint32_t type)
{
    if (type < N_STANDARD)
        return &table[type];
    for (size_t i = N_STANDARD; i < ARRAY_SIZE(table); i++) {
        if (table[i].type == type)
            return &table[i];
    }
    return NULL;
}

bool
openflow_type_info(uint32_t type, struct openflow_type_info *info)
{
    const struct row *row = find_row(type);
    if (!row)
        return false;
    size_t size = OPENFLOW_HEADER_SIZE + layout_wire_size(row->layout);
    if (type >= N_STANDARD)
        size += EXPERIMENTER_HEADER_SIZE;
    *info = (struct openflow_type_info){row->name, row->direction, row->bundled, (uint16_t)size};
    return true;
}

enum err
openflow_frame(const uint8_t *data, size_t available, size_t limit, size_t *size)
{
    if (available < OPENFLOW_HEADER_SIZE)
        return ERR_TRUNCATED;
    size_t length = get_be16(data + 2);
    if (length < OPENFLOW_HEADER_SIZE)
        return ERR_MALFORMED;
    if (length > limit)
        return ERR_LIMIT;
    if (length > available)
        return ERR_TRUNCATED;
    *size = length;
    return ERR_OK;
}

struct header
decode_header(struct decoder *d, struct cursor *c)
{
    struct header header = {0};
    size_t offset = cursor_offset(c), size = cursor_left(c);
    header.version = cursor_u8(c, "version");
    header.type = cursor_u8(c, "type");
    uint16_t length = cursor_be16(c, "length");
    header.xid = cursor_be32(c, "xid");
    d->xid = header.xid;
    if (length != size)
        decode_fail(d, c, offset + 2, ERR_MALFORMED, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "length");
    /* These two come before a version is agreed on, and are alike in all of them. */
    if (header.version != OPENFLOW_VERSION && header.type != OFPT_HELLO &&
        header.type != OFPT_ERROR)
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION,
                    "version");
    return header;
}

/* An experimenter message that we know has a row of its own; its header is then read. */
static const struct row *
find_experimenter(struct cursor *c)
{
    if (cursor_left(c) < EXPERIMENTER_HEADER_SIZE || get_be32(c->pos) != ONF_EXPERIMENTER_ID)
        return NULL;
    uint32_t exp_type = get_be32(c->pos + 4);
    const struct row *row = exp_type > UINT16_MAX ? NULL : find_row(0x10000 + exp_type);
    if (row)
        cursor_skip(c, EXPERIMENTER_HEADER_SIZE, "experimenter");
    return row;
}

void
decode_message(struct decoder *d, struct cursor *c, struct openflow_message *message)
{
    size_t offset = cursor_offset(c);
    struct header header = decode_header(d, c);
    const struct row *row = find_row(header.type);
    if (!row)
        decode_fail(d, c, offset + 1, ERR_UNSUPPORTED, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, "type");
    const struct row *known = header.type == OFPT_EXPERIMENTER ? find_experimenter(c) : NULL;
    row = known ? known : row;
    if (c->err) {
        decode_blame(d, c, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
        return;
    }
    message->type = row->type;
    message->xid = header.xid;
    if (row->type == OFPT_HELLO)
        message->hello.version = header.version;
    d->strict = row->direction == OPENFLOW_TO_SWITCH;
    layout_decode(row->layout, d, c, &message->hello);
    if (!c->err && cursor_left(c))
        decode_fail(d, c, cursor_offset(c), ERR_MALFORMED, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
                    "trailing octets");
    decode_blame(d, c, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
}

enum err
decode_explain(const struct decoder *d, const struct cursor *c, const char *message,
               struct openflow_error *error, struct diag *diag)
{
    static const struct openflow_error length = {OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, 0};
    const struct openflow_error *e = d->blamed ? &d->error : &length;
    const char *name = openflow_error_name(e);
    if (error)
        *error = *e;
    return diag_set(diag, c->err, "%s: %s at offset %zu: %s (%s)", message, c->field, c->offset,
                    c->err == ERR_LIMIT ? err_text(c->err) : openflow_error_text(e),
                    name ? name : "?");
}

enum err
openflow_decode(const uint8_t *data, size_t size, struct arena *arena, struct openflow_message *out,
                struct openflow_error *error, struct diag *diag)
{
    struct openflow_message message = {.type = size > 1 ? data[1] : UINT32_MAX};
    struct decoder d = {.arena = arena};
    struct cursor c = cursor_over(data, size);
    decode_message(&d, &c, &message);
    if (c.err) {
        const struct row *row = find_row(message.type);
        return decode_explain(&d, &c, row ? row->name : "message", error, diag);
    }
    *out = message;
    return ERR_OK;
}

void
encode_header(struct encoder *e, uint8_t version, uint8_t type, uint32_t xid)
{
    e->xid = xid;
    buf_u8(e->out, version);
    buf_u8(e->out, type);
    buf_be16(e->out, 0);
    buf_be32(e->out, xid);
}

void
encode_message(struct encoder *e, const struct openflow_message *message)
{
    const struct row *row = find_row(message->type);
    if (!row) {
        encode_fail(e);
        return;
    }
    size_t start = e->out->size;
    bool known = row->type >= N_STANDARD;
    encode_header(e, row->type == OFPT_HELLO ? message->hello.version : OPENFLOW_VERSION,
                  known ? OFPT_EXPERIMENTER : (uint8_t)row->type, message->xid);
    if (known) {
        buf_be32(e->out, ONF_EXPERIMENTER_ID);
        buf_be32(e->out, row->type - 0x10000);
    }
    layout_encode(row->layout, e, &message->hello);
    encode_length(e, start, start + 2);
}

enum err
openflow_encode(const struct openflow_message *message, struct buf *out)
{
    enum err err;
    bool reply = message->type == OFPT_MULTIPART_REPLY;
    if ((reply || message->type == OFPT_MULTIPART_REQUEST) &&
        encode_split(&message->multipart, reply, message->xid, out, &err))
        return err;
    struct encoder e = {.out = out};
    size_t start = out->size;
    encode_message(&e, message);
    err = buf_err(out) ? buf_err(out) : e.err;
    if (err) {
        out->size = start;
        out->overflow = false;
    }
    return err;
}

enum err
openflow_encode_error(const struct openflow_error *error, const struct openflow_data *request,
                      struct buf *out)
{
    struct openflow_message message = {
        .type = OFPT_ERROR,
        .xid = request->size >= OPENFLOW_HEADER_SIZE ? get_be32(request->octets + 4) : 0,
        .error = {*error, {request->octets, MIN(request->size, ERROR_DATA_MAX)}},
    };
    return openflow_encode(&message, out);
}

void
openflow_print(const struct openflow_message *message, struct buf *out)
{
    const struct row *row = find_row(message->type);
    if (!row) {
        buf_printf(out, "type=%u xid=0x%x", message->type, message->xid);
        return;
    }
    buf_printf(out, "%s xid=0x%x", row->name, message->xid);
    layout_print(row->layout, &message->hello, out);
}
