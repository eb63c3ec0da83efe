#include "proto/ot/codesys/codesys_private.h"

#include <stdio.h>

#define TCP_MAGIC 0xe8170100u
#define TCP_HEADER 8u
#define MAGIC 0xc5
#define HEADER 6u
#define NAME_REQUEST 3
#define NAME_ANSWER 4
#define CHANNELS 0x40
#define NS_RESOLVE_NAME 0xc201
#define NS_IDENTIFICATION 0xc280
#define SERVICE 0xcd55
#define SECURE_SERVICE 0x7557
#define IS_REQUEST 0x80
#define IS_FIRST 0x01
#define IS_RESPONSE 0x80

/* ---- Messages in a stream ---- */

enum frame_found
codesys_frame(const uint8_t *data, size_t size, size_t *message)
{
    static const uint8_t magic[] = {0x00, 0x01, 0x17, 0xe8};
    *message = TCP_HEADER;
    if (memcmp(data, magic, MIN(size, sizeof magic)) != 0)
        return FRAME_NOT;
    if (size < TCP_HEADER)
        return FRAME_MORE;
    uint32_t length = get_le32(data + 4);
    if (length < TCP_HEADER + HEADER || length > CODESYS_MESSAGE_MAX)
        return FRAME_NOT;
    *message = length;
    return size >= length ? FRAME_WHOLE : FRAME_MORE;
}

static bool
is_service(uint8_t service)
{
    return (service >= 1 && service <= NAME_ANSWER) || service == CHANNELS;
}

/* Where the datagram's data begin: addresses are filled up to four octets. */
static size_t
data_at(const uint8_t *m)
{
    size_t at = 2u * ((m[1] & 7u) + (m[5] & 15u) + (m[5] >> 4));
    return at + at % 4;
}

int
codesys_looks(const uint8_t *m, size_t size)
{
    size_t length;
    if (codesys_frame(m, size, &length) == FRAME_WHOLE)
        return m[TCP_HEADER] == MAGIC ? LOOKS_SURE : LOOKS_FAINT;
    if (size < HEADER + 2 || m[0] != MAGIC || (m[1] & 7) < 3 || !is_service(m[3]) || !m[5] ||
        size < data_at(m))
        return LOOKS_NOT;
    size_t at = data_at(m), left = size - at;
    if (m[3] == NAME_REQUEST || m[3] == NAME_ANSWER)
        return left >= 8 && (m[at + 1] & 0xfe) == 0xc2 ? LOOKS_SURE : LOOKS_NOT;
    return LOOKS_LIKE;
}

/* ---- The name service ---- */

static size_t
put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 63));
    to[2] = (char)(0x80 | (c & 63));
    return 3;
}

/* `n` units of UTF-16 and a zero; of surrogates a question mark stands for each. */
static void
put_name(struct dissection *d, struct cursor *c, uint16_t field, unsigned which, uint16_t n,
         const char *what)
{
    struct codesys_state *s = d->state;
    const uint8_t *p = cursor_bytes(c, 2u * n, what);
    cursor_skip(c, 2, what);
    if (!p || !s || !n)
        return;
    char *to = s->names[which];
    size_t size = 0;
    for (unsigned i = 0; i < n && size + 3 <= CODESYS_NAME_SIZE; i++) {
        uint16_t unit = get_le16(p + 2 * (size_t)i);
        size += put_utf8(to + size, unit >= 0xd800 && unit < 0xe000 ? '?' : unit);
    }
    pdu_octets(d, field, 0, (const uint8_t *)to, size);
}

static void
put_version(struct dissection *d, struct cursor *c)
{
    struct codesys_state *s = d->state;
    const uint8_t *v = cursor_bytes(c, 4, "target version");
    if (!v || !s)
        return;
    int n = snprintf(s->version, sizeof s->version, "%u.%u.%u.%u", v[3], v[2], v[1], v[0]);
    pdu_octets(d, CODESYS_FIRMWARE, 0, (const uint8_t *)s->version, (size_t)n);
}

static void
put_identity(struct dissection *d, struct cursor *c)
{
    static const struct layout_part target[] = {{LAYOUT_LE, 4, CODESYS_TARGET_TYPE, "target type"},
                                                {LAYOUT_LE, 4, CODESYS_TARGET_ID, "target id"},
                                                {LAYOUT_END, 0, 0, NULL}};
    uint16_t channels = cursor_le16(c, "max channels");
    cursor_skip(c, 2, "byte order");
    uint16_t parent = cursor_le16(c, "parent address size"),
             node = cursor_le16(c, "node name length"),
             device = cursor_le16(c, "device name length"),
             vendor = cursor_le16(c, "vendor name length");
    if (!c->err)
        pdu_uint(d, CODESYS_CHANNELS, 0, channels);
    layout_put(d, c, target, 0);
    put_version(d, c);
    cursor_skip(c, 4, "flags");
    uint8_t serial = cursor_u8(c, "serial number length");
    cursor_skip(c, 11, "block driver type");
    cursor_skip(c, parent, "parent address");
    put_name(d, c, CODESYS_NODE_NAME, 0, node, "node name");
    put_name(d, c, CODESYS_DEVICE_NAME, 1, device, "device name");
    put_name(d, c, CODESYS_VENDOR, 2, vendor, "vendor name");
    if (serial && cursor_left(c))
        pdu_octets(d, CODESYS_SERIAL, 0, cursor_bytes(c, serial, "serial number"), serial);
}

