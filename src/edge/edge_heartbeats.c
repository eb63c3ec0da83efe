/* What a node does about the heartbeats of its ports: opens them, and says how they are. */
#include "edge/edge_node_private.h"

#define INTERVAL_POWER_SAVING (200 * NSEC_PER_USEC)
#define INTERVAL_BUSY_POLL (25 * NSEC_PER_USEC)

void
edge_heartbeats_new(struct edge_node *n, void (*wake)(void *arg))
{
    const struct edge_options *o = n->options;
    const struct heartbeat_node_config config = {.polled = o->busy_poll,
                                                 .patience = o->heartbeat_patience,
                                                 .wait_to_restore = o->wait_to_restore,
                                                 .wake = wake,
                                                 .wake_arg = n};
    bool any = false;
    for (uint32_t i = 0; i < o->n_ports; i++)
        any |= o->ports[i].heartbeat != 0;
    if (any)
        n->heartbeats = heartbeat_node_new(&config);
}

enum err
edge_heartbeats_add(struct edge_node *n, struct edge_port *port, nsec_t interval, struct diag *diag)
{
    if (!interval)
        return ERR_OK;
    if (interval == HEARTBEAT_DEFAULT)
        interval = n->options->busy_poll ? INTERVAL_BUSY_POLL : INTERVAL_POWER_SAVING;
    return heartbeat_node_add(n->heartbeats, port, interval, diag);
}

enum err
edge_heartbeats_start(struct edge_node *n, struct diag *diag)
{
    if (!n->heartbeats)
        return ERR_OK;
    enum err err = heartbeat_node_start(n->heartbeats, diag);
    if (!err && !n->options->busy_poll && !heartbeat_node_is_realtime(n->heartbeats))
        log_warn("heartbeats have no real-time priority (CAP_SYS_NICE): on a busy machine they may "
                 "come late, and the peer may take that for silence");
    return err;
}

const char *
edge_port_reason(const struct edge_port *port)
{
    uint8_t fault = atomic_load_explicit(&port->fault, memory_order_acquire);
    if (!atomic_load_explicit(&port->up, memory_order_acquire))
        return "down";
    if (atomic_load_explicit(&port->held, memory_order_acquire))
        return "held";
    if (fault)
        return heartbeat_fault_name((enum heartbeat_fault)fault);
    return atomic_load_explicit(&port->live, memory_order_acquire)
               ? ""
               : heartbeat_fault_name(HEARTBEAT_WAITS);
}

json_t *
edge_heartbeat_json(const struct edge_node *n, uint32_t number)
{
    struct heartbeat_status s;
    if (!heartbeat_node_status(n->heartbeats, number, &s))
        return NULL;
    return json_pack(
        "{ss sI sI sI sI sI sI sI sI sI sI sI sI}", "state", heartbeat_state_name(s.state),
        "peer-port", (json_int_t)s.peer_port, "interval-us",
        (json_int_t)(s.interval / NSEC_PER_USEC), "detection-us",
        (json_int_t)(s.detection / NSEC_PER_USEC), "sent", (json_int_t)s.counters.sent, "received",
        (json_int_t)s.counters.received, "missed", (json_int_t)s.counters.missed, "ignored",
        (json_int_t)s.counters.ignored, "echoes", (json_int_t)s.counters.echoes, "replies",
        (json_int_t)s.counters.replies, "losses", (json_int_t)s.counters.losses, "late",
        (json_int_t)s.n_late, "latest-us", (json_int_t)(s.latest / NSEC_PER_USEC));
}
