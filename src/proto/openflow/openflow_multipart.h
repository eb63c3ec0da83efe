/* openflow_multipart.h - the bodies of multipart messages (OpenFlow 1.3.5 section 7.3.5), and a
 * writer for replies too long to be held in memory at once.
 *
 *   type              request                          reply
 *   OFPMP_DESC        -                                one openflow_desc
 *   OFPMP_FLOW        one openflow_flow_request        openflow_flow_stats ...
 *   OFPMP_AGGREGATE   one openflow_flow_request        one openflow_aggregate
 *   OFPMP_TABLE       -                                openflow_table_stats ...
 *   OFPMP_PORT_STATS  one id (port_no or PORT_ANY)     openflow_port_stats ...
 *   OFPMP_QUEUE       one openflow_queue_request       openflow_queue_stats ...
 *   OFPMP_GROUP       one id (group or GROUP_ALL)      openflow_group_stats ...
 *   OFPMP_GROUP_DESC  -                                openflow_group_desc ...
 *   OFPMP_GROUP_FEATURES  -                            one openflow_group_features
 *   OFPMP_METER       one id (meter or METER_ALL)      openflow_meter_stats ...
 *   OFPMP_METER_CONFIG    one id (meter or METER_ALL)  openflow_meter_config ...
 *   OFPMP_METER_FEATURES  -                            one openflow_meter_features
 *   OFPMP_TABLE_FEATURES  openflow_table_features ...  openflow_table_features ...
 *   OFPMP_PORT_DESC   -                                openflow_port ...
 *   ONFMP_FLOW_MONITOR    openflow_monitor_request ... openflow_monitor_update ...
 *   OFPMP_EXPERIMENTER    one openflow_experimenter    one openflow_experimenter */
#ifndef PROTO_OPENFLOW_OPENFLOW_MULTIPART_H
#define PROTO_OPENFLOW_OPENFLOW_MULTIPART_H

#include "proto/openflow/openflow.h"

enum openflow_multipart_type {
    OFPMP_DESC,
    OFPMP_FLOW,
    OFPMP_AGGREGATE,
    OFPMP_TABLE,
    OFPMP_PORT_STATS,
    OFPMP_QUEUE,
    OFPMP_GROUP,
    OFPMP_GROUP_DESC,
    OFPMP_GROUP_FEATURES,
    OFPMP_METER,
    OFPMP_METER_CONFIG,
    OFPMP_METER_FEATURES,
    OFPMP_TABLE_FEATURES,
    OFPMP_PORT_DESC,
    OFPMP_EXPERIMENTER = 0xffff,
    ONFMP_FLOW_MONITOR = 0x10000 + 1870, /* EXT-187: OFPMP_EXPERIMENTER on the wire */
};

struct openflow_desc {
    char manufacturer[257], hardware[257], software[257], serial_number[33], datapath[257];
};

struct openflow_flow_request { /* also for OFPMP_AGGREGATE */
    uint8_t table_id;          /* or TABLE_ALL */
    uint32_t out_port;         /* or PORT_ANY */
    uint32_t out_group;        /* or GROUP_ANY */
    uint64_t cookie, cookie_mask;
    struct match match;
};

/* Packets and octets here and below: all ones means not counted. */
struct openflow_flow_stats {
    struct flow flow;
    uint32_t duration_s, duration_ns;
    uint64_t packets, octets;
    struct openflow_foreign foreign;
};

struct openflow_aggregate {
    uint64_t packets, octets;
    uint32_t flows;
};

struct openflow_table_stats {
    uint8_t table_id;
    uint32_t active;
    uint64_t lookups, matched;
};

struct openflow_port_stats {
    uint32_t port_no;
    uint64_t rx_packets, tx_packets, rx_octets, tx_octets, rx_dropped, tx_dropped, rx_errors,
        tx_errors, rx_frame_err, rx_over_err, rx_crc_err, collisions;
    uint32_t duration_s, duration_ns;
};

struct openflow_queue_request {
    uint32_t port_no;  /* or PORT_ANY */
    uint32_t queue_id; /* or QUEUE_ALL */
};

struct openflow_queue_stats {
    uint32_t port_no, queue_id;
    uint64_t tx_octets, tx_packets, tx_errors;
    uint32_t duration_s, duration_ns;
};

struct openflow_counter {
    uint64_t packets, octets;
};

struct openflow_group_stats {
    uint32_t group_id, ref_count;
    uint64_t packets, octets;
    uint32_t duration_s, duration_ns;
    uint32_t n_buckets;
    struct openflow_counter *buckets;
};

struct openflow_group_desc {
    struct group group;
    struct openflow_foreign foreign; /* `effect`: the buckets */
};

enum openflow_group_capabilities {
    OFPGFC_SELECT_WEIGHT = 1,
    OFPGFC_SELECT_LIVENESS = 2,
    OFPGFC_CHAINING = 4,
    OFPGFC_CHAINING_CHECKS = 8,
};

struct openflow_group_features {
    uint32_t types;         /* bits 1 << enum group_type */
    uint32_t capabilities;  /* enum openflow_group_capabilities */
    uint32_t max_groups[4]; /* by enum group_type */
    uint32_t actions[4];    /* by enum group_type: bits 1 << enum action_type */
};

struct openflow_meter_stats {
    uint32_t meter_id, flow_count;
    uint64_t packets, octets;
    uint32_t duration_s, duration_ns;
    uint32_t n_bands;
    struct openflow_counter *bands;
};

