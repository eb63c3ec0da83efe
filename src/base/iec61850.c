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
