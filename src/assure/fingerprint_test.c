#include "assure/fingerprint.h"

#include "assure/testing.h"
#include "model/schema.h"

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

#define NOON (nsec_t)1767268800 * NSEC_PER_SEC

/* What one load over the primary path measures in this weather. */
static void
measure(const struct circuit *c, enum load_kind kind, const struct weather *w, bool one_clock,
        struct entries *entries, struct findings *findings)
{
    struct test_sessions sessions = {0};
    struct load_limits limits = {0};
    struct load load;
    struct node_answer answer;
    assert_ok(test_sessions_make(net, c, network_design(net, c->name), TEST_PRIMARY, &sessions,
                                 NULL, NULL));
    assert_true(load_make(c, kind, &limits, &load, NULL));
    json_t *params = test_start_params(&sessions.list[0], &load, "t"), *json = answer_in(w, params);
    assert_ok(node_answer_read(json, &sessions.list[0], &load, &answer, NULL));
    entries_add(entries, &sessions.list[0], &load, &answer, NOON, one_clock, c->name, findings);
    node_answer_fini(&answer);
    json_decref(json);
    json_decref(params);
    test_sessions_fini(&sessions);
}

static const struct entry *
forward_of(const struct entries *e, const char *receiver)
{
    const struct entry *entry = entries_find(e, PATH_PRIMARY, DIRECTION_FORWARD, receiver);
    assert_non_null(entry);
    return entry;
}

static const struct entry *
backward_of(const struct entries *e)
{
    const struct entry *entry = entries_find(e, PATH_PRIMARY, DIRECTION_BACKWARD, "fep");
    assert_non_null(entry);
    return entry;
}

static void
both_directions_are_what_was_measured_between_synchronised_clocks(void **state UNUSED)
{
    static const struct weather w = {.forward_us = 3000, .backward_us = 5000, .spread_us = 80};
    struct entries e = {0};
    measure(lab_scada(net), LOAD_LATENCY, &w, false, &e, NULL);
    assert_int_equal(e.n, 2);
    const struct entry *there = forward_of(&e, "rtu-a"), *back = backward_of(&e);
    assert_int_equal(there->sent, 100);
    assert_int_equal(there->lost, 0);
    assert_int_equal(there->min, 3000000);
    assert_int_equal(there->p50, 3010000);
    assert_int_equal(there->p99, 3070000);
    assert_int_equal(there->max, 3080000);
    assert_int_equal(there->jitter, 8000);
    assert_int_equal(back->p50, 5010000);
    assert_true(there->synchronised && there->has_asymmetry && back->has_asymmetry);
    assert_int_equal(there->asymmetry, 2000000);
    assert_int_equal(back->asymmetry, 2000000);
    entries_fini(&e);
}

static void
without_synchronised_clocks_a_direction_is_half_the_round_trip(void **state UNUSED)
{
    static const struct weather w = {.forward_us = 3000,
                                     .backward_us = 5000,
                                     .spread_us = 80,
                                     .unsynchronised = true,
                                     .clock_offset_us = 700000};
    struct entries e = {0};
    struct findings findings = {0};
    measure(lab_scada(net), LOAD_LATENCY, &w, false, &e, &findings);
    assert_int_equal(forward_of(&e, "rtu-a")->p50, 4010000);
    assert_int_equal(backward_of(&e)->p50, 4010000);
    assert_int_equal(backward_of(&e)->jitter, 8000); /* it does not depend on the offset */
    assert_false(backward_of(&e)->has_asymmetry || backward_of(&e)->synchronised);
    assert_finding(&findings, "clocks-not-synchronised", SEVERITY_INFO,
                   "primary path: the clocks of cc1 and a2 are not synchronised: one-way latencies "
                   "are half of the round trip");
    findings_fini(&findings);
    entries_fini(&e);
}

static void
clocks_that_claim_too_much_are_not_believed(void **state UNUSED)
{
    static const struct weather w = {
        .forward_us = 3000, .backward_us = 5000, .clock_offset_us = 6000};
    struct entries e = {0};
    struct findings findings = {0};
    measure(lab_scada(net), LOAD_LATENCY, &w, false, &e, &findings);
    assert_int_equal(forward_of(&e, "rtu-a")->p50, 4000000);
    assert_finding(
        &findings, "clocks-disagree", SEVERITY_WARNING,
        "primary path: a latency below zero: the clocks of cc1 and a2 disagree, although "
        "they say they are synchronised");
    findings_fini(&findings);
    entries_fini(&e);
}

