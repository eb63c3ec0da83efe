/* Times, base packets, and the keyed digest, held against the RFCs. */
#include "proto/stamp/stamp_key.h"

#include "base/testing.h"

static void
ntp_times_are_seconds_since_1900_and_a_fraction(void **state UNUSED)
{
    nsec_t time, near = INT64_C(1100000000) * NSEC_PER_SEC;
    char text[TIME_TEXT_SIZE];
    assert_ok(stamp_time_unpack(UINT64_C(0xc50204ecec42ee92), STAMP_NTP, near, &time));
    assert_string_equal(time_format(time, text), "2004-09-27T03:18:04.922896300Z");
    assert_true(stamp_time_pack(time, STAMP_NTP) >> 2 == UINT64_C(0xc50204ecec42ee92) >> 2);
    assert_true(stamp_time_pack(0, STAMP_NTP) == UINT64_C(0x83aa7e8000000000));
}

static void
ptp_times_are_seconds_and_nanoseconds(void **state UNUSED)
{
    nsec_t time = INT64_C(1096255084922896299), back;
    assert_true(stamp_time_pack(time, STAMP_PTP) == (UINT64_C(1096255084) << 32 | 922896299));
    assert_ok(stamp_time_unpack(UINT64_C(1096255084) << 32 | 922896299, STAMP_PTP, time, &back));
    assert_int_equal(back, time);
    assert_err(stamp_time_unpack(1000000000, STAMP_PTP, 0, &back), ERR_MALFORMED);
    assert_int_equal(back, time);
}

static void
times_survive_both_formats_to_the_nanosecond(void **state UNUSED)
{
    static const nsec_t times[] = {
        0,  1,         999999999, INT64_C(1795233360000000001), INT64_C(4102444800999999999),
        -1, -999999999};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        for (enum stamp_format format = STAMP_NTP; format <= STAMP_PTP; format++) {
            nsec_t back, near = times[i] + 60 * NSEC_PER_SEC;
            assert_ok(stamp_time_unpack(stamp_time_pack(times[i], format), format, near, &back));
            assert_int_equal(back, times[i]);
        }
    }
}

static void
eras_pass_unnoticed(void **state UNUSED)
{
    /* NTP's first era ends on 7 February 2036 at 06:28:16. */
    nsec_t before = INT64_C(2085978495) * NSEC_PER_SEC, after = before + 2 * NSEC_PER_SEC, back;
    assert_true(stamp_time_pack(before, STAMP_NTP) >> 32 == 0xffffffff);
    assert_true(stamp_time_pack(after, STAMP_NTP) >> 32 == 1);
    assert_ok(stamp_time_unpack(UINT64_C(1) << 32, STAMP_NTP, before, &back));
    assert_int_equal(back, after);
    assert_ok(stamp_time_unpack(UINT64_C(0xffffffff) << 32, STAMP_NTP, after, &back));
    assert_int_equal(back, before);
}

static void
error_estimates_are_a_multiplier_and_a_scale(void **state UNUSED)
{
    struct stamp_error_estimate e = {.synchronized = true, .format = STAMP_PTP};
    assert_int_equal(stamp_error_pack(&e), 0xc001);               /* the multiplier is never 0 */
    e = (struct stamp_error_estimate){.error = NSEC_PER_SEC / 2}; /* 2^31 units: 128 * 2^24 */
    assert_int_equal(stamp_error_pack(&e), 0x1880);
    assert_int_equal(stamp_error_unpack(0x1880).error, NSEC_PER_SEC / 2);
    e.error = 1000; /* 4294.97 units, rounded up to 135 * 2^5 */
    assert_int_equal(stamp_error_pack(&e), 0x0587);
    assert_int_equal(stamp_error_unpack(0x0587).error, 1006);
    e = stamp_error_unpack(0xc000);
    assert_true(e.synchronized && e.format == STAMP_PTP && e.error == 0);
    assert_int_equal(stamp_error_unpack(0x3fff).error, NSEC_NEVER);
    e.error = NSEC_NEVER;
    assert_true(stamp_error_unpack(stamp_error_pack(&e)).error > NSEC_NEVER / 256 * 255);
}

/* RFC 8972 figure 1: sequence 5, T1, S with 2^-32 s, SSID 77. */
static const char sender_hex[] = "00000005 c50204ec ec42ee92 8001 004d"
                                 "00000000 00000000 00000000 00000000 00000000 00000000 00000000";

/* Figure 2: its reply, numbered 9, received with TTL 255. */
static const char reflector_hex[] = "00000009 c50204ed ec42ee92 8101 004d c50204ec cc42ee92"
                                    "00000005 c50204ec ec42ee92 8001 0000 ff 000000";

static const struct stamp_sender_packet sender_packet = {5, UINT64_C(0xc50204ecec42ee92), 0x8001,
                                                         77};
static const struct stamp_reflector_packet reflector_packet = {
    .sequence = 9,
    .timestamp = UINT64_C(0xc50204edec42ee92),
    .error = 0x8101,
    .ssid = 77,
    .receive_timestamp = UINT64_C(0xc50204eccc42ee92),
    .sender_sequence = 5,
    .sender_timestamp = UINT64_C(0xc50204ecec42ee92),
    .sender_error = 0x8001,
    .sender_ttl = 255,
};

