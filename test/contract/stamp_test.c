/* What the assure service asks of a node is what a node's tester understands, and the other way
 * round (doc/assure.md, "What is asked of a node"). */
#include "assure/exchange.h"
#include "edge/stamp_testing.h"

static struct test_receiver receivers[3] = {
    {"b1", 0x0a090002, 0, NULL}, {"b2", 0x0a090003, 0, NULL}, {"b3", 0x0a090004, 0, NULL}};
static struct test_receiver server = {"b1", 0x0a14000b, 0, NULL};

static const struct test_session ip = {
    .in_band = true,
    .frame = {.source = {{2, 0, 0, 0x10, 0, 0x11}},
              .destination = {{2, 0x54, 10, 10, 0, 1}},
              .vlan_id = VLAN_UNTAGGED,
              .ipv4_source = 0x0a0a000b,
              .ipv4_destination = 0x0a14000b,
              .udp_source = 49154,
              .udp_destination = 862},
    .n_receivers = 1,
    .receivers = &server,
};
static const struct test_session multicast = {
    .frame = {.source = {{2, 0, 0, 0x10, 0, 0x11}},
              .destination = {{1, 0x0c, 0xcd, 1, 0, 7}},
              .vlan_id = 10,
              .vlan_priority = 4,
              .ipv4_source = 0x0a090001,
              .ipv4_destination = 0xefff0007,
              .udp_source = 49169,
              .udp_destination = 862},
    .n_receivers = 3,
    .receivers = receivers,
};

static struct node_answer
ask(struct world *w, const struct test_session *session, const struct load *load)
{
    struct node_answer answer = {0};
    struct diag diag = {""};
    const json_t *json = measure(w, test_start_params(session, load, "5f3a09c2-17"));
    if (node_answer_read(json, session, load, &answer, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(answer.sent, load->packets);
    assert_int_equal(answer.size, load->size);
    assert_int_equal(answer.span, load_duration(load));
    assert_int_equal(answer.timestamps, TIMESTAMP_KERNEL);
    assert_true(w->now - 77 * NSEC_PER_SEC < test_start_duration(load));
    return answer;
}

static struct fate
loses(const struct world *w, const struct station *from, uint32_t n)
{
    bool tester = from == &w->nodes[TESTER];
    return (struct fate){.lost = tester ? n % 10 == 3 : n % 15 == 4,
                         .latency = tester ? 2 * MS : 3 * MS};
}

static void
a_session_in_band(void **state UNUSED)
{
    const struct load load = {LOAD_LATENCY, 50, 2048, 128};
    struct world *w = world_new(1);
    w->fate = loses;
    struct node_answer a = ask(w, &ip, &load);
    const struct measured *m = &a.receivers[0];
    assert_true(m->has_directions && m->synchronised);
    assert_int_equal(m->timestamps, TIMESTAMP_KERNEL);
    assert_int_equal(m->forward.lost, 5);
    assert_int_equal(m->backward.lost, 3);
    assert_int_equal(m->round_trip.lost, 8);
    assert_int_equal(m->unattributed, 0);
    assert_int_equal(m->forward.p99, 2 * MS);
    assert_int_equal(m->backward.min, 3 * MS);
    node_answer_fini(&a);
    world_free(w);
}

static void
a_session_by_management(void **state UNUSED)
{
    const struct load load = {LOAD_WATCH, 5, 20000, 300};
    struct world *w = world_new(3);
    w->nodes[3].deaf = true;
    struct node_answer a = ask(w, &multicast, &load);
    assert_int_equal(a.n, 3);
    assert_int_equal(a.receivers[0].forward.received, 5);
    assert_int_equal(a.receivers[1].forward.max, MS);
    assert_int_equal(a.receivers[2].round_trip.lost, 5);
    assert_false(a.receivers[2].round_trip.has_latency);
    node_answer_fini(&a);
    world_free(w);
}

static void
the_heaviest_load(void **state UNUSED)
{
    const struct load load = {LOAD_COMMITTED, 50001, 200, 1514};
    struct world *w = world_new(1);
    struct node_answer a = ask(w, &ip, &load);
    assert_int_equal(a.receivers[0].round_trip.received, 50001);
    node_answer_fini(&a);
    world_free(w);
}

static void
silence_and_clocks_far_apart(void **state UNUSED)
{
    const struct load load = {LOAD_LATENCY, 100, 1000, 128};
    struct world *w = world_new(1);
    w->nodes[1].clock_offset = 5000 * NSEC_PER_SEC;
    struct node_answer a = ask(w, &ip, &load);
    assert_false(a.receivers[0].forward.has_latency);
    assert_true(a.receivers[0].round_trip.has_latency);
    node_answer_fini(&a);
    w->nodes[1].deaf = true;
    a = ask(w, &ip, &load);
    assert_int_equal(a.receivers[0].unattributed, 100);
    node_answer_fini(&a);
    world_free(w);
}

TEST_MAIN(cmocka_unit_test(a_session_in_band), cmocka_unit_test(a_session_by_management),
          cmocka_unit_test(the_heaviest_load), cmocka_unit_test(silence_and_clocks_far_apart))
