/* ted_resolve.c - from what the records of one node or link say to what it is. */
#include "te/ted_private.h"

#include <stdio.h>

/* How much a record counts. */
enum weight { GONE, STALE, LIVE };

static enum weight
weight_of(const struct ted *ted, uint32_t source, bool withdrawn)
{
    enum ted_source_state state = ted->sources[source].state;
    return withdrawn ? GONE : state == TED_STALE || state == TED_DOWN ? STALE : LIVE;
}

/* ---- links: attributes */

#define ROW(attribute, member)                                                                     \
    {                                                                                              \
        attribute, offsetof(struct ted_link_record, member), offsetof(struct ted_values, member),  \
            sizeof(((struct ted_values *)0)->member)                                               \
    }
static const struct row {
    enum ted_attribute attribute;
    size_t in_record, in_values, size;
} rows[] = {
    ROW(TED_IGP_METRIC, igp_metric),
    ROW(TED_TE_METRIC, te_metric),
    ROW(TED_DELAY, delay_us),
    ROW(TED_DELAY, delay_min_us),
    ROW(TED_DELAY, delay_max_us),
    ROW(TED_JITTER, jitter_us),
    ROW(TED_LOSS, loss_ppm),
    ROW(TED_CAPACITY, capacity_bps),
    ROW(TED_RESERVABLE, reservable_bps),
    ROW(TED_UNRESERVED, unreserved_bps),
    ROW(TED_AFFINITY, affinity),
    ROW(TED_ADJACENCY_SID, adjacency_label),
    ROW(TED_LINK_MSD, max_sid_depth),
};
#undef ROW

/* The record that goes first with this attribute; NULL: nobody tells it. */
static const struct ted_link_rec *
first_with(const struct ted *ted, const struct ted_mlink *link, enum ted_attribute attribute)
{
    const struct ted_link_rec *first = NULL;
    enum weight weight = GONE;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        if (link->parts[i].far || !(rec->r.told & TED_BIT(attribute)))
            continue;
        enum weight w = weight_of(ted, rec->source, rec->withdrawn);
        bool later = first && attribute == TED_DELAY && w == weight &&
                     ted->sources[rec->source].kind == TED_KIND_OPTICAL &&
                     ted->sources[first->source].kind == TED_KIND_MEASURED && rec->at > first->at;
        if (!first || w > weight || later) {
            first = rec;
            weight = w;
        }
    }
    return first;
}

static void
set_origin(struct ted_mlink *link, enum ted_attribute attribute, uint8_t origin, nsec_t since)
{
    link->origin[attribute] = origin;
    link->since[attribute] = since;
}

/* One attribute: its value, and whose it is. */
static void
take_row(struct ted_mlink *link, const struct row *row, const struct ted_link_rec *rec)
{
    static const uint64_t none[TE_PRIORITIES];
    const void *value = rec ? (const char *)&rec->r + row->in_record : (const void *)none;
    void *place = (char *)&link->v + row->in_values;
    bool was_told = link->told_attributes & TED_BIT(row->attribute);
    if (was_told == !!rec && !memcmp(place, value, row->size)) {
        if (rec)
            link->origin[row->attribute] = (uint8_t)rec->source;
        return;
    }
    memcpy(place, value, row->size);
    link->changed |= TED_BIT(row->attribute);
    set_origin(link, row->attribute, rec ? (uint8_t)rec->source : TED_BY_SOURCES,
               rec ? rec->at : 0);
}

static void
take_values(struct ted *ted, struct ted_mlink *link)
{
    const struct ted_link_rec *rec = NULL;
    uint32_t told = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!i || rows[i].attribute != rows[i - 1].attribute)
            rec = first_with(ted, link, rows[i].attribute);
        take_row(link, &rows[i], rec);
        if (rec)
            told |= TED_BIT(rows[i].attribute);
    }
    link->told_attributes = told;
}

/* ---- links: groups */

