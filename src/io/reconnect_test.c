#include "io/reconnect.h"

#include "base/testing.h"

#define MS(n) ((n)*NSEC_PER_MSEC)

static const struct reconnect_config config = {
    .min = MS(100),
    .max = MS(1000),
    .healthy_after = MS(5000),
    .seed = 7,
};

/* Fails one attempt; returns how long it then waits. */
static nsec_t
fail_once(struct reconnect *r, nsec_t *now)
{
    *now = reconnect_wake(r);
    assert_true(reconnect_run(r, *now));
    *now += MS(3);
    reconnect_lost(r, *now);
    return reconnect_wake(r) - *now;
}

static void
the_first_attempt_is_at_once_and_asked_for_once(void **state UNUSED)
{
    struct reconnect r;
    reconnect_init(&r, &config, MS(50));
    assert_int_equal(reconnect_wake(&r), MS(50));
    assert_true(reconnect_run(&r, MS(50)));
    assert_false(reconnect_run(&r, MS(51)));
    assert_int_equal(reconnect_wake(&r), NSEC_NEVER);
    assert_int_equal(r.state, RECONNECT_CONNECTING);
}

static void
waits_double_up_to_the_maximum_less_at_most_one_half(void **state UNUSED)
{
    static const nsec_t whole[] = {MS(100),  MS(200),  MS(400), MS(800),
                                   MS(1000), MS(1000), MS(1000)};
    struct reconnect r;
    nsec_t now = 0;
    reconnect_init(&r, &config, now);
    for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
        nsec_t wait = fail_once(&r, &now);
        assert_in_range(wait, whole[i] / 2, whole[i]);
        assert_false(reconnect_run(&r, reconnect_wake(&r) - 1));
    }
    assert_int_equal(r.failures, ARRAY_SIZE(whole));
}

static void
the_same_seed_waits_the_same_and_another_one_does_not(void **state UNUSED)
{
    struct reconnect_config other_config = config;
    other_config.seed++;
    struct reconnect a, b, other;
    nsec_t now_a = 0, now_b = 0, now_other = 0;
    bool differs = false;
    reconnect_init(&a, &config, 0);
    reconnect_init(&b, &config, 0);
    reconnect_init(&other, &other_config, 0);
    for (int i = 0; i < 20; i++) {
        nsec_t wait = fail_once(&a, &now_a);
        assert_int_equal(fail_once(&b, &now_b), wait);
        differs |= fail_once(&other, &now_other) != wait;
    }
    assert_true(differs);
}

static void
a_healthy_connection_earns_a_fresh_start(void **state UNUSED)
{
    struct reconnect r;
    nsec_t now = 0;
    reconnect_init(&r, &config, now);
    for (int i = 0; i < 4; i++)
        fail_once(&r, &now);
    now = reconnect_wake(&r);
    assert_true(reconnect_run(&r, now));
    reconnect_connected(&r, now);
    now += MS(5000);
    reconnect_lost(&r, now);
    assert_in_range(reconnect_wake(&r) - now, MS(50), MS(100));
    assert_int_equal(r.connections, 1);
    assert_int_equal(r.attempts, 5);
}

static void
a_peer_that_accepts_and_hangs_up_is_asked_less_and_less(void **state UNUSED)
{
    struct reconnect r;
    nsec_t now = 0;
    reconnect_init(&r, &config, now);
    for (int i = 0; i < 4; i++) {
        now = reconnect_wake(&r);
        assert_true(reconnect_run(&r, now));
        reconnect_connected(&r, now + MS(1));
        now += MS(5000); /* one millisecond short of healthy */
        reconnect_lost(&r, now);
    }
    assert_in_range(reconnect_wake(&r) - now, MS(400), MS(800));
}

static void
hurry_ends_a_wait_and_nothing_else(void **state UNUSED)
{
    struct reconnect r;
    nsec_t now = 0;
    reconnect_init(&r, &config, now);
    fail_once(&r, &now);
    reconnect_hurry(&r, now);
    assert_true(reconnect_run(&r, now));
    reconnect_hurry(&r, now);
    assert_false(reconnect_run(&r, now));
    assert_int_equal(r.state, RECONNECT_CONNECTING);
}

static void
events_that_do_not_fit_the_state_change_nothing(void **state UNUSED)
{
    struct reconnect r;
    reconnect_init(&r, &config, 0);
    reconnect_connected(&r, 0);
    reconnect_lost(&r, 0);
    assert_int_equal(r.state, RECONNECT_WAITING);
    assert_int_equal(r.failures, 0);
    assert_int_equal(reconnect_wake(&r), 0);
}

static void
defaults_are_filled_in(void **state UNUSED)
{
    struct reconnect r;
    reconnect_init(&r, &(struct reconnect_config){0}, 0);
    assert_int_equal(r.config.min, MS(500));
    assert_int_equal(r.config.max, MS(8000));
    assert_int_equal(r.config.healthy_after, MS(10000));
    reconnect_init(&r, &(struct reconnect_config){.min = MS(9000), .max = MS(10)}, 0);
    assert_int_equal(r.config.max, MS(9000));
}

static void
years_of_failure_do_not_overflow(void **state UNUSED)
{
    struct reconnect r;
    nsec_t now = 0;
    reconnect_init(&r, &(struct reconnect_config){.min = 1, .max = INT64_MAX / 4}, now);
    for (int i = 0; i < 200; i++) {
        now = 0;
        r.due = 0;
        nsec_t wait = fail_once(&r, &now);
        assert_true(wait >= 0 && wait <= INT64_MAX / 4);
    }
}

TEST_MAIN(cmocka_unit_test(the_first_attempt_is_at_once_and_asked_for_once),
          cmocka_unit_test(waits_double_up_to_the_maximum_less_at_most_one_half),
          cmocka_unit_test(the_same_seed_waits_the_same_and_another_one_does_not),
          cmocka_unit_test(a_healthy_connection_earns_a_fresh_start),
          cmocka_unit_test(a_peer_that_accepts_and_hangs_up_is_asked_less_and_less),
          cmocka_unit_test(hurry_ends_a_wait_and_nothing_else),
          cmocka_unit_test(events_that_do_not_fit_the_state_change_nothing),
          cmocka_unit_test(defaults_are_filled_in),
          cmocka_unit_test(years_of_failure_do_not_overflow))
