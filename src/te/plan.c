#include "te/plan.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void
te_plan_destroy(struct te_plan *p)
{
    free(p->srlg_excluded);
    free(p->base);
    free(p->cost);
    free(p->bans);
    free(p->closed);
    for (int i = 0; i < TE_SUMS; i++)
        free(p->bounds[i].ahead);
    free(p->cost_ahead);
    free(p->labels);
    free(p->first_label);
    free(p->heap.entries);
    free(p);
}

static struct te_plan *
take_spare(struct te_router *r)
{
    const struct te_network *net = r->net;
    struct te_plan *p = r->spare;
    if (p) {
        r->spare = p->next;
        return p;
    }
    p = xcalloc(1, sizeof *p);
    p->router = r;
    p->srlg_excluded = xcalloc(net->n_srlgs + 1, 1);
    p->base = xmalloc((net->n_links + 1) * sizeof *p->base);
    p->cost = xmalloc((net->n_links + 1) * sizeof *p->cost);
    p->bans = xcalloc(net->n_links + 1, sizeof *p->bans);
    p->closed = xmalloc(net->n_nodes + 1);
    return p;
}

void
te_plan_close(struct te_plan *p)
{
    p->next = p->router->spare;
    p->router->spare = p;
}

/* ---- Which links are left ---- */

static bool
is_any(const struct te_affinity *a)
{
    uint64_t any = 0;
    for (int i = 0; i < TE_AFFINITY_WORDS; i++)
        any |= a->words[i];
    return any;
}

static bool
affinity_fits(const struct te_constraints *c, const struct te_affinity *a)
{
    uint64_t any = 0, missing = 0, bad = 0;
    for (int i = 0; i < TE_AFFINITY_WORDS; i++) {
        any |= a->words[i] & c->include_any.words[i];
        missing |= c->include_all.words[i] & ~a->words[i];
        bad |= c->exclude_any.words[i] & a->words[i];
    }
    return !missing && !bad && (any || !is_any(&c->include_any));
}

static bool
asks_for_affinity(const struct te_constraints *c)
{
    return is_any(&c->include_any) || is_any(&c->include_all) || is_any(&c->exclude_any);
}

static bool
touches_excluded_group(const struct te_plan *p, const struct te_link *link)
{
    const uint32_t *groups = &p->router->net->link_srlgs[link->first_srlg];
    for (uint32_t i = 0; i < link->n_srlgs; i++) {
        if (p->srlg_excluded[groups[i]])
            return true;
    }
    return false;
}

/* Takes away what this test says, on both sides of a symmetric path. */
#define TAKE_AWAY(p, l, condition)                                                                 \
    for (uint32_t l = 0; l < (p)->router->net->n_links; l++) {                                     \
        if (condition) {                                                                           \
            (p)->cost[l] = DIGRAPH_FAR;                                                            \
            if ((p)->symmetric && (p)->router->reverse[l] != TE_NONE)                              \
                (p)->cost[(p)->router->reverse[l]] = DIGRAPH_FAR;                                  \
        }                                                                                          \
    }

static void
price_links(struct te_plan *p, unsigned flags)
{
    const struct te_router *r = p->router;
    const uint32_t *metric = r->metric[p->ask->optimise];
    bool all = flags & TE_PLAN_ALL_IN_SERVICE, by_delay = p->ask->optimise == TE_METRIC_DELAY;
    uint32_t assumed = p->ask->constraints.assume_delay_us;
    for (uint32_t l = 0; l < r->net->n_links; l++) {
        bool usable = r->usable[l] || (all && r->reverse[l] != TE_NONE);
        uint32_t here = by_delay && metric[l] == TE_UNKNOWN_US ? assumed : metric[l];
        p->cost[l] = usable ? te_folded(here) : DIGRAPH_FAR;
    }
    if (p->delay_matters && !assumed && !(flags & TE_PLAN_KNOWN_DELAYS))
        TAKE_AWAY(p, l, r->delay[l] == TE_UNKNOWN_US)
}

