#include "proto/ot/c1222/c1222_private.h"

#include <inttypes.h>
#include <stdio.h>

#define MESSAGE BER_APPLICATION(0)
#define CALLED_TITLE BER_CONSTRUCTED(2)
#define CALLED_INVOCATION BER_CONSTRUCTED(4)
#define CALLING_TITLE BER_CONSTRUCTED(6)
#define CALLING_QUALIFIER BER_CONSTRUCTED(7)
#define CALLING_INVOCATION BER_CONSTRUCTED(8)
#define AUTHENTICATION BER_CONSTRUCTED(12)
#define USER_INFORMATION BER_CONSTRUCTED(30)
#define EXTERNAL 0x28
#define OID 0x06
#define RELATIVE_OID BER_CONTEXT(0)
#define INTEGER 0x02
#define LAST_RESPONSE 0x1f
#define MAC_SIZE 4u
#define CLEAR 0
#define ENCRYPTED 2
#define FLAG_RECOVERY 0x40
#define FLAG_PROXY 0x20
#define FLAG_ED_CLASS 0x10
#define PROCEDURE_TABLE 7

/* ---- Messages in a stream ---- */

enum frame_found
c1222_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = 2;
    if (size && data[0] != MESSAGE)
        return FRAME_NOT;
    if (size < 2)
        return FRAME_MORE;
    size_t length = data[1];
    if (data[1] & 0x80) {
        size_t n = data[1] & 0x7f;
        if (!n || n > 3)
            return FRAME_NOT;
        *message = 2 + n;
        if (size < *message)
            return FRAME_MORE;
        length = 0;
        for (size_t i = 0; i < n; i++)
            length = length << 8 | data[2 + i];
    }
    *message += length;
    if (!length || *message > C1222_MESSAGE_MAX)
        return FRAME_NOT;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

/* A message of ACSE elements up to the user's information, which ends it. */
int
c1222_looks(const uint8_t *m, size_t size)
{
    struct cursor c = cursor_over(m, size);
    struct cursor message = ber_expect(&c, MESSAGE, "message");
    uint32_t tag = 0, n = 0;
    while (cursor_left(&message)) {
        struct cursor element = ber_read(&message, &tag, "element");
        if (tag < BER_CONSTRUCTED(1) || tag > USER_INFORMATION)
            return LOOKS_NOT;
        if (tag == USER_INFORMATION && ber_peek(&element) != EXTERNAL)
            return LOOKS_NOT;
        n++;
    }
    if (c.err || message.err || tag != USER_INFORMATION)
        return LOOKS_NOT;
    return n >= 3 ? LOOKS_SURE : LOOKS_LIKE;
}

/* ---- Titles ---- */

/* "1.2.840", or ".5.6" of a relative one. */
static void
put_title(struct dissection *d, struct cursor *c, uint16_t field, unsigned which)
{
    struct c1222_state *s = d->state;
    uint32_t tag;
    struct cursor oid = ber_read(c, &tag, "AP-title");
    if (!oid.err && tag != OID && tag != RELATIVE_OID)
        cursor_fail(&oid, ERR_MALFORMED, "AP-title");
    char *to = s ? s->titles[which] : NULL;
    size_t n = 0;
    for (bool is_first = tag == OID; cursor_left(&oid); is_first = false) {
        uint64_t arc = 0;
        uint8_t octet;
        do {
            octet = cursor_u8(&oid, "AP-title");
            arc = arc << 7 | (octet & 0x7f);
        } while (octet & 0x80 && !oid.err);
        uint64_t first = MIN(arc / 40, 2u);
        int more = !to        ? 0
                   : is_first ? snprintf(to + n, C1222_TITLE_SIZE - n, "%" PRIu64 ".%" PRIu64,
                                         first, arc - 40 * first)
                              : snprintf(to + n, C1222_TITLE_SIZE - n, ".%" PRIu64, arc);
        n = MIN(n + (size_t)more, C1222_TITLE_SIZE - 1);
    }
    cursor_join(c, &oid);
    if (!c->err && to && n)
        pdu_octets(d, field, 0, (const uint8_t *)to, n);
}

/* ---- What was asked ---- */

struct message {
    struct cursor called, calling; /* elements, to be read for each service */
    bool has_called, has_calling, has_key, has_iv;
    bool has_called_invocation, has_calling_invocation, has_qualifier;
    uint64_t called_invocation, calling_invocation, qualifier, key;
    const uint8_t *iv;
    size_t iv_size;
    uint8_t flags;
    const uint8_t *ed_class;
    const struct cursor *whole;
};

