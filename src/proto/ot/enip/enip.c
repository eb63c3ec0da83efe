/* Encapsulation and the common packet format (volume 2, chapter 2). */
#include "proto/ot/enip/enip_private.h"

enum command {
    NOP = 0x00,
    LIST_SERVICES = 0x04,
    LIST_IDENTITY = 0x63,
    LIST_INTERFACES = 0x64,
    REGISTER_SESSION = 0x65,
    UNREGISTER_SESSION = 0x66,
    SEND_RR_DATA = 0x6f,
    SEND_UNIT_DATA = 0x70,
};

enum item {
    ITEM_IDENTITY = 0x000c,
    ITEM_CONNECTED_ADDRESS = 0x00a1,
    ITEM_CONNECTED_DATA = 0x00b1,
    ITEM_UNCONNECTED_DATA = 0x00b2,
    ITEM_SERVICES = 0x0100,
    ITEM_SEQUENCED_ADDRESS = 0x8002,
};

#define ITEMS_MAX 32u /* of a packet; two are usual, a reply of many services has a few more */

static bool
is_command(uint16_t command)
{
    return protocol_function(&enip, ENIP_COMMAND | command);
}

/* Two items: a sequenced address, and connected data up to the end. */
static bool
is_io(const uint8_t *m, size_t size)
{
    return size >= 18 && get_le16(m) == 2 && get_le16(m + 2) == ITEM_SEQUENCED_ADDRESS &&
           get_le16(m + 4) == 8 && get_le16(m + 14) == ITEM_CONNECTED_DATA &&
           get_le16(m + 16) == size - 18;
}

/* ---- Messages in a stream ---- */

enum frame_found
enip_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = ENIP_HEADER_SIZE;
    if (size >= 2 && !is_command(get_le16(data)))
        return FRAME_NOT;
    if (size >= ENIP_HEADER_SIZE && get_le32(data + 20)) /* options: none are defined */
        return FRAME_NOT;
    if (size >= 4) {
        *message = ENIP_HEADER_SIZE + get_le16(data + 2);
        if (*message > ENIP_MESSAGE_MAX)
            return FRAME_NOT;
    }
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
enip_looks(const uint8_t *m, size_t size)
{
    size_t message;
    if (is_io(m, size))
        return LOOKS_SURE;
    if (enip_frame(m, size, &message) != FRAME_WHOLE)
        return LOOKS_NOT;
    uint16_t command = get_le16(m), length = get_le16(m + 2);
    uint32_t status = get_le32(m + 8);
    if (status > 3 && status != 0x64 && status != 0x65 && status != 0x69 && status != 0x6a)
        return LOOKS_NOT;
    switch (command) {
    case NOP: /* so do 24 zeros look, which are in any file */
        return LOOKS_NOT;
    case REGISTER_SESSION:
        return length == 4 && get_le16(m + 24) == 1 ? LOOKS_SURE : LOOKS_FAINT;
    case SEND_RR_DATA:
    case SEND_UNIT_DATA:
        return length >= 8 && !get_le32(m + 24) && get_le16(m + 30) <= 4 ? LOOKS_SURE : LOOKS_FAINT;
    case LIST_IDENTITY:
        return !length || (length > 40 && get_le16(m + 26) == ITEM_IDENTITY) ? LOOKS_LIKE
                                                                             : LOOKS_FAINT;
    default:
        return LOOKS_FAINT;
    }
}

/* ---- What the packet says ---- */

void
enip_begin(struct dissection *d, enum pdu_kind kind, uint32_t function, struct enip_packet *p)
{
    static const uint8_t none[8];
    pdu_begin_with(d, kind, function, p->n_common);
    if (p->n_common)
        return; /* they are still there, from the packet's message before */
    if (p->has_command) {
        pdu_uint(d, ENIP_ENCAPSULATION, 0, p->command);
        pdu_uint(d, ENIP_SESSION, 0, p->session);
        pdu_uint(d, ENIP_ENCAPSULATION_STATUS, 0, p->status);
        if (memcmp(p->context, none, sizeof none) != 0)
            pdu_octets(d, ENIP_CONTEXT, 0, p->context, 8);
    }
    for (unsigned i = 0; i < p->n_items; i++)
        pdu_uint(d, ENIP_ITEM, 0, p->items[i]);
    if (p->has_connection)
        pdu_uint(d, ENIP_CONNECTION, 0, p->connection);
    if (p->has_sequence)
        pdu_uint(d, ENIP_SEQUENCE, 0, p->sequence);
    p->n_common = d->pdu->n_fields;
}

/* ---- Items ---- */

