#include "te/optimise.h"
#include "te/mcf_plan.h"
#include "te/mcf_segments.h"
#include "te/plan.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the tolerance: what the rounding may use, and what the linear program may leave open. */
#define ROUNDING_PART 0.98
#define LP_PART 0.1
#define AGAIN 3
#define AS_HIGH 1e-4   /* so near to the bound is at it */
#define ASIDE_ROUNDS 8 /* links are set aside so often */

struct te_optimise_options
te_optimise_defaults(void)
{
    return (struct te_optimise_options){
        .max_lsps = 16, .tolerance = 0.01, .sweeps = 40, .rounds = 200, .searches = 20000};
}

/* The problem for mcf: who takes part, over which links. */
struct task {
    struct te_router *router;
    const struct te_lsp *lsps;
    const struct te_optimise_options *options;
    struct te_state state;
    struct mcf_graph graph;
    struct mcf_ecmp *ecmp; /* for segment lists */
    struct mcf_problem problem;
    struct mcf_demand *demands;
    uint32_t *lsp_of;                   /* by demand */
    uint32_t *unroutable, n_unroutable; /* LSPs */
    double *base;
    bool **masks; /* different ones */
    uint32_t n_masks, masks_capacity;
};

/* All links that are up will do; where delays matter, links of unknown delay may not. */
static bool
is_plain(const struct te_lsp *p)
{
    const struct te_constraints *c = &p->constraints;
    struct te_affinity none = {{0}};
    return p->optimise != TE_METRIC_DELAY && !c->max_delay_us && !c->symmetric &&
           !c->n_exclude_nodes && !c->n_exclude_links && !c->n_exclude_srlgs &&
           !memcmp(&c->include_any, &none, sizeof none) &&
           !memcmp(&c->include_all, &none, sizeof none) &&
           !memcmp(&c->exclude_any, &none, sizeof none);
}

static bool
stays(const struct task *t, const struct te_lsp *p)
{
    const struct te_constraints *c = &p->constraints;
    return (p->pinned && !t->options->move_pinned) || p->diverse_from != TE_NONE ||
           (c->symmetric && t->options->labels) || c->bound_asymmetry || c->max_hops ||
           c->max_igp || c->max_te || !c->bandwidth_bps || (c->max_delay_us && c->assume_delay_us);
}

/* The links that it may use; those who may use the same share the array. */
static const bool *
mask_for(struct task *t, const struct te_lsp *p)
{
    const struct te_network *net = t->router->net;
    if (is_plain(p))
        return NULL;
    struct te_request ask = {
        .from = p->from, .to = p->to, .optimise = p->optimise, .constraints = p->constraints};
    ask.constraints.bandwidth_bps = 0;
    bool *mask = xcalloc(net->n_links + 1, sizeof *mask);
    struct te_plan *plan = te_plan_open(t->router, &ask, 0);
    for (uint32_t l = 0; l < net->n_links; l++)
        mask[l] = plan->cost[l] < DIGRAPH_FAR &&
                  (!plan->closed[net->links[l].to] || net->links[l].to == p->to);
    te_plan_close(plan);
    for (uint32_t i = 0; i < t->n_masks; i++) {
        if (!memcmp(t->masks[i], mask, net->n_links * sizeof *mask)) {
            free(mask);
            return t->masks[i];
        }
    }
    GROW(t->masks, t->n_masks, t->masks_capacity);
    return t->masks[t->n_masks++] = mask;
}

/* Those that stay and have no path get one first. */
static void
place_those_that_stay(struct task *t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct te_path path;
        if (!stays(t, &t->lsps[i]) || t->lsps[i].n_links)
            continue;
        enum err err = te_state_route(&t->state, i, NULL, false, &path);
        if (err)
            err = te_state_route(&t->state, i, NULL, true, &path);
        if (err) {
            t->unroutable[t->n_unroutable++] = i;
            continue;
        }
        te_state_place(&t->state, i, path.links, path.n);
        te_path_fini(&path);
    }
}

/* Demands for which the router finds nothing whatever it costs: they stay where they are, if they
 * are anywhere. */
