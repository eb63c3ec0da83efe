#include "orchestrate/service_testing.h"

#include <sqlite3.h>

/* ---- Turn-up -----------------------------------------------------------------------------------
 */

static void
turns_up_what_was_designed_proved_and_approved(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    assert_phase(b, "scada-rtu", PHASE_RESERVED);
    assert_int_equal(bench_n_asked(b, "lan.push"), 0);
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    assert_phase(b, "scada-rtu", PHASE_ACTIVE);
    assert_int_equal(state_circuit(b->state, "scada-rtu")->build_time, 5000000);
    assert_non_null(state_fingerprint(b->state, "scada-rtu"));
    assert_int_equal(bench_n_asked(b, "lan.push"), 1);
    assert_int_equal(bench_n_asked(b, "lan.readback"), 1);
    assert_int_equal(bench_n_asked(b, "assure.test"), 1);
    assert_int_equal(orchestrate_service_open_orders(b->service), 0);
}

static void
shows_the_order_with_steps_decisions_and_plan(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu', 'goose-trip']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    json_t *order = bench_order(b, id), *plan = json_object_get(order, "plan");
    assert_string_equal(json_string_value(json_object_get(order, "state")), "done");
    assert_string_equal(json_string_value(json_object_get(order, "comment")), "because");
    assert_int_equal(json_array_size(json_object_get(order, "circuits")), 2);
    assert_int_equal(json_array_size(json_object_get(order, "approval")), 2);
    assert_string_equal(json_string_value(json_object_get(order, "plan-hash")),
                        json_string_value(json_object_get(plan, "hash")));
    assert_true(json_is_true(json_object_get(json_object_get(plan, "proof"), "ok")));
    assert_true(json_array_size(json_object_get(plan, "changes")) > 5);
    json_decref(order);
}

