/* series_watch.h - values that are measured, one series for each point that is read or told: stuck
 * though they were never still, or a part of what was there before again (a replay). And what
 * synchrophasors (C37.118) say of themselves: their identity, configuration and clock, and who
 * commands them.
 *
 * Series: IEC 60870-5-104 measured values, DNP3 analog inputs, Modbus registers by their addresses,
 * phasors, frequency and analogs of C37.118. A series that repeats itself from the beginning is a
 * simulator's, or a wave, and may do so. */
#ifndef DETECT_SERIES_WATCH_H
#define DETECT_SERIES_WATCH_H

#include "detect/watch.h"

struct series_watch; /* Opaque. */

struct series_watch *series_watch_new(const struct watch_config *); /* never NULL */
void series_watch_free(struct series_watch *);                      /* NULL is fine */
void series_watch_message(struct series_watch *, const struct sight *);
void series_watch_tick(struct series_watch *, nsec_t now); /* phasors that have gone silent */

#endif
