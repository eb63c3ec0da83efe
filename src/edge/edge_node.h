/* edge_node.h - tieline-edge without its main(): ports, datapath, packet thread, and the agents by
 * which it is talked to, put together. */
#ifndef EDGE_EDGE_NODE_H
#define EDGE_EDGE_NODE_H

#include "edge/edge_options.h"

#include <uv.h>

struct edge_node; /* Opaque; not thread-safe: the loop's thread only. */

/* Opens the ports, starts the packet thread, listens and starts connecting; the tables are empty,
 * so nothing passes until a controller says so, or those of another process of this node that it
 * takes over from (handover.h), which may take seconds. Says in the log which driver each port got.
 * The options' texts must stay. On error nothing is left open, and `diag` says what was wrong. */
MUST_CHECK enum err edge_node_new(uv_loop_t *, const struct edge_options *, struct edge_node **,
                                  struct diag *);
/* Called when another process has taken over: there is nothing left to do but to free the node. */
void edge_node_on_handed_over(struct edge_node *, void (*)(void *arg), void *arg);
/* Tells the peers, where there are heartbeats, that this node ends; it goes on forwarding what
 * still comes, while their groups use other ports. */
void edge_node_leave(struct edge_node *);
/* Stops forwarding and ends the connections; then run the loop until it is empty. NULL is fine. */
void edge_node_free(struct edge_node *);

/* Reads the certificates again; connections that exist go on as they are. On error everything
 * stays as it was. ERR_NOT_FOUND: the node has none. */
MUST_CHECK enum err edge_node_reload(struct edge_node *, struct diag *);

#endif
