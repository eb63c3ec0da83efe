/* What nodes hold and nobody ordered: noticed, told, and repaired or left by policy. */
#include "switch.h"

struct bench {
    struct centre *centre;
    struct plant *plant;
    struct sw *sw; /* wan4: between two others */
    uint32_t number;
};

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    test_tcp(net, "scada", "fep", "rtu-a", 2404);
    test_goose(net, "trip", "relay-a1", "relay-a2 rtu-a");
    b->centre = centre_new(net);
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    plant_build(b->plant);
    centre_build(b->centre, "scada trip");
    b->sw = plant_switch(b->plant, "wan4");
    b->number = network_design(net, "scada")->number;
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    plant_free(b->plant);
    centre_free(b->centre);
    free(b);
    return 0;
}

struct any_flow {
    uint32_t number;
    struct flow flow;
};

static void
keep_flow(void *arg, struct entry *e)
{
    struct any_flow *any = arg;
    if (cookie_number(e->cookie) != any->number || any->flow.priority)
        return;
    any->flow = (struct flow){.priority = e->priority, .cookie = e->cookie};
    entry_match(e, &any->flow.match);
}

/* Some rule of the circuit at the switch: enough to name it. */
static struct flow
some_flow(struct bench *b)
{
    struct any_flow any = {.number = b->number};
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    datapath_each_flow(b->sw->dp, &request, keep_flow, &any);
    assert_true(any.flow.priority > 0);
    return any.flow;
}

static bool
has_flow(struct sw *sw, const struct flow *flow)
{
    return flow_table_find(&sw->dp->tables[0], flow->priority, &flow->match) != NULL;
}

static struct flow
foreign_flow(void)
{
    struct flow flow = {.priority = 3000, .cookie = 0xbad};
    match_set(&flow.match, FIELD_IN_PORT, 1);
    return flow;
}

static void
policy(struct bench *b, enum drift_policy missing, enum drift_policy foreign)
{
    b->centre->state->network->settings.missing_rule = missing;
    b->centre->state->network->settings.foreign_rule = foreign;
}

static const char *
evidence(struct bench *b, const char *kind, const char *member)
{
    const struct exception *e = centre_exception(b->centre, kind, "node/wan4");
    assert_non_null(e);
    return json_string_value(json_object_get(e->evidence, member));
}

static int
repaired(struct bench *b, const char *member)
{
    const struct note *n = centre_event(b->centre, "node.repaired", "node/wan4");
    return (int)json_integer_value(json_object_get(n->body, member));
}

static void
check_deleted_rule_is_restored(struct bench *b)
{
    struct flow flow = some_flow(b);
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &flow);
    assert_false(has_flow(b->sw, &flow));
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_true(has_flow(b->sw, &flow));
    assert_int_equal(repaired(b, "added"), 1);
    assert_int_equal(repaired(b, "removed"), 0);
    assert_int_equal(repaired(b, "changed"), 0);
    assert_true(json_integer_value(json_object_get(
                    centre_event(b->centre, "node.repaired", NULL)->body, "duration-ns")) > 0);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "rule-missing", "node/wan4") &&
                                   !centre_is_open(b->centre, "rule-missing", "node/wan4"));
    assert_string_equal(evidence(b, "rule-missing", "rules"), "1");
    assert_string_equal(evidence(b, "rule-missing", "policy"), "repair");
    assert_non_null(strstr(evidence(b, "rule-missing", "examples"), "table=0,priority=1000"));
    assert_non_null(strstr(evidence(b, "rule-missing", "proof"), "does not arrive"));
}

static void
a_deleted_rule_is_restored(void **state)
{
    check_deleted_rule_is_restored(*state);
}

static void
check_foreign_rule_is_removed(struct bench *b)
{
    struct flow flow = foreign_flow();
    sw_flow_mod(b->sw, FLOW_ADD, &flow);
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_false(has_flow(b->sw, &flow));
    assert_int_equal(repaired(b, "added"), 0);
    assert_int_equal(repaired(b, "removed"), 1);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "rule-foreign", "node/wan4") &&
                                   !centre_is_open(b->centre, "rule-foreign", "node/wan4"));
    assert_non_null(strstr(evidence(b, "rule-foreign", "examples"), "cookie=0xbad"));
    assert_non_null(evidence(b, "rule-foreign", "proof"));
    assert_int_equal(centre_exception(b->centre, "rule-foreign", "node/wan4")->severity,
                     EXCEPTION_CRITICAL);
}

