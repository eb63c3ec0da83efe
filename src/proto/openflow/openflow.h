/* openflow.h - OpenFlow 1.3 messages: what they hold, and to and from octets and text.
 *
 * OpenFlow Switch Specification 1.3.5 (ONF TS-023) section 7, both directions, so that a controller
 * and a switch use the same codec; and the ONF extensions for 1.3 that Open vSwitch 3.1 speaks:
 * bundles (EXT-230) and flow monitors (EXT-187). Flows, groups and meters are those of
 * packet/rule.h. Integers are in host order, texts end in NUL, and every part of a decoded message
 * lives in the arena that was given.
 *
 * Requests are decoded strictly: what this codec does not know is an error, with the type and code
 * the specification asks a switch to answer. Replies and notifications are decoded tolerantly: a
 * flow or group that holds something unknown (a switch may have been told by others, in other
 * dialects) is delivered with all that is understood, and with its own octets as `foreign`. */
#ifndef PROTO_OPENFLOW_OPENFLOW_H
#define PROTO_OPENFLOW_OPENFLOW_H

#include "base/arena.h"
#include "packet/rule.h"
#include "proto/openflow/openflow_error.h"

#define OPENFLOW_VERSION 4 /* 1.3 on the wire */
#define OPENFLOW_HEADER_SIZE 8
#define OPENFLOW_SIZE_MAX 65535 /* of a message, in octets */
#define OPENFLOW_TCP_PORT 6653

/* Section 7.1.1. Experimenter messages that this codec knows have 0x10000 + exp_type. */
enum openflow_type {
    OFPT_HELLO,
    OFPT_ERROR,
    OFPT_ECHO_REQUEST,
    OFPT_ECHO_REPLY,
    OFPT_EXPERIMENTER,
    OFPT_FEATURES_REQUEST,
    OFPT_FEATURES_REPLY,
    OFPT_GET_CONFIG_REQUEST,
    OFPT_GET_CONFIG_REPLY,
    OFPT_SET_CONFIG,
    OFPT_PACKET_IN,
    OFPT_FLOW_REMOVED,
    OFPT_PORT_STATUS,
    OFPT_PACKET_OUT,
    OFPT_FLOW_MOD,
    OFPT_GROUP_MOD,
    OFPT_PORT_MOD,
    OFPT_TABLE_MOD,
    OFPT_MULTIPART_REQUEST,
    OFPT_MULTIPART_REPLY,
    OFPT_BARRIER_REQUEST,
    OFPT_BARRIER_REPLY,
    OFPT_QUEUE_GET_CONFIG_REQUEST,
    OFPT_QUEUE_GET_CONFIG_REPLY,
    OFPT_ROLE_REQUEST,
    OFPT_ROLE_REPLY,
    OFPT_GET_ASYNC_REQUEST,
    OFPT_GET_ASYNC_REPLY,
    OFPT_SET_ASYNC,
    OFPT_METER_MOD,
    ONFT_FLOW_MONITOR_CANCEL = 0x10000 + 1870,
    ONFT_FLOW_MONITOR_PAUSED = 0x10000 + 1871,
    ONFT_FLOW_MONITOR_RESUMED = 0x10000 + 1872,
    ONFT_BUNDLE_CONTROL = 0x10000 + 2300,
    ONFT_BUNDLE_ADD_MESSAGE = 0x10000 + 2301,
};

struct openflow_data {
    const uint8_t *octets; /* NULL only if size is 0 */
    size_t size;
};

/* What somebody else told a switch, and this codec has no form for. Such a flow can be shown, and
 * named exactly in an OFPFC_DELETE_STRICT by giving it on as it is. */
struct openflow_foreign {
    const char *what;            /* the first unknown thing; NULL: nothing, all else is empty */
    struct openflow_data match;  /* ofp_match as it came: header, OXM fields, padding */
    struct openflow_data effect; /* instructions, buckets or bands as they came */
};

struct openflow_hello {
    uint8_t version; /* of the header: the highest the sender speaks */
    bool has_bitmap;
    uint32_t bitmap; /* bit n: version n on the wire; higher versions than 31 are not kept */
};

struct openflow_error_msg {
    struct openflow_error error;
    struct openflow_data data; /* the start of the failed request; text for OFPET_HELLO_FAILED */
};

struct openflow_experimenter {
    uint32_t experimenter, exp_type;
    struct openflow_data data;
};

