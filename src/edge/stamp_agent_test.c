/* What the network does to test packets comes out as it was put in. */
#include "edge/stamp_testing.h"

static bool
is_tester(const struct world *w, const struct station *from)
{
    return from == &w->nodes[TESTER];
}

static struct fate
three_there_five_back(const struct world *w, const struct station *from, uint32_t n UNUSED)
{
    return (struct fate){.latency = is_tester(w, from) ? 3 * MS : 5 * MS};
}

static void
a_quiet_network_is_measured_exactly(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = three_there_five_back;
    const json_t *a = measure(w, in_band("t-1", 100, 2048));
    assert_text(a, "id", "t-1");
    assert_number(a, "sent", 100);
    assert_number(a, "size", 128);
    assert_number(a, "span-ns", 99 * 2048 * US);
    assert_text(a, "timestamps", "kernel");
    const json_t *r = reflector(a, 0);
    assert_text(r, "address", "10.20.0.11");
    assert_text(r, "timestamps", "kernel");
    assert_true(json_is_true(at(r, "synchronised")));
    assert_true(json_is_true(at(r, "directions")));
    assert_number(r, "unattributed", 0);
    static const struct {
        const char *way;
        nsec_t latency;
    } ways[] = {{"round-trip", 8 * MS}, {"forward", 3 * MS}, {"backward", 5 * MS}};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        static const char *const names[] = {"min-ns", "mean-ns", "p50-ns", "p99-ns", "max-ns"};
        const json_t *way = at(r, ways[i].way);
        assert_number(way, "sent", 100);
        assert_number(way, "received", 100);
        assert_number(way, "lost", 0);
        assert_number(way, "duplicated", 0);
        assert_number(way, "reordered", 0);
        assert_number(way, "jitter-ns", 0);
        for (size_t k = 0; k < ARRAY_SIZE(names); k++)
            assert_number(way, names[k], ways[i].latency);
    }
    world_free(w);
}

static struct fate
loses(const struct world *w, const struct station *from, uint32_t n)
{
    /* 5 of 50 on the way there, of the 45 others 3 on the way back. */
    bool lost = is_tester(w, from) ? n % 10 == 3 : n % 15 == 4;
    return (struct fate){.lost = lost, .latency = MS};
}

static void
losses_are_known_each_way(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = loses;
    const json_t *r = reflector(measure(w, in_band("t", 50, 1000)), 0);
    assert_number(r, "round-trip.sent", 50);
    assert_number(r, "round-trip.lost", 8);
    assert_number(r, "round-trip.received", 42);
    assert_number(r, "forward.sent", 50);
    assert_number(r, "forward.lost", 5);
    assert_number(r, "backward.sent", 45);
    assert_number(r, "backward.lost", 3);
    assert_number(r, "unattributed", 0);
    world_free(w);
}

static struct fate
loses_the_last(const struct world *w, const struct station *from, uint32_t n)
{
    return (struct fate){.lost = is_tester(w, from) && n >= 8, .latency = MS};
}

static void
the_last_losses_could_have_been_either_way(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = loses_the_last;
    const json_t *r = reflector(measure(w, in_band("t", 10, 1000)), 0);
    assert_number(r, "round-trip.lost", 2);
    assert_number(r, "forward.sent", 8);
    assert_number(r, "forward.lost", 0);
    assert_number(r, "unattributed", 2);
    world_free(w);
}

static void
silence_is_loss_without_latencies(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->nodes[1].deaf = true;
    const json_t *a = measure(w, in_band("t", 10, 1000)), *r = reflector(a, 0);
    assert_number(r, "round-trip.sent", 10);
    assert_number(r, "round-trip.lost", 10);
    assert_number(r, "unattributed", 10);
    assert_has_no(r, "round-trip", "p50-ns");
    assert_has_no(r, "forward", "p50-ns");
    assert_true(json_is_false(at(r, "directions")));
    assert_true(json_is_false(at(r, "synchronised")));
    assert_text(r, "timestamps", "application");
    world_free(w);
}

