/* vpn_testing.h - for tests of VPN services: the services of test/wan/vpn. */
#ifndef MODEL_VPN_TESTING_H
#define MODEL_VPN_TESTING_H

#include "base/testing.h"
#include "model/vpn_service.h"

#define VPN_TEST_DIR TIELINE_SOURCE_DIR "/test/wan/vpn"

static inline UNUSED json_t *
test_document(void)
{
    json_t *json = json_load_file(VPN_TEST_DIR "/services.json", 0, NULL);
    assert_non_null(json);
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

#endif
