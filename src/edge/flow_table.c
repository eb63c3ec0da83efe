#include "edge/flow_table.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "edge/flow_table_private.h"
#include "edge/merged.h"
#include "edge/slab.h"

#include <stdlib.h>

#define FIRST_BUCKETS 16u
/* Masks from which on lookups go through a merged index, and at which they go back. */
#define MERGE_FROM 24u
#define MERGE_UNTIL 12u

struct buckets {
    uint32_t n;    /* a power of two */
    uint8_t phase; /* which of an entry's `next` these chains use */
    struct entry *_Atomic heads[];
};

struct tuple_list {
    uint32_t n;
    struct {
        struct tuple *tuple;
        uint16_t max_priority;
    } list[];
};

#define RELAXED memory_order_relaxed

static struct tuple_list *
tuples_of(const struct flow_table *table)
{
    return atomic_load_explicit(&table->tuples, memory_order_acquire);
}

void
flow_table_init(struct flow_table *table, uint8_t id, struct qsbr *qsbr)
{
    atomic_init(&table->tuples, NULL);
    table->qsbr = qsbr;
    table->n_entries = 0;
    atomic_init(&table->merged, NULL);
    table->n_tuples = 0;
    table->n_lanes = 1;
    table->slab = NULL;
    table->id = id;
}

_Static_assert(sizeof(struct entry) + FLOW_KEY_WORDS * sizeof(uint64_t) <= SLAB_SIZE_MAX,
               "an entry of any mask fits a slab");

static size_t
entry_size(const struct tuple *tuple)
{
    return sizeof(struct entry) + tuple->n_words * sizeof(uint64_t);
}

static void
entry_free(void *object)
{
    struct entry *entry = object;
    free(atomic_load_explicit(&entry->instructions, RELAXED));
    counters_fini(&entry->counters);
    slab_free(entry->tuple->slab, entry, entry_size(entry->tuple));
}

static void
tuple_free(void *object)
{
    struct tuple *tuple = object;
    free(atomic_load_explicit(&tuple->buckets, RELAXED));
    free(tuple->priorities);
    free(tuple);
}

static bool
free_visited(void *arg UNUSED, struct entry *entry)
{
    entry_free(entry);
    return true;
}

void
flow_table_fini(struct flow_table *table)
{
    struct tuple_list *tuples = tuples_of(table);
    flow_table_each(table, free_visited, NULL);
    for (uint32_t i = 0; tuples && i < tuples->n; i++)
        tuple_free(tuples->list[i].tuple);
    free(tuples);
    merged_free(atomic_load_explicit(&table->merged, RELAXED));
    atomic_store_explicit(&table->merged, NULL, RELAXED);
    if (table->slab)
        slab_fini(table->slab);
    free(table->slab);
    table->slab = NULL;
    atomic_store_explicit(&table->tuples, NULL, RELAXED);
    table->n_entries = 0;
}

static uint64_t
hash_key(const struct tuple *tuple, const struct flow_key *key)
{
    uint64_t h = tuple->seed;
    for (unsigned i = 0; i < tuple->n_words; i++)
        h = hash_add(h, key->words[tuple->words[i]] & tuple->mask[i]);
    return hash_mix(h);
}

static uint64_t
hash_values(const struct tuple *tuple, const uint64_t *values)
{
    uint64_t h = tuple->seed;
    for (unsigned i = 0; i < tuple->n_words; i++)
        h = hash_add(h, values[i]);
    return hash_mix(h);
}

/* No entry of the tuple can cover a key that lacks a bit all entries have, or has one that none
 * has. */
static bool
tuple_rejects(const struct tuple *tuple, const struct flow_key *key)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < tuple->n_words; i++) {
        uint64_t bits = key->words[tuple->words[i]] & tuple->mask[i];
        wrong |= bits & ~atomic_load_explicit(&tuple->any[i], RELAXED);
        wrong |= atomic_load_explicit(&tuple->all[i], RELAXED) & ~bits;
    }
    return wrong != 0;
}