static void
add_group(uint32_t *groups, uint32_t *n, uint32_t group)
{
    uint32_t i = *n;
    while (i && groups[i - 1] > group)
        i--;
    if (i && groups[i - 1] == group)
        return;
    memmove(&groups[i + 1], &groups[i], (*n - i) * sizeof *groups);
    groups[i] = group;
    (*n)++;
}

#define GROUPS_MAX (4 * TED_RECORD_SRLGS)

static void
take_groups(struct ted *ted, struct ted_mlink *link)
{
    uint32_t groups[GROUPS_MAX + 1], n = 0;
    const struct ted_override_rec *o = link->override;
    nsec_t since = 0;
    uint8_t origin = TED_BY_SOURCES;
    uint32_t tellers = 0;
    enum weight best = GONE;
    for (uint32_t i = 0; i < link->n_parts; i++)
        if (link->parts[i].rec->r.told & TED_BIT(TED_SRLG) && !link->parts[i].far)
            best = MAX(best,
                       weight_of(ted, link->parts[i].rec->source, link->parts[i].rec->withdrawn));
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        enum weight w = weight_of(ted, rec->source, rec->withdrawn);
        /* Of what is stale, too: a risk does not go away because its teller does. */
        if (link->parts[i].far || (w == GONE && best != GONE))
            continue;
        for (uint32_t j = 0; j < rec->r.n_srlgs && n < GROUPS_MAX; j++)
            add_group(groups, &n, rec->srlgs[j]);
        if (rec->r.n_srlgs) {
            tellers++;
            origin = (uint8_t)rec->source;
            since = MAX(since, rec->at);
        }
    }
    if (o && o->o.set & TED_BIT(TED_SRLG)) {
        n = 0;
        for (uint32_t j = 0; j < o->o.n_srlgs && n < GROUPS_MAX; j++)
            add_group(groups, &n, o->o.srlgs[j]);
        tellers = 2;
        since = o->at;
    }
    if (n)
        link->told_attributes |= TED_BIT(TED_SRLG);
    if (n == link->n_srlgs && (!n || !memcmp(groups, link->srlgs, n * sizeof *groups)))
        return;
    free(link->srlgs);
    link->srlgs = n ? xmemdup(groups, n * sizeof *groups) : NULL;
    link->n_srlgs = n;
    link->changed |= TED_BIT(TED_SRLG);
    set_origin(link, TED_SRLG, tellers == 1 ? origin : TED_BY_SOURCES, since);
}

/* ---- links: state */

struct state {
    bool told, doubted, out, planned, heard;
    bool far, far_told, far_doubted;
    bool live;
    const struct ted_link_rec *risk, *says;
};

/* Whether its source has withdrawn it, not long ago, and nothing newer says that it is there: the
 * same source by another record (a broadcast network has another pseudonode when another router
 * becomes the designated one), or another source that has told it since. */
static bool
is_doubt(const struct ted *ted, const struct ted_mlink *link, const struct ted_part *part)
{
    if (!part->rec->withdrawn || !part->rec->doubted.next)
        return false;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_part *other = &link->parts[i];
        const struct ted_link_rec *rec = other->rec;
        if (other->far != part->far || rec->withdrawn)
            continue;
        if (rec->source == part->rec->source ||
            (ted_hears(ted->sources[rec->source].kind) &&
             weight_of(ted, rec->source, false) == LIVE && rec->there_since > part->rec->at))
            return false;
    }
    return true;
}

