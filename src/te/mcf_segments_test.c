#include "te/mcf_plan.h"
#include "te/mcf_segments.h"
#include "te/mcf_testing.h"

#include "base/testing.h"

/* Distances by Bellman and Ford, splitting by recursion: nothing of mcf_segments.c. */
static void
distances_to(const struct mcf_graph *g, uint32_t to, double *distance)
{
    for (uint32_t v = 0; v < g->n_nodes; v++)
        distance[v] = v == to ? 0 : (double)INFINITY;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t a = 0; a < g->n_arcs; a++) {
            if (g->passable[g->to[a]] || g->to[a] == to)
                distance[g->from[a]] = fmin(distance[g->from[a]],
                                            g->metric[a] + distance[g->to[a]]);
        }
    }
}

static void
split_toward(const struct mcf_graph *g, const double *distance, uint32_t at, uint32_t to,
             double amount, double *load)
{
    uint32_t n = 0;
    for (int pass = 0; pass < 2 && at != to; pass++) {
        for (uint32_t a = g->first_out[at]; a < g->first_out[at + 1]; a++) {
            uint32_t next = g->to[a];
            if (!(g->passable[next] || next == to) || g->metric[a] + distance[next] != distance[at])
                continue;
            if (pass == 0) {
                n++;
                continue;
            }
            load[a] += amount / n;
            split_toward(g, distance, next, to, amount / n, load);
        }
    }
}

static void
shares_are_those_of_splitting_hop_by_hop(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct te_network *net = draw_network(9, 8, seed);
        struct mcf_graph g;
        mcf_graph_init(&g, net, false);
        g.passable[3] = seed % 2;
        struct mcf_ecmp *e = mcf_ecmp_new(&g);
        double *load = xcalloc(g.n_arcs, sizeof *load), *mine = xcalloc(g.n_arcs, sizeof *mine);
        double distance[9];
        for (uint32_t u = 0; u < 9; u++) {
            for (uint32_t v = 0; v < 9; v++) {
                memset(load, 0, g.n_arcs * sizeof *load);
                memset(mine, 0, g.n_arcs * sizeof *mine);
                distances_to(&g, v, distance);
                split_toward(&g, distance, u, v, 1, load);
                mcf_ecmp_load(e, u, v, 1, mine);
                for (uint32_t a = 0; a < g.n_arcs; a++)
                    assert_true(fabs(load[a] - mine[a]) < 1e-12);
            }
        }
        mcf_ecmp_free(e);
        mcf_graph_fini(&g);
        te_network_free(net);
        free(load);
        free(mine);
    }
}

/* The load of a list, expanded as above. */
static void
expand_list(const struct mcf_graph *g, uint32_t from, const struct mcf_segment *s, uint32_t n,
            double *load)
{
    double *distance = xcalloc(g->n_nodes, sizeof *distance);
    for (uint32_t i = 0; i < n; i++) {
        if (s[i].adjacency) {
            assert_int_equal(g->from[s[i].id], from);
            load[s[i].id] += 1;
            from = g->to[s[i].id];
        } else {
            distances_to(g, s[i].id, distance);
            split_toward(g, distance, from, s[i].id, 1, load);
            from = s[i].id;
        }
    }
    free(distance);
}

static double
list_cost(const struct mcf_graph *g, const double *prices, uint32_t from,
          const struct mcf_segment *s, uint32_t n)
{
    double *load = xcalloc(g->n_arcs, sizeof *load), sum = 0;
    expand_list(g, from, s, n, load);
    for (uint32_t a = 0; a < g->n_arcs; a++)
        sum += load[a] * prices[a];
    free(load);
    return sum;
}

/* All lists of at most `left` more labels. */
static double
brute_lists(const struct mcf_graph *g, const double *prices, uint32_t from, uint32_t at,
            uint32_t to, struct mcf_segment *s, uint32_t n, uint32_t left)
{
    double best = at == to && n ? list_cost(g, prices, from, s, n) : (double)INFINITY;
    if (left == 0 || (at == to && n))
        return best;
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        s[n] = (struct mcf_segment){false, v};
        if (v != at)
            best = fmin(best, brute_lists(g, prices, from, v, to, s, n + 1, left - 1));
    }
    for (uint32_t a = g->first_out[at]; a < g->first_out[at + 1]; a++) {
        s[n] = (struct mcf_segment){true, a};
        best = fmin(best, brute_lists(g, prices, from, g->to[a], to, s, n + 1, left - 1));
    }
    return best;
}