static void
keeps_the_plan_of_a_closed_order_after_a_restart(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    json_t *before = bench_order(b, id);
    bench_restart(b);
    json_t *after = bench_order(b, id);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void
finds_the_role_of_whoever_decides(void **state)
{
    struct bench *b = *state;
    char hash[128];
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    assert_true(bench_asks(b, id, hash));
    bench_do(b, "work.decide", bench_decision(id, "sam", "SECADM OPERATOR", NULL, hash));
    bench_do(b, "work.decide", bench_decision(id, "olga", "SECADM OPERATOR", NULL, hash));
    bench_run_to_end(b, id, "done");
}

/* ---- What is refused ---------------------------------------------------------------------------
 */

static void
refuses_decisions_against_the_rules(void **state)
{
    struct bench *b = *state;
    char hash[128], wrong[128];
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    assert_true(bench_asks(b, id, hash));
    memset(wrong, 'a', sizeof wrong);
    wrong[strlen(hash)] = '\0';
    bench_refused(b, "work.decide", bench_decision(id, "rita", "OPERATOR", "OPERATOR", hash),
                  ERR_DENIED, "request");
    bench_refused(b, "work.decide", bench_decision(id, "olga", "VIEWER", "OPERATOR", hash),
                  ERR_DENIED, "role");
    bench_refused(b, "work.decide", bench_decision(id, "olga", "ENGINEER", NULL, hash), ERR_DENIED,
                  "role");
    bench_refused(b, "work.decide", bench_decision(id, "olga", "OPERATOR", "OPERATOR", wrong),
                  ERR_DENIED, "hash");
    bench_do(b, "work.decide", bench_decision(id, "olga", "OPERATOR SECADM", "OPERATOR", hash));
    bench_refused(b, "work.decide", bench_decision(id, "olga", "OPERATOR SECADM", "SECADM", hash),
                  ERR_DENIED, "olga");
    assert_int_equal(bench_n_events(b, "approval."), 2);
    assert_phase(b, "scada-rtu", PHASE_RESERVED);
    assert_int_equal(bench_n_asked(b, "lan.push"), 0);
}

static void
refuses_decisions_that_nobody_asked_for(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    bench_refused(b, "work.decide", bench_decision(7, "olga", "OPERATOR", NULL, "x"), ERR_NOT_FOUND,
                  "order 7");
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    bench_refused(b, "work.decide", bench_decision(id, "olga", "OPERATOR", NULL, "x"), ERR_CONFLICT,
                  "closed");
    bench_refused(b, "work.cancel", json_pack("{s:s, s:i}", "actor", "rita", "order", (int)id),
                  ERR_CONFLICT, "closed");
}

static void
refuses_orders_that_make_no_sense(void **state)
{
    static const struct {
        const char *workflow, *input;
        enum err err;
        const char *says;
    } cases[] = {
        {"no-such", "{}", ERR_NOT_FOUND, "no-such"},
        {"circuit-turn-up", "{}", ERR_INVALID, "circuits"},
        {"circuit-turn-up", "{'circuits': ['nobody']}", ERR_NOT_FOUND, "nobody"},
        {"circuit-turn-up", "{'circuits': ['scada-rtu', 'scada-rtu']}", ERR_INVALID, "twice"},
        {"circuit-turn-up", "{'circuits': [7]}", ERR_INVALID, "names"},
        {"circuit-turn-up", "{'circuits': ['scada-rtu'], 'speed': 3}", ERR_INVALID, "speed"},
        {"circuit-turn-up", "{'circuits': ['scada-rtu'], 'window-end': '2030-01-01T00:00:00Z'}",
         ERR_INVALID, "window"},
        {"circuit-teardown", "{'circuits': ['scada-rtu']}", ERR_CONFLICT, "neither built"},
    };
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        bench_refused(b, "work.submit",
                      json_pack("{s:s, s:s, s:o}", "actor", "rita", "workflow", cases[i].workflow,
                                "input", json_quoted(cases[i].input)),
                      cases[i].err, cases[i].says);
    bench_refused(b, "work.submit", json_pack("{s:s}", "workflow", "circuit-turn-up"), ERR_INVALID,
                  "actor");
    assert_int_equal(bench_n_events(b, "run."), 0);
}

static void
gives_a_circuit_to_one_order_at_a_time(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_refused(b, "work.submit",
                  json_pack("{s:s, s:s, s:{s:[s]}}", "actor", "rita", "workflow", "circuit-turn-up",
                            "input", "circuits", "scada-rtu"),
                  ERR_CONFLICT, "in hand");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    bench_refused(b, "work.submit",
                  json_pack("{s:s, s:s, s:{s:[s]}}", "actor", "rita", "workflow", "circuit-turn-up",
                            "input", "circuits", "scada-rtu"),
                  ERR_CONFLICT, "active");
}

static void
keeps_orders_apart_that_are_designed_at_once(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t first = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    uint32_t second = bench_submit(b, "circuit-turn-up", "{'circuits': ['goose-trip']}");
    bench_approve(b, second);
    bench_approve(b, first);
    bench_run_to_end(b, first, "done");
    bench_run_to_end(b, second, "done");
    assert_int_not_equal(network_design(b->state->network, "scada-rtu")->number,
                         network_design(b->state->network, "goose-trip")->number);
}

/* ---- When it goes wrong ------------------------------------------------------------------------
 */

static void
takes_everything_back_if_one_circuit_cannot_be_built(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_object_set_new(b->failing, "lan.push goose-trip", json_string("ERR_CONFLICT"));
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu', 'goose-trip']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "failed-undone");
    assert_non_null(strstr(bench_member(b, id, "error"), "lan.push does not work"));
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
    assert_phase(b, "goose-trip", PHASE_PROPOSED);
    assert_int_equal(json_object_size(b->nodes), 0);
    assert_null(b->state->network->designs);
    assert_int_equal(bench_n_asked(b, "assure.test"), 0);
}

static void
takes_everything_back_if_a_test_is_not_passed(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_object_set_new(b->failing, "assure.test", json_string("ERR_INVALID"));
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "failed-undone");
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
    assert_int_equal(json_object_size(b->nodes), 0);
    assert_int_equal(json_object_size(b->pushes), 1);
}

static void
tries_again_what_may_go_better_later(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_object_set_new(b->failing, "lan.push", json_string("ERR_CLOSED"));
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    RUN_UNTIL(b->loop, bench_n_asked(b, "lan.push") == 1);
    json_object_clear(b->failing);
    RUN_UNTIL(b->loop, bench_n_events(b, "step.failed") == 1); /* the pause begins */
    bench_now += 5 * NSEC_PER_SEC;
    bench_run_to_end(b, id, "done");
    assert_int_equal(bench_n_asked(b, "lan.push"), 2);
    assert_int_equal(bench_n_events(b, "circuit.wanted"), 1);
}

