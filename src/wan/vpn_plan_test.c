/* Golden: services in, native configuration out, by the templates that are shipped. With
 * GOLDEN=write in the environment the files are written instead of compared: look at what changed.
 */
#include "wan/vpn_testing.h"

#include "wan/vpn_lines.h"

#include <stdio.h>

static void
expect_golden(const char *name, const char *text)
{
    struct buf expected = BUF_INIT;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", VPN_TEST_DIR, name);
    const char *golden = getenv("GOLDEN");
    if (golden && !strcmp(golden, "write"))
        assert_ok(file_write(path, text, strlen(text), 0644, false, NULL));
    assert_ok(file_read(path, 1 << 20, &expected, NULL));
    assert_string_equal(text, buf_cstr(&expected));
    buf_fini(&expected);
}

/* What is on the device, and below it what is not. */
static void
services_become_native_configuration(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    for (uint32_t i = 0; i < services.n; i++) {
        struct vpn_plan *plan = test_plan(&services.services[i]);
        for (uint32_t j = 0; j < plan->n; j++) {
            const struct vpn_device_plan *d = &plan->devices[j];
            struct buf text = BUF_INIT;
            char name[128];
            buf_str(&text, d->text);
            for (uint32_t k = 0; k < d->n_gaps; k++)
                buf_printf(&text, "# not expressed: %s\n", d->gaps[k]);
            snprintf(name, sizeof name, "%s-%s.%s", plan->service, d->platform,
                     d->dialect == VPN_XML ? "xml.txt" : "conf.txt");
            expect_golden(name, buf_cstr(&text));
            buf_fini(&text);
        }
        vpn_plan_free(plan);
    }
    arena_free(arena);
}

static struct netconf_xml *
edited(struct arena *arena, const struct netconf_xml *before, const struct netconf_xml *now)
{
    struct netconf_xml *edit = vpn_config_edit(arena, before, now, true);
    assert_non_null(edit);
    return edit;
}

static unsigned
count_operations(const struct netconf_xml *e, const char *operation)
{
    const char *own = netconf_xml_attribute(e, NETCONF_NS, "operation");
    unsigned n = own && !strcmp(own, operation);
    for (const struct netconf_xml *child = e->first; child; child = child->next)
        n += count_operations(child, operation);
    return n;
}

static unsigned
count_owned(const struct netconf_xml *e)
{
    unsigned n = netconf_xml_attribute(e, VPN_TEMPLATE_NS, "owned") != NULL;
    for (const struct netconf_xml *child = e->first; child; child = child->next)
        n += count_owned(child);
    return n;
}

static void
removal_is_the_exact_inverse(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    for (uint32_t i = 0; i < services.n; i++) {
        struct vpn_plan *plan = test_plan(&services.services[i]);
        for (uint32_t j = 0; j < plan->n; j++) {
            const struct netconf_xml *config = plan->devices[j].config;
            if (!config)
                continue;
            struct netconf_xml *add = edited(arena, NULL, config);
            struct netconf_xml *remove = edited(arena, config, NULL);
            assert_int_equal(count_operations(add, "replace"), count_owned(config));
            assert_int_equal(count_operations(remove, "remove"), count_owned(config));
            assert_int_equal(count_operations(remove, "replace"), 0);
            assert_null(edited(arena, config, config)->first);
        }
        vpn_plan_free(plan);
    }
    struct vpn_plan *plan = test_plan(&services.services[0]);
    struct buf text = BUF_INIT;
    struct netconf_xml *remove = edited(arena, plan->devices[1].config, NULL);
    for (const struct netconf_xml *e = remove->first; e; e = e->next)
        netconf_xml_put_pretty(&text, e, 0);
    expect_golden("ems-ietf-removal.xml.txt", buf_cstr(&text));
    buf_fini(&text);
    vpn_plan_free(plan);
    arena_free(arena);
}

