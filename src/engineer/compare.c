#include "engineer/compare.h"

#include "base/alloc.h"
#include "engineer/topology.h"

#include <stdlib.h>
#include <string.h>

const char *
circuit_change_name(enum circuit_change_kind kind)
{
    static const char *const names[] = {"added", "removed", "moved", "changed"};
    return names[kind];
}

/* ---- Circuits ---- */

static bool
same_route(const struct route *a, const struct route *b)
{
    bool same = a->n_links == b->n_links;
    for (uint32_t i = 0; same && i < a->n_links; i++)
        same = !strcmp(a->links[i], b->links[i]);
    return same;
}

static bool
same_paths(const struct design *a, const struct design *b)
{
    return same_route(&a->primary, &b->primary) && a->has_failover == b->has_failover &&
           (!a->has_failover || same_route(&a->failover, &b->failover));
}

static bool
same_statement(const struct circuit *a, const struct circuit *b)
{
    return a && b ? circuit_equal(a, b) : a == b;
}

static void
add_circuit(struct comparison *c, uint32_t *capacity, const char *circuit,
            enum circuit_change_kind kind, const struct design *before, const struct design *after)
{
    GROW(c->circuits, c->n_circuits, *capacity);
    c->circuits[c->n_circuits++] = (struct circuit_change){circuit, kind, before, after};
}

static int
by_circuit(const void *a, const void *b)
{
    return strcmp(((const struct circuit_change *)a)->circuit,
                  ((const struct circuit_change *)b)->circuit);
}

static void
compare_circuits(const struct network *before, const struct network *after, struct comparison *c)
{
    uint32_t capacity = 0;
    for (const struct design *d = after->designs; d; d = d->hh.next) {
        const struct design *old = network_design(before, d->circuit);
        if (!old)
            add_circuit(c, &capacity, d->circuit, CIRCUIT_ADDED, NULL, d);
        else if (!same_paths(old, d))
            add_circuit(c, &capacity, d->circuit, CIRCUIT_MOVED, old, d);
        else if (old->number != d->number || old->disjoint != d->disjoint ||
                 !same_statement(network_circuit(before, d->circuit),
                                 network_circuit(after, d->circuit)))
            add_circuit(c, &capacity, d->circuit, CIRCUIT_CHANGED, old, d);
    }
    for (const struct design *d = before->designs; d; d = d->hh.next) {
        if (!network_design(after, d->circuit))
            add_circuit(c, &capacity, d->circuit, CIRCUIT_REMOVED, d, NULL);
    }
    if (c->n_circuits)
        qsort(c->circuits, c->n_circuits, sizeof *c->circuits, by_circuit);
}

/* ---- Rules ---- */

static void
count_added(void *arg, struct rule_item *wanted UNUSED)
{
    ((struct node_change *)arg)->added++;
}

static void
count_changed(void *arg, struct rule_item *wanted UNUSED, struct rule_item *held UNUSED)
{
    ((struct node_change *)arg)->changed++;
}

static void
count_removed(void *arg, struct rule_item *held UNUSED)
{
    ((struct node_change *)arg)->removed++;
}

static void
compare_node(const struct planned *before, const struct planned *after, const char *node,
             struct comparison *c)
{
    static const struct ruleset empty;
    const struct ruleset *old = plan_ruleset(before->plan, node);
    const struct ruleset *now = plan_ruleset(after->plan, node);
    struct node_change change = {.node = node};
    const struct ruleset_difference difference = {
        .missing = count_added, .changed = count_changed, .foreign = count_removed, .arg = &change};
    ruleset_compare(now ? now : &empty, old ? old : &empty, &difference);
    if (!change.added && !change.removed && !change.changed)
        return;
    c->nodes[c->n_nodes++] = change;
    c->rules_added += change.added;
    c->rules_removed += change.removed;
    c->rules_changed += change.changed;
}

/* Goes through the nodes of both plans, which come sorted. */
static void
compare_rules(const struct planned *before, const struct planned *after, struct comparison *c)
{
    const char **old, **now;
    uint32_t n_old = plan_nodes(before->plan, &old), n_now = plan_nodes(after->plan, &now);
    uint32_t i = 0, k = 0;
    c->nodes = xcalloc((size_t)n_old + n_now, sizeof *c->nodes);
    while (i < n_old || k < n_now) {
        int order = i == n_old ? 1 : k == n_now ? -1 : strcmp(old[i], now[k]);
        compare_node(before, after, order > 0 ? now[k] : old[i], c);
        i += order <= 0;
        k += order >= 0;
    }
    free(old);
    free(now);
}

/* ---- Links ---- */

static struct topology *
loaded_topology(const struct network *net)
{
    struct topology *t = topology_new(net);
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        const struct circuit *c = network_circuit(net, d->circuit);
        topology_reserve(t, d, c ? c->rate_kbps : 0);
    }
    return t;
}

