#include "te/mcf_testing.h"
#include "te/moves.h"

#include "base/testing.h"

struct subject {
    const struct te_network *net;
    struct te_router *router;
    uint32_t n;
    struct te_lsp *lsps;
};

/* LSPs on the IGP's shortest paths, whatever that does to the links. */
static void
open_subject(struct subject *s, uint32_t n_nodes, uint32_t chords, uint32_t n, uint64_t seed,
             uint64_t unit)
{
    struct dice d = {seed + 77};
    s->net = draw_network(n_nodes, chords, seed);
    s->router = te_router_new(s->net);
    s->n = n;
    s->lsps = xcalloc(n + 1, sizeof *s->lsps);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = dice_below(&d, n_nodes),
                 to = (from + 1 + dice_below(&d, n_nodes - 1)) % n_nodes;
        s->lsps[i] = te_lsp_plain(from, to, unit * (1 + dice_below(&d, 6)));
        struct te_request ask = {.from = from, .to = to, .optimise = TE_METRIC_IGP};
        struct te_path path;
        assert_ok(te_route(s->router, &ask, &path, NULL));
        s->lsps[i].links = path.links;
        s->lsps[i].n_links = path.n;
    }
}

static void
close_subject(struct subject *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free((void *)(uintptr_t)s->lsps[i].links);
    free(s->lsps);
    te_router_free(s->router);
    te_network_free(s->net);
}

static void
add_path(uint64_t *load, const uint32_t *links, uint32_t n, uint64_t bps)
{
    for (uint32_t i = 0; i < n; i++)
        load[links[i]] += bps;
}

static bool
all_fit(const struct te_network *net, const uint64_t *load, double threshold)
{
    for (uint32_t l = 0; l < net->n_links; l++) {
        if ((double)load[l] > floor((double)net->links[l].capacity_bps * threshold))
            return false;
    }
    return true;
}

/* Loads of all with the moves made; each new path must lead from end to end. */
static uint64_t *
loads_after(const struct subject *s, const struct te_move *moves, uint32_t n)
{
    uint64_t *load = xcalloc(s->net->n_links + 1, sizeof *load);
    for (uint32_t i = 0; i < s->n; i++) {
        const uint32_t *links = s->lsps[i].links;
        uint32_t n_links = s->lsps[i].n_links, at = s->lsps[i].from;
        for (uint32_t m = 0; m < n; m++) {
            if (moves[m].lsp == i) {
                links = moves[m].links;
                n_links = moves[m].n_links;
            }
        }
        for (uint32_t j = 0; j < n_links; j++) {
            assert_int_equal(s->net->links[links[j]].from, at);
            at = s->net->links[links[j]].to;
        }
        assert_int_equal(at, s->lsps[i].to);
        add_path(load, links, n_links, s->lsps[i].constraints.bandwidth_bps);
    }
    return load;
}

/* Whether moving exactly those of the set, over any simple paths, brings all below. */
struct brute {
    const struct subject *s;
    uint64_t *load;
    double threshold;
    uint32_t set;
    bool *on;
};

static bool brute_next(struct brute *b, uint32_t lsp);

static bool
brute_walk(struct brute *b, uint32_t lsp, uint32_t at)
{
    const struct te_network *net = b->s->net;
    if (at == b->s->lsps[lsp].to) {
        bool *on = b->on;
        b->on = xcalloc(net->n_nodes, sizeof *b->on);
        bool found = brute_next(b, lsp + 1);
        free(b->on);
        b->on = on;
        return found;
    }
    bool found = false;
    b->on[at] = true;
    for (uint32_t l = net->first_out[at]; l < net->first_out[at + 1] && !found; l++) {
        uint64_t bps = b->s->lsps[lsp].constraints.bandwidth_bps;
        b->load[l] += bps;
        if (!b->on[net->links[l].to] &&
            (double)b->load[l] <= floor((double)net->links[l].capacity_bps * b->threshold))
            found = brute_walk(b, lsp, net->links[l].to);
        b->load[l] -= bps;
    }
    b->on[at] = false;
    return found;
}

static bool
brute_next(struct brute *b, uint32_t lsp)
{
    if (lsp == b->s->n)
        return all_fit(b->s->net, b->load, b->threshold);
    if (!(b->set & 1u << lsp))
        return brute_next(b, lsp + 1);
    return brute_walk(b, lsp, b->s->lsps[lsp].from);
}

static uint32_t
brute_fewest(const struct subject *s, double threshold)
{
    struct brute b = {.s = s, .threshold = threshold};
    uint32_t fewest = UINT32_MAX;
    b.on = xcalloc(s->net->n_nodes, sizeof *b.on);
    for (b.set = 0; b.set < 1u << s->n; b.set++) {
        uint32_t size = (uint32_t)__builtin_popcount(b.set);
        if (size >= fewest)
            continue;
        b.load = xcalloc(s->net->n_links + 1, sizeof *b.load);
        for (uint32_t i = 0; i < s->n; i++) {
            if (!(b.set & 1u << i))
                add_path(b.load, s->lsps[i].links, s->lsps[i].n_links,
                         s->lsps[i].constraints.bandwidth_bps);
        }
        if (brute_next(&b, 0))
            fewest = size;
        free(b.load);
    }
    free(b.on);
    return fewest;
}

