/* Explicit messages (volume 1, chapters 2 and 3, appendix A), and the Connection Manager's. */
#include "proto/ot/enip/enip_private.h"

enum service {
    GET_ATTRIBUTES_ALL = 0x01,
    GET_ATTRIBUTE_LIST = 0x03,
    SET_ATTRIBUTE_LIST = 0x04,
    MULTIPLE_SERVICES = 0x0a,
    GET_ATTRIBUTE_SINGLE = 0x0e,
    EXECUTE_PCCC = 0x4b,
    FORWARD_CLOSE = 0x4e,
    UNCONNECTED_SEND = 0x52,
    FORWARD_OPEN = 0x54,
    LARGE_FORWARD_OPEN = 0x5b,
};

enum class { IDENTITY = 0x01, CONNECTION_MANAGER = 0x06, PCCC = 0x67, SYMBOL = 0x6b, FLASH = 0xa1 };

#define PARTIAL_TRANSFER 0x06
#define EMBEDDED_ERROR 0x1e

/* A message that is being read. */
struct message {
    uint8_t service, status;
    bool is_response;
    unsigned depth;
    struct enip_target target;
    struct cursor embedded; /* messages in it, which are given behind it */
    uint16_t n_embedded;
};

/* ---- What it does ---- */

static bool
is_of(const struct message *m, uint32_t class)
{
    return m->target.has_class && m->target.class == class;
}

/* Services below 0x4b mean the same for all classes, unless the table has a row of the class. */
static void
name_function(struct dissection *d, const struct message *m)
{
    uint32_t class = m->target.has_symbol ? SYMBOL : m->target.has_class ? m->target.class : 0;
    uint32_t number = class <= 0xffff ? class << 8 | m->service : m->service;
    const struct function_info *info = protocol_function(&enip, number);
    if (!info && m->service < 0x4b) {
        number = m->service;
        info = protocol_function(&enip, number);
    }
    d->pdu->function = number;
    d->pdu->info = info;
    d->pdu->act = info ? info->act : ACT_OTHER;
    if (is_of(m, FLASH) && d->pdu->act != ACT_READ && d->pdu->act != ACT_LINK)
        d->pdu->act = ACT_FIRMWARE;
    if (is_of(m, IDENTITY) && d->pdu->act == ACT_READ)
        d->pdu->act = ACT_IDENTIFY;
}

/* ---- What was asked ---- */

static void
note_asked(struct enip_packet *p, uint8_t service, const uint8_t *path, size_t size)
{
    struct enip_request *r = p->request;
    if (!r || r->n == ENIP_SERVICES)
        return;
    struct enip_asked *a = &r->asked[r->n++];
    a->service = service;
    a->path_size = 0;
    if (size && size <= sizeof a->path) {
        memcpy(a->path, path, size);
        a->path_size = (uint8_t)size;
    }
}

/* The request of this response; NULL: it was not seen. An Unconnected Send that went through is
 * answered by what it carried. */
static const struct enip_asked *
take_asked(struct enip_packet *p, uint8_t service)
{
    struct enip_request *r = p->request;
    if (!r || p->at >= r->n)
        return NULL;
    if (r->asked[p->at].service == UNCONNECTED_SEND && service != UNCONNECTED_SEND)
        p->at++;
    if (p->at >= r->n || r->asked[p->at].service != service)
        return NULL;
    return &r->asked[p->at++];
}

/* ---- Connection Manager ---- */

static void
put_triad(struct dissection *d, struct cursor *c)
{
    uint16_t serial = cursor_le16(c, "connection serial number"),
             vendor = cursor_le16(c, "originator vendor id");
    uint32_t number = cursor_le32(c, "originator serial number");
    if (c->err)
        return;
    pdu_uint(d, ENIP_CONNECTION_SERIAL, 0, serial);
    pdu_uint(d, ENIP_ORIGINATOR_VENDOR, 0, vendor);
    pdu_uint(d, ENIP_ORIGINATOR_SERIAL, 0, number);
}

