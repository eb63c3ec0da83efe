/* ted_records.c - what each source said: nodes, links and prefixes under its ids. */
#include "te/ted_private.h"

#include <stdio.h>

#define ROUTER_ID_MAX 8

/* ---- ids, without anything in the gaps of structures, for they are keys */

static struct te_address
clean_address(const struct te_address *a)
{
    struct te_address clean = {.family = a->family};
    if (a->family == 4 || a->family == 6)
        memcpy(clean.octets, a->octets, a->family == 4 ? 4 : 16);
    else
        clean.family = 0;
    return clean;
}

int
ted_compare_address(const struct te_address *a, const struct te_address *b)
{
    return memcmp(a, b, sizeof *a);
}

static void
clean_id(struct ted_node_id *clean, const struct ted_node_id *id)
{
    memset(clean, 0, sizeof *clean);
    clean->protocol = id->protocol;
    clean->size = id->size;
    if (id->size <= ROUTER_ID_MAX)
        memcpy(clean->router_id, id->router_id, id->size);
    clean->asn = id->asn;
    clean->area = id->area;
    clean->instance = id->instance;
}

static void
clean_link_id(struct ted_link_id *clean, const struct ted_link_id *id)
{
    memset(clean, 0, sizeof *clean);
    clean_id(&clean->local, &id->local);
    clean_id(&clean->remote, &id->remote);
    clean->local_address = clean_address(&id->local_address);
    clean->remote_address = clean_address(&id->remote_address);
    clean->local_address6 = clean_address(&id->local_address6);
    clean->remote_address6 = clean_address(&id->remote_address6);
    clean->local_link_id = id->local_link_id;
    clean->remote_link_id = id->remote_link_id;
}

/* Of all that calls a link, what tells it from others of the same nodes: the rest may be learnt
 * later, and does not make it another one. */
static void
link_key(struct ted_link_id *key, const struct ted_link_id *id)
{
    memset(key, 0, sizeof *key);
    key->local = id->local;
    key->remote = id->remote;
    if (id->local_address.family)
        key->local_address = id->local_address;
    else if (id->local_address6.family)
        key->local_address6 = id->local_address6;
    else if (id->local_link_id)
        key->local_link_id = id->local_link_id;
    else if (id->remote_address.family)
        key->remote_address = id->remote_address;
    else if (id->remote_address6.family)
        key->remote_address6 = id->remote_address6;
    else
        key->remote_link_id = id->remote_link_id;
}

/* What calls a link is not forgotten because a record lacks it for a while: the links of a router
 * come back before all that is to be said of them does. */
static void
keep_known(struct ted_link_id *id, const struct ted_link_id *before)
{
#define KEEP(member, is_told)                                                                      \
    if (!id->member is_told)                                                                       \
    id->member = before->member
    KEEP(local_address6, .family);
    KEEP(remote_address, .family);
    KEEP(remote_address6, .family);
    KEEP(local_link_id, );
    KEEP(remote_link_id, );
#undef KEEP
}

bool
ted_node_id_is_pseudonode(const struct ted_node_id *id)
{
    switch (id->protocol) {
    case TED_ISIS_L1:
    case TED_ISIS_L2:
        return id->size == 7;
    case TED_OSPFV2:
    case TED_OSPFV3:
        return id->size == 8;
    default:
        return false;
    }
}

static bool
id_makes_sense(const struct ted_node_id *id)
{
    switch (id->protocol) {
    case TED_ISIS_L1:
    case TED_ISIS_L2:
        return id->size == 6 || id->size == 7;
    case TED_OSPFV2:
    case TED_OSPFV3:
        return id->size == 4 || id->size == 8;
    case TED_DIRECT:
    case TED_STATIC:
    case TED_BGP:
        return id->size && id->size <= ROUTER_ID_MAX;
    case TED_NAMED:
        return id->size == 0 && id->instance;
    default:
        return false;
    }
}

