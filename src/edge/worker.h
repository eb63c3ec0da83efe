/* worker.h - the threads that forward: ports in, pipeline, queues, ports out.
 *
 * A worker sleeps in epoll until a frame, a change of carrier or a command comes, or spins
 * (worker_options.busy_poll); takes frames in vectors of 32; queues what goes out as the port's
 * scheduler has it (scheduler.h). A port that loses its carrier stops being live in the same turn,
 * so the next packet's group takes its other bucket: failover costs one store.
 *
 * Several workers. Each port belongs to one worker, which alone reads it, queues for it and sends
 * by it. Each worker has its own packets, pipeline and cache. A packet for a port of another worker
 * is copied through a ring between the two; what no longer fits in is dropped and counted
 * (DROP_HANDOVER_FULL). The packets of a flow come from one port, so one worker decides about them,
 * and leave in the order in which it did.
 *
 * The control thread talks to them by rings: workers_inject() in, workers_drain() out. Injections
 * are the first worker's. */
#ifndef EDGE_WORKER_H
#define EDGE_WORKER_H

#include "edge/pipeline.h"
#include "edge/ptp_worker.h"
#include "io/port.h"

struct workers;
struct heartbeat_node;

#define WORKERS_MAX QSBR_WORKERS

struct worker_options {
    unsigned n_workers;          /* 0: 1 */
    uint32_t n_packets, n_jumbo; /* buffers of each; 0: 8192 and 256 */
    uint32_t cache_size;         /* programs of each; 0: 65536 */
    uint32_t punts_per_second;   /* to the controller; 0: 1000 */
    uint32_t samples_per_second; /* of dropped packets; 0: 10 */
    bool busy_poll;              /* they never sleep */
    int priority;                /* SCHED_FIFO, if permitted; 0: none */
    struct heartbeat_node
        *heartbeats;        /* for the first to poll; NULL: none, or they have a thread */
    struct fast_path *fast; /* for ports whose driver is the kernel's; NULL: there are none */
    struct ptp_options ptp;
    /* Called in the worker's thread when workers_drain() has something to do. */
    void (*wake)(void *arg);
    void *wake_arg;
};

MUST_CHECK enum err workers_new(struct datapath *, const struct worker_options *, struct workers **,
                                struct diag *);
/* Stops the threads; closes their ports. NULL is fine. */
void workers_free(struct workers *);

/* Opens an interface for a port of the datapath; before workers_start(). `worker`: whose it is,
 * below n_workers. */
MUST_CHECK enum err workers_add_port(struct workers *, unsigned worker, struct edge_port *,
                                     const struct port_options *, struct diag *);
MUST_CHECK enum err workers_start(struct workers *, struct diag *);
/* False: they have no real-time priority, because none was asked for or permitted. */
bool workers_are_realtime(const struct workers *);

unsigned workers_count(const struct workers *);
/* Whose the port is; 0 for what is no port of theirs. */
unsigned workers_port_owner(const struct workers *, uint32_t number);

/* Ends the threads when they are through with what they have read; sends what is queued, for
 * WORKERS_STOP_LIMIT at most. What comes in after that waits in the sockets. Then workers_start()
 * again. */
#define WORKERS_STOP_LIMIT (100 * NSEC_PER_MSEC)
void workers_stop(struct workers *);

/* ---- Handing over to another process (handover.h), while the threads are not running ---- */

/* What a packet thread knows of a port beside what is in its struct edge_port. */
struct worker_port_state {
    bool known;        /* its carrier has been heard of */
    nsec_t restore_at; /* when it becomes live; NSEC_NEVER: not waiting for a time */
    uint32_t position; /* port_position() */
};
/* Of a running thread: as it was lately. */
struct worker_port_state workers_port_state(const struct workers *, uint32_t number);
/* As it was in the other process; up and live are the port's own. */
void workers_set_port_state(struct workers *, uint32_t number, const struct worker_port_state *);
nsec_t workers_wait_to_restore(const struct workers *);
/* port_get_parts(). */
MUST_CHECK enum err workers_get_parts(const struct workers *, uint32_t number, struct port_parts *,
                                      struct diag *);
/* port_own() and port_disown() of all ports that are not, or are, this process's own. */
MUST_CHECK enum err workers_own_ports(struct workers *, struct diag *);
void workers_disown_ports(struct workers *);

/* ---- What can be asked and told ---- */

/* The driver of a port, as port_driver() says it; NULL: not one of its ports. */
const char *workers_port_driver(const struct workers *, uint32_t number);
/* As port_is_isolated(). */
bool workers_port_is_isolated(const struct workers *, uint32_t number, const char **why);
/* Losses in the kernel, below the datapath's own counters; as of the last second. */
void workers_port_counters(const struct workers *, uint32_t number, struct port_counters *);

/* Copies packets for captures from now on, those of each worker by the tap with its index; NULL: no
 * more. As pipeline_set_tap(). Control thread. */
void workers_set_taps(struct workers *, struct tap *const *taps);

/* The node's transparent clock; NULL: off. */
const struct ptp_node *workers_ptp(const struct workers *);

/* The counters of all caches together. Any thread. */
void workers_get_stats(const struct workers *, struct pipeline_stats *);

/* How long a port that is up again must stay up before groups use it; -1: until
 * workers_release_port(). Any thread. The default is 0. */
void workers_set_wait_to_restore(struct workers *, nsec_t);
/* Ends the waiting of this port, or of all with PORT_ANY. */
void workers_release_port(struct workers *, uint32_t number);

/* A frame to process as if it had arrived at `in_port`, with the actions of a packet-out. */
struct injection {
    const uint8_t *frame;
    uint32_t size;
    uint32_t in_port; /* PORT_LOCAL, PORT_CONTROLLER or a real one */
    const struct actions *actions;
    uint16_t stamp_offset; /* as in struct packet */
    uint32_t tx_token;
};
/* Control thread. ERR_LIMIT: larger than PACKET_ROOM. ERR_BUSY: the ring is full. */
MUST_CHECK enum err workers_inject(struct workers *, const struct injection *);
/* Control thread: returns when the workers have taken everything that was injected so far; a
 * datapath_barrier() behind it returns when that is queued for its ports, whosever they are. */
void workers_settle(struct workers *);

/* What comes back. Pointers are valid during the call. */
struct worker_handler {
    void (*punt)(void *arg, const struct punt *, const uint8_t *frame, uint32_t size,
                 uint32_t total_size, uint32_t in_port);
    void (*local)(void *arg, const uint8_t *frame, uint32_t size, uint32_t in_port, nsec_t rx_time,
                  bool kernel_time);
    void (*dropped)(void *arg, const uint8_t *frame, uint32_t size, uint32_t in_port,
                    enum drop_reason);
    void (*transmitted)(void *arg, uint32_t tx_token, nsec_t wall);
    void (*port_changed)(void *arg, struct edge_port *);
    void *arg;
};
/* Control thread: calls the handler for what waits. True: more waits than one turn should take;
 * call it again after others have had theirs. */
MUST_CHECK bool workers_drain(struct workers *, const struct worker_handler *);

#endif
