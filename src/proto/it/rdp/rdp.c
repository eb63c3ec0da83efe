#include "proto/it/rdp/rdp.h"

#include "base/attr.h"
#include "base/ber.h"
#include "proto/ot/iso/iso.h"

#define CR 0xe0
#define CC 0xd0
#define DT 0xf0
#define NEGOTIATION_REQUEST 1
#define NEGOTIATION_RESPONSE 2
#define NEGOTIATION_FAILURE 3
#define CLIENT_CORE 0xc001
#define CLIENT_SECURITY 0xc002
#define CLIENT_NETWORK 0xc003
#define SERVER_CORE 0x0c01
#define SERVER_SECURITY 0x0c02
#define CHANNELS_MAX 31 /* section 2.2.1.3.4 */
#define NAME_UNITS 16u

static const char cookie[] = "Cookie: ";
static const char user[] = "Cookie: mstshash=";

/* ---- X.224 ---- */

/* Up to CR LF, without it. */
static const uint8_t *
read_line(struct cursor *c, size_t *n)
{
    size_t left = cursor_left(c);
    const uint8_t *lf = left ? memchr(c->pos, '\n', left) : NULL;
    if (!lf) {
        cursor_fail(c, ERR_TRUNCATED, "cookie");
        return NULL;
    }
    const uint8_t *line = cursor_bytes(c, (size_t)(lf - c->pos) + 1, "cookie");
    *n = (size_t)(lf - line);
    *n -= *n && line[*n - 1] == '\r';
    return line;
}

static void
put_cookie(struct dissection *d, struct cursor *c)
{
    size_t n = 0;
    const uint8_t *line = read_line(c, &n);
    if (!line)
        return;
    size_t prefix = n >= sizeof user - 1 && !memcmp(line, user, sizeof user - 1) ? sizeof user - 1
                                                                                 : 0;
    pdu_octets(d, prefix ? RDP_USER : RDP_ROUTING, 0, line + prefix, n - prefix);
}

/* RDP_NEG_REQ, _RSP, _FAILURE (sections 2.2.1.1.1, 2.2.1.2.1, 2.2.1.2.2); what follows is skipped.
 */
static void
put_negotiation(struct dissection *d, struct cursor *c)
{
    uint8_t type = cursor_u8(c, "negotiation's type"), flags = cursor_u8(c, "negotiation's flags");
    uint16_t length = cursor_le16(c, "negotiation's length");
    uint32_t protocols = cursor_le32(c, "protocols");
    if (!c->err && length != 8)
        cursor_fail(c, ERR_MALFORMED, "negotiation's length");
    if (c->err)
        return;
    if (type == NEGOTIATION_FAILURE) {
        d->pdu->kind = PDU_REFUSAL;
        d->pdu->error = protocols;
        return;
    }
    pdu_uint(d, type == NEGOTIATION_RESPONSE ? RDP_SELECTED : RDP_REQUESTED, 0, protocols);
    pdu_uint(d, RDP_FLAGS, 0, flags);
    d->leaves = type == NEGOTIATION_RESPONSE && protocols;
}

static void
take_connection(struct dissection *d, struct cursor *c, uint8_t code, const struct cursor *whole)
{
    cursor_skip(c, 5, "references");
    pdu_begin(d, code == CR ? PDU_REQUEST : PDU_RESPONSE, code);
    if (cursor_left(c) >= sizeof cookie - 1 && !memcmp(c->pos, cookie, sizeof cookie - 1))
        put_cookie(d, c);
    else if (cursor_left(c) && *c->pos > NEGOTIATION_FAILURE) /* a token of who balances loads */
        put_cookie(d, c);
    if (cursor_left(c))
        put_negotiation(d, c);
    if (!c->err)
        c->pos = c->end;
    pdu_end(d, whole);
}

/* ---- What both say of themselves ---- */

static void
put_name(struct dissection *d, const uint8_t *units, uint8_t *text)
{
    size_t n = 0;
    for (size_t i = 0; i < NAME_UNITS && get_le16(units + 2 * i); i++) {
        uint16_t c = get_le16(units + 2 * i);
        text[n++] = c < 0x80 ? (uint8_t)c : '?';
    }
    pdu_octets(d, RDP_CLIENT_NAME, 0, text, n);
}

static void
put_client_core(struct dissection *d, struct cursor *c, uint8_t *text)
{
    uint32_t version = cursor_le32(c, "version");
    uint16_t width = cursor_le16(c, "width"), height = cursor_le16(c, "height");
    cursor_skip(c, 4, "colours");
    uint32_t keyboard = cursor_le32(c, "keyboard"), build = cursor_le32(c, "build");
    const uint8_t *name = cursor_bytes(c, 2 * NAME_UNITS, "client's name");
    if (!name)
        return;
    pdu_uint(d, RDP_VERSION, 0, version);
    pdu_uint(d, RDP_BUILD, 0, build);
    put_name(d, name, text);
    pdu_uint(d, RDP_KEYBOARD, 0, keyboard);
    pdu_uint(d, RDP_WIDTH, 0, width);
    pdu_uint(d, RDP_HEIGHT, 0, height);
    c->pos = c->end;
}

