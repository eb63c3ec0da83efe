/* Objects of the model over the API: reading them, with how they are now, and changing them. */
#include "gateway/service_testing.h"

/* ---- reading */

static void
all_of_a_kind_are_listed(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/sites", NULL);
    assert_status(a, 200);
    assert_json(a.json, "{'sites': [{'name': 'north', 'kind': 'control-centre'}, {'name': 'south',"
                        " 'kind': 'substation', 'description': 'by the river'}]}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/hosts", NULL);
    assert_int_equal(json_array_size(json_object_get(a.json, "hosts")), 3);
    answer_fini(&a);
}

static void
nodes_have_their_live_state(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "lan.nodes", "{'nodes': [{'name': 'y', 'state': 'adopted', 'rules': 12}]}");
    struct answer a = ask(s, "vera", "GET /api/v1/nodes", NULL);
    assert_status(a, 200);
    json_t *nodes = json_object_get(a.json, "nodes");
    assert_null(json_object_get(json_array_get(nodes, 0), "live"));
    assert_json(json_object_get(json_array_get(nodes, 1), "live"),
                "{'state': 'adopted', 'rules': 12}");
    assert_json(json_object_get(a.json, "live"), "{'ok': true}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/nodes/y", NULL);
    assert_status(a, 200);
    assert_json(json_object_get(a.json, "live"), "{'state': 'adopted', 'rules': 12}");
    answer_fini(&a);
}

static void
without_the_lan_the_inventory_is_there_and_says_so(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/nodes", NULL);
    assert_status(a, 200);
    assert_int_equal(json_array_size(json_object_get(a.json, "nodes")), 2);
    json_t *live = json_object_get(a.json, "live");
    assert_true(json_is_false(json_object_get(live, "ok")));
    assert_non_null(json_string_value(json_object_get(live, "why")));
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/nodes/x", NULL);
    assert_status(a, 200);
    assert_null(json_object_get(a.json, "live"));
    answer_fini(&a);
}

static void
links_come_with_those_nobody_knows(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "lan.links",
                "{'links': [{'name': 'x-y', 'state': 'up'}],"
                " 'unexpected': [{'a': 'x/4', 'b': 'y/4'}]}");
    struct answer a = ask(s, "vera", "GET /api/v1/links", NULL);
    assert_status(a, 200);
    assert_json(json_object_get(json_array_get(json_object_get(a.json, "links"), 0), "live"),
                "{'state': 'up'}");
    assert_json(json_object_get(a.json, "unexpected"), "[{'a': 'x/4', 'b': 'y/4'}]");
    answer_fini(&a);
}

static void
circuits_have_a_status(void **state)
{
    struct api_scene *s = *state;
    append_event(s, "circuit.reserved", "work/3",
                 "{'order': 3, 'designs': [{'circuit': 'scada-rtu', 'number': 7, 'primary':"
                 " {'links': ['x-y']}, 'disjoint': 'none'}]}");
    struct answer a = ask(s, "vera", "GET /api/v1/circuits/scada-rtu", NULL);
    assert_status(a, 200);
    assert_string_equal(member(&a, "name"), "scada-rtu");
    json_t *status = json_object_get(a.json, "status");
    assert_string_equal(json_string_value(json_object_get(status, "phase")), "reserved");
    assert_int_equal(json_integer_value(json_object_get(status, "order")), 3);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(status, "design"), "number")), 7);
    assert_non_null(json_object_get(status, "since"));
    answer_fini(&a);
}

static void
an_object_that_is_not_there_is_404(void **state)
{
    struct api_scene *s = *state;
    static const char *const paths[] = {"sites/z", "nodes/z", "links/z", "hosts/z", "circuits/z"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        char *what = xasprintf("GET /api/v1/%s", paths[i]);
        struct answer a = ask(s, "vera", what, NULL);
        assert_status(a, 404);
        assert_non_null(strstr(member(&a, "detail"), " z"));
        answer_fini(&a);
        free(what);
    }
}

/* ---- putting */

#define REPORT                                                                                     \
    "{'dry-run': false, 'applied': true, 'created': 1, 'changed': 0, 'unchanged': 0, 'errors': 0," \
    " 'rows': [], 'findings': []}"
#define WEST "{'name': 'west', 'kind': 'wan'}"

static void
putting_asks_the_keeper_of_the_model(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "model.put", REPORT);
    struct answer a = ask(s, "alice", "PUT /api/v1/sites/west", WEST);
    assert_status(a, 200);
    assert_json(a.json, REPORT);
    assert_json(r->payload,
                "{'actor': 'alice', 'document': {'tieline-inventory:inventory': {'site':"
                " [" WEST "]}}}");
    answer_fini(&a);
    a = ask(s, "alice", "PUT /api/v1/circuits/scada-rtu", MODBUS_CIRCUIT);
    assert_status(a, 200);
    assert_json(r->payload,
                "{'actor': 'alice', 'document': {'tieline-circuit:circuits': {'circuit':"
                " [" MODBUS_CIRCUIT "]}}}");
    answer_fini(&a);
}

