#include "te/disjoint.h"

#include "te/testing.h"

static struct test_paths all;

/* Paths that fit a request, with what they cost. */
struct fitting {
    uint32_t n;
    struct fit {
        const struct test_path *path;
        uint64_t cost, delay;
    } list[4000];
};

static void
find_fitting(struct fitting *f, const struct te_network *net, const struct te_request *ask)
{
    uint64_t sums[5];
    f->n = 0;
    for (uint32_t i = 0; i < all.n; i++) {
        if (!test_fits(net, ask, &all.paths[i], sums))
            continue;
        assert_true(f->n < ARRAY_SIZE(f->list));
        f->list[f->n++] = (struct fit){&all.paths[i], test_cost(ask, sums), sums[0]};
    }
}

/* As bits: groups, inner nodes, links. */
struct bits {
    uint64_t groups, nodes, links;
};

static struct bits
bits_of(const struct te_network *net, const uint32_t *links, uint32_t n)
{
    struct bits bits = {0, 0, 0};
    for (uint32_t i = 0; i < n; i++) {
        const struct te_link *l = &net->links[links[i]];
        bits.links |= UINT64_C(1) << MIN(links[i], l->reverse);
        bits.nodes |= i + 1 < n ? UINT64_C(1) << l->to : 0;
        for (uint32_t k = 0; k < l->n_srlgs; k++)
            bits.groups |= UINT64_C(1) << net->link_srlgs[l->first_srlg + k];
    }
    return bits;
}

static uint64_t
penalty_of(unsigned disjoint, struct bits a, struct bits b)
{
    uint64_t penalty = (uint64_t)__builtin_popcountll(a.links & b.links);
    if (disjoint & TE_DISJOINT_NODE)
        penalty += 64 * (uint64_t)__builtin_popcountll(a.nodes & b.nodes);
    if (disjoint & TE_DISJOINT_SRLG)
        penalty += 4096 * (uint64_t)__builtin_popcountll(a.groups & b.groups);
    return penalty;
}

/* Does each link that both use have room for both? */
static bool
fit_together(const struct te_network *net, const struct te_disjoint_request *ask, const uint32_t *a,
             uint32_t n_a, const uint32_t *b, uint32_t n_b)
{
    const struct te_constraints *c = &ask->paths[0].constraints, *d = &ask->paths[1].constraints;
    uint64_t used[2][128] = {{0}};
    for (uint32_t i = 0; i < n_a; i++) {
        used[0][a[i]] = c->bandwidth_bps;
        if (c->symmetric)
            used[0][net->links[a[i]].reverse] = c->bandwidth_bps;
    }
    for (uint32_t i = 0; i < n_b; i++) {
        used[1][b[i]] = d->bandwidth_bps;
        if (d->symmetric)
            used[1][net->links[b[i]].reverse] = d->bandwidth_bps;
    }
    for (uint32_t l = 0; l < net->n_links; l++) {
        if (used[0][l] && used[1][l] && used[0][l] + used[1][l] > net->links[l].unreserved_bps[0])
            return false;
    }
    return true;
}

struct verdict {
    uint64_t penalty, cost; /* penalty UINT64_MAX: none */
};

static struct verdict
best_pair(const struct te_network *net, const struct te_disjoint_request *ask,
          const struct fitting *x, const struct fitting *y)
{
    static struct bits bits[2][4000];
    struct verdict best = {UINT64_MAX, UINT64_MAX};
    for (uint32_t i = 0; i < x->n; i++)
        bits[0][i] = bits_of(net, x->list[i].path->links, x->list[i].path->n);
    for (uint32_t i = 0; i < y->n; i++)
        bits[1][i] = bits_of(net, y->list[i].path->links, y->list[i].path->n);
    for (uint32_t i = 0; i < x->n; i++) {
        for (uint32_t k = 0; k < y->n; k++) {
            uint64_t penalty = penalty_of(ask->disjoint, bits[0][i], bits[1][k]);
            uint64_t a = x->list[i].delay, b = y->list[k].delay;
            struct verdict here = {penalty, x->list[i].cost + y->list[k].cost};
            const struct test_path *p = x->list[i].path, *q = y->list[k].path;
            if ((penalty && !ask->best_effort) ||
                (penalty && !fit_together(net, ask, p->links, p->n, q->links, q->n)) ||
                (ask->bound_difference && (a > b ? a - b : b - a) > ask->max_difference_us))
                continue;
            if (here.penalty < best.penalty ||
                (here.penalty == best.penalty && here.cost < best.cost))
                best = here;
        }
    }
    return best;
}

