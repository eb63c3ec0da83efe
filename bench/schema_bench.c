/* How long a large inventory takes on its way in: 400 switches, 20,000 hosts, 10,000 circuits. */
#include "bench.h"

#include "model/check.h"
#include "model/json.h"
#include "model/schema.h"

#include <string.h>
#include <time.h>

#define NODES 400
#define HOSTS_PER_NODE 50
#define CIRCUITS 10000
#define ROUNDS 5

static double
now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static json_t *
make_node(int i)
{
    char name[16], dpid[17];
    json_t *ports = json_array();
    snprintf(name, sizeof name, "n%d", i);
    snprintf(dpid, sizeof dpid, "%016x", i + 1);
    for (int p = 1; p <= HOSTS_PER_NODE + 2; p++) {
        char port[16];
        snprintf(port, sizeof port, "p%d", p);
        json_array_append_new(ports, json_pack("{si ss}", "number", p, "name", port));
    }
    return json_pack("{ss ss ss ss so}", "name", name, "site", "all", "kind", "tieline-edge",
                     "datapath-id", dpid, "port", ports);
}

static json_t *
make_link(int i)
{
    char name[16], a[16], b[16];
    snprintf(name, sizeof name, "l%d", i);
    snprintf(a, sizeof a, "n%d", i);
    snprintf(b, sizeof b, "n%d", (i + 1) % NODES);
    return json_pack("{ss s{ss si} s{ss si} si si}", "name", name, "a", "node", a, "port", 1, "b",
                     "node", b, "port", 2, "delay-us", 10, "capacity-kbps", 1000000);
}

static json_t *
make_host(int i)
{
    char name[16], mac[18], ipv4[24], node[16];
    snprintf(name, sizeof name, "h%d", i);
    snprintf(mac, sizeof mac, "02:00:00:00:%02x:%02x", i >> 8, i & 255);
    snprintf(ipv4, sizeof ipv4, "10.%d.%d.%d/8", 1 + i / 62500, i / 250 % 250, 1 + i % 250);
    snprintf(node, sizeof node, "n%d", i / HOSTS_PER_NODE);
    return json_pack("{ss ss ss ss si}", "name", name, "mac", mac, "ipv4", ipv4, "node", node,
                     "port", 3 + i % HOSTS_PER_NODE);
}

static json_t *
make_circuit(int i)
{
    char name[16], from[16], to[16], mac[18], appid[5];
    snprintf(name, sizeof name, "c%d", i);
    snprintf(from, sizeof from, "h%d", 2 * i);
    snprintf(to, sizeof to, "h%d", 2 * i + 1);
    json_t *json = json_pack("{ss ss si}", "name", name, "service-class", "scada", "rate-kbps", 64);
    if (i % 2) {
        json_object_set_new(json, "ip",
                            json_pack("{ss ss ss s[i]}", "client", from, "server", to, "protocol",
                                      "tcp", "server-ports", 502));
        return json;
    }
    snprintf(mac, sizeof mac, "01:0c:cd:01:%02x:%02x", i >> 8 & 255, i & 255);
    snprintf(appid, sizeof appid, "%04X", i / 2);
    json_object_set_new(json, "multicast",
                        json_pack("{ss ss s[s] ss si ss}", "application", "goose", "publisher",
                                  from, "subscribers", to, "mac", mac, "vlan-id", 1 + i % 4000,
                                  "appid", appid));
    return json;
}

static json_t *
make_list(int n, json_t *(*make)(int))
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, make(i));
    return list;
}

static char *
make_document(void)
{
    json_t *json = json_pack("{s{s[{ss ss}] so so so} s{so}}", INVENTORY_MODULE, "site", "name",
                             "all", "kind", "substation", "node", make_list(NODES, make_node),
                             "link", make_list(NODES, make_link), "host",
                             make_list(NODES * HOSTS_PER_NODE, make_host), CIRCUITS_MODULE,
                             "circuit", make_list(CIRCUITS, make_circuit));
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void
print(const char *what, double *samples, double goal, const char *note)
{
    struct bench_figure figure = {
        .bench = "schema",
        .what = what,
        .value = bench_median(samples, ROUNDS),
        .unit = "s",
        .goal = goal,
        .smaller_is_better = true,
        .note = note,
    };
    bench_print(&figure);
}

int
main(void)
{
    double validate[ROUNDS], apply[ROUNDS], check[ROUNDS], edit[ROUNDS];
    struct schema *schema;
    struct diag diag = {""};
    if (schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag)) {
        fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    char *text = make_document();
    for (int i = 0; i < ROUNDS; i++) {
        struct network *network = network_new();
        struct report report = {0};
        struct findings findings = {0};
        json_t *json = NULL;
        double t0 = now_s();
        enum err err = schema_validate_json(schema, text, strlen(text), NULL, &json, &diag);
        double t1 = now_s();
        if (!err)
            err = inventory_apply_json(network, json, false, &report, &diag);
        double t2 = now_s();
        if (err || !report.applied) {
            fprintf(stderr, "%s\n", diag.text);
            return 1;
        }
        network_check(network, &findings);
        double t3 = now_s();
        struct circuit *circuit = circuit_copy(network_circuit(network, "c9999"));
        network_check_circuit(network, circuit, &findings);
        double t4 = now_s();
        validate[i] = t1 - t0;
        apply[i] = t2 - t1;
        check[i] = t3 - t2;
        edit[i] = t4 - t3;
        circuit_free(circuit);
        findings_fini(&findings);
        report_fini(&report);
        json_decref(json);
        network_free(network);
    }
    print("validate", validate, 1.0, "10,000 circuits, 20,000 hosts, 20,800 ports as one text");
    print("apply", apply, NAN, "to structs, checked before and after");
    print("check", check, NAN, "the whole network");
    print("check-circuit", edit, NAN, "one circuit against all others");
    free(text);
    schema_close(schema);
    return 0;
}
