#include "engineer/standing_private.h"
#include "engineer/testing_plan.h"
#include "engineer/testing_random.h"

static struct proof
move(struct standing *s, const struct network *net, struct standing_work *work)
{
    struct proof proof;
    struct diag why = {""};
    if (standing_move(s, net, 0, &proof, work, &why))
        fail_msg("%s", why.text);
    return proof;
}

/* What is kept says what one says that begins there. */
static void
assert_like_new(struct proof *kept, const struct network *net)
{
    struct standing *s = standing_new();
    struct proof fresh = move(s, net, NULL);
    assert_int_equal(kept->n, fresh.n);
    assert_int_equal(kept->circuits, fresh.circuits);
    assert_int_equal(kept->rules, fresh.rules);
    assert_int_equal(kept->classes, fresh.classes);
    assert_int_equal(kept->walks, fresh.walks);
    for (uint32_t i = 0; i < fresh.n; i++)
        assert_string_equal(kept->violations[i].text, fresh.violations[i].text);
    proof_fini(&fresh);
    standing_release(s);
}

static struct network *
lab_with_circuits(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada-a", "fep", "rtu-a", 502);
    test_tcp(net, "scada-b", "fep", "rtu-b", 502);
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    design_all(net);
    return net;
}

static void
nothing_different_is_no_work(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct standing *s = standing_new();
    struct standing_work work;
    for (int i = 0; i < 2; i++) {
        struct proof proof = move(s, net, &work);
        assert_int_equal(proof.n, 0);
        assert_int_equal(proof.circuits, 3);
        assert_int_equal(work.anew, i == 0);
        assert_int_equal(work.put_in, i == 0 ? 3 : 0);
        proof_fini(&proof);
    }
    standing_release(s);
    network_free(net);
}

static void
only_what_is_different_is_done(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct standing *s = standing_new();
    struct standing_work work;
    struct proof proof = move(s, net, &work);
    proof_fini(&proof);
    test_tcp(net, "new", "hist", "rtu-b", 102);
    design_all(net);
    assert_int_equal(network_remove_design(net, "scada-a"), ERR_OK);
    struct circuit *other = circuit_copy(network_circuit(net, "scada-b"));
    other->ip.server_ports[0] = 2404;
    network_put_circuit(net, other);
    proof = move(s, net, &work);
    assert_false(work.anew);
    assert_int_equal(work.taken_out, 2);
    assert_int_equal(work.put_in, 2);
    assert_true(work.certified > 40);
    assert_int_equal(work.uncertified, 0);
    assert_int_equal(proof.n, 0);
    assert_like_new(&proof, net);
    proof_fini(&proof);
    /* The proposal has become a plan again. */
    design_all(net);
    proof = move(s, net, &work);
    assert_int_equal(work.put_in, 1);
    assert_like_new(&proof, net);
    proof_fini(&proof);
    standing_release(s);
    network_free(net);
}

static void
another_inventory_begins_anew(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct standing *s = standing_new();
    struct standing_work work;
    struct proof proof = move(s, net, &work);
    proof_fini(&proof);
    test_host(net, "late", "b1", 48, 99);
    proof = move(s, net, &work);
    assert_true(work.anew);
    assert_int_equal(proof.n, 0);
    assert_like_new(&proof, net);
    proof_fini(&proof);
    standing_release(s);
    network_free(net);
}

/* A design over a link that cannot be: refused, and what comes next is as if it had never been. */
static void
what_cannot_be_planned_leaves_nothing(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct network *bad = network_copy(net);
    struct standing *s = standing_new();
    struct standing_work work;
    struct diag why = {""};
    struct proof proof = move(s, net, &work);
    proof_fini(&proof);
    test_tcp(bad, "new", "hist", "rtu-b", 102);
    struct design *d = design_copy(network_design(bad, "scada-a"));
    free(d->circuit);
    d->circuit = xstrdup("new");
    d->number = 99;
    network_put_design(bad, d);
    assert_int_not_equal(standing_move(s, bad, 0, &proof, &work, &why), ERR_OK);
    assert_non_null(strstr(why.text, "new"));
    proof = move(s, net, &work);
    assert_true(work.anew);
    assert_int_equal(proof.n, 0);
    assert_like_new(&proof, net);
    proof_fini(&proof);
    standing_release(s);
    network_free(bad);
    network_free(net);
}

