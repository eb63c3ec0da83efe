/* bacnet.h - BACnet/IP (ASHRAE 135-2020, annex J and clauses 6, 20 and 21) as the sensor reads it:
 * the virtual link, the network layer, services with objects, properties and values, segments put
 * together. */
#ifndef PROTO_OT_BACNET_BACNET_H
#define PROTO_OT_BACNET_BACNET_H

#include "dissect/protocol.h"

/* `function` of a message: the choice of a confirmed service; or: */
#define BACNET_UNCONFIRMED 0x100u /* | choice */
#define BACNET_NETWORK 0x200u     /* | type of a message between routers */
#define BACNET_LINK 0x300u        /* | function of the virtual link, without anything in it */
#define BACNET_APDU 0x400u /* | type: a segment's acknowledgement; a refusal of the unknown */
/* `error`: of an Error its code; or: */
#define BACNET_REJECT 0x10000u      /* | reason */
#define BACNET_ABORT 0x20000u       /* | reason */
#define BACNET_LINK_RESULT 0x30000u /* | result of the virtual link */

enum bacnet_field {
    BACNET_BVLC,
    BACNET_LENGTH,
    BACNET_RESULT,
    BACNET_FORWARDED_FROM,
    BACNET_FORWARDED_PORT,
    BACNET_TIME_TO_LIVE,
    BACNET_DESTINATION_NETWORK,
    BACNET_DESTINATION_ADDRESS,
    BACNET_SOURCE_NETWORK,
    BACNET_SOURCE_ADDRESS,
    BACNET_NETWORK_VENDOR,
    BACNET_NETWORK_NUMBER,
    BACNET_APDU_TYPE,
    BACNET_INVOKE,
    BACNET_SEGMENT,
    BACNET_MORE_SEGMENTS,
    BACNET_SERVICE,
    BACNET_ERROR_CLASS,
    BACNET_MAX_APDU,
    BACNET_SEGMENTATION,
    BACNET_VENDOR,
    BACNET_LOW,
    BACNET_HIGH,
    BACNET_NAME,
    BACNET_PROCESS,
    BACNET_LIFETIME,
    BACNET_DURATION,
    BACNET_COMMUNICATION,
    BACNET_REINITIALIZE,
    BACNET_PASSWORD,
    BACNET_TIME,
    BACNET_START,
    BACNET_COUNT,
    BACNET_END_OF_FILE,
    BACNET_PRIVATE_SERVICE,
    BACNET_OBJECT_TYPE,
    BACNET_INSTANCE,
    BACNET_PROPERTY,
    BACNET_INDEX,
    BACNET_PRIORITY,
    BACNET_PROPERTY_ERROR_CLASS,
    BACNET_PROPERTY_ERROR,
    BACNET_NULL_VALUE,
    BACNET_BOOLEAN,
    BACNET_UNSIGNED,
    BACNET_SIGNED,
    BACNET_REAL,
    BACNET_OCTETS,
    BACNET_TEXT,
    BACNET_BIT_STRING,
    BACNET_ENUMERATED,
    BACNET_DATE,
    BACNET_DAY_TIME,
    BACNET_VALUE_TYPE,
    BACNET_VALUE_INSTANCE,
    BACNET_DATA,
};

extern const struct protocol bacnet;

#endif
