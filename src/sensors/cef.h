/* cef.h - an alert as others' log servers read it: ArcSight Common Event Format (version 0), in a
 * message of syslog (RFC 5424). Pure. */
#ifndef SENSORS_CEF_H
#define SENSORS_CEF_H

#include "base/buf.h"
#include "base/time.h"

#include <jansson.h>

/* "CEF:0|Tieline|tieline-sensor|...", one line whatever the alert says, which is as
 * sensing_alert_json() makes it. */
void cef_put(struct buf *, const json_t *alert, const char *version);

/* All of the message: "<34>1 2026-11-30T10:00:00.000000Z HOST tielined - RULE - CEF:0|...". */
void cef_put_syslog(struct buf *, const json_t *alert, const char *version, const char *host,
                    nsec_t now);

#endif
