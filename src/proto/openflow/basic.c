/* basic.c - connection, errors, configuration, roles (OpenFlow 1.3.5 sections 7.5, 7.4.4, 7.3.1,
 * 7.3.2, 7.3.9, 7.3.10). */
#include "proto/openflow/wire.h"

#define OFPHET_VERSIONBITMAP 1

/* Section 7.5.1: unknown elements, and what is not an element at all, are ignored, because a HELLO
 * of a later version must be understood. */
static void
decode_hello(struct decoder *d UNUSED, struct cursor *c, void *object)
{
    struct openflow_hello *hello = object;
    while (cursor_left(c) >= 4) {
        unsigned type = get_be16(c->pos);
        size_t size = get_be16(c->pos + 2);
        if (size < 4 || size > cursor_left(c))
            break;
        if (type == OFPHET_VERSIONBITMAP && size >= 8 && !hello->has_bitmap) {
            hello->has_bitmap = true;
            hello->bitmap = get_be32(c->pos + 4);
        }
        cursor_skip(c, MIN((size + 7) / 8 * 8, cursor_left(c)), "element");
    }
    cursor_skip(c, cursor_left(c), "elements");
}

static void
encode_hello(struct encoder *e, const void *object)
{
    const struct openflow_hello *hello = object;
    if (!hello->has_bitmap)
        return;
    buf_be16(e->out, OFPHET_VERSIONBITMAP);
    buf_be16(e->out, 8);
    buf_be32(e->out, hello->bitmap);
}

static void
print_hello(const void *object, struct buf *out)
{
    const struct openflow_hello *hello = object;
    buf_printf(out, " version=%u", hello->version);
    if (hello->has_bitmap)
        buf_printf(out, " bitmap=0x%x", hello->bitmap);
}

const struct openflow_layout hello_layout = {
    .decode = decode_hello, .encode = encode_hello, .print = print_hello};

static void
decode_error(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_error_msg *msg = object;
    msg->error.type = cursor_be16(c, "error type");
    msg->error.code = cursor_be16(c, "error code");
    if (msg->error.type == OFPET_EXPERIMENTER)
        msg->error.experimenter = cursor_be32(c, "experimenter");
    msg->data = decode_rest(d, c);
}

static void
encode_error(struct encoder *e, const void *object)
{
    const struct openflow_error_msg *msg = object;
    buf_be16(e->out, msg->error.type);
    buf_be16(e->out, msg->error.code);
    if (msg->error.type == OFPET_EXPERIMENTER)
        buf_be32(e->out, msg->error.experimenter);
    encode_data(e, &msg->data);
}

static void
print_error(const void *object, struct buf *out)
{
    const struct openflow_error_msg *msg = object;
    buf_str(out, " ");
    openflow_error_format(&msg->error, out);
    if (msg->error.type != OFPET_HELLO_FAILED) {
        buf_str(out, " data=");
        print_data(&msg->data, out);
        return;
    }
    char text[128];
    size_t length = MIN(msg->data.size, sizeof text - 1);
    if (length)
        memcpy(text, msg->data.octets, length);
    text[length] = '\0';
    buf_str(out, " text=");
    print_text(text, out);
}

const struct openflow_layout error_layout = {
    .decode = decode_error, .encode = encode_error, .print = print_error};

static void
decode_echo(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_data *echo = object;
    *echo = decode_rest(d, c);
}

static void
encode_echo(struct encoder *e, const void *object)
{
    encode_data(e, object);
}

static void
print_echo(const void *object, struct buf *out)
{
    const struct openflow_data *echo = object;
    if (echo->size) {
        buf_str(out, " data=");
        print_data(echo, out);
    }
}

const struct openflow_layout echo_layout = {
    .decode = decode_echo, .encode = encode_echo, .print = print_echo};

static const struct wire_field experimenter_fields[] = {
    WIRE(struct openflow_experimenter, experimenter, "experimenter", WIRE_HEX),
    WIRE(struct openflow_experimenter, exp_type, "exp_type", WIRE_DEC),
};

static void
decode_experimenter(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_experimenter *experimenter = object;
    experimenter->data = decode_rest(d, c);
}

static void
encode_experimenter(struct encoder *e, const void *object)
{
    const struct openflow_experimenter *experimenter = object;
    encode_data(e, &experimenter->data);
}

static void
print_experimenter(const void *object, struct buf *out)
{
    const struct openflow_experimenter *experimenter = object;
    fields_print(experimenter_fields, ARRAY_SIZE(experimenter_fields), experimenter, out);
    buf_str(out, " data=");
    print_data(&experimenter->data, out);
}

