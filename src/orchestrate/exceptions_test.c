#include "orchestrate/exceptions.h"

#include "orchestrate/service_testing.h"

static json_t *
occurrence(const char *kind, const char *object, int n)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:o}}", "actor", "system/lan", "kind", kind,
                     "severity", "major", "object", object, "text", "Something is odd.", "evidence",
                     "seen", json_sprintf("%d", n));
}

static uint32_t
raise_one(struct bench *b, const char *kind, const char *object, int n)
{
    json_t *answer = bench_ask(b, "exception.raise", occurrence(kind, object, n));
    uint32_t id = (uint32_t)json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    return id;
}

static json_t *
about(uint32_t id)
{
    return json_pack("{s:s, s:I, s:s, s:s}", "actor", "olga", "id", (json_int_t)id, "reason",
                     "it is over", "comment", "I look");
}

static const struct exception *
exception(const struct bench *b, uint32_t id)
{
    const struct exception *e = state_exception(b->state, id);
    assert_non_null(e);
    return e;
}

static void
counts_what_goes_on_happening(void **state)
{
    struct bench *b = *state;
    for (int n = 1; n <= 100; n++)
        assert_int_equal(raise_one(b, "traffic-denied", "host/eng-a", n), 1);
    assert_int_equal(raise_one(b, "traffic-denied", "host/rtu-a", 1), 2);
    assert_int_equal(raise_one(b, "link-down", "host/eng-a", 1), 3);
    assert_int_equal(bench_n_events(b, "exception.raised"), 3);
    assert_int_equal(bench_n_events(b, "exception.repeated"), 0);
    bench_now += EXCEPTION_WRITE_EVERY;
    raise_one(b, "traffic-denied", "host/eng-a", 101);
    RUN_UNTIL(b->loop, exception(b, 1)->count == 101); /* it is folded behind it is counted */
    assert_int_equal(bench_n_events(b, "exception.repeated"), 1);
    assert_string_equal(json_string_value(json_object_get(exception(b, 1)->evidence, "seen")),
                        "101");
}

static void
writes_the_count_in_time_even_if_nothing_happens_any_more(void **state)
{
    struct bench *b = *state;
    raise_one(b, "traffic-denied", "host/eng-a", 1);
    raise_one(b, "traffic-denied", "host/eng-a", 2);
    bench_now += EXCEPTION_WRITE_EVERY;
    RUN_UNTIL(b->loop, exception(b, 1)->count == 2);
    assert_int_equal(bench_n_events(b, "exception.repeated"), 1);
}

static void
keeps_the_count_over_a_restart(void **state)
{
    struct bench *b = *state;
    raise_one(b, "traffic-denied", "host/eng-a", 1);
    raise_one(b, "traffic-denied", "host/eng-a", 2);
    bench_restart(b);
    assert_int_equal(exception(b, 1)->count, 2);
    assert_int_equal(raise_one(b, "traffic-denied", "host/eng-a", 3), 1);
    bench_restart(b);
    assert_int_equal(exception(b, 1)->count, 3);
    assert_int_equal(bench_n_events(b, "exception.raised"), 1);
}

static void
answers_all_who_raise_the_same_at_once(void **state)
{
    struct bench *b = *state;
    struct reply replies[10];
    for (int i = 0; i < 10; i++)
        bench_send(b, "exception.raise", occurrence("node-lost", "node/a1", i), &replies[i]);
    for (int i = 0; i < 10; i++) {
        RUN_UNTIL(b->loop, replies[i].done);
        assert_err(replies[i].err, ERR_OK);
        assert_int_equal(json_integer_value(json_object_get(replies[i].value, "id")), 1);
        json_decref(replies[i].value);
    }
    assert_int_equal(bench_n_events(b, "exception.raised"), 1);
}

static void
is_acknowledged_with_its_count(void **state)
{
    struct bench *b = *state;
    raise_one(b, "node-lost", "node/a1", 1);
    raise_one(b, "node-lost", "node/a1", 2);
    bench_do(b, "exception.acknowledge", about(1));
    assert_int_equal(exception(b, 1)->state, EXCEPTION_ACKNOWLEDGED);
    assert_string_equal(exception(b, 1)->acknowledged_by, "olga");
    assert_string_equal(exception(b, 1)->comment, "I look");
    assert_int_equal(exception(b, 1)->count, 2);
    assert_int_equal(raise_one(b, "node-lost", "node/a1", 3), 1);
}

static void
is_closed_by_number_or_by_what_it_is(void **state)
{
    struct bench *b = *state;
    raise_one(b, "node-lost", "node/a1", 1);
    raise_one(b, "node-lost", "node/a1", 2);
    bench_do(b, "exception.close", about(1));
    assert_int_equal(exception(b, 1)->state, EXCEPTION_CLOSED);
    assert_int_equal(exception(b, 1)->count, 2);
    assert_int_equal(raise_one(b, "node-lost", "node/a1", 1), 2);
    bench_do(b, "exception.close",
             json_pack("{s:s, s:s, s:s, s:s}", "actor", "system/lan", "kind", "node-lost", "object",
                       "node/a1", "reason", "it is back"));
    assert_int_equal(exception(b, 2)->state, EXCEPTION_CLOSED);
}

