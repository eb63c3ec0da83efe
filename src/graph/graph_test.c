#include "graph/graph.h"

#include "base/testing.h"

static uint64_t seed = 42;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static void
draw_graph(struct graph *g, uint32_t n_nodes, uint32_t n_edges)
{
    graph_init(g, n_nodes);
    for (uint32_t i = 0; i < n_edges; i++) {
        uint32_t a = draw(n_nodes), b = (a + 1 + draw(n_nodes - 1)) % n_nodes;
        graph_add(g, a, b, 1 + draw(9));
    }
}

/* Every simple path between two nodes, by depth-first search. */
struct all_paths {
    struct graph *g;
    uint32_t to, n, stack[16];
    bool seen[16];
    struct path paths[4000];
};

static void
search(struct all_paths *all, uint32_t v, uint32_t depth, int64_t cost)
{
    if (v == all->to) {
        struct path p = {depth, calloc(depth + 1, sizeof *p.edges), cost, false};
        memcpy(p.edges, all->stack, depth * sizeof *p.edges);
        assert_true(all->n < ARRAY_SIZE(all->paths));
        all->paths[all->n++] = p;
        return;
    }
    all->seen[v] = true;
    for (uint32_t e = 0; e < all->g->n_edges; e++) {
        const struct graph_edge *edge = &all->g->edges[e];
        if (edge->a != v && edge->b != v)
            continue;
        uint32_t next = graph_other_end(all->g, e, v);
        if (all->seen[next])
            continue;
        all->stack[depth] = e;
        search(all, next, depth + 1, cost + edge->cost);
    }
    all->seen[v] = false;
}

static void
find_all(struct all_paths *all, struct graph *g, uint32_t from, uint32_t to)
{
    memset(all, 0, sizeof *all);
    all->g = g;
    all->to = to;
    search(all, from, 0, 0);
}

static void
free_all(struct all_paths *all)
{
    for (uint32_t i = 0; i < all->n; i++)
        path_fini(&all->paths[i]);
}

static void
assert_is_path(const struct graph *g, uint32_t from, uint32_t to, const struct path *p)
{
    bool seen[16] = {0};
    int64_t cost = 0;
    uint32_t v = from;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct graph_edge *e = &g->edges[p->edges[i]];
        assert_true(e->a == v || e->b == v);
        assert_false(seen[v]);
        seen[v] = true;
        v = graph_other_end(g, p->edges[i], v);
        cost += e->cost;
    }
    assert_int_equal(v, to);
    assert_int_equal(cost, p->cost);
}

/* What a pair has in common: edges, then inner nodes; then its cost. As one number, to compare. */
static int64_t
judge(const struct graph *g, uint32_t from, const struct path *a, const struct path *b)
{
    int64_t edges = 0, nodes = 0;
    uint32_t va = from;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t vb = from;
        va = graph_other_end(g, a->edges[i], va);
        for (uint32_t k = 0; k < b->n; k++) {
            vb = graph_other_end(g, b->edges[k], vb);
            edges += a->edges[i] == b->edges[k];
            nodes += va == vb && i + 1 < a->n && k + 1 < b->n;
        }
    }
    return edges * 100000000 + nodes * 100000 + a->cost + b->cost;
}

static void
the_pair_is_the_best_of_all_pairs(void **state UNUSED)
{
    static struct all_paths all;
    for (int round = 0; round < 400; round++) {
        struct graph g;
        draw_graph(&g, 7, 6 + draw(7));
        find_all(&all, &g, 0, 6);
        int64_t best = INT64_MAX;
        for (uint32_t i = 0; i < all.n; i++) {
            for (uint32_t k = 0; k < all.n; k++) {
                int64_t here = judge(&g, 0, &all.paths[i], &all.paths[k]);
                best = here < best ? here : best;
            }
        }
        struct path pair[2];
        enum err err = graph_disjoint_pair(&g, 0, 6, NULL, pair);
        assert_err(err, all.n ? ERR_OK : ERR_NOT_FOUND);
        for (int i = 0; i < 2 && !err; i++)
            assert_is_path(&g, 0, 6, &pair[i]);
        if (!err) {
            assert_int_equal(judge(&g, 0, &pair[0], &pair[1]), best);
            assert_true(pair[0].cost <= pair[1].cost);
            path_fini(&pair[0]);
            path_fini(&pair[1]);
        }
        free_all(&all);
        graph_fini(&g);
    }
}

static int
by_cost(const void *a, const void *b)
{
    const struct path *x = a, *y = b;
    return x->cost < y->cost ? -1 : x->cost > y->cost;
}

static void
yen_finds_the_k_shortest_in_order(void **state UNUSED)
{
    static struct all_paths all;
    for (int round = 0; round < 300; round++) {
        struct graph g;
        struct path paths[12];
        draw_graph(&g, 7, 6 + draw(6));
        find_all(&all, &g, 0, 6);
        qsort(all.paths, all.n, sizeof *all.paths, by_cost);
        uint32_t n = graph_k_shortest(&g, 0, 6, NULL, 12, paths);
        assert_int_equal(n, MIN(all.n, 12));
        for (uint32_t i = 0; i < n; i++) {
            assert_is_path(&g, 0, 6, &paths[i]);
            assert_int_equal(paths[i].cost, all.paths[i].cost);
            for (uint32_t k = 0; k < i; k++)
                assert_true(paths[i].n != paths[k].n ||
                            memcmp(paths[i].edges, paths[k].edges, paths[i].n * 4));
            path_fini(&paths[i]);
        }
        free_all(&all);
        graph_fini(&g);
    }
}

