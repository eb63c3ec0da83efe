/* vpn_testing.h - for tests of VPN services: the services of test/wan/vpn, and plans of them. */
#ifndef WAN_VPN_TESTING_H
#define WAN_VPN_TESTING_H

#include "base/testing.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "wan/vpn_plan.h"

#define VPN_TEST_DIR TIELINE_SOURCE_DIR "/test/wan/vpn"

static const struct vpn_device test_devices[] = {{"pe1", "junos"}, {"pe2", "ietf"}, {"pe3", "frr"}};

static inline UNUSED json_t *
test_document(void)
{
    struct buf text = BUF_INIT;
    json_t *json;
    assert_ok(file_read(VPN_TEST_DIR "/services.json", 1 << 20, &text, NULL));
    assert_ok(jsontext_parse(buf_cstr(&text), text.size, &json, NULL));
    buf_fini(&text);
    return json;
}

static inline UNUSED struct vpn_services
test_services(struct arena *arena)
{
    struct vpn_services services;
    struct diag diag = {""};
    json_t *json = test_document();
    enum err err = vpn_services_from_json(json, arena, &services, &diag);
    if (err)
        print_message("%s\n", diag.text);
    assert_ok(err);
    json_decref(json);
    return services;
}

static inline UNUSED struct vpn_catalog *
test_catalog(void)
{
    struct vpn_catalog *catalog = vpn_catalog_new();
    struct diag diag = {""};
    enum err err = vpn_catalog_load(catalog, TIELINE_SOURCE_DIR "/etc/vpn", &diag);
    if (err)
        print_message("%s\n", diag.text);
    assert_ok(err);
    return catalog;
}

static inline UNUSED struct vpn_plan *
test_plan(const struct vpn_service *service)
{
    struct vpn_catalog *catalog = test_catalog();
    struct vpn_plan *plan;
    struct diag diag = {""};
    enum err err = vpn_plan_make(catalog, service, test_devices, ARRAY_SIZE(test_devices), &plan,
                                 &diag);
    if (err)
        print_message("%s\n", diag.text);
    assert_ok(err);
    vpn_catalog_free(catalog);
    return plan;
}

#endif
