/* ptp_masters.h - the clocks whose Announce messages pass, written by one thread and read by any.
 */
#ifndef EDGE_PTP_MASTERS_H
#define EDGE_PTP_MASTERS_H

#include "proto/ptp/ptp_message.h"

#include <stdatomic.h>

#define PTP_MASTERS 8

/* A clock whose Announce messages have passed. */
struct ptp_master {
    uint8_t domain;
    uint32_t in_port; /* number of the port by which it came last */
    nsec_t last;      /* wall */
    uint64_t n;
    struct ptp_port_identity source;
    struct ptp_announce announce;
    bool has_rate; /* of the sender's clock against the node's own, measured over 10 s and more */
    double rate_ppm;
};

struct ptp_masters; /* at most PTP_MASTERS; another one takes the place of the one heard of last
                     * longest ago */

struct ptp_masters *ptp_masters_new(void);
void ptp_masters_free(struct ptp_masters *);

/* An Announce message. */
void ptp_masters_announce(struct ptp_masters *, const struct ptp_message *, uint32_t in_port,
                          nsec_t wall);
/* A Sync: the time it says it left at, with what it was corrected by so far, and when it came. */
void ptp_masters_sync(struct ptp_masters *, uint8_t domain, const struct ptp_port_identity *source,
                      uint16_t sequence, nsec_t origin, nsec_t arrival);

/* Any thread. Those heard of since `since` (wall). Returns how many. */
unsigned ptp_masters_get(const struct ptp_masters *, nsec_t since,
                         struct ptp_master masters[PTP_MASTERS]);

#endif
