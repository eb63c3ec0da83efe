/* Services in the shapes of RFC 9182 and RFC 9291, as libyang judges them by the RFC's modules
 * (abridged: test/wan/vpn/yang), and what becomes of them when they are read. */
#include "model/vpn_shape.h"

#include "model/vpn_testing.h"

#include <libyang/libyang.h>
#include <string.h>

/* Where libyang and FRR have the modules of types. */
#define TYPES "/usr/share/yang/modules/libyang:/usr/share/yang"
#define L3NM "ietf-l3vpn-ntw:l3vpn-ntw"
#define L2NM "ietf-l2vpn-ntw:l2vpn-ntw"

static json_t *
list_of(const json_t *document, const char *module)
{
    return json_object_get(json_object_get(json_object_get(document, module), "vpn-services"),
                           "vpn-service");
}

static json_t *
services_in(const json_t *document)
{
    return list_of(document, L3NM);
}

static json_t *
model_json(json_t *list)
{
    json_t *profiles = vpn_shape_profiles(list);
    return json_pack("{so s{so}}", "vpn-profiles", profiles, "vpn-services", "vpn-service", list);
}

/* The test's services as the RFCs have them; the caller owns it. */
static json_t *
raised(void)
{
    json_t *flat = test_document(), *l3 = json_array(), *l2 = json_array(), *service;
    size_t i;
    json_array_foreach(list_of(flat, L3NM), i, service)
        json_array_append_new(l3, vpn_shape_rfc9182(service));
    json_array_foreach(list_of(flat, L2NM), i, service)
    {
        json_t *access = json_object_get(
            json_array_get(json_object_get(json_object_get(service, "vpn-nodes"), "vpn-node"), 0),
            "vpn-network-accesses");
        access = json_array_get(json_object_get(access, "vpn-network-access"), 0);
        if (!json_object_get(access, "service"))
            json_object_set_new(access, "service", json_object());
        json_object_set_new(json_object_get(access, "service"), "pe-to-ce-bandwidth",
                            json_integer(5000000));
        json_array_append_new(l2, vpn_shape_rfc9291(service));
    }
    json_decref(flat);
    return json_pack("{so so}", L3NM, model_json(l3), L2NM, model_json(l2));
}

/* What libyang says against it, "" if nothing. */
static void
judge(const json_t *document, char why[256])
{
    static const char *const modules[] = {"ietf-vpn-common", "ietf-l3vpn-ntw", "ietf-l2vpn-ntw",
                                          "tieline-vpn"};
    struct ly_ctx *ctx;
    struct lyd_node *tree = NULL;
    char *text = json_dumps(document, 0);
    assert_int_equal(
        ly_ctx_new(VPN_TEST_DIR "/yang:" TIELINE_SOURCE_DIR "/schema/vpn:" TYPES, 0, &ctx),
        LY_SUCCESS);
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        assert_non_null(ly_ctx_load_module(ctx, modules[i], NULL, NULL));
    LY_ERR err = lyd_parse_data_mem(ctx, text, LYD_JSON, LYD_PARSE_STRICT, LYD_VALIDATE_PRESENT,
                                    &tree);
    snprintf(why, 256, "%s%s%s", err ? ly_errpath(ctx) : "", err ? ": " : "",
             err ? ly_errmsg(ctx) : "");
    lyd_free_all(tree);
    ly_ctx_destroy(ctx);
    free(text);
}

static void
what_is_shown_is_as_the_rfcs_have_it(void **state UNUSED)
{
    char why[256];
    json_t *document = raised();
    judge(document, why);
    assert_string_equal(why, "");
    json_t *service = json_array_get(services_in(document), 0);
    json_object_set_new(json_object_get(service, "underlay-transport"), "tieline-vpn:colour",
                        json_integer(0));
    judge(document, why);
    assert_non_null(strstr(why, "colour"));
    json_decref(document);
    static const char *const others[] = {L2NM, L3NM};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        document = test_document(); /* the flat ones are not */
        json_object_del(document, others[i]);
        judge(document, why);
        assert_true(*why);
        json_decref(document);
    }
}

