/* The Session-Sender against replies written here field by field, on a virtual clock. `now` starts
 * at 0, wall time at WALL. */
#include "proto/stamp/stamp_sender.h"

#include "base/testing.h"

#include <stdio.h>

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC
#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

static const struct stamp_sender_config plain = {
    .ssid = 7,
    .count = 10,
    .interval = 10 * MS,
    .timeout = 100 * MS,
    .error = {.synchronized = true, .error = 1000},
    .stateful = true,
};

static struct stamp_endpoint reflector_a, reflector_b;

static struct stamp_sender *
new_sender(const struct stamp_sender_config *config)
{
    struct stamp_sender *s = NULL;
    struct diag diag;
    reflector_a = stamp_endpoint_v4(0xc0000201, STAMP_PORT);
    reflector_b = stamp_endpoint_v4(0xc0000202, STAMP_PORT);
    assert_ok(stamp_sender_new(config, 0, &s, &diag));
    return s;
}

/* Sends the packet that is due at `now`. */
static uint32_t
send_at(struct stamp_sender *s, nsec_t now)
{
    struct buf b = BUF_INIT;
    uint32_t sequence = 77;
    assert_ok(stamp_sender_output(s, now, WALL + now, &b, &sequence));
    buf_fini(&b);
    return sequence;
}

/* Sends everything that is due up to `until`; returns the number of packets. */
static unsigned
send_until(struct stamp_sender *s, nsec_t until)
{
    unsigned n = 0;
    for (nsec_t next; (next = stamp_sender_next(s)) <= until;) {
        struct buf b = BUF_INIT;
        uint32_t sequence;
        n += stamp_sender_output(s, next, WALL + next, &b, &sequence) == ERR_OK;
        buf_fini(&b);
    }
    return n;
}

/* A reply to packet `sequence`, which was sent at sequence * interval; times are since WALL. */
struct answer {
    uint32_t sequence, reflected;
    nsec_t t2, t3, t4;
};

static struct stamp_reflector_packet
reply_to(const struct answer *a)
{
    return (struct stamp_reflector_packet){
        .sequence = a->reflected,
        .timestamp = stamp_time_pack(WALL + a->t3, STAMP_NTP),
        .error = 0x8001,
        .ssid = 7,
        .receive_timestamp = stamp_time_pack(WALL + a->t2, STAMP_NTP),
        .sender_sequence = a->sequence,
        .sender_timestamp = stamp_time_pack(WALL + a->sequence * 10 * MS, STAMP_NTP),
        .sender_error = 0x8001,
        .sender_ttl = 250,
    };
}

static enum err
give(struct stamp_sender *s, const struct stamp_endpoint *from,
     const struct stamp_reflector_packet *reply, nsec_t t4)
{
    uint8_t *packet = malloc(STAMP_BASE_SIZE);
    stamp_reflector_packet_encode(packet, STAMP_UNAUTHENTICATED, reply);
    enum err err = stamp_sender_input(s, from, packet, STAMP_BASE_SIZE, t4, WALL + t4);
    free(packet);
    return err;
}

static enum err
answer(struct stamp_sender *s, const struct stamp_endpoint *from, const struct answer *a)
{
    struct stamp_reflector_packet reply = reply_to(a);
    return give(s, from, &reply, a->t4);
}

/* There in 100 us, 10 us inside, back in 300 us. */
static struct answer
usual(uint32_t sequence, uint32_t reflected)
{
    nsec_t t1 = sequence * 10 * MS;
    return (struct answer){sequence, reflected, t1 + 100 * US, t1 + 110 * US, t1 + 410 * US};
}

static enum err
answer_usual(struct stamp_sender *s, uint32_t sequence, uint32_t reflected)
{
    struct answer a = usual(sequence, reflected);
    return answer(s, &reflector_a, &a);
}

static struct stamp_result
result_of(const struct stamp_sender *s, unsigned index)
{
    struct stamp_result r;
    assert_true(index < stamp_sender_n_reflectors(s));
    stamp_sender_result(s, index, &r);
    return r;
}

