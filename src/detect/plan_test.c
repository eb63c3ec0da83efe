#include "detect/plan.h"

#include "base/testing.h"

#include <string.h>

static const char text[] =
    "{\"circuits\":["
    "{\"name\":\"scada\",\"kind\":\"ip\",\"active\":true,\"protocol\":\"tcp\",\"eth_type\":2048,"
    "\"ip_proto\":6,"
    " \"ports\":[502,503],\"ends\":[{\"role\":\"client\",\"mac\":\"02:00:00:00:00:01\",\"ip\":\"10."
    "1.0.1\","
    " \"gateway\":\"10.1.0.254\",\"gateway-mac\":\"02:00:00:00:00:fe\"},{\"role\":\"server\","
    " \"mac\":\"02:00:00:00:00:02\",\"ip\":\"10.2.0.2\"}],\"test-ports\":[49154],\"test-server-"
    "port\":862},"
    "{\"name\":\"old\",\"kind\":\"ip\",\"active\":false,\"ip_proto\":6,\"ports\":[502],\"ends\":["
    " {\"ip\":\"10.1.0.1\"},{\"ip\":\"10.2.0.9\"}]},"
    "{\"name\":\"ping\",\"kind\":\"ip\",\"active\":true,\"ip_proto\":1,\"ports\":[],\"ends\":["
    " {\"ip\":\"10.1.0.1\"},{\"ip\":\"10.2.0.7\"}]},"
    "{\"name\":\"trip\",\"kind\":\"multicast\",\"active\":true,\"eth_type\":35000,\"mac\":\"01:0c:"
    "cd:01:00:01\","
    " \"ends\":[{\"role\":\"publisher\",\"mac\":\"02:00:00:00:00:03\"}],\"test-ports\":[50000],"
    " \"test-server-port\":862,\"test-from\":\"10.255.0.1\",\"test-to\":\"239.255.0.7\"}],"
    "\"own\":[{\"what\":\"discovery\",\"mac\":\"01:80:c2:00:00:0e\",\"eth_type\":35020},{\"what\":"
    "\"node\"}]}";

static struct plan *
plan_of(const char *json)
{
    struct plan *plan;
    struct diag diag = {""};
    json_t *parsed = json_loads(json, 0, NULL);
    assert_non_null(parsed);
    if (plan_new(parsed, &plan, &diag))
        fail_msg("%s", diag.text);
    json_decref(parsed);
    return plan;
}

static struct mac
mac_of(uint8_t last)
{
    return (struct mac){{2, 0, 0, 0, 0, last}};
}

/* From `a` to `b`, either may be the lower end. */
static struct conversation
ip(const char *a, uint16_t from, uint8_t a_mac, const char *b, uint16_t to, uint8_t b_mac,
   uint8_t proto)
{
    struct conversation c = {.key = {.ip = 4, .proto = proto}};
    uint32_t x, y;
    assert_ok(ipv4_parse(a, &x));
    assert_ok(ipv4_parse(b, &y));
    unsigned i = x > y;
    put_be32(c.key.ends[i].address, x);
    put_be32(c.key.ends[!i].address, y);
    c.key.ends[i].port = from;
    c.key.ends[!i].port = to;
    c.macs[i] = mac_of(a_mac);
    c.macs[!i] = mac_of(b_mac);
    return c;
}

static struct conversation
ethernet(const char *a, const char *b, uint16_t type)
{
    struct conversation c = {.key = {.eth_type = type}};
    struct mac x, y;
    assert_ok(mac_parse(a, &x));
    assert_ok(mac_parse(b, &y));
    unsigned i = memcmp(&x, &y, sizeof x) > 0;
    memcpy(c.key.ends[i].address, &x, 6);
    memcpy(c.key.ends[!i].address, &y, 6);
    c.macs[i] = x;
    c.macs[!i] = y;
    return c;
}

static void
expect(const struct plan *plan, struct conversation c, const char *circuit)
{
    const char *found = "?";
    enum rule_planned planned = plan_look(plan, &c, &found);
    if (!circuit) {
        assert_int_equal(planned, RULE_PLANNED_NO);
        assert_null(found);
    } else {
        assert_int_equal(planned, RULE_PLANNED_YES);
        assert_string_equal(found, circuit);
    }
}

