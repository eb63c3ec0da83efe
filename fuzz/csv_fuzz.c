/* A table from outside, imported into a small network. What was imported must be exported so that
 * it imports again unchanged; what was refused must have changed nothing. */
#include "engineer/import_csv.h"
#include "model/json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char inventory[] =
    "{\"tieline-inventory:inventory\": {\"site\": [{\"name\": \"s\", \"kind\": \"wan\"}],"
    " \"node\": [{\"name\": \"x\", \"site\": \"s\", \"kind\": \"openflow\","
    "  \"datapath-id\": \"0000000000000001\", \"port\": [{\"number\": 1, \"name\": \"p1\"},"
    "  {\"number\": 2, \"name\": \"p2\"}, {\"number\": 3, \"name\": \"p3\"}]}],"
    " \"host\": [{\"name\": \"h\", \"mac\": \"02:00:00:00:00:01\", \"ipv4\": \"10.0.0.1/24\","
    "  \"node\": \"x\", \"port\": 1}, {\"name\": \"i\", \"mac\": \"02:00:00:00:00:02\","
    "  \"ipv4\": \"10.0.0.2/24\", \"node\": \"x\", \"port\": 2}]},"
    " \"tieline-circuit:circuits\": {\"circuit\": [{\"name\": \"c\", \"ip\": {\"client\": \"h\","
    "  \"server\": \"i\", \"protocol\": \"tcp\", \"server-ports\": [502]},"
    "  \"service-class\": \"scada\", \"rate-kbps\": 100}]}}";

static const enum object_kind kinds[] = {OBJECT_SITE, OBJECT_NODE, OBJECT_PORT,
                                         OBJECT_LINK, OBJECT_HOST, OBJECT_CIRCUIT};

static void
require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct network *
small_network(void)
{
    struct network *network = NULL;
    json_t *json = json_loads(inventory, 0, NULL);
    require(network_from_json(json, &network, NULL) == ERR_OK, "inventory");
    json_decref(json);
    return network;
}

static void
check_export(struct network *network)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct buf table = BUF_INIT;
        struct report report = {0};
        csv_export(network, kinds[i], &table);
        struct csv_file file = {csv_file_name(kinds[i]), buf_cstr(&table), table.size};
        enum err err = csv_import(network, &file, 1, true, &report);
        require(err == ERR_OK && report.counts[REPORT_UNCHANGED] == report.n, buf_cstr(&table));
        report_fini(&report);
        buf_fini(&table);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct network *network = small_network(), *before = small_network();
    struct report report = {0};
    struct buf text = BUF_INIT;
    struct csv_file file = {csv_file_name(kinds[data[0] % ARRAY_SIZE(kinds)]),
                            (const char *)data + 1, size - 1};
    enum err err = csv_import(network, &file, 1, false, &report);
    report_to_text(&report, &text);
    json_decref(report_to_json(&report));
    if (!err) {
        check_export(network);
    } else {
        json_t *a = network_to_json(before), *b = network_to_json(network);
        require(json_equal(a, b), "half applied");
        json_decref(a);
        json_decref(b);
    }
    buf_fini(&text);
    report_fini(&report);
    network_free(network);
    network_free(before);
    return 0;
}
