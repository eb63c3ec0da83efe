/* ted_nodes.c - which node records are of one node, and what the database calls it.
 *
 * Records are looked at in one order (by source and id), so that the answer does not depend on when
 * they came. Each joins the first group that has one of its identities (TE router ids, IGP router
 * id) and that nothing contradicts; one with two groups' identities makes one group of them. */
#include "te/ted_private.h"

#include <ctype.h>
#include <stdio.h>

struct group {
    struct ted_node_rec **recs;
    uint32_t n, capacity;
    struct group *contested_by;
    struct group *joined; /* is now part of that one */
    bool ambiguous;       /* by its name it could be several */
    struct ted_mnode *node;
};

struct identity {
    struct identity_key {
        uint8_t kind; /* 4, 6: TE router id; 1: of a routing protocol; 2: text */
        uint8_t family, size, octets[16];
        uint8_t zero[5];
        uint64_t instance, domain;
    } key;
    struct group *groups[TED_BUCKET];
    uint32_t n;
    UT_hash_handle hh;
};

struct clustering {
    struct ted *ted;
    struct ted_node_rec **recs;
    uint32_t n_recs;
    struct group **groups;
    uint32_t n_groups, groups_capacity;
    struct identity *identities;
    uint64_t domains[TED_SOURCES_MAX];
};

/* ---- order */

static int
compare_recs(const void *a, const void *b, void *arg)
{
    const struct ted *ted = arg;
    const struct ted_node_rec *x = *(struct ted_node_rec *const *)a,
                              *y = *(struct ted_node_rec *const *)b;
    uint32_t p = ted->sources[x->source].order, q = ted->sources[y->source].order;
    return p != q ? (p < q ? -1 : 1) : memcmp(&x->id, &y->id, sizeof x->id);
}

/* ---- evidence */

#define EVIDENCE_MAX 512 /* addresses of one record that are compared, the lowest ones */

static int
compare_addresses(const void *a, const void *b)
{
    return ted_compare_address(a, b);
}

/* The addresses of links that begin at it, sorted. */
static void
know_addresses(struct ted_node_rec *rec)
{
    uint32_t n = 0;
    if (rec->addresses_known)
        return;
    for (struct ted_link_rec *l = rec->out; l; l = l->next_out)
        n += 2;
    rec->addresses = n ? xcalloc(n, sizeof *rec->addresses) : NULL;
    n = 0;
    for (struct ted_link_rec *l = rec->out; l; l = l->next_out) {
        if (l->id.local_address.family)
            rec->addresses[n++] = l->id.local_address;
        if (l->id.local_address6.family)
            rec->addresses[n++] = l->id.local_address6;
    }
    if (n)
        qsort(rec->addresses, n, sizeof *rec->addresses, compare_addresses);
    rec->n_addresses = MIN(n, (uint32_t)EVIDENCE_MAX);
    rec->addresses_known = true;
}

/* 1: an address of both; 0: none, or one of them has none. `both`: both have some. */
static bool
share_address(struct ted_node_rec *a, struct ted_node_rec *b, bool *both)
{
    know_addresses(a);
    know_addresses(b);
    *both = a->n_addresses && b->n_addresses;
    for (uint32_t i = 0, j = 0; i < a->n_addresses && j < b->n_addresses;) {
        int c = ted_compare_address(&a->addresses[i], &b->addresses[j]);
        if (!c)
            return true;
        if (c < 0)
            i++;
        else
            j++;
    }
    return false;
}

