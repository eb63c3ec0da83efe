/* poll_watch.h - who asks whom for what, how often, and that it goes on: requests whose period is
 * learned from ten regular intervals, answers that do not come any more, connections that break,
 * and outstations that talk unasked.
 *
 * A request is the same if client, server, protocol, function and what is asked for (`rows` in
 * poll_watch.c says which fields that is) are. Polling is lost after five periods of silence, while
 * anything else is heard. */
#ifndef DETECT_POLL_WATCH_H
#define DETECT_POLL_WATCH_H

#include "detect/watch.h"

struct poll_watch; /* Opaque. */

struct poll_watch *poll_watch_new(const struct watch_config *); /* never NULL */
void poll_watch_free(struct poll_watch *);                      /* NULL is fine */
void poll_watch_message(struct poll_watch *, const struct sight *);
/* Something was heard, whatever it was. */
void poll_watch_heard(struct poll_watch *, nsec_t now);
void poll_watch_tick(struct poll_watch *, nsec_t now);

#endif
