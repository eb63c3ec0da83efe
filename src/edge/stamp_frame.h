/* stamp_frame.h - test packets as Ethernet frames: STAMP in UDP in IPv4, with or without a VLAN
 * tag. Pure. */
#ifndef EDGE_STAMP_FRAME_H
#define EDGE_STAMP_FRAME_H

#include "packet/addr.h"

#include <stdbool.h>
#include <stddef.h>

#define STAMP_FRAME_MAX 1518 /* octets, with a tag and without the check sequence */

/* The headers of a test packet. Addresses are in host order. */
struct stamp_headers {
    struct mac eth_src, eth_dst;
    bool tagged;
    uint16_t vlan_tci; /* priority and VLAN id as IEEE 802.1Q has them */
    uint32_t ipv4_src, ipv4_dst;
    uint8_t ttl, dscp, ecn;
    uint16_t udp_src, udp_dst;
};

/* Octets before the UDP payload. */
static inline uint32_t
stamp_headers_size(const struct stamp_headers *h)
{
    return (h->tagged ? 18 : 14) + 20 + 8;
}

/* Reads a frame of exactly `size` octets; `*payload` points into it. ERR_UNSUPPORTED: it is
 * something else (another protocol, a fragment, two tags, IP options). ERR_MALFORMED: a length or a
 * checksum is wrong. A UDP checksum of zero is none. On error the outputs are untouched. */
MUST_CHECK enum err stamp_frame_read(const uint8_t *frame, size_t size, struct stamp_headers *,
                                     const uint8_t **payload, size_t *payload_size);

/* Writes stamp_headers_size() octets for a payload of this size, the UDP checksum zero (RFC 768:
 * none), so that a timestamp can be written when the frame leaves. */
void stamp_frame_write_headers(uint8_t *frame, const struct stamp_headers *, size_t payload_size);

/* The way back: both addresses and ports swapped, the same tag and marking, a full TTL. Frames that
 * are compiled to come to a node's LOCAL port (engineer/compile.h) are answered by the rules of the
 * other direction exactly with these headers, between subnets too: a frame then comes from the MAC
 * address of the host's gateway, to which the host itself would send. */
struct stamp_headers stamp_headers_reversed(const struct stamp_headers *);

#endif
