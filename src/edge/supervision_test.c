#include "edge/supervision.h"

#include "base/testing.h"

#define SECOND NSEC_PER_SEC

static struct supervisor s;

static int
setup(void **state UNUSED)
{
    memset(&s, 0, sizeof s);
    return 0;
}

static void
hear(uint16_t node, uint8_t lan, nsec_t now)
{
    uint8_t frame[SUPERVISION_FRAME_SIZE + REDUNDANCY_TAG_SIZE];
    struct supervision says = {.type = SUPERVISION_PRP_DISCARD, .version = 1};
    put_be16(says.node.octets + 4, node);
    supervision_write(&says, &says.node, 0, frame);
    put_be16(frame + 60, 1);
    put_be16(frame + 62, (uint16_t)(lan << 12 | 52));
    put_be16(frame + 64, ETH_TYPE_PRP);
    assert_true(supervisor_input(&s, frame, sizeof frame, now));
}

static void
a_node_is_heard_by_either_path(void **state UNUSED)
{
    hear(1, PRP_LAN_A, 10 * SECOND);
    hear(1, PRP_LAN_B, 11 * SECOND);
    hear(2, PRP_LAN_A, 12 * SECOND);
    assert_int_equal(s.n_nodes, 2);
    assert_int_equal(s.nodes[0].frames, 2);
    assert_int_equal(s.nodes[0].by_path[0], 10 * SECOND);
    assert_int_equal(s.nodes[0].by_path[1], 11 * SECOND);
    assert_int_equal(s.nodes[1].by_path[1], 0);
}

static void
who_falls_silent_is_forgotten(void **state UNUSED)
{
    hear(1, PRP_LAN_A, 10 * SECOND);
    hear(2, PRP_LAN_A, 20 * SECOND);
    supervisor_forget(&s, 69 * SECOND);
    assert_int_equal(s.n_nodes, 2);
    supervisor_forget(&s, 70 * SECOND);
    assert_int_equal(s.n_nodes, 1);
    assert_int_equal(s.nodes[0].said.node.octets[5], 2);
}

static void
any_number_of_nodes_takes_as_much_memory(void **state UNUSED)
{
    for (uint16_t i = 0; i < 10000; i++)
        hear(i, PRP_LAN_A, (1 + i) * SECOND);
    assert_int_equal(s.n_nodes, SUPERVISION_NODES);
    for (uint32_t i = 0; i < s.n_nodes; i++)
        assert_true(get_be16(s.nodes[i].said.node.octets + 4) >= 10000 - SUPERVISION_NODES);
}

static void
other_frames_are_left_alone(void **state UNUSED)
{
    uint8_t frame[SUPERVISION_FRAME_SIZE] = {1, 0x15, 0x4e, 0, 1, 0};
    assert_false(supervisor_input(&s, frame, sizeof frame, SECOND));
    put_be16(frame + 12, ETH_TYPE_PRP);
    assert_true(supervisor_input(&s, frame, sizeof frame, SECOND)); /* a TLV of type 0 */
    assert_int_equal(s.flawed, 1);
    assert_int_equal(s.n_nodes, 0);
}

static void
speaks_for_a_host_each_interval(void **state UNUSED)
{
    struct supervision_speaker speaker = {.stream = 5,
                                          .group = 9,
                                          .type = SUPERVISION_PRP_DISCARD,
                                          .node = {{2, 0, 0, 0, 0, 1}},
                                          .redbox = {{2, 0, 0, 0, 0, 9}},
                                          .interval = 2 * SECOND};
    uint8_t frame[SUPERVISION_FRAME_SIZE], lan;
    struct supervision said;
    assert_null(supervisor_output(&s, SECOND, frame));
    assert_true(supervisor_speak(&s, &speaker, SECOND));
    for (unsigned i = 0; i < 5; i++) {
        nsec_t now = SECOND + 2 * i * SECOND;
        assert_null(i ? supervisor_output(&s, now - 1, frame) : NULL);
        assert_int_equal(supervisor_output(&s, now, frame)->group, 9);
        assert_null(supervisor_output(&s, now, frame));
        assert_ok(supervision_read(frame, sizeof frame, &said, &lan, NULL));
        assert_int_equal(said.sequence, i);
        assert_memory_equal(&said.node, &speaker.node, 6);
        assert_memory_equal(&said.redbox, &speaker.redbox, 6);
    }
    speaker.interval = 0;
    assert_true(supervisor_speak(&s, &speaker, 20 * SECOND));
    assert_null(supervisor_output(&s, 100 * SECOND, frame));
}

static void
speaks_for_so_many_and_no_more(void **state UNUSED)
{
    struct supervision_speaker speaker = {.type = SUPERVISION_HSR, .interval = SECOND};
    for (uint8_t i = 0; i < SUPERVISION_SPEAKERS; i++) {
        speaker.node.octets[5] = i;
        assert_true(supervisor_speak(&s, &speaker, SECOND));
        assert_true(supervisor_speak(&s, &speaker, SECOND));
    }
    speaker.node.octets[5] = SUPERVISION_SPEAKERS;
    assert_false(supervisor_speak(&s, &speaker, SECOND));
    assert_int_equal(s.n_speakers, SUPERVISION_SPEAKERS);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

TEST_MAIN(TEST(a_node_is_heard_by_either_path), TEST(who_falls_silent_is_forgotten),
          TEST(any_number_of_nodes_takes_as_much_memory), TEST(other_frames_are_left_alone),
          TEST(speaks_for_a_host_each_interval), TEST(speaks_for_so_many_and_no_more))
