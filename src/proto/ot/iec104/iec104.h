/* iec104.h - IEC 60870-5-104:2006 (with the ASDUs of 60870-5-101:2003) as the sensor reads it: APCI
 * of all three formats, and every information object with value, quality and time.
 *
 * Sizes are those of -104: a cause of 2 octets, common addresses of 2, object addresses of 3. */
#ifndef PROTO_OT_IEC104_IEC104_H
#define PROTO_OT_IEC104_IEC104_H

#include "dissect/protocol.h"

/* `function` of a message: the type identification; or, of the formats without an ASDU: */
#define IEC104_U_FORMAT 0x100u /* | the first control octet: 0x107 is STARTDT act */
#define IEC104_S_FORMAT 0x101u

enum iec104_field {
    IEC104_TX, /* send sequence number */
    IEC104_RX,
    IEC104_CAUSE,
    IEC104_TEST,
    IEC104_NEGATIVE,
    IEC104_ORIGINATOR,
    IEC104_COMMON_ADDRESS,
    IEC104_SEQUENCE, /* the objects' addresses follow each other */
    IEC104_N_OBJECTS,
    IEC104_OBJECT_ADDRESS, /* an object each, and its value: */
    IEC104_VALUE,          /* whole numbers, points, steps, states of a command */
    IEC104_REAL,           /* short floating point */
    IEC104_NORMALISED,     /* -1 to 1 - 2^-15 */
    IEC104_QUALITY, /* bits: 1 overflow, 16 blocked, 32 substituted, 64 not topical, 128 invalid */
    IEC104_TIME,
    IEC104_SELECT,    /* of a command: it is only prepared */
    IEC104_QUALIFIER, /* of a command, an interrogation, a reset, a parameter */
    IEC104_TRANSIENT, /* of a step position */
    IEC104_ELAPSED,   /* milliseconds, of protection equipment */
    IEC104_DATA,      /* what is not looked into */
};

extern const struct protocol iec104;

#endif
