/* layers.h - from a frame down to what is said in it: link layer, VLAN tags, PRP, HSR, MPLS,
 * tunnels (VXLAN, GRE, ERSPAN, IP in IP), IP, TCP or UDP. Pure.
 *
 * The innermost conversation is what counts: addresses, ports and payload are of it; of what it was
 * wrapped in it is kept that it was. What cannot be understood further is the payload of the last
 * layer that could be. */
#ifndef SENSOR_LAYERS_H
#define SENSOR_LAYERS_H

#include "base/bytes.h"
#include "packet/addr.h"
#include "sensor/capture.h"

#include <stdbool.h>

#define LAYERS_TAGS 4   /* VLAN tags that are kept, of the innermost frame, outermost first */
#define LAYERS_DEPTH 12 /* tunnels, tags and headers one in another that are followed */

/* Bits. */
enum wrapping {
    WRAPPED_VLAN = 1,
    WRAPPED_MPLS = 2,
    WRAPPED_VXLAN = 4,
    WRAPPED_GRE = 8,
    WRAPPED_IP = 16,
    WRAPPED_PRP = 32,
    WRAPPED_HSR = 64,
    WRAPPED_PPPOE = 128,
};

/* The first that was found. */
enum layers_fault {
    LAYERS_SOUND,
    LAYERS_CUT,       /* the capture has less of the frame than the next header needs */
    LAYERS_SHORT,     /* a header says that more octets follow than there were on the
                         wire */
    LAYERS_MALFORMED, /* a header that cannot be */
    LAYERS_DEEP,      /* more layers than LAYERS_DEPTH */
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct layers {
    bool has_mac;
    struct mac src_mac, dst_mac;
    uint16_t eth_type; /* behind the tags; 0: an 802.3 frame, whose LLC header begins the payload */
    uint8_t n_tags;
    uint8_t wrapped;              /* enum wrapping */
    uint16_t tags[LAYERS_TAGS];   /* PCP, DEI, VID */
    uint16_t redundancy_sequence; /* of PRP or HSR */
    uint8_t redundancy_lan;
    uint8_t ip; /* 4, 6; 0: no IP */
    uint8_t proto, ttl, dscp;
    uint8_t tcp_flags;
    uint8_t src[16], dst[16]; /* IPv4: the first 4 octets */
    bool is_fragment;         /* `payload` is a piece of a datagram, from fragment_at on */
    bool more_fragments;
    uint32_t fragment_at, fragment_id;
    bool has_ports; /* TCP, UDP or SCTP */
    uint16_t src_port, dst_port;
    uint32_t tcp_seq, tcp_ack;
    uint16_t tcp_window;
    const uint8_t *tcp_options;
    uint8_t tcp_options_size;
    const uint8_t *payload;
    uint32_t size; /* of the payload, as far as it was captured */
    uint32_t wire; /* ... and as the headers say */
    enum layers_fault fault;
};

/* Never fails: what could be read is in `l`, and `fault` says why it is not more. */
void layers_parse(const struct frame *, struct layers *);
/* The same of an IP datagram whose pieces were put together: `l` has addresses and protocol. */
void layers_parse_transport(struct layers *l, const uint8_t *data, uint32_t size, uint32_t wire);

const char *layers_fault_word(enum layers_fault); /* "cut"; static */

#endif
