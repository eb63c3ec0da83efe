/* heartbeat_node.h - the heartbeats (heartbeat.h) of a node's ports: sockets of their own, so that
 * they wait behind nothing that is forwarded, and what follows from them: edge_port.fault, which
 * keeps groups from a port with the next packet.
 *
 * Power-saving, a thread sleeps until a frame comes or is due; it takes real-time priority if it
 * may, and owes the packet thread nothing. Polled, the packet thread calls heartbeat_node_poll()
 * between its vectors.
 *
 * Silence is judged only after what waits in the socket has been read, and a thread that comes late
 * takes its own lateness for nobody's silence. */
#ifndef EDGE_HEARTBEAT_NODE_H
#define EDGE_HEARTBEAT_NODE_H

#include "edge/datapath.h"
#include "edge/heartbeat.h"
#include "io/frame_socket.h"

struct heartbeat_node;

/* Of the frames, for port_options.aside. */
extern const struct frame_kind heartbeat_frames;

struct heartbeat_node_config {
    bool polled;
    /* A peer may go on using a node whose process stands still for so long: its kernel answers
     * echoes meanwhile. Messages go every two thirds of it, where there are echoes. */
    nsec_t patience;
    nsec_t wait_to_restore; /* as worker_set_wait_to_restore() takes it */
    /* Called in the thread that does the work when a port's fault has changed. */
    void (*wake)(void *arg);
    void *wake_arg;
};

/* Never NULL. */
struct heartbeat_node *heartbeat_node_new(const struct heartbeat_node_config *);
/* The peers are told that this node ends. No polling thread may be left. NULL is fine. */
void heartbeat_node_free(struct heartbeat_node *);

/* Before heartbeat_node_start(). `interval`: at which to send and to receive. Errors are those of
 * frame_socket_open(). */
MUST_CHECK enum err heartbeat_node_add(struct heartbeat_node *, struct edge_port *, nsec_t interval,
                                       struct diag *);
/* Starts the thread; polled, there is none. */
MUST_CHECK enum err heartbeat_node_start(struct heartbeat_node *, struct diag *);
/* False: the thread must share its processor with whatever else runs there. */
bool heartbeat_node_is_realtime(const struct heartbeat_node *);

/* Packet thread, polled; cheap if nothing is due. Returns the time as it is afterwards. */
nsec_t heartbeat_node_poll(struct heartbeat_node *, nsec_t now);

/* The following may be called from the control thread, with a node of NULL too. */

/* Tells the peers that this node ends, soon; it may still forward. */
void heartbeat_node_end(struct heartbeat_node *);
void heartbeat_node_set_wait_to_restore(struct heartbeat_node *, nsec_t);
/* Ends the waiting of this port, or of all with PORT_ANY. */
void heartbeat_node_release(struct heartbeat_node *, uint32_t number);
/* The port need not have a peer any more: no fault until one is heard again. False: it has no
 * heartbeat. */
bool heartbeat_node_forget(struct heartbeat_node *, uint32_t number);

/* Of a port, as of the last tenth of a second. */
struct heartbeat_status {
    enum heartbeat_state state;
    uint32_t peer_port; /* as the peer calls it; 0: none is known */
    nsec_t interval;    /* at which it would send */
    nsec_t detection;   /* how long a silence is recognised after; 0: no session */
    struct heartbeat_counters counters;
    uint64_t n_late; /* times its own thread came later than an interval */
    nsec_t latest;   /* the worst of them */
};
/* False: the port has no heartbeat. */
bool heartbeat_node_status(const struct heartbeat_node *, uint32_t number,
                           struct heartbeat_status *);

#endif
