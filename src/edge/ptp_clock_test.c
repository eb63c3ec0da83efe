#include "edge/ptp_clock.h"

#include "base/bytes.h"
#include "base/testing.h"

#include <string.h>

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)
#define US NSEC_PER_USEC

static const struct ptp_domains all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

/* A message of clock `clock`; `requesting` likewise, where the type has one. */
struct made {
    enum ptp_type type;
    uint16_t sequence;
    uint8_t clock, requesting, domain;
    bool one_step;
};

static size_t
make(const struct made *made, uint8_t data[64])
{
    size_t size = made->type == PTP_ANNOUNCE ? 64 : 54;
    memset(data, 0, 64);
    data[0] = (uint8_t)made->type;
    data[1] = 2;
    put_be16(data + 2, (uint16_t)size);
    data[4] = made->domain;
    bool two_step = made->type == PTP_SYNC || made->type == PTP_PDELAY_RESP;
    data[6] = two_step && !made->one_step ? 2 : 0;
    data[27] = made->clock;
    put_be16(data + 28, 1);
    put_be16(data + 30, made->sequence);
    data[51] = made->requesting;
    if (made->requesting)
        put_be16(data + 52, 1);
    return size;
}

struct rig {
    struct ptp_clock *clock;
    nsec_t now;
    struct ptp_departure d;
};

static struct rig
rig(enum ptp_mode mode, unsigned n_ports, bool tx_stamps)
{
    struct rig r = {.clock = ptp_clock_new(mode, &all), .now = NSEC_PER_SEC};
    for (unsigned i = 0; i < n_ports; i++)
        assert_int_equal(ptp_clock_add_port(r.clock, 10 + i, -1, tx_stamps), i);
    return r;
}

/* It arrived `taken` ago. Returns what is added to it, in nanoseconds. */
static nsec_t
ask(struct rig *r, unsigned in, unsigned out, const struct made *made, nsec_t taken)
{
    uint8_t data[64];
    const struct ptp_stamp arrival = {.software = WALL + r->now - taken, .kernel = true};
    size_t size = make(made, data);
    ptp_clock_depart(r->clock, in, out, &arrival, data, size, WALL + r->now, r->now, &r->d);
    return r->d.correction / 65536;
}

static nsec_t
send(struct rig *r, unsigned in, unsigned out, const struct made *made, nsec_t taken)
{
    nsec_t added = ask(r, in, out, made, taken);
    ptp_clock_departed(r->clock, &r->d, WALL + r->now, r->now);
    return added;
}

/* It left this much later than it was thought to. */
static void
left(struct rig *r, unsigned out, nsec_t late)
{
    const struct ptp_stamp stamp = {.software = WALL + r->now + late, .kernel = true};
    ptp_clock_stamp(r->clock, out, r->d.token, &stamp);
}

static const struct ptp_port_counters *
counters(const struct rig *r, unsigned port)
{
    uint32_t number;
    int phc;
    const struct ptp_port_counters *c = ptp_clock_port(r->clock, port, &number, &phc);
    assert_int_equal(number, 10 + port);
    return c;
}

static void
sync_and_follow_up_together_have_the_residence_time(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1, .sequence = 7};
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = 7};
    assert_int_equal(send(&r, 0, 1, &sync, 50 * US), 50 * US);
    assert_int_equal(r.d.verdict, PTP_CORRECT);
    left(&r, 1, 3 * US);
    assert_int_equal(send(&r, 0, 1, &follow_up, 20 * US), 3 * US);
    /* another way, another time; and of the next Sync nothing is known */
    assert_int_equal(send(&r, 1, 0, &follow_up, 20 * US), 0);
    assert_int_equal(counters(&r, 0)->unmatched, 1);
    ptp_clock_free(r.clock);
}

static void
every_copy_has_its_own_correction(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 4, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1, .sequence = 7};
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = 7};
    for (unsigned out = 1; out < 4; out++) {
        assert_int_equal(send(&r, 0, out, &sync, 50 * US * out), 50 * US * out);
        left(&r, out, out * US);
    }
    for (unsigned out = 1; out < 4; out++)
        assert_int_equal(send(&r, 0, out, &follow_up, 0), out * US);
    ptp_clock_free(r.clock);
}

static void
what_sending_takes_is_learned(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    struct made sync = {.type = PTP_SYNC, .clock = 1, .one_step = true};
    for (; sync.sequence < 9; sync.sequence++) {
        (void)!send(&r, 0, 1, &sync, 50 * US);
        left(&r, 1, sync.sequence == 4 ? 900 * US : 2 * US); /* once it was scheduled away */
    }
    assert_int_equal(send(&r, 0, 1, &sync, 50 * US), 52 * US);
    ptp_clock_free(r.clock);
}

