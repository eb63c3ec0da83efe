/* pcep_message.h - messages of the Path Computation Element Protocol, decoded, encoded and printed.
 *
 * RFC 5440 (messages, objects), 5521 (XRO), 5541 (OF), 7470 (VENDOR-INFORMATION), 8231 (stateful),
 * 8232 (synchronisation), 8233 (metrics, BU), 8253 (StartTLS), 8281 (PCInitiate), 8408 (path setup
 * types), 8664 (SR), 8697 (ASSOCIATION), 8800 (disjointness), 9603 (SRv6), 9604 (binding), 9862 (SR
 * policies), 9863 (colour).
 *
 * A message is what its grammar says, not a row of objects: a PCRpt is a list of state reports,
 * each with its SRP, LSP, ERO. All lists of this kind (PCReq, PCRep, PCRpt, PCUpd, PCInitiate) are
 * lists of `struct pcep_entry`. Objects are pointed to; NULL: not there. Every object starts with a
 * `struct pcep_head`; all zero is right for what is sent.
 *
 * What was decoded lives in the arena, and points into the octets it came from nowhere: those may
 * go. What is to be encoded may point anywhere; nothing is kept of it.
 *
 * Numbers are as on the wire, in host order: bandwidth in octets (not bits) per second. */
#ifndef PROTO_PCEP_PCEP_MESSAGE_H
#define PROTO_PCEP_PCEP_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "proto/pcep/pcep_error.h"

#include <stdbool.h>
#include <stdint.h>

#define PCEP_PORT 4189 /* with TLS too: StartTLS (RFC 8253 section 3.2) */
#define PCEP_VERSION 1
#define PCEP_HEADER_SIZE 4
#define PCEP_SIZE_MAX 65535

enum pcep_type {
    PCEP_OPEN = 1,
    PCEP_KEEPALIVE = 2,
    PCEP_PCREQ = 3,
    PCEP_PCREP = 4,
    PCEP_PCNTF = 5,
    PCEP_PCERR = 6,
    PCEP_CLOSE = 7,
    PCEP_PCRPT = 10,
    PCEP_PCUPD = 11,
    PCEP_PCINITIATE = 12,
    PCEP_START_TLS = 13,
};

/* The two flags of the common object header (RFC 5440 section 7.2). P is about requests: it is
 * written in a PCReq, and in a PCRep's RP, and is 0 in all else (RFC 8231 section 7). */
struct pcep_head {
    bool optional; /* P clear: the receiver may leave the object out of account */
    bool ignored;  /* I: in an answer, that it was */
};

struct pcep_address {
    uint8_t family; /* 0: none; 4, 6 */
    uint8_t octets[16];
};

struct pcep_octets {
    const uint8_t *data;
    uint32_t size;
};

/* ---- TLVs ----------------------------------------------------------------------------------- */

