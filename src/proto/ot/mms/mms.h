/* mms.h - MMS (ISO 9506-2) as IEC 61850-8-1 and TASE.2 use it, over presentation (ISO 8823),
 * session (ISO 8327), COTP and TPKT (proto/ot/iso), and the association (ACSE, ISO 8650) that
 * begins it.
 *
 * Values of structures are given one behind the other. User data in segments is put together up to
 * 32768 octets; what is longer is only told of. An answer does not repeat what was asked:
 * the conversation's state remembers the names in the last requests, so that its values have them.
 */
#ifndef PROTO_OT_MMS_MMS_H
#define PROTO_OT_MMS_MMS_H

#include "proto/ot/iso/iso.h"

/* `function` of a message: the confirmed service; or */
#define MMS_UNCONFIRMED 0x100u /* | its service */
#define MMS_PDU 0x200u         /* | the number of a PDU that is no service */
#define MMS_SESSION 0x300u     /* | the session's SPDU, when there is no MMS in it */

enum mms_field {
    MMS_CALLING_TITLE = ISO_N_FIELDS, /* of the association: application process titles */
    MMS_CALLED_TITLE,
    MMS_CALLING_QUALIFIER,
    MMS_CALLED_QUALIFIER,
    MMS_AUTHENTICATED, /* a mechanism is named */
    MMS_RESULT,        /* of the association: 0 accepted */
    MMS_PDU_SIZE,
    MMS_VERSION,
    MMS_INVOKE,
    MMS_VENDOR,
    MMS_MODEL,
    MMS_REVISION, /* of the identify service */
    MMS_HARDWARE, /* of a physical name plate */
    MMS_FIRMWARE,
    MMS_SERIAL,
    MMS_LOCATION,
    MMS_LOGICAL_STATUS,
    MMS_PHYSICAL_STATUS,
    MMS_CLASS, /* of names that are listed */
    MMS_SCOPE, /* the domain whose names are listed; absent: all */
    MMS_AFTER, /* the list goes on behind it */
    MMS_NAME,  /* of a list, of a program, of what is loaded */
    MMS_MORE_FOLLOWS,
    MMS_LIST,   /* the names that follow are those of a list of variables */
    MMS_DOMAIN, /* an object each: a variable, its value or failure */
    MMS_ITEM,
    MMS_VMD_NAME,  /* a variable of no domain, */
    MMS_AA_NAME,   /* or of the association */
    MMS_COMPONENT, /* names of the parts of a type */
    MMS_FAILURE,
    MMS_BOOLEAN,
    MMS_INTEGER,
    MMS_UNSIGNED,
    MMS_REAL,
    MMS_BIT_STRING,
    MMS_OCTET_STRING,
    MMS_VISIBLE_STRING,
    MMS_TIME,
    MMS_TIME_QUALITY,
    MMS_VALUE, /* of another kind */
    MMS_FILE,  /* of files: their name, */
    MMS_NEW_FILE,
    MMS_FILE_STATE, /* number of an open one, */
    MMS_FILE_SIZE,
    MMS_FILE_OCTETS, /* how many are in the message */
    MMS_POSITION,
};

extern const struct protocol mms;

#endif