static void
put_ids(struct dissection *d, struct cursor *c)
{
    uint32_t to_target = cursor_le32(c, "O->T connection id"),
             to_originator = cursor_le32(c, "T->O connection id");
    if (c->err)
        return;
    pdu_uint(d, ENIP_TO_TARGET, 0, to_target);
    pdu_uint(d, ENIP_TO_ORIGINATOR, 0, to_originator);
}

static void
put_connection_path(struct dissection *d, struct cursor *c, uint8_t words)
{
    struct cursor path = cursor_split(c, 2u * words, "connection path");
    if (c->err || !words)
        return;
    d->pdu->n_objects = 1;
    enip_path(d, &path, 1, NULL);
}

static void
put_interval(struct dissection *d, struct cursor *c, enum enip_field interval,
             enum enip_field parameters, bool is_large)
{
    uint32_t us = cursor_le32(c, "packet interval"),
             p = is_large ? cursor_le32(c, "connection parameters")
                          : cursor_le16(c, "connection parameters");
    if (c->err)
        return;
    pdu_uint(d, (uint16_t)interval, 0, us);
    pdu_uint(d, (uint16_t)parameters, 0, p);
}

/* Volume 1, table 3-5.16. */
static void
put_forward_open(struct dissection *d, struct cursor *c, bool is_large)
{
    cursor_skip(c, 2, "timeout");
    put_ids(d, c);
    put_triad(d, c);
    uint8_t multiplier = cursor_u8(c, "timeout multiplier");
    cursor_skip(c, 3, "reserved");
    if (!c->err)
        pdu_uint(d, ENIP_TIMEOUT_MULTIPLIER, 0, multiplier);
    put_interval(d, c, ENIP_TO_TARGET_INTERVAL, ENIP_TO_TARGET_PARAMETERS, is_large);
    put_interval(d, c, ENIP_TO_ORIGINATOR_INTERVAL, ENIP_TO_ORIGINATOR_PARAMETERS, is_large);
    uint8_t transport = cursor_u8(c, "transport"), words = cursor_u8(c, "connection path's size");
    if (c->err)
        return;
    pdu_uint(d, ENIP_TRANSPORT, 0, transport);
    put_connection_path(d, c, words);
}

static void
put_forward_opened(struct dissection *d, struct cursor *c)
{
    put_ids(d, c);
    put_triad(d, c);
    uint32_t to_target = cursor_le32(c, "O->T interval"),
             to_originator = cursor_le32(c, "T->O interval");
    uint8_t words = cursor_u8(c, "application reply's size");
    cursor_skip(c, 1, "reserved");
    if (c->err)
        return;
    pdu_uint(d, ENIP_TO_TARGET_INTERVAL, 0, to_target);
    pdu_uint(d, ENIP_TO_ORIGINATOR_INTERVAL, 0, to_originator);
    pdu_octets(d, ENIP_DATA, 0, cursor_bytes(c, 2u * words, "application reply"), 2u * words);
}

static void
put_forward_close(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 2, "timeout");
    put_triad(d, c);
    uint8_t words = cursor_u8(c, "connection path's size");
    cursor_skip(c, 1, "reserved");
    put_connection_path(d, c, words);
}

/* The message in it is given behind it, with the route it goes. */
static void
put_unconnected_send(struct dissection *d, struct cursor *c, struct enip_packet *p,
                     struct message *m)
{
    cursor_skip(c, 2, "timeout");
    uint16_t size = cursor_le16(c, "size of the message");
    struct cursor message = cursor_split(c, size, "message");
    if (size & 1)
        cursor_skip(c, 1, "pad");
    uint8_t words = cursor_u8(c, "size of the route");
    cursor_skip(c, 1, "reserved");
    const uint8_t *route = cursor_bytes(c, 2u * words, "route");
    if (c->err)
        return;
    enip_route(d, route, 2u * words);
    p->route = route;
    p->route_size = 2u * words;
    if (p->request && 2u * words <= sizeof p->request->route) {
        memcpy(p->request->route, route, 2u * words);
        p->request->route_size = (uint8_t)(2u * words);
    }
    m->embedded = message;
    m->n_embedded = 1;
}

/* ---- Attributes ---- */

