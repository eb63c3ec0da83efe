/* event_json.h - an event of the journal as the API shows it. Pure. */
#ifndef GATEWAY_EVENT_JSON_H
#define GATEWAY_EVENT_JSON_H

#include "base/buf.h"
#include "journal/event.h"

/* Appends {"seq", "epoch", "time", "type", "object", "actor", "body", "prev-hash", "hash"}, on one
 * line. */
void event_put_json(struct buf *, const struct journal_event *);
/* Appends it as a server-sent event: id, event, data. */
void event_put_sse(struct buf *, const struct journal_event *);
/* Appends it as a server-sent event that is a notification of schema/tieline-events.yang (RFC 8040
 * section 6.4). `with_id`: so that it is known where a reader was; there is no field `event`. */
void event_put_notification(struct buf *, const struct journal_event *, bool with_id);

#endif
