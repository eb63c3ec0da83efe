#include "te/disjoint.h"

#include "base/alloc.h"
#include "te/plan.h"
#include "te/risks.h"

#include <stdlib.h>
#include <string.h>

/* What else may be forbidden to a path: to be slower, or faster, than so many microseconds. */
enum { SLOWER = TE_RISKS, FASTER };

/* A step of branching. */
struct knot {
    uint32_t parent; /* TE_NONE: the first */
    struct te_risk risk;
    uint8_t side; /* whom it is forbidden to; n: it is shared, and paid for */
    uint64_t penalty;
    uint64_t least;                        /* of the flow */
    uint32_t paths[TE_DISJOINT_PATHS_MAX]; /* in the pool */
};

struct search {
    struct te_router *router;
    const struct te_disjoint_request *ask;
    struct te_request asks[TE_DISJOINT_PATHS_MAX];
    struct te_plan *plans[TE_DISJOINT_PATHS_MAX];
    uint32_t searches; /* so far */
    bool alike;        /* all paths are asked the same */
    uint64_t weights[TE_RISKS];
    struct te_path *pool;
    struct knot *knots;
    uint32_t n_pool, pool_capacity, n_knots, knots_capacity;
    struct te_heap heap;
    bool has_best, doubtful; /* doubtful: something was not searched to its end */
    uint64_t best_key;
    struct te_disjoint_set best;
    struct te_risk_marks marks;
};

/* ---- What paths have in common ---- */

struct place {
    const struct search *search;
    uint32_t knot;
};

static bool
is_paid(const void *arg, struct te_risk risk)
{
    const struct place *at = arg;
    const struct search *s = at->search;
    for (uint32_t i = at->knot; i != TE_NONE; i = s->knots[i].parent) {
        const struct knot *k = &s->knots[i];
        if (k->side == s->ask->n && k->parent != TE_NONE && k->risk.kind == risk.kind &&
            k->risk.number == risk.number)
            return true;
    }
    return false;
}

/* Without what is paid for at that knot (TE_NONE: all counts). */
static struct te_common_risks
compare_paths(struct search *s, uint32_t i, const struct te_path *a, uint32_t k,
              const struct te_path *b, uint32_t knot)
{
    const struct place at = {s, knot};
    return te_compare_risks(&s->marks, s->router, s->ask->disjoint,
                            (const struct te_request *const[]){&s->asks[i], &s->asks[k]},
                            (const struct te_path *const[]){a, b}, knot == TE_NONE ? NULL : is_paid,
                            &at);
}

/* ---- Paths under bans ---- */

/* Where delays may not differ much, the first bound of a plan is the one on delay. */
static void
limit_delay(struct te_plan *p, struct te_risk risk, bool on)
{
    if (risk.kind == FASTER)
        p->min_delay_us = on ? MAX(p->min_delay_us, risk.number) : 0;
    else
        p->bounds[0].limit = on ? MIN(p->bounds[0].limit, risk.number)
                                : p->ask->constraints.max_delay_us;
}

static void
ban(struct te_plan *p, struct te_risk risk, bool on)
{
    if (risk.kind >= TE_RISKS)
        limit_delay(p, risk, on);
    else if (risk.kind == TE_RISK_LINK)
        te_plan_ban_link(p, risk.number, on);
    else if (risk.kind == TE_RISK_SRLG)
        te_plan_ban_srlg(p, risk.number, on);
    else if (!te_risk_is_end(p->ask, risk))
        te_plan_ban_node(p, risk.number, on);
}

static void
ban_all(struct search *s, uint32_t knot, uint32_t side, bool on)
{
    for (; knot != TE_NONE; knot = s->knots[knot].parent) {
        if (s->knots[knot].side == side && s->knots[knot].parent != TE_NONE)
            ban(s->plans[side], s->knots[knot].risk, on);
    }
}

#define RANKINGS 200 /* searches for one path */

static enum err
solve(struct search *s, uint32_t side, struct te_path *out)
{
    struct te_plan *p = s->plans[side];
    p->effort = p->ask->effort ? p->ask->effort : TE_EFFORT;
    p->rankings = RANKINGS;
    p->met_loops = false;
    bool rank = te_must_rank(p->ask) || p->min_delay_us;
    enum err err = rank ? te_plan_rank(p, out) : te_plan_solve(p, NULL, 0, out);
    s->searches += rank ? RANKINGS - p->rankings : 1;
    if (err == ERR_LIMIT || (!err && !out->optimal))
        s->doubtful = true;
    return err;
}

