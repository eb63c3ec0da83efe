/* stamp_delay.h - what a row of delays comes to: percentiles, and the two kinds of jitter. */
#ifndef PROTO_STAMP_STAMP_DELAY_H
#define PROTO_STAMP_STAMP_DELAY_H

#include "base/time.h"

#include <stddef.h>
#include <stdint.h>

/* All in nanoseconds. A one-way delay between clocks that disagree may be negative. */
struct stamp_delay {
    uint32_t n; /* samples; with none, everything else is 0 */
    nsec_t min, mean, p50, p99, max;
    /* Inter-packet delay variation, RFC 3393: the difference between the delays of packets that
     * were sent one right after the other; here its absolute value. */
    uint32_t n_ipdv;
    nsec_t ipdv_mean, ipdv_p99;
    /* Packet delay variation, RFC 5481 section 4.2: the delay above the least one. */
    nsec_t pdv_mean, pdv_p99;
};

struct stamp_delay_sample {
    uint32_t sequence; /* as sent; each number once */
    nsec_t delay;
};

/* Summarises and, on the way, sorts `samples` by sequence number. Sequence numbers wrap; all are
 * within 2^31 of each other. Percentiles are of the nearest rank: a delay that did occur. */
struct stamp_delay stamp_delay_summary(struct stamp_delay_sample *samples, size_t n);

#endif
