/* Who is let in as a node, and who is not. */
#include "switch.h"

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    b->centre = centre_new(test_lab());
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
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

static struct sw *
adopted(struct bench *b, const char *name)
{
    char object[128];
    struct sw *sw = sw_of_node(b->plant, name);
    snprintf(object, sizeof object, "node/%s", name);
    uint32_t before = b->centre->n_notes;
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "node.adopted", object));
    return sw;
}

/* The row of a node in the answer of lan.nodes. */
static json_t *
node_row(struct bench *b, struct answer *a, const char *name)
{
    size_t i;
    json_t *row;
    *a = centre_ask(b->centre, "lan.nodes", json_object());
    assert_ok(a->err);
    json_array_foreach(json_object_get(a->value, "nodes"), i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "name")), name))
            return row;
    }
    fail_msg("no node %s", name);
    return NULL;
}

static void
assert_node_state(struct bench *b, const char *name, const char *expected)
{
    struct answer a;
    json_t *row = node_row(b, &a, name);
    assert_string_equal(json_string_value(json_object_get(row, "state")), expected);
    answer_fini(&a);
}

static void
adopts_by_certificate_and_datapath_id(void **state)
{
    struct bench *b = *state;
    struct answer a;
    adopted(b, "a1");
    const struct note *n = centre_event(b->centre, "node.adopted", "node/a1");
    assert_string_equal(note_text(n, "node"), "a1");
    assert_string_equal(note_text(n, "datapath-id"), "0000000000000006");
    assert_int_equal(json_integer_value(json_object_get(n->body, "ports")), 4);
    json_t *row = node_row(b, &a, "a1");
    assert_string_equal(json_string_value(json_object_get(row, "state")), "adopted");
    assert_int_equal(json_array_size(json_object_get(row, "ports")), 4);
    answer_fini(&a);
    assert_node_state(b, "a2", "absent");
    assert_false(centre_is_open(b->centre, "node-ports-differ", "node/a1"));
}

/* What every node has by itself comes with its adoption. */
static void
writes_the_rules_of_a_node_that_is_empty(void **state)
{
    struct bench *b = *state;
    struct sw *sw = adopted(b, "a1");
    RUN_UNTIL(b->centre->loop, sw_count_flows(sw) == 4 + 3); /* ports, LOCAL, LLDP, miss */
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 0);
}

static const struct note *
refusal(struct bench *b, struct sw *sw, uint32_t before)
{
    const struct note *n;
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, (n = centre_event_since(b->centre, before, "node.refused", NULL)));
    RUN_UNTIL(b->centre->loop, sw->closed);
    return n;
}

/* An adopted neighbour goes on as if nothing had been. */
static void
assert_untouched(struct bench *b, struct sw *sw)
{
    char object[128];
    snprintf(object, sizeof object, "node/%s", sw->name);
    assert_false(sw->closed);
    assert_null(centre_event(b->centre, "node.lost", object));
    assert_node_state(b, sw->name, "adopted");
}

static void
refuses_a_name_that_is_not_in_the_inventory(void **state)
{
    struct bench *b = *state;
    struct sw *other = adopted(b, "a1");
    test_cert_issue(&b->centre->dir, "x9", &b->centre->ca, &(struct test_cert){.name = "x9"});
    struct sw *sw = sw_new(b->plant, "x9", "x9", 6, NULL);
    const struct note *n = refusal(b, sw, 0);
    assert_string_equal(n->object, "node/x9");
    assert_string_equal(note_text(n, "name"), "x9");
    assert_non_null(strstr(note_text(n, "reason"), "no node \"x9\""));
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-refused", "node/x9"));
    assert_untouched(b, other);
}

static void
refuses_another_datapath_id(void **state)
{
    struct bench *b = *state;
    struct sw *other = adopted(b, "a1");
    test_cert_issue(&b->centre->dir, "a2", &b->centre->ca, &(struct test_cert){.name = "a2"});
    struct sw *sw = sw_new(b->plant, "a2", "a2", 0xdead, NULL);
    const struct note *n = refusal(b, sw, 0);
    assert_string_equal(n->object, "node/a2");
    assert_non_null(strstr(note_text(n, "reason"), "000000000000dead"));
    assert_node_state(b, "a2", "refused");
    assert_int_equal(sw->n_mods, 0);
    assert_untouched(b, other);
}