struct tally {
    uint32_t found, optimal, limits;
};

static void
compare(struct te_router *r, const struct te_disjoint_request *ask, struct tally *tally)
{
    static struct fitting x, y;
    struct te_disjoint_set set;
    struct diag diag = {""};
    find_fitting(&x, r->net, &ask->paths[0]);
    find_fitting(&y, r->net, &ask->paths[1]);
    struct verdict best = best_pair(r->net, ask, &x, &y);
    enum err err = te_disjoint(r, ask, &set, &diag);
    if (err == ERR_LIMIT)
        tally->limits++;
    else
        assert_err(err, best.penalty == UINT64_MAX ? ERR_NOT_FOUND : ERR_OK);
    if (err)
        return;
    struct bits bits[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(te_path_check(r, &ask->paths[i], &set.paths[i], NULL));
        bits[i] = bits_of(r->net, set.paths[i].links, set.paths[i].n);
    }
    assert_true(fit_together(r->net, ask, set.paths[0].links, set.paths[0].n, set.paths[1].links,
                             set.paths[1].n));
    uint64_t penalty = penalty_of(ask->disjoint, bits[0], bits[1]);
    assert_int_equal(penalty, set.shared_links + 64 * set.shared_nodes + 4096 * set.shared_srlgs);
    assert_int_equal(set.cost, set.paths[0].cost + set.paths[1].cost);
    assert_true(penalty >= best.penalty);
    if (penalty == best.penalty) {
        assert_true(set.cost >= best.cost);
        assert_true(set.least_cost <= best.cost);
    }
    if (set.optimal) {
        assert_int_equal(penalty, best.penalty);
        assert_int_equal(set.cost, best.cost);
    }
    tally->found++;
    tally->optimal += set.optimal;
    te_disjoint_fini(&set);
}

static void
draw_constraints(struct te_request *ask)
{
    struct te_constraints *c = &ask->constraints;
    c->symmetric = draw(3) == 0;
    c->bandwidth_bps = draw(3) ? 0 : 100 * draw(4);
    c->max_delay_us = draw(2) ? 30 + draw(50) : 0;
    c->max_hops = draw(4) ? 0 : 3 + draw(4);
}

static void
compare_many(uint64_t seed, int rounds, bool best_effort, bool bounded, uint32_t n_groups,
             struct tally *tally)
{
    test_seed = seed;
    for (int round = 0; round < rounds; round++) {
        const struct te_network *net = test_network(8, 12 + draw(7), n_groups, true);
        struct te_router *r = te_router_new(net);
        test_all_paths(&all, net, 0, 7);
        for (int k = 0; k < 3; k++) {
            struct te_request asks[2] = {{.to = 7, .optimise = draw(TE_METRICS)}, {0}};
            asks[1] = asks[0];
            const struct te_disjoint_request ask = {.n = 2,
                                                    .paths = asks,
                                                    .disjoint = TE_DISJOINT_LINK |
                                                                (draw(2) ? TE_DISJOINT_NODE : 0) |
                                                                (n_groups ? TE_DISJOINT_SRLG : 0),
                                                    .best_effort = best_effort,
                                                    .bound_difference = bounded && draw(3) == 0,
                                                    .max_difference_us = draw(20)};
            for (int i = 0; i < 2 && bounded; i++)
                draw_constraints(&asks[i]);
            compare(r, &ask, tally);
        }
        te_router_free(r);
        te_network_free(net);
    }
}

static void
pairs_without_bounds_are_the_best(void **state UNUSED)
{
    struct tally tally = {0};
    compare_many(1, 300, false, false, 0, &tally);
    assert_true(tally.found > 200);
    assert_int_equal(tally.found, tally.optimal);
    assert_int_equal(tally.limits, 0);
}

static void
pairs_without_common_groups_are_the_best(void **state UNUSED)
{
    struct tally tally = {0};
    compare_many(2, 300, false, false, 12, &tally);
    assert_true(tally.found > 100);
    assert_true(tally.optimal * 100 >= tally.found * 99);
    assert_int_equal(tally.limits, 0);
}

static void
pairs_with_bounds_are_the_best(void **state UNUSED)
{
    struct tally tally = {0};
    compare_many(3, 300, false, true, 12, &tally);
    compare_many(4, 200, false, true, 0, &tally);
    assert_true(tally.found > 200);
    assert_true(tally.optimal * 100 >= tally.found * 98);
    assert_true(tally.limits * 50 <= tally.found);
}

