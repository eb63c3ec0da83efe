#include "detect/testing.h"

static void
their_size_is_known(void **state UNUSED)
{
    const struct watch_config usual = {.found = bench_found},
                              small = {.found = bench_found, .capacity = 16};
    struct machines *a = machines_new(&usual), *b = machines_new(&small);
    assert_true(machines_octets(a) > 4u << 20);
    assert_true(machines_octets(a) < 16u << 20);
    assert_true(machines_octets(b) < 200u << 10);
    machines_free(a);
    machines_free(b);
    machines_free(NULL);
}

/* More of everything than there is room for: each test's hostile neighbour. */
static void
what_is_heard_of_many_is_bounded(void **state)
{
    struct bench *b = *state;
    const struct watch_config small = {.found = bench_found, .arg = b, .capacity = 4};
    machines_free(b->machines);
    b->machines = machines_new(&small);
    for (unsigned i = 0; i < 2000; i++) {
        struct bench_connection c = bench_connection((uint16_t)(2000 + i), 502);
        c.devices[0] = 10 + i % 200;
        c.devices[1] = 11 + i % 200;
        bench_wait(b, NSEC_PER_MSEC);
        bench_open(b, &c);
        bench_say(b, &c, 0, "0001 0000 0006 01 03 0000 0002");
        bench_say(b, &c, 1, "0001 0000 0007 01 03 04 0001 0002");
    }
    assert_found(b, "");
}

/* So many at once that what is kept of their places has to be shared. */
static void
conversations_that_share_a_place_are_told_apart(void **state)
{
    struct bench *b = *state;
    struct bench_connection first = bench_connection(1000, 502), other = first;
    const struct made_frame data = {.octets = {1}, .size = 1};
    bench_open(b, &first);
    bench_say(b, &first, 0, "0001 0000 0006 01 03 0000 0002");
    for (unsigned i = 1; i < 8192; i++)
        bench_udp(b, 7, 8, (uint16_t)(5000 + i), 6000, &data);
    other.ports[0] = 1001;
    other.mac[0] = 3;
    for (unsigned i = 0; i < 3; i++) {
        bench_say(b, &other, 0, "0001 0000 0006 01 03 0000 0002");
        bench_say(b, &first, 0, "0001 0000 0006 01 03 0000 0002");
    }
    assert_found(b, "");
}

/* Packets tell the time, too. */
static void
time_goes_on_with_packets(void **state)
{
    struct bench *b = *state;
    const struct made_frame data = {.octets = {1}, .size = 1};
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 20; i++) {
        bench_wait(b, NSEC_PER_SEC);
        bench_say(b, &c, 0, "0001 0000 0006 01 03 0000 0002");
        bench_say(b, &c, 1, "0001 0000 0007 01 03 04 0001 0002");
    }
    for (unsigned i = 0; i < 60; i++) {
        bench_wait(b, 100 * NSEC_PER_MSEC);
        bench_udp(b, 7, 8, 5000, 6000, &data);
    }
    assert_found(b, "poll-lost ");
}

TEST_MAIN(cmocka_unit_test(their_size_is_known), BENCH_TEST(what_is_heard_of_many_is_bounded),
          BENCH_TEST(conversations_that_share_a_place_are_told_apart),
          BENCH_TEST(time_goes_on_with_packets))
