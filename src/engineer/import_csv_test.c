#include "engineer/import_csv.h"

#include "base/alloc.h"
#include "engineer/csv_table.h"
#include "model/testing.h"

#include <stdio.h>

#define SMALL_DOCUMENT                                                                             \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT               \
    ", " GOOSE_CIRCUIT "]}}"

static struct csv_file
file_of(const char *name, const char *text)
{
    return (struct csv_file){name, text, strlen(text)};
}

/* Imports one file and returns what the report says, as text. */
static char *
import_one(struct network *network, const char *name, const char *text, bool dry_run)
{
    struct report report = {0};
    struct buf out = BUF_INIT;
    struct csv_file file = file_of(name, text);
    enum err err = csv_import(network, &file, 1, dry_run, &report);
    assert_int_equal(err != ERR_OK, !report_is_clean(&report));
    assert_int_equal(report.applied, !err && !dry_run);
    report_to_text(&report, &out);
    report_fini(&report);
    return buf_steal_cstr(&out);
}

static void
assert_import(struct network *network, const char *name, const char *text, const char *expected)
{
    char *found = import_one(network, name, text, false);
    assert_string_equal(found, expected);
    free(found);
}

/* ---- What a row does ---------------------------------------------------------------------------
 */

static void
tables_of_all_kinds_make_a_network(void **state UNUSED)
{
    /* In an order in which everything refers to what comes later. */
    const struct csv_file files[] = {
        file_of("circuits.csv",
                "name,protocol,client,server,server-ports,publisher,subscribers,mac,vlan-id,appid,"
                "service-class,rate-kbps,start,end\r\n"
                "scada,tcp,fep,rtu,502 2404,,,,,,scada,1000,,\r\n"
                "trip,goose,,,,rtu,fep,01-0C-CD-01-00-01,10,0001,protection,600,"
                "2026-03-01T08:00:00Z,2026-03-01T09:00:00Z\r\n"),
        file_of("hosts.csv", "Name;MAC address;IP address;Default Gateway;Switch;Port\n"
                             "fep;02:00:00:10:00:11;10.10.0.11/24;10.10.0.1;x;2\n"
                             "rtu;02:00:00:20:00:11;10.20.0.11/24;10.20.0.1;y;2\n"),
        file_of("links.csv", "name,node-a,port-a,node-b,port-b,delay-us,Capacity (kbps),shared "
                             "risks\nx-y,x,1,y,1,500,100000,duct-7 duct-8\n"),
        file_of("ports.csv", "node,number,name\nx,2,p2\nx,1,p1\ny,1,p1\ny,2,p2\n"),
        file_of("nodes.csv", "name,site,kind,datapath-id,probe\n"
                             "x,north,tieline-edge,0000000000000001,\n"
                             "y,north,openvswitch,0000000000000002,yes\n"),
        file_of("sites.csv",
                "\xef\xbb\xbfname,kind,description\nnorth,wan,\"\"\"up\"\", north\"\n"),
    };
    struct network *network = network_new();
    struct report report = {0};
    struct buf out = BUF_INIT;
    enum err err = csv_import(network, files, ARRAY_SIZE(files), false, &report);
    report_to_text(&report, &out);
    if (err)
        fail_msg("%s", buf_cstr(&out));
    assert_string_equal(buf_cstr(&out), "12 created, 0 changed, 0 unchanged, 0 errors; applied\n");
    assert_string_equal(network_site(network, "north")->description, "\"up\", north");
    assert_int_equal(network_node(network, "x")->n_ports, 2);
    assert_int_equal(network_node(network, "x")->ports[0].number, 1);
    assert_true(network_node(network, "y")->probe);
    assert_int_equal(network_link(network, "x-y")->n_shared_risks, 2);
    assert_int_equal(network_circuit(network, "scada")->ip.server_ports[1], 2404);
    assert_int_equal(network_circuit(network, "trip")->multicast.vlan_id, 10);
    assert_int_equal(network_circuit(network, "trip")->multicast.vlan_priority, 4);
    assert_true(network_circuit(network, "trip")->window.end > 0);
    report_fini(&report);
    buf_fini(&out);
    network_free(network);
}

