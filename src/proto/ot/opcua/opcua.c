/* Messages and their chunks (OPC 10000-6 sections 6.7 and 7.1). */
#include "proto/ot/opcua/opcua_private.h"

#define HEADER 8u
#define MESSAGE_TYPE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
#define HEL MESSAGE_TYPE('H', 'E', 'L')
#define ACK MESSAGE_TYPE('A', 'C', 'K')
#define ERR MESSAGE_TYPE('E', 'R', 'R')
#define RHE MESSAGE_TYPE('R', 'H', 'E')
#define OPN MESSAGE_TYPE('O', 'P', 'N')
#define CLO MESSAGE_TYPE('C', 'L', 'O')
#define MSG MESSAGE_TYPE('M', 'S', 'G')
#define OPEN 446
#define CLOSE 452
#define MSG_BODY 24u /* where a service begins */

static const char policies[] = "http://opcfoundation.org/UA/SecurityPolicy#";
static const char no_policy[] = "http://opcfoundation.org/UA/SecurityPolicy#None";

static bool
is_type(uint32_t type)
{
    return type == HEL || type == ACK || type == ERR || type == RHE || type == OPN || type == CLO ||
           type == MSG;
}

enum frame_found
opcua_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = HEADER;
    if (size < 4)
        return FRAME_MORE;
    if (!is_type(get_be24(data)) || (data[3] != 'F' && data[3] != 'C' && data[3] != 'A'))
        return FRAME_NOT;
    if (size < HEADER)
        return FRAME_MORE;
    uint32_t length = get_le32(data + 4);
    if (length < HEADER + 4 || length > OPCUA_MESSAGE_MAX)
        return FRAME_NOT;
    *message = length;
    return size >= length ? FRAME_WHOLE : FRAME_MORE;
}

int
opcua_looks(const uint8_t *m, size_t size)
{
    size_t length;
    if (opcua_frame(m, size, &length) != FRAME_WHOLE)
        return LOOKS_NOT;
    switch (get_be24(m)) {
    case HEL:
        return length >= 32 && length == 32 + get_le32(m + 28) ? LOOKS_SURE : LOOKS_NOT;
    case ACK:
        return length == 28 ? LOOKS_SURE : LOOKS_NOT;
    case OPN:
        return length >= 16 + sizeof policies - 1 && !memcmp(m + 16, policies, sizeof policies - 1)
                   ? LOOKS_SURE
                   : LOOKS_NOT;
    case CLO:
    case MSG:
        if (length < MSG_BODY)
            return LOOKS_NOT;
        return opcua_service_begins(m + MSG_BODY, length - MSG_BODY) ? LOOKS_SURE : LOOKS_LIKE;
    default:
        return LOOKS_LIKE;
    }
}

/* ---- Hello, acknowledge, error ---- */

static void
put_text(struct dissection *d, struct cursor *c, uint16_t field, const char *what)
{
    uint32_t size;
    const uint8_t *text = opcua_string(c, &size, what);
    pdu_octets(d, field, 0, text, size);
}

static void
put_hello(struct dissection *d, struct cursor *c, bool has_url)
{
    static const struct opcua_part limits[] = {
        {UA_U32, OPCUA_VERSION, "protocol version", NULL},
        {UA_U32, OPCUA_RECEIVE_BUFFER, "receive buffer size", NULL},
        {UA_U32, OPCUA_SEND_BUFFER, "send buffer size", NULL},
        {UA_U32, OPCUA_LARGEST_MESSAGE, "max message size", NULL},
        {UA_U32, OPCUA_CHUNKS_MAX, "max chunk count", NULL},
        {UA_END, 0, NULL, NULL},
    };
    opcua_parts(d, c, limits, 0, 0, NULL);
    if (has_url)
        put_text(d, c, OPCUA_ENDPOINT_URL, "endpoint URL");
}

static void
put_error(struct dissection *d, struct cursor *c)
{
    d->pdu->error = cursor_le32(c, "error") & 0xffff0000;
    put_text(d, c, OPCUA_REASON, "reason");
}