static uint32_t
to_pool(struct search *s, struct te_path path)
{
    GROW(s->pool, s->n_pool, s->pool_capacity);
    s->pool[s->n_pool] = path;
    return s->n_pool++;
}

/* ---- Sets that are found on the way ---- */

/* Penalties before costs. */
static uint64_t
key_of(uint64_t penalty, uint64_t cost)
{
    const uint64_t most = (UINT64_C(1) << 40) - 1;
    return MIN(penalty, (UINT64_C(1) << 24) - 1) << 40 | MIN(cost, most);
}

static bool
difference_fits(const struct search *s, const struct te_path *const *paths)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < s->ask->n; i++) {
        least = MIN(least, paths[i]->delay_us);
        most = MAX(most, paths[i]->delay_us);
    }
    return !s->ask->bound_difference || most - least <= s->ask->max_difference_us;
}

/* Room for both in the direction of that link, if both use it so. */
static bool
fit_on(const struct search *s, uint32_t i, uint32_t k, uint32_t link)
{
    const struct te_plan *a = s->plans[i], *b = s->plans[k];
    uint64_t x = a->ask->constraints.bandwidth_bps, y = b->ask->constraints.bandwidth_bps;
    return !x || !y || (a->free_bps[link] >= x + y && b->free_bps[link] >= x + y);
}

static bool
uses(const struct search *s, uint32_t side, const struct te_path *path, uint32_t link)
{
    for (uint32_t i = 0; i < path->n; i++) {
        if (path->links[i] == link ||
            (s->plans[side]->symmetric && s->router->reverse[path->links[i]] == link))
            return true;
    }
    return false;
}

/* A link that two paths share without room for both; TE_NONE: there is none. */
static uint32_t
cramped_link(const struct search *s, uint32_t i, const struct te_path *a, uint32_t k,
             const struct te_path *b)
{
    bool symmetric = s->plans[i]->symmetric;
    for (uint32_t m = 0; m < a->n; m++) {
        uint32_t l = a->links[m], back = s->router->reverse[l];
        if ((uses(s, k, b, l) && !fit_on(s, i, k, l)) ||
            (symmetric && uses(s, k, b, back) && !fit_on(s, i, k, back)))
            return l;
    }
    return TE_NONE;
}

/* Keeps the set if it is the best so far. */
static void
offer(struct search *s, const struct te_path *const *paths)
{
    uint64_t penalty = 0, cost = 0;
    uint32_t counts[TE_RISKS] = {0};
    bool room = true;
    for (uint32_t i = 0; i < s->ask->n; i++) {
        cost += paths[i]->cost;
        for (uint32_t k = i + 1; k < s->ask->n; k++) {
            struct te_common_risks c = compare_paths(s, i, paths[i], k, paths[k], TE_NONE);
            room = room && (!c.counts[TE_RISK_LINK] ||
                            cramped_link(s, i, paths[i], k, paths[k]) == TE_NONE);
            for (int kind = 0; kind < TE_RISKS; kind++) {
                counts[kind] += c.counts[kind];
                penalty += c.counts[kind] * s->weights[kind];
            }
        }
    }
    uint64_t key = key_of(penalty, cost);
    if ((penalty && !s->ask->best_effort) || !room || !difference_fits(s, paths) ||
        (s->has_best && key >= s->best_key))
        return;
    te_disjoint_fini(&s->best);
    s->best = (struct te_disjoint_set){.n = s->ask->n,
                                       .cost = cost,
                                       .shared_links = counts[TE_RISK_LINK],
                                       .shared_nodes = counts[TE_RISK_NODE],
                                       .shared_srlgs = counts[TE_RISK_SRLG]};
    for (uint32_t i = 0; i < s->ask->n; i++)
        te_path_copy(&s->best.paths[i], paths[i]);
    s->best_key = key;
    s->has_best = true;
}

struct banning {
    struct te_plan *plan;
    bool on;
};

static void
ban_risk(void *arg, struct te_risk risk)
{
    const struct banning *b = arg;
    ban(b->plan, risk, b->on);
}

/* Near the delays of the first `n` of these paths. */
static void
stay_near(const struct search *s, struct te_plan *p, const struct te_path *const *paths,
          uint32_t first, uint32_t n, bool on)
{
    const uint32_t most = s->ask->max_difference_us;
    for (uint32_t i = 0; i < n && s->ask->bound_difference; i++) {
        uint64_t us = paths[(first + i) % s->ask->n]->delay_us;
        ban(p, (struct te_risk){FASTER, (uint32_t)(us - MIN(us, most))}, on);
        ban(p, (struct te_risk){SLOWER, (uint32_t)MIN(us + most, UINT32_MAX)}, on);
    }
}

