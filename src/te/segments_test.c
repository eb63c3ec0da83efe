#include "te/segments.h"

#include "te/testing.h"

#define NODES 8

static struct test_paths all;

/* The IGP's shortest path if there is only one, found among all paths; n 0: there are several. */
static struct test_path
only_shortest(const struct te_network *net, uint32_t from, uint32_t to)
{
    uint64_t best = UINT64_MAX, n = 0;
    struct test_path found = {0};
    test_all_paths(&all, net, from, to);
    for (uint32_t i = 0; i < all.n; i++) {
        const struct test_path *path = &all.paths[i];
        uint64_t cost = 0;
        for (uint32_t k = 0; k < path->n; k++) {
            const struct te_link *l = &net->links[path->links[k]];
            bool passes = k + 1 == path->n || net->nodes[l->to].passable;
            cost += passes ? l->igp_metric : 1000;
        }
        if (cost >= 1000 || cost > best)
            continue;
        n = cost == best ? n + 1 : 1;
        best = cost;
        found = *path;
    }
    return n == 1 ? found : (struct test_path){0};
}

/* How few segments a path takes: pieces that are the only shortest path, or one link. */
static uint32_t
fewest(struct test_path (*shortest)[NODES], const struct te_network *net,
       const struct test_path *path)
{
    uint32_t best[TEST_PATH_MAX + 1];
    best[path->n] = 0;
    for (uint32_t i = path->n; i-- > 0;) {
        best[i] = UINT32_MAX;
        for (uint32_t end = i + 1; end <= path->n; end++) {
            uint32_t from = net->links[path->links[i]].from,
                     to = net->links[path->links[end - 1]].to;
            const struct test_path *s = &shortest[from][to];
            bool same = s->n == end - i &&
                        !memcmp(s->links, &path->links[i], s->n * sizeof *s->links);
            bool node = same && net->nodes[to].sid_index != TE_NO_LABEL;
            bool link = end == i + 1 && net->links[path->links[i]].adjacency_label != TE_NO_LABEL;
            if ((node || link) && best[end] != UINT32_MAX)
                best[i] = MIN(best[i], best[end] + 1);
        }
    }
    return best[0];
}

