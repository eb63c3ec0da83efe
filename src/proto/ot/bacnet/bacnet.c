/* Virtual link (annex J.2), network layer (clause 6.2), and heads of APDUs (clause 20.1). */
#include "proto/ot/bacnet/bacnet_private.h"

#define TYPE_IP 0x81
#define VERSION 1

enum link {
    LINK_RESULT = 0,
    LINK_FORWARDED = 4,
    LINK_REGISTER = 5,
    LINK_DISTRIBUTE = 9,
    LINK_UNICAST = 10,
    LINK_BROADCAST = 11,
    LINK_LAST = 12,
};

#define IS_NETWORK_MESSAGE 0x80
#define HAS_DESTINATION 0x20
#define HAS_SOURCE 0x08
#define IS_SEGMENTED 8
#define MORE_FOLLOW 4

/* What stands before an APDU. */
struct head {
    uint8_t link, control, destination_size, source_size;
    uint16_t forwarded_port, destination_network, source_network;
    uint32_t forwarded_from;
    uint16_t length; /* that is told, where it is another than the datagram's; 0: it is not */
    const uint8_t *destination, *source;
};

static bool
has_npdu(uint8_t link)
{
    return link == LINK_FORWARDED || (link >= LINK_DISTRIBUTE && link <= LINK_BROADCAST);
}

int
bacnet_looks(const uint8_t *m, size_t size)
{
    if (size < 4 || m[0] != TYPE_IP || m[1] > LINK_LAST)
        return LOOKS_NOT;
    int likes = get_be16(m + 2) == size ? LOOKS_LIKE : LOOKS_FAINT;
    if (!has_npdu(m[1]))
        return likes;
    size_t at = m[1] == LINK_FORWARDED ? 10 : 4;
    return size > at + 1 && m[at] == VERSION ? likes : LOOKS_NOT;
}

/* ---- Beginning a PDU ---- */

static void
begin(struct dissection *d, enum pdu_kind kind, uint32_t function, const struct head *h)
{
    pdu_begin(d, kind, function);
    pdu_uint(d, BACNET_BVLC, 0, h->link);
    if (h->length)
        pdu_uint(d, BACNET_LENGTH, 0, h->length);
    if (h->link == LINK_FORWARDED) {
        pdu_uint(d, BACNET_FORWARDED_FROM, 0, h->forwarded_from);
        pdu_uint(d, BACNET_FORWARDED_PORT, 0, h->forwarded_port);
    }
    if (h->control & HAS_DESTINATION) {
        pdu_uint(d, BACNET_DESTINATION_NETWORK, 0, h->destination_network);
        if (h->destination_size)
            pdu_octets(d, BACNET_DESTINATION_ADDRESS, 0, h->destination, h->destination_size);
    }
    if (h->control & HAS_SOURCE) {
        pdu_uint(d, BACNET_SOURCE_NETWORK, 0, h->source_network);
        pdu_octets(d, BACNET_SOURCE_ADDRESS, 0, h->source, h->source_size);
    }
}

static void
put_rest(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, BACNET_DATA, (uint16_t)d->pdu->n_objects, cursor_bytes(c, n, "data"), n);
}

/* ---- What was asked ---- */

static void
note_asked(struct dissection *d, uint8_t invoke, uint8_t service)
{
    struct bacnet_state *s = d->state;
    if (!s)
        return;
    uint32_t i = s->next++ % BACNET_ASKED;
    s->asked[i].waits = true;
    s->asked[i].way = (uint8_t)d->way;
    s->asked[i].invoke = invoke;
    s->asked[i].service = service;
}

/* The service that is refused; -1: it was not seen. */
static int
asked_service(struct dissection *d, uint8_t invoke)
{
    struct bacnet_state *s = d->state;
    for (uint32_t i = 1; s && i <= BACNET_ASKED; i++) {
        uint32_t at = (s->next - i) % BACNET_ASKED;
        if (!s->asked[at].waits || s->asked[at].way == d->way || s->asked[at].invoke != invoke)
            continue;
        s->asked[at].waits = false;
        return s->asked[at].service;
    }
    return -1;
}

