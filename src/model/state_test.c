
#include "model/state_testing.h"

#define PUT                                                                                        \
    "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'substation'}],"              \
    " 'node': [{'name': 'n', 'site': 's', 'kind': 'tieline-edge',"                                 \
    "   'datapath-id': '0000000000000001', 'port': [{'number': 1, 'name': 'p1'},"                  \
    "   {'number': 2, 'name': 'p2'}]}],"                                                           \
    " 'host': [{'name': 'a', 'mac': '02:00:00:00:00:01', 'ipv4': '10.0.0.1/24', 'node': 'n',"      \
    "   'port': 1}, {'name': 'b', 'mac': '02:00:00:00:00:02', 'ipv4': '10.0.0.2/24',"              \
    "   'node': 'n', 'port': 2}]},"                                                                \
    " 'tieline-circuit:circuits': {'circuit': [{'name': 'c', 'ip': {'client': 'a',"                \
    "   'server': 'b', 'protocol': 'tcp', 'server-ports': [502]}, 'service-class': 'scada',"       \
    "   'rate-kbps': 100, 'burst-octets': 3000}]}}"

static enum circuit_phase
phase(void)
{
    return state_circuit(state, "c")->phase;
}

static void
a_circuit_s_life_is_a_fold_over_its_events(void **unused UNUSED)
{
    struct diag diag = {""};
    if (apply_saying("model.put", PUT, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(phase(), PHASE_PROPOSED);
    assert_ok(
        apply_saying("circuit.reserved",
                     "{'order': 7, 'designs': [{'circuit': 'c', 'number': 3, 'disjoint': 'none',"
                     " 'primary': {'links': []}}]}",
                     &diag));
    assert_int_equal(phase(), PHASE_RESERVED);
    assert_int_equal(network_design(state->network, "c")->number, 3);
    assert_int_equal(state_circuit(state, "c")->order, 7);
    assert_ok(apply_saying("circuit.wanted", "{'order': 7, 'circuits': ['c']}", &diag));
    assert_true(phase_is_wanted(phase()));
    assert_ok(apply_saying("circuit.built", "{'circuit': 'c', 'duration-ns': 42}", &diag));
    assert_int_equal(state_circuit(state, "c")->build_time, 42);
    assert_ok(
        apply_saying("circuit.fingerprint", "{'circuit': 'c', 'entries': [{'sent': 1}]}", &diag));
    assert_int_equal(phase(), PHASE_ACTIVE);
    assert_int_equal(json_array_size(state_fingerprint(state, "c")->entries), 1);
    assert_ok(apply_saying("circuit.unwanted", "{'order': 8, 'circuits': ['c']}", &diag));
    assert_false(phase_is_wanted(phase()));
    assert_ok(apply_saying("circuit.removed", "{'order': 8, 'circuit': 'c'}", &diag));
    assert_non_null(network_design(state->network, "c"));
    assert_ok(apply_saying("circuit.released", "{'order': 8, 'circuits': ['c']}", &diag));
    assert_int_equal(phase(), PHASE_PROPOSED);
    assert_null(network_design(state->network, "c"));
    assert_null(state_fingerprint(state, "c"));
    assert_ok(apply_saying("model.remove", "{'kind': 'circuit', 'name': 'c'}", &diag));
    assert_null(state_circuit(state, "c"));
    assert_null(network_circuit(state->network, "c"));
}

static void
the_plan_is_the_centre_s(void **unused UNUSED)
{
    struct diag diag = {""};
    if (apply_saying("model.put", PUT, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(state->plan_seq, seq);
    json_t *body = json_pack("{ss ss}", "circuit", "c", "end", "1970-01-01T00:00:01Z");
    struct state_event event = {77, 0, "circuit.expired", "circuit/c", "system/lan", body, 12};
    assert_ok(state_apply(state, &event, &diag)); /* a site's own: its journal counts otherwise */
    assert_int_equal(state->plan_seq, seq);
    event.site = 0;
    assert_ok(state_apply(state, &event, &diag));
    assert_int_equal(state->plan_seq, 77);
    json_decref(body);
}

static void
exceptions_are_counted_acknowledged_and_closed(void **unused UNUSED)
{
    struct diag diag;
    assert_ok(
        apply_saying("exception.raised",
                     "{'id': 1, 'kind': 'traffic-denied', 'severity': 'major',"
                     " 'object': 'host/eng-a', 'text': 'It tried.', 'evidence': {'port': 'a2:4'}}",
                     &diag));
    assert_int_equal(state_open_exception(state, "traffic-denied", "host/eng-a")->id, 1);
    assert_ok(apply_saying("exception.repeated",
                           "{'id': 1, 'count': 9, 'evidence': {'port': 'a3:1'}}", &diag));
    assert_ok(apply_saying("exception.acknowledged", "{'id': 1, 'comment': 'Looking.'}", &diag));
    json_t *json = exception_to_json(state_exception(state, 1));
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text,
                        "{\"acknowledged-by\":\"alice\",\"comment\":\"Looking.\",\"count\":9,"
                        "\"evidence\":[{\"name\":\"port\",\"value\":\"a3:1\"}],"
                        "\"first\":\"1970-01-01T00:00:01.000000000Z\",\"id\":1,"
                        "\"kind\":\"traffic-denied\",\"last\":\"1970-01-01T00:00:02.000000000Z\","
                        "\"object\":\"host/eng-a\",\"severity\":\"major\","
                        "\"state\":\"acknowledged\",\"text\":\"It tried.\"}");
    free(text);
    json_decref(json);
    assert_ok(apply_saying("exception.order", "{'id': 1, 'order': 5}", &diag));
    assert_int_equal(state_exception(state, 1)->order, 5);
    assert_ok(apply_saying("exception.closed", "{'id': 1, 'reason': 'gone'}", &diag));
    assert_null(state_open_exception(state, "traffic-denied", "host/eng-a"));
    json = exception_to_json(state_exception(state, 1));
    assert_string_equal(json_string_value(json_object_get(json, "closed-by")), "alice");
    assert_string_equal(json_string_value(json_object_get(json, "closed-reason")), "gone");
    assert_string_equal(json_string_value(json_object_get(json, "closed")),
                        "1970-01-01T00:00:05.000000000Z");
    json_decref(json);
    assert_int_equal(state->last_exception, 1);
}

static void
orders_are_known_from_their_runs(void **unused UNUSED)
{
    struct diag diag;
    assert_ok(apply_saying("run.created",
                           "{'run': '12', 'workflow': 'circuit-turn-up',"
                           " 'requester': 'bob', 'input': {}}",
                           &diag));
    assert_string_equal(state_order(state, 12)->requester, "bob");
    assert_null(state_order(state, 12)->outcome);
    assert_ok(apply_saying("run.closed", "{'run': '12', 'outcome': 'done'}", &diag));
    assert_string_equal(state_order(state, 12)->outcome, "done");
    assert_int_equal(state->last_order, 12);
}

static void
what_cannot_be_read_changes_nothing_and_is_named(void **unused UNUSED)
{
    static const struct {
        const char *type, *body, *says;
    } cases[] = {
        {"circuit.reserved", "{'designs': 3}", "\"designs\" is missing or wrong"},
        {"circuit.reserved", "{'designs': [{'circuit': 'c'}]}", "\"designs\""},
        {"circuit.wanted", "{'circuits': ['c', 4]}", "\"circuits\""},
        {"circuit.built", "{}", "\"circuit\""},
        {"exception.raised",
         "{'id': 0, 'kind': 'k', 'severity': 'major', 'object': 'o',"
         " 'text': 't'}",
         "\"id\""},
        {"exception.raised",
         "{'id': 1, 'kind': 'k', 'severity': 'bad', 'object': 'o',"
         " 'text': 't'}",
         "\"severity\""},
        {"exception.closed", "{'id': 99}", "\"id\""},
        {"run.created", "{'run': 'x', 'workflow': 'w', 'requester': 'r'}", "\"run\""},
        {"run.closed", "[]", "\"body\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        assert_err(apply_saying(cases[i].type, cases[i].body, &diag), ERR_MALFORMED);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("%s: %s", cases[i].type, diag.text);
        assert_int_equal(state->seq, seq);
        assert_null(state->exceptions);
        assert_null(state->orders);
        assert_null(state->circuits);
    }
    assert_ok(apply_saying("something.else", "4", NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_state, close_state)

TEST_MAIN(TEST(a_circuit_s_life_is_a_fold_over_its_events), TEST(the_plan_is_the_centre_s),
          TEST(exceptions_are_counted_acknowledged_and_closed),
          TEST(orders_are_known_from_their_runs),
          TEST(what_cannot_be_read_changes_nothing_and_is_named))
