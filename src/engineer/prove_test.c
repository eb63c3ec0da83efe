#include "engineer/prove.h"

#include "engineer/prove_testing.h"

static void
assert_proved(const struct proof *proof)
{
    struct buf text = BUF_INIT;
    proof_format(proof, &text);
    if (proof->n)
        fail_msg("%s", buf_cstr(&text));
    buf_fini(&text);
}

static void
the_lab_s_circuits_are_proved(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    struct proof proof;
    design_all(net);
    struct plan *plan = plan_of(net);
    assert_ok(prove_plan(net, plan, &proof, NULL));
    assert_proved(&proof);
    assert_int_equal(proof.circuits, 9);
    assert_true(proof.failures > 100);
    proof_fini(&proof);
    plan_free(plan);
    network_free(net);
}

static void
an_empty_network_passes_nothing(void **state UNUSED)
{
    struct network *net = test_lab();
    struct proof proof;
    struct plan *plan = plan_of(net);
    assert_ok(prove_plan(net, plan, &proof, NULL));
    assert_proved(&proof);
    assert_int_equal(proof.classes, 0);
    proof_fini(&proof);
    plan_free(plan);
    network_free(net);
}

/* Random networks and circuits: whatever the designer and the compiler make of them, it holds. */
static void
random_networks_are_proved(void **state UNUSED)
{
    for (int round = 0; round < 60; round++) {
        struct network *net = random_designed_network();
        struct plan *plan = plan_of(net);
        struct proof proof;
        assert_ok(prove_plan(net, plan, &proof, NULL));
        assert_proved(&proof);
        proof_fini(&proof);
        plan_free(plan);
        network_free(net);
    }
}

/* ---- Faults: a copy of all rules, in which one is spoilt ---- */

static void
judge(struct tables *t, const char *extra_node, const struct flow *extra, struct proof *proof)
{
    struct prover *p = prover_new(t->net);
    for (uint32_t i = 0; i < t->n; i++) {
        struct rule rule = table_rule(t, i);
        if (!t->rules[i].removed)
            assert_ok(prover_put(p, t->rules[i].node, &rule));
    }
    if (extra) {
        struct rule rule = {.kind = RULE_FLOW, .flow = extra};
        assert_ok(prover_put(p, extra_node, &rule));
    }
    assert_ok(prover_allow_all(p, NULL));
    prover_judge(p);
    prover_report(p, 0, proof);
    prover_free(p);
}

/* The rule of a circuit at a node whose text has both parts. */
static struct flow *
rule_at(struct tables *t, const char *node, const char *circuit, const char *a, const char *b)
{
    struct flow *found = NULL;
    uint32_t number = network_design(t->net, circuit)->number;
    for (uint32_t i = 0; i < t->n; i++) {
        struct buf out = BUF_INIT;
        if (t->rules[i].kind != RULE_FLOW || strcmp(t->rules[i].node, node) ||
            cookie_number(t->rules[i].flow.cookie) != number)
            continue;
        flow_format(&t->rules[i].flow, &out);
        if (strstr(buf_cstr(&out), a) && strstr(buf_cstr(&out), b)) {
            assert_null(found);
            found = &t->rules[i].flow;
        }
        buf_fini(&out);
    }
    assert_non_null(found);
    return found;
}

static struct action *
last_action(struct flow *flow)
{
    return &flow->apply.list[flow->apply.n - 1];
}

static void
assert_caught(struct tables *t, const char *node, const struct flow *extra,
              enum violation_kind kind, const char *says)
{
    struct proof proof;
    bool caught = false;
    judge(t, node, extra, &proof);
    for (uint32_t i = 0; i < proof.n; i++)
        caught |= proof.violations[i].kind == kind && strstr(proof.violations[i].text, says) &&
                  (kind == VIOLATION_LOSS || proof.violations[i].rule) &&
                  proof.violations[i].packet;
    if (!caught) {
        struct buf text = BUF_INIT;
        proof_format(&proof, &text);
        fail_msg("%s", buf_cstr(&text));
    }
    proof_fini(&proof);
    free_tables(t);
}

static int
open_lab(void **state)
{
    struct network *net = lab_with_circuits();
    design_all(net);
    *state = net;
    return 0;
}

static int
close_lab(void **state)
{
    network_free(*state);
    return 0;
}

static void
catches_a_rule_that_lets_in_too_much(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow *f = rule_at(&t, "cc1", "scada-a", "in_port=3,", "tcp");
    memset(flow_key_field(&f->match.value, FIELD_TCP_DST), 0, 2);
    memset(flow_key_field(&f->match.mask, FIELD_TCP_DST), 0, 2);
    assert_caught(&t, NULL, NULL, VIOLATION_LEAK, "lets in what no circuit allows");
}

