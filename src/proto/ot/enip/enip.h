/* enip.h - EtherNet/IP and CIP (ODVA, The CIP Networks Library, volumes 1 and 2) as the sensor
 * reads them: encapsulation over TCP and UDP, the common packet format, explicit messages with
 * their paths, implicit I/O over UDP.
 *
 * Each CIP message is a message of its own, also one in a Multiple Service Packet or in an
 * Unconnected Send: `depth` says how deep it stood. What a response does not repeat (path, route)
 * is that of its request. */
#ifndef PROTO_OT_ENIP_ENIP_H
#define PROTO_OT_ENIP_ENIP_H

#include "dissect/protocol.h"

/* `function` of a message: of CIP, the last class of its path << 8 | service (0 << 8 where the
 * service means the same for all classes); or: */
#define ENIP_COMMAND 0x1000000u /* | the encapsulation's command, which carries no CIP */
#define ENIP_IO 0x2000000u      /* implicit: data of a connection */
#define ENIP_STATUS 0x10000u    /* `error`: | the encapsulation's status */

enum enip_field {
    ENIP_ENCAPSULATION, /* command; absent: implicit I/O */
    ENIP_SESSION,
    ENIP_ENCAPSULATION_STATUS,
    ENIP_CONTEXT, /* the sender's */
    ENIP_ITEM,    /* types of the common packet format, one after the other */
    ENIP_CONNECTION,
    ENIP_SEQUENCE, /* of connected messages, or of I/O */
    ENIP_DEPTH,    /* of the CIP message: 0 stands in the packet itself */
    ENIP_SERVICE,
    ENIP_CLASS, /* the path: what the message is for; in a response as it was asked */
    ENIP_INSTANCE,
    ENIP_ATTRIBUTE,
    ENIP_MEMBER,
    ENIP_CONNECTION_POINT,
    ENIP_SYMBOL, /* name of a tag */
    ENIP_PATH_PORT,
    ENIP_PATH_LINK,         /* slot, or address */
    ENIP_PATH_LINK_ADDRESS, /* ... as text */
    ENIP_KEY_VENDOR,        /* electronic key: who is meant */
    ENIP_KEY_DEVICE_TYPE,
    ENIP_KEY_PRODUCT_CODE,
    ENIP_KEY_MAJOR,
    ENIP_KEY_MINOR,
    ENIP_PATH_DATA,  /* segments that are not looked into */
    ENIP_ROUTE_PORT, /* the way of an Unconnected Send: behind which port, in which slot */
    ENIP_ROUTE_LINK,
    ENIP_ROUTE_LINK_ADDRESS,
    ENIP_EXTENDED_STATUS, /* 16 bits each */
    ENIP_N_SERVICES,      /* of a Multiple Service Packet */
    ENIP_VENDOR,          /* identity, of ListIdentity and of the Identity object */
    ENIP_DEVICE_TYPE,
    ENIP_PRODUCT_CODE,
    ENIP_MAJOR_REVISION,
    ENIP_MINOR_REVISION,
    ENIP_DEVICE_STATUS,
    ENIP_SERIAL,
    ENIP_PRODUCT_NAME,
    ENIP_STATE,
    ENIP_ADDRESS, /* of ListIdentity: what the device takes for its own */
    ENIP_PORT,
    ENIP_PROTOCOL_VERSION,
    ENIP_CAPABILITIES, /* of ListServices */
    ENIP_SERVICE_NAME,
    ENIP_TO_TARGET, /* Forward Open: connection ids */
    ENIP_TO_ORIGINATOR,
    ENIP_CONNECTION_SERIAL,
    ENIP_ORIGINATOR_VENDOR,
    ENIP_ORIGINATOR_SERIAL,
    ENIP_TIMEOUT_MULTIPLIER,
    ENIP_TO_TARGET_INTERVAL, /* microseconds */
    ENIP_TO_TARGET_PARAMETERS,
    ENIP_TO_ORIGINATOR_INTERVAL,
    ENIP_TO_ORIGINATOR_PARAMETERS,
    ENIP_TRANSPORT,
    ENIP_LISTED_ATTRIBUTE, /* of Get and Set Attribute List: which */
    ENIP_PCCC_COMMAND,
    ENIP_PCCC_STATUS,
    ENIP_PCCC_TRANSACTION,
    ENIP_PCCC_FUNCTION, /* command << 8 | function */
    ENIP_DATA,          /* what is not looked into */
};

extern const struct protocol enip;

#endif
