#include "proto/it/ssh/ssh.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/hex.h"

#include <openssl/evp.h>

#define BANNER_MAX 255u /* RFC 4253 section 4.2 */
#define LISTS 10

enum message {
    MESSAGE_DISCONNECT = 1,
    MESSAGE_KEXINIT = 20,
    MESSAGE_NEWKEYS = 21,
};

static bool
begins_banner(const uint8_t *data, size_t size)
{
    return !memcmp(data, "SSH-", MIN(size, 4u));
}

/* A line, or a packet: its length, that of the padding, the message. */
static enum frame_found
ssh_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = size + 1; /* a line ends where it ends */
    if (begins_banner(data, size)) {
        const uint8_t *lf = memchr(data, '\n', MIN(size, BANNER_MAX));
        if (!lf)
            return size < BANNER_MAX ? FRAME_MORE : FRAME_NOT;
        *message = (size_t)(lf - data) + 1;
        return FRAME_WHOLE;
    }
    *message = 6;
    if (size < 6)
        return size && data[0] ? FRAME_NOT : FRAME_MORE;
    uint32_t length = get_be32(data);
    bool is_padded = data[4] >= 4 && data[4] + 2u <= length; /* section 6 */
    if (length > SSH_MESSAGE_MAX - 4 || !is_padded || !data[5] || data[5] >= 50)
        return FRAME_NOT;
    *message = 4 + length;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

static int
ssh_looks(const uint8_t *message, size_t size)
{
    if (size >= 8 && begins_banner(message, size))
        return message[4] >= '1' && message[4] <= '2' && message[5] == '.' ? LOOKS_SURE : LOOKS_NOT;
    size_t length;
    if (ssh_frame(message, size, &length) != FRAME_WHOLE || begins_banner(message, 1))
        return LOOKS_NOT;
    return length % 8 == 0 ? LOOKS_FAINT : LOOKS_NOT; /* without a cipher it is padded so */
}

/* ---- The banner ---- */