static void
put_size(struct dissection *d, struct cursor *c)
{
    size_t left = cursor_left(c);
    if (left)
        pdu_uint(d, CODESYS_SIZE, 0, left);
    cursor_skip(c, left, "data");
}

static void
set_function(struct pdu *p, uint32_t function)
{
    p->function = function;
    p->info = protocol_function(&codesys, function);
    p->act = p->info ? p->info->act : ACT_OTHER;
}

static void
put_name_service(struct dissection *d, struct cursor *c)
{
    static const struct layout_part head[] = {{LAYOUT_LE, 2, CODESYS_VERSION, "version"},
                                              {LAYOUT_LE, 4, CODESYS_REQUEST, "message id"},
                                              {LAYOUT_END, 0, 0, NULL}};
    uint16_t type = cursor_le16(c, "name service");
    if (type == NS_IDENTIFICATION)
        set_function(d->pdu, CODESYS_IDENTIFICATION);
    else if (type >= NS_RESOLVE_NAME && type <= NS_RESOLVE_NAME + 2)
        set_function(d->pdu, CODESYS_RESOLVE_NAME + (type - NS_RESOLVE_NAME));
    layout_put(d, c, head, 0);
    if (type == NS_IDENTIFICATION)
        put_identity(d, c);
    put_size(d, c);
}

/* ---- Channels ---- */

static void
put_service(struct dissection *d, struct cursor *c)
{
    uint16_t protocol = cursor_le16(c, "protocol id"), header = cursor_le16(c, "header size");
    struct pdu *p = d->pdu;
    if (c->err || (protocol != SERVICE && protocol != SECURE_SERVICE))
        return; /* the middle of something */
    struct cursor h = cursor_split(c, header, "header size");
    uint16_t group = cursor_le16(&h, "command group"), command = cursor_le16(&h, "command");
    uint32_t session = cursor_le32(&h, "session id"), content = cursor_le32(&h, "content size");
    cursor_skip(&h, cursor_left(&h), "header");
    cursor_join(c, &h);
    if (c->err)
        return;
    const struct function_info *component = protocol_function(&codesys,
                                                              CODESYS_SERVICE(group & 127u, 0));
    p->kind = group & IS_RESPONSE ? PDU_RESPONSE : PDU_REQUEST;
    set_function(p, CODESYS_SERVICE(group & 127u, command));
    if (!p->info && component) {
        p->info = component;
        p->act = component->act;
    }
    pdu_uint(d, CODESYS_GROUP, 0, group & 127u);
    pdu_uint(d, CODESYS_COMMAND, 0, command);
    pdu_uint(d, CODESYS_SESSION, 0, session);
    if (protocol == SECURE_SERVICE)
        pdu_uint(d, CODESYS_SECURE, 0, 1);
    pdu_uint(d, CODESYS_CONTENT, 0, content);
}

static void
put_block(struct dissection *d, struct cursor *c, uint8_t flags)
{
    static const struct layout_part head[] = {
        {LAYOUT_LE, 2, CODESYS_CHANNEL, "channel id"},
        {LAYOUT_LE, 4, CODESYS_BLOCK, "block id"},
        {LAYOUT_LE, 4, CODESYS_ACKNOWLEDGED, "acknowledged block id"},
        {LAYOUT_END, 0, 0, NULL}};
    set_function(d->pdu, CODESYS_BLOCK_FUNCTION);
    d->pdu->kind = flags & IS_REQUEST ? PDU_REQUEST : PDU_RESPONSE;
    layout_put(d, c, head, 0);
    if (!(flags & IS_FIRST))
        return;
    cursor_skip(c, 8, "size and checksum");
    if (cursor_left(c) >= 4)
        put_service(d, c);
}

