/* ptp_message.h - messages of the Precision Time Protocol, version 2 (IEEE 1588-2019 clause 13), to
 * and from octets. Pure: no clock, no socket.
 *
 * All of a message's own fields are read that a transparent clock needs or shows, and of its TLVs
 * that of the power profile (IEEE C37.238). Written are the messages a transparent clock sends
 * itself, those that measure peer delay; what it passes on it changes in place, and nothing of it
 * but the correctionField (ptp_correct()). */
#ifndef PROTO_PTP_PTP_MESSAGE_H
#define PROTO_PTP_PTP_MESSAGE_H

#include "base/attr.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PTP_EVENT_PORT 319 /* UDP: annex C.3, D.3 */
#define PTP_GENERAL_PORT 320
#define PTP_HEADER_SIZE 34
#define PTP_PDELAY_SIZE 54 /* each of the three, without TLVs */
#define PTP_CORRECTION_OFFSET 8

/* Table 36. Those below 8 are event messages: the time at which they leave and arrive counts. */
enum ptp_type {
    PTP_SYNC = 0,
    PTP_DELAY_REQ = 1,
    PTP_PDELAY_REQ = 2,
    PTP_PDELAY_RESP = 3,
    PTP_FOLLOW_UP = 8,
    PTP_DELAY_RESP = 9,
    PTP_PDELAY_RESP_FOLLOW_UP = 10,
    PTP_ANNOUNCE = 11,
    PTP_SIGNALING = 12,
    PTP_MANAGEMENT = 13,
    PTP_TYPES = 16
};

/* "Sync", as the standard writes it; NULL: reserved. */
const char *ptp_type_name(unsigned type);

static inline bool
ptp_is_event(unsigned type)
{
    return type < 8;
}

/* flagField, table 37; octet 0 is the high one. */
#define PTP_FLAG_TWO_STEP 0x0200
#define PTP_FLAG_UNICAST 0x0400

struct ptp_port_identity {
    uint8_t clock[8];
    uint16_t port;
};

bool ptp_port_identity_equal(const struct ptp_port_identity *, const struct ptp_port_identity *);

#define PTP_CLOCK_TEXT_SIZE 17
/* 16 hexadecimal digits. Returns `text`. */
char *ptp_clock_format(const uint8_t clock[8], char *text);
/* An EUI-64 made of a MAC address as IEEE 1588-2008 clause 7.5.2.2.2 does (FF FE in its middle):
 * what clocks of this kind have, and what IEEE 1588-2019 still accepts of them. */
void ptp_clock_from_mac(const uint8_t mac[6], uint8_t clock[8]);

/* clause 13.6 and 13.8 to 13.11: what belongs to some types only. */
struct ptp_announce {
    int16_t utc_offset_s;
    uint8_t priority1, clock_class, clock_accuracy;
    uint16_t variance;
    uint8_t priority2;
    uint8_t grandmaster[8];
    uint16_t steps_removed;
    uint8_t time_source;
    /* The TLV of IEEE C37.238 (2011 or 2017); 0: there is none. */
    uint16_t c37238;
    uint16_t c37238_grandmaster_id;
    uint32_t c37238_inaccuracy_ns; /* networkTimeInaccuracy (2011), totalTimeInaccuracy (2017) */
};

struct ptp_message {
    uint8_t type;
    uint8_t sdo; /* majorSdoId: 0 for IEEE 1588 and the power profiles, 1 for IEEE 802.1AS */
    uint8_t minor_version;
    uint16_t size; /* messageLength, with TLVs */
    uint8_t domain;
    uint16_t flags;
    int64_t correction; /* nanoseconds times 65536 */
    struct ptp_port_identity source;
    uint16_t sequence;
    int8_t log_interval;
    nsec_t timestamp; /* origin, preciseOrigin, (request)Receipt, responseOrigin; not Signaling's */
    struct ptp_port_identity requesting; /* of Delay_Resp, Pdelay_Resp, Pdelay_Resp_Follow_Up */
    struct ptp_announce announce;        /* of Announce */
};

/* Reads a message; octets behind it (padding) are fine. ERR_UNSUPPORTED: not version 2.
 * ERR_TRUNCATED: fewer octets than it says. ERR_MALFORMED: fewer than its type has, a type that is
 * reserved, nanoseconds of a second or more. On error `*m` is undefined. */
MUST_CHECK enum err ptp_decode(const uint8_t *data, size_t size, struct ptp_message *m);

/* The same, and the cursor says which field at which offset was wrong. What the message has behind
 * it is left to read. */
void ptp_read(struct cursor *, struct ptp_message *m);

/* Writes a Pdelay_Req, Pdelay_Resp or Pdelay_Resp_Follow_Up: PTP_PDELAY_SIZE octets, the fields of
 * `m` that these have but `size`, version 2.1. */
void ptp_encode_pdelay(const struct ptp_message *m, uint8_t *data);

/* Adds to a correctionField; what it cannot hold becomes the largest value (clause 13.3.2.9).
 * Returns what was added. */
int64_t ptp_correct(uint8_t *message, int64_t correction);

/* Nanoseconds as a correction; beyond what it can hold, the largest. */
int64_t ptp_correction(nsec_t ns);

#endif
