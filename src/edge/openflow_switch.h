/* openflow_switch.h - the switch side of OpenFlow 1.3.5 (ONF TS-023) over a datapath: what is
 * answered to each message, as a pure machine. Octets of a controller go in, octets for it come
 * out; sockets and clocks are openflow_agent.h's.
 *
 * One `struct openflow_switch` serves any number of channels (controllers, management tools).
 * Messages of a channel are carried out strictly one after the other. So a barrier needs no
 * bookkeeping of its own: when it is read, all before it is done, and what remains is to wait until
 * no packet can meet anything older.
 *
 * A reply may be long (a million flows). It is written in pieces, as the peer takes them; until it
 * is done, the channel reads nothing more. The same back-pressure meets a peer that asks and does
 * not read. So what a channel takes is bounded: the input given at once, one piece of a reply, and
 * OPENFLOW_SWITCH_QUEUE octets of notifications. What does not fit there:
 *
 *   packet-in       is dropped, and counted (DROP_PUNT_FULL)
 *   flow monitors   pause, and catch up later (EXT-187)
 *   flow-removed, port-status  cannot be made up for: the channel is closed, with a reason, and the
 *                   controller finds out what is true when it connects again
 *
 * Fail-secure (section 6.4): tables do not depend on channels. Roles, configuration, bundles and
 * monitors belong to the channel and go with it. */
#ifndef EDGE_OPENFLOW_SWITCH_H
#define EDGE_OPENFLOW_SWITCH_H

#include "edge/worker.h"
#include "proto/openflow/openflow_session.h"

#define OPENFLOW_SWITCH_PIECE                                                                      \
    ((size_t)256 << 10)                          /* no more is written while more waits than this */
#define OPENFLOW_SWITCH_QUEUE ((size_t)32 << 20) /* octets a channel may have waiting */
#define OPENFLOW_SWITCH_STALL                                                                      \
    (30 * NSEC_PER_SEC)            /* a peer that takes nothing for so long is left */
#define OPENFLOW_SWITCH_BUNDLES 16 /* open at a time, per channel */
#define OPENFLOW_SWITCH_BUNDLED ((size_t)8 << 20) /* octets of messages in them together */
#define OPENFLOW_SWITCH_MONITORS 256              /* per channel */

struct openflow_switch;  /* Opaque; not thread-safe: the datapath's control thread. */
struct openflow_channel; /* Opaque. */

struct openflow_switch_config {
    uint64_t datapath_id;
    const char *name; /* of the node, for OFPMP_DESC; copied */
    /* A packet-out. ERR_BUSY: the same again, later. */
    enum err (*inject)(void *arg, const struct injection *);
    /* Returns when every packet injected so far is on its way. May be NULL. */
    void (*settle)(void *arg);
    /* Takes the interface of a port up or down (OFPPC_PORT_DOWN). May be NULL. */
    enum err (*set_admin)(void *arg, struct edge_port *, bool up);
    /* Something has come up for this channel: openflow_channel_run() it. Not called from inside
     * calls about that channel. */
    void (*wake)(void *arg, struct openflow_channel *);
    void *arg;
};

/* Takes the datapath's hooks. Never NULL. */
struct openflow_switch *openflow_switch_new(struct datapath *,
                                            const struct openflow_switch_config *);
/* All channels must have been closed. NULL is fine. */
void openflow_switch_free(struct openflow_switch *);

/* What the worker tells (worker.h). */
void openflow_switch_packet_in(struct openflow_switch *, const struct punt *, const uint8_t *frame,
                               uint32_t size, uint32_t total_size, uint32_t in_port);
void openflow_switch_port_changed(struct openflow_switch *, const struct edge_port *);
/* Removes flows whose time has come; call it some times a second. True: more are due, call it again
 * when others have had their turn. */
bool openflow_switch_tick(struct openflow_switch *, nsec_t now);

/* A new connection; `user` is for the caller. Never NULL. */
struct openflow_channel *openflow_channel_open(struct openflow_switch *, void *user, nsec_t now);
/* With everything that belongs to it. NULL is fine. */
void openflow_channel_close(struct openflow_channel *);
void *openflow_channel_user(const struct openflow_channel *);

/* Octets of the peer, at most 1 MiB at once; then run it. Only while it wants input, apart from
 * what was under way when it stopped wanting. */
void openflow_channel_input(struct openflow_channel *, const uint8_t *, size_t size, nsec_t now);
bool openflow_channel_wants_input(const struct openflow_channel *);
/* Does what there is to do; then send the output. `pending`: octets taken from the output before
 * that the peer's connection has not taken yet. */
void openflow_channel_run(struct openflow_channel *, size_t pending, nsec_t now);
struct buf *openflow_channel_output(struct openflow_channel *);
/* When to run it again at the latest; in the past: as soon as the loop has had its turn. */
nsec_t openflow_channel_deadline(const struct openflow_channel *);
/* The transport has ended. */
void openflow_channel_lost(struct openflow_channel *, enum err, const char *why);

struct openflow_channel_status {
    bool up, down; /* agreed on a version; ended */
    enum err err;  /* if down: why */
    const char *reason;
    enum openflow_role role;
    uint64_t rx_messages, tx_messages, rx_octets, tx_octets, refused;
    uint32_t n_monitors, n_bundles;
    uint64_t packet_ins_dropped;
};
void openflow_channel_get_status(const struct openflow_channel *, struct openflow_channel_status *);
const char *openflow_role_name(enum openflow_role); /* "master"; static */

#endif
