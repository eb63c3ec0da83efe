/* machines.h - all machines of this module behind one door: what the sensor tells goes in, findings
 * come out. Pure; of a fixed size (machines_octets()); one thread. */
#ifndef DETECT_MACHINES_H
#define DETECT_MACHINES_H

#include "detect/watch.h"

struct machines; /* Opaque. */

struct machines *machines_new(const struct watch_config *); /* never NULL; copies it */
void machines_free(struct machines *);                      /* NULL is fine */
size_t machines_octets(const struct machines *);            /* of memory, whatever is heard */

/* As the callbacks of struct sensor_config, which they are made for. */
void machines_message(struct machines *, const struct conversation *, unsigned way,
                      const struct frame *, const struct pdu *);
void machines_malformed(struct machines *, const struct conversation *, unsigned way,
                        const struct frame *, const struct cursor *);
void machines_packet(struct machines *, const struct conversation *, unsigned way,
                     const struct frame *, const struct layers *);
void machines_odd(struct machines *, const struct conversation *, unsigned way,
                  const struct frame *, enum stream_news);
/* Nothing came: so late it is. While packets come that is known by their times. */
void machines_tick(struct machines *, nsec_t now);

#endif
