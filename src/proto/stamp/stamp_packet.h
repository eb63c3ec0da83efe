/* stamp_packet.h - the base packets of STAMP (RFC 8762 sections 4.2 and 4.3 with the SSID of RFC
 * 8972 section 3), unauthenticated and authenticated. TLVs behind them: stamp_tlv.h. */
#ifndef PROTO_STAMP_STAMP_PACKET_H
#define PROTO_STAMP_STAMP_PACKET_H

#include "base/cursor.h"
#include "proto/stamp/stamp_time.h"

#define STAMP_PORT 862
#define STAMP_TTL 255 /* RFC 8762 section 4.2: what test packets are sent with, both ways */

enum stamp_mode { STAMP_UNAUTHENTICATED, STAMP_AUTHENTICATED };

#define STAMP_BASE_SIZE 44
#define STAMP_AUTHENTICATED_BASE_SIZE 112
#define STAMP_HMAC_SIZE 16
#define STAMP_HMAC_COVERS 96 /* RFC 8762 section 4.4: the first six blocks of the base packet */

static inline size_t
stamp_base_size(enum stamp_mode mode)
{
    return mode == STAMP_AUTHENTICATED ? STAMP_AUTHENTICATED_BASE_SIZE : STAMP_BASE_SIZE;
}

/* What the Session-Sender sends. Timestamps and error estimates are as on the wire. */
struct stamp_sender_packet {
    uint32_t sequence;
    uint64_t timestamp; /* T1 */
    uint16_t error;
    uint16_t ssid; /* 0: not used */
};

/* What the Session-Reflector sends back. */
struct stamp_reflector_packet {
    uint32_t sequence;          /* its own count, or the sender's when stateless */
    uint64_t timestamp;         /* T3 */
    uint16_t error;             /* of T2 and T3 */
    uint16_t ssid;              /* 0: the reflector does not know RFC 8972 */
    uint64_t receive_timestamp; /* T2 */
    uint32_t sender_sequence;
    uint64_t sender_timestamp;
    uint16_t sender_error;
    uint8_t sender_ttl;
};

/* Write stamp_base_size() octets; the HMAC of an authenticated packet is left zero, for
 * stamp_key_sign(). */
void stamp_sender_packet_encode(uint8_t *packet, enum stamp_mode,
                                const struct stamp_sender_packet *);
void stamp_reflector_packet_encode(uint8_t *packet, enum stamp_mode,
                                   const struct stamp_reflector_packet *);

/* Read stamp_base_size() octets and leave the cursor at the TLVs. Must-be-zero octets are ignored.
 * ERR_TRUNCATED: fewer are there; the packet is untouched. */
MUST_CHECK enum err stamp_sender_packet_decode(struct cursor *, enum stamp_mode,
                                               struct stamp_sender_packet *);
MUST_CHECK enum err stamp_reflector_packet_decode(struct cursor *, enum stamp_mode,
                                                  struct stamp_reflector_packet *);

#endif
