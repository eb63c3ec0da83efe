#include "engineer/classifier.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

struct item { /* half a cache line; a range is its first value and how many more */
    uint32_t src, src_mask, dst, dst_mask;
    uint16_t sport, sport_span, dport, dport_span;
    uint8_t proto, proto_span;
    uint32_t priority;
};

/* What a table is keyed by, and a packet's words for it. */
struct key {
    uint64_t addresses; /* source, destination */
    uint64_t rest;      /* protocol, source port, destination port */
};

struct slot {
    struct item *items;   /* by falling priority; room for the next power of two */
    uint32_t n, priority; /* of the first */
};

struct table {
    struct key mask;
    struct key any, all; /* bits set in the keys of some, and of all rules: most packets are
                          * told by these alone that nothing is here for them */
    uint64_t seed;
    uint32_t n_slots;           /* a power of two */
    uint32_t n_rules, priority; /* no rule has a higher one */
    uint8_t n_bits, level;
    struct slot *slots;
};

struct classifier {
    uint32_t n_tables, capacity, n_rules;
    struct table **tables; /* by falling priority */
    size_t budget, memory;
};

/* ---- Lookup ---- */

static inline struct key
key_of(const struct packet5 *p)
{
    return (struct key){(uint64_t)p->src << 32 | p->dst,
                        (uint64_t)p->proto << 32 | (uint32_t)p->sport << 16 | p->dport};
}

static inline struct key
key_and(const struct key *a, const struct key *b)
{
    return (struct key){a->addresses & b->addresses, a->rest & b->rest};
}

static inline struct slot *
slot_of(const struct table *t, const struct key *masked)
{
    uint64_t h = hash_add(t->seed, masked->addresses);
    return &t->slots[hash_mix(hash_add(h, masked->rest)) & (t->n_slots - 1)];
}

static inline bool
rejects(const struct table *t, const struct key *masked)
{
    return ((masked->addresses & ~t->any.addresses) | (t->all.addresses & ~masked->addresses) |
            (masked->rest & ~t->any.rest) | (t->all.rest & ~masked->rest)) != 0;
}

static inline bool
item_has(const struct item *i, const struct packet5 *p)
{
    return (((p->src ^ i->src) & i->src_mask) | ((p->dst ^ i->dst) & i->dst_mask)) == 0 &&
           (uint16_t)(p->sport - i->sport) <= i->sport_span &&
           (uint16_t)(p->dport - i->dport) <= i->dport_span &&
           (uint8_t)(p->proto - i->proto) <= i->proto_span;
}

int64_t
classifier_lookup(const struct classifier *c, const struct packet5 *p)
{
    struct key key = key_of(p);
    int64_t best = CLASSIFIER_NONE;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        const struct table *t = c->tables[i];
        if (best >= t->priority)
            break;
        struct key masked = key_and(&key, &t->mask);
        if (rejects(t, &masked))
            continue;
        const struct slot *s = slot_of(t, &masked);
        if (!s->n || best >= s->priority)
            continue;
        for (const struct item *item = s->items, *end = item + s->n; item < end; item++) {
            if (best >= item->priority)
                break;
            if (item_has(item, p)) {
                best = item->priority;
                break;
            }
        }
    }
    return best;
}

/* ---- Keys of tables ---- */

/* Keys for a new table, from coarse to fine: addresses in 16 or 24 bits, and what else is exact
 * only where they do not say much; whole octets, and what is exact; all bits. And how long a bucket
 * of such a table gets before a finer key is tried: a finer one for few rules costs every lookup
 * more than a longer bucket costs some. */
static const uint32_t bucket_limits[] = {24, 96, UINT32_MAX};
#define N_LEVELS ARRAY_SIZE(bucket_limits)

static uint32_t
coarse_address(uint32_t mask, unsigned level)
{
    static const uint32_t octets[] = {0xffffffff, 0xffffff00, 0xffff0000, 0xff000000, 0};
    if (level == 2)
        return mask;
    for (unsigned i = level ? 0 : 1; i < ARRAY_SIZE(octets); i++) {
        if (!(octets[i] & ~mask) && (level || octets[i] != 0xff000000))
            return octets[i];
    }
    return 0;
}

static struct key
coarse_key(const struct cube *c, unsigned level)
{
    uint32_t src = coarse_address(c->src_mask, level), dst = coarse_address(c->dst_mask, level);
    struct key key = {(uint64_t)src << 32 | dst, 0};
    if (level == 0 && __builtin_popcount(src) + __builtin_popcount(dst) >= 24)
        return key;
    if (c->proto[0] == c->proto[1])
        key.rest |= UINT64_C(0xff) << 32;
    if (c->sport[0] == c->sport[1])
        key.rest |= 0xffff0000;
    if (c->dport[0] == c->dport[1])
        key.rest |= 0xffff;
    return key;
}

