/* An entry is fresh if it has the table's generation: a new generation makes all of them stale at
 * once, and sweeping is one walk. A walk over all costs the peer a session, a refresh or an
 * End-of-RIB, and the last two only walk when there is something stale. */
#include "proto/bgpls/bgpls_rib.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>

#define ATTRIBUTE_BUDGET ((size_t)1 << 20) /* decoded: enough for 64 KiB of anything sensible */
#define OVERHEAD 32                        /* of the allocator, and of the table's buckets */

struct entry {
    UT_hash_handle hh;
    uint32_t generation;
    uint32_t key_size, attribute_size, capacity; /* octets; `capacity` of both */
    uint8_t octets[];
};

struct bgpls_rib {
    struct bgpls_rib_config config;
    struct entry *entries;
    uint32_t generation;
    bool up, complete;
    nsec_t sweep_at;
    struct arena *arena;
    struct bgpls_rib_stats stats;
};

/* What an UPDATE announces with. */
struct incoming {
    struct bgp_span octets;
    struct bgpls_attributes attributes;
};

struct bgpls_rib *
bgpls_rib_new(const struct bgpls_rib_config *config)
{
    struct bgpls_rib *rib = xcalloc(1, sizeof *rib);
    rib->config = *config;
    if (!rib->config.budget)
        rib->config.budget = (size_t)256 << 20;
    if (!rib->config.stale_limit)
        rib->config.stale_limit = 600 * NSEC_PER_SEC;
    rib->sweep_at = NSEC_NEVER;
    rib->arena = arena_new(ATTRIBUTE_BUDGET);
    return rib;
}

static void
drop_entry(struct bgpls_rib *rib, struct entry *entry)
{
    HASH_DEL(rib->entries, entry);
    rib->stats.n--;
    rib->stats.n_stale -= entry->generation != rib->generation;
    rib->stats.memory -= sizeof *entry + OVERHEAD + entry->capacity;
    free(entry);
}

void
bgpls_rib_free(struct bgpls_rib *rib)
{
    struct entry *entry, *next;
    if (!rib)
        return;
    HASH_ITER (hh, rib->entries, entry, next)
        drop_entry(rib, entry);
    arena_free(rib->arena);
    free(rib);
}

/* ---- telling */

static void
tell(struct bgpls_rib *rib, const struct bgpls_change *change)
{
    if (rib->config.changed)
        rib->config.changed(rib->config.arg, change);
}

static struct bgpls_nlri
nlri_of(const struct entry *entry)
{
    struct bgpls_nlri nlri;
    const uint8_t *data = entry->octets;
    size_t size = entry->key_size;
    const char *what;
    (void)!bgpls_nlri_next(&data, &size, &nlri, &what); /* it was good when it came */
    return nlri;
}

static void
tell_entry(struct bgpls_rib *rib, const struct entry *entry, enum bgpls_change_kind kind)
{
    struct bgpls_nlri nlri = nlri_of(entry);
    tell(rib, &(struct bgpls_change){.kind = kind, .nlri = &nlri});
}

/* ---- generations */

static void
end_all(struct bgpls_rib *rib, enum bgpls_change_kind kind, bool stale_only)
{
    struct entry *entry, *next;
    HASH_ITER (hh, rib->entries, entry, next) {
        if (stale_only && entry->generation == rib->generation)
            continue;
        tell_entry(rib, entry, kind);
        if (kind == BGPLS_SWEPT)
            rib->stats.swept++;
        else
            rib->stats.withdrawn++;
        drop_entry(rib, entry);
    }
}

static void
sweep(struct bgpls_rib *rib)
{
    rib->sweep_at = NSEC_NEVER;
    if (rib->stats.n_stale)
        end_all(rib, BGPLS_SWEPT, true);
}

static void
begin_generation(struct bgpls_rib *rib, bool tell_it)
{
    if (rib->stats.n_stale) /* of the time before: told again by neither (RFC 4724 section 4.2) */
        end_all(rib, BGPLS_SWEPT, true);
    rib->generation++;
    rib->stats.n_stale = rib->stats.n;
    struct entry *entry, *next;
    if (tell_it)
        HASH_ITER (hh, rib->entries, entry, next)
            tell_entry(rib, entry, BGPLS_STALE);
}

void
bgpls_rib_up(struct bgpls_rib *rib, const struct bgp_open *peer, nsec_t now)
{
    bool kept = peer->graceful_restart && peer->restart_link_state && peer->forwarding_preserved;
    rib->up = true;
    rib->complete = false;
    if (!rib->stats.n_stale)
        return;
    if (kept)
        rib->sweep_at = now + rib->config.stale_limit;
    else
        sweep(rib);
}

void
bgpls_rib_down(struct bgpls_rib *rib, bool graceful, nsec_t restart_time, nsec_t now)
{
    if (!rib->up)
        return;
    rib->up = rib->complete = false;
    rib->sweep_at = NSEC_NEVER;
    if (!graceful || !restart_time) {
        end_all(rib, BGPLS_WITHDRAWN, false);
        return;
    }
    begin_generation(rib, true);
    rib->sweep_at = now + restart_time;
}

