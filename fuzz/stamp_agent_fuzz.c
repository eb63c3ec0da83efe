/* Gives the input, piece by piece, to a tester with two tests under way: frames at its LOCAL port,
 * payloads of the management network, tokens, the passing of time, and parameters. A piece is an
 * octet that says what it is, one with its size, and its octets. */
#include "base/bytes.h"
#include "edge/stamp_agent.h"
#include "edge/stamp_frame.h"
#include "fuzz.h"

#include <string.h>

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

enum piece { FRAME, ANSWER, OWN_FRAME, OWN_ANSWER, TOKEN, TIME, START, PIECES };

struct world {
    struct stamp_agent *agent;
    nsec_t now, wake;
    uint8_t sent[2048]; /* the last frame */
    size_t sent_size;
    unsigned n_started, n_done;
};

static enum err
on_send(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset, uint32_t tx_token)
{
    struct world *w = arg;
    check(tx_token && (!stamp_offset || stamp_offset + 8u <= size));
    check(size >= 14);
    w->sent_size = size < sizeof w->sent ? size : sizeof w->sent;
    memcpy(w->sent, frame, w->sent_size);
    return ERR_OK;
}

static enum err
on_management_send(void *arg, uint32_t to, uint16_t to_port, const uint8_t *payload, size_t size)
{
    (void)arg, (void)to, (void)payload;
    check(to_port != 862 && size >= 44);
    return ERR_OK;
}

static enum err
on_management_listen(void *arg, uint16_t port, bool on, struct diag *diag)
{
    (void)arg, (void)on, (void)diag;
    check(port);
    return ERR_OK;
}

static nsec_t
on_now(void *arg)
{
    return ((struct world *)arg)->now;
}

static nsec_t
on_wall(void *arg)
{
    return WALL + ((struct world *)arg)->now;
}

static bool
on_clock(void *arg, nsec_t *error)
{
    (void)arg;
    *error = 0;
    return true;
}

static void
on_wake_at(void *arg, nsec_t at)
{
    ((struct world *)arg)->wake = at;
}

static void
on_done(void *arg, enum err err, const char *text, json_t *answer)
{
    check(text && !err == (answer != NULL));
    ((struct world *)arg)->n_done++;
}

static void
start(struct world *w, const char *text, size_t size)
{
    const struct stamp_agent_owner owner = {on_done, NULL, w};
    struct diag diag = {""};
    json_t *params = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    if (params && !stamp_agent_start(w->agent, params, &owner, &diag))
        w->n_started++;
    json_decref(params);
}

static const char in_band[] =
    "{\"id\":\"a\",\"template\":{\"eth-src\":\"02:00:00:10:00:11\",\"eth-dst\":\"02:54:0a:0a:00:"
    "01\","
    "\"ipv4-src\":\"10.10.0.11\",\"ipv4-dst\":\"10.20.0.11\",\"udp-src\":49154,\"udp-dst\":862},"
    "\"count\":9,\"interval-us\":1000,\"size\":128,\"timeout-ms\":50,\"reply\":\"in-band\","
    "\"reflectors\":[\"10.20.0.11\"]}";
static const char by_management[] =
    "{\"id\":\"b\",\"template\":{\"eth-src\":\"02:00:00:10:00:11\",\"eth-dst\":\"01:0c:cd:01:00:"
    "07\","
    "\"vlan-id\":10,\"ipv4-src\":\"10.9.0.1\",\"ipv4-dst\":\"239.255.0.7\",\"udp-src\":49168,"
    "\"udp-dst\":862},\"count\":9,\"interval-us\":1000,\"size\":128,\"timeout-ms\":50,"
    "\"reply\":\"management\",\"reflectors\":[\"10.9.0.2\",\"10.9.0.3\"]}";

static void
run_until(struct world *w, nsec_t now)
{
    while (w->wake <= now) {
        w->now = w->wake > w->now ? w->wake : w->now;
        w->wake = NSEC_NEVER;
        stamp_agent_run(w->agent);
    }
    w->now = now;
}

/* The last frame sent, as its receiver answers it, with the piece's octets flipped in it. */
static void
give_answer(struct world *w, const uint8_t *flips, size_t n, bool by_management_network)
{
    struct stamp_headers h;
    const uint8_t *payload;
    size_t size;
    uint8_t frame[sizeof w->sent];
    if (stamp_frame_read(w->sent, w->sent_size, &h, &payload, &size) || size < 44)
        return;
    uint32_t headers = stamp_headers_size(&h);
    memcpy(frame, w->sent, w->sent_size);
    memcpy(frame + headers + 24, payload, 14); /* sequence, timestamp and error of the sender */
    put_be16(frame + headers + 14, get_be16(payload + 14));
    struct stamp_headers back = stamp_headers_reversed(&h);
    stamp_frame_write_headers(frame, &back, size);
    for (size_t i = 0; i + 1 < n; i += 2)
        frame[flips[i] % w->sent_size] ^= flips[i + 1];
    if (by_management_network)
        stamp_agent_management(w->agent, 0x0a090002, 862, h.udp_src, frame + headers, size,
                               WALL + w->now);
    else
        stamp_agent_local(w->agent, frame, w->sent_size, 1, WALL + w->now, true);
}

static void
give(struct world *w, enum piece piece, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    check(exact != NULL);
    memcpy(exact, data, size);
    switch (piece) {
    case FRAME:
        stamp_agent_local(w->agent, exact, size, 1, WALL + w->now, size % 2);
        break;
    case ANSWER:
        stamp_agent_management(w->agent, 0x0a090002, 862, 49168, exact, size, WALL + w->now);
        break;
    case OWN_FRAME:
    case OWN_ANSWER:
        give_answer(w, exact, size, piece == OWN_ANSWER);
        break;
    case TOKEN:
        stamp_agent_transmitted(w->agent, size ? exact[0] : 0, WALL + w->now);
        break;
    case TIME:
        run_until(w, w->now + (nsec_t)size * NSEC_PER_MSEC / 4);
        break;
    case START:
        start(w, (const char *)exact, size);
        break;
    default:
        break;
    }
    free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.wake = NSEC_NEVER};
    const struct stamp_agent_config config = {
        .io = {on_send, on_management_send, on_management_listen, on_now, on_wall, on_clock,
               on_wake_at, &w},
        .management_address = 0x0a090001,
        .max_sessions = 2,
    };
    w.agent = stamp_agent_new(&config);
    start(&w, in_band, strlen(in_band));
    start(&w, by_management, strlen(by_management));
    check(w.n_started == 2);
    while (size >= 2) {
        enum piece piece = data[0] % PIECES;
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        give(&w, piece, data + 2, n);
        data += 2 + n;
        size -= 2 + n;
    }
    json_decref(stamp_agent_status(w.agent));
    stamp_agent_free(w.agent);
    check(w.n_done == w.n_started);
    return 0;
}
