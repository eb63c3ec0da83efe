#include "proto/stamp/stamp_packet.h"

/* Both modes have the same fields in the same order; the authenticated one spreads them over blocks
 * of sixteen octets. So a layout is the offset of each field. */
static const struct layout {
    uint8_t sequence, timestamp, error, ssid, receive_timestamp, sender_sequence, sender_timestamp,
        sender_error, sender_ttl;
} layouts[] = {
    /* RFC 8762 figures 2 and 5, RFC 8972 figures 1 and 2 */
    [STAMP_UNAUTHENTICATED] = {0, 4, 12, 14, 16, 24, 28, 36, 40},
    /* RFC 8762 figures 4 and 6, RFC 8972 figures 3 and 4 */
    [STAMP_AUTHENTICATED] = {0, 16, 24, 26, 32, 48, 64, 72, 80},
};

/* What both packets begin with, in the order of the wire. */
static void
write_first(uint8_t *packet, enum stamp_mode mode, const struct stamp_sender_packet *p)
{
    const struct layout *at = &layouts[mode];
    memset(packet, 0, stamp_base_size(mode));
    put_be32(packet + at->sequence, p->sequence);
    put_be64(packet + at->timestamp, p->timestamp);
    put_be16(packet + at->error, p->error);
    put_be16(packet + at->ssid, p->ssid);
}

static struct stamp_sender_packet
read_first(const uint8_t *packet, enum stamp_mode mode)
{
    const struct layout *at = &layouts[mode];
    return (struct stamp_sender_packet){
        .sequence = get_be32(packet + at->sequence),
        .timestamp = get_be64(packet + at->timestamp),
        .error = get_be16(packet + at->error),
        .ssid = get_be16(packet + at->ssid),
    };
}

void
stamp_sender_packet_encode(uint8_t *packet, enum stamp_mode mode,
                           const struct stamp_sender_packet *p)
{
    write_first(packet, mode, p);
}

void
stamp_reflector_packet_encode(uint8_t *packet, enum stamp_mode mode,
                              const struct stamp_reflector_packet *p)
{
    const struct layout *at = &layouts[mode];
    const struct stamp_sender_packet first = {p->sequence, p->timestamp, p->error, p->ssid};
    write_first(packet, mode, &first);
    put_be64(packet + at->receive_timestamp, p->receive_timestamp);
    put_be32(packet + at->sender_sequence, p->sender_sequence);
    put_be64(packet + at->sender_timestamp, p->sender_timestamp);
    put_be16(packet + at->sender_error, p->sender_error);
    packet[at->sender_ttl] = p->sender_ttl;
}

enum err
stamp_sender_packet_decode(struct cursor *c, enum stamp_mode mode, struct stamp_sender_packet *p)
{
    const uint8_t *packet = cursor_bytes(c, stamp_base_size(mode), "Session-Sender packet");
    if (packet)
        *p = read_first(packet, mode);
    return c->err;
}

enum err
stamp_reflector_packet_decode(struct cursor *c, enum stamp_mode mode,
                              struct stamp_reflector_packet *p)
{
    const struct layout *at = &layouts[mode];
    const uint8_t *packet = cursor_bytes(c, stamp_base_size(mode), "Session-Reflector packet");
    if (!packet)
        return c->err;
    struct stamp_sender_packet first = read_first(packet, mode);
    *p = (struct stamp_reflector_packet){
        .sequence = first.sequence,
        .timestamp = first.timestamp,
        .error = first.error,
        .ssid = first.ssid,
        .receive_timestamp = get_be64(packet + at->receive_timestamp),
        .sender_sequence = get_be32(packet + at->sender_sequence),
        .sender_timestamp = get_be64(packet + at->sender_timestamp),
        .sender_error = get_be16(packet + at->sender_error),
        .sender_ttl = packet[at->sender_ttl],
    };
    return ERR_OK;
}