static void
refuses_a_certificate_of_another_ca(void **state)
{
    struct bench *b = *state;
    struct sw *other = adopted(b, "a1");
    struct test_ca foreign = test_ca_make("Somebody's CA");
    test_cert_issue(&b->centre->dir, "a2", &foreign, &(struct test_cert){.name = "a2"});
    struct sw *sw = sw_new(b->plant, "a2", "a2", 7, NULL);
    const struct note *n = refusal(b, sw, 0);
    assert_string_equal(n->object, "address/127.0.0.1");
    assert_string_equal(note_text(n, "name"), "");
    assert_string_not_equal(note_text(n, "reason"), "");
    assert_node_state(b, "a2", "absent");
    assert_untouched(b, other);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-refused", "address/127.0.0.1"));
    const struct exception *e = centre_exception(b->centre, "node-refused", "address/127.0.0.1");
    assert_non_null(strstr(e->text, "Somebody at 127.0.0.1 was refused: "));
    test_ca_free(&foreign);
}

static void
refuses_an_expired_certificate(void **state)
{
    struct bench *b = *state;
    test_cert_issue(&b->centre->dir, "a2", &b->centre->ca,
                    &(struct test_cert){.name = "a2", .from_s = -7200, .to_s = -3600});
    struct sw *sw = sw_new(b->plant, "a2", "a2", 7, NULL);
    const struct note *n = refusal(b, sw, 0);
    assert_non_null(strstr(note_text(n, "reason"), "expired"));
    assert_node_state(b, "a2", "absent");
}

/* Somebody who comes with another bad certificate: the exception says what is wrong now. */
static void
tells_when_the_reason_of_a_refusal_changes(void **state)
{
    struct bench *b = *state;
    struct test_ca foreign = test_ca_make("Somebody's CA");
    test_cert_issue(&b->centre->dir, "a2", &foreign, &(struct test_cert){.name = "a2"});
    struct sw *sw = sw_new(b->plant, "a2", "a2", 7, NULL);
    refusal(b, sw, 0);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-refused", "address/127.0.0.1"));
    uint32_t before = b->centre->n_notes;
    test_cert_issue(&b->centre->dir, "a2", &b->centre->ca,
                    &(struct test_cert){.name = "a2", .from_s = -7200, .to_s = -3600});
    refusal(b, sw_new(b->plant, "a2", "a2", 7, NULL), before);
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, "exception.raised", NULL));
    const struct exception *e = state_open_exception(b->centre->state, "node-refused",
                                                     "address/127.0.0.1");
    assert_non_null(strstr(e->text, "expired"));
    assert_non_null(strstr(json_string_value(json_object_get(e->evidence, "reason")), "expired"));
    test_ca_free(&foreign);
}

static void
refuses_a_second_switch_of_the_same_name(void **state)
{
    struct bench *b = *state;
    struct sw *first = adopted(b, "a1");
    struct sw *second = sw_new(b->plant, "a1", "a1", 6,
                               network_node(b->centre->state->network, "a1"));
    const struct note *n = refusal(b, second, 0);
    assert_string_equal(n->object, "node/a1");
    assert_non_null(strstr(note_text(n, "reason"), "connected already"));
    assert_untouched(b, first);
    assert_int_equal(second->n_mods, 0);
}

/* A box that lost its power and is back, before its old connection is known to be dead. */
static void
takes_a_node_that_is_back_when_the_old_connection_is_dead(void **state)
{
    struct bench *b = *state;
    struct sw *first = adopted(b, "a1");
    struct sw *second = sw_new(b->plant, "a1", "a1", 6,
                               network_node(b->centre->state->network, "a1"));
    first->mute = true;
    sw_connect(second);
    while (centre_count_events(b->centre, "node.adopted", "node/a1") < 2) {
        RUN_UNTIL(b->centre->loop,
                  second->closed || centre_count_events(b->centre, "node.adopted", "node/a1") == 2);
        if (second->closed)
            sw_connect(second);
    }
    assert_node_state(b, "a1", "adopted");
    RUN_UNTIL(b->centre->loop, sw_count_flows(second) == 4 + 3);
}

/* A box that keeps trying is told of now and then, not every time. */
static void
tells_the_same_refusal_once(void **state)
{
    struct bench *b = *state;
    test_cert_issue(&b->centre->dir, "x9", &b->centre->ca, &(struct test_cert){.name = "x9"});
    struct sw *sw = sw_new(b->plant, "x9", "x9", 6, NULL);
    refusal(b, sw, 0);
    for (int i = 0; i < 5; i++) {
        sw_connect(sw);
        RUN_UNTIL(b->centre->loop, sw->closed);
    }
    adopted(b, "a1"); /* an event behind all others */
    assert_int_equal(centre_count_events(b->centre, "node.refused", NULL), 1);
}

