/* top.h - what passes through a node now: the difference of its counters between two moments.
 *
 * A request is answered after its interval, with the ports, the busiest flows, the groups with the
 * bucket they use, and the reasons for drops. The counters of every flow that has ever matched are
 * kept meanwhile, so there are at most TOP_REQUESTS of them. Control thread. */
#ifndef EDGE_TOP_H
#define EDGE_TOP_H

#include "edge/survey.h"
#include "io/rpc.h"

#define TOP_REQUESTS 4
#define TOP_ROWS 1000 /* flows and groups in one answer, at most */

#define TOP_USAGE "{interval-ms?, rows?, by?: \"bits\" | \"packets\" | \"used\", cookie?, table?}"

struct tops; /* Opaque. */

/* `look` fills in what there is to see. */
struct tops *tops_new(uv_loop_t *, void (*look)(void *arg, struct survey *), void *arg);
/* Requests that wait are answered. NULL is fine. */
void tops_free(struct tops *);

/* Answers {interval-ms, ports, flows, n-flows, n-active, groups, drops, cache, punts}; see
 * doc/edge.md. */
void tops_ask(struct tops *, struct rpc_request *, const json_t *params);

#endif