static struct entry *
tuple_lookup(const struct tuple *tuple, const struct flow_key *key)
{
    struct buckets *b = atomic_load_explicit(&tuple->buckets, memory_order_acquire);
    struct entry *best = NULL;
    struct entry *e = atomic_load_explicit(&b->heads[hash_key(tuple, key) & (b->n - 1)],
                                           memory_order_acquire);
    for (; e; e = atomic_load_explicit(&e->next[b->phase], memory_order_acquire)) {
        if ((!best || e->priority > best->priority) && entry_covers(tuple, e, key))
            best = e;
    }
    return best;
}

struct entry *
flow_table_lookup(const struct flow_table *table, const struct flow_key *key)
{
    const struct merged *merged = atomic_load_explicit(&table->merged, memory_order_acquire);
    if (merged)
        return merged_lookup(merged, key);
    const struct tuple_list *tuples = tuples_of(table);
    struct entry *best = NULL;
    for (uint32_t i = 0; tuples && i < tuples->n; i++) {
        const struct tuple *tuple = tuples->list[i].tuple;
        if (best && best->priority >= tuples->list[i].max_priority)
            break;
        if (tuple_rejects(tuple, key))
            continue;
        struct entry *found = tuple_lookup(tuple, key);
        if (found && (!best || found->priority > best->priority))
            best = found;
    }
    return best;
}

struct entry *
flow_table_explain(const struct flow_table *table, const struct flow_key *key,
                   void (*note)(void *arg, const struct lookup_note *), void *arg)
{
    const struct tuple_list *tuples = tuples_of(table);
    struct entry *best = NULL;
    for (uint32_t i = 0; tuples && i < tuples->n; i++) {
        struct lookup_note n = {tuples->list[i].tuple, tuples->list[i].max_priority,
                                LOOKUP_NOT_NEEDED, NULL};
        if (!best || best->priority < n.max_priority) {
            n.entry = tuple_lookup(n.tuple, key);
            n.outcome = n.entry                       ? LOOKUP_FOUND
                        : tuple_rejects(n.tuple, key) ? LOOKUP_REJECTED
                                                      : LOOKUP_MISSED;
            if (n.entry && (!best || n.entry->priority > best->priority))
                best = (struct entry *)n.entry;
        }
        note(arg, &n);
    }
    return flow_table_lookup(table, key); /* of several that overlap, the one that packets meet */
}

/* ---- Control side ---- */

static struct tuple *
find_tuple(const struct flow_table *table, const struct flow_key *mask)
{
    const struct tuple_list *tuples = tuples_of(table);
    for (uint32_t i = 0; tuples && i < tuples->n; i++) {
        struct flow_key its;
        tuple_mask(tuples->list[i].tuple, &its);
        if (!memcmp(&its, mask, sizeof its))
            return tuples->list[i].tuple;
    }
    return NULL;
}

void
tuple_mask(const struct tuple *tuple, struct flow_key *mask)
{
    *mask = (struct flow_key){0};
    for (unsigned i = 0; i < tuple->n_words; i++)
        mask->words[tuple->words[i]] = tuple->mask[i];
}

static struct buckets *
buckets_new(uint32_t n, uint8_t phase)
{
    struct buckets *b = xcalloc(1, sizeof *b + n * sizeof b->heads[0]);
    b->n = n;
    b->phase = phase;
    return b;
}

static struct tuple *
tuple_new(struct flow_table *table, const struct flow_key *mask)
{
    struct tuple *tuple = xcalloc(1, sizeof *tuple);
    if (!table->slab) {
        table->slab = xmalloc(sizeof *table->slab);
        slab_init(table->slab);
    }
    tuple->slab = table->slab;
    tuple->number = table->n_tuples++;
    tuple->seed = hash_secret();
    for (unsigned i = 0; i < FLOW_KEY_WORDS; i++) {
        if (!mask->words[i])
            continue;
        tuple->words[tuple->n_words] = (uint8_t)i;
        tuple->mask[tuple->n_words] = mask->words[i];
        atomic_init(&tuple->all[tuple->n_words], UINT64_MAX);
        tuple->n_words++;
    }
    atomic_init(&tuple->buckets, buckets_new(FIRST_BUCKETS, 0));
    return tuple;
}

