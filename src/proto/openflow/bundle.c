/* bundle.c - bundles for OpenFlow 1.3: ONF extension EXT-230, as Open vSwitch 3.1 speaks it. Behind
 * the experimenter header its messages are those of OpenFlow 1.4 section 7.3.9. */
#include "proto/openflow/wire.h"

#define BUNDLE_FLAGS (ONF_BF_ATOMIC | ONF_BF_ORDERED)

static const struct wire_name bundle_types[] = {
    {ONF_BCT_OPEN_REQUEST, "OPEN_REQUEST"},
    {ONF_BCT_OPEN_REPLY, "OPEN_REPLY"},
    {ONF_BCT_CLOSE_REQUEST, "CLOSE_REQUEST"},
    {ONF_BCT_CLOSE_REPLY, "CLOSE_REPLY"},
    {ONF_BCT_COMMIT_REQUEST, "COMMIT_REQUEST"},
    {ONF_BCT_COMMIT_REPLY, "COMMIT_REPLY"},
    {ONF_BCT_DISCARD_REQUEST, "DISCARD_REQUEST"},
    {ONF_BCT_DISCARD_REPLY, "DISCARD_REPLY"},
    {0, NULL},
};

static const struct wire_name bundle_flags[] = {
    {ONF_BF_ATOMIC, "ATOMIC"}, {ONF_BF_ORDERED, "ORDERED"}, {0, NULL}};

static void
fail_bundle(struct decoder *d, struct cursor *c, size_t offset, uint16_t code, const char *what)
{
    if (c->err)
        return;
    decode_fail(d, c, offset, ERR_INVALID, OFPET_EXPERIMENTER, code, what);
    d->error.experimenter = ONF_EXPERIMENTER_ID;
}

static const struct wire_field control_fields[] = {
    WIRE(struct openflow_bundle_control, bundle_id, "bundle_id", WIRE_DEC),
    WIRE_NAMED(struct openflow_bundle_control, type, "type", WIRE_DEC, bundle_types),
    WIRE_NAMED(struct openflow_bundle_control, flags, "flags", WIRE_BITS, bundle_flags),
};

static void
decode_control(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_bundle_control *control = object;
    size_t offset = layout_offset(&bundle_control_layout, c);
    if (control->type > ONF_BCT_DISCARD_REPLY)
        fail_bundle(d, c, offset + 4, ONFERR_ET_BAD_TYPE, "type");
    if (control->flags & ~BUNDLE_FLAGS)
        fail_bundle(d, c, offset + 6, ONFERR_ET_BAD_FLAGS, "flags");
    control->properties = decode_rest(d, c);
}

static void
encode_control(struct encoder *e, const void *object)
{
    const struct openflow_bundle_control *control = object;
    encode_data(e, &control->properties);
}

const struct openflow_layout bundle_control_layout = {
    LAYOUT_FIELDS(control_fields),
    .decode = decode_control,
    .encode = encode_control,
};

static const struct wire_field add_fields[] = {
    WIRE(struct openflow_bundle_add, bundle_id, "bundle_id", WIRE_DEC),
    WIRE_SKIP(2),
    WIRE_NAMED(struct openflow_bundle_add, flags, "flags", WIRE_BITS, bundle_flags),
};

/* The message to be bundled, as a cursor of its own; its length is checked, nothing else. */
static struct cursor
split_message(struct decoder *d, struct cursor *c)
{
    size_t left = cursor_left(c);
    size_t size = left >= OPENFLOW_HEADER_SIZE ? get_be16(c->pos + 2) : 0;
    if (size < OPENFLOW_HEADER_SIZE || size > left)
        fail_bundle(d, c, cursor_offset(c), ONFERR_ET_MSG_BAD_LEN, "bundled message");
    return cursor_split(c, size, "bundled message");
}

static void
decode_add(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_bundle_add *add = object;
    struct openflow_type_info info;
    size_t offset = cursor_offset(c);
    if (add->flags & ~BUNDLE_FLAGS)
        fail_bundle(d, c, offset - 2, ONFERR_ET_BAD_FLAGS, "flags");
    struct cursor part = split_message(d, c);
    size_t size = cursor_left(&part);
    if (size && (!openflow_type_info(part.pos[1], &info) || !info.bundled))
        fail_bundle(d, &part, offset, ONFERR_ET_MSG_UNSUP, "bundled message");
    add->message = decode_alloc(d, c, 1, sizeof *add->message);
    if (!add->message)
        return;
    uint32_t xid = d->xid;
    decode_message(d, &part, add->message);
    cursor_join(c, &part);
    if (add->message->xid != xid)
        fail_bundle(d, c, offset + 4, ONFERR_ET_MSG_BAD_XID, "bundled message");
    if (cursor_left(c)) { /* properties follow, the message is padded before them */
        cursor_skip(c, MIN((8 - size % 8) % 8, cursor_left(c)), "padding");
        add->properties = decode_rest(d, c);
    }
}

static void
encode_add(struct encoder *e, const void *object)
{
    const struct openflow_bundle_add *add = object;
    struct openflow_type_info info;
    if (!openflow_type_info(add->message->type, &info) || !info.bundled) {
        encode_fail(e);
        return;
    }
    size_t start = e->out->size;
    struct openflow_message message = *add->message;
    message.xid = e->xid;
    encode_message(e, &message);
    if (add->properties.size)
        buf_pad(e->out, start, 8);
    encode_data(e, &add->properties);
}

static void
print_add(const void *object, struct buf *out)
{
    const struct openflow_bundle_add *add = object;
    fields_print(add_fields, ARRAY_SIZE(add_fields), add, out);
    buf_str(out, " message=");
    openflow_print(add->message, out);
}

const struct openflow_layout bundle_add_layout = {
    LAYOUT_FIELDS(add_fields),
    .decode = decode_add,
    .encode = encode_add,
    .print = print_add,
};
