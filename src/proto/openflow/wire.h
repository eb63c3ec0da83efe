/* wire.h - how this directory reads, writes and prints structures: by tables. Internal to it.
 *
 * A layout is the fields that a structure starts with, in the order of the wire, and functions for
 * what follows them (matches, actions, lists). Decoding, encoding and printing go by the same rows.
 *
 * Errors: a cursor's error carries the field and the offset, the decoder's the OpenFlow code for
 * it. Whoever finds something wrong calls decode_fail(); whoever only reads calls decode_blame()
 * behind it, which gives a code to a truncation that nobody inside has given one. TLVs are read
 * through a part of their own, ended by decode_end(): in a request its error is the message's
 * error, in a reply it is noted as foreign and the rest is read on. */
#ifndef PROTO_OPENFLOW_WIRE_H
#define PROTO_OPENFLOW_WIRE_H

#include "base/cursor.h"
#include "proto/openflow/openflow_multipart.h"

struct decoder {
    struct arena *arena;
    struct openflow_error error; /* for the cursor's error, once `blamed` */
    bool blamed;
    bool strict;         /* a request: the unknown is an error */
    uint32_t xid;        /* of the message being read */
    const char *foreign; /* the first unknown thing since it was last taken, in the arena */
};

struct encoder {
    struct buf *out;
    uint32_t xid; /* of the message being written */
    enum err err; /* the first; the buffer has its own */
};

void decode_fail(struct decoder *, struct cursor *, size_t offset, enum err, uint16_t type,
                 uint16_t code, const char *what);
void decode_blame(struct decoder *, const struct cursor *, uint16_t type, uint16_t code);
/* Ends a part of `c` that was read apart; what is left unread in it is an error of length. */
void decode_end(struct decoder *, struct cursor *c, struct cursor *part, uint16_t type,
                uint16_t length_code);
/* Zeroed; NULL: the cursor has failed with ERR_LIMIT. At least one octet, so NULL is failure. */
void *decode_alloc(struct decoder *, struct cursor *, size_t n, size_t size);
/* The rest of the cursor, copied into the arena. */
struct openflow_data decode_rest(struct decoder *, struct cursor *);
struct openflow_data decode_copy(struct decoder *, struct cursor *, const uint8_t *from, size_t);
/* Hands over what decode_end() noted; NULL: nothing. */
const char *decode_take_foreign(struct decoder *);

void encode_fail(struct encoder *);
void encode_data(struct encoder *, const struct openflow_data *);
/* Writes the length of what started at `start` into the 16 bits at `at`; both offsets in out. */
void encode_length(struct encoder *, size_t start, size_t at);

enum wire_form {
    WIRE_PAD,    /* `size` octets, zero when written, ignored when read */
    WIRE_LENGTH, /* 16 bits, patched when all is written; ignored when read */
    WIRE_DEC,
    WIRE_HEX,
    WIRE_COUNT, /* decimal, all ones is "n/a" */
    WIRE_PORT,
    WIRE_MAC,
    WIRE_TEXT,     /* NUL-padded; the member has one octet more than the wire */
    WIRE_BITS,     /* the names of the bits that are set */
    WIRE_DURATION, /* nanoseconds; the 4 octets before it in the structure are its seconds */
};

struct wire_name {
    uint32_t value;
    const char *name;
};

struct wire_field {
    const char *name; /* NULL: not printed */
    uint16_t offset, size;
    uint8_t form;                  /* enum wire_form */
    const struct wire_name *names; /* of values or bits, up to one without a name; NULL: none */
};

#define WIRE(type, member, name, form)                                                             \
    {                                                                                              \
        (name), offsetof(type, member), sizeof(((type *)0)->member), (form), NULL                  \
    }
#define WIRE_NAMED(type, member, name, form, names)                                                \
    {                                                                                              \
        (name), offsetof(type, member), sizeof(((type *)0)->member), (form), (names)               \
    }
#define WIRE_SKIP(size)                                                                            \
    {                                                                                              \
        NULL, 0, (size), WIRE_PAD, NULL                                                            \
    }
#define WIRE_LENGTH_FIELD                                                                          \
    {                                                                                              \
        NULL, 0, 2, WIRE_LENGTH, NULL                                                              \
    }

struct openflow_layout {
    const struct wire_field *fields;
    uint8_t n_fields;
    uint8_t length_end;  /* where the 16 bits of an item's length end; 0: it has none */
    uint8_t length_base; /* octets not counted by this length, and all is padded to 8; 0: neither */
    uint16_t size;       /* of the C structure */
    /* What follows the fields up to the end of the cursor; NULL: nothing. */
    void (*decode)(struct decoder *, struct cursor *, void *);
    void (*encode)(struct encoder *, const void *);
    /* All of it, fields included; NULL: the fields, as "name=value". */
    void (*print)(const void *, struct buf *);
};

#define LAYOUT_FIELDS(table) .fields = (table), .n_fields = ARRAY_SIZE(table)

/* Octets of the fields on the wire. */
size_t layout_wire_size(const struct openflow_layout *);
/* Where the fields started, for a cursor just behind them. */
size_t layout_offset(const struct openflow_layout *, const struct cursor *);
void layout_decode(const struct openflow_layout *, struct decoder *, struct cursor *, void *);
void layout_encode(const struct openflow_layout *, struct encoder *, const void *);
void layout_print(const struct openflow_layout *, const void *, struct buf *);
/* Items up to the end of the cursor into one array; errors of length are `type`, `code`. */
void *layout_decode_list(const struct openflow_layout *, struct decoder *, struct cursor *,
                         uint32_t *n, uint16_t type, uint16_t code);
