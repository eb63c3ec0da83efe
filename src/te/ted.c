/* ted.c - the database as a whole: commits, deltas, and what is known of one node or link. */
#include "te/ted.h"
#include "te/ted_private.h"

/* ---- life */

#define DEFAULT(member, value)                                                                     \
    if (!ted->config.member)                                                                       \
    ted->config.member = value

struct ted *
ted_new(const struct ted_config *config)
{
    struct ted *ted = xcalloc(1, sizeof *ted);
    if (config)
        ted->config = *config;
    DEFAULT(stale_hold, 120 * NSEC_PER_SEC);
    DEFAULT(small_hold, 10 * NSEC_PER_SEC);
    DEFAULT(withdrawn_hold, 60 * NSEC_PER_SEC);
    DEFAULT(forget_after, 3600 * NSEC_PER_SEC);
    DEFAULT(max_nodes, 20000);
    DEFAULT(max_links, 200000);
    DEFAULT(max_prefixes, 200000);
    DEFAULT(max_lan, 32);
    DEFAULT(max_deltas, 65536);
    DEFAULT(at_risk_group, 255);
    DEFAULT(at_risk_factor, 10);
    ted->config.at_risk_group %= 64 * TE_AFFINITY_WORDS;
    ted->gone.next = ted->gone.prev = &ted->gone;
    ted->doubted.next = ted->doubted.prev = &ted->doubted;
    ted_build_view(ted);
    return ted;
}

void
ted_free(struct ted *ted)
{
    struct ted_name *name, *next;
    if (!ted)
        return;
    for (uint32_t i = 0; i < ted->n_sources; i++)
        ted_source_remove(ted, i, ted->now);
    ted_overlay_free(ted);
    ted_free_merged(ted);
    ted_free_views(ted);
    HASH_ITER (hh, ted->names, name, next) {
        HASH_DEL(ted->names, name);
        free(name);
    }
    for (uint32_t i = 0; i < ted->n_deltas; i++)
        free(ted->deltas[(ted->first_delta + i) % ted->deltas_capacity].key);
    free(ted->deltas);
    free(ted->taken_key);
    free(ted->name_texts);
    free(ted->node_at);
    free(ted->link_at);
    free(ted->touched);
    free(ted);
}

/* ---- deltas */

static void
grow_deltas(struct ted *ted)
{
    uint32_t capacity = ted->deltas_capacity ? 2 * ted->deltas_capacity : 64;
    struct ted_delta_rec *deltas = xcalloc(capacity, sizeof *deltas);
    for (uint32_t i = 0; i < ted->n_deltas; i++)
        deltas[i] = ted->deltas[(ted->first_delta + i) % ted->deltas_capacity];
    free(ted->deltas);
    ted->deltas = deltas;
    ted->deltas_capacity = capacity;
    ted->first_delta = 0;
}

void
ted_delta(struct ted *ted, enum ted_delta_kind kind, const char *key, uint32_t attributes, bool up,
          unsigned finding)
{
    if (ted->n_deltas >= ted->config.max_deltas) {
        ted->deltas_lost = true;
        return;
    }
    if (ted->n_deltas == ted->deltas_capacity)
        grow_deltas(ted);
    struct ted_delta_rec *rec =
        &ted->deltas[(ted->first_delta + ted->n_deltas++) % ted->deltas_capacity];
    rec->key = xstrdup(key);
    rec->d = (struct ted_delta){.version = ted->committing ? ted->version + 1 : ted->version,
                                .at = ted->now,
                                .kind = kind,
                                .attributes = attributes,
                                .up = up,
                                .finding = finding};
}

bool
ted_next_delta(struct ted *ted, struct ted_delta *delta)
{
    free(ted->taken_key);
    ted->taken_key = NULL;
    if (ted->n_deltas) {
        struct ted_delta_rec *rec = &ted->deltas[ted->first_delta];
        ted->first_delta = (ted->first_delta + 1) % ted->deltas_capacity;
        ted->n_deltas--;
        ted->taken_key = rec->key;
        *delta = rec->d;
        delta->version = MIN(delta->version, ted->version);
        delta->key = rec->key;
        return true;
    }
    if (!ted->deltas_lost)
        return false;
    ted->deltas_lost = false;
    *delta = (struct ted_delta){
        .version = ted->version, .at = ted->now, .kind = TED_DELTAS_LOST, .key = ""};
    return true;
}

