/* Networks as they come: links that are down, full or without capacity, nodes that may not be
 * passed, LSPs that are symmetric, empty, unrouted, bounded, pinned, paired. Everything is asked of
 * each, and what comes out is recomputed. */
#include "te/optimise.h"
#include "te/optimise_drain.h"
#include "te/optimise_testing.h"
#include "te/whatif.h"

#define N 70
#define NODES 13
#define SEEDS 40

struct subject {
    const struct te_network *net;
    struct te_router *router;
    struct te_lsp lsps[N];
    uint64_t limit[256];
};

static void
spoil_network(struct subject *s, struct dice *d)
{
    struct te_link *links = (struct te_link *)(uintptr_t)s->net->links;
    struct te_node *nodes = (struct te_node *)(uintptr_t)s->net->nodes;
    for (int i = 0; i < 2; i++)
        links[dice_below(d, s->net->n_links)].up = false;
    for (int i = 0; i < 2; i++)
        links[dice_below(d, s->net->n_links)].capacity_bps = 0;
    for (int i = 0; i < 3; i++)
        links[dice_below(d, s->net->n_links)].delay_us = TE_UNKNOWN_US;
    for (int i = 0; i < 4; i++)
        links[dice_below(d, s->net->n_links)].affinity.words[0] = 2;
    nodes[dice_below(d, NODES)].passable = false;
}

static void
spoil_lsp(struct te_lsp *p, uint32_t i, struct dice *d)
{
    struct te_constraints *c = &p->constraints;
    p->hold_priority = c->priority = (uint8_t)dice_below(d, 8);
    p->pinned = i % 11 == 0;
    c->symmetric = i % 4 == 0;
    if (i % 7 == 1)
        c->max_delay_us = 60 + 10 * dice_below(d, 8);
    if (i % 7 == 2)
        c->exclude_any.words[0] = 2;
    if (i % 13 == 3)
        c->bandwidth_bps = 0;
    if (i % 13 == 4)
        c->max_hops = 5;
    if (i % 13 == 5)
        p->optimise = TE_METRIC_DELAY;
}

static void
open_subject(struct subject *s, uint64_t seed)
{
    struct dice d = {seed * 101 + 7};
    struct te_state state;
    s->net = draw_network(NODES, 14, seed);
    spoil_network(s, &d);
    s->router = te_router_new(s->net);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t from = dice_below(&d, NODES), to = (from + 1 + dice_below(&d, NODES - 1)) % NODES;
        s->lsps[i] = te_lsp_plain(from, to, 600000 * (1 + dice_below(&d, 4)));
        spoil_lsp(&s->lsps[i], i, &d);
        if (i % 10 == 9) { /* a pair with the one before */
            s->lsps[i].from = s->lsps[i - 1].from;
            s->lsps[i].to = s->lsps[i - 1].to;
            s->lsps[i].diverse_from = i - 1;
            s->lsps[i - 1].diverse_from = i;
            s->lsps[i].diversity = s->lsps[i - 1].diversity = TE_DIVERSE_LINK |
                                                              (i % 20 == 9 ? TE_DIVERSE_SRLG : 0);
        }
    }
    assert_ok(te_state_init(&state, s->router, s->lsps, N, 1, false));
    for (uint32_t i = 0; i < N; i++) {
        struct te_path path;
        /* Some whatever room there is: links above their capacity are part of it. */
        if (te_state_route(&state, i, NULL, i % 3 == 0, &path))
            continue;
        te_state_place(&state, i, path.links, path.n);
        s->lsps[i].links = path.links;
        s->lsps[i].n_links = path.n;
    }
    for (uint32_t l = 0; l < s->net->n_links; l++)
        s->limit[l] = MAX(s->net->links[l].capacity_bps, state.load[l]);
    te_state_fini(&state);
}

static void
close_subject(struct subject *s)
{
    for (uint32_t i = 0; i < N; i++)
        free((void *)(uintptr_t)s->lsps[i].links);
    te_router_free(s->router);
    te_network_free(s->net);
}

/* Constraints of all that were moved, in the network as it is then. */
static void
check_moves(const struct subject *s, const struct te_move *moves, uint32_t n)
{
    struct te_state after;
    assert_ok(te_state_init(&after, s->router, s->lsps, N, 1, false));
    for (uint32_t i = 0; i < n; i++)
        te_state_place(&after, moves[i].lsp, moves[i].links, moves[i].n_links);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t partner = s->lsps[moves[i].lsp].diverse_from;
        if (te_state_check(&after, moves[i].lsp, moves[i].links, moves[i].n_links) == ERR_OK)
            continue;
        /* A pair that was not diverse before is not made so by moving one of both. */
        assert_int_not_equal(partner, TE_NONE);
        assert_false(te_paths_diverse(s->net, s->lsps[moves[i].lsp].links,
                                      s->lsps[moves[i].lsp].n_links, s->lsps[partner].links,
                                      s->lsps[partner].n_links, s->lsps[partner].diversity));
    }
    te_state_fini(&after);
}