static void
put_transport(struct dissection *d, struct cursor *c, uint32_t type)
{
    pdu_begin(d, PDU_LINK,
              type == HEL   ? OPCUA_HELLO
              : type == ACK ? OPCUA_ACKNOWLEDGE
              : type == ERR ? OPCUA_ERROR
                            : OPCUA_REVERSE_HELLO);
    if (type == HEL || type == ACK) {
        put_hello(d, c, type == HEL);
    } else if (type == ERR) {
        put_error(d, c);
    } else {
        put_text(d, c, OPCUA_APPLICATION_URI, "server URI");
        put_text(d, c, OPCUA_ENDPOINT_URL, "endpoint URL");
    }
}

/* ---- The secure channel ---- */

struct head {
    uint32_t channel, token, sequence, request;
    bool has_token, closes;
    uint8_t chunk;
};

static void
begin(struct dissection *d, const struct head *h, enum pdu_kind kind, uint32_t function)
{
    pdu_begin(d, kind, function);
    pdu_uint(d, OPCUA_CHANNEL, 0, h->channel);
    if (h->has_token)
        pdu_uint(d, OPCUA_TOKEN, 0, h->token);
}

static void
put_sequence(struct dissection *d, const struct head *h)
{
    pdu_uint(d, OPCUA_SEQUENCE, 0, h->sequence);
    pdu_uint(d, OPCUA_REQUEST, 0, h->request);
}

/* How long a signature is under a policy (OPC 10000-7): of HMAC-SHA1, or of HMAC-SHA256. */
static uint8_t
signature_of(const uint8_t *policy, uint32_t size)
{
    static const struct {
        const char *name;
        uint8_t size;
    } signatures[] = {{"None", 0}, {"Basic128Rsa15", 20}, {"Basic256", 20}};
    size_t prefix = sizeof policies - 1;
    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
        size_t n = strlen(signatures[i].name);
        if (size == prefix + n && !memcmp(policy + prefix, signatures[i].name, n))
            return signatures[i].size;
    }
    return 32;
}

static void
read_sequence(struct cursor *c, struct head *h)
{
    h->sequence = cursor_le32(c, "sequence number");
    h->request = cursor_le32(c, "request id");
}

/* Opens the channel; with any policy but None it is encrypted. */
static void
put_open(struct dissection *d, struct cursor *c, struct head *h)
{
    struct opcua_state *state = d->state;
    uint32_t policy_size, certificate_size, size;
    h->channel = cursor_le32(c, "secure channel id");
    const uint8_t *policy = opcua_string(c, &policy_size, "security policy URI");
    const uint8_t *certificate = opcua_string(c, &certificate_size, "sender certificate");
    (void)opcua_string(c, &size, "receiver certificate thumbprint");
    bool is_clear = policy && policy_size == sizeof no_policy - 1 &&
                    !memcmp(policy, no_policy, policy_size);
    if (is_clear)
        read_sequence(c, h);
    if (c->err)
        return;
    if (state) {
        state->signature = policy ? signature_of(policy, policy_size) : 0;
        state->has_policy = policy != NULL;
    }
    bool asks = d->side == SIDE_UNKNOWN ? !h->channel : d->side == SIDE_CLIENT;
    begin(d, h, asks ? PDU_REQUEST : PDU_RESPONSE, OPEN);
    pdu_octets(d, OPCUA_POLICY, 0, policy, policy_size);
    if (certificate)
        pdu_uint(d, OPCUA_CERTIFICATE_SIZE, 0, certificate_size);
    if (is_clear) {
        put_sequence(d, h);
        opcua_service(d, c, h->request);
        return;
    }
    pdu_uint(d, OPCUA_SECURED, 0, 1);
    pdu_uint(d, OPCUA_SIZE, 0, cursor_left(c));
    cursor_skip(c, cursor_left(c), "encrypted message");
}

/* ---- Chunks into messages ---- */

static void
put_secured(struct dissection *d, struct cursor *c, const struct head *h)
{
    begin(d, h, d->side == SIDE_SERVER ? PDU_RESPONSE : PDU_REQUEST,
          h->closes ? CLOSE : OPCUA_SECURED_MESSAGE);
    pdu_uint(d, OPCUA_CHUNK, 0, h->chunk);
    pdu_uint(d, OPCUA_SECURED, 0, 1);
    pdu_uint(d, OPCUA_SIZE, 0, cursor_left(c));
    cursor_skip(c, cursor_left(c), "encrypted message");
}

