/* codesys.h - CODESYS V3: what engineering stations and controllers with that runtime say to each
 * other, over UDP (1740 to 1743) and TCP (11740): the name service, by which a controller says who
 * it is, channels, and which service of which component is asked for. It is not published; this is
 * what public analyses have found out of it. Passive: reads what others say. The tags of services
 * are not looked into, and blocks are not put together: a service is named by the first of them. */
#ifndef PROTO_OT_CODESYS_CODESYS_H
#define PROTO_OT_CODESYS_CODESYS_H

#include "dissect/protocol.h"

/* `function`: a service of a component, */
#define CODESYS_SERVICE(group, command) ((uint32_t)(group) << 16 | (command))

/* or something below it. */
enum codesys_function {
    CODESYS_ADDRESS_REQUEST = 0x1000000,
    CODESYS_ADDRESS_ANSWER,
    CODESYS_RESOLVE_NAME,
    CODESYS_RESOLVE_ADDRESS,
    CODESYS_RESOLVE_GATEWAY,
    CODESYS_IDENTIFICATION,
    CODESYS_NAME_SERVICE,
    CODESYS_OPEN_CHANNEL,
    CODESYS_CLOSE_CHANNEL,
    CODESYS_KEEP_ALIVE,
    CODESYS_BLOCK_ACKNOWLEDGED,
    CODESYS_CHANNEL_INFORMATION,
    CODESYS_BLOCK_FUNCTION,
    CODESYS_DATAGRAM,
};

enum codesys_field {
    CODESYS_PRIORITY,
    CODESYS_SENDER,
    CODESYS_RECEIVER,
    CODESYS_REQUEST,
    CODESYS_VERSION,
    CODESYS_CHANNELS,
    CODESYS_NODE_NAME,
    CODESYS_DEVICE_NAME,
    CODESYS_VENDOR,
    CODESYS_TARGET_TYPE,
    CODESYS_TARGET_ID,
    CODESYS_FIRMWARE,
    CODESYS_SERIAL,
    CODESYS_CHANNEL,
    CODESYS_BLOCK,
    CODESYS_ACKNOWLEDGED,
    CODESYS_REASON,
    CODESYS_BUFFER,
    CODESYS_GROUP,
    CODESYS_COMMAND,
    CODESYS_SESSION,
    CODESYS_SECURE,
    CODESYS_CONTENT,
    CODESYS_SIZE,
};

extern const struct protocol codesys;

#endif
