/* multipart.c - the multipart messages around their bodies (OpenFlow 1.3.5 section 7.3.5): one row
 * per type, splitting what is too long for one message, and putting parts together. */
#include "proto/openflow/wire.h"

#define OFPMPF_MORE 1
#define PART_HEADER_SIZE 8

enum body_form { BODY_NONE, BODY_ONE, BODY_LIST, BODY_OPAQUE };

struct body {
    uint8_t form;                         /* enum body_form */
    const struct openflow_layout *layout; /* of BODY_ONE, or of an item of BODY_LIST */
};

static const struct row {
    uint32_t type; /* enum openflow_multipart_type */
    const char *name;
    struct body request, reply;
} table[] = {
    {OFPMP_DESC, "DESC", {0}, {BODY_ONE, &desc_layout}},
    {OFPMP_FLOW, "FLOW", {BODY_ONE, &flow_request_layout}, {BODY_LIST, &flow_stats_layout}},
    {OFPMP_AGGREGATE, "AGGREGATE", {BODY_ONE, &flow_request_layout}, {BODY_ONE, &aggregate_layout}},
    {OFPMP_TABLE, "TABLE", {0}, {BODY_LIST, &table_stats_layout}},
    {OFPMP_PORT_STATS, "PORT_STATS", {BODY_ONE, &port_id_layout}, {BODY_LIST, &port_stats_layout}},
    {OFPMP_QUEUE, "QUEUE", {BODY_ONE, &queue_request_layout}, {BODY_LIST, &queue_stats_layout}},
    {OFPMP_GROUP, "GROUP", {BODY_ONE, &group_id_layout}, {BODY_LIST, &group_stats_layout}},
    {OFPMP_GROUP_DESC, "GROUP_DESC", {0}, {BODY_LIST, &group_desc_layout}},
    {OFPMP_GROUP_FEATURES, "GROUP_FEATURES", {0}, {BODY_ONE, &group_features_layout}},
    {OFPMP_METER, "METER", {BODY_ONE, &meter_id_layout}, {BODY_LIST, &meter_stats_layout}},
    {OFPMP_METER_CONFIG,
     "METER_CONFIG",
     {BODY_ONE, &meter_id_layout},
     {BODY_LIST, &meter_config_layout}},
    {OFPMP_METER_FEATURES, "METER_FEATURES", {0}, {BODY_ONE, &meter_features_layout}},
    {OFPMP_TABLE_FEATURES,
     "TABLE_FEATURES",
     {BODY_LIST, &table_features_layout},
     {BODY_LIST, &table_features_layout}},
    {OFPMP_PORT_DESC, "PORT_DESC", {0}, {BODY_LIST, &port_layout}},
    {OFPMP_EXPERIMENTER, "EXPERIMENTER", {BODY_OPAQUE, NULL}, {BODY_OPAQUE, NULL}},
    {ONFMP_FLOW_MONITOR,
     "FLOW_MONITOR",
     {BODY_LIST, &monitor_request_layout},
     {BODY_LIST, &monitor_update_layout}},
};

static const struct row *
find_row(uint32_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].type == type)
            return &table[i];
    }
    return NULL;
}

static const struct body *
find_body(uint32_t type, bool reply)
{
    const struct row *row = find_row(type);
    if (!row)
        return NULL;
    return reply ? &row->reply : &row->request;
}

const char *
openflow_multipart_name(uint32_t type)
{
    const struct row *row = find_row(type);
    return row ? row->name : "?";
}

/* Everything up to the body, which is what is left. */
static void
decode_part(struct decoder *d, struct cursor *c, struct openflow_part *part)
{
    size_t offset = cursor_offset(c);
    part->type = cursor_be16(c, "multipart type");
    part->more = cursor_be16(c, "multipart flags") & OFPMPF_MORE;
    cursor_skip(c, 4, "padding");
    if (part->type == OFPMP_EXPERIMENTER) {
        part->experimenter = cursor_be32(c, "experimenter");
        part->exp_type = cursor_be32(c, "exp_type");
        if (part->experimenter == ONF_EXPERIMENTER_ID && part->exp_type <= UINT16_MAX &&
            find_row(0x10000 + part->exp_type))
            part->type = 0x10000 + part->exp_type;
    }
    if (!c->err && !find_row(part->type))
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART,
                    "multipart type");
}