static void
what_cannot_be_avoided_is_shared_as_little_as_can_be(void **state UNUSED)
{
    struct tally tally = {0};
    compare_many(5, 200, true, false, 6, &tally);
    compare_many(6, 100, true, false, 0, &tally);
    compare_many(7, 100, true, true, 6, &tally);
    assert_true(tally.found > 500);
    assert_true(tally.optimal * 100 >= tally.found * 95);
}

/* ---- More than pairs of the same ends ---- */

/* Two rows of nodes, 0 to 3 above, 4 to 7 below, all rungs, and 8 to 11 as a third row. */
static const struct te_network *
ladder(bool common_group)
{
    struct te_builder *b = test_nodes(12, 0);
    for (uint32_t i = 0; i < 12; i++) {
        const uint32_t group = 9;
        if (i % 4 < 3) {
            const struct te_link along = te_link_plain(i, i + 1, 10, 10, 1000);
            assert_ok(
                te_builder_add_both(b, &along, &group, common_group && i % 4 == 1, NULL, NULL));
        }
        if (i < 8) {
            const struct te_link across = te_link_plain(i, i + 4, 10, 10, 1000);
            assert_ok(te_builder_add_both(b, &across, NULL, 0, NULL, NULL));
        }
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static void
paths_of_different_ends_are_disjoint(void **state UNUSED)
{
    const struct te_network *net = ladder(false);
    struct te_router *r = te_router_new(net);
    const struct te_request asks[] = {{.from = 4, .to = 7}, {.from = 5, .to = 6}};
    const struct te_disjoint_request ask = {
        .n = 2, .paths = asks, .disjoint = TE_DISJOINT_LINK | TE_DISJOINT_NODE};
    struct te_disjoint_set set;
    assert_ok(te_disjoint(r, &ask, &set, NULL));
    assert_true(set.optimal);
    assert_int_equal(set.cost, 50 + 10); /* 5 and 6 cannot be passed by the other */
    assert_int_equal(set.paths[0].n, 5);
    te_disjoint_fini(&set);
    te_router_free(r);
    te_network_free(net);
}

static void
sets_of_three_share_nothing(void **state UNUSED)
{
    const struct te_network *net = ladder(false);
    struct te_router *r = te_router_new(net);
    const struct te_request asks[] = {
        {.from = 0, .to = 3}, {.from = 4, .to = 7}, {.from = 8, .to = 11}};
    const struct te_disjoint_request ask = {
        .n = 3, .paths = asks, .disjoint = TE_DISJOINT_LINK | TE_DISJOINT_NODE | TE_DISJOINT_SRLG};
    struct te_disjoint_set set;
    assert_ok(te_disjoint(r, &ask, &set, NULL));
    assert_int_equal(set.cost, 90);
    assert_true(set.optimal);
    te_disjoint_fini(&set);
    te_router_free(r);
    te_network_free(net);
}

/* The least sum of three paths of which no two share anything; UINT64_MAX: there are none. */
static uint64_t
best_three(const struct te_network *net, unsigned disjoint, const struct fitting f[3])
{
    static struct bits bits[3][4000];
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < f[i].n; k++)
            bits[i][k] = bits_of(net, f[i].list[k].path->links, f[i].list[k].path->n);
    }
    for (uint32_t i = 0; i < f[0].n; i++) {
        for (uint32_t k = 0; k < f[1].n; k++) {
            uint64_t cost = f[0].list[i].cost + f[1].list[k].cost;
            if (cost >= best || penalty_of(disjoint, bits[0][i], bits[1][k]))
                continue;
            for (uint32_t m = 0; m < f[2].n; m++) {
                if (cost + f[2].list[m].cost < best &&
                    !penalty_of(disjoint, bits[0][i], bits[2][m]) &&
                    !penalty_of(disjoint, bits[1][k], bits[2][m]))
                    best = cost + f[2].list[m].cost;
            }
        }
    }
    return best;
}