/* The classic trap: the shortest path alone blocks every second path. */
static void
the_shortest_path_can_be_a_trap(void **state UNUSED)
{
    struct graph g;
    struct path pair[2], shortest;
    graph_init(&g,
               6); /* 0 = s, 5 = t; s-1-4-t is shortest, and uses the bridge 1-4 of both others */
    graph_add(&g, 0, 1, 1);
    graph_add(&g, 1, 4, 1);
    graph_add(&g, 4, 5, 1);
    graph_add(&g, 0, 3, 4);
    graph_add(&g, 3, 4, 1);
    graph_add(&g, 1, 2, 1);
    graph_add(&g, 2, 5, 4);
    assert_ok(graph_shortest(&g, 0, 5, NULL, &shortest));
    assert_int_equal(shortest.cost, 3);
    assert_ok(graph_disjoint_pair(&g, 0, 5, NULL, pair));
    assert_int_equal(judge(&g, 0, &pair[0], &pair[1]), 12);
    path_fini(&shortest);
    path_fini(&pair[0]);
    path_fini(&pair[1]);
    graph_fini(&g);
}

static void
filters_are_obeyed(void **state UNUSED)
{
    struct graph g;
    struct path p;
    graph_init(&g, 4);
    graph_add(&g, 0, 1, 1);
    graph_add(&g, 1, 3, 1);
    graph_add(&g, 0, 2, 5);
    graph_add(&g, 2, 3, 5);
    bool no_edge[4] = {true}, no_node[4] = {false, true};
    int64_t dear_edge[4] = {0, 100}, dear_node[4] = {0, 100};
    const struct graph_filter filters[] = {
        {.edge_banned = no_edge},
        {.node_banned = no_node},
        {.edge_surcharge = dear_edge},
        {.node_surcharge = dear_node},
    };
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        assert_ok(graph_shortest(&g, 0, 3, &filters[i], &p));
        assert_int_equal(p.cost, 10);
        path_fini(&p);
    }
    no_node[2] = true;
    assert_err(graph_shortest(&g, 0, 3, &filters[1], &p), ERR_NOT_FOUND);
    assert_ok(graph_shortest(&g, 0, 0, NULL, &p));
    assert_int_equal(p.n, 0);
    path_fini(&p);
    graph_fini(&g);
}

static void
a_tree_reaches_every_node_by_a_shortest_path(void **state UNUSED)
{
    for (int round = 0; round < 50; round++) {
        struct graph g;
        uint32_t parent[12];
        int64_t distance[12];
        draw_graph(&g, 12, 20);
        graph_tree(&g, 0, NULL, parent, distance);
        for (uint32_t v = 1; v < 12; v++) {
            struct path p;
            if (graph_shortest(&g, 0, v, NULL, &p)) {
                assert_int_equal(parent[v], UINT32_MAX);
                continue;
            }
            assert_int_equal(p.cost, distance[v]);
            path_fini(&p);
        }
        graph_fini(&g);
    }
}

/* With so few different costs, most paths have equals. */
static void
ties_go_to_the_nearest_then_the_lowest(void **state UNUSED)
{
    static struct all_paths all;
    uint32_t n_tied = 0;
    for (int round = 0; round < 500; round++) {
        struct graph g;
        struct path shortest;
        int64_t distance[7], surcharges[7] = {0};
        uint32_t parent[7], n_equal = 0, to = 1 + draw(6);
        const struct graph_filter filter = {.node_surcharge = surcharges};
        graph_init(&g, 7);
        for (uint32_t i = 7 + draw(8); i > 0; i--) {
            uint32_t a = draw(7), b = (a + 1 + draw(6)) % 7;
            graph_add(&g, a, b, 1 + draw(2));
        }
        find_all(&all, &g, 0, to);
        if (graph_shortest(&g, 0, to, &filter, &shortest)) {
            assert_int_equal(all.n, 0);
            graph_fini(&g);
            continue;
        }
        for (uint32_t i = 0; i < all.n; i++)
            n_equal += all.paths[i].cost == shortest.cost;
        assert_int_equal(shortest.tied, n_equal > 1);
        n_tied += shortest.tied;
        graph_tree(&g, 0, NULL, parent, distance);
        uint32_t v = to;
        for (uint32_t i = shortest.n; i-- > 0;) {
            uint32_t from = graph_other_end(&g, shortest.edges[i], v);
            assert_int_equal(parent[v], shortest.edges[i]); /* the tree has the same paths */
            for (uint32_t e = 0; e < g.n_edges; e++) {
                if (g.edges[e].a != v && g.edges[e].b != v)
                    continue;
                uint32_t other = graph_other_end(&g, e, v);
                if (distance[other] == INT64_MAX ||
                    distance[other] + g.edges[e].cost != distance[v])
                    continue;
                assert_true(distance[from] <= distance[other]);
                assert_true(distance[from] < distance[other] || from <= other);
                assert_true(from != other || shortest.edges[i] <= e);
            }
            v = from;
        }
        struct path first;
        assert_int_equal(graph_k_shortest(&g, 0, to, NULL, 1, &first), 1);
        assert_int_equal(first.n, shortest.n);
        assert_memory_equal(first.edges, shortest.edges, first.n * sizeof *first.edges);
        path_fini(&first);
        path_fini(&shortest);
        free_all(&all);
        graph_fini(&g);
    }
    assert_true(n_tied > 50);
}

TEST_MAIN(cmocka_unit_test(the_pair_is_the_best_of_all_pairs),
          cmocka_unit_test(yen_finds_the_k_shortest_in_order),
          cmocka_unit_test(the_shortest_path_can_be_a_trap), cmocka_unit_test(filters_are_obeyed),
          cmocka_unit_test(a_tree_reaches_every_node_by_a_shortest_path),
          cmocka_unit_test(ties_go_to_the_nearest_then_the_lowest))
