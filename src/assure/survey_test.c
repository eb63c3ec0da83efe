#include "assure/service_testing.h"

/* Rounds as often as the loop can: nothing here is timed, only counted. */
static int
set_up_fast(void **state)
{
    set_up(state);
    ((struct neighbours *)*state)->options.watch_interval = NSEC_PER_MSEC;
    return 0;
}

#define FAST(test) cmocka_unit_test_setup_teardown(test, set_up_fast, tear_down)

/* Makes `scada` active, with what the nodes measure now as its fingerprint. */
static void
activate_scada(struct neighbours *n)
{
    json_t *answer = ask_and_wait(n, "assure.test", "{'circuit': 'scada'}");
    json_t *body = json_pack("{si ss sO}", "order", 1, "circuit", "scada", "entries",
                             json_object_get(answer, "entries"));
    tell_json(n, "circuit.fingerprint", body);
    json_decref(answer);
}

static void
start_watching(struct neighbours *n)
{
    build_scada(n);
    start_service(n);
    activate_scada(n);
    n->nodes.n_started = 0;
    memset(n->nodes.n_started_on, 0, sizeof n->nodes.n_started_on);
}

/* So many more rounds of the primary path begin. */
static void
run_rounds(struct neighbours *n, unsigned rounds)
{
    unsigned last = n->nodes.n_started_on[PATH_PRIMARY] + rounds;
    RUN_UNTIL(n->scene->loop, n->nodes.n_started_on[PATH_PRIMARY] >= last);
}

/* The status of `scada`. The caller owns it. */
static json_t *
scada_status(struct neighbours *n)
{
    json_t *answer = ask_and_wait(n, "assure.status", "{'circuit': 'scada'}");
    json_t *circuit = json_incref(json_array_get(json_object_get(answer, "circuits"), 0));
    json_decref(answer);
    return circuit;
}

static void
assert_verdict(struct neighbours *n, const char *expected)
{
    json_t *status = scada_status(n);
    assert_string_equal(text_of(status, "verdict"), expected);
    json_decref(status);
}

/* Those of surveillance. */
static size_t
n_records(struct neighbours *n)
{
    json_t *bodies = results(n), *body;
    size_t i, count = 0;
    json_array_foreach(bodies, i, body)
    {
        count += !strcmp(text_of(body, "reason"), "surveillance");
    }
    json_decref(bodies);
    return count;
}

static void
an_active_circuit_is_watched_on_both_paths(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started_on[PATH_FAILOVER] == 3);
    assert_int_equal(n->nodes.n_started_on[PATH_PRIMARY], 9);
    run_rounds(n, 1);
    json_t *status = scada_status(n);
    assert_string_equal(text_of(status, "verdict"), "good");
    assert_true(json_is_true(json_object_get(status, "watched")));
    assert_int_equal(json_array_size(json_object_get(status, "paths")), 2);
    assert_string_not_equal(text_of(status, "last"), "(none)");
    json_decref(status);
    assert_int_equal(json_array_size(n->raised), 0);
    assert_int_equal(n_records(n), 0);
}

static void
a_circuit_that_is_built_but_not_active_is_not_watched(void **state)
{
    struct neighbours *n = *state;
    build_scada(n);
    start_service(n);
    json_t *answer = ask_and_wait(n, "assure.status", "{}");
    assert_int_equal(json_array_size(json_object_get(answer, "circuits")), 0);
    json_decref(answer);
}

static void
a_deviation_is_raised_once_and_closed_once(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    run_rounds(n, 4);
    n->nodes.weather[PATH_PRIMARY].forward_us = 5000;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    run_rounds(n, 10);
    assert_int_equal(json_array_size(n->raised), 1);
    assert_verdict(n, "latency");
    const json_t *raised = json_array_get(n->raised, 0);
    assert_string_equal(text_of(raised, "actor"), "system/assure");
    assert_string_equal(text_of(raised, "kind"), "circuit-latency");
    assert_string_equal(text_of(raised, "severity"), "minor");
    assert_string_equal(text_of(raised, "object"), "circuit/scada");
    assert_string_equal(text_of(raised, "text"),
                        "Circuit scada: the latency on its primary path, forward to rtu-a, is "
                        "5.005 ms, its fingerprint has 3.005 ms.");
    n->nodes.weather[PATH_PRIMARY].forward_us = 3000;
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed));
    run_rounds(n, 10);
    assert_int_equal(json_array_size(n->raised), 1);
    assert_int_equal(json_array_size(n->closed), 1);
    assert_string_equal(text_of(json_array_get(n->closed, 0), "kind"), "circuit-latency");
    assert_string_equal(text_of(json_array_get(n->closed, 0), "reason"), "6 good rounds in a row");
    assert_verdict(n, "good");
}

