/* rule.h - what a forwarding node is told: flows, groups and meters, in the abstract form that
 * plans are made of, proofs judge, codecs carry, tables hold and read-back compares.
 *
 * The semantics are those of OpenFlow 1.3 (ONF TS-006); the numbers of reserved ports, flags and
 * types are its own, so that codecs do not translate. All integers are in host order. */
#ifndef PACKET_RULE_H
#define PACKET_RULE_H

#include "packet/match.h"

/* OpenFlow 1.3 section 7.2.1, reserved ports. Real ports are 1 to PORT_MAX. */
#define PORT_MAX UINT32_C(0xffffff00)
#define PORT_IN_PORT UINT32_C(0xfffffff8)
#define PORT_TABLE UINT32_C(0xfffffff9)
#define PORT_NORMAL UINT32_C(0xfffffffa)
#define PORT_FLOOD UINT32_C(0xfffffffb)
#define PORT_ALL UINT32_C(0xfffffffc)
#define PORT_CONTROLLER UINT32_C(0xfffffffd)
#define PORT_LOCAL UINT32_C(0xfffffffe)
#define PORT_ANY UINT32_C(0xffffffff)

#define GROUP_MAX UINT32_C(0xffffff00)
#define GROUP_ALL UINT32_C(0xfffffffc) /* only to delete */
#define GROUP_ANY UINT32_C(0xffffffff)

#define METER_MAX UINT32_C(0xffff0000)
#define METER_SLOWPATH UINT32_C(0xfffffffd)
#define METER_CONTROLLER UINT32_C(0xfffffffe)
#define METER_ALL UINT32_C(0xffffffff) /* only for requests */

#define TABLE_MAX 254 /* the last table; 255 means all */
#define TABLE_ALL 255

#define QUEUE_ALL UINT32_C(0xffffffff)
#define NO_BUFFER UINT32_C(0xffffffff)
#define WHOLE_PACKET UINT16_C(0xffff) /* max_len of an output to the controller */

enum action_type { /* OFPAT_* */
                   ACTION_OUTPUT = 0,
                   ACTION_COPY_TTL_OUT = 11,
                   ACTION_COPY_TTL_IN = 12,
                   ACTION_SET_MPLS_TTL = 15,
                   ACTION_DEC_MPLS_TTL = 16,
                   ACTION_PUSH_VLAN = 17,
                   ACTION_POP_VLAN = 18,
                   ACTION_PUSH_MPLS = 19,
                   ACTION_POP_MPLS = 20,
                   ACTION_SET_QUEUE = 21,
                   ACTION_GROUP = 22,
                   ACTION_SET_NW_TTL = 23,
                   ACTION_DEC_NW_TTL = 24,
                   ACTION_SET_FIELD = 25,
                   ACTION_PUSH_PBB = 26,
                   ACTION_POP_PBB = 27,
                   /* Our own (doc/edge.md, "Two paths at once"); not numbers of the wire. */
                   ACTION_SEQUENCE = 28,
                   ACTION_PUSH_REDUNDANCY = 29,
                   ACTION_DISCARD = 30,
};
#define ACTION_LAST ACTION_DISCARD

/* Members that the type does not use are zero, so that equal actions are equal octets. */
struct action {
    uint8_t type;      /* enum action_type */
    uint8_t field;     /* set-field: enum field */
    uint16_t max_len;  /* output to the controller: octets to send; else kept, and means nothing */
    uint16_t eth_type; /* push and pop: tag's or payload's type; redundancy: ETH_TYPE_PRP or _HSR */
    uint8_t ttl;       /* set-ttl */
    uint8_t lan;       /* push-redundancy: as in its tag; discard: PRP_LAN_*, 0: as the tag says */
    uint32_t id;       /* output: port; group; set-queue: queue; sequence, discard: stream */
    uint8_t value[16]; /* set-field: network order, field_table[field].size octets */
};

/* Actions in order; `list` belongs to whoever owns the structure it is in. */
struct actions {
    struct action *list;
    uint32_t n;
};

enum flow_flags { /* OFPFF_* */
                  FLOW_SEND_FLOW_REM = 1,
                  FLOW_CHECK_OVERLAP = 2,
                  FLOW_RESET_COUNTS = 4,
                  FLOW_NO_PKT_COUNTS = 8,
                  FLOW_NO_BYT_COUNTS = 16,
};

