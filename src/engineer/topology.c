#include "engineer/topology.h"

#include "base/alloc.h"
#include "base/hash.h"

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

/* ---- Names ---- */

/* Room for twice as many names. */
static void
name_table_init(struct name_table *table, uint32_t n)
{
    table->n_slots = 4;
    while (table->n_slots < 2 * (uint64_t)n)
        table->n_slots *= 2;
    table->slots = xcalloc(table->n_slots, sizeof *table->slots);
}

static uint32_t
first_slot(const struct name_table *table, const char *name)
{
    return (uint32_t)hash_bytes(name, strlen(name), 0) & (table->n_slots - 1);
}

static void
name_table_add(struct name_table *table, const char *name, uint32_t number)
{
    uint32_t at = first_slot(table, name);
    while (table->slots[at])
        at = (at + 1) & (table->n_slots - 1);
    table->slots[at] = number + 1;
}

uint32_t
topology_node(const struct topology *t, const char *name)
{
    const struct name_table *table = &t->node_names;
    for (uint32_t at = first_slot(table, name); table->slots[at];
         at = (at + 1) & (table->n_slots - 1)) {
        if (!strcmp(t->nodes[table->slots[at] - 1]->name, name))
            return table->slots[at] - 1;
    }
    return NO_INDEX;
}

uint32_t
topology_link(const struct topology *t, const char *name)
{
    const struct name_table *table = &t->link_names;
    for (uint32_t at = first_slot(table, name); table->slots[at];
         at = (at + 1) & (table->n_slots - 1)) {
        if (!strcmp(t->links[table->slots[at] - 1]->name, name))
            return table->slots[at] - 1;
    }
    return NO_INDEX;
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
    if (n_nodes)
        qsort(t->nodes, n_nodes, sizeof(struct node *), by_node_name);
    name_table_init(&t->node_names, n_nodes);
    for (uint32_t i = 0; i < n_nodes; i++)
        name_table_add(&t->node_names, t->nodes[i]->name, i);
    graph_init(&t->graph, n_nodes);
    for (struct link *link = network->links; link; link = link->hh.next) {
        uint32_t a = topology_node(t, link->a.node), b = topology_node(t, link->b.node);
        if (a != NO_INDEX && b != NO_INDEX && a != b)
            t->links[n_links++] = link;
    }
    if (n_links)
        qsort(t->links, n_links, sizeof(struct link *), by_link_name);
    name_table_init(&t->link_names, n_links);
    for (uint32_t i = 0; i < n_links; i++) {
        struct link *link = t->links[i];
        name_table_add(&t->link_names, link->name, i);
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
    free(t->node_names.slots);
    free(t->link_names.slots);
    free(t);
}

static void
reserve_link(struct topology *t, const char *name, int64_t kbps)
{
    uint32_t link = topology_link(t, name);
    if (link != NO_INDEX)
        t->reserved_kbps[link] = (uint32_t)((int64_t)t->reserved_kbps[link] + kbps);
}

static bool
has_link(const struct route *route, const char *name)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        if (!strcmp(route->links[i], name))
            return true;
    }
    return false;
}

void
topology_reserve(struct topology *t, const struct design *d, int64_t kbps)
{
    for (uint32_t i = 0; i < d->primary.n_links; i++)
        reserve_link(t, d->primary.links[i], kbps);
    for (uint32_t i = 0; d->has_failover && i < d->failover.n_links; i++) {
        if (!has_link(&d->primary, d->failover.links[i]))
            reserve_link(t, d->failover.links[i], kbps);
    }
}
