/* ptp_watch.h - whom the clocks of a domain follow (IEEE 1588-2019 clause 9.3): another
 * grandmaster, a second one beside the first, one that was a slave until now, a clock that becomes
 * worse, and time that steps by more than a millisecond against the sensor's own clock. */
#ifndef DETECT_PTP_WATCH_H
#define DETECT_PTP_WATCH_H

#include "detect/watch.h"

struct ptp_watch; /* Opaque. */

struct ptp_watch *ptp_watch_new(const struct watch_config *); /* never NULL */
void ptp_watch_free(struct ptp_watch *);                      /* NULL is fine */
void ptp_watch_message(struct ptp_watch *, const struct sight *);

#endif