/* What the sides before it have, and what is forbidden to it anyway. */
static void
ban_for_turn(struct search *s, uint32_t knot, uint32_t first, uint32_t i,
             const struct te_path *const *paths, bool on)
{
    uint32_t n = s->ask->n, side = (first + i) % n;
    struct banning banning = {s->plans[side], on};
    ban_all(s, knot, side, on);
    for (uint32_t k = 0; k < i; k++)
        te_each_risk(s->router, paths[(first + k) % n], s->ask->disjoint, ban_risk, &banning);
    stay_near(s, s->plans[side], paths, first, i, on);
}

/* One after the other, the side `first` to begin with, each without what those before have. */
static void
try_in_turn(struct search *s, uint32_t knot, uint32_t first)
{
    const struct te_path *paths[TE_DISJOINT_PATHS_MAX];
    struct te_path own[TE_DISJOINT_PATHS_MAX];
    uint32_t n = s->ask->n, n_own = 0;
    bool all = true, doubtful = s->doubtful; /* this is but a try */
    paths[first] = &s->pool[s->knots[knot].paths[first]];
    for (uint32_t i = 1; i < n && all; i++) {
        uint32_t side = (first + i) % n;
        ban_for_turn(s, knot, first, i, paths, true);
        all = !solve(s, side, &own[n_own]);
        ban_for_turn(s, knot, first, i, paths, false);
        if (all)
            paths[side] = &own[n_own++];
    }
    s->doubtful = doubtful;
    if (all)
        offer(s, paths);
    for (uint32_t i = 0; i < n_own; i++)
        te_path_fini(&own[i]);
}

/* ---- The flow ---- */

/* All paths must be within what their plans allow, bounds included. */
static bool
fits_plans(const struct search *s, const struct te_path *paths)
{
    for (uint32_t i = 0; i < s->ask->n; i++) {
        const struct te_plan *p = s->plans[i];
        for (uint32_t k = 0; k < paths[i].n; k++) {
            uint32_t to = s->router->graph.to[paths[i].links[k]];
            if (p->cost[paths[i].links[k]] == DIGRAPH_FAR || (p->closed[to] && to != p->ask->to))
                return false;
        }
        if (p->ask->n_hops || !te_plan_within_bounds(p, &paths[i]) ||
            !te_path_fits(p->ask, &paths[i]))
            return false;
    }
    return true;
}

static void
offer_flow(struct search *s, const struct digraph_paths *flow)
{
    struct te_path paths[TE_DISJOINT_PATHS_MAX];
    const struct te_path *list[TE_DISJOINT_PATHS_MAX];
    uint32_t n = s->ask->n;
    for (uint32_t turn = 0; turn < n; turn++) { /* who gets which of them */
        for (uint32_t i = 0; i < n; i++) {
            const struct digraph_arcs *arcs = &flow->paths[(i + turn) % n];
            paths[i] = (struct te_path){.n = arcs->n, .links = arcs->arcs, .optimal = true};
            te_path_measure(s->router, &s->asks[i], &paths[i]);
            list[i] = &paths[i];
        }
        if (fits_plans(s, paths))
            offer(s, list);
    }
}

/* What the paths cost at least at a knot, if they only had to share no links (and nodes).
 * UINT64_MAX: there are none. */
static uint64_t
flow_bound(struct search *s, uint32_t knot)
{
    const struct te_router *r = s->router;
    uint32_t n_links = r->net->n_links, n_nodes = r->net->n_nodes, n = s->ask->n;
    uint64_t *cost = xmalloc((n_links + 1) * sizeof *cost), key = UINT64_MAX;
    uint8_t *closed = xmalloc(n_nodes + 1);
    bool soft = s->ask->best_effort;
    struct digraph_disjoint ask = {.from = s->asks[0].from,
                                   .to = s->asks[0].to,
                                   .n_paths = n,
                                   .nodes = s->ask->disjoint & TE_DISJOINT_NODE,
                                   .arc_price = soft ? (uint32_t)s->weights[TE_RISK_LINK] : 0,
                                   .node_price = soft ? (uint32_t)s->weights[TE_RISK_NODE] : 0};
    for (uint32_t i = 0; i < n; i++)
        ban_all(s, knot, i, true);
    memcpy(cost, s->plans[0]->cost, n_links * sizeof *cost);
    memcpy(closed, s->plans[0]->closed, n_nodes);
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t l = 0; l < n_links; l++)
            cost[l] = MIN(cost[l], s->plans[i]->cost[l]);
        for (uint32_t v = 0; v < n_nodes; v++)
            closed[v] = closed[v] && s->plans[i]->closed[v];
    }
    const struct digraph_costs costs = {cost, closed};
    struct digraph_paths flow;
    if (!digraph_disjoint(&r->graph, &s->router->scratch, &ask, &costs, &flow)) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += flow.paths[i].cost >> 16;
        key = key_of(flow.price, sum);
        offer_flow(s, &flow);
        digraph_paths_fini(&flow);
    }
    for (uint32_t i = 0; i < n; i++)
        ban_all(s, knot, i, false);
    free(cost);
    free(closed);
    return key;
}

