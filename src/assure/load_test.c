#include "assure/load.h"

#include "assure/testing.h"

static struct circuit
ip_circuit(enum service_class class, uint32_t rate_kbps, uint32_t burst_octets)
{
    return (struct circuit){.name = (char *)"c",
                            .kind = CIRCUIT_IP,
                            .service_class = class,
                            .rate_kbps = rate_kbps,
                            .burst_octets = burst_octets};
}

static struct circuit
multicast_circuit(enum multicast_application application, uint32_t rate_kbps, uint32_t burst_octets)
{
    struct circuit c = ip_circuit(CLASS_PROTECTION, rate_kbps, burst_octets);
    c.kind = CIRCUIT_MULTICAST;
    c.multicast.application = application;
    return c;
}

/* What a meter as OpenFlow 1.3 section 5.7 describes it lets pass: a bucket of the burst's size,
 * full at first. */
static uint32_t
passed_by_meter(const struct circuit *c, const struct load *load)
{
    double octets = circuit_burst_octets(c), bucket = octets;
    uint32_t passed = 0;
    for (uint32_t i = 0; i < load->packets; i++) {
        if (i)
            bucket = MIN(octets, bucket + c->rate_kbps * load->interval_us / 8000.0);
        if (bucket >= load->size) {
            bucket -= load->size;
            passed++;
        }
    }
    return passed;
}

static const struct circuit_row {
    enum service_class class;
    uint32_t rate_kbps, burst_octets;
} circuits[] = {
    {CLASS_SCADA, 1000, 15180},     {CLASS_SCADA, 64, 15180},   {CLASS_SCADA, 9, 1500},
    {CLASS_PROTECTION, 600, 1200},  {CLASS_BULK, 50000, 15180}, {CLASS_BULK, 1000000, 150000},
    {CLASS_ENGINEERING, 2000, 600}, {CLASS_SCADA, 2, 1518},     {CLASS_BULK, 100, 126},
};

static void
everything_within_the_rate_passes_the_meter(void **state UNUSED)
{
    static const enum load_kind kinds[] = {LOAD_LATENCY, LOAD_COMMITTED, LOAD_WATCH};
    struct load_limits limits = {0};
    for (size_t i = 0; i < ARRAY_SIZE(circuits); i++) {
        struct circuit c = ip_circuit(circuits[i].class, circuits[i].rate_kbps,
                                      circuits[i].burst_octets);
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
            struct load load;
            assert_true(load_make(&c, kinds[k], &limits, &load, NULL));
            assert_int_equal(passed_by_meter(&c, &load), load.packets);
            assert_true(load.packets >= 2);
            assert_true(load.size >= TEST_FRAME_MIN && load.size <= TEST_FRAME_MAX);
            assert_true(load.size <= circuit_burst_octets(&c));
            assert_true(load_duration(&load) <= 10 * NSEC_PER_SEC);
            assert_true(load.interval_us >= 1000000 / 5000);
        }
    }
}

static void
what_exceeds_the_rate_loses_a_third(void **state UNUSED)
{
    static const struct circuit_row exceedable[] = {
        {CLASS_SCADA, 1000, 15180}, {CLASS_SCADA, 64, 15180},       {CLASS_SCADA, 64, 1200},
        {CLASS_BULK, 10000, 15180}, {CLASS_ENGINEERING, 2000, 600}, {CLASS_BULK, 64, 15180},
    };
    struct load_limits limits = {0};
    for (size_t i = 0; i < ARRAY_SIZE(exceedable); i++) {
        struct circuit c = ip_circuit(exceedable[i].class, exceedable[i].rate_kbps,
                                      exceedable[i].burst_octets);
        struct load load;
        assert_true(load_make(&c, LOAD_EXCESS, &limits, &load, NULL));
        uint64_t offered = (uint64_t)load.packets * load.size;
        uint64_t passed = (uint64_t)passed_by_meter(&c, &load) * load.size;
        uint64_t bound = load_passes_octets(&c, &load);
        assert_true(passed <= bound);
        assert_true(passed + load.size >= bound - bound / 50);
        assert_true(bound * 3 <= offered * 2 + 3 * load.size);
    }
}

