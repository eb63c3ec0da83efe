#include "te/optimise_cover.h"

#include "base/alloc.h"
#include "base/attr.h"

#include <coin/Clp_C_Interface.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INTEGRAL 1e-6
/* Of 1: what total size may add to the objective, so that it only decides between equal numbers. */
#define BY_SIZE 1e-4

struct covering {
    const struct te_cover *c;
    Clp_Simplex *model;
    double *lower, *upper; /* of the items */
    bool *best;
    uint32_t n_best; /* UINT32_MAX: none yet */
    double best_value;
    uint32_t budget;
    double open; /* the least value of what was not looked at */
};

static void
load(struct covering *v)
{
    const struct te_cover *c = v->c;
    uint32_t n = c->first[c->n_items], k = 0;
    int *start = xcalloc(c->n_items + 1, sizeof *start), *row = xcalloc(n + 1, sizeof *row);
    double *value = xcalloc(n + 1, sizeof *value), *cost = xcalloc(c->n_items + 1, sizeof *cost);
    double *least = xcalloc(c->n_needs + 1, sizeof *least), all = 0;
    for (uint32_t i = 0; i < c->n_items; i++)
        all += c->size[i];
    for (uint32_t i = 0; i < c->n_items; i++) {
        start[i] = (int)k;
        cost[i] = 1 + BY_SIZE * c->size[i] / all;
        for (uint32_t j = c->first[i]; j < c->first[i + 1]; j++) {
            row[k] = (int)c->of[j];
            /* An item that is larger than the need covers it, no more: a tighter program. */
            value[k++] = MIN(c->size[i] / c->need[c->of[j]], 1);
        }
    }
    start[c->n_items] = (int)k;
    for (uint32_t r = 0; r < c->n_needs; r++)
        least[r] = 1;
    Clp_setLogLevel(v->model, 0);
    Clp_loadProblem(v->model, (int)c->n_items, (int)c->n_needs, start, row, value, v->lower,
                    v->upper, cost, least, NULL);
    free(start);
    free(row);
    free(value);
    free(cost);
    free(least);
}

static bool
covers(const struct te_cover *c, const bool *chosen)
{
    double *got = xcalloc(c->n_needs + 1, sizeof *got);
    bool all = true;
    for (uint32_t i = 0; i < c->n_items; i++) {
        for (uint32_t j = c->first[i]; j < c->first[i + 1] && chosen[i]; j++)
            got[c->of[j]] += c->size[i];
    }
    for (uint32_t r = 0; r < c->n_needs; r++)
        all = all && got[r] >= c->need[r];
    free(got);
    return all;
}

/* What the program says, rounded up, without what is not needed after all. */
static void
keep_rounded(struct covering *v, const double *x)
{
    const struct te_cover *c = v->c;
    bool *chosen = xcalloc(c->n_items + 1, sizeof *chosen);
    uint32_t n = 0;
    double size = 0, all = 0;
    for (uint32_t i = 0; i < c->n_items; i++)
        chosen[i] = x[i] > INTEGRAL;
    for (uint32_t i = 0; i < c->n_items; i++) {
        if (!chosen[i] || x[i] > 1 - INTEGRAL)
            continue;
        chosen[i] = false;
        chosen[i] = !covers(c, chosen);
    }
    for (uint32_t i = 0; i < c->n_items; i++) {
        n += chosen[i];
        size += chosen[i] ? c->size[i] : 0;
        all += c->size[i];
    }
    double value = n + BY_SIZE * size / all;
    if (covers(c, chosen) && value < v->best_value) {
        v->best_value = value;
        v->n_best = n;
        memcpy(v->best, chosen, c->n_items * sizeof *chosen);
    }
    free(chosen);
}

static uint32_t
most_fractional(const double *x, uint32_t n)
{
    uint32_t at = UINT32_MAX;
    double most = INTEGRAL;
    for (uint32_t i = 0; i < n; i++) {
        double f = fmin(x[i], 1 - x[i]);
        if (f > most) {
            most = f;
            at = i;
        }
    }
    return at;
}

/* False: CLP gave up. */
static bool
branch(struct covering *v)
{
    Clp_chgColumnLower(v->model, v->lower);
    Clp_chgColumnUpper(v->model, v->upper);
    Clp_dual(v->model, 0);
    if (Clp_status(v->model) == 1)
        return true; /* nothing here */
    if (Clp_status(v->model) != 0)
        return false;
    double value = Clp_getObjValue(v->model);
    if (ceil(value - BY_SIZE - INTEGRAL) >= v->n_best)
        return true;
    if (!v->budget) {
        v->open = fmin(v->open, value);
        return true;
    }
    v->budget--;
    double *x = xmemdup(Clp_getColSolution(v->model), v->c->n_items * sizeof *x);
    keep_rounded(v, x);
    uint32_t at = most_fractional(x, v->c->n_items);
    free(x);
    if (at == UINT32_MAX)
        return true;
    v->lower[at] = 1;
    bool fine = branch(v);
    v->lower[at] = v->upper[at] = 0;
    fine = fine && branch(v);
    v->upper[at] = 1;
    return fine;
}

enum err
te_cover_solve(const struct te_cover *c, uint32_t budget, bool *chosen, uint32_t *n_chosen,
               uint32_t *at_least)
{
    struct covering v = {.c = c, .n_best = UINT32_MAX, .budget = budget};
    if (!c->n_items || !c->n_needs)
        return c->n_needs ? ERR_NOT_FOUND : ERR_INVALID;
    v.best_value = v.open = (double)INFINITY;
    v.lower = xcalloc(c->n_items + 1, sizeof *v.lower);
    v.upper = xcalloc(c->n_items + 1, sizeof *v.upper);
    v.best = xcalloc(c->n_items + 1, sizeof *v.best);
    for (uint32_t i = 0; i < c->n_items; i++)
        v.upper[i] = 1;
    v.model = Clp_newModel();
    load(&v);
    bool fine = branch(&v);
    Clp_deleteModel(v.model);
    enum err err = !fine ? ERR_LIMIT : v.n_best == UINT32_MAX ? ERR_NOT_FOUND : ERR_OK;
    if (!err) {
        memcpy(chosen, v.best, c->n_items * sizeof *chosen);
        *n_chosen = v.n_best;
        *at_least = isfinite(v.open) ? MIN((uint32_t)ceil(v.open - BY_SIZE - INTEGRAL), v.n_best)
                                     : v.n_best;
    }
    free(v.lower);
    free(v.upper);
    free(v.best);
    return err;
}
