/* wakeup.h - a timer that is on time: as exact as the kernel wakes a process up, some tens of
 * microseconds, where timer.h counts milliseconds. For who sends packets at a pace.
 *
 * Belongs to whoever made it and may be freed at any time, from inside its own callback too; no
 * callback comes after that. Not thread-safe: the loop's thread only. */
#ifndef IO_WAKEUP_H
#define IO_WAKEUP_H

#include "io/timer.h"

struct wakeup; /* Opaque. */

/* Not armed. ERR_LIMIT: no file descriptor is left; ERR_IO. */
MUST_CHECK enum err wakeup_open(uv_loop_t *, timer_fn *, void *arg, struct wakeup **,
                                struct diag *);
void wakeup_close(struct wakeup *); /* NULL is fine. */

/* Calls back once, at `at` on the clock of clock_monotonic() or as soon after as can be, but never
 * from inside this call. Replaces what was set before; NSEC_NEVER: not at all. An armed one keeps
 * uv_run() going. */
void wakeup_set(struct wakeup *, nsec_t at);

#endif