static void
a_foreign_rule_is_removed(void **state)
{
    check_foreign_rule_is_removed(*state);
}

static struct sw *
without_monitor(struct bench *b)
{
    uint32_t before = b->centre->n_notes;
    sw_disconnect(b->sw);
    b->sw->no_monitor = true;
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.lost", "node/wan4"));
    sw_connect(b->sw);
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.adopted", "node/wan4"));
    struct answer a = centre_ask(b->centre, "lan.nodes", json_object());
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(a.value, "nodes"), i, row)
    {
        bool is_it = !strcmp(json_string_value(json_object_get(row, "name")), "wan4");
        assert_int_equal(json_is_true(json_object_get(row, "monitor")), !is_it);
    }
    answer_fini(&a);
    return b->sw;
}

static void
a_deleted_rule_is_restored_without_a_monitor(void **state)
{
    without_monitor(*state);
    check_deleted_rule_is_restored(*state);
}

static void
a_foreign_rule_is_removed_without_a_monitor(void **state)
{
    without_monitor(*state);
    check_foreign_rule_is_removed(*state);
}

/* With another effect, or another cookie. */
static void
a_changed_rule_is_restored(void **state)
{
    struct bench *b = *state;
    struct flow flow = some_flow(b);
    flow.cookie++;
    sw_flow_mod(b->sw, FLOW_ADD, &flow); /* and it does nothing any more */
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_int_equal(repaired(b, "added"), 0);
    assert_int_equal(repaired(b, "changed"), 1);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "rule-missing", "node/wan4"));
    assert_non_null(strstr(evidence(b, "rule-missing", "examples"), "(changed) "));
}

/* Groups and meters have no monitor. */
static void
a_changed_meter_is_restored(void **state)
{
    struct bench *b = *state;
    struct sw *sw = plant_switch(b->plant, "cc1");
    struct band band = {BAND_DROP, 0, 1, 1};
    struct meter meter = {2 * b->number, METER_KBPS | METER_BURST, 1, &band};
    if (dp_failed(datapath_meter_mod(sw->dp, METER_MODIFY, &meter, clock_monotonic()))) {
        meter.meter_id++;
        assert_false(dp_failed(datapath_meter_mod(sw->dp, METER_MODIFY, &meter, 0)));
    }
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/cc1"));
    const struct note *n = centre_event(b->centre, "node.repaired", "node/cc1");
    assert_int_equal(json_integer_value(json_object_get(n->body, "changed")), 1);
}

static void
a_foreign_group_is_removed(void **state)
{
    struct bench *b = *state;
    struct bucket bucket = {.watch_port = PORT_ANY, .watch_group = GROUP_ANY};
    struct group group = {4000000, GROUP_TYPE_ALL, 1, &bucket};
    assert_false(dp_failed(datapath_group_mod(b->sw->dp, GROUP_ADD, &group, clock_monotonic())));
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_int_equal(repaired(b, "removed"), 1);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "rule-foreign", "node/wan4"));
    assert_non_null(strstr(evidence(b, "rule-foreign", "examples"), "group="));
}

