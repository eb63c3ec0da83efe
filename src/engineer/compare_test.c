#include "engineer/compare.h"

#include "engineer/design.h"
#include "engineer/testing_plan.h"

static char *
compare_text(const struct network *before, const struct network *after, uint32_t hot_percent)
{
    struct plan *old = plan_of(before), *now = plan_of(after);
    struct comparison c;
    struct buf out = BUF_INIT;
    compare_planned(&(struct planned){before, old}, &(struct planned){after, now}, hot_percent, &c);
    comparison_format(&c, &out);
    comparison_fini(&c);
    plan_free(old);
    plan_free(now);
    return buf_steal_cstr(&out);
}

static struct network *
production(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada", "fep", "rtu-a", 502);
    test_tcp(net, "archive", "hist", "rtu-b", 2404);
    design_all(net);
    return net;
}

static void
a_network_is_like_itself(void **state UNUSED)
{
    struct network *net = production(), *copy = network_copy(net);
    char *text = compare_text(net, copy, 100);
    assert_string_equal(text, "nothing differs\n");
    free(text);
    network_free(net);
    network_free(copy);
}

static void
every_difference_is_counted(void **state UNUSED)
{
    struct network *before = production(), *after = network_copy(before);
    struct plan *old = plan_of(before);
    /* One goes, one comes, one is stated otherwise. */
    assert_ok(network_remove_design(after, "archive"));
    assert_ok(network_remove_circuit(after, "archive"));
    test_tcp(after, "new", "fep", "rtu-b", 2404)->rate_kbps = 60000;
    struct circuit *changed = circuit_copy(network_circuit(after, "scada"));
    changed->burst_octets *= 2;
    network_put_circuit(after, changed);
    design_all(after);
    struct plan *now = plan_of(after);
    struct comparison c;
    compare_planned(&(struct planned){before, old}, &(struct planned){after, now}, 60, &c);
    assert_int_equal(c.n_circuits, 3);
    assert_string_equal(c.circuits[0].circuit, "archive");
    assert_int_equal(c.circuits[0].kind, CIRCUIT_REMOVED);
    assert_string_equal(c.circuits[1].circuit, "new");
    assert_int_equal(c.circuits[1].kind, CIRCUIT_ADDED);
    assert_string_equal(c.circuits[2].circuit, "scada");
    assert_int_equal(c.circuits[2].kind, CIRCUIT_CHANGED);
    assert_int_equal(c.rules_changed > 0, true); /* scada's meters, at least */
    struct plan_size old_size, now_size;
    plan_get_size(old, &old_size);
    plan_get_size(now, &now_size);
    assert_int_equal(now_size.flows + now_size.groups + now_size.meters,
                     old_size.flows + old_size.groups + old_size.meters + c.rules_added -
                         c.rules_removed);
    /* 60 Mbit/s and scada's one, of 100. */
    assert_int_equal(c.n_hot, 2);
    assert_string_equal(c.hot[0].link, "cc1-wan1");
    assert_string_equal(c.hot[1].link, "cc1-wan2");
    assert_int_equal(c.hot[0].after_kbps, 61000);
    assert_int_equal(c.hot[0].before_kbps, 2000);
    comparison_fini(&c);
    plan_free(old);
    plan_free(now);
    network_free(before);
    network_free(after);
}

static void
a_circuit_that_moves_is_shown_with_both_ways(void **state UNUSED)
{
    struct network *before = network_new();
    test_link(before, "s", "x", 10, 10000);
    test_link(before, "x", "t", 10, 10000);
    test_link(before, "s", "y", 20, 10000);
    test_link(before, "y", "t", 20, 10000);
    test_host(before, "h1", "s", 1, 2);
    test_host(before, "h2", "t", 2, 2);
    struct circuit *c = test_tcp(before, "c", "h1", "h2", 502);
    c->protection = DISJOINT_NONE;
    struct network *after = network_copy(before);
    assert_ok(network_remove_link(after, "s-x"));
    design_all(before);
    design_all(after);
    char *text = compare_text(before, after, 5);
    assert_non_null(strstr(text, "circuit c: moved\n"
                                 "  before\n"
                                 "    primary: s-x x-t\n"
                                 "    failover: none\n"
                                 "  after\n"
                                 "    primary: s-y y-t\n"
                                 "    failover: none\n"));
    assert_non_null(strstr(text, "link s-x: 1000 of 10000 kbit/s (10 %) before, not there after\n"
                                 "link s-y: 0 of 10000 kbit/s (0 %) before, "
                                 "1000 of 10000 kbit/s (10 %) after\n"));
    assert_non_null(strstr(text, "link y-t: over 5 %: 1000 of 10000 kbit/s (10 %)\n"));
    assert_null(strstr(text, "link x-t: over"));
    free(text);
    network_free(before);
    network_free(after);
}

TEST_MAIN(cmocka_unit_test(a_network_is_like_itself), cmocka_unit_test(every_difference_is_counted),
          cmocka_unit_test(a_circuit_that_moves_is_shown_with_both_ways))
