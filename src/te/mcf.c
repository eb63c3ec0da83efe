#include "te/mcf.h"
#include "te/mcf_search.h"

#include "base/alloc.h"

#include <coin/Clp_C_Interface.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void
mcf_graph_init(struct mcf_graph *g, const struct te_network *net, bool reservable)
{
    g->n_nodes = net->n_nodes;
    g->n_arcs = net->n_links;
    g->first_out = xmemdup(net->first_out, (net->n_nodes + 1) * sizeof *g->first_out);
    g->from = xcalloc(net->n_links + 1, sizeof *g->from);
    g->to = xcalloc(net->n_links + 1, sizeof *g->to);
    g->reverse = xcalloc(net->n_links + 1, sizeof *g->reverse);
    g->capacity = xcalloc(net->n_links + 1, sizeof *g->capacity);
    g->delay_us = xcalloc(net->n_links + 1, sizeof *g->delay_us);
    g->metric = xcalloc(net->n_links + 1, sizeof *g->metric);
    g->up = xcalloc(net->n_links + 1, sizeof *g->up);
    g->passable = xcalloc(net->n_nodes + 1, sizeof *g->passable);
    g->adjacency_segment = xcalloc(net->n_links + 1, sizeof *g->adjacency_segment);
    g->sid_index = xcalloc(net->n_nodes + 1, sizeof *g->sid_index);
    g->srgb_size = xcalloc(net->n_nodes + 1, sizeof *g->srgb_size);
    for (uint32_t v = 0; v < net->n_nodes; v++) {
        g->passable[v] = net->nodes[v].passable;
        g->sid_index[v] = net->nodes[v].sid_index;
        g->srgb_size[v] = net->nodes[v].srgb_size;
    }
    for (uint32_t a = 0; a < net->n_links; a++) {
        const struct te_link *l = &net->links[a];
        g->from[a] = l->from;
        g->to[a] = l->to;
        g->reverse[a] = l->reverse;
        g->delay_us[a] = l->delay_us;
        g->metric[a] = MAX(l->igp_metric, 1);
        g->up[a] = l->up && l->reverse != TE_NONE && net->links[l->reverse].up;
        g->adjacency_segment[a] = l->adjacency_label != TE_NO_LABEL;
        if (g->up[a])
            g->capacity[a] = (double)(reservable ? l->reservable_bps : l->capacity_bps);
    }
}

void
mcf_graph_fini(struct mcf_graph *g)
{
    free(g->first_out);
    free(g->from);
    free(g->to);
    free(g->reverse);
    free(g->capacity);
    free(g->delay_us);
    free(g->metric);
    free(g->up);
    free(g->passable);
    free(g->sid_index);
    free(g->srgb_size);
    free(g->adjacency_segment);
    *g = (struct mcf_graph){0};
}

double
mcf_highest(const struct mcf_graph *g, const double *loads)
{
    double highest = 0;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        if (loads[a] > 0)
            highest = MAX(highest,
                          g->capacity[a] > 0 ? loads[a] / g->capacity[a] : (double)INFINITY);
    }
    return highest;
}

double
mcf_bound(const struct mcf_problem *p, const double *prices)
{
    const struct mcf_graph *g = p->graph;
    struct mcf_search s;
    double above = 0, below = 0, *twice;
    uint32_t root = TE_NONE;
    const bool *allowed = NULL;
    bool both = false;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        below += g->capacity[a] * prices[a];
        above += p->base ? p->base[a] * prices[a] : 0;
    }
    if (!(below > 0))
        return 0;
    mcf_search_init(&s, g);
    twice = xcalloc(g->n_arcs + 1, sizeof *twice);
    mcf_prices_of_both(g, prices, twice);
    for (uint32_t k = 0; k < p->n_demands; k++) {
        const struct mcf_demand *d = &p->demands[k];
        if (d->from != root || d->allowed != allowed || d->both != both) {
            root = d->from;
            allowed = d->allowed;
            both = d->both;
            mcf_search_tree(&s, root, TE_NONE, both ? twice : prices, allowed);
        }
        above += d->bps * s.distance[d->to];
    }
    mcf_search_fini(&s);
    free(twice);
    return above / below;
}

