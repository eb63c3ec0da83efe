#include "te/tree.h"

#include "te/testing.h"

#define LEAVES 3

/* The least cost of a tree, over all sets of links of one direction: dynamic programming over sets
 * of leaves (S. E. Dreyfus and R. A. Wagner, 1971), without bounds. */
static uint64_t
steiner(const struct te_network *net, uint32_t root, const uint32_t *leaves)
{
    uint64_t far = UINT32_MAX, best[1 << LEAVES][16];
    for (uint32_t set = 1; set < 1 << LEAVES; set++) {
        for (uint32_t v = 0; v < net->n_nodes; v++) {
            best[set][v] = far;
            for (uint32_t i = 0; i < LEAVES; i++)
                best[set][v] = set == 1u << i && leaves[i] == v ? 0 : best[set][v];
            for (uint32_t part = (set - 1) & set; part; part = (part - 1) & set)
                best[set][v] = MIN(best[set][v], best[part][v] + best[set ^ part][v]);
        }
        for (uint32_t round = 0; round < net->n_nodes; round++) {
            for (uint32_t l = 0; l < net->n_links; l++) {
                uint32_t from = net->links[l].from, to = net->links[l].to;
                best[set][from] = MIN(best[set][from], net->links[l].igp_metric + best[set][to]);
            }
        }
    }
    return best[(1 << LEAVES) - 1][root];
}

static void
assert_is_tree(const struct te_router *r, const struct te_tree_request *ask,
               const struct te_tree *tree)
{
    bool in[16] = {false};
    uint64_t cost = 0, most = 0;
    in[ask->root] = true;
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct te_link *l = &r->net->links[tree->links[i]];
        assert_true(in[l->from]);
        assert_false(in[l->to]);
        in[l->to] = true;
        cost += l->igp_metric;
    }
    assert_int_equal(cost, tree->cost);
    for (uint32_t i = 0; i < ask->n_leaves; i++) {
        uint32_t links[16], n = te_tree_path(r, tree, ask->leaves[i], links);
        uint64_t delay = 0;
        assert_true(n > 0);
        for (uint32_t k = 0; k < n; k++)
            delay += r->net->links[links[k]].delay_us;
        assert_true(!ask->constraints.max_delay_us || delay <= ask->constraints.max_delay_us);
        most = MAX(most, delay);
    }
    assert_int_equal(most, tree->max_delay_us);
}

static void
trees_are_near_the_best(void **state UNUSED)
{
    static const uint32_t leaves[LEAVES] = {9, 8, 7};
    uint64_t sum = 0, sum_best = 0, n = 0, n_best = 0;
    test_seed = 1;
    for (int round = 0; round < 300; round++) {
        const struct te_network *net = test_network(10, 16 + draw(8), 0, true);
        struct te_router *r = te_router_new(net);
        const struct te_tree_request ask = {.leaves = leaves, .n_leaves = LEAVES};
        struct te_tree tree;
        uint64_t best = steiner(net, 0, leaves);
        enum err err = te_tree_find(r, &ask, &tree, NULL);
        assert_err(err, best >= UINT32_MAX ? ERR_NOT_FOUND : ERR_OK);
        if (!err) {
            assert_is_tree(r, &ask, &tree);
            assert_true(tree.cost >= best);
            sum += tree.cost;
            sum_best += best;
            n++;
            n_best += tree.cost == best;
            te_tree_fini(&tree);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n > 200);
    assert_true(n_best * 100 > n * 70);
    assert_true(sum * 100 < sum_best * 105);
}

static void
leaves_keep_their_bounds(void **state UNUSED)
{
    static const uint32_t leaves[LEAVES] = {9, 8, 7};
    uint32_t n_found = 0;
    test_seed = 2;
    for (int round = 0; round < 300; round++) {
        const struct te_network *net = test_network(10, 16 + draw(8), 0, true);
        struct te_router *r = te_router_new(net);
        const struct te_tree_request ask = {
            .leaves = leaves, .n_leaves = LEAVES, .constraints = {.max_delay_us = 20 + draw(30)}};
        struct te_tree tree;
        bool possible = true;
        for (int i = 0; i < LEAVES; i++) {
            const struct te_request one = {
                .to = leaves[i], .optimise = TE_METRIC_DELAY, .constraints = ask.constraints};
            struct te_path path;
            enum err err = te_route(r, &one, &path, NULL);
            possible &= !err;
            if (!err)
                te_path_fini(&path);
        }
        enum err err = te_tree_find(r, &ask, &tree, NULL);
        assert_err(err, possible ? ERR_OK : ERR_NOT_FOUND);
        if (!err) {
            assert_is_tree(r, &ask, &tree);
            n_found++;
            te_tree_fini(&tree);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 50);
}

static void
pairs_share_nothing(void **state UNUSED)
{
    static const uint32_t leaves[LEAVES] = {9, 8, 7};
    uint32_t n_found = 0, n_shared = 0;
    test_seed = 3;
    for (int round = 0; round < 200; round++) {
        const struct te_network *net = test_network(10, 24 + draw(8), 30, true);
        struct te_router *r = te_router_new(net);
        const struct te_tree_request ask = {.leaves = leaves, .n_leaves = LEAVES};
        struct te_tree_pair pair;
        unsigned disjoint = draw(2) ? TE_DISJOINT_SRLG : 0;
        enum err err = te_tree_find_pair(r, &ask, disjoint, draw(2), &pair, NULL);
        if (!err) {
            uint32_t n = 0;
            for (int i = 0; i < 2; i++)
                assert_is_tree(r, &ask, &pair.trees[i]);
            for (uint32_t i = 0; i < pair.trees[0].n * pair.trees[1].n; i++) {
                uint32_t a = pair.trees[0].links[i / pair.trees[1].n];
                uint32_t b = pair.trees[1].links[i % pair.trees[1].n];
                n += a == b || net->links[a].reverse == b;
            }
            assert_int_equal(n, pair.shared_links);
            n_found++;
            n_shared += n > 0;
            te_tree_pair_fini(&pair);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 100);
    assert_true(n_shared < n_found);
}

static void
names_the_leaf_that_cannot_be_reached(void **state UNUSED)
{
    struct te_builder *b = test_nodes(4, 0);
    const struct te_link links[] = {te_link_plain(0, 1, 1, 10, 1), te_link_plain(1, 2, 1, 10, 1)};
    const uint32_t leaves[] = {2, 3}, near[] = {1, 2};
    for (int i = 0; i < 2; i++)
        assert_ok(te_builder_add_both(b, &links[i], NULL, 0, NULL, NULL));
    const struct te_network *net = te_builder_finish(b, 1);
    struct te_router *r = te_router_new(net);
    struct te_tree_request ask = {.leaves = leaves, .n_leaves = 2};
    struct te_tree tree;
    struct diag diag;
    assert_err(te_tree_find(r, &ask, &tree, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "no tree from n0: n3 cannot be reached within the constraints");
    ask.leaves = near;
    ask.constraints.max_delay_us = 15;
    assert_err(te_tree_find(r, &ask, &tree, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "no tree from n0: n2 cannot be reached within the constraints");
    ask.leaves = &leaves[1];
    ask.n_leaves = 0;
    assert_err(te_tree_find(r, &ask, &tree, &diag), ERR_INVALID);
    te_builder_free(b);
    te_router_free(r);
    te_network_free(net);
}

TEST_MAIN(cmocka_unit_test(trees_are_near_the_best), cmocka_unit_test(leaves_keep_their_bounds),
          cmocka_unit_test(pairs_share_nothing),
          cmocka_unit_test(names_the_leaf_that_cannot_be_reached))
