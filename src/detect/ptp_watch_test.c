#include "detect/testing.h"
#include "proto/ptp/ptp_message.h"

/* Clock `device`, with priority 1 of that much. */
static void
put_head(struct made_frame *f, uint8_t type, uint16_t size, unsigned device, uint16_t flags,
         uint16_t sequence)
{
    put(f, (uint8_t[]){type, 2}, 2);
    put_u16(f, size);
    put_hex(f, "0000");
    put_u16(f, flags);
    put_hex(f, "0000000000000000 00000000");
    put(f, (uint8_t[]){2, 0, 0, 0xff, 0xfe, 0, 0, (uint8_t)device, 0, 1}, 10);
    put_u16(f, sequence);
    put_hex(f, "0000");
}

static void
announce(struct bench *b, unsigned device, uint8_t priority, uint8_t clock_class)
{
    struct made_frame f = bench_ethernet(device, 9, 0x88f7);
    put_head(&f, PTP_ANNOUNCE, 64, device, 0, 1);
    put_hex(&f, "00000000000000000000 0025 00");
    put(&f, (uint8_t[]){priority, clock_class}, 2);
    put_hex(&f, "21 4e5d 80");
    put(&f, (uint8_t[]){2, 0, 0, 0xff, 0xfe, 0, 0, (uint8_t)device}, 8);
    put_hex(&f, "0000 20");
    bench_send(b, &f);
}

/* Clocks and captures may say anything. */
static void
times_at_the_ends_of_what_there_is_do_no_harm(void **state)
{
    struct bench *b = *state;
    static const char *const stamps[] = {"ffffffffffff3b9ac9ff", "00000000000000000000",
                                         "0002540be3ff00000000", "7fffffffffff00000000"};
    for (unsigned i = 0; i < 32; i++) {
        struct made_frame f = bench_ethernet(1, 9, 0x88f7);
        put_head(&f, PTP_SYNC, 44, 1, 0, 1);
        put_hex(&f, stamps[i / 2 % 4]);
        struct frame frame = as_frame(&f, i % 3 ? INT64_MAX : INT64_MIN, ++b->number);
        b->now = i % 3 ? NSEC_NEVER / 2 : 0;
        sensor_frame(b->sensor, &frame);
    }
    buf_clear(&b->said);
}

static void
put_stamp(struct made_frame *f, nsec_t time)
{
    put_u16(f, 0);
    uint8_t octets[8];
    put_be32(octets, (uint32_t)(time / NSEC_PER_SEC));
    put_be32(octets + 4, (uint32_t)(time % NSEC_PER_SEC));
    put(f, octets, 8);
}

/* A clock that is so far ahead of the sensor's; two steps, the second ms later. */
static void
sync_of(struct bench *b, unsigned device, nsec_t ahead)
{
    static uint16_t sequence;
    nsec_t sent = b->now + ahead;
    struct made_frame f = bench_ethernet(device, 9, 0x88f7), g = f;
    put_head(&f, PTP_SYNC, 44, device, PTP_FLAG_TWO_STEP, ++sequence);
    put_stamp(&f, 0);
    bench_send(b, &f);
    nsec_t later = (sequence % 2 ? 3 : 6) * NSEC_PER_MSEC;
    bench_wait(b, later);
    put_head(&g, PTP_FOLLOW_UP, 44, device, 0, sequence);
    put_stamp(&g, sent);
    bench_send(b, &g);
    bench_wait(b, NSEC_PER_SEC - later);
}

static void
delay_request(struct bench *b, unsigned device)
{
    struct made_frame f = bench_ethernet(device, 9, 0x88f7);
    put_head(&f, PTP_DELAY_REQ, 44, device, 0, 1);
    put_stamp(&f, 0);
    bench_send(b, &f);
}

static void
lead(struct bench *b)
{
    for (unsigned i = 0; i < 10; i++) {
        announce(b, 1, 100, 6);
        bench_wait(b, NSEC_PER_SEC);
    }
    assert_found(b, "");
}

static void
a_grandmaster_that_went_silent_has_a_successor(void **state)
{
    struct bench *b = *state;
    lead(b);
    delay_request(b, 2); /* it follows, and may lead when nobody else does */
    bench_wait(b, 5 * NSEC_PER_SEC);
    announce(b, 2, 110, 6);
    announce(b, 2, 110, 6);
    assert_found(b, "ptp-grandmaster-changed ");
    assert_string_equal(b->object, "020000fffe000002 domain 0");
}

static void
a_better_one_beside_it_is_told_once(void **state)
{
    struct bench *b = *state;
    lead(b);
    announce(b, 66, 1, 6);
    bench_wait(b, NSEC_PER_SEC);
    announce(b, 1, 100, 6);
    announce(b, 66, 1, 6);
    assert_found(b, "ptp-better-master ");
}

static void
a_worse_one_beside_it_is_told(void **state)
{
    struct bench *b = *state;
    lead(b);
    announce(b, 66, 200, 6);
    assert_found(b, "ptp-second-master ");
}

static void
one_that_followed_until_now_is_told(void **state)
{
    struct bench *b = *state;
    lead(b);
    delay_request(b, 66);
    announce(b, 66, 200, 6);
    assert_found(b, "ptp-slave-announces ptp-second-master ");
}

static void
a_clock_that_becomes_worse_is_told(void **state)
{
    struct bench *b = *state;
    lead(b);
    announce(b, 1, 100, 7);
    announce(b, 1, 100, 7);
    assert_found(b, "ptp-clock-degraded ");
    announce(b, 1, 100, 6);
    assert_found(b, "");
}

static void
time_that_steps_is_told(void **state)
{
    struct bench *b = *state;
    nsec_t ahead = 37 * NSEC_PER_SEC;
    for (unsigned i = 0; i < 10; i++)
        sync_of(b, 1, ahead + i * 50 * NSEC_PER_USEC); /* clocks drift */
    sync_of(b, 1, ahead + 9 * NSEC_PER_MSEC);          /* and captures are late */
    sync_of(b, 1, ahead + 500 * NSEC_PER_USEC);
    assert_found(b, "");
    for (unsigned i = 0; i < 5; i++)
        sync_of(b, 1, ahead + 5 * NSEC_PER_MSEC);
    assert_found(b, "ptp-time-step ");
}

TEST_MAIN(BENCH_TEST(a_grandmaster_that_went_silent_has_a_successor),
          BENCH_TEST(a_better_one_beside_it_is_told_once),
          BENCH_TEST(a_worse_one_beside_it_is_told),
          BENCH_TEST(one_that_followed_until_now_is_told),
          BENCH_TEST(a_clock_that_becomes_worse_is_told), BENCH_TEST(time_that_steps_is_told),
          BENCH_TEST(times_at_the_ends_of_what_there_is_do_no_harm))
