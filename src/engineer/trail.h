/* trail.h - a route with its ports: the hops of a path, node by node; the trails of a multicast. */
#ifndef ENGINEER_TRAIL_H
#define ENGINEER_TRAIL_H

#include "engineer/topology.h"

struct hop {
    const struct node *node;
    uint32_t in_port;        /* 0 at the first node */
    uint32_t out_port;       /* 0 at the last */
    const struct link *link; /* that leaves by out_port; NULL at the last */
};

struct trail {
    uint32_t n; /* nodes: links and one */
    struct hop *hops;
};

/* Follows links from a node. ERR_NOT_FOUND: a link is not there, or does not start where the one
 * before ended. */
MUST_CHECK enum err trail_follow(const struct network *, const char *from, const struct route *,
                                 struct trail *, struct diag *);
/* The opposite direction. */
void trail_reverse(const struct trail *, struct trail *reversed);
void trail_fini(struct trail *);
/* Index of the hop at this node; NO_INDEX: it does not pass there. */
uint32_t trail_find(const struct trail *, const struct node *);

/* The primary trail to each subscriber's node, in the circuit's order of subscribers, out of the
 * tree that the route is. `trails` has n_subscribers elements, zeroed. */
MUST_CHECK enum err trail_tree(const struct network *, const struct circuit *, const struct route *,
                               struct trail *trails, struct diag *);
/* The failover trail to each subscriber: within the route's links, the one that shares least with
 * the subscriber's primary trail. A trail without hops: there is none for this subscriber. */
MUST_CHECK enum err trail_failovers(const struct network *, const struct circuit *,
                                    const struct route *, const struct trail *primaries,
                                    struct trail *trails, struct diag *);

/* Where a circuit starts: the node of its client or publisher. NULL: the host is not there. */
const struct host *circuit_source(const struct network *, const struct circuit *);

#endif