enum pcep_tlv_type {
    PCEP_TLV_NO_PATH_VECTOR = 1,              /* number: bits */
    PCEP_TLV_OVERLOAD_DURATION = 2,           /* number: seconds */
    PCEP_TLV_REQ_MISSING = 3,                 /* number: request id */
    PCEP_TLV_OF_LIST = 4,                     /* codes */
    PCEP_TLV_VENDOR_INFORMATION = 7,          /* number: enterprise; octets */
    PCEP_TLV_STATEFUL_PCE_CAPABILITY = 16,    /* number: enum pcep_stateful_flags */
    PCEP_TLV_SYMBOLIC_PATH_NAME = 17,         /* octets: no NUL, at least one */
    PCEP_TLV_IPV4_LSP_IDENTIFIERS = 18,       /* ids */
    PCEP_TLV_IPV6_LSP_IDENTIFIERS = 19,       /* ids */
    PCEP_TLV_LSP_ERROR_CODE = 20,             /* number: enum pcep_lsp_error */
    PCEP_TLV_RSVP_ERROR_SPEC = 21,            /* rsvp_error */
    PCEP_TLV_LSP_DB_VERSION = 23,             /* long_number */
    PCEP_TLV_SPEAKER_ENTITY_ID = 24,          /* octets */
    PCEP_TLV_SR_PCE_CAPABILITY = 26,          /* number: flags << 8 | MSD; as a sub-TLV of 34 */
    PCEP_TLV_SRV6_PCE_CAPABILITY = 27,        /* number: flags; msds; as a sub-TLV of 34 */
    PCEP_TLV_PATH_SETUP_TYPE = 28,            /* number */
    PCEP_TLV_OP_CONF_ASSOC_RANGE = 29,        /* ranges */
    PCEP_TLV_GLOBAL_ASSOCIATION_SOURCE = 30,  /* number */
    PCEP_TLV_EXTENDED_ASSOCIATION_ID = 31,    /* octets: 8 (IPv4: colour, end point) or 20 (IPv6) */
    PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY = 34, /* setup */
    PCEP_TLV_ASSOC_TYPE_LIST = 35,            /* codes */
    PCEP_TLV_PATH_PROTECTION = 38,            /* number: bits (RFC 8745) */
    PCEP_TLV_DISJOINTNESS_CONFIGURATION = 46, /* number: enum pcep_disjointness */
    PCEP_TLV_DISJOINTNESS_STATUS = 47,        /* number: the same */
    PCEP_TLV_POLICY_PARAMETERS = 48,          /* octets (RFC 9005) */
    PCEP_TLV_BIDIRECTIONAL = 54,              /* number: bits (RFC 9059) */
    PCEP_TLV_TE_PATH_BINDING = 55,            /* binding */
    PCEP_TLV_SRPOLICY_POL_NAME = 56,          /* octets */
    PCEP_TLV_SRPOLICY_CPATH_ID = 57,          /* cpath_id */
    PCEP_TLV_SRPOLICY_CPATH_NAME = 58,        /* octets */
    PCEP_TLV_SRPOLICY_CPATH_PREFERENCE = 59,  /* number */
    PCEP_TLV_LSP_EXTENDED_FLAG = 64,          /* octets: bits (RFC 9357) */
    PCEP_TLV_VIRTUAL_NETWORK = 65,            /* octets: its name (RFC 9358) */
    PCEP_TLV_COLOR = 67,                      /* number */
    PCEP_TLV_COMPUTATION_PRIORITY = 68,       /* number: 0 to 255 */
    PCEP_TLV_EXPLICIT_NULL_LABEL_POLICY = 69, /* number: 1 to 4 */
    PCEP_TLV_INVALIDATION = 70,               /* number: oper << 8 | config */
    PCEP_TLV_SRPOLICY_CAPABILITY = 71,        /* number: bits */
    PCEP_TLV_CISCO_BINDING_SID = 65505,       /* binding: as FRR and IOS XR report it */
};

enum pcep_stateful_flags { /* RFC 8231 section 7.1.1, 8232 section 3.2, 8281 section 4.1 */
                           PCEP_LSP_UPDATE = 0x01,             /* U */
                           PCEP_INCLUDE_DB_VERSION = 0x02,     /* S */
                           PCEP_LSP_INSTANTIATION = 0x04,      /* I */
                           PCEP_TRIGGERED_RESYNC = 0x08,       /* T */
                           PCEP_DELTA_LSP_SYNC = 0x10,         /* D */
                           PCEP_TRIGGERED_INITIAL_SYNC = 0x20, /* F */
};

enum pcep_lsp_error { /* RFC 8231 section 7.3.3 */
                      PCEP_LSP_ERROR_UNKNOWN = 1,
                      PCEP_LSP_ERROR_LIMIT_REACHED = 2,
                      PCEP_LSP_ERROR_TOO_MANY_PENDING = 3,
                      PCEP_LSP_ERROR_UNACCEPTABLE_PARAMETERS = 4,
                      PCEP_LSP_ERROR_INTERNAL = 5,
                      PCEP_LSP_ERROR_BROUGHT_DOWN = 6,
                      PCEP_LSP_ERROR_PREEMPTED = 7,
                      PCEP_LSP_ERROR_RSVP_SIGNALING = 8,
                      PCEP_LSP_ERROR_SID_VERIFICATION = 9, /* RFC 9603 section 9.3 */
};

enum pcep_path_setup_type { PCEP_PST_RSVP_TE = 0, PCEP_PST_SR = 1, PCEP_PST_SRV6 = 3 };

