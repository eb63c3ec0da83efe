/* topology.h - the network as a graph: nodes and links by number, and how much of each link is
 * left. */
#ifndef ENGINEER_TOPOLOGY_H
#define ENGINEER_TOPOLOGY_H

#include "graph/graph.h"
#include "model/model.h"

struct topology {
    const struct network *network;
    struct graph graph;  /* node i is nodes[i], edge i is links[i]; costs in microseconds */
    struct node **nodes; /* by name, so that numbers do not depend on the order of insertion */
    struct link **links;
    uint32_t *reserved_kbps; /* of each link: the committed rates of all circuits over it */
    /* Hash tables from names to numbers, open addressing; a slot holds the number and one, or 0. */
    struct name_table {
        uint32_t n_slots; /* a power of two */
        uint32_t *slots;
    } node_names, link_names;
};

/* Of the network as it is; it must outlive the result and not change meanwhile. Links with an end
 * at an unknown node are left out. */
struct topology *topology_new(const struct network *);
void topology_free(struct topology *);

#define NO_INDEX UINT32_MAX
uint32_t topology_node(const struct topology *, const char *name); /* NO_INDEX: none */
uint32_t topology_link(const struct topology *, const char *name);

/* Adds (or takes away, with a negative rate) a circuit's rate on all links of its paths: once on
 * those that both use, for it sends by one of them at a time. */
void topology_reserve(struct topology *, const struct design *, int64_t kbps);

/* What a node adds to the delay of a frame besides the link's own delay, in microseconds:
 * forwarding in software, and receiving a full-size frame at the link's rate. */
#define NODE_DELAY_US 50
uint32_t link_hop_delay_us(const struct link *);

#endif
