#include "te/route.h"

#include "te/plan.h"

#include <stdlib.h>
#include <string.h>

void
te_path_fini(struct te_path *path)
{
    free(path->links);
    *path = (struct te_path){0};
}

void
te_path_copy(struct te_path *out, const struct te_path *path)
{
    *out = *path;
    out->links = path->n ? xmemdup(path->links, path->n * sizeof *path->links) : NULL;
}

static uint64_t
delay_or(const struct te_router *r, uint32_t link, uint32_t assumed, uint32_t *n_unknown)
{
    uint32_t us = link == TE_NONE ? TE_UNKNOWN_US : r->delay[link];
    *n_unknown += us == TE_UNKNOWN_US;
    return us == TE_UNKNOWN_US ? assumed : us;
}

void
te_path_measure(const struct te_router *r, const struct te_request *ask, struct te_path *path)
{
    uint32_t assumed = ask->constraints.assume_delay_us, unknown = 0;
    path->igp = path->te = path->delay_us = path->reverse_delay_us = 0;
    for (uint32_t i = 0; i < path->n; i++) {
        uint32_t l = path->links[i];
        path->igp += r->igp[l];
        path->te += r->te[l];
        path->delay_us += delay_or(r, l, assumed, &unknown);
        path->reverse_delay_us += delay_or(r, r->reverse[l], assumed, &unknown);
    }
    const uint64_t costs[TE_METRICS] = {path->igp, path->te, path->delay_us, path->n};
    path->n_unknown_delays = unknown;
    path->cost = costs[ask->optimise];
}

/* ---- Is the question in order? ---- */

static bool
all_below(const uint32_t *list, uint32_t n, uint32_t limit)
{
    for (uint32_t i = 0; i < n; i++) {
        if (list[i] >= limit)
            return false;
    }
    return true;
}

enum err
te_request_check(const struct te_router *r, const struct te_request *ask)
{
    const struct te_constraints *c = &ask->constraints;
    const struct te_network *net = r->net;
    bool fine = ask->from < net->n_nodes && ask->to < net->n_nodes && ask->optimise < TE_METRICS &&
                c->priority < TE_PRIORITIES && ask->n_hops <= TE_HOPS_MAX;
    fine = fine && all_below(c->exclude_nodes, c->n_exclude_nodes, net->n_nodes);
    fine = fine && all_below(c->exclude_links, c->n_exclude_links, net->n_links);
    fine = fine && all_below(c->exclude_srlgs, c->n_exclude_srlgs, net->n_srlgs);
    for (uint32_t i = 0; fine && i < ask->n_hops; i++) {
        const struct te_hop *hop = &ask->hops[i];
        fine = hop->link == TE_NONE ? hop->node < net->n_nodes : hop->link < net->n_links;
    }
    return fine ? ERR_OK : ERR_INVALID;
}

/* ---- Ranking: J. Y. Yen (1971), shortened by E. L. Lawler (1972), for what is no sum with a bound
 * ---- */

struct candidate {
    struct te_path path;
    uint32_t prefix; /* links that it shares with the one that it was made from */
    uint32_t *bans, n_bans;
};

struct ranking {
    struct te_plan *plan;
    struct te_heap heap;
    struct candidate *all;
    uint32_t n, capacity;
};

/* The best path that begins with these links, and does not go on with any of the bans. */
static enum err
add_candidate(struct ranking *r, const uint32_t *links, uint32_t prefix, const uint32_t *bans,
              uint32_t n_bans)
{
    struct candidate c = {.prefix = prefix, .n_bans = n_bans};
    if (!r->plan->rankings)
        return ERR_LIMIT;
    r->plan->rankings--;
    for (uint32_t i = 0; i < n_bans; i++)
        te_plan_ban_link(r->plan, bans[i], true);
    enum err err = te_plan_solve(r->plan, links, prefix, &c.path);
    for (uint32_t i = 0; i < n_bans; i++)
        te_plan_ban_link(r->plan, bans[i], false);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    c.bans = n_bans ? xmemdup(bans, n_bans * sizeof *bans) : NULL;
    GROW(r->all, r->n, r->capacity);
    r->all[r->n] = c;
    te_heap_push(&r->heap, c.path.cost, r->n++);
    return ERR_OK;
}

static enum err
branch(struct ranking *r, uint32_t at)
{
    enum err err = ERR_OK;
    struct candidate c = r->all[at]; /* r->all may move */
    for (uint32_t i = c.prefix; i < c.path.n && !err; i++) {
        uint32_t n = 0, *bans = xmalloc((c.n_bans + 1) * sizeof *bans);
        for (; i == c.prefix && n < c.n_bans; n++)
            bans[n] = c.bans[n];
        bans[n++] = c.path.links[i];
        err = add_candidate(r, c.path.links, i, bans, n);
        free(bans);
    }
    return err;
}