static struct key
key_of_cube(const struct cube *c)
{
    struct packet5 p = cube_sample(c);
    return key_of(&p);
}

static bool
can_hold(const struct table *t, const struct cube *c)
{
    struct key mask = coarse_key(c, 2);
    return !(t->mask.addresses & ~mask.addresses) && !(t->mask.rest & ~mask.rest);
}

static unsigned
bits_of(const struct key *key)
{
    return (unsigned)(__builtin_popcountll(key->addresses) + __builtin_popcountll(key->rest));
}

/* The table with the finest key that such a rule fits and whose bucket has room. If all are full:
 * the finest there is, in `*full`. */
static struct table *
find_table(const struct classifier *c, const struct cube *cube, struct table **full)
{
    struct key key = key_of_cube(cube);
    struct table *found = NULL;
    *full = NULL;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        struct table *t = c->tables[i];
        if (!can_hold(t, cube))
            continue;
        if (!*full || t->n_bits > (*full)->n_bits)
            *full = t;
        struct key masked = key_and(&key, &t->mask);
        if ((!found || t->n_bits > found->n_bits) &&
            slot_of(t, &masked)->n < bucket_limits[t->level])
            found = t;
    }
    return found;
}

/* ---- Memory ---- */

static bool
charge(struct classifier *c, size_t size)
{
    if (size > c->budget || c->memory > c->budget - size)
        return false;
    c->memory += size;
    return true;
}

static uint32_t
room_for(uint32_t n)
{
    uint32_t room = 1;
    while (room < n)
        room *= 2;
    return n ? room : 0;
}

static void
table_free(struct classifier *c, struct table *t)
{
    for (uint32_t i = 0; i < t->n_slots; i++) {
        c->memory -= room_for(t->slots[i].n) * sizeof(struct item);
        free(t->slots[i].items);
    }
    c->memory -= sizeof *t + t->n_slots * sizeof *t->slots;
    free(t->slots);
    free(t);
}

struct classifier *
classifier_new(size_t budget)
{
    struct classifier *c = xcalloc(1, sizeof *c);
    c->budget = budget;
    return c;
}

void
classifier_free(struct classifier *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_tables; i++)
        table_free(c, c->tables[i]);
    free(c->tables);
    free(c);
}

/* ---- Adding ---- */

static bool
put_item(struct classifier *c, struct slot *s, const struct item *item)
{
    uint32_t room = room_for(s->n), more = room_for(s->n + 1), at = s->n;
    if (more > room) {
        if (!charge(c, (more - room) * sizeof *item))
            return false;
        struct item *items = NULL; /* on cache lines, so that none is in two */
        if (posix_memalign((void **)&items, 64, more * sizeof *items))
            abort();
        if (s->n)
            memcpy(items, s->items, s->n * sizeof *items);
        free(s->items);
        s->items = items;
    }
    for (; at && s->items[at - 1].priority < item->priority; at--)
        s->items[at] = s->items[at - 1];
    s->items[at] = *item;
    s->n++;
    s->priority = s->items[0].priority;
    return true;
}

static struct key
key_of_item(const struct item *i)
{
    struct packet5 p = {i->src, i->dst, i->sport, i->dport, i->proto};
    return key_of(&p);
}

/* Four times as many slots. */
static bool
spread_out(struct classifier *c, struct table *t)
{
    struct table wide = *t;
    wide.n_slots *= 4;
    if (!charge(c, wide.n_slots * sizeof *wide.slots))
        return false;
    wide.slots = xcalloc(wide.n_slots, sizeof *wide.slots);
    bool fits = true;
    for (uint32_t i = 0; i < t->n_slots && fits; i++) {
        for (uint32_t k = 0; k < t->slots[i].n && fits; k++) {
            struct key key = key_of_item(&t->slots[i].items[k]), masked = key_and(&key, &t->mask);
            fits = put_item(c, slot_of(&wide, &masked), &t->slots[i].items[k]);
        }
    }
    struct table *gone = fits ? t : &wide;
    for (uint32_t i = 0; i < gone->n_slots; i++) {
        c->memory -= room_for(gone->slots[i].n) * sizeof(struct item);
        free(gone->slots[i].items);
    }
    c->memory -= gone->n_slots * sizeof *gone->slots;
    free(gone->slots);
    if (fits)
        *t = wide;
    return fits;
}

static struct table *
add_table(struct classifier *c, const struct key *mask, unsigned level)
{
    if (!charge(c, sizeof(struct table) + FIRST_SLOTS * sizeof(struct slot)))
        return NULL;
    struct table *t = xcalloc(1, sizeof *t);
    *t = (struct table){.mask = *mask,
                        .all = *mask,
                        .seed = hash_secret(),
                        .n_slots = FIRST_SLOTS,
                        .slots = xcalloc(FIRST_SLOTS, sizeof *t->slots),
                        .n_bits = (uint8_t)bits_of(mask),
                        .level = (uint8_t)level};
    GROW(c->tables, c->n_tables, c->capacity);
    c->tables[c->n_tables++] = t;
    return t;
}

