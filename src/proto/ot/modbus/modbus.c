#include "proto/ot/modbus/modbus_private.h"

#define EXCEPTION 0x80

/* ---- Messages in a stream ---- */

enum frame_found
modbus_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = MODBUS_HEADER_SIZE + 1;
    if (size >= 4 && get_be16(data + 2))
        return FRAME_NOT;
    if (size < 6)
        return FRAME_MORE;
    uint16_t length = get_be16(data + 4);
    if (length < 2 || length > MODBUS_MESSAGE_MAX - 6)
        return FRAME_NOT;
    *message = 6u + length;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
modbus_looks(const uint8_t *message, size_t size)
{
    size_t length;
    if (modbus_frame(message, size, &length) != FRAME_WHOLE)
        return LOOKS_NOT;
    uint8_t function = message[7] & (uint8_t)~EXCEPTION;
    if (message[7] & EXCEPTION)
        return length == MODBUS_HEADER_SIZE + 2 && message[8] >= 1 && message[8] <= 11
                   ? LOOKS_LIKE
                   : LOOKS_FAINT;
    if (!protocol_function(&modbus, function) || length > 260)
        return function == 90 ? LOOKS_LIKE : LOOKS_FAINT;
    return LOOKS_LIKE;
}

/* ---- What was asked ---- */

static void
remember(struct dissection *d, const struct modbus_request *r)
{
    struct modbus_state *s = d->state;
    if (!s)
        return;
    s->requests[s->next] = *r;
    s->requests[s->next].waits = true;
    s->next = (s->next + 1) % MODBUS_PENDING;
}

/* The newest request the message may be the response of; NULL: none is known. */
static struct modbus_request *
find_request(const struct dissection *d, uint16_t transaction, uint8_t unit, uint8_t function)
{
    struct modbus_state *s = d->state;
    for (unsigned i = 1; s && i <= MODBUS_PENDING; i++) {
        struct modbus_request *r = &s->requests[(s->next + MODBUS_PENDING - i) % MODBUS_PENDING];
        if (r->waits && r->transaction == transaction && r->unit == unit &&
            r->function == function && r->way != (uint8_t)d->way)
            return r;
    }
    return NULL;
}

/* ---- Requests ---- */

static void
put_range(struct dissection *d, struct cursor *c, struct modbus_request *r)
{
    r->address = cursor_be16(c, "address");
    r->quantity = cursor_be16(c, "quantity");
    if (c->err)
        return;
    pdu_uint(d, MODBUS_ADDRESS, 0, r->address);
    pdu_uint(d, MODBUS_QUANTITY, 0, r->quantity);
}

static void
put_u16(struct dissection *d, struct cursor *c, enum modbus_field field, const char *what)
{
    uint16_t value = cursor_be16(c, what);
    if (!c->err)
        pdu_uint(d, (uint16_t)field, 0, value);
}

static void
put_u8(struct dissection *d, struct cursor *c, enum modbus_field field, const char *what)
{
    uint8_t value = cursor_u8(c, what);
    if (!c->err)
        pdu_uint(d, (uint16_t)field, 0, value);
}

/* A count of octets, then bits; at most `quantity` of them count. */
static void
put_bits(struct dissection *d, struct cursor *c, uint32_t quantity)
{
    uint8_t size = cursor_u8(c, "octet count");
    const uint8_t *bits = cursor_bytes(c, size, "bits");
    uint32_t n = size * 8u;
    pdu_octets(d, MODBUS_BITS, 0, bits, quantity && quantity < n ? quantity : n);
}

static void
put_words(struct dissection *d, struct cursor *c)
{
    uint8_t size = cursor_u8(c, "octet count");
    if (size % 2)
        cursor_fail(c, ERR_MALFORMED, "octet count");
    pdu_octets(d, MODBUS_WORDS, 0, cursor_bytes(c, size, "registers"), size / 2);
}

static void
put_rest(struct dissection *d, struct cursor *c, enum modbus_field field)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, (uint16_t)field, 0, cursor_bytes(c, n, "data"), n);
}

/* Functions 20 and 21: a list of what is read or written. */
static void
put_files(struct dissection *d, struct cursor *c, bool has_data)
{
    uint8_t size = cursor_u8(c, "octet count");
    struct cursor list = cursor_split(c, size, "file records");
    while (cursor_left(&list)) {
        uint8_t type = cursor_u8(&list, "reference type");
        uint16_t file = cursor_be16(&list, "file number"), record = cursor_be16(&list, "record"),
                 n = cursor_be16(&list, "record length");
        const uint8_t *words = has_data ? cursor_bytes(&list, n * 2u, "record data") : NULL;
        if (type != 6)
            cursor_fail(&list, ERR_MALFORMED, "reference type");
        if (list.err)
            break;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, MODBUS_FILE, object, file);
        pdu_uint(d, MODBUS_RECORD, object, record);
        pdu_uint(d, MODBUS_RECORD_WORDS, object, n);
        pdu_octets(d, MODBUS_WORDS, object, words, n);
    }
    cursor_join(c, &list);
}

