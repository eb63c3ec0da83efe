/* sel.h - what protective relays of Schweitzer Engineering Laboratories speak over TCP, with or
 * without Telnet (RFC 854) around it: lines of text that people and programs type and read, and
 * between them binary messages that begin with 0xa5 (Fast Meter, Fast Operate, Fast Message), as
 * SEL's instruction manuals tell them. Passwords, and what may be one, are left out.
 *
 * A line is a message, so is a prompt. Octets 0xff that Telnet doubles are taken once where the
 * message's checksum is right then. The state remembers the level of access, whether a secret is
 * awaited, what was typed of a line, and how Fast Meter messages are laid out. */
#ifndef PROTO_OT_SEL_SEL_H
#define PROTO_OT_SEL_SEL_H

#include "dissect/protocol.h"

#define SEL_MESSAGE_MAX 2048u
/* `function` of a binary message is its second octet; of what else there is: */
#define SEL_FAST(code) (0x100u | ((code)&0x7f)) /* 0xa546 */
#define SEL_COMMAND(row) (0x200u + (unsigned)(row))

enum sel_function {
    SEL_TYPED = 0x300, /* by the client, which is no command that is known */
    SEL_PASSWORD,
    SEL_TEXT,
    SEL_PROMPT,
    SEL_PASSWORD_PROMPT,
    SEL_ACCESS_GRANTED, /* the prompt of a higher level than before */
    SEL_IDENTITY,
    SEL_REFUSED,
    SEL_TELNET, /* options only */
};

enum sel_error { /* above the codes of Fast Message, which are less than 256 */
                 SEL_INVALID_PASSWORD = 0x100,
                 SEL_INVALID_ACCESS_LEVEL,
                 SEL_INVALID_COMMAND,
                 SEL_COMMAND_UNAVAILABLE,
                 SEL_COMMAND_ABORTED,
                 SEL_ACCESS_DENIED,
};

enum sel_field {
    SEL_PROTOCOL, /* objects of relay-definition */
    SEL_CONFIGURATION_COMMAND,
    SEL_METER_COMMAND,
    SEL_FLAG,
    SEL_FLAG_COMMAND,
    SEL_CHANNELS, /* of a configuration */
    SEL_SAMPLES,
    SEL_BANKS,
    SEL_CHANNEL, /* ... objects */
    SEL_CHANNEL_TYPE,
    SEL_SCALE_TYPE,
    SEL_SCALE_OFFSET,
    SEL_STATUS, /* of meter data and of A546 */
    SEL_VALUE,  /* not scaled */
    SEL_DIGITAL,
    SEL_BREAKERS,
    SEL_REMOTE_BITS,
    SEL_CODE,
    SEL_OPERATION,
    SEL_POINT, /* number of the breaker or the remote bit, from 1 */
    SEL_VALIDATION,
    SEL_SEQUENCE,
    SEL_RESPONSE_NUMBER,
    SEL_ENABLED,
    SEL_RECORDS,
    SEL_TIME,
    SEL_ELEMENT,
    SEL_STATE,
    SEL_ADDRESS,
    SEL_REGION,
    SEL_WORDS,
    SEL_VALUES,
    SEL_LEVEL, /* from here on of text */
    SEL_ARGUMENT,
    SEL_LINE,
    SEL_OCTETS,
    SEL_FID,
    SEL_MODEL,
    SEL_FIRMWARE,
    SEL_BFID,
    SEL_CID,
    SEL_DEVID,
    SEL_DEVCODE,
    SEL_PARTNO,
    SEL_SERIAL,
    SEL_CONFIG,
};

extern const struct protocol sel;

#endif
