/* feed_ospf_lsdb.c - LSAs by router and area, and records made of them.
 *
 * A router's records are made anew, as a whole, when one of its LSAs changed, and compared with
 * those that were made before: the database is told the difference. Routers at a network are looked
 * at again when the network LSA changes. */
#include "wan/feed_ospf_lsdb.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/hash_table.h"
#include "proto/ospf/ospf_lsa.h"

#define LSA_BUDGET ((size_t)1 << 20)

struct lsa_key {
    uint32_t area, id, router;
    uint32_t type;
};

struct lsa {
    struct lsa_key key;
    uint32_t sequence;
    size_t size;
    struct arena *arena;
    struct ospf_lsa decoded;
    struct router *of;
    struct lsa *prev, *next; /* of the same router */
    UT_hash_handle hh;
    uint8_t octets[];
};

struct link_told {
    struct ted_link_id id;
    bool again;
    UT_hash_handle hh;
};

struct prefix_told {
    struct ted_prefix_record r;
    bool again;
    struct prefix_told *next;
};

struct router {
    struct {
        uint32_t area, id;
    } key;
    struct lsa *lsas;
    uint32_t n_lsas;
    bool dirty, told;
    struct router *next_dirty;
    struct link_told *links;
    struct prefix_told *prefixes;
    UT_hash_handle hh;
};

struct ospf_lsdb {
    struct ted *ted;
    uint32_t source;
    struct lsa *lsas;
    struct router *routers;
    struct lsa_network { /* which LSA is of the network of that designated router */
        struct {
            uint32_t area, address;
        } key;
        struct lsa *lsa;
        UT_hash_handle hh;
    } * networks;
    struct router *dirty;
    struct ospf_lsdb_counters counters;
};

struct ospf_lsdb *
ospf_lsdb_new(struct ted *ted, uint32_t source)
{
    struct ospf_lsdb *db = xcalloc(1, sizeof *db);
    db->ted = ted;
    db->source = source;
    return db;
}

/* ---- routers */

static struct router *
find_router(struct ospf_lsdb *db, uint32_t area, uint32_t id)
{
    struct router *router;
    uint32_t key[2] = {area, id};
    HASH_FIND(hh, db->routers, key, sizeof key, router);
    return router;
}

static struct router *
make_router(struct ospf_lsdb *db, uint32_t area, uint32_t id)
{
    struct router *router = find_router(db, area, id);
    if (!router) {
        router = xcalloc(1, sizeof *router);
        router->key.area = area;
        router->key.id = id;
        HASH_ADD(hh, db->routers, key, sizeof router->key, router);
    }
    return router;
}

static void
touch(struct ospf_lsdb *db, struct router *router)
{
    if (!router || router->dirty)
        return;
    router->dirty = true;
    router->next_dirty = db->dirty;
    db->dirty = router;
}

/* ---- networks */

static struct lsa_network *
find_network(struct ospf_lsdb *db, uint32_t area, uint32_t address)
{
    struct lsa_network *network;
    uint32_t key[2] = {area, address};
    HASH_FIND(hh, db->networks, key, sizeof key, network);
    return network;
}

/* Who is at it has to be looked at again. */
static void
touch_network(struct ospf_lsdb *db, const struct lsa *lsa)
{
    if (lsa->decoded.body != OSPF_NETWORK)
        return;
    for (uint32_t i = 0; i < lsa->decoded.network.n_routers; i++)
        touch(db, find_router(db, lsa->key.area, lsa->decoded.network.routers[i]));
}

static void
enter_network(struct ospf_lsdb *db, struct lsa *lsa)
{
    if (lsa->decoded.body != OSPF_NETWORK)
        return;
    struct lsa_network *network = find_network(db, lsa->key.area, lsa->key.id);
    if (!network) {
        network = xcalloc(1, sizeof *network);
        network->key.area = lsa->key.area;
        network->key.address = lsa->key.id;
        HASH_ADD(hh, db->networks, key, sizeof network->key, network);
    }
    network->lsa = lsa; /* of two designated routers the one that was heard last */
    touch_network(db, lsa);
}