/* Not each round is, but when it deviated and when that was over. */
static void
what_decided_is_recorded(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.weather[PATH_PRIMARY].lost_forward = 1;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    n->nodes.weather[PATH_PRIMARY].lost_forward = 0;
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed));
    RUN_UNTIL(n->scene->loop, n_records(n) == 2);
    json_t *bodies = results(n);
    const json_t *lost = json_array_get(bodies, 1), *well = json_array_get(bodies, 2);
    const json_t *entry = json_array_get(json_object_get(lost, "entries"), 0);
    assert_true(json_is_false(json_object_get(lost, "ok")));
    assert_int_equal(json_integer_value(json_object_get(entry, "sent")), 5);
    assert_int_equal(json_integer_value(json_object_get(entry, "lost")), 1);
    assert_true(says(json_object_get(lost, "findings"), "packets were lost on its primary path"));
    assert_true(json_is_true(json_object_get(well, "ok")));
    assert_true(
        says(json_object_get(well, "findings"), "circuit-loss is over: 6 good rounds in a row"));
    json_decref(bodies);
}

static void
a_path_on_which_nothing_arrives_is_dead(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.weather[PATH_FAILOVER].deaf = true;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    assert_string_equal(text_of(json_array_get(n->raised, 0), "kind"), "failover-dead");
    n->nodes.weather[PATH_PRIMARY].deaf = true;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised) == 2);
    assert_string_equal(text_of(json_array_get(n->raised, 1), "kind"), "circuit-dead");
    assert_string_equal(text_of(json_array_get(n->raised, 1), "severity"), "critical");
}

static void
a_circuit_whose_node_is_away_is_not_watched(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.absent = "cc1";
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    run_rounds(n, 5);
    assert_int_equal(json_array_size(n->raised), 1);
    assert_string_equal(text_of(json_array_get(n->raised, 0), "kind"), "circuit-unwatched");
    assert_string_equal(text_of(json_array_get(n->raised, 0), "text"),
                        "Circuit scada is not watched: node cc1: the agent of cc1 is not "
                        "connected.");
    assert_verdict(n, "unwatched");
    n->nodes.absent = NULL;
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed));
    assert_verdict(n, "good");
}

static void
surveillance_ends_with_the_circuit(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.weather[PATH_PRIMARY].deaf = true;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    tell(n, "circuit.unwanted", "{'order': 2, 'circuits': ['scada']}");
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed));
    assert_string_equal(text_of(json_array_get(n->closed, 0), "reason"),
                        "the circuit is not active any more");
    unsigned n_started = n->nodes.n_started;
    json_t *answer = ask_and_wait(n, "assure.status", "{}");
    assert_int_equal(json_array_size(json_object_get(answer, "circuits")), 0);
    json_decref(answer);
    run_turns(n->scene->loop, 20);
    assert_int_equal(n->nodes.n_started, n_started);
}

/* They would share its meter. */
static void
surveillance_pauses_while_the_circuit_is_tested(void **state)
{
    struct neighbours *n = *state;
    struct reply reply = {0};
    json_int_t skipped = 0;
    start_watching(n);
    run_rounds(n, 2);
    tell(n, "circuit.unwanted", "{'circuits': ['scada']}"); /* so that no round is under way */
    n->nodes.silent = true;
    tell(n, "circuit.built", "{'circuit': 'scada'}");
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply);
    unsigned n_started = n->nodes.n_started;
    RUN_UNTIL(n->scene->loop, n->nodes.n_started == n_started + 1);
    tell(n, "circuit.fingerprint", "{'circuit': 'scada', 'entries': []}");
    while (skipped < 5) {
        json_t *status = scada_status(n);
        skipped = json_integer_value(json_object_get(status, "skipped"));
        json_decref(status);
    }
    assert_int_equal(n->nodes.n_started, n_started + 1);
    stop_service(n);
    RUN_UNTIL(n->scene->loop, reply.n);
}

