/* dhcp.h - the Dynamic Host Configuration Protocol (RFC 2131, options of RFC 2132 and later), and
 * BOOTP (RFC 951), as the sensor reads it: what a host says of itself, and what it is given.
 * Stateless. */
#ifndef PROTO_IT_DHCP_DHCP_H
#define PROTO_IT_DHCP_DHCP_H

#include "dissect/protocol.h"

/* `function` of a message: its option 53; without one, it is BOOTP's: this, and the operation. */
#define DHCP_BOOTP 0x100u

enum dhcp_field {
    DHCP_OPERATION,
    DHCP_HARDWARE_TYPE,
    DHCP_HOPS, /* relays that it has passed */
    DHCP_XID,
    DHCP_SECONDS,
    DHCP_BROADCAST,
    DHCP_CLIENT_IP, /* ciaddr, yiaddr, siaddr, giaddr; those that are not zero */
    DHCP_YOUR_IP,
    DHCP_NEXT_SERVER,
    DHCP_RELAY_IP,
    DHCP_CLIENT_MAC,
    DHCP_CLIENT_HARDWARE, /* an address that is not of Ethernet */
    DHCP_SERVER_NAME,
    DHCP_FILE,
    DHCP_OVERLOAD, /* 1: `file` has options, 2: `sname`, 3: both */
    DHCP_HOST_NAME,
    DHCP_GIVEN_NAME, /* the same option, from a server */
    DHCP_VENDOR_CLASS,
    DHCP_USER_CLASS,
    DHCP_CLIENT_ID,
    DHCP_FQDN_FLAGS,
    DHCP_FQDN,
    DHCP_GIVEN_FQDN,
    DHCP_REQUESTED_IP,
    DHCP_REQUESTED_LIST, /* option codes, in the client's order: it tells systems apart */
    DHCP_VENDOR_OPTIONS,
    DHCP_SERVER_ID,
    DHCP_LEASE, /* seconds, as the next two */
    DHCP_RENEWAL,
    DHCP_REBINDING,
    DHCP_MESSAGE,
    DHCP_MESSAGE_MAX, /* octets */
    DHCP_MASK,
    DHCP_BROADCAST_IP,
    DHCP_ROUTER, /* one field each, as the next two */
    DHCP_DNS_SERVER,
    DHCP_NTP_SERVER,
    DHCP_DOMAIN,
    DHCP_BOOT_SERVER,
    DHCP_BOOT_FILE,
    DHCP_ROUTES,
    DHCP_PROXY,
    DHCP_ARCHITECTURE,
    DHCP_MACHINE_ID,
    DHCP_CIRCUIT_ID, /* of the relay's option 82: a switch's port */
    DHCP_REMOTE_ID,
    DHCP_SUBSCRIBER_ID,
    DHCP_SPEAKS_FOR, /* the address that the sender has, or asks to have */
};

extern const struct protocol dhcp_protocol;

#endif
