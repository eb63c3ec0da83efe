/* The Session-Reflector, request by request. */
#include "proto/stamp/stamp_reflector.h"

#include "base/testing.h"

#define MS NSEC_PER_MSEC
#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

static const struct stamp_reflector_config stateful = {
    .stateful = true,
    .open = true,
    .error = {.synchronized = true, .error = 1000},
    .sync_source = STAMP_SYNC_PTP,
    .receive_method = STAMP_METHOD_HW_ASSIST,
    .send_method = STAMP_METHOD_SW_LOCAL,
    .sent_method = STAMP_METHOD_HW_ASSIST,
    .allowed_dscps = UINT64_C(1) << 46,
    .tell_location = true,
};

static struct stamp_reflector *
new_reflector(const struct stamp_reflector_config *config)
{
    struct stamp_reflector *r = NULL;
    assert_ok(stamp_reflector_new(config, &r, NULL));
    return r;
}

static struct stamp_arrival
arrival_from(uint32_t address, uint16_t port)
{
    return (struct stamp_arrival){
        .from = stamp_endpoint_v4(address, port),
        .to = stamp_endpoint_v4(0xc0000202, STAMP_PORT),
        .received = WALL,
        .ttl = 254,
        .dscp = 10,
        .ecn = 1,
    };
}

/* A request with TLVs in hex behind it, in a block of exactly its size. */
static uint8_t *
request(uint32_t sequence, uint16_t ssid, const char *tlvs_hex, size_t *size)
{
    uint8_t *tlvs = hex_bytes(tlvs_hex, size);
    uint8_t *packet = malloc(STAMP_BASE_SIZE + *size);
    const struct stamp_sender_packet p = {sequence, 0x1122334455667788, 0x8001, ssid};
    stamp_sender_packet_encode(packet, STAMP_UNAUTHENTICATED, &p);
    memcpy(packet + STAMP_BASE_SIZE, tlvs, *size);
    *size += STAMP_BASE_SIZE;
    free(tlvs);
    return packet;
}

/* Reflects it; the reply's TLVs must be `expected` (hex). */
static struct stamp_reflection
reflect(struct stamp_reflector *r, const struct stamp_arrival *arrival, const char *tlvs,
        const char *expected)
{
    size_t size, expected_size;
    uint8_t *packet = request(5, 7, tlvs, &size), *octets = hex_bytes(expected, &expected_size);
    struct buf reply = BUF_INIT;
    struct stamp_reflection reflection;
    assert_ok(stamp_reflector_input(r, arrival, packet, size, 0, WALL + 9000, &reply, &reflection));
    assert_int_equal(reply.size, size); /* symmetrical */
    assert_int_equal(size, STAMP_BASE_SIZE + expected_size);
    assert_memory_equal(reply.data + STAMP_BASE_SIZE, octets, expected_size);
    buf_fini(&reply);
    free(octets);
    free(packet);
    return reflection;
}

static void
repeats_what_the_sender_said_and_adds_its_own(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    struct buf reply = BUF_INIT;
    struct stamp_reflection reflection;
    size_t size;
    uint8_t *packet = request(5, 7, "", &size);
    for (uint32_t i = 0; i < 3; i++) {
        buf_clear(&reply);
        assert_ok(
            stamp_reflector_input(r, &arrival, packet, size, 0, WALL + 9000, &reply, &reflection));
        struct stamp_reflector_packet p;
        struct cursor c = cursor_over(reply.data, reply.size);
        assert_ok(stamp_reflector_packet_decode(&c, STAMP_UNAUTHENTICATED, &p));
        assert_int_equal(cursor_left(&c), 0);
        assert_int_equal(p.sequence, i);
        assert_true(p.receive_timestamp == stamp_time_pack(WALL, STAMP_NTP));
        assert_true(p.timestamp == stamp_time_pack(WALL + 9000, STAMP_NTP));
        assert_true(p.error == 0x8587 && p.ssid == 7 && p.sender_sequence == 5);
        assert_true(p.sender_timestamp == 0x1122334455667788 && p.sender_error == 0x8001);
        assert_int_equal(p.sender_ttl, 254);
        assert_int_equal(reflection.dscp, 10);
        assert_int_equal(reflection.sequence, i);
    }
    assert_int_equal(stamp_reflector_counters(r)->reflected, 3);
    buf_fini(&reply);
    free(packet);
    stamp_reflector_free(r);
}

