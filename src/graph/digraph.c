#include "graph/digraph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void
digraph_init(struct digraph *g, uint32_t n_nodes, const uint32_t *first, const uint32_t *to)
{
    uint32_t n_arcs = first[n_nodes];
    *g = (struct digraph){.n_nodes = n_nodes, .n_arcs = n_arcs};
    g->first = xmalloc((n_nodes + 1) * sizeof *g->first);
    memcpy(g->first, first, (n_nodes + 1) * sizeof *g->first);
    g->to = xmalloc((n_arcs + 1) * sizeof *g->to);
    g->from = xmalloc((n_arcs + 1) * sizeof *g->from);
    g->in = xmalloc((n_arcs + 1) * sizeof *g->in);
    g->first_in = xcalloc(n_nodes + 2, sizeof *g->first_in);
    for (uint32_t v = 0; v < n_nodes; v++) {
        for (uint32_t a = first[v]; a < first[v + 1]; a++) {
            g->from[a] = v;
            g->to[a] = to[a];
            g->first_in[to[a] + 2]++;
        }
    }
    for (uint32_t v = 0; v < n_nodes; v++)
        g->first_in[v + 2] += g->first_in[v + 1];
    for (uint32_t a = 0; a < n_arcs; a++) /* first_in[v + 1] is where v's next arc goes */
        g->in[g->first_in[to[a] + 1]++] = a;
}

void
digraph_fini(struct digraph *g)
{
    free(g->first);
    free(g->from);
    free(g->to);
    free(g->first_in);
    free(g->in);
    *g = (struct digraph){0};
}

/* ---- A heap of nodes by distance ----
 *
 * Of equally distant ones any may come first: none is on the way to the other, and which arc leads
 * to a node is not decided by who comes first. */

struct digraph_entry {
    uint64_t key;
    uint32_t node;
};

static void
init_side(struct digraph_scratch *s, uint32_t n_nodes)
{
    *s = (struct digraph_scratch){0};
    s->labels = xmalloc((n_nodes + 1) * sizeof *s->labels);
    s->heap = xmalloc((n_nodes + 1) * sizeof *s->heap);
}

void
digraph_scratch_init(struct digraph_scratch *s, uint32_t n_nodes)
{
    init_side(s, n_nodes);
    s->back = xmalloc(sizeof *s->back);
    init_side(s->back, n_nodes);
}

void
digraph_scratch_fini(struct digraph_scratch *s)
{
    if (s->back)
        digraph_scratch_fini(s->back);
    free(s->back);
    digraph_flow_free(s->flow);
    free(s->labels);
    free(s->heap);
    *s = (struct digraph_scratch){0};
}

static inline void
put(struct digraph_scratch *s, uint32_t at, struct digraph_entry entry)
{
    s->heap[at] = entry;
    s->labels[entry.node].place = at;
}

/* The entry belongs at `at` or above. */
static inline void
rise(struct digraph_scratch *s, uint32_t at, struct digraph_entry entry)
{
    for (; at > 0 && entry.key < s->heap[(at - 1) / 4].key; at = (at - 1) / 4)
        put(s, at, s->heap[(at - 1) / 4]);
    put(s, at, entry);
}

static inline struct digraph_entry
take_least(struct digraph_scratch *s)
{
    struct digraph_entry top = s->heap[0], last = s->heap[--s->n];
    uint32_t at = 0;
    for (;;) {
        uint32_t first = 4 * at + 1, least = first, end = MIN(first + 4, s->n);
        if (first >= s->n)
            break;
        struct digraph_entry entry = s->heap[first];
        for (uint32_t child = first + 1; child < end; child++) {
            bool less = s->heap[child].key < entry.key;
            least = less ? child : least;
            entry = less ? s->heap[child] : entry;
        }
        if (entry.key >= last.key)
            break;
        put(s, at, entry);
        at = least;
    }
    if (s->n)
        put(s, at, last);
    return top;
}

/* ---- Shortest paths ---- */

