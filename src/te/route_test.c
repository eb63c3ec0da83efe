#include "te/testing.h"

static struct test_paths all;

struct drawn {
    struct te_request ask;
    struct te_hop hops[2];
    uint32_t nodes[1], links[1], srlgs[1];
    uint64_t free_bps[128];
};

/* Some of everything; bounds near what paths in such networks have. */
static void
draw_request(struct drawn *d, const struct te_network *net)
{
    struct te_constraints *c = &d->ask.constraints;
    memset(d, 0, sizeof *d);
    d->ask.from = 0;
    d->ask.to = net->n_nodes - 1;
    d->ask.optimise = draw(TE_METRICS);
    c->symmetric = draw(3) == 0;
    c->bound_asymmetry = draw(5) == 0;
    c->max_asymmetry_us = draw(15);
    c->bandwidth_bps = draw(2) ? 100 * draw(6) : 0;
    c->assume_delay_us = draw(2) ? 7 : 0;
    c->max_delay_us = draw(2) ? 10 + draw(50) : 0;
    c->max_hops = draw(3) ? 0 : 2 + draw(4);
    c->max_igp = draw(3) ? 0 : 5 + draw(20);
    c->max_te = draw(3) ? 0 : 5 + draw(20);
    c->exclude_any.words[0] = draw(3) ? 0 : 1u << draw(3);
    c->include_any.words[0] = draw(3) ? 0 : 1 + draw(7);
    c->include_all.words[0] = draw(5) ? 0 : 1u << draw(3);
    d->nodes[0] = draw(net->n_nodes);
    d->links[0] = draw(net->n_links);
    c->exclude_nodes = d->nodes;
    c->exclude_links = d->links;
    c->exclude_srlgs = d->srlgs;
    c->n_exclude_nodes = draw(4) == 0;
    c->n_exclude_links = draw(4) == 0;
    d->srlgs[0] = net->n_srlgs ? draw(net->n_srlgs) : 0;
    c->n_exclude_srlgs = net->n_srlgs && draw(4) == 0;
    if (draw(3) == 0) {
        for (uint32_t l = 0; l < net->n_links; l++)
            d->free_bps[l] = 100 * draw(10);
        c->free_bps = d->free_bps;
    }
}

static void
draw_hops(struct drawn *d, const struct te_network *net)
{
    d->ask.hops = d->hops;
    d->ask.n_hops = 1 + draw(2);
    for (uint32_t i = 0; i < d->ask.n_hops; i++) {
        bool by_link = draw(3) == 0;
        d->hops[i] = (struct te_hop){draw(net->n_nodes), by_link ? draw(net->n_links) : TE_NONE,
                                     draw(4) != 0};
    }
}

/* Two of three paths are refused, by what no sum says. */
static bool
takes(void *arg UNUSED, const struct te_path *path)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < path->n; i++)
        sum += (i + 1) * path->links[i];
    return sum % 3 == 0;
}

static bool
is_taken(const struct te_request *ask, struct test_path *p)
{
    const struct te_path path = {.n = p->n, .links = p->links};
    return !ask->accept || ask->accept(ask->accept_arg, &path);
}

static uint64_t
best_of_all(const struct te_network *net, const struct te_request *ask)
{
    uint64_t best = UINT64_MAX, sums[5];
    for (uint32_t i = 0; i < all.n; i++) {
        if (test_fits(net, ask, &all.paths[i], sums) && is_taken(ask, &all.paths[i]))
            best = MIN(best, test_cost(ask, sums));
    }
    return best;
}

static void
assert_fits(struct te_router *r, const struct te_request *ask, const struct te_path *path)
{
    struct test_path plain = {.n = path->n};
    uint64_t sums[5];
    memcpy(plain.links, path->links, path->n * sizeof *path->links);
    assert_true(test_fits(r->net, ask, &plain, sums));
    assert_int_equal(path->cost, test_cost(ask, sums));
    assert_int_equal(path->delay_us, sums[0]);
    assert_int_equal(path->reverse_delay_us, sums[1]);
    assert_ok(te_path_check(r, ask, path, NULL));
}