/* Publishes the tuples anew: `added` (may be NULL) too, empty ones not, by falling priority. */
static void
publish_tuples(struct flow_table *table, struct tuple *added)
{
    struct tuple_list *old = tuples_of(table);
    uint32_t n_old = old ? old->n : 0, n = 0;
    struct tuple_list *new = xmalloc(sizeof *new + (n_old + 1) * sizeof new->list[0]);
    for (uint32_t i = 0; i <= n_old; i++) {
        struct tuple *tuple = i < n_old ? old->list[i].tuple : added;
        if (!tuple || !tuple->n_entries)
            continue;
        uint16_t priority = tuple->priorities[0].priority;
        uint32_t at = n++;
        for (; at > 0 && new->list[at - 1].max_priority < priority; at--)
            new->list[at] = new->list[at - 1];
        new->list[at].tuple = tuple;
        new->list[at].max_priority = priority;
    }
    new->n = n;
    atomic_store_explicit(&table->tuples, new, memory_order_release);
    if (old)
        qsbr_defer(table->qsbr, free, old);
}

/* Counts an entry's priority in or out. True: the tuple's highest priority changed. */
static bool
count_priority(struct tuple *tuple, uint16_t priority, int by)
{
    uint32_t i = 0;
    while (i < tuple->n_priorities && tuple->priorities[i].priority > priority)
        i++;
    bool there = i < tuple->n_priorities && tuple->priorities[i].priority == priority;
    if (there && by > 0) {
        tuple->priorities[i].n++;
        return false;
    }
    if (there && --tuple->priorities[i].n)
        return false;
    size_t behind = tuple->n_priorities - i;
    if (there) {
        tuple->n_priorities--;
        memmove(&tuple->priorities[i], &tuple->priorities[i + 1],
                (behind - 1) * sizeof *tuple->priorities);
    } else {
        GROW(tuple->priorities, tuple->n_priorities, tuple->priorities_capacity);
        memmove(&tuple->priorities[i + 1], &tuple->priorities[i],
                behind * sizeof *tuple->priorities);
        tuple->priorities[i].priority = priority;
        tuple->priorities[i].n = 1;
        tuple->n_priorities++;
    }
    return i == 0;
}

static void
link_entry(struct tuple *tuple, struct buckets *b, struct entry *entry)
{
    struct entry *_Atomic *head = &b->heads[hash_values(tuple, entry->values) & (b->n - 1)];
    atomic_store_explicit(&entry->next[b->phase], atomic_load_explicit(head, RELAXED), RELAXED);
    atomic_store_explicit(head, entry, memory_order_release);
}

/* Doubles the hash table. The new chains use the other `next`, so that readers on the old ones are
 * not led astray; the one after next growth waits for them (below). */
static void
grow(struct flow_table *table, struct tuple *tuple)
{
    struct buckets *old = atomic_load_explicit(&tuple->buckets, RELAXED);
    struct buckets *new = buckets_new(old->n * 2, old->phase ^ 1);
    /* Chains of the phase we are about to write may still be walked from two growths ago. */
    qsbr_synchronize(table->qsbr);
    for (uint32_t i = 0; i < old->n; i++) {
        struct entry *e = atomic_load_explicit(&old->heads[i], RELAXED);
        for (; e; e = atomic_load_explicit(&e->next[old->phase], RELAXED))
            link_entry(tuple, new, e);
    }
    atomic_store_explicit(&tuple->buckets, new, memory_order_release);
    qsbr_defer(table->qsbr, free, old);
}

