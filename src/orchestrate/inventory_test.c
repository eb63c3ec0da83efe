#include "orchestrate/service_testing.h"

static json_t *
file(const char *name, const char *text)
{
    return json_pack("{s:s, s:s}", "name", name, "text", text);
}

static json_t *
import_of(const char *format, bool dry_run, json_t *files)
{
    return json_pack("{s:s, s:s, s:b, s:o}", "actor", "emma", "format", format, "dry-run", dry_run,
                     "files", files);
}

static json_int_t
number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The files of a directory of the source tree. */
static json_t *
lab_inventory(void)
{
    static const char *const names[] = {"sites.csv", "nodes.csv", "ports.csv", "links.csv",
                                        "hosts.csv"};
    json_t *files = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char text[65536], path[256];
        snprintf(path, sizeof path, "%s/lab/data/inventory/%s", TIELINE_SOURCE_DIR, names[i]);
        FILE *in = fopen(path, "rb");
        assert_non_null(in);
        text[fread(text, 1, sizeof text - 1, in)] = '\0';
        fclose(in);
        json_array_append_new(files, file(names[i], text));
    }
    return files;
}

/* ---- Imports -----------------------------------------------------------------------------------
 */

static void
imports_tables_as_one_event(void **state)
{
    struct bench *b = *state;
    json_t *report = bench_ask(b, "model.import", import_of("csv", false, lab_inventory()));
    assert_true(json_is_true(json_object_get(report, "applied")));
    assert_true(number(report, "created") > 50);
    assert_int_equal(number(report, "errors"), 0);
    json_decref(report);
    assert_non_null(network_node(b->state->network, "wan4"));
    assert_int_equal(network_node(b->state->network, "wan4")->n_ports, 3);
    assert_int_equal(bench_n_events(b, "model.put"), 1);
    report = bench_ask(b, "model.import", import_of("csv", false, lab_inventory()));
    assert_int_equal(number(report, "changed"), 0);
    json_decref(report);
    assert_int_equal(bench_n_events(b, "model.put"), 1); /* nothing was to be said */
}

static void
a_dry_run_says_the_same_and_changes_nothing(void **state)
{
    struct bench *b = *state;
    json_t *dry = bench_ask(b, "model.import", import_of("csv", true, lab_inventory()));
    assert_null(b->state->network->nodes);
    assert_int_equal(bench_n_events(b, ""), 0);
    assert_true(json_is_true(json_object_get(dry, "dry-run")));
    assert_true(json_is_false(json_object_get(dry, "applied")));
    json_t *wet = bench_ask(b, "model.import", import_of("csv", false, lab_inventory()));
    assert_true(json_equal(json_object_get(dry, "rows"), json_object_get(wet, "rows")));
    json_decref(dry);
    json_decref(wet);
}

static void
names_file_line_and_column_of_what_is_wrong(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_t *report = bench_ask(
        b, "model.import",
        import_of("csv", false,
                  json_pack("[o, o]", file("sites.csv", "name,kind\nwest,substation\n"),
                            file("hosts.csv", "name,mac,ipv4,node,port\n"
                                              "plc,02:00:00:20:00:99,10.20.0.99/24,y,4\n"
                                              "hmi,02:00:00:20:00:98,10.20.0.98/24,y,many\n"))));
    json_t *row, *rows = json_object_get(report, "rows");
    size_t i, n = 0;
    assert_true(json_is_false(json_object_get(report, "applied")));
    assert_int_equal(number(report, "errors"), 1);
    assert_int_equal(number(report, "created"), 0);
    assert_true(json_array_size(rows) > 1);
    json_array_foreach(rows, i, row)
    {
        const char *action = json_string_value(json_object_get(row, "action"));
        if (strcmp(action, "error") != 0) { /* and not "created" */
            assert_string_equal(action, "none");
            continue;
        }
        n++;
        assert_string_equal(json_string_value(json_object_get(row, "file")), "hosts.csv");
        assert_int_equal(number(row, "line"), 3);
        assert_int_equal(number(row, "column"), 39);
    }
    assert_int_equal(n, 1);
    json_decref(report);
    assert_null(network_host(b->state->network, "plc")); /* nothing half done */
    assert_null(network_site(b->state->network, "west"));
    assert_int_equal(bench_n_events(b, "model."), 1);
}

