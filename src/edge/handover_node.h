/* handover_node.h - how a process of a node takes over from another: both sides of handover.h.
 *
 * Both wait for each other in the control thread while packets are forwarded by the old one's
 * packet thread. The old one has let go of its controllers by then, so that nothing changes what it
 * has told; they find the new one. If anything goes wrong before the new one has said that it
 * forwards, the old one goes on as if nothing had been. */
#ifndef EDGE_HANDOVER_NODE_H
#define EDGE_HANDOVER_NODE_H

#include "edge/edge_options.h"
#include "edge/handover.h"
#include "io/passing.h"

struct edge_node;

/* ---- The old process ---- */

struct handover_giver; /* Opaque: listens beside the control socket. */

MUST_CHECK enum err handover_giver_new(struct edge_node *, struct handover_giver **, struct diag *);
void handover_giver_free(struct handover_giver *); /* NULL is fine. */

/* ---- The new process, in this order ---- */

struct handover_taker; /* Opaque. */

/* Asks for it. `*taker` is NULL if there is nobody to ask, or nobody is to be asked. ERR_CONFLICT:
 * refused, and why. Others: it was not understood. */
MUST_CHECK enum err handover_ask(struct edge_node *, struct handover_taker **, struct diag *);
/* Fills the tables; the node has its ports, which are not open. If the old process dies meanwhile
 * that is said in the log, and the tables are empty. */
MUST_CHECK enum err handover_take_tables(struct handover_taker *, struct diag *);
/* What the interface's port consists of, for port_open(), which owns it if it succeeds; NULL: it
 * has to be opened anew. */
const struct port_parts *handover_take_parts(struct handover_taker *, const char *interface);
/* Starts forwarding where the old process stops. */
MUST_CHECK enum err handover_take_traffic(struct handover_taker *, struct diag *);
/* NULL is fine. */
void handover_taker_free(struct handover_taker *);

/* ---- For both ---- */

MUST_CHECK enum err handover_send(struct passing *, enum handover_type, struct diag *);
/* The next record, in the arena, which is reset. ERR_CONFLICT: the other one refuses, and why. */
MUST_CHECK enum err handover_receive(struct passing *, struct arena *, struct buf *room,
                                     struct handover_record *, struct diag *);
/* The same, and it has to be of this type. */
MUST_CHECK enum err handover_expect(struct passing *, enum handover_type, struct arena *,
                                    struct buf *room, struct handover_record *, struct diag *);
/* "CONTROL.handover", to free(). */
char *handover_path(const char *control);

#endif