static void
diagnostics(struct dissection *d, struct cursor *c)
{
    uint16_t sub = cursor_be16(c, "sub-function");
    if (c->err)
        return;
    pdu_uint(d, MODBUS_SUB_FUNCTION, 0, sub);
    d->pdu->act = sub == 1 ? ACT_RESTART : sub == 4 ? ACT_SILENCE : sub == 0 ? ACT_LINK : ACT_READ;
    put_rest(d, c, MODBUS_DATA);
}

static void
request_body(struct dissection *d, struct cursor *c, struct modbus_request *r)
{
    switch (r->function) {
    case 1:
    case 2:
    case 3:
    case 4:
        put_range(d, c, r);
        break;
    case 5:
    case 6:
        r->address = cursor_be16(c, "address");
        pdu_uint(d, MODBUS_ADDRESS, 0, r->address);
        put_u16(d, c, MODBUS_VALUE, "value");
        break;
    case 8:
        diagnostics(d, c);
        break;
    case 15:
        put_range(d, c, r);
        put_bits(d, c, r->quantity);
        break;
    case 16:
        put_range(d, c, r);
        put_words(d, c);
        break;
    case 20:
        put_files(d, c, false);
        break;
    case 21:
        put_files(d, c, true);
        break;
    case 22:
        put_u16(d, c, MODBUS_ADDRESS, "address");
        put_u16(d, c, MODBUS_AND_MASK, "and-mask");
        put_u16(d, c, MODBUS_OR_MASK, "or-mask");
        break;
    case 23:
        put_range(d, c, r);
        put_u16(d, c, MODBUS_WRITE_ADDRESS, "write address");
        put_u16(d, c, MODBUS_WRITE_QUANTITY, "write quantity");
        put_words(d, c);
        break;
    case 24:
        r->address = cursor_be16(c, "address");
        pdu_uint(d, MODBUS_ADDRESS, 0, r->address);
        break;
    case 43: {
        uint8_t mei = cursor_u8(c, "MEI type");
        pdu_uint(d, MODBUS_MEI, 0, mei);
        if (mei == 14) {
            d->pdu->act = ACT_IDENTIFY;
            put_u8(d, c, MODBUS_IDENTITY_CODE, "read device id code");
            put_u8(d, c, MODBUS_IDENTITY_OBJECT, "object id");
        } else {
            put_rest(d, c, MODBUS_DATA);
        }
        break;
    }
    case 90:
        modbus_umas_request(d, c, r);
        break;
    case 7:
    case 11:
    case 12:
    case 17:
        break;
    default:
        put_rest(d, c, MODBUS_DATA);
    }
}

/* ---- Responses ---- */

/* Function 43/14: objects, each with its number and length. */
static void
put_identity(struct dissection *d, struct cursor *c)
{
    d->pdu->act = ACT_IDENTIFY;
    put_u8(d, c, MODBUS_IDENTITY_CODE, "read device id code");
    put_u8(d, c, MODBUS_CONFORMITY, "conformity level");
    put_u8(d, c, MODBUS_MORE_FOLLOWS, "more follows");
    put_u8(d, c, MODBUS_NEXT_OBJECT, "next object id");
    for (uint8_t n = cursor_u8(c, "number of objects"); n && !c->err; n--) {
        uint8_t number = cursor_u8(c, "object id"), size = cursor_u8(c, "object length");
        const uint8_t *text = cursor_bytes(c, size, "object value");
        if (!text)
            break;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, MODBUS_IDENTITY_OBJECT, object, number);
        pdu_octets(d, MODBUS_IDENTITY_TEXT, object, text, size);
    }
}

static void
put_server_id(struct dissection *d, struct cursor *c)
{
    uint8_t size = cursor_u8(c, "octet count");
    struct cursor id = cursor_split(c, size, "server id");
    size_t n = cursor_left(&id);
    const uint8_t *octets = cursor_bytes(&id, n, "server id");
    pdu_octets(d, MODBUS_SERVER_ID, 0, octets, n);
    if (n >= 2 && (octets[1] == 0 || octets[1] == 0xff)) /* an id of one octet, as most have */
        pdu_uint(d, MODBUS_RUNS, 0, octets[1]);
    cursor_join(c, &id);
}

/* Function 20: groups of a length, the reference type, and registers. */
static void
put_file_answers(struct dissection *d, struct cursor *c)
{
    uint8_t size = cursor_u8(c, "octet count");
    struct cursor list = cursor_split(c, size, "file records");
    while (cursor_left(&list)) {
        uint8_t n = cursor_u8(&list, "group length");
        if (!n)
            cursor_fail(&list, ERR_MALFORMED, "group length");
        cursor_skip(&list, 1, "reference type");
        const uint8_t *words = cursor_bytes(&list, n ? n - 1u : 0, "record data");
        if (words)
            pdu_octets(d, MODBUS_WORDS, (uint16_t)++d->pdu->n_objects, words, (n - 1u) / 2);
    }
    cursor_join(c, &list);
}

