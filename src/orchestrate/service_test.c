#include "orchestrate/service_testing.h"

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

TEST_MAIN(TEST_ON_BENCH(turns_up_what_was_designed_proved_and_approved),
          TEST_ON_BENCH(shows_the_order_with_steps_decisions_and_plan),
          TEST_ON_BENCH(keeps_the_plan_of_a_closed_order_after_a_restart))
