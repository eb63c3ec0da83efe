/* stamp_time.h - the timestamps and the error estimate of STAMP (RFC 8762 section 4.2.1, RFC 4656
 * section 4.1.2, RFC 8186 section 2.3). On the wire a timestamp is 64 bits; here a time is nsec_t
 * on the clock the test packets are stamped with, counted from 1970. */
#ifndef PROTO_STAMP_STAMP_TIME_H
#define PROTO_STAMP_STAMP_TIME_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum stamp_format {
    STAMP_NTP, /* RFC 5905: 32 bits of seconds since 1900, 32 bits of fraction */
    STAMP_PTP, /* IEEE 1588 truncated: 32 bits of seconds, 32 bits of nanoseconds */
};

/* Packs the time's low 32 bits of seconds, so that eras (2036, 2106) pass unnoticed. */
uint64_t stamp_time_pack(nsec_t time, enum stamp_format);

/* The time nearest to `near` that packs to `wire`: right within 68 years around it.
 * ERR_MALFORMED: a PTP time with more than 999,999,999 ns; `*time` is untouched. */
MUST_CHECK enum err stamp_time_unpack(uint64_t wire, enum stamp_format, nsec_t near, nsec_t *time);

struct stamp_error_estimate {
    bool synchronized;        /* S: the clock follows UTC by an external source */
    enum stamp_format format; /* Z: how the packet's own timestamps are written */
    nsec_t error;             /* of the timestamps; 0 when unpacked: not known */
};

/* The error is rounded up to what eight bits of mantissa can say; at least 2^-32 s. */
uint16_t stamp_error_pack(const struct stamp_error_estimate *);
/* Rounded up as well. Errors beyond nsec_t come out as NSEC_NEVER. A multiplier of zero, which RFC
 * 4656 forbids and senders in the field use, comes out as error 0. */
struct stamp_error_estimate stamp_error_unpack(uint16_t wire);

#endif