static void
only_engineers_put_and_delete(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.put", REPORT);
    answer_with(s, "model.remove", "{}");
    assert_only(s, "alice", "PUT /api/v1/sites/west", WEST, 200);
    assert_only(s, "alice", "DELETE /api/v1/sites/north", NULL, 200);
}

static void
a_dry_run_is_an_import_that_changes_nothing(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "model.import",
                                      "{'dry-run': true, 'applied': false,"
                                      " 'errors': 1, 'rows': []}");
    struct answer a = ask(s, "alice", "PUT /api/v1/sites/west?dry-run=true", WEST);
    assert_status(a, 200);
    assert_true(json_is_true(json_object_get(r->payload, "dry-run")));
    json_t *file = json_array_get(json_object_get(r->payload, "files"), 0);
    json_t *document = json_loads(json_string_value(json_object_get(file, "text")), 0, NULL);
    assert_json(document, "{'tieline-inventory:inventory': {'site': [" WEST "]}}");
    json_decref(document);
    answer_fini(&a);
}

static void
what_was_read_can_be_sent_back(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "lan.nodes", "{'nodes': [{'name': 'y', 'state': 'adopted'}]}");
    struct responder *r = answer_with(s, "model.put", REPORT);
    static const char *const paths[] = {"sites/south", "nodes/y", "links/x-y", "hosts/relay",
                                        "circuits/scada-rtu"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        char *get = xasprintf("GET /api/v1/%s", paths[i]);
        struct answer a = ask(s, "alice", get, NULL);
        assert_status(a, 200);
        char *put = xasprintf("PUT /api/v1/%s", paths[i]);
        struct answer b = ask(s, "alice", put, answer_body(&a));
        assert_status(b, 200);
        answer_fini(&a);
        answer_fini(&b);
        free(get);
        free(put);
    }
    assert_int_equal(r->n_asked, ARRAY_SIZE(paths));
}

static void
what_is_wrong_is_named_with_what_it_may_be(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "model.put", REPORT);
    static const struct {
        const char *path, *body, *field, *says;
    } cases[] = {
        {"sites/west", "{'name': 'east', 'kind': 'wan'}", "/name", "the path says west"},
        {"sites/west", "{'name': 'west'}", "/kind", "it is missing"},
        {"sites/west", "{'name': 'west', 'kind': 'moon'}", "/kind",
         "one of these is expected: control-centre, wan, substation"},
        {"sites/west", "{'name': 'west', 'kind': 'wan', 'colour': 'red'}", "/colour",
         "there is no such member"},
        {"sites/west", "{'name': 'west', 'kind': 'wan', 'description': 7}", "/description",
         "a string is expected"},
        {"sites/west", "{'name': 'west', 'kind': 'wan', 'description': 'a\\u0007b'}",
         "/description", "one line of 1 to 255 characters is expected"},
        {"hosts/h", "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'x', 'port': 0}", "/port",
         "1 to 4294967040 is expected"},
        {"hosts/h", "{'name': 'h', 'mac': '02:00:00:00:00', 'node': 'x', 'port': 1}", "/mac", ""},
        {"hosts/h",
         "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'x', 'port': 1,"
         " 'gateway': '10.0.0.1'}",
         "/gateway", "A gateway without an IPv4 address."},
        {"nodes/n",
         "{'name': 'n', 'site': 'north', 'kind': 'openflow', 'datapath-id': '000000000000000a',"
         " 'port': [{'number': 1, 'name': 'a'}, {'number': 2, 'name': '-'}]}",
         "/port/1/name", "a name is expected"},
        {"circuits/c", "{'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1}", "",
         "exactly one of these members is expected: ip, multicast"},
        {"circuits/c",
         "{'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1, 'ip': {'client': 'fep',"
         " 'server': 'rtu', 'protocol': 'tcp', 'server-ports': [80, 70000]}}",
         "/ip/server-ports/1", "1 to 65535 is expected"},
        {"circuits/c",
         "{'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1, 'ip': {'client': 'fep',"
         " 'server': 'rtu', 'protocol': 'tcp'}}",
         "/ip", "TCP and UDP need at least one server port."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *what = xasprintf("PUT /api/v1/%s", cases[i].path);
        struct answer a = ask(s, "alice", what, cases[i].body);
        if (a.status != 422 || strcmp(member(&a, "field"), cases[i].field) != 0 ||
            !strstr(member(&a, "detail"), cases[i].says))
            fail_msg("%s: %s", cases[i].body, a.text);
        answer_fini(&a);
        free(what);
    }
    assert_int_equal(r->n_asked, 0);
}

