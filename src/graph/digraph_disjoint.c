/* Disjoint paths as a flow of minimum cost.
 *
 * A node that carries flow is split into an entry and an exit, others are one. Entering a node that
 * is in use, one may go on by taking back flow that enters it, or at a price. States are numbered:
 * v is a node as one or its exit, n_nodes + v the entry of a node in use. Prices are above all
 * costs (the upper half of a 128-bit number), and so the cheapest way is the one that shares least.
 * Reduced costs (arc plus potential of its begin minus that of its end) are never negative; a
 * potential rises in each round by the distance, but by no more than that of the end, so that the
 * search may stop there. */
#include "graph/digraph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

typedef __int128 wide;
#define WIDE_FAR ((wide)1 << 120)

enum step_kind {
    STEP_START,
    STEP_ARC,    /* along an arc */
    STEP_BACK,   /* against an arc: takes one unit of flow back */
    STEP_ENTER,  /* from the entry of a node to its exit */
    STEP_RETURN, /* from the exit to the entry */
};

struct state {
    wide distance;
    uint32_t by; /* arc; for the last two kinds: state that it comes from */
    uint32_t place;
    uint8_t kind; /* enum step_kind */
};

struct entry {
    wide key;
    uint32_t state;
};

/* What a search writes on, kept for the next one. */
struct digraph_flow {
    uint32_t n_nodes, n_arcs; /* what there is room for */
    struct state *states;     /* 2 * n_nodes; entries only of nodes in use */
    wide *potential;          /* by state */
    struct entry *heap;
    uint8_t *arc_units, *node_units;
};

struct flow {
    const struct digraph *g;
    const struct digraph_disjoint *ask;
    const struct digraph_costs *costs;
    struct state *states;
    wide *potential;
    struct entry *heap;
    uint32_t n;
    uint8_t *arc_units, *node_units;
};

static struct digraph_flow *
flow_new(const struct digraph *g)
{
    struct digraph_flow *kept = xcalloc(1, sizeof *kept);
    size_t n = 2 * (size_t)g->n_nodes + 1;
    kept->n_nodes = g->n_nodes;
    kept->n_arcs = g->n_arcs;
    kept->states = xmalloc(n * sizeof *kept->states);
    kept->potential = xmalloc(n * sizeof *kept->potential);
    kept->heap = xmalloc(n * sizeof *kept->heap);
    kept->arc_units = xmalloc(g->n_arcs + 1);
    kept->node_units = xmalloc(g->n_nodes + 1);
    return kept;
}

void
digraph_flow_free(struct digraph_flow *kept)
{
    if (!kept)
        return;
    free(kept->states);
    free(kept->potential);
    free(kept->heap);
    free(kept->arc_units);
    free(kept->node_units);
    free(kept);
}

static void
flow_init(struct flow *f, const struct digraph *g, struct digraph_scratch *scratch,
          const struct digraph_disjoint *ask, const struct digraph_costs *costs)
{
    const struct digraph_flow *kept = scratch->flow;
    if (!kept || kept->n_nodes < g->n_nodes || kept->n_arcs < g->n_arcs) {
        digraph_flow_free(scratch->flow);
        kept = scratch->flow = flow_new(g);
    }
    *f = (struct flow){.g = g,
                       .ask = ask,
                       .costs = costs,
                       .states = kept->states,
                       .potential = kept->potential,
                       .heap = kept->heap,
                       .arc_units = kept->arc_units,
                       .node_units = kept->node_units};
    memset(f->arc_units, 0, g->n_arcs);
    memset(f->node_units, 0, g->n_nodes);
}

/* ---- The heap, as in digraph.c ---- */

static inline void
put(struct flow *f, uint32_t at, struct entry e)
{
    f->heap[at] = e;
    f->states[e.state].place = at;
}

static void
rise(struct flow *f, uint32_t at, struct entry e)
{
    for (; at > 0 && e.key < f->heap[(at - 1) / 4].key; at = (at - 1) / 4)
        put(f, at, f->heap[(at - 1) / 4]);
    put(f, at, e);
}

