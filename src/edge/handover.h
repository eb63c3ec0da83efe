/* handover.h - what one process of a node tells the one that takes over from it, as octets.
 *
 *     new: HELLO                             who I am, the ports I have, the format I speak
 *     old: REFUSED, or                       nothing has been done, nothing has changed
 *     old: BEGIN PORT* METER* GROUP* FLOW* COUNTS END      a port's descriptors go with its record
 *     new: READY                             my tables and ports are as yours
 *     old: PORT* METER* GROUP* COUNTS STOPPED       the same again, as of the last packet I
 * forwarded new: TAKEN                             I forward old: FLOW_COUNTS* DONE which flows
 * have counted since FLOW, and how much
 *
 * A record is a header of 12 octets (its type, 3 octets of zero, the size of what follows, a
 * CRC-32C (RFC 3720 appendix B.4) over all of it with the checksum as zero) and its fields,
 * integers in network order. Rules are OpenFlow 1.3 messages. Times are those of the machine's
 * monotonic clock, which both share.
 *
 * The format has one number. Whoever meets another one, a type or a flag it does not know, or
 * octets too many or too few refuses all of it: half a table is worse than none. */
#ifndef EDGE_HANDOVER_H
#define EDGE_HANDOVER_H

#include "edge/datapath.h"
#include "edge/redundancy.h"

#include "base/arena.h"

#define HANDOVER_VERSION 1 /* raise it with PORT_PARTS_FORMAT (io/port.h), too */
#define HANDOVER_HEADER_SIZE 12
#define HANDOVER_SIZE_MAX ((size_t)256 << 10) /* of a record's fields */
#define HANDOVER_NAME_SIZE 256
#define HANDOVER_BUCKETS 4096 /* of a group; OpenFlow's messages hold fewer */
#define HANDOVER_COUNTS 4096  /* flows in a FLOW_COUNTS */

enum handover_type {
    HANDOVER_HELLO = 1,
    HANDOVER_REFUSED,
    HANDOVER_BEGIN,
    HANDOVER_PORT,
    HANDOVER_METER,
    HANDOVER_GROUP,
    HANDOVER_FLOW,
    HANDOVER_COUNTS_OF_ALL,
    HANDOVER_END,
    HANDOVER_READY,
    HANDOVER_STOPPED,
    HANDOVER_TAKEN,
    HANDOVER_FLOW_COUNTS,
    HANDOVER_DONE,
    HANDOVER_STREAM,
    HANDOVER_TYPES
};

struct handover_hello {
    uint16_t version;
    uint64_t datapath_id;
    char name[HANDOVER_NAME_SIZE];
    uint32_t n_ports;
    struct {
        uint32_t number;
        char interface[16];
    } ports[MAX_PORTS];
};

struct handover_begin {
    uint16_t version;
    uint32_t n_ports, n_meters, n_groups, n_flows;
    nsec_t wait_to_restore; /* as worker_set_wait_to_restore() takes it */
};

enum handover_port_flags {
    HANDOVER_PORT_UP = 1,
    HANDOVER_PORT_LIVE = 2,
    HANDOVER_PORT_HELD = 4,
    HANDOVER_PORT_KNOWN = 8, /* its carrier has been heard of */
    HANDOVER_PORT_HOOK = 16, /* port_parts.owns_hook */
    HANDOVER_PORT_ALL = 31
};

struct handover_port {
    uint32_t number;
    char interface[16];
    uint8_t flags;         /* enum handover_port_flags */
    uint8_t n_descriptors; /* that come with it: 0; 2: socket, claim; 3: and TAP */
    uint32_t config;       /* OFPPC_* */
    uint32_t position;     /* port_position() */
    nsec_t restore_at, created;
    struct scheduler_config scheduling;
    struct {
        uint64_t packets, octets, dropped, errors;
    } rx, tx;
    struct {
        uint64_t packets, octets, dropped;
    } queues[N_QUEUES];
};

struct handover_meter {
    struct meter meter; /* in the arena */
    nsec_t created;
    uint64_t packets, octets;
    struct {
        uint64_t due, packets, octets;
    } bands[METER_BANDS];
};

struct handover_group {
    struct group group; /* in the arena */
    nsec_t created;
    struct traffic traffic;
    struct traffic *buckets; /* as many as the group has; in the arena */
};

struct handover_flow {
    struct flow flow; /* in the arena */
    nsec_t created;
    struct traffic traffic;
};

/* Of redundancy.h. */
struct handover_stream {
    uint32_t id, next;
    uint64_t sequenced;
    const struct redundancy_saved *window; /* in the arena; NULL: it does not discard */
};

struct handover_counts {
    struct table_counts tables[N_TABLES];
    uint64_t drops[DROP_MAX];
};

struct handover_flow_count {
    uint32_t index;      /* of the FLOW records, from 0 */
    struct traffic more; /* packets and octets since; time of the last one */
};

struct handover_record {
    enum handover_type type;
    union {
        struct handover_hello hello;
        char reason[320]; /* REFUSED */
        struct handover_begin begin;
        struct handover_port port;
        struct handover_meter meter;
        struct handover_group group;
        struct handover_flow flow;
        struct handover_stream stream;
        struct handover_counts counts;
        nsec_t stopped; /* STOPPED: when */
        struct {
            uint32_t n; /* at most HANDOVER_COUNTS */
            const struct handover_flow_count *list;
        } flow_counts;
    };
};

/* What is said about a type: "PORT". */
const char *handover_type_name(enum handover_type);

/* Appends the record. ERR_LIMIT, ERR_INVALID: it has no form; nothing is appended. */
MUST_CHECK enum err handover_encode(const struct handover_record *, struct buf *);
/* How many octets follow the header. ERR_MALFORMED, ERR_UNSUPPORTED: the type; ERR_LIMIT. */
MUST_CHECK enum err handover_frame(const uint8_t header[HANDOVER_HEADER_SIZE], size_t *size,
                                   struct diag *);
/* The record of a header and all octets behind it. What it points to is in the arena. ERR_CORRUPT:
 * the checksum; ERR_UNSUPPORTED: another version; ERR_MALFORMED, ERR_TRUNCATED, ERR_LIMIT. */
MUST_CHECK enum err handover_decode(const uint8_t *data, size_t size, struct arena *,
                                    struct handover_record *, struct diag *);

#endif