static void
check_sender(const char *hex, enum stamp_mode mode)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size), packet[STAMP_AUTHENTICATED_BASE_SIZE];
    assert_int_equal(size, stamp_base_size(mode));
    stamp_sender_packet_encode(packet, mode, &sender_packet);
    assert_memory_equal(packet, octets, size);
    struct stamp_sender_packet back;
    struct cursor c = cursor_over(octets, size);
    assert_ok(stamp_sender_packet_decode(&c, mode, &back));
    assert_int_equal(cursor_left(&c), 0);
    assert_true(back.sequence == sender_packet.sequence && back.ssid == sender_packet.ssid &&
                back.timestamp == sender_packet.timestamp && back.error == sender_packet.error);
    for (size_t cut = 0; cut < size; cut++) {
        c = cursor_over(octets, cut);
        assert_err(stamp_sender_packet_decode(&c, mode, &back), ERR_TRUNCATED);
    }
    free(octets);
}

static void
check_reflector(const char *hex, enum stamp_mode mode)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size), packet[STAMP_AUTHENTICATED_BASE_SIZE];
    assert_int_equal(size, stamp_base_size(mode));
    stamp_reflector_packet_encode(packet, mode, &reflector_packet);
    assert_memory_equal(packet, octets, size);
    struct stamp_reflector_packet back;
    struct cursor c = cursor_over(octets, size);
    assert_ok(stamp_reflector_packet_decode(&c, mode, &back));
    uint8_t again[STAMP_AUTHENTICATED_BASE_SIZE];
    stamp_reflector_packet_encode(again, mode, &back);
    assert_memory_equal(again, octets, size);
    c = cursor_over(octets, size - 1);
    assert_err(stamp_reflector_packet_decode(&c, mode, &back), ERR_TRUNCATED);
    free(octets);
}

static void
unauthenticated_packets_are_laid_out_as_in_the_rfc(void **state UNUSED)
{
    check_sender(sender_hex, STAMP_UNAUTHENTICATED);
    check_reflector(reflector_hex, STAMP_UNAUTHENTICATED);
}

#define ZERO_16 "00000000000000000000000000000000"

static void
authenticated_packets_are_laid_out_as_in_the_rfc(void **state UNUSED)
{
    check_sender(
        "00000005 000000000000000000000000 c50204ec ec42ee92 8001 004d 00000000" ZERO_16 ZERO_16
            ZERO_16 ZERO_16 ZERO_16,
        STAMP_AUTHENTICATED);
    check_reflector("00000009 000000000000000000000000 c50204ed ec42ee92 8101 004d 00000000"
                    "c50204ec cc42ee92 0000000000000000 00000005 000000000000000000000000"
                    "c50204ec ec42ee92 8001 000000000000 ff 000000000000000000000000000000" ZERO_16,
                    STAMP_AUTHENTICATED);
}

static void
digests_are_those_of_rfc_4231(void **state UNUSED)
{
    uint8_t secret[20], hmac[STAMP_HMAC_SIZE];
    memset(secret, 0x0b, sizeof secret); /* test case 1, of which the first 128 bits count */
    struct stamp_key *key;
    assert_ok(stamp_key_new(secret, sizeof secret, &key));
    for (int i = 0; i < 2; i++) { /* the key can be used again */
        stamp_key_sign_tlvs(key, (const uint8_t *)"Hi T", (const uint8_t *)"here", 4, hmac);
        assert_memory_equal(
            hmac, "\xb0\x34\x4c\x61\xd8\xdb\x38\x53\x5c\xa8\xaf\xce\xaf\x0b\xf1\x2b", sizeof hmac);
    }
    assert_true(
        stamp_key_verify_tlvs(key, (const uint8_t *)"Hi T", (const uint8_t *)"here", 4, hmac));
    hmac[15] ^= 1;
    assert_false(
        stamp_key_verify_tlvs(key, (const uint8_t *)"Hi T", (const uint8_t *)"here", 4, hmac));
    stamp_key_free(key);
    key = NULL;
    assert_err(stamp_key_new(secret, STAMP_KEY_MIN_SIZE - 1, &key), ERR_INVALID);
    assert_null(key);
}

static void
the_base_packets_hmac_covers_six_blocks(void **state UNUSED)
{
    uint8_t packet[STAMP_AUTHENTICATED_BASE_SIZE];
    struct stamp_key *key;
    assert_ok(stamp_key_new((const uint8_t *)"0123456789abcdef", 16, &key));
    stamp_sender_packet_encode(packet, STAMP_AUTHENTICATED, &sender_packet);
    stamp_key_sign(key, packet);
    /* openssl dgst -sha256 -hmac 0123456789abcdef, of the 96 octets */
    assert_memory_equal(packet + 96,
                        "\xf2\xbd\x60\x48\x90\x07\x03\x29\x3f\x19\xac\x2a\x85\x4b\x0f\x88",
                        STAMP_HMAC_SIZE);
    assert_true(stamp_key_verify(key, packet));
    for (size_t i = 0; i < sizeof packet; i++) {
        packet[i] ^= 0x10;
        assert_false(stamp_key_verify(key, packet));
        packet[i] ^= 0x10;
    }
    stamp_key_free(key);
}

TEST_MAIN(cmocka_unit_test(ntp_times_are_seconds_since_1900_and_a_fraction),
          cmocka_unit_test(ptp_times_are_seconds_and_nanoseconds),
          cmocka_unit_test(times_survive_both_formats_to_the_nanosecond),
          cmocka_unit_test(eras_pass_unnoticed),
          cmocka_unit_test(error_estimates_are_a_multiplier_and_a_scale),
          cmocka_unit_test(unauthenticated_packets_are_laid_out_as_in_the_rfc),
          cmocka_unit_test(authenticated_packets_are_laid_out_as_in_the_rfc),
          cmocka_unit_test(digests_are_those_of_rfc_4231),
          cmocka_unit_test(the_base_packets_hmac_covers_six_blocks))
