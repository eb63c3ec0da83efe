/* The prover as it is used: kept for long, told of changes one rule at a time. */
#include "engineer/certificate.h"
#include "engineer/prove_testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RULE_CHANGES 10000 /* under a sanitizer each takes ten times as long */
#else
#define RULE_CHANGES 100000
#endif

/* The plan, the prover and the certifier of a network whose circuits come and go. */
struct kept {
    struct network *net;
    struct plan *plan;
    struct prover *prover;
    struct certifier *certifier;
    uint32_t n_rules;
};

static void
assert_holds(struct kept *k, const char *when)
{
    struct proof proof;
    if (!prover_judge(k->prover))
        return;
    struct buf text = BUF_INIT;
    prover_report(k->prover, 5, &proof);
    proof_format(&proof, &text);
    fail_msg("%s: %s", when, buf_cstr(&text));
}

/* Each of the changes on its own, in the order in which they are pushed. */
static void
apply(struct kept *k, struct plan_changes *changes)
{
    prover_begin_update(k->prover);
    for (uint32_t i = 0; i < changes->n; i++) {
        const struct plan_change *c = &changes->list[i];
        if (c->add)
            assert_ok(prover_put(k->prover, c->node, &c->rule));
        else
            assert_ok(prover_remove(k->prover, c->node, &c->rule));
        k->n_rules++;
        assert_holds(k, "in the middle of an update");
    }
    prover_end_update(k->prover);
}

static void
certify_all(struct kept *k, const struct plan_changes *changes)
{
    for (uint32_t i = 0; i < changes->n; i++) {
        const struct plan_change *c = &changes->list[i];
        struct certificate result;
        const struct rule_lookup lookup = rule_lookup_in(plan_ruleset(k->plan, c->node));
        if (!c->add || c->rule.kind != RULE_FLOW)
            continue;
        assert_ok(certify(k->certifier, c->node, c->rule.flow, &lookup, &result));
        if (result.kind == REFUSED) {
            struct buf text = BUF_INIT;
            rule_format(&c->rule, &text);
            fail_msg("node %s: %s: %s", c->node, buf_cstr(&text), result.text);
        }
    }
}

static void
add(struct kept *k, const struct circuit *c)
{
    struct plan_changes changes = {0};
    struct diag diag;
    const struct design *d = network_design(k->net, c->name);
    assert_ok(prover_allow(k->prover, c, d, &diag));
    if (certifier_allow(k->certifier, c, d, &diag))
        fail_msg("%s", diag.text);
    assert_ok(plan_add_circuit(k->plan, k->net, c, d, &changes, &diag));
    apply(k, &changes);
    assert_holds(k, "a circuit has come");
    certify_all(k, &changes);
    plan_changes_free(&changes); /* the plan keeps the rules */
}

static void
take_out(struct kept *k, const struct circuit *c)
{
    struct plan_changes changes = {0};
    plan_remove_circuit(k->plan, k->net, c, network_design(k->net, c->name), &changes);
    apply(k, &changes);
    prover_judge(k->prover);
    assert_ok(prover_forbid(k->prover, c->name));
    assert_ok(certifier_forbid(k->certifier, c->name));
    assert_holds(k, "a circuit has gone");
    plan_changes_free(&changes);
}

/* What was told of all changes says what one says that is told of the result. */
static void
assert_like_new(struct kept *k, const bool *in)
{
    struct prover *p = prover_new(k->net);
    uint32_t i = 0;
    assert_ok(prover_put_plan(p, k->plan));
    for (const struct circuit *c = k->net->circuits; c; c = c->hh.next, i++) {
        if (in[i])
            assert_ok(prover_allow(p, c, network_design(k->net, c->name), NULL));
    }
    char *kept = report_of(k->prover), *new = report_of(p);
    assert_string_equal(kept, new);
    free(kept);
    free(new);
    prover_free(p);
}

static uint32_t
circuits_come_and_go(struct network *net, int steps)
{
    struct kept k = {
        .net = net, .plan = plan_new(), .prover = prover_new(net), .certifier = certifier_new(net)};
    bool *in = xcalloc(HASH_COUNT(net->circuits), sizeof *in);
    for (const struct node *node = net->nodes; node; node = node->hh.next)
        assert_ok(plan_add_node(k.plan, node, NULL, NULL));
    assert_ok(prover_put_plan(k.prover, k.plan));
    for (int step = 0; step < steps; step++) {
        uint32_t i = draw(HASH_COUNT(net->circuits)), at = 0;
        const struct circuit *c = net->circuits;
        while (at++ < i)
            c = c->hh.next;
        if (in[i])
            take_out(&k, c);
        else
            add(&k, c);
        in[i] = !in[i];
        if (step % 10 == 0)
            assert_like_new(&k, in);
    }
    prover_free(k.prover);
    certifier_free(k.certifier);
    plan_free(k.plan);
    free(in);
    return k.n_rules;
}

