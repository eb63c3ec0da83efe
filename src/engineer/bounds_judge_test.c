/* What is said of a circuit and of a network with bounds: budgets, remedies, conditions, texts. */
#include "engineer/bounds_testing.h"

#include <stdio.h>

/* A network with budgets, and a circuit that is not in it yet. */
static struct circuit *
candidate(const struct network *net, const char *name, const char *client, const char *server)
{
    struct network *scratch = network_copy(net);
    struct circuit *c = circuit_copy(test_tcp(scratch, name, client, server, 4000));
    network_free(scratch);
    return c;
}

static void
a_budget_that_does_not_hold_is_refused_with_what_would_help(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    struct bounds_verdict v;
    struct diag diag = {""};
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        test_tcp(net, name, "h1", "h2", (uint16_t)(502 + i));
        set_design(net, name, "n1-n2", NULL);
    }
    struct bounds *b = bounds_of(net, &p);
    struct circuit *c = candidate(net, "new", "h0", "h2");
    struct design *d = make_design("new", "n0-n1 n1-n2", NULL);
    c->max_latency_us = 5000;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_false(v.fits);
    assert_true(v.is_bounded);
    assert_int_equal(v.n_broken, 0);
    assert_string_equal(v.text,
                        "circuit new: worst case 12.2 ms, budget 5000 us; most is lost at n2 > n1 "
                        "(10.3 ms, of it 10.1 ms waiting for 6 circuits of its class); would fit: "
                        "as class protection (3652 us), or with link n1-n2 at 1 Gbit/s (2858 us)");
    bounds_verdict_fini(&v);
    c->max_latency_us = 12500;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_true(v.fits);
    assert_string_equal(v.text, "circuit new: worst case 12.2 ms, budget 12.5 ms");
    bounds_verdict_fini(&v);
    struct bounds_budget budget = {.asymmetry = 5 * NSEC_PER_MSEC};
    assert_ok(bounds_judge(b, c, d, &budget, &v, &diag));
    assert_false(v.fits);
    assert_non_null(strstr(v.text, "circuit new: asymmetry 12.2 ms, budget 5000 us; most is lost"));
    bounds_verdict_fini(&v);
    circuit_free(c);
    design_free(d);
    bounds_free(b);
    network_free(net);
}

static void
a_circuit_that_breaks_another_ones_budget_does_not_fit(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    struct bounds_verdict v;
    struct diag diag = {""};
    test_tcp(net, "tight", "h0", "h1", 502)->max_latency_us = 2000;
    test_tcp(net, "wide", "h0", "h1", 503)->max_latency_us = 20000;
    test_tcp(net, "late", "h0", "h1", 504)->max_latency_us = 100; /* does not hold anyway */
    network_circuit(net, "tight")->service_class = CLASS_PROTECTION;
    set_design(net, "tight", "n0-n1", NULL);
    set_design(net, "wide", "n0-n1", NULL);
    set_design(net, "late", "n0-n1", NULL);
    struct bounds *b = bounds_of(net, &p);
    struct circuit *c = candidate(net, "new", "h0", "h1");
    struct design *d = make_design("new", "n0-n1", NULL);
    c->service_class = CLASS_PROTECTION;
    c->max_latency_us = 50000;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_false(v.fits);
    assert_int_equal(v.n_broken, 1);
    assert_string_equal(v.broken[0].circuit->name, "tight");
    assert_string_equal(
        v.text, "circuit new: worst case 3494 us, budget 50.0 ms; it would break the budget "
                "of tight (1814 us to 3494 us, budget 2000 us)");
    bounds_verdict_fini(&v);
    c->rate_kbps = 90000;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_false(v.is_bounded);
    assert_non_null(strstr(v.text,
                           "circuit new: there is no bound: class protection asks for 127.4 "
                           "Mbit/s of 100 Mbit/s at n0 > n1"));
    bounds_verdict_fini(&v);
    circuit_free(c);
    design_free(d);
    bounds_free(b);
    network_free(net);
}