static void
a_report_with_errors_is_a_problem(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.put",
                "{'dry-run': false, 'applied': false, 'created': 0, 'changed': 0, 'unchanged': 0,"
                " 'errors': 1, 'rows': [{'action': 'error', 'kind': 'host', 'name': 'h', 'field':"
                " 'port', 'text': 'occupied by host fep'}], 'findings': [{'severity': 'error',"
                " 'code': 'port-occupied'}]}");
    struct answer a = ask(s, "alice", "PUT /api/v1/hosts/h",
                          "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'x', 'port': 2}");
    assert_status(a, 422);
    assert_string_equal(member(&a, "detail"), "host h: port: occupied by host fep");
    assert_string_equal(member(&a, "field"), "port");
    assert_json(json_object_get(a.json, "findings"),
                "[{'severity': 'error', 'code': 'port-occupied'}]");
    answer_fini(&a);
}

static void
a_file_that_cannot_be_read_is_named(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.import",
                "{'dry-run': false, 'applied': false, 'errors': 1, 'rows': [{'action': 'error',"
                " 'kind': 'file', 'name': '', 'file': 'a.scd', 'text': 'it cannot be read: x'}]}");
    struct answer a = ask(s, "alice", "POST /api/v1/import?format=scd",
                          "{'files': [{'name': 'a.scd', 'text': '<'}]}");
    assert_status(a, 422);
    assert_string_equal(member(&a, "detail"), "a.scd: it cannot be read: x");
    answer_fini(&a);
}

/* ---- versions */

static char *
with_field(const char *what, const char *name, const char *value)
{
    return xasprintf("%s\r\n%s: %s", what, name, value);
}

static void
a_change_can_be_bound_to_what_was_read(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "model.put", REPORT);
    answer_with(s, "model.remove", "{}");
    struct answer a = ask(s, "alice", "GET /api/v1/sites/south", NULL);
    char *put = with_field("PUT /api/v1/sites/south", "If-Match", answer_field(&a, "ETag"));
    answer_fini(&a);
    a = ask(s, "alice", put, "{'name': 'south', 'kind': 'wan'}");
    assert_status(a, 200);
    answer_fini(&a);
    append_event(s, "model.put", "inventory",
                 "{'tieline-inventory:inventory': {'site': [{'name': 'south', 'kind': 'wan'}]}}");
    a = ask(s, "alice", put, "{'name': 'south', 'kind': 'wan'}");
    assert_status(a, 412);
    assert_int_equal(r->n_asked, 1);
    answer_fini(&a);
    free(put);
    a = ask(s, "alice", "DELETE /api/v1/sites/south\r\nIf-Match: \"1\"", NULL);
    assert_status(a, 412);
    answer_fini(&a);
}

static void
what_is_to_be_new_must_not_be_there(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.put", REPORT);
    struct answer a = ask(s, "alice", "PUT /api/v1/sites/south\r\nIf-None-Match: *",
                          "{'name': 'south', 'kind': 'wan'}");
    assert_status(a, 412);
    assert_string_equal(member(&a, "err"), "ERR_EXISTS");
    answer_fini(&a);
    a = ask(s, "alice", "PUT /api/v1/sites/west\r\nIf-None-Match: *", WEST);
    assert_status(a, 200);
    answer_fini(&a);
}

/* ---- deleting */

static void
deleting_asks_the_keeper_of_the_model(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "model.remove", "{}");
    struct answer a = ask(s, "alice", "DELETE /api/v1/hosts/relay", NULL);
    assert_status(a, 200);
    assert_json(a.json, "{}");
    assert_json(r->payload, "{'actor': 'alice', 'kind': 'host', 'name': 'relay'}");
    answer_fini(&a);
    a = ask(s, "alice", "DELETE /api/v1/hosts/nobody", NULL);
    assert_status(a, 404);
    answer_fini(&a);
}

static void
what_is_used_is_not_deleted(void **state)
{
    struct api_scene *s = *state;
    answer_error(s, "model.remove", ERR_CONFLICT, "circuit scada-rtu uses it");
    struct answer a = ask(s, "alice", "DELETE /api/v1/hosts/fep", NULL);
    assert_status(a, 409);
    assert_string_equal(member(&a, "detail"), "circuit scada-rtu uses it");
    answer_fini(&a);
}

TEST_MAIN(
    API_TEST(all_of_a_kind_are_listed), API_TEST(nodes_have_their_live_state),
    API_TEST(without_the_lan_the_inventory_is_there_and_says_so),
    API_TEST(links_come_with_those_nobody_knows), API_TEST(circuits_have_a_status),
    API_TEST(an_object_that_is_not_there_is_404), API_TEST(putting_asks_the_keeper_of_the_model),
    API_TEST(only_engineers_put_and_delete), API_TEST(a_dry_run_is_an_import_that_changes_nothing),
    API_TEST(what_was_read_can_be_sent_back), API_TEST(what_is_wrong_is_named_with_what_it_may_be),
    API_TEST(a_report_with_errors_is_a_problem), API_TEST(a_file_that_cannot_be_read_is_named),
    API_TEST(a_change_can_be_bound_to_what_was_read), API_TEST(what_is_to_be_new_must_not_be_there),
    API_TEST(deleting_asks_the_keeper_of_the_model), API_TEST(what_is_used_is_not_deleted))
