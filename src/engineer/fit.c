#include "engineer/fit.h"

#include "base/alloc.h"
#include "engineer/design_private.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_NAMED 4 /* in a reason */

const char *
fit_limit_name(enum fit_limit limit)
{
    static const char *const names[FIT_LIMIT_MAX] = {"none",    "host",       "capacity",
                                                     "latency", "separation", "number"};
    return names[limit];
}

const char *
fit_order_name(enum fit_order order)
{
    static const char *const names[FIT_ORDERS] = {"as given", "smallest rate first",
                                                  "largest rate first", "most constrained first"};
    return names[order];
}

/* ---- What is in the way ---- */

static void
note_link(const struct designer *d, uint32_t link, struct fit_verdict *v)
{
    const struct topology *t = d->topology;
    for (uint32_t i = 0; i < v->n_links; i++) {
        if (v->links[i].name == t->links[link]->name)
            return;
    }
    v->links = xrealloc(v->links, v->n_links + 1, sizeof *v->links);
    v->links[v->n_links++] = (struct fit_link){t->links[link]->name, t->links[link]->capacity_kbps,
                                               t->reserved_kbps[link]};
}

static int
by_link_name(const void *a, const void *b)
{
    return strcmp(((const struct fit_link *)a)->name, ((const struct fit_link *)b)->name);
}

/* Marks what can be reached from a node without going over links that are banned, or through nodes
 * that are marked already. */
static void
spread(const struct graph *g, uint32_t from, const bool *banned, uint8_t mark, uint8_t *marks)
{
    uint32_t *queue = xcalloc(g->n_nodes, sizeof *queue), head = 0, tail = 0;
    marks[from] = mark;
    queue[tail++] = from;
    while (head < tail) {
        uint32_t v = queue[head++];
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct graph_arc arc = g->arcs[i];
            if (banned[arc.edge] || marks[arc.to])
                continue;
            marks[arc.to] = mark;
            queue[tail++] = arc.to;
        }
    }
    free(queue);
}

/* The links between what the source reaches and what of the rest hangs together with the receiver:
 * all of them are full, and every way goes over one. False: the source reaches the receiver. */
static bool
note_cut(const struct designer *d, uint32_t from, uint32_t to, struct fit_verdict *v)
{
    enum { REACHED = 1, BEYOND = 2 };
    const struct graph *g = &d->topology->graph;
    uint8_t *marks = xcalloc(g->n_nodes, sizeof *marks);
    spread(g, from, d->finder.full, REACHED, marks);
    bool is_cut = !marks[to];
    if (is_cut)
        spread(g, to, d->excluded, BEYOND, marks);
    for (uint32_t e = 0; e < g->n_edges && is_cut; e++) {
        if (!d->excluded[e] && marks[g->edges[e].a] + marks[g->edges[e].b] == REACHED + BEYOND)
            note_link(d, e, v);
    }
    free(marks);
    return is_cut;
}

/* Those links of an ideal pair of paths that have no room. */
static void
note_full_links(const struct designer *d, const struct circuit *c, const struct pair *ideal,
                struct fit_verdict *v)
{
    const struct topology *t = d->topology;
    for (int i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < ideal->paths[i].n; k++) {
            uint32_t link = ideal->paths[i].edges[k];
            if ((uint64_t)t->reserved_kbps[link] + c->rate_kbps > t->links[link]->capacity_kbps)
                note_link(d, link, v);
        }
    }
}

/* ---- Why not ---- */

static uint32_t
node_of(const struct designer *d, const char *host_name)
{
    return topology_node(d->topology, network_host(d->network, host_name)->node);
}

static const char *
source_of(const struct circuit *c)
{
    return c->kind == CIRCUIT_IP ? c->ip.client : c->multicast.publisher;
}

static uint32_t
n_receivers(const struct circuit *c)
{
    return c->kind == CIRCUIT_IP ? 1 : c->multicast.n_subscribers;
}

static const char *
receiver(const struct circuit *c, uint32_t i)
{
    return c->kind == CIRCUIT_IP ? c->ip.server : c->multicast.subscribers[i];
}

