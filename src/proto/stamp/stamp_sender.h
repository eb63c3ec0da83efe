/* stamp_sender.h - the STAMP Session-Sender (RFC 8762 section 4.2, RFC 8972) as a pure state
 * machine: what to send when, what came back, and what it says about the path.
 *
 *        T1 ---- forward ----> T2
 *     sender                   reflector       round trip = (T4 - T1) - (T3 - T2)
 *        T4 <--- backward ---- T3
 *
 * Two clocks are involved on this side. `now` (monotonic) drives the schedule and the time-outs;
 * `wall` times are what T1 and T4 are, on the clock that is compared with the reflector's.
 *
 * The caller stamps T1 when it hands the packet over and may correct it when the kernel says when
 * the packet really left: stamp_sender_sent(). T3 is corrected likewise, by the reflector, with the
 * Follow-Up Telemetry TLV in the next reply. So delays are computed only when a result is asked
 * for.
 *
 * One sender may have many reflectors, when it sends to a multicast group. Everything that is
 * counted about replies is counted for each reflector.
 *
 * A stateful reflector counts what it reflects. Comparing its numbers with ours tells the packets
 * lost on the way there from the replies lost on the way back. */
#ifndef PROTO_STAMP_STAMP_SENDER_H
#define PROTO_STAMP_STAMP_SENDER_H

#include "base/buf.h"
#include "proto/stamp/stamp_delay.h"
#include "proto/stamp/stamp_tlv.h"

#define STAMP_MAX_REFLECTORS 32
#define STAMP_MAX_OUTSTANDING 65536 /* packets that may still be answered */
#define STAMP_MAX_SAMPLES 100000    /* replies kept per reflector; older ones make room */
#define STAMP_MAX_SIZE 65507        /* largest UDP payload */

/* An address and UDP port; IPv4 as ::ffff:192.0.2.1. */
struct stamp_endpoint {
    uint8_t address[16];
    uint16_t port;
};

struct stamp_endpoint stamp_endpoint_v4(uint32_t address, uint16_t port);
bool stamp_endpoint_equal(const struct stamp_endpoint *, const struct stamp_endpoint *);

struct stamp_sender_config {
    uint16_t ssid;     /* RFC 8972 section 3; 0: not used */
    uint32_t count;    /* packets to send; 0: until stamp_sender_stop() */
    nsec_t interval;   /* between packets; or 0, and: */
    uint32_t rate_pps; /* packets a second */
    nsec_t timeout;    /* from sending to when a missing reply counts as lost */
    size_t size;       /* of the UDP payload, reached with Extra Padding; 0: the smallest */

    struct stamp_error_estimate error; /* of T1 and T4; its format is that of T1 on the wire */
    nsec_t ptp_offset; /* reflectors that stamp in PTP format: their clock minus UTC (TAI: 37 s) */

    const uint8_t *key; /* copied; NULL: unauthenticated, TLVs unprotected */
    size_t key_size;
    enum stamp_mode mode; /* STAMP_UNAUTHENTICATED with a key: only the TLVs are protected */

    uint32_t tlvs; /* STAMP_TLV_BIT()s to send: Location, Timestamp Information, Class of Service,
                    * Direct Measurement, Follow-Up Telemetry */
    uint8_t dscp1; /* for Class of Service: how the reply shall be marked */

    bool stateful;          /* the reflector counts for itself */
    bool stop_on_zero_ssid; /* stop when the reflector turns out not to know RFC 8972 */

    const struct stamp_endpoint *reflectors; /* copied; who may answer. NULL: whoever does first */
    unsigned n_reflectors;                   /* of them, at most STAMP_MAX_REFLECTORS */
    unsigned max_reflectors;                 /* without a list: how many may answer; 0 means 1 */

    uint32_t max_samples; /* at most STAMP_MAX_SAMPLES; 0 means that */
};

/* ERR_INVALID: something in it makes no sense, ERR_LIMIT: it needs more than the limits above;
 * `diag` (may be NULL) says what. */
MUST_CHECK enum err stamp_sender_config_check(const struct stamp_sender_config *, struct diag *);

struct stamp_sender; /* Opaque; one test session; not thread-safe. */

/* Checks and copies `config`. The first packet is due at `now`. On error `*sender` is untouched. */
MUST_CHECK enum err stamp_sender_new(const struct stamp_sender_config *, nsec_t now,
                                     struct stamp_sender **sender, struct diag *);
void stamp_sender_free(struct stamp_sender *); /* NULL is fine. */

/* When stamp_sender_output() or stamp_sender_expire() has something to do; NSEC_NEVER: never. */
nsec_t stamp_sender_next(const struct stamp_sender *);

/* Appends the packet that is due and sets its number; T1 is `wall`. ERR_NOT_FOUND: none is due.
 * ERR_LIMIT: no room in the buffer; the packet stays due. */
