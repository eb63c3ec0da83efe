/* lsp_db.c - the table, its two indices, and the list of each PCC.
 *
 * An index is an open-addressed table of (hash, place): eight octets a row, at most three quarters
 * full, and nothing is read of an LSP whose hash is another one. It is searched by PLSP-ID or by
 * name; of a name there may be several, because some routers name candidate paths of different
 * policies alike. */
#include "wan/lsp_db_private.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define NO_PLACE UINT32_MAX

struct row {
    uint32_t hash, place; /* place + 1; 0: empty */
};

struct index {
    struct row *rows;
    uint32_t n, mask; /* rows used; their number less one, or 0 without any */
};

struct slot {
    struct lsp *lsp;
    uint32_t generation;
    uint32_t next_free;
};

struct pcc_lsps {
    uint32_t first, n;
    size_t octets;
};

struct lsp_db {
    struct lsp_limits limits;
    struct slot *slots;
    uint32_t n_slots, slots_capacity, free_slot, total;
    struct pcc_lsps *pccs;
    uint32_t n_pccs, pccs_capacity;
    size_t octets; /* of all PCCs */
    struct index by_plsp_id, by_name;
    uint64_t version, secret;
};

/* ---- hashes */

static uint32_t
hash_plsp_id(const struct lsp_db *db, uint32_t pcc, uint32_t plsp_id)
{
    return (uint32_t)hash_mix(hash_add(db->secret, (uint64_t)pcc << 32 | plsp_id));
}

static uint32_t
hash_name(const struct lsp_db *db, uint32_t pcc, const char *name, size_t length)
{
    return (uint32_t)hash_bytes(name, length, db->secret + pcc);
}

static void
index_grow(struct index *index)
{
    struct row *old = index->rows;
    uint32_t n_old = old ? index->mask + 1 : 0, n = MAX(2 * n_old, 16);
    index->rows = xcalloc(n, sizeof *index->rows);
    index->mask = n - 1;
    for (uint32_t i = 0; i < n_old; i++) {
        uint32_t at = old[i].hash & index->mask;
        if (!old[i].place)
            continue;
        while (index->rows[at].place)
            at = (at + 1) & index->mask;
        index->rows[at] = old[i];
    }
    free(old);
}

static void
index_add(struct index *index, uint32_t hash, uint32_t place)
{
    if (!index->rows || index->n >= (index->mask + 1) / 4 * 3)
        index_grow(index);
    uint32_t at = hash & index->mask;
    while (index->rows[at].place)
        at = (at + 1) & index->mask;
    index->rows[at] = (struct row){hash, place + 1};
    index->n++;
}

/* The rows behind it move up, so that there is never a gap in a run. */
static void
index_remove(struct index *index, uint32_t hash, uint32_t place)
{
    uint32_t at = hash & index->mask, empty;
    while (index->rows[at].place != place + 1)
        at = (at + 1) & index->mask;
    empty = at;
    for (;;) {
        at = (at + 1) & index->mask;
        if (!index->rows[at].place)
            break;
        uint32_t home = index->rows[at].hash & index->mask;
        if (((at - home) & index->mask) >= ((at - empty) & index->mask)) {
            index->rows[empty] = index->rows[at];
            empty = at;
        }
    }
    index->rows[empty] = (struct row){0};
    index->n--;
}

/* ---- the table */

struct lsp_db *
lsp_db_new(const struct lsp_limits *limits)
{
    struct lsp_db *db = xcalloc(1, sizeof *db);
    db->limits = *limits;
    if (!db->limits.lsps)
        db->limits.lsps = 100000;
    if (!db->limits.octets)
        db->limits.octets = (size_t)128 << 20;
    if (!db->limits.total)
        db->limits.total = (size_t)1 << 30;
    if (!db->limits.assured)
        db->limits.assured = (size_t)64 << 10;
    db->free_slot = NO_PLACE;
    db->secret = hash_secret();
    return db;
}

void
lsp_db_free(struct lsp_db *db)
{
    if (!db)
        return;
    for (uint32_t i = 0; i < db->n_slots; i++)
        free(db->slots[i].lsp);
    free(db->slots);
    free(db->pccs);
    free(db->by_plsp_id.rows);
    free(db->by_name.rows);
    free(db);
}

static uint32_t
place_of(uint64_t id)
{
    return (uint32_t)id - 1;
}

static struct lsp *
get(const struct lsp_db *db, uint64_t id)
{
    uint32_t place = place_of(id);
    if (place >= db->n_slots || db->slots[place].generation != id >> 32)
        return NULL;
    return db->slots[place].lsp;
}