static void
assert_links_are_good(struct te_router *r, const struct te_request *ask, const struct te_path *path)
{
    uint8_t good[128];
    te_good_links(r, ask, good);
    for (uint32_t i = 0; i < path->n; i++)
        assert_true(good[path->links[i]]);
    for (uint32_t i = 0; i < ask->constraints.n_exclude_links; i++)
        assert_false(good[ask->constraints.exclude_links[i]]);
}

static void
compare(struct te_router *r, const struct te_request *ask, uint32_t *n_found)
{
    struct te_path path;
    uint64_t best = best_of_all(r->net, ask);
    enum err err = te_route(r, ask, &path, NULL);
    assert_err(err, best == UINT64_MAX ? ERR_NOT_FOUND : ERR_OK);
    if (err)
        return;
    assert_fits(r, ask, &path);
    assert_links_are_good(r, ask, &path);
    assert_true(path.optimal);
    assert_int_equal(path.cost, best);
    te_path_fini(&path);
    ++*n_found;
}

static void
routes_are_the_best_of_all_paths(void **state UNUSED)
{
    uint32_t n_found = 0;
    test_seed = 1;
    for (int round = 0; round < 400; round++) {
        const struct te_network *net = test_network(8, 12 + draw(6), 4, draw(2));
        struct te_router *r = te_router_new(net);
        test_all_paths(&all, net, 0, 7);
        for (int k = 0; k < 8; k++) {
            struct drawn d;
            draw_request(&d, net);
            compare(r, &d.ask, &n_found);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 500);
}

static void
the_best_that_is_taken_is_found(void **state UNUSED)
{
    uint32_t n_found = 0;
    test_seed = 5;
    for (int round = 0; round < 300; round++) {
        const struct te_network *net = test_network(8, 12 + draw(6), 4, draw(2));
        struct te_router *r = te_router_new(net);
        test_all_paths(&all, net, 0, 7);
        for (int k = 0; k < 8; k++) {
            struct drawn d;
            draw_request(&d, net);
            if (draw(3) == 0)
                draw_hops(&d, net);
            d.ask.accept = takes;
            compare(r, &d.ask, &n_found);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 300);
}

static void
explicit_routes_are_followed(void **state UNUSED)
{
    uint32_t n_found = 0;
    test_seed = 2;
    for (int round = 0; round < 400; round++) {
        const struct te_network *net = test_network(8, 14 + draw(6), 4, true);
        struct te_router *r = te_router_new(net);
        test_all_paths(&all, net, 0, 7);
        for (int k = 0; k < 4; k++) {
            struct drawn d;
            draw_request(&d, net);
            if (draw(2))
                d.ask.constraints = (struct te_constraints){.max_delay_us = 30 + draw(60)};
            draw_hops(&d, net);
            compare(r, &d.ask, &n_found);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 200);
}

static void
what_is_out_of_effort_is_found_by_prices(void **state UNUSED)
{
    uint32_t n_found = 0, n_best = 0;
    test_seed = 3;
    for (int round = 0; round < 200; round++) {
        const struct te_network *net = test_network(9, 18, 0, true);
        struct te_router *r = te_router_new(net);
        struct te_path path;
        const struct te_request ask = {
            .to = 8, .effort = 1, .constraints = {.max_delay_us = 20 + draw(10)}};
        test_all_paths(&all, net, 0, 8);
        uint64_t best = best_of_all(net, &ask);
        if (!te_route(r, &ask, &path, NULL)) {
            assert_fits(r, &ask, &path);
            assert_true(path.cost >= best);
            assert_true(!path.optimal || path.cost == best);
            n_found++;
            n_best += path.cost == best;
            te_path_fini(&path);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 100);
    assert_true(n_best * 10 > n_found * 8);
}

/* ---- Reasons ---- */

/* 0 to 3 by 1 (short, narrow) and by 2 (long, wide, of group 77). */
static const struct te_network *
diamond(void)
{
    struct te_builder *b = test_nodes(4, 0);
    const struct te_link links[] = {
        te_link_plain(0, 1, 10, 2000, 30000000), te_link_plain(1, 3, 10, 2000, 40000000),
        te_link_plain(0, 2, 10, 3600, 50000000), te_link_plain(2, 3, 20, 3600, 50000000)};
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t group = 77;
        assert_ok(te_builder_add_both(b, &links[i], &group, i >= 2, NULL, NULL));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static void
the_reason_names_what_is_alone_in_the_way(void **state UNUSED)
{
    const struct te_network *net = diamond();
    struct te_router *r = te_router_new(net);
    struct te_refusal why;
    struct te_path path;
    struct te_request ask = {
        .to = 3,
        .optimise = TE_METRIC_DELAY,
        .constraints = {.bandwidth_bps = 50000000, .priority = 3, .max_delay_us = 5000}};
    assert_err(te_route(r, &ask, &path, &why), ERR_NOT_FOUND);
    assert_string_equal(why.diag.text,
                        "no path from n0 to n3: without the bandwidth of 50 Mbit/s at priority 3 "
                        "there is a path of 4 ms, 2 hops, and one for at most 30 Mbit/s; without "
                        "the bound on delay of 5 ms there is a path of 7.2 ms, 2 hops");
    assert_int_equal(why.most_bps, 30000000);
    const uint32_t group = 0;
    ask.constraints.exclude_srlgs = &group;
    ask.constraints.n_exclude_srlgs = 1;
    assert_err(te_route(r, &ask, &path, &why), ERR_NOT_FOUND);
    assert_int_equal(why.n, 1);
    assert_int_equal(why.relaxed[0].without, TE_BANDWIDTH);
    ask.constraints.max_hops = 1;
    assert_err(te_route(r, &ask, &path, &why), ERR_NOT_FOUND);
    assert_int_equal(why.n, 0);
    assert_string_equal(why.diag.text,
                        "no path from n0 to n3: several constraints are in the way at once");
    te_router_free(r);
    te_network_free(net);
}

static void
checks_paths_that_others_made(void **state UNUSED)
{
    const struct te_network *net = diamond();
    struct te_router *r = te_router_new(net);
    struct te_request ask = {.to = 3, .constraints = {.max_delay_us = 5000}};
    uint32_t first = net->first_out[0], second = net->first_out[2];
    second += net->links[second].to != 3;
    uint32_t links[] = {first + 1, second};
    struct te_path path = {.n = 2, .links = links};
    struct diag diag;
    assert_err(te_path_check(r, &ask, &path, &diag), ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "7200"));
    ask.constraints.max_delay_us = 8000;
    assert_ok(te_path_check(r, &ask, &path, &diag));
    path.n = 1;
    assert_err(te_path_check(r, &ask, &path, &diag), ERR_INVALID);
    te_router_free(r);
    te_network_free(net);
}

static void
refuses_requests_that_make_no_sense(void **state UNUSED)
{
    const struct te_network *net = diamond();
    struct te_router *r = te_router_new(net);
    struct te_path path;
    const uint32_t far = 1000;
    struct te_request ask = {.to = 4};
    assert_err(te_route(r, &ask, &path, NULL), ERR_INVALID);
    ask.to = 3;
    ask.constraints.priority = 8;
    assert_err(te_route(r, &ask, &path, NULL), ERR_INVALID);
    ask.constraints = (struct te_constraints){.exclude_links = &far, .n_exclude_links = 1};
    assert_err(te_route(r, &ask, &path, NULL), ERR_INVALID);
    ask = (struct te_request){.from = 2, .to = 2};
    assert_ok(te_route(r, &ask, &path, NULL));
    assert_int_equal(path.n, 0);
    te_router_free(r);
    te_network_free(net);
}

TEST_MAIN(cmocka_unit_test(routes_are_the_best_of_all_paths),
          cmocka_unit_test(the_best_that_is_taken_is_found),
          cmocka_unit_test(explicit_routes_are_followed),
          cmocka_unit_test(what_is_out_of_effort_is_found_by_prices),
          cmocka_unit_test(the_reason_names_what_is_alone_in_the_way),
          cmocka_unit_test(checks_paths_that_others_made),
          cmocka_unit_test(refuses_requests_that_make_no_sense))
