#include "te/optimise.h"
#include "te/optimise_testing.h"
#include "te/segments.h"

#include "base/testing.h"

struct subject {
    const struct te_network *net;
    struct te_router *router;
    uint32_t n;
    struct te_lsp *lsps;
};

static void
open_subject(struct subject *s, uint32_t n_nodes, uint32_t n, uint64_t seed)
{
    struct dice d = {seed + 3};
    s->net = draw_network(n_nodes, n_nodes, seed);
    s->router = te_router_new(s->net);
    s->n = n;
    s->lsps = xcalloc(n + 1, sizeof *s->lsps);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = dice_below(&d, n_nodes),
                 to = (from + 1 + dice_below(&d, n_nodes - 1)) % n_nodes;
        s->lsps[i] = te_lsp_plain(from, to, 100003 * (1 + dice_below(&d, 9)));
    }
}

static void
close_subject(struct subject *s)
{
    free(s->lsps);
    te_router_free(s->router);
    te_network_free(s->net);
}

/* Loads of the carriers alone, recomputed; every demand's bits are all there. */
static void
check(const struct subject *s, const struct te_optimum *o, const double *base)
{
    double *load = xcalloc(s->net->n_links, sizeof *load), highest = 0;
    uint64_t *bps = xcalloc(s->n + 1, sizeof *bps);
    for (uint32_t i = 0; i < o->n_carriers; i++) {
        const struct te_carrier *c = &o->carriers[i];
        uint32_t at = s->lsps[c->lsp].from;
        for (uint32_t j = 0; j < c->n_links; j++) {
            load[c->links[j]] += (double)c->bps * (c->shares ? c->shares[j] : 1);
            if (!c->shares) {
                assert_int_equal(s->net->links[c->links[j]].from, at);
                at = s->net->links[c->links[j]].to;
            }
        }
        if (!c->shares)
            assert_int_equal(at, s->lsps[c->lsp].to);
        bps[c->lsp] += c->bps;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        if (bps[i])
            assert_int_equal(bps[i], s->lsps[i].constraints.bandwidth_bps);
    }
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        load[l] += base ? base[l] : 0;
        assert_true(fabs(load[l] - o->loads[l]) < 100);
        highest = fmax(highest, load[l] / (double)s->net->links[l].capacity_bps);
    }
    assert_true(fabs(highest - o->utilisation) < 1e-4);
    assert_true(o->utilisation >= o->bound * (1 - 1e-6));
    free(load);
    free(bps);
}

static void
paths_are_within_the_tolerance_of_the_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct subject s;
        struct te_optimum out;
        struct te_optimise_options o = te_optimise_defaults();
        open_subject(&s, 14, 150, seed);
        assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
        check(&s, &out, NULL);
        assert_int_equal(out.n_moved, s.n);
        assert_true(out.utilisation <= out.bound * 1.01);
        assert_true(out.n_carriers <= s.n + 30);
        te_optimum_fini(&out);
        close_subject(&s);
    }
}

static void
segment_lists_are_within_three_percent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct subject s;
        struct te_optimum out;
        struct te_optimise_options o = te_optimise_defaults();
        o.labels = 4;
        open_subject(&s, 14, 150, seed);
        assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
        check(&s, &out, NULL);
        assert_true(out.list_bound >= out.bound * (1 - 1e-3));
        assert_true(out.utilisation <= out.bound * 1.03);
        for (uint32_t i = 0; i < out.n_carriers; i++)
            assert_in_range(out.carriers[i].n_segments, 1, 4);
        te_optimum_fini(&out);
        close_subject(&s);
    }
}

