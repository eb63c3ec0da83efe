#include "te/optimise_drain.h"
#include "te/optimise_testing.h"

#define N 60

struct subject {
    const struct te_network *net;
    struct te_router *router;
    struct te_lsp lsps[N];
};

static void
open_subject(struct subject *s, uint64_t seed, uint64_t unit)
{
    struct dice d = {seed * 13 + 1};
    s->net = draw_network(12, 12, seed);
    s->router = te_router_new(s->net);
    struct te_state state;
    for (uint32_t i = 0; i < N; i++) {
        uint32_t from = dice_below(&d, 12), to = (from + 1 + dice_below(&d, 11)) % 12;
        s->lsps[i] = te_lsp_plain(from, to, unit * (1 + dice_below(&d, 5)));
        s->lsps[i].constraints.priority = (uint8_t)(i % 8);
        s->lsps[i].hold_priority = (uint8_t)(i % 8);
    }
    /* All where there is room, one after the other; who finds none goes nowhere. */
    assert_ok(te_state_init(&state, s->router, s->lsps, N, 1, false));
    for (uint32_t i = 0; i < N; i++) {
        struct te_path path;
        if (te_state_route(&state, i, NULL, false, &path))
            continue;
        te_state_place(&state, i, path.links, path.n);
        s->lsps[i].links = path.links;
        s->lsps[i].n_links = path.n;
    }
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

static bool
passes(const struct subject *s, const uint32_t *links, uint32_t n, const bool *link_out)
{
    (void)s;
    for (uint32_t i = 0; i < n; i++) {
        if (link_out[links[i]])
            return true;
    }
    return false;
}

static const struct te_move *
move_of(const struct te_drain *d, uint32_t lsp)
{
    for (uint32_t i = 0; i < d->n_moves; i++) {
        if (d->moves[i].lsp == lsp)
            return &d->moves[i];
    }
    return NULL;
}

static bool
is_stuck(const struct te_drain *d, uint32_t lsp)
{
    for (uint32_t i = 0; i < d->n_stuck; i++) {
        if (d->stuck[i].lsp == lsp)
            return true;
    }
    return false;
}

/* Everybody who passed there is either moved away or listed; there and back keep all limits. */
static void
check(const struct subject *s, const struct te_outage *outage, const struct te_drain *d)
{
    bool link_out[256], node_out[64];
    uint64_t limit[256];
    struct te_lsp there[N];
    struct te_move back[N];
    te_outage_mark(s->net, outage, link_out, node_out);
    for (uint32_t l = 0; l < s->net->n_links; l++)
        limit[l] = s->net->links[l].capacity_bps;
    memcpy(there, s->lsps, sizeof there);
    for (uint32_t i = 0; i < N; i++) {
        const struct te_move *m = move_of(d, i);
        bool was = passes(s, s->lsps[i].links, s->lsps[i].n_links, link_out);
        assert_true(!was || m || is_stuck(d, i));
        if (m) {
            assert_false(passes(s, m->links, m->n_links, link_out));
            there[i].links = m->links;
            there[i].n_links = m->n_links;
        }
    }
    for (uint32_t i = 0; i < d->n_moves; i++)
        back[i] = (struct te_move){d->moves[i].lsp,
                                   (uint32_t *)(uintptr_t)s->lsps[d->moves[i].lsp].links,
                                   s->lsps[d->moves[i].lsp].n_links};
    play_order(s->net, s->lsps, N, d->moves, d->n_moves, limit, &d->away);
    play_order(s->net, there, N, back, d->n_moves, limit, &d->back);
    assert_int_equal(d->is_empty, d->n_stuck == 0);
}

static void
a_link_is_emptied_and_filled_again(void **state)
{
    (void)state;
    uint32_t moved = 0, aside = 0, stuck = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct subject s;
        struct te_drain drain;
        struct te_drain_options o = te_drain_defaults();
        open_subject(&s, seed, 700000);
        for (uint32_t link = 0; link < s.net->n_links; link += 7) {
            struct te_outage outage = {.links = &link, .n_links = 1};
            assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
            check(&s, &outage, &drain);
            moved += drain.n_moves;
            aside += drain.n_aside;
            stuck += drain.n_stuck;
            te_drain_fini(&drain);
        }
        close_subject(&s);
    }
    assert_true(moved > 50 && aside > 0 && stuck > 0);
}

static void
making_room_moves_more_away(void **state)
{
    (void)state;
    uint32_t with = 0, without = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct subject s;
        struct te_drain drain;
        open_subject(&s, seed, 700000);
        for (int k = 0; k < 2; k++) {
            struct te_drain_options o = te_drain_defaults();
            uint32_t link = 3;
            struct te_outage outage = {.links = &link, .n_links = 1};
            o.make_room = k == 0;
            assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
            check(&s, &outage, &drain);
            *(k == 0 ? &with : &without) += drain.n_stuck;
            te_drain_fini(&drain);
        }
        close_subject(&s);
    }
    assert_true(with < without);
}

static void
of_a_node_those_that_end_there_stay(void **state)
{
    (void)state;
    struct subject s;
    struct te_drain drain;
    struct te_drain_options o = te_drain_defaults();
    uint32_t node = 4, ends = 0;
    struct te_outage outage = {.nodes = &node, .n_nodes = 1};
    open_subject(&s, 5, 100000);
    s.lsps[0].pinned = true;
    assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
    check(&s, &outage, &drain);
    for (uint32_t i = 0; i < drain.n_stuck; i++) {
        const struct te_lsp *p = &s.lsps[drain.stuck[i].lsp];
        bool end = p->from == node || p->to == node;
        assert_int_equal(end, drain.stuck[i].why == TE_STUCK_END);
        ends += end;
    }
    assert_true(ends > 2);
    assert_string_equal(te_stuck_name(TE_STUCK_END), "ends there");
    te_drain_fini(&drain);
    close_subject(&s);
}

static void
a_risk_group_and_pinned_lsps(void **state)
{
    (void)state;
    struct subject s;
    struct te_drain drain;
    struct te_drain_options o = te_drain_defaults();
    uint32_t group = 1;
    struct te_outage outage = {.srlgs = &group, .n_srlgs = 1};
    open_subject(&s, 3, 50000);
    for (uint32_t i = 0; i < N; i++)
        s.lsps[i].pinned = i % 2;
    assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
    check(&s, &outage, &drain);
    assert_true(drain.n_moves > 0 && drain.n_stuck > 0);
    for (uint32_t i = 0; i < drain.n_moves; i++)
        assert_false(s.lsps[drain.moves[i].lsp].pinned);
    for (uint32_t i = 0; i < drain.n_stuck; i++)
        assert_int_equal(drain.stuck[i].why, TE_STUCK_PINNED);
    te_drain_fini(&drain);
    o.move_pinned = true;
    assert_ok(te_drain(s.router, s.lsps, N, &outage, &o, &drain));
    check(&s, &outage, &drain);
    assert_int_equal(drain.n_stuck, 0);
    te_drain_fini(&drain);
    close_subject(&s);
}

TEST_MAIN(cmocka_unit_test(a_link_is_emptied_and_filled_again),
          cmocka_unit_test(making_room_moves_more_away),
          cmocka_unit_test(of_a_node_those_that_end_there_stay),
          cmocka_unit_test(a_risk_group_and_pinned_lsps))