/* The program in one piece. Rows: of each commodity the balance of each node but its destination,
 * then one row a link. Columns: U, then flows, in units of `unit`. */
struct whole {
    const struct mcf_problem *p;
    double unit;            /* bit/s */
    uint32_t *commodity_of; /* by demand */
    uint32_t n_commodities;
    struct commodity {
        uint32_t to;
        const bool *allowed;
        uint32_t next; /* of the same destination */
    } * commodities;
    uint32_t n_rows, n_columns, n_elements;
    int *start, *index;
    double *value;
    double *row_lower, *row_upper;
    uint32_t *column_place; /* by column: commodity x arcs + arc */
};

/* Flows to one destination over the same arcs are one commodity. */
static void
find_commodities(struct whole *w)
{
    uint32_t n_nodes = w->p->graph->n_nodes, n = w->p->n_demands;
    uint32_t *head = xmalloc((n_nodes + 1) * sizeof *head);
    memset(head, 0xff, (n_nodes + 1) * sizeof *head);
    w->commodities = xcalloc(n + 1, sizeof *w->commodities);
    w->commodity_of = xcalloc(n + 1, sizeof *w->commodity_of);
    for (uint32_t k = 0; k < n; k++) {
        const struct mcf_demand *d = &w->p->demands[k];
        uint32_t c = head[d->to];
        while (c != TE_NONE && w->commodities[c].allowed != d->allowed)
            c = w->commodities[c].next;
        if (c == TE_NONE) {
            c = w->n_commodities++;
            w->commodities[c] = (struct commodity){d->to, d->allowed, head[d->to]};
            head[d->to] = c;
        }
        w->commodity_of[k] = c;
    }
    free(head);
}

/* The row of a node's balance; -1 at the destination, which needs none. */
static int
balance_row(const struct whole *w, uint32_t c, uint32_t node)
{
    uint32_t to = w->commodities[c].to;
    if (node == to)
        return -1;
    return (int)(c * (w->p->graph->n_nodes - 1) + node - (node > to));
}

static bool
has_variable(const struct whole *w, uint32_t c, uint32_t a)
{
    const struct mcf_graph *g = w->p->graph;
    const struct commodity *m = &w->commodities[c];
    return g->capacity[a] > 0 && (!m->allowed || m->allowed[a]) && g->from[a] != m->to &&
           (g->passable[g->to[a]] || g->to[a] == m->to);
}

static void
add_element(struct whole *w, int row, double value)
{
    if (row < 0)
        return;
    w->index[w->n_elements] = row;
    w->value[w->n_elements++] = value;
}

static void
build_columns(struct whole *w)
{
    const struct mcf_graph *g = w->p->graph;
    uint32_t first_link = w->n_commodities * (g->n_nodes - 1);
    size_t n_max = (size_t)w->n_commodities * g->n_arcs + 1;
    w->start = xcalloc(n_max + 1, sizeof *w->start);
    w->column_place = xcalloc(n_max, sizeof *w->column_place);
    w->index = xcalloc(3 * n_max + g->n_arcs, sizeof *w->index);
    w->value = xcalloc(3 * n_max + g->n_arcs, sizeof *w->value);
    for (uint32_t a = 0; a < g->n_arcs; a++)
        add_element(w, (int)(first_link + a), -g->capacity[a] / w->unit);
    w->start[++w->n_columns] = (int)w->n_elements;
    for (uint32_t c = 0; c < w->n_commodities; c++) {
        for (uint32_t a = 0; a < g->n_arcs; a++) {
            if (!has_variable(w, c, a))
                continue;
            add_element(w, balance_row(w, c, g->from[a]), 1);
            add_element(w, balance_row(w, c, g->to[a]), -1);
            add_element(w, (int)(first_link + a), 1);
            w->column_place[w->n_columns] = c * g->n_arcs + a;
            w->start[++w->n_columns] = (int)w->n_elements;
        }
    }
}

