/* planner_whatif.c - what would become of the tunnels that are held, if something failed: it is
 * taken out of a copy of the network, and planner_mend() and planner_leave_risks() do on a copy of
 * what is held what they would do then, again and again until nothing moves any more. So what is
 * told is what would happen, priorities, windows and what is only reserved included.
 *
 * After a failure only those are looked at with whom something can be wrong: whose links it takes,
 * with whom something was wrong before, and who shares a link with somebody who moved, or is to be
 * apart from one. */
#include "wan/planner_private.h"

#include "base/alloc.h"
#include "te/whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 8 /* who pushes others aside, and these again others */

enum fate {
    FATE_NONE,     /* it does not concern it */
    FATE_STANDBY,  /* routers change over to its standby path */
    FATE_REROUTED, /* is interrupted until it has another path */
    FATE_KEPT,     /* only its standby path is hit */
    FATE_PUSHED,   /* makes room for a more important one that is hit */
    FATE_MOVED,    /* goes another way since others do */
    FATE_NO_PATH,
    FATE_NO_ROOM,
    FATE_TOO_LATE, /* there are ways, but none within its latency */
    FATE_END,      /* it begins or ends there */
    FATES
};

struct party {
    char *name;
    const struct held *was;
    bool restless, lost; /* something is wrong with it anyway; it has no way anyway */
    bool hit[TUNNEL_PATHS], moved, pushed, failed, near;
    char why[256]; /* it failed */
    UT_hash_handle hh;
};

struct impact {
    struct te_element element;
    unsigned n[FATES], n_hit, n_lost, n_pinned_lost, n_unprotected, n_near, n_over;
    uint64_t bps_lost;
    double highest;
    uint32_t hottest, order;
    json_t *tunnels;
};

struct trial {
    const struct network *model;
    struct planner *before, *p; /* before the failure; in it */
    struct te_network net;      /* of `p` */
    struct te_link *links;      /* its */
    bool *link_out, *node_out, *touched;
    struct party *parties; /* by name */
    unsigned n_moved;
};

/* ---- Rounds ---- */

static bool
touches(const struct held *h, unsigned path, const bool *links)
{
    const struct held_path *its = &h->paths[path];
    for (uint32_t i = 0; i < its->n; i++) {
        if ((its->links[i] != TE_NONE && links[its->links[i]]) ||
            (its->reverses[i] != TE_NONE && links[its->reverses[i]]))
            return true;
    }
    return false;
}

static struct party *
party_of(struct trial *t, const char *tunnel)
{
    struct party *m;
    HASH_FIND_STR(t->parties, tunnel, m);
    return m;
}

static void
take(void *arg, const struct planner_mended *result)
{
    struct trial *t = arg;
    struct party *m = party_of(t, result->trouble->tunnel);
    m->failed = result->err && result->trouble->broken;
    m->near = result->trouble->near && !result->moved;
    m->pushed |= result->trouble->pushed;
    m->moved |= result->moved;
    snprintf(m->why, sizeof m->why, "%s", m->failed ? result->why : "");
    if (!result->moved)
        return;
    t->n_moved++;
    const struct held *h = planner_held(t->p, result->trouble->tunnel);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        for (uint32_t l = 0; l < h->paths[i].n; l++)
            t->touched[h->paths[i].links[l]] = true;
    }
}

/* Who leaves a link at risk has nothing broken. */
static void
take_leave(void *arg, const struct planner_mended *result)
{
    if (result->moved)
        take(arg, result);
}

static bool
may_leave(void *arg UNUSED, const char *tunnel UNUSED)
{
    return true;
}

/* Those with whom something may be wrong now that others have moved. */
static void
wake(struct trial *t)
{
    for (struct held *h = t->p->held; h; h = h->hh.next) {
        const struct party *other = h->tunnel->diverse_from ? party_of(t, h->tunnel->diverse_from)
                                                            : NULL;
        if ((other && other->moved) || touches(h, TUNNEL_PRIMARY, t->touched) ||
            touches(h, TUNNEL_STANDBY, t->touched))
            h->asleep = false;
    }
}

static void
settle(struct trial *t)
{
    t->n_moved = 1;
    for (unsigned round = 0; round < ROUNDS_MAX && t->n_moved; round++) {
        for (struct party *m = t->parties; m; m = m->hh.next)
            m->failed = m->near = false;
        t->n_moved = 0;
        memset(t->touched, 0, t->net.n_links);
        planner_mend(t->p, t->model, NULL, take, t);
        planner_leave_risks(t->p, t->model, may_leave, take_leave, t);
        wake(t);
    }
}

