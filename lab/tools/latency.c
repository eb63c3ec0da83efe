#include "lab/tools/latency.h"

#define SUB_BITS 6 /* buckets of a power of two: 64 */

/* Values below 64 have a bucket each; above, the six bits behind the leading one choose. */
static unsigned
bucket_of(nsec_t value)
{
    if (value < 1 << SUB_BITS)
        return value < 0 ? 0 : (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll((unsigned long long)value) - SUB_BITS;
    unsigned bucket = (shift << SUB_BITS) + (unsigned)(value >> shift);
    return MIN(bucket, LATENCY_BUCKETS - 1);
}

/* The largest value that falls into it. */
static nsec_t
bucket_end(unsigned bucket)
{
    if (bucket < 2u << SUB_BITS)
        return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    nsec_t lead = (bucket & ((1 << SUB_BITS) - 1)) + (1 << SUB_BITS);
    return ((lead + 1) << shift) - 1;
}

void
latency_add(struct latency *l, nsec_t value)
{
    l->min = l->n ? MIN(l->min, value) : value;
    l->max = l->n ? MAX(l->max, value) : value;
    l->sum += value;
    l->n++;
    l->buckets[bucket_of(value)]++;
}

nsec_t
latency_percentile(const struct latency *l, double percent)
{
    if (l->n == 0)
        return 0;
    double rank = (double)l->n * percent / 100;
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen > 0 && (double)seen >= rank)
            return MAX(l->min, MIN(bucket_end(i), l->max));
    }
    return l->max;
}

static json_t *
micro(nsec_t value)
{
    return json_real((double)value / (double)NSEC_PER_USEC);
}

json_t *
latency_json(const struct latency *l)
{
    json_t *o = json_pack("{s:I}", "n", (json_int_t)l->n);
    if (l->n == 0)
        return o;
    json_object_set_new(o, "min_us", micro(l->min));
    json_object_set_new(o, "mean_us", micro(l->sum / (nsec_t)l->n));
    json_object_set_new(o, "p50_us", micro(latency_percentile(l, 50)));
    json_object_set_new(o, "p99_us", micro(latency_percentile(l, 99)));
    json_object_set_new(o, "max_us", micro(l->max));
    return o;
}