static struct c1222_asked *
remember(struct dissection *d, const struct message *m, uint8_t service, struct c1222_asked *asked)
{
    struct c1222_state *s = d->state;
    if (!s)
        return NULL;
    if (!asked) {
        asked = &s->asked[s->next++ % C1222_ASKED];
        *asked = (struct c1222_asked){
            .waits = true, .way = (uint8_t)d->way, .invocation = m->calling_invocation};
    }
    if (asked->n < C1222_SERVICES)
        asked->services[asked->n++] = service;
    return asked;
}

static struct c1222_asked *
recall(struct dissection *d, const struct message *m)
{
    struct c1222_state *s = d->state;
    uint64_t invocation = m->has_called_invocation ? m->called_invocation : m->calling_invocation;
    for (unsigned i = 0; s && i < C1222_ASKED; i++) {
        struct c1222_asked *a = &s->asked[i];
        if (a->waits && a->way != (uint8_t)d->way && a->invocation == invocation)
            return a;
    }
    return NULL;
}

/* ---- Services ---- */

static void
put_size(struct dissection *d, struct cursor *c)
{
    size_t left = cursor_left(c);
    if (left)
        pdu_uint(d, C1222_SIZE, 0, left);
    cursor_skip(c, left, "data");
}

static void
put_uint(struct dissection *d, struct cursor *c, uint16_t field, size_t size, const char *what)
{
    const struct layout_part part[] = {{LAYOUT_BE, (uint8_t)size, field, what},
                                       {LAYOUT_END, 0, 0, NULL}};
    layout_put(d, c, part, 0);
}

static void
begin(struct dissection *d, const struct message *m, enum pdu_kind kind, uint32_t function)
{
    pdu_begin(d, kind, function);
    struct cursor called = m->called, calling = m->calling;
    if (m->has_called)
        put_title(d, &called, C1222_CALLED, 0);
    if (m->has_calling)
        put_title(d, &calling, C1222_CALLING, 1);
    if (m->has_called_invocation)
        pdu_uint(d, C1222_CALLED_INVOCATION, 0, m->called_invocation);
    if (m->has_calling_invocation)
        pdu_uint(d, C1222_CALLING_INVOCATION, 0, m->calling_invocation);
    if (m->has_qualifier)
        pdu_uint(d, C1222_QUALIFIER, 0, m->qualifier);
    if (m->has_key)
        pdu_uint(d, C1222_KEY, 0, m->key);
    if (m->has_iv)
        pdu_octets(d, C1222_IV, 0, m->iv, m->iv_size);
    if (function == C1222_EMPTY)
        return;
    pdu_uint(d, C1222_SECURITY, 0, m->flags >> 2 & 3);
    pdu_uint(d, C1222_CONTROL, 0, m->flags & 3);
    if (m->flags & FLAG_RECOVERY)
        pdu_uint(d, C1222_RECOVERY, 0, 1);
    if (m->flags & FLAG_PROXY)
        pdu_uint(d, C1222_PROXY, 0, 1);
    pdu_octets(d, C1222_ED_CLASS, 0, m->ed_class, 4);
}

/* A write to table 7 starts a procedure, whose number has its table's order of octets, the lower
 * one first as a rule. */
static void
put_procedure(struct dissection *d, struct cursor *c)
{
    static const struct {
        uint16_t procedure;
        enum act act;
    } acts[] = {{0, ACT_RESTART}, {1, ACT_RESTART},  {2, ACT_CONFIGURE}, {3, ACT_WRITE},
                {10, ACT_CLOCK},  {21, ACT_OPERATE}, {22, ACT_OPERATE}};
    uint16_t word = cursor_le16(c, "procedure");
    uint8_t sequence = cursor_u8(c, "procedure's sequence");
    if (c->err)
        return;
    d->pdu->act = ACT_OPERATE;
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        if (!(word & 0x800) && acts[i].procedure == (word & 0x7ff))
            d->pdu->act = acts[i].act;
    }
    pdu_uint(d, C1222_PROCEDURE, 0, word & 0x7ff);
    pdu_uint(d, C1222_MANUFACTURER, 0, word >> 11 & 1);
    pdu_uint(d, C1222_SEQUENCE, 0, sequence);
}