static struct fate
doubles(const struct world *w, const struct station *from, uint32_t n)
{
    bool again = is_tester(w, from) ? n == 2 || n == 5 : n == 9;
    return (struct fate){.latency = MS, .again = again ? 100 * US : 0};
}

static void
duplicates_are_counted_where_they_were_made(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = doubles;
    const json_t *r = reflector(measure(w, in_band("t", 20, 1000)), 0);
    assert_number(r, "round-trip.received", 20);
    assert_number(r, "round-trip.duplicated", 3);
    assert_number(r, "forward.duplicated", 2);
    assert_number(r, "backward.duplicated", 1);
    assert_number(r, "forward.lost", 0);
    assert_number(r, "backward.lost", 0);
    world_free(w);
}

static struct fate
overtakes(const struct world *w, const struct station *from, uint32_t n)
{
    bool slow = is_tester(w, from) ? n == 4 : n == 10 || n == 13;
    return (struct fate){.latency = slow ? 3500 * US : MS};
}

static void
reordering_is_counted_where_it_happened(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = overtakes;
    const json_t *r = reflector(measure(w, in_band("t", 20, 1000)), 0);
    assert_number(r, "forward.reordered", 1);
    assert_number(r, "backward.reordered", 2);
    assert_number(r, "round-trip.reordered", 3);
    assert_number(r, "round-trip.lost", 0);
    world_free(w);
}

static struct fate
too_late(const struct world *w, const struct station *from, uint32_t n)
{
    return (struct fate){.latency = is_tester(w, from) && n == 1 ? 1100 * MS : MS};
}

static void
what_comes_after_its_time_is_lost(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = too_late;
    const json_t *r = reflector(measure(w, in_band("t", 5, 500000)), 0);
    assert_number(r, "round-trip.received", 4);
    assert_number(r, "round-trip.lost", 1);
    world_free(w);
}

static struct fate
trembles(const struct world *w, const struct station *from, uint32_t n)
{
    return (struct fate){.latency = is_tester(w, from) && n % 2 ? 1400 * US : MS};
}

static void
jitter_is_the_mean_of_the_differences(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = trembles;
    const json_t *r = reflector(measure(w, in_band("t", 101, 2000)), 0);
    assert_number(r, "forward.jitter-ns", 400 * US);
    assert_number(r, "backward.jitter-ns", 0);
    assert_number(r, "forward.p50-ns", MS);
    assert_number(r, "forward.p99-ns", 1400 * US);
    world_free(w);
}

static void
clocks_that_disagree_make_negative_latencies(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = three_there_five_back;
    w->nodes[1].clock_offset = 10 * NSEC_PER_SEC;
    w->nodes[1].synchronised = false;
    const json_t *r = reflector(measure(w, in_band("t", 10, 2000)), 0);
    assert_number(r, "forward.min-ns", 10 * NSEC_PER_SEC + 3 * MS);
    assert_number(r, "backward.max-ns", -10 * NSEC_PER_SEC + 5 * MS);
    assert_number(r, "round-trip.p50-ns", 8 * MS);
    assert_true(json_is_false(at(r, "synchronised")));
    world_free(w);
}

static void
clocks_that_have_nothing_in_common_have_no_latency_between_them(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->nodes[1].clock_offset = -1001 * NSEC_PER_SEC;
    const json_t *r = reflector(measure(w, in_band("t", 10, 2000)), 0);
    assert_has_no(r, "forward", "p50-ns");
    assert_has_no(r, "backward", "p50-ns");
    assert_number(r, "round-trip.p50-ns", 2 * MS);
    assert_number(r, "forward.received", 10);
    world_free(w);
}

/* ---- Timestamps ---- */

