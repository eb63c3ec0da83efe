#include "lab/tools/traffic_frame.h"

#include "base/testing.h"
#include "lab/tools/frames.h"

static struct traffic_shape
shape(uint32_t size)
{
    return (struct traffic_shape){.dst = {{2, 0, 0, 0, 0, 2}},
                                  .src = {{2, 0, 0, 0, 0, 1}},
                                  .vlan = FRAME_NO_VLAN,
                                  .size = size,
                                  .n_flows = 1,
                                  .id = 0x4711};
}

static void
a_mark_comes_back(void **state UNUSED)
{
    uint8_t frame[TRAFFIC_MAX_SIZE];
    struct traffic_mark mark;
    for (int64_t vlan = FRAME_NO_VLAN; vlan < 2; vlan++) {
        struct traffic_shape s = shape(TRAFFIC_MIN_SIZE);
        s.vlan = vlan;
        s.pcp = 4;
        traffic_frame_write(frame, &s);
        traffic_frame_mark(frame, &s, UINT32_MAX, INT64_C(0x0102030405060708));
        assert_true(traffic_frame_read(frame, s.size, s.id, &mark));
        assert_true(mark.number == UINT32_MAX && mark.sent == INT64_C(0x0102030405060708));
        assert_int_equal(mark.vlan, vlan);
    }
}

/* The header of a 60-octet frame, its checksum computed by hand. */
static void
the_frame_is_udp_over_ipv4(void **state UNUSED)
{
    static const uint8_t expected[] = {
        2,   0,    0, 0, 0,    2,   2, 0, 0,    0,    0,    1,    8,
        0,   0x45, 0, 0, 46,   0,   0, 0, 0,    64,   17,   0xee, 0x97, /* IPv4 */
        198, 18,   0, 1, 198,  19,  0, 1, 0x27, 0x10, 0x16, 0xe7,       /* UDP */
        0,   26,   0, 0, 0x47, 0x11};
    uint8_t frame[TRAFFIC_MIN_SIZE];
    struct traffic_shape s = shape(sizeof frame);
    traffic_frame_write(frame, &s);
    assert_memory_equal(frame, expected, sizeof expected);
}

static void
flows_differ_in_their_ports(void **state UNUSED)
{
    uint8_t a[TRAFFIC_MIN_SIZE], b[TRAFFIC_MIN_SIZE];
    struct traffic_shape s = shape(sizeof a);
    s.n_flows = 60000;
    traffic_frame_write(a, &s);
    traffic_frame_write(b, &s);
    traffic_frame_mark(b, &s, 50000, 0);
    assert_memory_equal(a + 34, b + 34, 2);
    assert_memory_not_equal(a + 36, b + 36, 2);
    traffic_frame_mark(b, &s, 60000, 0); /* the first flow again */
    assert_memory_equal(a, b, 44);
}

static void
what_is_not_of_the_run_is_refused(void **state UNUSED)
{
    struct traffic_shape s = shape(TRAFFIC_MIN_SIZE);
    struct traffic_mark mark;
    uint8_t frame[TRAFFIC_MIN_SIZE];
    traffic_frame_write(frame, &s);
    assert_false(traffic_frame_read(frame, sizeof frame, (uint16_t)(s.id + 1), &mark));
    for (size_t size = 0; size < sizeof frame; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, frame, size);
        assert_int_equal(traffic_frame_read(copy, size, s.id, &mark), size >= 56);
        free(copy);
    }
    frame[23] = 6; /* TCP */
    assert_false(traffic_frame_read(frame, sizeof frame, s.id, &mark));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_comes_back),
        cmocka_unit_test(the_frame_is_udp_over_ipv4),
        cmocka_unit_test(flows_differ_in_their_ports),
        cmocka_unit_test(what_is_not_of_the_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
