#include "assure/verdict.h"

#include "assure/rules.h"
#include "assure/testing.h"

/* An entry of a healthy path: 100 packets, and 464 at the committed rate. Times in microseconds. */
static struct entry
entry_of(nsec_t min_us, nsec_t p50_us, nsec_t p99_us, nsec_t max_us)
{
    return (struct entry){.receiver = (char *)"rtu",
                          .sent = 564,
                          .committed_sent = 464,
                          .committed_kbps = 950,
                          .rate_kbps = 949,
                          .has_latency = true,
                          .synchronised = true,
                          .min = min_us * 1000,
                          .p50 = p50_us * 1000,
                          .p99 = p99_us * 1000,
                          .max = max_us * 1000};
}

static void
judge(struct entry now, const struct entry *before, uint32_t max_latency_us,
      struct findings *findings)
{
    struct circuit circuit = {.name = (char *)"c", .max_latency_us = max_latency_us};
    struct entries entries = {1, 1, &now};
    struct entries previous = {before != NULL, 1, (struct entry *)before};
    *findings = (struct findings){0};
    verdict_entries(&circuit, &entries, before ? &previous : NULL, findings);
}

static void
assert_says(struct findings *findings, const char *code, enum severity severity, const char *text)
{
    assert_finding(findings, code, severity, text);
    assert_int_equal(findings->n, 1);
    findings_fini(findings);
}

static void
a_circuit_as_engineered_has_no_findings(void **state UNUSED)
{
    struct entry now = entry_of(500, 510, 530, 560), before = entry_of(490, 505, 560, 580);
    struct findings findings;
    judge(now, &before, 1000, &findings);
    assert_int_equal(findings.n, 0);
    judge(now, NULL, 0, &findings);
    assert_int_equal(findings.n, 0);
}

static void
directions_too_far_apart_are_an_error(void **state UNUSED)
{
    struct circuit circuit = {.name = (char *)"c", .max_asymmetry_us = 200};
    static const struct {
        bool known;
        nsec_t asymmetry;
        const char *code, *text; /* NULL: nothing is said */
        enum severity severity;
    } cases[] = {
        {true, 200000, NULL, NULL, SEVERITY_INFO},
        {true, 201000, "asymmetry",
         "primary path, forward to rtu: the directions are 201 us apart, allowed are 200 us",
         SEVERITY_ERROR},
        {false, 0, "asymmetry-unknown",
         "primary path, forward to rtu: how far the directions are apart is not known, so whether "
         "it is within 200 us",
         SEVERITY_WARNING},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct entry both[2] = {entry_of(500, 510, 530, 560), entry_of(500, 510, 530, 560)};
        struct findings findings = {0};
        for (int k = 0; k < 2; k++) {
            both[k].direction = k ? DIRECTION_BACKWARD : DIRECTION_FORWARD;
            both[k].has_asymmetry = cases[i].known;
            both[k].asymmetry = cases[i].asymmetry;
        }
        struct entries entries = {2, 2, both};
        verdict_entries(&circuit, &entries, NULL, &findings);
        assert_int_equal(findings.n, cases[i].code != NULL);
        if (cases[i].code)
            assert_says(&findings, cases[i].code, cases[i].severity, cases[i].text);
    }
}

static void
losses_are_errors(void **state UNUSED)
{
    struct entry now = entry_of(500, 510, 530, 560);
    struct findings findings;
    now.lost = 1;
    judge(now, NULL, 0, &findings);
    assert_says(&findings, "loss", SEVERITY_ERROR,
                "primary path, forward to rtu: 1 of 100 packets were lost");
    now.committed_lost = 1;
    judge(now, NULL, 0, &findings);
    assert_says(&findings, "loss-at-rate", SEVERITY_ERROR,
                "primary path, forward to rtu: 1 of 464 packets were lost at 95 % of the committed "
                "rate");
    now = (struct entry){
        .receiver = (char *)"rtu", .path = PATH_FAILOVER, .sent = 100, .lost = 100};
    judge(now, NULL, 500, &findings);
    assert_says(&findings, "nothing-arrives", SEVERITY_ERROR,
                "failover path, forward to rtu: none of 100 packets arrived");
}