/* What a stack does to the links, said by the module that provisions it. */
static void
check_stack(struct te_igp *igp, const struct subject *s, const struct te_carrier *c)
{
    uint32_t labels[4], from = s->lsps[c->lsp].from;
    struct te_segments segments;
    struct te_expansion e;
    double *share = xcalloc(s->net->n_links, sizeof *share);
    assert_ok(te_carrier_labels(s->net, c, from, labels));
    assert_ok(te_segments_decode(igp, from, labels, c->n_segments, &segments, NULL));
    assert_ok(te_segments_expand(igp, from, &segments, &e, NULL));
    assert_int_equal(e.end, s->lsps[c->lsp].to);
    for (uint32_t i = 0; i < e.n; i++)
        share[e.shares[i].link] += e.shares[i].share;
    for (uint32_t i = 0; i < c->n_links; i++) {
        assert_true(fabs(share[c->links[i]] - c->shares[i]) < 1e-9);
        share[c->links[i]] = 0;
    }
    for (uint32_t l = 0; l < s->net->n_links; l++)
        assert_true(share[l] < 1e-9);
    te_segments_fini(&segments);
    te_expansion_fini(&e);
    free(share);
}

static void
stacks_do_what_the_shares_say(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct subject s;
        struct te_optimum out;
        struct te_optimise_options o = te_optimise_defaults();
        o.labels = 4;
        open_subject(&s, 14, 150, seed);
        struct te_node *nodes = (struct te_node *)(uintptr_t)s.net->nodes;
        nodes[3].sid_index = TE_NO_LABEL; /* not to be named */
        nodes[5].srgb_size = 8;           /* knows only some */
        for (uint32_t v = 0; v < 14; v++)
            nodes[v].srgb_base = 16000 + 1000 * v; /* labels change on the way */
        enum err err = te_optimise(s.router, s.lsps, s.n, &o, &out);
        assert_ok(err);
        struct te_igp *igp = te_igp_new(s.router, NULL);
        for (uint32_t i = 0; i < out.n_carriers; i++)
            check_stack(igp, &s, &out.carriers[i]);
        te_igp_free(igp);
        te_optimum_fini(&out);
        close_subject(&s);
    }
}

static void
nobody_pushes_more_labels_than_it_can(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    uint32_t longer = 0;
    o.labels = 4;
    open_subject(&s, 14, 150, 3);
    for (uint32_t v = 0; v < s.net->n_nodes; v++)
        ((struct te_node *)(uintptr_t)&s.net->nodes[v])->max_sid_depth = (uint8_t)(1 + v % 3);
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    check(&s, &out, NULL);
    for (uint32_t i = 0; i < out.n_carriers; i++) {
        const struct te_carrier *c = &out.carriers[i];
        assert_in_range(c->n_segments, 1, 1 + s.lsps[c->lsp].from % 3);
        longer += c->n_segments > 1;
    }
    assert_true(longer > 0);
    te_optimum_fini(&out);
    close_subject(&s);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 6, 3, 1);
    const struct te_lsp good = s.lsps[1];
    s.lsps[1].to = s.lsps[1].from;
    assert_err(te_optimise(s.router, s.lsps, s.n, &o, &out), ERR_INVALID);
    s.lsps[1].to = 6;
    assert_err(te_optimise(s.router, s.lsps, s.n, &o, &out), ERR_INVALID);
    s.lsps[1] = good;
    s.lsps[1].diverse_from = 3;
    assert_err(te_optimise(s.router, s.lsps, s.n, &o, &out), ERR_INVALID);
    close_subject(&s);
}

static void
the_same_input_gives_the_same_routes(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum a, b;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 16, 120, 4);
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &a));
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &b));
    assert_int_equal(a.n_carriers, b.n_carriers);
    for (uint32_t i = 0; i < a.n_carriers; i++) {
        assert_int_equal(a.carriers[i].bps, b.carriers[i].bps);
        assert_int_equal(a.carriers[i].n_links, b.carriers[i].n_links);
        assert_memory_equal(a.carriers[i].links, b.carriers[i].links,
                            a.carriers[i].n_links * sizeof *a.carriers[i].links);
    }
    te_optimum_fini(&a);
    te_optimum_fini(&b);
    close_subject(&s);
}

static void
one_lsp_for_each_demand_if_that_is_asked_for(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    o.max_lsps = 1;
    open_subject(&s, 8, 20, 6);
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    check(&s, &out, NULL);
    assert_int_equal(out.n_carriers, s.n);
    assert_int_equal(out.n_split, 0);
    te_optimum_fini(&out);
    close_subject(&s);
}