static void
leave_network(struct ospf_lsdb *db, struct lsa *lsa)
{
    if (lsa->decoded.body != OSPF_NETWORK)
        return;
    struct lsa_network *network = find_network(db, lsa->key.area, lsa->key.id);
    touch_network(db, lsa);
    if (!network || network->lsa != lsa)
        return;
    HASH_DEL(db->networks, network);
    free(network);
}

/* ---- LSAs */

static void
lsa_remove(struct ospf_lsdb *db, struct lsa *lsa)
{
    leave_network(db, lsa);
    touch(db, lsa->of);
    if (lsa->prev)
        lsa->prev->next = lsa->next;
    else
        lsa->of->lsas = lsa->next;
    if (lsa->next)
        lsa->next->prev = lsa->prev;
    lsa->of->n_lsas--;
    HASH_DEL(db->lsas, lsa);
    arena_free(lsa->arena);
    free(lsa);
}

static enum err
lsa_add(struct ospf_lsdb *db, const struct lsa_key *key, struct arena *arena,
        const struct ospf_lsa *decoded, const uint8_t *octets, size_t size, struct diag *diag)
{
    struct router *router = make_router(db, key->area, key->router);
    if (HASH_COUNT(db->lsas) >= OSPF_LSDB_LSAS_MAX || router->n_lsas >= OSPF_LSDB_ROUTER_MAX) {
        arena_free(arena);
        touch(db, router); /* it may have none at all */
        return diag_set(diag, ERR_LIMIT, "too many LSAs");
    }
    struct lsa *lsa = xcalloc(1, sizeof *lsa + size);
    lsa->key = *key;
    lsa->sequence = decoded->sequence;
    lsa->size = size;
    memcpy(lsa->octets, octets, size);
    lsa->arena = arena;
    lsa->decoded = *decoded;
    lsa->of = router;
    lsa->next = router->lsas;
    if (router->lsas)
        router->lsas->prev = lsa;
    router->lsas = lsa;
    router->n_lsas++;
    HASH_ADD(hh, db->lsas, key, sizeof lsa->key, lsa);
    enter_network(db, lsa);
    touch(db, router);
    return ERR_OK;
}

/* All but age, sequence number and checksum. */
static bool
same_content(const struct lsa *lsa, const uint8_t *octets, size_t size)
{
    return lsa->size == size && lsa->octets[2] == octets[2] &&
           !memcmp(lsa->octets + OSPF_LSA_HEADER_SIZE, octets + OSPF_LSA_HEADER_SIZE,
                   size - OSPF_LSA_HEADER_SIZE);
}

/* Signed (RFC 2328 section 12.1.6). */
static bool
is_older(uint32_t a, uint32_t b)
{
    return (int32_t)a < (int32_t)b;
}

static enum err
decode(struct ospf_lsdb *db, const uint8_t *octets, size_t size, struct arena *arena,
       struct ospf_lsa *decoded, struct diag *diag)
{
    struct cursor in = cursor_over(octets, size);
    enum err err = ospf_lsa_decode(&in, arena, decoded);
    if (err) {
        db->counters.malformed++;
        cursor_explain(&in, diag);
    }
    return err;
}