static void
assert_same_figures(const struct bounds *a, const struct bounds *z)
{
    struct bounds_size size;
    bounds_get_size(a, BOUNDS_NORMAL, &size);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        struct bounds_figures *x = bounds_all(a, s), *y = bounds_all(z, s);
        for (uint32_t i = 0; i < size.circuits; i++) {
            assert_string_equal(x[i].circuit->name, y[i].circuit->name);
            assert_int_equal(x[i].worst, y[i].worst);
            assert_int_equal(x[i].best, y[i].best);
            assert_int_equal(x[i].asymmetry, y[i].asymmetry);
        }
        free(x);
        free(y);
    }
}

static void
a_verdict_leaves_everything_as_it_was(void **state UNUSED)
{
    struct network *net = busy_lab();
    struct bounds *a = bounds_of(net, &bounds_defaults), *b = bounds_of(net, &bounds_defaults);
    struct diag diag = {""};
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct circuit *form = circuit_copy(c);
        struct bounds_verdict v;
        form->rate_kbps *= 20;
        form->burst_octets *= 3;
        form->service_class = CLASS_ENGINEERING;
        form->max_latency_us = 10;
        assert_ok(bounds_judge(b, form, network_design(net, c->name), NULL, &v, &diag));
        assert_false(v.fits);
        assert_true(v.n_remedies > 0);
        bounds_verdict_fini(&v);
        assert_same_figures(a, b);
        circuit_free(form);
    }
    bounds_free(a);
    bounds_free(b);
    network_free(net);
}

static void
circuits_one_by_one_give_what_all_at_once_give(void **state UNUSED)
{
    struct network *net = busy_lab();
    struct network *empty = network_copy(net);
    struct diag diag = {""};
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        assert_ok(network_remove_circuit(empty, c->name));
        assert_ok(network_remove_design(empty, c->name));
    }
    struct bounds *whole = bounds_of(net, &bounds_defaults);
    struct bounds *b = bounds_of(empty, &bounds_defaults);
    for (struct circuit *c = net->circuits; c; c = c->hh.next)
        assert_ok(bounds_add(b, c, network_design(net, c->name), &diag));
    assert_same_figures(whole, b);
    /* The last one goes and comes. */
    const struct circuit *near = network_circuit(net, "near");
    assert_ok(bounds_remove(b, "near"));
    assert_err(bounds_remove(b, "near"), ERR_NOT_FOUND);
    assert_true(worst(b, "trip", BOUNDS_FAILURE) < worst(whole, "trip", BOUNDS_FAILURE));
    assert_ok(bounds_add(b, near, network_design(net, "near"), &diag));
    assert_same_figures(whole, b);
    bounds_free(whole);
    bounds_free(b);
    network_free(empty);
    network_free(net);
}

static void
conditions_name_ports_queues_and_meters(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    struct bounds_condition *list;
    struct buf out = BUF_INIT;
    uint32_t n;
    struct circuit *c = test_tcp(net, "c", "h0", "h1", 502);
    c->burst_octets = 15001; /* 120.008 kbit */
    set_design(net, "c", "n0-n1", NULL);
    network_design(net, "c")->number = 7;
    struct bounds *b = bounds_of(net, &p);
    bounds_conditions(b, &list, &n);
    for (uint32_t i = 0; i < n; i++) {
        bounds_condition_format(&list[i], &out);
        buf_str(&out, "\n");
    }
    /* All of the burst waits behind a lower frame: 121 kbit as small frames, and what comes while
     * the frame goes. */
    assert_string_equal(
        buf_cstr(&out),
        "n0 port 1 (n0-n1) sends at 100000 kbit/s, bursts of at most 3084 octets\n"
        "n0 port 1 (n0-n1) queue 3 is strict, before lower ones, and holds 21197 "
        "octets\n"
        "n0 meter 14 drops what is above 1000 kbit/s and a burst of 121 kbit (c)\n"
        "n1 port 1 (n0-n1) sends at 100000 kbit/s, bursts of at most 3084 octets\n"
        "n1 port 1 (n0-n1) queue 3 is strict, before lower ones, and holds 21197 "
        "octets\n"
        "n1 meter 15 drops what is above 1000 kbit/s and a burst of 121 kbit (c)\n");
    buf_fini(&out);
    free(list);
    bounds_free(b);
    network_free(net);
}

