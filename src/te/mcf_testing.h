/* mcf_testing.h - networks and demands for tests: drawn from a seed, the same on every machine. */
#ifndef TE_MCF_TESTING_H
#define TE_MCF_TESTING_H

#include "base/alloc.h"
#include "te/mcf.h"
#include "te/network_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct dice {
    uint64_t state;
};

static inline UNUSED uint32_t
dice_below(struct dice *d, uint32_t n)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((d->state >> 33) % n);
}

static inline UNUSED void
add_test_nodes(struct te_builder *b, uint32_t n)
{
    for (uint32_t v = 0; v < n; v++) {
        char key[16];
        snprintf(key, sizeof key, "n%u", v);
        struct te_node node = te_node_plain(key);
        node.sid_index = v;
        node.srgb_base = 16000;
        node.srgb_size = 8000;
        if (te_builder_add_node(b, &node, NULL))
            abort();
    }
}

static inline UNUSED void
add_test_link(struct te_builder *b, uint32_t u, uint32_t v, uint32_t metric, uint64_t capacity,
              uint32_t *label)
{
    struct te_link l = te_link_plain(u, v, metric, metric * 10, capacity);
    uint32_t id, reverse, groups[1] = {*label / 6};
    l.adjacency_label = 15000 + (*label)++;
    if (te_builder_add_link(b, &l, groups, 1, &id))
        abort();
    l.from = v;
    l.to = u;
    l.adjacency_label = 15000 + (*label)++;
    if (te_builder_add_link(b, &l, groups, 1, &reverse) || te_builder_pair(b, id, reverse))
        abort();
}

/* A ring with chords; metrics 1 to 4, so that equal paths are common. */
static inline UNUSED const struct te_network *
draw_network(uint32_t n, uint32_t chords, uint64_t seed)
{
    struct te_builder *b = te_builder_new(1 << 22);
    struct dice d = {seed};
    uint32_t label = 0;
    add_test_nodes(b, n);
    for (uint32_t v = 0; v < n; v++)
        add_test_link(b, v, (v + 1) % n, 1 + dice_below(&d, 4),
                      UINT64_C(1000000) * (5 + dice_below(&d, 20)), &label);
    for (uint32_t i = 0; i < chords; i++) {
        uint32_t u = dice_below(&d, n), v = (u + 2 + dice_below(&d, n - 3)) % n;
        add_test_link(b, u, v, 1 + dice_below(&d, 4), UINT64_C(1000000) * (5 + dice_below(&d, 20)),
                      &label);
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static inline UNUSED struct mcf_demand *
draw_demands(uint32_t n_nodes, uint32_t n, uint64_t seed)
{
    struct dice d = {seed * 7919 + 1};
    struct mcf_demand *demands = xcalloc(n + 1, sizeof *demands);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t from = dice_below(&d, n_nodes),
                 to = (from + 1 + dice_below(&d, n_nodes - 1)) % n_nodes;
        demands[k] = (struct mcf_demand){
            from, to, 1e5 * (1 + dice_below(&d, 20)), (double)INFINITY, NULL, 0, false};
    }
    return demands;
}

#endif
