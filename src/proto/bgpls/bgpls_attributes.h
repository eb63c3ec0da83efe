/* bgpls_attributes.h - what the BGP-LS attribute (29) tells of a node, a link or a prefix. Pure.
 *
 * RFC 9552 section 5.3 (the attribute and most TLVs), 9085 (segment routing), 8814 (depth of label
 * stacks), 8571 (delays), 9104 (extended groups), 9086 (peer segments), 9294 (by application), 9351
 * and 9514 (kept as unknown).
 *
 * An attribute whose TLVs do not fit each other is discarded as a whole (RFC 9552 section 8.2.2:
 * "attribute discard"). A TLV that has the right form and an impossible value (a bandwidth that is
 * no number, negative, infinite, or the one that FRR makes of 10 Gbit/s) is left out alone, and
 * named in `dropped`. TLVs that are not known are kept.
 *
 * Bandwidths are octets per second, as they are on the wire. */
#ifndef PROTO_BGPLS_BGPLS_ATTRIBUTES_H
#define PROTO_BGPLS_BGPLS_ATTRIBUTES_H

#include "base/arena.h"
#include "base/buf.h"

/* Which TLVs are there: `has` of struct bgpls_attributes. In the order of their types. */
enum bgpls_tlv {
    BGPLS_MT_IDS,               /* 263 */
    BGPLS_NODE_MSD,             /* 266 */
    BGPLS_LINK_MSD,             /* 267 */
    BGPLS_NODE_FLAGS,           /* 1024 */
    BGPLS_NODE_OPAQUE,          /* 1025 */
    BGPLS_NODE_NAME,            /* 1026 */
    BGPLS_AREA,                 /* 1027; may be there more than once */
    BGPLS_LOCAL_ROUTER4,        /* 1028; the same */
    BGPLS_LOCAL_ROUTER6,        /* 1029; the same */
    BGPLS_REMOTE_ROUTER4,       /* 1030; the same */
    BGPLS_REMOTE_ROUTER6,       /* 1031; the same */
    BGPLS_SR_CAPABILITIES,      /* 1034 */
    BGPLS_SR_ALGORITHMS,        /* 1035 */
    BGPLS_SR_LOCAL_BLOCK,       /* 1036 */
    BGPLS_SRMS_PREFERENCE,      /* 1037 */
    BGPLS_ADMIN_GROUP,          /* 1088 */
    BGPLS_MAX_BANDWIDTH,        /* 1089 */
    BGPLS_RESERVABLE_BANDWIDTH, /* 1090 */
    BGPLS_UNRESERVED_BANDWIDTH, /* 1091 */
    BGPLS_TE_METRIC,            /* 1092 */
    BGPLS_PROTECTION,           /* 1093 */
    BGPLS_MPLS_PROTOCOLS,       /* 1094 */
    BGPLS_IGP_METRIC,           /* 1095 */
    BGPLS_SRLG,                 /* 1096 */
    BGPLS_LINK_OPAQUE,          /* 1097 */
    BGPLS_LINK_NAME,            /* 1098 */
    BGPLS_ADJACENCY_SID,        /* 1099; may be there more than once */
    BGPLS_LAN_ADJACENCY_SID,    /* 1100; the same */
    BGPLS_PEER_NODE_SID,        /* 1101; the same */
    BGPLS_PEER_ADJACENCY_SID,   /* 1102; the same */
    BGPLS_PEER_SET_SID,         /* 1103; the same */
    BGPLS_DELAY,                /* 1114 */
    BGPLS_MIN_MAX_DELAY,        /* 1115 */
    BGPLS_DELAY_VARIATION,      /* 1116 */
    BGPLS_LOSS,                 /* 1117 */
    BGPLS_RESIDUAL_BANDWIDTH,   /* 1118 */
    BGPLS_AVAILABLE_BANDWIDTH,  /* 1119 */
    BGPLS_UTILIZED_BANDWIDTH,   /* 1120 */
    BGPLS_APPLICATION,          /* 1122; may be there more than once */
    BGPLS_IGP_FLAGS,            /* 1152 */
    BGPLS_ROUTE_TAGS,           /* 1153 */
    BGPLS_EXTENDED_TAGS,        /* 1154 */
    BGPLS_PREFIX_METRIC,        /* 1155 */
    BGPLS_FORWARDING_ADDRESS,   /* 1156 */
    BGPLS_PREFIX_OPAQUE,        /* 1157 */
    BGPLS_PREFIX_SID,           /* 1158; may be there more than once */
    BGPLS_PREFIX_FLAGS,         /* 1170 */
    BGPLS_SOURCE_ROUTER,        /* 1171 */
    BGPLS_EXTENDED_ADMIN_GROUP, /* 1173 */
    BGPLS_SOURCE_OSPF_ROUTER,   /* 1174 */
    BGPLS_TLV_MAX
};