/* What one record says about whether the link is there. */
static void
hear(const struct ted *ted, const struct ted_mlink *link, struct state *s,
     const struct ted_part *part)
{
    const struct ted_link_rec *rec = part->rec;
    enum weight w = weight_of(ted, rec->source, rec->withdrawn);
    enum ted_kind kind = ted->sources[rec->source].kind;
    bool says_down = rec->r.told & TED_BIT(TED_STATE) && !rec->r.up;
    if (w == LIVE)
        s->live = true;
    if (part->far) {
        s->far = true;
        s->far_told |= w > GONE;
        s->far_doubted |= is_doubt(ted, link, part);
    } else if (ted_hears(kind)) {
        s->out = true;
        s->told |= w > GONE && !says_down;
        s->doubted |= is_doubt(ted, link, part) || (w == LIVE && says_down);
        if (!s->says)
            s->says = rec;
    } else if (kind == TED_KIND_IMPORT && w > GONE) {
        s->planned |= !says_down;
    }
    if (w > GONE && rec->r.told & TED_BIT(TED_RISK) && rec->r.at_risk && !s->risk)
        s->risk = rec;
}

static void
take_risk(struct ted_mlink *link, const struct state *s)
{
    const struct ted_override_rec *o = link->override;
    bool by_operator = o && o->o.set & TED_BIT(TED_RISK);
    bool at_risk = by_operator ? o->o.at_risk : s->risk != NULL;
    const char *why = by_operator ? o->o.why : s->risk && s->risk->risk ? s->risk->risk : "";
    if (at_risk != link->at_risk || (at_risk && strncmp(why, link->risk, sizeof link->risk - 1))) {
        link->changed |= TED_BIT(TED_RISK);
        set_origin(link, TED_RISK, s->risk ? (uint8_t)s->risk->source : TED_BY_SOURCES,
                   by_operator ? o->at
                   : s->risk   ? s->risk->at
                               : 0);
    }
    link->at_risk = at_risk;
    snprintf(link->risk, sizeof link->risk, "%s", at_risk ? why : "");
}

static void
take_state(struct ted *ted, struct ted_mlink *link)
{
    struct state s = {0};
    const struct ted_override_rec *o = link->override;
    for (uint32_t i = 0; i < link->n_parts; i++)
        hear(ted, link, &s, &link->parts[i]);
    bool heard = link->key.from->heard || link->key.to->heard;
    link->told = s.told;
    link->stale = !s.live;
    link->half_up = s.out ? s.told && !s.doubted && (!s.far || (s.far_told && !s.far_doubted))
                          : s.planned && !heard;
    link->maintenance = (o && o->o.set & TED_BIT(TED_STATE) && !o->o.up) ||
                        (ted->groups_drained &&
                         ted_overlay_drains(ted, link->srlgs, link->n_srlgs));
    if (s.told && s.doubted)
        link->own_findings |= TED_BIT(TED_SOURCES_DISAGREE);
    if (s.planned && !s.told && !link->half_up)
        link->own_findings |= TED_BIT(TED_LINK_NOT_HEARD);
    link->origin[TED_STATE] = s.says ? (uint8_t)s.says->source : TED_BY_SOURCES;
    link->since[TED_STATE] = s.says ? s.says->at : 0;
    take_risk(link, &s);
}

/* ---- links: findings by itself */

static bool
capacities_differ(uint64_t a, uint64_t b)
{
    uint64_t more = MAX(a, b), less = MIN(a, b);
    return more - less > more / 100;
}

static void
compare_parts(const struct ted *ted, struct ted_mlink *link)
{
    uint64_t least = UINT64_MAX, most = 0;
    uint32_t soonest = UINT32_MAX, latest = 0;
    const struct ted_link_rec *last = NULL;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        if (link->parts[i].far || weight_of(ted, rec->source, rec->withdrawn) == GONE)
            continue;
        link->own_findings |= rec->findings;
        if (rec->r.told & TED_BIT(TED_CAPACITY)) {
            least = MIN(least, rec->r.capacity_bps);
            most = MAX(most, rec->r.capacity_bps);
        }
        if (rec->r.told & TED_BIT(TED_DELAY)) {
            soonest = MIN(soonest, rec->r.delay_us);
            latest = MAX(latest, rec->r.delay_us);
        }
        if (last && last->source == rec->source &&
            !memcmp(&last->id.local, &rec->id.local, sizeof rec->id.local) &&
            last->id.remote_address.family && rec->id.remote_address.family &&
            ted_compare_address(&last->id.remote_address, &rec->id.remote_address))
            link->own_findings |= TED_BIT(TED_ADDRESS_TWICE);
        last = rec;
    }
    if (most && capacities_differ(least, most))
        link->own_findings |= TED_BIT(TED_CAPACITIES_DIFFER);
    if (latest > soonest && latest - soonest > 1000 && latest - soonest > soonest / 2)
        link->own_findings |= TED_BIT(TED_DELAYS_DIFFER);
}

