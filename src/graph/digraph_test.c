#include "graph/digraph.h"

#include "base/testing.h"

#define NODES 7
#define ARCS_MAX 64

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

struct drawn {
    struct digraph g;
    uint64_t cost[ARCS_MAX];
    uint8_t closed[NODES];
};

/* Links of two directions with a cost each; some nodes may not be passed. */
static void
draw_graph(struct drawn *d, uint32_t n_links, bool symmetric)
{
    uint32_t first[NODES + 1] = {0}, to[ARCS_MAX], n = 0;
    uint32_t a[ARCS_MAX / 2], b[ARCS_MAX / 2], cost[ARCS_MAX / 2];
    memset(d, 0, sizeof *d);
    for (uint32_t i = 0; i < n_links; i++) {
        a[i] = draw(NODES);
        b[i] = (a[i] + 1 + draw(NODES - 1)) % NODES;
        cost[i] = 1 + draw(9);
    }
    for (uint32_t v = 0; v < NODES; v++) {
        for (uint32_t i = 0; i < n_links; i++) {
            if (a[i] != v && b[i] != v)
                continue;
            to[n] = a[i] == v ? b[i] : a[i];
            d->cost[n++] = symmetric ? cost[i] : 1 + draw(9);
        }
        first[v + 1] = n;
        d->closed[v] = draw(12) == 0;
    }
    digraph_init(&d->g, NODES, first, to);
}

struct simple_path {
    uint32_t n, arcs[NODES];
    uint64_t cost;
};

struct all_paths {
    const struct drawn *d;
    uint32_t from, to, n;
    bool seen[NODES];
    struct simple_path now, paths[8000];
};

static void
walk(struct all_paths *all, uint32_t v)
{
    const struct digraph *g = &all->d->g;
    if (v == all->to) {
        assert_true(all->n < ARRAY_SIZE(all->paths));
        all->paths[all->n++] = all->now;
        return;
    }
    if (all->d->closed[v] && v != all->from)
        return;
    all->seen[v] = true;
    for (uint32_t a = g->first[v]; a < g->first[v + 1]; a++) {
        if (all->seen[g->to[a]])
            continue;
        all->now.arcs[all->now.n++] = a;
        all->now.cost += all->d->cost[a];
        walk(all, g->to[a]);
        all->now.cost -= all->d->cost[a];
        all->now.n--;
    }
    all->seen[v] = false;
}

static void
find_all(struct all_paths *all, const struct drawn *d, uint32_t from, uint32_t to)
{
    all->d = d;
    all->from = from;
    all->to = to;
    all->n = all->now.n = 0;
    all->now.cost = 0;
    memset(all->seen, 0, sizeof all->seen);
    walk(all, from);
}

static uint64_t
least(const struct all_paths *all)
{
    uint64_t best = DIGRAPH_FAR;
    for (uint32_t i = 0; i < all->n; i++)
        best = MIN(best, all->paths[i].cost);
    return best;
}

static uint64_t
cost_of(const struct drawn *d, const struct digraph_scratch *s, uint32_t from, uint32_t to)
{
    uint32_t arcs[NODES], n = digraph_path(&d->g, s, to, arcs), v = from;
    uint64_t cost = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(d->g.from[arcs[i]], v);
        v = d->g.to[arcs[i]];
        cost += d->cost[arcs[i]];
    }
    assert_int_equal(v, to);
    return cost;
}

static void
assert_same_way(const struct drawn *d, const struct digraph_scratch *a,
                const struct digraph_scratch *b, uint32_t to)
{
    uint32_t arcs[2][NODES], n = digraph_path(&d->g, a, to, arcs[0]);
    assert_int_equal(digraph_path(&d->g, b, to, arcs[1]), n);
    assert_memory_equal(arcs[0], arcs[1], n * sizeof arcs[0][0]);
}

static void
trees_hold_shortest_paths(void **state UNUSED)
{
    static struct all_paths all;
    struct digraph_scratch s, one, until;
    digraph_scratch_init(&s, NODES);
    digraph_scratch_init(&one, NODES);
    digraph_scratch_init(&until, NODES);
    for (int round = 0; round < 500; round++) {
        struct drawn d;
        draw_graph(&d, 5 + draw(9), draw(2));
        const struct digraph_costs costs = {d.cost, d.closed};
        digraph_tree(&d.g, &s, 0, &costs);
        for (uint32_t v = 1; v < NODES; v++) {
            find_all(&all, &d, 0, v);
            uint64_t best = least(&all);
            assert_int_equal(s.labels[v].distance, best);
            assert_int_equal(digraph_shortest(&d.g, &one, 0, v, &costs), best < DIGRAPH_FAR);
            assert_int_equal(digraph_tree_until(&d.g, &until, 0, v, &costs), best < DIGRAPH_FAR);
            assert_int_equal(until.labels[v].distance, best);
            if (best < DIGRAPH_FAR) {
                assert_int_equal(one.labels[v].distance, best);
                assert_int_equal(cost_of(&d, &s, 0, v), best);
                assert_same_way(&d, &s, &one, v);
                assert_same_way(&d, &s, &until, v);
            }
        }
        digraph_tree_to(&d.g, &s, 0, &costs);
        for (uint32_t v = 1; v < NODES; v++) {
            find_all(&all, &d, v, 0);
            assert_int_equal(s.labels[v].distance, least(&all));
        }
        digraph_fini(&d.g);
    }
    digraph_scratch_fini(&s);
    digraph_scratch_fini(&one);
    digraph_scratch_fini(&until);
}

