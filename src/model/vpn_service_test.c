#include "model/vpn_testing.h"

#include <stdio.h>

static void
services_are_read_whole(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    assert_int_equal(services.n, 3);
    const struct vpn_service *s = &services.services[0];
    assert_int_equal(s->kind, VPN_L3);
    assert_string_equal(s->customer, "Operations & control");
    assert_int_equal(s->colour, 100);
    assert_string_equal(s->profiles[0].targets[0].values[0].value, "65000:100");
    assert_int_equal(s->profiles[0].targets[1].type, VPN_IMPORT);
    const struct vpn_access *a = &s->nodes[0].accesses[0];
    assert_int_equal(a->encapsulation, VPN_DOT1Q);
    assert_int_equal(a->cvlan, 100);
    assert_int_equal(a->to_customer_bps, 20000000);
    assert_int_equal(a->from_customer_bps, 10000000);
    assert_string_equal(a->routes6[0].prefix, "2001:db8:9::/48");
    assert_int_equal(a->bgps[0].peer_as, 65101);
    assert_int_equal(services.services[1].l2_type, VPN_VPLS_EVPN);
    assert_int_equal(services.services[2].l2_type, VPN_VPWS);
    assert_int_equal(services.services[2].nodes[0].pseudowires[0].vc_id, 77);
    arena_free(arena);
}

/* One member of the test's document is replaced (NULL: taken away) and must be complained about. */
struct wrong {
    const char *path; /* members and places, separated by '/' */
    const char *value;
    const char *complaint;
};

#define L3 "ietf-l3vpn-ntw:l3vpn-ntw/vpn-services/vpn-service/0/"
#define L2 "ietf-l2vpn-ntw:l2vpn-ntw/vpn-services/vpn-service/0/"
#define VPWS "ietf-l2vpn-ntw:l2vpn-ntw/vpn-services/vpn-service/1/"
#define ACCESS L3 "vpn-nodes/vpn-node/0/vpn-network-accesses/vpn-network-access/0/"
#define AT_ACCESS                                                                                  \
    "vpn-services/vpn-service[ems]/vpn-nodes/vpn-node[centre]/vpn-network-accesses/"               \
    "vpn-network-access[front-end]"

static const struct wrong wrongs[] = {
    {L3 "vpn-id", NULL, "vpn-services/vpn-service[1]/vpn-id: missing"},
    {L3 "vpn-id", "\"a b\"", "vpn-services/vpn-service[a b]/vpn-id: not a name of at most 63"},
    {L3 "vpn-id", "\"-x\"", "vpn-id: not a name"},
    {L3 "vpn-id", "\"x--y\"", "vpn-id: not a name"},
    {L3 "vpn-id", "\"x-\"", "vpn-id: not a name"},
    {L3 "vpn-name", "\"a\\nb\"",
     "vpn-services/vpn-service[ems]/vpn-name: longer than 200 octets, or"},
    {L3 "colour", "1", "vpn-services/vpn-service[ems]/colour: unknown, or not supported"},
    {L3 "vpn-type", "\"ietf-vpn-common:vpls\"", "/vpn-type: not one of l3vpn"},
    {L3 "vpn-instance-profiles/vpn-instance-profile/0/local-as", "0",
     "vpn-instance-profile[main]/local-as: not a number within 1 to 4294967295"},
    {L3 "vpn-instance-profiles/vpn-instance-profile/0/local-as", "4294967296", "/local-as: not a"},
    {L3 "vpn-instance-profiles/vpn-instance-profile/0/local-as", NULL,
     "vpn-service[ems]/vpn-nodes/vpn-node[centre]: no autonomous system"},
    {L3 "vpn-instance-profiles/vpn-instance-profile/0/vpn-targets/vpn-target/0/route-targets/0/"
        "route-target",
     "\"65000\"", "route-targets[65000]/route-target: not of the form 65000:100"},
    {L3 "vpn-instance-profiles/vpn-instance-profile/0/vpn-targets/vpn-target/1/id", "1",
     "vpn-target[1]: is there twice"},
    {L3 "vpn-nodes/vpn-node/0/rd", "\"4200000000:70000\"", "vpn-node[centre]/rd: not of the form"},
    {L3 "vpn-nodes/vpn-node/0/rd", "\"1.2.3.4:65536\"", "vpn-node[centre]/rd: not of the form"},
    {L3 "vpn-nodes/vpn-node/0/rd", NULL, "vpn-node[centre]: no rd, neither here nor"},
    {L3 "vpn-nodes/vpn-node/0/vpn-instance-profile", "\"other\"",
     "vpn-node[centre]: its profile does not exist"},
    {L3 "vpn-nodes/vpn-node/1/vpn-node-id", "\"centre\"", "vpn-node[centre]: is there twice"},
    {L3 "vpn-nodes/vpn-node", "[]", "vpn-nodes/vpn-node: empty"},
    {L3 "vpn-nodes/vpn-node", "{}", "vpn-nodes/vpn-node: not a list"},
    {L3 "vpn-nodes/vpn-node/0", "7", "vpn-node[1]: not an object"},
    {ACCESS "interface-id", "\"ge-0/0/1; rm\"",
     AT_ACCESS "/interface-id: not a name of an interface"},
    {ACCESS "connection/encapsulation/dot1q/cvlan-id", "4095",
     AT_ACCESS "/connection/encapsulation/dot1q/cvlan-id: not a number within 1 to 4094"},
    {ACCESS "connection/encapsulation/dot1q", NULL, "[front-end]: dot1q without its cvlan-id"},
    {ACCESS "connection/encapsulation/type", "\"untagged-int\"", "[front-end]: a tag, but"},
    {ACCESS "connection/encapsulation/type", "\"qinq\"", "[front-end]: qinq without its two tags"},
    {ACCESS "ip-connection/ipv4/local-address", "\"10.1.0\"", "/ipv4/local-address: not an IPv4"},
    {ACCESS "ip-connection/ipv4/prefix-length", "33",
     "/prefix-length: not a number within 0 to 32"},
    {ACCESS "ip-connection/ipv6/local-address", "\"::g\"", "/ipv6/local-address: not an IPv6"},
    {ACCESS "ip-connection", "{}", "vpn-network-access[front-end]: no address"},
    {ACCESS "routing-protocols/static/cascaded-lan-prefixes/ipv4-lan-prefixes/0/lan",
     "\"10.9.0.0/ 6\"", "ipv4-lan-prefixes[10.9.0.0/ 6]/lan: not an IPv4 prefix"},
    {ACCESS "routing-protocols/bgp/0/neighbor", "\"peer\"", "/bgp[dc]/neighbor: not an address"},
    {ACCESS "service/pe-to-ce-bandwidth", "\"-1\"", "/service/pe-to-ce-bandwidth: not a number"},
    {ACCESS "service/pe-to-ce-bandwidth", "\"1x\"", "/service/pe-to-ce-bandwidth: not a number"},
    {L2 "vpn-type", NULL, "vpn-service[substation-bus-of-the-north]/vpn-type: missing"},
    {VPWS "vpn-nodes/vpn-node/0/signaling-option", NULL,
     "vpn-service[tele]/vpn-nodes/vpn-node[a]: a vpws without signaling-option/ac-pw-list"},
    {L3 "vpn-nodes/vpn-node/0/rd", "\"65000:01\"", "vpn-node[centre]/rd: not of the form"},
    {L3 "vpn-nodes/vpn-node/1/vpn-network-accesses/vpn-network-access/1/interface-id",
     "\"eth1.200\"", "vpn-network-access[lan]: another access is on eth1.200"},
    {"more", "{}", "the document is not of ietf-l3vpn-ntw"},
};

