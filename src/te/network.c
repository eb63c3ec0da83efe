#include "te/network.h"

#include <string.h>

int
te_address_compare(const struct te_address *a, const struct te_address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return a->family ? memcmp(a->octets, b->octets, a->family == 4 ? 4 : 16) : 0;
}

struct te_address
te_address_ip4(uint32_t ip)
{
    return (struct te_address){
        4, {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip}};
}

typedef int compare_fn(const struct te_network *, uint32_t at, const void *wanted);

static int
compare_key(const struct te_network *net, uint32_t node, const void *wanted)
{
    return strcmp(net->nodes[node].key, wanted);
}

static int
compare_router_id(const struct te_network *net, uint32_t node, const void *wanted)
{
    return te_address_compare(&net->nodes[node].router_id, wanted);
}

static int
compare_local(const struct te_network *net, uint32_t link, const void *wanted)
{
    return te_address_compare(&net->links[link].local, wanted);
}

/* The first of those that compare equal. */
static uint32_t
find(const struct te_network *net, const uint32_t *index, uint32_t n, compare_fn *compare,
     const void *wanted)
{
    uint32_t low = 0, high = n;
    for (uint32_t i = 0; !index && i < n; i++) {
        if (!compare(net, i, wanted))
            return i;
    }
    while (index && low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(net, index[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return index && low < n && !compare(net, index[low], wanted) ? index[low] : TE_NONE;
}

uint32_t
te_network_node(const struct te_network *net, const char *key)
{
    return find(net, net->by_key, net->n_nodes, compare_key, key);
}

uint32_t
te_network_node_at(const struct te_network *net, const struct te_address *router_id)
{
    if (!router_id->family)
        return TE_NONE;
    return find(net, net->by_router_id, net->n_nodes, compare_router_id, router_id);
}

uint32_t
te_network_link_at(const struct te_network *net, const struct te_address *local)
{
    if (!local->family)
        return TE_NONE;
    return find(net, net->by_local, net->n_links, compare_local, local);
}
