/* c1222.h - ANSI C12.22 (IEEE 1703) over TCP and UDP (RFC 6142): ACSE messages of meters, and the
 * EPSEM services in them, each told by itself. Passive: reads what others say, as far as it is not
 * encrypted; what is only authenticated is read.
 *
 * A response does not say what it answers: the conversation's state remembers the services of the
 * last requests. Passwords and what tables have in them are left out. */
#ifndef PROTO_OT_C1222_C1222_H
#define PROTO_OT_C1222_C1222_H

#include "dissect/protocol.h"

/* `function` is the service's code, of a response that which it answers, 0 if that is not known; of
 * a message without services that can be read: */
#define C1222_SECURED 0x100u
#define C1222_EMPTY 0x101u

enum c1222_field {
    C1222_CALLED,
    C1222_CALLING,
    C1222_CALLED_INVOCATION,
    C1222_CALLING_INVOCATION,
    C1222_QUALIFIER,
    C1222_KEY,
    C1222_IV,
    C1222_SECURITY,
    C1222_CONTROL,
    C1222_PROXY,
    C1222_RECOVERY,
    C1222_ED_CLASS,
    C1222_CODE,
    C1222_STANDARD,
    C1222_VERSION,
    C1222_REVISION,
    C1222_TABLE,
    C1222_INDEX,
    C1222_OFFSET,
    C1222_COUNT,
    C1222_PROCEDURE,
    C1222_MANUFACTURER,
    C1222_SEQUENCE,
    C1222_USER_ID,
    C1222_USER,
    C1222_SECONDS,
    C1222_PACKET_SIZE,
    C1222_PACKETS,
    C1222_NODE_TYPE,
    C1222_CONNECTION_TYPE,
    C1222_TITLE,
    C1222_SIZE,
};

extern const struct protocol c1222;

#endif
