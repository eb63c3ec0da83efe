#include "dissect/process_bus.h"

#include "base/attr.h"
#include "base/ber.h"

/* False: the next APDU is none of ours, and the cursor has failed. */
static bool
begin(const struct process_bus *b, struct dissection *d, struct cursor *c)
{
    uint32_t tag = ber_peek(c);
    if (tag != b->tag && (tag != b->request || !tag))
        cursor_fail(c, tag == BER_NONE ? ERR_TRUNCATED : ERR_MALFORMED, b->name);
    if (c->err)
        return false;
    pdu_begin(d, tag == b->tag ? PDU_REPORT : PDU_REQUEST, tag);
    return true;
}

static void
put_header(struct dissection *d, const struct iec61850_header *header)
{
    pdu_uint(d, PROCESS_BUS_APPID, 0, header->appid);
    pdu_uint(d, PROCESS_BUS_LENGTH, 0, header->length);
    pdu_uint(d, PROCESS_BUS_SIMULATED, 0, (header->reserved1 & IEC61850_SIMULATED) != 0);
    if (header->reserved1 & ~IEC61850_SIMULATED)
        pdu_uint(d, PROCESS_BUS_RESERVED_1, 0, header->reserved1);
    if (header->reserved2)
        pdu_uint(d, PROCESS_BUS_RESERVED_2, 0, header->reserved2);
}

/* Unlike iec61850_header_decode() it reads what there is of an APDU that was cut off. */
static void
from_ethernet(const struct process_bus *b, struct dissection *d, struct cursor *c)
{
    struct iec61850_header header;
    header.appid = cursor_be16(c, "APPID");
    header.length = cursor_be16(c, "Length");
    header.reserved1 = cursor_be16(c, "Reserved1");
    header.reserved2 = cursor_be16(c, "Reserved2");
    if (!c->err && header.length < IEC61850_HEADER_SIZE)
        cursor_fail(c, ERR_MALFORMED, "Length");
    if (c->err)
        return;
    size_t size = header.length - IEC61850_HEADER_SIZE, left = cursor_left(c);
    struct cursor apdu = cursor_split(c, MIN(size, left), "APDU");
    if (begin(b, d, &apdu)) {
        put_header(d, &header);
        b->apdu(d, &apdu);
        pdu_end(d, c);
    }
    cursor_join(c, &apdu);
    if (size > left)
        cursor_fail(c, ERR_TRUNCATED, "Length");
}

static void
put_session(struct dissection *d, const struct iec61850_session *s,
            const struct iec61850_payload *payload)
{
    pdu_uint(d, PROCESS_BUS_APPID, 0, payload->appid);
    pdu_uint(d, PROCESS_BUS_LENGTH, 0, payload->length);
    pdu_uint(d, PROCESS_BUS_SIMULATED, 0, payload->simulated);
    pdu_uint(d, PROCESS_BUS_SPDU_NUMBER, 0, s->number);
    pdu_uint(d, PROCESS_BUS_SESSION_VERSION, 0, s->version);
    pdu_uint(d, PROCESS_BUS_KEY_ID, 0, s->key_id);
    pdu_uint(d, PROCESS_BUS_SIGNED, 0, s->is_signed);
}

static void
from_session(const struct process_bus *b, struct dissection *d, struct cursor *c)
{
    struct iec61850_session session;
    struct iec61850_payload payload;
    struct cursor payloads = iec61850_session_decode(c, &session);
    while (cursor_left(&payloads)) {
        iec61850_payload_decode(&payloads, &payload);
        if (payload.tag != b->payload) {
            ber_read(&payloads, NULL, "APDU");
        } else if (begin(b, d, &payloads)) {
            put_session(d, &session, &payload);
            b->apdu(d, &payloads);
            pdu_end(d, c);
        }
    }
    cursor_join(c, &payloads);
}

void
process_bus_dissect(const struct process_bus *b, struct dissection *d, struct cursor *c)
{
    if (iec61850_is_session(c->pos, cursor_left(c)))
        from_session(b, d, c);
    else
        from_ethernet(b, d, c);
}

int
process_bus_looks(const struct process_bus *b, const uint8_t *message, size_t size)
{
    if (iec61850_is_session(message, size))
        return message[message[0] + 1] == b->spdu ? LOOKS_SURE : LOOKS_NOT;
    if (size <= IEC61850_HEADER_SIZE || get_be16(message + 2) > size)
        return LOOKS_NOT;
    return message[IEC61850_HEADER_SIZE] == b->tag ? LOOKS_LIKE : LOOKS_NOT;
}