static void
build_rows(struct whole *w)
{
    const struct mcf_graph *g = w->p->graph;
    uint32_t first_link = w->n_commodities * (g->n_nodes - 1);
    w->n_rows = first_link + g->n_arcs;
    w->row_lower = xcalloc(w->n_rows + 1, sizeof *w->row_lower);
    w->row_upper = xcalloc(w->n_rows + 1, sizeof *w->row_upper);
    for (uint32_t k = 0; k < w->p->n_demands; k++) {
        const struct mcf_demand *d = &w->p->demands[k];
        w->row_lower[balance_row(w, w->commodity_of[k], d->from)] += d->bps / w->unit;
    }
    memcpy(w->row_upper, w->row_lower, first_link * sizeof *w->row_upper);
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        w->row_lower[first_link + a] = -DBL_MAX;
        w->row_upper[first_link + a] = w->p->base ? -w->p->base[a] / w->unit : 0;
    }
}

static enum err
solve_whole(struct whole *w, struct mcf_whole *out)
{
    const struct mcf_graph *g = w->p->graph;
    uint32_t first_link = w->n_commodities * (g->n_nodes - 1);
    double *objective = xcalloc(w->n_columns, sizeof *objective);
    Clp_Simplex *model = Clp_newModel();
    objective[0] = 1;
    Clp_setLogLevel(model, 0);
    Clp_loadProblem(model, (int)w->n_columns, (int)w->n_rows, w->start, w->index, w->value, NULL,
                    NULL, objective, w->row_lower, w->row_upper);
    Clp_initialSolve(model);
    int status = Clp_status(model);
    if (status == 0) {
        const double *x = Clp_getColSolution(model), *y = Clp_getRowPrice(model);
        *out = (struct mcf_whole){.utilisation = Clp_getObjValue(model),
                                  .n_commodities = w->n_commodities,
                                  .n_columns = w->n_columns,
                                  .n_rows = w->n_rows};
        out->prices = xcalloc(g->n_arcs + 1, sizeof *out->prices);
        out->flow = xcalloc((size_t)w->n_commodities * g->n_arcs + 1, sizeof *out->flow);
        for (uint32_t a = 0; a < g->n_arcs; a++)
            out->prices[a] = MAX(-y[first_link + a], 0) / w->unit;
        for (uint32_t j = 1; j < w->n_columns; j++)
            out->flow[w->column_place[j]] = MAX(x[j], 0) * w->unit;
        out->bound = mcf_bound(w->p, out->prices);
    }
    Clp_deleteModel(model);
    free(objective);
    return status == 0 ? ERR_OK : status == 1 ? ERR_NOT_FOUND : ERR_LIMIT;
}

enum err
mcf_solve_whole(const struct mcf_problem *p, struct mcf_whole *out)
{
    struct whole w = {.p = p};
    double sum = 0;
    for (uint32_t k = 0; k < p->n_demands; k++) {
        if (p->demands[k].both)
            return ERR_UNSUPPORTED;
    }
    for (uint32_t a = 0; a < p->graph->n_arcs; a++)
        sum += p->graph->capacity[a];
    w.unit = sum > 0 ? sum / p->graph->n_arcs : 1;
    find_commodities(&w);
    if ((size_t)w.n_commodities * (p->graph->n_nodes + p->graph->n_arcs) > INT32_MAX / 4) {
        free(w.commodities);
        free(w.commodity_of);
        return ERR_LIMIT;
    }
    build_columns(&w);
    build_rows(&w);
    enum err err = solve_whole(&w, out);
    free(w.commodities);
    free(w.commodity_of);
    free(w.start);
    free(w.index);
    free(w.value);
    free(w.row_lower);
    free(w.row_upper);
    free(w.column_place);
    return err;
}

void
mcf_whole_fini(struct mcf_whole *w)
{
    free(w->prices);
    free(w->flow);
    *w = (struct mcf_whole){0};
}
