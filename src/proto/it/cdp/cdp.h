/* cdp.h - the Cisco Discovery Protocol, versions 1 and 2, as it has been described publicly, behind
 * LLC and SNAP: what a device says it is. Its checksum is not looked at. Stateless. */
#ifndef PROTO_IT_CDP_CDP_H
#define PROTO_IT_CDP_CDP_H

#include "dissect/protocol.h"

#define CDP_ANNOUNCE 0u /* `function` */

enum cdp_field {
    CDP_VERSION,
    CDP_TTL, /* seconds */
    CDP_DEVICE,
    CDP_PORT,
    CDP_CAPABILITIES,
    CDP_SOFTWARE,
    CDP_PLATFORM,
    CDP_VTP_DOMAIN,
    CDP_NATIVE_VLAN,
    CDP_FULL_DUPLEX,
    CDP_VOICE_VLAN,
    CDP_POWER, /* mW */
    CDP_SYSTEM_NAME,
    CDP_LOCATION,
    CDP_ADDRESS, /* IPv4, one field each */
    CDP_ADDRESS_OCTETS,
    CDP_MANAGEMENT_ADDRESS,
    CDP_MANAGEMENT_OCTETS,
};

extern const struct protocol cdp_protocol;

#endif
