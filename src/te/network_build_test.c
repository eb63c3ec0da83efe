#include "te/network_build.h"

#include "base/testing.h"

#include <stdio.h>

static struct te_builder *
with_nodes(uint32_t n)
{
    struct te_builder *b = te_builder_new(1 << 20);
    for (uint32_t i = 0; i < n; i++) {
        char key[8];
        snprintf(key, sizeof key, "n%u", n - i);
        struct te_node node = te_node_plain(key);
        node.router_id = te_address_ip4(0x0a000000 + i);
        assert_ok(te_builder_add_node(b, &node, NULL));
    }
    return b;
}

static uint32_t
add(struct te_builder *b, uint32_t from, uint32_t to, uint32_t local, uint32_t remote)
{
    struct te_link link = te_link_plain(from, to, 10, 5, 1000);
    uint32_t id;
    link.local = local ? te_address_ip4(local) : link.local;
    link.remote = remote ? te_address_ip4(remote) : link.remote;
    assert_ok(te_builder_add_link(b, &link, NULL, 0, &id));
    return id;
}

static const struct te_link *
placed(const struct te_builder *b, const struct te_network *net, uint32_t id)
{
    return &net->links[te_builder_place(b, id)];
}

#define assert_pair(a, c) assert_int_equal(placed(b, net, a)->reverse, te_builder_place(b, c))

