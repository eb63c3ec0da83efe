#include "engineer/cubes.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 8

/* A word that the mask looks at. */
struct cube_word {
    uint8_t at;              /* which of the key */
    uint64_t mask, portless; /* what is looked at, the same without ports */
    uint64_t same, value;    /* the bits that all items ask for alike, and what they ask */
};

struct cube_tuple {
    uint32_t top, bottom; /* the highest and the lowest priority there have been */
    uint32_t n, n_slots, n_removed;
    uint32_t n_words;
    struct cube_word words[FLOW_KEY_WORDS];
    struct cube_item *members;
    struct cube_item **slots, **portless_slots;
    struct flow_key mask;
};

/* ---- One tuple ---- */

static void
new_slots(struct cube_tuple *t)
{
    t->slots = xcalloc(t->n_slots, sizeof(struct cube_item *));
    t->portless_slots = xcalloc(t->n_slots, sizeof(struct cube_item *));
}

static struct cube_tuple *
tuple_new(const struct flow_key *mask)
{
    struct cube_tuple *t = xcalloc(1, sizeof *t);
    struct flow_key portless = *mask;
    portless.tp_src = portless.tp_dst = 0;
    t->mask = *mask;
    for (uint8_t i = 0; i < FLOW_KEY_WORDS; i++) {
        if (mask->words[i])
            t->words[t->n_words++] = (struct cube_word){.at = i,
                                                        .mask = mask->words[i],
                                                        .portless = portless.words[i],
                                                        .same = mask->words[i]};
    }
    t->n_slots = FIRST_SLOTS;
    new_slots(t);
    return t;
}

static void
tuple_free(struct cube_tuple *t)
{
    free(t->slots);
    free(t->portless_slots);
    free(t);
}

static uint32_t
tuple_hash(const struct cube_tuple *t, const struct flow_key *key)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < t->n_words; i++)
        h = hash_add(h, key->words[t->words[i].at] & t->words[i].mask);
    return (uint32_t)hash_mix(h);
}

static uint32_t
portless_hash(const struct cube_tuple *t, const struct flow_key *key)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < t->n_words; i++)
        h = hash_add(h, key->words[t->words[i].at] & t->words[i].portless);
    return (uint32_t)hash_mix(h);
}

static struct cube_item **
slot_of(const struct cube_tuple *t, uint32_t hash)
{
    return &t->slots[hash & (t->n_slots - 1)];
}

static struct cube_item **
portless_slot_of(const struct cube_tuple *t, uint32_t hash)
{
    return &t->portless_slots[hash & (t->n_slots - 1)];
}

static void
put_in_slots(struct cube_tuple *t, struct cube_item *item)
{
    struct cube_item **slot = slot_of(t, item->hash);
    struct cube_item **portless = portless_slot_of(t, item->portless_hash);
    item->next = *slot;
    *slot = item;
    item->next_portless = *portless;
    *portless = item;
}

static void
take_out_of_slots(struct cube_tuple *t, const struct cube_item *item)
{
    struct cube_item **at = slot_of(t, item->hash);
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    at = portless_slot_of(t, item->portless_hash);
    while (*at != item)
        at = &(*at)->next_portless;
    *at = item->next_portless;
}

static void
grow(struct cube_tuple *t)
{
    t->n_slots *= 2;
    free(t->slots);
    free(t->portless_slots);
    new_slots(t);
    for (struct cube_item *item = t->members; item; item = item->next_member)
        put_in_slots(t, item);
}

static void
summarise(struct cube_tuple *t, const struct match *m, bool first)
{
    for (uint32_t i = 0; i < t->n_words; i++) {
        struct cube_word *w = &t->words[i];
        uint64_t value = m->value.words[w->at];
        w->same = first ? w->mask : w->same & ~(w->value ^ value);
        w->value = value;
    }
}

/* What was taken out may have been all that kept the others from being alike. */
static void
summarise_anew(struct cube_tuple *t)
{
    t->n_removed = 0;
    t->top = 0;
    t->bottom = UINT32_MAX;
    for (struct cube_item *item = t->members; item; item = item->next_member) {
        summarise(t, item->match, item == t->members);
        t->top = MAX(t->top, item->priority);
        t->bottom = MIN(t->bottom, item->priority);
    }
}