enum err
ospf_lsdb_put(struct ospf_lsdb *db, uint32_t area, const uint8_t *octets, size_t size, bool gone,
              struct diag *diag)
{
    struct arena *arena = arena_new(LSA_BUDGET);
    struct ospf_lsa decoded;
    struct lsa *old;
    enum err err = decode(db, octets, size, arena, &decoded, diag);
    if (err) {
        arena_free(arena);
        return err;
    }
    struct lsa_key key = {area, decoded.id, decoded.router, decoded.type};
    HASH_FIND(hh, db->lsas, &key, sizeof key, old);
    db->counters.updates++;
    bool older = old && is_older(decoded.sequence, old->sequence);
    bool going = gone || decoded.age >= OSPF_MAX_AGE;
    bool same = old && !going && !older && same_content(old, octets, size);
    db->counters.older += older;
    db->counters.unchanged += same;
    if (same)
        old->sequence = decoded.sequence;
    if (older || same || going || decoded.body == OSPF_OTHER) {
        arena_free(arena);
        if (going && !older && old) {
            db->counters.withdrawn++;
            lsa_remove(db, old);
        }
        return ERR_OK;
    }
    if (old)
        lsa_remove(db, old);
    return lsa_add(db, &key, arena, &decoded, octets, size, diag);
}

/* ---- records: ids */

static struct te_address
address_of(uint32_t number)
{
    struct te_address a = {.family = number ? 4 : 0};
    put_be32(a.octets, number);
    return a;
}

static struct ted_node_id
router_id(uint32_t area, uint32_t id)
{
    struct ted_node_id node = {.protocol = TED_OSPFV2, .size = 4, .area = area};
    put_be32(node.router_id, id);
    return node;
}

/* Of the network that this LSA is of. */
static struct ted_node_id
network_id(const struct lsa *lsa)
{
    struct ted_node_id node = {.protocol = TED_OSPFV2, .size = 8, .area = lsa->key.area};
    put_be32(node.router_id, lsa->key.router);
    put_be32(node.router_id + 4, lsa->key.id);
    return node;
}

/* ---- records: links */

/* What a router's LSAs say, by local address. */
struct extras {
    struct extra {
        uint32_t address;
        const struct ospf_te_link *te;
        uint32_t label;
        UT_hash_handle hh;
    } * extras;
    uint32_t te_router;
};

static struct extra *
extra_at(struct extras *extras, uint32_t address)
{
    struct extra *extra;
    HASH_FIND(hh, extras->extras, &address, sizeof address, extra);
    if (!extra) {
        extra = xcalloc(1, sizeof *extra);
        extra->address = address;
        extra->label = OSPF_NO_SID;
        HASH_ADD(hh, extras->extras, address, sizeof extra->address, extra);
    }
    return extra;
}

static void
gather_extras(const struct router *router, struct extras *extras)
{
    for (const struct lsa *lsa = router->lsas; lsa; lsa = lsa->next) {
        const struct ospf_lsa *d = &lsa->decoded;
        if (d->body == OSPF_TE) {
            if (d->te.router)
                extras->te_router = d->te.router;
            if (d->te.has_link && d->te.link.local_address)
                extra_at(extras, d->te.link.local_address)->te = &d->te.link;
        } else if (d->body == OSPF_EXTENDED_LINK) {
            extra_at(extras, d->link.data)->label = d->link.label;
        }
    }
}

static void
free_extras(struct extras *extras)
{
    struct extra *extra, *next;
    HASH_ITER (hh, extras->extras, extra, next) {
        HASH_DEL(extras->extras, extra);
        free(extra);
    }
}

static void
put_bandwidths(struct ted_link_record *r, const struct ospf_te_link *te)
{
    if (te->told & OSPF_TE_MAX_BANDWIDTH)
        ted_link_bandwidth(r, TED_CAPACITY, 0, (double)te->max_bandwidth);
    if (te->told & OSPF_TE_MAX_RESERVABLE)
        ted_link_bandwidth(r, TED_RESERVABLE, 0, (double)te->max_reservable);
    for (unsigned p = 0; te->told & OSPF_TE_UNRESERVED && p < TE_PRIORITIES; p++)
        ted_link_bandwidth(r, TED_UNRESERVED, p, (double)te->unreserved[p]);
}

