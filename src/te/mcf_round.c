/* From shares to single routes. A basic solution of the linear program splits at most as many
 * demands as there are tight links, so there is little to do: each of them is tried on one route
 * within the target; where that does not fit, it is put there all the same, and links above the
 * target shed others until all fits, or the attempt is undone. What cannot be made single keeps the
 * program's shares, which fit. So the target holds from beginning to end. */
#include "te/mcf_plan.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARP 80
#define FLAT 1e-7
#define SHED_STEPS 120     /* moves of one attempt */
#define SHED_CANDIDATES 24 /* demands looked at for one move */
#define TRIES 5            /* routes from which an attempt begins */
#define SLACK 1e-9
#define TIGHTEN_BY 0.002
#define SKIPPED 6 /* attempts that differ in who goes first */

struct rounding {
    struct mcf_plan *plan;
    double target;
    uint64_t budget; /* routes still to be asked for */
    double *prices;
    /* Columns that pass an arc, those that no longer carry anything among them. */
    struct passing {
        uint32_t *columns, n, capacity;
    } * passing;
    struct undo {
        uint32_t column;
        double share; /* before */
    } * undo;
    uint32_t n_undo, undo_capacity;
    uint32_t attempt, *moved_in; /* by demand: the attempt in which it was moved */
};

static void
note_passing(struct rounding *r, uint32_t column)
{
    const struct mcf_column *c = &r->plan->columns[column];
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        struct passing *p = &r->passing[r->plan->arcs[i]];
        GROW(p->columns, p->n, p->capacity);
        p->columns[p->n++] = column;
    }
}

static void
set_share(struct rounding *r, uint32_t column, double share)
{
    struct mcf_column *c = &r->plan->columns[column];
    if (c->share == share)
        return;
    GROW(r->undo, r->n_undo, r->undo_capacity);
    r->undo[r->n_undo++] = (struct undo){column, c->share};
    if (c->share == 0)
        note_passing(r, column);
    mcf_plan_shift(r->plan, column, share - c->share);
    r->plan->columns[column].share = share;
}

static void
mark_single(struct rounding *r, uint32_t k)
{
    r->plan->single[k] = TE_NONE;
    for (uint32_t i = r->plan->head[k]; i != TE_NONE; i = r->plan->columns[i].next) {
        if (r->plan->columns[i].share == 1)
            r->plan->single[k] = i;
    }
}

static void
roll_back(struct rounding *r)
{
    while (r->n_undo) {
        struct undo u = r->undo[--r->n_undo];
        struct mcf_column *c = &r->plan->columns[u.column];
        if (c->share == 0 && u.share > 0)
            note_passing(r, u.column);
        mcf_plan_shift(r->plan, u.column, u.share - c->share);
        r->plan->columns[u.column].share = u.share;
        mark_single(r, r->plan->columns[u.column].demand);
    }
}

static void
take_off(struct rounding *r, uint32_t k)
{
    for (uint32_t i = r->plan->head[k]; i != TE_NONE; i = r->plan->columns[i].next)
        set_share(r, i, 0);
    r->plan->single[k] = TE_NONE;
}

static double
arc_price(const struct rounding *r, uint32_t a, double load)
{
    double c = r->plan->p->graph->capacity[a];
    double over = SHARP * (load / c / r->target - 1);
    return (exp(MIN(over, 300)) + FLAT) / c;
}

/* What it costs more to have `bps` on the column, at prices of before and after. */
static double
column_cost(const struct rounding *r, uint32_t column, double bps)
{
    const struct mcf_column *c = &r->plan->columns[column];
    double sum = 0;
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        uint32_t a = r->plan->arcs[i];
        double more = bps * r->plan->shares[i];
        sum += more * (arc_price(r, a, r->plan->loads[a] + more));
    }
    return sum;
}

static bool
fits(const struct rounding *r, uint32_t column, double bps)
{
    const struct mcf_column *c = &r->plan->columns[column];
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        uint32_t a = r->plan->arcs[i];
        if (r->plan->loads[a] + bps * r->plan->shares[i] >
            r->target * r->plan->p->graph->capacity[a] * (1 + SLACK))
            return false;
    }
    return true;
}

static double
share_on(const struct mcf_plan *plan, const struct mcf_column *c, uint32_t arc)
{
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        if (plan->arcs[i] == arc)
            return plan->shares[i];
    }
    return 0;
}

/* The best column for a demand that is off the network: its own ones, and what the router says
 * with the demand's size in the prices; none over the arc `without`, if that is not TE_NONE. */