static void
put_banner(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    struct cursor whole = *c;
    const uint8_t *line = cursor_bytes(c, n, "banner"), *end = line + n;
    while (end > line && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    const uint8_t *version = line + MIN(4u, (size_t)(end - line)),
                  *dash = memchr(version, '-', (size_t)(end - version));
    if (!dash) {
        cursor_fail(c, ERR_MALFORMED, "banner");
        return;
    }
    const uint8_t *software = dash + 1, *space = memchr(software, ' ', (size_t)(end - software));
    pdu_begin(d, d->side == SIDE_CLIENT ? PDU_REQUEST : PDU_RESPONSE, SSH_BANNER);
    pdu_octets(d, SSH_VERSION, 0, version, (size_t)(dash - version));
    pdu_octets(d, SSH_SOFTWARE, 0, software, (size_t)((space ? space : end) - software));
    if (space)
        pdu_octets(d, SSH_COMMENT, 0, space + 1, (size_t)(end - space - 1));
    pdu_end(d, &whole);
    bool is_both = dash - version == 4 && !memcmp(version, "1.99", 4);
    d->body = *version == '1' && !is_both;
}

/* ---- Algorithms ---- */

struct list {
    const uint8_t *names;
    uint32_t n;
};

/* MD5 of four lists; nothing where there is no MD5. */
static void
fingerprint(const struct list *lists, const unsigned which[4], char text[33])
{
    struct buf b = BUF_INIT;
    uint8_t octets[EVP_MAX_MD_SIZE];
    for (unsigned i = 0; i < 4; i++) {
        if (i)
            buf_u8(&b, ';');
        buf_put(&b, lists[which[i]].names, lists[which[i]].n);
    }
    text[0] = '\0';
    if (EVP_Q_digest(NULL, "MD5", NULL, b.data, b.size, octets, NULL))
        hex_format(octets, 16, text);
    buf_fini(&b);
}

/* Section 7.1. HASSH is of what the client sends, HASSHServer of what the server does, each in the
 * direction that it sends to. */
static void
put_kexinit(struct dissection *d, struct cursor *c, char text[33])
{
    static const unsigned client[4] = {0, 2, 4, 6}, server[4] = {0, 3, 5, 7};
    struct list lists[LISTS] = {{NULL, 0}};
    cursor_skip(c, 16, "cookie");
    for (unsigned i = 0; i < LISTS; i++) {
        lists[i].n = cursor_be32(c, "length of a list");
        lists[i].names = cursor_bytes(c, lists[i].n, "list of algorithms");
    }
    cursor_skip(c, 5, "what follows a list");
    if (c->err)
        return;
    bool is_server = d->side == SIDE_SERVER;
    fingerprint(lists, is_server ? server : client, text);
    if (text[0] && d->side != SIDE_UNKNOWN)
        pdu_octets(d, is_server ? SSH_HASSH_SERVER : SSH_HASSH, 0, (const uint8_t *)text, 32);
    for (unsigned i = 0; i < 8; i++)
        pdu_octets(d, (uint16_t)(SSH_KEX + i), 0, lists[i].names, lists[i].n);
}

static void
put_disconnect(struct dissection *d, struct cursor *c)
{
    uint32_t reason = cursor_be32(c, "reason"), n = cursor_be32(c, "length of a text");
    const uint8_t *text = cursor_bytes(c, n, "text");
    if (!c->err)
        pdu_uint(d, SSH_REASON, 0, reason);
    pdu_octets(d, SSH_DESCRIPTION, 0, text, n);
}

static void
put_packet(struct dissection *d, struct cursor *c)
{
    struct cursor whole = *c;
    uint32_t length = cursor_be32(c, "packet length");
    struct cursor packet = cursor_split(c, length, "packet length");
    uint8_t padding = cursor_u8(&packet, "padding length"), number = cursor_u8(&packet, "message");
    if (!packet.err && padding > cursor_left(&packet))
        cursor_fail(&packet, ERR_MALFORMED, "padding length");
    struct cursor body = cursor_split(&packet, packet.err ? 0 : cursor_left(&packet) - padding,
                                      "payload");
    cursor_skip(&packet, padding, "padding");
    cursor_join(c, &packet);
    if (c->err)
        return;
    char text[33];
    pdu_begin(d, d->side == SIDE_SERVER ? PDU_RESPONSE : PDU_LINK, number);
    if (number == MESSAGE_KEXINIT)
        put_kexinit(d, &body, text);
    else if (number == MESSAGE_DISCONNECT)
        put_disconnect(d, &body);
    if (number != MESSAGE_KEXINIT)
        body.pos = body.end;
    pdu_end(d, &whole);
    d->body = number == MESSAGE_NEWKEYS;
    cursor_join(c, &body);
}

static void
ssh_dissect(struct dissection *d, struct cursor *c)
{
    if (cursor_left(c) >= 4 && begins_banner(c->pos, 4))
        put_banner(d, c);
    else
        put_packet(d, c);
}

/* What is encrypted, to the end. */
static size_t
ssh_body(struct dissection *d UNUSED, const uint8_t *data UNUSED, size_t size)
{
    return size;
}

/* ---- Tables ---- */

static const struct field_word reasons[] = {{1, "host-not-allowed"},
                                            {2, "protocol-error"},
                                            {3, "key-exchange-failed"},
                                            {5, "mac-error"},
                                            {6, "compression-error"},
                                            {7, "service-not-available"},
                                            {8, "version-not-supported"},
                                            {9, "host-key-not-verifiable"},
                                            {10, "connection-lost"},
                                            {11, "by-application"},
                                            {12, "too-many-connections"},
                                            {13, "cancelled-by-user"},
                                            {14, "no-more-methods"},
                                            {15, "illegal-user-name"},
                                            {0, NULL}};

static const struct field_info fields[] = {
    [SSH_VERSION] = {"version", FIELD_TEXT, NULL, "of the protocol"},
    [SSH_SOFTWARE] = {"software", FIELD_TEXT, NULL, "the speaker's program"},
    [SSH_COMMENT] = {"comment", FIELD_TEXT, NULL, "often the system it was built for"},
    [SSH_HASSH] = {"hassh", FIELD_TEXT, NULL, "fingerprint of the client"},
    [SSH_HASSH_SERVER] = {"hassh-server", FIELD_TEXT, NULL, "fingerprint of the server"},
    [SSH_KEX] = {"kex", FIELD_TEXT, NULL, "key exchanges"},
    [SSH_HOST_KEYS] = {"host-keys", FIELD_TEXT, NULL, "algorithms of host keys"},
    [SSH_CIPHERS_TO_SERVER] = {"ciphers-to-server", FIELD_TEXT, NULL, "ciphers"},
    [SSH_CIPHERS_TO_CLIENT] = {"ciphers-to-client", FIELD_TEXT, NULL, "ciphers"},
    [SSH_MACS_TO_SERVER] = {"macs-to-server", FIELD_TEXT, NULL, "authentication codes"},
    [SSH_MACS_TO_CLIENT] = {"macs-to-client", FIELD_TEXT, NULL, "authentication codes"},
    [SSH_COMPRESSIONS_TO_SERVER] = {"compressions-to-server", FIELD_TEXT, NULL, "compressions"},
    [SSH_COMPRESSIONS_TO_CLIENT] = {"compressions-to-client", FIELD_TEXT, NULL, "compressions"},
    [SSH_REASON] = {"reason", FIELD_UINT, reasons, "of a disconnection"},
    [SSH_DESCRIPTION] = {"description", FIELD_TEXT, NULL, "the same in words"},
};

static const struct function_info functions[] = {
    {MESSAGE_DISCONNECT, "disconnect", ACT_LINK},
    {2, "ignore", ACT_LINK},
    {3, "unimplemented", ACT_LINK},
    {4, "debug", ACT_LINK},
    {5, "service-request", ACT_LINK},
    {6, "service-accept", ACT_LINK},
    {7, "ext-info", ACT_LINK},
    {MESSAGE_KEXINIT, "kexinit", ACT_LINK},
    {MESSAGE_NEWKEYS, "newkeys", ACT_LINK},
    {30, "kex-30", ACT_LINK},
    {31, "kex-31", ACT_LINK},
    {32, "kex-32", ACT_LINK},
    {33, "kex-33", ACT_LINK},
    {34, "kex-34", ACT_LINK},
    {SSH_BANNER, "banner", ACT_IDENTIFY},
};

static const uint16_t ports[] = {22, 2222, 830, 0};

const struct protocol ssh = {
    .name = "ssh",
    .title = "SSH",
    .source = "RFC 4253, HASSH",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP,
    .ports = ports,
    .asker_tells = true,
    .message_max = SSH_MESSAGE_MAX,
    .frame = ssh_frame,
    .looks = ssh_looks,
    .dissect = ssh_dissect,
    .body = ssh_body,
};
