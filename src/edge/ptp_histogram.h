/* ptp_histogram.h - how long things took, counted by one thread and read by any. */
#ifndef EDGE_PTP_HISTOGRAM_H
#define EDGE_PTP_HISTOGRAM_H

#include "base/time.h"

#include <stdatomic.h>
#include <stdint.h>

#define PTP_HISTOGRAM_SIZE 512

/* Of nanoseconds: by 16 steps per power of two, so that a value read is off by 6 % at most. */
struct ptp_histogram {
    _Atomic uint64_t buckets[PTP_HISTOGRAM_SIZE];
    _Atomic int64_t min, max;
};

struct ptp_summary {
    uint64_t n; /* 0: the others mean nothing */
    nsec_t min, median, p99, max;
};

void ptp_histogram_add(struct ptp_histogram *, nsec_t);
/* Of several together. */
void ptp_histograms_summary(const struct ptp_histogram *const *, unsigned n, struct ptp_summary *);

#endif