static void
links_are_sorted_by_the_node_they_leave(void **state UNUSED)
{
    struct te_builder *b = with_nodes(3);
    const uint32_t ends[][2] = {{2, 1}, {0, 2}, {1, 2}, {0, 1}, {2, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
        add(b, ends[i][0], ends[i][1], 0, 0);
    const struct te_network *net = te_builder_finish(b, 7);
    te_builder_free(b);
    const uint32_t first[] = {0, 2, 3, 5};
    assert_int_equal(net->version, 7);
    assert_memory_equal(net->first_out, first, sizeof first);
    for (uint32_t v = 0; v < 3; v++) {
        for (uint32_t i = net->first_out[v]; i < net->first_out[v + 1]; i++)
            assert_int_equal(net->links[i].from, v);
    }
    assert_int_equal(net->links[0].reverse, TE_NONE); /* 0 to 1 has no way back */
    assert_int_equal(net->links[1].reverse, 3);
    assert_int_equal(net->links[2].reverse, 4);
    te_network_free(net);
}

static void
links_are_paired_by_their_ends(void **state UNUSED)
{
    struct te_builder *b = with_nodes(2);
    uint32_t x = add(b, 0, 1, 1, 2), y = add(b, 0, 1, 3, 4), z = add(b, 0, 1, 0, 0);
    uint32_t u = add(b, 0, 1, 0, 0), zb = add(b, 1, 0, 0, 0), yb = add(b, 1, 0, 4, 3);
    uint32_t xb = add(b, 1, 0, 2, 1), ub = add(b, 1, 0, 0, 0);
    const struct te_network *net = te_builder_finish(b, 0);
    assert_pair(x, xb);
    assert_pair(xb, x);
    assert_pair(y, yb);
    assert_pair(z, zb);
    assert_pair(u, ub);
    assert_pair(ub, u);
    te_builder_free(b);
    te_network_free(net);
}

static void
what_is_told_by_one_end_only_pairs_if_nothing_contradicts(void **state UNUSED)
{
    struct te_builder *b = with_nodes(3);
    uint32_t x = add(b, 0, 1, 1, 0), xb = add(b, 1, 0, 2, 0);
    uint32_t y = add(b, 1, 2, 1, 2), yb = add(b, 2, 1, 3, 4);
    const struct te_network *net = te_builder_finish(b, 0);
    assert_pair(x, xb);
    assert_int_equal(placed(b, net, y)->reverse, TE_NONE);
    assert_int_equal(placed(b, net, yb)->reverse, TE_NONE);
    te_builder_free(b);
    te_network_free(net);
}

static void
who_is_paired_by_hand_stays_so(void **state UNUSED)
{
    struct te_builder *b = with_nodes(2);
    uint32_t x = add(b, 0, 1, 1, 2), xb = add(b, 1, 0, 2, 1), y = add(b, 0, 1, 3, 4);
    assert_ok(te_builder_pair(b, y, xb));
    assert_err(te_builder_pair(b, x, xb), ERR_INVALID);
    assert_err(te_builder_pair(b, x, y), ERR_INVALID);
    const struct te_network *net = te_builder_finish(b, 0);
    assert_pair(y, xb);
    assert_int_equal(placed(b, net, x)->reverse, TE_NONE);
    te_builder_free(b);
    te_network_free(net);
}

static void
groups_are_numbered_and_none_twice(void **state UNUSED)
{
    struct te_builder *b = with_nodes(2);
    struct te_link link = te_link_plain(0, 1, 1, 1, 1);
    const uint32_t one[] = {900, 5, 900}, two[] = {70, 5};
    uint32_t x, y;
    assert_ok(te_builder_add_link(b, &link, one, 3, &x));
    assert_ok(te_builder_add_link(b, &link, two, 2, &y));
    const struct te_network *net = te_builder_finish(b, 0);
    assert_int_equal(net->n_srlgs, 3);
    const uint32_t ids[] = {5, 70, 900};
    assert_memory_equal(net->srlg_ids, ids, sizeof ids);
    const struct te_link *l = placed(b, net, x), *m = placed(b, net, y);
    assert_int_equal(l->n_srlgs, 2);
    assert_int_equal(net->link_srlgs[l->first_srlg], 0);
    assert_int_equal(net->link_srlgs[l->first_srlg + 1], 2);
    assert_int_equal(net->link_srlgs[m->first_srlg + 1], 1);
    te_builder_free(b);
    te_network_free(net);
}

static void
nodes_and_links_are_found(void **state UNUSED)
{
    struct te_builder *b = with_nodes(20);
    uint32_t x = add(b, 3, 1, 77, 78);
    const struct te_address at = te_address_ip4(0x0a000004), local = te_address_ip4(77), none = {0};
    const struct te_network *net = te_builder_finish(b, 0);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(te_network_node(net, net->nodes[i].key), i);
    assert_int_equal(te_network_node(net, "nobody"), TE_NONE);
    assert_int_equal(te_network_node_at(net, &at), 4);
    assert_int_equal(te_network_node_at(net, &none), TE_NONE);
    assert_int_equal(te_network_link_at(net, &local), te_builder_place(b, x));
    te_builder_free(b);
    te_network_free(net);
}

static void
refuses_what_makes_no_sense(void **state UNUSED)
{
    struct te_builder *b = with_nodes(2);
    struct te_node twin = te_node_plain("n1"), nameless = te_node_plain("");
    struct te_link loop = te_link_plain(1, 1, 1, 1, 1), astray = te_link_plain(0, 2, 1, 1, 1);
    assert_err(te_builder_add_node(b, &twin, NULL), ERR_EXISTS);
    assert_err(te_builder_add_node(b, &nameless, NULL), ERR_INVALID);
    assert_err(te_builder_add_link(b, &loop, NULL, 0, NULL), ERR_INVALID);
    assert_err(te_builder_add_link(b, &astray, NULL, 0, NULL), ERR_INVALID);
    te_builder_free(b);
}

static void
keeps_within_its_budget(void **state UNUSED)
{
    struct te_builder *b = te_builder_new(1000);
    struct te_node node = te_node_plain("a");
    const struct te_link link = te_link_plain(0, 1, 1, 1, 1);
    static const uint32_t groups[1000];
    assert_ok(te_builder_add_node(b, &node, NULL));
    node.key = "b";
    assert_ok(te_builder_add_node(b, &node, NULL));
    assert_err(te_builder_add_link(b, &link, groups, 1000, NULL), ERR_LIMIT);
    enum err err = ERR_OK;
    for (int i = 0; i < 1000 && !err; i++)
        err = te_builder_add_both(b, &link, NULL, 0, NULL, NULL);
    assert_err(err, ERR_LIMIT);
    te_builder_free(b);
}

TEST_MAIN(cmocka_unit_test(links_are_sorted_by_the_node_they_leave),
          cmocka_unit_test(links_are_paired_by_their_ends),
          cmocka_unit_test(what_is_told_by_one_end_only_pairs_if_nothing_contradicts),
          cmocka_unit_test(who_is_paired_by_hand_stays_so),
          cmocka_unit_test(groups_are_numbered_and_none_twice),
          cmocka_unit_test(nodes_and_links_are_found),
          cmocka_unit_test(refuses_what_makes_no_sense), cmocka_unit_test(keeps_within_its_budget))