static void
put_channels(struct dissection *d, struct cursor *c)
{
    uint32_t n = cursor_le32(c, "number of channels");
    for (uint32_t i = 0; i < MIN(n, CHANNELS_MAX) && !c->err; i++) {
        const uint8_t *name = cursor_bytes(c, 8, "channel");
        cursor_skip(c, 4, "channel's options");
        if (name)
            pdu_octets(d, RDP_CHANNEL, 0, name, strnlen((const char *)name, 8));
    }
}

static void
put_block(struct dissection *d, struct cursor *c, uint16_t type, uint8_t *text)
{
    uint32_t value = 0;
    switch (type) {
    case CLIENT_CORE:
        put_client_core(d, c, text);
        break;
    case CLIENT_SECURITY:
    case SERVER_SECURITY:
        value = cursor_le32(c, "encryption");
        if (!c->err)
            pdu_uint(d, RDP_ENCRYPTION, 0, value);
        value = cursor_le32(c, "encryption level");
        if (!c->err && type == SERVER_SECURITY)
            pdu_uint(d, RDP_ENCRYPTION_LEVEL, 0, value);
        break;
    case CLIENT_NETWORK:
        put_channels(d, c);
        break;
    case SERVER_CORE:
        value = cursor_le32(c, "version");
        if (!c->err)
            pdu_uint(d, RDP_VERSION, 0, value);
        break;
    default:
        break;
    }
    c->pos = c->err ? c->pos : c->end;
}

/* Blocks behind the H.221 key, which is "Duca" from the client and "McDn" from the server, and a
 * length of PER (section 2.2.1.3, T.124 clause 8.7). */
static void
put_conference(struct dissection *d, struct cursor *c, const char *key, uint8_t *text)
{
    size_t left = cursor_left(c);
    const uint8_t *at = left ? memmem(c->pos, left, key, 4) : NULL;
    if (!at) {
        cursor_fail(c, ERR_MALFORMED, "key of the conference");
        return;
    }
    cursor_skip(c, (size_t)(at - c->pos) + 4, "conference");
    if (cursor_u8(c, "length of blocks") & 0x80)
        cursor_skip(c, 1, "length of blocks");
    while (cursor_left(c)) {
        uint16_t type = cursor_le16(c, "block's type"), length = cursor_le16(c, "block's length");
        if (!c->err && length < 4)
            cursor_fail(c, ERR_MALFORMED, "block's length");
        struct cursor block = cursor_split(c, c->err ? 0 : length - 4u, "block's length");
        put_block(d, &block, type, text);
        cursor_join(c, &block);
    }
}

static void
skip_value(struct cursor *c, const char *what)
{
    struct cursor value = ber_read(c, NULL, what);
    value.pos = value.end;
    cursor_join(c, &value);
}

/* Connect-Initial has two selectors, a flag and three sets of parameters before the user's data,
 * Connect-Response a result, a number and one set (T.125 clause 7). */
static void
take_mcs(struct dissection *d, struct cursor *c, const struct cursor *whole)
{
    uint8_t text[NAME_UNITS];
    bool is_initial = ber_peek(c) == BER_HIGH_TAG(0x7f, RDP_CONNECT_INITIAL);
    struct cursor mcs = ber_read(c, NULL, "MCS connection");
    pdu_begin(d, is_initial ? PDU_REQUEST : PDU_RESPONSE,
              is_initial ? RDP_CONNECT_INITIAL : RDP_CONNECT_RESPONSE);
    for (unsigned i = 0; i < (is_initial ? 6u : 3u); i++)
        skip_value(&mcs, "MCS parameters");
    struct cursor data = ber_expect(&mcs, 0x04, "user data");
    if (!mcs.err)
        put_conference(d, &data, is_initial ? "Duca" : "McDn", text);
    cursor_join(&mcs, &data);
    pdu_end(d, whole);
    d->body = true; /* it is encrypted, or small pieces of screens and keys */
    cursor_join(c, &mcs);
}

static bool
is_mcs(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x7f &&
           (data[1] == RDP_CONNECT_INITIAL || data[1] == RDP_CONNECT_RESPONSE);
}

static void
take_tpdu(struct dissection *d, struct cursor *c, const struct cursor *whole)
{
    struct cursor header = cursor_split(c, cursor_u8(c, "TPDU length"), "TPDU length");
    uint8_t code = cursor_u8(&header, "TPDU code") & 0xf0;
    if (!header.err && (code == CR || code == CC))
        take_connection(d, &header, code, whole);
    else if (!header.err)
        header.pos = header.end;
    cursor_join(c, &header);
    if (c->err || code == CR || code == CC)
        return;
    if (code == DT && is_mcs(c->pos, cursor_left(c))) {
        take_mcs(d, c, whole);
        return;
    }
    d->body = true; /* the connection's beginning was not seen */
    c->pos = c->end;
}