static void
put_channel(struct dissection *d, struct cursor *c)
{
    static const struct layout_part channel[] = {{LAYOUT_LE, 2, CODESYS_CHANNEL, "channel id"},
                                                 {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part acknowledge[] = {
        {LAYOUT_LE, 2, CODESYS_CHANNEL, "channel id"},
        {LAYOUT_LE, 4, CODESYS_ACKNOWLEDGED, "block id"},
        {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part open[] = {{LAYOUT_LE, 2, CODESYS_VERSION, "version"},
                                              {LAYOUT_SKIP, 4, 0, "checksum"},
                                              {LAYOUT_LE, 4, CODESYS_REQUEST, "message id"},
                                              {LAYOUT_LE, 4, CODESYS_BUFFER, "buffer size"},
                                              {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part opened[] = {{LAYOUT_LE, 2, CODESYS_VERSION, "version"},
                                                {LAYOUT_SKIP, 4, 0, "checksum"},
                                                {LAYOUT_LE, 4, CODESYS_REQUEST, "message id"},
                                                {LAYOUT_LE, 2, CODESYS_REASON, "reason"},
                                                {LAYOUT_LE, 2, CODESYS_CHANNEL, "channel id"},
                                                {LAYOUT_LE, 4, CODESYS_BUFFER, "buffer size"},
                                                {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part closed[] = {{LAYOUT_LE, 2, CODESYS_VERSION, "version"},
                                                {LAYOUT_SKIP, 4, 0, "checksum"},
                                                {LAYOUT_LE, 2, CODESYS_CHANNEL, "channel id"},
                                                {LAYOUT_LE, 2, CODESYS_REASON, "reason"},
                                                {LAYOUT_END, 0, 0, NULL}};
    static const struct {
        uint8_t type;
        uint32_t function;
        const struct layout_part *parts;
    } types[] = {{0x02, CODESYS_BLOCK_ACKNOWLEDGED, acknowledge},
                 {0x03, CODESYS_KEEP_ALIVE, channel},
                 {0xc2, CODESYS_CHANNEL_INFORMATION, NULL},
                 {0xc3, CODESYS_OPEN_CHANNEL, open},
                 {0x83, CODESYS_OPEN_CHANNEL, opened},
                 {0xc4, CODESYS_CLOSE_CHANNEL, closed}};
    uint8_t type = cursor_u8(c, "channel packet"), flags = cursor_u8(c, "flags");
    if (type == 0x01) {
        put_block(d, c, flags);
        put_size(d, c);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (types[i].type != type)
            continue;
        set_function(d->pdu, types[i].function);
        d->pdu->kind = PDU_LINK;
        if (types[i].parts)
            layout_put(d, c, types[i].parts, 0);
    }
    put_size(d, c);
}

/* ---- Datagrams ---- */

static void
put_datagram(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    const uint8_t *start = c->pos, *h = cursor_bytes(c, HEADER, "datagram header");
    if (h && (h[0] != MAGIC || (h[1] & 7) < 3))
        cursor_fail(c, ERR_MALFORMED, "datagram header");
    if (c->err)
        return;
    size_t sender = 2u * (h[5] >> 4), receiver = 2u * (h[5] & 15u);
    cursor_skip(c, 2u * (h[1] & 7u) - HEADER, "datagram header");
    const uint8_t *to = cursor_bytes(c, receiver, "receiver"),
                  *from = cursor_bytes(c, sender, "sender");
    if (c->err)
        return;
    cursor_skip(c, data_at(start) - (size_t)(c->pos - start), "fill");
    bool names = h[3] == NAME_REQUEST || h[3] == NAME_ANSWER;
    pdu_begin(d,
              h[3] == NAME_ANSWER ? PDU_RESPONSE
              : names             ? PDU_REQUEST
                                  : PDU_LINK,
              h[3] == 1   ? CODESYS_ADDRESS_REQUEST
              : h[3] == 2 ? CODESYS_ADDRESS_ANSWER
              : names     ? CODESYS_NAME_SERVICE
                          : CODESYS_DATAGRAM);
    pdu_uint(d, CODESYS_PRIORITY, 0, h[2] >> 6);
    pdu_octets(d, CODESYS_SENDER, 0, sender ? from : NULL, sender);
    pdu_octets(d, CODESYS_RECEIVER, 0, receiver ? to : NULL, receiver);
    if (names)
        put_name_service(d, c);
    else if (h[3] == CHANNELS)
        put_channel(d, c);
    else
        put_size(d, c);
    pdu_end(d, message);
}

void
codesys_dissect(struct dissection *d, struct cursor *c)
{
    if (cursor_left(c) < 4 || get_le32(c->pos) != TCP_MAGIC) {
        put_datagram(d, c, c);
        return;
    }
    cursor_skip(c, 4, "block driver's magic");
    uint32_t length = cursor_le32(c, "block driver's length");
    if (!c->err && length < TCP_HEADER)
        cursor_fail(c, ERR_MALFORMED, "block driver's length");
    struct cursor body = cursor_split(c, c->err ? 0 : length - TCP_HEADER, "block driver's length");
    if (body.err)
        return;
    put_datagram(d, &body, c);
    cursor_join(c, &body);
}
