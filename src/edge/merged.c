#include "edge/merged.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "edge/flow_table_private.h"

#include <stdlib.h>

#define RELAXED memory_order_relaxed
#define FIRST_BUCKETS 64u

/* Words of the key in which entries of a bucket differ: protocol and ports, IPv4 addresses (the
 * first half of IPv6's). They decide here; the entry is looked at when they agree. */
static const uint8_t deciding[] = {4, 6, 8};
#define N_DECIDING ARRAY_SIZE(deciding)

struct item { /* one cache line */
    _Alignas(64) struct entry *entry;
    uint64_t mask[N_DECIDING], value[N_DECIDING];
    uint16_t priority;
};

struct merged_bucket { /* immutable */
    uint32_t n;
    struct item items[]; /* by falling priority */
};

struct merged_array {
    uint32_t n; /* a power of two */
    struct merged_bucket *_Atomic buckets[];
};

/* Entries whose masks have all bits of this one. */
struct merged_table {
    struct merged_array *_Atomic array;
    uint64_t seed;
    uint32_t n_entries;
    uint16_t max_priority; /* no entry has a higher one */
    uint16_t n_bits;
    uint8_t level; /* of the key, as made by coarsen() */
    uint8_t n_words;
    uint8_t words[FLOW_KEY_WORDS];
    uint64_t mask[FLOW_KEY_WORDS];
    _Atomic uint64_t any[FLOW_KEY_WORDS], all[FLOW_KEY_WORDS]; /* as a tuple's */
};

struct table_list { /* immutable */
    uint32_t n;
    struct {
        struct merged_table *table;
        uint16_t max_priority;
    } list[]; /* by falling priority */
};

struct merged {
    struct table_list *_Atomic tables;
    struct qsbr *qsbr;
    uint32_t n_entries, n_removed;
};

static struct table_list *
tables_of(const struct merged *m)
{
    return atomic_load_explicit(&m->tables, memory_order_acquire);
}

/* ---- Worker side ---- */

static uint64_t
hash_key(const struct merged_table *t, const struct flow_key *key)
{
    uint64_t h = t->seed;
    for (unsigned i = 0; i < t->n_words; i++)
        h = hash_add(h, key->words[t->words[i]] & t->mask[i]);
    return hash_mix(h);
}

static bool
rejects(const struct merged_table *t, const struct flow_key *key)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < t->n_words; i++) {
        uint64_t bits = key->words[t->words[i]] & t->mask[i];
        wrong |= bits & ~atomic_load_explicit(&t->any[i], RELAXED);
        wrong |= atomic_load_explicit(&t->all[i], RELAXED) & ~bits;
    }
    return wrong != 0;
}

static struct merged_bucket *_Atomic *
bucket_place(const struct merged_table *t, const struct flow_key *key)
{
    struct merged_array *a = atomic_load_explicit(&t->array, memory_order_acquire);
    return &a->buckets[hash_key(t, key) & (a->n - 1)];
}

static bool
agrees(const struct item *item, const struct flow_key *key)
{
    uint64_t difference = 0;
    for (unsigned i = 0; i < N_DECIDING; i++)
        difference |= (key->words[deciding[i]] & item->mask[i]) ^ item->value[i];
    return difference == 0;
}

/* The first entry of the bucket that covers the key, if it is better than `best`. */
static struct entry *
search_bucket(const struct merged_bucket *b, const struct flow_key *key, struct entry *best)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct item *item = &b->items[i];
        if (best && item->priority <= best->priority)
            return best;
        if (agrees(item, key) && entry_covers(item->entry->tuple, item->entry, key))
            return item->entry;
    }
    return best;
}

struct entry *
merged_lookup(const struct merged *m, const struct flow_key *key)
{
    const struct table_list *tables = tables_of(m);
    struct entry *best = NULL;
    for (uint32_t i = 0; i < tables->n; i++) {
        const struct merged_table *t = tables->list[i].table;
        if (best && best->priority >= tables->list[i].max_priority)
            break;
        if (rejects(t, key))
            continue;
        const struct merged_bucket *b = atomic_load_explicit(bucket_place(t, key),
                                                             memory_order_acquire);
        if (b)
            best = search_bucket(b, key, best);
    }
    return best;
}

