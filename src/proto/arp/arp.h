/* arp.h - the Address Resolution Protocol (RFC 826), with its reverse (RFC 903) and inverse (RFC
 * 2390), as the sensor reads it: who says which address is whose. Stateless: whether it is true is
 * for others to judge. */
#ifndef PROTO_ARP_ARP_H
#define PROTO_ARP_ARP_H

#include "dissect/protocol.h"

/* `function` of a message: its opcode. */
#define ARP_REQUEST 1u
#define ARP_REPLY 2u

enum arp_field {
    ARP_HARDWARE, /* 1: Ethernet */
    ARP_PROTOCOL, /* an EtherType; 2048: IPv4 */
    ARP_SENDER_MAC,
    ARP_SENDER_IP,
    ARP_TARGET_MAC,
    ARP_TARGET_IP,
    ARP_ANNOUNCES,       /* "gratuitous": the sender speaks of itself */
    ARP_PROBES,          /* RFC 5227: it asks whether the address is free */
    ARP_SENDER_HARDWARE, /* addresses that are not of Ethernet */
    ARP_TARGET_HARDWARE,
    ARP_SENDER_PROTOCOL, /* ... or IPv4 */
    ARP_TARGET_PROTOCOL,
};

extern const struct protocol arp_protocol;

#endif