static void
widen_summary(struct tuple *tuple, const struct entry *entry)
{
    for (unsigned i = 0; i < tuple->n_words; i++) {
        uint64_t any = atomic_load_explicit(&tuple->any[i], RELAXED);
        uint64_t all = atomic_load_explicit(&tuple->all[i], RELAXED);
        atomic_store_explicit(&tuple->any[i], any | entry->values[i], RELAXED);
        atomic_store_explicit(&tuple->all[i], all & entry->values[i], RELAXED);
    }
}

struct instructions *
instructions_new(const struct flow *flow)
{
    uint32_t n_apply = flow->has_apply ? flow->apply.n : 0;
    uint32_t n_write = flow->has_write ? flow->write.n : 0;
    struct instructions *in = xcalloc(1, sizeof *in + (n_apply + n_write) * sizeof in->actions[0]);
    in->meter_id = flow->meter_id;
    in->clear = flow->clear;
    in->has_apply = flow->has_apply;
    in->has_write = flow->has_write;
    in->has_goto = flow->has_goto;
    in->goto_table = flow->goto_table;
    in->metadata = flow->metadata;
    in->metadata_mask = flow->metadata_mask;
    in->n_apply = (uint16_t)n_apply;
    in->n_write = (uint16_t)n_write;
    if (n_apply)
        memcpy(in->actions, flow->apply.list, n_apply * sizeof in->actions[0]);
    if (n_write)
        memcpy(in->actions + n_apply, flow->write.list, n_write * sizeof in->actions[0]);
    return in;
}

static struct entry *
entry_new(const struct flow_table *table, struct tuple *tuple, const struct flow *flow, nsec_t now)
{
    struct entry *entry = slab_new(tuple->slab, entry_size(tuple));
    counters_init(&entry->counters, table->n_lanes);
    entry->tuple = tuple;
    entry->cookie = flow->cookie;
    entry->created = now;
    entry->priority = flow->priority;
    entry->flags = flow->flags;
    entry->idle_timeout = flow->idle_timeout;
    entry->hard_timeout = flow->hard_timeout;
    entry->table_id = table->id;
    entry->expiry_slot = UINT32_MAX;
    atomic_init(&entry->instructions, instructions_new(flow));
    for (unsigned i = 0; i < tuple->n_words; i++)
        entry->values[i] = flow->match.value.words[tuple->words[i]] & tuple->mask[i];
    return entry;
}

/* ---- The merged index ---- */

static bool
merge_visited(void *arg, struct entry *entry)
{
    merged_add(arg, entry);
    return true;
}

/* Makes the index if there are so many masks, ends it if there are so few, and makes it anew if
 * much was removed from it. */
static void
reconsider_merging(struct flow_table *table)
{
    const struct tuple_list *tuples = tuples_of(table);
    struct merged *old = atomic_load_explicit(&table->merged, RELAXED), *new = NULL;
    uint32_t n = tuples ? tuples->n : 0;
    if (old ? n > MERGE_UNTIL && !merged_is_worn(old) : n < MERGE_FROM)
        return;
    if (n > MERGE_UNTIL) {
        new = merged_new(table->qsbr);
        flow_table_each(table, merge_visited, new);
    }
    atomic_store_explicit(&table->merged, new, memory_order_release);
    if (old)
        qsbr_defer(table->qsbr, merged_free, old);
}

/* Makes a filled entry visible. `is_new`: its tuple is, too. */
static void
publish_entry(struct flow_table *table, struct entry *entry, bool is_new)
{
    struct tuple *tuple = entry->tuple;
    struct buckets *b = atomic_load_explicit(&tuple->buckets, RELAXED);
    if (tuple->n_entries >= b->n) {
        grow(table, tuple);
        b = atomic_load_explicit(&tuple->buckets, RELAXED);
    }
    widen_summary(tuple, entry);
    link_entry(tuple, b, entry);
    tuple->n_entries++;
    table->n_entries++;
    if (count_priority(tuple, entry->priority, 1) || is_new)
        publish_tuples(table, is_new ? tuple : NULL);
    struct merged *merged = atomic_load_explicit(&table->merged, RELAXED);
    if (merged)
        merged_add(merged, entry);
    reconsider_merging(table);
}

