/* flow_table.h - one OpenFlow table: flow entries, found by tuple space search.
 *
 * Entries with the same mask are one tuple: a hash table over the masked words (V. Srinivasan, S.
 * Suri, G. Varghese, "Packet Classification using Tuple Space Search", SIGCOMM 1999). OT tables
 * have 2 to 6 masks. Tuples are searched by falling highest priority, and a search stops when no
 * remaining tuple can beat what was found. Each tuple keeps the OR and the AND of its entries'
 * values: a packet with a bit that no entry has, or without a bit that all have, skips the hash
 * table altogether. Tables with many masks, as in imported packet filters, get an index that merges
 * tuples (merged.h).
 *
 * One control thread writes, workers read without locks: entries and arrays are published with
 * release stores and freed through qsbr. An entry's identity (match, priority) never changes; its
 * instructions are replaced as a whole. Entries are stored compactly: the words their mask covers,
 * and nothing else of the 256 octets of a match. */
#ifndef EDGE_FLOW_TABLE_H
#define EDGE_FLOW_TABLE_H

#include "edge/counters.h"
#include "packet/rule.h"

/* What a matching entry does. Immutable once published. */
struct instructions {
    uint32_t meter_id; /* 0: none */
    uint16_t n_apply, n_write;
    bool clear, has_goto, has_apply, has_write;
    uint8_t goto_table;
    uint64_t metadata, metadata_mask;
    struct action actions[]; /* apply, then write */
};

struct tuple;
struct merged;
struct merged_table;

/* An installed flow entry. Members without a note are the control thread's. */
struct entry {
    struct counters counters;      /* first: all that a cached packet touches */
    struct entry *_Atomic next[2]; /* in its bucket, for both phases of a growing hash table */
    struct tuple *tuple;
    struct merged_table *merged; /* where merged.h has it; NULL: nowhere */
    struct instructions *_Atomic instructions;
    _Atomic uint64_t cookie; /* workers read it for packet-ins */
    nsec_t created;          /* monotonic */
    uint16_t priority, flags, idle_timeout, hard_timeout;
    uint8_t table_id;
    uint32_t expiry_slot; /* place among the entries with timeouts (expiry.h); or UINT32_MAX */
    /* When it was added and last changed, in changes of the datapath; and its neighbours in the
     * list of all entries by `changed`. */
    uint64_t added, changed;
    struct entry *older, *newer;
    uint64_t values[]; /* the tuple's words, masked */
};

struct tuple_list;
struct slab;

struct flow_table {
    struct tuple_list *_Atomic tuples; /* by falling highest priority */
    struct merged *_Atomic merged;     /* NULL: few masks, lookups go by the tuples */
    struct qsbr *qsbr;
    struct slab *slab; /* of its entries; NULL: it has had none */
    uint32_t n_entries;
    uint64_t n_tuples; /* made so far; numbers them */
    uint8_t id;
    unsigned n_lanes; /* of its entries' counters; 1 unless set before the first entry */
};

void flow_table_init(struct flow_table *, uint8_t id, struct qsbr *);
/* Frees all entries at once; no worker may be running, and nothing of it may wait in qsbr. */
void flow_table_fini(struct flow_table *);

/* Worker side: the entry of highest priority that covers the key; NULL: none. Of two of the same
 * priority that overlap, either (OpenFlow leaves it undefined). */
struct entry *flow_table_lookup(const struct flow_table *, const struct flow_key *);

/* What happened in each tuple during a lookup, for `trace`. */
struct lookup_note {
    const struct tuple *tuple;
    uint16_t max_priority;
    enum { LOOKUP_REJECTED, LOOKUP_MISSED, LOOKUP_FOUND, LOOKUP_NOT_NEEDED } outcome;
    const struct entry *entry;
};
struct entry *flow_table_explain(const struct flow_table *, const struct flow_key *,
                                 void (*note)(void *arg, const struct lookup_note *), void *arg);

/* Control side. */
struct entry *flow_table_find(const struct flow_table *, uint16_t priority, const struct match *);
/* An entry that overlaps the match with the same priority; NULL if there is none. */
struct entry *flow_table_overlapping(const struct flow_table *, uint16_t priority,
                                     const struct match *);
/* Adds an entry, which must not be there. Never NULL. */
struct entry *flow_table_insert(struct flow_table *, const struct flow *, nsec_t now);
/* The instructions of a flow, in memory of their own: to entry_replace(), or to free(). */
struct instructions *instructions_new(const struct flow *);
/* Replaces what an entry does. Returns what it did before, which must be freed through qsbr, after
 * cached programs that use it have become stale. */
struct instructions *entry_replace(struct entry *, struct instructions *);
/* Unpublishes it. It stays readable, and its counters may still rise until the grace period is
 * over. */
void flow_table_remove(struct flow_table *, struct entry *);
/* Publishes an entry that was removed, and not released, again. Only after the grace period, and
 * when no other entry of its match and priority is there. */
void flow_table_restore(struct flow_table *, struct entry *);
/* Frees a removed entry, after the grace period. */
void flow_table_release(struct flow_table *, struct entry *);

/* Visits every entry, in no particular order; the visitor may remove the entry it is given. Stops
 * when the visitor returns false. */
void flow_table_each(struct flow_table *, bool (*visit)(void *arg, struct entry *), void *arg);

/* A walk over a table in pieces, between which the table may change. Entries that are there from
 * the first piece to the last are visited exactly once. */
struct flow_cursor {
    uint64_t tuple;  /* number of the tuple that is being visited */
    uint32_t bucket; /* next of its buckets, counted with reversed bits */
};

/* Goes on through at most `n_buckets` hash buckets; the visitor must not change the table. Starts
 * with a zeroed cursor. False: the end was reached. */
bool flow_table_scan(const struct flow_table *, struct flow_cursor *, uint32_t n_buckets,
                     void (*visit)(void *arg, struct entry *), void *arg);

/* The whole entry as a flow. Its action lists point into the entry: do not free them. */
void entry_flow(const struct entry *, struct flow *);
void entry_match(const struct entry *, struct match *);
/* OpenFlow 1.3.5 section 5.4: it matches everything, with priority 0. */
bool entry_is_table_miss(const struct entry *);
void tuple_mask(const struct tuple *, struct flow_key *mask);

#endif
