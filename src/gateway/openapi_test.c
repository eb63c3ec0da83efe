/* The API's description: it says what the table of routes and the YANG modules say, and doc/api.md
 * says the same to people. */
#include "gateway/openapi.h"

#include "base/buf.h"
#include "gateway/components.h"
#include "gateway/route.h"
#include "gateway/shape.h"
#include "model/json.h"
#include "model/testing.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

static struct schema *schema;
static json_t *components, *document;

static int
set_up(void **state UNUSED)
{
    struct diag diag = {""};
    assert_ok(schema_open(TIELINE_SOURCE_DIR "/schema", &schema, &diag));
    if (components_build(schema, &components, &diag))
        fail_msg("%s", diag.text);
    document = openapi_build(components, "1.2.3");
    return 0;
}

static int
tear_down(void **state UNUSED)
{
    json_decref(document);
    json_decref(components);
    schema_close(schema);
    return 0;
}

static json_t *
at(const json_t *json, const char *path)
{
    char *copy = strdup(path), *rest = copy, *key;
    while ((key = strsep(&rest, " ")))
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
                                   : json_object_get(json, key);
    free(copy);
    return (json_t *)(uintptr_t)json;
}

static json_t *
component(const char *path)
{
    return at(components, path);
}

/* ---- against the table */

static void
it_has_the_routes_and_no_others(void **state UNUSED)
{
    size_t n = 0;
    const char *path, *method;
    json_t *operations, *operation;
    assert_string_equal(json_string_value(at(document, "openapi")), "3.1.0");
    assert_string_equal(json_string_value(at(document, "info version")), "1.2.3");
    json_object_foreach(at(document, "paths"), path, operations)
        json_object_foreach(operations, method, operation) n++;
    assert_int_equal(n, route_table_size);
    for (size_t i = 0; i < route_table_size; i++) {
        char key[128], word[16];
        snprintf(key, sizeof key, "paths " API_PREFIX "%s", route_table[i].path);
        snprintf(word, sizeof word, "%s", http_method_word(route_table[i].method));
        for (char *c = word; *c; c++)
            *c = (char)tolower(*c);
        operation = json_object_get(at(document, key), word);
        assert_non_null(operation);
        assert_string_equal(json_string_value(json_object_get(operation, "summary")),
                            route_table[i].summary);
        assert_int_equal(json_object_get(operation, "requestBody") != NULL,
                         route_table[i].body != NULL);
    }
}

static void
every_reference_leads_somewhere(void **state UNUSED)
{
    char *text = json_dumps(document, 0);
    static const char mark[] = "\"$ref\": \"#/components/schemas/";
    unsigned n = 0;
    for (char *ref = text; (ref = strstr(ref, mark)); n++) {
        ref += sizeof mark - 1;
        size_t length = strcspn(ref, "\"");
        ref[length] = '\0';
        if (!json_object_get(components, ref))
            fail_msg("%s", ref);
        ref += length + 1;
    }
    assert_true(n > route_table_size);
    free(text);
}

/* ---- against the YANG modules */

static void
leaves_keep_what_the_modules_say(void **state UNUSED)
{
    json_t *rate = component("Circuit properties rate-kbps");
    assert_string_equal(json_string_value(at(rate, "type")), "integer");
    assert_int_equal(json_integer_value(at(rate, "minimum")), 1);
    assert_int_equal(json_integer_value(at(rate, "maximum")), UINT32_MAX);
    assert_string_equal(json_string_value(at(rate, "x-units")), "kbit/s");
    assert_non_null(strstr(json_string_value(at(rate, "description")), "Committed rate"));
    assert_string_equal(json_string_value(component("Circuit properties protection default")),
                        "maximal");
    assert_true(json_equal(component("Circuit properties service-class enum 3"),
                           component("Circuit properties service-class enum 3")));
    assert_string_equal(json_string_value(component("Circuit properties service-class enum 3")),
                        "protection");
    assert_string_equal(json_string_value(component("Site properties name pattern")),
                        "^(?:[A-Za-z0-9][A-Za-z0-9._\\-]*)$");
    assert_string_equal(json_string_value(component("Site properties name format")), "name");
    assert_string_equal(json_string_value(component("Site properties description format")), "text");
    assert_string_equal(json_string_value(component("Site properties description pattern")),
                        "^(?:[^\\u0000-\\u001f\\u007f-\\u009f]*)$");
    assert_string_equal(json_string_value(component("Host properties mac allOf 1 not pattern")),
                        "^(?:[0:\\-]*)$");
    assert_string_equal(json_string_value(component("Host properties node x-refers-to")),
                        "/tieline-inventory:inventory/node/name");
    assert_true(json_is_true(component("Circuit properties status readOnly")));
}

