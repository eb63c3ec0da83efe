#include "assure/watch.h"

#include "assure/rules.h"
#include "assure/testing.h"

/* A circuit with one receiver, and the news about it: "+circuit-loss", "-circuit-loss",
 * "=circuit-loss" for raised, cleared and told again, with a space behind each. */
struct fixture {
    struct circuit circuit;
    struct watch *watch;
    nsec_t now;
    char news[256];
    char text[256];
    enum exception_severity severity;
    json_t *evidence; /* of the last that was raised */
};

static void
keep_news(void *arg, const struct watch_news *news)
{
    struct fixture *f = arg;
    size_t used = strlen(f->news);
    snprintf(f->news + used, sizeof f->news - used, "%c%s ", "+=-"[news->change],
             news -> exception);
    snprintf(f->text, sizeof f->text, "%s", news->text);
    f->severity = news->severity;
    if (!news->evidence)
        return;
    json_decref(f->evidence);
    f->evidence = json_deep_copy(news->evidence);
}

static void
add_entry(struct entries *entries, enum test_path path, const char *receiver, nsec_t p50_us,
          uint32_t lost)
{
    GROW(entries->list, entries->n, entries->capacity);
    struct entry *e = &entries->list[entries->n++];
    nsec_t p50 = p50_us * NSEC_PER_USEC;
    *e = (struct entry){.path = path,
                        .receiver = xstrdup(receiver),
                        .sent = 5,
                        .lost = lost,
                        .has_latency = lost < 5,
                        .min = p50 - 10000,
                        .p50 = p50,
                        .p99 = p50 + 10000,
                        .max = p50 + 20000,
                        .synchronised = true};
}

/* A round of one entry, ten seconds after the last. */
static void
play(struct fixture *f, enum test_path path, nsec_t p50_us, uint32_t lost)
{
    struct entries entries = {0};
    struct watch_context context = {&f->circuit, f->now += 10 * NSEC_PER_SEC, keep_news, f};
    add_entry(&entries, path, "rtu", p50_us, lost);
    watch_round(f->watch, path, &entries, &context);
    entries_fini(&entries);
}

static void
play_times(struct fixture *f, unsigned n, nsec_t p50_us, uint32_t lost)
{
    while (n-- > 0)
        play(f, PATH_PRIMARY, p50_us, lost);
}

static void
miss(struct fixture *f)
{
    struct watch_context context = {&f->circuit, f->now += 10 * NSEC_PER_SEC, keep_news, f};
    watch_missed(f->watch, "node x: away", &context);
}

static void
assert_news(struct fixture *f, const char *expected)
{
    assert_string_equal(f->news, expected);
    f->news[0] = '\0';
}

static void
assert_evidence(const struct fixture *f, const char *name, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(f->evidence, name)), expected);
}

/* Fingerprints: 3 ms, and 5 ms on the failover path. */
static int
set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct entries fingerprint = {0};
    f->circuit.name = (char *)"scada";
    add_entry(&fingerprint, PATH_PRIMARY, "rtu", 3000, 0);
    add_entry(&fingerprint, PATH_FAILOVER, "rtu", 5000, 0);
    f->watch = watch_new(&fingerprint);
    entries_fini(&fingerprint);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    watch_free(f->watch);
    json_decref(f->evidence);
    free(f);
    return 0;
}

static void
a_circuit_as_fingerprinted_is_no_news(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "unknown");
    play_times(f, 100, 3100, 0);
    assert_news(f, "");
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "good");
    assert_string_equal(watch_verdict(f->watch, PATH_FAILOVER), "unknown");
}

