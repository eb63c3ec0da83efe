/* stamp_key.h - HMAC-SHA-256 cut to 128 bits, as STAMP signs with (RFC 8762 section 4.4, RFC 8972
 * section 4.8). */
#ifndef PROTO_STAMP_STAMP_KEY_H
#define PROTO_STAMP_STAMP_KEY_H

#include "proto/stamp/stamp_packet.h"

struct stamp_key; /* Opaque; not thread-safe: it holds the digest's state. */

#define STAMP_KEY_MIN_SIZE 16 /* octets; RFC 2104 section 3 warns of shorter ones */

/* Copies the secret. ERR_INVALID: it is shorter than STAMP_KEY_MIN_SIZE. ERR_IO: the cryptographic
 * library has no HMAC-SHA-256. */
MUST_CHECK enum err stamp_key_new(const uint8_t *secret, size_t size, struct stamp_key **key);
void stamp_key_free(struct stamp_key *); /* NULL is fine; the secret is wiped. */

/* The base packet's HMAC: over its first STAMP_HMAC_COVERS octets, into the STAMP_HMAC_SIZE behind
 * them. `packet` has at least STAMP_AUTHENTICATED_BASE_SIZE octets. */
void stamp_key_sign(struct stamp_key *, uint8_t *packet);
MUST_CHECK bool stamp_key_verify(struct stamp_key *, const uint8_t *packet);

/* The HMAC TLV's value: over the Sequence Number, which is the packet's first four octets, and the
 * `size` octets of TLVs before the HMAC TLV. */
void stamp_key_sign_tlvs(struct stamp_key *, const uint8_t *packet, const uint8_t *tlvs,
                         size_t size, uint8_t hmac[STAMP_HMAC_SIZE]);
MUST_CHECK bool stamp_key_verify_tlvs(struct stamp_key *, const uint8_t *packet,
                                      const uint8_t *tlvs, size_t size,
                                      const uint8_t hmac[STAMP_HMAC_SIZE]);

#endif
