/* probe.h - tieline-probe: sends and reflects tests beside a switch that is not ours.
 *
 * It works on one interface, the switch's LOCAL port (Open vSwitch: the bridge's own interface,
 * br0): a frame sent there enters the switch by its LOCAL port, and what rules output to LOCAL
 * arrives there. So it does for such a switch what tieline-edge does by itself, and answers the
 * same methods, but of `edge.status` only what it knows: {name, version, started, interface, tests,
 * rpc}.
 *
 * The interface may come and go; it is looked for again once a second. */
#ifndef EDGE_PROBE_H
#define EDGE_PROBE_H

#include "io/tls.h"

#include <stdint.h>
#include <uv.h>

struct probe; /* Opaque; not thread-safe: the loop's thread only. */

struct probe_config {
    const char *name;            /* of the node in the inventory */
    const char *interface;       /* the switch's LOCAL port */
    uint32_t management_address; /* IPv4, host order; 0: none */
    const char *rpc_address;     /* as in rpc_agent.h; NULL: none */
    const char *controller_name; /* what the controller's certificate is issued to */
    const char *control_path;    /* of the local Unix socket; NULL: none */
    struct tls *tls;             /* NULL: none */
};

/* Copies what is in `config`. An interface that is not there is waited for. ERR_DENIED: no
 * permission to open it; others as rpc_agent_new() and stamp_node_new(). */
MUST_CHECK enum err probe_new(uv_loop_t *, const struct probe_config *, struct probe **,
                              struct diag *);
/* Answers what waits; run the loop until it is empty. NULL is fine. */
void probe_free(struct probe *);

#endif