static void
a_latency_is_off_after_three_rounds_and_well_after_six(void **state)
{
    struct fixture *f = *state;
    play_times(f, 2, 4000, 0);
    play_times(f, 1, 3000, 0);
    play_times(f, 2, 4000, 0);
    assert_news(f, ""); /* never three in a row */
    play(f, PATH_PRIMARY, 4000, 0);
    assert_news(f, "+circuit-latency ");
    assert_string_equal(f->text, "Circuit scada: the latency on its primary path, forward to rtu, "
                                 "is 4.000 ms, its fingerprint has 3.000 ms.");
    assert_int_equal(f->severity, EXCEPTION_MINOR);
    assert_evidence(f, "allowed", "2.240 ms to 3.760 ms");
    assert_evidence(f, "rounds", "3 in a row");
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "latency");
    play_times(f, 5, 3000, 0);
    play(f, PATH_PRIMARY, 4000, 0);
    play_times(f, 5, 3000, 0);
    assert_news(f, "");
    play(f, PATH_PRIMARY, 3000, 0);
    assert_news(f, "-circuit-latency ");
    assert_string_equal(f->text, "6 good rounds in a row");
}

static void
too_fast_is_another_path(void **state)
{
    struct fixture *f = *state;
    play_times(f, 3, 2000, 0);
    assert_news(f, "+circuit-latency ");
}

static void
a_circuit_on_its_failover_path_is_recognised(void **state)
{
    struct fixture *f = *state;
    play_times(f, 3, 5000, 0);
    assert_evidence(f, "as-failover", "the failover path's fingerprint has 5.000 ms");
}

static void
beyond_the_budget_is_worse(void **state)
{
    struct fixture *f = *state;
    f->circuit.max_latency_us = 3500; /* less than the fingerprint's margin */
    play_times(f, 3, 3600, 0);
    assert_news(f, "+circuit-latency ");
    assert_int_equal(f->severity, EXCEPTION_MAJOR);
    assert_evidence(f, "budget", "3.500 ms");
}

static void
a_latency_by_other_clocks_is_not_compared(void **state)
{
    struct fixture *f = *state;
    struct watch_context context = {&f->circuit, 1, keep_news, f};
    for (int i = 0; i < 5; i++) {
        struct entries entries = {0};
        add_entry(&entries, PATH_PRIMARY, "rtu", 9000, 0);
        entries.list[0].synchronised = false;
        watch_round(f->watch, PATH_PRIMARY, &entries, &context);
        entries_fini(&entries);
    }
    assert_news(f, "");
    json_t *json = watch_to_json(f->watch);
    json_t *end = json_array_get(json_object_get(json_array_get(json, 0), "ends"), 0);
    assert_true(json_is_false(json_object_get(end, "latency-compared")));
    json_decref(json);
}

static void
losses_in_two_of_three_rounds_are_a_deviation(void **state)
{
    struct fixture *f = *state;
    play_times(f, 1, 3000, 1);
    play_times(f, 2, 3000, 0);
    play_times(f, 1, 3000, 1);
    play_times(f, 1, 3000, 0);
    assert_news(f, "");
    play_times(f, 1, 3000, 2);
    assert_news(f, "+circuit-loss ");
    assert_evidence(f, "lost", "3 of 15 packets in 3 rounds");
    assert_int_equal(f->severity, EXCEPTION_MAJOR);
    play_times(f, 6, 3000, 0);
    assert_news(f, "-circuit-loss ");
}

static void
a_dead_path_is_not_lossy_besides(void **state)
{
    struct fixture *f = *state;
    play_times(f, 1, 3000, 5);
    assert_news(f, "");
    play_times(f, 20, 3000, 5);
    assert_news(f, "+circuit-dead ");
    assert_int_equal(f->severity, EXCEPTION_CRITICAL);
    assert_string_equal(f->text, "Circuit scada: nothing arrives on its primary path, forward to "
                                 "rtu.");
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "dead");
    play_times(f, 6, 3000, 0);
    assert_news(f, "-circuit-dead ");
}