static void
what_happens_while_it_is_closed_is_another_one(void **state)
{
    struct bench *b = *state;
    struct reply closed, raised;
    raise_one(b, "node-lost", "node/a1", 1);
    bench_send(b, "exception.close", about(1), &closed);
    bench_send(b, "exception.raise", occurrence("node-lost", "node/a1", 2), &raised);
    RUN_UNTIL(b->loop, closed.done && raised.done);
    assert_int_equal(json_integer_value(json_object_get(raised.value, "id")), 2);
    assert_int_equal(exception(b, 1)->state, EXCEPTION_CLOSED);
    assert_int_equal(exception(b, 2)->state, EXCEPTION_OPEN);
    json_decref(closed.value);
    json_decref(raised.value);
}

static void
refuses_what_makes_no_sense(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *member, *value, *says;
    } cases[] = {
        {"kind", "", "kind"},   {"kind", "two words", "kind"},     {"object", "", "object"},
        {"text", "", "text"},   {"severity", "awful", "severity"}, {"evidence", "none", "evidence"},
        {"actor", "", "actor"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *payload = occurrence("node-lost", "node/a1", 1);
        json_object_set_new(payload, cases[i].member, json_string(cases[i].value));
        bench_refused(b, "exception.raise", payload, ERR_INVALID, cases[i].says);
    }
    bench_refused(b, "exception.close", about(5), ERR_NOT_FOUND, "5");
    bench_refused(b, "exception.acknowledge", about(5), ERR_NOT_FOUND, "5");
    raise_one(b, "node-lost", "node/a1", 1);
    bench_do(b, "exception.close", about(1));
    bench_refused(b, "exception.close", about(1), ERR_CONFLICT, "closed");
    bench_refused(b, "exception.acknowledge", about(1), ERR_CONFLICT, "closed");
    assert_int_equal(bench_n_events(b, "exception."), 2);
}

/* ---- Orders ------------------------------------------------------------------------------------
 */

static void
let_people_decide(struct bench *b)
{
    bench_put(b, BENCH_MODEL);
    bench_put(b, "{'tieline-inventory:inventory': {'settings': {"
                 "'missing-rule': 'report', 'foreign-rule': 'report'}}}");
}

static void
comes_with_an_order_where_people_decide(void **state)
{
    struct bench *b = *state;
    char hash[128];
    let_people_decide(b);
    assert_int_equal(raise_one(b, "rule-foreign", "node/y", 1), 1);
    assert_int_equal(exception(b, 1)->order, 1);
    assert_string_equal(state_order(b->state, 1)->workflow, "drift-repair");
    bench_run_until_asked(b, 1);
    assert_true(bench_asks(b, 1, hash));
    assert_int_equal(bench_n_asked(b, "lan.repair"), 0);
    bench_do(b, "work.decide", bench_decision(1, "olga", "OPERATOR", NULL, hash));
    bench_run_to_end(b, 1, "done");
    assert_int_equal(bench_n_asked(b, "lan.repair"), 1);
    json_t *payload = json_array_get(json_array_get(b->asked, 0), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(payload, "nodes"), 0)),
                        "y");
    assert_int_equal(exception(b, 1)->state, EXCEPTION_CLOSED);
}

static void
comes_without_where_it_is_repaired_at_once(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    raise_one(b, "rule-foreign", "node/y", 1);
    assert_int_equal(exception(b, 1)->order, 0);
    assert_int_equal(bench_n_events(b, "run."), 0);
}

static void
can_be_given_an_order_by_hand(void **state)
{
    struct bench *b = *state;
    bench_put(b, BENCH_MODEL);
    raise_one(b, "rule-missing", "node/y", 1);
    uint32_t id = bench_submit(b, "drift-repair",
                               "{'exception': '1', 'nodes': ['y'], 'approval': false}");
    bench_run_to_end(b, id, "done");
    assert_int_equal(exception(b, 1)->order, id);
    assert_int_equal(exception(b, 1)->state, EXCEPTION_CLOSED);
}

TEST_MAIN(TEST_ON_BENCH(counts_what_goes_on_happening),
          TEST_ON_BENCH(writes_the_count_in_time_even_if_nothing_happens_any_more),
          TEST_ON_BENCH(keeps_the_count_over_a_restart),
          TEST_ON_BENCH(answers_all_who_raise_the_same_at_once),
          TEST_ON_BENCH(is_acknowledged_with_its_count),
          TEST_ON_BENCH(is_closed_by_number_or_by_what_it_is),
          TEST_ON_BENCH(what_happens_while_it_is_closed_is_another_one),
          TEST_ON_BENCH(refuses_what_makes_no_sense),
          TEST_ON_BENCH(comes_with_an_order_where_people_decide),
          TEST_ON_BENCH(comes_without_where_it_is_repaired_at_once),
          TEST_ON_BENCH(can_be_given_an_order_by_hand))