/* All items of the tuple ask for something else than the cube is. */
static bool
is_apart(const struct cube_tuple *t, const struct match *cube)
{
    for (uint32_t i = 0; i < t->n_words; i++) {
        const struct cube_word *w = &t->words[i];
        if ((w->value ^ cube->value.words[w->at]) & w->same & cube->mask.words[w->at])
            return true;
    }
    return false;
}

enum meeting { APART, MEETS, CONTAINS };

/* The item against the cube; their masks decide only in the tuple's words. */
static enum meeting
meet(const struct cube_tuple *t, const struct match *item, const struct match *cube)
{
    enum meeting best = CONTAINS;
    for (uint32_t i = 0; i < t->n_words; i++) {
        const struct cube_word *w = &t->words[i];
        uint64_t asked = cube->mask.words[w->at];
        if ((item->value.words[w->at] ^ cube->value.words[w->at]) & w->mask & asked)
            return APART;
        if (w->mask & ~asked)
            best = MEETS;
    }
    return best;
}

/* Where to look for what could meet the cube: in a slot of one kind or the other, or at all
 * members. */
struct places {
    enum { IN_SLOT, IN_PORTLESS_SLOT, AMONG_MEMBERS } where;
    struct cube_item *first;
    uint32_t hash;
};

static struct places
places_of(const struct cube_tuple *t, const struct match *cube)
{
    uint64_t open = 0, open_beside_ports = 0;
    for (uint32_t i = 0; i < t->n_words; i++) {
        uint64_t left_open = ~cube->mask.words[t->words[i].at];
        open |= t->words[i].mask & left_open;
        open_beside_ports |= t->words[i].portless & left_open;
    }
    if (open_beside_ports)
        return (struct places){AMONG_MEMBERS, t->members, 0};
    uint32_t hash = open ? portless_hash(t, &cube->value) : tuple_hash(t, &cube->value);
    return open ? (struct places){IN_PORTLESS_SLOT, *portless_slot_of(t, hash), hash}
                : (struct places){IN_SLOT, *slot_of(t, hash), hash};
}

static inline struct cube_item *
next_place(const struct places *p, const struct cube_item *item)
{
    if (p->where == AMONG_MEMBERS)
        return item->next_member;
    return p->where == IN_SLOT ? item->next : item->next_portless;
}

/* Is it in the slot only because the slot is where others' hashes lead, too? */
static inline bool
is_by_chance(const struct places *p, const struct cube_item *item)
{
    return (p->where == IN_SLOT && item->hash != p->hash) ||
           (p->where == IN_PORTLESS_SLOT && item->portless_hash != p->hash);
}

/* ---- The set ---- */

static uint64_t
hash_of_mask(const struct flow_key *mask)
{
    return hash_bytes(mask, sizeof *mask, 0);
}

static struct cube_tuple *
find_tuple(const struct cubes *c, const struct flow_key *mask, uint64_t mask_hash)
{
    for (uint32_t i = 0; i < c->n_tuples; i++) {
        if (c->mask_hashes[i] == mask_hash && !memcmp(&c->tuples[i]->mask, mask, sizeof *mask))
            return c->tuples[i];
    }
    return NULL;
}

static void
exchange(struct cubes *c, uint32_t i, uint32_t k)
{
    struct cube_tuple *tuple = c->tuples[i];
    uint64_t hash = c->mask_hashes[i];
    c->tuples[i] = c->tuples[k];
    c->mask_hashes[i] = c->mask_hashes[k];
    c->tuples[k] = tuple;
    c->mask_hashes[k] = hash;
}

/* Back to its place after its highest priority has changed. */
static void
reorder(struct cubes *c, const struct cube_tuple *t)
{
    uint32_t i = 0;
    while (c->tuples[i] != t)
        i++;
    for (; i && c->tuples[i - 1]->top < c->tuples[i]->top; i--)
        exchange(c, i - 1, i);
    for (; i + 1 < c->n_tuples && c->tuples[i + 1]->top > c->tuples[i]->top; i++)
        exchange(c, i, i + 1);
}