static void
begin(const struct digraph *g, struct digraph_scratch *s, uint32_t at)
{
    for (uint32_t v = 0; v < g->n_nodes; v++)
        s->labels[v] = (struct digraph_label){DIGRAPH_FAR, DIGRAPH_NONE, 0};
    s->labels[at].distance = 0;
    s->heap[0] = (struct digraph_entry){0, at};
    s->n = 1;
}

/* A way to `node` by this arc. An arc that is not there reaches nothing: it is too long. */
static inline void
relax(struct digraph_scratch *s, uint32_t node, uint32_t arc, uint64_t distance)
{
    struct digraph_label *l = &s->labels[node];
    if (distance > l->distance)
        return;
    if (distance < l->distance) {
        uint32_t at = l->distance == DIGRAPH_FAR ? s->n++ : l->place;
        l->distance = distance;
        l->parent = arc;
        rise(s, at, (struct digraph_entry){distance, node});
    } else if (arc < l->parent && distance < DIGRAPH_FAR) {
        l->parent = arc;
    }
}

static inline bool
is_closed(const struct digraph_costs *c, uint32_t node)
{
    return c->closed && c->closed[node];
}

/* Stops at `to`, unless that is DIGRAPH_NONE. */
static void
search(const struct digraph *g, struct digraph_scratch *s, uint32_t from, uint32_t to,
       const struct digraph_costs *c)
{
    begin(g, s, from);
    while (s->n) {
        struct digraph_entry e = take_least(s);
        uint32_t v = e.node;
        if (v == to)
            return;
        if (is_closed(c, v) && v != from)
            continue;
        for (uint32_t a = g->first[v]; a < g->first[v + 1]; a++)
            relax(s, g->to[a], a, e.key + c->arc[a]);
    }
}

void
digraph_tree(const struct digraph *g, struct digraph_scratch *s, uint32_t from,
             const struct digraph_costs *c)
{
    search(g, s, from, DIGRAPH_NONE, c);
}

void
digraph_tree_to(const struct digraph *g, struct digraph_scratch *s, uint32_t to,
                const struct digraph_costs *c)
{
    begin(g, s, to);
    while (s->n) {
        struct digraph_entry e = take_least(s);
        uint32_t v = e.node;
        if (is_closed(c, v) && v != to)
            continue;
        for (uint32_t i = g->first_in[v]; i < g->first_in[v + 1]; i++) {
            uint32_t a = g->in[i];
            relax(s, g->from[a], a, e.key + c->arc[a]);
        }
    }
}

bool
digraph_tree_until(const struct digraph *g, struct digraph_scratch *s, uint32_t from, uint32_t to,
                   const struct digraph_costs *c)
{
    search(g, s, from, to, c);
    return s->labels[to].distance < DIGRAPH_FAR;
}

/* ---- From both ends ----
 *
 * Each end in turn takes its next node, the nearer one first. When the two next distances together
 * exceed the best way that was met, every node of every shortest way was taken from one end or the
 * other, or has its final distance there. What is behind the meeting place is then gone through
 * backwards, lowest arcs first, to find the way that the tree has. */

struct meeting {
    const struct digraph *g;
    const struct digraph_costs *costs;
    struct digraph_scratch *forth, *back;
    uint32_t from, to;
    uint64_t best; /* of the ways that were met */
};

static void
meet(struct meeting *m, uint32_t node, uint32_t end, uint64_t distance,
     const struct digraph_scratch *other)
{
    if (node == end || !is_closed(m->costs, node))
        m->best = MIN(m->best, distance + other->labels[node].distance);
}

static void
step_forth(struct meeting *m)
{
    const struct digraph *g = m->g;
    struct digraph_entry e = take_least(m->forth);
    if (is_closed(m->costs, e.node) && e.node != m->from)
        return;
    for (uint32_t a = g->first[e.node]; a < g->first[e.node + 1]; a++) {
        uint64_t distance = e.key + m->costs->arc[a];
        relax(m->forth, g->to[a], a, distance);
        meet(m, g->to[a], m->to, distance, m->back);
    }
}

