/* Padded paths (volume 1, appendix C-1.4), and the identity of a device (volume 1, 5A-2). */
#include "proto/ot/enip/enip_private.h"

/* The type of a segment, and of a logical one. */
enum { PORT, LOGICAL, NETWORK, SYMBOLIC, DATA };
enum { CLASS, INSTANCE, MEMBER, CONNECTION_POINT, ATTRIBUTE, SPECIAL };

#define ELECTRONIC_KEY 0x34
#define ANSI_SYMBOL 0x91

/* ---- Segments ---- */

static void
put_port(struct dissection *d, struct cursor *c, uint16_t object, uint8_t segment, bool is_route)
{
    bool is_long = segment & 0x10;
    uint8_t size = is_long ? cursor_u8(c, "link address size") : 1;
    uint16_t port = segment & 15;
    if (port == 15)
        port = cursor_le16(c, "extended port");
    const uint8_t *link = cursor_bytes(c, size, "link address");
    if (is_long && size & 1)
        cursor_skip(c, 1, "pad");
    if (c->err)
        return;
    pdu_uint(d, is_route ? ENIP_ROUTE_PORT : ENIP_PATH_PORT, object, port);
    if (is_long)
        pdu_octets(d, is_route ? ENIP_ROUTE_LINK_ADDRESS : ENIP_PATH_LINK_ADDRESS, object, link,
                   size);
    else
        pdu_uint(d, is_route ? ENIP_ROUTE_LINK : ENIP_PATH_LINK, object, *link);
}

/* Key format 4: who the connection is for; 0 of each means any. */
static void
put_key(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint8_t format = cursor_u8(c, "key format");
    if (!c->err && format != 4)
        cursor_fail(c, ERR_UNSUPPORTED, "key format");
    uint16_t vendor = cursor_le16(c, "key vendor"), type = cursor_le16(c, "key device type"),
             product = cursor_le16(c, "key product code");
    uint8_t major = cursor_u8(c, "key major revision"), minor = cursor_u8(c, "key minor revision");
    if (c->err)
        return;
    pdu_uint(d, ENIP_KEY_VENDOR, object, vendor);
    pdu_uint(d, ENIP_KEY_DEVICE_TYPE, object, type);
    pdu_uint(d, ENIP_KEY_PRODUCT_CODE, object, product);
    pdu_uint(d, ENIP_KEY_MAJOR, object, major & 127); /* 128: compatible ones too */
    pdu_uint(d, ENIP_KEY_MINOR, object, minor);
}

static uint32_t
logical_value(struct cursor *c, unsigned format)
{
    if (format == 0)
        return cursor_u8(c, "logical segment");
    cursor_skip(c, 1, "pad");
    if (format == 1)
        return cursor_le16(c, "logical segment");
    if (format == 2)
        return cursor_le32(c, "logical segment");
    cursor_fail(c, ERR_MALFORMED, "logical segment's format");
    return 0;
}

static void
put_logical(struct dissection *d, struct cursor *c, uint16_t object, uint8_t segment,
            struct enip_target *t)
{
    static const uint16_t ids[] = {[CLASS] = ENIP_CLASS,
                                   [INSTANCE] = ENIP_INSTANCE,
                                   [MEMBER] = ENIP_MEMBER,
                                   [CONNECTION_POINT] = ENIP_CONNECTION_POINT,
                                   [ATTRIBUTE] = ENIP_ATTRIBUTE};
    unsigned type = segment >> 2 & 7;
    if (segment == ELECTRONIC_KEY) {
        put_key(d, c, object);
        return;
    }
    uint32_t value = logical_value(c, segment & 3);
    if (!c->err && type >= ARRAY_SIZE(ids))
        cursor_fail(c, ERR_UNSUPPORTED, "logical segment's type");
    if (c->err)
        return;
    pdu_uint(d, ids[type], object, value);
    if (type == CLASS) {
        t->has_class = true;
        t->class = value;
    } else if (type == INSTANCE) {
        t->has_instance = true;
        t->instance = value;
    } else if (type == ATTRIBUTE) {
        t->has_attribute = true;
        t->attribute = value;
    }
}

static void
put_symbol(struct dissection *d, struct cursor *c, uint16_t object, size_t size,
           struct enip_target *t)
{
    pdu_octets(d, ENIP_SYMBOL, object, cursor_bytes(c, size, "symbol"), size);
    t->has_symbol = !c->err;
}

