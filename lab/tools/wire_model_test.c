#include "lab/tools/wire_model.h"

#include "base/testing.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC

static void
delay_is_added(void **state UNUSED)
{
    struct wire_way w = {.settings = {.delay = 3 * MS}};
    nsec_t at;
    assert_int_equal(wire_way_pass(&w, 100, 5 * MS, &at), WIRE_PASS);
    assert_int_equal(at, 8 * MS);
}

static void
capacity_serialises_frames(void **state UNUSED)
{
    struct wire_way w = {.settings = {.delay = MS, .rate_bps = 8000000, .queue = 10000}};
    nsec_t at;
    for (int i = 1; i <= 3; i++) { /* 1,000 octets at 8 Mbit/s are 1 ms each */
        assert_int_equal(wire_way_pass(&w, 1000, 0, &at), WIRE_PASS);
        assert_int_equal(at, (i + 1) * MS);
    }
    assert_int_equal(wire_way_pass(&w, 1000, 10 * MS, &at), WIRE_PASS);
    assert_int_equal(at, 12 * MS); /* the queue was empty again */
}

static void
a_full_queue_drops_the_newest(void **state UNUSED)
{
    struct wire_way w = {.settings = {.rate_bps = 8000000, .queue = 3000}};
    nsec_t at;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wire_way_pass(&w, 1000, 0, &at), WIRE_PASS);
    assert_int_equal(wire_way_pass(&w, 1000, 0, &at), WIRE_QUEUE_FULL);
    assert_int_equal(wire_way_pass(&w, 1000, 999 * US, &at), WIRE_QUEUE_FULL);
    assert_int_equal(wire_way_pass(&w, 1000, MS, &at), WIRE_PASS);
    assert_int_equal(at, 4 * MS);
    w = (struct wire_way){.settings = {.rate_bps = 8000000, .queue = 10}};
    assert_int_equal(wire_way_pass(&w, 1000, 0, &at), WIRE_PASS); /* one always fits */
}

static void
frames_do_not_overtake_each_other(void **state UNUSED)
{
    struct wire_way w = {.settings = {.delay = 10 * MS}};
    nsec_t first, second;
    wire_way_pass(&w, 100, 0, &first);
    w.settings.delay = 0; /* somebody shortened the cable */
    wire_way_pass(&w, 100, MS, &second);
    assert_int_equal(second, first);
}

static void
loss_is_random_and_repeatable(void **state UNUSED)
{
    unsigned lost[3] = {0};
    uint64_t pattern[3] = {0};
    for (int run = 0; run < 3; run++) {
        struct wire_way w = {.settings = {.loss = 0.05}, .random = run < 2 ? 1 : 2};
        for (int i = 0; i < 100000; i++) {
            nsec_t at;
            bool gone = wire_way_pass(&w, 100, i, &at) == WIRE_LOST;
            lost[run] += gone;
            if (i < 64)
                pattern[run] |= (uint64_t)gone << i;
        }
        assert_in_range(lost[run], 4700, 5300);
    }
    assert_true(lost[0] == lost[1] && pattern[0] == pattern[1]);
    assert_true(lost[0] != lost[2] || pattern[0] != pattern[2]);
    struct wire_way w = {.settings = {.loss = 1}};
    nsec_t at;
    assert_int_equal(wire_way_pass(&w, 100, 0, &at), WIRE_LOST);
}

static void
a_blocked_way_is_silent(void **state UNUSED)
{
    struct wire_way w = {.blocked = true};
    nsec_t at = 77;
    assert_int_equal(wire_way_pass(&w, 100, 0, &at), WIRE_BLOCKED);
    assert_int_equal(at, 77);
}

static void
a_frame_takes_its_overhead_on_the_wire(void **state UNUSED)
{
    assert_int_equal(wire_size(14, 1, 0), 84);
    assert_int_equal(wire_size(1514, 0, 0), 1538);
    /* 4 segments of 1,448: the header of 66 octets is repeated three times. */
    assert_int_equal(wire_size(66 + 4 * 1448, 4, 66), 4 * (66 + 1448 + 24));
}

TEST_MAIN(cmocka_unit_test(delay_is_added), cmocka_unit_test(capacity_serialises_frames),
          cmocka_unit_test(a_full_queue_drops_the_newest),
          cmocka_unit_test(frames_do_not_overtake_each_other),
          cmocka_unit_test(loss_is_random_and_repeatable),
          cmocka_unit_test(a_blocked_way_is_silent),
          cmocka_unit_test(a_frame_takes_its_overhead_on_the_wire))
