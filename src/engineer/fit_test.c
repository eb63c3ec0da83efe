#include "engineer/fit.h"

#include "engineer/design.h"
#include "engineer/testing_random.h"
#include "engineer/topology.h"

#define CIRCUITS_MAX 64

static struct fit
fit_all(struct network *net, bool orders)
{
    const struct circuit *circuits[CIRCUITS_MAX];
    uint32_t n = 0;
    struct fit fit;
    struct diag diag;
    for (struct circuit *c = net->circuits; c; c = c->hh.next)
        circuits[n++] = c;
    if (fit_circuits(net, circuits, n, orders, &fit, &diag))
        fail_msg("%s", diag.text);
    return fit;
}

static struct circuit *
ask(struct network *net, const char *name, uint32_t rate_kbps, enum disjointness protection)
{
    struct circuit *c = test_tcp(net, name, "h1", "h2",
                                 (uint16_t)(1000 + HASH_COUNT(net->circuits)));
    c->rate_kbps = rate_kbps;
    c->protection = protection;
    return c;
}

static void
put_hosts(struct network *net)
{
    test_host(net, "h1", "s", 1, 2);
    test_host(net, "h2", "t", 2, 2);
}

/* Names with what is reserved: "s-m 8000/10000". */
static const char *
links_text(const struct fit_verdict *v)
{
    static char text[256];
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < v->n_links; i++)
        buf_printf(&out, "%s%s %u/%u", i ? ", " : "", v->links[i].name, v->links[i].reserved_kbps,
                   v->links[i].capacity_kbps);
    snprintf(text, sizeof text, "%s", buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static void
a_full_link_on_the_only_way_is_named(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "m", 10, 100000);
    test_link(net, "m", "n", 10, 10000);
    test_link(net, "n", "t", 10, 100000);
    put_hosts(net);
    ask(net, "one", 4000, DISJOINT_NONE);
    ask(net, "two", 4000, DISJOINT_NONE);
    ask(net, "three", 4000, DISJOINT_NONE);
    ask(net, "four", 2000, DISJOINT_NONE);
    struct fit fit = fit_all(net, false);
    const struct fit_verdict *three = &fit.verdicts[2];
    assert_int_equal(fit.counts[FIT_AS_GIVEN].n_fit, 3);
    assert_int_equal(fit.counts[FIT_AS_GIVEN].rate_kbps, 10000);
    assert_int_equal(three->limit, FIT_CAPACITY);
    assert_null(three->design);
    assert_false(three->even_if_empty);
    assert_string_equal(three->host, "h2");
    assert_string_equal(links_text(three), "m-n 8000/10000");
    assert_string_equal(three->reason, "circuit \"three\": no path from h1 to h2 has 4000 kbit/s "
                                       "left; in the way: m-n (8000 of 10000 kbit/s reserved)");
    assert_int_equal(fit.verdicts[3].limit, FIT_NONE);
    assert_int_equal(fit.verdicts[3].design->number, 3);
    /* The fullest link first. */
    assert_string_equal(fit.links[0].link, "m-n");
    assert_int_equal(fit.links[0].before_kbps, 0);
    assert_int_equal(fit.links[0].after_kbps, 10000);
    assert_int_equal(fit.links[0].n_limited, 1);
    assert_string_equal(fit.links[1].link, "n-t");
    assert_int_equal(fit.links[1].n_limited, 0);
    fit_fini(&fit);
    network_free(net);
}

static void
all_full_links_of_a_cut_are_named(void **state UNUSED)
{
    /* Two ways; each has its narrow link. */
    struct network *net = network_new();
    test_link(net, "s", "x", 10, 5000);
    test_link(net, "x", "t", 10, 100000);
    test_link(net, "s", "y", 10, 100000);
    test_link(net, "y", "t", 10, 6000);
    put_hosts(net);
    ask(net, "one", 4000, DISJOINT_NONE);
    ask(net, "two", 4000, DISJOINT_NONE);
    ask(net, "three", 3000, DISJOINT_NONE);
    struct fit fit = fit_all(net, false);
    assert_int_equal(fit.counts[FIT_AS_GIVEN].n_fit, 2);
    assert_string_equal(links_text(&fit.verdicts[2]), "s-x 4000/5000, y-t 4000/6000");
    fit_fini(&fit);
    network_free(net);
}