/* Many nodes, few different costs: many ways that cost the same, and ends far from each other. */
static void
the_way_from_both_ends_is_that_of_the_tree(void **state UNUSED)
{
    enum { SIDE = 30, N = SIDE * SIDE };
    static uint32_t first[N + 1], to[4 * N];
    static uint64_t cost[4 * N];
    static uint8_t closed[N];
    static uint32_t arcs[2][N];
    struct digraph_scratch s, one;
    struct digraph g;
    digraph_scratch_init(&s, N);
    digraph_scratch_init(&one, N);
    for (int round = 0; round < 40; round++) {
        uint32_t n = 0;
        for (uint32_t v = 0; v < N; v++) {
            const uint32_t next[4] = {v % SIDE ? v - 1 : N, (v + 1) % SIDE ? v + 1 : N,
                                      v >= SIDE ? v - SIDE : N, v + SIDE};
            closed[v] = draw(10) == 0;
            for (int i = 0; i < 4; i++) {
                if (next[i] >= N)
                    continue;
                to[n] = next[i];
                cost[n++] = draw(12) ? 1 + draw(2) : DIGRAPH_FAR;
            }
            first[v + 1] = n;
        }
        digraph_init(&g, N, first, to);
        const struct digraph_costs costs = {cost, closed};
        for (int i = 0; i < 60; i++) {
            uint32_t from = draw(N), end = draw(N);
            digraph_tree(&g, &s, from, &costs);
            bool found = digraph_shortest(&g, &one, from, end, &costs);
            assert_int_equal(found, s.labels[end].distance < DIGRAPH_FAR);
            if (!found)
                continue;
            assert_int_equal(one.labels[end].distance, s.labels[end].distance);
            uint32_t length = digraph_path(&g, &s, end, arcs[0]);
            assert_int_equal(digraph_path(&g, &one, end, arcs[1]), length);
            assert_memory_equal(arcs[0], arcs[1], length * sizeof arcs[0][0]);
        }
        digraph_fini(&g);
    }
    digraph_scratch_fini(&s);
    digraph_scratch_fini(&one);
}

static void
ties_go_to_the_lowest_arc(void **state UNUSED)
{
    /* 0 to 3 by 1 and by 2, and each way twice. */
    const uint32_t first[] = {0, 4, 6, 8, 8}, to[] = {2, 1, 1, 2, 3, 3, 3, 3};
    const uint64_t cost[] = {1, 1, 1, 1, 1, 1, 1, 1};
    const struct digraph_costs costs = {cost, NULL};
    struct digraph g;
    struct digraph_scratch s;
    uint32_t arcs[4];
    digraph_init(&g, 4, first, to);
    digraph_scratch_init(&s, 4);
    digraph_tree(&g, &s, 0, &costs);
    assert_int_equal(digraph_path(&g, &s, 3, arcs), 2);
    assert_int_equal(arcs[0], 1);
    assert_int_equal(arcs[1], 4);
    assert_int_equal(digraph_path(&g, &s, 0, arcs), 0);
    digraph_scratch_fini(&s);
    digraph_fini(&g);
}

/* ---- Disjoint paths against all sets of paths ---- */

/* What two paths have in common, at these prices. */
static uint64_t
price_of(const struct drawn *d, const struct digraph_disjoint *ask, const struct simple_path *a,
         const struct simple_path *b)
{
    uint64_t price = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t k = 0; k < b->n; k++) {
            bool same_end = d->g.to[a->arcs[i]] == d->g.to[b->arcs[k]];
            bool inner = i + 1 < a->n && k + 1 < b->n;
            if (a->arcs[i] == b->arcs[k])
                price += ask->arc_price ? ask->arc_price : UINT32_MAX;
            if (ask->nodes && same_end && inner)
                price += ask->node_price ? ask->node_price : UINT32_MAX;
        }
    }
    return price;
}