const struct openflow_layout experimenter_layout = {
    LAYOUT_FIELDS(experimenter_fields), .size = sizeof(struct openflow_experimenter),
    .decode = decode_experimenter,      .encode = encode_experimenter,
    .print = print_experimenter,
};

static const struct wire_name capabilities[] = {
    {OFPC_FLOW_STATS, "FLOW_STATS"},     {OFPC_TABLE_STATS, "TABLE_STATS"},
    {OFPC_PORT_STATS, "PORT_STATS"},     {OFPC_GROUP_STATS, "GROUP_STATS"},
    {OFPC_IP_REASM, "IP_REASM"},         {OFPC_QUEUE_STATS, "QUEUE_STATS"},
    {OFPC_PORT_BLOCKED, "PORT_BLOCKED"}, {0, NULL},
};

static const struct wire_field features_fields[] = {
    WIRE(struct openflow_features, datapath_id, "datapath_id", WIRE_HEX),
    WIRE(struct openflow_features, n_buffers, "n_buffers", WIRE_DEC),
    WIRE(struct openflow_features, n_tables, "n_tables", WIRE_DEC),
    WIRE(struct openflow_features, auxiliary_id, "auxiliary_id", WIRE_DEC),
    WIRE_SKIP(2),
    WIRE_NAMED(struct openflow_features, capabilities, "capabilities", WIRE_BITS, capabilities),
    WIRE(struct openflow_features, reserved, NULL, WIRE_HEX),
};

const struct openflow_layout features_layout = {LAYOUT_FIELDS(features_fields)};

static const struct wire_name fragment_modes[] = {
    {OFPC_FRAG_NORMAL, "FRAG_NORMAL"},
    {OFPC_FRAG_DROP, "FRAG_DROP"},
    {OFPC_FRAG_REASM, "FRAG_REASM"},
    {0, NULL},
};

static const struct wire_field config_fields[] = {
    WIRE_NAMED(struct openflow_config, flags, "flags", WIRE_HEX, fragment_modes),
    WIRE(struct openflow_config, miss_send_len, "miss_send_len", WIRE_DEC),
};

static void
check_config(struct decoder *d, struct cursor *c, void *object)
{
    const struct openflow_config *config = object;
    if (config->flags > OFPC_FRAG_REASM)
        decode_fail(d, c, layout_offset(&config_layout, c), ERR_INVALID, OFPET_SWITCH_CONFIG_FAILED,
                    OFPSCFC_BAD_FLAGS, "flags");
}

const struct openflow_layout config_layout = {LAYOUT_FIELDS(config_fields)};
const struct openflow_layout set_config_layout = {LAYOUT_FIELDS(config_fields),
                                                  .decode = check_config};

static const struct wire_name roles[] = {
    {OFPCR_ROLE_NOCHANGE, "NOCHANGE"},
    {OFPCR_ROLE_EQUAL, "EQUAL"},
    {OFPCR_ROLE_MASTER, "MASTER"},
    {OFPCR_ROLE_SLAVE, "SLAVE"},
    {0, NULL},
};

static const struct wire_field role_fields[] = {
    WIRE_NAMED(struct openflow_role_msg, role, "role", WIRE_DEC, roles),
    WIRE_SKIP(4),
    WIRE(struct openflow_role_msg, generation_id, "generation_id", WIRE_HEX),
};

static void
check_role(struct decoder *d, struct cursor *c, void *object)
{
    const struct openflow_role_msg *role = object;
    if (role->role > OFPCR_ROLE_SLAVE)
        decode_fail(d, c, layout_offset(&role_layout, c), ERR_INVALID, OFPET_ROLE_REQUEST_FAILED,
                    OFPRRFC_BAD_ROLE, "role");
}

const struct openflow_layout role_layout = {LAYOUT_FIELDS(role_fields)};
const struct openflow_layout role_request_layout = {LAYOUT_FIELDS(role_fields),
                                                    .decode = check_role};

static const struct wire_field async_fields[] = {
    WIRE(struct openflow_async, packet_in[0], "packet_in", WIRE_HEX),
    WIRE(struct openflow_async, packet_in[1], "packet_in_slave", WIRE_HEX),
    WIRE(struct openflow_async, port_status[0], "port_status", WIRE_HEX),
    WIRE(struct openflow_async, port_status[1], "port_status_slave", WIRE_HEX),
    WIRE(struct openflow_async, flow_removed[0], "flow_removed", WIRE_HEX),
    WIRE(struct openflow_async, flow_removed[1], "flow_removed_slave", WIRE_HEX),
};

const struct openflow_layout async_layout = {LAYOUT_FIELDS(async_fields)};
