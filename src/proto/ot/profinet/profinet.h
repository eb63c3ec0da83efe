/* profinet.h - PROFINET straight on Ethernet (EtherType 0x8892; IEC 61158-6-10) as the sensor reads
 * it: DCP, by which devices are found, named and addressed, down to every value; cyclic data and
 * alarms as far as their headers; that clocks are kept (PTCP) and frames are cut into pieces. What
 * goes over UDP (context management) is not here. */
#ifndef PROTO_OT_PROFINET_PROFINET_H
#define PROTO_OT_PROFINET_PROFINET_H

#include "dissect/protocol.h"

/* `function` of a message: the ServiceID of DCP, or what the FrameID says it is. */
#define PROFINET_GET 3u
#define PROFINET_SET 4u
#define PROFINET_IDENTIFY 5u
#define PROFINET_HELLO 6u
#define PROFINET_CYCLIC 0x100u
#define PROFINET_ALARM 0x101u
#define PROFINET_CLOCK 0x102u
#define PROFINET_FRAGMENT 0x103u
#define PROFINET_OTHER 0x104u

/* `error` of a refusal: a BlockError, or: */
#define PROFINET_NOT_SUPPORTED 0x100u

enum profinet_field {
    PROFINET_FRAME_ID,
    PROFINET_XID, /* of DCP: pairs a request with its responses */
    PROFINET_RESPONSE_DELAY,
    PROFINET_OPTION, /* a block each: option and suboption, upper and lower octet */
    PROFINET_BLOCK_INFO,
    PROFINET_BLOCK_QUALIFIER,
    PROFINET_MAC,
    PROFINET_IP,
    PROFINET_NETMASK,
    PROFINET_GATEWAY,
    PROFINET_DNS,
    PROFINET_DEVICE_VENDOR, /* "type of station" */
    PROFINET_NAME_OF_STATION,
    PROFINET_VENDOR_ID,
    PROFINET_DEVICE_ID,
    PROFINET_ROLE,
    PROFINET_DEVICE_OPTION, /* what the device can be asked, like PROFINET_OPTION */
    PROFINET_ALIAS,
    PROFINET_INSTANCE,
    PROFINET_OEM_VENDOR_ID,
    PROFINET_OEM_DEVICE_ID,
    PROFINET_SIGNAL,
    PROFINET_RESPONSE_OPTION, /* which option a result is of */
    PROFINET_BLOCK_ERROR,
    PROFINET_INITIATIVE,
    PROFINET_DATA,  /* what is not looked into */
    PROFINET_CYCLE, /* of cyclic data */
    PROFINET_DATA_STATUS,
    PROFINET_RUNS,
    PROFINET_PROBLEM,
    PROFINET_TRANSFER_STATUS,
    PROFINET_DESTINATION_ENDPOINT, /* of alarms */
    PROFINET_SOURCE_ENDPOINT,
    PROFINET_ALARM_PDU,
    PROFINET_SEND_SEQUENCE,
    PROFINET_ACK_SEQUENCE,
    PROFINET_ALARM_BLOCK,
    PROFINET_ALARM_TYPE,
    PROFINET_API,
    PROFINET_SLOT,
    PROFINET_SUBSLOT,
    PROFINET_MODULE,
    PROFINET_SUBMODULE,
    PROFINET_ALARM_SPECIFIER,
    PROFINET_SEQUENCE, /* of clocks */
};

extern const struct protocol profinet_protocol;

#endif
