#include "engineer/pair.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define SHARED_LINK (INT64_C(1) << 30)
#define SHARED_RISK (INT64_C(1) << 29)
#define SHARED_NODE (INT64_C(1) << 20)
#define FOREIGN_NODE (INT64_C(1) << 18) /* passing through somebody else's station */

/* Which links are in which shared-risk group. */
struct risk_index {
    uint32_t *first_risk; /* of a link, in `risks`; the next link's is where they end */
    uint32_t *risks;      /* ascending and unique per link */
    uint32_t *first_link; /* of a risk, in `links` */
    uint32_t *links;
};

struct pair_scratch {
    struct risk_index risks;
    /* Between searches the surcharges are zero for links, and the foreign nodes' for nodes. */
    int64_t *link_surcharge, *node_surcharge;
    uint32_t *charged, n_charged; /* links whose surcharge is not zero */
    /* A mark counts if it is `turn`. */
    uint32_t turn;
    uint32_t *link_mark, *node_mark;
    uint32_t *entered; /* by link with a mark: the node from which a path enters it */
    uint32_t *queue;
};

void
pair_fini(struct pair *p)
{
    path_fini(&p->paths[0]);
    path_fini(&p->paths[1]);
}

enum disjointness
pair_reached(const struct pair *p)
{
    if (!p->has_second)
        return DISJOINT_NONE;
    if (p->shared_links || p->shared_risks)
        return DISJOINT_MAXIMAL;
    return p->shared_nodes ? DISJOINT_LINK : DISJOINT_NODE;
}

/* ---- Shared risks ---- */

struct membership {
    const char *risk;
    uint32_t link;
};

