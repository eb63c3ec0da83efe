/* Islands: a disjoint-set forest over the nodes, joined by the links (path halving, union by size).
 */
#include "base/alloc.h"
#include "model/check_private.h"

#include <stdlib.h>
#include <string.h>

struct island { /* one per node; the root stands for the island */
    const struct node *node;
    struct island *parent;
    unsigned size; /* nodes of the island, at its root */
};

struct islands {
    struct claim *by_name;
    struct island *all;
    unsigned n;
};

static struct island *
root_of(struct island *island)
{
    while (island->parent != island) {
        island->parent = island->parent->parent;
        island = island->parent;
    }
    return island;
}

static struct island *
island_of(struct islands *islands, const char *node)
{
    struct island *island = (struct island *)claim_owner(&islands->by_name, node, strlen(node));
    return island ? root_of(island) : NULL;
}

static void
join(struct islands *islands, const struct link *link)
{
    struct island *a = island_of(islands, link->a.node), *b = island_of(islands, link->b.node);
    if (!a || !b || a == b)
        return;
    struct island *large = a->size >= b->size ? a : b, *small = large == a ? b : a;
    small->parent = large;
    large->size += small->size;
}

struct islands *
islands_find(const struct network *network)
{
    struct islands *islands = xcalloc(1, sizeof *islands);
    islands->all = xcalloc(HASH_COUNT(network->nodes), sizeof *islands->all);
    for (const struct node *node = network->nodes; node; node = node->hh.next) {
        struct island *island = &islands->all[islands->n++];
        *island = (struct island){.node = node, .parent = island, .size = 1};
        claim_text(&islands->by_name, node->name, island);
    }
    for (const struct link *link = network->links; link; link = link->hh.next)
        join(islands, link);
    return islands;
}

void
islands_free(struct islands *islands)
{
    claims_free(&islands->by_name);
    free(islands->all);
    free(islands);
}

bool
islands_connected(struct islands *islands, const char *node_a, const char *node_b)
{
    const struct island *a = island_of(islands, node_a), *b = island_of(islands, node_b);
    return !a || !b || a == b;
}

/* The largest island is the network; each other one is reported at its first node. */
void
islands_report(struct islands *islands, struct findings *findings)
{
    const struct island *largest = NULL;
    for (unsigned i = 0; i < islands->n; i++) {
        const struct island *root = root_of(&islands->all[i]);
        if (!largest || root->size > largest->size)
            largest = root;
    }
    struct claim *reported = NULL;
    for (unsigned i = 0; i < islands->n; i++) {
        const struct island *root = root_of(&islands->all[i]);
        if (root == largest || claim_key(&reported, &root, sizeof root, root))
            continue;
        const char *name = islands->all[i].node->name;
        if (root->size == 1)
            findings_add(findings, SEVERITY_WARNING, "island", "node", name, NULL,
                         "has no link to the rest of the network");
        else
            findings_add(findings, SEVERITY_WARNING, "island", "node", name, NULL,
                         "is on an island of %u nodes that has no link to the rest of the network",
                         root->size);
    }
    claims_free(&reported);
}
