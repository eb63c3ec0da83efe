/* pipeline_private.h - what the files of the pipeline share: pipeline.c has the vectors and the
 * cached programs, pipeline_tables.c the tables, pipeline_steps.c the steps of both, and
 * pipeline_trace.c explains: the explanation is the forwarding itself, told. */
#ifndef EDGE_PIPELINE_PRIVATE_H
#define EDGE_PIPELINE_PRIVATE_H

#include "base/hash.h"
#include "edge/pipeline.h"
#include "edge/program_cache.h"
#include "edge/tap.h"

#define MAX_SET 64  /* distinct actions in an action set */
#define MAX_DEPTH 8 /* groups within groups */

struct pipeline {
    struct datapath *dp;
    struct pipeline_sink sink;
    struct program_cache cache;
    struct program recorded; /* the one that is being recorded, and its steps */
    struct op recorded_ops[MAX_OPS];
    uint64_t secret[FLOW_KEY_WORDS];
    struct fast_path *fast; /* NULL: none */
    unsigned lane;          /* of all counters */
    struct datapath_lane *counts;
    nsec_t now;
    uint64_t n_packets, n_hits; /* of this vector */
    uint64_t generation;        /* of the tables, as of this vector */
    struct {                    /* written by this thread only, read by others */
        _Atomic uint64_t packets, hits, misses, uncacheable;
    } stats;
    struct tap *_Atomic next_tap; /* of the next vector; the control thread sets it */
    struct tap *tap;              /* NULL: nobody captures */
    /* Tracing: nothing is counted or sent, everything is told. */
    void (*step)(void *arg, const struct trace_step *);
    void *step_arg;
    const struct flow_key *arrived; /* the packet as it came */
};

/* One packet on its way. */
struct run {
    struct pipeline *pl;
    struct packet *packet;  /* NULL: dropped for want of a buffer */
    struct flow_key *key;   /* the packet's, as it is at this point */
    struct program *record; /* NULL: not recording */
    bool cacheable, reparsed, stopped;
    bool muted; /* the rest of its way is recorded, and not gone */
    struct redundancy_number number;
    bool sent, dropped; /* something left; something was counted as dropped */
    bool forwarded;     /* it left by a port, LOCAL too, and not only for the controller */
    int depth;
    const struct entry *entry; /* the one whose actions run; NULL in packet-out */
    uint8_t table_id;
};

static inline bool
tracing(const struct run *run)
{
    return run->pl->step != NULL;
}

/* What is captured: copies, with the rule that decided. */
static inline bool
tapped(const struct pipeline *pl)
{
    return __builtin_expect(pl->tap != NULL, 0);
}

static inline void
tap_decision(const struct run *run)
{
    if (tapped(run->pl))
        tap_decided(run->pl->tap, run->entry, run->table_id);
}

#define tell(run, ...)                                                                             \
    do {                                                                                           \
        if (tracing(run))                                                                          \
            pipeline_tell((run), __VA_ARGS__);                                                     \
    } while (0)
void pipeline_tell(const struct run *, const char *kind, const char *format, ...) PRINTF_LIKE(3, 4);

void pipeline_tell_entry(const struct run *, const struct entry *);
void pipeline_tell_group(const struct run *, const struct group_entry *, const struct group_body *,
                         const struct bucket_entry *chosen);
void pipeline_tell_output(const struct run *, const struct edge_port *);
void pipeline_note_tuple(void *run, const struct lookup_note *);

static inline void
count_up(_Atomic uint64_t *counter)
{
    counter_add_mine(counter, 1);
}

static inline void
count_lookup(struct pipeline *pl, uint8_t table)
{
    count_up(&pl->counts->tables[table].lookups);
}

static inline void
count_table_miss(struct pipeline *pl, uint8_t table)
{
    count_up(&pl->counts->tables[table].misses);
}

static inline void
pipeline_count(struct run *run, struct entry *entry)
{
    if (!tracing(run))
        counters_count(&entry->counters, run->pl->lane, run->packet->size, run->pl->now);
}

/* The last four octets of what a port can send are for a VLAN tag (IEEE 802.3 clause 3.2.7), and
 * the kernel refuses others that need them. */
static inline bool
is_too_large(const struct packet *packet, uint32_t mtu)
{
    bool tagged = packet->size >= 14 && get_be16(packet->data + 12) == ETH_TYPE_VLAN;
    return packet->size + (tagged ? 0 : 4) > mtu;
}

/* DROP_NONE: the port takes it. */
static inline enum drop_reason
why_not_sent(const struct edge_port *port, const struct packet *packet)
{
    uint32_t config = atomic_load_explicit(&port->config, memory_order_relaxed);
    if (config & PORT_CONFIG_NO_FWD)
        return DROP_PORT_CONFIG;
    if (!atomic_load_explicit(&port->up, memory_order_relaxed) || config & PORT_CONFIG_DOWN)
        return DROP_PORT_DOWN;
    uint32_t mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed);
    if (packet->size + 4 > mtu && !packet->offload.gso_type && is_too_large(packet, mtu))
        return DROP_TOO_LARGE;
    return DROP_NONE;
}

/* What select groups choose by, here and in the kernel: addresses and ports, not the input port. */
static inline uint64_t
select_hash(const struct flow_key *key)
{
    uint64_t h = 0;
    for (unsigned i = 2; i <= 9; i++)
        h = hash_add(h, key->words[i]);
    return hash_mix(h);
}

/* Puts a step into the program that is being recorded, if one is. */
static inline void
pipeline_record(struct run *run, struct op op)
{
    if (!run->record)
        return;
    if (run->record->n_ops == MAX_OPS) {
        run->record = NULL;
        return;
    }
    run->pl->recorded_ops[run->record->n_ops++] = op;
}

/* ---- pipeline_steps.c: what a program consists of, and what the tables' interpretation does ----
 */

void pipeline_drop(struct run *, enum drop_reason);
void pipeline_meter(struct run *, struct meter_entry *);
void pipeline_edit(struct run *, const struct action *);
void pipeline_redundancy(struct run *, const struct action *);
void pipeline_queue(struct run *, uint32_t queue);
void pipeline_output(struct run *, uint32_t number, uint16_t max_len);
void pipeline_group(struct run *, struct group_entry *);
/* Carries out one action; true: go on with the next. */
bool pipeline_action(struct run *, const struct action *);

/* ---- pipeline_tables.c ---- */

void pipeline_through_tables(struct run *);

/* ---- pipeline.c ---- */

/* Takes a parsed packet through the tables, as if it had arrived. */
void pipeline_run_traced(struct run *);

#endif
