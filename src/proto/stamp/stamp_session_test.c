/* Session-Sender and Session-Reflector over a network that delays, loses, doubles and reorders, on
 * a virtual clock with a fixed seed. What the sender concludes must be what the network did. */
#include "proto/stamp/stamp_reflector.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/testing.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC
#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";

struct datagram {
    nsec_t at; /* when it arrives */
    bool to_reflector;
    struct buf payload;
};

struct network {
    uint64_t random;
    struct datagram *flying; /* unordered */
    size_t n, capacity;
    unsigned loss_percent[2], double_percent[2]; /* forward, backward */
    nsec_t delay[2], jitter[2];
    unsigned lost[2], doubled[2]; /* what it did */
};

static uint32_t
draw(struct network *net, uint32_t below)
{
    net->random = hash_mix(net->random + 1);
    return (uint32_t)(net->random >> 32) % below;
}

static void
launch(struct network *net, const struct buf *payload, bool to_reflector, nsec_t now)
{
    int way = !to_reflector;
    if (draw(net, 100) < net->loss_percent[way]) {
        net->lost[way]++;
        return;
    }
    unsigned copies = 1 + (draw(net, 100) < net->double_percent[way]);
    net->doubled[way] += copies - 1;
    for (unsigned i = 0; i < copies; i++) {
        GROW(net->flying, net->n, net->capacity);
        struct datagram *d = &net->flying[net->n++];
        *d = (struct datagram){.to_reflector = to_reflector};
        d->at = now + net->delay[way] +
                (net->jitter[way] ? draw(net, (uint32_t)net->jitter[way]) : 0);
        buf_put(&d->payload, payload->data, payload->size);
    }
}

/* Takes the datagram that arrives first; NULL payload: none by `until`. */
static struct datagram
land(struct network *net, nsec_t until)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < net->n; i++) {
        if (net->flying[i].at <= until &&
            (first == SIZE_MAX || net->flying[i].at < net->flying[first].at))
            first = i;
    }
    if (first == SIZE_MAX)
        return (struct datagram){.at = NSEC_NEVER};
    struct datagram d = net->flying[first];
    net->flying[first] = net->flying[--net->n];
    return d;
}

struct world {
    struct network net;
    struct stamp_sender *sender;
    struct stamp_reflector *reflector;
    nsec_t reflector_clock; /* ahead of the sender's by this */
    nsec_t tx_lag;          /* a reply leaves this much after T3 */
};

static const nsec_t reflector_time = 5 * US;

static void
arrive_at_reflector(struct world *w, const struct datagram *d)
{
    struct stamp_arrival arrival = {
        .from = stamp_endpoint_v4(0xc0000201, 50000),
        .to = stamp_endpoint_v4(0xc0000202, STAMP_PORT),
        .received = WALL + d->at + w->reflector_clock,
        .ttl = 255,
        .dscp = 46,
    };
    nsec_t t3 = d->at + reflector_time;
    struct stamp_reflection reflection;
    struct buf reply = BUF_INIT;
    assert_ok(stamp_reflector_input(w->reflector, &arrival, d->payload.data, d->payload.size, d->at,
                                    WALL + t3 + w->reflector_clock, &reply, &reflection));
    assert_int_equal(reply.size, d->payload.size);
    stamp_reflector_sent(w->reflector, &reflection, WALL + t3 + w->tx_lag + w->reflector_clock);
    launch(&w->net, &reply, false, t3 + w->tx_lag);
    buf_fini(&reply);
}

static void
arrive_at_sender(struct world *w, const struct datagram *d)
{
    struct stamp_endpoint from = stamp_endpoint_v4(0xc0000202, STAMP_PORT);
    enum err err = stamp_sender_input(w->sender, &from, d->payload.data, d->payload.size, d->at,
                                      WALL + d->at);
    assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
}

/* Runs until the sender is done and nothing is flying any more. */
static void
run(struct world *w)
{
    for (;;) {
        nsec_t next = stamp_sender_next(w->sender);
        struct datagram d = land(&w->net, next);
        if (d.at == NSEC_NEVER && next == NSEC_NEVER)
            break;
        if (d.at != NSEC_NEVER) {
            if (d.to_reflector)
                arrive_at_reflector(w, &d);
            else
                arrive_at_sender(w, &d);
            buf_fini(&d.payload);
            continue;
        }
        struct buf packet = BUF_INIT;
        uint32_t sequence;
        if (stamp_sender_output(w->sender, next, WALL + next, &packet, &sequence) == ERR_OK)
            launch(&w->net, &packet, true, next);
        buf_fini(&packet);
    }
}

