#include "engineer/design.h"

#include "base/alloc.h"
#include "engineer/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 6 /* primary paths to try when the obvious pair shares something */
#define SHARED_LINK (INT64_C(1) << 30)
#define SHARED_RISK (INT64_C(1) << 29)
#define SHARED_NODE (INT64_C(1) << 20)
#define FOREIGN_NODE (INT64_C(1) << 18) /* passing through somebody else's station */

struct designer {
    const struct network *network;
    struct topology *topology;
    bool *number_taken; /* by number */
    uint32_t lowest_free;
    /* Scratch, by edge and by node. */
    bool *full;
    int64_t *edge_surcharge, *node_surcharge;
    bool *foreign; /* nodes this circuit should not pass through if there is another way */
};

struct designer *
designer_new(const struct network *net)
{
    struct designer *d = xcalloc(1, sizeof *d);
    d->network = net;
    d->topology = topology_new(net);
    d->number_taken = xcalloc(DESIGN_NUMBER_MAX + 2, sizeof *d->number_taken);
    d->lowest_free = 1;
    d->full = xcalloc(d->topology->graph.n_edges, sizeof *d->full);
    d->edge_surcharge = xcalloc(d->topology->graph.n_edges, sizeof *d->edge_surcharge);
    d->node_surcharge = xcalloc(d->topology->graph.n_nodes, sizeof *d->node_surcharge);
    d->foreign = xcalloc(d->topology->graph.n_nodes, sizeof *d->foreign);
    for (struct design *design = net->designs; design; design = design->hh.next) {
        struct circuit *c = network_circuit(net, design->circuit);
        if (design->number <= DESIGN_NUMBER_MAX)
            d->number_taken[design->number] = true;
        if (!c)
            continue;
        topology_reserve(d->topology, &design->primary, c->rate_kbps);
        if (design->has_failover)
            topology_reserve(d->topology, &design->failover, c->rate_kbps);
    }
    return d;
}

void
designer_free(struct designer *d)
{
    if (!d)
        return;
    topology_free(d->topology);
    free(d->number_taken);
    free(d->full);
    free(d->edge_surcharge);
    free(d->node_surcharge);
    free(d->foreign);
    free(d);
}

void
designer_remove(struct designer *d, const struct circuit *c, const struct design *design)
{
    topology_reserve(d->topology, &design->primary, -(int64_t)c->rate_kbps);
    if (design->has_failover)
        topology_reserve(d->topology, &design->failover, -(int64_t)c->rate_kbps);
    d->number_taken[design->number] = false;
    d->lowest_free = MIN(d->lowest_free, design->number);
}

static enum err
take_number(struct designer *d, uint32_t *number, struct diag *diag)
{
    while (d->number_taken[d->lowest_free] && d->lowest_free <= DESIGN_NUMBER_MAX)
        d->lowest_free++;
    if (d->lowest_free > DESIGN_NUMBER_MAX)
        return diag_set(diag, ERR_LIMIT, "all %d circuit numbers are in use", DESIGN_NUMBER_MAX);
    *number = d->lowest_free;
    d->number_taken[*number] = true;
    return ERR_OK;
}

/* ---- Pairs of paths ---- */

struct pair {
    struct path paths[2];
    bool has_second;
    uint32_t shared_links, shared_risks, shared_nodes, foreign_nodes;
    bool opposed; /* both use a link, in opposite directions: cannot be told apart by input port */
};

static void
pair_fini(struct pair *p)
{
    path_fini(&p->paths[0]);
    path_fini(&p->paths[1]);
}

static bool
share_risk(const struct link *a, const struct link *b)
{
    for (uint32_t i = 0; i < a->n_shared_risks; i++) {
        for (uint32_t k = 0; k < b->n_shared_risks; k++) {
            if (!strcmp(a->shared_risks[i], b->shared_risks[k]))
                return true;
        }
    }
    return false;
}