void
bgpls_rib_refresh(struct bgpls_rib *rib, enum bgp_refresh subtype, nsec_t now)
{
    if (subtype == BGP_REFRESH_BEGIN) {
        begin_generation(rib, false);
        rib->sweep_at = now + rib->config.stale_limit;
    } else if (subtype == BGP_REFRESH_END) {
        sweep(rib);
    }
}

void
bgpls_rib_tick(struct bgpls_rib *rib, nsec_t now)
{
    if (now >= rib->sweep_at)
        sweep(rib);
}

nsec_t
bgpls_rib_deadline(const struct bgpls_rib *rib)
{
    return rib->sweep_at;
}

/* ---- entries */

static struct entry *
find(const struct bgpls_rib *rib, const uint8_t *key, size_t size)
{
    struct entry *entry;
    HASH_FIND(hh, rib->entries, key, size, entry);
    return entry;
}

static struct entry *
add_entry(struct bgpls_rib *rib, const struct bgpls_nlri *nlri, size_t attribute_size)
{
    size_t capacity = nlri->size + attribute_size,
           memory = sizeof(struct entry) + capacity + OVERHEAD;
    if (memory > rib->config.budget - MIN(rib->stats.memory, rib->config.budget))
        return NULL;
    struct entry *entry = xmalloc(sizeof *entry + capacity);
    entry->key_size = (uint32_t)nlri->size;
    entry->attribute_size = 0;
    entry->capacity = (uint32_t)capacity;
    entry->generation = rib->generation;
    memcpy(entry->octets, nlri->octets, nlri->size);
    HASH_ADD_KEYPTR(hh, rib->entries, entry->octets, entry->key_size, entry);
    rib->stats.n++;
    rib->stats.memory += memory;
    return entry;
}

static void
set_attribute(struct entry *entry, const struct bgp_span *octets)
{
    entry->attribute_size = (uint32_t)octets->size;
    if (octets->size)
        memcpy(entry->octets + entry->key_size, octets->data, octets->size);
}

static void
freshen(struct bgpls_rib *rib, struct entry *entry)
{
    rib->stats.n_stale -= entry->generation != rib->generation;
    entry->generation = rib->generation;
}

static void
refuse(struct bgpls_rib *rib, const struct bgpls_nlri *nlri)
{
    rib->stats.refused++;
    tell(rib, &(struct bgpls_change){
                  .kind = BGPLS_REFUSED, .nlri = nlri, .why = "the peer's budget is used up"});
}

/* Is there, with another attribute. If there is no room for that, the NLRI goes: an old attribute
 * would be a lie. */
static void
change_entry(struct bgpls_rib *rib, struct entry *entry, const struct bgpls_nlri *nlri,
             const struct incoming *in)
{
    freshen(rib, entry);
    if (entry->key_size + in->octets.size > entry->capacity) {
        drop_entry(rib, entry);
        entry = add_entry(rib, nlri, in->octets.size);
        if (!entry) {
            tell(rib, &(struct bgpls_change){.kind = BGPLS_WITHDRAWN, .nlri = nlri});
            rib->stats.withdrawn++;
            refuse(rib, nlri);
            return;
        }
    }
    set_attribute(entry, &in->octets);
    rib->stats.changed++;
    tell(rib, &(struct bgpls_change){
                  .kind = BGPLS_CHANGED, .nlri = nlri, .attributes = &in->attributes});
}

static void
announce(struct bgpls_rib *rib, const struct bgpls_nlri *nlri, const struct incoming *in)
{
    struct entry *entry = find(rib, nlri->octets, nlri->size);
    if (!entry) {
        entry = add_entry(rib, nlri, in->octets.size);
        if (!entry) {
            refuse(rib, nlri);
            return;
        }
        set_attribute(entry, &in->octets);
        rib->stats.added++;
        tell(rib, &(struct bgpls_change){
                      .kind = BGPLS_ADDED, .nlri = nlri, .attributes = &in->attributes});
        return;
    }
    bool same = entry->attribute_size == in->octets.size &&
                (!in->octets.size ||
                 memcmp(entry->octets + entry->key_size, in->octets.data, in->octets.size) == 0);
    if (!same) {
        change_entry(rib, entry, nlri, in);
        return;
    }
    bool stale = entry->generation != rib->generation;
    freshen(rib, entry);
    rib->stats.unchanged++;
    if (stale)
        tell(rib, &(struct bgpls_change){.kind = BGPLS_CHANGED,
                                         .nlri = nlri,
                                         .attributes = &in->attributes,
                                         .refreshed = true});
}

static void
withdraw(struct bgpls_rib *rib, const struct bgpls_nlri *nlri)
{
    struct entry *entry = find(rib, nlri->octets, nlri->size);
    if (!entry) {
        rib->stats.unknown++;
        return;
    }
    rib->stats.withdrawn++;
    drop_entry(rib, entry);
    tell(rib, &(struct bgpls_change){.kind = BGPLS_WITHDRAWN, .nlri = nlri});
}

/* ---- updates */