static void
the_committed_rate_is_tested_for_half_a_second_or_thirty_packets(void **state UNUSED)
{
    static const struct {
        uint32_t rate_kbps, packets, interval_us, size;
    } rows[] = {
        {1000, 464, 1078, 128},  /* 128 octets at 950 kbit/s are 1077.9 us */
        {64, 30, 16843, 128},    /* longer than half a second */
        {20000, 2501, 200, 475}, /* larger packets, not more than 5000 per second */
    };
    struct load_limits limits = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct circuit c = ip_circuit(CLASS_SCADA, rows[i].rate_kbps, 15180);
        struct load load;
        assert_true(load_make(&c, LOAD_COMMITTED, &limits, &load, NULL));
        assert_int_equal(load.packets, rows[i].packets);
        assert_int_equal(load.interval_us, rows[i].interval_us);
        assert_int_equal(load.size, rows[i].size);
        assert_true(load_kbps(&load) <= c.rate_kbps * 95 / 100);
        assert_true(load_kbps(&load) >= c.rate_kbps * 94 / 100);
    }
}

static void
a_slow_circuit_is_not_tested_for_longer_than_it_is_worth(void **state UNUSED)
{
    static const struct {
        enum service_class class;
        uint32_t rate_kbps;
        uint32_t packets, size;                     /* for the latency */
        uint32_t committed_packets, committed_size; /* half a second: smaller packets */
    } rows[] = {
        {CLASS_SCADA, 64, 100, 128, 30, 128}, /* 3.2 s */
        {CLASS_SCADA, 32, 63, 128, 30, 128},  /* 4 s */
        {CLASS_BULK, 64, 20, 1400, 30, 128},  /* 6.7 s */
        {CLASS_BULK, 1000, 100, 1400, 43, 1400}, {CLASS_BULK, 400, 72, 1400, 31, 791},
    };
    struct load_limits limits = {0}, shorter = {.duration = 2 * NSEC_PER_SEC};
    struct load load;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct circuit c = ip_circuit(rows[i].class, rows[i].rate_kbps, 15180);
        assert_true(load_make(&c, LOAD_LATENCY, &limits, &load, NULL));
        assert_int_equal(load.packets, rows[i].packets);
        assert_int_equal(load.size, rows[i].size);
        assert_true(load_make(&c, LOAD_COMMITTED, &limits, &load, NULL));
        assert_int_equal(load.packets, rows[i].committed_packets);
        assert_int_equal(load.size, rows[i].committed_size);
    }
    struct circuit slow = ip_circuit(CLASS_BULK, 64, 15180);
    assert_true(load_make(&slow, LOAD_LATENCY, &shorter, &load, NULL));
    assert_int_equal(load.packets, 6); /* what was asked for comes first */
}

static void
a_meter_that_fills_too_slowly_is_not_tested(void **state UNUSED)
{
    struct circuit fills = ip_circuit(CLASS_SCADA, 42, 15180); /* in 2.9 s */
    struct circuit too_slow = ip_circuit(CLASS_SCADA, 40, 15180);
    struct load_limits limits = {0};
    struct load load;
    assert_true(load_make(&fills, LOAD_EXCESS, &limits, &load, NULL));
    assert_int_equal(load_packet_rate(&load), 124);
    assert_false(load_make(&too_slow, LOAD_EXCESS, &limits, &load, NULL));
    assert_true(load_make(&too_slow, LOAD_COMMITTED, &limits, &load, NULL));
}