static void
decode_opaque(struct decoder *d, struct cursor *c, const struct openflow_part *part,
              struct openflow_multipart *multipart)
{
    multipart->experimenter = decode_alloc(d, c, 1, sizeof *multipart->experimenter);
    if (!multipart->experimenter)
        return;
    *multipart->experimenter = (struct openflow_experimenter){part->experimenter, part->exp_type,
                                                              decode_rest(d, c)};
    multipart->n = 1;
}

static void
decode_body(struct decoder *d, struct cursor *c, const struct openflow_part *part,
            struct openflow_multipart *multipart)
{
    const struct body *body = find_body(part->type, part->reply);
    *multipart = (struct openflow_multipart){.type = part->type, .more = part->more};
    switch ((enum body_form)body->form) {
    case BODY_NONE:
        break;
    case BODY_ONE:
        multipart->items = decode_alloc(d, c, 1, body->layout->size);
        multipart->n = multipart->items ? 1 : 0;
        if (multipart->items)
            layout_decode(body->layout, d, c, multipart->items);
        break;
    case BODY_LIST:
        multipart->items = layout_decode_list(body->layout, d, c, &multipart->n, OFPET_BAD_REQUEST,
                                              OFPBRC_BAD_LEN);
        break;
    case BODY_OPAQUE:
        decode_opaque(d, c, part, multipart);
        break;
    }
    if (c->err == ERR_LIMIT)
        decode_blame(d, c, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW);
}

static void
decode_request(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_part part = {.reply = false};
    decode_part(d, c, &part);
    if (!c->err)
        decode_body(d, c, &part, object);
}

static void
decode_reply(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_part part = {.reply = true};
    decode_part(d, c, &part);
    if (!c->err)
        decode_body(d, c, &part, object);
}

enum err
openflow_part(const uint8_t *message, size_t size, struct openflow_part *out,
              struct openflow_error *error, struct diag *diag)
{
    struct openflow_part part = {0};
    struct decoder d = {0};
    struct cursor c = cursor_over(message, size);
    struct header header = decode_header(&d, &c);
    if (header.type != OFPT_MULTIPART_REQUEST && header.type != OFPT_MULTIPART_REPLY)
        decode_fail(&d, &c, 1, ERR_INVALID, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, "type");
    part.reply = header.type == OFPT_MULTIPART_REPLY;
    part.xid = header.xid;
    decode_part(&d, &c, &part);
    const struct body *body = find_body(part.type, part.reply);
    uint32_t n;
    size_t offset;
    if (!c.err && body->form == BODY_LIST && layout_count(body->layout, &c, &n, &offset))
        decode_fail(&d, &c, offset, ERR_TRUNCATED, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "length");
    if (c.err)
        return decode_explain(&d, &c, "MULTIPART", error, diag);
    part.body = (struct openflow_data){c.pos, cursor_left(&c)};
    *out = part;
    return ERR_OK;
}

enum err
openflow_decode_body(const struct openflow_part *part, struct arena *arena,
                     struct openflow_message *out, struct openflow_error *error, struct diag *diag)
{
    struct openflow_message message = {
        .type = part->reply ? OFPT_MULTIPART_REPLY : OFPT_MULTIPART_REQUEST, .xid = part->xid};
    struct decoder d = {.arena = arena, .strict = !part->reply, .xid = part->xid};
    struct cursor c = cursor_over(part->body.octets, part->body.size);
    decode_body(&d, &c, part, &message.multipart);
    if (!c.err && cursor_left(&c))
        decode_fail(&d, &c, cursor_offset(&c), ERR_MALFORMED, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
                    "trailing octets");
    if (c.err)
        return decode_explain(&d, &c, openflow_multipart_name(part->type), error, diag);
    *out = message;
    return ERR_OK;
}

static void
encode_part(struct encoder *e, const struct openflow_multipart *multipart)
{
    bool experimenter = multipart->type >= OFPMP_EXPERIMENTER;
    buf_be16(e->out, experimenter ? OFPMP_EXPERIMENTER : (uint16_t)multipart->type);
    buf_be16(e->out, multipart->more ? OFPMPF_MORE : 0);
    buf_zero(e->out, 4);
    if (multipart->type > OFPMP_EXPERIMENTER) {
        buf_be32(e->out, ONF_EXPERIMENTER_ID);
        buf_be32(e->out, multipart->type - 0x10000);
    }
}

/* All but lists, which encode_split() writes. */
static void
encode_body(struct encoder *e, const struct openflow_multipart *multipart, bool reply)
{
    const struct body *body = find_body(multipart->type, reply);
    if (!body || body->form == BODY_LIST ||
        (body->form != BODY_NONE && (multipart->n != 1 || !multipart->items))) {
        encode_fail(e);
        return;
    }
    encode_part(e, multipart);
    if (body->form == BODY_ONE)
        layout_encode(body->layout, e, multipart->items);
    else if (body->form == BODY_OPAQUE)
        layout_encode(&experimenter_layout, e, multipart->experimenter);
}

