/* sv_watch.h - follows every stream of Sampled Values that is heard (IEC 61850-9-2, IEC 61869-9):
 * the count of its samples, where it wraps, how many there are in a second, whom its clock follows,
 * who sends it, and the strength (RMS) of each channel.
 *
 * Where the count wraps is learned when it has done so twice at the same; the rate in the first
 * seconds; how much a channel's strength moves, in the first twenty windows. A sample that comes a
 * second time within 20 ms came over another way: nothing is told of it. */
#ifndef DETECT_SV_WATCH_H
#define DETECT_SV_WATCH_H

#include "detect/peer_watch.h"

struct sv_watch; /* Opaque. */

/* Never NULL. `peers` are told of strengths that rise or fall; borrowed. */
struct sv_watch *sv_watch_new(const struct watch_config *, struct peer_watch *peers);
void sv_watch_free(struct sv_watch *); /* NULL is fine */
void sv_watch_message(struct sv_watch *, const struct sight *);
void sv_watch_tick(struct sv_watch *, nsec_t now); /* streams that have gone silent */

#endif
