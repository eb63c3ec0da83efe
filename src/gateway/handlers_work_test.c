/* Work, tests, exceptions and nodes over the API: what is asked of whom, in whose name, and who may
 * have it asked. */
#include "gateway/service_testing.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Each of these asks one subject; its answer is the answer. */
static const struct passing {
    const char *what, *body, *may, *subject, *payload;
    int status;
} passings[] = {
    {"GET /api/v1/workflows", NULL, EVERYBODY, "work.workflows", "{}", 200},
    {"GET /api/v1/orders", NULL, EVERYBODY, "work.list", "{'open': false}", 200},
    {"GET /api/v1/orders?open=true", NULL, EVERYBODY, "work.list", "{'open': true}", 200},
    {"GET /api/v1/orders/7", NULL, EVERYBODY, "work.get", "{'order': 7}", 200},
    {"GET /api/v1/assurance", NULL, EVERYBODY, "assure.status", "{}", 200},
    {"GET /api/v1/denied", NULL, EVERYBODY, "lan.denied", "{}", 200},
    {"GET /api/v1/export?format=csv", NULL, EVERYBODY, "model.export", "{'format': 'csv'}", 200},
    {"GET /api/v1/nodes/x/rules", NULL, EVERYBODY, "lan.rules", "{'node': 'x', 'what': 'observed'}",
     200},
    {"GET /api/v1/nodes/y/rules?what=difference", NULL, EVERYBODY, "lan.rules",
     "{'node': 'y', 'what': 'difference'}", 200},
    {"POST /api/v1/orders",
     "{'workflow': 'circuit-turn-up', 'input': {'circuits': ['a']}, 'comment': 'as agreed'}",
     "alice olga", "work.submit",
     "{'actor': '*', 'workflow': 'circuit-turn-up', 'input': {'circuits': ['a']}, 'comment':"
     " 'as agreed'}",
     201},
    {"POST /api/v1/orders/7/cancel", "{'comment': 'wrong'}", "alice olga", "work.cancel",
     "{'actor': '*', 'order': 7, 'comment': 'wrong'}", 200},
    {"POST /api/v1/what-if", "{'circuits': ['scada-rtu', " MODBUS_CIRCUIT "]}", EVERYBODY,
     "circuit.what-if", "{'actor': '*', 'circuits': ['scada-rtu', " MODBUS_CIRCUIT "]}", 200},
    {"POST /api/v1/import?format=csv", "{'files': [{'name': 'a.csv', 'text': 'x'}]}", "alice",
     "model.import",
     "{'actor': '*', 'format': 'csv', 'dry-run': false, 'files': [{'name': 'a.csv', 'text':"
     " 'x'}]}",
     200},
    {"POST /api/v1/import?format=scd&dry-run=true", "{'files': [{'name': 'a.scd', 'text': ''}]}",
     EVERYBODY, "model.import",
     "{'actor': '*', 'format': 'scd', 'dry-run': true, 'files': [{'name': 'a.scd', 'text': ''}]}",
     200},
    {"POST /api/v1/circuits/scada-rtu/tests", NULL, "alice olga", "assure.test",
     "{'actor': '*', 'circuit': 'scada-rtu', 'reason': 'demand'}", 200},
    {"POST /api/v1/circuits/scada-rtu/tests", "{'paths': ['failover']}", "alice olga",
     "assure.test",
     "{'actor': '*', 'circuit': 'scada-rtu', 'reason': 'demand', 'paths': ['failover']}", 200},
    {"POST /api/v1/exceptions/1/acknowledge", "{'comment': 'seen'}", "olga sam",
     "exception.acknowledge", "{'actor': '*', 'id': 1, 'comment': 'seen'}", 200},
    {"POST /api/v1/exceptions/1/close", "{'reason': 'mended'}", "olga sam", "exception.close",
     "{'actor': '*', 'id': 1, 'reason': 'mended'}", 200},
    {"POST /api/v1/nodes/x/repair", NULL, "alice olga", "lan.repair",
     "{'actor': '*', 'nodes': ['x']}", 200},
    {"POST /api/v1/nodes/x/release-port", "{'port': 3}", "olga", "lan.rpc",
     "{'actor': '*', 'node': 'x', 'method': 'edge.release-port', 'params': {'port': 3}}", 200},
    {"POST /api/v1/nodes/x/release-port", NULL, "olga", "lan.rpc",
     "{'actor': '*', 'node': 'x', 'method': 'edge.release-port', 'params': {}}", 200},
    {"POST /api/v1/nodes/x/rpc", "{'method': 'edge.trace', 'params': {'in-port': 1}}", EVERYBODY,
     "lan.rpc", "{'actor': '*', 'node': 'x', 'method': 'edge.trace', 'params': {'in-port': 1}}",
     200},
    {"POST /api/v1/nodes/x/capture", "{'method': 'edge.capture-start', 'params': {'count': 1}}",
     "alice olga", "lan.rpc",
     "{'actor': '*', 'node': 'x', 'method': 'edge.capture-start', 'params': {'count': 1}}", 200},
};

