/* plan.h - which conversations circuits allow: what tielined tells its sensors (doc/sensor.md, "The
 * link"), as a table to look conversations up in. Pure; made once, never changed.
 *
 * What a conversation is does not say everything that a switch looks at: VLAN tags and APPIDs are
 * not compared, nor which address ARP asks for. What is told here is allowed may still be dropped.
 */
#ifndef DETECT_PLAN_H
#define DETECT_PLAN_H

#include "base/err.h"
#include "detect/rule.h"
#include "sensor/conversation.h"

#include <jansson.h>

struct plan; /* Opaque. */

/* From {"circuits": [...], "own": [...]}. ERR_MALFORMED: which circuit, and what of it. */
MUST_CHECK enum err plan_new(const json_t *, struct plan **, struct diag *);
void plan_free(struct plan *); /* NULL is fine */

/* RULE_PLANNED_YES, and which circuit (valid while the plan lives; NULL: Tieline itself), or
 * RULE_PLANNED_NO. */
enum rule_planned plan_look(const struct plan *, const struct conversation *, const char **circuit);
/* {"host": ..., "site": ...} of the inventory, by its IP address, or by its MAC address where it
 * has none; NULL: it is not there. Borrowed. */
const json_t *plan_host(const struct plan *, const uint8_t *address, uint8_t ip);
size_t plan_rows(const struct plan *);

#endif
