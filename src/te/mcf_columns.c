/* Column generation. The master program has a row for each link and one for each demand that is
 * active: that has more than one column. The others lie where they are, as a constant load; that
 * keeps the program small, since most demands never touch what is scarce. What the router finds
 * cheaper than a demand's own price becomes a column; a demand that was not active becomes so.
 *
 * Prices of a degenerate program swing; routes are asked for at prices half-way to those that
 * proved the best bound (P. Wentges, 1997), and at the program's own if that brings nothing. The
 * program is built anew each round, and begins with the basis that the last one ended with. */
#include "te/mcf_plan.h"

#include "base/alloc.h"

#include <coin/Clp_C_Interface.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BASIC 1 /* CLP's names of where a variable stands */
#define AT_UPPER 2
#define AT_LOWER 3
#define IDLE 1e-7    /* what is added to prices, so that what is free still costs something */
#define CLEARLY 1e-7 /* cheaper by this share of the price */
#define NOTHING 1e-9 /* shares below are none */

struct master {
    struct mcf_plan *plan;
    double unit;         /* utilisation that stands for 1 in the program */
    bool *active;        /* by demand */
    int *row_of;         /* by active demand: its row */
    uint32_t *column_of; /* by column of the program but the first: the plan's column */
    uint32_t n_rows, n_columns;
    double *fixed; /* load of those not active */
    /* The basis, by what it belongs to, so that it outlives the program. */
    uint8_t *column_state; /* by the plan's column */
    uint32_t column_states;
    uint8_t *arc_state, *demand_state;
    uint8_t highest_state;
    /* What came out. */
    double utilisation;
    double *prices, *own_price; /* by arc; by demand, per its bit/s */
    double *asked;
};

static void
activate(struct master *m, uint32_t k)
{
    if (m->active[k])
        return;
    m->active[k] = true;
    m->demand_state[k] = AT_LOWER;
    m->column_state[m->plan->single[k]] = BASIC;
}

static void
grow_states(struct master *m)
{
    if (m->plan->n_columns <= m->column_states)
        return;
    uint32_t n = m->plan->columns_capacity;
    m->column_state = xrealloc(m->column_state, n, sizeof *m->column_state);
    memset(m->column_state + m->column_states, AT_LOWER, n - m->column_states);
    m->column_states = n;
}

static void
begin(struct master *m, struct mcf_plan *plan)
{
    const struct mcf_problem *p = plan->p;
    uint32_t n_arcs = p->graph->n_arcs, hottest = 0;
    *m = (struct master){.plan = plan, .highest_state = BASIC};
    m->active = xcalloc(p->n_demands + 1, sizeof *m->active);
    m->row_of = xcalloc(p->n_demands + 1, sizeof *m->row_of);
    m->demand_state = xcalloc(p->n_demands + 1, sizeof *m->demand_state);
    m->own_price = xcalloc(p->n_demands + 1, sizeof *m->own_price);
    m->fixed = xcalloc(n_arcs + 1, sizeof *m->fixed);
    m->arc_state = xmalloc(n_arcs + 1);
    m->prices = xcalloc(n_arcs + 1, sizeof *m->prices);
    m->asked = xcalloc(n_arcs + 1, sizeof *m->asked);
    memset(m->arc_state, BASIC, n_arcs + 1);
    grow_states(m);
    m->unit = mcf_plan_utilisation(plan);
    for (uint32_t a = 0; a < n_arcs; a++) {
        double c = p->graph->capacity[a];
        if (c > 0 && plan->loads[a] / c >= m->unit * (1 - 1e-15)) {
            hottest = a;
            break;
        }
    }
    m->arc_state[hottest] = AT_UPPER; /* its row is tight: U is basic in its place */
}

static void
end(struct master *m)
{
    free(m->active);
    free(m->row_of);
    free(m->column_of);
    free(m->demand_state);
    free(m->own_price);
    free(m->fixed);
    free(m->arc_state);
    free(m->column_state);
    free(m->prices);
    free(m->asked);
}

/* Demands with a choice that pass where it is hot. */
static void
activate_hot(struct master *m)
{
    struct mcf_plan *plan = m->plan;
    const double *capacity = plan->p->graph->capacity;
    for (uint32_t k = 0; k < plan->p->n_demands; k++) {
        const struct mcf_column *c = &plan->columns[plan->single[k]];
        if (plan->columns[plan->head[k]].next == TE_NONE)
            continue;
        for (uint32_t i = c->first; i < c->first + c->n && !m->active[k]; i++) {
            uint32_t a = plan->arcs[i];
            if (plan->loads[a] >= 0.9 * m->unit * capacity[a])
                activate(m, k);
        }
    }
}

struct program {
    int *start, *index;
    double *value, *row_lower, *row_upper, *lower, *objective;
    uint8_t *state; /* columns, then rows: CLP's order */
};