/* By policy it is told only: once, however often it is seen, and again when it becomes another. */
static void
is_only_reported_if_the_policy_says_so(void **state)
{
    struct bench *b = *state;
    policy(b, DRIFT_REPORT, DRIFT_REPORT);
    struct flow gone = some_flow(b), foreign = foreign_flow();
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &gone);
    sw_flow_mod(b->sw, FLOW_ADD, &foreign);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "rule-missing", "node/wan4") &&
                                   centre_is_open(b->centre, "rule-foreign", "node/wan4"));
    assert_string_equal(evidence(b, "rule-foreign", "policy"), "report");
    for (int i = 0; i < 3; i++) {
        struct answer a = centre_ask(b->centre, "lan.readback",
                                     json_pack("{s[s]}", "nodes", "wan4"));
        assert_true(json_is_false(json_object_get(a.value, "ok")));
        answer_fini(&a);
    }
    assert_true(has_flow(b->sw, &foreign));
    assert_false(has_flow(b->sw, &gone));
    assert_null(centre_event(b->centre, "node.repaired", NULL));
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 2);
    /* Ordered things are done all the same. */
    centre_tell_wanted(b->centre, "circuit.unwanted", "trip");
    struct answer a = centre_ask(b->centre, "lan.remove", json_pack("{s[s]}", "circuits", "trip"));
    assert_ok(a.err);
    answer_fini(&a);
    assert_null(centre_event(b->centre, "node.repaired", NULL));
    assert_true(has_flow(b->sw, &foreign));
    /* And it ends when the other side mends it. */
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &foreign);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "rule-foreign", "node/wan4"));
    assert_true(centre_is_open(b->centre, "rule-missing", "node/wan4"));
}

/* One policy does not stand for the other. */
static void
policies_are_apart(void **state)
{
    struct bench *b = *state;
    policy(b, DRIFT_REPAIR, DRIFT_REPORT);
    struct flow gone = some_flow(b), foreign = foreign_flow();
    sw_flow_mod(b->sw, FLOW_ADD, &foreign);
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &gone);
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_true(has_flow(b->sw, &gone));
    assert_true(has_flow(b->sw, &foreign));
    assert_int_equal(repaired(b, "removed"), 0);
}

static void
restart_switch(struct bench *b)
{
    const struct flow all = {.table_id = TABLE_ALL};
    const struct group groups = {.group_id = GROUP_ALL};
    const struct meter meters = {.meter_id = METER_ALL};
    sw_disconnect(b->sw);
    sw_flow_mod(b->sw, FLOW_DELETE, &all);
    assert_false(dp_failed(datapath_group_mod(b->sw->dp, GROUP_DELETE, &groups, 0)));
    assert_false(dp_failed(datapath_meter_mod(b->sw->dp, METER_DELETE, &meters, 0)));
    assert_int_equal(sw_count_flows(b->sw), 0);
    sw_connect(b->sw);
}

/* A box that was restarted: its rules come back, and it is said that it had lost them, not that
 * somebody took them. */
static void
an_empty_node_gets_everything_back(void **state)
{
    struct bench *b = *state;
    uint32_t before = b->centre->n_notes, n = sw_count_flows(b->sw);
    restart_switch(b);
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.repaired", "node/wan4"));
    assert_int_equal(sw_count_flows(b->sw), n);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "node-restarted", "node/wan4") &&
                                   !centre_is_open(b->centre, "node-restarted", "node/wan4"));
    const struct exception *e = centre_exception(b->centre, "node-restarted", "node/wan4");
    assert_int_equal(e->severity, EXCEPTION_MINOR);
    assert_non_null(strstr(e->text, "it was restarted"));
    assert_null(centre_exception(b->centre, "rule-missing", "node/wan4"));
}

/* Where rules are left to people, what they are asked about is what is missing, and why. */
static void
an_empty_node_is_left_to_people_where_the_policy_says_so(void **state)
{
    struct bench *b = *state;
    policy(b, DRIFT_REPORT, DRIFT_REPORT);
    restart_switch(b);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "rule-missing", "node/wan4"));
    assert_non_null(
        strstr(centre_exception(b->centre, "rule-missing", "node/wan4")->text, "it was restarted"));
    assert_null(centre_exception(b->centre, "node-restarted", "node/wan4"));
}

/* After a restart of the controller the policy still holds for what an earlier life had confirmed.
 */
