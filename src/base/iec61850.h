/* iec61850.h - what GOOSE, Sampled Values and MMS have in common on the wire: the eight octets
 * behind the Ethertype (IEC 61850-8-1 annex C, IEC 61850-9-2 clause 5.3.3), the session they have
 * over UDP (IEC TR 61850-90-5) and UtcTime (IEC 61850-8-1 clause 8.1.3.7). It stands here because
 * the protocols may not include each other. */
#ifndef BASE_IEC61850_H
#define BASE_IEC61850_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define IEC61850_ETHERTYPE_GOOSE 0x88b8
#define IEC61850_ETHERTYPE_GSE_MANAGEMENT 0x88b9
#define IEC61850_ETHERTYPE_SV 0x88ba

#define IEC61850_HEADER_SIZE 8
#define IEC61850_SIMULATED 0x8000 /* of reserved1: made by a test set, not by the device itself */

struct iec61850_header {
    uint16_t appid;     /* 0x0000-0x3fff GOOSE, 0x4000-0x7fff SV, 0x8000-0xbfff GOOSE for trips */
    uint16_t length;    /* octets from the APPID to the APDU's end */
    uint16_t reserved1; /* IEC61850_SIMULATED, reserved bits, size of an IEC 62351-6 extension */
    uint16_t reserved2; /* CRC of the extension */
};

/* Reads the header and returns the APDU behind it. What `frame` has left after that is padding up
 * to Ethernet's 60 octets, or the extension. ERR_MALFORMED: a length below 8. ERR_TRUNCATED: a
 * length above what is there. */
struct cursor iec61850_header_decode(struct cursor *frame, struct iec61850_header *);

/* Writes the header with length 0 and returns what iec61850_header_end() needs to fill it in once
 * the APDU is written behind it. `length` of the argument is ignored. */
size_t iec61850_header_begin(struct buf *, const struct iec61850_header *);
void iec61850_header_end(struct buf *, size_t begin);

/* ---- Over UDP, port 102 ---- */

enum { /* what a session protocol data unit says it carries */
       IEC61850_SPDU_TUNNELLED = 0xa0,
       IEC61850_SPDU_GOOSE = 0xa1,
       IEC61850_SPDU_SV = 0xa2,
       IEC61850_SPDU_MANAGEMENT = 0xa3,
};
enum { /* payload tags */
       IEC61850_PAYLOAD_GOOSE = 0x81,
       IEC61850_PAYLOAD_SV = 0x82,
};

struct iec61850_session {
    uint8_t spdu;
    uint32_t number; /* counts them, of a sender */
    uint16_t version;
    uint32_t key_id; /* of a group's key; 0: usually none is used */
    bool is_signed;
};

struct iec61850_payload {
    uint8_t tag;
    bool simulated;
    uint16_t appid, length; /* of the APDU behind it, which says its length itself, too */
};

/* A datagram of a session: unit data of ISO 8602, then one of the four SPDUs? */
bool iec61850_is_session(const uint8_t *data, size_t size);
/* Reads header, padding and signature, and returns the payloads between. Both forms of the security
 * fields are read: with algorithms (90-5) and with an initialisation vector (62351-6). */
struct cursor iec61850_session_decode(struct cursor *datagram, struct iec61850_session *);
/* Reads what is before the next APDU. */
void iec61850_payload_decode(struct cursor *payloads, struct iec61850_payload *);

/* Seconds since 1970-01-01T00:00:00Z without leap seconds, and 2^-24 s. */
struct iec61850_time {
    uint32_t seconds;
    uint32_t fraction; /* 0 to 2^24-1 */
    uint8_t quality;   /* IEC61850_TIME_*, and the number of significant bits of the fraction */
};

#define IEC61850_TIME_LEAP_SECONDS_KNOWN 0x80
#define IEC61850_TIME_CLOCK_FAILURE 0x40
#define IEC61850_TIME_NOT_SYNCHRONIZED 0x20
#define IEC61850_TIME_ACCURACY 0x1f    /* 31: unspecified */
#define IEC61850_TIME_ACCURACY_US 0x14 /* 20 bits: about a microsecond */

#define IEC61850_TIME_SIZE 8

/* Consumes exactly eight octets. */
struct iec61850_time iec61850_time_decode(struct cursor *, const char *what);
void iec61850_time_encode(struct buf *, struct iec61850_time);

/* To the nearest nanosecond and back to the nearest 2^-24 s. `wall`: 1970 to 2106. */
nsec_t iec61850_time_wall(struct iec61850_time);
struct iec61850_time iec61850_time_at(nsec_t wall, uint8_t quality);

#endif