/* How many items there are. ERR_TRUNCATED or ERR_MALFORMED: the last one is not whole. */
enum err layout_count(const struct openflow_layout *, const struct cursor *, uint32_t *n,
                      size_t *offset);
void fields_print(const struct wire_field *, size_t n, const void *, struct buf *);

/* wire_names.c */
extern const struct wire_name wire_table_names[], wire_group_names[], wire_meter_names[],
    wire_queue_names[], wire_buffer_names[], wire_flow_flags[], wire_mod_commands[];
/* The value itself, in hex or decimal, if it has no name. */
void print_named(uint32_t value, const struct wire_name *, bool hex, struct buf *);
void print_bits(uint32_t bits, const struct wire_name *, struct buf *);
/* What a peer may have filled with anything: quoted, other than printable ASCII as \xNN. */
void print_text(const char *, struct buf *);
/* Hex, the first 64 octets; how many more there are. */
void print_data(const struct openflow_data *, struct buf *);
void print_foreign(const struct openflow_foreign *, struct buf *);

/* oxm.c: `raw` (may be NULL) becomes the octets, not copied. */
void decode_match(struct decoder *, struct cursor *, struct match *, struct openflow_data *raw);
/* OXM fields up to the end of the cursor, without ofp_match around them. */
void decode_oxms(struct decoder *, struct cursor *, struct match *);
void encode_match(struct encoder *, const struct match *);
/* The one field of a set-field action, its padding included. */
void decode_set_field(struct decoder *, struct cursor *, struct action *);
void encode_set_field(struct encoder *, const struct action *);

/* action.c */
void decode_actions(struct decoder *, struct cursor *, struct actions *);
void encode_actions(struct encoder *, const struct actions *);

/* instruction.c: up to the end of the cursor. */
void decode_instructions(struct decoder *, struct cursor *, struct flow *);
void encode_instructions(struct encoder *, const struct flow *);
/* A match and instructions as one, for flow_stats and flow_mod. */
void decode_rule(struct decoder *, struct cursor *, struct flow *, struct openflow_foreign *);
/* `effect`: with the instructions. */
void encode_rule(struct encoder *, const struct flow *, const struct openflow_foreign *,
                 bool effect);
void print_rule(const struct flow *, const struct openflow_foreign *, struct buf *);

/* check.c: what the specification forbids and no switch state is needed to see. */
void check_flow(struct decoder *, struct cursor *, size_t offset, const struct flow *);
void check_actions(struct decoder *, struct cursor *, size_t offset, const struct actions *,
                   bool packet_out);

/* group.c, meter.c */
void decode_counters(struct decoder *, struct cursor *, struct openflow_counter **, uint32_t *n);
void encode_counters(struct encoder *, const struct openflow_counter *, uint32_t n);
void print_counters(const char *name, const struct openflow_counter *, uint32_t n, struct buf *);

/* The messages and multipart bodies, by file. */
extern const struct openflow_layout hello_layout, error_layout, echo_layout, experimenter_layout,
    features_layout, config_layout, set_config_layout, role_layout, role_request_layout,
    async_layout; /* basic.c */
extern const struct openflow_layout flow_mod_layout, flow_removed_layout, packet_in_layout,
    packet_out_layout; /* flow.c */
extern const struct openflow_layout desc_layout, flow_request_layout, flow_stats_layout,
    aggregate_layout; /* flow_stats.c */
extern const struct openflow_layout port_layout, port_status_layout, port_mod_layout,
    port_stats_layout, port_id_layout; /* port.c */
extern const struct openflow_layout queue_request_layout, queue_stats_layout,
    queue_config_request_layout, queue_config_layout; /* queue.c */
extern const struct openflow_layout group_mod_layout, group_id_layout, group_stats_layout,
    group_desc_layout, group_features_layout; /* group.c */
extern const struct openflow_layout meter_mod_layout, meter_id_layout, meter_stats_layout,
    meter_config_layout, meter_features_layout; /* meter.c */
extern const struct openflow_layout table_mod_layout, table_stats_layout,
    table_features_layout;                                                    /* table.c */
extern const struct openflow_layout bundle_control_layout, bundle_add_layout; /* bundle.c */
extern const struct openflow_layout monitor_request_layout, monitor_update_layout,
    monitor_cancel_layout; /* monitor.c */
extern const struct openflow_layout multipart_request_layout,
    multipart_reply_layout; /* multipart.c */

/* message.c: the header, after which the cursor is at the body. */
struct header {
    uint8_t version, type;
    uint32_t xid;
};

struct header decode_header(struct decoder *, struct cursor *);
/* A message that fills the cursor. Multipart messages are not split. */
void decode_message(struct decoder *, struct cursor *, struct openflow_message *);
void encode_message(struct encoder *, const struct openflow_message *);
void encode_header(struct encoder *, uint8_t version, uint8_t type, uint32_t xid);
/* Says in `diag` what the cursor's error is, and in `error` what a switch answers to it. */
enum err decode_explain(const struct decoder *, const struct cursor *, const char *message,
                        struct openflow_error *error, struct diag *);
/* multipart.c: a message with a list as its body, split as needed. False: it has no list. */
bool encode_split(const struct openflow_multipart *, bool reply, uint32_t xid, struct buf *out,
                  enum err *);

#endif
