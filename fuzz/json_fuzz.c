/* JSON from outside, on its whole way in: schema, structs, checks, and out again.
 *
 * The first octet says what the text is an instance of. What the schema allows, the structs must be
 * able to take, and what they write the schema must allow and they must read back the same. */
#include "model/check.h"
#include "model/json.h"
#include "model/object.h"
#include "model/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *path;
    enum object_kind kind;
} kinds[] = {
    {"/tieline-inventory:inventory/site", OBJECT_SITE},
    {"/tieline-inventory:inventory/node", OBJECT_NODE},
    {"/tieline-inventory:inventory/link", OBJECT_LINK},
    {"/tieline-inventory:inventory/host", OBJECT_HOST},
    {"/tieline-inventory:inventory/settings", OBJECT_SETTINGS},
    {"/tieline-circuit:circuits/circuit", OBJECT_CIRCUIT},
    {"/tieline-circuit:circuits/design", OBJECT_DESIGN},
};

static void
require(bool condition, const char *what, const char *text)
{
    if (condition)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

/* The schema says what a point in time looks like; that 30 February is none, and that a window ends
 * after it starts, only the structs know. */
static bool
is_about_time(const struct diag *diag)
{
    return strstr(diag->text, "is not a time") || strstr(diag->text, "must be after");
}

static void
try_object(struct schema *schema, const char *path, enum object_kind kind, const char *text,
           size_t size)
{
    json_t *json, *again;
    void *object, *copy;
    struct diag diag = {""};
    if (schema_validate_json(schema, text, size, path, &json, &diag))
        return;
    if (object_from_json(kind, json, &object, &diag)) {
        require(is_about_time(&diag), "allowed by the schema, but", diag.text);
        json_decref(json);
        return;
    }
    json_t *written = object_to_json(kind, object);
    char *written_text = json_dumps(written, 0);
    if (schema_validate_json(schema, written_text, strlen(written_text), path, &again, &diag))
        require(false, "written, but not allowed by the schema", diag.text);
    require(object_from_json(kind, again, &copy, &diag) == ERR_OK, "not read back", diag.text);
    require(object_equal(kind, object, copy), "read back differently", written_text);
    object_free(kind, object);
    object_free(kind, copy);
    json_decref(json);
    json_decref(again);
    json_decref(written);
    free(written_text);
}

static void
try_document(struct schema *schema, const char *text, size_t size)
{
    json_t *json;
    struct network *network;
    struct diag diag;
    if (schema_validate_json(schema, text, size, NULL, &json, &diag))
        return;
    struct network *target = network_new();
    struct report report = {0};
    if (inventory_apply_json(target, json, false, &report, &diag))
        require(target->hosts == NULL, "half applied", diag.text);
    if (!network_from_json(json, &network, &diag)) {
        struct findings findings = {0};
        network_check(network, &findings);
        findings_fini(&findings);
        network_free(network);
    }
    json_t *out = report_to_json(&report);
    json_decref(out);
    report_fini(&report);
    network_free(target);
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct schema *schema;
    struct diag diag;
    if (!schema && schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag))
        require(false, "schema", diag.text);
    if (size == 0)
        return 0;
    size_t kind = data[0] % (ARRAY_SIZE(kinds) + 1);
    const char *text = (const char *)data + 1;
    if (kind < ARRAY_SIZE(kinds))
        try_object(schema, kinds[kind].path, kinds[kind].kind, text, size - 1);
    else
        try_document(schema, text, size - 1);
    return 0;
}