/* One flow entry. Its identity within a node is (table_id, priority, match). */
struct flow {
    uint8_t table_id;
    uint16_t priority;
    uint16_t flags;                      /* enum flow_flags */
    uint16_t idle_timeout, hard_timeout; /* seconds; 0: none */
    uint64_t cookie;
    struct match match;
    /* Instructions (OpenFlow 1.3 section 5.9), executed in this order. */
    uint32_t meter_id; /* 0: none */
    bool has_apply, clear, has_write, has_goto;
    uint8_t goto_table;
    struct actions apply; /* apply-actions, if has_apply */
    struct actions write; /* write-actions, if has_write */
    uint64_t metadata, metadata_mask;
};

enum group_type { /* OFPGT_* */
                  GROUP_TYPE_ALL = 0,
                  GROUP_TYPE_SELECT = 1,
                  GROUP_TYPE_INDIRECT = 2,
                  GROUP_TYPE_FF = 3, /* fast failover: the first live bucket */
};

struct bucket {
    uint16_t weight;      /* select */
    uint32_t watch_port;  /* PORT_ANY: none */
    uint32_t watch_group; /* GROUP_ANY: none */
    struct actions actions;
};

struct group {
    uint32_t group_id;
    uint8_t type; /* enum group_type */
    uint32_t n_buckets;
    struct bucket *buckets;
};

enum meter_flags { /* OFPMF_* */
                   METER_KBPS = 1,
                   METER_PKTPS = 2,
                   METER_BURST = 4,
                   METER_STATS = 8,
};

enum band_type { /* OFPMBT_* */
                 BAND_DROP = 1,
                 BAND_DSCP_REMARK = 2,
};

struct band {
    uint16_t type;      /* enum band_type */
    uint8_t prec_level; /* DSCP remark: drop precedence levels to add */
    uint32_t rate;      /* kbit/s or packets/s */
    uint32_t burst;     /* kbit or packets */
};

struct meter {
    uint32_t meter_id;
    uint16_t flags; /* enum meter_flags */
    uint32_t n_bands;
    struct band *bands;
};

/* Builds an action list in memory of its own. */
struct action *actions_add(struct actions *, enum action_type); /* zeroed but for its type */
void actions_output(struct actions *, uint32_t port);
void actions_controller(struct actions *, uint16_t max_len);
void actions_group(struct actions *, uint32_t group_id);
void actions_set_queue(struct actions *, uint32_t queue);
void actions_set_field(struct actions *, enum field, uint64_t value); /* fields up to 8 octets */
void actions_set_mac(struct actions *, enum field, const struct mac *);
void actions_free(struct actions *);

bool actions_equal(const struct actions *, const struct actions *);
/* Deep copies, each to be freed by its own *_free(); the target is overwritten, not freed first. */
void actions_copy(struct actions *to, const struct actions *from);
void flow_copy(struct flow *to, const struct flow *from);
void group_copy(struct group *to, const struct group *from);
void meter_copy(struct meter *to, const struct meter *from);
void flow_fini(struct flow *);
void group_fini(struct group *);
void meter_fini(struct meter *);

/* The same entry: table, priority, match. */
bool flow_same(const struct flow *, const struct flow *);
/* The same entry and the same effect: instructions and timeouts too, not the cookie or the flags.
 */
bool flow_equal(const struct flow *, const struct flow *);
bool group_equal(const struct group *, const struct group *);
bool meter_equal(const struct meter *, const struct meter *);

/* "output:3,set_queue:2,group:0x100"; "drop" for none. */
void action_format(const struct action *, struct buf *);
void actions_format(const struct actions *, struct buf *);
/* "table=0,priority=100,cookie=0x5 MATCH -> meter:7 set_queue:3,group:1" */
void flow_format(const struct flow *, struct buf *);
/* What it does: "meter:7 set_queue:3,group:1"; "drop" for nothing. */
void flow_format_instructions(const struct flow *, struct buf *);
void group_format(const struct group *, struct buf *);
void meter_format(const struct meter *, struct buf *);
/* "LOCAL", "CONTROLLER", "7". */
void port_format(uint32_t port, struct buf *);

/* 0 if not valid where an action may use it; the reasons are OpenFlow's. A real port, or reserved.
 */
bool port_is_real(uint32_t port);

#endif
