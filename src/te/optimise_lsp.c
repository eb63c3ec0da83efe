#include "te/optimise_lsp.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct te_lsp
te_lsp_plain(uint32_t from, uint32_t to, uint64_t bps)
{
    return (struct te_lsp){.from = from,
                           .to = to,
                           .constraints = {.bandwidth_bps = bps, .priority = TE_PRIORITIES - 1},
                           .hold_priority = TE_PRIORITIES - 1,
                           .diverse_from = TE_NONE};
}

struct turn {
    uint8_t priority;
    uint64_t bps;
    uint32_t lsp;
};

static int
compare_turns(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    if (x->bps != y->bps)
        return x->bps > y->bps ? -1 : 1;
    return (x->lsp > y->lsp) - (x->lsp < y->lsp);
}

void
te_lsp_sort(const struct te_lsp *lsps, uint32_t *order, uint32_t n)
{
    struct turn *turns = xcalloc(n + 1, sizeof *turns);
    for (uint32_t i = 0; i < n; i++) {
        const struct te_constraints *c = &lsps[order[i]].constraints;
        turns[i] = (struct turn){c->priority, c->bandwidth_bps, order[i]};
    }
    qsort(turns, n, sizeof *turns, compare_turns);
    for (uint32_t i = 0; i < n; i++)
        order[i] = turns[i].lsp;
    free(turns);
}

static bool
share_srlg(const struct te_network *net, const struct te_link *a, const struct te_link *b)
{
    for (uint32_t i = 0; i < a->n_srlgs; i++) {
        for (uint32_t j = 0; j < b->n_srlgs; j++) {
            if (net->link_srlgs[a->first_srlg + i] == net->link_srlgs[b->first_srlg + j])
                return true;
        }
    }
    return false;
}

/* Whether they meet at a node that is no end of the path. */
static bool
meet_within(const struct te_link *a, const struct te_link *b, uint32_t from, uint32_t to)
{
    const uint32_t ends[2] = {b->from, b->to};
    for (int i = 0; i < 2; i++) {
        if (ends[i] != from && ends[i] != to && (a->from == ends[i] || a->to == ends[i]))
            return true;
    }
    return false;
}

bool
te_paths_diverse(const struct te_network *net, const uint32_t *a, uint32_t n_a, const uint32_t *b,
                 uint32_t n_b, uint8_t diversity)
{
    for (uint32_t i = 0; i < n_a; i++) {
        const struct te_link *x = &net->links[a[i]];
        for (uint32_t j = 0; j < n_b; j++) {
            const struct te_link *y = &net->links[b[j]];
            bool same = a[i] == b[j] || x->reverse == b[j];
            if ((same && (diversity & (TE_DIVERSE_LINK | TE_DIVERSE_SRLG))) ||
                ((diversity & TE_DIVERSE_SRLG) && share_srlg(net, x, y)) ||
                ((diversity & TE_DIVERSE_NODE) &&
                 meet_within(x, y, net->links[b[0]].from, net->links[b[n_b - 1]].to)))
                return false;
        }
    }
    return true;
}

static void
mark_link(const struct te_network *net, uint32_t link, bool *link_out)
{
    link_out[link] = true;
    if (net->links[link].reverse != TE_NONE)
        link_out[net->links[link].reverse] = true;
}

void
te_outage_mark(const struct te_network *net, const struct te_outage *o, bool *link_out,
               bool *node_out)
{
    memset(link_out, 0, net->n_links);
    memset(node_out, 0, net->n_nodes);
    for (uint32_t i = 0; i < o->n_nodes; i++)
        node_out[o->nodes[i]] = true;
    for (uint32_t i = 0; i < o->n_links; i++)
        mark_link(net, o->links[i], link_out);
    for (uint32_t l = 0; l < net->n_links; l++) {
        const struct te_link *link = &net->links[l];
        if (node_out[link->from] || node_out[link->to])
            link_out[l] = true;
        for (uint32_t i = 0; i < link->n_srlgs; i++) {
            for (uint32_t j = 0; j < o->n_srlgs; j++) {
                if (net->link_srlgs[link->first_srlg + i] == o->srlgs[j])
                    mark_link(net, l, link_out);
            }
        }
    }
}