static void
put_chunk(struct dissection *d, struct cursor *c, const struct head *h)
{
    begin(d, h, PDU_LINK, OPCUA_CHUNK_FUNCTION);
    put_sequence(d, h);
    pdu_uint(d, OPCUA_CHUNK, 0, h->chunk);
    if (h->chunk == 'A') {
        put_error(d, c);
        return;
    }
    pdu_uint(d, OPCUA_SIZE, 0, cursor_left(c));
    cursor_skip(c, cursor_left(c), "chunk");
}

static void
add(struct opcua_state *s, const struct cursor *c)
{
    size_t size = cursor_left(c);
    if (size > sizeof s->octets - s->size)
        s->is_too_long = true;
    if (s->is_too_long || !size)
        return;
    memcpy(s->octets + s->size, c->pos, size);
    s->size += (uint32_t)size;
}

/* An error within what was put together as one of the last chunk. */
static void
fail_whole(struct cursor *c, const struct cursor *whole)
{
    if (!whole->err)
        return;
    cursor_fail(c, whole->err, whole->field);
    c->offset = MIN(whole->offset, (size_t)(c->end - c->start) + c->base);
}

static void
put_last(struct dissection *d, struct cursor *c, const struct head *h)
{
    struct opcua_state *s = d->state;
    add(s, c);
    s->is_open = false;
    if (s->is_too_long) {
        put_chunk(d, c, h);
        return;
    }
    cursor_skip(c, cursor_left(c), "chunk");
    struct cursor whole = cursor_over(s->octets, s->size);
    begin(d, h, PDU_REQUEST, OPCUA_CHUNK_FUNCTION);
    put_sequence(d, h);
    opcua_service(d, &whole, h->request);
    fail_whole(c, &whole);
}

/* The signature of what is only signed. */
static void
cut_signature(const struct opcua_state *s, struct cursor *c)
{
    if (s && s->signature && cursor_left(c) >= s->signature)
        c->end -= s->signature;
}

static void
put_message(struct dissection *d, struct cursor *c, struct head *h)
{
    struct opcua_state *s = d->state;
    h->has_token = true;
    h->channel = cursor_le32(c, "secure channel id");
    h->token = cursor_le32(c, "token id");
    struct cursor body = *c; /* behind it all may be encrypted, also what numbers it */
    read_sequence(&body, h);
    if (body.err) {
        *c = body;
        return;
    }
    bool goes_on = s && s->is_open && s->way == (uint8_t)d->way && s->request == h->request;
    bool begins = opcua_service_begins(body.pos, cursor_left(&body));
    if (!goes_on && !begins && h->chunk != 'A' && !(s && s->has_policy && !s->signature)) {
        put_secured(d, c, h);
        return;
    }
    cut_signature(s, &body);
    if (s && begins && h->chunk == 'C' && !goes_on) {
        s->is_open = goes_on = true;
        s->is_too_long = false;
        s->way = (uint8_t)d->way;
        s->request = h->request;
        s->size = 0;
    }
    if (goes_on && h->chunk == 'F') {
        put_last(d, &body, h);
    } else if (begins && h->chunk == 'F') {
        begin(d, h, PDU_REQUEST, OPCUA_CHUNK_FUNCTION);
        put_sequence(d, h);
        opcua_service(d, &body, h->request);
    } else {
        if (goes_on && h->chunk == 'C')
            add(s, &body);
        else if (goes_on)
            s->is_open = false;
        put_chunk(d, &body, h);
    }
    body.end = c->end;
    cursor_skip(&body, cursor_left(&body), "signature");
    *c = body;
}

void
opcua_dissect(struct dissection *d, struct cursor *c)
{
    uint32_t type = cursor_be24(c, "message type");
    struct head h = {.closes = type == CLO};
    h.chunk = cursor_u8(c, "chunk type");
    uint32_t size = cursor_le32(c, "message size");
    if (!c->err && (!is_type(type) || (h.chunk != 'F' && h.chunk != 'C' && h.chunk != 'A')))
        cursor_fail(c, ERR_MALFORMED, "message type");
    if (!c->err && size < HEADER)
        cursor_fail(c, ERR_MALFORMED, "message size");
    struct cursor body = cursor_split(c, c->err ? 0 : size - HEADER, "message size");
    if (body.err)
        return;
    d->pdu->protocol = NULL; /* until one is begun */
    if (type == OPN)
        put_open(d, &body, &h);
    else if (type == MSG || type == CLO)
        put_message(d, &body, &h);
    else
        put_transport(d, &body, type);
    cursor_join(c, &body);
    if (d->pdu->protocol)
        pdu_end(d, c);
}