/* ---- links: overrides */

static void
override_values(struct ted_mlink *link)
{
    const struct ted_override_rec *rec = link->override;
    struct ted_link_rec said = {.at = rec->at};
    if (!rec->o.set)
        return;
    said.r.te_metric = rec->o.te_metric;
    said.r.delay_us = rec->o.delay_us;
    said.r.capacity_bps = rec->o.capacity_bps;
    said.r.reservable_bps = rec->o.reservable_bps;
    said.r.affinity = rec->o.affinity;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rec->o.set & TED_BIT(rows[i].attribute)) {
            const char *value = (const char *)&said.r + rows[i].in_record;
            memcpy((char *)&link->v + rows[i].in_values, value, rows[i].size);
            link->told_attributes |= TED_BIT(rows[i].attribute);
            set_origin(link, rows[i].attribute, TED_BY_SOURCES, rec->at);
        }
}

/* ---- links: as the snapshot has them */

static void
show_ends(struct ted_mlink *link)
{
    struct te_link *l = &link->l;
    struct te_link before = *l;
    l->local = l->remote = (struct te_address){0};
    l->local_id = l->remote_id = 0;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_id *id = &link->parts[i].rec->id;
        if (link->parts[i].far)
            continue;
        if (!l->local.family)
            l->local = id->local_address.family ? id->local_address : id->local_address6;
        if (!l->remote.family)
            l->remote = id->remote_address.family ? id->remote_address : id->remote_address6;
        if (!l->local_id)
            l->local_id = id->local_link_id;
        if (!l->remote_id)
            l->remote_id = id->remote_link_id;
    }
    if (link->lan_remote.family)
        l->remote = link->lan_remote;
    if (ted_compare_address(&l->remote, &before.remote) || l->remote_id != before.remote_id)
        link->changed |= TED_BIT(TED_REMOTE);
}

static void
show(const struct ted *ted, struct ted_mlink *link)
{
    struct te_link *l = &link->l;
    const struct ted_values *v = &link->v;
    uint32_t told = link->told_attributes;
#define TOLD(attribute) (told & TED_BIT(attribute))
    uint32_t igp = MAX(v->igp_metric, 1U), te = MAX(v->te_metric, 1U);
    l->igp_metric = TOLD(TED_IGP_METRIC) || !TOLD(TED_TE_METRIC) ? igp : te;
    l->te_metric = TOLD(TED_TE_METRIC) ? te : igp;
    l->delay_us = TOLD(TED_DELAY) ? v->delay_us : TE_UNKNOWN_US;
    l->jitter_us = v->jitter_us;
    l->capacity_bps = v->capacity_bps;
    l->reservable_bps = TOLD(TED_RESERVABLE) ? v->reservable_bps : v->capacity_bps;
    for (unsigned p = 0; p < TE_PRIORITIES; p++)
        l->unreserved_bps[p] = TOLD(TED_UNRESERVED) ? v->unreserved_bps[p] : l->reservable_bps;
    l->affinity = v->affinity;
    l->adjacency_label = TOLD(TED_ADJACENCY_SID) ? v->adjacency_label : TE_NO_LABEL;
    if (link->at_risk) {
        uint32_t group = ted->config.at_risk_group;
        l->affinity.words[group / 64] |= UINT64_C(1) << group % 64;
        uint64_t metric = (uint64_t)l->te_metric * ted->config.at_risk_factor;
        l->te_metric = (uint32_t)MIN(metric, (uint64_t)0xffffff);
    }
#undef TOLD
}

