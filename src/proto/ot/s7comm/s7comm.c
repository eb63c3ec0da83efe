/* Which message it is; jobs and their answers. */
#include "proto/ot/s7comm/s7comm_private.h"

#include <string.h>

/* ---- Does it look like it? ---- */

/* 01 to 03 (programming, operating, other), then rack and slot; or a name. */
static bool
is_tsap(const uint8_t *tsap, size_t size)
{
    return tsap && ((size == 2 && tsap[0] >= 1 && tsap[0] <= 0x10) ||
                    (size >= 12 && !memcmp(tsap, "SIMATIC-ROOT", 12)));
}

static int
looks_data(const uint8_t *p, size_t size)
{
    if (size >= 10 && p[0] == S7_PROTOCOL) {
        bool answers = p[1] == S7_ACK || p[1] == S7_ACK_DATA;
        size_t header = answers ? 12 : 10;
        return (answers || p[1] == S7_JOB || p[1] == S7_USERDATA_TYPE) &&
                       header + get_be16(p + 6) + get_be16(p + 8) == size
                   ? LOOKS_SURE
                   : LOOKS_FAINT;
    }
    if (size >= 4 && p[0] == S7_PROTOCOL_PLUS && (p[1] <= 3 || p[1] >= 0xfe))
        return LOOKS_LIKE;
    return LOOKS_NOT;
}

int
s7comm_looks(const uint8_t *message, size_t size)
{
    struct cursor c = cursor_over(message, size);
    struct iso_tpdu t;
    iso_read(&c, &t);
    if (c.err)
        return LOOKS_NOT;
    if (t.code == 0xf0)
        return looks_data(t.data, t.size);
    int likes = iso_looks(&t);
    return likes && is_tsap(t.tsap[1], t.tsap_size[1]) ? likes + 2 : likes;
}

/* ---- Variables ---- */

static struct s7_asked *
remember(struct dissection *d, uint16_t reference)
{
    struct s7_state *s = d->state;
    if (!s)
        return NULL;
    struct s7_asked *a = &s->asked[s->next++ % S7_ASKED];
    a->is_used = true;
    a->reference = reference;
    a->n_items = 0;
    return a;
}

/* What was asked with that reference; it is answered once. */
static const struct s7_asked *
recall(struct dissection *d, uint16_t reference)
{
    struct s7_state *s = d->state;
    for (unsigned i = 0; s && i < S7_ASKED; i++) {
        if (s->asked[i].is_used && s->asked[i].reference == reference) {
            s->asked[i].is_used = false;
            return &s->asked[i];
        }
    }
    return NULL;
}

static void
put_item(struct dissection *d, uint16_t object, const struct s7_item *item)
{
    if (item->syntax != 0x10) {
        pdu_uint(d, S7_SYNTAX, object, item->syntax);
        return;
    }
    if (d->pdu->act == ACT_WRITE &&
        (item->area == S7_AREA_OUTPUTS || item->area == S7_AREA_PERIPHERALS))
        d->pdu->act = ACT_OPERATE;
    pdu_uint(d, S7_AREA, object, item->area);
    pdu_uint(d, S7_DB, object, item->db);
    if (item->area == S7_AREA_COUNTER || item->area == S7_AREA_TIMER) {
        pdu_uint(d, S7_NUMBER, object, item->address);
    } else {
        pdu_uint(d, S7_BYTE, object, item->address >> 3);
        pdu_uint(d, S7_BIT, object, item->address & 7);
    }
    pdu_uint(d, S7_TRANSPORT, object, item->transport);
    pdu_uint(d, S7_LENGTH, object, item->length);
}

static void
read_item(struct cursor *c, struct s7_item *item, bool is_last)
{
    uint8_t kind = cursor_u8(c, "item");
    uint8_t size = cursor_u8(c, "item length");
    struct cursor address = cursor_split(c, size, "item");
    *item = (struct s7_item){.syntax = cursor_u8(&address, "item syntax")};
    if (!address.err && kind != 0x12)
        cursor_fail(&address, ERR_MALFORMED, "item");
    if (item->syntax == 0x10) {
        item->transport = cursor_u8(&address, "item transport size");
        item->length = cursor_be16(&address, "item number of elements");
        item->db = cursor_be16(&address, "item data block");
        item->area = cursor_u8(&address, "item area");
        item->address = cursor_be24(&address, "item address");
    }
    cursor_skip(&address, cursor_left(&address), "item");
    cursor_join(c, &address);
    if (size & 1 && !is_last)
        cursor_skip(c, 1, "fill octet");
}

