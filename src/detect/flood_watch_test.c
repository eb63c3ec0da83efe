#include "detect/testing.h"

static void
syn(struct bench *b, uint16_t port)
{
    const struct made_frame none = {.size = 0};
    const struct bench_connection c = bench_connection(port, 502);
    bench_wait(b, NSEC_PER_MSEC);
    bench_segment(b, &c, 0, TCP_SYN, 1, &none);
}

static void
connections_that_are_not_completed_are_told(void **state)
{
    struct bench *b = *state;
    for (uint16_t i = 0; i < 300; i++)
        syn(b, (uint16_t)(10000 + i));
    assert_found(b, "flood-syn ");
    assert_string_equal(b->object, "10.0.0.2");
}

static void
connections_that_are_completed_are_not(void **state)
{
    struct bench *b = *state;
    for (uint16_t i = 0; i < 1000; i++) {
        const struct bench_connection c = bench_connection((uint16_t)(10000 + i), 502);
        bench_wait(b, NSEC_PER_MSEC);
        bench_open(b, &c);
    }
    assert_found(b, "");
}

static void
connections_that_are_refused_are_not(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    for (uint16_t i = 0; i < 1000; i++) {
        const struct bench_connection c = bench_connection(40000, (uint16_t)(1 + i));
        bench_wait(b, NSEC_PER_MSEC);
        bench_segment(b, &c, 0, TCP_SYN, 1, &none);
        bench_segment(b, &c, 1, TCP_RST | TCP_ACK, 0, &none);
    }
    assert_found(b, "");
}

static void
packets(struct bench *b, unsigned n, nsec_t apart)
{
    const struct made_frame data = {.octets = {1}, .size = 1};
    while (n--) {
        bench_wait(b, apart);
        bench_udp(b, 1, 2, 5000, 6000, &data);
    }
}

static void
more_packets_than_there_ever_were_are_told_once_a_second(void **state)
{
    struct bench *b = *state;
    packets(b, 12 * 500, 2 * NSEC_PER_MSEC);
    assert_found(b, "");
    packets(b, 3000, 400 * NSEC_PER_USEC); /* five times as many: that may be */
    assert_found(b, "");
    packets(b, 30000, 20 * NSEC_PER_USEC);
    assert_found(b, "flood-packets ");
}

static void
messages_that_nobody_understands_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 20; i++) {
        bench_wait(b, 100 * NSEC_PER_MSEC);
        bench_say(b, &c, 0, "0001 0000 0006 01 03 0000 0002");
        bench_say(b, &c, 1, "0001 0000 0006 01 03 04 0001 02");
        if (i == 9)
            assert_found(b, "");
    }
    assert_found(b, "flood-malformed ");
}

static void
wrong_checksums_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 20000);
    bench_open(b, &c);
    bench_say(b, &c, 0, "056408c404000300b4b840c101845e"); /* a segment, as it should be */
    for (unsigned i = 0; i < 9; i++) {
        bench_wait(b, 100 * NSEC_PER_MSEC);
        bench_say(b, &c, 0, "056408c404000300b4b840c101845f");
        if (i == 4)
            assert_found(b, "");
    }
    assert_found(b, "flood-bad-checksums ");
}

TEST_MAIN(BENCH_TEST(connections_that_are_not_completed_are_told),
          BENCH_TEST(connections_that_are_completed_are_not),
          BENCH_TEST(connections_that_are_refused_are_not),
          BENCH_TEST(more_packets_than_there_ever_were_are_told_once_a_second),
          BENCH_TEST(messages_that_nobody_understands_are_told),
          BENCH_TEST(wrong_checksums_are_told))