static void
a_result_reads_hop_by_hop(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    struct bounds_result r;
    struct buf out = BUF_INIT;
    struct circuit *high = test_tcp(net, "high", "h0", "h2", 503);
    high->service_class = CLASS_PROTECTION;
    high->burst_octets = 1500;
    test_tcp(net, "c", "h0", "h2", 502)->burst_octets = 3000;
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    set_design(net, "high", "n0-n1 n1-n2", NULL);
    p.access_kbps = 1000000;
    struct bounds *b = bounds_of(net, &p);
    assert_ok(bounds_circuit(b, "c", BOUNDS_NORMAL, &r));
    r.n = 1;
    bounds_result_format(&r, &out);
    assert_string_equal(
        buf_cstr(&out),
        "h0 > h2: worst 1371 us, best 34 us\n"
        "    n0 > n1: 647 us (330 us waiting for 1 circuit of its class, 177 us for 1 of higher "
        "ones, 124 us for a frame of a lower one)\n"
        "    n1 > n2: 660 us (339 us waiting for 1 circuit of its class, 181 us for 1 of higher "
        "ones, 124 us for a frame of a lower one)\n"
        "    n2 port 2: 66 us (35 us waiting for 1 circuit of its class, 18 us for 1 of higher "
        "ones, 13 us for a frame of a lower one)\n"
        "asymmetry 1337 us\n");
    r.n = 2;
    bounds_result_fini(&r);
    buf_fini(&out);
    bounds_free(b);
    network_free(net);
}

static void
without_a_capacity_there_is_no_bound(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    struct bounds_overload *list;
    struct buf out = BUF_INIT;
    uint32_t n;
    test_tcp(net, "c", "h0", "h2", 502);
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    network_link(net, "n1-n2")->capacity_kbps = 0;
    struct bounds *b = bounds_of(net, &p);
    assert_int_equal(worst(b, "c", BOUNDS_NORMAL), NSEC_NEVER);
    bounds_overloads(b, BOUNDS_NORMAL, &list, &n);
    assert_int_equal(n, 2);
    bounds_overload_format(&list[0], &out);
    assert_string_equal(buf_cstr(&out), "the capacity is not known at n1 > n2");
    buf_fini(&out);
    free(list);
    bounds_free(b);
    network_free(net);
}

/* A port that is shaped below its interface's rate may send its burst at once, and a best case may
 * be as quick as the interface. */
static void
a_faster_interface_counts(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    struct bounds_result r;
    p.line_shaping = true;
    p.interface_kbps = 1000000;
    test_tcp(net, "c", "h0", "h2", 502);
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    struct bounds *b = bounds_of(net, &p);
    assert_ok(bounds_circuit(b, "c", BOUNDS_NORMAL, &r));
    assert_int_equal(r.ways[0].best, 2 * (SMALLEST * OCTET_NS / 10 + 10000));
    /* At the second port, 3,084 octets at once, behind a lower frame. */
    assert_int_equal(r.ways[0].worst, 1803362 + 10000 + (1542 + 2 * 1542) * OCTET_NS + 1 + 10000);
    bounds_result_fini(&r);
    bounds_free(b);
    network_free(net);
}