static void
what_waits_in_a_nodes_own_queue_is_not_on_the_way(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = three_there_five_back;
    w->nodes[TESTER].queue = 700 * US;
    w->nodes[1].queue = 300 * US;
    const json_t *r = reflector(measure(w, in_band("t", 10, 2000)), 0);
    assert_number(r, "forward.max-ns", 3 * MS);
    assert_number(r, "backward.max-ns", 5 * MS);
    assert_number(r, "round-trip.max-ns", 8 * MS);
    world_free(w);
}

static void
without_the_kernels_word_the_timestamps_are_our_own(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = three_there_five_back;
    w->nodes[TESTER].queue = 700 * US;
    w->nodes[TESTER].kernel = false;
    const json_t *a = measure(w, in_band("t", 10, 2000));
    assert_text(a, "timestamps", "application");
    assert_text(reflector(a, 0), "timestamps", "kernel");
    assert_number(reflector(a, 0), "forward.max-ns", 3700 * US);
    w->nodes[TESTER].kernel = true;
    w->nodes[1].kernel = false;
    a = measure(w, in_band("t", 10, 2000));
    assert_text(a, "timestamps", "kernel");
    assert_text(reflector(a, 0), "timestamps", "application");
    world_free(w);
}

/* ---- Pace ---- */

static void
a_late_clock_does_not_slow_the_test_down(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->lateness = 700 * US;
    const json_t *a = measure(w, in_band("t", 1001, 200));
    nsec_t span = json_integer_value(at(a, "span-ns"));
    assert_in_range(span, 199 * MS, 201 * MS);
    assert_number(reflector(a, 0), "round-trip.lost", 0);
    for (unsigned i = 5; i < 1001; i++) /* batches are small */
        assert_true(w->left[i] - w->left[i - 5] >= 600 * US);
    world_free(w);
}

static void
a_stall_shifts_the_test_and_makes_no_burst(void **state UNUSED)
{
    struct world *w = world_new(1);
    assert_ok(start(w, in_band("t", 100, 1000), NULL));
    while (w->nodes[TESTER].n_sent < 20)
        assert_true(world_step(w));
    w->now += 300 * MS;
    world_run(w);
    assert_ok(w->done.err);
    assert_in_range(json_integer_value(at(w->done.answer, "span-ns")), 390 * MS, 410 * MS);
    for (unsigned i = 21; i < 100; i++)
        assert_true(w->left[i] - w->left[i - 1] >= MS);
    world_free(w);
}

/* ---- Over the management network ---- */

static struct fate
second_reflector_loses(const struct world *w, const struct station *from, uint32_t n)
{
    /* A group's frame has a fate for each reflector. */
    if (is_tester(w, from))
        return (struct fate){.lost = n % 3 == 1 && n / 3 % 4 == 0,
                             .latency = (nsec_t)(1 + n % 3) * MS};
    return (struct fate){.latency = 40 * MS};
}

static void
a_group_is_answered_over_the_management_network(void **state UNUSED)
{
    struct world *w = world_new(3);
    w->fate = second_reflector_loses;
    w->nodes[3].deaf = true;
    const json_t *a = measure(w, by_management("t", 40, 1000));
    assert_number(a, "size", 300);
    assert_text(a, "timestamps", "kernel");
    for (size_t i = 0; i < 3; i++) {
        static const char *const addresses[] = {"10.9.0.2", "10.9.0.3", "10.9.0.4"};
        assert_text(reflector(a, i), "address", addresses[i]);
        assert_number(reflector(a, i), "round-trip.sent", 40);
    }
    assert_number(reflector(a, 0), "forward.lost", 0);
    assert_number(reflector(a, 0), "forward.p50-ns", MS);
    assert_text(reflector(a, 0), "timestamps", "kernel");
    assert_number(reflector(a, 1), "forward.lost", 10);
    assert_number(reflector(a, 1), "backward.lost", 0);
    assert_number(reflector(a, 1), "forward.p50-ns", 2 * MS);
    assert_number(reflector(a, 2), "round-trip.lost", 40);
    assert_int_equal(w->nodes[TESTER].n_ports, 0);
    world_free(w);
}