void
cubes_insert(struct cubes *c, struct cube_item *item)
{
    uint64_t mask_hash = hash_of_mask(&item->match->mask);
    struct cube_tuple *t = find_tuple(c, &item->match->mask, mask_hash);
    if (!t) {
        t = tuple_new(&item->match->mask);
        c->tuples = xrealloc(c->tuples, c->n_tuples + 1, sizeof(struct cube_tuple *));
        c->mask_hashes = xrealloc(c->mask_hashes, c->n_tuples + 1, sizeof(uint64_t));
        c->mask_hashes[c->n_tuples] = mask_hash;
        c->tuples[c->n_tuples++] = t;
    }
    summarise(t, item->match, !t->n);
    item->hash = tuple_hash(t, &item->match->value);
    item->portless_hash = portless_hash(t, &item->match->value);
    item->next_member = t->members;
    item->previous_at = &t->members;
    if (t->members)
        t->members->previous_at = &item->next_member;
    t->members = item;
    c->n++;
    if (++t->n > t->n_slots)
        grow(t);
    else
        put_in_slots(t, item);
    if (t->n == 1 || item->priority < t->bottom)
        t->bottom = item->priority;
    if (t->n == 1 || item->priority > t->top) {
        t->top = item->priority;
        reorder(c, t);
    }
}

static void
drop_tuple(struct cubes *c, struct cube_tuple *t)
{
    uint32_t i = 0;
    while (c->tuples[i] != t)
        i++;
    memmove(&c->tuples[i], &c->tuples[i + 1], (c->n_tuples - i - 1) * sizeof(struct cube_tuple *));
    memmove(&c->mask_hashes[i], &c->mask_hashes[i + 1], (c->n_tuples - i - 1) * sizeof(uint64_t));
    c->n_tuples--;
    tuple_free(t);
}

void
cubes_remove(struct cubes *c, struct cube_item *item)
{
    struct cube_tuple *t = find_tuple(c, &item->match->mask, hash_of_mask(&item->match->mask));
    take_out_of_slots(t, item);
    *item->previous_at = item->next_member;
    if (item->next_member)
        item->next_member->previous_at = item->previous_at;
    c->n--;
    t->n--;
    if (!t->n) {
        drop_tuple(c, t);
    } else if (++t->n_removed > t->n) {
        summarise_anew(t);
        reorder(c, t);
    }
}

void
cubes_fini(struct cubes *c)
{
    for (uint32_t i = 0; i < c->n_tuples; i++)
        tuple_free(c->tuples[i]);
    free(c->tuples);
    free(c->mask_hashes);
    *c = (struct cubes){0};
}

void
cube_list_fini(struct cube_list *list)
{
    free(list->items);
    *list = (struct cube_list){0};
}

struct cube_item *
cubes_find(const struct cubes *c, const struct match *m, uint32_t priority)
{
    const struct cube_tuple *t = find_tuple(c, &m->mask, hash_of_mask(&m->mask));
    if (!t)
        return NULL;
    uint32_t hash = tuple_hash(t, &m->value);
    for (struct cube_item *i = *slot_of(t, hash); i; i = i->next) {
        __builtin_prefetch((const char *)i + 64); /* whoever finds it goes on behind it */
        __builtin_prefetch(i->match);
        if (i->hash == hash && i->priority == priority &&
            !memcmp(&i->match->value, &m->value, sizeof m->value))
            return i;
    }
    return NULL;
}

static void
add(struct cube_list *list, struct cube_item *item)
{
    GROW(list->items, list->n, list->capacity);
    list->items[list->n++] = item;
}

static bool
is_before(const struct cube_item *a, const struct cube_item *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return match_compare(a->match, b->match) < 0;
}

static int
by_order(const void *a, const void *b)
{
    const struct cube_item *x = *(struct cube_item *const *)a, *y = *(struct cube_item *const *)b;
    return is_before(x, y) ? -1 : is_before(y, x);
}

