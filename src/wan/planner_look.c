/* planner_look.c - is what is held still as it should be? */
#include "wan/planner_private.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
planner_fault_word(enum planner_fault fault)
{
    static const char *const words[] = {"sound",   "link-down", "broken", "pushed-aside",
                                        "missing", "close",     "near",   "at-risk"};
    return words[fault];
}

bool
planner_is_whole(const struct held_path *path)
{
    for (uint32_t i = 0; i < path->n; i++) {
        if (path->links[i] == TE_NONE || path->reverses[i] == TE_NONE)
            return false;
    }
    return path->n > 0;
}

void
planner_te_path(const struct held_path *path, struct te_path *out)
{
    *out = (struct te_path){.n = path->n, .links = path->links};
}

struct look {
    struct planner *p;
    const struct network *model;
    planner_finding_fn *tell;
    void *arg;
};

static void
tell(const struct look *l, const struct held *h, enum tunnel_path path, enum planner_fault fault,
     const char *element, const char *text)
{
    struct planner_finding f = {.tunnel = h->tunnel->name, .path = path, .fault = fault};
    snprintf(f.element, sizeof f.element, "%s", element);
    snprintf(f.text, sizeof f.text, "%s", text);
    l->tell(l->arg, &f);
}

/* The first link that is down or gone; NULL: none. */
static const char *
find_dead(const struct planner *p, const struct held_path *path)
{
    for (uint32_t i = 0; i < path->n; i++) {
        if (path->links[i] == TE_NONE || path->reverses[i] == TE_NONE ||
            !p->net->links[path->links[i]].up || !p->net->links[path->reverses[i]].up)
            return path->keys[i];
    }
    return NULL;
}

/* The first link where standing tunnels that may hold it against this one leave it too little;
 * NULL: none. */
static const char *
find_full(const struct planner *p, const struct held *h, const struct held_path *path)
{
    const struct te_window *windows, ever = {TE_EVER, TE_FOREVER};
    uint64_t bps = (uint64_t)h->tunnel->rate_kbps * 1000;
    uint32_t n_windows;
    planner_window(h->tunnel, &windows, &n_windows);
    for (uint32_t i = 0; i < 2 * path->n; i++) {
        uint32_t link = i % 2 ? path->reverses[i / 2] : path->links[i / 2];
        if (link == TE_NONE) /* it is gone: another fault */
            continue;
        if (te_bookings_link_free(p->standing, link, h->tunnel->hold_priority,
                                  windows ? *windows : ever, h->number) < bps)
            return path->keys[i / 2];
    }
    return NULL;
}

/* False: it has told. */
static bool
look_at_path(const struct look *l, const struct held *h, enum tunnel_path which)
{
    const struct held_path *path = &h->paths[which];
    const char *dead = find_dead(l->p, path);
    struct asking asking;
    struct te_path its;
    struct diag why = {""};
    if (dead) {
        char text[192];
        snprintf(text, sizeof text, "link %.150s is down", dead);
        tell(l, h, which, PLANNER_LINK_DOWN, dead, text);
        return false;
    }
    enum err err = planner_ask(l->p, l->model, h->tunnel, false, NULL, &asking, &why);
    if (!err) {
        planner_te_path(path, &its);
        asking.request.hops = which == TUNNEL_PRIMARY ? asking.via : NULL;
        asking.request.n_hops = which == TUNNEL_PRIMARY ? asking.n_via : 0;
        err = te_path_check(l->p->router, &asking.request, &its, &why);
    }
    asking_fini(&asking);
    if (err) {
        tell(l, h, which, PLANNER_BROKEN, "", why.text);
        return false;
    }
    const char *full = find_full(l->p, h, path);
    if (full) {
        char text[192];
        snprintf(text, sizeof text, "more important tunnels need link %.140s", full);
        tell(l, h, which, PLANNER_PUSHED, full, text);
    }
    return !full;
}

static bool
is_in_group(const struct te_network *net, const struct te_path *path, uint32_t group)
{
    for (uint32_t i = 0; i < path->n; i++) {
        const uint32_t both[] = {path->links[i], net->links[path->links[i]].reverse};
        for (unsigned k = 0; k < 2; k++) {
            const struct te_link *link = both[k] == TE_NONE ? NULL : &net->links[both[k]];
            for (uint32_t g = 0; link && g < link->n_srlgs; g++) {
                if (net->link_srlgs[link->first_srlg + g] == group)
                    return true;
            }
        }
    }
    return false;
}

/* " (srlg-7 srlg-9)": the first few. */
static void
name_groups(const struct te_network *net, const struct te_path paths[TUNNEL_PATHS],
            struct buf *text)
{
    unsigned n = 0;
    for (uint32_t group = 0; group < net->n_srlgs && n < 5; group++) {
        if (is_in_group(net, &paths[TUNNEL_PRIMARY], group) &&
            is_in_group(net, &paths[TUNNEL_STANDBY], group))
            buf_printf(text, "%ssrlg-%u", n++ ? " " : " (", net->srlg_ids[group]);
    }
    buf_str(text, n ? ")" : "");
}

