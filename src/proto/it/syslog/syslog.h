/* syslog.h - messages of the BSD syslog (RFC 3164) and of the standard (RFC 5424), over UDP (RFC
 * 5426) and TCP with either framing (RFC 6587), as the sensor reads them. Stateless. */
#ifndef PROTO_IT_SYSLOG_SYSLOG_H
#define PROTO_IT_SYSLOG_SYSLOG_H

#include "dissect/protocol.h"

/* `function` of a message: its severity; of one that does not say it, this. */
#define SYSLOG_PLAIN 8u

enum syslog_field {
    SYSLOG_FACILITY,
    SYSLOG_VERSION, /* 1: RFC 5424 */
    SYSLOG_TIME,    /* as it stands; that of RFC 3164 has no year and no zone */
    SYSLOG_HOST,
    SYSLOG_APP,
    SYSLOG_PROCESS,
    SYSLOG_MESSAGE_ID,
    SYSLOG_DATA, /* structured */
    SYSLOG_TEXT,
};

extern const struct protocol syslog_protocol;

#endif
