/* clock.h - the only clock. Everything below io is told the time instead of asking for it. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include "base/attr.h"
#include "base/time.h"

#include <stdbool.h>

/* Never goes backwards and never jumps; counts from an arbitrary point. For intervals. */
nsec_t clock_monotonic(void);

/* From now to that monotonic time; 0: it is past. */
static inline nsec_t
clock_left(nsec_t deadline)
{
    nsec_t left = deadline - clock_monotonic();
    return MAX(left, 0);
}

/* UTC, from 1970-01-01T00:00:00Z; may jump when somebody sets it. For stamps people read. */
nsec_t clock_wall(void);

/* How far the kernel's CLOCK_TAI is ahead of it: whole seconds; 0 until somebody has told the
 * kernel.
 */
nsec_t clock_tai_offset(void);

/* Whether the kernel says that the wall clock follows UTC by an external source (NTP, PTP), and how
 * far off it may be. */
bool clock_is_synchronised(nsec_t *error);

#endif
