/* worker_private.h - what the files of the packet thread share: worker.c has the loop,
 * worker_ports.c what comes in and which ports are up, worker_queues.c what goes out,
 * worker_records.c the rings between it and the control thread. */
#ifndef EDGE_WORKER_PRIVATE_H
#define EDGE_WORKER_PRIVATE_H

#include "edge/scheduler.h"
#include "edge/worker.h"

#include "io/carrier.h"

#include <pthread.h>

enum record_kind { RECORD_PUNT, RECORD_LOCAL, RECORD_DROP, RECORD_TX_STAMP, RECORD_PORT };

struct record {
    enum record_kind kind;
    uint32_t in_port, size, total_size;
    nsec_t time; /* of arrival, or of departure */
    bool kernel_time;
    uint8_t table_id;
    uint16_t reason, max_len;
    uint32_t token;
    uint64_t cookie, metadata, tunnel_id;
    struct edge_port *port;
    uint8_t frame[];
};

struct worker_port {
    struct edge_port *port;
    struct port_io *io;
    unsigned ifindex;
    bool dirty;        /* on the list of ports to flush */
    bool known;        /* its carrier has been heard of: the first time nothing is waited for */
    nsec_t restore_at; /* when it becomes live; NSEC_NEVER: not waiting for a time */
    nsec_t send_at;    /* when something may leave; 0: now */
    nsec_t full_until; /* the interface had no room: not before that */
    struct scheduler scheduler;
    struct { /* as of the last second, for other threads */
        _Atomic uint64_t rx_lost, rx_no_buffer, tx_refused;
    } counters;
};

struct bucket_limit { /* a plain token bucket, for punts and samples */
    uint32_t rate, level;
    nsec_t filled;
};

struct worker {
    struct datapath *dp;
    struct worker_options options;
    struct packet_pool *pool;
    struct pipeline *pipeline;
    struct carrier *carrier;
    struct worker_port *ports[MAX_PORTS];
    uint32_t n_ports;
    uint32_t port_index[MAX_PORTS]; /* by number, below MAX_PORTS: index + 1 */
    struct worker_port *dirty[MAX_PORTS];
    uint32_t n_dirty;
    struct ring commands, records;
    bool woken; /* the control thread has been told in this turn ... */
    bool late;  /* ... and may have been through with it before the last record came */
    int epoll_fd, event_fd;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    _Atomic nsec_t wait_to_restore;
    struct bucket_limit punts, samples;
    nsec_t now, next_second;
};

/* ---- worker.c ---- */

/* `what`: handed back with the event; a port, or the address of one of the worker's members. */
MUST_CHECK enum err worker_watch(struct worker *, int fd, void *what, struct diag *);

/* ---- worker_ports.c ---- */

/* NULL: not one of its ports. */
struct worker_port *worker_find_port(const struct worker *, uint32_t number);
void worker_on_carrier(void *worker, const struct carrier_event *);
/* Ports that have waited long enough are live again. */
void worker_restore_ports(struct worker *);
void worker_read_port(struct worker *, struct worker_port *);
void worker_read_stamps(struct worker *, struct worker_port *);
/* What the drivers count by themselves is added to what is counted here. */
void worker_count_losses(struct worker *);

/* ---- worker_queues.c ---- */

void worker_on_send(void *worker, struct edge_port *, struct packet *);
/* Sends what the ports take now. */
void worker_flush_ports(struct worker *);
/* Its port may have been configured anew. */
void worker_take_scheduling(struct worker_port *);
void worker_discard_queues(struct worker *, struct worker_port *);

/* ---- worker_records.c ---- */

/* A record with that frame; NULL: the ring has no room. worker_publish() makes it known. */
struct record *worker_new_record(struct worker *, enum record_kind, const uint8_t *frame,
                                 uint32_t size);
void worker_publish(struct worker *);
/* Once for the first record of a turn, at once; and once for all that came after it. */
void worker_end_turn(struct worker *);
void worker_on_punt(void *worker, const struct punt *);
void worker_on_local(void *worker, struct packet *);
void worker_on_dropped(void *worker, const struct packet *, enum drop_reason);
void worker_tell_port(struct worker *, struct edge_port *);
/* Carries out what was injected. */
void worker_run_commands(struct worker *);

#endif