struct openflow_meter_config {
    struct meter meter;
    struct openflow_foreign foreign; /* `effect`: the bands */
};

struct openflow_meter_features {
    uint32_t max_meter;
    uint32_t band_types;   /* bits 1 << enum band_type */
    uint32_t capabilities; /* enum meter_flags */
    uint8_t max_bands, max_color;
};

enum openflow_table_property_type {
    OFPTFPT_INSTRUCTIONS = 0,
    OFPTFPT_INSTRUCTIONS_MISS = 1,
    OFPTFPT_NEXT_TABLES = 2,
    OFPTFPT_NEXT_TABLES_MISS = 3,
    OFPTFPT_WRITE_ACTIONS = 4,
    OFPTFPT_WRITE_ACTIONS_MISS = 5,
    OFPTFPT_APPLY_ACTIONS = 6,
    OFPTFPT_APPLY_ACTIONS_MISS = 7,
    OFPTFPT_MATCH = 8,
    OFPTFPT_WILDCARDS = 10,
    OFPTFPT_WRITE_SETFIELD = 12,
    OFPTFPT_WRITE_SETFIELD_MISS = 13,
    OFPTFPT_APPLY_SETFIELD = 14,
    OFPTFPT_APPLY_SETFIELD_MISS = 15,
    OFPTFPT_EXPERIMENTER = 0xfffe,
    OFPTFPT_EXPERIMENTER_MISS = 0xffff,
};

/* What a table can do: the type of an instruction (OFPIT_*) or action, a table id, or an OXM
 * header; with its owner where it is an experimenter's, else 0. */
struct openflow_capability {
    uint32_t id, experimenter;
};

struct openflow_table_property {
    uint16_t type; /* enum openflow_table_property_type */
    uint32_t n;
    struct openflow_capability *list;
    /* Only for the two experimenter types: */
    uint32_t experimenter, exp_type;
    struct openflow_data data;
};

#define OPENFLOW_TABLE_NAME_SIZE 32

struct openflow_table_features {
    uint8_t table_id;
    char name[OPENFLOW_TABLE_NAME_SIZE + 1];
    uint64_t metadata_match, metadata_write;
    uint32_t config, max_entries;
    uint32_t n_properties;
    struct openflow_table_property *properties;
};

/* The OXM header that names `field` in a table's properties; a match that may be masked has
 * `maskable`. The experimenter field PBB_UCA is a capability with its owner. */
struct openflow_capability openflow_field_capability(enum field field, bool maskable);
/* The other way; false if it is no field of ours. `maskable` may be NULL. */
bool openflow_capability_field(const struct openflow_capability *, enum field *, bool *maskable);

/* ONFFMF_*. */
enum openflow_monitor_flags {
    ONFFMF_INITIAL = 0x01, /* report existing flows first */
    ONFFMF_ADD = 0x02,
    ONFFMF_DELETE = 0x04,
    ONFFMF_MODIFY = 0x08,
    ONFFMF_ACTIONS = 0x10, /* with instructions */
    ONFFMF_OWN = 0x20,     /* one's own changes too, in full */
};

struct openflow_monitor_request {
    uint32_t id;
    uint16_t flags;    /* enum openflow_monitor_flags */
    uint32_t out_port; /* or PORT_ANY */
    uint8_t table_id;  /* or TABLE_ALL */
    struct match match;
};

enum openflow_monitor_event { ONFFME_ADDED, ONFFME_DELETED, ONFFME_MODIFIED, ONFFME_ABBREV };

struct openflow_monitor_update {
    uint16_t event;   /* enum openflow_monitor_event */
    uint16_t reason;  /* deleted: enum openflow_flow_removed_reason */
    uint32_t xid;     /* abbreviated: the receiver's own request with this xid; then no flow */
    struct flow flow; /* without flags */
    struct openflow_foreign foreign;
};

const char *openflow_multipart_name(uint32_t type); /* "PORT_STATS"; "?" if there is none; static */

/* Writes a multipart message item by item; each message that fills up is closed with MORE. After an
 * error nothing more is added. */
struct openflow_writer {
    struct buf *out;
    const struct openflow_layout *item; /* of the body; internal */
    uint32_t type, xid;
    bool reply;
    /* Offsets in `out`: all that was written, the message being written, and its body. */
    size_t first, start, body;
    enum err err;
};

/* ERR_INVALID at the end: `type` has no list as its body. */
void openflow_writer_begin(struct openflow_writer *, bool reply, uint32_t type, uint32_t xid,
                           struct buf *out);
/* `item` as in the table above. */
void openflow_writer_add(struct openflow_writer *, const void *item);
/* Closes the last message. On error all that was written is taken back; as openflow_encode(). */
MUST_CHECK enum err openflow_writer_end(struct openflow_writer *);

/* Puts several parts of one message together; the session machine does so by itself.
 * openflow_part() checks that `message`, one undecoded multipart message, ends with a whole item,
 * and says what it is; its `body` points into the message.
 * openflow_decode_body() decodes the bodies of all parts, one behind the other. */
struct openflow_part {
    uint32_t type, xid;
    bool reply, more;
    uint32_t experimenter, exp_type; /* OFPMP_EXPERIMENTER: whose, and what */
    struct openflow_data body;
};

MUST_CHECK enum err openflow_part(const uint8_t *message, size_t size, struct openflow_part *,
                                  struct openflow_error *, struct diag *);
MUST_CHECK enum err openflow_decode_body(const struct openflow_part *, struct arena *,
                                         struct openflow_message *, struct openflow_error *,
                                         struct diag *);

#endif