static void
objects_have_the_structure_of_the_modules(void **state UNUSED)
{
    json_t *expected = json_quoted("{'r': ['name', 'a', 'b', 'delay-us', 'capacity-kbps']}");
    assert_true(json_equal(component("Link required"), json_object_get(expected, "r")));
    json_decref(expected);
    expected = json_quoted("{'r': [{'required': ['ip']}, {'required': ['multicast']}]}");
    assert_true(json_equal(component("Circuit oneOf"), json_object_get(expected, "r")));
    json_decref(expected);
    assert_string_equal(json_string_value(component("Node properties port type")), "array");
    assert_true(json_is_true(component("Link properties shared-risks uniqueItems")));
    assert_int_equal(json_integer_value(
                         component("Circuit properties multicast properties subscribers minItems")),
                     1);
    assert_true(json_is_false(component("Circuit additionalProperties")));
    assert_null(component("Order additionalProperties"));
}

/* What the model writes has the shape that is published. */
static void
objects_of_the_model_fit(void **state UNUSED)
{
    struct network *net = network_quoted("{" SMALL_INVENTORY ", 'tieline-circuit:circuits':"
                                         " {'circuit': [" MODBUS_CIRCUIT "," GOOSE_CIRCUIT "]}}");
    const struct {
        const char *name;
        json_t *object;
    } cases[] = {
        {"Site", site_to_json(network_site(net, "south"))},
        {"Node", node_to_json(network_node(net, "y"))},
        {"Link", link_to_json(network_link(net, "x-y"))},
        {"Host", host_to_json(network_host(net, "fep"))},
        {"Circuit", circuit_to_json(network_circuit(net, "scada-rtu"))},
        {"Circuit", circuit_to_json(network_circuit(net, "goose-trip"))},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf pointer = BUF_INIT;
        struct diag diag = {""};
        if (shape_check(components, component(cases[i].name), cases[i].object, &pointer, &diag))
            fail_msg("%s%s: %s", cases[i].name, buf_cstr(&pointer), diag.text);
        buf_fini(&pointer);
        json_decref(cases[i].object);
    }
    network_free(net);
}

/* ---- against doc/api.md */

/* Appends "{}" for NAME and ID, drops the prefix. */
static void
normalise(const char *path, size_t length, struct buf *out)
{
    for (size_t i = 0; i < length;) {
        size_t word = 0;
        while (i + word < length && isupper((unsigned char)path[i + word]))
            word++;
        if (word > 1) {
            buf_str(out, "{}");
            i += word;
        } else {
            buf_u8(out, (uint8_t)path[i++]);
        }
    }
}

static void
put_route(struct buf *out, const struct api_route *route)
{
    buf_printf(out, "%s ", http_method_word(route->method));
    for (const char *c = route->path; *c; c++) {
        buf_u8(out, (uint8_t)*c);
        if (*c == '{') {
            c += strcspn(c, "}");
            buf_str(out, "}");
        }
    }
    for (size_t i = 0; route->query && route->query[i]; i++)
        buf_printf(out, "%c%s", i ? '&' : '?', route->query[i]->name);
    buf_str(out, " ");
    for (enum role i = 0; i < ROLE_MAX; i++) {
        if (route->roles != ROLES_ALL && route->roles & 1u << i)
            buf_printf(out, "%s,", role_word(i));
    }
}

/* The names of a query in the document: "from=SEQ&to=SEQ". */
static void
put_query(struct buf *out, const char *query, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t name = strcspn(query + i, "=&`"), value = strcspn(query + i, "&`");
        buf_printf(out, "%c%.*s", i ? '&' : '?', (int)name, query + i);
        i += value + 1;
    }
}

/* The roles named in a cell, in the order of the standard; none for "any". */
static void
put_roles(struct buf *out, const char *cell, size_t length)
{
    char *text = strndup(cell, length);
    buf_str(out, " ");
    for (enum role i = 0; i < ROLE_MAX; i++) {
        if (strstr(text, role_word(i)))
            buf_printf(out, "%s,", role_word(i));
    }
    free(text);
}