static void
a_stateless_one_repeats_the_senders_number(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.stateful = false;
    struct stamp_reflector *r = new_reflector(&config);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    /* Direct Measurement and Follow-Up Telemetry have nothing to say without state. */
    struct stamp_reflection reflection = reflect(
        r, &arrival,
        "8005000c 00000003 00000000 00000000 80070010 ffffffffffffffffffffffffffffffff",
        "0005000c 00000003 00000000 00000000 00070010 00000000000000000000000000000000");
    assert_int_equal(reflection.sequence, 5);
    assert_int_equal(reflection.session, 0);
    stamp_reflector_sent(r, &reflection, WALL); /* harmless */
    assert_int_equal(stamp_reflector_n_sessions(r), 0);
    assert_int_equal(stamp_reflector_expire(r, 0), NSEC_NEVER);
    stamp_reflector_free(r);
}

static void
sessions_are_told_apart_by_endpoints_and_ssid(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival a = arrival_from(1, 50000), b = arrival_from(2, 50000);
    struct stamp_arrival c = arrival_from(1, 50001), d = a;
    d.to.port++;
    const struct stamp_arrival *all[] = {&a, &b, &c, &d};
    for (uint32_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
            assert_int_equal(reflect(r, all[i], "", "").sequence, round);
        size_t size;
        uint8_t *packet = request(5, 8, "", &size);
        struct buf reply = BUF_INIT;
        struct stamp_reflection reflection;
        assert_ok(stamp_reflector_input(r, &a, packet, size, 0, WALL, &reply, &reflection));
        assert_int_equal(reflection.sequence, round);
        buf_fini(&reply);
        free(packet);
    }
    assert_int_equal(stamp_reflector_n_sessions(r), 5);
    stamp_reflector_free(r);
}

static enum err
try_at(struct stamp_reflector *r, uint32_t address, nsec_t now, uint32_t *sequence)
{
    struct stamp_arrival arrival = arrival_from(address, 50000);
    struct stamp_reflection reflection = {.sequence = 99};
    struct buf reply = BUF_INIT;
    size_t size;
    uint8_t *packet = request(5, 7, "", &size);
    enum err err = stamp_reflector_input(r, &arrival, packet, size, now, WALL, &reply, &reflection);
    assert_int_equal(reply.size, err ? 0 : size);
    *sequence = reflection.sequence;
    buf_fini(&reply);
    free(packet);
    return err;
}

static void
the_number_of_sessions_is_bounded_and_idle_ones_make_room(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.max_sessions = 3;
    config.idle_timeout = 100 * MS;
    struct stamp_reflector *r = new_reflector(&config);
    uint32_t sequence;
    for (uint32_t i = 0; i < 3; i++)
        assert_ok(try_at(r, i, i * 10 * MS, &sequence));
    assert_err(try_at(r, 3, 50 * MS, &sequence), ERR_LIMIT);
    assert_int_equal(stamp_reflector_counters(r)->no_room, 1);
    assert_ok(try_at(r, 0, 60 * MS, &sequence)); /* now 1 is the oldest */
    assert_int_equal(sequence, 1);
    assert_int_equal(stamp_reflector_expire(r, 60 * MS), 110 * MS);
    assert_ok(try_at(r, 3, 110 * MS, &sequence));
    assert_int_equal(sequence, 0);
    assert_err(try_at(r, 1, 110 * MS, &sequence), ERR_LIMIT); /* forgotten, and no room again */
    assert_ok(try_at(r, 0, 120 * MS, &sequence));
    assert_int_equal(sequence, 2);
    assert_int_equal(stamp_reflector_expire(r, 500 * MS), NSEC_NEVER);
    assert_int_equal(stamp_reflector_n_sessions(r), 0);
    assert_int_equal(stamp_reflector_counters(r)->sessions_expired, 4);
    stamp_reflector_free(r);
}

