#include "gateway/restconf.h"

#include "gateway/service_testing.h"

static void
the_root_is_found_and_says_what_there_is(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /.well-known/host-meta", NULL);
    assert_status(a, 200);
    assert_string_equal(answer_field(&a, "Content-Type"), "application/xrd+xml");
    assert_non_null(strstr(answer_body(&a), "rel='restconf' href='/restconf'"));
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf\r\nAccept: application/yang-data+json", NULL);
    assert_status(a, 200);
    assert_string_equal(answer_field(&a, "Content-Type"), "application/yang-data+json");
    assert_json(a.json, "{'ietf-restconf:restconf': {'data': {}, 'operations': {},"
                        " 'yang-library-version': '2016-06-21'}}");
    answer_fini(&a);
    a = ask(
        s, "vera",
        "GET /restconf/data/ietf-restconf-monitoring:restconf-state/streams/stream=events/access",
        NULL);
    assert_status(a, 200);
    assert_json(a.json, "{'ietf-restconf-monitoring:access': [{'encoding': 'json', 'location':"
                        " '/restconf/streams/events'}]}");
    answer_fini(&a);
}

static void
what_is_stated_is_read_by_its_path(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"tieline-inventory:inventory/site=south",
         "{'tieline-inventory:site': [{'name': 'south', 'kind': 'substation', 'description': 'by "
         "the river'}]}"},
        {"tieline-inventory:inventory/site=south/kind", "{'tieline-inventory:kind': 'substation'}"},
        {"tieline-inventory:inventory/node=y/port=3",
         "{'tieline-inventory:port': [{'number': 3, 'name': 'p3'}]}"},
        {"tieline-inventory:inventory/tieline-inventory:link=x-y/a",
         "{'tieline-inventory:a': {'node': 'x', 'port': 1}}"},
        {"tieline-wan:wan/", "{'tieline-wan:wan': {'router': [], 'tunnel': [], 'vpn': []}}"},
        {"tieline-circuit:circuits?depth=1", "{'tieline-circuit:circuits': {}}"},
        {"tieline-circuit:circuits?depth=1&content=config", "{'tieline-circuit:circuits': {}}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *what = xasprintf("GET /restconf/data/%s", cases[i].path);
        struct answer a = ask(s, "vera", what, NULL);
        assert_status(a, 200);
        assert_json(a.json, cases[i].expected);
        answer_fini(&a);
        free(what);
    }
}

static void
what_is_not_there_is_an_errors_document(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *what, *body;
        int status;
        const char *tag;
    } cases[] = {
        {"GET /restconf/data/tieline-inventory:inventory/site=west", NULL, 404, "invalid-value"},
        {"GET /restconf/data/tieline-inventory:inventory/sites", NULL, 404, "invalid-value"},
        {"GET /restconf/data/tieline-inventory:inventory/site/name", NULL, 400, "invalid-value"},
        {"GET /restconf/data/tieline-wan:wan-state?content=config", NULL, 404, "invalid-value"},
        {"PUT /restconf/data/tieline-inventory:inventory", "{}", 405, "operation-not-supported"},
        {"PUT /restconf/data/tieline-inventory:inventory/site=west",
         "{'tieline-inventory:site': []}", 400, "malformed-message"},
        {"PUT /restconf/data/tieline-inventory:inventory/site=west",
         "{'tieline-inventory:site': [{'name': 'w'}]}", 400, "invalid-value"},
        {"PUT /restconf/data/tieline-inventory:inventory/site=west",
         "{'tieline-inventory:host': [{'name': 'west'}]}", 400, "invalid-value"},
        {"POST /restconf/data/tieline-inventory:inventory",
         "{'tieline-inventory:site': [{'name': 'north'}]}", 409, "data-exists"},
        {"POST /restconf/data/tieline-inventory:inventory",
         "{'tieline-inventory:tunnel': [{'name': 'n'}]}", 400, "invalid-value"},
        {"PATCH /restconf/data/tieline-inventory:inventory/site=west",
         "{'tieline-inventory:site': [{}]}", 404, "invalid-value"},
        {"DELETE /restconf/data/tieline-inventory:inventory/site=west", NULL, 404, "invalid-value"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(s, "alice", cases[i].what, cases[i].body);
        json_t *errors = json_object_get(json_object_get(a.json, "ietf-restconf:errors"), "error");
        const char *tag = json_string_value(
            json_object_get(json_array_get(errors, 0), "error-tag"));
        if (a.status != cases[i].status || !tag || strcmp(tag, cases[i].tag) != 0)
            fail_msg("%s: %s", cases[i].what, a.text);
        assert_string_equal(answer_field(&a, "Content-Type"), "application/yang-data+json");
        answer_fini(&a);
    }
}

