/* flood_watch.h - too much of something: packets to one target, connections to it that are begun
 * and not completed, messages of one sender that cannot be understood or whose checksums are wrong.
 * What is too much is learned: a multiple of the most there was. */
#ifndef DETECT_FLOOD_WATCH_H
#define DETECT_FLOOD_WATCH_H

#include "detect/watch.h"

struct flood_watch; /* Opaque. */

struct flood_watch *flood_watch_new(const struct watch_config *); /* never NULL */
void flood_watch_free(struct flood_watch *);                      /* NULL is fine */
void flood_watch_message(struct flood_watch *, const struct sight *);
/* Of sensor.h: `packet`, `malformed`. */
void flood_watch_packet(struct flood_watch *, const struct sight *, const struct layers *);
void flood_watch_malformed(struct flood_watch *, const struct sight *, const struct cursor *);

#endif