void
ted_resolve_link(struct ted *ted, struct ted_mlink *link)
{
    struct ted_values before = link->v;
    uint32_t changed = link->changed;
    link->own_findings = 0;
    take_values(ted, link);
    if (link->override) {
        override_values(link);
        link->changed = changed;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
            if (memcmp((char *)&before + rows[i].in_values, (char *)&link->v + rows[i].in_values,
                       rows[i].size))
                link->changed |= TED_BIT(rows[i].attribute);
    }
    take_groups(ted, link);
    take_state(ted, link);
    compare_parts(ted, link);
    show_ends(link);
    show(ted, link);
}

/* ---- links: with the other direction */

static bool
groups_differ(const struct ted_mlink *a, const struct ted_mlink *b)
{
    return a->n_srlgs != b->n_srlgs ||
           (a->n_srlgs && memcmp(a->srlgs, b->srlgs, a->n_srlgs * sizeof *a->srlgs));
}

static uint32_t
findings_of(const struct ted_mlink *link)
{
    const struct ted_mlink *back = link->reverse;
    uint32_t set = link->own_findings;
    if (link->half_up && (!back || !back->half_up))
        set |= TED_BIT(TED_ONE_WAY);
    if (link->at_risk)
        set |= TED_BIT(TED_LINK_AT_RISK);
    if (!link->half_up || !back || !back->half_up)
        return set;
    if (link->told_attributes & back->told_attributes & TED_BIT(TED_CAPACITY) &&
        capacities_differ(link->v.capacity_bps, back->v.capacity_bps))
        set |= TED_BIT(TED_CAPACITIES_DIFFER);
    if (!link->v.capacity_bps)
        set |= TED_BIT(TED_BANDWIDTH_ABSENT);
    if (groups_differ(link, back))
        set |= TED_BIT(TED_SRLG_ONE_WAY);
    return set;
}

bool
ted_settle_link(struct ted *ted, struct ted_mlink *link)
{
    const struct ted_mlink *back = link->reverse;
    bool whole = link->half_up && back && back->half_up;
    bool up = whole && !link->maintenance && !back->maintenance;
    bool drained = whole && !up;
    if (up != link->l.up || drained != link->l.drained)
        link->changed |= TED_BIT(TED_STATE);
    if (up)
        link->down_since = 0;
    else if (link->l.up || link->fresh)
        link->down_since = ted->now;
    link->l.up = up;
    link->l.drained = drained;
    ted_mark(ted, &link->marks, link->text, findings_of(link));
    bool changed = link->changed || link->fresh;
    if (changed) {
        ted_delta(ted, link->fresh ? TED_LINK_ADDED : TED_LINK_CHANGED, link->text, link->changed,
                  up, 0);
        ted->changed = true;
    }
    link->changed = 0;
    link->fresh = false;
    return changed;
}

/* ---- nodes */

static const struct ted_node_rec *
first_node_with(const struct ted *ted, const struct ted_mnode *node, enum ted_attribute attribute)
{
    const struct ted_node_rec *first = NULL;
    enum weight weight = GONE;
    for (uint32_t i = 0; i < node->n_recs; i++) {
        const struct ted_node_rec *rec = node->recs[i];
        const struct ted_node_record *r = &rec->r;
        bool told = attribute == TED_NAME        ? rec->name != NULL
                    : attribute == TED_ROUTER_ID ? r->router_id.family || r->router_id6.family
                                                 : r->told & ~r->bad & TED_BIT(attribute);
        enum weight w = weight_of(ted, rec->source, rec->withdrawn);
        if (rec->told && told && (!first || w > weight)) {
            first = rec;
            weight = w;
        }
    }
    return first;
}

