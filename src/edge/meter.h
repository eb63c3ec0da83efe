/* meter.h - rate limits as exact token buckets (OpenFlow 1.3 section 5.7).
 *
 * A band (rate r, burst b) is a token bucket, kept as its virtual scheduling equivalent (the
 * continuous leaky bucket of ITU-T I.371 annex A, "GCRA"): one 64-bit time, advanced by each
 * packet's cost with one compare-and-swap, so that several workers share it without a lock.
 * Arrivals that pass obey the arrival curve b + r*t exactly; the latency bounds of engineer/ rest
 * on that.
 *
 * Sizes are octets of the frame without FCS. */
#ifndef EDGE_METER_H
#define EDGE_METER_H

#include "base/time.h"
#include "edge/slots.h"
#include "packet/packet.h"
#include "packet/rule.h"

#include <stdatomic.h>

#define METER_BANDS 8

struct meter_band {
    uint16_t type;
    uint8_t prec_level;
    uint32_t rate, burst;
    uint64_t cost;        /* of one octet (or packet), in 2^-32 ns */
    uint64_t tolerance;   /* the burst's length at this rate, in 2^-5 ns */
    _Atomic uint64_t due; /* when all that passed would have been sent at this rate, same unit */
    _Atomic uint64_t packets, octets; /* relaxed */
};

struct meter_entry {
    uint32_t meter_id;
    uint16_t flags;
    uint32_t n_bands;
    uint32_t n_flows;   /* entries that name it; control thread's */
    struct slots *home; /* whose place it has; NULL: it is on the heap */
    nsec_t created;
    _Atomic uint64_t packets, octets; /* relaxed */
    struct meter_band bands[METER_BANDS];
};

enum meter_verdict { METER_PASS, METER_DROP, METER_REMARK };

/* Of the meter's description, which must be valid (n_bands <= METER_BANDS, rates not 0). Without a
 * burst in the description it is what the rate allows in one second. In a place of `home` if one is
 * left; `home` may be NULL. */
struct meter_entry *meter_entry_new(const struct meter *, struct slots *home, nsec_t now);
void meter_entry_free(void *);
void meter_entry_describe(const struct meter_entry *, struct meter *); /* meter_fini() frees it */

/* Judges one packet at monotonic time `now`. METER_REMARK: `prec_level` says by how much. */
enum meter_verdict meter_pass(struct meter_entry *, uint32_t octets, nsec_t now,
                              uint8_t *prec_level);

/* Raises the drop precedence of an IP packet's DSCP (RFC 2597 AFx1 to AFx3; others unchanged).
 * Packet must be writable. */
void meter_remark(struct packet *, struct flow_key *, uint8_t prec_level);

#endif