static void
fails_if_the_nodes_differ_from_the_plan(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    b->difference = json_string("y lacks table=0");
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    for (size_t n = 1; n <= 4; n++) {
        RUN_UNTIL(b->loop, bench_n_events(b, "step.failed") == n);
        assert_int_equal(bench_n_asked(b, "lan.readback"), n);
        bench_now += 20 * NSEC_PER_SEC;
    }
    bench_run_to_end(b, id, "failed-undone");
    assert_non_null(strstr(bench_member(b, id, "error"), "y lacks table=0"));
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
}

static void
cancels_an_order_and_gives_back_what_it_had(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    bench_do(b, "work.cancel",
             json_pack("{s:s, s:i, s:s}", "actor", "rita", "order", (int)id, "comment", "no"));
    bench_run_to_end(b, id, "cancelled");
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
    assert_null(b->state->network->designs);
    id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    assert_int_equal(id, 2);
}

static void
ends_when_it_is_refused(void **state)
{
    struct bench *b = *state;
    char hash[128];
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    assert_true(bench_asks(b, id, hash));
    json_t *payload = bench_decision(id, "sam", "SECADM", NULL, hash);
    json_object_set_new(payload, "decision", json_string("refuse"));
    bench_do(b, "work.decide", payload);
    bench_run_to_end(b, id, "failed-undone");
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
}

/* What was approved is not what would be built: somebody changed a host in between, and the guard
 * of the inventory was not asked. */
static void
builds_nothing_that_was_not_approved(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    json_t *body = json_quoted("{'tieline-inventory:inventory': {'host': [{'name': 'rtu', "
                               "'mac': '02:00:00:20:00:11', 'ipv4': '10.20.0.12/24', "
                               "'gateway': '10.20.0.1', 'node': 'y', 'port': 2}]}}");
    char *text = json_dumps(body, 0);
    const struct journal_entry entry = {"model.put", "inventory", "mallory", text, 0};
    assert_ok(journal_append(b->journal, &entry, 1, NULL, NULL, NULL));
    free(text);
    json_decref(body);
    bench_approve(b, id);
    bench_run_to_end(b, id, "failed-undone");
    assert_non_null(strstr(bench_member(b, id, "error"), "not approved"));
    assert_int_equal(bench_n_asked(b, "lan.push"), 0);
}

/* ---- When the disk does not work
 * ------------------------------------------------------------------ */

/* Somebody else holds the journal's file; free with sqlite3_close(). */
static sqlite3 *
hold_file(const struct bench *b)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void
waits_for_the_journal_and_goes_on(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    RUN_UNTIL(b->loop, bench_n_asked(b, "lan.push") == 1);
    sqlite3 *db = hold_file(b);
    RUN_UNTIL(b->loop, journal_health(b->journal).n_failed > 0);
    bench_refused(b, "work.cancel", json_pack("{s:s, s:i}", "actor", "rita", "order", (int)id),
                  ERR_BUSY, "locked");
    assert_phase(b, "scada-rtu", PHASE_BUILDING);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    bench_run_to_end(b, id, "done");
    assert_int_equal(bench_n_events(b, "circuit.built"), 1);
    assert_int_equal(bench_n_asked(b, "lan.push"), 1);
}

static void
begins_nothing_that_is_not_in_the_journal(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    sqlite3 *db = hold_file(b);
    bench_refused(b, "work.submit",
                  json_pack("{s:s, s:s, s:{s:[s]}}", "actor", "rita", "workflow", "circuit-turn-up",
                            "input", "circuits", "scada-rtu"),
                  ERR_BUSY, "locked");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(orchestrate_service_open_orders(b->service), 0);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
}

/* ---- Teardown, windows -------------------------------------------------------------------------
 */

static void
tears_down_after_one_approval(void **state)
{
    struct bench *b = *state;
    char hash[128];
    bench_put(b, BENCH_MODEL);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu', 'goose-trip']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    id = bench_submit(b, "circuit-teardown", "{'circuits': ['scada-rtu']}");
    bench_run_until_asked(b, id);
    assert_true(bench_asks(b, id, hash));
    bench_do(b, "work.decide", bench_decision(id, "olga", "OPERATOR", NULL, hash));
    bench_run_to_end(b, id, "done");
    assert_phase(b, "scada-rtu", PHASE_PROPOSED);
    assert_phase(b, "goose-trip", PHASE_ACTIVE);
    assert_int_equal(json_object_size(b->nodes), 1);
    assert_null(state_fingerprint(b->state, "scada-rtu"));
}