static void
names_the_place_in_a_document_too(void **state)
{
    struct bench *b = *state;
    json_t *report = bench_ask(
        b, "model.import",
        import_of("json", false, json_pack("[o]", file("net.json", "{\n  \"x\": nonsense\n}"))));
    json_t *row = json_array_get(json_object_get(report, "rows"), 0);
    assert_true(json_is_false(json_object_get(report, "applied")));
    assert_string_equal(json_string_value(json_object_get(row, "file")), "net.json");
    assert_int_equal(number(row, "line"), 2);
    json_decref(report);
    report = bench_ask(b, "model.import",
                       import_of("json", false, json_pack("[o]", file("net.json", "{\"x\": {}}"))));
    assert_int_equal(number(report, "errors"), 1);
    json_decref(report);
}

static void
exports_what_it_would_import(void **state)
{
    struct bench *b = *state;
    static const char *const formats[] = {"csv", "json"};
    bench_put(b, BENCH_MODEL);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        json_t *answer = bench_ask(b, "model.export", json_pack("{s:s}", "format", formats[i]));
        json_t *report = bench_ask(
            b, "model.import",
            import_of(formats[i], false, json_incref(json_object_get(answer, "files"))));
        assert_true(number(report, "unchanged") > 5);
        assert_int_equal(number(report, "changed") + number(report, "created"), 0);
        assert_int_equal(number(report, "errors"), 0);
        json_decref(report);
        json_decref(answer);
    }
    assert_int_equal(bench_n_events(b, "model."), 1);
}

static void
proposes_circuits_from_an_scd_file(void **state)
{
    struct bench *b = *state;
    static char text[1 << 20];
    FILE *in = fopen(TIELINE_SOURCE_DIR "/lab/data/two-substations.scd", "rb");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    bench_do(b, "model.import", import_of("csv", false, lab_inventory()));
    json_t *answer = bench_ask(b, "model.import",
                               import_of("scd", true, json_pack("[o]", file("two.scd", text))));
    json_t *circuits = json_object_get(answer, "circuits"), *proposal;
    size_t i, n = 0;
    const char *first = NULL;
    json_array_foreach(circuits, i, proposal)
    {
        if (!json_is_true(json_object_get(proposal, "importable")))
            continue;
        n++;
        first = json_string_value(json_object_get(json_object_get(proposal, "circuit"), "name"));
    }
    assert_true(n > 1);
    assert_true(json_is_array(json_object_get(answer, "findings")));
    assert_null(b->state->network->circuits);
    json_t *chosen = import_of("scd", false, json_pack("[o]", file("two.scd", text)));
    json_object_set_new(chosen, "circuits", json_pack("[s]", first));
    bench_do(b, "model.import", chosen);
    assert_int_equal(HASH_COUNT(b->state->network->circuits), 1);
    assert_phase(b, first, PHASE_PROPOSED);
    bench_do(b, "model.import", import_of("scd", false, json_pack("[o]", file("two.scd", text))));
    assert_int_equal(HASH_COUNT(b->state->network->circuits), n);
    json_decref(answer);
}

static void
refuses_imports_that_make_no_sense(void **state)
{
    struct bench *b = *state;
    bench_refused(b, "model.import", import_of("pdf", false, json_pack("[o]", file("a", "b"))),
                  ERR_INVALID, "format");
    bench_refused(b, "model.import", import_of("csv", false, json_array()), ERR_INVALID, "files");
    bench_refused(b, "model.import", import_of("csv", false, json_pack("[{s:s}]", "name", "x")),
                  ERR_INVALID, "text");
    bench_refused(b, "model.export", json_object(), ERR_INVALID, "format");
    bench_refused(b, "model.put", json_pack("{s:s, s:{s:{}}}", "actor", "emma", "document", "odd"),
                  ERR_MALFORMED, "odd");
    json_t *report = bench_ask(b, "model.import",
                               import_of("scd", false, json_pack("[o]", file("a.scd", "<x"))));
    assert_true(json_is_false(json_object_get(report, "applied")));
    json_t *row = json_array_get(json_object_get(report, "rows"), 0);
    assert_non_null(
        strstr(json_string_value(json_object_get(row, "text")), "it cannot be read: this is "));
    assert_string_equal(json_string_value(json_object_get(row, "file")), "a.scd");
    json_decref(report);
}

/* ---- What circuits stand on --------------------------------------------------------------------
 */

