/* How rules get into nodes and out of them: the phases of a push, what happens when a node fails in
 * the middle, read-back, and restarts of the controller. */
#include "switch.h"

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static void
add_circuits(struct network *net)
{
    test_tcp(net, "scada", "fep", "rtu-a", 2404);
    test_tcp(net, "hist", "hist", "rtu-a", 502);
    test_tcp(net, "other", "fep", "rtu-b", 2404);
    test_goose(net, "trip", "relay-a1", "relay-a2 rtu-a");
}

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    add_circuits(net);
    b->centre = centre_new(net);
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    plant_build(b->plant);
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

static uint32_t
number_of(struct bench *b, const char *circuit)
{
    return network_design(b->centre->state->network, circuit)->number;
}

/* The node has nothing to do and holds what it should. */
static bool
is_in_sync(struct bench *b, const char *name)
{
    struct answer a = centre_ask(b->centre, "lan.nodes", json_object());
    size_t i;
    json_t *row;
    bool in_sync = false;
    json_array_foreach(json_object_get(a.value, "nodes"), i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "name")), name))
            in_sync = json_is_true(json_object_get(row, "in-sync"));
    }
    answer_fini(&a);
    return in_sync;
}

static void
settle(struct bench *b)
{
    for (uint32_t i = 0; i < b->plant->n_switches; i++) {
        while (!is_in_sync(b, b->plant->switches[i]->name))
            uv_run(b->centre->loop, UV_RUN_ONCE);
    }
}

/* Flow entries of a circuit in all switches. */
struct count {
    uint32_t number, n;
};

static void
count_entry(void *arg, struct entry *e)
{
    struct count *c = arg;
    c->n += cookie_number(e->cookie) == c->number;
}

static uint32_t
count_rules(struct bench *b, uint32_t number, const char *node)
{
    struct count c = {number, 0};
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    for (uint32_t i = 0; i < b->plant->n_switches; i++) {
        if (!node || !strcmp(b->plant->switches[i]->name, node))
            datapath_each_flow(b->plant->switches[i]->dp, &request, count_entry, &c);
    }
    return c.n;
}

/* What was sent about a circuit from `from` on. */
static uint32_t
count_sent(struct bench *b, uint32_t from, uint32_t number, bool remove, bool entry)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < b->plant->n_sent; i++) {
        const struct sent_rule *s = &b->plant->sent[i];
        n += s->number == number && s->remove == remove && s->entry == entry;
    }
    return n;
}

static uint32_t
last_sent(struct bench *b, uint32_t number, bool remove, bool entry)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < b->plant->n_sent; i++) {
        const struct sent_rule *s = &b->plant->sent[i];
        if (s->number == number && s->remove == remove && s->entry == entry)
            last = i + 1;
    }
    return last;
}

static uint32_t
first_sent(struct bench *b, uint32_t number, bool remove, bool entry)
{
    for (uint32_t i = 0; i < b->plant->n_sent; i++) {
        const struct sent_rule *s = &b->plant->sent[i];
        if (s->number == number && s->remove == remove && s->entry == entry)
            return i + 1;
    }
    return 0;
}

static void
a_push_is_answered_when_all_nodes_have_confirmed(void **state)
{
    struct bench *b = *state;
    centre_reserve(b->centre, "scada");
    centre_tell_wanted(b->centre, "circuit.wanted", "scada");
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    uint32_t number = number_of(b, "scada");
    json_int_t n_rules = json_integer_value(json_object_get(a.value, "rules"));
    assert_true(n_rules >= count_rules(b, number, NULL));
    assert_true(count_rules(b, number, "cc1") > 0);
    assert_true(count_rules(b, number, "a2") > 0);
    assert_true(json_array_size(json_object_get(a.value, "nodes")) >= 3);
    answer_fini(&a);
    a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    assert_true(json_is_true(json_object_get(a.value, "ok")));
    answer_fini(&a);
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 0);
}

static void
entries_come_last_and_go_first(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "scada trip");
    for (unsigned i = 0; i < 2; i++) {
        uint32_t number = number_of(b, i ? "trip" : "scada");
        assert_true(count_sent(b, 0, number, false, true) > 0);
        assert_true(last_sent(b, number, false, false) < first_sent(b, number, false, true));
    }
    uint32_t scada = number_of(b, "scada"), before = b->plant->n_sent;
    centre_tell_wanted(b->centre, "circuit.unwanted", "scada");
    struct answer a = centre_ask(b->centre, "lan.remove", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    answer_fini(&a);
    assert_int_equal(count_rules(b, scada, NULL), 0);
    assert_true(last_sent(b, scada, true, true) < first_sent(b, scada, true, false));
    assert_int_equal(count_sent(b, before, scada, false, false), 0);
    a = centre_ask(b->centre, "lan.readback",
                   json_pack("{s[s] sb}", "circuits", "scada", "removed", 1));
    assert_ok(a.err);
    assert_true(json_is_true(json_object_get(a.value, "ok")));
    answer_fini(&a);
    assert_true(count_rules(b, number_of(b, "trip"), NULL) > 0);
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 0);
}

