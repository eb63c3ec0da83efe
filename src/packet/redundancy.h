/* redundancy.h - frames that travel twice (IEC 62439-3:2021): the trailer of PRP, the tag of HSR,
 * and the frames by which their nodes tell of themselves. Pure.
 *
 * PRP puts a redundancy control trailer (RCT, clause 4.2.7.3) of 6 octets behind the payload, and
 * behind what fills it up to Ethernet's minimum, just before the FCS: sequence number, LAN (0xa or
 * 0xb) and size in 4 and 12 bits, suffix 0x88fb. HSR puts a tag (clause 5.7) behind the addresses
 * and VLAN tags: EtherType 0x892f, path and size in 4 and 12 bits, sequence number; the frame's own
 * EtherType follows. Either's size is that of everything behind the addresses, the VLAN tags and
 * one EtherType, RCT or the rest of the tag included: the payload's and 6. So no frame with more
 * than 4089 octets of payload can have one. */
#ifndef PACKET_REDUNDANCY_H
#define PACKET_REDUNDANCY_H

#include "packet/addr.h"
#include "packet/edit.h"

#define ETH_TYPE_PRP 0x88fb /* supervision frames, and the suffix of an RCT */
#define ETH_TYPE_HSR 0x892f
#define REDUNDANCY_TAG_SIZE 6u
#define PRP_LAN_A 0xa
#define PRP_LAN_B 0xb

struct redundancy_tag {
    uint16_t sequence;
    uint8_t lan;   /* PRP: PRP_LAN_*; HSR: the path, 0 to 15, odd for B */
    uint16_t size; /* as it is on the wire */
};

/* Looks for an RCT at the frame's end, in a short frame before zeros that fill it up, too; it must
 * have a LAN's number, and the size be right. *offset: where it begins. */
bool prp_find_rct(const uint8_t *frame, size_t size, struct redundancy_tag *, size_t *offset);
/* Looks for an HSR tag behind the addresses and VLAN tags; its size must lie in the frame. *offset:
 * where its EtherType is. */
bool hsr_find_tag(const uint8_t *frame, size_t size, struct redundancy_tag *, size_t *offset);
/* Either, by its EtherType. */
bool redundancy_find(uint16_t eth_type, const uint8_t *frame, size_t size, struct redundancy_tag *,
                     size_t *offset);

/* Fills the packet up to Ethernet's minimum and adds an RCT or a tag, by EtherType; `size` is
 * ignored. A checksum left to the card is completed first. The packet is writable (packet.h), and a
 * large segment has been cut. EDIT_REPARSE: an HSR tag was added. EDIT_NO_ROOM: nor can it carry so
 * large a payload. */
enum edit_result packet_push_redundancy(struct packet *, uint16_t eth_type,
                                        const struct redundancy_tag *);
/* Takes off what redundancy_find() finds, and fills up what became too short. EDIT_DONE: nothing
 * that was parsed has changed, or there was none. */
enum edit_result packet_pop_redundancy(struct packet *, uint16_t eth_type);

/* ---- Supervision frames (clauses 4.3 and 5.8) ---- */

enum supervision_type { /* of the first TLV */
                        SUPERVISION_PRP_DISCARD = 20,
                        SUPERVISION_PRP_ACCEPT = 21,
                        SUPERVISION_HSR = 23,
};
#define SUPERVISION_REDBOX 30
#define SUPERVISION_FRAME_SIZE 60u    /* octets, without tag, trailer and FCS */
#define SUPERVISION_INTERVAL_MS 2000u /* LifeCheckInterval */
#define SUPERVISION_FORGET_MS 60000u  /* NodeForgetTime */

/* 01-15-4E-00-01-00; the last octet is the network's choice. */
extern const struct mac supervision_address;

struct supervision {
    uint8_t type;      /* enum supervision_type */
    uint8_t path;      /* 4 bits; 0 for PRP */
    uint16_t version;  /* 12 bits; 1 */
    uint16_t sequence; /* of supervision frames, not of an RCT or tag */
    struct mac node;   /* of whom it tells */
    bool has_redbox;
    struct mac redbox; /* who speaks for it */
};

/* Reads what is behind the EtherType. ERR_TRUNCATED; ERR_UNSUPPORTED: a version, or a first TLV,
 * that is not known; ERR_MALFORMED: a TLV of the wrong size. `diag` may be NULL. */
MUST_CHECK enum err supervision_decode(const uint8_t *payload, size_t size, struct supervision *,
                                       struct diag *);
/* A supervision frame as it arrives: VLAN tags, an HSR tag or an RCT may be there; *lan is the LAN
 * or path it says, 0xff: none. ERR_NOT_FOUND: another EtherType or address. */
MUST_CHECK enum err supervision_read(const uint8_t *frame, size_t size, struct supervision *,
                                     uint8_t *lan, struct diag *);
/* A whole frame without tag or RCT, SUPERVISION_FRAME_SIZE octets, to the address ending in `last`.
 */
void supervision_write(const struct supervision *, const struct mac *source, uint8_t last,
                       uint8_t *frame);

#endif