static void
apply_constraints(struct te_plan *p)
{
    const struct te_constraints *c = &p->ask->constraints;
    const struct te_link *links = p->router->net->links;
    if (c->bandwidth_bps)
        TAKE_AWAY(p, l, p->free_bps[l] < c->bandwidth_bps)
    if (asks_for_affinity(c)) {
        const struct te_affinity *affinity = te_router_affinity(p->router);
        TAKE_AWAY(p, l, !affinity_fits(c, &affinity[l]))
    }
    if (c->n_exclude_srlgs) {
        memset(p->srlg_excluded, 0, p->router->net->n_srlgs);
        for (uint32_t i = 0; i < c->n_exclude_srlgs; i++)
            p->srlg_excluded[c->exclude_srlgs[i]] = 1;
        TAKE_AWAY(p, l, touches_excluded_group(p, &links[l]))
    }
    for (uint32_t i = 0; i < c->n_exclude_links; i++) {
        uint32_t link = c->exclude_links[i];
        p->cost[link] = DIGRAPH_FAR;
        if (links[link].reverse != TE_NONE)
            p->cost[links[link].reverse] = DIGRAPH_FAR;
    }
    for (uint32_t i = 0; i < c->n_exclude_nodes; i++)
        p->closed[c->exclude_nodes[i]] = 1;
}

static void
bound(struct te_plan *p, enum te_sum what, uint64_t limit)
{
    if (!limit)
        return;
    p->bounds[p->n_bounds].what = what;
    p->bounds[p->n_bounds++].limit = limit;
}

#define RANKING_WORK 4000000 /* searches times links: about a second */

static uint32_t
rankings_of(const struct te_request *ask, const struct te_network *net)
{
    uint32_t fair = MAX(RANKING_WORK / MAX(net->n_links, 1), 50);
    return ask->rankings ? ask->rankings : MIN(TE_RANKINGS, fair);
}

struct te_plan *
te_plan_open(struct te_router *r, const struct te_request *ask, unsigned flags)
{
    const struct te_constraints *c = &ask->constraints;
    const struct te_network *net = r->net;
    struct te_plan *p = take_spare(r);
    p->ask = ask;
    p->symmetric = c->symmetric || c->bound_asymmetry;
    p->delay_matters = c->max_delay_us || c->bound_asymmetry || ask->optimise == TE_METRIC_DELAY;
    p->all_in_service = flags & TE_PLAN_ALL_IN_SERVICE;
    p->free_bps = c->free_bps;
    if (c->bandwidth_bps && !p->free_bps)
        p->free_bps = te_router_unreserved(r, c->priority);
    p->effort = ask->effort ? ask->effort : TE_EFFORT;
    p->rankings = ask->accept ? rankings_of(ask, net) : TE_RANKINGS;
    p->min_delay_us = 0;
    p->knows_ahead = p->met_loops = false;
    p->n_bounds = 0;
    bound(p, TE_SUM_DELAY, c->max_delay_us);
    bound(p, TE_SUM_REVERSE_DELAY, p->symmetric ? c->max_delay_us : 0);
    bound(p, TE_SUM_HOPS, c->max_hops);
    bound(p, TE_SUM_IGP, c->max_igp);
    bound(p, TE_SUM_TE, c->max_te);
    if (p->all_in_service)
        memset(p->closed, 0, net->n_nodes);
    else
        memcpy(p->closed, r->impassable, net->n_nodes);
    price_links(p, flags);
    apply_constraints(p);
    memcpy(p->base, p->cost, net->n_links * sizeof *p->cost);
    memset(p->bans, 0, net->n_links * sizeof *p->bans);
    return p;
}

/* ---- Bans ---- */

static void
ban_arc(struct te_plan *p, uint32_t link, bool ban)
{
    p->bans[link] = (uint16_t)(p->bans[link] + (ban ? 1 : -1));
    p->cost[link] = p->bans[link] ? DIGRAPH_FAR : p->base[link];
}

void
te_plan_ban_link(struct te_plan *p, uint32_t link, bool ban)
{
    uint32_t reverse = p->router->reverse[link];
    ban_arc(p, link, ban);
    if (reverse != TE_NONE)
        ban_arc(p, reverse, ban);
}

void
te_plan_ban_node(struct te_plan *p, uint32_t node, bool ban)
{
    p->closed[node] = (uint8_t)(p->closed[node] + (ban ? 1 : -1));
}

