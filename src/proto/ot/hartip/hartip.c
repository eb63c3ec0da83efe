#include "proto/ot/hartip/hartip_private.h"

#define HEADER 8u
#define REQUEST 0
#define RESPONSE 1
#define PUBLISH 2
#define ERROR 3
#define NAK 15
#define PREAMBLE 0xff
#define FRAME_MASK 7
#define FRAME_BURST 1
#define FRAME_REQUEST 2
#define FRAME_RESPONSE 6
#define IS_UNIQUE 0x80
#define UNIQUE_MASK UINT64_C(0x3fffffffff) /* without the bits of master and burst */
#define EXTENDED_COMMAND 31
#define COMMUNICATION_ERROR 0x80

/* ---- Messages in a stream ---- */

enum frame_found
hartip_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = HEADER;
    if (size && data[0] != 1 && data[0] != 2)
        return FRAME_NOT;
    if (size > 1 && data[1] > ERROR && data[1] != NAK)
        return FRAME_NOT;
    if (size > 2 && data[2] > HARTIP_AUDIT_LOG)
        return FRAME_NOT;
    if (size < HEADER)
        return FRAME_MORE;
    uint16_t length = get_be16(data + 6);
    if (length < HEADER || length > HARTIP_MESSAGE_MAX)
        return FRAME_NOT;
    *message = length;
    return size >= length ? FRAME_WHOLE : FRAME_MORE;
}

/* A token-passing PDU's size up to its checksum, or 0: it is none. */
static size_t
whole_pdu(const uint8_t *p, size_t size)
{
    size_t at = size && p[0] & IS_UNIQUE ? 6 : 2;
    if (!size || p[0] & 0x60) /* expansion octets: none are defined */
        return 0;
    uint8_t frame = p[0] & FRAME_MASK, sum = 0;
    if (frame != FRAME_BURST && frame != FRAME_REQUEST && frame != FRAME_RESPONSE)
        return 0;
    if (size < at + 3 || size < at + 3u + p[at + 1])
        return 0;
    size_t end = at + 2u + p[at + 1];
    for (size_t i = 0; i < end; i++)
        sum ^= p[i];
    return sum == p[end] ? end + 1 : 0;
}

int
hartip_looks(const uint8_t *m, size_t size)
{
    size_t length;
    if (hartip_frame(m, size, &length) != FRAME_WHOLE || length != size)
        return LOOKS_NOT;
    switch (m[2]) {
    case HARTIP_INITIATE:
        return m[1] > RESPONSE                          ? LOOKS_FAINT
               : length == HEADER + 5 && m[HEADER] <= 1 ? LOOKS_LIKE
                                                        : LOOKS_NOT;
    case HARTIP_CLOSE:
    case HARTIP_KEEP_ALIVE:
        return length == HEADER && m[1] <= RESPONSE ? LOOKS_LIKE : LOOKS_NOT;
    case HARTIP_PASS_THROUGH:
        while (length > HEADER && m[HEADER] == PREAMBLE) {
            m++;
            length--;
        }
        return whole_pdu(m + HEADER, length - HEADER) == length - HEADER ? LOOKS_SURE : LOOKS_FAINT;
    default:
        return LOOKS_FAINT;
    }
}

/* ---- Values that no table can say ---- */

static void
put_rest(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, HARTIP_DATA, 0, cursor_bytes(c, n, "data"), n);
}

/* Four characters of six bits in three octets (HCF_SPEC-183). */
static void
put_packed(struct dissection *d, struct cursor *c, uint16_t field, size_t n_characters,
           unsigned text, const char *what)
{
    struct hartip_state *s = d->state;
    const uint8_t *p = cursor_bytes(c, n_characters / 4 * 3, what);
    if (!p || !s)
        return;
    char *to = s->texts[text];
    for (size_t i = 0; i < n_characters; i += 4, p += 3) {
        uint32_t bits = get_be24(p);
        for (unsigned k = 0; k < 4; k++) {
            uint8_t six = bits >> (18 - 6 * k) & 63;
            to[i + k] = (char)(six & 0x20 ? six : six | 0x40);
        }
    }
    pdu_octets(d, field, 0, (const uint8_t *)to, n_characters);
}