/* ---- Control side: buckets ---- */

static struct merged_array *
array_new(uint32_t n)
{
    struct merged_array *a = xcalloc(1, sizeof *a + n * sizeof a->buckets[0]);
    a->n = n;
    return a;
}

static void
array_free(void *object)
{
    struct merged_array *a = object;
    for (uint32_t i = 0; i < a->n; i++)
        free(atomic_load_explicit(&a->buckets[i], RELAXED));
    free(a);
}

static struct item
item_of(struct entry *entry)
{
    struct item item = {.entry = entry, .priority = entry->priority};
    for (unsigned i = 0; i < entry->tuple->n_words; i++) {
        for (unsigned k = 0; k < N_DECIDING; k++) {
            if (entry->tuple->words[i] == deciding[k]) {
                item.mask[k] = entry->tuple->mask[i];
                item.value[k] = entry->values[i];
            }
        }
    }
    return item;
}

static struct merged_bucket *
bucket_new(uint32_t room)
{
    struct merged_bucket *b = NULL;
    if (posix_memalign((void **)&b, 64, sizeof *b + room * sizeof b->items[0]))
        abort();
    return b;
}

/* A bucket with one entry more, behind those of its priority. */
static struct merged_bucket *
bucket_with(const struct merged_bucket *old, struct entry *entry)
{
    uint32_t n = old ? old->n : 0, at = 0;
    struct merged_bucket *b = bucket_new(n + 1);
    while (at < n && old->items[at].priority >= entry->priority)
        at++;
    if (at)
        memcpy(b->items, old->items, at * sizeof b->items[0]);
    b->items[at] = item_of(entry);
    if (at < n)
        memcpy(&b->items[at + 1], &old->items[at], (n - at) * sizeof b->items[0]);
    b->n = n + 1;
    return b;
}

/* A bucket without an entry, which is in it; NULL: nothing is left. */
static struct merged_bucket *
bucket_without(const struct merged_bucket *old, const struct entry *entry)
{
    if (old->n == 1)
        return NULL;
    struct merged_bucket *b = bucket_new(old->n - 1);
    b->n = 0;
    for (uint32_t i = 0; i < old->n; i++) {
        if (old->items[i].entry != entry)
            b->items[b->n++] = old->items[i];
    }
    return b;
}

static void
entry_key(const struct entry *entry, struct flow_key *key)
{
    *key = (struct flow_key){0};
    for (unsigned i = 0; i < entry->tuple->n_words; i++)
        key->words[entry->tuple->words[i]] = entry->values[i];
}

static void
replace_bucket(struct merged *m, struct merged_bucket *_Atomic *place, struct merged_bucket *new)
{
    struct merged_bucket *old = atomic_load_explicit(place, RELAXED);
    atomic_store_explicit(place, new, memory_order_release);
    if (old)
        qsbr_defer(m->qsbr, free, old);
}

/* Twice as many buckets. Readers go on in the old array until they have seen the new one. */
static void
grow(struct merged *m, struct merged_table *t)
{
    struct merged_array *old = atomic_load_explicit(&t->array, RELAXED);
    struct merged_array *new = array_new(old->n * 2);
    for (uint32_t i = 0; i < old->n; i++) {
        const struct merged_bucket *b = atomic_load_explicit(&old->buckets[i], RELAXED);
        for (uint32_t k = 0; b && k < b->n; k++) {
            struct flow_key key;
            entry_key(b->items[k].entry, &key);
            struct merged_bucket *_Atomic *place = &new->buckets[hash_key(t, &key) & (new->n - 1)];
            struct merged_bucket *before = atomic_load_explicit(place, RELAXED);
            atomic_store_explicit(place, bucket_with(before, b->items[k].entry), RELAXED);
            free(before); /* nobody has seen it */
        }
    }
    atomic_store_explicit(&t->array, new, memory_order_release);
    qsbr_defer(m->qsbr, array_free, old);
}