/* The paths to a receiver as the designer is prepared now. */
static const struct answer *
paths_to(struct designer *d, const struct circuit *c, const char *host)
{
    enum answer_kind kind = c->kind == CIRCUIT_MULTICAST     ? ANSWER_BESIDE_TREE
                            : c->protection != DISJOINT_NONE ? ANSWER_PAIR
                                                             : ANSWER_PATH;
    return designer_find(d, kind, node_of(d, source_of(c)), node_of(d, host));
}

static void
explain_capacity(struct designer *d, const struct circuit *c, struct fit_verdict *v)
{
    uint32_t from = node_of(d, source_of(c)), to = node_of(d, v->host);
    v->limit = FIT_CAPACITY;
    designer_prepare_empty(d, c);
    v->even_if_empty = note_cut(d, from, to, v);
    if (v->even_if_empty)
        return;
    designer_prepare(d, c);
    (void)note_cut(d, from, to, v);
}

static void
explain_latency(struct designer *d, const struct circuit *c, struct fit_verdict *v)
{
    const struct graph_filter filter = {.edge_banned = d->excluded};
    struct path shortest;
    bool protect = c->protection != DISJOINT_NONE;
    v->limit = FIT_LATENCY;
    v->delay_us = d->refusal.delay_us;
    if (!graph_shortest(&d->topology->graph, node_of(d, source_of(c)), node_of(d, v->host), &filter,
                        &shortest)) {
        v->shortest_us = shortest.cost;
        path_fini(&shortest);
    }
    designer_prepare_empty(d, c);
    const struct answer *ideal = paths_to(d, c, v->host);
    for (int i = 0; i < 1 + (protect && ideal->pair.has_second); i++)
        v->even_if_empty |= ideal->pair.paths[i].cost > c->max_latency_us;
    if (!v->even_if_empty)
        note_full_links(d, c, &ideal->pair, v);
}

/* All receivers count; the first that falls short is named. */
static void
explain_separation(struct designer *d, const struct circuit *c, struct fit_verdict *v)
{
    const struct topology *t = d->topology;
    const struct pair_finder *f = &d->finder;
    const struct answer *found = NULL;
    v->limit = FIT_SEPARATION;
    for (uint32_t i = 0; i < n_receivers(c) && !v->host; i++) {
        found = paths_to(d, c, receiver(c, i));
        if (found->pair.paths[0].n && pair_reached(&found->pair) < c->protection)
            v->host = receiver(c, i);
    }
    if (!v->host)
        return;
    pair_shared(&d->finder, node_of(d, source_of(c)), &found->pair);
    v->shared = xcalloc(f->n_shared_links + f->n_shared_nodes, sizeof *v->shared);
    for (uint32_t i = 0; i < f->n_shared_links; i++)
        v->shared[v->n_shared++] = t->links[f->shared_links[i]]->name;
    for (uint32_t i = 0; i < f->n_shared_nodes; i++)
        v->shared[v->n_shared++] = t->nodes[f->shared_nodes[i]]->name;
    designer_prepare_empty(d, c);
    const struct answer *ideal = paths_to(d, c, v->host);
    v->even_if_empty = pair_reached(&ideal->pair) < c->protection;
    if (!v->even_if_empty)
        note_full_links(d, c, &ideal->pair, v);
}

static void
write_reason(struct fit_verdict *v, const struct diag *diag)
{
    struct buf out = BUF_INIT;
    buf_str(&out, diag->text);
    if (v->even_if_empty)
        buf_str(&out, ", not even if all links were empty");
    for (uint32_t i = 0; i < MIN(v->n_links, LINKS_NAMED); i++)
        buf_printf(&out, "%s%s (%u of %u kbit/s reserved)",
                   i ? ", " : "; in the way: ", v->links[i].name, v->links[i].reserved_kbps,
                   v->links[i].capacity_kbps);
    if (v->n_links > LINKS_NAMED)
        buf_printf(&out, " and %u more", v->n_links - LINKS_NAMED);
    v->reason = buf_steal_cstr(&out);
}