static bool
is_sane(const struct te_network *net, const struct te_lsp *p, uint32_t n)
{
    return p->from < net->n_nodes && p->to < net->n_nodes && p->from != p->to &&
           (p->diverse_from == TE_NONE || p->diverse_from < n);
}

/* From its beginning to its end, link by link; or nowhere. */
static bool
leads(const struct te_network *net, const struct te_lsp *p, const uint32_t *links, uint32_t n)
{
    uint32_t at = p->from;
    for (uint32_t i = 0; i < n; i++) {
        if (links[i] >= net->n_links || net->links[links[i]].from != at)
            return false;
        at = net->links[links[i]].to;
    }
    return !n || at == p->to;
}

enum err
te_state_init(struct te_state *s, struct te_router *router, const struct te_lsp *lsps, uint32_t n,
              double share, bool reservable)
{
    const struct te_network *net = router->net;
    *s = (struct te_state){.router = router, .net = net, .n = n};
    s->lsps = xcalloc(n + 1, sizeof *s->lsps);
    s->moved = xcalloc(n + 1, sizeof *s->moved);
    s->load = xcalloc(net->n_links + 1, sizeof *s->load);
    s->limit = xcalloc(net->n_links + 1, sizeof *s->limit);
    s->free = xcalloc(net->n_links + 1, sizeof *s->free);
    if (n)
        memcpy(s->lsps, lsps, n * sizeof *s->lsps);
    for (uint32_t l = 0; l < net->n_links; l++) {
        uint64_t all = reservable ? net->links[l].reservable_bps : net->links[l].capacity_bps;
        s->limit[l] = (uint64_t)floor((double)all * share);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!is_sane(net, &lsps[i], n) || !leads(net, &lsps[i], lsps[i].links, lsps[i].n_links) ||
            !leads(net, &lsps[i], lsps[i].standby, lsps[i].n_standby)) {
            te_state_fini(s);
            return ERR_INVALID;
        }
        te_state_load(s, i, lsps[i].links, lsps[i].n_links, true);
    }
    return ERR_OK;
}

void
te_state_fini(struct te_state *s)
{
    for (uint32_t i = 0; i < s->n && s->lsps; i++) {
        if (s->moved[i])
            free((void *)(uintptr_t)s->lsps[i].links);
    }
    free(s->lsps);
    free(s->moved);
    free(s->load);
    free(s->limit);
    free(s->free);
    *s = (struct te_state){0};
}

void
te_state_load(struct te_state *s, uint32_t lsp, const uint32_t *links, uint32_t n, bool add)
{
    uint64_t bps = s->lsps[lsp].constraints.bandwidth_bps;
    if (!add)
        bps = 0 - bps;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t reverse = s->net->links[links[i]].reverse;
        s->load[links[i]] += bps;
        if (te_lsp_is_symmetric(&s->lsps[lsp]) && reverse != TE_NONE)
            s->load[reverse] += bps;
    }
}

bool
te_state_uses(const struct te_state *s, uint32_t lsp, uint32_t link)
{
    const struct te_lsp *p = &s->lsps[lsp];
    uint32_t reverse = te_lsp_is_symmetric(p) ? s->net->links[link].reverse : link;
    for (uint32_t i = 0; i < p->n_links; i++) {
        if (p->links[i] == link || p->links[i] == reverse)
            return true;
    }
    return false;
}

void
te_state_place(struct te_state *s, uint32_t lsp, const uint32_t *links, uint32_t n)
{
    struct te_lsp *p = &s->lsps[lsp];
    uint32_t *copy = n ? xmemdup(links, n * sizeof *links) : NULL;
    te_state_load(s, lsp, p->links, p->n_links, false);
    if (s->moved[lsp])
        free((void *)(uintptr_t)p->links);
    p->links = copy;
    p->n_links = n;
    s->moved[lsp] = true;
    te_state_load(s, lsp, p->links, p->n_links, true);
}

/* A list of what to exclude, one after the other. */
struct exclusions {
    uint32_t *items, n, capacity;
};

static void
exclude(struct exclusions *e, const uint32_t *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        GROW(e->items, e->n, e->capacity);
        e->items[e->n++] = items[i];
    }
}