/* One node takes its time: nobody lets traffic in before it has confirmed. */
static void
entries_wait_for_the_slowest_node(void **state)
{
    struct bench *b = *state;
    struct answer a;
    struct sw *slow = plant_switch(b->plant, "wan4");
    settle(b);
    centre_reserve(b->centre, "scada");
    uint32_t number = number_of(b, "scada"), before = b->plant->n_sent;
    slow->mute = true;
    centre_tell_wanted(b->centre, "circuit.wanted", "scada");
    centre_request(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"), &a);
    RUN_UNTIL(b->centre->loop, count_sent(b, before, number, false, false) &&
                                   count_rules(b, number, "cc1") && slow->unread.size);
    for (int i = 0; i < 50; i++) { /* whatever could happen by itself has time to */
        uv_timer_t *watchdog = watchdog_new(b->centre->loop, "a turn");
        uv_run(b->centre->loop, UV_RUN_NOWAIT);
        watchdog_free(watchdog);
    }
    assert_false(a.done);
    assert_int_equal(count_sent(b, before, number, false, true), 0);
    slow->mute = false;
    sw_run(slow);
    RUN_UNTIL(b->centre->loop, a.done);
    assert_ok(a.err);
    assert_true(count_sent(b, before, number, false, true) > 0);
    answer_fini(&a);
}

/* Not to confirm is to fail, and the answer says who; when the node is back all is brought to its
 * end without being asked again. */
static void
a_node_that_falls_silent_fails_the_push_and_is_caught_up_with(void **state)
{
    struct bench *b = *state;
    struct sw *silent = plant_switch(b->plant, "wan4");
    settle(b);
    centre_reserve(b->centre, "scada");
    uint32_t number = number_of(b, "scada"), before = b->plant->n_sent;
    silent->mute_at = silent->n_mods + 2;
    centre_tell_wanted(b->centre, "circuit.wanted", "scada");
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_true(a.err == ERR_TIMEOUT || a.err == ERR_CLOSED);
    assert_non_null(strstr(a.text, "wan4"));
    assert_int_equal(count_sent(b, before, number, false, true), 0);
    answer_fini(&a);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-lost", "node/wan4"));
    /* Asked while it is away, it says so at once. */
    a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_err(a.err, ERR_CLOSED);
    assert_non_null(strstr(a.text, "wan4 is not connected"));
    answer_fini(&a);
    assert_int_equal(count_sent(b, before, number, false, true), 0);
    sw_connect(silent);
    RUN_UNTIL(b->centre->loop, count_sent(b, before, number, false, true) > 0);
    a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    answer_fini(&a);
    assert_int_equal(centre_count_events(b->centre, "node.repaired", NULL), 0);
}

static void
a_circuit_is_not_let_in_while_a_node_of_it_is_absent(void **state)
{
    struct bench *b = *state;
    struct sw *absent = plant_switch(b->plant, "wan4");
    settle(b);
    sw_disconnect(absent);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-lost", "node/wan4"));
    centre_reserve(b->centre, "scada");
    centre_reserve(b->centre, "other");
    centre_tell_wanted(b->centre, "circuit.wanted", "scada other");
    uint32_t number = number_of(b, "scada");
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_err(a.err, ERR_CLOSED);
    answer_fini(&a);
    /* One that needs it not goes its way. */
    a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "other"));
    if (a.err)
        fail_msg("%s", a.text);
    answer_fini(&a);
    assert_true(count_rules(b, number_of(b, "other"), NULL) > 0);
    assert_int_equal(count_sent(b, 0, number, false, true), 0);
    sw_connect(absent);
    RUN_UNTIL(b->centre->loop, count_sent(b, 0, number, false, true) > 0);
}

/* Its reason, in its words, and it is tried again. */
static void
a_rule_that_a_node_refuses_fails_the_push(void **state)
{
    struct bench *b = *state;
    struct sw *full = plant_switch(b->plant, "wan4");
    settle(b);
    full->dp->limits.flows = full->dp->n_flows;
    centre_reserve(b->centre, "scada");
    centre_tell_wanted(b->centre, "circuit.wanted", "scada");
    uint32_t number = number_of(b, "scada");
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_err(a.err, ERR_DENIED);
    assert_non_null(strstr(a.text, "wan4"));
    assert_non_null(strstr(a.text, "TABLE_FULL"));
    answer_fini(&a);
    assert_int_equal(count_sent(b, 0, number, false, true), 0);
    full->dp->limits.flows = 1000;
    RUN_UNTIL(b->centre->loop, count_sent(b, 0, number, false, true) > 0);
}

