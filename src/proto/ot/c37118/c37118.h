/* c37118.h - synchrophasors (IEEE C37.118-2005, C37.118.2-2011) as the sensor reads them: frames of
 * all types with their checksum, configurations 1 to 3, and data by the configuration that was told
 * before it in the conversation.
 *
 * A PMU is an object each. Names are without the blanks that fill them. */
#ifndef PROTO_OT_C37118_C37118_H
#define PROTO_OT_C37118_C37118_H

#include "dissect/protocol.h"

/* `function` of a message: the type of the frame, 0 to 5; of a command: */
#define C37118_COMMAND_FRAME 0x100u /* | command */

enum c37118_field {
    C37118_ID, /* of the stream */
    C37118_VERSION,
    C37118_BAD_CRC, /* absent: it is right */
    C37118_TIME,    /* with its fraction, where the configuration is known */
    C37118_FRACTION,
    C37118_TIME_QUALITY, /* 0: locked; 15: not reliable */
    C37118_LEAP,         /* bits: 1 pending, 2 occurred, 4 to be deleted */
    C37118_COMMAND,
    C37118_HEADER,
    C37118_CONTINUATION, /* of a configuration 3 in several frames */
    C37118_TIME_BASE,
    C37118_PMUS,
    C37118_DATA_RATE, /* frames a second; less than 0: seconds a frame */
    C37118_PMU,       /* a PMU each: its id */
    C37118_STATION,
    C37118_GLOBAL_ID,
    C37118_FORMAT, /* bits: 1 polar, 2 phasors, 4 analogs, 8 frequency in floating point */
    C37118_PHASORS,
    C37118_ANALOGS,
    C37118_DIGITALS,
    C37118_CHANNEL, /* names of phasors, then of analogs */
    C37118_LABEL,   /* of bits of the digital words */
    C37118_PHASOR_UNIT,
    C37118_ANALOG_UNIT,
    C37118_LATITUDE,
    C37118_LONGITUDE,
    C37118_ELEVATION,
    C37118_SERVICE_CLASS, /* M or P */
    C37118_WINDOW,
    C37118_GROUP_DELAY,
    C37118_NOMINAL, /* Hz */
    C37118_CHANGES,
    C37118_STATUS, /* of data */
    C37118_MAGNITUDE,
    C37118_ANGLE, /* radians */
    C37118_REAL,
    C37118_IMAGINARY,
    C37118_FREQUENCY, /* Hz */
    C37118_DEVIATION, /* as it stands, in mHz */
    C37118_ROCOF,     /* Hz a second */
    C37118_ANALOG,
    C37118_DIGITAL,
    C37118_DATA, /* what is not looked into */
};

extern const struct protocol c37118;

#endif
