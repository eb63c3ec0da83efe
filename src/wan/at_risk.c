#include "wan/at_risk.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct entry {
    char *key;
    char why[128];
    nsec_t since; /* it is; without a pause of `wait_to_restore` */
    nsec_t over;  /* since when it is not; NSEC_NEVER: it is */
    UT_hash_handle hh;
};

struct at_risk {
    nsec_t hold_off, wait_to_restore;
    struct entry *entries;
};

struct at_risk *
at_risk_new(nsec_t hold_off, nsec_t wait_to_restore)
{
    struct at_risk *a = xcalloc(1, sizeof *a);
    *a = (struct at_risk){.hold_off = hold_off, .wait_to_restore = wait_to_restore};
    return a;
}

static void
forget(struct at_risk *a, struct entry *e)
{
    HASH_DEL(a->entries, e);
    free(e->key);
    free(e);
}

void
at_risk_free(struct at_risk *a)
{
    struct entry *e, *next;
    if (!a)
        return;
    HASH_ITER (hh, a->entries, e, next)
        forget(a, e);
    free(a);
}

static struct entry *
need(struct at_risk *a, const char *key, nsec_t now)
{
    struct entry *e;
    HASH_FIND_STR(a->entries, key, e);
    if (!e) {
        e = xcalloc(1, sizeof *e);
        e->key = xstrdup(key);
        e->since = now;
        HASH_ADD_KEYPTR(hh, a->entries, e->key, strlen(e->key), e);
    }
    e->over = NSEC_NEVER;
    return e;
}

static bool
is_marked(const struct te_link *link)
{
    return link->affinity.words[AT_RISK_GROUP / 64] >> AT_RISK_GROUP % 64 & 1;
}

static bool
is_at_risk(struct ted *ted, const char *key)
{
    struct ted_link_info link;
    return ted_link_info(ted, key, &link) && link.at_risk;
}

void
at_risk_see(struct at_risk *a, struct ted *ted, nsec_t now)
{
    const struct ted_view *view = ted_view(ted);
    const struct te_network *net = ted_view_network(view);
    struct ted_link_info link;
    struct entry *e, *next;
    HASH_ITER (hh, a->entries, e, next) {
        if (e->over != NSEC_NEVER && now - e->over >= a->wait_to_restore)
            forget(a, e);
        else if (e->over == NSEC_NEVER && !is_at_risk(ted, e->key))
            e->over = now;
    }
    for (uint32_t i = 0; i < net->n_links; i++) {
        const char *key = ted_view_link_key(view, i);
        /* A router may have told the group itself: then it is no more than that. */
        if (!is_marked(&net->links[i]) || !ted_link_info(ted, key, &link) || !link.at_risk)
            continue;
        e = need(a, key, now);
        snprintf(e->why, sizeof e->why, "%s", link.risk ? link.risk : "");
    }
    ted_view_release(view);
}

nsec_t
at_risk_next(const struct at_risk *a, nsec_t now)
{
    nsec_t next = NSEC_NEVER;
    for (const struct entry *e = a->entries; e; e = e->hh.next) {
        nsec_t at = e->over == NSEC_NEVER ? e->since + a->hold_off : e->over + a->wait_to_restore;
        if (e->over != NSEC_NEVER || at > now)
            next = at < next ? at : next;
    }
    return next;
}

void
at_risk_each(const struct at_risk *a, nsec_t now, at_risk_fn *fn, void *arg)
{
    for (const struct entry *e = a->entries; e; e = e->hh.next) {
        const struct at_risk_link link = {e->key, e->why,
                                          e->over == NSEC_NEVER && now - e->since >= a->hold_off};
        fn(arg, &link);
    }
}
