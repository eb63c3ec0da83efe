#include "te/bulk.h"

#include "te/testing.h"

#define LSPS 60

static void
the_index_knows_who_is_on_a_link(void **state UNUSED)
{
    enum { LINKS = 20 };
    struct te_lsp_index *x = te_lsp_index_new(LINKS);
    bool on[LSPS][LINKS] = {{false}};
    test_seed = 1;
    for (int step = 0; step < 2000; step++) {
        uint32_t links[4], n = draw(5), lsp = draw(LSPS), asked[2] = {draw(LINKS), draw(LINKS)};
        const uint32_t *found;
        memset(on[lsp], 0, sizeof on[lsp]);
        for (uint32_t i = 0; i < n; i++) {
            links[i] = (i ? links[i - 1] + 1 : draw(LINKS)) % LINKS;
            on[lsp][links[i]] = true;
        }
        te_lsp_index_put(x, lsp, links, n);
        uint32_t n_found = te_lsp_index_find(x, asked, 2, &found), k = 0;
        for (uint32_t i = 0; i < LSPS; i++) {
            if (on[i][asked[0]] || on[i][asked[1]])
                assert_int_equal(found[k++], i);
        }
        assert_int_equal(k, n_found);
    }
    te_lsp_index_free(x);
}

static void
draw_lsps(struct te_bulk_lsp *lsps, const struct te_network *net)
{
    memset(lsps, 0, LSPS * sizeof *lsps);
    for (uint32_t i = 0; i < LSPS; i++) {
        struct te_constraints *c = &lsps[i].ask.constraints;
        lsps[i].ask.from = draw(3);
        lsps[i].ask.to = 3 + draw(net->n_nodes - 3);
        lsps[i].ask.optimise = draw(2) ? TE_METRIC_IGP : TE_METRIC_DELAY;
        lsps[i].lsp = i + 1;
        lsps[i].hold_priority = 2;
        c->priority = (uint8_t)(2 + draw(2));
        c->bandwidth_bps = 10 + draw(40);
        c->symmetric = draw(2);
        c->max_delay_us = draw(2) ? 30 : 0;
    }
}

/* Alone each gets the same, as long as nobody takes anything from anybody. */
static void
all_at_once_is_as_each_alone(void **state UNUSED)
{
    static struct te_bulk_lsp lsps[LSPS];
    uint32_t from_trees = 0;
    test_seed = 2;
    for (int round = 0; round < 50; round++) {
        const struct te_network *net = test_network(12, 24, 0, true);
        struct te_router *r = te_router_new(net);
        struct te_bulk_counts counts;
        draw_lsps(lsps, net);
        te_bulk_route(r, NULL, lsps, LSPS, &counts);
        for (uint32_t i = 0; i < LSPS; i++) {
            struct te_path path;
            enum err err = te_route(r, &lsps[i].ask, &path, NULL);
            assert_err(lsps[i].err, err);
            if (err)
                continue;
            assert_int_equal(path.cost, lsps[i].path.cost);
            assert_ok(te_path_check(r, &lsps[i].ask, &lsps[i].path, NULL));
            te_path_fini(&path);
            te_path_fini(&lsps[i].path);
        }
        from_trees += counts.from_trees;
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(from_trees > 50 * LSPS / 3);
}

/* What is booked is what the paths have, no link has too much, and who got nothing finds nothing
 * now, either. */
static void
no_link_is_booked_twice(void **state UNUSED)
{
    static struct te_bulk_lsp lsps[LSPS];
    uint32_t n_found = 0;
    test_seed = 3;
    for (int round = 0; round < 50; round++) {
        const struct te_network *net = test_network(12, 24, 0, true);
        struct te_router *r = te_router_new(net);
        struct te_bookings *b = te_bookings_new(net);
        const struct te_window now = {0, 1};
        uint64_t used[64] = {0}, free_bps[64];
        draw_lsps(lsps, net);
        te_bulk_route(r, b, lsps, LSPS, NULL);
        for (uint32_t i = 0; i < LSPS; i++) {
            for (uint32_t k = 0; !lsps[i].err && k < lsps[i].path.n; k++) {
                uint32_t l = lsps[i].path.links[k];
                used[l] += lsps[i].ask.constraints.bandwidth_bps;
                if (lsps[i].ask.constraints.symmetric)
                    used[net->links[l].reverse] += lsps[i].ask.constraints.bandwidth_bps;
            }
            n_found += !lsps[i].err;
        }
        for (uint32_t l = 0; l < net->n_links; l++) {
            assert_true(used[l] <= net->links[l].reservable_bps);
            assert_int_equal(te_bookings_link_free(b, l, 7, now, 0),
                             net->links[l].reservable_bps - used[l]);
        }
        for (uint32_t i = 0; i < LSPS; i++) {
            struct te_path path;
            te_bookings_all_free(b, lsps[i].ask.constraints.priority, NULL, 0, 0, free_bps);
            lsps[i].ask.constraints.free_bps = free_bps;
            if (lsps[i].err)
                assert_err(te_route(r, &lsps[i].ask, &path, NULL), ERR_NOT_FOUND);
            else
                te_path_fini(&lsps[i].path);
        }
        te_bookings_free(b);
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 50 * LSPS / 4);
}

TEST_MAIN(cmocka_unit_test(the_index_knows_who_is_on_a_link),
          cmocka_unit_test(all_at_once_is_as_each_alone), cmocka_unit_test(no_link_is_booked_twice))
