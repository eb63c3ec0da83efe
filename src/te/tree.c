#include "te/tree.h"

#include "base/alloc.h"
#include "te/plan.h"

#include <stdlib.h>
#include <string.h>

struct growth {
    struct te_router *router;
    const struct te_tree_request *ask;
    struct te_request request; /* from the root to the leaf in hand */
    struct te_plan *plan;
    uint64_t *cost;      /* of links as the plan had them */
    uint64_t *surcharge; /* by link; NULL: none */
    uint32_t *by;        /* by node: the link of the tree that leads there; TE_NONE */
    uint8_t *is_leaf;    /* by node */
    uint32_t refused;    /* leaf that could not be reached */
};

static enum err
growth_init(struct growth *g, struct te_router *r, const struct te_tree_request *ask)
{
    uint32_t n_links = r->net->n_links, n_nodes = r->net->n_nodes;
    *g = (struct growth){.router = r, .ask = ask, .refused = TE_NONE};
    g->request = (struct te_request){
        .from = ask->root, .optimise = ask->optimise, .constraints = ask->constraints};
    if (!ask->n_leaves || ask->constraints.bound_asymmetry)
        return ERR_INVALID;
    uint8_t *is_leaf = xcalloc(n_nodes + 1, 1);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < ask->n_leaves && !err; i++) {
        g->request.to = ask->leaves[i];
        err = te_request_check(r, &g->request);
        if (!err && (ask->leaves[i] == ask->root || is_leaf[ask->leaves[i]]++))
            err = ERR_INVALID;
    }
    if (err) {
        free(is_leaf);
        return err;
    }
    g->is_leaf = is_leaf;
    g->plan = te_plan_open(r, &g->request, 0);
    g->cost = xmemdup(g->plan->cost, (n_links + 1) * sizeof *g->cost);
    g->by = xmalloc((n_nodes + 1) * sizeof *g->by);
    return ERR_OK;
}

static void
growth_fini(struct growth *g)
{
    te_plan_close(g->plan);
    free(g->cost);
    free(g->surcharge);
    free(g->by);
    free(g->is_leaf);
}

static void
clear(struct growth *g)
{
    for (uint32_t v = 0; v < g->router->net->n_nodes; v++)
        g->by[v] = TE_NONE;
}

/* ---- Growing ---- */

static void
bar_entries(struct growth *g, uint32_t node)
{
    const struct digraph *graph = &g->router->graph;
    for (uint32_t i = graph->first_in[node]; i < graph->first_in[node + 1]; i++)
        g->plan->cost[graph->in[i]] = DIGRAPH_FAR;
}

/* The links of the tree cost next to nothing, and its nodes are reached by them alone. */
static void
price(struct growth *g)
{
    uint32_t n = g->router->net->n_links;
    memcpy(g->plan->cost, g->cost, n * sizeof *g->cost);
    for (uint32_t l = 0; g->surcharge && l < n; l++)
        g->plan->cost[l] += g->cost[l] == DIGRAPH_FAR ? 0 : g->surcharge[l];
    bar_entries(g, g->ask->root);
    for (uint32_t v = 0; v < g->router->net->n_nodes; v++) {
        if (g->by[v] == TE_NONE)
            continue;
        bar_entries(g, v);
        g->plan->cost[g->by[v]] = 1;
    }
    memcpy(g->plan->base, g->plan->cost, n * sizeof *g->cost);
    g->plan->knows_ahead = false;
}

static void
graft(struct growth *g, const struct te_path *path)
{
    for (uint32_t i = 0; i < path->n; i++)
        g->by[g->router->graph.to[path->links[i]]] = path->links[i];
}

static enum err
connect(struct growth *g, uint32_t leaf)
{
    struct te_path path;
    price(g);
    g->request.to = leaf;
    g->plan->effort = TE_EFFORT;
    enum err err = te_plan_solve(g->plan, NULL, 0, &path);
    if (err) {
        g->refused = leaf;
        return err;
    }
    graft(g, &path);
    te_path_fini(&path);
    return ERR_OK;
}

/* TE_NONE: all are connected. */
static uint32_t
nearest_leaf(struct growth *g)
{
    struct te_router *r = g->router;
    uint32_t nearest = TE_NONE;
    uint64_t least = UINT64_MAX;
    price(g);
    const struct digraph_costs costs = {g->plan->cost, g->plan->closed};
    digraph_tree(&r->graph, &r->scratch, g->ask->root, &costs);
    for (uint32_t i = 0; i < g->ask->n_leaves; i++) {
        uint32_t leaf = g->ask->leaves[i];
        if (g->by[leaf] == TE_NONE && r->scratch.labels[leaf].distance < least) {
            nearest = leaf;
            least = r->scratch.labels[leaf].distance;
        }
    }
    return nearest;
}

