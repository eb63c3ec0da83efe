/* Label setting for bounded sums and explicit hops, as route.h describes it. */
#include "te/plan.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is still ahead at least ---- */

static void
find_ahead(struct te_plan *p, const uint64_t *cost, uint64_t **ahead, int shift)
{
    struct te_router *r = p->router;
    uint32_t n = r->net->n_nodes;
    /* Bans come and go, and nodes are closed and opened: this holds whatever they are. */
    const struct digraph_costs costs = {cost, p->all_in_service ? NULL : r->impassable};
    digraph_tree_to(&r->graph, &r->scratch, p->ask->to, &costs);
    *ahead = xrealloc(*ahead, n + 1, sizeof **ahead);
    for (uint32_t v = 0; v < n; v++) {
        uint64_t distance = r->scratch.labels[v].distance;
        (*ahead)[v] = distance == DIGRAPH_FAR ? DIGRAPH_FAR : distance >> shift;
    }
}

static void
look_ahead(struct te_plan *p)
{
    uint32_t n = p->router->net->n_links;
    if (p->knows_ahead)
        return;
    p->knows_ahead = true;
    find_ahead(p, p->base, &p->cost_ahead, 0);
    uint64_t *cost = xmalloc((n + 1) * sizeof *cost);
    for (uint32_t i = 0; i < p->n_bounds; i++) {
        for (uint32_t l = 0; l < n; l++) {
            cost[l] = p->base[l];
            if (cost[l] != DIGRAPH_FAR)
                cost[l] = te_folded(
                    (uint32_t)MIN(te_plan_sum(p, p->bounds[i].what, l), TE_METRIC_MAX));
        }
        find_ahead(p, cost, &p->bounds[i].ahead, 16);
    }
    free(cost);
}

/* ---- Labels ---- */

static uint32_t *
chain_of(struct te_plan *p, uint32_t node, uint16_t stage)
{
    return &p->first_label[(size_t)stage * p->router->net->n_nodes + node];
}

/* Is the node on the way to this label, or its end? */
static bool
was_passed(const struct te_plan *p, uint32_t label, uint32_t node)
{
    for (; label != TE_NONE; label = p->labels[label].parent) {
        if (p->labels[label].node == node)
            return true;
    }
    return false;
}

/* Has the first passed no node that the second has not? Then it can go on as that can. */
static bool
passed_no_other(const struct te_plan *p, const struct te_label *a, const struct te_label *b)
{
    if (a->passed & ~b->passed)
        return false;
    for (uint32_t i = a->parent; i != TE_NONE; i = p->labels[i].parent) {
        if (!was_passed(p, b->parent, p->labels[i].node))
            return false;
    }
    return true;
}

static bool
is_no_worse(const struct te_plan *p, const struct te_label *a, const struct te_label *b)
{
    if (a->cost > b->cost)
        return false;
    for (uint32_t i = 0; i < p->n_bounds; i++) {
        if (a->sum[i] > b->sum[i])
            return false;
    }
    return !p->simple || passed_no_other(p, a, b);
}

static bool
can_keep_bounds(const struct te_plan *p, const struct te_label *l)
{
    if (p->cost_ahead[l->node] == DIGRAPH_FAR)
        return false;
    for (uint32_t i = 0; i < p->n_bounds; i++) {
        if (l->sum[i] + p->bounds[i].ahead[l->node] > p->bounds[i].limit)
            return false;
    }
    return true;
}

/* Puts it among those of its node, drops those that it makes useless. */
static void
keep_label(struct te_plan *p, const struct te_label *l)
{
    uint32_t *chain = chain_of(p, l->node, l->stage);
    if (!can_keep_bounds(p, l))
        return;
    for (uint32_t *at = chain; *at != TE_NONE;) {
        struct te_label *old = &p->labels[*at];
        if (is_no_worse(p, old, l))
            return;
        if (is_no_worse(p, l, old)) {
            old->dropped = true;
            *at = old->next;
        } else {
            at = &old->next;
        }
    }
    GROW(p->labels, p->n_labels, p->labels_capacity);
    p->labels[p->n_labels] = *l;
    p->labels[p->n_labels].next = *chain;
    *chain = p->n_labels;
    te_heap_push(&p->heap, l->cost + p->cost_ahead[l->node], p->n_labels++);
}

static void
extend(struct te_plan *p, uint32_t at, uint32_t link)
{
    struct te_label l = p->labels[at];
    uint32_t to = p->router->graph.to[link];
    if (p->cost[link] == DIGRAPH_FAR || (p->closed[to] && to != p->ask->to) ||
        !te_plan_advance(p, link, to, &l.stage))
        return;
    if (p->ask->n_hops && was_passed(p, at, to)) {
        p->met_loops = true;
        return;
    }
    l.cost += p->cost[link];
    for (uint32_t i = 0; i < p->n_bounds; i++)
        l.sum[i] += te_plan_sum(p, p->bounds[i].what, link);
    l.passed |= UINT64_C(1) << (l.node % 64);
    l.node = to;
    l.link = link;
    l.parent = at;
    keep_label(p, &l);
}