enum pcep_disjointness {                                /* RFC 8800 section 4.2 */
                         PCEP_DISJOINT_LINK = 0x01,     /* L */
                         PCEP_DISJOINT_NODE = 0x02,     /* N */
                         PCEP_DISJOINT_SRLG = 0x04,     /* S */
                         PCEP_DISJOINT_SHORTEST = 0x08, /* P */
                         PCEP_DISJOINT_STRICT = 0x10,   /* T: no less than asked for will do */
};

/* Both families of LSP-IDENTIFIERS (RFC 8231 section 7.3.1). */
struct pcep_lsp_ids {
    uint16_t lsp_id, tunnel_id;
    struct pcep_address sender, endpoint; /* tunnel's; both of the TLV's family */
    uint8_t extended_tunnel_id[16];       /* IPv4: the first 4 */
};

/* PATH-SETUP-TYPE-CAPABILITY (RFC 8408 section 3). */
struct pcep_setup_capability {
    struct pcep_octets types; /* one octet each */
    const struct pcep_tlv *sub_tlvs;
    uint32_t n_sub_tlvs;
};

enum pcep_binding_type {                               /* RFC 9604 section 4 */
                         PCEP_BINDING_LABEL = 0,       /* `label`: 20 bits */
                         PCEP_BINDING_LABEL_ENTRY = 1, /* `label`: the whole entry */
                         PCEP_BINDING_SRV6 = 2,        /* `sid` */
                         PCEP_BINDING_SRV6_STRUCTURE = 3,
};

struct pcep_binding {
    uint8_t type, flags; /* flags: R 0x80 (remove), S 0x40 (specified) */
    uint32_t label;
    uint8_t sid[16];
    struct pcep_octets rest; /* behaviour and structure; of an unknown type: all */
};

/* SRPOLICY-CPATH-ID (RFC 9862 section 4.5.2). */
struct pcep_cpath_id {
    uint8_t protocol_origin; /* 10 PCEP, 20 BGP SR policy, 30 configuration */
    uint32_t originator_asn;
    uint8_t originator[16];
    uint32_t discriminator;
};

struct pcep_rsvp_error {
    struct pcep_address node; /* IPv4 or IPv6 ERROR_SPEC; family 0: USER_ERROR_SPEC, `rest` */
    uint8_t flags, code;
    uint16_t value;
    struct pcep_octets rest; /* a whole RSVP object of another class or type */
};

struct pcep_assoc_range {
    uint16_t type, start, count;
};

struct pcep_msd {
    uint8_t type, value;
};

/* Which member holds the value is said beside the type above; unknown types: `octets`. */
struct pcep_tlv {
    uint16_t type;
    uint32_t number;
    union {
        uint64_t long_number;
        struct pcep_octets octets;
        struct {
            const uint16_t *list;
            uint32_t n;
        } codes;
        struct {
            const struct pcep_assoc_range *list;
            uint32_t n;
        } ranges;
        struct {
            const struct pcep_msd *list;
            uint32_t n;
        } msds;
        const struct pcep_lsp_ids *ids;
        const struct pcep_setup_capability *setup;
        const struct pcep_binding *binding;
        const struct pcep_cpath_id *cpath_id;
        const struct pcep_rsvp_error *rsvp_error;
    };
};

struct pcep_tlvs {
    const struct pcep_tlv *list; /* in the order of the wire */
    uint32_t n;
};

/* The first of that type; NULL: none. */
const struct pcep_tlv *pcep_tlv_find(const struct pcep_tlvs *, unsigned type);
/* Its number; `otherwise` if it is not there. */
uint32_t pcep_tlv_number(const struct pcep_tlvs *, unsigned type, uint32_t otherwise);
/* "SYMBOLIC-PATH-NAME"; static. NULL: unknown here. */
const char *pcep_tlv_name(unsigned type);

/* ---- Routes: ERO, RRO, IRO, XRO ------------------------------------------------------------- */