static void
sends_a_number_of_packets_at_an_interval(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(stamp_sender_next(s), i * 10 * MS);
        assert_int_equal(send_at(s, i * 10 * MS), i);
    }
    assert_false(stamp_sender_is_done(s));
    assert_int_equal(stamp_sender_next(s), 100 * MS); /* the first one's time-out */
    stamp_sender_expire(s, 190 * MS);
    assert_true(stamp_sender_is_done(s));
    assert_int_equal(stamp_sender_next(s), NSEC_NEVER);
    stamp_sender_free(s);
}

static void
sends_at_a_rate(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.interval = 0;
    config.rate_pps = 250;
    struct stamp_sender *s = new_sender(&config);
    assert_int_equal(send_until(s, 39 * MS), 10);
    stamp_sender_free(s);
}

static void
writes_the_packet_the_rfc_shows(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    struct buf b = BUF_INIT;
    uint32_t sequence;
    assert_ok(stamp_sender_output(s, 0, WALL, &b, &sequence));
    struct stamp_sender_packet p;
    struct cursor c = cursor_over(b.data, b.size);
    assert_ok(stamp_sender_packet_decode(&c, STAMP_UNAUTHENTICATED, &p));
    assert_int_equal(cursor_left(&c), 0);
    assert_true(p.sequence == 0 && p.ssid == 7);
    assert_true(p.timestamp == stamp_time_pack(WALL, STAMP_NTP));
    assert_int_equal(p.error, 0x8587); /* S, and a microsecond */
    buf_fini(&b);
    stamp_sender_free(s);
}

static void
splits_the_round_trip_into_two_ways(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    for (uint32_t i = 0; i < 10; i++) {
        send_at(s, i * 10 * MS);
        assert_ok(answer_usual(s, i, i));
    }
    assert_true(stamp_sender_is_done(s));
    struct stamp_result r = result_of(s, 0);
    assert_int_equal(r.round_trip.delay.n, 10);
    assert_int_equal(r.round_trip.delay.p50, 400 * US); /* without the 10 us inside */
    assert_int_equal(r.forward.delay.p50, 100 * US);
    assert_int_equal(r.backward.delay.p50, 300 * US);
    assert_int_equal(r.asymmetry, 200 * US);
    assert_int_equal(r.round_trip.delay.ipdv_p99, 0);
    assert_true(r.synchronized);
    assert_int_equal(r.clock_error, 1000 + 1);
    assert_int_equal(r.sender_ttl, 250);
    assert_true(r.round_trip.sent == 10 && r.round_trip.received == 10 && r.round_trip.lost == 0);
    assert_true(stamp_endpoint_equal(&r.reflector, &reflector_a));
    stamp_sender_free(s);
}

static void
a_reply_after_its_time_is_late_and_its_packet_lost(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_at(s, 0);
    send_at(s, 10 * MS);
    assert_ok(answer_usual(s, 1, 0));
    struct answer late = {0, 1, 99 * MS, 99 * MS, 100 * MS};
    assert_err(answer(s, &reflector_a, &late), ERR_NOT_FOUND);
    struct stamp_result r = result_of(s, 0);
    assert_true(r.round_trip.lost == 1 && r.late == 1 && r.round_trip.received == 1);
    assert_int_equal(r.outstanding, 0);
    assert_int_equal(stamp_sender_counters(s)->not_outstanding, 1);
    stamp_sender_free(s);
}

static void
a_packet_never_sent_is_not_late(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_at(s, 0);
    assert_ok(answer_usual(s, 0, 0));
    assert_err(answer_usual(s, 1, 1), ERR_NOT_FOUND);
    assert_err(answer_usual(s, UINT32_MAX, 1), ERR_NOT_FOUND);
    assert_int_equal(result_of(s, 0).late, 0);
    stamp_sender_free(s);
}

