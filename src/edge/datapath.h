/* datapath.h - the packet node's tables and what is done to packets by them (OpenFlow 1.3, ONF
 * TS-006).
 *
 * Threads. One control thread calls everything here that has no `worker` in its name; it is the
 * only writer of tables. The packet worker runs pipeline_*() (pipeline.h) on vectors of packets and
 * reads the tables without locks (qsbr.h). Packets for the controller and for the node itself, and
 * packets to send, cross in rings (ring.h).
 *
 * Order. A change is first published, then `generation` is raised, which makes every cached program
 * stale, and only then what it replaced is given to qsbr to be freed; datapath_barrier() returns
 * when no worker can still act on anything older. So a barrier means it: packets that arrive after
 * the barrier's reply obey every message before it.
 *
 * Several changes together. Between datapath_begin() and datapath_commit() every change is noted
 * with what it replaces, so that datapath_rollback() brings back exactly what was there: the same
 * entries, with their counters. Nobody is told of a change before the commit. A single change is a
 * transaction of its own.
 *
 * Nothing here knows the wire: openflow_switch.h translates, and answers with the error codes,
 * which are OpenFlow's own (types 1 to 13 of section 7.4.4) so that they need no translation. */
#ifndef EDGE_DATAPATH_H
#define EDGE_DATAPATH_H

#include "edge/expiry.h"
#include "edge/idmap.h"
#include "edge/meter.h"
#include "edge/redundancy.h"
#include "edge/ring.h"
#include "edge/scheduler_config.h"
#include "edge/slots.h"

#define N_TABLES 254
#define MAX_PORTS 256

/* Why a packet was dropped. One named counter each; OpenMetrics, `edge stats` and traces use the
 * names. */
enum drop_reason {
    DROP_NONE,
    DROP_RUNT,           /* no whole Ethernet header */
    DROP_NO_MATCH,       /* no entry in a table covers it: default deny */
    DROP_NO_OUTPUT,      /* entries matched, and none of them sends it anywhere */
    DROP_METER,          /* over its committed rate */
    DROP_NO_LIVE_BUCKET, /* every path its group could take is down */
    DROP_NO_SUCH_PORT,   /* output to a port that is not there */
    DROP_SAME_PORT,      /* output to the port it came from, without saying IN_PORT */
    DROP_PORT_DOWN,      /* output port has no carrier or is administratively down */
    DROP_PORT_CONFIG,    /* the port's OFPPC_NO_RECV or OFPPC_NO_FWD */
    DROP_TTL_EXPIRED,
    DROP_NO_ROOM,       /* more headers pushed than there is room for */
    DROP_NO_BUFFER,     /* the packet pool is empty */
    DROP_TOO_LARGE,     /* larger than the output port can send */
    DROP_QUEUE_FULL,    /* egress queue of its class is full */
    DROP_SEND_FAILED,   /* the kernel refused it */
    DROP_DEPTH,         /* groups nested too deeply */
    DROP_PUNT_LIMIT,    /* for the controller, over the limit of packet-ins */
    DROP_PUNT_FULL,     /* for the controller, which does not keep up */
    DROP_LOCAL_FULL,    /* for the node itself, which does not keep up */
    DROP_HANDOVER_FULL, /* for a port of another packet thread, which does not keep up */
    DROP_DUPLICATE,     /* the second copy of what came by another path */
    DROP_NO_SEQUENCE,   /* has no sequence number where it needs one */
    DROP_PTP,           /* a PTP message that a transparent clock of this mode does not forward */
    DROP_MAX
};

struct drop_info {
    const char *name, *help;
};
extern const struct drop_info drop_table[DROP_MAX];

/* A port as the packet path sees it. */
struct edge_port {
    uint32_t number;
    char name[16];
    struct mac mac;
    _Atomic bool up;         /* carrier and administratively up */
    _Atomic bool live;       /* up, and for as long as wait-to-restore asks */
    _Atomic bool held;       /* the controller says that groups must not use it */
    _Atomic uint8_t fault;   /* so does the heartbeat: enum heartbeat_fault; 0: none */
    _Atomic uint32_t config; /* OFPPC_* bits */
    _Atomic uint32_t mtu;    /* largest frame it can send, octets with a tag, without FCS */
    /* How its queues share it; replaced as a whole. NULL: the defaults. */
    struct scheduler_config *_Atomic scheduling;
    uint32_t speed_kbps; /* of the interface as it says; 0: not known */
    uint32_t ifindex;    /* the kernel's fast path forwards to and from it; 0: it does not */
    uint32_t up_ifindex; /* where that hands over what it does not forward */
    /* How many frames it has handed over; of those, as many as have left again at the least. */
    _Atomic uint64_t up_sent, up_done;
    nsec_t created;
    struct {
        _Atomic uint64_t packets, octets, dropped, errors;
    } rx, tx;
    struct {
        _Atomic uint64_t packets, octets, dropped;
    } queues[N_QUEUES];
};

#define PORT_CONFIG_DOWN 1u    /* OFPPC_PORT_DOWN */
#define PORT_CONFIG_NO_RECV 4u /* OFPPC_NO_RECV */
#define PORT_CONFIG_NO_FWD 32u /* OFPPC_NO_FWD */
#define PORT_CONFIG_NO_PACKET_IN 64u