static uint32_t
best_column(struct rounding *r, uint32_t k, uint32_t without)
{
    struct mcf_plan *plan = r->plan;
    const struct mcf_graph *g = plan->p->graph;
    double bps = plan->p->demands[k].bps, cost = (double)INFINITY;
    uint32_t best = TE_NONE;
    struct mcf_route route;
    if (r->budget) {
        r->budget--;
        for (uint32_t a = 0; a < g->n_arcs; a++)
            r->prices[a] = g->capacity[a] > 0 ? arc_price(r, a, plan->loads[a] + bps)
                                              : (double)INFINITY;
        if (without != TE_NONE)
            r->prices[without] = (double)INFINITY;
        plan->router.set_prices(plan->router.arg, r->prices);
        if (isfinite(plan->router.quick(plan->router.arg, k, &route)))
            mcf_plan_add(plan, &route);
    }
    for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next) {
        double c = column_cost(r, i, bps);
        if (c < cost && (without == TE_NONE || share_on(plan, &plan->columns[i], without) == 0)) {
            cost = c;
            best = i;
        }
    }
    return best;
}

static void
put_single(struct rounding *r, uint32_t k, uint32_t column)
{
    set_share(r, column, 1);
    r->plan->single[k] = column;
}

static bool
try_directly(struct rounding *r, uint32_t k)
{
    r->n_undo = 0;
    take_off(r, k);
    uint32_t best = best_column(r, k, TE_NONE);
    if (best != TE_NONE && fits(r, best, r->plan->p->demands[k].bps)) {
        put_single(r, k, best);
        return true;
    }
    roll_back(r);
    return false;
}

/* The arc that is most above the target; TE_NONE if none is. */
static uint32_t
worst_arc(const struct rounding *r)
{
    const struct mcf_graph *g = r->plan->p->graph;
    double worst = r->target * (1 + SLACK);
    uint32_t at = TE_NONE;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        if (g->capacity[a] > 0 && r->plan->loads[a] > worst * g->capacity[a]) {
            worst = r->plan->loads[a] / g->capacity[a];
            at = a;
        }
    }
    return at;
}

struct candidate {
    double mismatch; /* how far its load there is from what is too much */
    uint32_t demand;
};

static int
compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->mismatch != y->mismatch)
        return x->mismatch < y->mismatch ? -1 : 1;
    return (x->demand > y->demand) - (x->demand < y->demand);
}

/* Demands on an arc, those first whose going would just suffice; drops stale entries. */
static uint32_t
list_candidates(struct rounding *r, uint32_t arc, struct candidate **list)
{
    struct mcf_plan *plan = r->plan;
    struct passing *p = &r->passing[arc];
    double excess = plan->loads[arc] - r->target * plan->p->graph->capacity[arc];
    uint32_t n = 0, left = 0;
    *list = xcalloc(p->n + 1, sizeof **list);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct mcf_column *c = &plan->columns[p->columns[i]];
        if (c->share == 0)
            continue;
        p->columns[left++] = p->columns[i];
        if (r->moved_in[c->demand] == r->attempt || plan->single[c->demand] == TE_NONE)
            continue;
        double bps = plan->p->demands[c->demand].bps * share_on(plan, c, arc);
        (*list)[n++] = (struct candidate){
            bps >= excess ? (bps - excess) / excess : 2 * (excess - bps) / excess, c->demand};
    }
    p->n = left;
    qsort(*list, n, sizeof **list, compare_candidates);
    for (uint32_t i = left = 0; i < n; i++) { /* who came, went and came again is noted twice */
        if (i == 0 || (*list)[i].demand != (*list)[i - 1].demand)
            (*list)[left++] = (*list)[i];
    }
    return left;
}

struct offer {
    double gain;
    uint32_t demand, column;
};

static int
compare_offers(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->gain != y->gain)
        return x->gain > y->gain ? -1 : 1;
    return (x->demand > y->demand) - (x->demand < y->demand);
}

/* Where those on an arc could go instead, the best first. */
static uint32_t
list_offers(struct rounding *r, uint32_t arc, struct offer *offers)
{
    struct mcf_plan *plan = r->plan;
    struct candidate *list;
    uint32_t n = list_candidates(r, arc, &list), found = 0;
    for (uint32_t i = 0; i < MIN(n, SHED_CANDIDATES) && r->budget; i++) {
        uint32_t k = list[i].demand, old = plan->single[k];
        double bps = plan->p->demands[k].bps;
        mcf_plan_shift(plan, old, -1);
        double saved = column_cost(r, old, bps);
        uint32_t column = best_column(r, k, arc);
        if (column != TE_NONE)
            offers[found++] = (struct offer){saved - column_cost(r, column, bps), k, column};
        mcf_plan_shift(plan, old, 1);
        plan->columns[old].share = 1;
    }
    free(list);
    qsort(offers, found, sizeof *offers, compare_offers);
    return found;
}

