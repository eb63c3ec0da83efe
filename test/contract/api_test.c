/* The gateway and the service orchestrate on one bus: an order from the API to the last event, with
 * the nodes played. What is answered has the shape that the API publishes. */
#include "gateway/components.h"
#include "gateway/service_testing.h"
#include "gateway/shape.h"
#include "orchestrate/service.h"

static struct schema *schema;
static json_t *components;
static struct orchestrate_service *orchestrate;

static int
set_up(void **state)
{
    api_set_up(state);
    struct api_scene *s = *state;
    struct diag diag = {""};
    struct orchestrate_service_config config = {
        .loop = s->base.loop,
        .journal = s->base.journal,
        .bus = s->bus,
        .state = s->state,
        .site = "substation-a",
        .workflows_dir = TIELINE_SOURCE_DIR "/etc/workflows",
    };
    if (orchestrate_service_new(&config, &orchestrate, &diag) ||
        schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag) ||
        components_build(schema, &components, &diag))
        fail_msg("%s", diag.text);
    return 0;
}

static int
tear_down(void **state)
{
    orchestrate_service_free(orchestrate);
    json_decref(components);
    schema_close(schema);
    return api_tear_down(state);
}

/* Asks, and wants this status and an answer with the shape of the component. */
static struct answer
ask_for(struct api_scene *s, const char *person, const char *what, const char *body, int status,
        const char *component)
{
    struct answer a = ask(s, person, what, body);
    struct buf pointer = BUF_INIT;
    struct diag diag = {""};
    if (a.status != status)
        fail_msg("%s as %s: %s", what, person, a.text);
    const json_t *shape = json_object_get(components, component);
    assert_non_null(shape);
    if (shape_check(components, shape, a.json, &pointer, &diag))
        fail_msg("%s: %s: %s: %s", what, buf_cstr(&pointer), diag.text, a.text);
    buf_fini(&pointer);
    return a;
}

static const char *
text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* ---- the model */

static void
objects_are_put_and_removed(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask_for(s, "alice", "PUT /api/v1/sites/west?dry-run=true",
                              "{'name': 'west', 'kind': 'wan'}", 200, "Report");
    assert_int_equal(json_integer_value(json_object_get(a.json, "created")), 1);
    answer_fini(&a);
    a = ask_for(s, "alice", "GET /api/v1/sites/west", NULL, 404, "Problem");
    answer_fini(&a);
    a = ask_for(s, "alice", "PUT /api/v1/sites/west", "{'name': 'west', 'kind': 'wan'}", 200,
                "Report");
    assert_true(json_is_true(json_object_get(a.json, "applied")));
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/sites/west", NULL, 200, "Site");
    answer_fini(&a);
    a = ask_for(s, "alice", "DELETE /api/v1/sites/west", NULL, 200, "Nothing");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/sites/west", NULL, 404, "Problem");
    answer_fini(&a);
    a = ask_for(s, "alice", "DELETE /api/v1/hosts/fep", NULL, 409, "Problem");
    answer_fini(&a);
}

static void
what_contradicts_the_rest_is_a_problem_with_findings(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask_for(s, "alice", "PUT /api/v1/hosts/h",
                              "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'x', 'port': 2}",
                              422, "Problem");
    assert_non_null(strstr(member(&a, "detail"), "host h"));
    assert_non_null(json_object_get(a.json, "report"));
    answer_fini(&a);
}

static void
what_is_exported_imports_unchanged(void **state)
{
    struct api_scene *s = *state;
    static const char *const formats[] = {"csv", "json"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        char *get = xasprintf("GET /api/v1/export?format=%s", formats[i]);
        char *post = xasprintf("POST /api/v1/import?format=%s", formats[i]);
        struct answer a = ask_for(s, "vera", get, NULL, 200, "Files");
        struct answer b = ask_for(s, "alice", post, answer_body(&a), 200, "Report");
        assert_int_equal(json_integer_value(json_object_get(b.json, "created")), 0);
        assert_int_equal(json_integer_value(json_object_get(b.json, "changed")), 0);
        assert_true(json_integer_value(json_object_get(b.json, "unchanged")) > 5);
        answer_fini(&a);
        answer_fini(&b);
        free(get);
        free(post);
    }
}

