/* time.h - one time type: signed nanoseconds. The clock itself is in io/clock.h; everything below
 * io is told the time. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/err.h"

#include <stdint.h>

typedef int64_t nsec_t; /* a duration, or a point on a clock the context names */

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_NEVER INT64_MAX

#define TIME_TEXT_SIZE 32 /* "2026-11-21T03:56:00.123456789Z" and its NUL */

/* RFC 3339 in UTC with nine fractional digits. `wall` counts from 1970-01-01T00:00:00Z; years 1678
 * to 2262. `text` holds TIME_TEXT_SIZE octets. Returns `text`. */
char *time_format(nsec_t wall, char *text);

/* RFC 3339 date-time with any offset and zero to nine fractional digits. ERR_MALFORMED: not that;
 * ERR_LIMIT: before 1970 or after 2262. */
MUST_CHECK enum err time_parse(const char *text, nsec_t *wall);

/* "10ms", "1.5s", "2h30m", "250us", "3d" into nanoseconds; a bare number is seconds. */
MUST_CHECK enum err time_parse_duration(const char *text, nsec_t *duration);

#endif