static const struct stamp_sender_config sender_config = {
    .ssid = 1,
    .count = 2000,
    .interval = MS,
    .timeout = 50 * MS,
    .error = {.synchronized = true, .error = 1000},
    .stateful = true,
};
static const struct stamp_reflector_config reflector_config = {
    .stateful = true,
    .open = true,
    .error = {.synchronized = true, .error = 1000},
    .allowed_dscps = UINT64_MAX,
    .tell_location = true,
};

static void
open_world(struct world *w, const struct stamp_sender_config *s,
           const struct stamp_reflector_config *r)
{
    struct diag diag;
    assert_ok(stamp_sender_new(s, 0, &w->sender, &diag));
    assert_ok(stamp_reflector_new(r, &w->reflector, &diag));
}

static void
close_world(struct world *w)
{
    assert_int_equal(w->net.n, 0);
    stamp_sender_free(w->sender);
    stamp_reflector_free(w->reflector);
    free(w->net.flying);
}

static void
a_quiet_network_is_measured_exactly(void **state UNUSED)
{
    struct world w = {.net = {.delay = {200 * US, 350 * US}}};
    open_world(&w, &sender_config, &reflector_config);
    run(&w);
    assert_true(stamp_sender_is_done(w.sender));
    struct stamp_result r;
    stamp_sender_result(w.sender, 0, &r);
    assert_true(r.round_trip.sent == 2000 && r.round_trip.received == 2000);
    assert_true(r.round_trip.lost == 0 && r.round_trip.duplicated == 0);
    assert_true(r.forward.delay.min == 200 * US && r.forward.delay.max == 200 * US);
    assert_true(r.backward.delay.min == 350 * US && r.backward.delay.max == 350 * US);
    assert_true(r.round_trip.delay.p99 == 550 * US && r.round_trip.delay.ipdv_mean == 0);
    assert_int_equal(r.asymmetry, 150 * US);
    assert_true(r.forward.sent == 2000 && r.backward.sent == 2000 && r.forward.reordered == 0);
    close_world(&w);
}

static void
clocks_that_differ_shift_the_ways_but_not_the_round_trip(void **state UNUSED)
{
    struct world w = {.net = {.delay = {200 * US, 350 * US}}, .reflector_clock = -900 * MS};
    open_world(&w, &sender_config, &reflector_config);
    run(&w);
    struct stamp_result r;
    stamp_sender_result(w.sender, 0, &r);
    assert_int_equal(r.round_trip.delay.p50, 550 * US);
    assert_int_equal(r.forward.delay.p50, 200 * US - 900 * MS);
    close_world(&w);
}

/* Losses are told apart, except those behind the last reply. Doubling makes the attribution of a
 * lost double ambiguous, so it is tried apart. */
static void
losses_are_told_apart(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w = {.net = {.random = seed,
                                  .delay = {2 * MS, 3 * MS},
                                  .jitter = {4 * MS, 4 * MS}, /* so they overtake each other */
                                  .loss_percent = {7, 3}}};
        open_world(&w, &sender_config, &reflector_config);
        run(&w);
        struct stamp_result r;
        stamp_sender_result(w.sender, 0, &r);
        assert_int_equal(r.round_trip.lost, w.net.lost[0] + w.net.lost[1]);
        assert_int_equal(r.forward.lost + r.backward.lost + r.lost_unattributed, r.round_trip.lost);
        assert_true(r.lost_unattributed <= 10);
        assert_true(r.forward.lost <= w.net.lost[0]);
        assert_true(r.forward.lost + r.lost_unattributed >= w.net.lost[0]);
        assert_true(r.backward.lost <= w.net.lost[1]);
        assert_true(r.forward.reordered > 100 && r.backward.reordered > 100);
        assert_int_equal(r.reflector_restarts, 0);
        close_world(&w);
    }
}

static void
doubles_are_told_apart(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w = {.net = {.random = seed,
                                  .delay = {2 * MS, 3 * MS},
                                  .jitter = {MS, MS},
                                  .double_percent = {5, 0}}};
        w.net.double_percent[1] = seed % 2 ? 9 : 0;
        open_world(&w, &sender_config, &reflector_config);
        run(&w);
        struct stamp_result r;
        stamp_sender_result(w.sender, 0, &r);
        assert_true(r.round_trip.lost == 0 && r.forward.lost == 0);
        assert_int_equal(r.round_trip.duplicated, w.net.doubled[0] + w.net.doubled[1]);
        assert_int_equal(r.forward.duplicated, w.net.doubled[0]);
        assert_int_equal(r.backward.duplicated, w.net.doubled[1]);
        close_world(&w);
    }
}