static void
says_what_cannot_be_pushed(void **state)
{
    struct bench *b = *state;
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    assert_err(a.err, ERR_NOT_FOUND);
    assert_non_null(strstr(a.text, "scada"));
    answer_fini(&a);
    a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "nodes", "nowhere"));
    assert_err(a.err, ERR_NOT_FOUND);
    answer_fini(&a);
    a = centre_ask(b->centre, "lan.rules", json_pack("{ss}", "node", "nowhere"));
    assert_err(a.err, ERR_NOT_FOUND);
    answer_fini(&a);
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
    any->flow = (struct flow){.table_id = e->table_id, .priority = e->priority};
    entry_match(e, &any->flow.match);
}

/* Some rule of a circuit at a switch: enough to name it. */
static struct flow
some_flow(struct sw *sw, uint32_t number)
{
    struct any_flow any = {.number = number};
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    datapath_each_flow(sw->dp, &request, keep_flow, &any);
    assert_true(any.flow.priority > 0);
    return any.flow;
}

static void
readback_names_each_difference(void **state)
{
    struct bench *b = *state;
    struct sw *sw = plant_switch(b->plant, "wan4");
    centre_build(b->centre, "scada");
    struct settings *settings = &b->centre->state->network->settings;
    settings->missing_rule = settings->foreign_rule = DRIFT_REPORT;
    struct flow flow = some_flow(sw, number_of(b, "scada"));
    sw_flow_mod(sw, FLOW_DELETE_STRICT, &flow);
    struct flow foreign = {.priority = 77, .cookie = 42};
    match_set(&foreign.match, FIELD_IN_PORT, 1);
    sw_flow_mod(sw, FLOW_ADD, &foreign);
    struct answer a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "nodes", "wan4"));
    assert_ok(a.err);
    assert_true(json_is_false(json_object_get(a.value, "ok")));
    json_t *differences = json_object_get(a.value, "differences");
    assert_int_equal(json_array_size(differences), 2);
    assert_non_null(
        strstr(json_string_value(json_array_get(differences, 0)), "wan4 lacks: table=0"));
    assert_non_null(strstr(json_string_value(json_array_get(differences, 1)),
                           "wan4 holds what is not planned: table=0,priority=77"));
    answer_fini(&a);
    /* Of the circuit there is one. */
    a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    assert_int_equal(json_array_size(json_object_get(a.value, "differences")), 1);
    answer_fini(&a);
    a = centre_ask(b->centre, "lan.rules",
                   json_pack("{ss ss}", "node", "wan4", "what", "difference"));
    assert_int_equal(json_array_size(json_object_get(a.value, "flows")), 2);
    answer_fini(&a);
    /* And it is repaired when somebody says so. */
    a = centre_ask(b->centre, "lan.repair", json_pack("{s[s]}", "nodes", "wan4"));
    assert_ok(a.err);
    assert_int_equal(json_integer_value(json_object_get(a.value, "added")), 1);
    assert_int_equal(json_integer_value(json_object_get(a.value, "removed")), 1);
    assert_int_equal(json_integer_value(json_object_get(a.value, "changed")), 0);
    answer_fini(&a);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "rule-missing", "node/wan4") &&
                                   !centre_is_open(b->centre, "rule-foreign", "node/wan4"));
}

static uint32_t
count_mods(const struct plant *plant)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plant->n_switches; i++)
        n += plant->switches[i]->n_mods;
    return n;
}

/* Rules that are in place are left alone: nothing is written, no counter starts again. */
static void
a_restart_rewrites_nothing(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "scada trip");
    settle(b);
    centre_stop_controller(b->centre);
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        RUN_UNTIL(b->centre->loop, b->plant->switches[i]->closed);
    uint32_t before = b->centre->n_notes, rules = count_rules(b, number_of(b, "scada"), NULL);
    centre_start_controller(b->centre);
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        sw_connect(b->plant->switches[i]);
    for (uint32_t i = 0; i < b->plant->n_switches; i++) {
        char object[128];
        snprintf(object, sizeof object, "node/%s", b->plant->switches[i]->name);
        RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.adopted", object));
    }
    settle(b);
    struct answer a = centre_ask(b->centre, "lan.readback", json_object());
    assert_ok(a.err);
    assert_true(json_is_true(json_object_get(a.value, "ok")));
    answer_fini(&a);
    assert_int_equal(count_mods(b->plant), 0);
    assert_int_equal(count_rules(b, number_of(b, "scada"), NULL), rules);
    const struct note *raised = centre_event_since(b->centre, before, "exception.raised", NULL);
    if (raised)
        fail_msg("%s: %s", note_text(raised, "object"), note_text(raised, "text"));
    a = centre_ask(b->centre, "lan.push", json_pack("{s[ss]}", "circuits", "scada", "trip"));
    assert_ok(a.err);
    answer_fini(&a);
    assert_int_equal(count_mods(b->plant), 0);
}