/* Moves one demand off the arc, that which does the least harm elsewhere (but for `skip` others),
 * be it more than the good here: what it pushes aside goes next. Each moves once in an attempt, so
 * that it ends. */
static bool
shed(struct rounding *r, uint32_t arc, uint32_t skip)
{
    struct offer offers[SHED_CANDIDATES];
    if (list_offers(r, arc, offers) <= skip)
        return false;
    take_off(r, offers[skip].demand);
    put_single(r, offers[skip].demand, offers[skip].column);
    r->moved_in[offers[skip].demand] = r->attempt;
    r->plan->moves++;
    return true;
}

/* Until no arc is above the target. False: that is not reached, and all moves are still there. */
static bool
shed_until_it_fits(struct rounding *r, uint32_t skip)
{
    uint32_t arc;
    for (int step = 0; (arc = worst_arc(r)) != TE_NONE; step++) {
        if (step == SHED_STEPS || !shed(r, arc, step == 0 ? skip : 0))
            return false;
    }
    return true;
}

static bool
shed_all(struct rounding *r, uint32_t k, uint32_t column, uint32_t skip)
{
    r->n_undo = 0;
    r->moved_in[k] = ++r->attempt;
    take_off(r, k);
    put_single(r, k, column);
    if (shed_until_it_fits(r, skip))
        return true;
    roll_back(r);
    return false;
}

/* On the route that is best by itself, then on each of those that it has a share of. */
static bool
try_shedding(struct rounding *r, uint32_t k)
{
    uint32_t tried[TRIES], n = 0;
    r->n_undo = 0;
    take_off(r, k);
    uint32_t best = best_column(r, k, TE_NONE);
    roll_back(r);
    if (best != TE_NONE)
        tried[n++] = best;
    for (uint32_t i = r->plan->head[k]; i != TE_NONE && n < TRIES; i = r->plan->columns[i].next) {
        if (r->plan->columns[i].share > 0 && i != best)
            tried[n++] = i;
    }
    for (uint32_t i = 0; i < n * SKIPPED && r->budget; i++) {
        if (shed_all(r, k, tried[i % n], i / n))
            return true;
    }
    return false;
}

struct split {
    double bps;
    uint32_t demand;
};

/* The largest first: it has the least choice. */
static int
compare_splits(const void *a, const void *b)
{
    const struct split *x = a, *y = b;
    if (x->bps != y->bps)
        return x->bps > y->bps ? -1 : 1;
    return (x->demand > y->demand) - (x->demand < y->demand);
}

static uint32_t
list_splits(const struct mcf_plan *plan, struct split **list)
{
    uint32_t n = 0;
    *list = xcalloc(plan->p->n_demands + 1, sizeof **list);
    for (uint32_t k = 0; k < plan->p->n_demands; k++) {
        if (plan->single[k] == TE_NONE)
            (*list)[n++] = (struct split){plan->p->demands[k].bps, k};
    }
    qsort(*list, n, sizeof **list, compare_splits);
    return n;
}

/* The part with the least share that is more than `above`, TE_NONE. */
static uint32_t
least_part(const struct mcf_plan *plan, uint32_t k, double above)
{
    uint32_t least = TE_NONE;
    for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next) {
        if (plan->columns[i].share > above &&
            (least == TE_NONE || plan->columns[i].share < plan->columns[least].share))
            least = i;
    }
    return least;
}

/* Puts one part on top of another one of the same demand if that fits. */
static bool
merge_part(struct rounding *r, uint32_t k, uint32_t part)
{
    struct mcf_plan *plan = r->plan;
    double share = plan->columns[part].share, bps = plan->p->demands[k].bps * share;
    set_share(r, part, 0);
    for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next) {
        if (i != part && plan->columns[i].share > 0 && fits(r, i, bps)) {
            set_share(r, i, plan->columns[i].share + share);
            return true;
        }
    }
    set_share(r, part, share);
    return false;
}

