#include "assure/test_run.h"

#include "assure/testing.h"

static struct network *net;

static int
open_lab(void **state UNUSED)
{
    net = test_lab();
    return 0;
}

static int
close_lab(void **state UNUSED)
{
    network_free(net);
    return 0;
}

static const struct weather fine = {.forward_us = 3000, .backward_us = 3000, .spread_us = 40};

static struct test_run *
start(const struct circuit *c, const struct test_options *options, const json_t *before)
{
    struct test_run *run;
    struct diag diag = {""};
    if (test_run_new(net, c, network_design(net, c->name), options, before, &run, &diag))
        fail_msg("%s", diag.text);
    return run;
}

/* Makes one call and answers it; writes "node:udp-src:count " to the trace. */
static bool
step(struct test_run *run, const struct weather *w, struct buf *trace)
{
    struct test_call call;
    if (!test_run_next(run, "t", &call))
        return false;
    json_t *frame = json_object_get(call.params, "template");
    buf_printf(trace, "%s:%d:%d ", call.node,
               (int)json_integer_value(json_object_get(frame, "udp-src")) % 2,
               (int)json_integer_value(json_object_get(call.params, "count")));
    json_t *answer = answer_in(w, call.params);
    test_run_answer(run, ERR_OK, "", answer, NSEC_PER_SEC);
    json_decref(answer);
    json_decref(call.params);
    return true;
}

static json_t *
run_all(const struct circuit *c, const struct test_options *options, const struct weather *w,
        const char *expected_trace)
{
    struct test_run *run = start(c, options, NULL);
    struct buf trace = BUF_INIT;
    while (step(run, w, &trace))
        ;
    assert_string_equal(buf_cstr(&trace), expected_trace);
    buf_fini(&trace);
    json_t *result = test_run_result(run);
    test_run_free(run);
    return result;
}

static bool
is_ok(const json_t *result)
{
    return json_is_true(json_object_get(result, "ok"));
}

static const char *
finding_at(const json_t *result, size_t i)
{
    const char *text = json_string_value(json_array_get(json_object_get(result, "findings"), i));
    return text ? text : "";
}

static size_t
n_entries(const json_t *result)
{
    return json_array_size(json_object_get(result, "entries"));
}

static void
each_path_is_measured_for_latency_and_at_its_rate(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS};
    json_t *result = run_all(lab_scada(net), &options, &fine,
                             "cc1:0:100 cc1:0:464 cc1:1:100 cc1:1:464 ");
    assert_true(is_ok(result));
    assert_int_equal(n_entries(result), 4);
    assert_string_equal(finding_at(result, 0), "");
    json_decref(result);
    result = run_all(lab_goose(net), &options, &fine, "a1:0:100 a1:0:198 a1:1:100 a1:1:198 ");
    assert_true(is_ok(result));
    assert_int_equal(n_entries(result), 4); /* two subscribers */
    json_decref(result);
}

static void
the_meter_is_tested_last_and_only_when_asked(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS, .full = true};
    static const struct weather storm = {
        .forward_us = 3000, .backward_us = 3000, .lost_forward = 150};
    struct test_run *run = start(lab_scada(net), &options, NULL);
    struct buf trace = BUF_INIT;
    for (int i = 0; i < 4; i++)
        assert_true(step(run, &fine, &trace));
    assert_true(step(run, &storm, &trace));
    assert_false(step(run, &fine, &trace));
    assert_string_equal(buf_cstr(&trace), "cc1:0:100 cc1:0:464 cc1:1:100 cc1:1:464 cc1:0:351 ");
    json_t *result = test_run_result(run);
    assert_true(is_ok(result));
    assert_string_equal(finding_at(result, 0),
                        "the meter holds: of 44928 octets sent above the rate, 25728 arrived at "
                        "rtu-a, allowed are 33214");
    json_decref(result);
    buf_fini(&trace);
    test_run_free(run);
    run = start(network_circuit(net, "scada"), &options, NULL);
    while (step(run, &fine, &trace))
        ;
    result = test_run_result(run);
    assert_false(is_ok(result)); /* nothing was lost: there is no meter */
    json_decref(result);
    buf_fini(&trace);
    test_run_free(run);
}