/* Rows: links, then active demands. */
static void
count_rows(struct master *m)
{
    const struct mcf_problem *p = m->plan->p;
    m->n_rows = p->graph->n_arcs;
    for (uint32_t a = 0; a < p->graph->n_arcs; a++)
        m->fixed[a] = p->base ? p->base[a] : 0;
    for (uint32_t k = 0; k < p->n_demands; k++) {
        if (m->active[k]) {
            m->row_of[k] = (int)m->n_rows++;
            continue;
        }
        const struct mcf_column *c = &m->plan->columns[m->plan->single[k]];
        for (uint32_t i = c->first; i < c->first + c->n; i++)
            m->fixed[m->plan->arcs[i]] += p->demands[k].bps * m->plan->shares[i];
    }
}

static void
put_columns(struct master *m, struct program *lp)
{
    const struct mcf_plan *plan = m->plan;
    const struct mcf_graph *g = plan->p->graph;
    uint32_t n = 0, elements = 0;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        lp->index[elements] = (int)a;
        lp->value[elements++] = -1;
    }
    lp->start[++n] = (int)elements;
    for (uint32_t j = 0; j < plan->n_columns; j++) {
        const struct mcf_column *c = &plan->columns[j];
        if (!m->active[c->demand])
            continue;
        double scale = plan->p->demands[c->demand].bps / m->unit;
        for (uint32_t i = c->first; i < c->first + c->n; i++) {
            lp->index[elements] = (int)plan->arcs[i];
            lp->value[elements++] = scale * plan->shares[i] / g->capacity[plan->arcs[i]];
        }
        lp->index[elements] = m->row_of[c->demand];
        lp->value[elements++] = 1;
        m->column_of[n] = j;
        lp->start[++n] = (int)elements;
    }
    m->n_columns = n;
}

static void
put_rows(struct master *m, struct program *lp)
{
    const struct mcf_problem *p = m->plan->p;
    for (uint32_t a = 0; a < p->graph->n_arcs; a++) {
        double c = p->graph->capacity[a];
        lp->row_lower[a] = -DBL_MAX;
        lp->row_upper[a] = c > 0 ? -m->fixed[a] / c / m->unit : 0;
    }
    for (uint32_t k = 0; k < p->n_demands; k++) {
        if (m->active[k])
            lp->row_lower[m->row_of[k]] = lp->row_upper[m->row_of[k]] = 1;
    }
}

static void
put_states(const struct master *m, struct program *lp)
{
    const struct mcf_problem *p = m->plan->p;
    lp->state[0] = m->highest_state;
    for (uint32_t j = 1; j < m->n_columns; j++)
        lp->state[j] = m->column_state[m->column_of[j]];
    memcpy(lp->state + m->n_columns, m->arc_state, p->graph->n_arcs);
    for (uint32_t k = 0; k < p->n_demands; k++) {
        if (m->active[k])
            lp->state[m->n_columns + (uint32_t)m->row_of[k]] = m->demand_state[k];
    }
}

static void
program_init(struct program *lp, struct master *m)
{
    const struct mcf_plan *plan = m->plan;
    count_rows(m);
    size_t n_max = plan->n_columns + 1,
           elements = plan->n_arcs + plan->n_columns + plan->p->graph->n_arcs + 1;
    lp->start = xcalloc(n_max + 1, sizeof *lp->start);
    lp->index = xcalloc(elements, sizeof *lp->index);
    lp->value = xcalloc(elements, sizeof *lp->value);
    lp->row_lower = xcalloc(m->n_rows + 1, sizeof *lp->row_lower);
    lp->row_upper = xcalloc(m->n_rows + 1, sizeof *lp->row_upper);
    lp->objective = xcalloc(n_max, sizeof *lp->objective);
    lp->state = xcalloc(n_max + m->n_rows, 1);
    m->column_of = xrealloc(m->column_of, n_max, sizeof *m->column_of);
    lp->objective[0] = 1;
    put_columns(m, lp);
    put_rows(m, lp);
    put_states(m, lp);
}

static void
program_fini(struct program *lp)
{
    free(lp->start);
    free(lp->index);
    free(lp->value);
    free(lp->row_lower);
    free(lp->row_upper);
    free(lp->objective);
    free(lp->state);
}

/* Shares, prices and basis out of the program. */
static void
take_answer(struct master *m, Clp_Simplex *model)
{
    struct mcf_plan *plan = m->plan;
    const struct mcf_problem *p = plan->p;
    const double *x = Clp_getColSolution(model), *y = Clp_getRowPrice(model);
    const uint8_t *state = Clp_statusArray(model);
    for (uint32_t j = 1; j < m->n_columns; j++) {
        plan->columns[m->column_of[j]].share = x[j] > NOTHING ? x[j] : 0;
        m->column_state[m->column_of[j]] = state[j] & 7;
    }
    m->highest_state = state[0] & 7;
    for (uint32_t a = 0; a < p->graph->n_arcs; a++) {
        double c = p->graph->capacity[a];
        m->arc_state[a] = state[m->n_columns + a] & 7;
        m->prices[a] = c > 0 ? MAX(-y[a], 0) / c : 0;
    }
    for (uint32_t k = 0; k < p->n_demands; k++) {
        if (!m->active[k])
            continue;
        m->demand_state[k] = state[m->n_columns + (uint32_t)m->row_of[k]] & 7;
        m->own_price[k] = y[m->row_of[k]] * m->unit / p->demands[k].bps;
    }
    m->utilisation = Clp_getObjValue(model) * m->unit;
    plan->lp_iterations += (uint64_t)Clp_numberIterations(model);
}

