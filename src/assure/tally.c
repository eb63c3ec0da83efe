#include "assure/tally.h"

#include <stdlib.h>
#include <string.h>

void
tally_reset(struct tally *t)
{
    *t = (struct tally){0};
}

static uint32_t
clamp(nsec_t value)
{
    return (uint32_t)MIN(value, UINT32_MAX);
}

static void
add_sample(struct tally *t, uint32_t p50)
{
    if (t->n_latency % MAX(t->stride, 1))
        return;
    if (t->n_samples == TALLY_SAMPLES) { /* Keep every second one. */
        for (uint32_t i = 0; i < TALLY_SAMPLES / 2; i++)
            t->samples[i] = t->samples[2 * i];
        t->n_samples = TALLY_SAMPLES / 2;
        t->stride = MAX(t->stride, 1) * 2;
    }
    t->samples[t->n_samples++] = p50;
}

void
tally_add(struct tally *t, const struct entry *e)
{
    t->rounds++;
    t->sent += e->sent;
    t->lost += e->lost;
    if (e->has_jitter) {
        t->jitter_sum += clamp(e->jitter);
        t->n_jitter++;
    }
    if (!e->has_latency)
        return;
    t->min = t->n_latency ? MIN(t->min, clamp(e->min)) : clamp(e->min);
    t->max = MAX(t->max, clamp(e->max));
    add_sample(t, clamp(e->p50));
    t->n_latency++;
}

static int
compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void
tally_fill(const struct tally *t, struct entry *e)
{
    uint32_t sorted[TALLY_SAMPLES];
    e->sent = t->sent;
    e->lost = t->lost;
    e->has_latency = t->n_latency > 0;
    e->has_jitter = t->n_jitter > 0;
    e->jitter = t->n_jitter ? (nsec_t)(t->jitter_sum / t->n_jitter) : 0;
    if (!e->has_latency)
        return;
    memcpy(sorted, t->samples, t->n_samples * sizeof sorted[0]);
    qsort(sorted, t->n_samples, sizeof sorted[0], compare_samples);
    e->min = t->min;
    e->max = t->max;
    e->p50 = sorted[(t->n_samples - 1) / 2];
}