static void
put_segment(struct dissection *d, struct cursor *c, uint16_t object, struct enip_target *t)
{
    uint8_t segment = cursor_u8(c, "path segment");
    size_t size;
    switch (segment >> 5) {
    case PORT:
        put_port(d, c, object, segment, false);
        break;
    case LOGICAL:
        put_logical(d, c, object, segment, t);
        break;
    case NETWORK: /* the extended ones tell how many words they have */
        size = segment & 0x10 ? 2u * cursor_u8(c, "network segment's size") : 1;
        cursor_skip(c, size, "network segment");
        break;
    case SYMBOLIC:
        if (!(segment & 31))
            cursor_fail(c, ERR_UNSUPPORTED, "extended symbol");
        put_symbol(d, c, object, segment & 31, t);
        if (!(segment & 1)) /* with its first octet it is even */
            cursor_skip(c, 1, "pad");
        break;
    case DATA:
        size = cursor_u8(c, "data segment's size");
        if (segment == ANSI_SYMBOL) {
            put_symbol(d, c, object, size, t);
            if (size & 1)
                cursor_skip(c, 1, "pad");
        } else {
            pdu_octets(d, ENIP_PATH_DATA, object, cursor_bytes(c, 2 * size, "data segment"),
                       2 * size);
        }
        break;
    default:
        cursor_fail(c, ERR_UNSUPPORTED, "path segment");
    }
}

/* What cannot be read of a path, of a vendor's own segments too, ends it and is told as it is. */
void
enip_path(struct dissection *d, struct cursor *c, uint16_t object, struct enip_target *target)
{
    struct enip_target unasked, *t = target ? target : &unasked;
    *t = (struct enip_target){.has_class = false};
    while (cursor_left(c)) {
        const uint8_t *begin = c->pos;
        put_segment(d, c, object, t);
        if (c->err)
            pdu_octets(d, ENIP_PATH_DATA, object, begin, (size_t)(c->end - begin));
    }
}

/* Ports alone. */
void
enip_route(struct dissection *d, const uint8_t *octets, size_t size)
{
    struct cursor c = cursor_over(octets, size);
    while (cursor_left(&c)) {
        uint8_t segment = cursor_u8(&c, "route");
        if (segment >> 5 != PORT)
            return;
        put_port(d, &c, 0, segment, true);
    }
}

/* ---- Who a device is ---- */

bool
enip_identity_attribute(struct dissection *d, struct cursor *c, uint16_t object, uint32_t attribute)
{
    static const struct {
        uint16_t id;
        const char *what;
    } words[] = {
        [1] = {ENIP_VENDOR, "vendor id"},
        [2] = {ENIP_DEVICE_TYPE, "device type"},
        [3] = {ENIP_PRODUCT_CODE, "product code"},
        [5] = {ENIP_DEVICE_STATUS, "device status"},
    };
    uint32_t value, minor;
    switch (attribute) {
    case 1:
    case 2:
    case 3:
    case 5:
        value = cursor_le16(c, words[attribute].what);
        if (!c->err)
            pdu_uint(d, words[attribute].id, object, value);
        return true;
    case 4:
        value = cursor_u8(c, "major revision");
        minor = cursor_u8(c, "minor revision");
        if (!c->err) {
            pdu_uint(d, ENIP_MAJOR_REVISION, object, value);
            pdu_uint(d, ENIP_MINOR_REVISION, object, minor);
        }
        return true;
    case 6:
        value = cursor_le32(c, "serial number");
        if (!c->err)
            pdu_uint(d, ENIP_SERIAL, object, value);
        return true;
    case 7:
        value = cursor_u8(c, "length of product name");
        pdu_octets(d, ENIP_PRODUCT_NAME, object, cursor_bytes(c, value, "product name"), value);
        return true;
    case 8:
        value = cursor_u8(c, "state");
        if (!c->err)
            pdu_uint(d, ENIP_STATE, object, value);
        return true;
    default:
        return false;
    }
}

void
enip_identity(struct dissection *d, struct cursor *c, uint16_t object)
{
    for (uint32_t attribute = 1; attribute <= 7; attribute++)
        enip_identity_attribute(d, c, object, attribute);
}