/* ---- Segments ---- */

/* Adds what is left of the APDU; true: it is whole, and `*c` reads it. */
static bool
add_segment(struct dissection *d, struct cursor *c, uint8_t octet, uint8_t invoke, uint8_t sequence,
            uint8_t service)
{
    struct bacnet_state *state = d->state;
    if (!state)
        return false;
    struct bacnet_segments *s = &state->segments;
    uint8_t type = octet >> 4;
    size_t n = cursor_left(c);
    if (sequence == 0) {
        s->is_open = true;
        s->way = (uint8_t)d->way;
        s->type = type;
        s->invoke = invoke;
        s->service = service;
        s->next = 0;
        s->size = 0;
    }
    if (!s->is_open || s->way != d->way || s->type != type || s->invoke != invoke ||
        s->service != service || s->next != sequence || n > sizeof s->octets - s->size) {
        s->is_open = false; /* one is missing, or came again, or it is too large */
        return false;
    }
    memcpy(s->octets + s->size, c->pos, n);
    s->size += (uint32_t)n;
    s->next++;
    if (octet & MORE_FOLLOW)
        return false;
    s->is_open = false;
    *c = cursor_over(s->octets, s->size);
    return true;
}

/* ---- APDUs ---- */

static void
put_apdu(struct dissection *d, uint8_t type, uint8_t invoke)
{
    pdu_uint(d, BACNET_APDU_TYPE, 0, type);
    pdu_uint(d, BACNET_INVOKE, 0, invoke);
}

/* A Confirmed-Request or a Complex-ACK. */
static void
give_message(struct dissection *d, struct cursor *c, const struct head *h, uint8_t octet)
{
    struct cursor whole = *c;
    uint8_t type = octet >> 4, sequence = 0;
    if (type == APDU_CONFIRMED)
        cursor_skip(c, 1, "size of the answer");
    uint8_t invoke = cursor_u8(c, "invoke id");
    if (octet & IS_SEGMENTED) {
        sequence = cursor_u8(c, "sequence number");
        cursor_skip(c, 1, "window size");
    }
    uint8_t service = cursor_u8(c, "service choice");
    begin(d, type == APDU_CONFIRMED ? PDU_REQUEST : PDU_RESPONSE, service, h);
    if (!c->err) {
        put_apdu(d, type, invoke);
        if (octet & IS_SEGMENTED) {
            pdu_uint(d, BACNET_SEGMENT, 0, sequence);
            pdu_uint(d, BACNET_MORE_SEGMENTS, 0, octet & MORE_FOLLOW ? 1 : 0);
        }
        pdu_uint(d, BACNET_SERVICE, 0, service);
        if (type == APDU_CONFIRMED && !sequence)
            note_asked(d, invoke, service);
        struct cursor body = *c;
        if (!(octet & IS_SEGMENTED) || add_segment(d, &body, octet, invoke, sequence, service))
            bacnet_service(d, &body, service | (type == APDU_CONFIRMED ? 0 : BACNET_ACK));
        else
            put_rest(d, &body);
        if (body.err) {
            cursor_fail(c, body.err, body.field);
            c->offset = octet & IS_SEGMENTED ? cursor_offset(c) : body.offset;
        }
    }
    pdu_end(d, &whole);
}

static void
give_unconfirmed(struct dissection *d, struct cursor *c, const struct head *h)
{
    struct cursor whole = *c;
    uint8_t service = cursor_u8(c, "service choice");
    if (c->err)
        return;
    enum pdu_kind kind = service >= 7 && service <= 8 ? PDU_REQUEST : PDU_REPORT;
    begin(d, kind, BACNET_UNCONFIRMED | service, h);
    if (d->pdu->act == ACT_CLOCK || d->pdu->act == ACT_WRITE || d->pdu->act == ACT_CONFIGURE)
        d->pdu->kind = PDU_REQUEST;
    pdu_uint(d, BACNET_APDU_TYPE, 0, APDU_UNCONFIRMED);
    pdu_uint(d, BACNET_SERVICE, 0, service);
    bacnet_service(d, c, BACNET_UNCONFIRMED | service);
    pdu_end(d, &whole);
}