static enum err
grow(struct growth *g)
{
    enum err err = ERR_OK;
    for (uint32_t leaf; !err && (leaf = nearest_leaf(g)) != TE_NONE;)
        err = connect(g, leaf);
    return err;
}

/* ---- Less cost ---- */

static void
count_children(const struct growth *g, uint32_t *children)
{
    memset(children, 0, g->router->net->n_nodes * sizeof *children);
    for (uint32_t v = 0; v < g->router->net->n_nodes; v++) {
        if (g->by[v] != TE_NONE)
            children[g->router->graph.from[g->by[v]]]++;
    }
}

/* Takes off a node and what only leads there. */
static void
prune(struct growth *g, uint32_t *children, uint32_t node)
{
    while (g->by[node] != TE_NONE && !children[node]) {
        uint32_t parent = g->router->graph.from[g->by[node]];
        g->by[node] = TE_NONE;
        children[parent]--;
        node = parent;
        if (g->is_leaf[node])
            break;
    }
}

static uint64_t
cost_of(const struct growth *g)
{
    uint64_t cost = 0;
    for (uint32_t v = 0; v < g->router->net->n_nodes; v++) {
        if (g->by[v] != TE_NONE)
            cost += g->cost[g->by[v]] + (g->surcharge ? g->surcharge[g->by[v]] : 0);
    }
    return cost;
}

/* Each leaf off, and back where it is cheapest. True: that gained something. */
static bool
improve(struct growth *g)
{
    uint32_t n = g->router->net->n_nodes;
    uint32_t *children = xcalloc(n + 1, sizeof *children);
    uint32_t *before = xcalloc(n + 1, sizeof *before);
    uint64_t start = cost_of(g);
    for (uint32_t i = 0; i < g->ask->n_leaves; i++) {
        uint32_t leaf = g->ask->leaves[i];
        uint64_t cost = cost_of(g);
        memcpy(before, g->by, n * sizeof *before);
        count_children(g, children);
        if (children[leaf])
            continue;
        prune(g, children, leaf);
        if (connect(g, leaf) || cost_of(g) >= cost)
            memcpy(g->by, before, n * sizeof *before);
    }
    free(children);
    free(before);
    return cost_of(g) < start;
}

/* The tree of least delays, as far as leaves need it. */
static enum err
grow_by_delay(struct growth *g)
{
    struct te_router *r = g->router;
    uint32_t n = r->net->n_links, assumed = g->ask->constraints.assume_delay_us;
    uint64_t *cost = xmalloc((n + 1) * sizeof *cost);
    uint32_t *links = xmalloc((r->net->n_nodes + 1) * sizeof *links);
    enum err err = ERR_OK;
    clear(g);
    for (uint32_t l = 0; l < n; l++) {
        uint32_t us = r->delay[l] == TE_UNKNOWN_US ? assumed : r->delay[l];
        cost[l] = g->cost[l] == DIGRAPH_FAR ? DIGRAPH_FAR : te_folded(us);
    }
    const struct digraph_costs costs = {cost, g->plan->closed};
    digraph_tree(&r->graph, &r->scratch, g->ask->root, &costs);
    for (uint32_t i = 0; i < g->ask->n_leaves && !err; i++) {
        struct te_path path = {.links = links};
        uint32_t leaf = g->ask->leaves[i];
        if (r->scratch.labels[leaf].distance < DIGRAPH_FAR)
            path.n = digraph_path(&r->graph, &r->scratch, leaf, links);
        te_path_measure(r, &g->request, &path);
        err = path.n && te_plan_within_bounds(g->plan, &path) ? ERR_OK : ERR_NOT_FOUND;
        g->refused = err ? leaf : g->refused;
        graft(g, &path);
    }
    free(cost);
    free(links);
    return err;
}

/* ---- The result ---- */

void
te_tree_fini(struct te_tree *tree)
{
    free(tree->links);
    *tree = (struct te_tree){0};
}

static uint32_t
path_to(const struct te_router *r, const uint32_t *by, uint32_t to, uint32_t *links)
{
    uint32_t n = 0, k;
    for (uint32_t v = to; by[v] != TE_NONE; v = r->graph.from[by[v]])
        n++;
    k = n;
    for (uint32_t v = to; by[v] != TE_NONE; v = r->graph.from[by[v]])
        links[--k] = by[v];
    return n;
}