/* Fewer parts within the target, smallest first. */
static void
merge_parts(struct rounding *r, uint32_t k)
{
    uint32_t part;
    double above = 0;
    while ((part = least_part(r->plan, k, above)) != TE_NONE) {
        double share = r->plan->columns[part].share;
        r->n_undo = 0;
        if (!merge_part(r, k, part))
            above = share;
    }
    if (mcf_plan_parts(r->plan, k) == 1) {
        r->plan->columns[least_part(r->plan, k, 0)].share = 1;
        mark_single(r, k);
    }
}

/* Leaves a demand at most that many parts, the largest ones; what they lack they share. */
static void
force_parts(struct rounding *r, uint32_t k, uint32_t max_parts)
{
    struct mcf_plan *plan = r->plan;
    r->n_undo = 0;
    for (uint32_t parts = mcf_plan_parts(plan, k); parts > max_parts; parts--) {
        uint32_t least = least_part(plan, k, 0);
        double left = 1 - plan->columns[least].share;
        set_share(r, least, 0);
        for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next) {
            if (plan->columns[i].share > 0)
                set_share(r, i, parts == 2 ? 1 : plan->columns[i].share / left);
        }
    }
    mark_single(r, k);
}

/* As long as what is above the target can be brought down a little, all links at once. */
static void
tighten(struct rounding *r)
{
    double wanted = r->target;
    uint32_t skip = 0;
    while (skip < SKIPPED && r->budget) {
        double reached = mcf_plan_utilisation(r->plan);
        if (reached <= wanted * (1 + SLACK))
            break;
        r->n_undo = 0;
        r->attempt++;
        r->target = MAX(wanted, reached * (1 - TIGHTEN_BY));
        if (shed_until_it_fits(r, skip)) {
            skip = 0;
            continue;
        }
        roll_back(r);
        skip++;
    }
    r->target = wanted;
}

/* What one demand does not need of its share of the budget is there for the next. */
static void
try_all(struct rounding *r, const struct split *splits, uint32_t n)
{
    for (uint32_t i = 0; i < n && r->budget; i++) {
        if (r->plan->single[splits[i].demand] == TE_NONE)
            try_directly(r, splits[i].demand);
    }
    for (uint32_t i = 0; i < n && r->budget; i++) {
        uint64_t others = r->budget - r->budget / (n - i);
        if (r->plan->single[splits[i].demand] != TE_NONE)
            continue;
        r->budget -= others;
        try_shedding(r, splits[i].demand);
        r->budget += others;
    }
}

/* Where one part is all that is allowed: the best route for all of it, whatever it does. */
static void
force_single(struct rounding *r, uint32_t k)
{
    r->n_undo = 0;
    take_off(r, k);
    uint32_t best = best_column(r, k, TE_NONE);
    put_single(r, k, best == TE_NONE ? r->plan->head[k] : best);
}

static void
force_all(struct rounding *r, const struct split *splits, uint32_t n, uint32_t max_parts)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = splits[i].demand;
        if (r->plan->single[k] != TE_NONE || mcf_plan_parts(r->plan, k) <= max_parts)
            continue;
        if (max_parts == 1)
            force_single(r, k);
        else
            force_parts(r, k, max_parts);
    }
    tighten(r);
}

void
mcf_round(struct mcf_plan *plan, double target, uint32_t max_parts, uint64_t budget)
{
    const struct mcf_graph *g = plan->p->graph;
    struct rounding r = {.plan = plan, .target = target, .budget = budget};
    struct split *splits;
    r.prices = xcalloc(g->n_arcs + 1, sizeof *r.prices);
    r.passing = xcalloc(g->n_arcs + 1, sizeof *r.passing);
    r.moved_in = xcalloc(plan->p->n_demands + 1, sizeof *r.moved_in);
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        if (plan->columns[i].share > 0)
            note_passing(&r, i);
    }
    uint32_t n = list_splits(plan, &splits);
    try_all(&r, splits, n);
    for (double factor = 1.005; max_parts == 1 && factor < 1.5; factor *= factor) {
        r.target = target * factor;
        try_all(&r, splits, n);
    }
    r.target = target;
    for (uint32_t k = 0; k < plan->p->n_demands; k++) {
        if (plan->single[k] == TE_NONE)
            merge_parts(&r, k);
    }
    if (max_parts)
        force_all(&r, splits, n, max_parts);
    mcf_plan_recount(plan);
    for (uint32_t a = 0; a < g->n_arcs; a++)
        free(r.passing[a].columns);
    free(r.passing);
    free(r.prices);
    free(r.undo);
    free(r.moved_in);
    free(splits);
}