static void
catches_an_output_too_many(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow *f = rule_at(&t, "a2", "scada-a", "in_port=1,", "tcp_dst");
    actions_output(&f->apply, 4); /* eng-a */
    assert_caught(&t, NULL, NULL, VIOLATION_LEAK,
                  "circuit \"scada-a\" comes out at a2 port 4 (eng-a)");
}

static void
catches_a_wrong_output(void **state)
{
    struct tables t = copy_tables(*state);
    last_action(rule_at(&t, "wan3", "trip", "in_port=4,", "eth_type=0x88b8"))->id = 1;
    assert_caught(&t, NULL, NULL, VIOLATION_LOSS, "does not arrive");
}

static void
catches_a_rule_from_anywhere(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow *f = rule_at(&t, "a2", "scada-a", "in_port=1,", "tcp_dst");
    memset(flow_key_field(&f->match.value, FIELD_IN_PORT), 0, 4);
    memset(flow_key_field(&f->match.mask, FIELD_IN_PORT), 0, 4);
    assert_caught(&t, NULL, NULL, VIOLATION_LEAK, "lets in what no circuit allows");
}

static void
catches_a_rule_that_shadows(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow drop = {.priority = 5000};
    struct diag diag;
    assert_ok(match_parse("in_port=1,eth_type=0x0800", &drop.match, &diag));
    assert_caught(&t, "a2", &drop, VIOLATION_LOSS, "circuit \"scada-a\"");
}

static void
catches_a_wrong_bucket(void **state)
{
    struct tables t = copy_tables(*state);
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.rules[i].kind == RULE_GROUP && !strcmp(t.rules[i].node, "cc1") &&
            t.rules[i].group.buckets[1].actions.list[0].id == 2)
            t.rules[i].group.buckets[1].actions.list[0].id = 3; /* fep itself */
    }
    assert_caught(&t, NULL, NULL, VIOLATION_LOSS, "circuit \"scada-a\"");
}

static void
catches_a_missing_meter(void **state)
{
    struct tables t = copy_tables(*state);
    rule_at(&t, "cc1", "scada-a", "in_port=3,", "tcp")->meter_id = 0;
    assert_caught(&t, NULL, NULL, VIOLATION_UNMETERED, "enters node cc1 without its meter");
}

static void
catches_a_wrong_queue(void **state)
{
    struct tables t = copy_tables(*state);
    rule_at(&t, "wan1", "scada-a", "in_port=1,", "tcp_dst")->apply.list[0].id = 1;
    assert_caught(&t, NULL, NULL, VIOLATION_QUEUE, "leaves node wan1 by queue 1");
}

static void
catches_a_loop(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow *f = rule_at(&t, "wan4", "scada-a", "in_port=2,", "tcp_dst");
    last_action(f)->type = ACTION_OUTPUT;
    last_action(f)->id = PORT_IN_PORT;
    struct flow back = {.priority = 3000};
    struct diag diag;
    assert_ok(match_parse("in_port=3,eth_type=0x0800,ip_proto=6,tcp_dst=502", &back.match, &diag));
    actions_output(&back.apply, PORT_IN_PORT);
    assert_caught(&t, "wan1", &back, VIOLATION_LOOP, "comes back to where it was");
    flow_fini(&back);
}

static void
catches_a_rule_nobody_planned(void **state)
{
    struct tables t = copy_tables(*state);
    struct flow extra = {.priority = 7};
    struct diag diag;
    assert_ok(match_parse("in_port=4", &extra.match, &diag));
    actions_output(&extra.apply, 3);
    assert_caught(&t, "a2", &extra, VIOLATION_LEAK,
                  "node a2 port 4 (eng-a) lets in what no circuit");
    flow_fini(&extra);
}

static void
does_not_trust_what_it_cannot_follow(void **state)
{
    struct tables t = copy_tables(*state);
    rule_at(&t, "wan1", "scada-a", "in_port=1,", "tcp_dst")->has_goto = true;
    assert_caught(&t, NULL, NULL, VIOLATION_UNJUDGED, "more than one table");
}

#define WITH_LAB(test) cmocka_unit_test_setup_teardown(test, open_lab, close_lab)

TEST_MAIN(cmocka_unit_test(the_lab_s_circuits_are_proved),
          cmocka_unit_test(an_empty_network_passes_nothing),
          cmocka_unit_test(random_networks_are_proved),
          WITH_LAB(catches_a_rule_that_lets_in_too_much), WITH_LAB(catches_an_output_too_many),
          WITH_LAB(catches_a_wrong_output), WITH_LAB(catches_a_rule_from_anywhere),
          WITH_LAB(catches_a_rule_that_shadows), WITH_LAB(catches_a_wrong_bucket),
          WITH_LAB(catches_a_missing_meter), WITH_LAB(catches_a_wrong_queue),
          WITH_LAB(catches_a_loop), WITH_LAB(catches_a_rule_nobody_planned),
          WITH_LAB(does_not_trust_what_it_cannot_follow))