#define EXCEPTION                                                                                  \
    "{'id': 1, 'kind': 'link-down', 'severity': 'major', 'object': 'link/x-y', 'text': 'is down'," \
    " 'evidence': {}}"

static void
check_passing(struct api_scene *s, const struct passing *p, struct responder *r, const char *person)
{
    bool may = strstr(p->may, person);
    unsigned before = r->n_asked;
    struct answer a = ask(s, person, p->what, p->body);
    if (a.status != (may ? p->status : 403))
        fail_msg("%s as %s: %s", p->what, person, a.text);
    assert_int_equal(r->n_asked, before + may);
    if (may) {
        assert_json(a.json, "{'id': 5}");
        json_t *actor = json_object_get(r->payload, "actor");
        json_t *expected = json_quoted(p->payload);
        if (json_object_get(expected, "actor"))
            json_object_set_new(expected, "actor", json_string(person));
        if (!json_equal(r->payload, expected))
            fail_msg("%s: %s", p->what, json_dumps(r->payload, 0));
        assert_int_equal(actor != NULL, json_object_get(expected, "actor") != NULL);
        json_decref(expected);
    }
    answer_fini(&a);
}

static void
requests_are_passed_on_in_the_name_of_who_may(void **state)
{
    struct api_scene *s = *state;
    static const char *const people[] = {"alice", "olga", "sam", "ada", "vera"};
    append_event(s, "exception.raised", "exception/1", EXCEPTION);
    for (size_t i = 0; i < ARRAY_SIZE(passings); i++) {
        struct responder *r = answer_with(s, passings[i].subject, "{'id': 5}");
        for (size_t k = 0; k < ARRAY_SIZE(people); k++)
            check_passing(s, &passings[i], r, people[k]);
        bus_unsubscribe(r->subscription);
        json_decref(r->answer);
        json_decref(r->payload);
        *r = (struct responder){0};
        s->n_responders--;
    }
}

static void
a_new_order_says_where_it_is(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "work.submit", "{'id': 12}");
    struct answer a = ask(s, "alice", "POST /api/v1/orders", "{'workflow': 'w', 'input': {}}");
    assert_status(a, 201);
    assert_string_equal(answer_field(&a, "Location"), "/api/v1/orders/12");
    assert_json(a.json, "{'id': 12}");
    answer_fini(&a);
}

static void
what_is_not_there_is_not_asked_about(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *what, *body;
    } cases[] = {
        {"GET /api/v1/circuits/none/fingerprint", NULL},
        {"GET /api/v1/circuits/scada-rtu/fingerprint", NULL},
        {"POST /api/v1/circuits/none/tests", NULL},
        {"GET /api/v1/exceptions/9", NULL},
        {"POST /api/v1/exceptions/9/acknowledge", NULL},
        {"POST /api/v1/exceptions/9/close", "{'reason': 'x'}"},
        {"GET /api/v1/nodes/none/rules", NULL},
        {"POST /api/v1/nodes/none/repair", NULL},
        {"POST /api/v1/nodes/none/release-port", NULL},
        {"POST /api/v1/nodes/none/rpc", "{'method': 'edge.status'}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(s, "olga", cases[i].what, cases[i].body);
        if (a.status != 404)
            fail_msg("%s: %s", cases[i].what, a.text);
        answer_fini(&a);
    }
}

static void
nodes_are_asked_only_what_changes_nothing(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "lan.rpc", "{}");
    static const char *const methods[] = {"edge.config", "edge.release-port", "test.start",
                                          "edge.capture-start", ""};
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        char *body = xasprintf("{'method': '%s'}", methods[i]);
        struct answer a = ask(s, "alice", "POST /api/v1/nodes/x/rpc", body);
        assert_status(a, 422);
        assert_string_equal(member(&a, "field"), "/method");
        answer_fini(&a);
        free(body);
    }
    assert_int_equal(r->n_asked, 0);
}

