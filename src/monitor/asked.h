/* asked.h - what tielined asks of a sensor (doc/sensor.md, "The link"): what it has learned, and
 * what people say of that. Pure. */
#ifndef MONITOR_ASKED_H
#define MONITOR_ASKED_H

#include "monitor/monitor.h"

#define ASKED_PAIRS 200                 /* of an answer, at most */
#define ASKED_OCTETS ((size_t)96 << 10) /* ... of text, about */

/* {"address"?, "after"?, "limit"?}; answers {"learned"?, "pairs", "left-out", "habits", "next"?}.
 * ERR_INVALID: `diag` names the member; ERR_UNSUPPORTED: habits are not kept. */
MUST_CHECK enum err asked_habits(struct monitor *, const json_t *params, json_t **answer,
                                 struct diag *);
/* {"order": "approve" or "forget", "client", "server", "protocol"?, "function"?, "by", "why"}; a
 * function is its name or its number. ERR_INVALID; ERR_LIMIT; ERR_UNSUPPORTED: there are no rules.
 */
MUST_CHECK enum err asked_order(struct monitor *, const json_t *params, nsec_t now, struct diag *);

#endif
