/* real.h - numbers with a point in files of the sensor. */
#ifndef DETECT_REAL_H
#define DETECT_REAL_H

#include "base/buf.h"
#include "base/cursor.h"

#include <string.h>

static inline void
real_put(struct buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_be64(out, bits);
}

static inline double
real_read(struct cursor *c, const char *field)
{
    uint64_t bits = cursor_be64(c, field);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