static void
the_latency_budget_holds_for_all_but_one_packet(void **state UNUSED)
{
    struct findings findings;
    judge(entry_of(500, 510, 530, 1001), NULL, 1000, &findings);
    assert_says(&findings, "latency-once", SEVERITY_WARNING,
                "primary path, forward to rtu: one packet took 1.001 ms, allowed are 1.000 ms");
    judge(entry_of(500, 510, 1001, 1002), NULL, 1000, &findings);
    assert_says(&findings, "latency", SEVERITY_ERROR,
                "primary path, forward to rtu: one packet in a hundred takes 1.001 ms or longer, "
                "allowed are 1.000 ms");
}

static void
a_latency_that_is_not_known_is_no_proof_of_the_budget(void **state UNUSED)
{
    struct entry now = entry_of(0, 0, 0, 0);
    struct findings findings;
    now.has_latency = false;
    judge(now, NULL, 400, &findings);
    assert_says(&findings, "latency-unknown", SEVERITY_WARNING,
                "primary path, forward to rtu: the latency is not known, so whether it is within "
                "400 us");
    judge(now, NULL, 0, &findings);
    assert_int_equal(findings.n, 0);
}

static void
a_rate_that_was_not_sent_is_not_proved(void **state UNUSED)
{
    struct entry now = entry_of(500, 510, 530, 560);
    struct findings findings;
    now.rate_kbps = 855;
    judge(now, NULL, 0, &findings);
    assert_int_equal(findings.n, 0);
    now.rate_kbps = 854;
    judge(now, NULL, 0, &findings);
    assert_says(&findings, "sent-slowly", SEVERITY_WARNING,
                "primary path, forward to rtu: the test was sent at 854 kbit/s instead of 950: the "
                "committed rate is not proved");
}

static void
what_has_changed_since_the_last_fingerprint_is_said(void **state UNUSED)
{
    struct entry before = entry_of(3000, 3010, 3100, 3100), unsynchronised = before;
    struct findings findings;
    /* The margin is a quarter of the median here, which is more than 250 us. */
    judge(entry_of(3800, 3852, 3900, 3900), &before, 0, &findings);
    assert_int_equal(findings.n, 0);
    judge(entry_of(3800, 3853, 3900, 3900), &before, 0, &findings);
    assert_says(&findings, "slower", SEVERITY_WARNING,
                "primary path, forward to rtu: the latency is 3.853 ms, it was 3.010 ms before");
    judge(entry_of(2200, 2240, 2300, 2300), &before, 0, &findings);
    assert_says(&findings, "faster", SEVERITY_WARNING,
                "primary path, forward to rtu: the latency is 2.240 ms, it was 3.010 ms before: "
                "another path?");
    unsynchronised.synchronised = false;
    judge(entry_of(2200, 2240, 2300, 2300), &unsynchronised, 0, &findings);
    assert_int_equal(findings.n, 0); /* a half of a round trip is something else */
}

static void
short_paths_have_a_margin_in_microseconds(void **state UNUSED)
{
    struct entry e = entry_of(40, 50, 60, 70);
    assert_int_equal(latency_ceiling(&e), 310000);
    assert_int_equal(latency_floor(&e), -210000); /* nothing is shorter than that */
}

static void
a_noisy_fingerprint_does_not_allow_what_its_noise_is(void **state UNUSED)
{
    struct entry noisy = entry_of(4500, 4600, 30000, 31000),
                 quiet = entry_of(4500, 4600, 9200, 9300);
    struct entry both[] = {quiet, noisy}, brief = entry_of(40, 50, 300, 320);
    struct entries entries = {2, 2, both};
    struct circuit circuit = {.name = (char *)"c"};
    struct findings findings = {0};
    /* Twice the median, and a quarter of it. */
    assert_int_equal(latency_ceiling(&noisy), 10350000);
    assert_int_equal(latency_ceiling(&quiet), 10350000);
    judge(entry_of(15500, 15600, 15900, 16000), &noisy, 0, &findings);
    assert_says(&findings, "slower", SEVERITY_WARNING,
                "primary path, forward to rtu: the latency is 15.600 ms, it was 4.600 ms before");
    verdict_noise(&circuit, &entries, &findings);
    assert_says(&findings, "noisy", SEVERITY_WARNING,
                "primary path, forward to rtu: the fingerprint is noisy: half of the packets take "
                "4.600 ms or longer, one in a hundred 30.000 ms; surveillance allows 10.350 ms");
    /* What is as small as the margin is not much, however short the path. */
    assert_int_equal(latency_ceiling(&brief), 550000);
    brief.p99 = 301000;
    assert_int_equal(latency_ceiling(&brief), 550000);
    brief.p50 = -5000000; /* by a clock that is wrong */
    assert_int_equal(latency_ceiling(&brief), -4500000);
    brief.has_latency = false;
    entries = (struct entries){1, 1, &brief};
    verdict_noise(&circuit, &entries, &findings);
    assert_int_equal(findings.n, 0);
}

