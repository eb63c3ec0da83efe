#include "base/alloc.h"
#include "proto/it/tls/tls_private.h"

#include <stdlib.h>

#define HEADER 5u
#define RECORD_MAX (16384u + 2048u) /* RFC 5246 section 6.2.3 */
#define CERTIFICATES 8              /* of which a digest is told */

enum record {
    RECORD_CHANGE = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_DATA = 23,
    RECORD_HEARTBEAT = 24,
};

enum handshake {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    HANDSHAKE_LAST = 24,
};

enum extension {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_GROUPS = 10,
    EXTENSION_POINT_FORMATS = 11,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
};

/* ---- Records into messages ---- */

static bool
begins_record(const uint8_t *data, size_t size)
{
    return (size < 1 || (data[0] >= RECORD_CHANGE && data[0] <= RECORD_HEARTBEAT)) &&
           (size < 2 || data[1] == 3) && (size < 3 || data[2] <= 4) &&
           (size < HEADER || get_be16(data + 3) <= RECORD_MAX);
}

/* Handshake messages in records. */
struct walk {
    uint32_t left; /* octets of the message that has begun */
    uint8_t n_head;
    uint8_t head[4];
};

/* False: no handshake message can begin so; it is encrypted. */
static bool
walk_on(struct walk *w, const uint8_t *data, size_t size)
{
    while (size) {
        size_t n = MIN(size, w->left);
        w->left -= (uint32_t)n;
        data += n;
        size -= n;
        while (size && !w->left && w->n_head < 4) {
            w->head[w->n_head++] = *data++;
            size--;
        }
        if (w->n_head == 4) {
            w->left = get_be24(w->head + 1);
            w->n_head = 0;
            if (w->head[0] > HANDSHAKE_LAST || w->left > TLS_MESSAGE_MAX - 2 * RECORD_MAX)
                return false;
        }
    }
    return true;
}

/* Handshake messages may go over records (RFC 5246 section 6.2.1): then these are one. */
enum frame_found
tls_frame(const uint8_t *data, size_t size, size_t *message)
{
    struct walk w = {0};
    size_t at = 0;
    if (!begins_record(data, size))
        return FRAME_NOT;
    for (;;) {
        *message = at + HEADER;
        if (size < *message)
            return FRAME_MORE;
        size_t length = get_be16(data + at + 3);
        *message += length;
        if (size < *message)
            return FRAME_MORE;
        if (data[0] != RECORD_HANDSHAKE || !walk_on(&w, data + at + HEADER, length) ||
            (!w.left && !w.n_head) || *message + HEADER + RECORD_MAX > TLS_MESSAGE_MAX)
            return FRAME_WHOLE;
        at = *message;
        if (size > at && (!begins_record(data + at, size - at) || data[at] != RECORD_HANDSHAKE))
            return FRAME_WHOLE;
    }
}

int
tls_looks(const uint8_t *m, size_t size)
{
    if (size < HEADER || !begins_record(m, size))
        return LOOKS_NOT;
    size_t length = get_be16(m + 3);
    const uint8_t *body = m + HEADER;
    switch (m[0]) {
    case RECORD_HANDSHAKE: /* a hello with its own version and without a gap */
        if (size >= HEADER + 6 && (body[0] == CLIENT_HELLO || body[0] == SERVER_HELLO) &&
            !body[1] && body[4] == 3 && body[5] <= 4 && length >= 4)
            return LOOKS_SURE;
        return LOOKS_LIKE;
    case RECORD_CHANGE:
        return length == 1 && size > HEADER && body[0] == 1 ? LOOKS_LIKE : LOOKS_NOT;
    case RECORD_ALERT:
        return length == 2 || length >= 18 ? LOOKS_LIKE : LOOKS_NOT;
    case RECORD_DATA:
        return length >= 17 ? LOOKS_LIKE : LOOKS_FAINT;
    default:
        return LOOKS_FAINT;
    }
}

/* ---- Hellos ---- */

