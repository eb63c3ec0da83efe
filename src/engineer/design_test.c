#include "engineer/design.h"

#include "engineer/testing.h"

static void
join(char *const *names, uint32_t n, struct buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? " " : "", names[i]);
}

/* "primary | failover | shared links, shared nodes" */
static const char *
design_text(const struct design *d)
{
    static char text[512];
    struct buf out = BUF_INIT;
    join(d->primary.links, d->primary.n_links, &out);
    buf_str(&out, " | ");
    join(d->failover.links, d->failover.n_links, &out);
    buf_str(&out, " | ");
    join(d->shared_links, d->n_shared_links, &out);
    buf_str(&out, ", ");
    join(d->shared_nodes, d->n_shared_nodes, &out);
    snprintf(text, sizeof text, "%s", buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static struct design *
design_of(struct network *net, const struct circuit *c)
{
    struct designer *d = designer_new(net);
    struct design *design = NULL;
    struct diag diag = {""};
    if (designer_add(d, c, &design, &diag))
        fail_msg("%s", diag.text);
    designer_free(d);
    return design;
}

static void
assert_refused(struct network *net, const struct circuit *c, enum err err, const char *says)
{
    struct designer *d = designer_new(net);
    struct design *design = NULL;
    struct diag diag = {""};
    assert_err(designer_add(d, c, &design, &diag), err);
    if (!strstr(diag.text, says))
        fail_msg("said: %s", diag.text);
    assert_null(design);
    designer_free(d);
}

static void
the_lab_gives_two_paths_without_a_common_node(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "scada", "fep", "rtu-a", 502);
    struct design *d = design_of(net, c);
    assert_string_equal(design_text(d),
                        "cc1-wan1 wan4-wan1 a1-wan4 a1-a2 | cc1-wan2 wan2-wan3 a3-wan3 a2-a3 | , ");
    assert_int_equal(d->disjoint, DISJOINT_NODE);
    assert_int_equal(d->number, 1);
    design_free(d);
    network_free(net);
}

static void
names_what_both_paths_must_share(void **state UNUSED)
{
    /* s - m is a bridge; behind it, a square. */
    struct network *net = network_new();
    test_link(net, "s", "m", 10, 100000);
    test_link(net, "m", "x", 10, 100000);
    test_link(net, "m", "y", 20, 100000);
    test_link(net, "x", "t", 10, 100000);
    test_link(net, "y", "t", 10, 100000);
    test_host(net, "h1", "s", 1, 2);
    test_host(net, "h2", "t", 2, 2);
    struct circuit *c = test_tcp(net, "c", "h1", "h2", 502);
    struct design *d = design_of(net, c);
    assert_string_equal(design_text(d), "s-m m-x x-t | s-m m-y y-t | s-m, m");
    assert_int_equal(d->disjoint, DISJOINT_MAXIMAL);
    design_free(d);
    c->protection = DISJOINT_LINK;
    assert_refused(net, c, ERR_UNSUPPORTED,
                   "asks for a link-disjoint failover path; the network has a maximally disjoint "
                   "one (shared: s-m, m)");
    c->protection = DISJOINT_NONE;
    d = design_of(net, c);
    assert_string_equal(design_text(d), "s-m m-x x-t |  | , ");
    assert_false(d->has_failover);
    design_free(d);
    network_free(net);
}

static void
a_path_that_stands_alone_is_said_to(void **state UNUSED)
{
    struct network *net = network_new();
    test_link(net, "s", "m", 10, 100000);
    test_link(net, "m", "t", 10, 100000);
    test_host(net, "h1", "s", 1, 2);
    test_host(net, "h2", "t", 2, 2);
    struct design *d = design_of(net, test_tcp(net, "c", "h1", "h2", 502));
    assert_string_equal(design_text(d), "s-m m-t |  | m-t s-m, m");
    assert_int_equal(d->disjoint, DISJOINT_NONE);
    design_free(d);
    network_free(net);
}

static void
a_shared_duct_counts_as_a_shared_link(void **state UNUSED)
{
    /* Three ways; the two shortest run through one duct. */
    struct network *net = network_new();
    static const char *const middles[] = {"x", "y", "z"};
    for (uint32_t i = 0; i < 3; i++) {
        test_link(net, "s", middles[i], 10 + i, 100000);
        struct link *second = test_link(net, middles[i], "t", 10, 100000);
        if (i < 2) {
            second->shared_risks = xcalloc(1, sizeof(char *));
            second->shared_risks[second->n_shared_risks++] = xstrdup("duct-7");
        }
    }
    test_host(net, "h1", "s", 1, 2);
    test_host(net, "h2", "t", 2, 2);
    struct design *d = design_of(net, test_tcp(net, "c", "h1", "h2", 502));
    assert_string_equal(design_text(d), "s-x x-t | s-z z-t | , ");
    design_free(d);
    network_free(net);
}

static void
capacity_is_reserved_and_given_back(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *first = test_tcp(net, "first", "fep", "rtu-a", 502);
    struct circuit *second = test_tcp(net, "second", "fep", "rtu-a", 503);
    struct circuit *third = test_tcp(net, "third", "fep", "rtu-a", 504);
    struct designer *designer = designer_new(net);
    struct design *a, *b, *none = NULL;
    struct diag diag;
    first->rate_kbps = second->rate_kbps = third->rate_kbps = 40000;
    assert_ok(designer_add(designer, first, &a, &diag));
    assert_ok(designer_add(designer, second, &b, &diag));
    assert_int_equal(b->number, 2);
    /* Both of cc1's links hold 80 of 100 Mbit/s: primary and failover of two circuits. */
    assert_err(designer_add(designer, third, &none, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text,
                        "circuit \"third\": no path from fep to rtu-a has 40000 kbit/s left");
    designer_remove(designer, first, a);
    assert_ok(designer_add(designer, third, &none, &diag));
    assert_int_equal(none->number, 1);
    design_free(a);
    design_free(b);
    design_free(none);
    designer_free(designer);
    network_free(net);
}

static void
a_budget_that_cannot_be_met_is_refused(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "trip", "fep", "rtu-a", 502);
    c->max_latency_us = 3000;
    assert_refused(net, c, ERR_LIMIT, "the primary path to rtu-a takes about");
    c->max_latency_us = 20000;
    design_free(design_of(net, c));
    network_free(net);
}

static void
a_multicast_gets_a_tree_and_a_way_round_for_each(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    struct design *d = design_of(net, c);
    assert_string_equal(design_text(d),
                        "a3-a1 a3-wan3 b2-wan3 | "
                        "a1-a2 a2-a3 a1-wan4 wan4-wan1 wan1-wan2 b1-wan2 b1-b2 | , ");
    assert_int_equal(d->disjoint, DISJOINT_NODE);
    design_free(d);
    network_free(net);
}

static void
hosts_on_one_node_need_no_path(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "local", "eng-a", "rtu-a", 22);
    c->protection = DISJOINT_NODE;
    struct design *d = design_of(net, c);
    assert_string_equal(design_text(d), " |  | , ");
    design_free(d);
    network_free(net);
}

static void
what_is_not_there_is_named(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "c", "fep", "nobody", 502);
    assert_refused(net, c, ERR_NOT_FOUND, "host \"nobody\" is not there");
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(the_lab_gives_two_paths_without_a_common_node),
          cmocka_unit_test(names_what_both_paths_must_share),
          cmocka_unit_test(a_path_that_stands_alone_is_said_to),
          cmocka_unit_test(a_shared_duct_counts_as_a_shared_link),
          cmocka_unit_test(capacity_is_reserved_and_given_back),
          cmocka_unit_test(a_budget_that_cannot_be_met_is_refused),
          cmocka_unit_test(a_multicast_gets_a_tree_and_a_way_round_for_each),
          cmocka_unit_test(hosts_on_one_node_need_no_path),
          cmocka_unit_test(what_is_not_there_is_named))