static struct pcc_lsps *
pcc_lsps(struct lsp_db *db, uint32_t pcc)
{
    while (db->n_pccs <= pcc) {
        GROW(db->pccs, db->n_pccs, db->pccs_capacity);
        db->pccs[db->n_pccs++] = (struct pcc_lsps){.first = NO_PLACE};
    }
    return &db->pccs[pcc];
}

static uint32_t
take_slot(struct lsp_db *db)
{
    uint32_t place = db->free_slot;
    if (place != NO_PLACE) {
        db->free_slot = db->slots[place].next_free;
    } else {
        GROW(db->slots, db->n_slots, db->slots_capacity);
        place = db->n_slots++;
        db->slots[place] = (struct slot){0};
    }
    return place;
}

static void
link_lsp(struct lsp_db *db, struct lsp *lsp, uint32_t place)
{
    struct pcc_lsps *of = &db->pccs[lsp->pcc];
    lsp->prev = NO_PLACE;
    lsp->next = of->first;
    if (of->first != NO_PLACE)
        db->slots[of->first].lsp->prev = place;
    of->first = place;
    of->n++;
}

static void
unlink_lsp(struct lsp_db *db, const struct lsp *lsp)
{
    struct pcc_lsps *of = &db->pccs[lsp->pcc];
    if (lsp->prev == NO_PLACE)
        of->first = lsp->next;
    else
        db->slots[lsp->prev].lsp->next = lsp->next;
    if (lsp->next != NO_PLACE)
        db->slots[lsp->next].lsp->prev = lsp->prev;
    of->n--;
}

static uint32_t
name_hash_of(const struct lsp_db *db, const struct lsp *lsp)
{
    return hash_name(db, lsp->pcc, lsp_name(lsp), lsp->name_length);
}

static void
unkey_plsp_id(struct lsp_db *db, struct lsp *lsp)
{
    if (lsp->plsp_id)
        index_remove(&db->by_plsp_id, hash_plsp_id(db, lsp->pcc, lsp->plsp_id), place_of(lsp->id));
    lsp->plsp_id = 0;
}

static void
key_plsp_id(struct lsp_db *db, struct lsp *lsp, uint32_t plsp_id)
{
    lsp->plsp_id = plsp_id;
    index_add(&db->by_plsp_id, hash_plsp_id(db, lsp->pcc, plsp_id), place_of(lsp->id));
}

/* ---- looking up */

static struct lsp *
find(const struct lsp_db *db, uint32_t pcc, uint32_t plsp_id)
{
    const struct index *index = &db->by_plsp_id;
    uint32_t hash = hash_plsp_id(db, pcc, plsp_id);
    if (!index->rows || !plsp_id)
        return NULL;
    for (uint32_t at = hash & index->mask; index->rows[at].place; at = (at + 1) & index->mask) {
        if (index->rows[at].hash != hash)
            continue;
        struct lsp *lsp = db->slots[index->rows[at].place - 1].lsp;
        if (lsp->pcc == pcc && lsp->plsp_id == plsp_id)
            return lsp;
    }
    return NULL;
}

static bool
has_name(const struct lsp *lsp, uint32_t pcc, const char *name, size_t length)
{
    return lsp->pcc == pcc && lsp->name_length == length && !memcmp(lsp->packed, name, length);
}

/* The best of those with that name: for which `fits` says most; 0: not at all. There may be as many
 * as a PCC likes to name alike, so it looks at a few only. */
static struct lsp *
find_name(const struct lsp_db *db, uint32_t pcc, const char *name, size_t length,
          unsigned (*fits)(const struct lsp *, const void *arg), const void *arg)
{
    const struct index *index = &db->by_name;
    uint32_t hash = hash_name(db, pcc, name, length);
    struct lsp *best = NULL;
    unsigned most = 0, looked_at = 0;
    if (!index->rows)
        return NULL;
    for (uint32_t at = hash & index->mask; index->rows[at].place && looked_at < 64;
         at = (at + 1) & index->mask) {
        if (index->rows[at].hash != hash)
            continue;
        struct lsp *lsp = db->slots[index->rows[at].place - 1].lsp;
        if (!has_name(lsp, pcc, name, length))
            continue;
        looked_at++;
        unsigned fit = fits(lsp, arg);
        if (fit > most) {
            most = fit;
            best = lsp;
        }
    }
    return best;
}

static unsigned
rather_fresh(const struct lsp *lsp, const void *arg UNUSED)
{
    return lsp->stale ? 1 : 2;
}

static unsigned
fresh_only(const struct lsp *lsp, const void *arg UNUSED)
{
    return !lsp->stale;
}