enum pcep_hop_type { /* subobjects */
                     PCEP_HOP_IPV4 = 1,
                     PCEP_HOP_IPV6 = 2,
                     PCEP_HOP_LABEL = 3,
                     PCEP_HOP_UNNUMBERED = 4,
                     PCEP_HOP_AS = 32,
                     PCEP_HOP_SRLG = 34,
                     PCEP_HOP_SR = 36,
                     PCEP_HOP_SRV6 = 40,
};

enum pcep_sr_flags {                  /* RFC 8664 section 4.3.1 */
                     PCEP_SR_M = 0x1, /* `sid` is an MPLS label stack entry, not an index */
                     PCEP_SR_C = 0x2, /* and its TC, S, TTL were set by the PCE */
                     PCEP_SR_S = 0x4, /* there is no SID */
                     PCEP_SR_F = 0x8, /* there is no NAI */
};

enum pcep_srv6_flags { /* RFC 9603 section 4.3.1 */
                       PCEP_SRV6_S = 0x1,
                       PCEP_SRV6_F = 0x2,
                       PCEP_SRV6_T = 0x4, /* the SID's structure is there */
                       PCEP_SRV6_V = 0x8, /* is to be verified */
};

enum pcep_nai_type { /* NT; RFC 8664 section 4.3.1, 9603 section 4.3.1 */
                     PCEP_NAI_NONE = 0,
                     PCEP_NAI_IPV4_NODE = 1,             /* `address` */
                     PCEP_NAI_IPV6_NODE = 2,             /* `address` */
                     PCEP_NAI_IPV4_ADJACENCY = 3,        /* `address`, `remote` */
                     PCEP_NAI_IPV6_GLOBAL_ADJACENCY = 4, /* `address`, `remote` */
                     PCEP_NAI_UNNUMBERED = 5,      /* node ids in `address`, `remote`, interfaces */
                     PCEP_NAI_IPV6_LINK_LOCAL = 6, /* `address`, `remote`, interfaces */
};

struct pcep_hop {
    uint8_t type;
    bool loose;            /* L; in an XRO X: better without, not never */
    uint8_t prefix_length; /* IPV4, IPV6 */
    uint8_t flags;         /* of RRO subobjects, of LABEL */
    uint8_t attribute;     /* XRO: 0 interface, 1 node, 2 SRLG; LABEL: its C-Type */
    uint8_t nai_type;      /* SR, SRV6: enum pcep_nai_type */
    uint16_t sr_flags;     /* SR: enum pcep_sr_flags; SRV6: enum pcep_srv6_flags */
    uint16_t behavior;     /* SRV6: endpoint behaviour */
    uint32_t number; /* SR: the SID as on the wire (pcep_hop_label()); LABEL: the label; AS; SRLG */
    uint32_t interface, remote_interface; /* UNNUMBERED (only the first); NAI 5, 6 */
    struct pcep_address address;          /* IPV4, IPV6, router of UNNUMBERED, NAI */
    struct pcep_address remote;           /* NAI of adjacencies */
    uint8_t sid[16];                      /* SRV6 */
    uint8_t structure[4];                 /* SRV6: lengths of block, node, function, argument */
    struct pcep_octets octets;            /* of an unknown type: all behind type and length */
};

/* The label of an SR hop with M. */
static inline uint32_t
pcep_hop_label(const struct pcep_hop *hop)
{
    return hop->number >> 12;
}

/* An SR hop that is an MPLS label and nothing more. */
static inline struct pcep_hop
pcep_label_hop(uint32_t label)
{
    return (struct pcep_hop){
        .type = PCEP_HOP_SR, .sr_flags = PCEP_SR_M | PCEP_SR_F, .number = label << 12};
}

/* The same with the address of the node whose segment it is, by its family. */
static inline struct pcep_hop
pcep_node_hop(uint32_t label, const struct pcep_address *node)
{
    return (struct pcep_hop){.type = PCEP_HOP_SR,
                             .sr_flags = PCEP_SR_M,
                             .nai_type = node->family == 6 ? PCEP_NAI_IPV6_NODE
                                                           : PCEP_NAI_IPV4_NODE,
                             .number = label << 12,
                             .address = *node};
}

struct pcep_route {
    struct pcep_head head;
    uint16_t flags; /* XRO: 1 is F (fail); others have none */
    const struct pcep_hop *hops;
    uint32_t n;
};

