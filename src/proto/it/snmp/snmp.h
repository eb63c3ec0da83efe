/* snmp.h - the Simple Network Management Protocol, versions 1, 2c and 3 (RFC 1157, RFC 3416, RFC
 * 3412, RFC 3414), as the sensor reads it: what is asked, told and set, and who an agent says it
 * is. What is encrypted has its header only. Stateless. */
#ifndef PROTO_IT_SNMP_SNMP_H
#define PROTO_IT_SNMP_SNMP_H

#include "dissect/protocol.h"

/* `function` of a message: the tag of its PDU, or this. */
#define SNMP_ENCRYPTED 0x100u

enum snmp_field {
    SNMP_VERSION,   /* 0: 1, 1: 2c, 3: 3 */
    SNMP_COMMUNITY, /* it is sent openly, and is no secret any more */
    SNMP_MESSAGE_ID,
    SNMP_MESSAGE_MAX,
    SNMP_AUTHENTICATED,
    SNMP_PRIVATE,
    SNMP_REPORTABLE,
    SNMP_SECURITY_MODEL,
    SNMP_ENGINE, /* of the agent, or of who sends a trap */
    SNMP_ENGINE_ENTERPRISE,
    SNMP_ENGINE_VENDOR, /* the same, if it is one of those that have a name here */
    SNMP_ENGINE_MAC,
    SNMP_ENGINE_IP,
    SNMP_ENGINE_TEXT,
    SNMP_ENGINE_BOOTS,
    SNMP_ENGINE_TIME, /* seconds */
    SNMP_USER,
    SNMP_CONTEXT_ENGINE,
    SNMP_CONTEXT,
    SNMP_REQUEST_ID,
    SNMP_ERROR_INDEX, /* which variable, from 1 */
    SNMP_NON_REPEATERS,
    SNMP_MAX_REPETITIONS,
    SNMP_TRAP_ENTERPRISE, /* of a trap of version 1, as the next four */
    SNMP_TRAP_AGENT,
    SNMP_TRAP_GENERIC,
    SNMP_TRAP_SPECIFIC,
    SNMP_TRAP_TIME, /* hundredths of a second */
    SNMP_OID,       /* an object each: what, of which type, its value */
    SNMP_VARIABLE,  /* enum snmp_variable, if it is one of these */
    SNMP_TYPE,      /* its tag */
    SNMP_INT,
    SNMP_UINT,
    SNMP_TEXT,
    SNMP_OCTETS,
    SNMP_OBJECT_ID,
    SNMP_IP,
    SNMP_ENTERPRISE, /* of a value sysObjectID */
    SNMP_VENDOR,
};

/* What says who a device is (SNMPv2-MIB, ENTITY-MIB). */
enum snmp_variable {
    SNMP_SYS_DESCR = 1,
    SNMP_SYS_OBJECT_ID,
    SNMP_SYS_UP_TIME,
    SNMP_SYS_CONTACT,
    SNMP_SYS_NAME,
    SNMP_SYS_LOCATION,
    SNMP_TRAP_OID,
    SNMP_ENTITY = 10, /* entPhysicalDescr (2) to IsFRU (16) of the device itself */
    SNMP_PART = 30,   /* ... of its parts */
};
#define SNMP_ENTITY_HARDWARE (SNMP_ENTITY + 8u)
#define SNMP_ENTITY_FIRMWARE (SNMP_ENTITY + 9u)
#define SNMP_ENTITY_SOFTWARE (SNMP_ENTITY + 10u)
#define SNMP_ENTITY_SERIAL (SNMP_ENTITY + 11u)
#define SNMP_ENTITY_VENDOR (SNMP_ENTITY + 12u)
#define SNMP_ENTITY_MODEL (SNMP_ENTITY + 13u)

extern const struct protocol snmp_protocol;

#endif
