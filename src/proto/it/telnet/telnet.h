/* telnet.h - Telnet (RFC 854, RFC 855), as the sensor reads it: options, what the server shows, and
 * who logs in. Of what a client types only the name behind a prompt for one is told: anything else
 * may be a password. Where nobody knows who the client is, no text is told. */
#ifndef PROTO_IT_TELNET_TELNET_H
#define PROTO_IT_TELNET_TELNET_H

#include "dissect/protocol.h"

enum telnet_function {
    TELNET_NEGOTIATE = 1, /* options only */
    TELNET_SHOW,          /* the server's text */
    TELNET_TYPE,          /* the client's */
    TELNET_USER_PROMPT,
    TELNET_SECRET_PROMPT,
    TELNET_USER,
    TELNET_SECRET,
    TELNET_LOGIN_FAILED,
};

enum telnet_field {
    TELNET_COMMAND, /* an object each: 251 will, 252 won't, 253 do, 254 don't, 250 subnegotiation */
    TELNET_OPTION,
    TELNET_TEXT,
    TELNET_TYPED, /* octets */
    TELNET_USER_NAME,
};

extern const struct protocol telnet_protocol;

#endif
