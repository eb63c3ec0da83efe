#include "engineer/impact.h"

#include "engineer/design.h"
#include "engineer/testing_random.h"

static void
design_all(struct network *net)
{
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits, *next; c; c = next) {
        struct design *d;
        next = c->hh.next;
        if (designer_add(designer, c, &d, NULL))
            assert_ok(network_remove_circuit(net, c->name));
        else
            network_put_design(net, d);
    }
    designer_free(designer);
}

/* cc1-wan1 wan4-wan1 a1-wan4 a1-a2 | cc1-wan2 wan2-wan3 a3-wan3 a2-a3, as design_test.c has it. */
static struct network *
lab_with_scada(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada", "fep", "rtu-a", 502);
    design_all(net);
    return net;
}

static struct impact
impact_of(const struct network *net, const struct failure *failures, uint32_t n)
{
    struct impact impact;
    struct diag diag;
    if (impact_of_failures(net, failures, n, &impact, &diag))
        fail_msg("%s", diag.text);
    return impact;
}

static void
failures_hit_what_they_are_on(void **state UNUSED)
{
    static const struct {
        struct failure failures[3];
        uint32_t n;
        int kind; /* -1: no circuit is affected */
        bool redesigned;
    } cases[] = {
        {{{FAILURE_LINK, "b1-b2"}}, 1, -1, false},
        {{{FAILURE_LINK, "cc1-wan2"}}, 1, IMPACT_LOSES_FAILOVER, true},
        {{{FAILURE_LINK, "a1-wan4"}}, 1, IMPACT_ON_FAILOVER, true},
        {{{FAILURE_NODE, "wan4"}}, 1, IMPACT_ON_FAILOVER, true},
        {{{FAILURE_LINK, "a1-wan4"}, {FAILURE_LINK, "wan2-wan3"}}, 2, IMPACT_DOWN, true},
        {{{FAILURE_LINK, "cc1-wan1"}, {FAILURE_LINK, "cc1-wan2"}}, 2, IMPACT_DOWN, false},
        {{{FAILURE_NODE, "a2"}}, 1, IMPACT_END_LOST, false},
        {{{FAILURE_NODE, "cc1"}, {FAILURE_LINK, "a1-a2"}}, 2, IMPACT_END_LOST, false},
    };
    struct network *net = lab_with_scada();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct impact impact = impact_of(net, cases[i].failures, cases[i].n);
        assert_int_equal(impact.n, cases[i].kind >= 0);
        if (impact.n) {
            assert_string_equal(impact.circuits[0].circuit, "scada");
            assert_string_equal(impact.circuits[0].receiver, "rtu-a");
            assert_int_equal((int)impact.circuits[0].kind, cases[i].kind);
            assert_int_equal(impact.counts[cases[i].kind], 1);
            assert_int_equal(impact.circuits[0].redesign != NULL, cases[i].redesigned);
            assert_int_equal(impact.circuits[0].reason != NULL, !cases[i].redesigned);
        }
        impact_fini(&impact);
    }
    network_free(net);
}

static void
what_is_not_there_cannot_fail(void **state UNUSED)
{
    static const struct failure failures[] = {
        {FAILURE_LINK, "x"}, {FAILURE_NODE, "cc1-wan1"}, {FAILURE_SHARED_RISK, "duct"}};
    static const char *const says[] = {"link \"x\" is not there", "node \"cc1-wan1\" is not there",
                                       "shared risk \"duct\" is not there"};
    struct network *net = lab_with_scada();
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        struct impact impact;
        struct diag diag;
        assert_err(impact_of_failures(net, &failures[i], 1, &impact, &diag), ERR_NOT_FOUND);
        assert_string_equal(diag.text, says[i]);
    }
    network_free(net);
}

