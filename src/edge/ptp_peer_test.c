#include "edge/ptp_peer.h"

#include "base/testing.h"

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)
#define DELAY 800

static const struct ptp_port_identity ours = {{1, 1, 1, 1, 1, 1, 1, 1}, 3};
#define THEIRS                                                                                     \
    {                                                                                              \
        {2, 2, 2, 2, 2, 2, 2, 2}, 1                                                                \
    }
static const struct ptp_port_identity theirs = THEIRS;
static const struct ptp_port_identity others = {{4, 4, 4, 4, 4, 4, 4, 4}, 1};
static const struct ptp_headers theirs_by = {.tags_size = 4};

struct rig {
    struct ptp_peer *peer;
    nsec_t now;
    struct ptp_peer_output out;
};

static struct rig
rig(void)
{
    const struct ptp_peer_config config = {.identity = ours, .domain = 7, .tx_stamps = true};
    return (struct rig){.peer = ptp_peer_new(&config), .now = 10 * NSEC_PER_SEC};
}

static struct ptp_stamp
kernel(nsec_t at)
{
    return (struct ptp_stamp){WALL + at, true, 0};
}

static bool
next(struct rig *r)
{
    return ptp_peer_output(r->peer, r->now, &r->out);
}

static void
give(struct rig *r, const struct ptp_message *m, nsec_t arrival)
{
    const struct ptp_stamp stamp = kernel(arrival);
    ptp_peer_input(r->peer, m, &theirs_by, &stamp, r->now);
}

/* Answers the question that is out, as a clock `ahead` of ours that takes 5 us to do so. */
static void
answer(struct rig *r, const struct ptp_port_identity *by, nsec_t left, nsec_t ahead, bool two_step)
{
    nsec_t t2 = left + DELAY, t3 = t2 + 5000;
    struct ptp_message m = {.type = PTP_PDELAY_RESP,
                            .source = *by,
                            .requesting = r->out.message.source,
                            .sequence = r->out.message.sequence,
                            .flags = two_step ? PTP_FLAG_TWO_STEP : 0,
                            .timestamp = two_step ? WALL + t2 + ahead : 0,
                            .correction = two_step ? 0 : ptp_correction(5000)};
    give(r, &m, t3 + DELAY);
    m.type = PTP_PDELAY_RESP_FOLLOW_UP;
    m.flags = 0;
    m.timestamp = WALL + t3 + ahead;
    if (two_step)
        give(r, &m, t3 + DELAY + 10000);
}

static void
exchange(struct rig *r, nsec_t ahead, bool two_step)
{
    assert_true(next(r));
    assert_int_equal(r->out.message.type, PTP_PDELAY_REQ);
    nsec_t left = r->now + 1500;
    struct ptp_stamp app = {.software = WALL + r->now}, real = kernel(left);
    uint32_t token = r->out.token;
    ptp_peer_left(r->peer, token, &app, r->now);
    ptp_peer_left(r->peer, token, &real, r->now);
    answer(r, &theirs, left, ahead, two_step);
    assert_false(next(r));
    r->now = ptp_peer_deadline(r->peer);
}

static void
measures_the_link(void **state UNUSED)
{
    struct rig r = rig();
    nsec_t delay;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(ptp_peer_delay(r.peer, &delay), i >= 3);
        exchange(&r, 123 * NSEC_PER_SEC, i != 4); /* the last one in one step */
    }
    assert_true(ptp_peer_delay(r.peer, &delay));
    assert_int_equal(delay, DELAY);
    assert_int_equal(ptp_peer_status(r.peer)->last_delay, DELAY);
    assert_int_equal(ptp_peer_status(r.peer)->clock, UINT64_C(0x0202020202020202));
    ptp_peer_free(r.peer);
}

static void
asks_once_a_second(void **state UNUSED)
{
    struct rig r = rig();
    assert_true(next(&r));
    assert_int_equal(r.out.message.domain, 7);
    nsec_t first = ptp_peer_deadline(r.peer);
    r.now = first;
    assert_true(next(&r));
    assert_int_equal(ptp_peer_deadline(r.peer) - first, PTP_PEER_INTERVAL);
    assert_int_equal(ptp_peer_status(r.peer)->lost, 1);
    ptp_peer_free(r.peer);
}

static void
forgets_a_peer_that_is_gone(void **state UNUSED)
{
    struct rig r = rig();
    nsec_t delay;
    for (unsigned i = 0; i < 3; i++)
        exchange(&r, 0, true);
    for (unsigned i = 0; i < 11; i++) {
        assert_true(ptp_peer_delay(r.peer, &delay));
        assert_true(next(&r));
        r.now = ptp_peer_deadline(r.peer);
    }
    assert_false(ptp_peer_delay(r.peer, &delay));
    ptp_peer_free(r.peer);
}

static void
believes_no_link_with_several_clocks(void **state UNUSED)
{
    struct rig r = rig();
    nsec_t delay;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(next(&r));
        struct ptp_stamp real = kernel(r.now);
        answer(&r, &theirs, r.now, 0, true);
        answer(&r, &others, r.now, 0, true);
        ptp_peer_left(r.peer, r.out.token, &real, r.now);
        r.now = ptp_peer_deadline(r.peer);
    }
    assert_false(ptp_peer_delay(r.peer, &delay));
    assert_int_equal(ptp_peer_status(r.peer)->several, 5);
    ptp_peer_free(r.peer);
}