static void
tells_duplicates_and_reordering_by_direction(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 50 * MS);
    /* Packets 0 to 5. There: 2 overtakes 1, and 3 arrives twice. Back: the reply to 5 overtakes the
     * reply to 4, and the reply to 0 arrives twice. */
    static const struct {
        uint32_t sequence, reflected;
        enum err err;
    } arrivals[] = {
        {0, 0, ERR_OK}, {0, 0, ERR_NOT_FOUND}, {2, 1, ERR_OK}, {1, 2, ERR_OK},
        {3, 3, ERR_OK}, {3, 4, ERR_NOT_FOUND}, {5, 6, ERR_OK}, {4, 5, ERR_OK},
    };
    for (uint32_t i = 0; i < ARRAY_SIZE(arrivals); i++) {
        struct answer a = usual(arrivals[i].sequence, arrivals[i].reflected);
        a.t2 = 51 * MS + arrivals[i].reflected; /* the reflector's own order */
        assert_err(answer(s, &reflector_a, &a), arrivals[i].err);
    }
    struct stamp_result r = result_of(s, 0);
    assert_true(r.has_directions);
    assert_true(r.round_trip.sent == 6 && r.round_trip.lost == 0);
    assert_int_equal(r.round_trip.duplicated, 2);
    assert_int_equal(r.forward.duplicated, 1);
    assert_int_equal(r.backward.duplicated, 1);
    assert_int_equal(r.round_trip.reordered, 2); /* 1 behind 2, 4 behind 5 */
    assert_int_equal(r.forward.reordered, 1);
    assert_int_equal(r.backward.reordered, 1);
    assert_true(r.forward.lost == 0 && r.backward.lost == 0 && r.lost_unattributed == 0);
    stamp_sender_free(s);
}

static void
tells_loss_by_direction(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 90 * MS);
    /* 0 to 9: 0, 2 and 3 are lost on the way there, the reply to 5 on the way back; the last answer
     * is to 7, so 8 and 9 may be either. */
    assert_ok(answer_usual(s, 1, 0));
    assert_ok(answer_usual(s, 4, 1));
    assert_ok(answer_usual(s, 6, 3));
    assert_ok(answer_usual(s, 7, 4));
    stamp_sender_expire(s, 200 * MS);
    struct stamp_result r = result_of(s, 0);
    assert_int_equal(r.round_trip.lost, 6);
    assert_true(r.forward.sent == 8 && r.forward.received == 5 && r.forward.lost == 3);
    assert_true(r.backward.sent == 5 && r.backward.received == 4 && r.backward.lost == 1);
    assert_int_equal(r.lost_unattributed, 2);
    stamp_sender_free(s);
}

static void
a_stateless_reflector_cannot_tell_the_direction(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.stateful = false;
    struct stamp_sender *s = new_sender(&config);
    send_until(s, 90 * MS);
    assert_ok(answer_usual(s, 1, 1));
    stamp_sender_expire(s, 200 * MS);
    struct stamp_result r = result_of(s, 0);
    assert_false(r.has_directions);
    assert_true(r.round_trip.lost == 9 && r.lost_unattributed == 9);
    assert_int_equal(r.forward.delay.n, 1);
    stamp_sender_free(s);
}

static void
a_reflector_that_forgot_is_noticed(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 90 * MS);
    assert_ok(answer_usual(s, 0, 0));
    assert_ok(answer_usual(s, 3, 2)); /* one lost there, one back */
    assert_ok(answer_usual(s, 5, 0)); /* begins anew; 4 was lost there */
    assert_ok(answer_usual(s, 6, 1));
    struct stamp_result r = result_of(s, 0);
    assert_int_equal(r.reflector_restarts, 1);
    assert_true(r.forward.sent == 7 && r.forward.lost == 2);
    assert_true(r.backward.sent == 5 && r.backward.lost == 1);
    assert_int_equal(r.backward.reordered, 0);
    stamp_sender_free(s);
}

static void
a_reflector_that_knew_the_session_before_is_no_trouble(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 90 * MS);
    assert_ok(answer_usual(s, 1, 500)); /* whatever was before this is unknown */
    assert_ok(answer_usual(s, 4, 502)); /* one lost there, one back */
    stamp_sender_expire(s, 200 * MS);
    struct stamp_result r = result_of(s, 0);
    assert_true(r.forward.sent == 4 && r.forward.lost == 1 && r.backward.lost == 1);
    assert_int_equal(r.lost_unattributed, 6);
    stamp_sender_free(s);
}

