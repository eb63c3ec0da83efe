#include "edge/stamp_frame.h"

#include "packet/checksum.h"
#include "packet/flow_key.h"
#include "proto/stamp/stamp_packet.h"

#define ETHERNET_SIZE 14
#define TAG_SIZE 4
#define IPV4_SIZE 20
#define UDP_SIZE 8

/* The tag, if there is one; the offset of the IPv4 header, 0: there is none. */
static size_t
read_ethernet(const uint8_t *frame, size_t size, struct stamp_headers *h)
{
    size_t at = ETHERNET_SIZE;
    if (size < ETHERNET_SIZE + TAG_SIZE)
        return 0;
    memcpy(h->eth_dst.octets, frame, 6);
    memcpy(h->eth_src.octets, frame + 6, 6);
    if (get_be16(frame + 12) == ETH_TYPE_VLAN) {
        h->tagged = true;
        h->vlan_tci = get_be16(frame + 14);
        at += TAG_SIZE;
    }
    return get_be16(frame + at - 2) == ETH_TYPE_IPV4 ? at : 0;
}

/* The header's check is over itself, UDP's over its pseudo-header too: both then sum to all ones.
 */
static bool
checksums_are_right(const uint8_t *ip, uint32_t udp_size)
{
    const uint8_t *udp = ip + IPV4_SIZE;
    if (checksum_fold(checksum_add(0, ip, IPV4_SIZE)) != 0xffff)
        return false;
    if (!get_be16(udp + 6))
        return true;
    uint32_t sum = checksum_pseudo(ip + 12, ip + 16, 4, IP_PROTO_UDP, udp_size);
    return checksum_fold(checksum_add(sum, udp, udp_size)) == 0xffff;
}

enum err
stamp_frame_read(const uint8_t *frame, size_t size, struct stamp_headers *headers,
                 const uint8_t **payload, size_t *payload_size)
{
    struct stamp_headers h = {.tagged = false};
    size_t at = read_ethernet(frame, size, &h);
    if (!at || size < at + IPV4_SIZE + UDP_SIZE)
        return ERR_UNSUPPORTED;
    const uint8_t *ip = frame + at, *udp = ip + IPV4_SIZE;
    if (ip[0] != 0x45 || ip[9] != IP_PROTO_UDP ||
        get_be16(ip + 6) & 0x3fff) /* RFC 791 section 3.1: more fragments, or an offset */
        return ERR_UNSUPPORTED;
    size_t ip_size = get_be16(ip + 2), udp_size = get_be16(udp + 4);
    if (ip_size > size - at || udp_size < UDP_SIZE || ip_size != IPV4_SIZE + udp_size ||
        !checksums_are_right(ip, (uint32_t)udp_size))
        return ERR_MALFORMED;
    h.dscp = ip[1] >> 2;
    h.ecn = ip[1] & 3;
    h.ttl = ip[8];
    h.ipv4_src = get_be32(ip + 12);
    h.ipv4_dst = get_be32(ip + 16);
    h.udp_src = get_be16(udp);
    h.udp_dst = get_be16(udp + 2);
    *headers = h;
    *payload = udp + UDP_SIZE;
    *payload_size = udp_size - UDP_SIZE;
    return ERR_OK;
}

void
stamp_frame_write_headers(uint8_t *frame, const struct stamp_headers *h, size_t payload_size)
{
    size_t at = h->tagged ? ETHERNET_SIZE + TAG_SIZE : ETHERNET_SIZE;
    uint8_t *ip = frame + at, *udp = ip + IPV4_SIZE;
    memset(frame, 0, stamp_headers_size(h));
    memcpy(frame, h->eth_dst.octets, 6);
    memcpy(frame + 6, h->eth_src.octets, 6);
    if (h->tagged) {
        put_be16(frame + 12, ETH_TYPE_VLAN);
        put_be16(frame + 14, h->vlan_tci);
    }
    put_be16(ip - 2, ETH_TYPE_IPV4);
    ip[0] = 0x45;
    ip[1] = (uint8_t)(h->dscp << 2 | (h->ecn & 3));
    put_be16(ip + 2, (uint16_t)(IPV4_SIZE + UDP_SIZE + payload_size));
    put_be16(ip + 6, 0x4000); /* not to be fragmented, so its identification may be 0 (RFC 6864) */
    ip[8] = h->ttl;
    ip[9] = IP_PROTO_UDP;
    put_be32(ip + 12, h->ipv4_src);
    put_be32(ip + 16, h->ipv4_dst);
    put_be16(ip + 10, checksum_finish(checksum_add(0, ip, IPV4_SIZE)));
    put_be16(udp, h->udp_src);
    put_be16(udp + 2, h->udp_dst);
    put_be16(udp + 4, (uint16_t)(UDP_SIZE + payload_size));
}

struct stamp_headers
stamp_headers_reversed(const struct stamp_headers *h)
{
    struct stamp_headers back = *h;
    back.eth_src = h->eth_dst;
    back.eth_dst = h->eth_src;
    back.ipv4_src = h->ipv4_dst;
    back.ipv4_dst = h->ipv4_src;
    back.udp_src = h->udp_dst;
    back.udp_dst = h->udp_src;
    back.ttl = STAMP_TTL;
    return back;
}