static void
reflects_only_what_is_allowed(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.open = false;
    config.max_allowed = 3;
    struct stamp_reflector *r = new_reflector(&config);
    uint32_t sequence;
    assert_err(try_at(r, 1, 0, &sequence), ERR_DENIED);
    for (uint32_t i = 3; i >= 1; i--)
        assert_ok(stamp_reflector_allow(r, stamp_endpoint_v4(i, 0).address, 7));
    assert_err(stamp_reflector_allow(r, stamp_endpoint_v4(1, 0).address, 7), ERR_EXISTS);
    assert_err(stamp_reflector_allow(r, stamp_endpoint_v4(4, 0).address, 7), ERR_LIMIT);
    assert_ok(try_at(r, 1, 0, &sequence));
    assert_ok(try_at(r, 2, 0, &sequence));
    assert_ok(stamp_reflector_forbid(r, stamp_endpoint_v4(1, 0).address, 7));
    assert_err(stamp_reflector_forbid(r, stamp_endpoint_v4(1, 0).address, 7), ERR_NOT_FOUND);
    assert_err(try_at(r, 1, 0, &sequence), ERR_DENIED);
    assert_int_equal(stamp_reflector_n_sessions(r), 1);
    assert_ok(stamp_reflector_allow(r, stamp_endpoint_v4(1, 0).address, 8)); /* another SSID */
    assert_err(try_at(r, 1, 0, &sequence), ERR_DENIED);
    assert_ok(try_at(r, 2, 0, &sequence));
    assert_int_equal(sequence, 1);
    assert_int_equal(stamp_reflector_counters(r)->not_allowed, 3);
    stamp_reflector_free(r);
}

static void
answers_each_tlv_as_the_rfc_says(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    /* Extra Padding comes back as it was, with U cleared. */
    reflect(r, &arrival, "80010003 aabbcc", "00010003 aabbcc");
    reflect(r, &arrival, "80030004 00000000", "00030004 02010202");
    /* 2 packets of the session came before this third one. */
    reflect(r, &arrival, "8005000c 00000009 ffffffff ffffffff",
            "0005000c 00000009 00000003 00000003");
    reflect(r, &arrival, "80060004 20010000", "00060004 20010000");
    reflect(r, &arrival, "80060004 30010000", "80060004 30010000"); /* no such access */
    reflect(r, &arrival, "80020004 00000000", "00020004 035ec350");
    reflect(r, &arrival, "80020018 00000000 80070010 00000000000000000000000000000000",
            "00020018 035ec350 00080010 c0000201000000000000000000000000");
    stamp_reflector_free(r);
}

static void
marks_the_reply_as_policy_allows(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    /* DSCP1 46 is allowed; DSCP2 10 and ECN 1 are what was seen. */
    assert_int_equal(reflect(r, &arrival, "80040004 b8000000", "00040004 b8a40000").dscp, 46);
    /* 47 is not: RP is set, and the reply has the request's DSCP. */
    assert_int_equal(reflect(r, &arrival, "80040004 bc000000", "00040004 bca50000").dscp, 10);
    assert_int_equal(stamp_reflector_counters(r)->dscp_refused, 1);
    stamp_reflector_free(r);
}

static void
tells_nothing_of_its_place_when_policy_says_so(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.tell_location = false;
    struct stamp_reflector *r = new_reflector(&config);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    reflect(r, &arrival, "80020018 00000000 80070010 00000000000000000000000000000000",
            "00020018 00000000 00090010 00000000000000000000000000000000");
    stamp_reflector_free(r);
}

static void
follow_up_telemetry_tells_of_the_reply_before(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    const char *asked = "80070010 00000000000000000000000000000000";
    struct stamp_reflection first = reflect(r, &arrival, asked,
                                            "00070010 00000000000000000000000000000000");
    /* WALL is 0xeeab94d0 s since 1900; 9 us are 0x96ff of 2^32. */
    struct stamp_reflection second = reflect(r, &arrival, asked,
                                             "00070010 00000000 eeab94d0000096ff 02000000");
    stamp_reflector_sent(r, &first, WALL); /* too late: another reply has gone out */
    stamp_reflector_sent(r, &second, WALL + 500 * MS);
    reflect(r, &arrival, asked, "00070010 00000001 eeab94d080000000 01000000");
    stamp_reflector_free(r);
}

static void
how_a_packet_was_stamped_may_differ_from_the_configuration(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    reflect(r, &arrival, "80030004 00000000", "00030004 02010202");
    arrival.receive_method = STAMP_METHOD_CONTROL_PLANE;
    reflect(r, &arrival, "80030004 00000000", "00030004 02030202");
    stamp_reflector_free(r);
}

