/* denials.h - how many refusals are recorded: so many at once of each who is refused, then one in a
 * while, so that nobody can fill the journal by asking for what they may not. Pure. */
#ifndef GATEWAY_DENIALS_H
#define GATEWAY_DENIALS_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define DENIALS_AT_ONCE 5
#define DENIALS_INTERVAL (30 * NSEC_PER_SEC) /* ... and one more each */
#define DENIALS_COUNTS 256                   /* for so many one each; the rest share one */

struct denials; /* Opaque. */

struct denials *denials_new(void);   /* Never NULL. */
void denials_free(struct denials *); /* NULL is fine. */

/* Is this one to be recorded? `who` is not empty; `now` is of the monotonic clock. Then *left_out
 * says how many of theirs were not since the last that was. */
bool denials_note(struct denials *, const char *who, nsec_t now, uint64_t *left_out);

#endif