static void
a_multicast_is_measured_one_way_for_every_subscriber(void **state UNUSED)
{
    static const struct weather w = {.forward_us = 500, .backward_us = 90000, .lost_backward = 3};
    struct entries e = {0};
    measure(lab_goose(net), LOAD_LATENCY, &w, false, &e, NULL);
    assert_int_equal(e.n, 2);
    assert_int_equal(forward_of(&e, "relay-a2")->p50, 500000);
    assert_int_equal(forward_of(&e, "relay-b1")->p50, 500000);
    assert_int_equal(forward_of(&e, "relay-b1")->lost, 0); /* the answers' way does not count */
    assert_false(forward_of(&e, "relay-b1")->has_asymmetry);
    entries_fini(&e);
}

static void
a_multicast_between_unsynchronised_clocks_has_jitter_but_no_latency(void **state UNUSED)
{
    static const struct weather w = {.forward_us = 500,
                                     .backward_us = 90000,
                                     .spread_us = 40,
                                     .unsynchronised = true,
                                     .clock_offset_us = -5000};
    struct circuit *c = lab_goose(net);
    struct entries e = {0};
    struct findings findings = {0};
    measure(c, LOAD_LATENCY, &w, false, &e, &findings);
    assert_false(forward_of(&e, "relay-a2")->has_latency);
    assert_true(forward_of(&e, "relay-a2")->has_jitter);
    assert_int_equal(forward_of(&e, "relay-a2")->jitter, 4000);
    assert_non_null(find_finding(&findings, "clocks-not-synchronised"));
    findings_fini(&findings);
    entries_fini(&e);
}

static void
nodes_of_one_machine_share_their_clock(void **state UNUSED)
{
    static const struct weather w = {
        .forward_us = 500, .backward_us = 90000, .unsynchronised = true};
    struct entries e = {0};
    struct findings findings = {0};
    measure(lab_goose(net), LOAD_LATENCY, &w, true, &e, &findings);
    assert_int_equal(forward_of(&e, "relay-a2")->p50, 500000);
    assert_int_equal(findings.n, 0);
    entries_fini(&e);
}

static void
losses_are_told_apart_by_direction_if_the_reflector_counts(void **state UNUSED)
{
    static const struct weather w = {
        .forward_us = 500, .backward_us = 500, .lost_forward = 2, .lost_backward = 5};
    static const struct weather stateless = {.forward_us = 500,
                                             .backward_us = 500,
                                             .lost_forward = 2,
                                             .lost_backward = 5,
                                             .stateless = true};
    struct circuit *c = lab_scada(net);
    struct entries e = {0};
    struct findings findings = {0};
    measure(c, LOAD_LATENCY, &w, false, &e, &findings);
    assert_int_equal(findings.n, 0);
    assert_int_equal(forward_of(&e, "rtu-a")->lost, 2);
    assert_int_equal(backward_of(&e)->sent, 98);
    assert_int_equal(backward_of(&e)->lost, 5);
    entries_fini(&e);
    measure(c, LOAD_LATENCY, &stateless, false, &e, &findings);
    assert_int_equal(forward_of(&e, "rtu-a")->lost, 7);
    assert_int_equal(backward_of(&e)->lost, 0);
    assert_finding(&findings, "direction-unknown", SEVERITY_INFO,
                   "primary path: node a2 does not count, so losses either way are given as "
                   "forward");
    findings_fini(&findings);
    entries_fini(&e);
}

static void
what_nobody_answered_has_no_way_back_and_no_latency(void **state UNUSED)
{
    static const struct weather w = {.deaf = true};
    struct entries e = {0};
    measure(lab_scada(net), LOAD_LATENCY, &w, false, &e, NULL);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].lost, 100);
    assert_false(e.list[0].has_latency || e.list[0].has_jitter);
    entries_fini(&e);
}

static void
the_committed_rate_adds_its_counts_and_its_pace(void **state UNUSED)
{
    static const struct weather w = {.forward_us = 500, .backward_us = 500};
    static const struct weather rain = {.forward_us = 900, .backward_us = 900, .lost_backward = 46};
    struct circuit *c = lab_scada(net);
    struct entries e = {0};
    measure(c, LOAD_LATENCY, &w, false, &e, NULL);
    measure(c, LOAD_COMMITTED, &rain, false, &e, NULL);
    assert_int_equal(e.n, 2);
    const struct entry *there = forward_of(&e, "rtu-a"), *back = backward_of(&e);
    assert_int_equal(there->sent, 100 + 464);
    assert_int_equal(there->p50, 500000); /* latencies stay those of the unloaded path */
    assert_int_equal(there->rate_kbps, 950);
    assert_int_equal(back->lost, 46);
    assert_int_equal(back->committed_sent, 464);
    assert_int_equal(back->committed_lost, 46);
    assert_int_equal(back->rate_kbps, 856); /* 418 of 464 */
    entries_fini(&e);
}

