/* testing.h - for the tests of this directory: small random networks, and every simple path between
 * two of their nodes, to compare the clever with the plain. */
#ifndef TE_TESTING_H
#define TE_TESTING_H

#include "base/testing.h"
#include "te/network_build.h"
#include "te/route.h"

#include <stdio.h>

static uint64_t test_seed = 1;

static inline UNUSED uint32_t
draw(uint32_t below)
{
    test_seed = test_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(test_seed >> 33) % below;
}

static inline UNUSED struct te_builder *
test_nodes(uint32_t n, uint32_t one_in_impassable)
{
    struct te_builder *b = te_builder_new(1 << 24);
    for (uint32_t i = 0; i < n; i++) {
        char key[12];
        snprintf(key, sizeof key, "n%u", i);
        struct te_node node = te_node_plain(key);
        node.sid_index = i;
        node.srgb_base = 16000 + 1000 * (i % 3);
        node.srgb_size = 1000;
        node.passable = !one_in_impassable || draw(one_in_impassable);
        assert_ok(te_builder_add_node(b, &node, NULL));
    }
    return b;
}

/* Both directions, which differ in everything but their groups. */
static inline UNUSED void
test_link(struct te_builder *b, uint32_t from, uint32_t to, uint32_t n_groups, bool plain)
{
    uint32_t groups[2] = {draw(MAX(n_groups, 1)), draw(MAX(n_groups, 1))}, ids[2];
    uint32_t n = n_groups ? draw(3) : 0;
    for (uint32_t i = 0; i < 2; i++) {
        struct te_link l = te_link_plain(i ? to : from, i ? from : to, 1 + draw(9), 1 + draw(20),
                                         100 * (1 + draw(9)));
        l.te_metric = 1 + draw(9);
        l.adjacency_label = 24000 + draw(8000);
        if (!plain) {
            l.delay_us = draw(12) ? l.delay_us : TE_UNKNOWN_US;
            l.affinity.words[0] = draw(8);
            l.up = draw(15);
        }
        assert_ok(te_builder_add_link(b, &l, groups, n, &ids[i]));
    }
    assert_ok(te_builder_pair(b, ids[0], ids[1]));
}

static inline UNUSED const struct te_network *
test_network(uint32_t n_nodes, uint32_t n_links, uint32_t n_groups, bool plain)
{
    struct te_builder *b = test_nodes(n_nodes, plain ? 0 : 15);
    for (uint32_t i = 0; i < n_links; i++) {
        uint32_t from = draw(n_nodes);
        test_link(b, from, (from + 1 + draw(n_nodes - 1)) % n_nodes, n_groups, plain);
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

#define TEST_PATH_MAX 12

struct test_path {
    uint32_t n, links[TEST_PATH_MAX];
};

struct test_paths {
    const struct te_network *net;
    uint32_t to, n;
    bool seen[TEST_PATH_MAX];
    struct test_path now, paths[60000];
};

static inline UNUSED void
test_walk(struct test_paths *all, uint32_t v)
{
    const struct te_network *net = all->net;
    if (v == all->to) {
        assert_true(all->n < ARRAY_SIZE(all->paths));
        all->paths[all->n++] = all->now;
        return;
    }
    all->seen[v] = true;
    for (uint32_t l = net->first_out[v]; l < net->first_out[v + 1]; l++) {
        if (all->seen[net->links[l].to])
            continue;
        all->now.links[all->now.n++] = l;
        test_walk(all, net->links[l].to);
        all->now.n--;
    }
    all->seen[v] = false;
}

/* Of at most TEST_PATH_MAX nodes; constraints are not looked at. */
static inline UNUSED void
test_all_paths(struct test_paths *all, const struct te_network *net, uint32_t from, uint32_t to)
{
    all->net = net;
    all->to = to;
    all->n = all->now.n = 0;
    memset(all->seen, 0, sizeof all->seen);
    test_walk(all, from);
}

/* What of a request the path breaks, written down as plainly as can be; false: something. */
static inline UNUSED bool
test_fits(const struct te_network *net, const struct te_request *ask, const struct test_path *p,
          uint64_t sums[5])
{
    const struct te_constraints *c = &ask->constraints;
    bool symmetric = c->symmetric || c->bound_asymmetry;
    bool delays = c->max_delay_us || c->bound_asymmetry || ask->optimise == TE_METRIC_DELAY;
    uint32_t hop = 0;
    memset(sums, 0, 5 * sizeof *sums);
    while (hop < ask->n_hops && ask->hops[hop].link == TE_NONE && ask->hops[hop].node == ask->from)
        hop++;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct te_link *both[2] = {&net->links[p->links[i]],
                                         &net->links[net->links[p->links[i]].reverse]};
        uint32_t to = both[0]->to;
        for (int k = 0; k < 2; k++) {
            const struct te_link *l = both[k];
            uint64_t groups = l->affinity.words[0], any = c->include_any.words[0];
            uint32_t us = l->delay_us == TE_UNKNOWN_US ? c->assume_delay_us : l->delay_us;
            sums[k] += us;
            if (!l->up)
                return false;
            if (k && !symmetric)
                continue;
            if (delays && !us)
                return false;
            uint64_t free_bps = c->free_bps ? c->free_bps[l - net->links]
                                            : l->unreserved_bps[c->priority];
            if (free_bps < c->bandwidth_bps || (any && !(groups & any)) ||
                (c->include_all.words[0] & ~groups) || (c->exclude_any.words[0] & groups))
                return false;
            for (uint32_t m = 0; m < c->n_exclude_srlgs * l->n_srlgs; m++) {
                if (c->exclude_srlgs[m / l->n_srlgs] ==
                    net->link_srlgs[l->first_srlg + m % l->n_srlgs])
                    return false;
            }
        }
        for (uint32_t m = 0; m < c->n_exclude_links; m++) {
            if (c->exclude_links[m] == p->links[i] || c->exclude_links[m] == both[0]->reverse)
                return false;
        }
        if (to != ask->to && !net->nodes[to].passable)
            return false;
        for (uint32_t m = 0; m < c->n_exclude_nodes; m++) {
            if (c->exclude_nodes[m] == to && to != ask->to)
                return false;
        }
        sums[2]++;
        sums[3] += both[0]->igp_metric;
        sums[4] += both[0]->te_metric;
        if (hop < ask->n_hops) {
            const struct te_hop *h = &ask->hops[hop];
            bool hit = h->link != TE_NONE ? h->link == p->links[i] : h->node == to;
            if (!hit && !h->loose)
                return false;
            hop += hit;
            while (hop < ask->n_hops && ask->hops[hop].link == TE_NONE && ask->hops[hop].node == to)
                hop++;
        }
    }
    uint64_t difference = sums[0] > sums[1] ? sums[0] - sums[1] : sums[1] - sums[0];
    return hop == ask->n_hops && (!c->max_delay_us || sums[0] <= c->max_delay_us) &&
           (!c->max_delay_us || !symmetric || sums[1] <= c->max_delay_us) &&
           (!c->max_hops || sums[2] <= c->max_hops) && (!c->max_igp || sums[3] <= c->max_igp) &&
           (!c->max_te || sums[4] <= c->max_te) &&
           (!c->bound_asymmetry || difference <= c->max_asymmetry_us);
}

static inline UNUSED uint64_t
test_cost(const struct te_request *ask, const uint64_t sums[5])
{
    const uint64_t costs[TE_METRICS] = {sums[3], sums[4], sums[0], sums[2]};
    return costs[ask->optimise];
}

#endif
