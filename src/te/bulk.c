#include "te/bulk.h"

#include "base/alloc.h"
#include "te/plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- Which LSPs are on a link ---- */

/* A list of numbers that grows. */
struct list {
    uint32_t *items, n, capacity;
};

struct te_lsp_index {
    uint32_t n_links, n_lsps;
    struct list *by_link;
    struct list *by_lsp; /* its links */
    uint32_t lsps_capacity;
    uint32_t *mark, question; /* by LSP: found for the question with that number */
    struct list found;
};

static void
list_add(struct list *l, uint32_t item)
{
    GROW(l->items, l->n, l->capacity);
    l->items[l->n++] = item;
}

static void
list_remove(struct list *l, uint32_t item)
{
    uint32_t i = 0;
    while (l->items[i] != item)
        i++;
    l->items[i] = l->items[--l->n];
}

struct te_lsp_index *
te_lsp_index_new(uint32_t n_links)
{
    struct te_lsp_index *x = xcalloc(1, sizeof *x);
    x->n_links = n_links;
    x->by_link = xcalloc(n_links + 1, sizeof *x->by_link);
    return x;
}

void
te_lsp_index_free(struct te_lsp_index *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->n_links; i++)
        free(x->by_link[i].items);
    for (uint32_t i = 0; i < x->n_lsps; i++)
        free(x->by_lsp[i].items);
    free(x->by_link);
    free(x->by_lsp);
    free(x->mark);
    free(x->found.items);
    free(x);
}