static void
a_delay_request_is_made_good_in_its_response(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 3, true);
    const struct made request = {.type = PTP_DELAY_REQ, .clock = 5, .sequence = 9};
    const struct made response = {
        .type = PTP_DELAY_RESP, .clock = 1, .requesting = 5, .sequence = 9};
    const struct made another = {
        .type = PTP_DELAY_RESP, .clock = 1, .requesting = 6, .sequence = 9};
    assert_int_equal(send(&r, 1, 0, &request, 40 * US), 40 * US);
    left(&r, 0, -1 * US);
    assert_int_equal(send(&r, 0, 1, &response, 10 * US), -1 * US);
    assert_int_equal(send(&r, 0, 2, &response, 10 * US), 0); /* nobody there has asked */
    assert_int_equal(counters(&r, 2)->unmatched, 0);         /* but somebody has */
    assert_int_equal(send(&r, 0, 1, &another, 10 * US), 0);
    assert_int_equal(counters(&r, 1)->unmatched, 1);
    ptp_clock_free(r.clock);
}

static void
peer_delay_across_the_node_is_made_good_in_its_follow_up(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    const struct made request = {.type = PTP_PDELAY_REQ, .clock = 5, .sequence = 9};
    struct made response = {.type = PTP_PDELAY_RESP, .clock = 1, .requesting = 5, .sequence = 9};
    const struct made follow_up = {
        .type = PTP_PDELAY_RESP_FOLLOW_UP, .clock = 1, .requesting = 5, .sequence = 9};
    assert_int_equal(send(&r, 1, 0, &request, 40 * US), 40 * US);
    left(&r, 0, 2 * US);
    assert_int_equal(send(&r, 0, 1, &response, 60 * US), 60 * US);
    left(&r, 1, 3 * US);
    assert_int_equal(send(&r, 0, 1, &follow_up, 0), 5 * US);
    /* in one step there is no Follow_Up */
    response.one_step = true;
    r.now++;
    assert_int_equal(send(&r, 0, 1, &response, 60 * US), 60 * US + 3 * US + 2 * US);
    ptp_clock_free(r.clock);
}

static void
a_follow_up_waits_for_the_stamp_of_its_sync(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1, .sequence = 7};
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = 7};
    (void)!send(&r, 0, 1, &sync, 50 * US);
    struct ptp_departure sent = r.d;
    (void)!ask(&r, 0, 1, &follow_up, 0);
    assert_int_equal(r.d.verdict, PTP_WAIT);
    nsec_t until = r.d.until;
    assert_in_range(until, r.now + 1, r.now + 10 * NSEC_PER_MSEC);
    r.d = sent;
    left(&r, 1, US);
    assert_int_equal(ask(&r, 0, 1, &follow_up, 0), US);
    assert_int_equal(r.d.verdict, PTP_CORRECT);
    ptp_clock_free(r.clock);
}

static void
but_not_for_ever(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    struct made sync = {.type = PTP_SYNC, .clock = 1},
                follow_up = {.type = PTP_FOLLOW_UP, .clock = 1};
    (void)!send(&r, 0, 1, &sync, 50 * US);
    (void)!ask(&r, 0, 1, &follow_up, 0);
    r.now = r.d.until;
    assert_int_equal(send(&r, 0, 1, &follow_up, 0), 0);
    assert_int_equal(r.d.verdict, PTP_PASS);
    /* of a driver that never tells nothing is waited for */
    for (unsigned i = 1; i < 100; i++) {
        sync.sequence = follow_up.sequence = (uint16_t)i;
        (void)!send(&r, 0, 1, &sync, 50 * US);
        r.now += NSEC_PER_MSEC;
    }
    (void)!ask(&r, 0, 1, &follow_up, 0);
    assert_int_equal(r.d.verdict, PTP_PASS);
    assert_in_range(counters(&r, 1)->stamps_missing, 8, 99);
    ptp_clock_free(r.clock);
}

static void
without_stamps_the_program_s_own_time_counts(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, false);
    const struct made sync = {.type = PTP_SYNC, .clock = 1};
    assert_int_equal(send(&r, 0, 1, &sync, 50 * US), 50 * US);
    assert_int_equal(r.d.token, 0);
    assert_int_equal(counters(&r, 1)->departures[PTP_APPLICATION], 1);
    ptp_clock_free(r.clock);
}