enum openflow_capabilities {
    OFPC_FLOW_STATS = 0x01,
    OFPC_TABLE_STATS = 0x02,
    OFPC_PORT_STATS = 0x04,
    OFPC_GROUP_STATS = 0x08,
    OFPC_IP_REASM = 0x20,
    OFPC_QUEUE_STATS = 0x40,
    OFPC_PORT_BLOCKED = 0x100,
};

struct openflow_features {
    uint64_t datapath_id;
    uint32_t n_buffers;
    uint8_t n_tables, auxiliary_id;
    uint32_t capabilities; /* enum openflow_capabilities */
    uint32_t reserved;
};

enum openflow_config_flags { OFPC_FRAG_NORMAL = 0, OFPC_FRAG_DROP = 1, OFPC_FRAG_REASM = 2 };

struct openflow_config {
    uint16_t flags;         /* enum openflow_config_flags */
    uint16_t miss_send_len; /* octets of a packet to send to the controller; or WHOLE_PACKET */
};

enum openflow_packet_in_reason { OFPR_NO_MATCH, OFPR_ACTION, OFPR_INVALID_TTL };

struct openflow_packet_in {
    uint32_t buffer_id; /* or NO_BUFFER */
    uint16_t total_len; /* octets of the packet; `packet` may hold fewer */
    uint8_t reason;     /* enum openflow_packet_in_reason */
    uint8_t table_id;
    uint64_t cookie;    /* of the flow that sent it; all ones if none did */
    struct match match; /* in_port, and the other pipeline fields that are not zero */
    struct openflow_foreign foreign;
    struct openflow_data packet;
};

struct openflow_packet_out {
    uint32_t buffer_id; /* or NO_BUFFER: then `packet` is sent */
    uint32_t in_port;   /* PORT_CONTROLLER if it came from nowhere */
    struct actions actions;
    struct openflow_data packet;
};

enum openflow_flow_removed_reason {
    OFPRR_IDLE_TIMEOUT,
    OFPRR_HARD_TIMEOUT,
    OFPRR_DELETE,
    OFPRR_GROUP_DELETE,
};

struct openflow_flow_removed {
    struct flow flow; /* its table, priority, cookie, timeouts and match; no instructions */
    uint8_t reason;   /* enum openflow_flow_removed_reason */
    uint32_t duration_s, duration_ns;
    uint64_t packets, octets; /* all ones: not counted */
    struct openflow_foreign foreign;
};

#define OPENFLOW_PORT_NAME_SIZE 16

enum openflow_port_config {
    OFPPC_PORT_DOWN = 0x01,
    OFPPC_NO_RECV = 0x04,
    OFPPC_NO_FWD = 0x20,
    OFPPC_NO_PACKET_IN = 0x40,
};

enum openflow_port_state { OFPPS_LINK_DOWN = 1, OFPPS_BLOCKED = 2, OFPPS_LIVE = 4 };

enum openflow_port_features {
    OFPPF_10MB_HD = 0x0001,
    OFPPF_10MB_FD = 0x0002,
    OFPPF_100MB_HD = 0x0004,
    OFPPF_100MB_FD = 0x0008,
    OFPPF_1GB_HD = 0x0010,
    OFPPF_1GB_FD = 0x0020,
    OFPPF_10GB_FD = 0x0040,
    OFPPF_40GB_FD = 0x0080,
    OFPPF_100GB_FD = 0x0100,
    OFPPF_1TB_FD = 0x0200,
    OFPPF_OTHER = 0x0400,
    OFPPF_COPPER = 0x0800,
    OFPPF_FIBER = 0x1000,
    OFPPF_AUTONEG = 0x2000,
    OFPPF_PAUSE = 0x4000,
    OFPPF_PAUSE_ASYM = 0x8000,
};

struct openflow_port {
    uint32_t port_no;
    struct mac hw_addr;
    char name[OPENFLOW_PORT_NAME_SIZE + 1];
    uint32_t config;                            /* enum openflow_port_config */
    uint32_t state;                             /* enum openflow_port_state */
    uint32_t curr, advertised, supported, peer; /* enum openflow_port_features */
    uint32_t curr_speed, max_speed;             /* kbit/s */
};

enum openflow_port_reason { OFPPR_ADD, OFPPR_DELETE, OFPPR_MODIFY };

struct openflow_port_status {
    uint8_t reason; /* enum openflow_port_reason */
    struct openflow_port port;
};

enum openflow_instruction_type {
    OFPIT_GOTO_TABLE = 1,
    OFPIT_WRITE_METADATA = 2,
    OFPIT_WRITE_ACTIONS = 3,
    OFPIT_APPLY_ACTIONS = 4,
    OFPIT_CLEAR_ACTIONS = 5,
    OFPIT_METER = 6,
    OFPIT_EXPERIMENTER = 0xffff,
};