static void
put_attribute_ids(struct dissection *d, struct cursor *c)
{
    uint16_t n = cursor_le16(c, "attribute count");
    for (unsigned i = 0; i < n && !c->err; i++) {
        uint16_t attribute = cursor_le16(c, "attribute");
        if (!c->err)
            pdu_uint(d, ENIP_LISTED_ATTRIBUTE, 0, attribute);
    }
}

/* Their values have sizes that only the object knows: the first alone is sure. */
static void
put_first_attribute(struct dissection *d, struct cursor *c)
{
    uint16_t n = cursor_le16(c, "attribute count");
    uint16_t attribute = n ? cursor_le16(c, "attribute") : 0;
    if (n && !c->err)
        pdu_uint(d, ENIP_LISTED_ATTRIBUTE, 0, attribute);
}

/* Number, status and value of each; those of other objects have sizes that only they know. */
static void
put_attribute_values(struct dissection *d, struct cursor *c, const struct message *m)
{
    uint16_t n = cursor_le16(c, "attribute count");
    for (unsigned i = 0; i < n && cursor_left(c) && is_of(m, IDENTITY); i++) {
        uint16_t attribute = cursor_le16(c, "attribute"),
                 status = cursor_le16(c, "attribute's status");
        if (c->err)
            return;
        pdu_uint(d, ENIP_LISTED_ATTRIBUTE, 0, attribute);
        if (!status && !enip_identity_attribute(d, c, 0, attribute))
            return;
    }
}

/* ---- Multiple Service Packet ---- */

static void
put_multiple(struct dissection *d, struct cursor *c, struct message *m)
{
    struct cursor whole = *c;
    uint16_t n = cursor_le16(c, "number of services");
    cursor_skip(c, 2u * n, "offsets of services");
    if (c->err)
        return;
    pdu_uint(d, ENIP_N_SERVICES, 0, n);
    m->embedded = whole;
    m->n_embedded = n;
    cursor_skip(c, cursor_left(c), "services");
}

/* Offsets count from the number of services on, and rise. */
static void
give_multiple(struct dissection *d, struct cursor *parent, struct enip_packet *p, struct message *m)
{
    struct cursor *c = &m->embedded;
    const uint8_t *start = c->pos, *offsets = start + 2;
    size_t size = cursor_left(c), least = 2u + 2u * m->n_embedded;
    for (unsigned i = 0; i < m->n_embedded && !parent->err; i++) {
        size_t at = get_le16(offsets + 2 * i),
               end = i + 1u < m->n_embedded ? get_le16(offsets + 2 * (i + 1)) : size;
        if (at < least || end < at || end > size) {
            cursor_fail(parent, ERR_MALFORMED, "offset of a service");
            return;
        }
        struct cursor one = cursor_over(start + at, end - at);
        one.base = cursor_offset(c) + at;
        enip_cip(d, &one, p, m->depth + 1);
        if (one.err)
            cursor_join(parent, &one);
        least = end;
    }
}

/* ---- Bodies ---- */

static void
put_request(struct dissection *d, struct cursor *c, struct enip_packet *p, struct message *m)
{
    if (m->service == MULTIPLE_SERVICES)
        put_multiple(d, c, m);
    else if (m->service == GET_ATTRIBUTE_LIST)
        put_attribute_ids(d, c);
    else if (m->service == SET_ATTRIBUTE_LIST)
        put_first_attribute(d, c);
    else if (m->service == EXECUTE_PCCC && is_of(m, PCCC))
        enip_pccc(d, c, false);
    else if (!is_of(m, CONNECTION_MANAGER))
        return;
    else if (m->service == UNCONNECTED_SEND)
        put_unconnected_send(d, c, p, m);
    else if (m->service == FORWARD_OPEN || m->service == LARGE_FORWARD_OPEN)
        put_forward_open(d, c, m->service == LARGE_FORWARD_OPEN);
    else if (m->service == FORWARD_CLOSE)
        put_forward_close(d, c);
}