static void
the_failover_path_has_exceptions_of_its_own(void **state)
{
    struct fixture *f = *state;
    play(f, PATH_FAILOVER, 5000, 5);
    play(f, PATH_FAILOVER, 5000, 5);
    assert_news(f, "+failover-dead ");
    assert_int_equal(f->severity, EXCEPTION_MAJOR);
    assert_string_equal(watch_verdict(f->watch, PATH_PRIMARY), "unknown");
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "dead");
    play_times(f, 10, 3000, 0);
    assert_news(f, "");
    play(f, PATH_FAILOVER, 5000, 0);
    play(f, PATH_FAILOVER, 5000, 0);
    assert_news(f, "-failover-dead ");
}

/* 600 s are 60 rounds. */
static void
a_deviation_that_lasts_is_told_again_now_and_then(void **state)
{
    struct fixture *f = *state;
    play_times(f, 3, 4000, 0);
    assert_news(f, "+circuit-latency ");
    play_times(f, 59, 4000, 0);
    assert_news(f, "");
    play(f, PATH_PRIMARY, 4100, 0);
    assert_news(f, "=circuit-latency ");
    assert_evidence(f, "latency", "4.100 ms");
    assert_evidence(f, "rounds", "63 in a row");
}

static void
what_comes_back_soon_has_to_be_good_for_longer(void **state)
{
    struct fixture *f = *state;
    static const unsigned asked[] = {6, 12, 24, 48, 48}; /* at most eight times as many */
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        play_times(f, 3, 4000, 0);
        assert_news(f, "+circuit-latency ");
        assert_int_equal(watch_is_flapping(f->watch), i > 0);
        play_times(f, asked[i] - 1, 3000, 0);
        assert_news(f, "");
        play(f, PATH_PRIMARY, 3000, 0);
        assert_news(f, "-circuit-latency ");
        assert_false(watch_is_flapping(f->watch));
    }
    assert_evidence(f, "flapping", "it came back 4 times, each within 600 s of clearing");
    play_times(f, 61, 3000, 0); /* quiet for long enough */
    play_times(f, 3, 4000, 0);
    play_times(f, 6, 3000, 0);
    assert_news(f, "+circuit-latency -circuit-latency ");
}

static void
a_circuit_that_cannot_be_measured_is_not_watched(void **state)
{
    struct fixture *f = *state;
    miss(f);
    miss(f);
    play_times(f, 1, 3000, 0);
    miss(f);
    miss(f);
    assert_news(f, "");
    miss(f);
    assert_news(f, "+circuit-unwatched ");
    assert_string_equal(f->text, "Circuit scada is not watched: node x: away.");
    assert_evidence(f, "rounds", "3 in a row could not be made");
    assert_string_equal(watch_verdict(f->watch, TEST_PATH_MAX), "unwatched");
    play_times(f, 6, 3000, 0);
    assert_news(f, "-circuit-unwatched ");
}

static void
news_that_did_not_arrive_are_told_again(void **state)
{
    struct fixture *f = *state;
    play_times(f, 3, 4000, 0);
    watch_untold(f->watch, "circuit-latency");
    play_times(f, 2, 4000, 0);
    assert_news(f, "+circuit-latency =circuit-latency ");
    play_times(f, 6, 3000, 0);
    watch_untold(f->watch, "circuit-latency");
    play_times(f, 2, 3000, 0);
    assert_news(f, "-circuit-latency -circuit-latency ");
}

static void
what_was_raised_before_a_restart_is_cleared(void **state)
{
    struct fixture *f = *state;
    watch_adopt(f->watch, "circuit-loss", 0);
    watch_adopt(f->watch, "rule-foreign", 0); /* somebody else's */
    play_times(f, 5, 3000, 0);
    assert_news(f, "");
    play_times(f, 1, 3000, 0);
    assert_news(f, "-circuit-loss ");
}

static void
a_new_fingerprint_clears_what_it_explains(void **state)
{
    struct fixture *f = *state;
    struct entries fingerprint = {0};
    play_times(f, 3, 4000, 0);
    assert_news(f, "+circuit-latency ");
    add_entry(&fingerprint, PATH_PRIMARY, "rtu", 4000, 0);
    watch_rebase(f->watch, &fingerprint);
    entries_fini(&fingerprint);
    play_times(f, 6, 4000, 0);
    assert_news(f, "-circuit-latency ");
}

