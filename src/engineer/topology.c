#include "engineer/topology.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static int
by_node_name(const void *a, const void *b)
{
    return strcmp((*(struct node *const *)a)->name, (*(struct node *const *)b)->name);
}

static int
by_link_name(const void *a, const void *b)
{
    return strcmp((*(struct link *const *)a)->name, (*(struct link *const *)b)->name);
}

uint32_t
link_hop_delay_us(const struct link *link)
{
    uint64_t bits = (1518 + 20) * 8;
    uint64_t serial = link->capacity_kbps ? bits * 1000 / link->capacity_kbps : 0;
    return (uint32_t)MIN(link->delay_us + NODE_DELAY_US + serial, UINT32_MAX);
}

struct topology *
topology_new(const struct network *network)
{
    struct topology *t = xcalloc(1, sizeof *t);
    uint32_t n_nodes = 0, n_links = 0;
    t->network = network;
    t->nodes = xcalloc(HASH_COUNT(network->nodes), sizeof(struct node *));
    t->links = xcalloc(HASH_COUNT(network->links), sizeof(struct link *));
    for (struct node *node = network->nodes; node; node = node->hh.next)
        t->nodes[n_nodes++] = node;
    qsort(t->nodes, n_nodes, sizeof(struct node *), by_node_name);
    graph_init(&t->graph, n_nodes);
    for (struct link *link = network->links; link; link = link->hh.next) {
        uint32_t a = topology_node(t, link->a.node), b = topology_node(t, link->b.node);
        if (a != NO_INDEX && b != NO_INDEX && a != b)
            t->links[n_links++] = link;
    }
    qsort(t->links, n_links, sizeof(struct link *), by_link_name);
    for (uint32_t i = 0; i < n_links; i++) {
        struct link *link = t->links[i];
        graph_add(&t->graph, topology_node(t, link->a.node), topology_node(t, link->b.node),
                  link_hop_delay_us(link));
    }
    t->reserved_kbps = xcalloc(n_links, sizeof *t->reserved_kbps);
    return t;
}

void
topology_free(struct topology *t)
{
    if (!t)
        return;
    graph_fini(&t->graph);
    free(t->nodes);
    free(t->links);
    free(t->reserved_kbps);
    free(t);
}

uint32_t
topology_node(const struct topology *t, const char *name)
{
    uint32_t low = 0, high = t->graph.n_nodes;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(name, t->nodes[middle]->name);
        if (!order)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NO_INDEX;
}

uint32_t
topology_link(const struct topology *t, const char *name)
{
    uint32_t low = 0, high = t->graph.n_edges;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(name, t->links[middle]->name);
        if (!order)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NO_INDEX;
}

void
topology_reserve(struct topology *t, const struct route *route, int64_t kbps)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        uint32_t link = topology_link(t, route->links[i]);
        if (link != NO_INDEX)
            t->reserved_kbps[link] = (uint32_t)((int64_t)t->reserved_kbps[link] + kbps);
    }
}
