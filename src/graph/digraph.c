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

void
digraph_scratch_init(struct digraph_scratch *s, uint32_t n_nodes)
{
    *s = (struct digraph_scratch){0};
    s->labels = xmalloc((n_nodes + 1) * sizeof *s->labels);
    s->heap = xmalloc((n_nodes + 1) * sizeof *s->heap);
}

void
digraph_scratch_fini(struct digraph_scratch *s)
{
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
digraph_shortest(const struct digraph *g, struct digraph_scratch *s, uint32_t from, uint32_t to,
                 const struct digraph_costs *c)
{
    search(g, s, from, to, c);
    return s->labels[to].distance < DIGRAPH_FAR;
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
