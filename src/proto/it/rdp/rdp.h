/* rdp.h - how remote desktops connect ([MS-RDPBCGR] section 2.2.1): X.224 request and confirm with
 * the cookie and the protocols that are wanted and chosen, then, where none of them encrypts, the
 * MCS connection with what client and server say of themselves. Where TLS is chosen the connection
 * is TLS from there on. What follows the MCS connection passes by. */
#ifndef PROTO_IT_RDP_RDP_H
#define PROTO_IT_RDP_RDP_H

#include "dissect/protocol.h"

#define RDP_MESSAGE_MAX 65535u

enum rdp_function {
    RDP_CONNECT_INITIAL = 0x65, /* the tags of MCS */
    RDP_CONNECT_RESPONSE = 0x66,
    RDP_CONFIRM = 0xd0, /* the TPDUs of X.224 */
    RDP_REQUEST = 0xe0,
};

enum rdp_field {
    RDP_USER, /* "mstshash" of the cookie */
    RDP_ROUTING,
    RDP_REQUESTED, /* bits: 1 TLS, 2 CredSSP, 4 RDSTLS, 8 CredSSP early; 0 RDP's own */
    RDP_SELECTED,
    RDP_FLAGS,
    RDP_VERSION,
    RDP_BUILD,
    RDP_CLIENT_NAME,
    RDP_KEYBOARD,
    RDP_WIDTH,
    RDP_HEIGHT,
    RDP_ENCRYPTION, /* methods that are offered, or the one that was chosen */
    RDP_ENCRYPTION_LEVEL,
    RDP_CHANNEL,
};

extern const struct protocol rdp;

#endif