struct group_entry;

struct bucket_entry {
    uint16_t weight;
    struct edge_port *watch_port;    /* NULL: none, or a port that is not there (`watches`) */
    struct group_entry *watch_group; /* NULL likewise */
    bool watches;
    uint32_t watch_port_number, watch_group_id;
    struct actions actions; /* as given, for descriptions */
    struct actions set;     /* as executed: in the action set's order */
    struct counters counters;
};

/* What a group consists of; replaced as a whole. */
struct group_body {
    uint8_t type;
    uint32_t n_buckets;
    uint32_t total_weight;
    struct bucket_entry buckets[];
};

struct group_entry {
    uint32_t group_id;
    struct group_body *_Atomic body;
    uint32_t n_flows, n_groups; /* entries and buckets that name it; control thread's */
    nsec_t created;
    struct counters counters;
};

enum flow_removed_reason {
    REMOVED_IDLE,
    REMOVED_HARD,
    REMOVED_DELETE,
    REMOVED_GROUP,
    REMOVED_METER
};

/* Told to the agent, for flow-removed messages and flow monitors. */
enum flow_event { FLOW_ADDED, FLOW_MODIFIED, FLOW_REMOVED };

struct flow_notice {
    enum flow_event event;
    enum flow_removed_reason reason;
    uint32_t tag; /* the datapath's when it was changed */
    const struct entry *entry;
    const struct flow *flow;
    uint64_t packets, octets;
    nsec_t duration;
};

/* Called when a change is committed. They must not change the datapath. */
struct datapath_hooks {
    void (*flow)(void *arg, const struct flow_notice *);
    void (*port)(void *arg, struct edge_port *); /* its config has changed */
    void *arg;
};

/* An OpenFlow error: type and code of OFPT_ERROR; type 0xffff means none. */
struct dp_error {
    uint16_t type, code;
};

#define DP_OK ((struct dp_error){0xffff, 0})

static inline bool
dp_failed(struct dp_error e)
{
    return e.type != 0xffff;
}

struct limits {
    uint32_t flows, groups, meters, buckets; /* most of each; buckets: per group */
};

struct table_counts {
    uint64_t lookups, matches;
};

/* Memory that the kernel's fast path shares (fast_path.h): what is taken from here it can use. */
struct datapath_shared {
    struct slots *ports, *meters, *counters; /* all or none */
    void *generation;            /* a copy of the datapath's, 64 bits; NULL: nobody wants one */
    struct table_counts *tables; /* looked up and found there, of each table; as collected */
    /* Adds what was counted there for ports, queues, tables and drops to what is counted here. */
    void (*collect)(void *arg);
    void *arg;
};

/* What one worker counts of all tables. */
struct datapath_lane {
    struct {
        _Atomic uint64_t lookups, misses;
    } tables[N_TABLES];
    _Alignas(64) char end[];
};

struct datapath {
    struct qsbr qsbr;
    _Atomic uint64_t generation; /* raised after every change a cached program could depend on */
    struct datapath_shared shared;
    struct flow_table tables[N_TABLES];
    struct idmap groups, meters, ports;
    struct redundancy *redundancy;
    struct edge_port *_Atomic low_ports[MAX_PORTS]; /* by number: of `ports`, those below that */
    struct limits limits;
    uint32_t n_flows;
    uint32_t n_lanes; /* of everything that workers count packet by packet */
    struct datapath_lane *lanes;
    struct table_counts inherited[N_TABLES]; /* by another process, before this one */
    struct datapath_hooks hooks;
    /* Packets whose TTL expires go to the controller too (OFPR_INVALID_TTL), as much of them. */
    _Atomic bool punt_expired;
    _Atomic uint16_t punt_expired_octets;
    /* All entries by when they were last changed; `n_changes` counts the changes. */
    struct entry *oldest, *newest;
    uint64_t n_changes;
    uint32_t tag; /* noted with every change, and given back when it is told */
    /* The transaction that is open. */
    bool open, exclusive;
    struct change *log;
    uint32_t n_log, log_capacity;
    /* Entries with timeouts. */
    struct expiry expiring;
    _Atomic uint64_t drops[DROP_MAX];
};

struct datapath *datapath_new(const struct limits *);
/* No worker may be running. */
void datapath_free(struct datapath *);
/* How many packet workers there will be, each with its lane in all counters (counters.h): before
 * the first entry or group, and before the first pipeline. 1 unless set. */
void datapath_set_lanes(struct datapath *, unsigned n);

/* Ports are added before the worker starts, and by the control thread later. The datapath owns it.
 */
struct edge_port *datapath_add_port(struct datapath *, uint32_t number, const char *name,
                                    const struct mac *, nsec_t now);
/* NULL: there is none. */
static inline struct edge_port *
datapath_port(const struct datapath *dp, uint32_t number)
{
    return number < MAX_PORTS ? atomic_load_explicit(&dp->low_ports[number], memory_order_acquire)
                              : idmap_get(&dp->ports, number);
}

