#include "packet/segment.h"

#include "packet/checksum.h"

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

/* What all segments share. */
struct cut {
    const struct packet *packet;
    uint32_t header_size; /* Ethernet to the end of the TCP or UDP header */
    bool v4, tcp;
};

static void
write_checksum(struct packet *p, bool v4, bool tcp)
{
    uint8_t *ip = p->data + p->layout.l3, *l4 = p->data + p->layout.l4;
    uint32_t l4_size = p->size - p->layout.l4;
    uint8_t *field = l4 + (tcp ? 16 : 6);
    put_be16(field, 0);
    uint32_t sum = checksum_pseudo(ip + (v4 ? 12 : 8), ip + (v4 ? 16 : 24), v4 ? 4 : 16,
                                   tcp ? 6 : 17, l4_size);
    uint16_t value = checksum_finish(checksum_add(sum, l4, l4_size));
    put_be16(field, !tcp && value == 0 ? 0xffff : value);
}

/* RFC 9293 and RFC 3168 section 6.1.2: FIN and PSH belong to the last segment, CWR to the first. */
static void
write_l4(struct packet *p, const struct cut *cut, uint32_t offset, bool last)
{
    uint8_t *l4 = p->data + p->layout.l4;
    if (!cut->tcp) {
        put_be16(l4 + 4, (uint16_t)(p->size - p->layout.l4));
        return;
    }
    put_be32(l4 + 4, get_be32(l4 + 4) + offset);
    if (!last)
        l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (offset)
        l4[13] &= (uint8_t)~TCP_CWR;
}

static void
write_l3(struct packet *p, const struct cut *cut, unsigned number)
{
    uint8_t *ip = p->data + p->layout.l3;
    if (!cut->v4) {
        put_be16(ip + 4, (uint16_t)(p->size - p->layout.l3 - 40));
        return;
    }
    put_be16(ip + 2, (uint16_t)(p->size - p->layout.l3));
    put_be16(ip + 4, (uint16_t)(get_be16(ip + 4) + number));
    put_be16(ip + 10, 0);
    put_be16(ip + 10, checksum_finish(checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

static struct packet *
cut_one(const struct cut *cut, unsigned number, uint32_t offset, uint32_t size, bool last)
{
    const struct packet *whole = cut->packet;
    struct packet *p = packet_new(whole->pool, cut->header_size + size);
    if (!p)
        return NULL;
    memcpy(p->data, whole->data, cut->header_size);
    memcpy(p->data + cut->header_size, whole->data + cut->header_size + offset, size);
    p->size = cut->header_size + size;
    p->in_port = whole->in_port;
    p->rx_time = whole->rx_time;
    p->rx_time_kernel = whole->rx_time_kernel;
    p->layout = whole->layout;
    write_l3(p, cut, number);
    write_l4(p, cut, offset, last);
    write_checksum(p, cut->v4, cut->tcp);
    return p;
}

static bool
plan_cut(const struct packet *p, struct cut *cut)
{
    if (p->layout.l4 == OFFSET_NONE || p->layout.payload == OFFSET_NONE || !p->offload.gso_size)
        return false;
    const uint8_t *ip = p->data + p->layout.l3;
    cut->packet = p;
    cut->v4 = ip[0] >> 4 == 4;
    uint8_t proto = cut->v4 ? ip[9] : ip[6]; /* IPv6 extension headers do not come with GSO */
    cut->tcp = proto == IP_PROTO_TCP;
    cut->header_size = p->layout.payload;
    return cut->tcp || proto == IP_PROTO_UDP;
}

unsigned
packet_segment(struct packet *packet, struct packet *out[SEGMENTS_MAX])
{
    struct cut cut;
    unsigned n = 0;
    bool ok = plan_cut(packet, &cut);
    uint32_t payload = ok ? packet->size - cut.header_size : 0;
    for (uint32_t offset = 0; ok && offset < payload; offset += packet->offload.gso_size) {
        uint32_t size = MIN(packet->offload.gso_size, payload - offset);
        struct packet *p = n < SEGMENTS_MAX
                               ? cut_one(&cut, n, offset, size, offset + size == payload)
                               : NULL;
        ok = p != NULL;
        if (ok)
            out[n++] = p;
    }
    while (!ok && n)
        packet_unref(out[--n]);
    packet_unref(packet);
    return n;
}
