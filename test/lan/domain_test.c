/* One controller of several: it has the nodes of one site, and lets traffic in there only when the
 * controllers of the others have said that their nodes hold what is behind. */
#include "switch.h"

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static const char *const domain[] = {"a", NULL};

static bool
is_ours(const struct node *node)
{
    return !strcmp(node->site, domain[0]);
}

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    test_tcp(net, "access", "fep", "rtu-a", 22);
    test_goose(net, "trip", "relay-a1", "relay-a2 rtu-a");
    b->centre = centre_new(net);
    b->centre->domain = domain;
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    for (const struct node *n = b->centre->state->network->nodes; n; n = n->hh.next) {
        if (is_ours(n))
            sw_connect(sw_of_node(b->plant, n->name));
    }
    for (uint32_t i = 0; i < b->plant->n_switches; i++) {
        char object[128];
        snprintf(object, sizeof object, "node/%s", b->plant->switches[i]->name);
        RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.adopted", object));
    }
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

struct count {
    uint32_t number, n;
};

static void
count_entry(void *arg, struct entry *e)
{
    struct count *c = arg;
    c->n += cookie_number(e->cookie) == c->number;
}

/* Flow entries of the circuit in all switches. */
static uint32_t
rules_of(struct bench *b, const char *circuit)
{
    const struct design *d = network_design(b->centre->state->network, circuit);
    struct count c = {d->number, 0};
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        datapath_each_flow(b->plant->switches[i]->dp, &request, count_entry, &c);
    return c.n;
}

/* So that the controller has had time to do what it must not. */
static void
let_it_look(struct bench *b)
{
    bool woken = false;
    struct timer *timer = timer_new(b->centre->loop, centre_note_closed, &woken);
    timer_start(timer, 2 * NSEC_PER_SEC + NSEC_PER_SEC / 2);
    RUN_UNTIL(b->centre->loop, woken);
    timer_free(timer);
}

static void
want(struct bench *b, const char *circuit)
{
    centre_reserve(b->centre, circuit);
    centre_tell_wanted(b->centre, "circuit.wanted", circuit);
}

static void
say(struct bench *b, const char *site, const char *circuit, json_int_t plan)
{
    assert_ok(
        bus_publish(b->centre->bus, "lan.peer-progress",
                    json_pack("{ss s[s] sI}", "site", site, "circuits", circuit, "plan", plan)));
}

static json_int_t
plan_of(const struct bench *b)
{
    return (json_int_t)b->centre->state->plan_seq;
}

static void
traffic_is_let_in_when_all_others_are_ready(void **state)
{
    struct bench *b = *state;
    want(b, "access");
    RUN_UNTIL(b->centre->loop, rules_of(b, "access"));
    let_it_look(b);
    uint32_t inner = rules_of(b, "access");
    say(b, "wan", "access", plan_of(b));
    let_it_look(b);
    assert_int_equal(rules_of(b, "access"), inner); /* cc has not said so yet */
    say(b, "cc", "access", plan_of(b));
    RUN_UNTIL(b->centre->loop, rules_of(b, "access") > inner);
}

static void
what_speaks_of_another_plan_does_not_count(void **state)
{
    struct bench *b = *state;
    want(b, "access");
    RUN_UNTIL(b->centre->loop, rules_of(b, "access"));
    let_it_look(b);
    uint32_t inner = rules_of(b, "access");
    for (json_int_t off = -1; off <= 1; off += 2) {
        say(b, "wan", "access", plan_of(b) + off);
        say(b, "cc", "access", plan_of(b) + off);
    }
    say(b, "wan", "trip", plan_of(b));
    say(b, "nowhere", "access", plan_of(b));
    let_it_look(b);
    assert_int_equal(rules_of(b, "access"), inner);
}

static void
nobody_has_to_be_asked_about_a_circuit_of_the_site(void **state)
{
    struct bench *b = *state;
    want(b, "trip");
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", "trip"));
    assert_ok(a.err);
    answer_fini(&a);
}

static void
what_was_built_once_is_not_held_back(void **state)
{
    struct bench *b = *state;
    want(b, "access");
    RUN_UNTIL(b->centre->loop, rules_of(b, "access"));
    let_it_look(b);
    uint32_t inner = rules_of(b, "access");
    centre_tell_done(b->centre, "circuit.built", "access");
    centre_stop_controller(b->centre); /* cut off, and started again: nobody says anything */
    centre_start_controller(b->centre);
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        sw_connect(b->plant->switches[i]);
    RUN_UNTIL(b->centre->loop, rules_of(b, "access") > inner);
}

/* Those of other nodes are others' to judge, and counted. */
static void
conditions_are_told_of_our_nodes(void **state)
{
    struct bench *b = *state;
    const struct network *net = b->centre->state->network;
    size_t i;
    const char *name;
    json_t *row;
    want(b, "access");
    struct answer a = centre_ask(b->centre, "lan.conditions", json_object());
    assert_ok(a.err);
    const json_t *list = json_object_get(a.value, "list");
    json_t *elsewhere = json_object_get(a.value, "elsewhere");
    assert_int_not_equal(json_array_size(list), 0);
    assert_int_equal(json_array_size(list), json_integer_value(json_object_get(a.value, "n")));
    json_array_foreach((json_t *)list, i, row)
    {
        name = json_string_value(json_object_get(row, "node"));
        assert_true(is_ours(network_node(net, name)));
    }
    assert_true(json_integer_value(json_object_get(elsewhere, "cc1")) > 0);
    json_object_foreach(elsewhere, name, row)
    {
        assert_false(is_ours(network_node(net, name)));
    }
    answer_fini(&a);
}

static void
a_node_of_another_site_is_refused(void **state)
{
    struct bench *b = *state;
    sw_connect(sw_of_node(b->plant, "cc1"));
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.refused", "node/cc1"));
    assert_non_null(strstr(note_text(centre_event(b->centre, "node.refused", "node/cc1"), "reason"),
                           "another"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(traffic_is_let_in_when_all_others_are_ready),
        TEST(what_speaks_of_another_plan_does_not_count),
        TEST(nobody_has_to_be_asked_about_a_circuit_of_the_site),
        TEST(what_was_built_once_is_not_held_back),
        TEST(conditions_are_told_of_our_nodes),
        TEST(a_node_of_another_site_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