void
cube_list_sort(struct cube_list *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof(struct cube_item *), by_order);
}

bool
cubes_take(const struct cubes *c, const struct match *cube, struct cube_list *found)
{
    uint32_t first = found->n, kept = found->n;
    int64_t floor = -1; /* nothing below this has a part of the cube */
    for (uint32_t i = 0; i < c->n_tuples && c->tuples[i]->top >= floor; i++) {
        const struct cube_tuple *t = c->tuples[i];
        if (is_apart(t, cube))
            continue;
        struct places p = places_of(t, cube);
        for (struct cube_item *item = p.first; item; item = next_place(&p, item)) {
            if (is_by_chance(&p, item) || item->priority < floor)
                continue;
            enum meeting how = meet(t, item->match, cube);
            if (how == APART)
                continue;
            add(found, item);
            if (how == CONTAINS && !item->tentative)
                floor = item->priority;
        }
    }
    for (uint32_t i = first; i < found->n; i++) {
        if (found->items[i]->priority >= floor)
            found->items[kept++] = found->items[i];
    }
    found->n = kept;
    if (kept > first + 1)
        qsort(found->items + first, kept - first, sizeof(struct cube_item *), by_order);
    return kept == first + 1 && floor >= 0 && !found->items[first]->tentative;
}

void
cubes_meet(const struct cubes *c, const struct match *cube, uint32_t highest,
           struct cube_list *found)
{
    for (uint32_t i = 0; i < c->n_tuples; i++) {
        const struct cube_tuple *t = c->tuples[i];
        if (t->bottom > highest || is_apart(t, cube))
            continue;
        struct places p = places_of(t, cube);
        for (struct cube_item *item = p.first; item; item = next_place(&p, item)) {
            if (!is_by_chance(&p, item) && item->priority <= highest &&
                meet(t, item->match, cube) != APART)
                add(found, item);
        }
    }
}

struct cube_item *
cubes_containing(const struct cubes *c, const struct match *cube)
{
    struct cube_item *best = NULL;
    for (uint32_t i = 0; i < c->n_tuples; i++) {
        const struct cube_tuple *t = c->tuples[i];
        if (is_apart(t, cube))
            continue;
        struct places p = places_of(t, cube);
        for (struct cube_item *item = p.where == IN_SLOT ? p.first : NULL; item;
             item = item->next) {
            if (item->hash == p.hash && meet(t, item->match, cube) == CONTAINS &&
                (!best || match_compare(item->match, best->match) < 0))
                best = item;
        }
    }
    return best;
}

/* ---- Pieces ---- */

void
pieces_start(struct pieces *p, const struct match *whole)
{
    p->n = 1;
    p->cubes[0] = *whole;
    p->overflow = false;
}

/* Takes what `taken` covers out of the pieces. A piece becomes several: for each bit that `taken`
 * asks for and the piece leaves open, the part that has it the other way. */
void
pieces_subtract(struct pieces *p, const struct match *taken)
{
    uint32_t n_old = p->n;
    for (uint32_t i = 0; i < n_old;) {
        struct match piece = p->cubes[i];
        if (!match_intersect(&piece, taken, NULL)) {
            i++;
            continue;
        }
        p->cubes[i] = p->cubes[--n_old]; /* it goes; its remains come behind the old ones */
        p->cubes[n_old] = p->cubes[--p->n];
        for (int word = 0; word < FLOW_KEY_WORDS; word++) {
            uint64_t open = taken->mask.words[word] & ~piece.mask.words[word];
            while (open) {
                uint64_t bit = open & -open;
                open ^= bit;
                struct match rest = piece;
                rest.mask.words[word] |= bit;
                rest.value.words[word] |= ~taken->value.words[word] & bit;
                if (p->n == PIECES_MAX) {
                    p->overflow = true;
                    return;
                }
                p->cubes[p->n++] = rest;
                piece.mask.words[word] |= bit;
                piece.value.words[word] |= taken->value.words[word] & bit;
            }
        }
    }
}