static void
put_delays(struct ted_link_record *r, const struct ospf_te_link *te)
{
    if (te->told & OSPF_TE_DELAY) {
        r->told |= TED_BIT(TED_DELAY);
        r->delay_us = te->delay_us;
        r->delay_min_us = te->min_delay_us;
        r->delay_max_us = te->max_delay_us;
    }
    if (te->told & OSPF_TE_DELAY_VARIATION) {
        r->told |= TED_BIT(TED_JITTER);
        r->jitter_us = te->delay_variation_us;
    }
    if (te->told & OSPF_TE_LOSS) {
        r->told |= TED_BIT(TED_LOSS);
        r->loss_ppm = (uint32_t)((uint64_t)te->loss * 3 / 100); /* of 0.000003 % */
    }
}

static void
put_te(struct ted_link_record *r, const struct ospf_te_link *te)
{
    put_bandwidths(r, te);
    put_delays(r, te);
    r->id.local_link_id = te->local_number;
    r->id.remote_link_id = te->remote_number;
    if (te->told & OSPF_TE_METRIC) {
        r->told |= TED_BIT(TED_TE_METRIC);
        r->te_metric = te->metric;
    }
    if (te->told & OSPF_TE_GROUPS)
        ted_link_affinity32(r, te->groups);
    if (te->told & OSPF_TE_EXTENDED_GROUPS) { /* the first 32 are in both, if both are there */
        r->told |= TED_BIT(TED_AFFINITY);
        for (unsigned i = 0; i < OSPF_EXTENDED_GROUP_WORDS; i++)
            r->affinity.words[i / 2] |= (uint64_t)te->extended_groups[i] << 32 * (i % 2);
    }
    if (te->told & OSPF_TE_SRLG) {
        r->told |= TED_BIT(TED_SRLG);
        r->srlgs = te->srlgs;
        r->n_srlgs = te->n_srlgs;
    }
}

/* The pseudonode of the network behind a transit link; NULL: its LSA is not there, or does not have
 * this router. */
static const struct lsa *
network_behind(struct ospf_lsdb *db, const struct router *router, uint32_t address)
{
    const struct lsa_network *network = find_network(db, router->key.area, address);
    const struct lsa *lsa = network ? network->lsa : NULL;
    for (uint32_t i = 0; lsa && i < lsa->decoded.network.n_routers; i++)
        if (lsa->decoded.network.routers[i] == router->key.id)
            return lsa;
    return NULL;
}

static void
tell_link(struct ospf_lsdb *db, struct router *router, const struct ted_link_record *r, nsec_t now)
{
    struct link_told *told;
    struct ted_link_id id;
    memset(&id, 0, sizeof id);
    id.local = r->id.local;
    id.remote = r->id.remote;
    id.local_address = r->id.local_address;
    id.local_link_id = r->id.local_address.family ? 0 : r->id.local_link_id;
    if (ted_put_link(db->ted, db->source, r, now))
        return; /* the database counts it */
    HASH_FIND(hh, router->links, &id, sizeof id, told);
    if (!told) {
        told = xcalloc(1, sizeof *told);
        told->id = id;
        HASH_ADD(hh, router->links, id, sizeof told->id, told);
    }
    told->again = true;
}

static void
tell_router_link(struct ospf_lsdb *db, struct router *router, const struct ospf_router_link *link,
                 struct extras *extras, nsec_t now)
{
    struct ted_link_record r;
    struct extra *extra;
    memset(&r, 0, sizeof r);
    r.id.local = router_id(router->key.area, router->key.id);
    if (link->type == OSPF_POINT_TO_POINT) {
        r.id.remote = router_id(router->key.area, link->id);
    } else if (link->type == OSPF_TRANSIT) {
        const struct lsa *network = network_behind(db, router, link->id);
        if (!network)
            return;
        r.id.remote = network_id(network);
    } else {
        return;
    }
    /* The data of an unnumbered link is its number (RFC 2328 section 12.4.1.1). */
    bool numbered = link->type == OSPF_TRANSIT || link->data >> 24;
    r.told = TED_BIT(TED_IGP_METRIC);
    r.igp_metric = link->metric;
    HASH_FIND(hh, extras->extras, &link->data, sizeof link->data, extra);
    if (extra && extra->te) {
        put_te(&r, extra->te);
        if (link->type == OSPF_POINT_TO_POINT)
            r.id.remote_address = address_of(extra->te->remote_address);
    }
    if (extra && extra->label != OSPF_NO_SID) {
        r.told |= TED_BIT(TED_ADJACENCY_SID);
        r.adjacency_label = extra->label;
    }
    if (numbered)
        r.id.local_address = address_of(link->data);
    else
        r.id.local_link_id = link->data;
    tell_link(db, router, &r, now);
}

