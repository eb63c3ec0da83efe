#include "te/mcf_plan.h"
#include "te/mcf_search.h"
#include "te/mcf_testing.h"

#include "base/testing.h"

#define NEARLY 1e-6

struct subject {
    const struct te_network *net;
    struct mcf_graph g;
    struct mcf_demand *demands;
    struct mcf_problem p;
};

static void
open_subject(struct subject *s, uint32_t n, uint32_t chords, uint32_t n_demands, uint64_t seed)
{
    s->net = draw_network(n, chords, seed);
    mcf_graph_init(&s->g, s->net, false);
    s->demands = draw_demands(n, n_demands, seed);
    s->p = (struct mcf_problem){&s->g, n_demands, s->demands, NULL};
}

static void
close_subject(struct subject *s)
{
    mcf_graph_fini(&s->g);
    te_network_free(s->net);
    free(s->demands);
}

static void
assert_near(double a, double b)
{
    if (fabs(a - b) > NEARLY * MAX(fabs(a), fabs(b)))
        fail_msg("%.12g is not near %.12g", a, b);
}

/* Nothing of the optimiser's: every column leads from end to end, shares add up, loads are theirs.
 */
static double
recompute(const struct mcf_plan *plan)
{
    const struct mcf_graph *g = plan->p->graph;
    double *load = xcalloc(g->n_arcs + 1, sizeof *load), highest = 0;
    double *sum = xcalloc(plan->p->n_demands + 1, sizeof *sum);
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct mcf_column *c = &plan->columns[i];
        const struct mcf_demand *d = &plan->p->demands[c->demand];
        uint32_t at = d->from;
        for (uint32_t j = c->first; j < c->first + c->n; j++) {
            assert_int_equal(g->from[plan->arcs[j]], at);
            assert_true(plan->shares[j] == 1);
            at = g->to[plan->arcs[j]];
            load[plan->arcs[j]] += c->share * d->bps;
        }
        assert_int_equal(at, d->to);
        assert_true(c->share >= 0);
        sum[c->demand] += c->share;
    }
    for (uint32_t k = 0; k < plan->p->n_demands; k++)
        assert_near(sum[k], 1);
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        double all = load[a] + (plan->p->base ? plan->p->base[a] : 0);
        if (all > 0)
            assert_near(all, plan->loads[a]);
        highest = fmax(highest, all / g->capacity[a]);
    }
    free(load);
    free(sum);
    return highest;
}

static void
flows_of_the_whole_program_conserve(void **state)
{
    (void)state;
    struct subject s;
    struct mcf_whole w;
    open_subject(&s, 8, 6, 20, 3);
    assert_ok(mcf_solve_whole(&s.p, &w));
    double *balance = xcalloc(s.g.n_nodes, sizeof *balance),
           *load = xcalloc(s.g.n_arcs, sizeof *load);
    for (uint32_t c = 0; c < w.n_commodities; c++) {
        for (uint32_t a = 0; a < s.g.n_arcs; a++) {
            double f = w.flow[c * s.g.n_arcs + a];
            assert_true(f >= 0);
            balance[s.g.from[a]] += f;
            balance[s.g.to[a]] -= f;
            load[a] += f;
        }
    }
    for (uint32_t k = 0; k < s.p.n_demands; k++) {
        balance[s.demands[k].from] -= s.demands[k].bps;
        balance[s.demands[k].to] += s.demands[k].bps;
    }
    for (uint32_t v = 0; v < s.g.n_nodes; v++)
        assert_true(fabs(balance[v]) < 1);
    assert_near(mcf_highest(&s.g, load), w.utilisation);
    assert_near(w.bound, w.utilisation); /* strong duality, through mcf_bound() */
    free(balance);
    free(load);
    mcf_whole_fini(&w);
    close_subject(&s);
}

