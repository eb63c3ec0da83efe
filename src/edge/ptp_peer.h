/* ptp_peer.h - the delay of one link, measured with the clock at its other end (IEEE 1588-2019
 * clause 11.4, the peer-to-peer delay mechanism), as a pure machine: asks once a second, and
 * answers what is asked. Both in two steps; a peer may answer in one.
 *
 *     mean link delay = ((t4 - t1) - (t3 - t2) - corrections) / 2
 *
 * What is used is the median of the last nine, never below 0: by software stamps single ones are
 * wide of it. It is unknown until there are three, and again when ten requests in a row got no
 * answer. An exchange to which several clocks answer says nothing of a link, and is not used (there
 * is something between that forwards Pdelay messages). At most 16 requests a second are answered.
 */
#ifndef EDGE_PTP_PEER_H
#define EDGE_PTP_PEER_H

#include "edge/ptp_clock.h"
#include "edge/ptp_frame.h"

#define PTP_PEER_INTERVAL NSEC_PER_SEC /* logMinPdelayReqInterval 0 */

struct ptp_peer_config {
    struct ptp_port_identity identity; /* its own */
    /* How it asks a peer that has not asked itself; then as that does. It answers in kind. */
    uint8_t domain;
    struct ptp_headers headers;
    bool tx_stamps, hardware; /* will be told when messages left; by the card's clock too */
    nsec_t first;             /* monotonic: when to ask first */
};

struct ptp_peer;

struct ptp_peer *ptp_peer_new(const struct ptp_peer_config *);
void ptp_peer_free(struct ptp_peer *);
/* The link went down: whoever is there when it comes back is somebody else. */
void ptp_peer_reset(struct ptp_peer *, nsec_t now);

/* A Pdelay message that has come by this link, in this domain. `reply`: the way back. */
void ptp_peer_input(struct ptp_peer *, const struct ptp_message *, const struct ptp_headers *reply,
                    const struct ptp_stamp *arrival, nsec_t now);

struct ptp_peer_output {
    struct ptp_message message;
    struct ptp_headers headers;
    uint32_t token; /* tell when it left: ptp_peer_left(); 0: no need */
};
/* The next message that is due; false: none. */
bool ptp_peer_output(struct ptp_peer *, nsec_t now, struct ptp_peer_output *);
/* When it left: at once as the program knows it, and again as the kernel and the card do. */
void ptp_peer_left(struct ptp_peer *, uint32_t token, const struct ptp_stamp *, nsec_t now);
/* When something will be due, monotonic. */
nsec_t ptp_peer_deadline(const struct ptp_peer *);
/* False: not known. */
bool ptp_peer_delay(const struct ptp_peer *, nsec_t *delay);

/* For other threads. */
struct ptp_peer_status {
    _Atomic bool known;
    _Atomic int64_t delay, last_delay; /* nanoseconds: the median; and that of the last exchange */
    _Atomic uint64_t clock;            /* the peer's, as a number; 0: none has answered */
    _Atomic uint32_t port;
    _Atomic int64_t rate_ppb; /* its clock's against the node's */
    _Atomic uint64_t asked, measured, lost, several, answered, refused;
};
const struct ptp_peer_status *ptp_peer_status(const struct ptp_peer *);

#endif