void
ted_mark(struct ted *ted, struct ted_marks *marks, const char *key, uint32_t set)
{
    uint32_t changed = marks->set ^ set;
    if (!changed)
        return;
    if (!marks->since)
        marks->since = xcalloc(TED_FINDING_CODES, sizeof *marks->since);
    for (unsigned code = 0; code < TED_FINDING_CODES; code++) {
        if (!(changed & TED_BIT(code)))
            continue;
        bool raised = set & TED_BIT(code);
        marks->since[code] = ted->now;
        ted_delta(ted, raised ? TED_FINDING_RAISED : TED_FINDING_CLEARED, key, 0, false, code);
    }
    marks->set = set;
}

/* ---- commits */

enum ted_pending
ted_pending(const struct ted *ted)
{
    return ted->todo == TED_DO_NOTHING ? TED_NOTHING
           : ted->todo < TED_DO_ARRAYS ? TED_PATCH
                                       : TED_STRUCTURE;
}

nsec_t
ted_wake(const struct ted *ted)
{
    return MIN(ted_next_expiry(ted), ted_overlay_next(ted));
}

static void
mark_sources(struct ted *ted)
{
    for (uint32_t i = 0; i < ted->n_sources; i++) {
        struct ted_source *s = &ted->sources[i];
        if (s->used)
            ted_mark(ted, &s->marks, s->name,
                     (s->state < TED_SYNCING && s->epoch ? TED_BIT(TED_SOURCE_STALE) : 0) |
                         (s->over_limit ? TED_BIT(TED_SOURCE_LIMIT) : 0) |
                         (s->n_garbled ? TED_BIT(TED_SOURCE_GARBLED) : 0) |
                         (s->small ? TED_BIT(TED_SOURCE_SMALL) : 0));
    }
    ted_overlay_mark(ted);
}

static void
resolve_links(struct ted *ted)
{
    for (struct ted_mlink *link = ted->links; link; link = link->hh.next) {
        ted_resolve_link(ted, link);
        link->dirty = false;
    }
    ted->dirty = NULL;
}

static void
rebuild(struct ted *ted, bool structure)
{
    if (structure)
        ted_make_structure(ted);
    ted_overlay_bind(ted);
    for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next)
        ted_resolve_node(ted, node);
    ted_resolve_sids(ted);
    resolve_links(ted);
    ted_build_view(ted);
    if (structure && ted_overlay_bind(ted)) {
        resolve_links(ted);
        ted_build_view(ted);
    }
    ted->changed = true;
}

/* The links that a patch has to look at: those that changed, and their other directions. */
static struct ted_mlink **
gather_links(struct ted *ted, uint32_t *n)
{
    uint32_t capacity = 0;
    struct ted_mlink **links = NULL;
    *n = 0;
    if (ted->todo == TED_DO_RESOLVE) {
        resolve_links(ted);
        for (struct ted_mlink *link = ted->links; link; link = link->hh.next) {
            GROW(links, *n, capacity);
            links[(*n)++] = link;
        }
        return links;
    }
    for (struct ted_mlink *link = ted->dirty; link; link = link->next_dirty) {
        ted_resolve_link(ted, link);
        GROW(links, *n, capacity);
        links[(*n)++] = link;
    }
    uint32_t first = *n;
    for (uint32_t i = 0; i < first; i++)
        if (links[i]->reverse && !links[i]->reverse->dirty) {
            links[i]->reverse->dirty = true;
            GROW(links, *n, capacity);
            links[(*n)++] = links[i]->reverse;
        }
    for (uint32_t i = 0; i < *n; i++)
        links[i]->dirty = false;
    ted->dirty = NULL;
    return links;
}

/* false: groups have changed, which are laid out link by link: the arrays have to be built anew. */
static bool
patch(struct ted *ted)
{
    uint32_t n, n_changed = 0;
    struct ted_mlink **links = gather_links(ted, &n);
    bool groups = false;
    for (uint32_t i = 0; i < n; i++) {
        if (links[i]->changed & TED_BIT(TED_SRLG))
            groups = true; /* settled when the arrays are */
        else if (ted_settle_link(ted, links[i]))
            links[n_changed++] = links[i];
    }
    if (n_changed)
        ted_patch_view(ted, links, n_changed);
    free(links);
    return !groups;
}

static void
begin_commit(struct ted *ted)
{
    ted->committing = true;
    ted->changed = false;
}

static uint64_t
end_commit(struct ted *ted)
{
    ted->committing = false;
    if (ted->changed)
        ted->version++;
    return ted->version;
}

uint64_t
ted_commit_links(struct ted *ted, nsec_t now)
{
    if (ted->todo < TED_DO_ARRAYS)
        return ted_commit(ted, now);
    ted->now = MAX(ted->now, now);
    begin_commit(ted);
    patch(ted);
    return end_commit(ted);
}

