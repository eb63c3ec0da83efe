/* stamp_node.h - the tester (stamp_agent.h) in a program: with clocks, a timer, the sockets of the
 * management network, and `test.start` and `test.stop` as methods. How frames are sent, and where
 * those that come to the LOCAL port come from, is the program's. */
#ifndef EDGE_STAMP_NODE_H
#define EDGE_STAMP_NODE_H

#include "edge/stamp_agent.h"
#include "io/rpc.h"

struct stamp_node; /* Opaque; not thread-safe: the loop's thread only. */

struct stamp_node_config {
    uint32_t management_address; /* IPv4, host order; 0: none */
    /* As in struct stamp_agent_io. */
    enum err (*send)(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset,
                     uint32_t tx_token);
    void *arg;
};

/* ERR_LIMIT: no file descriptor is left; ERR_IO. */
MUST_CHECK enum err stamp_node_new(uv_loop_t *, const struct stamp_node_config *,
                                   struct stamp_node **, struct diag *);
/* Answers what still waits for an answer: before the connections go. NULL is fine. */
void stamp_node_free(struct stamp_node *);

/* For stamp_agent_local(), stamp_agent_transmitted() and stamp_agent_status(). */
struct stamp_agent *stamp_node_agent(struct stamp_node *);

/* For handlers of a table of methods, which have found out whose node it is. */
void stamp_node_test_start(struct stamp_node *, struct rpc_request *, const json_t *params);
void stamp_node_test_stop(struct stamp_node *, struct rpc_request *, const json_t *params);

/* `usage` and `help` of the two. */
#define TEST_START_USAGE "{id, template, count, interval-us, size, timeout-ms, reply, reflectors}"
#define TEST_START_HELP "Sends test packets, and answers what became of them when all have."
#define TEST_STOP_USAGE "{id}"
#define TEST_STOP_HELP "Ends a test early."

#endif
