#include "assure/service_testing.h"

#include <signal.h>
#include <sys/resource.h>

static json_t *
member(const json_t *json, const char *name)
{
    return json_object_get(json, name);
}

static void
assert_refused(struct neighbours *n, const char *payload, enum err err, const char *text)
{
    struct reply reply = {0};
    ask(n, "assure.test", payload, &reply);
    RUN_UNTIL(n->scene->loop, reply.n);
    assert_err(reply.err, err);
    assert_string_equal(reply.text, text);
}

static void
a_test_is_recorded_before_it_is_answered(void **state)
{
    struct neighbours *n = *state;
    build_scada(n);
    start_service(n);
    json_t *answer = ask_and_wait(n, "assure.test", "{'circuit': 'scada', 'reason': 'demand'}");
    json_t *bodies = results(n), *body = json_array_get(bodies, 0);
    assert_int_equal(json_array_size(bodies), 1);
    assert_true(json_is_true(member(answer, "ok")));
    assert_int_equal(json_array_size(member(answer, "entries")), 4);
    assert_string_equal(text_of(body, "circuit"), "scada");
    assert_string_equal(text_of(body, "reason"), "demand");
    assert_true(json_equal(member(body, "entries"), member(answer, "entries")));
    assert_true(json_equal(member(body, "findings"), member(answer, "findings")));
    assert_true(json_is_true(member(body, "ok")));
    assert_int_equal(n->nodes.n_started, 4);
    json_decref(answer);
    json_decref(bodies);
}

static void
only_turn_up_tests_the_meter(void **state)
{
    struct neighbours *n = *state;
    build_scada(n);
    start_service(n);
    json_decref(ask_and_wait(n, "assure.test", "{'circuit': 'scada'}"));
    assert_int_equal(n->nodes.n_started, 4);
    json_t *answer = ask_and_wait(n, "assure.test", "{'circuit': 'scada', 'reason': 'turn-up'}");
    assert_int_equal(n->nodes.n_started, 4 + 5);
    assert_false(json_is_true(member(answer, "ok"))); /* this lab has no meters */
    assert_true(says(member(answer, "findings"), "the meter does not hold"));
    json_decref(answer);
}

static void
the_paths_asked_for_are_tested(void **state)
{
    struct neighbours *n = *state;
    build_scada(n);
    start_service(n);
    json_decref(ask_and_wait(n, "assure.test", "{'circuit': 'scada', 'paths': ['failover']}"));
    assert_int_equal(n->nodes.n_started_on[PATH_PRIMARY], 0);
    assert_int_equal(n->nodes.n_started_on[PATH_FAILOVER], 2);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    struct neighbours *n = *state;
    lab_goose(n->state->network);
    build_scada(n);
    start_service(n);
    assert_refused(n, "{}", ERR_INVALID, "\"circuit\" is missing or wrong");
    assert_refused(n, "{'circuit': 'scada', 'reason': 'fun'}", ERR_INVALID,
                   "\"reason\" is missing or wrong");
    assert_refused(n, "{'circuit': 'scada', 'paths': []}", ERR_INVALID,
                   "\"paths\" is missing or wrong");
    assert_refused(n, "{'circuit': 'scada', 'paths': ['shortest']}", ERR_INVALID,
                   "\"paths\" is missing or wrong");
    assert_refused(n, "{'circuit': 'nothing'}", ERR_NOT_FOUND, "there is no circuit \"nothing\"");
    tell(n, "circuit.wanted", "{'circuits': ['trip']}");
    assert_refused(n, "{'circuit': 'trip'}", ERR_CONFLICT,
                   "circuit \"trip\" cannot be tested: it is being built");
    assert_int_equal(n->nodes.n_started, 0);
}

static void
a_failed_test_is_an_answer(void **state)
{
    struct neighbours *n = *state;
    build_scada(n);
    start_service(n);
    n->nodes.weather[PATH_FAILOVER].lost_forward = 2;
    json_t *answer = ask_and_wait(n, "assure.test", "{'circuit': 'scada'}");
    assert_false(json_is_true(member(answer, "ok")));
    assert_true(says(member(answer, "findings"), "2 of 100 packets were lost"));
    json_decref(answer);
    n->nodes.err = ERR_TIMEOUT;
    answer = ask_and_wait(n, "assure.test", "{'circuit': 'scada'}");
    assert_false(json_is_true(member(answer, "ok")));
    assert_true(says(member(answer, "findings"),
                     "the primary path could not be tested, node cc1: told to fail"));
    json_decref(answer);
    json_t *bodies = results(n);
    assert_int_equal(json_array_size(bodies), 2);
    json_decref(bodies);
}

