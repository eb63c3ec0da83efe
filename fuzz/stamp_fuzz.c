/* Gives the input, as one UDP payload, to a Session-Reflector and to a Session-Sender. The first
 * octet chooses how they are configured. */
#include "fuzz.h"
#include "proto/stamp/stamp_reflector.h"

#include <stdlib.h>

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

enum { AUTHENTICATED = 1, WITH_KEY = 2, STATEFUL = 4, REQUIRE = 8, SIGN = 16, SHORT = 32 };

static const uint8_t secret[16] = "0123456789abcdef";

static const uint8_t *
secret_for(uint8_t options)
{
    return options & (WITH_KEY | AUTHENTICATED) ? secret : NULL;
}

static enum stamp_mode
mode_for(uint8_t options)
{
    return options & AUTHENTICATED ? STAMP_AUTHENTICATED : STAMP_UNAUTHENTICATED;
}

/* Makes the HMAC right, where there is one, so that what lies behind the check is reached. */
static void
sign(uint8_t *payload, size_t size, uint8_t options)
{
    size_t base = stamp_base_size(mode_for(options));
    struct stamp_key *key;
    struct stamp_tlv_layout layout;
    if (!(options & SIGN) || size < base)
        return;
    check(stamp_key_new(secret, sizeof secret, &key) == ERR_OK);
    if (options & AUTHENTICATED)
        stamp_key_sign(key, payload);
    stamp_tlv_scan(payload + base, size - base, &layout);
    if (layout.hmac_offset != SIZE_MAX)
        stamp_key_sign_tlvs(key, payload, payload + base, layout.hmac_offset,
                            payload + base + layout.hmac_offset + STAMP_TLV_HEADER_SIZE);
    stamp_key_free(key);
}

static void
try_reflector(const uint8_t *payload, size_t size, uint8_t options)
{
    const struct stamp_reflector_config config = {
        .stateful = options & STATEFUL,
        .open = true,
        .key = secret_for(options),
        .key_size = sizeof secret,
        .mode = mode_for(options),
        .require_tlv_hmac = secret_for(options) && options & REQUIRE,
        .allowed_dscps = UINT64_C(0x5555555555555555),
        .tell_location = true,
        .accept_short = options & SHORT,
        .max_sessions = 2,
    };
    struct stamp_arrival arrival = {.from = stamp_endpoint_v4(1, 2), .to = stamp_endpoint_v4(3, 4)};
    struct stamp_reflector *r;
    check(stamp_reflector_new(&config, &r, NULL) == ERR_OK);
    for (int i = 0; i < 2; i++) {
        struct buf reply = BUF_INIT;
        struct stamp_reflection reflection;
        if (!stamp_reflector_input(r, &arrival, payload, size, i, WALL, &reply, &reflection)) {
            size_t base = stamp_base_size(config.mode);
            check(reply.size == (size > base ? size : base) && reflection.dscp < 64);
            stamp_reflector_sent(r, &reflection, WALL + 5);
        } else {
            check(reply.size == 0);
        }
        buf_fini(&reply);
    }
    stamp_reflector_free(r);
}

/* The sender's packets get this payload as their reply, with the echoed fields made right. */
static void
try_sender(uint8_t *payload, size_t size, uint8_t options)
{
    const struct stamp_sender_config config = {
        .interval = 10,
        .timeout = 100,
        .error = {.synchronized = true},
        .key = secret_for(options),
        .key_size = sizeof secret,
        .mode = mode_for(options),
        .stateful = options & STATEFUL,
        .tlvs = options & REQUIRE ? STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY) : 0,
        .max_samples = 2,
    };
    struct stamp_endpoint from = stamp_endpoint_v4(1, 2);
    struct stamp_sender *s;
    check(stamp_sender_new(&config, 0, &s, NULL) == ERR_OK);
    stamp_sender_report_access(s, (struct stamp_access_report){1, 1}, 10, 4);
    for (uint32_t i = 0; i < 4; i++) {
        struct buf packet = BUF_INIT;
        uint32_t sequence;
        check(stamp_sender_output(s, 10 * i, WALL, &packet, &sequence) == ERR_OK);
        buf_fini(&packet);
        bool authenticated = options & AUTHENTICATED;
        if (size >= stamp_base_size(config.mode)) {
            put_be32(payload + (authenticated ? 48 : 24), i);
            put_be64(payload + (authenticated ? 64 : 28), stamp_time_pack(WALL, STAMP_NTP));
            put_be16(payload + (authenticated ? 26 : 14), 0);
            sign(payload, size, options);
        }
        (void)!stamp_sender_input(s, &from, payload, size, 10 * i + 1, WALL + 1);
        stamp_sender_sent(s, i, WALL + 3);
    }
    struct stamp_result result;
    for (unsigned i = 0; i < stamp_sender_n_reflectors(s); i++) {
        stamp_sender_result(s, i, &result);
        check(result.round_trip.received + result.round_trip.lost == result.round_trip.sent);
        check(result.round_trip.delay.n <= 2);
    }
    stamp_sender_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    for (int i = 0; i < 2; i++) { /* each gets a block of exactly the payload's size */
        size_t n = size - 1;
        uint8_t *payload = malloc(n ? n : 1);
        check(payload != NULL);
        memcpy(payload, data + 1, n);
        if (i == 0) {
            sign(payload, n, data[0]);
            try_reflector(payload, n, data[0]);
        } else {
            try_sender(payload, n, data[0]);
        }
        free(payload);
    }
    return 0;
}