/* ---- Control side: tables ---- */

static void
table_free(void *object)
{
    struct merged_table *t = object;
    array_free(atomic_load_explicit(&t->array, RELAXED));
    free(t);
}

static struct merged_table *
table_new(const struct flow_key *mask, unsigned level)
{
    struct merged_table *t = xcalloc(1, sizeof *t);
    t->level = (uint8_t)level;
    t->seed = hash_secret();
    for (unsigned i = 0; i < FLOW_KEY_WORDS; i++) {
        if (!mask->words[i])
            continue;
        t->words[t->n_words] = (uint8_t)i;
        t->mask[t->n_words] = mask->words[i];
        atomic_init(&t->all[t->n_words], UINT64_MAX);
        t->n_bits += (uint16_t)__builtin_popcountll(mask->words[i]);
        t->n_words++;
    }
    atomic_init(&t->array, array_new(FIRST_BUCKETS));
    return t;
}

/* Publishes the tables anew, with `added` (may be NULL), without empty ones, by falling priority.
 */
static void
publish(struct merged *m, struct merged_table *added)
{
    struct table_list *old = tables_of(m);
    struct table_list *new = xmalloc(sizeof *new + (old->n + 1) * sizeof new->list[0]);
    uint32_t n = 0;
    for (uint32_t i = 0; i <= old->n; i++) {
        struct merged_table *t = i < old->n ? old->list[i].table : added;
        if (!t || !t->n_entries)
            continue;
        uint32_t at = n++;
        for (; at && new->list[at - 1].max_priority < t->max_priority; at--)
            new->list[at] = new->list[at - 1];
        new->list[at].table = t;
        new->list[at].max_priority = t->max_priority;
    }
    new->n = n;
    atomic_store_explicit(&m->tables, new, memory_order_release);
    qsbr_defer(m->qsbr, free, old);
}

/* Keys for a new table, from coarse to fine: addresses in 16 or 24 bits, and what else is exact
 * only where they do not say much; whole octets; the mask itself. And how long a bucket of such a
 * table gets before a finer key is tried: a finer one for few entries costs every lookup more than
 * a longer bucket costs some. */
static const unsigned bucket_limits[] = {32, 128, UINT32_MAX};
#define N_LEVELS ARRAY_SIZE(bucket_limits)

/* Leaves the address 24, 16 or no bits; returns how many octets. */
static unsigned
coarsen_address(uint8_t *octets)
{
    unsigned n = octets[1] != 0xff ? 0 : octets[2] != 0xff ? 2 : 3;
    memset(octets + n, 0, 4 - n);
    return n;
}

static void
coarsen(const struct flow_key *mask, unsigned level, struct flow_key *key)
{
    *key = *mask;
    if (level >= 2)
        return;
    uint8_t *octets = (uint8_t *)key;
    for (size_t i = 0; i < sizeof *key; i++) {
        if (octets[i] != 0xff)
            octets[i] = 0;
    }
    if (level == 1)
        return;
    unsigned kept = coarsen_address(key->ip_src) + coarsen_address(key->ip_dst);
    if (kept >= 3)
        key->words[4] = 0;
}

static bool
can_hold(const struct merged_table *t, const struct flow_key *mask)
{
    for (unsigned i = 0; i < t->n_words; i++) {
        if (t->mask[i] & ~mask->words[t->words[i]])
            return false;
    }
    return true;
}

static uint32_t
bucket_length(const struct merged_table *t, const struct flow_key *key)
{
    const struct merged_bucket *b = atomic_load_explicit(bucket_place(t, key), RELAXED);
    return b ? b->n : 0;
}

/* The table with the finest key that such an entry fits and whose bucket has room. If all are
 * full: the finest there is, in `*full`. */