static void
what_if_takes_circuits_and_names(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask_for(s, "vera", "POST /api/v1/what-if", "{'circuits': ['scada-rtu']}", 200,
                              "WhatIf");
    assert_true(json_is_true(json_object_get(a.json, "ok")));
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/circuits/scada-rtu", NULL, 200, "Circuit");
    char *circuit = json_dumps(a.json, 0), *body = xasprintf("{\"circuits\": [%s]}", circuit);
    answer_fini(&a);
    a = ask_for(s, "vera", "POST /api/v1/what-if", body, 200, "WhatIf");
    assert_true(json_is_true(json_object_get(a.json, "ok")));
    answer_fini(&a);
    free(circuit);
    free(body);
}

/* One that is there, and one that asks for more than a link carries. */
static void
fit_says_which_circuits_fit_and_what_limits_the_others(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask_for(s, "vera", "GET /api/v1/circuits/scada-rtu", NULL, 200, "Circuit");
    json_t *large = json_deep_copy(a.json);
    answer_fini(&a);
    json_object_del(large, "status");
    json_object_set_new(large, "name", json_string("large"));
    json_object_set_new(large, "rate-kbps", json_integer(9000000));
    char *text = json_dumps(large, 0);
    char *body = xasprintf("{\"circuits\": [\"scada-rtu\", %s], \"orders\": true}", text);
    a = ask_for(s, "vera", "POST /api/v1/fit", body, 200, "Fit");
    const json_t *circuits = json_object_get(a.json, "circuits");
    assert_int_equal(json_integer_value(json_object_get(a.json, "n")), 2);
    assert_int_equal(json_integer_value(json_object_get(a.json, "n-fit")), 1);
    assert_int_equal(json_array_size(json_object_get(a.json, "orders")), 4);
    assert_true(json_is_true(json_object_get(json_array_get(circuits, 0), "fits")));
    assert_true(json_is_false(json_object_get(json_array_get(circuits, 1), "fits")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(circuits, 1), "limit")),
                        "capacity");
    answer_fini(&a);
    a = ask_for(s, "vera", "POST /api/v1/fit", "{'circuits': ['nothing']}", 404, "Problem");
    assert_non_null(strstr(member(&a, "detail"), "number 1"));
    answer_fini(&a);
    json_decref(large);
    free(text);
    free(body);
}

/* ---- work */

#define ENTRY                                                                                      \
    "{'circuit': 'scada-rtu', 'path': 'primary', 'receiver': 'rtu', 'direction': 'forward',"       \
    " 'time': '2026-03-01T08:00:00Z', 'sent': 100, 'lost': 0}"

static void
play_nodes(struct api_scene *s)
{
    answer_with(s, "lan.push", "{'nodes': 2, 'rules': 8, 'duration-ns': 5000000}");
    answer_with(s, "lan.readback", "{'ok': true, 'differences': []}");
    answer_with(s, "assure.test", "{'ok': true, 'entries': [" ENTRY "], 'findings': []}");
}

/* Asks for the order until it is in this state; fails when it has ended in another. */
static struct answer
wait_for_state(struct api_scene *s, const char *wanted)
{
    for (;;) {
        struct answer a = ask_for(s, "vera", "GET /api/v1/orders/1", NULL, 200, "Order");
        const char *its = member(&a, "state");
        if (!strcmp(its, wanted))
            return a;
        if (strcmp(its, "running") != 0 && strcmp(its, "waiting") != 0 &&
            strcmp(its, "undoing") != 0)
            fail_msg("%s", a.text);
        answer_fini(&a);
    }
}

static void
submit(struct api_scene *s)
{
    struct answer a = ask_for(s, "alice", "POST /api/v1/orders",
                              "{'workflow': 'circuit-turn-up', 'input': {'circuits':"
                              " ['scada-rtu']}, 'comment': 'as agreed'}",
                              201, "OrderCreated");
    assert_string_equal(answer_field(&a, "Location"), "/api/v1/orders/1");
    answer_fini(&a);
}

/* The hash that is asked about, as soon as it is. */
static char *
asked_hash(struct api_scene *s)
{
    for (;;) {
        struct answer a = wait_for_state(s, "waiting");
        json_t *approval = json_array_get(json_object_get(a.json, "approval"), 0);
        char *hash = approval ? xstrdup(text_at(approval, "hash")) : NULL;
        answer_fini(&a);
        if (hash)
            return hash;
    }
}

