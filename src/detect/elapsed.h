/* elapsed.h - whether a time has passed, by clocks that are not quite one: frames of several
 * interfaces come a little out of order, and what is further back than ELAPSED_BACK is a clock that
 * was set. */
#ifndef DETECT_ELAPSED_H
#define DETECT_ELAPSED_H

#include "base/time.h"

#include <stdbool.h>

#define ELAPSED_BACK (10 * NSEC_PER_SEC)

/* Was the clock set back since? */
static inline bool
clock_went_back(nsec_t now, nsec_t since)
{
    return now < since && (uint64_t)since - (uint64_t)now > (uint64_t)ELAPSED_BACK;
}

/* Is it longer than `most` since then, or was the clock set back? */
static inline bool
has_elapsed(nsec_t now, nsec_t since, nsec_t most)
{
    if (now < since)
        return clock_went_back(now, since);
    return (uint64_t)now - (uint64_t)since > (uint64_t)most;
}

#endif