/* A value and what stands before it; without `put` it is only moved past. */
static void
take_value(struct dissection *d, struct cursor *c, uint16_t object, bool is_last)
{
    uint8_t code = cursor_u8(c, "return code");
    uint8_t transport = cursor_u8(c, "value transport size");
    size_t size = cursor_be16(c, "value length");
    if (transport >= 3 && transport <= 5) /* bits, octets, integers: counted in bits */
        size = (size + 7) / 8;
    if (c->err)
        return;
    pdu_uint(d, S7_RETURN, object, code);
    if (code != 0xff && code != 0)
        return; /* refused: there is no value, whatever length is said */
    pdu_octets(d, S7_VALUE, object, cursor_bytes(c, size, "value"), size);
    if (size & 1 && !is_last && !c->err)
        cursor_skip(c, 1, "fill octet");
}

static void
put_items(struct dissection *d, const struct s7_header *h, struct cursor *c, struct cursor *data)
{
    uint8_t n = cursor_u8(c, "number of items");
    struct s7_asked *asked = remember(d, h->reference);
    pdu_uint(d, S7_ITEMS, 0, n);
    for (unsigned i = 0; i < n && !c->err && !data->err; i++) {
        struct s7_item item;
        read_item(c, &item, i + 1 == n);
        if (c->err)
            return;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        put_item(d, object, &item);
        if (asked && i < S7_ASKED_ITEMS)
            asked->items[asked->n_items++] = item;
        if (d->pdu->function == 0x05)
            take_value(d, data, object, i + 1 == n);
    }
}

static void
put_answers(struct dissection *d, const struct s7_header *h, struct cursor *c, struct cursor *data)
{
    const struct s7_asked *asked = recall(d, h->reference);
    if (!cursor_left(c))
        return; /* an error answers without items */
    uint8_t n = cursor_u8(c, "number of items");
    pdu_uint(d, S7_ITEMS, 0, n);
    for (unsigned i = 0; i < n && !data->err; i++) {
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        if (asked && i < asked->n_items)
            put_item(d, object, &asked->items[i]);
        if (d->pdu->function == 0x04) {
            take_value(d, data, object, i + 1 == n);
        } else {
            uint8_t code = cursor_u8(data, "return code");
            if (!data->err)
                pdu_uint(d, S7_RETURN, object, code);
        }
    }
}

/* ---- Blocks and program invocations ---- */

static void
put_name(struct dissection *d, struct cursor *c, uint16_t id, const char *what)
{
    uint8_t size = cursor_u8(c, what);
    pdu_octets(d, id, 0, cursor_bytes(c, size, what), size);
}

/* Uploads and downloads: status, error code, number, and the block's name, as far as they are
 * there: an answer has less than its request. */
static void
put_transfer(struct dissection *d, struct cursor *c)
{
    uint32_t function = d->pdu->function;
    bool asks = d->pdu->kind == PDU_REQUEST;
    if (!cursor_left(c))
        return;
    pdu_uint(d, S7_STATUS, 0, cursor_u8(c, "transfer status"));
    if (!cursor_left(c))
        return;
    cursor_skip(c, 2, "transfer error code");
    if (!cursor_left(c))
        return;
    pdu_uint(d, S7_TRANSFER, 0, cursor_be32(c, "transfer number"));
    if (!cursor_left(c))
        return;
    put_name(d, c, asks ? S7_BLOCK : S7_BLOCK_LENGTHS, "block name");
    if (function == 0x1a && asks && cursor_left(c))
        put_name(d, c, S7_BLOCK_LENGTHS, "block lengths");
}

/* Program invocations do what their names say. */
static void
name_service(struct dissection *d, const uint8_t *name, size_t size)
{
    for (const struct field_word *w = s7comm_services(); name && w->word; w++) {
        if (strlen(w->word) == size && !memcmp(w->word, name, size)) {
            if (d->pdu->function == 0x28)
                d->pdu->act = (enum act)w->value;
            return;
        }
    }
}

static void
put_invocation(struct dissection *d, struct cursor *c)
{
    bool stops = d->pdu->function == 0x29;
    if (!cursor_left(c))
        return; /* the answer */
    if (d->pdu->kind != PDU_REQUEST) {
        cursor_skip(c, cursor_left(c), "answer");
        return;
    }
    cursor_skip(c, stops ? 5 : 7, "program invocation");
    if (!stops) {
        uint16_t size = cursor_be16(c, "argument length");
        const uint8_t *argument = cursor_bytes(c, size, "argument");
        if (size)
            pdu_octets(d, S7_ARGUMENT, 0, argument, size);
    }
    uint8_t size = cursor_u8(c, "service name length");
    const uint8_t *name = cursor_bytes(c, size, "service name");
    pdu_octets(d, S7_SERVICE, 0, name, size);
    name_service(d, name, size);
}

static void
put_setup(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 1, "reserved");
    uint16_t calling = cursor_be16(c, "jobs at once, calling");
    uint16_t called = cursor_be16(c, "jobs at once, called");
    uint16_t size = cursor_be16(c, "PDU length");
    if (c->err)
        return;
    pdu_uint(d, S7_JOBS_CALLING, 0, calling);
    pdu_uint(d, S7_JOBS_CALLED, 0, called);
    pdu_uint(d, S7_PDU_SIZE, 0, size);
}