static void
put_fifo(struct dissection *d, struct cursor *c)
{
    uint16_t size = cursor_be16(c, "octet count"), n = cursor_be16(c, "FIFO count");
    if (!c->err && (size < 2 || size - 2u != n * 2u))
        cursor_fail(c, ERR_MALFORMED, "FIFO count");
    pdu_octets(d, MODBUS_WORDS, 0, cursor_bytes(c, n * 2u, "registers"), n);
}

static void
response_body(struct dissection *d, struct cursor *c, uint8_t function,
              const struct modbus_request *r)
{
    struct modbus_request echo = {.function = function};
    if (r && (function <= 4 || function == 23 || function == 24))
        pdu_uint(d, MODBUS_ADDRESS, 0, r->address);
    switch (function) {
    case 1:
    case 2:
        put_bits(d, c, r ? r->quantity : 0);
        break;
    case 3:
    case 4:
    case 23:
        put_words(d, c);
        break;
    case 7:
        put_u8(d, c, MODBUS_STATUS, "exception status");
        break;
    case 11:
        put_u16(d, c, MODBUS_STATUS, "status");
        put_u16(d, c, MODBUS_EVENT_COUNT, "event count");
        break;
    case 12:
        cursor_skip(c, 1, "octet count");
        put_u16(d, c, MODBUS_STATUS, "status");
        put_u16(d, c, MODBUS_EVENT_COUNT, "event count");
        put_u16(d, c, MODBUS_MESSAGE_COUNT, "message count");
        put_rest(d, c, MODBUS_DATA);
        break;
    case 15:
    case 16:
        put_range(d, c, &echo);
        break;
    case 17:
        put_server_id(d, c);
        break;
    case 20:
        put_file_answers(d, c);
        break;
    case 24:
        put_fifo(d, c);
        break;
    case 43: {
        uint8_t mei = cursor_u8(c, "MEI type");
        pdu_uint(d, MODBUS_MEI, 0, mei);
        if (mei == 14)
            put_identity(d, c);
        else
            put_rest(d, c, MODBUS_DATA);
        break;
    }
    case 90:
        modbus_umas_response(d, c, r);
        break;
    default:
        request_body(d, c, &echo); /* it is repeated as it was */
    }
}

/* ---- Either ---- */

/* Whoever asks does it in one of these sizes (V1.1b3 section 6); -1: it may have any. */
static int
size_of_request(uint8_t function)
{
    switch (function) {
    case 1:
    case 2:
    case 3:
    case 4:
        return 4;
    case 7:
    case 11:
    case 12:
    case 17:
        return 0;
    default:
        return -1;
    }
}

static bool
is_response(const struct dissection *d, const struct modbus_request *r, uint8_t function,
            size_t left)
{
    if (function & EXCEPTION || r)
        return true;
    if (d->side != SIDE_UNKNOWN)
        return d->side == SIDE_SERVER;
    int size = size_of_request(function);
    return size >= 0 && left != (size_t)size;
}

void
modbus_dissect(struct dissection *d, struct cursor *c)
{
    struct modbus_request request = {.way = (uint8_t)d->way};
    request.transaction = cursor_be16(c, "transaction identifier");
    uint16_t protocol = cursor_be16(c, "protocol identifier");
    uint16_t length = cursor_be16(c, "length");
    struct cursor body = cursor_split(c, length, "message");
    request.unit = cursor_u8(&body, "unit identifier");
    uint8_t function = cursor_u8(&body, "function code");
    request.function = function & (uint8_t)~EXCEPTION;
    if (protocol)
        cursor_fail(&body, ERR_MALFORMED, "protocol identifier");
    if (body.err) {
        cursor_join(c, &body);
        return;
    }
    struct modbus_request *asked = d->side == SIDE_CLIENT
                                       ? NULL
                                       : find_request(d, request.transaction, request.unit,
                                                      request.function);
    bool answers = is_response(d, asked, function, cursor_left(&body));
    pdu_begin(d,
              function & EXCEPTION ? PDU_REFUSAL
              : answers            ? PDU_RESPONSE
                                   : PDU_REQUEST,
              request.function);
    pdu_uint(d, MODBUS_TRANSACTION, 0, request.transaction);
    pdu_uint(d, MODBUS_UNIT, 0, request.unit);
    if (function & EXCEPTION) {
        if (asked)
            pdu_uint(d, MODBUS_ADDRESS, 0, asked->address);
        d->pdu->error = cursor_u8(&body, "exception code");
    } else if (answers) {
        response_body(d, &body, function, asked);
    } else {
        request_body(d, &body, &request);
    }
    if (!body.err && cursor_left(&body))
        put_rest(d, &body, MODBUS_TRAILING);
    cursor_join(c, &body);
    pdu_end(d, c);
    if (answers && asked)
        asked->waits = false;
    else if (!answers)
        remember(d, &request);
}