enum err
ted_named(struct ted *ted, const char *name, struct ted_node_id *id)
{
    size_t length = strlen(name);
    struct ted_name *n;
    if (!length)
        return ERR_INVALID;
    if (length > TED_TEXT_MAX)
        return ERR_LIMIT;
    HASH_FIND(hh, ted->names, name, length, n);
    if (!n) {
        if (ted->n_names == TED_NAMES_MAX)
            return ERR_LIMIT;
        n = xmalloc(sizeof *n + length + 1);
        memcpy(n->text, name, length + 1);
        GROW(ted->name_texts, ted->n_names, ted->names_capacity);
        ted->name_texts[ted->n_names] = n->text;
        n->number = ++ted->n_names;
        HASH_ADD(hh, ted->names, text[0], length, n);
    }
    memset(id, 0, sizeof *id);
    id->protocol = TED_NAMED;
    id->instance = n->number;
    return ERR_OK;
}

/* ---- queues of what ends */

void
ted_timed_remove(struct ted_timed *t)
{
    if (!t->next)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

static void
timed_append(struct ted_timed *queue, struct ted_timed *t, bool of_node, nsec_t at)
{
    ted_timed_remove(t);
    t->of_node = of_node;
    t->at = at;
    t->prev = queue->prev;
    t->next = queue;
    queue->prev->next = t;
    queue->prev = t;
}

void
ted_todo(struct ted *ted, int what)
{
    if ((int)ted->todo < what)
        ted->todo = what;
}

/* ---- nodes */

static void
free_node_record(struct ted_node_rec *rec)
{
    free(rec->name);
    free(rec->addresses);
    free(rec);
}

/* Of a merged node there must be no trace to a record that goes: structure is made anew before
 * anybody looks. */
void
ted_node_unref(struct ted *ted, struct ted_node_rec *rec)
{
    struct ted_source *s = &ted->sources[rec->source];
    if (rec->told || rec->n_refs)
        return;
    ted_timed_remove(&rec->gone);
    HASH_DEL(s->nodes, rec);
    if (rec->node) {
        for (uint32_t i = 0; i < rec->node->n_recs; i++)
            if (rec->node->recs[i] == rec) {
                memmove(&rec->node->recs[i], &rec->node->recs[i + 1],
                        (rec->node->n_recs - i - 1) * sizeof *rec->node->recs);
                rec->node->n_recs--;
                break;
            }
    }
    free_node_record(rec);
    ted_todo(ted, TED_DO_STRUCTURE);
}

static struct ted_node_rec *
node_find(struct ted_source *s, const struct ted_node_id *id)
{
    struct ted_node_rec *rec;
    HASH_FIND(hh, s->nodes, id, sizeof *id, rec);
    return rec;
}

/* NULL: there is no room. */
static struct ted_node_rec *
node_make(struct ted *ted, uint32_t source, const struct ted_node_id *id)
{
    struct ted_source *s = &ted->sources[source];
    struct ted_node_rec *rec = node_find(s, id);
    if (rec)
        return rec;
    if (HASH_COUNT(s->nodes) >= ted->config.max_nodes)
        return NULL;
    rec = xcalloc(1, sizeof *rec);
    rec->id = *id;
    rec->source = source;
    rec->at = ted->now;
    HASH_ADD(hh, s->nodes, id, sizeof *id, rec);
    ted_todo(ted, TED_DO_STRUCTURE);
    return rec;
}

static enum err
refuse(struct ted *ted, struct ted_source *s, enum err err)
{
    s->n_refused++;
    if (err == ERR_LIMIT && !s->over_limit) {
        s->over_limit = true;
        ted_todo(ted, TED_DO_PATCH);
    }
    if (err == ERR_INVALID)
        ted_source_garbled(ted, (uint32_t)(s - ted->sources), 1,
                           "the id of a node, link or prefix makes no sense", ted->now);
    return err;
}

/* A name as it may be printed: its control characters and what is not ASCII become '?'. */
static char *
clean_name(const char *name)
{
    char *clean = name && *name ? xstrndup(name, strnlen(name, TED_TEXT_MAX)) : NULL;
    for (char *p = clean; p && *p; p++)
        if (*p <= ' ' || *p > '~')
            *p = '?';
    return clean;
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Only what the clusters are made of; anything else of a node is resolved without them. */
static bool
same_identity(const struct ted_node_rec *a, const struct ted_node_record *b, const char *name)
{
    return same_text(a->name, name) && !ted_compare_address(&a->r.router_id, &b->router_id) &&
           !ted_compare_address(&a->r.router_id6, &b->router_id6);
}

static bool
same_node(const struct ted_node_record *a, const struct ted_node_record *b)
{
    return a->told == b->told && a->bad == b->bad && a->srgb_base == b->srgb_base &&
           a->srgb_size == b->srgb_size && a->srlb_base == b->srlb_base &&
           a->srlb_size == b->srlb_size && a->max_sid_depth == b->max_sid_depth &&
           a->overload == b->overload && a->sid_index == b->sid_index;
}

enum err
ted_put_node(struct ted *ted, uint32_t source, const struct ted_node_record *r, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_node_id id;
    if (!s)
        return ERR_NOT_FOUND;
    ted->now = MAX(ted->now, now);
    if (!id_makes_sense(&r->id))
        return refuse(ted, s, ERR_INVALID);
    clean_id(&id, &r->id);
    struct ted_node_rec *rec = node_make(ted, source, &id);
    if (!rec)
        return refuse(ted, s, ERR_LIMIT);
    struct ted_node_record clean = *r;
    clean.id = id;
    clean.router_id = clean_address(&r->router_id);
    clean.router_id6 = clean_address(&r->router_id6);
    char *name = r->told & TED_BIT(TED_NAME) ? clean_name(r->name) : NULL;
    s->n_puts++;
    rec->epoch = s->epoch;
    bool identity = !rec->told || !same_identity(rec, &clean, name);
    bool same = !identity && !rec->withdrawn && same_node(&rec->r, &clean);
    free(rec->name);
    rec->name = name;
    if (!same) {
        ted_todo(ted, identity ? TED_DO_STRUCTURE : TED_DO_ARRAYS);
        rec->at = now;
    }
    rec->r = clean;
    rec->r.name = rec->name;
    rec->told = true;
    rec->withdrawn = false;
    ted_timed_remove(&rec->gone);
    return ERR_OK;
}

void
ted_withdraw_node_record(struct ted *ted, struct ted_node_rec *rec, nsec_t now)
{
    if (!rec->told || rec->withdrawn)
        return;
    rec->withdrawn = true;
    rec->at = now;
    timed_append(&ted->gone, &rec->gone, true, now);
    ted_todo(ted, TED_DO_ARRAYS);
}

void
ted_withdraw_node(struct ted *ted, uint32_t source, const struct ted_node_id *id, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_node_id clean;
    if (!s)
        return;
    ted->now = MAX(ted->now, now);
    clean_id(&clean, id);
    struct ted_node_rec *rec = node_find(s, &clean);
    s->n_withdrawals++;
    if (rec)
        ted_withdraw_node_record(ted, rec, now);
}

/* ---- links */

static void
addresses_changed(struct ted_node_rec *node)
{
    free(node->addresses);
    node->addresses = NULL;
    node->addresses_known = false;
}

void
ted_mark_record(struct ted *ted, struct ted_link_rec *rec)
{
    for (uint32_t i = 0; i < rec->n_links; i++) {
        struct ted_mlink *link = rec->links[i];
        if (!link->dirty) {
            link->dirty = true;
            link->next_dirty = ted->dirty;
            ted->dirty = link;
        }
    }
    ted_todo(ted, rec->n_links ? TED_DO_PATCH : TED_DO_STRUCTURE);
}

void
ted_free_link_record(struct ted *ted, struct ted_link_rec *rec)
{
    struct ted_source *s = &ted->sources[rec->source];
    ted_timed_remove(&rec->gone);
    ted_timed_remove(&rec->doubted);
    HASH_DEL(s->links, rec);
    if (rec->prev_out)
        rec->prev_out->next_out = rec->next_out;
    else
        rec->local->out = rec->next_out;
    if (rec->next_out)
        rec->next_out->prev_out = rec->prev_out;
    addresses_changed(rec->local);
    for (uint32_t i = 0; i < rec->n_links; i++) {
        struct ted_mlink *link = rec->links[i];
        uint32_t n = 0;
        for (uint32_t j = 0; j < link->n_parts; j++)
            if (link->parts[j].rec != rec)
                link->parts[n++] = link->parts[j];
        link->n_parts = n;
    }
    rec->local->n_refs--;
    rec->remote->n_refs--;
    ted_node_unref(ted, rec->local);
    if (rec->remote != rec->local)
        ted_node_unref(ted, rec->remote);
    free(rec->links);
    free(rec->srlgs);
    free(rec->risk);
    free(rec);
    ted_todo(ted, TED_DO_STRUCTURE);
}

/* What is withdrawn goes first when a source has no room left. */
static void
drop_withdrawn(struct ted *ted, struct ted_source *s)
{
    struct ted_link_rec *rec, *next;
    HASH_ITER (hh, s->links, rec, next)
        if (rec->withdrawn)
            ted_free_link_record(ted, rec);
}

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Rising, none twice, at most TED_RECORD_SRLGS. */
static uint32_t
copy_srlgs(const struct ted_link_record *r, uint32_t **srlgs)
{
    uint32_t n = r->told & TED_BIT(TED_SRLG) ? MIN(r->n_srlgs, (uint32_t)TED_RECORD_SRLGS) : 0;
    *srlgs = n ? xmemdup(r->srlgs, n * sizeof **srlgs) : NULL;
    if (!n)
        return 0;
    qsort(*srlgs, n, sizeof **srlgs, compare_u32);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < n; i++)
        if ((*srlgs)[i] != (*srlgs)[kept - 1])
            (*srlgs)[kept++] = (*srlgs)[i];
    return kept;
}

/* Replaces what the record says. Returns whether that is different. */
static bool
link_set(struct ted_link_rec *rec, const struct ted_link_record *r)
{
    struct ted_link_record before = rec->r;
    uint32_t *srlgs, findings = rec->findings;
    uint32_t n = copy_srlgs(r, &srlgs);
    bool same = n == before.n_srlgs && (!n || !memcmp(srlgs, rec->srlgs, n * sizeof *srlgs));
    /* Field by field into zeroes, so that it can be compared as a whole. */
    memset(&rec->r, 0, sizeof rec->r);
#define TAKE(attribute, member)                                                                    \
    if (r->told & TED_BIT(attribute))                                                              \
    rec->r.member = r->member
    rec->r.told = r->told;
    rec->r.bad = r->bad;
    TAKE(TED_IGP_METRIC, igp_metric);
    TAKE(TED_TE_METRIC, te_metric);
    TAKE(TED_DELAY, delay_us);
    TAKE(TED_DELAY, delay_min_us);
    TAKE(TED_DELAY, delay_max_us);
    TAKE(TED_JITTER, jitter_us);
    TAKE(TED_LOSS, loss_ppm);
    TAKE(TED_CAPACITY, capacity_bps);
    TAKE(TED_RESERVABLE, reservable_bps);
    if (r->told & TED_BIT(TED_UNRESERVED))
        memcpy(rec->r.unreserved_bps, r->unreserved_bps, sizeof r->unreserved_bps);
    TAKE(TED_AFFINITY, affinity);
    TAKE(TED_ADJACENCY_SID, adjacency_label);
    TAKE(TED_LINK_MSD, max_sid_depth);
    TAKE(TED_STATE, up);
    TAKE(TED_RISK, at_risk);
#undef TAKE
    free(rec->srlgs);
    rec->srlgs = srlgs;
    rec->r.srlgs = NULL;
    rec->r.n_srlgs = n;
    ted_judge_link(rec);
    if (r->n_srlgs > TED_RECORD_SRLGS)
        rec->findings |= TED_BIT(TED_TOO_MANY_SRLGS);
    char *risk = r->told & TED_BIT(TED_RISK) && r->at_risk
                     ? xstrndup(r->risk, strnlen(r->risk, sizeof r->risk))
                     : NULL;
    same = same && same_text(risk, rec->risk) && findings == rec->findings &&
           !memcmp(&before, &rec->r, sizeof before);
    free(rec->risk);
    rec->risk = risk;
    return !same;
}

static struct ted_link_rec *
link_make(struct ted *ted, uint32_t source, const struct ted_link_id *id)
{
    struct ted_source *s = &ted->sources[source];
    if (HASH_COUNT(s->links) >= ted->config.max_links)
        drop_withdrawn(ted, s);
    if (HASH_COUNT(s->links) >= ted->config.max_links)
        return NULL;
    struct ted_node_rec *local = node_make(ted, source, &id->local);
    if (!local)
        return NULL;
    local->n_refs++;
    struct ted_node_rec *remote = node_make(ted, source, &id->remote);
    if (!remote) {
        local->n_refs--;
        ted_node_unref(ted, local);
        return NULL;
    }
    remote->n_refs++;
    struct ted_link_rec *rec = xcalloc(1, sizeof *rec);
    link_key(&rec->key, id);
    rec->id = *id;
    rec->source = source;
    rec->local = local;
    rec->remote = remote;
    rec->next_out = local->out;
    if (local->out)
        local->out->prev_out = rec;
    local->out = rec;
    addresses_changed(local);
    HASH_ADD(hh, s->links, key, sizeof rec->key, rec);
    return rec;
}

enum err
ted_put_link(struct ted *ted, uint32_t source, const struct ted_link_record *r, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_link_id id, key;
    struct ted_link_rec *rec;
    if (!s)
        return ERR_NOT_FOUND;
    ted->now = MAX(ted->now, now);
    clean_link_id(&id, &r->id);
    if (!id_makes_sense(&r->id.local) || !id_makes_sense(&r->id.remote) ||
        !memcmp(&id.local, &id.remote, sizeof id.local))
        return refuse(ted, s, ERR_INVALID);
    link_key(&key, &id);
    HASH_FIND(hh, s->links, &key, sizeof key, rec);
    bool there = rec && !rec->withdrawn;
    if (!rec && !(rec = link_make(ted, source, &id)))
        return refuse(ted, s, ERR_LIMIT);
    if (!there)
        rec->there_since = now;
    s->n_puts++;
    rec->epoch = s->epoch;
    keep_known(&id, &rec->id);
    if (memcmp(&rec->id, &id, sizeof id)) { /* more or less of it is known */
        rec->id = id;
        addresses_changed(rec->local);
        ted_todo(ted, TED_DO_STRUCTURE);
    }
    if (link_set(rec, r) || rec->withdrawn || !rec->n_links) {
        rec->at = now;
        ted_mark_record(ted, rec);
    }
    rec->withdrawn = false;
    ted_timed_remove(&rec->gone);
    ted_timed_remove(&rec->doubted);
    return ERR_OK;
}

void
ted_withdraw_link_record(struct ted *ted, struct ted_link_rec *rec, bool heard, nsec_t now)
{
    if (rec->withdrawn)
        return;
    rec->withdrawn = true;
    rec->at = now;
    timed_append(&ted->gone, &rec->gone, false, now);
    if (heard)
        timed_append(&ted->doubted, &rec->doubted, false, now);
    ted_mark_record(ted, rec);
}

void
ted_withdraw_link(struct ted *ted, uint32_t source, const struct ted_link_id *id, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_link_id clean, key;
    struct ted_link_rec *rec;
    if (!s)
        return;
    ted->now = MAX(ted->now, now);
    s->n_withdrawals++;
    clean_link_id(&clean, id);
    link_key(&key, &clean);
    HASH_FIND(hh, s->links, &key, sizeof key, rec);
    if (rec)
        ted_withdraw_link_record(ted, rec, true, now);
}

/* ---- prefixes */

static void
prefix_key(struct ted_prefix_key *key, const struct ted_prefix_record *r)
{
    memset(key, 0, sizeof *key);
    clean_id(&key->node, &r->node);
    key->prefix = clean_address(&r->prefix);
    key->length = r->length;
}

void
ted_free_prefix_record(struct ted *ted, struct ted_prefix_rec *rec)
{
    HASH_DEL(ted->sources[rec->node->source].prefixes, rec);
    if (rec->prev_of_node)
        rec->prev_of_node->next_of_node = rec->next_of_node;
    else
        rec->node->prefixes = rec->next_of_node;
    if (rec->next_of_node)
        rec->next_of_node->prev_of_node = rec->prev_of_node;
    if (rec->r.sid_index != TE_NO_LABEL)
        ted_todo(ted, TED_DO_ARRAYS);
    rec->node->n_refs--;
    ted_node_unref(ted, rec->node);
    free(rec);
}

enum err
ted_put_prefix(struct ted *ted, uint32_t source, const struct ted_prefix_record *r, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_prefix_key key;
    struct ted_prefix_rec *rec;
    if (!s)
        return ERR_NOT_FOUND;
    ted->now = MAX(ted->now, now);
    unsigned bits = r->prefix.family == 4 ? 32 : r->prefix.family == 6 ? 128 : 0;
    if (!id_makes_sense(&r->node) || !bits || r->length > bits)
        return refuse(ted, s, ERR_INVALID);
    prefix_key(&key, r);
    HASH_FIND(hh, s->prefixes, &key, sizeof key, rec);
    if (!rec) {
        struct ted_node_rec *node = HASH_COUNT(s->prefixes) < ted->config.max_prefixes
                                        ? node_make(ted, source, &key.node)
                                        : NULL;
        if (!node)
            return refuse(ted, s, ERR_LIMIT);
        rec = xcalloc(1, sizeof *rec);
        rec->key = key;
        rec->node = node;
        rec->r.sid_index = TE_NO_LABEL;
        node->n_refs++;
        rec->next_of_node = node->prefixes;
        if (node->prefixes)
            node->prefixes->prev_of_node = rec;
        node->prefixes = rec;
        HASH_ADD(hh, s->prefixes, key, sizeof key, rec);
    }
    s->n_puts++;
    if (rec->r.sid_index != r->sid_index || rec->r.node_segment != r->node_segment)
        ted_todo(ted, TED_DO_ARRAYS);
    rec->epoch = s->epoch;
    rec->r = *r;
    rec->r.node = key.node;
    rec->r.prefix = key.prefix;
    return ERR_OK;
}

void
ted_withdraw_prefix(struct ted *ted, uint32_t source, const struct ted_prefix_record *r, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    struct ted_prefix_key key;
    struct ted_prefix_rec *rec;
    if (!s)
        return;
    ted->now = MAX(ted->now, now);
    s->n_withdrawals++;
    prefix_key(&key, r);
    HASH_FIND(hh, s->prefixes, &key, sizeof key, rec);
    if (rec)
        ted_free_prefix_record(ted, rec);
}

void
ted_each_prefix(const struct ted *ted, ted_prefix_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < ted->n_sources; i++)
        for (struct ted_prefix_rec *rec = ted->sources[i].prefixes; rec; rec = rec->hh.next)
            if (rec->node->node)
                fn(arg, i, rec->node->node->key, &rec->r);
}