static void
entries_are_what_the_schema_says_and_come_back_unchanged(void **state UNUSED)
{
    static const struct weather weathers[] = {
        {.forward_us = 3000, .backward_us = 5000, .spread_us = 80, .lost_backward = 1},
        {.forward_us = 3000, .backward_us = 5000, .unsynchronised = true},
        {.forward_us = 9000000, .backward_us = 9000000}, /* beyond what the type can say */
        {.deaf = true},
    };
    struct schema *schema;
    struct circuit *circuits[2] = {lab_scada(net), lab_goose(net)};
    assert_ok(schema_open(TIELINE_SOURCE_DIR "/schema", &schema, NULL));
    for (size_t i = 0; i < 2 * ARRAY_SIZE(weathers); i++) {
        struct entries e = {0}, again = {0};
        struct diag diag = {""};
        json_t *work = json_object(), *read_back, *same;
        measure(circuits[i % 2], LOAD_LATENCY, &weathers[i / 2], false, &e, NULL);
        if (i < 2)
            measure(circuits[i % 2], LOAD_COMMITTED, &weathers[i / 2], false, &e, NULL);
        json_t *json = entries_to_json(&e, circuits[i % 2]->name);
        json_object_set_new(work, "fingerprint", json_incref(json));
        char *text = json_dumps(work, 0);
        if (schema_validate_json(schema, text, strlen(text), "/tieline-work:work", &read_back,
                                 &diag))
            fail_msg("%s: %s", text, diag.text);
        assert_ok(entries_from_json(json, &again, NULL));
        same = entries_to_json(&again, circuits[i % 2]->name);
        assert_true(json_equal(json, same));
        json_decref(same);
        json_decref(json);
        json_decref(read_back);
        json_decref(work);
        free(text);
        entries_fini(&e);
        entries_fini(&again);
    }
    schema_close(schema);
}

#define ENTRY                                                                                      \
    "'path': 'primary', 'receiver': 'rtu', 'direction': 'forward',"                                \
    " 'time': '2026-01-01T12:00:00Z', 'sent': 5"

static void
what_is_no_entry_is_refused_and_nothing_is_added(void **state UNUSED)
{
    static const char *const wrong[] = {
        "{}",
        "[7]",
        "[{" ENTRY ", 'lost': 0}, {" ENTRY ", 'lost': 6}]",
        "[{" ENTRY ", 'lost': -1}]",
        "[{" ENTRY ", 'lost': 0, 'latency-p50-ns': '7'}]",
        "[{" ENTRY ", 'lost': 0, 'jitter-ns': 4294967296}]",
        "[{'path': 'scenic', 'receiver': 'r', 'direction': 'forward',"
        " 'time': '2026-01-01T12:00:00Z', 'sent': 5, 'lost': 0}]",
        "[{'path': 'primary', 'receiver': 'r', 'direction': 'up',"
        " 'time': '2026-01-01T12:00:00Z', 'sent': 5, 'lost': 0}]",
        "[{'path': 'primary', 'receiver': '', 'direction': 'forward',"
        " 'time': '2026-01-01T12:00:00Z', 'sent': 5, 'lost': 0}]",
        "[{'path': 'primary', 'receiver': 'r', 'direction': 'forward',"
        " 'time': 'noon', 'sent': 5, 'lost': 0}]",
    };
    struct entries e = {0};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct diag diag = {""};
        json_t *json = json_quoted(wrong[i]);
        assert_err(entries_from_json(json, &e, &diag), ERR_MALFORMED);
        assert_int_equal(e.n, 0);
        json_decref(json);
    }
    json_t *json = json_quoted("[{" ENTRY ", 'lost': 0}]");
    assert_ok(entries_from_json(json, &e, NULL));
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].sender_source, TIMESTAMP_MAX);
    json_decref(json);
    entries_fini(&e);
}

#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, open_lab, close_lab)

TEST_MAIN(IN_LAB(both_directions_are_what_was_measured_between_synchronised_clocks),
          IN_LAB(without_synchronised_clocks_a_direction_is_half_the_round_trip),
          IN_LAB(clocks_that_claim_too_much_are_not_believed),
          IN_LAB(a_multicast_is_measured_one_way_for_every_subscriber),
          IN_LAB(a_multicast_between_unsynchronised_clocks_has_jitter_but_no_latency),
          IN_LAB(nodes_of_one_machine_share_their_clock),
          IN_LAB(losses_are_told_apart_by_direction_if_the_reflector_counts),
          IN_LAB(what_nobody_answered_has_no_way_back_and_no_latency),
          IN_LAB(the_committed_rate_adds_its_counts_and_its_pace),
          IN_LAB(entries_are_what_the_schema_says_and_come_back_unchanged),
          IN_LAB(what_is_no_entry_is_refused_and_nothing_is_added))