static void
columns_that_are_not_there_leave_values_alone(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    assert_import(network, "l.csv", "name,delay-us\nx-y,700\n",
                  "l.csv:2: changed: link x-y: delay-us\n"
                  "0 created, 1 changed, 0 unchanged, 0 errors; applied\n");
    const struct link *link = network_link(network, "x-y");
    assert_int_equal(link->delay_us, 700);
    assert_int_equal(link->capacity_kbps, 100000);
    assert_int_equal(link->n_shared_risks, 1);
    assert_import(network, "circuits.csv", "name,rate-kbps\nscada-rtu,2000\ngoose-trip,600\n",
                  "circuits.csv:2: changed: circuit scada-rtu: rate-kbps\n"
                  "0 created, 1 changed, 1 unchanged, 0 errors; applied\n");
    assert_import(network, "p.csv", "node,number,name\nx,3,up3\ny,9,p9\n",
                  "p.csv:2: changed: port x/3: name\n"
                  "1 created, 1 changed, 0 unchanged, 0 errors; applied\n");
    assert_string_equal(node_port(network_node(network, "x"), 3)->name, "up3");
    assert_string_equal(node_port(network_node(network, "y"), 9)->name, "p9");
    assert_int_equal(network_node(network, "y")->n_ports, 5);
    network_free(network);
}

static void
an_empty_cell_means_none_or_the_default(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    assert_import(network, "c.csv",
                  "name,burst-octets,max-latency-us,protection,start,end,vlan-id\n"
                  "goose-trip,,,,,,\n",
                  "c.csv:2: changed: circuit goose-trip: vlan-id, vlan-priority, burst-octets, "
                  "max-latency-us, protection, start, end\n"
                  "0 created, 1 changed, 0 unchanged, 0 errors; applied\n");
    const struct circuit *goose = network_circuit(network, "goose-trip");
    assert_int_equal(goose->burst_octets, 15180);
    assert_int_equal(goose->max_latency_us, 0);
    assert_int_equal(goose->protection, DISJOINT_MAXIMAL);
    assert_int_equal(goose->window.start, 0);
    assert_int_equal(goose->multicast.vlan_id, VLAN_UNTAGGED);
    assert_import(network, "sites.csv", "name,kind,description\nsouth,substation,\n",
                  "sites.csv:2: changed: site south: description\n"
                  "0 created, 1 changed, 0 unchanged, 0 errors; applied\n");
    assert_null(network_site(network, "south")->description);
    network_free(network);
}

static void
a_circuit_can_become_one_of_another_kind(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    char *found = import_one(network, "c.csv",
                             "name,protocol,client,server,server-ports,burst-octets\n"
                             "goose-trip,udp,fep,rtu,123,2000\n",
                             false);
    assert_non_null(strstr(found, "1 changed"));
    free(found);
    const struct circuit *circuit = network_circuit(network, "goose-trip");
    assert_int_equal(circuit->kind, CIRCUIT_IP);
    assert_null(circuit->multicast.publisher);
    assert_import(network, "c.csv",
                  "name,protocol,publisher,subscribers,mac\n"
                  "goose-trip,sv,relay,rtu,01:0c:cd:04:00:01\n",
                  "c.csv:2: error: circuit goose-trip: appid: is missing\n"
                  "0 created, 0 changed, 0 unchanged, 1 errors; nothing applied\n");
    network_free(network);
}

static void
a_dry_run_changes_nothing(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    char *found = import_one(network, "l.csv", "name,delay-us\nx-y,700\n", true);
    assert_string_equal(found, "l.csv:2: changed: link x-y: delay-us\n"
                               "0 created, 1 changed, 0 unchanged, 0 errors; dry run, nothing "
                               "applied\n");
    free(found);
    assert_int_equal(network_link(network, "x-y")->delay_us, 500);
    network_free(network);
}

/* ---- What is wrong is said where it is ---------------------------------------------------------
 */