static struct entry
take_least(struct flow *f)
{
    struct entry top = f->heap[0], last = f->heap[--f->n];
    uint32_t at = 0;
    for (;;) {
        uint32_t first = 4 * at + 1, least = first, end = MIN(first + 4, f->n);
        if (first >= f->n)
            break;
        for (uint32_t child = first + 1; child < end; child++)
            least = f->heap[child].key < f->heap[least].key ? child : least;
        if (f->heap[least].key >= last.key)
            break;
        put(f, at, f->heap[least]);
        at = least;
    }
    if (f->n)
        put(f, at, last);
    return top;
}

/* ---- One more unit ---- */

static inline void
relax(struct flow *f, uint32_t from, uint32_t to, wide cost, enum step_kind kind, uint32_t by)
{
    struct state *s = &f->states[to];
    wide distance = f->states[from].distance + cost + f->potential[from] - f->potential[to];
    if (distance >= s->distance)
        return;
    uint32_t at = s->distance == WIDE_FAR ? f->n++ : s->place;
    s->distance = distance;
    s->kind = (uint8_t)kind;
    s->by = by;
    rise(f, at, (struct entry){distance, to});
}

static inline wide
priced(uint32_t price)
{
    return (wide)price << 64;
}

/* Is this node split? */
static inline bool
is_in_use(const struct flow *f, uint32_t node)
{
    return f->ask->nodes && f->node_units[node];
}

static void
follow_arcs(struct flow *f, uint32_t v)
{
    const struct digraph *g = f->g;
    for (uint32_t a = g->first[v]; a < g->first[v + 1]; a++) {
        uint32_t to = g->to[a];
        bool again = f->arc_units[a];
        if (f->costs->arc[a] >= DIGRAPH_FAR || (again && !f->ask->arc_price))
            continue;
        if (f->costs->closed && f->costs->closed[to] && to != f->ask->to)
            continue;
        wide cost = (wide)f->costs->arc[a] + (again ? priced(f->ask->arc_price) : 0);
        relax(f, v, is_in_use(f, to) ? to + g->n_nodes : to, cost, STEP_ARC, a);
    }
}

static void
take_back_arcs(struct flow *f, uint32_t state, uint32_t v)
{
    const struct digraph *g = f->g;
    for (uint32_t i = g->first_in[v]; i < g->first_in[v + 1]; i++) {
        uint32_t a = g->in[i];
        if (!f->arc_units[a])
            continue;
        wide cost = -(wide)f->costs->arc[a] - (f->arc_units[a] > 1 ? priced(f->ask->arc_price) : 0);
        relax(f, state, g->from[a], cost, STEP_BACK, a);
    }
}

static void
leave_state(struct flow *f, uint32_t state)
{
    uint32_t n = f->g->n_nodes, v = state % n;
    bool split = is_in_use(f, v);
    if (state < n) {
        follow_arcs(f, v);
        if (split)
            relax(f, v, n + v, f->node_units[v] > 1 ? -priced(f->ask->node_price) : 0, STEP_RETURN,
                  v);
    } else if (f->ask->node_price) {
        relax(f, state, v, priced(f->ask->node_price), STEP_ENTER, state);
    }
    if (f->node_units[v] && (state >= n || !split))
        take_back_arcs(f, state, v);
}

/* The cheapest way for one more unit; the potentials are set for the next. */
static bool
find_way(struct flow *f)
{
    const uint32_t n = f->g->n_nodes, to = f->ask->to;
    for (uint32_t i = 0; i < n; i++) {
        f->states[i] = (struct state){.distance = WIDE_FAR};
        if (is_in_use(f, i))
            f->states[n + i] = f->states[i];
    }
    f->states[f->ask->from].distance = 0;
    f->heap[0] = (struct entry){0, f->ask->from};
    f->n = 1;
    while (f->n) {
        uint32_t state = take_least(f).state;
        if (state == to)
            break;
        leave_state(f, state);
    }
    wide far = f->states[to].distance;
    if (far == WIDE_FAR)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        f->potential[i] += MIN(f->states[i].distance, far);
        if (is_in_use(f, i))
            f->potential[n + i] += MIN(f->states[n + i].distance, far);
        else
            f->potential[n + i] = f->potential[i];
    }
    return true;
}

