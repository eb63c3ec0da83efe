#include "gateway/attempts.h"

#include "base/testing.h"

#include <stdio.h>

#define HERE "192.0.2.1:1000"

static void
some_are_free_then_each_waits_longer(void **state UNUSED)
{
    struct attempts *a = attempts_new();
    for (unsigned i = 0; i < ATTEMPTS_FREE; i++) {
        attempts_failed(a, HERE, 0);
        assert_int_equal(attempts_wait(a, HERE, 0), 0);
    }
    nsec_t expected = ATTEMPTS_WAIT, now = 0;
    for (unsigned i = 0; i < 20; i++) {
        attempts_failed(a, HERE, now);
        assert_int_equal(attempts_wait(a, HERE, now), MIN(expected, ATTEMPTS_WAIT_MAX));
        now += attempts_wait(a, HERE, now);
        assert_int_equal(attempts_wait(a, HERE, now), 0);
        expected = expected > ATTEMPTS_WAIT_MAX ? expected : 2 * expected;
    }
    attempts_free(a);
}

static struct attempts *
blocked(const char *address)
{
    struct attempts *a = attempts_new();
    for (unsigned i = 0; i <= ATTEMPTS_FREE; i++)
        attempts_failed(a, address, 0);
    assert_true(attempts_wait(a, address, 0) > 0);
    return a;
}

static void
an_address_is_a_machine(void **state UNUSED)
{
    struct attempts *a = blocked(HERE);
    assert_true(attempts_wait(a, "192.0.2.1:2", 0) > 0);
    assert_int_equal(attempts_wait(a, "192.0.2.2:1000", 0), 0);
    attempts_free(a);
    a = blocked("[2001:db8:1:2::1]:1000");
    assert_true(attempts_wait(a, "[2001:db8:1:2:ffff::7]:4", 0) > 0);
    assert_int_equal(attempts_wait(a, "[2001:db8:1:3::1]:1000", 0), 0);
    attempts_free(a);
}

static void
success_and_time_forgive(void **state UNUSED)
{
    struct attempts *a = blocked(HERE);
    attempts_succeeded(a, HERE);
    assert_int_equal(attempts_wait(a, HERE, 0), 0);
    attempts_free(a);
    a = blocked(HERE);
    attempts_failed(a, HERE, ATTEMPTS_FORGET);
    assert_int_equal(attempts_wait(a, HERE, ATTEMPTS_FORGET), 0);
    attempts_free(a);
}

static void
many_addresses_share_one_count(void **state UNUSED)
{
    struct attempts *a = attempts_new();
    char address[32];
    for (unsigned i = 0; i < 2 * ATTEMPTS_ADDRESSES; i++) {
        snprintf(address, sizeof address, "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
        attempts_failed(a, address, 0);
    }
    assert_true(attempts_wait(a, "203.0.113.1:1", 0) > 0);
    attempts_free(a);
}

TEST_MAIN(cmocka_unit_test(some_are_free_then_each_waits_longer),
          cmocka_unit_test(an_address_is_a_machine), cmocka_unit_test(success_and_time_forgive),
          cmocka_unit_test(many_addresses_share_one_count))