/* "r1" and "R1.example.net" are one name. */
static bool
names_differ(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    while (*a && *b && *a != '.' && *b != '.' &&
           tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return !((!*a || *a == '.') && (!*b || *b == '.'));
}

static uint8_t
family_of(const struct ted_node_id *id)
{
    return id->protocol == TED_ISIS_L2 ? TED_ISIS_L1 : id->protocol;
}

/* What makes two records of one identity two devices. */
static bool
contradict(const struct ted *ted, struct ted_node_rec *a, struct ted_node_rec *b)
{
    bool both;
    if (family_of(&a->id) == family_of(&b->id) && a->source == b->source &&
        a->id.instance == b->id.instance &&
        (a->id.size != b->id.size || memcmp(a->id.router_id, b->id.router_id, a->id.size)))
        return true; /* two routers with one TE router id */
    if (a->source == b->source || a->withdrawn || b->withdrawn ||
        ted->sources[a->source].state == TED_SYNCING ||
        ted->sources[b->source].state == TED_SYNCING)
        return false;
    if (share_address(a, b, &both))
        return false;
    if (a->id.asn && b->id.asn && a->id.asn != b->id.asn)
        return true;
    if (names_differ(a->name, b->name))
        return true;
    return both && a->id.protocol == b->id.protocol && a->id.area == b->id.area;
}

static bool
fits(const struct ted *ted, struct ted_node_rec *rec, const struct group *g)
{
    for (uint32_t i = 0; i < g->n && i < 8; i++)
        if (contradict(ted, rec, g->recs[i]))
            return false;
    return true;
}

/* ---- groups */

static struct group *
group_new(struct clustering *c)
{
    struct group *g = xcalloc(1, sizeof *g);
    GROW(c->groups, c->n_groups, c->groups_capacity);
    c->groups[c->n_groups++] = g;
    return g;
}

static struct group *
group_of(struct group *g)
{
    while (g->joined)
        g = g->joined;
    return g;
}

static void
group_add(struct group *g, struct ted_node_rec *rec)
{
    GROW(g->recs, g->n, g->capacity);
    g->recs[g->n++] = rec;
}

static void
group_join(struct group *to, struct group *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        group_add(to, from->recs[i]);
    from->n = 0;
    from->joined = to;
}

static struct identity *
identity_of(struct clustering *c, const struct identity_key *key)
{
    struct identity *i;
    HASH_FIND(hh, c->identities, key, sizeof *key, i);
    if (!i) {
        i = xcalloc(1, sizeof *i);
        i->key = *key;
        HASH_ADD(hh, c->identities, key, sizeof i->key, i);
    }
    return i;
}

static void
identity_put(struct identity *i, struct group *g)
{
    for (uint32_t j = 0; j < i->n; j++)
        if (group_of(i->groups[j]) == g)
            return;
    if (i->n < TED_BUCKET)
        i->groups[i->n++] = g;
}

static uint32_t
identities_of(struct clustering *c, const struct ted_node_rec *rec, struct identity_key keys[3])
{
    const struct te_address *ids[] = {&rec->r.router_id, &rec->r.router_id6};
    uint32_t n = 0;
    memset(keys, 0, 3 * sizeof *keys);
    if (rec->id.size) {
        keys[n].kind = 1;
        keys[n].family = family_of(&rec->id);
        keys[n].size = rec->id.size;
        memcpy(keys[n].octets, rec->id.router_id, rec->id.size);
        keys[n].instance = rec->id.instance;
        keys[n++].domain = c->domains[rec->source];
    }
    for (unsigned i = 0; i < 2; i++)
        if (ids[i]->family) {
            keys[n].kind = ids[i]->family;
            memcpy(keys[n++].octets, ids[i]->octets, 16);
        }
    return n;
}

/* The group of the record: one that it fits, made of several if it ties them together, or a new
 * one. */
static void
place(struct clustering *c, struct ted_node_rec *rec)
{
    struct identity_key keys[3];
    struct identity *identities[3];
    uint32_t n = identities_of(c, rec, keys);
    struct group *mine = NULL, *claimed = NULL;
    for (uint32_t i = 0; i < n; i++) {
        identities[i] = identity_of(c, &keys[i]);
        for (uint32_t j = 0; j < identities[i]->n; j++) {
            struct group *g = group_of(identities[i]->groups[j]);
            if (g == mine)
                continue;
            if (!fits(c->ted, rec, g)) {
                claimed = claimed ? claimed : g;
            } else if (!mine) {
                mine = g;
            } else if (!mine->n || fits(c->ted, mine->recs[0], g)) {
                group_join(mine, g);
            }
        }
    }
    if (!mine) {
        mine = group_new(c);
        mine->contested_by = claimed;
    }
    group_add(mine, rec);
    for (uint32_t i = 0; i < n; i++)
        identity_put(identities[i], mine);
}

/* ---- keys */

void
ted_address_text(const struct te_address *a, char *text, size_t size)
{
    const uint8_t *o = a->octets;
    if (a->family == 4) {
        snprintf(text, size, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
        return;
    }
    size_t at = 0;
    for (unsigned i = 0; i < 16 && at + 6 < size; i += 2)
        at += (size_t)snprintf(text + at, size - at, "%s%x", i ? ":" : "", get_be16(o + i));
}

static void
igp_text(const struct ted_node_id *id, char *text, size_t size)
{
    const uint8_t *o = id->router_id;
    if (id->size == 6)
        snprintf(text, size, "%02x%02x.%02x%02x.%02x%02x", o[0], o[1], o[2], o[3], o[4], o[5]);
    else if (id->size == 4)
        snprintf(text, size, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
    else {
        size_t at = 0;
        text[0] = '\0';
        for (unsigned i = 0; i < id->size && at + 3 < size; i++)
            at += (size_t)snprintf(text + at, size - at, "%02x", o[i]);
    }
}

static const char *
named_text(const struct ted *ted, const struct ted_node_id *id)
{
    return id->instance && id->instance <= ted->n_names ? ted->name_texts[id->instance - 1] : "?";
}

static void
key_of(const struct ted *ted, const struct group *g, char *text, size_t size)
{
    for (uint32_t i = 0; i < g->n; i++)
        if (g->recs[i]->r.router_id.family) {
            ted_address_text(&g->recs[i]->r.router_id, text, size);
            return;
        }
    if (g->recs[0]->id.protocol == TED_NAMED)
        snprintf(text, size, "%s", named_text(ted, &g->recs[0]->id));
    else
        igp_text(&g->recs[0]->id, text, size);
}

static struct ted_mnode *
find_node(struct ted *ted, const char *key)
{
    struct ted_mnode *node;
    HASH_FIND_STR(ted->nodes, key, node);
    return node;
}

static struct ted_mnode *
make_node(struct ted *ted, const char *key)
{
    struct ted_mnode *node = find_node(ted, key);
    if (!node) {
        node = xcalloc(1, sizeof *node);
        node->key = xstrdup(key);
        node->fresh = true;
        HASH_ADD_KEYPTR(hh, ted->nodes, node->key, strlen(node->key), node);
    }
    return node;
}

/* The first group that comes with a key has it. */
static void
name_group(struct ted *ted, struct group *g)
{
    char base[TED_TEXT_MAX + 1], key[2 * TED_TEXT_MAX + 16];
    key_of(ted, g, base, sizeof base);
    snprintf(key, sizeof key, "%s", base);
    struct ted_mnode *node = g->contested_by ? NULL : find_node(ted, key);
    if (g->contested_by || (node && node->seen)) {
        const char *source = ted->sources[g->recs[0]->source].name;
        const struct ted_node_id *id = &g->recs[0]->id;
        uint64_t hash = hash_bytes(id, sizeof *id, 0); /* many may claim one id */
        snprintf(key, sizeof key, "%s!%.200s", base, source);
        for (unsigned i = 0; (node = find_node(ted, key)) && node->seen; i++)
            snprintf(key, sizeof key, "%s!%.200s!%016llx", base, source,
                     (unsigned long long)hash + i);
    }
    node = make_node(ted, key);
    node->seen = true;
    node->n_recs = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        GROW(node->recs, node->n_recs, node->recs_capacity);
        node->recs[node->n_recs++] = g->recs[i];
        g->recs[i]->node = node;
    }
    qsort_r(node->recs, node->n_recs, sizeof *node->recs, compare_recs, ted);
    if (g->ambiguous)
        node->own_findings |= TED_BIT(TED_NAME_AMBIGUOUS);
    g->node = node;
}

/* ---- named nodes */

static void
text_key(struct identity_key *key, const char *text)
{
    memset(key, 0, sizeof *key);
    key->kind = 2;
    key->size = (uint8_t)MIN(strlen(text), (size_t)255);
    uint64_t a = 0, b = 0x9e3779b97f4a7c15;
    for (const char *p = text; *p; p++) {
        a = hash_add(a, (uint64_t)(unsigned char)tolower((unsigned char)*p));
        b = hash_add(b, (uint64_t)(unsigned char)tolower((unsigned char)*p) + 1);
    }
    key->instance = hash_mix(a ^ hash_secret());
    key->domain = hash_mix(b + hash_secret());
}

static void
put_text(struct clustering *c, const char *text, struct group *g)
{
    struct identity_key key;
    if (!text)
        return;
    text_key(&key, text);
    identity_put(identity_of(c, &key), g);
}

/* All that a group may be called by. */
static void
put_texts(struct clustering *c, struct group *g)
{
    char text[TED_TEXT_MAX + 1];
    for (uint32_t i = 0; i < g->n; i++) {
        const struct ted_node_rec *rec = g->recs[i];
        put_text(c, rec->name, g);
        if (rec->r.router_id.family) {
            ted_address_text(&rec->r.router_id, text, sizeof text);
            put_text(c, text, g);
        }
        if (rec->r.router_id6.family) {
            ted_address_text(&rec->r.router_id6, text, sizeof text);
            put_text(c, text, g);
        }
        if (rec->id.size) {
            igp_text(&rec->id, text, sizeof text);
            put_text(c, text, g);
        }
    }
}

/* A named record is of the one group that has its text as a name or id. */
static void
place_named(struct clustering *c, struct ted_node_rec *rec)
{
    struct identity_key key;
    text_key(&key, named_text(c->ted, &rec->id));
    struct identity *i = identity_of(c, &key);
    struct group *g = NULL, *own = NULL; /* own: of those that are ambiguous, too */
    bool ambiguous = false;
    for (uint32_t j = 0; j < i->n; j++) { /* a contested one only if there is no other */
        struct group *other = group_of(i->groups[j]);
        if (other->ambiguous)
            own = other;
        else if (!g || (g->contested_by && !other->contested_by))
            g = other;
        else if (g != other && !g->contested_by && !other->contested_by)
            ambiguous = true;
    }
    if (ambiguous)
        g = own;
    if (!g) {
        g = group_new(c);
        g->ambiguous = ambiguous;
    }
    group_add(g, rec);
    identity_put(i, g);
    for (unsigned family = 0; family < 2; family++) {
        const struct te_address *a = family ? &rec->r.router_id6 : &rec->r.router_id;
        char text[64];
        if (!a->family)
            continue;
        ted_address_text(a, text, sizeof text);
        put_text(c, text, g);
    }
}

/* ---- pseudonodes */

static void
place_pseudonode(struct clustering *c, struct ted_node_rec *rec)
{
    struct ted *ted = c->ted;
    struct ted_lan_key key;
    struct ted_lan *lan;
    memset(&key, 0, sizeof key);
    key.id = rec->id;
    key.id.asn = key.id.area = 0;
    key.domain = c->domains[rec->source];
    HASH_FIND(hh, ted->lans, &key, sizeof key, lan);
    if (!lan) {
        lan = xcalloc(1, sizeof *lan);
        lan->key = key;
        HASH_ADD(hh, ted->lans, key, sizeof lan->key, lan);
    }
    rec->node = NULL;
    rec->lan = lan;
}

/* ---- all of it */

static void
gather(struct clustering *c)
{
    struct ted *ted = c->ted;
    uint32_t n = 0;
    for (uint32_t i = 0; i < ted->n_sources; i++)
        n += HASH_COUNT(ted->sources[i].nodes);
    c->recs = xcalloc(n + 1, sizeof *c->recs);
    for (uint32_t i = 0; i < ted->n_sources; i++) {
        c->domains[i] = i;
        for (uint32_t j = 0; ted->sources[i].used && j < i; j++)
            if (ted->sources[j].used && !strcmp(ted->sources[i].domain, ted->sources[j].domain)) {
                c->domains[i] = c->domains[j];
                break;
            }
        for (struct ted_node_rec *r = ted->sources[i].nodes; r; r = r->hh.next)
            c->recs[c->n_recs++] = r;
    }
    qsort_r(c->recs, c->n_recs, sizeof *c->recs, compare_recs, ted);
}

static void
clustering_fini(struct clustering *c)
{
    struct identity *i, *next;
    HASH_ITER (hh, c->identities, i, next) {
        HASH_DEL(c->identities, i);
        free(i);
    }
    for (uint32_t g = 0; g < c->n_groups; g++) {
        free(c->groups[g]->recs);
        free(c->groups[g]);
    }
    free(c->groups);
    free(c->recs);
}

void
ted_cluster(struct ted *ted)
{
    struct clustering c = {.ted = ted};
    gather(&c);
    for (uint32_t i = 0; i < c.n_recs; i++) {
        c.recs[i]->lan = NULL;
        if (ted_node_id_is_pseudonode(&c.recs[i]->id))
            place_pseudonode(&c, c.recs[i]);
        else if (c.recs[i]->id.protocol != TED_NAMED)
            place(&c, c.recs[i]);
    }
    for (uint32_t g = 0; g < c.n_groups; g++)
        put_texts(&c, c.groups[g]);
    for (uint32_t i = 0; i < c.n_recs; i++)
        if (c.recs[i]->id.protocol == TED_NAMED)
            place_named(&c, c.recs[i]);
    for (unsigned contested = 0; contested < 2; contested++)
        for (uint32_t g = 0; g < c.n_groups; g++)
            if (c.groups[g]->n && !!c.groups[g]->contested_by == contested)
                name_group(ted, c.groups[g]);
    for (uint32_t g = 0; g < c.n_groups; g++) {
        struct ted_mnode *node = c.groups[g]->node;
        if (!node || !c.groups[g]->contested_by)
            continue;
        node->contested_by = group_of(c.groups[g]->contested_by)->node;
        node->contested_by->claimed_by = node;
    }
    clustering_fini(&c);
}