uint32_t
te_tree_path(const struct te_router *r, const struct te_tree *tree, uint32_t to, uint32_t *links)
{
    uint32_t *by = xmalloc((r->net->n_nodes + 1) * sizeof *by);
    for (uint32_t v = 0; v < r->net->n_nodes; v++)
        by[v] = TE_NONE;
    for (uint32_t i = 0; i < tree->n; i++)
        by[r->graph.to[tree->links[i]]] = tree->links[i];
    uint32_t n = path_to(r, by, to, links);
    free(by);
    return n;
}

static void
write_tree(const struct growth *g, struct te_tree *out)
{
    const struct te_router *r = g->router;
    uint32_t *path = xmalloc((r->net->n_nodes + 1) * sizeof *path);
    uint8_t *written = xcalloc(r->net->n_links + 1, 1);
    struct te_path all = {0};
    *out = (struct te_tree){.links = xmalloc((r->net->n_nodes + 1) * sizeof *out->links)};
    for (uint32_t i = 0; i < g->ask->n_leaves; i++) {
        struct te_path one = {.links = path};
        one.n = path_to(r, g->by, g->ask->leaves[i], path);
        te_path_measure(r, &g->request, &one);
        out->max_delay_us = MAX(out->max_delay_us, one.delay_us);
        for (uint32_t k = 0; k < one.n; k++) {
            if (!written[path[k]]++)
                out->links[out->n++] = path[k];
        }
    }
    all.n = out->n;
    all.links = out->links;
    te_path_measure(r, &g->request, &all);
    out->cost = all.cost;
    free(path);
    free(written);
}

static enum err
refuse(const struct growth *g, enum err err, struct diag *diag)
{
    const struct te_node *nodes = g->router->net->nodes;
    return diag_set(diag, err, "no tree from %s: %s cannot be reached within the constraints",
                    nodes[g->ask->root].name, nodes[g->refused].name);
}

static enum err
find(struct growth *g, struct te_tree *out, struct diag *diag)
{
    clear(g);
    enum err err = grow(g);
    for (uint32_t i = 0; i < g->ask->n_leaves && !err; i++) { /* those that nothing reaches */
        if (g->by[g->ask->leaves[i]] == TE_NONE) {
            g->refused = g->ask->leaves[i];
            return refuse(g, ERR_NOT_FOUND, diag);
        }
    }
    if (err)
        err = grow_by_delay(g);
    if (err)
        return refuse(g, err, diag);
    for (int round = 0; round < 8 && improve(g); round++)
        ;
    write_tree(g, out);
    return ERR_OK;
}

enum err
te_tree_find(struct te_router *r, const struct te_tree_request *ask, struct te_tree *out,
             struct diag *diag)
{
    struct growth g;
    enum err err = growth_init(&g, r, ask);
    if (err)
        return diag_set(diag, err, "the request makes no sense");
    err = find(&g, out, diag);
    growth_fini(&g);
    return err;
}

/* ---- Two of them ---- */

void
te_tree_pair_fini(struct te_tree_pair *pair)
{
    te_tree_fini(&pair->trees[0]);
    te_tree_fini(&pair->trees[1]);
}

static void
mark_both(const struct te_router *r, uint8_t *marks, uint32_t link)
{
    marks[link] = 1;
    if (r->reverse[link] != TE_NONE)
        marks[r->reverse[link]] = 1;
}

/* Marks by link what shares something with a tree. */
static uint8_t *
mark_shared(const struct growth *g, unsigned disjoint, const struct te_tree *tree)
{
    const struct te_router *r = g->router;
    const struct te_network *net = r->net;
    uint8_t *shared = xcalloc(net->n_links + 1, 1);
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct te_link *l = &net->links[tree->links[i]];
        uint32_t to = l->to;
        mark_both(r, shared, tree->links[i]);
        for (uint32_t k = 0; k < l->n_srlgs && (disjoint & TE_DISJOINT_SRLG); k++) {
            uint32_t group = net->link_srlgs[l->first_srlg + k];
            for (uint32_t m = r->first_of_srlg[group]; m < r->first_of_srlg[group + 1]; m++)
                mark_both(r, shared, r->of_srlg[m]);
        }
        if (!(disjoint & TE_DISJOINT_NODE) || g->is_leaf[to])
            continue;
        for (uint32_t k = r->graph.first_in[to]; k < r->graph.first_in[to + 1]; k++)
            shared[r->graph.in[k]] = 1;
    }
    return shared;
}

static void
forbid(struct growth *g, const uint8_t *links, const uint64_t *original)
{
    for (uint32_t l = 0; l < g->router->net->n_links; l++)
        g->cost[l] = links[l] ? DIGRAPH_FAR : original[l];
}

/* Above all costs of a tree together, but sums of it must fit. */
#define SURCHARGE (UINT64_C(1) << 44)