static void
exclude_other(const struct te_state *s, const struct te_lsp *p, struct exclusions *nodes,
              struct exclusions *links, struct exclusions *srlgs)
{
    if (p->diverse_from == TE_NONE)
        return;
    const struct te_lsp *other = &s->lsps[p->diverse_from];
    for (uint32_t i = 0; i < other->n_links; i++) {
        const struct te_link *l = &s->net->links[other->links[i]];
        if (p->diversity & (TE_DIVERSE_LINK | TE_DIVERSE_SRLG))
            exclude(links, &other->links[i], 1);
        if (p->diversity & TE_DIVERSE_SRLG)
            exclude(srlgs, &s->net->link_srlgs[l->first_srlg], l->n_srlgs);
        if ((p->diversity & TE_DIVERSE_NODE) && i > 0)
            exclude(nodes, &l->from, 1);
    }
}

static const uint64_t *
room_for(struct te_state *s, bool ignore_limits)
{
    for (uint32_t l = 0; l < s->net->n_links; l++)
        s->free[l] = ignore_limits              ? UINT64_MAX
                     : s->load[l] < s->limit[l] ? s->limit[l] - s->load[l]
                                                : 0;
    return s->free;
}

enum err
te_state_route(struct te_state *s, uint32_t lsp, const struct te_outage *outage, bool ignore_limits,
               struct te_path *out)
{
    const struct te_lsp *p = &s->lsps[lsp];
    struct te_request ask = {
        .from = p->from, .to = p->to, .optimise = p->optimise, .constraints = p->constraints};
    struct te_constraints *c = &ask.constraints;
    struct exclusions nodes = {0}, links = {0}, srlgs = {0};
    exclude(&nodes, c->exclude_nodes, c->n_exclude_nodes);
    exclude(&links, c->exclude_links, c->n_exclude_links);
    exclude(&srlgs, c->exclude_srlgs, c->n_exclude_srlgs);
    exclude_other(s, p, &nodes, &links, &srlgs);
    if (outage) {
        exclude(&nodes, outage->nodes, outage->n_nodes);
        exclude(&links, outage->links, outage->n_links);
        exclude(&srlgs, outage->srlgs, outage->n_srlgs);
    }
    c->exclude_nodes = nodes.items;
    c->n_exclude_nodes = nodes.n;
    c->exclude_links = links.items;
    c->n_exclude_links = links.n;
    c->exclude_srlgs = srlgs.items;
    c->n_exclude_srlgs = srlgs.n;
    te_state_load(s, lsp, p->links, p->n_links, false);
    c->free_bps = room_for(s, ignore_limits);
    te_state_load(s, lsp, p->links, p->n_links, true);
    s->n_searches++;
    enum err err = te_route(s->router, &ask, out, NULL);
    if (!err && out->n == 0) {
        te_path_fini(out);
        err = ERR_NOT_FOUND;
    }
    free(nodes.items);
    free(links.items);
    free(srlgs.items);
    return err;
}

enum err
te_state_check(struct te_state *s, uint32_t lsp, const uint32_t *links, uint32_t n)
{
    const struct te_lsp *p = &s->lsps[lsp];
    struct te_request ask = {
        .from = p->from, .to = p->to, .optimise = p->optimise, .constraints = p->constraints};
    struct te_path path = {.n = n, .links = (uint32_t *)(uintptr_t)links};
    ask.constraints.free_bps = room_for(s, true);
    enum err err = te_path_check(s->router, &ask, &path, NULL);
    if (err)
        return err;
    if (p->diverse_from == TE_NONE || !s->lsps[p->diverse_from].n_links)
        return ERR_OK;
    const struct te_lsp *other = &s->lsps[p->diverse_from];
    return te_paths_diverse(s->net, links, n, other->links, other->n_links, p->diversity)
               ? ERR_OK
               : ERR_CONFLICT;
}

double
te_state_highest(const struct te_state *s, uint32_t *link)
{
    double highest = 0;
    uint32_t at = TE_NONE;
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        double u = (double)s->load[l] / (double)MAX(s->limit[l], 1);
        if (s->load[l] && u > highest) {
            highest = u;
            at = l;
        }
    }
    if (link)
        *link = at;
    return highest;
}

uint32_t
te_state_over(const struct te_state *s)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < s->net->n_links; l++)
        n += s->load[l] > s->limit[l];
    return n;
}