/* The LSP of an earlier session that is reported under another PLSP-ID. */
static unsigned
stale_and_alike(const struct lsp *lsp, const void *arg)
{
    const struct lsp_report *report = arg;
    if (!lsp->stale)
        return 0;
    if (!report->destination.family)
        return 1;
    return te_address_equal(&lsp->destination, &report->destination)
               ? 2 + (lsp->tunnel_id == report->tunnel_id)
               : 0;
}

const struct lsp *
lsp_db_get(const struct lsp_db *db, uint64_t id)
{
    return get(db, id);
}

const struct lsp *
lsp_db_find(const struct lsp_db *db, uint32_t pcc, uint32_t plsp_id)
{
    return find(db, pcc, plsp_id);
}

const struct lsp *
lsp_db_find_name(const struct lsp_db *db, uint32_t pcc, const char *name, size_t length)
{
    return find_name(db, pcc, name, length, rather_fresh, NULL);
}

/* ---- entering */

static enum err
check_limits(const struct lsp_db *db, uint32_t pcc, const struct lsp *old, const struct lsp *new)
{
    const struct pcc_lsps *of = &db->pccs[pcc];
    size_t more = lsp_size(new), less = old ? lsp_size(old) : 0;
    size_t octets = of->octets + more - less, total = db->octets + more - less;
    bool fits = octets <= db->limits.octets &&
                (total <= db->limits.total || octets <= db->limits.assured);
    if ((!old && of->n >= db->limits.lsps) || (more > less && !fits))
        return ERR_LIMIT;
    return ERR_OK;
}

/* What the report is about; NULL: something new. */
static enum err
identify(struct lsp_db *db, uint32_t pcc, const struct lsp_report *report, struct lsp **result)
{
    struct lsp *lsp = find(db, pcc, report->plsp_id);
    bool renamed = lsp && report->name && !has_name(lsp, pcc, report->name, report->name_length);
    if (renamed && !lsp->stale)
        return ERR_CONFLICT;
    if (!report->name && !lsp)
        return ERR_NOT_FOUND;
    if (!lsp || renamed)
        lsp = find_name(db, pcc, report->name, report->name_length, stale_and_alike, report);
    *result = lsp;
    return ERR_OK;
}

static void
enter(struct lsp_db *db, struct lsp *lsp, uint32_t plsp_id)
{
    uint32_t place = take_slot(db);
    struct slot *slot = &db->slots[place];
    slot->lsp = lsp;
    lsp->id = (uint64_t)++slot->generation << 32 | (place + 1);
    lsp->shares_name = find_name(db, lsp->pcc, lsp_name(lsp), lsp->name_length, fresh_only, NULL) !=
                       NULL;
    link_lsp(db, lsp, place);
    index_add(&db->by_name, name_hash_of(db, lsp), place);
    key_plsp_id(db, lsp, plsp_id);
    db->total++;
}

/* Puts `new` where `old` was. */
static void
replace(struct lsp_db *db, struct lsp *old, struct lsp *new)
{
    db->slots[place_of(old->id)].lsp = new;
    new->id = old->id;
    new->prev = old->prev;
    new->next = old->next;
    new->srp_id = old->srp_id;
    new->orphan = old->orphan;
    new->initiated = old->initiated;
    new->shares_name = old->shares_name;
    free(old);
}

static struct lsp *
clear_plsp_id(struct lsp_db *db, uint32_t pcc, uint32_t plsp_id)
{
    struct lsp *other = find(db, pcc, plsp_id);
    if (other)
        unkey_plsp_id(db, other);
    return other;
}

static unsigned
update(struct lsp_db *db, struct lsp *old, struct lsp *new, uint32_t plsp_id)
{
    unsigned changed = lsp_compare(old, new);
    if (old->stale)
        changed |= LSP_IS_FRESH;
    new->plsp_id = old->plsp_id;
    replace(db, old, new);
    if (new->plsp_id != plsp_id) {
        clear_plsp_id(db, new->pcc, plsp_id);
        unkey_plsp_id(db, new);
        key_plsp_id(db, new, plsp_id);
        changed |= LSP_RENUMBERED;
    }
    return changed;
}

