#include "proto/ot/fins/fins_private.h"

#define MAGIC 0x46494e53u /* "FINS" */
#define TCP_HEADER 16u
#define HEADER 10u
#define FRAME_SEND 2u
#define ICF_RESPONSE 0x40
#define ICF_RESERVED 0x3e
#define CONTROLLER_DATA 0x0501
#define CONTROLLER_DATA_SIZE 92u /* model, version, system use, area data */
#define BITS_AREA_MAX 0x7f       /* areas up to here have bits, of an octet each */

/* ---- Messages in a stream ---- */

enum frame_found
fins_frame(const uint8_t *data, size_t size, size_t *message)
{
    static const uint8_t magic[] = {'F', 'I', 'N', 'S'};
    *message = TCP_HEADER;
    if (memcmp(data, magic, MIN(size, sizeof magic)) != 0)
        return FRAME_NOT;
    if (size < 8)
        return FRAME_MORE;
    uint32_t length = get_be32(data + 4);
    if (length < 8 || length > FINS_MESSAGE_MAX - 8)
        return FRAME_NOT;
    *message = 8u + length;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
fins_looks(const uint8_t *m, size_t size)
{
    size_t length;
    if (size >= 4 && get_be32(m) == MAGIC)
        return fins_frame(m, size, &length) == FRAME_WHOLE ? LOOKS_SURE : LOOKS_NOT;
    if (size < HEADER + 2 || m[0] & ICF_RESERVED || m[1])
        return LOOKS_NOT;
    bool answers = m[0] & ICF_RESPONSE;
    if (m[2] > 7 || m[3] > 127 || m[6] > 127 || (answers && size < HEADER + 4))
        return LOOKS_NOT; /* gateways that may be passed, networks */
    if (!protocol_function(&fins, get_be16(m + HEADER)))
        return LOOKS_NOT;
    if (answers && !protocol_error(&fins, get_be16(m + HEADER + 2) & 0x7f3f))
        return LOOKS_FAINT;
    return m[0] & 0x80 ? LOOKS_LIKE : LOOKS_FAINT;
}

/* ---- What was asked ---- */

static void
remember(struct dissection *d, const struct fins_request *r)
{
    struct fins_state *s = d->state;
    if (!s)
        return;
    s->requests[s->next] = *r;
    s->requests[s->next].waits = true;
    s->next = (s->next + 1) % FINS_PENDING;
}

static struct fins_request *
recall(const struct dissection *d, uint16_t command, uint8_t service_id)
{
    struct fins_state *s = d->state;
    for (unsigned i = 1; s && i <= FINS_PENDING; i++) {
        struct fins_request *r = &s->requests[(s->next + FINS_PENDING - i) % FINS_PENDING];
        if (r->waits && r->command == command && r->service_id == service_id &&
            r->way != (uint8_t)d->way) {
            r->waits = false;
            return r;
        }
    }
    return NULL;
}

/* ---- A command, a response ---- */

static const struct fins_command *
command_of(uint16_t number)
{
    for (size_t i = 0; i < fins_n_commands; i++) {
        if (fins_commands[i].command == number)
            return &fins_commands[i];
    }
    return NULL;
}

static void
put_layout(struct dissection *d, struct cursor *c, const struct layout_part *once,
           const struct layout_part *each)
{
    static const struct layout_part rest[] = {{LAYOUT_REST, 0, FINS_DATA, "data"},
                                              {LAYOUT_END, 0, 0, NULL}};
    if (once)
        layout_put(d, c, once, 0);
    while (each && cursor_left(c))
        layout_put(d, c, each, (uint16_t)++d->pdu->n_objects);
    layout_put(d, c, rest, 0);
}

/* 01 04: an area and its item, in turn. */
static void
put_items(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c)) {
        uint8_t area = cursor_u8(c, "memory area");
        size_t size = area <= BITS_AREA_MAX ? 1 : area == 0xdc ? 4 : 2;
        const uint8_t *item = cursor_bytes(c, size, "item");
        if (!item)
            return;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, FINS_AREA, object, area);
        pdu_octets(d, FINS_DATA, object, item, size);
    }
}

static void
put_controller_data(struct dissection *d, struct cursor *c)
{
    static const struct layout_part model[] = {{LAYOUT_TEXT, 20, FINS_MODEL, "controller model"},
                                               {LAYOUT_TEXT, 20, FINS_VERSION, "version"},
                                               {LAYOUT_SKIP, 40, 0, "for system use"},
                                               {LAYOUT_END, 0, 0, NULL}};
    /* Asked for from the middle on it has no model; which was asked, its length tells. */
    put_layout(d, c, cursor_left(c) >= CONTROLLER_DATA_SIZE ? model : NULL, NULL);
}