static int
by_risk(const void *a, const void *b)
{
    const struct membership *x = a, *y = b;
    int order = strcmp(x->risk, y->risk);
    return order ? order : (x->link > y->link) - (x->link < y->link);
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
index_risks(struct risk_index *index, const struct topology *t)
{
    uint32_t n = 0, n_links = t->graph.n_edges, n_risks = 0, kept = 0;
    for (uint32_t e = 0; e < n_links; e++)
        n += t->links[e]->n_shared_risks;
    struct membership *list = xcalloc(n, sizeof *list);
    n = 0;
    for (uint32_t e = 0; e < n_links; e++) {
        for (uint32_t i = 0; i < t->links[e]->n_shared_risks; i++)
            list[n++] = (struct membership){t->links[e]->shared_risks[i], e};
    }
    if (n)
        qsort(list, n, sizeof *list, by_risk);
    index->first_risk = xcalloc(n_links + 2, sizeof *index->first_risk);
    index->risks = xcalloc(n, sizeof *index->risks);
    index->first_link = xcalloc(n + 1, sizeof *index->first_link);
    index->links = xcalloc(n, sizeof *index->links);
    uint32_t *risk_of = xcalloc(n, sizeof *risk_of); /* by place in `links` */
    for (uint32_t i = 0; i < n; i++) {
        bool same_risk = i && !strcmp(list[i].risk, list[i - 1].risk);
        if (same_risk && list[i].link == list[i - 1].link)
            continue; /* stated twice */
        if (!same_risk)
            index->first_link[n_risks++] = kept;
        risk_of[kept] = n_risks - 1;
        index->links[kept++] = list[i].link;
        index->first_risk[list[i].link + 2]++;
    }
    index->first_link[n_risks] = kept;
    for (uint32_t e = 0; e < n_links; e++)
        index->first_risk[e + 2] += index->first_risk[e + 1];
    for (uint32_t i = 0; i < kept; i++) /* first_risk[e + 1] is where its next one goes */
        index->risks[index->first_risk[index->links[i] + 1]++] = risk_of[i];
    for (uint32_t e = 0; e < n_links; e++) {
        uint32_t count = index->first_risk[e + 1] - index->first_risk[e];
        if (count > 1)
            qsort(&index->risks[index->first_risk[e]], count, sizeof *index->risks, by_number);
    }
    free(risk_of);
    free(list);
}

static bool
has_risks(const struct risk_index *index, uint32_t link)
{
    return index->first_risk[link] < index->first_risk[link + 1];
}

static bool
share_risk(const struct risk_index *index, uint32_t a, uint32_t b)
{
    uint32_t i = index->first_risk[a], k = index->first_risk[b];
    while (i < index->first_risk[a + 1] && k < index->first_risk[b + 1]) {
        if (index->risks[i] == index->risks[k])
            return true;
        if (index->risks[i] < index->risks[k])
            i++;
        else
            k++;
    }
    return false;
}

/* ---- The finder ---- */

void
pair_finder_init(struct pair_finder *f, struct topology *t)
{
    uint32_t n_links = t->graph.n_edges, n_nodes = t->graph.n_nodes;
    struct pair_scratch *s = xcalloc(1, sizeof *s);
    *f = (struct pair_finder){.topology = t, .scratch = s};
    f->full = xcalloc(n_links, sizeof *f->full);
    f->foreign = xcalloc(n_nodes, sizeof *f->foreign);
    f->shared_links = xcalloc(n_links, sizeof *f->shared_links);
    f->shared_nodes = xcalloc(n_nodes, sizeof *f->shared_nodes);
    graph_prepare(&t->graph);
    index_risks(&s->risks, t);
    s->link_surcharge = xcalloc(n_links, sizeof *s->link_surcharge);
    s->node_surcharge = xcalloc(n_nodes, sizeof *s->node_surcharge);
    s->charged = xcalloc(n_links, sizeof *s->charged);
    s->link_mark = xcalloc(n_links, sizeof *s->link_mark);
    s->node_mark = xcalloc(n_nodes, sizeof *s->node_mark);
    s->entered = xcalloc(n_links, sizeof *s->entered);
    s->queue = xcalloc(n_nodes, sizeof *s->queue);
}

void
pair_finder_fini(struct pair_finder *f)
{
    struct pair_scratch *s = f->scratch;
    free(f->full);
    free(f->foreign);
    free(f->shared_links);
    free(f->shared_nodes);
    free(s->risks.first_risk);
    free(s->risks.risks);
    free(s->risks.first_link);
    free(s->risks.links);
    free(s->link_surcharge);
    free(s->node_surcharge);
    free(s->charged);
    free(s->link_mark);
    free(s->node_mark);
    free(s->entered);
    free(s->queue);
    free(s);
    *f = (struct pair_finder){0};
}

void
pair_finder_set_foreign(struct pair_finder *f, uint32_t node, bool foreign)
{
    f->foreign[node] = f->scratch->node_surcharge[node] = foreign ? FOREIGN_NODE : 0;
}

struct graph_filter
pair_finder_filter(const struct pair_finder *f)
{
    return (struct graph_filter){.edge_banned = f->full, .node_surcharge = f->foreign};
}

static void
new_turn(struct pair_finder *f)
{
    struct pair_scratch *s = f->scratch;
    if (++s->turn)
        return;
    memset(s->link_mark, 0, f->topology->graph.n_edges * sizeof *s->link_mark);
    memset(s->node_mark, 0, f->topology->graph.n_nodes * sizeof *s->node_mark);
    s->turn = 1;
}

/* Marks a path's links, with where it enters them, and its inner nodes. Returns how many of those
 * are foreign. */
static uint32_t
mark_path(struct pair_finder *f, uint32_t from, const struct path *path)
{
    struct pair_scratch *s = f->scratch;
    uint32_t v = from, n_foreign = 0;
    new_turn(f);
    for (uint32_t i = 0; i < path->n; i++) {
        s->link_mark[path->edges[i]] = s->turn;
        s->entered[path->edges[i]] = v;
        v = graph_other_end(&f->topology->graph, path->edges[i], v);
        if (i + 1 < path->n) {
            s->node_mark[v] = s->turn;
            n_foreign += f->foreign[v] != 0;
        }
    }
    return n_foreign;
}

static uint32_t
count_shared_risks(const struct risk_index *risks, const struct pair *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->paths[0].n; i++) {
        uint32_t a = p->paths[0].edges[i];
        for (uint32_t k = 0; has_risks(risks, a) && k < p->paths[1].n; k++)
            n += a != p->paths[1].edges[k] && share_risk(risks, a, p->paths[1].edges[k]);
    }
    return n;
}