static void
constraints_hold_and_pinned_ones_stay(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 14, 100, 2);
    for (uint32_t l = 0; l < s.net->n_links; l += 9)
        ((struct te_link *)(uintptr_t)&s.net->links[l])->affinity.words[0] = 1;
    double *base = xcalloc(s.net->n_links, sizeof *base);
    struct te_path paths[100] = {{0}};
    for (uint32_t i = 0; i < s.n; i++) {
        struct te_constraints *c = &s.lsps[i].constraints;
        if (i % 4 == 0)
            c->exclude_any.words[0] = 1;
        if (i % 4 == 1)
            c->max_delay_us = 130;
        if (i % 10 == 2)
            s.lsps[i].pinned = true;
        struct te_request ask = {
            .from = s.lsps[i].from, .to = s.lsps[i].to, .optimise = TE_METRIC_IGP};
        assert_ok(te_route(s.router, &ask, &paths[i], NULL));
        s.lsps[i].links = paths[i].links;
        s.lsps[i].n_links = paths[i].n;
        for (uint32_t j = 0; j < paths[i].n && s.lsps[i].pinned; j++)
            base[paths[i].links[j]] += (double)c->bandwidth_bps;
    }
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    check(&s, &out, base);
    assert_int_equal(out.n_moved, 90);
    struct te_state after;
    assert_ok(te_state_init(&after, s.router, s.lsps, s.n, 1, false));
    for (uint32_t i = 0; i < out.n_carriers; i++) {
        const struct te_carrier *c = &out.carriers[i];
        assert_false(s.lsps[c->lsp].pinned);
        assert_ok(te_state_check(&after, c->lsp, c->links, c->n_links));
    }
    te_state_fini(&after);
    te_optimum_fini(&out);
    for (uint32_t i = 0; i < s.n; i++)
        te_path_fini(&paths[i]);
    free(base);
    close_subject(&s);
}

static void
symmetric_ones_load_both_directions(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 12, 60, 7);
    for (uint32_t i = 0; i < s.n; i += 2) {
        s.lsps[i].constraints.symmetric = true;
        if (i % 4 == 0)
            s.lsps[i].constraints.max_delay_us = 130;
    }
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    assert_int_equal(out.n_moved, s.n);
    assert_true(out.utilisation <= out.bound * 1.02);
    double *back = xcalloc(s.net->n_links, sizeof *back);
    struct te_state after;
    assert_ok(te_state_init(&after, s.router, s.lsps, s.n, 1, false));
    for (uint32_t i = 0; i < out.n_carriers; i++) {
        const struct te_carrier *c = &out.carriers[i];
        assert_ok(te_state_check(&after, c->lsp, c->links, c->n_links));
        for (uint32_t j = 0; j < c->n_links && s.lsps[c->lsp].constraints.symmetric; j++)
            back[s.net->links[c->links[j]].reverse] += (double)c->bps;
    }
    check(&s, &out, back);
    te_state_fini(&after);
    free(back);
    te_optimum_fini(&out);
    close_subject(&s);
}

/* From nowhere, and from the IGP's paths, to the optimum, step by step. */
static void
the_way_there_keeps_all_limits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct subject s;
        struct te_optimum out;
        struct te_optimise_options o = te_optimise_defaults();
        struct te_order order;
        struct te_order_options how = te_order_defaults();
        struct te_move *moves;
        struct te_path paths[120] = {{0}};
        uint64_t limit[128] = {0};
        o.max_lsps = 1;
        open_subject(&s, 14, 120, seed);
        for (uint32_t i = 0; i < s.n && seed % 2; i++) {
            struct te_request ask = {
                .from = s.lsps[i].from, .to = s.lsps[i].to, .optimise = TE_METRIC_IGP};
            assert_ok(te_route(s.router, &ask, &paths[i], NULL));
            s.lsps[i].links = paths[i].links;
            s.lsps[i].n_links = paths[i].n;
        }
        assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
        how.share = out.utilisation * 1.05;
        uint32_t n = te_optimum_moves(&out, s.lsps, s.n, &moves);
        assert_true(n > 20);
        assert_ok(te_order_moves(s.router, s.lsps, s.n, moves, n, &how, &order));
        struct te_state before;
        assert_ok(te_state_init(&before, s.router, s.lsps, s.n, how.share, false));
        for (uint32_t l = 0; l < s.net->n_links; l++)
            limit[l] = MAX(before.limit[l], before.load[l]);
        te_state_fini(&before);
        play_order(s.net, s.lsps, s.n, moves, n, limit, &order);
        te_order_fini(&order);
        free(moves);
        te_optimum_fini(&out);
        for (uint32_t i = 0; i < s.n; i++)
            te_path_fini(&paths[i]);
        close_subject(&s);
    }
}

