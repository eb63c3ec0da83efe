#include "proto/stamp/stamp_delay.h"

#include "base/alloc.h"

#include <stdlib.h>

static int
by_sequence(const void *a, const void *b)
{
    const struct stamp_delay_sample *x = a, *y = b;
    int32_t difference = (int32_t)(x->sequence - y->sequence);
    return (difference > 0) - (difference < 0);
}

static int
by_size(const void *a, const void *b)
{
    const nsec_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Of sorted values; n above 0. */
static nsec_t
percentile(const nsec_t *sorted, size_t n, unsigned percent)
{
    size_t rank = (n * percent + 99) / 100;
    return sorted[rank ? rank - 1 : 0];
}

static nsec_t
mean(const nsec_t *values, size_t n)
{
    __int128 sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return (nsec_t)(sum / (__int128)n);
}

static void
summarise_ipdv(const struct stamp_delay_sample *samples, size_t n, nsec_t *scratch,
               struct stamp_delay *d)
{
    size_t n_pairs = 0;
    for (size_t i = 1; i < n; i++) {
        if (samples[i].sequence - samples[i - 1].sequence != 1)
            continue;
        nsec_t difference = samples[i].delay - samples[i - 1].delay;
        scratch[n_pairs++] = difference < 0 ? -difference : difference;
    }
    d->n_ipdv = (uint32_t)n_pairs;
    if (n_pairs == 0)
        return;
    qsort(scratch, n_pairs, sizeof *scratch, by_size);
    d->ipdv_mean = mean(scratch, n_pairs);
    d->ipdv_p99 = percentile(scratch, n_pairs, 99);
}

struct stamp_delay
stamp_delay_summary(struct stamp_delay_sample *samples, size_t n)
{
    struct stamp_delay d = {.n = (uint32_t)n};
    if (n == 0)
        return d;
    qsort(samples, n, sizeof *samples, by_sequence);
    nsec_t *values = xcalloc(n, sizeof *values);
    summarise_ipdv(samples, n, values, &d);
    for (size_t i = 0; i < n; i++)
        values[i] = samples[i].delay;
    qsort(values, n, sizeof *values, by_size);
    d.min = values[0];
    d.mean = mean(values, n);
    d.p50 = percentile(values, n, 50);
    d.p99 = percentile(values, n, 99);
    d.max = values[n - 1];
    d.pdv_mean = d.mean - d.min;
    d.pdv_p99 = d.p99 - d.min;
    free(values);
    return d;
}