static void
relief_and_order(void **state)
{
    (void)state;
    uint32_t moved = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct subject s;
        struct te_relief relief;
        struct te_relief_options o = te_relief_defaults();
        struct te_order order;
        struct te_order_options how = te_order_defaults();
        open_subject(&s, seed);
        o.threshold = 1;
        o.budget = 1000;
        assert_ok(te_relieve(s.router, s.lsps, N, &o, &relief));
        check_moves(&s, relief.moves, relief.n_moves);
        if (te_order_moves(s.router, s.lsps, N, relief.moves, relief.n_moves, &how, &order) ==
            ERR_OK) {
            play_order(s.net, s.lsps, N, relief.moves, relief.n_moves, s.limit, &order);
            te_order_fini(&order);
            moved += relief.n_moves;
        } else {
            assert_true(relief.over_after > 0);
        }
        te_relief_fini(&relief);
        close_subject(&s);
    }
    assert_true(moved > 20);
}

static void
drains(void **state)
{
    (void)state;
    uint32_t moved = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct subject s;
        struct te_drain drain;
        struct te_drain_options o = te_drain_defaults();
        uint32_t node = (uint32_t)seed % NODES, link = (uint32_t)seed * 3;
        open_subject(&s, seed);
        link %= s.net->n_links;
        struct te_outage outage = {
            .nodes = &node, .n_nodes = seed % 2, .links = &link, .n_links = 1};
        assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
        check_moves(&s, drain.moves, drain.n_moves);
        play_order(s.net, s.lsps, N, drain.moves, drain.n_moves, s.limit, &drain.away);
        moved += drain.n_moves;
        te_drain_fini(&drain);
        close_subject(&s);
    }
    assert_true(moved > 50);
}

static void
failures(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct subject s;
        struct te_whatif w;
        struct te_whatif_options o = te_whatif_defaults();
        open_subject(&s, seed);
        assert_ok(te_whatif(s.router, s.lsps, N, &o, &w));
        for (uint32_t i = 0; i < w.n; i++) {
            struct te_state after;
            assert_ok(te_state_init(&after, s.router, s.lsps, N, 1, false));
            for (uint32_t j = 0; j < w.impacts[i].n_hit; j++) {
                const struct te_fate *f = &w.impacts[i].fates[j];
                te_state_place(&after, f->lsp, f->links, f->n_links);
            }
            uint32_t over = te_state_over(&after);
            assert_int_equal(over, w.impacts[i].n_over);
            for (uint32_t j = 0; j < w.impacts[i].n_hit; j++) {
                const struct te_fate *f = &w.impacts[i].fates[j];
                if (f->n_links && !f->late && !f->not_diverse)
                    assert_ok(te_state_check(&after, f->lsp, f->links, f->n_links));
            }
            te_state_fini(&after);
        }
        te_whatif_fini(&w);
        close_subject(&s);
    }
}

static void
optima(void **state)
{
    (void)state;
    uint32_t found = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct subject s;
        struct te_optimum out;
        struct te_optimise_options o = te_optimise_defaults();
        o.labels = seed % 3 == 0 ? 3 : 0;
        o.max_lsps = seed % 5 == 0 ? 1 : 4;
        open_subject(&s, seed);
        assert_ok(te_optimise(s.router, s.lsps, N, &o, &out));
        struct te_state after;
        assert_ok(te_state_init(&after, s.router, s.lsps, N, 1, false));
        for (uint32_t i = 0; i < out.n_carriers && !o.labels; i++) {
            const struct te_carrier *c = &out.carriers[i];
            assert_ok(te_state_check(&after, c->lsp, c->links, c->n_links));
        }
        te_state_fini(&after);
        assert_true(out.utilisation >= out.bound * (1 - 1e-6));
        found += out.n_moved > N / 2;
        te_optimum_fini(&out);
        close_subject(&s);
    }
    assert_true(found > 10);
}

TEST_MAIN(cmocka_unit_test(relief_and_order), cmocka_unit_test(drains), cmocka_unit_test(failures),
          cmocka_unit_test(optima))