static void
the_kernels_timestamp_corrects_t1_before_and_after_the_reply(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_at(s, 0);
    stamp_sender_sent(s, 0, WALL + 20 * US);
    assert_ok(answer_usual(s, 0, 0));
    assert_int_equal(result_of(s, 0).forward.delay.max, 80 * US);
    stamp_sender_sent(s, 0, WALL + 30 * US);
    assert_int_equal(result_of(s, 0).forward.delay.max, 70 * US);
    stamp_sender_sent(s, 99, WALL); /* never sent: ignored */
    stamp_sender_free(s);
}

/* A reply with a Follow-Up Telemetry TLV about the reply before it. */
static void
give_follow_up(struct stamp_sender *s, const struct answer *a, uint8_t flags, uint32_t sequence,
               nsec_t t3)
{
    uint8_t packet[STAMP_BASE_SIZE + 20] = {0};
    struct stamp_reflector_packet reply = reply_to(a);
    stamp_reflector_packet_encode(packet, STAMP_UNAUTHENTICATED, &reply);
    memcpy(packet + STAMP_BASE_SIZE, (uint8_t[]){flags, 7, 0, 16}, 4);
    stamp_follow_up_write(
        packet + STAMP_BASE_SIZE + 4,
        (struct stamp_follow_up){sequence, t3 ? stamp_time_pack(WALL + t3, STAMP_NTP) : 0, 2});
    assert_ok(stamp_sender_input(s, &reflector_a, packet, sizeof packet, a->t4, WALL + a->t4));
}

static void
follow_up_telemetry_corrects_t3_of_the_reply_before(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 40 * MS);
    assert_ok(answer_usual(s, 0, 0));
    struct answer a = usual(1, 1), b = usual(2, 2), c = usual(3, 3), d = usual(4, 4);
    give_follow_up(s, &a, 0, 0, 160 * US); /* 50 us later than T3 said */
    assert_int_equal(result_of(s, 0).backward.delay.min, 250 * US);
    give_follow_up(s, &b, STAMP_TLV_UNRECOGNIZED, 1, 10 * MS + 390 * US);
    give_follow_up(s, &c, 0, 1, 50 * US); /* before it arrived: cannot be */
    give_follow_up(s, &d, 0, 3, 0);       /* not known */
    assert_int_equal(result_of(s, 0).backward.delay.min, 250 * US);
    assert_int_equal(result_of(s, 0).backward.delay.max, 300 * US);
    assert_int_equal(result_of(s, 0).follow_ups[STAMP_METHOD_SW_LOCAL], 2);
    assert_int_equal(stamp_sender_counters(s)->tlvs_unrecognized, 1);
    stamp_sender_free(s);
}

static void
flags_decide_which_tlvs_are_used(void **state UNUSED)
{
    static const struct {
        const char *hex;
        uint32_t used;
        unsigned unrecognized, malformed, integrity;
    } cases[] = {
        {"00040004 b8a90000 00030004 01020201", 1 << 4 | 1 << 3, 0, 0, 0},
        {"80040004 b8a90000 00030004 01020201", 1 << 3, 1, 0, 0},
        {"40040004 b8a90000 00030004 01020201", 0, 0, 1, 0},
        {"00030004 01020201 40040004 b8a90000", 1 << 3, 0, 1, 0},
        {"00030004 01020201 20040004 b8a90000", 0, 0, 0, 1},
        {"00030004 01020201 00040003 b8a900", 1 << 3, 0, 1, 0}, /* a wrong length */
        {"00030004 01020201 00040009 b8a900", 1 << 3, 0, 1, 0}, /* beyond the end */
        {"00030004 01020201 00080010 00000000000000000000000000000000", 0, 0, 0, 1}, /* no key */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stamp_sender *s = new_sender(&plain);
        send_at(s, 0);
        struct answer a = usual(0, 0);
        struct stamp_reflector_packet reply = reply_to(&a);
        size_t size;
        uint8_t *tlvs = hex_bytes(cases[i].hex, &size), *packet = malloc(STAMP_BASE_SIZE + size);
        stamp_reflector_packet_encode(packet, STAMP_UNAUTHENTICATED, &reply);
        memcpy(packet + STAMP_BASE_SIZE, tlvs, size);
        assert_ok(
            stamp_sender_input(s, &reflector_a, packet, STAMP_BASE_SIZE + size, a.t4, WALL + a.t4));
        const struct stamp_sender_counters *n = stamp_sender_counters(s);
        assert_int_equal(result_of(s, 0).tlvs, cases[i].used);
        assert_int_equal(n->tlvs_unrecognized, cases[i].unrecognized);
        assert_int_equal(n->tlvs_malformed, cases[i].malformed);
        assert_int_equal(n->tlvs_integrity, cases[i].integrity);
        free(tlvs);
        free(packet);
        stamp_sender_free(s);
    }
}