/* ---- Objects -------------------------------------------------------------------------------- */

struct pcep_open {
    struct pcep_head head;
    uint8_t keepalive; /* seconds between messages of the sender; 0: none is sent */
    uint8_t deadtimer; /* seconds of its silence after which it is gone; 0: never */
    uint8_t sid;
    struct pcep_tlvs tlvs;
};

enum pcep_rp_flags { /* RFC 5440 section 7.4.1; the lowest three bits are the priority */
                     PCEP_RP_PRIORITY = 0x07,
                     PCEP_RP_REOPTIMIZATION = 0x08, /* R */
                     PCEP_RP_BIDIRECTIONAL = 0x10,  /* B */
                     PCEP_RP_LOOSE = 0x20,          /* O: a loose path will do */
                     PCEP_RP_SUPPLY_OF = 0x80,      /* RFC 5541 section 3.3 */
};

struct pcep_rp {
    struct pcep_head head;
    uint32_t flags, request_id;
    struct pcep_tlvs tlvs;
};

struct pcep_srp {
    struct pcep_head head;
    uint32_t flags;  /* 1: R, remove (RFC 8281 section 5.2) */
    uint32_t srp_id; /* 0: no request, in a PCRpt; 0xffffffff is reserved */
    struct pcep_tlvs tlvs;
};

#define PCEP_SRP_REMOVE 1u

enum pcep_lsp_flags {                               /* RFC 8231 section 7.3, 8281 section 5.3.1 */
                      PCEP_LSP_DELEGATE = 0x001,    /* D */
                      PCEP_LSP_SYNC = 0x002,        /* S */
                      PCEP_LSP_REMOVE = 0x004,      /* R */
                      PCEP_LSP_ADMIN = 0x008,       /* A: wanted up */
                      PCEP_LSP_OPERATIONAL = 0x070, /* O: enum pcep_operational << 4 */
                      PCEP_LSP_CREATE = 0x080,      /* C: of a PCInitiate */
};

enum pcep_operational {
    PCEP_OPERATIONAL_DOWN,
    PCEP_OPERATIONAL_UP,
    PCEP_OPERATIONAL_ACTIVE,
    PCEP_OPERATIONAL_GOING_DOWN,
    PCEP_OPERATIONAL_GOING_UP,
};

struct pcep_lsp {
    struct pcep_head head;
    uint32_t plsp_id; /* 20 bits */
    uint16_t flags;   /* 12 bits */
    struct pcep_tlvs tlvs;
};

static inline enum pcep_operational
pcep_lsp_operational(const struct pcep_lsp *lsp)
{
    return (enum pcep_operational)((lsp->flags & PCEP_LSP_OPERATIONAL) >> 4);
}

/* The SYMBOLIC-PATH-NAME; size 0: it has none. */
struct pcep_octets pcep_lsp_name(const struct pcep_lsp *);
/* Its LSP-IDENTIFIERS of either family; NULL: none. */
const struct pcep_lsp_ids *pcep_lsp_ids(const struct pcep_lsp *);

struct pcep_no_path {
    struct pcep_head head;
    uint8_t nature; /* 0: no path satisfies the constraints, 1: PCE chain broken */
    uint16_t flags; /* 0x8000: C, unsatisfied constraints follow */
    struct pcep_tlvs tlvs;
};

struct pcep_endpoints {
    struct pcep_head head;
    struct pcep_address source, destination; /* of one family */
};

struct pcep_bandwidth {
    struct pcep_head head;
    float octets_per_s; /* as on the wire: may be anything that a float is; see pcep_bandwidth_bps()
                         */
};

/* In bit/s. False: it is negative, infinite or no number. */
bool pcep_bandwidth_bps(const struct pcep_bandwidth *, uint64_t *bps);

enum pcep_metric_type {
    PCEP_METRIC_IGP = 1,
    PCEP_METRIC_TE = 2,
    PCEP_METRIC_HOP_COUNT = 3,
    PCEP_METRIC_SID_DEPTH = 11,  /* RFC 8664 section 4.5 */
    PCEP_METRIC_PATH_DELAY = 12, /* microseconds: RFC 8233 section 3 */
    PCEP_METRIC_DELAY_VARIATION = 13,
    PCEP_METRIC_LOSS = 14, /* percent */
};

