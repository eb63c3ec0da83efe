#include "te/bookings.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Order of links of a snapshot among those of one pair of nodes: by their ends. */
static int
compare_ends(const struct te_link *a, const struct te_link *b)
{
    int order = te_address_compare(&a->local, &b->local);
    order = order ? order : te_address_compare(&a->remote, &b->remote);
    if (!order && a->local_id != b->local_id)
        order = a->local_id < b->local_id ? -1 : 1;
    if (!order && a->remote_id != b->remote_id)
        order = a->remote_id < b->remote_id ? -1 : 1;
    return order;
}

/* The first link from a node to that node or one behind it; they are sorted. */
static uint32_t
first_to(const struct te_network *net, uint32_t from, uint64_t to)
{
    uint32_t low = net->first_out[from], high = net->first_out[from + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (net->links[middle].to < to)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Snapshots are sorted by ends (network_build.h): both ranges are gone through together. */
static void
match_range(const struct te_network *old, uint32_t at, uint32_t end, const struct te_network *next,
            uint32_t first, uint32_t limit, uint32_t *new_place)
{
    while (at < end && first < limit) {
        int order = compare_ends(&old->links[at], &next->links[first]);
        if (!order)
            new_place[at] = first;
        at += order <= 0;
        first += order >= 0;
    }
}

void
te_network_match(const struct te_network *old, const struct te_network *next, uint32_t *new_place)
{
    for (uint32_t at = 0; at < old->n_links;) {
        uint32_t from = old->links[at].from, to = old->links[at].to, end = at;
        while (end < old->n_links && old->links[end].from == from && old->links[end].to == to)
            new_place[end++] = TE_NONE;
        uint32_t a = te_network_node(next, old->nodes[from].key);
        uint32_t b = te_network_node(next, old->nodes[to].key);
        if (a != TE_NONE && b != TE_NONE)
            match_range(old, at, end, next, first_to(next, a, b),
                        first_to(next, a, (uint64_t)b + 1), new_place);
        at = end;
    }
}