static void
a_shared_risk_takes_all_its_links(void **state UNUSED)
{
    struct network *net = lab_with_scada();
    const char *const in_the_duct[] = {"a1-wan4", "a3-wan3"}; /* one of each path */
    for (size_t i = 0; i < 2; i++) {
        struct link *link = link_copy(network_link(net, in_the_duct[i]));
        link->shared_risks = xcalloc(1, sizeof(char *));
        link->shared_risks[link->n_shared_risks++] = xstrdup("duct");
        network_put_link(net, link);
    }
    struct impact impact = impact_of(net, &(struct failure){FAILURE_SHARED_RISK, "duct"}, 1);
    assert_int_equal(impact.counts[IMPACT_DOWN], 1);
    assert_int_equal(impact.n_redesigned, 0); /* the station is cut off */
    struct buf text = BUF_INIT;
    impact_format(&impact, 5, &text);
    assert_string_equal(
        buf_cstr(&text),
        "1 circuits affected, 0 of them can be designed anew\n"
        "has no path left: 1\n"
        "circuit scada has no path left (to rtu-a); cannot be designed anew: circuit "
        "\"scada\": no path from fep to rtu-a has 1000 kbit/s left\n");
    buf_fini(&text);
    impact_fini(&impact);
    network_free(net);
}

static void
a_multicast_is_harmed_as_its_worst_receiver(void **state UNUSED)
{
    /* relay-a2 by a3-a1; relay-b1 by a3-a1 a3-wan3 b2-wan3. */
    struct network *net = test_lab();
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    design_all(net);
    struct impact impact = impact_of(net, &(struct failure){FAILURE_LINK, "b2-wan3"}, 1);
    assert_int_equal(impact.n, 1);
    assert_int_equal(impact.circuits[0].kind, IMPACT_ON_FAILOVER);
    assert_string_equal(impact.circuits[0].receiver, "relay-b1");
    impact_fini(&impact);
    impact = impact_of(net, &(struct failure){FAILURE_NODE, "a3"}, 1);
    assert_int_equal(impact.circuits[0].kind, IMPACT_END_LOST);
    assert_string_equal(impact.circuits[0].receiver, "relay-a2");
    impact_fini(&impact);
    network_free(net);
}

static bool
uses(const struct route *route, const char *link)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        if (!strcmp(route->links[i], link))
            return true;
    }
    return false;
}

/* On random networks: who is named uses what failed, or has an end there, and nobody else does; and
 * what is designed anew does not use it. */
static void
exactly_those_are_affected_that_use_it(void **state UNUSED)
{
    uint32_t n_affected = 0, n_redesigned = 0;
    for (int round = 0; round < 100; round++) {
        struct network *net = random_network();
        for (uint32_t i = 0; i < 25; i++)
            random_circuit(net, i);
        design_all(net);
        for (struct link *link = net->links; link; link = link->hh.next) {
            struct impact impact = impact_of(net, &(struct failure){FAILURE_LINK, link->name}, 1);
            uint32_t n_users = 0;
            for (struct design *d = net->designs; d; d = d->hh.next)
                n_users += uses(&d->primary, link->name) ||
                           (d->has_failover && uses(&d->failover, link->name));
            assert_true(impact.n <= n_users);
            for (uint32_t i = 0; i < impact.n; i++) {
                const struct circuit_impact *c = &impact.circuits[i];
                const struct design *d = network_design(net, c->circuit);
                bool primary = uses(&d->primary, link->name);
                assert_true(primary || uses(&d->failover, link->name));
                assert_true(primary || c->kind == IMPACT_LOSES_FAILOVER);
                if (c->redesign) {
                    assert_false(uses(&c->redesign->primary, link->name));
                    assert_false(uses(&c->redesign->failover, link->name));
                }
            }
            for (struct design *d = net->designs; d; d = d->hh.next) {
                bool named = false;
                for (uint32_t i = 0; i < impact.n; i++)
                    named |= !strcmp(impact.circuits[i].circuit, d->circuit);
                if (network_circuit(net, d->circuit)->kind == CIRCUIT_IP)
                    assert_int_equal(named, uses(&d->primary, link->name) ||
                                                uses(&d->failover, link->name));
            }
            n_affected += impact.n;
            n_redesigned += impact.n_redesigned;
            impact_fini(&impact);
        }
        network_free(net);
    }
    assert_true(n_affected > 500);
    assert_true(n_redesigned > 100 && n_redesigned < n_affected);
}

TEST_MAIN(cmocka_unit_test(failures_hit_what_they_are_on),
          cmocka_unit_test(what_is_not_there_cannot_fail),
          cmocka_unit_test(a_shared_risk_takes_all_its_links),
          cmocka_unit_test(a_multicast_is_harmed_as_its_worst_receiver),
          cmocka_unit_test(exactly_those_are_affected_that_use_it))
