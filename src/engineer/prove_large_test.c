/* What a hostile or broken switch could hold: very much of it, and things that lead nowhere. */
#include "engineer/prove_testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RULES 50000
#else
#define RULES 1000000
#endif

static uint64_t
judge(struct prover *p, struct proof *proof)
{
    uint64_t n = prover_judge(p);
    prover_report(p, 20, proof);
    return n;
}

/* Each is judged, none is kept from being told, and the circuits beside it still hold. */
static void
a_million_foreign_rules_on_one_switch(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct flow *flows = xcalloc(RULES, sizeof *flows);
    struct proof proof;
    design_all(net);
    struct plan *plan = plan_of(net);
    struct prover *p = prover_new(net);
    assert_ok(prover_put_plan(p, plan));
    assert_ok(prover_allow_all(p, NULL));
    assert_int_equal(prover_judge(p), 0);
    for (uint32_t i = 0; i < RULES; i++) {
        flows[i] = (struct flow){.priority = 500, .has_apply = true};
        match_set(&flows[i].match, FIELD_IN_PORT, 4); /* eng-a's port */
        match_set(&flows[i].match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flows[i].match, FIELD_IPV4_DST, 0xc0000000 + i);
        actions_output(&flows[i].apply, 1);
        struct rule rule = rule_of_flow(&flows[i]);
        assert_ok(prover_put(p, "a2", &rule));
    }
    assert_int_equal(judge(p, &proof), RULES); /* each lets something in */
    assert_int_equal(proof.n, 20);
    assert_true(proof.truncated);
    proof_fini(&proof);
    for (uint32_t i = 0; i < RULES; i++) {
        struct rule rule = rule_of_flow(&flows[i]);
        assert_ok(prover_remove(p, "a2", &rule));
    }
    assert_int_equal(prover_judge(p), 0);
    prover_free(p);
    for (uint32_t i = 0; i < RULES; i++)
        flow_fini(&flows[i]);
    free(flows);
    plan_free(plan);
    network_free(net);
}

#define BUCKETS 40 /* each of which leads on: no time suffices for all ways, eight groups deep */

static void
put_group(struct prover *p, struct group *g, uint32_t id, uint32_t to)
{
    *g = (struct group){id, GROUP_TYPE_ALL, BUCKETS, xcalloc(BUCKETS, sizeof *g->buckets)};
    for (int i = 0; i < BUCKETS; i++) {
        g->buckets[i].watch_port = PORT_ANY;
        g->buckets[i].watch_group = to;
        actions_group(&g->buckets[i].actions, to);
    }
    struct rule rule = rule_of_group(g);
    assert_ok(prover_put(p, "cc1", &rule));
}

/* Groups that name each other: no switch should take them, but who knows. */
static void
groups_in_a_circle_end(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct group groups[2];
    struct proof proof;
    struct diag diag;
    design_all(net);
    struct plan *plan = plan_of(net);
    struct prover *p = prover_new(net);
    assert_ok(prover_put_plan(p, plan));
    assert_ok(prover_allow_all(p, NULL));
    put_group(p, &groups[0], 77, 78);
    put_group(p, &groups[1], 78, 77);
    struct flow flow = {.priority = 2000, .has_apply = true};
    assert_ok(match_parse("in_port=3,eth_type=0x0800", &flow.match, &diag));
    actions_group(&flow.apply, 77);
    struct rule rule = rule_of_flow(&flow);
    assert_ok(prover_put(p, "cc1", &rule));
    assert_true(judge(p, &proof) > 0);
    bool told = false;
    for (uint32_t i = 0; i < proof.n; i++)
        told |= strstr(proof.violations[i].text, "nest too deeply") != NULL;
    assert_true(told);
    proof_fini(&proof);
    assert_ok(prover_remove(p, "cc1", &rule));
    assert_int_equal(prover_judge(p), 0);
    prover_free(p);
    flow_fini(&flow);
    group_fini(&groups[0]);
    group_fini(&groups[1]);
    plan_free(plan);
    network_free(net);
}

/* Overlapping rules of single bits: a class in more pieces than are kept. */
static void
a_class_in_too_many_pieces_counts_as_whole(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct flow flows[15];
    design_all(net);
    struct plan *plan = plan_of(net);
    struct prover *p = prover_new(net);
    assert_ok(prover_put_plan(p, plan));
    assert_ok(prover_allow_all(p, NULL));
    assert_int_equal(prover_judge(p), 0);
    for (uint32_t i = 0; i < ARRAY_SIZE(flows); i++) { /* drops by bits of the source port */
        flows[i] = (struct flow){.priority = (uint16_t)(3000 - i)};
        match_set(&flows[i].match, FIELD_IN_PORT, 3);
        match_set(&flows[i].match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flows[i].match, FIELD_IP_PROTO, IP_PROTO_TCP);
        flows[i].match.mask.tp_src = to_be16((uint16_t)(3 << i));
        flows[i].match.value.tp_src = to_be16((uint16_t)(1 << i));
        struct rule rule = rule_of_flow(&flows[i]);
        assert_ok(prover_put(p, "cc1", &rule));
    }
    struct proof proof;
    assert_true(judge(p, &proof) > 0); /* fep's circuits lose packets */
    proof_fini(&proof);
    prover_free(p);
    plan_free(plan);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(a_million_foreign_rules_on_one_switch),
          cmocka_unit_test(groups_in_a_circle_end),
          cmocka_unit_test(a_class_in_too_many_pieces_counts_as_whole))