static void
surveillance_goes_on_after_a_restart(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    stop_service(n);
    tell(n, "exception.raised",
         "{'id': 1, 'kind': 'circuit-loss', 'severity': 'major', 'object': 'circuit/scada',"
         " 'text': 'Lost.', 'evidence': {}}");
    tell(n, "exception.raised",
         "{'id': 2, 'kind': 'circuit-dead', 'severity': 'major', 'object': 'circuit/gone',"
         " 'text': 'Dead.', 'evidence': {}}");
    tell(n, "exception.raised",
         "{'id': 3, 'kind': 'rule-foreign', 'severity': 'major', 'object': 'node/a1',"
         " 'text': 'Not ours.', 'evidence': {}}");
    start_service(n);
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed) == 2);
    assert_string_equal(text_of(json_array_get(n->closed, 0), "object"), "circuit/gone");
    assert_string_equal(text_of(json_array_get(n->closed, 1), "object"), "circuit/scada");
    run_rounds(n, 10);
    assert_int_equal(json_array_size(n->closed), 2);
}

static void
an_exception_that_nobody_took_is_raised_again(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->exception_err = ERR_IO;
    n->nodes.weather[PATH_PRIMARY].deaf = true;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised) == 3);
    n->exception_err = ERR_OK;
    run_rounds(n, 3);
    size_t n_raised = json_array_size(n->raised);
    run_rounds(n, 10);
    assert_int_equal(json_array_size(n->raised), n_raised);
}

static void
a_new_fingerprint_is_the_measure_from_then_on(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.weather[PATH_PRIMARY].forward_us = 9000;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    activate_scada(n);
    RUN_UNTIL(n->scene->loop, json_array_size(n->closed));
    assert_verdict(n, "good");
}

static void
what_is_found_is_recorded_now_and_then(void **state)
{
    struct neighbours *n = *state;
    n->options.record_interval = 1;
    start_watching(n);
    RUN_UNTIL(n->scene->loop, n_records(n) >= 3);
    json_t *bodies = results(n), *body = json_array_get(bodies, 1);
    assert_true(json_is_true(json_object_get(body, "ok")));
    assert_true(json_array_size(json_object_get(body, "entries")) >= 2);
    assert_int_equal(json_array_size(json_object_get(body, "findings")), 0);
    json_decref(bodies);
}

/* Both hosts are at the control centre's node. */
static void
what_cannot_be_measured_says_why(void **state)
{
    struct neighbours *n = *state;
    struct network *net = n->state->network;
    lab_design(net, test_tcp(net, "local", "fep", "hist", 80));
    tell(n, "circuit.fingerprint", "{'circuit': 'local', 'entries': []}");
    start_service(n);
    run_turns(n->scene->loop, 3);
    json_t *status = NULL, *circuit = NULL;
    do {
        json_decref(status);
        status = ask_and_wait(n, "assure.status", "{'circuit': 'local'}");
        circuit = json_array_get(json_object_get(status, "circuits"), 0);
    } while (json_is_true(json_object_get(circuit, "watched")));
    assert_non_null(strstr(text_of(circuit, "reason"), "cc1"));
    assert_string_equal(text_of(circuit, "verdict"), "unknown");
    json_decref(status);
    assert_int_equal(n->nodes.n_started, 0);
}

static void
a_service_that_ends_stops_the_round_under_way(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.silent = true;
    run_rounds(n, 1);
    stop_service(n);
    RUN_UNTIL(n->scene->loop, n->nodes.n_stopped);
    assert_string_equal(n->nodes.stopped_id, n->nodes.last_id);
    assert_int_equal(json_array_size(n->closed), 0); /* what is raised stays so */
}

static void
a_node_that_talks_nonsense_is_as_if_away(void **state)
{
    struct neighbours *n = *state;
    start_watching(n);
    n->nodes.nonsense = true;
    RUN_UNTIL(n->scene->loop, json_array_size(n->raised));
    assert_string_equal(text_of(json_array_get(n->raised, 0), "text"),
                        "Circuit scada is not watched: node cc1: the node's answer: \"sent\" is "
                        "missing.");
}

TEST_MAIN(FAST(an_active_circuit_is_watched_on_both_paths),
          FAST(a_circuit_that_is_built_but_not_active_is_not_watched),
          FAST(a_deviation_is_raised_once_and_closed_once), FAST(what_decided_is_recorded),
          FAST(a_path_on_which_nothing_arrives_is_dead),
          FAST(a_circuit_whose_node_is_away_is_not_watched),
          FAST(surveillance_ends_with_the_circuit),
          FAST(surveillance_pauses_while_the_circuit_is_tested),
          FAST(surveillance_goes_on_after_a_restart),
          FAST(an_exception_that_nobody_took_is_raised_again),
          FAST(a_new_fingerprint_is_the_measure_from_then_on),
          FAST(what_is_found_is_recorded_now_and_then), FAST(what_cannot_be_measured_says_why),
          FAST(a_service_that_ends_stops_the_round_under_way),
          FAST(a_node_that_talks_nonsense_is_as_if_away))