static void
every_error_names_its_place(void **state UNUSED)
{
    const struct {
        const char *name, *text, *expected;
    } cases[] = {
        /* The file. */
        {"x.csv", "", "x.csv:1:1: error: file: the file is empty\n"},
        {"x.csv", "foo,bar\n1,2\n",
         "x.csv:1:1: error: file: none of its columns is one of sites, nodes, ports, links, hosts, "
         "routers, tunnels or circuits\n"},
        {"x.csv", "name,description\na,b\n",
         "x.csv:1:1: error: file: its columns fit tables of several kinds; name the file after one "
         "of them: sites.csv nodes.csv ports.csv links.csv hosts.csv routers.csv "
         "tunnels.csv circuits.csv\n"},
        {"nodes.csv", "name,site,knid\n",
         "nodes.csv:1:11: error: node: there is no column \"knid\" in a table of nodes; is it "
         "kind\n"},
        {"x.csv", "name,mac,ipv4,IP\n", "x.csv:1:15: error: host: there are two columns ipv4\n"},
        {"x.csv", "mac,ipv4\n", "x.csv:1:1: error: host: there is no column name\n"},
        {"x.csv", "number,name\n1,p1\n", "x.csv:1:1: error: port: there is no column node\n"},
        {"inventory/Hosts.CSV", "name,mac\nfep,\"02\n",
         "inventory/Hosts.CSV:2:5: error: host: the quote that starts here is "
         "not closed\n"},
        {"inventory/Hosts.CSV", "name,mac\nfep,\xff\n",
         "inventory/Hosts.CSV:2:5: error: host: not UTF-8: save the file as CSV "
         "UTF-8\n"},
        /* A cell. */
        {"x.csv", "name,delay-us\nx-y,fast\n",
         "x.csv:2:5: error: link x-y: delay-us: \"fast\" is not a whole number within 0 to "
         "10000000\n"},
        {"inventory/Hosts.CSV", "name,mac\nfep,\n",
         "inventory/Hosts.CSV:2:5: error: host fep: mac: must not be empty\n"},
        {"inventory/Hosts.CSV", "name,mac\n,02:00:00:00:00:01\n",
         "inventory/Hosts.CSV:2:1: error: host: name: must not be empty\n"},
        {"x.csv", "name,rate-kbps,server-ports\nscada-rtu,1,\"1 2\n99999\"\n",
         "x.csv:2:13: error: circuit scada-rtu: server-ports: 99999 is not within 1 to 65535\n"},
        {"x.csv", "name,rate-kbps,appid\nscada-rtu,1,0001\n",
         "x.csv:2:13: error: circuit scada-rtu: appid: does not apply to this circuit\n"},
        {"x.csv", "name,rate-kbps,protocol\nscada-rtu,1,sctp\n",
         "x.csv:2:13: error: circuit scada-rtu: protocol: \"sctp\" is none of tcp, udp, icmp, "
         "goose, sv\n"},
        {"x.csv", "name,rate-kbps,protocol\nscada-rtu,1,\n",
         "x.csv:2:13: error: circuit scada-rtu: protocol: is missing: it must be tcp, udp, icmp, "
         "goose or sv\n"},
        {"circuits.csv", "name,rate-kbps,start\nscada-rtu,1,2026-03-01T08:00:00Z\n",
         "circuits.csv:2: error: circuit scada-rtu: end: is missing\n"},
        {"circuits.csv",
         "name,rate-kbps,start,end\nscada-rtu,1,2026-03-01T08:00:00Z,"
         "2026-03-01T07:00:00Z\n",
         "circuits.csv:2:34: error: circuit scada-rtu: end: must be after the start\n"},
        /* A row. */
        {"inventory/Hosts.CSV", "name,mac\nnew,02:00:00:00:00:01\n",
         "inventory/Hosts.CSV:2: error: host new: node: is missing\n"},
        {"circuits.csv", "name,rate-kbps\nnew,1\n",
         "circuits.csv:2: error: circuit new: protocol: is missing: it must be tcp, udp, icmp, "
         "goose or "
         "sv\n"},
        {"inventory/Hosts.CSV", "name,mac\nfep,02:00:00:00:00:01,x\n",
         "inventory/Hosts.CSV:2: error: host fep: the row has 3 cells, the first line has 2\n"},
        {"x.csv", "name,delay-us\nx-y,1\nx-y,2\n",
         "x.csv:2: changed: link x-y: delay-us\n"
         "x.csv:3:1: error: link x-y: name: is there twice, first in line 2\n"},
        /* What spans objects. */
        {"x.csv", "name,node,port,mac\nfep,x,9,02:00:00:10:00:11\n",
         "x.csv:2:7: error: host fep: port: node x has no port 9\n"},
        {"x.csv", "name,node-b,port-b\nx-y,y,2\n",
         "x.csv:2: changed: link x-y: port-b\n"
         "error: host rtu: port: link x-y is at port 2 of node y already [port-occupied]\n"},
        {"x.csv", "node,number,name\nz,1,p1\n",
         "x.csv:2:1: error: port z/1: node: there is no node z\n"},
        {"x.csv", "node,number,name\nx,1,p2\n",
         "x.csv:2: changed: port x/1: name\n"
         "error: port x/2: name: port 1 of node x is named p2 already [name-duplicate]\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = network_quoted(SMALL_DOCUMENT);
        json_t *before = network_to_json(network);
        char *found = import_one(network, cases[i].name, cases[i].text, false);
        size_t length = strlen(cases[i].expected);
        if (strncmp(found, cases[i].expected, length))
            fail_msg("%sfor %s", found, cases[i].text);
        free(found);
        json_t *after = network_to_json(network);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
        network_free(network);
    }
}

static void
one_wrong_row_and_nothing_is_applied(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    json_t *before = network_to_json(network);
    assert_import(network, "c.csv",
                  "name,protocol,client,server,server-ports,service-class,rate-kbps\n"
                  "good,tcp,fep,rtu,22,engineering,100\n"
                  "bad,tcp,fep,nobody,22,engineering,100\n"
                  "double,tcp,fep,rtu,20 21 22,engineering,100\n",
                  "c.csv:3:13: error: circuit bad: server: there is no host nobody\n"
                  "c.csv:4:20: error: circuit double: server-ports: circuit good lets the same "
                  "packets pass, to port 22\n"
                  "1 created, 0 changed, 0 unchanged, 2 errors; nothing applied\n");
    json_t *after = network_to_json(network);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    network_free(network);
}

static void
a_report_is_valid_whatever_the_table_says(void **state UNUSED)
{
    struct network *network = network_new();
    struct report report = {0};
    struct buf text = BUF_INIT;
    buf_str(&text, "name,kind\n\"\x1b[2J");
    for (int i = 0; i < 100; i++) /* what is quoted of it ends within a character */
        buf_str(&text, "\xc3\xa4");
    buf_str(&text, "\",\x1b\n");
    struct csv_file file = file_of("sites.csv", buf_cstr(&text));
    assert_err(csv_import(network, &file, 1, false, &report), ERR_INVALID);
    json_t *json = report_to_json(&report);
    json_t *row = json_array_get(json_object_get(json, "rows"), 0);
    assert_memory_equal(json_string_value(json_object_get(row, "name")), "?[2J\xc3", 5);
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")), "is not a name"));
    assert_null(strchr(json_string_value(json_object_get(row, "text")), '\x1b'));
    json_decref(json);
    report_fini(&report);
    buf_fini(&text);
    network_free(network);
}

static void
what_was_wrong_before_does_not_stop_an_import(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    assert_ok(network_remove_host(network, "rtu")); /* both circuits refer to it */
    assert_import(network, "l.csv", "name,delay-us\nx-y,700\n",
                  "l.csv:2: changed: link x-y: delay-us\n"
                  "0 created, 1 changed, 0 unchanged, 0 errors; applied\n");
    network_free(network);
}

static void
a_row_is_not_blamed_for_what_is_wrong_with_another(void **state UNUSED)
{
    struct network *network = network_new();
    const struct csv_file files[] = {
        file_of("nodes.csv", "name,site,kind,datapath-id\nx,s,openflow,0\n"),
        file_of("ports.csv", "node,number,name\nx,1,p1\n"),
        file_of("hosts.csv", "name,mac,node,port\nh,02:00:00:00:00:01,x,1\n"),
    };
    struct report report = {0};
    struct buf out = BUF_INIT;
    assert_err(csv_import(network, files, ARRAY_SIZE(files), false, &report), ERR_INVALID);
    report_to_text(&report, &out);
    assert_string_equal(buf_cstr(&out),
                        "nodes.csv:2:14: error: node x: datapath-id: \"0\" is not a datapath "
                        "identifier: 16 hexadecimal digits, not all 0\n"
                        "ports.csv:2:1: error: port x/1: node: there is no node x\n"
                        "1 created, 0 changed, 0 unchanged, 2 errors; nothing applied\n");
    report_fini(&report);
    buf_fini(&out);
    network_free(network);
}

/* ---- Export ------------------------------------------------------------------------------------
 */

static void
tables_are_sorted_and_complete(void **state UNUSED)
{
    struct network *network = network_quoted(SMALL_DOCUMENT);
    struct buf out = BUF_INIT;
    csv_export(network, OBJECT_CIRCUIT, &out);
    assert_string_equal(
        buf_cstr(&out),
        "name,description,client,server,protocol,client-port,server-ports,publisher,subscribers,"
        "mac,vlan-id,vlan-priority,appid,service-class,rate-kbps,burst-octets,max-latency-us,"
        "max-asymmetry-us,"
        "protection,start,end\r\n"
        "goose-trip,,,,goose,,,relay,fep rtu,01:0c:cd:01:00:01,10,4,0001,protection,600,1200,4000,,"
        "link,2026-03-01T08:00:00Z,2026-03-01T09:00:00Z\r\n"
        "scada-rtu,,fep,rtu,tcp,,502,,,,,,,scada,1000,15180,,,maximal,,\r\n");
    buf_clear(&out);
    csv_export(network, OBJECT_PORT, &out);
    assert_non_null(strstr(buf_cstr(&out), "node,number,name,description\r\nx,1,p1,\r\n"));
    buf_fini(&out);
    network_free(network);
}

static void
a_text_is_never_a_formula(void **state UNUSED)
{
    const struct {
        const char *text, *cell;
    } cases[] = {{"=1+1", "'=1+1"}, {"@x", "'@x"}, {"'quoted'", "''quoted'"}, {"a=b", "a=b"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = network_new();
        struct site *site = object_new(OBJECT_SITE);
        site->name = xstrdup("a");
        site->description = xstrdup(cases[i].text);
        site->kind = SITE_WAN;
        network_put_site(network, site);
        struct buf out = BUF_INIT;
        csv_export(network, OBJECT_SITE, &out);
        char *expected = xasprintf("name,description,kind\r\na,%s,wan\r\n", cases[i].cell);
        assert_string_equal(buf_cstr(&out), expected);
        free(expected);
        assert_import(network, "sites.csv", buf_cstr(&out),
                      "0 created, 0 changed, 1 unchanged, 0 errors; applied\n");
        buf_fini(&out);
        network_free(network);
    }
}

/* ---- Whatever network: what is exported imports again unchanged --------------------------------
 */

static uint64_t seed;

static uint32_t
random_below(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % n);
}

/* Anything a text may have, quotes and separators above all. */
static char *
random_text(void)
{
    static const char *const parts[] = {
        "\"", ",",  ";", " ",  "'",  "=",    "+", "-", "@",        "a",
        "Z",  "\\", "/", "{}", "%s", "\"\"", "x", "0", "\xc3\xa4", "\xf0\x9f\x98\x80"};
    struct buf text = BUF_INIT;
    if (random_below(3) == 0)
        return NULL;
    for (uint32_t n = 1 + random_below(12); n > 0; n--)
        buf_str(&text, parts[random_below(ARRAY_SIZE(parts))]);
    return buf_steal_cstr(&text);
}

/* Unique by its number. */
static char *
random_name(uint32_t number)
{
    static const char signs[] = "aZ09._-";
    char middle[40];
    uint32_t length = random_below(sizeof middle - 1);
    for (uint32_t i = 0; i < length; i++)
        middle[i] = signs[random_below(sizeof signs - 1)];
    middle[length] = '\0';
    return xasprintf("%c%s%u", signs[random_below(4)], middle, number);
}

static void
random_inventory(struct network *network, uint32_t n)
{
    struct site *site = object_new(OBJECT_SITE);
    site->name = random_name(0);
    site->description = random_text();
    site->kind = (enum site_kind)random_below(SITE_KIND_MAX);
    for (uint32_t i = 0; i < n; i++) {
        struct node *node = object_new(OBJECT_NODE);
        node->name = random_name(i);
        node->site = xstrdup(site->name);
        node->description = random_text();
        node->kind = (enum node_kind)random_below(NODE_KIND_MAX);
        node->datapath_id = UINT64_C(0xfedcba9876543210) + i;
        node->management_address = random_below(2) ? 0x0aff0000 + i : 0;
        node->probe = random_below(2);
        node->n_ports = 3;
        node->ports = xcalloc(3, sizeof *node->ports);
        for (uint32_t p = 0; p < 3; p++)
            node->ports[p] = (struct port){
                .number = 1 + 7 * p, .name = random_name(p), .description = random_text()};
        struct host *host = object_new(OBJECT_HOST);
        host->name = random_name(i);
        host->description = random_text();
        host->mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)i}};
        host->ipv4 = random_below(4) ? 0x0a000001 + i : 0;
        host->prefix_length = host->ipv4 ? 8 : 0;
        host->gateway = host->ipv4 && random_below(2) ? 0x0afffffe : 0;
        host->node = xstrdup(node->name);
        host->port = 15;
        host->ied = random_below(2) ? xasprintf("IED_%u", i) : NULL;
        network_put_node(network, node);
        network_put_host(network, host);
    }
    network_put_site(network, site);
}