/* ---- One failure ---- */

static void
fail(struct trial *t, struct te_element e)
{
    const struct te_network *net = t->before->net;
    struct te_outage outage = {0};
    memset(t->link_out, 0, net->n_links);
    memset(t->node_out, 0, net->n_nodes);
    if (e.kind == TE_FAIL_LINK)
        outage.links = &e.id, outage.n_links = 1;
    else if (e.kind == TE_FAIL_NODE)
        outage.nodes = &e.id, outage.n_nodes = 1;
    else
        outage.srlgs = &e.id, outage.n_srlgs = 1;
    te_outage_mark(net, &outage, t->link_out, t->node_out);
    for (uint32_t l = 0; l < net->n_links; l++) {
        t->links[l].up = net->links[l].up && !t->link_out[l];
        t->links[l].drained = net->links[l].drained && !t->link_out[l];
    }
    te_igp_free(t->p->igp);
    te_router_free(t->p->router);
    t->p->igp = NULL;
    t->p->router = te_router_new(&t->net);
    for (struct party *m = t->parties; m; m = m->hh.next) {
        struct held *h = planner_held(t->p, m->name);
        m->moved = m->pushed = m->failed = m->near = false;
        for (unsigned i = 0; i < TUNNEL_PATHS; i++)
            m->hit[i] = touches(m->was, i, t->link_out);
        h->asleep = !m->restless && !m->hit[TUNNEL_PRIMARY] && !m->hit[TUNNEL_STANDBY];
    }
}

static void
put_back(struct trial *t)
{
    for (struct party *m = t->parties; m; m = m->hh.next) {
        if (m->moved)
            planner_hold_as(t->p, m->was);
    }
}

static bool
ends_there(const struct trial *t, const struct tunnel *tunnel)
{
    const char *const ends[] = {tunnel->head, tunnel->tail};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        const struct router *r = network_router(t->model, ends[i]);
        uint32_t node = r ? planner_find_node(t->before, r->router_id) : TE_NONE;
        if (node != TE_NONE && t->node_out[node])
            return true;
    }
    return false;
}

static bool
would_do(struct trial *t, const struct tunnel *asked)
{
    json_t *paths[TUNNEL_PATHS] = {NULL};
    bool done = !planner_place(t->p, t->model, asked, 0, true, paths, NULL, NULL);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
    return done;
}

/* What is in the way of one that has no way. */
static enum fate
why_lost(struct trial *t, const struct tunnel *tunnel)
{
    enum fate fate = FATE_NO_PATH;
    struct tunnel *less = tunnel_copy(tunnel);
    less->rate_kbps = 0;
    if (would_do(t, less))
        fate = FATE_NO_ROOM;
    less->max_latency_us = 0;
    if (fate == FATE_NO_PATH && tunnel->max_latency_us && would_do(t, less))
        fate = FATE_TOO_LATE;
    tunnel_free(less);
    return fate;
}

static enum fate
fate_of(struct trial *t, const struct party *m)
{
    bool has_standby = m->was->paths[TUNNEL_STANDBY].n && !m->hit[TUNNEL_STANDBY];
    bool hit = m->hit[TUNNEL_PRIMARY] || m->hit[TUNNEL_STANDBY];
    if (hit && ends_there(t, m->was->tunnel))
        return FATE_END;
    if (m->hit[TUNNEL_PRIMARY] && has_standby)
        return FATE_STANDBY;
    if (m->failed && !hit && m->lost) /* as before */
        return FATE_NONE;
    if (m->failed && (!hit || m->hit[TUNNEL_PRIMARY]))
        return why_lost(t, m->was->tunnel);
    if (hit)
        return m->hit[TUNNEL_PRIMARY] ? FATE_REROUTED : FATE_KEPT;
    if (m->moved)
        return m->pushed ? FATE_PUSHED : FATE_MOVED;
    return FATE_NONE;
}

static void
set_routers(const struct trial *t, const struct held *h, enum tunnel_path path, const char *name,
            json_t *json)
{
    const struct held_path *its = &h->paths[path];
    if (!its->n || !planner_is_whole(its))
        return;
    json_t *way = planner_links_json(t->p, t->model, its->links, its->n);
    json_object_set(json, name, json_object_get(way, "routers"));
    json_decref(way);
}

static bool
is_lost(enum fate fate)
{
    return fate >= FATE_NO_PATH && fate <= FATE_TOO_LATE;
}