static void
lines_are_added_and_taken_away(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    struct vpn_plan *plan = test_plan(&services.services[0]);
    const char *lines = vpn_plan_device(plan, "pe3")->lines;
    struct buf add = BUF_INIT, remove = BUF_INIT, nothing = BUF_INIT;
    vpn_lines_change(NULL, lines, &add);
    vpn_lines_change(lines, NULL, &remove);
    vpn_lines_change(lines, lines, &nothing);
    expect_golden("ems-frr-apply.conf.txt", buf_cstr(&add));
    expect_golden("ems-frr-removal.conf.txt", buf_cstr(&remove));
    assert_string_equal(buf_cstr(&nothing), "");
    buf_fini(&add);
    buf_fini(&remove);
    buf_fini(&nothing);
    vpn_plan_free(plan);
    arena_free(arena);
}

static void
a_changed_service_changes_only_what_changed(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    struct vpn_plan *before = test_plan(&services.services[0]);
    services.services[0].nodes[0].accesses[0].qos = "control";
    services.services[0].nodes[1].n_accesses = 1;
    services.services[0].nodes[2].accesses[0].ipv4_length = 29;
    struct vpn_plan *now = test_plan(&services.services[0]);
    struct buf text = BUF_INIT;
    netconf_xml_put(&text, edited(arena, before->devices[0].config, now->devices[0].config));
    assert_string_equal(
        buf_cstr(&text),
        "<config><configuration><class-of-service><interfaces><interface><name>ge-0/0/1</name>"
        "<unit xmlns:nc=\"" NETCONF_NS "\" nc:operation=\"replace\"><name>100</name><shaping-rate>"
        "<rate>20000000</rate></shaping-rate><forwarding-class>control</forwarding-class></unit>"
        "</interface></interfaces></class-of-service></configuration></config>");
    buf_clear(&text);
    netconf_xml_put(&text, edited(arena, before->devices[1].config, now->devices[1].config));
    assert_string_equal(
        buf_cstr(&text),
        "<config><interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface>"
        "<name>eth2</name><bind-ni-name xmlns=\"urn:ietf:params:xml:ns:yang:ietf-network-instance\""
        " xmlns:nc=\"" NETCONF_NS "\" nc:operation=\"remove\">tl-ems</bind-ni-name><ipv4 "
        "xmlns=\"urn:ietf:params:xml:ns:yang:ietf-ip\" xmlns:nc=\"" NETCONF_NS
        "\" nc:operation=\"remove\"/></interface></interfaces></config>");
    buf_clear(&text);
    vpn_lines_change(before->devices[2].lines, now->devices[2].lines, &text);
    assert_string_equal(buf_cstr(&text), "interface eth1.300\n no ip address 10.3.0.1/30\nexit\n"
                                         "interface eth1.300\n ip address 10.3.0.1/29\nexit\n");
    buf_fini(&text);
    vpn_plan_free(before);
    vpn_plan_free(now);
    arena_free(arena);
}

static void
devices_and_platforms_must_exist(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    struct vpn_catalog *catalog = test_catalog();
    struct vpn_device devices[] = {{"pe1", "junos"}, {"pe2", "ios"}};
    struct vpn_plan *plan = NULL;
    struct diag diag = {""};
    assert_err(vpn_plan_make(catalog, services.services, devices, 1, &plan, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "node north: there is no device pe2");
    assert_err(vpn_plan_make(catalog, services.services, devices, 2, &plan, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "device pe2: platform ios has no template for L3 VPNs");
    assert_null(plan);
    vpn_catalog_free(catalog);
    arena_free(arena);
}

/* Of FRR: what the other two nodes tell. */
static void
checks_are_of_what_the_other_ends_tell(void **state)
{
    static const char *const prefixes[] = {"10.1.0.0/24", "10.9.0.0/16",     "10.2.0.0/30",
                                           "10.2.1.0/24", "2001:db8:1::/64", "2001:db8:9::/48"};
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    struct vpn_plan *plan = test_plan(&services.services[0]);
    const struct vpn_device_plan *d = vpn_plan_device(plan, "pe3");
    assert_int_equal(d->n_checks, 2 * ARRAY_SIZE(prefixes));
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const struct vpn_check *check = &d->checks[2 * i];
        assert_string_equal(check->command, i < 4 ? "show bgp vrf tl-ems ipv4 unicast json"
                                                  : "show bgp vrf tl-ems ipv6 unicast json");
        assert_non_null(strstr(check->fault, prefixes[i]));
        assert_null(check->value);
    }
    assert_string_equal(d->checks[0].pointer, "/routes/10.1.0.0~124/0");
    assert_string_equal(d->checks[1].pointer, "/routes/10.1.0.0~124/0/valid");
    assert_string_equal(d->checks[0].fault, "10.1.0.0/24 of centre has not come over BGP");
    assert_int_equal(vpn_plan_device(plan, "pe1")->n_checks, 0); /* Junos has none */
    vpn_plan_free(plan);
    arena_free(arena);
}

static void
nodes_without_a_common_target_tell_each_other_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 24);
    struct vpn_services services = test_services(arena);
    struct vpn_service *ems = &services.services[0];
    for (uint32_t i = 0; i < ems->profiles[0].n_targets; i++)
        ems->profiles[0].targets[i].type = i ? VPN_IMPORT : VPN_EXPORT;
    struct vpn_plan *plan = test_plan(ems);
    assert_int_equal(vpn_plan_device(plan, "pe3")->n_checks, 0);
    vpn_plan_free(plan);
    arena_free(arena);
}