static void
believes_no_answer_to_somebody_else(void **state UNUSED)
{
    struct rig r = rig();
    assert_true(next(&r));
    struct ptp_stamp real = kernel(r.now);
    ptp_peer_left(r.peer, r.out.token, &real, r.now);
    r.out.message.sequence++;
    answer(&r, &theirs, r.now, 0, true);
    r.out.message.sequence--;
    r.out.message.source.port++;
    answer(&r, &theirs, r.now, 0, true);
    assert_int_equal(ptp_peer_status(r.peer)->measured, 0);
    ptp_peer_free(r.peer);
}

static void
impossible_delays_are_not_used(void **state UNUSED)
{
    static const nsec_t turnarounds[] = {INT64_MAX, INT64_MIN / 2, 3 * NSEC_PER_SEC};
    struct rig r = rig();
    for (size_t i = 0; i < ARRAY_SIZE(turnarounds); i++) {
        assert_true(next(&r));
        struct ptp_stamp real = kernel(r.now);
        ptp_peer_left(r.peer, r.out.token, &real, r.now);
        struct ptp_message m = {.type = PTP_PDELAY_RESP,
                                .source = theirs,
                                .requesting = ours,
                                .sequence = r.out.message.sequence,
                                .flags = PTP_FLAG_TWO_STEP,
                                .correction = INT64_MAX};
        give(&r, &m, r.now + 1000);
        m.type = PTP_PDELAY_RESP_FOLLOW_UP;
        m.timestamp = turnarounds[i];
        give(&r, &m, r.now + 2000);
        r.now = ptp_peer_deadline(r.peer);
    }
    assert_int_equal(ptp_peer_status(r.peer)->measured, 0);
    ptp_peer_free(r.peer);
}

static const struct ptp_message question = {
    .type = PTP_PDELAY_REQ, .source = THEIRS, .sequence = 77, .domain = 5, .correction = 65536};

static void
answers_in_two_steps(void **state UNUSED)
{
    struct rig r = rig();
    (void)!next(&r); /* its own question */
    give(&r, &question, r.now);
    assert_true(next(&r));
    assert_int_equal(r.out.message.type, PTP_PDELAY_RESP);
    assert_int_equal(r.out.message.flags, PTP_FLAG_TWO_STEP);
    assert_int_equal(r.out.message.timestamp, WALL + r.now);
    assert_int_equal(r.out.message.domain, 5);
    assert_int_equal(r.out.headers.tags_size, 4);
    assert_memory_equal(&r.out.message.requesting, &theirs, sizeof theirs);
    uint32_t token = r.out.token;
    struct ptp_stamp app = {.software = WALL + r.now + 4000}, real = kernel(r.now + 5000);
    ptp_peer_left(r.peer, token, &app, r.now);
    assert_false(next(&r)); /* the kernel will know better */
    ptp_peer_left(r.peer, token, &real, r.now);
    assert_int_equal(ptp_peer_deadline(r.peer), 0);
    assert_true(next(&r));
    assert_int_equal(r.out.message.type, PTP_PDELAY_RESP_FOLLOW_UP);
    assert_int_equal(r.out.message.timestamp, WALL + r.now + 5000);
    assert_int_equal(r.out.message.correction, 65536);
    assert_int_equal(r.out.message.sequence, 77);
    assert_false(next(&r));
    ptp_peer_free(r.peer);
}

static void
asks_as_its_peer_does(void **state UNUSED)
{
    struct rig r = rig();
    assert_true(next(&r));
    assert_int_equal(r.out.headers.tags_size, 0);
    give(&r, &question, r.now);
    while (next(&r))
        ;
    r.now += 2 * PTP_PEER_INTERVAL;
    do
        assert_true(next(&r));
    while (r.out.message.type != PTP_PDELAY_REQ);
    assert_int_equal(r.out.headers.tags_size, 4);
    assert_int_equal(r.out.message.domain, 5);
    ptp_peer_reset(r.peer, r.now); /* somebody else, perhaps */
    assert_true(next(&r));
    assert_int_equal(r.out.headers.tags_size, 0);
    assert_int_equal(r.out.message.domain, 7);
    ptp_peer_free(r.peer);
}

static void
a_flood_of_questions_is_not_answered(void **state UNUSED)
{
    struct rig r = rig();
    unsigned n = 0;
    (void)!next(&r);
    for (unsigned i = 0; i < 10000; i++) {
        r.now += NSEC_PER_SEC / 10000;
        give(&r, &question, r.now);
        while (next(&r)) {
            struct ptp_stamp real = kernel(r.now);
            n += r.out.message.type == PTP_PDELAY_RESP;
            if (r.out.token)
                ptp_peer_left(r.peer, r.out.token, &real, r.now);
        }
    }
    assert_in_range(n, 16, 33);
    assert_int_equal(ptp_peer_status(r.peer)->refused, 10000 - n);
    ptp_peer_free(r.peer);
}

TEST_MAIN(cmocka_unit_test(measures_the_link), cmocka_unit_test(asks_once_a_second),
          cmocka_unit_test(forgets_a_peer_that_is_gone),
          cmocka_unit_test(believes_no_link_with_several_clocks),
          cmocka_unit_test(believes_no_answer_to_somebody_else),
          cmocka_unit_test(impossible_delays_are_not_used), cmocka_unit_test(answers_in_two_steps),
          cmocka_unit_test(asks_as_its_peer_does),
          cmocka_unit_test(a_flood_of_questions_is_not_answered))