enum pcep_metric_flags {
    PCEP_METRIC_BOUND = 0x01,    /* B: `value` is a limit */
    PCEP_METRIC_COMPUTED = 0x02, /* C: is to be told */
};

struct pcep_metric {
    struct pcep_head head;
    uint8_t flags, type;
    float value;
};

struct pcep_lspa {
    struct pcep_head head;
    uint32_t exclude_any, include_any, include_all; /* affinities */
    uint8_t setup_priority, holding_priority;
    uint8_t flags;
#define PCEP_LSPA_LOCAL_PROTECTION 1 /* L: desired */
    struct pcep_tlvs tlvs;
};

struct pcep_of {
    struct pcep_head head;
    uint16_t code; /* 1 MCP, 2 MLP, 3 MBP, 4 MBC, 5 MLL, 6 MCC (RFC 5541); 15 MSL, 16 MSS, 17 MSN */
    struct pcep_tlvs tlvs;
};

/* Bandwidth utilisation (RFC 8233 section 4.1). */
struct pcep_bu {
    struct pcep_head head;
    uint8_t type; /* 1: link, 2: link, of reserved bandwidth */
    float value;  /* percent */
};

struct pcep_load_balancing {
    struct pcep_head head;
    uint8_t flags, max_lsp;
    float min_octets_per_s;
    struct pcep_tlvs tlvs;
};

enum pcep_association_type {
    PCEP_ASSOC_PATH_PROTECTION = 1,            /* RFC 8745 */
    PCEP_ASSOC_DISJOINT = 2,                   /* RFC 8800 */
    PCEP_ASSOC_POLICY = 3,                     /* RFC 9005 */
    PCEP_ASSOC_SINGLE_SIDED_BIDIRECTIONAL = 4, /* RFC 9059 */
    PCEP_ASSOC_DOUBLE_SIDED_BIDIRECTIONAL = 5, /* RFC 9059 */
    PCEP_ASSOC_SR_POLICY = 6,                  /* RFC 9862 */
    PCEP_ASSOC_VN = 7,                         /* RFC 9358 */
};

struct pcep_association {
    struct pcep_head head;
    uint16_t flags; /* 1: R, the LSP leaves the group */
    uint16_t type, id;
    struct pcep_address source;
    struct pcep_tlvs tlvs;
};

#define PCEP_ASSOCIATION_REMOVE 1u

/* SR policy of an association: from its EXTENDED-ASSOCIATION-ID (RFC 9862 section 4.4). False: it
 * has none. */
bool pcep_association_policy(const struct pcep_association *, uint32_t *color,
                             struct pcep_address *endpoint);
/* The same as a TLV. `octets` has room for 20 and is pointed to by the result. */
struct pcep_tlv pcep_policy_tlv(uint32_t color, const struct pcep_address *endpoint,
                                uint8_t *octets);

struct pcep_vendor {
    struct pcep_head head;
    uint32_t enterprise;
    struct pcep_octets octets;
};

/* The colour that FRR reads from a PCInitiate: enterprise 9, 0x00010004, colour. `octets` has room
 * for 8 and is pointed to by the result. */
struct pcep_vendor pcep_vendor_color(uint32_t color, uint8_t *octets);

/* An object that is unknown here, and may be. */
struct pcep_unknown {
    struct pcep_head head;
    uint8_t class, type;
    struct pcep_octets octets;
};

struct pcep_svec {
    struct pcep_head head;
    uint32_t flags; /* 1 L, 2 N, 4 S: link, node, SRLG diverse (RFC 5440 section 7.13.2) */
    const uint32_t *request_ids;
    uint32_t n;
    const struct pcep_of *of; /* what follows it (RFC 5541 section 3.2, 5521 section 2.2) */
    const struct pcep_metric *metrics;
    uint32_t n_metrics;
    const struct pcep_route *xro;
};

/* ---- Messages ------------------------------------------------------------------------------- */