static void
an_import_that_fails_has_its_report(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.import",
                "{'dry-run': false, 'applied': false, 'errors': 1, 'rows': [],"
                " 'findings': [{'severity': 'error', 'kind': 'host', 'object':"
                " 'h', 'text': 'is odd'}]}");
    struct answer a = ask(s, "alice", "POST /api/v1/import?format=json",
                          "{'files': [{'name': 'a', 'text': ''}]}");
    assert_status(a, 422);
    assert_string_equal(member(&a, "detail"), "host h: is odd");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(a.json, "report"), "errors")), 1);
    answer_fini(&a);
}

/* ---- decisions */

#define ORDER                                                                                      \
    "{'id': 7, 'approval': [{'step': 'approve', 'role': 'SECADM', 'state': 'granted'},"            \
    " {'step': 'approve', 'role': 'OPERATOR', 'state': 'asked'},"                                  \
    " {'step': 'other', 'role': 'ENGINEER', 'state': 'asked'}]}"

static void
a_decision_is_in_a_role_that_is_still_wanted(void **state)
{
    struct api_scene *s = *state;
    struct responder *get = answer_with(s, "work.get", ORDER);
    struct responder *decide = answer_with(s, "work.decide", "{}");
    struct answer a = ask(s, "olga", "POST /api/v1/orders/7/decisions",
                          "{'decision': 'approve', 'hash': '" HASH "', 'comment': 'fine'}");
    assert_status(a, 200);
    assert_json(get->payload, "{'order': 7}");
    assert_json(decide->payload,
                "{'actor': 'olga', 'roles': ['OPERATOR'], 'order': 7, 'role': 'OPERATOR',"
                " 'decision': 'granted', 'hash': '" HASH "', 'comment': 'fine'}");
    answer_fini(&a);
    a = ask(s, "alice", "POST /api/v1/orders/7/decisions",
            "{'decision': 'refuse', 'hash': '" HASH "', 'step': 'other'}");
    assert_status(a, 200);
    assert_json(decide->payload,
                "{'actor': 'alice', 'roles': ['ENGINEER'], 'order': 7, 'role': 'ENGINEER',"
                " 'decision': 'refused', 'hash': '" HASH "', 'step': 'other'}");
    answer_fini(&a);
}

static void
who_holds_no_role_that_is_wanted_does_not_decide(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "work.get", ORDER);
    struct responder *decide = answer_with(s, "work.decide", "{}");
    struct answer a = ask(s, "sam", "POST /api/v1/orders/7/decisions",
                          "{'decision': 'approve', 'hash': '" HASH "'}");
    assert_status(a, 403);
    assert_json(json_object_get(a.json, "needed"), "['OPERATOR', 'ENGINEER']");
    answer_fini(&a);
    a = ask(s, "alice", "POST /api/v1/orders/7/decisions",
            "{'decision': 'approve', 'hash': '" HASH "', 'step': 'approve'}");
    assert_status(a, 403);
    answer_fini(&a);
    a = ask(s, "alice", "POST /api/v1/orders/7/decisions",
            "{'decision': 'approve', 'hash': '" HASH "', 'role': 'OPERATOR'}");
    assert_status(a, 403);
    answer_fini(&a);
    assert_int_equal(decide->n_asked, 0);
}

static void
a_role_that_is_named_is_decided_in(void **state)
{
    struct api_scene *s = *state;
    struct responder *decide = answer_error(s, "work.decide", ERR_DENIED,
                                            "the requester does not approve");
    struct answer a = ask(s, "sam", "POST /api/v1/orders/7/decisions",
                          "{'decision': 'approve', 'hash': '" HASH "', 'role': 'SECADM'}");
    assert_status(a, 403);
    assert_int_equal(decide->n_asked, 1);
    assert_string_equal(member(&a, "detail"), "the requester does not approve");
    assert_int_equal(gateway_service_statistics(s->service).denied, 1); /* and is recorded */
    answer_fini(&a);
}

static void
who_asks_for_no_decision_is_a_conflict(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "work.get", "{'id': 7, 'approval': []}");
    struct answer a = ask(s, "sam", "POST /api/v1/orders/7/decisions",
                          "{'decision': 'approve', 'hash': '" HASH "'}");
    assert_status(a, 409);
    answer_fini(&a);
}

static void
a_switch_that_is_not_ours_has_no_trace(void **state)
{
    struct api_scene *s = *state;
    answer_error(s, "lan.rpc", ERR_UNSUPPORTED, "no method \"edge.trace\"");
    struct answer a = ask(s, "vera", "POST /api/v1/nodes/x/rpc",
                          "{'method': 'edge.trace', 'params': {'in-port': 1}}");
    assert_status(a, 422);
    assert_string_equal(member(&a, "detail"), "node x is not a tieline-edge: it has no trace");
    assert_string_equal(member(&a, "err"), "ERR_UNSUPPORTED");
    answer_fini(&a);
}