static void
what_is_proved_is_what_trying_everything_finds(void **state)
{
    (void)state;
    uint32_t proved = 0, several = 0, impossible = 0, missed = 0;
    for (uint64_t seed = 1; seed <= 70; seed++) {
        struct subject s;
        struct te_relief relief;
        struct te_relief_options o = te_relief_defaults();
        open_subject(&s, 5, 3, 8, seed, seed <= 40 ? 1000000 : 1700000);
        assert_ok(te_relieve(s.router, s.lsps, s.n, &o, &relief));
        uint32_t fewest = brute_fewest(&s, o.threshold);
        uint64_t *load = loads_after(&s, relief.moves, relief.n_moves);
        assert_int_equal(relief.over_after == 0, all_fit(s.net, load, o.threshold));
        if (relief.over_after == 0)
            assert_true(relief.n_moves >= fewest);
        if (fewest != UINT32_MAX)
            assert_true(relief.at_least <= fewest);
        if (relief.proved) {
            assert_int_equal(relief.n_moves, fewest);
            proved++;
            several += fewest > 1;
        }
        if (relief.over_after && relief.steps < o.budget)
            assert_true(fewest > 6);
        if (relief.impossible)
            assert_int_equal(fewest, UINT32_MAX);
        impossible += relief.impossible;
        missed += relief.over_after && fewest != UINT32_MAX;
        free(load);
        te_relief_fini(&relief);
        close_subject(&s);
    }
    assert_true(proved >= 40);
    assert_true(several >= 3);
    assert_true(impossible >= 5);
    assert_true(missed <= 3); /* it could be done, and was not found */
}

static void
pinned_ones_and_better_ones_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject s;
        struct te_relief relief;
        struct te_relief_options o = te_relief_defaults();
        o.keep_priority = 4;
        open_subject(&s, 8, 6, 24, seed, 800000);
        for (uint32_t i = 0; i < s.n; i++) {
            s.lsps[i].pinned = i % 3 == 0;
            s.lsps[i].hold_priority = i % 3 == 1 ? 2 : 7;
        }
        assert_ok(te_relieve(s.router, s.lsps, s.n, &o, &relief));
        for (uint32_t i = 0; i < relief.n_moves; i++)
            assert_int_equal(relief.moves[i].lsp % 3, 2);
        uint64_t *load = loads_after(&s, relief.moves, relief.n_moves);
        assert_int_equal(relief.over_after == 0, all_fit(s.net, load, o.threshold));
        free(load);
        te_relief_fini(&relief);
        close_subject(&s);
    }
}

static void
delay_and_diversity_hold_after_the_moves(void **state)
{
    (void)state;
    uint32_t moved = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject s;
        struct te_relief relief;
        struct te_relief_options o = te_relief_defaults();
        open_subject(&s, 9, 9, 24, seed, 800000);
        for (uint32_t i = 0; i < s.n; i++)
            s.lsps[i].constraints.max_delay_us = 90;
        /* 1 is made the partner of 0: same ends, over other links. */
        struct te_request ask = {
            .from = s.lsps[0].from, .to = s.lsps[0].to, .optimise = TE_METRIC_IGP};
        struct te_path path;
        ask.constraints.exclude_links = s.lsps[0].links;
        ask.constraints.n_exclude_links = s.lsps[0].n_links;
        if (te_route(s.router, &ask, &path, NULL) == ERR_OK) {
            free((void *)(uintptr_t)s.lsps[1].links);
            s.lsps[1].from = s.lsps[0].from;
            s.lsps[1].to = s.lsps[0].to;
            s.lsps[1].links = path.links;
            s.lsps[1].n_links = path.n;
            s.lsps[0].diverse_from = 1;
            s.lsps[1].diverse_from = 0;
            s.lsps[0].diversity = s.lsps[1].diversity = TE_DIVERSE_LINK;
        }
        assert_ok(te_relieve(s.router, s.lsps, s.n, &o, &relief));
        struct te_state after;
        assert_ok(te_state_init(&after, s.router, s.lsps, s.n, o.threshold, false));
        for (uint32_t i = 0; i < relief.n_moves; i++)
            te_state_place(&after, relief.moves[i].lsp, relief.moves[i].links,
                           relief.moves[i].n_links);
        for (uint32_t i = 0; i < relief.n_moves; i++)
            assert_ok(te_state_check(&after, relief.moves[i].lsp, relief.moves[i].links,
                                     relief.moves[i].n_links));
        moved += relief.n_moves;
        te_state_fini(&after);
        te_relief_fini(&relief);
        close_subject(&s);
    }
    assert_true(moved > 10);
}

static void
nothing_is_moved_where_nothing_is_above(void **state)
{
    (void)state;
    struct subject s;
    struct te_relief relief;
    struct te_relief_options o = te_relief_defaults();
    open_subject(&s, 6, 3, 5, 1, 1000);
    assert_ok(te_relieve(s.router, s.lsps, s.n, &o, &relief));
    assert_int_equal(relief.n_moves, 0);
    assert_true(relief.proved);
    assert_int_equal(relief.over_before, 0);
    te_relief_fini(&relief);
    uint32_t wrong = s.net->first_out[s.lsps[0].from == 0 ? 1 : 0];
    const uint32_t *right = s.lsps[0].links;
    s.lsps[0].links = &wrong;
    s.lsps[0].n_links = 1;
    assert_err(te_relieve(s.router, s.lsps, s.n, &o, &relief), ERR_INVALID);
    s.lsps[0].links = right;
    close_subject(&s);
}

TEST_MAIN(cmocka_unit_test(what_is_proved_is_what_trying_everything_finds),
          cmocka_unit_test(pinned_ones_and_better_ones_stay),
          cmocka_unit_test(delay_and_diversity_hold_after_the_moves),
          cmocka_unit_test(nothing_is_moved_where_nothing_is_above))