enum err
lsp_db_put(struct lsp_db *db, uint32_t pcc, const struct lsp_report *report, nsec_t now,
           uint64_t *id, unsigned *changed)
{
    struct lsp *old = NULL, *new;
    struct pcc_lsps *of = pcc_lsps(db, pcc);
    if (!report->plsp_id)
        return ERR_INVALID;
    enum err err = identify(db, pcc, report, &old);
    if (!err)
        err = lsp_pack(report, old, &new);
    if (err)
        return err;
    err = check_limits(db, pcc, old, new);
    if (err) {
        free(new);
        return err;
    }
    new->pcc = pcc;
    of->octets += lsp_size(new) - (old ? lsp_size(old) : 0);
    db->octets += lsp_size(new) - (old ? lsp_size(old) : 0);
    if (old) {
        nsec_t before = old->changed;
        *changed = update(db, old, new, report->plsp_id);
        new->changed = *changed & ~(unsigned)LSP_IS_FRESH ? now : before;
    } else {
        clear_plsp_id(db, pcc, report->plsp_id);
        enter(db, new, report->plsp_id);
        *changed = LSP_IS_NEW | (new->shares_name ? LSP_NAME_TAKEN : 0);
        new->changed = now;
    }
    *id = new->id;
    db->version += *changed != 0;
    return ERR_OK;
}

/* ---- taking out */

struct lsp *
lsp_db_take(struct lsp_db *db, uint64_t id)
{
    struct lsp *lsp = get(db, id);
    if (!lsp)
        return NULL;
    uint32_t place = place_of(id), plsp_id = lsp->plsp_id;
    unkey_plsp_id(db, lsp);
    index_remove(&db->by_name, name_hash_of(db, lsp), place);
    unlink_lsp(db, lsp);
    db->pccs[lsp->pcc].octets -= lsp_size(lsp);
    db->octets -= lsp_size(lsp);
    db->slots[place].lsp = NULL;
    db->slots[place].next_free = db->free_slot;
    db->free_slot = place;
    db->total--;
    db->version++;
    lsp->plsp_id = plsp_id; /* as it was known */
    return lsp;
}

void
lsp_db_remove(struct lsp_db *db, uint64_t id)
{
    free(lsp_db_take(db, id));
}

/* ---- marks */

static struct lsp *
at_place(const struct lsp_db *db, uint32_t place)
{
    return place == NO_PLACE ? NULL : db->slots[place].lsp;
}

static struct lsp *
first(const struct lsp_db *db, uint32_t pcc)
{
    return pcc < db->n_pccs ? at_place(db, db->pccs[pcc].first) : NULL;
}

uint32_t
lsp_db_mark_stale(struct lsp_db *db, uint32_t pcc)
{
    uint32_t n = 0;
    for (struct lsp *lsp = first(db, pcc); lsp; lsp = at_place(db, lsp->next)) {
        n += !lsp->stale;
        lsp->stale = true;
    }
    db->version += n != 0;
    return n;
}

void
lsp_db_mark_fresh(struct lsp_db *db, uint32_t pcc)
{
    for (struct lsp *lsp = first(db, pcc); lsp; lsp = at_place(db, lsp->next))
        lsp->stale = false;
    db->version++;
}

void
lsp_db_set_srp(struct lsp_db *db, uint64_t id, uint32_t srp_id)
{
    struct lsp *lsp = get(db, id);
    if (lsp)
        lsp->srp_id = srp_id;
}

void
lsp_db_set_orphan(struct lsp_db *db, uint64_t id, bool orphan)
{
    struct lsp *lsp = get(db, id);
    if (lsp)
        lsp->orphan = orphan;
}

void
lsp_db_set_initiated(struct lsp_db *db, uint64_t id)
{
    struct lsp *lsp = get(db, id);
    if (lsp)
        lsp->initiated = true;
}

/* ---- listing */

const struct lsp *
lsp_db_first(const struct lsp_db *db, uint32_t pcc)
{
    return first(db, pcc);
}

const struct lsp *
lsp_db_next(const struct lsp_db *db, const struct lsp *lsp)
{
    return at_place(db, lsp->next);
}

const struct lsp *
lsp_db_after(const struct lsp_db *db, uint64_t after)
{
    for (uint32_t place = after ? place_of(after) + 1 : 0; place < db->n_slots; place++)
        if (db->slots[place].lsp)
            return db->slots[place].lsp;
    return NULL;
}

uint32_t
lsp_db_count(const struct lsp_db *db, uint32_t pcc)
{
    return pcc < db->n_pccs ? db->pccs[pcc].n : 0;
}

size_t
lsp_db_octets(const struct lsp_db *db, uint32_t pcc)
{
    return pcc < db->n_pccs ? db->pccs[pcc].octets : 0;
}

size_t
lsp_db_total_octets(const struct lsp_db *db)
{
    return db->octets;
}

uint32_t
lsp_db_total(const struct lsp_db *db)
{
    return db->total;
}

uint64_t
lsp_db_version(const struct lsp_db *db)
{
    return db->version;
}
