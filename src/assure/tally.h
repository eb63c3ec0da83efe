/* tally.h - many small measurements of one path and direction summed up to one. Pure.
 *
 * The median is that of the rounds' medians: of all of them while they are few; when the tally is
 * full, of every second, fourth ... one, evenly over the time. */
#ifndef ASSURE_TALLY_H
#define ASSURE_TALLY_H

#include "assure/fingerprint.h"

#define TALLY_SAMPLES 32

struct tally {
    uint32_t rounds, sent, lost;
    uint32_t n_latency; /* rounds that had one */
    uint32_t min, max;  /* ns, of tt:duration-ns */
    uint32_t n_jitter;
    uint64_t jitter_sum;
    uint32_t n_samples, stride; /* every `stride`th round is in `samples` */
    uint32_t samples[TALLY_SAMPLES];
};

void tally_reset(struct tally *); /* empty; so is a zeroed one */
void tally_add(struct tally *, const struct entry *round);
/* Sets the counts and latencies of `e`; its other members are the caller's. */
void tally_fill(const struct tally *, struct entry *e);

#endif
