/* bench.h - what every benchmark shares: how a figure is printed, and how it is measured fairly.
 *
 * A figure is one JSON line on standard output:
 *
 *     {"bench":"journal","case":"alone","value":6100.2,"unit":"events/s","goal":4100.0,"ok":true,
 *      "peers":{"sqlite-1":8200.0},"note":"512-octet bodies"}
 *
 * `goal` and `ok` are null where there is no goal, `peers` is {} where there is nobody to compare
 * with. What is compared is measured in the same run, in turns: machines are noisy, and what they
 * do to one round they do to its neighbours too. The median of the rounds is the figure. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/attr.h"

#include <jansson.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bench_figure {
    const char *bench, *what; /* `what` is the "case" */
    double value;
    const char *unit;
    double goal; /* NAN: none */
    bool smaller_is_better;
    json_t *peers;    /* object of name: value; stolen; NULL: none */
    const char *note; /* NULL: "" */
};

/* Prints the line; true if the goal is met or there is none. */
static inline UNUSED bool
bench_print(const struct bench_figure *figure)
{
    bool has_goal = !isnan(figure->goal);
    bool ok = !has_goal || (figure->smaller_is_better ? figure->value <= figure->goal
                                                      : figure->value >= figure->goal);
    json_t *line = json_pack("{ss ss sf ss so so so ss}", "bench", figure->bench, "case",
                             figure->what, "value", figure->value, "unit", figure->unit, "goal",
                             has_goal ? json_real(figure->goal) : json_null(), "ok",
                             has_goal ? json_boolean(ok) : json_null(), "peers",
                             figure->peers ? figure->peers : json_object(), "note",
                             figure->note ? figure->note : "");
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(line);
    return ok;
}

/* Monotonic time. */
static inline UNUSED double
bench_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline int
bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that `percent` of the samples do not exceed (nearest rank). Sorts them; n >= 1. */
static inline UNUSED double
bench_percentile(double *samples, size_t n, double percent)
{
    qsort(samples, n, sizeof *samples, bench_compare);
    size_t rank = (size_t)ceil(percent / 100 * (double)n);
    return samples[MIN(MAX(rank, 1), n) - 1];
}

static inline UNUSED double
bench_median(double *samples, size_t n)
{
    return bench_percentile(samples, n, 50);
}

#define BENCH_ROUNDS_MAX 64

/* One of those compared: `round` measures once and returns its figure. */
struct bench_contestant {
    const char *name;
    double (*round)(void *arg);
    void *arg;
    double samples[BENCH_ROUNDS_MAX];
    double median; /* written by bench_interleave() */
};

/* Gives everyone `rounds` turns (at most BENCH_ROUNDS_MAX), a different one first each time. */
static inline UNUSED void
bench_interleave(struct bench_contestant *contestants, size_t n, size_t rounds)
{
    for (size_t i = 0; i < rounds; i++) {
        for (size_t j = 0; j < n; j++) {
            struct bench_contestant *c = &contestants[(i + j) % n];
            c->samples[i] = c->round(c->arg);
        }
    }
    for (size_t j = 0; j < n; j++)
        contestants[j].median = bench_median(contestants[j].samples, rounds);
}

#endif
