#include "lab/tools/traffic_frame.h"

#include "base/bytes.h"
#include "lab/tools/frames.h"

#define IPV4_SIZE 20u
#define UDP_SIZE 8u
#define MARK_SIZE 14u         /* id 2, number 4, time 8 */
#define FLOWS_PER_PORT 50000u /* source ports from FIRST_SOURCE; then the next destination port */
#define FIRST_SOURCE 10000u
#define SOURCE_ADDRESS UINT32_C(0xc6120001)      /* 198.18.0.1: RFC 2544 */
#define DESTINATION_ADDRESS UINT32_C(0xc6130001) /* 198.19.0.1 */

static uint32_t
ip_offset(const struct traffic_shape *s)
{
    return s->vlan == FRAME_NO_VLAN ? 14 : 18;
}

static uint16_t
ip_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < IPV4_SIZE; i += 2)
        sum += get_be16(header + i);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

void
traffic_frame_write(uint8_t *frame, const struct traffic_shape *s)
{
    uint32_t at = ip_offset(s);
    uint8_t *ip = frame + at;
    memset(frame, 0, s->size);
    memcpy(frame, s->dst.octets, 6);
    memcpy(frame + 6, s->src.octets, 6);
    if (s->vlan != FRAME_NO_VLAN) {
        put_be16(frame + 12, 0x8100);
        put_be16(frame + 14, (uint16_t)(s->pcp << 13 | s->vlan));
    }
    put_be16(frame + at - 2, 0x0800);
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)(s->size - at));
    ip[8] = 64; /* TTL */
    ip[9] = 17; /* UDP */
    put_be32(ip + 12, SOURCE_ADDRESS);
    put_be32(ip + 16, DESTINATION_ADDRESS);
    put_be16(ip + 10, ip_checksum(ip));
    put_be16(ip + IPV4_SIZE + 4, (uint16_t)(s->size - at - IPV4_SIZE)); /* UDP checksum 0: none */
    put_be16(ip + IPV4_SIZE + UDP_SIZE, s->id);
    traffic_frame_mark(frame, s, 0, 0);
}

void
traffic_frame_mark(uint8_t *frame, const struct traffic_shape *s, uint32_t number, nsec_t sent)
{
    uint8_t *udp = frame + ip_offset(s) + IPV4_SIZE;
    uint32_t flow = s->n_flows > 1 ? number % s->n_flows : 0;
    put_be16(udp, (uint16_t)(FIRST_SOURCE + flow % FLOWS_PER_PORT));
    put_be16(udp + 2, (uint16_t)(TRAFFIC_PORT + flow / FLOWS_PER_PORT));
    put_be32(udp + UDP_SIZE + 2, number);
    put_be64(udp + UDP_SIZE + 6, (uint64_t)sent);
}

bool
traffic_frame_read(const uint8_t *frame, size_t size, uint16_t id, struct traffic_mark *mark)
{
    struct frame_header h;
    size_t at = frame_parse(frame, size, &h);
    if (!at || h.ethertype != 0x0800 || size < at + IPV4_SIZE + UDP_SIZE + MARK_SIZE)
        return false;
    const uint8_t *ip = frame + at, *udp = ip + IPV4_SIZE;
    uint16_t port = get_be16(udp + 2);
    if (ip[0] != 0x45 || ip[9] != 17 || port < TRAFFIC_PORT ||
        port > TRAFFIC_PORT + TRAFFIC_MAX_FLOWS / FLOWS_PER_PORT || get_be16(udp + UDP_SIZE) != id)
        return false;
    mark->number = get_be32(udp + UDP_SIZE + 2);
    mark->sent = (nsec_t)get_be64(udp + UDP_SIZE + 6);
    mark->vlan = h.vlan;
    return true;
}