static void
no_false_alarm_in_legitimate_changes(void **state UNUSED)
{
    uint32_t n = 0, networks = 0;
    struct network *lab = lab_with_circuits();
    design_all(lab);
    n += circuits_come_and_go(lab, 60);
    network_free(lab);
    while (n < RULE_CHANGES) {
        struct network *net = random_designed_network();
        n += circuits_come_and_go(net, 60);
        network_free(net);
        networks++;
    }
    print_message("%u changes of single rules in %u networks\n", n, networks + 1);
}

/* ---- Updates that are not safe in every mixture ---- */

static void
parse_flow(struct flow *f, const char *match, uint32_t output)
{
    struct diag diag;
    *f = (struct flow){.priority = PRIORITY_CONVERSATION, .has_apply = true};
    if (match_parse(match, &f->match, &diag))
        fail_msg("%s", diag.text);
    actions_output(&f->apply, output);
}

static void
put_flow(struct prover *p, const char *node, const struct flow *f)
{
    struct rule rule = rule_of_flow(f);
    assert_ok(prover_put(p, node, &rule));
}

/* Before, n1 sends to n2, whose host gets it. After, n2 sends it back, and n1 on to a host of its
 * own. If n2 has its new rule before n1 has its, the packet goes to and fro. */
static void
assert_finds_the_loop(bool taken_out_first)
{
    struct network *net = network_new();
    struct flow there, back_old, back_new, far_old, far_new;
    test_link(net, "n1", "n2", 10, 1000000);
    test_host(net, "h1", "n1", 1, 10);
    test_host(net, "h2", "n2", 1, 11);
    test_tcp(net, "c", "h1", "h2", 502);
    design_all(net);
    struct prover *p = prover_new(net);
    assert_ok(prover_allow_all(p, NULL));
    parse_flow(&there, "in_port=2", 1);
    parse_flow(&back_old, "in_port=1", PORT_IN_PORT);
    parse_flow(&back_new, "in_port=1", 2);
    parse_flow(&far_old, "in_port=1", 2);
    parse_flow(&far_new, "in_port=1", PORT_IN_PORT);
    put_flow(p, "n1", &there);
    put_flow(p, "n1", &back_old);
    put_flow(p, "n2", &far_old);
    char *before = report_of(p);
    assert_null(strstr(before, "loop:"));
    prover_begin_update(p);
    if (taken_out_first) {
        struct rule rule = rule_of_flow(&back_old);
        assert_ok(prover_remove(p, "n1", &rule));
    }
    put_flow(p, "n1", &back_new);
    put_flow(p, "n2", &far_new);
    char *during = report_of(p);
    assert_non_null(strstr(during, "loop:"));
    assert_non_null(strstr(during, "some rules old and some new"));
    prover_end_update(p);
    char *after = report_of(p);
    assert_null(strstr(after, "loop:"));
    free(before);
    free(during);
    free(after);
    prover_free(p);
    struct flow *const flows[] = {&there, &back_old, &back_new, &far_old, &far_new};
    for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
        flow_fini(flows[i]);
    network_free(net);
}

static void
finds_the_loop_in_the_middle_of_an_update(void **state UNUSED)
{
    assert_finds_the_loop(false);
}

static void
a_rule_that_is_taken_out_and_put_in_otherwise_may_still_be_what_it_was(void **state UNUSED)
{
    assert_finds_the_loop(true);
}

/* As long as it drops them it needs no meter. */
static void
a_rule_that_drops_may_become_one_that_forwards(void **state UNUSED)
{
    struct network *net = lab_with_circuits();
    design_all(net);
    struct tables t = copy_tables(net);
    struct prover *p = prover_new(net);
    uint32_t i = 0, n = 0;
    assert_ok(prover_put_plan(p, t.plan));
    assert_ok(prover_allow_all(p, NULL));
    for (; i < t.n; i++) {
        const struct flow *f = &t.rules[i].flow;
        if (t.rules[i].kind != RULE_FLOW || !f->meter_id)
            continue;
        struct flow drops = {.priority = f->priority, .match = f->match};
        put_flow(p, t.rules[i].node, &drops);
        prover_judge(p);
        prover_begin_update(p);
        put_flow(p, t.rules[i].node, f);
        char *during = report_of(p);
        assert_null(strstr(during, "unmetered:"));
        prover_end_update(p);
        assert_int_equal(prover_judge(p), 0);
        free(during);
        n++;
    }
    assert_true(n > 0);
    prover_free(p);
    free_tables(&t);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(no_false_alarm_in_legitimate_changes),
          cmocka_unit_test(finds_the_loop_in_the_middle_of_an_update),
          cmocka_unit_test(a_rule_that_is_taken_out_and_put_in_otherwise_may_still_be_what_it_was),
          cmocka_unit_test(a_rule_that_drops_may_become_one_that_forwards))
