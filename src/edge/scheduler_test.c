/* The scheduler with virtual time: what leaves a port, when, and in which order. */
#include "edge/scheduler.h"

#include "base/testing.h"

struct bench {
    struct packet_pool *pool;
    struct scheduler scheduler;
    nsec_t now;
    uint64_t octets[N_QUEUES]; /* sent, on the wire */
    uint32_t packets[N_QUEUES];
};

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->pool = packet_pool_new(8192, 4);
    scheduler_init(&b->scheduler, NULL);
    b->now = NSEC_PER_SEC;
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    struct packet *p;
    while ((p = scheduler_discard(&b->scheduler)))
        packet_unref(p);
    assert_int_equal(packet_pool_available(b->pool), 8192);
    packet_pool_free(b->pool);
    free(b);
    return 0;
}

static void
configure(struct bench *b, const char *text)
{
    struct scheduler_config config;
    struct diag diag = {""};
    if (scheduler_config_parse(text, &config, &diag))
        fail_msg("%s: %s", text, diag.text);
    scheduler_configure(&b->scheduler, &config);
}

static bool
add(struct bench *b, unsigned queue, uint32_t size)
{
    struct packet *p = packet_new(b->pool, size);
    p->size = size;
    bool added = scheduler_add(&b->scheduler, queue, p);
    packet_unref(p);
    return added;
}

/* Sends the next run, or the first `most` of it; false: nothing may leave now. */
static bool
send_run(struct bench *b, unsigned most, struct scheduler_run *run, nsec_t *when)
{
    if (!scheduler_next(&b->scheduler, b->now, run, when))
        return false;
    run->n = run->n < most ? run->n : most;
    for (unsigned i = 0; i < run->n; i++) {
        b->octets[run->queue] += wire_octets(run->sizes[i]);
        b->packets[run->queue]++;
        packet_unref(run->packets[i]);
    }
    scheduler_sent(&b->scheduler, run, run->n, b->now);
    return true;
}

/* One frame; which queue's. */
static unsigned
send_one(struct bench *b)
{
    struct scheduler_run run;
    nsec_t when;
    assert_true(send_run(b, 1, &run, &when));
    return run.queue;
}

/* Lets time pass until `end`, with the queues of `backlog` (bits) always full of such frames. */
static void
run_until(struct bench *b, nsec_t end, uint8_t backlog, const uint32_t sizes[N_QUEUES])
{
    struct scheduler_run run;
    nsec_t when;
    while (b->now < end) {
        for (unsigned q = 0; q < N_QUEUES; q++) {
            while (backlog & 1u << q &&
                   b->scheduler.queues[q].tail - b->scheduler.queues[q].head < 4)
                if (!add(b, q, sizes[q]))
                    break;
        }
        if (!send_run(b, SCHEDULER_RUN, &run, &when))
            b->now = when < end ? when : end;
    }
}

static const uint32_t large[N_QUEUES] = {1514, 1514, 1514, 1514, 1514, 1514, 1514, 1514};

static void
by_default_the_higher_queue_goes_first(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run;
    nsec_t when;
    for (unsigned i = 0; i < 3; i++)
        assert_true(add(b, 0, 60) && add(b, 6, 60) && add(b, 7, 60));
    assert_int_equal(send_one(b), 7);
    assert_true(add(b, 7, 60));
    assert_true(send_run(b, SCHEDULER_RUN, &run, &when));
    assert_int_equal(run.queue, 7);
    assert_int_equal(run.n, 3);
    assert_true(send_run(b, SCHEDULER_RUN, &run, &when));
    assert_int_equal(run.queue, 6);
    assert_true(send_run(b, SCHEDULER_RUN, &run, &when));
    assert_int_equal(run.queue, 0);
    assert_false(send_run(b, SCHEDULER_RUN, &run, &when));
    assert_true(when == NSEC_NEVER);
}

static void
a_queue_keeps_its_order_and_takes_512_frames(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run;
    nsec_t when;
    uint32_t next = 60;
    for (uint32_t i = 0; i < SCHEDULER_DEPTH; i++)
        assert_true(add(b, 3, 60 + i));
    assert_false(add(b, 3, 60));
    assert_true(add(b, 2, 60));
    while (send_run(b, 7, &run, &when) && run.queue == 3) {
        for (unsigned i = 0; i < run.n; i++)
            assert_int_equal(run.sizes[i], next++);
    }
    assert_int_equal(next, 60 + SCHEDULER_DEPTH);
}

