#include "model/schema.h"

#include "base/buf.h"
#include "model/object.h"
#include "model/testing.h"

#include <stdio.h>

#define CIRCUIT "/tieline-circuit:circuits/circuit"
#define HOST "/tieline-inventory:inventory/host"

static struct schema *schema;

static int
open_schema(void **state UNUSED)
{
    struct diag diag;
    return schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag) != ERR_OK;
}

static int
close_schema(void **state UNUSED)
{
    schema_close(schema);
    return 0;
}

/* ---- Loading -----------------------------------------------------------------------------------
 */

static void
a_missing_directory_is_said(void **state UNUSED)
{
    struct schema *none = NULL;
    struct diag diag;
    assert_err(schema_open("/nowhere/at/all", &none, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "/nowhere/at/all: there is no such directory");
    assert_err(schema_open(TIELINE_SOURCE_DIR "/src", &none, &diag), ERR_MALFORMED);
    static const char expected[] = TIELINE_SOURCE_DIR "/src/tieline-inventory.yang: Data model "
                                                      "\"tieline-inventory\" not found";
    assert_memory_equal(diag.text, expected, sizeof expected - 1);
    assert_null(none);
    schema_close(NULL);
}

/* ---- Validation --------------------------------------------------------------------------------
 */

/* Quotes are single. The text is in a block of its exact size. */
static enum err
validate(const char *what, const char *text, json_t **json, struct diag *diag)
{
    size_t size = strlen(text);
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    for (size_t i = 0; i < size; i++)
        exact[i] = exact[i] == '\'' ? '"' : exact[i];
    enum err err = schema_validate_json(schema, exact, size, what, json, diag);
    free(exact);
    return err;
}

static void
what_the_schema_allows_is_returned(void **state UNUSED)
{
    const struct {
        const char *what, *text;
    } cases[] = {
        {NULL, "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT
               ", " GOOSE_CIRCUIT "]}}"},
        {NULL, "{}"},
        {NULL, "{'tieline-inventory:inventory': {'site': [], 'settings': {}}}"},
        {"/tieline-circuit:circuits", "{'circuit': [" MODBUS_CIRCUIT "]}"},
        {CIRCUIT, MODBUS_CIRCUIT},
        {CIRCUIT, GOOSE_CIRCUIT},
        {"/tieline-inventory:inventory/settings", "{'revertive': false}"},
        {"/tieline-inventory:inventory/site", "{'name': 'a', 'kind': 'wan'}"},
        {HOST, "{'name': 'h', 'mac': '02-00-00-00-00-0A', 'node': 'n', 'port': 1}"},
        {"/tieline-circuit:circuits/design",
         "{'circuit': 'c', 'number': 1, 'primary': {'links': ['b', 'a']}, 'failover': {},"
         " 'disjoint': 'link'}"},
        {"/tieline-work:submit-order/input",
         "{'workflow': 'circuit-turn-up', 'circuits': ['a'], 'comment': 'as agreed'}"},
        {"/tieline-work:decide-order/input",
         "{'order': 7, 'role': 'SECADM', 'decision': 'granted', 'hash':"
         " '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}"},
        {"/tieline-work:work/exception",
         "{'id': 1, 'kind': 'rule-missing', 'severity': 'major', 'object': 'node/b2',"
         " 'text': 'gone', 'evidence': [{'name': 'cookie', 'value': '0x1'}], 'first':"
         " '2026-03-01T08:00:00Z', 'last': '2026-03-01T08:00:00.5Z', 'count': 2,"
         " 'state': 'open'}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *json, *expected = json_quoted(cases[i].text);
        struct diag diag = {""};
        if (validate(cases[i].what, cases[i].text, &json, &diag))
            fail_msg("%s: %s", cases[i].text, diag.text);
        assert_true(json_equal(json, expected)); /* no defaults added */
        json_decref(json);
        json_decref(expected);
    }
}

static void
what_the_schema_forbids_is_refused_with_its_place(void **state UNUSED)
{
    const struct {
        const char *what, *text;
        enum err err;
        const char *explanation;
    } cases[] = {
        {NULL, "", ERR_MALFORMED, "line 1, column 0: "},
        {NULL, "{\n'a' 1}", ERR_MALFORMED, "line 2, column 5: ':' expected"},
        {NULL, "{} x", ERR_MALFORMED, "line 1, column 4: end of file expected"},
        {NULL, "[]", ERR_MALFORMED, "line 1: the text must be a JSON object"},
        {CIRCUIT, "{'name': 'a', 'name': 'a'}", ERR_MALFORMED, "line 1, column 20: duplicate"},
        {CIRCUIT, "{'name': 'a\xff'}", ERR_MALFORMED, "line 1, column "},
        {CIRCUIT, "{'name': 'a\\u0000'}", ERR_MALFORMED, "line 1, column "},
        {NULL, "{'inventory': {}}", ERR_INVALID, "line 1: "},
        {HOST, "{'name': 'h',\n'mac': '02:00:00:00:00:01',\n'node': 'n',\n'prt': 1}", ERR_INVALID,
         "line 4: /tieline-inventory:inventory/host[name='h']: Node \"prt\" not found"},
        {HOST, "{'name': 'h',\n'mac': '02:00:00:00:00:01',\n'node': 'n',\n'port': 0}", ERR_INVALID,
         "line 4: /tieline-inventory:inventory/host[name='h']/port: "},
        {HOST, "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'n'}", ERR_INVALID,
         "/tieline-inventory:inventory/host/port: Mandatory node \"port\""},
        {HOST, "{'mac': '02:00:00:00:00:01', 'node': 'n', 'port': 1}", ERR_INVALID, "line 1: "},
        {HOST,
         "{'name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'n', 'port': 1,"
         " 'gateway': '10.0.0.1'}",
         ERR_INVALID,
         "/tieline-inventory:inventory/host[name='h']/gateway: A gateway without an IPv4"},
        {CIRCUIT, "{'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1}", ERR_INVALID,
         CIRCUIT "/service: Mandatory choice"},
        {CIRCUIT,
         "{'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1, 'ip': {'server': 'x',"
         " 'protocol': 'icmp'}}",
         ERR_INVALID, CIRCUIT "/ip/client: Mandatory node"},
        {NULL,
         "{'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT ","
         " {'name': 'c', 'service-class': 'bulk', 'rate-kbps': 1}]}}",
         ERR_INVALID, CIRCUIT "[name='c']/service: Mandatory choice"},
        {NULL,
         "{'tieline-inventory:inventory': {'link': [{'name': 'l', 'a': {'node': 'n', 'port':"
         " 1}, 'delay-us': 1, 'capacity-kbps': 1}]}}",
         ERR_INVALID, "/tieline-inventory:inventory/link[name='l']/b/node: Mandatory node"},
        {HOST,
         "{'tieline-inventory:name': 'h', 'mac': '02:00:00:00:00:01', 'node': 'n', 'port':"
         " 1}",
         ERR_INVALID, "tieline-inventory:name: there is no such field"},
        {HOST, "{'name': 'h', '@name': {}, 'mac': '02:00:00:00:00:01', 'node': 'n', 'port': 1}",
         ERR_INVALID, "@name: there is no such field"},
        {"/tieline-circuit:circuits/nothing", "{}", ERR_NOT_FOUND,
         "/tieline-circuit:circuits/nothing: there is no such schema node"},
        {"/tieline-inventory:inventory/node/port", "{}", ERR_NOT_FOUND,
         "/tieline-inventory:inventory/node/port: nothing can be validated there alone"},
        {CIRCUIT "/name", "{}", ERR_NOT_FOUND,
         CIRCUIT "/name: nothing can be validated there alone"},
        {"/tieline-work:submit-order/input", "{'workflow': 'x', 'circuits': ['a'], 'by': 'me'}",
         ERR_INVALID, "line 1: "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        json_t *json = NULL;
        enum err err = validate(cases[i].what, cases[i].text, &json, &diag);
        if (err != cases[i].err ||
            strncmp(diag.text, cases[i].explanation, strlen(cases[i].explanation)))
            fail_msg("%s: %s \"%s\"", cases[i].text, err_name(err), diag.text);
        assert_null(json);
    }
}

static void
a_text_that_is_too_deep_or_too_large_is_refused(void **state UNUSED)
{
    struct diag diag;
    json_t *json;
    char *deep = calloc(1, 100001);
    memset(deep, '[', 100000);
    assert_err(schema_validate_json(schema, deep, 100000, NULL, &json, &diag), ERR_LIMIT);
    free(deep);
    assert_err(schema_validate_json(schema, "{}", SCHEMA_TEXT_MAX + 1, NULL, &json, &diag),
               ERR_LIMIT);
    assert_ok(schema_validate_json(schema, "{}[[[[[[[[[[[[[[[[[", 2, NULL, &json, &diag));
    json_decref(json);
    const char brackets[] = "{'tieline-inventory:inventory': {'site': [{'name': 'a', 'kind': 'wan',"
                            " 'description': '[[[[[[[[[[[[[[[[[[[[{\\'{{{{{{{{'}]}}";
    assert_ok(validate(NULL, brackets, &json, &diag));
    json_decref(json);
}

/* ---- The tree ----------------------------------------------------------------------------------
 */

static void
nodes_say_what_generators_need(void **state UNUSED)
{
    const struct schema_node *list = schema_find(schema, CIRCUIT);
    assert_int_equal(list->kind, SCHEMA_LIST);
    assert_int_equal(list->n_keys, 1);
    assert_string_equal(list->keys[0], "name");
    assert_true(list->writable);

    const struct schema_node *leaf = schema_find(schema, CIRCUIT "/burst-octets");
    assert_int_equal(leaf->kind, SCHEMA_LEAF);
    assert_int_equal(leaf->type, SCHEMA_INTEGER);
    assert_string_equal(leaf->units, "octets");
    assert_string_equal(leaf->fallback, "15180");
    assert_int_equal(leaf->bounds.min, 64);
    assert_int_equal(leaf->bounds.max, UINT32_MAX);
    assert_false(leaf->mandatory);
    assert_non_null(strstr(leaf->description, "ten of the largest frames"));

    leaf = schema_find(schema, CIRCUIT "/name");
    assert_true(leaf->is_key);
    assert_int_equal(leaf->type, SCHEMA_STRING);
    assert_int_equal(leaf->bounds.max, 63);
    assert_int_equal(leaf->n_patterns, 1);
    assert_string_equal(leaf->patterns[0].expression, "[A-Za-z0-9][A-Za-z0-9._\\-]*");
    assert_non_null(leaf->patterns[0].message);

    leaf = schema_find(schema, CIRCUIT "/ip/client");
    assert_string_equal(leaf->target, HOST "/name");
    assert_int_equal(leaf->type, SCHEMA_STRING);
    assert_true(leaf->mandatory);
    assert_int_equal(leaf->parent->parent->kind, SCHEMA_CASE);
    assert_string_equal(leaf->parent->parent->parent->path, CIRCUIT "/service");
    assert_true(leaf->parent->parent->parent->mandatory);

    leaf = schema_find(schema, CIRCUIT "/service-class");
    assert_int_equal(leaf->type, SCHEMA_ENUM);
    assert_int_equal(leaf->n_words, 4);
    assert_string_equal(leaf->words[3].name, "protection");
    assert_non_null(leaf->words[3].description);

    assert_int_equal(schema_find(schema, CIRCUIT "/multicast/subscribers")->min_elements, 1);
    assert_true(schema_find(schema, CIRCUIT "/window")->presence);
    assert_false(schema_find(schema, "/tieline-circuit:circuits/design")->writable);
    assert_false(schema_find(schema, "/tieline-work:work")->writable);
    assert_true(schema_find(schema, "/tieline-circuit:circuits/design/primary/links")->user_order);
    assert_int_equal(schema_find(schema, "/tieline-inventory:inventory/node/probe")->type,
                     SCHEMA_BOOLEAN);
    assert_null(schema_find(schema, "/tieline-work:work/approval"));
    assert_int_equal(schema_find(schema, "/tieline-work:work/order/approval")->n_keys, 2);
}

static void
operations_have_inputs_and_outputs(void **state UNUSED)
{
    const struct schema_node *operation = schema_find(schema, "/tieline-work:submit-order");
    assert_int_equal(operation->kind, SCHEMA_OPERATION);
    assert_int_equal(operation->children->kind, SCHEMA_INPUT);
    assert_int_equal(operation->children->next->kind, SCHEMA_OUTPUT);
    assert_null(operation->children->next->next);
    assert_true(schema_find(schema, "/tieline-work:submit-order/input/workflow")->writable);
    assert_false(schema_find(schema, "/tieline-work:submit-order/output/id")->writable);
    assert_null(schema_find(schema, "/tieline-work:cancel-order")->children->next);
}

struct walk {
    unsigned n, undescribed, broken;
};

static void
visit_node(void *arg, const struct schema_node *node)
{
    struct walk *walk = arg;
    walk->n++;
    bool described = node->description || node->kind == SCHEMA_CASE || node->kind == SCHEMA_INPUT ||
                     node->kind == SCHEMA_OUTPUT;
    if (!described)
        printf("%s has no description\n", node->path);
    for (size_t i = 0; i < node->n_words; i++)
        described &= node->words[i].description != NULL;
    walk->undescribed += !described;
    bool found = schema_find(schema, node->path) == node;
    bool target = !node->target || schema_find(schema, node->target);
    bool leaf = node->kind == SCHEMA_LEAF || node->kind == SCHEMA_LEAF_LIST;
    walk->broken += !found || !target || (leaf && node->type == SCHEMA_NONE);
}

static void
the_walk_visits_everything_and_everything_is_described(void **state UNUSED)
{
    struct walk walk = {0}, one = {0};
    schema_walk(schema, NULL, visit_node, &walk);
    assert_in_range(walk.n, 150, 400);
    assert_int_equal(walk.undescribed, 0);
    assert_int_equal(walk.broken, 0);
    schema_walk(schema, schema_find(schema, HOST), visit_node, &one);
    assert_int_equal(one.n, 9);
}

/* ---- The schema and the structs say the same ---------------------------------------------------
 */

static const struct {
    enum object_kind kind;
    const char *path;
} objects[] = {
    {OBJECT_SITE, "/tieline-inventory:inventory/site"},
    {OBJECT_NODE, "/tieline-inventory:inventory/node"},
    {OBJECT_PORT, "/tieline-inventory:inventory/node/port"},
    {OBJECT_LINK, "/tieline-inventory:inventory/link"},
    {OBJECT_HOST, HOST},
    {OBJECT_SETTINGS, "/tieline-inventory:inventory/settings"},
    {OBJECT_ROUTER, "/tieline-wan:wan/router"},
    {OBJECT_TUNNEL, "/tieline-wan:wan/tunnel"},
    {OBJECT_VPN, "/tieline-wan:wan/vpn"},
    {OBJECT_CIRCUIT, CIRCUIT},
    {OBJECT_DESIGN, "/tieline-circuit:circuits/design"},
};

static const struct schema_node *
find_member(const char *path, const struct member *m)
{
    char *text;
    if (asprintf(&text, "%s%s%s/%s", path, m->group ? "/" : "", m->group ? m->group : "", m->name) <
        0)
        abort();
    const struct schema_node *node = schema_find(schema, text);
    if (!node)
        fail_msg("%s is not in the schema", text);
    free(text);
    return node;
}

static void
compare_numbers(const struct member *m, const struct schema_node *node)
{
    bool number = m->type == MEMBER_U8 || m->type == MEMBER_U16 || m->type == MEMBER_U32 ||
                  m->type == MEMBER_VLAN;
    if (!number)
        return;
    assert_int_equal(node->type, SCHEMA_INTEGER);
    assert_int_equal(node->bounds.min, m->min);
    assert_int_equal(node->bounds.max, m->max);
    bool has_fallback = m->type != MEMBER_VLAN && m->need == MEMBER_OPTIONAL &&
                        m->fallback >= m->min && m->fallback <= m->max;
    if (!strcmp(m->name, "vlan-priority")) /* only with a tag, so the schema cannot say it */
        has_fallback = false;
    assert_int_equal(node->fallback != NULL, has_fallback);
    if (has_fallback)
        assert_int_equal(strtoul(node->fallback, NULL, 10), m->fallback);
}

static void
compare_words(const struct member *m, const struct schema_node *node)
{
    if (m->type != MEMBER_WORD)
        return;
    assert_int_equal(node->type, SCHEMA_ENUM);
    for (size_t i = 0; i < node->n_words; i++)
        assert_string_equal(node->words[i].name, m->words[i]);
    assert_null(m->words[node->n_words]);
    if (node->fallback)
        assert_string_equal(node->fallback, m->words[m->fallback]);
    else
        assert_int_equal(m->need, MEMBER_REQUIRED);
}

static unsigned
count_leaves(const struct schema_node *node)
{
    unsigned n = 0;
    for (node = node->children; node; node = node->next) {
        bool list = node->kind == SCHEMA_LIST;
        bool leaf = node->kind == SCHEMA_LEAF || node->kind == SCHEMA_LEAF_LIST ||
                    node->kind == SCHEMA_ANYDATA;
        n += list || leaf ? 1 : count_leaves(node);
    }
    return n;
}

static void
every_member_is_in_the_schema_and_says_the_same(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        const struct object_class *class = object_class(objects[i].kind);
        for (size_t k = 0; k < class->n_members; k++) {
            const struct member *m = &class->members[k];
            const struct schema_node *node = find_member(objects[i].path, m);
            bool mandatory = node->mandatory || node->is_key;
            assert_int_equal(m->need != MEMBER_OPTIONAL, mandatory);
            assert_int_equal(m->need == MEMBER_KEY, node->is_key);
            compare_numbers(m, node);
            compare_words(m, node);
        }
        assert_int_equal(count_leaves(schema_find(schema, objects[i].path)), class->n_members);
    }
}

static void
what_the_model_writes_the_schema_accepts(void **state UNUSED)
{
    struct network *network = network_quoted(
        "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT
        ", " GOOSE_CIRCUIT "], 'design': [{'circuit': 'scada-rtu', 'number': 1, 'primary':"
        " {'links': ['x-y']}, 'failover': {}, 'disjoint': 'none', 'shared-nodes': ['x']}]}}");
    struct network *again;
    struct diag diag = {""};
    json_t *json = network_to_json(network), *validated;
    char *text = json_dumps(json, JSON_INDENT(1));
    if (schema_validate_json(schema, text, strlen(text), NULL, &validated, &diag))
        fail_msg("%s", diag.text);
    assert_ok(network_from_json(validated, &again, &diag));
    json_t *json_again = network_to_json(again);
    assert_true(json_equal(json, json_again));
    network_free(network);
    network_free(again);
    json_decref(json);
    json_decref(validated);
    json_decref(json_again);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_directory_is_said),
        cmocka_unit_test(what_the_schema_allows_is_returned),
        cmocka_unit_test(what_the_schema_forbids_is_refused_with_its_place),
        cmocka_unit_test(a_text_that_is_too_deep_or_too_large_is_refused),
        cmocka_unit_test(nodes_say_what_generators_need),
        cmocka_unit_test(operations_have_inputs_and_outputs),
        cmocka_unit_test(the_walk_visits_everything_and_everything_is_described),
        cmocka_unit_test(every_member_is_in_the_schema_and_says_the_same),
        cmocka_unit_test(what_the_model_writes_the_schema_accepts),
    };
    return cmocka_run_group_tests(tests, open_schema, close_schema);
}
