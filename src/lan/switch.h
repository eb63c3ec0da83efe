/* switch.h - one connected OpenFlow 1.3 switch, as the controller sees it.
 *
 *     stream open -> HELLO -> FEATURES, DESC, PORT_DESC, ROLE -> tables read -> ready -> closed
 *
 * It keeps what the switch is known to hold (`held`): read back when it connects and whenever
 * asked, kept up by what the switch confirms of our own messages, and by its flow monitor, where it
 * has one, of what others do. A read that our own changes overlapped is thrown away and made again.
 */
#ifndef LAN_SWITCH_H
#define LAN_SWITCH_H

#include "engineer/ruleset.h"
#include "io/stream.h"
#include "proto/openflow/openflow_session.h"

struct lan_switch;

/* A flow, group or meter with something in it that this program has no form for. */
struct alien {
    uint32_t holders;
    char *text; /* for people */
    enum rule_kind kind;
    uint8_t table_id;
    uint16_t priority;
    uint64_t cookie;
    uint32_t number;  /* of a group or meter */
    struct buf match; /* of a flow, as it came: to name it when it is deleted */
};
void alien_release(struct alien *); /* NULL is fine */

struct lan_switch_handler {
    /* It has said who it is; decide whether to go on with it: false refuses it, with a reason in
     * the diag. */
    bool (*identified)(void *arg, struct lan_switch *, struct diag *);
    /* Its tables have been read for the first time. */
    void (*ready)(void *arg, struct lan_switch *);
    /* They have been read again, or (`monitored`) somebody else changed them. */
    void (*tables_changed)(void *arg, struct lan_switch *, bool monitored);
    void (*packet_in)(void *arg, struct lan_switch *, const struct openflow_packet_in *);
    void (*port_changed)(void *arg, struct lan_switch *, const struct openflow_port *);
    /* False: whoever stood still may have been relieved meanwhile: what was to be sent is not. */
    bool (*may_send)(void *arg);
    /* The end; free it. */
    void (*closed)(void *arg, struct lan_switch *, enum err, const char *reason);
};

/* Takes over an accepted stream. Never NULL. */
struct lan_switch *lan_switch_new(uv_loop_t *, struct stream *, const struct lan_switch_handler *,
                                  void *arg);
/* Ends the connection; `closed` follows. */
void lan_switch_close(struct lan_switch *, enum err, const char *why);
void lan_switch_free(struct lan_switch *); /* NULL is fine; `closed` is not called. */

const char *lan_switch_peer(const struct lan_switch *); /* from its certificate */
const char *lan_switch_address(const struct lan_switch *);
uint64_t lan_switch_datapath_id(const struct lan_switch *);
const char *lan_switch_software(const struct lan_switch *); /* "Open vSwitch 3.1.0" */
uint32_t lan_switch_n_ports(const struct lan_switch *);
const struct openflow_port *lan_switch_ports(const struct lan_switch *);
bool lan_switch_is_ready(const struct lan_switch *);
bool lan_switch_has_monitor(const struct lan_switch *);
/* The echo's or the last barrier's round trip; 0: not known yet. */
nsec_t lan_switch_latency(const struct lan_switch *);

/* What it is known to hold. */
struct ruleset *lan_switch_held(struct lan_switch *);
/* Grows with every change of that. */
uint64_t lan_switch_version(const struct lan_switch *);
uint32_t lan_switch_n_aliens(const struct lan_switch *);
struct alien *lan_switch_alien(const struct lan_switch *, uint32_t i);
/* Packets and octets of a flow as of the last read; false: not known. */
bool lan_switch_flow_counters(const struct lan_switch *, const struct flow *, uint64_t *packets,
                              uint64_t *octets);

/* One thing to do: put this rule there, or take it away. */
struct switch_op {
    bool remove;
    uint8_t mark;           /* the caller's own */
    struct rule_item *item; /* held by the caller until `done` */
    struct alien *alien;    /* instead of an item, to remove; held likewise */
    enum err err;           /* set before `done` */
    char why[120];
};

/* Sends all of them and a barrier behind, and calls `done` once when every one is confirmed or has
 * failed: the outcome is in the ops. ERR_CLOSED, ERR_TIMEOUT on all that were outstanding when it
 * went. `held` is up to date when `done` is called. The ops must stay where they are. */
typedef void switch_done_fn(void *arg, struct lan_switch *, struct switch_op *, uint32_t n);
void lan_switch_apply(struct lan_switch *, struct switch_op *, uint32_t n, nsec_t timeout,
                      switch_done_fn *done, void *arg);

/* Reads its tables again; `tables_changed` follows when that was clean. More calls meanwhile are
 * one more read. Reads are numbered: returns the number of the first one that begins now or later.
 */
uint64_t lan_switch_read(struct lan_switch *);
/* The number of the newest read that was clean. */
uint64_t lan_switch_reads(const struct lan_switch *);
/* Reads what nobody reports: groups and meters, and flows if it has no monitor, or `flows` says so:
 * a monitor can be wrong, and counters are read along. */
void lan_switch_poll(struct lan_switch *, bool flows);
/* Asks whether it is still there: it has a second to answer, or it is closed. */
void lan_switch_prod(struct lan_switch *);

void lan_switch_packet_out(struct lan_switch *, uint32_t port, const uint8_t *frame, size_t size);

#endif
