/* attempts.h - failed log-ins by address: some are free, then each makes the next one wait longer.
 * Pure.
 *
 * An address is a machine's, as far as it tells (address_machine()). Of ATTEMPTS_ADDRESSES each has
 * a count of its own; when there are more, those whose time is over are forgotten, and if that does
 * not help the rest share one. */
#ifndef GATEWAY_ATTEMPTS_H
#define GATEWAY_ATTEMPTS_H

#include "base/time.h"

#include <stdint.h>

#define ATTEMPTS_FREE 5
#define ATTEMPTS_WAIT NSEC_PER_SEC /* after the first that is not free; then twice as long each */
#define ATTEMPTS_WAIT_MAX (300 * NSEC_PER_SEC)
#define ATTEMPTS_FORGET (900 * NSEC_PER_SEC) /* after the last one */
#define ATTEMPTS_ADDRESSES 1024

struct attempts; /* Opaque. */

struct attempts *attempts_new(void);   /* Never NULL. */
void attempts_free(struct attempts *); /* NULL is fine. */

/* How long this address ("10.1.0.5:53412") still has to wait; 0: it may try. `now` is of the
 * monotonic clock. */
nsec_t attempts_wait(struct attempts *, const char *address, nsec_t now);
void attempts_failed(struct attempts *, const char *address, nsec_t now);
void attempts_succeeded(struct attempts *, const char *address);

#endif