#define DONE "{'applied': true, 'dry-run': false, 'errors': 0, 'rows': [], 'findings': []}"

static void
objects_are_created_replaced_patched_and_removed(void **state)
{
    struct api_scene *s = *state;
    struct responder *put = answer_with(s, "model.put", DONE),
                     *removal = answer_with(s, "model.remove", "{}");
    struct answer a = ask(s, "alice", "POST /restconf/data/tieline-wan:wan",
                          "{'tieline-wan:router': [{'name': 'pe1', 'site': 'north'}]}");
    assert_status(a, 201);
    assert_string_equal(answer_field(&a, "Location"), "/restconf/data/tieline-wan:wan/router=pe1");
    assert_json(put->payload, "{'actor': 'alice', 'document': {'tieline-wan:wan': {'router':"
                              " [{'name': 'pe1', 'site': 'north'}]}}}");
    answer_fini(&a);
    a = ask(s, "alice", "PUT /restconf/data/tieline-inventory:inventory/site=south",
            "{'tieline-inventory:site': [{'name': 'south', 'kind': 'wan'}]}");
    assert_status(a, 204);
    answer_fini(&a);
    a = ask(s, "alice", "PATCH /restconf/data/tieline-inventory:inventory/site=south",
            "{'tieline-inventory:site': [{'kind': 'wan'}]}");
    assert_status(a, 204);
    assert_json(put->payload, "{'actor': 'alice', 'document': {'tieline-inventory:inventory':"
                              " {'site': [{'name': 'south', 'description': 'by the river', 'kind':"
                              " 'wan'}]}}}");
    answer_fini(&a);
    a = ask(s, "alice", "DELETE /restconf/data/tieline-circuit:circuits/circuit=scada-rtu", NULL);
    assert_status(a, 204);
    assert_json(removal->payload, "{'actor': 'alice', 'kind': 'circuit', 'name': 'scada-rtu'}");
    answer_fini(&a);
    assert_only(s, "alice", "PUT /restconf/data/tieline-inventory:inventory/site=south",
                "{'tieline-inventory:site': [{'name': 'south', 'kind': 'wan'}]}", 204);
}

static void
a_change_that_is_refused_says_which_field(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.put",
                "{'applied': false, 'dry-run': false, 'errors': 1, 'findings': [],"
                " 'rows': [{'action': 'error', 'kind': 'tunnel', 'name': 't',"
                " 'field': 'tail', 'text': 'there is no router pe9'}]}");
    struct answer a = ask(s, "alice", "PUT /restconf/data/tieline-wan:wan/tunnel=t",
                          "{'tieline-wan:tunnel': [{'name': 't', 'tail': 'pe9'}]}");
    assert_status(a, 400);
    assert_json(a.json, "{'ietf-restconf:errors': {'error': [{'error-type': 'application',"
                        " 'error-tag': 'invalid-value', 'error-app-tag': 'tail', 'error-message':"
                        " 'tail: there is no router pe9'}]}}");
    answer_fini(&a);
}

static void
others_are_asked_for_what_they_know(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "wan.topology",
                "{'ietf-network:networks': {'network': [{'network-id': 'wan',"
                " 'node': [{'node-id': '10.0.0.1'}]}]}}");
    answer_error(s, "wan.state", ERR_CLOSED, "there is no WAN controller");
    struct answer a = ask(
        s, "vera", "GET /restconf/data/ietf-network:networks/network=wan/node=10.0.0.1", NULL);
    assert_status(a, 200);
    assert_json(a.json, "{'ietf-network:node': [{'node-id': '10.0.0.1'}]}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf/data/tieline-wan:wan-state", NULL);
    assert_status(a, 503);
    answer_fini(&a);
}

