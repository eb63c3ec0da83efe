/* flow_key.h - the fields of a packet that rules can match, laid out for hashing and masking.
 *
 * The fields are those of OpenFlow 1.3 (section 7.2.3.7, "Flow Match Fields"), numbered as there. A
 * key is 16 words of 8 octets; every field is whole octets in network order, so that an OXM value
 * is copied in as it stands, and masking, comparing and hashing work on words. Fields that exclude
 * each other by their prerequisites (IPv4, IPv6 and ARP addresses; TCP, UDP, SCTP, ICMP) share
 * their place: a match always carries the prerequisites too, so they cannot be confused.
 *
 * Fields a packet does not have are zero. */
#ifndef PACKET_FLOW_KEY_H
#define PACKET_FLOW_KEY_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Integers in network byte order; get_be16() and friends read them. */
typedef uint16_t be16_t;
typedef uint32_t be32_t;
typedef uint64_t be64_t;

static inline be16_t
to_be16(uint16_t v)
{
    return __builtin_bswap16(v);
}

static inline be32_t
to_be32(uint32_t v)
{
    return __builtin_bswap32(v);
}

static inline be64_t
to_be64(uint64_t v)
{
    return __builtin_bswap64(v);
}

static inline uint16_t
from_be16(be16_t v)
{
    return __builtin_bswap16(v);
}

static inline uint32_t
from_be32(be32_t v)
{
    return __builtin_bswap32(v);
}

static inline uint64_t
from_be64(be64_t v)
{
    return __builtin_bswap64(v);
}

#define FLOW_KEY_WORDS 16

struct flow_key {
    union {
        struct {
            be32_t in_port, in_phy_port;       /* word 0 */
            be64_t metadata;                   /* 1 */
            uint8_t eth_dst[6];                /* 2 */
            be16_t eth_type;                   /* behind all VLAN tags; 0x05ff: 802.3 */
            uint8_t eth_src[6];                /* 3 */
            be16_t vlan_vid;                   /* outermost tag: VLAN_PRESENT | VID; or 0 */
            uint8_t vlan_pcp, ip_dscp, ip_ecn; /* 4 */
            uint8_t ip_proto;                  /* or the low octet of the ARP opcode's place */
            be16_t tp_src, tp_dst;             /* ports; ICMP type and code in first octet */
            be64_t tunnel_id;                  /* 5 */
            uint8_t ip_src[16];                /* 6, 7: IPv4 and ARP use the first 4 octets */
            uint8_t ip_dst[16];                /* 8, 9 */
            uint8_t nd_target[16];             /* 10, 11 */
            uint8_t sll[6];                    /* 12: ND source LLA, ARP sha */
            be16_t ipv6_exthdr;                /* EXTHDR_* bits */
            uint8_t tll[6];                    /* 13: ND target LLA, ARP tha */
            uint8_t mpls_tc, mpls_bos;         /* outermost label */
            be32_t mpls_label, ipv6_flabel;    /* 14 */
            uint8_t pbb_isid[3], pbb_uca, reserved[4]; /* 15 */
        };
        uint64_t words[FLOW_KEY_WORDS];
    };
};

_Static_assert(sizeof(struct flow_key) == 8 * FLOW_KEY_WORDS, "no holes in a flow key");

#define VLAN_PRESENT 0x1000 /* OFPVID_PRESENT: set in vlan_vid of every tagged packet */

#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_ARP 0x0806
#define ETH_TYPE_VLAN 0x8100  /* IEEE 802.1Q customer tag */
#define ETH_TYPE_SVLAN 0x88a8 /* IEEE 802.1Q service tag */
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_MPLS 0x8847
#define ETH_TYPE_MPLS_MULTICAST 0x8848
#define ETH_TYPE_PBB 0x88e7
#define ETH_TYPE_GOOSE 0x88b8 /* IEC 61850-8-1 */
#define ETH_TYPE_SV 0x88ba    /* IEC 61850-9-2 */
#define ETH_TYPE_LLDP 0x88cc
#define ETH_TYPE_PTP 0x88f7
#define ETH_TYPE_NOT_A_TYPE 0x05ff /* OpenFlow 1.3 7.2.3.8: 802.3 without SNAP */

#define IP_PROTO_ICMP 1
#define IP_PROTO_TCP 6
#define IP_PROTO_UDP 17
#define IP_PROTO_ICMPV6 58
#define IP_PROTO_SCTP 132

/* OFPIEH_*: which IPv6 extension headers a packet has (OpenFlow 1.3 section 7.2.3.8). */
#define EXTHDR_NONEXT 0x001
#define EXTHDR_ESP 0x002
#define EXTHDR_AUTH 0x004
#define EXTHDR_DEST 0x008
#define EXTHDR_FRAG 0x010
#define EXTHDR_ROUTER 0x020
#define EXTHDR_HOP 0x040
#define EXTHDR_UNREP 0x080
#define EXTHDR_UNSEQ 0x100