static void
the_cheapest_list_is_the_cheapest_of_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        const struct te_network *net = draw_network(6, 3, seed);
        struct mcf_graph g;
        struct dice dice = {seed};
        mcf_graph_init(&g, net, false);
        struct mcf_demand *d = draw_demands(6, 6, seed);
        struct mcf_problem p = {&g, 6, d, NULL};
        struct mcf_ecmp *e = mcf_ecmp_new(&g);
        double *prices = xcalloc(g.n_arcs, sizeof *prices);
        for (uint32_t a = 0; a < g.n_arcs; a++)
            prices[a] = 1 + dice_below(&dice, 100);
        for (uint32_t labels = 1; labels <= 3; labels++) {
            struct mcf_router r = mcf_segment_router(&p, e, labels);
            r.set_prices(r.arg, prices);
            for (uint32_t k = 0; k < p.n_demands; k++) {
                struct mcf_route route;
                struct mcf_segment s[4];
                double least, cost = r.cheapest(r.arg, k, &route, &least);
                assert_true(route.n_segments <= labels);
                assert_true(fabs(cost - list_cost(&g, prices, d[k].from, route.segments,
                                                  route.n_segments)) < 1e-6);
                double best = brute_lists(&g, prices, d[k].from, d[k].from, d[k].to, s, 0, labels);
                assert_true(fabs(cost - best) < 1e-6);
                assert_true(fabs(least - best) < 1e-6);
                assert_true(r.quick(r.arg, k, &route) >= best - 1e-6);
                assert_true(route.n_segments <= labels);
            }
            r.free(r.arg);
        }
        free(prices);
        mcf_ecmp_free(e);
        mcf_graph_fini(&g);
        te_network_free(net);
        free(d);
    }
}

static void
every_column_is_what_its_segments_expand_to(void **state)
{
    (void)state;
    const struct te_network *net = draw_network(14, 12, 11);
    struct mcf_graph g;
    mcf_graph_init(&g, net, false);
    struct mcf_demand *d = draw_demands(14, 60, 11);
    struct mcf_problem p = {&g, 60, d, NULL};
    struct mcf_ecmp *e = mcf_ecmp_new(&g);
    struct mcf_plan plan;
    mcf_plan_init(&plan, &p, mcf_segment_router(&p, e, 4));
    assert_ok(mcf_descend(&plan, 0, 20, NULL));
    assert_ok(mcf_solve_columns(&plan, 1e-6, 200));
    double target = mcf_plan_utilisation(&plan) * 1.01;
    mcf_round(&plan, target, 0, 5000);
    assert_true(mcf_plan_utilisation(&plan) <= target * (1 + 1e-6));
    double *load = xcalloc(g.n_arcs, sizeof *load), *sum = xcalloc(g.n_arcs, sizeof *sum);
    for (uint32_t i = 0; i < plan.n_columns; i++) {
        const struct mcf_column *c = &plan.columns[i];
        memset(load, 0, g.n_arcs * sizeof *load);
        assert_in_range(c->n_segments, 1, 4);
        expand_list(&g, d[c->demand].from, plan.segments + c->first_segment, c->n_segments, load);
        for (uint32_t j = c->first; j < c->first + c->n; j++) {
            assert_true(fabs(load[plan.arcs[j]] - plan.shares[j]) < 1e-9);
            sum[plan.arcs[j]] += load[plan.arcs[j]] * c->share * d[c->demand].bps;
            load[plan.arcs[j]] = 0;
        }
        for (uint32_t a = 0; a < g.n_arcs; a++)
            assert_true(load[a] < 1e-9);
    }
    for (uint32_t a = 0; a < g.n_arcs; a++)
        assert_true(fabs(sum[a] - plan.loads[a]) < 1);
    mcf_plan_fini(&plan);
    mcf_ecmp_free(e);
    mcf_graph_fini(&g);
    te_network_free(net);
    free(d);
    free(load);
    free(sum);
}

TEST_MAIN(cmocka_unit_test(shares_are_those_of_splitting_hop_by_hop),
          cmocka_unit_test(the_cheapest_list_is_the_cheapest_of_all),
          cmocka_unit_test(every_column_is_what_its_segments_expand_to))
