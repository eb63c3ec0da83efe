/* stamp_tlv.h - the TLVs behind a STAMP base packet (RFC 8972 section 4, errata 8199 and 8339).
 *
 * A Session-Reflector answers in place: it copies what it got and fills in values, so that the
 * reply is as large as the request. So values are read from and written to octets, and a packet's
 * TLVs are looked over once (struct stamp_tlv_layout) before any of them is believed. */
#ifndef PROTO_STAMP_STAMP_TLV_H
#define PROTO_STAMP_STAMP_TLV_H

#include "base/buf.h"
#include "base/cursor.h"
#include "proto/stamp/stamp_key.h"

enum stamp_tlv_type {
    STAMP_TLV_EXTRA_PADDING = 1,
    STAMP_TLV_LOCATION = 2,
    STAMP_TLV_TIMESTAMP_INFORMATION = 3,
    STAMP_TLV_CLASS_OF_SERVICE = 4,
    STAMP_TLV_DIRECT_MEASUREMENT = 5,
    STAMP_TLV_ACCESS_REPORT = 6,
    STAMP_TLV_FOLLOW_UP_TELEMETRY = 7,
    STAMP_TLV_HMAC = 8,
    STAMP_TLV_MAX
};

#define STAMP_TLV_BIT(type) (1u << (type)) /* for sets of types */

#define STAMP_TLV_HEADER_SIZE 4 /* flags, type, two octets of length */

enum {
    STAMP_TLV_UNRECOGNIZED =
        0x80, /* U: the sender sets it, a reflector that knows the TLV clears it */
    STAMP_TLV_MALFORMED = 0x40, /* M */
    STAMP_TLV_INTEGRITY = 0x20, /* I: the reflector's check of the HMAC failed */
};

struct stamp_tlv {
    uint8_t flags, type;
    uint16_t size;        /* of the value, as the TLV says */
    size_t offset;        /* of the TLV in the TLVs' octets */
    const uint8_t *value; /* NULL when `truncated` */
    bool truncated;       /* the packet ends before the TLV does */
};

/* "Class of Service"; static. "?" for a type this version does not know. */
const char *stamp_tlv_name(unsigned type);
/* Is the type one we know, and may its value have this many octets? */
bool stamp_tlv_is_known(unsigned type);
bool stamp_tlv_size_is_valid(unsigned type, size_t size);

/* The next TLV, false at the end. After a truncated one there is nothing more. The cursor starts at
 * the first TLV and only ever ends without error. */
bool stamp_tlv_next(struct cursor *tlvs, struct stamp_tlv *);

/* Appends a TLV as a Session-Sender sends it (U set, M and I clear) and returns the offset of its
 * zeroed value, SIZE_MAX when the buffer's limit does not allow it. */
size_t stamp_tlv_put(struct buf *, enum stamp_tlv_type, uint16_t size);

/* ---- The TLVs of one packet, looked over --------------------------------------------------- */

struct stamp_tlv_layout {
    unsigned n;              /* TLVs up to the end or the first malformed one, that one included */
    size_t malformed_offset; /* of the first malformed TLV, or SIZE_MAX */
    size_t hmac_offset;      /* of the HMAC TLV, or SIZE_MAX */
    bool hmac_misplaced;     /* something other than Extra Padding follows it */
    bool only_padding;       /* there is one TLV, and it is Extra Padding */
};

void stamp_tlv_scan(const uint8_t *tlvs, size_t size, struct stamp_tlv_layout *);

/* RFC 8972 section 4.8: may the TLVs' values be used? `packet` is the whole payload, its TLVs begin
 * at stamp_base_size(mode). With `required` also unauthenticated packets need an HMAC TLV. `key`
 * may be NULL: then an HMAC TLV cannot be verified, which is a failure. */
bool stamp_tlv_integrity(const uint8_t *packet, size_t size, enum stamp_mode, bool required,
                         struct stamp_key *key, const struct stamp_tlv_layout *);

/* ---- Values -------------------------------------------------------------------------------- */