/* Its routers are those it has afterwards; none while it has no way. */
static json_t *
fate_json(const struct trial *t, const struct party *m, enum fate fate)
{
    static const char *const words[FATES] = {
        "",      "standby", "rerouted", "kept",     "pushed aside",
        "moved", "no path", "no room",  "too late", "ends there"};
    const struct held *h = planner_held(t->p, m->name);
    json_t *json = json_pack("{ss ss}", "tunnel", h->tunnel->name, "fate", words[fate]);
    if (!m->failed) {
        set_routers(t, h, TUNNEL_PRIMARY, "routers", json);
        set_routers(t, h, TUNNEL_STANDBY, "standby-routers", json);
    }
    if (*m->why)
        json_object_set_new(json, "why", json_string(m->why));
    if (m->near)
        json_object_set_new(json, "near", json_true());
    if (!h->standing)
        json_object_set_new(json, "reserved", json_true());
    return json;
}

/* Only those count that stand. */
static void
count(struct impact *impact, const struct trial *t, const struct party *m, enum fate fate)
{
    const struct held *h = planner_held(t->p, m->name);
    bool lost = is_lost(fate);
    if (!h->standing)
        return;
    impact->n[fate]++;
    impact->n_hit += m->hit[TUNNEL_PRIMARY] || m->hit[TUNNEL_STANDBY];
    impact->n_lost += lost;
    impact->n_pinned_lost += lost && h->tunnel->hold_priority == 0;
    impact->bps_lost += lost ? (uint64_t)h->tunnel->rate_kbps * 1000 : 0;
    impact->n_near += m->near;
    impact->n_unprotected += !lost && fate != FATE_END && m->was->paths[TUNNEL_STANDBY].n &&
                             (m->failed || !h->paths[TUNNEL_STANDBY].n);
}

static void
find_highest(const struct planner *p, struct impact *impact)
{
    const struct te_window ever = {TE_EVER, TE_FOREVER};
    impact->hottest = TE_NONE;
    for (uint32_t l = 0; l < p->net->n_links; l++) {
        uint64_t capacity = te_bookings_capacity(p->standing, l),
                 load = te_bookings_link_load(p->standing, l, ever);
        double used = (double)load / (double)MAX(capacity, 1);
        if (!p->net->links[l].up)
            continue;
        impact->n_over += load > capacity;
        if (used > impact->highest) {
            impact->highest = used;
            impact->hottest = l;
        }
    }
}

static void
try_failure(struct trial *t, struct impact *impact)
{
    fail(t, impact->element);
    settle(t);
    impact->tunnels = json_array();
    for (const struct party *m = t->parties; m; m = m->hh.next) {
        enum fate fate = fate_of(t, m);
        if (fate == FATE_NONE)
            continue;
        count(impact, t, m, fate);
        json_array_append_new(impact->tunnels, fate_json(t, m, fate));
    }
    find_highest(t->p, impact);
    put_back(t);
}

/* ---- All of them ---- */

static struct impact *
list_failures(const struct te_network *net, uint32_t *n)
{
    const uint32_t limits[] = {net->n_links, net->n_nodes, net->n_srlgs};
    struct impact *list = xcalloc((size_t)net->n_links + net->n_nodes + net->n_srlgs + 1,
                                  sizeof *list);
    *n = 0;
    for (unsigned kind = TE_FAIL_LINK; kind <= TE_FAIL_SRLG; kind++) {
        for (uint32_t i = 0; i < limits[kind]; i++) {
            const struct te_link *l = kind == TE_FAIL_LINK ? &net->links[i] : NULL;
            if (l && (!l->up || (l->reverse != TE_NONE && l->reverse < i)))
                continue;
            list[*n].order = *n;
            list[(*n)++].element = (struct te_element){kind, i};
        }
    }
    return list;
}

#define WORSE(x, y, what)                                                                          \
    if ((x)->what != (y)->what)                                                                    \
    return (x)->what > (y)->what ? -1 : 1

static int
compare(const void *a, const void *b)
{
    const struct impact *x = a, *y = b;
    WORSE(x, y, n_pinned_lost);
    WORSE(x, y, bps_lost);
    WORSE(x, y, n_lost);
    WORSE(x, y, n_over);
    WORSE(x, y, n_near);
    WORSE(x, y, n_unprotected);
    WORSE(x, y, highest);
    WORSE(y, x, order);
    return 0;
}

static void
note_restless(void *arg, const struct planner_finding *f)
{
    party_of(arg, f->tunnel)->restless = true;
}