/* Compares the paths link by link and node by node. */
static void
judge_pair(const struct designer *d, uint32_t from, struct pair *p)
{
    const struct topology *t = d->topology;
    uint32_t va = from;
    p->shared_links = p->shared_risks = p->shared_nodes = p->foreign_nodes = 0;
    p->opposed = false;
    for (int i = 0; i < 2; i++) {
        uint32_t v = from;
        for (uint32_t k = 0; k + 1 < p->paths[i].n; k++) {
            v = graph_other_end(&t->graph, p->paths[i].edges[k], v);
            p->foreign_nodes += d->foreign[v];
        }
    }
    for (uint32_t i = 0; i < p->paths[0].n; i++) {
        uint32_t ea = p->paths[0].edges[i], vb = from;
        uint32_t next_a = graph_other_end(&t->graph, ea, va);
        for (uint32_t k = 0; k < p->paths[1].n; k++) {
            uint32_t eb = p->paths[1].edges[k], next_b = graph_other_end(&t->graph, eb, vb);
            p->shared_links += ea == eb;
            p->opposed |= ea == eb && va != vb;
            p->shared_risks += ea != eb && share_risk(t->links[ea], t->links[eb]);
            p->shared_nodes += next_a == next_b && i + 1 < p->paths[0].n && k + 1 < p->paths[1].n;
            vb = next_b;
        }
        va = next_a;
    }
}

static enum disjointness
reached(const struct pair *p)
{
    if (!p->has_second)
        return DISJOINT_NONE;
    if (p->shared_links || p->shared_risks)
        return DISJOINT_MAXIMAL;
    return p->shared_nodes ? DISJOINT_LINK : DISJOINT_NODE;
}

/* The order of preference: what they share first, then whose stations they pass through, then the
 * primary's delay, then the failover's. */