/* A path and its attributes. Of a PCRpt: intended, and actual as far as it was told. */
struct pcep_path {
    const struct pcep_route *ero;                    /* RFC 8231: intended path; may be empty */
    const struct pcep_route *rro;                    /* actual path */
    const struct pcep_bandwidth *bandwidth;          /* object type 1: wanted */
    const struct pcep_bandwidth *existing_bandwidth; /* object type 2: of the LSP that is to be
                                                        reoptimised */
    const struct pcep_bandwidth *actual_bandwidth;   /* PCRpt: that before an RRO */
    const struct pcep_metric *metrics;
    const struct pcep_metric *actual_metrics; /* PCRpt: those before an RRO */
    uint32_t n_metrics, n_actual_metrics;
    const struct pcep_lspa *lspa;
    const struct pcep_route *iro, *xro;
    const struct pcep_of *of;
    const struct pcep_load_balancing *load_balancing;
    const struct pcep_bu *bus;
    uint32_t n_bus;
};

/* A request, a response, a state report, an update request, a PCE-initiated LSP request. */
struct pcep_entry {
    const struct pcep_rp *rp;               /* PCReq, PCRep */
    const struct pcep_srp *srp;             /* PCRpt (may be missing), PCUpd, PCInitiate */
    const struct pcep_lsp *lsp;             /* PCReq, PCRep: may be missing */
    const struct pcep_endpoints *endpoints; /* PCReq, PCInitiate */
    const struct pcep_no_path *no_path;     /* PCRep */
    const struct pcep_association *associations;
    const struct pcep_vendor *vendors;
    const struct pcep_unknown *unknowns; /* not encoded */
    uint32_t n_associations, n_vendors, n_unknowns;
    uint32_t n_alternatives;
    const struct pcep_path *alternatives; /* PCRep: paths besides `path` */
    struct pcep_path path;
};

struct pcep_notification {
    struct pcep_head head;
    uint8_t flags, type, value; /* 1/1 request cancelled, 2/1 PCE congested, 2/2 no longer;
                                 * 4/1 stateful limit entered, 4/2 left (RFC 8231 section 8.6) */
    struct pcep_tlvs tlvs;
};

struct pcep_close {
    struct pcep_head head;
    uint8_t flags, reason; /* enum pcep_close_reason */
    struct pcep_tlvs tlvs;
};

struct pcep_notice {
    const uint32_t *request_ids; /* none: it is about all */
    uint32_t n_request_ids;
    const struct pcep_notification *notifications;
    uint32_t n_notifications;
};

struct pcep_error_object {
    struct pcep_head head;
    uint8_t flags;
    struct pcep_error error;
    struct pcep_tlvs tlvs;
};

/* In one message all are about requests, or none is. */
struct pcep_error_group {
    const uint32_t *request_ids, *srp_ids; /* one of the two, or neither: about the session */
    uint32_t n_request_ids, n_srp_ids;
    const struct pcep_error_object *errors;
    uint32_t n_errors;
    const struct pcep_lsp *lsp; /* that it is about; often NULL (RFC 8231 section 8.5) */
};

/* An entry of a message that was refused, alone: the others stand. */
struct pcep_fault {
    struct pcep_error error;
    bool has_request_id, has_srp_id;
    uint32_t request_id, srp_id; /* whose answer it is */
    uint32_t plsp_id;            /* 0: none */
    const char *object;          /* static: the object that is at fault, or is missing */
    const char *field;           /* static: of it; NULL: none in particular */
    uint32_t offset;             /* of that in the message */
};

struct pcep_message {
    uint8_t type; /* enum pcep_type */
    union {
        struct pcep_open open;   /* PCEP_OPEN */
        struct pcep_close close; /* PCEP_CLOSE */
        struct {                 /* PCReq, PCRep, PCRpt, PCUpd, PCInitiate */
            const struct pcep_entry *entries;
            const struct pcep_svec *svecs; /* PCReq */
            uint32_t n_entries, n_svecs;
        };
        struct {
            const struct pcep_notice *notices;
            uint32_t n_notices;
        };
        struct {
            const struct pcep_error_group *groups;
            uint32_t n_groups;
            const struct pcep_open *error_open; /* of a PCErr 1/4: what would be acceptable */
        };
    };
    const struct pcep_fault *faults; /* only of what was decoded */
    uint32_t n_faults;
};

