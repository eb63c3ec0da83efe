/* Which circuits cannot stay on their paths, and what they and the new ones get instead. */
#include "engineer/scenario_private.h"

#include "base/alloc.h"
#include "engineer/design.h"

#include <stdlib.h>
#include <string.h>

static const char why_new[] = "new";

/* ---- What cannot stay ---- */

static bool
same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* But for its description. */
static bool
same_statement(const struct circuit *before, const struct circuit *after)
{
    struct circuit described = *after;
    described.description = before->description;
    return circuit_equal(before, &described);
}

static bool
same_place(const struct scenario *s, const char *name)
{
    const struct host *before = network_host(s->base, name),
                      *after = network_host(s->network, name);
    return before && after && same_text(before->node, after->node);
}

static bool
same_places(const struct scenario *s, const struct circuit *c)
{
    const struct multicast_service *m = &c->multicast;
    if (c->kind == CIRCUIT_IP)
        return same_place(s, c->ip.client) && same_place(s, c->ip.server);
    bool same = same_place(s, m->publisher);
    for (uint32_t i = 0; i < m->n_subscribers && same; i++)
        same = same_place(s, m->subscribers[i]);
    return same;
}

/* Which end is named first says nothing. */
static bool
same_ends(const struct link *x, const struct link *y)
{
    return (same_text(x->a.node, y->a.node) && same_text(x->b.node, y->b.node)) ||
           (same_text(x->a.node, y->b.node) && same_text(x->b.node, y->a.node));
}

static bool
same_risks(const struct link *a, const struct link *b)
{
    bool same = a->n_shared_risks == b->n_shared_risks;
    for (uint32_t i = 0; i < a->n_shared_risks && same; i++)
        same = !strcmp(a->shared_risks[i], b->shared_risks[i]);
    return same;
}

/* Sites decide whose circuits a node carries. */
static bool
same_site(const struct scenario *s, const char *node)
{
    const struct node *before = network_node(s->base, node),
                      *after = network_node(s->network, node);
    if (!before || !after || !same_text(before->site, after->site))
        return false;
    const struct site *old = network_site(s->base, before->site);
    const struct site *now = network_site(s->network, after->site);
    return !old == !now && (!old || old->kind == now->kind);
}

static const char *
why_not_over(const struct scenario *s, const char *name, const struct circuit *c,
             const struct design *d)
{
    const struct link *before = network_link(s->base, name),
                      *after = network_link(s->network, name);
    if (!before || !after)
        return "a link of its paths is gone";
    if (!same_ends(before, after))
        return "a link of its paths leads elsewhere";
    if (!same_site(s, after->a.node) || !same_site(s, after->b.node))
        return "a node of its paths is at another site";
    if (c->max_latency_us && link_hop_delay_us(after) > link_hop_delay_us(before))
        return "a link of its paths is slower, and it has a budget";
    if (d->has_failover && !same_risks(before, after))
        return "a link of its paths has other shared risks";
    return NULL;
}

static const char *
why_not_along(const struct scenario *s, const struct route *route, const struct circuit *c,
              const struct design *d)
{
    const char *why = NULL;
    for (uint32_t i = 0; i < route->n_links && !why; i++)
        why = why_not_over(s, route->links[i], c, d);
    return why;
}

/* NULL: it can stay. */
static const char *
why_not_kept(const struct scenario *s, const struct design *d)
{
    const struct circuit *before = network_circuit(s->base, d->circuit);
    const struct circuit *after = network_circuit(s->network, d->circuit);
    if (!before || !after || !same_statement(before, after))
        return "it is stated otherwise";
    if (!same_places(s, after))
        return "one of its hosts is elsewhere";
    const char *why = why_not_along(s, &d->primary, after, d);
    return why || !d->has_failover ? why : why_not_along(s, &d->failover, after, d);
}

/* ---- Lists of them ---- */

struct pending_list {
    uint32_t n, capacity;
    struct pending *list;
};

static void
add_pending(struct pending_list *all, const struct circuit *c, const char *why, uint32_t number)
{
    GROW(all->list, all->n, all->capacity);
    all->list[all->n++] = (struct pending){c, why, number};
}