static void
one_multicast_packet_may_have_many_answers(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.max_reflectors = 3;
    struct stamp_sender *s = new_sender(&config);
    struct stamp_endpoint c = stamp_endpoint_v4(0xc0000203, STAMP_PORT), d = c;
    d.port++;
    send_at(s, 0);
    struct answer a = usual(0, 0), slow = {0, 0, 200 * US, 200 * US, 800 * US};
    assert_ok(answer(s, &reflector_a, &a));
    assert_ok(answer(s, &reflector_b, &slow));
    assert_err(answer(s, &reflector_b, &slow), ERR_NOT_FOUND);
    stamp_sender_expire(s, 100 * MS);
    send_at(s, 100 * MS);
    assert_int_equal(stamp_sender_n_reflectors(s), 2);
    struct stamp_result r = result_of(s, 1);
    assert_true(r.round_trip.received == 1 && r.round_trip.duplicated == 1 && r.outstanding == 1);
    assert_int_equal(r.forward.delay.p50, 200 * US);
    assert_int_equal(result_of(s, 0).forward.delay.p50, 100 * US);

    struct stamp_reflector_packet third = reply_to(&(struct answer){1, 0, 0, 0, 0});
    third.sender_timestamp = stamp_time_pack(WALL + 100 * MS, STAMP_NTP);
    assert_ok(give(s, &c, &third, 101 * MS));
    r = result_of(s, 2); /* the first packet had run out before it was known */
    assert_true(r.round_trip.received == 1 && r.round_trip.lost == 1);
    assert_err(give(s, &d, &third, 101 * MS), ERR_DENIED); /* a fourth one */
    assert_int_equal(stamp_sender_counters(s)->unknown_reflector, 1);
    stamp_sender_free(s);
}

static void
expected_reflectors_that_stay_silent_show_as_loss(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    struct stamp_endpoint both[] = {stamp_endpoint_v4(0xc0000202, STAMP_PORT),
                                    stamp_endpoint_v4(0xc0000201, STAMP_PORT)};
    config.reflectors = both;
    config.n_reflectors = 2;
    struct stamp_sender *s = new_sender(&config);
    send_until(s, 90 * MS);
    for (uint32_t i = 0; i < 10; i++)
        assert_ok(answer_usual(s, i, i));
    assert_false(stamp_sender_is_done(s));
    stamp_sender_expire(s, 200 * MS);
    assert_true(stamp_sender_is_done(s));
    assert_true(result_of(s, 0).round_trip.lost == 10 && result_of(s, 0).round_trip.delay.n == 0);
    assert_true(result_of(s, 1).round_trip.lost == 0);
    struct answer a = usual(0, 0);
    struct stamp_endpoint stranger = stamp_endpoint_v4(1, 1);
    assert_err(answer(s, &stranger, &a), ERR_DENIED);
    stamp_sender_free(s);
}

static void
replies_that_do_not_fit_the_packet_are_refused(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_at(s, 0);
    struct answer a = usual(0, 0);
    struct stamp_reflector_packet wrong = reply_to(&a);
    wrong.sender_timestamp++;
    assert_err(give(s, &reflector_a, &wrong, a.t4), ERR_CONFLICT);
    wrong = reply_to(&a);
    wrong.ssid = 8;
    assert_err(give(s, &reflector_a, &wrong, a.t4), ERR_CONFLICT);
    wrong = reply_to(&a);
    wrong.error = 0xc001; /* PTP format, and T2 is no such time */
    wrong.receive_timestamp = UINT32_MAX;
    assert_err(give(s, &reflector_a, &wrong, a.t4), ERR_MALFORMED);
    uint8_t small[STAMP_BASE_SIZE - 1] = {0};
    assert_err(stamp_sender_input(s, &reflector_a, small, sizeof small, a.t4, WALL + a.t4),
               ERR_TRUNCATED);
    assert_int_equal(stamp_sender_n_reflectors(s), 0); /* none of that made a reflector known */
    assert_ok(answer(s, &reflector_a, &a));
    const struct stamp_sender_counters *n = stamp_sender_counters(s);
    assert_true(n->mismatch == 2 && n->malformed == 1 && n->truncated == 1);
    stamp_sender_free(s);
}