static void
latency_is_measured_with_what_the_circuit_usually_carries(void **state UNUSED)
{
    struct circuit goose = multicast_circuit(MULTICAST_GOOSE, 10000, 15000);
    struct circuit sv = multicast_circuit(MULTICAST_SV, 10000, 15000);
    struct circuit small = multicast_circuit(MULTICAST_GOOSE, 10000, 200); /* 250 in the meter */
    struct circuit bulk = ip_circuit(CLASS_BULK, 100000, 15000);
    struct load_limits limits = {0};
    struct load load;
    assert_true(load_make(&goose, LOAD_LATENCY, &limits, &load, NULL));
    assert_int_equal(load.size, 300);
    assert_int_equal(load.packets, 100);
    assert_int_equal(load.interval_us, 1000);
    assert_true(load_make(&sv, LOAD_LATENCY, &limits, &load, NULL));
    assert_int_equal(load.size, 140);
    assert_true(load_make(&small, LOAD_LATENCY, &limits, &load, NULL));
    assert_int_equal(load.size, 250);
    assert_true(load_make(&bulk, LOAD_LATENCY, &limits, &load, NULL));
    assert_int_equal(load.size, 1400);
}

static void
surveillance_takes_a_tenth_of_a_small_circuit(void **state UNUSED)
{
    struct circuit large = ip_circuit(CLASS_SCADA, 1000, 15180);
    struct circuit small = ip_circuit(CLASS_SCADA, 64, 15180);
    struct load_limits limits = {.watch_packets = 3};
    struct load load;
    assert_true(load_make(&large, LOAD_WATCH, &limits, &load, NULL));
    assert_int_equal(load.packets, 3);
    assert_int_equal(load.interval_us, 20000);
    assert_true(load_make(&small, LOAD_WATCH, &limits, &load, NULL));
    assert_int_equal(load.interval_us, 160000);
    assert_int_equal(load_kbps(&load), 6);
}

static void
what_a_node_cannot_send_is_said(void **state UNUSED)
{
    struct circuit fast = ip_circuit(CLASS_BULK, 1000000, 150000);
    struct circuit tiny = ip_circuit(CLASS_SCADA, 1000, 64);
    struct circuit slow = ip_circuit(CLASS_SCADA, 8, 15180);
    struct circuit creeping = ip_circuit(CLASS_SCADA, 1, 1518);
    struct load_limits limits = {0};
    struct findings findings = {0};
    struct load load;
    assert_true(load_make(&fast, LOAD_COMMITTED, &limits, &load, &findings));
    assert_int_equal(load_kbps(&load), 60560); /* 5000 frames of 1514 octets */
    assert_finding(&findings, "rate-limited", SEVERITY_WARNING,
                   "its rate is higher than a node's tests: tested with as much as they can");
    assert_false(load_make(&fast, LOAD_EXCESS, &limits, &load, &findings));
    assert_finding(&findings, "not-tested", SEVERITY_WARNING,
                   "its rate is too high to be exceeded by a node's tests");
    findings_fini(&findings);
    assert_false(load_make(&tiny, LOAD_LATENCY, &limits, &load, &findings));
    assert_finding(&findings, "not-tested", SEVERITY_WARNING,
                   "the burst of its meter is smaller than a test packet");
    assert_false(load_make(&slow, LOAD_EXCESS, &limits, &load, &findings));
    assert_finding(&findings, "too-slow", SEVERITY_WARNING,
                   "its rate is too low to test its meter in reasonable time");
    assert_true(load_make(&creeping, LOAD_LATENCY, &limits, &load, &findings));
    assert_int_equal(load.packets, 5);
    assert_finding(&findings, "few-packets", SEVERITY_WARNING,
                   "its rate allows only a few test packets: the 99th percentile of the latency is "
                   "the largest of them");
    findings_fini(&findings);
}

TEST_MAIN(cmocka_unit_test(everything_within_the_rate_passes_the_meter),
          cmocka_unit_test(what_exceeds_the_rate_loses_a_third),
          cmocka_unit_test(the_committed_rate_is_tested_for_half_a_second_or_thirty_packets),
          cmocka_unit_test(a_slow_circuit_is_not_tested_for_longer_than_it_is_worth),
          cmocka_unit_test(a_meter_that_fills_too_slowly_is_not_tested),
          cmocka_unit_test(latency_is_measured_with_what_the_circuit_usually_carries),
          cmocka_unit_test(surveillance_takes_a_tenth_of_a_small_circuit),
          cmocka_unit_test(what_a_node_cannot_send_is_said))
