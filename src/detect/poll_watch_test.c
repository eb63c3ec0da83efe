#include "detect/testing.h"

#define MS NSEC_PER_MSEC
#define READ "0001 0000 0006 01 03 0000 0002"
#define READ_OTHER "0002 0000 0006 01 03 0064 0002"
#define ANSWER "0001 0000 0007 01 03 04 0001 0002"
#define ANSWER_OTHER "0002 0000 0007 01 03 04 0001 0002"

static void
ask(struct bench *b, struct bench_connection *c, nsec_t after)
{
    bench_wait(b, after);
    bench_say(b, c, 0, READ);
    bench_say(b, c, 1, ANSWER);
}

/* A second of one that asks every second. */
static struct bench_connection
heard(struct bench *b)
{
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 40; i++)
        ask(b, &c, (i % 2 ? 1005 : 995) * MS);
    assert_found(b, "");
    return c;
}

/* Somebody else, so that the link is heard. */
static void
others(struct bench *b, nsec_t time)
{
    const struct made_frame data = {.octets = {1}, .size = 1};
    for (nsec_t passed = 0; passed < time; passed += 200 * MS) {
        bench_wait(b, 200 * MS);
        bench_udp(b, 7, 8, 5000, 6000, &data);
    }
}

static void
polling_that_is_lost_is_told_once(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    others(b, 4800 * MS);
    assert_found(b, "");
    others(b, 5 * NSEC_PER_SEC);
    assert_found(b, "poll-lost ");
    assert_string_equal(b->object, "10.0.0.2 modbus read-holding-registers");
    ask(b, &c, 0);
    assert_found(b, "poll-returned ");
    ask(b, &c, NSEC_PER_SEC);
    assert_found(b, "");
    others(b, 10 * NSEC_PER_SEC);
    assert_found(b, "poll-lost ");
}

static void
a_sensor_that_hears_nothing_tells_nothing(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    bench_tick(b, 60 * NSEC_PER_SEC);
    bench_tick(b, 60 * NSEC_PER_SEC);
    assert_found(b, "");
    ask(b, &c, 0);
    assert_found(b, "");
}

static void
a_client_that_stops_is_told_of_once(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 30; i++) {
        ask(b, &c, 900 * MS);
        bench_wait(b, 100 * MS);
        bench_say(b, &c, 0, READ_OTHER);
        bench_say(b, &c, 1, ANSWER_OTHER);
    }
    others(b, 10 * NSEC_PER_SEC);
    assert_found(b, "poll-lost ");
}

static void
one_request_of_several_that_stops_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 30; i++) {
        ask(b, &c, 900 * MS);
        bench_wait(b, 100 * MS);
        bench_say(b, &c, 0, READ_OTHER);
        bench_say(b, &c, 1, ANSWER_OTHER);
    }
    for (unsigned i = 0; i < 10; i++)
        ask(b, &c, NSEC_PER_SEC);
    assert_found(b, "poll-lost ");
}

static void
a_request_too_many_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    ask(b, &c, 400 * MS);
    assert_found(b, "poll-extra ");
    ask(b, &c, 600 * MS);
    ask(b, &c, NSEC_PER_SEC);
    assert_found(b, "");
}

static void
requests_that_are_left_out_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    ask(b, &c, 3 * NSEC_PER_SEC);
    assert_found(b, "poll-missed ");
    assert_string_equal(b->detail, "2 missing, every 1.000 s is usual");
    ask(b, &c, NSEC_PER_SEC);
    assert_found(b, "");
}

static void
another_period_is_told_once(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    for (unsigned i = 0; i < 40; i++)
        ask(b, &c, 1600 * MS);
    assert_found(b, "poll-period-changed ");
}

/* Who asks as soon as it has the answer, and with what comes to its mind, has no period. */
static void
what_has_no_period_is_not_polling(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 60; i++) {
        bench_wait(b, MS);
        bench_say(b, &c, 0, READ);
        bench_wait(b, 50 * MS);
        bench_say(b, &c, 1, ANSWER);
    }
    others(b, 5 * NSEC_PER_SEC);
    for (unsigned i = 0; i < 60; i++)
        ask(b, &c, (50 + i * 37 % 400) * MS);
    others(b, 5 * NSEC_PER_SEC);
    assert_found(b, "");
}

static void
a_server_that_is_silent_is_told_of_once(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b);
    for (unsigned i = 0; i < 6; i++) {
        bench_wait(b, NSEC_PER_SEC);
        bench_say(b, &c, 0, READ);
        if (i == 2)
            assert_found(b, "");
    }
    assert_found(b, "poll-unanswered ");
    assert_string_equal(b->object, "10.0.0.2");
}

/* One-sided captures have no answers at all. */
static void
who_never_answered_is_not_silent(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    for (unsigned i = 0; i < 40; i++) {
        bench_wait(b, NSEC_PER_SEC);
        bench_say(b, &c, 0, READ);
    }
    assert_found(b, "");
}

static void
connections(struct bench *b, unsigned n, unsigned messages)
{
    static uint16_t port = 41000;
    while (n--) {
        struct bench_connection c = bench_connection(port++, 502);
        bench_wait(b, 3 * NSEC_PER_SEC);
        bench_open(b, &c);
        for (unsigned i = 0; i < messages; i++)
            bench_say(b, &c, 0, READ);
    }
}

static void
a_connection_that_breaks_again_and_again_is_told(void **state)
{
    struct bench *b = *state;
    connections(b, 1, 30);
    connections(b, 3, 2);
    assert_found(b, "");
    connections(b, 3, 2);
    assert_found(b, "connection-flaps ");
}

static void
who_connects_for_each_request_does_not_flap(void **state)
{
    struct bench *b = *state;
    connections(b, 30, 10);
    assert_found(b, "");
}

/* ---- DNP3 ---- */

static void
an_outstation_that_does_not_stop_talking_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 20000);
    bench_open(b, &c);
    for (unsigned i = 0; i < 80; i++) {
        const uint8_t unsolicited[] = {(uint8_t)(0xc0 | (i & 63)), (uint8_t)(0xf0 | (i & 15)), 130,
                                       0, 0};
        const struct made_frame f = bench_dnp3(unsolicited, sizeof unsolicited);
        bench_wait(b, 50 * MS);
        bench_octets(b, &c, 1, &f);
        if (i == 45)
            assert_found(b, "");
    }
    assert_found(b, "dnp3-unsolicited-storm ");
}

TEST_MAIN(BENCH_TEST(polling_that_is_lost_is_told_once),
          BENCH_TEST(a_sensor_that_hears_nothing_tells_nothing),
          BENCH_TEST(a_client_that_stops_is_told_of_once),
          BENCH_TEST(one_request_of_several_that_stops_is_told),
          BENCH_TEST(a_request_too_many_is_told), BENCH_TEST(requests_that_are_left_out_are_told),
          BENCH_TEST(another_period_is_told_once), BENCH_TEST(what_has_no_period_is_not_polling),
          BENCH_TEST(a_server_that_is_silent_is_told_of_once),
          BENCH_TEST(who_never_answered_is_not_silent),
          BENCH_TEST(a_connection_that_breaks_again_and_again_is_told),
          BENCH_TEST(who_connects_for_each_request_does_not_flap),
          BENCH_TEST(an_outstation_that_does_not_stop_talking_is_told))