static void
a_zero_ssid_can_stop_the_session(void **state UNUSED)
{
    for (int stop = 0; stop <= 1; stop++) {
        struct stamp_sender_config config = plain;
        config.stop_on_zero_ssid = stop;
        struct stamp_sender *s = new_sender(&config);
        send_at(s, 0);
        struct answer a = usual(0, 0);
        struct stamp_reflector_packet reply = reply_to(&a);
        reply.ssid = 0;
        assert_ok(give(s, &reflector_a, &reply, a.t4));
        assert_int_equal(stamp_sender_counters(s)->zero_ssid, 1);
        assert_int_equal(stamp_sender_is_done(s), stop);
        stamp_sender_free(s);
    }
}

static void
ptp_times_of_the_reflector_are_brought_to_utc(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.ptp_offset = 37 * NSEC_PER_SEC;
    struct stamp_sender *s = new_sender(&config);
    send_at(s, 0);
    struct answer a = usual(0, 0);
    struct stamp_reflector_packet reply = reply_to(&a);
    reply.error = 0x4001; /* PTP, and not synchronised */
    reply.receive_timestamp = stamp_time_pack(WALL + a.t2 + config.ptp_offset, STAMP_PTP);
    reply.timestamp = stamp_time_pack(WALL + a.t3 + config.ptp_offset, STAMP_PTP);
    assert_ok(give(s, &reflector_a, &reply, a.t4));
    struct stamp_result r = result_of(s, 0);
    assert_int_equal(r.forward.delay.p50, 100 * US);
    assert_int_equal(r.backward.delay.p50, 300 * US);
    assert_false(r.synchronized);
    stamp_sender_free(s);
}

