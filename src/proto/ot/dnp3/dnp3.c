/* Link layer and transport function (IEEE 1815-2012 clauses 9 and 8). */
#include "proto/ot/dnp3/dnp3_private.h"

#include "base/crc16.h"

#define DIR 0x80
#define PRM 0x40
#define FIN 0x80
#define FIR 0x40

static bool
is_sound(const uint8_t *block, size_t size)
{
    return (block[size] | block[size + 1] << 8) ==
           (uint16_t)~crc16_low_first(crc16_dnp, 0, block, size);
}

static size_t
frame_size(uint8_t length)
{
    size_t user = length - 5u;
    return DNP3_HEADER_SIZE + user + 2 * ((user + 15) / 16);
}

enum frame_found
dnp3_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = DNP3_HEADER_SIZE;
    if ((size && data[0] != 0x05) || (size > 1 && data[1] != 0x64))
        return FRAME_NOT;
    if (size < 3)
        return FRAME_MORE;
    if (data[2] < 5)
        return FRAME_NOT;
    *message = frame_size(data[2]);
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
dnp3_looks(const uint8_t *message, size_t size)
{
    size_t length;
    if (dnp3_frame(message, size, &length) != FRAME_WHOLE)
        return LOOKS_NOT;
    return is_sound(message, 8) ? LOOKS_SURE : LOOKS_FAINT;
}

/* ---- A frame ---- */

void
dnp3_put_link(struct dissection *d, const struct dnp3_link *l)
{
    pdu_uint(d, DNP3_SOURCE, 0, l->source);
    pdu_uint(d, DNP3_DESTINATION, 0, l->destination);
    pdu_uint(d, DNP3_FROM_MASTER, 0, l->control & DIR ? 1 : 0);
    pdu_uint(d, DNP3_PRIMARY, 0, l->control & PRM ? 1 : 0);
    pdu_uint(d, DNP3_LINK_FUNCTION, 0, l->control & 15);
    pdu_uint(d, DNP3_LENGTH, 0, l->length);
    if (l->n_bad)
        pdu_uint(d, DNP3_BAD_CRCS, 0, l->n_bad);
}

static void
put_transport(struct dissection *d, uint8_t transport)
{
    pdu_uint(d, DNP3_FIRST, 0, transport & FIR ? 1 : 0);
    pdu_uint(d, DNP3_FINAL, 0, transport & FIN ? 1 : 0);
    pdu_uint(d, DNP3_SEQUENCE, 0, transport & 63);
}

/* The user data without checksums, into `data`, which has room for 250 octets. */
static size_t
take_user_data(struct cursor *c, struct dnp3_link *l, uint8_t *data)
{
    size_t left = l->length - 5u, n = 0;
    while (left) {
        size_t size = MIN(left, 16);
        const uint8_t *block = cursor_bytes(c, size + 2, "data block");
        if (!block)
            return 0;
        l->n_bad += !is_sound(block, size);
        memcpy(data + n, block, size);
        n += size;
        left -= size;
    }
    return n;
}

/* ---- Segments into fragments ---- */

/* Adds the segment; true: it completes `f`. */
static bool
add_segment(struct dnp3_fragment *f, const struct dnp3_link *l, const uint8_t *octets, size_t size)
{
    uint8_t sequence = l->transport & 63;
    bool follows = f->is_open && f->source == l->source && f->destination == l->destination &&
                   sequence == ((f->sequence + 1) & 63);
    if (l->transport & FIR) {
        *f = (struct dnp3_fragment){
            .is_open = true, .source = l->source, .destination = l->destination};
    } else if (!follows) {
        f->is_open = false; /* its beginning was not seen, or something between */
        return false;
    }
    if (size > sizeof f->octets - f->size) {
        f->is_open = false;
        return false;
    }
    memcpy(f->octets + f->size, octets, size);
    f->size += (uint32_t)size;
    f->sequence = sequence;
    if (!(l->transport & FIN))
        return false;
    f->is_open = false;
    return true;
}

static void
give_segment(struct dissection *d, const struct cursor *message, const struct dnp3_link *l)
{
    pdu_begin(d, PDU_LINK, DNP3_SEGMENT);
    dnp3_put_link(d, l);
    put_transport(d, l->transport);
    pdu_end(d, message);
}

static void
give_fragment(struct dissection *d, struct cursor *message, const struct dnp3_link *l,
              const uint8_t *octets, size_t size)
{
    struct cursor c = cursor_over(octets, size);
    uint8_t function = size > 1 ? octets[1] : 0;
    pdu_begin(d, PDU_REQUEST, function);
    dnp3_put_link(d, l);
    put_transport(d, l->transport);
    dnp3_application(d, &c, message);
    if (c.err) {
        cursor_fail(message, c.err, c.field);
        message->offset = MIN(c.offset, (size_t)(message->end - message->start));
    }
}

static void
take_segment(struct dissection *d, struct cursor *message, struct dnp3_link *l, const uint8_t *data,
             size_t size)
{
    struct dnp3_state *s = d->state;
    l->transport = data[0];
    if ((l->transport & (FIR | FIN)) == (FIR | FIN)) { /* most are whole */
        if (s)
            s->ways[d->way].is_open = false;
        give_fragment(d, message, l, data + 1, size - 1);
    } else if (s && !l->n_bad && add_segment(&s->ways[d->way], l, data + 1, size - 1)) {
        give_fragment(d, message, l, s->ways[d->way].octets, s->ways[d->way].size);
    } else {
        give_segment(d, message, l);
    }
}

void
dnp3_dissect(struct dissection *d, struct cursor *c)
{
    struct dnp3_link l = {.n_bad = 0};
    uint8_t data[250];
    while (cursor_left(c)) { /* of a datagram there may be several */
        const uint8_t *h = cursor_bytes(c, DNP3_HEADER_SIZE, "link header");
        if (h && (h[0] != 0x05 || h[1] != 0x64 || h[2] < 5))
            cursor_fail(c, ERR_MALFORMED, "link header");
        if (c->err)
            return;
        l = (struct dnp3_link){.length = h[2],
                               .control = h[3],
                               .destination = (uint16_t)(h[4] | h[5] << 8),
                               .source = (uint16_t)(h[6] | h[7] << 8),
                               .n_bad = !is_sound(h, 8)};
        size_t n = take_user_data(c, &l, data);
        if (c->err)
            return;
        uint8_t function = l.control & 15;
        if (l.control & PRM && n > 1) { /* whatever the function: somebody may take it */
            take_segment(d, c, &l, data, n);
            continue;
        }
        pdu_begin(d, PDU_LINK,
                  (l.control & PRM ? DNP3_LINK_PRIMARY : DNP3_LINK_SECONDARY) | function);
        dnp3_put_link(d, &l);
        pdu_end(d, c);
    }
}
