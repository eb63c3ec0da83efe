/* openflow_agent.h - the node's OpenFlow connections: sockets for the channels of
 * openflow_switch.h.
 *
 * To each controller a connection is kept up; whoever may open the local Unix socket (its owner) is
 * served too, for ovs-ofctl and the like. All are equal until one asks for a role.
 *
 * Fail-secure: a controller that goes takes nothing along but its role and its subscriptions.
 *
 * A peer that does not read what it asked for is not read from either, until it does
 * (stream_pause); the rest is openflow_switch.h's. Not thread-safe: the loop's thread only, which
 * is the datapath's control thread. */
#ifndef EDGE_OPENFLOW_AGENT_H
#define EDGE_OPENFLOW_AGENT_H

#include "edge/openflow_switch.h"
#include "io/stream.h"

#include <jansson.h>

#define OPENFLOW_AGENT_CONTROLLERS 8
#define OPENFLOW_AGENT_CLIENTS 32 /* of the local socket, at the same time; one more is refused */
#define OPENFLOW_AGENT_BACKOFF NSEC_PER_SEC /* longest wait before the next attempt */

struct openflow_agent; /* Opaque. */

struct openflow_agent_config {
    struct datapath *datapath;
    struct workers *workers;
    uint64_t datapath_id;
    const char *name; /* of the node; copied */
    /* "tls:10.0.0.1:6653", or "tcp:..." without TLS; copied. */
    const char *const *controllers;
    size_t n_controllers;
    const char *listen_path;     /* of the local Unix socket; NULL: none */
    struct tls *tls;             /* for "tls:"; the agent takes a reference */
    const char *controller_name; /* what a controller's certificate must be issued to; copied */
};

/* Listens, and starts connecting; everything else happens in the loop. ERR_INVALID: an address, or
 * "tls:" without an identity; ERR_LIMIT: too many controllers; others as stream_listen(). */
MUST_CHECK enum err openflow_agent_new(uv_loop_t *, const struct openflow_agent_config *,
                                       struct openflow_agent **, struct diag *);
/* Ends all connections; what was sent is still delivered while the loop runs. NULL is fine. */
void openflow_agent_free(struct openflow_agent *);

/* What the worker tells (worker.h). */
void openflow_agent_packet_in(struct openflow_agent *, const struct punt *, const uint8_t *frame,
                              uint32_t size, uint32_t total_size, uint32_t in_port);
void openflow_agent_port_changed(struct openflow_agent *, const struct edge_port *);

/* [{address, state, role, since, ...}], controllers first; the caller owns it. */
json_t *openflow_agent_status(const struct openflow_agent *);

#endif