void
te_lsp_index_put(struct te_lsp_index *x, uint32_t lsp, const uint32_t *links, uint32_t n)
{
    while (x->n_lsps <= lsp) {
        if (x->n_lsps == x->lsps_capacity) {
            GROW(x->by_lsp, x->n_lsps, x->lsps_capacity);
            x->mark = xrealloc(x->mark, x->lsps_capacity, sizeof *x->mark);
        }
        x->by_lsp[x->n_lsps] = (struct list){0};
        x->mark[x->n_lsps++] = 0;
    }
    struct list *own = &x->by_lsp[lsp];
    while (own->n)
        list_remove(&x->by_link[own->items[--own->n]], lsp);
    for (uint32_t i = 0; i < n; i++) {
        list_add(own, links[i]);
        list_add(&x->by_link[links[i]], lsp);
    }
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t
te_lsp_index_find(struct te_lsp_index *x, const uint32_t *links, uint32_t n, const uint32_t **lsps)
{
    x->found.n = 0;
    x->question++;
    for (uint32_t i = 0; i < n; i++) {
        const struct list *on = &x->by_link[links[i]];
        for (uint32_t k = 0; k < on->n; k++) {
            if (x->mark[on->items[k]] == x->question)
                continue;
            x->mark[on->items[k]] = x->question;
            list_add(&x->found, on->items[k]);
        }
    }
    if (x->found.n)
        qsort(x->found.items, x->found.n, sizeof *x->found.items, by_number);
    *lsps = x->found.items;
    return x->found.n;
}

/* ---- New paths ---- */

struct bulk {
    struct te_router *router;
    struct te_bookings *bookings;
    struct te_bulk_lsp *lsps;
    struct te_bulk_counts counts;
    uint64_t *free_bps; /* with an account: at the priority in hand */
    unsigned priority;
    uint32_t *links; /* of one path, and back */
};

/* What is asked but for bandwidth and end. */
static int
compare_kind(const struct te_bulk_lsp *a, const struct te_bulk_lsp *b)
{
    struct te_constraints x = a->ask.constraints, y = b->ask.constraints;
    if (a->ask.from != b->ask.from)
        return a->ask.from < b->ask.from ? -1 : 1;
    if (a->ask.optimise != b->ask.optimise)
        return a->ask.optimise < b->ask.optimise ? -1 : 1;
    if (!a->ask.n_hops != !b->ask.n_hops)
        return a->ask.n_hops ? 1 : -1;
    x.bandwidth_bps = y.bandwidth_bps = 0;
    return memcmp(&x, &y, sizeof x);
}

static int
by_turn(const void *a, const void *b, void *lsps)
{
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct te_bulk_lsp *x = (const struct te_bulk_lsp *)lsps + i;
    const struct te_bulk_lsp *y = (const struct te_bulk_lsp *)lsps + k;
    const struct te_constraints *c = &x->ask.constraints, *d = &y->ask.constraints;
    if (c->priority != d->priority)
        return c->priority < d->priority ? -1 : 1;
    int order = compare_kind(x, y);
    if (order)
        return order;
    if (c->bandwidth_bps != d->bandwidth_bps)
        return c->bandwidth_bps > d->bandwidth_bps ? -1 : 1;
    return i < k ? -1 : 1;
}

static bool
is_symmetric(const struct te_bulk_lsp *lsp)
{
    return lsp->ask.constraints.symmetric || lsp->ask.constraints.bound_asymmetry;
}

/* The links of a path, and those of its way back. */
static uint32_t
links_of(struct bulk *b, const struct te_bulk_lsp *lsp, const struct te_path *path)
{
    uint32_t n = path->n;
    if (n)
        memcpy(b->links, path->links, n * sizeof *b->links);
    for (uint32_t i = 0; i < path->n && is_symmetric(lsp); i++)
        b->links[n++] = b->router->net->links[path->links[i]].reverse;
    return n;
}

static void
book(struct bulk *b, struct te_bulk_lsp *lsp)
{
    const struct te_constraints *c = &lsp->ask.constraints;
    const struct te_booking booking = {.lsp = lsp->lsp,
                                       .path = lsp->path_number,
                                       .setup_priority = c->priority,
                                       .hold_priority = lsp->hold_priority,
                                       .bandwidth_bps = c->bandwidth_bps,
                                       .links = b->links,
                                       .n_links = links_of(b, lsp, &lsp->path)};
    lsp->err = te_bookings_put(b->bookings, &booking, NULL);
    if (lsp->err) {
        te_path_fini(&lsp->path);
        return;
    }
    for (uint32_t i = 0; i < booking.n_links; i++) {
        uint64_t *left = &b->free_bps[b->links[i]];
        *left -= MIN(*left, c->bandwidth_bps);
    }
}

/* The path that the tree has for it, if that will do. */
static bool
take_from_tree(struct bulk *b, const struct te_plan *plan, struct te_bulk_lsp *lsp)
{
    struct te_router *r = b->router;
    const struct te_constraints *c = &lsp->ask.constraints;
    struct te_path path = {.links = b->links};
    if (r->scratch.labels[lsp->ask.to].distance == DIGRAPH_FAR)
        return false;
    path.n = digraph_path(&r->graph, &r->scratch, lsp->ask.to, b->links);
    te_path_measure(r, &lsp->ask, &path);
    for (uint32_t i = 0; i < path.n && c->bandwidth_bps; i++) {
        uint32_t back = r->net->links[path.links[i]].reverse;
        if (plan->free_bps[path.links[i]] < c->bandwidth_bps ||
            (is_symmetric(lsp) && plan->free_bps[back] < c->bandwidth_bps))
            return false;
    }
    if (!te_plan_within_bounds(plan, &path) || !te_asymmetry_fits(c, &path))
        return false;
    path.optimal = true;
    te_path_copy(&lsp->path, &path);
    lsp->err = ERR_OK;
    b->counts.from_trees++;
    return true;
}

static void
search_alone(struct bulk *b, struct te_bulk_lsp *lsp)
{
    struct te_request ask = lsp->ask;
    ask.constraints.free_bps = b->bookings ? b->free_bps : ask.constraints.free_bps;
    lsp->err = te_route(b->router, &ask, &lsp->path, NULL);
    b->counts.searches++;
}

/* LSPs that are asked the same. Searching one alone writes on what the tree is in; so the tree is
 * gone through first. What it has no room for waits: it finds less than others of its kind, but
 * nobody of another kind comes between. */
static void
route_kind(struct bulk *b, const uint32_t *turn, uint32_t n)
{
    struct te_bulk_lsp *first = &b->lsps[turn[0]];
    struct te_request ask = first->ask;
    ask.constraints.bandwidth_bps = b->lsps[turn[n - 1]].ask.constraints.bandwidth_bps;
    ask.constraints.free_bps = b->bookings ? b->free_bps : ask.constraints.free_bps;
    bool valid = !te_request_check(b->router, &ask), tree = valid && n > 1 && !ask.n_hops;
    struct te_plan *plan = tree ? te_plan_open(b->router, &ask, 0) : NULL;
    if (tree) {
        const struct digraph_costs costs = {plan->cost, plan->closed};
        digraph_tree(&b->router->graph, &b->router->scratch, ask.from, &costs);
        plan->free_bps = ask.constraints.free_bps
                             ? ask.constraints.free_bps
                             : te_router_unreserved(b->router, ask.constraints.priority);
        b->counts.trees++;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct te_bulk_lsp *lsp = &b->lsps[turn[i]];
        lsp->err = ERR_BUSY;
        if (tree && lsp->ask.to < b->router->net->n_nodes && take_from_tree(b, plan, lsp) &&
            b->bookings)
            book(b, lsp);
    }
    if (tree)
        te_plan_close(plan);
    for (uint32_t i = 0; i < n; i++) {
        struct te_bulk_lsp *lsp = &b->lsps[turn[i]];
        if (lsp->err != ERR_BUSY)
            continue;
        search_alone(b, lsp);
        if (!lsp->err && b->bookings)
            book(b, lsp);
    }
}

static void
look_at_account(struct bulk *b, unsigned priority)
{
    if (!b->bookings || priority == b->priority || priority >= TE_PRIORITIES)
        return;
    b->priority = priority;
    te_bookings_all_free(b->bookings, priority, NULL, 0, 0, b->free_bps);
}

void
te_bulk_route(struct te_router *r, struct te_bookings *bookings, struct te_bulk_lsp *lsps,
              uint32_t n, struct te_bulk_counts *counts)
{
    struct bulk b = {.router = r, .bookings = bookings, .lsps = lsps, .priority = TE_PRIORITIES};
    uint32_t *turn = xmalloc((n + 1) * sizeof *turn);
    b.links = xmalloc(2 * ((size_t)r->net->n_nodes + 1) * sizeof *b.links);
    b.free_bps = bookings ? xmalloc((r->net->n_links + 1) * sizeof *b.free_bps) : NULL;
    for (uint32_t i = 0; i < n; i++)
        turn[i] = i;
    qsort_r(turn, n, sizeof *turn, by_turn, lsps);
    for (uint32_t i = 0, end; i < n; i = end) {
        unsigned priority = lsps[turn[i]].ask.constraints.priority;
        for (end = i + 1; end < n; end++) {
            const struct te_bulk_lsp *next = &lsps[turn[end]];
            if (next->ask.constraints.priority != priority || compare_kind(&lsps[turn[i]], next))
                break;
        }
        look_at_account(&b, priority);
        route_kind(&b, &turn[i], end - i);
    }
    for (uint32_t i = 0; i < n; i++)
        b.counts.found += !lsps[i].err;
    if (counts)
        *counts = b.counts;
    free(turn);
    free(b.links);
    free(b.free_bps);
}