static int
compare_pairs(const struct pair *a, const struct pair *b)
{
    const int64_t x[] = {a->opposed,       a->shared_links,  a->shared_risks, a->shared_nodes,
                         a->foreign_nodes, a->paths[0].cost, a->paths[1].cost};
    const int64_t y[] = {b->opposed,       b->shared_links,  b->shared_risks, b->shared_nodes,
                         b->foreign_nodes, b->paths[0].cost, b->paths[1].cost};
    for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

/* What passing through each node costs, but for sharing. */
static void
charge_foreign_nodes(struct designer *d)
{
    for (uint32_t v = 0; v < d->topology->graph.n_nodes; v++)
        d->node_surcharge[v] = d->foreign[v] ? FOREIGN_NODE : 0;
}

/* The best second path beside this first one: what is shared costs more than any way round. */
static void
find_second(struct designer *d, uint32_t from, uint32_t to, struct pair *p)
{
    struct topology *t = d->topology;
    memset(d->edge_surcharge, 0, t->graph.n_edges * sizeof *d->edge_surcharge);
    charge_foreign_nodes(d);
    uint32_t v = from;
    for (uint32_t i = 0; i < p->paths[0].n; i++) {
        uint32_t edge = p->paths[0].edges[i];
        d->edge_surcharge[edge] += SHARED_LINK;
        for (uint32_t e = 0; t->links[edge]->n_shared_risks && e < t->graph.n_edges; e++) {
            if (e != edge && share_risk(t->links[edge], t->links[e]))
                d->edge_surcharge[e] += SHARED_RISK;
        }
        v = graph_other_end(&t->graph, edge, v);
        d->node_surcharge[v] += SHARED_NODE;
    }
    const struct graph_filter filter = {.edge_banned = d->full,
                                        .edge_surcharge = d->edge_surcharge,
                                        .node_surcharge = d->node_surcharge};
    path_fini(&p->paths[1]);
    p->has_second = !graph_shortest(&t->graph, from, to, &filter, &p->paths[1]);
    judge_pair(d, from, p);
    /* The same way twice is no failover. */
    if (p->has_second && p->paths[0].n && p->paths[0].n == p->paths[1].n &&
        p->shared_links >= p->paths[0].n) {
        path_fini(&p->paths[1]);
        p->has_second = false;
    }
}

static void
keep_better(struct pair *best, struct pair *candidate)
{
    if (candidate->has_second && (!best->has_second || compare_pairs(candidate, best) < 0)) {
        struct pair swap = *best;
        *best = *candidate;
        *candidate = swap;
    }
    pair_fini(candidate);
}

/* The obvious pair is the shortest path and the best beside it. If they share anything, other
 * primary paths may do better: the pair of least sharing by flow, and the next shortest primary
 * paths. */
static enum err
find_pair(struct designer *d, uint32_t from, uint32_t to, bool protect, struct pair *pair)
{
    struct topology *t = d->topology;
    const struct graph_filter filter = {.edge_banned = d->full,
                                        .node_surcharge = d->node_surcharge};
    *pair = (struct pair){.has_second = false};
    charge_foreign_nodes(d);
    enum err err = graph_shortest(&t->graph, from, to, &filter, &pair->paths[0]);
    if (err || !protect || from == to)
        return err;
    find_second(d, from, to, pair);
    if (pair->has_second && reached(pair) == DISJOINT_NODE)
        return ERR_OK;

    struct pair flow = {.has_second = false};
    charge_foreign_nodes(d);
    if (!graph_disjoint_pair(&t->graph, from, to, &filter, flow.paths)) {
        flow.has_second = true;
        find_second(d, from, to, &flow); /* the primary it found, and the best beside that */
        keep_better(pair, &flow);
    }
    struct path primaries[CANDIDATES];
    charge_foreign_nodes(d);
    uint32_t n = graph_k_shortest(&t->graph, from, to, &filter, CANDIDATES, primaries);
    for (uint32_t i = 0; i < n; i++) {
        struct pair candidate = {.paths = {primaries[i]}};
        find_second(d, from, to, &candidate);
        keep_better(pair, &candidate);
    }
    if (pair->opposed) { /* it could not be told which way a packet is going */
        path_fini(&pair->paths[1]);
        pair->has_second = false;
    }
    return ERR_OK;
}

/* ---- Designs ---- */

static void
mark_full_links(struct designer *d, const struct circuit *c)
{
    struct topology *t = d->topology;
    for (uint32_t e = 0; e < t->graph.n_edges; e++)
        d->full[e] = (uint64_t)t->reserved_kbps[e] + c->rate_kbps > t->links[e]->capacity_kbps;
}

/* A station's nodes carry what begins or ends there. Only the WAN's carry what is passing through.
 */
static void
mark_foreign_nodes(struct designer *d, const struct circuit *c)
{
    const struct network *net = d->network;
    for (uint32_t v = 0; v < d->topology->graph.n_nodes; v++) {
        const struct site *site = network_site(net, d->topology->nodes[v]->site);
        d->foreign[v] = site && site->kind != SITE_WAN;
    }
    bool ip = c->kind == CIRCUIT_IP;
    for (uint32_t i = 0; i < (ip ? 2 : 1 + c->multicast.n_subscribers); i++) {
        const char *name = ip ? (i ? c->ip.server : c->ip.client)
                              : (i ? c->multicast.subscribers[i - 1] : c->multicast.publisher);
        const struct host *host = network_host(net, name);
        const struct node *node = host && host->node ? network_node(net, host->node) : NULL;
        for (uint32_t v = 0; node && v < d->topology->graph.n_nodes; v++) {
            if (!strcmp(d->topology->nodes[v]->site, node->site))
                d->foreign[v] = false;
        }
    }
}

static void
add_name(char ***names, uint32_t *n, const char *name)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (!strcmp((*names)[i], name))
            return;
    }
    *names = xrealloc(*names, *n + 1, sizeof **names);
    (*names)[(*n)++] = xstrdup(name);
}

static void
add_path(const struct topology *t, const struct path *path, struct route *route)
{
    for (uint32_t i = 0; i < path->n; i++)
        add_name(&route->links, &route->n_links, t->links[path->edges[i]]->name);
}

/* What has no way round it, by name: all of a primary path that stands alone. */
static void
name_unprotected(const struct topology *t, uint32_t from, const struct path *path,
                 struct design *design)
{
    uint32_t v = from;
    for (uint32_t i = 0; i < path->n; i++) {
        v = graph_other_end(&t->graph, path->edges[i], v);
        add_name(&design->shared_links, &design->n_shared_links, t->links[path->edges[i]]->name);
        if (i + 1 < path->n)
            add_name(&design->shared_nodes, &design->n_shared_nodes, t->nodes[v]->name);
    }
}

