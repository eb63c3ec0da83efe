/* latency.h - percentiles of any number of durations in a fixed amount of memory: a histogram whose
 * buckets are 1/64 of their power of two, so a percentile is at most 1.6 % too high. Minimum,
 * maximum and mean are exact. */
#ifndef LAB_TOOLS_LATENCY_H
#define LAB_TOOLS_LATENCY_H

#include "base/time.h"

#include <jansson.h>
#include <stdint.h>

#define LATENCY_BUCKETS (64 * 42) /* up to 2^47 ns, 39 hours; longer ones count as that */

struct latency {
    uint64_t n;
    nsec_t min, max, sum;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *, nsec_t); /* a negative one counts as 0 in the buckets */
/* 0 when there are none. `percent` is 0 to 100. */
nsec_t latency_percentile(const struct latency *, double percent);
/* {"n":..,"min_us":..,"mean_us":..,"p50_us":..,"p99_us":..,"max_us":..}; only n when there are
 * none. */
json_t *latency_json(const struct latency *);

#endif
