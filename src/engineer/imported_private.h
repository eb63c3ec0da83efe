/* imported_private.h - shared by imported.c (names and rules) and imported_judge.c (findings where
 * there are filters). */
#ifndef ENGINEER_IMPORTED_PRIVATE_H
#define ENGINEER_IMPORTED_PRIVATE_H

#include "engineer/imported.h"

struct imported_name {
    char *text;
    uint64_t hash;
    uint32_t owner; /* the node of a port; NODE_NAMES, FILTER_NAMES */
    uint32_t index; /* of the node, port or filter */
};

#define NODE_NAMES UINT32_MAX
#define FILTER_NAMES (UINT32_MAX - 1)
#define RISK_NAMES (UINT32_MAX - 2)

struct imported_node {
    const char *name;
    uint32_t rules; /* prefix rules now */
};

struct imported_port {
    const char *name;
    uint32_t node;
    bool leaves; /* the network, without a filter */
    uint32_t n_links, links_capacity;
    uint32_t *links; /* of atoms */
    uint32_t n_members;
    uint32_t *members; /* of a VLAN: its ports */
};

struct imported_link {
    uint32_t from, to, port;
    uint32_t risk;
    uint32_t n_filters;
    uint32_t *filters;
};

struct imported_filter {
    const char *name;
    struct acl *acl;
    uint32_t n_links, links_capacity;
    uint32_t *links; /* it is on */
};

struct imported {
    struct imported_config config;
    uint32_t n_names, names_capacity, n_slots;
    struct imported_name *names;
    uint32_t *slots; /* index of a name + 1 */
    uint32_t n_nodes, nodes_capacity;
    struct imported_node *nodes; /* routers, and places behind filtered ports */
    uint32_t n_ports, ports_capacity;
    struct imported_port *ports;
    uint32_t n_links, links_capacity;
    struct imported_link *links;
    uint32_t n_filters, filters_capacity;
    struct imported_filter *filters;
    uint32_t n_risks;
    uint32_t n_exits, exits_capacity;
    uint32_t *exits; /* nodes that stand for what is behind a filtered port */
    size_t filters_memory, names_memory;
    struct atoms *atoms; /* NULL: not sealed */

    /* What the last change was, for those who ask for findings. */
    uint32_t filter; /* whose rule it was; UINT32_MAX: a route's */
    struct cube cube;
    uint32_t *path, *came, *queue; /* room for n_nodes + 1 */
    bool *on_path, *leads;
    uint32_t *in_first, *in_links; /* by node, one more than nodes: links that lead there */
    bool has_shown;
    struct packet5 shown; /* by the last finding: the next is often shown by one like it */
};

enum imported_truth { FINDING_REAL, FINDING_REFUTED, FINDING_UNJUDGED };

/* Looks for a packet of the class to which an event happens. Its path is in `imp->path`. */
enum imported_truth imported_verify(struct imported *, const struct atoms_event *, uint32_t class,
                                    uint32_t *steps, struct packet5 *, uint32_t *n_path);
/* Fills in what is told of the events of `change->atoms`. */
void imported_judge(struct imported *, struct imported_change *);

#endif