static void
builds_for_a_window_and_takes_down_at_its_end(void **state)
{
    struct bench *b = *state;
    char start[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];
    bench_put(b, "{" SMALL_INVENTORY "}");
    json_t *report = bench_ask(
        b, "model.put",
        json_pack("{s:s, s:{s:{s:[{s:s, s:{s:s, s:s, s:s, s:[i]}, s:s, s:i, s:{s:s, s:s}}]}}}",
                  "actor", "emma", "document", CIRCUITS_MODULE, "circuit", "name", "maintenance",
                  "ip", "client", "fep", "server", "rtu", "protocol", "tcp", "server-ports", 22,
                  "service-class", "engineering", "rate-kbps", 500, "window", "start",
                  time_format(T0 + 3600 * NSEC_PER_SEC, start), "end",
                  time_format(T0 + 7200 * NSEC_PER_SEC, end)));
    assert_true(json_is_true(json_object_get(report, "applied")));
    json_decref(report);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['maintenance']}");
    bench_approve(b, id);
    RUN_UNTIL(b->loop, bench_n_events(b, "timer.set") == 1);
    assert_int_equal(bench_n_asked(b, "lan.push"), 0);
    bench_now = T0 + 3600 * NSEC_PER_SEC;
    RUN_UNTIL(b->loop, bench_n_events(b, "timer.set") == 2);
    assert_phase(b, "maintenance", PHASE_ACTIVE);
    assert_string_equal(bench_member(b, id, "state"), "waiting");
    bench_restart(b); /* a window is not forgotten */
    bench_now = T0 + 7200 * NSEC_PER_SEC;
    bench_run_to_end(b, id, "done");
    assert_phase(b, "maintenance", PHASE_PROPOSED);
    assert_int_equal(json_object_size(b->nodes), 0);
    bench_refused(b, "work.submit",
                  json_pack("{s:s, s:s, s:{s:[s]}}", "actor", "rita", "workflow", "circuit-turn-up",
                            "input", "circuits", "maintenance"),
                  ERR_INVALID, "over");
}

/* ---- What if -----------------------------------------------------------------------------------
 */

static void
says_what_would_be_and_changes_nothing(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    size_t n = bench_n_events(b, "");
    uint64_t version = b->state->network_version;
    json_t *answer = bench_ask(
        b, "circuit.what-if",
        json_quoted("{'circuits': [{'name': 'ssh', 'ip': {'client': 'fep', 'server': 'rtu', "
                    "'protocol': 'tcp', 'server-ports': [22]}, 'service-class': 'engineering', "
                    "'rate-kbps': 500}, 'scada-rtu']}"));
    assert_true(json_is_true(json_object_get(answer, "ok")));
    assert_int_equal(json_array_size(json_object_get(answer, "design")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "size"), "nodes")),
                     2);
    assert_true(json_is_true(json_object_get(json_object_get(answer, "proof"), "ok")));
    assert_true(json_array_size(json_object_get(answer, "changes")) > 0);
    json_decref(answer);
    assert_int_equal(bench_n_events(b, ""), n);
    assert_int_equal(b->state->network_version, version);
    assert_null(network_circuit(b->state->network, "ssh"));
    assert_null(b->state->network->designs);
}

static void
says_why_a_circuit_could_not_be(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_t *answer = bench_ask(
        b, "circuit.what-if",
        json_quoted("{'circuits': [{'name': 'fast', 'ip': {'client': 'fep', 'server': 'rtu', "
                    "'protocol': 'tcp', 'server-ports': [22]}, 'service-class': 'engineering', "
                    "'rate-kbps': 500, 'max-latency-us': 3}]}"));
    json_t *finding = json_array_get(json_object_get(answer, "findings"), 0);
    assert_true(json_is_false(json_object_get(answer, "ok")));
    assert_string_equal(json_string_value(json_object_get(finding, "object")), "fast");
    assert_string_equal(json_string_value(json_object_get(finding, "code")), "no-design");
    json_decref(answer);
    bench_refused(b, "circuit.what-if", json_quoted("{'circuits': ['nobody']}"), ERR_NOT_FOUND,
                  "nobody");
    bench_refused(b, "circuit.what-if", json_quoted("{'circuits': [{'name': 'x'}]}"), ERR_INVALID,
                  "number 1");
}

/* ---- The service -------------------------------------------------------------------------------
 */

