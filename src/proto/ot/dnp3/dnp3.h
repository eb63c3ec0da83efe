/* dnp3.h - DNP3 (IEEE 1815-2012) as the sensor reads it, over TCP and UDP: link frames with their
 * checksums, transport segments put together, application fragments down to the value of a point.
 *
 * A link frame without an application fragment that it completes is a message of its own, too. */
#ifndef PROTO_OT_DNP3_DNP3_H
#define PROTO_OT_DNP3_DNP3_H

#include "dissect/protocol.h"

/* `function` of a message: that of the application layer; or, of a link frame alone: */
#define DNP3_LINK_PRIMARY 0x200u   /* | its function code, from the primary station */
#define DNP3_LINK_SECONDARY 0x100u /* | ..., from the secondary */
#define DNP3_SEGMENT 0x300u        /* a transport segment, more of which follow or are missing */

enum dnp3_field {
    DNP3_SOURCE, /* of the link layer */
    DNP3_DESTINATION,
    DNP3_FROM_MASTER, /* the DIR bit */
    DNP3_PRIMARY,     /* the PRM bit */
    DNP3_LINK_FUNCTION,
    DNP3_LENGTH,   /* as the frame says */
    DNP3_BAD_CRCS, /* blocks of the frame, its header too, whose checksum is wrong; absent: none */
    DNP3_FIRST,    /* transport header */
    DNP3_FINAL,
    DNP3_SEQUENCE,
    DNP3_APP_SEQUENCE, /* application header */
    DNP3_CONFIRM,
    DNP3_UNSOLICITED,
    DNP3_CONTINUES,   /* of a fragment that is not the first of its message; absent: it is */
    DNP3_INDICATIONS, /* IIN: the first octet is the upper */
    DNP3_GROUP,       /* an object header each */
    DNP3_VARIATION,
    DNP3_PREFIX, /* of the qualifier: 0 to 7 */
    DNP3_RANGE,  /* of the qualifier: 0 to 15 */
    DNP3_START,
    DNP3_STOP,
    DNP3_COUNT,
    DNP3_BITS,  /* of a packed object */
    DNP3_INDEX, /* a point each, behind its object header */
    DNP3_POINT_GROUP,
    DNP3_FLAGS,
    DNP3_VALUE,
    DNP3_REAL,
    DNP3_TIME,
    DNP3_DELAY,   /* milliseconds */
    DNP3_CONTROL, /* control code of a relay output: the operation, and trip or close */
    DNP3_REPEAT,
    DNP3_ON_TIME,
    DNP3_OFF_TIME,
    DNP3_STATUS,
    DNP3_ATTRIBUTE, /* of group 0: which one is the variation */
    DNP3_TEXT,
    DNP3_DATA, /* what is not looked into */
};

extern const struct protocol dnp3;

#endif