static void
explain(struct designer *d, const struct circuit *c, const struct diag *diag, struct fit_verdict *v)
{
    v->host = d->refusal.host;
    switch (d->refusal.kind) {
    case REFUSED_NOT:
        break;
    case REFUSED_HOST:
        v->limit = FIT_HOST;
        v->even_if_empty = true;
        break;
    case REFUSED_CAPACITY:
        explain_capacity(d, c, v);
        break;
    case REFUSED_LATENCY:
        explain_latency(d, c, v);
        break;
    case REFUSED_SEPARATION:
        explain_separation(d, c, v);
        break;
    case REFUSED_NUMBER:
        v->limit = FIT_NUMBER;
        break;
    }
    if (v->n_links)
        qsort(v->links, v->n_links, sizeof *v->links, by_link_name);
    write_reason(v, diag);
}

/* ---- All of them ---- */

static void
count_fit(struct fit_count *count, const struct circuit *c)
{
    count->n_fit++;
    count->rate_kbps += c->rate_kbps;
}

static void
judge_all(struct designer *d, const struct circuit *const *circuits, struct fit *fit)
{
    for (uint32_t i = 0; i < fit->n; i++) {
        struct fit_verdict *v = &fit->verdicts[i];
        struct diag diag = {""};
        v->circuit = circuits[i];
        if (designer_add(d, circuits[i], &v->design, &diag))
            explain(d, circuits[i], &diag, v);
        else
            count_fit(&fit->counts[FIT_AS_GIVEN], circuits[i]);
    }
}

static int
by_fullness(const void *a, const void *b)
{
    const struct fit_usage *x = a, *y = b;
    uint64_t left = (uint64_t)x->after_kbps * y->capacity_kbps;
    uint64_t right = (uint64_t)y->after_kbps * x->capacity_kbps;
    if (left != right)
        return left > right ? -1 : 1;
    return strcmp(x->link, y->link);
}

/* Links are numbered by name. */
static void
count_limited(struct fit *fit, const struct topology *t)
{
    for (uint32_t i = 0; i < fit->n; i++) {
        for (uint32_t k = 0; k < fit->verdicts[i].n_links; k++)
            fit->links[topology_link(t, fit->verdicts[i].links[k].name)].n_limited++;
    }
}

static void
note_usage(struct fit *fit, const struct topology *t, const uint32_t *before)
{
    fit->n_links = t->graph.n_edges;
    fit->links = xcalloc(fit->n_links, sizeof *fit->links);
    for (uint32_t e = 0; e < fit->n_links; e++)
        fit->links[e] = (struct fit_usage){.link = t->links[e]->name,
                                           .capacity_kbps = t->links[e]->capacity_kbps,
                                           .before_kbps = before[e],
                                           .after_kbps = t->reserved_kbps[e]};
    count_limited(fit, t);
    if (fit->n_links)
        qsort(fit->links, fit->n_links, sizeof *fit->links, by_fullness);
}

/* ---- Other orders ---- */

struct place {
    const struct circuit *circuit;
    uint32_t given; /* equals stay in the given order */
    enum fit_order order;
};

static int
compare_numbers(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

static int64_t
budget_of(const struct circuit *c)
{
    return c->max_latency_us ? c->max_latency_us : INT64_MAX;
}

static int
by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const struct circuit *c = x->circuit, *other = y->circuit;
    int by_rate = compare_numbers(c->rate_kbps, other->rate_kbps), order = 0;
    if (x->order == FIT_SMALL_FIRST)
        order = by_rate;
    if (x->order == FIT_LARGE_FIRST)
        order = -by_rate;
    if (x->order == FIT_CONSTRAINED_FIRST) {
        order = -compare_numbers(c->protection, other->protection);
        if (!order)
            order = compare_numbers(budget_of(c), budget_of(other));
        if (!order)
            order = -by_rate;
    }
    return order ? order : compare_numbers(x->given, y->given);
}

/* How many fit in this order; the designer is as before then. */
static void
try_order(struct designer *d, const struct fit *fit, enum fit_order order, struct fit_count *total)
{
    struct place *places = xcalloc(fit->n, sizeof *places);
    struct design **designs = xcalloc(fit->n, sizeof *designs);
    for (uint32_t i = 0; i < fit->n; i++)
        places[i] = (struct place){fit->verdicts[i].circuit, i, order};
    if (fit->n)
        qsort(places, fit->n, sizeof *places, by_place);
    for (uint32_t i = 0; i < fit->n; i++) {
        if (!designer_add(d, places[i].circuit, &designs[i], NULL))
            count_fit(total, places[i].circuit);
    }
    for (uint32_t i = 0; i < fit->n; i++) {
        if (designs[i])
            designer_remove(d, places[i].circuit, designs[i]);
        design_free(designs[i]);
    }
    free(designs);
    free(places);
}