static void
what_is_shown_can_be_stated_and_says_the_same(void **state UNUSED)
{
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services flat = test_services(arena), services;
    struct diag diag = {""};
    json_t *document = raised();
    enum err err = vpn_services_from_json(document, arena, &services, &diag);
    assert_string_equal(diag.text, "");
    assert_ok(err);
    const struct vpn_service *s = &services.services[0], *its = &flat.services[0];
    assert_int_equal(services.n, flat.n);
    assert_string_equal(s->profiles[0].targets[1].values[0].value, "65000:900");
    assert_int_equal(s->n_nodes, its->n_nodes);
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        const struct vpn_node *n = &s->nodes[i], *m = &its->nodes[i];
        assert_string_equal(n->rd, m->rd);
        assert_int_equal(n->local_as, m->local_as);
        assert_int_equal(n->n_accesses, m->n_accesses);
        for (uint32_t j = 0; j < n->n_accesses; j++) {
            const struct vpn_access *a = &n->accesses[j], *b = &m->accesses[j];
            assert_int_equal(a->encapsulation, b->encapsulation);
            assert_int_equal(a->n_routes + a->n_routes6, b->n_routes + b->n_routes6);
            assert_int_equal(a->n_bgps, b->n_bgps);
            assert_int_equal(a->to_customer_bps, b->to_customer_bps);
        }
    }
    assert_string_equal(s->nodes[0].accesses[0].bgps[0].neighbor, "10.1.0.3");
    assert_string_equal(s->nodes[0].accesses[0].qos, "scada");
    assert_string_equal(services.services[1].nodes[1].rd, flat.services[1].nodes[1].rd);
    assert_int_equal(services.services[1].nodes[0].accesses[0].to_customer_bps, 5000000);
    assert_int_equal(services.services[1].nodes[0].accesses[0].cvlan, 30);
    assert_int_equal(services.services[1].l2_type, VPN_VPLS_EVPN);
    assert_int_equal(services.services[2].nodes[1].pseudowires[0].vc_id, 77);
    json_t *again = vpn_shape_rfc9182(json_array_get(services_in(document), 0));
    assert_true(json_equal(again, json_array_get(services_in(document), 0)));
    json_decref(again);
    json_decref(document);
    arena_free(arena);
}

static json_t *
first_profile(json_t *document)
{
    const json_t *service = json_array_get(services_in(document), 0);
    return json_array_get(
        json_object_get(json_object_get(service, "vpn-instance-profiles"), "vpn-instance-profile"),
        0);
}

static void
assert_refused(const json_t *document, const char *complaint)
{
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services;
    struct diag diag = {""};
    assert_err(vpn_services_from_json(document, arena, &services, &diag), ERR_INVALID);
    if (!strstr(diag.text, complaint))
        fail_msg("%s", diag.text);
    arena_free(arena);
}

static void
what_the_flat_shape_cannot_say_is_refused(void **state UNUSED)
{
    json_t *document = raised();
    json_t *families = json_object_get(first_profile(document), "address-family");
    json_array_append_new(
        families, json_pack("{ss s{s[]}}", "address-family", "ipv6", "vpn-targets", "vpn-target"));
    assert_refused(document,
                   "vpn-instance-profile[main]/address-family: all need the same vpn-targets");
    json_array_remove(families, 1);
    json_object_set_new(json_array_get(families, 0), "maximum-routes", json_array());
    assert_refused(document, "vpn-instance-profile[main]/address-family: vpn-targets and nothing");
    json_decref(document);
    document = raised();
    json_t *service = json_array_get(services_in(document), 0);
    json_t *node = json_array_get(
        json_object_get(json_object_get(service, "vpn-nodes"), "vpn-node"), 0);
    json_t *access = json_array_get(
        json_object_get(json_object_get(node, "vpn-network-accesses"), "vpn-network-access"), 0);
    json_t *protocols = json_object_get(json_object_get(access, "routing-protocols"),
                                        "routing-protocol");
    json_array_append_new(protocols,
                          json_pack("{ss ss s{}}", "id", "o", "type", "ospf-routing", "ospf"));
    assert_refused(document, "routing-protocols/routing-protocol");
    json_decref(document);
}

TEST_MAIN(cmocka_unit_test(what_is_shown_is_as_the_rfcs_have_it),
          cmocka_unit_test(what_is_shown_can_be_stated_and_says_the_same),
          cmocka_unit_test(what_the_flat_shape_cannot_say_is_refused))
