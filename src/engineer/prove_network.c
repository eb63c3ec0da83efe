/* What tables are judged in: nodes, ports, links, shared risks, by number. */
#include "engineer/prove_graph.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static int
by_node_name(const void *a, const void *b)
{
    return strcmp(((const struct proved_node *)a)->node->name,
                  ((const struct proved_node *)b)->node->name);
}

static int
by_link_name(const void *a, const void *b)
{
    return strcmp(((const struct proved_link *)a)->link->name,
                  ((const struct proved_link *)b)->link->name);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
by_port_number(const void *a, const void *b)
{
    uint32_t x = ((const struct proved_port *)a)->number,
             y = ((const struct proved_port *)b)->number;
    return x < y ? -1 : x > y;
}

static uint64_t
hash_of_name(const char *name)
{
    return hash_bytes(name, strlen(name), 0);
}

static void
file_names(struct prover *p)
{
    p->n_name_slots = 16;
    while (p->n_name_slots < 2 * p->n_nodes)
        p->n_name_slots *= 2;
    p->name_slots = xcalloc(p->n_name_slots, sizeof *p->name_slots);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        uint64_t hash = hash_of_name(p->nodes[i].node->name);
        uint32_t at = (uint32_t)hash & (p->n_name_slots - 1);
        while (p->name_slots[at].node)
            at = (at + 1) & (p->n_name_slots - 1);
        p->name_slots[at] = (struct name_slot){hash, i + 1};
    }
}

uint32_t
prover_node(const struct prover *p, const char *name)
{
    uint64_t hash = name ? hash_of_name(name) : 0;
    for (uint32_t at = (uint32_t)hash & (p->n_name_slots - 1); name && p->name_slots[at].node;
         at = (at + 1) & (p->n_name_slots - 1)) {
        const struct name_slot *slot = &p->name_slots[at];
        if (slot->hash == hash && !strcmp(p->nodes[slot->node - 1].node->name, name))
            return slot->node - 1;
    }
    return NO_ELEMENT;
}

struct proved_port *
proved_port(const struct proved_node *node, uint32_t number)
{
    uint32_t low = 0, high = node->n_ports;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (node->ports[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < node->n_ports && node->ports[low].number == number ? &node->ports[low] : NULL;
}

static void
add_ports(struct prover *p, struct proved_node *node)
{
    node->ports = xcalloc(node->node->n_ports + 1, sizeof *node->ports);
    for (uint32_t i = 0; i < node->node->n_ports; i++) {
        uint32_t number = node->node->ports[i].number;
        node->ports[node->n_ports++] = (struct proved_port){
            .number = number,
            .link = NO_ELEMENT,
            .far_node = NO_ELEMENT,
            .host = network_host_at(p->network, node->node->name, number)};
    }
    node->ports[node->n_ports++] = (struct proved_port){
        .number = PORT_LOCAL, .link = NO_ELEMENT, .far_node = NO_ELEMENT};
    qsort(node->ports, node->n_ports, sizeof *node->ports, by_port_number);
}

/* A port with a link to a node that is not there is an edge: what enters there must be allowed. */
static void
connect(struct prover *p, uint32_t link, const struct link_end *here, const struct link_end *far)
{
    uint32_t node = prover_node(p, here->node), far_node = prover_node(p, far->node);
    struct proved_port *port = node == NO_ELEMENT ? NULL : proved_port(&p->nodes[node], here->port);
    if (!port || far_node == NO_ELEMENT)
        return;
    port->link = link;
    port->far_node = far_node;
    port->far_port = far->port;
}

static void
name_risks(struct prover *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_links; i++)
        n += p->links[i].link->n_shared_risks;
    p->risks = xcalloc(n ? n : 1, sizeof *p->risks);
    n = 0;
    for (uint32_t i = 0; i < p->n_links; i++) {
        for (uint32_t k = 0; k < p->links[i].link->n_shared_risks; k++)
            p->risks[n++] = p->links[i].link->shared_risks[k];
    }
    if (n)
        qsort(p->risks, n, sizeof *p->risks, by_text);
    for (uint32_t i = 0; i < n; i++) {
        if (!p->n_risks || strcmp(p->risks[p->n_risks - 1], p->risks[i]))
            p->risks[p->n_risks++] = p->risks[i];
    }
    for (uint32_t i = 0; i < p->n_links; i++) {
        struct proved_link *l = &p->links[i];
        l->risks = xcalloc(l->link->n_shared_risks + 1, sizeof *l->risks);
        for (uint32_t k = 0; k < l->link->n_shared_risks; k++) {
            char **found = bsearch(&l->link->shared_risks[k], p->risks, p->n_risks,
                                   sizeof *p->risks, by_text);
            l->risks[l->n_risks++] = (uint32_t)(found - p->risks);
        }
    }
}

struct prover *
prover_new(const struct network *net)
{
    struct prover *p = xcalloc(1, sizeof *p);
    p->network = net;
    p->nodes = xcalloc(HASH_COUNT(net->nodes) + 1, sizeof *p->nodes);
    p->links = xcalloc(HASH_COUNT(net->links) + 1, sizeof *p->links);
    for (const struct node *node = net->nodes; node; node = node->hh.next)
        p->nodes[p->n_nodes++].node = node;
    qsort(p->nodes, p->n_nodes, sizeof *p->nodes, by_node_name);
    for (const struct link *link = net->links; link; link = link->hh.next)
        p->links[p->n_links++].link = link;
    qsort(p->links, p->n_links, sizeof *p->links, by_link_name);
    file_names(p);
    for (uint32_t i = 0; i < p->n_nodes; i++)
        add_ports(p, &p->nodes[i]);
    for (uint32_t i = 0; i < p->n_links; i++) {
        connect(p, i, &p->links[i].link->a, &p->links[i].link->b);
        connect(p, i, &p->links[i].link->b, &p->links[i].link->a);
    }
    name_risks(p);
    p->lane_numbers[FAILS_LINK] = xcalloc(p->n_links + 1, sizeof(struct lane_number));
    p->lane_numbers[FAILS_NODE] = xcalloc(p->n_nodes + 1, sizeof(struct lane_number));
    p->lane_numbers[FAILS_RISK] = xcalloc(p->n_risks + 1, sizeof(struct lane_number));
    return p;
}
