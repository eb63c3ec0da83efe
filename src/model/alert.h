/* alert.h - what a sensor says: alerts, devices, traffic, as JSON from outside. Pure; what is here
 * only looks, and says whether it is what doc/sensor.md, "The link", has. Members that are not in
 * there are let through: a newer sensor may say more. */
#ifndef MODEL_ALERT_H
#define MODEL_ALERT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ALERT_TEXT_MAX 49152 /* octets of an alert as text, and of the others */
#define ALERT_ID_MAX 95      /* SENSOR/N: a name, and a number */

enum alert_severity { ALERT_LOW, ALERT_MEDIUM, ALERT_HIGH, ALERT_CRITICAL, ALERT_SEVERITY_MAX };
const char *alert_severity_word(enum alert_severity);
enum alert_severity alert_severity_from_word(const char *); /* NULL is fine; _MAX: no such word */

/* The number in an id "SENSOR/N", or "SENSOR/IN" with `letter` 'I' (0: none) before it; 0: it is
 * not one of this sensor (NULL: any). */
uint64_t alert_id_number(const char *id, const char *sensor, char letter);

/* ERR_INVALID: `diag` names the member; ERR_LIMIT: it is too long. */
MUST_CHECK enum err alert_check(const json_t *alert, const char *sensor, struct diag *);
MUST_CHECK enum err asset_check(const json_t *asset, struct diag *);
/* {"conversations": [{"from", "to", "port"?, "transport", "protocol"?, "packets", "octets",
 * "first", "last"}...]} */
MUST_CHECK enum err traffic_check(const json_t *traffic, struct diag *);

#endif
