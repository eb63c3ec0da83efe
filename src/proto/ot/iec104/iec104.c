#include "proto/ot/iec104/iec104_private.h"

#include <time.h>

#define START 0x68

/* ---- Messages in a stream ---- */

enum frame_found
iec104_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = 6;
    if (size && data[0] != START)
        return FRAME_NOT;
    if (size < 2)
        return FRAME_MORE;
    if (data[1] < 4 || data[1] > 253)
        return FRAME_NOT;
    *message = 2u + data[1];
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
iec104_looks(const uint8_t *m, size_t size)
{
    size_t length;
    if (iec104_frame(m, size, &length) != FRAME_WHOLE)
        return LOOKS_NOT;
    if ((m[2] & 3) == 3) /* U: one of six, and nothing else */
        return length == 6 && !m[3] && !m[4] && !m[5] &&
                       protocol_function(&iec104, IEC104_U_FORMAT | m[2])
                   ? LOOKS_SURE
                   : LOOKS_NOT;
    if (m[2] & 1)
        return length == 6 && m[2] == 1 && !m[3] && !(m[4] & 1) ? LOOKS_LIKE : LOOKS_NOT;
    if (length < 12 || m[4] & 1)
        return LOOKS_NOT;
    return protocol_function(&iec104, m[6]) ? LOOKS_LIKE : LOOKS_FAINT;
}

/* ---- Times ---- */

/* CP56Time2a (clause 7.2.6.18); CP24 and CP16 are its beginnings, and tell no time without it. */
static void
put_time(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint16_t ms = cursor_le16(c, "milliseconds");
    const uint8_t *p = cursor_bytes(c, 5, "time");
    if (!p)
        return;
    unsigned minute = p[0] & 63, hour = p[1] & 31, day = p[2] & 31, month = p[3] & 15,
             year = p[4] & 127;
    if (!day || !month || month > 12 || hour > 23 || minute > 59 || ms > 59999)
        return; /* a clock that was never set */
    struct tm tm = {.tm_year = (int)(year < 70 ? 100 + year : year),
                    .tm_mon = (int)month - 1,
                    .tm_mday = (int)day,
                    .tm_hour = (int)hour,
                    .tm_min = (int)minute};
    pdu_int(d, IEC104_TIME, object, timegm(&tm) * NSEC_PER_SEC + ms * NSEC_PER_MSEC);
}

/* ---- Information objects ---- */

static void
put_real(struct dissection *d, struct cursor *c, uint16_t object)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = cursor_le32(c, "short floating point")};
    if (!c->err)
        pdu_real(d, IEC104_REAL, object, (double)u.value);
}

static void
put_command(struct dissection *d, uint16_t object, uint8_t octet, uint8_t mask)
{
    pdu_int(d, IEC104_VALUE, object, octet & mask);
    pdu_uint(d, IEC104_QUALIFIER, object, octet >> 2 & 31);
    pdu_uint(d, IEC104_SELECT, object, octet >> 7);
    if (octet >> 7 && d->pdu->act == ACT_OPERATE)
        d->pdu->act = ACT_SELECT;
}

static void
put_step(struct dissection *d, uint16_t object, uint8_t octet)
{
    pdu_int(d, IEC104_VALUE, object, (octet & 64) ? (octet & 127) - 128 : octet & 127);
    pdu_uint(d, IEC104_TRANSIENT, object, octet >> 7);
}

static void
put_octet(struct dissection *d, struct cursor *c, uint16_t object, enum iec104_element e)
{
    uint8_t v = cursor_u8(c, "information element");
    if (c->err)
        return;
    switch (e) {
    case E_SIQ:
        pdu_int(d, IEC104_VALUE, object, v & 1);
        pdu_uint(d, IEC104_QUALITY, object, v & 0xf0);
        break;
    case E_DIQ:
    case E_SEP:
        pdu_int(d, IEC104_VALUE, object, v & 3);
        pdu_uint(d, IEC104_QUALITY, object, v & (e == E_SEP ? 0xf8 : 0xf0));
        break;
    case E_VTI:
        put_step(d, object, v);
        break;
    case E_SPE:
        pdu_int(d, IEC104_VALUE, object, v & 63);
        break;
    case E_QDS:
        pdu_uint(d, IEC104_QUALITY, object, v);
        break;
    case E_SCO:
        put_command(d, object, v, 1);
        break;
    case E_DCO:
        put_command(d, object, v, 3);
        break;
    case E_QOS:
        pdu_uint(d, IEC104_QUALIFIER, object, v & 127);
        pdu_uint(d, IEC104_SELECT, object, v >> 7);
        break;
    default:
        pdu_uint(d, IEC104_QUALIFIER, object, v);
    }
}

static void
put_counter(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint32_t value = cursor_le32(c, "counter");
    uint8_t quality = cursor_u8(c, "counter's sequence and quality");
    if (c->err)
        return;
    pdu_int(d, IEC104_VALUE, object, (int32_t)value);
    pdu_uint(d, IEC104_QUALITY, object, quality & 0xe0);
}