static void
compare_link(const struct topology *old, uint32_t i, const struct topology *now, uint32_t k,
             struct comparison *c)
{
    struct link_load load = {0};
    if (i != NO_INDEX) {
        load.link = old->links[i]->name;
        load.before_capacity_kbps = old->links[i]->capacity_kbps;
        load.before_kbps = old->reserved_kbps[i];
    }
    if (k != NO_INDEX) {
        load.link = now->links[k]->name;
        load.after_capacity_kbps = now->links[k]->capacity_kbps;
        load.after_kbps = now->reserved_kbps[k];
    }
    if (load.before_capacity_kbps != load.after_capacity_kbps ||
        load.before_kbps != load.after_kbps)
        c->links[c->n_links++] = load;
    if ((uint64_t)load.after_kbps * 100 > (uint64_t)load.after_capacity_kbps * c->hot_percent)
        c->hot[c->n_hot++] = load;
}

static int
by_fullness(const void *a, const void *b)
{
    const struct link_load *x = a, *y = b;
    uint64_t left = (uint64_t)x->after_kbps * y->after_capacity_kbps;
    uint64_t right = (uint64_t)y->after_kbps * x->after_capacity_kbps;
    if (left != right)
        return left > right ? -1 : 1;
    return strcmp(x->link, y->link);
}

/* Links of a topology come sorted by name. */
static void
compare_links(const struct network *before, const struct network *after, struct comparison *c)
{
    struct topology *old = loaded_topology(before), *now = loaded_topology(after);
    uint32_t n_old = old->graph.n_edges, n_now = now->graph.n_edges, i = 0, k = 0;
    c->links = xcalloc((size_t)n_old + n_now, sizeof *c->links);
    c->hot = xcalloc(n_now, sizeof *c->hot);
    while (i < n_old || k < n_now) {
        int order = i == n_old   ? 1
                    : k == n_now ? -1
                                 : strcmp(old->links[i]->name, now->links[k]->name);
        compare_link(old, order <= 0 ? i : NO_INDEX, now, order >= 0 ? k : NO_INDEX, c);
        i += order <= 0;
        k += order >= 0;
    }
    if (c->n_hot)
        qsort(c->hot, c->n_hot, sizeof *c->hot, by_fullness);
    topology_free(old);
    topology_free(now);
}

void
compare_planned(const struct planned *before, const struct planned *after, uint32_t hot_percent,
                struct comparison *result)
{
    *result = (struct comparison){.hot_percent = hot_percent};
    compare_circuits(before->network, after->network, result);
    compare_rules(before, after, result);
    compare_links(before->network, after->network, result);
}

void
comparison_fini(struct comparison *c)
{
    free(c->circuits);
    free(c->nodes);
    free(c->links);
    free(c->hot);
    *c = (struct comparison){0};
}

/* ---- As text ---- */

static void
put_route(struct buf *out, const char *what, const struct route *route)
{
    buf_printf(out, "    %s:", what);
    for (uint32_t i = 0; i < route->n_links; i++)
        buf_printf(out, " %s", route->links[i]);
    buf_str(out, route->n_links ? "\n" : " none\n");
}

static void
put_paths(struct buf *out, const char *when, const struct design *d)
{
    if (!d)
        return;
    buf_printf(out, "  %s\n", when);
    put_route(out, "primary", &d->primary);
    put_route(out, "failover", &d->failover);
}

static void
put_load(struct buf *out, uint32_t kbps, uint32_t capacity_kbps)
{
    if (capacity_kbps)
        buf_printf(out, "%u of %u kbit/s (%u %%)", kbps, capacity_kbps,
                   (uint32_t)((uint64_t)kbps * 100 / capacity_kbps));
    else
        buf_str(out, "not there");
}

void
comparison_format(const struct comparison *c, struct buf *out)
{
    if (!c->n_circuits && !c->n_nodes && !c->n_links)
        buf_str(out, "nothing differs\n");
    for (uint32_t i = 0; i < c->n_circuits; i++) {
        const struct circuit_change *change = &c->circuits[i];
        buf_printf(out, "circuit %s: %s\n", change->circuit, circuit_change_name(change->kind));
        put_paths(out, "before", change->before);
        put_paths(out, "after", change->after);
    }
    for (uint32_t i = 0; i < c->n_nodes; i++)
        buf_printf(out, "node %s: %u rules added, %u removed, %u changed\n", c->nodes[i].node,
                   c->nodes[i].added, c->nodes[i].removed, c->nodes[i].changed);
    for (uint32_t i = 0; i < c->n_links; i++) {
        const struct link_load *l = &c->links[i];
        buf_printf(out, "link %s: ", l->link);
        put_load(out, l->before_kbps, l->before_capacity_kbps);
        buf_str(out, " before, ");
        put_load(out, l->after_kbps, l->after_capacity_kbps);
        buf_str(out, " after\n");
    }
    for (uint32_t i = 0; i < c->n_hot; i++) {
        buf_printf(out, "link %s: over %u %%: ", c->hot[i].link, c->hot_percent);
        put_load(out, c->hot[i].after_kbps, c->hot[i].after_capacity_kbps);
        buf_str(out, "\n");
    }
}