static void
step_back(struct meeting *m)
{
    const struct digraph *g = m->g;
    struct digraph_entry e = take_least(m->back);
    if (is_closed(m->costs, e.node) && e.node != m->to)
        return;
    for (uint32_t i = g->first_in[e.node]; i < g->first_in[e.node + 1]; i++) {
        uint32_t a = g->in[i];
        uint64_t distance = e.key + m->costs->arc[a];
        relax(m->back, g->from[a], a, distance);
        meet(m, g->from[a], m->from, distance, m->forth);
    }
}

/* What an arc's begin is on a shortest way over that arc to `node`, which is on one. */
enum begin {
    BEGIN_NOT,     /* on none */
    BEGIN_REACHED, /* from the front */
    BEGIN_BEYOND,  /* perhaps: what is before it will tell */
};

static enum begin
judge(const struct meeting *m, uint32_t node, uint32_t arc, uint64_t reached)
{
    uint32_t u = m->g->from[arc];
    uint64_t cost = m->costs->arc[arc], ahead = m->back->labels[node].distance + cost;
    if (ahead > m->best || (is_closed(m->costs, u) && u != m->from))
        return BEGIN_NOT;
    if (m->forth->labels[u].distance <= reached)
        return m->forth->labels[u].distance == m->best - ahead ? BEGIN_REACHED : BEGIN_NOT;
    return m->back->labels[u].distance == ahead ? BEGIN_BEYOND : BEGIN_NOT;
}

/* Depth first; the heap of the search back is free, and is the stack: of each node where its next
 * arc is. A node from which nothing leads to the front is put far away. */
static void
trace_back(struct meeting *m, uint64_t reached)
{
    const struct digraph *g = m->g;
    struct digraph_entry *stack = m->back->heap;
    uint32_t n = 0;
    if (m->forth->labels[m->to].distance <= reached)
        return; /* the front came all the way */
    stack[n++] = (struct digraph_entry){g->first_in[m->to], m->to};
    while (n) {
        struct digraph_entry *top = &stack[n - 1];
        if (top->key == g->first_in[top->node + 1]) {
            m->back->labels[top->node].distance = DIGRAPH_FAR;
            n--;
            continue;
        }
        uint32_t arc = g->in[top->key++];
        enum begin begin = judge(m, top->node, arc, reached);
        if (begin == BEGIN_NOT)
            continue;
        m->forth->labels[top->node].parent = arc;
        if (begin == BEGIN_REACHED)
            return;
        stack[n++] = (struct digraph_entry){g->first_in[g->from[arc]], g->from[arc]};
    }
}

bool
digraph_shortest(const struct digraph *g, struct digraph_scratch *s, uint32_t from, uint32_t to,
                 const struct digraph_costs *c)
{
    struct meeting m = {g, c, s, s->back, from, to, from == to ? 0 : DIGRAPH_FAR};
    begin(g, m.forth, from);
    begin(g, m.back, to);
    while (m.forth->n && m.back->n && m.forth->heap[0].key + m.back->heap[0].key <= m.best) {
        if (m.forth->heap[0].key <= m.back->heap[0].key)
            step_forth(&m);
        else
            step_back(&m);
    }
    if (m.best >= DIGRAPH_FAR)
        return false;
    trace_back(&m, m.forth->n ? m.forth->heap[0].key : DIGRAPH_FAR - 1);
    s->labels[to].distance = m.best;
    return true;
}

uint32_t
digraph_path(const struct digraph *g, const struct digraph_scratch *s, uint32_t to, uint32_t *arcs)
{
    uint32_t n = 0, k;
    for (uint32_t v = to; s->labels[v].parent != DIGRAPH_NONE; v = g->from[s->labels[v].parent])
        n++;
    k = n;
    for (uint32_t v = to; s->labels[v].parent != DIGRAPH_NONE; v = g->from[s->labels[v].parent])
        arcs[--k] = s->labels[v].parent;
    return n;
}