/* Before anything is added. The slots and what they are in stay the caller's, who frees them after
 * the datapath. */
void datapath_share(struct datapath *, const struct datapath_shared *);
/* Makes the counters of ports, queues, tables and drops complete: before they are told. */
void datapath_collect(struct datapath *);

/* What all workers, and the kernel, have looked up in a table, and found. */
struct table_counts datapath_table_counts(const struct datapath *, unsigned table);

/* How the port's queues share it from now on: a checked configuration, which is copied. What waits
 * in the queues stays. */
void datapath_schedule_port(struct datapath *, struct edge_port *, const struct scheduler_config *);

/* As it is now; the control thread's. */
static inline struct scheduler_config
port_scheduling(const struct edge_port *port)
{
    struct scheduler_config *c = atomic_load_explicit(&port->scheduling, memory_order_acquire);
    return c ? *c : (struct scheduler_config){.version = 0};
}

/* Several changes as one. No other change may come in between; the calls below that change
 * something take part. `exclusive`: the packet workers wait from here until the commit or rollback
 * is in effect, so that no packet meets only a part of it. */
void datapath_begin(struct datapath *, bool exclusive);
void datapath_commit(struct datapath *, nsec_t now);
/* Undoes everything since datapath_begin(). */
void datapath_rollback(struct datapath *);

/* Changes those bits of the port's config that are in `mask` (PORT_CONFIG_*). A port that is
 * configured down is out of use at once, for groups too. */
void datapath_configure_port(struct datapath *, struct edge_port *, uint32_t config, uint32_t mask);

enum flow_command { FLOW_ADD, FLOW_MODIFY, FLOW_MODIFY_STRICT, FLOW_DELETE, FLOW_DELETE_STRICT };

/* OFPT_FLOW_MOD (section 6.4). `flow->table_id` may be TABLE_ALL to delete. `out_port`,
 * `out_group`: filters for deletes, PORT_ANY and GROUP_ANY for none. All checks come before any
 * change. */
struct flow_request {
    enum flow_command command;
    const struct flow *flow;
    uint64_t cookie_mask;
    uint32_t out_port, out_group;
};
struct dp_error datapath_flow_mod(struct datapath *, const struct flow_request *, nsec_t now);

enum group_command { GROUP_ADD, GROUP_MODIFY, GROUP_DELETE };
struct dp_error datapath_group_mod(struct datapath *, enum group_command, const struct group *,
                                   nsec_t now);

enum meter_command { METER_ADD, METER_MODIFY, METER_DELETE };
struct dp_error datapath_meter_mod(struct datapath *, enum meter_command, const struct meter *,
                                   nsec_t now);

/* Returns when every packet that arrives from now on obeys all changes so far. */
void datapath_barrier(struct datapath *);
/* Removes entries whose time has come, some thousands at most, and frees what waits. Call it a few
 * times a second, never while a transaction is open. True: more are due, call it again soon. */
bool datapath_tick(struct datapath *, nsec_t now);

/* Visits entries that `filter` selects (its command is ignored), by table; OFPMP_FLOW, _AGGREGATE.
 */
void datapath_each_flow(struct datapath *, const struct flow_request *filter,
                        void (*visit)(void *arg, struct entry *), void *arg);
/* Does the filter select this entry? */
bool datapath_flow_selected(const struct flow_request *filter, const struct entry *);

/* A walk over the entries of all tables in pieces: see flow_table_scan(). */
struct datapath_cursor {
    unsigned table;
    struct flow_cursor at;
};
/* Goes on with tables up to and including `last`. False: the end was reached. */
bool datapath_scan(const struct datapath *, struct datapath_cursor *, unsigned last,
                   uint32_t n_buckets, void (*visit)(void *arg, struct entry *), void *arg);

/* Is an action list acceptable here (section 6.4 and 7.2.5)? The prerequisites of set-field are
 * checked against the match; `match` NULL skips that (buckets, packet-out). */
struct dp_error datapath_check_actions(const struct datapath *, const struct actions *,
                                       const struct match *);

/* The order in which an action set is executed (section 5.10), duplicates resolved: the last wins.
 * The result belongs to the caller. */
void action_set_order(const struct actions *written, struct actions *ordered);

/* May groups use the port? `LOOK` reads one of its members. */
#define EDGE_PORT_IS_LIVE(port, LOOK)                                                              \
    (LOOK((port)->live) && !LOOK((port)->held) && !LOOK((port)->fault))
#define LOOK_ACQUIRE(member) atomic_load_explicit(&(member), memory_order_acquire)

static inline bool
port_is_live(const struct edge_port *port)
{
    return EDGE_PORT_IS_LIVE(port, LOOK_ACQUIRE);
}

bool group_is_live(const struct group_entry *);
static inline bool
bucket_is_live(const struct bucket_entry *b)
{
    if (!b->watches)
        return true;
    if (b->watch_port && port_is_live(b->watch_port))
        return true;
    return b->watch_group && group_is_live(b->watch_group);
}

/* The group as told, to be freed with group_fini(). */
void group_entry_describe(const struct group_entry *, struct group *);

#endif
