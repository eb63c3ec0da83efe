/* sv_protocol.h - Sampled Values as the sensor reads them: on Ethernet (IEC 61850-9-2) and over UDP
 * (IEC TR 61850-90-5, "R-SV"). Each ASDU is an object. A sample is read as pairs of a value and its
 * quality, as 9-2LE and IEC 61869-9 make it; one whose size is not that of pairs is told as it is.
 */
#ifndef PROTO_OT_SV_SV_PROTOCOL_H
#define PROTO_OT_SV_SV_PROTOCOL_H

#include "dissect/process_bus.h"

#define SV_PUBLISH 0x60u /* `function`: the tag of the APDU */

enum sv_field {
    SV_FIELD_ASDUS = PROCESS_BUS_FIELDS,
    SV_FIELD_SECURITY,
    SV_FIELD_SV_ID, /* of each ASDU */
    SV_FIELD_DAT_SET,
    SV_FIELD_SMP_CNT,
    SV_FIELD_CONF_REV,
    SV_FIELD_REFR_TM,
    SV_FIELD_REFR_TM_QUALITY,
    SV_FIELD_SMP_SYNCH,
    SV_FIELD_SMP_RATE,
    SV_FIELD_SMP_MOD,
    SV_FIELD_GM_IDENTITY,
    SV_FIELD_VALUE, /* by turns */
    SV_FIELD_QUALITY,
    SV_FIELD_SAMPLE, /* not pairs */
};

extern const struct protocol sv_protocol;

#endif