MUST_CHECK enum err stamp_sender_output(struct stamp_sender *, nsec_t now, nsec_t wall,
                                        struct buf *packet, uint32_t *sequence);

/* Packet `sequence` left at `wall`: corrects its T1, also when the reply is here already. */
void stamp_sender_sent(struct stamp_sender *, uint32_t sequence, nsec_t wall);

/* Consumes one UDP payload that came `from` at `wall` (T4). ERR_TRUNCATED: under the base size.
 * ERR_DENIED: the HMAC is wrong, or that host is none of our reflectors. ERR_NOT_FOUND: its number
 * is not outstanding: a duplicate, late, or never sent. ERR_CONFLICT: it is, but SSID or timestamp
 * are not what we sent. ERR_MALFORMED: its timestamps. On error only counters change. */
MUST_CHECK enum err stamp_sender_input(struct stamp_sender *, const struct stamp_endpoint *from,
                                       const uint8_t *payload, size_t size, nsec_t now,
                                       nsec_t wall);

/* Counts packets whose time has run out as lost. stamp_sender_output() does it too. */
void stamp_sender_expire(struct stamp_sender *, nsec_t now);

/* No more packets; the outstanding ones may still be answered. */
void stamp_sender_stop(struct stamp_sender *);

/* All is sent, and answered by every reflector known or timed out. */
bool stamp_sender_is_done(const struct stamp_sender *);

/* Sends an Access Report TLV with the next packet, and again every `timeout` until a reply confirms
 * it, at most 1 + `retries` times (RFC 8972 section 4.6 suggests 3 s and 4). */
void stamp_sender_report_access(struct stamp_sender *, struct stamp_access_report, nsec_t timeout,
                                unsigned retries);
enum stamp_access_state {
    STAMP_ACCESS_NONE,
    STAMP_ACCESS_PENDING,
    STAMP_ACCESS_CONFIRMED,
    STAMP_ACCESS_ABORTED,
};
enum stamp_access_state stamp_sender_access_state(const struct stamp_sender *);

/* ---- Results ------------------------------------------------------------------------------- */

struct stamp_direction {
    uint32_t sent, received, lost, duplicated, reordered;
    struct stamp_delay delay;
};

struct stamp_result {
    struct stamp_endpoint reflector;
    /* Packets whose fate is known: answered or timed out. `sent` leaves the outstanding ones out.
     */
    struct stamp_direction round_trip;
    uint32_t outstanding;
    uint32_t late; /* replies to packets that had been counted as lost */

    /* Each way. The delays are always there, and mean what the clocks allow. The counts need a
     * stateful reflector (`has_directions`) and cover the packets up to the last one answered:
     * losses after it could have been either way. Reordering is counted among the samples kept. */
    struct stamp_direction forward, backward;
    bool has_directions;
    uint32_t lost_unattributed;
    uint32_t reflector_restarts; /* its numbers began anew: it lost its state */

    nsec_t asymmetry;   /* | median forward - median backward |, of the samples kept */
    bool synchronized;  /* both sides said (S bit) that their clock follows UTC, in every packet */
    nsec_t clock_error; /* both sides' last error estimates added; 0: one is not known */

    /* What the reflector told in TLVs, by STAMP_TLV_BIT(); the last of each. */
    uint32_t tlvs;
    struct stamp_location location;
    struct stamp_timestamp_information timestamps;
    struct stamp_class_of_service class_of_service;
    struct stamp_direct_measurement direct_measurement;
    uint32_t follow_ups[STAMP_METHOD_CONTROL_PLANE + 1]; /* by STAMP_METHOD_*, 0: others; of those
                                                          * that told when a reply left */
    uint8_t sender_ttl; /* what was left of STAMP_TTL at the reflector */
};

unsigned stamp_sender_n_reflectors(const struct stamp_sender *);
/* `index` is below stamp_sender_n_reflectors(). Reflectors from the configuration come first, in
 * their order, whether they answered or not; others in the order of their first reply. */
void stamp_sender_result(const struct stamp_sender *, unsigned index, struct stamp_result *);

/* Forgets all samples and counts, so that the next result is about what happens from now on. What
 * is outstanding stays so, and counts in the new window. */
void stamp_sender_new_window(struct stamp_sender *);

/* Replies that were not used, by reason, and what was wrong with those that were. */
struct stamp_sender_counters {
    uint64_t truncated, bad_hmac, unknown_reflector, not_outstanding, duplicate, mismatch,
        malformed;
    uint64_t zero_ssid;         /* the reflector does not know RFC 8972 */
    uint64_t tlvs_unrecognized; /* U came back set */
    uint64_t tlvs_malformed;    /* M came back set, or a length is wrong */
    uint64_t tlvs_integrity;    /* I came back set, or the HMAC TLV is wrong: no TLV was used */
};
const struct stamp_sender_counters *stamp_sender_counters(const struct stamp_sender *);

#endif
