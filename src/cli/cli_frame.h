/* cli_frame.h - a frame made of the fields of a packet that somebody asks about. Pure.
 *
 * What is not said is what an ordinary packet has: a TTL of 64, a TCP SYN, an echo request. Lengths
 * and checksums are right. */
#ifndef CLI_CLI_FRAME_H
#define CLI_CLI_FRAME_H

#include "base/buf.h"
#include "base/err.h"

/* Texts as they were typed; NULL: not said. */
struct frame_fields {
    const char *eth_src, *eth_dst, *eth_type, *vlan_id, *vlan_priority;
    const char *ipv4_src, *ipv4_dst, *ip_proto, *ip_dscp;
    const char *tcp_src, *tcp_dst, *udp_src, *udp_dst, *icmp_type;
    const char *arp_spa, *arp_tpa; /* an ARP request */
    const char *appid;             /* GOOSE, or SV with eth_type 0x88ba */
    const char *size;              /* octets, at least; padded with zeros */
};

/* Appends the frame, without check sequence. ERR_INVALID: a field is not what it should be, or does
 * not go with another; `diag` names it. */
MUST_CHECK enum err frame_build(const struct frame_fields *, struct buf *, struct diag *);

#endif