static void
note_item(struct enip_packet *p, uint16_t type)
{
    if (p->n_items < ARRAY_SIZE(p->items))
        p->items[p->n_items++] = type;
}

/* Those of a packet with data; `data` becomes the first that is data, or stays empty. */
static void
take_items(struct cursor *c, struct enip_packet *p, struct cursor *data)
{
    uint16_t n = cursor_le16(c, "item count");
    if (n > ITEMS_MAX)
        cursor_fail(c, ERR_LIMIT, "item count");
    for (unsigned i = 0; i < n && !c->err; i++) {
        uint16_t type = cursor_le16(c, "item type"), size = cursor_le16(c, "item length");
        struct cursor item = cursor_split(c, size, "item");
        if (c->err)
            return;
        note_item(p, type);
        if (type == ITEM_CONNECTED_ADDRESS || type == ITEM_SEQUENCED_ADDRESS) {
            p->connection = cursor_le32(&item, "connection id");
            p->has_connection = !item.err;
            if (type == ITEM_SEQUENCED_ADDRESS) {
                p->sequence = cursor_le32(&item, "sequence");
                p->has_sequence = !item.err;
            }
            cursor_join(c, &item);
        } else if ((type == ITEM_CONNECTED_DATA || type == ITEM_UNCONNECTED_DATA) && !data->start) {
            if (type == ITEM_CONNECTED_DATA && p->has_command) {
                p->sequence = cursor_le16(&item, "sequence count");
                p->has_sequence = !item.err;
            }
            *data = item;
        }
    }
}

/* ---- Requests that are remembered ---- */

static bool
answers(const struct enip_packet *p, const struct enip_request *r, unsigned way)
{
    if (!r->waits || r->way == way || r->is_connected != p->has_connection)
        return false;
    if (p->has_connection)
        return p->has_sequence && r->sequence == (uint16_t)p->sequence;
    return memcmp(r->context, p->context, sizeof r->context) == 0;
}

static void
remember(struct dissection *d, struct enip_packet *p)
{
    struct enip_state *s = d->state;
    struct enip_request *r = &s->requests[s->next++ % ENIP_PENDING];
    r->waits = true;
    r->is_connected = p->has_connection;
    r->way = (uint8_t)d->way;
    r->n = r->route_size = 0; /* what was asked before is not read again: it is large */
    r->sequence = (uint16_t)p->sequence;
    memcpy(r->context, p->context, sizeof r->context);
    p->request = r;
}

static void
recall(struct dissection *d, struct enip_packet *p)
{
    struct enip_state *s = d->state;
    for (unsigned i = 1; i <= ENIP_PENDING; i++) {
        struct enip_request *r = &s->requests[(s->next - i) % ENIP_PENDING];
        if (!answers(p, r, d->way))
            continue;
        p->request = r;
        p->route = r->route;
        p->route_size = r->route_size;
        r->waits = false;
        return;
    }
}

/* ---- Commands ---- */

/* Is it the answer of one that could be both? */
static bool
is_response(const struct dissection *d, const struct enip_packet *p, size_t length)
{
    switch (p->command) {
    case NOP:
    case UNREGISTER_SESSION:
        return false;
    case REGISTER_SESSION:
        return p->session || p->status;
    default:
        return length || p->status || (d->side == SIDE_SERVER && p->command >= SEND_RR_DATA);
    }
}

/* Volume 2, table 2-4.4: the socket address alone is in network byte order. */
static void
put_identity_item(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint16_t version = cursor_le16(c, "protocol version");
    cursor_skip(c, 2, "socket family");
    uint16_t port = cursor_be16(c, "socket port");
    uint32_t address = cursor_be32(c, "socket address");
    cursor_skip(c, 8, "socket zeros");
    if (!c->err) {
        pdu_uint(d, ENIP_PROTOCOL_VERSION, object, version);
        pdu_uint(d, ENIP_ADDRESS, object, address);
        pdu_uint(d, ENIP_PORT, object, port);
    }
    enip_identity(d, c, object);
    uint8_t state = cursor_u8(c, "state");
    if (!c->err)
        pdu_uint(d, ENIP_STATE, object, state);
}

static void
put_services_item(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint16_t version = cursor_le16(c, "protocol version"),
             capabilities = cursor_le16(c, "capability flags");
    const uint8_t *name = cursor_bytes(c, 16, "name of service");
    if (!name)
        return;
    pdu_uint(d, ENIP_PROTOCOL_VERSION, object, version);
    pdu_uint(d, ENIP_CAPABILITIES, object, capabilities);
    pdu_octets(d, ENIP_SERVICE_NAME, object, name, strnlen((const char *)name, 16));
}

