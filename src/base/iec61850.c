#include "base/iec61850.h"

#define FRACTIONS_PER_SEC (INT64_C(1) << 24)

struct cursor
iec61850_header_decode(struct cursor *frame, struct iec61850_header *header)
{
    header->appid = cursor_be16(frame, "APPID");
    struct cursor at_length = *frame;
    header->length = cursor_be16(frame, "Length");
    header->reserved1 = cursor_be16(frame, "Reserved1");
    header->reserved2 = cursor_be16(frame, "Reserved2");
    if (!frame->err && header->length < IEC61850_HEADER_SIZE) {
        cursor_fail(&at_length, ERR_MALFORMED, "Length");
        *frame = at_length;
    }
    return cursor_split(frame, frame->err ? 0 : header->length - IEC61850_HEADER_SIZE, "APDU");
}

size_t
iec61850_header_begin(struct buf *b, const struct iec61850_header *header)
{
    size_t begin = b->size;
    buf_be16(b, header->appid);
    buf_be16(b, 0);
    buf_be16(b, header->reserved1);
    buf_be16(b, header->reserved2);
    return begin;
}

void
iec61850_header_end(struct buf *b, size_t begin)
{
    size_t length = b->size - begin;
    if (length > UINT16_MAX)
        b->overflow = true;
    else
        buf_patch_be16(b, begin + 2, (uint16_t)length);
}

/* ---- Over UDP ---- */

#define CLTP_UNIT_DATA 0x40 /* ISO/IEC 8602 clause 7.3 */
#define COMMON_HEADER 0x80
#define SIGNATURE 0x85

bool
iec61850_is_session(const uint8_t *data, size_t size)
{
    if (size < 2 || data[0] < 1 || data[1] != CLTP_UNIT_DATA || size < data[0] + 3u)
        return false;
    uint8_t spdu = data[data[0] + 1];
    return spdu >= IEC61850_SPDU_TUNNELLED && spdu <= IEC61850_SPDU_MANAGEMENT;
}

static void
session_header(struct cursor *datagram, struct iec61850_session *s)
{
    uint8_t size = cursor_u8(datagram, "session header length");
    struct cursor header = cursor_split(datagram, size, "session header");
    if (cursor_u8(&header, "common session header") != COMMON_HEADER)
        cursor_fail(&header, ERR_MALFORMED, "common session header");
    size = cursor_u8(&header, "common session header length");
    struct cursor common = cursor_split(&header, size, "common session header");
    cursor_skip(&common, 4, "SPDU length");
    s->number = cursor_be32(&common, "SPDU number");
    s->version = cursor_be16(&common, "version");
    cursor_skip(&common, 4 + 2, "times of keys");
    if (cursor_left(&common) == 2 + 4)
        cursor_skip(&common, 2, "security algorithms");
    s->key_id = cursor_be32(&common, "key ID");
    cursor_skip(&common, cursor_left(&common), "initialisation vector");
    cursor_join(&header, &common);
    cursor_skip(&header, cursor_left(&header), "session header"); /* other parameters */
    cursor_join(datagram, &header);
}

struct cursor
iec61850_session_decode(struct cursor *datagram, struct iec61850_session *s)
{
    cursor_skip(datagram, cursor_u8(datagram, "CLTP length"), "CLTP header");
    *s = (struct iec61850_session){.spdu = cursor_u8(datagram, "SPDU identifier")};
    session_header(datagram, s);
    uint32_t size = cursor_be32(datagram, "payload length");
    struct cursor payloads = cursor_split(datagram, size, "payloads");
    while (cursor_left(datagram) >= 2) {
        s->is_signed |= cursor_u8(datagram, "trailer") == SIGNATURE;
        cursor_skip(datagram, cursor_u8(datagram, "trailer length"), "trailer");
    }
    return payloads;
}

void
iec61850_payload_decode(struct cursor *payloads, struct iec61850_payload *p)
{
    p->tag = cursor_u8(payloads, "payload tag");
    p->simulated = cursor_u8(payloads, "simulation");
    p->appid = cursor_be16(payloads, "APPID");
    p->length = cursor_be16(payloads, "APDU length");
}

struct iec61850_time
iec61850_time_decode(struct cursor *c, const char *what)
{
    struct cursor octets = cursor_split(c, IEC61850_TIME_SIZE, what);
    struct iec61850_time t;
    t.seconds = cursor_be32(&octets, what);
    t.fraction = cursor_be24(&octets, what);
    t.quality = cursor_u8(&octets, what);
    return t;
}

void
iec61850_time_encode(struct buf *b, struct iec61850_time t)
{
    buf_be32(b, t.seconds);
    buf_be24(b, t.fraction);
    buf_u8(b, t.quality);
}

nsec_t
iec61850_time_wall(struct iec61850_time t)
{
    return t.seconds * NSEC_PER_SEC +
           (t.fraction * NSEC_PER_SEC + FRACTIONS_PER_SEC / 2) / FRACTIONS_PER_SEC;
}

struct iec61850_time
iec61850_time_at(nsec_t wall, uint8_t quality)
{
    int64_t fraction = (wall % NSEC_PER_SEC * FRACTIONS_PER_SEC + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
    return (struct iec61850_time){
        .seconds = (uint32_t)(wall / NSEC_PER_SEC + fraction / FRACTIONS_PER_SEC),
        .fraction = (uint32_t)(fraction % FRACTIONS_PER_SEC),
        .quality = quality,
    };
}