static const struct te_network *
draw_network(void)
{
    struct te_builder *b = test_nodes(NODES, 12);
    for (uint32_t i = 0, n = 13 + draw(5); i < n; i++) {
        uint32_t from = draw(NODES), to = (from + 1 + draw(NODES - 1)) % NODES;
        uint32_t metric = 1 + draw(4), ids[2];
        for (uint32_t k = 0; k < 2; k++) {
            struct te_link l = te_link_plain(k ? to : from, k ? from : to, metric, 1 + draw(20), 1);
            l.adjacency_label = draw(20) ? 24000 + 2 * i + k : TE_NO_LABEL;
            assert_ok(te_builder_add_link(b, &l, NULL, 0, &ids[k]));
        }
        assert_ok(te_builder_pair(b, ids[0], ids[1]));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static void
assert_expands_to(struct te_igp *igp, const struct te_network *net, const struct te_segments *s,
                  const struct test_path *path)
{
    struct te_expansion e;
    struct te_segments decoded;
    uint32_t labels[TEST_PATH_MAX], from = net->links[path->links[0]].from;
    uint64_t delay = 0;
    assert_ok(te_segments_expand(igp, from, s, &e, NULL));
    assert_true(e.unique);
    assert_int_equal(e.n, path->n);
    for (uint32_t i = 0; i < e.n; i++) {
        assert_int_equal(e.shares[i].link, path->links[i]);
        delay += net->links[path->links[i]].delay_us;
    }
    assert_int_equal(e.min_delay_us, delay);
    assert_int_equal(e.max_delay_us, delay);
    assert_int_equal(e.end, net->links[path->links[path->n - 1]].to);
    te_expansion_fini(&e);
    for (uint32_t i = 0; i < s->n; i++)
        labels[i] = s->list[i].label;
    assert_ok(te_segments_decode(igp, from, labels, s->n, &decoded, NULL));
    for (uint32_t i = 0; i < s->n; i++) {
        assert_int_equal(decoded.list[i].node, s->list[i].node);
        assert_int_equal(decoded.list[i].link, s->list[i].link);
    }
    te_segments_fini(&decoded);
}

static void
lists_are_the_shortest_and_take_the_path(void **state UNUSED)
{
    static struct test_path shortest[NODES][NODES];
    static struct test_paths ways;
    uint32_t n_found = 0, n_short = 0;
    test_seed = 1;
    for (int round = 0; round < 60; round++) {
        const struct te_network *net = draw_network();
        struct te_router *r = te_router_new(net);
        struct te_igp *igp = te_igp_new(r, NULL);
        for (uint32_t from = 0; from < NODES; from++) {
            for (uint32_t to = 0; to < NODES; to++)
                shortest[from][to] = only_shortest(net, from, to);
        }
        test_all_paths(&ways, net, 0, NODES - 1);
        for (uint32_t i = 0; i < ways.n; i += 1 + draw(2)) {
            const struct test_path *path = &ways.paths[i];
            const struct te_segments_request ask = {.links = path->links, .n_links = path->n};
            struct te_segments s;
            uint32_t needed, expected = fewest(shortest, net, path);
            enum err err = te_segments_find(igp, &ask, &s, &needed, NULL);
            assert_err(err, expected == UINT32_MAX ? ERR_NOT_FOUND : ERR_OK);
            if (err)
                continue;
            assert_int_equal(needed, expected);
            assert_int_equal(s.n, expected);
            assert_expands_to(igp, net, &s, path);
            n_found++;
            n_short += s.n < path->n;
            te_segments_fini(&s);
        }
        te_igp_free(igp);
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 500 && n_short > 300);
}

/* 0 - 1 - 3 and 0 - 2 - 3 cost the same, 3 - 4 follows. */
static const struct te_network *
two_ways(uint32_t srgb_of_2)
{
    struct te_builder *b = te_builder_new(1 << 20);
    const uint32_t ends[][2] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {3, 4}};
    for (uint32_t i = 0; i < 5; i++) {
        char key[8];
        snprintf(key, sizeof key, "r%u", i);
        struct te_node node = te_node_plain(key);
        node.sid_index = 100 + i;
        node.srgb_base = 16000 + 1000 * i;
        node.srgb_size = i == 2 ? srgb_of_2 : 1000;
        node.max_sid_depth = i == 0 ? 2 : 0;
        assert_ok(te_builder_add_node(b, &node, NULL));
    }
    for (uint32_t i = 0; i < 5; i++) {
        struct te_link l = te_link_plain(ends[i][0], ends[i][1], 10, 10 + i, 1000);
        l.adjacency_label = 30 + i;
        assert_ok(te_builder_add_both(b, &l, NULL, 0, NULL, NULL));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static uint32_t
between(const struct te_network *net, uint32_t from, uint32_t to)
{
    for (uint32_t l = net->first_out[from]; l < net->first_out[from + 1]; l++) {
        if (net->links[l].to == to)
            return l;
    }
    return TE_NONE;
}

static void
all_ways_may_do(void **state UNUSED)
{
    const struct te_network *net = two_ways(1000);
    struct te_router *r = te_router_new(net);
    struct te_igp *igp = te_igp_new(r, NULL);
    const uint32_t path[] = {between(net, 0, 1), between(net, 1, 3), between(net, 3, 4)};
    uint8_t good[10];
    memset(good, 1, sizeof good);
    struct te_segments_request ask = {.links = path, .n_links = 3};
    struct te_segments s;
    struct te_expansion e;
    assert_ok(te_segments_find(igp, &ask, &s, NULL, NULL));
    assert_int_equal(s.n, 2); /* by 1, labels of 0 and of 1 */
    assert_int_equal(s.list[0].label, 16101);
    assert_int_equal(s.list[1].label, 17104);
    te_segments_fini(&s);
    ask.good_links = good;
    assert_ok(te_segments_find(igp, &ask, &s, NULL, NULL));
    assert_int_equal(s.n, 1);
    assert_ok(te_segments_expand(igp, 0, &s, &e, NULL));
    assert_false(e.unique);
    assert_int_equal(e.n, 5);
    assert_true(e.shares[0].share > 0.49 && e.shares[0].share < 0.51 && e.shares[4].share > 0.99);
    assert_int_equal(e.min_delay_us, 10 + 12 + 14);
    assert_int_equal(e.max_delay_us, 11 + 13 + 14);
    te_expansion_fini(&e);
    te_segments_fini(&s);
    good[between(net, 2, 3)] = 0;
    assert_ok(te_segments_find(igp, &ask, &s, NULL, NULL));
    assert_int_equal(s.n, 2);
    te_segments_fini(&s);
    te_igp_free(igp);
    te_router_free(r);
    te_network_free(net);
}

static void
says_how_many_labels_are_needed(void **state UNUSED)
{
    const struct te_network *net = two_ways(1000);
    struct te_router *r = te_router_new(net);
    struct te_igp *igp = te_igp_new(r, NULL);
    /* A long way: 0 1 3 2, by a node segment and an adjacency. */
    const uint32_t path[] = {between(net, 0, 1), between(net, 1, 3), between(net, 3, 2)};
    struct te_segments_request ask = {.links = path, .n_links = 3, .max_depth = 1};
    struct te_segments s;
    struct diag diag;
    uint32_t needed = 0;
    assert_err(te_segments_find(igp, &ask, &s, &needed, &diag), ERR_LIMIT);
    assert_int_equal(needed, 3);
    assert_string_equal(diag.text, "3 labels are needed, r0 may put on 1");
    ask.max_depth = 0;
    assert_err(te_segments_find(igp, &ask, &s, &needed, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "3 labels are needed, r0 may put on 2");
    te_igp_free(igp);
    te_router_free(r);
    te_network_free(net);
}

static void
routers_without_labels_are_not_relied_on(void **state UNUSED)
{
    const struct te_network *net = two_ways(0);
    struct te_router *r = te_router_new(net);
    struct te_igp *igp = te_igp_new(r, NULL);
    const uint32_t path[] = {between(net, 0, 1), between(net, 1, 3), between(net, 3, 4)};
    uint8_t good[10];
    memset(good, 1, sizeof good);
    const struct te_segments_request ask = {.links = path, .n_links = 3, .good_links = good};
    struct te_segments s, list = {1, &(struct te_segment){4, TE_NONE, 16104}};
    struct te_expansion e;
    struct diag diag;
    assert_ok(te_segments_find(igp, &ask, &s, NULL, NULL));
    assert_int_equal(s.n, 2);
    te_segments_fini(&s);
    assert_err(te_segments_expand(igp, 0, &list, &e, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "r2 has no label for the segment of r4");
    te_igp_free(igp);
    te_router_free(r);
    te_network_free(net);
}

static void
failures_move_node_segments_and_break_adjacencies(void **state UNUSED)
{
    const struct te_network *net = two_ways(1000);
    struct te_router *r = te_router_new(net);
    uint8_t down[10] = {0};
    const uint32_t labels[] = {16103, 34}, adjacency[] = {30}, unknown[] = {16101, 31};
    struct te_segments s;
    struct te_expansion e;
    struct diag diag;
    down[between(net, 3, 1)] = 1;
    struct te_igp *igp = te_igp_new(r, down);
    assert_ok(te_segments_decode(igp, 0, labels, 2, &s, &diag));
    assert_ok(te_segments_expand(igp, 0, &s, &e, &diag));
    assert_true(e.unique);
    assert_int_equal(e.n, 3);
    assert_int_equal(e.shares[0].link, between(net, 0, 2));
    te_expansion_fini(&e);
    te_segments_fini(&s);
    te_igp_free(igp);
    down[between(net, 0, 1)] = 1;
    igp = te_igp_new(r, down);
    assert_ok(te_segments_decode(igp, 0, adjacency, 1, &s, &diag));
    assert_err(te_segments_expand(igp, 0, &s, &e, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "the link from r0 to r1 is not there");
    te_segments_fini(&s);
    assert_err(te_segments_decode(igp, 0, unknown, 2, &s, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "r1 does not know label 31");
    te_igp_free(igp);
    te_router_free(r);
    te_network_free(net);
}

/* A square: 0 1 2 is short, 0 3 2 long; the link from 1 to 2 is drained, or router 1 is. */
static const struct te_network *
drained_square(bool router)
{
    static const uint32_t sides[][3] = {{0, 1, 1}, {1, 2, 1}, {0, 3, 5}, {3, 2, 5}};
    struct te_builder *b = te_builder_new(1 << 24);
    for (uint32_t i = 0; i < 4; i++) {
        char key[12];
        snprintf(key, sizeof key, "n%u", i);
        struct te_node node = te_node_plain(key);
        node.sid_index = i;
        node.srgb_base = 16000;
        node.srgb_size = 100;
        node.drained = router && i == 1;
        node.passable = !node.drained;
        assert_ok(te_builder_add_node(b, &node, NULL));
    }
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t ids[2];
        for (uint32_t k = 0; k < 2; k++) {
            struct te_link l = te_link_plain(sides[i][k], sides[i][!k], sides[i][2], 1, 1);
            l.drained = !router && i == 1;
            l.up = !l.drained;
            assert_ok(te_builder_add_link(b, &l, NULL, 0, &ids[k]));
        }
        assert_ok(te_builder_pair(b, ids[0], ids[1]));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

/* Routers know nothing of what operators drain: a node segment still goes there. */
static void
the_igp_goes_over_what_is_drained(void **state UNUSED)
{
    for (int router = 0; router < 2; router++) {
        const struct te_network *net = drained_square(router);
        struct te_router *r = te_router_new(net);
        struct te_igp *igp = te_igp_new(r, NULL);
        const uint32_t path[] = {between(net, 0, 3), between(net, 3, 2)};
        const struct te_segments_request ask = {.links = path, .n_links = 2};
        struct te_segments s;
        assert_true(te_igp_uses(igp, between(net, 0, 1), 2));
        assert_ok(te_segments_find(igp, &ask, &s, NULL, NULL));
        assert_int_equal(s.n, 2);
        assert_int_equal(s.list[0].label, 16003);
        te_segments_fini(&s);
        te_igp_free(igp);
        te_router_free(r);
        te_network_free(net);
    }
}

TEST_MAIN(cmocka_unit_test(lists_are_the_shortest_and_take_the_path),
          cmocka_unit_test(all_ways_may_do), cmocka_unit_test(says_how_many_labels_are_needed),
          cmocka_unit_test(routers_without_labels_are_not_relied_on),
          cmocka_unit_test(failures_move_node_segments_and_break_adjacencies),
          cmocka_unit_test(the_igp_goes_over_what_is_drained))
