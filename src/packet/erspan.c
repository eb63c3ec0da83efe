#include "packet/erspan.h"

#include "base/bytes.h"
#include "base/cursor.h"

#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_NOT_OURS 0x4f87 /* routing, recursion and another version (RFC 2784, RFC 2890) */
#define TYPE_1_2 0x88be
#define TYPE_3 0x22eb
#define VERSION_2 1
#define VERSION_3 2
#define TAGS_WITHIN 3 /* EN: the frame has its VLAN tag still */
#define ETHERNET_SIZE 14u
#define IPV4_SIZE 20u
#define FRAGMENT_OFFSET 0x1fff

void
erspan_put(const struct erspan *e, uint8_t *to)
{
    put_be16(to, GRE_SEQUENCE);
    put_be16(to + 2, TYPE_1_2);
    put_be32(to + 4, e->sequence);
    put_be16(to + 8, VERSION_2 << 12);
    put_be16(to + 10, (uint16_t)(TAGS_WITHIN << 11 | e->is_truncated << 10 |
                                 (e->session & ERSPAN_SESSION_MAX)));
    put_be32(to + 12, e->index & 0xfffff);
}

static void
read_type_2(struct cursor *in, struct erspan *e)
{
    uint16_t version = cursor_be16(in, "Version, VLAN"), session = cursor_be16(in, "Session ID");
    e->type = 2;
    e->session = session & ERSPAN_SESSION_MAX;
    e->is_truncated = session >> 10 & 1;
    e->index = cursor_be32(in, "Index") & 0xfffff;
    if (version >> 12 != VERSION_2)
        cursor_fail(in, ERR_MALFORMED, "Version");
}

static void
read_type_3(struct cursor *in, struct erspan *e)
{
    uint16_t version = cursor_be16(in, "Version, VLAN"), session = cursor_be16(in, "Session ID");
    cursor_skip(in, 6, "Timestamp, SGT");
    uint16_t flags = cursor_be16(in, "Flags");
    e->type = 3;
    e->session = session & ERSPAN_SESSION_MAX;
    e->is_truncated = session >> 10 & 1;
    if (flags & 1) /* O */
        cursor_skip(in, 8, "Platform Specific SubHeader");
    if (version >> 12 != VERSION_3)
        cursor_fail(in, ERR_MALFORMED, "Version");
}

enum err
erspan_parse(const uint8_t *data, size_t size, struct erspan *result, const uint8_t **frame,
             size_t *frame_size)
{
    struct cursor in = cursor_over(data, size);
    struct erspan e = {.type = 1};
    uint16_t flags = cursor_be16(&in, "GRE flags"), type = cursor_be16(&in, "GRE protocol type");
    if (flags & GRE_NOT_OURS || (type != TYPE_1_2 && type != TYPE_3))
        cursor_fail(&in, ERR_UNSUPPORTED, "GRE protocol type");
    if (flags & GRE_CHECKSUM)
        cursor_skip(&in, 4, "Checksum");
    if (flags & GRE_KEY)
        cursor_skip(&in, 4, "Key");
    e.has_sequence = flags & GRE_SEQUENCE;
    if (e.has_sequence)
        e.sequence = cursor_be32(&in, "Sequence Number");
    if (type == TYPE_3)
        read_type_3(&in, &e);
    else if (e.has_sequence)
        read_type_2(&in, &e);
    if (in.err)
        return in.err;
    *result = e;
    *frame_size = cursor_left(&in);
    *frame = cursor_bytes(&in, *frame_size, "Frame");
    return ERR_OK;
}

bool
erspan_is_within(const uint8_t *frame, size_t size)
{
    size_t at = ETHERNET_SIZE - 2;
    while (size >= at + 6 && (get_be16(frame + at) == 0x8100 || get_be16(frame + at) == 0x88a8))
        at += 4;
    const uint8_t *ip = frame + at + 2;
    if (size < at + 2 + IPV4_SIZE || get_be16(frame + at) != 0x0800 || ip[9] != ERSPAN_IP_PROTO)
        return false;
    if (get_be16(ip + 6) & FRAGMENT_OFFSET)
        return true;
    size_t header = (size_t)(ip[0] & 15) * 4;
    uint16_t type = size >= at + 2 + header + 4 ? get_be16(ip + header + 2) : 0;
    return type == TYPE_1_2 || type == TYPE_3;
}