static void
each_load_has_its_rate(void **state UNUSED)
{
    static const uint32_t rates[] = {489, 928, 489, 928, 2924};
    struct test_options options = {.paths = TEST_BOTH_PATHS, .full = true};
    struct test_run *run = start(lab_scada(net), &options, NULL);
    struct buf trace = BUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        assert_int_equal(test_run_rate(run), rates[i]);
        assert_true(step(run, &fine, &trace));
    }
    assert_int_equal(test_run_rate(run), 0);
    buf_fini(&trace);
    test_run_free(run);
}

static void
a_noisy_fingerprint_is_said_at_turn_up(void **state UNUSED)
{
    static const struct weather gusts = {
        .forward_us = 4000, .backward_us = 3000, .spread_us = 8000};
    struct test_options options = {.paths = TEST_PRIMARY};
    struct test_run *run = start(lab_scada(net), &options, NULL);
    struct buf trace = BUF_INIT;
    while (step(run, &gusts, &trace))
        ;
    json_t *result = test_run_result(run);
    assert_string_equal(finding_at(result, 0), ""); /* it becomes no fingerprint */
    json_decref(result);
    test_run_free(run);
    options.full = true;
    run = start(network_circuit(net, "scada"), &options, NULL);
    while (step(run, &gusts, &trace))
        ;
    result = test_run_result(run);
    assert_string_equal(finding_at(result, 1),
                        "primary path, forward to rtu-a: the fingerprint is noisy: half of the "
                        "packets take 5.000 ms or longer, one in a hundred 11.000 ms; surveillance "
                        "allows 11.250 ms");
    json_decref(result);
    buf_fini(&trace);
    test_run_free(run);
}

static void
a_dead_path_is_not_loaded_and_the_other_is_tested(void **state UNUSED)
{
    static const struct weather dead = {.deaf = true};
    struct test_options options = {.paths = TEST_BOTH_PATHS, .full = true};
    struct test_run *run = start(lab_scada(net), &options, NULL);
    struct buf trace = BUF_INIT;
    assert_true(step(run, &dead, &trace));
    while (step(run, &fine, &trace))
        ;
    assert_string_equal(buf_cstr(&trace), "cc1:0:100 cc1:1:100 cc1:1:464 ");
    json_t *result = test_run_result(run);
    assert_false(is_ok(result));
    assert_int_equal(n_entries(result), 3);
    assert_string_equal(finding_at(result, 0),
                        "primary path, forward to rtu-a: none of 100 packets arrived");
    json_decref(result);
    buf_fini(&trace);
    test_run_free(run);
}

static nsec_t
delay_of_next(struct test_run *run)
{
    struct test_call call;
    assert_true(test_run_next(run, "t", &call));
    json_decref(call.params);
    return call.delay;
}

static void
a_node_that_is_busy_or_away_is_asked_again_for_a_while(void **state UNUSED)
{
    static const enum err errors[] = {ERR_BUSY, ERR_CLOSED, ERR_LIMIT, ERR_BUSY, ERR_CLOSED};
    struct test_options options = {.paths = TEST_PRIMARY};
    struct test_run *run = start(lab_scada(net), &options, NULL);
    struct buf trace = BUF_INIT;
    nsec_t waited = delay_of_next(run);
    assert_int_equal(waited, 0);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        test_run_answer(run, errors[i], "away", NULL, 0);
        waited += delay_of_next(run);
    }
    assert_int_equal(waited, 15500 * NSEC_PER_MSEC);
    assert_true(step(run, &fine, &trace));
    assert_int_equal(delay_of_next(run), 0); /* patience is counted anew for every call */
    for (size_t i = 0; i <= ARRAY_SIZE(errors); i++)
        test_run_answer(run, ERR_CLOSED, "not connected", NULL, 0);
    struct test_call call;
    assert_false(test_run_next(run, "t", &call));
    json_t *result = test_run_result(run);
    assert_false(is_ok(result));
    assert_string_equal(finding_at(result, 0),
                        "the primary path could not be tested, node cc1: not connected");
    assert_int_equal(n_entries(result), 2); /* what was measured is kept */
    json_decref(result);
    buf_fini(&trace);
    test_run_free(run);
}