static void
columns_come_to_the_same_as_the_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct subject s;
        struct mcf_whole w;
        struct mcf_plan plan;
        double *base = NULL;
        open_subject(&s, 5 + (uint32_t)seed % 9, 6, 12 + 2 * (uint32_t)seed, seed);
        if (seed % 3 == 0) {
            base = xcalloc(s.g.n_arcs, sizeof *base);
            for (uint32_t a = 0; a < s.g.n_arcs; a += 2)
                base[a] = s.g.capacity[a] * 0.3;
            s.p.base = base;
        }
        assert_ok(mcf_solve_whole(&s.p, &w));
        mcf_plan_init(&plan, &s.p, mcf_path_router(&s.p));
        assert_ok(mcf_descend(&plan, 0, 20, NULL));
        recompute(&plan);
        assert_ok(mcf_solve_columns(&plan, 1e-7, 200));
        assert_near(recompute(&plan), w.utilisation);
        assert_near(plan.bound, w.utilisation);
        assert_near(mcf_bound(&s.p, plan.prices), plan.bound);
        double target = mcf_plan_utilisation(&plan) * 1.01;
        mcf_round(&plan, target, 0, 5000);
        assert_true(recompute(&plan) <= target * (1 + NEARLY));
        mcf_plan_fini(&plan);
        mcf_whole_fini(&w);
        close_subject(&s);
        free(base);
    }
}

/* All simple paths of each demand, all combinations. */
struct brute {
    const struct mcf_problem *p;
    double *load, best;
    bool *on;
};

static void brute_next(struct brute *b, uint32_t demand);

static void
brute_walk(struct brute *b, uint32_t demand, uint32_t at)
{
    const struct mcf_graph *g = b->p->graph;
    const struct mcf_demand *d = &b->p->demands[demand];
    if (at == d->to) {
        bool *on = b->on;
        b->on = xcalloc(g->n_nodes, sizeof *b->on);
        brute_next(b, demand + 1);
        free(b->on);
        b->on = on;
        return;
    }
    b->on[at] = true;
    for (uint32_t a = g->first_out[at]; a < g->first_out[at + 1]; a++) {
        b->load[a] += d->bps;
        if (!b->on[g->to[a]] && b->load[a] / g->capacity[a] < b->best)
            brute_walk(b, demand, g->to[a]);
        b->load[a] -= d->bps;
    }
    b->on[at] = false;
}

static void
brute_next(struct brute *b, uint32_t demand)
{
    if (demand == b->p->n_demands)
        b->best = fmin(b->best, mcf_highest(b->p->graph, b->load));
    else
        brute_walk(b, demand, b->p->demands[demand].from);
}

static void
single_paths_come_near_the_best_of_all(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject s;
        struct mcf_plan plan;
        open_subject(&s, 5, 2, 6, seed);
        struct brute b = {.p = &s.p, .best = (double)INFINITY};
        b.load = xcalloc(s.g.n_arcs, sizeof *b.load);
        b.on = xcalloc(s.g.n_nodes, sizeof *b.on);
        brute_next(&b, 0);
        mcf_plan_init(&plan, &s.p, mcf_path_router(&s.p));
        assert_ok(mcf_descend(&plan, 0.001, 40, NULL));
        assert_ok(mcf_solve_columns(&plan, 1e-4, 100));
        mcf_round(&plan, b.best, 1, 5000);
        double reached = recompute(&plan);
        for (uint32_t k = 0; k < s.p.n_demands; k++)
            assert_int_equal(mcf_plan_parts(&plan, k), 1);
        assert_true(reached >= b.best * (1 - NEARLY));
        assert_true(plan.bound <= b.best * (1 + NEARLY));
        worst = fmax(worst, reached / b.best);
        mcf_plan_fini(&plan);
        free(b.load);
        free(b.on);
        close_subject(&s);
    }
    assert_true(worst < 1.45); /* six demands in a ring of five: nothing to choose from */
}

static void
a_delay_bound_is_kept_by_every_column(void **state)
{
    (void)state;
    struct subject s;
    struct mcf_plan plan;
    open_subject(&s, 10, 8, 30, 5);
    for (uint32_t k = 0; k < s.p.n_demands; k++)
        s.demands[k].max_delay_us = 100;
    mcf_plan_init(&plan, &s.p, mcf_path_router(&s.p));
    assert_ok(mcf_descend(&plan, 0, 20, NULL));
    assert_ok(mcf_solve_columns(&plan, 1e-6, 100));
    for (uint32_t i = 0; i < plan.n_columns; i++) {
        double delay = 0;
        for (uint32_t j = plan.columns[i].first; j < plan.columns[i].first + plan.columns[i].n; j++)
            delay += s.g.delay_us[plan.arcs[j]];
        assert_true(delay <= 100);
    }
    assert_true(recompute(&plan) >= plan.bound * (1 - NEARLY));
    mcf_plan_fini(&plan);
    close_subject(&s);
}