static void
random_links(struct network *network, uint32_t n)
{
    struct node *node = network->nodes, *next;
    for (uint32_t i = 0; i + 1 < n; i++, node = next) {
        next = node->hh.next;
        struct link *link = object_new(OBJECT_LINK);
        link->name = random_name(i);
        link->description = random_text();
        link->a = (struct link_end){xstrdup(node->name), 1};
        link->b = (struct link_end){xstrdup(next->name), 8};
        link->delay_us = random_below(10000001);
        link->capacity_kbps = 1 + random_below(4000000);
        link->n_shared_risks = random_below(3);
        link->shared_risks = xcalloc(3, sizeof *link->shared_risks);
        for (uint32_t k = 0; k < link->n_shared_risks; k++)
            link->shared_risks[k] = xasprintf("duct-%u", k);
        network_put_link(network, link);
    }
}

static struct circuit *
random_multicast(const struct host *publisher, const struct host *subscriber, uint32_t i)
{
    struct circuit *circuit = object_new(OBJECT_CIRCUIT);
    struct multicast_service *m = &circuit->multicast;
    circuit->kind = CIRCUIT_MULTICAST;
    m->application = (enum multicast_application)random_below(2);
    m->publisher = xstrdup(publisher->name);
    m->n_subscribers = 1;
    m->subscribers = xcalloc(1, sizeof *m->subscribers);
    m->subscribers[0] = xstrdup(subscriber->name);
    m->mac = (struct mac){{1, 0x0c, 0xcd, 1, 0, (uint8_t)i}};
    m->vlan_id = (int)random_below(4096) - 1;
    m->vlan_priority = (uint8_t)random_below(8);
    m->appid = (uint16_t)i;
    return circuit;
}