static void
stamps_of_one_card_are_better_than_the_kernel_s(void **state UNUSED)
{
    struct ptp_clock *c = ptp_clock_new(PTP_E2E, &all);
    struct rig r = {.clock = c, .now = NSEC_PER_SEC};
    uint8_t data[64];
    const struct made sync = {.type = PTP_SYNC, .clock = 1},
                      follow_up = {.type = PTP_FOLLOW_UP, .clock = 1};
    const struct ptp_stamp arrival = {WALL + r.now - 50 * US, true, 1000000};
    ptp_clock_add_port(c, 10, 0, true);
    ptp_clock_add_port(c, 11, 0, true);
    ptp_clock_add_port(c, 12, 1, true); /* another card */
    for (unsigned out = 1; out <= 2; out++) {
        size_t size = make(&sync, data);
        ptp_clock_depart(c, 0, out, &arrival, data, size, WALL + r.now, r.now, &r.d);
        ptp_clock_departed(c, &r.d, WALL + r.now, r.now);
        left(&r, out, 2 * US);
        (void)!ask(&r, 0, out, &follow_up, 0);
        assert_int_equal(r.d.verdict, out == 1 ? PTP_WAIT : PTP_CORRECT);
        struct ptp_stamp card = {.hardware = 1000000 + 53 * US};
        struct made again = sync;
        size = make(&again, data);
        ptp_clock_stamp(c, out, out == 1 ? 1 : 2, &card);
        assert_int_equal(ask(&r, 0, out, &follow_up, 0), out == 1 ? 3 * US : 2 * US);
    }
    uint32_t number;
    int phc;
    assert_int_equal(ptp_clock_port(c, 1, &number, &phc)->departures[PTP_HARDWARE], 1);
    assert_int_equal(ptp_clock_port(c, 2, &number, &phc)->departures[PTP_KERNEL], 1);
    ptp_clock_free(c);
}

static void
peer_to_peer_adds_the_link_s_delay(void **state UNUSED)
{
    struct rig r = rig(PTP_P2P, 2, true);
    struct made sync = {.type = PTP_SYNC, .clock = 1};
    assert_int_equal(send(&r, 0, 1, &sync, 50 * US), 50 * US);
    assert_int_equal(counters(&r, 1)->no_link_delay, 1);
    ptp_clock_set_link_delay(r.clock, 0, 800);
    ptp_clock_set_link_delay(r.clock, 1, 900);
    sync.sequence++;
    assert_int_equal(send(&r, 0, 1, &sync, 50 * US), 50 * US + 800);
    left(&r, 1, 7);
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = sync.sequence};
    assert_int_equal(send(&r, 0, 1, &follow_up, 0), 7);
    ptp_clock_set_link_delay(r.clock, 0, -1);
    sync.sequence++;
    (void)!send(&r, 0, 1, &sync, 50 * US);
    assert_int_equal(counters(&r, 1)->no_link_delay, 2);
    ptp_clock_free(r.clock);
}

static void
peer_to_peer_forwards_nothing_of_the_other_mechanism(void **state UNUSED)
{
    struct rig r = rig(PTP_P2P, 2, true);
    const struct made request = {.type = PTP_DELAY_REQ, .clock = 5};
    const struct made response = {.type = PTP_DELAY_RESP, .clock = 1, .requesting = 5};
    (void)!send(&r, 0, 1, &request, 0);
    assert_int_equal(r.d.verdict, PTP_DISCARD);
    (void)!send(&r, 1, 0, &response, 0);
    assert_int_equal(r.d.verdict, PTP_DISCARD);
    assert_int_equal(counters(&r, 1)->discarded, 1);
    ptp_clock_free(r.clock);
}

static void
others_domains_pass_as_they_are(void **state UNUSED)
{
    const struct ptp_domains two = {{1, 0, 0, UINT64_C(1) << 62}}; /* 0 and 254 */
    struct rig r = {.clock = ptp_clock_new(PTP_P2P, &two), .now = NSEC_PER_SEC};
    ptp_clock_add_port(r.clock, 10, -1, true);
    ptp_clock_add_port(r.clock, 11, -1, true);
    struct made m = {.type = PTP_DELAY_REQ, .clock = 1, .domain = 3};
    (void)!send(&r, 0, 1, &m, 50 * US);
    assert_int_equal(r.d.verdict, PTP_PASS);
    m.domain = 254;
    (void)!send(&r, 0, 1, &m, 50 * US);
    assert_int_equal(r.d.verdict, PTP_DISCARD);
    assert_int_equal(counters(&r, 1)->other, 1);
    ptp_clock_free(r.clock);
}

static void
impossible_times_correct_nothing(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1};
    assert_int_equal(send(&r, 0, 1, &sync, -US), 0); /* the clock was set back meanwhile */
    assert_int_equal(r.d.verdict, PTP_PASS);
    assert_int_equal(send(&r, 0, 1, &sync, 11 * NSEC_PER_SEC), 0);
    assert_int_equal(counters(&r, 1)->implausible, 2);
    ptp_clock_free(r.clock);
}