/* From the network of which this router is the designated one to each that is at it. */
static void
tell_network(struct ospf_lsdb *db, struct router *router, const struct lsa *lsa, nsec_t now)
{
    for (uint32_t i = 0; i < lsa->decoded.network.n_routers; i++) {
        struct ted_link_record r;
        memset(&r, 0, sizeof r);
        r.id.local = network_id(lsa);
        r.id.remote = router_id(lsa->key.area, lsa->decoded.network.routers[i]);
        tell_link(db, router, &r, now);
    }
}

static void
withdraw_links(struct ospf_lsdb *db, struct router *router, nsec_t now)
{
    struct link_told *told, *next;
    HASH_ITER (hh, router->links, told, next) {
        if (told->again) {
            told->again = false;
            continue;
        }
        ted_withdraw_link(db->ted, db->source, &told->id, now);
        HASH_DEL(router->links, told);
        free(told);
    }
}

/* ---- records: nodes and prefixes */

/* A router that nothing shall pass through says so by the greatest metric on all its links that
 * lead on (RFC 6987 section 2). */
static bool
is_stub_router(const struct ospf_lsa *lsa)
{
    bool leads_on = false;
    for (uint32_t i = 0; i < lsa->router_links.n_links; i++) {
        const struct ospf_router_link *link = &lsa->router_links.links[i];
        if (link->type == OSPF_STUB)
            continue;
        leads_on = true;
        if (link->metric != UINT16_MAX)
            return false;
    }
    return leads_on;
}

static void
tell_node(struct ospf_lsdb *db, struct router *router, const struct extras *extras, nsec_t now)
{
    struct ted_node_record r = {.id = router_id(router->key.area, router->key.id),
                                .told = TED_BIT(TED_OVERLOAD)};
    r.router_id = address_of(extras->te_router);
    bool there = false;
    for (const struct lsa *lsa = router->lsas; lsa; lsa = lsa->next) {
        const struct ospf_lsa *d = &lsa->decoded;
        if (d->body == OSPF_ROUTER) {
            there = true;
            r.overload = is_stub_router(d);
        }
        if (d->body != OSPF_ROUTER_INFORMATION)
            continue;
        if (d->information.name && *d->information.name) {
            r.told |= TED_BIT(TED_NAME);
            r.name = d->information.name;
        }
        if (d->information.srgb_size) {
            r.told |= TED_BIT(TED_SRGB);
            r.srgb_base = d->information.srgb_base;
            r.srgb_size = d->information.srgb_size;
        }
        if (d->information.srlb_size) {
            r.told |= TED_BIT(TED_SRLB);
            r.srlb_base = d->information.srlb_base;
            r.srlb_size = d->information.srlb_size;
        }
        if (d->information.max_sid_depth) {
            r.told |= TED_BIT(TED_MSD);
            r.max_sid_depth = d->information.max_sid_depth;
        }
    }
    if (there && !ted_put_node(db->ted, db->source, &r, now))
        router->told = true;
    else if (!there && router->told) {
        ted_withdraw_node(db->ted, db->source, &r.id, now);
        router->told = false;
    }
}