/* Octets of the message, not copied; numbers in them are in network byte order. */
struct bgpls_octets {
    const uint8_t *data;
    uint16_t size;
};

/* One of several of the same TLV. */
struct bgpls_octets_list {
    struct bgpls_octets_list *next;
    struct bgpls_octets octets;
};

/* A segment: an index, or a label if it is three octets long (RFC 9085 section 2.1.1). */
struct bgpls_sid {
    struct bgpls_sid *next;
    uint8_t flags;     /* as the IGP has them: BGPLS_SID_... below */
    uint8_t weight;    /* of adjacencies */
    uint8_t algorithm; /* of prefixes */
    bool is_label;
    uint32_t value;
    uint8_t neighbour_size; /* of a LAN's: 4 (OSPF), 6 (IS-IS) */
    uint8_t neighbour[6];
};

/* Flags differ by protocol: RFC 8665 section 6.1 (OSPFv2), RFC 8667 section 2.2.1 (IS-IS). */
enum {
    BGPLS_SID_OSPF_BACKUP = 0x80,
    BGPLS_SID_OSPF_VALUE = 0x40,
    BGPLS_SID_OSPF_LOCAL = 0x20,
    BGPLS_SID_ISIS_IPV6 = 0x80,
    BGPLS_SID_ISIS_BACKUP = 0x40,
    BGPLS_SID_ISIS_VALUE = 0x20,
    BGPLS_SID_ISIS_LOCAL = 0x10,
};

/* SRGB or SRLB (RFC 9085 sections 2.1.2 and 2.1.4). */
struct bgpls_range {
    struct bgpls_range *next;
    uint32_t size; /* labels */
    bool is_label;
    uint32_t first;
};

struct bgpls_block {
    uint8_t flags;
    struct bgpls_range *ranges;
};

struct bgpls_delay {     /* microseconds (RFC 8571 section 2) */
    bool anomalous;      /* A */
    uint32_t value, max; /* `max` of BGPLS_MIN_MAX_DELAY only */
};

struct bgpls_metric {
    uint8_t size; /* octets on the wire: 1, 2 or 3 (RFC 9552 section 5.3.2.4) */
    uint32_t value;
};

/* Attributes that are for some applications (RFC 9294 section 2). */
struct bgpls_application {
    struct bgpls_application *next;
    uint8_t standard_size, user_size;    /* octets of the masks: 0, 4, 8; both 0: for all */
    uint8_t standard[8], user[8];        /* of `standard` the first octet has BGPLS_APP_... */
    struct bgpls_attributes *attributes; /* without applications; never NULL */
};
enum { BGPLS_APP_RSVP_TE = 0x80, BGPLS_APP_SR_POLICY = 0x40, BGPLS_APP_LFA = 0x20 };

struct bgpls_unknown {
    struct bgpls_unknown *next;
    uint16_t type;
    struct bgpls_octets value;
};

struct bgpls_dropped {
    uint16_t type;
    float value;     /* of a bandwidth, as it came */
    const char *why; /* static */
};
#define BGPLS_DROPPED_MAX 8

/* Valid as long as the octets and the arena are. */
struct bgpls_attributes {
    uint64_t has; /* bits 1 << enum bgpls_tlv */