/* What both paths of a pair use, by name. */
static void
name_shared(const struct topology *t, uint32_t from, const struct pair *p, struct design *design)
{
    uint32_t va = from;
    if (!p->has_second) {
        name_unprotected(t, from, &p->paths[0], design);
        return;
    }
    for (uint32_t i = 0; i < p->paths[0].n; i++) {
        uint32_t ea = p->paths[0].edges[i], vb = from;
        va = graph_other_end(&t->graph, ea, va);
        for (uint32_t k = 0; k < p->paths[1].n; k++) {
            uint32_t eb = p->paths[1].edges[k];
            vb = graph_other_end(&t->graph, eb, vb);
            if (ea == eb)
                add_name(&design->shared_links, &design->n_shared_links, t->links[ea]->name);
            if (va == vb && i + 1 < p->paths[0].n && k + 1 < p->paths[1].n)
                add_name(&design->shared_nodes, &design->n_shared_nodes, t->nodes[va]->name);
        }
    }
}

static const char *
disjointness_word(enum disjointness d)
{
    static const char *const words[] = {"no", "a maximally disjoint", "a link-disjoint",
                                        "a node-disjoint"};
    return words[d];
}

/* How the pairs of all receivers together stand: as the worst of them. */
static enum err
check_protection(const struct circuit *c, const struct design *design, struct diag *diag)
{
    if (c->protection <= DISJOINT_MAXIMAL || design->disjoint >= c->protection)
        return ERR_OK;
    return diag_set(diag, ERR_UNSUPPORTED,
                    "circuit \"%s\" asks for %s failover path; the network has %s one "
                    "(shared: %s%s%s)",
                    c->name, disjointness_word(c->protection), disjointness_word(design->disjoint),
                    design->n_shared_links ? design->shared_links[0] : "",
                    design->n_shared_links && design->n_shared_nodes ? ", " : "",
                    design->n_shared_nodes ? design->shared_nodes[0] : "");
}

static enum err
check_latency(const struct circuit *c, const struct pair *pair, const char *to, struct diag *diag)
{
    int64_t budget = c->max_latency_us;
    for (int i = 0; budget && i < 1 + pair->has_second; i++) {
        if (pair->paths[i].cost > budget)
            return diag_set(diag, ERR_LIMIT,
                            "circuit \"%s\": the %s path to %s takes about %lld us, its budget is "
                            "%lld us",
                            c->name, i ? "failover" : "primary", to, (long long)pair->paths[i].cost,
                            (long long)budget);
    }
    return ERR_OK;
}

static enum err
find_ends(const struct designer *d, const struct circuit *c, const char *from_host,
          const char *to_host, uint32_t *from, uint32_t *to, struct diag *diag)
{
    const char *names[2] = {from_host, to_host};
    uint32_t *ends[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        const struct host *host = network_host(d->network, names[i]);
        *ends[i] = host && host->node ? topology_node(d->topology, host->node) : NO_INDEX;
        if (*ends[i] == NO_INDEX)
            return diag_set(diag, ERR_NOT_FOUND,
                            "circuit \"%s\": host \"%s\" is not there, or attached nowhere",
                            c->name, names[i]);
    }
    return ERR_OK;
}

/* Adds the paths from one host to another to the design. */
static enum err
design_towards(struct designer *d, const struct circuit *c, const char *from_host,
               const char *to_host, struct design *design, struct diag *diag)
{
    uint32_t from, to;
    struct pair pair;
    enum err err = find_ends(d, c, from_host, to_host, &from, &to, diag);
    if (err)
        return err;
    if (find_pair(d, from, to, c->protection != DISJOINT_NONE, &pair))
        return diag_set(diag, ERR_NOT_FOUND,
                        "circuit \"%s\": no path from %s to %s has %u kbit/s left", c->name,
                        from_host, to_host, c->rate_kbps);
    err = check_latency(c, &pair, to_host, diag);
    if (!err) {
        add_path(d->topology, &pair.paths[0], &design->primary);
        if (pair.has_second) {
            design->has_failover = true;
            add_path(d->topology, &pair.paths[1], &design->failover);
        }
        if (c->protection != DISJOINT_NONE)
            name_shared(d->topology, from, &pair, design);
        if (from != to)
            design->disjoint = MIN(design->disjoint, reached(&pair));
    }
    pair_fini(&pair);
    return err;
}

