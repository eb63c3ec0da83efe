/* paths_fuzz.c - small networks and questions out of any octets, with metrics, delays and labels as
 * no sane router tells them; whatever the answer is, it must be what was asked for. */
#include "te/bookings.h"
#include "te/bulk.h"
#include "te/disjoint.h"
#include "te/network_build.h"
#include "te/segments.h"
#include "te/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 10
#define LINKS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at, *end;
};

static uint8_t
octet(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint32_t
below(struct input *in, uint32_t n)
{
    return octet(in) % n;
}

/* Small, or one of those at which sums and comparisons break. */
static uint32_t
number(struct input *in)
{
    static const uint32_t odd[] = {
        0, 1, UINT32_MAX, UINT32_MAX - 1, UINT32_C(1) << 31, UINT16_MAX, 0x3fffffff, 0x40000000};
    uint8_t kind = octet(in);
    return kind < 200 ? kind : odd[kind % 8];
}

static void
must(bool condition)
{
    if (!condition)
        abort();
}

static const struct te_network *
read_network(struct input *in)
{
    struct te_builder *b = te_builder_new(1 << 20);
    uint32_t n_nodes = 2 + below(in, NODES_MAX - 1), n_links = below(in, LINKS_MAX + 1);
    for (uint32_t i = 0; i < n_nodes; i++) {
        char key[8];
        snprintf(key, sizeof key, "%u", i);
        struct te_node node = te_node_plain(key);
        node.passable = octet(in) % 8;
        node.sid_index = octet(in) % 4 ? i : number(in);
        node.srgb_base = number(in);
        node.srgb_size = octet(in) % 4 ? 1000 : number(in);
        node.max_sid_depth = octet(in) % 4 ? 0 : octet(in);
        must(!te_builder_add_node(b, &node, NULL));
    }
    for (uint32_t i = 0; i < n_links; i++) {
        uint32_t from = below(in, n_nodes), to = below(in, n_nodes);
        const uint32_t groups[2] = {octet(in) % 8, octet(in) % 8};
        struct te_link l = te_link_plain(from, to, number(in), number(in), number(in));
        l.te_metric = number(in);
        l.up = octet(in) % 8;
        l.adjacency_label = number(in);
        l.affinity.words[0] = octet(in);
        bool both = octet(in) % 8;
        enum err err = both ? te_builder_add_both(b, &l, groups, octet(in) % 3, NULL, NULL)
                            : te_builder_add_link(b, &l, groups, octet(in) % 3, NULL);
        must((err == ERR_OK) == (from != to));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

struct question {
    struct te_request ask;
    struct te_hop hops[2];
    uint32_t nodes[1], links[1], srlgs[1];
};

static void
read_question(struct input *in, const struct te_network *net, struct question *q)
{
    struct te_constraints *c = &q->ask.constraints;
    uint8_t flags = octet(in), lists = octet(in);
    memset(q, 0, sizeof *q);
    q->ask.from = below(in, net->n_nodes);
    q->ask.to = below(in, net->n_nodes);
    q->ask.optimise = (enum te_metric)below(in, TE_METRICS);
    q->ask.effort = flags & 1 ? 0 : 1 + octet(in);
    c->bandwidth_bps = flags & 2 ? number(in) : 0;
    c->priority = (uint8_t)below(in, TE_PRIORITIES);
    c->max_delay_us = flags & 4 ? number(in) : 0;
    c->max_hops = flags & 8 ? octet(in) % 8 : 0;
    c->max_igp = flags & 16 ? number(in) : 0;
    c->symmetric = flags & 32;
    c->bound_asymmetry = flags & 64;
    c->max_asymmetry_us = number(in);
    c->assume_delay_us = flags & 128 ? number(in) : 0;
    c->exclude_any.words[0] = lists & 1 ? octet(in) : 0;
    c->include_any.words[0] = lists & 2 ? octet(in) : 0;
    c->exclude_nodes = q->nodes;
    c->exclude_links = q->links;
    c->exclude_srlgs = q->srlgs;
    q->nodes[0] = below(in, net->n_nodes);
    q->links[0] = net->n_links ? below(in, net->n_links) : 0;
    q->srlgs[0] = net->n_srlgs ? below(in, net->n_srlgs) : 0;
    c->n_exclude_nodes = !!(lists & 4);
    c->n_exclude_links = lists & 8 && net->n_links;
    c->n_exclude_srlgs = lists & 16 && net->n_srlgs;
    q->ask.hops = q->hops;
    q->ask.n_hops = lists & 32 ? 1 + below(in, 2) : 0;
    for (uint32_t i = 0; i < q->ask.n_hops; i++) {
        bool link = net->n_links && octet(in) % 2;
        q->hops[i] = (struct te_hop){below(in, net->n_nodes),
                                     link ? below(in, net->n_links) : TE_NONE, octet(in) % 2};
    }
}

static void
try_segments(struct input *in, struct te_router *r, const struct te_path *path)
{
    struct te_igp *igp = te_igp_new(r, NULL);
    uint32_t labels[3] = {number(in), number(in), number(in)};
    const struct te_segments_request ask = {.links = path->links, .n_links = path->n};
    struct te_segments s;
    struct te_expansion e;
    struct diag diag;
    if (!te_segments_find(igp, &ask, &s, NULL, &diag)) {
        must(!path->n || !te_segments_expand(igp, r->graph.from[path->links[0]], &s, &e, &diag));
        if (path->n) {
            must(e.unique && e.n == path->n);
            for (uint32_t i = 0; i < e.n; i++)
                must(e.shares[i].link == path->links[i]);
            te_expansion_fini(&e);
        }
        te_segments_fini(&s);
    }
    if (!te_segments_decode(igp, below(in, r->net->n_nodes), labels, 3, &s, &diag)) {
        if (!te_segments_expand(igp, below(in, r->net->n_nodes), &s, &e, &diag))
            te_expansion_fini(&e);
        te_segments_fini(&s);
    }
    te_igp_free(igp);
}

static void
try_account(struct input *in, const struct te_network *net, const struct te_path *path)
{
    struct te_bookings *b = te_bookings_new(net);
    const struct te_window w = {number(in), number(in)}, all = {TE_EVER, TE_FOREVER};
    for (uint64_t i = 1; i < 5; i++) {
        uint8_t setup = (uint8_t)below(in, 8);
        const struct te_booking k = {.lsp = 1 + below(in, 3),
                                     .path = below(in, 2),
                                     .setup_priority = setup,
                                     .hold_priority = (uint8_t)below(in, setup + 1u),
                                     .bandwidth_bps = number(in),
                                     .links = path->links,
                                     .n_links = path->n,
                                     .windows = octet(in) % 2 ? &w : NULL,
                                     .n_windows = 1};
        uint64_t *lsps;
        uint32_t n;
        if (!te_bookings_victims(b, &k, &lsps, &n))
            free(lsps);
        if (te_bookings_put(b, &k, NULL) && octet(in) % 2)
            te_bookings_remove_lsp(b, k.lsp);
    }
    for (uint64_t lsp = 1; lsp < 4; lsp++)
        te_bookings_remove_lsp(b, lsp);
    for (uint32_t l = 0; l < net->n_links; l++)
        must(te_bookings_link_free(b, l, 7, all, 0) == net->links[l].reservable_bps);
    te_bookings_free(b);
}

static void
try_sets(struct input *in, struct te_router *r, const struct question *q)
{
    struct te_request asks[2] = {q->ask, q->ask};
    asks[1].to = octet(in) % 4 ? q->ask.to : below(in, r->net->n_nodes);
    const struct te_disjoint_request ask = {.n = 2,
                                            .paths = asks,
                                            .disjoint = octet(in),
                                            .best_effort = octet(in) % 2,
                                            .bound_difference = octet(in) % 4 == 0,
                                            .max_difference_us = number(in),
                                            .effort = 1 + octet(in) / 4};
    struct te_disjoint_set set;
    struct diag diag;
    if (te_disjoint(r, &ask, &set, &diag))
        return;
    for (int i = 0; i < 2; i++)
        must(!te_path_check(r, &asks[i], &set.paths[i], &diag));
    must(ask.best_effort || !(set.shared_links + set.shared_nodes + set.shared_srlgs));
    must(set.least_cost <= set.cost);
    te_disjoint_fini(&set);
}

static void
try_trees(struct input *in, struct te_router *r, const struct question *q)
{
    const uint32_t leaves[2] = {below(in, r->net->n_nodes), below(in, r->net->n_nodes)};
    const struct te_tree_request ask = {.root = q->ask.from,
                                        .leaves = leaves,
                                        .n_leaves = 1 + below(in, 2),
                                        .optimise = q->ask.optimise,
                                        .constraints = q->ask.constraints};
    uint32_t links[NODES_MAX];
    struct te_tree tree;
    struct te_tree_pair pair;
    struct diag diag;
    if (!te_tree_find(r, &ask, &tree, &diag)) {
        for (uint32_t i = 0; i < ask.n_leaves; i++)
            must(te_tree_path(r, &tree, leaves[i], links) > 0);
        te_tree_fini(&tree);
    }
    if (!te_tree_find_pair(r, &ask, octet(in), octet(in) % 2, &pair, &diag))
        te_tree_pair_fini(&pair);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    const struct te_network *net = read_network(&in);
    struct te_router *r = te_router_new(net);
    struct question q;
    struct te_path path;
    struct te_refusal why;
    struct diag diag;
    read_question(&in, net, &q);
    if (!te_route(r, &q.ask, &path, &why)) {
        must(!te_path_check(r, &q.ask, &path, &diag));
        try_segments(&in, r, &path);
        try_account(&in, net, &path);
        te_path_fini(&path);
    }
    try_sets(&in, r, &q);
    try_trees(&in, r, &q);
    te_router_free(r);
    te_network_free(net);
    return 0;
}
