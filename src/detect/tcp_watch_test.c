#include "detect/testing.h"

#define READ "0001 0000 0006 01 03 0000 0002"
#define ANSWER "0001 0000 0007 01 03 04 0001 0002"

static struct bench_connection
heard(struct bench *b)
{
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 4; i++) {
        bench_wait(b, 100 * NSEC_PER_MSEC);
        bench_say(b, &c, 0, READ);
        bench_say(b, &c, 1, ANSWER);
    }
    assert_found(b, "");
    return c;
}

static void
octets_that_are_others_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    c.seq[0] -= 12;
    bench_say(b, &c, 0, READ); /* as it was */
    assert_found(b, "");
    c.seq[0] -= 12;
    bench_say(b, &c, 0, "0001 0000 0006 01 06 0000 0002");
    assert_found(b, "tcp-octets-differ ");
}

static void
data_from_two_devices_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    c.mac[0] = 66;
    bench_say(b, &c, 0, READ);
    assert_found(b, "tcp-source-moved ");
    c.mac[0] = 1;
    bench_say(b, &c, 0, READ);
    assert_found(b, "tcp-second-mac ");
}

/* In front of a router and behind it: other addresses, another TTL, and nothing new. */
static void
what_is_heard_twice_is_one(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    for (unsigned i = 0; i < 3; i++) {
        bench_say(b, &c, 0, READ);
        struct bench_connection behind = c;
        behind.seq[0] -= 12;
        behind.mac[0] = 50;
        behind.ttl[0] = 40;
        bench_say(b, &behind, 0, READ);
        bench_say(b, &c, 1, ANSWER);
    }
    assert_found(b, "");
}

static void
another_way_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    c.ttl[1] = 62; /* two routers more are a route that changed */
    bench_say(b, &c, 0, READ);
    bench_say(b, &c, 1, ANSWER);
    assert_found(b, "");
    c.ttl[1] = 128;
    bench_say(b, &c, 0, READ);
    bench_say(b, &c, 1, ANSWER);
    assert_found(b, "tcp-ttl-changed ");
}

static void
data_from_far_away_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b), far = c;
    far.seq[0] += 0x10000000;
    bench_say(b, &far, 0, READ);
    assert_found(b, "tcp-outside-window ");
    bench_say(b, &c, 0, READ);
    bench_say(b, &c, 1, ANSWER); /* the server goes on where it was */
    assert_found(b, "");
}

/* The server has what the capture lacks. */
static void
what_the_capture_lost_is_not_far_away(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    c.seq[0] += 0x10000000;
    bench_say(b, &c, 1, ANSWER);
    bench_say(b, &c, 0, READ);
    assert_found(b, "");
}

static void
a_reset_of_somebody_else_is_told(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    struct bench_connection c = heard(b), other = c;
    other.mac[1] = 66;
    bench_segment(b, &other, 1, TCP_RST, other.seq[1], &none);
    assert_found(b, "tcp-reset-by-other ");
    other.mac[1] = 2;
    other.ttl[1] = 255;
    bench_segment(b, &other, 1, TCP_RST, other.seq[1], &none);
    assert_found(b, "tcp-reset-by-other ");
    bench_segment(b, &c, 1, TCP_RST, c.seq[1], &none);
    assert_found(b, "");
}

static void
ends_that_complain_without_end_are_told(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    struct bench_connection c = heard(b);
    for (unsigned i = 0; i < 60; i++) {
        bench_wait(b, NSEC_PER_MSEC);
        bench_segment(b, &c, 0, TCP_ACK, c.seq[0], &none);
        if (i == 50)
            assert_found(b, ""); /* one alone waits for what was lost */
        bench_segment(b, &c, 1, TCP_ACK, c.seq[1], &none);
        if (i < 20)
            assert_found(b, "");
        if (i == 40)
            assert_found(b, "tcp-ack-storm ");
    }
}

static void
ends_that_have_much_to_acknowledge_may_do_so(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    struct bench_connection c = heard(b);
    for (unsigned i = 0; i < 60; i++) {
        bench_wait(b, NSEC_PER_MSEC);
        bench_say(b, &c, 0, READ);
        bench_segment(b, &c, 1, TCP_ACK, c.seq[1], &none);
        bench_say(b, &c, 1, ANSWER);
        bench_segment(b, &c, 0, TCP_ACK, c.seq[0], &none);
    }
    assert_found(b, "");
}

static void
a_new_connection_may_come_from_elsewhere(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    c.mac[0] = 5;
    c.ttl[0] = 128;
    c.seq[0] = 900000;
    bench_open(b, &c);
    bench_say(b, &c, 0, READ);
    assert_found(b, "");
}

TEST_MAIN(BENCH_TEST(octets_that_are_others_are_told), BENCH_TEST(data_from_two_devices_is_told),
          BENCH_TEST(what_is_heard_twice_is_one), BENCH_TEST(another_way_is_told),
          BENCH_TEST(data_from_far_away_is_told), BENCH_TEST(what_the_capture_lost_is_not_far_away),
          BENCH_TEST(a_reset_of_somebody_else_is_told),
          BENCH_TEST(ends_that_complain_without_end_are_told),
          BENCH_TEST(ends_that_have_much_to_acknowledge_may_do_so),
          BENCH_TEST(a_new_connection_may_come_from_elsewhere))