static void
says_how_ports_differ(void **state)
{
    struct bench *b = *state;
    test_cert_issue(&b->centre->dir, "a1", &b->centre->ca, &(struct test_cert){.name = "a1"});
    struct sw *sw = sw_new(b->plant, "a1", "a1", 6, NULL);
    sw_add_port(sw, 1, "p1"); /* 2 and 4 are missing, 3 is another, 9 too much */
    sw_add_port(sw, 3, "eth7");
    sw_add_port(sw, 9, "p9");
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-ports-differ", "node/a1"));
    const struct exception *e = centre_exception(b->centre, "node-ports-differ", "node/a1");
    const char *text = json_string_value(json_object_get(e->evidence, "difference"));
    assert_string_equal(text, "port 2 (p2) is missing; port 3 is \"eth7\", not \"p3\"; "
                              "port 4 (p4) is missing; port 9 (p9) is not in the inventory");
    /* It mends: the exception is closed. */
    sw_disconnect(sw);
    struct sw *good = sw_new(b->plant, "a1", "a1", 6,
                             network_node(b->centre->state->network, "a1"));
    sw_connect(good);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "node-ports-differ", "node/a1"));
}

/* What a switch says of itself goes into events and answers: whatever it says. */
static void
survives_names_that_are_not_text(void **state)
{
    struct bench *b = *state;
    struct answer a;
    test_cert_issue(&b->centre->dir, "a1", &b->centre->ca, &(struct test_cert){.name = "a1"});
    struct sw *sw = sw_new(b->plant, "a1", "a1", 6, NULL);
    sw_add_port(sw, 1, "\xff\xfe\x01");
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.adopted", "node/a1"));
    json_t *row = node_row(b, &a, "a1");
    assert_int_equal(json_array_size(json_object_get(row, "ports")), 1);
    answer_fini(&a);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-ports-differ", "node/a1"));
}

static void
tells_when_a_node_is_lost_and_back(void **state)
{
    struct bench *b = *state;
    struct sw *sw = adopted(b, "a1");
    sw_disconnect(sw);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-lost", "node/a1"));
    assert_non_null(centre_event(b->centre, "node.lost", "node/a1"));
    assert_node_state(b, "a1", "absent");
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "node-lost", "node/a1"));
    assert_node_state(b, "a1", "adopted");
}

/* A switch that shows a good certificate and then says nothing, or nothing true. */
static void
gives_up_a_switch_that_does_not_introduce_itself(void **state)
{
    struct bench *b = *state;
    struct sw *other = adopted(b, "a2");
    struct sw *sw = sw_of_node(b->plant, "a1");
    sw_connect(sw);
    RUN_UNTIL(b->centre->loop, sw->opened);
    sw->mute = true;
    RUN_UNTIL(b->centre->loop, sw->closed);
    assert_null(centre_event(b->centre, "node.adopted", "node/a1"));
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-lost", "node/a1"));
    assert_non_null(strstr(note_text(centre_event(b->centre, "node.lost", "node/a1"), "reason"),
                           "does not answer"));
    assert_null(centre_event(b->centre, "node.refused", NULL));
    struct answer a;
    json_t *row = node_row(b, &a, "a1");
    assert_string_equal(json_string_value(json_object_get(row, "state")), "absent");
    assert_non_null(strstr(json_string_value(json_object_get(row, "reason")), "does not answer"));
    answer_fini(&a);
    assert_untouched(b, other);
}

static void
lets_go_of_a_node_that_leaves_the_inventory(void **state)
{
    struct bench *b = *state;
    struct sw *sw = adopted(b, "a1"), *other = adopted(b, "a2");
    centre_append(b->centre, "model.remove", "node/a1",
                  json_pack("{ss ss}", "kind", "node", "name", "a1"));
    RUN_UNTIL(b->centre->loop, sw->closed);
    assert_untouched(b, other);
    const struct note *n = refusal(b, sw, 0);
    assert_non_null(strstr(note_text(n, "reason"), "no node \"a1\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        T(adopts_by_certificate_and_datapath_id),
        T(writes_the_rules_of_a_node_that_is_empty),
        T(refuses_a_name_that_is_not_in_the_inventory),
        T(refuses_another_datapath_id),
        T(refuses_a_certificate_of_another_ca),
        T(refuses_an_expired_certificate),
        T(tells_when_the_reason_of_a_refusal_changes),
        T(refuses_a_second_switch_of_the_same_name),
        T(takes_a_node_that_is_back_when_the_old_connection_is_dead),
        T(tells_the_same_refusal_once),
        T(says_how_ports_differ),
        T(survives_names_that_are_not_text),
        T(tells_when_a_node_is_lost_and_back),
        T(gives_up_a_switch_that_does_not_introduce_itself),
        T(lets_go_of_a_node_that_leaves_the_inventory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
