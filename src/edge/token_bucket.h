/* token_bucket.h - a token bucket (rate r, burst b) of one thread, exact to 2^-5 ns.
 *
 * Kept as its virtual scheduling equivalent, as the meters are (meter.h; ITU-T I.371 annex A): one
 * time, `due`, at which all that was taken so far would be through at rate r. What passes in any
 * time t is at most b + r*t octets, as long as nothing larger than b passes. Something larger
 * passes when the bucket is full, and the rate pays for it afterwards. */
#ifndef EDGE_TOKEN_BUCKET_H
#define EDGE_TOKEN_BUCKET_H

#include "base/time.h"

#include <stdbool.h>

#define TOKEN_FRACTION 5 /* times count in 2^-5 ns: 18 years of uptime fit */

struct token_bucket {
    uint64_t cost;      /* of one octet, in 2^-32 ns */
    uint64_t tolerance; /* the burst's length at this rate, in 2^-5 ns */
    uint64_t due;       /* the same unit */
};

/* Rounded up, so that no sum of frames comes out faster than the rate. */
static inline uint64_t
token_bucket_cost(const struct token_bucket *b, uint32_t octets)
{
    const unsigned shift = 32 - TOKEN_FRACTION;
    unsigned __int128 cost = (unsigned __int128)octets * b->cost;
    return (uint64_t)((cost + (1u << shift) - 1) >> shift);
}

/* A full one. `kbps` is 1000 bit/s and not 0. */
static inline void
token_bucket_init(struct token_bucket *b, uint64_t kbps, uint32_t burst_octets)
{
    b->cost = (uint64_t)(((unsigned __int128)8000000 << 32) / kbps);
    b->tolerance = token_bucket_cost(b, burst_octets);
    b->due = 0;
}

/* When that many octets may pass, monotonic time. */
static inline nsec_t
token_bucket_when(const struct token_bucket *b, uint32_t octets)
{
    uint64_t cost = token_bucket_cost(b, octets), spare;
    spare = b->tolerance > cost ? b->tolerance - cost : 0;
    if (b->due <= spare)
        return 0;
    return (nsec_t)((b->due - spare + (1u << TOKEN_FRACTION) - 1) >> TOKEN_FRACTION);
}

static inline bool
token_bucket_allows(const struct token_bucket *b, uint32_t octets, nsec_t now)
{
    return token_bucket_when(b, octets) <= now;
}

static inline void
token_bucket_take(struct token_bucket *b, uint32_t octets, nsec_t now)
{
    uint64_t at = (uint64_t)now << TOKEN_FRACTION;
    b->due = (b->due > at ? b->due : at) + token_bucket_cost(b, octets);
}

/* Takes what is there, and owes nothing for the rest. */
static inline void
token_bucket_take_at_most(struct token_bucket *b, uint32_t octets, nsec_t now)
{
    uint64_t empty = ((uint64_t)now << TOKEN_FRACTION) + b->tolerance;
    if (b->due >= empty)
        return;
    token_bucket_take(b, octets, now);
    if (b->due > empty)
        b->due = empty;
}

#endif
