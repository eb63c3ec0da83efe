/* worker_private.h - what the files of the packet threads share: workers.c has all of them, as the
 * control thread sees them; worker.c the loop of one, worker_ports.c what comes in and which ports
 * are up, worker_queues.c what goes out, worker_handover.c the rings between workers,
 * worker_records.c those between them and the control thread. */
#ifndef EDGE_WORKER_PRIVATE_H
#define EDGE_WORKER_PRIVATE_H

#include "edge/scheduler.h"
#include "edge/worker.h"

#include "edge/tap.h"
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
    struct worker *owner;
    struct edge_port *port;
    struct port_io *io;
    unsigned ifindex;
    unsigned ptp_port; /* its index there */
    struct {
        uint64_t sent;
        nsec_t since;
    } up;                /* how many frames the kernel had handed up, and since when */
    bool dirty;          /* on the list of ports to flush */
    bool known;          /* its carrier has been heard of: the first time nothing is waited for */
    nsec_t restore_at;   /* when it becomes live; NSEC_NEVER: not waiting for a time */
    nsec_t send_at;      /* when something may leave; 0: now */
    nsec_t stamps_until; /* transmit timestamps may come */
    nsec_t full_until;   /* the interface had no room: not before that */
    struct scheduler scheduler;
    struct { /* as of the last second, for other threads */
        _Atomic uint64_t rx_lost, rx_no_buffer, tx_refused;
    } counters;
};

/* A limit that all workers share: so many in one second, evenly or at once. */
struct shared_limit {
    nsec_t cost; /* of one */
    _Atomic nsec_t due;
};

struct workers {
    struct datapath *dp;
    struct worker_options options;
    unsigned n;
    struct worker *list[WORKERS_MAX];
    struct worker_port *by_number[MAX_PORTS];
    uint32_t n_ports;
    struct ptp_node *ptp; /* NULL: off */
    _Atomic nsec_t wait_to_restore;
    struct shared_limit punts, samples;
};

struct worker {
    struct workers *all;
    unsigned index; /* in qsbr and among all */
    struct datapath *dp;
    struct packet_pool *pool;
    struct pipeline *pipeline;
    struct carrier *carrier;
    struct ptp_worker *ptp; /* its part of it; NULL: off */
    struct worker_port *ports[MAX_PORTS];
    uint32_t n_ports;
    struct worker_port *dirty[MAX_PORTS];
    uint32_t n_dirty;
    struct ring commands, records;
    struct ring *inbox;  /* one from each worker; NULL: there is one worker only */
    uint32_t handed;     /* a bit per worker that has been handed packets and not been told */
    _Atomic bool asleep; /* or about to be: whoever hands it packets wakes it */
    bool woken;          /* the control thread has been told in this turn ... */
    bool late;           /* ... and may have been through with it before the last record came */
    int epoll_fd, event_fd, second_fd;
    pthread_t thread;
    bool started, realtime;
    _Atomic bool stop;
    nsec_t now;
    uint32_t n_received; /* frames, in this turn */
    nsec_t counted_at;   /* the last turn that had any */
    nsec_t interval;     /* between frames, on the average */
    bool polls;          /* the ports' frames do not wake it */
    uint32_t n_poor;     /* turns in a row in which that brought next to nothing */
    nsec_t woken_since;  /* when it stopped that */
    bool breathes;       /* has real-time priority, and sleeps for others' sake */
    nsec_t awake_since;  /* as if it had not slept since */
};

/* ---- workers.c ---- */

/* NULL: not one of theirs. */
struct worker_port *workers_find_port(const struct workers *, uint32_t number);

/* Stops them, in the middle of what they have to send. */
void workers_end_threads(struct workers *);

static inline struct worker_port *
workers_port(const struct workers *all, uint32_t number)
{
    return number < MAX_PORTS ? all->by_number[number] : workers_find_port(all, number);
}

/* ---- worker.c ---- */

MUST_CHECK enum err worker_new(struct workers *, unsigned index, struct worker **, struct diag *);
/* Its thread has ended. NULL is fine. */
void worker_free(struct worker *);
MUST_CHECK enum err worker_start(struct worker *, struct diag *);
/* Any thread: it takes another turn. */
void worker_wake(struct worker *);
/* `what`: handed back with the event; a port, or the address of one of the worker's members. */
MUST_CHECK enum err worker_watch(struct worker *, int fd, void *what, struct diag *);

/* ---- worker_ports.c ---- */

/* Takes the opened interface, also when it fails. */
MUST_CHECK enum err worker_add_port(struct worker *, struct edge_port *, struct port_io *,
                                    struct diag *);
void worker_on_carrier(void *worker, const struct carrier_event *);
/* The port is known to be down; netlink will say so too, and when it is up again. */
void worker_port_lost(struct worker *, struct worker_port *);
/* Ports that have waited long enough are live again. */
void worker_restore_ports(struct worker *);
void worker_read_port(struct worker *, struct worker_port *);
/* All of them, and their stamps. */
void worker_read_ports(struct worker *);
/* Busy-polling, between two vectors: heartbeats wait for nothing longer than that. */
void worker_poll_heartbeats(struct worker *);
void worker_read_stamps(struct worker *, struct worker_port *);
/* What the drivers count by themselves is added to what is counted here. */
void worker_count_losses(struct worker *);

/* ---- worker_queues.c ---- */

void worker_on_send(void *worker, struct edge_port *, struct packet *);
/* Queues a packet for one of the worker's own ports, or drops and counts it. */
void worker_enqueue(struct worker *, struct worker_port *, unsigned queue, struct packet *);
/* Sends what the ports take now. */
void worker_flush_ports(struct worker *);
/* Its port may have been configured anew. */
void worker_take_scheduling(struct worker_port *);
void worker_discard_queues(struct worker *, struct worker_port *);
/* Counts a packet that was on its way to a port. */
void worker_drop_outgoing(struct worker *, struct edge_port *, unsigned queue, enum drop_reason);

/* ---- worker_handover.c ---- */

void worker_handover_init(struct worker *);
void worker_handover_fini(struct worker *);
/* A packet for another worker's port. */
void worker_hand_over(struct worker *, struct worker_port *, unsigned queue, struct packet *);
/* Wakes those that were handed packets and sleep. */
void worker_tell_others(struct worker *);
/* Queues what others have handed to this one. */
void worker_take_handed(struct worker *);
/* Is there any? */
bool worker_is_handed(struct worker *);
/* Control thread: returns when the workers have queued what has been handed to them so far. */
void workers_settle_handover(struct workers *);

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

/* For captures: what became of a packet that the pipeline has let go. */
static inline void
worker_tap(const struct worker *w, const struct packet *p, uint32_t port, enum drop_reason reason)
{
    struct tap *tap = pipeline_tap(w->pipeline);
    if (__builtin_expect(tap == NULL, 1))
        return;
    if (reason)
        tap_dropped(tap, p, reason, false);
    else
        tap_sent(tap, p, port);
}

#endif
