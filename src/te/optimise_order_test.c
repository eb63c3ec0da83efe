#include "te/mcf_testing.h"
#include "te/optimise_testing.h"

#include "base/testing.h"

#define N_MAX 8

struct subject {
    const struct te_network *net;
    struct te_router *router;
    uint32_t n;
    struct te_lsp lsps[PLAYED_MAX];
    struct te_move moves[PLAYED_MAX];
};

static struct te_path
random_path(const struct subject *s, struct dice *d, uint32_t from, uint32_t to)
{
    struct te_request ask = {.from = from, .to = to, .optimise = TE_METRIC_IGP};
    struct te_path path;
    uint32_t without[3];
    for (uint32_t n = 3;; n--) {
        for (uint32_t i = 0; i < n; i++)
            without[i] = dice_below(d, s->net->n_links);
        ask.constraints.exclude_links = without;
        ask.constraints.n_exclude_links = n;
        if (te_route(s->router, &ask, &path, NULL) == ERR_OK)
            return path;
    }
}

/* Old and new paths at random, every link with just the capacity that old or new need, and a little
 * more: so that there is little room to move. */
static void
open_subject(struct subject *s, uint32_t n_nodes, uint32_t n, uint64_t seed, uint32_t percent)
{
    struct dice d = {seed * 31 + 5};
    s->net = draw_network(n_nodes, 4, seed);
    s->router = te_router_new(s->net);
    s->n = n;
    uint64_t *old = xcalloc(s->net->n_links, sizeof *old),
             *new = xcalloc(s->net->n_links, sizeof *new);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = dice_below(&d, n_nodes),
                 to = (from + 1 + dice_below(&d, n_nodes - 1)) % n_nodes;
        uint64_t bps = 1000000 * (1 + dice_below(&d, 4));
        struct te_path a = random_path(s, &d, from, to), b = random_path(s, &d, from, to);
        s->lsps[i] = te_lsp_plain(from, to, bps);
        s->lsps[i].links = a.links;
        s->lsps[i].n_links = a.n;
        s->moves[i] = (struct te_move){i, b.links, b.n};
        for (uint32_t j = 0; j < a.n; j++)
            old[a.links[j]] += bps;
        for (uint32_t j = 0; j < b.n; j++)
            new[b.links[j]] += bps;
    }
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        struct te_link *link = (struct te_link *)(uintptr_t)&s->net->links[l];
        link->capacity_bps = MAX(MAX(old[l], new[l]) * percent / 100, 1);
    }
    free(old);
    free(new);
}

static void
close_subject(struct subject *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        free((void *)(uintptr_t)s->lsps[i].links);
        free(s->moves[i].links);
    }
    te_router_free(s->router);
    te_network_free(s->net);
}

static void
play(const struct subject *s, const struct te_order *o)
{
    uint64_t *limit = xcalloc(s->net->n_links + 1, sizeof *limit);
    for (uint32_t l = 0; l < s->net->n_links; l++)
        limit[l] = s->net->links[l].capacity_bps;
    play_order(s->net, s->lsps, s->n, s->moves, s->n, limit, o);
    free(limit);
}

static bool
fits(const struct subject *s, const struct now *now)
{
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        if (load_now(s->net, s->lsps, s->n, now, l) > s->net->links[l].capacity_bps)
            return false;
    }
    return true;
}

/* Whether all orders of those that are not down fail. */
static bool
brute_order(const struct subject *s, struct now *now, uint32_t left, bool *dead)
{
    if (left == 0)
        return true;
    if (dead[left])
        return false;
    for (uint32_t i = 0; i < s->n; i++) {
        if (!(left & 1u << i))
            continue;
        struct now before = *now;
        now->links[1][i] = s->moves[i].links;
        now->n[1][i] = s->moves[i].n_links;
        bool found = fits(s, now);
        if (found) {
            now->links[0][i] = now->links[1][i];
            now->n[0][i] = now->n[1][i];
            now->n[1][i] = 0;
            found = brute_order(s, now, left & ~(1u << i), dead);
        }
        *now = before;
        if (found)
            return true;
    }
    dead[left] = true;
    return false;
}

static uint32_t
brute_fewest_broken(const struct subject *s)
{
    uint32_t fewest = s->n;
    for (uint32_t down = 0; down < 1u << s->n; down++) {
        uint32_t size = (uint32_t)__builtin_popcount(down);
        bool dead[1u << N_MAX] = {false};
        struct now now = at_first(s->lsps, s->n);
        for (uint32_t i = 0; i < s->n; i++)
            now.n[0][i] = down & 1u << i ? 0 : now.n[0][i];
        if (size < fewest && brute_order(s, &now, ~down & ((1u << s->n) - 1), dead))
            fewest = size;
    }
    return fewest;
}

