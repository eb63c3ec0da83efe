/* fins.h - OMRON's Factory Interface Network Service, over UDP and over FINS/TCP (OMRON W227, W342:
 * CS/CJ Series Communications Commands; W421: Ethernet Units, FINS/TCP). Passive: reads what others
 * say.
 *
 * A response repeats the command and the service id, but not what was asked: the conversation's
 * state remembers the last reads, so that their values have addresses. Passwords are left out. */
#ifndef PROTO_OT_FINS_FINS_H
#define PROTO_OT_FINS_FINS_H

#include "dissect/protocol.h"

/* `function` of a message of FINS/TCP itself: its command. */
#define FINS_TCP(command) (0x10000u | (command))

enum fins_field {
    FINS_DESTINATION_NETWORK,
    FINS_DESTINATION_NODE,
    FINS_DESTINATION_UNIT,
    FINS_SOURCE_NETWORK,
    FINS_SOURCE_NODE,
    FINS_SOURCE_UNIT,
    FINS_SERVICE_ID, /* pairs a response with its command */
    FINS_TCP_ERROR,  /* of FINS/TCP */
    FINS_CLIENT_NODE,
    FINS_SERVER_NODE,
    FINS_AREA, /* an object each where there are several: area, address, bit */
    FINS_ADDRESS,
    FINS_BIT,
    FINS_COUNT, /* items, words, records, files, blocks: whatever the command counts */
    FINS_TO_AREA,
    FINS_TO_ADDRESS,
    FINS_TO_BIT,
    FINS_PARAMETER_AREA,
    FINS_PARAMETER, /* of a command that does several things */
    FINS_PROGRAM,
    FINS_FIRST_WORD,
    FINS_LAST_WORD,
    FINS_MODE,
    FINS_MODEL,
    FINS_VERSION,
    FINS_UNIT, /* an object each of connection data, with its model */
    FINS_UNIT_MODEL,
    FINS_STATUS,
    FINS_FATAL_ERRORS,
    FINS_ERRORS,
    FINS_MESSAGES,
    FINS_FAULT,
    FINS_FAULT_TEXT,
    FINS_CYCLE_AVERAGE, /* 0.1 ms, all three */
    FINS_CYCLE_MAXIMUM,
    FINS_CYCLE_MINIMUM,
    FINS_CLOCK, /* BCD: year, month, day, hour, minute, second, day of the week */
    FINS_DISK,
    FINS_FILE_NAME,
    FINS_TO_DISK,
    FINS_TO_FILE_NAME,
    FINS_POSITION,
    FINS_NAME,
    FINS_SPECIFICATION, /* of a forced bit */
    FINS_DATA,          /* what is not looked into */
};

extern const struct protocol fins;

#endif
