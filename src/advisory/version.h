/* version.h - versions as makers of industrial devices write them, compared, and ranges of them as
 * advisories tell them. Pure.
 *
 * A version is numbers and words in turn: "V4.2.1" is 4, 2, 1; "R100-V0" is r, 100, v, 0; "V8.2 SP1
 * Update 3" is 8, 2, sp, 1, update, 3. What stands before the first number and only says that it is
 * a version does not count, nor do leading zeros, nor zeros at the end: 01.20 and V1.20.0 are the
 * same. A letter behind a number is later than none; alpha, beta and rc are earlier. */
#ifndef ADVISORY_VERSION_H
#define ADVISORY_VERSION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define VERSION_PARTS 32
#define VERSION_INTERVALS 32 /* of a range */

/* Below 0: a is earlier; 0: the same; above: later. */
int version_compare(const char *a, const char *b);
bool version_is_one(const char *text); /* there is a number in it */

struct version_interval {
    const char *low, *high; /* NULL: no end */
    bool has_low, has_high; /* the end itself is in */
};

struct version_range {
    bool is_unreadable; /* nobody knows what it has */
    bool is_all;
    unsigned n;
    struct version_interval intervals[VERSION_INTERVALS]; /* one of them has it */
    unsigned n_not;
    const char * not [VERSION_INTERVALS]; /* none of these */
    const char *text;                     /* as it was told */
};

/* "vers:intdot/>=2.0|<2.9.2", "< V4.5", "All versions >= V2.8 < V2.9.2", "12.0.1 - 12.0.14", "V3.1
 * and prior", "prior to 2.3", "V4.1". What cannot be read is told so by the range. ERR_LIMIT: the
 * arena's. */
MUST_CHECK enum err version_range_read(struct arena *, const char *text, struct version_range *);

/* `*why`: the interval that has it; NULL: all versions. */
bool version_range_has(const struct version_range *, const char *version,
                       const struct version_interval **why);
/* "is below 2.5", "is from 2.0 to 2.4", "is 4.1"; of NULL: "is one of all". */
void version_interval_explain(struct buf *, const struct version_interval *);

#endif
