/* ptp_frame.h - PTP messages in Ethernet frames: behind Ethertype 0x88F7 (IEEE 1588-2019 annex E),
 * with VLAN tags or without, and in UDP over IPv4 and IPv6, ports 319 and 320 (annexes C, D). Pure.
 */
#ifndef EDGE_PTP_FRAME_H
#define EDGE_PTP_FRAME_H

#include "packet/addr.h"
#include "packet/packet.h"
#include "proto/ptp/ptp_message.h"

/* Whether ptp_frame_find() is worth calling; of a parsed packet. */
static inline bool
ptp_frame_may_be(const struct packet *p)
{
    if (p->layout.l4 != OFFSET_NONE && p->size >= p->layout.l4 + 8u)
        return (uint16_t)(get_be16(p->data + p->layout.l4 + 2) - PTP_EVENT_PORT) <= 1;
    return p->layout.l2_5 != OFFSET_NONE && p->size >= p->layout.l2_5 && p->layout.l2_5 >= 14 &&
           get_be16(p->data + p->layout.l2_5 - 2) == ETH_TYPE_PTP;
}

/* Where a message is in a frame. */
struct ptp_place {
    uint32_t message, size; /* what may be the message: to the end of the frame or of the UDP */
    uint32_t checksum;      /* the UDP checksum's field; 0: there is none to keep right */
};

/* Of a parsed packet. False: it is something else, a fragment, or too short for a message. */
bool ptp_frame_find(const struct packet *, struct ptp_place *);
/* Adds to the correctionField and keeps the UDP checksum right; the packet is writable. Returns
 * what was added. */
int64_t ptp_frame_correct(struct packet *, const struct ptp_place *, int64_t correction);

/* The headers of the node's own messages. */
enum ptp_transport { PTP_ETHERNET, PTP_UDP_IPV4, PTP_UDP_IPV6 };

struct ptp_headers {
    struct mac src, dst;
    uint8_t tags_size, tags[8]; /* VLAN tags as in the frame; at most two */
    enum ptp_transport transport;
    uint8_t ip_src[16], ip_dst[16]; /* IPv4: the first 4 octets */
};

/* What a link's own messages go to in Ethernet (annex E.3), which no bridge forwards. */
extern const struct mac ptp_peer_delay_mac;

/* The way back of a frame that ptp_frame_find() has found a message in: to its group, or to its
 * sender. `mac` is the port's; `address` the node's (IPv4, host order; IPv6 is the link-local one
 * of the MAC address). */
void ptp_frame_reply(const struct packet *, const struct mac *mac, uint32_t address,
                     struct ptp_headers *);

#define PTP_FRAME_MAX 160
/* Writes a whole frame around a Pdelay message, at most PTP_FRAME_MAX octets. Returns its size. */
uint32_t ptp_frame_write(const struct ptp_headers *, const struct ptp_message *, uint8_t *frame);

#endif