static void
a_node_that_comes_back_is_asked_again(void **state)
{
    struct neighbours *n = *state;
    struct reply reply = {0};
    build_scada(n);
    start_service(n);
    n->nodes.absent = "cc1";
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started == 1);
    n->nodes.absent = NULL;
    RUN_UNTIL(n->scene->loop, reply.n);
    assert_true(json_is_true(member(reply.value, "ok")));
    assert_int_equal(n->nodes.n_started, 5);
    json_decref(reply.value);
}

/* Both would share the meter. */
static void
tests_of_one_circuit_follow_each_other(void **state)
{
    struct neighbours *n = *state;
    struct reply first = {0}, second = {0};
    build_scada(n);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &first);
    ask(n, "assure.test", "{'circuit': 'scada'}", &second);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started);
    json_t *status = ask_and_wait(n, "assure.status", "{}");
    json_t *tests = member(status, "tests");
    assert_string_equal(text_of(json_array_get(tests, 0), "state"), "running");
    assert_string_equal(text_of(json_array_get(tests, 1), "state"), "waiting");
    json_decref(status);
    assert_int_equal(n->nodes.n_started, 1);
    n->nodes.silent = false;
    tell(n, "circuit.unwanted", "{'circuits': ['scada']}"); /* ends both */
    RUN_UNTIL(n->scene->loop, first.n && second.n);
    json_decref(first.value);
    json_decref(second.value);
}

static void
the_second_test_starts_when_the_first_has_ended(void **state)
{
    struct neighbours *n = *state;
    struct reply first = {0}, second = {0};
    build_scada(n);
    start_service(n);
    ask(n, "assure.test", "{'circuit': 'scada', 'paths': ['primary']}", &first);
    ask(n, "assure.test", "{'circuit': 'scada', 'paths': ['failover']}", &second);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started_on[PATH_FAILOVER]);
    assert_int_equal(n->nodes.n_started_on[PATH_PRIMARY], 2); /* all of the first */
    RUN_UNTIL(n->scene->loop, first.n && second.n);
    assert_ok(first.err);
    assert_ok(second.err);
    json_decref(first.value);
    json_decref(second.value);
}

/* Between the same nodes as scada. */
static void
build_more(struct neighbours *n, int i)
{
    char name[8], body[64];
    snprintf(name, sizeof name, "more%d", i);
    snprintf(body, sizeof body, "{'circuit': '%s', 'duration-ns': 1}", name);
    lab_design(n->state->network,
               test_tcp(n->state->network, name, "fep", "rtu-a", (uint16_t)(503 + i)));
    tell(n, "circuit.built", body);
}

static void
there_is_room_for_so_many_tests(void **state)
{
    struct neighbours *n = *state;
    struct reply reply[3] = {{0}};
    n->options.tests_per_node = 2;
    build_scada(n);
    build_more(n, 0);
    build_more(n, 1);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply[0]);
    ask(n, "assure.test", "{'circuit': 'more0'}", &reply[1]);
    ask(n, "assure.test", "{'circuit': 'more1'}", &reply[2]);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started == 2);
    run_turns(n->scene->loop, 10);
    assert_int_equal(n->nodes.n_started, 2);
    n->nodes.silent = false;
    tell(n, "circuit.unwanted", "{'circuits': ['scada']}"); /* makes room */
    RUN_UNTIL(n->scene->loop, reply[2].n);
    assert_true(json_is_true(member(reply[2].value, "ok")));
    stop_service(n);
    RUN_UNTIL(n->scene->loop, reply[0].n && reply[1].n);
    assert_err(reply[1].err, ERR_CLOSED);
    json_decref(reply[0].value);
    json_decref(reply[2].value);
}

/* Their first loads have 489 packets per second each, for four seconds. */
static void
loads_share_what_a_node_may_send(void **state)
{
    struct neighbours *n = *state;
    struct reply reply[3] = {{0}};
    n->options.load.packets_per_second = 1000;
    n->options.load.latency_packets = 1900;
    build_scada(n);
    build_more(n, 0);
    build_more(n, 1);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply[0]);
    ask(n, "assure.test", "{'circuit': 'more0'}", &reply[1]);
    ask(n, "assure.test", "{'circuit': 'more1'}", &reply[2]);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started == 2);
    run_turns(n->scene->loop, 10);
    assert_int_equal(n->nodes.n_started, 2);
    n->nodes.silent = false;
    tell(n, "circuit.unwanted", "{'circuits': ['scada']}");
    RUN_UNTIL(n->scene->loop, n->nodes.n_started >= 3); /* the first load of more1 */
    run_turns(n->scene->loop, 20);
    assert_int_equal(n->nodes.n_started, 3); /* 928 more are too many beside that of more0 */
    tell(n, "circuit.unwanted", "{'circuits': ['more0']}");
    RUN_UNTIL(n->scene->loop, reply[2].n);
    assert_true(json_is_true(member(reply[2].value, "ok")));
    RUN_UNTIL(n->scene->loop, reply[0].n && reply[1].n);
    for (size_t i = 0; i < ARRAY_SIZE(reply); i++)
        json_decref(reply[i].value);
}

