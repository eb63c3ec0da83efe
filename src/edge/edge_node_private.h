/* edge_node_private.h - what edge_node.c, edge_methods.c and edge_heartbeats.c share. */
#ifndef EDGE_EDGE_NODE_PRIVATE_H
#define EDGE_EDGE_NODE_PRIVATE_H

#include "edge/capture.h"
#include "edge/edge_node.h"
#include "edge/fast_path.h"
#include "edge/handover_node.h"
#include "edge/heartbeat_node.h"
#include "edge/metrics_server.h"
#include "edge/mirror.h"
#include "edge/rpc_agent.h"
#include "edge/stamp_node.h"
#include "edge/successor.h"
#include "edge/supervision.h"
#include "edge/top.h"
#include "io/timer.h"

/* What was last told of a port. */
struct told_port {
    struct edge_port *port;
    bool up, live;
    const char *reason; /* edge_port_reason() */
};

struct edge_node {
    uv_loop_t *loop;
    const struct edge_options *options;
    nsec_t started;  /* wall clock */
    struct tls *tls; /* NULL: no certificate was given */
    struct datapath *datapath;
    struct fast_path *fast; /* NULL: no port has the kernel's driver */
    struct workers *workers;
    struct heartbeat_node *heartbeats; /* NULL: no port has one */
    struct openflow_agent *openflow;
    struct rpc_agent *rpc;
    struct stamp_node *tester;
    struct captures *captures;
    struct mirror *mirror; /* NULL: nothing is mirrored */
    struct tops *tops;
    struct metrics_server *metrics; /* NULL: was not asked for */
    uint64_t punted;                /* packets for the controllers */
    struct supervisor supervisor;
    bool has_agents;                   /* those three, and: */
    struct successor_gate *successors; /* NULL: whoever is root may take over */
    struct handover_giver *giver;      /* NULL: there is no control socket */
    void (*handed_over)(void *arg);
    void *handed_over_arg;
    struct actions to_tables; /* of a test packet: what comes from LOCAL meets the rules */
    char rpc_reason[320];     /* why its controller is not connected, as last told */
    struct told_port ports[MAX_PORTS];
    uint32_t n_ports;
    struct timer *tick;
    uv_async_t wake; /* the packet thread has something for us */
};

/* The methods of doc/edge.md that begin with "edge."; their argument is the node. */
extern const struct rpc_method edge_methods[];
extern const size_t n_edge_methods;

/* edge_queue_methods.c: edge.queues, and edge.config with {port, scheduling}. */
void edge_queues_tell(void *node, struct rpc_request *, json_t *params);
void edge_queues_configure(struct edge_node *, struct rpc_request *, json_t *params);

/* edge_redundancy_methods.c: edge.redundancy, and the supervision frames that are due. */
void edge_redundancy_do(void *node, struct rpc_request *, json_t *params);
void edge_redundancy_tick(struct edge_node *);
/* Whoever changes tables: they can be stopped and started while packets are forwarded. What cannot
 * be started is tried again later. */
void edge_node_stop_agents(struct edge_node *);
void edge_node_start_agents(struct edge_node *);

/* Tells the controllers of a port whose state has changed. */
void edge_node_tell_port(struct edge_node *, struct told_port *);
/* Those whose state is not what was last told. */
void edge_node_tell_ports(struct edge_node *);

/* ---- edge_explain_methods.c: what is told of packets and counters ---- */

/* Fills in all but the controllers. */
void edge_node_survey(void *node, struct survey *);
void edge_node_put_metrics(void *node, struct buf *);
rpc_handler_fn edge_do_metrics, edge_do_top;
rpc_handler_fn edge_do_capture_start, edge_do_capture_read, edge_do_capture_stop;
/* ---- edge_heartbeats.c ---- */

/* `wake`: called in another thread when a port's fault has changed. */
void edge_heartbeats_new(struct edge_node *, void (*wake)(void *arg));
/* `interval` as in edge_port_option. */
MUST_CHECK enum err edge_heartbeats_add(struct edge_node *, struct edge_port *, nsec_t interval,
                                        struct diag *);
MUST_CHECK enum err edge_heartbeats_start(struct edge_node *, struct diag *);
/* Why groups do not use a port: "down", "held", a heartbeat_fault_name(); "": they do. */
const char *edge_port_reason(const struct edge_port *);
/* How its heartbeat is; NULL: it has none. */
json_t *edge_heartbeat_json(const struct edge_node *, uint32_t number);

#endif