static void
rdp_dissect(struct dissection *d, struct cursor *c)
{
    struct cursor whole = *c;
    cursor_skip(c, 2, "TPKT version");
    uint16_t length = cursor_be16(c, "TPKT length");
    if (!c->err && length < 4)
        cursor_fail(c, ERR_MALFORMED, "TPKT length");
    struct cursor tpdu = cursor_split(c, c->err ? 0 : length - 4u, "TPKT length");
    if (!c->err)
        take_tpdu(d, &tpdu, &whole);
    cursor_join(c, &tpdu);
}

static size_t
rdp_body(struct dissection *d UNUSED, const uint8_t *data UNUSED, size_t size)
{
    return size;
}

/* A request or confirm without TSAPs, with what remote desktops add: others at this framing have
 * TSAPs, or nothing. */
static int
rdp_looks(const uint8_t *m, size_t size)
{
    if (size < 7 || m[0] != 3 || m[1] || get_be16(m + 2) < 7)
        return LOOKS_NOT;
    if (m[5] == DT)
        return m[4] == 2 && is_mcs(m + 7, size - 7) ? LOOKS_LIKE : LOOKS_NOT;
    if ((m[5] != CR && m[5] != CC) || size < 11 || m[4] != get_be16(m + 2) - 5)
        return LOOKS_NOT;
    const uint8_t *more = m + 11;
    size_t n = size - 11;
    if (!n)
        return LOOKS_FAINT; /* the oldest */
    if (m[5] == CR && n >= sizeof cookie - 1 && !memcmp(more, cookie, sizeof cookie - 1))
        return LOOKS_SURE;
    bool is_right = m[5] == CR ? more[0] == NEGOTIATION_REQUEST
                               : more[0] == NEGOTIATION_RESPONSE || more[0] == NEGOTIATION_FAILURE;
    return n >= 8 && is_right && get_le16(more + 2) == 8 && get_le32(more + 4) < 64 ? LOOKS_SURE
                                                                                    : LOOKS_NOT;
}

/* ---- Tables ---- */

static const struct field_word protocols[] = {
    {0, "rdp"},    {1, "tls"},           {2, "credssp"}, {3, "tls-or-credssp"},
    {4, "rdstls"}, {8, "credssp-early"}, {11, "any"},    {0, NULL}};
static const struct field_word levels[] = {{0, "none"}, {1, "low"},  {2, "client-compatible"},
                                           {3, "high"}, {4, "fips"}, {0, NULL}};

static const struct field_info fields[] = {
    [RDP_USER] = {"user", FIELD_TEXT, NULL, "of the cookie, often cut"},
    [RDP_ROUTING] = {"routing", FIELD_TEXT, NULL, "token of who balances loads"},
    [RDP_REQUESTED] = {"requested-protocols", FIELD_UINT, protocols, "bits"},
    [RDP_SELECTED] = {"selected-protocol", FIELD_UINT, protocols, "how it goes on"},
    [RDP_FLAGS] = {"flags", FIELD_UINT, NULL, "of the negotiation"},
    [RDP_VERSION] = {"version", FIELD_UINT, NULL, "of the protocol"},
    [RDP_BUILD] = {"build", FIELD_UINT, NULL, "of the client"},
    [RDP_CLIENT_NAME] = {"client-name", FIELD_TEXT, NULL, "the client's computer"},
    [RDP_KEYBOARD] = {"keyboard", FIELD_UINT, NULL, "layout: a language"},
    [RDP_WIDTH] = {"width", FIELD_UINT, NULL, "of the desktop"},
    [RDP_HEIGHT] = {"height", FIELD_UINT, NULL, "of the desktop"},
    [RDP_ENCRYPTION] = {"encryption", FIELD_UINT, NULL,
                        "1: 40 bits, 2: 128, 8: 56, 16: FIPS; offered or chosen"},
    [RDP_ENCRYPTION_LEVEL] = {"encryption-level", FIELD_UINT, levels, "what is encrypted"},
    [RDP_CHANNEL] = {"channel", FIELD_TEXT, NULL, "a virtual channel: drives, clipboard"},
};

static const struct function_info functions[] = {
    {RDP_CONNECT_INITIAL, "mcs-connect-initial", ACT_LINK},
    {RDP_CONNECT_RESPONSE, "mcs-connect-response", ACT_LINK},
    {RDP_CONFIRM, "connection-confirm", ACT_LINK},
    {RDP_REQUEST, "connection-request", ACT_LINK},
};

static const struct field_word errors[] = {{1, "tls-required"},
                                           {2, "tls-not-allowed"},
                                           {3, "no-certificate"},
                                           {4, "inconsistent-flags"},
                                           {5, "credssp-required"},
                                           {6, "tls-with-user-authentication-required"},
                                           {0, NULL}};

static const uint16_t ports[] = {3389, 0};

const struct protocol rdp = {
    .name = "rdp",
    .title = "RDP",
    .source = "[MS-RDPBCGR], X.224, T.125",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP,
    .ports = ports,
    .errors = errors,
    .asker_tells = true,
    .message_max = RDP_MESSAGE_MAX,
    .frame = iso_frame,
    .looks = rdp_looks,
    .dissect = rdp_dissect,
    .body = rdp_body,
};