/* A label for what the path begins with. False: it does not follow the hops. */
static bool
first_label(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix)
{
    struct te_label l = {
        .node = p->ask->from, .link = TE_NONE, .parent = TE_NONE, .stage = te_plan_first_stage(p)};
    size_t places = (size_t)p->router->net->n_nodes * (p->ask->n_hops + 1);
    if (p->n_first_label < places) {
        p->first_label = xrealloc(p->first_label, places, sizeof *p->first_label);
        p->n_first_label = (uint32_t)places;
    }
    memset(p->first_label, 0xff, places * sizeof *p->first_label);
    p->n_labels = p->heap.n = 0;
    for (uint32_t i = 0; i < n_prefix; i++) {
        l.node = p->router->graph.to[prefix[i]];
        if (!te_plan_advance(p, prefix[i], l.node, &l.stage))
            return false;
        l.cost += p->base[prefix[i]];
        for (uint32_t k = 0; k < p->n_bounds; k++)
            l.sum[k] += te_plan_sum(p, p->bounds[k].what, prefix[i]);
    }
    keep_label(p, &l);
    return true;
}

static void
collect(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix, uint32_t label,
        struct te_path *out)
{
    uint32_t n = n_prefix;
    for (uint32_t i = label; p->labels[i].parent != TE_NONE; i = p->labels[i].parent)
        n++;
    *out = (struct te_path){.n = n, .links = xmalloc(MAX(n, 1) * sizeof *out->links)};
    if (n_prefix)
        memcpy(out->links, prefix, n_prefix * sizeof *prefix);
    for (uint32_t i = label; p->labels[i].parent != TE_NONE; i = p->labels[i].parent)
        out->links[--n] = p->labels[i].link;
    te_path_measure(p->router, p->ask, out);
    out->optimal = p->simple || !p->met_loops;
}

/* ---- When labels do not end: prices for the bounds ---- */

/* The shortest path where every bounded sum costs `price` for each bound's worth of it. */
static bool
solve_priced(struct te_plan *p, double price, struct te_path *out)
{
    struct te_router *r = p->router;
    uint64_t *cost = xmalloc((r->net->n_links + 1) * sizeof *cost);
    for (uint32_t l = 0; l < r->net->n_links; l++) {
        double extra = 0;
        cost[l] = p->cost[l];
        for (uint32_t i = 0; i < p->n_bounds && cost[l] != DIGRAPH_FAR; i++)
            extra += (double)te_plan_sum(p, p->bounds[i].what, l) / (double)p->bounds[i].limit;
        if (cost[l] != DIGRAPH_FAR)
            cost[l] += (uint64_t)MIN(price * extra, 1e14);
    }
    const struct digraph_costs costs = {cost, p->closed};
    bool found = digraph_shortest(&r->graph, &r->scratch, p->ask->from, p->ask->to, &costs);
    if (found) {
        *out = (struct te_path){.links = xmalloc((r->net->n_nodes + 1) * sizeof *out->links)};
        out->n = digraph_path(&r->graph, &r->scratch, p->ask->to, out->links);
        te_path_measure(r, p->ask, out);
    }
    free(cost);
    return found;
}

static enum err
solve_by_prices(struct te_plan *p, struct te_path *out)
{
    double low = 0, high = 65536, step;
    bool found = false;
    for (int i = 0; i < 48; i++) { /* up to the first price that does, then between */
        struct te_path path;
        step = found ? (low + high) / 2 : high;
        if (!solve_priced(p, step, &path))
            return ERR_LIMIT;
        bool fits = te_plan_within_bounds(p, &path);
        if (fits && found)
            te_path_fini(out);
        if (fits) {
            *out = path;
            high = step;
        } else {
            te_path_fini(&path);
            low = step;
            high = found ? high : high * 4;
        }
        found |= fits;
    }
    return found ? ERR_OK : ERR_LIMIT;
}

static enum err
set_labels(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix, struct te_path *out)
{
    const struct digraph *g = &p->router->graph;
    if (!first_label(p, prefix, n_prefix))
        return ERR_NOT_FOUND;
    while (p->heap.n) {
        uint32_t at = (uint32_t)te_heap_pop(&p->heap).item;
        struct te_label l = p->labels[at];
        if (l.dropped)
            continue;
        if (l.node == p->ask->to) {
            collect(p, prefix, n_prefix, at, out);
            return ERR_OK;
        }
        if (!p->effort)
            return ERR_LIMIT;
        p->effort--;
        for (uint32_t a = g->first[l.node]; a < g->first[l.node + 1]; a++)
            extend(p, at, a);
    }
    return ERR_NOT_FOUND;
}

/* A label may have made another one useless that, unlike it, could have gone on without passing a
 * node twice. So again, where only those do that have passed nothing else; many more labels. */
static enum err
set_labels_again(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix, enum err first,
                 struct te_path *out)
{
    struct te_path path;
    p->simple = true;
    enum err err = set_labels(p, prefix, n_prefix, &path);
    p->simple = false;
    if (!err) {
        if (!first)
            te_path_fini(out);
        *out = path;
        return ERR_OK;
    }
    return first ? err : ERR_OK; /* what the first search found, is not proven to be the best */
}

enum err
te_plan_solve_labels(struct te_plan *p, const uint32_t *prefix, uint32_t n_prefix,
                     struct te_path *out)
{
    p->met_loops = p->simple = false;
    look_ahead(p);
    enum err err = set_labels(p, prefix, n_prefix, out);
    if (err == ERR_LIMIT && !p->ask->n_hops && !n_prefix)
        return solve_by_prices(p, out);
    if (p->met_loops && err != ERR_LIMIT)
        err = set_labels_again(p, prefix, n_prefix, err, out);
    return err;
}