enum err
te_plan_rank(struct te_plan *p, struct te_path *out)
{
    struct ranking r = {.plan = p};
    bool found = false;
    enum err err = add_candidate(&r, NULL, 0, NULL, 0);
    while (!err && !found && r.heap.n) {
        uint32_t at = (uint32_t)te_heap_pop(&r.heap).item;
        found = r.all[at].path.delay_us >= p->min_delay_us && te_path_fits(p->ask, &r.all[at].path);
        if (found)
            te_path_copy(out, &r.all[at].path);
        else
            err = branch(&r, at);
    }
    for (uint32_t i = 0; i < r.n; i++) {
        te_path_fini(&r.all[i].path);
        free(r.all[i].bans);
    }
    free(r.all);
    free(r.heap.entries);
    return err || found ? err : ERR_NOT_FOUND;
}

bool
te_asymmetry_fits(const struct te_constraints *c, const struct te_path *path)
{
    uint64_t a = path->delay_us, b = path->reverse_delay_us;
    return !c->bound_asymmetry || (a > b ? a - b : b - a) <= c->max_asymmetry_us;
}

bool
te_path_fits(const struct te_request *ask, const struct te_path *path)
{
    return te_asymmetry_fits(&ask->constraints, path) &&
           (!ask->accept || ask->accept(ask->accept_arg, path));
}

bool
te_must_rank(const struct te_request *ask)
{
    return ask->constraints.bound_asymmetry || ask->accept;
}

enum err
te_route(struct te_router *r, const struct te_request *ask, struct te_path *out,
         struct te_refusal *why)
{
    enum err err = te_request_check(r, ask);
    if (err)
        return err;
    if (ask->from == ask->to) {
        *out = (struct te_path){.optimal = true};
        return ERR_OK;
    }
    struct te_plan *p = te_plan_open(r, ask, 0);
    err = te_must_rank(ask) ? te_plan_rank(p, out) : te_plan_solve(p, NULL, 0, out);
    te_plan_close(p);
    if (err && why)
        te_refusal_explain(r, ask, why);
    return err;
}

void
te_good_links(struct te_router *r, const struct te_request *ask, uint8_t *good)
{
    struct te_plan *p = te_plan_open(r, ask, 0);
    for (uint32_t l = 0; l < r->net->n_links; l++) {
        uint32_t to = r->graph.to[l];
        good[l] = p->cost[l] != DIGRAPH_FAR && (!p->closed[to] || to == ask->to);
    }
    te_plan_close(p);
}

/* ---- Is a path what was asked for? ---- */

static enum err
check_shape(const struct te_router *r, const struct te_request *ask, const struct te_path *path,
            struct diag *diag)
{
    const struct te_network *net = r->net;
    uint32_t at = ask->from;
    uint8_t *seen = xcalloc(net->n_nodes + 1, 1);
    bool fine = true;
    seen[at] = 1;
    for (uint32_t i = 0; i < path->n && fine; i++) {
        uint32_t l = path->links[i];
        fine = l < net->n_links && net->links[l].from == at && !seen[net->links[l].to];
        at = fine ? net->links[l].to : at;
        seen[at] = 1;
    }
    free(seen);
    if (fine && at == ask->to)
        return ERR_OK;
    return diag_set(diag, ERR_INVALID, "it is no simple path from %s to %s",
                    net->nodes[ask->from].name, net->nodes[ask->to].name);
}

static enum err
check_links(const struct te_plan *p, const struct te_path *path, struct diag *diag)
{
    const struct te_network *net = p->router->net;
    uint16_t stage = te_plan_first_stage(p);
    for (uint32_t i = 0; i < path->n; i++) {
        const struct te_link *l = &net->links[path->links[i]];
        const char *from = net->nodes[l->from].name, *to = net->nodes[l->to].name;
        if (p->cost[path->links[i]] == DIGRAPH_FAR)
            return diag_set(diag, ERR_CONFLICT, "the link from %s to %s may not be used", from, to);
        if (p->closed[l->to] && l->to != p->ask->to)
            return diag_set(diag, ERR_CONFLICT, "%s may not be passed", to);
        if (!te_plan_advance(p, path->links[i], l->to, &stage))
            return diag_set(diag, ERR_CONFLICT, "the link from %s to %s is not as the route says",
                            from, to);
    }
    return ERR_OK;
}

enum err
te_path_check(struct te_router *r, const struct te_request *ask, const struct te_path *path,
              struct diag *diag)
{
    enum err err = te_request_check(r, ask);
    if (err)
        return diag_set(diag, err, "the request makes no sense");
    err = check_shape(r, ask, path, diag);
    if (err || !path->n)
        return err;
    struct te_path measured = *path;
    struct te_plan *p = te_plan_open(r, ask, 0);
    te_path_measure(r, ask, &measured);
    err = check_links(p, path, diag);
    if (!err && !te_plan_within_bounds(p, &measured))
        err = diag_set(diag, ERR_CONFLICT,
                       "it exceeds a bound: %u links, %llu and %llu us, IGP metric %llu, TE %llu",
                       path->n, (unsigned long long)measured.delay_us,
                       (unsigned long long)measured.reverse_delay_us,
                       (unsigned long long)measured.igp, (unsigned long long)measured.te);
    if (!err && !te_asymmetry_fits(&ask->constraints, &measured))
        err = diag_set(diag, ERR_CONFLICT, "its directions take %llu and %llu us",
                       (unsigned long long)measured.delay_us,
                       (unsigned long long)measured.reverse_delay_us);
    te_plan_close(p);
    return err;
}
