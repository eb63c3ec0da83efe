#include "proto/ot/tristation/tristation_private.h"

#define HEADER 4u /* type, 0, length */
#define CRC_SIZE 2u
#define EXECUTION 5
#define LAST_TYPE 11
#define ACCESS_DENIED 10
#define FIRST_REJECTION 200
#define GET_CP_STATUS 19
#define START_CHANGE 1
#define STATUS_PROJECT 58 /* where a status has it, as observed */

/* CRC-16 of the polynomial 0x8005, reflected, from 0. */
static uint16_t
crc16(const uint8_t *p, size_t size)
{
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
    }
    return (uint16_t)crc;
}

int
tristation_looks(const uint8_t *m, size_t size)
{
    if (size < HEADER + CRC_SIZE || !m[0] || m[0] > LAST_TYPE || m[1] ||
        get_le16(m + 2) + HEADER + CRC_SIZE != size)
        return LOOKS_NOT;
    return crc16(m, size - CRC_SIZE) == get_le16(m + size - CRC_SIZE) ? LOOKS_SURE : LOOKS_FAINT;
}

/* ---- Commands and answers ---- */

static void
put_project(struct dissection *d, struct cursor *c)
{
    uint16_t minor = cursor_le16(c, "project minor version"),
             major = cursor_le16(c, "project major version");
    uint32_t time = cursor_le32(c, "project time");
    size_t left = cursor_left(c), n = 0;
    if (c->err)
        return;
    while (n < left && c->pos[n])
        n++;
    pdu_uint(d, TRISTATION_PROJECT_VERSION, 0, major);
    pdu_uint(d, TRISTATION_PROJECT_MINOR, 0, minor);
    pdu_int(d, TRISTATION_PROJECT_TIME, 0, (int64_t)time * NSEC_PER_SEC);
    pdu_octets(d, TRISTATION_PROJECT, 0, cursor_bytes(c, n, "project name"), n);
}

/* "Start download change" says which project it changes. */
static void
put_change(struct dissection *d, struct cursor *c)
{
    const uint8_t *name = c->pos;
    size_t n = 0, left = cursor_left(c);
    while (n < left && name[n])
        n++;
    pdu_octets(d, TRISTATION_PROJECT, 0, cursor_bytes(c, n, "project name"), n);
}

static void
put_data(struct dissection *d, struct cursor *c)
{
    size_t size = cursor_left(c);
    const struct pdu *p = d->pdu;
    if (size)
        pdu_uint(d, TRISTATION_SIZE, 0, size);
    if (p->kind == PDU_RESPONSE && p->function == GET_CP_STATUS && size > STATUS_PROJECT) {
        cursor_skip(c, STATUS_PROJECT, "status");
        put_project(d, c);
    } else if (p->kind == PDU_REQUEST && p->function == START_CHANGE) {
        put_change(d, c);
    } else if (p->kind == PDU_REFUSAL && !p->error) {
        d->pdu->error = cursor_u8(c, "reason");
    }
    cursor_skip(c, cursor_left(c), "data");
}

static uint16_t *
asked_of(struct dissection *d, uint8_t counter)
{
    struct tristation_state *s = d->state;
    return s ? &s->asked[counter] : NULL;
}

/* Which command an answer belongs to; its own number if nobody knows. */
static uint32_t
function_of(struct dissection *d, uint8_t code, uint8_t counter)
{
    const uint16_t *asked = asked_of(d, counter);
    unsigned at = code - TRISTATION_FIRST_ANSWER;
    if (asked && *asked)
        return *asked - 1u;
    return at < TRISTATION_ANSWERS && tristation_asked[at] ? tristation_asked[at] - 1u : code;
}

static void
put_command(struct dissection *d, struct cursor *c)
{
    uint16_t source = cursor_le16(c, "source");
    uint8_t code = cursor_u8(c, "command"), counter = cursor_u8(c, "counter");
    cursor_skip(c, 4, "sum of octets"); /* what of answers is summed is not known */
    uint16_t length = cursor_le16(c, "command length");
    if (!c->err && length != (size_t)(c->end - c->start))
        cursor_fail(c, ERR_MALFORMED, "command length");
    if (c->err)
        return;
    struct pdu *p = d->pdu;
    bool asks = code < TRISTATION_REJECTED;
    uint16_t *asked = asked_of(d, counter);
    p->kind = asks                                                     ? PDU_REQUEST
              : code == TRISTATION_REJECTED || code >= FIRST_REJECTION ? PDU_REFUSAL
                                                                       : PDU_RESPONSE;
    p->function = asks ? code : function_of(d, code, counter);
    p->info = protocol_function(&tristation, p->function);
    p->act = p->info ? p->info->act : ACT_OTHER;
    p->error = code >= FIRST_REJECTION ? code : 0;
    pdu_uint(d, TRISTATION_SOURCE, 0, source);
    pdu_uint(d, TRISTATION_COUNTER, 0, counter);
    if (!asks)
        pdu_uint(d, TRISTATION_ANSWER, 0, code);
    put_data(d, c);
    if (asked)
        *asked = asks ? (uint16_t)(code + 1) : 0;
}

void
tristation_dissect(struct dissection *d, struct cursor *c)
{
    uint8_t type = cursor_u8(c, "message type"), zero = cursor_u8(c, "message type");
    uint16_t length = cursor_le16(c, "length");
    struct cursor body = cursor_split(c, length, "length");
    uint16_t crc = cursor_le16(c, "checksum");
    if (!c->err && (!type || type > LAST_TYPE || zero))
        cursor_fail(c, ERR_MALFORMED, "message type");
    if (!c->err && crc16(c->start, (size_t)(body.end - c->start)) != crc)
        cursor_fail(c, ERR_MALFORMED, "checksum");
    if (c->err)
        return;
    bool refuses = type == 7 || type == 8 || type >= ACCESS_DENIED;
    pdu_begin(d, refuses ? PDU_REFUSAL : PDU_LINK, TRISTATION_MESSAGE(type));
    if (type == EXECUTION)
        put_command(d, &body);
    else
        cursor_skip(&body, cursor_left(&body), "data");
    cursor_join(c, &body);
    pdu_end(d, c);
}