static void
a_link_that_pinned_ones_fill_does_not_excuse_the_others(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    double base[128] = {0};
    open_subject(&s, 14, 100, 5);
    uint32_t full = s.net->first_out[3];
    const struct te_link *link = &s.net->links[full];
    s.lsps[0] = te_lsp_plain(link->from, link->to, link->capacity_bps * 95 / 100);
    s.lsps[0].pinned = true;
    s.lsps[0].links = &full;
    s.lsps[0].n_links = 1;
    base[full] = (double)s.lsps[0].constraints.bandwidth_bps;
    for (int labels = 0; labels <= 4; labels += 4) {
        o.labels = (uint32_t)labels;
        assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
        check(&s, &out, base);
        assert_true(fabs(out.utilisation - 0.95) < 1e-6);
        assert_true(fabs(out.bound - 0.95) < 1e-3);
        assert_true(out.rest_bound < 0.8);
        assert_true(out.rest_utilisation <= out.rest_bound * 1.03);
        for (uint32_t i = 0; i < out.n_carriers; i++) {
            for (uint32_t j = 0; j < out.carriers[i].n_links; j++)
                assert_int_not_equal(out.carriers[i].links[j], full);
        }
        te_optimum_fini(&out);
    }
    close_subject(&s);
}

static void
what_has_no_route_is_named(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 8, 10, 1);
    s.lsps[7].constraints.include_all.words[0] = 4;
    s.lsps[2].constraints.include_all.words[0] = 4;
    for (int k = 0; k < 2; k++) {
        s.lsps[7].pinned = k;
        assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
        assert_int_equal(out.n_unroutable, 2);
        assert_int_equal(out.unroutable[0], 2);
        assert_int_equal(out.unroutable[1], 7);
        assert_int_equal(out.n_moved, s.n - 2);
        check(&s, &out, NULL);
        te_optimum_fini(&out);
    }
    s.lsps[4].pinned = true; /* has a route, but is nowhere yet */
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    assert_int_equal(out.n_moved, s.n - 2);
    check(&s, &out, NULL);
    te_optimum_fini(&out);
    close_subject(&s);
}

static void
no_demands_need_no_routes(void **state)
{
    (void)state;
    struct subject s;
    struct te_optimum out;
    struct te_optimise_options o = te_optimise_defaults();
    open_subject(&s, 5, 0, 1);
    assert_ok(te_optimise(s.router, s.lsps, s.n, &o, &out));
    assert_int_equal(out.n_carriers, 0);
    assert_true(out.utilisation == 0);
    te_optimum_fini(&out);
    close_subject(&s);
}

TEST_MAIN(cmocka_unit_test(paths_are_within_the_tolerance_of_the_bound),
          cmocka_unit_test(segment_lists_are_within_three_percent),
          cmocka_unit_test(stacks_do_what_the_shares_say),
          cmocka_unit_test(nobody_pushes_more_labels_than_it_can),
          cmocka_unit_test(what_makes_no_sense_is_refused),
          cmocka_unit_test(the_same_input_gives_the_same_routes),
          cmocka_unit_test(one_lsp_for_each_demand_if_that_is_asked_for),
          cmocka_unit_test(constraints_hold_and_pinned_ones_stay),
          cmocka_unit_test(symmetric_ones_load_both_directions),
          cmocka_unit_test(the_way_there_keeps_all_limits),
          cmocka_unit_test(a_link_that_pinned_ones_fill_does_not_excuse_the_others),
          cmocka_unit_test(what_has_no_route_is_named), cmocka_unit_test(no_demands_need_no_routes))
