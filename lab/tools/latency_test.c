#include "lab/tools/latency.h"

#include "base/testing.h"

static void
small_values_are_exact(void **state UNUSED)
{
    static struct latency l;
    for (int i = 1; i <= 100; i++)
        latency_add(&l, i);
    assert_true(l.min == 1 && l.max == 100 && l.sum == 5050);
    assert_int_equal(latency_percentile(&l, 50), 50);
    assert_int_equal(latency_percentile(&l, 99), 99);
    assert_int_equal(latency_percentile(&l, 100), 100);
    assert_int_equal(latency_percentile(&l, 0), 1);
}

static void
a_percentile_is_at_most_a_sixtyfourth_too_high(void **state UNUSED)
{
    for (nsec_t value = 1; value < INT64_C(1) << 46; value = value * 21 / 13 + 1) {
        static struct latency l;
        memset(&l, 0, sizeof l);
        for (int i = 0; i < 99; i++)
            latency_add(&l, value);
        latency_add(&l, value * 2);
        nsec_t p50 = latency_percentile(&l, 50);
        assert_true(p50 >= value && p50 - value <= value / 64);
        assert_int_equal(latency_percentile(&l, 100), value * 2);
    }
}

static void
extremes_are_kept(void **state UNUSED)
{
    static struct latency l;
    assert_int_equal(latency_percentile(&l, 99), 0);
    latency_add(&l, -7);
    latency_add(&l, INT64_C(1) << 60);
    assert_true(l.min == -7 && l.max == INT64_C(1) << 60);
    assert_int_equal(latency_percentile(&l, 1), 0);
}

TEST_MAIN(cmocka_unit_test(small_values_are_exact),
          cmocka_unit_test(a_percentile_is_at_most_a_sixtyfourth_too_high),
          cmocka_unit_test(extremes_are_kept))