static void
request(struct dissection *d, struct cursor *c, struct fins_request *r)
{
    const struct fins_command *command = command_of(r->command);
    put_layout(d, c, command ? command->request : NULL, command ? command->request_each : NULL);
    const struct field *area = pdu_field(d->pdu, FINS_AREA, 0),
                       *address = pdu_field(d->pdu, FINS_ADDRESS, 0);
    if (!area || !address)
        return;
    r->has_address = true;
    r->area = (uint8_t)area->u;
    r->address = (uint16_t)address->u;
}

static void
response(struct dissection *d, struct cursor *c, uint16_t number, const struct fins_request *asked)
{
    const struct fins_command *command = command_of(number);
    if (asked && asked->has_address) {
        pdu_uint(d, FINS_AREA, 0, asked->area);
        pdu_uint(d, FINS_ADDRESS, 0, asked->address);
    }
    if (number == 0x0104)
        put_items(d, c);
    else if (number == CONTROLLER_DATA)
        put_controller_data(d, c);
    else
        put_layout(d, c, command ? command->response : NULL,
                   command ? command->response_each : NULL);
}

static void
put_frame(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    const uint8_t *h = cursor_bytes(c, HEADER, "FINS header");
    uint16_t number = cursor_be16(c, "command code");
    if (h && (h[0] & ICF_RESERVED || h[1]))
        cursor_fail(c, ERR_MALFORMED, "information control field");
    if (c->err)
        return;
    bool answers = h[0] & ICF_RESPONSE;
    struct fins_request r = {.command = number, .service_id = h[9], .way = (uint8_t)d->way};
    pdu_begin(d, answers ? PDU_RESPONSE : PDU_REQUEST, number);
    pdu_uint(d, FINS_DESTINATION_NETWORK, 0, h[3]);
    pdu_uint(d, FINS_DESTINATION_NODE, 0, h[4]);
    pdu_uint(d, FINS_DESTINATION_UNIT, 0, h[5]);
    pdu_uint(d, FINS_SOURCE_NETWORK, 0, h[6]);
    pdu_uint(d, FINS_SOURCE_NODE, 0, h[7]);
    pdu_uint(d, FINS_SOURCE_UNIT, 0, h[8]);
    pdu_uint(d, FINS_SERVICE_ID, 0, h[9]);
    if (answers) {
        /* Bits 15, 7 and 6: a relay's error, and errors of the CPU, which do not refuse anything.
         */
        uint16_t code = cursor_be16(c, "end code");
        d->pdu->error = code & 0x7f3f;
        if (d->pdu->error && !cursor_left(c))
            d->pdu->kind = PDU_REFUSAL;
        response(d, c, number, recall(d, number, h[9]));
    } else {
        request(d, c, &r);
        remember(d, &r);
    }
    pdu_end(d, message);
}

/* ---- FINS/TCP ---- */

static void
put_tcp(struct dissection *d, struct cursor *c, uint32_t command, uint32_t error,
        const struct cursor *message)
{
    static const struct layout_part nodes[] = {
        {LAYOUT_MAYBE, 0, 0, NULL},
        {LAYOUT_BE, 4, FINS_CLIENT_NODE, "client node address"},
        {LAYOUT_MAYBE, 0, 0, NULL},
        {LAYOUT_BE, 4, FINS_SERVER_NODE, "server node address"},
        {LAYOUT_END, 0, 0, NULL}};
    pdu_begin(d, PDU_LINK, FINS_TCP(command & 0xffff));
    pdu_uint(d, FINS_TCP_ERROR, 0, error);
    put_layout(d, c, command <= 1 ? nodes : NULL, NULL);
    pdu_end(d, message);
}

void
fins_dissect(struct dissection *d, struct cursor *c)
{
    if (cursor_left(c) < 4 || get_be32(c->pos) != MAGIC) {
        put_frame(d, c, c);
        return;
    }
    cursor_skip(c, 4, "FINS/TCP header");
    uint32_t length = cursor_be32(c, "FINS/TCP length");
    struct cursor body = cursor_split(c, length, "FINS/TCP length");
    uint32_t command = cursor_be32(&body, "FINS/TCP command"),
             error = cursor_be32(&body, "FINS/TCP error code");
    if (!body.err && command == FRAME_SEND)
        put_frame(d, &body, c);
    else if (!body.err)
        put_tcp(d, &body, command, error, c);
    cursor_join(c, &body);
}