/* The least octets on the wire a frame has: 64 with FCS, and 20 of preamble and gap. */
static void
a_shaped_port_keeps_to_its_rate(void **state)
{
    struct bench *b = *state;
    static const uint32_t sizes[N_QUEUES] = {20, 1514, 60, 61, 300, 1000, 777, 1400};
    configure(b, "rate=10M,burst=3084");
    nsec_t begin = b->now;
    for (unsigned q = 0; q < N_QUEUES; q++) {
        memset(b->octets, 0, sizeof b->octets);
        begin = b->now;
        run_until(b, begin + 2 * NSEC_PER_SEC, (uint8_t)(1u << q), sizes);
        /* 2.5 million octets, and what was saved up or owed at the ends: less than a frame. */
        assert_in_range(b->octets[q], 2500000 - 1542, 2500000 + 3084);
        struct packet *p;
        while ((p = scheduler_discard(&b->scheduler)))
            packet_unref(p);
    }
}

/* In any window: checked against all windows that begin or end with a frame, by the largest burst a
 * bucket of this rate would have needed so far. */
static void
no_window_has_more_than_burst_and_rate(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run;
    nsec_t when, last = 0;
    double level = 0, most = 0;
    configure(b, "rate=8M,burst=6000"); /* 1 octet a microsecond */
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t dice = step * 2654435761u >> 16;
        if (dice % 3)
            (void)!add(b, dice % N_QUEUES, 60 + dice % 1455);
        if (dice % 5 == 0)
            b->now += dice % 7 * 1000 + dice % 1000;
        while (dice % 4 == 0 && send_run(b, SCHEDULER_RUN, &run, &when)) {
            level -= (double)(b->now - last) / 1000;
            level = level > 0 ? level : 0;
            last = b->now;
            for (unsigned i = 0; i < run.n; i++)
                level += wire_octets(run.sizes[i]);
            most = most > level ? most : level;
        }
    }
    assert_true(most <= 6000);
    assert_true(most > 6000 - 1542); /* and it was used */
}

static void
a_frame_larger_than_the_burst_pays_afterwards(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run;
    nsec_t when;
    configure(b, "rate=8M,burst=100");
    assert_true(add(b, 0, 1476) && add(b, 7, 60));
    assert_int_equal(send_one(b), 7);
    assert_false(send_run(b, 1, &run, &when)); /* 84 of the 100 octets are gone */
    assert_true(when == b->now + 84 * NSEC_PER_USEC);
    b->now = when;
    assert_int_equal(send_one(b), 0);
    assert_true(add(b, 7, 60));
    assert_false(send_run(b, 1, &run, &when));
    assert_true(when == b->now + (1500 - 100 + 84) * NSEC_PER_USEC);
}

/* What is large and first is not passed by what is small and second. */
static void
a_small_frame_does_not_slip_past_a_large_one_of_a_higher_queue(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run;
    nsec_t when;
    configure(b, "rate=8M,burst=1600");
    assert_true(add(b, 5, 1476) && add(b, 5, 1476) && add(b, 0, 20));
    assert_int_equal(send_one(b), 5);
    assert_false(send_run(b, 1, &run, &when));
    assert_true(when == b->now + 1400 * NSEC_PER_USEC);
    b->now = when;
    assert_int_equal(send_one(b), 5);
}

static void
weights_share_what_is_there(void **state)
{
    struct bench *b = *state;
    static const uint32_t sizes[N_QUEUES] = {60, 1514, 300, 999};
    configure(b, "rate=100M,q0=weight:1,q1=weight:2,q2=weight:4,q3=weight:13");
    run_until(b, b->now + 4 * NSEC_PER_SEC, 0x0f, sizes);
    uint64_t total = b->octets[0] + b->octets[1] + b->octets[2] + b->octets[3];
    static const unsigned weights[] = {1, 2, 4, 13};
    for (unsigned q = 0; q < 4; q++) {
        double share = (double)b->octets[q] / (double)total;
        assert_true(share > weights[q] / 20.0 - 0.0005 && share < weights[q] / 20.0 + 0.0005);
    }
}

