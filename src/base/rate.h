/* rate.h - rates as people write them. */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include "base/err.h"

#include <stdint.h>

/* "64", "64k", "10M", "1.5 Mbit/s", "1Gbps" into units of 1000 bit/s; a bare number is kbit/s.
 * ERR_MALFORMED: not that; ERR_LIMIT: under 1 or over 4294967295 kbit/s. */
MUST_CHECK enum err rate_parse(const char *text, uint32_t *kbps);

#endif
