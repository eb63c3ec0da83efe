/* latency.h - times, kept until their quantiles are asked for. */
#ifndef PCCSIM_LATENCY_H
#define PCCSIM_LATENCY_H

#include "base/alloc.h"
#include "base/attr.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_MAX 1000000u /* are kept; of more, the first */

struct latency {
    nsec_t *list;
    uint32_t n_kept, capacity;
    uint64_t n;
};

static inline void
latency_add(struct latency *l, nsec_t time)
{
    l->n++;
    if (l->n_kept == LATENCY_MAX)
        return;
    GROW(l->list, l->n_kept, l->capacity);
    l->list[l->n_kept++] = time;
}

static inline UNUSED int
latency_compare(const void *a, const void *b)
{
    nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;
    return (x > y) - (x < y);
}

/* In milliseconds; 0 without any. */
static inline UNUSED double
latency_quantile(const struct latency *l, double q)
{
    if (!l->n_kept)
        return 0;
    nsec_t *sorted = xmemdup(l->list, l->n_kept * sizeof *sorted);
    qsort(sorted, l->n_kept, sizeof *sorted, latency_compare);
    nsec_t value = sorted[(uint32_t)(q * (l->n_kept - 1))];
    free(sorted);
    return (double)value / NSEC_PER_MSEC;
}

static inline void
latency_fini(struct latency *l)
{
    free(l->list);
    *l = (struct latency){0};
}

#endif
