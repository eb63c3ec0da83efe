#include "model/json.h"

#include "model/object.h"
#include "model/testing.h"

/* ---- Reading and writing -----------------------------------------------------------------------
 */

static void
every_member_is_written_as_it_was_read(void **state UNUSED)
{
    const struct {
        enum object_kind kind;
        const char *text;
    } objects[] = {
        {OBJECT_SITE, "{'name': 'a', 'description': 'x', 'kind': 'wan'}"},
        {OBJECT_NODE, "{'name': 'n', 'site': 'a', 'kind': 'openflow', 'datapath-id':"
                      " '00000000000000c1', 'management-address': '10.255.0.10', 'probe': true,"
                      " 'port': [{'number': 1, 'name': 'p1', 'description': 'up'}]}"},
        {OBJECT_LINK, "{'name': 'l', 'description': 'x', 'a': {'node': 'n', 'port': 1},"
                      " 'b': {'node': 'm', 'port': 4294967040}, 'delay-us': 0,"
                      " 'capacity-kbps': 4294967295, 'shared-risks': ['duct-1', 'duct-2']}"},
        {OBJECT_HOST, "{'name': 'h', 'description': 'x', 'mac': '02:00:00:00:00:0a',"
                      " 'ipv4': '10.0.0.1/24', 'gateway': '10.0.0.254', 'node': 'n', 'port': 3,"
                      " 'ied': 'IED1'}"},
        {OBJECT_ROUTER,
         "{'name': 'pe1', 'site': 'a', 'description': 'x', 'router-id': '10.0.0.1',"
         " 'platform': 'junos', 'management-address': '192.0.2.1', 'netconf-transport': 'tls',"
         " 'netconf-port': 4000, 'netconf-user': 'ops'}"},
        {OBJECT_TUNNEL,
         "{'name': 't', 'description': 'x', 'head': 'pe1', 'tail': 'pe2',"
         " 'rate-kbps': 2000, 'setup-priority': 3, 'hold-priority': 2, 'metric':"
         " 'delay', 'max-latency-us': 5000, 'max-asymmetry-us': 100, 'max-hops': 5,"
         " 'via': ['p2', 'p1'], 'strict': true, 'avoid': ['p3', 'p4'], 'include-any': 1,"
         " 'include-all': 2147483648, 'exclude-any': 12, 'protection': 'node',"
         " 'diverse-from': 'u', 'window': {'start': '2026-03-01T08:00:00Z', 'end':"
         " '2026-03-01T09:00:00Z'}}"},
        {OBJECT_CIRCUIT, "{'name': 'c', 'description': 'x', 'ip': {'client': 'h', 'server': 'i',"
                         " 'protocol': 'udp', 'client-port': 1000, 'server-ports': [123, 161]},"
                         " 'service-class': 'bulk', 'rate-kbps': 1, 'burst-octets': 64,"
                         " 'max-latency-us': 1, 'protection': 'node',"
                         " 'window': {'start': '2026-03-01T08:00:00Z',"
                         " 'end': '2026-03-01T08:00:00.000000001Z'}}"},
        {OBJECT_CIRCUIT, "{'name': 'c', 'multicast': {'application': 'sv', 'publisher': 'h',"
                         " 'subscribers': ['i', 'j'], 'mac': '01:0c:cd:04:00:01', 'vlan-id': 0,"
                         " 'vlan-priority': 7, 'appid': '4ABC'}, 'service-class': 'protection',"
                         " 'rate-kbps': 1, 'burst-octets': 64, 'protection': 'none'}"},
        {OBJECT_DESIGN, "{'circuit': 'c', 'number': 7, 'primary': {'links': ['z', 'a']},"
                        " 'failover': {'links': ['b']}, 'disjoint': 'maximal',"
                        " 'shared-links': ['a'], 'shared-nodes': ['m', 'n']}"},
        {OBJECT_DESIGN, "{'circuit': 'c', 'number': 65535, 'failover': {}, 'disjoint': 'node'}"},
        {OBJECT_SETTINGS, "{'missing-rule': 'report', 'foreign-rule': 'repair',"
                          " 'wait-to-restore-ms': 0, 'revertive': false, 'shape-links': true,"
                          " 'local-work': 'disable', 'local-work-hours': 168,"
                          " 'local-conflict': 'local-stays'}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        struct diag diag = {""};
        json_t *json = json_quoted(objects[i].text);
        void *object, *copy;
        if (object_from_json(objects[i].kind, json, &object, &diag))
            fail_msg("%s: %s", objects[i].text, diag.text);
        json_t *again = object_to_json(objects[i].kind, object);
        if (!json_equal(json, again))
            fail_msg("%s became %s", objects[i].text, json_dumps(again, 0));
        copy = object_copy(objects[i].kind, object);
        assert_true(object_equal(objects[i].kind, object, copy));
        object_free(objects[i].kind, object);
        object_free(objects[i].kind, copy);
        json_decref(json);
        json_decref(again);
    }
}

static void
what_is_not_given_has_its_default(void **state UNUSED)
{
    json_t *json = json_quoted(MODBUS_CIRCUIT);
    struct circuit *circuit;
    assert_ok(circuit_from_json(json, &circuit, NULL));
    assert_int_equal(circuit->kind, CIRCUIT_IP);
    assert_int_equal(circuit->burst_octets, 15180);
    assert_int_equal(circuit->max_latency_us, 0);
    assert_int_equal(circuit->protection, DISJOINT_MAXIMAL);
    assert_int_equal(circuit->ip.client_port, 0);
    assert_int_equal(circuit->window.start, 0);
    assert_null(circuit->description);
    circuit_free(circuit);
    json_decref(json);

    json = json_quoted("{}");
    struct settings settings;
    assert_ok(settings_from_json(json, &settings, NULL));
    assert_int_equal(settings.wait_to_restore_ms, 1000);
    assert_true(settings.revertive);
    json_decref(json);
}

static void
a_multicast_without_vlan_is_untagged(void **state UNUSED)
{
    json_t *json = json_quoted(GOOSE_CIRCUIT);
    struct circuit *circuit;
    assert_ok(circuit_from_json(json, &circuit, NULL));
    assert_int_equal(circuit->multicast.vlan_id, 10);
    assert_int_equal(circuit->multicast.vlan_priority, 4);         /* IEC 61850-8-1's default */
    assert_string_equal(circuit->multicast.subscribers[0], "fep"); /* sorted */
    assert_string_equal(circuit->multicast.subscribers[1], "rtu");
    circuit_free(circuit);
    json_object_del(json_object_get(json, "multicast"), "vlan-id");
    assert_ok(circuit_from_json(json, &circuit, NULL));
    assert_int_equal(circuit->multicast.vlan_id, VLAN_UNTAGGED);
    json_t *again = circuit_to_json(circuit);
    assert_null(json_object_get(json_object_get(again, "multicast"), "vlan-priority"));
    json_decref(again);
    circuit_free(circuit);
    json_decref(json);
}

/* ---- Refusing ----------------------------------------------------------------------------------
 */

/* Sets what is at a path like "ip/client" to a JSON value, or removes it. */
static void
mutate(json_t *json, const char *path, const char *value)
{
    const char *slash = strchr(path, '/');
    if (slash) {
        char *group = strndup(path, (size_t)(slash - path));
        json = json_object_get(json, group);
        free(group);
        path = slash + 1;
    }
    if (!value) {
        json_object_del(json, path);
        return;
    }
    json_t *array = json_quoted(value);
    json_object_set(json, path, json_array_get(array, 0));
    json_decref(array);
}

static void
a_wrong_field_is_refused_and_named(void **state UNUSED)
{
    static const char host[] = "{'name': 'h', 'mac': '02:00:00:00:00:0a', 'ipv4': '10.0.0.1/24',"
                               " 'gateway': '10.0.0.254', 'node': 'n', 'port': 3}";
    static const char link[] = "{'name': 'l', 'a': {'node': 'n', 'port': 1},"
                               " 'b': {'node': 'm', 'port': 1}, 'delay-us': 5,"
                               " 'capacity-kbps': 1000}";
    static const char tunnel[] = "{'name': 't', 'head': 'a', 'tail': 'b', 'rate-kbps': 1}";
    static const char node[] = "{'name': 'n', 'site': 's', 'kind': 'openflow',"
                               " 'datapath-id': '00000000000000c1', 'port': []}";
    const struct {
        enum object_kind kind;
        const char *text, *path, *value, *explanation;
    } cases[] = {
        {OBJECT_TUNNEL, tunnel, "tail", NULL, "tail: is missing"},
        {OBJECT_TUNNEL, tunnel, "setup-priority", "[8]", "setup-priority: 8 is not within 0 to 7"},
        {OBJECT_TUNNEL, tunnel, "hold-priority", "[5]", "hold-priority: must not be a higher"},
        {OBJECT_TUNNEL, tunnel, "window",
         "[{'start': '2026-03-01T08:00:00Z', 'end':"
         " '2026-03-01T08:00:00Z'}]",
         "window/end: must be after the start"},
        {OBJECT_TUNNEL, tunnel, "max-latency-us", "[0]", "max-latency-us: 0 is not within"},
        {OBJECT_HOST, host, "name", NULL, "name: is missing"},
        {OBJECT_HOST, host, "name", "['']", "name: \"\" is not a name: 1 to 63"},
        {OBJECT_HOST, host, "name", "[7]", "name: must be a string"},
        {OBJECT_HOST, host, "name", "[null]", "name: must be a string"},
        {OBJECT_HOST, host, "nam", "['x']", "nam: there is no such field; is it name"},
        {OBJECT_HOST, host, "zebra", "['x']", "zebra: there is no such field"},
        {OBJECT_HOST, host, "mac", "['00:00:00:00:00:00']", "mac: \"00:00:00:00:00:00\" is not"},
        {OBJECT_HOST, host, "mac", "['02:00:00:00:00']", "mac: \"02:00:00:00:00\" is not"},
        {OBJECT_HOST, host, "ipv4", "['10.0.0.1']", "ipv4: \"10.0.0.1\" is not"},
        {OBJECT_HOST, host, "ipv4", "['10.0.0.1/33']", "ipv4: \"10.0.0.1/33\" is not"},
        {OBJECT_HOST, host, "ipv4", "['010.0.0.1/8']", "ipv4: \"010.0.0.1/8\" is not"},
        {OBJECT_HOST, host, "ipv4", NULL, "gateway: a gateway without an IPv4 address"},
        {OBJECT_HOST, host, "port", "[0]", "port: 0 is not within 1 to 4294967040"},
        {OBJECT_HOST, host, "port", "[1.5]", "port: must be a whole number"},
        {OBJECT_HOST, host, "port", "['1']", "port: must be a whole number"},
        {OBJECT_HOST, host, "port", "[4294967041]", "port: 4294967041 is not within"},
        {OBJECT_HOST, host, "description", "['']", "description: must be one line"},
        {OBJECT_HOST, host, "description", "['a\\nb']", "description: must be one line"},
        {OBJECT_LINK, link, "a", "[7]", "a: must be an object"},
        {OBJECT_LINK, link, "a", NULL, "a/node: is missing"},
        {OBJECT_LINK, link, "b/port", NULL, "b/port: is missing"},
        {OBJECT_LINK, link, "b/prt", "[1]", "b/prt: there is no such field; is it port"},
        {OBJECT_LINK, link, "delay-us", NULL, "delay-us: is missing"},
        {OBJECT_LINK, link, "delay-us", "[-1]", "delay-us: -1 is not within 0 to 10000000"},
        {OBJECT_LINK, link, "capacity-kbps", "[1e300]", "capacity-kbps: must be a whole number"},
        {OBJECT_LINK, link, "shared-risks", "['x']", "shared-risks: must be a list"},
        {OBJECT_LINK, link, "shared-risks", "[['x', 7]]", "shared-risks: must be a string"},
        {OBJECT_LINK, link, "shared-risks", "[['x', 'x']]", "shared-risks: x is there twice"},
        {OBJECT_NODE, node, "kind", "['hub']",
         "kind: \"hub\" is none of tieline-edge, openvswitch, openflow"},
        {OBJECT_NODE, node, "datapath-id", "['0000000000000000']", "datapath-id: \"0000000000"},
        {OBJECT_NODE, node, "datapath-id", "['c1']", "datapath-id: \"c1\" is not"},
        {OBJECT_NODE, node, "management-address", "['1.2.3']", "management-address: \"1.2.3\""},
        {OBJECT_NODE, node, "probe", "['true']", "probe: must be true or false"},
        {OBJECT_NODE, node, "port", "[[7]]", "port: a port must be an object"},
        {OBJECT_NODE, node, "port", "[[{'number': 1}]]", "port: name: is missing"},
        {OBJECT_NODE, node, "port", "[[{'number': 1, 'name': 'a'}, {'number': 1, 'name': 'b'}]]",
         "port: port 1 is there twice"},
        {OBJECT_NODE, node, "port", "[[{'number': 1, 'name': 'a'}, {'number': 2, 'name': 'a'}]]",
         "port: two ports are named a"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip", NULL, "has neither ip nor multicast"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "multicast", "[{}]", "has both ip and multicast"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/protocol", "['sctp']",
         "ip/protocol: \"sctp\" is none of tcp, udp, icmp"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/protocol", "['icmp']",
         "ip/server-ports: ICMP has no ports"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/server-ports", "[[]]",
         "ip/server-ports: TCP and UDP need at least one"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/server-ports", "[[70000]]",
         "ip/server-ports: 70000 is not within 1 to 65535"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/server-ports", "[[502, 502]]",
         "ip/server-ports: 502 is there twice"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "ip/client-port", "[0]",
         "ip/client-port: 0 is not within 1 to 65535"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "burst-octets", "[63]",
         "burst-octets: 63 is not within 64 to 4294967295"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "window", "[{}]", "window/start: is missing"},
        {OBJECT_CIRCUIT, MODBUS_CIRCUIT, "window", "[{'start': '2026-03-01T08:00:00Z'}]",
         "window/end: is missing"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "multicast/subscribers", "[[]]",
         "multicast/subscribers: must have at least 1"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "multicast/appid", "['1']",
         "multicast/appid: \"1\" is not an APPID"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "multicast/appid", NULL, "multicast/appid: is missing"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "multicast/vlan-id", "[4095]",
         "multicast/vlan-id: 4095 is not within 0 to 4094"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "multicast/vlan-priority", "[8]",
         "multicast/vlan-priority: 8 is not within 0 to 7"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "window/end", "['2026-03-01T08:00:00Z']",
         "window/end: must be after the start"},
        {OBJECT_CIRCUIT, GOOSE_CIRCUIT, "window/end", "['2026-02-30T08:00:00Z']",
         "window/end: \"2026-02-30T08:00:00Z\" is not a time"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        json_t *json = json_quoted(cases[i].text);
        void *object = &diag;
        mutate(json, cases[i].path, cases[i].value);
        enum err err = object_from_json(cases[i].kind, json, &object, &diag);
        if (err != ERR_INVALID ||
            strncmp(diag.text, cases[i].explanation, strlen(cases[i].explanation)))
            fail_msg("%s = %s: %s, \"%s\"", cases[i].path, cases[i].value, err_name(err),
                     diag.text);
        assert_ptr_equal(object, &diag); /* untouched */
        json_decref(json);
    }
}

static void
a_priority_needs_a_vlan(void **state UNUSED)
{
    struct diag diag;
    struct circuit *circuit;
    json_t *json = json_quoted(GOOSE_CIRCUIT);
    mutate(json, "multicast/vlan-id", NULL);
    mutate(json, "multicast/vlan-priority", "[4]");
    assert_err(circuit_from_json(json, &circuit, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "multicast/vlan-priority: does not apply to this circuit");
    json_decref(json);
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

#define SMALL_DOCUMENT                                                                             \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT               \
    ", " GOOSE_CIRCUIT "]}}"

static void
a_network_survives_as_json(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT), *again;
    json_t *design = json_quoted("{'circuit': 'scada-rtu', 'number': 1, 'disjoint': 'none',"
                                 " 'primary': {'links': ['x-y']}}");
    struct design *d;
    assert_ok(design_from_json(design, &d, NULL));
    network_put_design(network, d);
    network->settings.revertive = false;
    json_t *json = network_to_json(network);
    assert_ok(network_from_json(json, &again, NULL));
    json_t *json_again = network_to_json(again);
    assert_true(json_equal(json, json_again));
    assert_false(again->settings.revertive);
    assert_non_null(network_design(again, "scada-rtu"));
    json_t *inventory = inventory_to_json(again); /* what people write: no designs */
    assert_null(json_object_get(json_object_get(inventory, CIRCUITS_MODULE), "design"));
    network_free(network);
    network_free(again);
    json_decref(design);
    json_decref(json);
    json_decref(json_again);
    json_decref(inventory);
}

static void
what_was_exported_changes_nothing_when_applied(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    json_t *json = inventory_to_json(network);
    struct report report = {0};
    assert_ok(inventory_apply_json(network, json, false, &report, NULL));
    assert_true(report.applied);
    assert_int_equal(report.counts[REPORT_UNCHANGED], report.n);
    assert_int_equal(report.n, 11); /* with the settings */
    report_fini(&report);
    json_decref(json);
    network_free(network);
}

static void
applying_creates_and_changes(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    json_t *json = json_quoted(
        "{'tieline-inventory:inventory': {'settings': {'revertive': false}, 'host': ["
        " {'name': 'fep', 'mac': '02:00:00:10:00:11', 'ipv4': '10.10.0.12/24', 'node': 'x',"
        "  'gateway': '10.10.0.1', 'port': 3},"
        " {'name': 'hist', 'mac': '02:00:00:10:00:13', 'node': 'x', 'port': 2}]}}");
    struct report report = {0};
    const struct host *fep = network_host(network, "fep");
    assert_ok(inventory_apply_json(network, json, true, &report, NULL));
    assert_false(report.applied);
    assert_null(network_host(network, "hist"));
    assert_int_equal(fep->port, 2);
    report_fini(&report);

    assert_ok(inventory_apply_json(network, json, false, &report, NULL));
    assert_true(report.applied);
    assert_int_equal(report.counts[REPORT_CREATED], 1);
    assert_int_equal(report.counts[REPORT_CHANGED], 2);
    assert_int_equal(report.rows[1].n_changes, 2);
    assert_string_equal(report.rows[1].changes[0], "ipv4");
    assert_string_equal(report.rows[1].changes[1], "port");
    assert_int_equal(fep->port, 3);
    assert_string_equal(network_host_at(network, "x", 2)->name, "hist");
    assert_false(network->settings.revertive);
    report_fini(&report);
    json_decref(json);
    network_free(network);
}

static void
one_wrong_object_and_nothing_is_applied(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    json_t *json = json_quoted(
        "{'tieline-inventory:inventory': {'host': ["
        " {'name': 'hist', 'mac': '02:00:00:10:00:13', 'node': 'x', 'port': 3},"
        " {'name': 'desk', 'mac': '02:00:00:10:00:14', 'node': 'x', 'port': 2},"
        " {'name': 'door', 'mac': '02', 'node': 'x', 'port': 4}]},"
        " 'tieline-circuit:circuits': {'design': [{'circuit': 'scada-rtu'}]}}");
    struct report report = {0};
    assert_err(inventory_apply_json(network, json, false, &report, NULL), ERR_INVALID);
    assert_null(network_host(network, "hist"));
    assert_int_equal(report.counts[REPORT_ERROR], 3);
    assert_int_equal(report.counts[REPORT_CREATED], 1);
    assert_string_equal(report.rows[1].field, "port");
    assert_string_equal(report.rows[1].text, "host fep is at port 2 of node x already");
    assert_string_equal(report.rows[2].text,
                        "mac: \"02\" is not a MAC address like 02:00:00:00:00:01");
    assert_string_equal(report.rows[3].text, "designs are computed, not stated");
    report_fini(&report);
    json_decref(json);
    network_free(network);
}

static void
a_document_of_another_kind_is_refused(void **state UNUSED)
{
    const struct {
        const char *text, *explanation;
    } cases[] = {
        {"[]", "the document must be an object"},
        {"{'inventory': {}}", "inventory: must be tieline-inventory:inventory, tieline-wan:wan or "
                              "tieline-circuit:circuits"},
        {"{'tieline-inventory:inventory': []}", "tieline-inventory:inventory: must be an object"},
        {"{'tieline-inventory:inventory': {'circuit': []}}",
         "tieline-inventory:inventory/circuit: there is no such list"},
        {"{'tieline-inventory:inventory': {'host': {}}}",
         "tieline-inventory:inventory/host: must be a list"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = network_new(), *other = NULL;
        struct report report = {0};
        struct diag diag;
        json_t *json = json_quoted(cases[i].text);
        assert_err(inventory_apply_json(network, json, false, &report, &diag), ERR_MALFORMED);
        assert_string_equal(diag.text, cases[i].explanation);
        assert_err(network_from_json(json, &other, NULL), ERR_MALFORMED);
        assert_false(report.applied);
        report_fini(&report);
        json_decref(json);
        network_free(network);
    }
}

TEST_MAIN(cmocka_unit_test(every_member_is_written_as_it_was_read),
          cmocka_unit_test(what_is_not_given_has_its_default),
          cmocka_unit_test(a_multicast_without_vlan_is_untagged),
          cmocka_unit_test(a_wrong_field_is_refused_and_named),
          cmocka_unit_test(a_priority_needs_a_vlan), cmocka_unit_test(a_network_survives_as_json),
          cmocka_unit_test(what_was_exported_changes_nothing_when_applied),
          cmocka_unit_test(applying_creates_and_changes),
          cmocka_unit_test(one_wrong_object_and_nothing_is_applied),
          cmocka_unit_test(a_document_of_another_kind_is_refused))