static void
a_long_list_comes_by_pages(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(
        s, "wan.state",
        "{'tieline-wan:wan-state': {'session': [], 'lsp': [{'id': 7}],"
        " 'lsp-total': 3, 'lsp-next': 7}}");
    struct answer a = ask(s, "vera", "GET /restconf/data/tieline-wan:wan-state?limit=1&after=5",
                          NULL);
    assert_status(a, 200);
    assert_json(r->payload, "{'after': 5, 'limit': 1}");
    assert_json(a.json, "{'tieline-wan:wan-state': {'session': [], 'lsp': [{'id': 7}],"
                        " 'lsp-total': 3, 'lsp-next': 7}}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf/data/tieline-wan:wan-state?limit=1001", NULL);
    assert_status(a, 400);
    answer_fini(&a);
}

static void
an_order_is_an_operation(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "work.submit", "{'id': 7}");
    struct answer a = ask(
        s, "alice", "POST /restconf/operations/tieline-work:submit-order",
        "{'tieline-work:input': {'workflow': 'tunnel-turn-up', 'tunnels': ['t']}}");
    assert_status(a, 200);
    assert_json(a.json, "{'tieline-work:output': {'id': 7}}");
    assert_json(r->payload,
                "{'actor': 'alice', 'workflow': 'tunnel-turn-up', 'input': {'tunnels': ['t']}}");
    answer_fini(&a);
    a = ask(s, "alice", "POST /restconf/operations/tieline-work:submit-order",
            "{'tieline-work:input': {'tunnels': ['t']}}");
    assert_status(a, 400);
    answer_fini(&a);
}

#define SERVICES "ietf-l3vpn-ntw:l3vpn-ntw/vpn-services"
#define SERVICE                                                                                    \
    "{'vpn-id': 'ems', 'vpn-instance-profiles': {'vpn-instance-profile': [{'profile-id': 'main',"  \
    " 'local-as': 65000, 'rd': '65000:1', 'vpn-targets': {'vpn-target': [{'id': 1,"                \
    " 'route-targets': [{'route-target': '65000:1'}], 'route-target-type': 'both'}]}}]},"          \
    " 'vpn-nodes': {'vpn-node': [{'vpn-node-id': 'a', 'ne-id': 'pe1'}]}"
#define SERVICE_9182                                                                               \
    "{'vpn-id': 'ems', 'vpn-instance-profiles': {'vpn-instance-profile': [{'profile-id': 'main',"  \
    " 'local-as': 65000, 'rd': '0:65000:1', 'address-family': [{'address-family':"                 \
    " 'ietf-vpn-common:dual-stack', 'vpn-targets': {'vpn-target': [{'id': 1,"                      \
    " 'route-targets': [{'route-target': '0:65000:1'}], 'route-target-type': 'both'}]}}]}]},"      \
    " 'vpn-nodes': {'vpn-node': [{'vpn-node-id': 'a', 'ne-id': 'pe1',"                             \
    " 'active-vpn-instance-profiles': {'vpn-instance-profile': [{'profile-id': 'main'}]}}]}"
#define STATED                                                                                     \
    "{'tieline-wan:wan': {'vpn': [{'name': 'ems', 'service': {'ietf-l3vpn-ntw:l3vpn-ntw':"         \
    " {'vpn-services': {'vpn-service': [" SERVICE "}]}}}}]}}"

static void
the_library_names_the_modules_and_what_differs(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /restconf/data/ietf-yang-library:modules-state", NULL);
    const json_t *list = json_object_get(json_object_get(a.json, "ietf-yang-library:modules-state"),
                                         "module");
    size_t i, found = 0;
    const json_t *module;
    assert_status(a, 200);
    json_array_foreach(list, i, module)
    {
        const char *name = json_string_value(json_object_get(module, "name"));
        const json_t *deviation = json_array_get(json_object_get(module, "deviation"), 0);
        found += !strcmp(name, "tieline-te-topology") || !strcmp(name, "tieline-vpn") ||
                 !strcmp(name, "tieline-events");
        if (!strcmp(name, "ietf-l3vpn-ntw") || !strcmp(name, "ietf-l2vpn-ntw"))
            assert_string_equal(json_string_value(json_object_get(deviation, "name")),
                                "tieline-vpn-deviations");
        else
            assert_null(deviation);
        assert_int_equal(json_array_size(json_object_get(module, "feature")),
                         strcmp(name, "ietf-vpn-common") ? 0 : 8);
    }
    assert_int_equal(found, 3);
    answer_fini(&a);
}