static struct circuit *
random_conversation(const struct host *client, const struct host *server)
{
    static const uint8_t protocols[] = {1, 6, 17};
    struct circuit *circuit = object_new(OBJECT_CIRCUIT);
    struct ip_service *ip = &circuit->ip;
    circuit->kind = CIRCUIT_IP;
    ip->client = xstrdup(client->name);
    ip->server = xstrdup(server->name);
    ip->protocol = protocols[random_below(3)];
    if (ip->protocol == 1)
        return circuit;
    ip->client_port = (uint16_t)(random_below(2) ? 1000 + random_below(60000) : 0);
    ip->n_server_ports = 1 + random_below(4);
    ip->server_ports = xcalloc(4, sizeof *ip->server_ports);
    for (uint32_t k = 0; k < ip->n_server_ports; k++)
        ip->server_ports[k] = (uint16_t)(1 + k * 1000 + random_below(800));
    return circuit;
}

static void
random_circuits(struct network *network)
{
    uint32_t i = 0;
    const struct host *next;
    for (const struct host *host = network->hosts; host && (next = host->hh.next);
         host = next, i++) {
        struct circuit *circuit = host->ipv4 && next->ipv4 ? random_conversation(host, next)
                                                           : random_multicast(host, next, i);
        circuit->name = random_name(i);
        circuit->description = random_text();
        circuit->service_class = (enum service_class)random_below(CLASS_MAX);
        circuit->rate_kbps = 1 + random_below(1000000);
        circuit->burst_octets = 64 + random_below(1000000);
        circuit->max_latency_us = random_below(2) ? 1 + random_below(10000000) : 0;
        circuit->protection = (enum disjointness)random_below(DISJOINT_MAX);
        if (random_below(2)) {
            circuit->window.start = 1 + (nsec_t)random_below(1000000000) * 2000000001;
            circuit->window.end = circuit->window.start + 1 + random_below(1000000000);
        }
        network_put_circuit(network, circuit);
    }
}