/* Compares the paths link by link and node by node. */
static void
judge_pair(struct pair_finder *f, uint32_t from, struct pair *p)
{
    const struct pair_scratch *s = f->scratch;
    const struct path *second = &p->paths[1];
    uint32_t v = from;
    p->shared_links = p->shared_nodes = 0;
    p->opposed = false;
    p->foreign_nodes = mark_path(f, from, &p->paths[0]);
    for (uint32_t i = 0; i < second->n; i++) {
        uint32_t link = second->edges[i];
        bool shared = s->link_mark[link] == s->turn;
        p->shared_links += shared;
        p->opposed |= shared && s->entered[link] != v;
        v = graph_other_end(&f->topology->graph, link, v);
        if (i + 1 < second->n) {
            p->shared_nodes += s->node_mark[v] == s->turn;
            p->foreign_nodes += f->foreign[v] != 0;
        }
    }
    p->shared_risks = count_shared_risks(&s->risks, p);
}

void
pair_shared(struct pair_finder *f, uint32_t from, const struct pair *p)
{
    const struct pair_scratch *s = f->scratch;
    const struct path *first = &p->paths[0];
    uint32_t v = from;
    f->n_shared_links = f->n_shared_nodes = 0;
    (void)mark_path(f, from, p->has_second ? &p->paths[1] : first);
    for (uint32_t i = 0; i < first->n; i++) {
        if (s->link_mark[first->edges[i]] == s->turn)
            f->shared_links[f->n_shared_links++] = first->edges[i];
        v = graph_other_end(&f->topology->graph, first->edges[i], v);
        if (i + 1 < first->n && s->node_mark[v] == s->turn)
            f->shared_nodes[f->n_shared_nodes++] = v;
    }
}

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

static void
charge_link(struct pair_scratch *s, uint32_t link, int64_t price)
{
    if (!s->link_surcharge[link])
        s->charged[s->n_charged++] = link;
    s->link_surcharge[link] += price;
}

/* Charges for all other links that share a risk with this one, once each. */
static void
charge_risks(struct pair_finder *f, uint32_t link)
{
    struct pair_scratch *s = f->scratch;
    const struct risk_index *index = &s->risks;
    new_turn(f);
    s->link_mark[link] = s->turn;
    for (uint32_t i = index->first_risk[link]; i < index->first_risk[link + 1]; i++) {
        uint32_t risk = index->risks[i];
        for (uint32_t k = index->first_link[risk]; k < index->first_link[risk + 1]; k++) {
            uint32_t other = index->links[k];
            if (s->link_mark[other] != s->turn)
                charge_link(s, other, SHARED_RISK);
            s->link_mark[other] = s->turn;
        }
    }
}

void
pair_find_second(struct pair_finder *f, uint32_t from, uint32_t to, struct pair *p)
{
    struct pair_scratch *s = f->scratch;
    struct topology *t = f->topology;
    const struct path *first = &p->paths[0];
    uint32_t v = from;
    for (uint32_t i = 0; i < first->n; i++) {
        charge_link(s, first->edges[i], SHARED_LINK);
        if (has_risks(&s->risks, first->edges[i]))
            charge_risks(f, first->edges[i]);
        v = graph_other_end(&t->graph, first->edges[i], v);
        s->node_surcharge[v] += SHARED_NODE;
    }
    const struct graph_filter filter = {.edge_banned = f->full,
                                        .edge_surcharge = s->link_surcharge,
                                        .node_surcharge = s->node_surcharge};
    path_fini(&p->paths[1]);
    p->has_second = !graph_shortest(&t->graph, from, to, &filter, &p->paths[1]);
    while (s->n_charged)
        s->link_surcharge[s->charged[--s->n_charged]] = 0;
    v = from;
    for (uint32_t i = 0; i < first->n; i++) {
        v = graph_other_end(&t->graph, first->edges[i], v);
        s->node_surcharge[v] = f->foreign[v];
    }
    judge_pair(f, from, p);
    /* The same way twice is no failover. */
    if (p->has_second && p->paths[0].n && p->paths[0].n == p->paths[1].n &&
        p->shared_links >= p->paths[0].n) {
        path_fini(&p->paths[1]);
        p->has_second = false;
    }
}

bool
pair_is_unavoidable(struct pair_finder *f, uint32_t from, uint32_t to, uint32_t link, uint32_t node)
{
    struct pair_scratch *s = f->scratch;
    const struct graph *g = &f->topology->graph;
    uint32_t head = 0, tail = 0;
    new_turn(f);
    s->node_mark[from] = s->turn;
    if (node != NO_INDEX)
        s->node_mark[node] = s->turn; /* as if it had been visited */
    s->queue[tail++] = from;
    while (head < tail) {
        uint32_t v = s->queue[head++];
        if (v == to)
            return false;
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            if (arc.edge == link || f->full[arc.edge] || s->node_mark[arc.to] == s->turn)
                continue;
            s->node_mark[arc.to] = s->turn;
            s->queue[tail++] = arc.to;
        }
    }
    return true;
}