static void
a_port_is_shared_by_the_tests_that_need_it(void **state UNUSED)
{
    struct world *w = world_new(3);
    assert_ok(start(w, by_management("a", 10, 1000), NULL));
    assert_ok(start(w, by_management("b", 20, 1000), NULL));
    assert_int_equal(w->nodes[TESTER].n_ports, 1);
    world_run(w);
    assert_int_equal(w->done.n, 2);
    assert_number(reflector(w->done.answer, 2), "round-trip.received", 20);
    assert_number(reflector(w->done.answer, 2), "forward.lost", 0);
    assert_int_equal(w->nodes[TESTER].n_ports, 0);
    world_free(w);
}

/* ---- Many, and again ---- */

static void
tests_of_one_circuit_do_not_disturb_each_other(void **state UNUSED)
{
    struct world *w = world_new(1);
    w->fate = loses;
    assert_ok(start(w, in_band("a", 40, 1000), NULL));
    assert_ok(start(w, in_band("b", 50, 1100), NULL));
    world_run(w);
    assert_int_equal(w->done.n, 2);
    assert_number(w->done.answer, "sent", 50);
    const json_t *r = reflector(w->done.answer, 0);
    json_int_t lost = json_integer_value(at(r, "forward.lost"));
    assert_in_range(lost, 1, 8);
    assert_number(r, "round-trip.lost",
                  lost + json_integer_value(at(r, "backward.lost")) +
                      json_integer_value(at(r, "unattributed")));
    world_free(w);
}

static void
each_test_counts_anew(void **state UNUSED)
{
    struct world *w = world_new(1);
    for (unsigned i = 0; i < 3; i++) {
        w->fate = loses;
        w->nodes[0].n_sent = w->nodes[1].n_sent = 0;
        const json_t *r = reflector(measure(w, in_band("t", 50, 1000)), 0);
        assert_number(r, "forward.lost", 5);
        assert_number(r, "backward.lost", 3);
    }
    world_free(w);
}

static void
reflected_sessions_are_forgotten(void **state UNUSED)
{
    struct world *w = world_new(1);
    for (unsigned i = 0; i < 6000; i++) {
        w->now += 10 * MS;
        const json_t *r = reflector(measure(w, in_band("t", 2, 1000)), 0);
        assert_number(r, "round-trip.received", 2);
    }
    json_t *status = stamp_agent_status(w->nodes[1].agent);
    assert_number(status, "not-reflected", 0);
    assert_number(status, "reflected", 12000);
    json_decref(status);
    world_free(w);
}

TEST_MAIN(cmocka_unit_test(a_quiet_network_is_measured_exactly),
          cmocka_unit_test(losses_are_known_each_way),
          cmocka_unit_test(the_last_losses_could_have_been_either_way),
          cmocka_unit_test(silence_is_loss_without_latencies),
          cmocka_unit_test(duplicates_are_counted_where_they_were_made),
          cmocka_unit_test(reordering_is_counted_where_it_happened),
          cmocka_unit_test(what_comes_after_its_time_is_lost),
          cmocka_unit_test(jitter_is_the_mean_of_the_differences),
          cmocka_unit_test(clocks_that_disagree_make_negative_latencies),
          cmocka_unit_test(clocks_that_have_nothing_in_common_have_no_latency_between_them),
          cmocka_unit_test(what_waits_in_a_nodes_own_queue_is_not_on_the_way),
          cmocka_unit_test(without_the_kernels_word_the_timestamps_are_our_own),
          cmocka_unit_test(a_late_clock_does_not_slow_the_test_down),
          cmocka_unit_test(a_stall_shifts_the_test_and_makes_no_burst),
          cmocka_unit_test(a_group_is_answered_over_the_management_network),
          cmocka_unit_test(a_port_is_shared_by_the_tests_that_need_it),
          cmocka_unit_test(tests_of_one_circuit_do_not_disturb_each_other),
          cmocka_unit_test(each_test_counts_anew),
          cmocka_unit_test(reflected_sessions_are_forgotten))
