/* ptp_clock.h - a transparent clock (IEEE 1588-2019 clause 10) as a pure machine: it is told of the
 * messages that leave, with the times at which they came, and says what to add to each
 * correctionField. What may leave and by which port the OpenFlow tables decide, not this.
 *
 * Every event message is corrected in two parts. As it leaves, it is given the residence time that
 * can be known then: the time now, less that of its arrival, plus what sending takes (the median
 * of how much later the last ones really left). When the kernel or the NIC tells when it really
 * left, the rest, of either sign, is kept for the general message that belongs to it and leaves by
 * the same way: the Follow_Up of a Sync, the Delay_Resp to a Delay_Req, the Pdelay_Resp_Follow_Up
 * to a Pdelay_Req and to a Pdelay_Resp. Every receiver adds both correctionFields (clause 11.2 to
 * 11.4), so of two-step clocks and of delay requests the whole is exactly the measured residence
 * time; of one-step Sync messages it is the first part. Why not all in the second message: it may
 * go another way (a circuit's failover), or be lost to a flood of false ones; then the error is
 * what sending takes, not the residence time.
 *
 * end-to-end (E2E): all event messages are corrected.
 * peer-to-peer (P2P): the link delay of the port a Sync came by is added too. Messages of the other
 * mechanism, Delay_Req and Delay_Resp, are discarded. Pdelay messages are a link's own
 * (ptp_peer.h).
 *
 * Residence is measured in the node's own clock: it is off by the residence time times that clock's
 * frequency error, 10 ns for 100 us and 100 ppm. No rate ratio is applied.
 *
 * Several threads: what concerns a port messages leave by (`out`) and its link delay is called by
 * one of them, another port's by the same or another. There are no locks. What is at the end, below
 * "What it has seen", any thread may call. */
#ifndef EDGE_PTP_CLOCK_H
#define EDGE_PTP_CLOCK_H

#include "edge/ptp_histogram.h"
#include "edge/ptp_masters.h"

enum ptp_mode { PTP_OFF, PTP_E2E, PTP_P2P };

const char *ptp_mode_name(enum ptp_mode); /* "off", "e2e", "p2p" */

struct ptp_domains {
    uint64_t words[4]; /* a bit for each domainNumber */
};

static inline bool
ptp_domains_has(const struct ptp_domains *d, uint8_t domain)
{
    return d->words[domain / 64] >> domain % 64 & 1;
}

/* When a frame came or left, as the wall clock had it, and as the NIC's own clock had it. */
struct ptp_stamp {
    nsec_t software; /* 0: not known */
    bool kernel;     /* ... by the kernel, at the driver; else by this program */
    nsec_t hardware; /* 0: not known */
};

enum ptp_source { PTP_APPLICATION, PTP_KERNEL, PTP_HARDWARE, PTP_SOURCES };

const char *ptp_source_name(enum ptp_source); /* "application", "kernel", "hardware" */

struct ptp_clock;

/* `mode` is not PTP_OFF. */
struct ptp_clock *ptp_clock_new(enum ptp_mode mode, const struct ptp_domains *);
void ptp_clock_free(struct ptp_clock *);

/* Before any message. `phc` is the NIC's clock (/dev/ptpN), so that times of two ports are compared
 * only if it is the same one; -1: none. `tx_stamps`: its driver tells when frames left. Returns the
 * port's index: 0, 1, ... */
unsigned ptp_clock_add_port(struct ptp_clock *, uint32_t number, int phc, bool tx_stamps);
/* Of the port's link, in P2P mode; below 0: not known. */
void ptp_clock_set_link_delay(struct ptp_clock *, unsigned port, nsec_t delay);

enum ptp_verdict {
    PTP_PASS,    /* it is no message for this clock, or needs nothing: as it is */
    PTP_CORRECT, /* add departure.correction to it */
    PTP_WAIT,    /* ask again when a stamp has come, or at departure.until at the latest */
    PTP_DISCARD, /* not to be forwarded in this mode */
};

/* A message that is about to leave. */
struct ptp_departure {
    enum ptp_verdict verdict;
    int64_t correction; /* nanoseconds times 65536 */
    uint32_t token;     /* ask the kernel when it left; 0: no need; below 2^30 */
    nsec_t until;       /* monotonic */
    /* The clock's own, until ptp_clock_departed(). */
    unsigned in, out;
    struct ptp_stamp arrival;
    nsec_t taken, added; /* residence at `wall`; and all that was added, nanoseconds */
    bool known, corrected, malformed, has_link_delay;
    struct ptp_message message;
};

/* `message` is what is behind the Ethernet or UDP header. `wall` and `now` are the wall clock and
 * the monotonic one at this moment: as late before it is sent as possible. Changes nothing: if the
 * port has no room, ask again later. */
void ptp_clock_depart(const struct ptp_clock *, unsigned in, unsigned out,
                      const struct ptp_stamp *arrival, const uint8_t *message, size_t size,
                      nsec_t wall, nsec_t now, struct ptp_departure *);
/* It has been sent. */
void ptp_clock_departed(struct ptp_clock *, const struct ptp_departure *, nsec_t wall, nsec_t now);
/* When that was. `stamp` has one time or both; a second one with the other may follow. */
void ptp_clock_stamp(struct ptp_clock *, unsigned out, uint32_t token,
                     const struct ptp_stamp *stamp);

/* ---- What it has seen ---- */

/* Of the messages that left by a port. */
struct ptp_port_counters {
    _Atomic uint64_t corrected[PTP_TYPES];
    _Atomic uint64_t passed[PTP_TYPES]; /* of this version and a chosen domain, nothing added */
    _Atomic uint64_t other;             /* another version, domain or majorSdoId: as they were */
    _Atomic uint64_t malformed;         /* as they were */
    _Atomic uint64_t implausible;       /* a residence time below 0 or above 10 s: as they were */
    _Atomic uint64_t unmatched;         /* no event message is known to which it belongs */
    _Atomic uint64_t no_link_delay;     /* P2P: Sync from a link whose delay is not known yet */
    _Atomic uint64_t discarded;         /* P2P: of the other mechanism */
    _Atomic uint64_t stamps_missing;    /* asked for, and never told */
    _Atomic uint64_t arrivals[PTP_SOURCES];   /* event messages that came by it ... */
    _Atomic uint64_t departures[PTP_SOURCES]; /* ... or left by it, by the best stamp of each */
    struct ptp_histogram residence;           /* as far as it is known at last */
    struct ptp_histogram one_step; /* how far off the first part alone was, if it is known */
};

unsigned ptp_clock_n_ports(const struct ptp_clock *);
const struct ptp_port_counters *ptp_clock_port(const struct ptp_clock *, unsigned port,
                                               uint32_t *number, int *phc);

/* Those of the last hour, in no order; returns how many. */
unsigned ptp_clock_get_masters(const struct ptp_clock *, nsec_t wall,
                               struct ptp_master masters[PTP_MASTERS]);

#endif
