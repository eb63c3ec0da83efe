#include "model/vpn.h"

#include "model/check.h"
#include "model/schema.h"
#include "model/testing.h"
#include "model/vpn_testing.h"

/* The services of the test's document, one by one, as L3 or L2 networks. */
static json_t *
vpn_json(const char *name, const char *model, size_t i)
{
    json_t *document = test_document();
    char *container = NULL;
    assert_true(asprintf(&container, "ietf-%s:%s", model, model) > 0);
    json_t *list = json_object_get(
        json_object_get(json_object_get(document, container), "vpn-services"), "vpn-service");
    json_t *json = json_pack("{ss s{s{s{s[O]}}}}", "name", name, "service", container,
                             "vpn-services", "vpn-service", json_array_get(list, i));
    json_decref(document);
    free(container);
    return json;
}

static void
refuse(json_t *json, const char *expected)
{
    struct vpn *vpn;
    struct diag diag = {""};
    assert_err(vpn_from_json(json, &vpn, &diag), ERR_INVALID);
    assert_string_equal(diag.text, expected);
    json_decref(json);
}

static void
a_vpn_is_read_written_and_compared(void **state UNUSED)
{
    struct vpn *vpn, *again;
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *service;
    json_t *json = vpn_json("tele", "l2vpn-ntw", 1);
    assert_ok(vpn_from_json(json, &vpn, NULL));
    json_t *written = vpn_to_json(vpn);
    assert_true(json_equal(json, written));
    assert_ok(vpn_from_json(written, &again, NULL));
    assert_true(vpn_equal(vpn, again));
    assert_ok(vpn_read(vpn, arena, &service, NULL));
    assert_int_equal(service->n_nodes, 2);
    struct vpn *copy = vpn_copy(vpn);
    assert_true(vpn_equal(vpn, copy));
    vpn_free(copy);
    vpn_free(vpn);
    vpn_free(again);
    arena_free(arena);
    json_decref(json);
    json_decref(written);
}

static void
what_is_wrong_is_refused_with_its_path(void **state UNUSED)
{
    json_t *json = vpn_json("ems", "l3vpn-ntw", 0);
    json_t *service = json_object_get(json, "service");
    json_t *node = json_array_get(
        json_object_get(
            json_object_get(
                json_array_get(
                    json_object_get(
                        json_object_get(json_object_get(service, "ietf-l3vpn-ntw:l3vpn-ntw"),
                                        "vpn-services"),
                        "vpn-service"),
                    0),
                "vpn-nodes"),
            "vpn-node"),
        0);
    json_object_set_new(node, "rd", json_string("none"));
    refuse(json, "service: vpn-services/vpn-service[ems]/vpn-nodes/vpn-node[centre]/rd: not of the "
                 "form 65000:100 or 192.0.2.1:100");
    refuse(vpn_json("other", "l3vpn-ntw", 0),
           "service: vpn-services/vpn-service[ems]/vpn-id: the VPN is called other");
    refuse(json_quoted("{'name': 'x', 'service': 'y'}"), "service: must be an object");
    refuse(json_quoted("{'name': 'x'}"), "service: is missing");
    refuse(json_pack("{ss so}", "name", "ems", "service", test_document()),
           "service: vpn-services: has 3 services; one is expected");
}

static void
the_schema_takes_the_document_as_it_is(void **state UNUSED)
{
    struct schema *schema;
    struct diag diag = {""};
    assert_ok(schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag));
    json_t *json = vpn_json("ems", "l3vpn-ntw", 0), *validated;
    json_t *document = json_pack("{s{s[O]}}", "tieline-wan:wan", "vpn", json);
    const struct {
        const char *what;
        const json_t *json;
    } texts[] = {{"/tieline-wan:wan/vpn", json}, {NULL, document}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *text = json_dumps(texts[i].json, 0);
        if (schema_validate_json(schema, text, strlen(text), texts[i].what, &validated, &diag))
            fail_msg("%s", diag.text);
        assert_true(json_equal(validated, texts[i].json));
        json_decref(validated);
        free(text);
    }
    json_decref(json);
    json_decref(document);
    schema_close(schema);
}

#define ROUTER(name, id)                                                                           \
    "{'name': '" name "', 'site': 's', 'router-id': '10.0.0." id "', 'platform': 'ietf'}"

static void
its_routers_and_its_tunnel_must_be_there(void **state UNUSED)
{
    struct network *network = network_quoted(
        "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'wan'}]},"
        " 'tieline-wan:wan': {'router': [" ROUTER("pe1", "1") ", " ROUTER("pe2", "2") "]}}");
    struct findings findings = {0};
    struct vpn *vpn;
    json_t *json = vpn_json("ems", "l3vpn-ntw", 0);
    json_t *service = json_array_get(
        json_object_get(json_object_get(json_object_get(json_object_get(json, "service"),
                                                        "ietf-l3vpn-ntw:l3vpn-ntw"),
                                        "vpn-services"),
                        "vpn-service"),
        0);
    json_object_set_new(json_object_get(service, "underlay-transport"), "transport-instance-id",
                        json_string("trunk"));
    assert_ok(vpn_from_json(json, &vpn, NULL));
    network_put_vpn(network, vpn);
    network_check(network, &findings);
    assert_int_equal(findings.n, 2);
    assert_string_equal(findings.items[0].text, "vpn-node south: there is no router pe3");
    assert_string_equal(findings.items[1].text, "there is no tunnel trunk");
    findings_fini(&findings);
    network_free(network);
    json_decref(json);
}

TEST_MAIN(cmocka_unit_test(a_vpn_is_read_written_and_compared),
          cmocka_unit_test(what_is_wrong_is_refused_with_its_path),
          cmocka_unit_test(the_schema_takes_the_document_as_it_is),
          cmocka_unit_test(its_routers_and_its_tunnel_must_be_there))