static void
drop_unroutable(struct task *t, struct mcf_router router)
{
    const struct mcf_graph *g = &t->graph;
    double *prices = xcalloc(g->n_arcs + 1, sizeof *prices), least;
    struct mcf_route route;
    uint32_t n = t->problem.n_demands, kept = 0;
    for (uint32_t a = 0; a < g->n_arcs; a++)
        prices[a] = g->capacity[a] > 0 ? 1 / g->capacity[a] : (double)INFINITY;
    router.set_prices(router.arg, prices);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t lsp = t->lsp_of[k];
        struct mcf_demand demand = t->demands[k];
        if (isfinite(router.cheapest(router.arg, k, &route, &least))) {
            t->lsp_of[kept] = lsp;
            t->demands[kept++] = demand;
            continue;
        }
        t->unroutable[t->n_unroutable++] = lsp;
        te_state_load(&t->state, lsp, t->lsps[lsp].links, t->lsps[lsp].n_links, true);
    }
    t->problem.n_demands = kept;
    for (uint32_t a = 0; a < g->n_arcs; a++) /* what lies on a dead link is no load */
        t->base[a] = g->capacity[a] > 0 ? (double)t->state.load[a] : 0;
    router.free(router.arg);
    free(prices);
}

static enum err
open_task(struct task *t, uint32_t n)
{
    const struct te_network *net = t->router->net;
    enum err err = te_state_init(&t->state, t->router, t->lsps, n, 1, t->options->reservable);
    if (err)
        return err;
    mcf_graph_init(&t->graph, net, t->options->reservable);
    t->demands = xcalloc(n + 1, sizeof *t->demands);
    t->lsp_of = xcalloc(n + 1, sizeof *t->lsp_of);
    t->base = xcalloc(net->n_links + 1, sizeof *t->base);
    t->unroutable = xcalloc(n + 1, sizeof *t->unroutable);
    place_those_that_stay(t, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct te_lsp *p = &t->lsps[i];
        if (stays(t, p))
            continue;
        const struct te_constraints *c = &p->constraints;
        te_state_load(&t->state, i, t->state.lsps[i].links, t->state.lsps[i].n_links, false);
        t->lsp_of[t->problem.n_demands] = i;
        t->demands[t->problem.n_demands++] = (struct mcf_demand){
            p->from,
            p->to,
            (double)c->bandwidth_bps,
            c->max_delay_us ? (double)c->max_delay_us : (double)INFINITY,
            mask_for(t, p),
            net->nodes[p->from].max_sid_depth,
            c->symmetric};
    }
    t->problem.graph = &t->graph;
    t->problem.demands = t->demands;
    t->problem.base = t->base;
    drop_unroutable(t, mcf_path_router(&t->problem));
    return ERR_OK;
}

static void
close_task(struct task *t)
{
    te_state_fini(&t->state);
    mcf_graph_fini(&t->graph);
    free(t->demands);
    free(t->lsp_of);
    free(t->base);
    free(t->unroutable);
    for (uint32_t i = 0; i < t->n_masks; i++)
        free(t->masks[i]);
    free(t->masks);
}

/* What the result points to: one block for each kind. */
struct memory {
    struct te_carrier *carriers;
    uint32_t *links;
    double *shares;
    struct mcf_segment *segments;
    uint32_t **placed, n_placed;
    uint32_t *unroutable;
};

/* Splits a demand's bits so that nothing is lost in rounding: the last one has the rest. */
static void
share_out(struct te_carrier *carriers, uint32_t n, const double *shares, uint64_t bps)
{
    uint64_t left = bps;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t part = (uint64_t)floor((double)bps * shares[i]);
        carriers[i].bps = i == n - 1 ? left : MIN(part, left);
        left -= carriers[i].bps;
    }
}

