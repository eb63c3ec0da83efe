/* vpn_testing.h - for tests of plans: those of the services of test/wan/vpn. */
#ifndef WAN_VPN_TESTING_H
#define WAN_VPN_TESTING_H

#include "base/testing.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "model/vpn_testing.h"
#include "wan/vpn_plan.h"

static const struct vpn_device test_devices[] = {{"pe1", "junos"}, {"pe2", "ietf"}, {"pe3", "frr"}};

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