static void
what_was_never_possible_is_said_to_be(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "m", 10, 10000);
    test_link(net, "m", "t", 10, 10000);
    test_link(net, "far", "away", 10, 10000);
    put_hosts(net);
    test_host(net, "h3", "far", 3, 2);
    struct circuit *apart = test_tcp(net, "apart", "h1", "h3", 1);
    struct circuit *nobody = test_tcp(net, "nobody", "h1", "h4", 1);
    struct circuit *fat = ask(net, "fat", 20000, DISJOINT_NONE);
    struct circuit *late = ask(net, "late", 100, DISJOINT_NONE);
    struct circuit *twice = ask(net, "twice", 100, DISJOINT_LINK);
    late->max_latency_us = 50;
    struct fit fit = fit_all(net, false);
    assert_ptr_equal(fit.verdicts[0].circuit, apart);
    assert_int_equal(fit.verdicts[0].limit, FIT_CAPACITY);
    assert_true(fit.verdicts[0].even_if_empty);
    assert_ptr_equal(fit.verdicts[1].circuit, nobody);
    assert_int_equal(fit.verdicts[1].limit, FIT_HOST);
    assert_string_equal(fit.verdicts[1].host, "h4");
    /* Too fat for the link even when it is empty: the link is what limits it. */
    assert_ptr_equal(fit.verdicts[2].circuit, fat);
    assert_true(fit.verdicts[2].even_if_empty);
    assert_string_equal(links_text(&fit.verdicts[2]), "s-m 0/10000");
    assert_ptr_equal(fit.verdicts[3].circuit, late);
    assert_int_equal(fit.verdicts[3].limit, FIT_LATENCY);
    assert_true(fit.verdicts[3].even_if_empty);
    assert_int_equal(fit.verdicts[3].shortest_us, fit.verdicts[3].delay_us);
    assert_ptr_equal(fit.verdicts[4].circuit, twice);
    assert_int_equal(fit.verdicts[4].limit, FIT_SEPARATION);
    assert_true(fit.verdicts[4].even_if_empty);
    assert_int_equal(fit.verdicts[4].n_shared, 3);
    assert_string_equal(fit.verdicts[4].shared[0], "s-m");
    assert_string_equal(fit.verdicts[4].shared[1], "m-t");
    assert_string_equal(fit.verdicts[4].shared[2], "m");
    fit_fini(&fit);
    network_free(net);
}

static void
a_full_short_way_that_breaks_the_budget_is_named(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "x", 10, 5000);
    test_link(net, "x", "t", 10, 5000);
    test_link(net, "s", "y", 9000, 5000);
    test_link(net, "y", "t", 9000, 5000);
    put_hosts(net);
    ask(net, "first", 3000, DISJOINT_NONE);
    ask(net, "second", 3000, DISJOINT_NONE)->max_latency_us = 10000;
    struct fit fit = fit_all(net, false);
    const struct fit_verdict *v = &fit.verdicts[1];
    assert_int_equal(v->limit, FIT_LATENCY);
    assert_false(v->even_if_empty);
    assert_string_equal(links_text(v), "s-x 3000/5000, x-t 3000/5000");
    assert_true(v->shortest_us < 10000 && v->delay_us > 18000);
    fit_fini(&fit);
    network_free(net);
}

static void
a_full_link_that_prevents_separation_is_named(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "x", 10, 5000);
    test_link(net, "x", "t", 10, 9000);
    test_link(net, "s", "y", 20, 5000);
    test_link(net, "y", "t", 20, 5000);
    put_hosts(net);
    ask(net, "first", 3000, DISJOINT_NONE);
    ask(net, "second", 3000, DISJOINT_NODE);
    struct fit fit = fit_all(net, false);
    const struct fit_verdict *v = &fit.verdicts[1];
    assert_int_equal(v->limit, FIT_SEPARATION);
    assert_false(v->even_if_empty);
    assert_string_equal(links_text(v), "s-x 3000/5000");
    assert_int_equal(v->n_shared, 3); /* all of the path that stands alone */
    assert_string_equal(v->shared[0], "s-y");
    fit_fini(&fit);
    network_free(net);
}

static void
other_orders_are_counted(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "t", 10, 10000);
    put_hosts(net);
    ask(net, "a", 2000, DISJOINT_NONE);
    ask(net, "b", 9000, DISJOINT_NONE);
    ask(net, "c", 3000, DISJOINT_NONE);
    ask(net, "d", 4000, DISJOINT_NONE)->max_latency_us = 100000;
    ask(net, "e", 1000, DISJOINT_NONE);
    struct fit fit = fit_all(net, true);
    const struct fit_count expected[FIT_ORDERS] = {
        [FIT_AS_GIVEN] = {4, 10000},          /* a, c, d, e */
        [FIT_SMALL_FIRST] = {4, 10000},       /* e, a, c, d */
        [FIT_LARGE_FIRST] = {2, 10000},       /* b, e */
        [FIT_CONSTRAINED_FIRST] = {4, 10000}, /* d, then c, a, e */
    };
    for (int i = 0; i < FIT_ORDERS; i++) {
        assert_int_equal(fit.counts[i].n_fit, expected[i].n_fit);
        assert_int_equal(fit.counts[i].rate_kbps, expected[i].rate_kbps);
    }
    struct buf text = BUF_INIT;
    fit_format(&fit, 10, &text);
    assert_string_equal(buf_cstr(&text),
                        "4 of 5 circuits fit\n"
                        "smallest rate first: 4 fit\n"
                        "largest rate first: 2 fit\n"
                        "most constrained first: 4 fit\n"
                        "capacity: circuit \"b\": no path from h1 to h2 has 9000 kbit/s left; "
                        "in the way: s-t (2000 of 10000 kbit/s reserved)\n"
                        "s-t: 100 % reserved, 0 % before; in the way of 1\n");
    buf_fini(&text);
    fit_fini(&fit);
    network_free(net);
}