/* Is no pair better than the obvious one, whatever else is tried? So it is if every pair shares
 * what this one shares, if it passes no foreign nodes, and if every other primary path takes longer
 * or is foreign; or if there is but one path. */
static bool
is_beyond_improvement(struct pair_finder *f, uint32_t from, uint32_t to, const struct pair *p)
{
    if (p->has_second && (p->paths[0].tied || p->opposed || p->shared_risks || p->foreign_nodes))
        return false;
    pair_shared(f, from, p);
    for (uint32_t i = 0; i < f->n_shared_links; i++) {
        if (!pair_is_unavoidable(f, from, to, f->shared_links[i], NO_INDEX))
            return false;
    }
    for (uint32_t i = 0; p->has_second && i < f->n_shared_nodes; i++) {
        if (!pair_is_unavoidable(f, from, to, NO_INDEX, f->shared_nodes[i]))
            return false;
    }
    return true;
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

/* The least that any pair shares, which the flow finds: links, then nodes. */
struct least {
    bool known;
    uint32_t links, nodes;
};

static void
try_flow(struct pair_finder *f, uint32_t from, uint32_t to, struct pair *best, struct least *least)
{
    const struct graph_filter filter = pair_finder_filter(f);
    struct pair flow = {.has_second = true};
    if (graph_disjoint_pair(&f->topology->graph, from, to, &filter, flow.paths))
        return;
    judge_pair(f, from, &flow);
    *least = (struct least){true, flow.shared_links, flow.shared_nodes};
    pair_find_second(f, from, to, &flow); /* the primary it found, and the best beside that */
    keep_better(best, &flow);
}

/* Can a primary path that costs so much, or more, still make a better pair? */
static bool
may_improve(const struct pair *best, const struct least *least, int64_t cost)
{
    return !(best->has_second && least->known && !best->opposed && !best->shared_risks &&
             !best->foreign_nodes && best->shared_links == least->links &&
             best->shared_nodes == least->nodes && cost > best->paths[0].cost);
}

static void
try_next_shortest(struct pair_finder *f, uint32_t from, uint32_t to, struct pair *best,
                  const struct least *least)
{
    const struct graph_filter filter = pair_finder_filter(f);
    struct graph_ranking *ranking = graph_ranking_new(&f->topology->graph, from, to, &filter);
    const struct path *primary;
    int64_t cost;
    for (int i = 0; i < PAIR_CANDIDATES; i++) {
        primary = graph_ranking_next(ranking, &cost);
        if (!primary || !may_improve(best, least, cost))
            break;
        if (i == 0)
            continue; /* the obvious pair's */
        struct pair candidate = {.has_second = false};
        candidate.paths[0] = *primary;
        candidate.paths[0].edges = xmemdup(primary->edges, primary->n * sizeof *primary->edges);
        pair_find_second(f, from, to, &candidate);
        keep_better(best, &candidate);
    }
    graph_ranking_free(ranking);
}

/* The obvious pair is the shortest path and the best beside it. If they share anything that need
 * not be shared, other primary paths may do better. */
enum err
pair_find(struct pair_finder *f, uint32_t from, uint32_t to, bool protect, struct pair *pair)
{
    const struct graph_filter filter = pair_finder_filter(f);
    struct least least = {.known = false};
    struct pair best = {.has_second = false};
    enum err err = graph_shortest(&f->topology->graph, from, to, &filter, &best.paths[0]);
    if (err)
        return err;
    if (protect && from != to) {
        pair_find_second(f, from, to, &best);
        if (pair_reached(&best) != DISJOINT_NODE && !is_beyond_improvement(f, from, to, &best)) {
            try_flow(f, from, to, &best, &least);
            try_next_shortest(f, from, to, &best, &least);
        }
        if (best.opposed) { /* it could not be told which way a packet is going */
            path_fini(&best.paths[1]);
            best.has_second = false;
        }
    }
    *pair = best;
    return ERR_OK;
}