/* What waits for lost packets sends nothing. */
static void
a_load_counts_until_it_has_been_sent(void **state)
{
    struct neighbours *n = *state;
    struct reply reply[3] = {{0}};
    n->options.load.packets_per_second = 500;
    n->options.load.latency_packets = 20;
    build_scada(n);
    build_more(n, 0);
    build_more(n, 1);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply[0]);
    ask(n, "assure.test", "{'circuit': 'more0'}", &reply[1]);
    ask(n, "assure.test", "{'circuit': 'more1'}", &reply[2]);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started == 3);
    for (size_t i = 0; i < ARRAY_SIZE(reply); i++)
        assert_int_equal(reply[i].n, 0); /* nobody has answered */
    stop_service(n);
    RUN_UNTIL(n->scene->loop, reply[0].n && reply[1].n && reply[2].n);
}

static void
a_circuit_that_is_removed_is_not_tested_any_more(void **state)
{
    struct neighbours *n = *state;
    struct reply reply = {0};
    build_scada(n);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started);
    tell(n, "circuit.unwanted", "{'circuits': ['scada']}");
    RUN_UNTIL(n->scene->loop, reply.n && n->nodes.n_stopped);
    assert_ok(reply.err);
    assert_false(json_is_true(member(reply.value, "ok")));
    assert_true(says(member(reply.value, "findings"), "the test was stopped: it is being removed"));
    assert_string_equal(n->nodes.stopped_id, n->nodes.last_id);
    json_decref(reply.value);
}

static void
a_service_that_ends_says_so_to_who_waits(void **state)
{
    struct neighbours *n = *state;
    struct reply running = {0}, waiting = {0};
    build_scada(n);
    start_service(n);
    n->nodes.silent = true;
    ask(n, "assure.test", "{'circuit': 'scada'}", &running);
    ask(n, "assure.test", "{'circuit': 'scada'}", &waiting);
    RUN_UNTIL(n->scene->loop, n->nodes.n_started);
    stop_service(n);
    RUN_UNTIL(n->scene->loop, running.n && waiting.n && n->nodes.n_stopped);
    assert_err(running.err, ERR_CLOSED);
    assert_err(waiting.err, ERR_CLOSED);
    assert_string_equal(n->nodes.stopped_id, n->nodes.last_id);
    json_t *bodies = results(n);
    assert_int_equal(json_array_size(bodies), 0);
    json_decref(bodies);
}

/* The journal still has to call back. */
static void
a_service_may_end_while_a_result_is_written(void **state)
{
    struct neighbours *n = *state;
    struct reply reply = {0};
    build_scada(n);
    start_service(n);
    ask(n, "assure.test", "{'circuit': 'scada', 'paths': ['primary']}", &reply);
    RUN_UNTIL(n->scene->loop, journal_health(n->scene->journal).n_queued || reply.n);
    stop_service(n);
    RUN_UNTIL(n->scene->loop, reply.n);
    json_decref(reply.value);
}

/* No file may grow beyond this; RLIM_INFINITY: any may. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIN(size, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_result_that_cannot_be_recorded_is_no_answer(void **state)
{
    struct neighbours *n = *state;
    struct reply reply = {0};
    build_scada(n);
    start_service(n);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(1);
    ask(n, "assure.test", "{'circuit': 'scada'}", &reply);
    RUN_UNTIL(n->scene->loop, reply.n);
    limit_files(RLIM_INFINITY);
    assert_err(reply.err, ERR_IO);
    assert_non_null(strstr(reply.text, "the result could not be recorded: "));
}

TEST_MAIN(AMONG_NEIGHBOURS(a_test_is_recorded_before_it_is_answered),
          AMONG_NEIGHBOURS(only_turn_up_tests_the_meter),
          AMONG_NEIGHBOURS(the_paths_asked_for_are_tested),
          AMONG_NEIGHBOURS(what_makes_no_sense_is_refused),
          AMONG_NEIGHBOURS(a_failed_test_is_an_answer),
          AMONG_NEIGHBOURS(a_node_that_comes_back_is_asked_again),
          AMONG_NEIGHBOURS(tests_of_one_circuit_follow_each_other),
          AMONG_NEIGHBOURS(the_second_test_starts_when_the_first_has_ended),
          AMONG_NEIGHBOURS(there_is_room_for_so_many_tests),
          AMONG_NEIGHBOURS(loads_share_what_a_node_may_send),
          AMONG_NEIGHBOURS(a_load_counts_until_it_has_been_sent),
          AMONG_NEIGHBOURS(a_circuit_that_is_removed_is_not_tested_any_more),
          AMONG_NEIGHBOURS(a_service_that_ends_says_so_to_who_waits),
          AMONG_NEIGHBOURS(a_service_may_end_while_a_result_is_written),
          AMONG_NEIGHBOURS(a_result_that_cannot_be_recorded_is_no_answer))
