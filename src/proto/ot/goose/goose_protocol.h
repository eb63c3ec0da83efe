/* goose_protocol.h - GOOSE as the sensor reads it: on Ethernet (IEC 61850-8-1) and over UDP (IEC TR
 * 61850-90-5, "R-GOOSE"). A walk over the message, where goose.h makes a tree of it: nothing is
 * allocated, and of a message that breaks off, or lacks a field, what it has is told, too.
 *
 * Each member of the data set is an object; of a structure the object has all values in it. */
#ifndef PROTO_OT_GOOSE_GOOSE_PROTOCOL_H
#define PROTO_OT_GOOSE_GOOSE_PROTOCOL_H

#include "dissect/process_bus.h"

/* `function` of a message: the tag of its APDU. */
#define GOOSE_MANAGEMENT 0x60u
#define GOOSE_PUBLISH 0x61u

enum goose_field {
    GOOSE_FIELD_GOCB_REF = PROCESS_BUS_FIELDS,
    GOOSE_FIELD_TIME_ALLOWED_TO_LIVE,
    GOOSE_FIELD_DAT_SET,
    GOOSE_FIELD_GO_ID,
    GOOSE_FIELD_T,
    GOOSE_FIELD_T_QUALITY,
    GOOSE_FIELD_ST_NUM,
    GOOSE_FIELD_SQ_NUM,
    GOOSE_FIELD_SIMULATION,
    GOOSE_FIELD_CONF_REV,
    GOOSE_FIELD_NDS_COM,
    GOOSE_FIELD_ENTRIES,
    GOOSE_FIELD_SECURITY,
    GOOSE_FIELD_TYPE, /* of each member of the data set */
    GOOSE_FIELD_BOOLEAN,
    GOOSE_FIELD_BITS, /* a bit string of up to 64 bits, its first bit the highest */
    GOOSE_FIELD_BIT_COUNT,
    GOOSE_FIELD_INTEGER,
    GOOSE_FIELD_UNSIGNED,
    GOOSE_FIELD_REAL,
    GOOSE_FIELD_TEXT,
    GOOSE_FIELD_OCTETS, /* any other value */
    GOOSE_FIELD_TIME,
    GOOSE_FIELD_TIME_QUALITY,
    GOOSE_FIELD_DATA, /* of a management message, which is not looked into */
};

extern const struct protocol goose_protocol;

#endif