void
s7comm_job(struct dissection *d, const struct s7_header *h, struct cursor *parameter,
           struct cursor *data)
{
    bool has_function = cursor_left(parameter);
    uint8_t function = has_function ? cursor_u8(parameter, "function") : 0;
    pdu_begin(d,
              h->type == S7_JOB ? PDU_REQUEST
              : h->error        ? PDU_REFUSAL
                                : PDU_RESPONSE,
              has_function ? function : S7_NO_FUNCTION);
    d->pdu->error = h->error;
    s7comm_put_header(d, h);
    if (!has_function)
        return;
    switch (function) {
    case 0x04:
    case 0x05:
        if (h->type == S7_JOB)
            put_items(d, h, parameter, data);
        else
            put_answers(d, h, parameter, data);
        break;
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f:
        put_transfer(d, parameter);
        break;
    case 0x28:
    case 0x29:
        put_invocation(d, parameter);
        break;
    case 0xf0:
        if (cursor_left(parameter))
            put_setup(d, parameter);
        break;
    default:
        cursor_skip(parameter, cursor_left(parameter), "parameter");
    }
}

/* ---- A message ---- */

void
s7comm_put_header(struct dissection *d, const struct s7_header *h)
{
    pdu_uint(d, S7_TYPE, 0, h->type);
    pdu_uint(d, S7_REFERENCE, 0, h->reference);
    pdu_uint(d, S7_PARAMETER_LENGTH, 0, h->parameter_length);
    pdu_uint(d, S7_DATA_LENGTH, 0, h->data_length);
}

static void
read_header(struct cursor *c, struct s7_header *h)
{
    cursor_skip(c, 1, "protocol");
    h->type = cursor_u8(c, "message type");
    cursor_skip(c, 2, "redundancy identification");
    h->reference = cursor_be16(c, "reference");
    h->parameter_length = cursor_be16(c, "parameter length");
    h->data_length = cursor_be16(c, "data length");
    h->error = h->type == S7_ACK || h->type == S7_ACK_DATA ? cursor_be16(c, "error code") : 0;
    if (!c->err && h->type != S7_JOB && h->type != S7_ACK && h->type != S7_ACK_DATA &&
        h->type != S7_USERDATA_TYPE)
        cursor_fail(c, ERR_UNSUPPORTED, "message type");
}

static void
take_message(struct dissection *d, struct cursor *c, struct cursor *message)
{
    struct s7_header h;
    read_header(c, &h);
    struct cursor parameter = cursor_split(c, h.parameter_length, "parameter length");
    struct cursor data = cursor_split(c, h.data_length, "data length");
    if (c->err)
        return;
    if (h.type == S7_USERDATA_TYPE)
        s7comm_userdata(d, &h, &parameter, &data);
    else
        s7comm_job(d, &h, &parameter, &data);
    if (!parameter.err && !data.err && cursor_left(&data)) {
        size_t left = cursor_left(&data);
        pdu_octets(d, S7_DATA, 0, cursor_bytes(&data, left, "data"), left);
    }
    pdu_end(d, message);
    if (parameter.err)
        cursor_join(c, &parameter);
    else if (data.err)
        cursor_join(c, &data);
}

/* Which module is connected to, and what for, is in its TSAP. */
static void
put_place(struct dissection *d, const struct iso_tpdu *t)
{
    const uint8_t *called = t->tsap[1];
    if (!called || t->tsap_size[1] != 2)
        return;
    pdu_uint(d, S7_PURPOSE, 0, called[0]);
    pdu_uint(d, S7_RACK, 0, called[1] >> 5);
    pdu_uint(d, S7_SLOT, 0, called[1] & 31);
}

void
s7comm_dissect(struct dissection *d, struct cursor *message)
{
    struct s7_state *s = d->state;
    struct s7_way *w = s ? &s->ways[d->way] : NULL;
    struct cursor c;
    const struct iso_carriage by = {.assembly = w ? &w->assembly : NULL,
                                    .octets = w ? w->octets : NULL,
                                    .room = S7_TSDU_MAX,
                                    .connection = put_place};
    if (!iso_take(d, message, &by, &c))
        return;
    uint8_t protocol = cursor_left(&c) ? *c.pos : 0;
    if (protocol == S7_PROTOCOL) {
        take_message(d, &c, message);
    } else if (protocol == S7_PROTOCOL_PLUS) {
        s7comm_plus(d, &c);
        if (!c.err)
            pdu_end(d, message);
    } else {
        cursor_fail(&c, ERR_UNSUPPORTED, "protocol");
    }
    iso_fail(message, &c);
}
