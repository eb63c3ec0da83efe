/* ptp_worker_private.h - what ptp_worker.c, which does it, and ptp_json.c, which tells it, share.
 */
#ifndef EDGE_PTP_WORKER_PRIVATE_H
#define EDGE_PTP_WORKER_PRIVATE_H

#include "edge/ptp_peer.h"
#include "edge/ptp_worker.h"

#define PTP_HELD 32u

struct held {
    struct packet *packet;
    unsigned port;
    nsec_t until; /* monotonic */
};

struct ptp_worker_port {
    struct ptp_worker *owner;
    struct edge_port *port;
    struct port_io *io;
    struct ptp_peer *peer; /* NULL: not in this mode */
    uint32_t address;      /* IPv4, host order: of its own messages */
    bool was_up;
};

/* While the workers run it does not change, but for what is a port's owner's. */
struct ptp_node {
    struct ptp_options options;
    struct ptp_clock *clock;
    struct ptp_worker_port ports[MAX_PORTS];
};

struct ptp_worker {
    struct ptp_node *node;
    struct ptp_worker_io io;
    struct held held[PTP_HELD];
    unsigned n_held;
    nsec_t next_run; /* monotonic */
};

#endif
