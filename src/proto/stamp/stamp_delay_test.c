#include "proto/stamp/stamp_delay.h"

#include "base/testing.h"

static void
a_single_sample_is_everything(void **state UNUSED)
{
    struct stamp_delay_sample s = {7, -5};
    struct stamp_delay d = stamp_delay_summary(&s, 1);
    assert_int_equal(d.n, 1);
    assert_true(d.min == -5 && d.mean == -5 && d.p50 == -5 && d.p99 == -5 && d.max == -5);
    assert_int_equal(d.n_ipdv, 0);
    d = stamp_delay_summary(&s, 0);
    assert_true(d.n == 0 && d.max == 0);
}

static void
percentiles_are_of_the_nearest_rank(void **state UNUSED)
{
    struct stamp_delay_sample s[200];
    for (uint32_t i = 0; i < 200; i++)
        s[i] = (struct stamp_delay_sample){i, (i * 77 % 200) + 1}; /* 1 to 200, shuffled */
    struct stamp_delay d = stamp_delay_summary(s, 200);
    assert_true(d.min == 1 && d.p50 == 100 && d.p99 == 198 && d.max == 200 && d.mean == 100);
    assert_true(d.pdv_mean == 99 && d.pdv_p99 == 197);
    d = stamp_delay_summary(s, 100);
    assert_int_equal(d.n, 100);
}

static void
ipdv_compares_packets_sent_one_after_the_other(void **state UNUSED)
{
    /* RFC 3393: 3 and 4 are neighbours, so are 4 and 5; 7 has none. Given out of order. */
    struct stamp_delay_sample s[] = {{7, 500}, {5, 40}, {3, 10}, {4, 60}};
    struct stamp_delay d = stamp_delay_summary(s, 4);
    assert_int_equal(d.n_ipdv, 2);
    assert_int_equal(d.ipdv_mean, (50 + 20) / 2);
    assert_int_equal(d.ipdv_p99, 50);
}

static void
sequence_numbers_may_wrap(void **state UNUSED)
{
    struct stamp_delay_sample s[] = {{0, 3}, {UINT32_MAX, 1}, {1, 8}};
    struct stamp_delay d = stamp_delay_summary(s, 3);
    assert_int_equal(d.n_ipdv, 2);
    assert_int_equal(d.ipdv_p99, 5);
    assert_int_equal(s[0].sequence, UINT32_MAX);
}

TEST_MAIN(cmocka_unit_test(a_single_sample_is_everything),
          cmocka_unit_test(percentiles_are_of_the_nearest_rank),
          cmocka_unit_test(ipdv_compares_packets_sent_one_after_the_other),
          cmocka_unit_test(sequence_numbers_may_wrap))
