/* worker.h - the thread that forwards: ports in, pipeline, queues, ports out.
 *
 * It sleeps in epoll until a frame, a change of carrier or a command comes; takes frames in vectors
 * of 32; queues what goes out per port and class; sends by strict priority, shaped if the port has
 * a rate. A port that loses its carrier stops being live in the same turn, so the next packet's
 * group takes its other bucket: failover costs one store.
 *
 * The control thread talks to it by rings: worker_inject() in, worker_drain() out. */
#ifndef EDGE_WORKER_H
#define EDGE_WORKER_H

#include "edge/pipeline.h"
#include "io/port.h"

struct worker;

struct worker_options {
    uint32_t n_packets, n_jumbo; /* buffers; 0: 8192 and 256 */
    uint32_t cache_size;         /* programs; 0: 65536 */
    uint32_t punts_per_second;   /* to the controller; 0: 1000 */
    uint32_t samples_per_second; /* of dropped packets; 0: 10 */
    struct fast_path *fast;      /* for ports whose driver is the kernel's; NULL: there are none */
    /* Called in the worker's thread when worker_drain() has something to do. */
    void (*wake)(void *arg);
    void *wake_arg;
};

MUST_CHECK enum err worker_new(struct datapath *, const struct worker_options *, struct worker **,
                               struct diag *);
/* Stops the thread; closes its ports. NULL is fine. */
void worker_free(struct worker *);

/* Opens an interface for a port of the datapath; before worker_start(). */
MUST_CHECK enum err worker_add_port(struct worker *, struct edge_port *,
                                    const struct port_options *, struct diag *);
MUST_CHECK enum err worker_start(struct worker *, struct diag *);

/* The driver of a port, as port_driver() says it; NULL: not one of its ports. */
const char *worker_port_driver(const struct worker *, uint32_t number);
/* As port_is_isolated(). */
bool worker_port_is_isolated(const struct worker *, uint32_t number, const char **why);
/* Losses in the kernel, below the datapath's own counters; as of the last second. */
void worker_port_counters(const struct worker *, uint32_t number, struct port_counters *);

/* The cache's counters. Any thread. */
void worker_get_stats(const struct worker *, struct pipeline_stats *);

/* How long a port that is up again must stay up before groups use it; -1: until
 * worker_release_port(). Any thread. The default is 0. */
void worker_set_wait_to_restore(struct worker *, nsec_t);
/* Ends the waiting of this port, or of all with PORT_ANY. */
void worker_release_port(struct worker *, uint32_t number);

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
MUST_CHECK enum err worker_inject(struct worker *, const struct injection *);
/* Control thread: returns when the worker has taken everything that was injected so far; a
 * datapath_barrier() behind it returns when that is queued for its ports. */
void worker_settle(struct worker *);

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
MUST_CHECK bool worker_drain(struct worker *, const struct worker_handler *);

#endif
