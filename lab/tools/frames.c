#include "lab/tools/frames.h"

#define TPID_C 0x8100
#define TPID_S 0x88a8

void
frame_begin(struct buf *b, const struct frame_header *h)
{
    buf_put(b, h->dst.octets, sizeof h->dst.octets);
    buf_put(b, h->src.octets, sizeof h->src.octets);
    if (h->vlan != FRAME_NO_VLAN) {
        buf_be16(b, TPID_C);
        buf_be16(b, (uint16_t)(h->pcp << 13 | h->vlan));
    }
    buf_be16(b, h->ethertype);
}

void
frame_end(struct buf *b)
{
    if (b->size < FRAME_MIN_SIZE)
        buf_zero(b, FRAME_MIN_SIZE - b->size);
}

size_t
frame_parse(const uint8_t *frame, size_t size, struct frame_header *h)
{
    size_t at = 12;
    if (size < 14)
        return 0;
    memcpy(h->dst.octets, frame, 6);
    memcpy(h->src.octets, frame + 6, 6);
    h->vlan = FRAME_NO_VLAN;
    h->pcp = 0;
    for (;;) {
        h->ethertype = get_be16(frame + at);
        if (h->ethertype != TPID_C && h->ethertype != TPID_S)
            return at + 2;
        if (size < at + 6)
            return 0;
        uint16_t tci = get_be16(frame + at + 2);
        if (h->vlan == FRAME_NO_VLAN) {
            h->vlan = tci & 0xfff;
            h->pcp = tci >> 13;
        }
        at += 4;
    }
}
