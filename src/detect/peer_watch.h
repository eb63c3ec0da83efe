/* peer_watch.h - what IEDs and merging units say against what the others say: a trip that no other
 * relay follows as it always did, a breaker that is told open while the current flows.
 *
 * What happens is a change: an entry of a publisher's data set (BOOLEAN, Dbpos, a small number)
 * becomes another, or a stream's currents or voltages (channels 1 to 4, 5 to 8: IEC 61850-9-2LE)
 * rise or fall to half or less within one window of its strength. Of each kind of change it is
 * learned which changes of others came within a second before or behind it, each time: those of
 * the first time that came again every time after. When it has come five times with one of these,
 * and comes without it, that is told; where several others are there and only one is missing, it is
 * told of that one. After three times that has become usual.
 *
 * Two publishers that changed four times each, and never within a second of each other, and then
 * do: one may follow the other, or something acts on both that never did. That is no proof of
 * anything, as a fault may be the first that both see.
 *
 * What is not concluded: that two states exclude each other because they never were at the same
 * time. States of emergency are so rare that they do not meet by chance either. */
#ifndef DETECT_PEER_WATCH_H
#define DETECT_PEER_WATCH_H

#include "detect/watch.h"

struct peer_watch; /* Opaque. */

struct peer_watch *peer_watch_new(const struct watch_config *); /* never NULL */
void peer_watch_free(struct peer_watch *);                      /* NULL is fine */

/* A publisher's values, of the message in the sight. `is_change`: it goes on from what it said
 * before; if not, it begins, and what it says is no change. */
void peer_watch_goose(struct peer_watch *, const struct sight *, const char *reference,
                      bool is_change);

/* Bits of what a stream's strength did in a window. */
enum peer_step {
    PEER_CURRENT_ROSE = 1,
    PEER_CURRENT_FELL = 2,
    PEER_VOLTAGE_ROSE = 4,
    PEER_VOLTAGE_FELL = 8,
};
void peer_watch_sv(struct peer_watch *, const struct sight *, const char *id, unsigned steps);

/* It is not heard any more: nothing is expected of it. */
void peer_watch_gone(struct peer_watch *, const char *name);
void peer_watch_tick(struct peer_watch *, nsec_t now);

#endif