/* The controller ends in the middle of a removal, and goes on with it when it is back. */
static void
a_restart_goes_on_with_a_removal(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "scada");
    settle(b);
    centre_stop_controller(b->centre);
    centre_tell_wanted(b->centre, "circuit.unwanted", "scada");
    centre_start_controller(b->centre);
    uint32_t before = b->centre->n_notes;
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        sw_connect(b->plant->switches[i]);
    RUN_UNTIL(b->centre->loop, count_rules(b, number_of(b, "scada"), NULL) == 0);
    settle(b);
    struct answer a = centre_ask(b->centre, "lan.remove", json_pack("{s[s]}", "circuits", "scada"));
    assert_ok(a.err);
    answer_fini(&a);
    const struct note *raised = centre_event_since(b->centre, before, "exception.raised", NULL);
    if (raised)
        fail_msg("%s: %s", note_text(raised, "object"), note_text(raised, "text"));
}

#define N_CIRCUITS 200

/* As many pushes as there are circuits, all at once, each answered for itself. */
static void
two_hundred_circuits_are_pushed_at_once(void **state)
{
    struct bench *b = *state;
    struct answer *answers = xcalloc(N_CIRCUITS, sizeof *answers);
    struct network *net = b->centre->state->network;
    char name[32];
    for (unsigned i = 0; i < N_CIRCUITS; i++) {
        snprintf(name, sizeof name, "c%u", i);
        struct circuit *c = test_tcp(net, name, i % 2 ? "fep" : "hist", i % 3 ? "rtu-a" : "rtu-b",
                                     (uint16_t)(10000 + i));
        c->rate_kbps = 64;
        centre_reserve(b->centre, name);
    }
    settle(b);
    for (unsigned i = 0; i < N_CIRCUITS; i++) {
        snprintf(name, sizeof name, "c%u", i);
        centre_append(b->centre, "circuit.wanted", name,
                      json_pack("{si s[s]}", "order", 1, "circuits", name));
    }
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "circuit.wanted", name));
    for (unsigned i = 0; i < N_CIRCUITS; i++) {
        snprintf(name, sizeof name, "c%u", i);
        centre_request(b->centre, "lan.push", json_pack("{s[s]}", "circuits", name), &answers[i]);
    }
    for (unsigned i = 0; i < N_CIRCUITS; i++) {
        RUN_UNTIL(b->centre->loop, answers[i].done);
        if (answers[i].err)
            fail_msg("c%u: %s", i, answers[i].text);
        snprintf(name, sizeof name, "c%u", i);
        assert_true(count_rules(b, number_of(b, name), "cc1") > 0);
        answer_fini(&answers[i]);
    }
    settle(b);
    struct answer a = centre_ask(b->centre, "lan.readback", json_object());
    assert_true(json_is_true(json_object_get(a.value, "ok")));
    answer_fini(&a);
    free(answers);
}

/* The service may end while a push is under way. */
static void
ends_in_the_middle_of_a_push(void **state)
{
    struct bench *b = *state;
    struct answer a;
    struct sw *silent = plant_switch(b->plant, "wan4");
    settle(b);
    silent->mute = true;
    centre_reserve(b->centre, "scada");
    centre_tell_wanted(b->centre, "circuit.wanted", "scada");
    centre_request(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "scada"), &a);
    RUN_UNTIL(b->centre->loop, silent->unread.size);
    centre_stop_controller(b->centre);
    bus_free(b->centre->bus);
    b->centre->bus = NULL;
    assert_true(a.done);
    assert_err(a.err, ERR_CLOSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        T(a_push_is_answered_when_all_nodes_have_confirmed),
        T(entries_come_last_and_go_first),
        T(entries_wait_for_the_slowest_node),
        T(a_node_that_falls_silent_fails_the_push_and_is_caught_up_with),
        T(a_circuit_is_not_let_in_while_a_node_of_it_is_absent),
        T(a_rule_that_a_node_refuses_fails_the_push),
        T(says_what_cannot_be_pushed),
        T(readback_names_each_difference),
        T(a_restart_rewrites_nothing),
        T(a_restart_goes_on_with_a_removal),
        T(two_hundred_circuits_are_pushed_at_once),
        T(ends_in_the_middle_of_a_push),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