static void
put_demand(const struct task *t, const struct mcf_plan *plan, uint32_t k, struct te_optimum *out)
{
    struct memory *m = out->memory;
    struct te_carrier *first = m->carriers + out->n_carriers;
    double shares[64];
    uint32_t n = 0;
    for (uint32_t i = plan->head[k]; i != TE_NONE && n < ARRAY_SIZE(shares);
         i = plan->columns[i].next) {
        const struct mcf_column *c = &plan->columns[i];
        if (c->share <= 1e-9)
            continue;
        first[n] = (struct te_carrier){.lsp = t->lsp_of[k],
                                       .links = m->links + c->first,
                                       .shares = t->options->labels ? m->shares + c->first : NULL,
                                       .n_links = plan->p->demands[k].both ? c->n / 2 : c->n,
                                       .segments = c->n_segments ? m->segments + c->first_segment
                                                                 : NULL,
                                       .n_segments = c->n_segments};
        shares[n++] = c->share;
    }
    share_out(first, n, shares, t->lsps[t->lsp_of[k]].constraints.bandwidth_bps);
    out->n_carriers += n;
    out->n_split += n > 1;
}

/* Those that stay, but were nowhere: where they were put. */
static void
put_placed(const struct task *t, uint32_t lsp, struct te_optimum *out)
{
    struct memory *m = out->memory;
    const struct te_lsp *p = &t->state.lsps[lsp];
    if (!t->state.moved[lsp])
        return;
    uint32_t *links = xmemdup(p->links, p->n_links * sizeof *links);
    m->placed = xrealloc(m->placed, m->n_placed + 1, sizeof *m->placed);
    m->placed[m->n_placed++] = links;
    m->carriers[out->n_carriers++] = (struct te_carrier){
        .lsp = lsp, .bps = p->constraints.bandwidth_bps, .links = links, .n_links = p->n_links};
    out->n_moved++;
}

static int
compare_carriers(const void *a, const void *b)
{
    const struct te_carrier *x = a, *y = b;
    if (x->lsp != y->lsp)
        return x->lsp < y->lsp ? -1 : 1;
    return (x->links > y->links) - (x->links < y->links);
}