static void
look_at_pair(const struct look *l, const struct held *h)
{
    struct te_path paths[TUNNEL_PATHS];
    struct te_disjoint_set shared = {0};
    unsigned wanted = planner_disjoint_flags(h->tunnel->protection);
    struct buf text = BUF_INIT;
    if (!h->paths[TUNNEL_STANDBY].n) {
        tell(l, h, TUNNEL_STANDBY, PLANNER_MISSING, "", "there is no standby path");
        return;
    }
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        planner_te_path(&h->paths[i], &paths[i]);
    te_disjoint_count(l->p->router, &paths[0], &paths[1], &shared);
    if (!shared.shared_links && !(wanted & TE_DISJOINT_NODE && shared.shared_nodes) &&
        !(wanted & TE_DISJOINT_SRLG && shared.shared_srlgs))
        return;
    buf_printf(&text, "its paths share %u links, %u routers, %u risks", shared.shared_links,
               shared.shared_nodes, shared.shared_srlgs);
    name_groups(l->p->net, paths, &text);
    tell(l, h, TUNNEL_STANDBY, PLANNER_CLOSE, "", buf_cstr(&text));
    buf_fini(&text);
}

/* From the primary path of the tunnel that it is to be apart from; both are sound otherwise. */
static void
look_at_other(const struct look *l, const struct held *h)
{
    struct asking asking;
    struct te_path its;
    struct diag why = {""};
    enum err err = planner_ask(l->p, l->model, h->tunnel, true, NULL, &asking, &why);
    for (unsigned i = 0; i < TUNNEL_PATHS && !err; i++) {
        planner_te_path(&h->paths[i], &its);
        if (its.n)
            err = te_path_check(l->p->router, &asking.request, &its, &why);
    }
    asking_fini(&asking);
    if (err) {
        char text[192];
        snprintf(text, sizeof text, "it is not apart from tunnel %.150s", h->tunnel->diverse_from);
        tell(l, h, TUNNEL_PRIMARY, PLANNER_NEAR, "", text);
    }
}

/* A link at risk that tunnels leave. What it has is sound, so that this comes after all else. */
static void
look_at_risk(const struct look *l, const struct held *h, enum tunnel_path which)
{
    const struct held_path *path = &h->paths[which];
    char text[256];
    for (uint32_t i = 0; i < path->n; i++) {
        const struct held_risk *r = planner_risk_of(l->p, path->links[i]);
        if (!r || !r->leave)
            continue;
        snprintf(text, sizeof text, "link %.110s is at risk%s%.120s", path->keys[i],
                 *r->why ? ": " : "", r->why);
        tell(l, h, which, PLANNER_AT_RISK, path->keys[i], text);
        return;
    }
}

static void
look_at(const struct look *l, const struct held *h)
{
    bool primary = look_at_path(l, h, TUNNEL_PRIMARY),
         standby = !h->paths[TUNNEL_STANDBY].n || look_at_path(l, h, TUNNEL_STANDBY);
    if (primary && standby && h->tunnel->protection != DISJOINT_NONE)
        look_at_pair(l, h);
    if (primary && standby && h->tunnel->diverse_from)
        look_at_other(l, h);
    for (unsigned i = 0; i < TUNNEL_PATHS && primary && standby && h->standing; i++)
        look_at_risk(l, h, i);
}

static int
compare(const void *a, const void *b)
{
    const struct held *x = *(const struct held *const *)a, *y = *(const struct held *const *)b;
    int order = (int)x->tunnel->hold_priority - (int)y->tunnel->hold_priority;
    return order ? order : strcmp(x->tunnel->name, y->tunnel->name);
}

bool
planner_is_pushed(const struct planner *p, const char *tunnel)
{
    const struct held *h = planner_held(p, tunnel);
    return h && p->net &&
           (find_full(p, h, &h->paths[TUNNEL_PRIMARY]) ||
            find_full(p, h, &h->paths[TUNNEL_STANDBY]));
}

void
planner_congested(const struct planner *p, planner_congestion_fn *tell_fn, void *arg)
{
    const struct te_window ever = {TE_EVER, TE_FOREVER};
    for (uint32_t i = 0; p->net && i < p->net->n_links; i++) {
        uint32_t back = p->net->links[i].reverse;
        if (!p->net->links[i].up || (back != TE_NONE && back < i))
            continue;
        struct planner_congestion c = {ted_view_link_key(p->view, i),
                                       te_bookings_capacity(p->standing, i),
                                       te_bookings_link_load(p->standing, i, ever)};
        uint64_t all = back == TE_NONE ? 0 : te_bookings_capacity(p->standing, back),
                 load = back == TE_NONE ? 0 : te_bookings_link_load(p->standing, back, ever);
        if (load > all &&
            (c.reserved_bps <= c.capacity_bps || load - all > c.reserved_bps - c.capacity_bps)) {
            c.capacity_bps = all;
            c.reserved_bps = load;
        }
        if (c.reserved_bps > c.capacity_bps)
            tell_fn(arg, &c);
    }
}

void
planner_look(struct planner *p, const struct network *model, planner_finding_fn *tell_fn, void *arg)
{
    const struct look l = {p, model, tell_fn, arg};
    size_t n = 0;
    struct held **all = xcalloc(HASH_COUNT(p->held) + 1, sizeof *all);
    for (struct held *h = p->held; h; h = h->hh.next) {
        if (!h->asleep)
            all[n++] = h;
    }
    qsort(all, n, sizeof *all, compare);
    for (size_t i = 0; i < n && p->net; i++)
        look_at(&l, all[i]);
    free(all);
}