static void
a_vpn_is_a_service_of_rfc_9182(void **state)
{
    struct api_scene *s = *state;
    struct responder *put = answer_with(s, "model.put", DONE),
                     *removal = answer_with(s, "model.remove", "{}");
    struct answer a = ask(s, "alice", "POST /restconf/data/" SERVICES,
                          "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE ", 'status': {}}]}");
    assert_status(a, 201);
    assert_string_equal(answer_field(&a, "Location"),
                        "/restconf/data/" SERVICES "/vpn-service=ems");
    assert_json(put->payload, "{'actor': 'alice', 'document': " STATED "}");
    answer_fini(&a);
    append_event(s, "model.put", "inventory",
                 "{'tieline-wan:wan': {'router': [{'name': 'pe1', 'site': 'north', 'router-id':"
                 " '10.0.0.1', 'platform': 'ietf'}]}}");
    append_event(s, "model.put", "inventory", STATED);
    a = ask(s, "vera", "GET /restconf/data/" SERVICES "/vpn-service=ems?content=config", NULL);
    assert_status(a, 200);
    assert_json(a.json, "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE_9182 "}]}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf/data/" SERVICES "/vpn-service=ems/status/admin-status/status",
            NULL);
    assert_json(a.json, "{'ietf-l3vpn-ntw:status': 'ietf-vpn-common:admin-pre-deployment'}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf/data/" SERVICES "/vpn-service=ems/vpn-nodes/vpn-node=a/ne-id",
            NULL);
    assert_json(a.json, "{'ietf-l3vpn-ntw:ne-id': 'pe1'}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /restconf/data/ietf-l2vpn-ntw:l2vpn-ntw", NULL);
    assert_json(a.json,
                "{'ietf-l2vpn-ntw:l2vpn-ntw': {'vpn-profiles': {'valid-provider-identifiers': "
                "{'qos-profile-identifier': []}}, 'vpn-services': {'vpn-service': []}}}");
    answer_fini(&a);
    assert_only(s, "alice", "PUT /restconf/data/" SERVICES "/vpn-service=ems",
                "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE "}]}", 204);
    assert_only(s, "alice", "PUT /restconf/data/" SERVICES "/vpn-service=ems",
                "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE_9182 "}]}", 204);
    assert_only(s, "alice", "POST /restconf/data/" SERVICES,
                "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE "}]}", 409);
    assert_only(s, "alice", "PUT /restconf/data/" SERVICES "/vpn-service=other",
                "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE "}]}", 400);
    assert_only(s, "alice", "PATCH /restconf/data/" SERVICES "/vpn-service=ems",
                "{'ietf-l3vpn-ntw:vpn-service': [" SERVICE "}]}", 405);
    assert_only(s, "alice", "DELETE /restconf/data/" SERVICES "/vpn-service=other", NULL, 404);
    assert_only(s, "alice", "DELETE /restconf/data/" SERVICES "/vpn-service=ems", NULL, 204);
    assert_json(removal->payload, "{'actor': 'alice', 'kind': 'vpn', 'name': 'ems'}");
}

TEST_MAIN(API_TEST(the_root_is_found_and_says_what_there_is),
          API_TEST(what_is_stated_is_read_by_its_path),
          API_TEST(what_is_not_there_is_an_errors_document),
          API_TEST(objects_are_created_replaced_patched_and_removed),
          API_TEST(a_change_that_is_refused_says_which_field),
          API_TEST(others_are_asked_for_what_they_know), API_TEST(a_long_list_comes_by_pages),
          API_TEST(an_order_is_an_operation),
          API_TEST(the_library_names_the_modules_and_what_differs),
          API_TEST(a_vpn_is_a_service_of_rfc_9182))