/* "PCRpt"; static. NULL: unknown here. */
const char *pcep_type_name(unsigned type);

/* Octets of the message that starts here, header included. ERR_TRUNCATED: not even its header is
 * there; ERR_MALFORMED: shorter than a header, or no multiple of 4; ERR_UNSUPPORTED: not version 1.
 * Whether all of it is there is for the caller to see. */
MUST_CHECK enum err pcep_frame(const uint8_t *data, size_t size, size_t *message_size);

/* Decodes one whole message. On failure *fault (may be NULL) is the PCErr that it is answered with,
 * `diag` (may be NULL) the object, the field and the offset in words.
 * ERR_NOT_FOUND: the type is unknown (PCErr 2/0); ERR_TRUNCATED, ERR_MALFORMED, ERR_INVALID,
 * ERR_UNSUPPORTED: as `fault` says; ERR_LIMIT: the arena.
 *
 * Objects and TLVs that are unknown: RFC 5440 section 7.2. What is wrong with one entry alone (an
 * object missing, unknown with P set, a value that is reserved) is no failure: the entry is left
 * out, and is among the message's `faults`. */
MUST_CHECK enum err pcep_message_decode(const uint8_t *data, size_t size, struct arena *,
                                        struct pcep_message *, struct pcep_fault *fault,
                                        struct diag *);

/* Appends one message. ERR_LIMIT: longer than a message can be, or out's limit; ERR_INVALID: no
 * octets stand for it (an object that the grammar demands is missing, a hop of no known type).
 * On failure nothing is appended. */
MUST_CHECK enum err pcep_message_encode(const struct pcep_message *, struct buf *out);

/* Appends an entry to the message of `type` that begins at offset `start` of `out` and ends with
 * it; the length in its header is kept right. `start` == out->size: a new message. ERR_LIMIT: it
 * would be longer than `limit` octets (0: PCEP_SIZE_MAX); begin another one. Errors and failure as
 * above. */
MUST_CHECK enum err pcep_entry_append(unsigned type, const struct pcep_entry *, size_t limit,
                                      struct buf *out, size_t start);

/* One line without an end of line: "PCRpt {SRP id=1} {LSP plsp-id=3 flags=D,A ...} {ERO ...}". */
void pcep_message_print(const struct pcep_message *, struct buf *);
void pcep_entry_print(unsigned type, const struct pcep_entry *, struct buf *);
/* "16003,16004" or "loose 10.0.0.1/32,..."; for lists and events. */
void pcep_route_print(const struct pcep_route *, struct buf *);
void pcep_address_print(const struct pcep_address *, struct buf *);

/* ---- Capabilities: what the TLVs of an OPEN say --------------------------------------------- */

struct pcep_capabilities {
    bool stateful;           /* STATEFUL-PCE-CAPABILITY is there */
    uint32_t stateful_flags; /* enum pcep_stateful_flags */
    uint64_t db_version;     /* LSP-DB-VERSION; 0: none told (RFC 8232 section 3.3.1) */
    struct pcep_octets speaker_entity_id;
    uint64_t path_setup_types; /* bit n: type n. None told is RSVP-TE, bit 0 (RFC 8408 section 3) */
    bool sr;                   /* SR-PCE-CAPABILITY is there */
    uint8_t sr_flags;          /* 1: X, no limit of depth; 2: N, resolves NAIs */
    uint8_t sr_msd;            /* SIDs that the PCC can put on a packet; 0: not told, or no limit */
    bool srv6;
    uint16_t srv6_flags;          /* 1: N */
    uint64_t association_types;   /* bit n: type n of ASSOC-Type-List */
    uint64_t objective_functions; /* bit n: code n of OF-List */
    bool sr_policy;               /* SRPOLICY-CAPABILITY is there */
    uint32_t sr_policy_flags;
};

void pcep_capabilities_read(const struct pcep_open *, struct pcep_capabilities *);
/* The TLVs that say so, in the arena. ERR_LIMIT: the arena. */
MUST_CHECK enum err pcep_capabilities_write(const struct pcep_capabilities *, struct arena *,
                                            struct pcep_tlvs *);

#endif