static void
judge_meter(uint32_t sent, uint32_t lost, nsec_t span, struct findings *findings)
{
    struct circuit c = {.name = (char *)"c", .rate_kbps = 800, .burst_octets = 10000};
    char *hosts[] = {(char *)"rtu"};
    struct test_receiver receiver = {(char *)"y", 1, 1, hosts};
    struct test_session session = {
        .node = (char *)"x", .in_band = true, .n_receivers = 1, .receivers = &receiver};
    struct measured measured = {.round_trip = {.sent = sent, .received = sent - lost, .lost = lost},
                                .unattributed = lost};
    struct load load = {LOAD_EXCESS, sent, 333, 100};
    struct node_answer answer = {sent, 100, span, TIMESTAMP_KERNEL, 1, &measured};
    *findings = (struct findings){0};
    verdict_excess(&c, &session, &load, &answer, findings);
}

/* 800 kbit/s are 100 octets in 1 ms. Within 100 ms, 10,000 octets and the burst of as many pass:
 * 200 packets; a tenth more and two packets are borne. */
static void
a_meter_has_to_stop_what_is_over(void **state UNUSED)
{
    struct findings findings;
    judge_meter(301, 101, 100 * NSEC_PER_MSEC, &findings);
    assert_says(&findings, "meter-holds", SEVERITY_INFO,
                "the meter holds: of 30100 octets sent above the rate, 20000 arrived at rtu, "
                "allowed are 22189");
    judge_meter(301, 79, 100 * NSEC_PER_MSEC, &findings);
    assert_says(&findings, "meter", SEVERITY_ERROR,
                "the meter does not hold: of 30100 octets sent above the rate, 22200 arrived at "
                "rtu, allowed are 22189");
    judge_meter(301, 0, 300 * NSEC_PER_MSEC, &findings);
    assert_says(&findings, "meter-not-tested", SEVERITY_WARNING,
                "node x could not send more than the meter lets pass");
}

/* The manual's table of rules has exactly these rows. */
static void
the_manual_has_every_rule(void **state UNUSED)
{
    uint32_t n;
    const struct rule_row *rows = assure_rules(&n);
    char *manual = NULL;
    size_t size = 0;
    FILE *file = fopen(TIELINE_SOURCE_DIR "/doc/assure.md", "r");
    assert_non_null(file);
    assert_true(getdelim(&manual, &size, '\0', file) > 0);
    fclose(file);
    for (uint32_t i = 0; i < n; i++) {
        char *row = xasprintf("| `%s` | %u | %s | %s |\n", rows[i].name, rows[i].value,
                              rows[i].unit, rows[i].reason);
        if (!strstr(manual, row))
            fail_msg("doc/assure.md has no row: %s", row);
        free(row);
    }
    free(manual);
}

TEST_MAIN(cmocka_unit_test(a_circuit_as_engineered_has_no_findings),
          cmocka_unit_test(directions_too_far_apart_are_an_error),
          cmocka_unit_test(losses_are_errors),
          cmocka_unit_test(the_latency_budget_holds_for_all_but_one_packet),
          cmocka_unit_test(a_latency_that_is_not_known_is_no_proof_of_the_budget),
          cmocka_unit_test(a_rate_that_was_not_sent_is_not_proved),
          cmocka_unit_test(what_has_changed_since_the_last_fingerprint_is_said),
          cmocka_unit_test(short_paths_have_a_margin_in_microseconds),
          cmocka_unit_test(a_noisy_fingerprint_does_not_allow_what_its_noise_is),
          cmocka_unit_test(a_meter_has_to_stop_what_is_over),
          cmocka_unit_test(the_manual_has_every_rule))