static void
what_is_reserved_already_counts(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "t", 10, 10000);
    put_hosts(net);
    struct circuit *there = ask(net, "there", 7000, DISJOINT_NONE);
    struct designer *designer = designer_new(net);
    struct design *design;
    assert_ok(designer_add(designer, there, &design, NULL));
    network_put_design(net, design);
    designer_free(designer);
    struct circuit *wanted = ask(net, "wanted", 4000, DISJOINT_NONE);
    const struct circuit *list[] = {wanted, there};
    struct fit fit;
    struct diag diag;
    assert_ok(fit_circuits(net, list, 1, false, &fit, &diag));
    assert_int_equal(fit.counts[FIT_AS_GIVEN].n_fit, 0);
    assert_int_equal(fit.links[0].before_kbps, 7000);
    assert_int_equal(fit.links[0].after_kbps, 7000);
    fit_fini(&fit);
    assert_err(fit_circuits(net, list, 2, false, &fit, &diag), ERR_EXISTS);
    assert_string_equal(diag.text, "circuit \"there\" is designed already");
    list[1] = wanted;
    assert_err(fit_circuits(net, list, 2, false, &fit, &diag), ERR_EXISTS);
    assert_string_equal(diag.text, "circuit \"wanted\" is asked for twice");
    network_free(net);
}

static void
numbers_run_out(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "t", 10, 10000);
    put_hosts(net);
    for (uint32_t i = 2; i <= DESIGN_NUMBER_MAX; i++) {
        struct design *d = xcalloc(1, sizeof *d);
        d->circuit = xasprintf("other-%u", i);
        d->number = i;
        network_put_design(net, d);
    }
    ask(net, "last", 100, DISJOINT_NONE);
    ask(net, "one more", 100, DISJOINT_NONE);
    struct fit fit = fit_all(net, false);
    assert_int_equal(fit.verdicts[0].design->number, 1);
    assert_int_equal(fit.verdicts[1].limit, FIT_NUMBER);
    fit_fini(&fit);
    network_free(net);
}

static bool
is_among(const struct fit_verdict *v, const char *link)
{
    for (uint32_t i = 0; i < v->n_links; i++) {
        if (!strcmp(v->links[i].name, link))
            return true;
    }
    return false;
}

/* Is there a way from one host to another without the links that the verdict names? */
static bool
is_connected(const struct network *net, const char *from, const char *to,
             const struct fit_verdict *without)
{
    struct topology *t = topology_new(net);
    bool *banned = xcalloc(t->graph.n_edges, sizeof *banned);
    for (uint32_t e = 0; e < t->graph.n_edges; e++)
        banned[e] = is_among(without, t->links[e]->name);
    const struct graph_filter filter = {.edge_banned = banned};
    struct path path = {0};
    bool found = !graph_shortest(&t->graph, topology_node(t, network_host(net, from)->node),
                                 topology_node(t, network_host(net, to)->node), &filter, &path);
    path_fini(&path);
    free(banned);
    topology_free(t);
    return found;
}

static void
cuts_cut_and_are_full(void **state UNUSED)
{
    uint32_t n_cuts = 0, n_apart = 0;
    for (int round = 0; round < 200; round++) {
        struct network *net = random_network();
        for (uint32_t i = 0; i < 40; i++)
            random_circuit(net, i);
        struct fit fit = fit_all(net, false);
        for (uint32_t i = 0; i < fit.n; i++) {
            const struct fit_verdict *v = &fit.verdicts[i];
            const struct circuit *c = v->circuit;
            assert_true((v->limit == FIT_NONE) == (v->design != NULL));
            for (uint32_t k = 0; k < v->n_links; k++)
                assert_true(v->links[k].reserved_kbps + c->rate_kbps > v->links[k].capacity_kbps);
            if (v->limit != FIT_CAPACITY)
                continue;
            assert_false(is_connected(
                net, c->kind == CIRCUIT_IP ? c->ip.client : c->multicast.publisher, v->host, v));
            assert_true(v->even_if_empty == !v->n_links);
            n_cuts += v->n_links > 0;
            n_apart += v->even_if_empty;
        }
        fit_fini(&fit);
        network_free(net);
    }
    assert_true(n_cuts > 50);
    assert_true(n_apart > 50);
}

TEST_MAIN(cmocka_unit_test(a_full_link_on_the_only_way_is_named),
          cmocka_unit_test(all_full_links_of_a_cut_are_named),
          cmocka_unit_test(what_was_never_possible_is_said_to_be),
          cmocka_unit_test(a_full_short_way_that_breaks_the_budget_is_named),
          cmocka_unit_test(a_full_link_that_prevents_separation_is_named),
          cmocka_unit_test(other_orders_are_counted),
          cmocka_unit_test(what_is_reserved_already_counts), cmocka_unit_test(numbers_run_out),
          cmocka_unit_test(cuts_cut_and_are_full))
