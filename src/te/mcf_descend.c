/* Descent on a potential that follows the highest utilisation ever closer: the sum over links of
 * exp(sharpness x (utilisation / highest - 1)). A demand moves when the exact change of the
 * potential is negative, so that it falls with every move, and nothing swings. */
#include "te/mcf_plan.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLAT 1e-7 /* of the hottest link's price: also what is idle costs something */

#define WEIGHTLESS 12

#define SOURCES_TOGETHER 8

static const double sharpness[] = {8, 24, 72, 200};

struct descent {
    struct mcf_plan *plan;
    double sharp, highest;
    double *prices;
};

static void
price_all(struct descent *d)
{
    const struct mcf_graph *g = d->plan->p->graph;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        double c = g->capacity[a];
        d->prices[a] = c > 0 ? (exp(d->sharp * (d->plan->loads[a] / c / d->highest - 1)) + FLAT) / c
                             : 0;
    }
    d->plan->router.set_prices(d->plan->router.arg, d->prices);
}

/* How the potential grows if `bps` come onto this column's links. */
static double
growth(const struct descent *d, uint32_t column, double bps)
{
    const struct mcf_plan *plan = d->plan;
    const struct mcf_column *c = &plan->columns[column];
    double sum = 0;
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        uint32_t a = plan->arcs[i];
        double scale = d->sharp / plan->p->graph->capacity[a] / d->highest;
        sum += exp(scale * plan->loads[a] - d->sharp) * expm1(scale * bps * plan->shares[i]) +
               FLAT * scale * bps * plan->shares[i];
    }
    return sum;
}

/* Whether no link of it weighs anything in the potential: exp(-WEIGHTLESS) of the hottest one's. */
static bool
is_cold(const struct descent *d, uint32_t column)
{
    const struct mcf_plan *plan = d->plan;
    const struct mcf_column *c = &plan->columns[column];
    double limit = d->highest * (1 - WEIGHTLESS / d->sharp);
    for (uint32_t i = c->first; i < c->first + c->n; i++) {
        if (plan->loads[plan->arcs[i]] > limit * plan->p->graph->capacity[plan->arcs[i]])
            return false;
    }
    return true;
}

static bool
try_move(struct descent *d, uint32_t k)
{
    struct mcf_plan *plan = d->plan;
    struct mcf_route route;
    double bps = plan->p->demands[k].bps;
    if (is_cold(d, plan->single[k]) || !isfinite(plan->router.quick(plan->router.arg, k, &route)))
        return false;
    uint32_t old = plan->single[k], new = mcf_plan_add(plan, &route);
    if (old == new)
        return false;
    mcf_plan_shift(plan, old, -1);
    bool better = growth(d, new, bps) < growth(d, old, bps) * (1 - 1e-9);
    mcf_plan_shift(plan, better ? new : old, 1);
    plan->columns[old].share = better ? 0 : 1;
    plan->columns[new].share = better ? 1 : 0;
    plan->single[k] = better ? new : old;
    return better;
}

/* Returns how many moved. Prices are renewed where the source changes, less often if that is dear:
 * whether a move is worth while is judged by the loads, not by them. */
static uint32_t
sweep(struct descent *d)
{
    const struct mcf_problem *p = d->plan->p;
    uint32_t moved = 0, source = TE_NONE, sources = 0;
    for (uint32_t i = 0; i < p->n_demands; i++) {
        uint32_t k = d->plan->order[i];
        if (p->demands[k].from != source) {
            source = p->demands[k].from;
            if (sources++ % (d->plan->router.keeps ? SOURCES_TOGETHER : 1) == 0)
                price_all(d);
        }
        moved += try_move(d, k);
    }
    d->plan->moves += moved;
    mcf_plan_recount(d->plan);
    return moved;
}

static enum err
begin(struct descent *d, uint32_t *which)
{
    struct mcf_plan *plan = d->plan;
    const struct mcf_graph *g = plan->p->graph;
    struct mcf_route route;
    for (uint32_t a = 0; a < g->n_arcs; a++)
        d->prices[a] = g->capacity[a] > 0 ? 1 / g->capacity[a] : 0;
    plan->router.set_prices(plan->router.arg, d->prices);
    for (uint32_t i = 0; i < plan->p->n_demands; i++) {
        uint32_t k = plan->order[i];
        if (plan->single[k] != TE_NONE)
            continue;
        if (!isfinite(plan->router.cheapest(plan->router.arg, k, &route, NULL))) {
            if (which)
                *which = k;
            return ERR_NOT_FOUND;
        }
        mcf_plan_set_single(plan, k, mcf_plan_add(plan, &route));
    }
    mcf_plan_prove(plan, d->prices);
    return ERR_OK;
}

static bool
is_routed(const struct mcf_plan *plan)
{
    for (uint32_t k = 0; k < plan->p->n_demands; k++) {
        if (plan->single[k] == TE_NONE)
            return false;
    }
    return true;
}

enum err
mcf_descend(struct mcf_plan *plan, double tolerance, uint32_t sweeps, uint32_t *which)
{
    struct descent d = {.plan = plan};
    d.prices = xcalloc(plan->p->graph->n_arcs + 1, sizeof *d.prices);
    uint32_t level = is_routed(plan) ? ARRAY_SIZE(sharpness) - 2 : 0;
    enum err err = begin(&d, which);
    for (uint32_t i = 0; !err && i < sweeps; i++) {
        d.highest = mcf_plan_utilisation(plan);
        if (d.highest <= plan->bound * (1 + tolerance))
            break;
        d.sharp = sharpness[level];
        uint32_t moved = sweep(&d);
        bool settled = moved <= plan->p->n_demands / 200;
        if (settled || i % 4 == 3) {
            d.highest = mcf_plan_utilisation(plan);
            price_all(&d);
            mcf_plan_prove(plan, d.prices);
            if (++level == ARRAY_SIZE(sharpness))
                break;
        }
    }
    free(d.prices);
    return err;
}