/* An object each. */
static void
put_list(struct dissection *d, struct cursor *c)
{
    uint16_t n = cursor_le16(c, "item count");
    if (n > ITEMS_MAX)
        cursor_fail(c, ERR_LIMIT, "item count");
    for (unsigned i = 0; i < n && !c->err; i++) {
        uint16_t type = cursor_le16(c, "item type"), size = cursor_le16(c, "item length");
        struct cursor item = cursor_split(c, size, "item");
        if (c->err)
            break;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, ENIP_ITEM, object, type);
        if (type == ITEM_IDENTITY)
            put_identity_item(d, &item, object);
        else if (type == ITEM_SERVICES)
            put_services_item(d, &item, object);
        if (item.err)
            cursor_join(c, &item);
        else if (cursor_left(&item))
            pdu_octets(d, ENIP_DATA, object, item.pos, cursor_left(&item));
    }
}

static void
give_command(struct dissection *d, struct cursor *c, struct enip_packet *p,
             const struct cursor *message)
{
    size_t length = cursor_left(c);
    bool response = is_response(d, p, length);
    enum pdu_kind kind = !response ? PDU_REQUEST : p->status ? PDU_REFUSAL : PDU_RESPONSE;
    enip_begin(d, kind, ENIP_COMMAND | p->command, p);
    if (p->status)
        d->pdu->error = ENIP_STATUS | (p->status & 0xffff);
    if (p->command == REGISTER_SESSION && length >= 4) {
        uint16_t version = cursor_le16(c, "protocol version");
        cursor_skip(c, 2, "option flags");
        pdu_uint(d, ENIP_PROTOCOL_VERSION, 0, version);
    } else if (response && length &&
               (p->command == LIST_IDENTITY || p->command == LIST_SERVICES ||
                p->command == LIST_INTERFACES)) {
        put_list(d, c);
    } else if (length) {
        pdu_octets(d, ENIP_DATA, 0, cursor_bytes(c, length, "data"), length);
    }
    pdu_end(d, message);
}

/* ---- Packets with CIP messages ---- */

static void
give_data(struct dissection *d, struct cursor *c, struct enip_packet *p,
          const struct cursor *message)
{
    struct cursor data = {.start = NULL};
    uint32_t handle = cursor_le32(c, "interface handle");
    cursor_skip(c, 2, "timeout");
    if (!handle && !c->err)
        take_items(c, p, &data);
    if (handle || c->err || !cursor_left(&data)) {
        enip_begin(d, d->side == SIDE_SERVER ? PDU_RESPONSE : PDU_REQUEST,
                   ENIP_COMMAND | p->command, p);
        if (cursor_left(c))
            pdu_octets(d, ENIP_DATA, 0, c->pos, cursor_left(c));
        pdu_end(d, message);
        if (data.start)
            cursor_join(c, &data);
        return;
    }
    if (d->state && *data.pos & 0x80)
        recall(d, p);
    else if (d->state)
        remember(d, p);
    enip_cip(d, &data, p, 0);
    if (data.err)
        cursor_join(c, &data);
}

static void
take_packet(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    struct enip_packet p = {.has_command = true};
    p.command = cursor_le16(c, "command");
    uint16_t length = cursor_le16(c, "length");
    p.session = cursor_le32(c, "session handle");
    p.status = cursor_le32(c, "status");
    p.context = cursor_bytes(c, 8, "sender context");
    uint32_t options = cursor_le32(c, "options");
    if (!c->err && !is_command(p.command))
        cursor_fail(c, ERR_MALFORMED, "command");
    if (!c->err && options)
        cursor_fail(c, ERR_MALFORMED, "options");
    struct cursor body = cursor_split(c, length, "encapsulated data");
    if (c->err)
        return;
    if ((p.command == SEND_RR_DATA || p.command == SEND_UNIT_DATA) && length)
        give_data(d, &body, &p, message);
    else
        give_command(d, &body, &p, message);
    if (body.err)
        cursor_join(c, &body);
}

static void
take_io(struct dissection *d, struct cursor *c)
{
    struct enip_packet p = {.command = 0};
    struct cursor data = {.start = NULL};
    take_items(c, &p, &data);
    enip_begin(d, PDU_REPORT, ENIP_IO, &p);
    if (cursor_left(&data))
        pdu_octets(d, ENIP_DATA, 0, data.pos, cursor_left(&data));
    pdu_end(d, c);
}

void
enip_dissect(struct dissection *d, struct cursor *c)
{
    if (is_io(c->pos, cursor_left(c))) {
        take_io(d, c);
        return;
    }
    do {
        take_packet(d, c, c);
    } while (cursor_left(c));
}
