/* opcua.h - OPC UA, binary, over TCP (OPC 10000-4: services, 10000-6: mappings). Passive: reads
 * what others say, as far as it is not encrypted: of an encrypted message its channel and its size.
 *
 * Messages in several chunks are put together, one at a time, up to OPCUA_ASSEMBLY octets. A
 * response does not repeat which nodes were asked for: the conversation's state remembers the last
 * requests. Passwords, nonces and signatures are left out. */
#ifndef PROTO_OT_OPCUA_OPCUA_H
#define PROTO_OT_OPCUA_OPCUA_H

#include "dissect/protocol.h"

/* `function` of a service is the number of its request's encoding; of what is none: */
#define OPCUA_HELLO 0x10001u
#define OPCUA_ACKNOWLEDGE 0x10002u
#define OPCUA_ERROR 0x10003u
#define OPCUA_REVERSE_HELLO 0x10004u
#define OPCUA_CHUNK_FUNCTION                                                                       \
    0x10005u /* a part of a message, which is not whole yet, or never will be */
#define OPCUA_SECURED_MESSAGE 0x10006u

#define OPCUA_ASSEMBLY 65536u

/* A node is told in five fields of which one or two are there: its number in namespace 0; or its
 * namespace, and its number there, or its name, or octets. */
enum opcua_field {
    OPCUA_CHANNEL,
    OPCUA_TOKEN,
    OPCUA_SEQUENCE,
    OPCUA_REQUEST,
    OPCUA_CHUNK,
    OPCUA_SIZE,
    OPCUA_SECURED,
    OPCUA_VERSION,
    OPCUA_RECEIVE_BUFFER,
    OPCUA_SEND_BUFFER,
    OPCUA_LARGEST_MESSAGE,
    OPCUA_CHUNKS_MAX,
    OPCUA_ENDPOINT_URL,
    OPCUA_REASON,
    OPCUA_POLICY,
    OPCUA_MODE,
    OPCUA_CERTIFICATE_SIZE,
    OPCUA_REQUEST_TYPE,
    OPCUA_LIFETIME,
    OPCUA_HANDLE,
    OPCUA_AUDIT,
    OPCUA_TIME,
    OPCUA_DESCRIBES,
    OPCUA_APPLICATION_URI,
    OPCUA_PRODUCT_URI,
    OPCUA_APPLICATION_NAME,
    OPCUA_APPLICATION_TYPE,
    OPCUA_DISCOVERY_URL,
    OPCUA_TOKEN_TYPE,
    OPCUA_TOKEN_POLICY,
    OPCUA_SECURITY_LEVEL,
    OPCUA_SESSION_NAME,
    OPCUA_SESSION_TIMEOUT,
    OPCUA_USER,
    OPCUA_PASSWORD_ENCRYPTION,
    OPCUA_STANDARD_NODE,
    OPCUA_NAMESPACE,
    OPCUA_NODE,
    OPCUA_NODE_TEXT,
    OPCUA_NODE_OCTETS,
    OPCUA_STANDARD_METHOD,
    OPCUA_METHOD_NAMESPACE,
    OPCUA_METHOD,
    OPCUA_METHOD_TEXT,
    OPCUA_METHOD_OCTETS,
    OPCUA_ATTRIBUTE,
    OPCUA_INDEX_RANGE,
    OPCUA_STATUS,
    OPCUA_BROWSE_NAME,
    OPCUA_DISPLAY_NAME,
    OPCUA_NODE_CLASS,
    OPCUA_REFERENCE_TYPE,
    OPCUA_TYPE,
    OPCUA_BOOL,
    OPCUA_INT,
    OPCUA_UINT,
    OPCUA_REAL,
    OPCUA_TEXT,
    OPCUA_OCTETS,
    OPCUA_DATE,
    OPCUA_SOURCE_TIME,
    OPCUA_SERVER_TIME,
    OPCUA_MANUFACTURER,
    OPCUA_PRODUCT,
    OPCUA_SOFTWARE_VERSION,
    OPCUA_BUILD_NUMBER,
    OPCUA_BUILD_TIME,
    OPCUA_SERVER_STATE,
    OPCUA_START_TIME,
    OPCUA_SUBSCRIPTION,
    OPCUA_INTERVAL,
    OPCUA_CLIENT_HANDLE,
    OPCUA_ITEM,
    OPCUA_PUBLISHED,
    OPCUA_TRAILING,
};

extern const struct protocol opcua;

#endif
