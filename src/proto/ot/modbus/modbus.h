/* modbus.h - Modbus/TCP (Modbus Application Protocol V1.1b3; Messaging on TCP/IP V1.0b), with
 * device identification (function 43/14) and what Schneider Electric's engineering tools say within
 * function 90 (UMAS, as it has been described publicly). Passive: reads what others say.
 *
 * A response does not repeat what was asked: the conversation's state remembers the last requests,
 * so that its values have addresses. */
#ifndef PROTO_OT_MODBUS_MODBUS_H
#define PROTO_OT_MODBUS_MODBUS_H

#include "dissect/protocol.h"

enum modbus_field {
    MODBUS_TRANSACTION,
    MODBUS_UNIT,
    MODBUS_ADDRESS,       /* of the first coil or register, from 0, as on the wire */
    MODBUS_QUANTITY,      /* coils or registers */
    MODBUS_BITS,          /* coils, discrete inputs */
    MODBUS_WORDS,         /* registers */
    MODBUS_WRITE_ADDRESS, /* of function 23, which reads, too */
    MODBUS_WRITE_QUANTITY,
    MODBUS_VALUE, /* of functions 5 and 6 */
    MODBUS_AND_MASK,
    MODBUS_OR_MASK,
    MODBUS_SUB_FUNCTION, /* of diagnostics */
    MODBUS_DATA,         /* what is not looked into */
    MODBUS_STATUS,
    MODBUS_EVENT_COUNT,
    MODBUS_MESSAGE_COUNT,
    MODBUS_SERVER_ID,
    MODBUS_RUNS, /* the run indicator of function 17 */
    MODBUS_FILE, /* an object each: file, record, length */
    MODBUS_RECORD,
    MODBUS_RECORD_WORDS, /* how many */
    MODBUS_MEI,
    MODBUS_IDENTITY_CODE, /* 1 basic, 2 regular, 3 extended, 4 one object */
    MODBUS_CONFORMITY,
    MODBUS_MORE_FOLLOWS,
    MODBUS_NEXT_OBJECT,
    MODBUS_IDENTITY_OBJECT, /* an object each: its number, its text */
    MODBUS_IDENTITY_TEXT,
    MODBUS_UMAS_SESSION,
    MODBUS_UMAS_FUNCTION,
    MODBUS_UMAS_HARDWARE, /* of the answer to "read id" */
    MODBUS_UMAS_MODEL,
    MODBUS_UMAS_FIRMWARE,
    MODBUS_TRAILING, /* octets that should not be there */
};

extern const struct protocol modbus;

#endif