/* Work conserving: a queue alone gets all, and saves nothing up while it has nothing to send. */
static void
a_queue_that_was_idle_gets_no_more_than_its_share(void **state)
{
    struct bench *b = *state;
    configure(b, "rate=100M,q0=weight:1,q1=weight:1");
    nsec_t begin = b->now;
    run_until(b, begin + NSEC_PER_SEC, 1, large);
    assert_in_range(b->octets[0], 12500000 - 3084, 12500000 + 6250);
    memset(b->octets, 0, sizeof b->octets);
    run_until(b, begin + 2 * NSEC_PER_SEC, 3, large);
    int64_t difference = (int64_t)b->octets[0] - (int64_t)b->octets[1];
    assert_true(llabs(difference) <= 8 * 1542);
}

static void
strict_goes_before_weighted(void **state)
{
    struct bench *b = *state;
    configure(b, "q0=weight:1,q1=weight:9");
    for (unsigned i = 0; i < 4; i++)
        assert_true(add(b, 0, 1514) && add(b, 1, 1514) && add(b, 2, 1514));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(send_one(b), 2);
    (void)send_one(b);
    assert_true(add(b, 2, 1514));
    assert_int_equal(send_one(b), 2);
}

static void
a_most_rate_holds_and_leaves_the_rest_to_others(void **state)
{
    struct bench *b = *state;
    configure(b, "rate=10M,q7=strict+max:2M,q1=weight:1+max:1M,q0=weight:1");
    run_until(b, b->now + 4 * NSEC_PER_SEC, 0x83, large);
    assert_in_range(b->octets[7], 1000000 - 1542, 1000000 + 3084);
    assert_in_range(b->octets[1], 500000 - 1542, 500000 + 3084);
    assert_in_range(b->octets[0], 3500000 - 4 * 1542, 3500000 + 4 * 1542);
}

static void
a_least_rate_holds_against_strict_queues(void **state)
{
    struct bench *b = *state;
    configure(b, "rate=10M,q0=strict+min:1M,q1=weight:5+min:500k,q2=weight:1");
    run_until(b, b->now + 4 * NSEC_PER_SEC, 0x87, large);
    assert_in_range(b->octets[0], 500000 - 1542, 500000 + 3084);
    assert_in_range(b->octets[1], 250000 - 1542, 250000 + 3084);
    assert_int_equal(b->octets[2], 0);
    assert_in_range(b->octets[7], 4250000 - 4 * 1542, 4250000 + 4 * 1542);
}

/* What it got anyway counts: least rates are no addition to shares. */
static void
a_least_rate_that_the_weight_gives_anyway_changes_little(void **state)
{
    struct bench *b = *state;
    configure(b, "rate=10M,q0=weight:1,q1=weight:1+min:1M");
    run_until(b, b->now + 4 * NSEC_PER_SEC, 0x03, large);
    assert_in_range(b->octets[1], 2500000 - 2 * 1542, 2750000 + 2 * 1542);
}

static void
a_slow_port_holds_little(void **state)
{
    struct bench *b = *state;
    unsigned n = 0;
    configure(b, "rate=10M,limit=20ms,q0=weight:1,q1=weight:3"); /* 25,000 octets in 20 ms */
    while (add(b, 7, 1514))
        n++;
    assert_int_equal(n, 25000 / 1538);
    for (n = 0; add(b, 1, 1514); n++) {
    }
    assert_int_equal(n, 25000 * 3 / 4 / 1538);
    for (n = 0; add(b, 0, 1514); n++) {
    }
    assert_int_equal(n, 4); /* a quarter of it; but never less than 4 full frames */
    configure(b, "rate=64k,limit=1ms");
    struct packet *p;
    while ((p = scheduler_discard(&b->scheduler)))
        packet_unref(p);
    assert_true(add(b, 5, 9000)); /* it is larger than all of that, and is taken alone */
    assert_false(add(b, 5, 60));
}

