/* openflow_switch_private.h - what the files of openflow_switch.h share: channels and dispatch in
 * openflow_switch.c, commands in _commands.c, multipart replies in _stats.c and _tables.c,
 * notifications in _events.c, flow monitors in _monitor.c, bundles in _bundle.c. */
#ifndef EDGE_OPENFLOW_SWITCH_PRIVATE_H
#define EDGE_OPENFLOW_SWITCH_PRIVATE_H

#include "edge/openflow_switch.h"

struct monitor;
struct bundle;

/* What a channel is busy with before it reads its next message. */
enum job_kind {
    JOB_NONE,
    JOB_FLOWS,     /* OFPMP_FLOW */
    JOB_AGGREGATE, /* OFPMP_AGGREGATE */
    JOB_MONITOR,   /* the flows that are there when a monitor begins */
    JOB_IDS,       /* groups or meters, by their numbers */
    JOB_INJECT,    /* a packet-out that found no room */
};

struct job {
    enum job_kind kind;
    uint32_t type, xid; /* of the multipart message */
    struct flow_request filter;
    struct flow filter_flow; /* what `filter` points to; no actions */
    struct datapath_cursor at;
    unsigned last_table;
    struct openflow_aggregate sum;
    uint32_t *ids; /* taken at the beginning */
    uint32_t n_ids, next_id;
    const struct openflow_packet_out *packet_out; /* in the session's current message */
};

enum monitor_phase {
    MONITOR_LIVE,
    MONITOR_PAUSED,  /* the queue has to drain first */
    MONITOR_CATCH_UP /* telling what was missed, in pieces */
};

struct openflow_channel {
    struct openflow_switch *sw;
    struct openflow_channel *prev, *next;
    struct openflow_session *session;
    void *user;
    nsec_t now;
    bool running;         /* inside openflow_channel_run() */
    bool ended, told_end; /* the session's DOWN was seen */
    enum err err;
    struct diag why;

    enum openflow_role role;
    struct openflow_async async;
    struct openflow_config config;
    /* Of the message that is being handled. */
    struct openflow_error error;
    struct openflow_data raw;
    bool again; /* stopped in the middle, to let others have their turn */

    struct job job;
    size_t pending;  /* octets that the transport has not taken */
    nsec_t progress; /* when it last took some, or nothing waited */

    struct monitor *monitors;
    uint32_t n_monitors;
    enum monitor_phase phase;
    uint64_t base;        /* changes of the datapath when it paused */
    uint64_t told;        /* changes it was told of since */
    uint32_t abbreviated; /* the request last told about in short */
    bool has_abbreviated;

    struct bundle *bundles;
    uint32_t n_bundles;
    size_t bundled; /* octets of messages in them */
    bool committing;
    uint64_t packet_ins_dropped;
};

struct openflow_switch {
    struct datapath *dp;
    struct openflow_switch_config config;
    char *name;
    struct openflow_channel *channels;
    struct openflow_channel *current; /* whose message is being carried out */
    bool has_generation;              /* of roles */
    uint64_t generation_id;
    nsec_t now;
};

/* Sets the error to answer with; returns false. */
bool refuse(struct openflow_channel *, uint16_t type, uint16_t code);
bool refuse_onf(struct openflow_channel *, uint16_t code);
bool refuse_nx(struct openflow_channel *, uint16_t code);
/* True unless it is an error. */
bool accept(struct openflow_channel *, struct dp_error);

/* Sends a message; what cannot be sent closes the channel. */
void channel_send(struct openflow_channel *, const struct openflow_message *);
void channel_fail(struct openflow_channel *, enum err, const char *why);
/* Octets that wait, here and in the transport. */
size_t channel_waiting(const struct openflow_channel *);
/* For notifications that cannot be left out: false if the channel cannot take one. */
bool channel_takes(struct openflow_channel *);
/* Asks for openflow_channel_run(), unless that is where we are. */
void channel_wake(struct openflow_channel *);

/* A multipart reply, item by item, sent in messages as it grows. */
#define REPLY_ITEMS 64
struct reply {
    struct openflow_channel *ch;
    uint32_t type, xid, n;
    size_t size; /* of an item */
    uint8_t *items;
    void (*fini)(
        void *item); /* frees what an item has of its own, once it is sent; NULL: nothing */
};
void reply_begin(struct reply *, struct openflow_channel *, uint32_t type, uint32_t xid,
                 size_t item_size);
/* Room for the next item, zeroed. */
void *reply_add(struct reply *);
/* Sends what is left: as the last part, or with MORE, and another reply goes on. */
void reply_end(struct reply *, bool more);
/* A reply of a single body. */
void reply_one(struct openflow_channel *, uint32_t type, uint32_t xid, void *body);

void duration_since(const struct openflow_channel *, nsec_t created, uint32_t *s, uint32_t *ns);

/* Commands; false: refused. */
bool apply_flow_mod(struct openflow_channel *, const struct openflow_message *);
bool apply_group_mod(struct openflow_channel *, const struct openflow_message *);
bool apply_meter_mod(struct openflow_channel *, const struct openflow_message *);
bool apply_port_mod(struct openflow_channel *, const struct openflow_message *);
bool apply_table_mod(struct openflow_channel *, const struct openflow_message *);
/* Takes the interface up or down if the message says so; true: done, or nothing to do. A bundle
 * does it when it has succeeded. */
bool set_admin(struct openflow_channel *, const struct openflow_port_mod *);
bool handle_packet_out(struct openflow_channel *, const struct openflow_message *);
/* Tries again; false: still no room. */
bool job_inject(struct openflow_channel *);

bool handle_multipart(struct openflow_channel *, const struct openflow_message *);
bool handle_queue_config(struct openflow_channel *, const struct openflow_message *);
bool handle_table_features(struct openflow_channel *, const struct openflow_message *);
/* Goes on with a job for a while; false: it is done. */
bool job_run(struct openflow_channel *);
void job_end(struct openflow_channel *);

/* Is this an action that flows, groups and packet-outs may have? */
bool action_is_known(unsigned type);
void describe_port(const struct edge_port *, struct openflow_port *);

/* Events. */
enum openflow_flow_removed_reason reason_on_the_wire(enum flow_removed_reason);
void switch_flow_event(void *arg, const struct flow_notice *);
void switch_port_event(void *arg, struct edge_port *);

/* Flow monitors. */
bool handle_monitor(struct openflow_channel *, const struct openflow_message *);
bool handle_monitor_cancel(struct openflow_channel *, const struct openflow_message *);
void monitor_flow_event(struct openflow_channel *, const struct flow_notice *);
/* One of the flows that are there when monitors begin: those with an id from job.ids. */
void monitor_initial(struct openflow_channel *, struct reply *, struct entry *);
/* Goes on after a pause; true: there is more to do at once. */
bool monitor_catch_up(struct openflow_channel *);
void monitors_free(struct openflow_channel *);

/* Bundles. */
bool handle_bundle_control(struct openflow_channel *, const struct openflow_message *);
bool handle_bundle_add(struct openflow_channel *, const struct openflow_message *);
void bundles_free(struct openflow_channel *);

#endif