static json_t *
removal(const char *kind, const char *name)
{
    return json_pack("{s:s, s:s, s:s}", "actor", "emma", "kind", kind, "name", name);
}

static json_t *
put_of(const char *document)
{
    return json_pack("{s:s, s:o}", "actor", "emma", "document", json_quoted(document));
}

#define MODBUS_WITH_RATE(rate)                                                                     \
    "{'tieline-circuit:circuits': {'circuit': [{'name': 'scada-rtu', 'ip': {'client': 'fep', "     \
    "'server': 'rtu', 'protocol': 'tcp', 'server-ports': [502]}, 'service-class': 'scada', "       \
    "'rate-kbps': " rate "}]}}"

static void
removes_what_nothing_uses(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    bench_do(b, "model.remove", removal("circuit", "goose-trip"));
    bench_do(b, "model.remove", removal("host", "relay"));
    assert_null(network_host(b->state->network, "relay"));
    assert_null(state_circuit(b->state, "goose-trip"));
    bench_refused(b, "model.remove", removal("host", "relay"), ERR_NOT_FOUND, "relay");
    bench_refused(b, "model.remove", removal("cat", "relay"), ERR_INVALID, "kind");
    bench_refused(b, "model.remove", removal("host", "rtu"), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.remove", removal("node", "x"), ERR_CONFLICT, "x");
    bench_refused(b, "model.remove", removal("site", "north"), ERR_CONFLICT, "north");
}

static void
refuses_changes_that_would_break_circuits(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_refused(b, "model.put", put_of(MODBUS_WITH_RATE("2000")), ERR_CONFLICT, "in hand");
    bench_refused(b, "model.remove", removal("circuit", "scada-rtu"), ERR_CONFLICT, "scada-rtu");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    size_t n = bench_n_events(b, "model.");
    bench_refused(b, "model.remove", removal("link", "x-y"), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.remove", removal("host", "fep"), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.remove", removal("node", "y"), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.remove", removal("circuit", "scada-rtu"), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.put", put_of(MODBUS_WITH_RATE("2000")), ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.put",
                  put_of("{'tieline-inventory:inventory': {'host': [{'name': 'rtu', 'mac': "
                         "'02:00:00:20:00:11', 'ipv4': '10.20.0.12/24', 'gateway': '10.20.0.1', "
                         "'node': 'y', 'port': 2}]}}"),
                  ERR_CONFLICT, "scada-rtu");
    bench_refused(b, "model.put",
                  put_of("{'tieline-inventory:inventory': {'link': [{'name': 'x-y', 'a': {'node': "
                         "'x', 'port': 1}, 'b': {'node': 'y', 'port': 1}, 'delay-us': 500, "
                         "'capacity-kbps': 900}]}}"),
                  ERR_CONFLICT, "x-y");
    assert_int_equal(bench_n_events(b, "model."), n);
}

static void
takes_changes_that_leave_circuits_as_they_are(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    bench_put(b, "{'tieline-inventory:inventory': {'host': [{'name': 'rtu', 'description': 'new', "
                 "'mac': '02:00:00:20:00:11', 'ipv4': '10.20.0.11/24', 'gateway': '10.20.0.1', "
                 "'node': 'y', 'port': 2}], 'link': [{'name': 'x-y', 'a': {'node': 'x', 'port': "
                 "1}, 'b': {'node': 'y', 'port': 1}, 'delay-us': 600, 'capacity-kbps': 5000}]}}");
    assert_string_equal(network_host(b->state->network, "rtu")->description, "new");
    bench_do(b, "model.remove", removal("circuit", "goose-trip"));
    bench_do(b, "model.remove", removal("host", "relay"));
}

TEST_MAIN(TEST_ON_BENCH(imports_tables_as_one_event),
          TEST_ON_BENCH(a_dry_run_says_the_same_and_changes_nothing),
          TEST_ON_BENCH(names_file_line_and_column_of_what_is_wrong),
          TEST_ON_BENCH(names_the_place_in_a_document_too),
          TEST_ON_BENCH(exports_what_it_would_import),
          TEST_ON_BENCH(proposes_circuits_from_an_scd_file),
          TEST_ON_BENCH(refuses_imports_that_make_no_sense),
          TEST_ON_BENCH(removes_what_nothing_uses),
          TEST_ON_BENCH(refuses_changes_that_would_break_circuits),
          TEST_ON_BENCH(takes_changes_that_leave_circuits_as_they_are))
