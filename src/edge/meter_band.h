/* meter_band.h - the arithmetic of a meter's band, as both the packet thread and the kernel's fast
 * path run it: see meter.h. */
#ifndef EDGE_METER_BAND_H
#define EDGE_METER_BAND_H

#include "edge/meter.h"

#define METER_FRACTION 5       /* times count in 2^-5 ns: 18 years of uptime fit */
#define METER_COST_FRACTION 32 /* costs of one octet count in 2^-32 ns */

/* What `amount` octets (or packets; below 2^30) cost. Rounded up, so that no sum of packets comes
 * out faster than the rate. Two products of 64 bits instead of one of 128, which the kernel's
 * virtual machine does not have. */
static inline uint64_t
meter_band_cost(const struct meter_band *band, uint64_t amount)
{
    const unsigned shift = METER_COST_FRACTION - METER_FRACTION;
    uint64_t high = amount * (band->cost >> 32), low = amount * (band->cost & UINT32_MAX);
    return (high << METER_FRACTION) + ((low + (UINT64_C(1) << shift) - 1) >> shift);
}

/* When all would have been sent at the band's rate, this included; 0: it does not conform. */
static inline uint64_t
meter_band_next(const struct meter_band *band, uint64_t due, uint64_t cost, uint64_t now)
{
    uint64_t next = (due > now ? due : now) + cost;
    return next > now + band->tolerance ? 0 : next;
}

#endif