/* Numbered as OXM fields of class OFPXMC_OPENFLOW_BASIC. */
enum field {
    FIELD_IN_PORT,
    FIELD_IN_PHY_PORT,
    FIELD_METADATA,
    FIELD_ETH_DST,
    FIELD_ETH_SRC,
    FIELD_ETH_TYPE,
    FIELD_VLAN_VID,
    FIELD_VLAN_PCP,
    FIELD_IP_DSCP,
    FIELD_IP_ECN,
    FIELD_IP_PROTO,
    FIELD_IPV4_SRC,
    FIELD_IPV4_DST,
    FIELD_TCP_SRC,
    FIELD_TCP_DST,
    FIELD_UDP_SRC,
    FIELD_UDP_DST,
    FIELD_SCTP_SRC,
    FIELD_SCTP_DST,
    FIELD_ICMPV4_TYPE,
    FIELD_ICMPV4_CODE,
    FIELD_ARP_OP,
    FIELD_ARP_SPA,
    FIELD_ARP_TPA,
    FIELD_ARP_SHA,
    FIELD_ARP_THA,
    FIELD_IPV6_SRC,
    FIELD_IPV6_DST,
    FIELD_IPV6_FLABEL,
    FIELD_ICMPV6_TYPE,
    FIELD_ICMPV6_CODE,
    FIELD_IPV6_ND_TARGET,
    FIELD_IPV6_ND_SLL,
    FIELD_IPV6_ND_TLL,
    FIELD_MPLS_LABEL,
    FIELD_MPLS_TC,
    FIELD_MPLS_BOS,
    FIELD_PBB_ISID,
    FIELD_TUNNEL_ID,
    FIELD_IPV6_EXTHDR,
    FIELD_RESERVED_40, /* no field has this number */
    FIELD_PBB_UCA,     /* OpenFlow 1.4 */
    FIELD_MAX
};

enum field_form { /* how a value is written as text */
                  FORM_DECIMAL,
                  FORM_HEX,
                  FORM_MAC,
                  FORM_IPV4,
                  FORM_IPV6,
};

/* What a field is: one row each, used by match, set-field, codec, trace and documentation. */
struct field_info {
    const char *name;     /* "ipv4_src", as in the specification, lower case; NULL: no such field */
    uint8_t offset, size; /* in octets within struct flow_key */
    uint8_t bits;         /* significant low bits */
    bool maskable;        /* a match may mask it (OpenFlow 1.3 table 12) */
    bool settable;        /* a set-field action may write it */
    enum field_form form;
};

extern const struct field_info field_table[FIELD_MAX];

/* The row of `field`; NULL if there is no such field. */
const struct field_info *field_info(unsigned field);
/* The field with this name; FIELD_MAX if there is none. */
enum field field_by_name(const char *name);

/* Reads or writes a field of a key as an integer; only fields of at most 8 octets. */
uint64_t flow_key_get(const struct flow_key *, enum field);
void flow_key_set(struct flow_key *, enum field, uint64_t value);

/* The field's octets in the key. */
static inline uint8_t *
flow_key_field(struct flow_key *key, enum field field)
{
    return (uint8_t *)key + field_table[field].offset;
}

static inline const uint8_t *
flow_key_field_const(const struct flow_key *key, enum field field)
{
    return (const uint8_t *)key + field_table[field].offset;
}

/* Why a packet could not be parsed to its end. It is still matched on what could be read. */
enum parse_flaw {
    FLAW_NONE,
    FLAW_RUNT, /* no whole Ethernet header: nothing can be matched, the packet is dropped */
    FLAW_VLAN, /* a tag is cut short */
    FLAW_MPLS, /* a label stack entry is cut short */
    FLAW_PBB,  /* I-TAG cut short */
    FLAW_ARP,  /* not Ethernet/IPv4, or cut short */
    FLAW_IPV4, /* version, header length or total length wrong, or cut short */
    FLAW_IPV6, /* version or payload length wrong, or an extension header cut short */
    FLAW_L4,   /* TCP, UDP, SCTP or ICMP header cut short */
    FLAW_MAX
};

const char *parse_flaw_name(enum parse_flaw); /* "ipv4", for counters; static */

#define OFFSET_NONE UINT16_MAX

/* Where the headers are, in octets from the start of the frame; OFFSET_NONE if absent. */
struct packet_layout {
    uint16_t l2_5;    /* first octet behind Ethernet header and VLAN tags */
    uint16_t l3;      /* IPv4, IPv6 or ARP header */
    uint16_t l4;      /* TCP, UDP, SCTP or ICMP header; absent in later fragments */
    uint16_t payload; /* behind the L4 header */
    enum parse_flaw flaw;
    bool fragment; /* an IP fragment, first or later */
};

/* Parses an Ethernet frame (no FCS). Fills all of the key except in_port, in_phy_port, metadata and
 * tunnel_id, which it leaves as they are, and the layout, which may not be NULL. Reads at most 9
 * MPLS label stack entries to find nothing more; IPv6 extension headers up to 16 of them. */
void flow_key_parse(struct flow_key *, const uint8_t *frame, size_t size, struct packet_layout *);

#endif