static void
try_orders(struct designer *d, struct fit *fit)
{
    for (uint32_t i = 0; i < fit->n; i++) {
        if (fit->verdicts[i].design)
            designer_remove(d, fit->verdicts[i].circuit, fit->verdicts[i].design);
    }
    for (enum fit_order order = FIT_AS_GIVEN + 1; order < FIT_ORDERS; order++)
        try_order(d, fit, order, &fit->counts[order]);
    fit->has_orders = true;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err
check_names(const struct network *net, const struct circuit *const *circuits, uint32_t n,
            struct diag *diag)
{
    const char **names = xcalloc(n, sizeof *names);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n; i++)
        names[i] = circuits[i]->name;
    if (n)
        qsort(names, n, sizeof *names, by_text);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (network_design(net, names[i]))
            err = diag_set(diag, ERR_EXISTS, "circuit \"%s\" is designed already", names[i]);
        else if (i && !strcmp(names[i], names[i - 1]))
            err = diag_set(diag, ERR_EXISTS, "circuit \"%s\" is asked for twice", names[i]);
    }
    free(names);
    return err;
}

enum err
fit_circuits(const struct network *net, const struct circuit *const *circuits, uint32_t n,
             bool orders, struct fit *result, struct diag *diag)
{
    enum err err = check_names(net, circuits, n, diag);
    if (err)
        return err;
    struct fit fit = {.n = n, .verdicts = xcalloc(n, sizeof *fit.verdicts)};
    struct designer *d = designer_new(net);
    const struct topology *t = designer_topology(d);
    uint32_t *before = xmemdup(t->reserved_kbps, t->graph.n_edges * sizeof *before);
    judge_all(d, circuits, &fit);
    note_usage(&fit, t, before);
    if (orders)
        try_orders(d, &fit);
    free(before);
    designer_free(d);
    *result = fit;
    return ERR_OK;
}

void
fit_fini(struct fit *fit)
{
    for (uint32_t i = 0; i < fit->n; i++) {
        struct fit_verdict *v = &fit->verdicts[i];
        design_free(v->design);
        free(v->reason);
        free(v->links);
        free(v->shared);
    }
    free(fit->verdicts);
    free(fit->links);
    *fit = (struct fit){0};
}

/* ---- As text ---- */

static uint32_t
percent(uint32_t part, uint32_t whole)
{
    return whole ? (uint32_t)((uint64_t)part * 100 / whole) : 0;
}

void
fit_format(const struct fit *fit, uint32_t n_lines, struct buf *out)
{
    uint32_t n_fit = fit->counts[FIT_AS_GIVEN].n_fit, shown = 0;
    buf_printf(out, "%u of %u circuits fit\n", n_fit, fit->n);
    for (enum fit_order order = FIT_AS_GIVEN + 1; fit->has_orders && order < FIT_ORDERS; order++)
        buf_printf(out, "%s: %u fit\n", fit_order_name(order), fit->counts[order].n_fit);
    for (uint32_t i = 0; i < fit->n && shown < n_lines; i++) {
        if (!fit->verdicts[i].reason)
            continue;
        buf_printf(out, "%s: %s\n", fit_limit_name(fit->verdicts[i].limit),
                   fit->verdicts[i].reason);
        shown++;
    }
    if (fit->n - n_fit > shown)
        buf_printf(out, "and %u more that do not fit\n", fit->n - n_fit - shown);
    for (uint32_t i = 0; i < MIN(fit->n_links, n_lines); i++) {
        const struct fit_usage *u = &fit->links[i];
        buf_printf(out, "%s: %u %% reserved, %u %% before", u->link,
                   percent(u->after_kbps, u->capacity_kbps),
                   percent(u->before_kbps, u->capacity_kbps));
        if (u->n_limited)
            buf_printf(out, "; in the way of %u", u->n_limited);
        buf_str(out, "\n");
    }
}