/* What would move anyway has moved before anything fails. */
static void
open_trial(struct trial *t, const struct planner *p)
{
    t->before = t->p = planner_copy(p);
    planner_open(t->p);
    t->net = *t->p->net;
    t->links = xcalloc(t->net.n_links + 1, sizeof *t->links);
    memcpy(t->links, t->net.links, t->net.n_links * sizeof *t->links);
    t->net.links = t->links;
    t->link_out = xcalloc(t->net.n_links + 1, sizeof *t->link_out);
    t->node_out = xcalloc(t->net.n_nodes + 1, sizeof *t->node_out);
    t->touched = xcalloc(t->net.n_links + 1, sizeof *t->touched);
    for (struct held *h = t->p->held; h; h = h->hh.next) {
        struct party *m = xcalloc(1, sizeof *m);
        m->name = xstrdup(h->tunnel->name);
        HASH_ADD_KEYPTR(hh, t->parties, m->name, strlen(m->name), m);
    }
    settle(t);
    planner_look(t->before, t->model, note_restless, t);
    for (struct party *m = t->parties; m; m = m->hh.next) {
        m->was = planner_held(t->before, m->name);
        m->lost = m->failed;
    }
    t->p = planner_copy(t->before);
    planner_open(t->p);
    t->p->net = &t->net;
}

static void
close_trial(struct trial *t)
{
    struct party *m, *next;
    HASH_ITER (hh, t->parties, m, next) {
        HASH_DEL(t->parties, m);
        free(m->name);
        free(m);
    }
    planner_free(t->p);
    planner_free(t->before);
    free(t->links);
    free(t->link_out);
    free(t->node_out);
    free(t->touched);
}

/* ---- As JSON ---- */

static json_t *
element_json(const struct trial *t, const struct te_element *e)
{
    const struct te_network *net = t->before->net;
    if (e->kind == TE_FAIL_LINK)
        return json_pack("{ss ss}", "kind", "link", "element",
                         ted_view_link_key(t->before->view, e->id));
    if (e->kind == TE_FAIL_SRLG)
        return json_pack("{ss so}", "kind", "srlg", "element",
                         json_sprintf("srlg-%u", net->srlg_ids[e->id]));
    return json_pack("{ss so}", "kind", "router", "element",
                     planner_router_json(t->model, &net->nodes[e->id]));
}

static json_t *
impact_json(const struct trial *t, const struct impact *impact)
{
    static const struct {
        const char *name;
        enum fate fate;
    } counts[] = {{"standby", FATE_STANDBY},
                  {"rerouted", FATE_REROUTED},
                  {"kept", FATE_KEPT},
                  {"pushed", FATE_PUSHED},
                  {"late", FATE_TOO_LATE}};
    json_t *json = element_json(t, &impact->element);
    json_object_set_new(json, "hit", json_integer(impact->n_hit));
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        json_object_set_new(json, counts[i].name, json_integer(impact->n[counts[i].fate]));
    json_object_set_new(json, "lost", json_integer(impact->n_lost + impact->n[FATE_END]));
    json_object_set_new(json, "unprotected", json_integer(impact->n_unprotected));
    json_object_set_new(json, "highest-utilisation", json_real(impact->highest));
    if (impact->hottest != TE_NONE)
        json_object_set_new(json, "hottest",
                            json_string(ted_view_link_key(t->before->view, impact->hottest)));
    json_object_set(json, "tunnels", impact->tunnels);
    return json;
}

enum err
planner_what_if(const struct planner *p, const struct network *model, uint32_t limit,
                json_t **report, struct diag *diag)
{
    struct trial t = {.model = model};
    struct impact now = {.n_hit = 0};
    uint32_t n;
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    open_trial(&t, p);
    find_highest(t.before, &now);
    struct impact *list = list_failures(t.before->net, &n);
    for (uint32_t i = 0; i < n; i++)
        try_failure(&t, &list[i]);
    qsort(list, n, sizeof *list, compare);
    json_t *worst = json_array();
    for (uint32_t i = 0; i < n; i++) {
        if (i < limit)
            json_array_append_new(worst, impact_json(&t, &list[i]));
        json_decref(list[i].tunnels);
    }
    *report = json_pack("{si si sf so}", "tunnels", (int)HASH_COUNT(t.parties), "failures", (int)n,
                        "highest-utilisation", now.highest, "worst", worst);
    free(list);
    close_trial(&t);
    return ERR_OK;
}