/* A multicast's primary paths are those of the tree of shortest paths from the publisher's node, so
 * that together they are a tree. Each subscriber then has its own failover path beside its primary.
 */
static enum err
design_tree(struct designer *d, const struct circuit *c, struct design *design, struct diag *diag)
{
    struct topology *t = d->topology;
    const struct multicast_service *m = &c->multicast;
    const struct host *source = network_host(d->network, m->publisher);
    uint32_t root = source && source->node ? topology_node(t, source->node) : NO_INDEX;
    if (root == NO_INDEX)
        return diag_set(diag, ERR_NOT_FOUND,
                        "circuit \"%s\": host \"%s\" is not there, or attached nowhere", c->name,
                        m->publisher);
    uint32_t *parent = xcalloc(t->graph.n_nodes, sizeof *parent);
    const struct graph_filter filter = {.edge_banned = d->full,
                                        .node_surcharge = d->node_surcharge};
    charge_foreign_nodes(d);
    graph_tree(&t->graph, root, &filter, parent, NULL);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < m->n_subscribers && !err; i++) {
        uint32_t to;
        struct pair pair = {.has_second = false};
        err = find_ends(d, c, m->publisher, m->subscribers[i], &root, &to, diag);
        if (err)
            break;
        if (to != root && parent[to] == NO_INDEX) {
            err = diag_set(diag, ERR_NOT_FOUND,
                           "circuit \"%s\": no path from %s to %s has %u kbit/s left", c->name,
                           m->publisher, m->subscribers[i], c->rate_kbps);
            break;
        }
        for (uint32_t v = to; v != root; v = graph_other_end(&t->graph, parent[v], v))
            pair.paths[0].n++;
        uint32_t at = pair.paths[0].n;
        pair.paths[0].edges = xcalloc(at, sizeof(uint32_t));
        for (uint32_t v = to; v != root; v = graph_other_end(&t->graph, parent[v], v)) {
            pair.paths[0].edges[--at] = parent[v];
            pair.paths[0].cost += t->graph.edges[parent[v]].cost;
        }
        if (c->protection != DISJOINT_NONE && to != root)
            find_second(d, root, to, &pair);
        err = check_latency(c, &pair, m->subscribers[i], diag);
        add_path(t, &pair.paths[0], &design->primary);
        if (pair.has_second) {
            design->has_failover = true;
            add_path(t, &pair.paths[1], &design->failover);
        }
        if (c->protection != DISJOINT_NONE)
            name_shared(t, root, &pair, design);
        if (to != root)
            design->disjoint = MIN(design->disjoint, reached(&pair));
        pair_fini(&pair);
    }
    free(parent);
    return err;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_names(char **names, uint32_t n)
{
    if (n)
        qsort(names, n, sizeof *names, by_text);
}

enum err
designer_add(struct designer *d, const struct circuit *c, struct design **result, struct diag *diag)
{
    struct design *design = xcalloc(1, sizeof *design);
    design->circuit = xstrdup(c->name);
    design->disjoint = DISJOINT_NODE;
    mark_full_links(d, c);
    mark_foreign_nodes(d, c);
    enum err err = c->kind == CIRCUIT_IP
                       ? design_towards(d, c, c->ip.client, c->ip.server, design, diag)
                       : design_tree(d, c, design, diag);
    if (!design->has_failover)
        design->disjoint = DISJOINT_NONE;
    bool local = !design->primary.n_links; /* one node: nothing that a second path could avoid */
    if (!err && !local)
        err = check_protection(c, design, diag);
    if (!err)
        err = take_number(d, &design->number, diag);
    if (err) {
        design_free(design);
        return err;
    }
    sort_names(design->shared_links, design->n_shared_links);
    sort_names(design->shared_nodes, design->n_shared_nodes);
    topology_reserve(d->topology, &design->primary, c->rate_kbps);
    if (design->has_failover)
        topology_reserve(d->topology, &design->failover, c->rate_kbps);
    *result = design;
    return ERR_OK;
}