/* Its node segment: of the prefix that is its router id, or of any that is its alone. */
static uint32_t
node_sid(const struct ted *ted, const struct ted_mnode *node, const struct ted_node_rec **by)
{
    const struct ted_node_rec *told = first_node_with(ted, node, TED_NODE_SID);
    uint32_t sid = TE_NO_LABEL;
    for (uint32_t i = 0; i < node->n_recs; i++)
        for (const struct ted_prefix_rec *p = node->recs[i]->prefixes; p; p = p->next_of_node) {
            unsigned bits = p->r.prefix.family == 4 ? 32 : 128;
            if (p->r.sid_index == TE_NO_LABEL || !p->r.node_segment || p->r.length != bits)
                continue;
            bool own = !ted_compare_address(&p->r.prefix, &node->n.router_id);
            if (own || sid == TE_NO_LABEL || (p->r.sid_index < sid && !told)) {
                sid = p->r.sid_index;
                *by = node->recs[i];
            }
            if (own)
                return sid;
        }
    if (sid == TE_NO_LABEL && told) {
        *by = told;
        sid = told->r.sid_index;
    }
    return sid;
}

static void
node_origin(struct ted_mnode *node, enum ted_attribute attribute, const struct ted_node_rec *rec)
{
    if (rec)
        node->told |= TED_BIT(attribute);
    node->origin[attribute] = rec ? (uint8_t)rec->source : TED_BY_SOURCES;
    node->since[attribute] = rec ? rec->at : 0;
}

static void
take_node_values(const struct ted *ted, struct ted_mnode *node)
{
    static const enum ted_attribute attributes[] = {TED_NAME, TED_ROUTER_ID, TED_SRGB,
                                                    TED_SRLB, TED_MSD,       TED_OVERLOAD};
    const struct ted_node_rec *by[TED_ATTRIBUTES] = {0};
    struct te_node *n = &node->n;
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        by[attributes[i]] = first_node_with(ted, node, attributes[i]);
        node_origin(node, attributes[i], by[attributes[i]]);
    }
    *n = (struct te_node){.key = node->key, .sid_index = TE_NO_LABEL};
    if (by[TED_NAME]) {
        free(node->name);
        node->name = xstrdup(by[TED_NAME]->name);
    }
    n->name = node->name ? node->name : node->key;
    if (by[TED_ROUTER_ID] && !node->contested_by) {
        const struct ted_node_record *r = &by[TED_ROUTER_ID]->r;
        n->router_id = r->router_id.family ? r->router_id : r->router_id6;
        node->router_id6 = r->router_id6;
    }
    if (by[TED_SRGB]) {
        n->srgb_base = by[TED_SRGB]->r.srgb_base;
        n->srgb_size = by[TED_SRGB]->r.srgb_size;
    }
    node->srlb_base = by[TED_SRLB] ? by[TED_SRLB]->r.srlb_base : 0;
    node->srlb_size = by[TED_SRLB] ? by[TED_SRLB]->r.srlb_size : 0;
    n->max_sid_depth = by[TED_MSD] ? by[TED_MSD]->r.max_sid_depth : 0;
    node->overload = by[TED_OVERLOAD] && by[TED_OVERLOAD]->r.overload;
    const struct ted_node_rec *sid_by = NULL;
    n->sid_index = node->contested_by ? TE_NO_LABEL : node_sid(ted, node, &sid_by);
    node_origin(node, TED_NODE_SID, sid_by);
}

static void
take_node_state(const struct ted *ted, struct ted_mnode *node)
{
    bool live = false, hearing = false, there = false;
    for (uint32_t i = 0; i < node->n_recs; i++) {
        const struct ted_node_rec *rec = node->recs[i];
        live |= weight_of(ted, rec->source, rec->withdrawn) == LIVE;
        if (ted_hears(ted->sources[rec->source].kind)) {
            hearing = true;
            there |= !rec->withdrawn;
        }
    }
    node->stale = !live;
    node->heard = hearing && there;
    node->gone = hearing && !there;
    const struct ted_override_rec *o = node->override;
    node->maintenance = o && o->o.set & TED_BIT(TED_STATE) && !o->o.up;
    bool passable = !node->overload && !node->contested_by && !node->gone;
    node->n.passable = passable && !node->maintenance;
    node->n.drained = passable && node->maintenance;
}