static void
the_set_of_outstanding_packets_is_bounded(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    struct stamp_endpoint silent = stamp_endpoint_v4(1, 1);
    config.count = 0;
    config.timeout = 20 * MS;
    config.reflectors = &silent;
    config.n_reflectors = 1;
    struct stamp_sender *s = new_sender(&config);
    for (int i = 0; i < 100; i++) {
        send_at(s, 10 * i * MS + (i % 3) * 4 * MS); /* not quite in time */
        assert_true(result_of(s, 0).outstanding <= 3);
    }
    stamp_sender_stop(s);
    struct buf b = BUF_INIT;
    uint32_t sequence;
    assert_err(stamp_sender_output(s, 2000 * MS, WALL, &b, &sequence), ERR_NOT_FOUND);
    assert_true(stamp_sender_is_done(s));
    assert_int_equal(result_of(s, 0).round_trip.lost, 100);
    stamp_sender_free(s);

    config.timeout = 3600 * NSEC_PER_SEC;
    struct diag diag;
    assert_err(stamp_sender_new(&config, 0, &s, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "timeout is more than 65534 intervals");
}

static void
a_late_caller_does_not_cause_a_burst(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_at(s, 0);
    send_at(s, 95 * MS);
    assert_int_equal(stamp_sender_next(s), 100 * MS); /* packet 0 runs out */
    stamp_sender_expire(s, 100 * MS);
    assert_int_equal(stamp_sender_next(s), 105 * MS);
    stamp_sender_free(s);
}

static void
a_window_starts_counting_anew(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    send_until(s, 40 * MS);
    assert_ok(answer_usual(s, 0, 0));
    assert_ok(answer_usual(s, 2, 1)); /* 1 was lost there */
    assert_int_equal(result_of(s, 0).forward.lost, 1);
    stamp_sender_new_window(s);
    struct stamp_result r = result_of(s, 0);
    assert_true(r.round_trip.sent == 0 && r.round_trip.delay.n == 0 && r.forward.sent == 0);
    assert_ok(answer_usual(s, 4, 3)); /* the reply to 3 was lost */
    r = result_of(s, 0);
    assert_true(r.round_trip.received == 1 && r.round_trip.delay.n == 1);
    assert_true(r.forward.sent == 2 && r.forward.lost == 0 && r.backward.lost == 1);
    stamp_sender_free(s);
}

static void
only_the_newest_samples_are_kept(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.max_samples = 3;
    struct stamp_sender *s = new_sender(&config);
    send_until(s, 90 * MS);
    for (uint32_t i = 0; i < 10; i++) {
        struct answer a = usual(i, i);
        a.t2 += i * US;
        assert_ok(answer(s, &reflector_a, &a));
    }
    struct stamp_result r = result_of(s, 0);
    assert_true(r.round_trip.received == 10 && r.forward.delay.n == 3);
    assert_true(r.forward.delay.min == 107 * US && r.forward.delay.max == 109 * US);
    stamp_sender_sent(s, 9, WALL + 90 * MS + 109 * US);
    stamp_sender_sent(s, 5, WALL); /* no longer there */
    assert_int_equal(result_of(s, 0).forward.delay.min, 0);
    stamp_sender_free(s);
}

static void
packets_reach_the_size_asked_for(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.tlvs = STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE);
    config.dscp1 = 46;
    struct diag diag;
    static const size_t good[] = {0, 52, 56, 57, 300, 1472}, wrong[] = {51, 53, 55, 65508};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        config.size = good[i];
        struct stamp_sender *s = new_sender(&config);
        struct buf b = BUF_INIT;
        uint32_t sequence;
        assert_ok(stamp_sender_output(s, 0, WALL, &b, &sequence));
        assert_int_equal(b.size, good[i] ? good[i] : 52);
        assert_memory_equal(b.data + 44, "\x80\4\0\4\xb8\0\0\0", 8);
        buf_fini(&b);
        stamp_sender_free(s);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        config.size = wrong[i];
        assert_int_not_equal(stamp_sender_config_check(&config, &diag), ERR_OK);
    }
    config.size = 53;
    assert_err(stamp_sender_config_check(&config, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "size 53: possible are 52 and from 56 on");
}

static void
senseless_configurations_are_refused(void **state UNUSED)
{
    struct diag diag;
    struct stamp_sender_config c = plain;
    c.interval = 0;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    c = plain, c.rate_pps = 1000;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    c = plain, c.mode = STAMP_AUTHENTICATED;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    c = plain, c.key = (const uint8_t *)"short", c.key_size = 5;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    c = plain, c.tlvs = STAMP_TLV_BIT(STAMP_TLV_HMAC);
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    c = plain, c.max_reflectors = 33;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_LIMIT);
    struct stamp_endpoint twice[] = {stamp_endpoint_v4(1, 1), stamp_endpoint_v4(1, 1)};
    c = plain, c.reflectors = twice, c.n_reflectors = 2;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "reflector 1 is reflector 0 again");
    c = plain, c.max_samples = STAMP_MAX_SAMPLES + 1;
    assert_err(stamp_sender_config_check(&c, &diag), ERR_LIMIT);
    assert_ok(stamp_sender_config_check(&plain, &diag));
}

/* Is there an Access Report in the next packet? */
static bool
next_has_access_report(struct stamp_sender *s, nsec_t now)
{
    struct buf b = BUF_INIT;
    uint32_t sequence;
    assert_ok(stamp_sender_output(s, now, WALL + now, &b, &sequence));
    bool found = b.size == STAMP_BASE_SIZE + 8 && b.data[45] == STAMP_TLV_ACCESS_REPORT;
    buf_fini(&b);
    return found;
}