static void
put_element(struct dissection *d, struct cursor *c, uint16_t object, enum iec104_element e)
{
    switch (e) {
    case E_BSI: {
        uint32_t value = cursor_le32(c, "bit string");
        if (!c->err)
            pdu_int(d, IEC104_VALUE, object, value);
        break;
    }
    case E_NVA: {
        int16_t value = (int16_t)cursor_le16(c, "normalised value");
        if (!c->err)
            pdu_real(d, IEC104_NORMALISED, object, value / 32768.0);
        break;
    }
    case E_SVA: {
        int16_t value = (int16_t)cursor_le16(c, "scaled value");
        if (!c->err)
            pdu_int(d, IEC104_VALUE, object, value);
        break;
    }
    case E_R32:
        put_real(d, c, object);
        break;
    case E_BCR:
        put_counter(d, c, object);
        break;
    case E_FBP:
        cursor_skip(c, 2, "test pattern");
        break;
    case E_CP16: {
        uint16_t ms = cursor_le16(c, "elapsed time");
        if (!c->err)
            pdu_uint(d, IEC104_ELAPSED, object, ms);
        break;
    }
    case E_CP24:
        cursor_skip(c, 3, "time within the hour");
        break;
    case E_CP56:
        put_time(d, c, object);
        break;
    case E_END:
    case E_NOTHING:
        break;
    default:
        put_octet(d, c, object, e);
    }
}

static void
put_objects(struct dissection *d, struct cursor *c, const struct iec104_type *type, unsigned n,
            bool is_sequence)
{
    uint32_t address = 0;
    for (unsigned i = 0; i < n && !c->err; i++) {
        address = i && is_sequence ? address + 1 : cursor_le24(c, "information object address");
        if (c->err)
            break;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, IEC104_OBJECT_ADDRESS, object, address);
        for (unsigned e = 0; e < ARRAY_SIZE(type->elements) && type->elements[e]; e++)
            put_element(d, c, object, type->elements[e]);
    }
}

static enum pdu_kind
kind_of(unsigned cause, bool negative)
{
    switch (cause) {
    case 6:
    case 8:
        return PDU_REQUEST;
    case 7:
    case 9:
    case 10:
        return negative ? PDU_REFUSAL : PDU_RESPONSE;
    case 44:
    case 45:
    case 46:
    case 47:
        return PDU_REFUSAL;
    case 5:
        return PDU_RESPONSE;
    default:
        return cause >= 20 && cause <= 41 ? PDU_RESPONSE : PDU_REPORT;
    }
}

/* Clause 7.1: type, structure, cause, common address, and then the objects. */
static void
put_asdu(struct dissection *d, struct cursor *c, const uint8_t *control)
{
    uint8_t type = cursor_u8(c, "type identification"), vsq = cursor_u8(c, "structure qualifier"),
            cause = cursor_u8(c, "cause of transmission"), originator = cursor_u8(c, "originator");
    uint16_t station = cursor_le16(c, "common address");
    if (c->err)
        return;
    bool negative = cause & 0x40, is_known = type < 128 && iec104_types[type].elements[0];
    pdu_begin(d, kind_of(cause & 63, negative), type);
    if (d->pdu->kind == PDU_RESPONSE && type == 102)
        d->pdu->kind = PDU_REQUEST; /* a read has the cause "requested" both ways */
    if (d->pdu->kind == PDU_REFUSAL)
        d->pdu->error = cause & 63;
    pdu_uint(d, IEC104_TX, 0, (control[0] | (uint32_t)control[1] << 8) >> 1);
    pdu_uint(d, IEC104_RX, 0, (control[2] | (uint32_t)control[3] << 8) >> 1);
    pdu_uint(d, IEC104_CAUSE, 0, cause & 63);
    pdu_uint(d, IEC104_TEST, 0, cause >> 7);
    pdu_uint(d, IEC104_NEGATIVE, 0, negative);
    pdu_uint(d, IEC104_ORIGINATOR, 0, originator);
    pdu_uint(d, IEC104_COMMON_ADDRESS, 0, station);
    pdu_uint(d, IEC104_SEQUENCE, 0, vsq >> 7);
    pdu_uint(d, IEC104_N_OBJECTS, 0, vsq & 127);
    if (is_known)
        put_objects(d, c, &iec104_types[type], vsq & 127, vsq >> 7);
    size_t left = cursor_left(c);
    if (left)
        pdu_octets(d, IEC104_DATA, 0, cursor_bytes(c, left, "data"), left);
    pdu_end(d, c);
}

void
iec104_dissect(struct dissection *d, struct cursor *c)
{
    uint8_t start = cursor_u8(c, "start"), length = cursor_u8(c, "length");
    struct cursor body = cursor_split(c, length, "APDU");
    const uint8_t *control = cursor_bytes(&body, 4, "control field");
    if (start != START)
        cursor_fail(&body, ERR_MALFORMED, "start");
    if (body.err) {
        cursor_join(c, &body);
        return;
    }
    if ((control[0] & 1) == 0) {
        put_asdu(d, &body, control);
    } else if ((control[0] & 3) == 1) {
        pdu_begin(d, PDU_LINK, IEC104_S_FORMAT);
        pdu_uint(d, IEC104_RX, 0, (control[2] | (uint32_t)control[3] << 8) >> 1);
        pdu_end(d, c);
    } else {
        pdu_begin(d, PDU_LINK, IEC104_U_FORMAT | control[0]);
        pdu_end(d, c);
    }
    cursor_join(c, &body);
}
