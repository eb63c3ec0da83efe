/* scheduler_config.h - how the queues of a port share it: scheduler.h does it.
 *
 * As text, which is what the command line, `edge.queues` and its answers have:
 *
 *     rate=10M,burst=4000,limit=20ms,q0=weight:1,q1=weight:3+max:4M,q2=weight:1+min:512k
 *
 * rate   the port's rate, on the wire; without one the port sends as fast as its interface takes it
 * burst  octets on the wire that may follow each other at the interface's own speed
 * limit  how long a frame may wait behind others of its queue
 * qN     queue N, 0 to 7: `strict`, or `weight:` 1 to 255; and the least and most rate it gets
 *
 * Octets on the wire are those of the frame with FCS, preamble and gap: 24 more than the frame has
 * here, and no fewer than 84 (IEEE 802.3 clauses 3.1.1 and 4.4.2). */
#ifndef EDGE_SCHEDULER_CONFIG_H
#define EDGE_SCHEDULER_CONFIG_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>

#define N_QUEUES 8 /* per port; of strict ones the higher number goes first */

struct queue_config {
    uint8_t weight;              /* 0: strict priority */
    uint32_t min_kbps, max_kbps; /* 0: none */
};

struct scheduler_config {
    uint32_t rate_kbps; /* 0: as fast as the interface takes it */
    uint32_t
        burst_octets; /* 0: two of the largest frames, or 500 us of the rate, if that is more */
    nsec_t limit;     /* 0: 20 ms */
    struct queue_config queues[N_QUEUES];
    uint64_t version; /* told apart by it; the owner's to set, from 1 */
};

/* One item of the text, "rate=10M". ERR_NOT_FOUND: nothing of this kind; ERR_INVALID. */
MUST_CHECK enum err scheduler_config_item(struct scheduler_config *, const char *name,
                                          const char *value, struct diag *);
/* Is it possible at all? ERR_INVALID: a queue's least rate above its most, or all least rates
 * together above the port's. */
MUST_CHECK enum err scheduler_config_check(const struct scheduler_config *, struct diag *);
/* The defaults: every queue strict, no rates. */
bool scheduler_config_is_plain(const struct scheduler_config *);
/* All of it, from the defaults: every queue strict. ERR_INVALID. */
MUST_CHECK enum err scheduler_config_parse(const char *text, struct scheduler_config *,
                                           struct diag *);
/* What differs from the defaults, as text; nothing when nothing does. */
void scheduler_config_format(const struct scheduler_config *, struct buf *);

#endif