void
te_plan_ban_srlg(struct te_plan *p, uint32_t group, bool ban)
{
    const struct te_router *r = p->router;
    for (uint32_t i = r->first_of_srlg[group]; i < r->first_of_srlg[group + 1]; i++)
        te_plan_ban_link(p, r->of_srlg[i], ban);
}

/* ---- Sums and bounds ---- */

static uint64_t
delay_of(const struct te_plan *p, uint32_t link)
{
    uint32_t us = p->router->delay[link];
    return us == TE_UNKNOWN_US ? p->ask->constraints.assume_delay_us : us;
}

uint64_t
te_plan_sum(const struct te_plan *p, enum te_sum what, uint32_t link)
{
    const struct te_router *r = p->router;
    switch (what) {
    case TE_SUM_DELAY:
        return delay_of(p, link);
    case TE_SUM_REVERSE_DELAY:
        return delay_of(p, r->reverse[link]);
    case TE_SUM_HOPS:
        return 1;
    case TE_SUM_IGP:
        return r->igp[link];
    default:
        return r->te[link];
    }
}

bool
te_plan_within_bounds(const struct te_plan *p, const struct te_path *path)
{
    const uint64_t sums[TE_SUMS] = {path->delay_us, path->reverse_delay_us, path->n, path->igp,
                                    path->te};
    for (uint32_t i = 0; i < p->n_bounds; i++) {
        if (sums[p->bounds[i].what] > p->bounds[i].limit)
            return false;
    }
    return true;
}

/* ---- Explicit hops ---- */

static uint16_t
skip_nodes(const struct te_plan *p, uint32_t at, uint16_t stage)
{
    const struct te_hop *hops = p->ask->hops;
    while (stage < p->ask->n_hops && hops[stage].link == TE_NONE && hops[stage].node == at)
        stage++;
    return stage;
}

uint16_t
te_plan_first_stage(const struct te_plan *p)
{
    return skip_nodes(p, p->ask->from, 0);
}

bool
te_plan_advance(const struct te_plan *p, uint32_t link, uint32_t to, uint16_t *stage)
{
    if (*stage < p->ask->n_hops) {
        const struct te_hop *hop = &p->ask->hops[*stage];
        bool hit = hop->link != TE_NONE ? hop->link == link : hop->node == to;
        if (!hit && !hop->loose)
            return false;
        *stage = skip_nodes(p, to, (uint16_t)(*stage + hit));
    }
    return to != p->ask->to || *stage == p->ask->n_hops;
}

/* ---- Without labels ---- */

/* The shortest path that begins so, bounds or not. */
static enum err
solve_plain(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix, struct te_path *out)
{
    struct te_router *r = p->router;
    uint32_t at = n_prefix ? r->graph.to[prefix[n_prefix - 1]] : p->ask->from;
    const struct digraph_costs costs = {p->cost, p->closed};
    if (!digraph_shortest(&r->graph, &r->scratch, at, p->ask->to, &costs))
        return ERR_NOT_FOUND;
    *out = (struct te_path){.links = xmalloc((r->net->n_nodes + 1) * sizeof *out->links)};
    if (n_prefix)
        memcpy(out->links, prefix, n_prefix * sizeof *prefix);
    out->n = n_prefix + digraph_path(&r->graph, &r->scratch, p->ask->to, out->links + n_prefix);
    out->links = xrealloc(out->links, MAX(out->n, 1), sizeof *out->links);
    te_path_measure(r, p->ask, out);
    out->optimal = true;
    return ERR_OK;
}

enum err
te_plan_solve(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix, struct te_path *out)
{
    const uint32_t *from = p->router->graph.from;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n_prefix; i++)
        te_plan_ban_node(p, from[prefix[i]], true);
    bool plain = !p->ask->n_hops;
    if (plain)
        err = solve_plain(p, prefix, n_prefix, out);
    if (!err && plain && !te_plan_within_bounds(p, out)) {
        te_path_fini(out);
        plain = false;
    }
    if (!err && !plain)
        err = te_plan_solve_labels(p, prefix, n_prefix, out);
    for (uint32_t i = 0; i < n_prefix; i++)
        te_plan_ban_node(p, from[prefix[i]], false);
    return err;
}