static void
a_restart_forgets_no_policy(void **state)
{
    struct bench *b = *state;
    policy(b, DRIFT_REPORT, DRIFT_REPORT);
    centre_stop_controller(b->centre);
    struct flow gone = some_flow(b), foreign = foreign_flow();
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &gone);
    sw_flow_mod(b->sw, FLOW_ADD, &foreign);
    centre_start_controller(b->centre);
    sw_connect(b->sw);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "rule-missing", "node/wan4") &&
                                   centre_is_open(b->centre, "rule-foreign", "node/wan4"));
    struct answer a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "nodes", "wan4"));
    assert_int_equal(json_array_size(json_object_get(a.value, "differences")), 2);
    answer_fini(&a);
    assert_false(has_flow(b->sw, &gone));
    assert_true(has_flow(b->sw, &foreign));
}

static json_int_t
rules_judged(struct bench *b)
{
    struct answer a = centre_ask(b->centre, "lan.prove", json_object());
    json_int_t n = json_integer_value(json_object_get(a.value, "rules"));
    assert_ok(a.err);
    answer_fini(&a);
    return n;
}

/* Each time it comes back with one rule less, as the first that is known of its connection: that
 * is not what was judged of the connection before, wherever that was in memory. */
static void
the_proof_is_of_the_tables_of_this_connection(void **state)
{
    struct bench *b = *state;
    policy(b, DRIFT_REPORT, DRIFT_REPORT);
    centre_stop_controller(b->centre);
    centre_start_controller(b->centre);
    for (int i = 0; i < 5; i++) {
        uint32_t before = b->centre->n_notes;
        sw_connect(b->sw);
        RUN_UNTIL(b->centre->loop,
                  centre_event_since(b->centre, before, "node.adopted", "node/wan4"));
        assert_int_equal(rules_judged(b), sw_count_flows(b->sw));
        sw_disconnect(b->sw);
        RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.lost", "node/wan4"));
        struct flow gone = some_flow(b);
        sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &gone);
    }
}

/* Somebody who adds rules as fast as the controller takes them away. */
static void
a_flood_of_foreign_rules_is_removed(void **state)
{
    struct bench *b = *state;
    uint32_t n = sw_count_flows(b->sw);
    for (uint16_t i = 0; i < 3000; i++) {
        struct flow flow = foreign_flow();
        match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&flow.match, FIELD_IP_PROTO, IP_PROTO_TCP);
        match_set(&flow.match, FIELD_TCP_DST, i);
        sw_flow_mod(b->sw, FLOW_ADD, &flow);
    }
    RUN_UNTIL(b->centre->loop, sw_count_flows(b->sw) == n);
    RUN_UNTIL(b->centre->loop, centre_exception(b->centre, "rule-foreign", "node/wan4") &&
                                   !centre_is_open(b->centre, "rule-foreign", "node/wan4"));
}

/* It works on when the repair itself fails. */
static void
a_repair_that_is_refused_is_tried_again(void **state)
{
    struct bench *b = *state;
    struct flow gone = some_flow(b);
    sw_flow_mod(b->sw, FLOW_DELETE_STRICT, &gone);
    b->sw->dp->limits.flows = b->sw->dp->n_flows;
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "rule-missing", "node/wan4"));
    struct answer a = centre_ask(b->centre, "lan.repair", json_pack("{s[s]}", "nodes", "wan4"));
    assert_ok(a.err);
    assert_int_equal(json_integer_value(json_object_get(a.value, "added")), 0);
    answer_fini(&a);
    b->sw->dp->limits.flows = 1000;
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.repaired", "node/wan4"));
    assert_true(has_flow(b->sw, &gone));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        T(a_deleted_rule_is_restored),
        T(a_foreign_rule_is_removed),
        T(a_deleted_rule_is_restored_without_a_monitor),
        T(a_foreign_rule_is_removed_without_a_monitor),
        T(a_changed_rule_is_restored),
        T(a_changed_meter_is_restored),
        T(a_foreign_group_is_removed),
        T(is_only_reported_if_the_policy_says_so),
        T(policies_are_apart),
        T(an_empty_node_gets_everything_back),
        T(an_empty_node_is_left_to_people_where_the_policy_says_so),
        T(a_restart_forgets_no_policy),
        T(the_proof_is_of_the_tables_of_this_connection),
        T(a_flood_of_foreign_rules_is_removed),
        T(a_repair_that_is_refused_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