static void
lists_workflows_and_orders(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    json_t *answer = bench_ask(b, "work.workflows", json_object());
    json_t *workflows = json_object_get(answer, "workflows"), *first = json_array_get(workflows, 0);
    assert_int_equal(json_array_size(workflows), 11);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "circuit-teardown");
    assert_non_null(json_object_get(json_object_get(first, "input"), "circuits"));
    json_decref(answer);
    uint32_t id = bench_submit(b, "circuit-turn-up", "{'circuits': ['scada-rtu']}");
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    bench_submit(b, "circuit-turn-up", "{'circuits': ['goose-trip']}");
    answer = bench_ask(b, "work.list", json_object());
    assert_int_equal(json_array_size(json_object_get(answer, "orders")), 2);
    json_decref(answer);
    answer = bench_ask(b, "work.list", json_pack("{s:b}", "open", 1));
    assert_int_equal(json_array_size(json_object_get(answer, "orders")), 1);
    json_decref(answer);
}

static void
does_not_start_with_workflows_that_cannot_run(void **state)
{
    struct bench *b = *state;
    static const char unknown[] = "workflow: odd\ntitle: Odd\nsteps:\n"
                                  "  - name: one\n    action: circuit.paint\n    with: {}\n";
    struct orchestrate_service *service;
    struct diag why = {""};
    char path[TEST_PATH_SIZE];
    struct test_dir dir = test_dir_make();
    struct orchestrate_service_config config = {.loop = b->loop,
                                                .journal = b->journal,
                                                .bus = b->bus,
                                                .state = b->state,
                                                .site = "lab",
                                                .workflows_dir = dir.path,
                                                .clock = bench_clock};
    FILE *file = fopen(test_path(&dir, "odd.yaml", path), "w");
    assert_non_null(file);
    fputs(unknown, file);
    fclose(file);
    assert_err(orchestrate_service_new(&config, &service, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why.text, "odd.yaml"));
    assert_non_null(strstr(why.text, "circuit.paint"));
    config.workflows_dir = "/nonexistent";
    assert_err(orchestrate_service_new(&config, &service, &why), ERR_NOT_FOUND);
    test_dir_remove(&dir);
}

static void
answers_those_who_wait_when_it_ends(void **state)
{
    struct bench *b = *state;
    struct reply reply;
    bench_put(b, BENCH_MODEL);
    bench_send(b, "circuit.what-if", json_quoted("{'circuits': ['scada-rtu']}"), &reply);
    run_turns(b->loop, 1); /* it has arrived, and nothing has begun */
    orchestrate_service_free(b->service);
    b->service = NULL;
    RUN_UNTIL(b->loop, reply.done);
    assert_err(reply.err, ERR_CLOSED);
}

TEST_MAIN(TEST_ON_BENCH(turns_up_what_was_designed_proved_and_approved),
          TEST_ON_BENCH(shows_the_order_with_steps_decisions_and_plan),
          TEST_ON_BENCH(keeps_the_plan_of_a_closed_order_after_a_restart),
          TEST_ON_BENCH(finds_the_role_of_whoever_decides),
          TEST_ON_BENCH(refuses_decisions_against_the_rules),
          TEST_ON_BENCH(refuses_decisions_that_nobody_asked_for),
          TEST_ON_BENCH(refuses_orders_that_make_no_sense),
          TEST_ON_BENCH(gives_a_circuit_to_one_order_at_a_time),
          TEST_ON_BENCH(keeps_orders_apart_that_are_designed_at_once),
          TEST_ON_BENCH(takes_everything_back_if_one_circuit_cannot_be_built),
          TEST_ON_BENCH(takes_everything_back_if_a_test_is_not_passed),
          TEST_ON_BENCH(tries_again_what_may_go_better_later),
          TEST_ON_BENCH(fails_if_the_nodes_differ_from_the_plan),
          TEST_ON_BENCH(cancels_an_order_and_gives_back_what_it_had),
          TEST_ON_BENCH(ends_when_it_is_refused),
          TEST_ON_BENCH(builds_nothing_that_was_not_approved),
          TEST_ON_BENCH(waits_for_the_journal_and_goes_on),
          TEST_ON_BENCH(begins_nothing_that_is_not_in_the_journal),
          TEST_ON_BENCH(tears_down_after_one_approval),
          TEST_ON_BENCH(builds_for_a_window_and_takes_down_at_its_end),
          TEST_ON_BENCH(says_what_would_be_and_changes_nothing),
          TEST_ON_BENCH(says_why_a_circuit_could_not_be), TEST_ON_BENCH(lists_workflows_and_orders),
          TEST_ON_BENCH(does_not_start_with_workflows_that_cannot_run),
          TEST_ON_BENCH(answers_those_who_wait_when_it_ends))