uint64_t
ted_commit(struct ted *ted, nsec_t now)
{
    ted_expire(ted, now);
    ted_overlay_expire(ted, ted->now);
    if (ted->todo == TED_DO_NOTHING)
        return ted->version;
    begin_commit(ted);
    if (ted->todo >= TED_DO_ARRAYS)
        rebuild(ted, ted->todo == TED_DO_STRUCTURE);
    else if (!patch(ted))
        rebuild(ted, false);
    mark_sources(ted);
    ted->todo = TED_DO_NOTHING;
    return end_commit(ted);
}

uint64_t
ted_version(const struct ted *ted)
{
    return ted->version;
}

/* ---- what is known of one */

static void
add_source(uint32_t sources[8], uint32_t source)
{
    sources[source / 32] |= UINT32_C(1) << source % 32;
}

static void
origins(struct ted_origin *origin, uint32_t told, const uint8_t *by, const nsec_t *since,
        const struct ted_override_rec *o)
{
    for (unsigned a = 0; a < TED_ATTRIBUTES; a++) {
        bool mine = o && o->o.set & TED_BIT(a);
        bool one = told & TED_BIT(a) && by[a] != TED_BY_SOURCES;
        origin[a] = (struct ted_origin){.source = one && !mine ? by[a] : TE_NONE,
                                        .override_id = mine ? o->o.id : NULL,
                                        .since = mine ? o->at : since[a]};
    }
}

static void
node_info(const struct ted_mnode *node, struct ted_node_info *info)
{
    memset(info, 0, sizeof *info);
    info->node = &node->n;
    info->index = node->index;
    info->key = node->key;
    info->router_id6 = node->router_id6;
    info->srlb_base = node->srlb_base;
    info->srlb_size = node->srlb_size;
    info->overload = node->overload;
    info->maintenance = node->maintenance;
    info->contested = node->contested_by != NULL;
    info->stale = node->stale;
    for (uint32_t i = 0; i < node->n_recs; i++) {
        const struct ted_node_id *id = &node->recs[i]->id;
        add_source(info->sources, node->recs[i]->source);
        if (id->protocol == TED_NAMED || info->id_size)
            continue;
        info->area = id->area;
        info->asn = id->asn;
        info->protocol = id->protocol;
        info->id_size = id->size;
        memcpy(info->igp_id, id->router_id, sizeof info->igp_id);
    }
    origins(info->origin, node->told, node->origin, node->since, node->override);
}

static void
link_info(const struct ted_mlink *link, struct ted_link_info *info)
{
    memset(info, 0, sizeof *info);
    info->link = &link->l;
    info->index = link->index;
    info->key = link->text;
    info->delay_min_us = link->v.delay_min_us;
    info->delay_max_us = link->v.delay_max_us;
    info->loss_ppm = link->v.loss_ppm;
    info->max_sid_depth = link->v.max_sid_depth;
    info->told = link->told;
    info->at_risk = link->at_risk;
    info->maintenance = link->maintenance;
    info->stale = link->stale;
    info->lan = link->lan;
    info->risk = link->risk;
    info->down_since = link->down_since;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        if (!rec->withdrawn)
            add_source(info->sources, rec->source);
        if (rec->id.local.area)
            info->igp_area = rec->id.local.area;
    }
    origins(info->origin,
            link->told_attributes | TED_BIT(TED_STATE) | (link->at_risk ? TED_BIT(TED_RISK) : 0),
            link->origin, link->since, link->override);
}

bool
ted_node_info(const struct ted *ted, const char *key, struct ted_node_info *info)
{
    const struct ted_mnode *node;
    HASH_FIND_STR(ted->nodes, key, node);
    if (node)
        node_info(node, info);
    return node != NULL;
}

bool
ted_link_info(const struct ted *ted, const char *key, struct ted_link_info *info)
{
    const struct ted_mlink *link;
    HASH_FIND(hh_text, ted->by_text, key, strlen(key), link);
    if (link)
        link_info(link, info);
    return link != NULL;
}

bool
ted_node_info_at(const struct ted *ted, uint32_t index, struct ted_node_info *info)
{
    if (index >= ted->view->network.n_nodes)
        return false;
    node_info(ted->node_at[index], info);
    return true;
}

bool
ted_link_info_at(const struct ted *ted, uint32_t index, struct ted_link_info *info)
{
    if (index >= ted->view->network.n_links)
        return false;
    link_info(ted->link_at[index], info);
    return true;
}
