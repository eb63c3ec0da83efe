/* Gives the input, frame by frame, to a transparent clock of two ports and to the end of a link: a
 * piece is an octet that says by which port it comes and what else happens, one with its size, and
 * its octets. What is corrected keeps its UDP checksum right or wrong as it was. */
#include "edge/ptp_peer.h"
#include "fuzz.h"
#include "packet/checksum.h"

#include <stdlib.h>

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

enum { OUT = 1, STAMP = 2, HARDWARE = 4, PEER = 8, LATER = 16, UNSENT = 32, EARLY = 64 };

struct world {
    struct packet_pool *pool;
    struct ptp_clock *clock;
    struct ptp_peer *peer;
    nsec_t now;
};

static uint16_t
udp_sum(const struct packet *p, const struct ptp_place *place)
{
    uint32_t l4 = place->message - 8;
    return checksum_fold(checksum_add(0, p->data + l4, place->size + 8));
}

static void
depart(struct world *w, uint8_t options, struct packet *p, const struct ptp_place *place)
{
    unsigned out = options & OUT, in = 1 - out;
    struct ptp_departure d;
    struct ptp_stamp arrival = {WALL + w->now - (options & EARLY ? -1000 : 1000), true,
                                options & HARDWARE ? 1000 : 0};
    uint16_t before = place->checksum ? udp_sum(p, place) : 0;
    ptp_clock_depart(w->clock, in, out, &arrival, p->data + place->message, place->size,
                     WALL + w->now, w->now, &d);
    check(d.verdict != PTP_WAIT || d.until > w->now);
    int64_t added = ptp_frame_correct(p, place, d.correction);
    check(!place->checksum || udp_sum(p, place) == before);
    if (options & UNSENT) {
        ptp_frame_correct(p, place, -added);
        check(!place->checksum || udp_sum(p, place) == before);
        return;
    }
    ptp_clock_departed(w->clock, &d, WALL + w->now, w->now);
    struct ptp_stamp left = {options & HARDWARE ? 0 : WALL + w->now + 5000, true,
                             options & HARDWARE ? 9000 : 0};
    if (options & STAMP)
        ptp_clock_stamp(w->clock, out, d.token, &left);
}

static void
run_peer(struct world *w)
{
    struct ptp_peer_output o;
    for (unsigned n = 0; ptp_peer_output(w->peer, w->now, &o); n++) {
        uint8_t frame[PTP_FRAME_MAX];
        struct ptp_message m;
        struct ptp_place place;
        struct flow_key key;
        struct packet *p = packet_new(w->pool, PTP_FRAME_MAX);
        check(n < 32 && p);
        p->size = ptp_frame_write(&o.headers, &o.message, frame);
        memcpy(p->data, frame, p->size);
        packet_parse(p, &key);
        check(ptp_frame_may_be(p) && ptp_frame_find(p, &place));
        check(!ptp_decode(p->data + place.message, place.size, &m));
        check(m.type == o.message.type && m.sequence == o.message.sequence);
        struct ptp_stamp left = {WALL + w->now, true, 0};
        ptp_peer_left(w->peer, o.token, &left, w->now);
        packet_unref(p);
    }
}

static void
give(struct world *w, uint8_t options, const uint8_t *data, size_t size)
{
    static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
    struct flow_key key;
    struct ptp_place place;
    struct ptp_message m;
    struct ptp_headers reply;
    struct packet *p = packet_new(w->pool, (uint32_t)size);
    check(p != NULL);
    memcpy(p->data, data, size);
    p->size = (uint32_t)size;
    packet_parse(p, &key);
    if (ptp_frame_may_be(p) && ptp_frame_find(p, &place)) {
        check(place.message + place.size <= p->size);
        struct ptp_stamp arrival = {WALL + w->now, true, options & HARDWARE ? 1000 : 0};
        ptp_frame_reply(p, &mac, 1, &reply);
        if (options & PEER && !ptp_decode(p->data + place.message, place.size, &m))
            ptp_peer_input(w->peer, &m, &reply, &arrival, w->now);
        else
            depart(w, options, p, &place);
        run_peer(w);
    }
    packet_unref(p);
    w->now += options & LATER ? 100 * NSEC_PER_MSEC : 1000;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ptp_domains all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    const struct ptp_peer_config config = {.identity = {{1}, 1}, .tx_stamps = true};
    if (!size)
        return 0;
    struct world w = {.pool = packet_pool_new(4, 0),
                      .clock = ptp_clock_new(data[0] & 1 ? PTP_P2P : PTP_E2E, &all),
                      .peer = ptp_peer_new(&config),
                      .now = NSEC_PER_SEC};
    for (unsigned i = 0; i < 2; i++)
        ptp_clock_add_port(w.clock, i + 1, data[0] & 2 ? 0 : -1, data[0] & 4);
    ptp_clock_set_link_delay(w.clock, 0, 500);
    data++;
    size--;
    while (size >= 2) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        give(&w, data[0], data + 2, n);
        data += 2 + n;
        size -= 2 + n;
    }
    struct ptp_master masters[PTP_MASTERS];
    check(ptp_clock_get_masters(w.clock, WALL + w.now, masters) <= PTP_MASTERS);
    ptp_clock_free(w.clock);
    ptp_peer_free(w.peer);
    packet_pool_free(w.pool);
    return 0;
}
