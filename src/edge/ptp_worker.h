/* ptp_worker.h - the transparent clock (ptp_clock.h) in the packet thread: it finds PTP messages
 * among what the thread sends, corrects each copy as it leaves by its port, and learns from the
 * kernel or the NIC when it did. In P2P mode it also measures the links (ptp_peer.h).
 *
 * One clock, struct ptp_node, for all workers; each has a part of it for its own ports, which only
 * that worker calls. */
#ifndef EDGE_PTP_WORKER_H
#define EDGE_PTP_WORKER_H

#include "edge/datapath.h"
#include "edge/ptp_clock.h"
#include "edge/ptp_frame.h"
#include "io/port.h"

#include <jansson.h>

struct ptp_options {
    enum ptp_mode mode;
    struct ptp_domains domains;
    uint32_t address; /* IPv4, host order, of its own messages in UDP; 0: one of 169.254.0.0/16 */
};

struct ptp_node;

/* NULL if the mode is PTP_OFF. */
struct ptp_node *ptp_node_new(const struct ptp_options *);
void ptp_node_free(struct ptp_node *); /* After its workers. NULL is fine. */
/* The answer of edge.clock; of NULL too: off. Any thread. */
json_t *ptp_node_json(const struct ptp_node *, nsec_t wall);

struct ptp_worker;

struct ptp_worker_io {
    struct datapath *dp; /* its drops are counted there */
    struct packet_pool *pool;
    /* Queues a packet for a port; takes a reference of its own. */
    void (*queue)(void *arg, struct edge_port *, struct packet *);
    void *arg;
};

/* NULL if the node is. */
struct ptp_worker *ptp_worker_new(struct ptp_node *, const struct ptp_worker_io *);
void ptp_worker_free(struct ptp_worker *); /* Before the pool. NULL is fine. */
/* A port of this worker; before any of the workers runs. Returns its index. */
unsigned ptp_worker_add_port(struct ptp_worker *, struct edge_port *, struct port_io *);

/* Of frames that have arrived it takes those that are a link's own. Returns how many are left. */
unsigned ptp_worker_receive(struct ptp_worker *, unsigned port, struct packet **, unsigned n,
                            nsec_t now);

enum ptp_sent {
    PTP_NO_ROOM, /* the port takes none now: again later */
    PTP_SENT,
    PTP_TAKEN, /* it is not sent now or never, and no longer the caller's */
};
/* Sends one packet of which ptp_frame_may_be(), by itself. Its reference is gone, but after
 * PTP_NO_ROOM. */
enum ptp_sent ptp_worker_send(struct ptp_worker *, unsigned port, struct packet *, nsec_t now);
/* True: it was one of its own. */
bool ptp_worker_stamp(struct ptp_worker *, unsigned port, const struct port_tx_stamp *);

/* What is due; and when the next will be. */
void ptp_worker_run(struct ptp_worker *, nsec_t now);
nsec_t ptp_worker_deadline(const struct ptp_worker *);

#endif