static void
count_node(struct flow *f, uint32_t node, int units)
{
    if (node != f->ask->from && node != f->ask->to)
        f->node_units[node] = (uint8_t)(f->node_units[node] + units);
}

/* A node's units are those that enter it. */
static void
send_unit(struct flow *f)
{
    const uint32_t n = f->g->n_nodes;
    for (uint32_t state = f->ask->to; f->states[state].kind != STEP_START;) {
        const struct state *s = &f->states[state];
        if (s->kind == STEP_ARC) {
            f->arc_units[s->by]++;
            count_node(f, state % n, 1);
            state = f->g->from[s->by];
        } else if (s->kind == STEP_BACK) {
            uint32_t v = f->g->to[s->by];
            f->arc_units[s->by]--;
            count_node(f, v, -1);
            /* It was left by its entry, if it has one: as it was split when the way was found. */
            state = f->ask->nodes && f->states[v + n].distance != WIDE_FAR ? v + n : v;
        } else {
            state = s->by;
        }
    }
}

/* The first unit goes the shortest way, which the plain search finds sooner. */
static bool
send_first(struct flow *f, struct digraph_scratch *s)
{
    const uint32_t n = f->g->n_nodes, to = f->ask->to;
    if (!digraph_tree_until(f->g, s, f->ask->from, to, f->costs))
        return false;
    for (uint32_t v = to; s->labels[v].parent != DIGRAPH_NONE;
         v = f->g->from[s->labels[v].parent]) {
        f->arc_units[s->labels[v].parent] = 1;
        count_node(f, v, 1);
    }
    for (uint32_t v = 0; v < n; v++)
        f->potential[v] = f->potential[n + v] = (wide)MIN(s->labels[v].distance,
                                                          s->labels[to].distance);
    return true;
}

/* ---- From the flow to paths ---- */

static void
account_prices(const struct flow *f, struct digraph_paths *out)
{
    for (uint32_t a = 0; a < f->g->n_arcs; a++)
        out->price += f->arc_units[a] > 1 ? (uint64_t)f->ask->arc_price * (f->arc_units[a] - 1U)
                                          : 0;
    for (uint32_t v = 0; v < f->g->n_nodes && f->ask->nodes; v++)
        out->price += f->node_units[v] > 1 ? (uint64_t)f->ask->node_price * (f->node_units[v] - 1U)
                                           : 0;
}

static void
walk(struct flow *f, struct digraph_arcs *path)
{
    const struct digraph *g = f->g;
    path->arcs = xmalloc((g->n_nodes + 1) * sizeof *path->arcs);
    for (uint32_t v = f->ask->from; v != f->ask->to;) {
        uint32_t a = g->first[v];
        while (!f->arc_units[a])
            a++;
        f->arc_units[a]--;
        path->cost += f->costs->arc[a];
        path->arcs[path->n++] = a;
        v = g->to[a];
    }
    path->arcs = xrealloc(path->arcs, path->n, sizeof *path->arcs);
}

static int
by_cost(const void *a, const void *b)
{
    const struct digraph_arcs *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return (x->arcs[0] > y->arcs[0]) - (x->arcs[0] < y->arcs[0]);
}

enum err
digraph_disjoint(const struct digraph *g, struct digraph_scratch *scratch,
                 const struct digraph_disjoint *ask, const struct digraph_costs *costs,
                 struct digraph_paths *out)
{
    struct flow f;
    flow_init(&f, g, scratch, ask, costs);
    bool found = send_first(&f, scratch);
    for (uint32_t i = 1; i < ask->n_paths && found; i++) {
        found = find_way(&f);
        if (found)
            send_unit(&f);
    }
    if (found) {
        *out = (struct digraph_paths){.n = ask->n_paths};
        account_prices(&f, out);
        for (uint32_t i = 0; i < ask->n_paths; i++)
            walk(&f, &out->paths[i]);
        qsort(out->paths, out->n, sizeof *out->paths, by_cost);
    }
    return found ? ERR_OK : ERR_NOT_FOUND;
}

void
digraph_paths_fini(struct digraph_paths *paths)
{
    for (uint32_t i = 0; i < paths->n; i++)
        free(paths->paths[i].arcs);
    *paths = (struct digraph_paths){0};
}