static void
put_documented(struct buf *out, const char *operation, size_t length, const char *kind,
               const char *cell, size_t cell_size)
{
    static const char prefix[] = API_PREFIX "/", kinds[] = "KIND";
    const char *path = memchr(operation, ' ', length);
    assert_non_null(path);
    buf_put(out, operation, (size_t)(path - operation));
    buf_str(out, " /");
    path++;
    assert_memory_equal(path, prefix, sizeof prefix - 1);
    path += sizeof prefix - 1;
    if (kind) {
        buf_str(out, kind);
        path += sizeof kinds - 1;
    }
    size_t left = length - (size_t)(path - operation);
    const char *query = memchr(path, '?', left);
    size_t path_length = query ? (size_t)(query - path) : left;
    normalise(path, path_length, out);
    if (query)
        put_query(out, query + 1, left - path_length - 1);
    put_roles(out, cell, cell_size);
}

static bool
is_documented(char *const *lines, size_t n, const char *route)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(lines[i], route))
            return true;
    }
    return false;
}

/* Adds what one row of the table documents: "| `GET /x`, `PUT /x` | roles | ... |". */
static void
read_row(const char *row, char **lines, size_t *n)
{
    static const char *const kinds[] = {"sites",   "nodes",   "links", "hosts",
                                        "routers", "tunnels", "vpns",  "circuits"};
    const char *cell_end = strchr(row + 1, '|');
    while (cell_end[-1] == '\\')
        cell_end = strchr(cell_end + 1, '|');
    size_t cell_size = strcspn(cell_end + 1, "|");
    for (const char *c = row; (c = strchr(c, '`')) && c < cell_end;) {
        size_t length = strcspn(++c, "`");
        bool all = strstr(c, "KIND") && strstr(c, "KIND") < c + length;
        for (size_t i = 0; i < (all ? ARRAY_SIZE(kinds) : 1); i++) {
            struct buf line = BUF_INIT;
            put_documented(&line, c, length, all ? kinds[i] : NULL, cell_end + 1, cell_size);
            assert_true(*n < 128);
            lines[(*n)++] = buf_steal_cstr(&line);
        }
        c += length + 1;
    }
}

static void
the_document_for_people_says_the_same(void **state UNUSED)
{
    char *lines[128], row[1024];
    size_t n = 0;
    FILE *file = fopen(TIELINE_SOURCE_DIR "/doc/api.md", "r");
    assert_non_null(file);
    while (fgets(row, sizeof row, file)) {
        if (!strncmp(row, "| `", 3))
            read_row(row, lines, &n);
    }
    fclose(file);
    for (size_t i = 0; i < route_table_size; i++) {
        struct buf route = BUF_INIT;
        put_route(&route, &route_table[i]);
        if (!is_documented(lines, n, buf_cstr(&route)))
            fail_msg("doc/api.md has no \"%s\"", buf_cstr(&route));
        buf_fini(&route);
    }
    assert_int_equal(n, route_table_size); /* each once, and nothing else */
    while (n)
        free(lines[--n]);
}

/* ---- against the specifications */

/* With a validator of JSON Schema: tools/check-openapi says what is looked at. */
static void
a_validator_accepts_it(void **state UNUSED)
{
    char path[] = "/tmp/tieline-openapi-XXXXXX", *command = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(json_dumpfd(document, fd, JSON_INDENT(1)), 0);
    close(fd);
    assert_true(asprintf(&command, TIELINE_SOURCE_DIR "/tools/check-openapi %s", path) > 0);
    int status = system(command);
    free(command);
    unlink(path);
    assert_int_equal(status, 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(it_has_the_routes_and_no_others, set_up, tear_down),
          cmocka_unit_test_setup_teardown(every_reference_leads_somewhere, set_up, tear_down),
          cmocka_unit_test_setup_teardown(leaves_keep_what_the_modules_say, set_up, tear_down),
          cmocka_unit_test_setup_teardown(objects_have_the_structure_of_the_modules, set_up,
                                          tear_down),
          cmocka_unit_test_setup_teardown(objects_of_the_model_fit, set_up, tear_down),
          cmocka_unit_test_setup_teardown(the_document_for_people_says_the_same, set_up, tear_down),
          cmocka_unit_test_setup_teardown(a_validator_accepts_it, set_up, tear_down))