static void
surcharge(struct growth *g, const uint8_t *links)
{
    uint32_t n = g->router->net->n_links;
    g->surcharge = g->surcharge ? g->surcharge : xcalloc(n + 1, sizeof *g->surcharge);
    for (uint32_t l = 0; l < n; l++)
        g->surcharge[l] = links[l] ? SURCHARGE : 0;
}

static void
drop_surcharge(struct growth *g)
{
    free(g->surcharge);
    g->surcharge = NULL;
}

/* The second tree as it would be if sharing only cost much: what it shares, the first should not
 * use. */
static enum err
find_second(struct growth *g, unsigned disjoint, const uint64_t *original, struct te_tree_pair *out)
{
    uint8_t *shared = mark_shared(g, disjoint, &out->trees[0]);
    forbid(g, shared, original);
    enum err err = find(g, &out->trees[1], NULL);
    if (err) {
        memcpy(g->cost, original, g->router->net->n_links * sizeof *original);
        surcharge(g, shared);
        if (!find(g, &out->trees[1], NULL))
            err = ERR_CONFLICT; /* there is one, but it shares something */
        drop_surcharge(g);
    }
    free(shared);
    return err;
}

static void
count_shared(const struct growth *g, unsigned disjoint, struct te_tree_pair *pair)
{
    const struct te_network *net = g->router->net;
    uint8_t *links = xcalloc(net->n_links + 1, 1), *nodes = xcalloc(net->n_nodes + 1, 1);
    uint8_t *groups = xcalloc(net->n_srlgs + 1, 1);
    for (int t = 0; t < 2; t++) {
        for (uint32_t i = 0; i < pair->trees[t].n; i++) {
            uint32_t link = pair->trees[t].links[i];
            const struct te_link *l = &net->links[link];
            uint32_t low = MIN(link, l->reverse);
            pair->shared_links += t && links[low]++ == 1;
            links[low] |= !t;
            if ((disjoint & TE_DISJOINT_NODE) && !g->is_leaf[l->to])
                pair->shared_nodes += t && nodes[l->to] == 1;
            nodes[l->to] |= !t;
            for (uint32_t k = 0; k < l->n_srlgs && (disjoint & TE_DISJOINT_SRLG); k++) {
                uint32_t group = net->link_srlgs[l->first_srlg + k];
                pair->shared_srlgs += t && groups[group] == 1;
                groups[group] = t && groups[group] ? 2 : groups[group] | !t;
            }
        }
    }
    free(links);
    free(nodes);
    free(groups);
}

/* Keeps the first tree off what the second could not do without. False: it was off all that. */
static bool
give_way(const struct growth *g, unsigned disjoint, const struct te_tree_pair *pair,
         uint8_t *avoided)
{
    uint8_t *shared = mark_shared(g, disjoint, &pair->trees[0]);
    bool more = false;
    for (uint32_t i = 0; i < pair->trees[1].n; i++) {
        uint32_t l = pair->trees[1].links[i];
        if (shared[l] && !avoided[l]) {
            mark_both(g->router, avoided, l);
            more = true;
        }
    }
    free(shared);
    return more;
}

#define GIVE_WAY_MAX 16

enum err
te_tree_find_pair(struct te_router *r, const struct te_tree_request *ask, unsigned disjoint,
                  bool best_effort, struct te_tree_pair *out, struct diag *diag)
{
    struct growth g;
    enum err err = growth_init(&g, r, ask);
    if (err)
        return diag_set(diag, err, "the request makes no sense");
    uint64_t *original = xmemdup(g.cost, (r->net->n_links + 1) * sizeof *original);
    uint8_t *avoided = xcalloc(r->net->n_links + 1, 1);
    struct te_tree_pair pair = {0};
    for (int i = 0; i <= GIVE_WAY_MAX; i++) {
        te_tree_pair_fini(&pair);
        memcpy(g.cost, original, r->net->n_links * sizeof *original);
        surcharge(&g, avoided);
        err = find(&g, &pair.trees[0], diag);
        drop_surcharge(&g);
        if (!err)
            err = find_second(&g, disjoint, original, &pair);
        if (err != ERR_CONFLICT || !give_way(&g, disjoint, &pair, avoided))
            break;
    }
    if (err == ERR_CONFLICT) {
        count_shared(&g, disjoint, &pair);
        err = best_effort ? ERR_OK
                          : diag_set(diag, ERR_NOT_FOUND,
                                     "there are trees from %s, but no two that share nothing",
                                     r->net->nodes[ask->root].name);
    }
    if (err)
        te_tree_pair_fini(&pair);
    else
        *out = pair;
    free(original);
    free(avoided);
    growth_fini(&g);
    return err;
}