static uint32_t
node_findings(const struct ted *ted, const struct ted_mnode *node)
{
    uint32_t set = node->own_findings;
    const char *name = NULL;
    if (node->contested_by || node->claimed_by)
        set |= TED_BIT(TED_NODE_ID_CONFLICT);
    for (uint32_t i = 0; i < node->n_recs; i++) {
        const struct ted_node_rec *rec = node->recs[i];
        if (!rec->name || weight_of(ted, rec->source, rec->withdrawn) == GONE ||
            rec->id.protocol == TED_NAMED)
            continue;
        if (name && strcasecmp(name, rec->name))
            set |= TED_BIT(TED_NAMES_DIFFER);
        name = rec->name;
    }
    return set;
}

void
ted_resolve_node(struct ted *ted, struct ted_mnode *node)
{
    struct te_node before = node->n;
    char *name = node->name;
    node->name = NULL;
    node->told = 0;
    take_node_values(ted, node);
    take_node_state(ted, node);
    const struct te_node *n = &node->n;
    if ((name == NULL) != (node->name == NULL) || (name && strcmp(name, node->name)))
        node->changed |= TED_BIT(TED_NAME);
    if (ted_compare_address(&before.router_id, &n->router_id))
        node->changed |= TED_BIT(TED_ROUTER_ID);
    if (before.srgb_base != n->srgb_base || before.srgb_size != n->srgb_size)
        node->changed |= TED_BIT(TED_SRGB);
    if (before.max_sid_depth != n->max_sid_depth)
        node->changed |= TED_BIT(TED_MSD);
    if (before.passable != n->passable || before.drained != n->drained)
        node->changed |= TED_BIT(TED_STATE);
    free(name);
}

/* ---- node segments of one number */

static int
compare_sids(const void *a, const void *b)
{
    const struct ted_mnode *x = *(struct ted_mnode *const *)a, *y = *(struct ted_mnode *const *)b;
    uint32_t p = x->n.sid_index, q = y->n.sid_index;
    return p < q ? -1 : p > q;
}

void
ted_resolve_sids(struct ted *ted)
{
    uint32_t n = 0, total = HASH_COUNT(ted->nodes);
    struct ted_mnode **with = xcalloc(total + 1, sizeof *with);
    for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next) {
        node->own_findings &= ~TED_BIT(TED_SID_CONFLICT);
        if (node->n.sid_index != TE_NO_LABEL && !node->gone)
            with[n++] = node;
    }
    qsort(with, n, sizeof *with, compare_sids);
    for (uint32_t i = 0, j; i < n; i = j) {
        uint32_t sid = with[i]->n.sid_index;
        for (j = i + 1; j < n && with[j]->n.sid_index == sid;)
            j++;
        for (uint32_t k = i; j - i > 1 && k < j; k++) {
            with[k]->n.sid_index = TE_NO_LABEL;
            with[k]->own_findings |= TED_BIT(TED_SID_CONFLICT);
        }
    }
    free(with);
    for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next) {
        if (node->shown_sid != node->n.sid_index)
            node->changed |= TED_BIT(TED_NODE_SID);
        node->shown_sid = node->n.sid_index;
        ted_mark(ted, &node->marks, node->key, node_findings(ted, node));
        if (node->changed || node->fresh) {
            ted_delta(ted, node->fresh ? TED_NODE_ADDED : TED_NODE_CHANGED, node->key,
                      node->changed, node->n.passable, 0);
            ted->changed = true;
        }
        node->changed = 0;
        node->fresh = false;
    }
}