static void
checks_may_want_a_word_and_must_be_whole(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: it is fine */
    } cases[] = {
        {"show x json | /a/b = up | it is down\n", NULL},
        {"show x json | /a | it is down | really\n", NULL},
        {"show x json | /a\n", "device pe3, template of frr: checks: check 1:"},
        {"show x json | a | it is down\n", "device pe3, template of frr: checks: check 1:"},
        {"show x | /a | b\n | /a | b\n", "device pe3, template of frr: checks: check 2:"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena *arena = arena_new(1 << 24);
        struct vpn_services services = test_services(arena);
        struct vpn_catalog *catalog = vpn_catalog_new();
        struct vpn_device devices[] = {{"pe1", "frr"}, {"pe2", "frr"}, {"pe3", "frr"}};
        struct vpn_plan *plan = NULL;
        struct diag diag = {""};
        services.services[0].nodes = &services.services[0].nodes[2];
        services.services[0].n_nodes = 1;
        assert_ok(vpn_catalog_add(catalog, "frr", VPN_L3, VPN_LINES, "x\n", 2, &diag));
        assert_ok(vpn_catalog_add_checks(catalog, "frr", VPN_L3, cases[i].text,
                                         strlen(cases[i].text), &diag));
        assert_err(vpn_catalog_add_checks(catalog, "frr", VPN_L3, "", 0, &diag), ERR_EXISTS);
        enum err err = vpn_plan_make(catalog, &services.services[0], devices, 3, &plan, &diag);
        assert_err(err, cases[i].says ? ERR_MALFORMED : ERR_OK);
        if (err)
            assert_ptr_equal(strstr(diag.text, cases[i].says), diag.text);
        else
            assert_int_equal(plan->devices[0].n_checks, 1);
        if (!err && !i)
            assert_string_equal(plan->devices[0].checks[0].value, "up");
        if (!err && i)
            assert_string_equal(plan->devices[0].checks[0].fault, "it is down | really");
        vpn_plan_free(plan);
        vpn_catalog_free(catalog);
        arena_free(arena);
    }
}

static void
names_are_the_same_for_ever(void **state)
{
    (void)state;
    char name[64];
    vpn_service_name("ems", 15, name);
    assert_string_equal(name, "tl-ems");
    vpn_service_name("substation-bus-of-the-north", 15, name);
    assert_int_equal(strlen(name), 15);
    assert_string_equal(name, "tl-subs3083a0a1");
    vpn_service_name("substation-bus-of-the-north", 63, name);
    assert_string_equal(name, "tl-substation-bus-of-the-north");
}

TEST_MAIN(cmocka_unit_test(services_become_native_configuration),
          cmocka_unit_test(removal_is_the_exact_inverse),
          cmocka_unit_test(lines_are_added_and_taken_away),
          cmocka_unit_test(a_changed_service_changes_only_what_changed),
          cmocka_unit_test(devices_and_platforms_must_exist),
          cmocka_unit_test(checks_are_of_what_the_other_ends_tell),
          cmocka_unit_test(nodes_without_a_common_target_tell_each_other_nothing),
          cmocka_unit_test(checks_may_want_a_word_and_must_be_whole),
          cmocka_unit_test(names_are_the_same_for_ever))