/* Tables, whole, by the indices of an element, or by octets. */
static void
put_table(struct dissection *d, struct cursor *c, uint8_t service)
{
    unsigned how = service & 15u;
    bool writes = service >= 0x40;
    uint16_t table = how == 14 ? 0 : cursor_be16(c, "table");
    if (c->err)
        return;
    if (how != 14)
        pdu_uint(d, C1222_TABLE, 0, table);
    for (unsigned i = 0; i < how && how <= 9; i++)
        put_uint(d, c, C1222_INDEX, 2, "index");
    if (how == 15)
        put_uint(d, c, C1222_OFFSET, 3, "offset");
    if (writes || (how && how != 14))
        put_uint(d, c, C1222_COUNT, 2, "count");
    if (writes && !how && table == PROCEDURE_TABLE)
        put_procedure(d, c);
}

static void
put_request(struct dissection *d, struct cursor *c, uint8_t service)
{
    static const struct layout_part logon[] = {{LAYOUT_BE, 2, C1222_USER_ID, "user id"},
                                               {LAYOUT_TEXT, 10, C1222_USER, "user"},
                                               {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part security[] = {{LAYOUT_SKIP, 20, 0, "password"},
                                                  {LAYOUT_MAYBE, 0, 0, NULL},
                                                  {LAYOUT_BE, 2, C1222_USER_ID, "user id"},
                                                  {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part negotiate[] = {
        {LAYOUT_BE, 2, C1222_PACKET_SIZE, "packet size"},
        {LAYOUT_BE, 1, C1222_PACKETS, "number of packets"},
        {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part node[] = {
        {LAYOUT_BE, 1, C1222_NODE_TYPE, "node type"},
        {LAYOUT_BE, 1, C1222_CONNECTION_TYPE, "connection type"},
        {LAYOUT_SKIP, 4, 0, "device class"},
        {LAYOUT_END, 0, 0, NULL}};
    if (service >= 0x30 && service < 0x50)
        put_table(d, c, service);
    else if (service == 0x50)
        layout_put(d, c, logon, 0);
    else if (service == 0x51)
        layout_put(d, c, security, 0);
    else if (service >= 0x60 && service < 0x6c)
        layout_put(d, c, negotiate, 0);
    else if (service == 0x70)
        put_uint(d, c, C1222_SECONDS, 1, "seconds");
    else if (service == 0x27)
        layout_put(d, c, node, 0);
    if (service >= 0x24 && service <= 0x27)
        put_title(d, c, C1222_TITLE, 2);
}

static void
put_response(struct dissection *d, struct cursor *c, uint32_t asked)
{
    static const struct layout_part identity[] = {{LAYOUT_BE, 1, C1222_STANDARD, "standard"},
                                                  {LAYOUT_BE, 1, C1222_VERSION, "version"},
                                                  {LAYOUT_BE, 1, C1222_REVISION, "revision"},
                                                  {LAYOUT_END, 0, 0, NULL}};
    if (asked == 0x20)
        layout_put(d, c, identity, 0);
    else if (asked >= 0x30 && asked < 0x40)
        put_uint(d, c, C1222_COUNT, 2, "count");
}

static void
put_services(struct dissection *d, struct cursor *c, const struct message *m)
{
    struct c1222_asked *answered = NULL, *asked = NULL;
    unsigned i = 0;
    for (; cursor_left(c); i++) {
        size_t size = cursor_u8(c, "service length");
        if (size & 0x80) { /* as of BER */
            size_t n = size & 0x7f;
            size = n == 1 ? cursor_u8(c, "service length") : cursor_be16(c, "service length");
            if (n != 1 && n != 2)
                cursor_fail(c, ERR_UNSUPPORTED, "service length");
        }
        struct cursor service = cursor_split(c, size, "service length");
        uint8_t code = cursor_u8(&service, "service");
        if (c->err || service.err) {
            cursor_join(c, &service);
            return;
        }
        if (code <= LAST_RESPONSE) {
            answered = answered ? answered : recall(d, m);
            uint32_t was = answered && i < answered->n ? answered->services[i] : 0;
            begin(d, m, code ? PDU_REFUSAL : PDU_RESPONSE, was);
            pdu_uint(d, C1222_CODE, 0, code);
            d->pdu->error = code;
            if (!code)
                put_response(d, &service, was);
        } else {
            begin(d, m, PDU_REQUEST, code);
            asked = remember(d, m, code, asked);
            put_request(d, &service, code);
        }
        put_size(d, &service);
        cursor_join(c, &service);
        pdu_end(d, m->whole);
    }
    if (answered)
        answered->waits = false;
    if (!i) {
        begin(d, m, PDU_LINK, C1222_EMPTY);
        pdu_end(d, m->whole);
    }
}

static void
put_epsem(struct dissection *d, struct cursor *c, struct message *m)
{
    m->flags = cursor_u8(c, "EPSEM flags");
    if (m->flags & FLAG_ED_CLASS)
        m->ed_class = cursor_bytes(c, 4, "end device class");
    unsigned security = m->flags >> 2 & 3;
    if (c->err)
        return;
    if (security >= ENCRYPTED) {
        begin(d, m, m->has_called_invocation ? PDU_RESPONSE : PDU_REQUEST, C1222_SECURED);
        put_size(d, c);
        pdu_end(d, m->whole);
        return;
    }
    size_t left = cursor_left(c), mac = security == CLEAR ? 0 : MAC_SIZE;
    struct cursor services = cursor_split(c, left > mac ? left - mac : 0, "services");
    cursor_skip(c, mac, "message authentication code");
    put_services(d, &services, m);
    cursor_join(c, &services);
}

/* ---- ACSE ---- */

/* A value within the elements that have these tags. */
static struct cursor
unwrap(struct cursor c, const uint32_t *tags, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c = ber_expect(&c, tags[i], "element");
    return c;
}

/* C12.22 puts the key's number and the initialisation vector into its own value. */
static void
read_authentication(struct cursor c, struct message *m)
{
    static const uint32_t tags[] = {BER_CONSTRUCTED(2), BER_CONSTRUCTED(0), BER_CONSTRUCTED(1)};
    struct cursor value = unwrap(c, tags, ARRAY_SIZE(tags));
    while (cursor_left(&value)) {
        uint32_t tag;
        struct cursor element = ber_read(&value, &tag, "authentication");
        if (element.err)
            return; /* another mechanism's */
        if (tag == BER_CONTEXT(0)) {
            m->has_key = true;
            m->key = ber_uint(&element, "key id");
        } else if (tag == BER_CONTEXT(1)) {
            m->iv_size = cursor_left(&element);
            m->iv = cursor_bytes(&element, m->iv_size, "initialisation vector");
            m->has_iv = m->iv != NULL;
        }
    }
}

static void
read_number(struct cursor *c, bool *has, uint64_t *number, const char *what)
{
    *number = ber_get_uint(c, INTEGER, what);
    *has = !c->err;
}

static void
put_user(struct dissection *d, struct cursor *c, struct message *m)
{
    struct cursor external = ber_expect(c, EXTERNAL, "user information");
    while (cursor_left(&external)) {
        uint32_t tag;
        struct cursor value = ber_read(&external, &tag, "user information");
        if (tag == BER_CONTEXT(1) && !value.err)
            put_epsem(d, &value, m);
        else
            cursor_skip(&value, cursor_left(&value), "user information");
        cursor_join(&external, &value);
    }
    cursor_join(c, &external);
}

static void
put_element(struct dissection *d, struct cursor *c, uint32_t tag, struct message *m)
{
    switch (tag) {
    case CALLED_TITLE:
        m->called = *c;
        m->has_called = true;
        cursor_skip(c, cursor_left(c), "called AP-title");
        break;
    case CALLING_TITLE:
        m->calling = *c;
        m->has_calling = true;
        cursor_skip(c, cursor_left(c), "calling AP-title");
        break;
    case CALLED_INVOCATION:
        read_number(c, &m->has_called_invocation, &m->called_invocation, "called AP-invocation-id");
        break;
    case CALLING_INVOCATION:
        read_number(c, &m->has_calling_invocation, &m->calling_invocation,
                    "calling AP-invocation-id");
        break;
    case CALLING_QUALIFIER:
        read_number(c, &m->has_qualifier, &m->qualifier, "calling AE-qualifier");
        break;
    case USER_INFORMATION:
        put_user(d, c, m);
        break;
    case AUTHENTICATION:
        read_authentication(*c, m);
        cursor_skip(c, cursor_left(c), "authentication value");
        break;
    default:
        cursor_skip(c, cursor_left(c), "element");
    }
}

void
c1222_dissect(struct dissection *d, struct cursor *c)
{
    struct message m = {.whole = c};
    struct cursor message = ber_expect(c, MESSAGE, "message");
    while (cursor_left(&message)) {
        uint32_t tag;
        struct cursor element = ber_read(&message, &tag, "element");
        if (!element.err)
            put_element(d, &element, tag, &m);
        cursor_join(&message, &element);
    }
    cursor_join(c, &message);
}