static void
what_is_known_of_the_clock_may_change(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    for (int i = 0; i < 2; i++) {
        struct stamp_reflection reflection;
        struct stamp_reflector_packet reply;
        struct buf b = BUF_INIT;
        size_t size;
        uint8_t *packet = request(0, 0, "", &size);
        assert_ok(stamp_reflector_input(r, &arrival, packet, size, 0, WALL, &b, &reflection));
        struct cursor c = cursor_over(b.data, b.size);
        assert_ok(stamp_reflector_packet_decode(&c, STAMP_UNAUTHENTICATED, &reply));
        assert_int_equal(stamp_error_unpack(reply.error).synchronized, i == 0);
        stamp_reflector_set_error(r, false, 16 * NSEC_PER_SEC);
        buf_fini(&b);
        free(packet);
    }
    stamp_reflector_free(r);
}

static void
flags_what_it_does_not_know_and_what_is_malformed(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    reflect(r, &arrival, "00090002 abcd 80030004 00000000", "80090002 abcd 00030004 02010202");
    reflect(r, &arrival, "ff630000", "80630000");
    /* Malformed: what stood before is answered, what follows goes back as it came. */
    reflect(r, &arrival, "80030004 00000000 80040003 b80000 80030004 00000000",
            "00030004 02010202 40040003 b80000 80030004 00000000");
    reflect(r, &arrival, "80030004 00000000 80010100 aabb", "00030004 02010202 40010100 aabb");
    reflect(r, &arrival, "80", "40");
    reflect(r, &arrival, "800300", "400300");
    /* Erratum 8339: its fields are zeroed. */
    reflect(r, &arrival, "80070011 ffffffffffffffffffffffffffffffffff",
            "40070011 000000000000000000000000ffffffffff");
    reflect(r, &arrival, "80070010 ffffff", "40070010 000000");
    const struct stamp_reflector_counters *n = stamp_reflector_counters(r);
    assert_true(n->tlvs_unrecognized == 2 && n->tlvs_malformed == 6);
    stamp_reflector_free(r);
}

static const uint8_t secret[] = "0123456789abcdef";

static void
a_wrong_hmac_tlv_leaves_every_tlv_unused(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.key = secret;
    config.key_size = 16;
    struct stamp_reflector *r = new_reflector(&config);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    reflect(r, &arrival,
            "80030004 00000000 80630000 80080010 00000000000000000000000000000000 80010001 aa",
            "20030004 00000000 a0630000 20080010 00000000000000000000000000000000 20010001 aa");
    assert_int_equal(stamp_reflector_counters(r)->tlvs_integrity, 1);
    reflect(r, &arrival, "80030004 00000000", "00030004 02010202"); /* none: not required */
    stamp_reflector_free(r);

    config.require_tlv_hmac = true;
    r = new_reflector(&config);
    reflect(r, &arrival, "80030004 00000000", "20030004 00000000");
    stamp_reflector_free(r);
    r = NULL;
    config.key = NULL;
    struct diag diag;
    assert_err(stamp_reflector_new(&config, &r, &diag), ERR_INVALID);
    config = stateful;
    config.mode = STAMP_AUTHENTICATED;
    assert_err(stamp_reflector_new(&config, &r, &diag), ERR_INVALID);
    config.key = secret;
    config.key_size = 3;
    assert_err(stamp_reflector_new(&config, &r, &diag), ERR_INVALID);
    assert_null(r);
}