static void
put_words(struct dissection *d, struct cursor *c, enum tls_field field, struct tls_words *list)
{
    size_t n = cursor_left(c) / 2;
    const uint8_t *words = cursor_bytes(c, 2 * n, "list");
    if (!words)
        return;
    pdu_octets(d, (uint16_t)field, 0, words, n);
    for (size_t i = 0; i < n; i++)
        tls_words_add(list, get_be16(words + 2 * i));
}

static void
put_server_name(struct dissection *d, struct cursor *c)
{
    struct cursor list = cursor_split(c, cursor_be16(c, "server names"), "server names");
    while (cursor_left(&list)) {
        uint8_t type = cursor_u8(&list, "type of a name");
        uint16_t n = cursor_be16(&list, "length of a name");
        const uint8_t *name = cursor_bytes(&list, n, "server name");
        if (!type)
            pdu_octets(d, TLS_SERVER_NAME, 0, name, n);
    }
    cursor_join(c, &list);
}

static void
put_alpn(struct dissection *d, struct cursor *c, struct tls_hello *h)
{
    struct cursor list = cursor_split(c, cursor_be16(c, "protocols"), "protocols");
    while (cursor_left(&list)) {
        uint8_t n = cursor_u8(&list, "length of a protocol");
        const uint8_t *name = cursor_bytes(&list, n, "protocol");
        pdu_octets(d, TLS_ALPN, 0, name, n);
        if (name && !h->alpn) {
            h->alpn = name;
            h->alpn_size = n;
        }
    }
    cursor_join(c, &list);
}

static void
put_versions(struct dissection *d, struct cursor *c, struct tls_hello *h, bool is_client)
{
    if (!is_client) {
        h->highest = cursor_be16(c, "selected version");
        pdu_uint(d, TLS_SELECTED_VERSION, 0, h->highest);
        return;
    }
    struct tls_words list = {0, {0}};
    struct cursor versions = cursor_split(c, cursor_u8(c, "versions"), "versions");
    put_words(d, &versions, TLS_SUPPORTED_VERSIONS, &list);
    h->highest = 0;
    for (size_t i = 0; i < list.n; i++)
        h->highest = MAX(h->highest, list.words[i]);
    cursor_join(c, &versions);
}

static void
put_extension(struct dissection *d, struct cursor *c, uint16_t type, struct tls_hello *h,
              bool is_client)
{
    struct cursor list;
    if (!is_client && type != EXTENSION_ALPN && type != EXTENSION_VERSIONS) {
        c->pos = c->end;
        return;
    }
    switch (type) {
    case EXTENSION_SERVER_NAME:
        h->has_server_name = true;
        put_server_name(d, c);
        break;
    case EXTENSION_GROUPS:
        list = cursor_split(c, cursor_be16(c, "groups"), "groups");
        put_words(d, &list, TLS_GROUPS, &h->groups);
        cursor_join(c, &list);
        break;
    case EXTENSION_POINT_FORMATS:
        h->n_point_formats = cursor_u8(c, "point formats");
        h->point_formats = cursor_bytes(c, h->n_point_formats, "point formats");
        h->n_point_formats = h->point_formats ? h->n_point_formats : 0;
        pdu_octets(d, TLS_POINT_FORMATS, 0, h->point_formats, h->n_point_formats);
        break;
    case EXTENSION_SIGNATURES:
        list = cursor_split(c, cursor_be16(c, "signature algorithms"), "signature algorithms");
        put_words(d, &list, TLS_SIGNATURES, &h->signatures);
        cursor_join(c, &list);
        break;
    case EXTENSION_ALPN:
        put_alpn(d, c, h);
        break;
    case EXTENSION_VERSIONS:
        put_versions(d, c, h, is_client);
        break;
    default:
        c->pos = c->end;
    }
}