static int
compare_lsps(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
put_result(const struct task *t, struct mcf_plan *plan, double path_bound, struct te_optimum *out)
{
    const struct mcf_graph *g = &t->graph;
    struct memory *m = xcalloc(1, sizeof *m);
    uint32_t n = t->state.n;
    for (uint32_t i = 0; i < plan->n_columns; i++)
        n += plan->columns[i].share > 1e-9;
    m->carriers = xcalloc(n + 1, sizeof *m->carriers);
    m->links = xmemdup(plan->arcs ? plan->arcs : &n, MAX(plan->n_arcs, 1) * sizeof *m->links);
    m->shares = xcalloc(plan->n_arcs + 1, sizeof *m->shares);
    if (plan->n_arcs)
        memcpy(m->shares, plan->shares, plan->n_arcs * sizeof *m->shares);
    m->segments = xcalloc(plan->n_segments + 1, sizeof *m->segments);
    if (plan->n_segments)
        memcpy(m->segments, plan->segments, plan->n_segments * sizeof *m->segments);
    *out = (struct te_optimum){.bound = path_bound,
                               .list_bound = plan->bound,
                               .utilisation = mcf_plan_utilisation(plan),
                               .n_moved = plan->p->n_demands,
                               .carriers = m->carriers,
                               .searches = plan->router.searches(plan->router.arg),
                               .iterations = plan->lp_iterations,
                               .moves = plan->moves,
                               .memory = m};
    out->prices = xmemdup(plan->prices, (g->n_arcs + 1) * sizeof *plan->prices);
    out->loads = xmemdup(plan->loads, (g->n_arcs + 1) * sizeof *plan->loads);
    for (uint32_t k = 0; k < plan->p->n_demands; k++)
        put_demand(t, plan, k, out);
    for (uint32_t i = 0; i < t->state.n; i++)
        put_placed(t, i, out);
    qsort(m->carriers, out->n_carriers, sizeof *m->carriers, compare_carriers);
    m->unroutable = xmemdup(t->unroutable, (t->n_unroutable + 1) * sizeof *t->unroutable);
    qsort(m->unroutable, t->n_unroutable, sizeof *m->unroutable, compare_lsps);
    out->unroutable = m->unroutable;
    out->n_unroutable = t->n_unroutable;
}

/* Down to shares that are as good as the bound says. */
static enum err
solve(const struct task *t, struct mcf_plan *plan)
{
    const struct te_optimise_options *o = t->options;
    double enough = o->tolerance * ROUNDING_PART;
    enum err err = mcf_descend(plan, enough / 2, o->sweeps, NULL);
    if (!err && mcf_plan_utilisation(plan) > plan->bound * (1 + enough / 2))
        err = mcf_solve_columns(plan, o->tolerance * LP_PART, o->rounds);
    return err;
}

/* Where nothing may be split, single routes are worth another descent. */
static void
finish(const struct task *t, struct mcf_plan *plan, double bound)
{
    const struct te_optimise_options *o = t->options;
    double target = MAX(bound * (1 + o->tolerance * ROUNDING_PART), mcf_plan_utilisation(plan));
    mcf_round(plan, target, o->max_lsps, o->searches);
    for (int i = 0; i < AGAIN && o->max_lsps == 1; i++) {
        if (mcf_plan_utilisation(plan) <= target ||
            mcf_descend(plan, o->tolerance * ROUNDING_PART, o->sweeps, NULL))
            return;
        mcf_round(plan, target, 1, o->searches);
    }
}

/* The bound for paths, and the paths themselves if that is what is asked for. */
static enum err
optimise_paths(const struct task *t, struct te_optimum *out, double *bound)
{
    struct mcf_plan plan;
    mcf_plan_init(&plan, &t->problem, mcf_path_router(&t->problem));
    enum err err = solve(t, &plan);
    *bound = plan.bound;
    if (!err && !t->options->labels) {
        finish(t, &plan, plan.bound);
        put_result(t, &plan, plan.bound, out);
    }
    mcf_plan_fini(&plan);
    return err;
}

static enum err
optimise_lists(const struct task *t, struct te_optimum *out, double bound)
{
    struct mcf_plan plan;
    mcf_plan_init(&plan, &t->problem, mcf_segment_router(&t->problem, t->ecmp, t->options->labels));
    enum err err = solve(t, &plan);
    if (!err) {
        finish(t, &plan, MAX(bound, plan.bound));
        put_result(t, &plan, bound, out);
    }
    mcf_plan_fini(&plan);
    return err;
}

static struct mcf_router
router_of(const struct task *t)
{
    return t->options->labels ? mcf_segment_router(&t->problem, t->ecmp, t->options->labels)
                              : mcf_path_router(&t->problem);
}

/* Everything once. */
static enum err
optimise_all(const struct task *t, struct te_optimum *out)
{
    double bound = 0;
    enum err err = optimise_paths(t, out, &bound);
    return !err && t->options->labels ? optimise_lists(t, out, bound) : err;
}

static bool
all_have_routes(const struct task *t)
{
    struct mcf_router router = router_of(t);
    struct mcf_route route;
    double *prices = xcalloc(t->graph.n_arcs + 1, sizeof *prices);
    bool all = true;
    router.set_prices(router.arg, prices);
    for (uint32_t k = 0; k < t->problem.n_demands && all; k++)
        all = isfinite(router.cheapest(router.arg, k, &route, NULL));
    router.free(router.arg);
    free(prices);
    return all;
}

/* Links that what stays fills as high as anything can be brought down to: nobody else may pass
 * there, and they are left out, so that the rest is not content with being as full. False: there
 * are none, or somebody cannot do without. */
static bool
set_aside(struct task *t, double bound)
{
    struct mcf_graph *g = &t->graph;
    double *capacity = xmemdup(g->capacity, (g->n_arcs + 1) * sizeof *capacity),
           *base = xmemdup(t->base, (g->n_arcs + 1) * sizeof *base);
    bool any = false;
    for (uint32_t a = 0; a < g->n_arcs; a++) {
        if (!(t->base[a] > 0) || t->base[a] < bound * (1 - AS_HIGH) * g->capacity[a])
            continue;
        any = true;
        g->capacity[a] = 0;
        t->base[a] = 0;
    }
    bool done = any && all_have_routes(t);
    if (!done) {
        memcpy(g->capacity, capacity, g->n_arcs * sizeof *capacity);
        memcpy(t->base, base, g->n_arcs * sizeof *base);
    }
    free(capacity);
    free(base);
    return done;
}

/* The whole network again: loads of those that stay on links that were set aside, too. */
static void
sum_up(const struct task *t, struct te_optimum *out)
{
    const struct te_network *net = t->router->net;
    out->rest_utilisation = out->utilisation;
    out->rest_bound = out->bound;
    for (uint32_t l = 0; l < net->n_links; l++) {
        double c = (double)(t->options->reservable ? net->links[l].reservable_bps
                                                   : net->links[l].capacity_bps);
        if (!t->router->usable[l] || !(c > 0))
            continue;
        if (t->base[l] == 0)
            out->loads[l] += (double)t->state.load[l];
        out->utilisation = MAX(out->utilisation, out->loads[l] / c);
    }
}

enum err
te_optimise(struct te_router *router, const struct te_lsp *lsps, uint32_t n_lsps,
            const struct te_optimise_options *options, struct te_optimum *out)
{
    struct task t = {.router = router, .lsps = lsps, .options = options};
    enum err err = open_task(&t, n_lsps);
    if (!err && options->labels) {
        t.ecmp = mcf_ecmp_new(&t.graph);
        drop_unroutable(&t, router_of(&t));
    }
    if (!err)
        err = optimise_all(&t, out);
    double bound = err ? 0 : out->bound, list_bound = err ? 0 : out->list_bound;
    for (int i = 0; i < ASIDE_ROUNDS && !err && set_aside(&t, out->bound); i++) {
        te_optimum_fini(out);
        err = optimise_all(&t, out);
    }
    if (!err) {
        sum_up(&t, out);
        out->bound = bound;
        out->list_bound = list_bound;
    }
    mcf_ecmp_free(t.ecmp);
    close_task(&t);
    return err;
}

void
te_optimum_fini(struct te_optimum *o)
{
    struct memory *m = o->memory;
    if (m) {
        free(m->carriers);
        free(m->links);
        free(m->shares);
        free(m->segments);
        for (uint32_t i = 0; i < m->n_placed; i++)
            free(m->placed[i]);
        free(m->placed);
        free(m->unroutable);
        free(m);
    }
    free(o->prices);
    free(o->loads);
    *o = (struct te_optimum){0};
}

uint32_t
te_optimum_moves(const struct te_optimum *o, const struct te_lsp *lsps, uint32_t n_lsps,
                 struct te_move **moves)
{
    uint32_t n = 0;
    *moves = xcalloc(n_lsps + 1, sizeof **moves);
    for (uint32_t i = 0; i < o->n_carriers; i++) {
        const struct te_carrier *c = &o->carriers[i];
        const struct te_lsp *p = &lsps[c->lsp];
        bool split = (i > 0 && c[-1].lsp == c->lsp) ||
                     (i + 1 < o->n_carriers && c[1].lsp == c->lsp),
             same = c->n_links == p->n_links &&
                    !memcmp(c->links, p->links, c->n_links * sizeof *c->links);
        if (!split && !same && !c->shares)
            (*moves)[n++] = (struct te_move){c->lsp, (uint32_t *)(uintptr_t)c->links, c->n_links};
    }
    return n;
}

enum err
te_carrier_labels(const struct te_network *net, const struct te_carrier *c, uint32_t from,
                  uint32_t *labels)
{
    uint32_t at = from;
    if (!c->n_segments)
        return ERR_INVALID;
    for (uint32_t i = 0; i < c->n_segments; i++) {
        const struct mcf_segment *s = &c->segments[i];
        if (s->adjacency) {
            labels[i] = net->links[s->id].adjacency_label;
            at = net->links[s->id].to;
            if (labels[i] == TE_NO_LABEL)
                return ERR_NOT_FOUND;
            continue;
        }
        if (net->nodes[s->id].sid_index >= net->nodes[at].srgb_size)
            return ERR_NOT_FOUND;
        labels[i] = net->nodes[at].srgb_base + net->nodes[s->id].sid_index;
        at = s->id;
    }
    return ERR_OK;
}
