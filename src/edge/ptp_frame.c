#include "edge/ptp_frame.h"

#include "packet/checksum.h"

const struct mac ptp_peer_delay_mac = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};

/* Where the IP payload begins if it is UDP; 0: it is not. Of IPv6 without extension headers: the
 * standard's messages have none. */
static bool
is_udp(const struct packet *p)
{
    const struct packet_layout *at = &p->layout;
    if (at->l3 == OFFSET_NONE || at->l4 == OFFSET_NONE || at->fragment || at->l3 != at->l2_5)
        return false;
    uint16_t type = get_be16(p->data + at->l2_5 - 2);
    if (type == ETH_TYPE_IPV4)
        return p->data[at->l3 + 9] == IP_PROTO_UDP;
    return type == ETH_TYPE_IPV6 && at->l4 == at->l3 + 40 && p->data[at->l3 + 6] == IP_PROTO_UDP;
}

static bool
find_in_udp(const struct packet *p, struct ptp_place *place)
{
    uint32_t l4 = p->layout.l4;
    if (!is_udp(p) || p->size < l4 + 8)
        return false;
    uint32_t size = get_be16(p->data + l4 + 4);
    uint16_t port = get_be16(p->data + l4 + 2);
    if ((port != PTP_EVENT_PORT && port != PTP_GENERAL_PORT) || size < 8 || size > p->size - l4)
        return false;
    /* None, or one that is completed later, over whatever is there then. */
    bool none = get_be16(p->data + l4 + 6) == 0 || p->offload.needs_checksum;
    *place = (struct ptp_place){l4 + 8, size - 8, none ? 0 : l4 + 6};
    return true;
}

bool
ptp_frame_find(const struct packet *p, struct ptp_place *place)
{
    struct ptp_place found;
    uint32_t at = p->layout.l2_5;
    if (p->layout.flaw == FLAW_RUNT || at == OFFSET_NONE || at < 14 || at > p->size ||
        p->offload.gso_type)
        return false;
    if (get_be16(p->data + at - 2) == ETH_TYPE_PTP)
        found = (struct ptp_place){at, p->size - at, 0};
    else if (!find_in_udp(p, &found))
        return false;
    if (found.size < PTP_HEADER_SIZE)
        return false;
    *place = found;
    return true;
}

int64_t
ptp_frame_correct(struct packet *p, const struct ptp_place *place, int64_t correction)
{
    uint8_t *message = p->data + place->message, old[8];
    memcpy(old, message + PTP_CORRECTION_OFFSET, sizeof old);
    int64_t added = ptp_correct(message, correction);
    if (place->checksum) {
        uint8_t *field = p->data + place->checksum;
        uint16_t sum = checksum_update(get_be16(field), old, message + PTP_CORRECTION_OFFSET,
                                       sizeof old);
        put_be16(field, sum ? sum : 0xffff); /* RFC 768: zero would be none */
    }
    return added;
}

/* ---- Own messages ---- */

/* RFC 4291 appendix A: fe80::/64 and the modified EUI-64. */
static void
link_local(const struct mac *mac, uint8_t address[16])
{
    memset(address, 0, 16);
    address[0] = 0xfe;
    address[1] = 0x80;
    ptp_clock_from_mac(mac->octets, address + 8);
    address[8] ^= 2;
}

void
ptp_frame_reply(const struct packet *p, const struct mac *mac, uint32_t address,
                struct ptp_headers *h)
{
    uint16_t type = get_be16(p->data + p->layout.l2_5 - 2);
    const uint8_t *ip = p->data + (p->layout.l3 == OFFSET_NONE ? 0 : p->layout.l3);
    *h = (struct ptp_headers){.src = *mac, .transport = PTP_ETHERNET};
    memcpy(h->dst.octets, p->data, 6);
    bool group = mac_is_group(&h->dst);
    if (!group)
        memcpy(h->dst.octets, p->data + 6, 6);
    h->tags_size = (uint8_t)MIN(p->layout.l2_5 - 14u, sizeof h->tags);
    memcpy(h->tags, p->data + 12, h->tags_size);
    if (type == ETH_TYPE_IPV4) {
        h->transport = PTP_UDP_IPV4;
        put_be32(h->ip_src, address);
        memcpy(h->ip_dst, ip + (group ? 16 : 12), 4);
    } else if (type == ETH_TYPE_IPV6) {
        h->transport = PTP_UDP_IPV6;
        link_local(mac, h->ip_src);
        memcpy(h->ip_dst, ip + (group ? 24 : 8), 16);
    }
}

/* Annexes C and D: a link's own messages are not to be routed (TTL 1). Returns its size. */
static uint32_t
write_ip(const struct ptp_headers *h, uint32_t l4_size, uint8_t *at)
{
    if (h->transport == PTP_UDP_IPV6) {
        put_be32(at, 0x6b800000); /* DSCP EF, as good as any queue has it */
        put_be16(at + 4, (uint16_t)l4_size);
        at[6] = IP_PROTO_UDP;
        at[7] = 1;
        memcpy(at + 8, h->ip_src, 16);
        memcpy(at + 24, h->ip_dst, 16);
        return 40;
    }
    memset(at, 0, 20);
    at[0] = 0x45;
    at[1] = 46 << 2;
    put_be16(at + 2, (uint16_t)(20 + l4_size));
    at[8] = 1;
    at[9] = IP_PROTO_UDP;
    memcpy(at + 12, h->ip_src, 4);
    memcpy(at + 16, h->ip_dst, 4);
    put_be16(at + 10, checksum_finish(checksum_add(0, at, 20)));
    return 20;
}

static void
write_udp(const struct ptp_headers *h, uint16_t port, uint32_t l4_size, uint8_t *at)
{
    put_be16(at, port);
    put_be16(at + 2, port);
    put_be16(at + 4, (uint16_t)l4_size);
    put_be16(at + 6, 0);
    uint32_t sum = checksum_pseudo(h->ip_src, h->ip_dst, h->transport == PTP_UDP_IPV6 ? 16 : 4,
                                   IP_PROTO_UDP, l4_size);
    uint16_t field = checksum_finish(checksum_add(sum, at, l4_size));
    put_be16(at + 6, field ? field : 0xffff);
}

uint32_t
ptp_frame_write(const struct ptp_headers *h, const struct ptp_message *m, uint8_t *frame)
{
    static const uint16_t types[] = {ETH_TYPE_PTP, ETH_TYPE_IPV4, ETH_TYPE_IPV6};
    uint32_t at = 12u + h->tags_size, l4_size = 8 + PTP_PDELAY_SIZE;
    memcpy(frame, h->dst.octets, 6);
    memcpy(frame + 6, h->src.octets, 6);
    memcpy(frame + 12, h->tags, h->tags_size);
    put_be16(frame + at, types[h->transport]);
    at += 2;
    if (h->transport == PTP_ETHERNET) {
        ptp_encode_pdelay(m, frame + at);
        return at + PTP_PDELAY_SIZE;
    }
    at += write_ip(h, l4_size, frame + at);
    ptp_encode_pdelay(m, frame + at + 8);
    write_udp(h, ptp_is_event(m->type) ? PTP_EVENT_PORT : PTP_GENERAL_PORT, l4_size, frame + at);
    return at + l4_size;
}