static void
a_flood_from_one_port_harms_no_other(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 3, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1, .sequence = 7};
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = 7};
    (void)!send(&r, 0, 1, &sync, 50 * US);
    left(&r, 1, 3 * US);
    for (unsigned i = 0; i < 100000; i++) {
        struct made forged = {
            .type = PTP_SYNC, .clock = (uint8_t)(i >> 16), .sequence = (uint16_t)i};
        (void)!send(&r, 2, 1, &forged, 50 * US);
        left(&r, 1, US);
    }
    assert_int_equal(send(&r, 0, 1, &follow_up, 0), 3 * US);
    ptp_clock_free(r.clock);
}

static void
what_is_old_is_forgotten(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 2, true);
    const struct made sync = {.type = PTP_SYNC, .clock = 1, .sequence = 7};
    const struct made follow_up = {.type = PTP_FOLLOW_UP, .clock = 1, .sequence = 7};
    (void)!send(&r, 0, 1, &sync, 50 * US);
    left(&r, 1, 3 * US);
    r.now += 3 * NSEC_PER_SEC;
    assert_int_equal(send(&r, 0, 1, &follow_up, 0), 0);
    ptp_clock_free(r.clock);
}

static void
tells_which_grandmaster_passes(void **state UNUSED)
{
    struct rig r = rig(PTP_E2E, 3, true);
    struct ptp_master masters[PTP_MASTERS];
    for (uint8_t i = 1; i <= PTP_MASTERS + 3; i++) {
        const struct made announce = {.type = PTP_ANNOUNCE, .clock = i};
        for (unsigned out = 1; out < 3; out++) {
            r.now += NSEC_PER_MSEC;
            (void)!send(&r, 0, out, &announce, 0);
            assert_int_equal(r.d.verdict, PTP_PASS);
        }
    }
    assert_int_equal(ptp_clock_get_masters(r.clock, WALL + r.now, masters), PTP_MASTERS);
    for (unsigned i = 0; i < PTP_MASTERS; i++) {
        assert_in_range(masters[i].source.clock[7], 4, PTP_MASTERS + 3); /* the last ones */
        assert_int_equal(masters[i].in_port, 10);
    }
    r.now += 2 * 3600 * NSEC_PER_SEC;
    assert_int_equal(ptp_clock_get_masters(r.clock, WALL + r.now, masters), 0);
    ptp_clock_free(r.clock);
}

static void
percentiles_are_within_a_step(void **state UNUSED)
{
    static struct ptp_histogram h;
    const struct ptp_histogram *list[] = {&h};
    struct ptp_summary s;
    ptp_histograms_summary(list, 1, &s);
    assert_int_equal(s.n, 0);
    for (nsec_t v = 1; v <= 100000; v++)
        ptp_histogram_add(&h, v);
    ptp_histograms_summary(list, 1, &s);
    assert_int_equal(s.n, 100000);
    assert_int_equal(s.min, 1);
    assert_int_equal(s.max, 100000);
    assert_in_range(s.median, 47000, 53000);
    assert_in_range(s.p99, 93000, 100000);
    ptp_histogram_add(&h, INT64_MAX);
    ptp_histogram_add(&h, -1);
    ptp_histograms_summary(list, 1, &s);
    assert_int_equal(s.n, 100002);
}

TEST_MAIN(cmocka_unit_test(sync_and_follow_up_together_have_the_residence_time),
          cmocka_unit_test(every_copy_has_its_own_correction),
          cmocka_unit_test(what_sending_takes_is_learned),
          cmocka_unit_test(a_delay_request_is_made_good_in_its_response),
          cmocka_unit_test(peer_delay_across_the_node_is_made_good_in_its_follow_up),
          cmocka_unit_test(a_follow_up_waits_for_the_stamp_of_its_sync),
          cmocka_unit_test(but_not_for_ever),
          cmocka_unit_test(without_stamps_the_program_s_own_time_counts),
          cmocka_unit_test(stamps_of_one_card_are_better_than_the_kernel_s),
          cmocka_unit_test(peer_to_peer_adds_the_link_s_delay),
          cmocka_unit_test(peer_to_peer_forwards_nothing_of_the_other_mechanism),
          cmocka_unit_test(others_domains_pass_as_they_are),
          cmocka_unit_test(impossible_times_correct_nothing),
          cmocka_unit_test(a_flood_from_one_port_harms_no_other),
          cmocka_unit_test(what_is_old_is_forgotten),
          cmocka_unit_test(tells_which_grandmaster_passes),
          cmocka_unit_test(percentiles_are_within_a_step))
