/* switch_private.h - what switch.c and switch_read.c share of one connection. */
#ifndef LAN_SWITCH_PRIVATE_H
#define LAN_SWITCH_PRIVATE_H

#include "io/timer.h"
#include "lan/switch.h"

#include <uthash.h>

#define READ_TIMEOUT (10 * NSEC_PER_SEC)

/* What an outstanding request is about. */
enum purpose {
    ASK_FEATURES,
    ASK_DESC,
    ASK_PORTS,
    ASK_ROLE,
    ASK_MONITOR,
    ASK_METERS,
    ASK_GROUPS,
    ASK_FLOWS,
    ASK_OP,
    ASK_BARRIER,
    ASK_PROD,
};

struct batch {
    struct switch_op *ops;
    uint32_t n, outstanding;
    nsec_t sent;
    switch_done_fn *done;
    void *arg;
    struct batch *next;
};

struct request {
    enum purpose purpose;
    struct batch *batch;
    struct switch_op *op;
};

/* Counters as of the last read. */
struct flow_count {
    struct rule_item *item; /* in `held` when it was read */
    uint64_t packets, octets;
    UT_hash_handle hh;
};

struct aliens {
    struct alien **list;
    uint32_t n;
};

/* What a read collects, until it is known to be clean. */
struct reading {
    bool active, failed;
    bool dirty;  /* our own changes overlapped it */
    bool flows;  /* of all, not only of groups and meters */
    bool wanted; /* somebody waits for it: make it again if it is not clean */
    bool again;  /* somebody asked meanwhile */
    uint64_t number;
    uint32_t outstanding;
    struct ruleset rules;
    struct aliens aliens;
    struct flow_count *counts;
};

struct lan_switch {
    uv_loop_t *loop;
    struct stream *stream;
    const struct lan_switch_handler *handler;
    void *arg;
    struct openflow_session *session;
    struct timer *timer;
    struct task *pump; /* events that wait for the next turn */
    bool identified, ready, has_monitor, prodded, closed;
    uint32_t handshake; /* answers that are missing before it is identified */
    uint64_t datapath_id;
    char software[160];
    struct openflow_port *ports;
    uint32_t n_ports;
    struct ruleset held;
    struct aliens aliens;
    struct reading reading;
    uint64_t version;      /* grows with every change of `held` */
    uint64_t begun, reads; /* numbers: of the last read that began; of the last clean one */
    struct flow_count *counts;
    struct batch *batches;
    nsec_t latency;
};

/* switch.c */
/* Sends what waits, and sets the timer. */
void lan_switch_flush(struct lan_switch *);
enum err lan_switch_ask_multipart(struct lan_switch *, uint32_t type, void *items, uint32_t n,
                                  enum purpose);

/* switch_read.c */
/* An answer, or that there is none, to a part of a read. */
void lan_switch_take_part(struct lan_switch *, const struct request *,
                          const struct openflow_event *);
/* This one has been taken away. */
void lan_switch_forget_alien(struct lan_switch *, struct alien *);
void lan_switch_reading_fini(struct lan_switch *);

#endif