/* Class and code of an Error are application tagged enumerations, within tag 0 for some services.
 */
static void
put_error(struct dissection *d, struct cursor *c)
{
    if (cursor_left(c) && *c->pos == 0x0e)
        cursor_skip(c, 1, "opening tag");
    uint32_t values[2] = {0, 0};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t tag = cursor_u8(c, "error's tag");
        if (!c->err && tag != 0x91 && tag != 0x92)
            cursor_fail(c, ERR_MALFORMED, "error's tag");
        values[i] = (tag & 7) == 2 ? cursor_be16(c, "error") : cursor_u8(c, "error");
    }
    if (c->err)
        return;
    pdu_uint(d, BACNET_ERROR_CLASS, 0, values[0]);
    d->pdu->error = values[1];
    put_rest(d, c);
}

static void
give_answer(struct dissection *d, struct cursor *c, const struct head *h, uint8_t type)
{
    struct cursor whole = *c;
    uint8_t invoke = cursor_u8(c, "invoke id"), choice = cursor_u8(c, "choice");
    if (c->err)
        return;
    int asked = asked_service(d, invoke);
    uint32_t function = type == APDU_SIMPLE_ACK || type == APDU_ERROR ? choice
                        : type == APDU_SEGMENT_ACK || asked < 0       ? BACNET_APDU | type
                                                                      : (uint32_t)asked;
    enum pdu_kind kind = type == APDU_SIMPLE_ACK    ? PDU_RESPONSE
                         : type == APDU_SEGMENT_ACK ? PDU_LINK
                                                    : PDU_REFUSAL;
    begin(d, kind, function, h);
    put_apdu(d, type, invoke);
    if (type == APDU_SEGMENT_ACK) {
        pdu_uint(d, BACNET_SEGMENT, 0, choice);
        cursor_skip(c, 1, "window size");
    } else if (type == APDU_REJECT || type == APDU_ABORT) {
        d->pdu->error = (type == APDU_REJECT ? BACNET_REJECT : BACNET_ABORT) | choice;
    } else {
        pdu_uint(d, BACNET_SERVICE, 0, choice);
        if (type == APDU_ERROR)
            put_error(d, c);
    }
    put_rest(d, c);
    pdu_end(d, &whole);
}

static void
take_apdu(struct dissection *d, struct cursor *c, const struct head *h)
{
    uint8_t octet = cursor_u8(c, "APDU type"), type = octet >> 4;
    if (c->err)
        return;
    if (type == APDU_CONFIRMED || type == APDU_COMPLEX_ACK)
        give_message(d, c, h, octet);
    else if (type == APDU_UNCONFIRMED)
        give_unconfirmed(d, c, h);
    else if (type <= APDU_ABORT)
        give_answer(d, c, h, type);
    else
        cursor_fail(c, ERR_MALFORMED, "APDU type");
}

/* ---- The layers before ---- */

/* Numbers of networks, and nothing else (clauses 6.4.1 to 6.4.7). */
static void
put_networks(struct dissection *d, struct cursor *c, uint8_t type)
{
    if (type == 3 || type == 8) { /* the reason, and the time, are octets beside one network */
        const uint8_t *reason = type == 3 ? cursor_bytes(c, 1, "reason") : NULL;
        uint16_t network = cursor_be16(c, "network number");
        if (!c->err)
            pdu_uint(d, BACNET_NETWORK_NUMBER, 0, network);
        pdu_octets(d, BACNET_DATA, 0, reason, 1);
        return;
    }
    bool is_list = type <= 5 && type != 2;
    bool is_one = type == 2 || type == 9 || type == 0x13;
    while ((is_list || is_one) && cursor_left(c)) {
        uint16_t network = cursor_be16(c, "network number");
        if (!c->err)
            pdu_uint(d, BACNET_NETWORK_NUMBER, 0, network);
        is_one = false;
    }
}