struct entry *
flow_table_insert(struct flow_table *table, const struct flow *flow, nsec_t now)
{
    struct tuple *tuple = find_tuple(table, &flow->match.mask);
    bool is_new = !tuple;
    if (is_new)
        tuple = tuple_new(table, &flow->match.mask);
    struct entry *entry = entry_new(table, tuple, flow, now);
    tuple->n_alive++;
    publish_entry(table, entry, is_new);
    return entry;
}

void
flow_table_restore(struct flow_table *table, struct entry *entry)
{
    publish_entry(table, entry, entry->tuple->n_entries == 0);
}

struct instructions *
entry_replace(struct entry *entry, struct instructions *new)
{
    struct instructions *old = atomic_load_explicit(&entry->instructions, RELAXED);
    atomic_store_explicit(&entry->instructions, new, memory_order_release);
    return old;
}

void
flow_table_remove(struct flow_table *table, struct entry *entry)
{
    struct tuple *tuple = entry->tuple;
    struct buckets *b = atomic_load_explicit(&tuple->buckets, RELAXED);
    struct entry *_Atomic *at = &b->heads[hash_values(tuple, entry->values) & (b->n - 1)];
    while (atomic_load_explicit(at, RELAXED) != entry)
        at = &atomic_load_explicit(at, RELAXED)->next[b->phase];
    atomic_store_explicit(at, atomic_load_explicit(&entry->next[b->phase], RELAXED),
                          memory_order_release);
    tuple->n_entries--;
    table->n_entries--;
    if (count_priority(tuple, entry->priority, -1))
        publish_tuples(table, NULL);
    struct merged *merged = atomic_load_explicit(&table->merged, RELAXED);
    if (merged)
        merged_remove(merged, entry);
    reconsider_merging(table);
}

void
flow_table_release(struct flow_table *table, struct entry *entry)
{
    struct tuple *tuple = entry->tuple;
    qsbr_defer(table->qsbr, entry_free, entry);
    if (--tuple->n_alive == 0)
        qsbr_defer(table->qsbr, tuple_free, tuple);
}

struct entry *
flow_table_find(const struct flow_table *table, uint16_t priority, const struct match *match)
{
    struct tuple *tuple = find_tuple(table, &match->mask);
    if (!tuple)
        return NULL;
    struct buckets *b = atomic_load_explicit(&tuple->buckets, RELAXED);
    struct entry *e = atomic_load_explicit(&b->heads[hash_key(tuple, &match->value) & (b->n - 1)],
                                           RELAXED);
    for (; e; e = atomic_load_explicit(&e->next[b->phase], RELAXED)) {
        if (e->priority == priority && entry_covers(tuple, e, &match->value))
            return e;
    }
    return NULL;
}

struct overlap_search {
    uint16_t priority;
    const struct match *match;
    struct entry *found;
};

static bool
visit_overlap(void *arg, struct entry *entry)
{
    struct overlap_search *s = arg;
    struct match its;
    if (entry->priority != s->priority)
        return true;
    entry_match(entry, &its);
    if (!match_intersect(&its, s->match, NULL))
        return true;
    s->found = entry;
    return false;
}

struct entry *
flow_table_overlapping(const struct flow_table *table, uint16_t priority, const struct match *match)
{
    struct overlap_search s = {priority, match, NULL};
    flow_table_each((struct flow_table *)table, visit_overlap, &s);
    return s.found;
}

