/* ptp_protocol.h - the Precision Time Protocol, version 2, as the sensor reads it: which clock
 * sends what, and whom it follows. On ptp_message.h. */
#ifndef PROTO_PTP_PTP_PROTOCOL_H
#define PROTO_PTP_PTP_PROTOCOL_H

#include "dissect/protocol.h"

/* `function` of a message: its messageType. */
enum ptp_field {
    PTP_FIELD_DOMAIN,
    PTP_FIELD_SDO, /* 1: IEEE 802.1AS */
    PTP_FIELD_MINOR_VERSION,
    PTP_FIELD_FLAGS,
    PTP_FIELD_CORRECTION, /* nanoseconds */
    PTP_FIELD_CLOCK,
    PTP_FIELD_PORT,
    PTP_FIELD_SEQUENCE,
    PTP_FIELD_INTERVAL, /* between messages: the logarithm, to base 2, of seconds */
    PTP_FIELD_TIMESTAMP,
    PTP_FIELD_REQUESTING_CLOCK,
    PTP_FIELD_REQUESTING_PORT,
    PTP_FIELD_UTC_OFFSET, /* of Announce */
    PTP_FIELD_PRIORITY_1,
    PTP_FIELD_CLOCK_CLASS,
    PTP_FIELD_ACCURACY,
    PTP_FIELD_VARIANCE,
    PTP_FIELD_PRIORITY_2,
    PTP_FIELD_GRANDMASTER,
    PTP_FIELD_STEPS_REMOVED,
    PTP_FIELD_TIME_SOURCE,
    PTP_FIELD_POWER_PROFILE, /* 2011 or 2017; absent: its TLV is */
    PTP_FIELD_GRANDMASTER_ID,
    PTP_FIELD_INACCURACY,
    PTP_FIELD_ACTION, /* of Management */
    PTP_FIELD_MANAGEMENT_ID,
};

extern const struct protocol ptp_protocol;

#endif