    struct bgpls_octets mt_ids;               /* two octets each */
    struct bgpls_octets node_msd, link_msd;   /* pairs: type, depth (RFC 8814 section 3) */
    uint8_t node_flags;                       /* O 80, T 40, E 20, B 10, R 08, V 04 */
    struct bgpls_octets node_name, link_name; /* not terminated */
    struct bgpls_octets node_opaque, link_opaque, prefix_opaque;
    struct bgpls_octets_list *areas, *local_router4, *local_router6, *remote_router4,
        *remote_router6;
    struct bgpls_block sr_capabilities, sr_local_block;
    struct bgpls_octets sr_algorithms;
    uint8_t srms_preference;

    uint32_t admin_group;
    struct bgpls_octets extended_admin_group;  /* four octets each, groups 0 to 31 first */
    float max_bandwidth, reservable_bandwidth; /* octets/s, finite, not negative */
    float unreserved_bandwidth[8];             /* by priority; NaN: it was dropped */
    float residual_bandwidth, available_bandwidth, utilized_bandwidth;
    uint32_t te_metric;
    uint16_t protection;
    uint8_t mpls_protocols; /* LDP 80, RSVP-TE 40 */
    struct bgpls_metric igp_metric;
    struct bgpls_octets srlgs; /* four octets each: bgpls_octets_u32() */
    struct bgpls_sid *adjacency_sids, *lan_adjacency_sids, *peer_node_sids, *peer_adjacency_sids,
        *peer_set_sids;
    struct bgpls_delay delay, min_max_delay, delay_variation;
    struct bgpls_delay loss; /* in 0.000003 % */

    uint8_t igp_flags; /* D 80, N 40, L 20, P 10 */
    struct bgpls_octets route_tags, extended_tags;
    uint32_t prefix_metric;
    struct bgpls_octets forwarding_address, source_router;
    struct bgpls_sid *prefix_sids;
    struct bgpls_octets prefix_flags; /* RFC 9085 section 2.3.2 */
    uint32_t source_ospf_router;

    struct bgpls_application *applications;

    struct bgpls_unknown *unknown;
    unsigned n_unknown;
    unsigned n_dropped; /* values and repeated TLVs that were left out */
    struct bgpls_dropped dropped[BGPLS_DROPPED_MAX];
};

#define BGPLS_HAS(attributes, tlv) ((attributes)->has >> (tlv)&1)

static inline uint32_t
bgpls_octets_u32(const struct bgpls_octets *octets, size_t i)
{
    return get_be32(octets->data + 4 * i);
}

/* The depth of that type (1: base MPLS imposition, RFC 8491 section 5) in a list of pairs; 0: it is
 * not there. */
uint8_t bgpls_msd(const struct bgpls_octets *, uint8_t type);

/* Lists go into the arena, octets stay where they are. ERR_MALFORMED: the attribute is to be
 * discarded, and `*diag` (may be NULL) says which TLV is wrong; ERR_LIMIT: the arena. On failure
 * `*attributes` has nothing. */
MUST_CHECK enum err bgpls_attributes_decode(const uint8_t *data, size_t size, struct arena *,
                                            struct bgpls_attributes *, struct diag *);

/* Writes what `has` says, TLVs in the order of their types, then those not known. ERR_LIMIT: the
 * buffer, or a TLV is too long; ERR_INVALID: a value that has no form, or lists that are empty. On
 * failure nothing is written. */
MUST_CHECK enum err bgpls_attributes_encode(const struct bgpls_attributes *, struct buf *);

/* One line: "name edge-1, SR Capabilities 0x80 16000-23999, ...". */
void bgpls_attributes_print(const struct bgpls_attributes *, struct buf *);

/* Takes over each TLV of `from` that `to` has not; those not known and applications are not. What
 * is pointed to stays where it is. */
void bgpls_attributes_add(struct bgpls_attributes *to, const struct bgpls_attributes *from);
/* What counts for an application (BGPLS_APP_...): what is told for it, then what is told without an
 * application, then what is told for all of them (RFC 9294 section 3). */
void bgpls_attributes_for(const struct bgpls_attributes *, uint8_t application,
                          struct bgpls_attributes *out);

/* What is known of a TLV, for documents and tests; false: there is no such row. */
struct bgpls_tlv_info {
    uint16_t type, min, max;
    const char *name, *ref;
};
bool bgpls_tlv_info(unsigned row, struct bgpls_tlv_info *);

#endif