/* `types` has room for the types of TLS_LIST extensions; returns how many there are. */
static size_t
put_extensions(struct dissection *d, struct cursor *c, struct tls_hello *h, bool is_client,
               uint8_t *types)
{
    size_t n = 0;
    if (!cursor_left(c)) /* they may be missing (RFC 5246 section 7.4.1.2) */
        return 0;
    struct cursor list = cursor_split(c, cursor_be16(c, "extensions"), "extensions");
    while (cursor_left(&list)) {
        uint16_t type = cursor_be16(&list, "extension's type");
        struct cursor extension = cursor_split(&list, cursor_be16(&list, "extension's length"),
                                               "extension's length");
        if (list.err)
            break;
        tls_words_add(&h->extensions, type);
        if (n < TLS_LIST)
            put_be16(types + 2 * n++, type);
        put_extension(d, &extension, type, h, is_client);
        cursor_join(&list, &extension);
    }
    cursor_join(c, &list);
    return n;
}

static void
client_hello(struct dissection *d, struct cursor *c, uint8_t *types, char texts[2][40])
{
    struct tls_hello h = {.version = cursor_be16(c, "version")};
    h.highest = h.version;
    cursor_skip(c, 32, "random");
    cursor_skip(c, cursor_u8(c, "session's length"), "session");
    struct cursor ciphers = cursor_split(c, cursor_be16(c, "ciphers' length"), "ciphers' length");
    if (c->err)
        return;
    pdu_uint(d, TLS_VERSION, 0, h.version);
    put_words(d, &ciphers, TLS_CIPHERS, &h.ciphers);
    cursor_join(c, &ciphers);
    cursor_skip(c, cursor_u8(c, "compressions"), "compressions");
    size_t n = put_extensions(d, c, &h, true, types);
    if (n)
        pdu_octets(d, TLS_EXTENSIONS, 0, types, n);
    if (c->err)
        return;
    tls_ja3(&h, texts[0]);
    tls_ja4(&h, texts[1]);
    if (texts[0][0])
        pdu_octets(d, TLS_JA3, 0, (const uint8_t *)texts[0], 32);
    if (strlen(texts[1]) == TLS_JA4_SIZE)
        pdu_octets(d, TLS_JA4, 0, (const uint8_t *)texts[1], TLS_JA4_SIZE);
}

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
static const uint8_t retry[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static void
server_hello(struct dissection *d, struct cursor *c, uint8_t *types, char texts[2][40])
{
    struct tls_hello h = {.version = cursor_be16(c, "version")};
    const uint8_t *random = cursor_bytes(c, 32, "random");
    bool is_draft = h.version >> 8 ==
                    0x7f; /* of TLS 1.3, the early ones of which have no session */
    if (!is_draft)
        cursor_skip(c, cursor_u8(c, "session's length"), "session");
    uint16_t cipher = cursor_be16(c, "cipher");
    if (!is_draft)
        cursor_skip(c, 1, "compression");
    if (c->err)
        return;
    pdu_uint(d, TLS_VERSION, 0, h.version);
    pdu_uint(d, TLS_CIPHER, 0, cipher);
    if (!memcmp(random, retry, sizeof retry))
        pdu_uint(d, TLS_RETRY, 0, 1);
    h.ciphers = (struct tls_words){1, {cipher}};
    size_t n = put_extensions(d, c, &h, false, types);
    if (n)
        pdu_octets(d, TLS_EXTENSIONS, 0, types, n);
    if (c->err)
        return;
    tls_ja3s(&h, texts[0]);
    if (texts[0][0])
        pdu_octets(d, TLS_JA3S, 0, (const uint8_t *)texts[0], 32);
}

/* ---- Other handshake messages ---- */

/* One that cannot be read is an error; those behind it are read all the same. */
static void
certificates(struct dissection *d, struct cursor *c, uint8_t digests[][TLS_SHA256_SIZE])
{
    struct cursor bad = *c;
    struct cursor list = cursor_split(c, cursor_be24(c, "certificates' length"),
                                      "certificates' length");
    for (unsigned i = 0; cursor_left(&list); i++) {
        struct cursor one = cursor_split(&list, cursor_be24(&list, "certificate's length"),
                                         "certificate's length");
        if (list.err)
            break;
        tls_certificate(d, &one, i < CERTIFICATES ? digests[i] : NULL);
        cursor_join(&bad, &one);
    }
    cursor_join(c, &list);
    if (bad.err && !c->err) {
        cursor_fail(c, bad.err, bad.field);
        c->offset = bad.offset;
    }
}

static void
handshake_message(struct dissection *d, struct cursor *c, uint16_t record_version)
{
    struct cursor whole = *c;
    uint8_t type = cursor_u8(c, "handshake type");
    struct cursor body = cursor_split(c, cursor_be24(c, "handshake length"), "handshake length");
    if (c->err)
        return;
    uint8_t types[2 * TLS_LIST], digests[CERTIFICATES][TLS_SHA256_SIZE];
    char texts[2][40] = {"", ""};
    pdu_begin(d, PDU_LINK, type);
    pdu_uint(d, TLS_RECORD_VERSION, 0, record_version);
    struct tls_state *s = d->state;
    if (s && (type == CLIENT_HELLO || type == SERVER_HELLO))
        s->is_begun[d->way] = true;
    if (type == CLIENT_HELLO) {
        d->pdu->kind = PDU_REQUEST;
        client_hello(d, &body, types, texts);
    } else if (type == SERVER_HELLO) {
        d->pdu->kind = PDU_RESPONSE;
        server_hello(d, &body, types, texts);
    } else if (type == CERTIFICATE) {
        d->pdu->kind = PDU_RESPONSE;
        certificates(d, &body, digests);
    } else {
        body.pos = body.end;
    }
    whole.end = c->pos;
    pdu_end(d, &whole);
    cursor_join(c, &body);
}

static void
take_messages(struct dissection *d, struct cursor *c, uint16_t version)
{
    while (cursor_left(c))
        handshake_message(d, c, version);
}

/* Is it a message, and not what is encrypted? A second hello may come behind ChangeCipherSpec (RFC
 * 8446 appendix D.4). */
static bool
is_in_the_open(const struct dissection *d, const uint8_t *data, size_t size, size_t record)
{
    const struct tls_state *s = d->state;
    struct walk w = {0};
    if (s && s->is_changed[d->way])
        return size >= 4 && (data[0] == CLIENT_HELLO || data[0] == SERVER_HELLO) &&
               get_be24(data + 1) + 4 <= size;
    return (s && s->is_begun[d->way]) || walk_on(&w, data, MIN(size, record));
}

static void
give_record(struct dissection *d, const struct cursor *whole, uint8_t type, uint16_t version,
            size_t size)
{
    pdu_begin(d, PDU_LINK, TLS_RECORD(type));
    pdu_uint(d, TLS_RECORD_VERSION, 0, version);
    pdu_uint(d, TLS_SIZE, 0, size);
    pdu_end(d, whole);
}

/* The contents of the records, one behind the other; what is encrypted comes in one. */
static void
take_handshake(struct dissection *d, struct cursor *c, const struct cursor *whole, size_t first,
               uint16_t version)
{
    if (!is_in_the_open(d, c->pos, cursor_left(c), first)) {
        give_record(d, whole, RECORD_HANDSHAKE, version, cursor_left(c));
        c->pos = c->end;
        return;
    }
    take_messages(d, c, version);
}

static void
take_joined(struct dissection *d, struct cursor *c, size_t size, size_t first, uint16_t version)
{
    uint8_t *joined = xmalloc(size);
    struct cursor whole = *c, inner;
    size_t n = 0;
    while (cursor_left(c) && !c->err) {
        cursor_skip(c, 3, "record");
        uint16_t length = cursor_be16(c, "record's length");
        const uint8_t *octets = cursor_bytes(c, length, "record");
        if (octets)
            memcpy(joined + n, octets, length);
        n += octets ? length : 0;
    }
    inner = cursor_over(joined, n);
    if (!c->err)
        take_handshake(d, &inner, &whole, first, version);
    if (inner.err) {
        cursor_fail(c, inner.err, inner.field);
        c->offset = MIN(inner.offset, (size_t)(c->end - c->start));
    }
    free(joined);
}

/* ---- Other records ---- */

static void
take_alert(struct dissection *d, struct cursor *c, const struct cursor *whole, uint16_t version)
{
    const struct tls_state *s = d->state;
    bool is_open = cursor_left(c) == 2 && !(s && s->is_changed[d->way]) &&
                   (c->pos[0] == 1 || c->pos[0] == 2);
    if (!is_open) {
        give_record(d, whole, RECORD_ALERT, version, cursor_left(c));
        c->pos = c->end;
        return;
    }
    uint8_t level = cursor_u8(c, "alert level"), description = cursor_u8(c, "alert");
    pdu_begin(d, level == 2 ? PDU_REFUSAL : PDU_LINK, TLS_RECORD(RECORD_ALERT));
    pdu_uint(d, TLS_RECORD_VERSION, 0, version);
    pdu_uint(d, TLS_ALERT_LEVEL, 0, level);
    d->pdu->error = description;
    pdu_end(d, whole);
}

/* A payload that is said to be longer than its record is what "Heartbleed" asks with. */
static void
take_heartbeat(struct dissection *d, struct cursor *c, const struct cursor *whole, uint16_t version)
{
    const struct tls_state *s = d->state;
    size_t size = cursor_left(c);
    uint8_t type = cursor_u8(c, "heartbeat type");
    bool is_open = !(s && s->is_changed[d->way]) && (type == 1 || type == 2) && size >= 3;
    pdu_begin(d,
              !is_open    ? PDU_LINK
              : type == 1 ? PDU_REQUEST
                          : PDU_RESPONSE,
              TLS_RECORD(RECORD_HEARTBEAT));
    pdu_uint(d, TLS_RECORD_VERSION, 0, version);
    pdu_uint(d, TLS_SIZE, 0, size);
    if (is_open)
        pdu_uint(d, TLS_HEARTBEAT_SIZE, 0, cursor_be16(c, "payload's length"));
    pdu_end(d, whole);
    c->pos = c->end;
}

static void
take_data(struct dissection *d, const struct cursor *whole, uint16_t version, size_t size)
{
    struct tls_state *s = d->state;
    if (!s || !s->is_opaque[d->way])
        give_record(d, whole, RECORD_DATA, version, size);
    if (!s)
        return;
    s->is_opaque[d->way] = true;
    d->body = true;
}

void
tls_dissect(struct dissection *d, struct cursor *c)
{
    struct tls_state *s = d->state;
    struct cursor whole = *c, records = *c;
    uint8_t type = cursor_u8(c, "record type");
    uint16_t version = cursor_be16(c, "record version"), length = cursor_be16(c, "record length");
    struct cursor record = cursor_split(c, length, "record length");
    if (!c->err && (type < RECORD_CHANGE || type > RECORD_HEARTBEAT || version >> 8 != 3))
        cursor_fail(c, ERR_MALFORMED, "record type");
    if (c->err)
        return;
    if (cursor_left(c) && type == RECORD_HANDSHAKE) {
        *c = records;
        take_joined(d, c, cursor_left(c), length, version);
        return;
    }
    if (type == RECORD_HANDSHAKE) {
        take_handshake(d, &record, &whole, length, version);
    } else if (type == RECORD_ALERT) {
        take_alert(d, &record, &whole, version);
    } else if (type == RECORD_HEARTBEAT) {
        take_heartbeat(d, &record, &whole, version);
    } else {
        record.pos = record.end;
        if (type == RECORD_DATA)
            take_data(d, &whole, version, length);
        else
            give_record(d, &whole, type, version, length);
    }
    if (s && type == RECORD_CHANGE)
        s->is_changed[d->way] = true;
    cursor_join(c, &record);
}

/* Behind the first application data all is encrypted, that way. */
size_t
tls_body(struct dissection *d UNUSED, const uint8_t *data UNUSED, size_t size)
{
    return size;
}