static void
put(json_t *document, const char *path, const char *value)
{
    char word[80];
    json_t *at = document, *new = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    for (;;) {
        size_t length = strcspn(path, "/");
        snprintf(word, sizeof word, "%.*s", (int)length, path);
        bool last = !path[length];
        size_t place = (size_t)strtoul(word, NULL, 10);
        if (last && json_is_array(at))
            json_array_set_new(at, place, new);
        else if (last && new)
            json_object_set_new(at, word, new);
        else if (last)
            json_object_del(at, word);
        if (last)
            return;
        at = json_is_array(at) ? json_array_get(at, place) : json_object_get(at, word);
        assert_non_null(at);
        path += length + 1;
    }
}

static void
what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
        json_t *document = test_document();
        struct arena *arena = arena_new(1 << 24);
        struct vpn_services services;
        struct diag diag = {""};
        put(document, wrongs[i].path, wrongs[i].value);
        assert_err(vpn_services_from_json(document, arena, &services, &diag), ERR_INVALID);
        if (!strstr(diag.text, wrongs[i].complaint))
            fail_msg("%s instead of %s", diag.text, wrongs[i].complaint);
        arena_free(arena);
        json_decref(document);
    }
}

static void
addresses_are_as_routers_show_them(void **state)
{
    (void)state;
    json_t *document = test_document();
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services;
    put(document, ACCESS "ip-connection/ipv6/local-address", "\"2001:DB8:0:0::01\"");
    put(document, ACCESS "routing-protocols/static/cascaded-lan-prefixes/ipv4-lan-prefixes/0/lan",
        "\"10.9.255.1/15\"");
    assert_ok(vpn_services_from_json(document, arena, &services, NULL));
    const struct vpn_access *a = &services.services[0].nodes[0].accesses[0];
    assert_string_equal(a->ipv6, "2001:db8::1");
    assert_string_equal(a->routes[0].prefix, "10.8.0.0/15");
    arena_free(arena);
    json_decref(document);
}

static void
memory_is_bounded(void **state)
{
    (void)state;
    json_t *document = test_document();
    struct arena *arena = arena_new(1 << 10);
    struct vpn_services services;
    assert_err(vpn_services_from_json(document, arena, &services, NULL), ERR_LIMIT);
    arena_free(arena);
    json_decref(document);
}

static void
units_come_from_names_or_tags(void **state)
{
    (void)state;
    size_t length;
    struct vpn_access a = {.interface = "ge-0/0/1.77", .encapsulation = VPN_DOT1Q, .cvlan = 5};
    assert_int_equal(vpn_access_unit(&a, &length), 77);
    assert_int_equal(length, 8);
    a.interface = "eth1";
    assert_int_equal(vpn_access_unit(&a, &length), 5);
    assert_int_equal(length, 4);
    a.encapsulation = VPN_UNTAGGED;
    assert_int_equal(vpn_access_unit(&a, NULL), 0);
}

TEST_MAIN(cmocka_unit_test(services_are_read_whole), cmocka_unit_test(what_is_wrong_is_named),
          cmocka_unit_test(addresses_are_as_routers_show_them), cmocka_unit_test(memory_is_bounded),
          cmocka_unit_test(units_come_from_names_or_tags))
