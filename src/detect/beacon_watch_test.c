#include "detect/testing.h"

#define CLIENT 1
#define OTHER 9

/* A program that reports each `period`, less or more by as much as `jitter`. */
struct program {
    uint16_t port;
    nsec_t period, jitter;
    unsigned n;
};

static nsec_t
next_in(struct program *p)
{
    static const int8_t parts[] = {0, -100, 100, 40, -60, 80, -20, 10};
    return p->period + p->jitter * parts[p->n++ % ARRAY_SIZE(parts)] / 100;
}

static void
connect_times(struct bench *b, struct program *p, unsigned times)
{
    static uint16_t from = 30000;
    while (times--) {
        struct bench_connection c = bench_connection(from++, p->port);
        bench_wait(b, next_in(p));
        bench_open(b, &c);
    }
}

static void
send_times(struct bench *b, struct program *p, unsigned times, unsigned size)
{
    struct made_frame data = {.size = 0}, answer = {.octets = {7}, .size = 40};
    for (data.size = 0; data.size < size; data.size++)
        data.octets[data.size] = 'x';
    while (times--) {
        bench_wait(b, next_in(p));
        bench_udp(b, CLIENT, OTHER, 40000, p->port, &data);
        bench_wait(b, NSEC_PER_MSEC);
        bench_udp(b, OTHER, CLIENT, p->port, 40000, &answer);
    }
}

static void
connections_by_the_clock_are_told_once(void **state)
{
    struct bench *b = *state;
    struct program p = {.port = 4444, .period = 60 * NSEC_PER_SEC, .jitter = 15 * NSEC_PER_SEC};
    connect_times(b, &p, 12);
    assert_found(b, "");
    connect_times(b, &p, 1);
    assert_found(b, "beacon ");
    assert_string_equal(b->object, "10.0.0.2");
    assert_non_null(strstr(b->detail, "TCP port 4444, every 6"));
    assert_non_null(strstr(b->detail, "(45.0 to 75.0 s, 12 times)"));
    connect_times(b, &p, 30);
    assert_found(b, "");
}

static void
datagrams_by_the_clock_are_told(void **state)
{
    struct bench *b = *state;
    struct program p = {.port = 5555, .period = 300 * NSEC_PER_SEC};
    send_times(b, &p, 13, 64);
    assert_found(b, "beacon ");
    assert_string_equal(b->object, "10.0.0.9"); /* and not the one that answers */
}

static void
datagrams_of_other_sizes_are_not(void **state)
{
    struct bench *b = *state;
    struct program p = {.port = 5555, .period = 300 * NSEC_PER_SEC};
    for (unsigned i = 0; i < 40; i++)
        send_times(b, &p, 1, 20 + 40 * (i % 3));
    assert_found(b, "");
}

static void
what_has_no_period_is_not_told_of(void **state)
{
    struct bench *b = *state;
    struct program often = {.port = 4444, .period = 7 * NSEC_PER_SEC},
                   wild = {.port = 4445, .period = 60 * NSEC_PER_SEC, .jitter = 50 * NSEC_PER_SEC};
    connect_times(b, &often, 40);
    connect_times(b, &wild, 60);
    assert_found(b, "");
}

/* A server that is down, and a client that knows nothing of that. */
static void
who_tries_again_and_again_is_no_beacon(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    for (uint16_t i = 0; i < 60; i++) {
        struct bench_connection c = bench_connection(30000 + i, 1433);
        bench_wait(b, 30 * NSEC_PER_SEC);
        bench_segment(b, &c, 0, TCP_SYN, c.seq[0] - 1, &none);
        if (i > 30)
            bench_segment(b, &c, 1, TCP_RST | TCP_ACK, 0, &none);
    }
    assert_null(strstr(buf_cstr(&b->said), "beacon"));
}

static void
the_client_alone_is_enough(void **state)
{
    struct bench *b = *state;
    const struct made_frame none = {.size = 0};
    for (uint16_t i = 0; i < 13; i++) {
        struct bench_connection c = bench_connection(30000 + i, 4444);
        bench_wait(b, 30 * NSEC_PER_SEC);
        bench_segment(b, &c, 0, TCP_SYN, c.seq[0] - 1, &none);
        bench_segment(b, &c, 0, TCP_ACK, c.seq[0], &none);
    }
    assert_found(b, "beacon ");
}

static void
polling_is_no_beacon_wherever_it_is(void **state)
{
    struct bench *b = *state;
    uint16_t from = 30000;
    for (unsigned i = 0; i < 40; i++) {
        struct bench_connection c = bench_connection(from++, 5020);
        bench_wait(b, 60 * NSEC_PER_SEC);
        bench_open(b, &c);
        for (unsigned k = 0; k < 3; k++) {
            bench_say(b, &c, 0, "0001 0000 0006 01 03 0000 0002");
            bench_say(b, &c, 1, "0001 0000 0007 01 03 04 0001 0002");
        }
    }
    struct program p = {.port = 502, .period = 60 * NSEC_PER_SEC};
    connect_times(b, &p, 20);
    assert_null(strstr(buf_cstr(&b->said), "beacon"));
}

TEST_MAIN(BENCH_TEST(connections_by_the_clock_are_told_once),
          BENCH_TEST(datagrams_by_the_clock_are_told), BENCH_TEST(datagrams_of_other_sizes_are_not),
          BENCH_TEST(what_has_no_period_is_not_told_of),
          BENCH_TEST(who_tries_again_and_again_is_no_beacon),
          BENCH_TEST(the_client_alone_is_enough), BENCH_TEST(polling_is_no_beacon_wherever_it_is))