static void
compare_pair(struct drawn *d, struct digraph_scratch *s, const struct digraph_disjoint *ask,
             const struct all_paths *all)
{
    const struct digraph_costs costs = {d->cost, d->closed};
    uint64_t best_price = UINT32_MAX - 1, best = UINT64_MAX;
    for (uint32_t i = 0; i < all->n; i++) {
        for (uint32_t k = 0; k < all->n; k++) {
            uint64_t price = price_of(d, ask, &all->paths[i], &all->paths[k]);
            uint64_t cost = all->paths[i].cost + all->paths[k].cost;
            if (price < best_price || (price == best_price && cost < best)) {
                best_price = price;
                best = cost;
            }
        }
    }
    struct digraph_paths found;
    enum err err = digraph_disjoint(&d->g, s, ask, &costs, &found);
    assert_err(err, best == UINT64_MAX ? ERR_NOT_FOUND : ERR_OK);
    if (err)
        return;
    struct simple_path paths[2];
    for (int i = 0; i < 2; i++) {
        paths[i] = (struct simple_path){found.paths[i].n, {0}, found.paths[i].cost};
        memcpy(paths[i].arcs, found.paths[i].arcs, found.paths[i].n * sizeof(uint32_t));
    }
    assert_int_equal(paths[0].cost + paths[1].cost, best);
    assert_int_equal(found.price, best_price);
    assert_int_equal(price_of(d, ask, &paths[0], &paths[1]), best_price);
    digraph_paths_fini(&found);
}

static void
pairs_cost_what_the_best_of_all_pairs_costs(void **state UNUSED)
{
    static struct all_paths all;
    struct digraph_scratch s;
    digraph_scratch_init(&s, NODES);
    for (int round = 0; round < 600; round++) {
        struct drawn d;
        draw_graph(&d, 6 + draw(7), draw(2));
        find_all(&all, &d, 0, 6);
        for (int kind = 0; kind < 4; kind++) {
            const struct digraph_disjoint ask = {.from = 0,
                                                 .to = 6,
                                                 .n_paths = 2,
                                                 .nodes = kind & 1,
                                                 .arc_price = kind & 2 ? 1 + draw(3) : 0,
                                                 .node_price = kind & 2 ? 1 + draw(3) : 0};
            compare_pair(&d, &s, &ask, &all);
        }
        digraph_fini(&d.g);
    }
    digraph_scratch_fini(&s);
}

static bool
share_an_arc(const struct simple_path *a, const struct simple_path *b)
{
    for (uint32_t i = 0; i < a->n * b->n; i++) {
        if (a->arcs[i / b->n] == b->arcs[i % b->n])
            return true;
    }
    return false;
}

static uint64_t
best_three(const struct all_paths *all)
{
    uint64_t best = UINT64_MAX;
    for (uint32_t i = 0; i < all->n; i++) {
        const struct simple_path *a = &all->paths[i];
        for (uint32_t k = i + 1; k < all->n; k++) {
            const struct simple_path *b = &all->paths[k];
            if (a->cost + b->cost >= best || share_an_arc(a, b))
                continue;
            for (uint32_t m = k + 1; m < all->n; m++) {
                const struct simple_path *c = &all->paths[m];
                if (!share_an_arc(a, c) && !share_an_arc(b, c))
                    best = MIN(best, a->cost + b->cost + c->cost);
            }
        }
    }
    return best;
}

static void
sets_of_three_cost_what_the_best_of_all_sets_costs(void **state UNUSED)
{
    static struct all_paths all;
    struct digraph_scratch s;
    int n_found = 0;
    digraph_scratch_init(&s, NODES);
    for (int round = 0; round < 200; round++) {
        struct drawn d;
        draw_graph(&d, 9 + draw(4), true);
        find_all(&all, &d, 0, 6);
        uint64_t best = best_three(&all);
        const struct digraph_disjoint ask = {.from = 0, .to = 6, .n_paths = 3};
        const struct digraph_costs costs = {d.cost, d.closed};
        struct digraph_paths found;
        enum err err = digraph_disjoint(&d.g, &s, &ask, &costs, &found);
        assert_err(err, best == UINT64_MAX ? ERR_NOT_FOUND : ERR_OK);
        if (!err) {
            uint64_t cost = 0;
            for (int i = 0; i < 3; i++)
                cost += found.paths[i].cost;
            assert_int_equal(cost, best);
            digraph_paths_fini(&found);
            n_found++;
        }
        digraph_fini(&d.g);
    }
    assert_true(n_found > 20);
    digraph_scratch_fini(&s);
}

TEST_MAIN(cmocka_unit_test(trees_hold_shortest_paths),
          cmocka_unit_test(the_way_from_both_ends_is_that_of_the_tree),
          cmocka_unit_test(ties_go_to_the_lowest_arc),
          cmocka_unit_test(pairs_cost_what_the_best_of_all_pairs_costs),
          cmocka_unit_test(sets_of_three_cost_what_the_best_of_all_sets_costs))
