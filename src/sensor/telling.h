/* telling.h - what of all that was seen is told over the link, and when: devices that are new or
 * have changed, a report of who talked with whom each minute, and alerts. */
#ifndef SENSOR_TELLING_H
#define SENSOR_TELLING_H

#include "sensor/assets.h"
#include "sensor/sensor.h"
#include "sensor/sensor_link.h"

#define TELL_ASSETS_EVERY (5 * NSEC_PER_SEC)
#define TELL_TRAFFIC_EVERY (60 * NSEC_PER_SEC)
#define TELL_ROWS 4096 /* pairs that talk, of one report; more are left out */

struct telling; /* Opaque. */

/* All borrowed; `assets` and `sensor` may be NULL. */
struct telling *telling_new(struct sensor_link *, const struct assets *);
void telling_free(struct telling *); /* NULL is fine */

/* What is due by the clock of what is read; `all`: everything. */
void telling_tick(struct telling *, struct sensor *, nsec_t now, bool all);
/* A conversation ends: what it has not told yet. */
void telling_ended(struct telling *, const struct conversation *);

/* Lines, an alert each, of another program; the rest of a line waits for its end. What is no alert
 * is logged, and left out. */
void telling_alerts(struct telling *, const void *data, size_t size);

#endif