enum openflow_flow_command {
    OFPFC_ADD,
    OFPFC_MODIFY,
    OFPFC_MODIFY_STRICT,
    OFPFC_DELETE,
    OFPFC_DELETE_STRICT,
};

struct openflow_flow_mod {
    uint8_t command;                 /* enum openflow_flow_command */
    struct flow flow;                /* table_id may be TABLE_ALL when deleting */
    uint64_t cookie_mask;            /* modify and delete: which flows; 0: all */
    uint32_t buffer_id;              /* packet to apply it to; NO_BUFFER */
    uint32_t out_port;               /* delete: only flows that output there; PORT_ANY */
    uint32_t out_group;              /* the same; GROUP_ANY */
    struct openflow_foreign foreign; /* to delete a foreign flow: instead of flow.match */
};

enum openflow_mod_command { OFPGC_ADD, OFPGC_MODIFY, OFPGC_DELETE };

struct openflow_group_mod {
    uint16_t command; /* enum openflow_mod_command */
    struct group group;
};

struct openflow_meter_mod {
    uint16_t command; /* enum openflow_mod_command: OFPMC_* has the same numbers */
    struct meter meter;
};

struct openflow_port_mod {
    uint32_t port_no;
    struct mac hw_addr;    /* must be the port's own */
    uint32_t config, mask; /* bits of enum openflow_port_config, and which of them to change */
    uint32_t advertise;    /* enum openflow_port_features; 0: as it is */
};

struct openflow_table_mod {
    uint8_t table_id;
    uint32_t config; /* reserved in 1.3 */
};

struct openflow_queue_property {
    uint16_t type;         /* OFPQT_* */
    uint16_t rate;         /* 1/10 %; above 1000: not configured */
    uint32_t experimenter; /* OFPQT_EXPERIMENTER: whose, and what */
    struct openflow_data data;
};

#define OFPQT_MIN_RATE 1
#define OFPQT_MAX_RATE 2
#define OFPQT_EXPERIMENTER 0xffff
#define OFPQ_RATE_UNCFG 0xffff

struct openflow_queue {
    uint32_t queue_id, port;
    uint32_t n_properties;
    struct openflow_queue_property *properties;
};

struct openflow_queue_config { /* QUEUE_GET_CONFIG, request (no queues) and reply */
    uint32_t port;             /* PORT_ANY: all */
    uint32_t n_queues;
    struct openflow_queue *queues;
};

enum openflow_role {
    OFPCR_ROLE_NOCHANGE,
    OFPCR_ROLE_EQUAL,
    OFPCR_ROLE_MASTER,
    OFPCR_ROLE_SLAVE,
};

struct openflow_role_msg {
    uint32_t role; /* enum openflow_role */
    uint64_t generation_id;
};

/* Which reasons are reported, as bits 1 << reason; [0] as equal or master, [1] as slave. */
struct openflow_async {
    uint32_t packet_in[2], port_status[2], flow_removed[2];
};

struct openflow_multipart {
    uint32_t type; /* enum openflow_multipart_type, openflow_multipart.h */
    bool more;     /* this is a part, others follow; openflow_encode() sets it as needed */
    uint32_t n;    /* items; 1 where the type has a single body, 0 where it has none */
    union {        /* which: the table in openflow_multipart.h */
        void *items;
        struct openflow_desc *desc;
        struct openflow_flow_request *flow_request;
        struct openflow_flow_stats *flows;
        struct openflow_aggregate *aggregate;
        struct openflow_table_stats *tables;
        struct openflow_port_stats *port_stats;
        struct openflow_port *ports;
        struct openflow_queue_request *queue_request;
        struct openflow_queue_stats *queues;
        struct openflow_group_stats *group_stats;
        struct openflow_group_desc *groups;
        struct openflow_group_features *group_features;
        struct openflow_meter_stats *meter_stats;
        struct openflow_meter_config *meters;
        struct openflow_meter_features *meter_features;
        struct openflow_table_features *table_features;
        struct openflow_monitor_request *monitors;
        struct openflow_monitor_update *updates;
        struct openflow_experimenter *experimenter;
        uint32_t *id; /* the port, group or meter that a request is about */
    };
};