/* The interface takes only a part of a run: nothing is lost, doubled or charged for. */
static void
what_was_not_taken_is_offered_again(void **state)
{
    struct bench *b = *state;
    struct scheduler_run run, again;
    nsec_t when;
    configure(b, "q0=weight:1,q1=weight:2");
    for (unsigned i = 0; i < 6; i++)
        assert_true(add(b, 0, 700 + i) && add(b, 1, 800 + i));
    assert_true(scheduler_next(&b->scheduler, b->now, &run, &when));
    scheduler_sent(&b->scheduler, &run, 0, b->now);
    assert_true(scheduler_next(&b->scheduler, b->now, &again, &when));
    assert_int_equal(run.queue, again.queue);
    assert_int_equal(run.n, again.n);
    assert_ptr_equal(run.packets[0], again.packets[0]);
    while (send_run(b, 1, &run, &when)) {
    }
    assert_int_equal(b->packets[0] + b->packets[1], 12);
}

static void
a_new_configuration_keeps_what_waits(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 8; i++)
        assert_true(add(b, i % 2, 1514));
    configure(b, "rate=1M,q0=weight:1,q1=weight:1");
    run_until(b, b->now + NSEC_PER_SEC, 0, large);
    assert_int_equal(b->packets[0], 4);
    assert_int_equal(b->packets[1], 4);
}

static void
texts_go_in_and_out(void **state UNUSED)
{
    static const char *const texts[] = {
        "", "rate=10M", "rate=1536k,burst=4000,limit=20000us,q0=weight:1,q7=strict+max:1G",
        "q1=weight:255+min:512k+max:2M"};
    static const char *const wrong[] = {
        "rate",
        "rate=",
        "rate=fast",
        "rate=0",
        "burst=0",
        "burst=1x",
        "burst=99999999999",
        "limit=0",
        "limit=11s",
        "q8=strict",
        "q=strict",
        "q0=",
        "q0=weight:0",
        "q0=weight:256",
        "q0=loose",
        "q0=strict+",
        "q0=min:2M+max:1M",
        "rate=1M,q0=min:600k,q1=min:600k",
        "x=1",
        ",",
        "rate=1M,",
        "q0=weight:1111111111111111111111111111111111111111111111111111111111111111111111"};
    struct scheduler_config config;
    struct diag diag;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buf text = BUF_INIT;
        assert_ok(scheduler_config_parse(texts[i], &config, &diag));
        scheduler_config_format(&config, &text);
        assert_string_equal(buf_cstr(&text), texts[i]);
        buf_fini(&text);
    }
    assert_int_equal(config.queues[1].weight, 255);
    assert_int_equal(config.queues[1].min_kbps, 512);
    assert_int_equal(config.queues[1].max_kbps, 2000);
    struct scheduler_config before = config;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        diag.text[0] = '\0';
        if (scheduler_config_parse(wrong[i], &config, &diag) != ERR_INVALID)
            fail_msg("\"%s\" was accepted", wrong[i]);
        assert_true(diag.text[0]);
    }
    assert_memory_equal(&before, &config, sizeof config);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(by_default_the_higher_queue_goes_first),
          WITH_BENCH(a_queue_keeps_its_order_and_takes_512_frames),
          WITH_BENCH(a_shaped_port_keeps_to_its_rate),
          WITH_BENCH(no_window_has_more_than_burst_and_rate),
          WITH_BENCH(a_frame_larger_than_the_burst_pays_afterwards),
          WITH_BENCH(a_small_frame_does_not_slip_past_a_large_one_of_a_higher_queue),
          WITH_BENCH(weights_share_what_is_there),
          WITH_BENCH(a_queue_that_was_idle_gets_no_more_than_its_share),
          WITH_BENCH(strict_goes_before_weighted),
          WITH_BENCH(a_most_rate_holds_and_leaves_the_rest_to_others),
          WITH_BENCH(a_least_rate_holds_against_strict_queues),
          WITH_BENCH(a_least_rate_that_the_weight_gives_anyway_changes_little),
          WITH_BENCH(a_slow_port_holds_little), WITH_BENCH(what_was_not_taken_is_offered_again),
          WITH_BENCH(a_new_configuration_keeps_what_waits), cmocka_unit_test(texts_go_in_and_out))
