/* lldp_protocol.h - LLDP (IEEE 802.1AB-2016) as the sensor reads it: who the neighbour is, which of
 * its ports this is, and what the extensions of IEEE 802.1 and 802.3, LLDP-MED (ANSI/TIA-1057) and
 * PROFIBUS International add to it. */
#ifndef PROTO_LLDP_LLDP_PROTOCOL_H
#define PROTO_LLDP_LLDP_PROTOCOL_H

#include "dissect/protocol.h"

/* `function` of a message. */
#define LLDP_ANNOUNCE 1u
#define LLDP_WITHDRAW 2u /* its time to live is 0 */

enum lldp_field {
    LLDP_CHASSIS_SUBTYPE,
    LLDP_CHASSIS_ID, /* a text, by its subtype; else one of the next three */
    LLDP_CHASSIS_MAC,
    LLDP_CHASSIS_IP,
    LLDP_CHASSIS_OCTETS,
    LLDP_PORT_SUBTYPE,
    LLDP_PORT_ID, /* in the same way */
    LLDP_PORT_MAC,
    LLDP_PORT_IP,
    LLDP_PORT_OCTETS,
    LLDP_TTL,
    LLDP_PORT_DESCRIPTION,
    LLDP_SYSTEM_NAME,
    LLDP_SYSTEM_DESCRIPTION,
    LLDP_CAPABILITIES,
    LLDP_ENABLED,
    LLDP_PVID,
    LLDP_MAU_TYPE,
    LLDP_MAX_FRAME,
    LLDP_MED_CAPABILITIES,
    LLDP_MED_CLASS,
    LLDP_HARDWARE, /* the inventory of LLDP-MED */
    LLDP_FIRMWARE,
    LLDP_SOFTWARE,
    LLDP_SERIAL,
    LLDP_MANUFACTURER,
    LLDP_MODEL,
    LLDP_ASSET,
    LLDP_RTC2_STATUS, /* of PROFINET */
    LLDP_RTC3_STATUS,
    LLDP_ALIAS,
    LLDP_MRP_DOMAIN,
    LLDP_MRP_STATUS,
    LLDP_STATION_MAC,
    LLDP_PTCP_MASTER,
    LLDP_PTCP_SUBDOMAIN,
    LLDP_MANAGEMENT_SUBTYPE, /* an object for each management address */
    LLDP_MANAGEMENT_IP,
    LLDP_MANAGEMENT_MAC,
    LLDP_MANAGEMENT_OCTETS,
    LLDP_INTERFACE_SUBTYPE,
    LLDP_INTERFACE,
    LLDP_OID,
    LLDP_VLAN, /* an object each */
    LLDP_VLAN_NAME,
    LLDP_OUI, /* an object for each extension that is not known */
    LLDP_SUBTYPE,
    LLDP_DATA,
};

extern const struct protocol lldp_protocol;

#endif
