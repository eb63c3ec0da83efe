/* hartip.h - HART-IP over TCP and UDP (HCF_SPEC-085): sessions, keep-alive, and the token-passing
 * PDUs that are passed through, with the universal and the common practice commands of HART
 * (HCF_SPEC-127, -151). Passive: reads what others say.
 *
 * A gateway answers for the devices behind it. Who it is itself it says to a short address: what
 * has another unique address is behind it, and has a `sub-device`. */
#ifndef PROTO_OT_HARTIP_HARTIP_H
#define PROTO_OT_HARTIP_HARTIP_H

#include "dissect/protocol.h"

/* `function` is the command of HART (0 to 65535), or of a message without one: */
#define HARTIP_MESSAGE(id) (0x10000u | (id))

enum hartip_message {
    HARTIP_INITIATE,
    HARTIP_CLOSE,
    HARTIP_KEEP_ALIVE,
    HARTIP_PASS_THROUGH,
    HARTIP_DIRECT,
    HARTIP_AUDIT_LOG,
};

enum hartip_field {
    HARTIP_VERSION,
    HARTIP_TYPE,
    HARTIP_STATUS,
    HARTIP_SEQUENCE,
    HARTIP_HOST,
    HARTIP_INACTIVITY,
    HARTIP_FRAME,
    HARTIP_WRONG_CHECKSUM,
    HARTIP_POLLING_ADDRESS,
    HARTIP_DEVICE_TYPE,
    HARTIP_DEVICE,
    HARTIP_SUB_DEVICE,
    HARTIP_DEVICE_STATUS,
    HARTIP_EXTENDED_STATUS,
    HARTIP_MANUFACTURER,
    HARTIP_MAKER,
    HARTIP_EXPANDED_TYPE,
    HARTIP_UNIVERSAL_REVISION,
    HARTIP_DEVICE_REVISION,
    HARTIP_SOFTWARE_REVISION,
    HARTIP_HARDWARE_REVISION,
    HARTIP_FLAGS,
    HARTIP_DEVICE_ID,
    HARTIP_CHANGES,
    HARTIP_PRIVATE_LABEL,
    HARTIP_PROFILE,
    HARTIP_UNITS,
    HARTIP_VALUE,
    HARTIP_CURRENT,
    HARTIP_PERCENT,
    HARTIP_VARIABLE,
    HARTIP_CLASSIFICATION,
    HARTIP_VALUE_STATUS,
    HARTIP_TIMESTAMP,
    HARTIP_POLL,
    HARTIP_LOOP_MODE,
    HARTIP_MESSAGE_FIELD,
    HARTIP_TAG,
    HARTIP_DESCRIPTOR,
    HARTIP_DATE,
    HARTIP_LONG_TAG,
    HARTIP_SERIAL,
    HARTIP_UPPER,
    HARTIP_LOWER,
    HARTIP_SPAN,
    HARTIP_DAMPING,
    HARTIP_ALARM,
    HARTIP_TRANSFER,
    HARTIP_WRITE_PROTECT,
    HARTIP_FINAL_ASSEMBLY,
    HARTIP_SELECT,
    HARTIP_INDEX,
    HARTIP_CARD,
    HARTIP_CHANNEL,
    HARTIP_TYPE_BEHIND,
    HARTIP_ID_BEHIND,
    HARTIP_TAG_BEHIND,
    HARTIP_MAKER_BEHIND,
    HARTIP_DATA,
};

extern const struct protocol hartip;

#endif
