/* goose_watch.h - follows every GOOSE publisher that is heard (IEC 61850-8-1 clause 18.1.2): the
 * numbers of its states and messages, its times, its configuration, its rate. Where a subscriber
 * (proto/ot/goose/goose_subscriber.h) knows what it expects, this learns it from what it hears.
 *
 * A message that comes a second time within 100 ms came over another way (PRP, HSR, two mirrors):
 * nothing is told of it. One from another sender, or with older numbers, is told and otherwise
 * forgotten, until timeAllowedtoLive has passed without a good one. */
#ifndef DETECT_GOOSE_WATCH_H
#define DETECT_GOOSE_WATCH_H

#include "detect/peer_watch.h"

struct goose_watch; /* Opaque. */

/* Never NULL. `peers` are told of values that change; borrowed. */
struct goose_watch *goose_watch_new(const struct watch_config *, struct peer_watch *peers);
void goose_watch_free(struct goose_watch *); /* NULL is fine */
void goose_watch_message(struct goose_watch *, const struct sight *);
void goose_watch_tick(struct goose_watch *, nsec_t now);

#endif
