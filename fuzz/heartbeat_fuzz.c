/* heartbeat_fuzz.c - any octets as heartbeats: what can be read can be written, and a session that
 * is fed with them goes on, sends no faster than it would, and is up only if it was answered.
 *
 * The input is a list of records of 47 octets: the time that passes first, in units of 100 us, and
 * a payload. Where octet 41 of it is odd, `peer_session` of a message, session and number of a
 * reply become the right ones. */
#include "edge/heartbeat.h"

#include "base/bytes.h"
#include "fuzz.h"

#include <string.h>

#define RECORD_SIZE (1 + HEARTBEAT_PAYLOAD_SIZE)

static void
read_and_write(const uint8_t *payload, size_t size)
{
    static const struct mac source;
    struct heartbeat_message first, second;
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    if (heartbeat_decode(payload, size, &first, NULL))
        return;
    heartbeat_encode(&first, &source, frame);
    check(!heartbeat_decode(frame + 14, HEARTBEAT_PAYLOAD_SIZE, &second, NULL));
    check(first.session == second.session && first.peer_session == second.peer_session &&
          first.sequence == second.sequence && first.state == second.state);
}

static void
take(struct heartbeat *h, const uint8_t *record, nsec_t now)
{
    uint8_t payload[HEARTBEAT_PAYLOAD_SIZE], frame[HEARTBEAT_FRAME_SIZE];
    memcpy(payload, record + 1, sizeof payload);
    if (payload[41] & 1)
        put_be64(payload + (payload[40] ? 8 : 16), h->session);
    if (payload[41] & 1 && payload[40])
        put_be32(payload + 24, h->echo.sequence);
    heartbeat_input(h, payload, sizeof payload, now);
    heartbeat_check(h, now);
    check(h->state != HEARTBEAT_UP || h->fault == HEARTBEAT_NO_FAULT);
    check(h->state != HEARTBEAT_UP || h->peer.session);
    check(heartbeat_deadline(h) != NSEC_NEVER);
    for (unsigned n = 0; heartbeat_output(h, now, frame); n++)
        check(n < 2); /* a message and a request */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct heartbeat_config config = {.node = 1,
                                                   .interval = 250 * NSEC_PER_USEC,
                                                   .slow = 20 * NSEC_PER_MSEC,
                                                   .reflects = true,
                                                   .multiplier = HEARTBEAT_MULTIPLIER};
    struct heartbeat h;
    nsec_t now = NSEC_PER_SEC;
    read_and_write(data, size);
    heartbeat_init(&h, &config, now);
    for (; size >= RECORD_SIZE; data += RECORD_SIZE, size -= RECORD_SIZE) {
        now += *data * 100 * NSEC_PER_USEC;
        take(&h, data, now);
    }
    return 0;
}
