/* lldp.h - Link Layer Discovery Protocol (IEEE 802.1AB-2016): frames, to and from octets. Pure.
 *
 * Reads any LLDPDU; of its TLVs it keeps those that say who and where the sender is. Writes the
 * LLDPDUs by which a controller finds links: chassis and port as locally assigned texts, and in an
 * organisationally specific TLV whatever the controller wants to find again (`token`). */
#ifndef PROTO_LLDP_LLDP_H
#define PROTO_LLDP_LLDP_H

#include "base/buf.h"
#include "base/cursor.h"
#include "packet/addr.h"

#define LLDP_TEXT_SIZE 256
#define LLDP_TOKEN_SIZE 64

/* Clause 7.1: the group address that no bridge forwards. */
extern const struct mac lldp_nearest_bridge;

struct lldp {
    uint8_t chassis_subtype, port_subtype; /* tables 8-2 and 8-3 */
    char chassis_id[LLDP_TEXT_SIZE];       /* MAC and network addresses as text; else as it came */
    char port_id[LLDP_TEXT_SIZE];
    uint16_t ttl_s;
    char system_name[LLDP_TEXT_SIZE];        /* "" if absent */
    char system_description[LLDP_TEXT_SIZE]; /* "" if absent */
    uint8_t token_size;                      /* 0: it is not one of ours */
    uint8_t token[LLDP_TOKEN_SIZE];
};

/* Reads what is behind the EtherType. ERR_TRUNCATED; ERR_MALFORMED: the mandatory TLVs are not the
 * first three, or a TLV breaks its rules (clause 8.4, 9.2.7.7.1). */
MUST_CHECK enum err lldp_decode(const uint8_t *payload, size_t size, struct lldp *, struct diag *);

/* A whole frame. Texts longer than 254 octets are cut. */
void lldp_encode_frame(const struct lldp *, const struct mac *src, struct buf *frame);

#endif