static void
as_few_are_broken_as_trying_all_orders_finds(void **state)
{
    (void)state;
    uint32_t broken = 0, none = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct subject s;
        struct te_order order;
        struct te_order_options o = te_order_defaults();
        o.interim = false;
        open_subject(&s, 6, 6, seed, 100 + 10 * (uint32_t)(seed % 4));
        assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
        play(&s, &order);
        uint32_t fewest = brute_fewest_broken(&s);
        assert_true(order.n_broken >= fewest);
        if (order.proved)
            assert_int_equal(order.n_broken, fewest);
        else
            assert_true(fewest > 3);
        broken += order.n_broken > 0;
        none += order.n_broken == 0;
        te_order_fini(&order);
        close_subject(&s);
    }
    assert_true(broken > 5 && none > 5);
}

static void
interim_paths_spare_breaks(void **state)
{
    (void)state;
    uint32_t with = 0, without = 0, used = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct subject s;
        struct te_order order;
        struct te_order_options o = te_order_defaults();
        open_subject(&s, 6, 6, seed, 130);
        for (uint32_t l = 0; l < s.net->n_links; l += 3)
            ((struct te_link *)(uintptr_t)&s.net->links[l])->capacity_bps += 4000000;
        assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
        play(&s, &order);
        with += order.n_broken;
        used += order.n_interim;
        te_order_fini(&order);
        o.interim = false;
        assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
        without += order.n_broken;
        te_order_fini(&order);
        close_subject(&s);
    }
    assert_true(used > 0);
    assert_true(with < without);
}

static void
two_that_change_places_need_a_break(void **state)
{
    (void)state;
    /* Two nodes, two links, each full: nobody can go first. */
    struct te_builder *b = te_builder_new(1 << 20);
    uint32_t label = 0;
    add_test_nodes(b, 2);
    add_test_link(b, 0, 1, 1, 10, &label);
    add_test_link(b, 0, 1, 2, 10, &label);
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    struct te_router *router = te_router_new(net);
    uint32_t first = net->first_out[0], second = first + 1;
    struct te_lsp lsps[2] = {te_lsp_plain(0, 1, 10), te_lsp_plain(0, 1, 10)};
    lsps[0].links = &first;
    lsps[1].links = &second;
    lsps[0].n_links = lsps[1].n_links = 1;
    struct te_move moves[2] = {{0, &second, 1}, {1, &first, 1}};
    struct te_order_options o = te_order_defaults();
    struct te_order order;
    assert_ok(te_order_moves(router, lsps, 2, moves, 2, &o, &order));
    assert_int_equal(order.n_broken, 1);
    assert_true(order.proved);
    assert_int_equal(order.n_steps, 3);
    assert_string_equal(te_step_name(order.steps[0].kind), "down");
    assert_string_equal(te_step_name(order.steps[1].kind), "move");
    assert_string_equal(te_step_name(order.steps[2].kind), "up");
    te_order_fini(&order);
    moves[1].lsp = 0;
    assert_err(te_order_moves(router, lsps, 2, moves, 2, &o, &order), ERR_INVALID);
    assert_err(te_order_moves(router, lsps, 2, moves, 1, &o, &order), ERR_CONFLICT);
    te_router_free(router);
    te_network_free(net);
}

static void
where_there_is_room_all_move_at_once(void **state)
{
    (void)state;
    struct subject s;
    struct te_order order;
    struct te_order_options o = te_order_defaults();
    open_subject(&s, 12, 60, 9, 400);
    assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
    play(&s, &order);
    assert_int_equal(order.n_broken + order.n_interim, 0);
    assert_true(order.n_batches < 10);
    te_order_fini(&order);
    o.parallel = 4;
    assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
    play(&s, &order);
    assert_true(order.n_batches >= 15);
    te_order_fini(&order);
    close_subject(&s);
}

static void
of_many_in_a_tight_network_few_are_broken(void **state)
{
    (void)state;
    uint32_t broken = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct subject s;
        struct te_order order;
        struct te_order_options o = te_order_defaults();
        open_subject(&s, 14, 120, seed, 102);
        assert_ok(te_order_moves(s.router, s.lsps, s.n, s.moves, s.n, &o, &order));
        play(&s, &order);
        assert_true(order.sets <= o.budget);
        broken += order.n_broken;
        te_order_fini(&order);
        close_subject(&s);
    }
    assert_true(broken <= 6);
}

TEST_MAIN(cmocka_unit_test(as_few_are_broken_as_trying_all_orders_finds),
          cmocka_unit_test(interim_paths_spare_breaks),
          cmocka_unit_test(two_that_change_places_need_a_break),
          cmocka_unit_test(of_many_in_a_tight_network_few_are_broken),
          cmocka_unit_test(where_there_is_room_all_move_at_once))