static bool
has_flow(const struct search *s)
{
    const struct te_request *a = s->asks;
    for (uint32_t i = 1; i < s->ask->n; i++) {
        if (a[i].from != a[0].from || a[i].to != a[0].to || a[i].optimise != a[0].optimise)
            return false;
    }
    /* A price for each further user is what n paths pay pairwise only if there are two. */
    return !s->ask->best_effort || s->ask->n == 2;
}

/* ---- Branching ---- */

/* Is this link forbidden to all paths? */
static bool
is_barred(const struct search *s, uint32_t link)
{
    for (uint32_t i = 0; i < s->ask->n; i++) {
        if (s->plans[i]->cost[link] != DIGRAPH_FAR)
            return false;
    }
    return true;
}

static bool
bars_all(const struct search *s, struct te_risk risk)
{
    const struct te_router *r = s->router;
    if (risk.kind == TE_RISK_LINK)
        return is_barred(s, risk.number);
    for (uint32_t i = r->first_of_srlg[risk.number]; i < r->first_of_srlg[risk.number + 1]; i++) {
        if (is_barred(s, r->of_srlg[i]))
            return true;
    }
    return false;
}

/* A flow may use what some path may use. So what is forbidden at this knot changes it only if it
 * was forbidden to all others before. */
static bool
changes_flow(struct search *s, uint32_t knot)
{
    const struct knot *k = &s->knots[knot];
    if (k->parent == TE_NONE || (k->side < s->ask->n && k->risk.kind == TE_RISK_NODE))
        return true;
    if (k->side == s->ask->n || k->risk.kind >= TE_RISKS)
        return false;
    for (uint32_t i = 0; i < s->ask->n; i++)
        ban_all(s, knot, i, true);
    bool changes = bars_all(s, k->risk);
    for (uint32_t i = 0; i < s->ask->n; i++)
        ban_all(s, knot, i, false);
    return changes;
}

static void
push(struct search *s, uint32_t knot)
{
    const struct knot *k = &s->knots[knot];
    uint64_t cost = 0;
    for (uint32_t i = 0; i < s->ask->n; i++)
        cost += s->pool[k->paths[i]].cost;
    uint64_t key = key_of(k->penalty, cost);
    if (s->has_best && key >= s->best_key)
        return;
    if (has_flow(s)) {
        uint64_t least = changes_flow(s, knot) ? flow_bound(s, knot) : k->least;
        s->knots[knot].least = least;
        key = MAX(key, least);
    }
    if (key != UINT64_MAX && (!s->has_best || key < s->best_key))
        te_heap_push(&s->heap, key, knot);
}

/* The parent with one thing more forbidden to a side. */
static void
forbid(struct search *s, uint32_t parent, uint32_t side, struct te_risk risk)
{
    struct te_path path;
    if (te_risk_is_end(&s->asks[side], risk))
        return;
    struct knot k = s->knots[parent];
    k.parent = parent;
    k.risk = risk;
    k.side = (uint8_t)side;
    GROW(s->knots, s->n_knots, s->knots_capacity);
    s->knots[s->n_knots] = k;
    ban_all(s, s->n_knots, side, true);
    enum err err = solve(s, side, &path);
    ban_all(s, s->n_knots, side, false);
    if (err)
        return;
    s->knots[s->n_knots].paths[side] = to_pool(s, path);
    push(s, s->n_knots++);
}

/* The parent with one thing paid for. */
static void
pay(struct search *s, uint32_t parent, struct te_risk risk)
{
    struct knot k = s->knots[parent];
    k.parent = parent;
    k.risk = risk;
    k.side = (uint8_t)s->ask->n;
    k.penalty += s->weights[risk.kind];
    GROW(s->knots, s->n_knots, s->knots_capacity);
    s->knots[s->n_knots] = k;
    push(s, s->n_knots++);
}

