/* stamp_reflector.h - the STAMP Session-Reflector (RFC 8762 section 4.3, RFC 8972) as a pure state
 * machine: one test packet in, one reply of the same size out.
 *
 * A session is what RFC 8972 section 3 says: both endpoints and the SSID. Which sessions are
 * reflected at all is engineered: stamp_reflector_allow(), unless the reflector is `open`. A
 * stateless reflector keeps nothing of a session; a stateful one counts, within `max_sessions`,
 * and forgets a session that has been idle. No memory is allocated per packet. */
#ifndef PROTO_STAMP_STAMP_REFLECTOR_H
#define PROTO_STAMP_STAMP_REFLECTOR_H

#include "proto/stamp/stamp_sender.h"

struct stamp_reflector_config {
    bool stateful;
    bool open; /* reflect for anyone, not only for stamp_reflector_allow() */

    struct stamp_error_estimate error; /* of T2 and T3; its format is theirs on the wire */
    uint8_t sync_source;               /* STAMP_SYNC_*, for Timestamp Information */
    uint8_t receive_method;            /* STAMP_METHOD_*: how T2 is taken */
    uint8_t send_method;               /* how T3 is taken */
    uint8_t sent_method; /* how stamp_reflector_sent() knows; for Follow-Up Telemetry */

    const uint8_t *key; /* copied; NULL: none */
    size_t key_size;
    enum stamp_mode mode;
    bool require_tlv_hmac; /* unauthenticated: use TLVs only with a valid HMAC TLV */

    uint64_t allowed_dscps; /* bit n: a reply may be marked with DSCP n when the sender asks */
    bool tell_location;     /* answer Location with addresses and ports; else with zeroes */
    bool accept_short;      /* TWAMP Light: a request under 44 octets gets a base packet */

    unsigned max_sessions; /* stateful: 0 means 1024 */
    unsigned max_allowed;  /* entries of stamp_reflector_allow(); 0 means 1024 */
    nsec_t idle_timeout;   /* of a session; 0 means 15 minutes (RFC 5357 section 3.1) */
};

struct stamp_reflector; /* Opaque; not thread-safe. */

/* Copies `config`. ERR_INVALID: authenticated, or requiring HMACs, without a good key. On error
 * `*reflector` is untouched. */
MUST_CHECK enum err stamp_reflector_new(const struct stamp_reflector_config *,
                                        struct stamp_reflector **reflector, struct diag *);
void stamp_reflector_free(struct stamp_reflector *); /* NULL is fine. */

/* What is known of the clock has changed: the error estimate of T2 and T3 from now on. The format
 * stays. */
void stamp_reflector_set_error(struct stamp_reflector *, bool synchronized, nsec_t error);

/* Test packets with this SSID from this address, whatever its port, are reflected. ERR_EXISTS: it
 * is allowed already. ERR_LIMIT: `max_allowed`. */
MUST_CHECK enum err stamp_reflector_allow(struct stamp_reflector *, const uint8_t address[16],
                                          uint16_t ssid);
/* And no more; what was known of its sessions is forgotten. ERR_NOT_FOUND: it was not allowed. */
MUST_CHECK enum err stamp_reflector_forbid(struct stamp_reflector *, const uint8_t address[16],
                                           uint16_t ssid);

/* Where a test packet came from and how it arrived. */
struct stamp_arrival {
    struct stamp_endpoint from, to;
    nsec_t received; /* T2 */
    uint8_t ttl;     /* or hop limit; 255 when it crossed no router */
    uint8_t dscp, ecn;
    const uint8_t *source_mac; /* six octets, or NULL */
    uint8_t receive_method;    /* STAMP_METHOD_*: how T2 was taken; 0: as configured */
};

/* How the reply shall leave. */
struct stamp_reflection {
    uint8_t dscp;
    uint32_t sequence; /* for stamp_reflector_sent() */
    uint64_t session;  /* likewise; 0: stateless */
};

/* Consumes one UDP payload and appends the reply, whose T3 is `wall`. `now` (monotonic) is for idle
 * sessions. ERR_TRUNCATED: under the base size. ERR_DENIED: not allowed, or the HMAC is wrong.
 * ERR_LIMIT: no room for another session, or in the buffer. On error nothing is to be sent. */
MUST_CHECK enum err stamp_reflector_input(struct stamp_reflector *, const struct stamp_arrival *,
                                          const uint8_t *payload, size_t size, nsec_t now,
                                          nsec_t wall, struct buf *reply,
                                          struct stamp_reflection *);

/* The reply really left at `wall`: the next one will say so, if asked (Follow-Up Telemetry). A
 * session that has gone, or has sent another reply since, is ignored. */
void stamp_reflector_sent(struct stamp_reflector *, const struct stamp_reflection *, nsec_t wall);

/* Forgets idle sessions, and says when that is to be done again; NSEC_NEVER: no sessions. It also
 * happens on its own when a session needs the room. */
nsec_t stamp_reflector_expire(struct stamp_reflector *, nsec_t now);

struct stamp_reflector_counters {
    uint64_t reflected;
    uint64_t truncated, bad_hmac, not_allowed, no_room; /* dropped */
    uint64_t tlvs_unrecognized, tlvs_malformed, tlvs_integrity, dscp_refused;
    uint64_t sessions_started, sessions_expired;
};
const struct stamp_reflector_counters *stamp_reflector_counters(const struct stamp_reflector *);
unsigned stamp_reflector_n_sessions(const struct stamp_reflector *);

#endif