static void
encode_request(struct encoder *e, const void *object)
{
    encode_body(e, object, false);
}

static void
encode_reply(struct encoder *e, const void *object)
{
    encode_body(e, object, true);
}

static void
open_message(struct openflow_writer *w)
{
    struct encoder e = {.out = w->out};
    struct openflow_multipart multipart = {.type = w->type};
    w->start = w->out->size;
    encode_header(&e, OPENFLOW_VERSION, w->reply ? OFPT_MULTIPART_REPLY : OFPT_MULTIPART_REQUEST,
                  w->xid);
    encode_part(&e, &multipart);
    w->body = w->out->size;
}

static void
close_message(struct openflow_writer *w, bool more)
{
    if (buf_err(w->out))
        return;
    buf_patch_be16(w->out, w->start + 2, (uint16_t)(w->out->size - w->start));
    buf_patch_be16(w->out, w->start + 10, more ? OFPMPF_MORE : 0);
}

void
openflow_writer_begin(struct openflow_writer *w, bool reply, uint32_t type, uint32_t xid,
                      struct buf *out)
{
    const struct body *body = find_body(type, reply);
    *w = (struct openflow_writer){
        .out = out, .type = type, .xid = xid, .reply = reply, .first = out->size};
    if (!body || body->form != BODY_LIST) {
        w->err = ERR_INVALID;
        return;
    }
    w->item = body->layout;
    open_message(w);
}

void
openflow_writer_add(struct openflow_writer *w, const void *item)
{
    if (w->err)
        return;
    struct encoder e = {.out = w->out, .xid = w->xid};
    size_t start = w->out->size;
    layout_encode(w->item, &e, item);
    if (!e.err && w->out->size - w->start > OPENFLOW_SIZE_MAX && start > w->body) {
        w->out->size = start;
        close_message(w, true);
        open_message(w);
        layout_encode(w->item, &e, item);
    }
    if (!e.err && w->out->size - w->start > OPENFLOW_SIZE_MAX)
        e.err = ERR_LIMIT;
    w->err = e.err ? e.err : buf_err(w->out);
}

static enum err
end_writer(struct openflow_writer *w, bool more)
{
    if (!w->err)
        w->err = buf_err(w->out);
    if (w->err) {
        w->out->size = w->first;
        w->out->overflow = false;
        return w->err;
    }
    close_message(w, more);
    return ERR_OK;
}

enum err
openflow_writer_end(struct openflow_writer *w)
{
    return end_writer(w, false);
}

bool
encode_split(const struct openflow_multipart *multipart, bool reply, uint32_t xid, struct buf *out,
             enum err *err)
{
    const struct body *body = find_body(multipart->type, reply);
    if (!body || body->form != BODY_LIST)
        return false;
    struct openflow_writer w;
    openflow_writer_begin(&w, reply, multipart->type, xid, out);
    for (uint32_t i = 0; i < multipart->n; i++)
        openflow_writer_add(&w, (const uint8_t *)multipart->items + (size_t)i * body->layout->size);
    *err = end_writer(&w, multipart->more);
    return true;
}

static void
print_body(const struct openflow_multipart *multipart, bool reply, struct buf *out)
{
    const struct body *body = find_body(multipart->type, reply);
    buf_printf(out, " %s%s", openflow_multipart_name(multipart->type),
               multipart->more ? " more" : "");
    if (!body)
        return;
    if (body->form == BODY_OPAQUE)
        layout_print(&experimenter_layout, multipart->experimenter, out);
    if (body->form == BODY_ONE)
        layout_print(body->layout, multipart->items, out);
    for (uint32_t i = 0; body->form == BODY_LIST && i < multipart->n; i++) {
        buf_str(out, "\n ");
        layout_print(body->layout,
                     (const uint8_t *)multipart->items + (size_t)i * body->layout->size, out);
    }
}

static void
print_request(const void *object, struct buf *out)
{
    print_body(object, false, out);
}

static void
print_reply(const void *object, struct buf *out)
{
    print_body(object, true, out);
}

const struct openflow_layout multipart_request_layout = {
    .decode = decode_request, .encode = encode_request, .print = print_request};
const struct openflow_layout multipart_reply_layout = {
    .decode = decode_reply, .encode = encode_reply, .print = print_reply};
