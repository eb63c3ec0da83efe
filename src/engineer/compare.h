/* compare.h - what one network, with its designs and its plan, does otherwise than another:
 * production and a hypothetical one, or before and after. Pure. */
#ifndef ENGINEER_COMPARE_H
#define ENGINEER_COMPARE_H

#include "engineer/plan.h"

struct planned {
    const struct network *network;
    const struct plan *plan; /* of it */
};

enum circuit_change_kind {
    CIRCUIT_ADDED,   /* designed only afterwards */
    CIRCUIT_REMOVED, /* designed only before */
    CIRCUIT_MOVED,   /* its primary or failover path is another one */
    CIRCUIT_CHANGED, /* on the same paths: other statement, number or separation */
};
const char *circuit_change_name(enum circuit_change_kind); /* "added"; static */

struct circuit_change {
    const char *circuit;
    enum circuit_change_kind kind;
    const struct design *before, *after; /* NULL: there is none */
};

/* Rules that only one of both plans has at a node; changed: both have it, and it does something
 * else. */
struct node_change {
    const char *node;
    uint32_t added, removed, changed;
};

/* Reserved rates, primary and failover paths together. Capacity 0: the link is not there. */
struct link_load {
    const char *link;
    uint32_t before_capacity_kbps, before_kbps;
    uint32_t after_capacity_kbps, after_kbps;
};

/* All of it belongs to the two networks and plans but for the arrays. */
struct comparison {
    uint32_t n_circuits; /* that differ, by name */
    struct circuit_change *circuits;
    uint32_t n_nodes; /* whose rules differ, by name */
    struct node_change *nodes;
    uint32_t n_links; /* whose load or capacity differs, by name */
    struct link_load *links;
    uint32_t
        n_hot; /* reserved afterwards to more than `hot_percent`; the fullest first, then by name */
    struct link_load *hot;
    uint32_t hot_percent;
    uint32_t rules_added, rules_removed, rules_changed; /* of all nodes */
};

/* comparison_fini() the result, before the networks and plans go. */
void compare_planned(const struct planned *before, const struct planned *after,
                     uint32_t hot_percent, struct comparison *);
void comparison_fini(struct comparison *);
/* Circuits with their paths, nodes, links, hot links; "nothing differs" if so. */
void comparison_format(const struct comparison *, struct buf *);

#endif