/* Do NLRI fill the octets? Looked at before any of them is taken. */
static bool
is_framed(struct bgp_span nlri)
{
    size_t at = 0;
    while (nlri.size - at >= 4 && nlri.size - at - 4 >= get_be16(nlri.data + at + 2))
        at += 4u + get_be16(nlri.data + at + 2);
    return at == nlri.size;
}

/* `in` NULL: they are withdrawn. */
static void
take_all(struct bgpls_rib *rib, struct bgp_span octets, const struct incoming *in)
{
    struct bgpls_nlri nlri;
    const char *what;
    enum err err;
    while ((err = bgpls_nlri_next(&octets.data, &octets.size, &nlri, &what)) != ERR_NOT_FOUND) {
        if (err == ERR_MALFORMED) {
            rib->stats.discarded_nlri++;
            tell(rib, &(struct bgpls_change){.kind = BGPLS_DISCARDED, .nlri = &nlri, .why = what});
        } else if (err) {
            return;
        } else if (in) {
            announce(rib, &nlri, in);
        } else {
            withdraw(rib, &nlri);
        }
    }
}

static bool
is_own(const struct bgpls_rib *rib, const struct bgp_update *update, bool four_octet_as)
{
    const struct bgpls_rib_config *c = &rib->config;
    return (c->local_as && bgp_as_path_has(&update->as_path, four_octet_as, c->local_as)) ||
           (c->identifier && ((update->has_originator && update->originator == c->identifier) ||
                              bgp_cluster_list_has(&update->cluster_list, c->identifier)));
}

static void
tell_discarded(struct bgpls_rib *rib, struct bgp_span octets, const char *why)
{
    struct bgpls_nlri nlri;
    const char *what;
    rib->stats.discarded_attributes++;
    enum err err = bgpls_nlri_next(&octets.data, &octets.size, &nlri, &what);
    if (err == ERR_OK || err == ERR_MALFORMED)
        tell(rib, &(struct bgpls_change){.kind = BGPLS_DISCARDED, .nlri = &nlri, .why = why});
}

static void
announce_all(struct bgpls_rib *rib, const struct bgp_update *update)
{
    struct incoming in = {.octets = update->link_state};
    struct diag diag;
    arena_reset(rib->arena);
    if (bgpls_attributes_decode(in.octets.data, in.octets.size, rib->arena, &in.attributes,
                                &diag)) {
        struct buf why = BUF_INIT;
        buf_printf(&why, "BGP-LS attribute: %s (RFC 9552 8.2.2)", diag.text);
        tell_discarded(rib, update->reach, buf_cstr(&why));
        buf_fini(&why);
        in.octets = (struct bgp_span){NULL, 0};
    }
    rib->stats.dropped_values += in.attributes.n_dropped;
    take_all(rib, update->reach, &in);
}

enum err
bgpls_rib_update(struct bgpls_rib *rib, const struct bgp_update *update, bool four_octet_as,
                 struct bgp_error *error)
{
    if (!is_framed(update->unreach) || !is_framed(update->reach))
        return bgp_error_set(error, BGP_ERR_UPDATE, BGP_UPDATE_OPTIONAL_ATTRIBUTE, NULL, 0);
    take_all(rib, update->unreach, NULL);
    bool own = is_own(rib, update, four_octet_as);
    rib->stats.loops += own;
    /* What we said ourselves is no news, but it takes the place of what was there. */
    if (update->verdict == BGP_TREAT_AS_WITHDRAW || own)
        take_all(rib, update->reach, NULL);
    else if (update->reach.size)
        announce_all(rib, update);
    if (update->end_of_rib) {
        rib->complete = true;
        sweep(rib);
    }
    return ERR_OK;
}

/* ---- asking */

bool
bgpls_rib_is_complete(const struct bgpls_rib *rib)
{
    return rib->complete;
}

const struct bgpls_rib_stats *
bgpls_rib_stats(const struct bgpls_rib *rib)
{
    return &rib->stats;
}

void
bgpls_rib_each(struct bgpls_rib *rib, bgpls_change_fn *fn, void *arg)
{
    struct entry *entry, *next;
    HASH_ITER (hh, rib->entries, entry, next) {
        struct bgpls_nlri nlri = nlri_of(entry);
        struct bgpls_attributes attributes;
        arena_reset(rib->arena);
        (void)!bgpls_attributes_decode(entry->octets + entry->key_size, entry->attribute_size,
                                       rib->arena, &attributes, NULL);
        fn(arg,
           &(struct bgpls_change){.kind = BGPLS_ADDED, .nlri = &nlri, .attributes = &attributes});
    }
}

enum err
bgpls_rib_find(const struct bgpls_rib *rib, struct bgp_span nlri, struct bgp_span *attribute,
               bool *stale)
{
    const struct entry *entry = find(rib, nlri.data, nlri.size);
    if (!entry)
        return ERR_NOT_FOUND;
    *attribute = (struct bgp_span){entry->octets + entry->key_size, entry->attribute_size};
    *stale = entry->generation != rib->generation;
    return ERR_OK;
}