static void
put_response(struct dissection *d, struct cursor *c, struct message *m)
{
    bool is_good = m->status == 0 || m->status == PARTIAL_TRANSFER;
    if (m->service == MULTIPLE_SERVICES && (is_good || m->status == EMBEDDED_ERROR)) {
        if (cursor_left(c))
            put_multiple(d, c, m);
    } else if (!is_good) {
        return;
    } else if (m->service == EXECUTE_PCCC && is_of(m, PCCC)) {
        enip_pccc(d, c, true);
    } else if (m->service == GET_ATTRIBUTE_LIST) {
        put_attribute_values(d, c, m);
    } else if (is_of(m, IDENTITY) && m->target.instance && m->service == GET_ATTRIBUTES_ALL) {
        enip_identity(d, c, 0);
    } else if (is_of(m, IDENTITY) && m->target.instance && m->target.has_attribute &&
               m->service == GET_ATTRIBUTE_SINGLE) {
        enip_identity_attribute(d, c, 0, m->target.attribute);
    } else if (is_of(m, CONNECTION_MANAGER) &&
               (m->service == FORWARD_OPEN || m->service == LARGE_FORWARD_OPEN)) {
        put_forward_opened(d, c);
    } else if (is_of(m, CONNECTION_MANAGER) && m->service == FORWARD_CLOSE) {
        put_triad(d, c);
        uint8_t words = cursor_u8(c, "application reply's size");
        cursor_skip(c, 1 + 2u * words, "application reply");
    }
}

/* Of the path, and of what was asked where the message does not say it. */
static void
read_head(struct dissection *d, struct cursor *c, struct enip_packet *p, struct message *m)
{
    if (!m->is_response) {
        uint8_t words = cursor_u8(c, "path's size");
        struct cursor path = cursor_split(c, 2u * words, "path");
        if (c->err)
            return;
        note_asked(p, m->service, path.pos, 2u * words);
        enip_path(d, &path, 0, &m->target);
        return;
    }
    cursor_skip(c, 1, "reserved");
    m->status = cursor_u8(c, "general status");
    uint8_t words = cursor_u8(c, "additional status's size");
    if (c->err)
        return;
    const struct enip_asked *asked = take_asked(p, m->service);
    if (asked) {
        struct cursor path = cursor_over(asked->path, asked->path_size);
        enip_path(d, &path, 0, &m->target);
    }
    for (unsigned i = 0; i < words && !c->err; i++) {
        uint16_t status = cursor_le16(c, "additional status");
        if (!c->err)
            pdu_uint(d, ENIP_EXTENDED_STATUS, 0, status);
    }
    d->pdu->error = m->status;
    if (m->status && m->status != PARTIAL_TRANSFER && m->status != EMBEDDED_ERROR)
        d->pdu->kind = PDU_REFUSAL;
}

/* Objects come last: what is not looked into is the message's own, and stands before them. */
static void
put_rest(struct dissection *d, struct cursor *c, uint16_t object)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, ENIP_DATA, object, cursor_bytes(c, n, "data"), n);
}

void
enip_cip(struct dissection *d, struct cursor *c, struct enip_packet *p, unsigned depth)
{
    uint8_t code = cursor_u8(c, "service");
    if (c->err)
        return;
    struct message m;
    m.service = code & 0x7f;
    m.status = 0;
    m.is_response = code & 0x80;
    m.depth = depth;
    m.target = (struct enip_target){.has_class = false};
    m.n_embedded = 0; /* and so `embedded` is nothing yet */
    enip_begin(d, m.is_response ? PDU_RESPONSE : PDU_REQUEST, m.service, p);
    pdu_uint(d, ENIP_DEPTH, 0, depth);
    pdu_uint(d, ENIP_SERVICE, 0, m.service);
    if (p->route && (depth || m.is_response))
        enip_route(d, p->route, p->route_size);
    read_head(d, c, p, &m);
    name_function(d, &m);
    if (depth == ENIP_DEPTH_LIMIT || c->err)
        ;
    else if (m.is_response)
        put_response(d, c, &m);
    else
        put_request(d, c, p, &m);
    put_rest(d, c, (uint16_t)d->pdu->n_objects);
    pdu_end(d, c);
    if (m.n_embedded && m.service == UNCONNECTED_SEND) {
        enip_cip(d, &m.embedded, p, depth + 1);
        if (m.embedded.err)
            cursor_join(c, &m.embedded);
    } else if (m.n_embedded) {
        give_multiple(d, c, p, &m);
    }
}