static void
a_smaller_burst_may_help_and_what_breaks_is_told(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    struct bounds_verdict v;
    struct diag diag = {""};
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        struct circuit *c = test_tcp(net, name, "h0", "h1", (uint16_t)(502 + i));
        c->service_class = CLASS_PROTECTION;
        c->burst_octets = 1518;
        c->max_latency_us = 1500;
        set_design(net, name, "n0-n1", NULL);
    }
    struct bounds *b = bounds_of(net, &p);
    struct circuit *c = candidate(net, "new", "h0", "h1");
    struct design *d = make_design("new", "n0-n1", NULL);
    c->max_latency_us = 1300;
    c->service_class = CLASS_PROTECTION;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_int_equal(v.n_broken, 5);
    assert_string_equal(
        v.text,
        "circuit new: worst case 2724 us, budget 1300 us; most is lost at n0 > n1 (2724 us, "
        "of it 2584 us waiting for 6 circuits of its class); would fit: with link n0-n1 at 1 "
        "Gbit/s (282 us), or with bursts of 1518 octets (1226 us); it would break the "
        "budgets of c0 (1044 us to 2724 us, budget 1500 us), c1 (1044 us to 2724 us, budget "
        "1500 us), c2 (1044 us to 2724 us, budget 1500 us) and 2 more");
    bounds_verdict_fini(&v);
    c->service_class = CLASS_SCADA;
    assert_ok(bounds_judge(b, c, d, NULL, &v, &diag));
    assert_int_equal(v.n_broken, 0);
    assert_int_equal(v.remedies[0].kind, REMEDY_CLASS);
    assert_false(v.remedies[0].fits);
    assert_int_equal(v.remedies[0].breaks, 5);
    bounds_verdict_fini(&v);
    free(d->primary.links[0]);
    d->primary.links[0] = xstrdup("n0-n7");
    assert_err(bounds_judge(b, c, d, NULL, &v, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "circuit \"new\": link \"n0-n7\" is not there");
    assert_err(bounds_add(b, c, d, &diag), ERR_NOT_FOUND);
    assert_int_equal(worst(b, "c0", BOUNDS_NORMAL), worst(b, "c4", BOUNDS_NORMAL));
    circuit_free(c);
    design_free(d);
    bounds_free(b);
    network_free(net);
}

static void
a_circuit_can_be_replaced(void **state UNUSED)
{
    struct network *net = busy_lab(), *other = network_copy(net);
    struct circuit *c = circuit_copy(network_circuit(net, "scada-a"));
    struct diag diag = {""};
    c->service_class = CLASS_BULK;
    c->burst_octets = 30000;
    network_put_circuit(other, c);
    struct bounds *b = bounds_of(net, &bounds_defaults);
    struct bounds *whole = bounds_of(other, &bounds_defaults);
    const struct circuit *form = network_circuit(other, "scada-a");
    assert_ok(bounds_add(b, form, network_design(net, "scada-a"), &diag));
    for (struct circuit *x = net->circuits; x; x = x->hh.next) {
        for (int s = 0; s < BOUNDS_STATE_MAX; s++)
            assert_int_equal(worst(b, x->name, s), worst(whole, x->name, s));
    }
    bounds_free(b);
    bounds_free(whole);
    network_free(net);
    network_free(other);
}

TEST_MAIN(cmocka_unit_test(a_budget_that_does_not_hold_is_refused_with_what_would_help),
          cmocka_unit_test(a_circuit_that_breaks_another_ones_budget_does_not_fit),
          cmocka_unit_test(a_verdict_leaves_everything_as_it_was),
          cmocka_unit_test(circuits_one_by_one_give_what_all_at_once_give),
          cmocka_unit_test(conditions_name_ports_queues_and_meters),
          cmocka_unit_test(a_result_reads_hop_by_hop),
          cmocka_unit_test(without_a_capacity_there_is_no_bound),
          cmocka_unit_test(a_faster_interface_counts),
          cmocka_unit_test(a_smaller_burst_may_help_and_what_breaks_is_told),
          cmocka_unit_test(a_circuit_can_be_replaced))