static void
a_wrong_base_hmac_gets_no_reply(void **state UNUSED)
{
    struct stamp_reflector_config config = stateful;
    config.mode = STAMP_AUTHENTICATED;
    config.key = secret;
    config.key_size = 16;
    struct stamp_reflector *r = new_reflector(&config);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    uint8_t packet[STAMP_AUTHENTICATED_BASE_SIZE];
    const struct stamp_sender_packet p = {.sequence = 1, .ssid = 7};
    stamp_sender_packet_encode(packet, STAMP_AUTHENTICATED, &p);
    struct buf reply = BUF_INIT;
    struct stamp_reflection reflection;
    assert_err(
        stamp_reflector_input(r, &arrival, packet, sizeof packet, 0, WALL, &reply, &reflection),
        ERR_DENIED);
    assert_err(
        stamp_reflector_input(r, &arrival, packet, sizeof packet - 1, 0, WALL, &reply, &reflection),
        ERR_TRUNCATED);
    assert_int_equal(reply.size, 0);
    assert_int_equal(stamp_reflector_n_sessions(r), 0); /* and leaves no trace */
    assert_int_equal(stamp_reflector_counters(r)->bad_hmac, 1);

    struct stamp_key *key;
    assert_ok(stamp_key_new(secret, 16, &key));
    stamp_key_sign(key, packet);
    assert_ok(
        stamp_reflector_input(r, &arrival, packet, sizeof packet, 0, WALL, &reply, &reflection));
    assert_true(stamp_key_verify(key, reply.data));
    stamp_key_free(key);
    buf_fini(&reply);
    stamp_reflector_free(r);
}

static void
a_short_request_is_for_those_who_accept_it(void **state UNUSED)
{
    static const uint8_t twamp_light[14] = {0, 0, 0, 9};
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    struct stamp_reflector_config config = stateful;
    struct stamp_reflector *r = new_reflector(&config);
    struct buf reply = BUF_INIT;
    struct stamp_reflection reflection;
    assert_err(stamp_reflector_input(r, &arrival, twamp_light, 14, 0, WALL, &reply, &reflection),
               ERR_TRUNCATED);
    stamp_reflector_free(r);
    config.accept_short = true;
    r = new_reflector(&config);
    assert_ok(stamp_reflector_input(r, &arrival, twamp_light, 14, 0, WALL, &reply, &reflection));
    assert_int_equal(reply.size, STAMP_BASE_SIZE);
    assert_int_equal(get_be32(reply.data + 24), 9);
    assert_err(stamp_reflector_input(r, &arrival, twamp_light, 13, 0, WALL, &reply, &reflection),
               ERR_TRUNCATED);
    buf_fini(&reply);
    stamp_reflector_free(r);
}

static void
a_full_buffer_is_no_reply(void **state UNUSED)
{
    struct stamp_reflector *r = new_reflector(&stateful);
    struct stamp_arrival arrival = arrival_from(0xc0000201, 50000);
    struct buf reply = buf_limited(10);
    struct stamp_reflection reflection;
    size_t size;
    uint8_t *packet = request(5, 7, "", &size);
    assert_err(stamp_reflector_input(r, &arrival, packet, size, 0, WALL, &reply, &reflection),
               ERR_LIMIT);
    buf_fini(&reply);
    reply = BUF_INIT;
    assert_ok(stamp_reflector_input(r, &arrival, packet, size, 0, WALL, &reply, &reflection));
    assert_int_equal(reflection.sequence, 0); /* the one that was not sent did not count */
    buf_fini(&reply);
    free(packet);
    stamp_reflector_free(r);
}

TEST_MAIN(cmocka_unit_test(repeats_what_the_sender_said_and_adds_its_own),
          cmocka_unit_test(a_stateless_one_repeats_the_senders_number),
          cmocka_unit_test(sessions_are_told_apart_by_endpoints_and_ssid),
          cmocka_unit_test(the_number_of_sessions_is_bounded_and_idle_ones_make_room),
          cmocka_unit_test(reflects_only_what_is_allowed),
          cmocka_unit_test(answers_each_tlv_as_the_rfc_says),
          cmocka_unit_test(marks_the_reply_as_policy_allows),
          cmocka_unit_test(tells_nothing_of_its_place_when_policy_says_so),
          cmocka_unit_test(follow_up_telemetry_tells_of_the_reply_before),
          cmocka_unit_test(how_a_packet_was_stamped_may_differ_from_the_configuration),
          cmocka_unit_test(what_is_known_of_the_clock_may_change),
          cmocka_unit_test(flags_what_it_does_not_know_and_what_is_malformed),
          cmocka_unit_test(a_wrong_hmac_tlv_leaves_every_tlv_unused),
          cmocka_unit_test(a_wrong_base_hmac_gets_no_reply),
          cmocka_unit_test(a_short_request_is_for_those_who_accept_it),
          cmocka_unit_test(a_full_buffer_is_no_reply))
