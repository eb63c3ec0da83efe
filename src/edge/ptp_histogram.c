#include "edge/ptp_histogram.h"

#include "base/attr.h"

#define STEPS 16 /* per power of two */
#define STEP_BITS 4

static unsigned
bucket_of(uint64_t v)
{
    if (v < STEPS)
        return (unsigned)v;
    unsigned bits = 63u - (unsigned)__builtin_clzll(v); /* at least STEP_BITS */
    unsigned step = (unsigned)(v >> (bits - STEP_BITS)) - STEPS;
    return MIN((bits - STEP_BITS + 1) * STEPS + step, PTP_HISTOGRAM_SIZE - 1u);
}

/* The middle of what falls into it. */
static nsec_t
value_of(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned shift = bucket / STEPS - 1;
    return ((nsec_t)(STEPS + bucket % STEPS) << shift) + ((nsec_t)1 << shift) / 2;
}

static uint64_t
get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void
ptp_histogram_add(struct ptp_histogram *h, nsec_t v)
{
    v = MAX(v, 0);
    _Atomic uint64_t *bucket = &h->buckets[bucket_of((uint64_t)v)];
    nsec_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
    nsec_t min = atomic_load_explicit(&h->min, memory_order_relaxed);
    if (v < min || !min) /* 0 stands for none yet */
        atomic_store_explicit(&h->min, v, memory_order_relaxed);
    if (v > max)
        atomic_store_explicit(&h->max, v, memory_order_relaxed);
    atomic_store_explicit(bucket, get(bucket) + 1, memory_order_relaxed);
}

static nsec_t
percentile(const uint64_t *sums, uint64_t n, unsigned percent)
{
    uint64_t rank = (n * percent + 99) / 100, below = 0;
    for (unsigned i = 0; i < PTP_HISTOGRAM_SIZE; i++) {
        below += sums[i];
        if (below >= rank)
            return value_of(i);
    }
    return 0;
}

void
ptp_histograms_summary(const struct ptp_histogram *const *histograms, unsigned n,
                       struct ptp_summary *summary)
{
    uint64_t sums[PTP_HISTOGRAM_SIZE] = {0};
    *summary = (struct ptp_summary){.min = NSEC_NEVER};
    for (unsigned i = 0; i < n; i++) {
        uint64_t own = 0;
        for (unsigned j = 0; j < PTP_HISTOGRAM_SIZE; j++) {
            uint64_t count = get(&histograms[i]->buckets[j]);
            sums[j] += count;
            own += count;
        }
        summary->n += own;
        if (!own)
            continue;
        nsec_t min = atomic_load_explicit(&histograms[i]->min, memory_order_relaxed);
        nsec_t max = atomic_load_explicit(&histograms[i]->max, memory_order_relaxed);
        summary->min = MIN(summary->min, min);
        summary->max = MAX(summary->max, max);
    }
    if (!summary->n) {
        *summary = (struct ptp_summary){0};
        return;
    }
    /* The middle of a bucket may lie outside of what was in it. */
    summary->median = MIN(MAX(percentile(sums, summary->n, 50), summary->min), summary->max);
    summary->p99 = MIN(MAX(percentile(sums, summary->n, 99), summary->min), summary->max);
}
