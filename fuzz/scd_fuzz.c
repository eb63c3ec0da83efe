/* An SCD file from outside. What is proposed as importable must be importable, all of it together,
 * and be written and read back as JSON. */
#include "engineer/import_scd.h"
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
    " \"host\": [{\"name\": \"P\", \"mac\": \"02:00:00:00:00:01\", \"ipv4\": \"10.0.0.1/24\","
    "  \"node\": \"x\", \"port\": 1}, {\"name\": \"q\", \"ied\": \"Q\", \"ipv4\": \"10.0.0.2/24\","
    "  \"mac\": \"02:00:00:00:00:02\", \"node\": \"x\", \"port\": 2}]}}";

static void
require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void
check_proposal(const struct scd_proposal *proposal)
{
    struct circuit *again;
    struct diag diag = {""};
    require(proposal->importable == (proposal->n_reasons == 0), "reasons");
    if (!proposal->importable)
        return;
    json_t *json = circuit_to_json(proposal->circuit);
    require(circuit_from_json(json, &again, &diag) == ERR_OK, diag.text);
    require(circuit_equal(proposal->circuit, again), "read back differently");
    circuit_free(again);
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct network *lab;
    if (!lab) {
        json_t *json = json_loads(inventory, 0, NULL);
        require(network_from_json(json, &lab, NULL) == ERR_OK, "inventory");
        json_decref(json);
    }
    struct scd_import *import;
    struct report report = {0};
    struct buf text = BUF_INIT;
    enum err err = scd_import(lab, "file", (const char *)data, size, &import);
    require(!err || import->n_proposals == 0, "proposals of what could not be read");
    for (size_t i = 0; i < import->n_proposals; i++)
        check_proposal(&import->proposals[i]);
    if (scd_import_apply(lab, import, NULL, 0, true, &report)) {
        report_to_text(&report, &text);
        require(false, buf_cstr(&text));
    }
    json_decref(scd_import_to_json(import));
    buf_fini(&text);
    report_fini(&report);
    scd_import_free(import);
    return 0;
}
