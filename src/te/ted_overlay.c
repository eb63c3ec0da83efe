/* ted_overlay.c - what operators say above all sources: maintenance, and values of their own. */
#include "te/ted_private.h"

static const uint32_t settable[] = {
    [TED_TARGET_NODE] = TED_BIT(TED_STATE),
    [TED_TARGET_LINK] = TED_BIT(TED_STATE) | TED_BIT(TED_TE_METRIC) | TED_BIT(TED_DELAY) |
                        TED_BIT(TED_CAPACITY) | TED_BIT(TED_RESERVABLE) | TED_BIT(TED_AFFINITY) |
                        TED_BIT(TED_SRLG) | TED_BIT(TED_RISK),
    [TED_TARGET_SRLG] = TED_BIT(TED_STATE),
};

static void
override_free(struct ted *ted, struct ted_override_rec *rec)
{
    ted_mark(ted, &rec->marks, rec->o.id, 0);
    HASH_DEL(ted->overrides, rec);
    free((char *)rec->o.id);
    free((char *)rec->o.key);
    free((char *)rec->o.who);
    free((char *)rec->o.why);
    free((uint32_t *)rec->o.srlgs);
    free(rec->marks.since);
    free(rec);
}

static struct ted_override_rec *
override_find(const struct ted *ted, const char *id)
{
    struct ted_override_rec *rec;
    HASH_FIND_STR(ted->overrides, id, rec);
    return rec;
}

enum err
ted_override_put(struct ted *ted, const struct ted_override *o, nsec_t now)
{
    if (!o->id || !*o->id || !o->who || !*o->who || !o->why || !*o->why || !o->set ||
        o->target > TED_TARGET_SRLG || o->set & ~settable[o->target] ||
        (o->target != TED_TARGET_SRLG && (!o->key || !*o->key)))
        return ERR_INVALID;
    ted->now = MAX(ted->now, now);
    struct ted_override_rec *old = override_find(ted, o->id);
    struct ted_override_rec *rec = xcalloc(1, sizeof *rec);
    rec->o = *o;
    rec->at = now;
    rec->o.id = xstrdup(o->id);
    rec->o.key = o->key ? xstrdup(o->key) : NULL;
    rec->o.who = xstrdup(o->who);
    rec->o.why = xstrdup(o->why);
    rec->o.srlgs = o->n_srlgs ? xmemdup(o->srlgs, o->n_srlgs * sizeof *o->srlgs) : NULL;
    if (old)
        override_free(ted, old);
    HASH_ADD_KEYPTR(hh, ted->overrides, rec->o.id, strlen(rec->o.id), rec);
    ted_overlay_bind(ted);
    ted_todo(ted, o->target == TED_TARGET_NODE ? TED_DO_ARRAYS : TED_DO_RESOLVE);
    return ERR_OK;
}

void
ted_override_remove(struct ted *ted, const char *id, nsec_t now)
{
    struct ted_override_rec *rec = override_find(ted, id);
    if (!rec)
        return;
    ted->now = MAX(ted->now, now);
    ted_todo(ted, rec->o.target == TED_TARGET_NODE ? TED_DO_ARRAYS : TED_DO_RESOLVE);
    override_free(ted, rec);
    ted_overlay_bind(ted);
}

void
ted_each_override(const struct ted *ted, ted_override_fn *fn, void *arg)
{
    for (const struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next)
        fn(arg, &rec->o);
}

void
ted_overlay_free(struct ted *ted)
{
    struct ted_override_rec *rec, *next;
    HASH_ITER (hh, ted->overrides, rec, next)
        override_free(ted, rec);
}

void
ted_overlay_expire(struct ted *ted, nsec_t now)
{
    struct ted_override_rec *rec, *next;
    HASH_ITER (hh, ted->overrides, rec, next)
        if (rec->o.until <= now)
            ted_override_remove(ted, rec->o.id, now);
}

nsec_t
ted_overlay_next(const struct ted *ted)
{
    nsec_t next = NSEC_NEVER;
    for (const struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next)
        next = MIN(next, rec->o.until);
    return next;
}

static bool
bind_link(struct ted *ted, struct ted_override_rec *rec)
{
    struct ted_mlink *link;
    HASH_FIND(hh_text, ted->by_text, rec->o.key, strlen(rec->o.key), link);
    rec->found = link != NULL;
    if (!link)
        return false;
    link->override = rec;
    if (link->reverse)
        link->reverse->override = rec;
    return link->reverse != NULL;
}

bool
ted_overlay_bind(struct ted *ted)
{
    bool fresh = false;
    ted->groups_drained = false;
    if (ted->overlay_bound || ted->overrides) {
        for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next)
            node->override = NULL;
        for (struct ted_mlink *link = ted->links; link; link = link->hh.next)
            link->override = NULL;
    }
    ted->overlay_bound = ted->overrides != NULL;
    for (struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next) {
        struct ted_mnode *node = NULL;
        switch (rec->o.target) {
        case TED_TARGET_NODE:
            HASH_FIND_STR(ted->nodes, rec->o.key, node);
            rec->found = node != NULL;
            if (node)
                node->override = rec;
            break;
        case TED_TARGET_LINK:
            fresh |= bind_link(ted, rec);
            break;
        case TED_TARGET_SRLG:
            ted->groups_drained |= !rec->o.up;
            rec->found = true;
            break;
        }
    }
    return fresh;
}

/* Which of them have no target, once a commit knows. */
void
ted_overlay_mark(struct ted *ted)
{
    for (struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next)
        ted_mark(ted, &rec->marks, rec->o.id, rec->found ? 0 : TED_BIT(TED_OVERRIDE_IDLE));
}

bool
ted_overlay_drains(const struct ted *ted, const uint32_t *srlgs, uint32_t n)
{
    for (const struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next)
        for (uint32_t i = 0; rec->o.target == TED_TARGET_SRLG && !rec->o.up && i < n; i++)
            if (srlgs[i] == rec->o.srlg)
                return true;
    return false;
}