/* ---- exceptions and fingerprints, from the state */

static void
exceptions_are_listed_by_state(void **state)
{
    struct api_scene *s = *state;
    append_event(s, "exception.raised", "exception/1", EXCEPTION);
    append_event(s, "exception.raised", "exception/2",
                 "{'id': 2, 'kind': 'node-lost', 'severity': 'major', 'object': 'node/x', 'text':"
                 " 'gone', 'evidence': {}}");
    append_event(s, "exception.closed", "exception/1", "{'id': 1, 'reason': 'is up'}");
    static const struct {
        const char *query;
        size_t n;
    } cases[] = {{"", 2}, {"?state=open", 1}, {"?state=acknowledged", 0}, {"?state=closed", 1}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *what = xasprintf("GET /api/v1/exceptions%s", cases[i].query);
        struct answer a = ask(s, "vera", what, NULL);
        assert_status(a, 200);
        assert_int_equal(json_array_size(json_object_get(a.json, "exceptions")), cases[i].n);
        answer_fini(&a);
        free(what);
    }
    struct answer a = ask(s, "vera", "GET /api/v1/exceptions/2", NULL);
    assert_status(a, 200);
    assert_string_equal(member(&a, "object"), "node/x");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/exceptions/1", NULL);
    assert_string_equal(member(&a, "closed-by"), "system/test");
    assert_string_equal(member(&a, "closed-reason"), "is up");
    answer_fini(&a);
}

static void
a_fingerprint_is_the_latest(void **state)
{
    struct api_scene *s = *state;
    append_event(s, "circuit.reserved", "work/3",
                 "{'order': 3, 'designs': [{'circuit': 'scada-rtu', 'number': 7, 'primary':"
                 " {'links': ['x-y']}, 'disjoint': 'none'}]}");
    append_event(s, "circuit.wanted", "circuit/scada-rtu",
                 "{'order': 3, 'circuits': ['scada-rtu']}");
    append_event(s, "circuit.built", "circuit/scada-rtu",
                 "{'order': 3, 'circuit': 'scada-rtu', 'nodes': 2, 'rules': 8, 'duration-ns': 5}");
    append_event(s, "circuit.fingerprint", "circuit/scada-rtu",
                 "{'order': 3, 'circuit': 'scada-rtu', 'entries': [{'path': 'primary'}]}");
    struct answer a = ask(s, "vera", "GET /api/v1/circuits/scada-rtu/fingerprint", NULL);
    assert_status(a, 200);
    assert_string_equal(member(&a, "circuit"), "scada-rtu");
    assert_json(json_object_get(a.json, "entries"), "[{'path': 'primary'}]");
    answer_fini(&a);
}

/* ---- health */

static void
all_is_well_when_everything_is(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/health", NULL);
    assert_status(a, 200);
    assert_true(json_is_false(json_object_get(a.json, "ok")));
    assert_non_null(json_object_get(json_object_get(a.json, "nodes"), "why"));
    answer_fini(&a);
    answer_with(s, "lan.nodes",
                "{'nodes': [{'name': 'x', 'state': 'adopted'},"
                " {'name': 'y', 'state': 'adopted'}]}");
    append_event(s, "exception.raised", "exception/1", EXCEPTION);
    a = ask(s, "vera", "GET /api/v1/health", NULL);
    assert_json(a.json, "{'ok': true, 'journal': {'ok': true, 'seq': 2}, 'users': {'ok': true},"
                        " 'nodes': {'adopted': 2, 'known': 2}, 'orders-open': 0,"
                        " 'exceptions-open': 1}");
    answer_fini(&a);
}

TEST_MAIN(API_TEST(requests_are_passed_on_in_the_name_of_who_may),
          API_TEST(a_new_order_says_where_it_is), API_TEST(what_is_not_there_is_not_asked_about),
          API_TEST(nodes_are_asked_only_what_changes_nothing),
          API_TEST(an_import_that_fails_has_its_report),
          API_TEST(a_decision_is_in_a_role_that_is_still_wanted),
          API_TEST(who_holds_no_role_that_is_wanted_does_not_decide),
          API_TEST(a_role_that_is_named_is_decided_in),
          API_TEST(who_asks_for_no_decision_is_a_conflict),
          API_TEST(a_switch_that_is_not_ours_has_no_trace),
          API_TEST(exceptions_are_listed_by_state), API_TEST(a_fingerprint_is_the_latest),
          API_TEST(all_is_well_when_everything_is))