static void
put_tag(struct dissection *d, struct cursor *c)
{
    static const struct layout_part date[] = {{LAYOUT_OCTETS, 3, HARTIP_DATE, "date"},
                                              {LAYOUT_END, 0, 0, NULL}};
    put_packed(d, c, HARTIP_TAG, 8, 0, "tag");
    put_packed(d, c, HARTIP_DESCRIPTOR, 16, 1, "descriptor");
    layout_put(d, c, date, 0);
}

/* Command 9: the status, up to eight variables, and the time of the first. */
static void
put_slots(struct dissection *d, struct cursor *c)
{
    static const struct layout_part status[] = {
        {LAYOUT_BE, 1, HARTIP_EXTENDED_STATUS, "extended device status"}, {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part slot[] = {
        {LAYOUT_BE, 1, HARTIP_VARIABLE, "device variable"},
        {LAYOUT_BE, 1, HARTIP_CLASSIFICATION, "classification"},
        {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
        {LAYOUT_REAL, 4, HARTIP_VALUE, "value"},
        {LAYOUT_BE, 1, HARTIP_VALUE_STATUS, "status"},
        {LAYOUT_END, 0, 0, NULL}};
    static const struct layout_part timestamp[] = {{LAYOUT_BE, 4, HARTIP_TIMESTAMP, "timestamp"},
                                                   {LAYOUT_END, 0, 0, NULL}};
    layout_put(d, c, status, 0);
    while (cursor_left(c) >= 8)
        layout_put(d, c, slot, (uint16_t)++d->pdu->n_objects);
    if (cursor_left(c) == 4)
        layout_put(d, c, timestamp, 0);
}

static void
put_shape(struct dissection *d, struct cursor *c, enum hartip_shape shape)
{
    switch (shape) {
    case HARTIP_PLAIN:
        break;
    case HARTIP_TAG_ONLY:
        put_packed(d, c, HARTIP_TAG, 8, 0, "tag");
        break;
    case HARTIP_PACKED_MESSAGE:
        put_packed(d, c, HARTIP_MESSAGE_FIELD, 32, 0, "message");
        break;
    case HARTIP_PACKED_TAG:
        put_tag(d, c);
        break;
    case HARTIP_SLOTS:
        put_slots(d, c);
        break;
    }
}

/* ---- Commands ---- */

static void
put_command(struct dissection *d, struct cursor *c, bool asks)
{
    const struct hartip_command *command = NULL;
    for (size_t i = 0; i < hartip_n_commands; i++) {
        if (hartip_commands[i].command == d->pdu->function)
            command = &hartip_commands[i];
    }
    if (command) {
        const struct layout_part *once = asks ? command->request : command->response,
                                 *each = asks ? command->request_each : command->response_each;
        put_shape(d, c, asks ? command->request_shape : command->response_shape);
        if (once)
            layout_put(d, c, once, 0);
        while (each && cursor_left(c))
            layout_put(d, c, each, (uint16_t)++d->pdu->n_objects);
    }
    put_rest(d, c);
}

/* Not a warning: it was not done (HCF_SPEC-307). */
static bool
is_refused(uint8_t code)
{
    bool warns = code == 8 || code == 14 || (code >= 24 && code <= 27) || code == 30 ||
                 code == 31 || code >= 96;
    return code && (code & COMMUNICATION_ERROR || !warns);
}

/* Of the maker's number the expanded type has the upper octet, in revisions before 7. */
static void
note_maker(struct dissection *d)
{
    const struct field *type = pdu_field(d->pdu, HARTIP_EXPANDED_TYPE, 0),
                       *maker = pdu_field(d->pdu, HARTIP_MANUFACTURER, 0);
    if (!type)
        return;
    uint64_t number = maker ? maker->u : type->u >> 8;
    if (!maker)
        pdu_uint(d, HARTIP_MANUFACTURER, 0, number);
    const char *name = field_value_word(&hartip.fields[HARTIP_MANUFACTURER], number);
    if (name)
        pdu_octets(d, HARTIP_MAKER, 0, (const uint8_t *)name, strlen(name));
}

static void
learn_own(struct dissection *d, bool is_unique)
{
    struct hartip_state *s = d->state;
    const struct field *type = pdu_field(d->pdu, HARTIP_EXPANDED_TYPE, 0),
                       *id = pdu_field(d->pdu, HARTIP_DEVICE_ID, 0);
    if (!s || is_unique || !type || !id)
        return;
    s->has_own = true;
    s->own = (type->u << 24 | id->u) & UNIQUE_MASK;
}

static void
put_address(struct dissection *d, struct cursor *c, bool is_unique)
{
    const struct hartip_state *s = d->state;
    if (!is_unique) {
        uint8_t address = cursor_u8(c, "address");
        if (!c->err)
            pdu_uint(d, HARTIP_POLLING_ADDRESS, 0, address & 63);
        return;
    }
    uint64_t address = (uint64_t)cursor_u8(c, "address") << 32;
    address = (address | cursor_be32(c, "address")) & UNIQUE_MASK;
    if (c->err)
        return;
    pdu_uint(d, HARTIP_DEVICE_TYPE, 0, address >> 24);
    pdu_uint(d, HARTIP_DEVICE, 0, address & 0xffffff);
    if (s && s->has_own && s->own != address)
        pdu_uint(d, HARTIP_SUB_DEVICE, 0, address & 0xffff);
}

static void
set_command(struct pdu *p, uint16_t command)
{
    p->function = command;
    p->info = protocol_function(&hartip, command);
    p->act = p->info ? p->info->act : ACT_OTHER;
}

static void
put_data(struct dissection *d, struct cursor *c, uint8_t frame, bool is_unique)
{
    static const struct layout_part status[] = {
        {LAYOUT_MAYBE, 0, 0, NULL},
        {LAYOUT_BE, 1, HARTIP_DEVICE_STATUS, "device status"},
        {LAYOUT_END, 0, 0, NULL}};
    struct pdu *p = d->pdu;
    bool asks = frame == FRAME_REQUEST;
    if (!asks) {
        p->error = cursor_u8(c, "response code");
        layout_put(d, c, status, 0);
        if (p->kind == PDU_RESPONSE && is_refused((uint8_t)p->error))
            p->kind = PDU_REFUSAL;
    }
    if (p->function == EXTENDED_COMMAND && cursor_left(c) >= 2)
        set_command(p, cursor_be16(c, "extended command"));
    if (p->kind == PDU_REFUSAL) {
        put_rest(d, c);
        return;
    }
    put_command(d, c, asks);
    if (!asks)
        note_maker(d);
    if (!asks && !p->function)
        learn_own(d, is_unique);
}

static void
put_pdu(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c) && *c->pos == PREAMBLE)
        cursor_skip(c, 1, "preamble");
    const uint8_t *start = c->pos;
    uint8_t delimiter = cursor_u8(c, "delimiter"), frame = delimiter & FRAME_MASK;
    if (!c->err && (delimiter & 0x60 ||
                    (frame != FRAME_BURST && frame != FRAME_REQUEST && frame != FRAME_RESPONSE)))
        cursor_fail(c, ERR_MALFORMED, "delimiter");
    bool is_unique = delimiter & IS_UNIQUE;
    if (c->err)
        return;
    pdu_uint(d, HARTIP_FRAME, 0, frame);
    put_address(d, c, is_unique);
    uint8_t command = cursor_u8(c, "command"), size = cursor_u8(c, "byte count");
    struct cursor data = cursor_split(c, size, "byte count");
    const uint8_t *end = c->pos;
    uint8_t checksum = cursor_u8(c, "checksum"), sum = 0;
    for (const uint8_t *at = start; !c->err && at < end; at++)
        sum ^= *at;
    if (c->err)
        return;
    if (sum != checksum) /* devices have been seen that do not compute it */
        pdu_uint(d, HARTIP_WRONG_CHECKSUM, 0, 1);
    set_command(d->pdu, command);
    put_data(d, &data, frame, is_unique);
    cursor_join(c, &data);
}

/* ---- HART-IP ---- */

static enum pdu_kind
kind_of(uint8_t type, uint8_t id)
{
    if (type == ERROR || type == NAK)
        return PDU_REFUSAL;
    if (id <= HARTIP_KEEP_ALIVE)
        return PDU_LINK;
    return type == REQUEST ? PDU_REQUEST : type == RESPONSE ? PDU_RESPONSE : PDU_REPORT;
}

struct head {
    uint8_t version, type, id, status;
    uint16_t sequence;
    enum pdu_kind kind;
};

static void
begin(struct dissection *d, const struct head *h)
{
    pdu_begin(d, h->kind, HARTIP_MESSAGE(h->id));
    pdu_uint(d, HARTIP_VERSION, 0, h->version);
    pdu_uint(d, HARTIP_TYPE, 0, h->type);
    pdu_uint(d, HARTIP_STATUS, 0, h->status);
    pdu_uint(d, HARTIP_SEQUENCE, 0, h->sequence);
}

/* Commands of the device that the session is with, without a token-passing PDU; one each. */
static void
put_direct(struct dissection *d, struct cursor *c, const struct head *h,
           const struct cursor *message)
{
    uint8_t status = cursor_u8(c, "device status"), extended = cursor_u8(c, "extended status");
    for (bool is_first = true; cursor_left(c); is_first = false) {
        uint16_t command = cursor_be16(c, "command");
        uint8_t size = cursor_u8(c, "byte count");
        struct cursor data = cursor_split(c, size, "byte count");
        if (c->err)
            return;
        if (!is_first) {
            pdu_end(d, message);
            begin(d, h);
        }
        set_command(d->pdu, command);
        pdu_uint(d, HARTIP_DEVICE_STATUS, 0, status);
        pdu_uint(d, HARTIP_EXTENDED_STATUS, 0, extended);
        if (h->kind != PDU_REQUEST) {
            d->pdu->error = cursor_u8(&data, "response code");
            if (is_refused((uint8_t)d->pdu->error))
                d->pdu->kind = PDU_REFUSAL;
        }
        if (d->pdu->kind == PDU_REFUSAL)
            put_rest(d, &data);
        else
            put_command(d, &data, h->kind == PDU_REQUEST);
        if (h->kind != PDU_REQUEST)
            note_maker(d);
        cursor_join(c, &data);
    }
}

void
hartip_dissect(struct dissection *d, struct cursor *c)
{
    static const struct layout_part initiate[] = {
        {LAYOUT_BE, 1, HARTIP_HOST, "host type"},
        {LAYOUT_BE, 4, HARTIP_INACTIVITY, "inactivity close timer"},
        {LAYOUT_END, 0, 0, NULL}};
    struct head h = {.version = cursor_u8(c, "version")};
    h.type = cursor_u8(c, "message type");
    h.id = cursor_u8(c, "message id");
    h.status = cursor_u8(c, "status");
    h.sequence = cursor_be16(c, "sequence number");
    h.kind = kind_of(h.type, h.id);
    uint16_t length = cursor_be16(c, "byte count");
    if (!c->err && (h.version < 1 || h.version > 2))
        cursor_fail(c, ERR_UNSUPPORTED, "version");
    if (!c->err && length < HEADER)
        cursor_fail(c, ERR_MALFORMED, "byte count");
    struct cursor body = cursor_split(c, c->err ? 0 : length - HEADER, "byte count");
    if (body.err)
        return;
    begin(d, &h);
    if (h.kind == PDU_REFUSAL)
        d->pdu->error = cursor_left(&body) ? *body.pos : h.status;
    else if (h.id == HARTIP_INITIATE)
        layout_put(d, &body, initiate, 0);
    else if (h.id == HARTIP_PASS_THROUGH)
        put_pdu(d, &body);
    else if (h.id == HARTIP_DIRECT)
        put_direct(d, &body, &h, c);
    put_rest(d, &body);
    cursor_join(c, &body);
    pdu_end(d, c);
}