static struct merged_table *
find_table(const struct merged *m, const struct flow_key *mask, const struct flow_key *key,
           struct merged_table **full)
{
    const struct table_list *tables = tables_of(m);
    struct merged_table *found = NULL;
    *full = NULL;
    for (uint32_t i = 0; i < tables->n; i++) {
        struct merged_table *t = tables->list[i].table;
        if (!can_hold(t, mask))
            continue;
        if (!*full || t->n_bits > (*full)->n_bits)
            *full = t;
        if ((!found || t->n_bits > found->n_bits) &&
            bucket_length(t, key) < bucket_limits[t->level])
            found = t;
    }
    return found;
}

/* A table with a finer key than `full`, which is the finest that there is for such a mask; NULL:
 * none is finer. */
static struct merged_table *
finer_table(const struct merged_table *full, const struct flow_key *mask)
{
    for (unsigned level = 0; level < N_LEVELS; level++) {
        struct flow_key key;
        unsigned n_bits = 0;
        coarsen(mask, level, &key);
        for (unsigned i = 0; i < FLOW_KEY_WORDS; i++)
            n_bits += (unsigned)__builtin_popcountll(key.words[i]);
        if (!full || n_bits > full->n_bits)
            return table_new(&key, level);
    }
    return NULL;
}

static void
widen_summary(struct merged_table *t, const struct flow_key *key)
{
    for (unsigned i = 0; i < t->n_words; i++) {
        uint64_t value = key->words[t->words[i]] & t->mask[i];
        uint64_t any = atomic_load_explicit(&t->any[i], RELAXED);
        uint64_t all = atomic_load_explicit(&t->all[i], RELAXED);
        atomic_store_explicit(&t->any[i], any | value, RELAXED);
        atomic_store_explicit(&t->all[i], all & value, RELAXED);
    }
}

void
merged_add(struct merged *m, struct entry *entry)
{
    struct flow_key mask, key;
    struct merged_table *full, *t;
    tuple_mask(entry->tuple, &mask);
    entry_key(entry, &key);
    t = find_table(m, &mask, &key, &full);
    struct merged_table *added = t ? NULL : finer_table(full, &mask);
    if (!t)
        t = added ? added : full;
    if (t->n_entries >= atomic_load_explicit(&t->array, RELAXED)->n)
        grow(m, t);
    struct merged_bucket *_Atomic *place = bucket_place(t, &key);
    widen_summary(t, &key);
    replace_bucket(m, place, bucket_with(atomic_load_explicit(place, RELAXED), entry));
    bool rises = !t->n_entries || entry->priority > t->max_priority;
    if (rises)
        t->max_priority = entry->priority;
    t->n_entries++;
    m->n_entries++;
    entry->merged = t;
    if (rises)
        publish(m, added);
}

void
merged_remove(struct merged *m, struct entry *entry)
{
    struct merged_table *t = entry->merged;
    struct flow_key key;
    entry_key(entry, &key);
    struct merged_bucket *_Atomic *place = bucket_place(t, &key);
    replace_bucket(m, place, bucket_without(atomic_load_explicit(place, RELAXED), entry));
    entry->merged = NULL;
    m->n_entries--;
    m->n_removed++;
    if (--t->n_entries)
        return;
    publish(m, NULL);
    qsbr_defer(m->qsbr, table_free, t);
}

bool
merged_is_worn(const struct merged *m)
{
    return m->n_removed > m->n_entries + 1024;
}

struct merged *
merged_new(struct qsbr *qsbr)
{
    struct merged *m = xcalloc(1, sizeof *m);
    m->qsbr = qsbr;
    atomic_init(&m->tables, xcalloc(1, sizeof(struct table_list)));
    return m;
}

void
merged_free(void *object)
{
    struct merged *m = object;
    if (!m)
        return;
    struct table_list *tables = tables_of(m);
    for (uint32_t i = 0; i < tables->n; i++)
        table_free(tables->list[i].table);
    free(tables);
    free(m);
}