/* Two sides that share something. False: nobody does. */
static bool
find_conflict(struct search *s, uint32_t knot, uint32_t sides[2], struct te_risk *risk)
{
    const struct knot *k = &s->knots[knot];
    bool found = false;
    for (uint32_t i = 0; i < s->ask->n; i++) {
        for (uint32_t m = i + 1; m < s->ask->n; m++) {
            const struct te_path *a = &s->pool[k->paths[i]], *b = &s->pool[k->paths[m]];
            struct te_common_risks c = compare_paths(s, i, a, m, b, knot);
            if (!c.any || (found && c.first.kind <= risk->kind))
                continue;
            *risk = c.first;
            sides[0] = i;
            sides[1] = m;
            found = true;
        }
    }
    return found;
}

/* The same for links that both may use, as far as that goes, but have no room for both. */
static bool
find_cramped(const struct search *s, uint32_t knot, uint32_t sides[2], struct te_risk *risk)
{
    const struct knot *k = &s->knots[knot];
    for (uint32_t i = 0; i < s->ask->n && s->ask->best_effort; i++) {
        for (uint32_t m = i + 1; m < s->ask->n; m++) {
            const struct te_path *a = &s->pool[k->paths[i]], *b = &s->pool[k->paths[m]];
            uint32_t link = cramped_link(s, i, a, m, b);
            if (link == TE_NONE)
                continue;
            *risk = (struct te_risk){TE_RISK_LINK, MIN(link, s->router->reverse[link])};
            sides[0] = i;
            sides[1] = m;
            return true;
        }
    }
    return false;
}

/* Nothing is shared, but the delays differ too much: either the slowest path becomes faster than
 * halfway between what it is and what would do; or it does not, and then the fastest becomes so
 * slow that it fits that. */
static void
vary(struct search *s, uint32_t knot)
{
    uint32_t fast = 0, slow = 0, n = s->ask->n, most = s->ask->max_difference_us;
    uint64_t us[TE_DISJOINT_PATHS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        us[i] = s->pool[s->knots[knot].paths[i]].delay_us;
        fast = us[i] < us[fast] ? i : fast;
        slow = us[i] > us[slow] ? i : slow;
    }
    uint32_t halfway = (uint32_t)((us[fast] + most + us[slow]) / 2);
    halfway = MIN(halfway, (uint32_t)us[slow] - 1);
    forbid(s, knot, slow, (struct te_risk){SLOWER, halfway});
    forbid(s, knot, fast, (struct te_risk){FASTER, halfway + 1 - most});
}

#define TRIES 48 /* knots at which sets are made in turn; beyond, at every sixteenth */

static void
expand(struct search *s, uint32_t knot, uint32_t step)
{
    uint32_t sides[2];
    struct te_risk risk;
    const struct te_path *paths[TE_DISJOINT_PATHS_MAX];
    for (uint32_t i = 0; i < s->ask->n; i++)
        paths[i] = &s->pool[s->knots[knot].paths[i]];
    offer(s, paths);
    bool shared = find_conflict(s, knot, sides, &risk);
    bool conflict = shared || find_cramped(s, knot, sides, &risk);
    if (!conflict && difference_fits(s, paths))
        return;
    for (uint32_t i = 0; i < s->ask->n && (step < TRIES || step % 16 == 0); i++)
        try_in_turn(s, knot, i);
    if (!conflict) {
        vary(s, knot);
        return;
    }
    forbid(s, knot, sides[0], risk);
    /* Of two that are asked the same and are still the same, either may be the one. */
    if (!(s->alike && s->knots[knot].parent == TE_NONE))
        forbid(s, knot, sides[1], risk);
    if (s->ask->best_effort && shared)
        pay(s, knot, risk);
}

static enum err
begin(struct search *s)
{
    struct knot root = {.parent = TE_NONE};
    for (uint32_t i = 0; i < s->ask->n; i++) {
        struct te_path path;
        if (i && s->alike) {
            root.paths[i] = root.paths[0];
            continue;
        }
        enum err err = solve(s, i, &path);
        if (err)
            return err;
        root.paths[i] = to_pool(s, path);
    }
    GROW(s->knots, s->n_knots, s->knots_capacity);
    s->knots[s->n_knots] = root;
    push(s, s->n_knots++);
    return ERR_OK;
}