static void
any_other_failure_ends_the_test(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS};
    struct test_call call;
    struct test_run *run = start(lab_scada(net), &options, NULL);
    test_run_answer(run, ERR_TIMEOUT, "", NULL, 0);
    assert_false(test_run_next(run, "t", &call));
    json_t *result = test_run_result(run);
    assert_false(is_ok(result));
    assert_string_equal(finding_at(result, 0),
                        "the primary path could not be tested, node cc1: timed out");
    json_decref(result);
    test_run_free(run);
    run = start(network_circuit(net, "scada"), &options, NULL);
    json_t *nonsense = json_object();
    test_run_answer(run, ERR_OK, "", nonsense, 0);
    test_run_answer(run, ERR_OK, "", nonsense, 0); /* a late answer changes nothing */
    result = test_run_result(run);
    assert_string_equal(finding_at(result, 0),
                        "the primary path could not be tested, node cc1: the "
                        "node's answer: \"sent\" is missing");
    assert_string_equal(finding_at(result, 1), "");
    json_decref(nonsense);
    json_decref(result);
    test_run_free(run);
}

static void
a_stopped_test_is_not_passed(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS};
    struct test_call call;
    struct test_run *run = start(lab_scada(net), &options, NULL);
    test_run_stop(run, "the circuit is taken down");
    assert_false(test_run_next(run, "t", &call));
    json_t *result = test_run_result(run);
    assert_false(is_ok(result));
    assert_string_equal(finding_at(result, 0), "the test was stopped: the circuit is taken down");
    json_decref(result);
    test_run_free(run);
}

static void
a_circuit_that_cannot_be_tested_by_design_passes_with_a_finding(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS};
    struct circuit *c = test_tcp(net, "here", "fep", "hist", 80);
    lab_design(net, c);
    json_t *result = run_all(c, &options, &fine, "");
    assert_true(is_ok(result));
    assert_int_equal(n_entries(result), 0);
    assert_string_equal(finding_at(result, 0),
                        "both ends are at node cc1: there is no path to test");
    json_decref(result);
}

static void
a_result_is_compared_with_the_fingerprint_before(void **state UNUSED)
{
    static const struct weather slower = {.forward_us = 6000, .backward_us = 3000};
    struct test_options options = {.paths = TEST_PRIMARY};
    struct circuit *c = lab_scada(net);
    json_t *before = run_all(c, &options, &fine, "cc1:0:100 cc1:0:464 ");
    struct test_run *run = start(c, &options, json_object_get(before, "entries"));
    struct buf trace = BUF_INIT;
    while (step(run, &slower, &trace))
        ;
    json_t *result = test_run_result(run);
    assert_true(is_ok(result)); /* there is no budget that it breaks */
    assert_string_equal(finding_at(result, 0), "primary path, forward to rtu-a: the latency is "
                                               "6.000 ms, it was 3.005 ms before");
    json_decref(result);
    test_run_free(run);
    run = start(c, &options, result = json_quoted("[{}]"));
    json_decref(result);
    result = test_run_result(run);
    assert_string_equal(finding_at(result, 0), "the previous fingerprint cannot be read");
    assert_true(is_ok(result));
    json_decref(result);
    json_decref(before);
    buf_fini(&trace);
    test_run_free(run);
}

static void
every_node_that_takes_part_is_named_once(void **state UNUSED)
{
    struct test_options options = {.paths = TEST_BOTH_PATHS};
    const char *const *names;
    struct test_run *run = start(lab_goose(net), &options, NULL);
    assert_int_equal(test_run_nodes(run, &names), 3);
    assert_string_equal(names[0], "a1");
    assert_string_equal(names[1], "a3");
    assert_string_equal(names[2], "b2");
    test_run_free(run);
}

#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, open_lab, close_lab)

TEST_MAIN(IN_LAB(each_path_is_measured_for_latency_and_at_its_rate),
          IN_LAB(the_meter_is_tested_last_and_only_when_asked), IN_LAB(each_load_has_its_rate),
          IN_LAB(a_noisy_fingerprint_is_said_at_turn_up),
          IN_LAB(a_dead_path_is_not_loaded_and_the_other_is_tested),
          IN_LAB(a_node_that_is_busy_or_away_is_asked_again_for_a_while),
          IN_LAB(any_other_failure_ends_the_test), IN_LAB(a_stopped_test_is_not_passed),
          IN_LAB(a_circuit_that_cannot_be_tested_by_design_passes_with_a_finding),
          IN_LAB(a_result_is_compared_with_the_fingerprint_before),
          IN_LAB(every_node_that_takes_part_is_named_once))