/* A table with a finer key than `full`, which is the finest that there is for such a rule; `full`
 * itself if none is finer. NULL: the budget. */
static struct table *
finer_table(struct classifier *c, const struct cube *cube, struct table *full)
{
    for (unsigned level = 0; level < N_LEVELS; level++) {
        struct key mask = coarse_key(cube, level);
        if (!full || bits_of(&mask) > full->n_bits)
            return add_table(c, &mask, level);
    }
    return full;
}

static void
drop_table(struct classifier *c, struct table *t)
{
    uint32_t at = 0;
    while (c->tables[at] != t)
        at++;
    memmove(&c->tables[at], &c->tables[at + 1], (--c->n_tables - at) * sizeof *c->tables);
    table_free(c, t);
}

static void
keep_order(struct classifier *c, const struct table *t)
{
    uint32_t at = 0;
    while (c->tables[at] != t)
        at++;
    for (; at && c->tables[at - 1]->priority < t->priority; at--) {
        struct table *before = c->tables[at - 1];
        c->tables[at - 1] = c->tables[at];
        c->tables[at] = before;
    }
}

enum err
classifier_add(struct classifier *c, const struct cube *cube, uint32_t priority)
{
    struct item item = {
        .src = cube->src,
        .src_mask = cube->src_mask,
        .dst = cube->dst,
        .dst_mask = cube->dst_mask,
        .sport = cube->sport[0],
        .sport_span = (uint16_t)(cube->sport[1] - cube->sport[0]),
        .dport = cube->dport[0],
        .dport_span = (uint16_t)(cube->dport[1] - cube->dport[0]),
        .proto = cube->proto[0],
        .proto_span = (uint8_t)(cube->proto[1] - cube->proto[0]),
        .priority = priority,
    };
    struct table *full, *t = find_table(c, cube, &full);
    if (!t)
        t = finer_table(c, cube, full);
    if (!t)
        return ERR_LIMIT;
    struct key key = key_of_cube(cube), masked = key_and(&key, &t->mask);
    if ((t->n_rules >= t->n_slots && !spread_out(c, t)) ||
        !put_item(c, slot_of(t, &masked), &item)) {
        if (!t->n_rules)
            drop_table(c, t);
        return ERR_LIMIT;
    }
    t->any.addresses |= masked.addresses;
    t->any.rest |= masked.rest;
    t->all = key_and(&t->all, &masked);
    if (!t->n_rules++ || priority > t->priority)
        t->priority = priority;
    keep_order(c, t);
    c->n_rules++;
    return ERR_OK;
}

/* ---- Removing ---- */

static bool
take_item(struct classifier *c, struct slot *s, const struct cube *cube, uint32_t priority)
{
    uint32_t at = 0;
    while (at < s->n &&
           (s->items[at].priority != priority || s->items[at].src != cube->src ||
            s->items[at].src_mask != cube->src_mask || s->items[at].dst != cube->dst ||
            s->items[at].dst_mask != cube->dst_mask || s->items[at].sport != cube->sport[0] ||
            s->items[at].dport != cube->dport[0] || s->items[at].proto != cube->proto[0]))
        at++;
    if (at == s->n)
        return false;
    memmove(&s->items[at], &s->items[at + 1], (s->n - at - 1) * sizeof *s->items);
    uint32_t room = room_for(s->n), less = room_for(--s->n);
    if (less < room) {
        c->memory -= (room - less) * sizeof *s->items;
        struct item *items = NULL;
        if (less && posix_memalign((void **)&items, 64, less * sizeof *items))
            abort();
        if (less)
            memcpy(items, s->items, s->n * sizeof *items);
        free(s->items);
        s->items = items;
    }
    s->priority = s->n ? s->items[0].priority : 0;
    return true;
}

enum err
classifier_remove(struct classifier *c, const struct cube *cube, uint32_t priority)
{
    struct key key = key_of_cube(cube);
    for (uint32_t i = 0; i < c->n_tables; i++) {
        struct table *t = c->tables[i];
        struct key masked = key_and(&key, &t->mask);
        if (t->priority < priority || !can_hold(t, cube) ||
            !take_item(c, slot_of(t, &masked), cube, priority))
            continue;
        c->n_rules--;
        if (!--t->n_rules)
            drop_table(c, t);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

size_t
classifier_memory(const struct classifier *c)
{
    return c->memory;
}

void
classifier_get_size(const struct classifier *c, struct classifier_size *size)
{
    *size = (struct classifier_size){
        .rules = c->n_rules, .tables = c->n_tables, .memory = c->memory};
    for (uint32_t i = 0; i < c->n_tables; i++) {
        for (uint32_t k = 0; k < c->tables[i]->n_slots; k++)
            size->longest = MAX(size->longest, c->tables[i]->slots[k].n);
    }
}