/* Highest class first, then as they were built. */
static int
by_class(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;
    if (x->circuit->service_class != y->circuit->service_class)
        return x->circuit->service_class > y->circuit->service_class ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Takes the designs out of the network that cannot stay in it. One of a circuit that is gone is
 * dropped; the others are listed. */
static void
displace(struct scenario *s, bool all_anew, struct pending_list *all)
{
    struct design *d, *next;
    HASH_ITER (hh, s->network->designs, d, next) {
        const struct circuit *c = network_circuit(s->network, d->circuit);
        const char *why = !c         ? ""
                          : all_anew ? "all circuits are designed anew"
                                     : why_not_kept(s, d);
        if (!why)
            continue;
        if (c)
            add_pending(all, c, why, d->number);
        if (network_remove_design(s->network, d->circuit))
            abort(); /* it is there */
    }
}

/* ---- Links that are too small for what they carry ---- */

/* A link that has not become smaller carries what it carries, whatever is reserved on it. */
static bool
is_crowded(const struct scenario *s, const struct topology *t, const struct route *route)
{
    bool crowded = false;
    for (uint32_t i = 0; i < route->n_links && !crowded; i++) {
        const struct link *before = network_link(s->base, route->links[i]);
        uint32_t link = topology_link(t, route->links[i]);
        crowded = before && link != NO_INDEX &&
                  t->links[link]->capacity_kbps < before->capacity_kbps &&
                  t->reserved_kbps[link] > t->links[link]->capacity_kbps;
    }
    return crowded;
}

static void
displace_crowded(struct scenario *s, struct pending_list *all)
{
    struct topology *t = topology_new(s->network);
    struct pending_list kept = {0};
    for (const struct design *d = s->network->designs; d; d = d->hh.next) {
        const struct circuit *c = network_circuit(s->network, d->circuit);
        topology_reserve(t, d, c->rate_kbps);
        add_pending(&kept, c, NULL, d->number);
    }
    if (kept.n)
        qsort(kept.list, kept.n, sizeof *kept.list, by_class);
    for (uint32_t i = kept.n; i-- > 0;) {
        const struct circuit *c = kept.list[i].circuit;
        const struct design *d = network_design(s->network, c->name);
        if (!is_crowded(s, t, &d->primary) && (!d->has_failover || !is_crowded(s, t, &d->failover)))
            continue;
        topology_reserve(t, d, -(int64_t)c->rate_kbps);
        add_pending(all, c, "a link of its paths is too small for all it carries", d->number);
        if (network_remove_design(s->network, c->name))
            abort(); /* it is there */
    }
    free(kept.list);
    topology_free(t);
}

/* ---- Numbers ---- */

/* Circuits keep the numbers they had; new ones get the lowest that are free then. */
static void
number_designs(const struct network *net, struct settlement *all)
{
    bool *taken = xcalloc(DESIGN_NUMBER_MAX + 1, sizeof *taken);
    uint32_t next = 1;
    for (const struct design *d = net->designs; d; d = d->hh.next)
        taken[MIN(d->number, DESIGN_NUMBER_MAX)] = true;
    for (uint32_t i = 0; i < all->n; i++)
        taken[MIN(all->pending[i].number, DESIGN_NUMBER_MAX)] = true;
    for (uint32_t i = 0; i < all->n; i++) {
        struct design *d = all->fit.verdicts[i].design;
        if (!d)
            continue;
        while (!all->pending[i].number && next < DESIGN_NUMBER_MAX && taken[next])
            next++;
        d->number = all->pending[i].number ? all->pending[i].number : next++;
    }
    free(taken);
}

/* ---- All of it ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_wanted(const struct scenario *s, const char *circuit)
{
    return s->n_wanted && bsearch(&circuit, s->wanted, s->n_wanted, sizeof *s->wanted, by_text);
}

/* Those that had no design before: stated by the scenario, or asked for. */
static void
add_new(struct scenario *s, struct pending_list *all)
{
    if (s->n_wanted)
        qsort(s->wanted, s->n_wanted, sizeof *s->wanted, by_text);
    for (const struct circuit *c = s->network->circuits; c; c = c->hh.next) {
        const struct circuit *before = network_circuit(s->base, c->name);
        if (network_design(s->base, c->name))
            continue;
        if (!before || !same_statement(before, c) || is_wanted(s, c->name))
            add_pending(all, c, why_new, 0);
    }
}

static enum err
design_pending(const struct network *net, struct settlement *all, struct diag *diag)
{
    const struct circuit **circuits = xcalloc(all->n, sizeof(const struct circuit *));
    for (uint32_t i = 0; i < all->n; i++)
        circuits[i] = all->pending[i].circuit;
    enum err err = fit_circuits(net, circuits, all->n, false, &all->fit, diag);
    free(circuits);
    return err;
}

enum err
scenario_settle(struct scenario *s, bool all_anew, struct settlement *result, struct diag *diag)
{
    struct pending_list all = {0};
    displace(s, all_anew, &all);
    displace_crowded(s, &all);
    if (all.n && !all_anew)
        qsort(all.list, all.n, sizeof *all.list, by_class);
    add_new(s, &all);
    struct settlement settlement = {.n = all.n, .pending = all.list};
    enum err err = design_pending(s->network, &settlement, diag);
    if (err) {
        free(all.list);
        return err;
    }
    number_designs(s->network, &settlement);
    for (uint32_t i = 0; i < settlement.n; i++) {
        const struct design *d = settlement.fit.verdicts[i].design;
        if (d)
            network_put_design(s->network, design_copy(d));
    }
    *result = settlement;
    return ERR_OK;
}

void
settlement_fini(struct settlement *s)
{
    fit_fini(&s->fit);
    free(s->pending);
    *s = (struct settlement){0};
}