static bool
solve(struct master *m)
{
    struct program lp;
    Clp_Simplex *model = Clp_newModel();
    program_init(&lp, m);
    Clp_setLogLevel(model, 0);
    Clp_loadProblem(model, (int)m->n_columns, (int)m->n_rows, lp.start, lp.index, lp.value, NULL,
                    NULL, lp.objective, lp.row_lower, lp.row_upper);
    Clp_copyinStatus(model, lp.state);
    Clp_primal(model, 0);
    bool solved = Clp_status(model) == 0;
    if (solved)
        take_answer(m, model);
    Clp_deleteModel(model);
    program_fini(&lp);
    m->plan->lp_rounds++;
    return solved;
}

static double
column_price(const struct master *m, uint32_t column)
{
    const struct mcf_column *c = &m->plan->columns[column];
    double sum = 0;
    for (uint32_t i = c->first; i < c->first + c->n; i++)
        sum += m->prices[m->plan->arcs[i]] * m->plan->shares[i];
    return sum;
}

/* Asks for all demands at m->asked, adds what is cheaper at the program's own prices; the bound on
 * the way. Returns how many were added. */
static uint32_t
ask(struct master *m)
{
    struct mcf_plan *plan = m->plan;
    const struct mcf_graph *g = plan->p->graph;
    double above = 0, below = 0, least;
    uint32_t added = 0;
    struct mcf_route route;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        below += g->capacity[a] > 0 ? g->capacity[a] * m->asked[a] : 0;
        above += plan->p->base ? plan->p->base[a] * m->asked[a] : 0;
    }
    plan->router.set_prices(plan->router.arg, m->asked);
    for (uint32_t i = 0; i < plan->p->n_demands; i++) {
        uint32_t k = plan->order[i];
        double mine = m->active[k] ? m->own_price[k] : column_price(m, plan->single[k]);
        double cost = plan->router.cheapest(plan->router.arg, k, &route, &least);
        above += plan->p->demands[k].bps * least;
        if (!isfinite(cost))
            continue;
        double price = 0;
        for (uint32_t j = 0; j < route.n; j++)
            price += m->prices[route.arcs[j]] * route.shares[j];
        if (price >= mine - CLEARLY * mine)
            continue;
        uint32_t n = plan->n_columns;
        mcf_plan_add(plan, &route);
        grow_states(m);
        added += plan->n_columns > n || !m->active[k];
        activate(m, k);
    }
    if (below > 0 && above / below > plan->bound) {
        plan->bound = above / below;
        memcpy(plan->prices, m->asked, g->n_arcs * sizeof *m->asked);
    }
    return added;
}

/* m->asked: the program's prices mixed with the best so far, both scaled to the same sum. */
static void
mix_prices(struct master *m, double share_of_best)
{
    const struct mcf_plan *plan = m->plan;
    const struct mcf_graph *g = plan->p->graph;
    double best = 0, own = 0;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        best += g->capacity[a] * plan->prices[a];
        own += g->capacity[a] * m->prices[a];
    }
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        double c = g->capacity[a];
        m->asked[a] = own > 0 ? (1 - share_of_best) * m->prices[a] / own : 0;
        if (best > 0)
            m->asked[a] += share_of_best * plan->prices[a] / best;
        m->asked[a] += c > 0 ? IDLE / c / g->n_arcs : 0;
    }
}

static void
finish(struct master *m)
{
    struct mcf_plan *plan = m->plan;
    for (uint32_t k = 0; k < plan->p->n_demands; k++) {
        double sum = 0;
        if (!m->active[k])
            continue;
        plan->single[k] = TE_NONE;
        for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next)
            sum += plan->columns[i].share;
        for (uint32_t i = plan->head[k]; i != TE_NONE; i = plan->columns[i].next) {
            plan->columns[i].share /= sum;
            if (plan->columns[i].share > 1 - NOTHING)
                plan->single[k] = i;
        }
        if (plan->single[k] != TE_NONE)
            mcf_plan_set_single(plan, k, plan->single[k]);
    }
    mcf_plan_recount(plan);
}

enum err
mcf_solve_columns(struct mcf_plan *plan, double tolerance, uint32_t rounds)
{
    struct master m;
    bool solved = true, any = false;
    if (plan->p->n_demands == 0)
        return ERR_OK;
    begin(&m, plan);
    activate_hot(&m);
    for (uint32_t i = 0; i < rounds && (solved = solve(&m)); i++) {
        any = true;
        if (m.utilisation <= plan->bound * (1 + tolerance))
            break;
        mix_prices(&m, 0.5);
        uint32_t added = ask(&m);
        if (m.utilisation <= plan->bound * (1 + tolerance))
            break;
        if (added == 0) {
            mix_prices(&m, 0);
            if (ask(&m) == 0)
                break;
        }
    }
    if (any)
        finish(&m);
    end(&m);
    return any || solved ? ERR_OK : ERR_LIMIT;
}
