#include "proto/ot/iso/iso.h"

#include "base/attr.h"

#define TPKT_SIZE 4u
#define DT 0xf0
#define CR 0xe0
#define CC 0xd0
#define DC 0xc0
#define DR 0x80
#define ER 0x70
#define EOT 0x80

enum frame_found
iso_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = TPKT_SIZE + 3; /* the shortest TPDU */
    if ((size && data[0] != 3) || (size > 1 && data[1] != 0))
        return FRAME_NOT;
    if (size < TPKT_SIZE)
        return FRAME_MORE;
    if (get_be16(data + 2) < *message)
        return FRAME_NOT;
    *message = get_be16(data + 2);
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

/* ---- A TPDU ---- */

/* The variable part of a header (X.224 clause 13.3.4). */
static void
read_parameters(struct cursor *c, struct iso_tpdu *t)
{
    while (cursor_left(c)) {
        uint8_t code = cursor_u8(c, "TPDU parameter code");
        uint8_t size = cursor_u8(c, "TPDU parameter length");
        const uint8_t *value = cursor_bytes(c, size, "TPDU parameter");
        if (!value)
            return;
        if (code == 0xc0 && size == 1 && value[0] >= 7 && value[0] <= 16) {
            t->tpdu_size = 1u << value[0];
        } else if (code == 0xc1 || code == 0xc2) {
            t->tsap[code - 0xc1] = value;
            t->tsap_size[code - 0xc1] = size;
        }
    }
}

static void
read_header(struct cursor *c, struct iso_tpdu *t)
{
    t->code = cursor_u8(c, "TPDU code");
    if (t->code != DT)
        t->code &= 0xf0; /* the rest is credit, which class 0 does not have */
    switch (t->code) {
    case DT:
        if (cursor_left(c) == 3) /* classes above 0 say whom it is for */
            t->destination = cursor_be16(c, "destination reference");
        t->ends = cursor_u8(c, "TPDU number and EOT") & EOT;
        return;
    case CR:
    case CC:
    case DC:
    case DR:
        t->destination = cursor_be16(c, "destination reference");
        t->source = cursor_be16(c, "source reference");
        if (t->code != DC)
            t->reason = cursor_u8(c, t->code == DR ? "reason" : "class");
        break;
    case ER:
        t->destination = cursor_be16(c, "destination reference");
        t->reason = cursor_u8(c, "reject cause");
        break;
    default:
        cursor_fail(c, ERR_UNSUPPORTED, "TPDU code");
    }
    read_parameters(c, t);
}

void
iso_read(struct cursor *c, struct iso_tpdu *t)
{
    *t = (struct iso_tpdu){.code = 0};
    const uint8_t *head = cursor_bytes(c, 2, "TPKT version");
    size_t length = cursor_be16(c, "TPKT length");
    if (head && (head[0] != 3 || head[1] != 0))
        cursor_fail(c, ERR_MALFORMED, "TPKT version");
    if (!c->err && length < TPKT_SIZE)
        cursor_fail(c, ERR_MALFORMED, "TPKT length");
    struct cursor tpdu = cursor_split(c, c->err ? 0 : length - TPKT_SIZE, "TPKT length");
    uint8_t indicator = cursor_u8(&tpdu, "TPDU length");
    struct cursor header = cursor_split(&tpdu, indicator, "TPDU length");
    read_header(&header, t);
    cursor_join(&tpdu, &header);
    t->size = cursor_left(&tpdu);
    t->data = cursor_bytes(&tpdu, t->size, "user data");
    cursor_join(c, &tpdu);
}

int
iso_looks(const struct iso_tpdu *t)
{
    return (t->code == CR || t->code == CC) && t->tsap[0] && t->tsap[1] ? LOOKS_SHARED : LOOKS_NOT;
}

/* ---- Segments into user data ---- */

/* Adds the segment; true: it ends what is in `octets`. */
static bool
add_segment(const struct iso_carriage *by, const struct iso_tpdu *t)
{
    struct iso_assembly *a = by->assembly;
    if (!a->is_open)
        *a = (struct iso_assembly){.is_open = true};
    if (t->size > by->room - a->size)
        a->is_too_long = true;
    else if (t->size)
        memcpy(by->octets + a->size, t->data, t->size);
    a->size += a->is_too_long ? 0 : (uint32_t)t->size;
    if (!t->ends)
        return false;
    a->is_open = false;
    return !a->is_too_long;
}

static void
give_tpdu(struct dissection *d, const struct cursor *message, const struct iso_carriage *by,
          const struct iso_tpdu *t)
{
    pdu_begin(d, PDU_LINK, ISO_TPDU(t->code));
    if (t->code == DT) {
        pdu_uint(d, ISO_SEGMENT, 0, t->size);
    } else {
        if (t->code != ER)
            pdu_uint(d, ISO_SOURCE, 0, t->source);
        pdu_uint(d, ISO_DESTINATION, 0, t->destination);
        pdu_octets(d, ISO_CALLING_TSAP, 0, t->tsap[0], t->tsap_size[0]);
        pdu_octets(d, ISO_CALLED_TSAP, 0, t->tsap[1], t->tsap_size[1]);
        if (t->tpdu_size)
            pdu_uint(d, ISO_TPDU_SIZE, 0, t->tpdu_size);
        if (t->code == DR || t->code == ER)
            pdu_uint(d, ISO_REASON, 0, t->reason);
        if ((t->code == CR || t->code == CC) && by->connection)
            by->connection(d, t);
    }
    pdu_end(d, message);
}

bool
iso_take(struct dissection *d, struct cursor *message, const struct iso_carriage *by,
         struct cursor *user)
{
    struct iso_assembly *a = by->assembly;
    struct iso_tpdu t;
    iso_read(message, &t);
    if (message->err)
        return false;
    if (t.code == DT && t.ends && (!a || !a->is_open)) { /* most are whole */
        *user = cursor_over(t.data, t.size);
        user->base = (size_t)(t.data - message->start);
        return true;
    }
    if (t.code == DT && a && add_segment(by, &t)) {
        *user = cursor_over(by->octets, a->size);
        return true;
    }
    if (t.code != DT && a)
        a->is_open = false;
    give_tpdu(d, message, by, &t);
    return false;
}

void
iso_fail(struct cursor *message, const struct cursor *user)
{
    if (!user->err)
        return;
    cursor_fail(message, user->err, user->field);
    message->offset = MIN(user->offset, (size_t)(message->end - message->start));
}
