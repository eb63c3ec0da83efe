/* rpc_agent.h - serves one table of JSON-RPC methods in two places: to whoever connects to a local
 * Unix socket, and over a connection of our own to the controller, which is kept up.
 *
 * Handlers answer at once or later (io/rpc.h); they need not know by which way a request came.
 * Whoever is done with the agent still answers the requests it has kept: the answers go nowhere.
 * Not thread-safe: the loop's thread only. */
#ifndef EDGE_RPC_AGENT_H
#define EDGE_RPC_AGENT_H

#include "io/rpc.h"

struct rpc_agent; /* Opaque. */

#define RPC_AGENT_MAX_CLIENTS 32 /* of the Unix socket, at the same time; one more is refused */
#define RPC_AGENT_MAX_PENDING ((size_t)1 << 20) /* octets; above it notifications are dropped */

struct rpc_agent_config {
    const char *control_path; /* of the Unix socket; copied. NULL: none */
    const char *rpc_address;  /* "tls:10.0.0.1:6654", or "tcp:..." without TLS, for tests; copied.
                               * NULL: no controller */
    struct tls *tls;          /* who we are; the agent takes a reference. For "tls:" only */
    const char *peer_name; /* what the controller's certificate must be issued to; copied. NULL: any
                            * name that the CA vouches for */
    const struct rpc_method *methods; /* not copied */
    size_t n_methods;
    /* The connection to the controller is up, or was lost or refused, and why: for the log.
     * Repeated failures are told each time, in whole sentences without a full stop. May be NULL. */
    void (*connected)(void *arg, const char *address);
    void (*disconnected)(void *arg, const char *address, const char *reason);
    void *arg; /* for the handlers and the callbacks */
};

/* Listens, and starts connecting. ERR_INVALID: an address, or "tls:" without an identity; others as
 * stream_listen(). On error `*agent` is untouched. */
MUST_CHECK enum err rpc_agent_new(uv_loop_t *, const struct rpc_agent_config *,
                                  struct rpc_agent **agent, struct diag *);
/* Ends all connections; what was sent is still delivered while the loop runs. NULL is fine. */
void rpc_agent_free(struct rpc_agent *);

/* Tells the controller. `params` is consumed in any case. ERR_CLOSED: it is not connected.
 * ERR_BUSY: it does not read as fast as it is told; the notification is dropped. */
enum err rpc_agent_notify(struct rpc_agent *, const char *method, json_t *params);

/* Of the connection to the controller: {address, state, attempts, connections, reason?}, `state` as
 * reconnect_state_name() says it; null if there is none to be. The caller owns the result. */
json_t *rpc_agent_status(const struct rpc_agent *);
bool rpc_agent_is_connected(const struct rpc_agent *);

#endif
