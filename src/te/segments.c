#include "te/segments.h"

#include "te/heap.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MAX (UINT64_C(64) << 20) /* octets of distances; beyond, all are dropped */

struct te_igp {
    struct te_router *router;
    uint64_t *cost;       /* by link */
    uint8_t *impassable;  /* by node */
    uint64_t **distances; /* by node; NULL: not asked for yet */
    uint64_t kept;
    uint32_t *by_index; /* nodes, by the index of their segment */
};

/* ---- What the IGP does ---- */

static int
by_sid(const void *a, const void *b, void *net)
{
    const struct te_node *nodes = ((const struct te_network *)net)->nodes;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    uint32_t x = nodes[i].sid_index, y = nodes[k].sid_index;
    return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

/* What operators have drained the routers know nothing of: they route over it. */
static bool
is_in_igp(const struct te_router *r, uint32_t l)
{
    const struct te_link *link = &r->net->links[l];
    return r->usable[l] || (link->drained && link->reverse != TE_NONE);
}

struct te_igp *
te_igp_new(struct te_router *r, const uint8_t *down)
{
    const struct te_network *net = r->net;
    struct te_igp *igp = xcalloc(1, sizeof *igp);
    igp->router = r;
    igp->cost = xmalloc((net->n_links + 1) * sizeof *igp->cost);
    igp->distances = xcalloc(net->n_nodes + 1, sizeof *igp->distances);
    igp->by_index = xmalloc((net->n_nodes + 1) * sizeof *igp->by_index);
    for (uint32_t l = 0; l < net->n_links; l++) {
        uint32_t reverse = net->links[l].reverse;
        bool usable = is_in_igp(r, l) && !(down && (down[l] || down[reverse]));
        igp->cost[l] = usable ? MAX(r->igp[l], 1) : DIGRAPH_FAR;
    }
    igp->impassable = xmalloc(net->n_nodes + 1);
    for (uint32_t v = 0; v < net->n_nodes; v++) {
        igp->by_index[v] = v;
        igp->impassable[v] = r->impassable[v] && !net->nodes[v].drained;
    }
    qsort_r(igp->by_index, net->n_nodes, sizeof *igp->by_index, by_sid, (void *)net);
    return igp;
}

static void
drop_distances(struct te_igp *igp)
{
    for (uint32_t v = 0; v < igp->router->net->n_nodes; v++) {
        free(igp->distances[v]);
        igp->distances[v] = NULL;
    }
    igp->kept = 0;
}

void
te_igp_free(struct te_igp *igp)
{
    if (!igp)
        return;
    drop_distances(igp);
    free(igp->cost);
    free(igp->impassable);
    free(igp->distances);
    free(igp->by_index);
    free(igp);
}

const uint64_t *
te_igp_distances(struct te_igp *igp, uint32_t to)
{
    struct te_router *r = igp->router;
    uint32_t n = r->net->n_nodes;
    if (igp->distances[to])
        return igp->distances[to];
    if (igp->kept > KEPT_MAX)
        drop_distances(igp);
    const struct digraph_costs costs = {igp->cost, igp->impassable};
    uint64_t *distances = xmalloc(n * sizeof *distances);
    digraph_tree_to(&r->graph, &r->scratch, to, &costs);
    for (uint32_t v = 0; v < n; v++)
        distances[v] = r->scratch.labels[v].distance;
    igp->kept += n * sizeof *distances;
    igp->distances[to] = distances;
    return distances;
}

/* Is this link on a shortest path to the node that these distances lead to? */
static inline bool
is_tight(const struct te_igp *igp, const uint64_t *distances, uint32_t link, uint32_t to)
{
    const struct digraph *g = &igp->router->graph;
    uint32_t next = g->to[link];
    return igp->cost[link] != DIGRAPH_FAR && (next == to || !igp->impassable[next]) &&
           igp->cost[link] + distances[next] == distances[g->from[link]];
}

bool
te_igp_uses(struct te_igp *igp, uint32_t link, uint32_t to)
{
    return igp->router->graph.from[link] != to &&
           is_tight(igp, te_igp_distances(igp, to), link, to);
}

/* Can it read the label of a node segment? */
static bool
knows_segment(const struct te_igp *igp, uint32_t node, uint32_t to)
{
    const struct te_node *nodes = igp->router->net->nodes;
    return nodes[to].sid_index < nodes[node].srgb_size;
}

static uint32_t
label_of(const struct te_igp *igp, uint32_t node, uint32_t to)
{
    const struct te_node *nodes = igp->router->net->nodes;
    return nodes[node].srgb_base + nodes[to].sid_index;
}

/* ---- From paths to segments ---- */

void
te_segments_fini(struct te_segments *segments)
{
    free(segments->list);
    *segments = (struct te_segments){0};
}

static enum err
check_path(const struct te_igp *igp, const struct te_segments_request *ask)
{
    const struct te_network *net = igp->router->net;
    for (uint32_t i = 0; i < ask->n_links; i++) {
        uint32_t l = ask->links[i];
        if (l >= net->n_links || igp->cost[l] == DIGRAPH_FAR ||
            (i && net->links[ask->links[i - 1]].to != net->links[l].from))
            return ERR_INVALID;
    }
    return ERR_OK;
}

/* Is the path's link the only way from its begin to `to`? */
static bool
is_only_way(const struct te_igp *igp, const uint64_t *distances, uint32_t link, uint32_t to)
{
    const struct digraph *g = &igp->router->graph;
    uint32_t v = g->from[link];
    if (!is_tight(igp, distances, link, to) || !knows_segment(igp, v, to))
        return false;
    for (uint32_t a = g->first[v]; a < g->first[v + 1]; a++) {
        if (a != link && is_tight(igp, distances, a, to))
            return false;
    }
    return true;
}

struct cutting {
    struct te_igp *igp;
    const struct te_segments_request *ask;
    uint8_t *state; /* by node, for one end: 0: not seen, 1: all ways are good, 2: not all */
    uint32_t *seen, n_seen, *stack;
};

/* Are all ways from a node to `to` good? Depth first; what is known of one end is kept. */
static bool
all_ways_are_good(struct cutting *c, const uint64_t *distances, uint32_t from, uint32_t to)
{
    const struct digraph *g = &c->igp->router->graph;
    uint32_t n = 0;
    bool good = distances[from] != DIGRAPH_FAR;
    c->stack[n++] = from;
    c->n_seen = 0;
    while (n && good) {
        uint32_t v = c->stack[--n];
        if (v == to || c->state[v])
            continue;
        c->state[v] = 1;
        c->seen[c->n_seen++] = v;
        good = knows_segment(c->igp, v, to);
        for (uint32_t a = g->first[v]; a < g->first[v + 1] && good; a++) {
            if (!is_tight(c->igp, distances, a, to))
                continue;
            good = c->ask->good_links[a];
            if (!c->state[g->to[a]])
                c->stack[n++] = g->to[a];
        }
    }
    while (c->n_seen)
        c->state[c->seen[--c->n_seen]] = 0;
    return good;
}

/* first[i] is where the first segment of the best list for links i to end - 1 may end; best[i] how
 * many segments that takes. */
static void
cut_to(struct cutting *c, uint32_t end, const uint32_t *best, uint32_t *candidate)
{
    const struct te_segments_request *ask = c->ask;
    struct te_igp *igp = c->igp;
    uint32_t to = igp->router->graph.to[ask->links[end - 1]];
    bool only = true;
    if (best[end] == UINT32_MAX || igp->router->net->nodes[to].sid_index == TE_NO_LABEL)
        return;
    const uint64_t *distances = te_igp_distances(igp, to);
    for (uint32_t i = end; i-- > 0;) {
        uint32_t l = ask->links[i];
        if (!is_tight(igp, distances, l, to)) /* nor is anything before it on a shortest path */
            return;
        only = only && is_only_way(igp, distances, l, to);
        if (!only && !ask->good_links)
            return;
        if ((only || all_ways_are_good(c, distances, igp->router->graph.from[l], to)) &&
            best[end] + 1 < candidate[2 * i]) {
            candidate[2 * i] = best[end] + 1;
            candidate[2 * i + 1] = end;
        }
    }
}

/* best[i], and in pairs the segments by which it is reached: count, and end (0: by adjacency). */
static enum err
find_cuts(struct cutting *c, uint32_t *best, uint32_t *candidate, struct diag *diag)
{
    const struct te_network *net = c->igp->router->net;
    uint32_t n = c->ask->n_links;
    for (uint32_t i = 0; i < n; i++)
        best[i] = candidate[2 * i] = UINT32_MAX;
    best[n] = 0;
    for (uint32_t i = n; i-- > 0;) {
        const struct te_link *l = &net->links[c->ask->links[i]];
        cut_to(c, i + 1, best, candidate); /* segments that end where links i + 1 ... begin */
        bool adjacency = l->adjacency_label != TE_NO_LABEL && best[i + 1] != UINT32_MAX &&
                         best[i + 1] + 1 < candidate[2 * i];
        if (adjacency) {
            candidate[2 * i] = best[i + 1] + 1;
            candidate[2 * i + 1] = 0;
        }
        best[i] = candidate[2 * i];
    }
    if (best[0] != UINT32_MAX)
        return ERR_OK;
    uint32_t last = n - 1;
    while (last && best[last] != UINT32_MAX)
        last--;
    const struct te_link *l = &net->links[c->ask->links[last]];
    return diag_set(diag, ERR_NOT_FOUND, "no segment for the link from %s to %s",
                    net->nodes[l->from].name, net->nodes[l->to].name);
}

static void
write_list(const struct cutting *c, const uint32_t *candidate, uint32_t n, struct te_segments *out)
{
    const struct digraph *g = &c->igp->router->graph;
    *out = (struct te_segments){.list = xmalloc(MAX(n, 1) * sizeof *out->list)};
    for (uint32_t i = 0; i < c->ask->n_links;) {
        uint32_t link = c->ask->links[i], end = candidate[2 * i + 1];
        struct te_segment *s = &out->list[out->n++];
        if (end) {
            uint32_t to = g->to[c->ask->links[end - 1]];
            *s = (struct te_segment){to, TE_NONE, label_of(c->igp, g->from[link], to)};
            i = end;
        } else {
            *s = (struct te_segment){g->to[link], link,
                                     c->igp->router->net->links[link].adjacency_label};
            i++;
        }
    }
}

static enum err
check_depth(const struct cutting *c, uint32_t n, struct diag *diag)
{
    const struct te_network *net = c->igp->router->net;
    const struct te_node *ingress = &net->nodes[net->links[c->ask->links[0]].from];
    uint32_t depth = c->ask->max_depth ? c->ask->max_depth : UINT32_MAX;
    if (ingress->max_sid_depth)
        depth = MIN(depth, ingress->max_sid_depth);
    if (n <= depth)
        return ERR_OK;
    return diag_set(diag, ERR_LIMIT, "%u labels are needed, %s may put on %u", n, ingress->name,
                    depth);
}

enum err
te_segments_find(struct te_igp *igp, const struct te_segments_request *ask, struct te_segments *out,
                 uint32_t *needed, struct diag *diag)
{
    uint32_t n = ask->n_links, n_nodes = igp->router->net->n_nodes;
    if (check_path(igp, ask))
        return diag_set(diag, ERR_INVALID, "it is no path of links in service");
    if (!n) {
        *out = (struct te_segments){0};
        if (needed)
            *needed = 0;
        return ERR_OK;
    }
    struct cutting c = {.igp = igp, .ask = ask};
    uint32_t *best = xcalloc(n + 1, sizeof *best),
             *candidate = xcalloc(2 * (size_t)n, sizeof *candidate);
    if (ask->good_links) {
        c.state = xcalloc(n_nodes, 1);
        c.seen = xcalloc(n_nodes, sizeof *c.seen);
        c.stack = xcalloc(igp->router->net->n_links + 1, sizeof *c.stack);
    }
    enum err err = find_cuts(&c, best, candidate, diag);
    if (!err && needed)
        *needed = best[0];
    if (!err)
        err = check_depth(&c, best[0], diag);
    if (!err)
        write_list(&c, candidate, best[0], out);
    free(best);
    free(candidate);
    free(c.state);
    free(c.seen);
    free(c.stack);
    return err;
}

/* ---- From labels to segments ---- */

static uint32_t
node_of_index(const struct te_igp *igp, uint32_t index)
{
    const struct te_network *net = igp->router->net;
    uint32_t low = 0, high = net->n_nodes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (net->nodes[igp->by_index[middle]].sid_index < index)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < net->n_nodes && net->nodes[igp->by_index[low]].sid_index == index;
    return found ? igp->by_index[low] : TE_NONE;
}

static bool
read_label(const struct te_igp *igp, uint32_t at, uint32_t label, struct te_segment *out)
{
    const struct te_network *net = igp->router->net;
    const struct te_node *reader = &net->nodes[at];
    if (label >= reader->srgb_base && label - reader->srgb_base < reader->srgb_size) {
        uint32_t node = node_of_index(igp, label - reader->srgb_base);
        *out = (struct te_segment){node, TE_NONE, label};
        return node != TE_NONE;
    }
    for (uint32_t l = net->first_out[at]; l < net->first_out[at + 1]; l++) {
        if (net->links[l].adjacency_label == label) {
            *out = (struct te_segment){net->links[l].to, l, label};
            return true;
        }
    }
    return false;
}

enum err
te_segments_decode(struct te_igp *igp, uint32_t from, const uint32_t *labels, uint32_t n_labels,
                   struct te_segments *out, struct diag *diag)
{
    struct te_segments s = {.list = xmalloc(MAX(n_labels, 1) * sizeof *s.list)};
    for (uint32_t at = from; s.n < n_labels; at = s.list[s.n - 1].node) {
        if (!read_label(igp, at, labels[s.n], &s.list[s.n])) {
            enum err err = diag_set(diag, ERR_NOT_FOUND, "%s does not know label %u",
                                    igp->router->net->nodes[at].name, labels[s.n]);
            te_segments_fini(&s);
            return err;
        }
        s.n++;
    }
    *out = s;
    return ERR_OK;
}

/* ---- From segments to where packets go ---- */

void
te_expansion_fini(struct te_expansion *expansion)
{
    free(expansion->shares);
    *expansion = (struct te_expansion){0};
}

struct arrival {
    double share;
    uint64_t least, most; /* delay from where the segment begins */
    bool met;
};

struct walk {
    struct te_igp *igp;
    struct te_expansion out;
    uint32_t capacity;
    struct arrival *arrivals; /* by node, of one segment */
    struct te_heap heap;      /* nodes by falling distance */
    struct diag *diag;
};

static void
pass_on(struct walk *w, uint32_t link, double share)
{
    struct te_router *r = w->igp->router;
    uint32_t from = r->graph.from[link], to = r->graph.to[link];
    uint64_t delay = r->delay[link] == TE_UNKNOWN_US ? 0 : r->delay[link];
    const struct arrival *a = &w->arrivals[from];
    struct arrival *b = &w->arrivals[to];
    GROW(w->out.shares, w->out.n, w->capacity);
    w->out.shares[w->out.n++] = (struct te_share){link, share};
    b->least = b->met ? MIN(b->least, a->least + delay) : a->least + delay;
    b->most = b->met ? MAX(b->most, a->most + delay) : a->most + delay;
    b->share += share;
    b->met = true;
}

static void
arrive(struct walk *w, uint32_t node)
{
    w->out.min_delay_us += w->arrivals[node].least;
    w->out.max_delay_us += w->arrivals[node].most;
    w->out.end = node;
}

/* From the farthest node to the nearest; what arrives is all there when a node's turn comes. */
static enum err
follow_node(struct walk *w, uint32_t to)
{
    const struct te_network *net = w->igp->router->net;
    const uint64_t *distances = te_igp_distances(w->igp, to);
    uint32_t from = w->out.end;
    memset(w->arrivals, 0, net->n_nodes * sizeof *w->arrivals);
    if (distances[from] == DIGRAPH_FAR)
        return diag_set(w->diag, ERR_NOT_FOUND, "%s cannot reach %s", net->nodes[from].name,
                        net->nodes[to].name);
    w->heap.n = 0;
    w->arrivals[from] = (struct arrival){.share = 1, .met = true};
    te_heap_push(&w->heap, DIGRAPH_FAR - distances[from], from);
    while (w->heap.n) {
        uint32_t v = (uint32_t)te_heap_pop(&w->heap).item, n = 0;
        if (v == to)
            break;
        if (!knows_segment(w->igp, v, to))
            return diag_set(w->diag, ERR_NOT_FOUND, "%s has no label for the segment of %s",
                            net->nodes[v].name, net->nodes[to].name);
        for (uint32_t l = net->first_out[v]; l < net->first_out[v + 1]; l++)
            n += is_tight(w->igp, distances, l, to);
        w->out.unique &= n == 1;
        for (uint32_t l = net->first_out[v]; l < net->first_out[v + 1]; l++) {
            uint32_t next = net->links[l].to;
            if (!is_tight(w->igp, distances, l, to))
                continue;
            if (!w->arrivals[next].met)
                te_heap_push(&w->heap, DIGRAPH_FAR - distances[next], next);
            pass_on(w, l, w->arrivals[v].share / n);
        }
    }
    arrive(w, to);
    return ERR_OK;
}

static enum err
follow_adjacency(struct walk *w, uint32_t link)
{
    const struct te_network *net = w->igp->router->net;
    const struct te_link *l = &net->links[link];
    if (l->from != w->out.end || w->igp->cost[link] == DIGRAPH_FAR)
        return diag_set(w->diag, ERR_NOT_FOUND, "the link from %s to %s is not there",
                        net->nodes[l->from].name, net->nodes[l->to].name);
    w->arrivals[l->from] = (struct arrival){.share = 1, .met = true};
    w->arrivals[l->to] = (struct arrival){0};
    pass_on(w, link, 1);
    arrive(w, l->to);
    return ERR_OK;
}

enum err
te_segments_expand(struct te_igp *igp, uint32_t from, const struct te_segments *segments,
                   struct te_expansion *out, struct diag *diag)
{
    struct walk w = {.igp = igp, .diag = diag, .out = {.end = from, .unique = true}};
    enum err err = ERR_OK;
    w.arrivals = xcalloc(igp->router->net->n_nodes + 1, sizeof *w.arrivals);
    for (uint32_t i = 0; i < segments->n && !err; i++) {
        const struct te_segment *s = &segments->list[i];
        err = s->link == TE_NONE ? follow_node(&w, s->node) : follow_adjacency(&w, s->link);
    }
    free(w.arrivals);
    free(w.heap.entries);
    if (err)
        te_expansion_fini(&w.out);
    else
        *out = w.out;
    return err;
}