static void
all_that_is_raised_is_cleared_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct watch_context context = {&f->circuit, 0, keep_news, f};
    play_times(f, 3, 4000, 0);
    play(f, PATH_FAILOVER, 5000, 5);
    play(f, PATH_FAILOVER, 5000, 5);
    assert_news(f, "+circuit-latency +failover-dead ");
    watch_end(f->watch, "gone", &context);
    assert_news(f, "-circuit-latency -failover-dead ");
    assert_string_equal(f->text, "gone");
}

/* One of two receivers. */
static void
one_end_is_enough(void **state)
{
    struct fixture *f = *state;
    struct watch_context context = {&f->circuit, 1, keep_news, f};
    for (int i = 0; i < 3; i++) {
        struct entries entries = {0};
        add_entry(&entries, PATH_PRIMARY, "rtu", 3000, 0);
        add_entry(&entries, PATH_PRIMARY, "other", 3000, 5);
        watch_round(f->watch, PATH_PRIMARY, &entries, &context);
        entries_fini(&entries);
    }
    assert_news(f, "+circuit-dead ");
    assert_evidence(f, "receiver", "other");
}

static void
a_summary_has_all_rounds_since_the_last(void **state)
{
    struct fixture *f = *state;
    struct entries summary = {0};
    play_times(f, 9, 3000, 0);
    play_times(f, 1, 3300, 1);
    watch_summary(f->watch, 7, &summary);
    assert_int_equal(summary.n, 1); /* the failover path had no round */
    assert_int_equal(summary.list[0].sent, 50);
    assert_int_equal(summary.list[0].lost, 1);
    assert_int_equal(summary.list[0].p50, 3000000);
    assert_int_equal(summary.list[0].p99, 3320000);
    assert_int_equal(summary.list[0].time, 7);
    entries_fini(&summary);
    watch_summary(f->watch, 8, &summary);
    assert_int_equal(summary.n, 0);
}

static void
names_of_exceptions_are_known(void **state UNUSED)
{
    assert_string_equal(watch_exception("circuit-dead"), "circuit-dead");
    assert_string_equal(watch_exception("failover-latency"), "failover-latency");
    assert_string_equal(watch_exception("circuit-unwatched"), "circuit-unwatched");
    assert_null(watch_exception("rule-foreign"));
}

#define TEST_WATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(TEST_WATCH(a_circuit_as_fingerprinted_is_no_news),
          TEST_WATCH(a_latency_is_off_after_three_rounds_and_well_after_six),
          TEST_WATCH(too_fast_is_another_path),
          TEST_WATCH(a_circuit_on_its_failover_path_is_recognised),
          TEST_WATCH(beyond_the_budget_is_worse),
          TEST_WATCH(a_latency_by_other_clocks_is_not_compared),
          TEST_WATCH(losses_in_two_of_three_rounds_are_a_deviation),
          TEST_WATCH(a_dead_path_is_not_lossy_besides),
          TEST_WATCH(the_failover_path_has_exceptions_of_its_own),
          TEST_WATCH(a_deviation_that_lasts_is_told_again_now_and_then),
          TEST_WATCH(what_comes_back_soon_has_to_be_good_for_longer),
          TEST_WATCH(a_circuit_that_cannot_be_measured_is_not_watched),
          TEST_WATCH(news_that_did_not_arrive_are_told_again),
          TEST_WATCH(what_was_raised_before_a_restart_is_cleared),
          TEST_WATCH(a_new_fingerprint_clears_what_it_explains),
          TEST_WATCH(all_that_is_raised_is_cleared_at_the_end), TEST_WATCH(one_end_is_enough),
          TEST_WATCH(a_summary_has_all_rounds_since_the_last),
          cmocka_unit_test(names_of_exceptions_are_known))