static void
give_network_message(struct dissection *d, struct cursor *c, const struct head *h)
{
    struct cursor whole = *c;
    uint8_t type = cursor_u8(c, "network message type");
    uint16_t vendor = type >= 0x80 ? cursor_be16(c, "vendor id") : 0;
    if (c->err)
        return;
    begin(d, type == 0 || type == 6 || type == 0x12 ? PDU_REQUEST : PDU_REPORT,
          BACNET_NETWORK | type, h);
    if (type >= 0x80)
        pdu_uint(d, BACNET_NETWORK_VENDOR, 0, vendor);
    put_networks(d, c, type);
    put_rest(d, c);
    pdu_end(d, &whole);
}

static void
take_npdu(struct dissection *d, struct cursor *c, struct head *h)
{
    uint8_t version = cursor_u8(c, "NPDU version");
    if (!c->err && version != VERSION)
        cursor_fail(c, ERR_MALFORMED, "NPDU version");
    h->control = cursor_u8(c, "NPDU control");
    if (h->control & HAS_DESTINATION) {
        h->destination_network = cursor_be16(c, "destination network");
        h->destination_size = cursor_u8(c, "destination address's length");
        h->destination = cursor_bytes(c, h->destination_size, "destination address");
    }
    if (h->control & HAS_SOURCE) {
        h->source_network = cursor_be16(c, "source network");
        h->source_size = cursor_u8(c, "source address's length");
        h->source = cursor_bytes(c, h->source_size, "source address");
    }
    if (h->control & HAS_DESTINATION)
        cursor_skip(c, 1, "hop count");
    if (c->err)
        return;
    if (h->control & IS_NETWORK_MESSAGE)
        give_network_message(d, c, h);
    else
        take_apdu(d, c, h);
}

static void
give_link(struct dissection *d, struct cursor *c, const struct head *h)
{
    struct cursor whole = *c;
    bool is_answer = h->link == LINK_RESULT || h->link == 3 || h->link == 7;
    begin(d, is_answer ? PDU_RESPONSE : PDU_REQUEST, BACNET_LINK | h->link, h);
    if (h->link == LINK_RESULT || h->link == LINK_REGISTER) {
        uint16_t value = cursor_be16(c, h->link == LINK_RESULT ? "result" : "time to live");
        if (!c->err)
            pdu_uint(d, h->link == LINK_RESULT ? BACNET_RESULT : BACNET_TIME_TO_LIVE, 0, value);
        if (h->link == LINK_RESULT && value) {
            d->pdu->kind = PDU_REFUSAL;
            d->pdu->error = BACNET_LINK_RESULT | value;
        }
    }
    put_rest(d, c);
    pdu_end(d, &whole);
}

/* Who tells a length that is not the datagram's is heard too, as devices read to its end; and it is
 * an error. */
void
bacnet_dissect(struct dissection *d, struct cursor *c)
{
    size_t size = cursor_left(c);
    uint8_t type = cursor_u8(c, "type of the link");
    struct head h = {.link = cursor_u8(c, "function of the link")};
    uint16_t length = cursor_be16(c, "length");
    if (!c->err && (type != TYPE_IP || h.link > LINK_LAST))
        cursor_fail(c, ERR_MALFORMED, "type of the link");
    if (c->err)
        return;
    h.length = length == size ? 0 : length;
    if (h.link == LINK_FORWARDED) {
        h.forwarded_from = cursor_be32(c, "forwarded address");
        h.forwarded_port = cursor_be16(c, "forwarded port");
    }
    if (has_npdu(h.link))
        take_npdu(d, c, &h);
    else
        give_link(d, c, &h);
    if (h.length)
        cursor_fail(c, h.length > size ? ERR_TRUNCATED : ERR_MALFORMED, "length");
}