void
flow_table_each(struct flow_table *table, bool (*visit)(void *arg, struct entry *), void *arg)
{
    /* A removal may publish another list and free this one after the grace period: work on a copy.
     */
    const struct tuple_list *now = tuples_of(table);
    uint32_t n = now ? now->n : 0;
    struct tuple **tuples = xcalloc(n, sizeof *tuples);
    for (uint32_t i = 0; i < n; i++)
        tuples[i] = now->list[i].tuple;
    bool go_on = true;
    for (uint32_t i = 0; i < n && go_on; i++) {
        struct buckets *b = atomic_load_explicit(&tuples[i]->buckets, RELAXED);
        uint32_t left = tuples[i]->n_entries; /* the visitor may remove and release the last one */
        for (uint32_t k = 0; k < b->n && left && go_on; k++) {
            struct entry *e = atomic_load_explicit(&b->heads[k], RELAXED);
            while (e && go_on) {
                struct entry *next = atomic_load_explicit(&e->next[b->phase], RELAXED);
                left--;
                go_on = visit(arg, e);
                e = next;
            }
        }
    }
    free(tuples);
}

/* Counting with the highest bit as the lowest: the buckets that a bucket is split into when the
 * table doubles come right behind each other, so a count that has passed it has passed them, and
 * one that has not meets them all (known from the cursors of Redis' SCAN). 0: all are counted. */
static uint32_t
next_bucket(uint32_t bucket, uint32_t n)
{
    for (uint32_t bit = n >> 1; bit; bit >>= 1) {
        bucket ^= bit;
        if (bucket & bit)
            return bucket;
    }
    return 0;
}

/* The tuple with the lowest number from `number` on. */
static struct tuple *
next_tuple(const struct flow_table *table, uint64_t number)
{
    const struct tuple_list *tuples = tuples_of(table);
    struct tuple *next = NULL;
    for (uint32_t i = 0; tuples && i < tuples->n; i++) {
        struct tuple *t = tuples->list[i].tuple;
        if (t->number >= number && (!next || t->number < next->number))
            next = t;
    }
    return next;
}

bool
flow_table_scan(const struct flow_table *table, struct flow_cursor *at, uint32_t n_buckets,
                void (*visit)(void *arg, struct entry *), void *arg)
{
    struct tuple *tuple;
    while ((tuple = next_tuple(table, at->tuple))) {
        struct buckets *b = atomic_load_explicit(&tuple->buckets, RELAXED);
        uint32_t bucket = tuple->number == at->tuple ? at->bucket : 0;
        at->tuple = tuple->number;
        do {
            at->bucket = bucket;
            if (n_buckets-- == 0)
                return true;
            struct entry *e = atomic_load_explicit(&b->heads[bucket], RELAXED);
            for (; e; e = atomic_load_explicit(&e->next[b->phase], RELAXED))
                visit(arg, e);
            bucket = next_bucket(bucket, b->n);
        } while (bucket);
        *at = (struct flow_cursor){tuple->number + 1, 0};
    }
    return false;
}

void
entry_match(const struct entry *entry, struct match *match)
{
    *match = MATCH_ANY;
    for (unsigned i = 0; i < entry->tuple->n_words; i++) {
        match->mask.words[entry->tuple->words[i]] = entry->tuple->mask[i];
        match->value.words[entry->tuple->words[i]] = entry->values[i];
    }
}

void
entry_flow(const struct entry *entry, struct flow *flow)
{
    struct instructions *in = atomic_load_explicit(&entry->instructions, RELAXED);
    *flow = (struct flow){
        .table_id = entry->table_id,
        .priority = entry->priority,
        .flags = entry->flags,
        .idle_timeout = entry->idle_timeout,
        .hard_timeout = entry->hard_timeout,
        .cookie = entry->cookie,
        .meter_id = in->meter_id,
        .has_apply = in->has_apply,
        .clear = in->clear,
        .has_write = in->has_write,
        .has_goto = in->has_goto,
        .goto_table = in->goto_table,
        .apply = {in->actions, in->n_apply},
        .write = {in->actions + in->n_apply, in->n_write},
        .metadata = in->metadata,
        .metadata_mask = in->metadata_mask,
    };
    entry_match(entry, &flow->match);
}

bool
entry_is_table_miss(const struct entry *entry)
{
    return entry->priority == 0 && entry->tuple->n_words == 0;
}