enum openflow_bundle_type {
    ONF_BCT_OPEN_REQUEST,
    ONF_BCT_OPEN_REPLY,
    ONF_BCT_CLOSE_REQUEST,
    ONF_BCT_CLOSE_REPLY,
    ONF_BCT_COMMIT_REQUEST,
    ONF_BCT_COMMIT_REPLY,
    ONF_BCT_DISCARD_REQUEST,
    ONF_BCT_DISCARD_REPLY,
};

enum openflow_bundle_flags { ONF_BF_ATOMIC = 1, ONF_BF_ORDERED = 2 };

struct openflow_bundle_control {
    uint32_t bundle_id;
    uint16_t type;                   /* enum openflow_bundle_type */
    uint16_t flags;                  /* enum openflow_bundle_flags */
    struct openflow_data properties; /* experimenter properties, as they are */
};

struct openflow_bundle_add {
    uint32_t bundle_id;
    uint16_t flags;
    struct openflow_message *message; /* with the xid of the message it is in */
    struct openflow_data properties;
};

struct openflow_message {
    uint32_t type; /* enum openflow_type */
    uint32_t xid;
    union { /* by type; those not named here have no body */
        struct openflow_hello hello;
        struct openflow_error_msg error;
        struct openflow_data echo; /* ECHO_REQUEST, ECHO_REPLY */
        struct openflow_experimenter experimenter;
        struct openflow_features features;
        struct openflow_config config; /* GET_CONFIG_REPLY, SET_CONFIG */
        struct openflow_packet_in packet_in;
        struct openflow_flow_removed flow_removed;
        struct openflow_port_status port_status;
        struct openflow_packet_out packet_out;
        struct openflow_flow_mod flow_mod;
        struct openflow_group_mod group_mod;
        struct openflow_port_mod port_mod;
        struct openflow_table_mod table_mod;
        struct openflow_multipart multipart; /* MULTIPART_REQUEST, MULTIPART_REPLY */
        struct openflow_queue_config queue_config;
        struct openflow_role_msg role;
        struct openflow_async async;
        struct openflow_meter_mod meter_mod;
        uint32_t monitor_id; /* FLOW_MONITOR_CANCEL */
        struct openflow_bundle_control bundle_control;
        struct openflow_bundle_add bundle_add;
    };
};

/* Who sends it. */
enum openflow_direction {
    OPENFLOW_TO_SWITCH = 1,
    OPENFLOW_TO_CONTROLLER = 2,
    OPENFLOW_BOTH_WAYS = 3,
};

/* What a message type is: one row each. */
struct openflow_type_info {
    const char *name; /* "FLOW_MOD" */
    enum openflow_direction direction;
    bool bundled;      /* may be part of a bundle */
    uint16_t min_size; /* octets, header included */
};

/* False: there is no such type. */
bool openflow_type_info(uint32_t type, struct openflow_type_info *);

/* Is there a whole message at the start of what a stream has delivered so far? ERR_OK: yes, of
 * `*size` octets. ERR_TRUNCATED: not yet. ERR_MALFORMED: its length is below 8, ERR_LIMIT:
 * above `limit` (OPENFLOW_SIZE_MAX: none); the stream cannot be followed any further. Versions are
 * not looked at. */
MUST_CHECK enum err openflow_frame(const uint8_t *data, size_t available, size_t limit,
                                   size_t *size);

/* Reads one message, all of `data`. On failure `*error` (may be NULL) is what a switch answers,
 * `diag` (may be NULL) names the message, field and offset, and the message is as it was; the arena
 * may hold some of it. ERR_LIMIT: the arena's budget. The message may be a HELLO of any version;
 * all others must be of version 4. */
MUST_CHECK enum err openflow_decode(const uint8_t *data, size_t size, struct arena *,
                                    struct openflow_message *, struct openflow_error *error,
                                    struct diag *diag);

/* Appends the message; a multipart message too long for one becomes several, all but the last with
 * the flag MORE. On failure nothing is appended. ERR_LIMIT: a part that cannot be split is too
 * long, or the buffer's limit. ERR_INVALID: something has no form on the wire (a text too long for
 * its field, an unknown type). */
MUST_CHECK enum err openflow_encode(const struct openflow_message *, struct buf *out);

/* Appends the answer to a request that failed: ERROR with its xid and the first 64 octets of it.
 * ERR_LIMIT: the buffer's. */
MUST_CHECK enum err openflow_encode_error(const struct openflow_error *,
                                          const struct openflow_data *request, struct buf *out);

/* As text: one line, and an indented line for each item of a multipart body. No line feed at the
 * end. */
void openflow_print(const struct openflow_message *, struct buf *out);

#endif
