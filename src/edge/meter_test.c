#include "edge/meter.h"

#include "base/testing.h"

#include <stdlib.h>

static struct meter_entry *
drop_meter(uint16_t flags, uint32_t rate, uint32_t burst)
{
    struct band band = {BAND_DROP, 0, rate, burst};
    struct meter meter = {1, flags, 1, &band};
    return meter_entry_new(&meter, NULL, 0);
}

/* Offers packets of `size` at `interval` and returns how many of `n` pass. */
static unsigned
offer(struct meter_entry *meter, uint32_t size, nsec_t start, nsec_t interval, unsigned n)
{
    unsigned passed = 0;
    uint8_t level;
    for (unsigned i = 0; i < n; i++)
        passed += meter_pass(meter, size, start + (nsec_t)i * interval, &level) == METER_PASS;
    return passed;
}

static void
passes_the_burst_and_then_the_rate(void **state UNUSED)
{
    /* 8 Mbit/s, burst 80 kbit = 10,000 octets: ten packets of 1,000 at once, then one per ms. */
    struct meter_entry *meter = drop_meter(METER_KBPS | METER_BURST, 8000, 80);
    assert_int_equal(offer(meter, 1000, NSEC_PER_SEC, 0, 100), 10);
    assert_int_equal(offer(meter, 1000, NSEC_PER_SEC, 0, 100), 0);
    assert_int_equal(offer(meter, 1000, NSEC_PER_SEC + NSEC_PER_MSEC, NSEC_PER_MSEC, 100), 100);
    assert_int_equal(offer(meter, 1000, 2 * NSEC_PER_SEC, NSEC_PER_MSEC / 2, 2000), 999 + 10);
    free(meter);
}

/* Whatever is offered, what passes in any interval t is at most burst + rate * t. */
static void
never_passes_more_than_its_arrival_curve(void **state UNUSED)
{
    struct meter_entry *meter = drop_meter(METER_KBPS | METER_BURST, 12345, 50);
    enum { N = 20000 };
    static nsec_t times[N];
    static uint32_t sizes[N];
    unsigned n = 0;
    uint64_t seed = 9;
    nsec_t now = NSEC_PER_SEC;
    for (unsigned i = 0; i < N; i++) {
        uint8_t level;
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        now += (nsec_t)(seed >> 40) % 900000;
        uint32_t size = 60 + (uint32_t)(seed >> 33) % 1400;
        if (meter_pass(meter, size, now, &level) != METER_PASS)
            continue;
        times[n] = now;
        sizes[n++] = size;
    }
    assert_true(n > 1000);
    double rate = 12345e3 / 8 / 1e9, burst = 50e3 / 8;
    for (unsigned from = 0; from < n; from += 37) {
        double sum = 0;
        for (unsigned to = from; to < n && to < from + 500; to++) {
            sum += sizes[to];
            assert_true(sum <= burst + rate * (double)(times[to] - times[from] + 33));
        }
    }
    free(meter);
}

static void
counts_packets_when_told_to(void **state UNUSED)
{
    struct meter_entry *meter = drop_meter(METER_PKTPS | METER_BURST, 100, 5);
    assert_int_equal(offer(meter, 9000, NSEC_PER_SEC, 0, 50), 5);
    assert_int_equal(offer(meter, 60, 2 * NSEC_PER_SEC, 10 * NSEC_PER_MSEC, 50), 50);
    assert_int_equal(atomic_load(&meter->packets), 100);
    assert_int_equal(atomic_load(&meter->bands[0].packets), 45);
    free(meter);
}

static void
a_long_pause_gives_one_burst_and_no_more(void **state UNUSED)
{
    struct meter_entry *meter = drop_meter(METER_KBPS | METER_BURST, 1, 8); /* 1,000 octets */
    nsec_t year = NSEC_PER_SEC * 86400 * 365;
    assert_int_equal(offer(meter, 100, NSEC_PER_SEC, 0, 100), 10);
    assert_int_equal(offer(meter, 100, 10 * year, 0, 100), 10);
    free(meter);
}

static void
the_band_with_the_highest_rate_exceeded_acts(void **state UNUSED)
{
    struct band bands[] = {{BAND_DSCP_REMARK, 1, 100, 1}, {BAND_DROP, 0, 200, 3}};
    struct meter meter = {1, METER_PKTPS | METER_BURST, 2, bands};
    struct meter_entry *entry = meter_entry_new(&meter, NULL, 0);
    static const enum meter_verdict expected[] = {METER_PASS, METER_REMARK, METER_REMARK,
                                                  METER_DROP};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        uint8_t level = 9;
        assert_int_equal(meter_pass(entry, 60, NSEC_PER_SEC, &level), expected[i]);
        assert_true(expected[i] != METER_REMARK || level == 1);
    }
    struct meter back;
    meter_entry_describe(entry, &back);
    assert_true(meter_equal(&back, &meter));
    meter_fini(&back);
    free(entry);
}

TEST_MAIN(cmocka_unit_test(passes_the_burst_and_then_the_rate),
          cmocka_unit_test(never_passes_more_than_its_arrival_curve),
          cmocka_unit_test(counts_packets_when_told_to),
          cmocka_unit_test(a_long_pause_gives_one_burst_and_no_more),
          cmocka_unit_test(the_band_with_the_highest_rate_exceeded_acts))