static void
an_access_report_is_repeated_until_it_is_confirmed(void **state UNUSED)
{
    struct stamp_sender_config config = plain;
    config.count = 0;
    struct stamp_sender *s = new_sender(&config);
    stamp_sender_report_access(s, (struct stamp_access_report){2, 1}, 25 * MS, 1);
    assert_true(next_has_access_report(s, 0));
    assert_false(next_has_access_report(s, 10 * MS));
    assert_false(next_has_access_report(s, 20 * MS));
    assert_true(next_has_access_report(s, 30 * MS));
    assert_int_equal(stamp_sender_access_state(s), STAMP_ACCESS_PENDING);
    assert_false(next_has_access_report(s, 60 * MS));
    assert_int_equal(stamp_sender_access_state(s), STAMP_ACCESS_ABORTED);

    stamp_sender_report_access(s, (struct stamp_access_report){2, 2}, 25 * MS, 4);
    assert_true(next_has_access_report(s, 70 * MS));
    uint8_t packet[STAMP_BASE_SIZE + 8] = {0};
    struct stamp_reflector_packet reply = reply_to(&(struct answer){5, 5, 0, 0, 0});
    reply.sender_timestamp = stamp_time_pack(WALL + 70 * MS, STAMP_NTP);
    stamp_reflector_packet_encode(packet, STAMP_UNAUTHENTICATED, &reply);
    memcpy(packet + STAMP_BASE_SIZE, "\0\6\0\4\x20\2\0\0", 8);
    assert_ok(stamp_sender_input(s, &reflector_a, packet, sizeof packet, 71 * MS, WALL + 71 * MS));
    assert_int_equal(stamp_sender_access_state(s), STAMP_ACCESS_CONFIRMED);
    assert_false(next_has_access_report(s, 200 * MS));
    stamp_sender_free(s);
}

static void
a_full_buffer_keeps_the_packet_due(void **state UNUSED)
{
    struct stamp_sender *s = new_sender(&plain);
    struct buf b = buf_limited(STAMP_BASE_SIZE - 1);
    uint32_t sequence;
    assert_err(stamp_sender_output(s, 0, WALL, &b, &sequence), ERR_LIMIT);
    assert_int_equal(b.size, 0);
    assert_int_equal(send_at(s, 0), 0);
    buf_fini(&b);
    stamp_sender_free(s);
}

TEST_MAIN(cmocka_unit_test(sends_a_number_of_packets_at_an_interval),
          cmocka_unit_test(sends_at_a_rate), cmocka_unit_test(writes_the_packet_the_rfc_shows),
          cmocka_unit_test(splits_the_round_trip_into_two_ways),
          cmocka_unit_test(a_reply_after_its_time_is_late_and_its_packet_lost),
          cmocka_unit_test(a_packet_never_sent_is_not_late),
          cmocka_unit_test(tells_duplicates_and_reordering_by_direction),
          cmocka_unit_test(tells_loss_by_direction),
          cmocka_unit_test(a_stateless_reflector_cannot_tell_the_direction),
          cmocka_unit_test(a_reflector_that_forgot_is_noticed),
          cmocka_unit_test(a_reflector_that_knew_the_session_before_is_no_trouble),
          cmocka_unit_test(the_kernels_timestamp_corrects_t1_before_and_after_the_reply),
          cmocka_unit_test(follow_up_telemetry_corrects_t3_of_the_reply_before),
          cmocka_unit_test(flags_decide_which_tlvs_are_used),
          cmocka_unit_test(one_multicast_packet_may_have_many_answers),
          cmocka_unit_test(expected_reflectors_that_stay_silent_show_as_loss),
          cmocka_unit_test(replies_that_do_not_fit_the_packet_are_refused),
          cmocka_unit_test(a_zero_ssid_can_stop_the_session),
          cmocka_unit_test(ptp_times_of_the_reflector_are_brought_to_utc),
          cmocka_unit_test(the_set_of_outstanding_packets_is_bounded),
          cmocka_unit_test(a_late_caller_does_not_cause_a_burst),
          cmocka_unit_test(a_window_starts_counting_anew),
          cmocka_unit_test(only_the_newest_samples_are_kept),
          cmocka_unit_test(packets_reach_the_size_asked_for),
          cmocka_unit_test(senseless_configurations_are_refused),
          cmocka_unit_test(an_access_report_is_repeated_until_it_is_confirmed),
          cmocka_unit_test(a_full_buffer_keeps_the_packet_due))