/* The rule by which a circuit's packets come into a1 from the WAN, as a copy. */
static struct flow
first_rule_at_a1(const struct network *net, const char *circuit)
{
    const struct link_end *end = link_end_at(network_link(net, "a1-wan4"), "a1");
    uint32_t number = network_design(net, circuit)->number;
    struct plan *plan = plan_of(net);
    struct rule_list rules;
    struct flow flow = {.table_id = 0};
    plan_rules(plan, "a1", &rules);
    for (uint32_t i = 0; i < rules.n && !flow.has_apply; i++) {
        const struct flow *f = rules.list[i].kind == RULE_FLOW ? rules.list[i].flow : NULL;
        if (f && f->priority == PRIORITY_CONVERSATION && cookie_number(f->cookie) == number &&
            from_be32(f->match.value.in_port) == end->port)
            flow_copy(&flow, f);
    }
    assert_true(flow.has_apply);
    free(rules.list);
    plan_free(plan);
    return flow;
}

/* A rule that nobody planned waits below a circuit's own: once that is there, no packet comes to
 * it. But while the rules are on their way, the other nodes may have theirs and this one not yet.
 */
static void
a_leak_on_the_way_is_found(void **state UNUSED)
{
    struct network *net = lab_with_circuits(), *after = network_copy(net);
    struct standing *s = standing_new();
    struct standing_work work;
    struct proof proof = move(s, net, &work);
    proof_fini(&proof);
    test_tcp(after, "new", "fep", "rtu-a", 102);
    design_all(after);
    struct flow flow = first_rule_at_a1(after, "new");
    flow.priority = PRIORITY_CONVERSATION / 2;
    actions_free(&flow.apply);
    flow.apply = (struct actions){.n = 0};
    actions_output(&flow.apply, network_host(net, "relay-a1")->port);
    const struct rule foreign = rule_of_flow(&flow);
    assert_ok(prover_put(s->prover, "a1", &foreign));
    assert_int_equal(prover_judge(s->prover), 0);
    proof = move(s, after, &work);
    assert_true(proof.n > 0);
    for (uint32_t i = 0; i < proof.n; i++) {
        assert_int_equal(proof.violations[i].kind, VIOLATION_LEAK);
        assert_string_equal(proof.violations[i].failure, "some rules old and some new");
        assert_string_equal(proof.violations[i].node, "a1");
    }
    assert_int_equal(prover_judge(s->prover), 0); /* there, nothing is wrong */
    proof_fini(&proof);
    standing_release(s);
    flow_fini(&flow);
    network_free(net);
    network_free(after);
}

/* Circuits come, go and change at random, several at a time; each time it is as if it were new. */
static void
many_moves(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct standing *s = standing_new();
    for (int turn = 0; turn < 60; turn++) {
        struct standing_work work;
        for (int i = 0; i < 3; i++) {
            char name[16];
            snprintf(name, sizeof name, "c%u", draw(12));
            if (network_design(net, name)) {
                assert_int_equal(network_remove_design(net, name), ERR_OK);
                assert_int_equal(network_remove_circuit(net, name), ERR_OK);
            } else {
                test_tcp(net, name, draw(2) ? "fep" : "hist", draw(2) ? "rtu-a" : "rtu-b",
                         (uint16_t)(1000 + draw(5000)));
            }
        }
        design_all(net);
        struct proof proof = move(s, net, &work);
        assert_int_equal(work.anew, turn == 0);
        assert_int_equal(proof.n, 0);
        assert_like_new(&proof, net);
        proof_fini(&proof);
    }
    standing_release(s);
    network_free(net);
}

static void
a_design_without_its_circuit_is_nothing(void **state UNUSED)
{
    struct network *net = lab_with_circuits(), *more = network_copy(net);
    struct standing *s = standing_new();
    struct proof proof;
    const struct network *const moves[] = {net, net, more, net};
    assert_ok(network_remove_circuit(net, "scada-b"));
    assert_non_null(network_design(net, "scada-b"));
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
        proof = move(s, moves[i], NULL);
        assert_int_equal(proof.circuits, moves[i] == net ? 2 : 3);
        assert_like_new(&proof, moves[i]);
        proof_fini(&proof);
    }
    standing_release(s);
    network_free(more);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(a_design_without_its_circuit_is_nothing),
          cmocka_unit_test(nothing_different_is_no_work),
          cmocka_unit_test(only_what_is_different_is_done),
          cmocka_unit_test(another_inventory_begins_anew),
          cmocka_unit_test(what_cannot_be_planned_leaves_nothing),
          cmocka_unit_test(a_leak_on_the_way_is_found), cmocka_unit_test(many_moves))