static void
triples_are_the_best(void **state UNUSED)
{
    static struct fitting f[3];
    uint32_t n_found = 0, n_limits = 0;
    test_seed = 11;
    for (int round = 0; round < 150; round++) {
        const struct te_network *net = test_network(8, 17 + draw(5), 24, true);
        struct te_router *r = te_router_new(net);
        struct te_request asks[3] = {{.to = 7}, {.to = 7}, {.to = 7}};
        const struct te_disjoint_request ask = {
            .n = 3, .paths = asks, .disjoint = draw(2) ? TE_DISJOINT_SRLG : TE_DISJOINT_NODE};
        struct te_disjoint_set set;
        test_all_paths(&all, net, 0, 7);
        for (int i = 0; i < 3; i++) {
            asks[i].constraints.max_hops = round % 3 == 0 && i ? 4 : 0;
            find_fitting(&f[i], net, &asks[i]);
        }
        uint64_t best = best_three(net, ask.disjoint, f);
        enum err err = te_disjoint(r, &ask, &set, NULL);
        n_limits += err == ERR_LIMIT;
        if (err != ERR_LIMIT)
            assert_err(err, best == UINT64_MAX ? ERR_NOT_FOUND : ERR_OK);
        if (!err) {
            assert_true(set.optimal ? set.cost == best : set.cost >= best);
            n_found += set.optimal;
            te_disjoint_fini(&set);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found > 40);
    assert_true(n_limits < 5);
}

static void
a_path_that_exists_stays(void **state UNUSED)
{
    const struct te_network *net = ladder(false);
    struct te_router *r = te_router_new(net);
    const struct te_request alone = {.from = 4, .to = 7};
    struct te_path path;
    assert_ok(te_route(r, &alone, &path, NULL));
    struct te_hop hops[3];
    for (int i = 0; i < 3; i++)
        hops[i] = (struct te_hop){TE_NONE, path.links[i], false};
    const struct te_request asks[] = {{.from = 4, .to = 7, .hops = hops, .n_hops = 3}, alone};
    const struct te_disjoint_request ask = {.n = 2, .paths = asks, .disjoint = TE_DISJOINT_NODE};
    struct te_disjoint_set set;
    assert_ok(te_disjoint(r, &ask, &set, NULL));
    assert_memory_equal(set.paths[0].links, path.links, 3 * sizeof *path.links);
    assert_int_equal(set.paths[1].n, 5);
    assert_true(set.optimal);
    te_disjoint_count(r, &path, &path, &set);
    assert_int_equal(set.shared_links, 3);
    assert_int_equal(set.shared_nodes, 2);
    te_disjoint_fini(&set);
    te_path_fini(&path);
    te_router_free(r);
    te_network_free(net);
}

static void
a_refusal_says_what_is_common(void **state UNUSED)
{
    const struct te_network *net = ladder(true);
    struct te_router *r = te_router_new(net);
    const struct te_request asks[] = {{.from = 0, .to = 3}, {.from = 0, .to = 3}};
    struct te_disjoint_request ask = {.n = 2, .paths = asks, .disjoint = TE_DISJOINT_SRLG};
    struct te_disjoint_set set;
    struct diag diag;
    assert_err(te_disjoint(r, &ask, &set, &diag), ERR_NOT_FOUND);
    assert_string_equal(
        diag.text, "there are paths from n0 to n3, but no 2 without common risk groups, links");
    ask.best_effort = true;
    assert_ok(te_disjoint(r, &ask, &set, &diag));
    assert_int_equal(set.shared_srlgs, 1);
    assert_int_equal(set.shared_links, 0);
    assert_true(set.optimal);
    te_disjoint_fini(&set);
    te_router_free(r);
    te_network_free(net);
}

static void
large_networks_end_in_time(void **state UNUSED)
{
    uint32_t n_found = 0;
    test_seed = 9;
    for (int round = 0; round < 10; round++) {
        const struct te_network *net = test_network(150, 320, 100, true);
        struct te_router *r = te_router_new(net);
        struct te_request asks[2] = {{.to = 149}, {.to = 149}};
        const struct te_disjoint_request ask = {
            .n = 2, .paths = asks, .disjoint = TE_DISJOINT_NODE | TE_DISJOINT_SRLG, .effort = 100};
        struct te_disjoint_set set;
        enum err err = te_disjoint(r, &ask, &set, NULL);
        if (!err) {
            assert_true(set.least_cost <= set.cost);
            assert_int_equal(set.optimal, set.least_cost == set.cost);
            n_found++;
            te_disjoint_fini(&set);
        }
        te_router_free(r);
        te_network_free(net);
    }
    assert_true(n_found >= 5);
}

TEST_MAIN(cmocka_unit_test(pairs_without_bounds_are_the_best),
          cmocka_unit_test(pairs_without_common_groups_are_the_best),
          cmocka_unit_test(pairs_with_bounds_are_the_best),
          cmocka_unit_test(what_cannot_be_avoided_is_shared_as_little_as_can_be),
          cmocka_unit_test(paths_of_different_ends_are_disjoint),
          cmocka_unit_test(sets_of_three_share_nothing), cmocka_unit_test(triples_are_the_best),
          cmocka_unit_test(a_path_that_exists_stays),
          cmocka_unit_test(a_refusal_says_what_is_common),
          cmocka_unit_test(large_networks_end_in_time))