static void
follow_up_telemetry_takes_the_reflectors_lag_out(void **state UNUSED)
{
    struct stamp_sender_config config = sender_config;
    config.tlvs = STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY);
    for (int asked = 0; asked <= 1; asked++) {
        struct world w = {.net = {.delay = {200 * US, 350 * US}}, .tx_lag = 40 * US};
        open_world(&w, asked ? &config : &sender_config, &reflector_config);
        run(&w);
        struct stamp_result r;
        stamp_sender_result(w.sender, 0, &r);
        assert_int_equal(r.backward.delay.p50, asked ? 350 * US : 390 * US);
        close_world(&w);
    }
}

static void
every_mode_and_format_understands_itself(void **state UNUSED)
{
    for (int i = 0; i < 16; i++) {
        struct stamp_sender_config s = sender_config;
        struct stamp_reflector_config r = reflector_config;
        s.count = 50;
        s.size = i & 1 ? 400 : 0;
        s.mode = r.mode = i & 2 ? STAMP_AUTHENTICATED : STAMP_UNAUTHENTICATED;
        s.key = r.key = i & 6 ? secret : NULL;
        s.key_size = r.key_size = 32;
        r.require_tlv_hmac = r.key;
        s.error.format = i & 8 ? STAMP_PTP : STAMP_NTP;
        r.error.format = i & 8 ? STAMP_NTP : STAMP_PTP; /* each its own */
        s.tlvs = STAMP_TLV_BIT(STAMP_TLV_LOCATION) | STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE) |
                 STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION) |
                 STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT) |
                 STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY);
        s.dscp1 = 34;
        struct world w = {.net = {.delay = {200 * US, 350 * US}}};
        open_world(&w, &s, &r);
        run(&w);
        struct stamp_result result;
        stamp_sender_result(w.sender, 0, &result);
        const struct stamp_sender_counters *n = stamp_sender_counters(w.sender);
        assert_true(n->tlvs_integrity == 0 && n->tlvs_malformed == 0 && n->tlvs_unrecognized == 0);
        assert_int_equal(result.tlvs & s.tlvs, s.tlvs);
        assert_int_equal(result.round_trip.received, 50);
        assert_int_equal(result.round_trip.delay.p50, 550 * US);
        assert_true(result.class_of_service.dscp2 == 46 && result.class_of_service.rp == 0);
        assert_true(result.direct_measurement.sender_tx == 50 &&
                    result.direct_measurement.reflector_rx == 50);
        assert_true(result.location.source_port == 50000);
        close_world(&w);
    }
}

static void
a_wrong_key_is_silence(void **state UNUSED)
{
    struct stamp_sender_config s = sender_config;
    struct stamp_reflector_config r = reflector_config;
    s.count = 1;
    s.mode = r.mode = STAMP_AUTHENTICATED;
    s.key = secret;
    r.key = secret + 1;
    s.key_size = r.key_size = 16;
    struct stamp_sender *sender;
    struct stamp_reflector *reflector;
    assert_ok(stamp_sender_new(&s, 0, &sender, NULL));
    assert_ok(stamp_reflector_new(&r, &reflector, NULL));
    struct buf packet = BUF_INIT, reply = BUF_INIT;
    uint32_t sequence;
    struct stamp_reflection reflection;
    struct stamp_arrival arrival = {.from = stamp_endpoint_v4(1, 1), .to = stamp_endpoint_v4(2, 2)};
    assert_ok(stamp_sender_output(sender, 0, WALL, &packet, &sequence));
    assert_err(stamp_reflector_input(reflector, &arrival, packet.data, packet.size, 0, WALL, &reply,
                                     &reflection),
               ERR_DENIED);
    /* And a forged reply is not believed. */
    assert_err(stamp_sender_input(sender, &arrival.to, packet.data, packet.size, 1, WALL),
               ERR_CONFLICT);
    packet.data[20] ^= 1;
    assert_err(stamp_sender_input(sender, &arrival.to, packet.data, packet.size, 1, WALL),
               ERR_DENIED);
    assert_int_equal(stamp_sender_counters(sender)->bad_hmac, 1);
    buf_fini(&packet);
    buf_fini(&reply);
    stamp_sender_free(sender);
    stamp_reflector_free(reflector);
}

TEST_MAIN(cmocka_unit_test(a_quiet_network_is_measured_exactly),
          cmocka_unit_test(clocks_that_differ_shift_the_ways_but_not_the_round_trip),
          cmocka_unit_test(losses_are_told_apart), cmocka_unit_test(doubles_are_told_apart),
          cmocka_unit_test(follow_up_telemetry_takes_the_reflectors_lag_out),
          cmocka_unit_test(every_mode_and_format_understands_itself),
          cmocka_unit_test(a_wrong_key_is_silence))
