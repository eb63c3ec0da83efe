#include "detect/process_bus_testing.h"

#define RATE 4000
#define PERIOD (NSEC_PER_SEC / RATE)

static void
go_on(struct bench *b, struct bench_stream *s, unsigned n)
{
    while (n--) {
        bench_wait(b, PERIOD);
        s->count = (s->count + 1) % s->wrap;
        bench_sample(b, s);
    }
}

/* Of which everything is known: four seconds. */
static struct bench_stream
heard(struct bench *b)
{
    struct bench_stream s = bench_ordinary_stream;
    bench_sample(b, &s);
    go_on(b, &s, 5 * RATE + 100);
    assert_found(b, "");
    return s;
}

static void
samples_that_are_missing_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    s.count += 10;
    go_on(b, &s, 10);
    assert_found(b, "sv-gap ");
    assert_string_equal(b->detail, "smpCnt 111 after 100: 10 are missing");
}

static void
what_comes_over_two_ways_is_one(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b), late = s;
    go_on(b, &s, 3);
    bench_sample(b, &late);
    bench_sample(b, &s);
    assert_found(b, "");
}

static void
samples_out_of_order_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b), late = s;
    late.count++;
    s.count++;
    go_on(b, &s, 1);
    assert_found(b, "sv-gap ");
    bench_sample(b, &late);
    assert_found(b, "sv-went-back ");
    go_on(b, &s, 10);
    assert_found(b, "");
}

static void
a_number_that_comes_again_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b), other = s;
    other.strength = 101000;
    other.count = s.count; /* not where the wave is zero */
    go_on(b, &s, 5);
    other.count = s.count;
    bench_sample(b, &other);
    other.strength = 102000;
    bench_sample(b, &other); /* once a second */
    assert_found(b, "sv-numbers-again ");
    bench_wait(b, 100 * NSEC_PER_MSEC);
    bench_sample(b, &s);
    assert_found(b, "sv-repeated ");
}

static void
the_count_wraps_where_it_did(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    s.wrap = 200;
    go_on(b, &s, 150);
    assert_found(b, "sv-wrap-wrong ");
}

static void
the_count_does_not_go_on_behind_its_wrap(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    go_on(b, &s, RATE - 110);
    s.wrap = 10000;
    go_on(b, &s, 100);
    assert_found(b, "sv-wrap-wrong ");
}

static void
the_rate_is_what_it_was(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    for (unsigned i = 0; i < 5 * RATE; i++) {
        bench_wait(b, PERIOD / 4); /* and a quarter more */
        go_on(b, &s, 1);
    }
    assert_found(b, "sv-rate-wrong ");
}

static void
a_clock_that_is_lost_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    s.synch = 1;
    go_on(b, &s, 2);
    assert_found(b, "sv-synch-lost ");
    s.synch = 2;
    go_on(b, &s, 2);
    assert_found(b, "");
}

static void
another_sender_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b), thief = s;
    thief.mac = 66;
    go_on(b, &thief, 1);
    assert_found(b, "sv-publisher-changed ");
    go_on(b, &s, 2);
    assert_found(b, "");
}

static void
another_sender_after_silence_is_told_and_followed(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    bench_tick(b, 2 * NSEC_PER_SEC);
    assert_found(b, "sv-silent ");
    s.mac = 66;
    go_on(b, &s, 10);
    assert_found(b, "sv-publisher-changed sv-returned ");
}

static void
a_step_of_the_strength_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    s.strength = 108000; /* load moves */
    go_on(b, &s, 1000);
    assert_found(b, "");
    s.strength = 400000;
    go_on(b, &s, 1000);
    assert_found(b, "sv-magnitude-step ");
}

static void
silence_and_return_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b);
    bench_tick(b, 999 * NSEC_PER_MSEC);
    assert_found(b, "");
    bench_tick(b, 2 * NSEC_PER_MSEC);
    bench_tick(b, NSEC_PER_SEC);
    assert_found(b, "sv-silent ");
    s.count = 3000;
    go_on(b, &s, 10);
    assert_found(b, "sv-returned ");
}

static void
what_else_a_stream_says_of_itself_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_stream s = heard(b), test = bench_ordinary_stream;
    s.configuration = 2;
    go_on(b, &s, 2);
    assert_found(b, "sv-conf-rev-changed ");
    test.is_simulated = true;
    test.mac = 7;
    bench_sample(b, &test);
    go_on(b, &test, 1);
    assert_found(b, "sv-simulated ");
}

TEST_MAIN(BENCH_TEST(samples_that_are_missing_are_told),
          BENCH_TEST(what_comes_over_two_ways_is_one), BENCH_TEST(samples_out_of_order_are_told),
          BENCH_TEST(a_number_that_comes_again_is_told), BENCH_TEST(the_count_wraps_where_it_did),
          BENCH_TEST(the_count_does_not_go_on_behind_its_wrap), BENCH_TEST(the_rate_is_what_it_was),
          BENCH_TEST(a_clock_that_is_lost_is_told), BENCH_TEST(another_sender_is_told),
          BENCH_TEST(another_sender_after_silence_is_told_and_followed),
          BENCH_TEST(a_step_of_the_strength_is_told), BENCH_TEST(silence_and_return_are_told),
          BENCH_TEST(what_else_a_stream_says_of_itself_is_told))