static void
an_ip_circuit_is_its_ends_protocol_and_ports(void **state UNUSED)
{
    struct plan *p = plan_of(text);
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.2", 502, 2, 6), "scada");
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.2", 503, 0xfe, 6), "scada"); /* to its gateway */
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.2", 504, 2, 6), NULL);
    expect(p, ip("10.1.0.1", 502, 1, "10.2.0.2", 40000, 2, 6), NULL); /* the server calls */
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.2", 502, 2, 17), NULL);
    expect(p, ip("10.1.0.3", 40000, 1, "10.2.0.2", 502, 2, 6), NULL);
    expect(p, ip("10.1.0.1", 40000, 7, "10.2.0.2", 502, 2, 6), NULL); /* somebody has its address */
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.2", 502, 7, 6), NULL);
    expect(p, ip("10.1.0.1", 49154, 1, "10.2.0.2", 862, 2, 17), "scada"); /* its test */
    expect(p, ip("10.1.0.1", 862, 1, "10.2.0.2", 49154, 2, 17), "scada");
    expect(p, ip("10.1.0.1", 49155, 1, "10.2.0.2", 862, 2, 17), NULL);
    expect(p, ip("10.1.0.1", 0, 1, "10.2.0.7", 0, 2, 1), "ping");
    plan_free(p);
}

static void
what_is_not_active_is_not_there(void **state UNUSED)
{
    struct plan *p = plan_of(text);
    expect(p, ip("10.1.0.1", 40000, 1, "10.2.0.9", 502, 2, 6), NULL);
    plan_free(p);
}

static void
a_group_is_its_publishers(void **state UNUSED)
{
    struct plan *p = plan_of(text);
    expect(p, ethernet("02:00:00:00:00:03", "01:0c:cd:01:00:01", 35000), "trip");
    expect(p, ethernet("02:00:00:00:00:04", "01:0c:cd:01:00:01", 35000), NULL);
    expect(p, ethernet("02:00:00:00:00:03", "01:0c:cd:01:00:02", 35000), NULL);
    expect(p, ethernet("02:00:00:00:00:03", "01:0c:cd:01:00:01", 35002), NULL);
    expect(p, ip("10.255.0.1", 50000, 9, "239.255.0.7", 862, 9, 17), "trip");
    plan_free(p);
}

static void
neighbours_are_those_of_circuits(void **state UNUSED)
{
    struct plan *p = plan_of(text);
    expect(p, ethernet("02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", 0x0806), "scada");
    expect(p, ethernet("02:00:00:00:00:01", "02:00:00:00:00:fe", 0x0806), "scada");
    expect(p, ethernet("02:00:00:00:00:99", "ff:ff:ff:ff:ff:ff", 0x0806), NULL);
    expect(p, ethernet("02:00:00:00:00:99", "02:00:00:00:00:01", 0x0806), NULL);
    plan_free(p);
}

static void
what_tieline_sends_is_its_own(void **state UNUSED)
{
    struct plan *p = plan_of(text);
    const char *circuit = "?";
    struct conversation c = ethernet("02:11:22:33:44:55", "01:80:c2:00:00:0e", 35020);
    assert_int_equal(plan_look(p, &c, &circuit), RULE_PLANNED_YES);
    assert_null(circuit);
    plan_free(p);
}

static void
a_mistake_names_the_circuit(void **state UNUSED)
{
    static const char *const mistakes[][2] = {
        {"{}", "'circuits', a list"},
        {"{\"circuits\":[{}]}", "without a name"},
        {"{\"circuits\":[{\"name\":\"a\",\"kind\":\"x\",\"active\":true}]}",
         "circuit a: is neither"},
        {"{\"circuits\":[{\"name\":\"a\",\"kind\":\"ip\",\"active\":true}]}",
         "circuit a: two ends"},
        {"{\"circuits\":[{\"name\":\"a\",\"kind\":\"multicast\",\"active\":true}]}",
         "circuit a: a group"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct plan *plan;
        struct diag diag = {""};
        json_t *json = json_loads(mistakes[i][0], 0, NULL);
        assert_err(plan_new(json, &plan, &diag), ERR_MALFORMED);
        assert_non_null(strstr(diag.text, mistakes[i][1]));
        json_decref(json);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ip_circuit_is_its_ends_protocol_and_ports),
        cmocka_unit_test(what_is_not_active_is_not_there),
        cmocka_unit_test(a_group_is_its_publishers),
        cmocka_unit_test(neighbours_are_those_of_circuits),
        cmocka_unit_test(what_tieline_sends_is_its_own),
        cmocka_unit_test(a_mistake_names_the_circuit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