static const enum object_kind table_kinds[] = {OBJECT_CIRCUIT, OBJECT_HOST, OBJECT_LINK,
                                               OBJECT_PORT,    OBJECT_NODE, OBJECT_SITE};
#define N_TABLES ARRAY_SIZE(table_kinds)

static void
export_all(const struct network *network, struct buf tables[N_TABLES],
           struct csv_file files[N_TABLES])
{
    for (size_t i = 0; i < N_TABLES; i++) {
        tables[i] = BUF_INIT;
        csv_export(network, table_kinds[i], &tables[i]);
        files[i] = file_of(csv_file_name(table_kinds[i]), buf_cstr(&tables[i]));
    }
}

static void
assert_imports(struct network *network, const struct csv_file *files, enum report_action action)
{
    struct report report = {0};
    if (csv_import(network, files, N_TABLES, false, &report)) {
        struct buf out = BUF_INIT;
        report_to_text(&report, &out);
        fail_msg("seed %llu: %s", (unsigned long long)seed, buf_cstr(&out));
    }
    assert_int_equal(report.counts[action], report.n);
    assert_true(report.applied);
    report_fini(&report);
}

static void
any_network_imports_again_unchanged(void **state UNUSED)
{
    for (uint64_t round = 1; round <= 200; round++) {
        struct network *network = network_new(), *empty = network_new();
        struct buf tables[N_TABLES], again[N_TABLES];
        struct csv_file files[N_TABLES], files_again[N_TABLES];
        seed = round;
        uint32_t n = 2 + random_below(12);
        random_inventory(network, n);
        random_links(network, n);
        random_circuits(network);
        export_all(network, tables, files);
        assert_imports(network, files, REPORT_UNCHANGED);
        assert_imports(empty, files, REPORT_CREATED);
        export_all(empty, again, files_again);
        for (size_t i = 0; i < N_TABLES; i++) {
            assert_string_equal(files[i].text, files_again[i].text);
            buf_fini(&tables[i]);
            buf_fini(&again[i]);
        }
        network_free(network);
        network_free(empty);
    }
}

TEST_MAIN(cmocka_unit_test(tables_of_all_kinds_make_a_network),
          cmocka_unit_test(columns_that_are_not_there_leave_values_alone),
          cmocka_unit_test(an_empty_cell_means_none_or_the_default),
          cmocka_unit_test(a_circuit_can_become_one_of_another_kind),
          cmocka_unit_test(a_dry_run_changes_nothing),
          cmocka_unit_test(every_error_names_its_place),
          cmocka_unit_test(one_wrong_row_and_nothing_is_applied),
          cmocka_unit_test(a_report_is_valid_whatever_the_table_says),
          cmocka_unit_test(what_was_wrong_before_does_not_stop_an_import),
          cmocka_unit_test(a_row_is_not_blamed_for_what_is_wrong_with_another),
          cmocka_unit_test(tables_are_sorted_and_complete),
          cmocka_unit_test(a_text_is_never_a_formula),
          cmocka_unit_test(any_network_imports_again_unchanged))