static void
decide(struct api_scene *s, const char *person, const char *decision, const char *hash, int status)
{
    char *body = xasprintf("{'decision': '%s', 'hash': '%s'}", decision, hash);
    struct answer a = ask_for(s, person, "POST /api/v1/orders/1/decisions", body, status,
                              status == 200 ? "Nothing" : "Problem");
    answer_fini(&a);
    free(body);
}

static void
an_order_goes_from_the_form_to_the_fingerprint(void **state)
{
    struct api_scene *s = *state;
    play_nodes(s);
    struct answer a = ask_for(s, "vera", "GET /api/v1/workflows", NULL, 200, "Workflows");
    assert_non_null(strstr(a.text, "\"circuit-turn-up\""));
    answer_fini(&a);
    submit(s);
    char *hash = asked_hash(s), *other = xstrdup(hash);
    other[0] = other[0] == '0' ? '1' : '0';
    decide(s, "alice", "approve", hash, 403); /* not her role */
    decide(s, "olga", "approve", other, 403); /* not what is asked */
    decide(s, "olga", "approve", hash, 200);
    decide(s, "olga", "approve", hash, 403); /* what is left is not hers */
    decide(s, "sam", "approve", hash, 200);
    a = wait_for_state(s, "done");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/circuits/scada-rtu", NULL, 200, "Circuit");
    assert_string_equal(text_at(json_object_get(a.json, "status"), "phase"), "active");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/circuits/scada-rtu/fingerprint", NULL, 200,
                "CircuitFingerprint");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/orders", NULL, 200, "Orders");
    assert_int_equal(json_array_size(json_object_get(a.json, "orders")), 1);
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/orders?open=true", NULL, 200, "Orders");
    assert_int_equal(json_array_size(json_object_get(a.json, "orders")), 0);
    answer_fini(&a);
    decide(s, "sam", "approve", hash, 409); /* it has ended */
    free(hash);
    free(other);
}

static void
a_refused_order_is_undone(void **state)
{
    struct api_scene *s = *state;
    play_nodes(s);
    submit(s);
    char *hash = asked_hash(s);
    decide(s, "sam", "refuse", hash, 200);
    free(hash);
    struct answer a = wait_for_state(s, "failed-undone");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/circuits/scada-rtu", NULL, 200, "Circuit");
    assert_string_equal(text_at(json_object_get(a.json, "status"), "phase"), "proposed");
    answer_fini(&a);
}

static void
a_cancelled_order_is_undone(void **state)
{
    struct api_scene *s = *state;
    play_nodes(s);
    submit(s);
    free(asked_hash(s));
    struct answer a = ask_for(s, "olga", "POST /api/v1/orders/1/cancel", "{'comment': 'wrong day'}",
                              200, "Nothing");
    answer_fini(&a);
    a = wait_for_state(s, "cancelled");
    answer_fini(&a);
}

/* ---- exceptions */

static void
an_exception_is_acknowledged_and_closed(void **state)
{
    struct api_scene *s = *state;
    append_event(s, "exception.raised", "exception/1",
                 "{'id': 1, 'kind': 'link-down', 'severity': 'major', 'object': 'link/x-y', 'text':"
                 " 'is down', 'evidence': {'port': 'x/1'}}");
    struct answer a = ask_for(s, "olga", "POST /api/v1/exceptions/1/acknowledge",
                              "{'comment': 'crew is on its way'}", 200, "Nothing");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/exceptions/1", NULL, 200, "Exception");
    assert_string_equal(member(&a, "state"), "acknowledged");
    assert_string_equal(member(&a, "acknowledged-by"), "olga");
    answer_fini(&a);
    a = ask_for(s, "sam", "POST /api/v1/exceptions/1/close", "{'reason': 'mended'}", 200,
                "Nothing");
    answer_fini(&a);
    a = ask_for(s, "vera", "GET /api/v1/exceptions?state=closed", NULL, 200, "Exceptions");
    assert_int_equal(json_array_size(json_object_get(a.json, "exceptions")), 1);
    answer_fini(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(objects_are_put_and_removed),
          TEST(what_contradicts_the_rest_is_a_problem_with_findings),
          TEST(what_is_exported_imports_unchanged), TEST(what_if_takes_circuits_and_names),
          TEST(fit_says_which_circuits_fit_and_what_limits_the_others),
          TEST(an_order_goes_from_the_form_to_the_fingerprint), TEST(a_refused_order_is_undone),
          TEST(a_cancelled_order_is_undone), TEST(an_exception_is_acknowledged_and_closed))