static void
tell_prefix(struct ospf_lsdb *db, struct router *router, const struct ted_prefix_record *r,
            nsec_t now)
{
    struct prefix_told *told = router->prefixes;
    if (ted_put_prefix(db->ted, db->source, r, now))
        return;
    while (told &&
           (memcmp(&told->r.prefix, &r->prefix, sizeof r->prefix) || told->r.length != r->length))
        told = told->next;
    if (!told) {
        told = xcalloc(1, sizeof *told);
        told->next = router->prefixes;
        router->prefixes = told;
        told->r = *r;
    }
    told->again = true;
}

static void
tell_segments(struct ospf_lsdb *db, struct router *router, nsec_t now)
{
    unsigned left = 256; /* segments of one router that are looked at */
    for (const struct lsa *lsa = router->lsas; lsa; lsa = lsa->next) {
        const struct ospf_lsa *d = &lsa->decoded;
        for (uint32_t i = 0; d->body == OSPF_EXTENDED_PREFIX && i < d->prefixes.n && left; i++) {
            const struct ospf_prefix *p = &d->prefixes.prefixes[i];
            struct ted_prefix_record r = {.node = router_id(router->key.area, router->key.id),
                                          .prefix = address_of(p->prefix),
                                          .length = p->length,
                                          .metric = UINT32_MAX,
                                          .sid_index = p->sid,
                                          .node_segment = p->flags & OSPF_PREFIX_NODE};
            if (p->sid == OSPF_NO_SID || !p->prefix)
                continue;
            tell_prefix(db, router, &r, now);
            left--;
        }
    }
    for (struct prefix_told **p = &router->prefixes, *told; (told = *p);) {
        if (told->again) {
            told->again = false;
            p = &told->next;
            continue;
        }
        ted_withdraw_prefix(db->ted, db->source, &told->r, now);
        *p = told->next;
        free(told);
    }
}

/* ---- all of a router */

static void
router_free(struct ospf_lsdb *db, struct router *router)
{
    struct link_told *link, *next;
    HASH_ITER (hh, router->links, link, next) {
        HASH_DEL(router->links, link);
        free(link);
    }
    while (router->prefixes) {
        struct prefix_told *prefix = router->prefixes;
        router->prefixes = prefix->next;
        free(prefix);
    }
    HASH_DEL(db->routers, router);
    free(router);
}

static void
tell_router(struct ospf_lsdb *db, struct router *router, nsec_t now)
{
    struct extras extras = {0};
    gather_extras(router, &extras);
    tell_node(db, router, &extras, now);
    for (const struct lsa *lsa = router->lsas; lsa; lsa = lsa->next) {
        const struct ospf_lsa *d = &lsa->decoded;
        if (d->body == OSPF_ROUTER)
            for (uint32_t i = 0; i < d->router_links.n_links; i++)
                tell_router_link(db, router, &d->router_links.links[i], &extras, now);
        else if (d->body == OSPF_NETWORK)
            tell_network(db, router, lsa, now);
    }
    withdraw_links(db, router, now);
    tell_segments(db, router, now);
    free_extras(&extras);
    if (!router->lsas)
        router_free(db, router);
}

void
ospf_lsdb_flush(struct ospf_lsdb *db, nsec_t now)
{
    while (db->dirty) {
        struct router *router = db->dirty;
        db->dirty = router->next_dirty;
        router->dirty = false;
        tell_router(db, router, now);
    }
}

void
ospf_lsdb_counters(const struct ospf_lsdb *db, struct ospf_lsdb_counters *counters)
{
    *counters = db->counters;
    counters->n_lsas = HASH_COUNT(db->lsas);
    counters->n_routers = HASH_COUNT(db->routers);
    counters->n_networks = HASH_COUNT(db->networks);
}

void
ospf_lsdb_free(struct ospf_lsdb *db)
{
    struct lsa *lsa, *next_lsa;
    struct router *router, *next_router;
    if (!db)
        return;
    HASH_ITER (hh, db->lsas, lsa, next_lsa)
        lsa_remove(db, lsa);
    HASH_ITER (hh, db->routers, router, next_router)
        router_free(db, router);
    free(db);
}