struct stamp_class_of_service {
    uint8_t dscp1; /* the sender asks for it on the way back */
    uint8_t dscp2; /* the reflector saw it */
    uint8_t ecn;   /* the reflector saw it (erratum 8199) */
    uint8_t rp;    /* 1: the reflector's policy refused dscp1 */
};
struct stamp_direct_measurement {
    uint32_t sender_tx, reflector_rx, reflector_tx;
};
struct stamp_access_report {
    uint8_t access_id;   /* 1: 3GPP, 2: non-3GPP; nothing else is valid */
    uint8_t return_code; /* 1: network available, 2: unavailable */
};
struct stamp_follow_up {
    uint32_t sequence;  /* of the last packet the reflector sent in this session */
    uint64_t timestamp; /* when it really left, as on the wire; 0 when not known */
    uint8_t method;     /* STAMP_METHOD_* */
};
struct stamp_timestamp_information {
    uint8_t sync_in, method_in, sync_out, method_out; /* STAMP_SYNC_*, STAMP_METHOD_* */
};

enum { STAMP_METHOD_HW_ASSIST = 1, STAMP_METHOD_SW_LOCAL = 2, STAMP_METHOD_CONTROL_PLANE = 3 };
enum { /* RFC 8972 section 5.4 */
       STAMP_SYNC_NTP = 1,
       STAMP_SYNC_PTP = 2,
       STAMP_SYNC_SSU_BITS = 3,
       STAMP_SYNC_GNSS = 4,
       STAMP_SYNC_FREE_RUNNING = 5,
};

#define STAMP_CLASS_OF_SERVICE_SIZE 4
#define STAMP_DIRECT_MEASUREMENT_SIZE 12
#define STAMP_ACCESS_REPORT_SIZE 4
#define STAMP_FOLLOW_UP_SIZE 16
#define STAMP_TIMESTAMP_INFORMATION_SIZE 4 /* optional sub-TLVs may follow */
#define STAMP_LOCATION_MIN_SIZE 4          /* two ports; sub-TLVs follow */

/* `value` has the size above; the caller has checked it with stamp_tlv_size_is_valid(). */
struct stamp_class_of_service stamp_class_of_service_read(const uint8_t *value);
void stamp_class_of_service_write(uint8_t *value, struct stamp_class_of_service);
struct stamp_direct_measurement stamp_direct_measurement_read(const uint8_t *value);
void stamp_direct_measurement_write(uint8_t *value, struct stamp_direct_measurement);
struct stamp_access_report stamp_access_report_read(const uint8_t *value);
void stamp_access_report_write(uint8_t *value, struct stamp_access_report);
struct stamp_follow_up stamp_follow_up_read(const uint8_t *value);
void stamp_follow_up_write(uint8_t *value, struct stamp_follow_up);
struct stamp_timestamp_information stamp_timestamp_information_read(const uint8_t *value);
void stamp_timestamp_information_write(uint8_t *value, struct stamp_timestamp_information);

/* ---- Location (RFC 8972 section 4.2) ------------------------------------------------------- */

enum stamp_location_sub_tlv {
    STAMP_LOCATION_SOURCE_MAC = 1, /* asked for; 2 or 3 is the answer */
    STAMP_LOCATION_SOURCE_EUI48 = 2,
    STAMP_LOCATION_SOURCE_EUI64 = 3,
    STAMP_LOCATION_DESTINATION_IP = 4, /* asked for; 5 or 6 is the answer */
    STAMP_LOCATION_DESTINATION_IPV4 = 5,
    STAMP_LOCATION_DESTINATION_IPV6 = 6,
    STAMP_LOCATION_SOURCE_IP = 7, /* asked for; 8 or 9 is the answer */
    STAMP_LOCATION_SOURCE_IPV4 = 8,
    STAMP_LOCATION_SOURCE_IPV6 = 9,
};

/* Where a test packet was seen to come from and go to. Addresses are IPv6, or IPv4 mapped into it
 * (::ffff:192.0.2.1). */
struct stamp_location {
    uint16_t destination_port, source_port;
    uint8_t destination[16], source[16]; /* all zero: not told */
    uint8_t source_mac[6];
    bool has_source_mac;
};

/* Appends a Location TLV that asks for ports, addresses and the source MAC address. */
void stamp_location_put_request(struct buf *);

/* Answers in place: `value` is the Location TLV's, `size` at least STAMP_LOCATION_MIN_SIZE. False:
 * a sub-TLV is malformed (its M flag is set); what stood before it is answered. */
bool stamp_location_answer(uint8_t *value, size_t size, const struct stamp_location *);

/* Reads an answer. What is missing, unrecognised or malformed stays zero. */
void stamp_location_read(const uint8_t *value, size_t size, struct stamp_location *);

#endif