static void
a_demand_without_a_route_is_named(void **state)
{
    (void)state;
    struct subject s;
    struct mcf_plan plan;
    struct mcf_whole w;
    uint32_t which = 99;
    open_subject(&s, 6, 3, 8, 2);
    bool *none = xcalloc(s.g.n_arcs, sizeof *none);
    s.demands[5].allowed = none;
    mcf_plan_init(&plan, &s.p, mcf_path_router(&s.p));
    assert_err(mcf_descend(&plan, 0, 20, &which), ERR_NOT_FOUND);
    assert_int_equal(which, 5);
    assert_err(mcf_solve_whole(&s.p, &w), ERR_NOT_FOUND);
    mcf_plan_fini(&plan);
    free(none);
    close_subject(&s);
}

static void
nothing_passes_a_node_that_may_not_be_passed(void **state)
{
    (void)state;
    struct subject s;
    struct mcf_plan plan;
    struct mcf_whole w;
    open_subject(&s, 9, 9, 25, 4);
    s.g.passable[2] = false;
    assert_ok(mcf_solve_whole(&s.p, &w));
    mcf_plan_init(&plan, &s.p, mcf_path_router(&s.p));
    assert_ok(mcf_descend(&plan, 0, 20, NULL));
    assert_ok(mcf_solve_columns(&plan, 1e-7, 100));
    for (uint32_t i = 0; i < plan.n_columns; i++) {
        for (uint32_t j = 1; j < plan.columns[i].n; j++)
            assert_int_not_equal(s.g.from[plan.arcs[plan.columns[i].first + j]], 2);
    }
    assert_near(recompute(&plan), w.utilisation);
    mcf_plan_fini(&plan);
    mcf_whole_fini(&w);
    close_subject(&s);
}

/* Against all simple paths. */
static void
brute_within(const struct mcf_graph *g, const double *prices, uint32_t at, uint32_t to, bool *on,
             double cost, double delay, double max_delay, double *best)
{
    if (delay > max_delay)
        return;
    if (at == to) {
        *best = fmin(*best, cost);
        return;
    }
    on[at] = true;
    for (uint32_t a = g->first_out[at]; a < g->first_out[at + 1]; a++) {
        if (!on[g->to[a]])
            brute_within(g, prices, g->to[a], to, on, cost + prices[a], delay + g->delay_us[a],
                         max_delay, best);
    }
    on[at] = false;
}

static void
a_search_within_a_delay_is_between_its_bound_and_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct subject s;
        struct mcf_search search;
        struct dice dice = {seed};
        uint32_t arcs[16];
        open_subject(&s, 8, 6, 1, seed);
        double *prices = xcalloc(s.g.n_arcs, sizeof *prices), best = (double)INFINITY, least;
        bool on[16] = {false};
        for (uint32_t a = 0; a < s.g.n_arcs; a++)
            prices[a] = 1 + dice_below(&dice, 50);
        double limit = 20 + dice_below(&dice, 60);
        mcf_search_init(&search, &s.g);
        uint32_t n = mcf_search_within(&search, 0, 4, prices, NULL, s.g.delay_us, limit, arcs,
                                       &least);
        brute_within(&s.g, prices, 0, 4, on, 0, 0, limit, &best);
        assert_int_equal(n > 0, isfinite(best));
        double cost = 0, delay = 0;
        for (uint32_t i = 0; i < n; i++) {
            cost += prices[arcs[i]];
            delay += s.g.delay_us[arcs[i]];
        }
        if (n) {
            assert_true(delay <= limit);
            assert_true(cost >= best - 1e-9);
            assert_true(least <= best + 1e-9);
        }
        mcf_search_fini(&search);
        free(prices);
        close_subject(&s);
    }
}

TEST_MAIN(cmocka_unit_test(flows_of_the_whole_program_conserve),
          cmocka_unit_test(columns_come_to_the_same_as_the_whole),
          cmocka_unit_test(single_paths_come_near_the_best_of_all),
          cmocka_unit_test(a_delay_bound_is_kept_by_every_column),
          cmocka_unit_test(a_demand_without_a_route_is_named),
          cmocka_unit_test(nothing_passes_a_node_that_may_not_be_passed),
          cmocka_unit_test(a_search_within_a_delay_is_between_its_bound_and_nothing))