/* Returns the least that any set may cost that was not found. */
static uint64_t
branch(struct search *s)
{
    uint32_t usual = MIN(TE_DISJOINT_EFFORT, 40000000 / MAX(s->router->net->n_links, 1));
    uint32_t effort = s->ask->effort ? s->ask->effort : MAX(usual, 200);
    for (uint32_t step = 0; s->heap.n; step++) {
        uint64_t key = s->heap.entries[0].key;
        if (s->has_best && key >= s->best_key)
            break;
        if (s->searches >= effort && step)
            return key;
        expand(s, (uint32_t)te_heap_pop(&s->heap).item, step);
    }
    return UINT64_MAX;
}

static enum err
open_search(struct search *s, struct te_router *r, const struct te_disjoint_request *ask)
{
    const uint32_t weights[TE_RISKS] = {ask->link_weight, ask->node_weight, ask->srlg_weight};
    static const uint32_t usual[TE_RISKS] = {1, 64, 4096};
    *s = (struct search){.router = r, .ask = ask, .alike = true};
    if (ask->n < 2 || ask->n > TE_DISJOINT_PATHS_MAX)
        return ERR_INVALID;
    for (uint32_t i = 0; i < ask->n; i++) {
        enum err err = te_request_check(r, &ask->paths[i]);
        if (err || ask->paths[i].from == ask->paths[i].to)
            return ERR_INVALID;
        s->alike &= !memcmp(&ask->paths[i], &ask->paths[0], sizeof ask->paths[0]);
        s->asks[i] = ask->paths[i];
        if (ask->bound_difference && !ask->paths[i].constraints.max_delay_us)
            s->asks[i].constraints.max_delay_us = UINT32_MAX; /* all delays have to be known */
    }
    bool given = weights[0] || weights[1] || weights[2];
    for (int i = 0; i < TE_RISKS; i++)
        s->weights[i] = given ? MAX(weights[i], 1) : usual[i];
    for (uint32_t i = 0; i < ask->n; i++)
        s->plans[i] = te_plan_open(r, &s->asks[i], 0);
    te_risk_marks_init(&s->marks, r);
    return ERR_OK;
}

static void
close_search(struct search *s)
{
    for (uint32_t i = 0; i < s->ask->n; i++)
        te_plan_close(s->plans[i]);
    for (uint32_t i = 0; i < s->n_pool; i++)
        te_path_fini(&s->pool[i]);
    te_risk_marks_fini(&s->marks);
    free(s->pool);
    free(s->knots);
    free(s->heap.entries);
}

static enum err
refuse(const struct search *s, enum err first, bool ended, struct diag *diag)
{
    const struct te_request *a = &s->asks[0];
    const char *from = s->router->net->nodes[a->from].name, *to = s->router->net->nodes[a->to].name;
    if (first)
        return diag_set(diag, first, "not even one path from %s to %s meets its constraints", from,
                        to);
    if (!ended || s->doubtful)
        return diag_set(diag, ERR_LIMIT,
                        "no set of disjoint paths from %s to %s was found; there may be one", from,
                        to);
    return diag_set(diag, ERR_NOT_FOUND,
                    "there are paths from %s to %s, but no %u without common %s%s%s", from, to,
                    s->ask->n, s->ask->disjoint & TE_DISJOINT_SRLG ? "risk groups, " : "",
                    s->ask->disjoint & TE_DISJOINT_NODE ? "nodes, " : "", "links");
}

enum err
te_disjoint(struct te_router *r, const struct te_disjoint_request *ask, struct te_disjoint_set *out,
            struct diag *diag)
{
    struct search s;
    enum err err = open_search(&s, r, ask);
    if (err)
        return diag_set(diag, err, "the request makes no sense");
    err = begin(&s);
    uint64_t left = err ? UINT64_MAX : branch(&s);
    if (s.has_best) {
        *out = s.best;
        out->optimal = left == UINT64_MAX && !s.doubtful && (ask->n == 2 || s.best_key >> 40 == 0);
        uint64_t least = MIN(left, s.best_key);
        out->least_cost = least >> 40 == s.best_key >> 40 ? least & ((UINT64_C(1) << 40) - 1) : 0;
    } else {
        err = refuse(&s, err, left == UINT64_MAX, diag);
    }
    close_search(&s);
    return err;
}

void
te_disjoint_fini(struct te_disjoint_set *set)
{
    for (uint32_t i = 0; i < set->n; i++)
        te_path_fini(&set->paths[i]);
    *set = (struct te_disjoint_set){0};
}
