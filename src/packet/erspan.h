/* erspan.h - frames that a switch mirrors over IP: ERSPAN in GRE (draft-foschiano-erspan), from the
 * GRE header on. Pure. Ours are of type II, and the index says by which port and in which
 * direction. */
#ifndef PACKET_ERSPAN_H
#define PACKET_ERSPAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ERSPAN_IP_PROTO 47
#define ERSPAN_HEADER_SIZE 16u /* GRE with a sequence number, and type II */
#define ERSPAN_WITHIN 60u
#define ERSPAN_SESSION_MAX 1023u
#define ERSPAN_PORT_MAX 0x7ffffu
/* Of the index: the frame was sent by that port, else it came by it. */
#define ERSPAN_OUT 0x80000u

struct erspan {
    uint8_t type; /* 1, 2, 3 */
    bool has_sequence, is_truncated;
    uint32_t sequence;
    uint16_t session;
    uint32_t index; /* of type II, 20 bits; else 0 */
};

/* Writes ERSPAN_HEADER_SIZE octets, of type II whatever `type` says. */
void erspan_put(const struct erspan *, uint8_t *to);
/* Reads what is behind an IP header; the frame is within `data`. ERR_UNSUPPORTED: other GRE;
 * ERR_TRUNCATED; ERR_MALFORMED. */
MUST_CHECK enum err erspan_parse(const uint8_t *data, size_t size, struct erspan *,
                                 const uint8_t **frame, size_t *frame_size);
/* Whether an Ethernet frame is one that somebody mirrors, as IPv4; also a later piece of GRE, which
 * does not say what it is of. ERSPAN_WITHIN octets of it are enough where IP has no options. */
bool erspan_is_within(const uint8_t *frame, size_t size);

#endif
